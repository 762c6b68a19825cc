// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever the bytes, the certificate and bundle parsers stay inside them; what they
 * tell lies inside as well, and OpenSSL reads the certificates that they take.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cert.h"
#include "core/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void inside(struct siv_span s, struct siv_span all)
{
	must(!s.n || (s.p >= all.p && s.n <= all.n &&
		      (size_t)(s.p - all.p) <= all.n - s.n));
}

/* What a parsed certificate promises. */
static void promises(const struct siv_cert *c, struct siv_span all)
{
	const struct siv_span none = { NULL, 0 };
	struct siv_cert again;

	inside(c->der, all);
	inside(c->tbs, c->der);
	inside(c->serial, c->tbs);
	inside(c->issuer, c->tbs);
	inside(c->akid, c->tbs);
	inside(c->skid, c->tbs);
	inside(c->sig, c->der);
	inside(c->region, c->tbs);
	inside(c->vm, c->tbs);
	inside(c->service, c->tbs);
	must(c->serial.n >= 1 && c->serial.n <= 20 && c->sig.n);
	must(siv_name_check(c->region));
	if (c->role == SIV_CERT_ENDPOINT)
		must(siv_name_check(c->vm) && siv_name_check(c->service));
	else
		must(c->role == SIV_CERT_HOST && !c->vm.n && !c->service.n);
	must(siv_cert_is(c, c->role, c->region, none, none) == SIV_OK);
	must(siv_cert_parse(c->der, &again) == SIV_OK);
	must(!memcmp(again.hash, c->hash, sizeof(c->hash)));
}

static void openssl_reads(const struct siv_cert *c)
{
	const uint8_t *p = c->der.p;
	X509 *x = d2i_X509(NULL, &p, (long)c->der.n);

	must(x && p == c->der.p + c->der.n);
	must(X509_check_purpose(x, -1, 0) == 1);
	must(!(X509_get_extension_flags(x) & EXFLAG_INVALID));
	must(X509_check_ca(x) == 0);
	X509_free(x);
	ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* in a block of its own size, so that one byte too far is seen */
	uint8_t *copy = malloc(size ? size : 1);
	struct siv_span all = { copy, size }, cert, key;
	struct siv_der d;
	struct siv_cert c;
	s64 seconds;

	must(copy);
	if (size)
		memcpy(copy, data, size);
	if (siv_cert_parse(all, &c) == SIV_OK) {
		promises(&c, all);
		openssl_reads(&c);
	}
	if (siv_bundle_split(all, &cert, &key) == SIV_OK) {
		inside(cert, all);
		inside(key, all);
		must(cert.n && (!key.n || key.n == SIV_KEY_LEN));
		if (siv_cert_parse(cert, &c) == SIV_OK)
			promises(&c, cert);
	}
	d = siv_der_from(all);
	if (siv_der_time(&d, &seconds) == SIV_OK)
		must(seconds >= -631152000 && seconds <= 253402300799);
	free(copy);
	return 0;
}
