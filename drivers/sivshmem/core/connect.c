// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Connect:
 *
 *   Noise_NNpsk2_25519_*_SHA256  prologue: siv_connect_prologue()
 *     -> e                       M1: never sent; each side builds it from e_A
 *     <- e, ee, psk              M2: b's proof that it has the pair's secret
 *   M3, the first transport message, over what was granted: a's proof
 *
 * The psk comes from X25519(static a, static b), of which only the PRK is kept. A step
 * that fails ends the connect: everything is wiped and the true cause returned.
 */
#include "connect.h"
#include "kdf.h"

/* A label of a key derivation: its zero byte is part of it. */
#define SIV_LABEL(text)                          \
	{                                        \
		(const u8 *)(text), sizeof(text) \
	}
/* A salt: without it. */
#define SIV_SALT(text)                               \
	{                                            \
		(const u8 *)(text), sizeof(text) - 1 \
	}

#define SIV_FIN_STOP ((u64)1 << 63)

/* Nonces of k1 and k2: nothing else is ever sealed under them. */
enum {
	SIV_NONCE_M3 = 0,     /* k1 */
	SIV_NONCE_FIN_AB = 1, /* k1 */
	SIV_NONCE_FIN_BA = 0, /* k2 */
};

void siv_connect_prologue(u8 out[SIV_CONNECT_PROLOGUE_LEN],
			  const struct siv_connect_ids *ids)
{
	memcpy(out, "sivshmem/connect", 16);
	siv_put_le16(out + 16, SIV_PROTOCOL_VERSION);
	siv_put_le16(out + 18, ids->suite);
	siv_put_le32(out + 20, ids->flags);
	memcpy(out + 24, ids->epoch, SIV_EPOCH_LEN);
	siv_put_le64(out + 40, ids->cid);
	siv_put_le64(out + 48, ids->ring_ab);
	siv_put_le64(out + 56, ids->ring_ba);
	siv_put_le32(out + 64, ids->peer_a);
	siv_put_le32(out + 68, ids->peer_b);
	memcpy(out + 72, ids->region_hash, SIV_HASH_LEN);
	memcpy(out + 104, ids->service_hash, SIV_HASH_LEN);
	memcpy(out + 136, ids->cert_a, SIV_HASH_LEN);
	memcpy(out + 168, ids->cert_b, SIV_HASH_LEN);
	memcpy(out + 200, ids->cert_host, SIV_HASH_LEN);
	memcpy(out + 232, ids->n, sizeof(ids->n));
}

/* ----------------------------------------------------------- the pair's key */

enum siv_reason siv_pair_prk(u8 prk[SIV_HASH_LEN], const struct siv_static *own,
			     const u8 own_pub[SIV_KEY_LEN],
			     const u8 peer_pub[SIV_KEY_LEN],
			     const u8 host_pub[SIV_KEY_LEN])
{
	const struct siv_span salt = SIV_SALT("sivshmem1 static-static");
	u8 z[SIV_KEY_LEN];
	enum siv_reason r;

	memset(prk, 0, SIV_HASH_LEN);
	if (!siv_pub_canonical(peer_pub))
		return SIV_R_CERT_KEY_NOT_CANONICAL;
	if (siv_equal(peer_pub, own_pub, SIV_KEY_LEN) ||
	    siv_equal(peer_pub, host_pub, SIV_KEY_LEN))
		return SIV_R_CERT_SELF;
	r = siv_x25519_static(z, own, peer_pub);
	if (!r)
		siv_hkdf_extract(prk, salt, (struct siv_span){ z, sizeof(z) });
	siv_wipe(z, sizeof(z));
	return r;
}

void siv_connect_psk(u8 psk[SIV_KEY_LEN], const u8 prk[SIV_HASH_LEN],
		     const struct siv_connect_ids *ids)
{
	u8 cid[8];
	const struct siv_span info[] = {
		SIV_LABEL("sivshmem1 psk"),    { ids->epoch, SIV_EPOCH_LEN },
		{ cid, sizeof(cid) },	       { ids->n, sizeof(ids->n) },
		{ ids->cert_a, SIV_HASH_LEN }, { ids->cert_b, SIV_HASH_LEN },
	};

	siv_put_le64(cid, ids->cid);
	siv_hkdf_expand(psk, prk, info, ARRAY_SIZE(info));
}

/* ---------------------------------------------------------------- what may */

