// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A channel's life: quotas, the clock of its handshake, limbo, scrubbing. */
#include <stdlib.h>

#include "broker.h"

/* -------------------------------------------------------------------- yard */

static void yard_arm(struct yard *y)
{
	struct channel *ch = TAILQ_FIRST(&y->handshakes);
	u64 now = clock_ms();

	if (!ch || (y->armed_ms && y->armed_ms <= ch->deadline_ms))
		return;
	y->armed_ms = ch->deadline_ms;
	if (sd_event_source_set_time_relative(
		    y->timer, ch->deadline_ms > now ?
				      (ch->deadline_ms - now) * 1000 :
				      0) < 0 ||
	    sd_event_source_set_enabled(y->timer, SD_EVENT_ONESHOT) < 0)
		y->armed_ms = 0;
}

static int yard_on_timer(sd_event_source *src, uint64_t usec, void *arg)
{
	struct yard *y = arg;
	struct channel *ch;

	(void)src;
	(void)usec;
	y->armed_ms = 0;
	while ((ch = TAILQ_FIRST(&y->handshakes)) &&
	       ch->deadline_ms <= clock_ms())
		channel_end(ch, siv_reason_code(SIV_R_TIMEOUT), NULL,
			    "no answer in time");
	yard_arm(y);
	broker_flush(y->b);
	return 0;
}

/* A little per turn of the loop; then whoever waits for clean memory. */
static int yard_on_scrub(sd_event_source *src, void *arg)
{
	struct yard *y = arg;
	struct channel *ch;
	bool more = alloc_scrub(y->r->alloc, y->r->mem.map, SCRUB_STEP);

	if (!more)
		sd_event_source_set_enabled(src, SD_EVENT_OFF);
	while ((ch = TAILQ_FIRST(&y->memory))) {
		relay_step(ch);
		if (TAILQ_FIRST(&y->memory) == ch)
			break; /* not enough yet */
	}
	broker_flush(y->b);
	return 0;
}

struct yard *yard_new(struct broker *b, struct region *r)
{
	struct yard *y = calloc(1, sizeof(*y));

	if (!y)
		return NULL;
	y->b = b;
	y->r = r;
	TAILQ_INIT(&y->handshakes);
	TAILQ_INIT(&y->memory);
	if (sd_event_add_time_relative(b->event, &y->timer, CLOCK_MONOTONIC, 0,
				       1000, yard_on_timer, y) < 0 ||
	    sd_event_source_set_enabled(y->timer, SD_EVENT_OFF) < 0 ||
	    sd_event_add_defer(b->event, &y->scrub, yard_on_scrub, y) < 0 ||
	    sd_event_source_set_enabled(y->scrub, SD_EVENT_OFF) < 0) {
		yard_free(y);
		return NULL;
	}
	return y;
}

void yard_free(struct yard *y)
{
	if (!y)
		return;
	sd_event_source_disable_unref(y->timer);
	sd_event_source_disable_unref(y->scrub);
	free(y);
}

/* ------------------------------------------------------------------- sides */

static void channel_side(struct channel *ch, struct side *side,
			 struct session *s)
{
	side->channel = ch;
	side->session = s;
	side->desk = s->desk;
	side->a = side == &ch->a;
	memcpy(side->boot, s->boot, sizeof(side->boot));
	memcpy(side->service, s->service, sizeof(side->service));
	memcpy(side->cert_hash, s->cert.hash, SIV_HASH_LEN);
	if (s->cert.serial.n <= CERTS_SERIAL_MAX) {
		side->serial_len = (u8)s->cert.serial.n;
		memcpy(side->serial, s->cert.serial.p, s->cert.serial.n);
	}
	side->not_after = s->cert.not_after;
	LIST_INSERT_HEAD(&s->sides, side, of_session);
	LIST_INSERT_HEAD(&s->desk->owing, side, of_desk);
	s->desk->channels++;
}

static void channel_charge(struct channel *ch, struct desk *to)
{
	if (ch->charged)
		ch->charged->bytes -= ch->bytes;
	ch->charged = to;
	if (to)
		to->bytes += ch->bytes;
}

struct channel *channel_new(struct session *a, struct session *b)
{
	struct broker *br = a->b;
	struct channel *ch = calloc(1, sizeof(*ch));

