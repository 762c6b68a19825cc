# SPDX-License-Identifier: GPL-2.0-only
# Every change of a session, channel and listener is a tracepoint, in order and once; a
# refused key and a refused call are an event and a counter, whoever reads the log, where
# they were refused and with the caller's errno; what is no refusal is no event.
from lab.certs import DAY, X25519
from lab.events import refusals, states, take, tells, traced, watch
from lab.lab import Skip
from lab.pair import REGION, open_region, standing, until
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
    there.ok("accept 1 0 30000")
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
            lab.ca.issue(me.public, uri, end=-DAY // 2) + me.private)
    refused(alpha, padd("extra"), "KEY", "key_missing", good)
    refused(alpha, padd("alpha/extra"), "KEY", "key_name", good + me.private)
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
                                ("timeout=30001", "EINVAL", "argument"),
                                ("region=elsewhere", "EKEYREJECTED", "cert_region")):
        tells(alpha, shell, f"connect 1 {user} data {words}", error, "CONNECT", cause)
    tells(alpha, shell, "connect 1 0 data", "EINVAL", "CONNECT", "argument")
    for words in ("timeout=30001", "allow=slashless"):
        tells(alpha, shell, f"listen 1 {user} {words}", "EINVAL", "LISTEN", "argument")
    tells(alpha, shell, f"listen 1 {user} region=elsewhere", "EKEYREJECTED",
          "LISTEN", "cert_region")
    shell.quit()
    there.quit()


def case_calls_on_a_channel(lab):
    alpha, user = lab.vms["alpha"], lab.keys["alpha"]["user"]
    here, there = Shell(alpha), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {user} data")
    there.ok("accept 1 0 30000")
    tells(alpha, here, f"write 1 {int(here.info(1)['max']) + 1}", "EMSGSIZE",
          "ACCESS", "record_size")
    tells(alpha, here, "bell 1", "EINVAL", "ACCESS", "argument")
    tells(alpha, here, "shutdown 1 none", "EINVAL", "SHUTDOWN", "argument")
    # none of these is a refusal
    there.ok("write 1 100")
    tells(alpha, here, "read 1 99", "EMSGSIZE")
    tells(alpha, here, "badread 1", "EFAULT")
    tells(alpha, here, "ioctl 1 0xd67f", "ENOTTY")
    tells(alpha, here, "ioctl 1 0xd623", "EFAULT")
    here.ok("read 1 100")
    here.ok("nonblock 1 1")
    tells(alpha, here, "read 1 100", "EAGAIN")
    with standing(lab, "beta"):
        here.ok(f"connect 2 {user} data nonblock timeout=20000")
        tells(alpha, here, "shutdown 2 wr", "EPERM", "SHUTDOWN", "not_open")
    here.quit()
    there.quit()


def case_node_of_an_ended_channel(lab):
    alpha = lab.vms["alpha"]
    here, there = Shell(alpha), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data")
    there.ok("accept 1 0 30000")
    info = here.info(1)
    node = f"/dev/sivshmem{info['minor']}"
    until(lambda: alpha.run(f"test -e {node}", status=None).status == 0, node)
    lab.daemon.ctl("revoke", "channel", f"{REGION}/{info['cid']}")
    until(lambda: here.info(1)["state"] == str(ENDED), "the end")
    tells(alpha, here, f"open 2 {node}", "ECONNRESET", "OPEN", "peer_gone")
    # its end was the event
    tells(alpha, here, "write 1 10", "ECONNRESET")
    here.quit()
    there.quit()


def case_zz_suite_that_the_kernel_lacks(lab):
    """The last case: what it takes away stays away."""
    alpha, user = lab.vms["alpha"], lab.keys["alpha"]["user"]
    alpha.run("rmmod aesni_intel", status=None)
    if alpha.run("rmmod gcm", status=None).status:
        raise Skip("this kernel has AES-GCM built in")
    here = Shell(alpha)
    tells(alpha, here, f"connect 1 {user} data aes", "EPROTONOSUPPORT", "CONNECT", "suite")
    here.quit()
