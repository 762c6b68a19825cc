// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a QEMU is told version, number, memory, the host's doorbells and all its own
 * vectors, in this order, and then nothing but the doorbells of pairs that the policy
 * allows and whose sessions both exist; never a departure. A doorbell fires one vector,
 * which belongs to the VM that rings it, whatever number that has by now. Grants name it,
 * and wait until QEMU has read it. Ringing for nothing starves nobody.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "simguest/internal.h"
#include "world.h"

enum {
	VECTORS = 5,
	RING = 4096,
	BUSY = 20, /* per cent of a CPU */
};

static const char policy[] =
	"[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\nmembers = a b c k\n"
	"handshake = 20s\nliveness = 60s\n"
	"[vm a]\nuser = self\nvectors = 5\nattach_rate = 6000\n"
	"[vm b]\nuser = self\nvectors = 5\n"
	"[vm c]\nuser = self\nvectors = 5\n"
	"[vm k]\nuser = self\nvectors = 5\n"
	"[service lab/b/data]\nclients = a c\n";

static struct world w;

static const struct sim_connect data = { .service = "data",
					 .ring_tx = RING,
					 .ring_rx = RING };

static int setup(void **state)
{
	static const char *const regions[] = { "lab", NULL };

	(void)state;
	world_begin(&w, "sivshmemd", regions, policy);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

/* ------------------------------------------------------------------------- order */

static int drain_hello(const char *vm, s64 *number)
{
	struct client_msg m;
	char path[PATH_MAX];
	int sock, i;

	sock = client_dial(world_socket(&w, path, vm, "lab"));
	client_expect(sock, 0, false);
	assert_int_equal(client_read(sock, &m, CLIENT_WAIT_MS), 1);
	assert_int_equal(m.fd, -1);
	assert_in_range(m.value, 1, 65535);
	*number = m.value;
	close(client_expect(sock, -1, true));
	for (i = 0; i < SIV_HOST_BELLS; i++)
		close(client_expect(sock, 0, true));
	for (i = 0; i < VECTORS; i++)
		close(client_expect(sock, *number, true));
	return sock;
}

static void test_order(void **state)
{
	s64 number, other;
	int a, b;

	(void)state;
	a = drain_hello("a", &number);
	b = drain_hello("b", &other);
	assert_int_not_equal(number, other);
	/* without sessions nobody hears of anybody, nor of a departure */
	assert_true(client_silent(a, 100));
	close(b);
	assert_true(client_silent(a, 100));
	close(a);
	world_end(&w);
}

/* --------------------------------------------------------------------- who has what */

/* How many doorbells at @peer this guest holds. */
static unsigned int bells_at(const struct sim_guest *g,
			     const struct sim_guest *peer)
{
	unsigned int i, n = 0;

	for (i = 0; i < g->at.bell_count; i++)
		n += g->at.bell[i].peer == peer->at.peer;
	return n;
}

static void test_pairs_only(void **state)
{
	struct sim_session *a = world_enter(&w, "a", "lab", "user"), *b;
	struct sim_session *k = world_enter(&w, "k", "lab", "user");
	struct sim_guest *gb = world_attach(&w, "b", "lab");

	(void)state;
	/* b is attached and has no session */
	world_spend(&w, 100);
	assert_int_equal(a->g->at.bell_count, SIV_HOST_BELLS);
	assert_int_equal(gb->at.bell_count, SIV_HOST_BELLS);
	b = world_session(gb,
			  w.id[w.ids++] = world_identity("lab", "b", "data"));
	world_must(&w, bells_at(a->g, gb) == 1 && bells_at(gb, a->g) == 1);
	world_spend(&w, 100);
	/* one at each other, and none at or from who may talk to nobody */
	assert_int_equal(a->g->at.bell_count, SIV_HOST_BELLS + 1);
	assert_int_equal(gb->at.bell_count, SIV_HOST_BELLS + 1);
	assert_int_equal(k->g->at.bell_count, SIV_HOST_BELLS);
	/* another session of theirs brings nothing new */
	assert_int_equal(sim_listen(b, 4, 0, WORLD_WAIT_MS), 0);
	world_session(a->g, w.id[w.ids++] = world_identity("lab", "a", "more"));
	world_spend(&w, 100);
	assert_int_equal(a->g->at.bell_count, SIV_HOST_BELLS + 1);
	/* when one goes, nobody is told: what a QEMU is told cannot be taken back */
	world_leave(&w, a->g, false);
	world_spend(&w, 100);
	assert_int_equal(gb->at.gone, 0);
	assert_int_equal(k->g->at.gone, 0);
	world_end(&w);
}

/* Which of its own vectors have fired since the last look, as bits. */
static u64 fired(struct sim_guest *g)
{
	u64 bits = 0;
	unsigned int i;

	for (i = 0; i < g->at.own_count; i++) {
		struct pollfd p = { .fd = g->at.own[i], .events = POLLIN };
		eventfd_t n;

		if (poll(&p, 1, 0) == 1 && !eventfd_read(g->at.own[i], &n))
			bits |= 1ull << i;
	}
	return bits;
}

static void test_vectors(void **state)
{
	struct sim_session *a = world_enter(&w, "a", "lab", "user");
	struct sim_session *c = world_enter(&w, "c", "lab", "user");
	struct sim_session *b = world_listen(&w, "b", "lab", "data");
	struct sim_channel *at_a, *at_b, *at_c, *c_at_b;
	unsigned int va, vc, restart;

	(void)state;
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_pair(&w, c, b->g, &data, &at_c, &c_at_b);
	va = siv_get_le16(&at_b->c.common.vector_b);
	vc = siv_get_le16(&c_at_b->c.common.vector_b);
	assert_in_range(va, 1, VECTORS - 1);
	assert_in_range(vc, 1, VECTORS - 1);
	assert_int_not_equal(va, vc);
	for (restart = 0; restart < 5; restart++) {
		fired(a->g);
		fired(b->g);
		fired(c->g);
		assert_true(sim_attach_ring(&a->g->at, b->g->at.peer, 0));
		assert_int_equal(fired(b->g), 1ull << va);
		assert_true(sim_attach_ring(&c->g->at, b->g->at.peer, 0));
		assert_int_equal(fired(b->g), 1ull << vc);
		assert_int_equal(fired(a->g) | fired(c->g), 0);
		/* the other direction, as the grant told a */
		assert_true(sim_attach_ring(&b->g->at, a->g->at.peer, 0));
		assert_int_equal(
			fired(a->g),
			1ull << siv_get_le16(&at_a->c.common.vector_a));
		assert_int_equal(fired(b->g) | fired(c->g), 0);
		/* another QEMU, another number: the same vector at b, for it is a's */
		world_leave(&w, a->g, false);
		a = world_session(world_attach(&w, "a", "lab"), w.id[0]);
		world_pair(&w, a, b->g, &data, &at_a, &at_b);
		assert_int_equal(siv_get_le16(&at_b->c.common.vector_b), va);
	}
	world_end(&w);
}

/* A grant is not said before QEMU has read the doorbell that it speaks of. */
static void test_grant_waits(void **state)
{
	struct sim_session *b = world_listen(&w, "b", "lab", "data");
	struct sim_session *a = world_enter(&w, "a", "lab", "user");
	u8 *slots = sim_box(a->g) + SIV_BOX_DOWN;
	struct sim_channel *ch;
	unsigned int i, full;
	u64 end;

	(void)state;
	world_spend(&w, 100);
	/* b's QEMU is another one now: a is to be told, and does not read */
	world_leave(&w, b->g, false);
	b = world_session(world_attach(&w, "b", "lab"), w.id[0]);
	assert_int_equal(sim_listen(b, 4, 0, WORLD_WAIT_MS), 0);
	world_must(&w, a->s.acked == a->s.tx.next);
	world_spend(&w, 100);
	world_leave(&w, b->g, false);
	b = world_session(world_attach(&w, "b", "lab"), w.id[0]);
	assert_int_equal(sim_listen(b, 4, 0, WORLD_WAIT_MS), 0);
	for (i = 0; i < SIV_BOX_SLOTS; i++)
		siv_slot_clear(slots + i * SIV_SLOT_SIZE);
	assert_int_equal(sim_open(a, &data, &ch), 0);
	for (end = sim_now_ms() + 300; sim_now_ms() < end;)
		(void)sim_guest_step(b->g, 5);
	for (full = 0, i = 0; i < SIV_BOX_SLOTS; i++)
		full += siv_get_le32(slots + i * SIV_SLOT_SIZE) >
			sizeof(struct siv_grant_a);
	assert_int_equal(full, 0);
	assert_int_equal(world_count(&w, "channels", "state", "granted"), 1);
	/* it reads, and has its channel at once */
	world_must(&w, !sim_opened(ch));
	assert_int_equal(bells_at(a->g, b->g), 1);
	world_talk(&w, ch, world_accept(&w, b->g));
	world_end(&w);
}

/* --------------------------------------------------------------------------- storm */

static atomic_bool calm;

static void *ring_for_nothing(void *arg)
{
	struct sim_guest *k = arg;

	while (!atomic_load(&calm)) {
		sim_attach_ring(&k->at, 0, SIV_BELL_MAIL);
		sim_attach_ring(&k->at, 0, SIV_BELL_HELLO);
	}
	return NULL;
}

static u64 cpu_ticks(void)
{
	unsigned long user = 0, sys = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)w.pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f,
				"%*d %*s %*c %*d %*d %*d %*d %*d "
				"%*u %*u %*u %*u %*u %lu %lu",
				&user, &sys),
			 2);
	fclose(f);
	return user + sys;
}

