// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the program says: see say.h. */
#include "say.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say(const char *fmt, va_list ap, const char *more)
{
	fputs("sivshmem-keys: ", stderr);
	vfprintf(stderr, fmt, ap);
	if (more)
		fprintf(stderr, ": %s", more);
	fputc('\n', stderr);
}

int say_failure(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, NULL);
	va_end(ap);
	return -1;
}

int say_errno(const char *fmt, ...)
{
	const char *why = strerror(errno);
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, why);
	va_end(ap);
	return -1;
}

int say_crypto(const char *fmt, ...)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, why);
	va_end(ap);
	ERR_clear_error();
	return -1;
}

int say_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, NULL);
	va_end(ap);
	fputs("Try: sivshmem-keys --help\n", stderr);
	return EXIT_USAGE;
}

void say_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, NULL);
	va_end(ap);
}
