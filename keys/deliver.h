/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Making a certificate and the files that carry it to where it is used. */
#ifndef KEYS_DELIVER_H
#define KEYS_DELIVER_H

#include "issue.h"

/**
 * deliver_pair() - a new key pair and its certificate
 * @i: who issues
 * @id: for whom
 * @v: dates of the certificate
 * @where: an endpoint's bundle, or a host's files without .crt and .key; NULL: named
 *         after the identity
 * @renew: a live certificate of the same name is expected
 */
int deliver_pair(struct issuer *i, const struct identity *id,
		 const struct validity *v, const char *where, bool renew);
/**
 * deliver_cert() - the certificate alone, for a key that stays where it is
 * @i: who issues
 * @id: for whom
 * @pub: the public key to certify
 * @v: dates of the certificate
 * @where: DER for an endpoint, PEM for a host; NULL: named after the identity
 */
int deliver_cert(struct issuer *i, const struct identity *id,
		 const uint8_t pub[SIV_KEY_LEN], const struct validity *v,
		 const char *where);

#endif
