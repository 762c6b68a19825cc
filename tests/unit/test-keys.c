// SPDX-License-Identifier: GPL-2.0-only
/*
 * sivshmem-keys issues what the core's profile takes; its files have the modes they must
 * have; nothing is overwritten; and every refusal leaves the state as it was, with exit
 * status 1, or 2 for a command line.
 *
 *   test-keys PATH-OF-SIVSHMEM-KEYS
 */
#define _GNU_SOURCE
#include "keysrun.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void ca_files_have_their_modes(void **state)
{
	uint8_t text[28], der[8192];
	struct siv_cert c;

	(void)state;
	umask(0);
	GOOD("init-ca", "--name", "A CA of ours");
	umask(022);
	assert_int_equal(keys_mode("sivshmem-ca"), 0700);
	assert_int_equal(keys_mode("sivshmem-ca/ca.key"), 0600);
	assert_int_equal(keys_mode("sivshmem-ca/index"), 0600);
	assert_int_equal(keys_mode("sivshmem-ca/lock"), 0600);
	assert_int_equal(keys_mode("sivshmem-ca/challenges"), 0700);
	assert_int_equal(keys_mode("sivshmem-ca/ca.crt"), 0644);
	assert_int_equal(keys_mode("sivshmem-ca/ca.der"), 0644);
	assert_int_equal(keys_get("sivshmem-ca/ca.key", text, 28), 28);
	assert_memory_equal(text, "-----BEGIN PRIVATE KEY-----\n", 28);
	GOOD("issue", "r/v/s", "--out", "b");
	keys_cert("b", "sivshmem-ca/ca.crt", der, &c);
	keys_cert("b", "sivshmem-ca/ca.der", der, &c);

	REFUSED("there is a CA here", "init-ca");
	assert_int_equal(mkdir("open", 0755), 0);
	REFUSED("open to others", "init-ca", "--dir", "open");
	assert_int_equal(mkdir("own", 0700), 0);
	keys_new_ca("own");
	REFUSED("No such file", "init-ca", "--dir", "none/ca");
	assert_int_equal(chmod("own", 0750), 0);
	REFUSED("open to others", "list", "--dir", "own");
	REFUSED("no CA here", "list", "--dir", ".");
}

static void ca_certificates_are_right(void **state)
{
	static const struct {
		const char *name, *type;
		int bits;
		long days;
	} k[] = { { "rsa3072", "RSA", 3072, 3650 },
		  { "rsa4096", "RSA", 4096, 3650 },
		  { "p256", "EC", 256, 100 },
		  { "p384", "EC", 384, 100 } };
	char path[64], days[8];
	const ASN1_TIME *end;
	const uint8_t *p;
	uint8_t der[8192];
	int left, secs;
	size_t i, n;
	X509 *x;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(k); i++) {
		snprintf(days, sizeof(days), "%ld", k[i].days);
		GOOD("init-ca", "--dir", k[i].name, "--algorithm", k[i].name,
		     "--days", days, "--name", "Z\xc3\xbcrich");
		snprintf(path, sizeof(path), "%s/ca.der", k[i].name);
		n = keys_get(path, der, sizeof(der));
		p = der;
		x = d2i_X509(NULL, &p, (long)n);
		assert_non_null(x);
		assert_true(EVP_PKEY_is_a(X509_get0_pubkey(x), k[i].type));
		assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(x)),
				 k[i].bits);
		assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
		assert_int_equal(X509_check_ca(x), 1);
		assert_int_equal(X509_get_pathlen(x), 0);
		assert_int_equal(X509_get_key_usage(x),
				 KU_KEY_CERT_SIGN | KU_CRL_SIGN);
		end = X509_get0_notAfter(x);
		assert_true(ASN1_TIME_diff(&left, &secs, NULL, end));
		assert_in_range(left, k[i].days - 1, k[i].days);
		X509_free(x);
		snprintf(path, sizeof(path), "%s.bundle", k[i].name);
		GOOD("issue", "r/v/s", "--dir", k[i].name, "--out", path);
	}
	WRONG("not rsa3072", "init-ca", "--dir", "x", "--algorithm", "rsa2048");
	WRONG("1 to 64", "init-ca", "--dir", "x", "--name", "");
	WRONG("not a number", "init-ca", "--dir", "x", "--days", "0");
	WRONG("not a number", "init-ca", "--dir", "x", "--days", "9x");
	WRONG("exclude", "init-ca", "--dir", "x", "--days", "9", "--not-after",
	      "2030-01-01");
	WRONG("before it begins", "init-ca", "--dir", "x", "--not-after",
	      "2020-01-01");
	assert_false(keys_exists("x"));
}

