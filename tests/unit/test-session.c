// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a session exists only between the holder of the certified key and the host,
 * about exactly this region, epoch and challenge; whatever else is offered is refused,
 * changes nothing, and leaves no secret behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/kdf.h"
#include "seallog.h"
#include "dialog.h"

static const u16 suites[] = { SIV_SUITE_CHACHAPOLY, SIV_SUITE_AESGCM };

/* A key that is somebody else's: what a thief of the host's key can compute. */
static const struct siv_static *thief;
static struct siv_static *stolen;
static u8 victim_pub[SIV_KEY_LEN];
static unsigned int static_dhs;

enum siv_reason __real_siv_x25519_static(u8 out[SIV_KEY_LEN],
					 const struct siv_static *s,
					 const u8 pub[SIV_KEY_LEN]);
enum siv_reason __wrap_siv_x25519_static(u8 out[SIV_KEY_LEN],
					 const struct siv_static *s,
					 const u8 pub[SIV_KEY_LEN]);

enum siv_reason __wrap_siv_x25519_static(u8 out[SIV_KEY_LEN],
					 const struct siv_static *s,
					 const u8 pub[SIV_KEY_LEN])
{
	static_dhs++;
	/* ss = DH(a, h) = DH(h, a): the thief needs no key of a's */
	if (thief && s == thief)
		return __real_siv_x25519_static(out, stolen, victim_pub);
	return __real_siv_x25519_static(out, s, pub);
}

/* ------------------------------------------------------------------- good */

static void test_both_suites(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		struct siv_span none = { NULL, 0 };
		struct siv_unlisten m;
		struct siv_span body = { (const u8 *)&m, sizeof(m) };
		struct dialog t;
		u16 type;

		seallog_reset();
		dialog_init(&t, "alice", suites[i]);
		dialog_live(&t, 5);
		assert_int_equal(t.g->state, SIV_SESSION_LIVE);
		assert_memory_equal(t.g->hh, t.h->hh, SIV_HASH_LEN);
		assert_memory_equal(t.g->tx.k, t.h->rx.k, SIV_KEY_LEN);
		assert_memory_equal(t.g->rx.k, t.h->tx.k, SIV_KEY_LEN);
		assert_memory_not_equal(t.g->tx.k, t.g->rx.k, SIV_KEY_LEN);
		assert_memory_equal(t.h->peer_static, t.guest.pub, SIV_KEY_LEN);
		assert_memory_equal(t.g->peer_static, t.host.pub, SIV_KEY_LEN);
		assert_memory_equal(t.cert.hash, t.guest.cert.hash,
				    SIV_HASH_LEN);
		assert_memory_equal(t.p1.boot_nonce, t.boot_nonce,
				    SIV_NONCE_LEN);
		assert_memory_equal(&t.p2, &t.say, sizeof(t.p2));
		assert_int_equal(t.g->id, 0x0000000500000007u);
		assert_int_equal(t.g->tag, 7);
		assert_int_equal(t.h->tag, 7);
		assert_int_equal(t.g->beat_ms, 3333);
		assert_int_equal(t.h->suite, suites[i]);
		/* both ways */
		siv_put_le64(&m.request, 77);
		assert_int_equal(siv_session_send(t.g, SIV_MSG_UNLISTEN, body,
						  none, 6),
				 SIV_OK);
		assert_int_equal(dialog_pass(t.g, t.h, &type, 6), SIV_OK);
		assert_int_equal(type, SIV_MSG_UNLISTEN);
		/* not for this role, either way */
		assert_int_equal(siv_session_send(t.h, SIV_MSG_UNLISTEN, body,
						  none, 6),
				 SIV_R_STATE);
		assert_int_equal(siv_session_send(t.g, SIV_MSG_READY, none,
						  none, 6),
				 SIV_R_STATE);
		assert_int_equal(seallog_repeats(), 0);
		assert_true(seallog_count() > 4);
		dialog_free(&t);
	}
}

