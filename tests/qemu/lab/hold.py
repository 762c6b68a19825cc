# SPDX-License-Identifier: GPL-2.0-only
"""A function of a guest's kernel that returns no sooner than it is let (sivslow.c)."""

import contextlib

from .pair import until

PARAMETERS = "/sys/module/sivslow/parameters"


@contextlib.contextmanager
def held_up(vm, function):
    """The first return from it waits until this ends; what is given tells whether it does."""
    def waits():
        return vm.out(f"cat {PARAMETERS}/held") == "Y"

    # the processor that waits is not stuck, and its guest is not ill
    vm.run("echo 1 > /sys/module/rcupdate/parameters/rcu_cpu_stall_suppress")
    vm.run(f"insmod /modules/sivslow.ko at={function}")
    try:
        yield lambda: until(waits, f"{function}() is held up")
        assert waits(), f"{function}() is not held up any more"
    finally:
        vm.run(f"echo 1 > {PARAMETERS}/go")
        vm.run("rmmod sivslow")
