# SPDX-License-Identifier: GPL-2.0-only
# A guest that leaves in order says so: when it reboots, and when its device is unplugged,
# its peers' channels end within a second, although nobody waits for its silence; and who
# has rebooted can connect again. From its word on, it touches nothing it was given.
import time

from lab.certs import Ca
from lab.clock import slack
from lab.daemon import Daemon
from lab.hold import held_up
from lab.pair import REGION, device, enter, policy, until, works
from lab.shell import Shell

OWN, PEER, TX, RX = WINDOWS = range(4)
WITHIN = 1.0  # what is promised
LIVENESS = 300  # a peer that is told nothing would wait so long
PORT = "sivport0"


def arguments(lab, name):
    """The daemon's for QEMU, with a name for the device."""
    args = lab.daemon.qemu_args(name)
    at = next(i for i, word in enumerate(args) if word.startswith("ivshmem-doorbell"))
    assert f"bus={PORT}" in args[at], args
    return [*args[:at], f"{args[at]},id=ivdev", *args[at + 1:]]


def setup(lab):
    lab.ca = Ca()
    text = policy(("alpha", "beta"), region_keys=f"liveness = {LIVENESS}s")
    lab.daemon = lab.service(Daemon.certified(lab, lab.ca, text, [REGION]))
    lab.keys = {}
    for name in ("alpha", "beta"):
        lab.start(name, extra=arguments(lab, name), reboot=True, cpus=2,
                  remaps=True)
    for name in ("alpha", "beta"):
        lab.vms[name].wait_boot()
        enter(lab, name)


def channel(lab):
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data")
    there.ok("accept 1 0 30000")
    return here, there


def figure(what, start):
    seconds = time.monotonic() - start
    print(f"# {what}: {seconds * 1000:.0f} ms of {WITHIN * 1000:.0f}", flush=True)
    assert seconds < WITHIN + slack(), f"{what}: {seconds:.2f} s"


def goodbyes(lab):
    return len([e for e in lab.daemon.audit(event="channel_end")
                if "its VM said goodbye" in e["what"]])


def left(lab, other, start, before):
    """The end at the one that stays: told by the one that left, and soon."""
    assert other.end() == "ECONNRESET"
    figure("the peer's channel", start)
    assert other.info(1)["end"] == "ECONNRESET", other.info(1)
    polled = other.ok("poll 1 1000")
    assert "hup" in polled and "err" not in polled, polled
    until(lambda: goodbyes(lab) == before + 1, "goodbye in the audit log")


def reboots(lab, name):
    here, there = channel(lab)
    _, other = (here, there) if name == "alpha" else (there, here)
    other.begin("read 1 100")
    other.asleep()
    guest = lab.vms[name]
    before = goodbyes(lab)
    start = time.monotonic()
    guest.start("reboot -f")
    left(lab, other, start, before)
    guest.wait_boot()
    enter(lab, name)
    other.quit()
    works(lab)


def case_connector_reboots(lab):
    reboots(lab, "alpha")


def case_listener_reboots(lab):
    reboots(lab, "beta")


def case_nothing_is_touched_after_goodbye(lab):
    """With it the host gives the memory to others; there the driver is held up."""
    here, there = channel(lab)
    alpha, key = lab.vms["alpha"], lab.keys["alpha"]["user"]
    for window in WINDOWS:
        here.ok(f"map 1 {window}")
        here.ok(f"get 1 {window} 0")
    here.ok(f"connect 2 {key} data")
    there.ok("accept 2 0 30000")
    sent = here.ok("write 2 10 3")
    assert there.ok("read 2 100") == sent
    there.begin("read 1 100")
    path = f"/sys/bus/pci/devices/{device(alpha)}/remove"
    with held_up(alpha, "siv_talk_goodbye") as held:
        removal = alpha.start(f"echo 1 > {path}")
        held()
        assert there.end() == "ECONNRESET"
        for window in WINDOWS:
            here.refused(f"get 1 {window} 0", "SIGBUS")
        here.refused("write 2 10 4", "ENODEV")
    removal.wait()
    alpha.run("echo 1 > /sys/bus/pci/rescan")
    here.quit()
    there.quit()
    works(lab)


def case_unplugged(lab):
    """The last case: a QEMU 7.2 that is given another ivshmem device then may crash."""
    here, there = channel(lab)
    alpha = lab.vms["alpha"]
    for window in WINDOWS:
        here.ok(f"map 1 {window}")
        here.ok(f"get 1 {window} 0")
    there.begin("read 1 100")
    here.begin("wait 1 read 8 30000")
    for shell in (here, there):
        shell.asleep()
    before = goodbyes(lab)
    start = time.monotonic()
    alpha.qmp.run("device_del", id="ivdev")
    assert here.end() == "ENODEV"
    figure("the own channel", start)
    left(lab, there, start, before)
    for window in WINDOWS:
        here.refused(f"get 1 {window} 0", "SIGBUS")
    assert here.info(1)["end"] == "ENODEV", here.info(1)
    here.refused("wait 1 read 8 1000", "ENODEV")
    # QEMU keeps the socket open, so only the guest's own word can have ended it
    assert not [e for e in lab.daemon.audit(event="detach") if e["who"] == f"{REGION}/alpha"]
    here.quit()
    there.quit()
