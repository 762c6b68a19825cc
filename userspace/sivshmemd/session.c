// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Sessions: records in and out, their timers, their end. */
#include <stdlib.h>

#include "broker.h"
#include "core/crypto_openssl.h"

enum {
	SESSION_TIMER_MAX_MS = 60000
};

struct audit_who session_who(const struct session *s)
{
	return (struct audit_who){ .region = s->desk->m->r->name,
				   .vm = s->desk->m->name,
				   .service = s->service };
}

/* --------------------------------------------------------------- life, list */

static int session_on_timer(sd_event_source *src, uint64_t usec, void *arg);

struct session *session_new(struct broker *b)
{
	struct session *s = calloc(1, sizeof(*s));
	struct siv_aead *tx = siv_aead_alloc(), *rx = siv_aead_alloc();

	if (!s || !tx || !rx) {
		siv_aead_free(tx);
		siv_aead_free(rx);
		free(s);
		return NULL;
	}
	s->b = b;
	siv_session_init(&s->core, true, b->hs, tx, rx);
	STAILQ_INIT(&s->letters);
	LIST_INIT(&s->sides);
	if (sd_event_add_time_relative(b->event, &s->timer, CLOCK_MONOTONIC, 0,
				       1000, session_on_timer, s) < 0 ||
	    sd_event_source_set_enabled(s->timer, SD_EVENT_OFF) < 0) {
		session_free(s);
		return NULL;
	}
	return s;
}

static void session_burn_letters(struct session *s)
{
	struct letter *l;

	while ((l = STAILQ_FIRST(&s->letters))) {
		STAILQ_REMOVE_HEAD(&s->letters, link);
		free(l);
	}
	s->letter_count = 0;
}

void session_free(struct session *s)
{
	struct siv_aead *tx, *rx;

	if (!s)
		return;
	tx = s->core.tx_t;
	rx = s->core.rx_t;
	session_burn_letters(s);
	sd_event_source_disable_unref(s->timer);
	siv_session_wipe(&s->core);
	siv_aead_free(tx);
	siv_aead_free(rx);
	siv_wipe(s, sizeof(*s));
	free(s);
}

void session_put(struct session *s, struct desk *d)
{
	s->desk = d;
	TAILQ_INSERT_TAIL(&d->sessions, s, of_desk);
	d->session_count++;
	s->b->session_count++;
}

/* Out of every list but the dead: freed when nobody is inside it. */
static void session_bury(struct session *s)
{
	struct desk *d = s->desk;
	struct session *o;

	if (s->dead)
		return;
	s->dead = true;
	for (o = TAILQ_FIRST(&d->sessions); o; o = TAILQ_NEXT(o, of_desk))
		if (o->heir == s)
			o->heir = s->heir;
	TAILQ_REMOVE(&d->sessions, s, of_desk);
	d->session_count--;
	s->b->session_count--;
	if (d->pending == s)
		d->pending = NULL;
	if (s->dirty)
		TAILQ_REMOVE(&s->b->dirty, s, of_dirty);
	s->dirty = false;
	session_burn_letters(s);
	sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	if (d->m->client)
		siv_outbox_drop(&d->outbox, d->m->box + SIV_BOX_DOWN,
				s->core.tag);
	siv_session_wipe(&s->core);
	TAILQ_INSERT_TAIL(&s->b->dead, s, of_dirty);
}

struct session *session_by_service(const struct desk *d, const char *service)
{
	struct session *s;

	for (s = TAILQ_FIRST(&d->sessions); s; s = TAILQ_NEXT(s, of_desk))
		if (s->phase == SESSION_LIVE && !strcmp(s->service, service))
			return s;
	return NULL;
}

bool session_knows(struct session *s, const u8 hash[SIV_HASH_LEN])
{
	u32 i, n = s->known_count < SESSION_KNOWN ? s->known_count :
						    SESSION_KNOWN;

	for (i = 0; i < n; i++)
		if (!memcmp(s->known[i], hash, SIV_HASH_LEN))
			return true;
	memcpy(s->known[s->known_count++ % SESSION_KNOWN], hash, SIV_HASH_LEN);
	return false;
}

/* ------------------------------------------------------------------ timers */

void session_arm(struct session *s, u64 ms)
{
	u64 now = clock_ms();

	if (s->dead || (s->armed_ms && s->armed_ms <= ms))
		return;
	s->armed_ms = ms ? ms : 1;
	if (sd_event_source_set_time_relative(
		    s->timer, ms > now ? (ms - now) * 1000 : 0) < 0 ||
	    sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT) < 0)
		s->armed_ms = 0;
}

