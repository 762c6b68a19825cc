# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# sivshmemctl: the command, in guests and on the host.

ctl-dir := userspace/sivshmemctl

# static too: it goes into the test guests' initramfs
guest-progs += sivshmemctl
sivshmemctl-srcs := $(addprefix $(ctl-dir)/,channel_options.c cmd_host.c cmd_info.c \
		      cmd_ping.c cmd_pipe.c cmd_posture.c cmd_recv.c cmd_send.c json.c \
		      main.c report.c)
sivshmemctl-cflags := -Iuserspace/libsivshmem/include
sivshmemctl-uses := libsivshmem
sivshmemctl-libs := -lkeyutils
sivshmemctl-nocore := y

unit-tests += test-ctl test-ctl-json

test-ctl-json-srcs := tests/unit/test-ctl-json.c $(ctl-dir)/json.c
test-ctl-json-nocore := y

# Both ends of a channel are the command itself, on a driver made of sockets.
fake-driver := $(B)/fake-driver.so
$(fake-driver): tests/unit/fake-driver.c include/uapi/linux/sivshmem.h \
		drivers/sivshmem/core/ring.h drivers/sivshmem/core/platform.h \
		userspace/core/platform_user.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(base-cflags) $(includes) -shared -o $@ $<

test-ctl-cflags := -Iuserspace/libsivshmem/include
test-ctl-uses := libsivshmem
test-ctl-libs := -lkeyutils -ljansson
test-ctl-nocore := y
test-ctl-deps := $(B)/asan/sivshmemctl $(fake-driver)
test-ctl-args := $(B)/asan/sivshmemctl $(fake-driver)
