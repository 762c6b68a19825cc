// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Session records: one key and one number per direction, sealed bytes in slots that
 * anybody may overwrite. The number is the nonce; the 16 header bytes are the
 * associated data; type and acknowledgement are inside the ciphertext.
 */
#include "noise.h"
#include "record.h"

/* ------------------------------------------------------- sealing, opening */

enum siv_reason siv_half_init(struct siv_half *h, struct siv_aead *t, u16 suite,
			      const u8 k[SIV_KEY_LEN])
{
	enum siv_reason r = siv_aead_setkey(t, suite, k);

	if (r)
		return r;
	h->t = t;
	h->next = 0;
	h->suite = suite;
	memcpy(h->k, k, SIV_KEY_LEN);
	return SIV_OK;
}

void siv_half_wipe(struct siv_half *h)
{
	if (h->t)
		siv_aead_clear(h->t);
	siv_wipe(h, sizeof(*h));
	h->next = SIV_RECORD_STOP;
}

/*
 * The number was used: go to the next one, with a new key where that is a multiple of
 * 2^16. Where no key follows, by design at 2^32 or by a failure, none is kept.
 */
static enum siv_reason siv_half_advance(struct siv_half *h)
{
	enum siv_reason r = SIV_OK;

	h->next++;
	if (h->next % SIV_RECORD_REKEY)
		return SIV_OK;
	if (h->next < SIV_RECORD_STOP) {
		/* REKEY */
		r = siv_noise_rekey(h->t, h->suite, h->k);
		if (!r)
			return SIV_OK;
	}
	siv_half_wipe(h);
	return r;
}

static void siv_record_header(u8 out[SIV_SLOT_HDR], size_t len, u32 tag,
			      u64 number)
{
	siv_put_le32(out, (u32)len);
	siv_put_le32(out + 4, tag);
	siv_put_le64(out + 8, number);
}

enum siv_reason siv_record_seal(struct siv_half *h, u32 tag, u16 type, u64 ack,
				struct siv_span body, struct siv_span more,
				u8 *out, size_t *len)
{
	struct siv_span ad = { .p = out, .n = SIV_SLOT_HDR };
	struct siv_span in = { .p = out + SIV_SLOT_HDR };
	u8 *p = out + SIV_SLOT_HDR;
	enum siv_reason r, advanced;

	*len = 0;
	if (h->next >= SIV_RECORD_STOP)
		return SIV_R_EXHAUSTED;
	if (body.n > SIV_BODY_MAX || more.n > SIV_BODY_MAX - body.n)
		return SIV_R_LENGTH;
	in.n = SIV_MSG_HDR + body.n + more.n;
	siv_record_header(out, in.n + SIV_TAG_LEN, tag, h->next);
	siv_put_le16(p, type);
	siv_put_le16(p + 2, 0);
	siv_put_le32(p + 4, (u32)(body.n + more.n));
	siv_put_le64(p + 8, ack);
	p += SIV_MSG_HDR;
	if (body.n)
		memcpy(p, body.p, body.n);
	if (more.n)
		memcpy(p + body.n, more.p, more.n);
	r = siv_aead_seal(h->t, h->next, ad, in, out + SIV_SLOT_HDR);
	/* The number is used up, whatever came out. */
	advanced = siv_half_advance(h);
	if (!r)
		r = advanced;
	if (r) {
		siv_wipe(out, SIV_SLOT_HDR + in.n + SIV_TAG_LEN);
		return r;
	}
	*len = SIV_SLOT_HDR + in.n + SIV_TAG_LEN;
	return SIV_OK;
}

enum siv_reason siv_record_open(struct siv_half *h, u32 tag,
				struct siv_span rec, u8 *plain, size_t *len)
{
	struct siv_span ad = { .p = rec.p, .n = SIV_SLOT_HDR };
	struct siv_span in;
	enum siv_reason r;

	*len = 0;
	if (h->next >= SIV_RECORD_STOP)
		return SIV_R_EXHAUSTED;
	if (rec.n < SIV_SLOT_HDR + SIV_MSG_HDR + SIV_TAG_LEN ||
	    rec.n > SIV_SLOT_SIZE ||
	    siv_get_le32(rec.p) != rec.n - SIV_SLOT_HDR)
		return SIV_R_LENGTH;
	/* exactly the next number of this session */
	if (siv_get_le32(rec.p + 4) != tag ||
	    siv_get_le64(rec.p + 8) != h->next)
		return SIV_R_NUMBER;
	in = (struct siv_span){ .p = rec.p + SIV_SLOT_HDR,
				.n = rec.n - SIV_SLOT_HDR };
	r = siv_aead_open(h->t, h->next, ad, in, plain);
	if (r)
		return r;
	*len = in.n - SIV_TAG_LEN;
	/* A key that cannot be renewed ends this half; what opened is still good. */
	(void)siv_half_advance(h);
	return SIV_OK;
}

/* ------------------------------------------------------------------- slots */

/*
 * The two words of a header in the region: length and tag, number. They are read and
 * written whole. The memory was written as bytes by somebody else: may_alias.
 */
typedef u64 __attribute__((__may_alias__)) siv_word;

bool siv_slot_peek(const void __peer *slot, struct siv_slot_info *info)
{
	const siv_word *w = (const siv_word __force *)slot;
	u64 word[2];

	/* Once, length first; pairs with the release in siv_slot_write(). */
	word[0] = virt_load_acquire(&w[0]);
	word[1] = READ_ONCE(w[1]);
	info->len = siv_get_le32(&word[0]);
	info->tag = siv_get_le32((const u8 *)&word[0] + 4);
	info->number = siv_get_le64(&word[1]);
	return info->len && info->len <= SIV_SLOT_PAYLOAD;
}

