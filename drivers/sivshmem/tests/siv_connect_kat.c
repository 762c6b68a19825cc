// SPDX-License-Identifier: GPL-2.0-only
/* Runs the sessions and connects of connect-kat.json; see siv_vector.h. */
#include "siv_vector.h"
#include "siv_vector_check.h"
#include "../core/kdf.h"

static const struct siv_span none = { NULL, 0 };

static struct siv_span span(const void *p, size_t n)
{
	return (struct siv_span){ p, n };
}

/* ---------------------------------------------------------------- session */

static void siv_session_vector_ids(const struct siv_session_vector *v,
				   struct siv_session_ids *ids)
{
	memset(ids, 0, sizeof(*ids));
	ids->suite = v->suite;
	ids->peer = v->peer;
	memcpy(ids->epoch, v->epoch.p, SIV_EPOCH_LEN);
	ids->region = v->region;
	siv_sha256v(ids->host_cert_hash, &v->host_cert, 1);
	siv_sha256v(ids->header_hash, &v->header_const, 1);
	memcpy(ids->challenge, v->challenge.p, SIV_NONCE_LEN);
}

static const char *siv_session_prepare(const struct siv_session_vector *v,
				       struct siv_vector_room *room)
{
	struct siv_session_ids ids;
	const char *wrong = NULL;
	u8 prkh[SIV_HASH_LEN];
	u8 e[2][SIV_KEY_LEN];

	siv_session_vector_ids(v, &ids);
	SIV_SAME(wrong, ids.host_cert_hash, SIV_HASH_LEN, v->host_cert_hash);
	SIV_SAME(wrong, ids.header_hash, SIV_HASH_LEN, v->header_hash);
	siv_session_prologue(room->out, &ids);
	SIV_SAME(wrong, room->out, SIV_SESSION_PROLOGUE_LEN, v->prologue);

	SIV_CHECK(wrong, siv_x25519_base(room->pub, v->static_a.p) == SIV_OK);
	SIV_SAME(wrong, room->pub, SIV_KEY_LEN, v->public_a);
	SIV_CHECK(wrong, siv_x25519_base(room->pub, v->static_h.p) == SIV_OK);
	SIV_SAME(wrong, room->pub, SIV_KEY_LEN, v->public_h);

	siv_hedge_prk(prkh, v->static_a.p);
	SIV_SAME(wrong, prkh, SIV_HASH_LEN, v->hedge_prk);
	SIV_CHECK(wrong,
		  siv_ephemeral_make(e[0], e[1], prkh, v->hedge_random.p,
				     v->hh.p, v->hedge_counter) == SIV_OK);
	SIV_SAME(wrong, e[0], SIV_KEY_LEN, v->hedged_ephemeral);
	SIV_SAME(wrong, e[1], SIV_KEY_LEN, v->hedged_ephemeral_public);
	return wrong;
}

/* The guest, as the driver does it. */
static const char *siv_session_guest(const struct siv_session_vector *v,
				     struct siv_vector_room *room)
{
	struct siv_session *s = &room->session;
	struct siv_session_hello hello;
	const char *wrong = NULL;
	struct siv_payload2 p2;
	size_t n = 0;

	memset(&hello, 0, sizeof(hello));
	siv_session_vector_ids(v, &hello.ids);
	hello.own = room->s[0];
	hello.own_pub = v->public_a.p;
	hello.host_pub = v->public_h.p;
	hello.cert = v->cert_a;
	memcpy(hello.boot_nonce, v->boot_nonce.p, SIV_NONCE_LEN);
	hello.attempt = v->attempt;
	hello.e_priv = v->ephemeral_a.p;
	SIV_CHECK(wrong,
		  siv_x25519_base(room->pub, v->ephemeral_a.p) == SIV_OK);
	hello.e_pub = room->pub;

	siv_session_init(s, false, room->t[0], room->t[1], room->t[2]);
	SIV_CHECK(wrong, siv_session_start(s, &hello, room->out, &n) == SIV_OK);
	SIV_SAME(wrong, room->out, n, v->hello1);

