/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core's cryptography on the kernel's: what the floors above need
 * beyond it, namely to make and free the objects that the core only names.
 */
#ifndef SIV_CRYPTO_H
#define SIV_CRYPTO_H

#include <linux/gfp.h>

#include "core/crypto.h"

struct key;

/**
 * struct siv_static - a static X25519 private key
 * @priv: 32 bytes, clamped; wiped by its owner
 */
struct siv_static {
	u8 priv[SIV_KEY_LEN];
};

/**
 * struct siv_anchors - the trust anchors
 * @keyring: asymmetric keys of CAs; whoever found it holds the reference
 */
struct siv_anchors {
	struct key *keyring;
};

/**
 * siv_anchor_serial() - which anchor would verify this issuer's signatures now
 * @a: the anchors; NULL means none
 * @akid: authority key identifier, may be empty
 * @issuer: the issuer's name, DER
 *
 * A verdict of siv_signature_verify() holds as long as this gives the same, and not for
 * ever: a serial is one of 2^31, and is drawn again when its key is gone. May sleep.
 * Return: the key's serial, 0 if there is none or it was revoked or has expired.
 */
int siv_anchor_serial(const struct siv_anchors *a, struct siv_span akid,
		      struct siv_span issuer);

/**
 * siv_aead_alloc() - a transform without a key
 * @gfp: allocation flags
 *
 * It can take ChaChaPoly keys; siv_aead_prepare() makes it ready for others. One user at
 * a time. Return: the transform or NULL.
 */
struct siv_aead *siv_aead_alloc(gfp_t gfp);

/* siv_aead_free() - wipe and free; NULL is fine. */
void siv_aead_free(struct siv_aead *t);

/**
 * siv_aead_prepare() - make a transform ready for keys of a suite
 * @t: the transform
 * @suite: enum siv_suite
 *
 * Process context: allocates, and may load the module of a cipher. Without it
 * siv_aead_setkey() refuses AESGCM. Return: 0, -EPROTONOSUPPORT for an unknown suite or
 * one that this kernel lacks, -ENOMEM.
 */
int __must_check siv_aead_prepare(struct siv_aead *t, u16 suite);

#endif /* SIV_CRYPTO_H */
