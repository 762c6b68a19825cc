// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The memory of a region. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "memory.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* More than the machine has: fallocate() would not fail before others are killed. */
static bool memory_too_much(u64 size)
{
	struct sysinfo info;

	return !sysinfo(&info) && size > (u64)info.totalram * info.mem_unit;
}

static int memory_create(const char *name)
{
	char label[128];
	int fd;

	snprintf(label, sizeof(label), "sivshmem-%s", name);
	fd = memfd_create(label,
			  MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

/*
 * Preallocated, so that nobody meets SIGBUS; sealed against resize, so that nobody can
 * cause one. Not F_SEAL_FUTURE_WRITE: a VM that restarts maps it again.
 */
static int memory_shape(int fd, u64 size)
{
	int r;

	if (fchmod(fd, 0600) || ftruncate(fd, (off_t)size))
		return -errno;
	r = fallocate(fd, 0, 0, (off_t)size) ? errno : 0;
	if (r)
		return -r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	return 0;
}

int memory_new(struct memory *m, const char *name, u64 size, bool map)
{
	int r;

	*m = (struct memory){ .fd = -1, .size = size };
	if (!siv_is_pow2(size))
		return -EINVAL;
	if (memory_too_much(size))
		return -ENOMEM;
	r = memory_create(name);
	if (r < 0)
		return r;
	m->fd = r;
	r = memory_shape(m->fd, size);
	if (!r && map) {
		m->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      m->fd, 0);
		if (m->map == MAP_FAILED) {
			r = -errno;
			m->map = NULL;
		} else {
			/* other VMs' data: not in our core files */
			madvise(m->map, size, MADV_DONTDUMP);
		}
	}
	if (r)
		memory_free(m);
	return r;
}

void memory_touch(const struct memory *m, u64 off, u64 len)
{
	/* only a matter of speed: kernels before 5.14 do not know it */
	(void)!madvise(m->map + off, len, MADV_POPULATE_WRITE);
}

void memory_free(struct memory *m)
{
	if (m->map)
		munmap(m->map, m->size);
	if (m->fd >= 0)
		close(m->fd);
	*m = (struct memory){ .fd = -1 };
}
