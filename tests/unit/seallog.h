/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A debug AEAD: linked with --wrap, it notes (suite, key, nonce) of every seal in the
 * program and counts those under a pair that had been used before.
 */
#ifndef TESTS_SEALLOG_H
#define TESTS_SEALLOG_H

#include <stdbool.h>
#include <stddef.h>

/* seallog_reset() - forget what was seen: a new run with the same keys begins. */
void seallog_reset(void);
/* seallog_count() - seals since then. */
size_t seallog_count(void);
/*
 * seallog_repeats() - seals under a pair that had been used: must stay 0. Not counted is
 * what both ends seal by themselves, if it is the same: the tag of M1's empty payload,
 * and the zeros of REKEY.
 */
size_t seallog_repeats(void);
/* seallog_key_held() - is this the key that a transform holds now? */
bool seallog_key_held(const unsigned char key[32]);
/* seallog_fail() - let the seal after @n more ones fail; negative: never. */
void seallog_fail(long n);
/* seallog_fail_key() - the same for giving a transform a key. */
void seallog_fail_key(long n);

#endif
