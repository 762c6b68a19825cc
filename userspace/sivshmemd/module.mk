# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The host daemon: sivshmemd, sivshmemd-key.

sivshmemd-dir := userspace/sivshmemd
