// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Connects. A asks, the policy answers first, B is asked, and only what B accepted takes
 * memory and doorbells:
 *
 *   A                    here                                 B
 *   OPEN            -->  policy, quota, listener   INCOMING -->
 *                        memory, doorbells    <--    ACCEPT (or REJECT)
 *        <-- GRANT_A     when A's QEMU has its doorbell
 *   CONFIRM         -->  when B's QEMU has its     GRANT_B -->
 *                        the clock stops      <--    ESTABLISHED
 *
 * CLOSE ends it; memory is free again when both sides have said CLOSED.
 */
#include "broker.h"
#include "core/crypto_openssl.h"
#include "layout.h"
#include "lie.h"

static const struct siv_span none = { NULL, 0 };

/* --------------------------------------------------------------- listeners */

static void relay_result(struct session *s, u64 request, enum siv_reason why)
{
	struct siv_result m = { 0 };

	siv_put_le64(&m.request, request);
	siv_put_le32(&m.code, why ? siv_reason_code(why) : 0);
	session_send(s, SIV_MSG_RESULT, &m, sizeof(m), none);
}

static enum siv_reason relay_may_listen(struct session *s,
					const struct siv_listen *m)
{
	const struct member *vm = s->desk->m;

	if (s->phase != SESSION_LIVE || s->b->stopping)
		return SIV_R_REVOKED;
	if (!policy_service(s->b->policy, vm->r->name, vm->name, s->service))
		return SIV_R_POLICY;
	if (s->listener.request && !s->listener.inherited &&
	    s->listener.request != siv_get_le64(&m->request))
		return SIV_R_LISTENING;
	return SIV_OK;
}

void relay_listen(struct session *s, const struct siv_listen *m)
{
	enum siv_reason why = relay_may_listen(s, m);
	struct audit_who who = session_who(s);
	u64 request = siv_get_le64(&m->request);

	if (!why && !request)
		why = SIV_R_RESERVED;
	if (!why) {
		s->listener.request = request;
		s->listener.inherited = false;
		s->listener.flags = siv_get_le32(&m->flags);
		s->listener.backlog = siv_get_le32(&m->backlog);
		s->listener.ring_max = siv_get_le64(&m->ring_max);
	}
	relay_result(s, request, why);
	audit_note(s->b->audit, why ? AUDIT_LISTEN_REFUSED : AUDIT_LISTEN, why,
		   &who, NULL, "listen as %s: %s", s->service,
		   why ? siv_reason_text(why) : "yes");
}

void relay_unlisten(struct session *s, const struct siv_unlisten *m)
{
	u64 request = siv_get_le64(&m->request);
	bool ours = s->listener.request && s->listener.request == request;

	if (ours)
		s->listener.request = 0;
	relay_result(s, request, ours ? SIV_OK : SIV_R_NO_LISTENER);
}

/* -------------------------------------------------------------------- OPEN */

/* What OPEN asked for, in host order, and what was found for it. */
struct ask {
	struct session *s;
	const struct siv_open *m;
	u64 ring_ab;
	u64 ring_ba;
	u32 flags;
	u16 suite;
	char service[SIV_NAME_LEN];
	char vm[SIV_NAME_LEN];
	const struct policy_service *rule;
	struct session *listener;
};

static void relay_name(char out[SIV_NAME_LEN], const u8 field[SIV_NAME_LEN])
{
	struct siv_span name = { NULL, 0 };

	memset(out, 0, SIV_NAME_LEN);
	if (siv_name_get(field, &name) && name.n)
		memcpy(out, name.p, name.n);
}

static enum siv_reason relay_rule_sealed(const struct policy_service *rule,
					 u32 flags)
{
	bool sealed = flags & SIV_CH_SEALED;

	if (rule->sealed == POLICY_SEALED_REQUIRED && !sealed)
		return SIV_R_NOT_SEALED;
	if (rule->sealed == POLICY_SEALED_NEVER && sealed)
		return SIV_R_POLICY;
	return SIV_OK;
}

static bool relay_ring_ok(const struct ask *q, u64 size)
{
	const struct siv_geometry *g = &q->s->desk->m->r->geo;

	return siv_is_pow2(size) && size >= g->ring_min &&
	       size <= g->ring_max &&
	       (!q->rule->ring_min || size >= q->rule->ring_min) &&
	       (!q->rule->ring_max || size <= q->rule->ring_max);
}

