// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Revocations by hand. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "denied.h"

enum {
	DENIED_MAX = 1024,
	DENIED_VALUE = 3 * SIV_NAME_LEN
};

struct denied_entry {
	enum denied_kind kind;
	char value[DENIED_VALUE];
};

struct denied {
	size_t count;
	struct denied_entry entry[DENIED_MAX];
};

struct denied *denied_new(void)
{
	return calloc(1, sizeof(struct denied));
}

void denied_free(struct denied *d)
{
	free(d);
}

static struct denied_entry *denied_find(struct denied *d, enum denied_kind kind,
					const char *value)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->entry[i].kind == kind &&
		    !strcmp(d->entry[i].value, value))
			return &d->entry[i];
	return NULL;
}

int denied_add(struct denied *d, enum denied_kind kind, const char *value)
{
	struct denied_entry *e;

	if (denied_find(d, kind, value))
		return -EEXIST;
	if (d->count == DENIED_MAX || strlen(value) >= DENIED_VALUE)
		return -ENOSPC;
	e = &d->entry[d->count++];
	e->kind = kind;
	memcpy(e->value, value, strlen(value) + 1);
	return 0;
}

int denied_lift(struct denied *d, enum denied_kind kind, const char *value)
{
	struct denied_entry *e = denied_find(d, kind, value);

	if (!e)
		return -ENOENT;
	*e = d->entry[--d->count];
	return 0;
}

const char *denied_at(const struct denied *d, size_t i, enum denied_kind *kind)
{
	if (i >= d->count)
		return NULL;
	*kind = d->entry[i].kind;
	return d->entry[i].value;
}

static bool denied_is(const char *value, struct siv_span s)
{
	return strlen(value) == s.n && !memcmp(value, s.p, s.n);
}

bool denied_has(const struct denied *d, const struct siv_cert *cert)
{
	char serial[64], name[DENIED_VALUE];
	size_t i;

	if (!d->count)
		return false;
	serial_text(cert->serial, serial, sizeof(serial));
	snprintf(name, sizeof(name), "%.*s/%.*s/%.*s", (int)cert->region.n,
		 cert->region.p, (int)cert->vm.n, cert->vm.p,
		 (int)cert->service.n, cert->service.p);
	for (i = 0; i < d->count; i++) {
		const struct denied_entry *e = &d->entry[i];

		switch (e->kind) {
		case DENIED_SERIAL:
			if (!strcmp(e->value, serial))
				return true;
			break;
		case DENIED_IDENTITY:
			if (!strcmp(e->value, name))
				return true;
			break;
		case DENIED_VM:
			if (denied_is(e->value, cert->vm))
				return true;
			break;
		}
	}
	return false;
}

void serial_text(struct siv_span serial, char *out, size_t cap)
{
	size_t i, n = 0;

	out[0] = '\0';
	for (i = 0; i < serial.n && n + 3 <= cap; i++)
		n += (size_t)snprintf(out + n, cap - n, "%02x", serial.p[i]);
	for (i = 0; out[i] == '0' && out[i + 1]; i++)
		;
	memmove(out, out + i, strlen(out + i) + 1);
}

bool serial_normal(const char *in, char *out, size_t cap)
{
	size_t n = 0;

	if (in[0] == '0' && (in[1] == 'x' || in[1] == 'X'))
		in += 2;
	while (in[0] == '0' && in[1])
		in++;
	for (; *in; in++) {
		char c = *in;

		if (c == ':')
			continue;
		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) ||
		    n + 1 >= cap)
			return false;
		if (n || c != '0' || !in[1])
			out[n++] = c;
	}
	out[n] = '\0';
	return n > 0;
}
