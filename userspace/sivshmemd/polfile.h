/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Values of the policy file: numbers with units, names, lists. */
#ifndef SIVD_POLFILE_H
#define SIVD_POLFILE_H

#include "core/wire.h"

/* polfile_size() - bytes: 4096, 64K, 16M, 2G. */
bool polfile_size(const char *text, u64 *out);
/* polfile_time() - milliseconds: 500ms, 10s, 5m, 1h; without a unit, seconds. */
bool polfile_time(const char *text, u64 *out);
/* polfile_number() - decimal, at most @max. */
bool polfile_number(const char *text, u64 max, u64 *out);
/* polfile_name() - a name of a region, VM or service into a field of SIV_NAME_LEN. */
bool polfile_name(const char *text, char out[SIV_NAME_LEN]);
/**
 * polfile_word() - the next word of a list (commas and blanks separate)
 * @at: where to go on; moved
 * @out: at least @cap bytes
 * @cap: bytes at @out
 *
 * Return: 1 a word, 0 the end, -1 a word that is too long.
 */
int polfile_word(const char **at, char *out, size_t cap);

#endif /* SIVD_POLFILE_H */
