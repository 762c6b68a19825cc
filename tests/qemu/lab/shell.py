# SPDX-License-Identifier: GPL-2.0-only
"""Channels in a guest, call by call: the host's end of tests/guest/chsh.c."""

SIGUSR1 = 10


class Shell:
    """A process in a guest that makes the calls it is told to make."""

    def __init__(self, vm, user=None):
        self.job = vm.start(f"exec su {user} -c chsh" if user else "exec chsh")

    def begin(self, line):
        """Tell it a call without waiting for what comes of it."""
        self.job.send(line.encode() + b"\n")

    def end(self, timeout=30):
        """What came of the oldest call that was told and not ended."""
        return self.job.line(timeout)

    def do(self, line, timeout=30):
        self.begin(line)
        return self.end(timeout)

    def ok(self, line, timeout=30):
        """A call that must succeed; what comes after `ok`."""
        got = self.do(line, timeout)
        assert got.split()[:1] == ["ok"], f"{line}: {got}"
        return got[3:]

    def refused(self, line, error, timeout=30):
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
