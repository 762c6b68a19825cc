// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: what is revoked - a certificate, an identity, a channel, a VM, a right in the
 * policy - ends within a second at both ends, and no grant follows the answer that says so;
 * everything else goes on; what cannot be understood changes nothing. A channel ends with
 * the first of its certificates, the host's among them.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "simguest/internal.h"
#include "world.h"

enum {
	RING = 8192,
	SOON_MS = 2000,
	HOST_S = 15, /* how long a brief host certificate lasts */
	BRIEF_S = 2, /* at first, one of a guest's */
};

#define MEMBERS                                                                   \
	"[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\nmembers = a b c\n" \
	"handshake = 20s\nliveness = 60s\n"                                       \
	"[vm a]\nuser = self\nhello_rate = 1000\n"                                \
	"[vm b]\nuser = self\nhello_rate = 1000\n"                                \
	"[vm c]\nuser = self\nhello_rate = 1000\n"

static const char policy[] = MEMBERS "[service lab/b/data]\nclients = a c\n";

static struct world w;
static struct sim_session *a, *b, *c;
static struct sim_channel *at_a, *at_b, *at_c, *c_at_b;
static char serial_a[24];

static const struct sim_connect data = { .service = "data",
					 .ring_tx = RING,
					 .ring_rx = RING };

static const char *const regions[] = { "lab", NULL };

/* Two channels to one listener, in a world whose daemon runs. */
static void set_up_channels(void)
{
	const struct paper p = {
		.region = "lab", .vm = "a", .service = "user", .serial = 0x1234
	};

	w.id[w.ids++] = world_paper(&p, serial_a);
	a = world_session(world_attach(&w, "a", "lab"), w.id[0]);
	b = world_listen(&w, "b", "lab", "data");
	c = world_enter(&w, "c", "lab", "user");
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_pair(&w, c, b->g, &data, &at_c, &c_at_b);
	world_talk(&w, at_a, at_b);
	world_mark(&w);
}

static int setup(void **state)
{
	(void)state;
	world_begin(&w, "sivshmemd", regions, policy);
	set_up_channels();
	return 0;
}

/* The host's certificate ends soon, those of the guests do not. */
static int setup_brief_host(void **state)
{
	const struct paper host = { .region = "lab",
				    .from = -60,
				    .to = HOST_S };

	(void)state;
	world_make(&w, regions, policy);
	world_host(&w, &host);
	world_start(&w, "sivshmemd");
	set_up_channels();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

static json_t *revoke(const char *what, const char *value)
{
	return json_pack("{s:s, s:s, s:s}", "cmd", "revoke", "what", what,
			 "value", value);
}

static int state_of(struct sim_channel *ch)
{
	u8 buf[512];
	ssize_t n = sim_recv(ch, buf, sizeof(buf));

	return n < 0 ? (int)n : 0;
}

/* a's channel is over at both ends, c's is not. */
static void ended(int err)
{
	assert_in_range(world_took(&w, SOON_MS,
				   state_of(at_a) == -err &&
					   state_of(at_b) == -err),
			0, SOON_MS);
	world_talk(&w, at_c, c_at_b);
	world_must(&w, !world_region(&w, "limbo"));
	assert_int_equal(world_count(&w, "channels", "from_vm", "a"), 0);
	sim_channel_free(at_a);
	sim_channel_free(at_b);
}

static void no_session(int err, const char *reason)
{
	struct said said = { "hello_refused", err, "lab/a/user", NULL, reason };
	struct sim_guest *g = a->g;
	enum siv_reason why;
	u32 code;

	world_must(&w, world_count(&w, "sessions", "vm", "a") == 0);
	sim_session_drop(a);
	world_mark(&w);
	assert_null(sim_session_open(g, w.id[0], WORLD_WAIT_MS, &why, &code));
	assert_int_equal(siv_code_errno(code), -err);
	world_refused_at(&w, &said, __FILE__, __LINE__);
}

static void back_again(struct sim_guest *g)
{
	a = world_session(g, w.id[0]);
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
}

/* -------------------------------------------------------- by hand, over the socket */

static void by_hand(const char *what, const char *value)
{
	struct sim_guest *g = a->g;

	world_ask_ok(&w, revoke(what, value));
	/* no grant after the answer: a's request, made before it knows, is not heard */
	(void)sim_open(a, &data, &(struct sim_channel *){ NULL });
	ended(EKEYREVOKED);
	assert_int_equal(world_audit(&w, &(struct said){ "revoke", EKEYREVOKED,
							 "lab/a/user", NULL,
							 "revoked" }),
			 1);
	assert_int_equal(world_status(&w, "connects"), 2);
	no_session(EKEYREVOKED, "revoked");
	world_ask_ok(&w, json_pack("{s:s, s:s, s:s}", "cmd", "restore", "what",
				   what, "value", value));
	back_again(g);
	world_end(&w);
}

static void test_serial(void **state)
{
	(void)state;
	by_hand("serial", serial_a);
}

static void test_identity(void **state)
{
	(void)state;
	by_hand("identity", "lab/a/user");
}

static void test_vm(void **state)
{
	(void)state;
	by_hand("vm", "a");
}

/* Only this one channel: the session, and the next channel, are good. */
static void test_channel(void **state)
{
	char cid[32];

	(void)state;
	snprintf(cid, sizeof(cid), "%llu", (unsigned long long)at_a->cid);
	world_ask_ok(&w, revoke("channel", cid));
	ended(EKEYREVOKED);
	assert_int_equal(world_count(&w, "sessions", "vm", "a"), 1);
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
	world_end(&w);
}

static void test_nonsense(void **state)
{
	static const struct {
		const char *what;
		const char *value;
		int err;
	} bad[] = {
		{ "serial", "xyz", EINVAL },	  { "serial", "", EINVAL },
		{ "identity", "lab/a", EINVAL },  { "identity", "", EINVAL },
		{ "vm", "../a", EINVAL },	  { "vm", "", EINVAL },
		{ "channel", "999", ENOENT },	  { "channel", "x", EINVAL },
		{ "channel", "other/1", ENOENT }, { "everything", "1", EINVAL },
	};
	json_t *answer;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		answer = world_ask(&w, revoke(bad[i].what, bad[i].value));
		assert_true(json_is_false(json_object_get(answer, "ok")));
		assert_int_equal(
			json_integer_value(json_object_get(answer, "errno")),
			bad[i].err);
		json_decref(answer);
	}
	answer = world_ask(&w, json_pack("[s]", "no object"));
	assert_int_equal(json_integer_value(json_object_get(answer, "errno")),
			 EBADMSG);
	json_decref(answer);
	world_talk(&w, at_a, at_b);
	world_talk(&w, at_c, c_at_b);
	world_end(&w);
}

