# SPDX-License-Identifier: GPL-2.0-only
# Every ioctl refuses a malformed argument with the errno that the ABI promises, on
# every kind of descriptor, changes nothing and counts it; 32-bit callers have every ioctl,
# read, write and poll, and no ring's mapping.
import errno
import re
from collections import Counter

from lab.events import refusals
from lab.lab import Skip
from lab.pair import open_region
from lab.paths import ARCH, BUILD, TOP

HEADER = TOP / "include/uapi/linux/sivshmem.h"
DESCRIPTORS = ("control", "listener", "channel", "node")
# What is counted where an errno is a refusal.
CAUSES = {"EINVAL": "argument", "E2BIG": "argument_tail", "EOPNOTSUPP": "unsupported",
          "ENOKEY": "no_key"}


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
    before = Counter(refusals(lab.vms["alpha"]))
    out = lab.vms["alpha"].run(f"ioctls {keys['user']} {keys['data']} data",
                               status=None).out
    print("\n".join(f"# {line}" for line in out.splitlines()), flush=True)
    rows = [line.split() for line in out.splitlines()]
    total = re.search(r"^(\d+) cells, 0 wrong$", out, re.MULTILINE)
    assert total, "a cell has another errno: see the table"
    seen = {(row[0], row[1]) for row in rows if row[0] in DESCRIPTORS}
    assert seen == {(d, name) for d in DESCRIPTORS for name in [*numbers(), "-"]}
    cells = Counter()
    for number, name in re.findall(r" (\d+) (\w+) +ok$", out, re.MULTILINE):
        cells[CAUSES.get(name)] += int(number)
    assert cells.total() == int(total[1]), cells
    del cells[None]
    counted = Counter(refusals(lab.vms["alpha"])) - before
    assert counted == cells, (counted, cells)
    peer.close_input()
    assert peer.wait() == 0, peer.text


# What abi32 prints: names, and what the calls must give.
COMPAT = {
    "open": 0, "VERSION": 1, "REGION_INFO": 0, "region_mib": 64,
    "region_name": ord("l"), "LISTEN": 0, "ACCEPT": -errno.ETIMEDOUT,
    "LISTEN_bad_allow": -errno.EFAULT, "REGION_INFO_short": -errno.EINVAL,
    "CONNECT": 0, "INFO": 0, "mmap_tx": -errno.EOPNOTSUPP,
    "mmap_rx": -errno.EOPNOTSUPP, "records": 0, "BELL_by_calls": -errno.EINVAL,
    "SHUTDOWN": 0, "read_end": 0, "CONNECT_2": 0, "INFO_2": 0, "mmap_own": 0,
    "mmap_peer": 0, "peer_prod": 0, "WAIT_now": -errno.EAGAIN,
    "WAIT_50": -errno.ETIMEDOUT, "BELL": 0, "write_mapped": -errno.EBUSY,
}


def case_32_bit_caller(lab):
    if ARCH != "x86_64":
        raise Skip("abi32 is built for x86 alone")
    # ELFCLASS32, EM_386: it is what it is said to be
    program = (BUILD / "user/guest/abi32").read_bytes()
    assert program[4] == 1 and program[18] == 3, program[:20]
    keys = lab.keys["alpha"]
    echo = lab.vms["beta"].start(f"chan echo {lab.keys['beta']['data']} 2")
    echo.wait_output("listening")
    out = lab.vms["alpha"].out(f"abi32 {keys['user']} {keys['data']} data")
    got = {name: int(value)
           for name, value in (line.split() for line in out.splitlines())}
    assert got == COMPAT, {name: (got.get(name), COMPAT.get(name))
                           for name in got.keys() | COMPAT.keys()
                           if got.get(name) != COMPAT.get(name)}
    assert echo.wait() == 0, echo.text
