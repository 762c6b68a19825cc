// SPDX-License-Identifier: GPL-2.0-only
/*
 * What weakens this guest against its own root. The kernel exports no way to ask for
 * iomem=relaxed: user space adds that bit from the command line.
 */
#include <linux/module.h>
#include <linux/security.h>

#include <linux/sivshmem.h>

#include "keys.h"
#include "posture.h"

/* Lockdown can only be raised, and asking logs a line where it is on: ask until it is. */
static bool siv_posture_locked_down(void)
{
	static bool locked;

	if (!READ_ONCE(locked) && security_locked_down(LOCKDOWN_DEV_MEM))
		WRITE_ONCE(locked, true);
	return READ_ONCE(locked);
}

u32 siv_posture(bool cached)
{
	bool closed = siv_keys_anchors_closed();
	bool locked = siv_posture_locked_down();
	u32 posture = 0;

	if (!locked)
		posture |= SIVSHMEM_POSTURE_NO_LOCKDOWN;
	if (!IS_ENABLED(CONFIG_STRICT_DEVMEM) ||
	    !IS_ENABLED(CONFIG_IO_STRICT_DEVMEM))
		posture |= SIVSHMEM_POSTURE_NO_STRICT_DEVMEM;
	if (!closed)
		posture |= SIVSHMEM_POSTURE_ANCHORS_OPEN;
	/* the first look at closed anchors pins a module */
	if (IS_MODULE(CONFIG_SIVSHMEM) && !closed)
		posture |= SIVSHMEM_POSTURE_UNLOADABLE;
	/* lockdown refuses unsigned modules too */
	if (!locked && !is_module_sig_enforced())
		posture |= SIVSHMEM_POSTURE_UNSIGNED;
	if (!cached)
		posture |= SIVSHMEM_POSTURE_UNCACHED;
	return posture;
}
