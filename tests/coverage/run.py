#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the native suites run of the code: `make coverage`.

    tests/coverage/run.py [-k TEXT] [--workers N] [--only-report]

Builds programs and tests with gcov's counters, runs all unit and daemon tests
that run under ASan, prints a table of each part's lines and branches, and
leaves every line in build/coverage/index.html. Fails if a test does, or if a
part that has a floor is below it.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
import run  # noqa: E402  (the suites' runner)

OBJECTS = TOP / "build/user/obj/gcov"
REPORT = TOP / "build/coverage"

# Part: its folder, and the least percentages of lines and branches.
PARTS = {
    "core": ("drivers/sivshmem/core", 98, 92),
    "libcrypto glue": ("userspace/core", 0, 0),
    "daemon": ("userspace/sivshmemd", 90, 80),
    "library": ("userspace/libsivshmem", 90, 80),
    "sivshmemctl": ("userspace/sivshmemctl", 0, 0),
    "keys": ("keys", 0, 0),
    "simguest": ("userspace/simguest", 0, 0),
}

# Never counted, and why.
LEFT_OUT = {
    # A process in it can write no counts: the filter is off here, and
    # test-sandbox, built as the product is, tries what it forbids.
    "userspace/sivshmemd/sandbox.c",
    # What the dishonest daemon of the tests does wrong.
    "userspace/sivshmemd/lie.c",
    # The library's examples are only built.
    "userspace/libsivshmem/examples/.*",
}


def programs(wanted):
    """The tests, as the Makefile lists them."""
    listing = subprocess.run(
        ["make", "-s", "-f", "userspace/Makefile", "list-gcov"], cwd=TOP,
        check=True, text=True, stdout=subprocess.PIPE).stdout
    for line in listing.splitlines():
        suite, variant, name, *command = line.split()
        if wanted in name:
            yield suite, run.Program(suite, variant, name, command)


def run_tests(wanted, workers):
    """Run them all; tests against a daemon have deadlines: one at a time."""
    total = run.Count()
    listed = list(programs(wanted))
    for suite, at_once in (("unit", workers), ("daemon", 1)):
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            jobs = [pool.submit(p.run) for s, p in listed if s == suite]
            for job in concurrent.futures.as_completed(jobs):
                program, text, problem = job.result()
                good = not program.count.failed
                run.say(good, program.label, program.count, program.seconds)
                if not good:
                    run.show_failure(program, text, problem)
                total += program.count
    return total


def report():
    """gcovr's pages, and its numbers by file."""
    REPORT.mkdir(parents=True, exist_ok=True)
    command = ["gcovr", "--root", str(TOP), "--object-directory", str(OBJECTS),
               "--html-details", str(REPORT / "index.html"),
               "--json-summary", str(REPORT / "summary.json"),
               "--json", str(REPORT / "lines.json")]
    for folder, *_ in PARTS.values():
        command += ["--filter", re.escape(folder) + "/"]
    for path in LEFT_OUT:
        command += ["--exclude", path]
    subprocess.run([*command, str(OBJECTS)], cwd=TOP, check=True,
                   stdout=subprocess.DEVNULL)
    return json.loads((REPORT / "summary.json").read_text())["files"]


def percent(done, of):
    return 100 * done / of if of else 0.0


def table(files):
    """Print it; the parts below their floor."""
    low = []
    print(f"{'part':<16}{'lines':>8}{'run':>9}{'floor':>7}"
          f"{'branches':>11}{'run':>9}{'floor':>7}")
    for part, (folder, *floors) in PARTS.items():
        its = [f for f in files if f["filename"].startswith(folder + "/")]
        row = f"{part:<16}"
        for kind, floor, width in (("line", floors[0], 8), ("branch", floors[1], 11)):
            total = sum(f[f"{kind}_total"] for f in its)
            share = percent(sum(f[f"{kind}_covered"] for f in its), total)
            row += f"{total:>{width}}{share:>8.1f}%{str(floor or '-'):>7}"
            if not total or share < floor:
                low.append(f"{part}: {share:.1f} % by {kind}, not {floor} %")
        print(row)
    return low


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", default="", help="only tests with this in the name")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only-report", action="store_true",
                        help="of the counts that are there")
    options = parser.parse_args()
    count = run.Count()
    if not options.only_report:
        run.LOGS.mkdir(parents=True, exist_ok=True)
        subprocess.run(["make", "-s", "-f", "userspace/Makefile", "gcov",
                        f"-j{options.workers}"], cwd=TOP, check=True)
        counts = [notes.with_suffix(".gcda") for notes in OBJECTS.rglob("*.gcno")]
        for file in counts:
            file.write_bytes(b"")
            file.chmod(0o666)  # for processes that become somebody else
        count = run_tests(options.k, options.workers)
        for file in counts:
            if not file.stat().st_size:
                file.unlink()
    low = table(report())
    for line in low:
        print(f"FAIL {line}")
    print(f"every line: {(REPORT / 'index.html').relative_to(TOP)}")
    if not options.only_report:
        print(count)
    return 1 if low or count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