#define SIV_BIT(type) (1u << SIV_MSG_##type)
#define SIV_BITS_END (SIV_BIT(CLOSE) | SIV_BIT(CLOSED))

/* clang-format off */
static const u32 siv_connect_messages[2][SIV_CONNECT_STATES] = {
	{	/* B */
		[SIV_CONNECT_IDLE] = SIV_BIT(INCOMING),
		[SIV_CONNECT_ACCEPTED] = SIV_BIT(GRANT_B) | SIV_BITS_END,
		[SIV_CONNECT_OPEN] = SIV_BIT(FIN) | SIV_BITS_END,
		[SIV_CONNECT_ENDED] = SIV_BITS_END,
	}, {	/* A */
		[SIV_CONNECT_OPENED] = SIV_BIT(GRANT_A) | SIV_BIT(FAILED),
		[SIV_CONNECT_OPEN] = SIV_BIT(FIN) | SIV_BITS_END,
		[SIV_CONNECT_ENDED] = SIV_BITS_END,
	},
};

static const u32 siv_relay_messages[2][SIV_RELAY_STATES] = {
	{	/* from B */
		[SIV_RELAY_OPENED] = SIV_BIT(ACCEPT) | SIV_BIT(REJECT),
		[SIV_RELAY_GRANTED] = SIV_BIT(FAILED) | SIV_BITS_END,
		[SIV_RELAY_CONFIRMED] =
			SIV_BIT(ESTABLISHED) | SIV_BIT(FAILED) | SIV_BITS_END,
		[SIV_RELAY_ESTABLISHED] = SIV_BIT(FIN) | SIV_BITS_END,
		[SIV_RELAY_ENDED] = SIV_BIT(CLOSED),
	}, {	/* from A */
		[SIV_RELAY_GRANTED] =
			SIV_BIT(CONFIRM) | SIV_BIT(FAILED) | SIV_BITS_END,
		[SIV_RELAY_CONFIRMED] = SIV_BIT(FIN) | SIV_BITS_END,
		[SIV_RELAY_ESTABLISHED] = SIV_BIT(FIN) | SIV_BITS_END,
		[SIV_RELAY_ENDED] = SIV_BIT(CLOSED),
	},
};
/* clang-format on */

enum siv_reason siv_connect_may(bool a, enum siv_connect_state state, u16 type)
{
	if (state >= SIV_CONNECT_STATES || type >= SIV_MSG_COUNT ||
	    !(siv_connect_messages[a][state] & 1u << type))
		return SIV_R_STATE;
	return SIV_OK;
}

enum siv_reason siv_relay_may(enum siv_relay_state state, bool from_a, u16 type)
{
	if (state >= SIV_RELAY_STATES || type >= SIV_MSG_COUNT ||
	    !(siv_relay_messages[from_a][state] & 1u << type))
		return SIV_R_STATE;
	return SIV_OK;
}

void siv_connect_wipe(struct siv_connect *c)
{
	c->state = SIV_CONNECT_ENDED;
	siv_wipe(c->e_priv, sizeof(c->e_priv));
	siv_wipe(c->e_pub, sizeof(c->e_pub));
	siv_wipe(c->hh, sizeof(c->hh));
	siv_wipe(c->k1, sizeof(c->k1));
	siv_wipe(c->k2, sizeof(c->k2));
	siv_wipe(c->r, sizeof(c->r));
}

/* ------------------------------------------------------------------ COMMON */

void siv_common_ranges(const struct siv_common *c,
		       const struct siv_geometry *geo, struct siv_range out[2])
{
	out[0].off = siv_get_le64(&c->side_off);
	out[0].len = (u64)2 * geo->granule;
	out[1].off = siv_get_le64(&c->extent_off);
	out[1].len = siv_get_le64(&c->extent_len);
}

/* One past the last byte; false if there is no such number. */
static bool siv_range_end(const struct siv_range *r, u64 *end)
{
	*end = r->off + r->len;
	return *end >= r->off;
}

bool siv_range_overlap(const struct siv_range *a, const struct siv_range *b)
{
	u64 a_end, b_end;

	if (!siv_range_end(a, &a_end) || !siv_range_end(b, &b_end))
		return true;
	return a->len && b->len && a->off < b_end && b->off < a_end;
}

