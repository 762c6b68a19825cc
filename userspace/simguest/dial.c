// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The connect handshake of a simulated guest, both ends. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "simguest/internal.h"

static struct sim_channel *by_request(struct sim_session *ss, u64 request)
{
	unsigned int i;

	for (i = 0; request && i < SIM_CHANNELS; i++) {
		struct sim_channel *ch = ss->g->channel[i];

		if (ch && ch->ss == ss && ch->request == request)
			return ch;
	}
	return NULL;
}

static struct sim_channel *by_cid(struct sim_guest *g, u64 cid)
{
	unsigned int i;

	for (i = 0; cid && i < SIM_CHANNELS; i++) {
		struct sim_channel *ch = g->channel[i];

		if (ch && ch->cid == cid && ch->c.state != SIV_CONNECT_ENDED)
			return ch;
	}
	return NULL;
}

static struct sim_pair *pair_find(struct sim_session *ss,
				  const u8 hash[SIV_HASH_LEN])
{
	unsigned int i;

	for (i = 0; i < SIM_PAIRS; i++) {
		struct sim_pair *p = &ss->g->pair[i];

		if (p->used && !memcmp(p->cert.hash, hash, SIV_HASH_LEN) &&
		    !memcmp(p->own, ss->id->cert.hash, SIV_HASH_LEN))
			return p;
	}
	return NULL;
}

static void put_name(char out[SIV_NAME_LEN], struct siv_span name)
{
	memset(out, 0, SIV_NAME_LEN);
	if (name.n)
		memcpy(out, name.p, name.n);
}

/* Keep a certificate that came with a message, whatever comes of it. */
static enum siv_reason pair_keep(struct sim_session *ss, struct siv_span der,
				 const u8 hash[SIV_HASH_LEN],
				 struct sim_pair **out)
{
	struct sim_guest *g = ss->g;
	struct sim_pair *p = &g->pair[g->next_pair % SIM_PAIRS];
	enum siv_reason r;

	if (!der.n)
		return SIV_R_STATE;
	if (der.n > sizeof(p->der))
		return SIV_R_CERT_SIZE;
	siv_wipe(p, sizeof(*p));
	memcpy(p->der, der.p, der.n);
	r = siv_cert_parse((struct siv_span){ p->der, der.n }, &p->cert);
	if (!r && memcmp(p->cert.hash, hash, SIV_HASH_LEN))
		r = SIV_R_CERT_SERVICE;
	if (r)
		return r;
	memcpy(p->own, ss->id->cert.hash, SIV_HASH_LEN);
	p->used = true;
	g->next_pair++;
	*out = p;
	return SIV_OK;
}

/* Dates always; the signature unless these anchors have verified it before. */
static enum siv_reason pair_judge(struct sim_guest *g, struct sim_pair *p)
{
	struct siv_span none = { NULL, 0 };
	struct siv_span region = { (const u8 *)g->region, strlen(g->region) };
	enum siv_reason r;

	r = siv_cert_is(&p->cert, SIV_CERT_ENDPOINT, region, none, none);
	if (!r)
		r = siv_cert_dates(&p->cert, (s64)time(NULL));
	if (!r && (!p->judge || p->judge != g->anchors))
		r = siv_cert_verify(&p->cert, g->anchors);
	if (!r)
		p->judge = g->anchors;
	return r;
}

static enum siv_reason pair_get(struct sim_session *ss, const u8 *der, u32 len,
				const u8 hash[SIV_HASH_LEN],
				struct sim_pair **out)
{
	enum siv_reason r = SIV_OK;

	*out = pair_find(ss, hash);
	if (!*out)
		r = pair_keep(ss, (struct siv_span){ der, len }, hash, out);
	if (!r)
		r = pair_judge(ss->g, *out);
	if (r || (*out)->has_prk)
		return r;
	r = siv_pair_prk((*out)->prk, ss->id->key, ss->id->cert.pub,
			 (*out)->cert.pub, ss->g->host.pub);
	(*out)->has_prk = !r;
	return r;
}

static void ids_common(struct sim_session *ss, struct siv_connect_ids *ids,
		       struct siv_span service)
{
	struct sim_guest *g = ss->g;
	struct siv_span region = { (const u8 *)g->region, strlen(g->region) };

