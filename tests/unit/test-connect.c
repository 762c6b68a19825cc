// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a channel opens only between the two certified identities, about exactly what
 * was asked, granted and agreed; any other byte ends it on both sides, with the true
 * cause, and no key is left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/connect.h"
#include "core/kdf.h"
#include "dialog.h"
#include "link.h"
#include "seallog.h"

static const u16 suites[] = { SIV_SUITE_CHACHAPOLY, SIV_SUITE_AESGCM };

/* ------------------------------------------------------------------- good */

static void test_connect(void **state)
{
	struct link l;
	size_t i;
	u32 flags;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (flags = 0; flags <= SIV_CH_SEALED; flags++) {
			seallog_reset();
			link_init(&l, suites[i], flags);
			link_all(&l);
			assert_memory_equal(l.prk_a, l.prk_b, SIV_HASH_LEN);
			assert_int_equal(l.ca.state, SIV_CONNECT_OPEN);
			assert_int_equal(l.cb.state, SIV_CONNECT_OPEN);
			assert_memory_equal(l.ca.hh, l.cb.hh, SIV_HASH_LEN);
			assert_memory_equal(l.ca.r, l.cb.r, sizeof(l.ca.r));
			assert_memory_equal(l.ca.k1, l.cb.k1, SIV_KEY_LEN);
			assert_memory_equal(l.ca.k2, l.cb.k2, SIV_KEY_LEN);
			assert_memory_equal(&l.ca.common, &l.common,
					    sizeof(l.common));
			assert_memory_equal(&l.cb.common, &l.common,
					    sizeof(l.common));
			assert_int_equal(siv_get_le64(&l.established.cid),
					 l.offered.cid);
			assert_int_equal(siv_get_le64(&l.confirm.cid),
					 l.offered.cid);
			/* a plain channel has no key at all, a sealed one two rings' */
			assert_int_equal(link_zero(l.ca.r, sizeof(l.ca.r)),
					 !flags);
			assert_int_equal(link_zero(l.ca.k1, SIV_KEY_LEN),
					 !flags);
			assert_int_equal(link_zero(l.ca.k2, SIV_KEY_LEN),
					 !flags);
			if (flags)
				assert_memory_not_equal(l.ca.r[0], l.ca.r[1],
							SIV_KEY_LEN);
			assert_true(link_zero(l.ca.e_priv, SIV_KEY_LEN));
			assert_true(link_zero(l.eb_priv, SIV_KEY_LEN));
			assert_int_equal(seallog_repeats(), 0);
			link_free(&l);
		}
	}
}

