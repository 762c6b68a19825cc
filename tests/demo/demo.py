#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""`make demo`: two machines talk, an intruder tries; nothing of it is staged.

Three virtual machines share one memory. `camera` offers the service `front`
and `display` may use it; `intruder` is of the same region and may use nothing.
The exit status is 1 if one of the intruder's acts is not refused as it must be,
or if the same act fails where it is allowed.
"""

import hashlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/qemu"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from story import Story  # noqa: E402

from lab import initramfs  # noqa: E402
from lab.agent import Deadline  # noqa: E402
from lab.daemon import Daemon  # noqa: E402
from lab.lab import Lab, guest_modules, guest_programs  # noqa: E402
from lab.paths import BUILD, LOGS  # noqa: E402
from lab.machine import MACHINE  # noqa: E402
import intruder  # noqa: E402

REGION = "car"
POLICY = """[region car]
size = 64M
mode = shared
granule = 4K
handshake = 20s
liveness = 60s
members = camera display intruder

[vm camera]
user = self
[vm display]
user = self
[vm intruder]
user = self

[service car/camera/front]
clients = display/screen
"""
SECONDS = 600


class Demo:
    """What the chapters share."""

    def __init__(self, story, lab):
        self.story = story
        self.lab = lab
        self.keys = lab.folder / "keys"
        self.serials = {}

    def tool(self, *words):
        """sivshmem-keys, on the host."""
        done = subprocess.run([BUILD / "user/sivshmem-keys", *map(str, words)],
                              stdin=subprocess.DEVNULL, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise RuntimeError(f"sivshmem-keys {words}: {done.stdout}")
        return done.stdout

    # --- chapters -----------------------------------------------------------

    def make_keys(self):
        """The owner's work, offline."""
        self.keys.mkdir(mode=0o700)
        ca = self.keys / "ca"
        self.tool("init-ca", "--dir", ca, "--name", "Car owner")
        self.story.done("the CA is made", "RSA-3072; its key stays with the owner")
        self.tool("host", REGION, "--dir", ca, "--out", self.keys / REGION)
        self.story.done("the host is certified", f"sivshmem://{REGION}")
        for name in ("camera/front", "display/screen", "intruder/tourist"):
            self.tool("issue", f"{REGION}/{name}", "--dir", ca,
                      "--out", self.bundle(name))
            self.story.done("an identity is issued", f"{REGION}/{name}")
        foreign = self.keys / "foreign"
        self.tool("init-ca", "--dir", foreign, "--name", "Somebody else")
        self.tool("issue", f"{REGION}/intruder/forged", "--dir", foreign,
                  "--out", self.keys / "forged.bundle")
        self.story.done("somebody else's CA certifies car/intruder/forged",
                        "for the intruder")

    def bundle(self, name):
        return self.keys / f"{name.replace('/', '-')}.bundle"

    def ca_der(self, name="ca"):
        return (self.keys / name / "ca.der").read_bytes()

    def start_machines(self):
        """The daemon and three guests."""
        files = {path.name: path.read_bytes() for path in (
            self.keys / f"{REGION}.crt", self.keys / f"{REGION}.key",
            self.keys / "ca/ca.crt")}
        self.lab.daemon = self.lab.service(Daemon(self.lab, POLICY, files))
        self.story.done("sivshmemd serves the region",
                        f"as user {self.lab.owner.name}, 64 MiB, policy: "
                        "display/screen may connect to camera/front")
        kernel = self.lab.kernel()
        image = initramfs.build(BUILD / "qemu/demo.cpio", kernel, guest_modules(),
                                guest_programs(), {"root/vmlinux": kernel.vmlinux})
        for name, options in (("camera", {"initramfs": image, "memory": 512}),
                              ("display", {"memory": 320}), ("intruder", {})):
            self.lab.start(name, extra=self.lab.daemon.qemu_args(name), **options)
        for name in ("camera", "display", "intruder"):
            vm = self.lab.vms[name]
            vm.wait_boot()
            self.story.done(f"{name} has booted",
                            f"Debian's Linux {kernel.release}, "
                            f"{vm.boot_seconds:.1f} s")

    def load_keys(self):
        """keyctl in the guests."""
        for name, service in (("camera", "front"), ("display", "screen"),
                              ("intruder", "tourist")):
            vm = self.lab.vms[name]
            vm.run("insmod /modules/sivshmem.ko")
            vm.run('keyctl padd asymmetric "" %:.sivshmem', stdin=self.ca_der())
            if name == "intruder":
                # Its root is hostile: it trusts the other CA as well.
                vm.run('keyctl padd asymmetric "" %:.sivshmem',
                       stdin=self.ca_der("foreign"))
                self.story.done("intruder: driver loaded, the CA in its keyring",
                                "and the other CA: its root is hostile")
                continue
            # For good: from here on the module cannot be unloaded either.
            vm.run("keyctl restrict_keyring %:.sivshmem")
            self.add_key(name, service)
            self.story.done(f"{name}: driver, CA and identity are in the kernel",
                            f"keyctl padd sivshmem {service} @u")

    def add_key(self, vm, service, bundle=None, name=None):
        """Load an identity with keyctl; remembers its serial number."""
        payload = (bundle or self.bundle(f"{vm}/{service}")).read_bytes()
        serial = self.lab.vms[vm].out(
            f"keyctl padd sivshmem {name or service} @u", stdin=payload)
        self.serials[vm, name or service] = serial
        return serial

    def handshake(self):
        """Times of the first and of later connects."""
        echo = self.serve("echo {key} 2")
        for what in ("first", "second"):
            out = self.call("connect {key} front")
            times = re.search(r"handshake_us=(\d+) x25519_us=(\d+)", out)
            self.story.check(
                out.startswith("ok camera/front") and times,
                f"display connects to camera/front, the {what} time", out,
                times and "both have proved who they are after "
                f"{int(times[1]) / 1e3:.1f} ms, {int(times[2]) / 1e3:.1f} ms "
                "of them X25519")
        self.story.check(echo.wait() == 0, "camera accepted both", echo.text)

    def serve(self, command, words=""):
        """Start a listener in camera; returns when it listens."""
        key = self.serials["camera", "front"]
        job = self.lab.vms["camera"].start(
            f"chan {command.format(key=key)} {words}")
        job.wait_output("listening")
        return job

    def call(self, command, words="", vm="display", service="screen"):
        key = self.serials[vm, service]
        return self.lab.vms[vm].run(f"chan {command.format(key=key)} {words}",
                                    status=None).out.strip()

    def send_file(self, kind):
        """The guests' own kernel, from camera to display."""
        camera, display = self.lab.vms["camera"], self.lab.vms["display"]
        total = self.lab.kernel().vmlinux.stat().st_size
        flag = "--sealed" if kind == "sealed" else ""
        sender = camera.start("sivshmemctl send --as front --listen "
                              f"{flag} /root/vmlinux 2>&1")
        sender.wait_output("listening as front")
        start = time.monotonic()
        receiver = display.start(
            "sivshmemctl recv --as screen --connect front --ring 1M "
            f"--quiet {flag} --force -o /tmp/received 2>&1")
        while receiver.status is None and time.monotonic() - start < 120:
            time.sleep(0.25)
            sizes = display.run("cat /dev/null; stat -c %s /tmp/.*.part "
                                "2>/dev/null", status=None).out.split()
            self.story.progress(kind, min(int((sizes or [0])[0]), total - 1),
                                total, time.monotonic() - start)
        seconds = time.monotonic() - start
        if receiver.status == 0:
            self.story.progress(kind, total, total, seconds)
        sender.wait()
        digest = display.run("sha256sum /tmp/received; rm -f /tmp/received",
                             status=None, timeout=120).out.split(" ")[0]
        right = hashlib.sha256(self.lab.kernel().vmlinux.read_bytes()).hexdigest()
        self.story.check(
            digest == right and receiver.status == 0 and sender.status == 0,
            f"{total / 1e6:.0f} MB arrived, SHA-256 {right[:16]}… is right",
            f"{digest} is not {right}: {sender.text} {receiver.text}")

    def figures(self):
        """Round trips and bandwidth, as sivshmemctl measures them."""
        for kind, flag in (("plain", ""), ("sealed", "--sealed")):
            server = self.lab.vms["camera"].start(
                f"sivshmemctl listen --as front --echo --keep {flag} 2>&1")
            server.wait_output("listening as front")
            for what, words in (("round trips", "ping -c 500"),
                                ("bandwidth", "bench -b 16M")):
                out = self.lab.vms["display"].run(
                    f"sivshmemctl {words} --as screen --quiet {flag} front",
                    status=None, timeout=180)
                self.story.check(out.status == 0, f"{what}, {kind}", repr(out))
                self.story.tell(out.out.rstrip())
            server.kill(15)
            server.wait()


