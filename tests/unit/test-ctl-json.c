// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: sivshmemctl's JSON reader takes what RFC 8259 allows and nothing else, within a
 * bounded depth, and frees what it made; what its writer writes, it reads back, whatever
 * bytes a name has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sivshmemctl/json.h"

static void good(void **state)
{
	static const char *const texts[] = {
		"{}",
		" [ ] ",
		"null",
		"true",
		"false",
		"0",
		"-0",
		"10",
		"-1.5e+10",
		"1E2",
		"0.25",
		"\"\"",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
		"\"\\u00e9\\ud83d\\ude00\"",
		"[1,2,[3,[4]]]",
		"{\"a\":{\"b\":[true,null]},\"a\":2}",
		"\t{\r\n\"x\" : 1 }\n",
		"\"\x7f \xc3\xa9\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json *j = json_parse(texts[i]);

		if (!j)
			fail_msg("refused: %s", texts[i]);
		json_free(j);
	}
}

static void bad(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"{",
		"}",
		"[",
		"]",
		"{]",
		"[}",
		"[1,]",
		"[,1]",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{a:1}",
		"{'a':1}",
		"01",
		"-",
		"+1",
		"1.",
		".5",
		"1e",
		"1e+",
		"0x10",
		"nul",
		"True",
		"NaN",
		"\"",
		"\"\\\"",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u0000\"",
		"\"\\ud800\"",
		"\"\\ud800\\u0041\"",
		"\"\\udc00\"",
		"\"\\ud83d\\ud83d\"",
		"\"\n\"",
		"\"\x01\"",
		"1 2",
		"{} {}",
		"[1 2]",
		"{\"a\" 1}",
		"\"\\",
		"tru",
		"--1",
		"[[[",
	};
	char deep[101];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json *j = json_parse(texts[i]);

		if (j)
			fail_msg("accepted: %s", texts[i]);
	}
	memset(deep, '[', 50);
	memset(deep + 50, ']', 50);
	deep[100] = '\0';
	assert_null(json_parse(deep));
}

static void members(void **state)
{
	struct json *j = json_parse("{\"ok\":true,\"n\":-12,\"s\":\"a\\u00e9\","
				    "\"l\":[1,{\"x\":null}],\"o\":{}}");

	(void)state;
	assert_non_null(j);
	assert_string_equal(json_get_text(j, "ok", "-"), "true");
	assert_string_equal(json_get_text(j, "n", "-"), "-12");
	assert_string_equal(json_get_text(j, "s", "-"), "a\xc3\xa9");
	assert_string_equal(json_get_text(j, "none", "-"), "-");
	assert_string_equal(json_get_text(j, "l", "-"), "-");
	assert_int_equal(json_get(j, "l")->type, JSON_LIST);
	assert_int_equal(json_get(json_get(j, "l")->first->next, "x")->type,
			 JSON_NULL);
	assert_null(json_get(json_get(j, "n"), "x"));
	assert_null(json_get(j, "o")->first);
	json_free(j);
}

/* Any bytes as a text: the line is valid, and valid UTF-8 comes back as it was. */
static void round_trip(void **state)
{
	static const char *const same[] = {
		"plain", "q\"b\\s/", "\b\f\n\r\t\x01\x1f\x7f",
		"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"
	};
	static const char *const mended[] = {
		"\xff",	     "\xc0\x80",	 "\xed\xa0\x80",
		"a\xe2\x82", "\xf5\x80\x80\x80", "\x80"
	};

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		const char *in = i < 4 ? same[i] : mended[i - 4];
		struct json_out o;
		struct json *j;
		char *line;
		size_t len;
		FILE *f = open_memstream(&line, &len);

		json_begin(&o, f);
		json_text(&o, in, in);
		json_open(&o, "list", '[');
		json_number(&o, NULL, UINT64_MAX);
		json_bool(&o, NULL, false);
		json_open(&o, NULL, '{');
		json_real(&o, "r", 1.5);
		json_close(&o, '}');
		json_close(&o, ']');
		json_end(&o);
		fclose(f);
		assert_ptr_equal(strchr(line, '\n'), line + len - 1);
		j = json_parse(line);
		assert_non_null(j);
		if (i < 4)
			assert_string_equal(json_get_text(j, in, "-"), in);
		else
			assert_non_null(strstr(j->first->text, "\xef\xbf\xbd"));
		assert_string_equal(json_get(j, "list")->first->text,
				    "18446744073709551615");
		json_free(j);
		free(line);
	}
}

/* A valid line with one byte changed or cut short: a verdict, no step over the end. */
static void mutations(void **state)
{
	static const char line[] =
		"{\"ok\":true,\"vms\":[{\"name\":\"a\\u00e9\\n\",\"n\":-1.5e3},"
		"{\"name\":null}],\"t\":\"\\ud83d\\ude00\"}";
	unsigned int taken = 0;

	(void)state;
	for (size_t cut = 0; cut < sizeof(line); cut++) {
		char *copy = strndup(line, cut);

		json_free(json_parse(copy));
		free(copy);
	}
	for (size_t at = 0; at + 1 < sizeof(line); at++)
		for (int c = 1; c < 256; c++) {
			char *copy = strdup(line);
			struct json *j;

			copy[at] = (char)c;
			j = json_parse(copy);
			taken += !!j;
			json_free(j);
			free(copy);
		}
	assert_true(taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),	     cmocka_unit_test(bad),
		cmocka_unit_test(members),   cmocka_unit_test(round_trip),
		cmocka_unit_test(mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
