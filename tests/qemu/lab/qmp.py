# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's monitor over a connected socket."""

import json
import threading


class QmpError(Exception):
    """QEMU refused a command."""


class Qmp:
    """Sends commands; events are kept in a list."""

    def __init__(self, sock, timeout=60):
        self._sock = sock
        self._sock.settimeout(timeout)
        self._file = sock.makefile("rw")
        self._lock = threading.Lock()
        self.events = []

    def greet(self):
        json.loads(self._file.readline())
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        request = {"execute": command}
        if arguments:
            request["arguments"] = {
                name.replace("_", "-") if name != "id" else name: value
                for name, value in arguments.items()}
        with self._lock:
            self._file.write(json.dumps(request) + "\n")
            self._file.flush()
            while True:
                line = self._file.readline()
                if not line:
                    raise QmpError("QEMU has closed its monitor")
                answer = json.loads(line)
                if "event" in answer:
                    self.events.append(answer)
                elif "error" in answer:
                    raise QmpError(f"{command}: {answer['error']['desc']}")
                elif "return" in answer:  # not so the greeting, if nobody has read it
                    return answer["return"]

    def monitor(self, line):
        """A command of the human monitor."""
        return self.run("human-monitor-command", command_line=line)

    def close(self):
        self._sock.close()
