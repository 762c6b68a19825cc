// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to certificates after sivshmem-keys issued them: listed, renewed, revoked,
 * put on a CRL that OpenSSL takes, shown, judged, loaded by keyctl. And the commands that
 * keys.rst gives for openssl and keyctl alone make what the core's profile takes.
 *
 *   test-keys-life PATH-OF-SIVSHMEM-KEYS PATH-OF-keys.rst
 */
#define _GNU_SOURCE
#include "keysrun.h"

#include <errno.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char rst[PATH_MAX];

static bool said(const char *text)
{
	return strstr(keys_said, text);
}

static void a_list_tells_all(void **state)
{
	uint8_t der[8192];
	struct siv_cert c;
	char serial[41], text[96];

	(void)state;
	keys_new_ca("ca");
	setenv("SIVSHMEM_KEYS_DIR", "ca", 1);
	GOOD("list", "--json");
	assert_string_equal(keys_said,
			    "{\"crl_number\": 0, \"certificates\": []}\n");
	GOOD("issue", "r/v/s", "--out", "b");
	GOOD("host", "r");
	GOOD("issue", "r/v/old", "--not-before", "2020-01-01", "--not-after",
	     "2020-12-31", "--out", "old");
	GOOD("revoke", "r", "--reason", "superseded");
	keys_cert("b", "ca/ca.crt", der, &c);
	GOOD("list");
	snprintf(text, sizeof(text), "live     %s ", keys_serial(&c, serial));
	assert_true(said(text) && said("  r/v/s\n"));
	assert_true(said("expired ") &&
		    said("2020-12-31T00:00:00Z  r/v/old\n"));
	assert_true(said("revoked ") && said("  r (host): superseded\n"));
	GOOD("list", "--live");
	assert_true(said("r/v/s") && !said("expired") && !said("revoked"));
	GOOD("list", "--json");
	assert_true(said("\"name\": \"r/v/old\"") &&
		    said("\"state\": \"expired\"") &&
		    said("\"reason\": \"superseded\"") &&
		    said("\"role\": \"host\""));
	unsetenv("SIVSHMEM_KEYS_DIR");
	/* a name whose certificate has expired may be issued again */
	GOOD("issue", "r/v/old", "--dir", "ca", "--out", "again");
}

static void a_renewal_keeps_the_key(void **state)
{
	uint8_t der[8192], der2[8192], der3[8192];
	struct siv_cert c, c2, c3;
	char serial[41];

	(void)state;
	keys_new_ca("ca");
	GOOD("issue", "r/v/s", "--dir", "ca", "--out", "b", "--days", "10");
	keys_cert("b", "ca/ca.crt", der, &c);
	GOOD("renew", "r/v/s", "--dir", "ca", "--out", "crt");
	keys_cert("crt", "ca/ca.crt", der2, &c2);
	assert_int_equal(keys_mode("crt"), 0644);
	assert_memory_equal(c.pub, c2.pub, 32);
	assert_true(c2.not_after > c.not_after + 300 * 86400);
	assert_memory_not_equal(c.serial.p, c2.serial.p, 16);
	assert_int_equal(c2.der.n, keys_get("crt", der3, sizeof(der3)));
	REFUSED("never overwritten", "renew", "r/v/s", "--dir", "ca", "--out",
		"crt");
	GOOD("renew", "r/v/s", "--dir", "ca");
	assert_true(keys_exists("r.v.s.crt"));

	GOOD("renew", keys_serial(&c, serial), "--dir", "ca", "--new-key",
	     "--revoke-old", "--out", "b2");
	assert_int_equal(keys_mode("b2"), 0600);
	keys_cert("b2", "ca/ca.crt", der3, &c3);
	assert_memory_not_equal(c.pub, c3.pub, 32);
	REFUSED("is revoked", "renew", serial, "--dir", "ca", "--out", "x");
	REFUSED("to renew", "renew", "r/v/t", "--dir", "ca", "--out", "x");
	/* the first key is revoked, whichever certificate says so */
	REFUSED("was revoked", "renew", keys_serial(&c2, serial), "--dir", "ca",
		"--out", "x");

	GOOD("host", "r", "--dir", "ca", "--out", "h");
	GOOD("renew", "r", "--dir", "ca", "--out", "h2.crt");
	keys_cert("h.crt", "ca/ca.crt", der, &c);
	keys_cert("h2.crt", "ca/ca.crt", der2, &c2);
	assert_memory_equal(c.pub, c2.pub, 32);
	assert_int_equal(keys_get("h2.crt", der3, 10), 10);
	assert_memory_equal(der3, "-----BEGIN", 10);
	GOOD("renew", "r", "--dir", "ca", "--new-key", "--out", "h3");
	assert_int_equal(keys_mode("h3.key"), 0600);
	assert_false(keys_exists("x"));
}

