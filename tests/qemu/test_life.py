# SPDX-License-Identifier: GPL-2.0-only
# Whatever ends, ends for the other side too, soon and with the right errno, and
# can begin again: guests killed and reset, devices removed, keys revoked.
import time

from lab.pair import REGION, enter, open_region, policy, renew, works
from lab.shell import Shell

TX, RX = 2, 3


def setup(lab):
    text = policy(("alpha", "beta"), region_keys="liveness = 3s")
    open_region(lab, "alpha", "beta", text=text, reboot=True)


def channel(lab, words=""):
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data {words}")
    there.ok("accept 1 0 5000")
    return here, there


def load(lab):
    """Records flow from alpha to beta until something ends it."""
    sink = lab.vms["beta"].start(
        f"chan sink {lab.keys['beta']['data']} 1 100000000")
    sink.wait_output("listening")
    source = lab.vms["alpha"].start(
        f"chan source {lab.keys['alpha']['user']} data 1 100000000")
    time.sleep(1)
    assert sink.status is None and source.status is None, \
        sink.text + source.text
    return source, sink


def case_guest_is_killed_under_load(lab):
    _, sink = load(lab)
    alpha = lab.vms["alpha"]
    lab.may_die(alpha)
    alpha.kill()
    start = time.monotonic()
    sink.wait(10)
    assert time.monotonic() - start < 2, "the peer of a dead guest waits"
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
    end = time.monotonic() + 15
    while there.info(1)["state"] != "3" and time.monotonic() < end:
        time.sleep(0.1)
    # Told by the new boot's session, or by the old one's silence before it.
    assert there.info(1)["end"] in ("ECONNRESET", "ETIMEDOUT"), there.info(1)
    there.refused("read 1 100", "ECONNRESET")
    there.quit()
    works(lab)


def case_device_is_removed(lab):
    here, there = channel(lab)
    alpha = lab.vms["alpha"]
    here.ok(f"map 1 {TX}")
    here.ok(f"set 1 {TX} 0 5")
    there.begin("read 1 100")
    device = alpha.out("basename $(ls -d /sys/bus/pci/drivers/sivshmem/0000:*)")
    alpha.run(f"echo 1 > /sys/bus/pci/devices/{device}/remove")
    here.refused(f"get 1 {TX} 0", "SIGBUS")
    polled = here.ok("poll 1 1000")
    assert "hup" in polled and "err" in polled, polled
    here.refused("bell 1", "ENODEV")
    assert there.end(5) == "ECONNRESET", "the peer waits"
    alpha.run("echo 1 > /sys/bus/pci/rescan")
    here.quit()
    there.quit()
    works(lab)


def case_identity_key_is_revoked(lab):
    here, there = channel(lab)
    here.ok(f"map 1 {TX}")
    lab.vms["alpha"].run(f"keyctl revoke {lab.keys['alpha']['user']}")
    start = time.monotonic()
    while here.info(1)["state"] != "3" and time.monotonic() - start < 5:
        time.sleep(0.05)
    assert time.monotonic() - start < 2, "revoked keys live on"
    assert here.info(1)["end"] == "EKEYREVOKED", here.info(1)
    here.refused(f"get 1 {TX} 0", "SIGBUS")
    end = time.monotonic() + 5
    while there.info(1)["state"] != "3" and time.monotonic() < end:
        time.sleep(0.05)
    assert there.info(1)["end"] in ("ECONNRESET", "EKEYREVOKED"), there.info(1)
    here.quit()
    there.quit()
    renew(lab, "alpha")
    works(lab)


def case_host_revokes_under_load(lab):
    source, sink = load(lab)
    lab.daemon.ctl("revoke", "identity", f"{REGION}/alpha/user")
    source.wait(10)
    sink.wait(10)
    assert source.text.split()[0] in ("EKEYREVOKED", "ECONNRESET"), source.text
    assert sink.text.split()[1] in ("EKEYREVOKED", "ECONNRESET"), sink.text
    lab.daemon.wait_audit(event="revoke", who=f"{REGION}/alpha/user")


def case_zz_module_goes_with_open_files(lab):
    alpha = lab.vms["alpha"]
    renew(lab, "alpha")
    alpha.run("rmmod sivshmem && insmod /modules/sivshmem.ko")
