# SPDX-License-Identifier: GPL-2.0-only
# The library and sivshmemctl between two guests: by copying, mapped and sealed, every
# call behaves as its manual page says; a file arrives verified, ping and bench measure,
# and what the command tells of driver, channels and posture is so.
import json

from lab.pair import listening, open_region, under_way, until
from lab.shell import sleeps, start


def setup(lab):
    open_region(lab, "alpha", "beta")


def serve(lab):
    job = lab.vms["beta"].start(f"libcheck serve {lab.keys['beta']['data']}")
    job.wait_output("listening")
    return job


def checked(lab, words):
    job = serve(lab)
    out = lab.vms["alpha"].run(f"libcheck {words}", status=None, timeout=100).out
    job.kill()
    job.wait()
    assert out.startswith("ok "), out
    assert int(out.split()[1]) > 10, out


def case_copying(lab):
    checked(lab, "check user data copy")


def case_mapped(lab):
    checked(lab, "check user data map")


def case_sealed(lab):
    checked(lab, "check user data sealed")


def case_errors(lab):
    checked(lab, "errors user data")


def revoked(lab, way):
    serving = serve(lab)
    job, pid = start(lab.vms["alpha"], f"libcheck hold user data {way}")
    job.wait_output("holding")
    # A reader that still spins on its mapping may get SIGBUS, as the ABI says: what
    # is claimed here is about one that sleeps.
    until(lambda: sleeps(lab.vms["alpha"], pid), "the reader sleeps")
    channel, = [c for c in lab.daemon.ctl("status", json_output=True)["channels"]
                if c["state"] == "established"]
    lab.daemon.ctl("revoke", "channel", f"lab/{channel['cid']}")
    assert job.wait() == 0, (way, job.status, job.text)
    assert "ECONNRESET, because of EKEYREVOKED" in job.text, job.text
    serving.kill()
    serving.wait()


def case_revoked_while_waiting(lab):
    for way in ("copy", "map", "sealed"):
        revoked(lab, way)


def transfer(lab, flags):
    here, there = lab.vms["alpha"], lab.vms["beta"]
    size = 3_000_001
    here.run(f"head -c {size} /dev/urandom > /root/file")
    receiver = there.start("sivshmemctl recv --json --as data "
                           f"-o /root/copy --force {flags}")
    listening(lab, receiver)
    sent = json.loads(here.out("sivshmemctl send --json --as user "
                               f"{flags} data /root/file", timeout=100))
    assert receiver.wait() == 0, (receiver.text, receiver.stderr)
    got = json.loads(receiver.text)
    digest = here.out("sha256sum /root/file").split()[0]
    assert digest == there.out("sha256sum /root/copy").split()[0]
    assert sent["ok"] and sent["bytes"] == size and sent["sha256"] == digest
    assert got["ok"] and got["peer_vm"] == "alpha" and got["sha256"] == digest
    assert got["sealed"] == ("--sealed" in flags)
    assert sent["mapped"] == ("--zero-copy" in flags)
    assert sent["handshake_ns"] > 0


def case_file(lab):
    transfer(lab, "")


def case_file_mapped(lab):
    transfer(lab, "--zero-copy")


def case_file_sealed(lab):
    transfer(lab, "--sealed")


def case_measures(lab):
    here, there = lab.vms["alpha"], lab.vms["beta"]
    echo = there.start("sivshmemctl listen --as data --echo --keep")
    listening(lab, echo)
    for flags, mapped in (("", True), ("--copy", False), ("--sealed", False)):
        got = json.loads(here.out("sivshmemctl ping --json --as user -c 50 "
                                  f"{flags} data", timeout=100))
        assert got["mapped"] == mapped, got
        for manner in ("polled", "wakeup"):
            trips = got[manner]
            assert trips["count"] == 50, got
            assert 0 < trips["min_ns"] <= trips["median_ns"] <= trips["p99_ns"]
    got = json.loads(here.out("sivshmemctl bench --json --as user -s 16K "
                              "-b 4M data", timeout=100))
    assert got["send_bytes_per_s"] > 0 and got["receive_bytes_per_s"] > 0
    assert got["memcpy_bytes_per_s"] > 0
    echo.kill(15)
    echo.wait()


def case_what_is_known(lab):
    here, there = lab.vms["alpha"], lab.vms["beta"]
    info = json.loads(here.out("sivshmemctl info --json"))
    region, = info["regions"]
    assert info["abi"] == 1 and region["region"] == "lab"
    assert region["granule"] == 4096 and not region["isolated"]
    posture = json.loads(here.run("sivshmemctl posture --json", status=1).out)
    assert posture["posture"] == "WEAK"
    assert "no_lockdown" in posture["reasons"], posture
    listener = there.start("sivshmemctl listen --as data")
    listening(lab, listener)
    job = here.start("sivshmemctl connect --as user data")
    job.send(b"hello\n")
    under_way(here, 1)
    channel, = json.loads(here.out("sivshmemctl channels --json"))["channels"]
    assert channel["state"] == "open" and channel["service"] == "data", channel
    assert channel["peer"] == "beta/data" and channel["tx_records"] == "1"
    assert "open" in there.out("sivshmemctl channels")
    job.close_input()
    listener.close_input()
    assert job.wait() == 0 and listener.wait() == 0
    assert listener.text.endswith("hello\n"), listener.text
