# SPDX-License-Identifier: GPL-2.0-only
"""Reads a guest's kernel log for anything that a kernel must never say."""

import re

SPLAT = re.compile(
    r"-+\[ cut here \]|WARNING: (?:CPU|possible|suspicious|inconsistent|bad)"
    r"|BUG: |kernel BUG at|Oops: |Oops\[|general protection fault"
    r"|Kernel panic|KASAN:|UBSAN:|KCSAN:|kmemleak: \d+ new"
    r"|possible circular locking|possible recursive locking"
    r"|sleeping function called|scheduling while atomic"
    r"|blocked for more than \d+ seconds|refcount_t: "
    r"|rcu: INFO: .*(?:stall|detected)|soft lockup|hard LOCKUP"
    r"|list_(?:add|del) corruption|Bad page (?:state|map)"
    r"|Busy inodes after unmount"
    r"|irq \d+: nobody cared|do_IRQ: .* No irq handler"
    r"|segfault at|traps: .* trap|x86/PAT: .* conflicting")


def splats(text):
    """The offending lines of a kernel log, with a little of what follows."""
    lines = text.splitlines()
    found = []
    covered = -1
    for i, line in enumerate(lines):
        if SPLAT.search(line) and i > covered:
            covered = i + 16
            if "KCSAN:" in line:
                covered = race_end(lines, i)
                if "[siv" not in line:
                    continue  # between functions of the kernel's own
            found.append("\n".join(lines[i:covered]))
    return found


def race_end(lines, start):
    """Where the race detector's report ends that begins there."""
    for i in range(start + 1, len(lines)):
        if lines[i].rstrip().endswith("=" * 20):
            return i
    return len(lines)