static void a_bundle_is_what_the_driver_takes(void **state)
{
	uint8_t der[8192], index[8192], again[8192];
	struct siv_cert c;
	int64_t left;
	size_t n;

	(void)state;
	keys_new_ca("ca");
	GOOD("issue", "demo/alice/camera.front", "--dir", "ca", "--out", "b");
	assert_int_equal(keys_mode("b"), 0600);
	keys_cert("b", "ca/ca.crt", der, &c);
	assert_int_equal(c.role, SIV_CERT_ENDPOINT);
	assert_true(keys_says(c.region, "demo") && keys_says(c.vm, "alice") &&
		    keys_says(c.service, "camera.front"));
	assert_int_equal(c.serial.n, 16);
	assert_int_equal(c.akid.n, 20);
	assert_int_equal(c.skid.n, 20);
	left = c.not_after - time(NULL);
	assert_true(left > 364 * 86400 && left <= 365 * 86400);
	assert_true(c.not_before <= time(NULL) - 299);

	n = keys_get("ca/index", index, sizeof(index));
	REFUSED("has this name", "issue", "demo/alice/camera.front", "--dir",
		"ca", "--out", "b2");
	assert_false(keys_exists("b2"));
	REFUSED("never overwritten", "issue", "demo/alice/other", "--dir", "ca",
		"--out", "b");
	REFUSED("its directory", "issue", "demo/alice/other", "--dir", "ca",
		"--out", "none/b");
	assert_int_equal(symlink("nowhere", "link"), 0);
	REFUSED("never overwritten", "issue", "demo/alice/other", "--dir", "ca",
		"--out", "link");
	assert_int_equal(keys_get("ca/index", again, sizeof(again)), n);
	assert_memory_equal(index, again, n);

	GOOD("issue", "demo/alice/other", "--dir", "ca");
	assert_int_equal(keys_mode("demo.alice.other.bundle"), 0600);
}

static void names_and_dates_are_checked(void **state)
{
	static const char *const names[] = {
		"demo",	  "demo/alice",	    "demo/alice/a/b", "demo//a",
		"/a/b",	  "demo/alice/",    "Demo/alice/a",   "demo/.host/a",
		"",	  "demo/ali ce/a",  "demo/alice/a\n", "demo/-a/b",
		"d/v/..", "demo/alice/\xe9"
	};
	uint8_t der[8192];
	struct siv_cert c;
	size_t i;

	(void)state;
	keys_new_ca("ca");
	for (i = 0; i < ARRAY_SIZE(names); i++)
		WRONG("not", "issue", names[i], "--dir", "ca", "--out", "b");
	WRONG("not REGION", "host", "demo/alice/a", "--dir", "ca");
	assert_false(keys_exists("b"));

	GOOD("issue", "r/v/s", "--dir", "ca", "--out", "b", "--not-before",
	     "2020-02-29", "--not-after", "2027-03-01T12:34:56Z");
	keys_cert("b", "ca/ca.crt", der, &c);
	assert_true(c.not_before == 1582934400 && c.not_after == 1803904496);
	REFUSED("outlive the CA", "issue", "r/v/t", "--dir", "ca", "--out", "c",
		"--days", "4000");
	REFUSED("outlive the CA", "issue", "r/v/t", "--dir", "ca", "--out", "c",
		"--not-after", "2050-01-01");
	WRONG("not a time", "issue", "r/v/t", "--dir", "ca", "--not-after",
	      "2027-02-30");
	WRONG("not a time", "issue", "r/v/t", "--dir", "ca", "--not-after",
	      "10000-01-01");
	WRONG("not a time", "issue", "r/v/t", "--dir", "ca", "--not-after",
	      "2027-1-1");
	WRONG("before it begins", "issue", "r/v/t", "--dir", "ca",
	      "--not-after", "2026-01-01");
	/* a CA that ends in 2060: dates of the other kind */
	GOOD("init-ca", "--dir", "long", "--algorithm", "p256", "--not-after",
	     "2060-01-01");
	GOOD("issue", "r/v/s", "--dir", "long", "--out", "d", "--not-after",
	     "2050-01-01");
	keys_cert("d", "long/ca.crt", der, &c);
	assert_true(c.not_after == 2524608000);
	/* a short CA shortens what has the default length */
	GOOD("init-ca", "--dir", "short", "--algorithm", "p256", "--days", "3");
	GOOD("issue", "r/v/s", "--dir", "short", "--out", "e");
	keys_cert("e", "short/ca.crt", der, &c);
	assert_true(c.not_after < time(NULL) + 4 * 86400);
}