/* The prologue is what protocol.rst's table says, byte for byte. */
static void test_prologue_bytes(void **state)
{
	struct siv_session_ids ids = { .suite = 0x0102, .peer = 0x03040506 };
	u8 want[SIV_SESSION_PROLOGUE_LEN], got[SIV_SESSION_PROLOGUE_LEN];
	static const u8 region_hash[32] = {
		/* SHA-256 of "abc", FIPS 180-2 */
		0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
		0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
		0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
		0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
	};

	(void)state;
	ids.region = pki_span("abc");
	memset(ids.epoch, 0xe0, sizeof(ids.epoch));
	memset(ids.host_cert_hash, 0xce, sizeof(ids.host_cert_hash));
	memset(ids.header_hash, 0xea, sizeof(ids.header_hash));
	memset(ids.challenge, 0xca, sizeof(ids.challenge));
	memcpy(want, "sivshmem/session\x01\x00\x02\x01\x06\x05\x04\x03", 24);
	memset(want + 24, 0xe0, 16);
	memcpy(want + 40, region_hash, 32);
	memset(want + 72, 0xce, 32);
	memset(want + 104, 0xea, 32);
	memset(want + 136, 0xca, 16);
	siv_session_prologue(got, &ids);
	assert_memory_equal(got, want, sizeof(want));
}

/* ------------------------------------------------------------ the prologue */

/* Message 1 of @t to a responder with another prologue must not open. */
static void test_prologue_byte(void **state)
{
	u8 prologue[SIV_SESSION_PROLOGUE_LEN], m[256], payload[256];
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];
	struct siv_noise_setup setup = { .pattern = SIV_NOISE_IK };
	struct siv_noise i, r;
	struct dialog t;
	size_t at, n, got;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	siv_session_prologue(prologue, &t.ids);
	pki_ephemeral(priv, pub, "guest", 1);
	setup.suite = SIV_SUITE_CHACHAPOLY;
	setup.initiator = true;
	setup.prologue = (struct siv_span){ prologue, sizeof(prologue) };
	setup.s = t.guest.key;
	setup.s_pub = t.guest.pub;
	setup.rs = t.host.pub;
	assert_int_equal(siv_noise_init(&i, &setup), SIV_OK);
	siv_noise_set_ephemeral(&i, priv, pub);
	assert_int_equal(siv_noise_write(&i, t.t[0], pki_span("x"), m,
					 sizeof(m), &n),
			 SIV_OK);
	setup.initiator = false;
	setup.s = t.host.key;
	setup.s_pub = t.host.pub;
	setup.rs = NULL;
	for (at = 0; at <= sizeof(prologue); at++) {
		if (at < sizeof(prologue))
			prologue[at] ^= (u8)(1u << at % 8);
		assert_int_equal(siv_noise_init(&r, &setup), SIV_OK);
		assert_int_equal(siv_noise_read(&r, t.t[3],
						(struct siv_span){ m, n },
						payload, &got),
				 at < sizeof(prologue) ? SIV_R_TAG : SIV_OK);
		if (at < sizeof(prologue))
			prologue[at] ^= (u8)(1u << at % 8);
	}
	dialog_free(&t);
}

/* Every byte of what the host believes, changed: refused, and nothing is kept. */
static void ids_byte(struct dialog *t, u8 *field, size_t n,
		     enum siv_reason want)
{
	struct siv_session *before = malloc(sizeof(*before));
	size_t i;

	assert_non_null(before);
	memcpy(before, t->h, sizeof(*before));
	for (i = 0; i < n; i++) {
		unsigned int dhs = static_dhs;

		field[i] ^= 0x40;
		assert_int_equal(dialog_hear(t), want);
		field[i] ^= 0x40;
		assert_memory_equal(before, t->h, sizeof(*before));
		/* a wrong challenge costs no Diffie-Hellman */
		if (want == SIV_R_CHALLENGE)
			assert_int_equal(static_dhs, dhs);
	}
	free(before);
}

static void test_ids(void **state)
{
	char region[] = PKI_REGION;
	struct dialog t;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	assert_int_equal(dialog_start(&t), SIV_OK);
	t.ids.region = pki_span(region);
	ids_byte(&t, (u8 *)&t.ids.peer, sizeof(t.ids.peer), SIV_R_TAG);
	ids_byte(&t, t.ids.epoch, sizeof(t.ids.epoch), SIV_R_TAG);
	ids_byte(&t, (u8 *)region, strlen(region), SIV_R_TAG);
	ids_byte(&t, t.ids.host_cert_hash, SIV_HASH_LEN, SIV_R_TAG);
	ids_byte(&t, t.ids.header_hash, SIV_HASH_LEN, SIV_R_TAG);
	ids_byte(&t, t.ids.challenge, SIV_NONCE_LEN, SIV_R_CHALLENGE);
	t.ids.region.n--;
	assert_int_equal(dialog_hear(&t), SIV_R_TAG);
	t.ids.region.n++;
	/* and as it is, it opens */
	assert_int_equal(dialog_hear(&t), SIV_OK);
	dialog_free(&t);
}

