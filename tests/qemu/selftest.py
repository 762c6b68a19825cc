#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# What judges the tests judges rightly: kernel complaints are seen, KUnit's and
# TAP's results are counted one by one, and nothing at all is not a success. What a
# guest has counted for coverage is written to the folder for it, and nothing else is.
# A demonstration that takes too long says so, fails, and leaves nothing behind.
# A guest that was killed and has a successor is judged as the others are. The clock
# stands while the machine does, and a case's deadline with it.
import io
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from lab import lab, vm  # noqa: E402
from lab.clock import Clock  # noqa: E402
from lab.counts import unpack  # noqa: E402
from lab.kmsg import splats  # noqa: E402
from lab.ktap import outcomes  # noqa: E402
from run import count_output  # noqa: E402

COMPLAINTS = """[    1.0] ------------[ cut here ]------------
[    1.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:5 f+0x1/0x2
[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000008
[    1.0] Oops: 0000 [#1] PREEMPT SMP NOPTI
[    1.0] kernel BUG at mm/slub.c:379!
[    1.0] general protection fault, probably for non-canonical address
[    1.0] WARNING: possible circular locking dependency detected
[    1.0] BUG: sleeping function called from invalid context at kernel/x.c:1
[    1.0] INFO: task sh:100 blocked for more than 120 seconds.
[    1.0] rcu: INFO: rcu_preempt self-detected stall on CPU
[    1.0] refcount_t: underflow; use-after-free.
[    1.0] UBSAN: shift-out-of-bounds in x.c:1:2
[    1.0] Kernel panic - not syncing: Fatal exception"""

INNOCENT = """[    0.0] Spectre V2 : WARNING: Unprivileged eBPF is enabled
[    0.0] debug: sivshmem 0000:01:00.0: bound
[    0.1] sivshmem: loading out-of-tree module taints kernel.
[    0.1] ACPI BIOS Error (bug): Could not resolve symbol
[    0.2] random: crng init done"""

RACE = """[    9.1] ==================================================================
[    9.1] BUG: KCSAN: data-race in one{} / other
[    9.1] write to 0xffffffff of 8 bytes by task 1 on cpu 0:
[    9.1]  one+0x10/0x20
[    9.1]  siv_caller_get+0x30/0xa0 [sivshmem]
[    9.1] Reported by Kernel Concurrency Sanitizer on:
[    9.1] ==================================================================
[    9.2] what follows [sivshmem]"""

KTAP = """[    2.1]     # Subtest: sivshmem_wire
[    2.1]     1..3
[    2.1]     ok 1 - header
[    2.2]     # short: EXPECTATION FAILED at x.c:3
[    2.2]     Expected a == b
[    2.2]     not ok 2 - short
[    2.2]         # Subtest: vectors
[    2.2]         ok 1 - IK
[    2.2]         ok 2 - NN # SKIP unknown
[    2.2]     ok 3 - vectors
[    2.2]         # Subtest: lengths
[    2.2]         ok 1 - command 0x1
[    2.2]     ok 4 - lengths # SKIP no user memory
[    2.3] not ok 1 - sivshmem_wire
[    2.3]     # siv_none: failed to initialize (-17)
[    2.3] not ok 2 - siv_none"""

# In QEMU's place: what the first guest of a name says, and the next one does not.
FIRST_COMPLAINS = """#!/bin/sh
case $2 in *.2) ;; *) echo '[    1.0] BUG: of the first' ;; esac
"""

results = []


def check(good, name):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}")


def unpacked(*names):
    """The files that come of an archive with these, two folders up included."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"gcda"))
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder) / "a/b"
        number = unpack(packed.getvalue(), inner)
        files = [str(path.relative_to(inner)) if inner in path.parents else str(path)
                 for path in Path(folder).rglob("*") if path.is_file()]
    return number, sorted(files)


LATE = """import demo, sys, time
demo.SECONDS = 5
demo.tell = lambda *_: time.sleep(60)
sys.exit(demo.main())"""


def late_demo():
    """Exit status and output of a demonstration whose time is over, and what it left."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", LATE], check=False, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(HERE.parent / "demo"),
                 "SIV_BUILD": str(HERE.parents[1] / "build/selftest"),
                 "TMPDIR": folder})
        return done.returncode, done.stdout, os.listdir(folder)


