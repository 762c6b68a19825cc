// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: records arrive exactly once and in order however the region is overwritten,
 * cleared and replayed, once that stops; nothing is sealed twice under one number; and
 * both ends fall silent when all has arrived.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "seallog.h"
#include "dialog.h"

/* ----------------------------------------------------------------- halves */

static void test_half(void **state)
{
	static const u16 suites[] = { SIV_SUITE_CHACHAPOLY, SIV_SUITE_AESGCM };
	struct siv_aead *ta = siv_aead_alloc(), *tb = siv_aead_alloc();
	const struct siv_span none = { NULL, 0 };
	u8 rec[SIV_SLOT_SIZE], plain[SIV_SLOT_SIZE], first[SIV_KEY_LEN];
	struct siv_half a, b, before;
	size_t i, n, len;
	u64 number;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		seallog_reset();
		pki_bytes(first, sizeof(first), "half", i);
		assert_int_equal(siv_half_init(&a, ta, suites[i], first),
				 SIV_OK);
		assert_int_equal(siv_half_init(&b, tb, suites[i], first),
				 SIV_OK);
		for (number = 0; number < 2 * SIV_RECORD_REKEY + 3; number++) {
			assert_int_equal(a.next, number);
			assert_int_equal(siv_record_seal(&a, 9, SIV_MSG_ACK,
							 number, none, none,
							 rec, &n),
					 SIV_OK);
			assert_int_equal(siv_get_le64(rec + 8), number);
			assert_int_equal(
				siv_record_open(&b, 9,
						(struct siv_span){ rec, n },
						plain, &len),
				SIV_OK);
			assert_int_equal(siv_get_le64(plain + 8), number);
			/* the key changes exactly where 2^16 divides the next number */
			if (number + 1 == SIV_RECORD_REKEY - 1)
				assert_memory_equal(a.k, first, SIV_KEY_LEN);
			if (number + 1 == SIV_RECORD_REKEY) {
				assert_memory_not_equal(a.k, first,
							SIV_KEY_LEN);
				assert_false(seallog_key_held(first));
			}
			assert_memory_equal(a.k, b.k, SIV_KEY_LEN);
		}
		assert_int_equal(seallog_repeats(), 0);
		/* a bad record changes nothing */
		assert_int_equal(siv_record_seal(&a, 9, SIV_MSG_ACK, 0, none,
						 none, rec, &n),
				 SIV_OK);
		memcpy(&before, &b, sizeof(b));
		for (len = 0; len < n * 8; len++) {
			size_t got;

			rec[len / 8] ^= (u8)(1u << len % 8);
			assert_int_not_equal(
				siv_record_open(&b, 9,
						(struct siv_span){ rec, n },
						plain, &got),
				SIV_OK);
			rec[len / 8] ^= (u8)(1u << len % 8);
			assert_memory_equal(&b, &before, sizeof(b));
		}
		assert_int_equal(siv_record_open(&b, 8,
						 (struct siv_span){ rec, n },
						 plain, &len),
				 SIV_R_NUMBER);
		assert_int_equal(siv_record_open(&b, 9,
						 (struct siv_span){ rec, n },
						 plain, &len),
				 SIV_OK);
		/* not twice, and not one number further */
		assert_int_equal(siv_record_open(&b, 9,
						 (struct siv_span){ rec, n },
						 plain, &len),
				 SIV_R_NUMBER);
		assert_int_equal(siv_record_seal(&a, 9, SIV_MSG_ACK, 0, none,
						 none, rec, &n),
				 SIV_OK);
		assert_int_equal(siv_record_seal(&a, 9, SIV_MSG_ACK, 0, none,
						 none, rec, &n),
				 SIV_OK);
		assert_int_equal(siv_record_open(&b, 9,
						 (struct siv_span){ rec, n },
						 plain, &len),
				 SIV_R_NUMBER);
		siv_half_wipe(&a);
		siv_half_wipe(&b);
	}
	siv_aead_free(ta);
	siv_aead_free(tb);
}