def tell(demo, story):
    story.chapter("The owner makes keys, offline")
    demo.make_keys()
    story.chapter("The host and three machines start")
    story.tell(f"QEMU with {MACHINE.accelerator(False).split(',')[0].upper()}; "
               "neither QEMU nor the daemon runs as root")
    demo.start_machines()
    story.chapter("Identities go into the kernels, by keyctl")
    demo.load_keys()
    story.chapter("The handshake")
    demo.handshake()
    story.chapter("A real file: the guests' own kernel")
    demo.send_file("plain")
    demo.send_file("sealed")
    story.chapter("Figures")
    demo.figures()
    story.chapter("The intruder")
    intruder.attempt_all(demo)


def too_late(*_):
    raise Deadline(f"not done in {SECONDS} s")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGALRM, too_late)
    story = Story()
    lab = None
    try:
        signal.alarm(SECONDS)
        (LOGS / "demo").mkdir(parents=True, exist_ok=True)
        subprocess.run(["rm", "-rf", LOGS / "demo"], check=True)
        lab = Lab("demo")
        tell(Demo(story, lab), story)
    except Exception as error:  # noqa: BLE001 - whatever ends the story early
        story.deviation("the story could not be told to its end",
                        f"{type(error).__name__}: {error}")
    finally:
        signal.alarm(0)
        for problem in lab.close() if lab else []:
            story.deviation("a machine complained", problem)
    story.tell(f"Logs: {(LOGS / 'demo').relative_to(TOP)}")
    status = story.end()
    if "--count" in sys.argv:
        print(story.counted())
    return status


if __name__ == "__main__":
    sys.exit(main())
