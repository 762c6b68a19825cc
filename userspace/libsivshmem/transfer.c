// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Records by copying: through the kernel, or through the mapping once there is one. */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* After -EAGAIN: until it is worth trying again. */
static int await(struct ivshmem *ch, short events, int timeout_ms,
		 int64_t *deadline_ms)
{
	struct pollfd p = { .fd = ch->fd, .events = events };
	int left = -1, r;

	if (!timeout_ms)
		return -EAGAIN;
	if (timeout_ms > 0) {
		int64_t now = now_ms();

		if (!*deadline_ms)
			*deadline_ms = now + timeout_ms;
		if (now >= *deadline_ms)
			return -ETIMEDOUT;
		left = (int)(*deadline_ms - now);
	}
	r = poll(&p, 1, left);
	if (r < 0)
		return -errno;
	return r ? 0 : -ETIMEDOUT;
}

ssize_t ivshmem_send(struct ivshmem *ch, const void *data, size_t len)
{
	int64_t deadline_ms = 0;
	ssize_t n;
	int r;

	if (ch->listener)
		return -EINVAL;
	if (!siv_copy_claim(ch))
		return siv_map_verdict(ch, siv_map_send(&ch->map, data, len,
							ch->send_ms));
	for (;;) {
		n = write(ch->fd, data, len);
		if (n >= 0)
			return n;
		if (errno != EAGAIN)
			return -errno;
		r = await(ch, POLLOUT, ch->send_ms, &deadline_ms);
		if (r)
			return r;
	}
}

ssize_t ivshmem_recv(struct ivshmem *ch, void *buf, size_t len)
{
	int64_t deadline_ms = 0;
	ssize_t n;
	int r;

	if (ch->listener)
		return -EINVAL;
	if (!siv_copy_claim(ch))
		return siv_map_verdict(ch, siv_map_recv(&ch->map, buf, len,
							ch->recv_ms));
	for (;;) {
		n = read(ch->fd, buf, len);
		if (n >= 0)
			return n;
		if (errno != EAGAIN)
			return -errno;
		r = await(ch, POLLIN, ch->recv_ms, &deadline_ms);
		if (r)
			return r;
	}
}

int ivshmem_shutdown(struct ivshmem *ch, unsigned int how)
{
	struct sivshmem_shutdown s = { .size = sizeof(s), .how = how };

	if (ch->listener)
		return -EINVAL;
	if ((how & SIVSHMEM_SHUT_WR) &&
	    __atomic_load_n(&ch->mode, __ATOMIC_ACQUIRE) == MODE_MAP)
		s.position = siv_map_end(&ch->map);
	return siv_fd_ioctl(ch->fd, SIVSHMEM_SHUTDOWN, &s);
}
