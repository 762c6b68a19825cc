// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Messages for people. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "log.h"

static const char *log_name = "sivshmemd";
static bool log_journal;

void log_begin(const char *name)
{
	log_name = name;
	log_journal = getenv("JOURNAL_STREAM");
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
}

static void log_line(const char *priority, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (log_journal)
		fprintf(stderr, "%s%s\n", priority, text);
	else
		fprintf(stderr, "%s: %s\n", log_name, text);
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(SD_ERR, fmt, ap);
	va_end(ap);
}

void log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(SD_WARNING, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(SD_INFO, fmt, ap);
	va_end(ap);
}
