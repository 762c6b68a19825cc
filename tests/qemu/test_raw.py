# SPDX-License-Identifier: GPL-2.0-only
# A third member of the region with a hostile kernel, which sees and writes all
# of the memory: it finds no plaintext of sealed channels, replays no handshake,
# rings nobody it was not given, and what it scribbles ends no session.
import errno
import json
import os
import re
import struct
import time

from lab.events import take, watch
from lab.pair import open_region, standing, under_way, until, works
from lab.region import FIELDS, HEADER
from lab.shell import Shell

SECRET = b"Nobody but beta shall read this sentence of alpha's."
REGION_BYTES = 64 << 20
HELLO_UP, SLOT, SLOTS = 256, 5120, 8
FORGED = 64
DOWN = HELLO_UP + (2 + SLOTS) * SLOT


def setup(lab):
    open_region(lab, "alpha", "beta", "mallory")
    mallory = lab.vms["mallory"]
    mallory.run("keyctl clear @u; rmmod sivshmem; insmod /modules/sivraw.ko")
    head = mallory.run("act dump /dev/uio0 1 0 512").raw
    lab.header = dict(zip(FIELDS, struct.unpack(HEADER, head)))
    registers = mallory.run("act dump /dev/uio0 0 0 16").raw
    lab.peer = struct.unpack_from("<I", registers, 8)[0]


def box(lab, peer):
    number = peer & (lab.header["boxes"] - 1)
    return lab.header["box_off"] + number * lab.header["box_stride"]


def poke(lab, offset, data):
    lab.vms["mallory"].run(f"act poke /dev/uio0 1 {offset}", stdin=data)


def dump(lab, offset, size):
    return lab.vms["mallory"].run(f"act dump /dev/uio0 1 {offset} {size}").raw


def found(lab, words):
    """How often SECRET is in the region after alpha has sent it to beta."""
    keep = lab.vms["beta"].start(f"chan keep {lab.keys['beta']['data']} {words}")
    keep.wait_output("listening")
    hold = lab.vms["alpha"].start(
        f"chan hold {lab.keys['alpha']['user']} data {words}")
    hold.wait_output("open")
    hold.send(SECRET)
    under_way(lab.vms["alpha"], 1)
    out = lab.vms["mallory"].out(f"act find /dev/uio0 1 0 {REGION_BYTES}",
                                 stdin=SECRET)
    hold.close_input()
    assert hold.wait() == 0, hold.text
    keep.close_input()
    assert keep.wait() == 0, keep.text
    assert f"received={len(SECRET)}" in keep.text, keep.text
    return int(re.fullmatch(r"ok (\d+) \d+", out)[1])


def case_plain_is_plain(lab):
    assert found(lab, "") > 0, "the search itself finds nothing"


def case_sealed_is_not(lab):
    # The plain channel's memory was scrubbed before anybody got it again.
    assert found(lab, "sealed") == 0
    assert found(lab, "sealed aes") == 0


def replay(lab, hello):
    """Post a message 1 as one's own and ring; the host's word on it."""
    seen = len(lab.daemon.audit(who="lab/mallory"))
    poke(lab, box(lab, lab.peer) + HELLO_UP, bytes(hello))
    lab.vms["mallory"].run("act ring /dev/uio0 0 1")
    return lab.daemon.wait_audit(seen + 1, who="lab/mallory")


def case_handshakes_are_not_replayed(lab):
    replayed = 0
    for peer in range(1, 4):
        hello = bytearray(dump(lab, box(lab, peer) + HELLO_UP, SLOT))
        if peer == lab.peer or not struct.unpack_from("<I", hello)[0]:
            continue
        event = replay(lab, hello)
        assert event["errno"] == errno.EBADMSG, event
        # The challenge alone does not make it good: it is part of the handshake.
        hello[16:32] = dump(lab, box(lab, lab.peer), 16)
        event = replay(lab, hello)
        assert event["errno"] == errno.EBADMSG, event
        replayed += 1
    assert replayed == 2, f"{replayed} handshakes were found to replay"
    assert not lab.daemon.audit(event="session", who="lab/mallory")
    works(lab)


def case_doorbells_of_others(lab):
    """Never granted: QEMU drops them."""
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data")
    there.ok("accept 1 0 30000")
    before = there.info(1)["seen"]
    for peer in range(1, 4):
        for vector in range(8):
            if peer != lab.peer:
                lab.vms["mallory"].run(f"act ring /dev/uio0 {peer} {vector}")
    time.sleep(0.3)
    assert there.info(1)["seen"] == before
    here.quit()
    there.quit()


def case_scribbling_on_mailboxes(lab):
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data sealed")
    there.ok("accept 1 0 30000")
    for peer in (1, 2):
        for slot in range(2, 18):
            poke(lab, box(lab, peer) + HELLO_UP + slot * SLOT, os.urandom(512))
    sent = here.ok("write 1 100 1")
    assert there.ok("read 1 100") == sent
    here.quit()
    there.quit()
    works(lab)


def forge(lab, slots, forged, last):
    """Put records with tag and number of the next one wherever the host has spoken.

    forged: all that was put there; last: number and tag of the last true record so far.
    """
    heads = [struct.unpack_from("<IIQ", data) for data in
             (dump(lab, slot, 16 + FORGED) for slot in slots) if data not in forged]
    # others have scribbled here: no record is so long, no session says so much; and a
    # slot that was cleared keeps a number, but has no tag
    number, tag = max([last, *((number, tag) for size, tag, number in heads
                               if 0 < size < SLOT and number < 1 << 20)])
    for slot in slots if tag else ():
        forged.append(struct.pack("<IIQ", FORGED, tag, number + 1) + os.urandom(FORGED))
        poke(lab, slot, forged[-1])
    return number, tag


def case_forged_records(lab):
    """Tag and number are there for everybody to read; the key is not."""
    alpha = lab.vms["alpha"]
    peer = json.loads(alpha.out("sivshmemctl info --json"))["regions"][0]["peer"]
    here, there = Shell(alpha), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    watch(alpha, event="siv_dropped")
    slots = [box(lab, peer) + DOWN + i * SLOT for i in range(SLOTS)]
    forged, lasts = [], [(0, 0)]

    def dropped():
        # anew each time, for the host may have said more meanwhile
        lasts.append(forge(lab, slots, forged, lasts[-1]))
        text = take(alpha)
        return any(f"siv_dropped: device=0 tag={tag:08x} number={number + 1} reason=tag"
                   in text for number, tag in lasts)

    with standing(lab, "beta"):
        # alpha waits for beta, and looks again and again whether the host has spoken
        here.begin(f"connect 1 {lab.keys['alpha']['user']} data timeout=30000")
        here.asleep()
        until(dropped, "a forged record is dropped")
    assert here.end().startswith("ok")
    there.ok("accept 1 0 30000")
    sent = here.ok("write 1 100 1")
    assert there.ok("read 1 100") == sent
    here.quit()
    there.quit()


def case_zz_header_is_zeroed(lab):
    """Nobody who is bound believes the header again."""
    poke(lab, 0, bytes(4096))
    works(lab)
