// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a policy file is either understood completely or refused with the file, the
 * line and the word that is wrong; and what is understood decides as written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sivshmemd/layout.h"
#include "sivshmemd/polfile.h"
#include "sivshmemd/policy.h"

static bool uid_of(void *arg, const char *user, uid_t *uid)
{
	(void)arg;
	if (strcmp(user, "qemu-a") != 0)
		return false;
	*uid = 64055;
	return true;
}

static struct policy *parse(const char *text, struct notes *notes)
{
	*notes = (struct notes){ 0 };
	return policy_parse("p.ini", text, strlen(text), uid_of, NULL, 1000,
			    notes);
}

static struct policy *good(const char *text)
{
	struct notes notes;
	struct policy *p = parse(text, &notes);

	if (!p)
		print_error("%s", notes.text);
	assert_non_null(p);
	assert_int_equal(notes.errors, 0);
	notes_clear(&notes);
	return p;
}

#define BASE                                           \
	"[region cabin]\nsize = 16M\nmembers = a, b\n" \
	"[vm a]\nuser = self\n[vm b]\nuser = qemu-a\n"

/* Each is refused, and the first message begins with this. */
static const struct {
	const char *text;
	const char *error;
} bad[] = {
	{ "", "p.ini: no [region]" },
	{ "size = 1\n", "p.ini:1: \"size\" stands before the first section" },
	{ "nonsense\n", "p.ini:1: neither [section] nor key = value" },
	{ "  nonsense\n", "p.ini:1: neither [section] nor key = value" },
	{ "\n\n[region\n", "p.ini:3: a section's title does not end" },
	{ "[]\n", "p.ini:1: a section is [region NAME]" },
	{ "[region]\n", "p.ini:1: a section is [region NAME]" },
	{ "[region a b]\n", "p.ini:1: a section is [region NAME]" },
	{ "[zone a]\n", "p.ini:1: unknown kind of section \"zone\"" },
	{ "[region Cabin]\n", "p.ini:1: \"Cabin\" is not a region's name" },
	{ "[vm .host]\n", "p.ini:1: \".host\" is not a VM's name" },
	{ "[vm a\\n]\n", "p.ini:1: \"a\\n\" is not a VM's name" },
	{ "[service a/b]\n",
	  "p.ini:1: [service a/b] is not [service REGION/VM/NAME]" },
	{ "[service a/b/]\n", "p.ini:1: [service a/b/] is not" },
	{ "[service a/b/c/d]\n", "p.ini:1: [service a/b/c/d] is not" },
	{ "[vm a]\nuser=self\n[vm a]\n",
	  "p.ini:3: [vm a] stands in line 1 already" },
	{ "[region r]\n[region r]\n",
	  "p.ini:2: [region r] stands in line 1 already" },
	{ "[vm a]\nuser = \x1b[2J\n",
	  "p.ini:2: a character that is not printable" },
	{ "[vm a]\nuser = self\nuser = self\n",
	  "p.ini:3: \"user\" stands twice" },
	{ "[vm a]\nUser = self\n", "p.ini:2: unknown key \"User\"" },
	{ "[vm a]\nuser = nobody-such\n",
	  "p.ini:2: user = nobody-such: no such user" },
	{ "[vm a]\nuser = 4294967295\n",
	  "p.ini:2: user = 4294967295: no such user" },
	{ "[vm a]\nuser =\n", "p.ini:2: user = : no user" },
	{ "[vm a]\nvectors = 0\n",
	  "p.ini:2: vectors = 0: not a number in the" },
	{ "[vm a]\nvectors = 9999\n", "p.ini:2: vectors = 9999: not a number" },
	{ "[vm a]\nvectors = 8 ; ok\nfds = -1\n",
	  "p.ini:3: fds = -1: not a number" },
	{ "[vm a]\nuser = self\n  fds = 9\n",
	  "p.ini:3: an indented line continues" },
	{ "[vm a]\nbytes = 18446744073709551616\n",
	  "p.ini:2: bytes = 184467440737" },
	{ "[vm a]\nbytes = 17179869184G\n",
	  "p.ini:2: bytes = 17179869184G: not a size" },
	{ "[region r]\nsize = 3M\n", "p.ini:2: size = 3M: not a power of two" },
	{ "[region r]\nsize = 1KB\n", "p.ini:2: size = 1KB: not a size" },
	{ "[region r]\nsize = 1K\n",
	  "p.ini:2: size = 1K: outside the allowed range" },
	{ "[region r]\nmode = open\n",
	  "p.ini:2: mode = open: not shared, isolated" },
	{ "[region r]\ngranule = 2048\n", "p.ini:2: granule = 2048: outside" },
	{ "[region r]\ngranule = 128K\n", "p.ini:2: granule = 128K: outside" },
	{ "[region r]\nliveness = 1d\n", "p.ini:2: liveness = 1d: not a time" },
	{ "[region r]\nliveness = 0\n", "p.ini:2: liveness = 0: not a time" },
	{ "[region r]\nsuites = aesgcm\n",
	  "p.ini:2: suites = aesgcm: chachapoly is" },
	{ "[region r]\nsuites = rc4\n",
	  "p.ini:2: suites = rc4: not a list of" },
	{ "[region r]\nsize = 16M\nmembers = a\n",
	  "p.ini:3: member \"a\" has no [vm]" },
	{ "[vm a]\nuser = self\n[region r]\nsize = 16M\nmembers = a a\n",
	  "p.ini:5: member \"a\" stands twice" },
	{ "[vm a]\nuser = self\n[region r]\nmembers = a\n",
	  "p.ini:3: [region r]: no size" },
	{ "[vm a]\nuser = self\n[region r]\nsize = 16M\n",
	  "p.ini:3: [region r]: no members" },
	{ "[vm a]\n[region r]\nsize = 16M\nmembers = a\n",
	  "p.ini:1: [vm a]: no user" },
	{ "[vm a]\nuser = self\n[region r]\nsize = 16M\nmembers = a\nmode = isolated\n",
	  "p.ini:3: [region r]: isolated means exactly two members, not 1" },
	{ "[vm a]\nuser = self\n[region r]\nsize = 64K\nmembers = a\n",
	  "p.ini:3: [region r]: size is too small" },
	{ "[vm a]\nuser = self\n[region r]\nsize = 16M\nring_min = 4K\nmembers = a\n",
	  "p.ini:3: [region r]: ring_min is below the granule" },
	{ BASE "[service cabin/c/x]\nclients = a\n",
	  "p.ini:8: [service cabin/c/x]: there is no [vm c]" },
	{ BASE "[service other/a/x]\nclients = b\n",
	  "p.ini:8: [service other/a/x]: there is no [region other]" },
	{ BASE "[service cabin/a/x]\nclients = c/y\n",
	  "p.ini:9: client \"c/y\": there is no [vm c]" },
	{ BASE "[service cabin/a/x]\nclients = b/\n",
	  "p.ini:9: client \"b/\" is not VM, VM/SERVICE or *" },
	{ BASE "[service cabin/a/x]\nclients = b/y/z\n",
	  "p.ini:9: client \"b/y/z\" is not" },
	{ BASE "[service cabin/a/x]\nclients = B\n",
	  "p.ini:9: client \"B\" is not" },
	{ BASE "[service cabin/a/x]\nclients = a/y\n",
	  "p.ini:8: [service cabin/a/x]: a VM cannot connect to itself" },
	{ BASE "[service cabin/a/x]\nclients = b\nsealed = yes\n",
	  "p.ini:10: sealed = yes: not required, allowed or never" },
	{ BASE
	  "[service cabin/a/x]\nclients = b\n[service cabin/a/x]\nclients = b\n",
	  "p.ini:" },
	{ BASE "[service cabin/a/x]\nclients = b\nring_max = 4K\n",
	  "p.ini:8: [service cabin/a/x]: ring_max is below the region's" },
	{ BASE "[service cabin/a/x]\nclients = b\nring_min = 1G\n",
	  "p.ini:8: [service cabin/a/x]: ring_min is above the region's" },
	{ BASE "[vm c]\nuser = self\n[service cabin/c/x]\nclients = a\n",
	  "p.ini:10: [service cabin/c/x]: c is not a member of cabin" },
	{ BASE "[vm c]\nuser = self\n[service cabin/a/x]\nclients = c\n",
	  "p.ini:10: [service cabin/a/x]: client VM c is not a member" },
	{ BASE
	  "[region v]\nmode = vanilla\nsize = 1M\nmembers = a\n[service v/a/x]\n"
	  "clients = b\n",
	  "p.ini:12: [service v/a/x]: region v is vanilla" },
	{ "[vm a]\nuser = self\nvectors = 1\n[vm b]\nuser = self\n[region r]\nsize = 16M\n"
	  "members = a b\n[service r/a/x]\nclients = b\n",
	  "p.ini:1: [vm a]: vectors = 1, but in region r it needs 2" },
	{ "[vm a]\nuser = self\nfds = 8\n[region r]\nsize = 16M\nmembers = a\n",
	  "p.ini:1: [vm a]: fds = 8, but its vectors and pairs take" },
	{ "[vm a]\nuser = self\nguaranteed = 64M\n[region r]\nsize = 16M\nmembers = a\n",
	  "p.ini:4: [region r]: its members' guaranteed memory does not fit" },
	{ "[vm a]\nuser = self\nguaranteed = 1000\n[region r]\nsize = 16M\nmembers = a\n",
	  "p.ini:1: [vm a]: guaranteed is not a multiple" },
};

