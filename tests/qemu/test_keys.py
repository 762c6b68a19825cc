# SPDX-License-Identifier: GPL-2.0-only
# Identity keys and trust anchors by keyctl: what is accepted, what is refused
# and with which errno, what can be read, and what ends with the module.
from lab.certs import (DAY, HOST, SPKI_X25519, X25519, Ca, possession)

ERRORS = {
    "EBADMSG": "Bad message",
    "EEXIST": "File exists",
    "EINVAL": "Invalid argument",
    "EKEYEXPIRED": "Key has expired",
    "EKEYREJECTED": "Key was rejected by service",
    "ENOKEY": "Required key not available",
}
URI = "sivshmem://lab/vma/camera.front"


def setup(lab):
    lab.boot("guest")
    lab.vms["guest"].run("insmod /modules/sivshmem.ko")
    lab.ca = Ca()
    lab.me = X25519()


def padd(guest, payload, name="camera.front", error=None, ring="@u", kind="sivshmem"):
    """Add a key; its serial, or nothing if it must be refused."""
    result = guest.run(f"keyctl padd {kind} '{name}' {ring}", stdin=payload,
                       status=1 if error else 0)
    if error:
        assert ERRORS[error] in result.err, (error, result)
        return None
    return result.out.strip()


def update(guest, serial, payload, error=None):
    result = guest.run(f"keyctl pupdate {serial}", stdin=payload,
                       status=1 if error else 0)
    assert not error or ERRORS[error] in result.err, (error, result)


def read(guest, serial):
    return guest.run(f"keyctl pipe {serial}").raw


def clear(guest):
    guest.run("keyctl clear @u")


def anchor(lab):
    """Add the CA unless it is there."""
    guest = lab.vms["guest"]
    if "asymmetric" not in guest.out("keyctl list %:.sivshmem"):
        padd(guest, lab.ca.der, "", ring="%:.sivshmem", kind="asymmetric")


def case_no_anchor(lab):
    bundle = lab.ca.issue(lab.me.public, URI) + lab.me.private
    padd(lab.vms["guest"], bundle, error="ENOKEY")


def case_bundle(lab):
    guest = lab.vms["guest"]
    anchor(lab)
    cert = lab.ca.issue(lab.me.public, URI)
    for name in ("camera.front", "lab/vma/camera.front"):
        key = padd(guest, cert + lab.me.private, name)
        assert read(guest, key) == cert
        assert "lab/vma/camera.front" in guest.out("cat /proc/keys")
        clear(guest)
    # the empty description is filled from the certificate
    key = padd(guest, cert + lab.me.private, "")
    assert "camera.front" in guest.out(f"keyctl describe {key}")
    clear(guest)
    # without a key identifier the issuer's name finds the anchor
    padd(guest, lab.ca.issue(lab.me.public, URI, akid=False) + lab.me.private)
    clear(guest)


def case_log_names_the_cause(lab):
    guest = lab.vms["guest"]
    anchor(lab)
    good = lab.ca.issue(lab.me.public, URI)
    guest.run("sleep 6; dmesg -c")  # few lines are written in five seconds
    padd(guest, good, error="EINVAL")
    padd(guest, good + lab.me.private, "lab/camera.front", error="EINVAL")
    padd(guest, good + lab.me.private, "camera.rear", error="EKEYREJECTED")
    said = [line.split("key refused, uid 0: ")[1]
            for line in guest.out("dmesg").splitlines() if "key refused" in line]
    assert said == ["a certificate alone, and no key that it renews",
                    "a key's description is neither SERVICE nor REGION/VM/SERVICE",
                    "certificate names another service"], said


