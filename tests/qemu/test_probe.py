# SPDX-License-Identifier: GPL-2.0-only
# The driver binds to regions that are ours and to no others, holds on to the
# device against root, also against who mapped it before and against other drivers,
# and comes back after removal and reset. Memory that the firmware has made uncached is
# bound, and said to be so.
import json
import os
import re

from lab.certs import X25519, Ca
from lab.events import tells, watch
from lab.lab import Skip
from lab.members import add_anchor, add_identity, bundle
from lab.paths import ARCH
from lab.region import HandRegion, host_cert
from lab.shell import Shell

PORTS = ("-device", "pcie-root-port,id=rp0,chassis=1,slot=1",
         "-device", "pcie-root-port,id=rp1,chassis=2,slot=2")


def setup(lab):
    lab.ca = Ca()
    lab.cert = host_cert(lab.ca, X25519())
    lab.region = lab.service(HandRegion(lab.run / "r"))
    lab.wide = lab.service(HandRegion(lab.run / "w", vectors=200))
    lab.region.fill(lab.cert)
    lab.wide.fill(lab.cert)
    lab.boot("guest", extra=(*PORTS, *lab.region.qemu("iv", "rp0"),
                             *lab.wide.qemu("wide")))


def load(guest, options="", bound=None):
    """Load the module; the addresses of the devices it binds."""
    guest.run(f"insmod /modules/sivshmem.ko {options}")
    found = re.findall(r"0000:\S+", guest.out("ls /sys/bus/pci/drivers/sivshmem"))
    if bound is not None:
        assert len(found) == bound, found
    return found


def said(guest, since):
    return guest.kernel_log()[since:]


def unload(guest):
    guest.run("rmmod sivshmem")


def case_binds(lab):
    guest = lab.vms["guest"]
    start = len(guest.kernel_log())
    load(guest, bound=2)
    log = said(guest, start)
    assert re.search(r"region lab, peer 3, 8 vectors, 16777216 bytes", log), log
    assert "128 vectors" in log, log
    # all BARs are ours, and there is no way to let go of them
    assert guest.out("cat /proc/iomem").count("sivshmem") == 6
    files = guest.out("ls /sys/bus/pci/drivers/sivshmem").split()
    assert "unbind" not in files and "bind" not in files, files
    unload(guest)
    assert "sivshmem" not in guest.out("cat /proc/iomem")


def bars(guest, device):
    """Ways of root to a device's memory: what `act mmap` takes, by name."""
    folder = f"/sys/bus/pci/devices/{device}"
    ways = {name: f"{folder}/{name} 0"
            for name in ("resource0", "resource1", "resource2", "resource2_wc")}
    for line, bar in enumerate(guest.out(f"cat {folder}/resource").split("\n")[:3]):
        ways[f"/dev/mem at BAR{line}"] = f"/dev/mem {int(bar.split()[0], 0) // 4096}"
    return ways


def mapped(guest, way):
    """What came of mapping a page that way: ok, or the errno."""
    return guest.run(f"act mmap {way} 4096 rw", status=None).out.split()[0]


def case_bars_are_exclusive(lab):
    guest = lab.vms["guest"]
    for device in load(guest, bound=2):
        for name, way in bars(guest, device).items():
            error = "EPERM" if "/dev/mem" in name else "EINVAL"
            assert mapped(guest, way) == error, (device, name)
    unload(guest)
    # with nobody there all of it works: the refusals were the driver's
    for name, way in bars(guest, device).items():
        assert mapped(guest, way) == "ok", (device, name)


def case_mapped_before_the_driver_came(lab):
    guest = lab.vms["guest"]
    devices = load(guest, bound=2)
    unload(guest)
    for device in devices:
        for name in ("resource0", "resource2", "resource2_wc"):
            way = f"act hold /sys/bus/pci/devices/{device}/{name} 0 0"
            for comes, end in ((False, "ok"), (True, "SIGBUS")):
                job = guest.start(way)
                job.wait_output("mapped")
                if comes:
                    load(guest, bound=2)
                job.close_input()
                job.wait()
                assert job.text.split()[1] == end, (device, name, comes, job.text)
            unload(guest)


