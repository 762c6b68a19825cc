# SPDX-License-Identifier: GPL-2.0-only
# Certificates and keys.

unit-tests += test-der
test-der-srcs := tests/unit/test-der.c tests/unit/dertext.c
