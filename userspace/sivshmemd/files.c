// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The file system, for a daemon that cannot reach it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "core/wire.h"
#include "files.h"
#include "log.h"
#include "sandbox.h"
#include "trust.h"

enum {
	FILES_MAX = 64 << 20,
	FILES_BACKLOG = 128,
	FILES_TIMEOUT_S = 10,
};

enum files_op {
	OP_OPEN = 1,
	OP_LISTEN,
	OP_UNLISTEN,
	OP_UID,
	OP_NOTIFY,
};

struct files_request {
	enum files_op op;
	enum files_what what;
	char a[256];
	char b[256];
};

struct files_reply {
	int err; /* errno, or 0 */
	uid_t uid;
	char text[512];
};

/* A socket that we made. */
struct files_made {
	struct files_made *next;
	char path[PATH_MAX];
};

struct files {
	const struct files_paths *paths;
	int sock; /* to the helper; -1: there is none, we do it ourselves */
	pid_t pid;
	struct files_made *made;
};

const char *files_name(const struct files_paths *p, enum files_what what)
{
	switch (what) {
	case FILES_POLICY:
		return p->policy;
	case FILES_CA:
		return p->ca;
	case FILES_CRL:
		return p->crl;
	case FILES_CERT:
		return p->keys_dir;
	case FILES_AUDIT:
		return p->audit;
	}
	return "";
}

/* ------------------------------------------------------------ what is done */

static int files_fail(struct files_reply *reply, int err, const char *path,
		      const char *what)
{
	reply->err = err;
	snprintf(reply->text, sizeof(reply->text), "%s: %s", path, what);
	return -1;
}

static bool files_is_name(const char *name)
{
	return siv_name_check(
		(struct siv_span){ (const u8 *)name, strlen(name) });
}

static int files_do_cert(struct files *f, const char *region,
			 struct files_reply *reply)
{
	char path[PATH_MAX], host[PATH_MAX];
	int fd;

	if (!files_is_name(region))
		return files_fail(reply, EINVAL, "host certificate",
				  "bad region");
	snprintf(path, sizeof(path), "%s/%s.crt", f->paths->keys_dir, region);
	snprintf(host, sizeof(host), "%s/host.crt", f->paths->keys_dir);
	fd = trust_open(path, false, reply->text, sizeof(reply->text));
	if (fd < 0 && errno == ENOENT && !access(host, F_OK))
		fd = trust_open(host, false, reply->text, sizeof(reply->text));
	if (fd < 0)
		reply->err = errno;
	return fd;
}

static int files_do_open(struct files *f, const struct files_request *q,
			 struct files_reply *reply)
{
	const char *path = files_name(f->paths, q->what);
	int fd;

	if (q->what == FILES_CERT)
		return files_do_cert(f, q->a, reply);
	if (!path)
		return files_fail(reply, ENOENT, "file", "none was named");
	if (q->what != FILES_AUDIT) {
		fd = trust_open(path, false, reply->text, sizeof(reply->text));
		if (fd < 0)
			reply->err = errno;
		return fd;
	}
	fd = open(path,
		  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
			  O_NOFOLLOW,
		  0640);
	if (fd < 0)
		return files_fail(reply, errno, path, strerror(errno));
	return fd;
}

/* RUNTIME/VM/REGION.sock, or RUNTIME/control.sock if there is no VM. */
static int files_sock_path(struct files *f, const struct files_request *q,
			   char *path, size_t cap, struct files_reply *reply)
{
	int n;

	if (!q->a[0]) {
		n = snprintf(path, cap, "%s/control.sock",
			     f->paths->runtime_dir);
	} else {
		if (!files_is_name(q->a) || !files_is_name(q->b))
			return files_fail(reply, EINVAL, "socket", "bad name");
		n = snprintf(path, cap, "%s/%s/%s.sock", f->paths->runtime_dir,
			     q->a, q->b);
	}
	if (n < 0 || (size_t)n >= cap)
		return files_fail(reply, ENAMETOOLONG, path,
				  "the path of a socket has at most 107 bytes");
	return 0;
}

/*
 * A directory of ours that nobody else can write; made if it is not there. Return: 1 if it
 * was made, -1 if it cannot be used.
 */
