// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: every cause has a lower-case name equal to its enum's, a sentence, an errno and
 * a code on the wire that is the generic number of that errno and leads back to it; values
 * from outside the tables are survived; troubleshooting.rst names every cause.
 */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/reason.h"

#define ROW(name, err, text) { SIV_R_##name, err, #name, text },
static const struct {
	enum siv_reason r;
	int err;
	const char *name;
	const char *text;
} rows[] = { SIV_REASONS(ROW) };

static void test_tables(void **state)
{
	char lower[64];
	size_t i, j;

	(void)state;
	assert_int_equal(ARRAY_SIZE(rows) + 1, SIV_R_COUNT);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(rows[i].r, i + 1);
		for (j = 0; rows[i].name[j]; j++)
			lower[j] = (char)tolower(rows[i].name[j]);
		lower[j] = 0;
		assert_string_equal(siv_reason_name(rows[i].r), lower);
		assert_string_equal(siv_reason_text(rows[i].r), rows[i].text);
		assert_int_equal(siv_reason_errno(rows[i].r), -rows[i].err);
	}
}

/* asm-generic/errno.h, by number: what the wire carries on every machine. */
static void test_codes(void **state)
{
	static const struct {
		enum siv_reason r;
		u32 code;
	} some[] = {
		{ SIV_R_POLICY, 1 },	     { SIV_R_CRYPTO, 5 },
		{ SIV_R_RATE, 11 },	     { SIV_R_DEVICE_GONE, 19 },
		{ SIV_R_SIZE, 22 },	     { SIV_R_NO_SPACE, 28 },
		{ SIV_R_PEER_CLOSED, 32 },   { SIV_R_STATE, 71 },
		{ SIV_R_TAG, 74 },	     { SIV_R_VERSION, 93 },
		{ SIV_R_UNSUPPORTED, 95 },   { SIV_R_LISTENING, 98 },
		{ SIV_R_PEER_GONE, 104 },    { SIV_R_TIMEOUT, 110 },
		{ SIV_R_NO_LISTENER, 111 },  { SIV_R_EPOCH, 116 },
		{ SIV_R_QUOTA, 122 },	     { SIV_R_NO_ANCHOR, 126 },
		{ SIV_R_CERT_EXPIRED, 127 }, { SIV_R_CERT_REVOKED, 128 },
		{ SIV_R_SIGNATURE, 129 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(some); i++)
		assert_int_equal(siv_reason_code(some[i].r), some[i].code);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].err == EBUSY || rows[i].err == EACCES ||
		    rows[i].err == EEXIST || rows[i].err == E2BIG ||
		    rows[i].err == EMSGSIZE) {
			/* never told to anybody else */
			assert_int_equal(siv_reason_code(rows[i].r), 0);
			continue;
		}
		if (rows[i].err == ENOMEM) {
			assert_int_equal(siv_reason_code(rows[i].r), 5);
			continue;
		}
		assert_int_not_equal(siv_reason_code(rows[i].r), 0);
		assert_int_equal(siv_code_errno(siv_reason_code(rows[i].r)),
				 -rows[i].err);
	}
}

static void test_success(void **state)
{
	(void)state;
	assert_int_equal(siv_reason_errno(SIV_OK), 0);
	assert_int_equal(siv_reason_code(SIV_OK), 0);
	assert_int_equal(siv_code_errno(0), 0);
	assert_string_equal(siv_reason_name(SIV_OK), "ok");
}

static void test_outside(void **state)
{
	static const u32 codes[] = { 2, 13, 12345, 0x7fffffff, 0xffffffff };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(codes); i++)
		assert_int_equal(siv_code_errno(codes[i]), -ECONNRESET);
	assert_string_equal(siv_reason_name(SIV_R_COUNT), "unknown");
	assert_string_equal(siv_reason_name((enum siv_reason)0x7fffffff),
			    "unknown");
	assert_non_null(siv_reason_text(SIV_R_COUNT));
	assert_int_equal(siv_reason_errno(SIV_R_COUNT), -EIO);
}

static void test_documented(void **state)
{
	FILE *f = fopen("Documentation/troubleshooting.rst", "r");
	unsigned int missing = 0;
	char *text;
	size_t i, n;

	(void)state;
	if (!f) {
		print_message("no Documentation/troubleshooting.rst here\n");
		skip();
	}
	text = calloc(1, 1 << 20);
	assert_non_null(text);
	n = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	assert_int_not_equal(n, 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name = siv_reason_name(rows[i].r);
		size_t len = strlen(name);
		const char *at = text;

		/* as a whole word */
		while ((at = strstr(at, name))) {
			bool before = at > text &&
				      (isalnum(at[-1]) || at[-1] == '_');
			bool after = isalnum(at[len]) || at[len] == '_';

			if (!before && !after)
				break;
			at += len;
		}
		if (!at) {
			print_error("troubleshooting.rst lacks %s\n", name);
			missing++;
		}
	}
	free(text);
	assert_int_equal(missing, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_documented),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
