// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The daemon's end of the key process. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/crypto_openssl.h"
#include "core/session.h"
#include "keylink.h"

enum {
	KEYLINK_TIMEOUT_S = 5
};

static void keylink_file(char *out, size_t cap, const char *dir,
			 const char *region)
{
	snprintf(out, cap, "%s/%s.key", dir, region);
	if (access(out, F_OK))
		snprintf(out, cap, "%s/host.key", dir);
	/* if that is not there either, the key process says so */
	if (access(out, F_OK) && errno == ENOENT)
		snprintf(out, cap, "%s/%s.key", dir, region);
}

static void keylink_exec(const char *program, char **argv, const int *theirs,
			 u32 count)
{
	sigset_t none;
	u32 i;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (i = 0; i < count; i++)
		if (theirs[i] >= 0)
			fcntl(theirs[i], F_SETFD, 0);
	execv(program, argv);
	fprintf(stderr, "sivshmemd: %s: %s\n", program, strerror(errno));
	_exit(127);
}

/* "FD=FILE" for each region that has a key. */
static char **keylink_argv(const char *program, const char *keys_dir,
			   const char *user, const struct policy *p,
			   const int *theirs)
{
	char **argv = calloc(p->region_count + 4, sizeof(*argv));
	char file[PATH_MAX];
	u32 i, n = 0;

	if (!argv)
		return NULL;
	argv[n++] = strdup(program);
	if (user) {
		argv[n++] = strdup("--user");
		argv[n++] = strdup(user);
	}
	for (i = 0; i < p->region_count; i++) {
		if (theirs[i] < 0)
			continue;
		keylink_file(file, sizeof(file), keys_dir, p->regions[i].name);
		if (asprintf(&argv[n], "%d=%s", theirs[i], file) < 0)
			argv[n] = NULL;
		n++;
	}
	return argv;
}

static int keylink_pairs(struct keylink *k, const struct policy *p, int *theirs)
{
	struct timeval limit = { .tv_sec = KEYLINK_TIMEOUT_S };
	int sv[2];
	u32 i;

	for (i = 0; i < p->region_count; i++) {
		theirs[i] = -1;
		k->fd[i] = -1;
	}
	for (i = 0; i < p->region_count; i++) {
		if (p->regions[i].mode == POLICY_VANILLA)
			continue;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
			return -1;
		k->fd[i] = sv[0];
		theirs[i] = sv[1];
		/* the daemon waits for an answer: never for ever */
		if (setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &limit,
			       sizeof(limit)))
			return -1;
	}
	return 0;
}

int keylink_start(struct keylink *k, const char *program, const char *keys_dir,
		  const char *user, const struct policy *p, char *err,
		  size_t cap)
{
	int *theirs = calloc(p->region_count + 1, sizeof(*theirs));
	char **argv = NULL;
	u32 i;

	*k = (struct keylink){ .count = p->region_count };
	k->fd = calloc(p->region_count + 1, sizeof(*k->fd));
	if (k->fd && theirs && !keylink_pairs(k, p, theirs))
		argv = keylink_argv(program, keys_dir, user, p, theirs);
	if (argv && policy_secure(p)) {
		k->pid = fork();
		if (!k->pid)
			keylink_exec(program, argv, theirs, p->region_count);
	}
	if (!argv || k->pid < 0)
		snprintf(err, cap, "%s: %s", program, strerror(errno));
	for (i = 0; theirs && i < p->region_count; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	for (i = 0; argv && argv[i]; i++)
		free(argv[i]);
	i = argv && k->pid >= 0;
	free(argv);
	free(theirs);
	return i ? 0 : -1;
}

void keylink_stop(struct keylink *k)
{
	u32 i;

	for (i = 0; k->fd && i < k->count; i++)
		if (k->fd[i] >= 0)
			close(k->fd[i]);
	free(k->fd);
	*k = (struct keylink){ 0 };
}

/*
 * The hedge must come from the static key, which is not here: so from X25519 of it and a
 * point whose logarithm nobody knows (a hash), which only a holder of the key can make.
 */
static enum siv_reason keylink_hedge(struct siv_static *key,
				     u8 prkh[SIV_HASH_LEN])
{
	static const char label[] = "sivshmem1 host hedge point";
	struct siv_span text = { (const u8 *)label, sizeof(label) - 1 };
	u8 point[SIV_KEY_LEN], secret[SIV_KEY_LEN];
	enum siv_reason r;

	siv_sha256v(point, &text, 1);
	point[SIV_KEY_LEN - 1] &= 0x3f; /* canonical, whatever the hash is */
	r = siv_x25519_static(secret, key, point);
	if (!r)
		siv_hedge_prk(prkh, secret);
	siv_wipe(secret, sizeof(secret));
	return r;
}

struct siv_static *keylink_open(const struct keylink *k, u32 region,
				const struct siv_cert *cert,
				u8 prkh[SIV_HASH_LEN], char *err, size_t cap)
{
	static const u8 nine[SIV_KEY_LEN] = { 9 };
	struct siv_static *key = siv_static_from_socket(k->fd[region]);
	const char *bad = NULL;
	u8 pub[SIV_KEY_LEN];

	if (!key || siv_x25519_static(pub, key, nine))
		bad = "the key process does not answer";
	else if (!siv_equal(pub, cert->pub, SIV_KEY_LEN))
		bad = "the private key is not that of the certificate";
	else if (keylink_hedge(key, prkh))
		bad = "the key process does not answer";
	if (!bad)
		return key;
	snprintf(err, cap, "host key: %s", bad);
	siv_static_free(key);
	return NULL;
}
