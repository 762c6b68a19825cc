// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Noise (revision 34): IK, NNpsk0 and NNpsk2. Every message is one function that
 * reads like its line of the pattern, one comment per token, so that a reviewer can
 * hold the specification beside it; section numbers are those of the specification.
 *
 * A message is made or read on a copy of the handshake, together with every other
 * temporary in one struct, which is wiped on the only way out. The copy is committed
 * when nothing can fail any more.
 */
#include "noise.h"
#include "kdf.h"

enum {
	SIV_NOISE_MESSAGES = 2, /* of each of the three patterns */
};

#define SIV_NOISE_REKEY_NONCE (~(u64)0)

/* All temporaries of one step: the handshake tried, the message, the last DH. */
struct siv_noise_step {
	struct siv_noise hs;
	struct siv_aead *t;
	struct siv_span in;    /* read: what is left of the message */
	u8 *out;	       /* write: the next free byte */
	size_t room;	       /* write: how many there are */
	size_t got;	       /* read: plaintext bytes of the last field */
	u8 ikm[SIV_KEY_LEN];   /* result of a DH */
	u8 temp[SIV_HASH_LEN]; /* temp_h of MixKeyAndHash */
};

static const char *siv_noise_pattern_name(enum siv_noise_pattern p)
{
	switch (p) {
	case SIV_NOISE_IK:
		return "Noise_IK_25519_";
	case SIV_NOISE_NNPSK0:
		return "Noise_NNpsk0_25519_";
	case SIV_NOISE_NNPSK2:
		return "Noise_NNpsk2_25519_";
	}
	return NULL;
}

static const char *siv_noise_cipher_name(u16 suite)
{
	switch (suite) {
	case SIV_SUITE_CHACHAPOLY:
		return "ChaChaPoly_SHA256";
	case SIV_SUITE_AESGCM:
		return "AESGCM_SHA256";
	}
	return NULL;
}

/* A public constant is compared, so not in constant time. */
bool siv_pub_canonical(const u8 pub[SIV_KEY_LEN])
{
	size_t i;

	if (pub[31] != 0x7f)
		return pub[31] < 0x7f;
	for (i = 30; i > 0; i--) {
		if (pub[i] != 0xff)
			return true;
	}
	return pub[0] < 0xed;
}

/* ------------------------------------------ SymmetricState, section 5.2 */

/* MixHash(data): h = HASH(h || data) */
static void siv_mix_hash(struct siv_symmetric *ss, const u8 *p, size_t n)
{
	struct siv_span v[2] = { { ss->h, sizeof(ss->h) }, { p, n } };

	siv_sha256v(ss->h, v, 2);
}

/* InitializeSymmetric(protocol_name), then MixHash(prologue) */
static void siv_symmetric_init(struct siv_symmetric *ss, const char *pattern,
			       const char *cipher, struct siv_span prologue)
{
	struct siv_span v[2] = {
		{ (const u8 *)pattern, strlen(pattern) },
		{ (const u8 *)cipher, strlen(cipher) },
	};

	memset(ss->h, 0, sizeof(ss->h));
	if (v[0].n + v[1].n <= sizeof(ss->h)) {
		memcpy(ss->h, v[0].p, v[0].n);
		memcpy(ss->h + v[0].n, v[1].p, v[1].n);
	} else {
		siv_sha256v(ss->h, v, 2);
	}
	memcpy(ss->ck, ss->h, sizeof(ss->ck));
	siv_mix_hash(ss, prologue.p, prologue.n);
}

/* MixKey(ikm): ck, k = HKDF(ck, ikm, 2); n = 0 */
static void siv_mix_key(struct siv_symmetric *ss, const u8 *p, size_t n)
{
	siv_noise_hkdf(ss->ck, (struct siv_span){ p, n }, ss->ck, ss->k, NULL);
	ss->n = 0;
	ss->has_key = true;
}

/* MixKeyAndHash(psk): ck, temp_h, k = HKDF(ck, psk, 3); MixHash(temp_h); n = 0 */
static void siv_mix_key_and_hash(struct siv_noise_step *w)
{
	struct siv_symmetric *ss = &w->hs.ss;

	siv_noise_hkdf(ss->ck, (struct siv_span){ w->hs.psk, SIV_KEY_LEN },
		       ss->ck, w->temp, ss->k);
	siv_mix_hash(ss, w->temp, sizeof(w->temp));
	ss->n = 0;
	ss->has_key = true;
}