	SIV_CHECK(wrong, siv_session_finish(s, v->hello2, &p2, 1000) == SIV_OK);
	SIV_SAME(wrong, &p2, sizeof(p2), v->payload2);
	SIV_SAME(wrong, s->hh, SIV_HASH_LEN, v->hh);
	SIV_SAME(wrong, s->tx.k, SIV_KEY_LEN, v->k1);
	SIV_SAME(wrong, s->rx.k, SIV_KEY_LEN, v->k2);
	SIV_CHECK(wrong, s->id == v->session_id);
	SIV_CHECK(wrong, s->tag == v->session_tag);
	SIV_CHECK(wrong, siv_get_le64(&p2.host_time) == v->host_time);
	SIV_CHECK(wrong, siv_get_le64(&p2.crl_number) == v->crl_number);
	SIV_CHECK(wrong, siv_get_le32(&p2.rekey_seconds) == v->rekey_seconds);
	SIV_CHECK(wrong, siv_get_le32(&p2.liveness_ms) == v->liveness_ms);
	SIV_CHECK(wrong, siv_get_le32(&p2.max_channels) == v->max_channels);
	SIV_CHECK(wrong, siv_get_le16(&p2.vectors) == v->vectors);
	return wrong;
}

/* READY comes out of the slots; the host's ACK is taken; then a rekey. */
static const char *siv_session_records(const struct siv_session_vector *v,
				       struct siv_vector_room *room)
{
	struct siv_session *s = &room->session;
	const u8 __peer *slots = (const u8 __peer *)room->slots;
	struct siv_slot_info info;
	const char *wrong = NULL;
	struct siv_span body;
	u64 next_ms;
	u16 type;
	size_t n = 0;

	memset(&room->outbox, 0, sizeof(room->outbox));
	memset(room->slots, 0, sizeof(room->slots));
	SIV_CHECK(wrong, siv_session_post(s, &room->outbox, room->slots, 1000,
					  &next_ms) == 1);
	SIV_CHECK(wrong, siv_slot_peek(slots, &info));
	if (wrong)
		return wrong;
	n = siv_slot_copy(slots, &info, room->out);
	SIV_SAME(wrong, room->out, n, v->ready_record);

	SIV_CHECK(wrong, siv_session_receive(s, v->ack_record, room->plain,
					     &type, &body, 1001) == SIV_OK);
	SIV_CHECK(wrong, type == SIV_MSG_ACK);
	SIV_CHECK(wrong, s->acked == 1);

	/* the last number of the first key, and the first of the second */
	s->tx.next = SIV_RECORD_REKEY - 1;
	SIV_CHECK(wrong,
		  siv_record_seal(&s->tx, v->session_tag, SIV_MSG_HEARTBEAT, 1,
				  none, none, room->out, &n) == SIV_OK);
	SIV_CHECK(wrong,
		  siv_record_seal(&s->tx, v->session_tag, SIV_MSG_HEARTBEAT, 1,
				  none, none, room->out, &n) == SIV_OK);
	SIV_SAME(wrong, room->out, n, v->record_65536);
	SIV_SAME(wrong, s->tx.k, SIV_KEY_LEN, v->k1_rekeyed);
	siv_session_wipe(s);
	return wrong;
}

/* The host's side of the handshake. Its session object wants a real certificate. */
static const char *siv_session_host(const struct siv_session_vector *v,
				    struct siv_vector_room *room)
{
	struct siv_noise_setup setup = {
		.pattern = SIV_NOISE_IK,
		.suite = v->suite,
		.prologue = v->prologue,
		.s = room->s[1],
		.s_pub = v->public_h.p,
	};
	const size_t echo = SIV_SLOT_HDR + SIV_NONCE_LEN;
	struct siv_noise *hs = &room->hs[1];
	struct siv_noise_keys *k = &room->keys[1];
	const char *wrong = NULL;
	size_t n = 0;

	SIV_CHECK(wrong, siv_noise_init(hs, &setup) == SIV_OK);
	SIV_CHECK(wrong,
		  siv_noise_read(hs, room->t[0],
				 span(v->hello1.p + echo, v->hello1.n - echo),
				 room->plain, &n) == SIV_OK);
	SIV_SAME(wrong, room->plain, n, v->payload1);
	SIV_SAME(wrong, hs->rs, SIV_KEY_LEN, v->public_a);
	SIV_CHECK(wrong,
		  siv_x25519_base(room->pub, v->ephemeral_h.p) == SIV_OK);
	siv_noise_set_ephemeral(hs, v->ephemeral_h.p, room->pub);
	SIV_CHECK(wrong, siv_noise_write(hs, room->t[0], v->payload2, room->out,
					 SIV_VECTOR_ROOM, &n) == SIV_OK);
	SIV_SAME(wrong, room->out, n,
		 span(v->hello2.p + SIV_SLOT_HDR, v->hello2.n - SIV_SLOT_HDR));
	SIV_CHECK(wrong, siv_noise_split(hs, k) == SIV_OK);
	SIV_SAME(wrong, k->k1, SIV_KEY_LEN, v->k1);
	SIV_SAME(wrong, k->k2, SIV_KEY_LEN, v->k2);
	SIV_SAME(wrong, k->hh, SIV_HASH_LEN, v->hh);
	return wrong;
}