	if (!ch)
		return NULL;
	ch->b = br;
	ch->r = a->desk->m->r;
	ch->yard = a->desk->yard;
	ch->state = SIV_RELAY_OPENED;
	ch->kept.cid = ++br->next_cid;
	ch->opened_ms = clock_ms();
	if (!map_put(&br->channels, ch->kept.cid, ch)) {
		free(ch);
		return NULL;
	}
	channel_side(ch, &ch->a, a);
	channel_side(ch, &ch->b_side, b);
	b->listener.waiting++;
	return ch;
}

/* ------------------------------------------------------------------- clock */

void channel_expect_none(struct channel *ch)
{
	if (!ch->timed)
		return;
	TAILQ_REMOVE(&ch->yard->handshakes, ch, handshake);
	ch->timed = false;
}

void channel_expect(struct channel *ch)
{
	struct yard *y = ch->yard;

	channel_expect_none(ch);
	ch->deadline_ms = clock_ms() + ch->r->policy->handshake_ms;
	TAILQ_INSERT_TAIL(&y->handshakes, ch, handshake);
	ch->timed = true;
	yard_arm(y);
}

static void channel_wait_none(struct channel *ch)
{
	switch (ch->wait) {
	case CHANNEL_READY:
		break;
	case CHANNEL_WAITS_MEMORY:
		TAILQ_REMOVE(&ch->yard->memory, ch, waiting);
		break;
	case CHANNEL_WAITS_A:
		TAILQ_REMOVE(&ch->a.desk->waiting, ch, waiting);
		break;
	case CHANNEL_WAITS_B:
		TAILQ_REMOVE(&ch->b_side.desk->waiting, ch, waiting);
		break;
	}
	ch->wait = CHANNEL_READY;
}

void channel_wait(struct channel *ch, enum channel_wait what)
{
	if (ch->wait == what)
		return;
	channel_wait_none(ch);
	ch->wait = what;
	switch (what) {
	case CHANNEL_READY:
		break;
	case CHANNEL_WAITS_MEMORY:
		TAILQ_INSERT_TAIL(&ch->yard->memory, ch, waiting);
		break;
	case CHANNEL_WAITS_A:
		TAILQ_INSERT_TAIL(&ch->a.desk->waiting, ch, waiting);
		member_wait_drained(ch->a.desk->m);
		break;
	case CHANNEL_WAITS_B:
		TAILQ_INSERT_TAIL(&ch->b_side.desk->waiting, ch, waiting);
		member_wait_drained(ch->b_side.desk->m);
		break;
	}
}

static int channel_on_expiry(sd_event_source *src, uint64_t usec, void *arg)
{
	struct channel *ch = arg;
	struct broker *b = ch->b;

	(void)src;
	(void)usec;
	channel_end(ch, siv_reason_code(SIV_R_CERT_EXPIRED), NULL,
		    "a certificate has expired");
	broker_flush(b);
	return 0;
}

void channel_open(struct channel *ch)
{
	s64 end = ch->r->cert.not_after;

	channel_expect_none(ch);
	if (ch->a.not_after < end)
		end = ch->a.not_after;
	if (ch->b_side.not_after < end)
		end = ch->b_side.not_after;
	/* wall clock, so that a clock that is set right counts */
	if (end >= 0 && end < (s64)1 << 40)
		(void)!sd_event_add_time(ch->b->event, &ch->expiry,
					 CLOCK_REALTIME,
					 ((u64)end + 1) * 1000000, 1000000,
					 channel_on_expiry, ch);
}

/* --------------------------------------------------------------------- end */

static void channel_audit(const struct channel *ch, u32 code, const char *what)
{
	bool failed = ch->state != SIV_RELAY_ESTABLISHED;
	struct audit_who who = { ch->r->name, ch->a.desk->m->name,
				 ch->a.service };

	audit_note_errno(ch->b->audit,
			 failed ? AUDIT_CONNECT_FAILED : AUDIT_CHANNEL_END,
			 (int)code, &who, NULL, "cid %llu to %s/%s: %s",
			 (unsigned long long)ch->kept.cid,
			 ch->b_side.desk->m->name, ch->kept.service, what);
}