/* --------------------------------------------------------------- mutations */

/* Every bit of message 1, header and echo included. */
static void test_bits1(void **state)
{
	struct siv_session *before = malloc(sizeof(*before));
	struct dialog t;
	size_t bit, refused = 0;

	(void)state;
	assert_non_null(before);
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	assert_int_equal(dialog_start(&t), SIV_OK);
	memcpy(before, t.h, sizeof(*before));
	for (bit = 0; bit < t.m1_len * 8; bit++) {
		t.m1[bit / 8] ^= (u8)(1u << bit % 8);
		if (dialog_hear(&t))
			refused++;
		else
			fail_msg("bit %zu of message 1 is not covered", bit);
		t.m1[bit / 8] ^= (u8)(1u << bit % 8);
		/* nothing of the attempt stays: the object is as it was */
		assert_memory_equal(before, t.h, sizeof(*before));
	}
	assert_int_equal(refused, t.m1_len * 8);
	assert_int_equal(dialog_hear(&t), SIV_OK);
	free(before);
	dialog_free(&t);
}

static void test_bits2(void **state)
{
	struct siv_session *before = malloc(sizeof(*before));
	struct dialog t;
	size_t bit, i;

	(void)state;
	assert_non_null(before);
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		dialog_init(&t, "alice", suites[i]);
		assert_int_equal(dialog_start(&t), SIV_OK);
		assert_int_equal(dialog_hear(&t), SIV_OK);
		assert_int_equal(dialog_answer(&t), SIV_OK);
		memcpy(before, t.g, sizeof(*before));
		for (bit = 0; bit < t.m2_len * 8; bit++) {
			t.m2[bit / 8] ^= (u8)(1u << bit % 8);
			if (!dialog_finish(&t, 1))
				fail_msg("bit %zu of message 2 is not covered",
					 bit);
			t.m2[bit / 8] ^= (u8)(1u << bit % 8);
			assert_memory_equal(before, t.g, sizeof(*before));
		}
		assert_int_equal(dialog_finish(&t, 1), SIV_OK);
		dialog_free(&t);
	}
	free(before);
}

/* Shorter and longer, with the header's length left and made to fit. */
static void test_lengths(void **state)
{
	struct dialog t;
	u8 m[SIV_SLOT_SIZE + 64];
	size_t n;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	assert_int_equal(dialog_start(&t), SIV_OK);
	for (n = 0; n < t.m1_len + 65; n++) {
		if (n == t.m1_len)
			continue;
		memset(m, 0, sizeof(m));
		memcpy(m, t.m1, n < t.m1_len ? n : t.m1_len);
		assert_int_equal(dialog_hear_bytes(&t, m, n), SIV_R_LENGTH);
		if (n < SIV_SLOT_HDR)
			continue;
		siv_put_le32(m, (u32)(n - SIV_SLOT_HDR));
		assert_int_not_equal(dialog_hear_bytes(&t, m, n), SIV_OK);
	}
	assert_int_equal(dialog_hear_bytes(&t, m, sizeof(m)), SIV_R_LENGTH);
	assert_int_equal(dialog_hear(&t), SIV_OK);
	assert_int_equal(dialog_answer(&t), SIV_OK);
	for (n = 0; n < t.m2_len + 65; n++) {
		if (n == t.m2_len)
			continue;
		memset(m, 0, sizeof(m));
		memcpy(m, t.m2, n < t.m2_len ? n : t.m2_len);
		assert_int_equal(dialog_finish_bytes(&t, m, n, 1),
				 SIV_R_LENGTH);
		if (n < SIV_SLOT_HDR)
			continue;
		siv_put_le32(m, (u32)(n - SIV_SLOT_HDR));
		assert_int_equal(dialog_finish_bytes(&t, m, n, 1),
				 SIV_R_LENGTH);
	}
	assert_int_equal(dialog_finish(&t, 1), SIV_OK);
	dialog_free(&t);
}

/* ----------------------------------------------------------------- replays */

