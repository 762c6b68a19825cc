# SPDX-License-Identifier: GPL-2.0-only
"""A writer of initramfs archives (cpio, format newc)."""

import os
import stat
from pathlib import Path


class Cpio:
    """Collects members; parents are made as needed, everything is root's."""

    def __init__(self, path):
        self._out = open(path, "wb")
        self._inode = 0
        self._dirs = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._member("TRAILER!!!", 0, b"")
        self._out.close()

    def _member(self, name, mode, data, rdev=(0, 0)):
        self._inode += 1
        raw = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0,
                  rdev[0], rdev[1], len(raw), 0)
        head = b"070701" + b"".join(b"%08x" % f for f in fields)
        self._out.write(head + raw + b"\0" * (-(len(head) + len(raw)) % 4))
        self._out.write(data)
        self._out.write(b"\0" * (-len(data) % 4))

    def folder(self, name, mode=0o755):
        name = name.strip("/")
        if not name or name in self._dirs:
            return
        self.folder(os.path.dirname(name))
        self._dirs.add(name)
        self._member(name, stat.S_IFDIR | mode, b"")

    def bytes(self, name, data, mode=0o644):
        name = name.strip("/")
        self.folder(os.path.dirname(name))
        self._member(name, stat.S_IFREG | mode, data)

    def file(self, name, source, mode=None):
        source = Path(source)
        if mode is None:
            mode = 0o755 if os.access(source, os.X_OK) else 0o644
        self.bytes(name, source.read_bytes(), mode)

    def link(self, name, target):
        name = name.strip("/")
        self.folder(os.path.dirname(name))
        self._member(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor):
        name = name.strip("/")
        self.folder(os.path.dirname(name))
        self._member(name, stat.S_IFCHR | 0o600, b"", (major, minor))
