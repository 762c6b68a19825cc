# SPDX-License-Identifier: GPL-2.0-only
unit-scripts += tests/check-layers.sh
