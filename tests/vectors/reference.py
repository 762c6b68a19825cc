#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The protocol's cryptography a second time, to generate known answers.

    reference.py check             reproduce the published Noise vectors
    reference.py generate [DIR]    check, then write connect-kat.json
    reference.py [verify]          check, then compare what generate would write
                                   with the file that is there

Written from the protocol's text, the Noise specification (revision 34) and the
tables of wire.h; it shares nothing with the C code. Primitives (X25519, the AEADs)
come from the Python package "cryptography", hashes from hashlib.
"""

import hashlib
import hmac
import json
import struct
import sys
from pathlib import Path

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import (
        X25519PrivateKey, X25519PublicKey)
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
except ImportError as missing:
    print(f"reference.py: {missing}: install python3-cryptography")
    print("0 passed, 0 failed, 7 skipped")
    sys.exit(0 if len(sys.argv) == 1 else 2)

HERE = Path(__file__).resolve().parent
SUITES = {1: "ChaChaPoly", 2: "AESGCM"}


# ---------------------------------------------------------------- primitives

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hmac256(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def dh(private, public):
    """X25519; the package refuses an all-zero result."""
    return X25519PrivateKey.from_private_bytes(private).exchange(
        X25519PublicKey.from_public_bytes(public))


def public_key(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(
        Encoding.Raw, PublicFormat.Raw)


def aead(suite, key, n):
    """A cipher object and the 12-byte nonce of number @n (Noise, section 12)."""
    if suite == "ChaChaPoly":
        return ChaCha20Poly1305(key), bytes(4) + struct.pack("<Q", n)
    return AESGCM(key), bytes(4) + struct.pack(">Q", n)


def seal(suite, key, n, ad, plain):
    cipher, nonce = aead(suite, key, n)
    return cipher.encrypt(nonce, plain, ad)


def unseal(suite, key, n, ad, sealed):
    cipher, nonce = aead(suite, key, n)
    return cipher.decrypt(nonce, sealed, ad)


# RFC 5869, one block of output

def hkdf_extract(salt, ikm):
    return hmac256(salt, ikm)


def hkdf_expand(prk, *info):
    return hmac256(prk, *info, b"\x01")


# -------------------------------------------------------------------- Noise

PATTERNS = {
    # name: (pre-message of the responder, messages)
    "IK": (["s"], [["e", "es", "s", "ss"], ["e", "ee", "se"]]),
    "NNpsk0": ([], [["psk", "e"], ["e", "ee"]]),
    "NNpsk2": ([], [["e"], ["e", "ee", "psk"]]),
}


def noise_hkdf(ck, ikm, count):
    temp = hmac256(ck, ikm)
    out, last = [], b""
    for i in range(1, count + 1):
        last = hmac256(temp, last, bytes([i]))
        out.append(last)
    return out


class Noise:
    """HandshakeState, with SymmetricState and CipherState inside."""

    def __init__(self, pattern, suite, initiator, prologue=b"", s=None, rs=None,
                 psk=None):
        self.pre, self.messages = PATTERNS[pattern]
        self.suite, self.initiator = suite, initiator
        self.psk_mode = "psk" in pattern
        self.s, self.rs, self.psk = s, rs, psk
        self.e = self.re = None
        self.step = 0
        name = f"Noise_{pattern}_25519_{suite}_SHA256".encode()
        self.h = name.ljust(32, b"\0") if len(name) <= 32 else sha256(name)
        self.ck, self.k, self.n = self.h, None, 0
        self.mix_hash(prologue)
        if self.pre:
            self.mix_hash(rs if initiator else public_key(s))

    def mix_hash(self, data):
        self.h = sha256(self.h, data)

    def mix_key(self, ikm):
        self.ck, self.k = noise_hkdf(self.ck, ikm, 2)
        self.n = 0

    def mix_key_and_hash(self, ikm):
        self.ck, temp_h, self.k = noise_hkdf(self.ck, ikm, 3)
        self.mix_hash(temp_h)
        self.n = 0

    def encrypt_and_hash(self, plain):
        if self.k is None:
            out = plain
        else:
            out = seal(self.suite, self.k, self.n, self.h, plain)
            self.n += 1
        self.mix_hash(out)
        return out

    def decrypt_and_hash(self, data):
        if self.k is None:
            out = data
        else:
            out = unseal(self.suite, self.k, self.n, self.h, data)
            self.n += 1
        self.mix_hash(data)
        return out

    def mix_e(self, public):
        self.mix_hash(public)
        if self.psk_mode:
            self.mix_key(public)

    def mix_dh(self, token):
        mine, theirs = token if self.initiator else reversed(token)
        self.mix_key(dh({"e": self.e, "s": self.s}[mine],
                        {"e": self.re, "s": self.rs}[theirs]))

    def write(self, payload=b""):
        out = b""
        for token in self.messages[self.step]:
            if token == "e":
                out += public_key(self.e)
                self.mix_e(public_key(self.e))
            elif token == "s":
                out += self.encrypt_and_hash(public_key(self.s))
            elif token == "psk":
                self.mix_key_and_hash(self.psk)
            else:
                self.mix_dh(token)
        self.step += 1
        return out + self.encrypt_and_hash(payload)

    def read(self, data):
        for token in self.messages[self.step]:
            if token == "e":
                self.re, data = data[:32], data[32:]
                self.mix_e(self.re)
            elif token == "s":
                size = 32 + (16 if self.k else 0)
                self.rs, data = self.decrypt_and_hash(data[:size]), data[size:]
            elif token == "psk":
                self.mix_key_and_hash(self.psk)
            else:
                self.mix_dh(token)
        self.step += 1
        return self.decrypt_and_hash(data)

    def split(self):
        """k1, k2 and the exporter secret."""
        return noise_hkdf(self.ck, b"", 3)


def rekey(suite, k):
    return seal(suite, k, 2**64 - 1, b"", bytes(32))[:32]


# ------------------------------------------------------------ Noise vectors

def run_vector(vector, payloads):
    """The ciphertexts of a conversation, and its handshake hash."""
    _, pattern, _, suite, _ = vector["protocol_name"].split("_")

    def side(role, initiator):
        def get(name):
            value = vector.get(f"{role}_{name}")
            return bytes.fromhex(value) if value is not None else None

        psks = vector.get(f"{role}_psks")
        noise = Noise(pattern, suite, initiator, get("prologue") or b"",
                      get("static"), get("remote_static"),
                      bytes.fromhex(psks[0]) if psks else None)
        noise.e = get("ephemeral")
        return noise

    sides = [side("init", True), side("resp", False)]
    out = []
    for i, payload in enumerate(payloads[:2]):
        message = sides[i].write(payload)
        assert sides[1 - i].read(message) == payload
        out.append(message)
    assert sides[0].h == sides[1].h and sides[0].split() == sides[1].split()
    keys = sides[0].split()
    for i, payload in enumerate(payloads[2:]):
        out.append(seal(suite, keys[i % 2], i // 2, b"", payload))
    return out, sides[0].h


PUBLISHED = ("noise-chachapoly.json", "noise-aesgcm.json")


def published():
    return [vector for name in PUBLISHED
            for vector in json.loads((HERE / name).read_text())["vectors"]]


def check():
    """The published vectors come out byte for byte."""
    for vector in published():
        payloads = [bytes.fromhex(m["payload"]) for m in vector["messages"]]
        out, hh = run_vector(vector, payloads)
        assert hh.hex() == vector["handshake_hash"], vector["protocol_name"]
        for message, mine in zip(vector["messages"], out, strict=True):
            assert message["ciphertext"] == mine.hex(), vector["protocol_name"]
        try:
            unseal(vector["protocol_name"].split("_")[3], bytes(32), 0, b"", out[2])
            raise AssertionError("a wrong key opened a message")
        except InvalidTag:
            pass
    return len(published())


# ------------------------------------------------------- sessions, connects

def session_prologue(x):
    out = (b"sivshmem/session" +
           struct.pack("<HHI", 1, x["suite"], x["peer"]) + x["epoch"] +
           sha256(x["region"]) + x["host_cert_hash"] + x["header_hash"] +
           x["challenge"])
    assert len(out) == 152
    return out


def connect_prologue(x):
    out = (b"sivshmem/connect" +
           struct.pack("<HHI", 1, x["suite"], x["flags"]) + x["epoch"] +
           struct.pack("<QQQ", x["cid"], x["ring_ab"], x["ring_ba"]) +
           struct.pack("<II", x["peer_a"], x["peer_b"]) +
           sha256(x["region"]) + sha256(x["service"]) +
           x["cert_a_hash"] + x["cert_b_hash"] + x["host_cert_hash"] + x["n"])
    assert len(out) == 264
    return out


def common(x):
    out = struct.pack("<QQQQQQQQ", x["cid"], x["extent_off"], x["extent_len"],
                      x["side_off"], x["ring_ab_off"], x["ring_ba_off"],
                      x["ring_ab"], x["ring_ba"])
    out += struct.pack("<IHH", x["flags"], x["suite"], 0)
    out += struct.pack("<IHH", x["peer_a"], x["vector_a"], 0)
    out += struct.pack("<IHH", x["peer_b"], x["vector_b"], 0)
    assert len(out) == 88
    return out


def record(suite, key, tag, number, kind, ack, body):
    """A session record: header (the associated data), sealed message."""
    plain = struct.pack("<HHIQ", kind, 0, len(body), ack) + body
    header = struct.pack("<IIQ", len(plain) + 16, tag, number)
    return header + seal(suite, key, number, header, plain)


def hedged_ephemeral(static, random, hh, counter):
    prkh = hkdf_extract(b"sivshmem1 hedge", static)
    prk = hkdf_extract(prkh, random)
    return prkh, hkdf_expand(prk, b"sivshmem1 eph\0", hh, struct.pack("<Q", counter))


def ring_record(suite, key, position, plain):
    header = struct.pack("<II", len(plain) + 16, 0)
    return header + seal(suite, key, position, header, plain)


STATIC = {"a": bytes([0x11]) * 32, "b": bytes([0x22]) * 32, "h": bytes([0x55]) * 32}
EPHEMERAL = {"a": bytes([0x33]) * 32, "b": bytes([0x44]) * 32}
REGION, SERVICE, EPOCH = b"testbed", b"camera.front", bytes(range(0xe0, 0xf0))
CERT = {who: f"not a certificate, only its bytes: {who}".encode() for who in "abh"}
HEADER = bytes(i * 7 & 0xff for i in range(256))


def session_case(number):
    """A session of identity a with the host: IK, READY, one rekey."""
    suite = SUITES[number]
    x = {
        "suite": number, "peer": 2, "epoch": EPOCH, "region": REGION,
        "host_cert_hash": sha256(CERT["h"]), "header_hash": sha256(HEADER),
        "challenge": bytes(range(0x60, 0x70)),
    }
    boot_nonce, attempt = bytes(range(0x80, 0x90)), 9
    host_time, session_id = 1700000000, 0x0000000500000006
    prologue = session_prologue(x)
    guest = Noise("IK", suite, True, prologue, STATIC["a"], public_key(STATIC["h"]))
    host = Noise("IK", suite, False, prologue, STATIC["h"])
    guest.e, host.e = EPHEMERAL["a"], EPHEMERAL["b"]

    payload1 = struct.pack("<HHI", 1, 0, len(CERT["a"])) + boot_nonce
    payload1 += struct.pack("<Q", attempt) + CERT["a"]
    m1 = guest.write(payload1)
    assert host.read(m1) == payload1 and host.rs == public_key(STATIC["a"])
    hello1 = struct.pack("<IIQ", 16 + len(m1), number, attempt) + x["challenge"] + m1

    tag = session_id & 0xffffffff
    payload2 = struct.pack("<IIQQQIIIHH", 0, tag, host_time, session_id, 4, 3600,
                           10000, 64, 32, 0) + bytes(16)
    m2 = host.write(payload2)
    assert guest.read(m2) == payload2
    hello2 = struct.pack("<IIQ", len(m2), number, attempt) + m2

    k1, k2, _ = guest.split()
    ready = record(suite, k1, tag, 0, 1, 0, b"")
    ack = record(suite, k2, tag, 0, 2, 1, b"")
    k1_rekeyed = rekey(suite, k1)
    prkh, eph = hedged_ephemeral(STATIC["a"], bytes(range(32)), guest.h, 12)
    return {
        "suite": number, "peer": x["peer"], "epoch": x["epoch"],
        "region": x["region"].decode(), "host_cert": CERT["h"],
        "host_cert_hash": x["host_cert_hash"], "header_const": HEADER,
        "header_hash": x["header_hash"], "challenge": x["challenge"],
        "static_a": STATIC["a"], "static_h": STATIC["h"],
        "public_a": public_key(STATIC["a"]), "public_h": public_key(STATIC["h"]),
        "ephemeral_a": EPHEMERAL["a"], "ephemeral_h": EPHEMERAL["b"],
        "cert_a": CERT["a"], "boot_nonce": boot_nonce, "attempt": attempt,
        "host_time": host_time, "session_id": session_id, "session_tag": tag,
        "crl_number": 4, "rekey_seconds": 3600, "liveness_ms": 10000,
        "max_channels": 64, "vectors": 32,
        "prologue": prologue, "payload1": payload1, "hello1": hello1,
        "payload2": payload2, "hello2": hello2, "hh": guest.h,
        "k1": k1, "k2": k2,
        "ready_record": ready, "ack_record": ack,
        "k1_rekeyed": k1_rekeyed,
        "record_65536": record(suite, k1_rekeyed, tag, 65536, 3, 1, b""),
        "hedge_random": bytes(range(32)), "hedge_counter": 12,
        "hedge_prk": prkh, "hedged_ephemeral": eph,
        "hedged_ephemeral_public": public_key(eph),
    }


RING_RECORDS = [
    # position, plaintext: with the first key, its last possible one, the next two
    (0, b"the first record"),
    (2**36 - 64, b"still the first key"),
    (2**36, b"the second key"),
    (2**37 + 8, b"x"),
]


def ring_case(suite, secret, hh, direction):
    """R[d][i], K[d][i] for i = 0, 1, 2, and a record at each position."""
    r = hkdf_expand(secret, b"sivshmem1 ring\0", bytes([direction]), hh)
    rs, ks = [], []
    for _ in range(3):
        rs.append(r)
        ks.append(hkdf_expand(r, b"sivshmem1 key\0"))
        r = hkdf_expand(r, b"sivshmem1 next\0")
    records = [{"position": position, "plain": plain,
                "record": ring_record(suite, ks[position >> 36], position, plain)}
               for position, plain in RING_RECORDS]
    return {"r": rs, "k": ks, "records": records}


def connect_case(number):
    """One connect, sealed: from the static keys to the end of both streams."""
    suite = SUITES[number]
    x = {
        "suite": number, "flags": 1, "epoch": EPOCH, "cid": 7, "ring_ab": 0x40000,
        "ring_ba": 0x10000, "peer_a": 2, "peer_b": 3, "region": REGION,
        "service": SERVICE, "cert_a_hash": sha256(CERT["a"]),
        "cert_b_hash": sha256(CERT["b"]), "host_cert_hash": sha256(CERT["h"]),
        "n": bytes(range(0xa0, 0xc0)), "extent_off": 0x2080000,
        "extent_len": 0x80000, "side_off": 0x220000, "ring_ab_off": 0x2080000,
        "ring_ba_off": 0x20c0000, "vector_a": 3, "vector_b": 5,
    }
    geometry = {
        "region_size": 0x4000000, "granule": 0x10000, "box_off": 0x10000,
        "boxes": 16, "side_off": 0x200000, "side_count": 16,
        "extent_off": 0x2000000, "extent_len": 0x2000000, "ring_min": 0x10000,
        "ring_max": 0x1000000, "suites": 6, "flags": 0,
    }
    z = dh(STATIC["a"], public_key(STATIC["b"]))
    assert z == dh(STATIC["b"], public_key(STATIC["a"]))
    prk = hkdf_extract(b"sivshmem1 static-static", z)
    psk = hkdf_expand(prk, b"sivshmem1 psk\0", x["epoch"], struct.pack("<Q", x["cid"]),
                      x["n"], x["cert_a_hash"], x["cert_b_hash"])
    prologue = connect_prologue(x)
    a = Noise("NNpsk2", suite, True, prologue, psk=psk)
    b = Noise("NNpsk2", suite, False, prologue, psk=psk)
    a.e, b.e = EPHEMERAL["a"], EPHEMERAL["b"]
    m1 = a.write()
    assert b.read(m1) == b""
    m2 = b.write()
    assert a.read(m2) == b"" and len(m1) == len(m2) == 48
    assert a.h == b.h and a.split() == b.split()
    k1, k2, secret = a.split()

    everything = common(x)
    grant = sha256(b"sivshmem1 grant\0", a.h, everything)
    fin = [(0, 0x123450), (1, 0x67890)]
    fins = [struct.pack("<QQ", *f) for f in fin]
    out = {
        "suite": number, "flags": x["flags"], "epoch": x["epoch"], "cid": x["cid"],
        "ring_ab": x["ring_ab"], "ring_ba": x["ring_ba"], "peer_a": x["peer_a"],
        "peer_b": x["peer_b"], "region": REGION.decode(),
        "service": SERVICE.decode(), "cert_a": CERT["a"], "cert_b": CERT["b"],
        "host_cert": CERT["h"], "n": x["n"],
        "static_a": STATIC["a"], "static_b": STATIC["b"],
        "public_a": public_key(STATIC["a"]), "public_b": public_key(STATIC["b"]),
        "public_h": public_key(STATIC["h"]),
        "ephemeral_a": EPHEMERAL["a"], "ephemeral_b": EPHEMERAL["b"],
        "request": 21, "extent_off": x["extent_off"], "extent_len": x["extent_len"],
        "side_off": x["side_off"], "ring_ab_off": x["ring_ab_off"],
        "ring_ba_off": x["ring_ba_off"], "vector_a": x["vector_a"],
        "vector_b": x["vector_b"], "geometry": geometry,
        "z": z, "prk": prk, "psk": psk, "prologue": prologue,
        "m1": m1, "m2": m2, "hh": a.h, "k1": k1, "k2": k2, "x": secret,
        "common": everything, "grant_hash": grant,
        "m3": seal(suite, k1, 0, b"", grant),
        "rings": [ring_case(suite, secret, a.h, d) for d in (0, 1)],
        "fin_ab": {"position": fin[0][1], "sealed": seal(suite, k1, 1, b"", fins[0])},
        "fin_ba": {"position": fin[1][1], "sealed": seal(suite, k2, 0, b"", fins[1])},
    }
    return out


def connect_kat():
    return {
        "about": "made by reference.py; numbers are decimal, bytes hexadecimal, "
                 "names text",
        "sessions": [session_case(number) for number in SUITES],
        "connects": [connect_case(number) for number in SUITES],
    }


# -------------------------------------------------------------------- files

def render(document):
    return json.dumps(document, indent=1, default=lambda b: b.hex()) + "\n"


def files():
    return {"connect-kat.json": render(connect_kat())}


def main(argv):
    verb = argv[1] if len(argv) > 1 else "verify"
    if verb not in ("check", "generate", "verify"):
        sys.exit(__doc__)
    n = check()
    print(f"{n} published vectors reproduced")
    where = Path(argv[2]) if len(argv) > 2 else HERE
    bad = 0
    if verb == "generate":
        for name, text in files().items():
            (where / name).write_text(text)
            print(f"wrote {where / name}")
    if verb == "verify":
        for name, text in files().items():
            same = (where / name).read_text() == text
            print(f"{name}: {'as generated' if same else 'DIFFERS'}")
            bad += not same
        print(f"{n + len(files()) - bad} passed, {bad} failed, 0 skipped")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
