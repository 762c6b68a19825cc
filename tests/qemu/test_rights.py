# SPDX-License-Identifier: GPL-2.0-only
# Who may search a key may use its identity, and nobody else, root neither: at CONNECT,
# at LISTEN and when a channel's node is opened. A user who may open the control node
# needs no other right than that, and has none to the device itself; root of a user
# namespace has no more than its user.
from lab import events
from lab.events import traced, watch
from lab.lab import Skip
from lab.members import bundle
from lab.pair import REGION, device, open_region, policy, until
from lab.shell import Shell

CONTROL = "/dev/sivshmem-control"
OF_POSSESSOR, SEARCH_BY_OWNER = 0x3f000000, 0x00080000
STRANGER = "stranger:x:1002:1002:in no group:/:/bin/sh"


def setup(lab):
    # a service of a user's, beside root's
    text = policy(("alpha", "beta"),
                  f"[service {REGION}/alpha/club]\nclients = beta")
    open_region(lab, "alpha", "beta", text=text)
    guest = lab.vms["alpha"]
    watch(guest)
    guest.run(f"chgrp sivshmem {CONTROL}")  # as udev does
    guest.run(f"echo {STRANGER} >> /etc/passwd")
    lab.own = {}
    for service in ("person", "club"):
        payload = bundle(lab.ca, REGION, "alpha", service)
        lab.own[service] = int(guest.out(
            f"su user -c 'keyctl padd sivshmem {service} @u'", stdin=payload))


def as_user(lab, command, user="user", status=0):
    """What a command of a user's in alpha printed."""
    return lab.vms["alpha"].out(f"su {user} -c '{command}'", status=status)


def elsewhere(command):
    """A command in a session that does not have its user's keyring."""
    return f"keyctl session - {command}"


def refused(lab, user, words, call, wrap=str):
    """The key decides, and the refusal is an event and counted."""
    before = refusals(lab)
    traced(lab.vms["alpha"])
    out = as_user(lab, wrap(f"chan {words}"), user, status=1)
    assert out == f"EACCES {call}", (user, words, out)
    told = traced(lab.vms["alpha"])
    assert told == [(call, "key_search")], (user, words, told)
    assert refusals(lab) == before + 1, (user, words)


def refusals(lab):
    """How often the driver has refused who may not search a key."""
    return events.refusals(lab.vms["alpha"]).get("key_search", 0)


def connects(lab, user, key, wrap=str):
    """CONNECT with this key must work for this user."""
    echo = lab.vms["beta"].start(f"chan echo {lab.keys['beta']['data']} 1")
    echo.wait_output("listening")
    out = as_user(lab, wrap(f"chan connect {key} data"), user)
    assert out.startswith("ok beta/data "), out
    assert echo.wait() == 0, echo.text


def case_connect(lab):
    own, roots = lab.own["person"], lab.keys["alpha"]["user"]
    connects(lab, "user", own)
    refused(lab, "user", f"connect {roots} data", "CONNECT")
    refused(lab, "other", f"connect {own} data", "CONNECT")
    refused(lab, "root", f"connect {own} data", "CONNECT")
    connects(lab, "root", roots)
    connects(lab, "user", own)


def case_listen(lab):
    own, roots = lab.own["club"], lab.keys["alpha"]["data"]
    refused(lab, "user", f"keep {roots}", "LISTEN")
    refused(lab, "other", f"keep {own}", "LISTEN")
    refused(lab, "root", f"keep {own}", "LISTEN")
    for user, key, service in (("user", own, "club"), ("root", roots, "data")):
        echo = lab.vms["alpha"].start(f"su {user} -c 'chan echo {key} 1'")
        echo.wait_output("listening")
        lab.vms["beta"].run(
            f"chan ping {lab.keys['beta']['user']} {service} 3 5")
        assert echo.wait() == 0, echo.text


def case_the_uid_is_not_enough(lab):
    own = lab.own["person"]
    refused(lab, "user", f"connect {own} data", "CONNECT", elsewhere)
    refused(lab, "user", f"keep {own}", "LISTEN", elsewhere)
    # the right alone was missing
    as_user(lab, f"keyctl setperm {own} {OF_POSSESSOR | SEARCH_BY_OWNER:#x}")
    connects(lab, "user", own, elsewhere)
    as_user(lab, f"keyctl setperm {own} {OF_POSSESSOR:#x}")


def case_control_node_has_a_mode(lab):
    out = as_user(lab, f"chan connect {lab.own['person']} data", "stranger", status=1)
    assert out == f"EACCES {CONTROL}", out


def case_the_device_is_roots(lab):
    guest = lab.vms["alpha"]
    bdf = device(guest)
    folder = f"/sys/bus/pci/devices/{bdf}"
    slot = bdf.removeprefix("0000:").replace(":", "/", 1)
    for path in (f"{folder}/resource0", f"{folder}/resource1", f"{folder}/resource2",
                 f"{folder}/resource2_wc", f"{folder}/config", "/dev/mem",
                 f"/proc/bus/pci/{slot}"):
        assert guest.out(f"act open {path}") == "ok", path
        for user in ("user", "stranger"):
            out = as_user(lab, f"act open {path}", user, status=1)
            assert out == "EACCES", (path, user, out)
    for name in ("remove", "reset", "driver_override"):
        for user in ("user", "stranger"):
            as_user(lab, f"echo 1 > {folder}/{name}", user, status=1)
    assert device(guest) == bdf


