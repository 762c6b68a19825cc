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
