// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registration, in the order of the floors, and its unwinding; what the whole module is
 * told by the system: sleep, hibernation, and that it runs in a copy of its machine.
 */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/random.h>
#include <linux/suspend.h>

#include "channel.h"
#include "control.h"
#include "device.h"
#include "host.h"
#include "keys.h"
#include "node.h"
#include "pci.h"

module_param_named(fallback_ms, siv_fallback_ms, uint, 0444);
MODULE_PARM_DESC(fallback_ms, "ms between checks for lost doorbells; 0: none");

/* Everything of before is stale: a copy of this machine may be going on with it. */
static int siv_vmfork(struct notifier_block *nb, unsigned long action,
		      void *data)
{
	/* a record sealed now would share its nonce with the other copy's next one */
	siv_devices_suspend(SIV_R_EPOCH, false);
	siv_devices_resume();
	return NOTIFY_DONE;
}

static struct notifier_block siv_vmfork_nb = { .notifier_call = siv_vmfork };

/*
 * Before user space is frozen, so that callers learn why. Session keys must not be in
 * memory that is powered only to be read; private keys not in an image on disk.
 */
static int siv_pm(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
		siv_devices_suspend(SIV_R_EPOCH, true);
		siv_keys_forget_all();
		break;
	case PM_SUSPEND_PREPARE:
	case PM_RESTORE_PREPARE:
		siv_devices_suspend(SIV_R_EPOCH, true);
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_SUSPEND:
	case PM_POST_RESTORE:
		siv_devices_resume();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block siv_pm_nb = { .notifier_call = siv_pm };

/* A step of init and its opposite. */
struct siv_step {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
};

static int siv_notifiers_init(void)
{
	int err = register_random_vmfork_notifier(&siv_vmfork_nb);

	if (err)
		return err;
	err = register_pm_notifier(&siv_pm_nb);
	if (err)
		unregister_random_vmfork_notifier(&siv_vmfork_nb);
	return err;
}

static void siv_notifiers_exit(void)
{
	unregister_pm_notifier(&siv_pm_nb);
	unregister_random_vmfork_notifier(&siv_vmfork_nb);
}

/*
 * Devices come last and go first: with them every session and channel ends. Then the
 * structs that open descriptors still held are waited for; the key type goes after all
 * that could hold an identity.
 */
static const struct siv_step siv_steps[] = {
	{ "keys", siv_keys_init, siv_keys_exit },
	{ "host", siv_host_init, siv_host_exit },
	{ "channels", siv_channel_init, siv_channel_exit },
	{ "nodes", siv_node_init, siv_node_exit },
	{ "devices", NULL, siv_device_wait_all_gone },
	{ "control node", siv_control_init, siv_control_exit },
	{ "notifiers", siv_notifiers_init, siv_notifiers_exit },
	{ "PCI driver", siv_pci_init, siv_pci_exit },
};

static void siv_unwind(unsigned int n)
{
	while (n--)
		if (siv_steps[n].exit)
			siv_steps[n].exit();
}

static int __init siv_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(siv_steps); i++) {
		err = siv_steps[i].init ? siv_steps[i].init() : 0;
		if (err) {
			pr_err("sivshmem: %s: error %d\n", siv_steps[i].name,
			       err);
			siv_unwind(i);
			return err;
		}
	}
	return 0;
}

static void __exit siv_exit(void)
{
	siv_unwind(ARRAY_SIZE(siv_steps));
}

module_init(siv_init);
module_exit(siv_exit);

MODULE_DESCRIPTION("Authenticated channels between virtual machines");
MODULE_LICENSE("GPL");
MODULE_SOFTDEP("pre: libcurve25519 libchacha20poly1305");
