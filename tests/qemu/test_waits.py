# SPDX-License-Identifier: GPL-2.0-only
# Whoever waits can be woken, timed out and interrupted, whatever it waits for: a peer or
# a daemon that stands still, a ring, a doorbell that is masked; sealed channels keep the
# manners of plain ones, and no interrupted or failed call leaves anything behind. What the
# kernel waits for on somebody's behalf is told as well, whoever has closed what meanwhile.
import errno
import select
import time

from lab.clock import slack
from lab.pair import device, open_region, policy, standing, until
from lab.shell import Shell
from test_bells import mask

OWN, PEER, TX, RX = range(4)
COUNT = 200
HANDSHAKE = 5  # how long the host waits for the other end


def setup(lab):
    text = policy(("alpha", "beta"), region_keys=f"handshake = {HANDSHAKE}s")
    open_region(lab, "alpha", "beta", text=text)


def pair(lab):
    """Shells; beta listens in slot 0."""
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    return here, there


def connect(lab, words=""):
    return f"connect 1 {lab.keys['alpha']['user']} data {words}"


def both_ways(here, there):
    for one, other in ((here, there), (there, here)):
        sent = one.ok("write 1 100 1")
        assert other.ok("read 1 1000") == sent


def works(lab, here, there):
    """The same processes, and nothing in the queue from before."""
    there.ok("nonblock 0 1")
    until(lambda: there.do("accept 2 0") == "EAGAIN", "an empty queue")
    there.ok("nonblock 0 0")
    here.ok(connect(lab))
    there.ok("accept 1 0 30000")
    both_ways(here, there)
    here.quit()
    there.quit()


# ---------------------------------------------------------------------- handshakes

def gave_up(lab):
    """How many connects the host itself has ended."""
    return len([event for event in lab.daemon.audit(event="connect_failed")
                if "no answer in time" in event["what"]])


def case_connect_times_out(lab):
    here, there = pair(lab)
    with standing(lab, "beta"):
        seen = gave_up(lab)
        start, real = time.monotonic(), time.perf_counter()
        here.refused(connect(lab, "timeout=500"), "ETIMEDOUT")
        assert time.perf_counter() - real >= 0.5
        assert time.monotonic() - start < 1 + slack()
        # the host does not wait that long for the other end
        start, real = time.monotonic(), time.perf_counter()
        here.refused(connect(lab, "timeout=30000"), "ETIMEDOUT")
        assert time.perf_counter() - real >= HANDSHAKE
        assert time.monotonic() - start < min(HANDSHAKE + 1 + slack(), 30)
        until(lambda: gave_up(lab) == seen + 2, "both in the audit log")
    works(lab, here, there)


def case_connect_is_interrupted(lab):
    here, there = pair(lab)
    with standing(lab, "beta"):
        here.begin(connect(lab, "timeout=30000"))
        here.asleep()
        here.interrupt()
        assert here.end() == "EINTR"
    works(lab, here, there)


def case_nothing_before_the_handshake(lab):
    here, there = pair(lab)
    with standing(lab, "beta"):
        here.ok(connect(lab, "nonblock timeout=1500"))
        for _ in range(2):  # while it lasts, and when it has failed
            for call in ("read 1 10", "write 1 10", f"map 1 {TX}", "bell 1",
                         "wait 1 read 8 10", "shutdown 1 wr"):
                here.refused(call, "EPERM")
            assert "err" in here.ok("poll 1 30000 out")
        assert here.info(1)["error"] == "ETIMEDOUT", here.info(1)
    works(lab, here, there)


def case_daemon_stands_still(lab):
    """Handshakes wait for it and time out; what is open needs it no more."""
    here, there = pair(lab)
    here.ok(connect(lab))
    there.ok("accept 1 0 30000")
    other = Shell(lab.vms["alpha"])
    with standing(lab, "daemon"):
        both_ways(here, there)
        other.refused(connect(lab, "timeout=700"), "ETIMEDOUT")
        other.refused(f"listen 0 {lab.keys['alpha']['data']} timeout=700",
                      "ETIMEDOUT")
        other.begin(connect(lab, "timeout=30000"))
        other.asleep()
        other.interrupt()
        assert other.end() == "EINTR"
        both_ways(here, there)
    both_ways(here, there)
    other.quit()
    here.ok("close 1")
    there.ok("close 1")
    works(lab, here, there)


def case_handshake_while_masked(lab):
    """No doorbell of the host's or the peer's arrives: all is found by looking."""
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    guests = (lab.vms["alpha"], lab.vms["beta"])
    for guest in guests:
        mask(guest, True)
    try:
        start = time.monotonic()
        there.ok(f"listen 0 {lab.keys['beta']['data']}")
        here.ok(connect(lab, "sealed"))
        there.ok("accept 1 0 30000")
        both_ways(here, there)
        there.begin("poll 1 30000 in")
        there.asleep()
        here.ok("write 1 10")
        assert there.end() == "ok in"
        assert time.monotonic() - start < 7 + slack()
    finally:
        for guest in guests:
            mask(guest, False)
    here.ok("close 1")
    there.ok("close 1")
    works(lab, here, there)


# ------------------------------------------------------------------------ channels

def case_mapped_waits(lab):
    here, there = pair(lab)
    here.ok(connect(lab))
    there.ok("accept 1 0 30000")
    for window in (OWN, PEER, TX, RX):
        here.ok(f"map 1 {window}")
    start = time.perf_counter()
    here.refused("wait 1 read 8 400", "ETIMEDOUT")
    assert time.perf_counter() - start >= 0.4
    for call in ("wait 1 read 8 30000", "poll 1 30000 in"):
        here.begin(call)
        here.asleep()
        here.interrupt()
        assert here.end() == "EINTR", call
    here.begin("wait 1 read 8 30000")
    here.asleep()
    there.ok("write 1 10")
    assert here.end() == "ok 0"
    here.begin("wait 1 read 64 30000")
    here.asleep()
    there.ok("close 1")
    assert here.end() in ("ok 0", "EPIPE"), "the end wakes nobody"
    here.ok("close 1")
    works(lab, here, there)


