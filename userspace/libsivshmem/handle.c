// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The handle: made, asked, closed. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HANDLE_FLAGS (IVSHMEM_NONBLOCK | IVSHMEM_ZEROCOPY)

int siv_fd_ioctl(int fd, unsigned long cmd, const void *arg)
{
	int r = ioctl(fd, cmd, arg);

	return r < 0 ? -errno : r;
}

int siv_info_get(int fd, struct sivshmem_info *info)
{
	uint32_t size = info->size;

	memset(info, 0, size);
	info->size = size;
	return siv_fd_ioctl(fd, SIVSHMEM_INFO, info);
}

static int nonblock_set(struct ivshmem *h, bool on)
{
	int flags;

	if (h->nonblock == on)
		return 0;
	flags = fcntl(h->fd, F_GETFL);
	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	if (fcntl(h->fd, F_SETFL, flags) < 0)
		return -errno;
	h->nonblock = on;
	return 0;
}

int ivshmem_set_timeouts(struct ivshmem *h, int send_ms, int recv_ms)
{
	int r;

	/* accepting takes its timeout as an argument, all but "not at all" */
	if (h->listener)
		r = nonblock_set(h, !recv_ms);
	else
		r = nonblock_set(h, send_ms >= 0 || recv_ms >= 0);
	if (r)
		return r;
	h->send_ms = send_ms;
	h->recv_ms = recv_ms;
	return 0;
}

void ivshmem_set_spin(struct ivshmem *ch, uint32_t spin_us)
{
	ch->spin_us = spin_us;
	if (__atomic_load_n(&ch->mode, __ATOMIC_ACQUIRE) == MODE_MAP)
		siv_map_set_spin(&ch->map, spin_us);
}

int siv_handle_new(int fd, bool listener, const struct ivshmem_options *o,
		   struct ivshmem **handle)
{
	/* its rings' halves are kept on cache lines of their own */
	size_t size = (sizeof(struct ivshmem) + 63) & ~(size_t)63;
	struct ivshmem *h = aligned_alloc(64, size);
	int r;

	if (!h) {
		close(fd);
		return -ENOMEM;
	}
	memset(h, 0, size);
	pthread_mutex_init(&h->map_lock, NULL);
	h->fd = fd;
	h->listener = listener;
	h->spin_us = o->spin_us;
	h->zerocopy = o->flags & IVSHMEM_ZEROCOPY;
	h->send_ms = -1;
	h->recv_ms = -1;
	r = fcntl(fd, F_GETFL);
	h->nonblock = r >= 0 && (r & O_NONBLOCK);
	if (o->flags & IVSHMEM_NONBLOCK)
		r = ivshmem_set_timeouts(h, 0, 0);
	else
		r = nonblock_set(h, false);
	if (r) {
		ivshmem_close(h);
		return r;
	}
	*handle = h;
	return 0;
}

void ivshmem_close(struct ivshmem *h)
{
	if (!h)
		return;
	siv_map_unmap(h);
	close(h->fd);
	pthread_mutex_destroy(&h->map_lock);
	free(h);
}

int ivshmem_fd(const struct ivshmem *h)
{
	return h->fd;
}

int ivshmem_from_fd(int fd, const struct ivshmem_options *options,
		    struct ivshmem **channel)
{
	struct sivshmem_info info = { .size = sizeof(info) };
	struct ivshmem_options o;
	struct ivshmem *ch;
	int own, r;

	r = siv_options_take(options, &o, HANDLE_FLAGS);
	if (!r)
		r = siv_info_get(fd, &info);
	if (r < 0)
		return r;
	/* a copy, so that on failure the caller still has its own */
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return -errno;
	r = siv_handle_new(own, false, &o, &ch);
	if (r)
		return r;
	if (info.state != SIVSHMEM_CONNECTING) {
		ch->max_record = info.max_record;
		if (ch->zerocopy)
			r = ivshmem_map(ch);
	}
	if (r) {
		ivshmem_close(ch);
		return r;
	}
	close(fd);
	*channel = ch;
	return 0;
}

int ivshmem_open(const char *node, const struct ivshmem_options *options,
		 struct ivshmem **channel)
{
	int fd, r;

	if (!node)
		return -EINVAL;
	fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = ivshmem_from_fd(fd, options, channel);
	if (r)
		close(fd);
	return r;
}

size_t ivshmem_max_record(const struct ivshmem *ch)
{
	return (size_t)ch->max_record;
}
