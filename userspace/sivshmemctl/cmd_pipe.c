// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* In a guest: listen and connect. The standard input and output, as socat does. */
#include "ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

/**
 * struct pipe - one channel between two descriptors
 * @ctl: the command
 * @ch: the channel
 * @lines: message mode: a record is a line
 * @in: what was read and not yet sent
 * @room: there
 * @have: bytes of it
 * @in_end: nothing more will be read
 * @shut: and the peer was told
 * @full: the ring is: wait for POLLOUT
 * @out_end: the peer has closed, and all was read
 * @out: for one record
 * @out_room: there
 * @sent: bytes, so far
 * @received: bytes, so far
 */
struct pipe {
	const struct ctl *ctl;
	struct ivshmem *ch;
	bool lines;
	char *in;
	size_t room;
	size_t have;
	bool in_end;
	bool shut;
	bool full;
	bool out_end;
	char *out;
	size_t out_room;
	uint64_t sent;
	uint64_t received;
};

static int write_all(const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(STDOUT_FILENO, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Length of the next record in @in, without its newline; -1: none is complete. */
static ssize_t next_len(const struct pipe *p, size_t *skip)
{
	const char *nl;

	*skip = 0;
	if (!p->have)
		return -1;
	if (!p->lines)
		return (ssize_t)p->have;
	nl = memchr(p->in, '\n', p->have);
	if (!nl)
		return p->in_end ? (ssize_t)p->have : -1;
	*skip = 1;
	return nl - p->in;
}

/* Everything that is ready to be sent, as far as there is room. */
static int flush_in(struct pipe *p)
{
	ssize_t len, n;
	size_t skip;

	p->full = false;
	while ((len = next_len(p, &skip)) >= 0) {
		n = ivshmem_send(p->ch, p->in, (size_t)len);
		if (n == -EAGAIN) {
			p->full = true;
			return 0;
		}
		if (n < 0)
			return ctl_fail(p->ctl, channel_error(p->ch, (int)n),
					"send");
		p->sent += (uint64_t)len;
		p->have -= (size_t)len + skip;
		memmove(p->in, p->in + len + skip, p->have);
	}
	if (p->lines && p->have == p->room)
		return ctl_fail(p->ctl, -EMSGSIZE,
				"a line of %zu bytes or more", p->room);
	if (p->in_end && !p->shut) {
		p->shut = true;
		ivshmem_shutdown(p->ch, SIVSHMEM_SHUT_WR);
	}
	return 0;
}

static int take_in(struct pipe *p)
{
	ssize_t n = read(STDIN_FILENO, p->in + p->have, p->room - p->have);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ?
			       0 :
			       ctl_fail(p->ctl, -errno,
					"read the standard input");
	if (!n)
		p->in_end = true;
	p->have += (size_t)n;
	return flush_in(p);
}

/* Records to the standard output. */
static int take_out(struct pipe *p)
{
	ssize_t n;
	int err;

	while ((n = ivshmem_recv(p->ch, p->out, p->out_room - 1)) > 0) {
		p->received += (uint64_t)n;
		if (p->lines)
			p->out[n++] = '\n';
		err = write_all(p->out, (size_t)n);
		if (err)
			return ctl_fail(p->ctl, err,
					"write the standard output");
	}
	p->out_end = !n;
	if (!n || n == -EAGAIN || n == -EINTR)
		return 0;
	return ctl_fail(p->ctl, channel_error(p->ch, (int)n), "receive");
}

/* Until both directions have ended, or the peer has gone after ending its own. */
static int pipe_loop(struct pipe *p)
{
	int err = 0;

	while (!err && !(p->out_end && p->shut)) {
		bool idle = p->in_end || p->have == p->room;
		struct pollfd fds[2] = {
			{ .fd = idle ? -1 : STDIN_FILENO, .events = POLLIN },
			{ .fd = ivshmem_fd(p->ch),
			  .events = (short)((p->out_end ? 0 : POLLIN) |
					    (p->full ? POLLOUT : 0)) },
		};

		if (poll(fds, 2, -1) < 0)
			return ctl_fail(p->ctl, -errno, "poll");
		if (p->out_end && (fds[1].revents & (POLLHUP | POLLERR)))
			return p->have ? ctl_fail(p->ctl, -EPIPE, "send") : 0;
		if (!p->out_end && (fds[1].revents & ~POLLOUT))
			err = take_out(p);
		if (!err && p->full && (fds[1].revents & POLLOUT))
			err = flush_in(p);
		if (!err && fds[0].revents)
			err = take_in(p);
	}
	return err;
}

static void pipe_report(const struct pipe *p)
{
	struct ivshmem_peer peer = { .size = sizeof(peer) };
	struct json_out j;

	if (!p->ctl->json)
		return;
	json_begin(&j, p->ctl->json_to);
	json_bool(&j, "ok", true);
	json_number(&j, "sent_bytes", p->sent);
	json_number(&j, "received_bytes", p->received);
	if (!ivshmem_peer(p->ch, &peer)) {
		json_text(&j, "peer_vm", peer.vm);
		json_text(&j, "peer_service", peer.service);
	}
	json_end(&j);
}

static int pipe_run(const struct ctl *ctl, struct ivshmem *ch, bool lines)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	struct pipe p = { .ctl = ctl, .ch = ch, .lines = lines };
	int err = ivshmem_info(ch, &i);

	if (!err)
		err = ivshmem_set_timeouts(ch, 0, 0);
	if (err)
		return ctl_fail(ctl, err, "the channel");
	p.room = ivshmem_max_record(ch);
	p.out_room = (size_t)i.ring_rx / 2 + 1;
	p.in = malloc(p.room);
	p.out = malloc(p.out_room);
	err = p.in && p.out ? pipe_loop(&p) : ctl_fail(ctl, -ENOMEM, "buffers");
	if (!err)
		pipe_report(&p);
	free(p.in);
	free(p.out);
	return err;
}

enum {
	OPT_LINES = OPT_OWN,
	OPT_ECHO,
	OPT_KEEP,
	OPT_COPY
};

struct pipe_options {
	bool lines;
	bool echo;
	bool keep;
	bool copy;
};

/* -1: go on. */
static int pipe_parse(struct ctl *ctl, const struct ctl_command *cmd, int argc,
		      char **argv, struct channel_options *ch,
		      struct pipe_options *o)
{
	static const struct option options[] = {
		CTL_COMMON_OPTIONS,
		CTL_CHANNEL_OPTIONS,
		{ "lines", no_argument, NULL, OPT_LINES },
		{ "echo", no_argument, NULL, OPT_ECHO },
		{ "keep", no_argument, NULL, OPT_KEEP },
		{ "copy", no_argument, NULL, OPT_COPY },
		{ 0 },
	};
	int opt;

	ctl->json_to = stderr;
	channel_options_init(ch);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (common_option(ctl, cmd, ch, opt)) {
		case OPTION_HELP:
			return CTL_OK;
		case OPTION_BAD:
			return CTL_USAGE;
		case OPTION_NOT_MINE:
			o->lines |= opt == OPT_LINES;
			o->echo |= opt == OPT_ECHO;
			o->keep |= opt == OPT_KEEP;
			o->copy |= opt == OPT_COPY;
		}
	return -1;
}

static int listen_run(struct ctl *ctl, int argc, char **argv)
{
	struct pipe_options o = { 0 };
	struct ivshmem *ls = NULL, *c;
	struct channel_options ch;
	const char *wrong;
	int ret;

	ret = pipe_parse(ctl, &cmd_listen, argc, argv, &ch, &o);
	if (ret >= 0)
		return ret;
	ch.listen = !ch.node;
	wrong = optind < argc ? "one argument too many" : channel_check(&ch);
	if (wrong)
		return ctl_usage(ctl, &cmd_listen, "%s", wrong);
	do {
		ret = channel_get(ctl, &ch, &ls, &c);
		if (ret)
			break;
		ret = o.echo ? echo_serve(ctl, c, o.copy) :
			       pipe_run(ctl, c, o.lines);
		ivshmem_close(c);
		/* one caller's failure is no reason to leave the others alone */
	} while (o.keep && ls);
	ivshmem_close(ls);
	return ret;
}

static int connect_run(struct ctl *ctl, int argc, char **argv)
{
	struct pipe_options o = { 0 };
	struct channel_options ch;
	struct ivshmem *c;
	const char *wrong;
	int ret;

	ret = pipe_parse(ctl, &cmd_connect, argc, argv, &ch, &o);
	if (ret >= 0)
		return ret;
	if (optind < argc)
		ch.service = argv[optind++];
	wrong = optind < argc	    ? "one argument too many" :
		ch.listen || o.keep ? "--listen and --keep belong to listen" :
				      channel_check(&ch);
	if (wrong)
		return ctl_usage(ctl, &cmd_connect, "%s", wrong);
	ret = channel_get(ctl, &ch, NULL, &c);
	if (ret)
		return ret;
	ret = o.echo ? echo_serve(ctl, c, o.copy) : pipe_run(ctl, c, o.lines);
	ivshmem_close(c);
	return ret;
}

#define PIPE_OPTIONS                                                                   \
	"  --lines            a line is a record (else: a stream)\n"                   \
	"  --echo             send back what comes: the other end of ping and bench\n" \
	"  --copy             --echo by read() and write(), not by mapping\n"

const struct ctl_command cmd_listen = {
	.name = "listen",
	.args = "--as NAME [OPTION]...",
	.about =
		"wait for a caller and join it to the standard input and output",
	.options = PIPE_OPTIONS
	"  --keep             wait for the next caller afterwards\n",
	.channel = true,
	.run = listen_run,
};

const struct ctl_command cmd_connect = {
	.name = "connect",
	.args = "--as NAME [OPTION]... SERVICE",
	.about =
		"connect to a service and join it to the standard input and output",
	.options = PIPE_OPTIONS,
	.channel = true,
	.run = connect_run,
};