static bool siv_range_inside(const struct siv_range *r,
			     const struct siv_range *outer)
{
	u64 end, outer_end;

	return siv_range_end(r, &end) && siv_range_end(outer, &outer_end) &&
	       r->off >= outer->off && end <= outer_end;
}

static bool siv_common_agreed(const struct siv_common *c,
			      const struct siv_connect_ids *ids)
{
	return siv_get_le64(&c->cid) == ids->cid &&
	       siv_get_le32(&c->flags) == ids->flags &&
	       siv_get_le16(&c->suite) == ids->suite &&
	       siv_get_le64(&c->ring_ab_len) == ids->ring_ab &&
	       siv_get_le64(&c->ring_ba_len) == ids->ring_ba &&
	       siv_get_le32(&c->peer_a) == ids->peer_a &&
	       siv_get_le32(&c->peer_b) == ids->peer_b;
}

/* Both side pages of one entry of the table. */
static bool siv_common_side_ok(const struct siv_range *side,
			       const struct siv_geometry *geo)
{
	const struct siv_range table = { geo->side_off,
					 geo->side_count * side->len };

	return siv_range_inside(side, &table) &&
	       !((side->off - geo->side_off) & (side->len - 1));
}

static bool siv_common_ring_ok(const struct siv_range *ring,
			       const struct siv_range *extent,
			       const struct siv_geometry *geo)
{
	return siv_is_pow2(ring->len) && ring->len >= geo->ring_min &&
	       ring->len <= geo->ring_max &&
	       !(ring->off & (geo->granule - 1)) &&
	       !(ring->len & (geo->granule - 1)) &&
	       siv_range_inside(ring, extent);
}

enum siv_reason siv_common_check(const struct siv_common *c,
				 const struct siv_connect_ids *ids,
				 const struct siv_geometry *geo)
{
	const struct siv_range arena = { geo->extent_off, geo->extent_len };
	const struct siv_range ab = { siv_get_le64(&c->ring_ab_off),
				      siv_get_le64(&c->ring_ab_len) };
	const struct siv_range ba = { siv_get_le64(&c->ring_ba_off),
				      siv_get_le64(&c->ring_ba_len) };
	struct siv_range ranges[2];

	if (siv_get_le16(&c->reserved0) || siv_get_le16(&c->reserved1) ||
	    siv_get_le16(&c->reserved2))
		return SIV_R_RESERVED;
	if (!siv_common_agreed(c, ids))
		return SIV_R_COMMON;
	if (siv_get_le16(&c->vector_a) == SIV_VECTOR_HOST ||
	    siv_get_le16(&c->vector_b) == SIV_VECTOR_HOST)
		return SIV_R_RANGE;
	siv_common_ranges(c, geo, ranges);
	if (!siv_common_side_ok(&ranges[0], geo) ||
	    !siv_is_pow2(ranges[1].len) ||
	    (ranges[1].off & (geo->granule - 1)) ||
	    !siv_range_inside(&ranges[1], &arena) ||
	    !siv_common_ring_ok(&ab, &ranges[1], geo) ||
	    !siv_common_ring_ok(&ba, &ranges[1], geo) ||
	    siv_range_overlap(&ab, &ba))
		return SIV_R_RANGE;
	return SIV_OK;
}

/* --------------------------------------------------------------- handshake */

/* Temporaries of granted, incoming and confirmed. */
struct siv_connect_tmp {
	struct siv_noise noise;
	struct siv_noise_keys keys;
	u8 psk[SIV_KEY_LEN];
	u8 prologue[SIV_CONNECT_PROLOGUE_LEN];
	u8 m[48];
	u8 grant[SIV_HASH_LEN];
};

/* What no version of ours makes or takes. */
static enum siv_reason siv_connect_terms(const struct siv_connect_ids *ids)
{
	if (ids->suite != SIV_SUITE_CHACHAPOLY &&
	    ids->suite != SIV_SUITE_AESGCM)
		return SIV_R_SUITE;
	if (ids->flags & SIV_CH_STATIC)
		return SIV_R_UNSUPPORTED;
	if (ids->flags & ~SIV_CH_FLAGS)
		return SIV_R_RESERVED;
	if (!siv_is_pow2(ids->ring_ab) || !siv_is_pow2(ids->ring_ba) ||
	    ids->ring_ab < SIV_RING_MIN || ids->ring_ab > SIV_RING_MAX ||
	    ids->ring_ba < SIV_RING_MIN || ids->ring_ba > SIV_RING_MAX)
		return SIV_R_SIZE;
	return SIV_OK;
}

