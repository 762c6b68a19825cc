// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: each message and each step is taken in exactly the states in which the
 * protocol has it, by exactly the role that it has it for. The expectations below are
 * written from protocol.rst, not from the tables of the code; every cell is tried with
 * a message that is valid in all but its place, through the functions that take it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dialog.h"
#include "link.h"

static unsigned int cells;

/* Rows are types 0 (none) to SIV_MSG_COUNT (one too many), columns states. */
enum {
	TYPES = SIV_MSG_COUNT + 1
};

/* A cell that differs is shown with everything that is needed to find it. */
static void cell(const char *machine, const char *role, unsigned int state,
		 u16 type, char want, enum siv_reason got)
{
	cells++;
	if ((want == 'y' && got == SIV_OK) ||
	    (want == '.' && got == SIV_R_STATE))
		return;
	fail_msg("%s, %s, state %u, %s (%u): expected '%c', got %s", machine,
		 role, state, siv_msg_name(type), type, want,
		 siv_reason_name(got));
}

/* ----------------------------------------------------------------- session */

/*                        IDLE  SENT  HEARD  PENDING  LIVE  DEAD */
/* clang-format off */
static const char *const session_guest[TYPES] = {
	[SIV_MSG_ACK]         = "....y.",
	[SIV_MSG_RESULT]      = "....y.",
	[SIV_MSG_INCOMING]    = "....y.",
	[SIV_MSG_GRANT_A]     = "....y.",
	[SIV_MSG_GRANT_B]     = "....y.",
	[SIV_MSG_FIN]         = "....y.",
	[SIV_MSG_CLOSE]       = "....y.",
	[SIV_MSG_CLOSED]      = "....y.",
	[SIV_MSG_FAILED]      = "....y.",
};

static const char *const session_host[TYPES] = {
	[SIV_MSG_READY]       = "...y..",
	[SIV_MSG_ACK]         = "....y.",
	[SIV_MSG_HEARTBEAT]   = "....y.",
	[SIV_MSG_GOODBYE]     = "....y.",
	[SIV_MSG_LISTEN]      = "....y.",
	[SIV_MSG_UNLISTEN]    = "....y.",
	[SIV_MSG_OPEN]        = "....y.",
	[SIV_MSG_ACCEPT]      = "....y.",
	[SIV_MSG_REJECT]      = "....y.",
	[SIV_MSG_CONFIRM]     = "....y.",
	[SIV_MSG_ESTABLISHED] = "....y.",
	[SIV_MSG_FIN]         = "....y.",
	[SIV_MSG_CLOSE]       = "....y.",
	[SIV_MSG_CLOSED]      = "....y.",
	[SIV_MSG_FAILED]      = "....y.",
};
/* clang-format on */

static char want(const char *const table[TYPES], u16 type, unsigned int state)
{
	return table[type] ? table[type][state] : '.';
}

/* A body that siv_msg_check() has nothing against. */
static size_t valid_body(u8 body[512], u16 type)
{
	memset(body, 0, 512);
	switch (type) {
	case SIV_MSG_LISTEN:
		siv_put_le32(body + offsetof(struct siv_listen, backlog), 1);
		return sizeof(struct siv_listen);
	case SIV_MSG_UNLISTEN:
		return sizeof(struct siv_unlisten);
	case SIV_MSG_RESULT:
		return sizeof(struct siv_result);
	case SIV_MSG_OPEN: {
		struct siv_open *m = (void *)body;

		siv_put_le64(&m->ring_ab, 4096);
		siv_put_le64(&m->ring_ba, 4096);
		siv_name_put(m->service, pki_span("s"));
		return sizeof(*m);
	}
	case SIV_MSG_INCOMING: {
		struct siv_incoming *m = (void *)body;

		siv_put_le64(&m->ring_ab, 4096);
		siv_put_le64(&m->ring_ba, 4096);
		siv_put_le32(&m->peer_a, 1);
		siv_put_le32(&m->peer_b, 2);
		siv_name_put(m->service, pki_span("s"));
		return sizeof(*m);
	}
	case SIV_MSG_ACCEPT:
		return sizeof(struct siv_accept);
	case SIV_MSG_REJECT:
		siv_put_le32(body + offsetof(struct siv_reject, code), 1);
		return sizeof(struct siv_reject);
	case SIV_MSG_GRANT_A:
		siv_put_le32(body + offsetof(struct siv_grant_a, peer_b), 2);
		return sizeof(struct siv_grant_a);
	case SIV_MSG_CONFIRM:
		return sizeof(struct siv_confirm);
	case SIV_MSG_GRANT_B:
		return sizeof(struct siv_grant_b);
	case SIV_MSG_ESTABLISHED:
		return sizeof(struct siv_established);
	case SIV_MSG_FIN:
		return sizeof(struct siv_fin);
	case SIV_MSG_CLOSE:
	case SIV_MSG_CLOSED:
		return sizeof(struct siv_close);
	case SIV_MSG_FAILED:
		siv_put_le32(body + offsetof(struct siv_failed, code), 1);
		return sizeof(struct siv_failed);
	default:
		return 0;
	}
}