const char *siv_session_vector_run(const struct siv_session_vector *v,
				   struct siv_vector_room *room)
{
	const char *wrong;

	wrong = siv_session_prepare(v, room);
	if (!wrong)
		wrong = siv_session_guest(v, room);
	if (!wrong)
		wrong = siv_session_records(v, room);
	if (!wrong)
		wrong = siv_session_host(v, room);
	return wrong;
}

/* ---------------------------------------------------------------- connect */

static void siv_connect_vector_ids(const struct siv_connect_vector *v,
				   struct siv_connect_ids *ids)
{
	memset(ids, 0, sizeof(*ids));
	ids->suite = v->suite;
	ids->flags = v->flags;
	ids->cid = v->cid;
	ids->ring_ab = v->ring_ab;
	ids->ring_ba = v->ring_ba;
	ids->peer_a = v->peer_a;
	ids->peer_b = v->peer_b;
	memcpy(ids->epoch, v->epoch.p, SIV_EPOCH_LEN);
	siv_sha256v(ids->region_hash, &v->region, 1);
	siv_sha256v(ids->service_hash, &v->service, 1);
	siv_sha256v(ids->cert_a, &v->cert_a, 1);
	siv_sha256v(ids->cert_b, &v->cert_b, 1);
	siv_sha256v(ids->cert_host, &v->host_cert, 1);
	memcpy(ids->n, v->n.p, sizeof(ids->n));
}

/* Z, PRK, psk, prologue, and M1, which is never sent. */
static const char *siv_connect_prepare(const struct siv_connect_vector *v,
				       struct siv_vector_room *room)
{
	struct siv_noise_setup setup = {
		.pattern = SIV_NOISE_NNPSK2,
		.suite = v->suite,
		.initiator = true,
		.prologue = v->prologue,
		.psk = v->psk.p,
	};
	struct siv_connect_ids ids;
	const char *wrong = NULL;
	u8 key[SIV_KEY_LEN];
	size_t n = 0;

	siv_connect_vector_ids(v, &ids);
	siv_connect_prologue(room->out, &ids);
	SIV_SAME(wrong, room->out, SIV_CONNECT_PROLOGUE_LEN, v->prologue);

	SIV_CHECK(wrong,
		  siv_x25519_static(key, room->s[0], v->public_b.p) == SIV_OK);
	SIV_SAME(wrong, key, SIV_KEY_LEN, v->z);
	SIV_CHECK(wrong, siv_pair_prk(key, room->s[0], v->public_a.p,
				      v->public_b.p, v->public_h.p) == SIV_OK);
	SIV_SAME(wrong, key, SIV_HASH_LEN, v->prk);
	SIV_CHECK(wrong, siv_pair_prk(key, room->s[1], v->public_b.p,
				      v->public_a.p, v->public_h.p) == SIV_OK);
	SIV_SAME(wrong, key, SIV_HASH_LEN, v->prk);
	siv_connect_psk(key, v->prk.p, &ids);
	SIV_SAME(wrong, key, SIV_KEY_LEN, v->psk);

	SIV_CHECK(wrong, siv_noise_init(&room->hs[0], &setup) == SIV_OK);
	SIV_CHECK(wrong,
		  siv_x25519_base(room->pub, v->ephemeral_a.p) == SIV_OK);
	siv_noise_set_ephemeral(&room->hs[0], v->ephemeral_a.p, room->pub);
	SIV_CHECK(wrong,
		  siv_noise_write(&room->hs[0], room->t[0], none, room->out,
				  SIV_VECTOR_ROOM, &n) == SIV_OK);
	SIV_SAME(wrong, room->out, n, v->m1);
	return wrong;
}

/* OPEN at A, INCOMING and ACCEPT at B. */
static const char *siv_connect_offer(const struct siv_connect_vector *v,
				     struct siv_vector_room *room)
{
	struct siv_connect_ids ids;
	u8 e_priv[SIV_KEY_LEN];
	struct siv_incoming in;
	struct siv_accept accept;
	const char *wrong = NULL;
	struct siv_open open;

