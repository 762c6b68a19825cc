// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark: what a connect costs natively, between two simulated guests (two processes)
 * and the daemon, and what their rings then do. Cold: attach, the first session of an
 * identity, the first connect to a peer never seen. Warm: session, certificates and the
 * pair's secret are there. A connect is over when the channel may be used; its rings are
 * mapped at their first use. X25519 is that of both guests, also of the session where that
 * is measured, and not the daemon's. Reports; judges nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "world.h"

enum {
	COLD = 200,
	WARM = 2000,
	WARM_UP = 20,
	TRIPS = 20000,
	BELL_TRIPS = 5000,
	BULK = 65536,
	BULK_COUNT = 8192,
	SMALL = 65536, /* rings of the connects; those that carry data have */
	RING = 1 << 20,
	WAIT_MS = 10000,
};

static const char policy[] =
	"[region bench]\nsize = 64M\nmode = shared\ngranule = 4K\nmembers = a b\n"
	"[vm a]\nuser = self\nhello_rate = 10000\nattach_rate = 60000\nsessions = 64\n"
	"[vm b]\nuser = self\n"
	"[service bench/b/data]\nclients = a\n";

static struct world world;

/* ------------------------------------------------- X25519, counted at both ends */

struct counted {
	u64 calls;
	u64 ns;
};

/* @here: where what is on a connect's path is counted; NULL beside it */
static struct counted *at_a, *at_b, *here;

enum siv_reason __real_siv_x25519(u8 out[SIV_KEY_LEN],
				  const u8 priv[SIV_KEY_LEN],
				  const u8 pub[SIV_KEY_LEN]);
enum siv_reason __wrap_siv_x25519(u8 out[SIV_KEY_LEN],
				  const u8 priv[SIV_KEY_LEN],
				  const u8 pub[SIV_KEY_LEN]);
enum siv_reason __real_siv_x25519_base(u8 pub[SIV_KEY_LEN],
				       const u8 priv[SIV_KEY_LEN]);
enum siv_reason __wrap_siv_x25519_base(u8 pub[SIV_KEY_LEN],
				       const u8 priv[SIV_KEY_LEN]);
enum siv_reason __real_siv_x25519_static(u8 out[SIV_KEY_LEN],
					 const struct siv_static *s,
					 const u8 pub[SIV_KEY_LEN]);
enum siv_reason __wrap_siv_x25519_static(u8 out[SIV_KEY_LEN],
					 const struct siv_static *s,
					 const u8 pub[SIV_KEY_LEN]);

static void count(u64 since_ns)
{
	if (!here)
		return;
	here->calls++;
	here->ns += sim_now_ns() - since_ns;
}

enum siv_reason __wrap_siv_x25519(u8 out[SIV_KEY_LEN],
				  const u8 priv[SIV_KEY_LEN],
				  const u8 pub[SIV_KEY_LEN])
{
	u64 t0 = sim_now_ns();
	enum siv_reason r = __real_siv_x25519(out, priv, pub);

	count(t0);
	return r;
}

enum siv_reason __wrap_siv_x25519_base(u8 pub[SIV_KEY_LEN],
				       const u8 priv[SIV_KEY_LEN])
{
	u64 t0 = sim_now_ns();
	enum siv_reason r = __real_siv_x25519_base(pub, priv);

	count(t0);
	return r;
}

enum siv_reason __wrap_siv_x25519_static(u8 out[SIV_KEY_LEN],
					 const struct siv_static *s,
					 const u8 pub[SIV_KEY_LEN])
{
	u64 t0 = sim_now_ns();
	enum siv_reason r = __real_siv_x25519_static(out, s, pub);

	count(t0);
	return r;
}

/* --------------------------------------------------------------------- reports */