/* Brings one end into a state; false if its role has no such state. */
static bool session_in(struct dialog *d, bool host,
		       enum siv_session_state state)
{
	dialog_reset(d);
	switch (state) {
	case SIV_SESSION_IDLE:
		return true;
	case SIV_SESSION_SENT:
		return !host && !dialog_start(d);
	case SIV_SESSION_HEARD:
		return host && !dialog_start(d) && !dialog_hear(d);
	case SIV_SESSION_PENDING:
		if (!host || dialog_start(d) || dialog_hear(d) ||
		    dialog_answer(d) || dialog_finish(d, 1))
			return false;
		/* READY stays unsent: its number is for the message tried */
		memcpy(d->g->tx.k, d->h->rx.k, SIV_KEY_LEN);
		d->g->tx.next = 0;
		return true;
	case SIV_SESSION_LIVE:
		dialog_live(d, 1);
		return true;
	case SIV_SESSION_DEAD:
		dialog_live(d, 1);
		siv_session_wipe(host ? d->h : d->g);
		return true;
	case SIV_SESSION_STATES:
		break;
	}
	return false;
}

/* The other end seals the type, whatever its own rules are; this end receives it. */
static enum siv_reason session_receives(struct dialog *d, bool host, u16 type)
{
	struct siv_session *to = host ? d->h : d->g;
	struct siv_session *from = host ? d->g : d->h;
	u8 body[512], rec[SIV_SLOT_SIZE], plain[SIV_SLOT_SIZE];
	struct siv_span none = { NULL, 0 }, got;
	struct siv_span sent = { body, valid_body(body, type) };
	u8 state = to->state;
	enum siv_reason r;
	size_t n = 0;
	u16 seen;

	if (from->tx.t &&
	    siv_record_seal(&from->tx, to->tag, type, 0, sent, none, rec, &n))
		return SIV_R_CRYPTO;
	r = siv_session_receive(to, (struct siv_span){ rec, n }, plain, &seen,
				&got, 2);
	if (!r) {
		assert_int_equal(seen, type);
		assert_int_equal(got.n, sent.n);
		assert_int_equal(to->state, type == SIV_MSG_READY ?
						    SIV_SESSION_LIVE :
						    state);
	} else {
		assert_int_equal(to->state, state);
		assert_null(got.p);
	}
	/* a type that does not exist is found by the form, before the table */
	if (r == SIV_R_TYPE && (type == 0 || type >= SIV_MSG_COUNT))
		r = SIV_R_STATE;
	return r;
}

static void test_session_messages(void **state)
{
	struct dialog d;
	unsigned int st;
	int host;
	u16 type;

	(void)state;
	dialog_init(&d, "alice", SIV_SUITE_CHACHAPOLY);
	for (host = 0; host < 2; host++) {
		const char *const *table = host ? session_host : session_guest;
		const char *role = host ? "host" : "guest";

		for (st = 0; st < SIV_SESSION_STATES; st++) {
			for (type = 0; type < TYPES; type++) {
				cell("session table", role, st, type,
				     want(table, type, st),
				     siv_session_may(host, st, type));
				if (!session_in(&d, host, st))
					continue;
				cell("session", role, st, type,
				     want(table, type, st),
				     session_receives(&d, host, type));
			}
		}
		assert_int_equal(siv_session_may(host, SIV_SESSION_STATES,
						 SIV_MSG_ACK),
				 SIV_R_STATE);
		assert_int_equal(siv_session_may(host, SIV_SESSION_LIVE,
						 0xffff),
				 SIV_R_STATE);
	}
	dialog_free(&d);
}