/* Every key is made as section 2.5 says: again, with the primitives alone. */
static void test_derivations(void **state)
{
	u8 prologue[SIV_CONNECT_PROLOGUE_LEN], z[32], prk[32], psk[32], got[32];
	struct siv_span info[6], none = { NULL, 0 };
	struct siv_noise_setup setup = { .pattern = SIV_NOISE_NNPSK2 };
	struct siv_noise_keys ka, kb;
	struct siv_noise na, nb;
	u8 m[96], cid[8], hash[32], opened[64], d;
	struct link l;
	size_t n;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	link_to_grant(&l);
	assert_int_equal(siv_x25519(z, l.a.priv, l.b.pub), SIV_OK);
	siv_hkdf_extract(prk, pki_span("sivshmem1 static-static"),
			 (struct siv_span){ z, 32 });
	assert_memory_equal(prk, l.prk_a, 32);
	siv_put_le64(cid, l.offered.cid);
	info[0] = (struct siv_span){ (const u8 *)"sivshmem1 psk", 14 };
	info[1] = (struct siv_span){ l.offered.epoch, 16 };
	info[2] = (struct siv_span){ cid, 8 };
	info[3] = (struct siv_span){ l.offered.n, 32 };
	info[4] = (struct siv_span){ l.a.cert.hash, 32 };
	info[5] = (struct siv_span){ l.b.cert.hash, 32 };
	siv_hkdf_expand(psk, prk, info, 6);
	siv_connect_psk(got, prk, &l.offered);
	assert_memory_equal(psk, got, 32);
	/* NNpsk2 with M1 truly sent gives the same M2 and keys */
	siv_connect_prologue(prologue, &l.offered);
	setup.suite = SIV_SUITE_CHACHAPOLY;
	setup.prologue = (struct siv_span){ prologue, sizeof(prologue) };
	setup.psk = psk;
	setup.initiator = true;
	assert_int_equal(siv_noise_init(&na, &setup), SIV_OK);
	setup.initiator = false;
	assert_int_equal(siv_noise_init(&nb, &setup), SIV_OK);
	siv_noise_set_ephemeral(&na, l.ea_priv, l.ea_pub);
	pki_ephemeral(l.eb_priv, l.eb_pub, "eb", l.number);
	siv_noise_set_ephemeral(&nb, l.eb_priv, l.eb_pub);
	assert_int_equal(siv_noise_write(&na, l.t, none, m, sizeof(m), &n),
			 SIV_OK);
	assert_int_equal(n, 48);
	assert_int_equal(siv_noise_read(&nb, l.t, (struct siv_span){ m, n },
					opened, &n),
			 SIV_OK);
	assert_int_equal(siv_noise_write(&nb, l.t, none, m, sizeof(m), &n),
			 SIV_OK);
	assert_int_equal(n, 48);
	assert_memory_equal(m, l.accept.m2, 48);
	assert_int_equal(siv_noise_read(&na, l.t, (struct siv_span){ m, n },
					opened, &n),
			 SIV_OK);
	assert_int_equal(siv_noise_split(&na, &ka), SIV_OK);
	assert_int_equal(siv_noise_split(&nb, &kb), SIV_OK);
	assert_memory_equal(&ka, &kb, sizeof(ka));
	assert_memory_equal(ka.k1, l.cb.k1, 32);
	assert_memory_equal(ka.k2, l.cb.k2, 32);
	assert_memory_equal(ka.hh, l.cb.hh, 32);
	for (d = 0; d < 2; d++) {
		info[0] = (struct siv_span){ (const u8 *)"sivshmem1 ring", 15 };
		info[1] = (struct siv_span){ &d, 1 };
		info[2] = (struct siv_span){ ka.hh, 32 };
		siv_hkdf_expand(got, ka.x, info, 3);
		assert_memory_equal(got, l.cb.r[d], 32);
	}
	/* M3: k1, nonce 0, empty AD */
	assert_int_equal(link_granted(&l), SIV_OK);
	info[0] = (struct siv_span){ (const u8 *)"sivshmem1 grant", 16 };
	info[1] = (struct siv_span){ ka.hh, 32 };
	info[2] = (struct siv_span){ (const u8 *)&l.common, sizeof(l.common) };
	siv_sha256v(hash, info, 3);
	assert_int_equal(siv_aead_setkey(l.t, SIV_SUITE_CHACHAPOLY, ka.k1),
			 SIV_OK);
	assert_int_equal(siv_aead_open(l.t, 0, none,
				       (struct siv_span){ l.confirm.m3, 48 },
				       opened),
			 SIV_OK);
	assert_memory_equal(opened, hash, 32);
	link_free(&l);
}

static void test_prologue_bytes(void **state)
{
	struct siv_connect_ids ids = {
		.suite = 0x0201,
		.flags = 0x06050403,
		.cid = 0x1817161514131211u,
		.ring_ab = 0x2827262524232221u,
		.ring_ba = 0x3837363534333231u,
		.peer_a = 0x44434241,
		.peer_b = 0x54535251,
	};
	u8 want[SIV_CONNECT_PROLOGUE_LEN], got[SIV_CONNECT_PROLOGUE_LEN];
	size_t i;

	(void)state;
	memset(ids.epoch, 0xe0, 16);
	memset(ids.region_hash, 0xa1, 32);
	memset(ids.service_hash, 0xa2, 32);
	memset(ids.cert_a, 0xa3, 32);
	memset(ids.cert_b, 0xa4, 32);
	memset(ids.cert_host, 0xa5, 32);
	memset(ids.n, 0xa6, 32);
	memcpy(want, "sivshmem/connect\x01\x00\x01\x02\x03\x04\x05\x06", 24);
	memset(want + 24, 0xe0, 16);
	for (i = 0; i < 8; i++) {
		want[40 + i] = (u8)(0x11 + i);
		want[48 + i] = (u8)(0x21 + i);
		want[56 + i] = (u8)(0x31 + i);
	}
	for (i = 0; i < 4; i++) {
		want[64 + i] = (u8)(0x41 + i);
		want[68 + i] = (u8)(0x51 + i);
	}
	for (i = 0; i < 6; i++)
		memset(want + 72 + 32 * i, (int)(0xa1 + i), 32);
	siv_connect_prologue(got, &ids);
	assert_memory_equal(got, want, sizeof(want));
}