/* Three parties, three certificates. */
static enum siv_reason siv_connect_parties(const struct siv_connect_ids *ids)
{
	if (!memcmp(ids->cert_a, ids->cert_b, SIV_HASH_LEN) ||
	    !memcmp(ids->cert_a, ids->cert_host, SIV_HASH_LEN) ||
	    !memcmp(ids->cert_b, ids->cert_host, SIV_HASH_LEN))
		return SIV_R_CERT_SELF;
	return SIV_OK;
}

static enum siv_reason siv_connect_init(struct siv_connect_tmp *tmp,
					const struct siv_connect *c,
					const u8 prk[SIV_HASH_LEN])
{
	struct siv_noise_setup setup = {
		.pattern = SIV_NOISE_NNPSK2,
		.suite = c->ids.suite,
		.initiator = c->a,
		.prologue = { tmp->prologue, sizeof(tmp->prologue) },
		.psk = tmp->psk,
	};

	siv_connect_prologue(tmp->prologue, &c->ids);
	siv_connect_psk(tmp->psk, prk, &c->ids);
	return siv_noise_init(&tmp->noise, &setup);
}

/* R[d][0], from the exporter secret and the handshake hash. */
static void siv_connect_rings(struct siv_connect *c,
			      const struct siv_noise_keys *keys)
{
	u8 d;

	for (d = 0; d < 2; d++) {
		const struct siv_span info[] = {
			SIV_LABEL("sivshmem1 ring"),
			{ &d, 1 },
			{ keys->hh, SIV_HASH_LEN },
		};

		siv_hkdf_expand(c->r[d], keys->x, info, ARRAY_SIZE(info));
	}
}

/* M2 is made or opened: take k1, k2, hh and the ring keys; the rest goes with @tmp. */
static enum siv_reason siv_connect_split(struct siv_connect *c,
					 struct siv_connect_tmp *tmp)
{
	enum siv_reason r;

	/* Split, with X as third output */
	r = siv_noise_split(&tmp->noise, &tmp->keys);
	if (r)
		return r;
	memcpy(c->k1, tmp->keys.k1, SIV_KEY_LEN);
	memcpy(c->k2, tmp->keys.k2, SIV_KEY_LEN);
	memcpy(c->hh, tmp->keys.hh, SIV_HASH_LEN);
	if (c->ids.flags & SIV_CH_SEALED)
		siv_connect_rings(c, &tmp->keys);
	siv_wipe(&tmp->keys, sizeof(tmp->keys));
	siv_wipe(c->e_priv, sizeof(c->e_priv));
	return SIV_OK;
}

/* What M3 proves: H("sivshmem1 grant" 00 || hh || COMMON). */
static void siv_connect_grant_hash(u8 out[SIV_HASH_LEN],
				   const struct siv_connect *c)
{
	const struct siv_span v[] = {
		SIV_LABEL("sivshmem1 grant"),
		{ c->hh, SIV_HASH_LEN },
		{ (const u8 *)&c->common, sizeof(c->common) },
	};

	siv_sha256v(out, v, ARRAY_SIZE(v));
}

/* Seal or open one message under k1 or k2; the transform keeps no key. */
static enum siv_reason siv_connect_aead(const struct siv_connect *c,
					struct siv_aead *t,
					const u8 k[SIV_KEY_LEN], u64 nonce,
					bool seal, struct siv_span in, u8 *out)
{
	const struct siv_span none = { NULL, 0 };
	enum siv_reason r;

	r = siv_aead_setkey(t, c->ids.suite, k);
	if (!r && seal)
		r = siv_aead_seal(t, nonce, none, in, out);
	else if (!r)
		r = siv_aead_open(t, nonce, none, in, out);
	siv_aead_clear(t);
	return r;
}

/* M3 is made or opened: a plain channel has no use for keys any more. */
static void siv_connect_opened(struct siv_connect *c)
{
	if (!(c->ids.flags & SIV_CH_SEALED)) {
		siv_wipe(c->k1, sizeof(c->k1));
		siv_wipe(c->k2, sizeof(c->k2));
	}
	c->state = SIV_CONNECT_OPEN;
}

/* ----------------------------------------------------------------------- A */

