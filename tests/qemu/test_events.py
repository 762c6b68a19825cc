# SPDX-License-Identifier: GPL-2.0-only
# Every change of a session, channel and listener is a tracepoint, in order and once; a
# refused key and a refused call are an event and a counter, whoever reads the log.
from lab.certs import X25519
from lab.events import refusals, states, take, traced, watch
from lab.pair import REGION, open_region
from lab.shell import Shell

CONNECTING, OPEN, CLOSING, ENDED = range(4)
LISTENING, UNLISTENED = 1, 2


def setup(lab):
    open_region(lab, "alpha", "beta")
    watch(*lab.vms.values())


def case_states(lab):
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    for vm in lab.vms.values():
        take(vm)
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data")
    there.ok("accept 1 0 5000")
    sent = here.ok("write 1 100 1")
    assert there.ok("read 1 100") == sent
    here.ok("close 1")
    there.refused("write 1 100 1", "EPIPE")
    there.ok("close 1")
    there.ok("close 0")
    here.refused(f"connect 1 {lab.keys['alpha']['user']} data", "ECONNREFUSED")
    caller, server = (take(lab.vms[name]) for name in ("alpha", "beta"))

    for text in (caller, server):
        assert [(state, why) for _, state, why in states(text, "session")] == \
            [(1, "ok")], text
    channels = states(caller, "channel")
    cid = channels[1][0]
    assert cid and channels == [
        (0, CONNECTING, "ok"), (cid, OPEN, "ok"), (cid, ENDED, "peer_closed"),
        (0, CONNECTING, "ok"), (0, ENDED, "no_listener")], caller
    assert states(server, "channel") == [
        (0, CONNECTING, "ok"), (cid, OPEN, "ok"), (cid, CLOSING, "peer_closed"),
        (cid, ENDED, "peer_closed")], server
    assert [(state, why) for _, state, why in states(server, "listener")] == \
        [(LISTENING, "ok"), (UNLISTENED, "no_listener")], server


def refused(vm, command, place, cause, stdin=None):
    """A command that must fail, for one reason, which is told once."""
    before = refusals(vm).get(cause, 0)
    traced(vm)
    assert vm.run(command, stdin=stdin, status=None).status, command
    got = traced(vm)
    assert got == [(place, cause)], (command, got)
    assert refusals(vm)[cause] == before + 1, command


def case_keys(lab):
    alpha, me = lab.vms["alpha"], X25519()
    uri = f"sivshmem://{REGION}/alpha/extra"
    good = lab.ca.issue(me.public, uri)
    padd = "keyctl padd sivshmem {} @u".format
    refused(alpha, padd("extra"), "KEY", "der_trailing",
            good + me.private + b"\0")
    refused(alpha, padd("extra"), "KEY", "key_mismatch", good + X25519().private)
    refused(alpha, padd("other"), "KEY", "cert_service", good + me.private)
    refused(alpha, padd("extra"), "KEY", "cert_expired",
            lab.ca.issue(me.public, uri, end=-5) + me.private)
    key = alpha.out(padd("extra"), stdin=good + me.private)
    refused(alpha, padd("extra"), "KEY", "key_exists", b"new")
    refused(alpha, f"keyctl pupdate {key}", "KEY", "key_mismatch",
            lab.ca.issue(X25519().public, uri))
    refused(alpha, f"keyctl pupdate {key}", "KEY", "cert_service",
            lab.ca.issue(me.public, f"sivshmem://{REGION}/alpha/other"))


def case_calls(lab):
    alpha, user = lab.vms["alpha"], lab.keys["alpha"]["user"]
    refused(alpha, f"chan ping {user} nobody 1 1", "CONNECT", "policy")
    refused(alpha, "chan ping 1 data 1 1", "CONNECT", "no_key")
    refused(alpha, "chan keep 1", "LISTEN", "no_key")
    shell, there = Shell(alpha), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    for words, error, cause in (("ring=4097", "EINVAL", "size"),
                                ("suite=9", "EPROTONOSUPPORT", "suite"),
                                ("region=elsewhere", "EKEYREJECTED", "cert_region")):
        traced(alpha)
        shell.refused(f"connect 1 {user} data {words}", error)
        assert traced(alpha) == [("CONNECT", cause)], words
    shell.quit()
    there.quit()
