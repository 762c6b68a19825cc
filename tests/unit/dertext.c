// SPDX-License-Identifier: GPL-2.0-only
/* DER written as text: see dertext.h. */
#include "dertext.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void wrong(const char *what, const char *at)
{
	fprintf(stderr, "dertext: %s at: %.40s\n", what, at);
	abort();
}

static int nibble(const char *at)
{
	static const char digits[] = "0123456789abcdef";
	const char *d = *at ? strchr(digits, *at) : NULL;

	if (!d)
		wrong("not a hex digit", at);
	return (int)(d - digits);
}

/* Put the minimal length of out[from..n) before it. */
static size_t close_box(uint8_t *out, size_t from, size_t n)
{
	size_t len = n - from;
	uint8_t head[4];
	size_t h = 0;

	if (len >= 0x80)
		head[h++] = len < 0x100 ? 0x81 : 0x82;
	if (len >= 0x100)
		head[h++] = (uint8_t)(len >> 8);
	head[h++] = (uint8_t)len;
	memmove(out + from + h, out + from, len);
	memcpy(out + from, head, h);
	return n + h;
}

static size_t put(uint8_t *out, size_t n, const void *p, size_t len)
{
	if (n + len > DERTEXT_MAX - 4)
		wrong("too long", "");
	memcpy(out + n, p, len);
	return n + len;
}

static size_t put_var(uint8_t *out, size_t n, char name,
		      const struct dertext_var *v)
{
	for (; v && v->name; v++)
		if (v->name == name)
			return put(out, n, v->p, v->n);
	wrong("no such variable", &name);
	return 0;
}

size_t dertext(uint8_t *out, const char *t, const struct dertext_var *vars)
{
	size_t box[32], depth = 0, n = 0;
	unsigned long count;
	const char *end;
	uint8_t b;

	while (*t) {
		if (isspace((unsigned char)*t)) {
			t++;
		} else if (*t == '(') {
			if (depth == 32)
				wrong("too deep", t);
			box[depth++] = n;
			t++;
		} else if (*t == ')') {
			if (!depth)
				wrong("nothing to close", t);
			n = close_box(out, box[--depth], n);
			t++;
		} else if (*t == '\'') {
			end = strchr(t + 1, '\'');
			if (!end)
				wrong("no end of text", t);
			n = put(out, n, t + 1, (size_t)(end - t - 1));
			t = end + 1;
		} else if (*t == '*') {
			count = strtoul(t + 1, (char **)&t, 10);
			while (count-- > 1)
				n = put(out, n, out + n - 1, 1);
		} else if (*t == '$') {
			n = put_var(out, n, t[1], vars);
			t += 2;
		} else {
			b = (uint8_t)(nibble(t) << 4 | nibble(t + 1));
			n = put(out, n, &b, 1);
			t += 2;
		}
	}
	if (depth)
		wrong("not closed", t);
	return n;
}