/* EncryptAndHash(plaintext): in our patterns there always is a key by then */
static enum siv_reason siv_encrypt_and_hash(struct siv_noise_step *w,
					    struct siv_span plain)
{
	struct siv_symmetric *ss = &w->hs.ss;
	size_t n = plain.n + SIV_TAG_LEN;
	enum siv_reason r;

	if (!ss->has_key)
		return SIV_R_STATE;
	if (plain.n > w->room || w->room - plain.n < SIV_TAG_LEN)
		return SIV_R_LENGTH;
	r = siv_aead_setkey(w->t, ss->suite, ss->k);
	if (r)
		return r;
	r = siv_aead_seal(w->t, ss->n,
			  (struct siv_span){ ss->h, sizeof(ss->h) }, plain,
			  w->out);
	if (r)
		return r;
	ss->n++;
	siv_mix_hash(ss, w->out, n);
	w->out += n;
	w->room -= n;
	return SIV_OK;
}

/* DecryptAndHash(ciphertext): the first @n bytes of what is left, tag included */
static enum siv_reason siv_decrypt_and_hash(struct siv_noise_step *w, size_t n,
					    u8 *plain)
{
	struct siv_symmetric *ss = &w->hs.ss;
	struct siv_span cipher = { w->in.p, n };
	enum siv_reason r;

	if (!ss->has_key)
		return SIV_R_STATE;
	if (n < SIV_TAG_LEN || w->in.n < n)
		return SIV_R_LENGTH;
	r = siv_aead_setkey(w->t, ss->suite, ss->k);
	if (r)
		return r;
	r = siv_aead_open(w->t, ss->n,
			  (struct siv_span){ ss->h, sizeof(ss->h) }, cipher,
			  plain);
	if (r)
		return r;
	ss->n++;
	siv_mix_hash(ss, cipher.p, n);
	w->in.p += n;
	w->in.n -= n;
	w->got = n - SIV_TAG_LEN;
	return SIV_OK;
}

/* ------------------------------------------------- tokens, section 5.3 */

static bool siv_noise_is_psk(const struct siv_noise *hs)
{
	return hs->pattern != SIV_NOISE_IK;
}

/* Token e: MixHash(e.public_key); in psk handshakes also MixKey (section 9.2) */
static void siv_mix_e(struct siv_noise *hs, const u8 e[SIV_KEY_LEN])
{
	siv_mix_hash(&hs->ss, e, SIV_KEY_LEN);
	if (siv_noise_is_psk(hs))
		siv_mix_key(&hs->ss, e, SIV_KEY_LEN);
}

static enum siv_reason siv_send_e(struct siv_noise_step *w)
{
	if (!w->hs.has_e)
		return SIV_R_STATE;
	if (w->room < SIV_KEY_LEN)
		return SIV_R_LENGTH;
	memcpy(w->out, w->hs.e_pub, SIV_KEY_LEN);
	w->out += SIV_KEY_LEN;
	w->room -= SIV_KEY_LEN;
	siv_mix_e(&w->hs, w->hs.e_pub);
	return SIV_OK;
}

/* The peer's ephemeral must be canonical and not ours: judged before any DH. */
static enum siv_reason siv_check_re(const struct siv_noise *hs,
				    const u8 re[SIV_KEY_LEN])
{
	if (!siv_pub_canonical(re))
		return SIV_R_PUB_NOT_CANONICAL;
	if (hs->has_e && !memcmp(re, hs->e_pub, SIV_KEY_LEN))
		return SIV_R_PUB_NOT_CANONICAL;
	return SIV_OK;
}

static enum siv_reason siv_recv_e(struct siv_noise_step *w)
{
	enum siv_reason r;

	if (w->in.n < SIV_KEY_LEN)
		return SIV_R_LENGTH;
	r = siv_check_re(&w->hs, w->in.p);
	if (r)
		return r;
	memcpy(w->hs.re, w->in.p, SIV_KEY_LEN);
	w->in.p += SIV_KEY_LEN;
	w->in.n -= SIV_KEY_LEN;
	siv_mix_e(&w->hs, w->hs.re);
	return SIV_OK;
}

/* Token s, written: EncryptAndHash(s.public_key) */
static enum siv_reason siv_send_s(struct siv_noise_step *w)
{
	return siv_encrypt_and_hash(w, (struct siv_span){ w->hs.s_pub,
							  SIV_KEY_LEN });
}

/* Token s, read: rs = DecryptAndHash(); a key like any other: canonical or refused */
static enum siv_reason siv_recv_s(struct siv_noise_step *w)
{
	enum siv_reason r;

