// SPDX-License-Identifier: GPL-2.0-only
/* The bare client: see client.h. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

int client_dial(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

/* At most @left bytes, so that no descriptor of the next message comes along. */
static ssize_t take(int sock, u8 *at, size_t left, int *fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = at, .iov_len = left };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return n;
}

int client_read(int sock, struct client_msg *m, int ms)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	size_t have = 0;
	u8 bytes[8] = { 0 };

	m->fd = -1;
	while (have < sizeof(bytes)) {
		ssize_t n;

		if (poll(&p, 1, ms) == 0)
			return 0;
		n = take(sock, bytes + have, sizeof(bytes) - have, &m->fd);
		if (n <= 0)
			return -1;
		have += (size_t)n;
	}
	m->value = (s64)siv_get_le64(bytes);
	return 1;
}

int client_expect(int sock, s64 value, bool with_fd)
{
	struct client_msg m;
	int r = client_read(sock, &m, CLIENT_WAIT_MS);

	if (r != 1)
		fail_msg("no message where %lld was due: %d", (long long)value,
			 r);
	assert_int_equal(m.value, value);
	assert_int_equal(m.fd >= 0, with_fd);
	return m.fd;
}

bool client_silent(int sock, int ms)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };

	return poll(&p, 1, ms) == 0;
}
