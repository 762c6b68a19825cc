# SPDX-License-Identifier: GPL-2.0-only
# Whichever allocation of the driver's fails, on whoever's behalf, the call gives an
# error or succeeds, nothing else is harmed, and the same call without a fault succeeds:
# loading the module, probe, keys, LISTEN, session, CONNECT, the accepting side. Moving
# records allocates nothing.
from lab.faults import (ENOUGH, FAULTS, accepting, first_connecting, load, loading, once,
                        probing, sweep, take_away, word, works_again)
from lab.members import add_identity, bundle
from lab.pair import REGION, enter, open_region
from lab.shell import Shell


def setup(lab):
    open_region(lab, "alpha", "beta")
    for name in ("alpha", "beta"):
        load(lab.vms[name])
    lab.there = Shell(lab.vms["beta"])
    lab.there.ok(f"listen 0 {lab.keys['beta']['data']}")


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
    """An identity's first session, and its LISTEN."""
    alpha, shell, keys = lab.vms["alpha"], Shell(lab.vms["alpha"]), lab.keys["alpha"]

    def clean():
        shell.do("close 3")
        alpha.run(f"keyctl unlink {keys['data']} @u")
        keys["data"] = add_identity(alpha, bundle(lab.ca, REGION, "alpha", "data"), "data")

    clean()
    sweep("listen", alpha,
          lambda: word(shell.do(f"listen 3 {keys['data']} timeout=3000")), clean)
    shell.quit()


def case_session(lab):
    """An identity's first session, and its first connect."""
    shell = Shell(lab.vms["alpha"])
    sweep("session", lab.vms["alpha"], *first_connecting(lab, shell))
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
    shell = Shell(lab.vms["alpha"])
    sweep("accept", lab.vms["beta"], *accepting(lab, shell))
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


def case_zz_probe(lab):
    alpha = lab.vms["alpha"]
    act, clean = probing(alpha)
    # not those inside other parts: /proc/irq minds the loss of its files when they go
    alpha.run(f"echo 6 > {FAULTS}/depth")
    sweep("probe", alpha, act, clean, {"unbound"})
    act()
    works_again(lab)


def case_zzz_load(lab):
    """What the module's start has built up it takes down again, and can build anew."""
    alpha, parts = lab.vms["alpha"], set()
    alpha.run("keyctl clear @u")
    act, clean = loading(alpha, parts)
    alpha.run(f"echo 6 > {FAULTS}/depth")  # as for probe, which is part of it
    sweep("load", alpha, act, clean, {"refused"})
    assert "keys" in parts, parts
    print(f"# load: failed were {', '.join(sorted(parts))}", flush=True)
    enter(lab, "alpha")
    works_again(lab)