def case_no_other_driver(lab):
    guest = lab.vms["guest"]
    devices = load(guest, bound=2)
    guest.run("insmod /modules/sivraw.ko")
    drivers = "/sys/bus/pci/drivers"
    guest.run(f"echo 1af4 1110 > {drivers}/sivraw/new_id", status=None)
    for device in devices:
        guest.run(f"echo {device} > {drivers}/sivshmem/unbind", status=1)
        guest.run(f"echo sivraw > /sys/bus/pci/devices/{device}/driver_override")
        guest.run(f"echo {device} > {drivers}/sivraw/bind", status=1)
        guest.run(f"echo {device} > /sys/bus/pci/drivers_probe", status=None)
    assert "0000:" not in guest.out(f"ls {drivers}/sivraw")
    assert guest.out(f"ls {drivers}/sivshmem").count("0000:") == 2
    # with ours out the very same works
    unload(guest)
    for device in devices:
        guest.run(f"echo {device} > {drivers}/sivraw/bind")
        guest.run(f"echo > /sys/bus/pci/devices/{device}/driver_override")
    assert guest.out(f"ls {drivers}/sivraw").count("0000:") == 2
    guest.run("rmmod sivraw")


def case_parameters_are_read_only(lab):
    guest = lab.vms["guest"]
    load(guest, bound=2)
    folder = "/sys/module/sivshmem/parameters"
    names = guest.out(f"ls {folder}").split()
    assert {"claim", "fallback_ms", "storm"} <= set(names), names
    for name in names:
        before = guest.out(f"cat {folder}/{name}")
        guest.run(f"echo 7 > {folder}/{name}", status=1)
        assert guest.out(f"cat {folder}/{name}") == before, name
    unload(guest)


def case_uncached_below_4_gib(lab):
    """Bound all the same, and told once in the log, in INFO and in posture."""
    if ARCH != "x86_64":
        raise Skip("only firmware of x86 makes memory uncached")
    guest = lab.vms["guest"]
    start = len(guest.kernel_log())
    for device in load(guest, bound=2):
        bar2 = guest.out(f"sed -n 3p /sys/bus/pci/devices/{device}/resource")
        assert int(bar2.split()[0], 0) < 1 << 32, bar2
        assert said(guest, start).count(f"{device}: BAR2 is uncached") == 1, device
    regions = json.loads(guest.out("sivshmemctl info --json"))["regions"]
    assert [region["cached"] for region in regions] == [False] * 2, regions
    told = json.loads(guest.run("sivshmemctl posture --json", status=1).out)
    assert "uncached" in told["reasons"], told
    unload(guest)


def case_vectors_stay_disabled(lab):
    guest = lab.vms["guest"]
    load(guest, bound=2)
    for fd in lab.region.bells[3] * 20:
        os.eventfd_write(fd, 1)
    guest.run("sleep 0.3")
    for line in guest.out("grep sivshmem- /proc/interrupts").splitlines():
        assert line.split()[1] == "0", line
    unload(guest)


def case_header_is_checked(lab):
    guest = lab.vms["guest"]
    bad = [{"magic": b"\0" * 8}, {"version": 2}, {"header_len": 256},
           {"region_size": 32 << 20}, {"granule": 3000}, {"boxes": 7},
           {"box_off": 1 << 60}, {"side_off": (1 << 64) - 4096},
           {"extent_len": 16 << 20}, {"flags": 2}, {"reserved0": 1},
           {"region": b"Lab"}, {"region": b""}, {"region": b"other"},
           {"cert_off": (1 << 32) - 1}, {"cert_len": 0}, {"cert_len": 5000},
           {"cert_len": len(lab.cert) - 1}, {"suites": 4}]
    for fields in bad:
        lab.region.fill(lab.cert, **fields)
        start = len(guest.kernel_log())
        found = load(guest)
        assert len(found) == 1, (fields, found)
        assert "not a sivshmem region" in said(guest, start), fields
        unload(guest)
    # an endpoint's certificate is not a host's
    lab.region.fill(lab.ca.issue(X25519().public, "sivshmem://lab/vma/x"))
    load(guest, bound=1)
    unload(guest)
    lab.region.fill(lab.cert)


