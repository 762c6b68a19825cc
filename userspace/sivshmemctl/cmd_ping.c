// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * In a guest: ping and bench, and the other end of both, `listen --echo`.
 *
 * The asking side sends an ASK record, the serving side the same record back, with an
 * errno if it cannot; then come the records of the operation. What is no ASK is echoed.
 */
#include "ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "core/platform.h"
#include "json.h"

#define ASK_MAGIC 0x484e454256495300ull

enum {
	ASK_POLLED =
		1,  /* echo @count records, looking for them without pause */
	ASK_ASLEEP, /* echo @count records, sleeping before each */
	ASK_SINK,   /* take @count records, then answer once more */
	ASK_SOURCE, /* send @count records of @size bytes */
};

enum {
	ASK_LEN = 32,
	WARM_UP = 32,
	IDLE_NS = 2000000000, /* polling ends when nobody sends for so long */
	LOOKS = 4096,
};

struct ask {
	uint32_t op;
	uint32_t error;
	uint64_t count;
	uint64_t size;
};

static void ask_put(u8 *p, const struct ask *a)
{
	siv_put_le64(p, ASK_MAGIC);
	siv_put_le32(p + 8, a->op);
	siv_put_le32(p + 12, a->error);
	siv_put_le64(p + 16, a->count);
	siv_put_le64(p + 24, a->size);
}

static bool ask_get(const u8 *p, ssize_t n, struct ask *a)
{
	if (n != ASK_LEN || siv_get_le64(p) != ASK_MAGIC)
		return false;
	a->op = siv_get_le32(p + 8);
	a->error = siv_get_le32(p + 12);
	a->count = siv_get_le64(p + 16);
	a->size = siv_get_le64(p + 24);
	return true;
}

/* ------------------------------------------------------------------- both ends */

/* Where records pass through. */
struct room {
	struct ivshmem *ch;
	u8 *buf;
	size_t len;
};

static int room_init(struct room *r, struct ivshmem *ch)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	int err = ivshmem_info(ch, &i);

	r->ch = ch;
	r->len = (size_t)(i.ring_rx > i.ring_tx ? i.ring_rx : i.ring_tx) / 2;
	r->buf = err ? NULL : calloc(1, r->len);
	return err ? err : r->buf ? 0 : -ENOMEM;
}

/* A record, looked for without pause. */
static ssize_t look_for(struct room *r)
{
	uint64_t start = clock_ns();

	for (;;) {
		for (int i = 0; i < LOOKS; i++) {
			ssize_t n = ivshmem_recv(r->ch, r->buf, r->len);

			if (n != -EAGAIN)
				return n;
		}
		if (clock_ns() - start > IDLE_NS)
			return -ETIMEDOUT;
		/* the other end may need this processor */
		sched_yield();
	}
}

static ssize_t next_record(struct room *r, uint32_t op)
{
	return op == ASK_POLLED ? look_for(r) :
				  ivshmem_recv(r->ch, r->buf, r->len);
}

/* Polled: the receiver never sleeps. Asleep: it never spins. */
static void set_manner(struct ivshmem *ch, uint32_t op)
{
	ivshmem_set_spin(ch, op == ASK_ASLEEP ? IVSHMEM_SPIN_NEVER :
						IVSHMEM_SPIN_DEFAULT);
	ivshmem_set_timeouts(ch, -1, op == ASK_POLLED ? 0 : -1);
}

/* --------------------------------------------------------------- the other end */

static int serve_echo(struct room *r, const struct ask *a)
{
	for (uint64_t i = 0; i < a->count; i++) {
		ssize_t n = next_record(r, a->op);

		/* the other side was interrupted: idle again */
		if (n == -ETIMEDOUT)
			return 0;
		if (n > 0)
			n = ivshmem_send(r->ch, r->buf, (size_t)n);
		if (n <= 0)
			return n ? (int)n : -EPIPE;
	}
	return 0;
}

static int serve_sink(struct room *r, struct ask *a)
{
	ssize_t n;

	a->size = 0;
	for (uint64_t i = 0; i < a->count; i++) {
		n = ivshmem_recv(r->ch, r->buf, r->len);
		if (n <= 0)
			return n ? (int)n : -EPIPE;
		a->size += (uint64_t)n;
	}
	ask_put(r->buf, a);
	n = ivshmem_send(r->ch, r->buf, ASK_LEN);
	return n < 0 ? (int)n : 0;
}