static void test_half_end(void **state)
{
	struct siv_aead *ta = siv_aead_alloc(), *tb = siv_aead_alloc();
	const struct siv_span none = { NULL, 0 };
	u8 rec[SIV_SLOT_SIZE], plain[SIV_SLOT_SIZE], k[SIV_KEY_LEN];
	struct siv_half a, b;
	size_t n, len;

	(void)state;
	pki_bytes(k, sizeof(k), "end", 0);
	assert_int_equal(siv_half_init(&a, ta, SIV_SUITE_CHACHAPOLY, k),
			 SIV_OK);
	assert_int_equal(siv_half_init(&b, tb, SIV_SUITE_CHACHAPOLY, k),
			 SIV_OK);
	a.next = SIV_RECORD_STOP - 1;
	b.next = SIV_RECORD_STOP - 1;
	/* the last number works, and then there is no key any more */
	assert_int_equal(siv_record_seal(&a, 9, SIV_MSG_ACK, 0, none, none, rec,
					 &n),
			 SIV_OK);
	assert_int_equal(siv_record_open(&b, 9, (struct siv_span){ rec, n },
					 plain, &len),
			 SIV_OK);
	assert_int_equal(siv_record_seal(&a, 9, SIV_MSG_ACK, 0, none, none, rec,
					 &n),
			 SIV_R_EXHAUSTED);
	assert_int_equal(siv_record_open(&b, 9, (struct siv_span){ rec, n },
					 plain, &len),
			 SIV_R_EXHAUSTED);
	assert_int_equal(a.next, SIV_RECORD_STOP);
	assert_false(dialog_find(&a, sizeof(a), k));
	assert_false(dialog_find(&b, sizeof(b), k));
	/* a seal that fails uses its number up */
	assert_int_equal(siv_half_init(&a, ta, SIV_SUITE_CHACHAPOLY, k),
			 SIV_OK);
	seallog_fail(0);
	assert_int_equal(siv_record_seal(&a, 9, SIV_MSG_ACK, 0, none, none, rec,
					 &n),
			 SIV_R_CRYPTO);
	assert_int_equal(n, 0);
	assert_int_equal(a.next, 1);
	/* a rekey that fails leaves no key to go on with */
	a.next = SIV_RECORD_REKEY - 1;
	seallog_fail(1);
	assert_int_equal(siv_record_seal(&a, 9, SIV_MSG_ACK, 0, none, none, rec,
					 &n),
			 SIV_R_CRYPTO);
	assert_int_equal(siv_record_seal(&a, 9, SIV_MSG_ACK, 0, none, none, rec,
					 &n),
			 SIV_R_EXHAUSTED);
	assert_false(dialog_find(&a, sizeof(a), k));
	seallog_fail(-1);
	siv_half_wipe(&b);
	siv_aead_free(ta);
	siv_aead_free(tb);
}

static void test_sizes(void **state)
{
	static u8 body[SIV_BODY_MAX + 1], more[SIV_CERT_MAX];
	struct siv_aead *ta = siv_aead_alloc(), *tb = siv_aead_alloc();
	u8 rec[SIV_SLOT_SIZE], plain[SIV_SLOT_SIZE], k[SIV_KEY_LEN] = { 1 };
	struct siv_half a, b;
	size_t n, len;

	(void)state;
	assert_int_equal(siv_half_init(&a, ta, SIV_SUITE_CHACHAPOLY, k),
			 SIV_OK);
	assert_int_equal(
		siv_record_seal(&a, 1, SIV_MSG_ACK, 0,
				(struct siv_span){ body, SIV_BODY_MAX },
				(struct siv_span){ NULL, 0 }, rec, &n),
		SIV_OK);
	assert_int_equal(n, SIV_SLOT_SIZE);
	assert_int_equal(
		siv_record_seal(&a, 1, SIV_MSG_ACK, 0,
				(struct siv_span){ body, SIV_BODY_MAX + 1 },
				(struct siv_span){ NULL, 0 }, rec, &n),
		SIV_R_LENGTH);
	assert_int_equal(
		siv_record_seal(&a, 1, SIV_MSG_ACK, 0,
				(struct siv_span){ body, SIV_BODY_MAX - 9 },
				(struct siv_span){ more, 10 }, rec, &n),
		SIV_R_LENGTH);
	assert_int_equal(a.next, 1); /* a refused length costs no number */
	/* a body in two parts is one body */
	assert_int_equal(siv_half_init(&b, tb, SIV_SUITE_CHACHAPOLY, k),
			 SIV_OK);
	b.next = 1;
	memset(body, 1, 8);
	memset(more, 2, 8);
	assert_int_equal(siv_record_seal(&a, 1, SIV_MSG_ACK, 0,
					 (struct siv_span){ body, 8 },
					 (struct siv_span){ more, 8 }, rec, &n),
			 SIV_OK);
	assert_int_equal(siv_record_open(&b, 1, (struct siv_span){ rec, n },
					 plain, &len),
			 SIV_OK);
	assert_int_equal(len, SIV_MSG_HDR + 16);
	assert_int_equal(siv_get_le32(plain + 4), 16);
	assert_memory_equal(plain + SIV_MSG_HDR, body, 8);
	assert_memory_equal(plain + SIV_MSG_HDR + 8, more, 8);
	/* a transform that takes no key */
	siv_half_wipe(&a);
	seallog_fail_key(0);
	assert_int_equal(siv_half_init(&a, ta, SIV_SUITE_CHACHAPOLY, k),
			 SIV_R_CRYPTO);
	assert_null(a.t);
	siv_half_wipe(&a);
	siv_half_wipe(&b);
	siv_aead_free(tb);
	siv_aead_free(ta);
}

