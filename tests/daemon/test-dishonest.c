// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a daemon that lies about one thing at a time gets nothing by it: the end that is
 * lied to finds the true cause by itself, no channel opens, no byte is delivered, and what
 * was open before goes on. A sealed stream that is closed without proof gives ECONNRESET,
 * and an end mark is no proof. The product has no way to lie. A guest that trusts no CA, or
 * another, is refused alone.
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
	RING = 8192,
	BRIEF_MS = 2000, /* a handshake's time where its end is waited for */
	TRIES = 20,
};

/* c comes first: its certificate is what is lent */
#define POLICY(handshake)                                                 \
	"[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\n"          \
	"liveness = 60s\nhandshake = " handshake "\nmembers = c a b\n"    \
	"[vm a]\nuser = self\n[vm b]\nuser = self\n[vm c]\nuser = self\n" \
	"[service lab/b/data]\nclients = a c\n"                           \
	"[service lab/c/data]\nclients = a\n"                             \
	"[service lab/c/other]\nclients = a\n"

static const char policy[] = POLICY("20s");
static const char brief[] = POLICY("2s");

static struct world w;
static struct sim_session *a, *b, *c;
static struct sim_channel *old_a, *old_b;
static const char *pin;

static struct sim_connect data(u32 flags)
{
	return (struct sim_connect){ .service = "data",
				     .vm = pin,
				     .ring_tx = RING,
				     .ring_rx = RING,
				     .flags = flags };
}