size_t siv_slot_copy(const void __peer *slot, const struct siv_slot_info *info,
		     u8 *out)
{
	size_t len = info->len;

	if (len > SIV_SLOT_PAYLOAD)
		return 0;
	len = (size_t)siv_index_nospec(len, SIV_SLOT_PAYLOAD + 1);
	siv_record_header(out, len, info->tag, info->number);
	siv_peer_copy(out + SIV_SLOT_HDR,
		      (const u8 __peer *)slot + SIV_SLOT_HDR, len);
	return SIV_SLOT_HDR + len;
}

void siv_slot_clear(void *slot)
{
	siv_word *w = slot;

	WRITE_ONCE(w[0], 0);
	/* before what comes next is written over the body */
	virt_mb();
}

void siv_slot_write(void *slot, const u8 *bytes, size_t len)
{
	siv_word *w = slot;
	u64 word[2];

	siv_slot_clear(slot);
	if (len < SIV_SLOT_HDR || len > SIV_SLOT_SIZE)
		return;
	memcpy(word, bytes, sizeof(word));
	memcpy((u8 *)slot + SIV_SLOT_HDR, bytes + SIV_SLOT_HDR,
	       len - SIV_SLOT_HDR);
	/* the number after the body */
	virt_store_release(&w[1], word[1]);
	/* length and tag last: with them the slot is full */
	virt_store_release(&w[0], word[0]);
}

/* ------------------------------------------------------------------ outbox */

static void *siv_slot_at(void *slots, int i)
{
	return (u8 *)slots + (size_t)i * SIV_SLOT_SIZE;
}

static int siv_outbox_holding(const struct siv_outbox *ob, u32 tag, u64 number)
{
	int i;

	for (i = 0; i < SIV_BOX_SLOTS; i++)
		if (ob->slot[i].used && ob->slot[i].tag == tag &&
		    ob->slot[i].number == number)
			return i;
	return -1;
}

static int siv_outbox_free(const struct siv_outbox *ob)
{
	int i;

	for (i = 0; i < SIV_BOX_SLOTS; i++)
		if (!ob->slot[i].used)
			return i;
	return -1;
}

/* Which slots siv_outbox_oldest() looks at. */
enum siv_outbox_of {
	SIV_OUTBOX_LAZY,
	SIV_OUTBOX_OWN,
	SIV_OUTBOX_ANY,
};

static bool siv_outbox_is(const struct siv_outbox *ob, int i,
			  enum siv_outbox_of of, u32 tag)
{
	switch (of) {
	case SIV_OUTBOX_LAZY:
		return ob->slot[i].lazy;
	case SIV_OUTBOX_OWN:
		return ob->slot[i].tag == tag;
	case SIV_OUTBOX_ANY:
		return true;
	}
	return false;
}

/* The slot of that kind that was written longest ago. */
static int siv_outbox_oldest(const struct siv_outbox *ob, enum siv_outbox_of of,
			     u32 tag)
{
	int i, best = -1;

	for (i = 0; i < SIV_BOX_SLOTS; i++) {
		if (!ob->slot[i].used || !siv_outbox_is(ob, i, of, tag))
			continue;
		if (best < 0 || ob->slot[i].since_ms < ob->slot[best].since_ms)
			best = i;
	}
	return best;
}

static bool siv_outbox_held(const struct siv_outbox *ob, int i, u64 now_ms,
			    u64 least_ms)
{
	return i >= 0 && now_ms - ob->slot[i].since_ms >= least_ms;
}

static int siv_outbox_choose(const struct siv_outbox *ob, u32 tag, u64 number,
			     u64 now_ms)
{
	int at = siv_outbox_holding(ob, tag, number);

	if (at < 0)
		at = siv_outbox_free(ob);
	if (at >= 0)
		return at;
	at = siv_outbox_oldest(ob, SIV_OUTBOX_LAZY, tag);
	if (siv_outbox_held(ob, at, now_ms, SIV_OUTBOX_LAZY_MS))
		return at;
	at = siv_outbox_oldest(ob, SIV_OUTBOX_OWN, tag);
	if (at < 0)
		at = siv_outbox_oldest(ob, SIV_OUTBOX_ANY, tag);
	return siv_outbox_held(ob, at, now_ms, SIV_OUTBOX_HOLD_MS) ? at : -1;
}

int siv_outbox_take(struct siv_outbox *ob, u32 tag, u64 number, bool lazy,
		    u64 now_ms)
{
	int at = siv_outbox_choose(ob, tag, number, now_ms);

	if (at < 0)
		return -1;
	ob->slot[at].tag = tag;
	ob->slot[at].number = number;
	ob->slot[at].lazy = lazy;
	ob->slot[at].used = true;
	ob->slot[at].since_ms = now_ms;
	return at;
}

void siv_outbox_release(struct siv_outbox *ob, void *slots, u32 tag, u64 next)
{
	int i;

	for (i = 0; i < SIV_BOX_SLOTS; i++) {
		if (!ob->slot[i].used || ob->slot[i].tag != tag ||
		    ob->slot[i].number >= next)
			continue;
		siv_slot_clear(siv_slot_at(slots, i));
		ob->slot[i].used = false;
		ob->slot[i].lazy = false;
	}
}

void siv_outbox_drop(struct siv_outbox *ob, void *slots, u32 tag)
{
	siv_outbox_release(ob, slots, tag, ~(u64)0);
}