/*
 * The policy first: whether anybody listens must not show in the answer to one who may
 * not connect. Of several VMs that may serve, the first that listens is taken.
 */
static enum siv_reason relay_find(struct ask *q)
{
	struct broker *b = q->s->b;
	const struct region *r = q->s->desk->m->r;
	const struct policy_service *offer;
	u32 i, n = policy_offers(b->policy, r->name, q->service, &offer);

	for (i = 0; i < n; i++) {
		const char *vm = b->policy->vms[offer[i].vm].name;
		struct member *m;

		if (q->vm[0] && strcmp(q->vm, vm) != 0)
			continue;
		if (!policy_allows(b->policy, &offer[i], q->s->desk->m->name,
				   q->s->service))
			continue;
		if (!q->rule)
			q->rule = &offer[i];
		m = region_member(r, vm);
		if (!m || !m->client)
			continue;
		q->listener = session_by_service(m->desk, q->service);
		if (q->listener && q->listener->listener.request) {
			q->rule = &offer[i];
			return SIV_OK;
		}
		q->listener = NULL;
	}
	return q->rule ? SIV_R_NO_LISTENER : SIV_R_POLICY;
}

static u32 relay_service_channels(const struct session *listener)
{
	const struct side *s;
	u32 n = 0;

	for (s = LIST_FIRST(&listener->sides); s; s = LIST_NEXT(s, of_session))
		n += !s->a;
	return n;
}

static enum siv_reason relay_quota(const struct ask *q)
{
	const struct desk *a = q->s->desk, *b = q->listener->desk;
	u64 bytes = layout_extent(q->ring_ab, q->ring_ba);

	if (a->channels >= a->m->vm->channels ||
	    b->channels >= b->m->vm->channels)
		return SIV_R_QUOTA;
	if (a->m->vm->bytes && a->bytes + bytes > a->m->vm->bytes)
		return SIV_R_QUOTA;
	if (q->rule->channels &&
	    relay_service_channels(q->listener) >= q->rule->channels)
		return SIV_R_QUOTA;
	return SIV_OK;
}

static enum siv_reason relay_listener_takes(const struct ask *q)
{
	const struct listener *l = &q->listener->listener;

	if (l->waiting >= l->backlog)
		return SIV_R_BACKLOG;
	if (lie_demands(q->s, q->listener))
		return SIV_OK;
	if (l->flags & SIV_CH_SEALED && !(q->flags & SIV_CH_SEALED))
		return SIV_R_NOT_SEALED;
	if (l->ring_max &&
	    (q->ring_ab > l->ring_max || q->ring_ba > l->ring_max))
		return SIV_R_SIZE;
	return SIV_OK;
}

static enum siv_reason relay_judge(struct ask *q)
{
	const struct region *r = q->s->desk->m->r;
	enum siv_reason why, found;

	if (q->s->phase != SESSION_LIVE || q->s->b->stopping)
		return SIV_R_REVOKED;
	found = relay_find(q);
	if (!q->rule)
		return found;
	why = relay_rule_sealed(q->rule, q->flags);
	if (why)
		return why;
	if (q->flags & ~SIV_CH_FLAGS)
		return SIV_R_UNSUPPORTED;
	if (!relay_ring_ok(q, q->ring_ab) || !relay_ring_ok(q, q->ring_ba))
		return SIV_R_SIZE;
	if (q->suite >= 32 || !(r->geo.suites >> q->suite & 1))
		return SIV_R_SUITE;
	if (found)
		return found;
	why = relay_quota(q);
	if (!why)
		why = relay_listener_takes(q);
	if (!why && !siv_pub_canonical(q->m->e_a))
		why = SIV_R_PUB_NOT_CANONICAL;
	/* own key or certificate at the other end: no connect to oneself */
	if (!why &&
	    siv_equal(q->s->cert.pub, q->listener->cert.pub, SIV_KEY_LEN))
		why = SIV_R_CERT_SELF;
	return why;
}

