# SPDX-License-Identifier: GPL-2.0-only
#
# The core's cryptography: vectors, Noise, key derivation, sealing.

vectors := tests/vectors

# noise-vectors FILE.json... and xdh-vectors FILE.json... are also for people.
test-progs += noise-vectors xdh-vectors

unit-tests += noise-vectors
noise-vectors-srcs := tests/unit/noise-vectors.c tests/unit/vectors.c
noise-vectors-libs := -ljansson
noise-vectors-args := $(vectors)/noise-chachapoly.json $(vectors)/noise-aesgcm.json

unit-tests += xdh-vectors
xdh-vectors-srcs := tests/unit/xdh-vectors.c tests/unit/vectors.c
xdh-vectors-libs := -ljansson
xdh-vectors-args := $(vectors)/x25519.json


# asan proves memory, the plain build that the optimiser keeps the wiping
unit-tests += test-kdf test-noise test-seal
$(foreach t,test-kdf test-noise test-seal,\
	$(eval $(t)-srcs := tests/unit/$(t).c tests/unit/stackscan.c)\
	$(eval $(t)-san := asan none))

unit-tests += test-reason
