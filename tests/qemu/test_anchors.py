# SPDX-License-Identifier: GPL-2.0-only
# A guest whose trust anchor is missing, wrong or shut out is refused, and only it:
# nobody is believed there, it is believed nowhere, and the other two go on.
import errno

from lab.certs import Ca
from lab.members import add_anchor, add_identity, bundle, load_module
from lab.pair import REGION, enter, open_region, until, works

NO_KEY = "Required key not available"


def setup(lab):
    open_region(lab, "alpha", "beta", "gamma", guests=("alpha", "beta"))
    lab.start("gamma", extra=lab.daemon.qemu_args("gamma"))
    lab.vms["gamma"].wait_boot()
    load_module(lab.vms["gamma"])
    lab.other = Ca("other CA")
    # Another key under the true CA's name.
    lab.twin = Ca(lab.ca.name)


def identity(lab, service, ca=None, error=None):
    """Load an identity of gamma's; its serial, or the refusal is as said."""
    guest = lab.vms["gamma"]
    payload = bundle(ca or lab.ca, REGION, "gamma", service)
    if not error:
        return add_identity(guest, payload, service)
    result = guest.run(f"keyctl padd sivshmem {service} @u", stdin=payload, status=1)
    assert error in result.err, result
    return None


def forget(lab):
    """No identity and no anchor at gamma."""
    lab.vms["gamma"].run("keyctl clear @u; keyctl clear %:.sivshmem")


def refused(lab, keys, error):
    """Neither CONNECT nor LISTEN with gamma's identities, and no channel to it."""
    guest = lab.vms["gamma"]
    established = len(lab.daemon.audit(event="connect", errno=0))
    listener = lab.vms["beta"].start(f"chan echo {lab.keys['beta']['data']} 1")
    listener.wait_output("listening")
    out = guest.run(f"chan connect {keys['user']} data vm=beta",
                    status=1).out
    assert out.startswith(error) and "CONNECT" in out, out
    out = guest.run(f"chan keep {keys['data']}", status=1).out
    assert out.startswith(error) and "LISTEN" in out, out
    out = lab.vms["alpha"].run(
        f"chan connect {lab.keys['alpha']['user']} data vm=gamma", status=1).out
    assert out.startswith("ECONNREFUSED"), out
    assert len(lab.daemon.audit(event="connect", errno=0)) == established
    # the listener that gamma did not reach is there for who may
    lab.vms["alpha"].run(f"chan ping {lab.keys['alpha']['user']} data 4 5 vm=beta")
    assert listener.wait() == 0, listener.text


def case_missing(lab):
    identity(lab, "user", error=NO_KEY)
    works(lab)


def case_missing_when_used(lab):
    """The anchor goes after the identities were judged by it."""
    guest = lab.vms["gamma"]
    add_anchor(guest, lab.ca)
    keys = {service: identity(lab, service) for service in ("user", "data")}
    guest.run("keyctl clear %:.sivshmem")
    refused(lab, keys, "ENOKEY")
    # the anchor alone was missing
    add_anchor(guest, lab.ca)
    echo = lab.vms["beta"].start(f"chan echo {lab.keys['beta']['data']} 1")
    echo.wait_output("listening")
    guest.run(f"chan ping {keys['user']} data 5 20 vm=beta")
    assert echo.wait() == 0, echo.text
    forget(lab)
    works(lab)


def no_more(lab, key, act):
    """gamma listens; after @act nobody is believed there."""
    echo = lab.vms["gamma"].start(f"chan echo {key} 1")
    echo.wait_output("listening")
    act()
    out = lab.vms["alpha"].run(
        f"chan connect {lab.keys['alpha']['user']} data vm=gamma", status=1).out
    assert out.startswith("ENOKEY"), out
    assert echo.status is None, echo.text
    echo.kill()
    echo.wait()
    forget(lab)
    works(lab)