static void relay_incoming(struct channel *ch)
{
	struct session *a = ch->a.session, *b = ch->b_side.session;
	struct siv_span cert = lie_cert(ch, SIV_MSG_INCOMING, a->cert.der);
	struct siv_incoming m = { 0 };

	siv_put_le64(&m.cid, ch->kept.cid);
	memcpy(m.n, ch->n, sizeof(m.n));
	siv_put_le16(&m.suite, ch->suite);
	siv_put_le32(&m.flags, ch->flags);
	siv_put_le64(&m.ring_ab, ch->ring_ab);
	siv_put_le64(&m.ring_ba, ch->ring_ba);
	siv_put_le32(&m.peer_a, a->desk->m->peer);
	siv_put_le32(&m.peer_b, b->desk->m->peer);
	siv_name_put(m.service, (struct siv_span){ (const u8 *)ch->kept.service,
						   strlen(ch->kept.service) });
	memcpy(m.cert_hash, ch->a.cert_hash, SIV_HASH_LEN);
	memcpy(m.e_a, ch->e_a, SIV_KEY_LEN);
	if (cert.p == a->cert.der.p && session_knows(b, ch->a.cert_hash))
		cert = none;
	siv_put_le32(&m.cert_len, (u32)cert.n);
	lie_incoming(ch, &m);
	session_send(b, SIV_MSG_INCOMING, &m, sizeof(m), cert);
}

static enum siv_reason relay_begin(struct ask *q)
{
	struct channel *ch;
	u8 n[32];

	if (siv_random(n, sizeof(n)))
		return SIV_R_CRYPTO;
	ch = channel_new(q->s, q->listener);
	if (!ch)
		return SIV_R_NO_SPACE;
	memcpy(ch->n, n, sizeof(ch->n));
	memcpy(ch->e_a, q->m->e_a, SIV_KEY_LEN);
	memcpy(ch->kept.service, q->service, SIV_NAME_LEN);
	ch->request = siv_get_le64(&q->m->request);
	ch->suite = q->suite;
	ch->flags = q->flags;
	ch->ring_ab = q->ring_ab;
	ch->ring_ba = q->ring_ba;
	relay_incoming(ch);
	channel_expect(ch);
	return SIV_OK;
}

static void relay_refuse(const struct ask *q, enum siv_reason why)
{
	struct audit_who who = session_who(q->s);
	struct siv_failed m = { 0 };

	m.request = q->m->request;
	siv_put_le32(&m.code, siv_reason_code(why));
	session_send(q->s, SIV_MSG_FAILED, &m, sizeof(m), none);
	audit_note(q->s->b->audit, AUDIT_OPEN_REFUSED, why, &who,
		   q->rule ? q->rule->rule : NULL, "open %s%s%s: %s", q->vm,
		   q->vm[0] ? "/" : "", q->service, siv_reason_text(why));
}

void relay_open(struct session *s, const struct siv_open *m)
{
	struct ask q = {
		.s = s,
		.m = m,
		.ring_ab = siv_get_le64(&m->ring_ab),
		.ring_ba = siv_get_le64(&m->ring_ba),
		.flags = siv_get_le32(&m->flags),
		.suite = siv_get_le16(&m->suite),
	};
	enum siv_reason why;

	relay_name(q.service, m->service);
	relay_name(q.vm, m->vm);
	why = relay_judge(&q);
	if (!why)
		why = relay_begin(&q);
	if (why)
		relay_refuse(&q, why);
}

/* ------------------------------------------------------------------ grants */

static void relay_common(struct channel *ch)
{
	struct siv_common *c = &ch->kept.common;
	const struct member *a = ch->a.desk->m, *b = ch->b_side.desk->m;
	const struct extent *e = ch->extent;

	memset(c, 0, sizeof(*c));
	siv_put_le64(&c->cid, ch->kept.cid);
	siv_put_le64(&c->extent_off, e->off);
	siv_put_le64(&c->extent_len, e->len);
	siv_put_le64(&c->side_off, e->side_off);
	siv_put_le64(&c->ring_ab_off, e->off);
	siv_put_le64(&c->ring_ba_off, e->off + ch->ring_ab);
	siv_put_le64(&c->ring_ab_len, ch->ring_ab);
	siv_put_le64(&c->ring_ba_len, ch->ring_ba);
	siv_put_le32(&c->flags, ch->flags);
	siv_put_le16(&c->suite, ch->suite);
	siv_put_le32(&c->peer_a, a->peer);
	siv_put_le16(&c->vector_a, member_vector(a, b->name));
	siv_put_le32(&c->peer_b, b->peer);
	siv_put_le16(&c->vector_b, member_vector(b, a->name));
}

