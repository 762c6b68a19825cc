/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* JSON: writing one object on one line, and reading what the daemon answers. */
#ifndef SIVSHMEMCTL_JSON_H
#define SIVSHMEMCTL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Writing. Texts may be anything: what is no UTF-8 becomes U+FFFD. */
struct json_out {
	FILE *to;
	bool comma;
};

/* json_begin() - "{"; json_end() - "}" and a newline. */
void json_begin(struct json_out *j, FILE *to);
void json_end(struct json_out *j);
/* Nested; @name NULL inside a list. */
void json_open(struct json_out *j, const char *name, char bracket);
void json_close(struct json_out *j, char bracket);
void json_text(struct json_out *j, const char *name, const char *text);
void json_number(struct json_out *j, const char *name, uint64_t value);
void json_real(struct json_out *j, const char *name, double value);
void json_bool(struct json_out *j, const char *name, bool value);

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_TEXT,
	JSON_LIST,
	JSON_OBJECT,
};

/**
 * struct json - a value that was read
 * @type: its type
 * @name: in an object; else NULL
 * @text: JSON_TEXT unescaped, JSON_NUMBER as it stood, "true" or "false"
 * @first: JSON_LIST, JSON_OBJECT: members
 * @next: in the same list or object
 */
struct json {
	enum json_type type;
	char *name;
	char *text;
	struct json *first;
	struct json *next;
};

/**
 * json_parse() - read one value
 * @text: the whole of it; only white space may follow
 *
 * Return: the value, for json_free(); NULL if it is malformed or nested too deeply.
 */
struct json *json_parse(const char *text);
void json_free(struct json *j);
/* json_get() - the member of an object; NULL if there is none. */
const struct json *json_get(const struct json *j, const char *name);
/* json_get_text() - text, number or truth of a member; @otherwise if there is none. */
const char *json_get_text(const struct json *j, const char *name,
			  const char *otherwise);

#endif /* SIVSHMEMCTL_JSON_H */