static X509_CRL *crl_of(const char *path, const char *ca, uint64_t *number)
{
	FILE *f = fopen(path, "re"), *g = fopen(ca, "re");
	ASN1_INTEGER *n;
	X509_CRL *crl;
	X509 *x;

	assert_true(f && g);
	crl = PEM_read_X509_CRL(f, NULL, NULL, NULL);
	x = PEM_read_X509(g, NULL, NULL, NULL);
	fclose(f);
	fclose(g);
	assert_true(crl && x);
	assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(x)), 1);
	assert_int_equal(X509_NAME_cmp(X509_CRL_get_issuer(crl),
				       X509_get_subject_name(x)),
			 0);
	assert_int_equal(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
	n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	assert_true(n && ASN1_INTEGER_get_uint64(number, n));
	ASN1_INTEGER_free(n);
	X509_free(x);
	return crl;
}

static void a_crl_names_the_revoked(void **state)
{
	uint8_t der[8192];
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	X509_REVOKED *entry;
	uint64_t number;
	struct siv_cert c;
	X509_CRL *crl;
	char hex[41];

	(void)state;
	GOOD("init-ca", "--dir", "ca");
	GOOD("issue", "r/v/a", "--dir", "ca", "--out", "a");
	GOOD("issue", "r/v/b", "--dir", "ca", "--out", "b");
	GOOD("crl", "--dir", "ca", "--out", "crl");
	crl = crl_of("crl", "ca/ca.crt", &number);
	assert_int_equal(number, 1);
	assert_null(X509_CRL_get_REVOKED(crl));
	X509_CRL_free(crl);
	assert_int_equal(keys_mode("crl"), 0644);
	GOOD("verify", "a", "--ca", "ca/ca.crt", "--crl", "crl");

	keys_cert("a", "ca/ca.crt", der, &c);
	GOOD("revoke", keys_serial(&c, hex), "--dir", "ca", "--reason",
	     "keyCompromise");
	REFUSED("revoked already", "revoke", hex, "--dir", "ca");
	REFUSED("no live certificate", "revoke", "r/v/a", "--dir", "ca");
	REFUSED("no live certificate", "revoke", "r/v/z", "--dir", "ca");
	WRONG("--reason bad", "revoke", "r/v/b", "--dir", "ca", "--reason",
	      "bad");
	REFUSED("never overwritten", "crl", "--dir", "ca", "--out", "crl");
	GOOD("crl", "--dir", "ca", "--out", "crl", "--replace", "--days", "7");
	crl = crl_of("crl", "ca/ca.crt", &number);
	assert_int_equal(number, 2);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 1);
	assert_true(ASN1_STRING_set(serial, c.serial.p, (int)c.serial.n));
	assert_int_equal(X509_CRL_get0_by_serial(crl, &entry, serial), 1);
	X509_CRL_free(crl);
	ASN1_INTEGER_free(serial);

	REFUSED("is revoked", "verify", "a", "--ca", "ca/ca.crt", "--crl",
		"crl");
	GOOD("verify", "b", "--ca", "ca/ca.crt", "--crl", "crl");
	REFUSED("out of date", "verify", "b", "--ca", "ca/ca.crt", "--crl",
		"crl", "--at", "2027-08-01");
	/* all of a name, several at once */
	GOOD("renew", "r/v/b", "--dir", "ca", "--out", "b2");
	GOOD("issue", "r/v/c", "--dir", "ca", "--out", "c");
	GOOD("revoke", "r/v/b", "r/v/c", "--dir", "ca");
	GOOD("list", "--dir", "ca", "--live");
	assert_string_equal(keys_said, "");
	GOOD("crl", "--dir", "ca", "--out", "crl3");
	crl = crl_of("crl3", "ca/ca.crt", &number);
	assert_int_equal(number, 3);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 4);
	X509_CRL_free(crl);
}

