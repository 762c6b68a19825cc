# SPDX-License-Identifier: GPL-2.0-only
# Whichever call fails that the driver makes of the kernel, not for memory (test_faults.py)
# but for interrupts, regions, numbers, descriptors, files or ciphers, whoever wanted
# something gets an error, nothing else is harmed, and the same without a fault succeeds.
import errno
import subprocess

from lab.faults import (FAULTS, accepting, first_connecting, load, loading, once, probing,
                        sweep, take_away, word, works_again)
from lab.pair import enter, open_region, renew
from lab.paths import BUILD
from lab.shell import Shell

NULL = 0
SIGBUS = 2  # VM_FAULT_SIGBUS
KVMALLOC = "kvmalloc_node __kvmalloc_node_noprof"


def setup(lab):
    open_region(lab, "alpha", "beta")
    for name in ("alpha", "beta"):
        load(lab.vms[name], allocations=False)
    module = BUILD / "modules/drivers/sivshmem/sivshmem.ko"
    lab.imports = set(subprocess.run(
        ["nm", "-u", "--format=just-symbols", module], check=True, text=True,
        stdout=subprocess.PIPE).stdout.split())
    lab.there = Shell(lab.vms["beta"])
    lab.there.ok(f"listen 0 {lab.keys['beta']['data']}")
    lab.here = Shell(lab.vms["alpha"])


def known(lab, names):
    """Those of a call's names that this driver uses."""
    found = [name for name in names.split() if name in lab.imports]
    assert found, f"the driver calls none of {names}"
    return found


def choose(vm, name="", value=0):
    """Which call it is that fails, and what it returns then."""
    vm.run(f"echo {name} > {FAULTS}/call; echo {value} > {FAULTS}/error")


def each(lab, vm, calls, act, clean):
    """Let these fail, one after the other.

    calls: {names that a function has had: (what it returns, what the act says then)};
    it says ok where the driver can do without.
    """
    for names, (value, answer) in calls.items():
        for name in known(lab, names):
            choose(vm, name, value)
            said = sweep(name, vm, act, clean, {answer})
            assert said - {"ok"} == {answer} - {"ok"}, f"{name}: {said}"
    choose(vm)


def case_session(lab):
    """An identity's first session, and its first connect."""
    each(lab, lab.vms["alpha"], {
        "wait_for_random_bytes": (-errno.EINTR, "EINTR"),
        "lookup_user_key": (-errno.EACCES, "EACCES"),
        "find_asymmetric_key": (-errno.ENOKEY, "ENOKEY"),
        "chacha20poly1305_decrypt": (NULL, "EBADMSG"),
        KVMALLOC: (NULL, "ok"),
        "simple_pin_fs": (-errno.ENOMEM, "ENOMEM"),
        "get_unused_fd_flags": (-errno.EMFILE, "EMFILE"),
        "alloc_file_pseudo": (-errno.ENFILE, "ENFILE"),
        "alloc_anon_inode": (-errno.ENOMEM, "ENOMEM"),
        "cdev_device_add": (-errno.EBUSY, "ok"),
        "ida_alloc_range": (-errno.ENOSPC, "ok"),
    }, *first_connecting(lab, lab.here))


def case_identity_is_judged(lab):
    """All are, again and again, so there is only the one that may be lost."""
    alpha = lab.vms["alpha"]
    alpha.run("keyctl clear @u")
    each(lab, alpha, {"key_validate": (-errno.EKEYREVOKED, "EKEYREVOKED")},
         *first_connecting(lab, lab.here))
    renew(lab, "alpha")


def case_listen(lab):
    shell = Shell(lab.vms["alpha"])
    each(lab, lab.vms["alpha"], {
        "vmemdup_user": (-errno.ENOMEM, "ENOMEM"),
        "anon_inode_getfile": (-errno.ENFILE, "ENFILE"),
        "get_unused_fd_flags": (-errno.EMFILE, "EMFILE"),
    }, lambda: word(shell.do(f"listen 3 {lab.keys['alpha']['data']} allow=beta/user")),
        lambda: shell.do("close 3"))
    shell.quit()


def case_map(lab):
    """A page that cannot be shown is a SIGBUS of who touched it, and no more."""
    lab.here.ok(f"connect 1 {lab.keys['alpha']['user']} data")
    lab.there.ok("accept 1 0 5000")

    def act():
        lab.here.ok("map 1 0")
        return word(lab.here.do("get 1 0 0"))

    each(lab, lab.vms["alpha"], {"vmf_insert_pfn": (SIGBUS, "SIGBUS")}, act,
         lambda: lab.here.ok("unmap 1 0"))
    take_away(lab, lab.here)


