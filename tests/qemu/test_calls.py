# SPDX-License-Identifier: GPL-2.0-only
# The calls on a channel do what the ABI says: boundaries, short buffers,
# faults, poll, blocking and not, timeouts, signals, half-close and orderly end.
import time

from lab.pair import open_region, until
from lab.shell import Shell


def setup(lab):
    open_region(lab, "alpha", "beta")


def channel(lab, words=""):
    """A fresh channel: slot 1 of a shell in alpha and of one in beta."""
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data {words}")
    there.ok("accept 1 0 30000")
    return here, there


def bye(*shells):
    for shell in shells:
        shell.quit()


def case_boundaries(lab):
    here, there = channel(lab)
    for size in (1, 7, 8, 100, 4096):
        sent = here.ok(f"write 1 {size} {size}")
        assert there.ok("read 1 100000") == sent
    assert here.ok("write 1 0").startswith("0 ")
    there.ok("nonblock 1 1")
    there.refused("read 1 100", "EAGAIN")
    bye(here, there)


def case_vectors(lab):
    here, there = channel(lab)
    sent = here.ok("writev 1 10 20")
    assert sent.startswith("30 ")
    assert there.ok("readv 1 5 100").split()[0] == "30"
    bye(here, there)


def case_short_buffer_keeps_the_record(lab):
    here, there = channel(lab)
    sent = here.ok("write 1 100 1")
    there.refused("read 1 99", "EMSGSIZE")
    assert there.ok("read 1 100") == sent
    bye(here, there)


def case_too_long_a_record(lab):
    here, there = channel(lab)
    largest = int(here.info(1)["max"])
    here.refused(f"write 1 {largest + 1}", "EMSGSIZE")
    sent = here.ok(f"write 1 {largest} 3")
    assert there.ok(f"read 1 {largest}") == sent
    bye(here, there)


def case_faults_publish_and_consume_nothing(lab):
    here, there = channel(lab)
    here.refused("badwrite 1", "EFAULT")
    sent = here.ok("write 1 64 9")
    there.refused("badread 1", "EFAULT")
    assert there.ok("read 1 64") == sent
    there.ok("nonblock 1 1")
    there.refused("read 1 64", "EAGAIN")
    bye(here, there)


def case_nonblocking(lab):
    here, there = channel(lab, "ring=4096")
    here.ok("nonblock 1 1")
    sent = 0
    while True:
        got = here.do("write 1 1000 1")
        if got == "EAGAIN":
            break
        assert got.startswith("ok 1000 "), got
        sent += 1
    assert 2 <= sent <= 4, sent
    assert here.ok("poll 1 0 out") == ""
    here.begin("poll 1 30000 out")
    here.asleep()
    for _ in range(sent):
        there.ok("read 1 1000")
    assert here.end() == "ok out"
    bye(here, there)


def case_blocking_read_is_woken(lab):
    here, there = channel(lab)
    there.begin("read 1 100")
    there.asleep()
    sent = here.ok("write 1 50 4")
    assert there.end() == f"ok {sent}"
    there.begin("poll 1 30000 in")
    there.asleep()
    here.ok("write 1 50 5")
    assert there.end() == "ok in"
    bye(here, there)


def case_blocking_write_is_woken(lab):
    here, there = channel(lab, "ring=4096")
    for _ in range(3):
        here.ok("write 1 1200 1")
    here.begin("write 1 1200 1")
    here.asleep()
    there.ok("read 1 1200")
    assert here.end().startswith("ok 1200 ")
    bye(here, there)


def case_poll_times_out(lab):
    here, there = channel(lab)
    start = time.perf_counter()
    assert there.ok("poll 1 400 in") == ""
    assert time.perf_counter() - start >= 0.4
    bye(here, there)


def case_signals_interrupt(lab):
    here, there = channel(lab, "ring=4096")
    there.begin("read 1 100")
    there.asleep()
    there.interrupt()
    assert there.end() == "EINTR"
    for _ in range(3):
        here.ok("write 1 1200 1")
    here.begin("write 1 1200 1")
    here.asleep()
    here.interrupt()
    assert here.end() == "EINTR"
    # Nothing was lost or sent twice by it.
    for _ in range(3):
        assert there.ok("read 1 1200").startswith("1200 ")
    there.ok("nonblock 1 1")
    there.refused("read 1 1200", "EAGAIN")
    bye(here, there)


def case_accept_times_out_and_is_interrupted(lab):
    there = Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    there.refused("accept 1 0 300", "ETIMEDOUT")
    there.begin("accept 1 0 60000")
    there.asleep()
    there.interrupt()
    assert there.end() == "EINTR"
    there.ok("nonblock 0 1")
    there.refused("accept 1 0", "EAGAIN")
    bye(there)


def case_half_close(lab):
    here, there = channel(lab)
    sent = here.ok("write 1 10 1")
    here.ok("shutdown 1 wr")
    here.refused("write 1 10", "EPIPE")
    assert there.ok("read 1 100") == sent
    assert there.ok("read 1 100").startswith("0 ")
    back = there.ok("write 1 20 2")
    assert here.ok("read 1 100") == back
    there.quit()
    assert here.ok("read 1 100").startswith("0 ")
    bye(here)


def case_close_leaves_what_is_unread(lab):
    here, there = channel(lab)
    sent = [here.ok(f"write 1 {size} 7") for size in (1, 500, 3000)]
    here.quit()
    for record in sent:
        assert there.ok("read 1 10000") == record
    assert there.ok("read 1 10000").startswith("0 ")
    there.refused("write 1 10", "EPIPE")
    assert "hup" in there.ok("poll 1 1000")
    assert there.info(1)["end"] in ("EPIPE", "0"), there.info(1)
    bye(there)


def case_reader_is_not_interested(lab):
    here, there = channel(lab)
    there.ok("shutdown 1 rd")
    until(lambda: here.do("write 1 10") == "EPIPE", "EPIPE")
    bye(here, there)


def case_no_seeking(lab):
    here, there = channel(lab)
    here.refused("lseek 1", "ESPIPE")
    here.refused("ioctl 1 0xd67f", "ENOTTY")
    bye(here, there)


def case_second_listener(lab):
    one, two = Shell(lab.vms["beta"]), Shell(lab.vms["beta"])
    key = lab.keys["beta"]["data"]
    one.ok(f"listen 0 {key}")
    two.refused(f"listen 0 {key}", "EADDRINUSE")
    one.ok("close 0")
    until(lambda: two.do(f"listen 0 {key}") == "ok 0", "another listener")
    bye(one, two)