/* ------------------------------------------------------------ the prologue */

/* Every byte of it, changed at one end only: M2 does not open. */
static void test_prologue_byte(void **state)
{
	u8 prologue[SIV_CONNECT_PROLOGUE_LEN], psk[32], m[48], out[48];
	struct siv_noise_setup setup = { .pattern = SIV_NOISE_NNPSK2 };
	struct siv_span none = { NULL, 0 };
	struct siv_noise na, nb;
	struct link l;
	size_t at, n;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, 0);
	link_to_incoming(&l);
	siv_connect_prologue(prologue, &l.offered);
	siv_connect_psk(psk, l.prk_a, &l.offered);
	setup.suite = SIV_SUITE_CHACHAPOLY;
	setup.prologue = (struct siv_span){ prologue, sizeof(prologue) };
	setup.psk = psk;
	assert_int_equal(siv_noise_init(&nb, &setup), SIV_OK);
	siv_noise_set_ephemeral(&nb, l.eb_priv, l.eb_pub);
	assert_int_equal(siv_noise_rebuild_e(&nb, l.t, l.ea_pub), SIV_OK);
	assert_int_equal(siv_noise_write(&nb, l.t, none, m, sizeof(m), &n),
			 SIV_OK);
	setup.initiator = true;
	for (at = 0; at <= sizeof(prologue); at++) {
		if (at < sizeof(prologue))
			prologue[at] ^= (u8)(1u << at % 8);
		assert_int_equal(siv_noise_init(&na, &setup), SIV_OK);
		siv_noise_set_ephemeral(&na, l.ea_priv, l.ea_pub);
		assert_int_equal(siv_noise_write(&na, l.t, none, out,
						 sizeof(out), &n),
				 SIV_OK);
		assert_int_equal(siv_noise_read(&na, l.t,
						(struct siv_span){ m, 48 }, out,
						&n),
				 at < sizeof(prologue) ? SIV_R_TAG : SIV_OK);
		if (at < sizeof(prologue))
			prologue[at] ^= (u8)(1u << at % 8);
	}
	link_free(&l);
}

/* Every byte of what B believes, different from what A does. */
static void test_ids(void **state)
{
	struct link l;
	size_t at;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, 0);
	for (at = 0; at < sizeof(struct siv_connect_ids); at++) {
		struct siv_connect_ids before;
		enum siv_reason r;

		link_to_incoming(&l);
		before = l.offered;
		((u8 *)&l.offered)[at] ^= 0x10;
		r = link_incoming(&l);
		/* what INCOMING says too is compared at once */
		if (r) {
			assert_true(link_ended(&l.cb));
			continue;
		}
		l.offered = before;
		link_relay_accept(&l);
		r = link_granted(&l);
		/* padding of the struct is the only thing that may differ */
		if (!r) {
			u8 p[2][SIV_CONNECT_PROLOGUE_LEN];

			siv_connect_prologue(p[0], &l.cb.ids);
			siv_connect_prologue(p[1], &l.ca.ids);
			assert_memory_equal(p[0], p[1], sizeof(p[0]));
			continue;
		}
		assert_int_equal(r, SIV_R_TAG);
		assert_true(link_ended(&l.ca));
	}
	link_free(&l);
}

/* ------------------------------------------------- every bit of every message */

/*
 * The host (or K, were it in the session) changes one bit of what it relays. It ends
 * with one of the two ends: A opens only if it confirms what B accepted, B only if what
 * A confirmed is what B was granted.
 */
