# SPDX-License-Identifier: GPL-2.0-only
# A channel ends when the first of its certificates does, the peer's and the host's as well
# as one's own: each driver sees to that by its own clock, where the host does not end it;
# mappings are gone, and channels of other identities go on. With the host's certificate
# ends all that a guest has with that host, and nothing begins. A clock that is years behind
# changes nothing, for the host has told its time.
import time

from lab.certs import X25519
from lab.events import states, take, traced, watch
from lab.members import add_identity
from lab.pair import REGION, open_region, renew, works
from lab.shell import Shell

HOUR = 3600
HOST_END = 4 * HOUR  # later than the brief ones, earlier than the guests' others
ENDED = {"session": 2, "channel": 3, "listener": 2}
OWN, PEER, TX, RX = WINDOWS = range(4)


def setup(lab):
    open_region(lab, "alpha", "beta", host_end=HOST_END)
    watch(*lab.vms.values())


def brief(lab, name, service):
    """An identity whose certificate ends in an hour; the others last for a day."""
    key = X25519()
    der = lab.ca.issue(key.public, f"sivshmem://{REGION}/{name}/{service}", end=HOUR)
    lab.vms[name].run(f"keyctl unlink {lab.keys[name][service]} @u")
    lab.keys[name][service] = add_identity(lab.vms[name], der + key.private, service)


def set_clock(guest, ahead):
    guest.run(f"date -s @{int(time.time()) + ahead}")


def pair(lab, one, other, words=""):
    """A channel in slot 1 of two new shells."""
    here, there = Shell(lab.vms[one]), Shell(lab.vms[other])
    there.ok(f"listen 0 {lab.keys[other]['data']}")
    here.ok(f"connect 1 {lab.keys[one]['user']} data {words}")
    there.ok("accept 1 0 30000")
    return here, there


def goes_on(one, other):
    for here, there in ((one, other), (other, one)):
        sent = here.ok("write 1 100 1")
        assert there.ok("read 1 1000") == sent


def ends(lab, judge, words=""):
    """By the clock of a guest whose own certificate is good for a day."""
    here, there = pair(lab, "alpha", "beta", words)
    beside = pair(lab, "beta", "alpha")
    own, peer = (here, there) if judge == "alpha" else (there, here)
    guest = lab.vms[judge]
    set_clock(guest, HOUR - 60)
    time.sleep(2)
    goes_on(here, there)
    traced(guest)
    own.begin("read 1 100")
    set_clock(guest, 2 * HOUR)
    start = time.monotonic()
    assert own.end(10) == "ECONNRESET"
    took = time.monotonic() - start
    print(f"# {judge} {words}: {took * 1000:.0f} ms of 1000", flush=True)
    assert traced(guest) == [("CHANNEL", "cert_expired")]
    assert own.info(1)["end"] == "EKEYEXPIRED", own.info(1)
    own.refused("write 1 8", "ECONNRESET")
    peer.refused("read 1 100", "ECONNRESET")
    goes_on(*beside)
    for shell in (here, there, *beside):
        shell.quit()
    set_clock(guest, 0)


def case_callers_certificate_at_the_listener(lab):
    brief(lab, "alpha", "user")
    for words in ("", "sealed"):
        ends(lab, "beta", words)
    renew(lab, "alpha")
    works(lab)


def case_listeners_certificate_at_the_caller(lab):
    brief(lab, "beta", "data")
    for words in ("", "sealed"):
        ends(lab, "alpha", words)
    renew(lab, "beta")
    works(lab)


def case_mappings_are_gone(lab):
    brief(lab, "alpha", "user")
    here, there = pair(lab, "alpha", "beta")
    for shell in (here, there):
        for window in WINDOWS:
            shell.ok(f"map 1 {window}")
            shell.ok(f"get 1 {window} 0")
    there.begin("wait 1 read 8 20000")
    set_clock(lab.vms["beta"], 2 * HOUR)
    assert there.end(10) == "ECONNRESET"
    assert there.info(1)["end"] == "EKEYEXPIRED", there.info(1)
    for window in WINDOWS:
        there.refused(f"get 1 {window} 0", "SIGBUS")
    polled = there.ok("poll 1 1000")
    assert "hup" in polled and "err" in polled, polled
    for shell in (here, there):
        shell.quit()
    set_clock(lab.vms["beta"], 0)
    renew(lab, "alpha")
    works(lab)


def case_expired_before_the_channel(lab):
    """Whoever judges by that clock refuses a new one as well."""
    brief(lab, "alpha", "user")
    there = Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    set_clock(lab.vms["beta"], 2 * HOUR)
    traced(lab.vms["beta"])
    here = Shell(lab.vms["alpha"])
    here.refused(f"connect 1 {lab.keys['alpha']['user']} data", "EKEYEXPIRED")
    assert traced(lab.vms["beta"]) == [("INCOMING", "cert_expired")]
    for shell in (here, there):
        shell.quit()
    set_clock(lab.vms["beta"], 0)
    renew(lab, "alpha")
    works(lab)


def case_clock_far_behind(lab):
    """The host's time counts then: what is open goes on, and new ones are judged by it."""
    alpha = lab.vms["alpha"]
    works(lab)  # a session whose host has told its time
    here, there = pair(lab, "alpha", "beta", "sealed")
    for years in (10, 40):
        set_clock(alpha, -years * 365 * 24 * HOUR)
        goes_on(here, there)
        here.ok(f"connect 2 {lab.keys['alpha']['user']} data")
        there.ok("accept 2 0 30000")
        for shell in (here, there):
            shell.ok("close 2")
    goes_on(here, there)
    for shell in (here, there):
        shell.quit()
    set_clock(alpha, 0)
    works(lab)


def case_hosts_certificate_alone(lab):
    """Also a session without a channel ends, and its listener; the other guest's do not."""
    alpha = lab.vms["alpha"]
    for words in ("", "sealed"):
        here, there = pair(lab, "alpha", "beta", words)
        here.ok(f"listen 0 {lab.keys['alpha']['data']}")
        set_clock(alpha, HOST_END - HOUR // 2)  # from now on, not from its beginning
        time.sleep(2)
        goes_on(here, there)
        here.begin("read 1 100")
        take(alpha)
        take(lab.vms["beta"])
        set_clock(alpha, HOST_END + 60)
        start = time.monotonic()
        assert here.end(10) == "ECONNRESET"
        here.refused("accept 2 0 30000", "EKEYEXPIRED")
        took = time.monotonic() - start
        print(f"# the host's {words}: {took * 1000:.0f} ms of 1000", flush=True)
        assert here.info(1)["end"] == "EKEYEXPIRED", here.info(1)
        for slot in (0, 1):
            polled = here.ok(f"poll {slot} 1000")
            assert "hup" in polled and "err" in polled, (slot, polled)
        text = take(alpha)
        ends = [(kind, state, why) for kind in ENDED
                for _, state, why in states(text, kind)]
        assert sorted(ends) == sorted(
            (kind, ENDED[kind], "cert_expired")
            for kind in ("session", "session", "channel", "listener")), text
        there.refused("read 1 100", "ECONNRESET")
        for call in (f"connect 3 {lab.keys['alpha']['user']} data",
                     f"listen 3 {lab.keys['alpha']['data']}"):
            here.refused(call, "EKEYEXPIRED")
            assert ("SESSION", "cert_expired") in traced(alpha), call
        assert not states(take(lab.vms["beta"]), "session")
        for shell in (here, there):
            shell.quit()
        set_clock(alpha, 0)
        works(lab)
