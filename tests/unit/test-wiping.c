// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: no secret outlives the step that needs it, neither in the objects nor in the
 * transforms nor on the stack; and wherever the platform's cryptography fails, the
 * object is as it was, or over and wiped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/kdf.h"
#include "dialog.h"
#include "link.h"
#include "seallog.h"
#include "stackscan.h"

/* ----------------------------------------------------------------- session */

/* After each step: no secret that the step no longer needs is in the object. */
static void test_session_wiped(void **state)
{
	u8 k[4][SIV_KEY_LEN];
	struct dialog t;
	u16 type;

	(void)state;
	seallog_reset();
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	assert_int_equal(dialog_start(&t), SIV_OK);
	assert_true(dialog_find(t.g, sizeof(*t.g), t.e_priv));
	assert_false(dialog_find(t.g, sizeof(*t.g), t.guest.priv));
	assert_int_equal(dialog_hear(&t), SIV_OK);
	assert_int_equal(dialog_answer(&t), SIV_OK);
	assert_int_equal(dialog_finish(&t, 1), SIV_OK);
	assert_int_equal(dialog_pass(t.g, t.h, &type, 1), SIV_OK);
	assert_false(dialog_find(t.g, sizeof(*t.g), t.e_priv));
	memcpy(k[0], t.g->tx.k, SIV_KEY_LEN);
	memcpy(k[1], t.g->rx.k, SIV_KEY_LEN);
	assert_true(seallog_key_held(k[0]));
	siv_session_wipe(t.g);
	assert_int_equal(t.g->state, SIV_SESSION_DEAD);
	assert_false(dialog_find(t.g, sizeof(*t.g), k[0]));
	assert_false(dialog_find(t.g, sizeof(*t.g), k[1]));
	assert_int_equal(t.g->tag, 7);
	siv_session_wipe(t.h);
	assert_false(dialog_find(t.h, sizeof(*t.h), k[0]));
	assert_false(dialog_find(t.h, sizeof(*t.h), k[1]));
	assert_false(seallog_key_held(k[0]));
	assert_false(seallog_key_held(k[1]));
	/* a new attempt leaves nothing of the earlier one */
	dialog_reset(&t);
	assert_int_equal(dialog_start(&t), SIV_OK);
	memcpy(k[2], t.e_priv, SIV_KEY_LEN);
	assert_int_equal(dialog_start(&t), SIV_OK);
	assert_false(dialog_find(t.g, sizeof(*t.g), k[2]));
	dialog_free(&t);
}

/* A platform whose cryptography fails: the object is as before, or dead and wiped. */
static void test_session_crypto_fails(void **state)
{
	struct siv_session *before = malloc(sizeof(*before));
	struct dialog t;
	long n;

	(void)state;
	assert_non_null(before);
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	for (n = 0;; n++) {
		memcpy(before, t.g, sizeof(*before));
		seallog_fail(n);
		if (!dialog_start(&t))
			break;
		assert_memory_equal(before, t.g, sizeof(*before));
		assert_int_equal(t.m1_len, 0);
	}
	assert_int_equal(n, 2); /* s and the payload */
	seallog_fail(-1);
	assert_int_equal(dialog_hear(&t), SIV_OK);
	memcpy(before, t.h, sizeof(*before));
	seallog_fail(0);
	assert_int_equal(dialog_answer(&t), SIV_R_CRYPTO);
	assert_memory_equal(before, t.h, sizeof(*before));
	assert_int_equal(dialog_answer(&t), SIV_OK);
	/* READY cannot be sealed: the session is over before it began */
	seallog_fail(0);
	assert_int_equal(dialog_finish(&t, 1), SIV_R_CRYPTO);
	assert_int_equal(t.g->state, SIV_SESSION_DEAD);
	seallog_fail(-1);
	free(before);
	dialog_free(&t);
}