enum siv_reason siv_connect_open(struct siv_connect *c,
				 const struct siv_connect_ids *ids,
				 const u8 e_priv[SIV_KEY_LEN],
				 const u8 e_pub[SIV_KEY_LEN], u64 request,
				 struct siv_span service, struct siv_span vm,
				 struct siv_open *out)
{
	enum siv_reason r;

	memset(out, 0, sizeof(*out));
	if (c->state != SIV_CONNECT_IDLE)
		return SIV_R_STATE;
	c->a = true;
	c->ids = *ids;
	r = siv_connect_terms(ids);
	if (!r && (!siv_name_check(service) || (vm.n && !siv_name_check(vm))))
		r = SIV_R_NAME;
	if (r) {
		siv_connect_wipe(c);
		return r;
	}
	memcpy(c->e_priv, e_priv, SIV_KEY_LEN);
	memcpy(c->e_pub, e_pub, SIV_KEY_LEN);
	siv_put_le64(&out->request, request);
	siv_put_le16(&out->suite, ids->suite);
	siv_put_le32(&out->flags, ids->flags);
	siv_put_le64(&out->ring_ab, ids->ring_ab);
	siv_put_le64(&out->ring_ba, ids->ring_ba);
	siv_name_put(out->service, service);
	siv_name_put(out->vm, vm);
	memcpy(out->e_a, e_pub, SIV_KEY_LEN);
	c->state = SIV_CONNECT_OPENED;
	return SIV_OK;
}

/* M1 is built, M2 opened: then b is at the other end. */
static enum siv_reason siv_connect_open_m2(struct siv_connect *c,
					   struct siv_connect_tmp *tmp,
					   struct siv_aead *t,
					   const struct siv_grant_a *g,
					   const u8 prk[SIV_HASH_LEN])
{
	const struct siv_span none = { NULL, 0 };
	const struct siv_span m2 = { g->m2, sizeof(g->m2) };
	enum siv_reason r;
	size_t n;

	r = siv_connect_init(tmp, c, prk);
	if (r)
		return r;
	siv_noise_set_ephemeral(&tmp->noise, c->e_priv, c->e_pub);
	/* -> e */
	r = siv_noise_write(&tmp->noise, t, none, tmp->m, sizeof(tmp->m), &n);
	if (r)
		return r;
	/* <- e, ee, psk; refuses e_B that is not canonical or is e_A */
	r = siv_noise_read(&tmp->noise, t, m2, tmp->m, &n);
	if (r)
		return r;
	return n ? SIV_R_LENGTH : siv_connect_split(c, tmp);
}

static enum siv_reason
siv_connect_grant(struct siv_connect *c, struct siv_connect_tmp *tmp,
		  struct siv_aead *t, const struct siv_grant_a *g,
		  const u8 cert_b[SIV_HASH_LEN], const u8 prk[SIV_HASH_LEN],
		  const struct siv_geometry *geo, struct siv_confirm *out)
{
	enum siv_reason r;

	c->ids.cid = siv_get_le64(&g->cid);
	c->ids.peer_b = siv_get_le32(&g->peer_b);
	memcpy(c->ids.n, g->n, sizeof(c->ids.n));
	memcpy(c->ids.cert_b, cert_b, SIV_HASH_LEN);
	if (memcmp(cert_b, g->cert_hash, SIV_HASH_LEN))
		return SIV_R_COMMON;
	r = siv_connect_parties(&c->ids);
	if (!r)
		r = siv_connect_open_m2(c, tmp, t, g, prk);
	if (!r)
		r = siv_common_check(&g->common, &c->ids, geo);
	if (r)
		return r;
	c->common = g->common;
	/* M3 */
	siv_connect_grant_hash(tmp->grant, c);
	memcpy(&out->cid, &g->cid, sizeof(out->cid));
	return siv_connect_aead(c, t, c->k1, SIV_NONCE_M3, true,
				(struct siv_span){ tmp->grant, SIV_HASH_LEN },
				out->m3);
}

enum siv_reason siv_connect_granted(struct siv_connect *c, struct siv_aead *t,
				    const struct siv_grant_a *g,
				    const u8 cert_b[SIV_HASH_LEN],
				    const u8 prk[SIV_HASH_LEN],
				    const struct siv_geometry *geo,
				    struct siv_confirm *out)
{
	struct siv_connect_tmp tmp;
	enum siv_reason r;

