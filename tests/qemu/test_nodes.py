# SPDX-License-Identifier: GPL-2.0-only
# What a guest's user space sees of the driver: with our rules udev gives the control node
# to its group and finds channels by their service; sysfs tells all of a channel, exactly.
import time

from lab.events import traced, watch
from lab.hold import held_up
from lab.pair import REGION, enter, open_region, until
from lab.paths import TOP
from lab.shell import Shell

CONTROL = "/dev/sivshmem-control"
RULES = "60-sivshmem.rules"
RING, RX_RING = 8192, 16384
CLASS = "/sys/class/sivshmem"


def setup(lab):
    open_region(lab, "alpha", "beta", initramfs=lab.initramfs("udevadm"), cpus=2)


def pair(lab, words="", user=None):
    """A channel in slot 1 of two shells."""
    here, there = Shell(lab.vms["alpha"], user), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']} {words}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data {words} ring={RING} "
            f"ring_rx={RX_RING}")
    there.ok("accept 1 0 30000")
    return here, there


def node(guest, shell):
    """The name of a channel's node, when it is there."""
    name = f"sivshmem{shell.info(1)['minor']}"
    until(lambda: guest.run(f"test -e /dev/{name}", status=None).status == 0, name)
    return name


# ------------------------------------------------------------------------ sysfs

def attributes(guest, name):
    """All that sysfs tells of a channel, but for what every device has."""
    out = guest.out(f"cd {CLASS}/{name}; grep -H . $(find . -maxdepth 1 -type f)")
    told = dict(line.removeprefix("./").split(":", 1) for line in out.splitlines())
    return {key: value for key, value in told.items() if key not in ("dev", "uevent")}


def told(lab, shells):
    """What sysfs tells in alpha and in beta."""
    return [attributes(lab.vms[name], node(lab.vms[name], shell))
            for name, shell in zip(("alpha", "beta"), shells)]


def expect(got, **wanted):
    """Every attribute is as said, and there is no other."""
    wanted = {key: str(value) for key, value in wanted.items()}
    assert got == wanted, {key: (got.get(key), wanted.get(key))
                           for key in got.keys() | wanted.keys()
                           if got.get(key) != wanted.get(key)}


def largest(ring, sealed):
    """The largest record: half of a ring without its header, and its tag if sealed."""
    return ring // 2 - 8 - 16 * sealed


def counted(lab, words, sealed):
    shells = here, there = pair(lab, words)
    for size in (1, 100, 1000):
        here.ok(f"write 1 {size}")
        there.ok("read 1 4000")
    for size in (20, 300):
        there.ok(f"write 1 {size}")
        here.ok("read 1 4000")
    there.ok("write 1 7")  # stays in the ring
    one, = [c for c in lab.daemon.ctl("status", json_output=True)["channels"]
            if c["state"] == "established"]
    common = dict(state="open", service="data", region=REGION, sealed=sealed,
                  cid=one["cid"], end_reason="ok")
    alpha, beta = told(lab, shells)
    expect(alpha, **common, role="connector", peer="beta/data", ring_tx=RING,
           ring_rx=RX_RING, max_record=largest(RING, sealed), tx_records=3,
           tx_bytes=1101, rx_records=2, rx_bytes=320,
           bells_sent=here.info(1)["sent"])
    expect(beta, **common, role="listener", peer="alpha/user", ring_tx=RX_RING,
           ring_rx=RING, max_record=largest(RX_RING, sealed), tx_records=3,
           tx_bytes=327, rx_records=3, rx_bytes=1101,
           bells_sent=there.info(1)["sent"])
    here.ok("read 1 4000")
    there.quit()
    name = node(lab.vms["alpha"], here)
    until(lambda: attributes(lab.vms["alpha"], name)["state"] == "closing", "the end")
    assert attributes(lab.vms["alpha"], name)["end_reason"] == "peer_closed"
    here.quit()


def case_attributes(lab):
    counted(lab, "", 0)


def case_attributes_of_sealed(lab):
    counted(lab, "sealed", 1)


def case_attributes_of_an_end(lab):
    shells = pair(lab)
    cid = told(lab, shells)[0]["cid"]
    lab.daemon.ctl("revoke", "channel", f"{REGION}/{cid}")
    until(lambda: {one["state"] for one in told(lab, shells)} == {"ended"}, "the end")
    assert [one["end_reason"] for one in told(lab, shells)] == ["revoked"] * 2
    for shell in shells:
        shell.quit()


def case_bells_are_counted(lab):
    here, there = pair(lab)
    here.ok("map 1 0")  # the caller rings, the driver does not
    for _ in range(5):
        here.ok("bell 1")
        time.sleep(0.1)
    alpha, beta = told(lab, (here, there))
    assert (alpha["bells_sent"], beta["bells_sent"]) == ("5", "0"), (alpha, beta)
    here.quit()
    there.quit()


def case_opened_while_it_is_closed(lab):
    """After the last close() a node may be there a little longer, and opens no more."""
    alpha = lab.vms["alpha"]
    here, there = pair(lab)
    path = f"/dev/{node(alpha, here)}"
    watch(alpha)
    with held_up(alpha, "siv_windows_close") as held:
        traced(alpha)  # waits for every processor: not while one is held up
        here.begin("close 1")
        held()
        assert alpha.out(f"act open {path}", status=1) == "ENODEV"
    assert traced(alpha) == [("OPEN", "device_gone")]
    assert here.end() == "ok 0"
    here.quit()
    there.quit()


# ------------------------------------------------------------------------- udev

def mode(guest, path):
    return guest.out(f"stat -c '%a %U:%G' {path}")


def case_zz_udev(lab):
    alpha, beta = lab.vms["alpha"], lab.vms["beta"]
    assert mode(alpha, CONTROL) == "660 root:root"
    for name in ("alpha", "beta"):
        guest = lab.vms[name]
        guest.run("mkdir -p /etc/udev/rules.d; ln -s udevadm /bin/systemd-udevd")
        guest.push(f"/etc/udev/rules.d/{RULES}",
                   (TOP / "userspace/udev" / RULES).read_bytes())
        guest.run("systemd-udevd --daemon")
        guest.run("keyctl clear @u; rmmod sivshmem")
        enter(lab, name)
        guest.run("udevadm settle")
        assert mode(guest, CONTROL) == "660 root:sivshmem"
    # a user of the group, with the right to search root's key
    alpha.run(f"keyctl setperm {lab.keys['alpha']['user']} 0x3f3f0008")
    here, there = pair(lab, user="user")
    for guest, shell, owner in ((alpha, here, "user"), (beta, there, "root")):
        name = node(guest, shell)
        guest.run("udevadm settle")
        assert mode(guest, f"/dev/{name}") == f"600 {owner}:root"
        number = name.removeprefix("sivshmem")
        assert guest.out(f"readlink -f /dev/sivshmem/by-id/{number}") == f"/dev/{name}"
    links = "ls -1 /dev/sivshmem/by-service 2>/dev/null; true"
    assert alpha.out(links) == "data" and beta.out(links) == ""
    found = "/dev/sivshmem/by-service/data"
    assert alpha.out(f"readlink -f {found}") == f"/dev/{node(alpha, here)}"
    here.ok(f"open 2 {found}")
    here.quit()
    there.quit()
    until(lambda: not alpha.out(links), "the end of the link by service")
