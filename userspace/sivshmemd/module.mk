# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The host daemon: sivshmemd, its key process, and the dishonest one of the tests.

sivshmemd-files := main daemon ctl ctlcmd broker hello relay channel session \
	region member vanilla server alloc buddy memory numbers layout audit \
	certs crl denied map policy polfile polvalue polcheck notes qemuargs \
	files trust keylink sandbox log
sivshmemd-objects := $(sivshmemd-files:%=userspace/sivshmemd/%.c)

progs += sivshmemd
sivshmemd-srcs := $(sivshmemd-objects)
sivshmemd-libs := -lsystemd -linih -ljansson -lseccomp

progs += sivshmemd-key
sivshmemd-key-srcs := userspace/sivshmemd/key.c userspace/sivshmemd/trust.c \
	userspace/sivshmemd/sandbox.c userspace/sivshmemd/log.c
sivshmemd-key-libs := -lsystemd -lseccomp

# One thing at a time is not as it was agreed: for tests, never installed.
test-progs += sivshmemd-dishonest
sivshmemd-dishonest-srcs := $(sivshmemd-objects) userspace/sivshmemd/lie.c
sivshmemd-dishonest-libs := $(sivshmemd-libs)
sivshmemd-dishonest-cflags := -DSIV_DISHONEST
