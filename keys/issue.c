// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Issuing: see issue.h. */
#include "issue.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "say.h"
#include "when.h"
#include "x509.h"

int identity_parse(struct identity *id, const char *name,
		   enum siv_cert_role role)
{
	const char *p = name, *slash;
	struct siv_span part;
	int parts = 0;

	id->role = role;
	id->name = name;
	do {
		slash = strchr(p, '/');
		part.p = (const uint8_t *)p;
		part.n = slash ? (size_t)(slash - p) : strlen(p);
		if (!siv_name_check(part))
			return say_usage(
				"%s: \"%.*s\" is not a name: [a-z0-9][a-z0-9._-]{0,62}",
				name, (int)part.n, p);
		id->last = p;
		p = slash + 1;
		parts++;
	} while (slash);
	if (parts == (role == SIV_CERT_HOST ? 1 : 3))
		return EXIT_OK;
	return say_usage("%s: not %s", name,
			 role == SIV_CERT_HOST ? "REGION" :
						 "REGION/VM/SERVICE");
}

int issuer_open(struct issuer *i, const char *dir, bool sign,
		const char *passphrase_file)
{
	memset(i, 0, sizeof(*i));
	i->store.dir = -1;
	i->store.lock = -1;
	if (store_open(&i->store, dir))
		return -1;
	if (!index_load(&i->index, &i->store) &&
	    (!sign || !ca_open(&i->ca, &i->store, passphrase_file)))
		return 0;
	issuer_close(i);
	return -1;
}

void issuer_close(struct issuer *i)
{
	ca_close(&i->ca);
	index_free(&i->index);
	store_close(&i->store);
}

int issue_allowed(const struct issuer *i, const struct identity *id,
		  const uint8_t pub[SIV_KEY_LEN], bool renew)
{
	int64_t now = time(NULL);
	size_t k;

	for (k = 0; k < i->index.count; k++) {
		const struct record *r = &i->index.records[k];
		bool same_key = !memcmp(r->pub, pub, SIV_KEY_LEN);
		bool same_name = !strcmp(r->name, id->name);
		enum record_state state = record_state(r, now);

		if (same_key && state == RECORD_REVOKED)
			return say_failure(
				"%s: this public key was revoked, with certificate %s: make another",
				id->name, r->serial);
		if (state != RECORD_LIVE)
			continue;
		if (same_key && !same_name)
			return say_failure(
				"%s: the live certificate %s of %s carries this public key",
				id->name, r->serial, r->name);
		if (same_name && !renew)
			return say_failure(
				"%s: the live certificate %s has this name: renew or revoke it",
				id->name, r->serial);
	}
	return 0;
}

/* Exactly one extended key usage, from the core's own bytes. */
static int add_eku(X509 *x, enum siv_cert_role role)
{
	bool host = role == SIV_CERT_HOST;
	const uint8_t *oid = host ? siv_oid_host : siv_oid_endpoint;
	size_t n = host ? siv_oid_host_len : siv_oid_endpoint_len;
	EXTENDED_KEY_USAGE *eku = EXTENDED_KEY_USAGE_new();
	unsigned char der[64] = { V_ASN1_OBJECT, (unsigned char)n };
	const unsigned char *p = der;
	ASN1_OBJECT *object;
	int ok;

	memcpy(der + 2, oid, n);
	object = d2i_ASN1_OBJECT(NULL, &p, (long)n + 2);
	ok = eku && object && sk_ASN1_OBJECT_push(eku, object);
	if (!ok)
		ASN1_OBJECT_free(object);
	ok = ok && X509_add1_ext_i2d(x, NID_ext_key_usage, eku, 1,
				     X509V3_ADD_DEFAULT) == 1;
	EXTENDED_KEY_USAGE_free(eku);
	return ok ? 0 : say_crypto("cannot make extKeyUsage");
}

static int add_extensions(X509 *x, const struct issuer *i,
			  const struct identity *id)
{
	char san[sizeof("URI:" SIV_CERT_URI) + NAME_TEXT_MAX];

	snprintf(san, sizeof(san), "URI:%s%s", SIV_CERT_URI, id->name);
	if (x509_extension(x, i->ca.cert, NID_key_usage,
			   "critical,keyAgreement") ||
	    add_eku(x, id->role) ||
	    x509_extension(x, i->ca.cert, NID_basic_constraints, "CA:FALSE") ||
	    x509_extension(x, i->ca.cert, NID_subject_key_identifier, "hash") ||
	    x509_extension(x, i->ca.cert, NID_authority_key_identifier,
			   "keyid:always") ||
	    x509_extension(x, i->ca.cert, NID_subject_alt_name, san))
		return -1;
	return 0;
}