static void verify_judges_as_the_driver(void **state)
{
	(void)state;
	keys_new_ca("ca");
	keys_new_ca("evil");
	GOOD("issue", "r/v/s", "--dir", "ca", "--out", "b", "--not-before",
	     "2026-01-01", "--not-after", "2030-01-01");
	GOOD("issue", "r/v/s", "--dir", "evil", "--out", "e");
	GOOD("verify", "b", "--dir", "ca");
	assert_true(said("good: r/v/s, with its private key"));
	REFUSED("no trust anchor", "verify", "e", "--dir", "ca");
	REFUSED("not yet valid", "verify", "b", "--dir", "ca", "--at",
		"2025-12-31T23:59:59Z");
	GOOD("verify", "b", "--dir", "ca", "--at", "2026-01-01");
	GOOD("verify", "b", "--dir", "ca", "--at", "2030-01-01");
	REFUSED("has expired", "verify", "b", "--dir", "ca", "--at",
		"2030-01-01T00:00:01Z");
	GOOD("crl", "--dir", "evil", "--out", "crl");
	REFUSED("not signed by this CA", "verify", "b", "--dir", "ca", "--crl",
		"crl");
}

static void a_wrong_bundle_is_told(void **state)
{
	uint8_t b[8192], other[8192];
	size_t n, m;

	(void)state;
	keys_new_ca("ca");
	GOOD("issue", "r/v/s", "--dir", "ca", "--out", "b");
	GOOD("issue", "r/v/t", "--dir", "ca", "--out", "t");
	n = keys_get("b", b, sizeof(b));
	m = keys_get("t", other, sizeof(other));
	memcpy(b + n - 32, other + m - 32, 32);
	keys_put("x", b, n);
	REFUSED("does not match", "show", "x");
	keys_put("x", b, n - 1);
	REFUSED("runs past the end", "show", "x");
	b[n] = 0;
	keys_put("x", b, n + 1);
	REFUSED("bytes follow", "show", "x");
	b[n - 33] ^= 1;
	keys_put("x", b, n);
	REFUSED("PKCS#8", "show", "x");
	keys_put("x", "hello", 5);
	REFUSED("neither a PEM nor a DER", "show", "x");
	keys_put("x", "", 0);
	REFUSED("neither a PEM nor a DER", "show", "x");
	REFUSED("not X25519", "show", "ca/ca.crt");
	REFUSED("No such file", "show", "absent");
	GOOD("show", "b");
	assert_true(said("private_key matches"));
	GOOD("show", "b", "--json");
	assert_true(said("\"private_key\": \"matches\"}"));
}

static void bundles_are_made_of_files(void **state)
{
	uint8_t der[8192];
	struct siv_cert c;

	(void)state;
	keys_new_ca("ca");
	GOOD("host", "r", "--dir", "ca");
	GOOD("host", "q", "--dir", "ca");
	GOOD("bundle", "--cert", "r.crt", "--key", "r.key", "--out", "b");
	assert_int_equal(keys_mode("b"), 0600);
	keys_cert("b", "ca/ca.crt", der, &c);
	REFUSED("does not match", "bundle", "--cert", "r.crt", "--key", "q.key",
		"--out", "x");
	REFUSED("not X25519", "bundle", "--cert", "ca/ca.crt", "--key", "q.key",
		"--out", "x");
	REFUSED("PKCS#8", "bundle", "--cert", "r.crt", "--key", "ca/ca.key",
		"--out", "x");
	REFUSED("never overwritten", "bundle", "--cert", "r.crt", "--key",
		"r.key", "--out", "b");
	REFUSED("cannot read the private key", "bundle", "--cert", "r.crt",
		"--key", "r.crt", "--out", "x");
	assert_false(keys_exists("x"));
}

