// SPDX-License-Identifier: GPL-2.0-only
/* Certificates and revocation lists: see papers.h. */
#include "papers.h"

#include <stdlib.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "pki.h"

enum {
	MONTH = 30 * 86400,
};

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "papers: %s\n", what);
		abort();
	}
}

static void put_time(char *out, size_t cap, time_t t)
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, cap, "%y%m%d%H%M%SZ", &tm);
}

size_t paper_der(u8 out[SIV_CERT_MAX], const struct paper *p,
		 const u8 pub[SIV_KEY_LEN], char serial[24])
{
	static u32 last = 1000;
	char validity[128], san[512], number[32], from[32], to[32];
	u32 n = p->serial ? p->serial : ++last;
	bool always = !p->from && !p->to;
	struct certtext t;
	time_t now = time(NULL);

	if (p->vm)
		certtext_default(&t, ALG_ECDSA_SHA256);
	else
		certtext_host(&t, ALG_ECDSA_SHA256);
	memcpy(t.pub, pub, SIV_KEY_LEN);
	put_time(from, sizeof(from), now + (always ? -3600 : p->from));
	put_time(to, sizeof(to), now + (always ? MONTH : p->to));
	snprintf(validity, sizeof(validity), "30( 17( '%s' ) 17( '%s' ) )",
		 from, to);
	snprintf(san, sizeof(san),
		 EXT("11", "", "30( 86( 'sivshmem://%s%s%s%s%s' ) )"),
		 p->region, p->vm ? "/" : "", p->vm ? p->vm : "",
		 p->vm ? "/" : "", p->vm ? p->service : "");
	snprintf(number, sizeof(number), "02( 5a%08x )", n);
	if (serial)
		snprintf(serial, 24, "5a%08x", n);
	t.field[F_VALIDITY] = validity;
	t.field[F_SAN] = san;
	t.field[F_SERIAL] = number;
	return certbuild(out, &t, p->ca ? p->ca : pki_ca());
}

static void add_ext(X509_CRL *list, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);

	must(ext && X509_CRL_add_ext(list, ext, -1), "extension");
	X509_EXTENSION_free(ext);
}

static void add_serial(X509_CRL *list, u32 serial, const ASN1_TIME *when)
{
	u8 bytes[5] = { 0x5a, (u8)(serial >> 24), (u8)(serial >> 16),
			(u8)(serial >> 8), (u8)serial };
	X509_REVOKED *r = X509_REVOKED_new();
	BIGNUM *bn = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ASN1_INTEGER *number = BN_to_ASN1_INTEGER(bn, NULL);

	must(r && number && X509_REVOKED_set_serialNumber(r, number) &&
		     X509_REVOKED_set_revocationDate(
			     r, (ASN1_TIME *)(uintptr_t)when) &&
		     X509_CRL_add0_revoked(list, r),
	     "revoked entry");
	ASN1_INTEGER_free(number);
	BN_free(bn);
}

void paper_crl(FILE *f, const struct test_ca *ca, const u32 *serials,
	       size_t count, long number)
{
	X509_CRL *list = X509_CRL_new();
	ASN1_TIME *now = ASN1_TIME_adj(NULL, time(NULL), 0, -60);
	ASN1_TIME *next = ASN1_TIME_adj(NULL, time(NULL), 7, 0);
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	X509V3_CTX ctx;
	size_t i;

	must(list && now && next, "memory");
	X509_CRL_set_version(list, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(ca->cert));
	X509_CRL_set1_lastUpdate(list, now);
	X509_CRL_set1_nextUpdate(list, next);
	for (i = 0; i < count; i++)
		add_serial(list, serials[i], now);
	X509V3_set_ctx(&ctx, ca->cert, NULL, NULL, list, 0);
	add_ext(list, &ctx, NID_authority_key_identifier, "keyid:always");
	must(n && ASN1_INTEGER_set(n, number) &&
		     X509_CRL_add1_ext_i2d(list, NID_crl_number, n, 0, 0) == 1,
	     "number");
	ASN1_INTEGER_free(n);
	X509_CRL_sort(list);
	must(X509_CRL_sign(list, ca->key, ca->md) > 0, "signature");
	must(PEM_write_X509_CRL(f, list) == 1, "writing");
	X509_CRL_free(list);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
}
