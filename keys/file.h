/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Files that hold keys: read whole and bounded; written under another name, synced,
 * and only then given their name, which must be free unless replacing is meant.
 */
#ifndef KEYS_FILE_H
#define KEYS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	FILE_MAX = 16 << 20
};

/* A file's bytes; @n does not count the NUL that follows them. */
struct blob {
	unsigned char *p;
	size_t n;
};

/* blob_free() - wipe and free. */
void blob_free(struct blob *b);

/**
 * file_read() - read a file whole
 * @path: "-": standard input
 * @max: most bytes it may have
 * @out: set to it; blob_free()
 *
 * Says what is wrong. Return: 0 or -1.
 */
int file_read(const char *path, size_t max, struct blob *out);

/**
 * struct outfile - a file on its way: written and synced, without its name yet
 * @dir: directory descriptor
 * @path: what the user called it
 * @base: the name, inside @path
 * @temp: the name until then; empty: nothing to do
 * @replace: an existing file of this name may be replaced
 */
struct outfile {
	int dir;
	const char *path;
	const char *base;
	char temp[32];
	bool replace;
};

/**
 * outfile_begin() - write all of it under another name in the same directory
 * @f: set to it
 * @path: must stay until commit or abort
 * @mode: of the new file, whatever the umask
 * @p: what it holds
 * @n: bytes at @p
 * @replace: an existing file of this name may be replaced
 *
 * Says what is wrong, also when the name is taken. Return: 0 or -1.
 */
int outfile_begin(struct outfile *f, const char *path, mode_t mode,
		  const void *p, size_t n, bool replace);
/* outfile_commit() - give it its name. Return: 0, or -1 and the file is gone. */
int outfile_commit(struct outfile *f);
/* outfile_abort() - remove it; does nothing after a commit or before a begin. */
void outfile_abort(struct outfile *f);

/* file_put() - begin and commit in one. */
int file_put(const char *path, mode_t mode, const void *p, size_t n,
	     bool replace);

#endif