static int serve_source(struct room *r, const struct ask *a)
{
	memset(r->buf, 0x5a, (size_t)a->size);
	for (uint64_t i = 0; i < a->count; i++) {
		ssize_t n = ivshmem_send(r->ch, r->buf, (size_t)a->size);

		if (n < 0)
			return (int)n;
	}
	return 0;
}

static int serve(struct room *r, struct ask *a)
{
	ssize_t n;
	int err;

	if (a->op < ASK_POLLED || a->op > ASK_SOURCE)
		a->error = EOPNOTSUPP;
	else if (!a->size || a->size > ivshmem_max_record(r->ch))
		a->error = EMSGSIZE;
	set_manner(r->ch, a->error ? ASK_SINK : a->op);
	ask_put(r->buf, a);
	n = ivshmem_send(r->ch, r->buf, ASK_LEN);
	if (n < 0 || a->error)
		return n < 0 ? (int)n : 0;
	if (a->op == ASK_SINK)
		err = serve_sink(r, a);
	else if (a->op == ASK_SOURCE)
		err = serve_source(r, a);
	else
		err = serve_echo(r, a);
	set_manner(r->ch, ASK_SINK);
	return err;
}

int echo_serve(const struct ctl *ctl, struct ivshmem *ch, bool copy)
{
	struct room r = { 0 };
	struct ask a;
	ssize_t n;
	int err;

	/* where it can be mapped it is */
	err = copy ? 0 : ivshmem_map(ch);
	if (!err || err == -EOPNOTSUPP || err == -EBUSY)
		err = room_init(&r, ch);
	while (!err) {
		n = ivshmem_recv(ch, r.buf, r.len);
		if (n <= 0)
			err = n ? (int)n : -EPIPE;
		else if (ask_get(r.buf, n, &a))
			err = serve(&r, &a);
		else
			err = (int)(n = ivshmem_send(ch, r.buf, (size_t)n)) <
					      0 ?
				      (int)n :
				      0;
	}
	free(r.buf);
	return err == -EPIPE ? CTL_OK :
			       ctl_fail(ctl, channel_error(ch, err), "echo");
}

/* ------------------------------------------------------------------ asking side */

static int ask(struct room *r, uint32_t op, uint64_t count, uint64_t size)
{
	struct ask a = { .op = op, .count = count, .size = size }, b;
	ssize_t n;

	set_manner(r->ch, ASK_SINK);
	ask_put(r->buf, &a);
	n = ivshmem_send(r->ch, r->buf, ASK_LEN);
	if (n < 0)
		return (int)n;
	n = ivshmem_recv(r->ch, r->buf, r->len);
	if (n < 0)
		return (int)n;
	if (!n)
		return -ECONNRESET;
	if (!ask_get(r->buf, n, &b) || b.op != op || b.count != count)
		return -EBADMSG;
	if (b.error)
		return -(int)(b.error & 0xfff);
	set_manner(r->ch, op);
	return 0;
}

/* What the round trips of one manner came to, in nanoseconds. */
struct trips {
	uint64_t count;
	uint64_t min;
	uint64_t median;
	uint64_t p99;
	uint64_t max;
	double mean;
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void evaluate(uint64_t *ns, uint64_t count, struct trips *t)
{
	double sum = 0;

	qsort(ns, count, sizeof(*ns), compare);
	for (uint64_t i = 0; i < count; i++)
		sum += (double)ns[i];
	t->count = count;
	t->min = ns[0];
	t->median = ns[count / 2];
	t->p99 = ns[count * 99 / 100];
	t->max = ns[count - 1];
	t->mean = sum / (double)count;
}

/* One record there and back, compared. */
static int trip(struct room *r, uint32_t op, const u8 *data, size_t size)
{
	ssize_t n = ivshmem_send(r->ch, data, size);

	if (n >= 0)
		n = next_record(r, op);
	if (n < 0)
		return (int)n;
	if (!n)
		return -ECONNRESET;
	return (size_t)n == size && !memcmp(r->buf, data, size) ? 0 : -EBADMSG;
}

static int ping_trips(struct room *r, uint32_t op, uint64_t count, size_t size,
		      struct trips *t)
{
	uint64_t *ns = calloc(count, sizeof(*ns));
	u8 *data = malloc(size);
	int err = ns && data ? ask(r, op, count + WARM_UP, size) : -ENOMEM;

