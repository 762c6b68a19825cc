# SPDX-License-Identifier: GPL-2.0-only
"""Results, one line per case, TAP-like, with a count at the end."""

import sys

COLOUR = sys.stdout.isatty()


class Report:
    """Prints results as they come and counts them."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    @property
    def total(self):
        return self.passed + self.failed + self.skipped

    def _line(self, colour, mark, name, rest):
        mark = f"\033[{colour}m{mark}\033[0m" if COLOUR else mark
        print(f"{mark} {self.total} {name}{rest}", flush=True)

    def note(self, text):
        print(f"# {text}", flush=True)

    def ok(self, name, seconds):
        self.passed += 1
        self._line(32, "ok", name, f" # {seconds:.1f} s")

    def ok_many(self, name, count):
        """A case that stands for several tests, such as vectors."""
        self.passed += count
        self._line(32, "ok", name, f" # {count} tests" if count > 1 else "")

    def skip(self, name, why):
        self.skipped += 1
        self._line(33, "ok", name, f" # SKIP {why}")

    def fail(self, name, problems, logs):
        self.failed += 1
        self._line(31, "not ok", name, "")
        for problem in problems:
            for line in str(problem).splitlines():
                print(f"  | {line}")
        print(f"  = logs: {logs}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, "
              f"{self.skipped} skipped", flush=True)
        return 1 if self.failed or not self.passed else 0