def case_refused(lab):
    guest = lab.vms["guest"]
    anchor(lab)
    ca, me = lab.ca, lab.me
    good = ca.issue(me.public, URI)
    padd(guest, b"", error="EBADMSG")
    padd(guest, b"x", error="EBADMSG")
    padd(guest, good[:-1], error="EBADMSG")
    padd(guest, good + me.private + b"\0", error="EBADMSG")
    padd(guest, good + b"\x30\x00", error="EBADMSG")
    padd(guest, good, error="EINVAL")
    padd(guest, good + X25519().private, error="EKEYREJECTED")
    padd(guest, good + me.private, "camera.rear", error="EKEYREJECTED")
    padd(guest, good + me.private, "lab/vmb/camera.front", error="EKEYREJECTED")
    padd(guest, good + me.private, "lab/camera.front", error="EINVAL")
    padd(guest, good + me.private, "Camera", error="EINVAL")
    padd(guest, b"\xff" * 8192, error="EBADMSG")

    def refuse(error, **how):
        uri = how.pop("uri", URI)
        padd(guest, ca.issue(me.public, uri, **how) + me.private, error=error)

    refuse("EKEYREJECTED", damage=1)
    refuse("EKEYEXPIRED", end=-DAY // 2)
    refuse("EKEYREJECTED", start=3600)
    refuse("EKEYREJECTED", usage=HOST)
    refuse("EKEYREJECTED", usage=HOST, uri="sivshmem://lab")
    refuse("EKEYREJECTED", uri="sivshmem://lab/vma")
    refuse("EKEYREJECTED", usage=b"\x55\x1d\x25\x00")
    assert guest.out("keyctl rlist @u") == ""


def case_other_ca(lab):
    guest = lab.vms["guest"]
    anchor(lab)
    me = lab.me
    padd(guest, Ca("other").issue(me.public, URI) + me.private, error="ENOKEY")
    # the same name is not the same CA: the key identifier is looked for
    twin = Ca(lab.ca.name)
    padd(guest, twin.issue(me.public, URI) + me.private, error="ENOKEY")
    twin.skid = lab.ca.skid
    padd(guest, twin.issue(me.public, URI) + me.private, error="EKEYREJECTED")


def case_weak_ca(lab):
    guest = lab.vms["guest"]
    weak = Ca("weak", bits=2048)
    serial = padd(guest, weak.der, "", ring="%:.sivshmem", kind="asymmetric")
    padd(guest, weak.issue(lab.me.public, URI) + lab.me.private,
         error="EKEYREJECTED")
    guest.run(f"keyctl unlink {serial} %:.sivshmem")


def case_new(lab):
    guest = lab.vms["guest"]
    anchor(lab)
    key = padd(guest, b"new")
    spki = read(guest, key)
    assert len(spki) == 44 and spki.startswith(SPKI_X25519), spki.hex()
    assert "no certificate yet" in guest.out("cat /proc/keys")
    cert = lab.ca.issue(spki[12:], URI)
    update(guest, key, lab.ca.issue(X25519().public, URI), "EKEYREJECTED")
    update(guest, key, lab.ca.issue(spki[12:], "sivshmem://lab/vma/x"),
           "EKEYREJECTED")
    update(guest, key, lab.ca.issue(spki[12:], URI, end=-DAY // 2), "EKEYEXPIRED")
    update(guest, key, cert)
    assert read(guest, key) == cert
    update(guest, key, b"new", "EEXIST")
    padd(guest, b"new", error="EEXIST")
    padd(guest, lab.ca.issue(lab.me.public, URI) + lab.me.private, error="EEXIST")
    # a renewal, by either way
    update(guest, key, lab.ca.issue(spki[12:], URI, end=2 * DAY))
    cert = lab.ca.issue(spki[12:], URI, end=3 * DAY)
    assert padd(guest, cert) == key
    assert read(guest, key) == cert
    padd(guest, b"new", "", error="EINVAL")
    clear(guest)


def case_new_proves_possession(lab):
    guest = lab.vms["guest"]
    tool = X25519()
    answer = read(guest, padd(guest, b"new" + tool.public))
    spki, proof = answer[:44], answer[44:]
    assert proof == possession(tool.derive(spki[12:]), tool.public, spki)
    clear(guest)
    padd(guest, b"new" + bytes(32), error="EBADMSG")
    padd(guest, b"new" + b"\xff" * 32, error="EBADMSG")
    padd(guest, b"new" + bytes(31), error="EBADMSG")
    padd(guest, b"newer", error="EBADMSG")


def case_users_are_apart(lab):
    guest = lab.vms["guest"]
    anchor(lab)
    bundle = lab.ca.issue(lab.me.public, URI) + lab.me.private
    key = padd(guest, bundle)
    for act in ("pipe", "revoke", "invalidate"):
        result = guest.run(f"su -s /bin/sh user -c 'keyctl {act} {key}'", status=1)
        assert "Permission denied" in result.err, result
    # nobody but root touches the anchors
    for act in (f"padd asymmetric '' %:.sivshmem", "clear %:.sivshmem",
                "restrict_keyring %:.sivshmem"):
        guest.run(f"su -s /bin/sh user -c \"keyctl {act}\"", stdin=lab.ca.der,
                  status=1)
    clear(guest)


def case_ends(lab):
    guest = lab.vms["guest"]
    anchor(lab)
    bundle = lab.ca.issue(lab.me.public, URI) + lab.me.private
    for act in ("revoke {}", "invalidate {}", "unlink {} @u", "timeout {} 1",
                "clear @u"):
        key = padd(guest, bundle)
        guest.run("keyctl " + act.format(key))
        guest.run("sleep 1.5")
        result = guest.run(f"keyctl pipe {key}", status=1)
        assert "revoked" in result.err or "not available" in result.err or \
            "expired" in result.err, result
        clear(guest)


def case_hibernation_forgets(lab):
    guest = lab.vms["guest"]
    anchor(lab)
    bundle = lab.ca.issue(lab.me.public, URI) + lab.me.private
    key = padd(guest, bundle)
    # the kernel's own test of hibernation: up to frozen tasks, back after 5 s
    guest.run("echo freezer > /sys/power/pm_test; echo disk > /sys/power/state")
    guest.run(f"keyctl pipe {key}", status=1)
    padd(guest, bundle)
    clear(guest)


def case_unloads_with_keys(lab):
    guest = lab.vms["guest"]
    anchor(lab)
    key = padd(guest, lab.ca.issue(lab.me.public, URI) + lab.me.private)
    padd(guest, b"new", "other")
    guest.run("rmmod sivshmem")
    guest.run(f"keyctl pipe {key}", status=1)
    assert ".sivshmem" not in guest.out("cat /proc/keys")
    guest.run("insmod /modules/sivshmem.ko")
    clear(guest)


def case_zz_closed_anchors(lab):
    guest = lab.vms["guest"]
    anchor(lab)
    guest.run("keyctl restrict_keyring %:.sivshmem")
    guest.run("keyctl padd asymmetric '' %:.sivshmem", stdin=lab.ca.der, status=1)
    other = Ca("other")
    serial = padd(guest, other.der, "", kind="asymmetric")
    guest.run(f"keyctl link {serial} %:.sivshmem", status=1)
    # nor can another keyring be made to pass for it
    guest.run("keyctl session .sivshmem true", status=1)
    guest.run("keyctl newring .sivshmem @u", status=1)
    ring = guest.out("keyctl newring sivshmem @u")
    padd(guest, other.der, "", ring=ring, kind="asymmetric")
    padd(guest, other.issue(lab.me.public, URI) + lab.me.private, error="ENOKEY")
    padd(guest, lab.ca.issue(lab.me.public, URI) + lab.me.private)
    # now it cannot be replaced by an open one
    guest.run("rmmod sivshmem", status=1)
    clear(guest)
