# SPDX-License-Identifier: GPL-2.0-only
#
# The ring (drivers/sivshmem/core/ring.h) and the ABI's layout.

unit-tests += test-ring test-ring16 test-ring-pairs test-ring-threads \
	      test-ring-hostile

test-ring-nocore := y

# the same program with 16-bit positions
test-ring16-srcs := tests/unit/test-ring.c
test-ring16-cflags := -DSIV_POS=u16
test-ring16-nocore := y

# 2^32 pairs: no sanitizer, it touches two words
test-ring-pairs-san := none
test-ring-pairs-nocore := y

# gcc's warning that fences order nothing for the sanitizer; the test relies on none
test-ring-threads-san := tsan none
test-ring-threads-cflags := -Wno-tsan
test-ring-threads-nocore := y

test-ring-hostile-nocore := y

unit-tests += test-uapi

test-uapi-nocore := y
test-uapi-deps := $(B)/uapi-m32.checked

# The same assertions for a 32-bit caller. Of a 32-bit C library only one header is
# asked for, by the other headers, and it may be empty.
m32 := -m32 -std=gnu11 -fsyntax-only -I$(B)/m32 $(warnings) $(includes) \
       -idirafter /usr/include/$(shell $(CC) -print-multiarch)
$(B)/uapi-m32.checked: tests/unit/test-uapi.c drivers/sivshmem/abi.h \
		include/uapi/linux/sivshmem.h drivers/sivshmem/core/platform.h \
		userspace/core/platform_user.h tests/unit/ring.mk
	@mkdir -p $(B)/m32/gnu && : >$(B)/m32/gnu/stubs-32.h
	$(call say,M32,$<)$(CC) $(m32) $< && touch $@
