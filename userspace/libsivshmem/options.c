// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Options as callers give them: copied, checked, turned into what the ABI wants. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <keyutils.h>

int siv_options_take(const struct ivshmem_options *from,
		     struct ivshmem_options *to, uint32_t known_flags)
{
	const uint8_t *bytes = (const uint8_t *)from;

	memset(to, 0, sizeof(*to));
	if (!from)
		return 0;
	/* what version 0.1 of the library had */
	if (from->size <
	    offsetof(struct ivshmem_options, allow) + sizeof(from->allow))
		return -EINVAL;
	for (uint32_t i = sizeof(*to); i < from->size; i++)
		if (bytes[i])
			return -E2BIG;
	memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
	if (to->reserved || (to->flags & ~known_flags))
		return -EINVAL;
	return 0;
}

int32_t siv_options_key(const struct ivshmem_options *o, int *error)
{
	key_serial_t key;

	*error = 0;
	if (!!o->identity == !!o->key) {
		*error = -EINVAL;
		return 0;
	}
	if (o->key)
		return o->key;
	/* no callout: the kernel asks nobody, it only searches */
	key = request_key("sivshmem", o->identity, NULL, 0);
	if (key < 0) {
		/* a kernel without the key type does not know it: ENOKEY as well */
		*error = errno ? -errno : -ENOKEY;
		return 0;
	}
	return key;
}

int siv_field_put(uint8_t field[SIVSHMEM_NAME_LEN], const char *name)
{
	size_t len = name ? strlen(name) : 0;

	memset(field, 0, SIVSHMEM_NAME_LEN);
	if (len >= SIVSHMEM_NAME_LEN)
		return -EINVAL;
	if (len)
		memcpy(field, name, len);
	return 0;
}

int siv_control_open(void)
{
	int fd = open(CONTROL_NODE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	/* no driver: no such device, for callers */
	return errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;
}