/* ----------------------------------------------------------------- outbox */

static void test_outbox(void **state)
{
	static u64 slots[SIV_BOX_SLOTS * SIV_SLOT_SIZE / 8];
	struct siv_outbox ob;
	u8 rec[SIV_SLOT_SIZE] = { 0 };
	struct siv_slot_info info;
	int i;

	(void)state;
	memset(&ob, 0, sizeof(ob));
	siv_put_le32(rec, 1);
	for (i = 0; i < SIV_BOX_SLOTS; i++) {
		assert_int_equal(
			siv_outbox_take(&ob, 1, (u64)i, i == 2, (u64)i), i);
		siv_slot_write((u8 *)slots + i * SIV_SLOT_SIZE, rec, 17);
	}
	/* where it is already: and it is fresh again */
	assert_int_equal(siv_outbox_take(&ob, 1, 0, false, 10), 0);
	/* the lazy one's, but the receiver gets a moment to read it */
	assert_int_equal(siv_outbox_take(&ob, 2, 0, false, 21), -1);
	assert_int_equal(siv_outbox_take(&ob, 2, 0, false, 22), 2);
	/* no lazy one: the oldest of the session's, after its time */
	assert_int_equal(siv_outbox_take(&ob, 1, 8, false, 100), -1);
	assert_int_equal(siv_outbox_take(&ob, 1, 8, false, 101), 1);
	assert_int_equal(siv_outbox_take(&ob, 1, 9, false, 102), -1);
	assert_int_equal(siv_outbox_take(&ob, 1, 9, false, 103), 3);
	/* another's only for a session that has none */
	assert_int_equal(siv_outbox_take(&ob, 2, 1, false, 104), -1);
	assert_int_equal(siv_outbox_take(&ob, 3, 0, false, 104), 4);
	/* freed: cleared in the region, too */
	siv_outbox_release(&ob, slots, 1, 8);
	for (i = 0; i < SIV_BOX_SLOTS; i++)
		assert_int_equal(siv_slot_peek((u8 *)slots + i * SIV_SLOT_SIZE,
					       &info),
				 i >= 1 && i <= 4);
	assert_int_equal(siv_outbox_take(&ob, 4, 1, false, 105), 0);
	siv_outbox_drop(&ob, slots, 1);
	assert_false(siv_slot_peek((u8 *)slots + 1 * SIV_SLOT_SIZE, &info));
	assert_true(siv_slot_peek((u8 *)slots + 2 * SIV_SLOT_SIZE, &info));
	assert_false(siv_slot_peek((u8 *)slots + 3 * SIV_SLOT_SIZE, &info));
	assert_true(siv_slot_peek((u8 *)slots + 4 * SIV_SLOT_SIZE, &info));
}

/* ------------------------------------------------------------- simulation */

enum {
	SIM_SESSIONS_MAX = 6,
	SIM_HOLD = 64, /* slots that K remembers */
	SIM_SLOTS = 2 * SIV_BOX_SLOTS,
};

