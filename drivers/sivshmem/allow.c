// SPDX-License-Identifier: GPL-2.0-only
/* A listener's own list of callers: lines "VM/SERVICE", "*" for any of either. */
#include <linux/string.h>

#include "core/wire.h"
#include "listener.h"

/* A name or "*". */
static bool siv_allow_part(struct siv_span part)
{
	return (part.n == 1 && part.p[0] == '*') || siv_name_check(part);
}

/* Take the next line off @list: its two parts; false if it is malformed. */
static bool siv_allow_next(struct siv_span *list, struct siv_span *vm,
			   struct siv_span *service)
{
	const u8 *end = memchr(list->p, '\n', list->n);
	const u8 *slash;
	size_t n;

	if (!end)
		return false;
	n = end - list->p;
	slash = memchr(list->p, '/', n);
	if (!slash)
		return false;
	*vm = (struct siv_span){ .p = list->p, .n = slash - list->p };
	*service = (struct siv_span){ .p = slash + 1, .n = end - slash - 1 };
	list->p += n + 1;
	list->n -= n + 1;
	return siv_allow_part(*vm) && siv_allow_part(*service);
}

bool siv_allow_check(const char *list, size_t len)
{
	struct siv_span left = { .p = (const u8 *)list, .n = len };
	struct siv_span vm, service;

	while (left.n)
		if (!siv_allow_next(&left, &vm, &service))
			return false;
	return true;
}

static bool siv_allow_matches(struct siv_span part, struct siv_span name)
{
	if (part.n == 1 && part.p[0] == '*')
		return true;
	return part.n == name.n && !memcmp(part.p, name.p, name.n);
}

bool siv_allow_has(const char *list, size_t len, struct siv_span vm,
		   struct siv_span service)
{
	struct siv_span left = { .p = (const u8 *)list, .n = len };
	struct siv_span v, s;

	while (left.n && siv_allow_next(&left, &v, &s))
		if (siv_allow_matches(v, vm) && siv_allow_matches(s, service))
			return true;
	return false;
}
