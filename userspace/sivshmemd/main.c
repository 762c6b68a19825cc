// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* sivshmemd: options, and the order in which things begin and end. See sivshmemd(8). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "core/crypto_openssl.h"
#include "daemon.h"
#include "lie.h"
#include "log.h"
#include "sandbox.h"

enum {
	OPT_POLICY = 256,
	OPT_RUNTIME_DIR,
	OPT_KEYS_DIR,
	OPT_CA,
	OPT_CRL,
	OPT_AUDIT,
	OPT_CHECK,
	OPT_FOREGROUND,
	OPT_USER,
	OPT_KEY_USER,
	OPT_KEY_PROGRAM,
	OPT_LIE,
	OPT_HELP,
};

enum {
	STOP_US = 500 * 1000
};

struct options {
	const char *policy;
	const char *runtime_dir;
	const char *keys_dir;
	const char *ca;
	const char *crl;
	const char *audit;
	const char *user;
	const char *key_user;
	const char *key_program;
	bool check;
	bool help;
};

static const char usage[] =
	"usage: sivshmemd [OPTION]...\n"
	"       sivshmemd --check [OPTION]...\n\n"
	"Serve shared memory regions to QEMUs: authenticated channels, by a policy.\n\n"
	"  --policy FILE       /etc/sivshmem/policy.ini\n"
	"  --keys-dir DIR      REGION.crt and REGION.key, or host.crt and host.key\n"
	"                      (/etc/sivshmem)\n"
	"  --ca FILE           certificates of the CA (KEYS-DIR/ca.crt)\n"
	"  --crl FILE          revoked certificates (KEYS-DIR/crl.pem)\n"
	"  --runtime-dir DIR   VM/REGION.sock and control.sock (/run/sivshmem)\n"
	"  --audit FILE        audit log, one JSON object a line (standard error)\n"
	"  --check             check policy and certificates, serve nothing\n"
	"  --user NAME         if started by root: become NAME\n"
	"  --key-user NAME     likewise, for the process that holds the keys\n"
	"  --key-program FILE  sivshmemd-key (beside this program)\n"
	"  --foreground        is always so; accepted\n"
	"  --help              this text\n";

static int options_take(struct options *o, int opt, const char *arg)
{
	switch (opt) {
	case OPT_POLICY:
		o->policy = arg;
		break;
	case OPT_RUNTIME_DIR:
		o->runtime_dir = arg;
		break;
	case OPT_KEYS_DIR:
		o->keys_dir = arg;
		break;
	case OPT_CA:
		o->ca = arg;
		break;
	case OPT_CRL:
		o->crl = arg;
		break;
	case OPT_AUDIT:
		o->audit = arg;
		break;
	case OPT_USER:
		o->user = arg;
		break;
	case OPT_KEY_USER:
		o->key_user = arg;
		break;
	case OPT_KEY_PROGRAM:
		o->key_program = arg;
		break;
	case OPT_CHECK:
		o->check = true;
		break;
	case OPT_FOREGROUND:
		break;
	case OPT_HELP:
		o->help = true;
		break;
#ifdef SIV_DISHONEST
	case OPT_LIE:
		return lie_set(arg) ? 0 : -1;
#endif
	default:
		return -1;
	}
	return 0;
}

static int options_parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "policy", required_argument, NULL, OPT_POLICY },
		{ "runtime-dir", required_argument, NULL, OPT_RUNTIME_DIR },
		{ "keys-dir", required_argument, NULL, OPT_KEYS_DIR },
		{ "ca", required_argument, NULL, OPT_CA },
		{ "crl", required_argument, NULL, OPT_CRL },
		{ "audit", required_argument, NULL, OPT_AUDIT },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "foreground", no_argument, NULL, OPT_FOREGROUND },
		{ "user", required_argument, NULL, OPT_USER },
		{ "key-user", required_argument, NULL, OPT_KEY_USER },
		{ "key-program", required_argument, NULL, OPT_KEY_PROGRAM },
#ifdef SIV_DISHONEST
		{ "lie", required_argument, NULL, OPT_LIE },
#endif
		{ "help", no_argument, NULL, OPT_HELP },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) >= 0)
		if (options_take(o, opt, optarg))
			return -1;
	return optind == argc ? 0 : -1;
}

/* ------------------------------------------------------------------- paths */

static char *absolute(const char *path)
{
	char cwd[PATH_MAX], *out;

	if (path[0] == '/')
		return strdup(path);
	if (!getcwd(cwd, sizeof(cwd)) || asprintf(&out, "%s/%s", cwd, path) < 0)
		return NULL;
	return out;
}

