# SPDX-License-Identifier: GPL-2.0-only
# Whatever the kernel itself can make fail on a caller's behalf in the driver, its memory,
# its pages and its copies from and to the caller's memory, one place after the other until
# none is left: the call gives an error or succeeds, nothing else is harmed, and the same
# without a fault succeeds.
import collections
import itertools

from lab.faults import ERRORS, first_connecting, module_at, take_away, word, works_again
from lab.pair import open_region
from lab.shell import Shell

PLACES = ("failslab", "fail_page_alloc", "fail_usercopy")
OWN, PEER, TX, RX = range(4)


def aim(vm):
    """Faults are for what the driver does."""
    start, end = module_at(vm, "sivshmem")
    for place in PLACES:
        folder = f"/sys/kernel/debug/{place}"
        vm.run(f"cd {folder} && echo {start:#x} > require-start && "
               f"echo {end:#x} > require-end && echo 0 > verbose")
    vm.run("cd /sys/kernel/debug && echo N > failslab/ignore-gfp-wait && "
           "echo N > fail_page_alloc/ignore-gfp-wait && "
           "echo 0 > fail_page_alloc/min-order")


def setup(lab):
    open_region(lab, "alpha", "beta")
    for vm in lab.vms.values():
        aim(vm)
    lab.here, lab.there = (Shell(lab.vms[name]) for name in ("alpha", "beta"))
    lab.there.ok(f"listen 0 {lab.keys['beta']['data']}")


def sweep(shell, name, call, clean, *due):
    """Fail the first, the second, the third place of a command, until none fails.

    call: its line, or what makes it and gives its word; due: errors that must be seen.
    """
    told = collections.Counter()
    for number in itertools.count(1):
        shell.ok(f"nth {number}")
        got = call() if callable(call) else word(shell.do(call))
        struck = shell.ok("struck") == "1"
        clean()
        if not struck:
            break
        told[got] += 1
        assert got in {"ok", "EFAULT", *ERRORS}, f"{name}: place {number}: {got}"
    assert got == "ok", f"{name} without a fault: {got}"
    print(f"# {name}: " + ", ".join(f"{n} {what}" for what, n in sorted(told.items())),
          flush=True)
    assert set(due) <= set(told), f"{name}: never {set(due) - set(told)}"


def case_session(lab):
    """An identity's first session, and its first connect."""
    sweep(lab.here, "session", *first_connecting(lab, lab.here), "ENOMEM", "EFAULT")


def case_connect(lab):
    for words in ("", "sealed", "sealed aes"):
        sweep(lab.here, f"connect {words}",
              f"connect 1 {lab.keys['alpha']['user']} data {words}",
              lambda: take_away(lab, lab.here), "ENOMEM", "EFAULT")


def case_listen(lab):
    key = lab.keys["alpha"]["data"]
    sweep(lab.here, "listen", f"listen 3 {key} allow=beta/user",
          lambda: lab.here.do("close 3"), "ENOMEM", "EFAULT")


def case_accept(lab):
    def one_more():
        take_away(lab, lab.here)
        lab.here.ok(f"connect 1 {lab.keys['alpha']['user']} data")

    one_more()
    sweep(lab.there, "accept", "accept 1 0 5000", one_more, "ENOMEM", "EFAULT")
    take_away(lab, lab.here)


def channel(lab, words=""):
    take_away(lab, lab.here)
    lab.here.ok(f"connect 1 {lab.keys['alpha']['user']} data {words}")
    lab.there.ok("accept 1 0 5000")


def case_map(lab):
    """Mapping, and the first touch of what is mapped."""
    channel(lab)
    for window in (OWN, PEER, TX, RX):
        sweep(lab.here, f"map {window}", f"map 1 {window}",
              lambda w=window: lab.here.do(f"unmap 1 {w}"))
        lab.here.ok(f"map 1 {window}")
        # what is out of memory is asked for again
        sweep(lab.here, f"touch {window}", f"get 1 {window} 0", lambda: None)
        lab.here.ok(f"unmap 1 {window}")


def case_use(lab):
    for words in ("", "sealed"):
        channel(lab, words)
        # a copy that failed is tried again, byte by byte
        sweep(lab.here, f"write {words}", "write 1 5000 1", lambda: None)
        lab.there.ok("nonblock 1 1")
        while lab.there.do("read 1 5000") != "EAGAIN":
            pass
        lab.here.ok("write 1 5000 1")
        sweep(lab.there, f"read {words}", "read 1 5000", lambda: lab.here.ok(
            "write 1 5000 1"))
        for line in ("poll 1 0", "info 1", "shutdown 1 wr"):
            sweep(lab.here, line, line, lambda: None,
                  *([] if line == "poll 1 0" else ["EFAULT"]))


def case_zz_all_works_again(lab):
    take_away(lab, lab.here)
    lab.here.quit()
    works_again(lab)
