# SPDX-License-Identifier: GPL-2.0-only
# Whichever allocation of the driver's fails, on whoever's behalf, the call gives an
# error or succeeds, nothing else is harmed, and the same call without a fault succeeds:
# loading the module, probe, keys, LISTEN, session, CONNECT, the accepting side. Moving
# records allocates nothing.
#
# SIV_FAULTS=all fails every single one; else so many of each call, evenly spread.
import collections
import os
import re

from lab.lab import Skip
from lab.members import add_identity, bundle
from lab.pair import REGION, device, enter, open_region, works
from lab.shell import Shell

POINTS = 10**6 if os.environ.get("SIV_FAULTS") == "all" else 14
FAULTS = "/sys/module/sivfault/parameters"
ENOUGH = 10**9  # a number that no allocation reaches: they are counted only
# what a call may say of a fault: the peer's, or the daemon's word for it, too
ERRORS = {"ENOMEM", "ETIMEDOUT", "ECONNRESET", "EIO", "EAGAIN", "ECONNREFUSED"}


def setup(lab):
    open_region(lab, "alpha", "beta")
    for name in ("alpha", "beta"):
        vm = lab.vms[name]
        vm.run("test -e /modules/sivfault.ko")
        if vm.run("insmod /modules/sivfault.ko", status=None).status:
            raise Skip("this kernel's allocator does not ask should_failslab()")
        prepare(vm)
    lab.there = Shell(lab.vms["beta"])
    lab.there.ok(f"listen 0 {lab.keys['beta']['data']}")


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
    """Allocations that were seen, and whether one failed."""
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


