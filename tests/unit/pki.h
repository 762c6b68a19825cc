/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small world for protocol tests: one CA, parties with keys and certificates of the
 * profile, all keys derived from a seed so that a failure can be repeated.
 */
#ifndef TESTS_PKI_H
#define TESTS_PKI_H

#include "certbuild.h"
#include "core/cert.h"
#include "core/session.h"
#include "core/crypto_openssl.h"

#define PKI_REGION "demo"

/* Somebody with a static key and a certificate. */
struct pki_party {
	u8 priv[SIV_KEY_LEN];
	u8 pub[SIV_KEY_LEN];
	u8 prkh[SIV_HASH_LEN];
	struct siv_static *key;
	u8 der[SIV_CERT_MAX];
	size_t der_len;
	struct siv_cert cert;
};

/* pki_bytes() - the same bytes for the same label and number, always. */
void pki_bytes(u8 *out, size_t n, const char *label, u64 number);
/* pki_span() - a string as a span. */
struct siv_span pki_span(const char *text);

/* pki_ca() - the CA of these tests, made at the first call. */
const struct test_ca *pki_ca(void);
/* pki_der() - a certificate for a public key; @vm NULL: a host's. */
size_t pki_der(u8 out[SIV_CERT_MAX], const u8 pub[SIV_KEY_LEN],
	       const char *region, const char *vm, const char *service);
/* pki_party() - a party; @vm NULL: the host. Free with pki_party_free(). */
void pki_party(struct pki_party *p, const char *label, const char *region,
	       const char *vm, const char *service);
void pki_party_free(struct pki_party *p);
/* pki_ephemeral() - key number @number of @label, made as the product makes them. */
void pki_ephemeral(u8 priv[SIV_KEY_LEN], u8 pub[SIV_KEY_LEN], const char *label,
		   u64 number);

/* A random generator with a seed: xorshift64*. */
u64 pki_rand(u64 *state);

#endif
