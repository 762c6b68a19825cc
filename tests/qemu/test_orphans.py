# SPDX-License-Identifier: GPL-2.0-only
# A daemon that is killed takes nothing with it that is open: channels go on, plain, sealed
# and mapped, with their doorbells, far beyond `liveness`; what needs the daemon times out;
# ends are seen. Its sockets go with it, and under the next daemon the VMs begin anew.
import signal
import time

from lab.daemon import Daemon
from lab.pair import REGION, enter, open_region, policy, until, works
from lab.shell import Shell

OWN, PEER, TX, RX = range(4)
LIVENESS = 8  # of seconds; no more, for it is waited for twice
KINDS = {1: "", 2: "sealed", 3: "sealed aes"}
MAPPED = 4


def setup(lab):
    lab.text = policy(("alpha", "beta"), region_keys=f"liveness = {LIVENESS}s")
    open_region(lab, "alpha", "beta", text=lab.text, module="fallback_ms=0")


def go_on(here, there):
    """A record each way, each for somebody who sleeps."""
    for slot in KINDS:
        for one, other in ((here, there), (there, here)):
            other.begin(f"read {slot} 1000")
            other.asleep()
            sent = one.ok(f"write {slot} 100 {slot}")
            assert other.end() == f"ok {sent}", slot


def case_channels_outlive_it(lab):
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    for slot, words in {**KINDS, MAPPED: ""}.items():
        here.ok(f"connect {slot} {lab.keys['alpha']['user']} data {words}")
        there.ok(f"accept {slot} 0 30000")
    for shell in (here, there):
        for window in (OWN, PEER, TX, RX):
            shell.ok(f"map {MAPPED} {window}")
    go_on(here, there)
    old = lab.daemon
    old.may_die()
    old.process.send_signal(signal.SIGKILL)
    old.process.wait()
    end = time.monotonic() + 2 * LIVENESS
    position = 0
    while time.monotonic() < end:
        go_on(here, there)
        position += 16
        there.begin(f"wait {MAPPED} read {position} 30000")
        there.asleep()
        here.ok(f"set {MAPPED} {OWN} 0 {position}")
        here.ok(f"bell {MAPPED}")
        assert there.end() == "ok 0"
    here.refused(f"connect 5 {lab.keys['alpha']['user']} data timeout=1000",
                 "ETIMEDOUT")
    here.refused(f"listen 5 {lab.keys['alpha']['data']} timeout=1000", "ETIMEDOUT")
    go_on(here, there)
    sent = here.ok("write 1 10 3")
    here.ok("close 1")
    assert there.ok("read 1 100") == sent
    assert there.ok("read 1 100").startswith("0 ")
    there.refused("write 1 1", "EPIPE")
    for shell in (here, there):
        shell.quit()
    # no socket of its is left, and the next one starts
    until(lambda: not list(old.runtime.rglob("*.sock")), "the sockets' end")
    lab.daemon = lab.service(Daemon.certified(lab, lab.ca, lab.text, [REGION]))
    for name in ("alpha", "beta"):
        lab.forget(name)
        lab.start(name, extra=lab.daemon.qemu_args(name))
    for name in ("alpha", "beta"):
        lab.vms[name].wait_boot()
        enter(lab, name)
    works(lab)