/* One end of one session, as its owner sees it. */
struct sim_end {
	struct siv_session *s;
	struct siv_aead *t[3];
	u64 to_send;
	u64 sent;
	u64 got;
};

struct sim {
	u64 seed;
	u64 now;
	size_t sessions;
	struct sim_end end[SIM_SESSIONS_MAX][2]; /* guest, host */
	struct siv_outbox ob[2];
	bool rung[2];
	u64 next[2];
	u64 polled;
	unsigned int posts[2];
	/* K: what it has seen */
	size_t held;
	bool hostile;
	u64 memory[SIM_SLOTS * SIV_SLOT_SIZE / 8];
	u8 seen[SIM_HOLD][SIV_SLOT_SIZE];
};

static u64 sim_rand(struct sim *m, u64 below)
{
	return pki_rand(&m->seed) % below;
}

static u8 *sim_slot(struct sim *m, size_t i)
{
	return (u8 *)m->memory + i * SIV_SLOT_SIZE;
}

/* Slots that side 0 (guest) or 1 (host) writes. */
static void *sim_slots(struct sim *m, int side)
{
	return sim_slot(m, side ? SIV_BOX_SLOTS : 0);
}

static void sim_hostile_act(struct sim *m)
{
	u8 *slot = sim_slot(m, sim_rand(m, SIM_SLOTS));
	size_t i, n;

	switch (sim_rand(m, 7)) {
	case 0: /* noise all over */
		for (i = 0; i < 64; i++)
			slot[sim_rand(m, SIV_SLOT_SIZE)] =
				(u8)pki_rand(&m->seed);
		break;
	case 1: /* one bit of what is there */
		n = siv_get_le32(slot);
		n = n && n <= SIV_SLOT_PAYLOAD ? SIV_SLOT_HDR + n :
						 SIV_SLOT_HDR;
		slot[sim_rand(m, n)] ^= (u8)(1u << sim_rand(m, 8));
		break;
	case 2:
		memset(slot, 0, SIV_SLOT_SIZE);
		break;
	case 3: /* remember */
		memcpy(m->seen[m->held++ % SIM_HOLD], slot, SIV_SLOT_SIZE);
		break;
	case 4: /* replay */
		if (m->held) {
			n = m->held < SIM_HOLD ? m->held : SIM_HOLD;
			memcpy(slot, m->seen[sim_rand(m, n)], SIV_SLOT_SIZE);
		}
		break;
	case 5: /* one slot's content in another's place, also the other direction's */
		memcpy(slot, sim_slot(m, sim_rand(m, SIM_SLOTS)),
		       SIV_SLOT_SIZE);
		break;
	default: /* a header of plausible tag and number over another body */
		siv_put_le32(slot, (u32)sim_rand(m, SIV_SLOT_PAYLOAD + 2));
		siv_put_le32(slot + 4, (u32)(1 + sim_rand(m, m->sessions)));
		siv_put_le64(slot + 8, sim_rand(m, 40));
		break;
	}
}

/* The application: what arrived is the next of its numbers, or the test ends. */
static void sim_arrived(struct sim_end *e, int side, u16 type,
			struct siv_span body)
{
	u16 want = side ? SIV_MSG_UNLISTEN : SIV_MSG_RESULT;

	if (type == SIV_MSG_ACK || type == SIV_MSG_HEARTBEAT ||
	    type == SIV_MSG_READY)
		return;
	assert_int_equal(type, want);
	assert_int_equal(siv_get_le64(body.p), e->got);
	e->got++;
}

/* One look at one slot. Return: was it the next record of a session? */
static bool sim_look(struct sim *m, int side, const u8 *slot)
{
	u64 rec[SIV_SLOT_SIZE / 8];
	u8 plain[SIV_SLOT_SIZE];
	struct siv_slot_info info;
	bool took = false;
	size_t i, n;

	if (!siv_slot_peek(slot, &info))
		return false;
	for (i = 0; i < m->sessions; i++) {
		struct sim_end *e = &m->end[i][side];
		struct siv_span body;
		enum siv_reason r;
		u16 type;

		if (!siv_session_wants(e->s, &info, m->now))
			continue;
		/* between header and body */
		if (m->hostile && !sim_rand(m, 4))
			sim_hostile_act(m);
		n = siv_slot_copy(slot, &info, (u8 *)rec);
		r = siv_session_receive(e->s, (struct siv_span){ (u8 *)rec, n },
					plain, &type, &body, m->now);
		if (!r) {
			sim_arrived(e, side, type, body);
			took = true;
		} else {
			assert_true(r == SIV_R_TAG || r == SIV_R_NUMBER);
		}
	}
	return took;
}

