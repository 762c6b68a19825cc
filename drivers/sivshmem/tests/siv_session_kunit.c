// SPDX-License-Identifier: GPL-2.0-only
/*
 * A whole session through mailbox.c and the kernel's cryptography, in both suites, with
 * a host that is the core's other role; also when the other VMs of the region wipe and
 * scribble over the mailbox as fast as it is written.
 */
#include <linux/random.h>
#include <linux/slab.h>

#include "../core/session.h"
#include "../crypto.h"
#include "../mailbox.h"
#include "fake_hw.h"
#include "siv_keys_fixture.h"
#include "suites.h"

enum {
	ROUNDS = 40,  /* messages each way */
	LIMIT = 4000, /* steps until all must have arrived */
};

/* One end. */
struct end {
	struct siv_session s;
	struct siv_aead *t[3];
	struct siv_static priv;
	u8 pub[SIV_KEY_LEN];
	struct siv_outbox outbox; /* the host's; the guest's is in its mailbox */
	unsigned int got;	  /* messages that arrived */
	enum siv_reason bad;
	u8 plain[SIV_SLOT_SIZE] __aligned(8);
};

struct fixture {
	struct siv_fake *fake;
	struct siv_mailbox mb;
	struct end guest, host;
	u64 now;
	u8 *box;
	u8 buf[SIV_SLOT_SIZE];
	u8 hello[SIV_SLOT_SIZE];
	struct siv_session_ids ids;
	struct siv_cert cert;
};

static void end_make(struct kunit *test, struct end *e, bool host,
		     const u8 *pkcs8)
{
	enum siv_reason r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(e->t); i++) {
		e->t[i] = siv_aead_alloc(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, e->t[i]);
		KUNIT_ASSERT_EQ(test,
				siv_aead_prepare(e->t[i], SIV_SUITE_AESGCM), 0);
	}
	siv_session_init(&e->s, host, e->t[0], e->t[1], e->t[2]);
	/* RFC 8410: the key is the end of a PKCS#8 */
	memcpy(e->priv.priv, pkcs8 + sizeof(siv_fixture_private) - SIV_KEY_LEN,
	       SIV_KEY_LEN);
	r = siv_x25519_base(e->pub, e->priv.priv);
	KUNIT_ASSERT_EQ(test, r, SIV_OK);
}

static void end_free(struct end *e)
{
	unsigned int i;

	siv_session_wipe(&e->s);
	for (i = 0; i < ARRAY_SIZE(e->t); i++)
		siv_aead_free(e->t[i]);
}

static int session_init(struct kunit *test)
{
	struct fixture *x = kvzalloc(sizeof(*x), GFP_KERNEL);
	struct siv_device *dev;

	KUNIT_ASSERT_NOT_NULL(test, x);
	test->priv = x;
	siv_device_client_set(NULL);
	x->fake = siv_fake_make(test);
	dev = x->fake->dev;
	KUNIT_ASSERT_EQ(test, siv_device_add(dev, false), 0);
	siv_mailbox_init(&x->mb, dev);
	x->box = x->fake->mem + siv_box_offset(&dev->geo, dev->peer);
	x->now = 1000;
	end_make(test, &x->guest, false, siv_fixture_private);
	end_make(test, &x->host, true, siv_fixture_host_private);
	return 0;
}

static void session_exit(struct kunit *test)
{
	struct fixture *x = test->priv;

	end_free(&x->guest);
	end_free(&x->host);
	siv_fake_free(x->fake);
	kvfree(x);
}

static void ids_fill(struct fixture *x, u16 suite)
{
	struct siv_device *dev = x->fake->dev;
	struct siv_span cert = { dev->host_cert, dev->host_cert_len };
	struct siv_session_ids *ids = &x->ids;

	ids->suite = suite;
	ids->peer = dev->peer;
	memcpy(ids->epoch, dev->epoch, sizeof(ids->epoch));
	ids->region = (struct siv_span){ (const u8 *)dev->region, 3 };
	siv_sha256v(ids->host_cert_hash, &cert, 1);
	memcpy(ids->header_hash, dev->header_hash, sizeof(ids->header_hash));
}

static void ephemeral(struct kunit *test, u8 *priv, u8 *pub)
{
	enum siv_reason r;

	get_random_bytes(priv, SIV_KEY_LEN);
	r = siv_x25519_base(pub, priv);
	KUNIT_ASSERT_EQ(test, r, SIV_OK);
}

