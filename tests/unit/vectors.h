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

/* Where something stands in a file, such as "vectors[3]", and if it is malformed. */
struct place {
	char name[96];
	bool bad;
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
 * @list: the member of its top level that is an array of what is to be run
 *
 * A file that cannot be read or parsed, or has no such member, is an error with exit
 * status 2; the file's name is kept for the messages of the functions below.
 */
json_t *vectors_load(const char *path, const char *list);

/* vectors_die() - exit status 2, for want of memory. */
_Noreturn void vectors_die(void);

/* vectors_bad() - something is malformed there: say what, once for a place. */
void __attribute__((format(printf, 2, 3)))
vectors_bad(struct place *at, const char *fmt, ...);

/* vectors_member() - a member of the wanted type; else NULL, and @at is bad. */
json_t *vectors_member(struct place *at, json_t *object, const char *name,
		       json_type type);
/* vectors_hex() - a hexadecimal member; not there: empty, and bad unless @optional. */
struct bytes vectors_hex(struct place *at, json_t *object, const char *name,
			 bool optional);
/* vectors_key() - a hexadecimal member of exactly 32 bytes. */
void vectors_key(struct place *at, json_t *object, const char *name,
		 u8 out[SIV_KEY_LEN]);
void bytes_free(struct bytes *b);
static inline struct siv_span bytes_span(struct bytes b)
{
	return (struct siv_span){ b.p, b.n };
}

/* vectors_count() - passed, unless @wrong says what did not come out or @at is bad. */
void vectors_count(struct score *s, const struct place *at, const char *wrong);
/* vectors_end() - print the score; the exit status: 1 if any failed or none passed. */
int vectors_end(const struct score *s);

#endif /* SIV_TEST_VECTORS_H */