static void test_replay1(void **state)
{
	u8 old[SIV_SLOT_SIZE];
	struct siv_session *victim;
	struct dialog t;
	unsigned int dhs;
	size_t old_len;
	u16 type;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	dialog_live(&t, 1);
	memcpy(old, t.m1, sizeof(old));
	old_len = t.m1_len;
	/* message 1 authenticated, so the challenge is another: dropped unread */
	victim = t.h;
	t.h = malloc(sizeof(*t.h));
	assert_non_null(t.h);
	siv_session_init(t.h, true, t.t[3], siv_aead_alloc(), siv_aead_alloc());
	t.ids.challenge[0] ^= 1;
	dhs = static_dhs;
	assert_int_equal(dialog_hear_bytes(&t, old, old_len), SIV_R_CHALLENGE);
	assert_int_equal(static_dhs, dhs);
	/* with the echo made to fit, the transcript still holds the old one */
	memcpy(old + SIV_SLOT_HDR, t.ids.challenge, SIV_NONCE_LEN);
	assert_int_equal(dialog_hear_bytes(&t, old, old_len), SIV_R_TAG);
	/* even against a host that forgot to renew it: no READY without e */
	t.ids.challenge[0] ^= 1;
	memcpy(old + SIV_SLOT_HDR, t.ids.challenge, SIV_NONCE_LEN);
	assert_int_equal(dialog_hear_bytes(&t, old, old_len), SIV_OK);
	assert_int_equal(dialog_answer(&t), SIV_OK);
	assert_int_equal(t.h->state, SIV_SESSION_PENDING);
	/* the recorded READY of the first run, same tag and number */
	assert_int_equal(dialog_pass(t.g, t.h, &type, 2), SIV_R_TAG);
	assert_int_equal(t.h->state, SIV_SESSION_PENDING);
	/* and the first session did not notice */
	assert_int_equal(victim->state, SIV_SESSION_LIVE);
	siv_aead_free(t.h->tx_t);
	siv_aead_free(t.h->rx_t);
	free(t.h);
	t.h = victim;
	dialog_free(&t);
}

static void test_replay2(void **state)
{
	u8 old[SIV_SLOT_SIZE];
	struct dialog t;
	size_t n;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	dialog_live(&t, 1);
	memcpy(old, t.m2, sizeof(old));
	n = t.m2_len;
	/* a new boot begins again with attempt 1 */
	dialog_reset(&t);
	t.attempt = 0;
	pki_bytes(t.boot_nonce, sizeof(t.boot_nonce), "boot", 2);
	assert_int_equal(dialog_start(&t), SIV_OK);
	/* another attempt of the same boot has another ephemeral */
	assert_int_equal(dialog_start(&t), SIV_OK);
	assert_int_equal(dialog_finish_bytes(&t, old, n, 1), SIV_R_NUMBER);
	siv_put_le64(old + 8, t.attempt);
	assert_int_equal(dialog_finish_bytes(&t, old, n, 1), SIV_R_TAG);
	assert_int_equal(t.g->state, SIV_SESSION_SENT);
	/* the true host still gets through */
	assert_int_equal(dialog_hear(&t), SIV_OK);
	assert_int_equal(dialog_answer(&t), SIV_OK);
	assert_int_equal(dialog_finish(&t, 1), SIV_OK);
	dialog_free(&t);
}

/* ------------------------------------------------- swaps, mirrors, thieves */

static void test_reflection(void **state)
{
	u8 m[SIV_SLOT_SIZE];
	struct dialog t;
	u16 type;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	assert_int_equal(dialog_start(&t), SIV_OK);
	/* own message 1 back, and cut to the length of message 2 */
	assert_int_equal(dialog_finish_bytes(&t, t.m1, t.m1_len, 1),
			 SIV_R_LENGTH);
	memcpy(m, t.m1, SIV_SLOT_HDR);
	siv_put_le32(m, SIV_HELLO2_LEN);
	memcpy(m + SIV_SLOT_HDR, t.m1 + SIV_SLOT_HDR + SIV_NONCE_LEN,
	       SIV_HELLO2_LEN);
	/* it begins with our own ephemeral: refused before any Diffie-Hellman */
	assert_int_equal(dialog_finish_bytes(&t, m,
					     SIV_SLOT_HDR + SIV_HELLO2_LEN, 1),
			 SIV_R_PUB_NOT_CANONICAL);
	assert_int_equal(dialog_hear(&t), SIV_OK);
	assert_int_equal(dialog_answer(&t), SIV_OK);
	assert_int_equal(dialog_finish(&t, 1), SIV_OK);
	/* own record back: another key, the tag is wrong */
	assert_int_equal(dialog_pass(t.g, t.g, &type, 1), SIV_R_TAG);
	assert_int_equal(t.g->dropped, 1);
	assert_int_equal(t.g->state, SIV_SESSION_LIVE);
	dialog_free(&t);
}

