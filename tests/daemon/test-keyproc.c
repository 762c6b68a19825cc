// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: the key process takes only a private X25519 key that belongs to the region's
 * certificate, alone in its file, PEM or DER, REGION.key or host.key, which nobody else
 * can read; with anything else the daemon does not start. A key process that was stopped
 * goes on when it is let. If the key process ends, the daemon says so, open channels go
 * on, and no session is opened any more.
 */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "pki.h"
#include "world.h"

static const char policy[] =
	"[region lab]\nsize = 4M\ngranule = 4K\nmembers = a b\n"
	"[vm a]\nuser = self\n[vm b]\nuser = self\n"
	"[service lab/b/data]\nclients = a\n";

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

static void forget(const char *name)
{
	char path[PATH_MAX];

	(void)remove(world_path(&w, path, name));
}

static void put(const char *name, const void *bytes, size_t n)
{
	char path[PATH_MAX];
	FILE *f;

	forget(name);
	f = fopen(world_path(&w, path, name), "wxe");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void put_key(const char *name, EVP_PKEY *key)
{
	char path[PATH_MAX];
	FILE *f;

	forget(name);
	f = fopen(world_path(&w, path, name), "wxe");
	assert_non_null(f);
	assert_int_equal(
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
	EVP_PKEY_free(key);
}

/* The key that world_host() has made for lab: PKCS #8 in DER. */
static size_t good_der(u8 *out, size_t cap)
{
	u8 priv[SIV_KEY_LEN], *at = out;
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *key;
	int n;

	pki_bytes(priv, sizeof(priv), "lab", 0);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv,
					   sizeof(priv));
	assert_non_null(key);
	info = EVP_PKEY2PKCS8(key);
	assert_non_null(info);
	n = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
	assert_true(n > 0 && (size_t)n <= cap);
	n = i2d_PKCS8_PRIV_KEY_INFO(info, &at);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(key);
	return (size_t)n;
}

static void refused(const char *why)
{
	char path[PATH_MAX];

	forget("daemon.log");
	assert_int_equal(world_run(&w, "sivshmemd", NULL, NULL), 1);
	if (!world_said(&w, why))
		fail_msg("it did not say: %s", why);
	assert_int_not_equal(
		access(world_path(&w, path, "run/control.sock"), F_OK), 0);
}

static void accepted(void)
{
	forget("daemon.log");
	world_start(&w, "sivshmemd");
	world_stop(&w);
}

static void test_wrong_keys(void **state)
{
	static const char not_x25519[] =
		"lab.key: not an X25519 private key (PKCS #8, PEM or DER)";
	u8 der[128];
	size_t n = good_der(der, sizeof(der) - 1);

	(void)state;
	put_key("lab.key", EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
	refused("host key: the private key is not that of the certificate");
	put_key("lab.key", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	refused(not_x25519);
	put("lab.key", "", 0);
	refused(not_x25519);
	put("lab.key", "a passphrase", 12);
	refused(not_x25519);
	put("lab.key", der, n - 1);
	refused(not_x25519);
	der[n] = 0;
	put("lab.key", der, n + 1);
	refused(not_x25519);
}

static void test_who_reads(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(chmod(world_path(&w, path, "lab.key"), 0640), 0);
	refused("lab.key: can be read by others");
	assert_int_equal(chmod(path, 0604), 0);
	refused("lab.key: can be read by others");
	assert_int_equal(chmod(path, 0600), 0);
	accepted();
}

static void test_formats_and_names(void **state)
{
	u8 der[128];
	size_t n = good_der(der, sizeof(der));

	(void)state;
	put("lab.key", der, n);
	accepted();
	put("host.key", der, n);
	forget("lab.key");
	accepted();
	/* the region's own goes before the common one */
	put_key("lab.key", EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
	refused("host key: the private key is not that of the certificate");
	forget("lab.key");
	forget("host.key");
	refused("lab.key: No such file or directory");
}

static void test_no_program(void **state)
{
	(void)state;
	w.options[0] = "--key-program";
	w.options[1] = "/nonexistent/sivshmemd-key";
	refused("/nonexistent/sivshmemd-key: No such file or directory");
	refused("host key: the key process does not answer");
	w.options[1] = "/bin/false";
	refused("host key: the key process does not answer");
}

/* Started by hand it only explains itself. */
static void test_usage(void **state)
{
	(void)state;
	assert_int_equal(world_run(&w, "sivshmemd-key", NULL, NULL), 2);
	assert_true(world_said(&w, "usage: sivshmemd-key"));
}

static pid_t key_process(void)
{
	char path[96], line[256] = "";
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)w.pid,
		 (int)w.pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	/* it is the first that the daemon starts */
	pid = atoi(line);
	assert_true(pid > 0);
	return pid;
}

static char state_of(int pid)
{
	char path[32], c = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &c), 1);
	fclose(f);
	return c;
}

/* Also by a freezer, and when the host slept: its system call begins anew. */
static void test_stopped(void **state)
{
	int pid;

	(void)state;
	world_start(&w, "sivshmemd");
	(void)world_enter(&w, "a", "lab", "client");
	pid = key_process();
	world_must(&w, state_of(pid) == 'S');
	assert_int_equal(kill(pid, SIGSTOP), 0);
	world_must(&w, state_of(pid) == 'T');
	assert_int_equal(kill(pid, SIGCONT), 0);
	world_must(&w, state_of(pid) == 'S');
	(void)world_listen(&w, "b", "lab", "data");
	world_end(&w);
}

static void test_ends(void **state)
{
	struct sim_connect to = { .service = "data",
				  .ring_tx = 4096,
				  .ring_rx = 4096 };
	struct sim_channel *ch_a, *ch_b;
	struct sim_session *a, *b;
	struct sim_identity *id;
	enum siv_reason why;
	u32 code;

	(void)state;
	world_start(&w, "sivshmemd");
	b = world_listen(&w, "b", "lab", "data");
	a = world_enter(&w, "a", "lab", "client");
	world_pair(&w, a, b->g, &to, &ch_a, &ch_b);
	world_mark(&w);
	assert_int_equal(kill(key_process(), SIGKILL), 0);
	assert_true(world_audit_wait(
		&w, &(struct said){ .event = "stop", .err = EKEYREVOKED }, 1));
	assert_true(world_said(&w, "the key process has ended"));
	world_talk(&w, ch_a, ch_b);
	/* it is told once */
	assert_int_equal(world_events(&w, "stop"), 1);
	id = world_identity("lab", "a", "late");
	assert_null(sim_session_open(a->g, id, 2000, &why, &code));
	sim_identity_free(id);
	world_talk(&w, ch_a, ch_b);
	sim_channel_free(ch_a);
	sim_channel_free(ch_b);
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_wrong_keys),
		CASE(test_who_reads),
		CASE(test_formats_and_names),
		CASE(test_no_program),
		CASE(test_usage),
		CASE(test_stopped),
		CASE(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
