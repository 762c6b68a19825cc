# SPDX-License-Identifier: GPL-2.0-only
# Doorbells alone wake who sleeps (the periodic re-check is switched off), and
# the re-check alone does where the doorbells' vectors are masked.
import struct
import time

from lab.agent import Deadline
from lab.clock import slack
from lab.pair import enter, open_region
from lab.shell import Shell

TRIPS = 200


def setup(lab):
    open_region(lab, "alpha", "beta", module="fallback_ms=0")


def device(vm):
    return vm.out("ls -d /sys/bus/pci/drivers/sivshmem/0000:* | head -n 1")


def msix_control(vm):
    """Offset and value of MSI-X's message control in config space."""
    config = vm.pull(f"{device(vm)}/config")
    at = config[0x34]
    while at and config[at] != 0x11:
        at = config[at + 1]
    assert at, "no MSI-X capability"
    return at + 2, struct.unpack_from("<H", config, at + 2)[0]


def mask(vm, on):
    """Set or clear the function mask: no vector of the device fires."""
    offset, value = msix_control(vm)
    value = value | 0x4000 if on else value & ~0x4000
    vm.run(f"dd of={device(vm)}/config bs=1 seek={offset} conv=notrunc",
           stdin=struct.pack("<H", value))


def channel(lab):
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data")
    there.ok("accept 1 0 30000")
    return here, there


def case_bells_alone(lab):
    echo = lab.vms["beta"].start(f"chan echo {lab.keys['beta']['data']} 1")
    echo.wait_output("listening")
    lab.vms["alpha"].run(f"chan ping {lab.keys['alpha']['user']} data 5 {TRIPS}",
                         timeout=60)
    assert echo.wait() == 0


def case_bells_are_counted(lab):
    here, there = channel(lab)
    there.begin("read 1 100")
    there.asleep()
    here.ok("write 1 10")
    there.end()
    assert int(here.info(1)["sent"]) >= 1, here.info(1)
    assert int(there.info(1)["seen"]) >= 1, there.info(1)
    here.quit()
    there.quit()


def case_edges(lab):
    """Edge-triggered epoll does not ask again: EAGAIN has asked for the bell."""
    here, there = channel(lab)
    here.ok("nonblock 1 1")
    there.ok("nonblock 1 1")
    # ready both ways at first, so that poll() has nothing to ask for
    sent = here.ok("write 1 10")
    there.ok("edge 1 in")
    assert there.ok("edges 30000") == "in"
    assert there.ok("read 1 100") == sent
    for _ in range(3):
        there.refused("read 1 100", "EAGAIN")
        there.begin("edges 30000")
        there.asleep()
        sent = here.ok("write 1 10")
        assert there.end() == "ok in", "a reader sleeps beside a record"
        assert there.ok("read 1 100") == sent
    here.ok("edge 1 out")
    assert here.ok("edges 30000") == "out"
    while here.do("write 1 8000").startswith("ok"):
        pass
    here.refused("write 1 8000", "EAGAIN")
    here.begin("edges 30000")
    here.asleep()
    for _ in range(2):
        there.ok("read 1 10000")
    assert here.end() == "ok out", "a writer sleeps beside the room it wants"
    here.ok("write 1 8000")
    here.quit()
    there.quit()


def case_masked_without_recheck_sleeps(lab):
    here, there = channel(lab)
    mask(lab.vms["beta"], True)
    try:
        there.begin("read 1 100")
        there.asleep()
        sent = here.ok("write 1 10")
        try:
            got = there.end(2)
        except Deadline:
            got = None
        assert got is None, f"woken without bell and without re-check: {got}"
    finally:
        mask(lab.vms["beta"], False)
    # The bell was only held back: unmasked it fires.
    assert there.end() == f"ok {sent}"
    here.quit()
    there.quit()


def case_zz_recheck_alone(lab):
    """Last: the modules are loaded anew with the re-check at its default."""
    for name in ("alpha", "beta"):
        lab.vms[name].run("keyctl clear @u; rmmod sivshmem")
        enter(lab, name)
    here, there = channel(lab)
    for vm in (lab.vms["alpha"], lab.vms["beta"]):
        mask(vm, True)
    try:
        for _ in range(5):
            there.begin("read 1 100")
            there.asleep()
            start = time.monotonic()
            sent = here.ok("write 1 10")
            assert there.end() == f"ok {sent}"
            assert time.monotonic() - start < 1 + slack()
    finally:
        for vm in (lab.vms["alpha"], lab.vms["beta"]):
            mask(vm, False)
    here.quit()
    there.quit()