/* The guest's message 1, into its slot. */
static void guest_hello(struct kunit *test, u16 suite)
{
	struct fixture *x = test->priv;
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];
	struct siv_session_hello in = {
		.own = &x->guest.priv,
		.own_pub = x->guest.pub,
		.host_pub = x->host.pub,
		.cert = { siv_fixture_cert, sizeof(siv_fixture_cert) },
		.attempt = 1,
		.e_priv = priv,
		.e_pub = pub,
	};
	enum siv_reason r;
	size_t len;

	ids_fill(x, suite);
	get_random_bytes(x->box, SIV_NONCE_LEN);
	KUNIT_ASSERT_EQ(test, siv_mailbox_challenge(&x->mb, x->ids.challenge),
			0);
	in.ids = x->ids;
	ephemeral(test, priv, pub);
	r = siv_session_start(&x->guest.s, &in, x->hello, &len);
	KUNIT_ASSERT_EQ(test, r, SIV_OK);
	KUNIT_ASSERT_EQ(test, siv_mailbox_hello(&x->mb, x->hello, len), 0);
}

/* The host's answer, into its slot. */
static void host_answer(struct kunit *test)
{
	struct fixture *x = test->priv;
	const u8 __peer *slot = (const u8 __peer *)x->box + SIV_BOX_HELLO_UP;
	struct siv_payload2 p2 = { 0 };
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];
	struct siv_slot_info info;
	struct siv_payload1 p1;
	struct siv_span span;
	enum siv_reason r;
	size_t len;

	KUNIT_ASSERT_TRUE(test, siv_slot_peek(slot, &info));
	span.p = x->buf;
	span.n = siv_slot_copy(slot, &info, x->buf);
	r = siv_session_heard(&x->host.s, &x->ids, &x->host.priv, x->host.pub,
			      6, span, x->host.plain, &x->cert, &p1);
	KUNIT_ASSERT_EQ(test, r, SIV_OK);
	KUNIT_EXPECT_EQ(test, memcmp(x->cert.pub, x->guest.pub, SIV_KEY_LEN),
			0);
	siv_put_le64(&p2.session_id, 77);
	siv_put_le32(&p2.session_tag, 77);
	siv_put_le32(&p2.liveness_ms, 10000);
	ephemeral(test, priv, pub);
	r = siv_session_answer(&x->host.s, &p2, priv, pub, x->hello, &len);
	KUNIT_ASSERT_EQ(test, r, SIV_OK);
	siv_slot_write(x->box + SIV_BOX_HELLO_DOWN, x->hello, len);
}

static enum siv_reason guest_finish(struct kunit *test)
{
	struct fixture *x = test->priv;
	struct siv_payload2 p2;
	int len = siv_mailbox_answer(&x->mb, x->buf);

	KUNIT_ASSERT_GT(test, len, 0);
	return siv_session_finish(&x->guest.s, (struct siv_span){ x->buf, len },
				  &p2, x->now);
}

static void consume(struct fixture *x, struct end *e, struct siv_span rec)
{
	struct siv_span body;
	enum siv_reason r;
	u16 type;

	r = siv_session_receive(&e->s, rec, e->plain, &type, &body, x->now);
	if (r == SIV_R_TAG || r == SIV_R_NUMBER)
		return; /* scribbled: dropped */
	if (r != SIV_OK) {
		e->bad = r;
		return;
	}
	if (type != SIV_MSG_UNLISTEN && type != SIV_MSG_RESULT)
		return;
	/* each exactly once and in its order */
	if (siv_get_le64(body.p) != e->got++)
		e->bad = SIV_R_NUMBER;
}

static bool guest_wants(void *arg, const struct siv_slot_info *info)
{
	struct fixture *x = arg;

	return siv_session_wants(&x->guest.s, info, x->now);
}

static void guest_takes(void *arg, struct siv_span rec)
{
	struct fixture *x = arg;

	consume(x, &x->guest, rec);
}

static void host_scans(struct fixture *x)
{
	struct siv_slot_info info;
	struct siv_span rec;
	unsigned int i;

	for (i = 0; i < SIV_BOX_SLOTS; i++) {
		const u8 __peer *slot = (const u8 __peer *)x->box + SIV_BOX_UP +
					i * SIV_SLOT_SIZE;

		if (!siv_slot_peek(slot, &info) ||
		    !siv_session_wants(&x->host.s, &info, x->now))
			continue;
		rec.p = x->buf;
		rec.n = siv_slot_copy(slot, &info, x->buf);
		consume(x, &x->host, rec);
	}
}

/* Send message @n if the window has room. */
static void say(struct end *e, u16 type, unsigned int *n, u64 now)
{
	struct siv_span none = { 0 };
	u8 body[16] = { 0 };
	size_t len = type == SIV_MSG_RESULT ? sizeof(struct siv_result) :
					      sizeof(struct siv_unlisten);

	if (*n == ROUNDS)
		return;
	siv_put_le64(body, *n);
	if (siv_session_send(&e->s, type, (struct siv_span){ body, len }, none,
			     now) == SIV_OK)
		++*n;
}