static void test_swaps(void **state)
{
	struct dialog a, b;
	u8 m[SIV_SLOT_SIZE];
	size_t at = SIV_SLOT_HDR + SIV_NONCE_LEN;

	(void)state;
	dialog_init(&a, "alice", SIV_SUITE_CHACHAPOLY);
	dialog_init(&b, "bob", SIV_SUITE_CHACHAPOLY);
	/* one host, two guests */
	b.ids = a.ids;
	pki_party_free(&b.host);
	pki_party(&b.host, "alice host", PKI_REGION, NULL, NULL);
	memcpy(b.ids.host_cert_hash, b.host.cert.hash, SIV_HASH_LEN);
	memcpy(a.ids.host_cert_hash, b.host.cert.hash, SIV_HASH_LEN);
	assert_int_equal(dialog_start(&a), SIV_OK);
	b.attempt = 10; /* the seed of another ephemeral */
	assert_int_equal(dialog_start(&b), SIV_OK);
	/* e of one, the rest of the other */
	memcpy(m, a.m1, a.m1_len);
	memcpy(m + at, b.m1 + at, 32);
	assert_int_equal(dialog_hear_bytes(&a, m, a.m1_len), SIV_R_TAG);
	/* e and s of one, payload of the other */
	memcpy(m, a.m1, a.m1_len);
	memcpy(m + at, b.m1 + at, 80);
	assert_int_equal(dialog_hear_bytes(&a, m, a.m1_len), SIV_R_TAG);
	/* b's certificate under a's key: opens, and is refused */
	memcpy(a.guest.der, b.guest.der, sizeof(a.guest.der));
	a.guest.der_len = b.guest.der_len;
	assert_int_equal(dialog_start(&a), SIV_OK);
	assert_int_equal(dialog_hear(&a), SIV_R_KEY_MISMATCH);
	assert_int_equal(a.h->state, SIV_SESSION_IDLE);
	/* the host's certificate under a's key */
	memcpy(a.guest.der, a.host.der, sizeof(a.guest.der));
	a.guest.der_len = a.host.der_len;
	assert_int_equal(dialog_start(&a), SIV_OK);
	assert_int_equal(dialog_hear(&a), SIV_R_CERT_ROLE);
	/* no certificate at all, or garbage */
	memset(a.guest.der, 0, sizeof(a.guest.der));
	assert_int_equal(dialog_start(&a), SIV_OK);
	assert_int_not_equal(dialog_hear(&a), SIV_OK);
	a.guest.der_len = 0;
	assert_int_equal(dialog_start(&a), SIV_R_CERT_SIZE);
	a.guest.der_len = SIV_CERT_MAX + 1;
	assert_int_equal(dialog_start(&a), SIV_R_CERT_SIZE);
	dialog_free(&a);
	dialog_free(&b);
}

static enum siv_reason chosen_payload(struct dialog *t,
				      struct siv_span payload);

/* A guest with the host's own key: neither end has anything to do with it. */
static void test_selfie(void **state)
{
	u8 buf[sizeof(struct siv_payload1) + SIV_CERT_MAX] = { 0 };
	struct siv_payload1 *p = (void *)buf;
	struct dialog t;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	/* an endpoint certificate for the host's key: no CA of ours makes one */
	pki_party_free(&t.guest);
	pki_party(&t.guest, "alice host", PKI_REGION, "alice", "camera");
	assert_memory_equal(t.guest.pub, t.host.pub, SIV_KEY_LEN);
	assert_int_equal(dialog_start(&t), SIV_R_CERT_SELF);
	assert_int_equal(t.g->state, SIV_SESSION_IDLE);
	/* a guest that does not care */
	siv_put_le16(&p->version, 1);
	siv_put_le32(&p->cert_len, (u32)t.guest.der_len);
	siv_put_le64(&p->attempt, t.attempt + 1);
	memcpy(buf + sizeof(*p), t.guest.der, t.guest.der_len);
	assert_int_equal(
		chosen_payload(
			&t,
			(struct siv_span){ buf, sizeof(*p) + t.guest.der_len }),
		SIV_R_CERT_SELF);
	dialog_free(&t);
}

