// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Sessions of a simulated guest: IK with the host, LISTEN, and what the host says. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "simguest/internal.h"

static enum siv_reason make_ephemeral(struct sim_session *ss,
				      const u8 hh[SIV_HASH_LEN],
				      u8 priv[SIV_KEY_LEN], u8 pub[SIV_KEY_LEN])
{
	enum siv_reason r;
	u8 random[32];

	if (siv_random(random, sizeof(random)))
		return SIV_R_CRYPTO;
	r = siv_ephemeral_make(priv, pub, ss->id->prkh, random, hh,
			       ss->e_counter++);
	siv_wipe(random, sizeof(random));
	return r;
}

void sim_session_prepare(struct sim_session *ss)
{
	while (ss->e_count < SIM_EPHEMERALS) {
		if (make_ephemeral(ss, ss->s.hh, ss->e[ss->e_count].priv,
				   ss->e[ss->e_count].pub))
			return;
		ss->e_count++;
	}
}

enum siv_reason sim_ephemeral(struct sim_session *ss, u8 priv[SIV_KEY_LEN],
			      u8 pub[SIV_KEY_LEN])
{
	if (!ss->e_count)
		return make_ephemeral(ss, ss->s.hh, priv, pub);
	ss->e_count--;
	memcpy(priv, ss->e[ss->e_count].priv, SIV_KEY_LEN);
	memcpy(pub, ss->e[ss->e_count].pub, SIV_KEY_LEN);
	siv_wipe(&ss->e[ss->e_count], sizeof(ss->e[0]));
	return SIV_OK;
}

/* ---------------------------------------------------------------------- talking */

static enum siv_reason seal(struct sim_session *ss, u16 type, const void *body,
			    size_t len)
{
	return siv_session_send(&ss->s, type, (struct siv_span){ body, len },
				(struct siv_span){ NULL, 0 }, sim_now_ms());
}

static struct sim_letter *letter_new(u16 type, const void *body, size_t len)
{
	struct sim_letter *l = malloc(sizeof(*l) + len);

	if (!l)
		return NULL;
	l->type = type;
	l->len = len;
	if (len)
		memcpy(l->body, body, len);
	return l;
}

enum siv_reason sim_say(struct sim_session *ss, u16 type, const void *body,
			size_t len)
{
	enum siv_reason r = SIV_R_RATE;
	struct sim_letter *l;

	if (STAILQ_EMPTY(&ss->letters))
		r = seal(ss, type, body, len);
	if (r == SIV_R_RATE) {
		l = letter_new(type, body, len);
		if (!l)
			return r;
		STAILQ_INSERT_TAIL(&ss->letters, l, link);
		r = SIV_OK;
	}
	sim_post(ss->g);
	return r;
}

void sim_pump(struct sim_session *ss)
{
	struct sim_letter *l;

	while ((l = STAILQ_FIRST(&ss->letters))) {
		if (seal(ss, l->type, l->body, l->len) == SIV_R_RATE)
			return;
		STAILQ_REMOVE_HEAD(&ss->letters, link);
		free(l);
	}
}

static void burn_letters(struct sim_session *ss)
{
	struct sim_letter *l;

	while ((l = STAILQ_FIRST(&ss->letters))) {
		STAILQ_REMOVE_HEAD(&ss->letters, link);
		free(l);
	}
}

/* --------------------------------------------------------------------- handshake */

/* The host certificate, as a guest must judge it before it says anything. */
static enum siv_reason judge_host(struct sim_guest *g)
{
	struct siv_span none = { NULL, 0 };
	struct siv_span region = { (const u8 *)g->region, strlen(g->region) };
	enum siv_reason r;

	r = siv_cert_is(&g->host, SIV_CERT_HOST, region, none, none);
	if (!r)
		r = siv_cert_dates(&g->host, (s64)time(NULL));
	if (!r)
		r = siv_cert_verify(&g->host, g->anchors);
	return r;
}

