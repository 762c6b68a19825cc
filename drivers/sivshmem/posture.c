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
static bool siv_posture_locked(enum lockdown_reason what, bool *locked)
{
	if (!READ_ONCE(*locked) && security_locked_down(what))
		WRITE_ONCE(*locked, true);
	return READ_ONCE(*locked);
}

u32 siv_posture(bool cached)
{
	static bool integrity, confidentiality;
	bool locked = siv_posture_locked(LOCKDOWN_DEV_MEM, &integrity);
	bool closed = siv_keys_anchors_closed();
	u32 posture = 0;

	if (!locked)
		posture |= SIVSHMEM_POSTURE_NO_LOCKDOWN;
	if (!siv_posture_locked(LOCKDOWN_KCORE, &confidentiality))
		posture |= SIVSHMEM_POSTURE_READABLE;
	if (!IS_ENABLED(CONFIG_STRICT_DEVMEM) ||
	    !IS_ENABLED(CONFIG_IO_STRICT_DEVMEM))
		posture |= SIVSHMEM_POSTURE_NO_STRICT_DEVMEM;
	if (!closed)
		posture |= SIVSHMEM_POSTURE_ANCHORS_OPEN;
	/* the first look at closed anchors pins a module */
	if (__is_defined(MODULE) && !closed)
		posture |= SIVSHMEM_POSTURE_UNLOADABLE;
	/* lockdown refuses unsigned modules too */
	if (!locked && !is_module_sig_enforced())
		posture |= SIVSHMEM_POSTURE_UNSIGNED;
	if (!cached)
		posture |= SIVSHMEM_POSTURE_UNCACHED;
	return posture;
}
