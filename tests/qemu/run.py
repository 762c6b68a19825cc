#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs tests in virtual machines.

    tests/qemu/run.py [--list] [-k TEXT]... [qemu|kunit|debug]

`qemu`: every file test_*.py is one laboratory: its setup(lab) starts machines,
then its case_*(lab) run in their order. After a case, whatever a guest's kernel
complained of is a failure of that case, and a laboratory in which a case has
failed is torn down and set up again for the next one. Logs stay in
build/qemu-logs/FILE, those of a failed case in build/qemu-logs/failed.FILE.CASE.

`kunit`: the driver's KUnit suites in one guest; every case is a test.

`debug`: as `qemu`, of the files in tests/debug: whether a kernel for finding mistakes
finds them. For slow kernels SIV_SLOW=N makes every wait and limit N times as long.
"""

import argparse
import contextlib
import importlib.util
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lab.agent import Deadline  # noqa: E402
from lab import kunit  # noqa: E402
from lab.clock import Clock  # noqa: E402
from lab.lab import Lab, Skip  # noqa: E402
from lab.paths import LOGS, TOP  # noqa: E402

SLOW = float(os.environ.get("SIV_SLOW", 1))
from lab.report import Report  # noqa: E402

HERE = Path(__file__).resolve().parent
CASE_SECONDS = 120
SETUP_SECONDS = 180
DEBUG = TOP / "tests/debug"


def slow_down():
    """The laboratory's clock goes slower, and stands while the machine does; so does all
    that is measured by it."""
    clock = Clock()
    clock.watch()
    time.monotonic = lambda: clock() / SLOW


def claim_of(path):
    """The first comment after the licence line."""
    words = []
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        if not line.startswith("#"):
            break
        words.append(line.lstrip("# "))
    return " ".join(words).strip()


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cases_of(module):
    return [(name[5:], function) for name, function in vars(module).items()
            if name.startswith("case_") and callable(function)]


@contextlib.contextmanager
def deadline(seconds):
    """Interrupt whatever the main thread does after so many seconds."""
    end = time.monotonic() + seconds

    def late(*_):
        left = end - time.monotonic()
        if left <= 0:
            raise Deadline(f"not done in {seconds} s")
        signal.setitimer(signal.ITIMER_REAL, left * SLOW)  # the clock stood

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds * SLOW)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def explain(error):
    """An exception as the lines that a reader needs."""
    where = [frame for frame in traceback.extract_tb(error.__traceback__)
             if "tests/qemu" in frame.filename]
    lines = [f"{Path(frame.filename).relative_to(TOP)}:{frame.lineno}: "
             f"{frame.line}" for frame in where[-4:]]
    text = str(error) if not isinstance(error, AssertionError) or str(error) \
        else "the assertion does not hold"
    return "\n".join([*lines, f"{type(error).__name__}: {text}"])


class Laboratory:
    """Keeps one file's Lab, making it anew where it is needed."""

    def __init__(self, name, module):
        self.name = name
        self.module = module
        self.lab = None
        self.problems = []

    def open(self):
        if self.lab:
            return
        lab = Lab(self.name)
        try:
            with deadline(getattr(self.module, "SETUP_SECONDS", SETUP_SECONDS)):
                self.module.setup(lab)
        except BaseException:
            lab.close()
            raise
        self.lab = lab

    def close(self):
        """End everything; what was found while ending it."""
        lab, self.lab = self.lab, None
        return lab.close() if lab else []


def run_case(place, name, function, report):
    seconds = getattr(function, "seconds", CASE_SECONDS)
    start = time.monotonic()
    problems = []
    skipped = None
    try:
        place.open()
        with deadline(seconds):
            function(place.lab)
    except Skip as why:
        skipped = why
    except Exception as error:  # noqa: BLE001 - any failure of a case
        problems.append(explain(error))
    if place.lab:
        problems += place.lab.complaints()
    if problems and place.lab:
        problems += place.close()
    if problems:
        # the next one of this file begins anew, and so do its logs
        logs = LOGS / f"failed.{name}"
        shutil.rmtree(logs, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            (LOGS / place.name).rename(logs)
        report.fail(name, problems, logs.relative_to(TOP))
    elif skipped:
        report.skip(name, skipped)
    else:
        report.ok(name, time.monotonic() - start)


def run_file(path, wanted, report):
    name = path.stem.removeprefix("test_")
    module = load(path)
    every = cases_of(module)
    if not every:
        report.fail(f"{name}.none", [f"{path.name} has no case"], None)
    cases = [(f"{name}.{case}", function) for case, function in every
             if wanted(f"{name}.{case}")]
    if not cases:
        return
    report.note(f"{name}: {claim_of(path)}")
    for logs in (LOGS / name, *LOGS.glob(f"failed.{name}.*")):
        shutil.rmtree(logs, ignore_errors=True)
    place = Laboratory(name, module)
    try:
        for case, function in cases:
            run_case(place, case, function, report)
    finally:
        try:
            left = place.close()
        except Exception as error:  # noqa: BLE001 - the other files' cases go on
            left = [explain(error)]
    if left:
        report.fail(f"{name}.end", left, (LOGS / name).relative_to(TOP))


def show_list(paths, wanted):
    for path in paths:
        name = path.stem.removeprefix("test_")
        print(f"{name}: {claim_of(path)}")
        for case, _ in cases_of(load(path)):
            if wanted(f"{name}.{case}"):
                print(f"    {name}.{case}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", nargs="?", default="qemu",
                        choices=("qemu", "kunit", "debug"))
    parser.add_argument("--list", action="store_true",
                        help="the cases and what they claim")
    parser.add_argument("-k", default=[], metavar="TEXT", action="append",
                        help="only cases with this, or one of these, in their name")
    options = parser.parse_args()
    paths = sorted((DEBUG if options.suite == "debug" else HERE).glob("test_*.py"))
    slow_down()

    def wanted(name):
        return not options.k or any(text in name for text in options.k)

    if options.list:
        show_list(paths, wanted)
        return 0
    # Interrupts must still end every machine.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    if options.suite == "kunit":
        kunit.run(report, wanted)
    else:
        for path in paths:
            run_file(path, wanted, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
