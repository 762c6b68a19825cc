# SPDX-License-Identifier: GPL-2.0-only
# However a right ends, by the key, by the host or with the device, in either guest and
# under load: session and channels end within a second, mappings are gone, no call hangs,
# nothing comes back to life, and what is made anew works.
import time

from lab.clock import slack
from lab.events import states, take, watch
from lab.pair import (REGION, device, enter, open_region, policy, renew, under_way, until,
                      works)
from lab.shell import Shell

OWN, PEER, TX, RX = WINDOWS = range(4)
WITHIN = 1.0       # what is promised
LIVENESS = 12  # of seconds; no more, for it is waited for
ENDED = 2  # a session's state
FOREVER = 100_000_000


def setup(lab):
    text = policy(("alpha", "beta"), region_keys=f"liveness = {LIVENESS}s")
    open_region(lab, "alpha", "beta", text=text, reboot=True)
    watch(*lab.vms.values(), event="siv_session")


def channel(lab, words=""):
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']} {words}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data {words}")
    there.ok("accept 1 0 30000")
    return here, there


def figure(what, seconds, limit=WITHIN):
    print(f"# {what}: {seconds * 1000:.0f} ms of {limit * 1000:.0f}", flush=True)
    assert seconds < limit + slack(), f"{what}: {seconds:.2f} s"


def sessions(lab, name, service):
    """The daemon's live sessions of an identity."""
    return [s for s in lab.daemon.ctl("status", json_output=True)["sessions"]
            if s["vm"] == name and s["service"] == service and s["state"] == "live"]


# ------------------------------------------------------------------------- keys

CAUSES = {"EKEYREVOKED": "key_revoked", "EKEYEXPIRED": "key_expired"}


def key_ends(lab, act, error, name="alpha", service="user", late=0,
             silence=False):
    """
    Both ends of a mapped channel after something was done to one's key. Only the end
    whose right was lost is taken its mappings: no end can crash its partner. Its session
    is over at once, and nothing is said in it any more: by its silence the host learns it.
    """
    here, there = channel(lab)
    one, other = (here, there) if name == "alpha" else (there, here)
    for shell in (one, other):
        for window in WINDOWS:
            shell.ok(f"map 1 {window}")
            shell.ok(f"get 1 {window} 0")
    assert len(sessions(lab, name, service)) == 1, sessions(lab, name, service)
    key = lab.keys[name][service]
    for shell in (one, other):
        shell.begin("wait 1 read 8 30000")
        shell.asleep()
    take(lab.vms[name])
    lab.vms[name].run("keyctl " + act.format(key))
    start = time.monotonic()
    got = one.end()
    figure(f"{name}: keyctl {act.split()[0]}: own channel", time.monotonic() - start,
           WITHIN + late)
    assert got == "ECONNRESET", got
    assert other.end() == "ECONNRESET"
    figure(f"{name}: keyctl {act.split()[0]}: peer's channel",
           time.monotonic() - start, WITHIN + late)
    over = [why for _, state, why in states(take(lab.vms[name]), "session")
            if state == ENDED]
    assert over == [CAUSES[error]], over
    assert one.info(1)["end"] == error, one.info(1)
    assert other.info(1)["end"] == "ECONNRESET", other.info(1)
    for window in WINDOWS:
        one.refused(f"get 1 {window} 0", "SIGBUS")
        one.refused(f"map 1 {window}", "ECONNRESET")
        other.ok(f"get 1 {window} 0")
    polled = one.ok("poll 1 1000")
    assert "hup" in polled and "err" in polled, polled
    polled = other.ok("poll 1 1000")
    assert "hup" in polled and "err" not in polled, polled
    if silence:
        until(lambda: not sessions(lab, name, service), "the session's end")
    out = lab.vms[name].run(f"chan connect {key} data", status=1).out
    assert out.split()[0] in (error, "ENOKEY", "EKEYREVOKED"), out
    for shell in (here, there):
        shell.quit()
    renew(lab, name)
    works(lab)


def case_key_is_revoked(lab):
    key_ends(lab, "revoke {}", "EKEYREVOKED", silence=True)


def case_key_is_invalidated(lab):
    key_ends(lab, "invalidate {}", "EKEYREVOKED")


