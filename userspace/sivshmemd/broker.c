// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The broker: what came goes to the right place; what changed is applied. */
#include <errno.h>
#include <stdlib.h>

#include "broker.h"
#include "core/crypto_openssl.h"

/* --------------------------------------------------------------- the flush */

void broker_flush(struct broker *b)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&b->dirty))) {
		TAILQ_REMOVE(&b->dirty, s, of_dirty);
		s->dirty = false;
		session_post(s);
	}
	while ((s = TAILQ_FIRST(&b->dead))) {
		TAILQ_REMOVE(&b->dead, s, of_dirty);
		session_free(s);
	}
}

/* ---------------------------------------------------------------- messages */

/* This boot ends in order: nothing of it touches anything any more. */
static void broker_goodbye(struct session *s)
{
	struct desk *d = s->desk;
	struct session *o, *next;

	relay_vm_over(d, NULL, SIV_R_PEER_GONE, "its VM said goodbye");
	for (o = TAILQ_FIRST(&d->sessions); o; o = next) {
		next = TAILQ_NEXT(o, of_desk);
		session_end(o, SIV_OK, false);
	}
}

void broker_heard(struct session *s, u16 type, struct siv_span body)
{
	switch (type) {
	case SIV_MSG_READY:
		hello_ready(s);
		break;
	case SIV_MSG_GOODBYE:
		broker_goodbye(s);
		break;
	case SIV_MSG_LISTEN:
		relay_listen(s, (const void *)body.p);
		break;
	case SIV_MSG_UNLISTEN:
		relay_unlisten(s, (const void *)body.p);
		break;
	case SIV_MSG_OPEN:
		relay_open(s, (const void *)body.p);
		break;
	case SIV_MSG_ACCEPT:
	case SIV_MSG_REJECT:
	case SIV_MSG_CONFIRM:
	case SIV_MSG_ESTABLISHED:
	case SIV_MSG_FIN:
	case SIV_MSG_CLOSE:
	case SIV_MSG_CLOSED:
	case SIV_MSG_FAILED:
		relay_message(s, type, body);
		break;
	default: /* ACK, HEARTBEAT: the session has taken note */
		break;
	}
}

/* --------------------------------------------------------- members' events */

static void broker_attached(struct member *m)
{
	struct desk *d = m->desk;

	memset(&d->outbox, 0, sizeof(d->outbox));
	d->m1_len = 0;
	d->answer_len = 0;
	d->answer_waits = false;
	hello_challenge(d);
}

static void broker_detached(struct member *m)
{
	struct desk *d = m->desk;
	struct session *s;

	relay_vm_over(d, NULL, SIV_R_PEER_GONE, "its QEMU has gone");
	while ((s = TAILQ_FIRST(&d->sessions)))
		session_end(s, SIV_R_PEER_GONE, false);
	memset(d->boot, 0, sizeof(d->boot));
	d->m1_len = 0;
	d->answer_len = 0;
	d->answer_waits = false;
	broker_flush(d->b);
}

static void broker_drained(struct member *m)
{
	struct desk *d = m->desk;
	struct channel *ch, *last = TAILQ_LAST(&d->waiting, channel_queue);

	if (d->answer_waits)
		hello_drained(d);
	else if (!d->m1_len)
		hello_bell(d); /* it may have rung before anybody listened */
	/* one round: a step may put its channel back */
	while ((ch = TAILQ_FIRST(&d->waiting))) {
		bool end = ch == last;

		channel_wait(ch, CHANNEL_READY);
		relay_step(ch);
		if (end)
			break;
	}
	broker_flush(d->b);
}

static bool broker_mail(struct member *m)
{
	bool any = session_mail(m->desk);

	broker_flush(m->desk->b);
	return any;
}

static bool broker_hello(struct member *m)
{
	return hello_bell(m->desk);
}

const struct member_events broker_member_events = {
	.attached = broker_attached,
	.detached = broker_detached,
	.drained = broker_drained,
	.mail = broker_mail,
	.hello = broker_hello,
};

/* -------------------------------------------------------------------- life */

struct broker *broker_new(sd_event *event, struct audit *audit)
{
	struct broker *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->event = event;
	b->audit = audit;
	TAILQ_INIT(&b->dirty);
	TAILQ_INIT(&b->dead);
	b->certs = certs_new();
	b->denied = denied_new();
	b->hs = siv_aead_alloc();
	if (!b->certs || !b->denied || !b->hs) {
		broker_free(b);
		return NULL;
	}
	return b;
}

static void desk_free(struct desk *d)
{
	if (!d)
		return;
	siv_wipe(d, sizeof(*d));
	free(d);
}

void broker_remove_member(struct member *m)
{
	struct desk *d = m->desk;

	member_drop(m);
	member_free(m);
	desk_free(d);
}

void broker_free(struct broker *b)
{
	u32 i, k;

	if (!b)
		return;
	for (i = 0; i < b->region_count; i++) {
		struct region *r = b->regions[i];

		for (k = 0; k < r->member_count; k++)
			if (r->members[k])
				broker_remove_member(r->members[k]);
	}
	broker_flush(b);
	for (i = 0; i < b->region_count; i++) {
		yard_free(b->yards[i]);
		siv_static_free(b->regions[i]->key);
		region_free(b->regions[i]);
	}
	free(b->regions);
	free(b->yards);
	session_free(b->spare);
	map_free(&b->channels);
	siv_aead_free(b->hs);
	certs_free(b->certs);
	denied_free(b->denied);
	crl_free(b->crl);
	siv_anchors_free(b->anchors);
	policy_free(b->policy);
	free(b);
}

