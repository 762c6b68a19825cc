/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the core asks of a platform's cryptography. Every platform links its own
 * definitions: drivers/sivshmem/crypto.c on the kernel's library and crypto API,
 * userspace/core/crypto_openssl.c on OpenSSL. There is no table of pointers.
 *
 * Nothing here allocates on behalf of the core: transforms (struct siv_aead) and
 * static private keys (struct siv_static) are objects of the platform, made and
 * freed by it, and the core only names them.
 */
#ifndef SIV_CORE_CRYPTO_H
#define SIV_CORE_CRYPTO_H

#include "platform.h"
#include "reason.h"

enum {
	SIV_KEY_LEN = 32,  /* X25519 keys, AEAD keys, psk, PRK */
	SIV_HASH_LEN = 32, /* SHA-256 */
	SIV_TAG_LEN = 16,  /* both AEADs */
};

/* Cipher suites, protocol.rst "Suites". */
enum siv_suite {
	SIV_SUITE_CHACHAPOLY = 1,
	SIV_SUITE_AESGCM = 2,
};

struct siv_aead;   /* one AEAD transform: holds one key at a time */
struct siv_static; /* a static X25519 private key, wherever it lives */

/**
 * siv_sha256v() - SHA-256 over the concatenation of spans
 * @out: 32 bytes
 * @v: the spans, in order
 * @n: how many
 */
void siv_sha256v(u8 out[SIV_HASH_LEN], const struct siv_span *v, size_t n);

/**
 * siv_x25519() - X25519 with an ephemeral private key (RFC 7748)
 * @out: 32 bytes, the shared secret; all zero on failure
 * @priv: 32 bytes, clamped by this function
 * @pub: 32 bytes; the caller has checked that it is canonical
 *
 * Return: SIV_OK, or SIV_R_DH_ZERO if the result is all zero (tested in constant
 * time); the platform's failures give SIV_R_CRYPTO.
 */
enum siv_reason __must_check siv_x25519(u8 out[SIV_KEY_LEN],
					const u8 priv[SIV_KEY_LEN],
					const u8 pub[SIV_KEY_LEN]);

/**
 * siv_x25519_base() - the public key of a private key
 * @pub: 32 bytes
 * @priv: 32 bytes, clamped by this function
 */
enum siv_reason __must_check siv_x25519_base(u8 pub[SIV_KEY_LEN],
					     const u8 priv[SIV_KEY_LEN]);

/**
 * siv_x25519_static() - X25519 with a static private key
 * @out: 32 bytes
 * @s: the key: in a guest the identity's, in the daemon a handle on the process
 *     that holds the host's
 * @pub: 32 bytes; the caller has checked that it is canonical
 *
 * Return: as siv_x25519().
 */
enum siv_reason __must_check siv_x25519_static(u8 out[SIV_KEY_LEN],
					       const struct siv_static *s,
					       const u8 pub[SIV_KEY_LEN]);

/**
 * siv_aead_setkey() - give a transform a key
 * @t: the transform; its earlier key is wiped
 * @suite: enum siv_suite
 * @key: 32 bytes
 *
 * Return: SIV_OK, SIV_R_SUITE for a suite the platform lacks, or SIV_R_CRYPTO.
 */
enum siv_reason __must_check siv_aead_setkey(struct siv_aead *t, u16 suite,
					     const u8 key[SIV_KEY_LEN]);

/**
 * siv_aead_seal() - encrypt and authenticate
 * @t: a transform with a key
 * @n: nonce: 4 zero bytes and @n as 64 bits, little-endian for ChaChaPoly,
 *     big-endian for AESGCM (Noise, section 12)
 * @ad: associated data, may be empty
 * @in: plaintext; never in memory that another party may write
 * @out: @in.n + SIV_TAG_LEN bytes; may be the same as @in.p; private memory
 *
 * Buffers of 64 KiB and less must work; in the kernel they are linear (kmalloc), but
 * @ad of up to 64 and @in of up to 80 bytes may be anywhere, also on the stack. These
 * two rules hold for siv_aead_open() as well.
 * Return: SIV_OK or SIV_R_CRYPTO.
 */
enum siv_reason __must_check siv_aead_seal(struct siv_aead *t, u64 n,
					   struct siv_span ad,
					   struct siv_span in, u8 *out);

/**
 * siv_aead_open() - verify and decrypt
 * @t: a transform with a key
 * @n: nonce, as in siv_aead_seal()
 * @ad: associated data, may be empty
 * @in: ciphertext and tag; private memory
 * @out: @in.n - SIV_TAG_LEN bytes; may be the same as @in.p
 *
 * Return: SIV_OK; SIV_R_TAG if @in is shorter than a tag or does not verify (then
 * @out holds nothing of the plaintext); SIV_R_CRYPTO.
 */
enum siv_reason __must_check siv_aead_open(struct siv_aead *t, u64 n,
					   struct siv_span ad,
					   struct siv_span in, u8 *out);

/* siv_aead_clear() - wipe the transform's key. */
void siv_aead_clear(struct siv_aead *t);

/* siv_equal() - constant-time comparison: true if the @n bytes are the same. */
bool siv_equal(const void *a, const void *b, size_t n);

/* Signature algorithms of certificates. */
enum siv_sig_alg {
	SIV_SIG_RSA_SHA256 = 1, /* sha256WithRSAEncryption, RFC 4055 */
	SIV_SIG_ECDSA_SHA256,	/* RFC 5758 */
	SIV_SIG_ECDSA_SHA384,
};

struct siv_anchors; /* the platform's trust anchors */

/**
 * siv_signature_verify() - is this signature one of a trust anchor's?
 * @a: the anchors; NULL means none
 * @akid: authorityKeyIdentifier of the certificate; empty if it has none
 * @issuer: DER of the issuer's name
 * @alg: enum siv_sig_alg
 * @tbs: the signed bytes
 * @sig: the signature
 *
 * May sleep. Return: SIV_OK, SIV_R_NO_ANCHOR, SIV_R_SIGNATURE, or SIV_R_SIG_ALG
 * where the platform lacks the algorithm.
 */
enum siv_reason __must_check siv_signature_verify(const struct siv_anchors *a,
						  struct siv_span akid,
						  struct siv_span issuer,
						  enum siv_sig_alg alg,
						  struct siv_span tbs,
						  struct siv_span sig);

#endif /* SIV_CORE_CRYPTO_H */
