# SPDX-License-Identifier: GPL-2.0-only
#
# Native tests of the daemon's parts.

sivd := userspace/sivshmemd

unit-tests += test-alloc test-policy
test-alloc-srcs := tests/unit/test-alloc.c $(sivd)/alloc.c $(sivd)/buddy.c
test-policy-srcs := tests/unit/test-policy.c $(sivd)/policy.c $(sivd)/polfile.c \
	$(sivd)/polvalue.c $(sivd)/polcheck.c $(sivd)/layout.c $(sivd)/notes.c
test-policy-libs := -linih
