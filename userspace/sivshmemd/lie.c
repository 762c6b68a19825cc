// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The dishonest daemon of the tests (-DSIV_DISHONEST). */
#include <stdio.h>

#include "core/crypto_openssl.h"
#include "lie.h"
#include "region.h"

enum lie_kind {
	LIE_NONE,
	LIE_EPHEMERAL,	 /* e_A, or e_B in M2 */
	LIE_CERTIFICATE, /* of another live session */
	LIE_SERVICE, /* another name, or the certificate of another service */
	LIE_SIZE,    /* of a ring */
	LIE_FLAG,    /* sealed */
	LIE_GENERATION, /* the cid of an earlier channel */
	LIE_OVERLAP,	/* the extent of a live channel */
	LIE_RANGE,	/* an extent past the end */
	LIE_MOVED,	/* another extent, as good as any to who sees only it */
	LIE_PEER,	/* another peer number */
	LIE_NONCE,	/* N */
	LIE_NO_FIN,	/* FIN goes no further */
	LIE_OTHER_FIN,	/* its seal is broken */
	LIE_DEMANDS,	/* a listener's own demands are not looked at */
	LIE_KINDS
};

static const char *const lie_names[LIE_KINDS] = {
	[LIE_NONE] = "none",
	[LIE_EPHEMERAL] = "ephemeral",
	[LIE_CERTIFICATE] = "certificate",
	[LIE_SERVICE] = "service",
	[LIE_SIZE] = "size",
	[LIE_FLAG] = "flag",
	[LIE_GENERATION] = "generation",
	[LIE_OVERLAP] = "overlap",
	[LIE_RANGE] = "range",
	[LIE_MOVED] = "moved",
	[LIE_PEER] = "peer",
	[LIE_NONCE] = "nonce",
	[LIE_NO_FIN] = "no_fin",
	[LIE_OTHER_FIN] = "other_fin",
	[LIE_DEMANDS] = "demands",
};

static enum lie_kind lie_kind;
static u16 lie_type; /* 0: in every message that has such a field */
static char lie_text[64] = "none";

bool lie_set(const char *text)
{
	static const u16 types[] = { SIV_MSG_INCOMING, SIV_MSG_GRANT_A,
				     SIV_MSG_GRANT_B };
	const char *at = strchr(text, '@');
	size_t len = at ? (size_t)(at - text) : strlen(text), i;
	enum lie_kind kind = LIE_KINDS;
	u16 type = 0;

	if (!strcmp(text, "extent"))
		return lie_set("overlap");
	for (i = 0; i < LIE_KINDS; i++)
		if (strlen(lie_names[i]) == len &&
		    !memcmp(lie_names[i], text, len))
			kind = (enum lie_kind)i;
	for (i = 0; at && i < ARRAY_SIZE(types); i++)
		if (!strcmp(siv_msg_name(types[i]), at + 1))
			type = types[i];
	if (kind == LIE_KINDS || (at && !type))
		return false;
	lie_kind = kind;
	lie_type = type;
	snprintf(lie_text, sizeof(lie_text), "%s", text);
	return true;
}

const char *lie_now(void)
{
	return lie_text;
}

static bool lie_in(u16 type, enum lie_kind kind)
{
	return lie_kind == kind && (!lie_type || lie_type == type);
}

static void lie_told(const struct channel *ch, u16 type)
{
	struct audit_who who = { ch->r->name, ch->a.desk->m->name,
				 ch->a.service };

	audit_note(ch->b->audit, AUDIT_LIE, SIV_OK, &who, NULL,
		   "%s in %s of cid %llu", lie_text, siv_msg_name(type),
		   (unsigned long long)ch->kept.cid);
}

/* Another session of this region than @right; of another service, if @service. */
static const struct session *
lie_other(const struct channel *ch, const struct session *right, bool service)
{
	u32 i;

	for (i = 0; i < ch->r->member_count; i++) {
		const struct member *m = ch->r->members[i];
		const struct session *s;

		if (!m)
			continue;
		for (s = TAILQ_FIRST(&m->desk->sessions); s;
		     s = TAILQ_NEXT(s, of_desk))
			if (s != right && s->phase == SESSION_LIVE &&
			    !(service && !strcmp(s->service, right->service)))
				return s;
	}
	return right;
}

/* The certificate itself is swapped; its hash goes with it (lie_hash()). */
struct siv_span lie_cert(const struct channel *ch, u16 type,
			 struct siv_span der)
{
	const struct session *own =
		type == SIV_MSG_INCOMING ? ch->a.session : ch->b_side.session;

	if (lie_in(type, LIE_CERTIFICATE))
		return lie_other(ch, own, false)->cert.der;
	if (type == SIV_MSG_GRANT_A && lie_in(type, LIE_SERVICE))
		return lie_other(ch, own, true)->cert.der;
	return der;
}

static void lie_hash(const struct channel *ch, u16 type,
		     const struct session *own, u8 hash[SIV_HASH_LEN])
{
	struct siv_span der = lie_cert(ch, type, own->cert.der);

	if (der.p == own->cert.der.p)
		return;
	siv_sha256v(hash, &der, 1);
	lie_told(ch, type);
}

static void lie_key(u8 key[SIV_KEY_LEN])
{
	u8 priv[SIV_KEY_LEN];

	if (!siv_random(priv, sizeof(priv)))
		(void)!siv_x25519_base(key, priv);
}