static void a_host_gets_pem(void **state)
{
	uint8_t der[8192], pub[32];
	struct siv_cert c;
	size_t n = 32;
	EVP_PKEY *key;
	FILE *f;

	(void)state;
	keys_new_ca("ca");
	GOOD("host", "demo", "--dir", "ca", "--out", "host");
	assert_int_equal(keys_mode("host.key"), 0600);
	assert_int_equal(keys_mode("host.crt"), 0644);
	keys_cert("host.crt", "ca/ca.crt", der, &c);
	assert_int_equal(c.role, SIV_CERT_HOST);
	assert_true(keys_says(c.region, "demo") && !c.vm.n && !c.service.n);
	f = fopen("host.key", "re");
	assert_non_null(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	assert_non_null(key);
	assert_true(EVP_PKEY_get_raw_public_key(key, pub, &n));
	EVP_PKEY_free(key);
	assert_memory_equal(pub, c.pub, 32);
	REFUSED("has this name", "host", "demo", "--dir", "ca");
	assert_false(keys_exists("demo.key"));
	/* no half of a pair is left when the other name is taken */
	keys_put("two.crt", "x", 1);
	REFUSED("never overwritten", "host", "two", "--dir", "ca", "--out",
		"two");
	assert_false(keys_exists("two.key"));
}

/* What a guest's kernel does with "new" and a challenge (cert.h). */
static void kernel_answer(const uint8_t priv[32], const uint8_t challenge[32],
			  uint8_t answer[76])
{
	uint8_t pub[32], z[32];

	assert_int_equal(siv_x25519_base(pub, priv), SIV_OK);
	assert_int_equal(siv_x25519(z, priv, challenge), SIV_OK);
	siv_spki_put(answer, pub);
	siv_key_proof(answer + 44, z, challenge, pub);
}

/* Challenge and answer of one key; the answer in the file "answer". */
static void answer_with(const uint8_t priv[32], const char *challenge_file,
			uint8_t answer[76])
{
	uint8_t challenge[32];

	assert_int_equal(keys_get(challenge_file, challenge, 32), 32);
	kernel_answer(priv, challenge, answer);
	keys_put("answer", answer, 76);
}

#define SIGN(name) "sign", name, "--dir", "ca", "--in", "answer", "--out", "crt"

static void a_wrong_proof_is_refused(void **state)
{
	static const size_t bytes[] = { 0, 11, 12, 42, 43, 44, 60, 75 };
	uint8_t priv[32], other[32], answer[77] = { 0 }, wrong[76];
	size_t i;

	(void)state;
	assert_int_equal(siv_random(priv, 32), 0);
	assert_int_equal(siv_random(other, 32), 0);
	keys_new_ca("ca");
	GOOD("challenge", "demo/bob/y", "--dir", "ca", "--out", "c2");
	answer_with(priv, "c2", answer);
	REFUSED("no challenge", SIGN("demo/bob/x"));
	GOOD("challenge", "demo/bob/x", "--dir", "ca", "--out", "c");
	/* of another challenge */
	REFUSED("is wrong", SIGN("demo/bob/x"));
	answer_with(priv, "c", answer);
	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		memcpy(wrong, answer, 76);
		wrong[bytes[i]] ^= 1;
		keys_put("answer", wrong, 76);
		REFUSED("answer: ", SIGN("demo/bob/x"));
	}
	/* of another key */
	answer_with(other, "c", wrong);
	memcpy(wrong, answer, 44);
	keys_put("answer", wrong, 76);
	REFUSED("is wrong", SIGN("demo/bob/x"));
	keys_put("answer", answer, 44);
	REFUSED("without a proof", SIGN("demo/bob/x"));
	keys_put("answer", answer, 75);
	REFUSED("75 bytes", SIGN("demo/bob/x"));
	keys_put("answer", answer, 77);
	REFUSED("77 bytes", SIGN("demo/bob/x"));
	/* a point of low order, and one that is not canonical */
	memset(answer + 12, 0, 64);
	keys_put("answer", answer, 76);
	REFUSED("low order", SIGN("demo/bob/x"));
	memset(answer + 12, 0xff, 32);
	keys_put("answer", answer, 76);
	REFUSED("not canonical", SIGN("demo/bob/x"));
	assert_false(keys_exists("crt"));
	GOOD("list", "--dir", "ca");
	assert_string_equal(keys_said, "");
	/* and after all that the right one is taken */
	answer_with(priv, "c", answer);
	GOOD(SIGN("demo/bob/x"));
}

