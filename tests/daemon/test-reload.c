// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: memory that is set aside for a VM stays that VM's, also while a reload has taken
 * it out of the region and another has its place; a reload that would have to move memory,
 * or to give an isolated region's to a third VM, is refused with file and line, and changes
 * nothing; and the connection of a VM that a reload removes ends with a line in the audit
 * log.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "simguest/internal.h"
#include "world.h"

enum {
	RING = 256 << 10,
	ARENA = 1 << 20,
	OWN = ARENA / (2 * RING), /* channels that fit into it */
};

/* two members: so the region has two mailboxes, and one must go for one to come */
#define REGION(members)                                          \
	"[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\n" \
	"members = " members "\n"
#define VM_A "[vm a]\nuser = self\nguaranteed = 1M\n"
#define VM_B "[vm b]\nuser = self\n"
#define SERVICE "[service lab/b/data]\nclients = *\n"

#define ISOLATED(members)                                          \
	"[region lab]\nsize = 4M\nmode = isolated\ngranule = 4K\n" \
	"members = " members "\n"
#define VM_D "[vm d]\nuser = self\n"

static const char policy[] = REGION("a b") VM_A VM_B SERVICE;
static const char isolated[] = ISOLATED("a b") VM_A VM_B SERVICE;

static const struct sim_connect data = { .service = "data",
					 .ring_tx = RING,
					 .ring_rx = RING };

static struct world w;

static int begin(const char *text)
{
	static const char *const regions[] = { "lab", NULL };

	world_begin(&w, "sivshmemd", regions, text);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return begin(policy);
}