def sealed_calls(lab, words):
    here, there = pair(lab)
    here.ok(connect(lab, f"{words} ring=4096"))
    there.ok("accept 1 0 30000")
    both_ways(here, there)
    largest = int(here.info(1)["max"])
    here.refused(f"write 1 {largest + 1}", "EMSGSIZE")
    sent = here.ok(f"write 1 {largest} 3")
    there.refused(f"read 1 {largest - 1}", "EMSGSIZE")
    assert there.ok(f"read 1 {largest}") == sent
    # nothing is sealed, and so no nonce used, for a buffer that faults
    here.refused("badwrite 1", "EFAULT")
    assert here.ok("write 1 0").startswith("0 ")
    sent = here.ok("write 1 64 9")
    there.refused("badread 1", "EFAULT")
    assert there.ok("read 1 64") == sent
    there.ok("nonblock 1 1")
    there.refused("read 1 10", "EAGAIN")
    there.ok("nonblock 1 0")
    # full, and interrupted there
    here.ok("nonblock 1 1")
    count = 0
    while here.do("write 1 1000 1").startswith("ok"):
        count += 1
    assert 2 <= count <= 4, count
    here.ok("nonblock 1 0")
    here.begin("write 1 1000 1")
    here.asleep()
    here.interrupt()
    assert here.end() == "EINTR"
    for _ in range(count):
        assert there.ok("read 1 1000").startswith("1000 ")
    there.begin("read 1 1000")
    there.asleep()
    there.interrupt()
    assert there.end() == "EINTR"
    there.begin("read 1 1000")
    there.asleep()
    sent = here.ok("write 1 500 2")
    assert there.end() == f"ok {sent}"
    # half, then the whole of an orderly end
    sent = here.ok("write 1 5 5")
    here.ok("shutdown 1 wr")
    here.refused("write 1 1", "EPIPE")
    assert there.ok("read 1 10") == sent
    assert there.ok("read 1 10").startswith("0 ")
    back = there.ok("write 1 7 7")
    assert here.ok("read 1 10") == back
    there.ok("close 1")
    assert here.ok("read 1 10").startswith("0 ")
    here.ok("close 1")
    works(lab, here, there)


def parked(lab, here, descriptor):
    """A process that has left all its waiting on alpha's channel to the kernel."""
    node = f"/dev/sivshmem{here.info(1)['minor']}"
    job = lab.vms["alpha"].start(f"park {node}")
    assert job.line() == "parked"
    if descriptor == "closed":
        job.send(b"close\n")
        assert job.line() == "closed"
    return job


def told(job, patience_ms):
    job.send(f"look {patience_ms}\n".encode())
    return dict(word.split("=") for word in job.line(60).split())


def case_parked(lab):
    """Told once there is something, and what it is: a record, the peer's end, no device."""
    alpha = lab.vms["alpha"]
    quiet = dict.fromkeys(("epoll", "once", "again", "read", "aio"), "-")
    for descriptor in ("open", "closed"):
        for what in ("record", "peer", "device"):
            here, there = pair(lab)
            here.ok(connect(lab, "shared"))
            there.ok("accept 1 0 30000")
            job = parked(lab, here, descriptor)
            assert told(job, 0) == quiet
            if what == "record":
                for _ in range(2):  # one is read, and one stays
                    there.ok("write 1 100 1")
            elif what == "peer":
                there.ok("close 1")
            else:
                here.quit()
                bdf = device(alpha)
                alpha.run(f"echo 1 > /sys/bus/pci/devices/{bdf}/remove")
            got = told(job, 30000)
            read = {"record": 100, "peer": 0, "device": -errno.ENODEV}
            assert int(got.pop("read")) == read[what], (what, got)
            for kind, events in got.items():
                assert int(events, 16) & select.POLLIN, (what, kind, events)
                ended = int(events, 16) & select.POLLHUP
                assert bool(ended) == (what != "record"), (what, kind, events)
            job.close_input()
            job.wait()
            assert job.status == 0
            if what == "device":
                alpha.run("echo 1 > /sys/bus/pci/rescan")
                assert device(alpha) == bdf
                there.quit()
            else:
                here.quit()
                there.quit()
            works(lab, *pair(lab))


def case_sealed_calls(lab):
    sealed_calls(lab, "sealed")


def case_sealed_calls_aes(lab):
    sealed_calls(lab, "sealed aes")


def transfer(lab, source, sink, words, seed):
    reader = lab.vms[sink].start(
        f"chan sink {lab.keys[sink]['data']} {seed} {COUNT}")
    reader.wait_output("listening")
    sent = lab.vms[source].run(
        f"chan source {lab.keys[source]['user']} data {seed} {COUNT} {words}").out
    assert reader.wait() == 0, reader.text
    count = next(word for word in reader.text.split() if word.startswith("bytes="))
    assert f"{count} " in sent, (sent, reader.text)


def case_every_kind_across_the_end(lab):
    """All sizes from 1 to the largest, many times round a ring of 4 KiB."""
    seed = 10
    for words in ("", "sealed", "sealed aes"):
        for source, sink in (("alpha", "beta"), ("beta", "alpha")):
            transfer(lab, source, sink, f"{words} ring=4096", seed)
            seed += 1
