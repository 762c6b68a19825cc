// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The certificate authority: see ca.h. */
#include "ca.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "say.h"
#include "secret.h"
#include "when.h"
#include "x509.h"

static const struct algorithm {
	const char *name;
	const char *curve; /* NULL: RSA */
	unsigned int bits;
} algorithms[] = {
	{ "rsa3072", NULL, 3072 },
	{ "rsa4096", NULL, 4096 },
	{ "p256", "P-256", 256 },
	{ "p384", "P-384", 384 },
};

static const struct algorithm *find_algorithm(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (!strcmp(algorithms[i].name, name))
			return &algorithms[i];
	return NULL;
}

int ca_algorithm_known(const char *name)
{
	return !!find_algorithm(name);
}

const EVP_MD *ca_digest(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256)
		return EVP_sha384();
	return EVP_sha256();
}

static int fill(X509 *x, EVP_PKEY *key, const struct ca_wish *wish)
{
	if (!X509_set_version(x, X509_VERSION_3) || !X509_set_pubkey(x, key))
		return say_crypto("cannot make a certificate");
	if (x509_serial(X509_get_serialNumber(x)) ||
	    x509_common_name(X509_get_subject_name(x), wish->name) ||
	    x509_time(X509_getm_notBefore(x), wish->from) ||
	    x509_time(X509_getm_notAfter(x), wish->until))
		return -1;
	if (!X509_set_issuer_name(x, X509_get_subject_name(x)))
		return say_crypto("cannot make a certificate");
	if (x509_extension(x, x, NID_basic_constraints,
			   "critical,CA:TRUE,pathlen:0") ||
	    x509_extension(x, x, NID_key_usage,
			   "critical,keyCertSign,cRLSign") ||
	    x509_extension(x, x, NID_subject_key_identifier, "hash"))
		return -1;
	if (X509_sign(x, key, ca_digest(key)) <= 0)
		return say_crypto("cannot sign the CA's certificate");
	return 0;
}

/* The key first: without it the certificate is of no use. */
static int write_ca(const struct store *s, X509 *x, EVP_PKEY *key,
		    const struct ca_wish *wish)
{
	struct blob der = { NULL, 0 }, pem = { NULL, 0 }, secret = { NULL, 0 };
	struct siv_anchors *anchors = NULL;
	int err = -1;

	if (private_key_pem(key, wish->passphrase, &secret) ||
	    x509_der(x, &der) || x509_pem(&der, &pem))
		goto out;
	anchors = x509_anchors(&der, "the CA's certificate");
	if (anchors &&
	    !store_put(s, "ca.key", 0600, secret.p, secret.n, false) &&
	    !store_put(s, "ca.crt", 0644, pem.p, pem.n, false) &&
	    !store_put(s, "ca.der", 0644, der.p, der.n, false))
		err = 0;
out:
	siv_anchors_free(anchors);
	blob_free(&secret);
	blob_free(&pem);
	blob_free(&der);
	return err;
}

int ca_create(const struct store *s, const struct ca_wish *wish)
{
	const struct algorithm *a = find_algorithm(wish->algorithm);
	EVP_PKEY *key;
	X509 *x;
	int err;

	key = a->curve ? EVP_EC_gen(a->curve) : EVP_RSA_gen(a->bits);
	x = X509_new();
	if (!key || !x)
		err = say_crypto("cannot make a key");
	else
		err = fill(x, key, wish) || write_ca(s, x, key, wish) ? -1 : 0;
	EVP_PKEY_free(key);
	X509_free(x);
	return err;
}

static int read_cert(struct ca *ca, const struct store *s)
{
	const unsigned char *p;
	struct blob der;
	struct tm tm;
	char path[4096];

	snprintf(path, sizeof(path), "%s/ca.crt", s->path);
	if (x509_read(path, &der))
		return -1;
	p = der.p;
	ca->cert = d2i_X509(NULL, &p, (long)der.n);
	if (ca->cert && ASN1_TIME_to_tm(X509_get0_notAfter(ca->cert), &tm)) {
		ca->until = timegm(&tm);
		ca->anchors = x509_anchors(&der, path);
	} else {
		say_crypto("%s: not a certificate", path);
	}
	blob_free(&der);
	return ca->anchors ? 0 : -1;
}

static int read_key(struct ca *ca, const struct store *s,
		    const char *passphrase_file)
{
	struct blob pem;

	if (store_get(s, "ca.key", &pem))
		return -1;
	ca->key = private_key_read(&pem, "ca.key", passphrase_file);
	blob_free(&pem);
	if (!ca->key)
		return -1;
	if (X509_check_private_key(ca->cert, ca->key))
		return 0;
	return say_crypto("%s: ca.key is not the key of ca.crt", s->path);
}

int ca_open(struct ca *ca, const struct store *s, const char *passphrase_file)
{
	char when[WHEN_LEN];

	memset(ca, 0, sizeof(*ca));
	if (secret_lock_memory() || read_cert(ca, s))
		goto close;
	if (ca->until < time(NULL)) {
		say_failure("%s/ca.crt: has expired, on %s", s->path,
			    when_text(when, ca->until));
		goto close;
	}
	if (read_key(ca, s, passphrase_file))
		goto close;
	return 0;
close:
	ca_close(ca);
	return -1;
}

void ca_close(struct ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
	siv_anchors_free(ca->anchors);
	memset(ca, 0, sizeof(*ca));
}
