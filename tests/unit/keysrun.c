// SPDX-License-Identifier: GPL-2.0-only
/* Running sivshmem-keys: see keysrun.h. */
#define _GNU_SOURCE
#include "keysrun.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char keys_tool[PATH_MAX];
char keys_said[65536];

static char origin[PATH_MAX];
static char work[32] = "/tmp/sivshmem-keys-XXXXXX";

pid_t keys_start(int out, const char *const argv[])
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(keys_tool, (char *const *)(uintptr_t)argv);
	_exit(127);
}

int keys_finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int keys_run(const char *const argv[])
{
	int fd = open("said", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int status;
	ssize_t n;

	assert_true(fd >= 0);
	status = keys_finish(keys_start(fd, argv));
	n = pread(fd, keys_said, sizeof(keys_said) - 1, 0);
	assert_true(n >= 0);
	keys_said[n] = 0;
	close(fd);
	return status;
}

size_t keys_get(const char *path, uint8_t *p, size_t cap)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f) {
		fail_msg("%s: %s", path, strerror(errno));
		return 0;
	}
	n = fread(p, 1, cap, f);
	fclose(f);
	return n;
}

void keys_put(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

bool keys_exists(const char *path)
{
	return !access(path, F_OK);
}

mode_t keys_mode(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		fail_msg("%s: %s", path, strerror(errno));
	return st.st_mode & 07777;
}

void keys_new_ca(const char *dir)
{
	GOOD("init-ca", "--dir", dir, "--algorithm", "p256");
}

static size_t get_der(const char *path, uint8_t der[8192])
{
	size_t n = keys_get(path, der, 8192);
	uint8_t *p = der;
	X509 *x;
	BIO *bio;

	if (n && der[0] == 0x30)
		return n;
	bio = BIO_new_mem_buf(der, (int)n);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (!x)
		fail_msg("%s: not a certificate", path);
	n = (size_t)i2d_X509(x, &p);
	X509_free(x);
	BIO_free(bio);
	return n;
}

void keys_cert(const char *path, const char *ca, uint8_t der[8192],
	       struct siv_cert *c)
{
	size_t n = get_der(path, der);
	struct siv_span cert, key;
	struct siv_anchors *a;
	uint8_t pub[32];
	char err[256];

	a = siv_anchors_load(ca, err, sizeof(err));
	if (!a)
		fail_msg("%s", err);
	assert_int_equal(siv_bundle_split((struct siv_span){ der, n }, &cert,
					  &key),
			 SIV_OK);
	assert_int_equal(siv_cert_parse(cert, c), SIV_OK);
	assert_int_equal(siv_cert_verify(c, a), SIV_OK);
	assert_int_equal(siv_cert_dates(c, time(NULL)), SIV_OK);
	if (key.n) {
		assert_int_equal(siv_x25519_base(pub, key.p), SIV_OK);
		assert_memory_equal(pub, c->pub, 32);
	}
	siv_anchors_free(a);
}

bool keys_says(struct siv_span s, const char *text)
{
	return s.n == strlen(text) && !memcmp(s.p, text, s.n);
}

const char *keys_serial(const struct siv_cert *c, char hex[41])
{
	size_t i;

	for (i = 0; i < c->serial.n; i++)
		snprintf(hex + 2 * i, 3, "%02x", c->serial.p[i]);
	return hex;
}

int keys_setup(void **state)
{
	(void)state;
	memcpy(strrchr(work, '-'), "-XXXXXX", 8);
	return mkdtemp(work) && !chdir(work) ? 0 : -1;
}

static int erase(const char *path, const struct stat *st, int type,
		 struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int keys_teardown(void **state)
{
	(void)state;
	if (chdir(origin))
		return -1;
	return nftw(work, erase, 16, FTW_DEPTH | FTW_PHYS);
}

int keys_main(int argc, char **argv)
{
	if (argc != 2 || !realpath(argv[1], keys_tool) ||
	    !getcwd(origin, sizeof(origin))) {
		fprintf(stderr, "usage: %s PATH-OF-SIVSHMEM-KEYS\n", argv[0]);
		return 2;
	}
	unsetenv("SIVSHMEM_KEYS_DIR");
	/* it forbids ptrace, which the leak check needs, to all but root */
	if (geteuid())
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	return 0;
}
