// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a channel lives exactly as long as both ends do: goodbye, a dead QEMU, silence and
 * another boot end it at the peer, a renewed session does not; its memory is another's only
 * when neither end can touch it any more, and then it is zero; no end's cause takes the
 * other's mappings away; a number that another QEMU knows is never given again; and the
 * daemon ends in order.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pki.h"
#include "simguest/internal.h"
#include "world.h"

enum {
	RING = 8192,
	BIG = 1 << 20,
	SOON_MS = 1000,	 /* the design's second */
	SLACK_MS = 1000, /* of a busy machine */
	BRIEF_MS = 3000, /* liveness where that is waited for */
	TRIES = 20,
	CANARY_LEN = 16,
	CROWD = 15,
};

#define POLICY(liveness)                                                        \
	"[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\nring_max = 1M\n" \
	"handshake = 20s\nliveness = " liveness "\nmembers = a b c d k\n"       \
	"[vm a]\nuser = self\nattach_rate = 6000\nhello_rate = 1000\n"          \
	"[vm b]\nuser = self\nhello_rate = 1000\n"                              \
	"[vm c]\nuser = self\n"                                                 \
	"[vm d]\nuser = self\n"                                                 \
	"[vm k]\nuser = self\nattach_rate = 6000\n"                             \
	"[service lab/b/data]\nclients = a\n"                                   \
	"[service lab/d/data]\nclients = c\n"

static const char policy[] = POLICY("60s");
/* for those who wait for a silence to be noticed, or not to be */
static const char brief[] = POLICY("3s");

static struct world w;
static struct sim_session *a, *b;
static struct sim_channel *at_a, *at_b;

static const struct sim_connect data = { .service = "data",
					 .ring_tx = RING,
					 .ring_rx = RING };
static const struct sim_connect big = { .service = "data",
					.ring_tx = BIG,
					.ring_rx = BIG };

static void begin(const char *text)
{
	static const char *const regions[] = { "lab", NULL };

	world_begin(&w, "sivshmemd", regions, text);
	a = world_enter(&w, "a", "lab", "user");
	b = world_listen(&w, "b", "lab", "data");
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
	world_mark(&w);
}

static int setup(void **state)
{
	(void)state;
	begin(policy);
	return 0;
}

