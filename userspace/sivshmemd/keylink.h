/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The daemon's end of the key process. */
#ifndef SIVD_KEYLINK_H
#define SIVD_KEYLINK_H

#include "core/cert.h"
#include "policy.h"

/**
 * struct keylink - one key process with a socket for each region
 * @pid: of the process; 0: there is none
 * @fd: per region of the policy; -1: vanilla, no key
 * @count: regions of the policy
 */
struct keylink {
	pid_t pid;
	int *fd;
	u32 count;
};

/**
 * keylink_start() - start sivshmemd-key
 * @k: filled in
 * @program: its path
 * @keys_dir: REGION.key, or host.key
 * @user: whom it becomes, if we are root; NULL: nobody else
 * @p: the policy
 * @err: room for what is wrong
 * @cap: bytes at @err
 *
 * Return: 0, or -1 with @err.
 */
int keylink_start(struct keylink *k, const char *program, const char *keys_dir,
		  const char *user, const struct policy *p, char *err,
		  size_t cap);
void keylink_stop(struct keylink *k);
/**
 * keylink_open() - the key of a region
 * @k: the key process
 * @region: index in the policy
 * @cert: the host's certificate: the key must be its
 * @prkh: set to the hedge for ephemerals: a secret that only this key's holder and we
 *        can make, from X25519 with a fixed point of unknown logarithm
 * @err: room for what is wrong
 * @cap: bytes at @err
 *
 * Return: NULL with @err.
 */
struct siv_static *keylink_open(const struct keylink *k, u32 region,
				const struct siv_cert *cert,
				u8 prkh[SIV_HASH_LEN], char *err, size_t cap);

#endif /* SIVD_KEYLINK_H */
