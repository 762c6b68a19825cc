# SPDX-License-Identifier: GPL-2.0-only
"""Faults in a guest's kernel: allocations, or calls, of the driver's (sivfault.c).

SIV_FAULTS=all fails every single one; else so many of each act, evenly spread.
"""

import collections
import itertools
import os
import re

from .lab import Skip
from .members import add_identity, bundle
from .pair import REGION, device, works

POINTS = 10**6 if os.environ.get("SIV_FAULTS") == "all" else 14
FAULTS = "/sys/module/sivfault/parameters"
ENOUGH = 10**9  # a number that no allocation reaches: they are counted only
# what a call may say of a fault: the peer's, or the daemon's word for it, too
ERRORS = {"ENOMEM", "ETIMEDOUT", "ECONNRESET", "EIO", "EAGAIN", "ECONNREFUSED"}


def load(vm, allocations=True):
    """Faults are for the driver's own sake alone, which is loaded already."""
    vm.run("insmod /modules/sivfault.ko")
    if allocations and vm.out(f"cat {FAULTS}/slab") != "Y":
        raise Skip("this kernel's allocator does not ask should_failslab()")
    prepare(vm)


def module_at(vm, name):
    """Where a module is: its first and its last address."""
    _, size, *_, base = vm.out(f"grep '^{name} ' /proc/modules | cut -d' ' -f1-6").split()
    base = int(base, 16)
    assert base, "addresses of modules are hidden"
    return base, base + int(size)


def prepare(vm):
    """Faults are for the driver's allocations alone."""
    aim(vm, *module_at(vm, "sivshmem"))


def aim(vm, start, end):
    vm.run(f"echo {start} > {FAULTS}/from; echo {end} > {FAULTS}/to")


def arm(vm, number):
    vm.run(f"echo {number} > {FAULTS}/nth")


def disarm(vm):
    """How many were seen, and whether one failed."""
    seen, failed = vm.out(f"cat {FAULTS}/seen {FAULTS}/failed; "
                          f"echo 0 > {FAULTS}/nth").split()
    return int(seen), int(failed)


def once(vm, act, number):
    arm(vm, number)
    try:
        result = act()
    finally:
        seen, failed = disarm(vm)
    return result, seen, failed


def attempt(name, vm, act, clean, errors, number, tries):
    """Let the one with this number fail; the act's word then, or None if it never came.

    How often a thread asks is not always the same, so it may take several tries.
    """
    for _ in range(tries):
        result, seen, failed = once(vm, act, number)
        clean()
        assert result == "ok" or result in errors, \
            f"{name}: number {number} of {seen} failed: {result}"
        if failed:
            return result
    return None


def sweep(name, vm, act, clean, errors=ERRORS):
    """Fail one allocation of an act, or one call by it, after the other, until none is left.

    act() says "ok" or an errno; clean() undoes it. Returned is the set of its words.
    """
    for _ in range(2):  # what only the first one allocates is not its own
        result, total, _ = once(vm, act, ENOUGH)
        assert result == "ok", f"{name} without a fault: {result}"
        clean()
    assert total, f"{name}: nothing was seen that could fail"
    results = collections.Counter()
    missed = 0
    for number in itertools.count(1, max(1, -(-total // POINTS))):
        result = attempt(name, vm, act, clean, errors, number,
                         3 if number <= total else 1)
        if result:
            results[result] += 1
        elif number > total:
            break
        else:
            missed += 1
        if results.total() >= POINTS:
            break
    hit = results.total()
    print(f"# {name}: {total}, {hit} were failed: " + ", ".join(
        f"{times} {what}" for what, times in sorted(results.items())), flush=True)
    # work in the background asks now and then
    assert hit and missed <= max(4, hit // 10), f"{name}: {missed} never came, {hit} did"
    result, _, _ = once(vm, act, 0)
    assert result == "ok", f"{name} after its faults: {result}"
    clean()
    return set(results)


def word(answer):
    """ "ok", or the errno, of a Shell's answer."""
    return answer.split()[0]


def take_away(lab, shell):
    """Close both ends of whatever there is."""
    shell.do("close 1")
    while lab.there.do("accept 1 0 100").startswith("ok"):
        lab.there.do("close 1")


def first_connecting(lab, shell):
    """The act of an identity's first session and first connect, and its undoing."""
    alpha, keys = lab.vms["alpha"], []

    def act():
        return word(shell.do(f"connect 1 {keys[0]} data timeout=4000"))

    def clean():
        take_away(lab, shell)
        if keys:
            alpha.run(f"keyctl unlink {keys.pop()} @u")
        keys.append(add_identity(alpha, bundle(lab.ca, REGION, "alpha", "fresh"),
                                 "fresh"))

    clean()
    return act, clean


def accepting(lab, shell):
    """The act of connecting and accepting, and its undoing."""

    def act():
        got = word(shell.do(f"connect 1 {lab.keys['alpha']['user']} data timeout=2000"))
        accepted = word(lab.there.do("accept 1 0 1000"))
        return got if got != "ok" else accepted

    return act, lambda: take_away(lab, shell)


def probing(vm):
    """The act of probing the device, which is removed now, and its undoing."""
    address = device(vm)

    def act():
        vm.run("echo 1 > /sys/bus/pci/rescan")
        bound = vm.run(f"test -e /sys/bus/pci/drivers/sivshmem/{address}", status=None)
        return "ok" if not bound.status else "unbound"

    def clean():
        vm.run(f"echo 1 > /sys/bus/pci/devices/{address}/remove")

    clean()
    return act, clean


def loading(vm, parts):
    """The act of loading the module, which is unloaded now, and its undoing.

    parts: a set, which takes the names of the module's parts that did not come up.
    Faults are for all of the modules' space from now on: it is loaded anew each time.
    """

    def act():
        # busybox tries another system call when the first one fails
        vm.run("dmesg -c > /dev/null; insmod /modules/sivshmem.ko")
        found = re.findall(r"sivshmem: (.*): error -", vm.out("dmesg"))
        parts.update(found)
        return "refused" if found else "ok"

    def clean():
        vm.run("grep -q '^sivshmem ' /proc/modules || exit 0; rmmod sivshmem")

    clean()
    # it begins at 0.5 or 1 GiB
    start = module_at(vm, "sivfault")[0] & ~0x1fffffff
    aim(vm, start, start + 0x1fffffff)
    return act, clean


def works_again(lab):
    """Without lab.there's listener, which comes back."""
    lab.there.ok("close 0")
    works(lab)
    lab.there.ok(f"listen 0 {lab.keys['beta']['data']}")
