/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the program says: one line per mistake, with what and where. */
#ifndef KEYS_SAY_H
#define KEYS_SAY_H

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* something was refused or did not work */
	EXIT_USAGE = 2,	 /* the command line is wrong */
};

/* say_failure() - "sivshmem-keys: TEXT" to standard error. Return: -1. */
int say_failure(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* say_errno() - the same with ": " and the meaning of errno. Return: -1. */
int say_errno(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* say_crypto() - the same with OpenSSL's last error, and forget all of them. */
int say_crypto(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* say_usage() - the same and a hint at --help. Return: EXIT_USAGE. */
int say_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* say_note() - to standard error: not a failure. */
void say_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
