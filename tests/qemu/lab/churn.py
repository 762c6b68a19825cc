# SPDX-License-Identifier: GPL-2.0-only
"""Channels used in disorder by many threads of two guests with two processors each."""

from .pair import listening, open_region, policy

SECONDS = 6
THREADS = 4


def open_churn(lab, **options):
    text = policy(("alpha", "beta"), region_keys="liveness = 20s\nrekey = 2s")
    open_region(lab, "alpha", "beta", text=text, memory=512, cpus=2, **options)


def churn(lab, seconds=SECONDS):
    """Both sides, under way."""
    serve = lab.vms["beta"].start(
        f"churn serve {lab.keys['beta']['data']} {seconds + 1} {THREADS}")
    listening(lab, serve)
    call = lab.vms["alpha"].start(
        f"churn call {lab.keys['alpha']['user']} data {seconds} {THREADS}")
    return call, serve


def ended(*jobs):
    for job in jobs:
        assert job.wait(60) == 0, job.text
        assert int(job.text.split()[1]) > 0, job.text
