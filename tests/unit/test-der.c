// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DER reader takes exactly what X.690 calls DER, names the cause of every
 * refusal, moves its cursor only on success, and reads dates to the second.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/der.h"
#include "dertext.h"

struct element {
	const char *text;
	uint8_t tag;
	enum siv_reason want;
	size_t content; /* bytes of content */
	size_t left;	/* bytes after the element */
};

static const struct element elements[] = {
	{ "0500", 0x05, SIV_OK, 0, 0 },
	{ "020105", 0x02, SIV_OK, 1, 0 },
	{ "020105 00", 0x02, SIV_OK, 1, 1 },
	{ "30( 020105 0500 )", 0x30, SIV_OK, 5, 0 },
	{ "a0( 0500 ) ff", 0xa0, SIV_OK, 2, 1 },
	{ "04( 41*127 )", 0x04, SIV_OK, 127, 0 },
	{ "04( 41*128 )", 0x04, SIV_OK, 128, 0 },
	{ "04( 41*255 )", 0x04, SIV_OK, 255, 0 },
	{ "04( 41*256 )", 0x04, SIV_OK, 256, 0 },
	{ "04( 41*4097 ) 00", 0x04, SIV_OK, 4097, 1 },
	{ "", 0x02, SIV_R_DER_TRUNCATED, 0, 0 },
	{ "02", 0x02, SIV_R_DER_TRUNCATED, 0, 0 },
	{ "0201", 0x02, SIV_R_DER_TRUNCATED, 0, 0 },
	{ "040300*2", 0x04, SIV_R_DER_TRUNCATED, 0, 0 },
	{ "0481", 0x04, SIV_R_DER_TRUNCATED, 0, 0 },
	{ "0482 01", 0x04, SIV_R_DER_TRUNCATED, 0, 0 },
	{ "0482 0100 41*255", 0x04, SIV_R_DER_TRUNCATED, 0, 0 },
	{ "0484 ffffffff 41", 0x04, SIV_R_DER_TRUNCATED, 0, 0 },
	{ "0484 7fffffff 41", 0x04, SIV_R_DER_TRUNCATED, 0, 0 },
	{ "0480 4141 0000", 0x04, SIV_R_DER_LENGTH, 0, 0 },
	{ "3080 0500 0000", 0x30, SIV_R_DER_LENGTH, 0, 0 },
	{ "0481 7f 41*127", 0x04, SIV_R_DER_LENGTH, 0, 0 },
	{ "0481 00", 0x04, SIV_R_DER_LENGTH, 0, 0 },
	{ "0482 00ff 41*255", 0x04, SIV_R_DER_LENGTH, 0, 0 },
	{ "0482 007f 41*127", 0x04, SIV_R_DER_LENGTH, 0, 0 },
	{ "0483 000100 41*256", 0x04, SIV_R_DER_LENGTH, 0, 0 },
	{ "0484 00000001 41", 0x04, SIV_R_DER_LENGTH, 0, 0 },
	{ "0485 0000000001 41", 0x04, SIV_R_DER_LENGTH, 0, 0 },
	{ "0488 0000000000000001 41", 0x04, SIV_R_DER_LENGTH, 0, 0 },
	{ "04ff 41*64", 0x04, SIV_R_DER_LENGTH, 0, 0 },
	{ "020105", 0x03, SIV_R_DER_TAG, 0, 0 },
	{ "1f8101 00", 0x04, SIV_R_DER_TAG, 0, 0 },
	{ "220105", 0x02, SIV_R_DER_TAG, 0, 0 },
	{ "0000", 0x02, SIV_R_DER_TAG, 0, 0 },
};

/* The bytes in a block of their own size, so that a sanitizer sees a read past it. */
static uint8_t *exact(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, p, n);
	return copy;
}

static void elements_are_read(void **state)
{
	uint8_t buf[DERTEXT_MAX], *p;
	struct siv_span content, whole;
	struct siv_der d;
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(elements); i++) {
		const struct element *e = &elements[i];

		n = dertext(buf, e->text, NULL);
		p = exact(buf, n);
		d = siv_der_from((struct siv_span){ p, n });
		if (siv_der_next(&d, e->tag, &content, &whole) != e->want)
			fail_msg("%s: another cause", e->text);
		if (e->want) {
			assert_ptr_equal(d.p, p);
			assert_int_equal(d.left, n);
		} else {
			assert_int_equal(content.n, e->content);
			assert_int_equal(d.left, e->left);
			assert_ptr_equal(whole.p, p);
			assert_int_equal(whole.n, n - e->left);
			assert_ptr_equal(content.p + content.n, d.p);
			assert_int_equal(siv_der_end(&d),
					 e->left ? SIV_R_DER_TRAILING : SIV_OK);
		}
		free(p);
	}
}

/* Each length is refused for each number of bytes that are missing. */
static void truncations_are_refused(void **state)
{
	uint8_t buf[DERTEXT_MAX], *p;
	struct siv_span content;
	struct siv_der d;
	size_t n, cut;

	(void)state;
	n = dertext(buf, "30( 41*300 )", NULL);
	for (cut = 0; cut < n; cut++) {
		p = exact(buf, cut);
		d = siv_der_from((struct siv_span){ p, cut });
		assert_int_equal(siv_der_next(&d, 0x30, &content, NULL),
				 SIV_R_DER_TRUNCATED);
		free(p);
	}
}

