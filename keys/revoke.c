// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Revoking: see revoke.h. */
#include "revoke.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "say.h"
#include "when.h"
#include "x509.h"

static const struct {
	const char *name;
	int code;
} reasons[] = {
	{ "unspecified", CRL_REASON_UNSPECIFIED },
	{ "keyCompromise", CRL_REASON_KEY_COMPROMISE },
	{ "affiliationChanged", CRL_REASON_AFFILIATION_CHANGED },
	{ "superseded", CRL_REASON_SUPERSEDED },
	{ "cessationOfOperation", CRL_REASON_CESSATION_OF_OPERATION },
};

int revoke_reason_code(const char *reason)
{
	size_t k;

	for (k = 0; k < ARRAY_SIZE(reasons); k++)
		if (!strcmp(reasons[k].name, reason))
			return reasons[k].code;
	return -1;
}

int revoke_serial(struct issuer *i, const char *serial, const char *reason)
{
	size_t k;

	for (k = 0; k < i->index.count; k++) {
		struct record *r = &i->index.records[k];

		if (strcmp(r->serial, serial))
			continue;
		if (r->revoked)
			return say_failure("%s: is revoked already", serial);
		r->revoked = time(NULL);
		snprintf(r->reason, sizeof(r->reason), "%s", reason);
		if (index_save(&i->index, &i->store))
			return -1;
		printf("%s: %s revoked\n", r->serial, r->name);
		return 0;
	}
	return say_failure("%s: no such certificate", serial);
}

static int add_reason(X509_REVOKED *entry, const char *reason)
{
	int code = revoke_reason_code(reason);
	ASN1_ENUMERATED *value;
	int ok;

	/* "unspecified" is said by saying nothing (RFC 5280 5.3.1) */
	if (code <= CRL_REASON_UNSPECIFIED)
		return 0;
	value = ASN1_ENUMERATED_new();
	ok = value && ASN1_ENUMERATED_set(value, code) &&
	     X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, 0) == 1;
	ASN1_ENUMERATED_free(value);
	return ok ? 0 : -1;
}

static int add_entry(X509_CRL *crl, const struct record *r)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *serial = NULL;
	ASN1_TIME *when = NULL;
	BIGNUM *number = NULL;
	int ok;

	ok = entry && BN_hex2bn(&number, r->serial) &&
	     (serial = BN_to_ASN1_INTEGER(number, NULL)) &&
	     (when = ASN1_TIME_set(NULL, (time_t)r->revoked)) &&
	     X509_REVOKED_set_serialNumber(entry, serial) &&
	     X509_REVOKED_set_revocationDate(entry, when) &&
	     !add_reason(entry, r->reason) && X509_CRL_add0_revoked(crl, entry);
	if (!ok)
		X509_REVOKED_free(entry);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(when);
	BN_free(number);
	return ok ? 0 : say_crypto("%s: cannot put it on the list", r->serial);
}

static int add_extensions(X509_CRL *crl, const struct issuer *i)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	X509_EXTENSION *akid;
	X509V3_CTX ctx;
	int ok;

	X509V3_set_ctx(&ctx, i->ca.cert, NULL, NULL, crl, 0);
	akid = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier,
				   "keyid:always");
	ok = number && akid &&
	     ASN1_INTEGER_set_uint64(number, i->index.crl_number) &&
	     X509_CRL_add_ext(crl, akid, -1) &&
	     X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1;
	X509_EXTENSION_free(akid);
	ASN1_INTEGER_free(number);
	return ok ? 0 : say_crypto("cannot number the CRL");
}

static int fill(X509_CRL *crl, const struct issuer *i, int64_t now,
		int64_t until)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)now);
	ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)until);
	size_t k;
	int ok;

	ok = from && next && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
	     X509_CRL_set_issuer_name(crl, X509_get_subject_name(i->ca.cert)) &&
	     X509_CRL_set1_lastUpdate(crl, from) &&
	     X509_CRL_set1_nextUpdate(crl, next);
	ASN1_TIME_free(from);
	ASN1_TIME_free(next);
	if (!ok)
		return say_crypto("cannot make a CRL");
	for (k = 0; k < i->index.count; k++)
		if (i->index.records[k].revoked &&
		    add_entry(crl, &i->index.records[k]))
			return -1;
	if (add_extensions(crl, i))
		return -1;
	X509_CRL_sort(crl);
	if (X509_CRL_sign(crl, i->ca.key, ca_digest(i->ca.key)) <= 0)
		return say_crypto("cannot sign the CRL");
	return 0;
}

static int pem_of(X509_CRL *crl, struct blob *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;

	*pem = (struct blob){ NULL, 0 };
	if (bio && PEM_write_bio_X509_CRL(bio, crl))
		n = BIO_get_mem_data(bio, &p);
	if (n > 0)
		pem->p = malloc((size_t)n + 1);
	if (p && pem->p) {
		memcpy(pem->p, p, (size_t)n);
		pem->p[n] = 0;
		pem->n = (size_t)n;
	}
	BIO_free(bio);
	return pem->p ? 0 : say_crypto("cannot write the CRL");
}

int crl_make(struct issuer *i, int64_t now, int64_t until, struct blob *pem)
{
	X509_CRL *crl = X509_CRL_new();
	int err;

	if (!crl)
		return say_failure("out of memory");
	i->index.crl_number++;
	err = fill(crl, i, now, until) || pem_of(crl, pem);
	X509_CRL_free(crl);
	return err ? -1 : 0;
}

static X509_CRL *crl_read(const char *path)
{
	const unsigned char *p;
	X509_CRL *crl = NULL;
	struct blob in;
	BIO *bio;

	if (file_read(path, FILE_MAX, &in))
		return NULL;
	p = in.p;
	bio = BIO_new_mem_buf(in.p, (int)in.n);
	if (in.n && in.p[0] == 0x30)
		crl = d2i_X509_CRL(NULL, &p, (long)in.n);
	else if (bio)
		crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
	if (!crl)
		say_crypto("%s: not a CRL", path);
	BIO_free(bio);
	blob_free(&in);
	return crl;
}

/* Signed by this CA, and in force. */
static int crl_check(X509_CRL *crl, const char *path, X509 *ca, int64_t now)
{
	const ASN1_TIME *from = X509_CRL_get0_lastUpdate(crl);
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	time_t t = (time_t)now;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
			  X509_get_subject_name(ca)) ||
	    X509_CRL_verify(crl, X509_get0_pubkey(ca)) != 1)
		return say_crypto("%s: not signed by this CA", path);
	if (ASN1_TIME_cmp_time_t(from, t) > 0)
		return say_failure("%s: is not yet in force", path);
	if (!next || ASN1_TIME_cmp_time_t(next, t) < 0)
		return say_failure("%s: is out of date: write a new one", path);
	return 0;
}

int crl_find(const char *path, const struct blob *ca, struct siv_span serial,
	     int64_t now, bool *found)
{
	const unsigned char *p = ca->p;
	X509 *x = d2i_X509(NULL, &p, (long)ca->n);
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	X509_REVOKED *entry;
	X509_CRL *crl;
	int err = -1;

	crl = crl_read(path);
	if (x && crl && number &&
	    ASN1_STRING_set(number, serial.p, (int)serial.n) &&
	    !crl_check(crl, path, x, now)) {
		*found = X509_CRL_get0_by_serial(crl, &entry, number) == 1;
		err = 0;
	}
	X509_CRL_free(crl);
	ASN1_INTEGER_free(number);
	X509_free(x);
	return err;
}
