# SPDX-License-Identifier: GPL-2.0-only
# Tests of the daemon with simulated guests, and the native benchmarks. Each test runs
# under ASan, with the daemon under ASan, and as the product is built, sandbox and all.
world-srcs := tests/daemon/world.c tests/daemon/world_guests.c tests/daemon/papers.c \
	      tests/daemon/client.c tests/unit/pki.c tests/unit/certbuild.c tests/unit/dertext.c
world-deps := build/user/sivshmemd build/user/sivshmemd-key build/user/asan/sivshmemd \
	      build/user/asan/sivshmemd-key build/user/test-progs/sivshmemd-dishonest

daemon-world-tests := test-activated test-bells test-control test-dishonest test-guests \
		test-impostor test-keyproc test-life test-papers test-privilege \
		test-refusals test-reload test-replay test-revoke test-socket test-start \
		test-vanilla

define world-test
daemon-tests += $(1)
$(1)-srcs := tests/daemon/$(1).c $$(world-srcs)
$(1)-uses := libsimguest
$(1)-libs := -ljansson -lcmocka
$(1)-cflags := -Itests/unit -Itests/daemon
$(1)-deps := $$(world-deps)
$(1)-san := asan plain
endef
$(foreach t,$(daemon-world-tests),$(eval $(call world-test,$(t))))

test-progs += bench-connect
bench-connect-srcs := tests/daemon/bench-connect.c $(world-srcs)
bench-connect-uses := libsimguest
bench-connect-libs := -ljansson -lcmocka -Wl,--wrap=siv_x25519,--wrap=siv_x25519_static \
		      -Wl,--wrap=siv_x25519_base
bench-connect-cflags := -Itests/unit -Itests/daemon
