# SPDX-License-Identifier: GPL-2.0-only
# Expanded late: module.mk says what a world is made of.
daemon-tests += test-chaos
test-chaos-srcs = tests/daemon/test-chaos.c $(world-srcs)
test-chaos-uses := libsimguest
test-chaos-libs := -ljansson -lcmocka
test-chaos-cflags := -Itests/unit -Itests/daemon
test-chaos-deps = $(world-deps)
test-chaos-san := asan plain
