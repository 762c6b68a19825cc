# SPDX-License-Identifier: GPL-2.0-only
#
# The core's cryptography: vectors, Noise, key derivation, sealing.

vectors := tests/vectors
vector-srcs := tests/unit/vectors.c tests/unit/vectorroom.c \
	       drivers/sivshmem/tests/siv_vector.c

# noise-vectors FILE.json... and xdh-vectors FILE.json... are also for people.
test-progs += noise-vectors xdh-vectors

unit-tests += noise-vectors
noise-vectors-srcs := tests/unit/noise-vectors.c $(vector-srcs)
noise-vectors-libs := -ljansson
noise-vectors-args := $(vectors)/noise-chachapoly.json $(vectors)/noise-aesgcm.json

unit-tests += xdh-vectors
xdh-vectors-srcs := tests/unit/xdh-vectors.c $(vector-srcs)
xdh-vectors-libs := -ljansson
xdh-vectors-args := $(vectors)/x25519.json

# Their counts and KUnit's, and what they do with files that are not good.
unit-scripts += tests/unit/test-vectors.py

# The generated answers are what the other implementation says today.
unit-scripts += $(vectors)/reference.py

# The tables that KUnit runs, from the same files.
siv-vectors-h := $(B)/gen/siv_vectors.h
$(siv-vectors-h): $(vectors)/gen-kunit.py $(wildcard $(vectors)/*.json)
	$(Q)$< -o $@

unit-tests += test-connect-kat
test-connect-kat-srcs := tests/unit/test-connect-kat.c $(vector-srcs) \
			 drivers/sivshmem/tests/siv_connect_kat.c
test-connect-kat-libs := -ljansson
test-connect-kat-cflags := -I$(B)/gen
$(foreach v,$(variants),\
	$(eval $(B)/obj/$(v)/private/test-connect-kat/tests/unit/test-connect-kat.o: $(siv-vectors-h)))

# asan proves memory, the plain build that the optimiser keeps the wiping
unit-tests += test-kdf test-noise test-seal
$(foreach t,test-kdf test-noise test-seal,\
	$(eval $(t)-srcs := tests/unit/$(t).c tests/unit/stackscan.c)\
	$(eval $(t)-san := asan none))

unit-tests += test-reason test-openssl

test-progs += bench-crypto
bench-crypto-srcs := tests/unit/bench-crypto.c