	for (uint64_t i = 0; !err && i < count + WARM_UP; i++) {
		uint64_t start;

		memset(data, (int)i, size);
		start = clock_ns();
		err = trip(r, op, data, size);
		if (i >= WARM_UP)
			ns[i - WARM_UP] = clock_ns() - start;
	}
	if (!err)
		evaluate(ns, count, t);
	free(ns);
	free(data);
	return err;
}

static void trips_report(const struct ctl *ctl, struct json_out *j,
			 const char *manner, const struct trips *t)
{
	if (!ctl->json) {
		printf("%-8s min %.2f  median %.2f  p99 %.2f  max %.2f us (%" PRIu64
		       " round trips)\n",
		       manner, (double)t->min / 1e3, (double)t->median / 1e3,
		       (double)t->p99 / 1e3, (double)t->max / 1e3, t->count);
		return;
	}
	json_open(j, manner, '{');
	json_number(j, "count", t->count);
	json_number(j, "min_ns", t->min);
	json_number(j, "median_ns", t->median);
	json_number(j, "p99_ns", t->p99);
	json_number(j, "max_ns", t->max);
	json_real(j, "mean_ns", t->mean);
	json_close(j, '}');
}

struct ping {
	uint64_t count;
	uint64_t size;
	bool copy;
	bool polled;
	bool asleep;
};

/* The channel, mapped unless that is not wanted or not possible. */
static int get_room(const struct ctl *ctl, struct channel_options *ch,
		    bool copy, struct room *r)
{
	struct ivshmem *c = NULL;
	int err = channel_get(ctl, ch, NULL, &c);

	if (err)
		return err;
	r->ch = c;
	if (!copy && !(ch->o.flags & IVSHMEM_SEALED))
		err = ivshmem_map(c);
	if (err == -EOPNOTSUPP)
		err = 0;
	if (!err)
		err = room_init(r, c);
	if (!err)
		return CTL_OK;
	ctl_fail(ctl, err, "map the rings");
	return CTL_FAILED;
}

static int ping_do(const struct ctl *ctl, const struct ping *p, struct room *r)
{
	struct trips polled = { 0 }, asleep = { 0 };
	struct sivshmem_info i = { .size = sizeof(i) };
	struct json_out j = { 0 };
	int err = 0;

	if (p->polled)
		err = ping_trips(r, ASK_POLLED, p->count, (size_t)p->size,
				 &polled);
	if (!err && p->asleep)
		err = ping_trips(r, ASK_ASLEEP, p->count, (size_t)p->size,
				 &asleep);
	if (err)
		return ctl_fail(ctl, channel_error(r->ch, err),
				"ping (does the other end run listen --echo?)");
	if (ctl->json) {
		json_begin(&j, ctl->json_to);
		json_bool(&j, "ok", true);
		json_number(&j, "size", p->size);
		if (!ivshmem_info(r->ch, &i)) {
			json_bool(&j, "sealed", i.flags & SIVSHMEM_INFO_SEALED);
			json_bool(&j, "mapped", i.flags & SIVSHMEM_INFO_MAPPED);
			json_number(&j, "handshake_ns", i.handshake_ns);
			json_number(&j, "x25519_ns", i.x25519_ns);
		}
	}
	if (p->polled)
		trips_report(ctl, &j, "polled", &polled);
	if (p->asleep)
		trips_report(ctl, &j, "wakeup", &asleep);
	if (ctl->json)
		json_end(&j);
	return CTL_OK;
}

/* -1: go on. */
static int ping_parse(struct ctl *ctl, int argc, char **argv,
		      struct channel_options *ch, struct ping *p)
{
	enum {
		OPT_COUNT = OPT_OWN,
		OPT_SIZE,
		OPT_COPY,
		OPT_POLLED,
		OPT_WAKEUP
	};
	static const struct option options[] = {
		CTL_COMMON_OPTIONS,
		CTL_CHANNEL_OPTIONS,
		{ "count", required_argument, NULL, OPT_COUNT },
		{ "size", required_argument, NULL, OPT_SIZE },
		{ "copy", no_argument, NULL, OPT_COPY },
		{ "polled", no_argument, NULL, OPT_POLLED },
		{ "wakeup", no_argument, NULL, OPT_WAKEUP },
		{ 0 },
	};
	bool good = true;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "c:s:", options, NULL)) != -1) {
		ret = common_option(ctl, &cmd_ping, ch, opt);
		if (ret == OPTION_HELP || ret == OPTION_BAD)
			return ret == OPTION_HELP ? CTL_OK : CTL_USAGE;
		if (ret == OPTION_TAKEN)
			continue;
		if (opt == OPT_COUNT || opt == 'c')
			good = good &&
			       parse_number(optarg, 10000000, &p->count) &&
			       p->count;
		else if (opt == OPT_SIZE || opt == 's')
			good = good && parse_size(optarg, &p->size) && p->size;
		p->copy |= opt == OPT_COPY;
		p->polled |= opt == OPT_POLLED;
		p->asleep |= opt == OPT_WAKEUP;
	}
	if (!good || p->size > 1u << 29)
		return ctl_usage(ctl, &cmd_ping, "a count or a size is wrong");
	if (!p->polled && !p->asleep) {
		p->polled = true;
		p->asleep = true;
	}
	return -1;
}