static int setup_isolated(void **state)
{
	(void)state;
	return begin(isolated);
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

static void reload(const char *text)
{
	world_change(&w, text);
}

static bool in_arena(const struct sim_channel *ch)
{
	u64 off = siv_get_le64(&ch->c.common.extent_off);

	return off - ch->g->geo.extent_off < ARENA;
}

/* Channels until there is no memory: how many, and how many of them are in a's arena. */
static unsigned int fill(struct sim_session *ss, unsigned int *arena)
{
	struct sim_channel *ch;
	unsigned int n = 0;
	int r;

	*arena = 0;
	while (!(r = world_connect(&w, ss, &data, &ch))) {
		n++;
		*arena += in_arena(ch);
	}
	assert_int_equal(r, -ENOSPC);
	return n;
}

static void test_arena_is_not_inherited(void **state)
{
	struct sim_session *b = world_listen(&w, "b", "lab", "data");
	struct sim_session *a, *d;
	unsigned int arena, n;
	struct sim_guest *g;

	(void)state;
	a = world_enter(&w, "a", "lab", "user");
	n = fill(a, &arena);
	assert_true(n > OWN);
	assert_int_equal(arena, OWN);
	/* d comes in a's place: the same index, the same mailbox */
	world_leave(&w, a->g, true);
	reload(REGION("d b") VM_D VM_B SERVICE);
	world_must(&w, world_region(&w, "taken") == 0);
	world_leave(&w, b->g, true);
	b = world_listen(&w, "b", "lab", "data");
	world_must(&w, world_region(&w, "limbo") == 0 &&
			       world_region(&w, "dirty") == 0);
	d = world_enter(&w, "d", "lab", "user");
	assert_int_equal(fill(d, &arena), n - OWN);
	assert_int_equal(arena, 0);
	/* and a, when it is there again, has what is its own, whatever is full */
	world_leave(&w, b->g, true);
	reload(REGION("a d") VM_A VM_D "[service lab/d/data]\nclients = a\n");
	a = world_enter(&w, "a", "lab", "user");
	g = d->g;
	assert_int_equal(sim_guest_reboot(g, true), 0);
	world_must(&w, world_region(&w, "taken") == 0 &&
			       world_region(&w, "dirty") == 0);
	w.id[w.ids++] = world_identity("lab", "d", "data");
	d = world_session(g, w.id[w.ids - 1]);
	assert_int_equal(sim_listen(d, 16, 0, WORLD_WAIT_MS), 0);
	assert_int_equal(fill(a, &arena), n);
	assert_int_equal(arena, OWN);
	world_end(&w);
}

/* ------------------------------------------------------------------------- refused */

static void refused(const char *text, const char *why)
{
	json_t *answer;
	const char *said;

	world_policy(&w, text);
	world_mark(&w);
	answer = world_ask(&w, json_pack("{s:s}", "cmd", "reload"));
	assert_true(json_is_false(json_object_get(answer, "ok")));
	said = json_string_value(json_object_get(answer, "error"));
	assert_non_null(said);
	if (strncmp(said, why, strlen(why)) != 0)
		fail_msg("\"%s\" instead of \"%s\"", said, why);
	assert_true(world_said(&w, why));
	json_decref(answer);
	world_refused(&w, "reload", EINVAL, NULL, NULL, NULL);
}

static void test_refused(void **state)
{
	struct sim_session *b = world_listen(&w, "b", "lab", "data");
	struct sim_session *a = world_enter(&w, "a", "lab", "user");
	struct sim_channel *at_a, *at_b;

	(void)state;
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	/* of one that stays, more, less and none */
	refused(REGION("a b") "[vm a]\nuser = self\nguaranteed = 2M\n" VM_B,
		"policy.ini:6: [vm a]: guaranteed: 1048576 bytes");
	refused(REGION("a b") "[vm a]\nuser = self\n" VM_B,
		"policy.ini:6: [vm a]: guaranteed: 1048576 bytes");
	refused(REGION("a b") VM_A "[vm b]\nuser = self\nguaranteed = 4K\n",
		"policy.ini:9: [vm b]: guaranteed: 0 bytes");
	/* of one that comes: in the place of the one that had some, and of the other */
	refused(REGION("d b") "[vm d]\nuser = self\nguaranteed = 1M\n" VM_B,
		"policy.ini:6: [vm d]: guaranteed: 0 bytes");
	refused(REGION("a d") VM_A "[vm d]\nuser = self\nguaranteed = 4K\n",
		"policy.ini:9: [vm d]: guaranteed: 0 bytes");
	/* and what else is fixed */
	refused(REGION("a b c") VM_A VM_B "[vm c]\nuser = self\n",
		"policy.ini:1: [region lab]: no mailbox");
	refused(REGION("a b") VM_A VM_B
		"[region new]\nsize = 4M\nmembers = a b\n",
		"policy.ini:11: [region new] was added");
	refused("[region new]\nsize = 4M\nmembers = a b\ngranule = 4K\n" VM_A
			VM_B,
		"policy.ini:1: [region new] was added");
	refused("[region lab]\nsize = 8M\nmode = shared\ngranule = 4K\n"
		"members = a b\n" VM_A VM_B,
		"policy.ini:1: [region lab]: size, mode");
	world_talk(&w, at_a, at_b);
	world_end(&w);
}

/* Away and back: it is refused what it did not have, and given what it had. */
static void test_returns(void **state)
{
	(void)state;
	reload(REGION("b") VM_B);
	refused(REGION("a b") "[vm a]\nuser = self\n" VM_B,
		"policy.ini:6: [vm a]: guaranteed: 1048576 bytes");
	reload(policy);
	world_end(&w);
}

/* Nobody comes to an isolated region: who was in it may map its memory still. */
static void test_isolated(void **state)
{
	static const char third[] = ISOLATED("a d") VM_A VM_D;
	static const char why[] =
		"policy.ini:1: [region lab]: members of an isolated region "
		"were changed: restart the daemon";
	struct sim_channel *at_a, *at_b;
	struct sim_session *a, *b;
	char path[PATH_MAX];

	(void)state;
	refused(third, why);
	refused(ISOLATED("d b") VM_D VM_B SERVICE, why);
	refused(ISOLATED("c d") "[vm c]\nuser = self\n" VM_D, why);
	b = world_listen(&w, "b", "lab", "data");
	a = world_enter(&w, "a", "lab", "user");
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	refused(third, why);
	world_talk(&w, at_a, at_b);
	/* the same two in another order, and another rule */
	reload(ISOLATED("b a") VM_A VM_B SERVICE "sealed = never\n");
	world_talk(&w, at_a, at_b);
	world_leave(&w, b->g, true);
	world_must(&w, world_region(&w, "taken") == 0);
	refused(third, why);
	assert_int_equal(access(world_socket(&w, path, "d", "lab"), F_OK), -1);
	world_end(&w);
}

static void test_removed_is_noted(void **state)
{
	const struct said line = { "detach", EPERM, "lab/a", NULL, "policy" };
	struct sim_session *a = world_enter(&w, "a", "lab", "user");

	(void)state;
	world_mark(&w);
	reload(REGION("b") VM_B);
	world_must(&w, sim_guest_step(a->g, 0) != 0);
	assert_int_equal(world_audit(&w, &line), 1);
	assert_int_equal(world_events(&w, "detach"), 1);
	/* of one whose QEMU was not there nothing is said */
	reload(policy);
	reload(REGION("b") VM_B);
	assert_int_equal(world_events(&w, "detach"), 1);
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_arena_is_not_inherited),
		CASE(test_refused),
		CASE(test_returns),
		cmocka_unit_test_setup_teardown(test_isolated, setup_isolated,
						teardown),
		CASE(test_removed_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
