#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The vectors as C tables: gen-kunit.py [-o FILE.h]

Writes siv_vectors.h, the tables that KUnit and the native connect test run, from
the JSON files beside this program. Include drivers/sivshmem/tests/siv_vector.h
before it: the types. Noise protocols and curves that the core does not have
are left out here and counted as skipped by the native programs.
"""

import argparse
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOISE_FILES = ("noise-chachapoly.json", "noise-aesgcm.json")
XDH_FILES = ("x25519.json",)
XDH_FLAG = "NonCanonicalPublic"
KAT_FILE = "connect-kat.json"
PATTERNS = {"IK": "SIV_NOISE_IK", "NNpsk0": "SIV_NOISE_NNPSK0",
            "NNpsk2": "SIV_NOISE_NNPSK2"}
SUITES = {"ChaChaPoly": "SIV_SUITE_CHACHAPOLY", "AESGCM": "SIV_SUITE_AESGCM"}
SUITE_NAMES = {1: "ChaChaPoly", 2: "AESGCM"}
TEXT = {"region", "service"}        # names, not hexadecimal
SKIP = {"about"}


def load(name):
    return json.loads((HERE / name).read_text())


def span(data):
    """Bytes as an initialiser of struct siv_span."""
    if not data:
        return "{ NULL, 0 }"
    digits = "".join(f"\\x{b:02x}" for b in data)
    lines = [digits[i:i + 64] for i in range(0, len(digits), 64)]
    text = "\n\t\t".join(f'"{line}"' for line in lines)
    return f"{{ (const u8 *){text}, {len(data)} }}"


def hexspan(text):
    return span(bytes.fromhex(text or ""))


def boolean(yes):
    return "true" if yes else "false"


def noise_side(vector, role):
    psks = vector.get(f"{role}_psks") or [""]
    fields = [
        ("prologue", vector.get(f"{role}_prologue")),
        ("s", vector.get(f"{role}_static")),
        ("e", vector.get(f"{role}_ephemeral")),
        ("rs", vector.get(f"{role}_remote_static")),
        ("psk", psks[0]),
    ]
    return "{ " + ", ".join(f".{n} = {hexspan(v)}" for n, v in fields) + " }"


def noise_tables(out):
    cases = []
    for name in NOISE_FILES:
        for vector in load(name)["vectors"]:
            _, pattern, curve, suite, digest = vector["protocol_name"].split("_")
            if pattern in PATTERNS and suite in SUITES and (
                    curve, digest) == ("25519", "SHA256"):
                cases.append((vector, pattern, suite))
    for i, (vector, _, _) in enumerate(cases):
        out.append("static const struct siv_noise_vector_message "
                   f"siv_noise_messages_{i}[] = {{")
        for m in vector["messages"]:
            out.append(f"\t{{ {hexspan(m['payload'])}, {hexspan(m['ciphertext'])} }},")
        out.append("};")
    out.append("static const struct siv_noise_vector siv_noise_vectors[] = {")
    for i, (vector, pattern, suite) in enumerate(cases):
        out += [
            "\t{",
            f"\t.name = \"{vector['protocol_name']}\",",
            f"\t.pattern = {PATTERNS[pattern]}, .suite = {SUITES[suite]},",
            f"\t.side = {{ {noise_side(vector, 'init')},",
            f"\t\t{noise_side(vector, 'resp')} }},",
            f"\t.hash = {hexspan(vector.get('handshake_hash'))},",
            f"\t.count = {len(vector['messages'])},",
            f"\t.message = siv_noise_messages_{i},",
            "\t},",
        ]
    out.append("};")
    return len(cases)


def xdh_table(out):
    count = 0
    out.append("static const struct siv_xdh_vector siv_xdh_vectors[] = {")
    for name in XDH_FILES:
        for group in load(name)["testGroups"]:
            if group["curve"] != "curve25519":
                continue
            for t in group["tests"]:
                comment = t["comment"].replace("\\", "").replace('"', "")
                out += [
                    f"\t{{ .name = \"tcId {t['tcId']}: {comment}\",",
                    f"\t.public = {hexspan(t['public'])},",
                    f"\t.private = {hexspan(t['private'])},",
                    f"\t.shared = {hexspan(t['shared'])},",
                    f"\t.valid = {boolean(t['result'] == 'valid')},",
                    f"\t.invalid = {boolean(t['result'] == 'invalid')},",
                    f"\t.not_canonical = {boolean(XDH_FLAG in t['flags'])} }},",
                ]
                count += 1
    out.append("};")
    return count


def value(key, item, where, out):
    """An initialiser; what needs a table of its own is put into @out first."""
    if isinstance(item, int):
        return f"{item:#x}ull" if item > 0xffff else str(item)
    if isinstance(item, str):
        return span(item.encode()) if key in TEXT else hexspan(item)
    if isinstance(item, list):
        return "{ " + ", ".join(
            value(key, x, f"{where}_{i}", out) for i, x in enumerate(item)) + " }"
    return members(item, where, out)


def members(item, where, out):
    parts = []
    for key, inner in item.items():
        if key in SKIP:
            continue
        if key == "records":
            out.append("static const struct siv_ring_vector_record "
                       f"{where}_records[] = {{")
            for record in inner:
                out.append(f"\t{members(record, where, out)},")
            out.append("};")
            parts += [f".count = {len(inner)}", f".record = {where}_records"]
        else:
            parts.append(f".{key} = {value(key, inner, f'{where}_{key}', out)}")
    return "{ " + ",\n\t".join(parts) + " }"


def kat_table(out, key, kind):
    rows = []
    for i, case in enumerate(load(KAT_FILE)[key]):
        row = members(case, f"siv_{kind}_{i}", out)
        rows.append(f"\t{{ .name = \"{SUITE_NAMES[case['suite']]}\",\n\t{row[2:]},")
    out.append(f"static const struct siv_{kind}_vector siv_{kind}_vectors[] = {{")
    out += rows
    out.append("};")
    return len(rows)


def generate():
    sources = ", ".join((*NOISE_FILES, *XDH_FILES, KAT_FILE))
    out = [
        "/* SPDX-License-Identifier: GPL-2.0-only */",
        f"/* Generated by gen-kunit.py from {sources}: do not edit. */",
        "",
    ]
    counts = [
        ("NOISE", noise_tables(out)),
        ("XDH", xdh_table(out)),
        ("SESSION", kat_table(out, "sessions", "session")),
        ("CONNECT", kat_table(out, "connects", "connect")),
    ]
    for name, count in counts:
        out.append(f"#define SIV_{name}_VECTORS {count}")
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("-o", dest="path", help="write here, if it would change")
    options = parser.parse_args()
    text = generate()
    if not options.path:
        sys.stdout.write(text)
        return
    path = Path(options.path)
    if path.exists() and path.read_text() == text:
        os.utime(path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    main()
