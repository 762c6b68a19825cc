// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* HMAC and HKDF with SHA-256, and HKDF as Noise numbers its outputs. */
#include "kdf.h"

enum {
	SIV_HMAC_BLOCK = 64,
	SIV_HMAC_SPANS = 7,
	SIV_INFO_SPANS = 6,
};

/* All that an HMAC leaves behind. */
struct siv_hmac_temp {
	u8 key[SIV_HMAC_BLOCK];
	u8 pad[SIV_HMAC_BLOCK];
	u8 inner[SIV_HASH_LEN];
};

static void siv_hmac_pad(struct siv_hmac_temp *t, u8 x)
{
	size_t i;

	for (i = 0; i < SIV_HMAC_BLOCK; i++)
		t->pad[i] = t->key[i] ^ x;
}

void siv_hmac(u8 out[SIV_HASH_LEN], struct siv_span key,
	      const struct siv_span *v, size_t n)
{
	struct siv_span parts[1 + SIV_HMAC_SPANS];
	struct siv_hmac_temp t;
	size_t i;

	if (n > SIV_HMAC_SPANS) {
		/* a caller's bug: never a MAC over less than was given */
		memset(out, 0, SIV_HASH_LEN);
		return;
	}
	memset(t.key, 0, sizeof(t.key));
	if (key.n > sizeof(t.key))
		siv_sha256v(t.key, &key, 1);
	else if (key.n)
		memcpy(t.key, key.p, key.n);

	/* inner = H((key ^ ipad) || v) */
	siv_hmac_pad(&t, 0x36);
	parts[0] = (struct siv_span){ t.pad, sizeof(t.pad) };
	for (i = 0; i < n; i++)
		parts[1 + i] = v[i];
	siv_sha256v(t.inner, parts, 1 + n);

	/* out = H((key ^ opad) || inner) */
	siv_hmac_pad(&t, 0x5c);
	parts[1] = (struct siv_span){ t.inner, sizeof(t.inner) };
	siv_sha256v(out, parts, 2);
	siv_wipe(&t, sizeof(t));
}

void siv_hkdf_extract(u8 prk[SIV_HASH_LEN], struct siv_span salt,
		      struct siv_span ikm)
{
	siv_hmac(prk, salt, &ikm, 1);
}

void siv_hkdf_expand(u8 out[SIV_HASH_LEN], const u8 prk[SIV_HASH_LEN],
		     const struct siv_span *info, size_t n)
{
	static const u8 counter = 1;
	struct siv_span parts[SIV_INFO_SPANS + 1];
	struct siv_span key = { prk, SIV_HASH_LEN };
	size_t i;

	if (n > SIV_INFO_SPANS) {
		memset(out, 0, SIV_HASH_LEN);
		return;
	}
	for (i = 0; i < n; i++)
		parts[i] = info[i];
	parts[n] = (struct siv_span){ &counter, 1 };
	siv_hmac(out, key, parts, n + 1);
}

void siv_noise_hkdf(const u8 ck[SIV_HASH_LEN], struct siv_span ikm,
		    u8 o1[SIV_HASH_LEN], u8 o2[SIV_HASH_LEN],
		    u8 o3[SIV_HASH_LEN])
{
	static const u8 counter[3] = { 1, 2, 3 };
	struct {
		u8 key[SIV_HASH_LEN];
		u8 out[3][SIV_HASH_LEN];
	} t;
	struct siv_span key = { t.key, sizeof(t.key) };
	struct siv_span in[2];
	size_t i;

	/* temp_key = HMAC(ck, ikm); output_i = HMAC(temp_key, output_(i-1) || i) */
	siv_hmac(t.key, (struct siv_span){ ck, SIV_HASH_LEN }, &ikm, 1);
	for (i = 0; i < (o3 ? 3 : 2); i++) {
		in[0] = i ? (struct siv_span){ t.out[i - 1], SIV_HASH_LEN } :
			    (struct siv_span){ NULL, 0 };
		in[1] = (struct siv_span){ &counter[i], 1 };
		siv_hmac(t.out[i], key, in, 2);
	}
	memcpy(o1, t.out[0], SIV_HASH_LEN);
	memcpy(o2, t.out[1], SIV_HASH_LEN);
	if (o3)
		memcpy(o3, t.out[2], SIV_HASH_LEN);
	siv_wipe(&t, sizeof(t));
}
