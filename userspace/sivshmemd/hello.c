// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Message 1 of a session. The order of work is protocol.rst's: cheapest refusal first,
 * and nothing that an unauthenticated writer of the slot could make expensive.
 */
#include "broker.h"
#include "core/crypto_openssl.h"

/* Room for one attempt; wiped on the only way out. */
struct hello {
	u8 slot[SIV_SLOT_SIZE];
	size_t len;
	u8 plain[SIV_SLOT_SIZE];
	struct siv_cert cert;
	struct siv_payload1 p1;
	struct siv_payload2 p2;
	u8 random[32];
	u8 hh[SIV_HASH_LEN];
	u8 e_priv[SIV_KEY_LEN];
	u8 e_pub[SIV_KEY_LEN];
};

void hello_challenge(struct desk *d)
{
	struct siv_box_control ctl = { 0 };

	if (siv_random(d->challenge, sizeof(d->challenge)))
		return;
	memcpy(ctl.challenge, d->challenge, sizeof(ctl.challenge));
	siv_put_le32(&ctl.peer, d->m->peer);
	memcpy(d->m->box + SIV_BOX_CTL, &ctl, sizeof(ctl));
}

static void hello_post(struct desk *d)
{
	if (!d->answer_len || d->answer_waits)
		return;
	siv_slot_write(d->m->box + SIV_BOX_HELLO_DOWN, d->answer,
		       d->answer_len);
	member_ring(d->m);
}

void hello_drained(struct desk *d)
{
	if (!d->answer_waits)
		return;
	d->answer_waits = false;
	hello_post(d);
	if (d->pending) {
		d->pending->until_ms = clock_ms() + SIV_PENDING_MS;
		session_arm(d->pending, d->pending->until_ms);
	}
}

/* The arrival of message 2 tells the guest that its QEMU has all its vectors. */
static void hello_reply(struct desk *d)
{
	d->answer_waits = !member_drained(d->m);
	if (d->answer_waits)
		member_wait_drained(d->m);
	else
		hello_post(d);
}

enum siv_reason hello_judge(struct broker *b, const struct region *r,
			    const char *vm, const struct siv_cert *cert)
{
	struct siv_span region = { (const u8 *)r->name, strlen(r->name) };
	struct siv_span name = { (const u8 *)vm, strlen(vm) };
	enum siv_reason why;

	why = siv_cert_is(cert, SIV_CERT_ENDPOINT, region, name,
			  (struct siv_span){ NULL, 0 });
	if (!why)
		why = siv_cert_dates(cert, clock_wall_s());
	if (!why && denied_has(b->denied, cert))
		why = SIV_R_REVOKED;
	if (!why && crl_has(b->crl, cert->issuer, cert->serial))
		why = SIV_R_CERT_REVOKED;
	return why ? why : certs_verify(b->certs, cert, b->anchors);
}

static void hello_name(char out[SIV_NAME_LEN], struct siv_span name)
{
	memset(out, 0, SIV_NAME_LEN);
	if (name.n < SIV_NAME_LEN)
		memcpy(out, name.p, name.n);
}

/* Is there room for one more session? One that it replaces does not count. */
static enum siv_reason hello_quota(const struct desk *d, const char *service)
{
	u32 have = d->session_count - (session_by_service(d, service) ? 1 : 0);

	return have < d->m->vm->sessions ? SIV_OK : SIV_R_QUOTA;
}

static void hello_payload2(struct desk *d, enum siv_reason why,
			   struct siv_payload2 *p2)
{
	struct broker *b = d->b;
	const struct policy_region *p = d->m->r->policy;

	memset(p2, 0, sizeof(*p2));
	siv_put_le64(&p2->host_time, (u64)clock_wall_s());
	if (why) {
		siv_put_le32(&p2->status, siv_reason_code(why));
		return;
	}
	siv_put_le64(&p2->session_id, ++b->next_session);
	siv_put_le32(&p2->session_tag, (u32)b->next_session);
	siv_put_le64(&p2->crl_number, crl_number(b->crl));
	siv_put_le32(&p2->rekey_seconds, p->rekey_s);
	siv_put_le32(&p2->liveness_ms, p->liveness_ms);
	siv_put_le32(&p2->max_channels, d->m->vm->channels);
	siv_put_le16(&p2->vectors, (u16)d->m->vector_count);
}

