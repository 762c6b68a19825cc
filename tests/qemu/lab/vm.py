# SPDX-License-Identifier: GPL-2.0-only
"""One guest: a QEMU process with a console log, a monitor and an agent."""

import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import counts
from .agent import Agent, AgentGone, Deadline
from .kmsg import splats
from .machine import MACHINE
from .qmp import Qmp, QmpError

QEMU = os.environ.get("SIV_QEMU", f"qemu-system-{MACHINE.program}")
# A machine that stands still for some seconds is no lockup of its guests; a real one is
# told well within a case's time.
APPEND = ("random.trust_cpu=on rdinit=/init net.ifnames=0 watchdog_thresh=30 "
          "rcupdate.rcu_cpu_stall_timeout=60")
# For other kernels than Debian's (kernel.py): more arguments, and MiB at least.
OWN_APPEND = os.environ.get("SIV_APPEND", "")
OWN_MEMORY = int(os.environ.get("SIV_MEMORY") or 0)
OWN_CPUS = int(os.environ.get("SIV_CPUS") or 0)
# The debugger's view of a tainted kernel: 2^7 died, 2^9 warned, 2^14 lockup.
TAINT_BAD = (1 << 7) | (1 << 9) | (1 << 14)
BOOT_SECONDS = 120


class CommandFailed(AssertionError):
    """A command in a guest ended with another status than expected."""


class Result:
    """How a command ended."""

    def __init__(self, job):
        self.status = job.status
        self.out = job.text
        self.raw = job.stdout
        self.err = job.stderr.decode(errors="replace")

    def __repr__(self):
        return f"status {self.status}\n{self.out}{self.err}"


class Vm:
    """A guest; `name` names its log files in `folder`.

    remaps: its devices come and go while several processors run.
    """

    def __init__(self, name, folder, owner, kernel, initramfs, extra=(),
                 memory=256, cpus=1, append="", reboot=False, machine=MACHINE.model,
                 remaps=False):
        self.name = name
        self._owner = owner
        self._memory = max(memory, OWN_MEMORY) << 20
        self.console = Path(folder) / f"{name}.console"
        self._stderr_path = Path(folder) / f"{name}.qemu"
        self._checked = 0
        self._boots = 0
        agent_here, agent_there = socket.socketpair()
        qmp_here, qmp_there = socket.socketpair()
        command = [
            QEMU, "-name", name, "-accel", MACHINE.accelerator(remaps),
            "-M", machine, "-cpu", MACHINE.cpu, "-m", f"{self._memory >> 20}M",
            "-smp", str(max(cpus, OWN_CPUS)), "-nodefaults", "-no-user-config", "-display", "none",
            "-kernel", owner.stage(kernel.vmlinux),
            "-initrd", owner.stage(initramfs),
            "-append", f"{MACHINE.append()} {APPEND} {OWN_APPEND} {append}".strip(),
            "-action", f"reboot={'reset' if reboot else 'shutdown'}",
            # Standard output is the console's log.
            "-chardev", "stdio,id=console,signal=off",
            "-serial", "chardev:console",
            "-chardev", f"socket,id=agent,fd={agent_there.fileno()}",
            *MACHINE.agent,
            "-chardev", f"socket,id=qmp,fd={qmp_there.fileno()}",
            "-mon", "chardev=qmp,mode=control", *extra]
        command = [str(word) for word in command]
        self.started = time.monotonic()
        with open(self._stderr_path, "w", encoding="utf-8") as log, \
                open(self.console, "wb") as console:
            log.write(shlex.join(command) + "\n")
            log.flush()
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=log,
                pass_fds=(agent_there.fileno(), qmp_there.fileno()),
                start_new_session=True, cwd="/", **owner.popen_options())
        agent_there.close()
        qmp_there.close()
        self.agent = Agent(name, agent_here, self._problem)
        self.qmp = Qmp(qmp_here)

    def _problem(self):
        """Why waiting for this guest is useless, or None."""
        code = self.process.poll()
        if code is not None:
            return f"QEMU has ended ({code}): {self.qemu_messages()}"
        if "Kernel panic" in self.kernel_log()[-4000:]:
            return "the kernel has panicked"
        return None

    def qemu_messages(self):
        text = self._stderr_path.read_text(errors="replace")
        return text.partition("\n")[2].strip()[-500:]

    def wait_boot(self, timeout=BOOT_SECONDS):
        """Wait for the agent of this boot; of the next after a reset."""
        self._boots += 1
        self.agent.wait_ready(timeout, self._boots)
        if self._boots == 1:
            self.qmp.greet()
            self.boot_seconds = time.monotonic() - self.started

    def memory(self):
        """All of its memory as it is now, without that of devices."""
        path = self._owner.write(f"{self.name}.memory", b"")
        try:
            self.qmp.run("pmemsave", val=MACHINE.memory, size=self._memory,
                         filename=str(path))
            return path.read_bytes()
        finally:
            path.unlink()

    def start(self, command):
        """Start a shell command and return its Job."""
        return self.agent.start(command)

    def run(self, command, status=0, stdin=None, timeout=60):
        """Run a shell command; its status must be as said (None: any)."""
        job = self.agent.start(command)
        if stdin is not None:
            job.send(stdin, timeout)
        job.close_input()
        try:
            job.wait(timeout)
        except Deadline:
            job.kill()
            raise
        result = Result(job)
        if status is not None and result.status != status:
            raise CommandFailed(f"{self.name}: {command!r} gave {result!r}"
                                f"instead of {status}")
        return result

    def out(self, command, **options):
        """The standard output of a command that must succeed."""
        return self.run(command, **options).out.strip()

    def push(self, path, data, mode="644"):
        """Write a (small) file in the guest."""
        quoted = shlex.quote(str(path))
        self.run(f"cat > {quoted} && chmod {mode} {quoted}", stdin=bytes(data))

    def pull(self, path):
        return self.run(f"cat {shlex.quote(str(path))}").raw

    def kernel_log(self):
        try:
            return self.console.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def new_splats(self):
        """Splats in the log since the last call."""
        text = self.kernel_log()
        fresh, self._checked = text[self._checked:], len(text)
        return splats(fresh)

    def tainted(self):
        """The bad bits of the kernel's taint mask, 0 if it cannot be asked."""
        try:
            mask = int(self.run("cat /proc/sys/kernel/tainted", timeout=20).out)
        except (AgentGone, Deadline):
            return 0
        return mask & TAINT_BAD

    def find_leaks(self):
        """Have a kernel with kmemleak say in its log what nobody refers to.

        A kernel that is locked down says nothing any more.
        """
        try:
            self.run("cd /sys/kernel/debug; test -e kmemleak || exit 0; "
                     "grep -qvF '[none]' /sys/kernel/security/lockdown && exit 0; "
                     "echo scan >kmemleak; sleep 6; echo scan >kmemleak; "
                     "while read -r line; do echo \"$line\"; done "
                     "<kmemleak >/dev/kmsg", timeout=300)
        except (AgentGone, Deadline):
            pass

    def booted(self):
        return self._boots > 0 and self.agent.boots >= self._boots

    def alive(self):
        return self.process.poll() is None

    def reset(self):
        """A hard reset: the guest has no chance to say goodbye."""
        counts.collect(self)
        self.qmp.run("system_reset")

    def kill(self):
        """Like the power going off."""
        counts.collect(self)
        self._kill()

    def _kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """End QEMU in order; the log is complete afterwards."""
        counts.collect(self)
        if self.process.poll() is None:
            try:
                self.qmp.run("quit")
            except (QmpError, OSError, ValueError):
                pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self._kill()
        self.agent.close()
        self.qmp.close()