static int ping_run(struct ctl *ctl, int argc, char **argv)
{
	struct ping p = { .count = 1000, .size = 64 };
	struct channel_options ch;
	struct room r = { 0 };
	const char *wrong;
	int ret;

	channel_options_init(&ch);
	ret = ping_parse(ctl, argc, argv, &ch, &p);
	if (ret >= 0)
		return ret;
	if (optind < argc)
		ch.service = argv[optind++];
	wrong = optind < argc ? "one argument too many" : channel_check(&ch);
	if (wrong)
		return ctl_usage(ctl, &cmd_ping, "%s", wrong);
	ret = get_room(ctl, &ch, p.copy, &r);
	if (!ret)
		ret = ping_do(ctl, &p, &r);
	free(r.buf);
	ivshmem_close(r.ch);
	return ret;
}

const struct ctl_command cmd_ping = {
	.name = "ping",
	.args = "--as NAME [OPTION]... SERVICE",
	.about = "measure round trips, polled and by wake-up, to listen --echo",
	.options =
		"  -c, --count N      round trips of each kind (1000)\n"
		"  -s, --size SIZE    bytes of a record (64)\n"
		"  --polled           only with both ends looking without pause\n"
		"  --wakeup           only with both ends sleeping\n"
		"  --copy             read() and write() instead of the mapping\n",
	.channel = true,
	.run = ping_run,
};

/* ------------------------------------------------------------------------ bench */

struct bench {
	uint64_t size;
	uint64_t count;
	bool copy;
	double send; /* bytes per second */
	double receive;
	double memory;
};

static double rate(const struct bench *b, uint64_t start_ns)
{
	uint64_t ns = clock_ns() - start_ns;

	return (double)(b->size * b->count) * 1e9 / (double)(ns ? ns : 1);
}

static int bench_send(struct room *r, struct bench *b)
{
	int err = ask(r, ASK_SINK, b->count, b->size);
	uint64_t start = clock_ns();
	struct ask done;
	ssize_t n;

	if (err)
		return err;
	memset(r->buf, 0xa5, (size_t)b->size);
	for (uint64_t i = 0; i < b->count; i++) {
		n = ivshmem_send(r->ch, r->buf, (size_t)b->size);
		if (n < 0)
			return (int)n;
	}
	n = ivshmem_recv(r->ch, r->buf, r->len);
	b->send = rate(b, start);
	if (n < 0)
		return (int)n;
	return ask_get(r->buf, n, &done) && done.size == b->size * b->count ?
		       0 :
		       -EBADMSG;
}

static int bench_receive(struct room *r, struct bench *b)
{
	int err = ask(r, ASK_SOURCE, b->count, b->size);
	uint64_t start = clock_ns();

	if (err)
		return err;
	for (uint64_t i = 0; i < b->count; i++) {
		ssize_t n = ivshmem_recv(r->ch, r->buf, r->len);

		if (n < 0)
			return (int)n;
		if ((uint64_t)n != b->size)
			return -EBADMSG;
	}
	b->receive = rate(b, start);
	return 0;
}

/* The same bytes into the same ring by memcpy() alone: what the memory can do. */
static int bench_memory(struct room *r, struct bench *b)
{
	size_t span = ivshmem_max_record(r->ch), at = 0, size = (size_t)b->size;
	uint64_t start;
	void *to;
	int err = ivshmem_reserve(r->ch, span, &to);

	if (err == -EBUSY || err == -EOPNOTSUPP)
		return 0;
	if (err)
		return err;
	start = clock_ns();
	for (uint64_t i = 0; i < b->count; i++) {
		memcpy((u8 *)to + at, r->buf, size);
		__asm__ volatile("" ::: "memory");
		at = at + 2 * size <= span ? at + size : 0;
	}
	b->memory = rate(b, start);
	return ivshmem_commit(r->ch, 0);
}