	r = siv_decrypt_and_hash(w, SIV_KEY_LEN + SIV_TAG_LEN, w->hs.rs);
	if (r)
		return r;
	return siv_pub_canonical(w->hs.rs) ? SIV_OK : SIV_R_PUB_NOT_CANONICAL;
}

/* Half of a DH token: MixKey(DH(own ephemeral, @pub)) */
static enum siv_reason siv_dh_e(struct siv_noise_step *w,
				const u8 pub[SIV_KEY_LEN])
{
	enum siv_reason r;

	if (!w->hs.has_e)
		return SIV_R_STATE;
	r = siv_x25519(w->ikm, w->hs.e_priv, pub);
	if (r)
		return r;
	siv_mix_key(&w->hs.ss, w->ikm, sizeof(w->ikm));
	return SIV_OK;
}

/* The other half: MixKey(DH(own static, @pub)) */
static enum siv_reason siv_dh_s(struct siv_noise_step *w,
				const u8 pub[SIV_KEY_LEN])
{
	enum siv_reason r;

	r = siv_x25519_static(w->ikm, w->hs.s, pub);
	if (r)
		return r;
	siv_mix_key(&w->hs.ss, w->ikm, sizeof(w->ikm));
	return SIV_OK;
}

/* Token psk: MixKeyAndHash(psk) */
static enum siv_reason siv_mix_psk(struct siv_noise_step *w)
{
	if (!w->hs.has_psk)
		return SIV_R_STATE;
	siv_mix_key_and_hash(w);
	return SIV_OK;
}

/* ------------------------------------------------------------- messages */

/* IK, first: -> e, es, s, ss */
static enum siv_reason siv_write_ik1(struct siv_noise_step *w,
				     struct siv_span payload)
{
	enum siv_reason r;

	/* e */
	r = siv_send_e(w);
	if (r)
		return r;
	/* es */
	r = siv_dh_e(w, w->hs.rs);
	if (r)
		return r;
	/* s */
	r = siv_send_s(w);
	if (r)
		return r;
	/* ss */
	r = siv_dh_s(w, w->hs.rs);
	if (r)
		return r;
	/* payload */
	return siv_encrypt_and_hash(w, payload);
}

static enum siv_reason siv_read_ik1(struct siv_noise_step *w, u8 *payload)
{
	enum siv_reason r;

	/* e */
	r = siv_recv_e(w);
	if (r)
		return r;
	/* es */
	r = siv_dh_s(w, w->hs.re);
	if (r)
		return r;
	/* s */
	r = siv_recv_s(w);
	if (r)
		return r;
	/* ss */
	r = siv_dh_s(w, w->hs.rs);
	if (r)
		return r;
	/* payload */
	return siv_decrypt_and_hash(w, w->in.n, payload);
}

/* IK, second: <- e, ee, se */
static enum siv_reason siv_write_ik2(struct siv_noise_step *w,
				     struct siv_span payload)
{
	enum siv_reason r;

	/* e */
	r = siv_send_e(w);
	if (r)
		return r;
	/* ee */
	r = siv_dh_e(w, w->hs.re);
	if (r)
		return r;
	/* se */
	r = siv_dh_e(w, w->hs.rs);
	if (r)
		return r;
	/* payload */
	return siv_encrypt_and_hash(w, payload);
}

static enum siv_reason siv_read_ik2(struct siv_noise_step *w, u8 *payload)
{
	enum siv_reason r;

	/* e */
	r = siv_recv_e(w);
	if (r)
		return r;
	/* ee */
	r = siv_dh_e(w, w->hs.re);
	if (r)
		return r;
	/* se */
	r = siv_dh_s(w, w->hs.re);
	if (r)
		return r;
	/* payload */
	return siv_decrypt_and_hash(w, w->in.n, payload);
}

/* NNpsk0, first: -> psk, e; NNpsk2, first: -> e */
static enum siv_reason siv_write_nn1(struct siv_noise_step *w,
				     struct siv_span payload)
{
	enum siv_reason r = SIV_OK;

	/* psk (NNpsk0) */
	if (w->hs.pattern == SIV_NOISE_NNPSK0)
		r = siv_mix_psk(w);
	if (r)
		return r;
	/* e */
	r = siv_send_e(w);
	if (r)
		return r;
	/* payload */
	return siv_encrypt_and_hash(w, payload);
}

static enum siv_reason siv_read_nn1(struct siv_noise_step *w, u8 *payload)
{
	enum siv_reason r = SIV_OK;

