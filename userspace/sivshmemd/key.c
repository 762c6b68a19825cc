// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * sivshmemd-key: holds the host's static keys, one per region, each behind a socket that
 * it inherits, and answers one request on it: X25519 with that key and a public key. The
 * keys never leave it, not even to the daemon that asks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/crypto_openssl.h"
#include "log.h"
#include "sandbox.h"
#include "trust.h"

enum {
	KEY_MAX = 1024,
	KEY_FILE_MAX = 16384,
};

struct key {
	int fd;
	struct siv_static *key;
};

static struct key keys[KEY_MAX];
static struct pollfd polls[KEY_MAX];
static size_t key_count;

static int key_usage(void)
{
	fputs("usage: sivshmemd-key [--user NAME] FD=FILE...\n\n"
	      "Started by sivshmemd(8). FILE holds the private key (PKCS #8, PEM or DER) "
	      "that\nis used through the inherited socket FD.\n",
	      stderr);
	return 2;
}

/* PKCS #8 in DER or PEM, without a passphrase. */
static EVP_PKEY *key_decode(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text;
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (len && text[0] == 0x30) {
		info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)len);
		if (info && at == (const unsigned char *)text + len)
			key = EVP_PKCS82PKEY(info);
		PKCS8_PRIV_KEY_INFO_free(info);
		return key;
	}
	bio = BIO_new_mem_buf(text, (int)len);
	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL,
					      (void *)(uintptr_t) "");
	BIO_free(bio);
	return key;
}

static struct siv_static *key_make(const char *text, size_t len)
{
	u8 *priv = OPENSSL_secure_zalloc(SIV_KEY_LEN);
	EVP_PKEY *key = key_decode(text, len);
	size_t n = SIV_KEY_LEN;
	struct siv_static *s = NULL;

	ERR_clear_error();
	if (priv && key && EVP_PKEY_is_a(key, "X25519") &&
	    EVP_PKEY_get_raw_private_key(key, priv, &n) == 1 &&
	    n == SIV_KEY_LEN)
		s = siv_static_from_private(priv);
	EVP_PKEY_free(key);
	OPENSSL_secure_clear_free(priv, SIV_KEY_LEN);
	return s;
}

static bool key_load(const char *path, int fd)
{
	char err[512], *text;
	size_t len;
	int file;

	file = trust_open(path, true, err, sizeof(err));
	if (file < 0) {
		log_error("%s", err);
		return false;
	}
	text = trust_read(file, KEY_FILE_MAX, &len);
	close(file);
	if (!text) {
		log_error("%s: %s", path, strerror(errno));
		return false;
	}
	keys[key_count].fd = fd;
	keys[key_count].key = key_make(text, len);
	OPENSSL_cleanse(text, len);
	free(text);
	if (!keys[key_count].key) {
		log_error("%s: not an X25519 private key (PKCS #8, PEM or DER)",
			  path);
		return false;
	}
	key_count++;
	return true;
}

static bool key_argument(const char *arg)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(arg, &end, 10);
	if (errno || end == arg || *end != '=' || !end[1] || fd < 3 ||
	    fd > 1 << 20 || key_count == KEY_MAX)
		return false;
	return key_load(end + 1, (int)fd);
}

static bool key_become(const char *user)
{
	struct passwd *pw = getpwnam(user);

	if (!pw) {
		log_error("%s: no such user", user);
		return false;
	}
	if (setgroups(0, NULL) ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid)) {
		log_error("cannot become %s: %s", user, strerror(errno));
		return false;
	}
	return true;
}

/* Until all sockets are closed: then the daemon has gone. */
static void key_serve(void)
{
	size_t i, open = key_count;

	for (i = 0; i < key_count; i++)
		polls[i] =
			(struct pollfd){ .fd = keys[i].fd, .events = POLLIN };
	while (open) {
		if (poll(polls, key_count, -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		for (i = 0; i < key_count; i++) {
			if (!polls[i].revents || polls[i].fd < 0)
				continue;
			if (siv_static_serve(keys[i].key, keys[i].fd) == 1)
				continue;
			close(keys[i].fd);
			polls[i].fd = -1;
			open--;
		}
	}
}

/* Everything that OpenSSL makes at its first use is made before the filter. */
static void key_warm_up(void)
{
	static const u8 nine[SIV_KEY_LEN] = { 9 };
	u8 out[SIV_KEY_LEN];
	size_t i;

	for (i = 0; i < key_count; i++)
		(void)!siv_x25519_static(out, keys[i].key, nine);
	siv_wipe(out, sizeof(out));
}

int main(int argc, char **argv)
{
	const char *user = NULL;
	int i = 1;
	size_t k;

	log_begin("sivshmemd-key");
	if (argc > 2 && !strcmp(argv[1], "--user")) {
		user = argv[2];
		i = 3;
	}
	if (i >= argc)
		return key_usage();
	/* our end comes with the daemon's, not from a terminal */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (sandbox_private()) {
		log_error("cannot protect this process: %s", strerror(errno));
		return 1;
	}
	/* OpenSSL keeps private keys in its own locked pages; so does the whole process */
	CRYPTO_secure_malloc_init(65536, 32);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		log_warning(
			"memory is not locked (%s): keys are in pages of their own that "
			"are",
			strerror(errno));
	for (; i < argc; i++)
		if (!key_argument(argv[i]))
			return strchr(argv[i], '=') ? 1 : key_usage();
	if (user && !key_become(user))
		return 1;
	key_warm_up();
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || sandbox_key()) {
		log_error("no sandbox: %s", strerror(errno));
		return 1;
	}
	key_serve();
	for (k = 0; k < key_count; k++)
		siv_static_free(keys[k].key);
	return 0;
}
