# SPDX-License-Identifier: GPL-2.0-only
# A region's granule may be larger than a guest's pages, and then channels and
# their mappings are in granules; where it is smaller, the driver leaves the device
# alone and says why.
from lab.certs import X25519, Ca
from lab.kernel import PAGE
from lab.pair import open_region, policy, works
from lab.region import HandRegion, host_cert
from lab.shell import Shell

LEAST, LARGEST = 4096, 65536
OWN, PEER, TX, RX = range(4)


def setup(lab):
    open_region(lab, "alpha", "beta",
                text=policy(("alpha", "beta"), granule=LARGEST))


def case_larger(lab):
    works(lab)
    here, there = Shell(lab.vms["alpha"]), Shell(lab.vms["beta"])
    there.ok(f"listen 0 {lab.keys['beta']['data']}")
    here.refused(f"connect 1 {lab.keys['alpha']['user']} data ring={LARGEST // 2}",
                 "EINVAL")
    here.ok(f"connect 1 {lab.keys['alpha']['user']} data ring={LARGEST}")
    there.ok("accept 1 0 30000")
    for window, granules in ((OWN, 1), (PEER, 1), (TX, 2), (RX, 2)):
        for shell in (here, there):
            assert shell.ok(f"map 1 {window}") == str(granules * LARGEST)
    # Every page of a window, the last one too, and the ring's second time.
    for at in range(0, LARGEST, PAGE):
        here.ok(f"set 1 {TX} {at} {at + 1}")
        assert there.ok(f"get 1 {RX} {LARGEST + at}") == str(at + 1)
    for at in range(0, LARGEST, PAGE):
        assert there.ok(f"get 1 {RX} {at}") == str(at + 1)
    # One's own control pages are whole granules, and no byte of them is the peer's.
    for at in range(2048, LARGEST, PAGE):
        here.ok(f"set 1 {OWN} {at} {at}")
    for at in range(2048, LARGEST, PAGE):
        assert there.ok(f"get 1 {PEER} {at}") == str(at)
        assert there.ok(f"get 1 {OWN} {at}") == "0"
    here.quit()
    there.quit()


def case_smaller(lab):
    cert = host_cert(Ca(), X25519())
    region = lab.service(HandRegion(lab.run / "r"))
    guest = lab.boot("guest", extra=region.qemu())
    granule = LARGEST
    while granule >= LEAST // 2:
        region.fill(cert, granule=granule, ring_min=granule, side_count=32)
        start = len(guest.kernel_log())
        guest.run("insmod /modules/sivshmem.ko")
        log = guest.kernel_log()[start:]
        bound = "0000:" in guest.out("ls /sys/bus/pci/drivers/sivshmem")
        assert bound == (granule >= max(PAGE, LEAST)), (granule, log)
        if not bound:
            why = "granule does not fit this machine's pages" \
                if granule >= LEAST else "region header is malformed"
            assert f"not a sivshmem region: {why}" in log, (granule, log)
        guest.run("rmmod sivshmem")
        granule //= 2