/* The same where a transform does not take a key: at every place, one after another. */
static void test_session_key_fails(void **state)
{
	struct siv_session *before = malloc(sizeof(*before));
	struct dialog t;
	long n;

	(void)state;
	assert_non_null(before);
	dialog_init(&t, "alice", SIV_SUITE_CHACHAPOLY);
	memcpy(before, t.h, sizeof(*before));
	assert_int_equal(dialog_start(&t), SIV_OK);
	for (n = 0;; n++) {
		seallog_fail_key(n);
		if (!dialog_hear(&t))
			break;
		assert_memory_equal(before, t.h, sizeof(*before));
	}
	assert_int_equal(n, 2); /* s and the payload */
	seallog_fail_key(-1);
	memcpy(before, t.h, sizeof(*before));
	for (n = 0;; n++) {
		seallog_fail_key(n);
		if (!dialog_answer(&t))
			break;
		assert_int_equal(t.h->state, SIV_SESSION_HEARD);
		assert_memory_equal(&before->noise, &t.h->noise,
				    sizeof(t.h->noise));
		assert_true(!t.h->tx.t && !t.h->rx.t);
		assert_int_equal(t.m2_len, 0);
	}
	assert_int_equal(n, 3); /* the payload, two halves */
	for (n = 0;; n++) {
		seallog_fail_key(n);
		if (!dialog_finish(&t, 1))
			break;
		/* before it opened: nothing; after: over */
		assert_int_equal(t.g->state,
				 n ? SIV_SESSION_DEAD : SIV_SESSION_SENT);
		if (t.g->state == SIV_SESSION_SENT)
			continue;
		dialog_reset(&t);
		seallog_fail_key(-1);
		assert_int_equal(dialog_start(&t), SIV_OK);
		assert_int_equal(dialog_hear(&t), SIV_OK);
		assert_int_equal(dialog_answer(&t), SIV_OK);
	}
	assert_int_equal(n, 3);
	seallog_fail_key(-1);
	free(before);
	dialog_free(&t);
}

/* ----------------------------------------------------------------- connect */

static void test_connect_wiped(void **state)
{
	struct link l;
	u8 k1[SIV_KEY_LEN], r0[SIV_KEY_LEN];

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	link_to_grant(&l);
	/* A needs its ephemeral until M2; B has wiped its own, the caller's copy too */
	assert_true(dialog_find(&l.ca, sizeof(l.ca), l.ea_priv));
	assert_true(link_zero(l.eb_priv, SIV_KEY_LEN));
	pki_ephemeral(l.eb_priv, l.eb_pub, "eb", l.number);
	assert_false(dialog_find(&l.cb, sizeof(l.cb), l.eb_priv));
	assert_false(dialog_find(&l.cb, sizeof(l.cb), l.prk_b));
	memcpy(k1, l.cb.k1, SIV_KEY_LEN);
	memcpy(r0, l.cb.r[0], SIV_KEY_LEN);
	assert_int_equal(link_granted(&l), SIV_OK);
	assert_false(dialog_find(&l.ca, sizeof(l.ca), l.ea_priv));
	assert_false(seallog_key_held(k1));
	link_relay_confirm(&l);
	assert_int_equal(link_confirmed(&l), SIV_OK);
	assert_false(seallog_key_held(k1));
	siv_connect_wipe(&l.ca);
	assert_true(link_ended(&l.ca));
	assert_false(dialog_find(&l.ca, sizeof(l.ca), k1));
	assert_false(dialog_find(&l.ca, sizeof(l.ca), r0));
	/* public things stay, for the caller's CLOSED */
	assert_int_equal(l.ca.ids.cid, l.offered.cid);
	siv_connect_wipe(&l.cb);
	assert_true(link_ended(&l.cb));
	link_free(&l);
}

/* A platform whose cryptography fails at any point: ended, wiped, nothing said. */
static void test_connect_crypto_fails(void **state)
{
	struct link l;
	long n;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	for (n = 0;; n++) {
		link_to_incoming(&l);
		seallog_fail(n);
		if (!link_incoming(&l))
			break;
		assert_true(link_ended(&l.cb));
		assert_true(link_zero(&l.accept, sizeof(l.accept)));
		assert_true(link_zero(l.eb_priv, SIV_KEY_LEN));
	}
	assert_int_equal(n, 2); /* M1 rebuilt, M2 */
	for (n = 0;; n++) {
		seallog_fail(-1);
		link_to_grant(&l);
		seallog_fail(n);
		if (!link_granted(&l))
			break;
		assert_true(link_ended(&l.ca));
		assert_true(link_zero(&l.confirm, sizeof(l.confirm)));
	}
	assert_int_equal(n, 2); /* M1, M3 */
	seallog_fail(-1);
	link_free(&l);
}

static void test_connect_key_fails(void **state)
{
	struct link l;
	long n;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	for (n = 0;; n++) {
		seallog_fail_key(-1);
		link_to_incoming(&l);
		seallog_fail_key(n);
		if (!link_incoming(&l))
			break;
		assert_true(link_ended(&l.cb));
	}
	assert_int_equal(n, 2); /* M1, M2 */
	for (n = 0;; n++) {
		seallog_fail_key(-1);
		link_to_grant(&l);
		seallog_fail_key(n);
		if (!link_granted(&l))
			break;
		assert_true(link_ended(&l.ca));
	}
	assert_int_equal(n, 3); /* M1, M2, M3 */
	seallog_fail_key(-1);
	link_to_confirm(&l);
	seallog_fail_key(0);
	assert_int_equal(link_confirmed(&l), SIV_R_CRYPTO);
	assert_true(link_ended(&l.cb));
	link_free(&l);
}

