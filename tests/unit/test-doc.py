#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Claim: `make doc` gives a page with a section for every ioctl, struct and enum of the
driver's interface, and all that its header says in general; it fails, and writes
nothing, if something is not described. The header's table and the headings of
troubleshooting.rst are of the same errnos, which are those that the driver returns,
and every cause stands under its own.

Prints TAP. The goal runs in a copy, in a directory that is removed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HEADER = "include/uapi/linux/sivshmem.h"
DRIVER = TOP / "drivers/sivshmem"
# The make that runs us shares neither its flags nor its jobs.
ENV = {name: value for name, value in os.environ.items()
       if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
# What others give: the kernel's files have no positions, or there is no descriptor.
KERNELS = {"ESPIPE", "EMFILE", "ENFILE"}
# What no caller sees: it becomes EINTR, or a cause of reason.h.
INSIDE = {"ERESTARTSYS", "ENOBUFS", "ENOENT", "ENOPKG"}


def text(name):
    return (TOP / name).read_text(encoding="utf-8")


def make_doc(folder, *words, old="", new=""):
    """`make doc` in a copy whose header differs: how it ended, and the page."""
    for name in ("Makefile", "install.mk", "Documentation/expand.sh",
                 "Documentation/uapi.rst", HEADER):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, folder / name)
    header = folder / HEADER
    assert not old or header.read_text().count(old) == 1, old
    header.write_text(header.read_text().replace(old, new))
    done = subprocess.run(["make", "-s", "doc", *words], cwd=folder, env=ENV, text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    page = folder / "build/Documentation/uapi.rst"
    return done, page.read_text() if page.exists() else None


def test_page(folder):
    done, page = make_doc(folder)
    assert done.returncode == 0 and not done.stdout, done.stdout
    assert "kernel-doc::" not in page
    header = text(HEADER)
    names = (re.findall(r"^#define (\w+) _IO\w*\(", header, re.M) +
             re.findall(r"^(?:struct|enum) (\w+) \{$", header, re.M))
    assert len(names) > 15, names
    sections = re.findall(r"^\.\. c:\w+:: (?:struct |enum )?(\w+)$", page, re.M)
    assert sorted(sections) == sorted(names), sorted({*sections} ^ {*names})
    for block in re.findall(r"^ \* DOC: .*?^ \*/", header, re.M | re.S):
        for line in block.splitlines()[2:-1]:
            assert re.sub(r"@(\w+)", r"**\1**", line[3:]) in page, line
    for member in re.findall(r"^ \* @(\w+): ", header, re.M):
        assert f"``{member}``" in page, member


def test_what_is_not_described(folder):
    for old, new, why in (
            (" * @flags: zero\n", "", "flags"),
            ("struct sivshmem_accept - take", "struct sivshmem_take - take", "take"),
            ("DOC: What a mapping shows", "DOC: A mapping", "What a mapping shows")):
        done, page = make_doc(folder, old=old, new=new)
        assert done.returncode and why in done.stdout and page is None, (old, done)
    done, page = make_doc(folder, f"KDOC={folder}/none")
    assert done.returncode and "none" in done.stdout and page is None, done


def reasons():
    """Pairs: a cause's name as documents have it, and its errno."""
    rows = re.findall(r"^\tX\((\w+), (E\w+), ", text(DRIVER / "core/reason.h"), re.M)
    assert len(rows) > 50
    return [(name.lower(), err) for name, err in rows]


def chapters():
    """The text below each errno's heading of troubleshooting.rst."""
    parts = re.split(r"^(E[A-Z0-9]+(?:, E[A-Z0-9]+)*): .*\n===+\n",
                     text("Documentation/troubleshooting.rst"), flags=re.M)
    return {err: body for heading, body in zip(parts[1::2], parts[2::2], strict=True)
            for err in heading.split(", ")}


def returned():
    sources = "".join(map(text, DRIVER.glob("*.c")))
    return ({*re.findall(r"-(E[A-Z0-9]{2,})\b", sources)} - INSIDE | KERNELS |
            {err for _, err in reasons()})


def test_errnos_of_the_header(_):
    table = re.search(r"^ \* DOC: General form.*?^ \*/", text(HEADER), re.M | re.S)[0]
    told = {*re.findall(r"\bE[A-Z0-9]{2,}\b", table)}
    assert told == returned(), told ^ returned()


def test_errnos_of_troubleshooting(_):
    assert {*chapters()} == returned(), {*chapters()} ^ returned()
    for name, err in reasons():
        assert re.search(rf"^``{name}``", chapters()[err], re.M), (name, err)


def main():
    tests = [(name, test) for name, test in globals().items()
             if name.startswith("test_")]
    bad = False
    for number, (name, test) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory(prefix="siv-doc-") as folder:
            try:
                test(Path(folder))
                print(f"ok {number} - {name}")
            except AssertionError as why:
                bad = True
                print(f"not ok {number} - {name}")
                print("\n".join(f"# {line}" for line in str(why).splitlines()))
    print(f"1..{len(tests)}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
