#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Claim: `make install` puts exactly the files of installed.txt in place, with
their modes; the README's program is built against them by pkg-config and loads
the shared library, which exports what its map, its header and nobody else say;
DKMS finds sources that build; the dynamic linker is told of the library where it
is to be used; and the unit starts a program with options that it has, under a
system call filter with which it can serve.

Prints TAP. Everything goes into a directory that is removed.
"""

import ctypes
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# The make that runs us shares neither its flags nor its jobs.
ENV = {name: value for name, value in os.environ.items()
       if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR")}
LIBRARY = "libsivshmem.so.0"


class Skip(Exception):
    """What is needed is not here."""


def run(*words, status=0, **options):
    done = subprocess.run([str(word) for word in words], text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **{"env": ENV, **options})
    assert done.returncode == status, \
        f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}"
    return done.stdout


def lines_of(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")]


def version():
    text = (TOP / "Makefile").read_text(encoding="utf-8")
    return re.search(r"^VERSION := (\S+)$", text, re.M)[1]


def tree(root):
    """`MODE PATH` of every file, `link PATH -> TARGET` of every link."""
    for path in sorted(root.rglob("*")):
        name = re.sub("^lib/modules/[^/]*/", "lib/modules/KERNEL/",
                      str(path.relative_to(root)))
        name = name.replace(version(), "VERSION")
        if path.is_symlink():
            target = os.readlink(path).replace(version(), "VERSION")
            yield f"link {name} -> {target}"
        elif path.is_file():
            yield f"{path.stat().st_mode & 0o7777:o} {name}"


def dkms_folder(root):
    return root / f"usr/src/sivshmem-{version()}"


def test_list(root):
    got = [line for line in tree(root)
           if " usr/src/" not in line or line.endswith("/dkms.conf")]
    want = lines_of(HERE / "installed.txt")
    assert sorted(got) == sorted(want), \
        f"more: {sorted({*got} - {*want})}\nless: {sorted({*want} - {*got})}"


def test_nothing_is_left_to_fill_in(root):
    for name in ("usr/lib/systemd/system/sivshmemd.service",
                 "usr/lib/pkgconfig/libsivshmem.pc"):
        text = (root / name).read_text(encoding="utf-8")
        assert not re.search(r"@\w+@|/usr/local", text), name
        assert str(root) not in text, name


def needed(path, tag):
    return re.findall(rf"\({tag}\).*\[(.*)\]", run("readelf", "-d", path))


def test_exports(root):
    library = root / "usr/lib" / f"libsivshmem.so.{version()}"
    symbols = run("nm", "-D", "--defined-only", library).splitlines()
    got = {line.split()[-1] for line in symbols}
    text = (TOP / "userspace/libsivshmem/libsivshmem.map").read_text(
        encoding="utf-8")
    node = re.match(r"\s*(\w+\.?\w*) \{", text)[1]
    want = {f"{name}@@{node}" for name in re.findall(r"^\s+(\w+);$", text, re.M)}
    assert want and got - {node} == want, got ^ want
    header = (root / "usr/include/sivshmem/sivshmem.h").read_text(
        encoding="utf-8")
    declared = set(re.findall(r"^\w[\w\s*]*?\b(ivshmem_\w+)\(", header, re.M))
    assert {f"{name}@@{node}" for name in declared} == want, declared
    assert needed(library, "SONAME") == [LIBRARY]


def pkg_config(root, *words):
    env = {**ENV, "PKG_CONFIG_LIBDIR": str(root / "usr/lib/pkgconfig"),
           "PKG_CONFIG_SYSROOT_DIR": str(root),
           "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1",
           "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1"}
    return run("pkg-config", *words, "libsivshmem", env=env).split()


def readme_program(root):
    text = (TOP / "README.md").read_text(encoding="utf-8")
    program = root / "readme.c"
    program.write_text(re.search(r"```c\n(.*?)```", text, re.S)[1],
                       encoding="utf-8")
    return program


def compile_readme(root, *libraries):
    out = root / "readme"
    run("gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
        *pkg_config(root, "--cflags"), "-o", out, readme_program(root),
        *libraries)
    return out


def test_readme(root):
    assert pkg_config(root, "--modversion") == [version()]
    program = compile_readme(root, *pkg_config(root, "--libs"))
    assert LIBRARY in needed(program, "NEEDED")
    env = {**ENV, "LD_LIBRARY_PATH": str(root / "usr/lib")}
    loaded = run("ldd", "-r", program, env=env)
    assert str(root / "usr/lib" / LIBRARY) in loaded, loaded
    assert "undefined" not in loaded and "not found" not in loaded, loaded
    # there is no driver here: it says so by its status, and does not crash
    run(program, env=env, status=1)


def test_readme_without_the_shared_library(root):
    private = [word for word in pkg_config(root, "--static", "--libs")
               if word != "-lsivshmem"]
    program = compile_readme(root, root / "usr/lib/libsivshmem.a", *private)
    assert LIBRARY not in needed(program, "NEEDED")
    run(program, status=1)


def test_linker_is_told(root):
    """By root's `make install` and without DESTDIR, and only then."""
    tools, note = root / "linker/bin", root / "linker/told"
    tools.mkdir(parents=True)
    for name, command in (("ldconfig", f"echo told >{note}"), ("id", 'echo "$ID"')):
        (tools / name).write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        (tools / name).chmod(0o755)

    def told(user, *words):
        note.unlink(missing_ok=True)
        run("make", "-s", "-o", "user", "install-user", *words, cwd=TOP,
            env={**ENV, "PATH": f"{tools}:{ENV['PATH']}", "ID": user})
        return note.exists()

    assert told("0", f"prefix={root}/linker/own")
    assert not told("1000", f"prefix={root}/linker/own")
    assert not told("0", "prefix=/usr", f"DESTDIR={root}/linker/root")