/* One attempt: message 1 with the challenge that stands in the box now. */
static enum siv_reason say_hello(struct sim_session *ss)
{
	struct sim_guest *g = ss->g;
	struct siv_session_hello in = {
		.ids = {
			.suite = g->suite ? g->suite : SIV_SUITE_CHACHAPOLY,
			.peer = g->at.peer,
			.region = { (const u8 *)g->region, strlen(g->region) },
		},
		.own = ss->id->key,
		.own_pub = ss->id->cert.pub,
		.host_pub = g->host.pub,
		.cert = ss->id->cert.der,
		.attempt = ++g->attempt,
	};
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN], padded[SIV_HASH_LEN] = { 0 };
	u8 out[SIV_SLOT_SIZE];
	enum siv_reason r;
	size_t len;

	memcpy(in.ids.epoch, g->epoch, sizeof(in.ids.epoch));
	memcpy(in.ids.host_cert_hash, g->host.hash, SIV_HASH_LEN);
	memcpy(in.ids.header_hash, g->header_hash, SIV_HASH_LEN);
	memcpy(in.ids.challenge, sim_box(g), SIV_NONCE_LEN);
	memcpy(in.boot_nonce, g->boot_nonce, sizeof(in.boot_nonce));
	memcpy(padded, in.ids.challenge, SIV_NONCE_LEN);
	r = make_ephemeral(ss, padded, priv, pub);
	in.e_priv = priv;
	in.e_pub = pub;
	if (!r)
		r = siv_session_start(&ss->s, &in, out, &len);
	if (!r) {
		siv_slot_write(sim_box(g) + SIV_BOX_HELLO_UP, out, len);
		sim_attach_ring(&g->at, 0, SIV_BELL_HELLO);
	}
	siv_wipe(priv, sizeof(priv));
	return r;
}

/* SIV_R_TIMEOUT while nothing that opens has come. */
static enum siv_reason hear_answer(struct sim_session *ss)
{
	u8 *slot = sim_box(ss->g) + SIV_BOX_HELLO_DOWN;
	struct siv_slot_info info;
	u8 copy[SIV_SLOT_SIZE];
	enum siv_reason r;
	size_t n;

	if (!siv_slot_peek(slot, &info) || info.number != ss->g->attempt)
		return SIV_R_TIMEOUT;
	n = siv_slot_copy(slot, &info, copy);
	r = siv_session_finish(&ss->s, (struct siv_span){ copy, n }, &ss->p2,
			       sim_now_ms());
	return r == SIV_OK || r == SIV_R_POLICY ? r : SIV_R_TIMEOUT;
}

enum {
	SIM_TURN_MS = 20, /* what a turn counts for at most */
};

static enum siv_reason handshake(struct sim_session *ss, int timeout_ms)
{
	u64 now = sim_now_ms(), end = now + (u64)timeout_ms, ran;
	enum siv_reason r = SIV_R_TIMEOUT;
	u32 backoff = SIV_REPOST_FIRST_MS;
	u64 left = 0; /* of our turns: the host stood still if we did */

	do {
		if (!left) {
			r = say_hello(ss);
			if (r)
				return r;
			left = backoff;
			backoff = backoff < SIV_REPOST_MAX_MS ? backoff * 2 :
								backoff;
		}
		if (sim_guest_step(ss->g, 1))
			return SIV_R_HOST_GONE;
		r = hear_answer(ss);
		ran = sim_now_ms() - now;
		now += ran;
		if (ran > SIM_TURN_MS)
			ran = SIM_TURN_MS;
		left -= left < ran ? left : ran;
	} while (r == SIV_R_TIMEOUT && now < end);
	return r;
}

static struct sim_session *session_new(struct sim_guest *g,
				       struct sim_identity *id)
{
	struct sim_session *ss;
	unsigned int i;

	for (i = 0; i < SIM_SESSIONS && g->session[i]; i++)
		;
	if (i == SIM_SESSIONS)
		return NULL;
	ss = calloc(1, sizeof(*ss));
	if (!ss)
		return NULL;
	ss->g = g;
	ss->id = id;
	STAILQ_INIT(&ss->letters);
	siv_session_init(&ss->s, false, siv_aead_alloc(), siv_aead_alloc(),
			 siv_aead_alloc());
	g->session[i] = ss;
	return ss;
}

/* An older session of the same identity: what was its is @ss's now. */
static void inherit(struct sim_session *ss)
{
	struct sim_guest *g = ss->g;
	struct sim_session *old = NULL;
	unsigned int i;

	for (i = 0; i < SIM_SESSIONS; i++)
		if (g->session[i] && g->session[i] != ss &&
		    !g->session[i]->heir &&
		    !memcmp(g->session[i]->id->cert.hash, ss->id->cert.hash,
			    SIV_HASH_LEN))
			old = g->session[i];
	if (!old)
		return;
	ss->request = old->request;
	ss->listening = old->listening;
	ss->listen_request = old->listen_request;
	for (i = 0; i < SIM_CHANNELS; i++)
		if (g->channel[i] && g->channel[i]->ss == old)
			g->channel[i]->ss = ss;
	old->heir = ss;
	old->until_ms = sim_now_ms() + SIV_PENDING_MS;
}