def case_missing_later(lab):
    """A session is there already: its peers' certificates are judged anew."""
    guest, alpha = lab.vms["gamma"], lab.vms["alpha"]
    add_anchor(guest, lab.ca)
    key = identity(lab, "data")
    echo = guest.start(f"chan echo {key} 1")
    echo.wait_output("listening")
    alpha.run(f"chan ping {lab.keys['alpha']['user']} data 6 5 vm=gamma")
    assert echo.wait() == 0, echo.text
    no_more(lab, key, lambda: guest.run("keyctl clear %:.sivshmem"))


def case_replaced(lab):
    """Another CA's key under the name of the first: what that one vouched for is over."""
    guest, alpha = lab.vms["gamma"], lab.vms["alpha"]
    anchor = "keyctl padd asymmetric ca %:.sivshmem"
    guest.run(anchor, stdin=lab.ca.der)
    key = identity(lab, "data")
    echo = guest.start(f"chan echo {key} 1")
    echo.wait_output("listening")
    alpha.run(f"chan ping {lab.keys['alpha']['user']} data 6 5 vm=gamma")
    assert echo.wait() == 0, echo.text
    no_more(lab, key, lambda: guest.run(anchor, stdin=lab.other.der))


def case_wrong(lab):
    """Only another CA: neither the true CA's identities nor its host."""
    guest = lab.vms["gamma"]
    add_anchor(guest, lab.other)
    identity(lab, "user", error=NO_KEY)
    keys = {service: identity(lab, service, lab.other)
            for service in ("user", "data")}
    refused(lab, keys, "ENOKEY")
    forget(lab)
    works(lab)


def case_wrong_under_the_true_name(lab):
    guest = lab.vms["gamma"]
    add_anchor(guest, lab.twin)
    # its own key identifier is not the one that the certificate names
    identity(lab, "user", error=NO_KEY)
    # and where it is, the signature is not its own
    keys = {service: identity(lab, service, lab.twin)
            for service in ("user", "data")}
    refused(lab, keys, "ENOKEY")
    forget(lab)
    works(lab)


def refusals(lab):
    """The errnos of what the daemon has refused gamma."""
    return [event["errno"] for event in lab.daemon.audit(event="hello_refused")
            if event["who"].startswith(f"{REGION}/gamma")]


def case_wrong_beside_the_true_one(lab):
    """gamma believes in both, the host does not: its identities are worth nothing."""
    guest = lab.vms["gamma"]
    add_anchor(guest, lab.ca)
    add_anchor(guest, lab.other)
    keys = {service: identity(lab, service, lab.other)
            for service in ("user", "data")}
    seen = len(refusals(lab))
    refused(lab, keys, "ENOKEY")
    until(lambda: refusals(lab)[seen:], "a refusal in the audit log")
    assert set(refusals(lab)[seen:]) == {errno.ENOKEY}, lab.daemon.audit()[-5:]
    forget(lab)
    works(lab)


def case_zz_closed_out(lab):
    """The keyring was closed before the CA was in it: for this boot that is all."""
    guest = lab.vms["gamma"]
    add_anchor(guest, lab.ca)
    keys = {service: identity(lab, service) for service in ("user", "data")}
    guest.run("keyctl clear %:.sivshmem; keyctl restrict_keyring %:.sivshmem")
    guest.run("keyctl padd asymmetric '' %:.sivshmem", stdin=lab.ca.der, status=1)
    assert "asymmetric" not in guest.out("keyctl list %:.sivshmem")
    identity(lab, "other", error=NO_KEY)
    refused(lab, keys, "ENOKEY")
    works(lab)
    # The next boot begins anew.
    lab.forget("gamma")
    lab.start("gamma", extra=lab.daemon.qemu_args("gamma"))
    lab.vms["gamma"].wait_boot()
    enter(lab, "gamma")
    echo = lab.vms["beta"].start(f"chan echo {lab.keys['beta']['data']} 1")
    echo.wait_output("listening")
    lab.vms["gamma"].run(f"chan ping {lab.keys['gamma']['user']} data 7 20 vm=beta")
    assert echo.wait() == 0, echo.text
    works(lab)