/* What a role may send is what the other may receive once it is live. */
static void test_session_sends(void **state)
{
	struct siv_span none = { NULL, 0 };
	struct dialog d;
	unsigned int st;
	u8 body[512];
	int host;
	u16 type;

	(void)state;
	dialog_init(&d, "alice", SIV_SUITE_CHACHAPOLY);
	for (host = 0; host < 2; host++) {
		const char *const *table = host ? session_guest : session_host;

		for (st = 0; st < SIV_SESSION_STATES; st++) {
			for (type = 0; type < TYPES; type++) {
				char w = st == SIV_SESSION_LIVE ?
						 want(table, type, st) :
						 '.';
				size_t n = valid_body(body, type);

				if (!session_in(&d, host, st))
					continue;
				cell("session sends", host ? "host" : "guest",
				     st, type, w,
				     siv_session_send(host ? d.h : d.g, type,
						      (struct siv_span){ body,
									 n },
						      none, 2));
			}
		}
	}
	dialog_free(&d);
}

/*                                  IDLE  SENT  HEARD  PENDING  LIVE  DEAD */
/* clang-format off */
static const struct {
	const char *step;
	const char *guest;
	const char *host;
} session_steps[] = {
	{ "start",  "yy....", "......" },
	{ "finish", ".y....", "......" },
	{ "heard",  "......", "y....." },
	{ "answer", "......", "..y..." },
};
/* clang-format on */

static enum siv_reason session_step(struct dialog *d, struct siv_session *s,
				    size_t step)
{
	struct dialog other;
	enum siv_reason r;

	/* the end under test plays all parts */
	other = *d;
	switch (step) {
	case 0:
		other.g = s;
		return dialog_start(&other);
	case 1:
		other.g = s;
		return dialog_finish(&other, 2);
	case 2:
		other.h = s;
		return dialog_hear(&other);
	default:
		other.h = s;
		r = dialog_answer(&other);
		return r;
	}
}

static void test_session_steps(void **state)
{
	u8 m1[SIV_SLOT_SIZE], m2[SIV_SLOT_SIZE];
	struct siv_session *before = malloc(sizeof(*before));
	struct dialog d;
	size_t step, m1_len, m2_len;
	unsigned int st;
	int host;

	(void)state;
	assert_non_null(before);
	dialog_init(&d, "alice", SIV_SUITE_CHACHAPOLY);
	/* good messages of an earlier run, for states that have made none */
	dialog_live(&d, 1);
	memcpy(m1, d.m1, sizeof(m1));
	memcpy(m2, d.m2, sizeof(m2));
	m1_len = d.m1_len;
	m2_len = d.m2_len;
	for (step = 0; step < ARRAY_SIZE(session_steps); step++) {
		for (host = 0; host < 2; host++) {
			const char *row = host ? session_steps[step].host :
						 session_steps[step].guest;

			for (st = 0; st < SIV_SESSION_STATES; st++) {
				struct siv_session *s = host ? d.h : d.g;
				enum siv_reason r;

				memcpy(d.m1, m1, sizeof(m1));
				d.m1_len = m1_len;
				memcpy(d.m2, m2, sizeof(m2));
				d.m2_len = m2_len;
				if (!session_in(&d, host, st))
					continue;
				/* the one cell that needs an answer to this very run */
				if (step == 1 && !host &&
				    st == SIV_SESSION_SENT) {
					assert_int_equal(dialog_hear(&d),
							 SIV_OK);
					assert_int_equal(dialog_answer(&d),
							 SIV_OK);
				}
				memcpy(before, s, sizeof(*s));
				r = session_step(&d, s, step);
				cells++;
				if (r !=
				    (row[st] == 'y' ? SIV_OK : SIV_R_STATE))
					fail_msg("%s, %s, state %u: %s",
						 session_steps[step].step,
						 host ? "host" : "guest", st,
						 siv_reason_name(r));
				if (r)
					assert_memory_equal(before, s,
							    sizeof(*s));
			}
		}
	}
	free(before);
	dialog_free(&d);
}

/* ----------------------------------------------------------------- connect */

/*                        IDLE  OPENED  ACCEPTED  OPEN  ENDED */
/* clang-format off */
static const char *const connect_a[TYPES] = {
	[SIV_MSG_GRANT_A]  = ".y...",
	[SIV_MSG_FAILED]   = ".y...",
	[SIV_MSG_FIN]      = "...y.",
	[SIV_MSG_CLOSE]    = "...yy",
	[SIV_MSG_CLOSED]   = "...yy",
};

