// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/file.h>
#include <linux/key-type.h>
#include <linux/slab.h>

#include "../listener.h"
#include "../pair.h"
#include "fake_peer.h"
#include "siv_keys_fixture.h"
#include "suites.h"

/* Whom we connect to, and as whom we listen: what the certificates say. */
#define FRONT "camera.front"
#define REAR "camera.rear"

enum {
	PEER = 5,	 /* its number */
	OWN_VECTOR = 2,	 /* that it rings */
	PEER_VECTOR = 1, /* that we ring */
	CID = 7,
	CALL = 77,	/* request of the peer's OPEN */
	NEIGHBOUR = 99, /* cid and request */
};

/* ------------------------------------------------------------------------ the suite */

int siv_suite_peer_init(struct kunit_suite *suite)
{
	int err = siv_suite_keys_init(suite);
	key_ref_t ref;

	if (err)
		return err;
	ref = key_create_or_update(
		make_key_ref(siv_keys_anchors()->keyring, true), "asymmetric",
		NULL, siv_fixture_ca, sizeof(siv_fixture_ca),
		KEY_POS_ALL | KEY_USR_ALL, KEY_ALLOC_NOT_IN_QUOTA);
	if (IS_ERR(ref)) {
		siv_suite_keys_exit(suite);
		return PTR_ERR(ref);
	}
	key_ref_put(ref);
	return 0;
}

void siv_suite_peer_exit(struct kunit_suite *suite)
{
	keyring_clear(siv_keys_anchors()->keyring);
	siv_suite_keys_exit(suite);
}

/* ----------------------------------------------------------------- what was agreed */

static struct siv_span str(const char *s)
{
	return (struct siv_span){ (const u8 *)s, strlen(s) };
}

static bool by_us(const struct siv_fake_peer *p)
{
	return p->ids.peer_a == SIV_FAKE_PEER;
}

/* What the prologue says. */
static void ids_make(struct siv_fake_peer *p, bool ours, u32 flags)
{
	const u8 *own = p->own->cert.hash, *other = p->cert.hash;
	struct siv_host *host = &p->lab->talk->host;
	struct siv_span service = str(ours ? FRONT : REAR);
	struct siv_span region = str(host->dev->region);
	struct siv_connect_ids *ids = &p->ids;

	memset(ids, 0, sizeof(*ids));
	ids->suite = SIV_SUITE_CHACHAPOLY;
	ids->flags = flags;
	ids->cid = CID;
	ids->ring_ab = host->dev->geo.granule;
	ids->ring_ba = host->dev->geo.granule;
	ids->peer_a = ours ? SIV_FAKE_PEER : PEER;
	ids->peer_b = ours ? PEER : SIV_FAKE_PEER;
	memcpy(ids->epoch, host->dev->epoch, sizeof(ids->epoch));
	siv_sha256v(ids->region_hash, &region, 1);
	siv_sha256v(ids->service_hash, &service, 1);
	memcpy(ids->cert_a, ours ? own : other, SIV_HASH_LEN);
	memcpy(ids->cert_b, ours ? other : own, SIV_HASH_LEN);
	memcpy(ids->cert_host, host->host_hash, SIV_HASH_LEN);
	memset(ids->n, 0x4e, sizeof(ids->n));
	p->lab->cid = CID;
}

static void common_make(const struct siv_fake_peer *p, struct siv_common *c)
{
	const struct siv_geometry *geo = &p->lab->hw->dev->geo;
	const struct siv_connect_ids *ids = &p->ids;

	memset(c, 0, sizeof(*c));
	c->cid = cpu_to_le64(ids->cid);
	c->extent_off = cpu_to_le64(geo->extent_off);
	c->extent_len = cpu_to_le64(2 * geo->granule);
	c->side_off = cpu_to_le64(geo->side_off);
	c->ring_ab_off = cpu_to_le64(geo->extent_off);
	c->ring_ba_off = cpu_to_le64(geo->extent_off + geo->granule);
	c->ring_ab_len = cpu_to_le64(ids->ring_ab);
	c->ring_ba_len = cpu_to_le64(ids->ring_ba);
	c->flags = cpu_to_le32(ids->flags);
	c->suite = cpu_to_le16(ids->suite);
	c->peer_a = cpu_to_le32(ids->peer_a);
	c->peer_b = cpu_to_le32(ids->peer_b);
	c->vector_a = cpu_to_le16(by_us(p) ? OWN_VECTOR : PEER_VECTOR);
	c->vector_b = cpu_to_le16(by_us(p) ? PEER_VECTOR : OWN_VECTOR);
}

