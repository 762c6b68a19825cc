/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* X25519 key pairs (RFC 8410), and the proof that somebody has the private half. */
#ifndef KEYS_PAIR_H
#define KEYS_PAIR_H

#include <openssl/evp.h>

#include "core/cert.h"
#include "file.h"
#include "store.h"

/* pair_make() - a new key pair; NULL after saying why not. */
EVP_PKEY *pair_make(void);
/* pair_public() - its public key; says it if it is not X25519. */
int pair_public(EVP_PKEY *key, const char *where, uint8_t pub[SIV_KEY_LEN]);
/* pair_der() - PKCS#8 DER of the private key: the second half of a bundle. */
int pair_der(EVP_PKEY *key, struct blob *out);

/**
 * bundle_make() - certificate DER, then PKCS#8 DER
 * @cert: DER
 * @key: the private key
 * @where: for messages
 * @out: set to it
 *
 * Checked as the driver will check it: profile, form, and that the two match.
 */
int bundle_make(const struct blob *cert, EVP_PKEY *key, const char *where,
		struct blob *out);
/* bundle_check() - do the halves of a bundle match? @has_key: is there a second one? */
int bundle_check(struct siv_span bundle, const char *where, struct siv_cert *c,
		 bool *has_key);

/**
 * challenge_get() - the pending challenge of a name, or a new one
 * @s: where it is kept
 * @name: the identity
 * @pub: 32 bytes for the guest
 */
int challenge_get(const struct store *s, const char *name,
		  uint8_t pub[SIV_KEY_LEN]);
/**
 * challenge_answer() - check SPKI and proof (cert.h) against the pending challenge
 * @s: where the challenge is kept
 * @name: the identity
 * @answer: what the guest sent
 * @where: for messages
 * @pub: the public key that is proved
 *
 * The challenge stays until challenge_done(). Return: 0, or -1 after saying why.
 */
int challenge_answer(const struct store *s, const char *name,
		     const struct blob *answer, const char *where,
		     uint8_t pub[SIV_KEY_LEN]);
int challenge_done(const struct store *s, const char *name);

#endif
