# SPDX-License-Identifier: GPL-2.0-only
"""What the intruder tries, each beside the same act where it is allowed."""

import errno
import json
import re
import struct

from lab.region import FIELDS, HEADER
from lab.shell import Shell

MARKER = b"A secret that crossed the shared memory, told by camera."
HELLO_UP, HELLO_DOWN, SLOT = 256, 256 + 5120, 5120
CHALLENGE = 16  # at the start of a box
SLOT_HEADER = 16
REGION_BYTES = 64 << 20


def errno_of(output):
    """The errno's name that chan and act print, or what they printed."""
    match = re.match(r"\s*(?:listening\s+)?(E[A-Z0-9]+)\b", output)
    return match.group(1) if match else output.strip()[:60] or "nothing"


def audit_line(event):
    """An audit line without what everybody sees anyway."""
    return "audit: " + json.dumps({name: value for name, value in event.items()
                                   if name != "time"})


def found(out):
    """How often `act find` found what it looked for; -1 if it did not even look."""
    match = re.match(r"ok (\d+)", out)
    return int(match[1]) if match else -1


class Intruder:
    """The hostile guest and what it does."""

    def __init__(self, demo):
        self.demo = demo
        self.story = demo.story
        self.lab = demo.lab
        self.vm = demo.lab.vms["intruder"]

    def refusal(self, what, wanted, got, seen):
        """Compare an errno; show the audit line that came, if one must come."""
        line = "no word reached the host: the guest's own kernel refused"
        if seen is not None:
            before, fields = seen
            try:
                event = self.lab.daemon.wait_audit(before + 1, **fields)
                line = audit_line(event)
            except AssertionError as error:
                self.story.deviation(f"{what}: no audit line", str(error))
                return
        self.story.refused(what, wanted, got, line)

    def count(self, event, name, **fields):
        """What to look for in the audit log: how many are there already."""
        fields = {"event": event, "errno": getattr(errno, name), **fields}
        return len(self.lab.daemon.audit(**fields)), fields

    def allowed(self, what):
        """display connects to camera's service: what the intruder may not."""
        server = self.demo.serve("echo {key} 1")
        out = self.demo.call("connect {key} front")
        self.story.check(out.startswith("ok camera/front"),
                         f"display, {what}: connected", out)
        server.kill()
        server.wait()

    # --- the acts -----------------------------------------------------------

    def no_identity(self):
        got = self.vm.run("chan connect 1234567 front", status=None).out
        self.refusal("connect without an identity", "ENOKEY", errno_of(got), None)
        self.allowed("with its identity")

    def not_in_policy(self):
        self.demo.add_key("intruder", "tourist")
        seen = self.count("open_refused", "EPERM", reason="policy")
        server = self.demo.serve("echo {key} 1")
        got = self.demo.call("connect {key} front", vm="intruder",
                             service="tourist")
        server.kill()
        server.wait()
        self.refusal("connect as car/intruder/tourist, certified by our CA",
                     "EPERM", errno_of(got), seen)
        self.allowed("which the policy names")

    def other_ca(self):
        self.demo.add_key("intruder", "forged", self.demo.keys / "forged.bundle")
        seen = self.count("hello_refused", "ENOKEY", reason="no_anchor")
        got = self.demo.call("connect {key} front", vm="intruder",
                             service="forged")
        self.refusal("connect as car/intruder/forged, of another CA",
                     "ENOKEY", errno_of(got), seen)
        self.allowed("of the host's CA")

    def stolen_identity(self):
        self.demo.add_key("intruder", "screen", self.demo.bundle("display/screen"))
        seen = self.count("hello_refused", "EKEYREJECTED", reason="cert_vm")
        got = self.demo.call("connect {key} front", vm="intruder",
                             service="screen")
        self.refusal("connect with the stolen key of display/screen",
                     "EKEYREJECTED", errno_of(got), seen)
        self.allowed("whose key it is")

    def resource_files(self):
        device = self.vm.out("basename $(dirname $(ls -d "
                             "/sys/bus/pci/drivers/sivshmem/0000:*/resource0))")
        for name in ("resource0", "resource1", "resource2", "resource2_wc"):
            path = f"/sys/bus/pci/devices/{device}/{name}"
            got = self.vm.run(f"act mmap {path} 0 4096 rw", status=None).out
            self.refusal(f"root maps {name} of the device", "EINVAL",
                         errno_of(got), None)
        got = self.vm.run("act open /dev/mem && act mmap /dev/mem "
                          f"$((0x$(sed -n 3p /sys/bus/pci/devices/{device}"
                          "/resource | cut -c3-18) / 4096)) 4096 r",
                          status=None).out
        self.refusal("root maps the memory by /dev/mem", "EPERM",
                     errno_of(got.replace("ok", "", 1)), None)
        self.maps_its_own()

    def maps_its_own(self):
        """display maps what it may: the rings of its own channel."""
        server = self.demo.serve("echo {key} 1")
        shell = Shell(self.lab.vms["display"])
        key = self.demo.serials["display", "screen"]
        got = [shell.do(f"connect 1 {key} front"),
               *(shell.do(f"map 1 {window}") for window in range(4)),
               shell.do("set 1 2 0 4711")]
        self.story.check(all(line.startswith("ok") for line in got),
                         "display maps the pages and rings of its own channel",
                         repr(got))
        shell.quit()
        server.kill()
        server.wait()

    def other_users_node(self):
        display = self.lab.vms["display"]
        server = self.demo.serve("echo {key} 1")
        holder = display.start("chan hold "
                               f"{self.demo.serials['display', 'screen']} front")
        holder.wait_output("open")
        minor = holder.text.split()[1]
        node = f"/dev/sivshmem{minor}"
        display.run(f"i=0; while [ ! -e {node} ] && [ $i -lt 600 ]; do "
                    "sleep 0.1; i=$((i+1)); done")
        got = display.run(f"su other -c 'act open {node}'", status=None).out
        self.refusal(f"another user of display opens {node}", "EACCES",
                     errno_of(got), None)
        got = display.run(f"act open {node}", status=None).out.strip()
        self.story.check(got == "ok", f"its owner opens {node}", got)
        holder.close_input()
        self.story.check(holder.wait() == 0,
                         "its owner used that channel all the while", holder.text)
        server.kill()
        server.wait()

    def take_raw(self):
        """Bind the UIO-style driver: from here on the guest's kernel is hostile."""
        self.vm.run("rmmod sivshmem")
        got = self.vm.run("act mmap $(ls -d /sys/bus/pci/devices/*/resource2_wc) "
                          "0 4096 r", status=None).out
        self.story.check(got.startswith("ok"),
                         "intruder: with our driver out the same mmap works", got)
        self.vm.run("insmod /modules/sivraw.ko")
        head = self.vm.run("act dump /dev/uio0 1 0 512").raw
        self.fields = dict(zip(FIELDS, struct.unpack(HEADER, head)))
        registers = self.vm.run("act dump /dev/uio0 0 0 16").raw
        self.peer = struct.unpack_from("<I", registers, 8)[0]
        self.story.done("intruder: a raw driver is in",
                        "from here on its whole kernel is hostile")

    def box(self, number):
        return self.fields["box_off"] + number * self.fields["box_stride"]

    def own_box(self):
        return self.box(self.peer & (self.fields["boxes"] - 1))

    def dump(self, offset, size):
        return self.vm.run(f"act dump /dev/uio0 1 {offset} {size}").raw

    def poke(self, offset, data):
        self.vm.run(f"act poke /dev/uio0 1 {offset}", stdin=data)

    def recorded(self):
        """Messages 1 of others' handshakes, as they still lie in their boxes."""
        for number in range(self.fields["boxes"]):
            hello = self.dump(self.box(number) + HELLO_UP, SLOT)
            if self.box(number) != self.own_box() and struct.unpack_from(
                    "<I", hello)[0]:
                yield bytearray(hello)

    def replay(self):
        """A recorded handshake: word for word, and with today's challenge.

        Who writes to a mailbox makes no call that could fail: the host refuses
        the message, and the errno is its audit line's.
        """
        found = list(self.recorded())
        self.story.check(found, "recorded handshakes of the others",
                         "none was found in memory", f"{len(found)} in memory")
        self.story.tell("To write to a mailbox is no call: what the host says "
                        "of the message counts.")
        for hello in found:
            for what in ("word for word", "with its own challenge put in"):
                if what != "word for word":
                    hello[SLOT_HEADER:SLOT_HEADER + CHALLENGE] = self.dump(
                        self.own_box(), CHALLENGE)
                seen = len(self.lab.daemon.audit(who="car/intruder"))
                self.poke(self.own_box() + HELLO_UP, bytes(hello))
                self.vm.run("act ring /dev/uio0 0 1")
                try:
                    event = self.lab.daemon.wait_audit(seen + 1, who="car/intruder")
                except AssertionError as error:
                    self.story.deviation(f"replayed {what}: no audit line",
                                         str(error))
                    continue
                self.story.refused(f"replayed {what}", "EBADMSG",
                                   errno.errorcode.get(event["errno"], "0"),
                                   audit_line(event))
        self.allowed("by a handshake of its own")

    def read_memory(self, kind, words):
        """Send a marker through a channel, and search all of BAR2 for it."""
        server = self.lab.vms["camera"].start(
            f"chan keep {self.demo.serials['camera', 'front']} {words}")
        server.wait_output("listening")
        display = self.lab.vms["display"].start(
            f"chan hold {self.demo.serials['display', 'screen']} front {words}")
        display.wait_output("open")
        display.send(MARKER)
        server.wait_output("open")
        out = self.vm.run(f"act find /dev/uio0 1 0 {REGION_BYTES}", stdin=MARKER,
                          status=None).out
        display.close_input()
        status = display.wait()
        server.close_input()
        server.wait()
        return out, status, server.text

    def raw_reader(self):
        out, status, text = self.read_memory("plain", "")
        count = found(out)
        self.story.check(count > 0 and status == 0,
                         "raw reader, plain channel: it finds the plaintext",
                         out, f"{count} times: plain channels of a shared "
                         "region are open to a hostile kernel; seal them")
        out, status, text = self.read_memory("sealed", "sealed")
        count = found(out)
        self.story.check(count == 0 and status == 0,
                         "raw reader, sealed channel: it finds nothing", out,
                         f"in all {REGION_BYTES >> 20} MiB")
        self.story.check(f"received={len(MARKER)}" in text,
                         "the entitled machine received it", text)


def attempt_all(demo):
    """The whole of the intruder's day."""
    intruder = Intruder(demo)
    intruder.no_identity()
    intruder.not_in_policy()
    intruder.other_ca()
    intruder.stolen_identity()
    intruder.resource_files()
    intruder.other_users_node()
    intruder.take_raw()
    intruder.replay()
    intruder.raw_reader()
    intruder.allowed("once more, after all of this")