def case_claim(lab):
    guest = lab.vms["guest"]
    lab.region.fill(lab.cert, magic=b"\0" * 8)
    lab.wide.fill(lab.cert, magic=b"\0" * 8)
    load(guest, bound=0)
    unload(guest)
    both = load(guest, "claim=all", bound=2)
    unload(guest)
    assert load(guest, f"claim=0000:99:00.0,{both[0]}") == both[:1]
    unload(guest)
    lab.region.fill(lab.cert)
    lab.wide.fill(lab.cert)


def case_no_region_to_call(lab):
    """Who calls is told why: the header of a device that was claimed all the same is
    wrong, or there is no device."""
    guest = lab.vms["guest"]
    lab.region.fill(lab.cert, magic=b"\0" * 8)
    lab.wide.fill(lab.cert, magic=b"\0" * 8)
    devices = load(guest, "claim=all", bound=2)
    add_anchor(guest, lab.ca)
    key = add_identity(guest, bundle(lab.ca, "lab", "guest", "x"), "x")
    watch(guest)
    shell = Shell(guest)
    calls = {"LISTEN": f"listen 0 {key}", "CONNECT": f"connect 0 {key} data"}
    for place, call in calls.items():
        tells(guest, shell, call, "EBADMSG", place, "header")
    for device in devices:
        guest.run(f"echo 1 > /sys/bus/pci/devices/{device}/remove")
    for place, call in calls.items():
        tells(guest, shell, call, "ENODEV", place, "device_gone")
    shell.quit()
    guest.run("echo 1 > /sys/bus/pci/rescan; keyctl clear @u")
    unload(guest)
    lab.region.fill(lab.cert)
    lab.wide.fill(lab.cert)


def case_remove_and_rescan(lab):
    guest = lab.vms["guest"]
    for device in load(guest, bound=2):
        guest.run(f"echo 1 > /sys/bus/pci/devices/{device}/remove")
    assert "0000:" not in guest.out("ls /sys/bus/pci/drivers/sivshmem")
    guest.run("echo 1 > /sys/bus/pci/rescan")
    assert guest.out("ls /sys/bus/pci/drivers/sivshmem").count("0000:") == 2
    unload(guest)


def case_moved_bars_are_noticed(lab):
    guest = lab.vms["guest"]
    device = load(guest, bound=2)[0]
    config = f"/sys/bus/pci/devices/{device}/config"
    # the command register, then the top bytes of BAR0 and BAR2
    for seek, poke in ((4, "\\0\\0"), (0x13, "\\340"), (0x1b, "\\340")):
        start = len(guest.kernel_log())
        old = guest.run(f"dd if={config} bs=1 skip={seek} count=2").raw
        guest.run(f"printf '{poke}' | dd of={config} bs=1 seek={seek}")
        guest.run("i=0; until dmesg | tail -n 3 | grep -q 'BARs were moved'; do "
                  "sleep 0.2; i=$((i+1)); [ $i -lt 25 ] || exit 1; done")
        assert device in said(guest, start)
        guest.run(f"dd of={config} bs=1 seek={seek}", stdin=old)
        unload(guest)
        guest.run("dmesg -c > /dev/null")
        load(guest, bound=2)
    unload(guest)