void sim_retire(struct sim_guest *g)
{
	unsigned int i;

	for (i = 0; i < SIM_SESSIONS; i++) {
		struct sim_session *ss = g->session[i];

		if (!ss || !ss->heir)
			continue;
		if ((!ss->s.count && STAILQ_EMPTY(&ss->letters)) ||
		    sim_now_ms() >= ss->until_ms)
			sim_session_drop(ss);
	}
}

struct sim_session *sim_session_open(struct sim_guest *g,
				     struct sim_identity *id, int timeout_ms,
				     enum siv_reason *why, u32 *code)
{
	struct sim_session *ss = NULL;

	*code = 0;
	*why = judge_host(g);
	if (*why)
		return NULL;
	ss = session_new(g, id);
	if (!ss) {
		*why = SIV_R_QUOTA;
		return NULL;
	}
	*why = handshake(ss, timeout_ms);
	if (!*why) {
		sim_post(g);
		inherit(ss);
		return ss;
	}
	*code = siv_get_le32(&ss->p2.status);
	sim_session_drop(ss);
	return NULL;
}

void sim_session_drop(struct sim_session *ss)
{
	struct sim_guest *g = ss->g;
	unsigned int i;

	for (i = 0; i < SIM_SESSIONS; i++) {
		if (g->session[i] == ss)
			g->session[i] = NULL;
		else if (g->session[i] && g->session[i]->heir == ss)
			g->session[i]->heir = ss->heir;
	}
	for (i = 0; i < SIM_CHANNELS; i++)
		if (g->channel[i] && g->channel[i]->ss == ss)
			sim_channel_orphan(g->channel[i]);
	if (ss->s.tag)
		siv_outbox_drop(&g->outbox, sim_box(g) + SIV_BOX_UP, ss->s.tag);
	burn_letters(ss);
	siv_session_wipe(&ss->s);
	siv_aead_free(ss->s.hs_t);
	siv_aead_free(ss->s.tx_t);
	siv_aead_free(ss->s.rx_t);
	siv_wipe(ss, sizeof(*ss));
	free(ss);
}

static int await_result(struct sim_session *ss, u64 request, int timeout_ms)
{
	u64 end = sim_now_ms() + (u64)timeout_ms;

	while (ss->result_request != request) {
		if (sim_now_ms() >= end)
			return -ETIMEDOUT;
		if (sim_guest_step(ss->g, 10))
			return -ECONNRESET;
	}
	return siv_code_errno(ss->result_code);
}

int sim_listen(struct sim_session *ss, u32 backlog, u32 flags, int timeout_ms)
{
	struct siv_listen m = { 0 };
	int r;

	siv_put_le64(&m.request, ++ss->request);
	siv_put_le32(&m.flags, flags);
	siv_put_le32(&m.backlog, backlog);
	r = siv_reason_errno(sim_say(ss, SIV_MSG_LISTEN, &m, sizeof(m)));
	if (!r)
		r = await_result(ss, ss->request, timeout_ms);
	if (!r) {
		ss->listening = true;
		ss->listen_request = ss->request;
	}
	return r;
}

int sim_unlisten(struct sim_session *ss, int timeout_ms)
{
	struct siv_unlisten m = { 0 };
	int r;

	siv_put_le64(&m.request, ss->listen_request);
	ss->result_request = 0;
	r = siv_reason_errno(sim_say(ss, SIV_MSG_UNLISTEN, &m, sizeof(m)));
	if (!r)
		r = await_result(ss, ss->listen_request, timeout_ms);
	ss->listening = false;
	return r;
}

void sim_heard(struct sim_session *ss, u16 type, struct siv_span body)
{
	const void *p = body.p;

	while (ss->heir)
		ss = ss->heir;
	switch (type) {
	case SIV_MSG_RESULT: {
		const struct siv_result *m = p;

		ss->result_code = siv_get_le32(&m->code);
		ss->result_request = siv_get_le64(&m->request);
		break;
	}
	case SIV_MSG_INCOMING:
		sim_incoming(ss, p);
		break;
	case SIV_MSG_GRANT_A:
		sim_grant_a(ss, p);
		break;
	case SIV_MSG_GRANT_B:
		sim_grant_b(ss, p);
		break;
	case SIV_MSG_FIN:
		sim_fin(ss, p);
		break;
	case SIV_MSG_CLOSE:
	case SIV_MSG_CLOSED: {
		const struct siv_close *m = p;

		sim_ended(ss, type, 0, siv_get_le64(&m->cid),
			  siv_get_le32(&m->code));
		break;
	}
	case SIV_MSG_FAILED: {
		const struct siv_failed *m = p;

		sim_ended(ss, type, siv_get_le64(&m->request),
			  siv_get_le64(&m->cid), siv_get_le32(&m->code));
		break;
	}
	default: /* ACK: the session has handled it */
		break;
	}
}