	memcpy(ids->epoch, g->epoch, sizeof(ids->epoch));
	siv_sha256v(ids->region_hash, &region, 1);
	siv_sha256v(ids->service_hash, &service, 1);
	memcpy(ids->cert_host, g->host.hash, SIV_HASH_LEN);
}

/* Nothing that we hold may be granted again. */
static enum siv_reason check_overlap(struct sim_guest *g,
				     const struct siv_common *c)
{
	struct siv_range mine[2], other[2];
	unsigned int i, k, m;

	siv_common_ranges(c, &g->geo, mine);
	for (i = 0; i < SIM_CHANNELS; i++) {
		struct sim_channel *ch = g->channel[i];

		if (!ch || ch->closed || ch->c.state != SIV_CONNECT_OPEN)
			continue;
		siv_common_ranges(&ch->c.common, &g->geo, other);
		for (k = 0; k < 2; k++)
			for (m = 0; m < 2; m++)
				if (siv_range_overlap(&mine[k], &other[m]))
					return SIV_R_RANGE;
	}
	return SIV_OK;
}

int sim_open(struct sim_session *ss, const struct sim_connect *c,
	     struct sim_channel **out)
{
	struct siv_span service = { (const u8 *)c->service,
				    strlen(c->service) };
	struct siv_span vm = { (const u8 *)c->vm, c->vm ? strlen(c->vm) : 0 };
	struct siv_connect_ids ids = {
		.suite = c->suite ? c->suite : SIV_SUITE_CHACHAPOLY,
		.flags = c->flags,
		.ring_ab = c->ring_tx,
		.ring_ba = c->ring_rx,
		.peer_a = ss->g->at.peer,
	};
	struct sim_channel *ch = sim_channel_new(ss);
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];
	struct siv_open m;
	enum siv_reason r;

	if (!ch)
		return -ENOMEM;
	ids_common(ss, &ids, service);
	memcpy(ids.cert_a, ss->id->cert.hash, SIV_HASH_LEN);
	ch->request = ++ss->request;
	r = sim_ephemeral(ss, priv, pub);
	if (!r)
		r = siv_connect_open(&ch->c, &ids, priv, pub, ch->request,
				     service, vm, &m);
	siv_wipe(priv, sizeof(priv));
	if (!r)
		r = sim_say(ss, SIV_MSG_OPEN, &m, sizeof(m));
	if (r) {
		sim_channel_free(ch);
		return siv_reason_errno(r);
	}
	put_name(ch->peer_service, service);
	put_name(ch->peer_vm, vm);
	*out = ch;
	return 0;
}

int sim_opened(const struct sim_channel *ch)
{
	/* sim_open() that fails does not return 0, so there is a ch */
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	if (ch->c.state == SIV_CONNECT_OPEN)
		return 0;
	if (ch->c.state == SIV_CONNECT_OPENED)
		return -EAGAIN;
	return ch->error ? siv_reason_errno(ch->error) :
			   siv_code_errno(ch->code);
}

int sim_connect(struct sim_session *ss, const struct sim_connect *c,
		int timeout_ms, struct sim_channel **out)
{
	struct sim_guest *g = ss->g;
	u64 end = sim_now_ms() + (u64)timeout_ms;
	struct sim_channel *ch = NULL;
	int r = sim_open(ss, c, &ch);

	while (!r && (r = sim_opened(ch)) == -EAGAIN) {
		r = 0;
		if (sim_now_ms() >= end)
			r = -ETIMEDOUT;
		else if (sim_guest_step(g, 10))
			r = -ECONNRESET;
	}
	if (r) {
		if (ch)
			sim_channel_free(ch);
		return r;
	}
	*out = ch;
	return 0;
}

int sim_accept(struct sim_guest *g, int timeout_ms, struct sim_channel **out)
{
	u64 end = sim_now_ms() + (u64)timeout_ms, now;
	unsigned int i;

	for (;;) {
		for (i = 0; i < SIM_CHANNELS; i++) {
			struct sim_channel *ch = g->channel[i];

			if (ch && !ch->request && !ch->accepted &&
			    ch->c.state == SIV_CONNECT_OPEN) {
				ch->accepted = true;
				*out = ch;
				return 0;
			}
		}
		now = sim_now_ms();
		if (now >= end)
			return -ETIMEDOUT;
		if (sim_guest_step(g, (int)(end - now)))
			return -ECONNRESET;
	}
}

