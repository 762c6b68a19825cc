// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The state directory of a CA: see store.h. */
#define _GNU_SOURCE
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

/* Nobody else may look into it, let alone write. */
static int check_dir(const struct store *s)
{
	struct stat st;

	if (fstat(s->dir, &st))
		return say_errno("%s", s->path);
	if (st.st_uid != geteuid())
		return say_failure("%s: belongs to another user", s->path);
	if (st.st_mode & 077)
		return say_failure(
			"%s: open to others: chmod 700 it, and ask who was there",
			s->path);
	return 0;
}

static int take_lock(struct store *s)
{
	s->lock = openat(s->dir, "lock",
			 O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->lock < 0)
		return say_errno("%s/lock", s->path);
	if (!flock(s->lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return say_errno("%s/lock", s->path);
	say_note("%s: waiting for another sivshmem-keys", s->path);
	while (flock(s->lock, LOCK_EX))
		if (errno != EINTR)
			return say_errno("%s/lock", s->path);
	return 0;
}

static int open_dir(struct store *s, const char *path)
{
	*s = (struct store){ .path = path, .lock = -1 };
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return say_errno("%s", path);
	if (check_dir(s) || take_lock(s)) {
		store_close(s);
		return -1;
	}
	return 0;
}

static int make_subdir(const struct store *s, const char *name)
{
	if (mkdirat(s->dir, name, 0700) && errno != EEXIST)
		return say_errno("%s/%s", s->path, name);
	return 0;
}

int store_create(struct store *s, const char *path)
{
	static const char *const taken[] = { "ca.key", "ca.crt", "ca.der",
					     "index" };
	size_t i;

	if (mkdir(path, 0700) && errno != EEXIST)
		return say_errno("%s", path);
	if (open_dir(s, path))
		return -1;
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (store_has(s, taken[i])) {
			say_failure("%s/%s: exists: there is a CA here", path,
				    taken[i]);
			goto close;
		}
	}
	if (make_subdir(s, "issued") || make_subdir(s, "challenges"))
		goto close;
	return 0;
close:
	store_close(s);
	return -1;
}

int store_open(struct store *s, const char *path)
{
	if (open_dir(s, path))
		return -1;
	if (store_has(s, "index"))
		return 0;
	say_failure(
		"%s: no CA here: make one with init-ca, or name another --dir",
		path);
	store_close(s);
	return -1;
}

void store_close(struct store *s)
{
	if (s->lock >= 0)
		close(s->lock);
	if (s->dir >= 0)
		close(s->dir);
	s->lock = -1;
	s->dir = -1;
}

bool store_has(const struct store *s, const char *name)
{
	struct stat st;

	return !fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW);
}

/* DIR/NAME, so that messages tell where. */
static int full_path(const struct store *s, const char *name,
		     char full[PATH_MAX])
{
	int n = snprintf(full, PATH_MAX, "%s/%s", s->path, name);

	return n < PATH_MAX ? 0 : say_failure("%s: path too long", s->path);
}

int store_get(const struct store *s, const char *name, struct blob *out)
{
	char full[PATH_MAX];

	if (full_path(s, name, full))
		return -1;
	return file_read(full, FILE_MAX, out);
}

int store_put(const struct store *s, const char *name, mode_t mode,
	      const void *p, size_t n, bool replace)
{
	char full[PATH_MAX];

	if (full_path(s, name, full))
		return -1;
	return file_put(full, mode, p, n, replace);
}

int store_remove(const struct store *s, const char *name)
{
	if (unlinkat(s->dir, name, 0))
		return say_errno("%s/%s", s->path, name);
	return fsync(s->dir) ? say_errno("%s", s->path) : 0;
}
