/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The file system, for a daemon that cannot reach it: a child process, forked before the
 * first guest is served, that opens a fixed set of files, makes and removes our sockets
 * and looks up users. It never sees a byte of a guest; what it is asked is an operation
 * and names that it checks again. Key files are not in the set.
 */
#ifndef SIVD_FILES_H
#define SIVD_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum files_what {
	FILES_POLICY,
	FILES_CA,
	FILES_CRL,
	FILES_CERT,  /* of the host, for a region */
	FILES_AUDIT, /* opened for appending */
};

/**
 * struct files_paths - where things are
 * @policy: the policy
 * @ca: certificates of the CA
 * @crl: its revocation list
 * @keys_dir: REGION.crt and REGION.key, or host.crt and host.key
 * @audit: NULL: standard error
 * @runtime_dir: VM/REGION.sock, control.sock
 */
struct files_paths {
	const char *policy;
	const char *ca;
	const char *crl;
	const char *keys_dir;
	const char *audit;
	const char *runtime_dir;
};

struct files;

/**
 * files_start() - fork the helper
 * @paths: must stay
 * @fork_it: false: the same functions in this process (`--check`)
 *
 * Return: NULL with errno.
 */
struct files *files_start(const struct files_paths *paths, bool fork_it);
/* files_stop() - the helper removes the sockets that it made, and ends. */
void files_stop(struct files *f);

/**
 * files_read() - the content of a file that nobody else may write
 * @f: the helper
 * @what: which file
 * @region: for FILES_CERT, else NULL
 * @len: set to its length
 * @err: what is wrong, with the file's name
 * @cap: bytes at @err
 *
 * Return: its bytes and a NUL, to be freed; NULL with errno (ENOENT: there is none).
 */
char *files_read(struct files *f, enum files_what what, const char *region,
		 size_t *len, char *err, size_t cap);
/* files_audit() - the audit log, for appending; -1 with errno. */
int files_audit(struct files *f, char *err, size_t cap);
/**
 * files_listen() - a listening socket RUNTIME/VM/REGION.sock
 * @f: the helper
 * @vm: NULL: RUNTIME/control.sock
 * @region: the region
 * @err: room for what is wrong
 * @cap: bytes at @err
 *
 * Return: the socket, non-blocking, or -1 with errno and @err. @err is also set if the VM's
 * directory was not there and had to be made, else empty.
 */
int files_listen(struct files *f, const char *vm, const char *region, char *err,
		 size_t cap);
/* files_unlisten() - remove a socket that files_listen() made. */
void files_unlisten(struct files *f, const char *vm, const char *region);
/* files_uid() - the number of a user; signature of policy_uid_fn. */
bool files_uid(void *f, const char *user, uid_t *uid);
/* files_notify() - a message to the service manager. */
void files_notify(struct files *f, const char *text);
/* files_name() - the name of a file as the user gave it, for messages. */
const char *files_name(const struct files_paths *p, enum files_what what);

#endif /* SIVD_FILES_H */
