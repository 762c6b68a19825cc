// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: no failure of the platform's cryptography goes unnoticed. Each call of it that a
 * session's handshake, a connect, or sealing makes fails once, the first, the second, and
 * so on: the step in which it happens returns SIV_R_CRYPTO, no end is live, open or holds
 * ring keys after it, no private key is handed out, and the next try succeeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/seal.h"
#include "dialog.h"
#include "link.h"

enum {
	NEVER = 1 << 30,
};

static long calls_left = NEVER; /* until the one that fails */
static bool failed;		/* it has */

static bool fails(void)
{
	if (--calls_left)
		return false;
	failed = true;
	return true;
}

static void arm(long n)
{
	calls_left = n;
	failed = false;
}

/* A call of the contract that can fail, in the place of the platform's own. */
#define CAN_FAIL(name, params, args)          \
	enum siv_reason __real_##name params; \
	enum siv_reason __wrap_##name params; \
	enum siv_reason __wrap_##name params  \
	{                                     \
		if (fails())                  \
			return SIV_R_CRYPTO;  \
		return __real_##name args;    \
	}

/* the formatter takes the asterisks for products */
/* clang-format off */
CAN_FAIL(siv_x25519,
	 (u8 out[SIV_KEY_LEN], const u8 priv[SIV_KEY_LEN],
	  const u8 pub[SIV_KEY_LEN]),
	 (out, priv, pub))
CAN_FAIL(siv_x25519_static,
	 (u8 out[SIV_KEY_LEN], const struct siv_static *s,
	  const u8 pub[SIV_KEY_LEN]),
	 (out, s, pub))
CAN_FAIL(siv_aead_setkey,
	 (struct siv_aead *t, u16 suite, const u8 key[SIV_KEY_LEN]),
	 (t, suite, key))
CAN_FAIL(siv_aead_seal,
	 (struct siv_aead *t, u64 n, struct siv_span ad, struct siv_span in,
	  u8 *out),
	 (t, n, ad, in, out))
CAN_FAIL(siv_aead_open,
	 (struct siv_aead *t, u64 n, struct siv_span ad, struct siv_span in,
	  u8 *out),
	 (t, n, ad, in, out))

/* clang-format on */

/* Only siv_ephemeral_make() calls it in the core; the tests' parties do, too. */
static bool no_public_key;

enum siv_reason __real_siv_x25519_base(u8 pub[SIV_KEY_LEN],
				       const u8 priv[SIV_KEY_LEN]);
enum siv_reason __wrap_siv_x25519_base(u8 pub[SIV_KEY_LEN],
				       const u8 priv[SIV_KEY_LEN]);

enum siv_reason __wrap_siv_x25519_base(u8 pub[SIV_KEY_LEN],
				       const u8 priv[SIV_KEY_LEN])
{
	return no_public_key ? SIV_R_CRYPTO : __real_siv_x25519_base(pub, priv);
}

/* A step has returned @r: SIV_R_CRYPTO if and only if a call failed in it. */
static bool step_failed(enum siv_reason r, const char *what, long n)
{
	calls_left = failed ? NEVER : calls_left;
	if (r != (failed ? SIV_R_CRYPTO : SIV_OK))
		fail_msg("call %ld failed in \"%s\", which returned: %s", n,
			 what, siv_reason_text(r));
	return failed;
}

/* -------------------------------------------------------------------- session */

static enum siv_reason step_ready(struct dialog *t)
{
	u16 type;

	return dialog_pass(t->g, t->h, &type, 1);
}

static enum siv_reason step_finish(struct dialog *t)
{
	return dialog_finish(t, 1);
}

static const struct {
	const char *name;
	enum siv_reason (*run)(struct dialog *t);
} dialog_steps[] = {
	{ "start", dialog_start },   { "heard", dialog_hear },
	{ "answer", dialog_answer }, { "finish", step_finish },
	{ "READY", step_ready },
};

/* One handshake, whose @n-th call fails; false if it makes less. */
static bool session_fails(u16 suite, long n)
{
	struct dialog t;
	size_t i;

	arm(NEVER);
	dialog_init(&t, "fails", suite);
	arm(n);
	for (i = 0;
	     i < ARRAY_SIZE(dialog_steps) &&
	     !step_failed(dialog_steps[i].run(&t), dialog_steps[i].name, n);
	     i++)
		;
	if (failed) {
		assert_int_not_equal(t.h->state, SIV_SESSION_LIVE);
		if (i < 4)
			assert_int_not_equal(t.g->state, SIV_SESSION_LIVE);
		/* a message that was not made leaves no ephemeral key behind */
		if (!i)
			assert_false(dialog_find(t.g, sizeof(*t.g), t.e_priv));
		dialog_reset(&t);
		dialog_live(&t, 1);
	} else {
		assert_int_equal(t.h->state, SIV_SESSION_LIVE);
	}
	dialog_free(&t);
	return failed;
}

static const u16 suites[] = { SIV_SUITE_CHACHAPOLY, SIV_SUITE_AESGCM };

