// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Findings about configuration files. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notes.h"

static char *notes_format(const char *file, unsigned int line, const char *kind,
			  const char *fmt, va_list ap)
{
	char *body, *out;
	int n;

	if (vasprintf(&body, fmt, ap) < 0)
		return NULL;
	if (line)
		n = asprintf(&out, "%s:%u: %s%s\n", file, line, kind, body);
	else
		n = asprintf(&out, "%s: %s%s\n", file, kind, body);
	free(body);
	return n < 0 ? NULL : out;
}

static void notes_append(struct notes *n, const char *line)
{
	size_t add = strlen(line);
	char *text = realloc(n->text, n->len + add + 1);

	if (!text)
		return;
	memcpy(text + n->len, line, add + 1);
	n->text = text;
	n->len += add;
}

void notes_error(struct notes *n, const char *file, unsigned int line,
		 const char *fmt, ...)
{
	va_list ap;
	char *s;

	if (n->errors++ >= NOTES_MAX)
		return;
	va_start(ap, fmt);
	s = notes_format(file, line, "", fmt, ap);
	va_end(ap);
	if (!s)
		return;
	notes_append(n, s);
	if (n->first_error) {
		free(s);
		return;
	}
	s[strlen(s) - 1] = '\0';
	n->first_error = s;
}

void notes_warning(struct notes *n, const char *file, unsigned int line,
		   const char *fmt, ...)
{
	va_list ap;
	char *s;

	if (n->warnings++ >= NOTES_MAX)
		return;
	va_start(ap, fmt);
	s = notes_format(file, line, "warning: ", fmt, ap);
	va_end(ap);
	if (!s)
		return;
	notes_append(n, s);
	free(s);
}

void notes_clear(struct notes *n)
{
	free(n->text);
	free(n->first_error);
	*n = (struct notes){ 0 };
}