/* ------------------------------------------------------------------- by the policy */

static void test_right_taken(void **state)
{
	struct said said = { "revoke", EKEYREVOKED, "lab/a/user",
			     "service lab/b/data", "revoked" };
	struct sim_channel *ch;

	(void)state;
	world_change(&w, MEMBERS "[service lab/b/data]\nclients = c\n");
	/* made before a knows: refused, for the reload has been answered */
	assert_int_equal(world_connect(&w, a, &data, &ch), -EPERM);
	ended(EKEYREVOKED);
	assert_int_equal(world_audit(&w, &said), 1);
	assert_int_equal(world_count(&w, "sessions", "vm", "a"), 1);
	world_change(&w, policy);
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
	world_end(&w);
}

/* A reload between OPEN and ACCEPT: no grant any more. */
static void test_right_taken_meanwhile(void **state)
{
	struct sim_channel *ch;
	bool opened = false;
	int i;

	(void)state;
	assert_int_equal(sim_open(a, &data, &ch), 0);
	/* b is not stepped: it stays so */
	for (i = 0; i < WORLD_WAIT_MS && !opened; i++)
		opened = world_count(&w, "channels", "state", "opened");
	assert_true(opened);
	world_change(&w, MEMBERS "[service lab/b/data]\nclients = c\n");
	world_must(&w, sim_opened(ch) != -EAGAIN);
	assert_int_equal(sim_opened(ch), -EKEYREVOKED);
	sim_channel_free(ch);
	ended(EKEYREVOKED);
	world_end(&w);
}

static void test_sealing_demanded(void **state)
{
	struct sim_connect sealed = data;
	struct sim_channel *s_a, *s_b;

	(void)state;
	sealed.flags = SIV_CH_SEALED;
	world_pair(&w, a, b->g, &sealed, &s_a, &s_b);
	world_change(&w, MEMBERS "[service lab/b/data]\nclients = a c\n"
				 "sealed = required\n");
	world_must(&w, state_of(at_a) == -EKEYREVOKED &&
			       state_of(at_c) == -EKEYREVOKED);
	world_talk(&w, s_a, s_b);
	world_end(&w);
}

static void test_member_removed(void **state)
{
	(void)state;
	world_policy(&w,
		     "[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\n"
		     "members = b c\n[vm b]\nuser = self\n[vm c]\nuser = self\n"
		     "[service lab/b/data]\nclients = c\n");
	world_reload(&w);
	/* its QEMU is disconnected */
	world_must(&w, sim_guest_step(a->g, 0) != 0);
	world_must(&w, state_of(at_b) < 0 && state_of(at_b) != -EAGAIN);
	world_talk(&w, at_c, c_at_b);
	world_must(&w, !world_region(&w, "limbo"));
	/* and there again */
	world_change(&w, policy);
	world_leave(&w, a->g, false);
	sim_channel_free(at_b);
	back_again(world_attach(&w, "a", "lab"));
	world_end(&w);
}

