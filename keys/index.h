/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the CA has issued and revoked: a text file, one line a certificate, rewritten
 * whole with every change.
 *
 *   sivshmem-keys index 1
 *   crl-number NUMBER
 *   SERIAL ROLE NAME FROM UNTIL PUBLIC-KEY REVOKED REASON
 *
 * Hexadecimal in lower case, times as 2027-01-31T00:00:00Z, "-" for none.
 */
#ifndef KEYS_INDEX_H
#define KEYS_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cert.h"
#include "store.h"

enum {
	SERIAL_HEX_MAX = 41,
	NAME_TEXT_MAX = 3 * SIV_NAME_LEN,
	REASON_MAX = 24,
};

/* One certificate. */
struct record {
	char serial[SERIAL_HEX_MAX];
	enum siv_cert_role role;
	char name[NAME_TEXT_MAX]; /* REGION/VM/SERVICE or REGION */
	int64_t from;
	int64_t until;
	uint8_t pub[SIV_KEY_LEN];
	int64_t revoked; /* 0: not */
	char reason[REASON_MAX];
};

struct index {
	uint64_t crl_number; /* of the last CRL; 0: none yet */
	struct record *records;
	size_t count;
	size_t room;
};

enum record_state {
	RECORD_LIVE,
	RECORD_EXPIRED,
	RECORD_REVOKED
};

/* index_load() - read it; says what is wrong, with the line. */
int index_load(struct index *x, const struct store *s);
/* index_save() - write it, replacing the old one in one step. */
int index_save(const struct index *x, const struct store *s);
void index_free(struct index *x);

/* index_add() - append a certificate; not yet saved. */
int index_add(struct index *x, const struct siv_cert *c);

enum record_state record_state(const struct record *r, int64_t now);
/* record_state_text() - "live", "expired" or "revoked". */
const char *record_state_text(enum record_state s);
/* record_role_text() - "endpoint" or "host". */
const char *record_role_text(enum siv_cert_role role);
/* record_matches() - is @which its serial or its name? */
bool record_matches(const struct record *r, const char *which);

/* name_of() - REGION/VM/SERVICE or REGION of a certificate. */
void name_of(char out[NAME_TEXT_MAX], const struct siv_cert *c);
/* hex_of() - bytes in lower-case hexadecimal; @out has room for 2 * n + 1. */
void hex_of(char *out, const uint8_t *p, size_t n);

#endif
