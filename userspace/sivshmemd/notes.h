/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Findings about configuration files: "file:line: text", kept until they are shown. */
#ifndef SIVD_NOTES_H
#define SIVD_NOTES_H

#include <stdbool.h>
#include <stddef.h>

enum {
	NOTES_MAX = 100
};

/**
 * struct notes - errors and warnings, in the order of their discovery
 * @text: lines, each ended by a newline; NULL if there are none
 * @first_error: the first error's line, without newline
 * @len: bytes of @text
 * @errors: how many errors were found (also those past NOTES_MAX)
 * @warnings: likewise
 */
struct notes {
	char *text;
	char *first_error;
	size_t len;
	unsigned int errors;
	unsigned int warnings;
};

/**
 * notes_error() - something is wrong: the file is not to be used
 * @n: the findings
 * @file: its name as the user gave it
 * @line: 0 if no line is to blame
 * @fmt: what is wrong
 */
void notes_error(struct notes *n, const char *file, unsigned int line,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* notes_warning() - something is allowed, but should be known. */
void notes_warning(struct notes *n, const char *file, unsigned int line,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* notes_clear() - forget everything. */
void notes_clear(struct notes *n);

#endif /* SIVD_NOTES_H */