/* When a session that is not disturbed is over, and why. */
static u64 session_limit(const struct session *s, u64 now, enum siv_reason *why)
{
	const struct policy_region *p = s->desk->m->r->policy;
	u64 age = clock_boot_s() - s->born_s, old = 2 * (u64)p->rekey_s, silent;
	s64 left = s->cert.not_after - clock_wall_s();

	*why = SIV_R_HOST_GONE;
	if (s->broken)
		return now;
	*why = SIV_R_CERT_EXPIRED;
	if (left < 0)
		return now;
	*why = SIV_R_EXHAUSTED;
	if (age >= old)
		return now;
	*why = SIV_R_TIMEOUT;
	silent = s->core.heard_ms + p->liveness_ms;
	if (silent <= now)
		return now;
	if ((u64)left + 1 < SESSION_TIMER_MAX_MS / 1000 &&
	    silent > now + ((u64)left + 1) * 1000)
		silent = now + ((u64)left + 1) * 1000;
	if (silent > now + (old - age) * 1000)
		silent = now + (old - age) * 1000;
	return silent < now + SESSION_TIMER_MAX_MS ? silent :
						     now + SESSION_TIMER_MAX_MS;
}

static void session_expire(struct session *s, enum siv_reason why)
{
	static const char *const what[] = {
		[SESSION_HEARD] = "",
		[SESSION_PENDING] = "no READY came",
		[SESSION_LIVE] =
			"silent, too old, or its certificate has expired",
		[SESSION_OLD] = "",
		[SESSION_DYING] = "",
	};
	struct audit_who who = session_who(s);

	if (s->phase == SESSION_PENDING)
		audit_note(s->b->audit, AUDIT_HELLO_TIMEOUT, why, &who, NULL,
			   "%s", what[s->phase]);
	if (s->phase == SESSION_LIVE)
		relay_session_over(s, why, what[s->phase]);
	session_end(s, why, s->phase == SESSION_LIVE && why != SIV_R_TIMEOUT);
}

static void session_check(struct session *s)
{
	enum siv_reason why = SIV_R_TIMEOUT;
	u64 now = clock_ms(), limit = s->until_ms;

	if (s->phase == SESSION_LIVE)
		limit = session_limit(s, now, &why);
	else if (s->broken)
		limit = now;
	if (limit <= now)
		session_expire(s, why);
	else
		session_arm(s, limit);
}

static int session_on_timer(sd_event_source *src, uint64_t usec, void *arg)
{
	struct session *s = arg;
	struct broker *b = s->b;

	(void)src;
	(void)usec;
	s->armed_ms = 0;
	session_check(s);
	if (!s->dead)
		session_soil(s);
	broker_flush(b);
	return 0;
}

/* ----------------------------------------------------------------- sending */

void session_soil(struct session *s)
{
	if (s->dirty || s->dead)
		return;
	s->dirty = true;
	TAILQ_INSERT_TAIL(&s->b->dirty, s, of_dirty);
}

/*
 * It has been sent a message: before those that only owe an acknowledgement, lest the
 * waiting guest wait for their bells, too.
 */
static void session_hasten(struct session *s)
{
	if (s->dead)
		return;
	if (s->dirty)
		TAILQ_REMOVE(&s->b->dirty, s, of_dirty);
	s->dirty = true;
	TAILQ_INSERT_HEAD(&s->b->dirty, s, of_dirty);
}

/* Has everything been acknowledged that somebody waits for? */
static bool session_silent(const struct session *s)
{
	const struct siv_session *c = &s->core;
	unsigned int i;

	if (!STAILQ_EMPTY(&s->letters))
		return false;
	for (i = 0; i < c->count; i++)
		if (!c->sent[(c->head + i) % SIV_SESSION_WINDOW].lazy)
			return false;
	return true;
}

/* Does it still have to say CLOSED of a channel that ended with it? */
static bool session_owes(const struct session *s)
{
	const struct side *side;

	for (side = LIST_FIRST(&s->desk->owing); side;
	     side = LIST_NEXT(side, of_desk))
		if (!side->session && !strcmp(side->service, s->service) &&
		    !memcmp(side->boot, s->boot, SIV_NONCE_LEN))
			return true;
	return false;
}

void session_post(struct session *s)
{
	struct desk *d = s->desk;
	u64 next, now = clock_ms();

	if (!d->m->client || s->core.state != SIV_SESSION_LIVE)
		return;
	if (siv_session_post(&s->core, &d->outbox, d->m->box + SIV_BOX_DOWN,
			     now, &next))
		member_ring(d->m);
	if (next)
		session_arm(s, next);
	if (s->phase == SESSION_DYING && session_silent(s) && !session_owes(s))
		session_bury(s);
}

static void session_broken(struct session *s, enum siv_reason why,
			   const char *what)
{
	struct audit_who who = session_who(s);

	audit_note(s->b->audit, AUDIT_PROTOCOL, why, &who, NULL, "%s", what);
	relay_session_over(s, why, what);
	session_end(s, why, false);
}