/* Its certificate goes with what we get. */
static void mail_close(struct siv_fake_mail *mail, size_t len, __le32 *cert_len)
{
	const size_t n = sizeof(siv_fixture_other_cert);

	memcpy(mail->bytes + len, siv_fixture_other_cert, n);
	*cert_len = cpu_to_le32(n);
	mail->len = len + n;
}

/* What OPEN becomes on its way to the end that listens. */
static void incoming_make(struct siv_fake_peer *p, const struct siv_open *open)
{
	const struct siv_connect_ids *ids = &p->ids;
	struct siv_incoming *in = &p->incoming.in;

	memset(in, 0, sizeof(*in));
	in->cid = cpu_to_le64(ids->cid);
	memcpy(in->n, ids->n, sizeof(in->n));
	in->suite = open->suite;
	in->flags = open->flags;
	in->ring_ab = open->ring_ab;
	in->ring_ba = open->ring_ba;
	in->peer_a = cpu_to_le32(ids->peer_a);
	in->peer_b = cpu_to_le32(ids->peer_b);
	memcpy(in->service, open->service, sizeof(in->service));
	memcpy(in->cert_hash, ids->cert_a, SIV_HASH_LEN);
	memcpy(in->e_a, open->e_a, SIV_KEY_LEN);
	mail_close(&p->incoming, sizeof(*in), &in->cert_len);
}

/* ... and what ACCEPT becomes on its way back, and later CONFIRM. */
static void grants_make(struct siv_fake_peer *p, u64 request,
			const struct siv_accept *accept)
{
	struct siv_grant_a *g = &p->grant_a.grant;

	memset(g, 0, sizeof(*g));
	g->request = cpu_to_le64(request);
	g->cid = cpu_to_le64(p->ids.cid);
	memcpy(g->n, p->ids.n, sizeof(g->n));
	g->peer_b = cpu_to_le32(p->ids.peer_b);
	memcpy(g->cert_hash, p->ids.cert_b, SIV_HASH_LEN);
	memcpy(g->m2, accept->m2, sizeof(g->m2));
	common_make(p, &g->common);
	p->grant_b.common = g->common;
	mail_close(&p->grant_a, sizeof(*g), &g->cert_len);
}

/* ------------------------------------------------------------- both ways to connect */

static void must(struct siv_fake_peer *p, enum siv_reason r)
{
	KUNIT_EXPECT_STREQ(p->test, siv_reason_name(r), "ok");
}

/* Message 2, by whoever has @prk. */
static void answer_make(struct siv_fake_peer *p, const u8 prk[SIV_HASH_LEN],
			struct siv_accept *accept)
{
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];

	memset(&p->c, 0, sizeof(p->c));
	memset(priv, 0x51, sizeof(priv));
	must(p, siv_x25519_base(pub, priv));
	must(p, siv_connect_incoming(&p->c, p->t, &p->ids, &p->incoming.in,
				     priv, pub, prk, accept));
}

static void hears_open(struct siv_fake_peer *p, const struct siv_open *open)
{
	struct siv_accept accept;

	ids_make(p, true, le32_to_cpu(open->flags));
	incoming_make(p, open);
	answer_make(p, p->prk, &accept);
	grants_make(p, le64_to_cpu(open->request), &accept);
}

void siv_fake_peer_forge_m2(struct siv_fake_peer *p)
{
	struct siv_accept accept;
	u8 prk[SIV_HASH_LEN];

	memcpy(prk, p->prk, sizeof(prk));
	prk[0] ^= 1;
	answer_make(p, prk, &accept);
	memcpy(p->grant_a.grant.m2, accept.m2, sizeof(accept.m2));
}

static void hears_confirm(struct siv_fake_peer *p, const struct siv_confirm *m)
{
	struct siv_established est;

	memcpy(p->grant_b.m3, m->m3, sizeof(p->grant_b.m3));
	must(p, siv_connect_confirmed(&p->c, p->t, &p->grant_b,
				      &p->lab->hw->dev->geo, &est));
}

