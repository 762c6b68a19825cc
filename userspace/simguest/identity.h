/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* An identity of a simulated guest: a bundle (certificate and private key) in memory. */
#ifndef SIM_IDENTITY_H
#define SIM_IDENTITY_H

#include "core/cert.h"
#include "core/crypto_openssl.h"

struct sim_identity {
	u8 der[SIV_CERT_MAX];
	struct siv_cert cert;
	struct siv_static *key;
	u8 prkh[SIV_HASH_LEN]; /* hedge for ephemerals */
};

/**
 * sim_identity_load() - read a bundle file
 * @path: certificate DER, then PKCS#8 DER
 *
 * Prints what is wrong to standard error. Return: NULL on failure.
 */
struct sim_identity *sim_identity_load(const char *path);
void sim_identity_free(struct sim_identity *id);

#endif /* SIM_IDENTITY_H */
