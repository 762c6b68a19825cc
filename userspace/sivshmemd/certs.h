/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Signatures of certificates that were verified already, by H(certificate). */
#ifndef SIVD_CERTS_H
#define SIVD_CERTS_H

#include "core/cert.h"

enum {
	CERTS_MAX = 4096,
	CERTS_SERIAL_MAX = 20
};

struct certs;

struct certs *certs_new(void);
void certs_free(struct certs *c);
/* certs_clear() - the anchors have changed. */
void certs_clear(struct certs *c);
/**
 * certs_verify() - siv_cert_verify(), remembered
 * @c: the memory
 * @cert: whose signature
 * @anchors: the CAs
 *
 * Only success is: a refused certificate is verified each time.
 */
enum siv_reason certs_verify(struct certs *c, const struct siv_cert *cert,
			     const struct siv_anchors *anchors);

#endif /* SIVD_CERTS_H */
