# SPDX-License-Identifier: GPL-2.0-only
"""Reads KUnit's results out of a kernel log."""

import re

LINE = re.compile(r"^(?:\[ *\d+\.\d+\] )?(?P<indent> *)(?P<what>.*)$")
RESULT = re.compile(r"^(?P<not>not )?ok (?P<number>\d+) ?-? ?(?P<name>[^#]*)"
                    r"(?P<rest>#.*)?$")
SUBTEST = re.compile(r"^# Subtest: (?P<name>.*)$")


class Outcome:
    """One test: a case, or one parameter of a case."""

    def __init__(self, name, good, skipped, notes):
        self.name = name
        self.good = good
        self.skipped = skipped
        self.notes = notes


def outcomes(log):
    """The leaves of a KTAP tree, named SUITE.CASE or SUITE.CASE.PARAMETER.

    A case with parameters counts as its parameters; a suite as its cases, but one that
    has failed before its first counts itself.
    """
    found = []
    path = {}       # depth: name of the subtest that is open there
    has_leaves = set()
    notes = []
    for raw in log.splitlines():
        line = LINE.match(raw)
        depth, what = len(line["indent"]) // 4, line["what"]
        subtest = SUBTEST.match(what)
        result = RESULT.match(what)
        if subtest:
            path[depth] = subtest["name"].strip()
            has_leaves.discard(depth)
            notes = []
        elif result:
            name = result["name"].strip()
            failed = bool(result["not"])
            inner = depth + 1 in has_leaves
            has_leaves.discard(depth + 1)
            has_leaves.add(depth)
            skipped = "skip" in (result["rest"] or "").lower()
            outer = [path[d] for d in range(1, depth + 1) if d in path]
            if inner and skipped:   # 6.1 says so of the case, not of its parameters
                whole = ".".join([*outer, name, ""])
                for outcome in found:
                    outcome.skipped |= outcome.name.startswith(whole)
            if not inner and (depth or failed):
                found.append(Outcome(".".join([*outer, name]), not failed,
                                     skipped, notes))
            notes = []
        elif depth and what.startswith("# "):
            notes.append(what)
        elif "EXPECTATION FAILED" in what or "ASSERTION FAILED" in what:
            notes.append(what)
        elif notes and depth >= 2:
            notes.append(what)
    return found