/*
 * The memory is clean, but in a shared region anybody may have scribbled on what was
 * free: both ends begin with control pages that are zero.
 */
static void relay_zero(const struct channel *ch)
{
	u8 *side = ch->r->mem.map + ch->extent->side_off;

	memset(side, 0, SIV_GRANULE_MIN);
	memset(side + ch->r->geo.granule, 0, SIV_GRANULE_MIN);
}

/* Memory and doorbells, now that B has accepted. */
static enum siv_reason relay_take(struct channel *ch)
{
	u64 len = layout_extent(ch->ring_ab, ch->ring_ba);
	enum siv_reason why;

	why = member_pair(ch->a.desk->m, ch->b_side.desk->m);
	if (why)
		return why;
	ch->extent = alloc_take(ch->r->alloc, ch->a.desk->m->arena, len);
	if (!ch->extent)
		return alloc_dirty(ch->r->alloc) ? SIV_R_RATE : SIV_R_NO_SPACE;
	ch->bytes = len;
	ch->charged = ch->a.desk;
	ch->charged->bytes += len;
	relay_zero(ch);
	relay_common(ch);
	return SIV_OK;
}

static void relay_grant_a(struct channel *ch)
{
	struct session *b = ch->b_side.session;
	struct siv_span cert = lie_cert(ch, SIV_MSG_GRANT_A, b->cert.der);
	struct siv_grant_a m = { 0 };

	siv_put_le64(&m.request, ch->request);
	siv_put_le64(&m.cid, ch->kept.cid);
	memcpy(m.n, ch->n, sizeof(m.n));
	siv_put_le32(&m.peer_b, ch->b_side.desk->m->peer);
	memcpy(m.cert_hash, ch->b_side.cert_hash, SIV_HASH_LEN);
	memcpy(m.m2, ch->m2, sizeof(m.m2));
	m.common = ch->kept.common;
	if (cert.p == b->cert.der.p &&
	    session_knows(ch->a.session, ch->b_side.cert_hash))
		cert = none;
	siv_put_le32(&m.cert_len, (u32)cert.n);
	lie_grant_a(ch, &m);
	ch->a.granted = true;
	session_send(ch->a.session, SIV_MSG_GRANT_A, &m, sizeof(m), cert);
	channel_expect(ch);
}

static void relay_grant_b(struct channel *ch)
{
	struct siv_grant_b m = { .common = ch->kept.common };

	memcpy(m.m3, ch->m3, sizeof(m.m3));
	lie_grant_b(ch, &m);
	ch->b_side.granted = true;
	session_send(ch->b_side.session, SIV_MSG_GRANT_B, &m, sizeof(m), none);
	if (ch->have_fin)
		session_send(ch->b_side.session, SIV_MSG_FIN, &ch->fin,
			     sizeof(ch->fin), none);
	ch->have_fin = false;
	channel_expect(ch);
}

static void relay_step_a(struct channel *ch)
{
	enum siv_reason why = SIV_OK;

	if (!ch->extent)
		why = relay_take(ch);
	if (why == SIV_R_RATE) {
		channel_wait(ch, CHANNEL_WAITS_MEMORY);
	} else if (why) {
		channel_end(ch, siv_reason_code(why), NULL,
			    siv_reason_text(why));
	} else if (!member_drained(ch->a.desk->m)) {
		channel_wait(ch, CHANNEL_WAITS_A);
	} else {
		channel_wait(ch, CHANNEL_READY);
		relay_grant_a(ch);
	}
}

void relay_step(struct channel *ch)
{
	if (ch->state == SIV_RELAY_GRANTED && !ch->a.granted) {
		relay_step_a(ch);
	} else if (ch->state == SIV_RELAY_CONFIRMED && !ch->b_side.granted) {
		if (!member_drained(ch->b_side.desk->m)) {
			channel_wait(ch, CHANNEL_WAITS_B);
		} else {
			channel_wait(ch, CHANNEL_READY);
			relay_grant_b(ch);
		}
	}
}

