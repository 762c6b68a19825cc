/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The daemon as a whole: what was configured, made from it at start and at each reload. */
#ifndef SIVD_DAEMON_H
#define SIVD_DAEMON_H

#include "broker.h"
#include "files.h"
#include "keylink.h"

enum {
	DAEMON_ACTIVATED_MAX = 4096
};

/**
 * struct daemon - one running daemon
 * @paths: of all files
 * @runtime_dir: absolute
 * @key_program: sivshmemd-key
 * @key_user: whom it becomes, or NULL
 * @event: the loop
 * @files: the helper
 * @keylink: the key process
 * @audit: the log
 * @broker: all that guests have to do with
 * @ctl: the control socket
 * @activated: sockets that the service manager passed, by path
 * @activated_count: how many @activated
 * @pid: our own: the sandbox does not tell
 * @self: our user, likewise
 * @started: seconds since 1970
 * @key_gone: hears when the key process ends
 */
struct daemon {
	struct files_paths paths;
	char *runtime_dir;
	const char *key_program;
	const char *key_user;
	sd_event *event;
	struct files *files;
	struct keylink keylink;
	struct audit *audit;
	struct broker *broker;
	struct ctl *ctl;
	struct {
		int fd;
		char path[128];
	} * activated;
	int activated_count;
	pid_t pid;
	uid_t self;
	s64 started;
	sd_event_source *key_gone;
};

/* What a reload reads before anything changes. */
struct daemon_config {
	struct policy *policy;
	struct siv_anchors *anchors;
	struct crl *crl;
};

/**
 * daemon_read() - policy, anchors and CRL
 * @f: the helper
 * @paths: for messages
 * @self: what `self` means in the policy
 * @have_crl: there was one before: that it is missing now is an error
 * @out: filled in
 * @notes: what was found wrong
 *
 * Return: false if anything is wrong; then nothing is in @out.
 */
bool daemon_read(struct files *f, const struct files_paths *paths, uid_t self,
		 bool have_crl, struct daemon_config *out, struct notes *notes);
/* daemon_config_free() - what was read and is not used. */
void daemon_config_free(struct daemon_config *c);
/* daemon_check_certs() - the host's certificates: there, ours, and not at their end. */
bool daemon_check_certs(struct files *f, const struct policy *p,
			const struct siv_anchors *anchors, struct notes *notes);
/* daemon_begin() - regions, key process, sockets; false after log_error(). */
bool daemon_begin(struct daemon *d, struct daemon_config *c);
/**
 * daemon_reload() - read everything again and apply it
 * @d: the daemon
 * @err: room for what is wrong
 * @cap: bytes at @err
 *
 * Return: false and @err: then everything is as it was.
 */
bool daemon_reload(struct daemon *d, char *err, size_t cap);
/* daemon_end() - after the loop. */
void daemon_end(struct daemon *d);

#endif /* SIVD_DAEMON_H */
