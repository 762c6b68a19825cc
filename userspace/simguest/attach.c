// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "attach.h"

/*
 * One read: at most what completes a message, with at most one descriptor. Return: 1 for
 * a whole message, 0 for none yet, or a negative errno.
 */
static int receive(struct sim_attach *at, s64 *value, int *fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {
		.iov_base = at->part + at->part_len,
		.iov_len = sizeof(at->part) - at->part_len,
	};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t n = recvmsg(at->sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&at->part_fd, CMSG_DATA(c), sizeof(int));
	at->part_len += (size_t)n;
	if (at->part_len < sizeof(at->part))
		return 0;
	*value = (s64)siv_get_le64(at->part);
	*fd = at->part_fd;
	at->part_len = 0;
	at->part_fd = -1;
	at->told++;
	return 1;
}

static int receive_wait(struct sim_attach *at, s64 *value, int *fd,
			int timeout_ms)
{
	struct pollfd p = { .fd = at->sock, .events = POLLIN };
	int r;

	while (!(r = receive(at, value, fd))) {
		r = poll(&p, 1, timeout_ms);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (!r)
			return -ETIMEDOUT;
	}
	return r < 0 ? r : 0;
}

static int map_region(struct sim_attach *at)
{
	struct stat st;

	if (fstat(at->shm, &st))
		return -errno;
	at->size = (u64)st.st_size;
	at->mem = mmap(NULL, at->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       at->shm, 0);
	if (at->mem == MAP_FAILED) {
		at->mem = NULL;
		return -errno;
	}
	return 0;
}

static int hello(struct sim_attach *at, int timeout_ms)
{
	s64 value;
	int fd, r;

	r = receive_wait(at, &value, &fd, timeout_ms);
	if (r)
		return r;
	if (value != 0 || fd >= 0)
		return -EPROTONOSUPPORT;
	r = receive_wait(at, &value, &fd, timeout_ms);
	if (r)
		return r;
	if (value < 0 || value > 65535 || fd >= 0)
		return -EPROTO;
	at->peer = (u32)value;
	r = receive_wait(at, &value, &fd, timeout_ms);
	if (r)
		return r;
	if (value != -1 || fd < 0)
		return -EPROTO;
	at->shm = fd;
	return map_region(at);
}

int sim_attach(struct sim_attach *at, const char *path, int timeout_ms)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int r;

	memset(at, 0, sizeof(*at));
	at->shm = -1;
	at->part_fd = -1;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	at->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (at->sock < 0)
		return -errno;
	if (connect(at->sock, (struct sockaddr *)&sa, sizeof(sa)))
		r = -errno;
	else
		r = hello(at, timeout_ms);
	if (r)
		sim_detach(at);
	return r;
}

static void forget(struct sim_attach *at, u32 peer)
{
	unsigned int i, k = 0;

	for (i = 0; i < at->bell_count; i++) {
		if (at->bell[i].peer == peer)
			close(at->bell[i].fd);
		else
			at->bell[k++] = at->bell[i];
	}
	at->bell_count = k;
	at->gone++;
}

static int take(struct sim_attach *at, u32 peer, int fd)
{
	unsigned int i;
	u16 vector = 0;

	if (fd < 0) {
		forget(at, peer);
		return 0;
	}
	if (peer == at->peer) {
		if (at->own_count == SIM_VECTORS_MAX) {
			close(fd);
			return -EMFILE;
		}
		at->own[at->own_count++] = fd;
		return 0;
	}
	for (i = 0; i < at->bell_count; i++)
		if (at->bell[i].peer == peer)
			vector++;
	if (at->bell_count == SIM_PEERS_MAX) {
		close(fd);
		return -EMFILE;
	}
	at->bell[at->bell_count].peer = peer;
	at->bell[at->bell_count].vector = vector;
	at->bell[at->bell_count++].fd = fd;
	return 0;
}

int sim_attach_read(struct sim_attach *at)
{
	int fd = -1, r;
	s64 value = 0;

	if (at->sock < 0)
		return -ECONNRESET;
	while ((r = receive(at, &value, &fd)) == 1) {
		if (value < 0 || value > 65535)
			return -EPROTO;
		r = take(at, (u32)value, fd);
		if (r)
			return r;
	}
	if (r < 0) {
		close(at->sock);
		at->sock = -1;
	}
	return r;
}

bool sim_attach_ring(struct sim_attach *at, u32 peer, u16 vector)
{
	unsigned int i;

	for (i = 0; i < at->bell_count; i++) {
		if (at->bell[i].peer == peer && at->bell[i].vector == vector)
			return !eventfd_write(at->bell[i].fd, 1);
	}
	return false;
}

void sim_detach(struct sim_attach *at)
{
	unsigned int i;

	for (i = 0; i < at->own_count; i++)
		close(at->own[i]);
	for (i = 0; i < at->bell_count; i++)
		close(at->bell[i].fd);
	at->own_count = 0;
	at->bell_count = 0;
	if (at->mem)
		munmap(at->mem, at->size);
	at->mem = NULL;
	if (at->part_fd >= 0)
		close(at->part_fd);
	at->part_fd = -1;
	if (at->shm >= 0)
		close(at->shm);
	at->shm = -1;
	if (at->sock >= 0)
		close(at->sock);
	at->sock = -1;
}
