# SPDX-License-Identifier: GPL-2.0-only
# `make -f userspace/Makefile fuzz-cert`: FUZZ_SECONDS of libFuzzer on the
# certificate parser, seeded with certificates of the CA's tool. Needs clang.

FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
fuzz-dir := build/user/fuzz
fuzz-flags := -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined \
	      -fno-sanitize-recover=all -Wno-unused-command-line-argument
fuzz-core := $(wildcard drivers/sivshmem/core/*.c userspace/core/*.c)

$(fuzz-dir)/fuzz-cert: tests/fuzz/fuzz-cert.c $(fuzz-core)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)$(FUZZ_CC) $(fuzz-flags) $(includes) -o $@ $^ -lcrypto

$(fuzz-dir)/cert-seeds: build/user/sivshmem-keys
	@rm -rf $@ $@.ca && mkdir -p $@
	@$< init-ca --dir $@.ca >/dev/null
	@$< issue demo/alice/camera.front --dir $@.ca --out $@/bundle >/dev/null
	@$< host demo --dir $@.ca --out $@/host >/dev/null
	@cp $@.ca/ca.der $@.ca/issued/* $@
	@for f in $@/*.crt; do openssl x509 -in $$f -outform DER -out $$f.der; done

.PHONY: fuzz-cert
fuzz-cert: $(fuzz-dir)/fuzz-cert $(fuzz-dir)/cert-seeds
	@mkdir -p $(fuzz-dir)/cert-corpus
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=5000 -print_final_stats=1 \
		$(fuzz-dir)/cert-corpus $(fuzz-dir)/cert-seeds