static void test_bad(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct notes notes;
		struct policy *p = parse(bad[i].text, &notes);

		if (p || !notes.first_error ||
		    strncmp(notes.first_error, bad[i].error,
			    strlen(bad[i].error)) != 0)
			fail_msg("%s\ngave \"%s\"\nand not \"%s\"", bad[i].text,
				 notes.first_error ? notes.first_error :
						     "(no error)",
				 bad[i].error);
		notes_clear(&notes);
	}
}

/* All errors are reported, each with its own line. */
static void test_many_errors(void **state)
{
	struct notes notes;

	(void)state;
	assert_null(
		parse("[vm A]\nx = 1\n[vm b]\nfoo = 1\nvectors = x\n", &notes));
	assert_int_equal(notes.errors, 3);
	assert_non_null(strstr(notes.text, "p.ini:1:"));
	assert_non_null(strstr(notes.text, "p.ini:4:"));
	assert_non_null(strstr(notes.text, "p.ini:5:"));
	notes_clear(&notes);
}

static void test_values(void **state)
{
	struct policy *p = good(
		"\xef\xbb\xbf# comment \xc3\xa9\n; another\n"
		"[region cabin]\r\nsize = 64M ; inline\nmode = isolated\ngranule=4K\n"
		"members = a,\n\tb\nliveness = 500ms\nrekey = 2h\n"
		"suites = chachapoly\nring_max = 1M\nchannels = 10\n"
		"[vm a]\nuser = self\nvectors = 8\nguaranteed = 1M\nbytes = 8M\n"
		"[vm b]\nuser = qemu-a\n"
		"[service cabin/a/cam.front]\nclients = b/view-1, b/log\nsealed = required\n"
		"ring_min = 64K\nchannels = 3\n");
	const struct policy_region *r = policy_region(p, "cabin");
	const struct policy_vm *a = policy_vm(p, "a");
	const struct policy_service *s =
		policy_service(p, "cabin", "a", "cam.front");

	(void)state;
	assert_true(r->size == 64 << 20 && r->mode == POLICY_ISOLATED);
	assert_true(r->granule == 4096 && r->liveness_ms == 500);
	assert_true(r->rekey_s == 7200 && r->channels == 10);
	assert_true(r->suites == 1u << SIV_SUITE_CHACHAPOLY &&
		    r->ring_max == 1 << 20);
	assert_int_equal(r->member_count, 2);
	assert_true(a->self && a->uid == 1000 && a->vectors == 8);
	assert_true(a->guaranteed == 1 << 20 && a->bytes == 8 << 20);
	assert_true(policy_vm(p, "b")->uid == 64055 &&
		    policy_vm(p, "b")->vectors == 32);
	assert_non_null(s);
	assert_true(s->sealed == POLICY_SEALED_REQUIRED &&
		    s->ring_min == 64 << 10);
	assert_int_equal(s->channels, 3);
	assert_string_equal(s->rule, "service cabin/a/cam.front");
	assert_null(policy_region(p, "other"));
	assert_null(policy_service(p, "cabin", "b", "cam.front"));
	policy_free(p);
}

