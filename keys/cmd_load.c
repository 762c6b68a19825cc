// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* load: in a guest, hand the CA and identities to the kernel with keyctl(1). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "options.h"
#include "pair.h"
#include "say.h"
#include "secret.h"
#include "x509.h"

/* The keyring of trust anchors that the driver makes. */
#define ANCHORS "%:.sivshmem"

static void child(int in, char *const argv[])
{
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) < 0)
		_exit(127);
	execvp(argv[0], argv);
	say_errno("%s", argv[0]);
	_exit(127);
}

static int feed(int fd, const struct blob *payload)
{
	size_t done = 0;
	ssize_t n;

	while (payload && done < payload->n) {
		n = write(fd, payload->p + done, payload->n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

/* Run keyctl; @payload goes to its standard input, never through a file. */
static int run_keyctl(char *const argv[], const struct blob *payload)
{
	int fd[2], status, err;
	pid_t pid;

	fflush(stdout);
	if (pipe2(fd, O_CLOEXEC))
		return say_errno("pipe");
	pid = fork();
	if (pid < 0) {
		close(fd[0]);
		close(fd[1]);
		return say_errno("fork");
	}
	if (!pid)
		child(fd[0], argv);
	close(fd[0]);
	err = feed(fd[1], payload);
	close(fd[1]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return say_errno("keyctl");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return say_failure("keyctl %s: failed", argv[1]);
	return err ? say_failure("keyctl %s: did not read its payload",
				 argv[1]) :
		     0;
}

static int load_ca(const char *path)
{
	char *const argv[] = {
		"keyctl", "padd", "asymmetric", "", ANCHORS, NULL
	};
	struct siv_anchors *anchors;
	struct blob der;
	int err = -1;

	if (x509_read(path, &der))
		return -1;
	anchors = x509_anchors(&der, path);
	if (anchors)
		err = run_keyctl(argv, &der);
	siv_anchors_free(anchors);
	blob_free(&der);
	return err;
}

/* The description is what says who it is: the service's name, if nothing else is said. */
static int load_identity(const char *path, const char *name,
			 const char *keyring)
{
	char service[SIV_NAME_LEN];
	char *argv[6] = { "keyctl", "padd", "sivshmem", NULL, NULL, NULL };
	struct blob in;
	struct siv_cert c;
	bool has_key;
	int err = -1;

	if (x509_read(path, &in))
		return -1;
	if (bundle_check((struct siv_span){ in.p, in.n }, path, &c, &has_key))
		goto out;
	if (c.role != SIV_CERT_ENDPOINT) {
		say_failure(
			"%s: a host's certificate: it belongs to the daemon",
			path);
		goto out;
	}
	snprintf(service, sizeof(service), "%.*s", (int)c.service.n,
		 (const char *)c.service.p);
	argv[3] = name ? strdupa(name) : service;
	argv[4] = strdupa(keyring);
	err = run_keyctl(argv, &in);
out:
	blob_free(&in);
	return err;
}

int cmd_load(const struct options *o)
{
	char *const restrict_argv[] = { "keyctl", "restrict_keyring", ANCHORS,
					NULL };
	const char *keyring = o->keyring ? o->keyring : "@u";
	int k;

	if (!o->ca && !o->close && !o->count)
		return say_usage(
			"load: nothing to do: --ca, --close or a bundle");
	if (o->name && o->count != 1)
		return say_usage("load: --name goes with one bundle");
	signal(SIGPIPE, SIG_IGN);
	if (secret_lock_memory())
		return EXIT_FAILED;
	if (o->ca && load_ca(o->ca))
		return EXIT_FAILED;
	for (k = 0; k < o->count; k++)
		if (load_identity(o->args[k], o->name, keyring))
			return EXIT_FAILED;
	if (o->close && run_keyctl(restrict_argv, NULL))
		return EXIT_FAILED;
	return EXIT_OK;
}
