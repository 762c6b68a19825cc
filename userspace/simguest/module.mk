# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The simulated guest: a library for tests and benchmarks.
libs += libsimguest
libsimguest-srcs := $(wildcard userspace/simguest/*.c)
