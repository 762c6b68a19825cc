// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* QEMU's ivshmem server protocol. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "server.h"

enum {
	SERVER_REFUSED_MS = 2000,
	SERVER_QUEUE_MAX = 1 << 16,
	SERVER_POLL_MIN_US = 100,
	SERVER_POLL_MAX_US = 16000,
};

struct server_msg {
	s64 value;
	int fd; /* ours, or -1 */
};

struct server_client {
	int fd;
	pid_t pid;
	sd_event *event;
	sd_event_source *io;
	sd_event_source *timer;
	const struct server_events *ev;
	void *arg;
	struct server_msg *queue; /* what the socket did not take yet */
	size_t head;
	size_t count;
	size_t room;
	unsigned int fds;
	unsigned int fd_limit;
	unsigned int poll_us;
	unsigned int limit_ms;
	u64 since_ms; /* when waiting began; 0: nobody waits */
	bool unread;  /* something was sent that may not have been read */
	bool tell;    /* drained is wanted */
	bool broken;
	struct server_port *refused; /* by whom; NULL: it is not */
	LIST_ENTRY(server_client) of_port;
};

struct server_port {
	int fd;
	int spare; /* given up to accept, and close, when descriptors are out */
	uid_t uid;
	sd_event *event;
	sd_event_source *io;
	const struct server_port_events *ev;
	void *arg;
	LIST_HEAD(server_refusals, server_client)
	refusals; /* that wait for being read */
	unsigned int refusal_count;
};

static int server_write(int sock, s64 value, int fd)
{
	u8 bytes[8];
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	siv_put_le64(bytes, (u64)value);
	if (fd >= 0) {
		struct cmsghdr *c = &control.align;

		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(bytes))
		return 0;
	/* A stream socket takes 8 bytes whole or not at all. */
	return n < 0 ? -errno : -EIO;
}

static struct server_peer server_peer(int sock)
{
	struct server_peer peer = { .uid = (uid_t)-1 };
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &len))
		return peer;
	peer.pid = who.pid;
	peer.uid = who.uid;
	len = sizeof(peer.label) - 1;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERSEC, peer.label, &len))
		peer.label[0] = '\0';
	return peer;
}

/* Would the same message go through later? ETOOMANYREFS: too many fds are in flight. */
static bool server_later(int err)
{
	return err == -EAGAIN || err == -ENOBUFS || err == -ENOMEM ||
	       err == -ETOOMANYREFS;
}

static void server_timer(struct server_client *c, unsigned int us)
{
	if (sd_event_source_set_time_relative(c->timer, us) < 0 ||
	    sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT) < 0)
		c->broken = true;
}

/* Waiting began, for room or for being read. */
static void server_waits(struct server_client *c)
{
	if (!c->since_ms) {
		c->since_ms = clock_ms();
		c->poll_us = SERVER_POLL_MIN_US;
		c->limit_ms = SERVER_SLOW_MS;
	}
	server_timer(c, c->poll_us);
}

static void server_watch(struct server_client *c)
{
	u32 events = EPOLLIN | (c->count ? EPOLLOUT : 0);

	if (sd_event_source_set_io_events(c->io, events) < 0)
		c->broken = true;
}

static void server_flush(struct server_client *c)
{
	struct server_msg *m;
	int r;

	while (c->count) {
		m = &c->queue[c->head];
		r = server_write(c->fd, m->value, m->fd);
		if (server_later(r))
			break;
		if (m->fd >= 0)
			close(m->fd);
		c->head = (c->head + 1) % c->room;
		c->count--;
		if (r)
			c->broken = true;
	}
	server_watch(c);
}

static int server_queue(struct server_client *c, s64 value, int fd)
{
	struct server_msg *q;
	size_t i, room;

	if (c->count == c->room) {
		room = c->room ? 2 * c->room : 64;
		if (room > SERVER_QUEUE_MAX)
			return -ENOMEM;
		q = calloc(room, sizeof(*q));
		if (!q)
			return -ENOMEM;
		for (i = 0; i < c->count; i++)
			q[i] = c->queue[(c->head + i) % c->room];
		free(c->queue);
		c->queue = q;
		c->head = 0;
		c->room = room;
	}
	if (fd >= 0) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return -errno;
	}
	c->queue[(c->head + c->count++) % c->room] =
		(struct server_msg){ value, fd };
	return 0;
}