static void test_open_bits(void **state)
{
	size_t bit;
	struct link l;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	for (bit = 0; bit < 8 * SIV_KEY_LEN; bit++) {
		enum siv_reason r;

		link_to_incoming(&l);
		l.incoming.e_a[bit / 8] ^= (u8)(1u << bit % 8);
		r = link_incoming(&l);
		if (r) {
			assert_true(r == SIV_R_PUB_NOT_CANONICAL ||
				    r == SIV_R_DH_ZERO);
			assert_true(link_ended(&l.cb));
			continue;
		}
		link_relay_accept(&l);
		assert_int_equal(link_granted(&l), SIV_R_TAG);
		assert_true(link_ended(&l.ca));
	}
	link_free(&l);
}

static void test_grant_a_bits(void **state)
{
	size_t bit;
	struct link l;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	link_to_grant(&l);
	for (bit = 0; bit < 8 * sizeof(l.grant_a); bit++) {
		struct siv_grant_a good = l.grant_a;
		struct siv_connect a = l.ca, b = l.cb;
		size_t at = bit / 8;
		enum siv_reason r;

		((u8 *)&l.grant_a)[at] ^= (u8)(1u << bit % 8);
		r = link_granted(&l);
		if (r) {
			assert_true(link_ended(&l.ca));
			assert_true(link_zero(&l.confirm, sizeof(l.confirm)));
		} else if (at >= offsetof(struct siv_grant_a, common)) {
			/* another grant that could be: B was granted the true one */
			link_relay_confirm(&l);
			assert_int_equal(link_confirmed(&l), SIV_R_COMMON);
			assert_true(link_ended(&l.cb));
		} else {
			/* not the connect's: the caller's, to find request and cert */
			assert_true(
				at < 8 ||
				(at >= offsetof(struct siv_grant_a, cert_len) &&
				 at < offsetof(struct siv_grant_a, cert_hash)));
		}
		l.grant_a = good;
		l.ca = a;
		l.cb = b;
	}
	/* and as it was, it opens */
	assert_int_equal(link_granted(&l), SIV_OK);
	link_relay_confirm(&l);
	assert_int_equal(link_confirmed(&l), SIV_OK);
	link_free(&l);
}

static void test_grant_b_bits(void **state)
{
	size_t bit;
	struct link l;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	link_to_confirm(&l);
	for (bit = 0; bit < 8 * sizeof(l.grant_b); bit++) {
		struct siv_grant_b good = l.grant_b;
		struct siv_connect b = l.cb;
		enum siv_reason r;

		((u8 *)&l.grant_b)[bit / 8] ^= (u8)(1u << bit % 8);
		r = link_confirmed(&l);
		if (!r)
			fail_msg("bit %zu of GRANT_B is not covered", bit);
		if (bit / 8 >= offsetof(struct siv_grant_b, m3))
			assert_int_equal(r, SIV_R_TAG);
		assert_true(link_ended(&l.cb));
		assert_true(link_zero(&l.established, sizeof(l.established)));
		l.grant_b = good;
		l.cb = b;
	}
	assert_int_equal(link_confirmed(&l), SIV_OK);
	link_free(&l);
}

/* ------------------------------------------------------------------ swaps */