static int files_dir(const char *path, mode_t mode, struct files_reply *reply)
{
	struct stat st;
	int made = !mkdir(path, mode);

	if (made) {
		if (chmod(path, mode)) /* whatever our umask is */
			return files_fail(reply, errno, path, strerror(errno));
	} else if (errno != EEXIST) {
		return files_fail(reply, errno, path, strerror(errno));
	}
	if (lstat(path, &st))
		return files_fail(reply, errno, path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return files_fail(reply, ENOTDIR, path, "not a directory");
	if (st.st_uid != geteuid())
		return files_fail(reply, EPERM, path,
				  "belongs to somebody else");
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return files_fail(reply, EPERM, path,
				  "can be written by others");
	return made;
}

/* What a daemon that was killed has left is removed; nothing else ever is. */
static int files_clear(const char *path, struct files_reply *reply)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, r;

	if (lstat(path, &st))
		return errno == ENOENT ?
			       0 :
			       files_fail(reply, errno, path, strerror(errno));
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return files_fail(reply, EEXIST, path,
				  "exists and is not a socket of ours");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return files_fail(reply, errno, path, strerror(errno));
	memcpy(sa.sun_path, path, strlen(path) + 1);
	r = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ? errno : 0;
	close(fd);
	if (r != ECONNREFUSED)
		return files_fail(reply, EADDRINUSE, path,
				  "another daemon listens there");
	if (unlink(path))
		return files_fail(reply, errno, path, strerror(errno));
	return 0;
}

static int files_bind(const char *path, struct files_reply *reply)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old;
	int r;

	if (fd < 0)
		return files_fail(reply, errno, path, strerror(errno));
	memcpy(sa.sun_path, path, strlen(path) + 1);
	old = umask(0117);
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	if (!r)
		r = listen(fd, FILES_BACKLOG);
	if (r)
		files_fail(reply, errno, path, strerror(errno));
	umask(old);
	if (!r)
		return fd;
	close(fd);
	return -1;
}

static int files_do_listen(struct files *f, const struct files_request *q,
			   struct files_reply *reply)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)], dir[PATH_MAX];
	struct files_made *made;
	int fd, ours = 0;

	if (files_sock_path(f, q, path, sizeof(path), reply) ||
	    files_dir(f->paths->runtime_dir, 0755, reply) < 0)
		return -1;
	if (trust_dir(f->paths->runtime_dir, reply->text,
		      sizeof(reply->text))) {
		reply->err = errno;
		return -1;
	}
	snprintf(dir, sizeof(dir), "%s/%s", f->paths->runtime_dir, q->a);
	if (q->a[0])
		ours = files_dir(dir, 0710, reply);
	if (ours < 0)
		return -1;
	if (files_clear(path, reply))
		return -1;
	made = calloc(1, sizeof(*made));
	if (!made)
		return files_fail(reply, ENOMEM, path, "out of memory");
	fd = files_bind(path, reply);
	if (fd < 0) {
		free(made);
		return -1;
	}
	strcpy(made->path, path);
	made->next = f->made;
	f->made = made;
	if (ours)
		snprintf(reply->text, sizeof(reply->text),
			 "%.400s: made with our own group", dir);
	return fd;
}

static void files_do_unlisten(struct files *f, const struct files_request *q,
			      struct files_reply *reply)
{
	char path[PATH_MAX];
	struct files_made **at, *m;

	if (files_sock_path(f, q, path, sizeof(path), reply))
		return;
	for (at = &f->made; (m = *at); at = &m->next) {
		if (strcmp(m->path, path) != 0)
			continue;
		unlink(path);
		*at = m->next;
		free(m);
		return;
	}
}

static void files_do_uid(const char *user, struct files_reply *reply)
{
	struct passwd *pw = getpwnam(user);

	if (pw)
		reply->uid = pw->pw_uid;
	else
		files_fail(reply, ENOENT, user, "no such user");
}

/* Return: a descriptor to hand over, or -1 if there is none. */
static int files_do(struct files *f, const struct files_request *q,
		    struct files_reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	switch (q->op) {
	case OP_OPEN:
		return files_do_open(f, q, reply);
	case OP_LISTEN:
		return files_do_listen(f, q, reply);
	case OP_UNLISTEN:
		files_do_unlisten(f, q, reply);
		return -1;
	case OP_UID:
		files_do_uid(q->a, reply);
		return -1;
	case OP_NOTIFY:
		(void)sd_notify(0, q->a);
		return -1;
	}
	return files_fail(reply, EINVAL, "request", "unknown");
}

/* -------------------------------------------------------------- the helper */

static int files_send(int sock, const void *p, size_t n, int fd)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	do {
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)n ? 0 : -1;
}

