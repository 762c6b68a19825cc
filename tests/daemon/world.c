// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pki.h"

static void path_in(const struct world *w, char out[PATH_MAX], const char *name)
{
	snprintf(out, PATH_MAX, "%s/%s", w->dir, name);
}

static FILE *create(const struct world *w, const char *name)
{
	char path[PATH_MAX];
	int fd;

	path_in(w, path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fdopen(fd, "w");
}

static void write_text(const struct world *w, const char *name, const char *text)
{
	FILE *f = create(w, name);

	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

void world_policy(struct world *w, const char *policy)
{
	write_text(w, "policy.ini", policy);
}

static void write_host(const struct world *w, const char *region)
{
	struct pki_party host;
	const u8 *der = host.der;
	char name[128];
	EVP_PKEY *key;
	X509 *cert;
	FILE *f;

	pki_party(&host, region, region, NULL, NULL);
	cert = d2i_X509(NULL, &der, (long)host.der_len);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, host.priv, SIV_KEY_LEN);
	assert_non_null(cert);
	assert_non_null(key);
	snprintf(name, sizeof(name), "%s.crt", region);
	f = create(w, name);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	fclose(f);
	snprintf(name, sizeof(name), "%s.key", region);
	f = create(w, name);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
	pki_party_free(&host);
}

static void write_ca(struct world *w)
{
	char path[PATH_MAX], err[256];
	FILE *f = create(w, "ca.crt");

	assert_int_equal(PEM_write_X509(f, pki_ca()->cert), 1);
	fclose(f);
	path_in(w, path, "ca.crt");
	w->anchors = siv_anchors_load(path, err, sizeof(err));
	if (!w->anchors)
		fail_msg("%s: %s", path, err);
}

/* The programs stand one directory above the tests: build/user. */
static void program_path(char out[PATH_MAX], const char *program)
{
	const char *dir = getenv("SIV_BUILD");

	snprintf(out, PATH_MAX, "%s/%s", dir ? dir : "build/user", program);
	if (access(out, X_OK))
		fail_msg("%s: %s (build it first; SIV_BUILD names the directory)", out,
			 strerror(errno));
}

static void start(struct world *w, const char *program)
{
	char exe[PATH_MAX], rel[PATH_MAX], log[PATH_MAX];
	int fd;

	program_path(rel, program);
	if (!realpath(rel, exe))
		fail_msg("%s: %s", rel, strerror(errno));
	path_in(w, log, "daemon.log");
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid)
		return;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 2);
	if (chdir(w->dir))
		_exit(126);
	execl(exe, exe, "--policy", "policy.ini", "--runtime-dir",
	      "run", "--keys-dir", ".", "--ca", "ca.crt", "--audit", "audit.log", NULL);
	_exit(127);
}

static int dial(const struct world *w)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/run/control.sock", w->dir);
	if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	close(fd);
	return -1;
}

static void show_log(const struct world *w)
{
	char path[PATH_MAX], line[512];
	FILE *f;

	path_in(w, path, "daemon.log");
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		fputs(line, stderr);
	if (f)
		fclose(f);
}

void world_begin(struct world *w, const char *program, const char *const *regions,
		 const char *policy)
{
	int i, status;

	memset(w, 0, sizeof(*w));
	strcpy(w->dir, "/tmp/siv-world-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	write_ca(w);
	for (; *regions; regions++)
		write_host(w, *regions);
	world_policy(w, policy);
	start(w, program);
	for (i = 0; i < 1000; i++) {
		w->control = dial(w);
		if (w->control >= 0)
			return;
		if (waitpid(w->pid, &status, WNOHANG) == w->pid)
			break;
		usleep(10000);
	}
	show_log(w);
	fail_msg("%s did not come up", program);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void world_end(struct world *w)
{
	int status;

	close(w->control);
	kill(w->pid, SIGTERM);
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		show_log(w);
		fail_msg("the daemon ended with status 0x%x", status);
	}
	siv_anchors_free(w->anchors);
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

json_t *world_ask(struct world *w, json_t *command)
{
	char *text = json_dumps(command, JSON_COMPACT);
	json_error_t err;
	json_t *answer;
	FILE *f;

	assert_true(dprintf(w->control, "%s\n", text) > 0);
	free(text);
	json_decref(command);
	f = fdopen(dup(w->control), "r");
	answer = json_loadf(f, JSON_DISABLE_EOF_CHECK, &err);
	fclose(f);
	if (!answer)
		fail_msg("control socket: %s", err.text);
	return answer;
}

unsigned int world_audit(struct world *w, const char *event, const char *rule)
{
	char path[PATH_MAX], line[4096];
	unsigned int count = 0;
	FILE *f;

	path_in(w, path, "audit.log");
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		json_t *j = json_loads(line, 0, NULL);
		const char *e = json_string_value(json_object_get(j, "event"));
		const char *r = json_string_value(json_object_get(j, "rule"));

		if (!j)
			fail_msg("audit line is not JSON: %s", line);
		if (e && !strcmp(e, event) && (!rule || (r && !strcmp(r, rule))))
			count++;
		json_decref(j);
	}
	if (f)
		fclose(f);
	return count;
}

bool world_audit_wait(struct world *w, const char *event, const char *rule,
		      unsigned int count)
{
	int i;

	for (i = 0; i < 500; i++) {
		if (world_audit(w, event, rule) >= count)
			return true;
		usleep(10000);
	}
	return false;
}

struct sim_guest *world_attach(struct world *w, const char *vm, const char *region)
{
	char path[PATH_MAX];
	struct sim_guest *g;
	int err;

	snprintf(path, sizeof(path), "%s/run/%s/%s.sock", w->dir, vm, region);
	g = sim_guest_open(path, w->anchors, &err);
	if (!g)
		fail_msg("%s: %s", path, strerror(-err));
	return g;
}

struct sim_identity *world_identity(struct world *w, const char *region, const char *vm,
				    const char *service)
{
	struct sim_identity *id = calloc(1, sizeof(*id));
	struct pki_party p;
	char label[256];

	(void)w;
	assert_non_null(id);
	snprintf(label, sizeof(label), "%s/%s/%s", region, vm, service);
	pki_party(&p, label, region, vm, service);
	memcpy(id->der, p.der, p.der_len);
	assert_false(siv_cert_parse((struct siv_span){ id->der, p.der_len }, &id->cert));
	memcpy(id->prkh, p.prkh, sizeof(id->prkh));
	id->key = p.key;
	p.key = NULL;
	return id;
}

struct sim_session *world_session(struct sim_guest *g, struct sim_identity *id)
{
	struct sim_session *ss;
	enum siv_reason why;
	u32 code;

	ss = sim_session_open(g, id, 10000, &why, &code);
	if (!ss)
		fail_msg("session: %s (code %u)", siv_reason_text(why), code);
	return ss;
}
