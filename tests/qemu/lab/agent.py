# SPDX-License-Identifier: GPL-2.0-only
"""The host's end of the guest's agent: jobs in a guest (see agent.c)."""

import itertools
import struct
import threading
import time

HEADER = struct.Struct("<IIB3x")
CHUNK = 2048


class AgentGone(Exception):
    """The guest does not answer any more."""


class Deadline(Exception):
    """Something took longer than it may."""


class Job:
    """A shell command in a guest."""

    def __init__(self, agent, number, command):
        self.command = command
        self.number = number
        self.status = None
        self._agent = agent
        self._out = bytearray()
        self._err = bytearray()
        self._acked = 0
        self._read = 0

    @property
    def stdout(self):
        return bytes(self._out)

    @property
    def stderr(self):
        return bytes(self._err)

    @property
    def text(self):
        return self.stdout.decode(errors="replace")

    def send(self, data, timeout=60):
        """Give bytes to the standard input; returns when all are consumed."""
        data = memoryview(data)
        for start in range(0, len(data), CHUNK):
            chunk = data[start:start + CHUNK]
            target = self._acked + len(chunk)
            self._agent.send(self.number, b"I", chunk)
            self._agent.wait_for(
                lambda: self._acked >= target or self.status is not None,
                timeout, f"input of {self.command!r}")

    def close_input(self):
        self._agent.send(self.number, b"C")

    def kill(self, signal=9):
        self._agent.send(self.number, b"K", bytes([signal]))

    def wait_output(self, text, timeout=60):
        """Wait until standard output holds a text."""
        wanted = text.encode()
        self._agent.wait_for(
            lambda: wanted in self._out or self.status is not None, timeout,
            f"{text!r} from {self.command!r}")
        if wanted not in self._out:
            raise AssertionError(
                f"{self.command!r} ended ({self.status}) without {text!r}: "
                f"{self.text}{self._err.decode(errors='replace')}")

    def unread(self):
        """What of standard output line() has not given yet."""
        return self._out[self._read:].decode(errors="replace")

    def line(self, timeout=60):
        """The next line of standard output."""
        self._agent.wait_for(
            lambda: b"\n" in self._out[self._read:] or self.status is not None,
            timeout, f"a line from {self.command!r}")
        end = self._out.find(b"\n", self._read)
        if end < 0:
            raise AssertionError(f"{self.command!r} has ended ({self.status}): "
                                 f"{self._err.decode(errors='replace')}")
        text = self._out[self._read:end].decode(errors="replace")
        self._read = end + 1
        return text

    def wait(self, timeout=60):
        """Wait for the end; the exit status, or minus the signal."""
        self._agent.wait_for(lambda: self.status is not None, timeout,
                             f"the end of {self.command!r}")
        return self.status

    def _frame(self, kind, payload):
        if kind == b"O":
            self._out += payload
        elif kind == b"E":
            self._err += payload
        elif kind == b"A":
            self._acked += struct.unpack("<i", payload)[0]
        elif kind == b"S":
            self.status = struct.unpack("<i", payload)[0]


class Agent:
    """Frames over a connected socket; a thread of its own reads them."""

    def __init__(self, name, sock, alive):
        self.name = name
        self._sock = sock
        self._alive = alive
        self._numbers = itertools.count(1)
        self._jobs = {}
        self._changed = threading.Condition()
        self._boots = 0
        self._gone = False
        threading.Thread(target=self._read_loop, daemon=True).start()

    def wait_ready(self, timeout, boots=1):
        """Wait until the guest has come up (for the boots-th time)."""
        self.wait_for(lambda: self._boots >= boots, timeout, "its start")

    @property
    def boots(self):
        return self._boots

    def start(self, command):
        with self._changed:
            job = Job(self, next(self._numbers), command)
            self._jobs[job.number] = job
        self.send(job.number, b"X", command.encode())
        return job

    def send(self, number, kind, payload=b""):
        frame = HEADER.pack(len(payload), number, kind[0]) + bytes(payload)
        try:
            self._sock.sendall(frame)
        except OSError as error:
            raise AgentGone(f"{self.name}: {error}") from error

    def wait_for(self, condition, timeout, what):
        end = time.monotonic() + timeout
        late = False
        with self._changed:
            while not condition():
                if self._gone:
                    raise AgentGone(f"{self.name}: gone while waiting for {what}")
                problem = self._alive()
                if problem:
                    raise AgentGone(f"{self.name}: {problem} "
                                    f"while waiting for {what}")
                if late:
                    raise Deadline(f"{self.name}: {timeout} s were not enough "
                                   f"for {what}")
                left = end - time.monotonic()
                self._changed.wait(max(0, min(left, 0.5)))
                late = left <= 0  # what came meanwhile counts

    def close(self):
        self._sock.close()

    def _read(self, size):
        data = bytearray()
        while len(data) < size:
            part = self._sock.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def _read_loop(self):
        try:
            while True:
                size, number, kind = HEADER.unpack(self._read(HEADER.size))
                payload = self._read(size)
                with self._changed:
                    self._take(number, bytes([kind]), payload)
                    self._changed.notify_all()
        except (EOFError, OSError):
            with self._changed:
                self._gone = True
                self._changed.notify_all()

    def _take(self, number, kind, payload):
        if kind == b"R":
            # A new boot knows nothing of the jobs of the one before.
            self._boots += 1
            for job in self._jobs.values():
                if job.status is None:
                    job.status = -9
            self._jobs.clear()
        elif number in self._jobs:
            self._jobs[number]._frame(kind, payload)
            if kind == b"S":
                del self._jobs[number]