/* A keyctl that writes down what it is asked, and what it is given. */
static void fake_keyctl(const char *status)
{
	char text[512], path[8192];

	assert_int_equal(mkdir("bin", 0755) && errno != EEXIST, 0);
	snprintf(
		text, sizeof(text),
		"#!/bin/sh\n"
		"echo \"$*\" >> log\n"
		"case $1 in\n"
		"padd) cat > payload; test ! -e answer.ready || cp payload new;;\n"
		"pipe) cat answer.ready;;\n"
		"esac\n"
		"exit %s\n",
		status);
	keys_put("bin/keyctl", text, strlen(text));
	assert_int_equal(chmod("bin/keyctl", 0755), 0);
	snprintf(path, sizeof(path), "%s/bin:%s", getcwd(text, sizeof(text)),
		 getenv("PATH"));
	setenv("PATH", path, 1);
}

/* To be put back. */
static char *path_now(void)
{
	const char *path = getenv("PATH");

	assert_non_null(path);
	return strdup(path);
}

static void log_says(const char *want)
{
	uint8_t log[4096];
	size_t n = keys_get("log", log, sizeof(log) - 1);

	log[n] = 0;
	assert_string_equal((char *)log, want);
	assert_int_equal(remove("log"), 0);
}

static void same_bytes(const char *a, const char *b)
{
	uint8_t x[8192], y[8192];
	size_t n = keys_get(a, x, sizeof(x));

	assert_int_equal(keys_get(b, y, sizeof(y)), n);
	assert_memory_equal(x, y, n);
}

static void load_runs_keyctl(void **state)
{
	char *path = path_now();

	(void)state;
	keys_new_ca("ca");
	GOOD("issue", "r/v/s", "--dir", "ca", "--out", "b");
	GOOD("host", "r", "--dir", "ca");
	fake_keyctl("0");
	GOOD("load", "--ca", "ca/ca.crt");
	log_says("padd asymmetric  %:.sivshmem\n");
	same_bytes("payload", "ca/ca.der");
	GOOD("load", "b");
	log_says("padd sivshmem s @u\n");
	same_bytes("payload", "b");
	GOOD("load", "--ca", "ca/ca.der", "--keyring", "@s", "--name", "r/v/s",
	     "b", "--close");
	log_says("padd asymmetric  %:.sivshmem\n"
		 "padd sivshmem r/v/s @s\n"
		 "restrict_keyring %:.sivshmem\n");
	REFUSED("belongs to the daemon", "load", "r.crt");
	REFUSED("trust anchor", "load", "--ca", "r.crt");
	WRONG("one bundle", "load", "--name", "x", "b", "b");
	assert_false(keys_exists("log"));
	fake_keyctl("1");
	REFUSED("keyctl padd: failed", "load", "b", "--close");
	log_says("padd sivshmem s @u\n");
	assert_int_equal(remove("bin/keyctl"), 0);
	setenv("PATH", "/nonexistent", 1);
	REFUSED("keyctl", "load", "b");
	setenv("PATH", path, 1);
	free(path);
}

/* The lines of one code block of keys.rst, as a script, run by sh -eu. */
static int by_hand_status(const char *name)
{
	char line[512], want[64], *at;
	FILE *in = fopen(rst, "re"), *out = fopen("script", "we");
	bool inside = false;

	assert_true(in && out);
	snprintf(want, sizeof(want), "   :name: by-hand-%s\n", name);
	fputs("set -eu\n", out);
	while (fgets(line, sizeof(line), in)) {
		if (inside && line[0] != ' ' && line[0] != '\n')
			break;
		at = line + strspn(line, " ");
		if (inside)
			fputs(at - line < 3 ? at : line + 3, out);
		inside |= !strcmp(line, want);
	}
	fclose(in);
	assert_int_equal(fclose(out), 0);
	if (!inside)
		fail_msg("%s: no block by-hand-%s", rst, name);
	return system("sh script > said 2>&1");
}

