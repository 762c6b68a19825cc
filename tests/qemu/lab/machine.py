# SPDX-License-Identifier: GPL-2.0-only
"""What differs between the guests' architectures."""

import ctypes
import functools
import mmap
import os
import platform
import re
import time

from .paths import ARCH


def tcg(remaps):
    """How guests are interpreted: a thread for each processor.

    Not if the memory map changes under several (remaps): with threads of their own a
    processor's access to a device's register, just while another removes or finds a
    device, may read 0 or another register (seen with QEMU 7.2 and 10.0).
    """
    return f"tcg,thread={'single' if remaps else 'multi'}"


RDTSC = bytes.fromhex("0f3148c1e2204809d0c3")  # ... and the halves put together


@functools.cache
def tsc_khz():
    """Ticks of this machine's counter in a ms, which are TCG's guests' own; 0: unknown.

    A guest that measures them while it gets no processor may find ever so few, and then
    its clock runs ahead of ours, a hundred times as fast.
    """
    if platform.machine() != "x86_64":
        return 0
    code = mmap.mmap(-1, len(RDTSC), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(RDTSC)
    ticks = ctypes.PYFUNCTYPE(ctypes.c_uint64)(
        ctypes.addressof(ctypes.c_char.from_buffer(code)))

    def moment():
        while True:
            before, count, after = time.perf_counter_ns(), ticks(), time.perf_counter_ns()
            if after - before < 50_000:
                return before, count

    start = moment()
    time.sleep(0.2)
    end = moment()
    return round((end[1] - start[1]) * 1_000_000 / (end[0] - start[0]))


class X86:
    """QEMU's PC: two serial ports, the second is the agent's."""

    program = "x86_64"
    model = "q35"
    # TCG runs rep movsb bytewise: without erms and fsrm large copies are 6 times
    # faster. RDRAND of `max` seeds the guest's random numbers at once.
    cpu = "max,-erms,-fsrm"
    agent = ("-serial", "chardev:agent")
    image = "arch/x86/boot/bzImage"
    clock = "tsc"
    memory = 0  # where it begins

    @classmethod
    def append(cls):
        known = tsc_khz() if cls.accelerator(False) != "kvm" else 0
        return "console=ttyS0 tsc=reliable no_timer_check" + \
            (f" tsc_early_khz={known}" if known else "")

    @staticmethod
    def accelerator(remaps):
        """KVM only where the CPU has it: a /dev/kvm that opens is not enough."""
        try:
            with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
                flags = re.search(r"\b(vmx|svm)\b", file.read())
        except OSError:
            flags = None
        if flags and os.access("/dev/kvm", os.R_OK | os.W_OK):
            return "kvm"
        return tcg(remaps)


class Arm64:
    """QEMU's board `virt`, with message interrupts (ITS): its own serial port is the
    console, one on PCI is the agent's."""

    program = "aarch64"
    model = "virt,gic-version=3"
    # The architecture's own signing of pointers takes half of TCG's time.
    cpu = "max,pauth-impdef=on"
    agent = ("-device", "pci-serial,chardev=agent")
    image = "arch/arm64/boot/Image"
    clock = "arch_sys_counter"
    memory = 1 << 30

    @staticmethod
    def append():
        return "console=ttyAMA0 agent=/dev/ttyS0"

    @staticmethod
    def accelerator(remaps):
        return tcg(remaps)


MACHINE = {"x86_64": X86, "arm64": Arm64}[ARCH]
