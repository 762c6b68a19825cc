// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark: how long a connect takes natively, between two simulated guests (two
 * processes) and the daemon. Cold: attach, the first session of an identity, and the
 * first connect to a peer never seen. Warm: session, certificates and the pair's secret
 * are there. Reports; judges nothing.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "world.h"

enum {
	COLD = 40,
	WARM = 2000,
	WAIT_MS = 10000,
};

static const char policy[] =
	"[region bench]\nsize = 64M\nmode = shared\ngranule = 4K\nmembers = a b\n"
	"[vm a]\nuser = self\nhello_rate = 1000\nattach_rate = 60000\n"
	"[vm b]\nuser = self\n"
	"[service bench/b/data]\nclients = a\n";

/* The listening guest: accepts and drops channels until it is killed. */
static void serve(struct world *w)
{
	struct sim_guest *g = world_attach(w, "b", "bench");
	struct sim_identity *id = world_identity(w, "bench", "b", "data");
	struct sim_session *ss = world_session(g, id);
	struct sim_channel *ch;
	unsigned int i;

	if (sim_listen(ss, 16, 0, WAIT_MS))
		fail_msg("listen");
	for (;;) {
		sim_session_prepare(ss);
		if (!sim_accept(g, WAIT_MS, &ch))
			ch->accepted = true;
		for (i = 0; i < SIM_CHANNELS; i++) {
			ch = g->channel[i];
			if (ch && ch->peer_closed)
				sim_close(ch);
		}
	}
}

static int by_value(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void report(const char *what, u64 *t, unsigned int n, u64 dh_total)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		sum += t[i];
	qsort(t, n, sizeof(*t), by_value);
	printf("%-28s p50 %7.1f us   p99 %7.1f us   min %7.1f us   (%u runs", what,
	       (double)t[n / 2] / 1000, (double)t[n * 99 / 100] / 1000, (double)t[0] / 1000, n);
	if (dh_total)
		printf(", X25519 here %.0f %%", 100.0 * (double)dh_total / (double)sum);
	printf(")\n");
}

static void cold(struct world *w)
{
	struct sim_connect c = { .service = "data", .ring_tx = 65536, .ring_rx = 65536 };
	static u64 session[COLD], connect[COLD];
	u64 dh = 0, dh_first = 0;
	char service[32];
	unsigned int i;

	for (i = 0; i < COLD; i++) {
		struct sim_guest *g = world_attach(w, "a", "bench");
		struct sim_identity *id;
		struct sim_session *ss;
		struct sim_channel *ch;
		struct sim_times t;
		u64 t0;

		snprintf(service, sizeof(service), "cold-%u", i);
		id = world_identity(w, "bench", "a", service);
		t0 = sim_now_ns();
		ss = world_session(g, id);
		session[i] = sim_now_ns() - t0;
		dh_first += g->x25519_ns;
		if (sim_connect(ss, &c, WAIT_MS, &ch, &t))
			fail_msg("connect");
		connect[i] = t.total;
		dh += t.x25519;
		sim_close(ch);
		sim_guest_close(g, true);
		sim_identity_free(id);
		usleep(20000);
	}
	(void)dh_first;
	report("cold: session (IK)", session, COLD, 0);
	report("cold: first connect", connect, COLD, dh);
}

static void warm(struct world *w, u32 flags, const char *what)
{
	struct sim_connect c = { .service = "data", .ring_tx = 65536, .ring_rx = 65536,
				 .flags = flags };
	struct sim_guest *g = world_attach(w, "a", "bench");
	struct sim_identity *id = world_identity(w, "bench", "a", "warm");
	struct sim_session *ss = world_session(g, id);
	static u64 t[WARM];
	u64 dh = 0;
	unsigned int i;

	for (i = 0; i < WARM + 10; i++) {
		struct sim_channel *ch;
		struct sim_times times;
		int r;

		sim_session_prepare(ss);
		r = sim_connect(ss, &c, WAIT_MS, &ch, &times);
		if (r)
			fail_msg("connect %u: %d", i, r);
		if (i >= 10) {
			t[i - 10] = times.total;
			dh += times.x25519;
		}
		sim_close(ch);
		while (sim_guest_step(g, 1))
			;
		usleep(500);
	}
	report(what, t, WARM, dh);
	sim_guest_close(g, true);
	sim_identity_free(id);
}

static void run(void **state)
{
	static const char *const regions[] = { "bench", NULL };
	struct world w;
	pid_t b;

	(void)state;
	world_begin(&w, "sivshmemd", regions, policy);
	b = fork();
	if (!b)
		serve(&w);
	usleep(300000);
	cold(&w);
	warm(&w, 0, "warm: connect, plain");
	warm(&w, SIV_CH_SEALED, "warm: connect, sealed");
	kill(b, SIGKILL);
	waitpid(b, NULL, 0);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(run) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