int server_send(struct server_client *c, s64 value, int fd)
{
	int r = -EAGAIN;

	if (fd >= 0 && c->fds >= c->fd_limit)
		return -EDQUOT;
	if (!c->count)
		r = server_write(c->fd, value, fd);
	if (server_later(r)) {
		r = server_queue(c, value, fd);
		if (r)
			return r;
		server_watch(c);
		server_waits(c);
	}
	if (r)
		c->broken = true; /* reported by the poll that follows */
	if (c->broken)
		server_timer(c, 0);
	if (fd >= 0)
		c->fds++;
	c->unread = true;
	return 0;
}

unsigned int server_fds_left(const struct server_client *c)
{
	return c->fd_limit - c->fds;
}

unsigned int server_fds_given(const struct server_client *c)
{
	return c->fds;
}

void server_fds_closed(struct server_client *c, unsigned int count)
{
	c->fds -= count < c->fds ? count : c->fds;
}

bool server_drained(struct server_client *c)
{
	int left = 0;

	if (!c->unread)
		return true;
	if (c->count || c->broken || ioctl(c->fd, SIOCOUTQ, &left) || left)
		return false;
	c->unread = false;
	return true;
}

void server_wait_drained(struct server_client *c, unsigned int limit_ms)
{
	c->tell = true;
	server_waits(c);
	if (c->limit_ms < limit_ms || c->refused)
		c->limit_ms = limit_ms;
}

/* What recv() says of a client that never has anything to say: is it over? */
static bool server_over(ssize_t n, int err, enum server_why *why)
{
	if (n < 0 && (err == EAGAIN || err == EINTR))
		return false;
	if (n > 0)
		*why = SERVER_SPOKE;
	else
		*why = !n || err == ECONNRESET ? SERVER_CLOSED : SERVER_BROKEN;
	return true;
}

bool server_ended(const struct server_client *c, enum server_why *why)
{
	char byte;
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (server_over(n, errno, why))
		return true;
	*why = SERVER_BROKEN;
	return c->broken;
}

pid_t server_pid(const struct server_client *c)
{
	return c->pid;
}

static void server_gone(struct server_client *c, enum server_why why)
{
	if (c->ev)
		c->ev->gone(c, why, c->arg);
	server_client_free(c);
}

static int server_on_io(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct server_client *c = arg;
	enum server_why why;
	char bytes[64];
	ssize_t n;

	(void)s;
	if (revents & EPOLLOUT)
		server_flush(c);
	if (!(revents & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return 0;
	/* Without room for them the kernel closes descriptors that come along. */
	n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (server_over(n, errno, &why))
		server_gone(c, why);
	return 0;
}

static int server_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	u64 now = clock_ms();
	struct server_client *c = arg;

	(void)s;
	(void)usec;
	if (c->count)
		server_flush(c);
	if (c->broken) {
		server_gone(c, SERVER_BROKEN);
		return 0;
	}
	if (server_drained(c)) {
		bool tell = c->tell;

		c->since_ms = 0;
		c->tell = false;
		if (c->refused)
			server_gone(c, SERVER_CLOSED);
		else if (tell)
			c->ev->drained(c, c->arg);
		return 0;
	}
	if (!c->tell && !c->count) {
		c->since_ms = 0;
		return 0;
	}
	if (now - c->since_ms > c->limit_ms) {
		server_gone(c, SERVER_SLOW);
		return 0;
	}
	if (c->poll_us < SERVER_POLL_MAX_US)
		c->poll_us *= 2;
	server_timer(c, c->poll_us);
	return 0;
}

struct server_client *server_client_new(sd_event *event, int fd,
					unsigned int fd_limit,
					const struct server_events *ev,
					void *arg)
{
	struct server_client *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	*c = (struct server_client){
		.fd = fd,
		.event = event,
		.ev = ev,
		.arg = arg,
		.fd_limit = fd_limit,
		.pid = server_peer(fd).pid,
	};
	if (sd_event_add_io(event, &c->io, fd, EPOLLIN, server_on_io, c) < 0 ||
	    sd_event_add_time_relative(event, &c->timer, CLOCK_MONOTONIC, 0, 50,
				       server_on_timer, c) < 0 ||
	    sd_event_source_set_enabled(c->timer, SD_EVENT_OFF) < 0) {
		server_client_free(c);
		return NULL;
	}
	return c;
}

/* There is room for one more: accept again. */
static void server_refusal_over(struct server_client *c)
{
	LIST_REMOVE(c, of_port);
	c->refused->refusal_count--;
	sd_event_source_set_enabled(c->refused->io, SD_EVENT_ON);
}

void server_client_free(struct server_client *c)
{
	if (!c)
		return;
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->timer);
	for (; c->count; c->count--, c->head = (c->head + 1) % c->room)
		if (c->queue[c->head].fd >= 0)
			close(c->queue[c->head].fd);
	close(c->fd);
	free(c->queue);
	if (c->refused)
		server_refusal_over(c);
	free(c);
}