static void channel_tell_end(struct side *side, u32 code)
{
	struct channel *ch = side->channel;
	struct siv_close close = { 0 };
	struct siv_failed failed = { 0 };
	const struct siv_span none = { NULL, 0 };

	if (!side->session)
		return;
	if (side->a && !side->granted) {
		siv_put_le64(&failed.request, ch->request);
		siv_put_le64(&failed.cid, ch->kept.cid);
		siv_put_le32(&failed.code, code);
		session_send(side->session, SIV_MSG_FAILED, &failed,
			     sizeof(failed), none);
		return;
	}
	siv_put_le64(&close.cid, ch->kept.cid);
	siv_put_le32(&close.code, code);
	session_send(side->session, SIV_MSG_CLOSE, &close, sizeof(close), none);
}

static void channel_free(struct channel *ch)
{
	map_del(&ch->b->channels, ch->kept.cid);
	channel_charge(ch, NULL);
	if (ch->extent) {
		alloc_release(ch->r->alloc, ch->extent);
		sd_event_source_set_enabled(ch->yard->scrub, SD_EVENT_ON);
	}
	sd_event_source_disable_unref(ch->expiry);
	siv_wipe(ch, sizeof(*ch));
	free(ch);
}

/* Free when both sides are closed; else the memory is charged to the one that is not. */
static void channel_settle(struct channel *ch)
{
	if (ch->state != SIV_RELAY_ENDED)
		return;
	if (ch->a.closed && ch->b_side.closed)
		channel_free(ch);
	else if (ch->a.closed)
		channel_charge(ch, ch->b_side.desk);
	else if (ch->b_side.closed)
		channel_charge(ch, ch->a.desk);
}

static void channel_side_closed(struct side *s)
{
	if (s->closed)
		return;
	s->closed = true;
	s->desk->channels--;
	LIST_REMOVE(s, of_desk);
	if (s->session)
		LIST_REMOVE(s, of_session);
	s->session = NULL;
}

void channel_closed(struct side *s)
{
	channel_side_closed(s);
	channel_settle(s->channel);
}

/* INCOMING was sent, and will be neither accepted nor refused any more. */
static void channel_unwait(struct channel *ch)
{
	struct session *b = ch->b_side.session;

	if (ch->state == SIV_RELAY_OPENED && b && b->listener.waiting)
		b->listener.waiting--;
}

void channel_end_closed(struct side *s, u32 code, const char *what)
{
	struct channel *ch = s->channel;

	if (ch->state == SIV_RELAY_ENDED) {
		channel_closed(s);
		return;
	}
	/* while the side still has its session: a REJECT comes from there */
	if (s == &ch->b_side)
		channel_unwait(ch);
	channel_side_closed(s);
	channel_end(ch, code, s, what);
}

/*
 * What an end may say to the other. That a right was lost is for the host to say: a guest
 * takes such a channel's mappings away, and an end must not be able to crash its partner.
 */
static u32 channel_said(const struct side *to, u32 code)
{
	/* only A has a caller who is to learn why; B would doubt its session */
	if ((to->a && !to->granted) || !code ||
	    code == siv_reason_code(SIV_R_PEER_CLOSED) ||
	    code == siv_reason_code(SIV_R_STATE) ||
	    code == siv_reason_code(SIV_R_TAG))
		return code;
	return siv_reason_code(SIV_R_PEER_GONE);
}

void channel_end(struct channel *ch, u32 code, struct side *from,
		 const char *what)
{
	struct side *sides[2] = { &ch->a, &ch->b_side };
	int i;

	if (ch->state == SIV_RELAY_ENDED)
		return;
	channel_unwait(ch);
	channel_expect_none(ch);
	channel_wait(ch, CHANNEL_READY);
	channel_audit(ch, code, what);
	if (from)
		code = channel_said(channel_other(from), code);
	ch->state = SIV_RELAY_ENDED;
	ch->end_code = code;
	if (ch->extent)
		alloc_limbo(ch->r->alloc, ch->extent);
	for (i = 0; i < 2; i++) {
		if (sides[i] != from)
			channel_tell_end(sides[i], code);
		/* who was never told where the memory is cannot touch it */
		if (!sides[i]->granted)
			channel_side_closed(sides[i]);
	}
	channel_settle(ch);
}