static void test_session(void **state)
{
	size_t i;
	long n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (n = 1; session_fails(suites[i], n); n++)
			;
		printf("# a session's handshake makes %ld calls\n", n - 1);
		/* eight X25519 and their public keys, and what is sealed with them */
		assert_in_range(n, 20, 200);
	}
}

/* -------------------------------------------------------------------- connect */

static bool connect_fails(u16 suite, u32 flags, long n)
{
	struct link l;

	arm(NEVER);
	link_init(&l, suite, flags);
	arm(NEVER);
	assert_int_equal(link_open(&l), SIV_OK);
	arm(n);
	link_relay_open(&l);
	if (step_failed(link_incoming(&l), "INCOMING", n)) {
		assert_int_not_equal(l.cb.state, SIV_CONNECT_ACCEPTED);
		assert_true(link_zero(l.cb.k1, SIV_KEY_LEN));
		goto again;
	}
	link_relay_accept(&l);
	if (step_failed(link_granted(&l), "GRANT_A", n)) {
		assert_true(link_ended(&l.ca));
		goto again;
	}
	link_relay_confirm(&l);
	if (step_failed(link_confirmed(&l), "GRANT_B", n)) {
		assert_true(link_ended(&l.cb));
		goto again;
	}
	assert_int_equal(l.ca.state, SIV_CONNECT_OPEN);
	assert_int_equal(l.cb.state, SIV_CONNECT_OPEN);
	link_free(&l);
	return false;
again:
	link_all(&l);
	assert_int_equal(l.cb.state, SIV_CONNECT_OPEN);
	link_free(&l);
	return true;
}

static void test_connect(void **state)
{
	u32 flags;
	size_t i;
	long n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(suites); i++)
		for (flags = 0; flags <= SIV_CH_SEALED; flags++) {
			for (n = 1; connect_fails(suites[i], flags, n); n++)
				;
			printf("# a connect makes %ld calls\n", n - 1);
			assert_in_range(n, 6, 100);
		}
}

/* -------------------------------------------------------------------- sealing */

static void test_sealing(void **state)
{
	static const u8 r0[SIV_KEY_LEN] = { 1, 2, 3 }, hdr[8] = { 24 };
	static const u8 zero[SIV_KEY_LEN];
	struct siv_span text = { (const u8 *)"plaintxt", 8 };
	struct siv_aead *t = siv_aead_alloc();
	struct siv_span got;
	u8 sealed[24], plain[8];
	struct siv_seal s;

	(void)state;
	assert_non_null(t);
	arm(1);
	assert_int_equal(siv_seal_init(&s, t, SIV_SUITE_CHACHAPOLY, r0),
			 SIV_R_CRYPTO);
	assert_memory_equal(s.r, zero, SIV_KEY_LEN);
	arm(NEVER);
	assert_int_equal(siv_seal_init(&s, t, SIV_SUITE_CHACHAPOLY, r0),
			 SIV_OK);
	arm(1);
	assert_int_equal(siv_seal_record(&s, 0, hdr, text, sealed),
			 SIV_R_CRYPTO);
	/* its position is used up */
	assert_int_equal(siv_seal_record(&s, 0, hdr, text, sealed),
			 SIV_R_STATE);
	/* the key of the next 64 GiB: without it there is none */
	arm(1);
	assert_int_equal(siv_seal_record(&s, (u64)1 << 36, hdr, text, sealed),
			 SIV_R_CRYPTO);
	assert_memory_equal(s.r, zero, SIV_KEY_LEN);
	/* and on the way back */
	arm(NEVER);
	assert_int_equal(siv_seal_init(&s, t, SIV_SUITE_CHACHAPOLY, r0),
			 SIV_OK);
	assert_int_equal(siv_seal_record(&s, 0, hdr, text, sealed), SIV_OK);
	siv_seal_wipe(&s);
	assert_int_equal(siv_seal_init(&s, t, SIV_SUITE_CHACHAPOLY, r0),
			 SIV_OK);
	arm(1);
	got = (struct siv_span){ sealed, sizeof(sealed) };
	assert_int_equal(siv_seal_open(&s, 0, hdr, got, plain), SIV_R_CRYPTO);
	siv_seal_wipe(&s);
	arm(NEVER);
	siv_aead_free(t);
}

/* A private key without its public key is given to nobody. */
static void test_ephemeral(void **state)
{
	static const u8 zero[SIV_KEY_LEN], secret[SIV_HASH_LEN] = { 1 };
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];

	(void)state;
	no_public_key = true;
	assert_int_equal(siv_ephemeral_make(priv, pub, secret, secret, secret,
					    1),
			 SIV_R_CRYPTO);
	assert_memory_equal(priv, zero, SIV_KEY_LEN);
	no_public_key = false;
	assert_int_equal(siv_ephemeral_make(priv, pub, secret, secret, secret,
					    1),
			 SIV_OK);
	assert_memory_not_equal(priv, zero, SIV_KEY_LEN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_sealing),
		cmocka_unit_test(test_ephemeral),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