static void bench_report(const struct ctl *ctl, const struct bench *b,
			 struct room *r)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	char text[CTL_TEXT];
	struct json_out j;

	ivshmem_info(r->ch, &i);
	if (!ctl->json) {
		printf("%" PRIu64 " records of %s each way, %s, %s\n", b->count,
		       text_bytes(text, (double)b->size),
		       i.flags & SIVSHMEM_INFO_SEALED ? "sealed" : "plain",
		       i.flags & SIVSHMEM_INFO_MAPPED ? "by mapping" :
							"by copying");
		printf("  send     %s/s\n", text_bytes(text, b->send));
		printf("  receive  %s/s\n", text_bytes(text, b->receive));
		if (b->memory > 0)
			printf("  memcpy   %s/s\n",
			       text_bytes(text, b->memory));
		return;
	}
	json_begin(&j, ctl->json_to);
	json_bool(&j, "ok", true);
	json_number(&j, "size", b->size);
	json_number(&j, "count", b->count);
	json_bool(&j, "sealed", i.flags & SIVSHMEM_INFO_SEALED);
	json_bool(&j, "mapped", i.flags & SIVSHMEM_INFO_MAPPED);
	json_real(&j, "send_bytes_per_s", b->send);
	json_real(&j, "receive_bytes_per_s", b->receive);
	if (b->memory > 0)
		json_real(&j, "memcpy_bytes_per_s", b->memory);
	json_end(&j);
}

static int bench_do(const struct ctl *ctl, struct bench *b, struct room *r)
{
	int err = bench_send(r, b);

	if (!err)
		err = bench_receive(r, b);
	if (!err)
		err = bench_memory(r, b);
	if (err)
		return ctl_fail(
			ctl, err,
			"bench (does the other end run listen --echo?)");
	bench_report(ctl, b, r);
	return CTL_OK;
}

static int bench_run(struct ctl *ctl, int argc, char **argv)
{
	enum {
		OPT_SIZE = OPT_OWN,
		OPT_BYTES,
		OPT_COPY
	};
	static const struct option options[] = {
		CTL_COMMON_OPTIONS,
		CTL_CHANNEL_OPTIONS,
		{ "size", required_argument, NULL, OPT_SIZE },
		{ "bytes", required_argument, NULL, OPT_BYTES },
		{ "copy", no_argument, NULL, OPT_COPY },
		{ 0 },
	};
	struct bench b = { .size = 65536 };
	uint64_t bytes = 256u << 20;
	struct channel_options ch;
	struct room r = { 0 };
	const char *wrong;
	bool good = true;
	int opt, ret;

	channel_options_init(&ch);
	while ((opt = getopt_long(argc, argv, "s:b:", options, NULL)) != -1) {
		ret = common_option(ctl, &cmd_bench, &ch, opt);
		if (ret == OPTION_HELP || ret == OPTION_BAD)
			return ret == OPTION_HELP ? CTL_OK : CTL_USAGE;
		if (ret == OPTION_TAKEN)
			continue;
		if (opt == OPT_SIZE || opt == 's')
			good = good && parse_size(optarg, &b.size);
		else if (opt == OPT_BYTES || opt == 'b')
			good = good && parse_size(optarg, &bytes);
		b.copy |= opt == OPT_COPY;
	}
	if (!good || !b.size || b.size > 1u << 29 || bytes < b.size)
		return ctl_usage(ctl, &cmd_bench, "a size is wrong");
	b.count = bytes / b.size;
	if (optind < argc)
		ch.service = argv[optind++];
	wrong = optind < argc ? "one argument too many" : channel_check(&ch);
	if (wrong)
		return ctl_usage(ctl, &cmd_bench, "%s", wrong);
	/* so large that memcpy() does not stay in a small part of the caches either */
	if (!ch.node && !ch.listen && !ch.o.ring_tx)
		for (ch.o.ring_tx = 65536; ch.o.ring_tx < 16 * b.size;)
			ch.o.ring_tx *= 2;
	if (!ch.o.ring_rx)
		ch.o.ring_rx = ch.o.ring_tx;
	ret = get_room(ctl, &ch, b.copy, &r);
	if (!ret)
		ret = bench_do(ctl, &b, &r);
	free(r.buf);
	ivshmem_close(r.ch);
	return ret;
}

const struct ctl_command cmd_bench = {
	.name = "bench",
	.args = "--as NAME [OPTION]... SERVICE",
	.about = "measure bandwidth to listen --echo, beside memcpy",
	.options =
		"  -s, --size SIZE    bytes of a record (64K)\n"
		"  -b, --bytes SIZE   bytes each way (256M)\n"
		"  --copy             read() and write() instead of the mapping\n",
	.channel = true,
	.run = bench_run,
};