static void test_decides(void **state)
{
	struct policy *p = good(
		"[region r]\nsize=16M\nmembers=a b c d\n"
		"[vm a]\nuser=self\n[vm b]\nuser=self\n[vm c]\nuser=self\n[vm d]\nuser=self\n"
		"[service r/a/x]\nclients = b/one b/two c\n"
		"[service r/b/x]\nclients = */one\n"
		"[service r/a/y]\nclients = *\n[service r/c/none]\nclients =\n");
	const struct policy_service *s = policy_service(p, "r", "a", "x"),
				    *first;

	(void)state;
	assert_true(policy_allows(p, s, "b", "one"));
	assert_true(policy_allows(p, s, "b", "two"));
	assert_false(policy_allows(p, s, "b", "three"));
	assert_true(policy_allows(p, s, "c", "anything"));
	assert_false(policy_allows(p, s, "d", "one"));
	assert_int_equal(policy_offers(p, "r", "x", &first), 2);
	assert_true(first == s);
	assert_int_equal(policy_offers(p, "r", "z", &first), 0);
	assert_int_equal(policy_offers(p, "q", "x", &first), 0);
	s = policy_service(p, "r", "b", "x");
	assert_true(policy_allows(p, s, "d", "one"));
	assert_false(policy_allows(p, s, "d", "two"));
	/* a VM never to itself, even where a pattern would match */
	assert_false(policy_allows(p, s, "b", "one"));
	assert_false(policy_pair(p, "r", "a", "a"));
	assert_true(policy_pair(p, "r", "a", "d") &&
		    policy_pair(p, "r", "d", "a"));
	assert_true(policy_pair(p, "r", "c", "b"));
	policy_free(p);

	p = good(
		"[region r]\nsize=16M\nmembers=a b c\n[vm a]\nuser=self\n[vm b]\nuser=self\n"
		"[vm c]\nuser=self\n[service r/a/x]\nclients = b/one\n");
	assert_true(policy_pair(p, "r", "a", "b"));
	assert_false(policy_pair(p, "r", "a", "c"));
	assert_false(policy_pair(p, "r", "b", "c"));
	policy_free(p);
}

