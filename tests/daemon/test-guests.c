// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: one daemon serves 64 guests at once, each with a session and two channels that
 * move data both ways, byte-exact, while one of the guests is hostile: it scribbles over
 * mailboxes, floods the host's doorbells and breaks the rings of its own channels. Only
 * the channels of the hostile guest end.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
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
};

struct member {
	struct world *w;
	struct sim_identity *id;
	unsigned int n;
	unsigned int sent;
	unsigned int received;
	int out_end;			/* how the channel to our neighbour ended */
	int in_end;			/* how the channel from our other neighbour ended */
	const char *failed;
};

static pthread_barrier_t ready;
static volatile bool calm;

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

/* Send and receive a little; returns true while there is something left to do. */
static bool pump(struct member *m, struct sim_channel *out, struct sim_channel *in)
{
	u8 want[RECORD_MAX], got[RECORD_MAX];
	unsigned int from = (m->n + GUESTS - 1) % GUESTS;
	ssize_t n;
	int r;

	while (!m->out_end && m->sent < RECORDS) {
		n = (ssize_t)make_record(m->n, m->sent, want);
		r = sim_send(out, want, (size_t)n);
		if (r == -EAGAIN)
			break;
		if (r)
			m->out_end = r;
		else if (++m->sent == RECORDS)
			r = sim_shutdown(out);
	}
	while (!m->in_end) {
		n = sim_recv(in, got, sizeof(got));
		if (n == -EAGAIN)
			break;
		if (n <= 0) {
			m->in_end = n ? (int)n : 1;
			break;
		}
		if ((size_t)n != make_record(from, m->received, want) ||
		    memcmp(want, got, (size_t)n)) {
			m->failed = "bytes differ";
			return false;
		}
		m->received++;
	}
	return (!m->out_end && m->sent < RECORDS) || !m->in_end;
}

static u8 *foreign_slot(struct sim_guest *g, u64 *x)
{
	u32 box = (u32)step(x) & (g->geo.boxes - 1u);
	u64 off = SIV_BOX_HELLO_UP + step(x) % (2 + 2 * SIV_BOX_SLOTS) * SIV_SLOT_SIZE;

	if (box == (g->at.peer & (g->geo.boxes - 1u)))
		box = (box + 1) & (g->geo.boxes - 1u);
	return g->at.mem + siv_box_offset(&g->geo, box) + off;
}

/* What the hostile guest does while the others shake hands and talk. */
static void misbehave(struct sim_guest *g)
{
	u64 x = 88172645463325252u;
	u8 junk[256];
	size_t i;

	while (!calm) {
		for (i = 0; i < sizeof(junk); i++)
			junk[i] = (u8)step(&x);
		siv_put_le32(junk, (u32)(step(&x) % SIV_SLOT_SIZE));
		memcpy(foreign_slot(g, &x), junk, sizeof(junk));
		sim_attach_ring(&g->at, 0, SIV_BELL_MAIL);
		sim_attach_ring(&g->at, 0, SIV_BELL_HELLO);
		usleep(2000);
	}
}

static const char *join(struct member *m, struct sim_guest *g, struct sim_session **ss,
			struct sim_channel **out, struct sim_channel **in)
{
	struct sim_connect c = {
		.service = "data",
		.ring_tx = 16384,
		.ring_rx = 16384,
		.flags = m->n % 2 ? SIV_CH_SEALED : 0,
	};
	char vm[16];
	enum siv_reason why;
	u32 code;

	*ss = sim_session_open(g, m->id, WAIT_MS, &why, &code);
	if (!*ss)
		return siv_reason_text(why);
	if (sim_listen(*ss, 4, 0, WAIT_MS))
		return "listen failed";
	pthread_barrier_wait(&ready);
	snprintf(vm, sizeof(vm), "vm%u", (m->n + 1) % GUESTS);
	c.vm = vm;
	if (sim_connect(*ss, &c, WAIT_MS, out, NULL))
		return "connect failed";
	if (sim_accept(g, WAIT_MS, in))
		return "accept failed";
	return NULL;
}

static void *honest(void *arg)
{
	struct member *m = arg;
	struct sim_channel *out = NULL, *in = NULL;
	struct sim_session *ss;
	struct sim_guest *g;
	u64 end = sim_now_ms() + WAIT_MS;
	char vm[16];

	snprintf(vm, sizeof(vm), "vm%u", m->n);
	g = world_attach(m->w, vm, "plant");
	m->failed = join(m, g, &ss, &out, &in);
	while (!m->failed && pump(m, out, in)) {
		if (sim_now_ms() > end)
			m->failed = "too slow";
		else if (sim_guest_step(g, 100))
			m->failed = "the host has gone";
	}
	pthread_barrier_wait(&ready);
	sim_guest_close(g, true);
	return NULL;
}

/* The hostile one: joins like the others, then breaks its own rings and all mailboxes. */
static void *hostile(void *arg)
{
	struct member *m = arg;
	struct sim_channel *out = NULL, *in = NULL;
	struct sim_session *ss;
	struct sim_guest *g;
	char vm[16];

	snprintf(vm, sizeof(vm), "vm%u", m->n);
	g = world_attach(m->w, vm, "plant");
	m->failed = join(m, g, &ss, &out, &in);
	if (!m->failed) {
		out->tx.own->prod = 12345;
		in->tx.own->cons = ~0ull;
		out->tx.own->want_cons = 0;
		sim_guest_step(g, 0);
		misbehave(g);
	}
	pthread_barrier_wait(&ready);
	sim_guest_close(g, false);
	return NULL;
}

static char *make_policy(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	unsigned int i;

	fprintf(f, "[region plant]\nsize = 64M\nmode = shared\ngranule = 4K\nmembers =");
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

static void test_sixty_four(void **state)
{
	static const char *const regions[] = { "plant", NULL };
	static struct member m[GUESTS];
	pthread_t thread[GUESTS];
	char *policy = make_policy();
	struct world w;
	unsigned int i;
	char vm[16];

	(void)state;
	world_begin(&w, "sivshmemd", regions, policy);
	free(policy);
	pthread_barrier_init(&ready, NULL, GUESTS);
	for (i = 0; i < GUESTS; i++) {
		snprintf(vm, sizeof(vm), "vm%u", i);
		m[i] = (struct member){ .w = &w, .n = i };
		m[i].id = world_identity(&w, "plant", vm, "data");
		assert_false(pthread_create(&thread[i], NULL, i == HOSTILE ? hostile : honest,
					    &m[i]));
	}
	sleep(5);
	calm = true;
	for (i = 0; i < GUESTS; i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < GUESTS; i++) {
		if (m[i].failed)
			fail_msg("guest %u: %s (sent %u, received %u)", i, m[i].failed,
				 m[i].sent, m[i].received);
		sim_identity_free(m[i].id);
	}
	for (i = 1; i < HOSTILE - 1; i++) {
		assert_int_equal(m[i].out_end, 0);
		assert_int_equal(m[i].in_end, 1);
		assert_int_equal(m[i].received, RECORDS);
	}
	/* Those who talked with the hostile one lost that channel, and only that. */
	assert_int_equal(m[0].in_end, -EPROTO);
	assert_int_equal(m[0].sent, RECORDS);
	assert_int_equal(m[HOSTILE - 1].out_end, -EPROTO);
	assert_int_equal(m[HOSTILE - 1].received, RECORDS);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sixty_four),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
