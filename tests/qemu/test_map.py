# SPDX-License-Identifier: GPL-2.0-only
# A process maps its own pages writable and the peer's only readable, each ring
# twice in a row, and nothing else; the kernel moves no byte of a mapped channel.
from lab.kernel import PAGE
from lab.pair import open_region
from lab.shell import Shell

OWN, PEER, TX, RX = range(4)


def setup(lab):
    open_region(lab, "alpha", "beta")


def channel(lab, words=f"ring={PAGE}"):
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data {words}")
    there.ok("accept 1 0 30000")
    return here, there


def case_windows(lab):
    here, there = channel(lab)
    for window, size in ((OWN, PAGE), (PEER, PAGE), (TX, 2 * PAGE),
                         (RX, 2 * PAGE)):
        assert here.ok(f"map 1 {window}") == str(size)
        assert there.ok(f"map 1 {window}") == str(size)
    here.ok(f"set 1 {TX} 16 4711")
    assert there.ok(f"get 1 {RX} 16") == "4711"
    # Twice in a row: the second half is the first.
    assert there.ok(f"get 1 {RX} {PAGE + 16}") == "4711"
    there.ok(f"set 1 {TX} {PAGE + 8} 42")
    assert here.ok(f"get 1 {RX} 8") == "42"
    here.ok(f"set 1 {OWN} 128 7")
    assert there.ok(f"get 1 {PEER} 128") == "7"
    here.quit()
    there.quit()


def case_the_peers_is_read_only(lab):
    here, there = channel(lab)
    for window in (PEER, RX):
        here.refused(f"map 1 {window} rw", "EACCES")
        here.ok(f"map 1 {window}")
        here.refused(f"protect 1 {window} rw", "EACCES")
        here.refused(f"set 1 {window} 0 1", "SIGSEGV")
        assert there.do(f"info 1").startswith("ok")
    here.quit()
    there.quit()


def case_nothing_else(lab):
    here, there = channel(lab)
    # EPERM from kernels that let nothing on a pseudo file system be executed
    assert here.do(f"map 1 {TX} exec") in ("EACCES", "EPERM")
    here.refused(f"map 1 {TX} short", "EINVAL")
    here.quit()
    there.quit()


def case_first_use_decides(lab):
    here, there = channel(lab)
    here.ok(f"map 1 {TX}")
    here.refused("write 1 10", "EBUSY")
    there.ok("write 1 10")
    there.refused(f"map 1 {TX}", "EBUSY")
    here.quit()
    there.quit()


def case_sealed_is_never_mapped(lab):
    here, there = channel(lab, "sealed")
    for window in range(4):
        got = here.do(f"map 1 {window}")
        assert got in ("EOPNOTSUPP", "EINVAL"), got
    here.quit()
    there.quit()


def case_peer_ends_mappings_stay(lab):
    here, there = channel(lab)
    here.ok(f"map 1 {RX}")
    there.ok(f"map 1 {TX}")
    there.ok(f"set 1 {TX} 0 99")
    there.kill()
    assert here.ok("poll 1 30000 in") in ("in hup", "hup", "in hup rdhup"), "hup"
    assert here.ok(f"get 1 {RX} 0") == "99"
    here.quit()


def case_no_byte_through_the_kernel(lab):
    here, there = channel(lab)
    for window in (OWN, PEER, TX, RX):
        here.ok(f"map 1 {window}")
        there.ok(f"map 1 {window}")
    # One record by hand: its header, its bytes, then the producer's position.
    here.ok(f"set 1 {TX} 0 8")
    here.ok(f"set 1 {TX} 8 123456789")
    there.begin("wait 1 read 16 30000")
    here.ok(f"set 1 {OWN} 0 16")
    here.ok("bell 1")
    assert there.end() == "ok 0"
    assert there.ok(f"get 1 {PEER} 0") == "16"
    assert there.ok(f"get 1 {RX} 8") == "123456789"
    for shell in (here, there):
        info = shell.info(1)
        assert info["tx"] == info["rx"] == "0", info
    here.quit()
    there.quit()
