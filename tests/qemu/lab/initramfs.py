# SPDX-License-Identifier: GPL-2.0-only
"""What the guests boot into: busybox, keyctl, modules, our programs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from .cpio import Cpio
from .machine import MACHINE
from .paths import BUILD, ROOT, TOP

# The stock modules that our driver and the tests use, with what they need; those that
# make them fast, which later kernels have inside the others, and what earlier ones lack.
MODULES = ("libcurve25519", "libchacha20poly1305", "gcm", "ctr", "uio")
FAST_MODULES = ("curve25519-x86_64", "chacha-x86_64", "poly1305-x86_64",
                "ghash-generic", "aesni-intel", "ghash-clmulni-intel")
LATER_MODULES = ("ecdsa-generic",)

PASSWD = """root:x:0:0:root:/root:/bin/sh
user:x:1000:1000:user:/home/user:/bin/sh
other:x:1001:1001:other:/home/other:/bin/sh
"""
GROUP = """root:x:0:
sivshmem:x:900:user,other
user:x:1000:
other:x:1001:
"""


def library_of(name):
    """A library of another architecture's, by the name that its users have for it."""
    if "/" in name:
        return name
    return f"/lib/{MACHINE.program}-linux-gnu/{name}"


def shared_libraries(program):
    """The loader and libraries that a dynamic program needs."""
    if not ROOT:
        out = subprocess.run(["ldd", program], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
        return re.findall(r"(/\S+) \(0x", out)
    # ldd runs programs
    out = subprocess.run(["readelf", "-ld", program], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    direct = [library_of(name) for name in re.findall(
        r"(?:interpreter: |NEEDED\).*\[)([^]]+)\]", out)]
    return [*direct, *(more for library in direct
                       for more in shared_libraries(on_host(library)))]


def on_host(path):
    """Where this machine has what is at a path in the guest."""
    return os.path.realpath(f"{ROOT or ''}{path}")


def add_program(archive, name, program):
    """Add a program of Debian's, with its libraries."""
    archive.file(name, program, 0o755)
    for library in shared_libraries(program):
        if library not in archive.libraries:
            archive.libraries.add(library)
            archive.file(library, on_host(library), 0o755)


def find_program(name):
    folders = os.environ.get("PATH", "") + ":/sbin:/usr/sbin"
    if ROOT:
        folders = f"{ROOT}/bin:{ROOT}/sbin"
    path = shutil.which(name, path=folders)
    if not path:
        raise FileNotFoundError(f"{name} is not installed")
    return path


def build(path, kernel, modules=(), programs=(), files=None, tools=()):
    """Write the initramfs.

    modules: our .ko files, put into /modules but not loaded;
    programs: static programs, put into /bin;
    tools: names of Debian's programs, beside keyctl;
    files: {name in the guest: bytes or Path}.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(path).with_suffix(".tmp")
    with Cpio(temporary) as archive:
        archive.libraries = set()
        for folder in ("proc", "sys", "dev", "tmp", "run", "root",
                       "home/user", "home/other", "bin", "sbin", "etc"):
            archive.folder(folder)
        archive.device("dev/console", 5, 1)
        archive.device("dev/null", 1, 3)
        archive.file("init", TOP / "tests/qemu/init", 0o755)
        archive.file("bin/busybox", find_program("busybox"), 0o755)
        archive.bytes("etc/passwd", PASSWD.encode())
        archive.bytes("etc/group", GROUP.encode())
        for tool in ("keyctl", *tools):
            add_program(archive, f"bin/{tool}", find_program(tool))
        stock = kernel.module_files(
            [*filter(kernel.has_module, FAST_MODULES + LATER_MODULES), *MODULES])
        for file in stock:
            archive.file(f"lib/modules/{file.name}", file)
        archive.bytes("etc/modules", "".join(
            f"/lib/modules/{file.name}\n" for file in stock).encode())
        for module in modules:
            archive.file(f"modules/{Path(module).name}", module, 0o644)
        archive.file("bin/agent", BUILD / "user/guest/agent", 0o755)
        for program in programs:
            archive.file(f"bin/{Path(program).name}", program, 0o755)
        for name, content in (files or {}).items():
            if isinstance(content, Path):
                archive.file(name, content)
            else:
                archive.bytes(name, content)
    temporary.rename(path)
    return Path(path)