/* What a hostile VM does to slots now and then. */
static void scribble(struct fixture *x)
{
	u8 *slots = x->box + SIV_BOX_UP;
	unsigned int i = get_random_u32() % (2 * SIV_BOX_SLOTS);
	u8 *slot = slots + i * SIV_SLOT_SIZE;

	switch (get_random_u32() % 4) {
	case 0:
		memset(slot, 0, SIV_SLOT_HDR);
		break;
	case 1:
		slot[SIV_SLOT_HDR + get_random_u32() % 64] ^= 1;
		break;
	case 2:
		get_random_bytes(slot, SIV_SLOT_HDR);
		break;
	case 3: /* an older record, or another slot's */
		memcpy(slot,
		       slots + get_random_u32() % SIV_BOX_SLOTS * SIV_SLOT_SIZE,
		       SIV_SLOT_SIZE);
		break;
	}
}

static void talk(struct kunit *test, bool hostile)
{
	struct fixture *x = test->priv;
	unsigned int up = 0, down = 0, i;
	u64 next;

	for (i = 0; i < LIMIT; i++) {
		struct end *g = &x->guest, *h = &x->host;

		x->now += hostile ? 50 : 5;
		say(g, SIV_MSG_UNLISTEN, &up, x->now);
		if (h->s.state == SIV_SESSION_LIVE)
			say(h, SIV_MSG_RESULT, &down, x->now);
		KUNIT_ASSERT_EQ(test,
				siv_mailbox_post(&x->mb, &g->s, x->now, &next),
				0);
		if (hostile)
			scribble(x);
		host_scans(x);
		siv_session_post(&h->s, &h->outbox, x->box + SIV_BOX_DOWN,
				 x->now, &next);
		if (hostile)
			scribble(x);
		KUNIT_ASSERT_GE(test,
				siv_mailbox_scan(&x->mb, guest_wants,
						 guest_takes, x, x->buf),
				0);
		KUNIT_ASSERT_EQ(test, g->bad, SIV_OK);
		KUNIT_ASSERT_EQ(test, h->bad, SIV_OK);
		if (g->got == ROUNDS && h->got == ROUNDS)
			break;
	}
	KUNIT_EXPECT_EQ(test, x->host.got, ROUNDS);
	KUNIT_EXPECT_EQ(test, x->guest.got, ROUNDS);
}

static void handshake(struct kunit *test, u16 suite)
{
	guest_hello(test, suite);
	host_answer(test);
	KUNIT_ASSERT_EQ(test, guest_finish(test), SIV_OK);
}

static void session_chachapoly(struct kunit *test)
{
	handshake(test, SIV_SUITE_CHACHAPOLY);
	talk(test, false);
}

static void session_aesgcm(struct kunit *test)
{
	handshake(test, SIV_SUITE_AESGCM);
	talk(test, false);
}

static void session_under_attack(struct kunit *test)
{
	handshake(test, SIV_SUITE_CHACHAPOLY);
	talk(test, true);
}

/* A forged answer delays the guest, but does not break its handshake. */
static void forged_answer_is_survived(struct kunit *test)
{
	struct fixture *x = test->priv;
	u8 *slot = x->box + SIV_BOX_HELLO_DOWN;
	unsigned int i;

	guest_hello(test, SIV_SUITE_CHACHAPOLY);
	host_answer(test);
	for (i = SIV_SLOT_HDR; i < SIV_SLOT_HDR + SIV_HELLO2_LEN; i += 5) {
		slot[i] ^= 0x20;
		KUNIT_ASSERT_NE(test, guest_finish(test), SIV_OK);
		slot[i] ^= 0x20;
	}
	KUNIT_EXPECT_EQ(test, guest_finish(test), SIV_OK);
}

/* With the gate closed nothing is posted, and nothing is lost. */
static void gate_stops_posting(struct kunit *test)
{
	struct fixture *x = test->priv;
	u64 next;

	handshake(test, SIV_SUITE_CHACHAPOLY);
	siv_device_quiesce(x->fake->dev, SIV_R_DEVICE_GONE);
	KUNIT_EXPECT_EQ(test,
			siv_mailbox_post(&x->mb, &x->guest.s, x->now, &next),
			-ENODEV);
	KUNIT_EXPECT_NULL(test,
			  memchr_inv(x->box + SIV_BOX_UP, 0, SIV_SLOT_SIZE));
	siv_mailbox_drop(&x->mb, 77);
}

static struct kunit_case siv_session_cases[] = {
	KUNIT_CASE(session_chachapoly),	  KUNIT_CASE(session_aesgcm),
	KUNIT_CASE(session_under_attack), KUNIT_CASE(forged_answer_is_survived),
	KUNIT_CASE(gate_stops_posting),	  {},
};

struct kunit_suite siv_session_suite = {
	.name = "siv_session",
	.init = session_init,
	.exit = session_exit,
	.test_cases = siv_session_cases,
};