	/* psk (NNpsk0) */
	if (w->hs.pattern == SIV_NOISE_NNPSK0)
		r = siv_mix_psk(w);
	if (r)
		return r;
	/* e */
	r = siv_recv_e(w);
	if (r)
		return r;
	/* payload */
	return siv_decrypt_and_hash(w, w->in.n, payload);
}

/* NNpsk0, second: <- e, ee; NNpsk2, second: <- e, ee, psk */
static enum siv_reason siv_write_nn2(struct siv_noise_step *w,
				     struct siv_span payload)
{
	enum siv_reason r;

	/* e */
	r = siv_send_e(w);
	if (r)
		return r;
	/* ee */
	r = siv_dh_e(w, w->hs.re);
	if (r)
		return r;
	/* psk (NNpsk2) */
	if (w->hs.pattern == SIV_NOISE_NNPSK2)
		r = siv_mix_psk(w);
	if (r)
		return r;
	/* payload */
	return siv_encrypt_and_hash(w, payload);
}

static enum siv_reason siv_read_nn2(struct siv_noise_step *w, u8 *payload)
{
	enum siv_reason r;

	/* e */
	r = siv_recv_e(w);
	if (r)
		return r;
	/* ee */
	r = siv_dh_e(w, w->hs.re);
	if (r)
		return r;
	/* psk (NNpsk2) */
	if (w->hs.pattern == SIV_NOISE_NNPSK2)
		r = siv_mix_psk(w);
	if (r)
		return r;
	/* payload */
	return siv_decrypt_and_hash(w, w->in.n, payload);
}

static enum siv_reason siv_write_message(struct siv_noise_step *w,
					 struct siv_span payload)
{
	if (siv_noise_is_psk(&w->hs))
		return w->hs.step ? siv_write_nn2(w, payload) :
				    siv_write_nn1(w, payload);
	return w->hs.step ? siv_write_ik2(w, payload) :
			    siv_write_ik1(w, payload);
}

static enum siv_reason siv_read_message(struct siv_noise_step *w, u8 *payload)
{
	if (siv_noise_is_psk(&w->hs))
		return w->hs.step ? siv_read_nn2(w, payload) :
				    siv_read_nn1(w, payload);
	return w->hs.step ? siv_read_ik2(w, payload) : siv_read_ik1(w, payload);
}

/* -------------------------------------------- HandshakeState, section 5.3 */

void siv_noise_wipe(struct siv_noise *hs)
{
	siv_wipe(hs, sizeof(*hs));
	hs->failed = true;
}

enum siv_reason siv_noise_init(struct siv_noise *hs,
			       const struct siv_noise_setup *setup)
{
	const char *pattern = siv_noise_pattern_name(setup->pattern);
	const char *cipher = siv_noise_cipher_name(setup->suite);
	bool ik = setup->pattern == SIV_NOISE_IK;

	siv_noise_wipe(hs);
	if (!cipher)
		return SIV_R_SUITE;
	if (!pattern || (ik && (!setup->s || !setup->s_pub)) ||
	    (ik && setup->initiator && !setup->rs))
		return SIV_R_STATE;
	if (ik && setup->initiator && !siv_pub_canonical(setup->rs))
		return SIV_R_PUB_NOT_CANONICAL;

	hs->pattern = (u8)setup->pattern;
	hs->initiator = setup->initiator;
	hs->ss.suite = setup->suite;
	siv_symmetric_init(&hs->ss, pattern, cipher, setup->prologue);
	if (ik) {
		hs->s = setup->s;
		memcpy(hs->s_pub, setup->s_pub, SIV_KEY_LEN);
		if (setup->initiator)
			memcpy(hs->rs, setup->rs, SIV_KEY_LEN);
		/* <- s */
		siv_mix_hash(&hs->ss, setup->initiator ? hs->rs : hs->s_pub,
			     SIV_KEY_LEN);
	}
	hs->failed = false;
	if (setup->psk)
		siv_noise_set_psk(hs, setup->psk);
	return SIV_OK;
}

void siv_noise_set_ephemeral(struct siv_noise *hs, const u8 priv[SIV_KEY_LEN],
			     const u8 pub[SIV_KEY_LEN])
{
	if (hs->failed)
		return;
	memcpy(hs->e_priv, priv, SIV_KEY_LEN);
	memcpy(hs->e_pub, pub, SIV_KEY_LEN);
	hs->has_e = true;
}

