/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The state directory of a CA, mode 0700, owned by who runs the program:
 *
 *   ca.key ca.crt ca.der   the CA's key (0600), its certificate in PEM and in DER
 *   index                  what was issued and revoked, and the CRL's number
 *   issued/SERIAL.crt      every certificate, PEM
 *   challenges/NAME        private keys of pending challenges (0600)
 *   lock                   held while the program works on it
 */
#ifndef KEYS_STORE_H
#define KEYS_STORE_H

#include <stdbool.h>

#include "file.h"

struct store {
	const char *path;
	int dir;
	int lock;
};

/**
 * store_create() - make the directory for a new CA and lock it
 * @s: set to it
 * @path: of the directory
 *
 * A directory that is there is taken if it is ours, 0700 and without a CA.
 * Says what is wrong. Return: 0 or -1.
 */
int store_create(struct store *s, const char *path);
/* store_open() - open and lock an existing one. */
int store_open(struct store *s, const char *path);
void store_close(struct store *s);

/* store_has() - is there a file of this name? */
bool store_has(const struct store *s, const char *name);
/* store_get() - read a file; messages tell the whole path. */
int store_get(const struct store *s, const char *name, struct blob *out);
/* store_put() - write a file. */
int store_put(const struct store *s, const char *name, mode_t mode,
	      const void *p, size_t n, bool replace);
/* store_remove() - remove a file, and make that last. */
int store_remove(const struct store *s, const char *name);

#endif
