# SPDX-License-Identifier: GPL-2.0-only
# A peer whose process writes what it likes into its own page and ring: read(), write()
# and poll() of the driver, awake or asleep, and the library by mapping find each breach
# of the ring's rules; that gives EPROTO and its cause, ends that channel and no other.
from lab.events import refusals, traced, watch
from lab.pair import open_region, until
from lab.shell import Shell

OWN, PEER, TX, RX = WINDOWS = range(4)
PROD, CONS, END = 0, 64, 256  # offsets in a side page
RING = 4096
LIBRARY_RING = 16384  # of libcheck
BEFORE_ZERO = (1 << 64) - 8


def setup(lab):
    open_region(lab, "alpha", "beta")
    watch(*lab.vms.values())
    lab.here, lab.there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    lab.there.ok(f"listen 0 {lab.keys['beta']['data']}")
    # A channel of the same pair, which nothing may touch.
    channel(lab, 2)


def channel(lab, slot, words=""):
    lab.here.ok(f"connect {slot} {lab.keys['alpha']['user']} data {words}")
    lab.there.ok(f"accept {slot} 0 30000")


def both_ways(lab, slot):
    for one, other in ((lab.here, lab.there), (lab.there, lab.here)):
        sent = one.ok(f"write {slot} 100 {slot}")
        assert other.ok(f"read {slot} 1000") == sent


def prod(value):
    return f"set 1 {OWN} {PROD} {value}"


def cons(value):
    return f"set 1 {OWN} {CONS} {value}"


def record(at, size, reserved=0):
    return f"set 1 {TX} {at} {size | reserved << 32}"


def honest(call):
    """A step that the victim makes, and which succeeds."""
    return lambda victim: victim.ok(call)