static void sim_scan(struct sim *m, int side)
{
	u8 *slots = sim_slots(m, !side);
	int round, i, took = 1;

	for (round = 0; took && round < SIV_BOX_SLOTS; round++) {
		took = 0;
		for (i = 0; i < SIV_BOX_SLOTS; i++)
			took += sim_look(m, side, slots + i * SIV_SLOT_SIZE);
	}
}

static void sim_send(struct sim *m, int side, struct sim_end *e)
{
	const struct siv_span none = { NULL, 0 };
	u8 body[24];
	enum siv_reason r;

	if (e->sent == e->to_send || e->s->state != SIV_SESSION_LIVE)
		return;
	memset(body, 0, sizeof(body));
	siv_put_le64(body, e->sent);
	r = siv_session_send(e->s, side ? SIV_MSG_RESULT : SIV_MSG_UNLISTEN,
			     (struct siv_span){ body, side ? 16 : 8 }, none,
			     m->now);
	if (!r)
		e->sent++;
	else
		assert_int_equal(r, SIV_R_RATE);
}

static void sim_post(struct sim *m, int side)
{
	unsigned int n = 0;
	size_t i;

	m->next[side] = 0;
	for (i = 0; i < m->sessions; i++) {
		struct siv_session *s = m->end[i][side].s;
		u64 next;

		n += siv_session_post(s, &m->ob[side], sim_slots(m, side),
				      m->now, &next);
		/* it never asks to be called in the past, or without end */
		if (next) {
			assert_true(next > m->now);
			if (!m->next[side] || next < m->next[side])
				m->next[side] = next;
		}
	}
	m->posts[side] += n;
	/* one doorbell in five is lost */
	if (n && (!m->hostile || sim_rand(m, 5)))
		m->rung[!side] = true;
}

/*
 * A moment: time goes on; whoever was rung looks (the guest also every 100 ms, the
 * host never of itself), applications send, timers that are due fire.
 */
static void sim_step(struct sim *m)
{
	int side;
	size_t i;

	m->now += sim_rand(m, 12);
	if (m->hostile)
		for (i = sim_rand(m, 4); i; i--)
			sim_hostile_act(m);
	for (side = 0; side < 2; side++) {
		bool poll = side == 0 && m->now - m->polled >= 100;

		if (poll)
			m->polled = m->now;
		if (m->rung[side] || poll) {
			m->rung[side] = false;
			sim_scan(m, side);
		}
		for (i = 0; i < m->sessions; i++)
			if (!sim_rand(m, 3))
				sim_send(m, side, &m->end[i][side]);
		sim_post(m, side);
	}
}

static bool sim_done(const struct sim *m)
{
	size_t i;
	int side;

	for (i = 0; i < m->sessions; i++)
		for (side = 0; side < 2; side++) {
			const struct sim_end *e = &m->end[i][side];

			if (e->got != m->end[i][!side].to_send)
				return false;
		}
	return true;
}

static void sim_session(struct sim *m, size_t i, struct dialog *t)
{
	int side, k;

	siv_put_le64(&t->say.session_id, i + 1);
	siv_put_le32(&t->say.session_tag, (u32)(i + 1));
	siv_put_le32(&t->say.liveness_ms, 9000);
	for (side = 0; side < 2; side++) {
		struct sim_end *e = &m->end[i][side];

		for (k = 0; k < 3; k++)
			e->t[k] = siv_aead_alloc();
		e->s = malloc(sizeof(*e->s));
		assert_non_null(e->s);
		siv_session_init(e->s, side == 1, e->t[0], e->t[1], e->t[2]);
	}
	t->g = m->end[i][0].s;
	t->h = m->end[i][1].s;
	assert_int_equal(dialog_start(t), SIV_OK);
	assert_int_equal(dialog_hear(t), SIV_OK);
	assert_int_equal(dialog_answer(t), SIV_OK);
	/* READY has to find its way like everything else */
	assert_int_equal(dialog_finish(t, m->now), SIV_OK);
}

