# SPDX-License-Identifier: GPL-2.0-only
# Whom a listener takes is its own decision as well: its list of callers, its demand for
# sealing and its largest ring are judged in its own driver when a caller comes in, also
# where the daemon looks at none of them. Whoever is refused gets no channel at either end.
from lab.events import refusals, traced, watch
from lab.pair import open_region
from lab.shell import Shell
from test_dishonest import lie


def setup(lab):
    open_region(lab, "alpha", "beta",
                program="test-progs/sivshmemd-dishonest")
    watch(*lab.vms.values())
    lab.here, lab.there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])


def connect(lab, service="user", words=""):
    return lab.here.do(
        f"connect 1 {lab.keys['alpha'][service]} data timeout=20000 {words}")


def taken(lab, service="user", words=""):
    got = connect(lab, service, words)
    assert got.startswith("ok"), (service, words, got)
    lab.there.ok("accept 1 0 30000")
    for one, other in ((lab.here, lab.there), (lab.there, lab.here)):
        sent = one.ok("write 1 100 1")
        assert other.ok("read 1 1000") == sent
    assert traced(lab.vms["beta"]) == []
    for shell in (lab.here, lab.there):
        shell.ok("close 1")


def refused(lab, error, cause, service="user", words=""):
    """By the listener's own driver."""
    before = refusals(lab.vms["beta"]).get(cause, 0)
    got = connect(lab, service, words)
    assert got == error, (service, words, got)
    assert traced(lab.vms["beta"]) == [("INCOMING", cause)], (service, words)
    assert refusals(lab.vms["beta"])[cause] == before + 1
    lab.there.refused("accept 1 0 200", "ETIMEDOUT")
    assert not lab.daemon.ctl("status", json_output=True)["channels"]


def refused_by_host(lab, error, words=""):
    got = connect(lab, words=words)
    assert got == error, (words, got)
    assert traced(lab.vms["beta"]) == [], words


def listen(lab, words):
    traced(lab.vms["beta"])
    lab.there.ok(f"listen 0 {lab.keys['beta']['data']} {words}")


# What the list says, and which of alpha's two identities may come.
LISTS = (
    ("", ("user", "data")),
    ("allow=alpha/user", ("user",)),
    ("allow=alpha/data", ("data",)),
    ("allow=*/user", ("user",)),
    ("allow=alpha/*", ("user", "data")),
    ("allow=*/*", ("user", "data")),
    ("allow=gamma/* allow=alpha/data", ("data",)),
    ("allow=alpha/data allow=gamma/user", ("data",)),
    ("allow=alpha/user allow=alpha/data", ("user", "data")),
    # not by half a name, and never the listener itself alone
    ("allow=alp/user allow=alpha/use allow=alpha2/user allow=alpha/user2", ()),
    ("allow=beta/* allow=user/alpha", ()),
)


def case_list_of_callers(lab):
    """The daemon knows nothing of it: here it is honest."""
    for words, may in LISTS:
        listen(lab, words)
        for service in ("user", "data"):
            if service in may:
                taken(lab, service)
                taken(lab, service, "sealed")
            else:
                refused(lab, "EPERM", "allow_list", service)
                refused(lab, "EPERM", "allow_list", service, "sealed")
        lab.there.ok("close 0")


def case_malformed_list(lab):
    for words in ("alpha", "alpha/", "/user", "alpha/us*", "**/user", "Alpha/user",
                  "alpha/user/x"):
        lab.there.refused(f"listen 0 {lab.keys['beta']['data']} allow=gamma/x "
                          f"allow={words}", "EINVAL")


def case_demand_for_sealing(lab):
    listen(lab, "sealed")
    refused_by_host(lab, "EPERM")
    lie(lab, "demands")
    try:
        refused(lab, "EPERM", "not_sealed")
        taken(lab, words="sealed")
    finally:
        lie(lab, "none")
    lab.there.ok("close 0")
    listen(lab, "")
    taken(lab)
    lab.there.ok("close 0")


def case_largest_ring(lab):
    listen(lab, "ring_max=8192")
    wide = ("ring=16384", "ring=16384 ring_rx=8192", "ring=8192 ring_rx=16384")
    for words in wide:
        refused_by_host(lab, "EINVAL", words)
    lie(lab, "demands")
    try:
        for words in wide:
            refused(lab, "EINVAL", "size", words=words)
        taken(lab, words="ring=8192")
    finally:
        lie(lab, "none")
    lab.there.ok("close 0")
    listen(lab, "")
    taken(lab, words="ring=16384")
    lab.there.ok("close 0")
