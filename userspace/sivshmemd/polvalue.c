// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Values of the policy file. */
#include "polfile.h"

/* Digits at least once, then whatever follows; false on overflow. */
static bool polfile_digits(const char **at, u64 *out)
{
	const char *s = *at;
	u64 v = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		u64 d = (u64)(*s - '0');

		if (v > (~(u64)0 - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*at = s;
	*out = v;
	return true;
}

bool polfile_number(const char *text, u64 max, u64 *out)
{
	return polfile_digits(&text, out) && !*text && *out <= max;
}

bool polfile_size(const char *text, u64 *out)
{
	unsigned int shift = 0;
	u64 v;

	if (!polfile_digits(&text, &v))
		return false;
	switch (*text) {
	case 'K':
	case 'k':
		shift = 10;
		break;
	case 'M':
	case 'm':
		shift = 20;
		break;
	case 'G':
	case 'g':
		shift = 30;
		break;
	case '\0':
		break;
	default:
		return false;
	}
	if (shift && text[1])
		return false;
	if (v > ~(u64)0 >> shift)
		return false;
	*out = v << shift;
	return true;
}

bool polfile_time(const char *text, u64 *out)
{
	static const struct {
		const char *unit;
		u64 ms;
	} units[] = { { "", 1000 },
		      { "ms", 1 },
		      { "s", 1000 },
		      { "m", 60000 },
		      { "h", 3600000 } };
	size_t i;
	u64 v;

	if (!polfile_digits(&text, &v))
		return false;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text, units[i].unit) != 0)
			continue;
		if (v > ~(u64)0 / units[i].ms)
			return false;
		*out = v * units[i].ms;
		return true;
	}
	return false;
}

bool polfile_name(const char *text, char out[SIV_NAME_LEN])
{
	const struct siv_span name = { (const u8 *)text, strlen(text) };

	if (!siv_name_check(name))
		return false;
	memset(out, 0, SIV_NAME_LEN);
	memcpy(out, name.p, name.n);
	return true;
}

static bool polfile_blank(char c)
{
	return c == ' ' || c == '\t' || c == ',' || c == '\r' || c == '\n';
}

int polfile_word(const char **at, char *out, size_t cap)
{
	const char *s = *at;
	size_t n = 0;

	while (polfile_blank(*s))
		s++;
	if (!*s) {
		*at = s;
		return 0;
	}
	for (; *s && !polfile_blank(*s); s++, n++)
		if (n + 1 < cap)
			out[n] = *s;
	*at = s;
	if (n + 1 > cap)
		return -1;
	out[n] = '\0';
	return 1;
}
