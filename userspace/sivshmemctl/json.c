// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* JSON: a writer, and a strict reader (RFC 8259) of bounded depth. */
#include "json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------- writing */

/* Length of the UTF-8 sequence at @p; 0 if it is none. */
static size_t utf8_length(const unsigned char *p)
{
	size_t n = *p < 0x80 ? 1 :
		   *p < 0xc2 ? 0 :
		   *p < 0xe0 ? 2 :
		   *p < 0xf0 ? 3 :
		   *p < 0xf5 ? 4 :
			       0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, beyond U+10FFFF */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static void put_string(FILE *to, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n;

	fputc('"', to);
	for (; *p; p += n ? n : 1) {
		n = utf8_length(p);
		if (!n)
			fputs("\\ufffd", to);
		else if (*p == '"' || *p == '\\')
			fprintf(to, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(to, "\\u%04x", *p);
		else
			fwrite(p, 1, n, to);
	}
	fputc('"', to);
}

static void put_name(struct json_out *j, const char *name)
{
	if (j->comma)
		fputc(',', j->to);
	j->comma = true;
	if (name) {
		put_string(j->to, name);
		fputc(':', j->to);
	}
}

void json_begin(struct json_out *j, FILE *to)
{
	j->to = to;
	j->comma = false;
	fputc('{', to);
}

void json_end(struct json_out *j)
{
	fputs("}\n", j->to);
	fflush(j->to);
}

void json_open(struct json_out *j, const char *name, char bracket)
{
	put_name(j, name);
	fputc(bracket, j->to);
	j->comma = false;
}

void json_close(struct json_out *j, char bracket)
{
	fputc(bracket, j->to);
	j->comma = true;
}

void json_text(struct json_out *j, const char *name, const char *text)
{
	put_name(j, name);
	put_string(j->to, text);
}

void json_number(struct json_out *j, const char *name, uint64_t value)
{
	put_name(j, name);
	fprintf(j->to, "%" PRIu64, value);
}

void json_real(struct json_out *j, const char *name, double value)
{
	put_name(j, name);
	fprintf(j->to, "%.3f", value);
}

void json_bool(struct json_out *j, const char *name, bool value)
{
	put_name(j, name);
	fputs(value ? "true" : "false", j->to);
}

/* -------------------------------------------------------------------- reading */

enum {
	DEPTH_MAX = 32
};

struct reader {
	const char *at;
	int depth;
};

static void skip_space(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' ||
	       *r->at == '\r')
		r->at++;
}

static bool eat(struct reader *r, char c)
{
	skip_space(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static bool eat_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(r->at, word, n))
		return false;
	r->at += n;
	return true;
}

/* Four hexadecimal digits; negative if there are none. */
static int hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + c - '0';
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + c - 'A' + 10;
		else
			return -1;
	}
	return v;
}