/* DIR/NAME, where the option did not say. */
static const char *in_dir(const char *said, const char *dir, const char *name)
{
	char *out;

	if (said)
		return said;
	return asprintf(&out, "%s/%s", dir, name) < 0 ? NULL : out;
}

static const char *beside_us(const char *name)
{
	char self[PATH_MAX], *slash, *out;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return name;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return name;
	*slash = '\0';
	if (asprintf(&out, "%s/%s", self, name) < 0)
		return NULL;
#ifdef SIV_DISHONEST
	/* it is built one directory below the product */
	if (access(out, X_OK) && asprintf(&out, "%s/../%s", self, name) < 0)
		return NULL;
#endif
	return out;
}

static bool paths_set(struct daemon *d, const struct options *o)
{
	const char *keys = o->keys_dir ? o->keys_dir : "/etc/sivshmem";

	d->runtime_dir =
		absolute(o->runtime_dir ? o->runtime_dir : "/run/sivshmem");
	d->paths = (struct files_paths){
		.policy = o->policy ? o->policy : "/etc/sivshmem/policy.ini",
		.ca = in_dir(o->ca, keys, "ca.crt"),
		.crl = in_dir(o->crl, keys, "crl.pem"),
		.keys_dir = keys,
		.audit = o->audit,
		.runtime_dir = d->runtime_dir,
	};
	d->key_program = o->key_program ? o->key_program :
					  beside_us("sivshmemd-key");
	d->key_user = o->key_user;
	return d->runtime_dir && d->paths.ca && d->paths.crl && d->key_program;
}

/* ------------------------------------------------------------------- check */

static int check(struct daemon *d)
{
	struct notes notes = { 0 };
	struct daemon_config c;
	int status = 1;

	d->files = files_start(&d->paths, false);
	if (d->files &&
	    daemon_read(d->files, &d->paths, d->self, false, &c, &notes)) {
		if (daemon_check_certs(d->files, c.policy, c.anchors, &notes))
			status = 0;
		daemon_config_free(&c);
	}
	if (notes.text)
		fputs(notes.text, stderr);
	if (!status)
		printf("%s: %u warnings, no errors\n", d->paths.policy,
		       notes.warnings);
	notes_clear(&notes);
	files_stop(d->files);
	return status;
}

/* ---------------------------------------------------------------- privilege */

static bool become(const char *user)
{
	struct passwd *pw = getpwnam(user);

	if (!pw) {
		log_error("%s: no such user", user);
		return false;
	}
	if (initgroups(user, pw->pw_gid) ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid)) {
		log_error("cannot become %s: %s", user, strerror(errno));
		return false;
	}
	return !sandbox_private();
}

/* Whom the daemon will be: that is what `self` means in the policy. */
static bool self_set(struct daemon *d, const struct options *o)
{
	struct passwd *pw;

	d->self = geteuid();
	if (d->self || !o->user)
		return true;
	pw = getpwnam(o->user);
	if (!pw) {
		log_error("%s: no such user", o->user);
		return false;
	}
	d->self = pw->pw_uid;
	return true;
}

/* Eventfds of many VMs: as many descriptors as we may have. */
static void more_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

/* Sockets that the service manager made, remembered by their path. */
static bool take_activated(struct daemon *d)
{
	int i, n = sd_listen_fds(1);

	if (n <= 0)
		return true;
	d->activated = calloc((size_t)n, sizeof(*d->activated));
	if (!d->activated)
		return false;
	for (i = 0; i < n; i++) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		socklen_t len = sizeof(sa) - 1;
		int fd = SD_LISTEN_FDS_START + i;

		if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0 ||
		    getsockname(fd, (struct sockaddr *)&sa, &len)) {
			close(fd);
			continue;
		}
		(void)!fcntl(fd, F_SETFL, O_NONBLOCK);
		d->activated[d->activated_count].fd = fd;
		snprintf(d->activated[d->activated_count].path,
			 sizeof(d->activated[0].path), "%s", sa.sun_path);
		d->activated_count++;
	}
	return true;
}

/* -------------------------------------------------------------------- loop */

static int on_hup(sd_event_source *s, const struct signalfd_siginfo *si,
		  void *arg)
{
	char err[512];

	(void)s;
	(void)si;
	daemon_reload(arg, err, sizeof(err));
	return 0;
}

static int on_stopped(sd_event_source *s, uint64_t usec, void *arg)
{
	struct daemon *d = arg;

	(void)s;
	(void)usec;
	return sd_event_exit(d->event, 0);
}