	memset(&room->a, 0, sizeof(room->a));
	memset(&room->b, 0, sizeof(room->b));
	siv_connect_vector_ids(v, &ids);
	/* what A does not know yet */
	ids.cid = 0;
	ids.peer_b = 0;
	memset(ids.cert_b, 0, sizeof(ids.cert_b));
	memset(ids.n, 0, sizeof(ids.n));
	SIV_CHECK(wrong,
		  siv_x25519_base(room->pub, v->ephemeral_a.p) == SIV_OK);
	SIV_CHECK(wrong, siv_connect_open(&room->a, &ids, v->ephemeral_a.p,
					  room->pub, v->request, v->service,
					  none, &open) == SIV_OK);
	SIV_CHECK(wrong, siv_get_le64(&open.request) == v->request);
	if (wrong)
		return wrong;

	siv_connect_vector_ids(v, &ids);
	memset(&in, 0, sizeof(in));
	siv_put_le64(&in.cid, v->cid);
	memcpy(in.n, v->n.p, sizeof(in.n));
	in.suite = open.suite;
	in.flags = open.flags;
	in.ring_ab = open.ring_ab;
	in.ring_ba = open.ring_ba;
	siv_put_le32(&in.peer_a, v->peer_a);
	siv_put_le32(&in.peer_b, v->peer_b);
	memcpy(in.service, open.service, sizeof(in.service));
	memcpy(in.cert_hash, ids.cert_a, SIV_HASH_LEN);
	memcpy(in.e_a, open.e_a, SIV_KEY_LEN);
	memcpy(e_priv, v->ephemeral_b.p, sizeof(e_priv));
	SIV_CHECK(wrong, siv_x25519_base(room->pub, e_priv) == SIV_OK);
	SIV_CHECK(wrong,
		  siv_connect_incoming(&room->b, room->t[0], &ids, &in, e_priv,
				       room->pub, v->prk.p, &accept) == SIV_OK);
	SIV_SAME(wrong, accept.m2, sizeof(accept.m2), v->m2);
	return wrong;
}

/* GRANT and CONFIRM at A, GRANT and ESTABLISHED at B. */
static const char *siv_connect_grants(const struct siv_connect_vector *v,
				      struct siv_vector_room *room)
{
	struct siv_connect_ids ids;
	struct siv_established done;
	struct siv_confirm confirm;
	const char *wrong = NULL;
	struct siv_grant_a ga;
	struct siv_grant_b gb;

	SIV_CHECK(wrong, v->common.n == sizeof(ga.common));
	if (wrong)
		return wrong;
	siv_connect_vector_ids(v, &ids);
	memset(&ga, 0, sizeof(ga));
	siv_put_le64(&ga.request, v->request);
	siv_put_le64(&ga.cid, v->cid);
	memcpy(ga.n, v->n.p, sizeof(ga.n));
	siv_put_le32(&ga.peer_b, v->peer_b);
	memcpy(ga.cert_hash, ids.cert_b, SIV_HASH_LEN);
	memcpy(ga.m2, v->m2.p, sizeof(ga.m2));
	memcpy(&ga.common, v->common.p, sizeof(ga.common));
	SIV_CHECK(wrong, siv_connect_granted(&room->a, room->t[0], &ga,
					     ids.cert_b, v->prk.p, &v->geometry,
					     &confirm) == SIV_OK);
	SIV_SAME(wrong, confirm.m3, sizeof(confirm.m3), v->m3);

	memset(&gb, 0, sizeof(gb));
	gb.common = ga.common;
	memcpy(gb.m3, v->m3.p, sizeof(gb.m3));
	SIV_CHECK(wrong, siv_connect_confirmed(&room->b, room->t[0], &gb,
					       &v->geometry, &done) == SIV_OK);
	SIV_CHECK(wrong, siv_get_le64(&done.cid) == v->cid);
	return wrong;
}

static const char *siv_connect_end(const struct siv_connect_vector *v,
				   const struct siv_connect *c)
{
	const char *wrong = NULL;

	SIV_CHECK(wrong, c->state == SIV_CONNECT_OPEN);
	SIV_SAME(wrong, c->hh, SIV_HASH_LEN, v->hh);
	SIV_SAME(wrong, c->k1, SIV_KEY_LEN, v->k1);
	SIV_SAME(wrong, c->k2, SIV_KEY_LEN, v->k2);
	SIV_SAME(wrong, c->r[0], SIV_KEY_LEN, v->rings[0].r[0]);
	SIV_SAME(wrong, c->r[1], SIV_KEY_LEN, v->rings[1].r[0]);
	/* COMMON's layout: the fields where the text says */
	SIV_CHECK(wrong, siv_get_le64(&c->common.extent_off) == v->extent_off);
	SIV_CHECK(wrong, siv_get_le64(&c->common.extent_len) == v->extent_len);
	SIV_CHECK(wrong, siv_get_le64(&c->common.side_off) == v->side_off);
	SIV_CHECK(wrong,
		  siv_get_le64(&c->common.ring_ab_off) == v->ring_ab_off);
	SIV_CHECK(wrong,
		  siv_get_le64(&c->common.ring_ba_off) == v->ring_ba_off);
	SIV_CHECK(wrong, siv_get_le16(&c->common.vector_a) == v->vector_a);
	SIV_CHECK(wrong, siv_get_le16(&c->common.vector_b) == v->vector_b);
	return wrong;
}

