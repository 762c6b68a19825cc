#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""`make bench`: figures, not tests.

Connects natively, between two simulated guests and the daemon; then in two
virtual machines: connects, round trips of 64 bytes by polling and by doorbell,
bandwidth of 64-KiB records; beside them the bare device in a vanilla region
under the UIO-style driver, and the very same loop on a channel's memory. Runs
are interleaved, medians of RUNS are shown, and build/bench.json has every single
one.
"""

import json
import os
import statistics
import struct
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/qemu"))

from lab.daemon import Daemon  # noqa: E402
from lab.certs import Ca  # noqa: E402
from lab.lab import Lab  # noqa: E402
from lab.pair import REGION, enter, policy  # noqa: E402
from lab.paths import BUILD  # noqa: E402
from lab.vm import accelerator  # noqa: E402

RUNS = 5
TRIPS = {"poll": 20000, "bell": 1000}
MIB = 64
VANILLA = """
[region bare]
size = 16M
mode = vanilla
members = alpha beta
"""


def words(text):
    """NAME=NUMBER words of a line."""
    return {name: float(value) for name, value in
            (word.split("=") for word in text.split() if "=" in word)}


class Bench:
    """Two guests on a shared region and on a vanilla one."""

    def __init__(self):
        self.results = {}
        self.lab = Lab("bench")
        self.lab.ca = Ca()
        self.lab.keys = {}
        text = policy(("alpha", "beta"), extra=VANILLA)
        self.lab.daemon = self.lab.service(Daemon.certified(
            self.lab, self.lab.ca, text, [REGION]))

    def add(self, name, unit, value):
        self.results.setdefault(name, {"unit": unit, "runs": []})
        self.results[name]["runs"].append(value)

    def guests(self):
        for name in ("alpha", "beta"):
            self.lab.start(name, extra=self.lab.daemon.qemu_args(name),
                           memory=320)
        for name in ("alpha", "beta"):
            self.lab.vms[name].wait_boot()
            enter(self.lab, name)

    def both(self, serve, call, status_of_server=True):
        """Run the serving end in beta, the calling one in alpha: its figures."""
        server = self.lab.vms["beta"].start(
            f"vmbench {serve}".format(key=self.lab.keys["beta"]["data"]))
        server.wait_output("listening")
        out = self.lab.vms["alpha"].out(
            f"vmbench {call}".format(key=self.lab.keys["alpha"]["user"]),
            timeout=120)
        if status_of_server:
            server.wait(30)
        else:
            server.kill()
            server.wait()
        return words(out)

    def connects(self):
        echo = self.lab.vms["beta"].start(
            f"chan echo {self.lab.keys['beta']['data']} 1000")
        echo.wait_output("listening")
        key = self.lab.keys["alpha"]["user"]
        cold = words(self.lab.vms["alpha"].out(f"vmbench connect {key} data 1"))
        self.add("QEMU: connect, first session", "us", cold["p50"] / 1000)
        for _ in range(RUNS):
            warm = words(self.lab.vms["alpha"].out(
                f"vmbench connect {key} data 40"))
            self.add("QEMU: connect, warm, p50", "us", warm["p50"] / 1000)
            self.add("QEMU: connect, warm, p99", "us", warm["p99"] / 1000)
        echo.kill()
        echo.wait()

    def trips(self):
        for mode in ("poll", "bell"):
            got = self.both(f"pong {{key}} {mode}",
                            f"rtt {{key}} data {mode} {TRIPS[mode]}")
            self.add(f"QEMU: round trip 64 B, {mode}, p50", "us",
                     got["p50"] / 1000)
            self.add(f"QEMU: round trip 64 B, {mode}, p99", "us",
                     got["p99"] / 1000)

    def memory(self):
        """The bare device's loop, on memory that was granted to a channel."""
        got = self.both(f"mem-pong {{key}} {TRIPS['poll']}",
                        f"mem-rtt {{key}} data {TRIPS['poll']}")
        self.add("QEMU: channel's memory, 64 B, poll, p50", "us", got["p50"] / 1000)
        self.add("QEMU: channel's memory, 64 B, poll, p99", "us", got["p99"] / 1000)

    def bulk(self):
        for kind, flag in (("plain", ""), ("sealed", "sealed")):
            got = self.both(f"drain {{key}} {flag}",
                            f"bulk {{key}} data {MIB} {flag}")
            self.add(f"QEMU: 64-KiB records, {kind}", "MB/s", got["mbps"])

    # --- the bare device ----------------------------------------------------

    def bare(self):
        """The device of the vanilla region goes to the UIO-style driver."""
        for name in ("alpha", "beta"):
            self.lab.vms[name].run("insmod /modules/sivraw.ko")

    def peer(self, name):
        raw = self.lab.vms[name].run("act dump /dev/uio0 0 0 16").raw
        return struct.unpack_from("<I", raw, 8)[0]

    def bare_trips(self):
        peers = {name: self.peer(name) for name in ("alpha", "beta")}
        for mode in ("poll", "bell"):
            got = self.both(
                f"raw-pong /dev/uio0 {peers['alpha']} {mode} {TRIPS[mode]}",
                f"raw-rtt /dev/uio0 {peers['beta']} {mode} {TRIPS[mode]}")
            self.add(f"bare ivshmem: round trip 64 B, {mode}, p50", "us",
                     got["p50"] / 1000)
            self.add(f"bare ivshmem: round trip 64 B, {mode}, p99", "us",
                     got["p99"] / 1000)
        got = words(self.lab.vms["alpha"].out(
            f"vmbench raw-copy /dev/uio0 {4 * MIB}", timeout=120))
        self.add("bare ivshmem: memcpy of 64 KiB", "MB/s", got["mbps"])

    def show(self):
        width = max(map(len, self.results))
        print()
        for name, result in self.results.items():
            runs = result["runs"]
            spread = f"   ({min(runs):.1f} to {max(runs):.1f}, {len(runs)} runs)" \
                if len(runs) > 1 else ""
            print(f"{name:<{width}} {statistics.median(runs):10.1f} "
                  f"{result['unit']}{spread}")
        path = BUILD / "bench.json"
        path.write_text(json.dumps(self.results, indent=1) + "\n")
        print(f"\nall runs: {path.relative_to(TOP)}")


def main():
    print(f"{os.cpu_count()} CPUs, guests by {accelerator().split(',')[0]}; "
          f"medians of {RUNS} runs\n\nNatively, two simulated guests:",
          flush=True)
    subprocess.run([BUILD / "user/test-progs/bench-connect"], check=True, cwd=TOP)
    bench = Bench()
    problems = []
    try:
        bench.guests()
        bench.connects()
        bench.bare()
        for run in range(RUNS):
            print(f"run {run + 1} of {RUNS}", flush=True)
            bench.trips()
            bench.memory()
            bench.bare_trips()
            bench.bulk()
        bench.show()
        problems = bench.lab.complaints()
    finally:
        problems += bench.lab.close()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