/* ---------------------------------------------------------------- messages */

static void relay_accept(struct channel *ch, const struct siv_accept *m)
{
	struct session *b = ch->b_side.session;

	if (b->listener.waiting)
		b->listener.waiting--;
	memcpy(ch->m2, m->m2, sizeof(ch->m2));
	ch->state = SIV_RELAY_GRANTED;
	channel_expect(ch);
	relay_step(ch);
}

static void relay_confirm(struct channel *ch, const struct siv_confirm *m)
{
	memcpy(ch->m3, m->m3, sizeof(ch->m3));
	ch->state = SIV_RELAY_CONFIRMED;
	channel_expect(ch);
	relay_step(ch);
}

static void relay_established(struct channel *ch)
{
	struct audit_who who = { ch->r->name, ch->a.desk->m->name,
				 ch->a.service };
	const char *rule = NULL;

	ch->state = SIV_RELAY_ESTABLISHED;
	channel_open(ch);
	ch->b->connects++;
	(void)!relay_allowed(ch, &rule);
	audit_note(ch->b->audit, AUDIT_CONNECT, SIV_OK, &who, rule,
		   "cid %llu to %s/%s, %s, rings %llu and %llu",
		   (unsigned long long)ch->kept.cid, ch->b_side.desk->m->name,
		   ch->kept.service,
		   ch->flags & SIV_CH_SEALED ? "sealed" : "plain",
		   (unsigned long long)ch->ring_ab,
		   (unsigned long long)ch->ring_ba);
}

static void relay_fin(struct channel *ch, struct side *from,
		      const struct siv_fin *m)
{
	struct side *to = channel_other(from);
	struct siv_fin fin = *m;

	if (lie_fin(ch, &fin))
		return;
	if (!to->a && !to->granted) {
		ch->fin = fin;
		ch->have_fin = true;
	} else if (to->session) {
		session_send(to->session, SIV_MSG_FIN, &fin, sizeof(fin), none);
	}
}

/* A message that does not belong in this state ends the channel; late ones do not. */
static void relay_misplaced(struct channel *ch, struct side *from, u16 type)
{
	struct audit_who who = { ch->r->name, from->desk->m->name,
				 from->service };

	if (ch->state == SIV_RELAY_ENDED)
		return;
	audit_note(ch->b->audit, AUDIT_PROTOCOL, SIV_R_STATE, &who, NULL,
		   "%s in state %d of cid %llu", siv_msg_name(type),
		   (int)ch->state, (unsigned long long)ch->kept.cid);
	channel_end(ch, siv_reason_code(SIV_R_STATE), NULL,
		    "a message out of order");
}

static void relay_dispatch(struct channel *ch, struct side *from, u16 type,
			   const void *m)
{
	const struct siv_close *close = m;
	const struct siv_reject *reject = m;
	const struct siv_failed *failed = m;

	switch (type) {
	case SIV_MSG_ACCEPT:
		relay_accept(ch, m);
		break;
	case SIV_MSG_REJECT:
		channel_end_closed(from, siv_get_le32(&reject->code),
				   "rejected");
		break;
	case SIV_MSG_CONFIRM:
		relay_confirm(ch, m);
		break;
	case SIV_MSG_ESTABLISHED:
		relay_established(ch);
		break;
	case SIV_MSG_FIN:
		relay_fin(ch, from, m);
		break;
	case SIV_MSG_CLOSE:
		channel_end(ch, siv_get_le32(&close->code), from, "closed");
		break;
	case SIV_MSG_CLOSED:
		channel_end_closed(from, siv_get_le32(&close->code), "closed");
		break;
	case SIV_MSG_FAILED:
		channel_end_closed(from, siv_get_le32(&failed->code),
				   "an end refused its grant");
		break;
	}
}

/* Is it of this identity, in this boot? Whichever of its sessions says so. */
static bool relay_is_side(const struct side *side, const struct session *s)
{
	return side->desk == s->desk && !strcmp(side->service, s->service) &&
	       !memcmp(side->boot, s->boot, SIV_NONCE_LEN);
}