static const char *const connect_b[TYPES] = {
	[SIV_MSG_INCOMING] = "y....",
	[SIV_MSG_GRANT_B]  = "..y..",
	[SIV_MSG_FIN]      = "...y.",
	[SIV_MSG_CLOSE]    = "..yyy",
	[SIV_MSG_CLOSED]   = "..yyy",
};
/* clang-format on */

static void test_connect_tables(void **state)
{
	unsigned int st;
	u16 type;

	(void)state;
	for (st = 0; st < SIV_CONNECT_STATES; st++) {
		for (type = 0; type < TYPES; type++) {
			cell("connect table", "A", st, type,
			     want(connect_a, type, st),
			     siv_connect_may(true, st, type));
			cell("connect table", "B", st, type,
			     want(connect_b, type, st),
			     siv_connect_may(false, st, type));
		}
	}
	assert_int_equal(siv_connect_may(true, SIV_CONNECT_STATES, SIV_MSG_FIN),
			 SIV_R_STATE);
	assert_int_equal(siv_connect_may(true, SIV_CONNECT_OPEN, 0xffff),
			 SIV_R_STATE);
}

/*
 * Brings both ends to where the end of role @a is in @state, and every message that
 * this run may see lies ready. False if the role has no such state.
 */
static bool connect_in(struct link *l, bool a, enum siv_connect_state state)
{
	switch (state) {
	case SIV_CONNECT_IDLE:
		/* messages are those of a finished run */
		link_all(l);
		link_to_incoming(l);
		memset(a ? &l->ca : &l->cb, 0, sizeof(l->ca));
		return true;
	case SIV_CONNECT_OPENED:
		if (!a)
			return false;
		link_to_grant(l);
		return true;
	case SIV_CONNECT_ACCEPTED:
		if (a)
			return false;
		link_to_confirm(l);
		return true;
	case SIV_CONNECT_OPEN:
		link_all(l);
		return true;
	case SIV_CONNECT_ENDED:
		link_all(l);
		siv_connect_wipe(a ? &l->ca : &l->cb);
		return true;
	case SIV_CONNECT_STATES:
		break;
	}
	return false;
}

/* Gives the message to the function that takes it. */
static enum siv_reason connect_receives(struct link *l, bool a, u16 type)
{
	struct siv_connect *c = a ? &l->ca : &l->cb;
	struct siv_connect *peer = a ? &l->cb : &l->ca;
	struct siv_established est;
	struct siv_confirm confirm;
	struct siv_accept accept;
	struct siv_fin fin;
	u64 position;

	switch (type) {
	case SIV_MSG_INCOMING:
		pki_ephemeral(l->eb_priv, l->eb_pub, "eb", l->number);
		return siv_connect_incoming(c, l->t, &l->offered, &l->incoming,
					    l->eb_priv, l->eb_pub, l->prk_b,
					    &accept);
	case SIV_MSG_GRANT_A:
		return siv_connect_granted(c, l->t, &l->grant_a, l->b.cert.hash,
					   l->prk_a, &link_geometry, &confirm);
	case SIV_MSG_GRANT_B:
		return siv_connect_confirmed(c, l->t, &l->grant_b,
					     &link_geometry, &est);
	case SIV_MSG_FIN:
		memset(&fin, 0, sizeof(fin));
		if (peer->state == SIV_CONNECT_OPEN)
			assert_int_equal(siv_fin_make(peer, l->t, 64, &fin),
					 SIV_OK);
		return siv_fin_open(c, l->t, &fin, &position);
	default:
		return siv_connect_may(a, c->state, type);
	}
}

static void test_connect_messages(void **state)
{
	struct siv_connect before;
	struct link l;
	unsigned int st;
	int a;
	u16 type;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	for (a = 0; a < 2; a++) {
		for (st = 0; st < SIV_CONNECT_STATES; st++) {
			for (type = 0; type < TYPES; type++) {
				struct siv_connect *c = a ? &l.ca : &l.cb;
				enum siv_reason r;

				/* an idle end has no role yet: B's row has it */
				if (a && st == SIV_CONNECT_IDLE)
					continue;
				if (!connect_in(&l, a, st))
					continue;
				memcpy(&before, c, sizeof(before));
				assert_int_equal(c->state, st);
				r = connect_receives(&l, a, type);
				cell("connect", a ? "A" : "B", st, type,
				     want(a ? connect_a : connect_b, type, st),
				     r);
				/* out of place: nothing has changed */
				if (r)
					assert_memory_equal(&before, c,
							    sizeof(before));
			}
		}
	}
	link_free(&l);
}

