#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""`make bench`: figures, not tests.

Connects natively, between two simulated guests and the daemon; then in two
virtual machines: connects, round trips of 64 bytes by polling and by doorbell,
bandwidth of 64-KiB records; beside them the bare device in a vanilla region
under the UIO-style driver, and the very same loop on a channel's memory. Runs
are interleaved, medians of RUNS are shown, and build/bench.json has every single
one. What connects spend on X25519 is asked of the guests' tracers in passes of
their own, because tracers make them slower; the daemon's is not in it.
"""

import json
import os
import re
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/qemu"))

from lab.daemon import Daemon  # noqa: E402
from lab.certs import Ca  # noqa: E402
from lab.lab import Lab  # noqa: E402
from lab.members import add_identity, bundle  # noqa: E402
from lab.pair import REGION, enter, policy  # noqa: E402
from lab.paths import BUILD  # noqa: E402
from lab.machine import MACHINE  # noqa: E402

RUNS = 5
COLD = 100  # identities that have never been in a session
COLD_TRACED = 20
# To the host a session whose key is gone lasts ten seconds, until its silence is noticed,
# and a VM has 32; and a guest verifies eight certificates of a peer's in a second.
COLD_PAUSE = 0.4
WARM = 100
TRIPS = {"poll": 20000, "bell": 1000}
MIB = 64
# Keys that are made in advance are on nobody's path.
TRACE = """cd /sys/kernel/tracing && echo siv_pool_refill_work > set_graph_notrace &&
echo siv_x25519 siv_x25519_base siv_pool_refill_work > set_ftrace_filter &&
echo > trace && echo {tracer} > current_tracer"""
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

    def add(self, name, unit, value, samples=None):
        """A run's figure; samples: of how many it was taken."""
        self.results.setdefault(name, {"unit": unit, "samples": samples, "runs": []})
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

    def x25519(self, what, count, act, p50):
        """What these so many connects spend on it in both guests; its share of p50."""
        for name in ("alpha", "beta"):
            self.lab.vms[name].run(TRACE.format(tracer="function_graph"))
        act()
        spent = 0
        for name in ("alpha", "beta"):
            durations = [float(us) for us in re.findall(
                r"([0-9.]+) us .*siv_x25519", self.lab.vms[name].out(
                    "cat /sys/kernel/tracing/trace"))]
            self.lab.vms[name].run(TRACE.format(tracer="nop"))
            spent += sum(durations) / count
            self.add(f"{what}, X25519 in {name}, each", "us",
                     statistics.mean(durations))
            self.add(f"{what}, X25519 in {name}, so many", "", len(durations) / count)
        self.add(f"{what}, share of X25519", "%", 100 * spent / p50)

    def fresh(self, count, name):
        """Keys of identities that have never been in a session."""
        return [add_identity(self.lab.vms["alpha"],
                             bundle(self.lab.ca, REGION, "alpha", f"{name}{i}"),
                             f"{name}{i}") for i in range(count)]

    def first_connects(self, keys):
        """The first session of each identity and its first connect, in one."""
        alpha = self.lab.vms["alpha"]
        times = []
        for key in keys:
            got = words(alpha.out(f"vmbench connect {key} data 1"))
            times.append(got["p50"] / 1000)
            alpha.run(f"keyctl unlink {key} @u")
            time.sleep(COLD_PAUSE)
        return sorted(times)

    def cold(self):
        what = "QEMU: connect, cold"
        times = self.first_connects(self.fresh(COLD, "cold"))
        p50 = times[COLD // 2]
        self.add(f"{what}, p50", "us", p50, COLD)
        self.add(f"{what}, p99", "us", times[COLD * 99 // 100], COLD)
        # adding a key proves that it is there: not a connect's X25519
        keys = self.fresh(COLD_TRACED, "traced")
        self.x25519(what, COLD_TRACED, lambda: self.first_connects(keys), p50)

    def warm(self):
        what = "QEMU: connect, warm"
        key = self.lab.keys["alpha"]["user"]
        command = f"vmbench connect {key} data {WARM}"
        got = words(self.lab.vms["alpha"].out(command))
        p50 = got["p50"] / 1000
        self.add(f"{what}, p50", "us", p50, WARM)
        self.add(f"{what}, p99", "us", got["p99"] / 1000, WARM)
        self.x25519(what, WARM, lambda: self.lab.vms["alpha"].run(command), p50)

    def connects(self):
        connects = COLD + COLD_TRACED + RUNS * 2 * WARM
        echo = self.lab.vms["beta"].start(
            f"chan echo {self.lab.keys['beta']['data']} {connects}")
        echo.wait_output("listening")
        self.cold()
        for _ in range(RUNS):
            self.warm()
        assert echo.wait() == 0, echo.text

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
        got = self.both("drain {key}", f"mem-copy {{key}} data {4 * MIB}")
        self.add("QEMU: channel's memory, memcpy of 64 KiB", "MB/s", got["mbps"])

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
            notes = []
            if len(runs) > 1:
                notes += [f"{min(runs):.2f} to {max(runs):.2f}", f"{len(runs)} runs"]
            if result["samples"]:
                notes += [f"{result['samples']} samples"]
            print(f"{name:<{width}} {statistics.median(runs):10.2f} {result['unit']}"
                  + (f"   ({', '.join(notes)})" if notes else ""))
        path = BUILD / "bench.json"
        path.write_text(json.dumps(self.results, indent=1) + "\n")
        print(f"\nall runs: {path.relative_to(TOP)}")


def main():
    print(f"{os.cpu_count()} CPUs, guests by {MACHINE.accelerator(False).split(',')[0]}; "
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
