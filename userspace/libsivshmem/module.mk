# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# libsivshmem: the library, its example programs and its tests.

lib-dir := userspace/libsivshmem

libs += libsivshmem
libsivshmem-srcs := $(addprefix $(lib-dir)/,connect.c handle.c info.c options.c \
		      ring_map.c transfer.c zerocopy.c)
libsivshmem-version := 0.1.0
libsivshmem-cflags := -I$(lib-dir)/include \
		      -DLIBSIVSHMEM_VERSION='"$(libsivshmem-version)"'
libsivshmem-libs := -lkeyutils
libsivshmem-map := $(lib-dir)/libsivshmem.map
libsivshmem-nocore := y

unit-tests += test-lib-ring
test-lib-ring-srcs := tests/unit/test-lib-ring.c $(lib-dir)/ring_map.c
test-lib-ring-cflags := -I$(lib-dir)/include
test-lib-ring-nocore := y

unit-tests += test-lib-api
test-lib-api-uses := libsivshmem
test-lib-api-libs := -lkeyutils
test-lib-api-cflags := -I$(lib-dir)/include
test-lib-api-nocore := y

# Both ends in one process, on the fake driver; what is wrapped fails at will.
unit-tests += test-lib-calls
test-lib-calls-srcs := tests/unit/test-lib-calls.c tests/unit/fake-driver.c
test-lib-calls-uses := libsivshmem
test-lib-calls-libs := $(foreach f,ioctl mmap poll fcntl aligned_alloc,-Wl,--wrap=$(f))
test-lib-calls-cflags := -I$(lib-dir)/include
test-lib-calls-nocore := y

# The examples are built so that they stay right; nobody installs them.
lib-examples := hello serve frames events
test-progs += $(addprefix example-,$(lib-examples))
define lib-example
example-$(1)-srcs := $(lib-dir)/examples/$(1).c
example-$(1)-uses := libsivshmem
example-$(1)-libs := -lkeyutils
example-$(1)-cflags := -I$(lib-dir)/include
example-$(1)-nocore := y
endef
$(foreach e,$(lib-examples),$(eval $(call lib-example,$(e))))
