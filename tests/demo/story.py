# SPDX-License-Identifier: GPL-2.0-only
"""How the demonstration looks: chapters, acts, a progress bar, a verdict."""

import sys
import time

COLOUR = sys.stdout.isatty()
WIDTH = 40


def paint(text, code):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


class Story:
    """Prints as it happens; counts what was not as it should be."""

    def __init__(self):
        self.start = time.monotonic()
        self.deviations = []
        self.checks = 0
        self._chapter = 0

    def chapter(self, title):
        self._chapter += 1
        seconds = time.monotonic() - self.start
        print(f"\n{paint(f'{self._chapter}. {title}', '1;36')}"
              f"{paint(f'   [{seconds:.0f} s]', 2)}", flush=True)

    def tell(self, text):
        for line in text.splitlines():
            print(f"   {line}", flush=True)

    def done(self, what, detail=""):
        detail = paint(f"  {detail}", 2) if detail else ""
        print(f"   {paint('✓', 32)} {what}{detail}", flush=True)

    def counted(self):
        """The checks as a line that the test runner understands."""
        failed = len(self.deviations)
        return f"{max(0, self.checks - failed)} passed, {failed} failed, 0 skipped"

    def deviation(self, what, detail):
        self.deviations.append(what)
        print(f"   {paint('✗', '1;31')} {what}\n       {paint(detail, 31)}",
              flush=True)

    def check(self, good, what, wrong="", detail=""):
        """Something that must be so; `wrong` is shown if it is not."""
        self.checks += 1
        if good:
            self.done(what, detail)
        else:
            self.deviation(what, wrong)
        return good

    def refused(self, what, wanted, got, audit):
        """An act that had to fail with an errno, and the daemon's line."""
        self.checks += 1
        good = got == wanted
        verdict = paint(got, 32) if good else paint(f"{got}, not {wanted}", "1;31")
        mark = paint("✓", 32) if good else paint("✗", "1;31")
        print(f"   {mark} {what:<52} {verdict}", flush=True)
        print(f"       {paint(audit, 2)}", flush=True)
        if not good:
            self.deviations.append(what)

    def progress(self, what, done, total, seconds):
        """A bar on a terminal; elsewhere only its end."""
        if not COLOUR and done < total:
            return
        share = done / total
        full = int(share * WIDTH)
        rate = f"{done / seconds / 1e6:6.1f} MB/s" if seconds > 0.2 else ""
        print(("\r" if COLOUR else "") + f"   {what:<10} "
              f"[{'█' * full}{'·' * (WIDTH - full)}] {share:4.0%} {rate}",
              end="\n" if done >= total else "", flush=True)

    def end(self):
        seconds = time.monotonic() - self.start
        if self.deviations:
            print(f"\n{paint('Not as it should be:', '1;31')}")
            for what in self.deviations:
                print(f"   {what}")
        else:
            print(f"\n{paint('All of it was as it should be', '1;32')}"
                  f" ({seconds:.0f} s).")
        return 1 if self.deviations else 0
