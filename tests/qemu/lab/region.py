# SPDX-License-Identifier: GPL-2.0-only
"""A region made by hand and the smallest server that gives it to guests.

For what the driver must do where there is no daemon, or a hostile one: the
header's fields can be set at will, and nobody answers in the mailboxes.
"""

import array
import os
import socket
import struct
import threading

from .certs import HOST
from .kernel import PAGE

SIZE = 16 << 20
GRANULE = PAGE
BOX_STRIDE = 94208
CERT_OFF = 4096
HEADER = "<8sHHIQIHHIIQQIIQQQQII152s16s64sII168s"
FIELDS = ("magic version header_len flags region_size granule boxes slots slot_size "
          "box_stride box_off side_off side_count suites extent_off extent_len "
          "ring_min ring_max sealed_max reserved0 reserved1 epoch region cert_off "
          "cert_len reserved2").split()


def header(cert, **fields):
    """A good header, but for the fields that are said."""
    values = {
        "magic": b"SIVSHMEM", "version": 1, "header_len": 512, "flags": 0,
        "region_size": SIZE, "granule": GRANULE, "boxes": 8, "slots": 8,
        "slot_size": 5120, "box_stride": BOX_STRIDE, "box_off": 64 << 10,
        "side_off": 1 << 20, "side_count": 64, "suites": 6, "extent_off": 8 << 20,
        "extent_len": 8 << 20, "ring_min": GRANULE, "ring_max": 4 << 20,
        "sealed_max": 65536, "reserved0": 0, "reserved1": b"",
        "epoch": os.urandom(16), "region": b"lab", "cert_off": CERT_OFF,
        "cert_len": len(cert), "reserved2": b"", **fields}
    return struct.pack(HEADER, *(values[name] for name in FIELDS))


def host_cert(ca, key, region="lab", **how):
    return ca.issue(key.public, f"sivshmem://{region}", usage=HOST, **how)


class HandRegion:
    """A memory and its server; service() of a Lab ends it."""

    def __init__(self, path, vectors=8, size=SIZE, first_peer=3):
        self.path = path
        self.memory = os.memfd_create("region")
        os.ftruncate(self.memory, size)
        self.vectors = vectors
        self.next_peer = first_peer
        self.bells = {}      # peer: own eventfds
        self.host = {}       # peer: the two of peer 0
        self._sockets = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        os.chmod(path, 0o666)  # QEMU may run as somebody else
        self._server.listen(4)
        threading.Thread(target=self._serve, daemon=True).start()

    def write(self, offset, data):
        os.pwrite(self.memory, data, offset)

    def read(self, offset, size):
        return os.pread(self.memory, size, offset)

    def fill(self, cert, **fields):
        self.write(CERT_OFF, cert)
        self.write(0, header(cert, **fields))

    def qemu(self, name="iv", bus=None):
        """What to say to QEMU for this region."""
        where = f",bus={bus}" if bus else ""
        return ("-chardev", f"socket,id={name},path={self.path}", "-device",
                f"ivshmem-doorbell,id={name}dev,chardev={name},"
                f"vectors={self.vectors}{where}")

    @staticmethod
    def _send(connection, number, fd=None):
        extra = []
        if fd is not None:
            extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        connection.sendmsg([struct.pack("<q", number)], extra)

    def _serve(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._sockets.append(connection)
            peer, self.next_peer = self.next_peer, self.next_peer + 1
            self.host[peer] = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(2)]
            self.bells[peer] = [os.eventfd(0, os.EFD_NONBLOCK)
                                for _ in range(self.vectors)]
            self._send(connection, 0)
            self._send(connection, peer)
            self._send(connection, -1, self.memory)
            for fd in self.host[peer]:
                self._send(connection, 0, fd)
            for fd in self.bells[peer]:
                self._send(connection, peer, fd)

    def complaints(self):
        return []

    def stop(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in self._sockets:
            connection.close()
        for fd in [self.memory, *sum(self.bells.values(), []),
                   *sum(self.host.values(), [])]:
            os.close(fd)
        return []
