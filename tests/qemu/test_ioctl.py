# SPDX-License-Identifier: GPL-2.0-only
# Every ioctl refuses a malformed argument with the errno that the ABI promises, on
# every kind of descriptor, and changes nothing; 32-bit callers have every ioctl, read,
# write and poll, and no ring's mapping.
import re

from lab.pair import open_region
from lab.paths import TOP

HEADER = TOP / "include/uapi/linux/sivshmem.h"
DESCRIPTORS = ("control", "listener", "channel", "node")


def setup(lab):
    open_region(lab, "alpha", "beta")


def numbers():
    """The names of all ioctls of the ABI."""
    found = re.findall(r"^#define SIVSHMEM_(\w+) _IO\(SIVSHMEM_IOC",
                       HEADER.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(found) > 8, found
    return found


def case_malformed(lab):
    keys = lab.keys["alpha"]
    peer = lab.vms["beta"].start(f"chan keep {lab.keys['beta']['data']}")
    peer.wait_output("listening")
    out = lab.vms["alpha"].run(f"ioctls {keys['user']} {keys['data']} data",
                               status=None).out
    print("\n".join(f"# {line}" for line in out.splitlines()), flush=True)
    rows = [line.split() for line in out.splitlines()]
    total = re.search(r"^(\d+) cells, 0 wrong$", out, re.MULTILINE)
    assert total, "a cell has another errno: see the table"
    seen = {(row[0], row[1]) for row in rows if row[0] in DESCRIPTORS}
    assert seen == {(d, name) for d in DESCRIPTORS for name in [*numbers(), "-"]}
    peer.close_input()
    assert peer.wait() == 0, peer.text