static void sim_free(struct sim *m)
{
	size_t i;
	int side, k;

	for (i = 0; i < m->sessions; i++)
		for (side = 0; side < 2; side++) {
			siv_session_wipe(m->end[i][side].s);
			for (k = 0; k < 3; k++)
				siv_aead_free(m->end[i][side].t[k]);
			free(m->end[i][side].s);
		}
	free(m);
}

static void sim_run(u64 seed, size_t sessions, u64 messages, int hostile_steps)
{
	struct sim *m = calloc(1, sizeof(*m));
	struct siv_session *keep[2];
	struct dialog t;
	u64 stopped, idle_posts;
	size_t i;
	int step;

	assert_non_null(m);
	seallog_reset();
	m->seed = seed;
	m->sessions = sessions;
	dialog_init(&t, "alice",
		    seed % 2 ? SIV_SUITE_CHACHAPOLY : SIV_SUITE_AESGCM);
	keep[0] = t.g;
	keep[1] = t.h;
	for (i = 0; i < sessions; i++) {
		sim_session(m, i, &t);
		m->end[i][0].to_send = sim_rand(m, messages + 1);
		m->end[i][1].to_send = sim_rand(m, messages + 1);
	}
	m->hostile = true;
	for (step = 0; step < hostile_steps; step++)
		sim_step(m);
	/* K stops: all of it arrives, soon */
	m->hostile = false;
	stopped = m->now;
	while (!sim_done(m)) {
		sim_step(m);
		if (m->now - stopped > 60000)
			fail_msg("seed %llu: not everything arrives",
				 (unsigned long long)seed);
	}
	/* everybody knows that it has, and is silent but for heartbeats */
	stopped = m->now;
	while (m->now - stopped < 15000)
		sim_step(m);
	m->posts[0] = 0;
	m->posts[1] = 0;
	stopped = m->now;
	while (m->now - stopped < 30000)
		sim_step(m);
	for (i = 0; i < sessions; i++) {
		assert_int_equal(m->end[i][0].s->state, SIV_SESSION_LIVE);
		assert_int_equal(m->end[i][1].s->state, SIV_SESSION_LIVE);
		/* each end was heard within a liveness */
		assert_true(m->now - m->end[i][0].s->heard_ms < 9000);
		assert_true(m->now - m->end[i][1].s->heard_ms < 9000);
	}
	idle_posts = m->posts[0] + m->posts[1];
	/* ten heartbeats each, ten answers, and acknowledgements of half windows */
	if (idle_posts > sessions * 30)
		fail_msg("seed %llu: %llu posts while idle",
			 (unsigned long long)seed,
			 (unsigned long long)idle_posts);
	assert_int_equal(seallog_repeats(), 0);
	t.g = keep[0];
	t.h = keep[1];
	dialog_free(&t);
	sim_free(m);
}

static void test_simulation(void **state)
{
	const char *runs = getenv("SIV_SIM_RUNS");
	u64 seed, last = runs ? strtoull(runs, NULL, 10) : 40;

	(void)state;
	for (seed = 1; seed <= last; seed++)
		sim_run(seed, 1 + seed % SIM_SESSIONS_MAX, 60, 400);
}

