# SPDX-License-Identifier: GPL-2.0-only
# Programs that only test guests run.
guest-tests += act
act-srcs := tests/guest/act.c
act-libs := -lkeyutils
act-nocore := y
guest-tests += chan
chan-srcs := tests/guest/chan.c
chan-nocore := y
guest-tests += chsh
chsh-srcs := tests/guest/chsh.c
chsh-nocore := y
guest-tests += churn
churn-srcs := tests/guest/churn.c
churn-libs := -lpthread
churn-nocore := y
guest-tests += grip
grip-srcs := tests/guest/grip.c
grip-libs := -lpthread
grip-nocore := y
guest-tests += ioctls
ioctls-srcs := tests/guest/ioctls.c
ioctls-nocore := y
guest-tests += park
park-srcs := tests/guest/park.c
park-nocore := y

# A 32-bit process without a 32-bit C library: the compiler and the headers are enough.
abi32-cflags := -m32 -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-stack-protector \
		-fno-asynchronous-unwind-tables $(warnings) -Iinclude/uapi \
		-idirafter /usr/include/$(shell $(CC) -print-multiarch)
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
static: $(B)/guest/abi32
endif
$(B)/guest/abi32: tests/guest/abi32.c include/uapi/linux/sivshmem.h \
		tests/guest/module.mk
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(abi32-cflags) -nostdlib -static -no-pie \
		-Wl,--build-id=none -o $@ $<