/* The sessions have delivered their last words: no need to wait longer. */
static int on_silence(sd_event_source *s, void *arg)
{
	struct daemon *d = arg;

	(void)s;
	return d->broker->session_count ? 0 : sd_event_exit(d->event, 0);
}

static int on_term(sd_event_source *s, const struct signalfd_siginfo *si,
		   void *arg)
{
	struct daemon *d = arg;

	(void)s;
	(void)si;
	if (d->broker->stopping)
		return sd_event_exit(d->event, 0);
	files_notify(d->files, "STOPPING=1");
	audit_note(d->audit, AUDIT_STOP, SIV_OK, NULL, NULL,
		   "stopped by a signal");
	broker_stop(d->broker);
	if (!d->broker->session_count)
		return sd_event_exit(d->event, 0);
	if (sd_event_add_post(d->event, NULL, on_silence, d) < 0)
		return sd_event_exit(d->event, 0);
	return sd_event_add_time_relative(d->event, NULL, CLOCK_MONOTONIC,
					  STOP_US, 0, on_stopped, d);
}

static int on_never(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	(void)arg;
	return 0;
}

/* The loop makes a timer descriptor at the first timer of a clock: both, now. */
static bool loop_make(struct daemon *d)
{
	static const int clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) || sd_event_new(&d->event) < 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		sd_event_source *s;

		if (sd_event_add_time(d->event, &s, (clockid_t)clocks[i],
				      UINT64_MAX, 0, on_never, NULL) < 0 ||
		    sd_event_source_set_floating(s, 1) < 0)
			return false;
		sd_event_source_unref(s);
	}
	return sd_event_add_signal(d->event, NULL, SIGTERM, on_term, d) >= 0 &&
	       sd_event_add_signal(d->event, NULL, SIGINT, on_term, d) >= 0 &&
	       sd_event_add_signal(d->event, NULL, SIGHUP, on_hup, d) >= 0;
}

/*
 * The order matters: the policy is read and the key process started with what privileges
 * there are; then they are given up; then the helper for files is forked, from a process
 * that knows no secret; then memory and sockets are made; and the filter comes last.
 */
static bool begin(struct daemon *d, const struct options *o)
{
	struct notes notes = { 0 };
	struct daemon_config c = { 0 };
	char err[512];
	bool ok;

	d->files = files_start(&d->paths, false);
	ok = d->files &&
	     daemon_read(d->files, &d->paths, d->self, false, &c, &notes) &&
	     daemon_check_certs(d->files, c.policy, c.anchors, &notes);
	if (notes.text)
		fputs(notes.text, stderr);
	notes_clear(&notes);
	files_stop(d->files);
	d->files = NULL;
	if (!ok) {
		daemon_config_free(&c);
		return false;
	}
	if (keylink_start(&d->keylink, d->key_program, d->paths.keys_dir,
			  geteuid() ? NULL : d->key_user, c.policy, err,
			  sizeof(err))) {
		log_error("%s", err);
		return false;
	}
	if (!geteuid() && o->user && !become(o->user))
		return false;
	d->files = files_start(&d->paths, true);
	if (!d->files) {
		log_error("file helper: %s", strerror(errno));
		return false;
	}
	if (!loop_make(d)) {
		log_error("event loop: %s", strerror(errno));
		return false;
	}
	return daemon_begin(d, &c);
}

static int serve(struct daemon *d, const struct options *o)
{
	int status = 1;

	if (sandbox_private()) {
		log_error("cannot protect this process: %s", strerror(errno));
		return 1;
	}
	if (!geteuid() && !o->user)
		log_warning("running as root: give --user, and --key-user");
	more_descriptors();
	d->pid = getpid();
	d->started = clock_wall_s();
	if (take_activated(d) && begin(d, o)) {
		if (sandbox_daemon()) {
			log_error("no sandbox: %s", strerror(errno));
		} else {
			audit_note(d->audit, AUDIT_START, SIV_OK, NULL, NULL,
				   "%u regions, policy %s",
				   d->broker->region_count, d->paths.policy);
			log_info("serving %u regions", d->broker->region_count);
			files_notify(d->files, "READY=1");
			status = sd_event_loop(d->event) < 0;
		}
	}
	daemon_end(d);
	sd_event_unref(d->event);
	return status;
}

int main(int argc, char **argv)
{
	static struct daemon d;
	struct options o = { 0 };

	log_begin("sivshmemd");
	umask(0077);
	if (options_parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (o.help) {
		fputs(usage, stdout);
		return 0;
	}
	if (!paths_set(&d, &o)) {
		log_error("out of memory");
		return 1;
	}
	if (!self_set(&d, &o))
		return 1;
	return o.check ? check(&d) : serve(&d, &o);
}
