# SPDX-License-Identifier: GPL-2.0-only
# Channels used in disorder by many threads while their device is removed, found again and
# reset, at either side: nothing is said by the kernels, nothing hangs, and afterwards
# everything works.
import time

from lab.clock import slack
from lab.churn import churn, ended, open_churn
from lab.pair import device, works


def setup(lab):
    open_churn(lab, remaps=True)


def removed(lab, name, seconds, times):
    """A guest's device goes and comes back, that often in so many seconds."""
    guest = lab.vms[name]
    call, serve = churn(lab, seconds)
    for _ in range(times):
        time.sleep(1.5)
        guest.run(f"echo 1 > /sys/bus/pci/devices/{device(guest)}/remove")
        guest.run("echo 1 > /sys/bus/pci/rescan")
    ended(call, serve)
    works(lab)


def case_removed_and_rescanned(lab):
    removed(lab, "alpha", 10, 4)


def case_listening_side_is_removed(lab):
    removed(lab, "beta", 8, 3)


def case_device_is_reset(lab):
    alpha = lab.vms["alpha"]
    call, serve = churn(lab, 8)
    for _ in range(4):
        time.sleep(1.2)
        alpha.run(f"echo 1 > /sys/bus/pci/devices/{device(alpha)}/reset", status=None,
                  timeout=30)
    ended(call, serve)
    works(lab)


def case_stalled_in_a_buffer(lab):
    alpha, beta = lab.vms["alpha"], lab.vms["beta"]
    echo = beta.start(f"chan echo {lab.keys['beta']['data']} 2")
    echo.wait_output("listening")
    jobs = []
    for way in ("read", "write"):
        jobs.append(alpha.start(f"churn stall {lab.keys['alpha']['user']} data {way}"))
        jobs[-1].wait_output("stalled")
    time.sleep(0.5)
    start = time.monotonic()
    alpha.run(f"echo 1 > /sys/bus/pci/devices/{device(alpha)}/remove")
    took = time.monotonic() - start
    assert took < 4 + slack(), f"removal waits for a page that never comes: {took:.1f} s"
    alpha.run("echo 1 > /sys/bus/pci/rescan")
    for job in jobs:
        job.close_input()
        job.wait()
    echo.wait()
    works(lab)
