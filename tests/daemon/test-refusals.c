// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a connect or listen that is not allowed gets its exact errno and one line in the
 * audit log that says who, what and by which rule; what is allowed works before and after;
 * and who may not connect does not learn whether anybody listens.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "simguest/internal.h"
#include "world.h"

enum {
	K4 = 4096,
	K8 = 8192,
	K16 = 16384,
	K32 = 32768,
	M1 = 1 << 20,
	BRIEF_MS = 1000, /* a handshake's time where its end is waited for */
	SLACK_MS = 1000, /* of a busy machine */
	TRIES = 50,
};

#define POLICY(handshake)                                                              \
	"[region lab]\nsize = 16M\nmode = shared\ngranule = 4K\nsuites = chachapoly\n" \
	"ring_min = 4K\nring_max = 2M\nliveness = 60s\nhandshake = " handshake         \
	"\n"                                                                           \
	"members = a b c k\n"                                                          \
	"[vm a]\nuser = self\nchannels = 5\nbytes = 6M\n"                              \
	"[vm b]\nuser = self\nchannels = 6\n"                                          \
	"[vm c]\nuser = self\n"                                                        \
	"[vm k]\nuser = self\n"                                                        \
	"[service lab/b/open]\nclients = a c/user\n"                                   \
	"[service lab/b/small]\nclients = a\nring_min = 8K\nring_max = 16K\n"          \
	"[service lab/b/seal]\nclients = a\nsealed = required\n"                       \
	"[service lab/b/bare]\nclients = a\nsealed = never\n"                          \
	"[service lab/b/two]\nclients = a\nchannels = 2\n"                             \
	"[service lab/c/open]\nclients = k\n"

static const char policy[] = POLICY("20s");
static const char brief[] = POLICY("1s");

static struct world w;
static struct sim_session *a, *b;

