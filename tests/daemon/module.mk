# SPDX-License-Identifier: GPL-2.0-only
# Tests of the daemon with simulated guests, and the native benchmark.
world-srcs := tests/daemon/world.c tests/unit/pki.c tests/unit/certbuild.c \
	      tests/unit/dertext.c

daemon-tests += test-guests
test-guests-srcs := tests/daemon/test-guests.c $(world-srcs)
test-guests-uses := libsimguest
test-guests-libs := -ljansson -lcmocka
test-guests-cflags := -Itests/unit -Itests/daemon
test-guests-deps := build/user/sivshmemd

test-progs += bench-connect
bench-connect-srcs := tests/daemon/bench-connect.c $(world-srcs)
bench-connect-uses := libsimguest
bench-connect-libs := -ljansson -lcmocka
bench-connect-cflags := -Itests/unit -Itests/daemon
bench-connect-deps := build/user/sivshmemd
