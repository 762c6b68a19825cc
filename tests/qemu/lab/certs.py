# SPDX-License-Identifier: GPL-2.0-only
"""Certificates of every kind, good and bad, written as DER by hand.

The project's own tool makes only good ones, and a test must not believe the tool
and the parser the same thing. OpenSSL's command makes keys and signatures.
"""

import hashlib
import hmac
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from .paths import TOP

SPKI_X25519 = bytes.fromhex("302a300506032b656e032100")
# How a CA signs, by its key: the hash, and the algorithm as certificates name it.
SIGNATURES = {
    "rsa": ("-sha256", bytes.fromhex("300d06092a864886f70d01010b0500")),
    "P-256": ("-sha256", bytes.fromhex("300a06082a8648ce3d040302")),
    "P-384": ("-sha384", bytes.fromhex("300a06082a8648ce3d040303")),
}
DAY = 86400


def tlv(tag, *parts):
    """An element: its content's parts are concatenated."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def seq(*parts):
    return tlv(0x30, *parts)


def oid(content):
    return tlv(0x06, content)


def integer(value):
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def when(seconds):
    """UTCTime up to 2049, then GeneralizedTime (RFC 5280 4.1.2.5)."""
    at = time.gmtime(seconds)
    if at.tm_year < 2050:
        return tlv(0x17, time.strftime("%y%m%d%H%M%SZ", at).encode())
    return tlv(0x18, time.strftime("%Y%m%d%H%M%SZ", at).encode())


def common_name(name):
    return seq(tlv(0x31, seq(oid(b"\x55\x04\x03"), tlv(0x0c, name.encode()))))


def _usage_oids():
    """The extended key usages, from the place that defines them."""
    text = (TOP / "drivers/sivshmem/core/cert.c").read_text(encoding="utf-8")
    arc = re.search(r"#define OID_ARC((?:.*\\\n)*.*)", text)[1]
    arc = bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})", arc))
    return arc + b"\x01", arc + b"\x02"


ENDPOINT, HOST = _usage_oids()


def openssl(*words, stdin=b""):
    return subprocess.run(["openssl", *map(str, words)], input=stdin, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


class X25519:
    """A key pair: private is PKCS#8, public the 32 bytes."""

    def __init__(self):
        self.private = openssl("genpkey", "-algorithm", "X25519", "-outform", "DER")
        spki = openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER",
                       stdin=self.private)
        assert spki.startswith(SPKI_X25519) and len(spki) == 44
        self.public = spki[12:]

    def derive(self, public):
        """The shared secret with somebody's public key."""
        with tempfile.TemporaryDirectory() as folder:
            own, peer = Path(folder, "own"), Path(folder, "peer")
            own.write_bytes(self.private)
            peer.write_bytes(SPKI_X25519 + public)
            return openssl("pkeyutl", "-derive", "-keyform", "DER", "-inkey", own,
                           "-peerform", "DER", "-peerkey", peer)


class Ca:
    """A certificate authority; der is what goes into the keyring.

    Its key is RSA's, or on a curve.
    """

    def __init__(self, name="test CA", bits=3072, days=30, curve=None):
        self.name = name
        self.hash, self.algorithm = SIGNATURES[curve or "rsa"]
        kind = (["ec", "-pkeyopt", f"ec_paramgen_curve:{curve}"] if curve
                else [f"rsa:{bits}"])
        with tempfile.TemporaryDirectory() as folder:
            key, crt = Path(folder, "key"), Path(folder, "crt")
            openssl("req", "-x509", self.hash, "-newkey", *kind, "-nodes", "-keyout", key,
                    "-out", crt, "-outform", "DER", "-subj", f"/CN={name}",
                    "-addext", "basicConstraints=critical,CA:TRUE",
                    "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                    "-days", days)
            self.key = key.read_bytes()
            self.der = crt.read_bytes()
            text = openssl("x509", "-inform", "DER", "-in", crt, "-noout",
                           "-ext", "subjectKeyIdentifier").decode()
        self.skid = bytes.fromhex(re.search(r"(?:\w\w:){19}\w\w", text)[0].replace(":", ""))

    def sign(self, tbs):
        with tempfile.TemporaryDirectory() as folder:
            key = Path(folder, "key")
            key.write_bytes(self.key)
            return openssl("dgst", self.hash, "-sign", key, stdin=tbs)

    def issue(self, public, uri, usage=ENDPOINT, start=-DAY, end=DAY, akid=True,
              damage=0):
        """A certificate; start and end are seconds from now, damage is xored
        into the signature's last byte."""
        now = int(time.time())
        extensions = [
            seq(oid(b"\x55\x1d\x0f"), b"\x01\x01\xff",
                tlv(0x04, b"\x03\x02\x03\x08")),  # keyAgreement
            seq(oid(b"\x55\x1d\x25"), b"\x01\x01\xff", tlv(0x04, seq(oid(usage)))),
            seq(oid(b"\x55\x1d\x11"), tlv(0x04, seq(tlv(0x86, uri.encode())))),
        ]
        if akid:
            extensions.append(seq(oid(b"\x55\x1d\x23"),
                                  tlv(0x04, seq(tlv(0x80, self.skid)))))
        tbs = seq(b"\xa0\x03\x02\x01\x02",
                  integer(1 + int.from_bytes(os.urandom(8), "big") // 2),
                  self.algorithm, common_name(self.name),
                  seq(when(now + start), when(now + end)),
                  common_name(uri.rpartition("/")[2]), SPKI_X25519 + public,
                  tlv(0xa3, seq(*extensions)))
        signature = bytearray(self.sign(tbs))
        signature[-1] ^= damage
        return seq(tbs, self.algorithm, tlv(0x03, b"\x00", bytes(signature)))


def hmac256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def possession(z, challenge, spki):
    """The proof that a key made in the kernel exists (keys.rst)."""
    prk = hmac256(b"sivshmem1 proof", z)
    key = hmac256(prk, b"sivshmem1 proof\x00" + challenge + b"\x01")
    return hmac256(key, spki)
