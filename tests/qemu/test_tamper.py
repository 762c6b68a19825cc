# SPDX-License-Identifier: GPL-2.0-only
# A third VM that writes into the memory of a sealed channel: a record that was changed,
# exchanged, repeated or taken from another channel gives EBADMSG, a broken ring EPROTO, a
# cut stream ECONNRESET, and an end that nobody proved is none. Each ends that channel only.
import struct

from lab.events import refusals, traced, watch
from lab.pair import until
from lab.shell import Shell
from test_raw import dump, poke
from test_raw import setup as setup_raw

TAG = 16
NEAR = 2 << 20
SUITES = ("sealed", "sealed aes")
PROD, CONS, END = 0, 64, 256  # offsets in a side page


def setup(lab):
    setup_raw(lab)
    watch(lab.vms["alpha"], lab.vms["beta"])
    lab.here, lab.there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    lab.there.ok(f"listen 0 {lab.keys['beta']['data']}")
    lab.size = 1003  # of records: each is found by a length that no other has
    lab.near = lab.header["extent_off"]
    # A channel of the same pair, which nothing may touch.
    channel(lab, 2, "sealed")
    both_ways(lab)


def channel(lab, slot, words):
    lab.here.ok(f"connect {slot} {lab.keys['alpha']['user']} data {words}")
    lab.there.ok(f"accept {slot} 0 30000")


def both_ways(lab):
    for one, other in ((lab.here, lab.there), (lab.there, lab.here)):
        sent = one.ok("write 2 100 2")
        assert other.ok("read 2 1000", timeout=10) == sent


def header(size):
    return struct.pack("<Q", size + TAG)


def find(lab, start, size, what):
    """How often it is there, and where first."""
    out = lab.vms["mallory"].out(f"act find /dev/uio0 1 {start} {size}", stdin=what)
    return tuple(map(int, out.split()[1:]))


def sent(lab, count=1, slot=1):
    """alpha has sent so many records of one size: where they lie, and what one takes."""
    head = lab.header
    lab.size += 8
    for i in range(count):
        lab.here.ok(f"write {slot} {lab.size} {i}")
    what = header(lab.size)
    hits, at = find(lab, lab.near, NEAR, what)
    if not hits:
        hits, at = find(lab, head["extent_off"], head["extent_len"], what)
        lab.near = min(at, head["extent_off"] + head["extent_len"] - NEAR)
    assert hits == count and at % head["granule"] == 0, (hits, at, lab.size)
    return at, 8 + (lab.size + TAG + 7) // 8 * 8


def side(lab, position):
    """Where alpha's page of the channel lies, known by what it has written."""
    head = lab.header
    hits, at = find(lab, head["side_off"], head["side_count"] * 2 * head["granule"],
                    struct.pack("<Q", position))
    assert hits == 1 and at % head["granule"] == 0, (hits, at)
    return at


def over(lab, error, place, cause, count=1):
    """The victim's end, the other end's, and the channel beside it."""
    info = lab.there.info(1)
    assert info["state"] == "3" and info["end"] == error, info
    assert traced(lab.vms["beta"]) == [(place, cause)] * count
    for call in ("read 1 2000", "write 1 8"):
        lab.there.refused(call, error)
    until(lambda: lab.here.info(1)["state"] == "3", "the other end")
    assert lab.here.info(1)["end"] == error, lab.here.info(1)
    both_ways(lab)
    for shell in (lab.here, lab.there):
        shell.ok("close 1")


def tampered(lab, words, tamper, error, place, cause, count=1, ahead=0):
    """One channel: records are written, tampered with and read, `ahead` before that."""
    channel(lab, 1, words)
    at, step = sent(lab, count)
    for _ in range(ahead):
        assert lab.there.ok("read 1 2000").startswith(f"{lab.size} ")
    before = refusals(lab.vms["beta"]).get(cause, 0)
    traced(lab.vms["beta"])
    tamper(at, step)
    lab.there.refused("read 1 2000", error)
    assert refusals(lab.vms["beta"])[cause] == before + 1
    over(lab, error, place, cause)


def not_opened(lab, tamper, count=1, ahead=0):
    for words in SUITES:
        tampered(lab, words, tamper, "EBADMSG", "SEAL", "tag", count, ahead)


