# SPDX-License-Identifier: GPL-2.0-only
"""A laboratory: guests (and their daemon) that live and end together."""

import shutil
import tempfile
from pathlib import Path

from . import initramfs, kernel
from .owner import Owner
from .paths import BUILD, LOGS
from .vm import Vm


class Skip(Exception):
    """Raised by a case that cannot run here; says why."""


def guest_modules():
    """Our modules, in the order of loading."""
    return [BUILD / "modules/drivers/sivshmem/sivshmem.ko",
            *sorted((BUILD / "test-modules").glob("*.ko"))]


def guest_programs():
    """Static programs for the guests, ours and the tests'."""
    found = [*(BUILD / "user/static").glob("*"), *(BUILD / "user/guest").glob("*")]
    return sorted(path for path in found if path.name != "agent")


class Lab:
    """Starts guests and finds out, at the end, whether they were well."""

    _shared = {}

    def __init__(self, name):
        self.name = name
        self.folder = LOGS / name
        self.folder.mkdir(parents=True, exist_ok=True)
        # Short, because the names of sockets have at most 107 bytes.
        self.run = Path(tempfile.mkdtemp(prefix="siv-"))
        self.run.chmod(0o755)
        self.owner = Owner(self.run)
        self.vms = {}
        self._found = []
        self._may_die = set()
        self._services = []

    @classmethod
    def kernel(cls):
        if "kernel" not in cls._shared:
            cls._shared["kernel"] = kernel.guest_kernel()
        return cls._shared["kernel"]

    @classmethod
    def initramfs(cls, *tools):
        """The initramfs of every guest, or one with more of this machine's
        programs; made once per run."""
        name = "-".join(("initramfs", *tools))
        if name not in cls._shared:
            path = BUILD / "qemu" / f"{name}.cpio"
            path.parent.mkdir(parents=True, exist_ok=True)
            cls._shared[name] = initramfs.build(
                path, cls.kernel(),
                [module for module in guest_modules() if module.exists()],
                guest_programs(), tools=tools)
        return cls._shared[name]

    def start(self, name, **options):
        """Start a guest without waiting for it, in the place of one of its name.

        What the former one's kernel has said counts with what the others say.
        """
        if name in self.vms:
            self._found += self._look(name) + self._end(name)
        count = sum(1 for known in self.folder.glob(f"{name}*.console"))
        log_name = name if not count else f"{name}.{count + 1}"
        options.setdefault("initramfs", self.initramfs())
        vm = Vm(log_name, self.folder, self.owner, self.kernel(), **options)
        self.vms[name] = vm
        return vm

    def boot(self, *names, **options):
        """Start guests at once and wait until all are up."""
        vms = [self.start(name, **options) for name in names]
        for vm in vms:
            vm.wait_boot()
        return vms[0] if len(vms) == 1 else vms

    def may_die(self, vm):
        """This guest's end is part of the case."""
        self._may_die.add(vm)

    def forget(self, name):
        """End a guest before the laboratory ends; its log must be clean."""
        problems = self._end(name)
        if problems:
            raise AssertionError("\n".join(problems))

    def service(self, thing):
        """Keep something that has stop() -> list of problems."""
        self._services.append(thing)
        return thing

    def _complaints_of(self, name, vm):
        found = [f"guest {name}: {splat}" for splat in vm.new_splats()]
        if vm.alive() and not found and vm.booted():
            taint = vm.tainted()
            if taint:
                found.append(f"guest {name}: the kernel is tainted: {taint:#x}")
        return found

    def _look(self, name):
        """What a guest's kernel has said since the last look, and its death."""
        vm = self.vms[name]
        found = self._complaints_of(name, vm)
        if not vm.alive() and vm not in self._may_die:
            self._may_die.add(vm)
            found.append(f"guest {name}: QEMU has ended: {vm.qemu_messages()}")
        return found

    def _end(self, name):
        """End a guest; what its kernel has said since the last look."""
        vm = self.vms.pop(name)
        vm.stop()
        return self._complaints_of(name, vm)

    def complaints(self):
        """What guests' kernels have said since the last call, and deaths."""
        found, self._found = self._found, []
        for name in self.vms:
            found += self._look(name)
        for service in self._services:
            found += service.complaints()
        return found

    def close(self):
        """End everything; what was still found."""
        found = self._found
        for name, vm in list(self.vms.items()):
            if kernel.OWN_KERNEL and vm.alive() and vm.booted():
                vm.find_leaks()
            found += self._end(name)
        for service in reversed(self._services):
            found += service.stop()
        shutil.rmtree(self.run, ignore_errors=True)
        return found