/* A line may be longer than inih's buffer if it is a list; titles may have full names. */
static void test_long_lines(void **state)
{
	char text[65536], name[SIV_NAME_LEN];
	size_t n = 0;
	struct policy *p;
	int i;

	(void)state;
	memset(name, 'n', SIV_NAME_MAX);
	name[SIV_NAME_MAX] = '\0';
	n += (size_t)sprintf(text + n,
			     "[region %s]\nsize = 64M\nmembers = ", name);
	for (i = 0; i < 200; i++)
		n += (size_t)sprintf(text + n, "%svm%03d", i ? "," : "", i);
	n += (size_t)sprintf(text + n, "\n");
	for (i = 0; i < 200; i++)
		n += (size_t)sprintf(text + n, "[vm vm%03d]\nuser = self\n", i);
	sprintf(text + n, "[service %s/vm000/%s]\nclients = vm001/%s vm002\n",
		name, name, name);
	p = good(text);
	assert_int_equal(policy_region(p, name)->member_count, 200);
	assert_true(policy_allows(p, policy_service(p, name, "vm000", name),
				  "vm001", name));
	policy_free(p);
}

static void test_warnings(void **state)
{
	struct notes notes;
	struct policy *p =
		parse("[region r]\nsize=16M\nmembers=a b\n[vm a]\nuser=7\n"
		      "[vm b]\nuser=7\n[service r/a/x]\nclients=\n",
		      &notes);

	(void)state;
	assert_non_null(p);
	assert_int_equal(notes.warnings, 2);
	assert_non_null(strstr(notes.text,
			       "p.ini:6: warning: [vm b]: same uid as [vm a]"));
	assert_non_null(strstr(notes.text, "no clients"));
	notes_clear(&notes);
	policy_free(p);
	p = parse(BASE, &notes);
	assert_non_null(strstr(
		notes.text, "user = self: VMs of one uid are not told apart"));
	notes_clear(&notes);
	policy_free(p);
}