static void hears_accept(struct siv_fake_peer *p, const struct siv_accept *m)
{
	struct siv_confirm confirm;

	/* once: an INCOMING that is repeated is nothing to the peer */
	if (p->c.state != SIV_CONNECT_OPENED)
		return;
	grants_make(p, CALL, m);
	must(p, siv_connect_granted(&p->c, p->t, &p->grant_a.grant,
				    p->own->cert.hash, p->prk,
				    &p->lab->hw->dev->geo, &confirm));
	memcpy(p->grant_b.m3, confirm.m3, sizeof(p->grant_b.m3));
}

/* ------------------------------------------------------------------------- the host */

static void hears_listen(struct siv_fake_peer *p, const struct siv_listen *m)
{
	const struct siv_result yes = { .request = m->request };
	struct siv_span body = { (const u8 *)&yes, sizeof(yes) };

	siv_host_client->message(&p->lab->talk->talk, SIV_MSG_RESULT, body);
}

static u64 cid_of(u16 type, const void *body)
{
	switch (type) {
	case SIV_MSG_LISTEN:
	case SIV_MSG_UNLISTEN:
	case SIV_MSG_OPEN:
		return 0;
	case SIV_MSG_FAILED:
		return le64_to_cpu(((const struct siv_failed *)body)->cid);
	default:
		return le64_to_cpup(body);
	}
}

/* Its memory may be another channel's from now on. */
static void hears_closed(struct siv_fake_peer *p)
{
	const struct siv_channel *ch = p->lab->ch;

	if (ch && ch->cid &&
	    (!READ_ONCE(ch->windows.gone) || p->lab->talk->bells ||
	     ch->ranges[0].len || ch->connect.state != SIV_CONNECT_ENDED))
		p->said_early = true;
}

static void host_hears(struct siv_talk *talk, u16 type, const void *body)
{
	struct siv_fake_peer *p =
		container_of(talk, struct siv_fake_talk, talk)->host_priv;
	u64 cid = cid_of(type, body);

	if (cid && cid == p->lab->cid) {
		set_bit(type, &p->said);
		if (type == SIV_MSG_CLOSED || type == SIV_MSG_FAILED)
			hears_closed(p);
	}
	if (type == SIV_MSG_LISTEN)
		hears_listen(p, body);
	else if (type == SIV_MSG_OPEN)
		hears_open(p, body);
	else if (type == SIV_MSG_ACCEPT)
		hears_accept(p, body);
	else if (type == SIV_MSG_CONFIRM)
		hears_confirm(p, body);
}

void siv_fake_peer_called(struct siv_fake_peer *p, u32 uflags)
{
	struct siv_fake_lab *lab = p->lab;
	const struct siv_connect_ask ask = {
		.ring_tx = lab->hw->dev->geo.granule,
		.ring_rx = lab->hw->dev->geo.granule,
		.service = FRONT,
		.vm = "",
	};

	KUNIT_ASSERT_EQ(p->test,
			siv_channel_alloc(&lab->talk->talk, true,
					  SIVSHMEM_NO_NODE | uflags,
					  SIV_SUITE_CHACHAPOLY, &lab->ch),
			SIV_OK);
	siv_channel_connect(lab->ch, &ask, SIV_TIMEOUT_MAX_MS);
}

void siv_fake_peer_calls(struct siv_fake_peer *p, u32 uflags)
{
	u32 flags = uflags & SIVSHMEM_SEALED ? SIV_CH_SEALED : 0;
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];
	struct siv_talk *talk = &p->lab->talk->talk;
	struct siv_open open;

	ids_make(p, false, flags);
	memset(priv, 0x52, sizeof(priv));
	must(p, siv_x25519_base(pub, priv));
	must(p, siv_connect_open(&p->c, &p->ids, priv, pub, CALL, str(REAR),
				 str(""), &open));
	incoming_make(p, &open);
	siv_fake_lab_hear(p->lab, SIV_MSG_INCOMING, p->incoming.bytes,
			  p->incoming.len);
	mutex_lock(&talk->host->lock);
	p->lab->ch = siv_channel_by_cid(talk, CID);
	mutex_unlock(&talk->host->lock);
}

void siv_fake_peer_unlisten(struct siv_fake_peer *p)
{
	if (p->listener)
		fput(p->listener);
	p->listener = NULL;
	flush_delayed_fput();
	siv_fake_lab_settle(p->lab);
}