static enum siv_reason hello_answer(struct desk *d, struct session *s,
				    struct hello *h)
{
	enum siv_reason why;

	if (siv_random(h->random, sizeof(h->random)))
		return SIV_R_CRYPTO;
	/* bound to the challenge that this message 1 has used up */
	memset(h->hh, 0, sizeof(h->hh));
	memcpy(h->hh, h->slot + SIV_SLOT_HDR, SIV_NONCE_LEN);
	why = siv_ephemeral_make(h->e_priv, h->e_pub, d->m->r->prkh, h->random,
				 h->hh, d->b->ephemeral_counter++);
	if (!why)
		why = siv_session_answer(&s->core, &h->p2, h->e_priv, h->e_pub,
					 d->answer, &d->answer_len);
	return why;
}

/* It authenticated: judge who it is, and answer. */
static void hello_decide(struct desk *d, struct session *s, struct hello *h)
{
	struct broker *b = d->b;
	enum siv_reason verdict, why;
	struct audit_who who;

	hello_challenge(d);
	memcpy(d->m1, h->slot, h->len);
	d->m1_len = h->len;
	d->answer_len = 0;
	memcpy(s->cert_der, h->cert.der.p, h->cert.der.n);
	why = siv_cert_parse((struct siv_span){ s->cert_der, h->cert.der.n },
			     &s->cert);
	memcpy(s->boot, h->p1.boot_nonce, sizeof(s->boot));
	hello_name(s->service, s->cert.service);
	verdict = hello_judge(b, d->m->r, d->m->name, &s->cert);
	if (!verdict)
		verdict = hello_quota(d, s->service);
	hello_payload2(d, verdict, &h->p2);
	if (!why)
		why = hello_answer(d, s, h);
	if (!why && !verdict) {
		if (d->pending)
			session_end(d->pending, SIV_R_TIMEOUT, false);
		session_put(s, d);
		s->phase = SESSION_PENDING;
		s->until_ms = clock_ms() + SERVER_HELLO_MS;
		d->pending = s;
		b->spare = NULL;
	}
	if (!why)
		hello_reply(d);
	if (!why && !verdict && !d->answer_waits)
		s->until_ms = clock_ms() + SIV_PENDING_MS;
	if (!why && !verdict)
		session_arm(s, s->until_ms);
	if (!why && !verdict)
		return;
	/* after the answer: who it claimed to be, and why not */
	who = (struct audit_who){ d->m->r->name, d->m->name, s->service };
	audit_note(b->audit, AUDIT_HELLO_REFUSED, why ? why : verdict, &who,
		   NULL, "certificate for %.*s/%.*s/%.*s: %s",
		   (int)s->cert.region.n, s->cert.region.p, (int)s->cert.vm.n,
		   s->cert.vm.p, (int)s->cert.service.n, s->cert.service.p,
		   siv_reason_text(why ? why : verdict));
}

static void hello_dropped(struct desk *d, enum siv_reason why)
{
	struct audit_who who = member_who(d->m);

	audit_note(d->b->audit, AUDIT_HELLO_DROPPED, why, &who, NULL,
		   "message 1: %s", siv_reason_text(why));
}

/* A session that has heard nothing yet. */
static struct session *hello_spare(struct broker *b)
{
	struct siv_aead *tx, *rx;

	if (!b->spare)
		b->spare = session_new(b);
	if (!b->spare)
		return NULL;
	tx = b->spare->core.tx_t;
	rx = b->spare->core.rx_t;
	siv_session_init(&b->spare->core, true, b->hs, tx, rx);
	return b->spare;
}

