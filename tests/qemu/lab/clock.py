# SPDX-License-Identifier: GPL-2.0-only
"""The laboratory's clock: time in which the whole machine stood still is not counted."""

import os
import threading
import time

NAP = 0.05
LATE = 0.25  # what a witness on a busy machine may oversleep


class Clock:
    """Goes on for as long as its witness wakes in time, and then stands until it does."""

    def __init__(self, real=time.monotonic):
        self._real = real
        self._seen = (real(), 0.0)  # when the witness was awake, and what was lost by then

    def __call__(self):
        # in this order: one that wakes in between takes nothing back
        awake, lost = self._seen
        return min(self._real(), awake + NAP + LATE) - lost

    def wake(self):
        """The witness is awake; what it has overslept is lost."""
        now = self._real()
        awake, lost = self._seen
        self._seen = now, lost + max(0.0, now - awake - NAP - LATE)

    def watch(self):
        """Begin to count, in a thread of the witness's own."""
        self.wake()
        threading.Thread(target=self._witness, daemon=True).start()

    def _witness(self):
        while True:
            time.sleep(NAP)
            self.wake()


def slack():
    """Seconds more for guests whose every instruction is interpreted, the more of them
    the more others use the processors now."""
    return 1.0 + os.getloadavg()[0] / (os.cpu_count() or 1)