def case_reset(lab):
    guest = lab.vms["guest"]
    load(guest, bound=2)
    done = 0
    for device in guest.out("cd /sys/bus/pci/drivers/sivshmem; "
                            "ls -d 0000:*/reset || true").split():
        start = len(guest.kernel_log())
        guest.run(f"echo 1 > /sys/bus/pci/drivers/sivshmem/{device}")
        assert "did not come back" not in said(guest, start)
        done += 1
    assert done
    unload(guest)


def case_sleep(lab):
    guest = lab.vms["guest"]
    load(guest, bound=2)
    start = len(guest.kernel_log())
    # the kernel's own test of sleep: it comes back after 5 s
    guest.run("echo devices > /sys/power/pm_test; echo freeze > /sys/power/state")
    log = said(guest, start)
    assert "PM: suspend exit" in log, log
    assert "did not come back" not in log
    unload(guest)


def case_without_interrupts_it_is_not_ours(lab):
    """ivshmem-plain, also with a region's bytes in it, stays whosever it is."""
    guest = lab.vms["guest"]
    ours = load(guest, bound=2)
    memory = lab.owner.write("plain", lab.region.read(0, 1 << 20))
    guest.qmp.run("object-add", **{
        "qom-type": "memory-backend-file", "id": "plain", "size": 1 << 20,
        "mem-path": str(memory), "share": False})
    guest.qmp.run("device_add", driver="ivshmem-plain", id="plaindev",
                  memdev="plain", bus="rp1")
    find = "grep -l 0x1110 /sys/bus/pci/devices/*/device"
    guest.run(f"i=0; until [ $({find} | wc -l) -gt {len(ours)} ]; do sleep 0.2; "
              "i=$((i+1)); [ $i -lt 100 ] || exit 1; done")
    plain, = {path.split("/")[5] for path in guest.out(find).split()} - set(ours)
    guest.run(f"echo {plain} > /sys/bus/pci/drivers_probe", status=None)
    assert guest.out("ls /sys/bus/pci/drivers/sivshmem").count("0000:") == len(ours)
    guest.run(f"echo 1 > /sys/bus/pci/devices/{plain}/enable")
    for name in ("resource0", "resource2"):
        assert mapped(guest, bars(guest, plain)[name]) == "ok", name
    guest.qmp.run("device_del", id="plaindev")
    guest.run(f"i=0; while [ -e /sys/bus/pci/devices/{plain} ]; do sleep 0.2; "
              "i=$((i+1)); [ $i -lt 100 ] || exit 1; done")
    unload(guest)


def case_unplugged_in_order(lab):
    guest = lab.vms["guest"]
    load(guest, bound=2)
    guest.qmp.run("device_del", id="ivdev")
    guest.run("i=0; while [ $(ls -d /sys/bus/pci/drivers/sivshmem/0000:* | wc -l) "
              "-gt 1 ]; do sleep 0.2; i=$((i+1)); [ $i -lt 100 ] || exit 1; done")
    unload(guest)


def case_zz_no_room_for_bar2(lab):
    if ARCH != "x86_64":
        raise Skip("on `virt` the kernel makes room behind a port")
    # rp1 has no window for a prefetchable BAR of 16 MiB
    guest = lab.vms["guest"]
    load(guest)
    start = len(guest.kernel_log())
    spare = lab.service(HandRegion(lab.run / "s", size=1 << 31))
    spare.fill(lab.cert, region_size=1 << 31)
    guest.qmp.run("chardev-add", id="spare", backend={
        "type": "socket", "data": {"addr": {"type": "unix", "data": {
            "path": str(spare.path)}}, "server": False}})
    guest.qmp.run("device_add", driver="ivshmem-doorbell", id="sparedev",
                  chardev="spare", vectors=8, bus="rp1")
    guest.run("i=0; until dmesg | grep -q 'has no address'; do sleep 0.2; "
              "i=$((i+1)); [ $i -lt 100 ] || exit 1; done")
    assert "has no address" in said(guest, start)
    unload(guest)
