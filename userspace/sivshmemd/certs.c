// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Verified certificates: a direct-mapped table by hash. It holds for one set of anchors;
 * whoever changes them clears it.
 */
#include <stdlib.h>

#include "certs.h"

struct certs {
	struct {
		bool used;
		u8 hash[SIV_HASH_LEN];
	} slot[CERTS_MAX];
};

struct certs *certs_new(void)
{
	return calloc(1, sizeof(struct certs));
}

void certs_free(struct certs *c)
{
	free(c);
}

void certs_clear(struct certs *c)
{
	memset(c, 0, sizeof(*c));
}

enum siv_reason certs_verify(struct certs *c, const struct siv_cert *cert,
			     const struct siv_anchors *anchors)
{
	u32 at = siv_get_le32(cert->hash) % CERTS_MAX;
	enum siv_reason r;

	if (c->slot[at].used &&
	    !memcmp(c->slot[at].hash, cert->hash, SIV_HASH_LEN))
		return SIV_OK;
	r = siv_cert_verify(cert, anchors);
	if (!r) {
		c->slot[at].used = true;
		memcpy(c->slot[at].hash, cert->hash, SIV_HASH_LEN);
	}
	return r;
}
