# SPDX-License-Identifier: GPL-2.0-only
# A process gets no more of a channel than its windows: by no other mapping, protection or
# call, not through a child, a debugger or the kernel on its behalf, not in a core dump;
# and when the key is revoked, moved, cut and other processes' mappings go as well, and
# nothing comes back while others map all the time.
import collections

from lab.kernel import OWN_KERNEL
from lab.lab import Skip
from lab.pair import open_region, renew, works
from lab.shell import Shell

RECORD = 100
CORE = "/proc/sys/kernel/core_pattern"
MASK = (1 << 64) - 1
IN_WINDOW, ELSEWHERE = 0x5851f42d4c957f2d, 0x14057b7ef767814f  # as in grip.c
NAMES = 194  # of what grip tries, so that nothing is left out


def setup(lab):
    open_region(lab, "alpha", "beta", cpus=2)


def lines_of(lab, job, there):
    """What grip prints; it is given what it waits for."""
    key = lab.keys["alpha"]["user"]
    accepted = False
    while True:
        line = job.line(60)
        if line == "feed":
            if not accepted:
                there.ok("accept 1 0 30000")
                assert there.ok("read 1 10").startswith("1 ")
                accepted = True
            there.ok(f"write 1 {RECORD} 1")
            job.send(b"\n")
        elif line == "holding":
            lab.vms["alpha"].run(f"keyctl revoke {key}")
            job.send(b"\n")
        else:
            if not line.startswith("ok "):
                print(f"# {line}", flush=True)
            yield line
        if line.endswith(" wrong"):
            return


def case_nothing_but_its_windows(lab):
    there = Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    job = lab.vms["alpha"].start(f"grip {lab.keys['alpha']['user']} data")
    lines = list(lines_of(lab, job, there))
    names = collections.Counter(line.split()[0] for line in lines)
    # one kernel of Debian's has every call; one of our own may lack some
    assert OWN_KERNEL or not names["absent"], lines
    assert not names["not"], "something was not refused"
    assert lines[-1] == f"{names['ok']} right, 0 wrong", lines[-1]
    tried = {line.split()[1].rstrip(":") for line in lines
             if line.split()[0] in ("ok", "absent")}
    assert OWN_KERNEL or len(tried) == NAMES, len(tried)
    assert job.wait() == 0
    there.quit()
    renew(lab, "alpha")
    works(lab)


def canary(seed):
    return b"".join((i * seed & MASK ^ 0x9e3779b97f4a7c15).to_bytes(8, "little")
                    for i in range(1, 65))


def case_core_dump(lab):
    alpha = lab.vms["alpha"]
    if alpha.run(f"test -e {CORE}", status=None).status:
        raise Skip("this kernel dumps no core")
    there = Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    # everything is asked for, shared mappings of files as well
    job = alpha.start(f"ulimit -c unlimited; cd /tmp; echo core > {CORE}; "
                      "echo 0xff > /proc/self/coredump_filter; "
                      f"grip {lab.keys['alpha']['user']} data core")
    job.wait_output("filled")
    there.ok("accept 1 0 30000")
    there.ok("map 1 3")
    for at in (8, 16):  # its first words
        assert there.ok(f"get 1 3 {at}") == str(int.from_bytes(
            canary(IN_WINDOW)[at - 8:at], "little"))
    job.send(b"\n")
    assert job.wait() != 0
    assert "not " not in job.text, job.text
    core = alpha.pull("/tmp/core")
    assert core.startswith(b"\x7fELF"), core[:16]
    assert canary(ELSEWHERE) in core, "the search finds nothing"
    for at in range(0, 512, 16):
        assert canary(IN_WINDOW)[at:at + 16] not in core, at
    alpha.run("rm /tmp/core")
    there.quit()
    works(lab)