static void a_kernel_key_is_signed_after_its_proof(void **state)
{
	uint8_t priv[32], challenge[33], again[33], answer[76], der[8192];
	struct siv_cert c;

	(void)state;
	assert_int_equal(siv_random(priv, 32), 0);
	keys_new_ca("ca");
	GOOD("challenge", "demo/bob/x", "--dir", "ca", "--out", "c");
	assert_int_equal(keys_get("c", challenge, 33), 32);
	assert_int_equal(keys_mode("ca/challenges/demo,bob,x"), 0600);
	REFUSED("never overwritten", "challenge", "demo/bob/x", "--dir", "ca",
		"--out", "c");
	/* the pending one, again */
	GOOD("challenge", "demo/bob/x", "--dir", "ca", "--out", "c2");
	assert_int_equal(keys_get("c2", again, 33), 32);
	assert_memory_equal(challenge, again, 32);

	answer_with(priv, "c", answer);
	GOOD(SIGN("demo/bob/x"));
	assert_int_equal(keys_mode("crt"), 0644);
	keys_cert("crt", "ca/ca.crt", der, &c);
	assert_memory_equal(c.pub, answer + 12, 32);
	assert_true(keys_says(c.service, "x"));
	assert_false(keys_exists("ca/challenges/demo,bob,x"));
	REFUSED("no challenge", SIGN("demo/bob/x"));
	WRONG("--in FILE", "sign", "demo/bob/x", "--dir", "ca");
	WRONG("--out FILE", "challenge", "demo/bob/x", "--dir", "ca");
}

static void one_key_has_one_name(void **state)
{
	uint8_t priv[32], answer[76], der[8192];
	struct siv_cert c;
	char serial[41];

	(void)state;
	assert_int_equal(siv_random(priv, 32), 0);
	keys_new_ca("ca");
	GOOD("challenge", "demo/bob/x", "--dir", "ca", "--out", "c1");
	answer_with(priv, "c1", answer);
	GOOD(SIGN("demo/bob/x"));
	keys_cert("crt", "ca/ca.crt", der, &c);
	assert_int_equal(remove("crt"), 0);
	/* the same key under another name */
	GOOD("challenge", "demo/eve/x", "--dir", "ca", "--out", "c2");
	answer_with(priv, "c2", answer);
	REFUSED("carries this public key", SIGN("demo/eve/x"));
	/* under the same name: that is what renew is for */
	GOOD("challenge", "demo/bob/x", "--dir", "ca", "--out", "c3");
	answer_with(priv, "c3", answer);
	REFUSED("has this name", SIGN("demo/bob/x"));
	/* a revoked key never comes back */
	GOOD("revoke", keys_serial(&c, serial), "--dir", "ca");
	REFUSED("was revoked", SIGN("demo/bob/x"));
	answer_with(priv, "c2", answer);
	REFUSED("was revoked", SIGN("demo/eve/x"));
	assert_false(keys_exists("crt"));
}

static void command_lines_are_checked(void **state)
{
	static const char *const commands[] = {
		"init-ca", "issue",  "challenge", "sign", "host",
		"renew",   "list",   "revoke",	  "crl",  "bundle",
		"show",	   "verify", "load",
	};
	size_t i;

	(void)state;
	GOOD("--help");
	assert_int_equal(keys_run((const char *const[]){ keys_tool, NULL }), 2);
	WRONG("unknown command", "frobnicate");
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		EXPECT(0, "Usage: sivshmem-keys", commands[i], "--help");
		WRONG("unknown option --nonsense", commands[i], "--nonsense");
	}
	WRONG("--out needs a value", "issue", "r/v/s", "--out");
	WRONG("too few", "issue");
	WRONG("one argument too many", "issue", "r/v/s", "r/v/t");
	WRONG("unknown option --json", "issue", "r/v/s", "--json");
	WRONG("nothing to do", "load");
	WRONG("--cert, --key and --out", "bundle", "--cert", "x");
	WRONG("--out FILE", "crl");
	WRONG("only with --new-key", "renew", "r/v/s", "--revoke-old");
	WRONG("only with --encrypt", "init-ca", "--passphrase-file", "x");
}