/* ------------------------------------------------------------------- stack */

/* The secrets of one session and one connect, made in a first run. */
static u8 secrets[16][SECRET_LEN];
static int secret_count;

static void secret(const u8 s[SIV_KEY_LEN])
{
	assert_true(secret_count < (int)ARRAY_SIZE(secrets));
	memcpy(secrets[secret_count++], s, SIV_KEY_LEN);
}

static void step_start(void *arg)
{
	(void)!dialog_start(arg);
}

static void step_hear(void *arg)
{
	(void)!dialog_hear(arg);
}

static void step_answer(void *arg)
{
	(void)!dialog_answer(arg);
}

static void step_finish(void *arg)
{
	(void)!dialog_finish(arg, 1);
}

static void step_incoming(void *arg)
{
	(void)!link_incoming(arg);
}

static void step_granted(void *arg)
{
	(void)!link_granted(arg);
}

static void step_confirmed(void *arg)
{
	(void)!link_confirmed(arg);
}

static void scan(void (*step)(void *arg), void *arg, const char *what)
{
	int found = stackscan(step, arg, (const uint8_t(*)[SECRET_LEN])secrets,
			      secret_count);

	if (found != -1)
		fail_msg("%s leaves secret %d on the stack", what, found);
}

static void test_stack_control(void **state)
{
	u8 bytes[SECRET_LEN];

	(void)state;
	secret_count = 0;
	pki_bytes(bytes, sizeof(bytes), "control", 0);
	secret(bytes);
	assert_int_equal(stackscan(stackscan_leave, secrets[0],
				   (const uint8_t(*)[SECRET_LEN])secrets, 1),
			 0);
}

static void test_session_stack(void **state)
{
	static struct dialog d;

	(void)state;
	dialog_init(&d, "alice", SIV_SUITE_CHACHAPOLY);
	dialog_live(&d, 1);
	secret_count = 0;
	secret(d.e_priv);
	secret(d.guest.priv);
	secret(d.host.priv);
	secret(d.g->tx.k);
	secret(d.g->rx.k);
	/* the same ephemerals, so the same keys again, step by step */
	dialog_reset(&d);
	d.attempt = 0;
	d.answers = 0;
	scan(step_start, &d, "start");
	secret(d.g->noise.ss.ck);
	scan(step_hear, &d, "heard");
	scan(step_answer, &d, "answer");
	scan(step_finish, &d, "finish");
	assert_int_equal(d.g->state, SIV_SESSION_LIVE);
	assert_memory_equal(d.g->tx.k, secrets[3], SIV_KEY_LEN);
	assert_memory_equal(d.h->tx.k, secrets[4], SIV_KEY_LEN);
	dialog_free(&d);
}

static void test_connect_stack(void **state)
{
	static struct link l;
	u8 psk[SIV_KEY_LEN];

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	link_all(&l);
	secret_count = 0;
	siv_connect_psk(psk, l.prk_a, &l.offered);
	secret(psk);
	secret(l.prk_a);
	secret(l.ea_priv);
	secret(l.ca.k1);
	secret(l.ca.k2);
	secret(l.ca.r[0]);
	secret(l.ca.r[1]);
	/* the same connect again */
	l.number--;
	link_to_incoming(&l);
	secret(l.eb_priv);
	scan(step_incoming, &l, "incoming");
	link_relay_accept(&l);
	scan(step_granted, &l, "granted");
	link_relay_confirm(&l);
	scan(step_confirmed, &l, "confirmed");
	assert_memory_equal(l.cb.k1, secrets[3], SIV_KEY_LEN);
	assert_int_equal(l.cb.state, SIV_CONNECT_OPEN);
	link_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session_wiped),
		cmocka_unit_test(test_session_crypto_fails),
		cmocka_unit_test(test_session_key_fails),
		cmocka_unit_test(test_connect_wiped),
		cmocka_unit_test(test_connect_crypto_fails),
		cmocka_unit_test(test_connect_key_fails),
		cmocka_unit_test(test_stack_control),
		cmocka_unit_test(test_session_stack),
		cmocka_unit_test(test_connect_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
