// SPDX-License-Identifier: GPL-2.0-only
/* A small world for protocol tests: see pki.h. */
#include "pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/kdf.h"
#include "dertext.h"

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "pki: %s\n", what);
		abort();
	}
}

struct siv_span pki_span(const char *text)
{
	return (struct siv_span){ (const u8 *)text, strlen(text) };
}

void pki_bytes(u8 *out, size_t n, const char *label, u64 number)
{
	u8 block[SIV_HASH_LEN], counter[16];
	struct siv_span v[2] = { { (const u8 *)label, strlen(label) },
				 { counter, sizeof(counter) } };
	size_t i, take;

	siv_put_le64(counter, number);
	for (i = 0; i < n; i += take) {
		siv_put_le64(counter + 8, i);
		siv_sha256v(block, v, 2);
		take = n - i < sizeof(block) ? n - i : sizeof(block);
		memcpy(out + i, block, take);
	}
}

const struct test_ca *pki_ca(void)
{
	static struct test_ca ca;

	/* The curve makes a key faster; these tests do not verify signatures. */
	if (!ca.key)
		test_ca_make(&ca, TEST_P256);
	return &ca;
}

size_t pki_der(u8 out[SIV_CERT_MAX], const u8 pub[SIV_KEY_LEN],
	       const char *region, const char *vm, const char *service)
{
	u8 der[DERTEXT_MAX];
	struct certtext t;
	char san[512];
	size_t n;

	if (vm)
		certtext_default(&t, ALG_ECDSA_SHA256);
	else
		certtext_host(&t, ALG_ECDSA_SHA256);
	memcpy(t.pub, pub, SIV_KEY_LEN);
	snprintf(san, sizeof(san),
		 EXT("11", "", "30( 86( 'sivshmem://%s%s%s%s%s' ) )"), region,
		 vm ? "/" : "", vm ? vm : "", vm ? "/" : "", vm ? service : "");
	t.field[F_SAN] = san;
	n = certbuild(der, &t, pki_ca());
	must(n <= SIV_CERT_MAX, "certificate too long");
	memcpy(out, der, n);
	return n;
}

void pki_party(struct pki_party *p, const char *label, const char *region,
	       const char *vm, const char *service)
{
	enum siv_reason r;

	memset(p, 0, sizeof(*p));
	pki_bytes(p->priv, SIV_KEY_LEN, label, 0);
	must(!siv_x25519_base(p->pub, p->priv), "no public key");
	siv_hedge_prk(p->prkh, p->priv);
	p->key = siv_static_from_private(p->priv);
	must(p->key, "no static key");
	p->der_len = pki_der(p->der, p->pub, region, vm, service);
	r = siv_cert_parse((struct siv_span){ p->der, p->der_len }, &p->cert);
	must(!r, siv_reason_text(r));
}

void pki_party_free(struct pki_party *p)
{
	siv_static_free(p->key);
	memset(p, 0, sizeof(*p));
}

void pki_ephemeral(u8 priv[SIV_KEY_LEN], u8 pub[SIV_KEY_LEN], const char *label,
		   u64 number)
{
	u8 prkh[SIV_HASH_LEN], random[32], hh[SIV_HASH_LEN];

	pki_bytes(prkh, sizeof(prkh), label, 1);
	pki_bytes(random, sizeof(random), label, number);
	pki_bytes(hh, sizeof(hh), label, 2);
	must(!siv_ephemeral_make(priv, pub, prkh, random, hh, number),
	     "no ephemeral");
}

u64 pki_rand(u64 *state)
{
	u64 x = *state ? *state : 0x9e3779b97f4a7c15u;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1du;
}
