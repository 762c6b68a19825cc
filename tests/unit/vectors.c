// SPDX-License-Identifier: GPL-2.0-only
/* JSON, hexadecimal and the score of the vector programs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vectors.h"

static const char *vectors_path = "?";

json_t *vectors_load(const char *path)
{
	json_error_t e;
	json_t *root;

	vectors_path = path;
	root = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
	if (root)
		return root;
	if (e.line > 0)
		fprintf(stderr, "%s:%d:%d: %s\n", path, e.line, e.column,
			e.text);
	else
		fprintf(stderr, "%s: %s\n", path, e.text);
	exit(2);
}

void vectors_die(const char *where, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: %s: ", vectors_path, where);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	fflush(NULL);
	_exit(2); /* with what is in hand not freed: not a leak */
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

json_t *vectors_member(const char *where, json_t *object, const char *name,
		       json_type type)
{
	json_t *v;

	if (!json_is_object(object))
		vectors_die(where, "is %s, not an object",
			    object ? type_name(json_typeof(object)) :
				     "missing");
	v = json_object_get(object, name);
	if (!v)
		vectors_die(where, "member \"%s\" is missing", name);
	if (json_typeof(v) != type)
		vectors_die(where, "member \"%s\" is %s, not %s", name,
			    type_name(json_typeof(v)), type_name(type));
	return v;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

struct bytes vectors_hex(const char *where, json_t *object, const char *name,
			 bool optional)
{
	struct bytes b = { NULL, 0 };
	const char *s;
	size_t i, len;
	json_t *v;

	if (optional && json_is_object(object) &&
	    !json_object_get(object, name))
		return b;
	v = vectors_member(where, object, name, JSON_STRING);
	s = json_string_value(v);
	len = json_string_length(v);
	if (len % 2)
		vectors_die(where, "member \"%s\" has an odd number of digits",
			    name);
	b.n = len / 2;
	b.p = malloc(b.n + !b.n);
	if (!b.p)
		vectors_die(where, "out of memory");
	for (i = 0; i < b.n; i++) {
		int hi = nibble(s[2 * i]);
		int lo = nibble(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			vectors_die(where, "member \"%s\" is not hexadecimal",
				    name);
		b.p[i] = (u8)(hi << 4 | lo);
	}
	return b;
}

void bytes_free(struct bytes *b)
{
	free(b->p);
	b->p = NULL;
	b->n = 0;
}

bool vectors_key(const char *where, json_t *object, const char *name,
		 bool optional, u8 out[SIV_KEY_LEN])
{
	struct bytes b = vectors_hex(where, object, name, optional);
	bool there = b.p;

	memset(out, 0, SIV_KEY_LEN);
	if (there && b.n != SIV_KEY_LEN)
		vectors_die(where, "member \"%s\" has %zu bytes, not 32", name,
			    b.n);
	if (there)
		memcpy(out, b.p, SIV_KEY_LEN);
	bytes_free(&b);
	return there;
}

int vectors_end(const struct score *s)
{
	printf("%u passed, %u failed, %u skipped\n", s->passed, s->failed,
	       s->skipped);
	return s->failed || !s->passed;
}
