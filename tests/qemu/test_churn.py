# SPDX-License-Identifier: GPL-2.0-only
# Channels used in disorder by many threads while devices, keys and modules come and
# go: nothing is said by the kernels, nothing hangs, and afterwards everything works.
import time

from lab.pair import device, enter, open_region, policy, renew, works

SECONDS = 6
THREADS = 4


def setup(lab):
    text = policy(("alpha", "beta"), region_keys="liveness = 3s\nrekey = 2s")
    open_region(lab, "alpha", "beta", text=text, memory=512, cpus=2)


def churn(lab, seconds=SECONDS):
    """Both sides, under way."""
    serve = lab.vms["beta"].start(
        f"churn serve {lab.keys['beta']['data']} {seconds + 1} {THREADS}")
    time.sleep(0.5)
    call = lab.vms["alpha"].start(
        f"churn call {lab.keys['alpha']['user']} data {seconds} {THREADS}")
    return call, serve


def ended(*jobs):
    for job in jobs:
        assert job.wait(60) == 0, job.text
        assert int(job.text.split()[1]) > 0, job.text


def case_undisturbed(lab):
    ended(*churn(lab))
    works(lab)


def case_removed_and_rescanned(lab):
    alpha = lab.vms["alpha"]
    call, serve = churn(lab, 10)
    for _ in range(4):
        time.sleep(1.5)
        alpha.run(f"echo 1 > /sys/bus/pci/devices/{device(alpha)}/remove", timeout=30)
        alpha.run("echo 1 > /sys/bus/pci/rescan", timeout=30)
    ended(call, serve)
    works(lab)


def case_listening_side_is_removed(lab):
    beta = lab.vms["beta"]
    call, serve = churn(lab, 8)
    for _ in range(3):
        time.sleep(1.5)
        beta.run(f"echo 1 > /sys/bus/pci/devices/{device(beta)}/remove", timeout=30)
        beta.run("echo 1 > /sys/bus/pci/rescan", timeout=30)
    ended(call, serve)
    works(lab)


def case_device_is_reset(lab):
    alpha = lab.vms["alpha"]
    call, serve = churn(lab, 8)
    for _ in range(4):
        time.sleep(1.2)
        alpha.run(f"echo 1 > /sys/bus/pci/devices/{device(alpha)}/reset", status=None,
                  timeout=30)
    ended(call, serve)
    works(lab)


def case_keys_come_and_go(lab):
    alpha = lab.vms["alpha"]
    call, serve = churn(lab, 6)
    time.sleep(2)
    alpha.run(f"keyctl revoke {lab.keys['alpha']['user']}")
    ended(call, serve)
    renew(lab, "alpha")
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
    alpha.run(f"echo 1 > /sys/bus/pci/devices/{device(alpha)}/remove", timeout=30)
    took = time.monotonic() - start
    assert took < 5, f"removal waits for a page that never comes: {took:.1f} s"
    alpha.run("echo 1 > /sys/bus/pci/rescan", timeout=30)
    for job in jobs:
        job.close_input()
        job.wait()
    echo.wait(10)
    works(lab)


def case_zz_module_comes_and_goes(lab):
    alpha = lab.vms["alpha"]
    for _ in range(3):
        call, serve = churn(lab, 3)
        ended(call, serve)
        alpha.run("keyctl clear @u")
        end = time.monotonic() + 15
        while alpha.run("rmmod sivshmem", status=None).status:
            assert time.monotonic() < end, "the module stays in use"
            time.sleep(0.2)
        enter(lab, "alpha")
    works(lab)
