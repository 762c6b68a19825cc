# SPDX-License-Identifier: GPL-2.0-only
# A vanilla region is plain ivshmem for guests that have another driver: real
# QEMUs with a UIO driver share its memory and ring each other's vectors, also
# after one of them was started again; it needs no CA and no key; and sivshmem
# leaves its device alone.
import struct

from lab.daemon import Daemon
from lab.pair import until

VECTORS = 4
POLICY = f"""[region bare]
size = 16M
mode = vanilla
members = alpha beta
[vm alpha]
user = self
vectors = {VECTORS}
[vm beta]
user = self
vectors = {VECTORS}
"""
NOBODY = 4000  # a peer's number that was never given


def setup(lab):
    lab.daemon = lab.service(Daemon(lab, POLICY, {}))
    for name in ("alpha", "beta"):
        lab.start(name, extra=lab.daemon.qemu_args(name))
    for name in ("alpha", "beta"):
        lab.vms[name].wait_boot()
        lab.vms[name].run("insmod /modules/sivraw.ko")


def peer(lab, name):
    registers = lab.vms[name].run("act dump /dev/uio0 0 0 16").raw
    return struct.unpack_from("<I", registers, 8)[0]


def rung(lab, name):
    """How many interrupts the guest's device has had."""
    return int(lab.vms[name].out("cat /sys/class/uio/uio0/event"))


def vectors(lab, name):
    """The same for each vector, in their order."""
    lines = lab.vms[name].out("grep sivraw /proc/interrupts").splitlines()
    return [sum(int(word) for word in line.split()[1:] if word.isdigit())
            for line in lines]


def other(name):
    return "beta" if name == "alpha" else "alpha"


def exchange(lab, mode):
    """A hundred records there and back, by memory alone or by doorbells as well."""
    pong = lab.vms["beta"].start(
        f"vmbench raw-pong /dev/uio0 {peer(lab, 'alpha')} {mode} 100")
    pong.wait_output("listening")
    lab.vms["alpha"].run(
        f"vmbench raw-rtt /dev/uio0 {peer(lab, 'beta')} {mode} 100", timeout=60)
    assert pong.wait() == 0, pong.text


def case_memory_is_one(lab):
    for number, name in enumerate(("alpha", "beta")):
        text = f"{name} was here".encode()
        offset = 65536 * (number + 1) + 8
        lab.vms[name].run(f"act poke /dev/uio0 1 {offset}", stdin=text)
        got = lab.vms[other(name)].run(
            f"act dump /dev/uio0 1 {offset} {len(text)}").raw
        assert got == text, got


def case_records_and_doorbells(lab):
    before = rung(lab, "beta")
    exchange(lab, "poll")
    assert rung(lab, "beta") == before, "a doorbell that nobody rang"
    exchange(lab, "bell")
    assert rung(lab, "beta") > before, "no doorbell at all"


def case_every_vector(lab):
    """Each of a peer's vectors rings that one there, once, and nobody else."""
    for name in ("alpha", "beta"):
        assert len(vectors(lab, name)) == VECTORS
        for vector in range(VECTORS):
            theirs, own = vectors(lab, other(name)), rung(lab, name)
            theirs[vector] += 1
            lab.vms[name].run(
                f"act ring /dev/uio0 {peer(lab, other(name))} {vector}")
            until(lambda: sum(vectors(lab, other(name))) == sum(theirs),
                  f"vector {vector} of {other(name)}")
            assert vectors(lab, other(name)) == theirs
            assert rung(lab, name) == own
    before = [rung(lab, name) for name in ("alpha", "beta")]
    lab.vms["alpha"].run(f"act ring /dev/uio0 {NOBODY} 0")
    lab.vms["alpha"].run(f"act ring /dev/uio0 {peer(lab, 'beta')} {VECTORS}")
    exchange(lab, "poll")
    assert [rung(lab, name) for name in ("alpha", "beta")] == before


def case_a_peer_restarts(lab):
    """The other one's QEMU is told, lives on, and rings the new number."""
    old = peer(lab, "beta")
    lab.forget("beta")
    lab.start("beta", extra=lab.daemon.qemu_args("beta")).wait_boot()
    lab.vms["beta"].run("insmod /modules/sivraw.ko")
    new = peer(lab, "beta")
    assert new != old, f"{new} was given twice"
    # nobody's any more
    before = rung(lab, "beta")
    lab.vms["alpha"].run(f"act ring /dev/uio0 {old} 0")
    exchange(lab, "bell")
    assert rung(lab, "beta") > before, "no doorbell at all"
    case_memory_is_one(lab)


def case_sivshmem_leaves_it(lab):
    alpha = lab.vms["alpha"]
    alpha.run("rmmod sivraw; insmod /modules/sivshmem.ko")
    assert not alpha.out("ls /sys/bus/pci/drivers/sivshmem | grep 0000: || :")
    assert not alpha.out("sivshmemctl info | grep '^region' || :")
    alpha.run("rmmod sivshmem; insmod /modules/sivraw.ko")
    exchange(lab, "bell")
