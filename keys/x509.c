// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Certificates as files: see x509.h. */
#include "x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

enum {
	SERIAL_LEN = 16
};

/* OpenSSL's bytes as ours. */
static int take(unsigned char *p, int n, struct blob *out)
{
	*out = (struct blob){ NULL, 0 };
	if (n > 0)
		out->p = malloc((size_t)n + 1);
	if (out->p) {
		memcpy(out->p, p, (size_t)n);
		out->p[n] = 0;
		out->n = (size_t)n;
	}
	OPENSSL_free(p);
	return out->p ? 0 : say_crypto("cannot encode a certificate");
}

int x509_der(X509 *x, struct blob *der)
{
	unsigned char *p = NULL;
	int n = i2d_X509(x, &p);

	return take(p, n, der);
}

/* The bytes of the one CERTIFICATE that PEM text holds. */
static int from_pem(const struct blob *text, const char *path, struct blob *der)
{
	BIO *bio = BIO_new_mem_buf(text->p, (int)text->n);
	unsigned char *p = NULL;
	X509 *more = NULL;
	int err;
	long n;

	if (!bio)
		return say_failure("out of memory");
	if (PEM_bytes_read_bio(&p, &n, NULL, PEM_STRING_X509, bio, NULL,
			       NULL)) {
		err = take(p, (int)n, der);
		more = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		ERR_clear_error();
	} else {
		err = say_crypto("%s: neither a PEM nor a DER certificate",
				 path);
	}
	if (more) {
		err = say_failure("%s: more than one certificate", path);
		blob_free(der);
	}
	X509_free(more);
	BIO_free(bio);
	return err;
}

int x509_read(const char *path, struct blob *der)
{
	struct blob in;
	int err;

	if (file_read(path, 65536, &in))
		return -1;
	if (in.n && in.p[0] == 0x30) {
		*der = in;
		return 0;
	}
	err = from_pem(&in, path, der);
	blob_free(&in);
	return err;
}

int x509_pem(const struct blob *der, struct blob *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;

	*pem = (struct blob){ NULL, 0 };
	if (bio &&
	    PEM_write_bio(bio, PEM_STRING_X509, "", der->p, (long)der->n))
		n = BIO_get_mem_data(bio, &p);
	if (n > 0)
		pem->p = malloc((size_t)n + 1);
	if (p && pem->p) {
		memcpy(pem->p, p, (size_t)n);
		pem->p[n] = 0;
		pem->n = (size_t)n;
	}
	BIO_free(bio);
	return pem->p ? 0 : say_crypto("cannot write a certificate");
}

int x509_profile(const struct blob *der, const char *where, struct siv_cert *c)
{
	enum siv_reason r;

	r = siv_cert_parse((struct siv_span){ der->p, der->n }, c);
	if (!r)
		return 0;
	return say_failure("%s: not a certificate of the profile: %s", where,
			   siv_reason_text(r));
}

struct siv_anchors *x509_anchors(const struct blob *der, const char *where)
{
	struct siv_anchors *a;
	char why[256];

	a = siv_anchors_from_der((struct siv_span){ der->p, der->n }, why,
				 sizeof(why));
	if (!a)
		say_failure("%s: %s", where, why);
	return a;
}

int x509_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	int ok;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok ? 0 :
		    say_crypto("cannot make the extension %s", OBJ_nid2sn(nid));
}

int x509_serial(ASN1_INTEGER *serial)
{
	unsigned char bytes[SERIAL_LEN];

	if (siv_random(bytes, sizeof(bytes)))
		return say_failure("no random numbers");
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
	if (!ASN1_STRING_set(serial, bytes, sizeof(bytes)))
		return say_crypto("cannot set a serial number");
	return 0;
}

int x509_time(ASN1_TIME *t, int64_t when)
{
	return ASN1_TIME_set(t, (time_t)when) ? 0 :
						say_crypto("cannot set a date");
}

int x509_common_name(X509_NAME *name, const char *text)
{
	if (X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
				       (const unsigned char *)text, -1, -1, 0))
		return 0;
	return say_crypto("%s: not a common name", text);
}
