# SPDX-License-Identifier: GPL-2.0-only
"""The usual laboratory: a daemon, one region, and guests that are its members.

Each guest offers the service `data` that every other may use, and has the
identity `user` besides; the intruder of attack tests has what a test gives it.
"""

import contextlib
import re
import signal
import time

from .certs import DAY, Ca
from .daemon import Daemon
from .kernel import PAGE
from .members import add_anchor, add_identity, bundle, load_module

REGION = "lab"
# Longer than a busy machine stands still. A case that waits for one says a shorter one.
PATIENCE = {"handshake": "20s", "liveness": "60s"}
SOON = 60  # what must come has come by then


def policy(names, extra="", region_keys="", service_keys="", granule=PAGE):
    """A policy in which everybody may use everybody's `data`."""
    patience = [f"{key} = {value}" for key, value in PATIENCE.items()
                if not re.search(rf"^{key}\b", region_keys, re.MULTILINE)]
    parts = [f"[region {REGION}]", "size = 64M", "mode = shared", f"granule = {granule}",
             f"members = {' '.join(names)}", region_keys, *patience]
    for name in names:
        parts += [f"[vm {name}]", "user = self", "vectors = 8"]
    for name in names:
        clients = " ".join(other for other in names if other != name)
        parts += [f"[service {REGION}/{name}/data]", f"clients = {clients}",
                  service_keys]
    return "\n".join([*parts, extra, ""])


def open_region(lab, *names, guests=None, text=None, program="sivshmemd",
                module="", host_end=DAY, ca=None, **options):
    """Start a daemon and guests; lab.keys[guest] has their keys' serials.

    host_end: seconds until the host's certificate ends; ca: whose everything is.
    """
    lab.ca = ca or Ca()
    lab.daemon = lab.service(Daemon.certified(
        lab, lab.ca, text or policy(names), [REGION], program, end=host_end))
    lab.keys = {}
    guests = guests or names
    for name in guests:
        lab.start(name, extra=lab.daemon.qemu_args(name), **options)
    for name in guests:
        lab.vms[name].wait_boot()
        enter(lab, name, module)


def enter(lab, name, module=""):
    """Give a guest what it needs: module, anchor, identities."""
    guest = lab.vms[name]
    load_module(guest, module)
    add_anchor(guest, lab.ca)
    lab.keys[name] = {
        service: add_identity(guest, bundle(lab.ca, REGION, name, service),
                              service)
        for service in ("data", "user")}


def renew(lab, name):
    """Fresh identities for a guest; its module stays."""
    lab.vms[name].run("keyctl clear @u")
    lab.keys[name] = {
        service: add_identity(lab.vms[name],
                              bundle(lab.ca, REGION, name, service), service)
        for service in ("data", "user")}


def works(lab):
    """beta listens, alpha connects, and records go both ways."""
    echo = lab.vms["beta"].start(f"chan echo {lab.keys['beta']['data']} 1")
    echo.wait_output("listening")
    lab.vms["alpha"].run(f"chan ping {lab.keys['alpha']['user']} data 3 50",
                         timeout=60)
    assert echo.wait() == 0, echo.text


def device(guest):
    """The name of the PCI device that our driver is bound to."""
    return guest.out("basename $(ls -d /sys/bus/pci/drivers/sivshmem/0000:*)")


def listening(lab, job):
    """Wait until the host knows a listener, or the job that should be one ends."""
    def known():
        assert job.status is None, f"nobody listens: {job.text} {job.stderr}"
        sessions = lab.daemon.ctl("status", json_output=True)["sessions"]
        return any(session["listening"] for session in sessions)

    until(known, "a listener")


def under_way(guest, records=20):
    """Wait until this guest has sent so many records through a channel."""
    sent = "cat /sys/class/sivshmem/sivshmem*/tx_records"
    until(lambda: any(int(count) >= records
                      for count in guest.run(sent, status=None).out.split()),
          f"{records} records")


def until(condition, what, seconds=SOON):
    """Wait for something that must come."""
    end = time.monotonic() + seconds
    late = False
    while not condition():
        assert not late, f"{what}: not in {seconds} s"
        time.sleep(0.05)
        late = time.monotonic() > end  # and once more


@contextlib.contextmanager
def standing(lab, what):
    """A guest, or the daemon, does nothing for a while."""
    stop, go = {
        "beta": (lambda: lab.vms["beta"].qmp.run("stop"),
                 lambda: lab.vms["beta"].qmp.run("cont")),
        "daemon": (lambda: lab.daemon.process.send_signal(signal.SIGSTOP),
                   lambda: lab.daemon.process.send_signal(signal.SIGCONT)),
    }[what]
    stop()
    try:
        yield
    finally:
        go()
