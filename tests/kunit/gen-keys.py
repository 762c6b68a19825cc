#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Prints certificates and keys for the KUnit suites as a C header."""

import copy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "qemu"))

from lab.certs import DAY, X25519, Ca  # noqa: E402
from lab.region import host_cert  # noqa: E402

YEARS = 20 * 365 * DAY
URI = "sivshmem://lab/vma/camera.front"


def array(name, data):
    rows = [data[i:i + 12] for i in range(0, len(data), 12)]
    body = ",\n\t".join(", ".join(f"0x{b:02x}" for b in row) for row in rows)
    return f"static const u8 {name}[] __maybe_unused = {{\n\t{body}\n}};\n"


def main():
    ca, me, other, host = Ca(days=20 * 365), X25519(), X25519(), X25519()

    # the CA's key and its identifier, under another name
    alias = copy.copy(ca)
    alias.name = "alias"

    def cert(key=me, uri=URI, **how):
        return ca.issue(key.public, uri, **{"start": -DAY, "end": YEARS, **how})

    print("/* SPDX-License-Identifier: GPL-2.0-only */")
    print("/* Made by tests/kunit/gen-keys.py; worth nothing. */")
    print("#include <linux/types.h>\n")
    things = {
        "ca": ca.der,
        "private": me.private,
        "other_private": other.private,
        "cert": cert(),
        "renewed": cert(end=YEARS + DAY),
        "other_cert": cert(other),
        "rear_cert": cert(uri="sivshmem://lab/vma/camera.rear"),
        "forged_cert": cert(damage=1),
        "expired_cert": cert(end=-3600),
        "future_cert": cert(start=YEARS - DAY),
        "foreign_cert": Ca("other").issue(me.public, URI, end=YEARS),
        "misnamed_cert": alias.issue(me.public, URI, end=YEARS),
        "host_private": host.private,
        "host_cert": host_cert(ca, host, end=YEARS),
        "my_host_cert": host_cert(ca, me, end=YEARS),
        "forged_host_cert": host_cert(ca, host, end=YEARS, damage=1),
        "expired_host_cert": host_cert(ca, host, end=-3600),
        "future_host_cert": host_cert(ca, host, start=YEARS - DAY, end=YEARS),
        "foreign_host_cert": host_cert(Ca("other"), host, end=YEARS),
        "other_host_cert": host_cert(ca, host, region="home", end=YEARS),
    }
    for name, data in things.items():
        print(array(f"siv_fixture_{name}", data))


if __name__ == "__main__":
    main()
