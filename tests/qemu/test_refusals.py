# SPDX-License-Identifier: GPL-2.0-only
# Whichever call fails that the driver makes of the kernel, not for memory (test_faults.py)
# but for interrupts, regions, numbers, descriptors, files or ciphers, whoever wanted
# something gets an error, nothing else is harmed, and the same without a fault succeeds.
import errno
import subprocess

from lab.faults import (FAULTS, accepting, first_connecting, load, loading, once, probing,
                        sweep, take_away, word, works_again)
from lab.pair import enter, open_region
from lab.paths import BUILD
from lab.shell import Shell

NULL = 0


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


def each(lab, vm, calls, act, clean):
    """Let these fail, one after the other.

    calls: {names that a function has had: (what it returns, what the act says then)};
    it says ok where the driver can do without.
    """
    for names, (value, answer) in calls.items():
        known = [name for name in names.split() if name in lab.imports]
        assert known, f"the driver calls none of {names}"
        for name in known:
            vm.run(f"echo {name} > {FAULTS}/call; echo {value} > {FAULTS}/error")
            said = sweep(name, vm, act, clean, {answer})
            assert said - {"ok"} == {answer} - {"ok"}, f"{name}: {said}"
    vm.run(f"echo > {FAULTS}/call")


def case_session(lab):
    """An identity's first session, and its first connect."""
    each(lab, lab.vms["alpha"], {
        "wait_for_random_bytes": (-errno.EINTR, "EINTR"),
        "lookup_user_key": (-errno.EACCES, "EACCES"),
        "key_validate": (-errno.EKEYREVOKED, "EKEYREVOKED"),
        "find_asymmetric_key": (-errno.ENOKEY, "ENOKEY"),
        "chacha20poly1305_decrypt": (NULL, "EBADMSG"),
        "simple_pin_fs": (-errno.ENOMEM, "ENOMEM"),
        "get_unused_fd_flags": (-errno.EMFILE, "EMFILE"),
        "alloc_file_pseudo": (-errno.ENFILE, "ENFILE"),
        "alloc_anon_inode": (-errno.ENOMEM, "ENOMEM"),
        "cdev_device_add": (-errno.EBUSY, "ok"),
        "ida_alloc_range": (-errno.ENOSPC, "ok"),
    }, *first_connecting(lab, lab.here))


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
        "find_asymmetric_key": (-errno.ENOKEY, "ok"),
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
        vm.run(f"echo {call} > {FAULTS}/call; echo {error} > {FAULTS}/error")
        said, _, failed = once(vm, lambda: shell.do(line), 1)
        vm.run(f"echo > {FAULTS}/call")
        assert failed and said == "EIO", (line, said)
        shell.refused(line, "EIO")
        other, its = (lab.there, read) if line == write else (lab.here, write)
        other.refused(its, "ECONNRESET")
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
        "pci_alloc_irq_vectors_affinity": (-errno.ENOSPC, "unbound"),
        "pci_irq_vector": (-errno.EINVAL, "unbound"),
        "request_threaded_irq": (-errno.EBUSY, "unbound"),
        "alloc_workqueue alloc_workqueue_noprof": (NULL, "unbound"),
        "init_srcu_struct": (-errno.ENOMEM, "unbound"),
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
