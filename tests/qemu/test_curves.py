# SPDX-License-Identifier: GPL-2.0-only
# Under a CA whose key is on a NIST curve all is as under one of RSA's, where the guest's
# kernel has ECDSA; where it has none (Debian 12's), nothing of such a CA's is believed.
from lab.certs import Ca
from lab.members import add_anchor, add_identity, bundle, load_module
from lab.pair import REGION, open_region, policy, works

# what keyctl says of an anchor, and of an identity whose anchor is none, or on a curve
UNKNOWN = "No such file or directory"
NO_ANCHOR, REJECTED = "Required key not available", "Key was rejected by service"


def has_ecdsa(lab):
    return lab.kernel().has_module("ecdsa_generic")


def setup(lab):
    lab.ca384 = Ca(curve="P-384")
    if has_ecdsa(lab):
        open_region(lab, "alpha", "beta", ca=lab.ca384)
    else:
        lab.boot("alpha")
        load_module(lab.vms["alpha"])


def believe(lab, ca):
    """Make a CA the anchor. Without ECDSA some kernels refuse that already; what they
    say of an identity of its then."""
    vm = lab.vms["alpha"]
    if has_ecdsa(lab):
        add_anchor(vm, ca)
        return None
    added = vm.run('keyctl padd asymmetric "" %:.sivshmem', stdin=ca.der, status=None)
    assert not added.status or UNKNOWN in added.err, added
    return NO_ANCHOR if added.status else REJECTED


def judged(lab, ca, service, refusal):
    """An identity of a CA's, and one with a bit of its signature changed."""
    bad = bundle(ca, REGION, "alpha", service, damage=1)
    good = bundle(ca, REGION, "alpha", service)
    for payload, words in ((bad, refusal or REJECTED), (good, refusal)):
        if words:
            result = lab.vms["alpha"].run(f"keyctl padd sivshmem {service} @u",
                                          stdin=payload, status=1)
            assert words in result.err, result
        else:
            add_identity(lab.vms["alpha"], payload, service)


def case_p256(lab):
    ca = Ca("on P-256", curve="P-256")
    judged(lab, ca, "p256", believe(lab, ca))


def case_p384(lab):
    if has_ecdsa(lab):
        works(lab)
    judged(lab, lab.ca384, "p384",
           None if has_ecdsa(lab) else believe(lab, lab.ca384))