static char *put_utf8(char *to, unsigned int c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* After "\u"; surrogates come in pairs; a NUL is refused. */
static char *read_unicode(struct reader *r, char *to)
{
	int c = hex4(r->at), low;

	if (c <= 0 || (c >= 0xdc00 && c < 0xe000))
		return NULL;
	r->at += 4;
	if (c >= 0xd800 && c < 0xdc00) {
		if (r->at[0] != '\\' || r->at[1] != 'u')
			return NULL;
		low = hex4(r->at + 2);
		if (low < 0xdc00 || low >= 0xe000)
			return NULL;
		r->at += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + low - 0xdc00;
	}
	return put_utf8(to, (unsigned int)c);
}

static char *read_escape(struct reader *r, char *to)
{
	static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *p;
	char c = *r->at;

	if (!c)
		return NULL;
	r->at++;
	if (c == 'u')
		return read_unicode(r, to);
	p = strchr(from, c);
	if (!p)
		return NULL;
	*to++ = meant[p - from];
	return to;
}

/* After the opening quote. What is read is never longer than how it was written. */
static char *read_string(struct reader *r)
{
	size_t room = 1;
	char *text, *to;

	for (const char *p = r->at; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		room = (size_t)(p - r->at) + 2;
	}
	text = malloc(room + 1);
	to = text;
	while (to && *r->at != '"') {
		unsigned char c = (unsigned char)*r->at;

		if (c < 0x20) {
			to = NULL;
		} else if (c == '\\') {
			r->at++;
			to = read_escape(r, to);
		} else {
			*to++ = *r->at++;
		}
	}
	if (!to) {
		free(text);
		return NULL;
	}
	r->at++;
	*to = '\0';
	return text;
}

static size_t digits(const char *p)
{
	return strspn(p, "0123456789");
}

static char *read_number(struct reader *r)
{
	const char *start = r->at, *p = start;
	size_t n;

	if (*p == '-')
		p++;
	n = digits(p);
	if (!n || (*p == '0' && n > 1))
		return NULL;
	p += n;
	if (*p == '.') {
		n = digits(++p);
		if (!n)
			return NULL;
		p += n;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		if (*p == '+' || *p == '-')
			p++;
		n = digits(p);
		if (!n)
			return NULL;
		p += n;
	}
	r->at = p;
	return strndup(start, (size_t)(p - start));
}

static struct json *read_value(struct reader *r);

/* After the bracket; @names: an object. */
static bool read_members(struct reader *r, struct json *j, char end, bool names)
{
	struct json **last = &j->first;

	if (eat(r, end))
		return true;
	if (++r->depth > DEPTH_MAX)
		return false;
	do {
		char *name = NULL;
		struct json *m;

		if (names) {
			if (!eat(r, '"'))
				return false;
			name = read_string(r);
			if (!name || !eat(r, ':')) {
				free(name);
				return false;
			}
		}
		m = read_value(r);
		if (!m) {
			free(name);
			return false;
		}
		m->name = name;
		*last = m;
		last = &m->next;
	} while (eat(r, ','));
	r->depth--;
	return eat(r, end);
}

static bool read_scalar(struct reader *r, struct json *j)
{
	if (eat_word(r, "true") || eat_word(r, "false")) {
		j->type = JSON_BOOL;
		j->text = strdup(r->at[-2] == 'u' ? "true" : "false");
		return j->text;
	}
	if (eat_word(r, "null"))
		return true;
	j->type = JSON_NUMBER;
	j->text = read_number(r);
	return j->text;
}

static struct json *read_value(struct reader *r)
{
	struct json *j = calloc(1, sizeof(*j));
	bool ok;

	if (!j)
		return NULL;
	if (eat(r, '{')) {
		j->type = JSON_OBJECT;
		ok = read_members(r, j, '}', true);
	} else if (eat(r, '[')) {
		j->type = JSON_LIST;
		ok = read_members(r, j, ']', false);
	} else if (eat(r, '"')) {
		j->type = JSON_TEXT;
		j->text = read_string(r);
		ok = j->text;
	} else {
		ok = read_scalar(r, j);
	}
	if (ok)
		return j;
	json_free(j);
	return NULL;
}

struct json *json_parse(const char *text)
{
	struct reader r = { .at = text };
	struct json *j = read_value(&r);

	skip_space(&r);
	if (j && *r.at) {
		json_free(j);
		return NULL;
	}
	return j;
}

void json_free(struct json *j)
{
	while (j) {
		struct json *next = j->next;

		json_free(j->first);
		free(j->name);
		free(j->text);
		free(j);
		j = next;
	}
}

const struct json *json_get(const struct json *j, const char *name)
{
	if (!j || j->type != JSON_OBJECT)
		return NULL;
	for (j = j->first; j; j = j->next)
		if (!strcmp(j->name, name))
			return j;
	return NULL;
}

const char *json_get_text(const struct json *j, const char *name,
			  const char *otherwise)
{
	const struct json *m = json_get(j, name);

	return m && m->text ? m->text : otherwise;
}
