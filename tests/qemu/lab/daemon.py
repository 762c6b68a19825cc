# SPDX-License-Identifier: GPL-2.0-only
"""The host's side: sivshmemd with its policy, certificates and audit log."""

import base64
import json
import shlex
import signal
import subprocess
import time

from .certs import X25519
from .paths import BUILD
from .region import host_cert

START_SECONDS = 60


def pem(label, der):
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


class Daemon:
    """A running sivshmemd in the laboratory's folder.

    policy: its text; files: {name: content} of what it reads: host certificates
    and keys, and the CA's certificate. keys: {region: host's key}, if it was certified.
    """

    def __init__(self, lab, policy, files, program="sivshmemd"):
        self.owner = lab.owner
        self.runtime = lab.run / "run"
        self.audit_path = lab.run / "audit.log"
        self.log_path = lab.folder / "daemon.log"
        self.audit_copy = lab.folder / "audit.log"
        self._may_die = False
        self.keys = {}
        self.set_policy(policy)
        for name, content in files.items():
            self.owner.write(name, content)
        self._start(program)

    @classmethod
    def certified(cls, lab, ca, policy, regions, program="sivshmemd", **dates):
        """One whose hosts of these regions a CA certifies now; dates as of Ca.issue."""
        files = {"ca.crt": pem("CERTIFICATE", ca.der)}
        keys = {region: X25519() for region in regions}
        for region, key in keys.items():
            files[f"{region}.key"] = pem("PRIVATE KEY", key.private)
            files[f"{region}.crt"] = pem("CERTIFICATE",
                                         host_cert(ca, key, region, **dates))
        daemon = cls(lab, policy, files, program)
        daemon.keys = keys
        return daemon

    def _start(self, program):
        self.owner.stage(BUILD / "user/sivshmemd-key")
        command = [self.owner.stage(BUILD / "user" / program),
                   "--policy", "policy.ini", "--runtime-dir", "run",
                   "--keys-dir", ".", "--ca", "ca.crt", "--audit", "audit.log"]
        command = [str(word) for word in command]
        with open(self.log_path, "a", encoding="utf-8") as log:
            log.write(shlex.join(command) + "\n")
            log.flush()
            self.process = subprocess.Popen(
                command, cwd=self.owner.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
                **self.owner.popen_options())
        end = time.monotonic() + START_SECONDS
        late = False
        while not (self.runtime / "control.sock").exists():
            if late or self.process.poll() is not None:
                self.process.kill()
                raise RuntimeError(f"{program} did not come up: {self.log()}")
            time.sleep(0.02)
            late = time.monotonic() > end

    def log(self):
        return self.log_path.read_text(errors="replace").strip()[-2000:]

    def set_policy(self, text):
        """Replace the policy file; takes effect at start or reload."""
        self.owner.write("policy.ini", text)

    def ctl(self, *words, status=0, json_output=False):
        """sivshmemctl against this daemon: its standard output."""
        command = [BUILD / "user/sivshmemctl", *["--json"] * json_output,
                   words[0], "--socket", self.runtime / "control.sock",
                   *words[1:]]
        done = subprocess.run([str(word) for word in command], check=False,
                              stdin=subprocess.DEVNULL, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if status is not None and done.returncode != status:
            raise AssertionError(f"sivshmemctl {words}: {done.returncode} "
                                 f"{done.stdout}{done.stderr}")
        return json.loads(done.stdout) if json_output else done.stdout

    def reload(self):
        self.ctl("reload")

    def qemu_args(self, vm):
        """QEMU's arguments for a VM, as the daemon states them."""
        return shlex.split(self.ctl("qemu-args", vm))

    def audit(self, **fields):
        """The audit lines that have all of these values."""
        try:
            lines = self.audit_path.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []
        events = [json.loads(line) for line in lines if line]
        return [event for event in events
                if all(event.get(name) == value
                       for name, value in fields.items())]

    def wait_audit(self, count=1, timeout=60, **fields):
        """Wait until that many audit lines have these values; the last."""
        end = time.monotonic() + timeout
        late = False
        while True:
            found = self.audit(**fields)
            if len(found) >= count:
                return found[-1]
            if late:
                raise AssertionError(
                    f"{len(found)} of {count} audit lines with {fields} in "
                    f"{timeout} s; the last lines are {self.audit()[-5:]}")
            time.sleep(0.05)
            late = time.monotonic() > end

    def may_die(self):
        self._may_die = True

    def complaints(self):
        """What is wrong with the daemon now."""
        code = self.process.poll()
        if code is None or self._may_die:
            return []
        self._may_die = True
        return [f"the daemon has ended ({code}): {self.log()}"]

    def stop(self):
        """End it in order: status 0 is expected. What went wrong."""
        if self.audit_path.exists():
            self.audit_copy.write_bytes(self.audit_path.read_bytes())
        if self.process.poll() is not None:
            return self.complaints()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return [f"the daemon does not end at SIGTERM: {self.log()}"]
        return [f"the daemon's exit status is {code}: {self.log()}"] \
            if code else []
