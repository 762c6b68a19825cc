#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""`make models`: Spin searches every model to its end and refutes every mutant.

    tests/models/run.py [-k TEXT]

A model passes if the search is complete and finds no error. A mutant, the same
model with one protection taken out, passes if Spin finds the property broken
that is named here for it; `sleeps for ever` is Spin's invalid end state, `runs for
ever` its non-progress cycle. The programs, outputs and trails are in build/models/.
"""

import argparse
import concurrent.futures
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "models"
MEMORY_MIB = 3500
DEPTH = 5000000
AT_ONCE = 2
SECONDS = 900
SLEEPS = "sleeps for ever"
RUNS = "runs for ever"
NAMES = {"invalid end state": SLEEPS, "non-progress cycle": RUNS}
ERROR = re.compile(r"^pan:\d+: (?:assertion violated +!\((\w+)\)"
                   r"|(invalid end state|non-progress cycle))", re.MULTILINE)
TOTALS = re.compile(r"depth reached (\d+), errors: (\d+)\s+(\S+) states, stored")
UNREACHED = re.compile(r"^\t(\S+:\d+), state \d+, \"(?!assert\(|-end-)", re.MULTILINE)
# A search for cycles without progress, and properties, instead of one for end states.
CYCLES = "CYCLES"
SPACE = re.compile(r"(\S+)\s+total actual memory usage")

WAKE = (
    ("SLEEPS_LATE", ("woken_by_bell", "woken_by_fallback")),
    ("WAKES_ONLY_AS_ASKED", "woken_by_bell"),
    ("NO_FALLBACK", "woken_by_fallback"),
    ("FALLBACK_OVERLOOKS", "woken_by_fallback"),
    ("FALLBACK_WAKES_ALWAYS", RUNS),
    ("LOOKS_UNTIL_STILL", "bounded"),
    ("NEVER_SLEEPS", "bounded"),
    ("SECOND_LOOK_UNJUDGED", ("inside_ring", "aligned", "never_back")),
)

# What is searched, its file, its macros; then its mutants and what each breaks.
MODELS = (
    ("ring", "ring.pml", (), (
        ("NO_BARRIER_TX_PUBLISH", SLEEPS),
        ("NO_BARRIER_RX_ARM", SLEEPS),
        ("NO_BARRIER_RX_RELEASE", SLEEPS),
        ("NO_BARRIER_TX_ARM", SLEEPS),
        ("NO_BARRIER_END", SLEEPS),
        ("CONSUMER_ASKS_AFTER_LOOK", SLEEPS),
        ("PRODUCER_ASKS_AFTER_LOOK", SLEEPS),
        ("CONSUMER_SLEEPS_LATE", SLEEPS),
        ("PRODUCER_SLEEPS_LATE", SLEEPS),
        ("NO_RELEASE", "record_torn"),
        ("NO_ACQUIRE", "record_torn"),
        ("RELEASED_BEFORE_READ", "record_torn"),
        ("MARK_AFTER_POSITION", "record_lost"),
    )),
    ("ring with poll() beside write()", "ring.pml", ("WAITERS=1", "RECORDS=3"), (
        ("POLL_ASKS_ONCE", SLEEPS),
    )),
    ("ring, cycles", "ring.pml", (CYCLES,), (
        ("BELL_NOT_TAKEN", RUNS),
    )),
    ("ring, hostile producer", "ring_hostile.pml", (), (
        ("PROD_UNBOUNDED", "inside_ring"),
        ("PROD_UNALIGNED", "aligned"),
        ("PROD_MAY_GO_BACK", "never_back"),
        ("PROD_READ_TWICE", ("inside_ring", "aligned", "never_back")),
        ("LENGTH_UNCHECKED", ("inside_judged", "not_too_long")),
        ("HEADER_READ_TWICE", ("inside_judged", "not_too_long")),
    )),
    ("ring, hostile consumer", "ring_hostile.pml", ("PRODUCER",), (
        ("CONS_MAY_PASS", ("inside_ring", "never_back")),
        ("CONS_MAY_GO_BACK", "never_back"),
        ("CONS_READ_TWICE", ("inside_ring", "aligned", "never_back")),
    )),
    ("ring, hostile producer that rings", "ring_wake.pml", (CYCLES,), WAKE),
    ("ring, hostile consumer that rings", "ring_wake.pml", (CYCLES, "PRODUCER"), WAKE),
    ("connect", "connect.pml", (), (
        ("M2_NOT_OPENED", "agreement"),
        ("M3_NOT_OPENED", "agreement"),
        ("COMMON_NOT_IN_M3", "agreement"),
        ("COMMON_UNCHECKED", "asked"),
        ("TERMS_NOT_BOUND", "agreement"),
        ("N_LEFT_OUT", "agreement"),
        ("CERTIFICATES_NOT_BOUND", "agreement"),
        ("PSK_OF_THE_REGION", ("secrecy", "agreement")),
        ("UNSIGNED", ("secrecy", "agreement")),
        ("ITSELF", "itself"),
        ("EPHEMERAL_OF_A_REUSED", ("nonce_once", "injectivity")),
        ("EPHEMERAL_OF_B_REUSED", ("nonce_once", "injectivity")),
        ("ONE_KEY_FOR_BOTH_DIRECTIONS", "nonce_once"),
    )),
    ("connect, all but N repeated", "connect.pml", ("REPEAT",), (
        ("N_REUSED", "nonce_once"),
        ("N_LEFT_OUT", "nonce_once"),
    )),
)


class Failure(Exception):
    """Why a search is not what it should be."""


def search(folder, file, macros):
    """Build and run one verifier; its output."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    defines = [f"-D{macro}" for macro in macros]
    how = ("-DNP", "-l") if CYCLES in macros else ("-DSAFETY",)
    steps = (
        # -o3: a statement that is merged into another is never seen unreached
        ["spin", "-o3", "-a", *defines, str(HERE / file)],
        ["gcc", "-w", "-O2", how[0], "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MIB}",
         "-o", "pan", "pan.c"],
        ["./pan", f"-m{DEPTH}", *how[1:]],
    )
    for step in steps:
        try:
            done = subprocess.run(step, cwd=folder, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(str(error)) from error
        (folder / f"{Path(step[0]).name}.log").write_text(done.stdout)
        if done.returncode and step[0] != "./pan":
            raise Failure(f"{step[0]}: {done.stdout.strip()[-300:]}")
    return done.stdout


def check_model(output):
    """No error in a whole search, that went everywhere; what it was."""
    totals = TOTALS.search(output)
    if not totals:
        raise Failure(f"no result: {output.strip()[-300:]}")
    depth, errors, states = totals.groups()
    for sign in ("max search depth too small", "Search not completed",
                 "reached -DMEMLIM", "hash-compact", "Bit statespace"):
        if sign.lower() in output.lower():
            raise Failure(f"not all was searched: {sign}")
    found = ERROR.search(output)
    if errors != "0" or found:
        raise Failure(f"refuted: {found.group(0) if found else output[-300:]}")
    unreached = UNREACHED.search(output)
    if unreached:
        raise Failure(f"never reached: {unreached.group(1)}")
    space = SPACE.search(output)
    return (f"{int(float(states))} states, depth {depth}, "
            f"{float(space.group(1)) if space else 0:.0f} MiB")


def check_mutant(output, breaks):
    """The property that must break is broken."""
    found = ERROR.search(output)
    if not found:
        raise Failure(f"not refuted: {output.strip()[-300:]}")
    name = found.group(1) or NAMES[found.group(2)]
    if name not in ((breaks,) if isinstance(breaks, str) else breaks):
        raise Failure(f"refuted, but by {name}")
    return f"refuted: {name}"


def searches():
    """Label, file, macros, and the check of the output."""
    for label, file, macros, mutants in MODELS:
        yield label, file, macros, check_model
        for mutant, breaks in mutants:
            yield (f"{label}, mutant {mutant.lower()}", file,
                   (*macros, f"MUTANT_{mutant}"),
                   lambda output, breaks=breaks: check_mutant(output, breaks))


def unlisted():
    """Mutants that a model has and nobody asks for."""
    listed = {f"MUTANT_{mutant}" for *_, mutants in MODELS for mutant, _ in mutants}
    for path in sorted(HERE.glob("*.pml")):
        yield from set(re.findall(r"MUTANT_\w+", path.read_text())) - listed


def result(todo):
    """One search and its check; good or not, and the line for it."""
    number, label, file, macros, check = todo
    try:
        found = check(search(BUILD / f"{number:02}", file, macros))
    except Failure as problem:
        return False, f"not ok {number} {label}: {problem}"
    return True, f"ok {number} {label}: {found}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", default="", help="only those with this in the name")
    options = parser.parse_args()
    passed, failed = 0, 0
    todo = [(number, *rest) for number, rest in enumerate(searches(), 1)
            if options.k in rest[0]]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for good, line in pool.map(result, todo):
            passed += good
            failed += not good
            print(line, flush=True)
    for mutant in unlisted():
        failed += 1
        print(f"not ok: nothing is expected of {mutant}")
    if not passed and not failed:
        failed = 1
        print("not ok: no such model")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
