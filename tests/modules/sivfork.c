// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells the whole kernel, when loaded, that it runs in a copy of its machine: calls what
 * the driver of VMGENID calls, which tells all who are to be told. For test guests only;
 * no QEMU changes a generation id while a machine runs, and none copies a machine that
 * has an ivshmem peer.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/random.h>

typedef void siv_vmfork_fn(const void *unique_vm_id, size_t len);

/* It is exported only where VMGENID's driver is a module: a probe tells where it is. */
static siv_vmfork_fn *siv_fork_find(void)
{
	struct kprobe probe = { .symbol_name = "add_vmfork_randomness" };
	siv_vmfork_fn *fn;

	if (register_kprobe(&probe))
		return NULL;
	fn = (siv_vmfork_fn *)probe.addr;
	unregister_kprobe(&probe);
	return fn;
}

static int __init siv_fork_init(void)
{
	siv_vmfork_fn *fork = siv_fork_find();
	u8 id[16];

	if (!fork)
		return -ENOENT;
	get_random_bytes(id, sizeof(id));
	fork(id, sizeof(id));
	return 0;
}

static void __exit siv_fork_exit(void)
{
}

module_init(siv_fork_init);
module_exit(siv_fork_exit);

MODULE_DESCRIPTION("For tests: this machine is a copy");
MODULE_LICENSE("GPL");
