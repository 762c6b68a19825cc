/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* May this file be believed? Only if nobody but root and we can change it. */
#ifndef SIVD_TRUST_H
#define SIVD_TRUST_H

#include <stdbool.h>
#include <stddef.h>

/**
 * trust_open() - open a configuration file for reading
 * @path: it, and every directory above it, belongs to root or to us and cannot be
 *        written by anybody else (a sticky directory of root's will do)
 * @secret: it must not be readable by others either
 * @err: what is wrong, with the path
 * @cap: bytes at @err
 *
 * Return: a descriptor, or -1 with errno.
 */
int trust_open(const char *path, bool secret, char *err, size_t cap);
/* trust_dir() - the same for a directory that we are to write in; 0 or -1 with errno. */
int trust_dir(const char *path, char *err, size_t cap);
/* trust_read() - all of a file, at most @max bytes, and a NUL; NULL with errno. */
char *trust_read(int fd, size_t max, size_t *len);

#endif /* SIVD_TRUST_H */
