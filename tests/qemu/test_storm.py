# SPDX-License-Identifier: GPL-2.0-only
# A vector that fires too often is paused and looked at later: its guest takes no
# more interrupts than it wants, and no record is lost or late for ever.
import re
import time

from lab.pair import open_region

LIMIT = 2    # doorbells per 10 ms
PAUSE = 0.010


def setup(lab):
    open_region(lab, "alpha", "beta", module=f"fallback_ms=0 storm={LIMIT}")


def fired(guest):
    """Interrupts of all our vectors so far."""
    lines = guest.out("grep sivshmem- /proc/interrupts").splitlines()
    return sum(int(re.split(r"\s+", line.strip())[1]) for line in lines)


def case_bounded_and_nothing_lost(lab):
    alpha, beta = lab.vms["alpha"], lab.vms["beta"]
    echo = beta.start(f"chan echo {lab.keys['beta']['data']} 1")
    echo.wait_output("listening")
    # the driver's windows are of the guest's time, whatever SIV_SLOW makes of ours
    before, start = fired(beta), time.perf_counter()
    alpha.run(f"chan ping {lab.keys['alpha']['user']} data 3 300", timeout=60)
    took, count = time.perf_counter() - start, fired(beta) - before
    assert echo.wait() == 0
    # one more may come in each window before the vector is off
    assert 20 < count <= (took / PAUSE + 2) * (LIMIT + 2), (count, took)
