// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a handshake accepts exactly the next message of the right peer, and nothing
 * else changes it: every forged byte, every other length, every wrong turn, key, psk or
 * prologue is refused and the true message still works afterwards. Public keys that
 * are not canonical, our own or of low order are refused. Nothing secret is left in the
 * handshake, in the caller's buffers or on the stack after a split or a failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/crypto_openssl.h"
#include "core/kdf.h"
#include "core/noise.h"
#include "stackscan.h"

enum {
	ROOM = 512
};

static const u16 suites[] = { SIV_SUITE_CHACHAPOLY, SIV_SUITE_AESGCM };
static const enum siv_noise_pattern patterns[] = { SIV_NOISE_IK,
						   SIV_NOISE_NNPSK0,
						   SIV_NOISE_NNPSK2 };

/* Private keys; the values do not matter. */
static u8 s_priv[2][SIV_KEY_LEN], s_pub[2][SIV_KEY_LEN];
static u8 e_priv[2][SIV_KEY_LEN], e_pub[2][SIV_KEY_LEN];
static struct siv_static *s_key[2];
static const u8 psk[SIV_KEY_LEN] = "a pre-shared key of 32 bytes....";
static const u8 prologue[] = "prologue";

/* Keys that give zero, or are not canonical: from x25519.json. */
static const u8 low_order[5][SIV_KEY_LEN] = {
	{ 0 },
	{ 1 },
	{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
	  0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
	  0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
	{ 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
	  0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
	  0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
	{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
};

/* An initiator, a responder, a transform each. */
struct pair {
	struct siv_noise hs[2];
	struct siv_aead *t;
};

static struct siv_span span(const void *p, size_t n)
{
	return (struct siv_span){ p, n };
}

static void side_init(struct siv_noise *hs, enum siv_noise_pattern pattern,
		      u16 suite, int who, struct siv_span pro)
{
	bool ik = pattern == SIV_NOISE_IK;
	struct siv_noise_setup setup = {
		.pattern = pattern,
		.suite = suite,
		.initiator = who == 0,
		.prologue = pro,
		.s = ik ? s_key[who] : NULL,
		.s_pub = ik ? s_pub[who] : NULL,
		.rs = ik && who == 0 ? s_pub[1] : NULL,
		.psk = ik ? NULL : psk,
	};

	assert_int_equal(siv_noise_init(hs, &setup), SIV_OK);
	siv_noise_set_ephemeral(hs, e_priv[who], e_pub[who]);
}

static void pair_init(struct pair *p, enum siv_noise_pattern pattern, u16 suite)
{
	struct siv_span pro = span(prologue, sizeof(prologue));

	side_init(&p->hs[0], pattern, suite, 0, pro);
	side_init(&p->hs[1], pattern, suite, 1, pro);
}

static size_t do_write(struct pair *p, int who, const char *payload, u8 *out)
{
	size_t len;

	assert_int_equal(siv_noise_write(&p->hs[who], p->t,
					 span(payload, strlen(payload)), out,
					 ROOM, &len),
			 SIV_OK);
	return len;
}

static void do_read(struct pair *p, int who, const u8 *in, size_t n,
		    const char *want)
{
	u8 out[ROOM];
	size_t len;

	assert_int_equal(siv_noise_read(&p->hs[who], p->t, span(in, n), out,
					&len),
			 SIV_OK);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(out, want, len);
}

/* One of the six protocols, afresh. */
static void pair_protocol(struct pair *p, size_t i)
{
	pair_init(p, patterns[i % 3], suites[i / 3]);
}

/* Refused with @want, and neither the handshake nor the caller's buffer shows it. */
static void refuse(struct pair *p, int who, const u8 *in, size_t n,
		   enum siv_reason want)
{
	struct siv_noise before = p->hs[who];
	u8 out[ROOM + 1];
	enum siv_reason r;
	size_t len = 77, i;

	memset(out, 0xaa, sizeof(out));
	r = siv_noise_read(&p->hs[who], p->t, span(in, n), out, &len);
	assert_int_not_equal(r, SIV_OK);
	if (want)
		assert_int_equal(r, want);
	assert_int_equal(len, 0);
	assert_memory_equal(&p->hs[who], &before, sizeof(before));
	for (i = 0; i < n && r != SIV_R_STATE; i++)
		assert_int_equal(out[i], 0);
	assert_int_equal(out[n], 0xaa);
}

static void finish(struct pair *p)
{
	struct siv_noise_keys k[2];

	assert_int_equal(siv_noise_split(&p->hs[0], &k[0]), SIV_OK);
	assert_int_equal(siv_noise_split(&p->hs[1], &k[1]), SIV_OK);
	assert_memory_equal(&k[0], &k[1], sizeof(k[0]));
	assert_memory_not_equal(k[0].k1, k[0].k2, SIV_KEY_LEN);
	assert_memory_not_equal(k[0].k2, k[0].x, SIV_KEY_LEN);
}

static void test_complete(void **state)
{
	struct pair *p = *state;
	u8 m[ROOM];
	size_t i, n;

	for (i = 0; i < 6; i++) {
		pair_protocol(p, i);
		n = do_write(p, 0, "one", m);
		do_read(p, 1, m, n, "one");
		n = do_write(p, 1, "", m);
		do_read(p, 0, m, n, "");
		finish(p);
	}
}

static void forge(struct pair *p, int who, const u8 *m, size_t n)
{
	static const u8 flips[] = { 0x01, 0x10, 0x80, 0xff };
	u8 bad[ROOM];
	size_t i, f;

	for (i = 0; i < n; i++) {
		for (f = 0; f < ARRAY_SIZE(flips); f++) {
			memcpy(bad, m, n);
			bad[i] ^= flips[f];
			refuse(p, who, bad, n, SIV_OK);
		}
	}
}

static void test_forged_byte(void **state)
{
	struct pair *p = *state;
	u8 m[ROOM];
	size_t i, n;

	for (i = 0; i < 6; i++) {
		pair_protocol(p, i);
		n = do_write(p, 0, "one", m);
		forge(p, 1, m, n);
		do_read(p, 1, m, n, "one");
		n = do_write(p, 1, "two", m);
		forge(p, 0, m, n);
		do_read(p, 0, m, n, "two");
		finish(p);
	}
}

static void test_other_length(void **state)
{
	struct pair *p = *state;
	size_t i, n, cut;
	u8 m[ROOM];

	for (i = 0; i < 6; i++) {
		pair_protocol(p, i);
		memset(m, 0, sizeof(m));
		n = do_write(p, 0, "one", m);
		for (cut = 0; cut < n; cut++)
			refuse(p, 1, m, cut, SIV_OK);
		refuse(p, 1, m, n + 1, SIV_R_TAG);
		do_read(p, 1, m, n, "one");
		n = do_write(p, 1, "two", m);
		for (cut = 0; cut < n; cut++)
			refuse(p, 0, m, cut, SIV_OK);
		refuse(p, 0, m, n + 1, SIV_R_TAG);
		do_read(p, 0, m, n, "two");
		finish(p);
	}
}

static void refuse_write(struct pair *p, int who, size_t cap,
			 enum siv_reason want)
{
	struct siv_noise before = p->hs[who];
	u8 out[ROOM];
	size_t len = 77, i;

	memset(out, 0xaa, sizeof(out));
	assert_int_equal(siv_noise_write(&p->hs[who], p->t, span("one", 3), out,
					 cap, &len),
			 want);
	assert_int_equal(len, 0);
	assert_memory_equal(&p->hs[who], &before, sizeof(before));
	for (i = 0; i < cap && want != SIV_R_STATE; i++)
		assert_int_equal(out[i], 0);
	assert_int_equal(out[cap], 0xaa);
}

static void test_wrong_turn(void **state)
{
	struct pair *p = *state;
	struct siv_noise_keys k, zero;
	u8 m[ROOM], m2[ROOM];
	size_t i, n, n2;

	memset(&zero, 0, sizeof(zero));
	for (i = 0; i < 6; i++) {
		pair_protocol(p, i);
		memset(m, 0, sizeof(m));
		refuse(p, 0, m, 64, SIV_R_STATE);
		refuse_write(p, 1, 256, SIV_R_STATE);
		assert_int_equal(siv_noise_split(&p->hs[0], &k), SIV_R_STATE);
		n = do_write(p, 0, "one", m);
		refuse_write(p, 0, 256, SIV_R_STATE);
		refuse(p, 0, m, n, SIV_OK); /* our own, reflected */
		do_read(p, 1, m, n, "one");
		refuse(p, 1, m, n, SIV_R_STATE); /* again */
		memset(&k, 0xaa, sizeof(k));
		assert_int_equal(siv_noise_split(&p->hs[1], &k), SIV_R_STATE);
		assert_memory_equal(&k, &zero, sizeof(k));
		n2 = do_write(p, 1, "two", m2);
		refuse_write(p, 1, 256, SIV_R_STATE);
		do_read(p, 0, m2, n2, "two");
		refuse(p, 0, m2, n2, SIV_R_STATE);
		refuse(p, 1, m, n, SIV_R_STATE);
		refuse_write(p, 0, 256, SIV_R_STATE);
		finish(p);
		refuse(p, 1, m, n, SIV_R_STATE);
		refuse_write(p, 0, 256, SIV_R_STATE);
		assert_int_equal(siv_noise_split(&p->hs[0], &k), SIV_R_STATE);
	}
}

static void test_no_room(void **state)
{
	struct pair *p = *state;
	size_t i, n, cap;
	u8 m[ROOM];

	for (i = 0; i < 6; i++) {
		struct siv_noise before;

		pair_protocol(p, i);
		before = p->hs[0];
		n = do_write(p, 0, "one", m);
		p->hs[0] = before;
		for (cap = 0; cap < n; cap++)
			refuse_write(p, 0, cap, SIV_R_LENGTH);
		n = do_write(p, 0, "one", m);
		do_read(p, 1, m, n, "one");
		for (cap = 0; cap < 32 + 3 + SIV_TAG_LEN; cap++)
			refuse_write(p, 1, cap, SIV_R_LENGTH);
		n = do_write(p, 1, "two", m);
		do_read(p, 0, m, n, "two");
		finish(p);
	}
}

/* Each ephemeral of low order, each not canonical one, and ours: before and after. */
static void bad_ephemerals(struct pair *p, int who, const u8 *m, size_t n)
{
	u8 bad[ROOM];
	int i;

	memcpy(bad, m, n);
	for (i = 0; i < 5; i++) {
		memcpy(bad, low_order[i], SIV_KEY_LEN);
		/* NN's first message has no DH: its tag decides */
		refuse(p, who, bad, n,
		       p->hs[who].pattern != SIV_NOISE_IK && who == 1 ?
			       SIV_R_TAG :
			       SIV_R_DH_ZERO);
		bad[31] |= 0x80;
		refuse(p, who, bad, n, SIV_R_PUB_NOT_CANONICAL);
	}
	memset(bad, 0xff, SIV_KEY_LEN);
	bad[31] = 0x7f;
	for (i = 0xed; i < 0x100; i++) {
		bad[0] = (u8)i;
		refuse(p, who, bad, n, SIV_R_PUB_NOT_CANONICAL);
	}
	memcpy(bad, m, SIV_KEY_LEN);
	bad[31] |= 0x80;
	refuse(p, who, bad, n, SIV_R_PUB_NOT_CANONICAL);
	memcpy(bad, p->hs[who].e_pub, SIV_KEY_LEN);
	refuse(p, who, bad, n, SIV_R_PUB_NOT_CANONICAL);
}

static void test_bad_ephemerals(void **state)
{
	struct pair *p = *state;
	u8 m[ROOM];
	size_t i, n;

	for (i = 0; i < 6; i++) {
		pair_protocol(p, i);
		n = do_write(p, 0, "one", m);
		bad_ephemerals(p, 1, m, n);
		do_read(p, 1, m, n, "one");
		n = do_write(p, 1, "two", m);
		bad_ephemerals(p, 0, m, n);
		do_read(p, 0, m, n, "two");
		finish(p);
	}
}

static void test_canonical(void **state)
{
	u8 pub[SIV_KEY_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_true(siv_pub_canonical(low_order[i]));
	memset(pub, 0xff, sizeof(pub));
	pub[31] = 0x7f;
	pub[0] = 0xec; /* p - 1 */
	assert_true(siv_pub_canonical(pub));
	pub[0] = 0xed; /* p */
	assert_false(siv_pub_canonical(pub));
	pub[0] = 0xff;
	assert_false(siv_pub_canonical(pub));
	for (i = 1; i < 31; i++) {
		pub[i] = 0xfe;
		assert_true(siv_pub_canonical(pub));
		pub[i] = 0xff;
	}
	pub[31] = 0x7e;
	assert_true(siv_pub_canonical(pub));
	memset(pub, 0, sizeof(pub));
	pub[31] = 0x80;
	assert_false(siv_pub_canonical(pub));
}

/* Static keys: the responder's at init, the initiator's inside message 1. */
static void test_bad_statics(void **state)
{
	struct siv_noise_setup setup = { .pattern = SIV_NOISE_IK,
					 .suite = SIV_SUITE_CHACHAPOLY,
					 .initiator = true,
					 .s = s_key[0],
					 .s_pub = s_pub[0] };
	struct pair *p = *state;
	u8 bad[SIV_KEY_LEN], m[ROOM];
	struct siv_noise hs;
	size_t n, len;

	memset(bad, 0xff, sizeof(bad));
	setup.rs = bad;
	assert_int_equal(siv_noise_init(&hs, &setup), SIV_R_PUB_NOT_CANONICAL);
	assert_int_equal(siv_noise_write(&hs, p->t, span("x", 1), m, sizeof(m),
					 &len),
			 SIV_R_STATE);
	setup.rs = low_order[2];
	assert_int_equal(siv_noise_init(&hs, &setup), SIV_OK);
	siv_noise_set_ephemeral(&hs, e_priv[0], e_pub[0]);
	assert_int_equal(siv_noise_write(&hs, p->t, span("x", 1), m, sizeof(m),
					 &len),
			 SIV_R_DH_ZERO);

	/* authentic under es, but not canonical, or of low order */
	pair_init(p, SIV_NOISE_IK, SIV_SUITE_CHACHAPOLY);
	memcpy(p->hs[0].s_pub, bad, sizeof(bad));
	n = do_write(p, 0, "one", m);
	refuse(p, 1, m, n, SIV_R_PUB_NOT_CANONICAL);
	pair_init(p, SIV_NOISE_IK, SIV_SUITE_CHACHAPOLY);
	memcpy(p->hs[0].s_pub, low_order[3], sizeof(bad));
	n = do_write(p, 0, "one", m);
	refuse(p, 1, m, n, SIV_R_DH_ZERO);

	/* somebody else's public key without its private key */
	pair_init(p, SIV_NOISE_IK, SIV_SUITE_CHACHAPOLY);
	memcpy(p->hs[0].s_pub, e_pub[1], sizeof(bad));
	n = do_write(p, 0, "one", m);
	refuse(p, 1, m, n, SIV_R_TAG);
}

static void test_setup(void **state)
{
	struct siv_noise_setup setup = { .pattern = SIV_NOISE_IK,
					 .suite = SIV_SUITE_CHACHAPOLY,
					 .initiator = true,
					 .s = s_key[0],
					 .s_pub = s_pub[0],
					 .rs = s_pub[1] };
	struct siv_noise hs;

	(void)state;
	setup.suite = 0;
	assert_int_equal(siv_noise_init(&hs, &setup), SIV_R_SUITE);
	setup.suite = 0x11;
	assert_int_equal(siv_noise_init(&hs, &setup), SIV_R_SUITE);
	setup.suite = SIV_SUITE_AESGCM;
	setup.rs = NULL;
	assert_int_equal(siv_noise_init(&hs, &setup), SIV_R_STATE);
	setup.rs = s_pub[1];
	setup.s = NULL;
	assert_int_equal(siv_noise_init(&hs, &setup), SIV_R_STATE);
	setup.s = s_key[0];
	setup.s_pub = NULL;
	assert_int_equal(siv_noise_init(&hs, &setup), SIV_R_STATE);
	setup.s_pub = s_pub[0];
	setup.pattern = (enum siv_noise_pattern)7;
	assert_int_equal(siv_noise_init(&hs, &setup), SIV_R_STATE);
}

/* Without its ephemeral or psk a message is not made from zeros. */
static void test_missing_secrets(void **state)
{
	struct pair *p = *state;
	u8 m[ROOM];
	size_t i, n;

	for (i = 0; i < 6; i++) {
		pair_protocol(p, i);
		p->hs[0].has_e = false;
		refuse_write(p, 0, 256, SIV_R_STATE);
		p->hs[0].has_e = true;
		if (p->hs[0].pattern == SIV_NOISE_NNPSK0) {
			p->hs[0].has_psk = false;
			refuse_write(p, 0, 256, SIV_R_STATE);
			siv_noise_set_psk(&p->hs[0], psk);
		}
		n = do_write(p, 0, "one", m);
		do_read(p, 1, m, n, "one");
		p->hs[1].has_e = false;
		refuse_write(p, 1, 256, SIV_R_STATE);
		p->hs[1].has_e = true;
		if (p->hs[1].pattern == SIV_NOISE_NNPSK2) {
			p->hs[1].has_psk = false;
			refuse_write(p, 1, 256, SIV_R_STATE);
			siv_noise_set_psk(&p->hs[1], psk);
		}
		n = do_write(p, 1, "two", m);
		if (p->hs[0].pattern == SIV_NOISE_NNPSK2) {
			p->hs[0].has_psk = false;
			refuse(p, 0, m, n, SIV_R_STATE);
			siv_noise_set_psk(&p->hs[0], psk);
		}
		do_read(p, 0, m, n, "two");
		finish(p);
	}
}

static void test_wrong_psk(void **state)
{
	struct pair *p = *state;
	u8 other[SIV_KEY_LEN], m[ROOM];
	size_t s, n;

	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		memcpy(other, psk, sizeof(other));
		other[31] ^= 1;
		pair_init(p, SIV_NOISE_NNPSK0, suites[s]);
		siv_noise_set_psk(&p->hs[1], other);
		n = do_write(p, 0, "one", m);
		refuse(p, 1, m, n, SIV_R_TAG);

		pair_init(p, SIV_NOISE_NNPSK2, suites[s]);
		siv_noise_set_psk(&p->hs[1], other);
		n = do_write(p, 0, "one", m);
		do_read(p, 1, m, n, "one");
		n = do_write(p, 1, "two", m);
		refuse(p, 0, m, n, SIV_R_TAG);
		siv_noise_set_psk(&p->hs[0], other);
		do_read(p, 0, m, n, "two");
		finish(p);
	}
}

/* Another responder than the initiator meant; another protocol; another suite. */
static void test_wrong_peer(void **state)
{
	struct pair *p = *state;
	struct siv_span pro = span(prologue, sizeof(prologue));
	u8 m[ROOM];
	size_t n;

	pair_init(p, SIV_NOISE_IK, SIV_SUITE_CHACHAPOLY);
	memcpy(p->hs[0].rs, e_pub[0], SIV_KEY_LEN);
	n = do_write(p, 0, "one", m);
	refuse(p, 1, m, n, SIV_R_TAG);

	pair_init(p, SIV_NOISE_NNPSK0, SIV_SUITE_CHACHAPOLY);
	n = do_write(p, 0, "one", m);
	side_init(&p->hs[1], SIV_NOISE_NNPSK2, SIV_SUITE_CHACHAPOLY, 1, pro);
	refuse(p, 1, m, n, SIV_R_TAG);
	side_init(&p->hs[1], SIV_NOISE_NNPSK0, SIV_SUITE_AESGCM, 1, pro);
	refuse(p, 1, m, n, SIV_R_TAG);
	side_init(&p->hs[1], SIV_NOISE_IK, SIV_SUITE_CHACHAPOLY, 1, pro);
	refuse(p, 1, m, n, SIV_OK);
}

static void test_prologue(void **state)
{
	struct pair *p = *state;
	u8 pro[264], m[ROOM];
	size_t i, n;

	memset(pro, 0x33, sizeof(pro));
	/* IK with a session's 152 bytes: message 1 */
	side_init(&p->hs[0], SIV_NOISE_IK, SIV_SUITE_CHACHAPOLY, 0,
		  span(pro, 152));
	n = do_write(p, 0, "one", m);
	for (i = 0; i < 152; i++) {
		pro[i] ^= 1;
		side_init(&p->hs[1], SIV_NOISE_IK, SIV_SUITE_CHACHAPOLY, 1,
			  span(pro, 152));
		refuse(p, 1, m, n, SIV_R_TAG);
		pro[i] ^= 1;
	}
	/* NNpsk2 with a connect's 264: message 2, message 1 rebuilt */
	side_init(&p->hs[0], SIV_NOISE_NNPSK2, SIV_SUITE_CHACHAPOLY, 0,
		  span(pro, 264));
	do_write(p, 0, "", m);
	for (i = 0; i < 264; i++) {
		pro[i] ^= 1;
		side_init(&p->hs[1], SIV_NOISE_NNPSK2, SIV_SUITE_CHACHAPOLY, 1,
			  span(pro, 264));
		assert_int_equal(siv_noise_rebuild_e(&p->hs[1], p->t, e_pub[0]),
				 SIV_OK);
		n = do_write(p, 1, "", m);
		refuse(p, 0, m, n, SIV_R_TAG);
		pro[i] ^= 1;
	}
}

static void test_rebuild(void **state)
{
	struct pair *p = *state;
	struct siv_noise before, sent;
	u8 m[ROOM], other[SIV_KEY_LEN];
	size_t s, n;

	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		pair_init(p, SIV_NOISE_NNPSK2, suites[s]);
		before = p->hs[1];
		n = do_write(p, 0, "", m);
		do_read(p, 1, m, n, "");
		sent = p->hs[1];
		p->hs[1] = before;
		assert_int_equal(siv_noise_rebuild_e(&p->hs[1], p->t, m),
				 SIV_OK);
		assert_memory_equal(&p->hs[1], &sent, sizeof(sent));
		assert_int_equal(siv_noise_rebuild_e(&p->hs[1], p->t, m),
				 SIV_R_STATE);
		n = do_write(p, 1, "", m);
		do_read(p, 0, m, n, "");
		finish(p);

		/* a host that swaps e_A */
		pair_init(p, SIV_NOISE_NNPSK2, suites[s]);
		do_write(p, 0, "", m);
		memcpy(other, s_pub[0], sizeof(other));
		assert_int_equal(siv_noise_rebuild_e(&p->hs[1], p->t, other),
				 SIV_OK);
		n = do_write(p, 1, "", m);
		refuse(p, 0, m, n, SIV_R_TAG);
	}
	pair_init(p, SIV_NOISE_NNPSK2, suites[0]);
	memset(other, 0xff, sizeof(other));
	before = p->hs[1];
	assert_int_equal(siv_noise_rebuild_e(&p->hs[1], p->t, other),
			 SIV_R_PUB_NOT_CANONICAL);
	assert_int_equal(siv_noise_rebuild_e(&p->hs[1], p->t, e_pub[1]),
			 SIV_R_PUB_NOT_CANONICAL);
	assert_memory_equal(&p->hs[1], &before, sizeof(before));
	assert_int_equal(siv_noise_rebuild_e(&p->hs[0], p->t, e_pub[0]),
			 SIV_R_STATE);
	pair_init(p, SIV_NOISE_NNPSK0, suites[0]);
	assert_int_equal(siv_noise_rebuild_e(&p->hs[1], p->t, e_pub[0]),
			 SIV_R_STATE);
	pair_init(p, SIV_NOISE_IK, suites[0]);
	assert_int_equal(siv_noise_rebuild_e(&p->hs[1], p->t, e_pub[0]),
			 SIV_R_STATE);
}

/* The handshake is all zeros but for the mark that refuses every call. */
static void assert_wiped(struct siv_noise *hs)
{
	const u8 *p = (const u8 *)hs;
	size_t i;

	assert_true(hs->failed);
	hs->failed = false;
	for (i = 0; i < sizeof(*hs); i++)
		assert_int_equal(p[i], 0);
	hs->failed = true;
}

static void test_wiped(void **state)
{
	struct pair *p = *state;
	u8 m[ROOM], out[ROOM];
	size_t i, n;

	for (i = 0; i < 6; i++) {
		pair_protocol(p, i);
		n = do_write(p, 0, "one", m);
		do_read(p, 1, m, n, "one");
		n = do_write(p, 1, "two", m);
		do_read(p, 0, m, n, "two");
		/* no key stays in the transform */
		assert_int_equal(siv_aead_seal(p->t, 0, span(NULL, 0),
					       span("x", 1), out),
				 SIV_R_CRYPTO);
		finish(p);
		assert_wiped(&p->hs[0]);
		assert_wiped(&p->hs[1]);
		siv_noise_set_psk(&p->hs[0], psk);
		siv_noise_set_ephemeral(&p->hs[0], e_priv[0], e_pub[0]);
		assert_wiped(&p->hs[0]);
		pair_init(p, SIV_NOISE_IK, SIV_SUITE_CHACHAPOLY);
		siv_noise_wipe(&p->hs[0]);
		assert_wiped(&p->hs[0]);
	}
}

/* ------------------------------------------------ what is left on the stack */

/* One step of the responder, on a stack that we look at afterwards. */
struct stacked {
	struct pair *p;
	u8 *in, *out;
	size_t n;
	enum siv_reason r;
	bool write;
	struct siv_noise_keys *split;
};

static void stacked_step(void *arg)
{
	struct stacked *s = arg;
	size_t len;

	if (s->split)
		s->r = siv_noise_split(&s->p->hs[1], s->split);
	else if (s->write)
		s->r = siv_noise_write(&s->p->hs[1], s->p->t, span("two", 3),
				       s->out, ROOM, &len);
	else
		s->r = siv_noise_read(&s->p->hs[1], s->p->t, span(s->in, s->n),
				      s->out, &len);
}

static void dh(u8 *out, const u8 *priv, const u8 *pub)
{
	assert_int_equal(siv_x25519(out, priv, pub), SIV_OK);
}

/*
 * The secrets that the responder's steps pass through: keys given, DH results, and the
 * chaining and cipher keys before and after.
 */
static void test_stack(void **state)
{
	struct pair *p = *state;
	u8 secrets[16][SIV_KEY_LEN], m[ROOM], out[ROOM];
	struct siv_noise_keys keys;
	struct stacked s = { .p = p, .in = m, .out = out };
	size_t i, n;
	int count;

	for (i = 0; i < 6; i++) {
		pair_protocol(p, i);
		count = 0;
		memcpy(secrets[count++], psk, SIV_KEY_LEN);
		memcpy(secrets[count++], e_priv[1], SIV_KEY_LEN);
		dh(secrets[count++], e_priv[1], e_pub[0]);
		dh(secrets[count++], s_priv[1], e_pub[0]);
		dh(secrets[count++], s_priv[1], s_pub[0]);
		dh(secrets[count++], e_priv[1], s_pub[0]);

		/* a failure late in the read, then the true message */
		n = do_write(p, 0, "one", m);
		s.n = n;
		s.write = false;
		s.split = NULL;
		m[n - 1] ^= 1;
		assert_int_equal(stackscan(stacked_step, &s, secrets, count),
				 -1);
		assert_int_equal(s.r, SIV_R_TAG);
		m[n - 1] ^= 1;
		assert_int_equal(stackscan(stacked_step, &s, secrets, count),
				 -1);
		assert_int_equal(s.r, SIV_OK);

		/* a failure late in the write, then the message */
		memcpy(secrets[count++], p->hs[1].ss.ck, SIV_KEY_LEN);
		memcpy(secrets[count++], p->hs[1].ss.k, SIV_KEY_LEN);
		s.write = true;
		p->hs[1].ss.suite = 9;
		assert_int_equal(stackscan(stacked_step, &s, secrets, count),
				 -1);
		assert_int_equal(s.r, SIV_R_SUITE);
		p->hs[1].ss.suite = suites[i / 3];
		assert_int_equal(stackscan(stacked_step, &s, secrets, count),
				 -1);
		assert_int_equal(s.r, SIV_OK);

		memcpy(secrets[count++], p->hs[1].ss.ck, SIV_KEY_LEN);
		memcpy(secrets[count++], p->hs[1].ss.k, SIV_KEY_LEN);
		s.split = &keys;
		assert_int_equal(stackscan(stacked_step, &s, secrets, count),
				 -1);
		assert_int_equal(s.r, SIV_OK);
		assert_wiped(&p->hs[1]);
	}
}

static void test_rekey(void **state)
{
	static const u8 key[SIV_KEY_LEN] = "a cipher key of exactly 32 bytes";
	struct pair *p = *state;
	u8 k[SIV_KEY_LEN], want[SIV_KEY_LEN + SIV_TAG_LEN], a[17], b[17];
	u8 zero[SIV_KEY_LEN] = { 0 };
	size_t s;

	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		memcpy(k, key, sizeof(k));
		assert_int_equal(siv_aead_setkey(p->t, suites[s], k), SIV_OK);
		assert_int_equal(siv_aead_seal(p->t, ~(u64)0, span(NULL, 0),
					       span(zero, sizeof(zero)), want),
				 SIV_OK);
		assert_int_equal(siv_noise_rekey(p->t, suites[s], k), SIV_OK);
		assert_memory_equal(k, want, sizeof(k));
		/* the transform holds the new key */
		assert_int_equal(siv_aead_seal(p->t, 5, span(NULL, 0),
					       span("x", 1), a),
				 SIV_OK);
		assert_int_equal(siv_aead_setkey(p->t, suites[s], k), SIV_OK);
		assert_int_equal(siv_aead_seal(p->t, 5, span(NULL, 0),
					       span("x", 1), b),
				 SIV_OK);
		assert_memory_equal(a, b, sizeof(a));
	}
	memcpy(k, key, sizeof(k));
	assert_int_equal(siv_noise_rekey(p->t, 9, k), SIV_R_SUITE);
	assert_memory_equal(k, key, sizeof(k));
	assert_int_equal(siv_aead_seal(p->t, 0, span(NULL, 0), span("x", 1), a),
			 SIV_R_CRYPTO);
}

static int setup_keys(void **state)
{
	static struct pair p;
	int i;

	for (i = 0; i < 2; i++) {
		memset(s_priv[i], 0x11 * (i + 1), SIV_KEY_LEN);
		memset(e_priv[i], 0x11 * (i + 3), SIV_KEY_LEN);
		s_priv[i][5] = 7;
		if (siv_x25519_base(s_pub[i], s_priv[i]) ||
		    siv_x25519_base(e_pub[i], e_priv[i]))
			return -1;
		s_key[i] = siv_static_from_private(s_priv[i]);
		if (!s_key[i])
			return -1;
	}
	p.t = siv_aead_alloc();
	*state = &p;
	return p.t ? 0 : -1;
}

static int free_keys(void **state)
{
	struct pair *p = *state;

	siv_static_free(s_key[0]);
	siv_static_free(s_key[1]);
	siv_aead_free(p->t);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_forged_byte),
		cmocka_unit_test(test_other_length),
		cmocka_unit_test(test_wrong_turn),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_bad_ephemerals),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_bad_statics),
		cmocka_unit_test(test_setup),
		cmocka_unit_test(test_missing_secrets),
		cmocka_unit_test(test_wrong_psk),
		cmocka_unit_test(test_wrong_peer),
		cmocka_unit_test(test_prologue),
		cmocka_unit_test(test_rebuild),
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_rekey),
	};

	return cmocka_run_group_tests_name("noise", tests, setup_keys,
					   free_keys);
}
