// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Checks of what was received: names, messages, the region header. A body that has
 * passed siv_msg_check() may be viewed as its struct; nothing else may.
 */
#include "wire.h"

/* ------------------------------------------------------------------- names */

static bool siv_name_first(u8 c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool siv_name_rest(u8 c)
{
	return siv_name_first(c) || c == '.' || c == '_' || c == '-';
}

bool siv_name_check(struct siv_span name)
{
	size_t i;

	if (!name.n || name.n > SIV_NAME_MAX || !siv_name_first(name.p[0]))
		return false;
	for (i = 1; i < name.n; i++)
		if (!siv_name_rest(name.p[i]))
			return false;
	return true;
}

bool siv_name_get(const u8 field[SIV_NAME_LEN], struct siv_span *out)
{
	size_t i, n = 0;

	*out = (struct siv_span){ .p = field, .n = 0 };
	while (n < SIV_NAME_LEN && field[n])
		n++;
	for (i = n; i < SIV_NAME_LEN; i++)
		if (field[i])
			return false;
	out->n = n;
	if (!n || siv_name_check(*out))
		return true;
	out->n = 0;
	return false;
}

void siv_name_put(u8 field[SIV_NAME_LEN], struct siv_span name)
{
	memset(field, 0, SIV_NAME_LEN);
	if (name.n && name.n <= SIV_NAME_MAX)
		memcpy(field, name.p, name.n);
}

/* ---------------------------------------------------------------- messages */

static bool siv_zero16(__le16 v)
{
	return !siv_get_le16(&v);
}

static bool siv_zero32(__le32 v)
{
	return !siv_get_le32(&v);
}

/* A field that must name a service (or VM), or may be empty if @empty. */
static enum siv_reason siv_msg_name_field(const u8 field[SIV_NAME_LEN],
					  bool empty)
{
	struct siv_span name;

	if (!siv_name_get(field, &name) || (!name.n && !empty))
		return SIV_R_NAME;
	return SIV_OK;
}

static enum siv_reason siv_msg_flags(__le32 flags, u32 known)
{
	return siv_get_le32(&flags) & ~known ? SIV_R_RESERVED : SIV_OK;
}

static bool siv_ring_size_ok(u64 size)
{
	return siv_is_pow2(size) && size >= SIV_RING_MIN &&
	       size <= SIV_RING_MAX;
}

static enum siv_reason siv_msg_rings(__le64 ab, __le64 ba)
{
	if (!siv_ring_size_ok(siv_get_le64(&ab)) ||
	    !siv_ring_size_ok(siv_get_le64(&ba)))
		return SIV_R_SIZE;
	return SIV_OK;
}

static enum siv_reason siv_msg_peer(__le32 peer)
{
	u32 p = siv_get_le32(&peer);

	return p && p <= SIV_PEER_MAX ? SIV_OK : SIV_R_SIZE;
}

/* A refusal must have a cause: code 0 would say that all is well. */
static enum siv_reason siv_msg_refusal(__le32 code, __le32 reserved)
{
	return siv_zero32(code) || !siv_zero32(reserved) ? SIV_R_RESERVED :
							   SIV_OK;
}

static enum siv_reason siv_check_listen(const void *body)
{
	const struct siv_listen *m = body;
	u32 backlog = siv_get_le32(&m->backlog);

	if (!backlog || backlog > SIV_BACKLOG_MAX)
		return SIV_R_SIZE;
	return siv_msg_flags(m->flags, SIV_CH_SEALED);
}

static enum siv_reason siv_check_result(const void *body)
{
	const struct siv_result *m = body;

	return siv_zero32(m->reserved) ? SIV_OK : SIV_R_RESERVED;
}

static enum siv_reason siv_check_open(const void *body)
{
	const struct siv_open *m = body;
	enum siv_reason r;

	if (!siv_zero16(m->reserved))
		return SIV_R_RESERVED;
	r = siv_msg_flags(m->flags, SIV_CH_SEALED | SIV_CH_STATIC);
	if (!r)
		r = siv_msg_rings(m->ring_ab, m->ring_ba);
	if (!r)
		r = siv_msg_name_field(m->service, false);
	if (!r)
		r = siv_msg_name_field(m->vm, true);
	return r;
}

static enum siv_reason siv_check_incoming(const void *body)
{
	const struct siv_incoming *m = body;
	enum siv_reason r;

	if (!siv_zero16(m->reserved0) || !siv_zero32(m->reserved1) ||
	    siv_get_le64(&m->prekey))
		return SIV_R_RESERVED;
	r = siv_msg_flags(m->flags, SIV_CH_FLAGS);
	if (!r)
		r = siv_msg_rings(m->ring_ab, m->ring_ba);
	if (!r)
		r = siv_msg_peer(m->peer_a);
	if (!r)
		r = siv_msg_peer(m->peer_b);
	if (!r)
		r = siv_msg_name_field(m->service, false);
	return r;
}

static enum siv_reason siv_check_reject(const void *body)
{
	const struct siv_reject *m = body;

	return siv_msg_refusal(m->code, m->reserved);
}

/* Only the form: whether it is what was agreed says siv_common_check(). */
static enum siv_reason siv_check_common(const struct siv_common *m)
{
	if (!siv_zero16(m->reserved0) || !siv_zero16(m->reserved1) ||
	    !siv_zero16(m->reserved2))
		return SIV_R_RESERVED;
	return siv_msg_flags(m->flags, SIV_CH_FLAGS);
}

static enum siv_reason siv_check_grant_a(const void *body)
{
	const struct siv_grant_a *m = body;
	enum siv_reason r = siv_check_common(&m->common);

	return r ? r : siv_msg_peer(m->peer_b);
}

static enum siv_reason siv_check_grant_b(const void *body)
{
	const struct siv_grant_b *m = body;

	return siv_check_common(&m->common);
}

static enum siv_reason siv_check_close(const void *body)
{
	const struct siv_close *m = body;

	return siv_zero32(m->reserved) ? SIV_OK : SIV_R_RESERVED;
}

static enum siv_reason siv_check_failed(const void *body)
{
	const struct siv_failed *m = body;

	return siv_msg_refusal(m->code, m->reserved);
}

/* Nothing to check but the length. */
static enum siv_reason siv_check_plain(const void *body)
{
	(void)body;
	return SIV_OK;
}

#define SIV_NO_CERT 0xffff

/* One row for each type; @cert_at: where the length of a certificate stands. */
struct siv_msg_rule {
	const char *name;
	u16 len;
	u16 cert_at;
	enum siv_reason (*check)(const void *body);
};

/* clang-format off */
#define SIV_RULE(type, label, size, fn)                                        \
	[SIV_MSG_##type] = { .name = (label), .len = (size),                   \
			     .cert_at = SIV_NO_CERT, .check = (fn) }
#define SIV_RULE_CERT(type, label, st, fn)                                     \
	[SIV_MSG_##type] = { .name = (label), .len = sizeof(st),               \
			     .cert_at = offsetof(st, cert_len), .check = (fn) }

static const struct siv_msg_rule siv_msg_rules[SIV_MSG_COUNT] = {
	SIV_RULE(READY, "ready", 0, siv_check_plain),
	SIV_RULE(ACK, "ack", 0, siv_check_plain),
	SIV_RULE(HEARTBEAT, "heartbeat", 0, siv_check_plain),
	SIV_RULE(GOODBYE, "goodbye", 0, siv_check_plain),
	SIV_RULE(LISTEN, "listen", sizeof(struct siv_listen), siv_check_listen),
	SIV_RULE(UNLISTEN, "unlisten", sizeof(struct siv_unlisten), siv_check_plain),
	SIV_RULE(RESULT, "result", sizeof(struct siv_result), siv_check_result),
	SIV_RULE(OPEN, "open", sizeof(struct siv_open), siv_check_open),
	SIV_RULE_CERT(INCOMING, "incoming", struct siv_incoming, siv_check_incoming),
	SIV_RULE(ACCEPT, "accept", sizeof(struct siv_accept), siv_check_plain),
	SIV_RULE(REJECT, "reject", sizeof(struct siv_reject), siv_check_reject),
	SIV_RULE_CERT(GRANT_A, "grant_a", struct siv_grant_a, siv_check_grant_a),
	SIV_RULE(CONFIRM, "confirm", sizeof(struct siv_confirm), siv_check_plain),
	SIV_RULE(GRANT_B, "grant_b", sizeof(struct siv_grant_b), siv_check_grant_b),
	SIV_RULE(ESTABLISHED, "established", sizeof(struct siv_established),
		 siv_check_plain),
	SIV_RULE(FIN, "fin", sizeof(struct siv_fin), siv_check_plain),
	SIV_RULE(CLOSE, "close", sizeof(struct siv_close), siv_check_close),
	SIV_RULE(CLOSED, "closed", sizeof(struct siv_close), siv_check_close),
	SIV_RULE(FAILED, "failed", sizeof(struct siv_failed), siv_check_failed),
};
/* clang-format on */

static const struct siv_msg_rule *siv_msg_rule(u16 type)
{
	if (type >= SIV_MSG_COUNT || !siv_msg_rules[type].name)
		return NULL;
	return &siv_msg_rules[siv_index_nospec(type, SIV_MSG_COUNT)];
}

const char *siv_msg_name(u16 type)
{
	const struct siv_msg_rule *rule = siv_msg_rule(type);

	return rule ? rule->name : "unknown";
}

/* The body has exactly its struct's length, and that of the certificate it announces. */
static enum siv_reason siv_msg_length(const struct siv_msg_rule *rule,
				      struct siv_span body)
{
	u32 cert_len;

	if (rule->cert_at == SIV_NO_CERT)
		return body.n == rule->len ? SIV_OK : SIV_R_LENGTH;
	if (body.n < rule->len)
		return SIV_R_LENGTH;
	cert_len = siv_get_le32(body.p + rule->cert_at);
	if (cert_len > SIV_CERT_MAX || body.n - rule->len != cert_len)
		return SIV_R_LENGTH;
	return SIV_OK;
}

enum siv_reason siv_msg_check(struct siv_span plain, u16 *type, u64 *ack,
			      struct siv_span *body)
{
	const struct siv_msg *m = (const void *)plain.p;
	const struct siv_msg_rule *rule;
	enum siv_reason r;

	*type = 0;
	*ack = 0;
	*body = (struct siv_span){ .p = NULL, .n = 0 };
	if (plain.n < SIV_MSG_HDR ||
	    siv_get_le32(&m->len) != plain.n - SIV_MSG_HDR)
		return SIV_R_LENGTH;
	*type = siv_get_le16(&m->type);
	if (!siv_zero16(m->reserved))
		return SIV_R_RESERVED;
	rule = siv_msg_rule(*type);
	if (!rule)
		return SIV_R_TYPE;
	*body = (struct siv_span){ .p = plain.p + SIV_MSG_HDR,
				   .n = plain.n - SIV_MSG_HDR };
	r = siv_msg_length(rule, *body);
	if (!r)
		r = rule->check(body->p);
	if (r)
		*body = (struct siv_span){ .p = NULL, .n = 0 };
	else
		*ack = siv_get_le64(&m->ack);
	return r;
}

/* ------------------------------------------------------------------ header */

/* A run of the region that something occupies. */
struct siv_area {
	u64 off;
	u64 len;
};

/* Is it inside the region? @len and @off come from hostile memory. */
static bool siv_area_inside(const struct siv_area *a, u64 size)
{
	return a->off <= size && a->len <= size - a->off;
}

/* Both are inside the region, so that no sum overflows. */
static bool siv_area_clash(const struct siv_area *a, const struct siv_area *b)
{
	return a->off < b->off + b->len && b->off < a->off + a->len;
}

static bool siv_all_zero(const u8 *p, size_t n)
{
	u8 any = 0;
	size_t i;

	for (i = 0; i < n; i++)
		any |= p[i];
	return !any;
}

/* Header, certificate, mailboxes, side pages and arena: inside, and apart. */
static bool siv_header_areas(const struct siv_region_header *h,
			     const struct siv_geometry *g)
{
	struct siv_area a[] = {
		{ 0, sizeof(*h) },
		{ siv_get_le32(&h->cert_off), siv_get_le32(&h->cert_len) },
		{ g->box_off, (u64)g->boxes * SIV_BOX_STRIDE },
		{ g->side_off, (u64)g->side_count * 2 * g->granule },
		{ g->extent_off, g->extent_len },
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(a); i++)
		if (!siv_area_inside(&a[i], g->region_size))
			return false;
	for (i = 0; i < ARRAY_SIZE(a); i++)
		for (j = 0; j < i; j++)
			if (siv_area_clash(&a[i], &a[j]))
				return false;
	return true;
}

static bool siv_header_rings(const struct siv_geometry *g)
{
	return siv_is_pow2(g->ring_min) && siv_is_pow2(g->ring_max) &&
	       g->ring_min >= SIV_RING_MIN && g->ring_min >= g->granule &&
	       g->ring_min <= g->ring_max && g->ring_max <= SIV_RING_MAX;
}

/* Mailboxes on pages of their own, side pages and arena on granules of their own. */
static bool siv_header_aligned(const struct siv_geometry *g)
{
	u64 mask = g->granule - 1;

	return !(g->box_off % SIV_GRANULE_MIN) && !(g->side_off & mask) &&
	       !(g->extent_off & mask) && !(g->extent_len & mask) &&
	       g->side_count && g->extent_len;
}

static bool siv_header_fixed(const struct siv_region_header *h)
{
	u32 cert_len = siv_get_le32(&h->cert_len);
	u32 sealed_max = siv_get_le32(&h->sealed_max);
	struct siv_span name;

	return siv_get_le16(&h->header_len) == sizeof(*h) &&
	       !(siv_get_le32(&h->flags) & ~SIV_REGION_FLAGS) &&
	       siv_get_le16(&h->slots) == SIV_BOX_SLOTS &&
	       siv_get_le32(&h->slot_size) == SIV_SLOT_SIZE &&
	       siv_get_le32(&h->box_stride) == SIV_BOX_STRIDE && sealed_max &&
	       sealed_max <= SIV_SEALED_MAX && cert_len &&
	       cert_len <= SIV_CERT_MAX && siv_zero32(h->reserved0) &&
	       siv_all_zero(h->reserved1, sizeof(h->reserved1)) &&
	       siv_all_zero(h->reserved2, sizeof(h->reserved2)) &&
	       siv_name_get(h->region, &name) && name.n;
}

static void siv_header_read(const struct siv_region_header *h,
			    struct siv_geometry *g)
{
	*g = (struct siv_geometry){
		.region_size = siv_get_le64(&h->region_size),
		.box_off = siv_get_le64(&h->box_off),
		.side_off = siv_get_le64(&h->side_off),
		.extent_off = siv_get_le64(&h->extent_off),
		.extent_len = siv_get_le64(&h->extent_len),
		.ring_min = siv_get_le64(&h->ring_min),
		.ring_max = siv_get_le64(&h->ring_max),
		.granule = siv_get_le32(&h->granule),
		.flags = siv_get_le32(&h->flags),
		.side_count = siv_get_le32(&h->side_count),
		.suites = siv_get_le32(&h->suites),
		.sealed_max = siv_get_le32(&h->sealed_max),
		.boxes = siv_get_le16(&h->boxes),
	};
}

static bool siv_header_sane(const struct siv_region_header *h,
			    const struct siv_geometry *g, u64 bar_len)
{
	return siv_is_pow2(g->region_size) && g->region_size == bar_len &&
	       siv_is_pow2(g->granule) && g->granule >= SIV_GRANULE_MIN &&
	       g->granule <= SIV_GRANULE_MAX && siv_is_pow2(g->boxes) &&
	       (g->suites & (1u << SIV_SUITE_CHACHAPOLY)) && !(g->suites & 1) &&
	       siv_header_fixed(h) && siv_header_aligned(g) &&
	       siv_header_rings(g) && siv_header_areas(h, g);
}

enum siv_reason siv_header_check(const struct siv_region_header *h, u64 bar_len,
				 u32 page, struct siv_geometry *g)
{
	struct siv_geometry tmp;

	memset(g, 0, sizeof(*g));
	if (memcmp(h->magic, SIV_MAGIC, sizeof(h->magic)))
		return SIV_R_HEADER;
	if (siv_get_le16(&h->version) != SIV_PROTOCOL_VERSION)
		return SIV_R_VERSION;
	siv_header_read(h, &tmp);
	if (!siv_header_sane(h, &tmp, bar_len))
		return SIV_R_HEADER;
	if (tmp.granule < page)
		return SIV_R_GRANULE;
	*g = tmp;
	return SIV_OK;
}