/* Two connects of the same pair at once; everything of one in the other's place. */
static void test_cut_and_paste(void **state)
{
	struct link one, two;

	(void)state;
	link_init(&one, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	two = one; /* the same three parties */
	two.number = 50;
	/* M2 of the other */
	link_to_grant(&one);
	link_to_grant(&two);
	memcpy(one.grant_a.m2, two.accept.m2, 48);
	assert_int_equal(link_granted(&one), SIV_R_TAG);
	assert_true(link_ended(&one.ca));
	/* M2's ephemeral of one, tag of the other */
	link_to_grant(&one);
	memcpy(one.grant_a.m2, two.accept.m2, 32);
	assert_int_equal(link_granted(&one), SIV_R_TAG);
	/* N of the other */
	link_to_grant(&one);
	memcpy(one.grant_a.n, two.offered.n, 32);
	assert_int_equal(link_granted(&one), SIV_R_TAG);
	/* cid of the other, also in COMMON */
	link_to_grant(&one);
	one.grant_a.cid = two.grant_a.cid;
	one.grant_a.common.cid = two.grant_a.cid;
	assert_int_equal(link_granted(&one), SIV_R_TAG);
	/* M3 of the other cid */
	link_to_confirm(&one);
	link_to_grant(&two);
	assert_int_equal(link_granted(&two), SIV_OK);
	memcpy(one.grant_b.m3, two.confirm.m3, 48);
	assert_int_equal(link_confirmed(&one), SIV_R_TAG);
	assert_true(link_ended(&one.cb));
	/* a whole GRANT_B of the other cid */
	link_to_confirm(&one);
	link_relay_confirm(&two);
	one.grant_b = two.grant_b;
	assert_int_equal(link_confirmed(&one), SIV_R_COMMON);
	/* a whole GRANT_A of the other */
	link_to_grant(&one);
	link_to_grant(&two);
	one.grant_a = two.grant_a;
	assert_int_equal(link_granted(&one), SIV_R_TAG);
	link_free(&one);
}

/* The host grants the two ends different things, each possible by itself. */
static void test_different_grants(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, 0);
	link_to_confirm(&l);
	siv_put_le64(&l.grant_b.common.side_off, 4 * MIB + 4 * GRANULE);
	assert_int_equal(link_confirmed(&l), SIV_R_COMMON);
	assert_true(link_ended(&l.cb));
	link_to_confirm(&l);
	siv_put_le16(&l.grant_b.common.vector_a, 9);
	assert_int_equal(link_confirmed(&l), SIV_R_COMMON);
	link_free(&l);
}

/* ------------------------------------------------------------ who is there */

static void test_wrong_keys(void **state)
{
	struct pki_party e;
	struct link l;
	u8 prk[SIV_HASH_LEN];

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	pki_party(&e, "e", PKI_REGION, "eve", "viewer");
	/* E takes A's place: it has A's certificate and its own key */
	assert_int_equal(siv_pair_prk(prk, e.key, e.pub, l.b.pub, l.host.pub),
			 SIV_OK);
	assert_memory_not_equal(prk, l.prk_a, SIV_HASH_LEN);
	link_to_grant(&l);
	memcpy(l.prk_a, prk, SIV_HASH_LEN);
	assert_int_equal(link_granted(&l), SIV_R_TAG);
	/* E takes B's place */
	assert_int_equal(siv_pair_prk(l.prk_a, l.a.key, l.a.pub, l.b.pub,
				      l.host.pub),
			 SIV_OK);
	assert_int_equal(siv_pair_prk(l.prk_b, e.key, e.pub, l.a.pub,
				      l.host.pub),
			 SIV_OK);
	link_to_grant(&l);
	assert_int_equal(link_granted(&l), SIV_R_TAG);
	/* a host that pairs A with E, which answers as itself: A sees E's certificate */
	link_to_grant(&l);
	memcpy(l.grant_a.cert_hash, e.cert.hash, SIV_HASH_LEN);
	assert_int_equal(link_granted(&l), SIV_R_COMMON);
	pki_party_free(&e);
	link_free(&l);
}

