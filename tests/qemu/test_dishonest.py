# SPDX-License-Identifier: GPL-2.0-only
# A daemon that lies about one thing at a time gets nothing by it: the end that is lied
# to refuses, in its driver, with the errno and the event of the cause; the other end
# gets no channel either, and what was open before goes on.
import json
import socket

from lab.events import refusals, traced, watch
from lab.members import add_identity, bundle
from lab.pair import REGION, open_region, policy, until
from lab.shell import Shell

# The lie, what CONNECT gives at alpha, who finds the lie, where, and its cause.
LIES = (
    # to A, in the grant
    ("ephemeral@grant_a", "EBADMSG", "alpha", "GRANT", "tag"),
    ("nonce@grant_a", "EBADMSG", "alpha", "GRANT", "tag"),
    ("certificate@grant_a", "EBADMSG", "alpha", "GRANT", "tag"),
    ("generation@grant_a", "EBADMSG", "alpha", "GRANT", "tag"),
    ("peer@grant_a", "EBADMSG", "alpha", "GRANT", "tag"),
    ("size@grant_a", "EBADMSG", "alpha", "GRANT", "common"),
    ("flag@grant_a", "EBADMSG", "alpha", "GRANT", "common"),
    ("range@grant_a", "EPROTO", "alpha", "GRANT", "range"),
    ("overlap@grant_a", "EPROTO", "alpha", "GRANT", "range"),
    ("service@grant_a", "EKEYREJECTED", "alpha", "GRANT", "cert_service"),
    # to B, which has no way to know yet: A finds that they differ
    ("ephemeral@incoming", "EBADMSG", "alpha", "GRANT", "tag"),
    ("nonce@incoming", "EBADMSG", "alpha", "GRANT", "tag"),
    ("certificate@incoming", "EBADMSG", "alpha", "GRANT", "tag"),
    ("peer@incoming", "EBADMSG", "alpha", "GRANT", "tag"),
    ("size@incoming", "EBADMSG", "alpha", "GRANT", "tag"),
    ("flag@incoming", "EBADMSG", "alpha", "GRANT", "tag"),
    # to B, which knows better
    ("service@incoming", "EKEYREJECTED", "beta", "INCOMING", "cert_service"),
    # to B when A has the channel already: it is taken back
    ("size@grant_b", "later EBADMSG", "beta", "GRANT", "common"),
    ("flag@grant_b", "later EBADMSG", "beta", "GRANT", "common"),
    ("peer@grant_b", "later EBADMSG", "beta", "GRANT", "common"),
    ("range@grant_b", "later ECONNRESET", "beta", "GRANT", "range"),
    ("overlap@grant_b", "later EBADMSG", "beta", "GRANT", "common"),
    # good in itself, but not what the other end was told
    ("moved@grant_a", "later EBADMSG", "beta", "GRANT", "common"),
    ("moved@grant_b", "later EBADMSG", "beta", "GRANT", "common"),
)


def setup(lab):
    text = policy(("alpha", "beta"),
                  extra=f"[service {REGION}/alpha/other]\nclients = beta")
    open_region(lab, "alpha", "beta", text=text,
                program="test-progs/sivshmemd-dishonest")
    watch(*lab.vms.values())
    # Sessions of other identities of alpha's, whose certificates are lent: of the same
    # service first, then of another.
    alpha = lab.vms["alpha"]
    other = add_identity(alpha, bundle(lab.ca, REGION, "alpha", "other"), "other")
    lab.lent = Shell(alpha)
    lab.lent.ok(f"listen 0 {lab.keys['alpha']['data']}")
    lab.lent.ok(f"listen 1 {other}")
    # A channel that stays: whose memory and number are lied about.
    lab.here, lab.there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    lab.there.ok(f"listen 0 {lab.keys['beta']['data']}")
    honest(lab, 2)