/* A's names: what was asked for is what the certificate must say. */
static enum siv_reason judge_b(struct sim_channel *ch, const struct sim_pair *p)
{
	struct siv_span vm = { (const u8 *)ch->peer_vm, strlen(ch->peer_vm) };
	struct siv_span service = { (const u8 *)ch->peer_service,
				    strlen(ch->peer_service) };

	if (p->cert.service.n != service.n ||
	    memcmp(p->cert.service.p, service.p, service.n))
		return SIV_R_CERT_SERVICE;
	if (vm.n && (p->cert.vm.n != vm.n || memcmp(p->cert.vm.p, vm.p, vm.n)))
		return SIV_R_CERT_VM;
	return SIV_OK;
}

static void say_failed(struct sim_session *ss, u64 cid, enum siv_reason why)
{
	struct siv_failed m = { 0 };

	siv_put_le64(&m.cid, cid);
	siv_put_le32(&m.code, siv_reason_code(why));
	(void)sim_say(ss, SIV_MSG_FAILED, &m, sizeof(m));
}

void sim_grant_a(struct sim_session *ss, const struct siv_grant_a *g)
{
	struct sim_channel *ch = by_request(ss, siv_get_le64(&g->request));
	u64 cid = siv_get_le64(&g->cid);
	struct siv_confirm m;
	struct sim_pair *p = NULL;
	enum siv_reason r;

	if (!ch || ch->c.state != SIV_CONNECT_OPENED) {
		/* it has crossed our giving up: the host wants its memory back */
		sim_say_close(ss, SIV_MSG_CLOSED, cid,
			      siv_reason_code(SIV_R_GENERATION));
		return;
	}
	if (by_cid(ss->g, cid)) {
		/* the number of another of ours: to say anything of it would harm that one */
		ss->g->refused = SIV_R_GENERATION;
		ch->error = SIV_R_GENERATION;
		siv_connect_wipe(&ch->c);
		return;
	}
	r = pair_get(ss, (const u8 *)(g + 1), siv_get_le32(&g->cert_len),
		     g->cert_hash, &p);
	if (!r)
		r = judge_b(ch, p);
	if (!r)
		r = check_overlap(ss->g, &g->common);
	if (!r)
		r = siv_connect_granted(&ch->c, ss->g->t, g, p->cert.hash,
					p->prk, &ss->g->geo, &m);
	ch->cid = cid;
	if (!r && sim_channel_begin(ch))
		r = SIV_R_RANGE;
	if (!r)
		r = sim_say(ss, SIV_MSG_CONFIRM, &m, sizeof(m));
	if (r) {
		ss->g->refused = r;
		ch->error = r;
		siv_connect_wipe(&ch->c);
		ch->c.state = SIV_CONNECT_ENDED;
		say_failed(ss, cid, r);
		return;
	}
	put_name(ch->peer_vm, p->cert.vm);
}

static enum siv_reason answer(struct sim_session *ss, struct sim_channel *ch,
			      const struct siv_incoming *in,
			      struct siv_accept *m)
{
	struct siv_connect_ids ids = {
		.suite = siv_get_le16(&in->suite),
		.flags = siv_get_le32(&in->flags),
		.cid = siv_get_le64(&in->cid),
		.ring_ab = siv_get_le64(&in->ring_ab),
		.ring_ba = siv_get_le64(&in->ring_ba),
		.peer_a = siv_get_le32(&in->peer_a),
		.peer_b = ss->g->at.peer,
	};
	struct siv_span service, own = ss->id->cert.service;
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];
	struct sim_pair *p = NULL;
	enum siv_reason r;

	ch->cid = ids.cid;
	if (!ss->listening)
		return SIV_R_NO_LISTENER;
	if (!siv_name_get(in->service, &service) || service.n != own.n ||
	    memcmp(service.p, own.p, own.n))
		return SIV_R_CERT_SERVICE;
	if (ss->g->sealed_only & ~ids.flags)
		return SIV_R_NOT_SEALED;
	r = pair_get(ss, (const u8 *)(in + 1), siv_get_le32(&in->cert_len),
		     in->cert_hash, &p);
	if (r)
		return r;
	ids_common(ss, &ids, ss->id->cert.service);
	memcpy(ids.cert_a, p->cert.hash, SIV_HASH_LEN);
	memcpy(ids.cert_b, ss->id->cert.hash, SIV_HASH_LEN);
	memcpy(ids.n, in->n, sizeof(ids.n));
	r = sim_ephemeral(ss, priv, pub);
	if (!r)
		r = siv_connect_incoming(&ch->c, ss->g->t, &ids, in, priv, pub,
					 p->prk, m);
	siv_wipe(priv, sizeof(priv));
	put_name(ch->peer_vm, p->cert.vm);
	put_name(ch->peer_service, p->cert.service);
	return r;
}