static void test_selfie(void **state)
{
	struct link l;
	u8 prk[SIV_HASH_LEN], pub[SIV_KEY_LEN];

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, 0);
	assert_int_equal(siv_pair_prk(prk, l.a.key, l.a.pub, l.a.pub,
				      l.host.pub),
			 SIV_R_CERT_SELF);
	assert_int_equal(siv_pair_prk(prk, l.a.key, l.a.pub, l.host.pub,
				      l.host.pub),
			 SIV_R_CERT_SELF);
	assert_true(link_zero(prk, sizeof(prk)));
	/* low order, and the same point written in another way */
	memset(pub, 0, sizeof(pub));
	assert_int_equal(siv_pair_prk(prk, l.a.key, l.a.pub, pub, l.host.pub),
			 SIV_R_DH_ZERO);
	memcpy(pub, l.a.pub, sizeof(pub));
	pub[31] |= 0x80;
	assert_int_equal(siv_pair_prk(prk, l.a.key, l.a.pub, pub, l.host.pub),
			 SIV_R_CERT_KEY_NOT_CANONICAL);
	/* own certificate, or the host's, as the peer's: at A ... */
	link_to_grant(&l);
	memcpy(l.grant_a.cert_hash, l.a.cert.hash, SIV_HASH_LEN);
	assert_int_equal(siv_connect_granted(&l.ca, l.t, &l.grant_a,
					     l.a.cert.hash, l.prk_a,
					     &link_geometry, &l.confirm),
			 SIV_R_CERT_SELF);
	assert_true(link_ended(&l.ca));
	link_to_grant(&l);
	memcpy(l.grant_a.cert_hash, l.host.cert.hash, SIV_HASH_LEN);
	assert_int_equal(siv_connect_granted(&l.ca, l.t, &l.grant_a,
					     l.host.cert.hash, l.prk_a,
					     &link_geometry, &l.confirm),
			 SIV_R_CERT_SELF);
	/* ... and at B */
	link_to_incoming(&l);
	memcpy(l.incoming.cert_hash, l.b.cert.hash, SIV_HASH_LEN);
	memcpy(l.offered.cert_a, l.b.cert.hash, SIV_HASH_LEN);
	assert_int_equal(link_incoming(&l), SIV_R_CERT_SELF);
	link_to_incoming(&l);
	memcpy(l.incoming.cert_hash, l.host.cert.hash, SIV_HASH_LEN);
	memcpy(l.offered.cert_a, l.host.cert.hash, SIV_HASH_LEN);
	assert_int_equal(link_incoming(&l), SIV_R_CERT_SELF);
	assert_true(link_ended(&l.cb));
	link_free(&l);
}

/* e_B = e_A, and a message that comes back to its sender. */
static void test_reflection(void **state)
{
	struct siv_fin fin;
	struct link l;
	u64 position;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	link_to_grant(&l);
	memcpy(l.grant_a.m2, l.ea_pub, SIV_KEY_LEN);
	assert_int_equal(link_granted(&l), SIV_R_PUB_NOT_CANONICAL);
	assert_true(link_ended(&l.ca));
	/* B is told that A has B's ephemeral */
	link_to_incoming(&l);
	memcpy(l.incoming.e_a, l.eb_pub, SIV_KEY_LEN);
	assert_int_equal(link_incoming(&l), SIV_R_PUB_NOT_CANONICAL);
	assert_true(link_ended(&l.cb));
	/* own FIN back */
	link_all(&l);
	assert_int_equal(siv_fin_make(&l.ca, l.t, 8, &fin), SIV_OK);
	assert_int_equal(siv_fin_open(&l.ca, l.t, &fin, &position), SIV_R_TAG);
	/* M3 as FIN */
	memcpy(fin.sealed, l.confirm.m3, sizeof(fin.sealed));
	assert_int_equal(siv_fin_open(&l.cb, l.t, &fin, &position), SIV_R_TAG);
	link_free(&l);
}

static void test_points(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, 0);
	link_to_incoming(&l);
	memset(l.incoming.e_a, 0, SIV_KEY_LEN);
	assert_int_equal(link_incoming(&l), SIV_R_DH_ZERO);
	assert_true(link_ended(&l.cb));
	link_to_incoming(&l);
	l.incoming.e_a[31] |= 0x80;
	assert_int_equal(link_incoming(&l), SIV_R_PUB_NOT_CANONICAL);
	link_to_grant(&l);
	memset(l.grant_a.m2, 0, SIV_KEY_LEN);
	l.grant_a.m2[0] = 1;
	assert_int_equal(link_granted(&l), SIV_R_DH_ZERO);
	assert_true(link_ended(&l.ca));
	link_to_grant(&l);
	memset(l.grant_a.m2, 0xff, SIV_KEY_LEN);
	assert_int_equal(link_granted(&l), SIV_R_PUB_NOT_CANONICAL);
	link_free(&l);
}

/* -------------------------------------------------------------- downgrade */