def sweep(name, vm, act, clean, errors=ERRORS):
    """Fail one allocation of a call after the other.

    act() makes the call and says "ok" or an errno; clean() undoes it.
    """
    result, total, _ = once(vm, act, ENOUGH)
    assert result == "ok", f"{name} without a fault: {result}"
    clean()
    assert total, f"{name}: not an allocation was seen"
    step = max(1, -(-total // POINTS))
    results = collections.Counter()
    hit = 0
    for number in range(1, total + 1, step):
        result, seen, failed = once(vm, act, number)
        clean()
        results[result] += 1
        hit += failed
        assert result == "ok" or result in errors, \
            f"{name}: allocation {number} of {seen} failed: {result}"
    print(f"# {name}: {total} allocations, {hit} were failed: " + ", ".join(
        f"{times} {what}" for what, times in sorted(results.items())), flush=True)
    assert hit, f"{name}: nothing failed"
    result, _, _ = once(vm, act, 0)
    assert result == "ok", f"{name} after its faults: {result}"
    clean()


def word(answer):
    """ "ok", or the errno, of a Shell's answer."""
    return answer.split()[0]


def case_key(lab):
    alpha, data = lab.vms["alpha"], bundle(lab.ca, REGION, "alpha", "extra")

    def act():
        added = alpha.run("keyctl padd sivshmem extra @u", stdin=data, status=None)
        if added.status:
            return "ENOMEM" if "Cannot allocate memory" in added.err else added.err
        return "ok"

    sweep("key", alpha, act, lambda: alpha.run(
        "keyctl purge -s sivshmem extra", status=None), {"ENOMEM"})


def case_listen(lab):
    alpha, shell = lab.vms["alpha"], Shell(lab.vms["alpha"])
    sweep("listen", alpha,
          lambda: word(shell.do(f"listen 3 {lab.keys['alpha']['data']} timeout=3000")),
          lambda: shell.do("close 3"))
    shell.quit()


def take_away(lab, shell):
    """Close both ends of whatever there is."""
    shell.do("close 1")
    while lab.there.do("accept 1 0 100").startswith("ok"):
        lab.there.do("close 1")


def case_session(lab):
    """An identity's first session, and its first connect."""
    alpha, shell = lab.vms["alpha"], Shell(lab.vms["alpha"])
    keys = []

    def clean():
        take_away(lab, shell)
        if keys:
            alpha.run(f"keyctl unlink {keys.pop()} @u")
        keys.append(add_identity(alpha, bundle(lab.ca, REGION, "alpha", "fresh"),
                                 "fresh"))

    clean()
    sweep("session", alpha,
          lambda: word(shell.do(f"connect 1 {keys[0]} data timeout=4000")), clean)
    shell.quit()


def case_connect(lab):
    alpha, shell = lab.vms["alpha"], Shell(lab.vms["alpha"])
    for words in ("", "sealed"):
        sweep(f"connect {words}", alpha, lambda w=words: word(shell.do(
            f"connect 1 {lab.keys['alpha']['user']} data timeout=4000 {w}")),
            lambda: take_away(lab, shell))
    shell.quit()


def case_accept(lab):
    """The faults are at the side that is connected to."""
    shell, beta = Shell(lab.vms["alpha"]), lab.vms["beta"]

    def act():
        got = word(shell.do(f"connect 1 {lab.keys['alpha']['user']} data timeout=2000"))
        accepted = word(lab.there.do("accept 1 0 1000"))
        return got if got != "ok" else accepted

    sweep("accept", beta, act, lambda: take_away(lab, shell))
    shell.quit()


def case_use(lab):
    """Who writes, waits and ends needs no memory, but for an end that cannot fail."""
    alpha, shell = lab.vms["alpha"], Shell(lab.vms["alpha"])

    def fresh(words):
        take_away(lab, shell)
        shell.ok(f"connect 1 {lab.keys['alpha']['user']} data {words}")
        lab.there.ok("accept 1 0 5000")

    def act():
        for line in ("write 1 5000 1", "poll 1 0", "info 1", "shutdown 1 wr"):
            got = word(shell.do(line))
            if got != "ok":
                return got
        return "ok"

    for words in ("", "sealed"):
        fresh(words)
        result, seen, _ = once(alpha, act, ENOUGH)
        assert (result, seen) == ("ok", 0), (words, result, seen)
    take_away(lab, shell)
    shell.quit()


def works_again(lab):
    """Without the listener of these tests, who comes back."""
    lab.there.ok("close 0")
    works(lab)
    lab.there.ok(f"listen 0 {lab.keys['beta']['data']}")


def case_zz_probe(lab):
    alpha = lab.vms["alpha"]
    address = device(alpha)

    def act():
        alpha.run("echo 1 > /sys/bus/pci/rescan")
        bound = alpha.run(f"test -e /sys/bus/pci/drivers/sivshmem/{address}", status=None)
        return "ok" if not bound.status else "ENOMEM"

    def clean():
        alpha.run(f"echo 1 > /sys/bus/pci/devices/{address}/remove")

    clean()
    # not those inside other parts: /proc/irq minds the loss of its files when they go
    alpha.run(f"echo 6 > {FAULTS}/depth")
    sweep("probe", alpha, act, clean, {"ENOMEM"})
    alpha.run("echo 1 > /sys/bus/pci/rescan")
    works_again(lab)


def case_zzz_load(lab):
    """What the module's start has built up it takes down again, and can build anew."""
    alpha = lab.vms["alpha"]
    refused = set()

    def act():
        # busybox tries another system call when the first one fails
        alpha.run("dmesg -c > /dev/null; insmod /modules/sivshmem.ko")
        found = re.findall(r"sivshmem: (.*): error -12", alpha.out("dmesg"))
        refused.update(found)
        return "ENOMEM" if found else "ok"

    def clean():
        alpha.run("grep -q '^sivshmem ' /proc/modules || exit 0; rmmod sivshmem")

    alpha.run("keyctl clear @u")
    clean()
    # it is loaded anew each time: all of the modules' space, which begins at 0.5 or 1 GiB
    start = module_at(alpha, "sivfault")[0] & ~0x1fffffff
    aim(alpha, start, start + 0x1fffffff)
    alpha.run(f"echo 6 > {FAULTS}/depth")  # as for probe, which is part of it
    sweep("load", alpha, act, clean, {"ENOMEM"})
    assert "keys" in refused, refused
    print(f"# load: failed were {', '.join(sorted(refused))}", flush=True)
    enter(lab, "alpha")
    works_again(lab)
