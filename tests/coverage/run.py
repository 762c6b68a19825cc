#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the suites run of the code: `make coverage`.

    tests/coverage/run.py [-k TEXT] [--workers N] [--only-report] [native] [driver]

native: builds programs and tests with gcov's counters, and runs all unit and
daemon tests that run under ASan.
driver: KUnit and the tests in guests, with a kernel that counts what runs of our
module (tests/debug/run.sh gcov).

Prints a table of each part's lines and branches, and leaves every line in
build/coverage/index.html. Fails if a test does, if a part that has a floor is below it,
or if a function of such a part was never run and tests/coverage/never.txt does not say
why; also if it says so of one that was run, or is gone.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
import run  # noqa: E402  (the suites' runner)

OBJECTS = TOP / "build/user/obj/gcov"
REPORT = TOP / "build/coverage"
KERNEL = TOP / "build/kernels/gcov"  # the modules, and notes of what is counted in them
GUESTS = REPORT / "guests"  # a folder of counts for each guest
NEVER = TOP / "tests/coverage/never.txt"

# Part: its folder, and the least percentages of lines and branches.
DRIVER = {"driver": ("drivers/sivshmem", 90, 80)}
NATIVE = {
    "core": ("drivers/sivshmem/core", 98, 92),
    "libcrypto glue": ("userspace/core", 0, 0),
    "daemon": ("userspace/sivshmemd", 90, 80),
    "library": ("userspace/libsivshmem", 90, 80),
    "sivshmemctl": ("userspace/sivshmemctl", 0, 0),
    "keys": ("keys", 0, 0),
    "simguest": ("userspace/simguest", 0, 0),
}

ALL = DRIVER | NATIVE

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

# The driver as it is compiled for guests: the folder below KERNEL, and the files there.
# KUnit's suites have a driver of their own, with the same lines. The core is counted
# natively; trace.h has nothing but macros of tracepoints, whose code is the kernel's.
COMPILED = {
    "modules": "drivers/sivshmem/",
    "kunit": "driver/",
}
NOT_DRIVER = r"trace\.h"


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


