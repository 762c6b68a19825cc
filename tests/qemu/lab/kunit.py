# SPDX-License-Identifier: GPL-2.0-only
"""Runs the driver's KUnit suites inside a stock kernel in a guest."""

from . import initramfs
from .ktap import outcomes
from .lab import Lab
from .paths import BUILD, LOGS, TOP

SECONDS = 240


def run(report, wanted):
    """Boot one guest, load the suites, report every case."""
    lab = Lab("kunit")
    modules = [BUILD / "kunit/kunit.ko", BUILD / "kunit/sivshmem-kunit.ko"]
    image = initramfs.build(BUILD / "qemu" / "kunit.cpio", lab.kernel(), modules)
    problems = []
    log = ""
    try:
        guest = lab.boot("guest", initramfs=image, memory=384)
        for module in modules:
            guest.run(f"insmod /modules/{module.name}", timeout=SECONDS)
        log = guest.kernel_log()
        problems += lab.complaints()
    finally:
        problems += lab.close()
    seen = 0
    for outcome in outcomes(log):
        seen += 1
        if wanted not in outcome.name:
            continue
        if outcome.skipped:
            report.skip(outcome.name, "said by the test")
        elif outcome.good:
            report.ok(outcome.name, 0)
        else:
            report.fail(outcome.name, outcome.notes,
                        (LOGS / "kunit").relative_to(TOP))
    if problems or not seen:
        report.fail("kunit.kernel", problems or ["no results in the kernel log"],
                    (LOGS / "kunit").relative_to(TOP))
