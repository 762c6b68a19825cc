# SPDX-License-Identifier: GPL-2.0-only
#
# Fuzzers: one LLVMFuzzerTestOneInput() per file.
#
#   fuzzers += fuzz-x             tests/fuzz/fuzz-x.c
#   fuzz-x-more := FILES          and these
#
# As unit tests they run a fixed number of inputs made of their seeds (replay.c), so
# that they stay true. `make -f userspace/Makefile fuzz FUZZ_SECONDS=600` runs them
# under libFuzzer (clang); what is found stays in build/user/fuzz/NAME.corpus/.

fuzzers += fuzz-msg fuzz-session fuzz-connect

fuzz-world := tests/unit/dialog.c tests/unit/pki.c tests/unit/certbuild.c \
	      tests/unit/dertext.c
fuzz-session-more := $(fuzz-world)
fuzz-connect-more := $(fuzz-world) tests/unit/link.c

unit-tests += $(fuzzers)
$(foreach f,$(fuzzers),$(eval $(f)-srcs := tests/fuzz/$(f).c tests/fuzz/replay.c \
	$($(f)-more)))

FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
fuzz-cflags := -std=gnu11 -O1 -g -Iinclude/uapi -Idrivers/sivshmem -Iuserspace \
	       -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

define fuzz-rule
$(B)/fuzz/$(1): tests/fuzz/$(1).c $($(1)-more) $(wildcard drivers/sivshmem/core/*.[ch] \
		userspace/core/*.[ch] tests/unit/*.h)
	@mkdir -p $$(@D)/$(1).corpus
	$(FUZZ_CC) $(fuzz-cflags) -o $$@ $$(filter %.c,$$^) -lcrypto

.PHONY: run-$(1)
run-$(1): $(B)/fuzz/$(1) $(B)/tests/asan/$(1)
	$(B)/tests/asan/$(1) --seeds $(B)/fuzz/$(1).corpus
	cd $(B)/fuzz && ./$(1) -max_total_time=$(FUZZ_SECONDS) -max_len=8192 \
		-timeout=10 -rss_limit_mb=1024 $(1).corpus
endef
$(foreach f,$(fuzzers),$(eval $(call fuzz-rule,$(f))))

.PHONY: fuzz
fuzz: $(addprefix run-,$(fuzzers))