/* What the daemon takes of a CPU in a second. */
static u64 cpu_percent(void)
{
	u64 t0 = sim_now_ms(), busy = cpu_ticks();

	world_spend(&w, 1000);
	busy = cpu_ticks() - busy;
	return busy * 1000 / (u64)sysconf(_SC_CLK_TCK) * 100 /
	       (sim_now_ms() - t0);
}

static void test_storm(void **state)
{
	struct sim_session *a = world_enter(&w, "a", "lab", "user");
	struct sim_session *b = world_listen(&w, "b", "lab", "data");
	struct sim_guest *k = world_attach(&w, "k", "lab");
	struct sim_channel *at_a, *at_b;
	pthread_t thread;
	u64 busy = ~0ull;
	int i;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, ring_for_nothing, k), 0);
	world_spend(&w, 200); /* what it may ring at once is used up */
	/* a busy machine makes it more: what it takes is the least of three */
	for (i = 0; i < 3 && busy > BUSY; i++)
		busy = cpu_percent();
	for (i = 0; i < 5; i++) {
		world_pair(&w, a, b->g, &data, &at_a, &at_b);
		world_talk(&w, at_a, at_b);
		sim_close(at_a);
		sim_close(at_b);
	}
	printf("# a storm costs the daemon %llu %% of a CPU\n",
	       (unsigned long long)busy);
	assert_in_range(busy, 0, BUSY);
	atomic_store(&calm, true);
	pthread_join(thread, NULL);
	world_end(&w);
}

