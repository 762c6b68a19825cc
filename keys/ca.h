/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The certificate authority: its key and certificate in the state directory. */
#ifndef KEYS_CA_H
#define KEYS_CA_H

#include <openssl/x509.h>

#include "core/crypto_openssl.h"
#include "store.h"

/**
 * struct ca - a CA that can sign
 * @key: private key
 * @cert: its certificate
 * @until: last second of @cert
 * @anchors: @cert as a trust anchor, to judge what was signed
 */
struct ca {
	EVP_PKEY *key;
	X509 *cert;
	int64_t until;
	struct siv_anchors *anchors;
};

/* What init-ca asks for. */
struct ca_wish {
	const char *algorithm; /* rsa3072, rsa4096, p256, p384 */
	const char *name;      /* common name */
	int64_t from, until;
	const char *passphrase; /* NULL: not encrypted */
};

/* ca_algorithm_known() - may it stand in a struct ca_wish? */
int ca_algorithm_known(const char *name);
/* ca_create() - make key and certificate, and write them into an empty store. */
int ca_create(const struct store *s, const struct ca_wish *wish);
/* ca_open() - read both; the passphrase is asked for if there is one. */
int ca_open(struct ca *ca, const struct store *s, const char *passphrase_file);
void ca_close(struct ca *ca);
/* ca_digest() - the hash that goes with the CA's key. */
const EVP_MD *ca_digest(EVP_PKEY *key);

#endif