int broker_add_region(struct broker *b, struct region *r)
{
	struct region **regions =
		realloc(b->regions, (b->region_count + 1) * sizeof(*regions));
	struct yard **yards;

	if (!regions)
		return -ENOMEM;
	b->regions = regions;
	yards = realloc(b->yards, (b->region_count + 1) * sizeof(*yards));
	if (!yards)
		return -ENOMEM;
	b->yards = yards;
	yards[b->region_count] = yard_new(b, r);
	if (!yards[b->region_count])
		return -ENOMEM;
	regions[b->region_count++] = r;
	return 0;
}

static struct yard *broker_yard(const struct broker *b, const struct region *r)
{
	u32 i;

	for (i = 0; i < b->region_count; i++)
		if (b->regions[i] == r)
			return b->yards[i];
	return NULL;
}

struct member *broker_add_member(struct broker *b, struct region *r,
				 const struct policy_vm *vm)
{
	struct desk *d = calloc(1, sizeof(*d));
	struct member *m = d ? member_new(r, vm) : NULL;

	if (!m) {
		free(d);
		return NULL;
	}
	d->b = b;
	d->m = m;
	d->yard = broker_yard(b, r);
	TAILQ_INIT(&d->sessions);
	LIST_INIT(&d->owing);
	TAILQ_INIT(&d->waiting);
	m->desk = d;
	return m;
}

/* ----------------------------------------------------------------- changes */

void broker_adopt(struct broker *b, struct policy *p)
{
	struct policy *old = b->policy;
	struct channel *ch;
	const char *rule;
	u32 at = 0;

	b->policy = p;
	for (; old && (ch = map_next(&b->channels, &at));) {
		struct audit_who who = { ch->r->name, NULL, ch->a.service };

		/* one in limbo may have lost a member that the policy lost */
		if (ch->state == SIV_RELAY_ENDED || !relay_allowed(ch, &rule))
			continue;
		who.vm = ch->a.desk->m->name;
		audit_note(
			b->audit, AUDIT_REVOKE, SIV_R_REVOKED, &who, rule,
			"cid %llu to %s/%s: the new policy does not allow it",
			(unsigned long long)ch->kept.cid,
			ch->b_side.desk->m->name, ch->kept.service);
		channel_end(ch, siv_reason_code(SIV_R_REVOKED), NULL, "policy");
		at = 0; /* the table may have moved */
	}
	policy_free(old);
	broker_flush(b);
}

/*
 * A channel lives by the certificates that it began with, also if its end has a newer one
 * by now (of the same CA).
 */
static void broker_judge_sides(struct session *s)
{
	struct side *side, *next;
	struct siv_cert old = s->cert;

	for (side = LIST_FIRST(&s->sides); side; side = next) {
		next = LIST_NEXT(side, of_session);
		if (!memcmp(side->cert_hash, s->cert.hash, SIV_HASH_LEN))
			continue;
		old.serial =
			(struct siv_span){ side->serial, side->serial_len };
		if (crl_has(s->b->crl, old.issuer, old.serial) ||
		    denied_has(s->b->denied, &old))
			channel_end(
				side->channel,
				siv_reason_code(SIV_R_CERT_REVOKED), NULL,
				"a certificate that it began with is revoked");
	}
}

static void broker_judge_session(struct session *s)
{
	struct desk *d = s->desk;
	enum siv_reason why = hello_judge(s->b, d->m->r, d->m->name, &s->cert);
	struct audit_who who = session_who(s);

	if (s->phase != SESSION_LIVE)
		return;
	if (!why) {
		broker_judge_sides(s);
		return;
	}
	audit_note(s->b->audit, AUDIT_REVOKE, why, &who, NULL,
		   "session ended: %s", siv_reason_text(why));
	relay_session_over(s, why, siv_reason_text(why));
	session_end(s, why, true);
}

void broker_judge(struct broker *b)
{
	u32 i, k;

	for (i = 0; i < b->region_count; i++) {
		struct region *r = b->regions[i];

		for (k = 0; k < r->member_count; k++) {
			struct member *m = r->members[k];
			struct session *s, *next;

			if (!m || r->policy->mode == POLICY_VANILLA)
				continue;
			for (s = TAILQ_FIRST(&m->desk->sessions); s; s = next) {
				next = TAILQ_NEXT(s, of_desk);
				broker_judge_session(s);
			}
		}
	}
	broker_flush(b);
}

void broker_stop(struct broker *b)
{
	u32 i, k;

	b->stopping = true;
	for (i = 0; i < b->region_count; i++) {
		struct region *r = b->regions[i];

		for (k = 0; k < r->member_count; k++) {
			struct member *m = r->members[k];
			struct session *s, *next;

			if (!m || r->policy->mode == POLICY_VANILLA)
				continue;
			for (s = TAILQ_FIRST(&m->desk->sessions); s; s = next) {
				next = TAILQ_NEXT(s, of_desk);
				relay_session_over(s, SIV_R_HOST_GONE,
						   "the host's daemon stops");
				session_end(s, SIV_R_HOST_GONE, true);
			}
		}
	}
	broker_flush(b);
}