def case_key_is_unlinked(lab):
    key_ends(lab, "unlink {} @u", "EKEYREVOKED")


def case_key_times_out(lab):
    key_ends(lab, "timeout {} 1", "EKEYEXPIRED", late=1)


def case_keyring_is_cleared(lab):
    key_ends(lab, "clear @u", "EKEYREVOKED")


def case_listeners_key_is_revoked(lab):
    key_ends(lab, "revoke {}", "EKEYREVOKED", "beta", "data")


def case_listeners_key_times_out(lab):
    key_ends(lab, "timeout {} 1", "EKEYEXPIRED", "beta", "data", late=1)


# ----------------------------------------------------------------- by the host

def load(lab, words=""):
    """Records flow from alpha to beta until something ends it."""
    sink = lab.vms["beta"].start(
        f"chan sink {lab.keys['beta']['data']} 1 {FOREVER} {words}")
    sink.wait_output("listening")
    source = lab.vms["alpha"].start(
        f"chan source {lab.keys['alpha']['user']} data 1 {FOREVER} {words}")
    under_way(lab.vms["alpha"])
    assert sink.status is None and source.status is None, sink.text + source.text
    return source, sink


def host_revokes(lab, what, value, words, refusal):
    source, sink = load(lab, words)
    start = time.monotonic()
    lab.daemon.ctl("revoke", what, value)
    for job, end in ((source, "at alpha"), (sink, "at beta")):
        job.wait()
        figure(f"revoke {what} {words}: {end}", time.monotonic() - start)
        word = job.text.replace("listening", "").split()[0]
        assert word in ("ECONNRESET", "EKEYREVOKED"), job.text
    listener = lab.vms["beta"].start(f"chan echo {lab.keys['beta']['data']} 1")
    listener.wait_output("listening")
    if refusal:
        out = lab.vms["alpha"].run(
            f"chan connect {lab.keys['alpha']['user']} data", status=1).out
        assert out.split()[0] in refusal, out
        lab.daemon.ctl("restore", what, value)
    lab.vms["alpha"].run(f"chan ping {lab.keys['alpha']['user']} data 3 20")
    assert listener.wait() == 0, listener.text


def case_host_revokes_channel(lab):
    for words in ("", "sealed"):
        source, sink = load(lab, words)
        one, = [c for c in lab.daemon.ctl("status", json_output=True)["channels"]
                if c["state"] == "established"]
        start = time.monotonic()
        lab.daemon.ctl("revoke", "channel", f"{REGION}/{one['cid']}")
        for job in (source, sink):
            job.wait()
            figure(f"revoke channel {words}", time.monotonic() - start)
            word = job.text.replace("listening", "").split()[0]
            assert word in ("ECONNRESET", "EKEYREVOKED"), job.text
        assert len(sessions(lab, "alpha", "user")) == 1
        works(lab)


def case_host_revokes_identity(lab):
    host_revokes(lab, "identity", f"{REGION}/alpha/user", "sealed aes",
                 ("EKEYREVOKED",))


def case_host_revokes_serial(lab):
    works(lab)
    one, = sessions(lab, "alpha", "user")
    host_revokes(lab, "serial", one["serial"], "", ("EKEYREVOKED",))


def case_host_revokes_vm(lab):
    host_revokes(lab, "vm", "alpha", "sealed", ("EKEYREVOKED", "EPERM"))


# ------------------------------------------------------------------- the device