def replaced(may_die):
    """Complaints after a guest that complained has ended and another has its name: of
    the case, of the next one, and of the end."""
    with tempfile.TemporaryDirectory() as folder, \
            mock.patch.object(lab, "LOGS", Path(folder)):
        place = lab.Lab("self")
        program = place.owner.write("qemu", FIRST_COMPLAINS, 0o755)
        some = HERE / "selftest.py"
        images = {"kernel": SimpleNamespace(vmlinux=some), "initramfs": some}
        with mock.patch.object(vm, "QEMU", program), \
                mock.patch.dict(lab.Lab._shared, images):
            for _ in range(2):
                guest = place.start("guest")
                guest.process.wait()
                if may_die:
                    place.may_die(guest)
        place.may_die(guest)
        return place.complaints(), place.complaints(), place.close()


def clock_of(*moments):
    """What a clock shows at these moments, given with whether its witness wakes then."""
    now = [0.0]
    clock = Clock(lambda: now[0])
    shown = []
    for now[0], awake in moments:
        if awake:
            clock.wake()
        shown.append(round(clock(), 2))
    return shown


# Stands still for as long as it is told to in the middle; what both clocks have counted.
STILL = """import sys, time
sys.path.insert(0, sys.argv[1])
import run
real = time.monotonic
run.slow_down()
try:
    with run.deadline(2):
        start = real(), time.monotonic()
        print("ready", flush=True)
        sys.stdin.readline()
        print(real() - start[0], time.monotonic() - start[1], flush=True)
        time.sleep(60)
except run.Deadline:
    print(real() - start[0], time.monotonic() - start[1], flush=True)"""


def stands_still(seconds):
    """A runner that is stopped: its real and its own time, after it and at the deadline."""
    with subprocess.Popen([sys.executable, "-c", STILL, HERE], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as runner:
        runner.stdout.readline()
        runner.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        runner.send_signal(signal.SIGCONT)
        out, _ = runner.communicate("\n", timeout=60)
    return [tuple(map(float, line.split())) for line in out.splitlines()]


def main():
    for line in COMPLAINTS.splitlines():
        check(splats(line), f"seen: {line[10:50].strip()}")
    check(not splats(INNOCENT), "what is harmless is not taken for a complaint")
    check(len(splats(COMPLAINTS)) == 1, "one complaint is reported once")
    check(not splats(RACE.format("")), "a race of the kernel's own is not ours")
    check(len(splats(RACE.format(" [sivshmem]"))) == 1, "a race of ours is seen")
    found = [(o.name, o.good, o.skipped) for o in outcomes(KTAP)]
    check(found == [("sivshmem_wire.header", True, False),
                    ("sivshmem_wire.short", False, False),
                    ("sivshmem_wire.vectors.IK", True, False),
                    ("sivshmem_wire.vectors.NN", True, True),
                    ("sivshmem_wire.lengths.command 0x1", True, True),
                    ("siv_none", False, False)],
          f"KUnit's cases and parameters are the tests, and a suite that has none: {found}")
    check("EXPECTATION FAILED" in "".join(outcomes(KTAP)[1].notes),
          "a failed case keeps what it said")
    tap = count_output("1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no\n")
    check(str(tap) == "1 passed, 1 failed, 1 skipped", "TAP is counted")
    check(str(count_output("bla\n5 passed, 0 failed, 2 skipped\n"))
          == "5 passed, 0 failed, 2 skipped", "a summary is taken")
    check(count_output("all is well\n").total == 0, "words are no tests")
    check(unpacked("./modules/x.gcda", "./kunit/driver/y.gcda", "./z.txt", "./../up.gcda")
          == (2, ["kunit/driver/y.gcda", "modules/x.gcda"]),
          "a guest's counts are kept, and nothing beside them is written")
    status, said, left = late_demo()
    check(status == 1 and "not done in 5 s" in said and not left,
          "a demonstration that takes too long says so, fails and leaves nothing: "
          f"{status} {left}")
    shown = clock_of((0.2, False), (0.25, True), (0.5, False), (3.2, False), (3.2, True),
                     (3.4, False), (3.45, True))
    check(shown == [0.2, 0.25, 0.5, 0.55, 0.55, 0.75, 0.8],
          f"a clock stands while its witness sleeps, and never goes back: {shown}")
    after, late = stands_still(3)
    check(after[0] >= 3 and after[1] < after[0] - 2 and late[1] >= 2 and late[0] >= 4,
          f"what a machine stands still is nobody's time, nor a deadline's: {after} {late}")
    found = replaced(True)
    check(len(found[0]) == 1 and "BUG: of the first" in found[0][0] and not any(found[1:]),
          f"the log of a guest that was killed and replaced is read, once: {found}")
    found = replaced(False)
    check(len(found[0]) == 2 and "QEMU has ended" in found[0][1] and not any(found[1:]),
          f"so is its death, if that was not part of the case: {found}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
