// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Certificate revocation lists. OpenSSL reads them; the signature is checked by the same
 * function as a certificate's, over the bytes as they were signed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/crypto_openssl.h"
#include "crl.h"

enum {
	CRL_LISTS_MAX = 16,
	CRL_ENTRIES_MAX = 1 << 20
};

struct crl_entry {
	u8 issuer[SIV_HASH_LEN];
	u8 serial_len;
	u8 serial[20];
};

struct crl {
	struct crl_entry *entry; /* sorted */
	size_t count;
	size_t lists;
	u64 number;
	s64 next_update; /* the first; 0: none says */
};

static int crl_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct crl_entry));
}

/* Serials are compared without leading zero bytes. */
static bool crl_key(struct crl_entry *e, struct siv_span issuer,
		    struct siv_span serial)
{
	memset(e, 0, sizeof(*e));
	while (serial.n > 1 && !serial.p[0]) {
		serial.p++;
		serial.n--;
	}
	if (serial.n > sizeof(e->serial))
		return false;
	siv_sha256v(e->issuer, &issuer, 1);
	e->serial_len = (u8)serial.n;
	memcpy(e->serial, serial.p, serial.n);
	return true;
}

/* Is the list signed by an anchor? */
static const char *crl_signed(X509_CRL *list, const struct siv_anchors *anchors)
{
	AUTHORITY_KEYID *akid = X509_CRL_get_ext_d2i(
		list, NID_authority_key_identifier, NULL, NULL);
	struct siv_span key = { NULL, 0 }, issuer, tbs, sig;
	const ASN1_BIT_STRING *bits;
	const X509_ALGOR *alg;
	enum siv_sig_alg sig_alg;
	unsigned char *der = NULL;
	const unsigned char *name;
	enum siv_reason r;
	size_t name_len;
	int len;

	X509_CRL_get0_signature(list, &bits, &alg);
	switch (X509_CRL_get_signature_nid(list)) {
	case NID_sha256WithRSAEncryption:
		sig_alg = SIV_SIG_RSA_SHA256;
		break;
	case NID_ecdsa_with_SHA256:
		sig_alg = SIV_SIG_ECDSA_SHA256;
		break;
	case NID_ecdsa_with_SHA384:
		sig_alg = SIV_SIG_ECDSA_SHA384;
		break;
	default:
		AUTHORITY_KEYID_free(akid);
		return "its signature algorithm is not an allowed one";
	}
	if (akid && akid->keyid)
		key = (struct siv_span){ ASN1_STRING_get0_data(akid->keyid),
					 (size_t)ASN1_STRING_length(
						 akid->keyid) };
	if (X509_NAME_get0_der(X509_CRL_get_issuer(list), &name, &name_len) !=
	    1)
		name_len = 0;
	issuer = (struct siv_span){ name_len ? name : NULL, name_len };
	/* encoded anew: a list that was not DER does not verify */
	len = i2d_re_X509_CRL_tbs(list, &der);
	tbs = (struct siv_span){ der, len > 0 ? (size_t)len : 0 };
	sig = (struct siv_span){ ASN1_STRING_get0_data(bits),
				 (size_t)ASN1_STRING_length(bits) };
	r = siv_signature_verify(anchors, key, issuer, sig_alg, tbs, sig);
	OPENSSL_free(der);
	AUTHORITY_KEYID_free(akid);
	return r ? siv_reason_text(r) : NULL;
}

static s64 crl_time(const ASN1_TIME *t)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return timegm(&tm);
}

static const char *crl_entries(struct crl *c, X509_CRL *list)
{
	STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(list);
	struct crl_entry *e;
	const unsigned char *name;
	size_t name_len;
	int i, n = sk_X509_REVOKED_num(revoked);

	if (n <= 0)
		return NULL;
	if ((size_t)n > CRL_ENTRIES_MAX - c->count)
		return "too many entries";
	if (X509_NAME_get0_der(X509_CRL_get_issuer(list), &name, &name_len) !=
	    1)
		return "its issuer cannot be read";
	e = realloc(c->entry, (c->count + (size_t)n) * sizeof(*e));
	if (!e)
		return "out of memory";
	c->entry = e;
	for (i = 0; i < n; i++) {
		const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(
			sk_X509_REVOKED_value(revoked, i));
		struct siv_span s = { ASN1_STRING_get0_data(serial),
				      (size_t)ASN1_STRING_length(serial) };

		if (!crl_key(&c->entry[c->count],
			     (struct siv_span){ name, name_len }, s))
			return "a serial number is too long";
		c->count++;
	}
	return NULL;
}

static const char *crl_add(struct crl *c, X509_CRL *list,
			   const struct siv_anchors *anchors)
{
	const char *bad = crl_signed(list, anchors);
	ASN1_INTEGER *number;
	u64 v = 0;
	s64 next;

	if (!bad)
		bad = crl_entries(c, list);
	if (bad)
		return bad;
	number = X509_CRL_get_ext_d2i(list, NID_crl_number, NULL, NULL);
	if (number && ASN1_INTEGER_get_uint64(&v, number) == 1 && v > c->number)
		c->number = v;
	ASN1_INTEGER_free(number);
	next = crl_time(X509_CRL_get0_nextUpdate(list));
	if (next && (!c->next_update || next < c->next_update))
		c->next_update = next;
	c->lists++;
	return NULL;
}

static const char *crl_read(struct crl *c, struct siv_span text,
			    const struct siv_anchors *anchors)
{
	const unsigned char *at = text.p;
	const char *bad = NULL;
	X509_CRL *list;
	BIO *bio;

	if (text.n && text.p[0] == 0x30) {
		list = d2i_X509_CRL(NULL, &at, (long)text.n);
		if (!list)
			return "not a CRL";
		bad = at == text.p + text.n ? crl_add(c, list, anchors) :
					      "bytes follow the list";
		X509_CRL_free(list);
		return bad;
	}
	bio = BIO_new_mem_buf(text.p, (int)text.n);
	if (!bio)
		return "out of memory";
	while (!bad && (list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
		bad = c->lists < CRL_LISTS_MAX ? crl_add(c, list, anchors) :
						 "too many lists";
		X509_CRL_free(list);
	}
	if (!bad &&
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		bad = "a PEM block is malformed";
	if (!bad && !c->lists)
		bad = "it holds no CRL";
	BIO_free(bio);
	return bad;
}

struct crl *crl_parse(struct siv_span text, const struct siv_anchors *anchors,
		      char *err, size_t cap)
{
	struct crl *c = calloc(1, sizeof(*c));
	const char *bad = "out of memory";

	ERR_clear_error();
	if (c)
		bad = crl_read(c, text, anchors);
	ERR_clear_error();
	if (bad) {
		snprintf(err, cap, "%s", bad);
		crl_free(c);
		return NULL;
	}
	if (c->count)
		qsort(c->entry, c->count, sizeof(*c->entry), crl_order);
	return c;
}

void crl_free(struct crl *c)
{
	if (!c)
		return;
	free(c->entry);
	free(c);
}

bool crl_has(const struct crl *c, struct siv_span issuer,
	     struct siv_span serial)
{
	struct crl_entry key;

	if (!c || !c->count || !crl_key(&key, issuer, serial))
		return false;
	return bsearch(&key, c->entry, c->count, sizeof(key), crl_order);
}

u64 crl_number(const struct crl *c)
{
	return c ? c->number : 0;
}

size_t crl_count(const struct crl *c)
{
	return c ? c->count : 0;
}

bool crl_stale(const struct crl *c, s64 now)
{
	return c && c->next_update && now > c->next_update;
}