	memset(out, 0, sizeof(*out));
	if (!c->a || c->state != SIV_CONNECT_OPENED)
		return SIV_R_STATE;
	memset(&tmp, 0, sizeof(tmp));
	r = siv_connect_grant(c, &tmp, t, g, cert_b, prk, geo, out);
	siv_wipe(&tmp, sizeof(tmp));
	if (r) {
		memset(out, 0, sizeof(*out));
		siv_connect_wipe(c);
		return r;
	}
	siv_connect_opened(c);
	return SIV_OK;
}

/* ----------------------------------------------------------------------- B */

/* Does INCOMING say what the caller has made of it, and of its own knowledge? */
static bool siv_incoming_agrees(const struct siv_incoming *in,
				const struct siv_connect_ids *ids)
{
	struct siv_span service;
	u8 hash[SIV_HASH_LEN];

	if (!siv_name_get(in->service, &service))
		return false;
	siv_sha256v(hash, &service, 1);
	return siv_get_le64(&in->cid) == ids->cid &&
	       siv_get_le16(&in->suite) == ids->suite &&
	       siv_get_le32(&in->flags) == ids->flags &&
	       siv_get_le64(&in->ring_ab) == ids->ring_ab &&
	       siv_get_le64(&in->ring_ba) == ids->ring_ba &&
	       siv_get_le32(&in->peer_a) == ids->peer_a &&
	       siv_get_le32(&in->peer_b) == ids->peer_b &&
	       !memcmp(in->n, ids->n, sizeof(ids->n)) &&
	       !memcmp(in->cert_hash, ids->cert_a, SIV_HASH_LEN) &&
	       !memcmp(hash, ids->service_hash, SIV_HASH_LEN);
}

/* M1 is rebuilt from e_A, M2 made. */
static enum siv_reason
siv_connect_make_m2(struct siv_connect *c, struct siv_connect_tmp *tmp,
		    struct siv_aead *t, const struct siv_incoming *in,
		    const u8 e_priv[SIV_KEY_LEN], const u8 e_pub[SIV_KEY_LEN],
		    const u8 prk[SIV_HASH_LEN], u8 m2[48])
{
	const struct siv_span none = { NULL, 0 };
	enum siv_reason r;
	size_t n;

	r = siv_connect_init(tmp, c, prk);
	if (r)
		return r;
	siv_noise_set_ephemeral(&tmp->noise, e_priv, e_pub);
	/* -> e; refuses e_A that is not canonical or is e_B */
	r = siv_noise_rebuild_e(&tmp->noise, t, in->e_a);
	if (r)
		return r;
	/* <- e, ee, psk */
	r = siv_noise_write(&tmp->noise, t, none, m2, 48, &n);
	if (r)
		return r;
	return n == 48 ? siv_connect_split(c, tmp) : SIV_R_LENGTH;
}

enum siv_reason siv_connect_incoming(struct siv_connect *c, struct siv_aead *t,
				     const struct siv_connect_ids *ids,
				     const struct siv_incoming *in,
				     u8 e_priv[SIV_KEY_LEN],
				     const u8 e_pub[SIV_KEY_LEN],
				     const u8 prk[SIV_HASH_LEN],
				     struct siv_accept *out)
{
	struct siv_connect_tmp tmp;
	enum siv_reason r;

	memset(out, 0, sizeof(*out));
	if (c->state != SIV_CONNECT_IDLE)
		return SIV_R_STATE;
	c->a = false;
	c->ids = *ids;
	memset(&tmp, 0, sizeof(tmp));
	r = siv_connect_terms(ids);
	if (!r)
		r = siv_connect_parties(ids);
	if (!r && (!siv_incoming_agrees(in, ids) || siv_get_le64(&in->prekey)))
		r = SIV_R_COMMON;
	if (!r && !memcmp(in->e_a, e_pub, SIV_KEY_LEN))
		r = SIV_R_PUB_NOT_CANONICAL;
	if (!r)
		r = siv_connect_make_m2(c, &tmp, t, in, e_priv, e_pub, prk,
					out->m2);
	siv_wipe(&tmp, sizeof(tmp));
	siv_wipe(e_priv, SIV_KEY_LEN);
	if (r) {
		memset(out, 0, sizeof(*out));
		siv_connect_wipe(c);
		return r;
	}
	memcpy(&out->cid, &in->cid, sizeof(out->cid));
	c->state = SIV_CONNECT_ACCEPTED;
	return SIV_OK;
}