def contained(command):
    """A command as root of a user namespace of its own."""
    return f"unshare -U -r sh -c \"{command}\""


def case_root_of_a_user_namespace(lab):
    if lab.vms["alpha"].run("test -e /proc/self/ns/user", status=None).status:
        raise Skip("this kernel has no user namespaces")
    roots = lab.keys["alpha"]["user"]
    assert as_user(lab, contained("id -u")) == "0"
    for key in (roots, lab.keys["alpha"]["data"]):
        refused(lab, "user", f"connect {key} data", "CONNECT", contained)
        refused(lab, "user", f"keep {key}", "LISTEN", contained)
    for user in ("stranger", "user"):
        for command in ("mknod /tmp/node c 10 125", "keyctl clear %:.sivshmem",
                        "keyctl restrict_keyring %:.sivshmem",
                        f"keyctl revoke {roots}", "act open /dev/mem"):
            as_user(lab, contained(command), user, status=1)
    out = as_user(lab, contained(f"chan connect {roots} data"), "stranger", status=1)
    assert out == f"EACCES {CONTROL}", out
    connects(lab, "root", roots)
    connects(lab, "user", lab.own["person"])


class Owner:
    """`user` in alpha with a channel to beta that has a node."""

    def __init__(self, lab, words=""):
        guest = lab.vms["alpha"]
        self.there = Shell(lab.vms["beta"])
        self.there.ok(f"listen 0 {lab.keys['beta']['data']}")
        self.here = Shell(guest, "user")
        self.here.ok(f"connect 1 {lab.own['person']} data {words}")
        self.node = f"/dev/sivshmem{self.here.info(1)['minor']}"
        until(lambda: guest.run(f"test -e {self.node}", status=None).status == 0,
              self.node)
        assert guest.out(f"stat -c '%a %U' {self.node}") == "600 user"

    def quit(self):
        self.here.quit()
        self.there.quit()


BY_KEY = [("OPEN", "key_search")]


def may_not_open(lab, node, user, wrap=str, error="EACCES"):
    """What the driver has refused; nothing where the mode did."""
    traced(lab.vms["alpha"])
    out = as_user(lab, wrap(f"act open {node}"), user, status=1)
    assert out == error, (user, out)
    return traced(lab.vms["alpha"])


def case_node(lab):
    owner = Owner(lab)
    key = lab.own["person"]
    # the mode stops another user; the key alone stops these two
    assert may_not_open(lab, owner.node, "other") == []
    assert may_not_open(lab, owner.node, "root") == BY_KEY
    assert may_not_open(lab, owner.node, "user", elsewhere) == BY_KEY
    assert as_user(lab, f"act open {owner.node}") == "ok"
    as_user(lab, f"keyctl setperm {key} {OF_POSSESSOR | SEARCH_BY_OWNER:#x}")
    assert as_user(lab, elsewhere(f"act open {owner.node}")) == "ok"
    as_user(lab, f"keyctl setperm {key} {OF_POSSESSOR:#x}")
    assert may_not_open(lab, owner.node, "user", elsewhere) == BY_KEY
    # and one file at a time
    owner.here.ok(f"open 2 {owner.node}")
    assert may_not_open(lab, owner.node, "user", error="EBUSY") == [("OPEN", "mode")]
    owner.here.ok("close 2")
    assert as_user(lab, f"act open {owner.node}") == "ok"
    owner.quit()


def case_node_is_shared(lab):
    """NODE_SHARED: the mode decides alone, and there may be several files."""
    owner = Owner(lab, "shared")
    owner.here.ok(f"open 2 {owner.node}")
    assert as_user(lab, elsewhere(f"act open {owner.node}")) == "ok"
    assert may_not_open(lab, owner.node, "other") == []
    owner.quit()


def case_zz_nobodys_key(lab):
    """A key that nobody has given anything is no identity, and nobody is asked for it."""
    guest = lab.vms["alpha"]
    guest.run("mkdir -p /sbin")
    guest.push("/sbin/request-key", b"#!/bin/sh\necho >> /tmp/asked\n"
               b"keyctl negate $2 600 $5\n", "755")
    guest.run("keyctl request2 sivshmem nobody x @u", status=1)
    key = int(guest.out("grep 'sivshmem *nobody' /proc/keys").split()[0], 16)
    for words, call in ((f"connect {key} data", "CONNECT"), (f"keep {key}", "LISTEN")):
        assert guest.out(f"chan {words}", status=1) == f"ENOKEY {call}", words
    assert guest.out("wc -l < /tmp/asked") == "1"
    guest.run("rm /sbin/request-key")
