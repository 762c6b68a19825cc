#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the test suites and counts: `make check`, `make unit`, ...

    tests/run.py [-v] [-k TEXT] [--logs FOLDER] SUITE...

Suites: unit, daemon (native programs, as userspace/Makefile lists them), kunit
and qemu (in guests), demo (the demonstration), smoke (in guests with the newest
kernel). The longest, qemu, has the others in guests beside it, and what they print comes
when each has ended. A program speaks TAP, or ends with the line `N passed, N failed,
N skipped`. A program or suite without any test has failed. The last line counts
every single test; the exit status is 1 if any failed.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
LOGS = TOP / "build" / "logs"
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
TAP = re.compile(r"^\s*(not ok|ok)\b(.*)$")
SECONDS = 900
COLOUR = sys.stdout.isatty()

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    "CMOCKA_MESSAGE_OUTPUT": "tap",
}


class Count:
    """Numbers of tests."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self):
        return (f"{self.passed} passed, {self.failed} failed, "
                f"{self.skipped} skipped")

    @property
    def total(self):
        return self.passed + self.failed + self.skipped


def count_output(text):
    """The tests that a program's output tells of."""
    lines = [line for line in text.splitlines() if line.strip()]
    summary = SUMMARY.match(lines[-1].strip()) if lines else None
    if summary:
        return Count(*map(int, summary.groups()))
    count = Count()
    for line in lines:
        tap = TAP.match(line)
        if not tap:
            continue
        if re.search(r"# *skip", tap.group(2), re.IGNORECASE):
            count.skipped += 1
        elif tap.group(1) == "ok":
            count.passed += 1
        else:
            count.failed += 1
    return count


def paint(text, colour):
    return f"\033[{colour}m{text}\033[0m" if COLOUR else text


def now(line):
    """Where a suite's lines go unless it is told another place."""
    print(line, flush=True)


def say(good, name, count, seconds, out=now):
    mark = paint("ok  ", 32) if good else paint("FAIL", 31)
    out(f"{mark} {name:<40} {count}   {seconds:.1f} s")


class Program:
    """One native test program."""

    def __init__(self, suite, variant, name, command, logs=LOGS):
        self.label = f"{suite}/{name}" + (
            "" if variant in ("script", "plain") else f" ({variant})")
        self.command = command
        self.log = logs / f"{suite}-{variant}-{name}.log"
        self.count = Count()
        self.seconds = 0.0

    def run(self):
        start = time.monotonic()
        try:
            done = subprocess.run(
                self.command, cwd=TOP, env={**os.environ, **SANITIZERS},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
            output, problem = done.stdout, None
            if done.returncode:
                problem = f"exit status {done.returncode}"
        except subprocess.TimeoutExpired as late:
            output, problem = late.stdout or b"", f"not done in {SECONDS} s"
        except OSError as error:
            output, problem = b"", str(error)
        text = output.decode(errors="replace")
        self.log.write_text(text)
        self.count = count_output(text)
        if not problem and not self.count.total:
            problem = "no test in it"
        if problem and not self.count.failed:
            self.count.failed = 1
        self.seconds = time.monotonic() - start
        return self, text, problem


def show_failure(program, text, problem, out=now):
    """The lines of an output that tell what went wrong."""
    lines = text.splitlines()
    bad = [i for i, line in enumerate(lines)
           if line.lstrip().startswith("not ok") or "ERROR:" in line
           or "runtime error:" in line]
    shown = sorted({j for i in bad[:10] for j in range(max(0, i - 3), i + 12)
                    if j < len(lines)}) or range(max(0, len(lines) - 25),
                                                 len(lines))
    for i in shown:
        out(f"     | {lines[i]}")
    out(f"     = {problem or 'failed'}; all of it: {os.path.relpath(program.log, TOP)}")


def build_native():
    """Build all that can be built; whether that was all."""
    made = subprocess.run(["make", "-s", "-k", "-f", "userspace/Makefile", "all",
                           "tests", "san", f"-j{os.cpu_count() or 2}"], cwd=TOP,
                          check=False)
    return made.returncode == 0


def native_programs(suite, options):
    listing = subprocess.run(
        ["make", "-s", "-f", "userspace/Makefile", "list-tests"], cwd=TOP,
        check=True, text=True, stdout=subprocess.PIPE).stdout
    for line in listing.splitlines():
        its_suite, variant, name, *command = line.split()
        if its_suite == suite and options.k in name:
            yield Program(suite, variant, name, command, options.logs)


def run_native(suite, options, out):
    """Run a suite of native programs, as many at once as there are CPUs."""
    total = Count()
    if not build_native():
        out("     = not everything builds: a failure of its own")
        total.failed += 1
    # Tests against a daemon have deadlines: one at a time.
    workers = 1 if suite == "daemon" else os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(program.run)
                for program in native_programs(suite, options)]
        for job in concurrent.futures.as_completed(jobs):
            program, text, problem = job.result()
            good = not program.count.failed
            say(good, program.label, program.count, program.seconds, out)
            if not good or options.verbose:
                show_failure(program, text, problem, out)
            total += program.count
    return total


def run_guest(suite, options, out):
    """Run a suite that prints its own progress and ends with its count."""
    command = [sys.executable, "-u", str(TOP / "tests/qemu/run.py"), suite]
    if suite == "demo":
        command = [sys.executable, "-u", str(TOP / "tests/demo/demo.py"), "--count"]
    elif suite == "smoke":
        command = [str(TOP / "tests/matrix.sh"), "smoke"]
    elif options.k:
        command += ["-k", options.k]
    count = None
    with subprocess.Popen(command, cwd=TOP, stdin=subprocess.DEVNULL, text=True,
                          errors="replace", stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            summary = SUMMARY.match(line.strip())
            if summary:
                count = Count(*map(int, summary.groups()))
            else:
                out(line.rstrip("\n"))
    if count is None:
        count = Count(failed=1)
    if process.returncode and not count.failed:
        count.failed += 1
    return count


SUITES = {
    "unit": run_native,
    "daemon": run_native,
    "kunit": run_guest,
    "qemu": run_guest,
    "demo": run_guest,
    "smoke": run_guest,
}
LONGEST = "qemu"


def run_suite(suite, options, out=now):
    """All of a suite, with its heading and its line at the end."""
    out(f"=== {suite}")
    start = time.monotonic()
    try:
        count = SUITES[suite](suite, options, out)
    except (subprocess.CalledProcessError, OSError) as error:
        out(f"     = {error}")
        count = Count(failed=1)
    if not count.total:
        out("     = a suite without tests has failed")
        count.failed = 1
    say(not count.failed, f"suite {suite}", count, time.monotonic() - start, out)
    return count


def run_beside(suites, options):
    """One after the other, their lines only when each has ended."""
    total = Count()
    for suite in suites:
        lines = []
        total += run_suite(suite, options, lines.append)
        now("\n".join(lines))
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suites", nargs="+", choices=SUITES, metavar="SUITE")
    parser.add_argument("-k", default="", help="only tests with this in the name")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--logs", type=Path, default=LOGS,
                        help="where native programs' output goes")
    options = parser.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    total = Count()
    beside = []
    if LONGEST in options.suites and (os.cpu_count() or 1) > 1:
        beside = [suite for suite in options.suites
                  if SUITES[suite] is run_guest and suite != LONGEST]
    for suite in options.suites:
        if suite == LONGEST:
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                others = pool.submit(run_beside, beside, options)
                total += run_suite(suite, options)
                total += others.result()
        elif suite not in beside:
            total += run_suite(suite, options)
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
