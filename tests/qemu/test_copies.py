# SPDX-License-Identifier: GPL-2.0-only
# A machine that is told it is a copy, that sleeps or that is about to be written to disk
# goes on with nothing of before: its channels and listeners give ESTALE, its mappings are
# gone, its peers' channels end, and the next session has a new boot nonce.
import time

from lab.pair import REGION, open_region, policy, renew, until, works
from lab.shell import Shell

OWN, PEER, TX, RX = WINDOWS = range(4)
LIVENESS = 300  # a peer that is told nothing would wait so long
REBOOTED = "its VM has rebooted"  # how the host calls a new nonce
GOODBYE = "its VM said goodbye"


def setup(lab):
    text = policy(("alpha", "beta"), region_keys=f"liveness = {LIVENESS}s")
    open_region(lab, "alpha", "beta", text=text)
    # the kernel's own test of sleep comes back after so many seconds
    lab.vms["alpha"].run("echo 1 > /sys/module/suspend/parameters/pm_test_delay")


def sessions(lab):
    """Numbers of alpha's live sessions."""
    return {s["id"] for s in lab.daemon.ctl("status", json_output=True)["sessions"]
            if s["vm"] == "alpha" and s["state"] == "live"}


def ends(lab, what):
    """How many of the host's channels have ended so."""
    return len([e for e in lab.daemon.audit(event="channel_end") if what in e["what"]])


def dead(shell, listener):
    """Channel 1 is mapped, channel 2 was written to; slot 0 is a listener."""
    for window in WINDOWS:
        shell.refused(f"get 1 {window} 0", "SIGBUS")
        shell.refused(f"map 1 {window}", "ESTALE")
    for call in ("wait 1 read 8 1000", "bell 1", "shutdown 1 wr", "write 2 10",
                 "read 2 10"):
        shell.refused(call, "ESTALE")
    for slot in (1, 2):
        polled = shell.ok(f"poll {slot} 1000")
        assert "hup" in polled and "err" in polled, polled
        info = shell.info(slot)
        assert (info["state"], info["end"]) == ("3", "ESTALE"), info
    listener.refused("accept 1 0 1000", "ESTALE")
    polled = listener.ok("poll 0 1000 in")
    assert "hup" in polled and "err" in polled, polled


def stale(lab, act, cause, keys_go=False):
    """Everything of alpha's is open, then @act happens to it."""
    time.sleep(5)  # the audit log keeps back what one VM causes too often
    alpha, keys = lab.vms["alpha"], lab.keys["alpha"]
    here, there = Shell(alpha), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    for slot in (1, 2):
        here.ok(f"connect {slot} {keys['user']} data")
        there.ok(f"accept {slot} 0 30000")
    for window in WINDOWS:
        here.ok(f"map 1 {window}")
        here.ok(f"get 1 {window} 0")
    sent = here.ok("write 2 10 3")
    assert there.ok("read 2 10") == sent
    there.begin("read 2 10")
    sleeper = Shell(alpha)
    sleeper.ok(f"listen 0 {keys['data']}")
    sleeper.begin("accept 1 0 60000")
    for shell in (sleeper, there):
        shell.asleep()
    old, before = sessions(lab), ends(lab, cause)
    assert len(old) == 2, old
    alpha.run(act)
    assert sleeper.end() == "ESTALE"
    dead(here, sleeper)
    if cause == GOODBYE:
        # before anything new of alpha's has come
        assert there.end() == "ECONNRESET"
    if keys_go:
        for key in keys.values():
            out = alpha.run(f"chan connect {key} data", status=1).out
            assert out.split()[0] in ("ENOKEY", "EKEYREVOKED"), out
        renew(lab, "alpha")
        keys = lab.keys["alpha"]
    fresh = Shell(alpha)
    fresh.ok(f"connect 1 {keys['user']} data")
    if cause != GOODBYE:
        assert there.end() == "ECONNRESET"
    until(lambda: ends(lab, cause) == before + 2, f"{cause}, twice")
    assert there.info(1)["end"] == "ECONNRESET", there.info(1)
    until(lambda: not sessions(lab) & old, "the end of the old sessions")
    assert len(sessions(lab)) == 1, sessions(lab)
    there.ok("accept 3 0 30000")
    sent = fresh.ok("write 1 20 4")
    assert there.ok("read 3 100") == sent
    # what was of before does not come to life with it
    dead(here, sleeper)
    for shell in (here, there, sleeper, fresh):
        shell.quit()
    works(lab)


def case_a_copy(lab):
    """Twice; no goodbye is said, for the copy that goes on may be the other one."""
    before = ends(lab, GOODBYE)
    for _ in range(2):
        stale(lab, "insmod /modules/sivfork.ko && rmmod sivfork", REBOOTED)
    assert ends(lab, GOODBYE) == before


def pm_test(lab, level, state):
    alpha = lab.vms["alpha"]
    start = len(alpha.kernel_log())
    assert level in alpha.out("cat /sys/power/pm_test")
    assert state in alpha.out("cat /sys/power/state")
    return start, f"echo {level} > /sys/power/pm_test; echo {state} > /sys/power/state"


def case_suspend(lab):
    """Before user space is frozen, and with all devices asleep."""
    # all but the agent's line, which may lose what is said just then
    lab.vms["alpha"].run("echo enabled > /sys/class/tty/ttyS1/power/wakeup")
    for level in ("freezer", "devices"):
        start, act = pm_test(lab, level, "freeze")
        stale(lab, act, GOODBYE)
        assert "PM: suspend exit" in lab.vms["alpha"].kernel_log()[start:]


def case_hibernation(lab):
    """Private keys are not for an image on disk: they must be added again."""
    start, act = pm_test(lab, "freezer", "disk")
    stale(lab, act, GOODBYE, keys_go=True)
    assert "PM: hibernation: hibernation exit" in lab.vms["alpha"].kernel_log()[start:]