/* M3 opened, and what it says is what we were granted: then a is at the other end. */
static enum siv_reason siv_connect_confirm(struct siv_connect *c,
					   struct siv_connect_tmp *tmp,
					   struct siv_aead *t,
					   const struct siv_grant_b *g,
					   const struct siv_geometry *geo)
{
	enum siv_reason r;

	r = siv_common_check(&g->common, &c->ids, geo);
	if (r)
		return r;
	c->common = g->common;
	/* M3 */
	r = siv_connect_aead(c, t, c->k1, SIV_NONCE_M3, false,
			     (struct siv_span){ g->m3, sizeof(g->m3) }, tmp->m);
	if (r)
		return r;
	siv_connect_grant_hash(tmp->grant, c);
	return siv_equal(tmp->m, tmp->grant, SIV_HASH_LEN) ? SIV_OK :
							     SIV_R_COMMON;
}

enum siv_reason siv_connect_confirmed(struct siv_connect *c, struct siv_aead *t,
				      const struct siv_grant_b *g,
				      const struct siv_geometry *geo,
				      struct siv_established *out)
{
	struct siv_connect_tmp tmp;
	enum siv_reason r;

	memset(out, 0, sizeof(*out));
	if (c->a || c->state != SIV_CONNECT_ACCEPTED)
		return SIV_R_STATE;
	memset(&tmp, 0, sizeof(tmp));
	r = siv_connect_confirm(c, &tmp, t, g, geo);
	siv_wipe(&tmp, sizeof(tmp));
	if (r) {
		siv_connect_wipe(c);
		return r;
	}
	memcpy(&out->cid, &g->common.cid, sizeof(out->cid));
	siv_connect_opened(c);
	return SIV_OK;
}

/* --------------------------------------------------------------------- FIN */

/* The key of direction @d; it is wiped after its last use. */
static u8 *siv_fin_key(struct siv_connect *c, unsigned int d)
{
	return d ? c->k2 : c->k1;
}

static u64 siv_fin_nonce(unsigned int d)
{
	return d ? SIV_NONCE_FIN_BA : SIV_NONCE_FIN_AB;
}

static bool siv_fin_possible(const struct siv_connect *c)
{
	return c->state == SIV_CONNECT_OPEN && (c->ids.flags & SIV_CH_SEALED);
}

enum siv_reason siv_fin_make(struct siv_connect *c, struct siv_aead *t,
			     u64 position, struct siv_fin *out)
{
	const unsigned int d = c->a ? 0 : 1;
	struct siv_fin_payload p;
	enum siv_reason r;

	memset(out, 0, sizeof(*out));
	if (!siv_fin_possible(c) || c->fin_sent)
		return SIV_R_STATE;
	/* used up, whatever comes out */
	c->fin_sent = true;
	siv_put_le64(&p.direction, d);
	siv_put_le64(&p.position, position);
	r = siv_connect_aead(c, t, siv_fin_key(c, d), siv_fin_nonce(d), true,
			     (struct siv_span){ (const u8 *)&p, sizeof(p) },
			     out->sealed);
	siv_wipe(siv_fin_key(c, d), SIV_KEY_LEN);
	if (r)
		memset(out, 0, sizeof(*out));
	else
		siv_put_le64(&out->cid, c->ids.cid);
	return r;
}

enum siv_reason siv_fin_open(struct siv_connect *c, struct siv_aead *t,
			     const struct siv_fin *in, u64 *position)
{
	const unsigned int d = c->a ? 1 : 0;
	u8 plain[sizeof(in->sealed)];
	u64 direction, end;
	enum siv_reason r;

	*position = 0;
	if (!siv_fin_possible(c) || c->fin_seen)
		return SIV_R_STATE;
	if (siv_get_le64(&in->cid) != c->ids.cid)
		return SIV_R_GENERATION;
	r = siv_connect_aead(
		c, t, siv_fin_key(c, d), siv_fin_nonce(d), false,
		(struct siv_span){ in->sealed, sizeof(in->sealed) }, plain);
	if (r)
		return r;
	direction = siv_get_le64(plain);
	end = siv_get_le64(plain + 8);
	if (direction != d || end > SIV_FIN_STOP || end % 8)
		return SIV_R_RING_POSITION;
	c->fin_seen = true;
	siv_wipe(siv_fin_key(c, d), SIV_KEY_LEN);
	*position = end;
	return SIV_OK;
}
