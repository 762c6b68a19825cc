// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Keeping secrets: see secret.h. */
#define _GNU_SOURCE
#include "secret.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/platform.h"
#include "say.h"

enum {
	SECURE_HEAP = 65536,
	SECURE_LEAST = 32,
	LOCKED_ENOUGH = 256 << 20, /* for all of this process, libraries too */
	NEW_PASSPHRASE_MIN = 8,
	SCRYPT_N = 16384, /* what openssl pkcs8 -scrypt takes */
	SCRYPT_R = 8,
	SCRYPT_P = 1,
};

int secret_no_dump(void)
{
	struct rlimit none = { 0, 0 };

	umask(077);
	if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0))
		return say_errno("cannot switch core dumps off");
	return 0;
}

static int swap_in_use(void)
{
	FILE *f = fopen("/proc/swaps", "re");
	int c, lines = 0;

	if (!f)
		return 0;
	while ((c = getc(f)) != EOF)
		lines += c == '\n';
	fclose(f);
	return lines > 1;
}

int secret_lock_memory(void)
{
	struct rlimit limit;

	if (!CRYPTO_secure_malloc_initialized() &&
	    CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_LEAST) != 1 &&
	    swap_in_use())
		say_note("warning: private numbers may reach the swap space");
	if (!getrlimit(RLIMIT_MEMLOCK, &limit) &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &limit);
	}
	if (geteuid() && limit.rlim_cur < LOCKED_ENOUGH) {
		if (swap_in_use())
			say_note(
				"warning: only OpenSSL's private numbers are kept out of swap (ulimit -l is %llu KiB)",
				(unsigned long long)limit.rlim_cur / 1024);
		return 0;
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE) && swap_in_use())
		return say_errno("cannot lock memory, and there is swap");
	return 0;
}

static int from_file(const char *file, char out[PASSPHRASE_MAX + 1])
{
	struct blob text;
	size_t n;
	int err = 0;

	if (file_read(file, PASSPHRASE_MAX, &text))
		return -1;
	n = strcspn((char *)text.p, "\r\n");
	if (!n || memchr(text.p, 0, text.n))
		err = say_failure("%s: no passphrase on the first line", file);
	else
		memcpy(out, text.p, n);
	out[err ? 0 : n] = 0;
	blob_free(&text);
	return err;
}

int passphrase_get(const char *file, const char *what, int twice,
		   char out[PASSPHRASE_MAX + 1])
{
	char prompt[160];

	if (file) {
		if (from_file(file, out))
			return -1;
	} else {
		snprintf(prompt, sizeof(prompt), "Passphrase of %s: ", what);
		if (EVP_read_pw_string_min(out, 1, PASSPHRASE_MAX, prompt,
					   twice)) {
			siv_wipe(out, PASSPHRASE_MAX);
			return say_failure(
				"no passphrase: give --passphrase-file, or use a terminal");
		}
	}
	if (!twice || strlen(out) >= NEW_PASSPHRASE_MIN)
		return 0;
	siv_wipe(out, PASSPHRASE_MAX);
	return say_failure("a passphrase has at least %d bytes",
			   NEW_PASSPHRASE_MIN);
}

/* A BIO's bytes, and the BIO is wiped. */
static int take_bio(BIO *bio, struct blob *out)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	out->n = 0;
	out->p = n > 0 ? malloc((size_t)n + 1) : NULL;
	if (out->p) {
		out->n = (size_t)n;
		memcpy(out->p, p, out->n);
		out->p[out->n] = 0;
	}
	if (n > 0)
		siv_wipe(p, (size_t)n);
	return out->p ? 0 : -1;
}

/* PKCS#8 under a passphrase, as openssl pkcs8 -topk8 -scrypt makes it. */
static X509_SIG *encrypt(PKCS8_PRIV_KEY_INFO *p8, const char *passphrase)
{
	X509_ALGOR *pbe;
	X509_SIG *sig;

	pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N,
				    SCRYPT_R, SCRYPT_P);
	if (!pbe)
		return NULL;
	sig = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), p8, pbe);
	if (!sig)
		X509_ALGOR_free(pbe);
	return sig;
}

int private_key_pem(EVP_PKEY *key, const char *passphrase, struct blob *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key);
	X509_SIG *sig = NULL;
	int ok = 0;

	*out = (struct blob){ NULL, 0 };
	if (bio && p8 && passphrase) {
		sig = encrypt(p8, passphrase);
		ok = sig && PEM_write_bio_PKCS8(bio, sig);
	} else if (bio && p8) {
		ok = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, p8);
	}
	if (ok)
		ok = !take_bio(bio, out);
	X509_SIG_free(sig);
	PKCS8_PRIV_KEY_INFO_free(p8);
	BIO_free(bio);
	return ok ? 0 : say_crypto("cannot write a private key");
}

struct ask {
	const char *where;
	const char *file;
	int failed;
};

static int answer(char *buf, int size, int writing, void *arg)
{
	char text[PASSPHRASE_MAX + 1];
	struct ask *ask = arg;
	int n;

	(void)writing;
	ask->failed = passphrase_get(ask->file, ask->where, 0, text);
	if (ask->failed)
		return -1;
	n = (int)strlen(text);
	if (n > size) {
		ask->failed =
			say_failure("%s: passphrase too long", ask->where);
		n = -1;
	} else {
		memcpy(buf, text, (size_t)n);
	}
	siv_wipe(text, sizeof(text));
	return n;
}

static EVP_PKEY *read_der(const struct blob *in)
{
	const unsigned char *p = in->p;
	PKCS8_PRIV_KEY_INFO *p8;
	EVP_PKEY *key = NULL;

	p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)in->n);
	if (p8 && p == in->p + in->n)
		key = EVP_PKCS82PKEY(p8);
	PKCS8_PRIV_KEY_INFO_free(p8);
	return key;
}

EVP_PKEY *private_key_read(const struct blob *in, const char *where,
			   const char *passphrase_file)
{
	struct ask ask = { where, passphrase_file, 0 };
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (in->n && in->p[0] == 0x30) {
		key = read_der(in);
	} else {
		bio = BIO_new_mem_buf(in->p, (int)in->n);
		if (bio)
			key = PEM_read_bio_PrivateKey(bio, NULL, answer, &ask);
		BIO_free(bio);
	}
	if (!key && !ask.failed)
		say_crypto("%s: cannot read the private key", where);
	return key;
}