def test_dkms_sources(root):
    """The module's sources, all of them, no test and nothing that was built."""
    folder = dkms_folder(root)
    got = {str(path.relative_to(folder)) for path in folder.rglob("*")
           if path.is_file()} - {"dkms.conf"}
    listed = run("git", "ls-files", "Kbuild", "drivers", "include", cwd=TOP)
    want = {name for name in listed.splitlines() if "/tests/" not in name
            and re.search(r"\.[ch]$|(^|/)(Kbuild|Makefile|Kconfig)$", name)}
    assert got == want, got ^ want


def test_dkms_builds(root):
    """As DKMS does it: by dkms.conf, from a copy of those sources."""
    headers = kernel_folder()
    place = root / "dkms" / "sivshmem" / version() / "build"
    shutil.copytree(dkms_folder(root), place)
    script = f"""set -eu
dkms_tree={root}/dkms kernel_source_dir={headers}
eval "$(grep -v '^MAKE' {place}/dkms.conf)"
eval "$(grep '^MAKE' {place}/dkms.conf)"
${{MAKE[0]}} >/dev/null
echo "{place}/${{BUILT_MODULE_LOCATION[0]}}/${{BUILT_MODULE_NAME[0]}}.ko"
"""
    module = run("bash", "-c", script, cwd=place).split()[-1]
    installed = next((root / "lib/modules").rglob("sivshmem.ko"))
    assert vermagic(module) == vermagic(installed)


def vermagic(module):
    return run("/sbin/modinfo", "-F", "vermagic", module)


def kernel_folder():
    """The Makefile's own KDIR."""
    return run("make", "-s", "--eval", "print-kdir: ; @echo $(KDIR)",
               "print-kdir", cwd=TOP).strip()


def exec_start(root):
    text = (root / "usr/lib/systemd/system/sivshmemd.service").read_text(
        encoding="utf-8").replace("\\\n", " ")
    return re.search(r"^ExecStart=(.*)$", text, re.M)[1].split()