def removed(lab, name):
    """The device goes while everything of it is open; then it comes again."""
    here, there = channel(lab, "shared")
    one, other = (here, there) if name == "alpha" else (there, here)
    guest = lab.vms[name]
    if name == "alpha":
        one.ok(f"listen 0 {lab.keys[name]['data']}")
    node = f"/dev/sivshmem{one.info(1)['minor']}"
    one.ok(f"open 2 {node}")
    for window in WINDOWS:
        one.ok(f"map 1 {window}")
        one.ok(f"get 1 {window} 0")
    sleeper = Shell(guest)
    sleeper.ok(f"open 1 {node}")
    sleeper.begin("wait 1 read 8 30000")
    other.begin("read 1 100")
    for shell in (sleeper, other):
        shell.asleep()
    bdf = device(guest)
    start = time.monotonic()
    guest.run(f"echo 1 > /sys/bus/pci/devices/{bdf}/remove")
    assert sleeper.end() == "ENODEV"
    figure(f"{name}: remove: own channel", time.monotonic() - start)
    assert other.end() == "ECONNRESET"
    figure(f"{name}: remove: peer's channel", time.monotonic() - start)
    dead(one)
    one.refused(f"open 3 {node}", "ENOENT")
    out = guest.run(f"chan connect {lab.keys[name]['user']} data", status=1).out
    assert out.startswith("ENODEV"), out
    guest.run("echo 1 > /sys/bus/pci/rescan")
    assert device(guest) == bdf
    # what was open stays dead, what is new needs a handshake of its own
    dead(one)
    other.quit()
    works(lab)
    dead(one)
    for window in WINDOWS:
        one.ok(f"unmap 1 {window}")
    one.quit()
    sleeper.quit()
    works(lab)


def dead(shell):
    """Whatever is done with what was open before the device went."""
    for window in WINDOWS:
        shell.refused(f"get 1 {window} 0", "SIGBUS")
        shell.refused(f"map 1 {window}", "ENODEV")
    for slot in (1, 2):
        for call in (f"bell {slot}", f"wait {slot} read 8 1000",
                     f"shutdown {slot} wr"):
            shell.refused(call, "ENODEV")
        polled = shell.ok(f"poll {slot} 1000")
        assert "hup" in polled and "err" in polled, polled
        assert shell.info(slot)["state"] == "3", shell.info(slot)
        assert shell.info(slot)["end"] == "ENODEV", shell.info(slot)
    polled = shell.ok("poll 0 1000 in")
    assert "hup" in polled and "err" in polled, polled
    shell.refused("accept 3 0 1000", "ENODEV")


def case_connectors_device_is_removed(lab):
    removed(lab, "alpha")


def case_listeners_device_is_removed(lab):
    removed(lab, "beta")


def case_removed_under_load(lab):
    for words, name in (("", "beta"), ("sealed", "alpha")):
        source, sink = load(lab, words)
        guest = lab.vms[name]
        start = time.monotonic()
        guest.run(f"echo 1 > /sys/bus/pci/devices/{device(guest)}/remove")
        for job in (source, sink):
            job.wait()
            word = job.text.replace("listening", "").split()[0]
            own = (job is source) == (name == "alpha")
            assert word == ("ENODEV" if own else "ECONNRESET"), (name, job.text)
        figure(f"{name}: remove under load {words}", time.monotonic() - start)
        guest.run("echo 1 > /sys/bus/pci/rescan")
        works(lab)


# -------------------------------------------------------------------- the guest

def case_reset_under_load(lab):
    """Of the reader: the writer learns it by its silence, for the new boot says nothing."""
    source, _ = load(lab)
    beta = lab.vms["beta"]
    silent = min(s["silent_ms"] for s in sessions(lab, "beta", "data")) / 1000
    asked = time.clock_gettime(time.CLOCK_MONOTONIC)  # as the daemon does: not the lab's
    start = time.monotonic()
    beta.reset()
    source.wait()
    silent += time.clock_gettime(time.CLOCK_MONOTONIC) - asked
    assert silent >= LIVENESS, silent
    figure("silence", time.monotonic() - start, LIVENESS)
    assert source.text.split()[0] in ("ECONNRESET", "ETIMEDOUT"), source.text
    until(lambda: [e for e in lab.daemon.audit(event="channel_end")[-1:]
                   if "silent" in e["what"]], "silence in the audit log")
    beta.wait_boot()
    enter(lab, "beta")
    works(lab)


def case_zz_reader_is_killed_under_load(lab):
    for words in ("", "sealed"):
        source, _ = load(lab, words)
        beta = lab.vms["beta"]
        lab.may_die(beta)
        beta.kill()
        start = time.monotonic()
        source.wait()
        figure(f"SIGKILL of QEMU {words}", time.monotonic() - start)
        assert source.text.split()[0] == "ECONNRESET", source.text
        lab.start("beta", extra=lab.daemon.qemu_args("beta"), reboot=True)
        lab.vms["beta"].wait_boot()
        enter(lab, "beta")
        works(lab)