/* A policy that cannot be, and one that cannot be now: the old one stays. */
static void test_bad_reload(void **state)
{
	static const char *const bad[] = {
		MEMBERS "[service lab/b/data]\nclients = nobody\n",
		MEMBERS "[service lab/b/data\n",
		"",
		"[region lab]\nsize = 8M\nmode = shared\ngranule = 4K\nmembers = a b c\n"
		"[vm a]\nuser = self\n[vm b]\nuser = self\n[vm c]\nuser = self\n",
	};
	json_t *answer;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		world_policy(&w, bad[i]);
		world_mark(&w);
		answer = world_ask(&w, json_pack("{s:s}", "cmd", "reload"));
		assert_true(json_is_false(json_object_get(answer, "ok")));
		assert_non_null(
			json_string_value(json_object_get(answer, "error")));
		json_decref(answer);
		world_refused(&w, "reload", EINVAL, NULL, NULL, NULL);
	}
	/* by signal as well */
	kill(w.pid, SIGHUP);
	assert_true(
		world_audit_wait(&w, &(struct said){ .event = "reload" }, 2));
	world_talk(&w, at_a, at_b);
	world_talk(&w, at_c, c_at_b);
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
	world_end(&w);
}

/* ----------------------------------------------------------------- by certificates */

/* The session was renewed with a newer certificate; the old one's channels go with it. */
static void test_old_certificate(void **state)
{
	const struct paper p = { .region = "lab",
				 .vm = "a",
				 .service = "user" };
	struct sim_channel *new_a, *new_b;
	const u32 serial = 0x1234;

	(void)state;
	w.id[w.ids++] = world_paper(&p, NULL);
	/* for the host the same identity; the guest has two */
	c = world_session(a->g, w.id[w.ids - 1]);
	world_pair(&w, c, b->g, &data, &new_a, &new_b);
	world_crl(&w, &serial, 1, 1);
	world_reload(&w);
	world_must(&w, state_of(at_b) == -EKEYREVOKED);
	world_talk(&w, new_a, new_b);
	world_talk(&w, at_c, c_at_b);
	world_end(&w);
}

/* A channel over which something was said; false if the certificate ended before that. */
static bool open_briefly(long life, struct sim_channel **ch,
			 struct sim_channel **peer)
{
	const struct paper p = { .region = "lab",
				 .vm = "a",
				 .service = "brief",
				 .from = -60,
				 .to = life };
	u64 end = sim_now_ms() + (u64)life * 1000;
	enum siv_reason why;
	ssize_t n = 0;
	u32 code;
	u8 byte;

	w.id[w.ids++] = world_paper(&p, NULL);
	world_mark(&w);
	c = sim_session_open(a->g, w.id[w.ids - 1], WORLD_WAIT_MS, &why, &code);
	if (c && !world_connect(&w, c, &data, ch)) {
		*peer = NULL;
		while (sim_accept(b->g, 0, peer) && sim_now_ms() < end)
			world_turn(&w);
		if (*peer && !sim_send(*ch, "x", 1)) {
			world_must(&w,
				   (n = sim_recv(*peer, &byte, 1)) != -EAGAIN);
			if (n == 1)
				return true;
		}
	}
	/* nothing else is an excuse */
	assert_true(sim_now_ms() >= end - 1000);
	if (c)
		sim_session_drop(c);
	return false;
}

/* A certificate that ends while its channel is open. */
static void test_expiry(void **state)
{
	struct sim_channel *ch = NULL, *peer = NULL;
	long life = BRIEF_S;

	(void)state;
	while (!open_briefly(life, &ch, &peer)) {
		life *= 2;
		assert_in_range(life, 0, 100);
	}
	world_must(&w, state_of(peer) == -EKEYEXPIRED &&
			       state_of(ch) == -EKEYEXPIRED);
	world_must(&w,
		   world_audit(&w, &(struct said){ "session_end", EKEYEXPIRED,
						   "lab/a/brief", NULL,
						   NULL }) == 1);
	world_talk(&w, at_a, at_b);
	world_end(&w);
}

/* The host's certificate ends, and nobody else's: so does every channel that it opened. */
static void test_host_expiry(void **state)
{
	const struct said said = { "channel_end", EKEYEXPIRED, NULL, NULL,
				   NULL };

	(void)state;
	world_talk(&w, at_a, at_b);
	assert_true(world_until(&w, 2 * HOST_S * 1000,
				state_of(at_a) == -EKEYEXPIRED &&
					state_of(at_b) == -EKEYEXPIRED &&
					state_of(at_c) == -EKEYEXPIRED &&
					state_of(c_at_b) == -EKEYEXPIRED));
	assert_int_equal(world_audit(&w, &said), 2);
	assert_int_equal(world_events(&w, "session_end"), 0);
	world_must(&w, !world_region(&w, "limbo"));
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_serial),
		CASE(test_identity),
		CASE(test_vm),
		CASE(test_channel),
		CASE(test_nonsense),
		CASE(test_right_taken),
		CASE(test_right_taken_meanwhile),
		CASE(test_sealing_demanded),
		CASE(test_member_removed),
		CASE(test_bad_reload),
		CASE(test_old_certificate),
		CASE(test_expiry),
		cmocka_unit_test_setup_teardown(test_host_expiry,
						setup_brief_host, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
