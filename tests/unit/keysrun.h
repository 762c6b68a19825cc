/* SPDX-License-Identifier: GPL-2.0-only */
/* Running sivshmem-keys and looking at what it did. */
#ifndef TESTS_KEYSRUN_H
#define TESTS_KEYSRUN_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <cmocka.h>

#include "core/cert.h"
#include "core/crypto_openssl.h"

extern char keys_tool[];
extern char keys_said[]; /* what the last run said, on both outputs */

/* keys_start() - the program and its arguments, its outputs going to @out. */
pid_t keys_start(int out, const char *const argv[]);
/* keys_finish() - its exit status. */
int keys_finish(pid_t pid);
int keys_run(const char *const argv[]);

#define RUN(...) keys_run((const char *const[]){ keys_tool, __VA_ARGS__, NULL })

#define EXPECT(status, why, ...)                                              \
	do {                                                                  \
		if (RUN(__VA_ARGS__) != (status) || !strstr(keys_said, why))  \
			fail_msg("%s:%d: %s", __func__, __LINE__, keys_said); \
	} while (0)
/* It must work; fail and say why; be a wrong command line. */
#define GOOD(...) EXPECT(0, "", __VA_ARGS__)
#define REFUSED(why, ...) EXPECT(1, why, __VA_ARGS__)
#define WRONG(why, ...) EXPECT(2, why, __VA_ARGS__)

/* keys_get() - a file's bytes; it must exist. */
size_t keys_get(const char *path, uint8_t *p, size_t cap);
void keys_put(const char *path, const void *p, size_t n);
bool keys_exists(const char *path);
mode_t keys_mode(const char *path);

/* keys_new_ca() - a CA in the directory @dir, quick to make. */
void keys_new_ca(const char *dir);
/* keys_cert() - certificate or bundle, PEM or DER, which must be good; @c points to @der. */
void keys_cert(const char *path, const char *ca, uint8_t der[8192],
	       struct siv_cert *c);
bool keys_says(struct siv_span s, const char *text);
/* keys_serial() - in hexadecimal. */
const char *keys_serial(const struct siv_cert *c, char hex[41]);

/* keys_setup(), keys_teardown() - an empty working directory for each test. */
int keys_setup(void **state);
int keys_teardown(void **state);
/* keys_main() - take the program's path from the command line; 0, or an exit status. */
int keys_main(int argc, char **argv);

#endif
