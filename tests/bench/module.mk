# SPDX-License-Identifier: GPL-2.0-only
guest-tests += vmbench
vmbench-srcs := tests/bench/vmbench.c
vmbench-uses := libsivshmem
vmbench-cflags := -Iuserspace/libsivshmem/include
vmbench-libs := -lkeyutils