/* Whatever the policy says, the header that comes of it is one that guests accept. */
static void test_layout(void **state)
{
	static const u64 sizes[] = { 1 << 20, 4 << 20, 16 << 20, 256 << 20,
				     (u64)4 << 30 };
	static const u32 granules[] = { 4096, 16384, 65536 };
	static const u32 members[] = { 1, 2, 3, 64 };
	u8 epoch[SIV_EPOCH_LEN] = { 1 };
	unsigned int i, j, k, fit = 0;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (j = 0; j < ARRAY_SIZE(granules); j++)
			for (k = 0; k < ARRAY_SIZE(members); k++) {
				struct policy_region r = {
					.size = sizes[i],
					.granule = granules[j],
					.member_count = members[k],
					.suites = 6
				};
				struct siv_region_header h;
				struct siv_geometry g, seen;

				if (layout_plan(&r, &g))
					continue;
				layout_header(&g, "cabin", epoch, SIV_CERT_MAX,
					      &h);
				assert_int_equal(siv_header_check(&h, r.size,
								  4096, &seen),
						 SIV_OK);
				assert_memory_equal(&g, &seen, sizeof(g));
				fit++;
			}
	assert_true(fit > 40);
	assert_int_equal(layout_extent(4096, 4096), 8192);
	assert_int_equal(layout_extent(4096, 65536), 131072);
}

/* Whatever is in the file: a policy or an error, and nothing worse. */
static void test_mutations(void **state)
{
	static const char text[] =
		"# c\n[region cabin]\nsize = 16M\nmode=isolated\ngranule=4K\n"
		"members = a,\n b\nliveness = 5s\nsuites = chachapoly aesgcm\n"
		"[vm a]\nuser = self\nvectors = 8\nguaranteed = 1M\n"
		"[vm b]\nuser = qemu-a\nbytes = 8M\n"
		"[service cabin/a/x.y]\nclients = b/c, b/*\nsealed = required\n";
	static const char bytes[] = "[]=/,*; \n\r\t\0#ab019KMG-.\x80";
	char copy[2 * sizeof(text)];
	unsigned int i, k, n, good_ones = 0;
	u32 rnd = 1;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct notes notes = { 0 };
		struct policy *p;

		memcpy(copy, text, sizeof(text));
		n = sizeof(text) - 1;
		for (k = 0; k < 1 + i % 5; k++) {
			u32 at, what;

			rnd = rnd * 1664525 + 1013904223;
			at = (rnd >> 8) % n;
			what = rnd >> 28;
			if (what < 4 && n > 1) {
				memmove(copy + at, copy + at + 1, n - at - 1);
				n--;
			} else if (what < 8 && n + 1 < sizeof(copy)) {
				memmove(copy + at + 1, copy + at, n - at);
				copy[at] = bytes[rnd % (sizeof(bytes) - 1)];
				n++;
			} else {
				copy[at] = bytes[rnd % (sizeof(bytes) - 1)];
			}
		}
		p = policy_parse("p.ini", copy, n, uid_of, NULL, 1000, &notes);
		assert_true(!p == (notes.errors > 0));
		good_ones += p ? 1 : 0;
		policy_free(p);
		notes_clear(&notes);
	}
	assert_in_range(good_ones, 1, 19999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_decides),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
