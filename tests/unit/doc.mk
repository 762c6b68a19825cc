# SPDX-License-Identifier: GPL-2.0-only
unit-scripts += tests/unit/test-doc.py
