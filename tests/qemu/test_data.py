# SPDX-License-Identifier: GPL-2.0-only
# Two guests shake hands through the daemon and move records both ways, byte
# for byte, at all sizes and across the rings' ends, plain and sealed.
from lab.kernel import PAGE
from lab.pair import open_region

COUNT = 300


def setup(lab):
    open_region(lab, "alpha", "beta")


def listen(lab, name, command, words=""):
    """Start a listener as the service `data`; returns when it listens."""
    key = lab.keys[name]["data"]
    job = lab.vms[name].start(f"chan {command.format(key=key)} {words}")
    job.wait_output("listening")
    return job


def call(lab, name, command, words="", **options):
    key = lab.keys[name]["user"]
    return lab.vms[name].run(f"chan {command.format(key=key)} {words}", **options)


def ended_ok(job):
    assert job.wait() == 0, job.text
    return dict(word.split("=") for word in job.text.split() if "=" in word)


def transfer(lab, source, sink, words="", seed=1):
    reader = listen(lab, sink, f"sink {{key}} {seed} {COUNT}", words)
    sent = call(lab, source, f"source {{key}} data {seed} {COUNT}", words).out
    got = ended_ok(reader)
    assert f"bytes={got['bytes']} " in sent, (sent, got)
    assert got["rx_records"] == str(COUNT), got


def case_connect(lab):
    echo = listen(lab, "beta", "echo {key} 1")
    out = call(lab, "alpha", "connect {key} data").out
    assert out.startswith("ok beta/data "), out
    ended_ok(echo)


def case_one_way(lab):
    transfer(lab, "alpha", "beta", seed=1)


def case_other_way(lab):
    transfer(lab, "beta", "alpha", seed=2)


def case_small_rings(lab):
    transfer(lab, "alpha", "beta", f"ring={PAGE}", seed=3)


def case_sealed(lab):
    transfer(lab, "alpha", "beta", "sealed", seed=4)


def case_sealed_aes(lab):
    transfer(lab, "beta", "alpha", "sealed aes", seed=5)


def case_echo_plain(lab):
    echo = listen(lab, "beta", "echo {key} 1")
    call(lab, "alpha", "ping {key} data 6 200")
    ended_ok(echo)
    event = lab.daemon.wait_audit(event="connect", who="lab/alpha/user")
    assert event["rule"] == "service lab/beta/data", event


def case_echo_sealed(lab):
    echo = listen(lab, "alpha", "echo {key} 1", "sealed")
    call(lab, "beta", "ping {key} data 7 200", "sealed")
    ended_ok(echo)


def case_nonblocking_connect(lab):
    echo = listen(lab, "beta", "echo {key} 1")
    out = call(lab, "alpha", "connect {key} data", "nonblock").out
    assert out.startswith("ok beta/data "), out
    ended_ok(echo)


def case_nobody_listens(lab):
    out = call(lab, "alpha", "connect {key} data", status=1).out
    assert out.startswith("ECONNREFUSED"), out
