// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * events: one thread, one poll(), nothing that blocks. Connects to several services at
 * once and prints what each of them says, until all have closed.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <sivshmem/sivshmem.h>

enum {
	MANY = 16
};

struct client {
	const char *service;
	struct ivshmem *ch;
	int connecting;
};

/* Something happened: negative when it is over. */
static int handle(struct client *c)
{
	char text[4096];
	ssize_t n;

	if (c->connecting) {
		int err = ivshmem_connect_finish(c->ch);

		if (err)
			return err == -EINPROGRESS ? 0 : err;
		c->connecting = 0;
	}
	while ((n = ivshmem_recv(c->ch, text, sizeof(text))) > 0)
		printf("%s: %.*s\n", c->service, (int)n, text);
	if (n == -EAGAIN)
		return 0;
	return n ? (int)n : -EPIPE;
}

static void drop(struct client *c, int err)
{
	fprintf(stderr, "%s: %s (%s)\n", c->service, strerror(-err),
		ivshmem_hint(err));
	ivshmem_close(c->ch);
	c->ch = NULL;
}

int main(int argc, char **argv)
{
	struct ivshmem_options opt = IVSHMEM_OPTIONS_INIT;
	struct client clients[MANY] = { 0 };
	struct pollfd fds[MANY];
	int n = argc - 2, left = 0;

	if (n < 1 || n > MANY) {
		fprintf(stderr, "usage: %s IDENTITY SERVICE...\n", argv[0]);
		return 2;
	}
	opt.identity = argv[1];
	opt.flags = IVSHMEM_NONBLOCK;
	for (int i = 0; i < n; i++) {
		struct client *c = &clients[i];
		int err;

		c->service = argv[2 + i];
		c->connecting = 1;
		err = ivshmem_connect(c->service, &opt, &c->ch);
		if (err)
			drop(c, err);
		else
			left++;
	}
	while (left) {
		for (int i = 0; i < n; i++) {
			fds[i].fd = clients[i].ch ? ivshmem_fd(clients[i].ch) :
						    -1;
			fds[i].events = clients[i].connecting ? POLLOUT :
								POLLIN;
		}
		if (poll(fds, (nfds_t)n, -1) < 0)
			return 1;
		for (int i = 0; i < n; i++) {
			int err = fds[i].revents ? handle(&clients[i]) : 0;

			if (err) {
				drop(&clients[i], err);
				left--;
			}
		}
	}
	return 0;
}