static void begin(const char *program, const char *lent)
{
	static const char *const regions[] = { "lab", NULL };
	struct sim_connect req = data(0);

	world_begin(&w, program, regions, policy);
	pin = NULL;
	if (lent)
		c = world_enter(&w, "c", "lab", lent);
	a = world_enter(&w, "a", "lab", "user");
	b = world_listen(&w, "b", "lab", "data");
	/* a channel that stays: whose memory and number are lied about */
	world_pair(&w, a, b->g, &req, &old_a, &old_b);
	world_talk(&w, old_a, old_b);
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

static void lie(const char *kind)
{
	world_ask_ok(&w, json_pack("{s:s, s:s}", "cmd", "lie", "kind", kind));
}

/* Nothing is left but the old channel, which is open. */
static void alone(void)
{
	world_must(&w, world_count(&w, "channels", "region", "lab") == 1);
	assert_int_equal(world_count(&w, "channels", "state", "established"),
			 1);
}

/* An honest connect, and the old channel. */
static void control(u32 flags)
{
	struct sim_connect req = data(flags);
	struct sim_channel *at_a, *at_b;

	world_pair(&w, a, b->g, &req, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
	world_talk(&w, old_a, old_b);
	sim_close(at_a);
	sim_close(at_b);
	alone();
}

/**
 * struct told - a lie and what comes of it
 * @lie: which: a field @ a message
 * @err: what a's connect gives
 * @later: a has the channel by then, and it is taken back
 * @at_b: b finds out, else a
 * @why: the reason that the driver gives
 */
struct told {
	const char *lie;
	int err;
	bool later;
	bool at_b;
	enum siv_reason why;
};

static const struct told told[] = {
	/* to A, in the grant */
	{ "ephemeral@grant_a", EBADMSG, false, false, SIV_R_TAG },
	{ "nonce@grant_a", EBADMSG, false, false, SIV_R_TAG },
	{ "certificate@grant_a", EBADMSG, false, false, SIV_R_TAG },
	{ "generation@grant_a", EBADMSG, false, false, SIV_R_TAG },
	{ "peer@grant_a", EBADMSG, false, false, SIV_R_TAG },
	{ "size@grant_a", EBADMSG, false, false, SIV_R_COMMON },
	{ "flag@grant_a", EBADMSG, false, false, SIV_R_COMMON },
	{ "range@grant_a", EPROTO, false, false, SIV_R_RANGE },
	{ "overlap@grant_a", EPROTO, false, false, SIV_R_RANGE },
	/* to B, which has no way to know yet: A finds that they differ */
	{ "ephemeral@incoming", EBADMSG, false, false, SIV_R_TAG },
	{ "nonce@incoming", EBADMSG, false, false, SIV_R_TAG },
	{ "certificate@incoming", EBADMSG, false, false, SIV_R_TAG },
	{ "peer@incoming", EBADMSG, false, false, SIV_R_TAG },
	{ "size@incoming", EBADMSG, false, false, SIV_R_TAG },
	{ "flag@incoming", EBADMSG, false, false, SIV_R_TAG },
	/* to B, which knows better */
	{ "service@incoming", EKEYREJECTED, false, true, SIV_R_CERT_SERVICE },
	/* to B when A has the channel already: it is taken back */
	{ "size@grant_b", EBADMSG, true, true, SIV_R_COMMON },
	{ "flag@grant_b", EBADMSG, true, true, SIV_R_COMMON },
	{ "peer@grant_b", EBADMSG, true, true, SIV_R_COMMON },
	{ "range@grant_b", EPROTO, true, true, SIV_R_RANGE },
	/* good in itself, but not what the other end was told */
	{ "moved@grant_a", EBADMSG, true, true, SIV_R_COMMON },
	{ "moved@grant_b", EBADMSG, true, true, SIV_R_COMMON },
};

/* What a's connect gives in the end, with a lie in it. */
static int connect_lied_to(const struct told *t, u32 flags)
{
	struct sim_connect req = data(flags);
	struct sim_channel *ch;
	u8 buf[64];
	int r;

	a->g->refused = SIV_OK;
	b->g->refused = SIV_OK;
	world_mark(&w);
	lie(t->lie);
	w.gap_ms = 0;
	r = world_connect(&w, a, &req, &ch);
	if (!r && t->later) {
		world_must(&w, (r = (int)sim_recv(ch, buf, sizeof(buf))) !=
				       -EAGAIN);
		sim_channel_free(ch);
	}
	world_spend(&w, 20);
	lie("none");
	return r;
}

static void renew_old(void)
{
	struct sim_connect req = data(0);

	sim_close(old_a);
	sim_close(old_b);
	world_pair(&w, a, b->g, &req, &old_a, &old_b);
}

/*
 * Whoever is lied to about a number cannot say to the host which channel it refuses, and
 * the host's time-out comes: of this very step. A machine that stands still in the steps
 * before it has time-outs of its own, and begins anew.
 */
static int brief_connect(const struct told *t, u32 flags)
{
	unsigned int tries = 0;
	int r;

	world_change(&w, brief);
	r = connect_lied_to(t, flags);
	while (w.gap_ms > BRIEF_MS / 3) {
		assert_in_range(++tries, 0, TRIES);
		alone();
		/* the lie is the number before: again one of a channel that is open */
		if (t->err != EBADMSG)
			renew_old();
		r = connect_lied_to(t, flags);
	}
	world_change(&w, policy);
	return r;
}

static void refuse(const struct told *t, u32 flags)
{
	bool number = !strncmp(t->lie, "generation@", 11);
	int r = number ? brief_connect(t, flags) : connect_lied_to(t, flags);
	struct sim_channel *none;

	if (r != -t->err || a->g->refused != (t->at_b ? SIV_OK : t->why) ||
	    b->g->refused != (t->at_b ? t->why : SIV_OK))
		fail_msg("%s: %d; a: %s; b: %s", t->lie, r,
			 siv_reason_name(a->g->refused),
			 siv_reason_name(b->g->refused));
	assert_int_equal(sim_accept(b->g, 0, &none), -ETIMEDOUT);
	assert_true(world_events(&w, "lie") >= 1);
	alone();
}

static void test_lies(void **state)
{
	u32 flags;
	size_t i;

	(void)state;
	begin("test-progs/sivshmemd-dishonest", "data");
	for (flags = 0; flags <= SIV_CH_SEALED; flags++) {
		control(flags);
		for (i = 0; i < ARRAY_SIZE(told); i++)
			refuse(&told[i], flags);
		control(flags);
	}
	world_end(&w);
}

/* The certificate of another service, and a's own. */
static void test_lent_certificates(void **state)
{
	static const struct told other[] = {
		{ "certificate@grant_a", EKEYREJECTED, false, false,
		  SIV_R_CERT_SERVICE },
		{ "service@grant_a", EKEYREJECTED, false, false,
		  SIV_R_CERT_SERVICE },
	};
	static const struct told vm = { "certificate@grant_a", EKEYREJECTED,
					false, false, SIV_R_CERT_VM };
	static const struct told own[] = {
		{ "certificate@grant_a", EKEYREJECTED, false, false,
		  SIV_R_CERT_SELF },
		{ "certificate@incoming", EKEYREJECTED, false, true,
		  SIV_R_CERT_SELF },
	};

	(void)state;
	begin("test-progs/sivshmemd-dishonest", "other");
	refuse(&other[0], 0);
	refuse(&other[1], 0);
	control(0);
	world_end(&w);
	/* of the same service, but of another VM than was named */
	begin("test-progs/sivshmemd-dishonest", "data");
	pin = "b";
	refuse(&vm, 0);
	control(0);
	world_end(&w);
	/* nobody else is there: a is lent its own, b its own */
	begin("test-progs/sivshmemd-dishonest", NULL);
	refuse(&own[0], 0);
	refuse(&own[1], 0);
	control(0);
	world_end(&w);
}

/* The number of a channel that is open: nothing about that one changes. */
static void test_live_number(void **state)
{
	static const struct told live[] = {
		{ "generation@grant_a", ESTALE, false, false,
		  SIV_R_GENERATION },
		{ "generation@incoming", ETIMEDOUT, false, true,
		  SIV_R_GENERATION },
		{ "generation@grant_b", ETIMEDOUT, true, true, SIV_R_STATE },
	};
	size_t i;

	(void)state;
	begin("test-progs/sivshmemd-dishonest", "data");
	for (i = 0; i < ARRAY_SIZE(live); i++) {
		control(0);
		renew_old();
		refuse(&live[i], 0);
		world_talk(&w, old_a, old_b);
	}
	control(0);
	world_end(&w);
}

/* ---------------------------------------------------------------------- FIN */

/* What @other reads when @one has written and closed. */
static int end_of(struct sim_channel *one, struct sim_channel *other)
{
	u8 buf[64];
	int r;

	assert_int_equal(sim_send(one, "last words", 10), 0);
	sim_close(one);
	world_must(&w, other->peer_closed);
	assert_int_equal(sim_recv(other, buf, sizeof(buf)), 10);
	r = (int)sim_recv(other, buf, sizeof(buf));
	if (r)
		assert_int_equal(other->error, SIV_R_NO_FIN);
	sim_close(other);
	return r;
}

/* Of both directions; @err and @why: of sealed streams. */
static void ends(int err, enum siv_reason why)
{
	struct sim_channel *at_a, *at_b;
	struct sim_connect req;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		req = data(i < 2 ? SIV_CH_SEALED : 0);
		a->g->refused = SIV_OK;
		b->g->refused = SIV_OK;
		world_pair(&w, a, b->g, &req, &at_a, &at_b);
		if (i % 2)
			assert_int_equal(end_of(at_b, at_a), i < 2 ? err : 0);
		else
			assert_int_equal(end_of(at_a, at_b), i < 2 ? err : 0);
		assert_int_equal((i % 2 ? a : b)->g->refused,
				 i < 2 ? why : SIV_OK);
		world_talk(&w, old_a, old_b);
	}
}

static void test_fin(void **state)
{
	(void)state;
	begin("test-progs/sivshmemd-dishonest", NULL);
	ends(0, SIV_OK);
	lie("no_fin");
	world_mark(&w);
	ends(-ECONNRESET, SIV_OK);
	/* of whoever closes first, and then of the other end */
	assert_true(world_events(&w, "lie") >= 2);
	lie("other_fin");
	world_mark(&w);
	ends(-ECONNRESET, SIV_R_TAG);
	assert_true(world_events(&w, "lie") >= 2);
	lie("none");
	ends(0, SIV_OK);
	world_end(&w);
}

/* By whoever writes the page: of a sealed stream it says nothing. */
static void test_end_mark(void **state)
{
	struct sim_connect req = data(SIV_CH_SEALED);
	struct sim_channel *at_a, *at_b;
	u8 buf[64];

	(void)state;
	begin("sivshmemd", NULL);
	world_pair(&w, a, b->g, &req, &at_a, &at_b);
	siv_end_set(at_a->tx.own, SIV_END_WR);
	assert_int_equal(sim_recv(at_b, buf, sizeof(buf)), -EAGAIN);
	assert_int_equal(sim_send(at_a, "more", 4), 0);
	assert_int_equal(sim_recv(at_b, buf, sizeof(buf)), 4);
	assert_int_equal(sim_recv(at_b, buf, sizeof(buf)), -EAGAIN);
	/* the end is proved, but a record before it was taken away */
	assert_int_equal(sim_send(at_a, "lost", 4), 0);
	assert_int_equal(sim_shutdown(at_a), 0);
	WRITE_ONCE(at_a->tx.own->prod, at_b->rx.cons);
	world_must(&w, at_b->c.fin_seen);
	assert_int_equal(sim_recv(at_b, buf, sizeof(buf)), -ECONNRESET);
	assert_int_equal(at_b->error, SIV_R_NO_FIN);
	world_talk(&w, old_a, old_b);
	world_end(&w);
}

/* The product knows no such option and no such command. */
static void test_product(void **state)
{
	static const char *const regions[] = { "lab", NULL };
	json_t *answer;

	(void)state;
	world_make(&w, regions, policy);
	assert_int_equal(world_run(&w, "sivshmemd", "--lie", "size"), 2);
	assert_true(world_said(&w, "usage"));
	world_start(&w, "sivshmemd");
	answer = world_ask(&w, json_pack("{s:s, s:s}", "cmd", "lie", "kind",
					 "size"));
	assert_true(json_is_false(json_object_get(answer, "ok")));
	assert_int_equal(json_integer_value(json_object_get(answer, "errno")),
			 EINVAL);
	json_decref(answer);
	world_end(&w);
}

/* ---------------------------------------------------------------------- anchors */

static struct siv_anchors *stranger_anchors(void)
{
	struct siv_anchors *anchors;
	struct test_ca stranger;
	u8 *der = NULL;
	char err[256];
	int n;

	test_ca_make(&stranger, TEST_P256);
	n = i2d_X509(stranger.cert, &der);
	assert_true(n > 0);
	anchors = siv_anchors_from_der((struct siv_span){ der, (size_t)n }, err,
				       sizeof(err));
	assert_non_null(anchors);
	OPENSSL_free(der);
	test_ca_free(&stranger);
	return anchors;
}

/* Without the CA, or with another, a guest says nothing to a host it cannot judge. */
static void no_session(struct sim_guest *g, const struct siv_anchors *anchors)
{
	struct sim_identity *id = world_identity("lab", "c", "lost");
	enum siv_reason why;
	u32 code;

	g->anchors = anchors;
	world_mark(&w);
	assert_null(sim_session_open(g, id, 300, &why, &code));
	assert_int_equal(siv_reason_errno(why), -ENOKEY);
	world_quiet(&w);
	assert_int_equal(world_count(&w, "sessions", "vm", "c"), 0);
	sim_identity_free(id);
}

/* As client: its own check of b's certificate fails, nobody else's does. */
static void refuse_unjudged(struct sim_guest *g)
{
	struct sim_connect req = data(0);
	struct sim_channel *ch;

	g->refused = SIV_OK;
	assert_int_equal(world_connect(&w, c, &req, &ch), -ENOKEY);
	assert_int_equal(g->refused, SIV_R_NO_ANCHOR);
	world_must(&w, !world_region(&w, "limbo"));
}

static void test_no_anchor(void **state)
{
	struct siv_anchors *strangers = stranger_anchors();
	struct sim_guest *g;

	(void)state;
	begin("sivshmemd", NULL);
	g = world_attach(&w, "c", "lab");
	no_session(g, NULL);
	no_session(g, strangers);
	control(0);
	/* it loses its anchors when the session is there: the peer cannot be judged */
	g->anchors = w.anchors;
	c = world_session(g,
			  w.id[w.ids++] = world_identity("lab", "c", "user"));
	g->anchors = NULL;
	refuse_unjudged(g);
	g->anchors = strangers;
	refuse_unjudged(g);
	control(0);
	g->anchors = w.anchors;
	world_end(&w);
	siv_anchors_free(strangers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_lies, teardown),
		cmocka_unit_test_teardown(test_lent_certificates, teardown),
		cmocka_unit_test_teardown(test_live_number, teardown),
		cmocka_unit_test_teardown(test_fin, teardown),
		cmocka_unit_test_teardown(test_end_mark, teardown),
		cmocka_unit_test_teardown(test_product, teardown),
		cmocka_unit_test_teardown(test_no_anchor, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