def run_guests(wanted):
    """All tests in guests; what they counted is in GUESTS."""
    command = [str(TOP / "tests/debug/run.sh"), "gcov"]
    if wanted:
        command += ["-k", wanted]
    count = None
    with subprocess.Popen(command, cwd=TOP, stdin=subprocess.DEVNULL, text=True,
                          errors="replace", stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            summary = run.SUMMARY.match(line.strip())
            if summary:
                count = run.Count(*map(int, summary.groups()))
            else:
                print(line, end="", flush=True)
    if not count or (process.returncode and not count.failed):
        return run.Count(failed=1)
    return count


def gcovr(*arguments, cwd=TOP):
    subprocess.run(["gcovr", *map(str, arguments)], cwd=cwd, check=True,
                   stdout=subprocess.DEVNULL)


def native_lines():
    """Lines that native tests have run."""
    command = ["--root", TOP, "--object-directory", OBJECTS,
               "--json", REPORT / "native.json"]
    for folder, *_ in NATIVE.values():
        command += ["--filter", re.escape(folder) + "/"]
    for path in LEFT_OUT:
        command += ["--exclude", path]
    gcovr(*command, OBJECTS)
    return [REPORT / "native.json"]


def add_up():
    """The sum of all guests' counts, with the notes beside that gcov needs."""
    guests = sorted(GUESTS.iterdir())
    total, more = REPORT / "objects", REPORT / "objects.new"
    shutil.rmtree(total, ignore_errors=True)
    shutil.copytree(guests[0], total)
    for guest in guests[1:]:
        shutil.rmtree(more, ignore_errors=True)
        subprocess.run(["gcov-tool", "merge", total, guest, "-o", more], check=True)
        shutil.rmtree(total)
        more.rename(total)
    for part in COMPILED:
        for notes in (KERNEL / part).rglob("*.gcno"):
            beside = total / notes.relative_to(KERNEL)
            beside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(notes, beside)
    return total


def compiled_in():
    """A folder like the kernel's, where the compiler was: names of headers are good there,
    and gcov may write beside them."""
    kernel = subprocess.run([TOP / "tests/debug/kernel.sh", "gcov"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout.strip()
    folder = REPORT / "kernel"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("include", "arch"):
        (folder / name).symlink_to(Path(kernel) / name)
    return folder


def driver_lines():
    """Lines of the driver that guests have run."""
    total, folder_of_kernel = add_up(), compiled_in()
    made = []
    for part, folder in COMPILED.items():
        made.append(REPORT / f"{part}.json")
        gcovr("--root", ".", "--json", made[-1], "--filter", f"{folder}[^/]*$",
              "--exclude", folder + NOT_DRIVER, "--object-directory", folder_of_kernel,
              total / part, cwd=KERNEL / part)
        lines = json.loads(made[-1].read_text())
        for file in lines["files"]:
            file["file"] = f"drivers/sivshmem/{Path(file['file']).name}"
        made[-1].write_text(json.dumps(lines))
    return made


def report(lines):
    """Pages of these lines, and numbers by file."""
    command = ["--root", TOP, "--html-details", REPORT / "index.html",
               "--json-summary", REPORT / "summary.json",
               "--json", REPORT / "lines.json"]
    for file in lines:
        command += ["--add-tracefile", file]
    gcovr(*command)
    return json.loads((REPORT / "summary.json").read_text())["files"]


def percent(done, of):
    return 100 * done / of if of else 0.0


def part_of(name, parts):
    """The part that a file belongs to: the one whose folder it is deepest in, if any."""
    return max((part for part, (folder, *_) in parts.items()
                if name.startswith(folder + "/")), key=lambda p: len(parts[p][0]),
               default=None)


def table(files, parts):
    """Print it; the parts below their floor."""
    low = []
    print(f"{'part':<16}{'lines':>8}{'run':>9}{'floor':>7}"
          f"{'branches':>11}{'run':>9}{'floor':>7}")
    for part, (_, *floors) in parts.items():
        its = [f for f in files if part_of(f["filename"], parts) == part]
        row = f"{part:<16}"
        for kind, floor, width in (("line", floors[0], 8), ("branch", floors[1], 11)):
            total = sum(f[f"{kind}_total"] for f in its)
            share = percent(sum(f[f"{kind}_covered"] for f in its), total)
            row += f"{total:>{width}}{share:>8.1f}%{str(floor or '-'):>7}"
            if not total or share < floor:
                low.append(f"{part}: {share:.1f} % by {kind}, not {floor} %")
        print(row)
    return low


def never_run(file):
    """Functions of a file that were not run under any of their names: KUnit compiles some
    files once more under others. By the name that they have in the file."""
    source = (TOP / file["file"]).read_text(encoding="utf-8").splitlines()
    ran, names = set(), {}
    for function in file["functions"]:
        line, name = function["lineno"], function["name"]
        if function["execution_count"]:
            ran.add(line)
        elif line not in names or re.search(rf"\b{name}\b", source[line - 1]):
            names[line] = name
    return {name for line, name in names.items() if line not in ran}


def unexplained(parts):
    """What is wrong with the list of functions that no test runs."""
    never, said = set(), {}
    with_floor = {part: parts[part] for part in parts if any(parts[part][1:])}
    for line in NEVER.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, why = line.split(": ", 1)
            said[tuple(name.split())] = why
    for file in json.loads((REPORT / "lines.json").read_text())["files"]:
        if part_of(file["file"], parts) in with_floor:
            never |= {(file["file"], name) for name in never_run(file)}
    for file, name in sorted(never - said.keys()):
        yield f"{file} {name}() was never run, and {NEVER.name} does not say why"
    for file, name in sorted(said.keys() - never):
        if part_of(file, ALL) in with_floor:
            yield f"{file} {name}() is in {NEVER.name}, but was run or is gone"


def run_native(wanted, workers):
    """Build and run all native tests; every program leaves its counts."""
    run.LOGS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["make", "-s", "-f", "userspace/Makefile", "gcov",
                    f"-j{workers}"], cwd=TOP, check=True)
    counts = [notes.with_suffix(".gcda") for notes in OBJECTS.rglob("*.gcno")]
    for file in counts:
        file.write_bytes(b"")
        file.chmod(0o666)  # for processes that become somebody else
    count = run_tests(wanted, workers)
    for file in counts:
        if not file.stat().st_size:
            file.unlink()
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=("native", "driver"),
                        metavar="native|driver", help="only this")
    parser.add_argument("-k", default="", help="only tests with this in the name")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only-report", action="store_true",
                        help="of the counts that are there")
    options = parser.parse_args()
    what = options.what or ("native", "driver")
    count = run.Count()
    REPORT.mkdir(parents=True, exist_ok=True)
    parts, lines = {}, []
    if "native" in what:
        if not options.only_report:
            count += run_native(options.k, options.workers)
        parts.update(NATIVE)
        lines += native_lines()
    if "driver" in what:
        if not options.only_report:
            count += run_guests(options.k)
        parts.update(DRIVER)
        lines += driver_lines()
    low = table(report(lines), parts)
    if not options.k:
        low += unexplained(parts)
    for line in low:
        print(f"FAIL {line}")
    print(f"every line: {(REPORT / 'index.html').relative_to(TOP)}")
    if not options.only_report:
        print(count)
    return 1 if low or count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
