/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* QEMU's arguments for a VM. */
#ifndef SIVD_QEMUARGS_H
#define SIVD_QEMUARGS_H

#include <jansson.h>

#include "policy.h"

/**
 * qemuargs_make() - all that a VM's QEMU must be given for its regions
 * @p: the policy
 * @vm: one of its VMs
 * @runtime_dir: absolute
 *
 * Return: a JSON array of arguments; NULL if the VM is in no region or without memory.
 */
json_t *qemuargs_make(const struct policy *p, const struct policy_vm *vm,
		      const char *runtime_dir);

#endif /* SIVD_QEMUARGS_H */