static int by_value(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double us(u64 ns)
{
	return (double)ns / 1000;
}

static void report(const char *what, u64 *t, unsigned int n)
{
	qsort(t, n, sizeof(*t), by_value);
	printf("%-30s p50 %8.1f us   p99 %8.1f us   min %8.1f us   (%u runs)\n",
	       what, us(t[n / 2]), us(t[n * 99 / 100]), us(t[0]), n);
	fflush(stdout);
}

static void report_dh(const struct counted *a, const struct counted *b,
		      const u64 *t, unsigned int n)
{
	double each_a = a->calls ? us(a->ns) / (double)a->calls : 0;
	double each_b = b->calls ? us(b->ns) / (double)b->calls : 0;
	double per = (us(a->ns) + us(b->ns)) / n;

	printf("%-30s %.2f at A (%.1f us each), %.2f at B (%.1f us each): %.0f %% of p50\n",
	       "  X25519 on the path", (double)a->calls / n, each_a,
	       (double)b->calls / n, each_b, 100 * per / us(t[n / 2]));
}

/* ------------------------------------------------------------------ guest B */

static void drop_closed(struct sim_guest *g)
{
	unsigned int i;

	for (i = 0; i < SIM_CHANNELS; i++)
		if (g->channel[i] && g->channel[i]->peer_closed)
			sim_close(g->channel[i]);
}

/* Give back what comes until A closes: spinning, or waiting for doorbells. */
static void echo(struct sim_guest *g, struct sim_channel *ch, bool spin)
{
	static u8 buf[BULK];
	unsigned int idle = 0;
	ssize_t n;

	for (;;) {
		n = spin ? sim_recv(ch, buf, sizeof(buf)) :
			   sim_recv_wait(ch, buf, sizeof(buf), WAIT_MS);
		if (n > 0) {
			(void)sim_send_wait(ch, buf, (size_t)n, WAIT_MS);
			idle = 0;
		} else if (n != -EAGAIN) {
			return;
		} else if (++idle % 4096 == 0) {
			sim_guest_step(g, 0);
		}
	}
}

/* Swallow what comes, and say one byte when it is over. */
static void drain(struct sim_channel *ch)
{
	static u8 buf[BULK];

	while (sim_recv_wait(ch, buf, sizeof(buf), WAIT_MS) > 1)
		;
	(void)sim_send_wait(ch, buf, 1, WAIT_MS);
}

static void serve_one(struct sim_guest *g, struct sim_channel *ch)
{
	u8 mode = 0;
	ssize_t n;

	/* those of the connect benchmark send nothing */
	n = sim_recv(ch, &mode, 1);
	if (n == -EAGAIN && strcmp(ch->peer_service, "rings") == 0)
		n = sim_recv_wait(ch, &mode, 1, WAIT_MS);
	if (n != 1)
		return;
	if (mode == 'd')
		drain(ch);
	else
		echo(g, ch, mode == 'p');
}

static void serve(void)
{
	struct sim_session *ss = world_listen(&world, "b", "bench", "data");
	struct sim_guest *g = ss->g;
	struct sim_channel *ch;

	for (;;) {
		here = NULL;
		sim_session_prepare(ss);
		here = at_b;
		if (!sim_accept(g, WAIT_MS, &ch))
			serve_one(g, ch);
		drop_closed(g);
	}
}

/* ------------------------------------------------------------------ connects */

static struct sim_connect request(u32 flags)
{
	return (struct sim_connect){ .service = "data",
				     .ring_tx = SMALL,
				     .ring_rx = SMALL,
				     .flags = flags };
}

static struct sim_channel *dial(struct sim_session *ss,
				const struct sim_connect *c)
{
	struct sim_channel *ch;
	u64 t0 = sim_now_ms();
	int r = sim_connect(ss, c, WAIT_MS, &ch);

	if (r)
		fail_msg("connect: %s after %llu ms", strerror(-r),
			 (unsigned long long)(sim_now_ms() - t0));
	return ch;
}

/* What was counted since @a and @b were so. */
static void counted_since(struct counted *a, struct counted *b)
{
	*a = (struct counted){ at_a->calls - a->calls, at_a->ns - a->ns };
	*b = (struct counted){ at_b->calls - b->calls, at_b->ns - b->ns };
}

static void cold(void)
{
	static u64 session[COLD], connect[COLD], both[COLD];
	const struct sim_connect c = request(0);
	struct counted a = *at_a, b = *at_b;
	char service[32];
	unsigned int i;

	for (i = 0; i < COLD; i++) {
		struct sim_guest *g = world_attach(&world, "a", "bench");
		struct sim_identity *id;
		struct sim_channel *ch;
		struct sim_session *ss;
		u64 t0, t1;

		snprintf(service, sizeof(service), "cold-%u", i);
		id = world_identity("bench", "a", service);
		here = at_a;
		t0 = sim_now_ns();
		ss = world_session(g, id);
		t1 = sim_now_ns();
		ch = dial(ss, &c);
		both[i] = sim_now_ns() - t0;
		here = NULL;
		session[i] = t1 - t0;
		connect[i] = both[i] - session[i];
		sim_close(ch);
		world_leave(&world, g, true);
		sim_identity_free(id);
		usleep(20000);
	}
	counted_since(&a, &b);
	report("cold: session (IK)", session, COLD);
	report("cold: first connect of a pair", connect, COLD);
	report("cold: both", both, COLD);
	report_dh(&a, &b, both, COLD);
}

static void warm(struct sim_session *ss, u32 flags, const char *what)
{
	const struct sim_connect c = request(flags);
	struct counted a = { 0 }, b = { 0 };
	static u64 t[WARM];
	unsigned int i;
	u64 t0;

	for (i = 0; i < WARM + WARM_UP; i++) {
		struct sim_channel *ch;

		sim_session_prepare(ss);
		if (i == WARM_UP) {
			a = *at_a;
			b = *at_b;
		}
		here = at_a;
		t0 = sim_now_ns();
		ch = dial(ss, &c);
		if (i >= WARM_UP)
			t[i - WARM_UP] = sim_now_ns() - t0;
		here = NULL;
		sim_close(ch);
		sim_guest_step(ss->g, 1);
		usleep(300);
	}
	counted_since(&a, &b);
	report(what, t, WARM);
	report_dh(&a, &b, t, WARM);
}

/* -------------------------------------------------------------------- rings */

static struct sim_channel *dial_large(struct sim_session *ss, u32 flags)
{
	struct sim_connect c = request(flags);

	c.ring_tx = RING;
	c.ring_rx = RING;
	return dial(ss, &c);
}

static void trips(struct sim_session *ss, bool spin, unsigned int n,
		  const char *what)
{
	static u64 t[TRIPS];
	struct sim_channel *ch = dial_large(ss, 0);
	u8 buf[64] = { 0 };
	unsigned int i;
	ssize_t got;
	u64 t0;

	assert_false(sim_send(ch, spin ? "p" : "b", 1));
	for (i = 0; i < n; i++) {
		t0 = sim_now_ns();
		(void)sim_send(ch, buf, sizeof(buf));
		if (spin)
			while ((got = sim_recv(ch, buf, sizeof(buf))) ==
			       -EAGAIN)
				;
		else
			got = sim_recv_wait(ch, buf, sizeof(buf), WAIT_MS);
		t[i] = sim_now_ns() - t0;
		assert_int_equal(got, sizeof(buf));
	}
	report(what, t, n);
	sim_close(ch);
}

static void rate(const char *what, u64 ns)
{
	printf("%-30s %8.0f MB/s\n", what,
	       (double)BULK * BULK_COUNT * 1000 / (double)ns);
	fflush(stdout);
}

static void bulk(struct sim_session *ss, u32 flags, const char *what)
{
	struct sim_channel *ch = dial_large(ss, flags);
	static u8 buf[BULK];
	unsigned int i;
	u64 t0;

	assert_false(sim_send(ch, "d", 1));
	t0 = sim_now_ns();
	for (i = 0; i < BULK_COUNT; i++)
		assert_false(sim_send_wait(ch, buf, sizeof(buf), WAIT_MS));
	assert_false(sim_send_wait(ch, buf, 1, WAIT_MS));
	assert_int_equal(sim_recv_wait(ch, buf, sizeof(buf), WAIT_MS), 1);
	rate(what, sim_now_ns() - t0);
	sim_close(ch);
}

/* The yardstick: the same bytes into a ring's memory and out again, in one process. */
static void copy(struct sim_session *ss)
{
	struct sim_channel *ch = dial_large(ss, 0);
	static u8 buf[BULK];
	unsigned int i;
	u64 t0;

	assert_false(sim_channel_map(ch));
	t0 = sim_now_ns();
	for (i = 0; i < BULK_COUNT; i++) {
		memcpy(ch->tx_data + i % 8 * BULK, buf, BULK);
		memcpy(buf, ch->tx_data + i % 8 * BULK, BULK);
	}
	rate("memcpy in and out, 64 KiB", sim_now_ns() - t0);
	sim_close(ch);
}

static void rings(void)
{
	struct sim_session *ss = world_enter(&world, "a", "bench", "rings");

	trips(ss, true, TRIPS, "round trip 64 B, polled");
	trips(ss, false, BELL_TRIPS, "round trip 64 B, doorbells");
	bulk(ss, 0, "64-KiB records, plain");
	bulk(ss, SIV_CH_SEALED, "64-KiB records, sealed");
	copy(ss);
	world_leave(&world, ss->g, true);
}

/* ---------------------------------------------------------------------- run */

static pid_t start_b(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	serve();
	_exit(0);
}

static void run(void **state)
{
	static const char *const regions[] = { "bench", NULL };
	struct sim_session *ss;
	pid_t b;

	(void)state;
	at_a = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(at_a, MAP_FAILED);
	at_b = at_a + 8;
	world_begin(&world, "sivshmemd", regions, policy);
	b = start_b();
	assert_true(world_audit_wait(&world,
				     &(struct said){ .event = "listen" }, 1));
	cold();
	ss = world_enter(&world, "a", "bench", "warm");
	warm(ss, 0, "warm: connect, plain");
	warm(ss, SIV_CH_SEALED, "warm: connect, sealed");
	world_leave(&world, ss->g, true);
	rings();
	kill(b, SIGKILL);
	waitpid(b, NULL, 0);
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
		cmocka_unit_test_teardown(run, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