static u64 lie_old_cid(const struct channel *ch)
{
	return ch->kept.cid > 1 ? ch->kept.cid - 1 : ch->kept.cid + 1;
}

/* The memory of another live channel; else the control pages' own table. */
static void lie_overlap(const struct channel *ch, struct siv_common *c)
{
	struct channel *o;
	u32 at = 0;

	while ((o = map_next(&ch->b->channels, &at))) {
		if (o == ch || o->r != ch->r || !o->extent)
			continue;
		siv_put_le64(&c->extent_off, o->extent->off);
		siv_put_le64(&c->ring_ab_off, o->extent->off);
		siv_put_le64(&c->ring_ba_off, o->extent->off + ch->ring_ab);
		return;
	}
	siv_put_le64(&c->extent_off, ch->r->geo.side_off);
	siv_put_le64(&c->ring_ab_off, ch->r->geo.side_off);
	siv_put_le64(&c->ring_ba_off, ch->r->geo.side_off + ch->ring_ab);
}

static void lie_past_end(const struct channel *ch, struct siv_common *c)
{
	u64 end = ch->r->geo.extent_off + ch->r->geo.extent_len;

	siv_put_le64(&c->extent_off, end);
	siv_put_le64(&c->ring_ab_off, end);
	siv_put_le64(&c->ring_ba_off, end + ch->ring_ab);
}

/* Somewhere in the middle: aligned, and not live at either end. */
static void lie_moved(const struct channel *ch, struct siv_common *c)
{
	u64 len = ch->extent->len;
	u64 off = ch->r->geo.extent_off + ch->r->geo.extent_len / len / 2 * len;

	if (off == ch->extent->off)
		off += len;
	siv_put_le64(&c->extent_off, off);
	siv_put_le64(&c->ring_ab_off, off);
	siv_put_le64(&c->ring_ba_off, off + ch->ring_ab);
}

static void lie_common(const struct channel *ch, u16 type, struct siv_common *c)
{
	if (lie_in(type, LIE_SIZE))
		siv_put_le64(&c->ring_ab_len, ch->ring_ab * 2);
	else if (lie_in(type, LIE_FLAG))
		siv_put_le32(&c->flags, ch->flags ^ SIV_CH_SEALED);
	else if (lie_in(type, LIE_GENERATION))
		siv_put_le64(&c->cid, lie_old_cid(ch));
	else if (lie_in(type, LIE_OVERLAP))
		lie_overlap(ch, c);
	else if (lie_in(type, LIE_RANGE))
		lie_past_end(ch, c);
	else if (lie_in(type, LIE_MOVED))
		lie_moved(ch, c);
	else if (lie_in(type, LIE_PEER))
		siv_put_le32(&c->peer_b, siv_get_le32(&c->peer_b) + 1);
	else
		return;
	lie_told(ch, type);
}

void lie_incoming(const struct channel *ch, struct siv_incoming *m)
{
	const u16 type = SIV_MSG_INCOMING;

	lie_hash(ch, type, ch->a.session, m->cert_hash);
	if (lie_in(type, LIE_EPHEMERAL))
		lie_key(m->e_a);
	else if (lie_in(type, LIE_SERVICE))
		siv_name_put(m->service,
			     (struct siv_span){ (const u8 *)"other", 5 });
	else if (lie_in(type, LIE_SIZE))
		siv_put_le64(&m->ring_ab, ch->ring_ab * 2);
	else if (lie_in(type, LIE_FLAG))
		siv_put_le32(&m->flags, ch->flags ^ SIV_CH_SEALED);
	else if (lie_in(type, LIE_GENERATION))
		siv_put_le64(&m->cid, lie_old_cid(ch));
	else if (lie_in(type, LIE_PEER))
		siv_put_le32(&m->peer_a, siv_get_le32(&m->peer_a) + 1);
	else if (lie_in(type, LIE_NONCE))
		m->n[0] ^= 1;
	else
		return;
	lie_told(ch, type);
}

void lie_grant_a(const struct channel *ch, struct siv_grant_a *m)
{
	const u16 type = SIV_MSG_GRANT_A;

	lie_hash(ch, type, ch->b_side.session, m->cert_hash);
	lie_common(ch, type, &m->common);
	if (lie_in(type, LIE_EPHEMERAL))
		lie_key(m->m2);
	else if (lie_in(type, LIE_GENERATION))
		siv_put_le64(&m->cid, lie_old_cid(ch));
	else if (lie_in(type, LIE_PEER))
		siv_put_le32(&m->peer_b, siv_get_le32(&m->peer_b) + 1);
	else if (lie_in(type, LIE_NONCE))
		m->n[0] ^= 1;
	else
		return;
	lie_told(ch, type);
}

void lie_grant_b(const struct channel *ch, struct siv_grant_b *m)
{
	lie_common(ch, SIV_MSG_GRANT_B, &m->common);
}

bool lie_fin(const struct channel *ch, struct siv_fin *m)
{
	if (lie_kind != LIE_NO_FIN && lie_kind != LIE_OTHER_FIN)
		return false;
	m->sealed[0] ^= 1;
	lie_told(ch, SIV_MSG_FIN);
	return lie_kind == LIE_NO_FIN;
}

bool lie_demands(const struct session *a, const struct session *b)
{
	struct audit_who who = session_who(a);

	if (lie_kind != LIE_DEMANDS)
		return false;
	audit_note(a->b->audit, AUDIT_LIE, SIV_OK, &who, NULL, "%s of %s/%s",
		   lie_text, b->desk->m->name, b->service);
	return true;
}
