// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The control socket. Who may connect is a matter of its directory and mode; a client is
 * limited in number, in the length of its line, and in the time that it takes to read.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "ctl.h"
#include "daemon.h"

enum {
	CTL_CLIENTS_MAX = 16,
	CTL_LINE_MAX = 16384,
	CTL_SLOW_US = 10 * 1000 * 1000,
};

struct ctl_client {
	struct ctl *ctl;
	struct ctl_client *next;
	int fd;
	sd_event_source *io;
	sd_event_source *timer;
	size_t have;
	char line[CTL_LINE_MAX];
	char *out; /* answer that the socket has not taken */
	size_t out_len;
	size_t out_done;
};

struct ctl {
	struct daemon *d;
	int fd;
	sd_event_source *io;
	struct ctl_client *clients;
	unsigned int count;
};

static void ctl_client_free(struct ctl_client *c)
{
	struct ctl_client **at = &c->ctl->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->ctl->count--;
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->timer);
	close(c->fd);
	free(c->out);
	free(c);
}

/* Push the answer out; false if the client has gone. */
static bool ctl_push(struct ctl_client *c)
{
	ssize_t n;

	while (c->out_done < c->out_len) {
		n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		c->out_done += (size_t)n;
	}
	if (c->out_done < c->out_len) {
		sd_event_source_set_io_events(c->io, EPOLLOUT);
		sd_event_source_set_time_relative(c->timer, CTL_SLOW_US);
		sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
		return true;
	}
	free(c->out);
	c->out = NULL;
	sd_event_source_set_io_events(c->io, EPOLLIN);
	sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
	return true;
}

static bool ctl_answer(struct ctl_client *c, const char *line, size_t len)
{
	json_t *command = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *answer = ctlcmd_run(c->ctl->d, command);
	char *text = json_dumps(answer, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(command);
	json_decref(answer);
	/* what an answer tells of stands in the log by then */
	audit_flush(c->ctl->d->audit);
	if (!text)
		return false;
	c->out_len = strlen(text);
	text[c->out_len++] = '\n'; /* in place of the NUL: the length counts */
	c->out = text;
	c->out_done = 0;
	return ctl_push(c);
}

/* Answer the lines that have come, one at a time: the next when the last is out. */
static bool ctl_lines(struct ctl_client *c)
{
	char *end;
	size_t len;

	while (!c->out && (end = memchr(c->line, '\n', c->have))) {
		len = (size_t)(end - c->line);
		if (!ctl_answer(c, c->line, len))
			return false;
		c->have -= len + 1;
		memmove(c->line, end + 1, c->have);
	}
	return c->have < sizeof(c->line);
}

static int ctl_on_io(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct ctl_client *c = arg;
	bool ok = true;
	ssize_t n;

	(void)s;
	if (revents & EPOLLOUT)
		ok = ctl_push(c) && ctl_lines(c);
	if (ok && revents & (EPOLLIN | EPOLLHUP | EPOLLERR) && !c->out) {
		n = recv(fd, c->line + c->have, sizeof(c->line) - c->have,
			 MSG_DONTWAIT);
		if (n > 0)
			c->have += (size_t)n;
		ok = n > 0 ? ctl_lines(c) :
			     n < 0 && (errno == EAGAIN || errno == EINTR);
	} else if (revents & (EPOLLHUP | EPOLLERR)) {
		ok = false;
	}
	if (!ok)
		ctl_client_free(c);
	return 0;
}

static int ctl_on_slow(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	ctl_client_free(arg);
	return 0;
}

static int ctl_on_accept(sd_event_source *s, int sock, uint32_t revents,
			 void *arg)
{
	struct ctl *ctl = arg;
	struct ctl_client *c;
	int fd;

	(void)s;
	(void)revents;
	fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return 0;
	c = ctl->count < CTL_CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return 0;
	}
	c->ctl = ctl;
	c->fd = fd;
	c->next = ctl->clients;
	ctl->clients = c;
	ctl->count++;
	if (sd_event_add_io(ctl->d->event, &c->io, fd, EPOLLIN, ctl_on_io, c) <
		    0 ||
	    sd_event_add_time_relative(ctl->d->event, &c->timer,
				       CLOCK_MONOTONIC, 0, 0, ctl_on_slow,
				       c) < 0 ||
	    sd_event_source_set_enabled(c->timer, SD_EVENT_OFF) < 0)
		ctl_client_free(c);
	return 0;
}

struct ctl *ctl_new(struct daemon *d, int fd)
{
	struct ctl *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	c->d = d;
	c->fd = fd;
	if (sd_event_add_io(d->event, &c->io, fd, EPOLLIN, ctl_on_accept, c) <
	    0) {
		ctl_free(c);
		return NULL;
	}
	return c;
}

void ctl_free(struct ctl *c)
{
	if (!c)
		return;
	/* each of them takes itself off the list */
	while (c->clients)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		ctl_client_free(c->clients);
	sd_event_source_disable_unref(c->io);
	close(c->fd);
	free(c);
}
