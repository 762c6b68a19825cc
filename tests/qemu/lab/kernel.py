# SPDX-License-Identifier: GPL-2.0-only
"""The guests' kernel, by default Debian's: vmlinux and modules, unpacked once.

SIV_KERNEL names the build folder of another one, whose modules_install has had
INSTALL_MOD_PATH=that folder.

The machine's own copy is used where the matching linux-image package is
installed; otherwise that package is downloaded, not installed, and what the
guests need of it is kept in the cache. Everything works without a cache.
"""

import hashlib
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .machine import MACHINE

# What guests may load; the rest of the package is left out of the cache.
MODULE_DIRS = ("crypto", "lib", "arch", "security", "drivers/uio",
               "drivers/vfio", "drivers/virtio", "drivers/char")
FORMAT = "1"
OWN_KERNEL = os.environ.get("SIV_KERNEL")


def own_release():
    return (Path(OWN_KERNEL) / "include/config/kernel.release").read_text().strip()


def page_size():
    """A page's bytes; Debian's kernels with other than 4 KiB are called so."""
    pages = re.search(r"-(\d+)k$", own_release() if OWN_KERNEL else "")
    return int(pages.group(1)) << 10 if pages else 4096


PAGE = page_size()


def module_name(path):
    return Path(path).name.split(".")[0].replace("-", "_")


class GuestKernel:
    """A kernel to boot: its release, vmlinux or the like, and folder of modules."""

    def __init__(self, release, folder, image=None):
        self.release = release
        self.vmlinux = image or folder / "vmlinux"
        self.modules = folder / "lib" / "modules" / release
        self._deps = self._read_deps()
        self._builtin = {
            module_name(line) for line in
            (self.modules / "modules.builtin").read_text().splitlines()}

    def has_module(self, name):
        return name.replace("-", "_") in self._builtin | self._deps.keys()

    def module_files(self, names):
        """The files of these modules and of all they need, in load order."""
        ordered = []
        for name in names:
            self._add_module(name.replace("-", "_"), ordered)
        return ordered

    def _read_deps(self):
        deps = {}
        for line in (self.modules / "modules.dep").read_text().splitlines():
            path, _, needs = line.partition(":")
            deps[module_name(path)] = (path, needs.split())
        return deps

    def _add_module(self, name, ordered):
        if name in self._builtin:
            return
        if name not in self._deps:
            raise LookupError(f"kernel {self.release} has no module {name}")
        path, needs = self._deps[name]
        # modules.dep lists what is needed last first.
        for need in [*reversed(needs), path]:
            file = self.modules / need
            if file not in ordered:
                ordered.append(file)


def cache_root():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sivshmem"


def cached(key, build):
    """The cache's folder for a key; build(folder) fills it on a miss."""
    digest = hashlib.sha256("\n".join(key).encode()).hexdigest()[:20]
    final = cache_root() / f"{key[0]}-{digest}"
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    try:
        build(work)
        try:
            work.rename(final)
        except OSError:
            # Somebody else was faster; theirs has the same content.
            if not final.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return final


def output_of(*command, **options):
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE, **options).stdout


def target_release():
    """The release whose headers linux-headers-amd64 stands for."""
    release = os.environ.get("KREL")
    if release:
        return release
    depends = output_of("dpkg-query", "-W", "-f", "${Depends}",
                        "linux-headers-amd64")
    return re.search(r"linux-headers-(\S+?)(?:\s|,|$)", depends).group(1)


def unpack_vmlinux(vmlinuz, vmlinux):
    """Write the ELF kernel that an XZ-compressed vmlinuz carries."""
    data = Path(vmlinuz).read_bytes()
    start = data.find(b"\xfd7zXZ\0")
    if start < 0:
        raise ValueError(f"{vmlinuz}: no XZ payload")
    image = lzma.LZMADecompressor().decompress(data[start:])
    if not image.startswith(b"\x7fELF"):
        raise ValueError(f"{vmlinuz}: its payload is not an ELF file")
    Path(vmlinux).write_bytes(image)


def _collect(release, boot, modules, folder):
    """Fill a cache folder from an installed or unpacked kernel package."""
    unpack_vmlinux(boot / f"vmlinuz-{release}", folder / "vmlinux")
    target = folder / "lib" / "modules" / release
    target.mkdir(parents=True)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(modules / name, target)
    for part in MODULE_DIRS:
        if (modules / "kernel" / part).is_dir():
            shutil.copytree(modules / "kernel" / part,
                            target / "kernel" / part)
    depmod = shutil.which("depmod") or "/sbin/depmod"
    subprocess.run([depmod, "-b", folder, release], check=True)


def _download(release, version, folder):
    """Fill a cache folder from the linux-image package, downloaded."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        last = None
        for name in (f"linux-image-{release}={version}",
                     f"linux-image-{release}",
                     f"linux-image-{release}-unsigned={version}"):
            print(f"kernel: apt-get download {name}", flush=True)
            last = subprocess.run(
                ["apt-get", "-q", "-o", "APT::Sandbox::User=root",
                 "-o", "Acquire::Retries=3", "download", name],
                cwd=work, stdin=subprocess.DEVNULL, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if last.returncode == 0:
                break
        else:
            raise RuntimeError(f"no linux-image-{release} to download: "
                               f"{last.stdout.strip()}")
        package = next(Path(work).glob("*.deb"))
        tree = Path(work) / "tree"
        subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
        _collect(release, tree / "boot", tree / "lib" / "modules" / release,
                 folder)


def guest_kernel():
    """The guests' kernel: SIV_KERNEL's, or Debian's from the cache, this
    machine, or the archive."""
    if OWN_KERNEL:
        folder = Path(OWN_KERNEL)
        return GuestKernel(own_release(), folder, folder / MACHINE.image)
    release = target_release()
    version = output_of("dpkg-query", "-W", "-f", "${Version}",
                        f"linux-headers-{release}")

    def build(folder):
        boot = Path("/boot")
        modules = Path("/lib/modules") / release
        if (os.access(boot / f"vmlinuz-{release}", os.R_OK)
                and (modules / "kernel").is_dir()):
            _collect(release, boot, modules, folder)
        else:
            _download(release, version, folder)

    folder = cached(("kernel", release, version, FORMAT,
                     " ".join(MODULE_DIRS)), build)
    return GuestKernel(release, folder)


if __name__ == "__main__":
    kernel = guest_kernel()
    print(kernel.release, kernel.vmlinux)
