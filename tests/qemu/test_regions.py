# SPDX-License-Identifier: GPL-2.0-only
# One guest in two regions, a shared and an isolated one: services are found in
# the region that their identities name, and one region's end leaves the other. What
# each is, and that its memory is cached, is told; and nothing else has its addresses.
import json
import re

from lab.certs import Ca
from lab.daemon import Daemon
from lab.members import add_anchor, add_identity, bundle, load_module

POLICY = """[region east]
size = 16M
mode = shared
granule = 4K
handshake = 20s
liveness = 60s
members = alpha beta gamma

[region west]
size = 16M
mode = isolated
granule = 4K
handshake = 20s
liveness = 60s
members = alpha beta

[vm alpha]
user = self
vectors = 8
[vm beta]
user = self
vectors = 8
[vm gamma]
user = self
vectors = 8

[service east/beta/data]
clients = alpha gamma
[service west/beta/data]
clients = alpha
"""


def setup(lab):
    lab.ca = Ca()
    lab.daemon = lab.service(Daemon.certified(lab, lab.ca, POLICY,
                                              ["east", "west"]))
    lab.keys = {}
    for name in ("alpha", "beta"):
        lab.start(name, extra=lab.daemon.qemu_args(name))
    for name, service in (("alpha", "user"), ("beta", "data")):
        guest = lab.vms[name]
        guest.wait_boot()
        load_module(guest)
        add_anchor(guest, lab.ca)
        for region in ("east", "west"):
            payload = bundle(lab.ca, region, name, service)
            lab.keys[name, region] = add_identity(
                guest, payload, f"{region}/{name}/{service}")


def listen(lab, region):
    job = lab.vms["beta"].start(f"chan echo {lab.keys['beta', region]} 1")
    job.wait_output("listening")
    return job


def call(lab, region):
    lab.vms["alpha"].run(f"chan ping {lab.keys['alpha', region]} data 1 50")


def case_both_at_once(lab):
    jobs = [listen(lab, region) for region in ("east", "west")]
    for region in ("west", "east"):
        call(lab, region)
    for job in jobs:
        assert job.wait() == 0, job.text


def case_same_name_other_region(lab):
    job = listen(lab, "east")
    out = lab.vms["alpha"].run(
        f"chan connect {lab.keys['alpha', 'west']} data", status=1).out
    assert out.startswith("ECONNREFUSED"), out
    call(lab, "east")
    assert job.wait() == 0


def case_each_is_what_it_is_told_to_be(lab):
    """At both members: which one is isolated; no memory is uncached above 4 GiB."""
    for name in ("alpha", "beta"):
        guest = lab.vms[name]
        regions = json.loads(guest.out("sivshmemctl info --json"))["regions"]
        assert {region["region"]: region["isolated"] for region in regions} == \
            {"east": False, "west": True}, regions
        assert all(region["cached"] for region in regions), regions
        told = json.loads(guest.run("sivshmemctl posture --json", status=1).out)
        assert "uncached" not in told["reasons"], told
        assert "BAR2 is uncached" not in guest.kernel_log()


def case_memory_is_apart(lab):
    """Two memories, two devices: the daemon never sends one in the other's place."""
    devices = lab.vms["alpha"].out(
        "ls -d /sys/bus/pci/drivers/sivshmem/0000:*").split()
    assert len(devices) == 2, devices
    for device in devices:
        start = lab.vms["alpha"].out(f"sed -n 3p {device}/resource").split()[0]
        assert int(start, 16) >= 1 << 32, f"BAR2 of {device} is below 4 GiB"


def case_addresses_are_free(lab):
    """However many regions a guest has, BAR2 is in no memory that is reserved: there a
    device that comes back has no address."""
    lab.start("gamma", extra=lab.daemon.qemu_args("gamma")).wait_boot()
    for name, count in (("alpha", 2), ("gamma", 1)):
        guest = lab.vms[name]
        taken = [(int(start, 16), int(end, 16)) for start, end in re.findall(
            r"BIOS-e820: \[mem (\w+)-(\w+)\] (?!usable)", guest.kernel_log())]
        bars = [[int(number, 16) for number in line.split()[:2]] for line in guest.out(
            "for d in /sys/bus/pci/devices/*; do [ $(cat $d/device) != 0x1110 ] || "
            "sed -n 3p $d/resource; done").splitlines()]
        assert len(bars) == count, bars
        assert not [(start, end) for start, end in bars for other in taken
                    if start <= other[1] and other[0] <= end], (name, bars, taken)


def case_one_device_goes(lab):
    jobs = {region: listen(lab, region) for region in ("east", "west")}
    alpha = lab.vms["alpha"]
    found = alpha.out("sivshmemctl --json info")
    index = 0 if found.index('"east"') < found.index('"west"') else 1
    device = alpha.out("ls /sys/bus/pci/drivers/sivshmem/ | grep 0000:") \
        .split()[index]
    alpha.run(f"echo 1 > /sys/bus/pci/devices/{device}/remove")
    call(lab, "west")
    assert jobs["west"].wait() == 0
    alpha.run("echo 1 > /sys/bus/pci/rescan")
    call(lab, "east")
    assert jobs["east"].wait() == 0
