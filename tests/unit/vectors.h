/* SPDX-License-Identifier: GPL-2.0-only */
/* What the vector programs share: JSON with places in errors, hexadecimal, a score. */
#ifndef SIV_TEST_VECTORS_H
#define SIV_TEST_VECTORS_H

#include <jansson.h>

#include "core/crypto.h"

/* Bytes on the heap, from a hexadecimal string. */
struct bytes {
	u8 *p;
	size_t n;
};

/* How a file went; what it printed last. */
struct score {
	unsigned int passed;
	unsigned int failed;
	unsigned int skipped;
};

/**
 * vectors_load() - read a JSON file
 * @path: its name
 *
 * A file that cannot be read or parsed is an error with file, line and column, and
 * exit status 2; the file's name is kept for the messages of the functions below.
 */
json_t *vectors_load(const char *path);

/**
 * vectors_die() - the file is JSON but not of the format: exit status 2
 * @where: the case, such as "vectors[3]"
 * @fmt: what is wrong with it
 */
void __attribute__((noreturn, format(printf, 2, 3)))
vectors_die(const char *where, const char *fmt, ...);

/* vectors_member() - a member of the wanted type, or exit status 2. */
json_t *vectors_member(const char *where, json_t *object, const char *name,
		       json_type type);
/* vectors_hex() - a hexadecimal member; not there: empty if @optional, else exit 2. */
struct bytes vectors_hex(const char *where, json_t *object, const char *name,
			 bool optional);
/* vectors_key() - a hexadecimal member of exactly 32 bytes. */
bool vectors_key(const char *where, json_t *object, const char *name,
		 bool optional, u8 out[SIV_KEY_LEN]);
void bytes_free(struct bytes *b);
static inline struct siv_span bytes_span(struct bytes b)
{
	return (struct siv_span){ b.p, b.n };
}

/* vectors_end() - print the score; the exit status: 1 if any failed or none passed. */
int vectors_end(const struct score *s);

#endif /* SIV_TEST_VECTORS_H */