void siv_noise_set_psk(struct siv_noise *hs, const u8 psk[SIV_KEY_LEN])
{
	if (hs->failed)
		return;
	memcpy(hs->psk, psk, SIV_KEY_LEN);
	hs->has_psk = true;
}

/* The initiator writes message 0, the responder message 1. */
static bool siv_noise_may(const struct siv_noise *hs, bool write)
{
	bool initiators = hs->step == 0;

	return !hs->failed && hs->step < SIV_NOISE_MESSAGES &&
	       (hs->initiator == initiators) == write;
}

enum siv_reason siv_noise_write(struct siv_noise *hs, struct siv_aead *t,
				struct siv_span payload, u8 *out, size_t cap,
				size_t *len)
{
	struct siv_noise_step w;
	enum siv_reason r;

	*len = 0;
	if (!siv_noise_may(hs, true))
		return SIV_R_STATE;
	memset(&w, 0, sizeof(w));
	w.hs = *hs;
	w.t = t;
	w.out = out;
	w.room = cap;
	r = siv_write_message(&w, payload);
	if (r) {
		siv_wipe(out, cap);
	} else {
		w.hs.step++;
		*len = cap - w.room;
		*hs = w.hs;
	}
	siv_aead_clear(t);
	siv_wipe(&w, sizeof(w));
	return r;
}

enum siv_reason siv_noise_read(struct siv_noise *hs, struct siv_aead *t,
			       struct siv_span in, u8 *payload, size_t *len)
{
	struct siv_noise_step w;
	enum siv_reason r;

	*len = 0;
	if (!siv_noise_may(hs, false))
		return SIV_R_STATE;
	memset(&w, 0, sizeof(w));
	w.hs = *hs;
	w.t = t;
	w.in = in;
	r = siv_read_message(&w, payload);
	if (r) {
		siv_wipe(payload, in.n);
	} else {
		w.hs.step++;
		*len = w.got;
		*hs = w.hs;
	}
	siv_aead_clear(t);
	siv_wipe(&w, sizeof(w));
	return r;
}

enum siv_reason siv_noise_rebuild_e(struct siv_noise *hs, struct siv_aead *t,
				    const u8 re[SIV_KEY_LEN])
{
	struct siv_noise_step w;
	u8 tag[SIV_TAG_LEN];
	enum siv_reason r;

	if (hs->pattern != SIV_NOISE_NNPSK2 || !siv_noise_may(hs, false))
		return SIV_R_STATE;
	memset(&w, 0, sizeof(w));
	w.hs = *hs;
	w.t = t;
	w.in = (struct siv_span){ re, SIV_KEY_LEN };
	w.out = tag;
	w.room = sizeof(tag);
	/* e */
	r = siv_recv_e(&w);
	/* payload: empty; its tag is what the initiator built, or M2 will not open */
	if (!r)
		r = siv_encrypt_and_hash(&w, (struct siv_span){ NULL, 0 });
	if (!r) {
		w.hs.step++;
		*hs = w.hs;
	}
	siv_aead_clear(t);
	siv_wipe(&w, sizeof(w));
	return r;
}

enum siv_reason siv_noise_split(struct siv_noise *hs,
				struct siv_noise_keys *out)
{
	if (hs->failed || hs->step != SIV_NOISE_MESSAGES) {
		siv_wipe(out, sizeof(*out));
		return SIV_R_STATE;
	}
	/* Split(): k1, k2 = HKDF(ck, empty, 2); the third output is the exporter's */
	siv_noise_hkdf(hs->ss.ck, (struct siv_span){ NULL, 0 }, out->k1,
		       out->k2, out->x);
	memcpy(out->hh, hs->ss.h, sizeof(out->hh));
	siv_noise_wipe(hs);
	return SIV_OK;
}

enum siv_reason siv_noise_rekey(struct siv_aead *t, u16 suite,
				u8 k[SIV_KEY_LEN])
{
	u8 next[SIV_KEY_LEN + SIV_TAG_LEN] = { 0 };
	struct siv_span in = { next, SIV_KEY_LEN }; /* zeros, sealed in place */
	enum siv_reason r;

	r = siv_aead_setkey(t, suite, k);
	if (!r)
		r = siv_aead_seal(t, SIV_NOISE_REKEY_NONCE,
				  (struct siv_span){ NULL, 0 }, in, next);
	if (!r)
		r = siv_aead_setkey(t, suite, next);
	if (!r)
		memcpy(k, next, SIV_KEY_LEN);
	else
		siv_aead_clear(t);
	siv_wipe(next, sizeof(next));
	return r;
}