def case_untouched(lab):
    """What these tests do beside tampering changes nothing."""
    for words in SUITES:
        channel(lab, 1, words)
        at, step = sent(lab, 2)
        poke(lab, at, dump(lab, at, 2 * step))
        assert side(lab, 2 * step)
        for _ in range(2):
            assert lab.there.ok("read 1 2000").startswith(f"{lab.size} ")
        lab.here.ok("close 1")
        assert lab.there.ok("read 1 2000").startswith("0 ")
        lab.there.ok("close 1")


def flip(lab, offset):
    poke(lab, offset, bytes([dump(lab, offset, 1)[0] ^ 1]))


def case_ciphertext(lab):
    not_opened(lab, lambda at, step: flip(lab, at + 8 + 500))


def case_tag(lab):
    not_opened(lab, lambda at, step: flip(lab, at + 8 + lab.size + TAG - 1))


def case_length(lab):
    """Shorter by one: the ring's rules allow it."""
    not_opened(lab, lambda at, step: poke(lab, at, header(lab.size - 1)))


def case_exchanged(lab):
    def swap(at, step):
        pair = dump(lab, at, 2 * step)
        poke(lab, at, pair[step:] + pair[:step])
    not_opened(lab, swap, count=2)


def case_repeated(lab):
    """The first record once more, in the place of the second."""
    not_opened(lab, lambda at, step: poke(lab, at + step, dump(lab, at, step)),
               count=2, ahead=1)


def case_of_another_channel(lab):
    """Of the same pair, at the same position."""
    for words in SUITES:
        channel(lab, 3, words)
        at, step = sent(lab, slot=3)
        other = dump(lab, at, step)
        lab.size -= 8
        assert lab.there.ok("read 3 2000").startswith("1")
        for shell in (lab.here, lab.there):
            shell.ok("close 3")
        until(lambda: len(lab.daemon.ctl("status", json_output=True)["channels"]) == 1,
              "the end of the other channel")
        until(lambda at=at, step=step: not any(dump(lab, at, step)), "scrubbing")
        tampered(lab, words, lambda at, step, o=other: poke(lab, at, o), "EBADMSG",
                 "SEAL", "tag")


def case_broken_ring(lab):
    for length in (0, 5, TAG, 1 << 31, 24 | 1 << 32):
        tampered(lab, "sealed",
                 lambda at, step, n=length: poke(lab, at, struct.pack("<Q", n)),
                 "EPROTO", "RING", "ring_record")
    for offset in (1 << 20, -8, 4):
        tampered(lab, "sealed",
                 lambda at, step, n=offset: poke(
                     lab, side(lab, step) + PROD,
                     struct.pack("<Q", (step + n if n == 4 else n) % (1 << 64))),
                 "EPROTO", "RING", "ring_position")


def cut(lab, how):
    """alpha has written two records and is done; beta sees one of them."""
    channel(lab, 1, "sealed")
    _, step = sent(lab, 2)
    page = side(lab, 2 * step)
    lab.here.ok("shutdown 1 wr" if how == "shutdown" else "close 1")
    poke(lab, page + PROD, struct.pack("<Q", step))
    assert lab.there.ok("read 1 2000").startswith(f"{lab.size} ")
    traced(lab.vms["beta"])
    # FIN says that there is more
    lab.there.refused("read 1 2000", "ECONNRESET", timeout=20)
    assert traced(lab.vms["beta"]) == [("SEAL", "no_fin")]
    both_ways(lab)
    lab.there.ok("close 1")
    if how == "shutdown":
        lab.here.ok("close 1")


def case_cut(lab):
    cut(lab, "shutdown")
    cut(lab, "close")


def case_end_mark(lab):
    """Of a sealed stream the mark alone says nothing."""
    for words in SUITES:
        channel(lab, 1, words)
        _, step = sent(lab)
        page = side(lab, step)
        poke(lab, page + END, struct.pack("<Q", 1))
        assert lab.there.ok("read 1 2000").startswith(f"{lab.size} ")
        lab.there.ok("nonblock 1 1")
        lab.there.refused("read 1 2000", "EAGAIN")
        lab.there.ok("nonblock 1 0")
        lab.there.begin("read 1 2000")
        lab.here.ok("sleep 200")
        told = lab.here.ok("write 1 77")
        assert lab.there.end(10) == f"ok {told}"
        # nor does the end of the channel prove anything
        lab.there.begin("read 1 2000")
        cid = lab.here.info(1)["cid"]
        lab.daemon.ctl("revoke", "channel", f"lab/{cid}")
        assert lab.there.end(10) == "ECONNRESET"
        both_ways(lab)
        for shell in (lab.here, lab.there):
            shell.ok("close 1")
