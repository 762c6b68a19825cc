# SPDX-License-Identifier: GPL-2.0-only
# The library against the real driver.
guest-tests += libcheck
libcheck-srcs := tests/guest/libcheck.c
libcheck-cflags := -Iuserspace/libsivshmem/include
libcheck-uses := libsivshmem
libcheck-libs := -lkeyutils
libcheck-nocore := y
