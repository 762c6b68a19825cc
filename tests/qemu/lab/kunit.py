# SPDX-License-Identifier: GPL-2.0-only
"""Runs the driver's KUnit suites inside a stock kernel in a guest."""

from . import initramfs
from .agent import AgentGone, Deadline
from .ktap import outcomes
from .lab import Lab
from .paths import BUILD, LOGS, TOP

SECONDS = 480


def run(report, wanted):
    """Boot one guest, load the suites, report every case."""
    lab = Lab("kunit")
    modules = [BUILD / "kunit/kunit.ko", BUILD / "kunit/sivshmem-kunit.ko"]
    image = initramfs.build(BUILD / "qemu" / "kunit.cpio", lab.kernel(), modules)
    problems = []
    log = ""
    try:
        guest = lab.boot("guest", initramfs=image, memory=384)
        try:
            for module in modules:
                guest.run(f"insmod /modules/{module.name}", timeout=SECONDS)
        except (AgentGone, Deadline) as error:
            problems.append(str(error))
        log = guest.kernel_log()
        problems += lab.complaints()
    finally:
        problems += lab.close()
    found = [outcome for outcome in outcomes(log) if wanted(outcome.name)]
    show(report, found, (LOGS / "kunit").relative_to(TOP))
    if problems or not found:
        report.fail("kunit.kernel", problems or ["no results in the kernel log"],
                    (LOGS / "kunit").relative_to(TOP))


def show(report, found, logs):
    """Failures and skips one by one, the others a line per case."""
    good = {}
    for outcome in found:
        case = ".".join(outcome.name.split(".")[:2])
        if outcome.skipped:
            report.skip(outcome.name, "said by the test")
        elif outcome.good:
            good[case] = good.get(case, 0) + 1
        else:
            report.fail(outcome.name, outcome.notes, logs)
    for case, count in good.items():
        report.ok_many(case, count)
