# SPDX-License-Identifier: GPL-2.0-only
"""Guests that are members of regions: module, trust anchor, identities."""

from .certs import X25519


def load_module(guest, options=""):
    guest.run(f"insmod /modules/sivshmem.ko {options}")


def add_anchor(guest, ca, close=False):
    """Make a CA the guest's trust anchor; close: the last one for good."""
    guest.run('keyctl padd asymmetric "" %:.sivshmem', stdin=ca.der)
    if close:
        guest.run("keyctl restrict_keyring %:.sivshmem")


def bundle(ca, region, vm, service, **how):
    """A new identity: certificate (how: see Ca.issue) and private key, as keyctl
    wants them."""
    key = X25519()
    return ca.issue(key.public, f"sivshmem://{region}/{vm}/{service}", **how) + \
        key.private


def add_identity(guest, payload, name, ring="@u"):
    """Load an identity; the key's serial number."""
    return int(guest.out(f"keyctl padd sivshmem {name} {ring}", stdin=payload))


def enter(guest, ca, region, *services):
    """Everything a guest needs to speak for its services; their serials."""
    load_module(guest)
    add_anchor(guest, ca)
    return [add_identity(guest, bundle(ca, region, guest.name, service), service)
            for service in services]