/* A nest as deep as fits 4 KiB costs one step for each level. */
static void depth_costs_nothing(void **state)
{
	uint8_t buf[4096];
	struct siv_span s = { buf, sizeof(buf) };
	struct siv_der d;
	size_t i, levels = 0;

	(void)state;
	for (i = 0; i + 4 <= sizeof(buf); i += 4) {
		size_t len = sizeof(buf) - i - 4;

		if (len < 256)
			break;
		buf[i] = 0x30;
		buf[i + 1] = 0x82;
		buf[i + 2] = (uint8_t)(len >> 8);
		buf[i + 3] = (uint8_t)len;
	}
	do {
		d = siv_der_from(s);
		levels++;
	} while (siv_der_next(&d, 0x30, &s, NULL) == SIV_OK);
	assert_int_equal(levels, i / 4 + 1);
}

struct date {
	const char *text;
	enum siv_reason want;
	int64_t seconds;
};

static const struct date dates[] = {
	{ "17( '700101000000Z' )", SIV_OK, 0 },
	{ "17( '691231235959Z' )", SIV_OK, -1 },
	{ "17( '500101000000Z' )", SIV_OK, -631152000 },
	{ "17( '491231235959Z' )", SIV_OK, 2524607999 },
	{ "18( '20500101000000Z' )", SIV_OK, 2524608000 },
	{ "18( '99991231235959Z' )", SIV_OK, 253402300799 },
	{ "17( '000229000000Z' )", SIV_OK, 951782400 },
	{ "17( '240229120000Z' )", SIV_OK, 1709208000 },
	{ "17( '380119031408Z' )", SIV_OK, 2147483648 },
	{ "18( '20520229000000Z' )", SIV_OK, 2592777600 },
	{ "17( '230229000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "18( '21000229000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "18( '20491231235959Z' )", SIV_R_CERT_TIME, 0 },
	{ "18( '19700101000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "18( '00000101000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200001000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '201301000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200100000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200132000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200431000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200101240000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200101006000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200101000060Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '161231235960Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '2001010000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200101000000' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200101000000z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200101000000ZZ' )", SIV_R_CERT_TIME, 0 },
	{ "18( '20500101000000ZZ' )", SIV_R_CERT_TIME, 0 },
	{ "17( '200101000000+0000' )", SIV_R_CERT_TIME, 0 },
	{ "17( '2001010000+00' )", SIV_R_CERT_TIME, 0 },
	{ "17( '2 0101000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '20-101000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '20010:000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '2001010000/0Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( '20200101000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "18( '500101000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "18( '20500101000000.5Z' )", SIV_R_CERT_TIME, 0 },
	{ "18( '205001010000Z' )", SIV_R_CERT_TIME, 0 },
	{ "18( '2x500101000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "18( '20x00101000000Z' )", SIV_R_CERT_TIME, 0 },
	{ "17( )", SIV_R_CERT_TIME, 0 },
	{ "18( )", SIV_R_CERT_TIME, 0 },
	{ "04( '200101000000Z' )", SIV_R_DER_TAG, 0 },
	{ "170d '20010100000'", SIV_R_DER_TRUNCATED, 0 },
	{ "", SIV_R_DER_TRUNCATED, 0 },
};

static void dates_are_read(void **state)
{
	uint8_t buf[DERTEXT_MAX], *p;
	struct siv_der d;
	int64_t seconds;
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(dates); i++) {
		n = dertext(buf, dates[i].text, NULL);
		p = exact(buf, n);
		d = siv_der_from((struct siv_span){ p, n });
		seconds = 0;
		if (siv_der_time(&d, &seconds) != dates[i].want)
			fail_msg("%s: another cause", dates[i].text);
		if (!dates[i].want && seconds != dates[i].seconds)
			fail_msg("%s: %lld", dates[i].text, (long long)seconds);
		free(p);
	}
}

/* Every day from 1950 to 2199, against the C library. */
static void days_agree_with_timegm(void **state)
{
	struct siv_der d;
	int64_t t, seconds;
	char text[32];
	struct tm tm;
	time_t when;
	size_t n;

	(void)state;
	for (t = -631152000; t < 7258118400; t += 86400) {
		when = (time_t)(t + 43200 + t / 86400 % 43200);
		assert_non_null(gmtime_r(&when, &tm));
		if (tm.tm_year < 150) {
			text[0] = 0x17;
			n = strftime(text + 2, 20, "%y%m%d%H%M%SZ", &tm);
		} else {
			text[0] = 0x18;
			n = strftime(text + 2, 20, "%Y%m%d%H%M%SZ", &tm);
		}
		text[1] = (char)n;
		d = siv_der_from((struct siv_span){ (uint8_t *)text, n + 2 });
		assert_int_equal(siv_der_time(&d, &seconds), SIV_OK);
		assert_true(seconds == when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_are_read),
		cmocka_unit_test(truncations_are_refused),
		cmocka_unit_test(depth_costs_nothing),
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(days_agree_with_timegm),
	};

	return cmocka_run_group_tests_name("der", tests, NULL, NULL);
}
