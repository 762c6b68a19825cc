// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: whatever names and texts are, an audit line is one line of JSON; a flood is cut
 * to a few lines and counted exactly; and a log that cannot be written harms nobody.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "sivshmemd/audit.h"
#include "sivshmemd/clock.h"

static sd_event *event;
static struct audit *audit;
static int log_fd;

static int setup(void **state)
{
	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	log_fd = memfd_create("audit", 0);
	audit = audit_new(event, fcntl(log_fd, F_DUPFD, 100));
	assert_non_null(audit);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	audit_free(audit);
	close(log_fd);
	sd_event_unref(event);
	return 0;
}

/* All lines so far, as a JSON array; fails if one is not an object. */
static json_t *lines(void)
{
	json_t *list = json_array(), *o;
	char text[1 << 16], *at = text, *end;
	ssize_t n;

	audit_flush(audit);
	n = pread(log_fd, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	for (; (end = strchr(at, '\n')); at = end + 1) {
		*end = '\0';
		o = json_loads(at, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(o);
		json_array_append_new(list, o);
	}
	assert_true(!*at);
	return list;
}

static const char *text_of(json_t *list, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(list, i), key));
}

static void test_line(void **state)
{
	struct audit_who who = { "cabin", "cam", "front" };
	json_t *list;

	(void)state;
	audit_note(audit, AUDIT_OPEN_REFUSED, SIV_R_POLICY, &who,
		   "service cabin/cam/x", "open %s", "x");
	audit_note_errno(audit, AUDIT_RELOAD, 0, NULL, NULL, "fine");
	list = lines();
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text_of(list, 0, "event"), "open_refused");
	assert_string_equal(text_of(list, 0, "who"), "cabin/cam/front");
	assert_string_equal(text_of(list, 0, "what"), "open x");
	assert_string_equal(text_of(list, 0, "rule"), "service cabin/cam/x");
	assert_string_equal(text_of(list, 0, "reason"), "policy");
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(list, 0), "errno")),
			 1);
	assert_int_equal(strlen(text_of(list, 0, "time")), 24);
	assert_string_equal(text_of(list, 1, "who"), "");
	assert_null(text_of(list, 1, "rule"));
	json_decref(list);
}

static void test_hostile_text(void **state)
{
	static const char *const texts[] = {
		"two\nlines",	      "\x1b[2J\x1b]0;title\x07",
		"quote\" back\\ nul", "%n%s%s%n",
		"\xff\xfe\xc3(",      "\r{\"event\":\"forged\"}",
	};
	struct audit_who who = { "cabin", "cam\n{\"event\":\"forged\"}",
				 "x\x1b" };
	char *big = malloc(1 << 20);
	json_t *list;
	size_t i, k;

	(void)state;
	memset(big, '"', (1 << 20) - 1);
	big[(1 << 20) - 1] = '\0';
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		audit_note(audit, AUDIT_HELLO_REFUSED, SIV_OK, &who, NULL, "%s",
			   texts[i]);
	audit_note(audit, AUDIT_HELLO_REFUSED, SIV_OK, &who, NULL, "%s", big);
	list = lines();
	assert_int_equal(json_array_size(list), ARRAY_SIZE(texts) + 1);
	for (i = 0; i < ARRAY_SIZE(texts) + 1; i++) {
		const char *what = text_of(list, i, "what");

		assert_string_equal(text_of(list, i, "event"), "hello_refused");
		for (k = 0; what[k]; k++)
			assert_true(what[k] >= ' ' && what[k] <= '~');
		assert_true(k < 1024);
	}
	json_decref(list);
	free(big);
}

static void test_flood(void **state)
{
	struct audit_who a = { "cabin", "a", NULL }, b = { "cabin", "b", NULL };
	u64 t0 = clock_ms(), most;
	json_t *list;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++)
		audit_note(audit, AUDIT_AUTH_FAIL, SIV_R_TAG, &a, NULL, "x");
	/* another VM, and another event, have their own lines */
	audit_note(audit, AUDIT_AUTH_FAIL, SIV_R_TAG, &b, NULL, "y");
	audit_note(audit, AUDIT_OPEN_REFUSED, SIV_R_POLICY, &a, NULL, "z");
	/* ten at once, then two a second, and the two of the others */
	most = 10 + (clock_ms() - t0) * 2 / 1000 + 1;
	list = lines();
	assert_in_range(json_array_size(list), 12, most + 2);
	assert_string_equal(text_of(list, json_array_size(list) - 2, "what"),
			    "y");
	assert_string_equal(text_of(list, json_array_size(list) - 1, "what"),
			    "z");
	json_decref(list);
	assert_int_equal(audit_count(audit, AUDIT_AUTH_FAIL), 100001);
	assert_in_range(audit_suppressed(audit), 100000 - most, 99990);
	usleep(600000);
	audit_note(audit, AUDIT_AUTH_FAIL, SIV_R_TAG, &a, NULL, "later");
	list = lines();
	i = (int)json_array_size(list) - 1;
	assert_string_equal(text_of(list, (size_t)i, "what"), "later");
	assert_in_range(json_integer_value(json_object_get(
				json_array_get(list, (size_t)i), "suppressed")),
			100000 - most, 99990);
	json_decref(list);
}

/* Lines wait for the loop to be idle, and no longer. */
static void test_written_by_loop(void **state)
{
	(void)state;
	audit_note(audit, AUDIT_START, SIV_OK, NULL, NULL, "x");
	assert_int_equal(lseek(log_fd, 0, SEEK_END), 0);
	assert_true(sd_event_run(event, 0) >= 0);
	assert_true(lseek(log_fd, 0, SEEK_END) > 0);
}

static void test_full_disk(void **state)
{
	int i, fd = open("/dev/full", O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	audit_set_fd(audit, fd);
	for (i = 0; i < 300; i++)
		audit_note(audit, AUDIT_ATTACH, SIV_OK, NULL, NULL, "%0200d",
			   i);
	audit_flush(audit);
	assert_int_equal(audit_count(audit, AUDIT_ATTACH), 300);
	assert_true(audit_suppressed(audit) > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_line),      TEST(test_hostile_text),
		TEST(test_flood),     TEST(test_written_by_loop),
		TEST(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
