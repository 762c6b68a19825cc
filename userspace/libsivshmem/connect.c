// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Connecting, listening, accepting. */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_FLAGS                                              \
	(IVSHMEM_SEALED | IVSHMEM_NONBLOCK | IVSHMEM_NODE_SHARED | \
	 IVSHMEM_NO_NODE | IVSHMEM_ZEROCOPY)
#define ABI_FLAGS                                                  \
	(IVSHMEM_SEALED | IVSHMEM_NONBLOCK | IVSHMEM_NODE_SHARED | \
	 IVSHMEM_NO_NODE)

_Static_assert(IVSHMEM_SEALED == SIVSHMEM_SEALED, "flags are the ABI's");
_Static_assert(IVSHMEM_NONBLOCK == SIVSHMEM_NONBLOCK, "flags are the ABI's");
_Static_assert(IVSHMEM_NODE_SHARED == SIVSHMEM_NODE_SHARED,
	       "flags are the ABI's");
_Static_assert(IVSHMEM_NO_NODE == SIVSHMEM_NO_NODE, "flags are the ABI's");

enum {
	BACKLOG_DEFAULT = 16
};

/* The control node is needed for one ioctl. */
static int control_ioctl(unsigned long cmd, const void *arg)
{
	int control = siv_control_open(), r;

	if (control < 0)
		return control;
	r = siv_fd_ioctl(control, cmd, arg);
	close(control);
	return r;
}

/* The channel is open: what can be known only now. */
static int opened(struct ivshmem *ch)
{
	struct sivshmem_info info = { .size = sizeof(info) };
	int r = siv_info_get(ch->fd, &info);

	if (r < 0)
		return r;
	ch->max_record = info.max_record;
	return ch->zerocopy ? ivshmem_map(ch) : 0;
}

int ivshmem_connect(const char *service, const struct ivshmem_options *options,
		    struct ivshmem **channel)
{
	struct sivshmem_connect c = { .size = sizeof(c) };
	struct ivshmem_options o;
	struct ivshmem *ch;
	int r;

	if (!service || !*service || !options)
		return -EINVAL;
	r = siv_options_take(options, &o, CONNECT_FLAGS);
	if (r || o.backlog || o.ring_max || o.allow)
		return r ? r : -EINVAL;
	c.key = siv_options_key(&o, &r);
	if (r)
		return r;
	if (siv_field_put(c.service, service) || siv_field_put(c.vm, o.vm) ||
	    siv_field_put(c.region, o.region))
		return -EINVAL;
	c.flags = o.flags & ABI_FLAGS;
	c.timeout_ms = o.timeout_ms;
	c.ring_tx = o.ring_tx;
	c.ring_rx = o.ring_rx;
	c.suite = o.suite;
	r = control_ioctl(SIVSHMEM_CONNECT, &c);
	if (r < 0)
		return r;
	r = siv_handle_new(r, false, &o, &ch);
	if (r)
		return r;
	if (!(o.flags & IVSHMEM_NONBLOCK))
		r = opened(ch);
	if (r) {
		ivshmem_close(ch);
		return r;
	}
	*channel = ch;
	return 0;
}

int ivshmem_connect_finish(struct ivshmem *ch)
{
	struct sivshmem_info info = { .size = sizeof(info) };
	int r;

	if (ch->listener)
		return -EINVAL;
	r = siv_info_get(ch->fd, &info);
	if (r < 0)
		return r;
	if (info.error)
		return -(int)info.error;
	if (info.state == SIVSHMEM_CONNECTING)
		return -EINPROGRESS;
	return ch->max_record ? 0 : opened(ch);
}

int ivshmem_listen(const struct ivshmem_options *options,
		   struct ivshmem **listener)
{
	struct sivshmem_listen l = { .size = sizeof(l) };
	struct ivshmem_options o;
	int r;

	if (!options)
		return -EINVAL;
	r = siv_options_take(options, &o, CONNECT_FLAGS);
	if (r || o.ring_tx || o.ring_rx || o.suite || o.vm)
		return r ? r : -EINVAL;
	l.key = siv_options_key(&o, &r);
	if (r)
		return r;
	if (siv_field_put(l.region, o.region))
		return -EINVAL;
	l.flags = o.flags & ABI_FLAGS & ~IVSHMEM_NONBLOCK;
	l.timeout_ms = o.timeout_ms;
	l.backlog = o.backlog ? o.backlog : BACKLOG_DEFAULT;
	l.ring_max = o.ring_max;
	l.allow = (uintptr_t)o.allow;
	l.allow_len = o.allow ? (uint32_t)strlen(o.allow) : 0;
	r = control_ioctl(SIVSHMEM_LISTEN, &l);
	if (r < 0)
		return r;
	return siv_handle_new(r, true, &o, listener);
}

int ivshmem_accept(struct ivshmem *ls, struct ivshmem **channel)
{
	struct sivshmem_accept a = { .size = sizeof(a) };
	struct ivshmem_options o = { .spin_us = ls->spin_us };
	struct ivshmem *ch;
	int r;

	if (!ls->listener)
		return -EINVAL;
	if (ls->zerocopy)
		o.flags = IVSHMEM_ZEROCOPY;
	if (ls->recv_ms > 0)
		a.timeout_ms = (uint32_t)ls->recv_ms;
	r = siv_fd_ioctl(ls->fd, SIVSHMEM_ACCEPT, &a);
	if (r < 0)
		return r;
	r = siv_handle_new(r, false, &o, &ch);
	if (r)
		return r;
	r = opened(ch);
	if (r) {
		ivshmem_close(ch);
		return r;
	}
	*channel = ch;
	return 0;
}