static void a_passphrase_protects_the_ca(void **state)
{
	uint8_t text[4096], der[8192];
	struct siv_cert c;
	size_t n;

	(void)state;
	keys_put("pass", "correct horse\nsecond line", 25);
	keys_put("bad", "correct mare\n", 13);
	keys_put("short", "seven77\n", 8);
	keys_put("none", "\n", 1);
	REFUSED("at least 8", "init-ca", "--encrypt", "--passphrase-file",
		"short", "--dir", "ca");
	REFUSED("no passphrase", "init-ca", "--encrypt", "--passphrase-file",
		"none", "--dir", "ca");
	REFUSED("absent", "init-ca", "--encrypt", "--passphrase-file", "absent",
		"--dir", "ca");
	assert_false(keys_exists("ca"));
	GOOD("init-ca", "--encrypt", "--passphrase-file", "pass", "--dir", "ca",
	     "--algorithm", "p256");
	n = keys_get("ca/ca.key", text, sizeof(text) - 1);
	text[n] = 0;
	assert_non_null(strstr((char *)text, "BEGIN ENCRYPTED PRIVATE KEY"));
	REFUSED("cannot read the private key", "issue", "r/v/s", "--dir", "ca",
		"--passphrase-file", "bad");
	GOOD("issue", "r/v/s", "--dir", "ca", "--passphrase-file", "pass",
	     "--out", "b");
	keys_cert("b", "ca/ca.crt", der, &c);
	/* what needs no signature needs no passphrase */
	GOOD("list", "--dir", "ca");
	GOOD("revoke", "r/v/s", "--dir", "ca");
	REFUSED("cannot read the private key", "crl", "--dir", "ca", "--out",
		"crl", "--passphrase-file", "bad");
	GOOD("crl", "--dir", "ca", "--out", "crl", "--passphrase-file", "pass");
}

static void many_at_once_take_turns(void **state)
{
	enum {
		MANY = 8
	};
	char name[32], out[32], *p;
	const char *argv[8] = { keys_tool, "issue", name, "--dir",
				"ca",	   "--out", out,  NULL };
	int i, lines = 0, fd, log;
	pid_t pid[MANY];

	(void)state;
	keys_new_ca("ca");
	log = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(log >= 0);
	fd = open("ca/lock", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && !flock(fd, LOCK_EX));
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "r/v/s%d", i);
		snprintf(out, sizeof(out), "b%d", i);
		pid[i] = keys_start(log, argv);
	}
	usleep(300000);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(waitpid(pid[i], NULL, WNOHANG), 0);
		snprintf(out, sizeof(out), "b%d", i);
		assert_false(keys_exists(out));
	}
	close(fd);
	for (i = 0; i < MANY; i++)
		assert_int_equal(keys_finish(pid[i]), 0);
	close(log);
	GOOD("list", "--dir", "ca", "--live");
	for (p = keys_said; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, MANY);
}

static void a_damaged_index_is_told(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "index:0: wrong length" },
		{ "something else\n", "index:1: wrong first line" },
		{ "sivshmem-keys index 1\n", "wrong length" },
		{ "sivshmem-keys index 2\ncrl-number 0\n", "index:1: " },
		{ "sivshmem-keys index 1\ncrl-number x\n", "index:2: " },
		{ "sivshmem-keys index 1\ncrl-number 0\nshort line\n",
		  "index:3: wrong number of columns" },
		{ "sivshmem-keys index 1\ncrl-number 0\n\n", "index:3: " },
		{ "sivshmem-keys index 1\ncrl-number 0\n"
		  "01 nobody r/v/s 2026-01-01T00:00:00Z 2026-01-01T00:00:00Z 00 - -\n",
		  "index:3: wrong role" },
		{ "sivshmem-keys index 1\ncrl-number 0\n"
		  "01 host r 2026-01-01T00:00:00Z 2026-13-01T00:00:00Z 00 - -\n",
		  "index:3: wrong date" },
		{ "sivshmem-keys index 1\ncrl-number 0\n"
		  "01 host r 2026-01-01T00:00:00Z 2026-12-01T00:00:00Z 00 - -\n",
		  "index:3: wrong public key" },
	};
	size_t i;

	(void)state;
	keys_new_ca("ca");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		keys_put("ca/index", cases[i].text, strlen(cases[i].text));
		REFUSED(cases[i].why, "list", "--dir", "ca");
	}
}

int main(int argc, char **argv)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, keys_setup, keys_teardown)
	const struct CMUnitTest tests[] = {
		TEST(ca_files_have_their_modes),
		TEST(ca_certificates_are_right),
		TEST(a_bundle_is_what_the_driver_takes),
		TEST(names_and_dates_are_checked),
		TEST(a_host_gets_pem),
		TEST(a_wrong_proof_is_refused),
		TEST(a_kernel_key_is_signed_after_its_proof),
		TEST(one_key_has_one_name),
		TEST(command_lines_are_checked),
		TEST(a_passphrase_protects_the_ca),
		TEST(many_at_once_take_turns),
		TEST(a_damaged_index_is_told),
	};
	int err = keys_main(argc, argv);

	return err ? err :
		     cmocka_run_group_tests_name("sivshmem-keys", tests, NULL,
						 NULL);
}
