# SPDX-License-Identifier: GPL-2.0-only
"""What the driver tells of refusals and of states: tracepoints and counters."""

import errno
import re

REFUSALS = "/sys/class/misc/sivshmem-control/refusals"
TRACING = "/sys/kernel/tracing"


def watch(*vms, event=""):
    """Have the driver's tracepoints recorded, all of them or one."""
    for vm in vms:
        vm.run(f"echo 1 > {TRACING}/events/sivshmem/{event}/enable")


def take(vm):
    """What the tracepoints have told since the last call, as text."""
    return vm.out(f"cat {TRACING}/trace; echo > {TRACING}/trace")


def traced(vm):
    """The refusals since the last call: (place, cause)."""
    return re.findall(r"siv_refused: device=\d+ at=(\w+) reason=(\w+) ", take(vm))


def tells(vm, shell, call, error, *event):
    """A call that must fail; the one event that there is of it, if there is one."""
    traced(vm)
    shell.refused(call, error)
    told = re.findall(r"siv_refused: device=\d+ at=(\w+) reason=(\w+) errno=-(\d+)",
                      take(vm))
    wanted = [(*event, str(getattr(errno, error)))] if event else []
    assert told == wanted, (call, told)


def states(text, kind):
    """The changes of state of a kind of thing: (id, state, cause)."""
    return [(int(number), int(state), cause) for number, state, cause in re.findall(
        rf"siv_{kind}: device=\d+ id=(\d+) state=(\d+) reason=(\w+)", text)]


def refusals(vm):
    """The driver's counters: {cause: times}."""
    return {name: int(count) for name, count in
            (line.split() for line in vm.out(f"cat {REFUSALS}").splitlines())}