static bool hello_hear(struct desk *d, struct hello *h)
{
	const struct region *r = d->m->r;
	struct siv_session_ids ids = {
		.peer = d->m->peer,
		.region = { (const u8 *)r->name, strlen(r->name) },
	};
	struct session *s = hello_spare(d->b);
	enum siv_reason why;

	if (!s)
		return false;
	memcpy(ids.epoch, r->epoch, sizeof(ids.epoch));
	memcpy(ids.host_cert_hash, r->cert.hash, SIV_HASH_LEN);
	memcpy(ids.header_hash, r->header_hash, SIV_HASH_LEN);
	memcpy(ids.challenge, d->challenge, SIV_NONCE_LEN);
	why = siv_session_heard(&s->core, &ids, r->key, r->cert.pub,
				r->geo.suites,
				(struct siv_span){ h->slot, h->len }, h->plain,
				&h->cert, &h->p1);
	if (why) {
		hello_dropped(d, why);
		return false;
	}
	/* the READY of the one before, if it stands in a slot, comes first */
	if (d->pending)
		session_mail(d);
	hello_decide(d, s, h);
	return true;
}

bool hello_bell(struct desk *d)
{
	const u8 *slot = d->m->box + SIV_BOX_HELLO_UP;
	u32 rate = d->m->vm->hello_rate;
	struct siv_slot_info info;
	struct hello h;
	bool useful = true;

	if (d->b->stopping || !siv_slot_peek(slot, &info))
		return false;
	if (!bucket_take(&d->hellos, (u64)rate * 1000,
			 (u64)rate * HELLO_BURST_S, clock_ms())) {
		hello_dropped(d, SIV_R_RATE);
		return false;
	}
	h.len = siv_slot_copy(slot, &info, h.slot);
	if (h.len == d->m1_len && !memcmp(h.slot, d->m1, h.len))
		hello_post(d);
	else
		useful = hello_hear(d, &h);
	siv_wipe(&h, sizeof(h));
	broker_flush(d->b);
	return useful;
}

/* -------------------------------------------------------------------- READY */

/* Another boot: what the old one had is over, for its memory is gone. */
static void hello_rebooted(struct desk *d, struct session *s)
{
	struct session *o, *next;

	if (memcmp(d->boot, s->boot, SIV_NONCE_LEN) != 0) {
		relay_vm_over(d, s->boot, SIV_R_PEER_GONE,
			      "its VM has rebooted");
		for (o = TAILQ_FIRST(&d->sessions); o; o = next) {
			next = TAILQ_NEXT(o, of_desk);
			if (o != s &&
			    memcmp(o->boot, s->boot, SIV_NONCE_LEN) != 0)
				session_end(o, SIV_R_PEER_GONE, false);
		}
	}
	memcpy(d->boot, s->boot, SIV_NONCE_LEN);
}

/* Doorbells between this VM and those it may talk to that are there. */
static void hello_meet(struct desk *d)
{
	const struct region *r = d->m->r;
	enum siv_reason why;
	u32 i;

	for (i = 0; i < r->member_count; i++) {
		struct member *o = r->members[i];
		struct audit_who who = member_who(d->m);

		if (!o || o == d->m || !o->client || !o->desk->session_count ||
		    !policy_pair(d->b->policy, r->name, d->m->name, o->name))
			continue;
		why = member_pair(d->m, o);
		if (why)
			audit_note(d->b->audit, AUDIT_QUOTA, why, &who, NULL,
				   "no doorbells between %s and %s", d->m->name,
				   o->name);
	}
}

void hello_ready(struct session *s)
{
	struct desk *d = s->desk;
	struct audit_who who = session_who(s);
	struct session *old;

	if (s->phase != SESSION_PENDING)
		return;
	if (d->pending == s)
		d->pending = NULL;
	hello_rebooted(d, s);
	old = session_by_service(d, s->service);
	s->phase = SESSION_LIVE;
	s->born_s = clock_boot_s();
	relay_inherit(old, s);
	if (old) {
		old->phase = SESSION_OLD;
		old->heir = s;
		old->until_ms = clock_ms() + SESSION_GRACE_MS;
		session_arm(old, old->until_ms);
	}
	session_arm(s, clock_ms() + 1000);
	hello_meet(d);
	audit_note(s->b->audit, AUDIT_SESSION, SIV_OK, &who, NULL,
		   "session %llu%s, certificate until %lld",
		   (unsigned long long)s->core.id,
		   old ? " replaces an older one" : "",
		   (long long)s->cert.not_after);
}
