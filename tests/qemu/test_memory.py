# SPDX-License-Identifier: GPL-2.0-only
# What a guest's memory holds of secrets, all of it searched from outside: a pair's secret
# is there while it may be used, and nowhere once the peer's certificate, the own key or
# the session is over, or the machine is a copy; what it was computed from is never there;
# nothing of an identity's private key outlives the key, nor an opened record its channel.
import time

from lab.certs import X25519, hmac256
from lab.members import add_identity
from lab.pair import REGION, open_region, policy, until
from lab.shell import Shell

HOUR = 3600
SOON = 60
RECORD = 100


def setup(lab):
    # a guest whose memory is saved stands still
    text = policy(("alpha", "beta"), region_keys="liveness = 60s")
    open_region(lab, "alpha", "beta", text=text)


def identity(lab, name, service, end=24 * HOUR):
    """A fresh identity in place of the guest's; its key pair."""
    vm, key = lab.vms[name], X25519()
    der = lab.ca.issue(key.public, f"sivshmem://{REGION}/{name}/{service}", end=end)
    vm.run(f"keyctl unlink {lab.keys[name][service]} @u", status=None)
    lab.keys[name][service] = add_identity(vm, der + key.private, service)
    return key


def hedge(key):
    """What the driver computes of a private key alone, and keeps beside it."""
    return hmac256(b"sivshmem1 hedge", key.private[-32:])


class Pair:
    """A channel between new identities, and the secrets that both ends have."""

    def __init__(self, lab, words="", peers_end=24 * HOUR):
        self.lab = lab
        self.own = identity(lab, "alpha", "user")
        self.peer = identity(lab, "beta", "data", peers_end)
        self.here, self.there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
        self.there.ok(f"listen 0 {lab.keys['beta']['data']}")
        self.connect(1, words)
        z = self.own.derive(self.peer.public)
        self.secret = hmac256(b"sivshmem1 static-static", z)
        host = lab.daemon.keys[REGION].public
        self.never = [z, self.own.derive(host), self.peer.derive(host)]

    def connect(self, slot, words=""):
        self.here.ok(f"connect {slot} {self.lab.keys['alpha']['user']} data {words}")
        self.there.ok(f"accept {slot} 0 30000")

    def found(self, name):
        """How often the pair's secret is in a guest's memory."""
        memory = self.lab.vms[name].memory()
        for what in self.never:
            assert what not in memory, f"{name}: a Diffie-Hellman's result"
        return memory.count(self.secret)

    def there_now(self):
        for name in ("alpha", "beta"):
            assert self.found(name) == 1, (name, self.found(name))

    def gone(self, *names):
        for name in names:
            until(lambda n=name: not self.found(n), f"{name}: the secret's end", SOON)

    def quit(self):
        for shell in (self.here, self.there):
            shell.quit()


def case_peers_certificate_ends(lab):
    """The session goes on, and nobody asks for that pair again."""
    pair = Pair(lab, peers_end=HOUR)
    pair.there_now()
    alpha = lab.vms["alpha"]
    alpha.run(f"date -s @{int(time.time()) + 2 * HOUR}")
    pair.gone("alpha")
    alpha.run(f"date -s @{int(time.time())}")
    pair.quit()


def case_key_ends(lab):
    pair = Pair(lab)
    pair.there_now()
    alpha = lab.vms["alpha"]
    assert hedge(pair.own) in alpha.memory()
    alpha.run(f"keyctl revoke {lab.keys['alpha']['user']}")
    pair.gone("alpha")
    until(lambda: hedge(pair.own) not in alpha.memory(), "the key's end", SOON)
    assert hedge(pair.peer) in lab.vms["beta"].memory()
    pair.quit()


def case_host_ends_the_session(lab):
    pair = Pair(lab)
    pair.there_now()
    lab.daemon.ctl("revoke", "identity", f"{REGION}/beta/data")
    pair.there.refused("accept 2 0 30000", "EKEYREVOKED")
    pair.gone("beta")
    lab.daemon.ctl("restore", "identity", f"{REGION}/beta/data")
    pair.quit()


def case_a_copy(lab):
    pair = Pair(lab)
    pair.there_now()
    lab.vms["alpha"].run("insmod /modules/sivfork.ko && rmmod sivfork")
    pair.gone("alpha")
    pair.quit()


def pattern(seed):
    """What chsh writes."""
    return bytes((i + seed) * 2654435761 >> 24 & 0xff for i in range(RECORD))


def held(pair):
    """A record that beta has opened and cannot deliver; its sender has forgotten it."""
    pair.here.ok(f"write 1 {RECORD} 70")
    pair.there.refused("badread 1", "EFAULT")
    pair.here.ok(f"write 2 {2 * RECORD} 5000")
    assert pattern(70)[8:] in pair.lab.vms["beta"].memory(), "nothing is held"


def nowhere(lab, when):
    for name in ("alpha", "beta"):  # channels end in the background
        until(lambda n=name: pattern(70)[8:] not in lab.vms[n].memory(),
              f"{name}: the record's end, {when}", SOON)


def case_opened_record(lab):
    """Whether it was delivered, and the user's own buffer overwritten, or never was."""
    for suite in ("", "aes"):
        pair = Pair(lab, f"sealed {suite}")
        pair.connect(2)
        held(pair)
        pair.there.ok(f"read 1 {RECORD}")
        pair.there.ok(f"write 2 {2 * RECORD} 5000")
        nowhere(lab, f"delivered {suite}")
        held(pair)
        for shell in (pair.here, pair.there):
            shell.ok("close 1")
        nowhere(lab, f"closed {suite}")
        pair.quit()


def case_zz_hibernation(lab):
    """Before its memory would be written to disk."""
    pair = Pair(lab)
    pair.there_now()
    alpha = lab.vms["alpha"]
    assert hedge(pair.own) in alpha.memory()
    alpha.run("echo 1 > /sys/module/suspend/parameters/pm_test_delay")
    alpha.run("echo freezer > /sys/power/pm_test; echo disk > /sys/power/state")
    assert "PM: hibernation: hibernation exit" in alpha.kernel_log()
    memory = alpha.memory()
    assert pair.secret not in memory
    assert hedge(pair.own) not in memory
    pair.quit()
