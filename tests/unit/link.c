// SPDX-License-Identifier: GPL-2.0-only
/* One connect with A, B and the host's part of it in one program: see link.h. */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "link: %s\n", what);
		abort();
	}
}

const struct siv_geometry link_geometry = {
	.region_size = 64 * MIB,
	.box_off = 65536,
	.side_off = 4 * MIB,
	.extent_off = 8 * MIB,
	.extent_len = 56 * MIB,
	.ring_min = GRANULE,
	.ring_max = 16 * MIB,
	.granule = GRANULE,
	.side_count = 16,
	.suites = 6,
	.sealed_max = 65536,
	.boxes = 32,
};

void link_init(struct link *l, u16 suite, u32 flags)
{
	struct siv_span service = pki_span("camera.front");
	struct siv_span region = pki_span(PKI_REGION);

	memset(l, 0, sizeof(*l));
	pki_party(&l->host, "host", PKI_REGION, NULL, NULL);
	pki_party(&l->a, "a", PKI_REGION, "alice", "viewer");
	pki_party(&l->b, "b", PKI_REGION, "bob", "camera.front");
	l->t = siv_aead_alloc();
	must(l->t, "no transform");
	must(!siv_pair_prk(l->prk_a, l->a.key, l->a.pub, l->b.pub, l->host.pub),
	     "pair");
	must(!siv_pair_prk(l->prk_b, l->b.key, l->b.pub, l->a.pub, l->host.pub),
	     "pair");
	l->asked.suite = suite;
	l->asked.flags = flags;
	l->asked.ring_ab = 2 * GRANULE;
	l->asked.ring_ba = GRANULE;
	l->asked.peer_a = 3;
	pki_bytes(l->asked.epoch, sizeof(l->asked.epoch), "epoch", 0);
	siv_sha256v(l->asked.region_hash, &region, 1);
	siv_sha256v(l->asked.service_hash, &service, 1);
	memcpy(l->asked.cert_a, l->a.cert.hash, SIV_HASH_LEN);
	memcpy(l->asked.cert_host, l->host.cert.hash, SIV_HASH_LEN);
}

void link_free(struct link *l)
{
	siv_aead_free(l->t);
	pki_party_free(&l->host);
	pki_party_free(&l->a);
	pki_party_free(&l->b);
}

enum siv_reason link_open(struct link *l)
{
	l->number++;
	memset(&l->ca, 0, sizeof(l->ca));
	memset(&l->cb, 0, sizeof(l->cb));
	pki_ephemeral(l->ea_priv, l->ea_pub, "ea", l->number);
	pki_ephemeral(l->eb_priv, l->eb_pub, "eb", l->number);
	return siv_connect_open(&l->ca, &l->asked, l->ea_priv, l->ea_pub, 42,
				pki_span("camera.front"), pki_span("bob"),
				&l->open);
}

/* The host's part: cid, N, and what B then makes of INCOMING. */
void link_relay_open(struct link *l)
{
	struct siv_incoming *in = &l->incoming;

	l->offered = l->asked;
	l->offered.cid = 100 + l->number;
	l->offered.peer_b = 4;
	memcpy(l->offered.cert_b, l->b.cert.hash, SIV_HASH_LEN);
	pki_bytes(l->offered.n, sizeof(l->offered.n), "N", l->number);
	memset(in, 0, sizeof(*in));
	siv_put_le64(&in->cid, l->offered.cid);
	memcpy(in->n, l->offered.n, sizeof(in->n));
	in->suite = l->open.suite;
	in->flags = l->open.flags;
	in->ring_ab = l->open.ring_ab;
	in->ring_ba = l->open.ring_ba;
	siv_put_le32(&in->peer_a, 3);
	siv_put_le32(&in->peer_b, 4);
	memcpy(in->service, l->open.service, sizeof(in->service));
	memcpy(in->cert_hash, l->a.cert.hash, SIV_HASH_LEN);
	memcpy(in->e_a, l->open.e_a, SIV_KEY_LEN);
}

enum siv_reason link_incoming(struct link *l)
{
	return siv_connect_incoming(&l->cb, l->t, &l->offered, &l->incoming,
				    l->eb_priv, l->eb_pub, l->prk_b,
				    &l->accept);
}

void link_common(struct link *l)
{
	struct siv_common *c = &l->common;

	memset(c, 0, sizeof(*c));
	siv_put_le64(&c->cid, l->offered.cid);
	siv_put_le64(&c->extent_off, 8 * MIB + 4 * GRANULE);
	siv_put_le64(&c->extent_len, 4 * GRANULE);
	siv_put_le64(&c->side_off, 4 * MIB + 2 * GRANULE);
	siv_put_le64(&c->ring_ab_off, 8 * MIB + 4 * GRANULE);
	siv_put_le64(&c->ring_ba_off, 8 * MIB + 6 * GRANULE);
	siv_put_le64(&c->ring_ab_len, 2 * GRANULE);
	siv_put_le64(&c->ring_ba_len, GRANULE);
	siv_put_le32(&c->flags, l->asked.flags);
	siv_put_le16(&c->suite, l->asked.suite);
	siv_put_le32(&c->peer_a, 3);
	siv_put_le16(&c->vector_a, 2);
	siv_put_le32(&c->peer_b, 4);
	siv_put_le16(&c->vector_b, 5);
}

void link_relay_accept(struct link *l)
{
	struct siv_grant_a *g = &l->grant_a;

	link_common(l);
	memset(g, 0, sizeof(*g));
	siv_put_le64(&g->request, 42);
	g->cid = l->accept.cid;
	memcpy(g->n, l->offered.n, sizeof(g->n));
	siv_put_le32(&g->peer_b, 4);
	memcpy(g->cert_hash, l->b.cert.hash, SIV_HASH_LEN);
	memcpy(g->m2, l->accept.m2, sizeof(g->m2));
	g->common = l->common;
}

enum siv_reason link_granted(struct link *l)
{
	return siv_connect_granted(&l->ca, l->t, &l->grant_a, l->b.cert.hash,
				   l->prk_a, &link_geometry, &l->confirm);
}

void link_relay_confirm(struct link *l)
{
	l->grant_b.common = l->common;
	memcpy(l->grant_b.m3, l->confirm.m3, sizeof(l->grant_b.m3));
}

enum siv_reason link_confirmed(struct link *l)
{
	return siv_connect_confirmed(&l->cb, l->t, &l->grant_b, &link_geometry,
				     &l->established);
}

/* Up to the given point; whoever comes later does the rest. */
void link_to_incoming(struct link *l)
{
	must(!link_open(l), "link_open(l)");
	link_relay_open(l);
}

void link_to_grant(struct link *l)
{
	link_to_incoming(l);
	must(!link_incoming(l), "link_incoming(l)");
	link_relay_accept(l);
}

void link_to_confirm(struct link *l)
{
	link_to_grant(l);
	must(!link_granted(l), "link_granted(l)");
	link_relay_confirm(l);
}

void link_all(struct link *l)
{
	link_to_confirm(l);
	must(!link_confirmed(l), "link_confirmed(l)");
}

bool link_zero(const void *p, size_t n)
{
	const u8 *b = p;

	while (n)
		if (b[--n])
			return false;
	return true;
}

bool link_ended(const struct siv_connect *c)
{
	return c->state == SIV_CONNECT_ENDED &&
	       link_zero(c->e_priv, SIV_KEY_LEN) &&
	       link_zero(c->k1, SIV_KEY_LEN) && link_zero(c->k2, SIV_KEY_LEN) &&
	       link_zero(c->r, sizeof(c->r)) && link_zero(c->hh, SIV_HASH_LEN);
}
