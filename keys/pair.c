// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* X25519 key pairs: see pair.h. */
#include "pair.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "secret.h"
#include "x509.h"

EVP_PKEY *pair_make(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

	if (!key)
		say_crypto("cannot make a key pair");
	return key;
}

int pair_public(EVP_PKEY *key, const char *where, uint8_t pub[SIV_KEY_LEN])
{
	size_t n = SIV_KEY_LEN;

	if (!EVP_PKEY_is_a(key, "X25519") ||
	    !EVP_PKEY_get_raw_public_key(key, pub, &n) || n != SIV_KEY_LEN)
		return say_failure("%s: not an X25519 key", where);
	return 0;
}

int pair_der(EVP_PKEY *key, struct blob *out)
{
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key);
	unsigned char *p = NULL;
	int n = p8 ? i2d_PKCS8_PRIV_KEY_INFO(p8, &p) : -1;

	*out = (struct blob){ NULL, 0 };
	if (n > 0)
		out->p = malloc((size_t)n + 1);
	if (out->p) {
		memcpy(out->p, p, (size_t)n);
		out->p[n] = 0;
		out->n = (size_t)n;
	}
	OPENSSL_clear_free(p, n > 0 ? (size_t)n : 0);
	PKCS8_PRIV_KEY_INFO_free(p8);
	return out->p ? 0 : say_crypto("cannot encode a private key");
}

int bundle_check(struct siv_span bundle, const char *where, struct siv_cert *c,
		 bool *has_key)
{
	struct siv_span cert, key;
	uint8_t pub[SIV_KEY_LEN];
	enum siv_reason r;

	r = siv_bundle_split(bundle, &cert, &key);
	if (!r)
		r = siv_cert_parse(cert, c);
	*has_key = !r && key.n;
	if (*has_key)
		r = siv_x25519_base(pub, key.p);
	if (!r && *has_key && memcmp(pub, c->pub, sizeof(pub)))
		r = SIV_R_KEY_MISMATCH;
	return r ? say_failure("%s: %s", where, siv_reason_text(r)) : 0;
}

int bundle_make(const struct blob *cert, EVP_PKEY *key, const char *where,
		struct blob *out)
{
	struct blob second;
	struct siv_cert c;
	bool has_key;

	*out = (struct blob){ NULL, 0 };
	if (pair_der(key, &second))
		return -1;
	out->n = cert->n + second.n;
	out->p = malloc(out->n + 1);
	if (out->p) {
		memcpy(out->p, cert->p, cert->n);
		/* say_crypto() is -1, so pair_der() has made second.p */
		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
		memcpy(out->p + cert->n, second.p, second.n);
		out->p[out->n] = 0;
	}
	blob_free(&second);
	if (!out->p)
		return say_failure("out of memory");
	if (!bundle_check((struct siv_span){ out->p, out->n }, where, &c,
			  &has_key))
		return 0;
	blob_free(out);
	return -1;
}

/* A name has no comma, and a file name no slash. */
static void challenge_file(const char *name, char out[256])
{
	char *p;

	snprintf(out, 256, "challenges/%s", name);
	for (p = strchr(out, '/') + 1; *p; p++)
		if (*p == '/')
			*p = ',';
}

static EVP_PKEY *challenge_read(const struct store *s, const char *file)
{
	struct blob pem;
	EVP_PKEY *key;

	if (secret_lock_memory() || store_get(s, file, &pem))
		return NULL;
	key = private_key_read(&pem, file, NULL);
	blob_free(&pem);
	return key;
}

static EVP_PKEY *challenge_make(const struct store *s, const char *file)
{
	struct blob pem = { NULL, 0 };
	EVP_PKEY *key;

	if (secret_lock_memory())
		return NULL;
	key = pair_make();
	if (key && !private_key_pem(key, NULL, &pem) &&
	    !store_put(s, file, 0600, pem.p, pem.n, false)) {
		blob_free(&pem);
		return key;
	}
	blob_free(&pem);
	EVP_PKEY_free(key);
	return NULL;
}

int challenge_get(const struct store *s, const char *name,
		  uint8_t pub[SIV_KEY_LEN])
{
	char file[256];
	EVP_PKEY *key;
	int err;

	challenge_file(name, file);
	if (store_has(s, file))
		key = challenge_read(s, file);
	else
		key = challenge_make(s, file);
	if (!key)
		return -1;
	err = pair_public(key, file, pub);
	EVP_PKEY_free(key);
	return err;
}

static int derive(EVP_PKEY *key, const uint8_t pub[SIV_KEY_LEN],
		  uint8_t z[SIV_KEY_LEN])
{
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL,
							pub, SIV_KEY_LEN);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t n = SIV_KEY_LEN;
	int ok;

	ok = peer && ctx && EVP_PKEY_derive_init(ctx) > 0 &&
	     EVP_PKEY_derive_set_peer(ctx, peer) > 0 &&
	     EVP_PKEY_derive(ctx, z, &n) > 0 && n == SIV_KEY_LEN;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	return ok ? 0 : -1;
}

static int check_proof(EVP_PKEY *key, const uint8_t pub[SIV_KEY_LEN],
		       const uint8_t proof[SIV_PROOF_LEN], const char *where)
{
	uint8_t challenge[SIV_KEY_LEN], z[SIV_KEY_LEN], right[SIV_PROOF_LEN];
	int err = -1;

	if (pair_public(key, "challenge", challenge))
		return -1;
	if (derive(key, pub, z)) {
		say_crypto("%s: public key of low order", where);
	} else {
		siv_key_proof(right, z, challenge, pub);
		if (CRYPTO_memcmp(right, proof, sizeof(right)))
			say_failure(
				"%s: the proof of possession is wrong: another key, or another challenge",
				where);
		else
			err = 0;
	}
	siv_wipe(z, sizeof(z));
	siv_wipe(right, sizeof(right));
	return err;
}

int challenge_answer(const struct store *s, const char *name,
		     const struct blob *answer, const char *where,
		     uint8_t pub[SIV_KEY_LEN])
{
	struct siv_span spki = { answer->p, SIV_SPKI_LEN };
	char file[256];
	enum siv_reason r;
	EVP_PKEY *key;
	int err;

	if (answer->n == SIV_SPKI_LEN)
		return say_failure(
			"%s: a public key without a proof of possession: see challenge",
			where);
	if (answer->n != SIV_SPKI_LEN + SIV_PROOF_LEN)
		return say_failure(
			"%s: %zu bytes, not %d: a public key and its proof",
			where, answer->n, SIV_SPKI_LEN + SIV_PROOF_LEN);
	r = siv_spki_get(spki, pub);
	if (r)
		return say_failure("%s: %s", where, siv_reason_text(r));
	challenge_file(name, file);
	if (!store_has(s, file))
		return say_failure("%s: no challenge is pending: see challenge",
				   name);
	key = challenge_read(s, file);
	if (!key)
		return -1;
	err = check_proof(key, pub, answer->p + SIV_SPKI_LEN, where);
	EVP_PKEY_free(key);
	return err;
}

int challenge_done(const struct store *s, const char *name)
{
	char file[256];

	challenge_file(name, file);
	return store_remove(s, file);
}
