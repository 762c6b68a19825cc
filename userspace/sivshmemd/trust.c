// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* May this file be believed? */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trust.h"

static bool trust_owner(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Can others than its owner change what is in this directory? */
static const char *trust_judge_dir(const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		return "not a directory";
	if (!trust_owner(st))
		return "belongs to somebody else";
	if (!(st->st_mode & (S_IWGRP | S_IWOTH)))
		return NULL;
	/* there, only its owner can rename or remove a file */
	if (st->st_mode & S_ISVTX && st->st_uid == 0)
		return NULL;
	return "can be written by others";
}

/* @dir and all above it, as the kernel resolves them. */
static int trust_dirs(const char *dir, char *err, size_t cap)
{
	char *real = realpath(dir, NULL), *slash;
	const char *bad = NULL;
	struct stat st;

	if (!real) {
		snprintf(err, cap, "%s: %s", dir, strerror(errno));
		return -1;
	}
	while (!bad) {
		if (stat(real[0] ? real : "/", &st))
			bad = strerror(errno);
		else
			bad = trust_judge_dir(&st);
		if (bad) {
			snprintf(err, cap, "%s: %s", real[0] ? real : "/", bad);
			break;
		}
		slash = strrchr(real, '/');
		if (!slash || !real[0])
			break;
		*slash = '\0';
	}
	free(real);
	if (bad)
		errno = EPERM;
	return bad ? -1 : 0;
}

static int trust_parent(const char *path, char *err, size_t cap)
{
	char dir[PATH_MAX];
	char *slash;

	if (strlen(path) >= sizeof(dir)) {
		snprintf(err, cap, "%s: %s", path, strerror(ENAMETOOLONG));
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(dir, path);
	slash = strrchr(dir, '/');
	if (!slash)
		strcpy(dir, ".");
	else if (slash == dir)
		strcpy(dir, "/");
	else
		*slash = '\0';
	return trust_dirs(dir, err, cap);
}

static const char *trust_judge_file(int fd, bool secret)
{
	struct stat st;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (!trust_owner(&st))
		return "belongs to somebody else";
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return "can be written by others";
	if (secret && st.st_mode & (S_IRGRP | S_IROTH))
		return "can be read by others";
	return NULL;
}

int trust_open(const char *path, bool secret, char *err, size_t cap)
{
	const char *bad;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		int why = errno;

		snprintf(err, cap, "%s: %s", path, strerror(why));
		errno = why;
		return -1;
	}
	bad = trust_judge_file(fd, secret);
	if (bad) {
		snprintf(err, cap, "%s: %s", path, bad);
		errno = EPERM;
	}
	if (bad || trust_parent(path, err, cap)) {
		close(fd);
		return -1;
	}
	return fd;
}

int trust_dir(const char *path, char *err, size_t cap)
{
	return trust_dirs(path, err, cap);
}

char *trust_read(int fd, size_t max, size_t *len)
{
	size_t used = 0, room = 0;
	char *buf = NULL, *more;
	ssize_t n;

	for (;;) {
		if (used + 1 >= room) {
			room = room ? 2 * room : 8192;
			more = realloc(buf, room);
			if (!more)
				break;
			buf = more;
		}
		n = read(fd, buf + used, room - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (!n) {
			buf[used] = '\0';
			*len = used;
			return buf;
		}
		used += (size_t)n;
		if (used > max) {
			errno = EFBIG;
			break;
		}
	}
	free(buf);
	return NULL;
}
