# SPDX-License-Identifier: GPL-2.0-only
"""Channels in a guest, call by call: the host's end of tests/guest/chsh.c."""

from .pair import until

SIGUSR1 = 10


def start(vm, command, user=None):
    """A job that is one process of a program's, and that process's number."""
    told = f"echo $$; exec {command}"
    job = vm.start(f"exec su {user} -c '{told}'" if user else told)
    return job, int(job.line())


def sleeps(vm, pid):
    """Whether a process sleeps in a call, and that is no read of its standard input.

    /proc tells the call's number and arguments, or `running`; or -1 outside of calls.
    """
    call = vm.out(f"cat /proc/{pid}/syscall").split()
    return call[0].isdigit() and call[1] != "0x0"


class Shell:
    """A process in a guest that makes the calls it is told to make."""

    def __init__(self, vm, user=None):
        self.vm = vm
        self.job, self.pid = start(vm, "chsh", user)

    def begin(self, line):
        """Tell it a call without waiting for what comes of it."""
        self.job.send(line.encode() + b"\n")

    def asleep(self):
        """Wait until the call that was told sleeps in the driver."""
        until(lambda: self.job.unread() or sleeps(self.vm, self.pid), "the call sleeps")
        assert not self.job.unread(), f"nobody sleeps: {self.job.unread()}"

    def end(self, timeout=60):
        """What came of the oldest call that was told and not ended."""
        return self.job.line(timeout)

    def do(self, line, timeout=60):
        self.begin(line)
        return self.end(timeout)

    def ok(self, line, timeout=60):
        """A call that must succeed; what comes after `ok`."""
        got = self.do(line, timeout)
        assert got.split()[:1] == ["ok"], f"{line}: {got}"
        return got[3:]

    def refused(self, line, error, timeout=60):
        """A call that must give an errno, or raise a signal."""
        got = self.do(line, timeout)
        assert got == error, f"{line}: {got} instead of {error}"

    def info(self, slot):
        """What SIVSHMEM_INFO tells, as words."""
        return dict(word.split("=") for word in self.ok(f"info {slot}").split())

    def interrupt(self):
        self.job.kill(SIGUSR1)

    def quit(self):
        """End the process: all of its descriptors are closed."""
        self.job.close_input()
        self.job.wait()

    def kill(self):
        self.job.kill(9)
        self.job.wait()
