# SPDX-License-Identifier: GPL-2.0-only
# A guest with Debian's stock kernel comes up, and our modules load and unload
# without a word of complaint, also beside an ivshmem device that is not ours.
import re
import time

from lab.kernel import PAGE
from lab.machine import MACHINE
from lab.pair import until

MEMORY = ("-object", "memory-backend-memfd,id=mem,size=16M,share=on",
          "-device", "ivshmem-plain,memdev=mem")


def setup(lab):
    lab.boot("guest", extra=MEMORY)


def case_stock_kernel(lab):
    guest = lab.vms["guest"]
    assert guest.out("uname -r") == lab.kernel().release
    assert f"KernelPageSize:{PAGE >> 10:>9} kB" in guest.out("cat /proc/self/smaps")
    # measured in the background, and until then another one
    clock = "cat /sys/devices/system/clocksource/*/current_clocksource"
    until(lambda: guest.out(clock) == MACHINE.clock, MACHINE.clock)


def case_time_goes_as_ours(lab):
    """Also where the machine had no processor to spare when the guest measured its clock."""
    guest = lab.vms["guest"]

    def uptime():
        before = time.perf_counter()
        return float(guest.out("cat /proc/uptime").split()[0]), before, time.perf_counter()

    start = uptime()
    time.sleep(1)
    end = uptime()
    went = end[0] - start[0]
    assert 0.98 * (end[1] - start[2]) - 0.02 <= went <= 1.02 * (end[2] - start[1]) + 0.02, \
        (start, end)


def case_agent_keeps_bytes(lab):
    guest = lab.vms["guest"]
    data = bytes(range(256)) * 256
    guest.push("/tmp/bytes", data)
    assert guest.pull("/tmp/bytes") == data
    guest.run("exit 7", status=7)
    job = guest.start("sleep 100")
    job.kill(15)
    assert job.wait() == -15


def case_module_loads(lab):
    guest = lab.vms["guest"]
    for _ in range(3):
        guest.run("insmod /modules/sivshmem.ko")
        assert re.search(r"^sivshmem ", guest.out("lsmod"), re.MULTILINE)
        guest.run("rmmod sivshmem")


def case_foreign_device_is_left_alone(lab):
    guest = lab.vms["guest"]
    guest.run("insmod /modules/sivshmem.ko")
    links = guest.run("ls /sys/bus/pci/drivers/sivshmem/").out
    assert "0000:" not in links, links
    guest.run("rmmod sivshmem")
