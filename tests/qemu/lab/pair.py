# SPDX-License-Identifier: GPL-2.0-only
"""The usual laboratory: a daemon, one region, and guests that are its members.

Each guest offers the service `data` that every other may use, and has the
identity `user` besides; the intruder of attack tests has what a test gives it.
"""

import contextlib
import signal
import time

from .certs import DAY, Ca
from .daemon import Daemon
from .kernel import PAGE
from .members import add_anchor, add_identity, bundle, load_module

REGION = "lab"


def policy(names, extra="", region_keys="", service_keys="", granule=PAGE):
    """A policy in which everybody may use everybody's `data`."""
    parts = [f"[region {REGION}]", "size = 64M", "mode = shared", f"granule = {granule}",
             f"members = {' '.join(names)}", region_keys]
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


def until(condition, what, seconds=10):
    """Wait for something that must come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not in {seconds} s"
        time.sleep(0.05)


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