static ssize_t files_recv(int sock, void *p, size_t n, int *fd)
{
	struct iovec iov = { .iov_base = p, .iov_len = n };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t got;

	*fd = -1;
	do {
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	c = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return got;
}

static void files_serve(struct files *f, int sock)
{
	struct files_request q;
	struct files_reply reply;
	struct files_made *m;
	int fd, none;

	while (files_recv(sock, &q, sizeof(q), &none) == (ssize_t)sizeof(q)) {
		if (none >= 0)
			close(none);
		q.a[sizeof(q.a) - 1] = '\0';
		q.b[sizeof(q.b) - 1] = '\0';
		fd = files_do(f, &q, &reply);
		if (files_send(sock, &reply, sizeof(reply), fd))
			break;
		if (fd >= 0)
			close(fd);
	}
	/* the daemon has gone, in whatever way: its sockets go too */
	for (m = f->made; m; m = m->next)
		unlink(m->path);
}

static void files_child(struct files *f, int sock)
{
	/* ends when the daemon does, not when the terminal says so */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "sivshmemd-files");
	if (dup2(sock, 3) < 0 || close_range(4, ~0U, 0))
		_exit(1);
	if (sandbox_files()) {
		log_error("files: no sandbox: %s", strerror(errno));
		_exit(1);
	}
	files_serve(f, 3);
	_exit(0);
}

struct files *files_start(const struct files_paths *paths, bool fork_it)
{
	struct timeval limit = { .tv_sec = FILES_TIMEOUT_S };
	struct files *f = calloc(1, sizeof(*f));
	int sv[2];

	if (!f)
		return NULL;
	f->paths = paths;
	f->sock = -1;
	if (!fork_it)
		return f;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)) {
		free(f);
		return NULL;
	}
	f->pid = fork();
	if (!f->pid)
		files_child(f, sv[1]);
	close(sv[1]);
	if (f->pid < 0 ||
	    setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit))) {
		close(sv[0]);
		free(f);
		return NULL;
	}
	f->sock = sv[0];
	return f;
}

void files_stop(struct files *f)
{
	struct files_made *m;

	if (!f)
		return;
	if (f->sock >= 0)
		close(f->sock);
	while ((m = f->made)) {
		f->made = m->next;
		free(m);
	}
	free(f);
}

/* ------------------------------------------------------------------ asking */

static int files_ask(struct files *f, const struct files_request *q,
		     struct files_reply *reply)
{
	int fd = -1;

	if (f->sock < 0) {
		fd = files_do(f, q, reply);
	} else if (files_send(f->sock, q, sizeof(*q), -1) ||
		   files_recv(f->sock, reply, sizeof(*reply), &fd) !=
			   (ssize_t)sizeof(*reply)) {
		memset(reply, 0, sizeof(*reply));
		files_fail(reply, EIO, "file helper", "does not answer");
	}
	errno = reply->err;
	return fd;
}

static void files_put(char *to, size_t cap, const char *from)
{
	snprintf(to, cap, "%s", from ? from : "");
}

char *files_read(struct files *f, enum files_what what, const char *region,
		 size_t *len, char *err, size_t cap)
{
	struct files_request q = { .op = OP_OPEN, .what = what };
	struct files_reply reply;
	char *text;
	int fd;

	files_put(q.a, sizeof(q.a), region);
	fd = files_ask(f, &q, &reply);
	if (fd < 0) {
		int why = errno;

		files_put(err, cap, reply.text);
		errno = why;
		return NULL;
	}
	text = trust_read(fd, FILES_MAX, len);
	if (!text)
		snprintf(err, cap, "%s: %s", files_name(f->paths, what),
			 strerror(errno));
	close(fd);
	return text;
}

int files_audit(struct files *f, char *err, size_t cap)
{
	struct files_request q = { .op = OP_OPEN, .what = FILES_AUDIT };
	struct files_reply reply;
	int fd = files_ask(f, &q, &reply);

	if (fd < 0)
		files_put(err, cap, reply.text);
	return fd;
}

int files_listen(struct files *f, const char *vm, const char *region, char *err,
		 size_t cap)
{
	struct files_request q = { .op = OP_LISTEN };
	struct files_reply reply;
	int fd;

	files_put(q.a, sizeof(q.a), vm);
	files_put(q.b, sizeof(q.b), region);
	fd = files_ask(f, &q, &reply);
	files_put(err, cap, reply.text);
	return fd;
}

void files_unlisten(struct files *f, const char *vm, const char *region)
{
	struct files_request q = { .op = OP_UNLISTEN };
	struct files_reply reply;

	files_put(q.a, sizeof(q.a), vm);
	files_put(q.b, sizeof(q.b), region);
	(void)files_ask(f, &q, &reply);
}

bool files_uid(void *arg, const char *user, uid_t *uid)
{
	struct files_request q = { .op = OP_UID };
	struct files_reply reply;

	files_put(q.a, sizeof(q.a), user);
	(void)files_ask(arg, &q, &reply);
	*uid = reply.uid;
	return !reply.err;
}

void files_notify(struct files *f, const char *text)
{
	struct files_request q = { .op = OP_NOTIFY };
	struct files_reply reply;

	files_put(q.a, sizeof(q.a), text);
	(void)files_ask(f, &q, &reply);
}