/* Ephemerals and static keys that no honest end uses. */
static void test_points(void **state)
{
	static const u8 low[][SIV_KEY_LEN] = {
		{ 0 },
		{ 1 },
		{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae,
		  0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
		  0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd,
		  0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
	};
	u8 m[SIV_SLOT_SIZE], pub[SIV_KEY_LEN];
	size_t at = SIV_SLOT_HDR + SIV_NONCE_LEN, i;
	unsigned int dhs;
	struct dialog t;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	assert_int_equal(dialog_start(&t), SIV_OK);
	memcpy(m, t.m1, sizeof(m));
	for (i = 0; i < ARRAY_SIZE(low); i++) {
		memcpy(m + at, low[i], SIV_KEY_LEN);
		assert_int_equal(dialog_hear_bytes(&t, m, t.m1_len),
				 SIV_R_DH_ZERO);
	}
	/* not canonical: before any Diffie-Hellman */
	memset(m + at, 0xff, SIV_KEY_LEN);
	m[at + 31] = 0x7f;
	dhs = static_dhs;
	assert_int_equal(dialog_hear_bytes(&t, m, t.m1_len),
			 SIV_R_PUB_NOT_CANONICAL);
	memcpy(m + at, t.m1 + at, SIV_KEY_LEN);
	m[at + 31] |= 0x80;
	assert_int_equal(dialog_hear_bytes(&t, m, t.m1_len),
			 SIV_R_PUB_NOT_CANONICAL);
	assert_int_equal(static_dhs, dhs);
	/* the same in message 2 */
	assert_int_equal(dialog_hear(&t), SIV_OK);
	assert_int_equal(dialog_answer(&t), SIV_OK);
	memcpy(m, t.m2, sizeof(m));
	for (i = 0; i < ARRAY_SIZE(low); i++) {
		memcpy(m + SIV_SLOT_HDR, low[i], SIV_KEY_LEN);
		assert_int_equal(dialog_finish_bytes(&t, m, t.m2_len, 1),
				 SIV_R_DH_ZERO);
	}
	memcpy(m + SIV_SLOT_HDR, t.m2 + SIV_SLOT_HDR, SIV_KEY_LEN);
	m[SIV_SLOT_HDR + 31] |= 0x80;
	assert_int_equal(dialog_finish_bytes(&t, m, t.m2_len, 1),
			 SIV_R_PUB_NOT_CANONICAL);
	/* a host key that is not canonical is not even written to */
	memcpy(pub, t.host.pub, SIV_KEY_LEN);
	t.host.pub[31] |= 0x80;
	dialog_reset(&t);
	assert_int_equal(dialog_start(&t), SIV_R_PUB_NOT_CANONICAL);
	memcpy(t.host.pub, pub, SIV_KEY_LEN);
	dialog_free(&t);
}

/*
 * With the host's key E makes a message 1 of anybody (ss needs only one of the two
 * keys), but to read message 2, and so to say READY, it would need a's.
 */
static void test_stolen_host_key(void **state)
{
	const struct siv_span none = { NULL, 0 };
	struct siv_half half;
	struct siv_aead *aead = siv_aead_alloc();
	struct siv_noise_keys guess;
	u8 rec[SIV_SLOT_SIZE], plain[SIV_SLOT_SIZE];
	struct siv_span body;
	struct dialog t;
	size_t n, i;
	u16 type;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	/* E has a's certificate, h's key, and no key of a's */
	siv_static_free(t.guest.key);
	t.guest.key = siv_static_from_private(t.host.priv);
	thief = t.guest.key;
	stolen = t.host.key;
	memcpy(victim_pub, t.guest.pub, SIV_KEY_LEN);
	assert_int_equal(dialog_start(&t), SIV_OK);
	assert_int_equal(dialog_hear(&t), SIV_OK);
	assert_memory_equal(t.cert.hash, t.guest.cert.hash, SIV_HASH_LEN);
	assert_int_equal(dialog_answer(&t), SIV_OK);
	/* se = DH(a, e_h): h's key does not help */
	assert_int_equal(dialog_finish(&t, 1), SIV_R_TAG);
	/* and READY under any key that E can make is dropped, whatever it is */
	for (i = 0; i < 64; i++) {
		pki_bytes((u8 *)&guess, sizeof(guess), "guess", i);
		assert_int_equal(siv_half_init(&half, aead, t.ids.suite,
					       guess.k1),
				 SIV_OK);
		assert_int_equal(siv_record_seal(&half, 7, SIV_MSG_READY, 0,
						 none, none, rec, &n),
				 SIV_OK);
		assert_int_equal(
			siv_session_receive(t.h, (struct siv_span){ rec, n },
					    plain, &type, &body, 1),
			SIV_R_TAG);
	}
	assert_int_equal(t.h->state, SIV_SESSION_PENDING);
	assert_int_equal(t.h->dropped, 64);
	thief = NULL;
	siv_aead_free(aead);
	dialog_free(&t);
}

/* ---------------------------------------------------------------- payloads */

static void test_suites(void **state)
{
	struct dialog t;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	t.ids.suite = 0x11;
	assert_int_equal(dialog_start(&t), SIV_R_SUITE);
	t.ids.suite = 0;
	assert_int_equal(dialog_start(&t), SIV_R_SUITE);
	t.ids.suite = SIV_SUITE_CHACHAPOLY;
	assert_int_equal(dialog_start(&t), SIV_OK);
	/* edited on the way: to one not offered, and to another that is */
	siv_put_le32(t.m1 + 4, 3);
	assert_int_equal(dialog_hear(&t), SIV_R_SUITE);
	siv_put_le32(t.m1 + 4, 32);
	assert_int_equal(dialog_hear(&t), SIV_R_SUITE);
	siv_put_le32(t.m1 + 4, 0x10001);
	assert_int_equal(dialog_hear(&t), SIV_R_SUITE);
	siv_put_le32(t.m1 + 4, SIV_SUITE_AESGCM);
	assert_int_equal(dialog_hear(&t), SIV_R_TAG);
	dialog_free(&t);
}

/* Message 1 with a chosen payload, by somebody who has a's key. */
static enum siv_reason chosen_payload(struct dialog *t, struct siv_span payload)
{
	u8 prologue[SIV_SESSION_PROLOGUE_LEN];
	struct siv_noise_setup setup = {
		.pattern = SIV_NOISE_IK,
		.suite = t->ids.suite,
		.initiator = true,
		.prologue = { prologue, sizeof(prologue) },
		.s = t->guest.key,
		.s_pub = t->guest.pub,
		.rs = t->host.pub,
	};
	u8 m[SIV_SLOT_SIZE + 256];
	struct siv_noise hs;
	size_t n;

	siv_session_prologue(prologue, &t->ids);
	assert_int_equal(siv_noise_init(&hs, &setup), SIV_OK);
	t->attempt++;
	pki_ephemeral(t->e_priv, t->e_pub, "guest", t->attempt);
	siv_noise_set_ephemeral(&hs, t->e_priv, t->e_pub);
	assert_int_equal(siv_noise_write(&hs, t->t[0], payload, m + 32,
					 sizeof(m) - 32, &n),
			 SIV_OK);
	siv_put_le32(m, (u32)n + SIV_NONCE_LEN);
	siv_put_le32(m + 4, t->ids.suite);
	siv_put_le64(m + 8, t->attempt);
	memcpy(m + 16, t->ids.challenge, SIV_NONCE_LEN);
	dialog_reset(t);
	return dialog_hear_bytes(t, m, 32 + n);
}

static void test_payload1(void **state)
{
	u8 buf[sizeof(struct siv_payload1) + SIV_CERT_MAX + 64];
	struct siv_payload1 *p = (void *)buf;
	struct dialog t;
	size_t len;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	memset(buf, 0, sizeof(buf));
	len = sizeof(*p) + t.guest.der_len;
	siv_put_le16(&p->version, 1);
	siv_put_le32(&p->cert_len, (u32)t.guest.der_len);
	memcpy(buf + sizeof(*p), t.guest.der, t.guest.der_len);
#define TRY(n)                                     \
	(siv_put_le64(&p->attempt, t.attempt + 1), \
	 chosen_payload(&t, (struct siv_span){ buf, (n) }))
	assert_int_equal(TRY(len), SIV_OK);
	siv_put_le16(&p->version, 2);
	assert_int_equal(TRY(len), SIV_R_VERSION);
	siv_put_le16(&p->version, 1);
	siv_put_le16(&p->flags, 1);
	assert_int_equal(TRY(len), SIV_R_RESERVED);
	siv_put_le16(&p->flags, 0);
	siv_put_le32(&p->cert_len, (u32)t.guest.der_len - 1);
	assert_int_equal(TRY(len), SIV_R_LENGTH);
	siv_put_le32(&p->cert_len, 0xffffffff);
	assert_int_equal(TRY(len), SIV_R_LENGTH);
	siv_put_le32(&p->cert_len, (u32)t.guest.der_len);
	/* a byte behind the certificate, and one too few */
	assert_int_equal(TRY(len + 1), SIV_R_LENGTH);
	siv_put_le32(&p->cert_len, (u32)t.guest.der_len + 1);
	assert_int_equal(TRY(len + 1), SIV_R_DER_TRAILING);
	siv_put_le32(&p->cert_len, (u32)t.guest.der_len - 1);
	assert_int_equal(TRY(len - 1), SIV_R_DER_TRUNCATED);
	assert_int_equal(TRY(sizeof(*p) - 1), SIV_R_LENGTH);
	/* the attempt that the header shows must be the authentic one */
	siv_put_le64(&p->attempt, t.attempt + 2);
	siv_put_le32(&p->cert_len, (u32)t.guest.der_len);
	assert_int_equal(chosen_payload(&t, (struct siv_span){ buf, len }),
			 SIV_R_NUMBER);
	dialog_free(&t);
}

static void test_payload2(void **state)
{
	struct siv_payload2 good;
	struct dialog t;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	good = t.say;
	assert_int_equal(dialog_start(&t), SIV_OK);
	assert_int_equal(dialog_hear(&t), SIV_OK);
	/* the host cannot even say these */
	siv_put_le16(&t.say.reserved0, 1);
	assert_int_equal(dialog_answer(&t), SIV_R_RESERVED);
	t.say = good;
	t.say.reserved1[15] = 1;
	assert_int_equal(dialog_answer(&t), SIV_R_RESERVED);
	t.say = good;
	siv_put_le32(&t.say.session_tag, 8);
	assert_int_equal(dialog_answer(&t), SIV_R_RESERVED);
	assert_int_equal(t.h->state, SIV_SESSION_HEARD);
	/* a refusal is authenticated, and ends both */
	t.say = good;
	siv_put_le32(&t.say.status, siv_reason_code(SIV_R_CERT_REVOKED));
	assert_int_equal(dialog_answer(&t), SIV_OK);
	assert_int_equal(t.h->state, SIV_SESSION_DEAD);
	assert_int_equal(dialog_finish(&t, 1), SIV_R_POLICY);
	assert_int_equal(siv_get_le32(&t.p2.status),
			 siv_reason_code(SIV_R_CERT_REVOKED));
	assert_int_equal(t.g->state, SIV_SESSION_DEAD);
	assert_int_equal(dialog_start(&t), SIV_R_STATE);
	dialog_free(&t);
}

/* -------------------------------------------------------------- ephemerals */

static void test_ephemerals(void **state)
{
	u8 prkh[32], random[32], hh[32], a[32], b[32], pub[32], check[32];
	struct siv_span salt, info[3];
	u8 prk[32], counter[8] = { 5 };

	(void)state;
	pki_bytes(a, 32, "static", 0);
	siv_hedge_prk(prkh, a);
	salt = pki_span("sivshmem1 hedge");
	siv_hkdf_extract(check, salt, (struct siv_span){ a, 32 });
	assert_memory_equal(prkh, check, 32);
	memset(random, 7, 32);
	memset(hh, 8, 32);
	assert_int_equal(siv_ephemeral_make(a, pub, prkh, random, hh, 5),
			 SIV_OK);
	siv_hkdf_extract(prk, (struct siv_span){ prkh, 32 },
			 (struct siv_span){ random, 32 });
	info[0] = (struct siv_span){ (const u8 *)"sivshmem1 eph", 14 };
	info[1] = (struct siv_span){ hh, 32 };
	info[2] = (struct siv_span){ counter, 8 };
	siv_hkdf_expand(check, prk, info, 3);
	assert_memory_equal(a, check, 32);
	assert_int_equal(siv_x25519_base(check, a), SIV_OK);
	assert_memory_equal(pub, check, 32);
	/* each input matters: a broken generator is not enough for the same key twice */
	assert_int_equal(siv_ephemeral_make(b, pub, prkh, random, hh, 6),
			 SIV_OK);
	assert_memory_not_equal(a, b, 32);
	hh[0] ^= 1;
	assert_int_equal(siv_ephemeral_make(b, pub, prkh, random, hh, 5),
			 SIV_OK);
	assert_memory_not_equal(a, b, 32);
	hh[0] ^= 1;
	prkh[0] ^= 1;
	assert_int_equal(siv_ephemeral_make(b, pub, prkh, random, hh, 5),
			 SIV_OK);
	assert_memory_not_equal(a, b, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_suites),
		cmocka_unit_test(test_prologue_bytes),
		cmocka_unit_test(test_prologue_byte),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_bits1),
		cmocka_unit_test(test_bits2),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_replay1),
		cmocka_unit_test(test_replay2),
		cmocka_unit_test(test_reflection),
		cmocka_unit_test(test_swaps),
		cmocka_unit_test(test_selfie),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_stolen_host_key),
		cmocka_unit_test(test_suites),
		cmocka_unit_test(test_payload1),
		cmocka_unit_test(test_payload2),
		cmocka_unit_test(test_ephemerals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