static int setup_brief(void **state)
{
	(void)state;
	begin(brief);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

static int state_of(struct sim_channel *ch)
{
	u8 buf[512];
	ssize_t n = sim_recv(ch, buf, sizeof(buf));

	return n < 0 ? (int)n : 0;
}

/* b's end is told within a second, and the memory is nobody's any more. */
static void ends(int err, const char *what)
{
	u64 took =
		world_took(&w, SOON_MS + SLACK_MS, state_of(at_b) != -EAGAIN);

	printf("# %s: the peer knew after %llu ms\n", what,
	       (unsigned long long)took);
	assert_int_equal(state_of(at_b), -err);
	world_must(&w,
		   !world_region(&w, "taken") && !world_region(&w, "limbo"));
	sim_channel_free(at_b);
}

/* The same two identities, once more. */
static void again(struct sim_guest *g)
{
	a = world_session(g, w.id[0]);
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
}

/* ------------------------------------------------------------------------- ends */

static void test_goodbye(void **state)
{
	struct sim_guest *g = a->g;

	(void)state;
	assert_int_equal(sim_guest_reboot(g, true), 0);
	ends(ECONNRESET, "goodbye");
	assert_int_equal(world_count(&w, "sessions", "vm", "a"), 0);
	again(g);
	world_end(&w);
}

static void test_killed(void **state)
{
	(void)state;
	world_leave(&w, a->g, false);
	ends(ECONNRESET, "QEMU's death");
	assert_int_equal(world_count(&w, "sessions", "vm", "a"), 0);
	assert_int_equal(world_audit(&w, &(struct said){ .event = "detach",
							 .who = "lab/a" }),
			 1);
	again(world_attach(&w, "a", "lab"));
	world_end(&w);
}

/* The listening end goes: the same, the other way round. */
static void test_killed_listener(void **state)
{
	(void)state;
	world_leave(&w, b->g, false);
	world_must(&w, state_of(at_a) == -ECONNRESET);
	world_must(&w,
		   !world_region(&w, "taken") && !world_region(&w, "limbo"));
	sim_channel_free(at_a);
	world_end(&w);
}

/*
 * What an end gives as its cause: that a right was lost (a guest takes such a channel's
 * mappings away, and doubts its session) is for the host alone to say.
 */
static void test_false_causes(void **state)
{
	static const struct {
		u32 said, told;
	} causes[] = {
		{ 32, 32 },   { 71, 71 },   { 74, 74 },	   { 1, 104 },
		{ 19, 104 },  { 116, 104 }, { 126, 104 },  { 127, 104 },
		{ 128, 104 }, { 129, 104 }, { 4711, 104 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(causes); i++) {
		sim_say_close(a, SIV_MSG_CLOSE, at_a->cid, causes[i].said);
		world_must(&w, at_b->c.state == SIV_CONNECT_ENDED);
		assert_int_equal(at_b->code, causes[i].told);
		sim_close(at_a);
		sim_channel_free(at_b);
		world_must(&w, !world_region(&w, "taken") &&
				       !world_region(&w, "limbo"));
		world_pair(&w, a, b->g, &data, &at_a, &at_b);
	}
	world_end(&w);
}

/* Nobody sees a hard reset; the next boot's session says that there was one. */
static void test_hard_reset(void **state)
{
	struct sim_guest *g = a->g;

	(void)state;
	assert_int_equal(sim_guest_reboot(g, false), 0);
	world_spend(&w, 200);
	assert_int_equal(state_of(at_b), -EAGAIN);
	assert_int_equal(world_count(&w, "sessions", "vm", "a"), 1);
	a = world_session(g, w.id[0]);
	ends(ECONNRESET, "READY of another boot");
	world_must(&w, world_count(&w, "sessions", "vm", "a") == 1);
	sim_session_drop(a);
	again(g);
	world_end(&w);
}

/* What status says of a's session. */
static json_int_t silent_ms(void)
{
	json_t *o = world_ask(&w, json_pack("{s:s}", "cmd", "status")), *s;
	json_int_t ms = -1;
	size_t i;

	json_array_foreach(json_object_get(o, "sessions"), i, s)
	{
		if (!strcmp(json_string_value(json_object_get(s, "vm")), "a"))
			ms = json_integer_value(
				json_object_get(s, "silent_ms"));
	}
	json_decref(o);
	assert_true(ms >= 0);
	return ms;
}

/* How long a session has been silent is told, and a word of it ends that. */
static void test_silent_so_far(void **state)
{
	u64 t0 = sim_now_ms(), t1, t2;
	json_int_t ms;

	(void)state;
	assert_int_equal(sim_say(a, SIV_MSG_HEARTBEAT, NULL, 0), SIV_OK);
	world_settle(&w);
	t1 = sim_now_ms();
	usleep(200 * 1000);
	t2 = sim_now_ms();
	ms = silent_ms();
	assert_in_range(ms, t2 - t1, sim_now_ms() - t0);
	t1 = sim_now_ms();
	assert_int_equal(sim_say(a, SIV_MSG_HEARTBEAT, NULL, 0), SIV_OK);
	world_settle(&w);
	ms = silent_ms();
	assert_in_range(ms, 0, sim_now_ms() - t1);
	world_end(&w);
}

/* A machine that stands still for longer than a heartbeat has time ends sessions itself. */
static bool stood_still(u64 gap)
{
	if (gap <= BRIEF_MS / 3)
		return false;
	printf("# the machine stood still for %llu ms: once more\n",
	       (unsigned long long)gap);
	world_abandon(&w);
	begin(brief);
	return true;
}

/*
 * b lives, and says so; a says one more word and no other. How long until b is told, as
 * the clock says (@took) and of our turns (@ran); the longest turn is the gap.
 */
static u64 fall_silent(u64 *took, u64 *ran)
{
	u64 last = sim_now_ms(), t0 = last, now, gap = 0;

	*ran = 0;
	assert_int_equal(sim_say(a, SIV_MSG_HEARTBEAT, NULL, 0), SIV_OK);
	while (state_of(at_b) == -EAGAIN && *ran <= BRIEF_MS + SLACK_MS) {
		(void)sim_guest_step(b->g, 10);
		now = sim_now_ms();
		if (now - last > gap)
			gap = now - last;
		*ran += world_ran(&last);
	}
	*took = sim_now_ms() - t0;
	return gap;
}

static void test_silence(void **state)
{
	u64 took = 0, ran = 0;
	struct sim_guest *g;
	unsigned int tries = 0;

	(void)state;
	while (stood_still(fall_silent(&took, &ran)))
		assert_in_range(++tries, 0, TRIES);
	g = a->g;
	printf("# silence: the peer knew after %llu ms\n",
	       (unsigned long long)took);
	assert_in_range(took, BRIEF_MS, ~0u);
	assert_in_range(ran, 0, BRIEF_MS + SLACK_MS);
	assert_int_equal(state_of(at_b), -ETIMEDOUT);
	assert_int_equal(world_audit(&w,
				     &(struct said){ "session_end", ETIMEDOUT,
						     "lab/a/user", NULL,
						     "timeout" }),
			 1);
	assert_int_equal(world_count(&w, "sessions", "vm", "b"), 1);
	/* its memory is in limbo until a has let go: here by another boot */
	assert_int_equal(world_region(&w, "limbo"), 2 * RING);
	assert_int_equal(sim_guest_reboot(g, false), 0);
	sim_channel_free(at_b);
	again(g);
	assert_int_equal(world_region(&w, "limbo"), 0);
	world_end(&w);
}

/*
 * A session is over because it said nothing, and its boot lives: the one after it is told
 * once more what it has not let go of.
 */
static void test_told_again(void **state)
{
	unsigned int tries = 0;
	struct sim_guest *g;

	(void)state;
	do {
		assert_in_range(++tries, 0, TRIES);
		w.gap_ms = 0;
		g = a->g;
		sim_session_drop(a);
		sim_channel_free(at_a);
		world_must(&w, !world_count(&w, "sessions", "vm", "a"));
	} while (stood_still(w.gap_ms));
	world_must(&w, state_of(at_b) != -EAGAIN);
	assert_int_equal(state_of(at_b), -ETIMEDOUT);
	sim_channel_free(at_b);
	world_must(&w, world_region(&w, "limbo") == 2 * RING);
	a = world_session(g, w.id[0]);
	world_must(&w, !world_region(&w, "limbo"));
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
	world_end(&w);
}

/* Heartbeats keep a session alive that has nothing to say. */
static void test_heartbeat(void **state)
{
	unsigned int tries = 0;

	(void)state;
	do {
		assert_in_range(++tries, 0, TRIES);
		w.gap_ms = 0;
		world_spend(&w, 2 * BRIEF_MS + BRIEF_MS / 5);
	} while (stood_still(w.gap_ms));
	world_talk(&w, at_a, at_b);
	world_quiet(&w);
	world_end(&w);
}

/* More messages at once than a window holds, either way: they wait, none is lost. */
static void test_crowded_window(void **state)
{
	struct sim_channel *here[CROWD], *there[CROWD];
	unsigned int i;

	(void)state;
	for (i = 0; i < CROWD; i++)
		assert_int_equal(sim_open(a, &data, &here[i]), 0);
	for (i = 0; i < CROWD; i++) {
		world_must(&w, sim_opened(here[i]) != -EAGAIN);
		assert_int_equal(sim_opened(here[i]), 0);
		there[i] = world_accept(&w, b->g);
	}
	for (i = 0; i < CROWD; i++)
		sim_close(here[i]);
	for (i = 0; i < CROWD; i++)
		sim_close(there[i]);
	world_must(&w, world_region(&w, "taken") == 2 * RING &&
			       !world_region(&w, "limbo"));
	world_quiet(&w);
	world_talk(&w, at_a, at_b);
	world_end(&w);
}

/* ---------------------------------------------------------------- session renewed */

static void test_renewed(void **state)
{
	struct sim_identity *id = a->id;
	struct sim_channel *more_a, *more_b;

	(void)state;
	a = world_session(a->g, id);
	assert_ptr_equal(at_a->ss, a);
	world_talk(&w, at_a, at_b);
	b = world_session(b->g, b->id);
	world_talk(&w, at_a, at_b);
	/* the listener went along */
	world_pair(&w, a, b->g, &data, &more_a, &more_b);
	world_talk(&w, more_a, more_b);
	world_must(&w, world_count(&w, "sessions", "state", "live") == 2 &&
			       world_count(&w, "sessions", "state",
					   "replaced") == 0);
	sim_close(more_a);
	sim_close(more_b);
	sim_close(at_a);
	sim_close(at_b);
	world_must(&w,
		   !world_region(&w, "taken") && !world_region(&w, "limbo"));
	world_quiet(&w);
	world_end(&w);
}

/* In the middle of a connect, at either end. */
static void test_renewed_meanwhile(void **state)
{
	struct sim_channel *ch;

	(void)state;
	assert_int_equal(sim_open(a, &data, &ch), 0);
	a = world_session(a->g, a->id);
	b = world_session(b->g, b->id);
	world_must(&w, sim_opened(ch) != -EAGAIN);
	assert_int_equal(sim_opened(ch), 0);
	sim_close(at_b);
	at_b = NULL;
	world_must(&w, !sim_accept(b->g, 0, &at_b) && at_b->cid == ch->cid);
	world_talk(&w, ch, at_b);
	world_quiet(&w);
	world_end(&w);
}

/* Until READY the older session works on. */
static void test_unfinished_renewal(void **state)
{
	struct sim_guest *g = a->g;
	enum siv_reason why;
	int status;
	u32 code;

	(void)state;
	/* message 1 is said, and the answer never looked at: it comes too late */
	assert_int_equal(kill(w.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(w.pid, &status, WUNTRACED), w.pid);
	assert_true(WIFSTOPPED(status));
	assert_null(sim_session_open(g, a->id, 0, &why, &code));
	assert_int_equal(kill(w.pid, SIGCONT), 0);
	assert_int_equal(why, SIV_R_TIMEOUT);
	world_must(&w, world_count(&w, "sessions", "state", "pending") == 1);
	world_talk(&w, at_a, at_b);
	sim_close(at_a);
	sim_close(at_b);
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
	world_end(&w);
}

/* ------------------------------------------------------------------------ memory */

static const u8 canary[CANARY_LEN] = "canary of a + b";

static void fill(struct sim_channel *ch)
{
	const struct siv_common *m = &ch->c.common;
	u8 *mem = ch->g->at.mem, *side = mem + siv_get_le64(&m->side_off);
	u8 *ext = mem + siv_get_le64(&m->extent_off);
	u64 i;

	for (i = 0; i < siv_get_le64(&m->extent_len); i += CANARY_LEN)
		memcpy(ext + i, canary, CANARY_LEN);
	for (i = 256; i < 2 * ch->g->geo.granule; i += CANARY_LEN)
		memcpy(side + i, canary, CANARY_LEN);
}

static bool is_clean(const struct sim_channel *ch)
{
	const struct siv_common *m = &ch->c.common;
	const u8 *mem = ch->g->at.mem;
	u64 len = siv_get_le64(&m->extent_len);

	return !memmem(mem + siv_get_le64(&m->extent_off), len, canary,
		       CANARY_LEN) &&
	       !memmem(mem + siv_get_le64(&m->side_off), 2 * ch->g->geo.granule,
		       canary, CANARY_LEN);
}

/*
 * The region has room for one such channel: others get it when both ends of the first have
 * let go, not before, and find nothing of what was there.
 */
static void test_reuse(void **state)
{
	struct sim_session *c = world_enter(&w, "c", "lab", "user");
	struct sim_session *d = world_listen(&w, "d", "lab", "data");
	struct sim_channel *at_c, *at_d;
	u64 before;

	(void)state;
	world_pair(&w, a, b->g, &big, &at_a, &at_b);
	before = siv_get_le64(&at_a->c.common.extent_off);
	fill(at_a);
	assert_false(is_clean(at_b));
	assert_int_equal(world_connect(&w, c, &big, &at_c), -ENOSPC);
	sim_close(at_a);
	world_must(&w, at_b->peer_closed);
	assert_int_equal(world_region(&w, "limbo"), 2 * BIG);
	assert_int_equal(world_connect(&w, c, &big, &at_c), -ENOSPC);
	assert_false(is_clean(at_b)); /* nothing was taken from under b */
	sim_close(at_b);
	world_pair(&w, c, d->g, &big, &at_c, &at_d);
	assert_int_equal(siv_get_le64(&at_c->c.common.extent_off), before);
	assert_true(is_clean(at_c));
	world_talk(&w, at_c, at_d);
	world_end(&w);
}

/* One end died, the other does not let go: its own QEMU's death, or another boot, does. */
static void test_limbo(void **state)
{
	struct sim_session *c = world_enter(&w, "c", "lab", "user");
	struct sim_session *d = world_listen(&w, "d", "lab", "data");
	struct sim_channel *at_c, *at_d;
	struct sim_guest *g = b->g;
	unsigned int i;

	(void)state;
	world_pair(&w, a, b->g, &big, &at_a, &at_b);
	fill(at_b);
	/* b's kernel does not answer any more */
	for (i = 0; i < w.guests; i++)
		if (w.guest[i] == g)
			w.guest[i] = w.guest[--w.guests];
	world_leave(&w, a->g, false);
	world_must(&w, world_region(&w, "limbo") == 2 * BIG + 2 * RING);
	assert_int_equal(world_connect(&w, c, &big, &at_c), -ENOSPC);
	assert_int_equal(world_count(&w, "channels", "state", "limbo"), 2);
	w.guest[w.guests++] = g;
	world_leave(&w, g, false);
	world_pair(&w, c, d->g, &big, &at_c, &at_d);
	assert_true(is_clean(at_c));
	assert_int_equal(world_count(&w, "channels", "state", "limbo"), 0);
	world_end(&w);
}

/* ----------------------------------------------------------------------- numbers */

static void test_numbers(void **state)
{
	bool seen[256] = { false };
	json_int_t burned;
	unsigned int i;
	u32 first;

	(void)state;
	for (i = 0; i < 20; i++) {
		u32 peer = a->g->at.peer, box = peer & (a->g->geo.boxes - 1u);

		assert_in_range(peer, 1, 255);
		assert_false(seen[peer]);
		seen[peer] = true;
		assert_int_not_equal(box,
				     b->g->at.peer & (a->g->geo.boxes - 1u));
		world_leave(&w, a->g, false);
		a = world_session(world_attach(&w, "a", "lab"), w.id[0]);
		/* b's QEMU is told of each */
		world_must(&w, sim_attach_ring(&b->g->at, a->g->at.peer, 0));
	}
	burned = world_region(&w, "numbers_burned");
	assert_int_equal(burned, 20);
	/* one that nobody heard of may be given again */
	first = 0;
	for (i = 0; i < 20; i++) {
		struct sim_guest *k = world_attach(&w, "k", "lab");

		assert_false(first && first != k->at.peer);
		first = k->at.peer;
		world_leave(&w, k, false);
		world_must(&w, world_count(&w, "vms", "vm", "k") == 1);
		world_must(&w, world_events(&w, "attach") ==
				       world_events(&w, "detach"));
	}
	assert_int_equal(world_region(&w, "numbers_burned"), burned);
	world_end(&w);
}

/* ---------------------------------------------------------------------- shutdown */

static void test_shutdown(void **state)
{
	char path[PATH_MAX];
	struct stat st;

	(void)state;
	assert_int_equal(kill(w.pid, SIGTERM), 0);
	assert_in_range(world_took(&w, SOON_MS,
				   state_of(at_a) == -ECONNRESET &&
					   state_of(at_b) == -ECONNRESET),
			0, SOON_MS);
	world_must(&w, sim_guest_step(b->g, 0) != 0); /* and then it is gone */
	world_stop(&w);
	assert_int_equal(world_events(&w, "stop"), 1);
	/* the file helper hears of it when the daemon has gone, and removes them */
	world_must(&w, stat(world_socket(&w, path, "a", "lab"), &st) != 0);
	world_must(&w,
		   stat(world_path(&w, path, "run/control.sock"), &st) != 0);
	/* the next one makes the world anew: another epoch, the same guests */
	world_leave(&w, a->g, false);
	world_leave(&w, b->g, false);
	world_start(&w, "sivshmemd");
	b = world_session(world_attach(&w, "b", "lab"), w.id[1]);
	assert_int_equal(sim_listen(b, 4, 0, WORLD_WAIT_MS), 0);
	again(world_attach(&w, "a", "lab"));
	world_end(&w);
}

/* Guests that do not hear its last words hold nobody up. */
static void test_deaf_shutdown(void **state)
{
	unsigned int guests = w.guests;

	(void)state;
	w.guests = 0;
	world_stop(&w);
	assert_int_equal(world_events(&w, "stop"), 1);
	w.guests = guests;
	world_start(&w, "sivshmemd");
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_goodbye),
		CASE(test_killed),
		CASE(test_false_causes),
		CASE(test_killed_listener),
		CASE(test_hard_reset),
		CASE(test_silent_so_far),
		cmocka_unit_test_setup_teardown(test_silence, setup_brief,
						teardown),
		cmocka_unit_test_setup_teardown(test_told_again, setup_brief,
						teardown),
		cmocka_unit_test_setup_teardown(test_heartbeat, setup_brief,
						teardown),
		CASE(test_crowded_window),
		CASE(test_renewed),
		CASE(test_renewed_meanwhile),
		CASE(test_unfinished_renewal),
		CASE(test_reuse),
		CASE(test_limbo),
		CASE(test_numbers),
		CASE(test_shutdown),
		CASE(test_deaf_shutdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
