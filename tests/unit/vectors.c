// SPDX-License-Identifier: GPL-2.0-only
/* JSON, hexadecimal and the score of the vector programs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vectors.h"

static const char *vectors_path = "?";

json_t *vectors_load(const char *path, const char *list)
{
	json_error_t e;
	json_t *root;

	vectors_path = path;
	root = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
	if (root && json_is_array(json_object_get(root, list)))
		return root;
	if (root)
		fprintf(stderr, "%s: no array \"%s\"\n", path, list);
	else if (e.line > 0)
		fprintf(stderr, "%s:%d:%d: %s\n", path, e.line, e.column,
			e.text);
	else
		fprintf(stderr, "%s: %s\n", path, e.text);
	json_decref(root);
	exit(2);
}

_Noreturn void vectors_die(void)
{
	fprintf(stderr, "%s: out of memory\n", vectors_path);
	fflush(NULL);
	_exit(2); /* with what is in hand not freed: not a leak */
}

void vectors_bad(struct place *at, const char *fmt, ...)
{
	va_list ap;

	if (at->bad)
		return;
	at->bad = true;
	printf("FAIL: %s: %s: ", vectors_path, at->name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
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

json_t *vectors_member(struct place *at, json_t *object, const char *name,
		       json_type type)
{
	json_t *v = json_object_get(object, name);

	if (!json_is_object(object))
		vectors_bad(at, "is %s, not an object",
			    type_name(json_typeof(object)));
	else if (!v)
		vectors_bad(at, "member \"%s\" is missing", name);
	else if (json_typeof(v) != type)
		vectors_bad(at, "member \"%s\" is %s, not %s", name,
			    type_name(json_typeof(v)), type_name(type));
	else
		return v;
	return NULL;
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

struct bytes vectors_hex(struct place *at, json_t *object, const char *name,
			 bool optional)
{
	struct bytes b = { NULL, 0 };
	const char *s;
	size_t i, len;
	json_t *v;

	if (optional && json_is_object(object) &&
	    !json_object_get(object, name))
		return b;
	v = vectors_member(at, object, name, JSON_STRING);
	if (!v)
		return b;
	s = json_string_value(v);
	len = json_string_length(v);
	if (len % 2)
		vectors_bad(at, "member \"%s\" has an odd number of digits",
			    name);
	b.n = len / 2;
	b.p = calloc(1, b.n + !b.n);
	if (!b.p)
		vectors_die();
	for (i = 0; i < b.n; i++) {
		int hi = nibble(s[2 * i]);
		int lo = nibble(s[2 * i + 1]);

		if (hi < 0 || lo < 0) {
			vectors_bad(at, "member \"%s\" is not hexadecimal",
				    name);
			break;
		}
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

void vectors_key(struct place *at, json_t *object, const char *name,
		 u8 out[SIV_KEY_LEN])
{
	struct bytes b = vectors_hex(at, object, name, false);

	memset(out, 0, SIV_KEY_LEN);
	if (b.n == SIV_KEY_LEN)
		memcpy(out, b.p, SIV_KEY_LEN);
	else
		vectors_bad(at, "member \"%s\" has %zu bytes, not 32", name,
			    b.n);
	bytes_free(&b);
}

void vectors_count(struct score *s, const struct place *at, const char *wrong)
{
	if (!at->bad && !wrong) {
		s->passed++;
		return;
	}
	s->failed++;
	if (!at->bad)
		printf("FAIL: %s: %s: %s\n", vectors_path, at->name, wrong);
}

int vectors_end(const struct score *s)
{
	printf("%u passed, %u failed, %u skipped\n", s->passed, s->failed,
	       s->skipped);
	return s->failed || !s->passed;
}
