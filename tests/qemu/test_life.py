# SPDX-License-Identifier: GPL-2.0-only
# Whatever ends, ends for the other side too, soon and with the right errno, and
# can begin again: guests killed and reset, devices removed, keys revoked. The module
# stays while anything of it is used; taken by force it ends everything, and waits.
import time

from lab.clock import slack
from lab.lab import Skip
from lab.pair import REGION, enter, open_region, policy, renew, under_way, until, works
from lab.shell import Shell

TX, RX = 2, 3


def setup(lab):
    text = policy(("alpha", "beta"), region_keys="liveness = 20s")
    open_region(lab, "alpha", "beta", text=text, reboot=True)


def channel(lab, words=""):
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data {words}")
    there.ok("accept 1 0 30000")
    return here, there


def load(lab):
    """Records flow from alpha to beta until something ends it."""
    sink = lab.vms["beta"].start(
        f"chan sink {lab.keys['beta']['data']} 1 100000000")
    sink.wait_output("listening")
    source = lab.vms["alpha"].start(
        f"chan source {lab.keys['alpha']['user']} data 1 100000000")
    under_way(lab.vms["alpha"])
    assert sink.status is None and source.status is None, \
        sink.text + source.text
    return source, sink


def case_guest_is_killed_under_load(lab):
    _, sink = load(lab)
    alpha = lab.vms["alpha"]
    lab.may_die(alpha)
    alpha.kill()
    start = time.monotonic()
    sink.wait()
    assert time.monotonic() - start < 1 + slack(), "the peer of a dead guest waits"
    assert sink.text.split()[1] == "ECONNRESET", sink.text
    lab.start("alpha", extra=lab.daemon.qemu_args("alpha"), reboot=True)
    lab.vms["alpha"].wait_boot()
    enter(lab, "alpha")
    works(lab)


def case_guest_is_reset(lab):
    here, there = channel(lab)
    here.ok("write 1 10")
    lab.vms["alpha"].reset()
    lab.vms["alpha"].wait_boot()
    enter(lab, "alpha")
    fresh = Shell(lab.vms["alpha"])
    fresh.ok(f"listen 0 {lab.keys['alpha']['data']}")
    # Told by this new boot's session, or by the old one's silence before it.
    until(lambda: there.info(1)["state"] == "3", "the end")
    until(lambda: [e for e in lab.daemon.audit(event="channel_end")
                   if "has rebooted" in e["what"] or "silent" in e["what"]],
          "the end in the audit log")
    assert there.info(1)["end"] in ("ECONNRESET", "ETIMEDOUT"), there.info(1)
    there.refused("read 1 100", "ECONNRESET")
    for shell in (fresh, there):
        shell.quit()
    works(lab)


def case_device_is_removed(lab):
    here, there = channel(lab)
    alpha = lab.vms["alpha"]
    here.ok(f"map 1 {TX}")
    here.ok(f"set 1 {TX} 0 5")
    there.begin("read 1 100")
    there.asleep()
    device = alpha.out("basename $(ls -d /sys/bus/pci/drivers/sivshmem/0000:*)")
    alpha.run(f"echo 1 > /sys/bus/pci/devices/{device}/remove")
    here.refused(f"get 1 {TX} 0", "SIGBUS")
    polled = here.ok("poll 1 1000")
    assert "hup" in polled and "err" in polled, polled
    here.refused("bell 1", "ENODEV")
    assert there.end() == "ECONNRESET", "the peer waits"
    alpha.run("echo 1 > /sys/bus/pci/rescan")
    here.quit()
    there.quit()
    works(lab)


def case_identity_key_is_revoked(lab):
    here, there = channel(lab)
    here.ok(f"map 1 {TX}")
    lab.vms["alpha"].run(f"keyctl revoke {lab.keys['alpha']['user']}")
    start = time.monotonic()
    until(lambda: here.info(1)["state"] == "3", "the end")
    assert time.monotonic() - start < 1 + slack(), "revoked keys live on"
    assert here.info(1)["end"] == "EKEYREVOKED", here.info(1)
    here.refused(f"get 1 {TX} 0", "SIGBUS")
    until(lambda: there.info(1)["state"] == "3", "the peer's end")
    assert there.info(1)["end"] in ("ECONNRESET", "EKEYREVOKED"), there.info(1)
    here.quit()
    there.quit()
    renew(lab, "alpha")
    works(lab)


def case_host_revokes_under_load(lab):
    source, sink = load(lab)
    lab.daemon.ctl("revoke", "identity", f"{REGION}/alpha/user")
    source.wait()
    sink.wait()
    assert source.text.split()[0] in ("EKEYREVOKED", "ECONNRESET"), source.text
    assert sink.text.split()[1] in ("EKEYREVOKED", "ECONNRESET"), sink.text
    lab.daemon.wait_audit(event="revoke", who=f"{REGION}/alpha/user")
    lab.daemon.ctl("restore", "identity", f"{REGION}/alpha/user")


def case_zz_module_stays_while_it_is_used(lab):
    """A channel's descriptor, a mapping alone, and a listener's hold it; then it goes."""
    alpha, beta = lab.vms["alpha"], lab.vms["beta"]
    renew(lab, "alpha")
    here, there = channel(lab)
    here.ok(f"map 1 {TX}")

    def stays(*guests):
        for guest in guests:
            result = guest.run("rmmod sivshmem", status=1)
            assert "temporarily unavailable" in result.err, result

    stays(alpha, beta)
    there.ok("close 1")
    stays(beta)
    here.ok("close 1")
    stays(alpha)
    here.ok(f"get 1 {TX} 0")
    here.ok(f"unmap 1 {TX}")
    there.ok("close 0")
    for name in ("alpha", "beta"):
        until(lambda n=name: not lab.vms[n].run("rmmod sivshmem", status=None).status,
              f"{name}: the module is not used any more")
        lab.vms[name].run("keyctl clear @u")
        enter(lab, name)
    here.quit()
    there.quit()
    works(lab)


def case_zz_module_is_taken_by_force(lab):
    """Where the kernel lets root: nothing of the module is used when it goes."""
    alpha = lab.vms["alpha"]
    here, there = channel(lab)
    here.ok(f"listen 0 {lab.keys['alpha']['data']}")
    here.ok(f"map 1 {TX}")
    sleeper = Shell(alpha)
    sleeper.ok(f"connect 1 {lab.keys['alpha']['user']} data")
    for shell in (sleeper, there):
        shell.begin("read 1 100")
        shell.asleep()
    force = alpha.start("rmmod -f sivshmem")
    until(lambda: force.status is not None or sleeper.job.unread(),
          "the module is taken, or refused")
    if force.status == 1 and b"temporarily unavailable" in force.stderr:
        raise Skip("this kernel takes no module by force")
    assert sleeper.end() == "ENODEV"
    assert there.end() == "ECONNRESET"
    here.refused(f"get 1 {TX} 0", "SIGBUS")
    for slot in (0, 1):
        polled = here.ok(f"poll {slot} 1000")
        assert "hup" in polled and "err" in polled, polled
    assert force.status is None, "the module went from under its users"
    sleeper.quit()
    here.quit()
    assert force.wait() == 0, force.stderr
    there.quit()
    alpha.run("keyctl clear @u")
    enter(lab, "alpha")
    works(lab)