def case_sealed(lab):
    each(lab, lab.vms["alpha"], {
        "crypto_alloc_aead": (-errno.ENOENT, "EPROTONOSUPPORT"),
        "crypto_aead_setkey": (-errno.EINVAL, "EIO"),
        "crypto_aead_setauthsize": (-errno.EINVAL, "EIO"),
        "crypto_aead_encrypt": (-errno.EIO, "EIO"),
        "crypto_aead_decrypt": (-errno.EBADMSG, "EBADMSG"),
    }, lambda: word(lab.here.do(
        f"connect 1 {lab.keys['alpha']['user']} data timeout=4000 sealed aes")),
        lambda: take_away(lab, lab.here))


def case_accept(lab):
    """The faults are at the side that is connected to."""
    each(lab, lab.vms["beta"], {
        "find_asymmetric_key": (-errno.ENOKEY, "ENOKEY"),
        "get_unused_fd_flags": (-errno.EMFILE, "EMFILE"),
        "alloc_file_pseudo": (-errno.ENFILE, "ENFILE"),
        "alloc_anon_inode": (-errno.ENOMEM, "ENOMEM"),
        "cdev_device_add": (-errno.EBUSY, "ok"),
        "ida_alloc_range": (-errno.ENOSPC, "ok"),
    }, *accepting(lab, lab.here))


def case_records(lab):
    """A record that cannot be sealed is not sent, one that cannot be opened not given
    out: their channel ends."""
    write, read = "write 1 5000 1", "read 1 5000 3000"
    for name, call, shell, line, error in (
            ("alpha", "crypto_aead_encrypt", lab.here, write, -errno.EIO),
            ("beta", "crypto_aead_decrypt", lab.there, read, -errno.ENOMEM)):
        vm = lab.vms[name]
        lab.here.ok(f"connect 1 {lab.keys['alpha']['user']} data sealed aes")
        lab.there.ok("accept 1 0 5000")
        lab.here.ok(write)
        lab.there.ok(read)
        if line == read:
            lab.here.ok(write)
        choose(vm, call, error)
        said, _, failed = once(vm, lambda: shell.do(line), 1)
        choose(vm)
        assert failed and said == "EIO", (line, said)
        shell.refused(line, "EIO")
        other, its = (lab.there, read) if line == write else (lab.here, write)
        other.refused(its, "ECONNRESET")
        take_away(lab, lab.here)


def case_no_room_for_a_record(lab):
    """A sealed channel's first record needs some memory; the next try has it."""
    lab.here.ok(f"connect 1 {lab.keys['alpha']['user']} data sealed")
    lab.there.ok("accept 1 0 5000")
    for name, shell, line in (("alpha", lab.here, "write 1 5000 1"),
                              ("beta", lab.there, "read 1 5000 3000")):
        for call in known(lab, KVMALLOC):
            choose(lab.vms[name], call, NULL)
            said, _, failed = once(lab.vms[name], lambda: shell.do(line), 1)
            choose(lab.vms[name])
            assert failed and said == "ENOMEM", (line, said)
        shell.ok(line)
    take_away(lab, lab.here)


def case_zz_probe(lab):
    alpha = lab.vms["alpha"]
    lab.here.quit()
    act, clean = probing(alpha)
    each(lab, alpha, {
        "pci_enable_device_mem": (-errno.EIO, "unbound"),
        "pci_request_regions_exclusive": (-errno.EBUSY, "unbound"),
        "pci_iomap": (NULL, "unbound"),
        "memremap": (NULL, "unbound"),
        "pci_msix_vec_count": (-errno.EINVAL, "unbound"),
        "pci_alloc_irq_vectors_affinity pci_alloc_irq_vectors": (-errno.ENOSPC, "unbound"),
        "pci_irq_vector": (-errno.EINVAL, "unbound"),
        "request_threaded_irq": (-errno.EBUSY, "unbound"),
        "alloc_workqueue alloc_workqueue_noprof": (NULL, "unbound"),
        "init_srcu_struct __init_srcu_struct": (-errno.ENOMEM, "unbound"),
        "ida_alloc_range": (-errno.ENOSPC, "unbound"),
    }, act, clean)
    act()
    works_again(lab)


def case_zzz_load(lab):
    alpha, parts = lab.vms["alpha"], set()
    alpha.run("keyctl clear @u")
    act, clean = loading(alpha, parts)
    each(lab, alpha, {
        "register_key_type": (-errno.EEXIST, "refused"),
        "keyring_alloc": (-errno.ENOMEM, "refused"),
        "alloc_workqueue alloc_workqueue_noprof": (NULL, "refused"),
        "alloc_chrdev_region": (-errno.EBUSY, "refused"),
        "__class_register class_register": (-errno.ENOMEM, "refused"),
        "misc_register": (-errno.EBUSY, "refused"),
        "register_random_vmfork_notifier": (-errno.EEXIST, "refused"),
        "register_pm_notifier": (-errno.EEXIST, "refused"),
        "__pci_register_driver": (-errno.EBUSY, "refused"),
    }, act, clean)
    print(f"# load: failed were {', '.join(sorted(parts))}", flush=True)
    enter(lab, "alpha")
    works_again(lab)
