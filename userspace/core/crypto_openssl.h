/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * core/crypto.h on OpenSSL 3: the objects that a user-space platform makes and frees.
 *
 * Threads: a transform belongs to one thread at a time. A static key and anchors may
 * be used by many at once, but for a static key behind a socket: one at a time.
 */
#ifndef SIV_CRYPTO_OPENSSL_H
#define SIV_CRYPTO_OPENSSL_H

#include "core/crypto.h"

/**
 * siv_aead_alloc() - a transform without a key
 *
 * Its contexts are made at the first use of a suite and direction and kept: sealing
 * and opening records allocates nothing after that. Return: NULL without memory.
 */
struct siv_aead *siv_aead_alloc(void);
/* siv_aead_free() - wipe and free; NULL is allowed. */
void siv_aead_free(struct siv_aead *t);

/**
 * siv_static_from_private() - a static key in this process
 * @priv: 32 bytes; copied
 *
 * Return: NULL without memory.
 */
struct siv_static *siv_static_from_private(const u8 priv[SIV_KEY_LEN]);

/**
 * siv_static_from_socket() - a static key that another process holds
 * @fd: connected stream or seqpacket socket of the key process; borrowed
 *
 * One request at a time, both ways of fixed length:
 *
 *   request   32 bytes   public key
 *   answer     1 byte    enum siv_key_answer
 *             32 bytes   shared secret; zero unless the first byte is 0
 *
 * siv_x25519_static() blocks for the answer. A peer that closes, or answers anything
 * else, gives SIV_R_CRYPTO for this and every later request: the answers could be those
 * of earlier requests. The key process answers with siv_static_serve().
 */
struct siv_static *siv_static_from_socket(int fd);
/* siv_static_free() - wipe and free; a socket stays open; NULL is allowed. */
void siv_static_free(struct siv_static *s);

enum siv_key_answer {
	SIV_KEY_DONE = 0,
	SIV_KEY_ZERO = 1,    /* the shared secret is zero: SIV_R_DH_ZERO */
	SIV_KEY_FAILED = 2,  /* SIV_R_CRYPTO */
	SIV_KEY_REFUSED = 3, /* not canonical: SIV_R_PUB_NOT_CANONICAL */
};

enum {
	SIV_KEY_REQUEST_LEN = SIV_KEY_LEN,
	SIV_KEY_ANSWER_LEN = 1 + SIV_KEY_LEN,
};

/**
 * siv_static_serve() - the key process: read one request and answer it
 * @s: the key, made with siv_static_from_private()
 * @fd: socket
 *
 * Return: 1 if a request was answered, 0 at the end of the connection, else a negative
 * errno (-EPROTO: the connection ended inside a request).
 */
int siv_static_serve(const struct siv_static *s, int fd);

/**
 * siv_anchors_load() - trust anchors from a file of CA certificates
 * @path: PEM (one or more) or DER (one)
 * @err: what is wrong with the file
 * @cap: room at @err
 *
 * Every certificate in the file must be a CA's (basicConstraints CA:TRUE, and keyCertSign
 * where keyUsage is present) with a key of RSA >= 3072 bits, P-256 or P-384. An anchor is
 * trusted because it is in the file: its dates and its own signature are not judged.
 * Return: NULL and @err.
 */
struct siv_anchors *siv_anchors_load(const char *path, char *err, size_t cap);
/**
 * siv_anchors_from_der() - one trust anchor from memory
 * @der: certificate, DER
 * @err: what is wrong with it
 * @cap: room at @err
 *
 * Return: NULL and @err.
 */
struct siv_anchors *siv_anchors_from_der(struct siv_span der, char *err,
					 size_t cap);
/* siv_anchors_count() - how many. */
size_t siv_anchors_count(const struct siv_anchors *a);
/**
 * siv_anchors_hash() - identifies the set, whatever the order in its file
 * @a: the anchors; NULL means none
 * @out: SHA-256; the key, with H(cert), of a cache of verified signatures
 */
void siv_anchors_hash(const struct siv_anchors *a, u8 out[SIV_HASH_LEN]);
void siv_anchors_free(struct siv_anchors *a);

/**
 * siv_random() - unpredictable bytes from the kernel
 * @p: where to
 * @n: how many
 *
 * Blocks until the kernel's generator is ready. Return: 0 or a negative errno, and
 * then @p is zero and must not be used.
 */
int __must_check siv_random(void *p, size_t n);

#endif /* SIV_CRYPTO_OPENSSL_H */