void sim_incoming(struct sim_session *ss, const struct siv_incoming *in)
{
	struct siv_reject no = { 0 };
	struct sim_channel *ch;
	struct siv_accept m;
	enum siv_reason r;

	if (by_cid(ss->g, siv_get_le64(&in->cid))) {
		ss->g->refused = SIV_R_GENERATION;
		return;
	}
	ch = sim_channel_new(ss);
	r = ch ? answer(ss, ch, in, &m) : SIV_R_BACKLOG;
	if (!r)
		r = sim_say(ss, SIV_MSG_ACCEPT, &m, sizeof(m));
	if (!r)
		return;
	ss->g->refused = r;
	if (ch)
		sim_channel_free(ch);
	no.cid = in->cid;
	siv_put_le32(&no.code, siv_reason_code(r));
	(void)sim_say(ss, SIV_MSG_REJECT, &no, sizeof(no));
}

void sim_grant_b(struct sim_session *ss, const struct siv_grant_b *g)
{
	u64 cid = siv_get_le64(&g->common.cid);
	struct sim_channel *ch = by_cid(ss->g, cid);
	struct siv_established m;
	enum siv_reason r;

	if (!ch || ch->request) {
		ss->g->refused = SIV_R_GENERATION;
		sim_say_close(ss, SIV_MSG_CLOSED, cid,
			      siv_reason_code(SIV_R_GENERATION));
		return;
	}
	if (ch->c.state != SIV_CONNECT_ACCEPTED) {
		/* out of order: dropped, and what is open stays */
		ss->g->refused = SIV_R_STATE;
		return;
	}
	r = check_overlap(ss->g, &g->common);
	if (!r)
		r = siv_connect_confirmed(&ch->c, ss->g->t, g, &ss->g->geo, &m);
	if (!r && sim_channel_begin(ch))
		r = SIV_R_RANGE;
	if (!r)
		r = sim_say(ss, SIV_MSG_ESTABLISHED, &m, sizeof(m));
	if (r) {
		ss->g->refused = r;
		sim_channel_free(ch);
		say_failed(ss, cid, r);
	}
}

void sim_fin(struct sim_session *ss, const struct siv_fin *f)
{
	struct sim_channel *ch = by_cid(ss->g, siv_get_le64(&f->cid));
	enum siv_reason r;

	if (!ch || ch->c.state != SIV_CONNECT_OPEN)
		return;
	/* one that does not open changes nothing: the stream has no proved end */
	r = siv_fin_open(&ch->c, ss->g->t, f, &ch->fin_pos);
	if (r)
		ss->g->refused = r;
}

void sim_ended(struct sim_session *ss, u16 type, u64 request, u64 cid, u32 code)
{
	struct sim_channel *ch = by_cid(ss->g, cid);

	if (!ch)
		ch = by_request(ss, request);
	/* nothing here touches it */
	if (!ch && type == SIV_MSG_CLOSE)
		sim_say_close(ss, SIV_MSG_CLOSED, cid, 0);
	if (!ch || type == SIV_MSG_CLOSED)
		return;
	if (type == SIV_MSG_CLOSE && !code && ch->c.state == SIV_CONNECT_OPEN) {
		ch->peer_closed = true;
		return;
	}
	sim_channel_end(ch, SIV_OK,
			code ? code : siv_reason_code(SIV_R_PEER_GONE));
}
