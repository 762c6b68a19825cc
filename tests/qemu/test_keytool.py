# SPDX-License-Identifier: GPL-2.0-only
# The keys' own tool, end to end: its CA and host certificate serve a daemon,
# `load` gives anchor and bundle to a guest's kernel, and `challenge`, the
# kernel's `new`, `sign` and `load` certify a key that was never outside of the
# guest; with either a connect works, and with what the tool or the kernel
# refuses none does.
import subprocess

from lab.daemon import Daemon
from lab.pair import policy, works
from lab.paths import BUILD
from lab.members import load_module


class Tool:
    """sivshmem-keys on the host, with a CA of its own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(0o700)
        self("init-ca")

    def __call__(self, *words, status=0):
        done = subprocess.run(
            [BUILD / "user/sivshmem-keys", *words, "--dir", "ca"], check=False,
            cwd=self.folder, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == status, (words, done)
        return done.stderr

    def read(self, name):
        return (self.folder / name).read_bytes()

    def write(self, name, data):
        (self.folder / name).write_bytes(data)


def setup(lab):
    lab.tool = Tool(lab.run / "keys")
    lab.tool("host", "lab", "--out", "lab")
    lab.ca_crt = lab.tool.read("ca/ca.crt")
    lab.daemon = lab.service(Daemon(
        lab, policy(["alpha", "beta"]),
        {"ca.crt": lab.ca_crt, "lab.crt": lab.tool.read("lab.crt"),
         "lab.key": lab.tool.read("lab.key")}))
    for name in ("alpha", "beta"):
        lab.start(name, extra=lab.daemon.qemu_args(name))
    for name, service in (("alpha", "user"), ("beta", "data")):
        guest = lab.vms[name]
        guest.wait_boot()
        load_module(guest)
        lab.tool("issue", f"lab/{name}/{service}", "--out", f"{name}.bundle")
        put(guest, "ca.crt", lab.ca_crt)
        put(guest, f"{name}.bundle", lab.tool.read(f"{name}.bundle"))


def put(guest, name, data):
    guest.run(f"cat > /tmp/{name}; chmod 600 /tmp/{name}", stdin=data)


def load(guest, words, status=0):
    return guest.run(f"cd /tmp && sivshmem-keys load {words}", status=status)


def key(guest, service):
    return guest.out(f"keyctl search @u sivshmem {service}")


def connects(lab):
    lab.keys = {"alpha": {"user": key(lab.vms["alpha"], "user")},
                "beta": {"data": key(lab.vms["beta"], "data")}}
    works(lab)


def refused(lab, error):
    out = lab.vms["alpha"].run(
        f"chan connect {key(lab.vms['alpha'], 'user')} data", status=1).out
    assert out.startswith(error), out


def case_load(lab):
    # without the anchor the kernel refuses, and the tool says so
    got = load(lab.vms["beta"], "beta.bundle", status=1)
    assert "Required key not available" in got.err, got
    assert not lab.vms["beta"].out("keyctl rlist @u")
    load(lab.vms["beta"], "--ca ca.crt beta.bundle")
    load(lab.vms["alpha"], "--ca ca.crt alpha.bundle")
    connects(lab)


def case_load_refuses(lab):
    """What belongs to others: a stranger's bundle, the host's certificate."""
    alpha = lab.vms["alpha"]
    stranger = Tool(lab.run / "stranger")
    stranger("issue", "lab/alpha/data", "--out", "forged")
    put(alpha, "forged", stranger.read("forged"))
    got = load(alpha, "forged", status=1)
    assert "Required key not available" in got.err, got
    put(alpha, "host", lab.tool.read("lab.crt"))
    got = load(alpha, "host", status=1)
    assert "belongs to the daemon" in got.err, got
    alpha.run("keyctl search @u sivshmem data", status=1)


def case_new_is_signed(lab):
    """The private key is the kernel's alone; what leaves it is the public one."""
    alpha, tool = lab.vms["alpha"], lab.tool
    alpha.run("keyctl clear @u")
    tool("revoke", "lab/alpha/user", "--reason", "superseded")
    tool("challenge", "lab/alpha/user", "--out", "challenge")
    alpha.run("(printf new; cat) | keyctl padd sivshmem user @u",
              stdin=tool.read("challenge"))
    refused(lab, "ENOKEY")
    answer = alpha.run("keyctl pipe %sivshmem:user").raw
    assert len(answer) == 44 + 32, answer
    # a proof that is not the key's is not signed
    tool.write("forged", answer[:-1] + bytes([answer[-1] ^ 1]))
    tool("sign", "lab/alpha/user", "--in", "forged", "--out", "no.crt", status=1)
    tool.write("answer", answer)
    tool("sign", "lab/alpha/user", "--in", "answer", "--out", "user.crt")
    put(alpha, "user.crt", tool.read("user.crt"))
    serial = key(alpha, "user")
    load(alpha, "user.crt")
    assert key(alpha, "user") == serial, "it is another key"
    assert alpha.run(f"keyctl pipe {serial}").raw == tool.read("user.crt")
    connects(lab)


def case_zz_close(lab):
    """Afterwards nobody adds an anchor, and what is there goes on."""
    alpha = lab.vms["alpha"]
    load(alpha, "--close")
    put(alpha, "other.crt", Tool(lab.run / "other").read("ca/ca.crt"))
    load(alpha, "--ca other.crt", status=1)
    connects(lab)
