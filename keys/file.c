// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Files that hold keys: see file.h. */
#define _GNU_SOURCE
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto_openssl.h"
#include "say.h"

void blob_free(struct blob *b)
{
	if (b->p)
		siv_wipe(b->p, b->n);
	free(b->p);
	b->p = NULL;
	b->n = 0;
}

/* Room for more bytes, without leaving a copy of a secret behind. */
static int blob_grow(struct blob *b, size_t *room)
{
	size_t want = *room ? *room * 2 : 4096;
	unsigned char *p = malloc(want + 1);

	if (!p)
		return say_failure("out of memory");
	if (b->n)
		memcpy(p, b->p, b->n);
	if (b->p)
		siv_wipe(b->p, b->n);
	free(b->p);
	b->p = p;
	*room = want;
	return 0;
}

static int read_all(int fd, const char *path, size_t max, struct blob *b)
{
	size_t room = 0;
	ssize_t got;

	for (;;) {
		if (b->n == room && blob_grow(b, &room))
			return -1;
		got = read(fd, b->p + b->n, room - b->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return say_errno("%s", path);
		if (!got)
			break;
		b->n += (size_t)got;
		if (b->n > max)
			return say_failure("%s: larger than %zu bytes", path,
					   max);
	}
	/* say_failure() is -1, so blob_grow() has made p */
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	b->p[b->n] = 0;
	return 0;
}

int file_read(const char *path, size_t max, struct blob *out)
{
	bool in = !strcmp(path, "-");
	int fd, err;

	out->p = NULL;
	out->n = 0;
	fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return say_errno("%s", path);
	err = read_all(fd, in ? "standard input" : path, max, out);
	if (!in)
		close(fd);
	if (err)
		blob_free(out);
	return err;
}

static int write_all(int fd, const unsigned char *p, size_t n)
{
	ssize_t done;

	while (n) {
		done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Open the directory that @path's last part stands in. */
static int open_parent(struct outfile *f)
{
	const char *slash = strrchr(f->path, '/');
	char *parent;

	f->base = slash ? slash + 1 : f->path;
	if (!*f->base || !strcmp(f->base, ".") || !strcmp(f->base, ".."))
		return say_failure("%s: not the name of a file", f->path);
	if (!slash)
		parent = strdup(".");
	else
		parent = strndup(f->path, slash == f->path ?
						  1 :
						  (size_t)(slash - f->path));
	if (!parent)
		return say_failure("out of memory");
	f->dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(parent);
	return f->dir < 0 ? say_errno("%s: its directory", f->path) : 0;
}

static int open_temp(struct outfile *f, mode_t mode)
{
	unsigned long long r;
	int fd;

	if (siv_random(&r, sizeof(r)))
		return say_failure("no random numbers");
	snprintf(f->temp, sizeof(f->temp), ".new-%016llx", r);
	fd = openat(f->dir, f->temp,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		f->temp[0] = 0;
	return fd;
}

int outfile_begin(struct outfile *f, const char *path, mode_t mode,
		  const void *p, size_t n, bool replace)
{
	struct stat st;
	int fd;

	*f = (struct outfile){ .dir = -1, .path = path, .replace = replace };
	if (open_parent(f))
		return -1;
	if (!replace && !fstatat(f->dir, f->base, &st, AT_SYMLINK_NOFOLLOW)) {
		say_failure("%s: exists, and is never overwritten", path);
		goto abort;
	}
	fd = open_temp(f, mode);
	if (fd < 0) {
		say_errno("%s", path);
		goto abort;
	}
	if (fchmod(fd, mode) || write_all(fd, p, n) || fsync(fd)) {
		say_errno("%s", path);
		close(fd);
		goto abort;
	}
	close(fd);
	return 0;
abort:
	outfile_abort(f);
	return -1;
}

/* Rename that fails if the new name is taken, also where the file system cannot. */
static int rename_new(int dir, const char *from, const char *to)
{
	if (!renameat2(dir, from, dir, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(dir, from, dir, to, 0))
		return -1;
	return unlinkat(dir, from, 0);
}

int outfile_commit(struct outfile *f)
{
	int err;

	if (f->replace)
		err = renameat(f->dir, f->temp, f->dir, f->base);
	else
		err = rename_new(f->dir, f->temp, f->base);
	if (err) {
		say_errno("%s", f->path);
		outfile_abort(f);
		return -1;
	}
	f->temp[0] = 0;
	if (fsync(f->dir))
		err = say_errno("%s: its directory", f->path);
	outfile_abort(f);
	return err;
}

void outfile_abort(struct outfile *f)
{
	if (!f->path)
		return;
	if (f->temp[0])
		unlinkat(f->dir, f->temp, 0);
	if (f->dir >= 0)
		close(f->dir);
	f->path = NULL;
	f->temp[0] = 0;
	f->dir = -1;
}

int file_put(const char *path, mode_t mode, const void *p, size_t n,
	     bool replace)
{
	struct outfile f;

	if (outfile_begin(&f, path, mode, p, n, replace))
		return -1;
	return outfile_commit(&f);
}
