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

unit-tests += test-audit test-files test-sandbox
test-audit-srcs := tests/unit/test-audit.c $(sivd)/audit.c
test-audit-libs := -lsystemd -ljansson
test-files-srcs := tests/unit/test-files.c $(sivd)/files.c $(sivd)/trust.c \
	$(sivd)/sandbox.c $(sivd)/log.c
test-files-libs := -lsystemd -lseccomp
# the sanitizers are what the sandbox forbids
test-sandbox-srcs := tests/unit/test-sandbox.c $(sivd)/sandbox.c
test-sandbox-libs := -lseccomp
test-sandbox-san := plain

unit-tests += test-revoked
test-revoked-srcs := tests/unit/test-revoked.c $(sivd)/crl.c $(sivd)/certs.c \
	$(sivd)/denied.c $(sivd)/map.c tests/unit/pki.c tests/unit/certbuild.c \
	tests/unit/dertext.c
