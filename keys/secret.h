/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Keeping secrets: no core dump, no swap; and asking for a passphrase. */
#ifndef KEYS_SECRET_H
#define KEYS_SECRET_H

#include <openssl/evp.h>
#include <stddef.h>

#include "file.h"

enum {
	PASSPHRASE_MAX = 1024
};

/* secret_no_dump() - no core dump, no ptrace by equals, private files; at the start. */
int secret_no_dump(void);
/**
 * secret_lock_memory() - keep this process out of swap, before a private key is read
 *
 * All of its memory where the limit on locked memory allows that; else OpenSSL's
 * private numbers at least, and a warning if there is swap. Return: 0 or -1.
 */
int secret_lock_memory(void);

/**
 * passphrase_get() - from the first line of a file, or from the terminal
 * @file: NULL: ask
 * @what: what it protects, for the question
 * @twice: a new one: ask twice, and at least 8 bytes
 * @out: PASSPHRASE_MAX + 1 bytes; the caller wipes it
 *
 * Return: 0 or -1.
 */
int passphrase_get(const char *file, const char *what, int twice,
		   char out[PASSPHRASE_MAX + 1]);

/**
 * private_key_pem() - PKCS#8 PEM of a private key
 * @key: the private key
 * @passphrase: NULL: not encrypted; else AES-256-CBC and scrypt
 * @out: set to it
 */
int private_key_pem(EVP_PKEY *key, const char *passphrase, struct blob *out);
/**
 * private_key_read() - a private key from PEM or DER (PKCS#8)
 * @in: the bytes
 * @where: for messages
 * @passphrase_file: as for passphrase_get(); used only if it is encrypted
 *
 * Return: the key, or NULL.
 */
EVP_PKEY *private_key_read(const struct blob *in, const char *where,
			   const char *passphrase_file);

#endif
