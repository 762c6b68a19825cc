// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Points in time: see when.h. */
#define _GNU_SOURCE
#include "when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *when_text(char out[WHEN_LEN], int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    !strftime(out, WHEN_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, WHEN_LEN, "-");
	return out;
}

int when_parse(const char *text, int64_t *when)
{
	char again[WHEN_LEN];
	struct tm tm = { 0 };
	const char *end;

	end = strptime(text, "%Y-%m-%d", &tm);
	if (end && *end)
		end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!end || *end || tm.tm_year < 50 || tm.tm_year > 8099)
		return -1;
	*when = timegm(&tm);
	/* strptime() takes a 30th of February, blanks, and fewer digits */
	when_text(again, *when);
	return strncmp(text, again, strlen(text)) ? -1 : 0;
}