static struct side *relay_side(struct channel *ch, const struct session *s)
{
	struct side *side = relay_is_side(&ch->a, s) ? &ch->a : &ch->b_side;

	return relay_is_side(side, s) ? side : NULL;
}

void relay_message(struct session *s, u16 type, struct siv_span body)
{
	/* FAILED has the request before the cid; all others begin with the cid */
	u64 cid = siv_get_le64(body.p + (type == SIV_MSG_FAILED ? 8 : 0));
	struct channel *ch = map_get(&s->b->channels, cid);
	struct side *from = ch ? relay_side(ch, s) : NULL;
	struct audit_who who = session_who(s);

	if (!ch)
		return; /* of one that was over before this came */
	if (!from) {
		audit_note(s->b->audit, AUDIT_PROTOCOL, SIV_R_GENERATION, &who,
			   NULL, "%s of cid %llu, which is not its own",
			   siv_msg_name(type), (unsigned long long)cid);
		return;
	}
	if (from->closed)
		return; /* it has said so, or never had to */
	if (siv_relay_may(ch->state, from->a, type)) {
		relay_misplaced(ch, from, type);
		return;
	}
	relay_dispatch(ch, from, type, body.p);
}

/* ------------------------------------------------------------ whole sessions */

void relay_session_over(struct session *s, enum siv_reason why,
			const char *what)
{
	struct side *side, *next;

	for (side = LIST_FIRST(&s->sides); side; side = next) {
		next = LIST_NEXT(side, of_session);
		channel_end(side->channel, siv_reason_code(why), NULL, what);
	}
	/* what is left is in limbo: a session of this boot may say CLOSED */
	while ((side = LIST_FIRST(&s->sides))) {
		LIST_REMOVE(side, of_session);
		side->session = NULL;
	}
}

static void relay_tell_again(struct side *side)
{
	struct siv_close m = { 0 };

	siv_put_le64(&m.cid, side->channel->kept.cid);
	siv_put_le32(&m.code, side->channel->end_code);
	session_send(side->session, SIV_MSG_CLOSE, &m, sizeof(m), none);
}

void relay_inherit(struct session *from, struct session *to)
{
	struct side *side;

	if (from) {
		to->listener = from->listener;
		to->listener.inherited = true;
		from->listener.request = 0;
		while ((side = LIST_FIRST(&from->sides))) {
			LIST_REMOVE(side, of_session);
			LIST_INSERT_HEAD(&to->sides, side, of_session);
			side->session = to;
		}
	}
	for (side = LIST_FIRST(&to->desk->owing); side;
	     side = LIST_NEXT(side, of_desk)) {
		if (side->session || strcmp(side->service, to->service) != 0)
			continue;
		LIST_INSERT_HEAD(&to->sides, side, of_session);
		side->session = to;
		relay_tell_again(side);
	}
}

void relay_vm_over(struct desk *d, const u8 *keep, enum siv_reason why,
		   const char *what)
{
	struct side *side, *next;

	for (side = LIST_FIRST(&d->owing); side; side = next) {
		/* at most this one side leaves the list: a VM has no channel to itself */
		next = LIST_NEXT(side, of_desk);
		if (keep && !memcmp(side->boot, keep, SIV_NONCE_LEN))
			continue;
		channel_end_closed(side, siv_reason_code(why), what);
	}
}

enum siv_reason relay_allowed(const struct channel *ch, const char **rule)
{
	const struct policy *p = ch->b->policy;
	const struct policy_service *s;
	enum siv_reason why;

	s = policy_service(p, ch->r->name, ch->b_side.desk->m->name,
			   ch->kept.service);
	*rule = s ? s->rule : NULL;
	if (!s || !policy_allows(p, s, ch->a.desk->m->name, ch->a.service))
		return SIV_R_POLICY;
	why = relay_rule_sealed(s, ch->flags);
	if (why)
		return why;
	if ((s->ring_max &&
	     (ch->ring_ab > s->ring_max || ch->ring_ba > s->ring_max)) ||
	    ch->ring_ab < s->ring_min || ch->ring_ba < s->ring_min)
		return SIV_R_SIZE;
	return SIV_OK;
}