# Name: what comes before, what the peer writes, the cause, and whether poll() sees it.
READS = {
    "position_ahead": ([], [prod(RING + 8)], "ring_position", True),
    "position_far": ([], [prod(1 << 63)], "ring_position", True),
    "position_unaligned": ([record(0, 8)], [prod(20)], "ring_position", True),
    "position_before_zero": ([], [prod(BEFORE_ZERO)], "ring_position", True),
    "position_back": ([record(0, 8), prod(16), honest("read 1 100")], [prod(8)],
                      "ring_position", True),
    # still at or after what was read, but before what was published
    "position_taken_back": ([record(0, 8), record(16, 8), prod(32),
                             honest("read 1 100")], [prod(16)],
                            "ring_position", False),
    "record_empty": ([record(0, 0)], [prod(16)], "ring_record", True),
    "record_large": ([record(0, RING // 2)], [prod(RING)], "ring_record", True),
    "record_huge": ([record(0, 0xffffffff)], [prod(RING)], "ring_record", True),
    "record_unpublished": ([record(0, 9)], [prod(16)], "ring_record", True),
    "record_reserved": ([record(0, 8, 1)], [prod(16)], "ring_record", True),
}

# beta has no room for 200 bytes more; what alpha says it has read.
FULL = [honest("write 1 2000"), honest("write 1 2000")]
WRITES = {
    "position_ahead": (FULL, [cons(2 * 2008 + 8)], "ring_position", False),
    "position_unaligned": (FULL, [cons(2004)], "ring_position", False),
    "position_before_zero": (FULL, [cons(BEFORE_ZERO)], "ring_position", False),
    "position_back": ([honest("write 1 2000"), cons(2008), *FULL], [cons(2000)],
                      "ring_position", False),
}


def take(lab, steps):
    for step in steps:
        if callable(step):
            step(lab.there)
        else:
            lab.here.ok(step)


def found(lab, call, lie, how):
    """beta makes a call on a channel whose other end is alpha's, mapped."""
    before, then, cause, seen = lie
    channel(lab, 1, f"ring={RING}")
    for window in (OWN, TX):
        lab.here.ok(f"map 1 {window}")
    take(lab, before)
    traced(lab.vms["beta"])
    count = refusals(lab.vms["beta"]).get(cause, 0)
    if how == "asleep":
        lab.there.begin(call)
        lab.there.asleep()
    take(lab, then)
    if how == "polled":
        polled = lab.there.ok("poll 1 1000 in").split()
        assert ("err" in polled and "hup" in polled) == seen, polled
        assert (lab.there.info(1)["state"] == "3") == seen
    if how == "asleep":
        lab.here.ok("bell 1")
        got = lab.there.end()
    else:
        got = lab.there.do(call)
    assert got == "EPROTO", (how, got)
    over(lab, cause, count)


def over(lab, cause, count):
    """The victim's end, the liar's end, and the other channel."""
    info = lab.there.info(1)
    assert info["state"] == "3" and info["end"] == "EPROTO", info
    assert traced(lab.vms["beta"]) == [("RING", cause)]
    assert refusals(lab.vms["beta"])[cause] == count + 1
    for call in ("read 1 100", "write 1 8"):
        lab.there.refused(call, "EPROTO")
    polled = lab.there.ok("poll 1 1000")
    assert "err" in polled and "hup" in polled, polled
    until(lambda: lab.here.info(1)["state"] == "3", "the liar's end")
    assert lab.here.info(1)["end"] == "EPROTO", lab.here.info(1)
    lab.here.ok(f"get 1 {OWN} 0")
    both_ways(lab, 2)
    for shell in (lab.here, lab.there):
        shell.ok("close 1")


def make_case(call, lie, hows):
    def case(lab):
        for how in hows:
            found(lab, call, lie, how)
    return case


for _name, _lie in READS.items():
    # where there is something to read, nobody sleeps
    _hows = ("awake", "polled") if _lie[3] is False else ("awake", "asleep", "polled")
    globals()[f"case_read_{_name}"] = make_case("read 1 100", _lie, _hows)
for _name, _lie in WRITES.items():
    globals()[f"case_write_{_name}"] = make_case("write 1 200", _lie,
                                                 ("awake", "asleep"))


def case_marks(lab):
    """End marks end what they name, once and for all; other bits are nothing."""
    channel(lab, 1, f"ring={RING}")
    for window in (OWN, TX):
        lab.here.ok(f"map 1 {window}")
    lab.there.ok("nonblock 1 1")
    lab.here.ok(f"set 1 {OWN} {END} {(1 << 64) - 4}")
    lab.there.refused("read 1 100", "EAGAIN")
    lab.there.ok("write 1 8")
    take(lab, [record(0, 8), prod(16), f"set 1 {OWN} {END} 1"])
    assert lab.there.ok("read 1 100").startswith("8 ")
    for mark in (1, 0):
        lab.here.ok(f"set 1 {OWN} {END} {mark}")
        assert lab.there.ok("read 1 100").startswith("0 ")
    lab.there.ok("write 1 8")
    for mark in (2, 0):
        lab.here.ok(f"set 1 {OWN} {END} {mark}")
        lab.there.refused("write 1 8", "EPIPE")
    assert lab.there.info(1)["state"] == "1", lab.there.info(1)
    both_ways(lab, 2)
    for shell in (lab.here, lab.there):
        shell.ok("close 1")


def case_waits_of_a_mapping(lab):
    """The kernel does not know a mapping's positions: WAIT and poll() return in time."""
    channel(lab, 1, f"ring={RING}")
    for shell in (lab.here, lab.there):
        for window in WINDOWS:
            shell.ok(f"map 1 {window}")
    for value, answer in ((BEFORE_ZERO, "ETIMEDOUT"), (1 << 63, "ok 0"),
                          (RING + 8, "ok 0"), (20, "ok 0")):
        for what, word in ((prod, "read"), (cons, "write")):
            patience = 300 if answer == "ETIMEDOUT" else 30000
            lab.there.begin(f"wait 1 {word} 8 {patience}")
            take(lab, [what(value), "bell 1"])
            assert lab.there.end() == answer, (word, value)
        assert "err" not in lab.there.ok("poll 1 100"), value
    assert lab.there.info(1)["state"] == "1", lab.there.info(1)
    both_ways(lab, 2)
    for shell in (lab.here, lab.there):
        shell.ok("close 1")


# What a sleeper is woken by: a position that never comes is a peer that is silent.
LIBRARY = {
    "position_ahead": [prod(LIBRARY_RING + 8)],
    "position_unaligned": [record(0, 8), prod(20)],
    "record_empty": [record(0, 0), prod(16)],
    "record_large": [record(0, LIBRARY_RING // 2), prod(LIBRARY_RING)],
    "record_unpublished": [record(0, 9), prod(16)],
    "record_reserved": [record(0, 8, 1), prod(16)],
}


def case_library_by_mapping(lab):
    """Now beta lies to alpha's library."""
    for name, steps in LIBRARY.items():
        job = lab.vms["alpha"].start("libcheck hold user data map")
        lab.there.ok("accept 1 0 30000")
        for window in (OWN, TX):
            lab.there.ok(f"map 1 {window}")
        job.wait_output("holding")
        for step in [*steps, "bell 1"]:
            lab.there.ok(step)
        assert job.wait() == 0, (name, job.text)
        assert "EPROTO, because of 0" in job.text, (name, job.text)
        lab.there.ok("close 1")
        both_ways(lab, 2)
