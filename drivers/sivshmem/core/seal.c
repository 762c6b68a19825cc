// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Sealing of ring records: nonce discipline and the one-way rekey. */
#include "seal.h"
#include "kdf.h"

/* With their NUL: label || 00. */
static const u8 siv_label_key[] = "sivshmem1 key";
static const u8 siv_label_next[] = "sivshmem1 next";

/* K[d][i], into the transform */
static enum siv_reason siv_seal_load(struct siv_seal *s)
{
	struct siv_span info = { siv_label_key, sizeof(siv_label_key) };
	u8 k[SIV_KEY_LEN];
	enum siv_reason r;

	siv_hkdf_expand(k, s->r, &info, 1);
	r = siv_aead_setkey(s->t, s->suite, k);
	siv_wipe(k, sizeof(k));
	return r;
}

/* R[d][i+1] in place of R[d][i]: what was left behind cannot be had again */
static enum siv_reason siv_seal_step(struct siv_seal *s)
{
	struct siv_span info = { siv_label_next, sizeof(siv_label_next) };
	u8 next[SIV_KEY_LEN];

	siv_hkdf_expand(next, s->r, &info, 1);
	memcpy(s->r, next, sizeof(s->r));
	siv_wipe(next, sizeof(next));
	s->index++;
	return siv_seal_load(s);
}

enum siv_reason siv_seal_init(struct siv_seal *s, struct siv_aead *t, u16 suite,
			      const u8 r0[SIV_KEY_LEN])
{
	enum siv_reason r;

	memset(s, 0, sizeof(*s));
	s->t = t;
	s->suite = suite;
	memcpy(s->r, r0, sizeof(s->r));
	r = siv_seal_load(s);
	if (r)
		siv_seal_wipe(s);
	return r;
}

void siv_seal_wipe(struct siv_seal *s)
{
	if (s->t)
		siv_aead_clear(s->t);
	siv_wipe(s, sizeof(*s));
	s->next = SIV_SEAL_STOP;
}

/*
 * Use up the record at @pos that takes @room bytes of the ring, and have its key in
 * the transform. After a failure of the cryptography nothing more is sealed or opened.
 */
static enum siv_reason siv_seal_claim(struct siv_seal *s, u64 pos, u64 room)
{
	enum siv_reason r;

	if (s->next >= SIV_SEAL_STOP || pos >= SIV_SEAL_STOP ||
	    room > SIV_SEAL_STOP - pos)
		return SIV_R_EXHAUSTED;
	if (pos < s->next || pos >> SIV_SEAL_KEY_SHIFT > s->index + 1)
		return SIV_R_STATE;
	if (pos >> SIV_SEAL_KEY_SHIFT != s->index) {
		r = siv_seal_step(s);
		if (r) {
			siv_seal_wipe(s);
			return r;
		}
	}
	s->next = pos + room;
	return SIV_OK;
}

/* Bytes of the ring that a record with @sealed bytes behind its header takes. */
static u64 siv_seal_room(size_t sealed)
{
	return 8 + (((u64)sealed + 7) & ~(u64)7);
}

enum siv_reason siv_seal_record(struct siv_seal *s, u64 pos, const u8 hdr[8],
				struct siv_span in, u8 *out)
{
	enum siv_reason r;

	r = siv_seal_claim(s, pos, siv_seal_room(in.n + SIV_TAG_LEN));
	if (r)
		return r;
	return siv_aead_seal(s->t, pos, (struct siv_span){ hdr, 8 }, in, out);
}

enum siv_reason siv_seal_open(struct siv_seal *s, u64 pos, const u8 hdr[8],
			      struct siv_span in, u8 *out)
{
	enum siv_reason r;

	r = siv_seal_claim(s, pos, siv_seal_room(in.n));
	if (r)
		return r;
	return siv_aead_open(s->t, pos, (struct siv_span){ hdr, 8 }, in, out);
}