def test_unit_starts_what_there_is(root):
    program, *words = exec_start(root)
    assert program == "/usr/sbin/sivshmemd"
    # a wrong option would be 2; the policy that is not there is 1
    out = run(root / program[1:], *words, "--check", "--policy",
              root / "none.ini", "--user", "root", status=1)
    assert "none.ini" in out, out


def test_unit_is_valid(root):
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze")
    unit = root / "verify" / "sivshmemd-installed.service"
    unit.parent.mkdir()
    text = (root / "usr/lib/systemd/system/sivshmemd.service").read_text(
        encoding="utf-8")
    unit.write_text(re.sub(r"=/usr/s?bin/", lambda at: f"={root}{at[0][1:]}", text),
                    encoding="utf-8")
    out = run("systemd-analyze", "verify", "--man=no", unit)
    assert not out, out


def call_filter(root):
    """The system calls that the unit allows: its sets, taken apart by systemd."""
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze")
    sets, name = {}, None
    for line in run("systemd-analyze", "syscall-filter").splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = []
        elif name and line.startswith(" ") and not line.strip().startswith("#"):
            sets[name].append(line.strip())

    def calls(word):
        if not word.startswith("@"):
            return {word}
        return set().union(*map(calls, sets[word]))

    text = (root / "usr/lib/systemd/system/sivshmemd.service").read_text(
        encoding="utf-8")
    words = re.search("^SystemCallFilter=(.*)$", text, re.M)[1].split()
    return set().union(*map(calls, ["@default", *words]))


def restrict(calls):
    """What systemd does before it starts a program: all other calls give EPERM."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(0x50000 | errno.EPERM))
    for call in calls:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            library.seccomp_rule_add(context, 0x7fff0000, number, 0)
    assert library.seccomp_load(context) == 0


def test_unit_lets_it_serve(root):
    """It comes up, key process, file helper, sandboxes and all, and ends in order."""
    calls = call_filter(root)
    place = root / "serve"
    place.mkdir()
    tool = root / "usr/bin/sivshmem-keys"
    run(tool, "init-ca", "--dir", "ca", cwd=place)
    run(tool, "host", "lab", "--dir", "ca", "--out", "lab", cwd=place)
    shutil.copy(place / "ca/ca.crt", place)
    (place / "policy.ini").write_text("[region lab]\nsize = 4M\n"
                                      "granule = 4K\nmembers = a b\n"
                                      "[vm a]\nuser = self\n"
                                      "[vm b]\nuser = self\n", encoding="utf-8")
    with open(place / "log", "w", encoding="utf-8") as log, subprocess.Popen(
            [root / "usr/sbin/sivshmemd", "--policy", "policy.ini", "--keys-dir",
             ".", "--runtime-dir", "run", "--audit", "audit.log"], cwd=place,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENV,
            preexec_fn=lambda: restrict(calls)) as daemon:
        end = time.monotonic() + 20
        while not (place / "run/control.sock").exists() and \
                daemon.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        if daemon.poll() is None:
            run(root / "usr/bin/sivshmemctl", "status", "--socket",
                "run/control.sock", cwd=place)
            daemon.send_signal(signal.SIGTERM)
        status = daemon.wait(20)
    assert status == 0, (place / "log").read_text(encoding="utf-8")


def main():
    tests = [(name[5:], function) for name, function in globals().items()
             if name.startswith("test_")]
    failed = False
    with tempfile.TemporaryDirectory(prefix="siv-install-") as folder:
        root = Path(folder)
        run("make", "-s", "install", f"DESTDIR={root}", "prefix=/usr", cwd=TOP)
        for number, (name, function) in enumerate(tests, 1):
            try:
                function(root)
                print(f"ok {number} {name}")
            except Skip as why:
                print(f"ok {number} {name} # skip: {why}")
            except AssertionError as why:
                failed = True
                print(f"not ok {number} {name}")
                print("\n".join(f"# {line}" for line in str(why).splitlines()))
    print(f"1..{len(tests)}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
