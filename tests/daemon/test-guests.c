// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: one daemon serves 64 guests at once, each with a session and two channels that
 * move data, byte-exact, plain and sealed in both suites, while one of the guests is
 * hostile: it scribbles over mailboxes, floods the host's doorbells and breaks the rings
 * of its own channels. Only the channels of the hostile guest end.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/record.h"
#include "world.h"

enum {
	GUESTS = 64,
	HOSTILE = GUESTS - 1,
	RECORDS = 400,
	RECORD_MAX = 3000,
	WAIT_MS = 60000,
	TRIES = 5,	 /* scribbling may delay a handshake past its time */
	SCRIBBLES = 500, /* at least */
};

struct member {
	char path[PATH_MAX];
	const struct siv_anchors *anchors;
	struct sim_identity *id;
	unsigned int n;
	unsigned int box;
	unsigned int sent;
	unsigned int received;
	int out_end; /* how the channel to our neighbour ended */
	int in_end;  /* how the channel from our other neighbour ended */
	const char *failed;
	int error;
};

static struct world world;
static pthread_barrier_t all_in, all_done;
static atomic_uint done;

static u64 step(u64 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Record @i of the stream that guest @from sends: both ends can make it. */
static size_t make_record(unsigned int from, unsigned int i, u8 *buf)
{
	u64 x = ((u64)from << 32) + i * 2654435761u + 1;
	size_t k, n = 1 + step(&x) % RECORD_MAX;

	for (k = 0; k < n; k++)
		buf[k] = (u8)step(&x);
	return n;
}

static void send_some(struct member *m, struct sim_channel *out)
{
	u8 buf[RECORD_MAX];

	while (!m->out_end && m->sent < RECORDS) {
		size_t n = make_record(m->n, m->sent, buf);
		int r = sim_send(out, buf, n);

		if (r == -EAGAIN)
			break;
		if (r)
			m->out_end = r;
		else if (++m->sent == RECORDS)
			(void)sim_shutdown(out);
	}
}

static void receive_some(struct member *m, struct sim_channel *in)
{
	unsigned int from = (m->n + GUESTS - 1) % GUESTS;
	u8 want[RECORD_MAX], got[RECORD_MAX];

	while (!m->in_end) {
		ssize_t n = sim_recv(in, got, sizeof(got));

		if (n == -EAGAIN)
			break;
		if (n <= 0) {
			m->in_end = n ? (int)n : 1;
			break;
		}
		if ((size_t)n != make_record(from, m->received, want) ||
		    memcmp(want, got, (size_t)n)) {
			m->failed = "bytes differ";
			break;
		}
		m->received++;
	}
}

/* A little each way; true while there is something left to do. */
static bool pump(struct member *m, struct sim_channel *out,
		 struct sim_channel *in)
{
	send_some(m, out);
	receive_some(m, in);
	return !m->failed && ((!m->out_end && m->sent < RECORDS) || !m->in_end);
}

static u8 *foreign_slot(struct sim_guest *g, u64 *x)
{
	u32 box = (u32)step(x) & (g->geo.boxes - 1u);
	u64 off = SIV_BOX_HELLO_UP +
		  step(x) % (2 + 2 * SIV_BOX_SLOTS) * SIV_SLOT_SIZE;

	if (box == (g->at.peer & (g->geo.boxes - 1u)))
		box = (box + 1) & (g->geo.boxes - 1u);
	return g->at.mem + siv_box_offset(&g->geo, box) + off;
}

/* What the hostile guest does while the others shake hands and talk. */
static void misbehave(struct sim_guest *g)
{
	u64 x = 88172645463325252u;
	unsigned int count = 0;
	u8 junk[256];
	size_t i;

	while (count++ < SCRIBBLES || atomic_load(&done) < GUESTS - 1) {
		for (i = 0; i < sizeof(junk); i++)
			junk[i] = (u8)step(&x);
		siv_put_le32(junk, (u32)(step(&x) % SIV_SLOT_SIZE));
		memcpy(foreign_slot(g, &x), junk, sizeof(junk));
		sim_attach_ring(&g->at, 0, SIV_BELL_MAIL);
		sim_attach_ring(&g->at, 0, SIV_BELL_HELLO);
		usleep(1000);
	}
}

/* Odd guests seal; every other pair of them with AES. */
static struct sim_channel *dial(struct member *m, struct sim_session *ss)
{
	struct sim_connect c = {
		.service = "data",
		.ring_tx = 16384,
		.ring_rx = 16384,
		.flags = m->n % 2 ? SIV_CH_SEALED : 0,
		.suite = m->n & 2 ? SIV_SUITE_AESGCM : SIV_SUITE_CHACHAPOLY,
	};
	struct sim_channel *ch = NULL;
	unsigned int tries;
	char vm[16];

	snprintf(vm, sizeof(vm), "vm%u", (m->n + 1) % GUESTS);
	c.vm = vm;
	for (tries = 0; tries < TRIES; tries++) {
		m->error = sim_connect(ss, &c, WAIT_MS, &ch);
		if (m->error != -ETIMEDOUT)
			break;
	}
	return m->error ? NULL : ch;
}

static const char *join(struct member *m, struct sim_guest *g,
			struct sim_channel **out, struct sim_channel **in)
{
	struct sim_session *ss;
	enum siv_reason why;
	u32 code;

	m->box = g->at.peer & (g->geo.boxes - 1u);
	g->suite = m->n & 4 ? SIV_SUITE_AESGCM : SIV_SUITE_CHACHAPOLY;
	ss = sim_session_open(g, m->id, WAIT_MS, &why, &code);
	m->error = (int)code;
	if (ss)
		m->error = sim_listen(ss, 4, 0, WAIT_MS);
	pthread_barrier_wait(&all_in);
	if (!ss)
		return siv_reason_text(why);
	if (m->error)
		return "listen";
	*out = dial(m, ss);
	if (!*out)
		return "connect";
	m->error = sim_accept(g, WAIT_MS, in);
	return m->error ? "accept" : NULL;
}

static void talk(struct member *m, struct sim_guest *g)
{
	struct sim_channel *out = NULL, *in = NULL;
	u64 end = sim_now_ms() + WAIT_MS;

	m->failed = join(m, g, &out, &in);
	if (out && in && m->n == HOSTILE) {
		out->tx.own->prod = 12345;
		in->tx.own->cons = ~0ull;
		out->tx.own->want_cons = 0;
		sim_guest_step(g, 0);
		misbehave(g);
		return;
	}
	while (!m->failed && pump(m, out, in)) {
		if (sim_now_ms() > end)
			m->failed = "too slow";
		else if (sim_guest_step(g, 100))
			m->failed = "the host has gone";
	}
	atomic_fetch_add(&done, 1);
	/* the last words of a stream may have to be said again */
	while (atomic_load(&done) < GUESTS - 1 && !sim_guest_step(g, 20))
		;
}

static void *live(void *arg)
{
	struct member *m = arg;
	struct sim_guest *g = sim_guest_open(m->path, m->anchors, &m->error);

	if (!g) {
		m->failed = "attach";
		pthread_barrier_wait(&all_in);
		atomic_fetch_add(&done, 1);
	} else {
		talk(m, g);
	}
	pthread_barrier_wait(&all_done);
	sim_guest_close(g, m->n != HOSTILE);
	return NULL;
}

static char *make_policy(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	unsigned int i;

	fprintf(f, "[region plant]\nsize = 64M\nmode = shared\ngranule = 4K\n"
		   "liveness = 2m\nhandshake = 20s\nmembers =");
	for (i = 0; i < GUESTS; i++)
		fprintf(f, " vm%u", i);
	fprintf(f, "\n");
	for (i = 0; i < GUESTS; i++)
		fprintf(f, "[vm vm%u]\nuser = self\nvectors = 8\n", i);
	for (i = 0; i < GUESTS; i++)
		fprintf(f, "[service plant/vm%u/data]\nclients = vm%u\n", i,
			(i + GUESTS - 1) % GUESTS);
	fclose(f);
	return text;
}

/* Those who talked with the hostile one lost that channel, and only that. */
static void judge(const struct member *m)
{
	bool boxes[GUESTS] = { false };
	unsigned int i;

	for (i = 0; i < GUESTS; i++) {
		if (m[i].failed)
			fail_msg("guest %u: %s: %d (sent %u, received %u)", i,
				 m[i].failed, m[i].error, m[i].sent,
				 m[i].received);
		assert_in_range(m[i].box, 0, GUESTS - 1);
		assert_false(boxes[m[i].box]);
		boxes[m[i].box] = true;
	}
	for (i = 1; i < HOSTILE - 1; i++) {
		assert_int_equal(m[i].out_end, 0);
		assert_int_equal(m[i].in_end, 1);
		assert_int_equal(m[i].received, RECORDS);
	}
	assert_int_equal(m[0].in_end, -EPROTO);
	assert_int_equal(m[0].sent, RECORDS);
	assert_int_equal(m[HOSTILE - 1].out_end, -EPROTO);
	assert_int_equal(m[HOSTILE - 1].received, RECORDS);
}

static void test_sixty_four(void **state)
{
	static const char *const regions[] = { "plant", NULL };
	static struct member m[GUESTS];
	pthread_t thread[GUESTS];
	char *policy = make_policy();
	unsigned int i;
	char vm[16];

	(void)state;
	world_begin(&world, "sivshmemd", regions, policy);
	free(policy);
	pthread_barrier_init(&all_in, NULL, GUESTS);
	pthread_barrier_init(&all_done, NULL, GUESTS + 1);
	for (i = 0; i < GUESTS; i++) {
		snprintf(vm, sizeof(vm), "vm%u", i);
		m[i] = (struct member){ .n = i, .anchors = world.anchors };
		world_socket(&world, m[i].path, vm, "plant");
		m[i].id = world_identity("plant", vm, "data");
		assert_false(pthread_create(&thread[i], NULL, live, &m[i]));
	}
	pthread_barrier_wait(&all_done);
	for (i = 0; i < GUESTS; i++) {
		pthread_join(thread[i], NULL);
		sim_identity_free(m[i].id);
	}
	judge(m);
	world_end(&world);
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_sixty_four, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
