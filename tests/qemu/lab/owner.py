# SPDX-License-Identifier: GPL-2.0-only
"""Whom QEMU and the daemon run as: never root.

Started by root (as in CI), the laboratory runs them as `nobody`, from copies in
its own folder under /tmp, because a checkout may be where only root can read.
"""

import ctypes
import os
import pwd
import shutil
import signal
from pathlib import Path


PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_parent():
    """Between fork and exec: no process outlives the runner."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Owner:
    """The user of a laboratory's processes, and how files are given to it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.drop = os.geteuid() == 0
        entry = pwd.getpwnam("nobody") if self.drop else \
            pwd.getpwuid(os.geteuid())
        self.uid, self.gid, self.name = entry.pw_uid, entry.pw_gid, entry.pw_name
        self.give(self.folder)

    def popen_options(self):
        """Arguments of subprocess.Popen() that make a process this user's."""
        options = {"preexec_fn": die_with_parent}
        if not self.drop:
            return options
        groups = []
        if os.path.exists("/dev/kvm"):
            groups.append(os.stat("/dev/kvm").st_gid)
        return {**options, "user": self.uid, "group": self.gid,
                "extra_groups": groups}

    def give(self, path):
        """Make a file or folder this user's."""
        if self.drop:
            os.chown(path, self.uid, self.gid)
        return Path(path)

    def write(self, name, data, mode=0o600):
        """A file of this user's in its folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.give(path.parent)
        if isinstance(data, str):
            data = data.encode()
        path.write_bytes(data)
        path.chmod(mode)
        return self.give(path)

    def stage(self, path):
        """The path by which this user can read (and run) a file of ours."""
        path = Path(path)
        if not self.drop:
            return path
        copy = self.folder / "staged" / path.name
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            copy.parent.chmod(0o755)
            shutil.copyfile(path, copy)
            copy.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
        return copy