/* ------------------------------------------------------------------------ make, free */

/* The key in a PKCS#8 of RFC 8410: its last bytes. */
static void key_of(u8 out[SIV_KEY_LEN], const u8 *private, size_t len)
{
	memcpy(out, private + len - SIV_KEY_LEN, SIV_KEY_LEN);
}

static void own_make(struct siv_fake_peer *p)
{
	const size_t n = sizeof(siv_fixture_rear_cert);
	struct siv_fake_talk *f = p->lab->talk;
	struct siv_identity_cert *own =
		kunit_kzalloc(p->test, struct_size(own, der, n), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(p->test, own);
	kref_init(&own->ref);
	own->len = n;
	memcpy(own->der, siv_fixture_rear_cert, n);
	must(p, siv_cert_parse((struct siv_span){ own->der, n }, &own->cert));
	key_of(f->id.priv.priv, siv_fixture_private,
	       sizeof(siv_fixture_private));
	memcpy(f->id.pub, own->cert.pub, SIV_KEY_LEN);
	f->talk.cert = own;
	p->own = own;
}

static void peer_make(struct siv_fake_peer *p)
{
	const struct siv_span der = { siv_fixture_other_cert,
				      sizeof(siv_fixture_other_cert) };

	must(p, siv_cert_parse(der, &p->cert));
	key_of(p->priv.priv, siv_fixture_other_private,
	       sizeof(siv_fixture_other_private));
	must(p, siv_pair_prk(p->prk, &p->priv, p->cert.pub, p->own->cert.pub,
			     p->lab->talk->host.host_pub));
	p->t = siv_aead_alloc(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(p->test, p->t);
	p->ring_t = siv_aead_alloc(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(p->test, p->ring_t);
}

static void neighbour_make(struct siv_fake_peer *p)
{
	KUNIT_ASSERT_EQ(p->test,
			siv_channel_alloc(&p->lab->talk->talk, true,
					  SIVSHMEM_NO_NODE,
					  SIV_SUITE_CHACHAPOLY, &p->neighbour),
			SIV_OK);
	p->neighbour->cid = NEIGHBOUR;
	p->neighbour->request = NEIGHBOUR;
}

static void stranger_make(struct siv_fake_peer *p)
{
	struct siv_fake_talk *f =
		kunit_kzalloc(p->test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(p->test, f);
	f->talk.host = &p->lab->talk->host;
	f->talk.id = &f->id;
	f->talk.state = SIV_TALK_LIVE;
	init_waitqueue_head(&f->talk.wait);
	INIT_LIST_HEAD(&f->talk.pairs);
	p->stranger = f;
}

static void listener_make(struct siv_fake_peer *p)
{
	const struct sivshmem_listen ask = { .backlog = 2,
					     .flags = SIVSHMEM_NO_NODE };

	p->listener = siv_listener_new(&p->lab->talk->talk, &ask, NULL,
				       SIV_TIMEOUT_MAX_MS);
	KUNIT_ASSERT_FALSE(p->test, IS_ERR(p->listener));
}

struct siv_fake_peer *siv_fake_peer_make(struct kunit *test)
{
	struct siv_fake_peer *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	struct siv_fake_talk *f;

	KUNIT_ASSERT_NOT_NULL(test, p);
	p->test = test;
	p->lab = siv_fake_lab_bare(test);
	f = p->lab->talk;
	/* certificates are judged by the time of those who made them */
	siv_fake_time = siv_keys_now(0, 0);
	f->host.host_not_after = siv_fake_time + 3600;
	/* requests of ours are not the peer's, nor the neighbour's */
	atomic64_set(&f->host.request, 1000);
	f->answer = host_hears;
	f->host_priv = p;
	own_make(p);
	peer_make(p);
	neighbour_make(p);
	stranger_make(p);
	listener_make(p);
	return p;
}

static void forget_pairs(struct siv_talk *talk)
{
	mutex_lock(&talk->host->lock);
	siv_pairs_drop(talk);
	mutex_unlock(&talk->host->lock);
}

void siv_fake_peer_free(struct siv_fake_peer *p)
{
	siv_fake_lab_close(p->lab);
	siv_fake_peer_unlisten(p);
	/* what ends with the device is nothing to a channel that is no more */
	p->lab->talk->answer = NULL;
	forget_pairs(&p->lab->talk->talk);
	forget_pairs(&p->stranger->talk);
	siv_channel_put(p->neighbour);
	siv_fake_lab_free(p->lab);
	siv_aead_free(p->t);
	siv_aead_free(p->ring_t);
}

/* ------------------------------------------------------------------------- the others */

struct siv_fake_lab siv_fake_peer_neighbours(const struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = *p->lab;

	lab.ch = p->neighbour;
	lab.cid = NEIGHBOUR;
	return lab;
}

struct siv_fake_lab siv_fake_peer_strangers(const struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = *p->lab;

	lab.talk = p->stranger;
	return lab;
}

/* ------------------------------------------------------------------ the peer's stream */

void siv_fake_peer_fin(struct siv_fake_peer *p, struct siv_fin *fin)
{
	/* all zeros where there is none */
	if (siv_fin_make(&p->c, p->t, p->tx.prod, fin) != SIV_OK)
		fin->cid = cpu_to_le64(p->lab->cid);
}

/* A granule of the extent: A's ring, then B's. */
static u8 *ring_at(const struct siv_fake_peer *p, bool ours)
{
	const struct siv_geometry *geo = &p->lab->hw->dev->geo;
	bool a = ours == by_us(p);

	return p->lab->hw->mem + geo->extent_off + (a ? 0 : geo->granule);
}

const u8 *siv_fake_peer_our_ring(const struct siv_fake_peer *p)
{
	return ring_at(p, true);
}

const u8 *siv_fake_peer_our_page(const struct siv_fake_peer *p)
{
	const struct siv_geometry *geo = &p->lab->hw->dev->geo;

	return p->lab->hw->mem + geo->side_off + (by_us(p) ? 0 : geo->granule);
}

static void ring_begin(struct siv_fake_peer *p)
{
	struct siv_side *own = (struct siv_side *)siv_fake_peer_our_page(p);

	if (p->tx.size)
		return;
	siv_tx_init(&p->tx, siv_fake_lab_peer(p->lab),
		    (struct siv_side __peer *)own,
		    p->lab->hw->dev->geo.granule);
	if (p->ids.flags & SIV_CH_SEALED)
		must(p, siv_seal_init(&p->seal, p->ring_t, SIV_SUITE_CHACHAPOLY,
				      p->c.r[by_us(p) ? 1 : 0]));
}

void siv_fake_peer_writes(struct siv_fake_peer *p, bool damaged)
{
	struct siv_span four = { (const u8 *)"four", 4 };
	u8 *at, *bytes;
	u64 len = 4;

	ring_begin(p);
	at = ring_at(p, false) + siv_tx_offset(&p->tx);
	bytes = at + SIV_RECORD_HDR;
	memcpy(bytes, four.p, four.n);
	if (p->ids.flags & SIV_CH_SEALED) {
		len += SIV_TAG_LEN;
		four.p = bytes;
		siv_put_le64(at, len);
		must(p, siv_seal_record(&p->seal, p->tx.prod, at, four, bytes));
	}
	siv_put_le64(at, len);
	if (damaged)
		bytes[0] ^= 1;
	siv_tx_publish(&p->tx, siv_ring_need(len));
}

void siv_fake_peer_gets(struct siv_fake_peer *p, const char *what)
{
	const struct siv_side *side =
		(const struct siv_side *)siv_fake_peer_our_page(p);
	struct siv_span in = { .n = strlen(what) };
	bool sealed = p->ids.flags & SIV_CH_SEALED;
	struct siv_seal seal;
	const u8 *at;
	u64 pos;

	if (sealed)
		in.n += SIV_TAG_LEN;
	pos = READ_ONCE(side->prod) - siv_ring_need(in.n);
	at = siv_fake_peer_our_ring(p) + pos % p->ids.ring_ab;
	KUNIT_EXPECT_EQ(p->test, siv_get_le64(at), in.n);
	in.p = at + SIV_RECORD_HDR;
	memcpy(p->got, in.p, in.n);
	if (sealed) {
		must(p, siv_seal_init(&seal, p->t, SIV_SUITE_CHACHAPOLY,
				      p->c.r[by_us(p) ? 0 : 1]));
		must(p, siv_seal_open(&seal, pos, at, in, p->got));
		siv_seal_wipe(&seal);
	}
	KUNIT_EXPECT_EQ(p->test, memcmp(p->got, what, strlen(what)), 0);
}