/* Its own eventfds filled up or drained by the wrong one: the host does not block. */
static void test_eventfds(void **state)
{
	struct sim_session *a = world_enter(&w, "a", "lab", "user");
	struct sim_session *b = world_listen(&w, "b", "lab", "data");
	struct sim_channel *at_a, *at_b;
	eventfd_t n;
	unsigned int i;
	u8 buf[8];

	(void)state;
	/* nothing of the host's rings gets through to a, nor of b's */
	fired(a->g);
	for (i = 0; i < a->g->at.own_count; i++)
		assert_false(eventfd_write(a->g->at.own[i], ~0ull - 1));
	/* and a takes away what it rings for others */
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	for (i = 0; i < a->g->at.bell_count; i++)
		(void)!eventfd_read(a->g->at.bell[i].fd, &n);
	assert_int_equal(sim_send(at_a, "x", 1), 0);
	for (i = 0; i < a->g->at.bell_count; i++)
		if (a->g->at.bell[i].peer)
			(void)!eventfd_read(a->g->at.bell[i].fd, &n);
	world_must(&w, sim_recv(at_b, buf, sizeof(buf)) == 1);
	world_talk(&w, at_b, at_a);
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_order),   CASE(test_pairs_only),
		CASE(test_vectors), CASE(test_grant_waits),
		CASE(test_storm),   CASE(test_eventfds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
