# SPDX-License-Identifier: GPL-2.0-only
# This kernel finds what it is for: each mistake of the module sivbug, made on purpose in
# a machine of its own, is told in the log, and the laboratory notices.
import contextlib

from lab.agent import AgentGone
from lab.kmsg import splats

KASAN = {
    "out_of_bounds": "KASAN: slab-out-of-bounds",
    "after_free": "KASAN: slab-use-after-free|KASAN: use-after-free",
    "leak": "kmemleak: 1 new|unreferenced object",
    "sleep": "scheduling while atomic|sleeping function called",
    "order": "possible circular locking",
    "shift": "UBSAN: shift-out-of-bounds",
    "object": "ODEBUG: free active",
    "hang": "blocked for more than",
}
# what a warning, and a task that hangs, must end
PANICS = ("out_of_bounds", "object", "hang")
KCSAN = {"race": "KCSAN: data-race"}


def setup(lab):
    lab.boot("probe", cpus=2)
    found = lab.vms["probe"].out("zcat /proc/config.gz 2>/dev/null; "
                                 "ls /sys/kernel/debug")
    lab.mistakes = KCSAN if "kcsan" in found.split() else KASAN


def made(lab, bug):
    """Make a mistake; what the laboratory finds in the log."""
    vm = lab.boot(bug.replace("_", "-"), cpus=2)
    with contextlib.suppress(AgentGone):  # it may panic
        vm.run("test ! -e /sys/kernel/debug/kcsan || echo on > /sys/kernel/debug/kcsan")
        vm.run("test ! -e /proc/sys/kernel/hung_task_timeout_secs || "
               "echo 3 > /proc/sys/kernel/hung_task_timeout_secs")
        vm.run(f"insmod /modules/sivbug.ko bug={bug}", status=None, timeout=60)
        vm.find_leaks()
    vm.stop()
    text = vm.kernel_log()
    # what was wanted is no complaint
    vm.new_splats()
    lab.vms.pop(bug.replace("_", "-"))
    return splats(text), text


def case_mistakes(lab):
    for bug, told in lab.mistakes.items():
        found, text = made(lab, bug)
        assert any(words in splat for splat in found for words in told.split("|")), \
            f"{bug}: not found: {text[-3000:]}"
        assert bug not in PANICS or "Kernel panic" in text, f"{bug}: it went on"
        print(f"# {bug}: found", flush=True)