static int setup(void **state)
{
	static const char *const regions[] = { "lab", NULL };

	(void)state;
	world_begin(&w, "sivshmemd", regions, policy);
	a = world_enter(&w, "a", "lab", "user");
	b = world_listen(&w, "b", "lab", "open");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

static struct sim_connect to(const char *service)
{
	return (struct sim_connect){ .service = service,
				     .ring_tx = K8,
				     .ring_rx = K8 };
}

/* What is allowed works. */
static void control(void)
{
	struct sim_connect c = to("open");
	json_int_t taken = world_region(&w, "taken");
	struct sim_channel *at_a, *at_b;

	world_mark(&w);
	world_pair(&w, a, b->g, &c, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
	sim_close(at_a);
	sim_close(at_b);
	world_must(&w, world_region(&w, "taken") == taken &&
			       !world_region(&w, "limbo"));
	world_quiet(&w);
}

static struct sim_session *listen_more(const char *service)
{
	struct sim_identity *id = world_identity("lab", "b", service);
	struct sim_session *ss = world_session(b->g, id);

	w.id[w.ids++] = id;
	assert_int_equal(sim_listen(ss, 16, 0, WORLD_WAIT_MS), 0);
	return ss;
}

static void refused_at(struct sim_session *ss, const struct sim_connect *c,
		       int err, const char *reason, const char *rule,
		       const char *file, int line)
{
	struct said said = { .event = "open_refused",
			     .err = err,
			     .rule = rule,
			     .reason = reason };
	struct sim_channel *ch;
	char who[256];
	int r;

	snprintf(who, sizeof(who), "lab/%.*s/%.*s", (int)ss->id->cert.vm.n,
		 ss->id->cert.vm.p, (int)ss->id->cert.service.n,
		 ss->id->cert.service.p);
	said.who = who;
	world_mark(&w);
	r = world_connect(&w, ss, c, &ch);
	if (r != -err) {
		fprintf(stderr, "%s:%d: %d instead of %d\n", file, line, r,
			-err);
		_fail(file, line);
	}
	world_refused_at(&w, &said, file, line);
}
#define refused(ss, c, err, reason, rule) \
	refused_at(ss, c, err, reason, rule, __FILE__, __LINE__)

/* ---------------------------------------------------------------------- policy */

static void test_policy(void **state)
{
	struct sim_session *k = world_enter(&w, "k", "lab", "user");
	struct sim_session *c = world_enter(&w, "c", "lab", "other");
	struct sim_connect open = to("open"), pinned = to("open");
	struct sim_connect none = to("none");

	(void)state;
	control();
	/* k may connect to c's open, where nobody listens, but not to b's */
	pinned.vm = "b";
	refused(k, &pinned, EPERM, "policy", NULL);
	refused(c, &open, EPERM, "policy", NULL);
	refused(a, &none, EPERM, "policy", NULL);
	refused(b, &open, EPERM, "policy", NULL);
	/* the answer is the same when nobody listens */
	assert_int_equal(sim_unlisten(b, WORLD_WAIT_MS), 0);
	refused(k, &pinned, EPERM, "policy", NULL);
	refused(c, &open, EPERM, "policy", NULL);
	refused(a, &none, EPERM, "policy", NULL);
	assert_int_equal(sim_listen(b, 4, 0, WORLD_WAIT_MS), 0);
	control();
	world_end(&w);
}

static void test_pin(void **state)
{
	struct sim_connect c = to("open");
	struct sim_channel *at_a, *at_b;

	(void)state;
	c.vm = "nowhere";
	refused(a, &c, EPERM, "policy", NULL);
	c.vm = "c"; /* has such a service, but not for us */
	refused(a, &c, EPERM, "policy", NULL);
	c.vm = "k";
	refused(a, &c, EPERM, "policy", NULL);
	c.vm = "b";
	world_pair(&w, a, b->g, &c, &at_a, &at_b);
	world_end(&w);
}

static void test_no_listener(void **state)
{
	struct sim_connect open = to("open"), seal = to("seal");

	(void)state;
	control();
	seal.flags = SIV_CH_SEALED;
	refused(a, &seal, ECONNREFUSED, "no_listener", "service lab/b/seal");
	assert_int_equal(sim_unlisten(b, WORLD_WAIT_MS), 0);
	refused(a, &open, ECONNREFUSED, "no_listener", "service lab/b/open");
	assert_int_equal(sim_listen(b, 4, 0, WORLD_WAIT_MS), 0);
	control();
	world_leave(&w, b->g, false);
	world_must(&w, world_count(&w, "sessions", "vm", "b") == 0);
	refused(a, &open, ECONNREFUSED, "no_listener", "service lab/b/open");
	world_end(&w);
}

static void test_second_listener(void **state)
{
	struct sim_session *other = world_enter(&w, "c", "lab", "user");

	(void)state;
	world_mark(&w);
	assert_int_equal(sim_listen(b, 4, 0, WORLD_WAIT_MS), -EADDRINUSE);
	world_refused(&w, "listen_refused", EADDRINUSE, "lab/b/open", NULL,
		      "listening");
	world_mark(&w);
	assert_int_equal(sim_listen(other, 4, 0, WORLD_WAIT_MS), -EPERM);
	world_refused(&w, "listen_refused", EPERM, "lab/c/user", NULL,
		      "policy");
	control();
	world_end(&w);
}

/* ---------------------------------------------------------------- sizes, sealing */

static void test_sizes(void **state)
{
	static const struct {
		u64 tx;
		u64 rx;
	} bad[] = {
		{ K4, K8 },  { K8, K4 },	 { K32, K8 },
		{ K8, K32 }, { 4 * M1, 4 * M1 },
	};
	struct sim_connect c = to("small"), region = to("open");
	struct sim_channel *ch;
	size_t i;

	(void)state;
	listen_more("small");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		c.ring_tx = bad[i].tx;
		c.ring_rx = bad[i].rx;
		refused(a, &c, EINVAL, "size", "service lab/b/small");
	}
	region.ring_tx = 4 * M1; /* above the region's own */
	refused(a, &region, EINVAL, "size", "service lab/b/open");
	c.ring_tx = 12288; /* no power of two is refused before it is sent */
	assert_int_equal(world_connect(&w, a, &c, &ch), -EINVAL);
	c = to("small");
	assert_int_equal(world_connect(&w, a, &c, &ch), 0);
	c.ring_tx = K16;
	assert_int_equal(world_connect(&w, a, &c, &ch), 0);
	control();
	world_end(&w);
}

/* LISTEN may be stricter than the policy. */
static void listen_strict(struct sim_session *ss, u32 flags, u64 ring_max,
			  u32 backlog)
{
	struct siv_listen m = { 0 };

	assert_int_equal(sim_unlisten(ss, WORLD_WAIT_MS), 0);
	siv_put_le64(&m.request, ++ss->request);
	siv_put_le32(&m.flags, flags);
	siv_put_le32(&m.backlog, backlog);
	siv_put_le64(&m.ring_max, ring_max);
	ss->listening = true;
	ss->listen_request = ss->request;
	assert_int_equal(sim_say(ss, SIV_MSG_LISTEN, &m, sizeof(m)), SIV_OK);
	world_must(&w, ss->result_request == ss->request);
	assert_int_equal(ss->result_code, 0);
}

static void test_sealing(void **state)
{
	struct sim_connect seal = to("seal"), bare = to("bare");
	struct sim_connect open = to("open");
	struct sim_channel *ch;

	(void)state;
	listen_more("seal");
	listen_more("bare");
	refused(a, &seal, EPERM, "not_sealed", "service lab/b/seal");
	seal.flags = SIV_CH_SEALED;
	assert_int_equal(world_connect(&w, a, &seal, &ch), 0);
	bare.flags = SIV_CH_SEALED;
	refused(a, &bare, EPERM, "policy", "service lab/b/bare");
	bare.flags = 0;
	assert_int_equal(world_connect(&w, a, &bare, &ch), 0);
	/* the listener's word, kept by the host */
	listen_strict(b, SIV_CH_SEALED, 0, 4);
	refused(a, &open, EPERM, "not_sealed", "service lab/b/open");
	open.flags = SIV_CH_SEALED;
	assert_int_equal(world_connect(&w, a, &open, &ch), 0);
	/* and its own check, should the host not keep it */
	listen_strict(b, 0, 0, 4);
	b->g->sealed_only = SIV_CH_SEALED;
	open.flags = 0;
	world_mark(&w);
	assert_int_equal(world_connect(&w, a, &open, &ch), -EPERM);
	assert_int_equal(b->g->refused, SIV_R_NOT_SEALED);
	world_refused(&w, "connect_failed", EPERM, "lab/a/user", NULL, NULL);
	world_end(&w);
}

static void test_listener_limits(void **state)
{
	struct sim_connect c = to("open");
	struct sim_channel *ch[2];

	(void)state;
	listen_strict(b, 0, K8, 1);
	c.ring_rx = K16;
	refused(a, &c, EINVAL, "size", "service lab/b/open");
	c.ring_rx = K8;
	/* one connect waits for a listener that does not answer: the next is too many */
	world_mark(&w);
	assert_int_equal(sim_open(a, &c, &ch[0]), 0);
	assert_int_equal(sim_open(a, &c, &ch[1]), 0);
	while (sim_opened(ch[1]) == -EAGAIN)
		(void)sim_guest_step(a->g, 1);
	assert_int_equal(sim_opened(ch[1]), -ECONNREFUSED);
	world_refused(&w, "open_refused", ECONNREFUSED, "lab/a/user",
		      "service lab/b/open", "backlog");
	world_must(&w, !sim_opened(ch[0]));
	control();
	world_end(&w);
}

/* ---------------------------------------------------------------------- quotas */

static void test_channels_of_a_vm(void **state)
{
	struct sim_connect c = to("open");
	struct sim_channel *at_a, *at_b, *ch;
	struct sim_session *other;
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		world_pair(&w, a, b->g, &c, &at_a, &at_b);
	refused(a, &c, EDQUOT, "quota", "service lab/b/open");
	/* b has room for one more of somebody else's */
	other = world_enter(&w, "c", "lab", "user");
	assert_int_equal(world_connect(&w, other, &c, &ch), 0);
	refused(other, &c, EDQUOT, "quota", "service lab/b/open");
	/* one that goes makes room, when both ends have let go */
	sim_close(at_a);
	world_must(&w, at_b->peer_closed);
	refused(other, &c, EDQUOT, "quota", "service lab/b/open");
	sim_close(at_b);
	world_must(&w, world_region(&w, "limbo") == 0);
	world_pair(&w, a, b->g, &c, &at_a, &at_b);
	world_end(&w);
}

static void test_channels_of_a_service(void **state)
{
	struct sim_connect two = to("two"), c = to("open");
	struct sim_channel *ch;

	(void)state;
	listen_more("two");
	assert_int_equal(world_connect(&w, a, &two, &ch), 0);
	assert_int_equal(world_connect(&w, a, &two, &ch), 0);
	refused(a, &two, EDQUOT, "quota", "service lab/b/two");
	assert_int_equal(world_connect(&w, a, &c, &ch), 0);
	world_end(&w);
}

static void test_bytes(void **state)
{
	struct sim_connect big = to("open");
	struct sim_channel *ch, *first;

	(void)state;
	big.ring_tx = 2 * M1;
	big.ring_rx = 2 * M1;
	assert_int_equal(world_connect(&w, a, &big, &first), 0);
	refused(a, &big, EDQUOT, "quota", "service lab/b/open");
	/* who has no such quota meets the region's end */
	a = world_enter(&w, "c", "lab", "user");
	assert_int_equal(world_connect(&w, a, &big, &ch), 0);
	world_mark(&w);
	assert_int_equal(world_connect(&w, a, &big, &ch), -ENOSPC);
	world_refused(&w, "connect_failed", ENOSPC, "lab/c/user", NULL, NULL);
	big = to("open");
	assert_int_equal(world_connect(&w, a, &big, &ch), 0);
	world_end(&w);
}

/* ------------------------------------------------------------ what A itself says */

/* OPEN with a field of its own; the channel hears of its end as any other. */
static struct sim_channel *open_raw(const struct siv_open *like, u16 suite,
				    u32 flags, const u8 e_a[SIV_KEY_LEN])
{
	struct sim_channel *ch = sim_channel_new(a);
	struct siv_open m = *like;

	ch->request = ++a->request;
	ch->c.a = true;
	ch->c.state = SIV_CONNECT_OPENED;
	siv_put_le64(&m.request, ch->request);
	siv_put_le16(&m.suite, suite);
	siv_put_le32(&m.flags, flags);
	memcpy(m.e_a, e_a, SIV_KEY_LEN);
	siv_put_le64(&m.ring_ab, K8);
	siv_put_le64(&m.ring_ba, K8);
	siv_name_put(m.service, (struct siv_span){ (const u8 *)"open", 4 });
	assert_int_equal(sim_say(a, SIV_MSG_OPEN, &m, sizeof(m)), SIV_OK);
	return ch;
}

static void raw_refused(u16 suite, u32 flags, const u8 *e_a, int err,
			const char *event, const char *reason)
{
	const struct siv_open m = { 0 };
	struct sim_channel *ch;

	world_mark(&w);
	ch = open_raw(&m, suite, flags, e_a);
	world_must(&w, sim_opened(ch) != -EAGAIN);
	assert_int_equal(sim_opened(ch), -err);
	world_refused(&w, event, err, "lab/a/user", NULL, reason);
	sim_channel_free(ch);
}

static void test_keys(void **state)
{
	/* p itself, p + 1, bit 255 set; canonical but of order one */
	u8 p[SIV_KEY_LEN], above[SIV_KEY_LEN], bit[SIV_KEY_LEN] = { 9 };
	u8 zero[SIV_KEY_LEN] = { 0 };

	(void)state;
	memset(p, 0xff, sizeof(p));
	p[0] = 0xed;
	p[31] = 0x7f;
	memcpy(above, p, sizeof(p));
	above[0]++;
	bit[31] = 0x80;
	raw_refused(SIV_SUITE_CHACHAPOLY, 0, p, EBADMSG, "open_refused",
		    "pub_not_canonical");
	raw_refused(SIV_SUITE_CHACHAPOLY, 0, above, EBADMSG, "open_refused",
		    "pub_not_canonical");
	raw_refused(SIV_SUITE_CHACHAPOLY, 0, bit, EBADMSG, "open_refused",
		    "pub_not_canonical");
	/* b does the arithmetic */
	raw_refused(SIV_SUITE_CHACHAPOLY, 0, zero, EBADMSG, "connect_failed",
		    NULL);
	assert_int_equal(b->g->refused, SIV_R_DH_ZERO);
	control();
	world_end(&w);
}

static void test_suite_and_flags(void **state)
{
	const u8 e_a[SIV_KEY_LEN] = { 9 };

	(void)state;
	raw_refused(SIV_SUITE_AESGCM, 0, e_a, EPROTONOSUPPORT, "open_refused",
		    "suite");
	raw_refused(0, 0, e_a, EPROTONOSUPPORT, "open_refused", "suite");
	raw_refused(0x11, 0, e_a, EPROTONOSUPPORT, "open_refused", "suite");
	raw_refused(SIV_SUITE_CHACHAPOLY, SIV_CH_STATIC, e_a, EOPNOTSUPP,
		    "open_refused", "unsupported");
	control();
	world_end(&w);
}

/* ---------------------------------------------------------------------- silence */

static void test_no_answer(void **state)
{
	struct sim_connect c = to("open");
	struct sim_channel *ch;
	u64 t0, last, ran = 0;

	(void)state;
	world_change(&w, brief);
	world_mark(&w);
	t0 = sim_now_ms();
	last = t0;
	assert_int_equal(sim_open(a, &c, &ch), 0);
	while (sim_opened(ch) == -EAGAIN && ran <= BRIEF_MS + SLACK_MS) {
		(void)sim_guest_step(a->g, 1);
		ran += world_ran(&last);
	}
	assert_int_equal(sim_opened(ch), -ETIMEDOUT);
	assert_in_range(sim_now_ms() - t0, BRIEF_MS, ~0u);
	assert_in_range(ran, 0, BRIEF_MS + SLACK_MS);
	world_refused(&w, "connect_failed", ETIMEDOUT, "lab/a/user", NULL,
		      NULL);
	sim_channel_free(ch);
	/* b wakes up, answers, is told that it is over, and nothing is left */
	world_must(&w, world_region(&w, "limbo") == 0 &&
			       world_region(&w, "taken") == 0);
	assert_int_equal(sim_accept(b->g, 0, &ch), -ETIMEDOUT);
	world_change(&w, policy);
	control();
	world_end(&w);
}

/* Until the host has granted memory; NULL if the steps before it had their time-out. */
static struct sim_channel *open_until_granted(const struct sim_connect *c)
{
	const struct said over = { .event = "connect_failed" };
	struct sim_channel *ch;

	world_mark(&w);
	assert_int_equal(sim_open(a, c, &ch), 0);
	do {
		(void)sim_guest_step(b->g, 5);
		if (world_count(&w, "channels", "state", "granted"))
			return ch;
	} while (!world_audit(&w, &over));
	/* also if it was granted since we looked: what is to be said is not known */
	world_must(&w, sim_opened(ch) != -EAGAIN);
	sim_channel_free(ch);
	world_must(&w, world_region(&w, "limbo") == 0);
	return NULL;
}

/* A was granted its memory and does not go on: it is taken back when A has let go. */
static void test_no_confirm(void **state)
{
	const struct said over = { .event = "connect_failed" };
	struct sim_connect c = to("open");
	struct sim_channel *ch = NULL;
	u64 last, ran = 0;
	unsigned int i;

	(void)state;
	control();
	world_change(&w, brief);
	for (i = 0; i < TRIES && !ch; i++)
		ch = open_until_granted(&c);
	assert_non_null(ch);
	last = sim_now_ms();
	while (!world_audit(&w, &over) && ran <= BRIEF_MS + SLACK_MS) {
		(void)sim_guest_step(b->g, 5);
		ran += world_ran(&last);
	}
	world_refused(&w, "connect_failed", ETIMEDOUT, "lab/a/user", NULL,
		      NULL);
	assert_int_equal(world_region(&w, "limbo"), 2 * K8);
	world_must(&w, sim_opened(ch) != -EAGAIN && sim_opened(ch) != 0);
	world_must(&w, world_region(&w, "limbo") == 0);
	assert_int_equal(sim_accept(b->g, 0, &ch), -ETIMEDOUT);
	world_change(&w, policy);
	control();
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_policy),
		CASE(test_pin),
		CASE(test_no_listener),
		CASE(test_second_listener),
		CASE(test_sizes),
		CASE(test_sealing),
		CASE(test_listener_limits),
		CASE(test_channels_of_a_vm),
		CASE(test_channels_of_a_service),
		CASE(test_bytes),
		CASE(test_keys),
		CASE(test_suite_and_flags),
		CASE(test_no_answer),
		CASE(test_no_confirm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