static void by_hand(const char *name)
{
	if (by_hand_status(name)) {
		keys_get("said", (uint8_t *)keys_said, 4096);
		fail_msg("by-hand-%s: %s", name, keys_said);
	}
}

/* What the guest's kernel gives for "new" and the challenge. */
static void answer_challenge(void)
{
	uint8_t priv[32], challenge[32], pub[32], z[32], answer[76];

	assert_int_equal(keys_get("challenge", challenge, 32), 32);
	assert_int_equal(siv_random(priv, 32), 0);
	assert_int_equal(siv_x25519_base(pub, priv), SIV_OK);
	assert_int_equal(siv_x25519(z, priv, challenge), SIV_OK);
	siv_spki_put(answer, pub);
	siv_key_proof(answer + 44, z, challenge, pub);
	keys_put("answer.ready", answer, 76);
}

static void the_same_by_hand(void **state)
{
	char *path = path_now();
	uint8_t der[8192], text[64];
	uint64_t number;
	struct siv_cert c;
	X509_CRL *crl;

	(void)state;
	fake_keyctl("0");
	by_hand("ca");
	by_hand("issue");
	assert_int_equal(keys_mode("camera.bundle"), 0600);
	keys_cert("camera.bundle", "ca.crt", der, &c);
	assert_int_equal(c.role, SIV_CERT_ENDPOINT);
	assert_true(keys_says(c.service, "camera.front"));
	by_hand("host");
	keys_cert("host.crt", "ca.crt", der, &c);
	assert_int_equal(c.role, SIV_CERT_HOST);
	assert_true(keys_says(c.region, "demo"));

	by_hand("challenge");
	answer_challenge();
	by_hand("new");
	log_says("padd sivshmem lidar @u\npipe %sivshmem:lidar\n");
	assert_int_equal(keys_get("new", text, sizeof(text)), 35);
	assert_memory_equal(text, "new", 3);
	/* a wrong proof stops it */
	keys_get("answer", der, 76);
	der[75] ^= 1;
	keys_put("answer", der, 76);
	assert_int_not_equal(by_hand_status("sign"), 0);
	assert_false(keys_exists("lidar.crt"));
	der[75] ^= 1;
	keys_put("answer", der, 76);
	by_hand("sign");
	keys_cert("lidar.crt", "ca.crt", der, &c);
	assert_true(keys_says(c.vm, "bob") && keys_says(c.service, "lidar"));
	by_hand("update");
	log_says("padd sivshmem lidar @u\n");

	by_hand("load");
	log_says("padd asymmetric  %:.sivshmem\n"
		 "padd sivshmem camera.front @u\n"
		 "restrict_keyring %:.sivshmem\n");
	by_hand("revoke");
	crl = crl_of("crl.pem", "ca.crt", &number);
	assert_int_equal(number, 1);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 1);
	X509_CRL_free(crl);
	REFUSED("is revoked", "verify", "camera.bundle", "--ca", "ca.crt",
		"--crl", "crl.pem");
	setenv("PATH", path, 1);
	free(path);
}

int main(int argc, char **argv)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, keys_setup, keys_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_list_tells_all),
		TEST(a_renewal_keeps_the_key),
		TEST(a_crl_names_the_revoked),
		TEST(verify_judges_as_the_driver),
		TEST(a_wrong_bundle_is_told),
		TEST(bundles_are_made_of_files),
		TEST(load_runs_keyctl),
		TEST(the_same_by_hand),
	};
	int err;

	if (argc != 3 || !realpath(argv[2], rst)) {
		fprintf(stderr, "usage: %s PROGRAM keys.rst\n", argv[0]);
		return 2;
	}
	err = keys_main(2, argv);
	return err ? err :
		     cmocka_run_group_tests_name("the life of a certificate",
						 tests, NULL, NULL);
}
