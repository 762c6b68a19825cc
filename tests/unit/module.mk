# SPDX-License-Identifier: GPL-2.0-only
#
# Native tests. The variables are described at the top of userspace/Makefile:
#
#   unit-tests += test-x          a cmocka program; its first comment is its claim
#   test-x-srcs := FILES          tests/unit/test-x.c if not said
#   test-x-libs := -lfoo          beside cmocka, libsivcore and libcrypto
#   test-x-san := asan tsan       variants that are built and run (asan if not said)
#
# Tests of one piece may also stand in a fragment of that piece.