/* A direction's records, sealed by one end, opened by the other. */
static const char *siv_connect_ring(const struct siv_connect_vector *v,
				    const struct siv_ring_vector *ring,
				    struct siv_vector_room *room)
{
	const struct siv_span label = { (const u8 *)"sivshmem1 key", 14 };
	const char *wrong = NULL;
	u8 k[SIV_KEY_LEN];
	size_t i;

	SIV_CHECK(wrong, siv_seal_init(&room->seal, room->t[1], v->suite,
				       ring->r[0].p) == SIV_OK);
	for (i = 0; i < ring->count; i++) {
		struct siv_span rec = ring->record[i].record;
		struct siv_span plain = ring->record[i].plain;

		SIV_CHECK(wrong,
			  siv_seal_record(&room->seal, ring->record[i].position,
					  rec.p, plain, room->out) == SIV_OK);
		SIV_SAME(wrong, room->out, plain.n + SIV_TAG_LEN,
			 span(rec.p + 8, rec.n - 8));
		SIV_CHECK(wrong, room->seal.index < 3);
		SIV_SAME(wrong, room->seal.r, SIV_KEY_LEN,
			 ring->r[room->seal.index]);
		siv_hkdf_expand(k, room->seal.r, &label, 1);
		SIV_SAME(wrong, k, SIV_KEY_LEN, ring->k[room->seal.index]);
	}
	SIV_CHECK(wrong, room->seal.index == 2);
	siv_seal_wipe(&room->seal);

	SIV_CHECK(wrong, siv_seal_init(&room->seal, room->t[1], v->suite,
				       ring->r[0].p) == SIV_OK);
	for (i = 0; i < ring->count; i++) {
		struct siv_span rec = ring->record[i].record;

		SIV_CHECK(wrong,
			  siv_seal_open(&room->seal, ring->record[i].position,
					rec.p, span(rec.p + 8, rec.n - 8),
					room->plain) == SIV_OK);
		SIV_SAME(wrong, room->plain, rec.n - 8 - SIV_TAG_LEN,
			 ring->record[i].plain);
	}
	siv_seal_wipe(&room->seal);
	return wrong;
}

static const char *siv_connect_fin(const struct siv_fin_vector *v,
				   struct siv_aead *t, struct siv_connect *from,
				   struct siv_connect *to)
{
	const char *wrong = NULL;
	struct siv_fin fin;
	u64 position;

	SIV_CHECK(wrong, siv_fin_make(from, t, v->position, &fin) == SIV_OK);
	SIV_SAME(wrong, fin.sealed, sizeof(fin.sealed), v->sealed);
	SIV_CHECK(wrong, siv_fin_open(to, t, &fin, &position) == SIV_OK);
	SIV_CHECK(wrong, position == v->position);
	return wrong;
}

const char *siv_connect_vector_run(const struct siv_connect_vector *v,
				   struct siv_vector_room *room)
{
	const char *wrong;

	wrong = siv_connect_prepare(v, room);
	if (!wrong)
		wrong = siv_connect_offer(v, room);
	if (!wrong)
		wrong = siv_connect_grants(v, room);
	if (!wrong)
		wrong = siv_connect_end(v, &room->a);
	if (!wrong)
		wrong = siv_connect_end(v, &room->b);
	if (!wrong)
		wrong = siv_connect_ring(v, &v->rings[0], room);
	if (!wrong)
		wrong = siv_connect_ring(v, &v->rings[1], room);
	if (!wrong)
		wrong = siv_connect_fin(&v->fin_ab, room->t[0], &room->a,
					&room->b);
	if (!wrong)
		wrong = siv_connect_fin(&v->fin_ba, room->t[0], &room->b,
					&room->a);
	siv_connect_wipe(&room->a);
	siv_connect_wipe(&room->b);
	return wrong;
}
