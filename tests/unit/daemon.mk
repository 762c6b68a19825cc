# SPDX-License-Identifier: GPL-2.0-only
#
# Native tests of the daemon's parts.

sivd := userspace/sivshmemd

unit-tests += test-alloc test-policy test-server
test-alloc-srcs := tests/unit/test-alloc.c $(sivd)/alloc.c $(sivd)/buddy.c
test-policy-srcs := tests/unit/test-policy.c $(sivd)/policy.c $(sivd)/polfile.c \
	$(sivd)/polvalue.c $(sivd)/polcheck.c $(sivd)/layout.c $(sivd)/notes.c
test-policy-libs := -linih
test-server-srcs := tests/unit/test-server.c $(sivd)/server.c $(sivd)/member.c \
	$(sivd)/vanilla.c $(sivd)/region.c $(sivd)/memory.c $(sivd)/numbers.c \
	$(sivd)/alloc.c $(sivd)/buddy.c $(sivd)/layout.c $(sivd)/audit.c
test-server-libs := -lsystemd -ljansson
