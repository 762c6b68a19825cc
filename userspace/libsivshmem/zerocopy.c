// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Mapping a channel's windows, and the calls that work in them. */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* struct ring_map_ops on a channel's descriptor. */
static int channel_wait(void *ctx, uint32_t what, uint64_t position,
			int timeout_ms)
{
	const struct ivshmem *ch = ctx;
	struct sivshmem_wait w = {
		.size = sizeof(w),
		.flags = what,
		.position = position,
		.timeout_ms = timeout_ms < 0 ? 0xffffffffu :
					       (uint32_t)timeout_ms,
	};

	return siv_fd_ioctl(ch->fd, SIVSHMEM_WAIT, &w);
}

static int channel_bell(void *ctx)
{
	const struct ivshmem *ch = ctx;

	return siv_fd_ioctl(ch->fd, SIVSHMEM_BELL, NULL);
}

static const struct ring_map_ops channel_ops = {
	.wait = channel_wait,
	.bell = channel_bell,
};

void siv_map_unmap(struct ivshmem *ch)
{
	for (int i = 0; i < SIVSHMEM_WINDOWS; i++) {
		if (ch->window_len[i])
			munmap(ch->window[i], ch->window_len[i]);
		ch->window_len[i] = 0;
	}
}

/* The kernel is trusted; this is about versions that do not fit together. */
static bool windows_fit(const struct sivshmem_info *info)
{
	const struct sivshmem_window *w = info->window;

	return w[SIVSHMEM_WIN_CTL_OWN].length >= sizeof(struct sivshmem_side) &&
	       w[SIVSHMEM_WIN_CTL_PEER].length >=
		       sizeof(struct sivshmem_side) &&
	       w[SIVSHMEM_WIN_TX].length == 2 * info->ring_tx &&
	       w[SIVSHMEM_WIN_RX].length == 2 * info->ring_rx;
}

static int map_windows(struct ivshmem *ch, const struct sivshmem_info *info)
{
	for (int i = 0; i < SIVSHMEM_WINDOWS; i++) {
		const struct sivshmem_window *w = &info->window[i];
		void *at = mmap(NULL, (size_t)w->length, (int)w->prot,
				MAP_SHARED, ch->fd, (off_t)w->offset);

		if (at == MAP_FAILED)
			return -errno;
		ch->window[i] = at;
		ch->window_len[i] = (size_t)w->length;
	}
	return 0;
}

static int map_locked(struct ivshmem *ch)
{
	struct sivshmem_info info = { .size = sizeof(info) };
	struct ring_windows w;
	int r = siv_info_get(ch->fd, &info);

	if (r < 0)
		return r;
	if (info.flags & SIVSHMEM_INFO_SEALED)
		return -EOPNOTSUPP;
	if (info.state == SIVSHMEM_CONNECTING)
		return -EPERM;
	if (!windows_fit(&info))
		return -EPROTONOSUPPORT;
	r = map_windows(ch, &info);
	if (r)
		return r;
	w = (struct ring_windows){
		.own = ch->window[SIVSHMEM_WIN_CTL_OWN],
		.peer = ch->window[SIVSHMEM_WIN_CTL_PEER],
		.tx = ch->window[SIVSHMEM_WIN_TX],
		.tx_size = info.ring_tx,
		.rx = ch->window[SIVSHMEM_WIN_RX],
		.rx_size = info.ring_rx,
	};
	return siv_map_init(&ch->map, &w, &channel_ops, ch, ch->spin_us);
}

int ivshmem_map(struct ivshmem *ch)
{
	int mode, r = 0;

	if (ch->listener)
		return -EINVAL;
	mode = __atomic_load_n(&ch->mode, __ATOMIC_ACQUIRE);
	if (mode == MODE_MAP)
		return 0;
	pthread_mutex_lock(&ch->map_lock);
	if (ch->mode == MODE_COPY)
		r = -EBUSY;
	else if (ch->mode == MODE_NONE)
		r = map_locked(ch);
	if (!r)
		__atomic_store_n(&ch->mode, MODE_MAP, __ATOMIC_RELEASE);
	else if (ch->mode == MODE_NONE)
		siv_map_unmap(ch);
	pthread_mutex_unlock(&ch->map_lock);
	return r;
}

bool siv_copy_claim(struct ivshmem *ch)
{
	int mode = __atomic_load_n(&ch->mode, __ATOMIC_ACQUIRE);

	if (mode == MODE_NONE) {
		pthread_mutex_lock(&ch->map_lock);
		if (ch->mode == MODE_NONE)
			__atomic_store_n(&ch->mode, MODE_COPY,
					 __ATOMIC_RELEASE);
		mode = ch->mode;
		pthread_mutex_unlock(&ch->map_lock);
	}
	return mode == MODE_COPY;
}

ssize_t siv_map_verdict(struct ivshmem *ch, ssize_t r)
{
	/* the rules were broken: nothing in this ring can be believed any more */
	if (r == -EPROTO &&
	    !__atomic_exchange_n(&ch->broken, true, __ATOMIC_RELAXED)) {
		struct sivshmem_shutdown s = {
			.size = sizeof(s),
			.how = SIVSHMEM_SHUT_RD | SIVSHMEM_SHUT_WR,
			.position = ch->map.tx.prod,
		};

		siv_fd_ioctl(ch->fd, SIVSHMEM_SHUTDOWN, &s);
	}
	return r;
}

int ivshmem_reserve(struct ivshmem *ch, size_t len, void **data)
{
	int r = ivshmem_map(ch);

	if (!r)
		r = siv_map_reserve(&ch->map, len, ch->send_ms, data);
	return (int)siv_map_verdict(ch, r);
}

int ivshmem_commit(struct ivshmem *ch, size_t len)
{
	if (__atomic_load_n(&ch->mode, __ATOMIC_ACQUIRE) != MODE_MAP)
		return -EINVAL;
	return siv_map_commit(&ch->map, len);
}

ssize_t ivshmem_peek(struct ivshmem *ch, const void **data)
{
	int r = ivshmem_map(ch);

	if (r)
		return r;
	return siv_map_verdict(ch, siv_map_peek(&ch->map, ch->recv_ms, data));
}

int ivshmem_release(struct ivshmem *ch)
{
	if (__atomic_load_n(&ch->mode, __ATOMIC_ACQUIRE) != MODE_MAP)
		return -EINVAL;
	return siv_map_release(&ch->map);
}
