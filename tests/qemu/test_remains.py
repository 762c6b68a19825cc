# SPDX-License-Identifier: GPL-2.0-only
# What ends early, late or out of turn leaves nothing behind and keeps nobody waiting:
# channels that nobody accepted, descriptors that outlive their device, ends that are
# said in a full queue, and a goodbye beside a session that the host has given up.
import signal
import time

from lab.pair import REGION, device, enter, open_region, policy, renew, until, works
from lab.shell import Shell

# A peer that is told nothing would wait so long: far above what is promised.
LIVENESS = 300
SOON = 10
FLOOD = 300  # more than the queue of an identity holds


def setup(lab):
    text = policy(("alpha", "beta"), region_keys=f"liveness = {LIVENESS}s")
    open_region(lab, "alpha", "beta", text=text)


def nodes(guest):
    """Of channels, in the device model and in /dev."""
    return guest.out("ls -d /sys/class/sivshmem/sivshmem[0-9]* /dev/sivshmem[0-9]* "
                     "2>/dev/null; true").split()


def listening(lab):
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    return here, there


def connect(lab, slot, words=""):
    return f"connect {slot} {lab.keys['alpha']['user']} data {words}"


def channels(lab):
    return lab.daemon.ctl("status", json_output=True)["channels"]


def case_over_before_it_is_accepted(lab):
    here, there = listening(lab)
    here.ok(connect(lab, 1))
    beta = lab.vms["beta"]
    until(lambda: nodes(beta), "the node of a channel that waits for ACCEPT")
    lab.vms["alpha"].run(f"keyctl revoke {lab.keys['alpha']['user']}")
    until(lambda: not nodes(beta), "its node's end")
    there.ok("nonblock 0 1")
    there.refused("accept 1 0", "EAGAIN")
    here.quit()
    there.quit()
    renew(lab, "alpha")
    works(lab)
    # nothing holds the module
    beta.run("keyctl clear @u")
    beta.run("rmmod sivshmem", timeout=30)
    enter(lab, "beta")
    works(lab)


def case_device_goes_after_its_channel(lab):
    """The descriptor of a channel that the peer aborted is still open."""
    here, there = listening(lab)
    here.ok(connect(lab, 1))
    there.ok("accept 1 0 30000")
    here.ok("write 1 10")
    alpha = lab.vms["alpha"]
    until(lambda: nodes(alpha), "the node")
    lab.vms["beta"].run(f"keyctl revoke {lab.keys['beta']['data']}")
    until(lambda: here.info(1)["state"] == "3", "the abort")
    # until it is closed, its node shows why it ended
    end = alpha.out("cat /sys/class/sivshmem/sivshmem*/end_reason")
    assert end == "peer_gone", end
    bdf = device(alpha)
    alpha.run(f"echo 1 > /sys/bus/pci/devices/{bdf}/remove")
    assert not nodes(alpha), nodes(alpha)
    assert here.info(1)["end"] == "ECONNRESET", here.info(1)
    here.refused("read 1 10", "ECONNRESET")
    here.quit()  # a node that outlived its device is a warning in the log now
    there.quit()
    alpha.run("echo 1 > /sys/bus/pci/rescan")
    assert device(alpha) == bdf
    renew(lab, "beta")
    works(lab)


def case_an_end_finds_room(lab):
    """While the host reads nothing, others fill the identity's queue."""
    here, there = listening(lab)
    here.ok(connect(lab, 1, "sealed"))
    there.ok("accept 1 0 30000")
    sent = here.ok("write 1 100")
    lab.daemon.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(FLOOD):
            here.do(connect(lab, 3, "nonblock nonode"))
            here.do("close 3")
        here.ok("close 1")
    finally:
        lab.daemon.process.send_signal(signal.SIGCONT)
    # what was written, then the proved end: a FIN that is lost would be waited for
    assert there.ok("read 1 1000") == sent
    assert there.do("read 1 1000", timeout=SOON).startswith("ok 0 ")
    there.quit()
    until(lambda: not channels(lab), "the end of every channel", 2 * SOON)
    here.quit()
    works(lab)


def case_goodbye_beside_a_dead_session(lab):
    """The host has ended one of the identity's sessions; the guest has not heard of it."""
    here, there = listening(lab)
    here.ok(f"listen 0 {lab.keys['alpha']['data']}")
    here.ok("close 0")
    lab.daemon.ctl("revoke", "identity", f"{REGION}/alpha/data")
    here.ok(connect(lab, 1))
    there.ok("accept 1 0 30000")
    there.begin("read 1 100")
    alpha = lab.vms["alpha"]
    bdf = device(alpha)
    start = time.monotonic()
    alpha.run(f"echo 1 > /sys/bus/pci/devices/{bdf}/remove")
    assert there.end(LIVENESS) == "ECONNRESET"
    took = time.monotonic() - start
    print(f"# the peer knows after {took * 1000:.0f} ms of 1000", flush=True)
    assert took < SOON, took
    here.quit()
    there.quit()
    lab.daemon.ctl("restore", "identity", f"{REGION}/alpha/data")
    alpha.run("echo 1 > /sys/bus/pci/rescan")
    works(lab)
