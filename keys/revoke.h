/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Revoking, and the signed list of what is revoked (RFC 5280, v2). */
#ifndef KEYS_REVOKE_H
#define KEYS_REVOKE_H

#include "issue.h"

/* revoke_reason_code() - of a reason's name in RFC 5280; -1: not one we take. */
int revoke_reason_code(const char *reason);

/* revoke_serial() - mark one as revoked now, and save the index. */
int revoke_serial(struct issuer *i, const char *serial, const char *reason);

/**
 * crl_make() - sign a list of everything ever revoked
 * @i: the CA that signs, and its index
 * @now: when this one is made
 * @until: when the next one is due
 * @pem: set to it
 *
 * Counts the index's CRL number up; the caller saves the index.
 */
int crl_make(struct issuer *i, int64_t now, int64_t until, struct blob *pem);

/**
 * crl_find() - is a serial number on a list?
 * @path: PEM or DER
 * @ca: DER of the CA's certificate, which must have signed it
 * @serial: the number looked for
 * @now: the list must be in force then
 * @found: set
 */
int crl_find(const char *path, const struct blob *ca, struct siv_span serial,
	     int64_t now, bool *found);

#endif