static int fill(X509 *x, const struct issuer *i, const struct identity *id,
		const uint8_t pub[SIV_KEY_LEN], const struct validity *v)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL,
						       pub, SIV_KEY_LEN);
	int ok;

	ok = key && X509_set_version(x, X509_VERSION_3) &&
	     X509_set_pubkey(x, key) &&
	     X509_set_issuer_name(x, X509_get_subject_name(i->ca.cert));
	EVP_PKEY_free(key);
	if (!ok)
		return say_crypto("%s: cannot make a certificate", id->name);
	if (x509_serial(X509_get_serialNumber(x)) ||
	    x509_common_name(X509_get_subject_name(x), id->last) ||
	    x509_time(X509_getm_notBefore(x), v->from) ||
	    x509_time(X509_getm_notAfter(x), v->until) ||
	    add_extensions(x, i, id))
		return -1;
	if (X509_sign(x, i->ca.key, ca_digest(i->ca.key)) <= 0)
		return say_crypto("%s: cannot sign", id->name);
	return 0;
}

/* Judge what was made as every reader will, before anybody sees it. */
static int judge(const struct issuer *i, const struct identity *id,
		 const uint8_t pub[SIV_KEY_LEN], const struct validity *v,
		 const struct blob *der, struct siv_cert *c)
{
	char name[NAME_TEXT_MAX];
	enum siv_reason r;

	if (x509_profile(der, id->name, c))
		return -1;
	r = siv_cert_verify(c, i->ca.anchors);
	if (r)
		return say_failure("%s: %s", id->name, siv_reason_text(r));
	name_of(name, c);
	if (c->role != id->role || strcmp(name, id->name) ||
	    memcmp(c->pub, pub, SIV_KEY_LEN) || c->not_before != v->from ||
	    c->not_after != v->until)
		return say_failure("%s: the certificate came out wrong",
				   id->name);
	return 0;
}

static int cap(const struct issuer *i, const struct identity *id,
	       struct validity *v)
{
	char text[WHEN_LEN];

	if (v->until > i->ca.until) {
		when_text(text, i->ca.until);
		if (v->exact)
			return say_failure(
				"%s: would outlive the CA's certificate, which ends %s",
				id->name, text);
		say_note("%s: ends with the CA's certificate, %s", id->name,
			 text);
		v->until = i->ca.until;
	}
	if (v->until < v->from)
		return say_failure("%s: would end before it begins", id->name);
	return 0;
}

int issue_sign(struct issuer *i, const struct identity *id,
	       const uint8_t pub[SIV_KEY_LEN], const struct validity *v,
	       struct blob *der, struct siv_cert *c)
{
	struct validity dates = *v;
	X509 *x;
	int err;

	*der = (struct blob){ NULL, 0 };
	if (cap(i, id, &dates))
		return -1;
	x = X509_new();
	if (!x)
		return say_failure("out of memory");
	err = fill(x, i, id, pub, &dates) || x509_der(x, der) ||
	      judge(i, id, pub, &dates, der, c);
	X509_free(x);
	if (!err)
		return 0;
	blob_free(der);
	return -1;
}

int issue_record(struct issuer *i, const struct siv_cert *c,
		 struct outfile *out, size_t count)
{
	struct blob der = { (unsigned char *)(uintptr_t)c->der.p, c->der.n };
	char serial[SERIAL_HEX_MAX], file[64];
	struct blob pem;
	size_t k;
	int err;

	hex_of(serial, c->serial.p, c->serial.n);
	snprintf(file, sizeof(file), "issued/%s.crt", serial);
	if (x509_pem(&der, &pem))
		return -1;
	err = store_put(&i->store, file, 0644, pem.p, pem.n, false) ||
	      index_add(&i->index, c) || index_save(&i->index, &i->store);
	blob_free(&pem);
	if (err)
		return -1;
	for (k = 0; k < count; k++) {
		if (outfile_commit(&out[k]))
			return say_failure(
				"certificate %s stands in the index, but its files are not all there: revoke it",
				serial);
	}
	return 0;
}