def lie(lab, kind):
    """What the daemon lies about from now on."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(str(lab.daemon.runtime / "control.sock"))
        control.sendall(json.dumps({"cmd": "lie", "kind": kind}).encode() + b"\n")
        answer = json.loads(control.makefile().readline())
    assert answer["ok"] and answer["lie"] == kind, answer


def both_ways(lab, slot):
    """A record each way through an open channel."""
    for one, other in ((lab.here, lab.there), (lab.there, lab.here)):
        sent = one.ok(f"write {slot} 100 {slot}")
        assert other.ok(f"read {slot} 1000") == sent


def honest(lab, slot, words=""):
    lab.here.ok(f"connect {slot} {lab.keys['alpha']['user']} data {words}")
    lab.there.ok(f"accept {slot} 0 30000")
    both_ways(lab, slot)


def taken_back(shell, slot, error):
    """A channel that its peer refused: it ends at once, and gives nothing."""
    until(lambda: shell.info(slot)["state"] == "3", "the end")
    assert shell.info(slot)["rx"] == "0", shell.info(slot)
    for call in (f"read {slot} 100", f"write {slot} 100", f"map {slot} 2"):
        shell.refused(call, error)


def told(lab, kind, error, finder, place, cause, words=""):
    """One lie, and what comes of it at both ends."""
    for vm in lab.vms.values():
        traced(vm)
    before = refusals(lab.vms[finder]).get(cause, 0)
    lies = len(lab.daemon.audit(event="lie"))
    lie(lab, kind)
    # if nobody answers at all, that is what is waited for
    patience = 4000 if error == "ETIMEDOUT" else 20000
    try:
        got = lab.here.do(f"connect 1 {lab.keys['alpha']['user']} data "
                          f"timeout={patience} {words}")
        if error.startswith("later "):
            assert got.startswith("ok"), f"{kind}: {got}"
            taken_back(lab.here, 1, error.split()[1])
            lab.here.ok("close 1")
        else:
            assert got == error, f"{kind}: {got} instead of {error}"
        lab.there.refused("accept 1 0 300", "ETIMEDOUT")
    finally:
        lie(lab, "none")
    lab.daemon.wait_audit(lies + 1, event="lie")
    events = traced(lab.vms[finder])
    assert events.count((place, cause)) == 1, (kind, events)
    assert refusals(lab.vms[finder])[cause] == before + 1, kind


def alone(lab, count):
    """Wait until the host has no more channels than these."""
    until(lambda: len(lab.daemon.ctl("status", json_output=True)["channels"]) == count,
          "the end of the other channels")


def controlled(lab, *expected, words=""):
    """Between two honest connects; and what is open stays."""
    honest(lab, 1, words)
    for shell in (lab.here, lab.there):
        shell.ok("close 1")
    alone(lab, 1)  # whose memory is lied about, and not that of the one before
    told(lab, *expected, words=words)
    both_ways(lab, 2)
    honest(lab, 1, words)
    for shell in (lab.here, lab.there):
        shell.ok("close 1")


def make_case(expected, words=""):
    def case(lab):
        controlled(lab, *expected, words=words)
    return case


for _expected in LIES:
    _name = _expected[0].replace("@", "_in_")
    globals()[f"case_{_name}"] = make_case(_expected)


def case_downgrade(lab):
    """Sealing was asked for: what is granted without it is refused."""
    controlled(lab, "flag@grant_a", "EBADMSG", "alpha", "GRANT", "common",
               words="sealed")
    controlled(lab, "flag@incoming", "EBADMSG", "alpha", "GRANT", "tag",
               words="sealed aes")
    controlled(lab, "flag@grant_b", "later EBADMSG", "beta", "GRANT", "common",
               words="sealed")


def live_number(lab, *expected):
    """The number of a channel that is open, which goes on."""
    honest(lab, 3)
    told(lab, *expected)
    both_ways(lab, 2)
    both_ways(lab, 3)
    for shell in (lab.here, lab.there):
        shell.ok("close 3")
    honest(lab, 1)
    for shell in (lab.here, lab.there):
        shell.ok("close 1")


def case_live_number_in_grant_a(lab):
    live_number(lab, "generation@grant_a", "ESTALE", "alpha", "GRANT", "generation")


def case_live_number_in_incoming(lab):
    live_number(lab, "generation@incoming", "ETIMEDOUT", "beta", "INCOMING",
                "generation")


def case_another_vm_than_named(lab):
    controlled(lab, "certificate@grant_a", "EKEYREJECTED", "alpha", "GRANT",
               "cert_vm", words="vm=beta")


def case_nonblocking(lab):
    """Found in a worker instead of in the call: the same errno."""
    lie(lab, "ephemeral@grant_a")
    try:
        lab.here.ok(f"connect 1 {lab.keys['alpha']['user']} data nonblock")
        assert "err" in lab.here.ok("poll 1 30000 out")
        assert lab.here.info(1)["error"] == "EBADMSG", lab.here.info(1)
        for call in ("read 1 10", "write 1 10"):
            assert lab.here.do(call) != "ok", call
        lab.here.ok("close 1")
        lab.there.refused("accept 1 0 300", "ETIMEDOUT")
    finally:
        lie(lab, "none")
    both_ways(lab, 2)
    honest(lab, 1)
    for shell in (lab.here, lab.there):
        shell.ok("close 1")


# ------------------------------------------------------------------------------- FIN

def closed(lab, one, other, words):
    """What `other` reads, asleep and awake, after `one` has written and closed."""
    lab.here.ok(f"connect 1 {lab.keys['alpha']['user']} data {words}")
    lab.there.ok("accept 1 0 30000")
    sent = one.ok("write 1 100 7")
    assert other.ok("read 1 1000") == sent
    other.begin("read 1 1000")
    one.ok("close 1")
    got = [other.end()[:10].strip()]
    got.append(other.do("read 1 1000")[:10].strip())
    other.ok("close 1")
    return got


def without_fin(lab, kind, *causes):
    for words in ("sealed", "sealed aes"):
        for one, other, name in ((lab.here, lab.there, "beta"),
                                 (lab.there, lab.here, "alpha")):
            assert [g[:5] for g in closed(lab, one, other, words)] == ["ok 0 "] * 2
            traced(lab.vms[name])
            lie(lab, kind)
            try:
                got = closed(lab, one, other, words)
                assert got == ["ECONNRESET"] * 2, (kind, words, name, got)
                # a plain stream has no FIN that could be kept
                got = [g[:5] for g in closed(lab, one, other, "")]
                assert got == ["ok 0 "] * 2, (kind, name, got)
            finally:
                lie(lab, "none")
            assert traced(lab.vms[name]) == [("SEAL", cause) for cause in causes]
            both_ways(lab, 2)


def case_fin_kept_back(lab):
    """The peer closes, but nothing proves that this was all."""
    without_fin(lab, "no_fin", "no_fin", "no_fin")


def case_fin_forged(lab):
    without_fin(lab, "other_fin", "tag", "no_fin", "no_fin")


def case_zz_everything_at_once(lab):
    """In every message that has the field; no channel to compare with."""
    for shell in (lab.here, lab.there):
        shell.ok("close 2")
    alone(lab, 0)
    for kind in ("ephemeral", "certificate", "service", "size", "flag",
                 "generation", "overlap", "range", "peer"):
        lie(lab, kind)
        got = lab.here.do(
            f"connect 1 {lab.keys['alpha']['user']} data timeout=2000")
        assert got in ("EBADMSG", "EPROTO", "EKEYREJECTED", "ETIMEDOUT",
                       "ESTALE"), (kind, got)
        lab.there.refused("accept 1 0 200", "ETIMEDOUT")
        lie(lab, "none")
    honest(lab, 1)
