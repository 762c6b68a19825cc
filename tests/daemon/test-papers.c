// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: only a certificate of our CA, of this region, of the VM whose socket it comes
 * through, in its time and not revoked makes a session; every other gets its exact errno
 * in an authenticated answer, or none at all if it did not even prove its key, and leaves
 * one line in the audit log; a good identity of the same VM works meanwhile.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pki.h"
#include "simguest/internal.h"
#include "world.h"

enum {
	DAY = 86400,
	SHORT_MS = 80, /* before the guest says it again */
};

static const char policy[] =
	"[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\nmembers = a b r\n"
	"[region other]\nsize = 4M\nmode = shared\ngranule = 4K\nmembers = a b\n"
	"[vm a]\nuser = self\nsessions = 3\n"
	"[vm b]\nuser = self\n"
	"[vm r]\nuser = self\nhello_rate = 1\n"
	"[service lab/b/data]\nclients = a\n";

static struct world w;
static struct sim_guest *g;
static struct sim_session *good;

static int setup(void **state)
{
	static const char *const regions[] = { "lab", "other", NULL };

	(void)state;
	world_begin(&w, "sivshmemd", regions, policy);
	good = world_enter(&w, "a", "lab", "good");
	g = good->g;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

/* The session that was there before still is, and can say so. */
static void control(void)
{
	struct sim_session *b = world_listen(&w, "b", "lab", "data");
	struct sim_connect c = { .service = "data",
				 .ring_tx = 4096,
				 .ring_rx = 4096 };
	struct sim_channel *at_a, *at_b;

	world_pair(&w, good, b->g, &c, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
}

/* The host opened message 1, judged the certificate and said why not. */
static void refused_id(struct sim_identity *id, int err, const char *who,
		       const char *reason)
{
	enum siv_reason why;
	u32 code;

	world_mark(&w);
	assert_null(sim_session_open(g, id, WORLD_WAIT_MS, &why, &code));
	assert_int_equal(why, SIV_R_POLICY);
	assert_int_equal(siv_code_errno(code), -err);
	world_refused(&w, "hello_refused", err, who, NULL, reason);
	sim_identity_free(id);
}

static void refused(const struct paper *p, int err, const char *reason)
{
	char who[256];

	snprintf(who, sizeof(who), "lab/a/%s", p->service);
	refused_id(world_paper(p, NULL), err, who, reason);
}

/* It could not be told apart from noise: no answer. */
static void dropped(struct sim_identity *id, int err, const char *reason)
{
	enum siv_reason why;
	u32 code;

	world_mark(&w);
	assert_null(sim_session_open(g, id, SHORT_MS, &why, &code));
	assert_int_equal(why, SIV_R_TIMEOUT);
	world_refused(&w, "hello_dropped", err, "lab/a", NULL, reason);
	sim_identity_free(id);
}

static void test_names(void **state)
{
	const struct paper region = { .region = "other",
				      .vm = "a",
				      .service = "x" };
	const struct paper vm = { .region = "lab", .vm = "b", .service = "x" };
	const struct paper host = { .region = "lab" };

	(void)state;
	refused(&region, EKEYREJECTED, "cert_region");
	refused(&vm, EKEYREJECTED, "cert_vm");
	dropped(world_paper(&host, NULL), EKEYREJECTED, "cert_role");
	control();
	world_end(&w);
}

/* A certificate that is fine, with a key that is not its own. */
static void test_stolen_certificate(void **state)
{
	struct sim_identity *id = world_identity("lab", "a", "thief");
	struct sim_identity *victim = world_identity("lab", "a", "victim");
	const u8 *der = id->der;

	(void)state;
	memcpy(id->der, victim->der, sizeof(id->der));
	id->cert.der = (struct siv_span){ der, victim->cert.der.n };
	dropped(id, EKEYREJECTED, "key_mismatch");
	sim_identity_free(victim);
	control();
	world_end(&w);
}

static void test_other_ca(void **state)
{
	struct paper p = { .region = "lab", .vm = "a", .service = "x" };
	struct test_ca stranger, forger;

	(void)state;
	test_ca_make(&stranger, TEST_P256);
	p.ca = &stranger;
	refused(&p, ENOKEY, "no_anchor");
	/* it says that our CA has signed it */
	forger = stranger;
	memcpy(forger.key_id, pki_ca()->key_id, sizeof(forger.key_id));
	p.ca = &forger;
	refused(&p, EKEYREJECTED, "signature");
	test_ca_free(&stranger);
	control();
	world_end(&w);
}

static void test_dates(void **state)
{
	const struct paper past = { .region = "lab",
				    .vm = "a",
				    .service = "x",
				    .from = -2 * DAY,
				    .to = -DAY };
	const struct paper just = { .region = "lab",
				    .vm = "a",
				    .service = "x",
				    .from = -DAY,
				    .to = -1 };
	const struct paper future = { .region = "lab",
				      .vm = "a",
				      .service = "x",
				      .from = 3600,
				      .to = DAY };

	(void)state;
	refused(&past, EKEYEXPIRED, "cert_expired");
	refused(&just, EKEYEXPIRED, "cert_expired");
	refused(&future, EKEYREJECTED, "cert_not_yet");
	control();
	world_end(&w);
}

static void test_crl(void **state)
{
	const struct paper p = {
		.region = "lab", .vm = "a", .service = "x", .serial = 77
	};
	const u32 serials[] = { 5, 77, 1 << 30 };
	struct sim_identity *id = world_paper(&p, NULL);
	struct sim_session *ss = world_session(g, id);

	(void)state;
	assert_int_equal(ss->s.state, SIV_SESSION_LIVE);
	assert_int_equal(world_status(&w, "crl_number"), 0);
	world_crl(&w, serials, ARRAY_SIZE(serials), 3);
	world_mark(&w);
	world_reload(&w);
	assert_int_equal(world_status(&w, "crl_number"), 3);
	assert_true(world_audit_wait(&w,
				     &(struct said){ "session_end", EKEYREVOKED,
						     "lab/a/x", NULL,
						     "cert_revoked" },
				     1));
	world_must(&w, world_count(&w, "sessions", "vm", "a") == 1);
	sim_session_drop(ss);
	refused_id(id, EKEYREVOKED, "lab/a/x", "cert_revoked");
	control();
	world_end(&w);
}

/* A list by somebody else revokes nothing, and the old one stays. */
static void test_forged_crl(void **state)
{
	const u32 serial = 77, none = 5;
	struct test_ca stranger;
	char path[PATH_MAX];
	json_t *answer;
	FILE *f;

	(void)state;
	world_crl(&w, &none, 1, 2);
	world_reload(&w);
	test_ca_make(&stranger, TEST_P256);
	f = fopen(world_path(&w, path, "crl.pem"), "we");
	paper_crl(f, &stranger, &serial, 1, 9);
	fclose(f);
	test_ca_free(&stranger);
	world_mark(&w);
	answer = world_ask(&w, json_pack("{s:s}", "cmd", "reload"));
	assert_true(json_is_false(json_object_get(answer, "ok")));
	json_decref(answer);
	world_refused(&w, "reload", EINVAL, NULL, NULL, NULL);
	assert_int_equal(world_status(&w, "crl_number"), 2);
	/* nor does losing the file */
	remove(path);
	answer = world_ask(&w, json_pack("{s:s}", "cmd", "reload"));
	assert_true(json_is_false(json_object_get(answer, "ok")));
	json_decref(answer);
	assert_int_equal(world_status(&w, "crl_number"), 2);
	control();
	world_end(&w);
}

static void test_session_quota(void **state)
{
	struct sim_identity *one = world_identity("lab", "a", "one");
	struct sim_identity *two = world_identity("lab", "a", "two");

	(void)state;
	world_session(g, one);
	world_session(g, two);
	refused_id(world_identity("lab", "a", "three"), EDQUOT, "lab/a/three",
		   "quota");
	/* one of those that are there may be renewed */
	world_session(g, one);
	world_must(&w, world_count(&w, "sessions", "vm", "a") == 3);
	control();
	world_leave(&w, g, false);
	sim_identity_free(one);
	sim_identity_free(two);
	world_end(&w);
}

/* Rings of this vector of the host's do not arrive, or do again. */
static void cut(u16 vector, u16 to)
{
	unsigned int i;

	for (i = 0; i < g->at.bell_count; i++)
		if (!g->at.bell[i].peer && g->at.bell[i].vector == vector)
			g->at.bell[i].vector = to;
}

/* The READY of one session is still unread when the next identity says hello. */
static void test_two_in_a_row(void **state)
{
	struct sim_identity *one = world_identity("lab", "a", "one");
	struct sim_identity *two = world_identity("lab", "a", "two");

	(void)state;
	world_mark(&w);
	cut(SIV_BELL_MAIL, 99);
	world_session(g, one);
	world_session(g, two);
	cut(99, SIV_BELL_MAIL);
	world_must(&w, world_events(&w, "session") == 2);
	world_quiet(&w);
	control();
	world_leave(&w, g, false);
	sim_identity_free(one);
	sim_identity_free(two);
	world_end(&w);
}

/* Three at once, then one a second: who rings more often is not even read. */
static void test_hello_rate(void **state)
{
	struct sim_guest *r = world_attach(&w, "r", "lab");
	struct sim_identity *id = world_identity("lab", "r", "x");
	u64 t0 = sim_now_ms();
	enum siv_reason why;
	unsigned int i;
	u32 code;

	(void)state;
	for (i = 0; i < 3; i++)
		world_session(r, id);
	/* on a slow machine a second has passed, and some more have their turn */
	do {
		world_mark(&w);
		(void)sim_session_open(r, id, SHORT_MS, &why, &code);
		assert_in_range(i++, 3, 4 + (sim_now_ms() - t0) / 1000);
	} while (!world_events(&w, "hello_dropped"));
	assert_int_equal(why, SIV_R_TIMEOUT);
	world_refused(&w, "hello_dropped", EAGAIN, "lab/r", NULL, "rate");
	control();
	/* and a little later it is let in */
	world_session(r, id);
	world_leave(&w, r, false);
	sim_identity_free(id);
	world_end(&w);
}

static void ring_hello(const u8 *bytes, size_t len)
{
	siv_slot_write(sim_box(g) + SIV_BOX_HELLO_UP, bytes, len);
	sim_attach_ring(&g->at, 0, SIV_BELL_HELLO);
	world_spend(&w, 20);
	world_settle(&w);
}

/* Bytes that are no message 1: a line each, no answer, no session. */
static void test_noise(void **state)
{
	enum {
		LEN = SIV_SLOT_HDR + SIV_NONCE_LEN + SIV_NOISE_M1_MIN,
	};
	u8 bytes[SIV_SLOT_SIZE] = { 0 };
	const u8 *down = sim_box(g) + SIV_BOX_HELLO_DOWN;
	u8 before[SIV_SLOT_HDR];

	(void)state;
	memcpy(before, down, sizeof(before));
	world_mark(&w);
	siv_put_le32(bytes, 10);
	ring_hello(bytes, SIV_SLOT_HDR + 10);
	world_refused(&w, "hello_dropped", EBADMSG, "lab/a", NULL, "length");
	world_mark(&w);
	siv_put_le32(bytes, LEN - SIV_SLOT_HDR);
	siv_put_le32(bytes + 4, 7);
	ring_hello(bytes, LEN);
	world_refused(&w, "hello_dropped", EPROTONOSUPPORT, "lab/a", NULL,
		      "suite");
	world_mark(&w);
	siv_put_le32(bytes + 4, SIV_SUITE_CHACHAPOLY);
	ring_hello(bytes, LEN);
	world_refused(&w, "hello_dropped", EBADMSG, "lab/a", NULL, "challenge");
	world_mark(&w);
	memcpy(bytes + SIV_SLOT_HDR, sim_box(g), SIV_NONCE_LEN);
	/* an ephemeral key, then noise */
	bytes[SIV_SLOT_HDR + SIV_NONCE_LEN] = 9;
	ring_hello(bytes, LEN);
	world_refused(&w, "hello_dropped", EBADMSG, "lab/a", NULL, "tag");
	assert_memory_equal(before, down, sizeof(before));
	control();
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_names),	  CASE(test_stolen_certificate),
		CASE(test_other_ca),	  CASE(test_dates),
		CASE(test_crl),		  CASE(test_forged_crl),
		CASE(test_session_quota), CASE(test_hello_rate),
		CASE(test_noise),	  CASE(test_two_in_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