/* A region that nobody disturbs: nothing is posted twice, nothing is dropped. */
static void test_quiet(void **state)
{
	struct siv_outbox ob[2];
	static u64 slots[2][SIV_BOX_SLOTS * SIV_SLOT_SIZE / 8];
	const struct siv_span none = { NULL, 0 };
	struct siv_slot_info info;
	struct dialog t;
	u64 next;
	u16 type;

	(void)state;
	memset(ob, 0, sizeof(ob));
	memset(slots, 0, sizeof(slots));
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	assert_int_equal(dialog_start(&t), SIV_OK);
	assert_int_equal(dialog_hear(&t), SIV_OK);
	assert_int_equal(dialog_answer(&t), SIV_OK);
	/* a clock that begins at 0 */
	assert_int_equal(dialog_finish(&t, 0), SIV_OK);
	assert_int_equal(siv_session_post(t.g, &ob[0], slots[0], 0, &next), 1);
	assert_int_equal(next, SIV_REPOST_FIRST_MS);
	assert_int_equal(siv_session_post(t.g, &ob[0], slots[0], 99, &next), 0);
	/* again: 100, 200, 400, ... at most 2000 ms apart */
	assert_int_equal(siv_session_post(t.g, &ob[0], slots[0], 100, &next),
			 1);
	assert_int_equal(next, 300);
	assert_int_equal(siv_session_post(t.g, &ob[0], slots[0], 300, &next),
			 1);
	assert_int_equal(next, 700);
	assert_int_equal(siv_session_post(t.g, &ob[0], slots[0], 700, &next),
			 1);
	assert_int_equal(siv_session_post(t.g, &ob[0], slots[0], 1500, &next),
			 1);
	assert_int_equal(next, 3100);
	assert_int_equal(siv_session_post(t.g, &ob[0], slots[0], 3100, &next),
			 1);
	assert_int_equal(next, 3333); /* the heartbeat */
	assert_int_equal(dialog_pass(t.g, t.h, &type, 3200), SIV_OK);
	/* the acknowledgement comes 20 ms later, once */
	assert_int_equal(siv_session_post(t.h, &ob[1], slots[1], 3200, &next),
			 0);
	assert_int_equal(next, 3220);
	assert_int_equal(siv_session_post(t.h, &ob[1], slots[1], 3220, &next),
			 1);
	assert_int_equal(next, 0);
	assert_int_equal(siv_session_post(t.h, &ob[1], slots[1], 9999, &next),
			 0);
	/* the same record, seen again long after: the acknowledgement is posted again */
	assert_true(siv_slot_peek(slots[0], &info));
	assert_false(siv_session_wants(t.h, &info, 9999));
	assert_int_equal(siv_session_post(t.h, &ob[1], slots[1], 9999, &next),
			 1);
	/* but not more often than every 100 ms */
	assert_false(siv_session_wants(t.h, &info, 10050));
	assert_int_equal(siv_session_post(t.h, &ob[1], slots[1], 10050, &next),
			 0);
	assert_int_equal(dialog_pass(t.h, t.g, &type, 3230), SIV_OK);
	assert_int_equal(type, SIV_MSG_ACK);
	/* READY is acknowledged: its slot is free, in the region as well */
	assert_int_equal(siv_session_post(t.g, &ob[0], slots[0], 3240, &next),
			 0);
	assert_false(siv_slot_peek(slots[0], &info));
	assert_int_equal(t.g->count, 0);
	/* an acknowledgement of what was never sent is the other end's fault */
	t.h->rx.next += 5;
	assert_int_equal(siv_session_send(t.h, SIV_MSG_RESULT,
					  (struct siv_span){
						  (const u8 *)"\0\0\0\0\0\0\0\0"
							      "\0\0\0\0\0\0\0",
						  16 },
					  none, 11000),
			 SIV_OK);
	assert_int_equal(dialog_pass(t.h, t.g, &type, 11000), SIV_R_STATE);
	dialog_free(&t);
}

/* The window: seven of anything, and a place that only an acknowledgement takes. */
static void test_window(void **state)
{
	const struct siv_span none = { NULL, 0 };
	static u64 slots[SIV_BOX_SLOTS * SIV_SLOT_SIZE / 8];
	struct siv_outbox ob;
	u8 body[16] = { 0 };
	struct dialog t;
	unsigned int i;
	u64 next;
	u16 type;

	(void)state;
	memset(&ob, 0, sizeof(ob));
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	dialog_live(&t, 1);
	for (i = 0; i < SIV_SESSION_WINDOW - 1; i++)
		assert_int_equal(siv_session_send(t.h, SIV_MSG_RESULT,
						  (struct siv_span){ body, 16 },
						  none, 2),
				 SIV_OK);
	assert_int_equal(siv_session_send(t.h, SIV_MSG_RESULT,
					  (struct siv_span){ body, 16 }, none,
					  2),
			 SIV_R_RATE);
	assert_int_equal(siv_session_send(t.g, SIV_MSG_GOODBYE, none, none, 2),
			 SIV_OK);
	assert_int_equal(dialog_pass(t.g, t.h, &type, 3), SIV_OK);
	assert_int_equal(siv_session_post(t.h, &ob, slots, 30, &next),
			 SIV_SESSION_WINDOW);
	assert_int_equal(t.h->count, SIV_SESSION_WINDOW);
	/* nothing that is longer than a record */
	assert_int_equal(
		siv_session_send(t.g, SIV_MSG_GOODBYE,
				 (struct siv_span){ body, SIV_BODY_MAX + 1 },
				 none, 2),
		SIV_R_LENGTH);
	dialog_free(&t);
}

