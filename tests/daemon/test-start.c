// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: `--check` and a start judge the same: a host certificate that is missing, of
 * another CA or region, a guest's, expired or not yet valid is refused with file and line,
 * exit status 1, before any socket is made; one that ends soon is warned of; regions that
 * are vanilla need neither CA nor keys, and only those.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "pki.h"
#include "world.h"

enum {
	DAY = 86400,
};

#define VMS \
	"[vm a]\nuser = self\nvectors = 2\n[vm b]\nuser = self\nvectors = 2\n"
#define BARE "[region bare]\nsize = 1M\nmode = vanilla\nmembers = a b\n"
#define LAB "[region lab]\nsize = 4M\ngranule = 4K\nmembers = a b\n"

/* the region of interest stands in line 9 */
static const char policy[] = BARE
	"# a line\n# and one more\n[service lab/b/data]\nclients = a\n" LAB VMS;
#define AT "policy.ini:9: [region lab]: "

static struct world w;

static int setup(void **state)
{
	static const char *const regions[] = { "lab", NULL };

	(void)state;
	world_make(&w, regions, policy);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

static bool exists(const char *name)
{
	char path[PATH_MAX];

	return !access(world_path(&w, path, name), F_OK);
}

static void forget(const char *name)
{
	char path[PATH_MAX];

	(void)remove(world_path(&w, path, name));
}

/* Refused by both, with these words, and nothing is left. */
static void refused(const char *why)
{
	static const char *const more[] = { "--check", NULL };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(more); i++) {
		forget("daemon.log");
		assert_int_equal(world_run(&w, "sivshmemd", more[i], NULL), 1);
		if (!world_said(&w, why))
			fail_msg("%s: it did not say: %s",
				 more[i] ? more[i] : "start", why);
		assert_false(exists("run"));
	}
}

static void accepted(void)
{
	forget("daemon.log");
	assert_int_equal(world_run(&w, "sivshmemd", "--check", NULL), 0);
	assert_false(exists("run"));
	world_start(&w, "sivshmemd");
	world_stop(&w);
	/* the sockets go a moment after the daemon */
	for (unsigned int turn = 0; exists("run") && turn < 1000; turn++) {
		forget("run/a");
		forget("run/b");
		forget("run");
		usleep(10000);
	}
}

static void with_cert(const struct paper *p)
{
	forget("lab.crt");
	world_host(&w, p);
}

static void test_good(void **state)
{
	(void)state;
	accepted();
	assert_false(world_said(&w, AT));
	with_cert(&(struct paper){ .region = "lab", .from = -DAY, .to = DAY });
	accepted();
	assert_true(world_said(&w, "policy.ini:9: warning: [region lab]: its "
				   "host certificate ends in less than 30 "
				   "days"));
}

static void test_dates(void **state)
{
	(void)state;
	with_cert(&(struct paper){ .region = "lab", .from = -DAY, .to = -1 });
	refused(AT "host certificate: certificate has expired");
	with_cert(&(struct paper){ .region = "lab", .from = 600, .to = DAY });
	refused(AT "host certificate: certificate is not yet valid");
	with_cert(&(struct paper){ .region = "lab" });
	accepted();
}

static void test_foreign(void **state)
{
	struct paper p = { .region = "lab" };
	struct test_ca stranger, forger;

	(void)state;
	test_ca_make(&stranger, TEST_P256);
	p.ca = &stranger;
	with_cert(&p);
	refused(AT "host certificate: no trust anchor");
	/* it says that our CA has signed it */
	forger = stranger;
	memcpy(forger.key_id, pki_ca()->key_id, sizeof(forger.key_id));
	p.ca = &forger;
	with_cert(&p);
	refused(AT "host certificate: ");
	test_ca_free(&stranger);
}

static void move(const char *from, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];

	assert_int_equal(rename(world_path(&w, a, from), world_path(&w, b, to)),
			 0);
}

static void test_another_name(void **state)
{
	(void)state;
	world_host(&w, &(struct paper){ .region = "other" });
	move("other.crt", "lab.crt");
	refused(AT "host certificate: ");
	/* a guest's */
	with_cert(
		&(struct paper){ .region = "lab", .vm = "a", .service = "x" });
	refused(AT "host certificate: ");
}

static void test_missing(void **state)
{
	(void)state;
	forget("lab.crt");
	refused(AT);
	with_cert(&(struct paper){ .region = "lab" });
	forget("ca.crt");
	refused("ca.crt");
}

static void test_policy(void **state)
{
	(void)state;
	world_policy(&w, LAB VMS "[vm c]\nusr = self\n");
	refused("policy.ini:12: ");
	world_policy(&w, policy);
	accepted();
}

/* Neither CA nor certificate nor key, and it serves. */
static void test_vanilla_alone(void **state)
{
	char path[PATH_MAX];
	int sock;

	(void)state;
	world_policy(&w, BARE VMS);
	forget("ca.crt");
	forget("lab.crt");
	forget("lab.key");
	assert_int_equal(world_run(&w, "sivshmemd", "--check", NULL), 0);
	world_start(&w, "sivshmemd");
	sock = client_dial(world_socket(&w, path, "a", "bare"));
	client_expect(sock, 0, false);
	close(sock);
	world_reload(&w);
	world_stop(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_good),	  CASE(test_dates),
		CASE(test_foreign),	  CASE(test_another_name),
		CASE(test_missing),	  CASE(test_policy),
		CASE(test_vanilla_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
