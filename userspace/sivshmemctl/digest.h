/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* SHA-256 of what passes by. */
#ifndef SIVSHMEMCTL_DIGEST_H
#define SIVSHMEMCTL_DIGEST_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
	EVP_MD_CTX *ctx;
};

static inline bool digest_begin(struct digest *d)
{
	d->ctx = EVP_MD_CTX_new();
	return d->ctx && EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) == 1;
}

static inline bool digest_add(struct digest *d, const void *p, size_t n)
{
	return EVP_DigestUpdate(d->ctx, p, n) == 1;
}

static inline bool digest_end(struct digest *d, uint8_t out[32])
{
	return EVP_DigestFinal_ex(d->ctx, out, NULL) == 1;
}

static inline void digest_free(struct digest *d)
{
	EVP_MD_CTX_free(d->ctx);
	d->ctx = NULL;
}

#endif /* SIVSHMEMCTL_DIGEST_H */
