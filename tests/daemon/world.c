// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's side of a world: see world.h. */
#define _GNU_SOURCE
#include "world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pki.h"

/* ---------------------------------------------------------------------- files */

const char *world_path(const struct world *w, char out[PATH_MAX],
		       const char *name)
{
	snprintf(out, PATH_MAX, "%s/%s", w->dir, name);
	return out;
}

const char *world_socket(const struct world *w, char out[PATH_MAX],
			 const char *vm, const char *region)
{
	snprintf(out, PATH_MAX, "%s/run/%s/%s.sock", w->dir, vm, region);
	return out;
}

static FILE *create(const struct world *w, const char *name)
{
	char path[PATH_MAX];
	int fd;

	world_path(w, path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fdopen(fd, "w");
}

void world_policy(struct world *w, const char *policy)
{
	FILE *f = create(w, "policy.ini");

	fputs(policy, f);
	assert_int_equal(fclose(f), 0);
}

void world_crl(struct world *w, const u32 *serials, size_t count, long number)
{
	FILE *f = create(w, "crl.pem");

	paper_crl(f, pki_ca(), serials, count, number);
	assert_int_equal(fclose(f), 0);
}

void world_host(struct world *w, const struct paper *p)
{
	const char *region = p->region;
	u8 der[SIV_CERT_MAX], priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];
	const u8 *at = der;
	char name[128];
	EVP_PKEY *key;
	X509 *cert;
	size_t n;
	FILE *f;

	pki_bytes(priv, sizeof(priv), region, 0);
	assert_false(siv_x25519_base(pub, priv));
	n = paper_der(der, p, pub, NULL);
	cert = d2i_X509(NULL, &at, (long)n);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv,
					   SIV_KEY_LEN);
	assert_non_null(cert);
	assert_non_null(key);
	snprintf(name, sizeof(name), "%s.crt", region);
	f = create(w, name);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	fclose(f);
	snprintf(name, sizeof(name), "%s.key", region);
	f = create(w, name);
	assert_int_equal(
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void write_ca(struct world *w)
{
	char path[PATH_MAX], err[256];
	FILE *f = create(w, "ca.crt");

	assert_int_equal(PEM_write_X509(f, pki_ca()->cert), 1);
	fclose(f);
	world_path(w, path, "ca.crt");
	w->anchors = siv_anchors_load(path, err, sizeof(err));
	if (!w->anchors)
		fail_msg("%s: %s", path, err);
}

void world_make(struct world *w, const char *const *regions, const char *policy)
{
	memset(w, 0, sizeof(*w));
	w->control = -1;
	strcpy(w->dir, "/tmp/siv-world-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	write_ca(w);
	for (; *regions; regions++)
		world_host(w, &(struct paper){ .region = *regions });
	world_policy(w, policy);
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void destroy(struct world *w)
{
	while (w->guests)
		world_leave(w, w->guest[0], false);
	while (w->ids)
		sim_identity_free(w->id[--w->ids]);
	if (w->control >= 0)
		close(w->control);
	siv_anchors_free(w->anchors);
	if (w->dir[0])
		nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	memset(w, 0, sizeof(*w));
	w->control = -1;
}

/* -------------------------------------------------------------------- processes */

#ifdef COVERAGE
#define VARIANT "gcov"
#else
#define VARIANT "asan"
#endif

/* A test under ASan runs the daemon under ASan, where there is one; so with gcov. */
static void program_path(char out[PATH_MAX], const char *program)
{
	char rel[PATH_MAX];

#if defined(__SANITIZE_ADDRESS__) || defined(COVERAGE)
	snprintf(rel, sizeof(rel), "build/user/%s/%s", VARIANT, program);
	if (realpath(rel, out))
		return;
#endif
	snprintf(rel, sizeof(rel), "build/user/%s", program);
	if (!realpath(rel, out))
		fail_msg("%s: %s (run tests from the top of the tree)", rel,
			 strerror(errno));
}

/* In the child: the sockets become descriptors 3, 4, ... */
static void pass(const struct world *w)
{
	char number[16];
	int high[ARRAY_SIZE(w->passed)];
	unsigned int i;

	for (i = 0; i < w->passed_count; i++)
		high[i] = fcntl(w->passed[i], F_DUPFD_CLOEXEC, 100);
	for (i = 0; i < w->passed_count; i++)
		if (dup2(high[i], 3 + (int)i) < 0)
			_exit(125);
	if (!w->passed_count)
		return;
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%u", w->passed_count);
	setenv("LISTEN_FDS", number, 1);
}

static pid_t spawn(struct world *w, const char *program, const char *more,
		   const char *value)
{
	char exe[PATH_MAX], key[PATH_MAX], log[PATH_MAX];
	const char *argv[16 + ARRAY_SIZE(w->options)] = {
		exe,	  "--policy",	"policy.ini", "--runtime-dir",
		"run",	  "--keys-dir", ".",	      "--ca",
		"ca.crt", "--audit",	"audit.log",  "--key-program",
		key,
	};
	size_t n = 13, i;
	pid_t pid;
	int fd;

	program_path(exe, program);
	program_path(key, "sivshmemd-key");
	world_path(w, log, "daemon.log");
	pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return pid;
	/* a test that dies takes it along */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 2);
	pass(w);
	if (chdir(w->dir))
		_exit(126);
	for (i = 0; i < ARRAY_SIZE(w->options) && w->options[i]; i++)
		argv[n++] = w->options[i];
	argv[n++] = more;
	argv[n] = value;
	execv(exe, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void show_log(const struct world *w)
{
	char path[PATH_MAX], line[512];
	FILE *f = fopen(world_path(w, path, "daemon.log"), "re");

	while (f && fgets(line, sizeof(line), f))
		fputs(line, stderr);
	if (f)
		fclose(f);
}

bool world_said(const struct world *w, const char *text)
{
	char path[PATH_MAX], line[1024];
	FILE *f = fopen(world_path(w, path, "daemon.log"), "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, text);
	if (f)
		fclose(f);
	return found;
}

static int dial(const struct world *w)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/run/control.sock",
		 w->dir);
	if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	close(fd);
	return -1;
}

void world_start(struct world *w, const char *program)
{
	int i, status;

	w->pid = spawn(w, program, NULL, NULL);
	for (i = 0; i < WORLD_WAIT_MS / 10; i++) {
		w->control = dial(w);
		if (w->control >= 0) {
			/* it has accepted us only when it answers */
			json_decref(world_ask(w, json_pack("{s:s}", "cmd",
							   "status")));
			return;
		}
		if (waitpid(w->pid, &status, WNOHANG) == w->pid) {
			w->pid = 0;
			break;
		}
		usleep(10000);
	}
	show_log(w);
	fail_msg("%s did not come up", program);
}

void world_stop(struct world *w)
{
	pid_t pid = w->pid;
	int status;

	close(w->control);
	w->control = -1;
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	w->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		show_log(w);
		fail_msg("the daemon ended with status 0x%x",
			 (unsigned int)status);
	}
}

int world_run(struct world *w, const char *program, const char *more,
	      const char *value)
{
	pid_t pid = spawn(w, program, more, value);
	int i, status;

	for (i = 0; i < WORLD_WAIT_MS / 10; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	fail_msg("%s serves although it should not", program);
	return -1;
}

void world_begin(struct world *w, const char *program,
		 const char *const *regions, const char *policy)
{
	world_make(w, regions, policy);
	world_start(w, program);
}

void world_end(struct world *w)
{
	/* else the daemon waits a little for those who do not listen */
	while (w->guests)
		world_leave(w, w->guest[0], false);
	world_stop(w);
	destroy(w);
}

void world_abandon(struct world *w)
{
	if (w->pid) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
		show_log(w);
	}
	destroy(w);
}

unsigned int world_fds(const struct world *w)
{
	char path[64];
	unsigned int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)w->pid);
	d = opendir(path);
	if (!d)
		return 0; /* only root may look */
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* --------------------------------------------------------------- control socket */

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

void world_ask_ok(struct world *w, json_t *command)
{
	json_t *answer = world_ask(w, command);

	if (!json_is_true(json_object_get(answer, "ok")))
		fail_msg("control socket: %s",
			 json_string_value(json_object_get(answer, "error")));
	json_decref(answer);
}

void world_reload(struct world *w)
{
	world_ask_ok(w, json_pack("{s:s}", "cmd", "reload"));
}

void world_change(struct world *w, const char *policy)
{
	world_policy(w, policy);
	world_reload(w);
}

static json_t *status(struct world *w)
{
	return world_ask(w, json_pack("{s:s}", "cmd", "status"));
}

json_int_t world_status(struct world *w, const char *path)
{
	const char *dot = strchr(path, '.');
	json_t *o = status(w), *at = o;
	json_int_t n;
	char head[64];

	if (dot) {
		snprintf(head, sizeof(head), "%.*s", (int)(dot - path), path);
		at = json_object_get(o, head);
		path = dot + 1;
	}
	at = json_object_get(at, path);
	assert_true(json_is_integer(at));
	n = json_integer_value(at);
	json_decref(o);
	return n;
}

unsigned int world_count(struct world *w, const char *list, const char *key,
			 const char *value)
{
	json_t *o = status(w), *e;
	unsigned int n = 0;
	size_t i;

	json_array_foreach(json_object_get(o, list), i, e)
	{
		const char *v = json_string_value(json_object_get(e, key));

		n += v && !strcmp(v, value);
	}
	json_decref(o);
	return n;
}

json_int_t world_region(struct world *w, const char *key)
{
	json_t *o = status(w);
	json_t *v = json_object_get(
		json_array_get(json_object_get(o, "regions"), 0), key);
	json_int_t n = json_integer_value(v);

	assert_true(json_is_integer(v));
	json_decref(o);
	return n;
}

/* --------------------------------------------------------------- the audit log */

/* In one turn of its loop it may come to the socket first: the next one had all the rest. */
void world_settle(struct world *w)
{
	json_decref(status(w));
	json_decref(status(w));
}

/* An answer of the control socket: what happened before it stands in the log. */
static void settle(struct world *w)
{
	if (w->control >= 0)
		world_settle(w);
}

static FILE *audit_open(struct world *w)
{
	char path[PATH_MAX];
	FILE *f = fopen(world_path(w, path, "audit.log"), "re");

	if (f && fseek(f, w->mark, SEEK_SET))
		fail_msg("%s: %s", path, strerror(errno));
	return f;
}

void world_mark(struct world *w)
{
	FILE *f;

	settle(w);
	w->mark = 0;
	f = audit_open(w);
	if (!f)
		return;
	fseek(f, 0, SEEK_END);
	w->mark = ftell(f);
	fclose(f);
}

static bool same(const json_t *o, const char *key, const char *want)
{
	const char *v = json_string_value(json_object_get(o, key));

	return !want || (v && !strcmp(v, want));
}

static bool is_like(const json_t *o, const struct said *what)
{
	return same(o, "event", what->event) && same(o, "who", what->who) &&
	       same(o, "rule", what->rule) && same(o, "reason", what->reason) &&
	       (!what->err ||
		json_integer_value(json_object_get(o, "errno")) == what->err);
}

/* Lines with an error; with @what, those that are like it; shown if @show. */
static unsigned int audit_count(struct world *w, const struct said *what,
				bool errors, bool show)
{
	FILE *f = audit_open(w);
	unsigned int n = 0;
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		json_t *o = json_loads(line, 0, NULL);

		if (!o)
			fail_msg("audit line is not JSON: %s", line);
		if ((!errors ||
		     json_integer_value(json_object_get(o, "errno"))) &&
		    (!what || is_like(o, what))) {
			n++;
			if (show)
				fputs(line, stderr);
		}
		json_decref(o);
	}
	if (f)
		fclose(f);
	return n;
}

unsigned int world_audit(struct world *w, const struct said *what)
{
	settle(w);
	return audit_count(w, what, false, false);
}

unsigned int world_events(struct world *w, const char *event)
{
	return world_audit(w, &(struct said){ .event = event });
}

bool world_audit_wait(struct world *w, const struct said *what,
		      unsigned int count)
{
	return world_until(w, WORLD_WAIT_MS,
			   audit_count(w, what, false, false) >= count);
}

void world_refused_at(struct world *w, const struct said *what,
		      const char *file, int line)
{
	settle(w);
	if (audit_count(w, NULL, true, false) == 1 &&
	    audit_count(w, what, true, false) == 1)
		return;
	fprintf(stderr,
		"%s:%d: exactly one line was due: %s, errno %d, %s, %s, %s\n",
		file, line, what->event, what->err,
		what->who ? what->who : "anybody",
		what->rule ? what->rule : "any rule",
		what->reason ? what->reason : "-");
	audit_count(w, NULL, true, true);
	_fail(file, line);
}

void world_quiet_at(struct world *w, const char *file, int line)
{
	settle(w);
	if (!audit_count(w, NULL, true, true))
		return;
	fprintf(stderr, "%s:%d: no refusal was due\n", file, line);
	_fail(file, line);
}
