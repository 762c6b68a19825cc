/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The CA's list of revoked certificates. */
#ifndef SIVD_CRL_H
#define SIVD_CRL_H

#include "core/crypto.h"

struct crl;

/**
 * crl_parse() - CRLs from a file's content: one or more, PEM or one DER
 * @text: content
 * @anchors: each list must be signed by one of them
 * @err: what is wrong, for people
 * @cap: bytes at @err
 *
 * A list whose nextUpdate has passed is taken (what it revokes stays revoked) and noted
 * by crl_stale(). Return: NULL and @err.
 */
struct crl *crl_parse(struct siv_span text, const struct siv_anchors *anchors,
		      char *err, size_t cap);
void crl_free(struct crl *c);
/* crl_has() - is the certificate with this issuer and serial revoked? NULL: nothing is. */
bool crl_has(const struct crl *c, struct siv_span issuer,
	     struct siv_span serial);
/* crl_number() - the highest number of the lists; 0 if there are none. */
u64 crl_number(const struct crl *c);
size_t crl_count(const struct crl *c);
bool crl_stale(const struct crl *c, s64 now);

#endif /* SIVD_CRL_H */
