# SPDX-License-Identifier: GPL-2.0-only
# `sivshmemctl posture` names each weakness until it is gone; in a guest that it calls
# STRONG root is refused every way to the region and to kernel memory that works in
# another guest, and channels go on.
import json

from lab.members import load_module
from lab.pair import device, enter, open_region, policy, renew, works

LOCKDOWN = "/sys/kernel/security/lockdown"
KCORE = "dd if=/proc/kcore of=/dev/null bs=64 count=1"
REFUSED = "Operation not permitted"


def setup(lab):
    open_region(lab, "alpha", "beta", text=policy(("alpha", "beta", "gamma")))
    for guest in lab.vms.values():
        guest.run("mount -t securityfs security /sys/kernel/security")


def posture(guest):
    """What the command says, and that its exit status says the same."""
    result = guest.run("sivshmemctl posture --json", status=None)
    told = json.loads(result.out)
    assert (told["posture"] == "STRONG") == (result.status == 0), result
    assert (told["posture"] == "STRONG") == (told["reasons"] == []), result
    return told


def lock(guest, level):
    guest.run(f"echo {level} > {LOCKDOWN}")


def harden(lab):
    """Make alpha STRONG, unless it is."""
    guest = lab.vms["alpha"]
    if posture(guest)["posture"] == "WEAK":
        guest.run("keyctl restrict_keyring %:.sivshmem; rmmod uio")
        lock(guest, "confidentiality")
        guest.run("echo 1 > /proc/sys/kernel/modules_disabled")
    return guest


def case_each_weakness_is_named(lab):
    guest = lab.vms["alpha"]
    left = {"no_lockdown", "memory_readable", "anchors_open", "unloadable", "unsigned",
            "raw_driver", "modules_loadable"}

    def without(*gone):
        left.difference_update(gone)
        assert set(posture(guest)["reasons"]) == left, (posture(guest), left)

    without()
    guest.run("keyctl restrict_keyring %:.sivshmem")
    without("anchors_open", "unloadable")
    guest.run("rmmod uio")
    without("raw_driver")
    # integrity: what root may load, but not what it may read
    lock(guest, "integrity")
    assert REFUSED in guest.run("insmod /modules/sivraw.ko", status=1).err
    guest.run(KCORE)
    without("no_lockdown", "unsigned")
    lock(guest, "confidentiality")
    guest.run(KCORE, status=1)
    without("memory_readable")
    guest.run("echo 1 > /proc/sys/kernel/modules_disabled")
    without("modules_loadable")
    assert posture(guest) == {"ok": True, "posture": "STRONG", "reasons": [],
                              "lockdown": "confidentiality"}


def ways(guest):
    """Ways of root round the driver: commands that succeed where they are open."""
    config = f"/sys/bus/pci/devices/{device(guest)}/config"
    return {
        "configuration space": f"dd if={config} bs=1 skip=60 count=1 | "
                               f"dd of={config} bs=1 seek=60 count=1",
        "/dev/mem": "act open /dev/mem",
        "/dev/port": "act open /dev/port",
        "ports": "act iopl",
        "another kernel": "act kexec",
        "/proc/kcore": KCORE,
        "kprobes": "echo p:siv do_exit > /sys/kernel/tracing/kprobe_events",
        "BPF": "act bpf",
        "an unsigned module": "insmod /modules/sivraw.ko && rmmod sivraw",
        "a signed module": "rmmod uio; insmod /lib/modules/uio.ko",
    }


def windows(guest, bdf):
    """What mapping a device's memory gives."""
    return [guest.run(f"act mmap /sys/bus/pci/devices/{bdf}/{name} 0 4096 rw",
                      status=None).out.split()[0]
            for name in ("resource0", "resource2", "resource2_wc")]


def case_strong_root_is_refused(lab):
    strong, weak = harden(lab), lab.vms["beta"]
    for name, command in ways(weak).items():
        assert weak.run(command, status=None).status == 0, name
    for name, command in ways(strong).items():
        result = strong.run(command, status=None)
        assert result.status, (name, result)
        refusal = "EINVAL" if name == "BPF" else "EPERM"
        assert REFUSED in result.err or refusal in result.out, (name, result)
    # neither the driver nor the trust anchors can be exchanged
    anchor = "keyctl padd asymmetric '' %:.sivshmem"
    strong.run("rmmod sivshmem", status=1)
    strong.run(anchor, stdin=lab.ca.der, status=1)
    # the kernel refuses before it asks whose the memory is
    assert windows(strong, device(strong)) == ["EPERM"] * 3
    bdf = device(weak)
    assert windows(weak, bdf) == ["EINVAL"] * 3
    weak.run(anchor, stdin=lab.ca.der)
    weak.run("keyctl clear @u; rmmod sivshmem")
    assert windows(weak, bdf) == ["ok"] * 3
    enter(lab, "beta")


def case_strong_guest_works(lab):
    assert posture(harden(lab))["posture"] == "STRONG"
    renew(lab, "alpha")
    works(lab)


def bar2(guest):
    """The address of the region's memory."""
    line = guest.out(f"sed -n 3p /sys/bus/pci/devices/{device(guest)}/resource")
    return int(line.split()[0], 0)


def case_iomem_relaxed(lab):
    """The kernel's switch that takes even exclusive BARs' protection."""
    lab.start("gamma", extra=lab.daemon.qemu_args("gamma"), append="iomem=relaxed")
    guest = lab.vms["gamma"]
    guest.wait_boot()
    load_module(guest)
    assert "iomem_relaxed" in posture(guest)["reasons"]
    assert "iomem_relaxed" not in posture(lab.vms["beta"])["reasons"]
    for vm, result in ((guest, "ok"), (lab.vms["beta"], "EPERM")):
        way = f"/dev/mem {bar2(vm) // 4096}"
        got = vm.run(f"act mmap {way} 4096 r", status=None).out.split()[0]
        assert got == result, (vm.name, got)