/* Opening and making FIN are steps, not messages. */
static void test_connect_steps(void **state)
{
	/*                              IDLE  OPENED  ACCEPTED  OPEN  ENDED */
	static const char *const open = "y....";
	static const char *const fin_make = "...y.";
	struct siv_fin fin;
	struct link l;
	unsigned int st;
	int a;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	for (a = 0; a < 2; a++) {
		for (st = 0; st < SIV_CONNECT_STATES; st++) {
			struct siv_connect *c = a ? &l.ca : &l.cb;

			if (!connect_in(&l, a, st))
				continue;
			cell("fin_make", a ? "A" : "B", st, SIV_MSG_FIN,
			     fin_make[st], siv_fin_make(c, l.t, 64, &fin));
			if (!connect_in(&l, a, st))
				continue;
			cell("open", a ? "A" : "B", st, SIV_MSG_OPEN, open[st],
			     siv_connect_open(c, &l.asked, l.ea_priv, l.ea_pub,
					      1, pki_span("s"), pki_span(""),
					      &l.open));
		}
	}
	link_free(&l);
}

/* ------------------------------------------------------------------- relay */

/*                        OPENED  GRANTED  CONFIRMED  ESTABLISHED  ENDED */
/* clang-format off */
static const char *const relay_a[TYPES] = {
	[SIV_MSG_CONFIRM]     = ".y...",
	[SIV_MSG_FAILED]      = ".y...",
	[SIV_MSG_FIN]         = "..yy.",
	[SIV_MSG_CLOSE]       = ".yyy.",
	[SIV_MSG_CLOSED]      = ".yyyy",
};

static const char *const relay_b[TYPES] = {
	[SIV_MSG_ACCEPT]      = "y....",
	[SIV_MSG_REJECT]      = "y....",
	[SIV_MSG_ESTABLISHED] = "..y..",
	[SIV_MSG_FAILED]      = ".yy..",
	[SIV_MSG_FIN]         = "...y.",
	[SIV_MSG_CLOSE]       = ".yyy.",
	[SIV_MSG_CLOSED]      = ".yyyy",
};
/* clang-format on */

static void test_relay(void **state)
{
	unsigned int st;
	u16 type;

	(void)state;
	for (st = 0; st < SIV_RELAY_STATES; st++) {
		for (type = 0; type < TYPES; type++) {
			cell("relay", "from A", st, type,
			     want(relay_a, type, st),
			     siv_relay_may(st, true, type));
			cell("relay", "from B", st, type,
			     want(relay_b, type, st),
			     siv_relay_may(st, false, type));
		}
	}
	assert_int_equal(siv_relay_may(SIV_RELAY_STATES, true, SIV_MSG_CLOSED),
			 SIV_R_STATE);
	assert_int_equal(siv_relay_may(SIV_RELAY_ENDED, false, 0xffff),
			 SIV_R_STATE);
}

/* Nothing was left out: the sum of the products above, as they stand in protocol.rst. */
static void test_count(void **state)
{
	/* guest: IDLE, SENT, LIVE, DEAD; host: IDLE, HEARD, PENDING, LIVE, DEAD */
	const unsigned int session_states = 4 + 5;
	/* A: IDLE, OPENED, OPEN, ENDED; B: IDLE, ACCEPTED, OPEN, ENDED */
	const unsigned int connect_states = 4 + 4;
	unsigned int expected = 0;

	(void)state;
	expected += 2 * SIV_SESSION_STATES * TYPES; /* the table */
	expected += 2 * session_states * TYPES;	    /* receive, send */
	expected += 4 * session_states;		    /* steps */
	expected += 2 * SIV_CONNECT_STATES * TYPES; /* the table */
	expected += (connect_states - 1) * TYPES;   /* receive */
	expected += 2 * connect_states;		    /* steps */
	expected += 2 * SIV_RELAY_STATES * TYPES;   /* the table */
	print_message("%u cells\n", cells);
	assert_int_equal(cells, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session_messages),
		cmocka_unit_test(test_session_sends),
		cmocka_unit_test(test_session_steps),
		cmocka_unit_test(test_connect_tables),
		cmocka_unit_test(test_connect_messages),
		cmocka_unit_test(test_connect_steps),
		cmocka_unit_test(test_relay),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
