// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * QEMU's arguments for a VM, for machine type q35: each region on a root port of its own,
 * whose prefetchable window is larger than all memory below 4 GiB can be, so that the
 * firmware must place it, and BAR2 with it, above: below, x86 firmware makes it uncached.
 * Together they are larger than what is reserved at the end of an AMD processor's 1 TiB:
 * SeaBIOS 1.16.3 wants them there and then moves them down once, by their own size. In
 * reserved memory Linux gives no address to a device that comes, or comes back, later.
 * Never reconnect=: a QEMU that reconnects aborts.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "qemuargs.h"

enum {
	QEMUARGS_WINDOW_G = 4,
	QEMUARGS_FIRST_WINDOW_G = 16, /* 12 are reserved for HyperTransport */
	QEMUARGS_FIRST_SLOT = 16
};

static bool qemuargs_add(json_t *args, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool qemuargs_add(json_t *args, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return false;
	n = json_array_append_new(args, json_string(s));
	free(s);
	return !n;
}

/* In GiB: BAR2 and as much again, but no less than what is said above. */
static unsigned long long qemuargs_window(const struct policy_region *r,
					  unsigned int i)
{
	u64 least = i ? QEMUARGS_WINDOW_G : QEMUARGS_FIRST_WINDOW_G;
	u64 window = 2 * (r->size >> 30);

	return window < least ? least : window;
}

/* Commas are doubled in option values. */
static void qemuargs_escape(char *out, size_t cap, const char *in)
{
	size_t n = 0;

	for (; *in && n + 3 < cap; in++) {
		out[n++] = *in;
		if (*in == ',')
			out[n++] = ',';
	}
	out[n] = '\0';
}

static bool qemuargs_region(json_t *args, const struct policy_region *r,
			    const struct policy_vm *vm, const char *dir,
			    unsigned int i)
{
	unsigned int slot = QEMUARGS_FIRST_SLOT + i / 8;

	return qemuargs_add(args, "-chardev") &&
	       qemuargs_add(args, "socket,id=sivshmem%u,path=%s/%s/%s.sock", i,
			    dir, vm->name, r->name) &&
	       qemuargs_add(args, "-device") &&
	       qemuargs_add(
		       args,
		       "pcie-root-port,id=sivport%u,bus=pcie.0,addr=0x%x.0x%x,"
		       "multifunction=on,chassis=%u,pref64-reserve=%lluG",
		       i, slot, i % 8, 128 + i, qemuargs_window(r, i)) &&
	       qemuargs_add(args, "-device") &&
	       qemuargs_add(args,
			    "ivshmem-doorbell,chardev=sivshmem%u,vectors=%u,"
			    "bus=sivport%u",
			    i, vm->vectors, i);
}

json_t *qemuargs_make(const struct policy *p, const struct policy_vm *vm,
		      const char *runtime_dir)
{
	json_t *args = json_array();
	char dir[1024];
	unsigned int n = 0;
	bool ok = args;
	u32 i;

	qemuargs_escape(dir, sizeof(dir), runtime_dir);
	for (i = 0; ok && i < p->region_count; i++)
		if (policy_member(p, &p->regions[i], vm))
			ok = qemuargs_region(args, &p->regions[i], vm, dir,
					     n++);
	if (ok && n)
		return args;
	json_decref(args);
	return NULL;
}
