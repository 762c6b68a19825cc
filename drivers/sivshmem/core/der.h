/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A strict, bounded DER reader (X.690): definite minimal lengths, single-byte tags,
 * no recursion, no allocation. A reader is a cursor over borrowed bytes.
 */
#ifndef SIV_CORE_DER_H
#define SIV_CORE_DER_H

#include "reason.h"

enum {
	SIV_DER_BOOLEAN = 0x01,
	SIV_DER_INTEGER = 0x02,
	SIV_DER_BIT_STRING = 0x03,
	SIV_DER_OCTET_STRING = 0x04,
	SIV_DER_NULL = 0x05,
	SIV_DER_OID = 0x06,
	SIV_DER_UTC_TIME = 0x17,
	SIV_DER_GENERALIZED_TIME = 0x18,
	SIV_DER_SEQUENCE = 0x30,
	SIV_DER_SET = 0x31,
};

struct siv_der {
	const u8 *p;
	size_t left;
};

static inline struct siv_der siv_der_from(struct siv_span s)
{
	return (struct siv_der){ .p = s.p, .left = s.n };
}

/* siv_der_peek() - tag of the next element; 0 at the end. */
static inline u8 siv_der_peek(const struct siv_der *d)
{
	return d->left ? d->p[0] : 0;
}

/**
 * siv_der_next() - take the next element
 * @d: advanced past it on success
 * @tag: must be its tag
 * @content: set to its content
 * @whole: if not NULL, set to the element with tag and length
 *
 * Return: SIV_OK, SIV_R_DER_TAG, SIV_R_DER_TRUNCATED, SIV_R_DER_LENGTH.
 */
enum siv_reason __must_check siv_der_next(struct siv_der *d, u8 tag,
					  struct siv_span *content,
					  struct siv_span *whole);

/* siv_der_end() - SIV_OK, or SIV_R_DER_TRAILING if anything is left. */
enum siv_reason __must_check siv_der_end(const struct siv_der *d);

/* siv_der_time() - UTCTime or GeneralizedTime (RFC 5280 4.1.2.5) as seconds since 1970. */
enum siv_reason __must_check siv_der_time(struct siv_der *d, s64 *seconds);

#endif /* SIV_CORE_DER_H */