void server_refuse(struct server_port *p, int fd)
{
	struct server_client *c =
		server_client_new(p->event, fd, 0, NULL, NULL);

	if (!c)
		return;
	c->refused = p;
	LIST_INSERT_HEAD(&p->refusals, c, of_port);
	/* those who come next wait to be accepted: none is closed unanswered */
	if (++p->refusal_count >= SERVER_REFUSED_MAX)
		sd_event_source_set_enabled(p->io, SD_EVENT_OFF);
	if (server_send(c, SERVER_REFUSAL, -1)) {
		server_client_free(c);
		return;
	}
	server_wait_drained(c, SERVER_REFUSED_MS);
}

/* ------------------------------------------------------------------- ports */

/*
 * Out of descriptors: take the connection with the spare one, and close it. The refusal
 * of one who may be here is in its socket by then.
 */
static void server_port_shed(struct server_port *p)
{
	int fd;

	if (p->spare >= 0)
		close(p->spare);
	fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0 && server_peer(fd).uid == p->uid)
		(void)server_write(fd, SERVER_REFUSAL, -1);
	if (fd >= 0)
		close(fd);
	p->spare = eventfd(0, EFD_CLOEXEC);
}

static int server_on_port(sd_event_source *s, int sock, uint32_t revents,
			  void *arg)
{
	struct server_port *p = arg;
	struct server_peer who;
	int fd;

	(void)s;
	(void)revents;
	fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			server_port_shed(p);
		return 0;
	}
	who = server_peer(fd);
	if (who.uid == (uid_t)-1 || who.uid != p->uid) {
		close(fd);
		p->ev->denied(&who, p->arg);
		return 0;
	}
	p->ev->accepted(fd, &who, p->arg);
	return 0;
}

struct server_port *server_port_new(sd_event *event, int fd, uid_t uid,
				    const struct server_port_events *ev,
				    void *arg)
{
	struct server_port *p = calloc(1, sizeof(*p));

	if (!p) {
		close(fd);
		return NULL;
	}
	*p = (struct server_port){
		.fd = fd, .uid = uid, .event = event, .ev = ev, .arg = arg
	};
	LIST_INIT(&p->refusals);
	p->spare = eventfd(0, EFD_CLOEXEC);
	if (p->spare < 0 || sd_event_add_io(event, &p->io, fd, EPOLLIN,
					    server_on_port, p) < 0) {
		server_port_free(p);
		return NULL;
	}
	return p;
}

void server_port_free(struct server_port *p)
{
	if (!p)
		return;
	/* each of them takes itself off the list */
	while (!LIST_EMPTY(&p->refusals))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		server_client_free(LIST_FIRST(&p->refusals));
	sd_event_source_disable_unref(p->io);
	if (p->spare >= 0)
		close(p->spare);
	close(p->fd);
	free(p);
}

void server_port_set_uid(struct server_port *p, uid_t uid)
{
	p->uid = uid;
}
