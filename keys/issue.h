/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Issuing: one identity certificate, signed, judged by the profile, and recorded. */
#ifndef KEYS_ISSUE_H
#define KEYS_ISSUE_H

#include "ca.h"
#include "core/cert.h"
#include "index.h"

/**
 * struct identity - a name to certify
 * @role: host or endpoint, as the number of parts says
 * @name: REGION or REGION/VM/SERVICE
 * @last: its last part: the subject's common name
 */
struct identity {
	enum siv_cert_role role;
	const char *name;
	const char *last;
};

/* identity_parse() - of that role; says what is wrong. Return: 0, EXIT_USAGE. */
int identity_parse(struct identity *id, const char *name,
		   enum siv_cert_role role);

/**
 * struct validity - dates of a certificate
 * @from: first second
 * @until: last second
 * @exact: @until was asked for: refuse, do not shorten, if the CA ends before it
 */
struct validity {
	int64_t from, until;
	bool exact;
};

/**
 * struct issuer - what every issuing command works with
 * @store: the state directory, locked
 * @index: what was issued and revoked
 * @ca: certificate, and the key if it signs
 */
struct issuer {
	struct store store;
	struct index index;
	struct ca ca;
};

/* issuer_open() - store, index, and the CA's key if @sign. */
int issuer_open(struct issuer *i, const char *dir, bool sign,
		const char *passphrase_file);
void issuer_close(struct issuer *i);

/**
 * issue_allowed() - may this public key and name be certified?
 * @i: whose index says it
 * @id: the name
 * @pub: the public key
 * @renew: an earlier certificate of the same name and key is expected
 *
 * Refuses a key that another live certificate carries, one that was revoked, and a
 * name that a live certificate has under another key.
 */
int issue_allowed(const struct issuer *i, const struct identity *id,
		  const uint8_t pub[SIV_KEY_LEN], bool renew);
/**
 * issue_sign() - make the certificate; nothing is written yet
 * @i: the CA that signs
 * @id: the name
 * @pub: the public key
 * @v: its dates
 * @der: set to it; @c points into it
 * @c: set to what it says
 */
int issue_sign(struct issuer *i, const struct identity *id,
	       const uint8_t pub[SIV_KEY_LEN], const struct validity *v,
	       struct blob *der, struct siv_cert *c);
/**
 * issue_record() - write it into the store, then give the output files their names
 * @i: whose store and index
 * @c: from issue_sign()
 * @out: begun, @count of them
 * @count: how many @out
 *
 * So a key is never given out whose certificate is not recorded.
 */
int issue_record(struct issuer *i, const struct siv_cert *c,
		 struct outfile *out, size_t count);

#endif