/* Records that nobody waits for: three are not answered, the fourth is, and at once. */
static void test_lazy(void **state)
{
	static u64 slots[2][SIV_BOX_SLOTS * SIV_SLOT_SIZE / 8];
	const struct siv_span none = { NULL, 0 };
	struct siv_outbox ob[2];
	struct dialog t;
	unsigned int i;
	u64 next;
	u16 type;

	(void)state;
	memset(ob, 0, sizeof(ob));
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	dialog_live(&t, 1);
	t.g->beat_ms = 0;
	for (i = 0; i < 4; i++) {
		assert_int_equal(siv_session_send(t.h, SIV_MSG_ACK, none, none,
						  10),
				 SIV_OK);
		assert_int_equal(dialog_pass(t.h, t.g, &type, 10), SIV_OK);
		/* READY has been acknowledged by the first, so nothing is due */
		assert_int_equal(siv_session_post(t.g, &ob[0], slots[0], 11,
						  &next),
				 i == 3);
		assert_int_equal(next, 0);
	}
	assert_int_equal(dialog_pass(t.g, t.h, &type, 11), SIV_OK);
	assert_int_equal(type, SIV_MSG_ACK);
	assert_int_equal(t.h->count, 0);
	/* unacknowledged, four of them are reason enough to post again */
	for (i = 0; i < 3; i++)
		assert_int_equal(siv_session_send(t.h, SIV_MSG_ACK, none, none,
						  20),
				 SIV_OK);
	assert_int_equal(siv_session_post(t.h, &ob[1], slots[1], 20, &next), 3);
	assert_int_equal(siv_session_post(t.h, &ob[1], slots[1], 500, &next),
			 0);
	assert_int_equal(siv_session_send(t.h, SIV_MSG_ACK, none, none, 500),
			 SIV_OK);
	assert_int_equal(siv_session_post(t.h, &ob[1], slots[1], 500, &next),
			 4);
	assert_int_equal(next, 600);
	dialog_free(&t);
}

/* Whatever stands in a slot with the right tag and number: dropped, never fatal. */
static void test_strangers(void **state)
{
	u8 rec[SIV_SLOT_SIZE] = { 0 }, plain[SIV_SLOT_SIZE];
	struct siv_span body;
	struct dialog t;
	size_t n;
	u16 type;

	(void)state;
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	dialog_live(&t, 1);
	for (n = 0; n <= SIV_SLOT_SIZE; n += n < 80 ? 1 : 503) {
		siv_put_le32(rec,
			     (u32)(n > SIV_SLOT_HDR ? n - SIV_SLOT_HDR : 0));
		siv_put_le32(rec + 4, t.h->tag);
		siv_put_le64(rec + 8, t.h->rx.next);
		assert_int_equal(
			siv_session_receive(t.h, (struct siv_span){ rec, n },
					    plain, &type, &body, 2),
			SIV_R_TAG);
		/* and a length that is another one's */
		siv_put_le32(rec, 40);
		if (n != SIV_SLOT_HDR + 40)
			assert_int_equal(
				siv_record_open(&t.h->rx, t.h->tag,
						(struct siv_span){ rec, n },
						plain, &(size_t){ 0 }),
				SIV_R_LENGTH);
	}
	assert_int_equal(t.h->state, SIV_SESSION_LIVE);
	assert_int_equal(t.h->rx.next, 1);
	assert_true(t.h->dropped > 80);
	dialog_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_half_end),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_outbox),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_simulation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