static void test_downgrade(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	/* the host tells B that A asked for a plain channel */
	link_to_incoming(&l);
	siv_put_le32(&l.incoming.flags, 0);
	l.offered.flags = 0;
	assert_int_equal(link_incoming(&l), SIV_OK);
	link_relay_accept(&l);
	siv_put_le32(&l.grant_a.common.flags, 0);
	assert_int_equal(link_granted(&l), SIV_R_TAG);
	/* or only grants one */
	link_to_grant(&l);
	siv_put_le32(&l.grant_a.common.flags, 0);
	assert_int_equal(link_granted(&l), SIV_R_COMMON);
	/* another suite, or size, or service */
	link_to_incoming(&l);
	siv_put_le16(&l.incoming.suite, SIV_SUITE_AESGCM);
	l.offered.suite = SIV_SUITE_AESGCM;
	assert_int_equal(link_incoming(&l), SIV_OK);
	link_relay_accept(&l);
	assert_int_equal(link_granted(&l), SIV_R_TAG);
	link_to_incoming(&l);
	siv_put_le64(&l.incoming.ring_ab, GRANULE);
	l.offered.ring_ab = GRANULE;
	assert_int_equal(link_incoming(&l), SIV_OK);
	link_relay_accept(&l);
	assert_int_equal(link_granted(&l), SIV_R_TAG);
	/* B does not take part in what it was not told, whatever its caller made of it */
	link_to_incoming(&l);
	siv_name_put(l.incoming.service, pki_span("camera.rear"));
	assert_int_equal(link_incoming(&l), SIV_R_COMMON);
	link_free(&l);
}

static void test_terms(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, 0);
	l.asked.suite = 0x11;
	assert_int_equal(link_open(&l), SIV_R_SUITE);
	assert_true(link_ended(&l.ca));
	l.asked.suite = 1;
	l.asked.flags = SIV_CH_STATIC;
	assert_int_equal(link_open(&l), SIV_R_UNSUPPORTED);
	l.asked.flags = 4;
	assert_int_equal(link_open(&l), SIV_R_RESERVED);
	l.asked.flags = 0;
	l.asked.ring_ab = 3 * GRANULE;
	assert_int_equal(link_open(&l), SIV_R_SIZE);
	l.asked.ring_ab = 0;
	assert_int_equal(link_open(&l), SIV_R_SIZE);
	l.asked.ring_ab = 1ull << 31;
	assert_int_equal(link_open(&l), SIV_R_SIZE);
	l.asked.ring_ab = GRANULE;
	l.asked.ring_ba = 2048;
	assert_int_equal(link_open(&l), SIV_R_SIZE);
	l.asked.ring_ba = GRANULE;
	memset(&l.ca, 0, sizeof(l.ca));
	assert_int_equal(siv_connect_open(&l.ca, &l.asked, l.ea_priv, l.ea_pub,
					  1, pki_span("Camera"), pki_span(""),
					  &l.open),
			 SIV_R_NAME);
	memset(&l.ca, 0, sizeof(l.ca));
	assert_int_equal(siv_connect_open(&l.ca, &l.asked, l.ea_priv, l.ea_pub,
					  1, pki_span("camera"),
					  pki_span(".host"), &l.open),
			 SIV_R_NAME);
	memset(&l.ca, 0, sizeof(l.ca));
	assert_int_equal(siv_connect_open(&l.ca, &l.asked, l.ea_priv, l.ea_pub,
					  1, pki_span("camera"), pki_span(""),
					  &l.open),
			 SIV_OK);
	/* one OPEN, one ephemeral */
	assert_int_equal(siv_connect_open(&l.ca, &l.asked, l.ea_priv, l.ea_pub,
					  1, pki_span("camera"), pki_span(""),
					  &l.open),
			 SIV_R_STATE);
	assert_int_equal(l.ca.state, SIV_CONNECT_OPENED);
	link_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_derivations),
		cmocka_unit_test(test_prologue_bytes),
		cmocka_unit_test(test_prologue_byte),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_open_bits),
		cmocka_unit_test(test_grant_a_bits),
		cmocka_unit_test(test_grant_b_bits),
		cmocka_unit_test(test_cut_and_paste),
		cmocka_unit_test(test_different_grants),
		cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_selfie),
		cmocka_unit_test(test_reflection),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_downgrade),
		cmocka_unit_test(test_terms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
