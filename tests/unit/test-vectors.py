#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Claim: the native programs pass as many vectors as the generated header of KUnit
says that it has, and test-cert judges as many certificates. The vector programs take
an empty list of psks for none, count a malformed vector as failed and say which it is
and why, and end with status 2 and without a count if a file cannot be read or is no
list of vectors.

Prints TAP.
"""

import copy
import functools
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
VECTORS = TOP / "tests/vectors"


def output(*words):
    return subprocess.run(list(map(str, words)), cwd=TOP, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


@functools.cache
def command(name):
    """How `make unit` runs a program: it and its arguments."""
    listed = output("make", "-s", "-f", "userspace/Makefile", "list-tests")
    return next(words for suite, _, its_name, *words in
                map(str.split, listed.splitlines())
                if (suite, its_name) == ("unit", name))


def passed(name):
    last = output(*command(name)).splitlines()[-1]
    score = re.fullmatch(r"(\d+) passed, 0 failed, \d+ skipped", last)
    assert score, (name, last)
    return int(score[1])


def test_counts(_):
    header = output(VECTORS / "gen-kunit.py")
    generated = {name: int(count) for name, count in
                 re.findall(r"^#define SIV_(\w+)_VECTORS (\d+)$", header, re.M)}
    connects = generated.pop("SESSION") + generated.pop("CONNECT")
    assert generated == {"NOISE": passed("noise-vectors"),
                         "XDH": passed("xdh-vectors")}, generated
    assert connects == passed("test-connect-kat")


def test_certificates(_):
    table = output("build/user/test-progs/cert-kunit")
    said = re.findall(r"(\d+) cases$", output(*command("test-cert")), re.M)
    count = int(re.search(r"^#define SIV_CERT_CASES (\d+)$", table, re.M)[1])
    assert count == table.count(".name = ") == sum(map(int, said)), (count, said)


def run(program, path):
    return subprocess.run([command(program)[0], path], cwd=TOP, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def judged(folder, program, document, status, score, *said):
    """A program's status, its count, and what it says before: as many lines."""
    path = folder / "vectors.json"
    path.write_text(json.dumps(document))
    done = run(program, path)
    assert done.stdout, done
    *lines, last = done.stdout.splitlines()
    assert (done.returncode, last) == (status, score), done
    assert len(lines) == len(said), done
    for line, words in zip(lines, said, strict=True):
        assert line.startswith("FAIL: ") and all(word in line for word in words), line


def changed(vector, **members):
    """A copy with other members; those that are None are not there."""
    vector = copy.deepcopy(vector)
    vector.update(members)
    return {name: value for name, value in vector.items() if value is not None}


def noise():
    return json.loads((VECTORS / "noise-chachapoly.json").read_text())["vectors"]


def test_no_psks(folder):
    ik, psk0, _ = noise()
    for none in ({"init_psks": [], "resp_psks": []}, {"init_psks": []}, {}):
        judged(folder, "noise-vectors", {"vectors": [changed(ik, **none)]},
               0, "1 passed, 0 failed, 0 skipped")
    # where one is needed, none is not enough
    judged(folder, "noise-vectors", {"vectors": [changed(psk0, init_psks=[])]},
           1, "0 passed, 1 failed, 0 skipped", (psk0["protocol_name"],))


def test_malformed_noise(folder):
    ik, psk0, _ = noise()
    name = ik["protocol_name"]
    for bad, where, why in (
            (changed(ik, messages=None), name, '"messages" is missing'),
            (changed(ik, messages=ik["messages"][:1]), name, "1 messages"),
            (changed(ik, messages=[1, 2]), name, "is a number, not an object"),
            (changed(ik, init_static=None), name, '"init_static" is missing'),
            (changed(ik, init_static="ab"), name, '"init_static" has 1 bytes'),
            (changed(ik, init_static="abc"), name, "odd number of digits"),
            (changed(ik, init_static="xy" * 32), name, "is not hexadecimal"),
            (changed(ik, init_ephemeral=[]), name, "is an array, not a string"),
            (changed(psk0, init_psks=psk0["init_psks"] * 2), psk0["protocol_name"],
             '"init_psks" has 2 elements'),
            (changed(psk0, init_psks=[7]), psk0["protocol_name"], "is a number"),
            (changed(psk0, init_psks="ab"), psk0["protocol_name"], "is a string"),
            (changed(ik, protocol_name=None), "vectors[1]",
             '"protocol_name" is missing'),
            ("text", "vectors[1]", "is a string, not an object")):
        judged(folder, "noise-vectors", {"vectors": [ik, bad, ik]},
               1, "2 passed, 1 failed, 0 skipped", ("vectors[1]", where, why))


def test_malformed_xdh(folder):
    group = json.loads((VECTORS / "x25519.json").read_text())["testGroups"][0]
    good = group["tests"][0]
    for bad, where, why in (
            (changed(good, tcId=None), "tests[1]", '"tcId" is missing'),
            (changed(good, tcId=7, public=None), "tcId 7", '"public" is missing'),
            (changed(good, tcId=7, private="ab"), "tcId 7", '"private" has 1 bytes'),
            (changed(good, tcId=7, shared="xy" * 32), "tcId 7", "not hexadecimal"),
            (changed(good, tcId=7, flags="none"), "tcId 7", "is a string"),
            (changed(good, tcId=7, result=[]), "tcId 7", "is an array"),
            ([], "tests[1]", "is an array, not an object")):
        tests = changed(group, tests=[good, bad, good])
        judged(folder, "xdh-vectors", {"testGroups": [tests]},
               1, "2 passed, 1 failed, 0 skipped", (where, why))
    for bad in (changed(group, curve=None), changed(group, tests={}), 7):
        judged(folder, "xdh-vectors",
               {"testGroups": [bad, changed(group, tests=[good])]},
               1, "1 passed, 1 failed, 0 skipped", ("testGroups[0]",))


def test_no_vectors(folder):
    path = folder / "vectors.json"
    for program, name in (("noise-vectors", "vectors"), ("xdh-vectors", "testGroups")):
        for text, why in ((None, "vectors.json: "), ("{", "vectors.json:1:"),
                          ('{"a": 1, "a": 2}', "duplicate"), ("[]", "no array"),
                          (f'{{"{name}": {{}}}}', f'no array "{name}"')):
            path.unlink(missing_ok=True)
            if text:
                path.write_text(text)
            done = run(program, path)
            assert done.returncode == 2 and not done.stdout, done
            assert "vectors.json" in done.stderr and why in done.stderr, done


def main():
    tests = [(name, test) for name, test in globals().items()
             if name.startswith("test_")]
    print(f"1..{len(tests)}")
    bad = False
    for number, (name, test) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(Path(folder))
                print(f"ok {number} - {name}")
            except (AssertionError, subprocess.CalledProcessError) as error:
                bad = True
                print(f"not ok {number} - {name}")
                print("".join(f"# {line}\n" for line in str(error).splitlines()), end="")
    return bad


if __name__ == "__main__":
    sys.exit(main())
