#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reports and counts what kunit.py ran.

    tests/kunit/count.py [-k TEXT] LOG STATUS

LOG is the kernel's, STATUS is what kunit.py ended with. Its verdict and ours must be
the same: it knows when a plan was not kept, we what a kernel must never say. (UML says
such a thing while it starts, of PCI that nobody has given it: that is not looked at.)
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "qemu"))

from lab import kunit  # noqa: E402
from lab.kmsg import splats  # noqa: E402
from lab.ktap import outcomes  # noqa: E402
from lab.report import Report  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", default="", metavar="TEXT",
                        help="only cases with this in their name")
    parser.add_argument("log", type=Path)
    parser.add_argument("status", type=int)
    options = parser.parse_args()
    text = options.log.read_text(encoding="utf-8", errors="replace")
    every = outcomes(text)
    problems = splats(text.partition("KTAP version")[2])
    if not every:
        problems.append("no results in the kernel's log")
    if bool(options.status) != any(not outcome.good for outcome in every):
        problems.append(f"kunit.py ended with {options.status}")
    report = Report()
    kunit.show(report, [outcome for outcome in every if options.k in outcome.name],
               options.log)
    if problems:
        report.fail("uml.kernel", problems, options.log)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