static void session_keep(struct session *s, u16 type, const void *body,
			 size_t len, struct siv_span more)
{
	struct letter *l;

	l = s->letter_count < SESSION_LETTERS_MAX ?
		    malloc(sizeof(*l) + len + more.n) :
		    NULL;
	if (!l) {
		/* a message is lost, so the session is: its timer ends it */
		s->broken = true;
		session_arm(s, 0);
		return;
	}
	l->type = type;
	l->len = len + more.n;
	memcpy(l->body, body, len);
	if (more.n)
		memcpy(l->body + len, more.p, more.n);
	STAILQ_INSERT_TAIL(&s->letters, l, link);
	s->letter_count++;
}

void session_send(struct session *s, u16 type, const void *body, size_t len,
		  struct siv_span more)
{
	enum siv_reason r = SIV_R_RATE;

	while (s->heir)
		s = s->heir;
	if (s->dead || s->core.state != SIV_SESSION_LIVE)
		return;
	if (STAILQ_EMPTY(&s->letters))
		r = siv_session_send(&s->core, type,
				     (struct siv_span){ body, len }, more,
				     clock_ms());
	if (r == SIV_R_RATE)
		session_keep(s, type, body, len, more);
	session_hasten(s);
	if (r && r != SIV_R_RATE) {
		s->broken = true;
		session_arm(s, 0);
	}
}

/* The window may have room now. */
static void session_pump(struct session *s)
{
	struct letter *l;

	while ((l = STAILQ_FIRST(&s->letters))) {
		enum siv_reason r = siv_session_send(
			&s->core, l->type, (struct siv_span){ l->body, l->len },
			(struct siv_span){ NULL, 0 }, clock_ms());

		if (r == SIV_R_RATE)
			return;
		STAILQ_REMOVE_HEAD(&s->letters, link);
		s->letter_count--;
		free(l);
		session_soil(s);
	}
}

/* --------------------------------------------------------------- receiving */

/* What the core says about a record that it did not take. */
static void session_refused(struct session *s, enum siv_reason why)
{
	struct audit_who who = session_who(s);

	switch (why) {
	case SIV_R_TAG:
	case SIV_R_NUMBER:
	case SIV_R_CRYPTO:
		/* anybody in the region can write this: counted, never fatal */
		audit_note(s->b->audit, AUDIT_AUTH_FAIL, why, &who, NULL,
			   "a record does not open");
		return;
	default:
		session_broken(s, why, "its message is against the protocol");
	}
}

static bool session_take(struct desk *d, struct session *s, const u8 *slot,
			 const struct siv_slot_info *info)
{
	u8 rec[SIV_SLOT_SIZE], plain[SIV_SLOT_SIZE];
	u64 now = clock_ms();
	struct siv_span body;
	enum siv_reason r;
	size_t n;
	u16 type;

	if (!siv_session_wants(&s->core, info, now)) {
		if (s->core.again)
			session_soil(s);
		return false;
	}
	n = siv_slot_copy(slot, info, rec);
	r = siv_session_receive(&s->core, (struct siv_span){ rec, n }, plain,
				&type, &body, now);
	session_soil(s); /* an acknowledgement is owed */
	if (r) {
		session_refused(s, r);
		return false;
	}
	session_pump(s);
	broker_heard(s, type, body);
	/* d->m->client may have gone with it */
	return d->m->client;
}

static struct session *session_by_tag(const struct desk *d, u32 tag)
{
	struct session *s;

	for (s = TAILQ_FIRST(&d->sessions); s; s = TAILQ_NEXT(s, of_desk))
		if (s->core.tag == tag && s->phase != SESSION_HEARD)
			return s;
	return NULL;
}

static bool session_scan(struct desk *d)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < SIV_BOX_SLOTS && d->m->client; i++) {
		const u8 *slot = d->m->box + SIV_BOX_UP + i * SIV_SLOT_SIZE;
		struct siv_slot_info info;
		struct session *s;

		if (!siv_slot_peek(slot, &info))
			continue;
		s = session_by_tag(d, info.tag);
		if (s && session_take(d, s, slot, &info))
			any = true;
	}
	return any;
}

/* At most one window of records per doorbell: what comes later rings again. */
bool session_mail(struct desk *d)
{
	unsigned int pass;

	for (pass = 0; pass < SIV_SESSION_WINDOW; pass++)
		if (!d->m->client || !session_scan(d))
			break;
	return pass;
}

/* --------------------------------------------------------------------- end */

void session_end(struct session *s, enum siv_reason why, bool last_words)
{
	struct audit_who who = session_who(s);

	if (s->dead)
		return;
	if (s->phase == SESSION_LIVE)
		audit_note(s->b->audit, AUDIT_SESSION_END, why, &who, NULL,
			   "session %llu", (unsigned long long)s->core.id);
	s->listener.request = 0;
	if (!last_words || !s->desk->m->client ||
	    (session_silent(s) && !session_owes(s))) {
		session_bury(s);
		return;
	}
	s->phase = SESSION_DYING;
	s->until_ms = clock_ms() + SESSION_GRACE_MS;
	session_arm(s, s->until_ms);
	session_soil(s);
}
