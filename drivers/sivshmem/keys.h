/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Identities: the key type "sivshmem" and the keyring ".sivshmem" of trust anchors.
 *
 * A key's payload is a struct siv_identity with its own reference count. Sessions and
 * listeners hold the identity, never the key: no hook tells a holder of a key that it
 * was unlinked, so the identity watches its key weakly (@key, cleared in the key's
 * destroy) and everything that ends the key ends the identity within a second.
 */
#ifndef SIV_KEYS_H
#define SIV_KEYS_H

#include <linux/key.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "core/cert.h"
#include "crypto.h"

/**
 * struct siv_identity_cert - one certificate of an identity: immutable, shared
 * @ref: references
 * @cert: parsed; views into @der
 * @len: bytes at @der
 * @der: the certificate
 */
struct siv_identity_cert {
	struct kref ref;
	struct siv_cert cert;
	size_t len;
	u8 der[];
};

struct siv_identity_user;

/**
 * struct siv_identity - who a service or client is
 * @ref: the key's payload holds one, each session and listener one
 * @lock: protects @key, @cert, @generation, @ended, @users, @told, @why, @telling; leaf,
 *        taken with irqs on
 * @key: weak: cleared when the key is destroyed; never used outside @lock
 * @cert: NULL while the key is "new" and has no certificate yet
 * @generation: counts certificates: a session of an older one is to end
 * @ended: why it may not be used any more, or SIV_OK; a certificate that is out of date
 *         can be followed by another one, everything else is for good
 * @users: struct siv_identity_user, told when it ends
 * @told: those that @tell still has to tell
 * @why: what it tells them
 * @telling: the one whose @ended is running
 * @tell: work that tells them; holds a reference
 * @priv: wiped when it ends for good
 * @prkh: hedge for ephemerals; likewise
 * @pub: public key
 * @proof: that @priv exists, for the challenge of "new"
 * @proved: there is a @proof
 * @link: in the list that the 250 ms watch walks, from instantiation to destruction
 */
struct siv_identity {
	struct kref ref;
	spinlock_t lock; /* a leaf: see above */
	struct key *key;
	struct siv_identity_cert *cert;
	u32 generation;
	enum siv_reason ended;
	struct list_head users;
	struct list_head told;
	enum siv_reason why;
	struct siv_identity_user *telling;
	struct work_struct tell;
	struct siv_static priv;
	u8 prkh[SIV_HASH_LEN];
	u8 pub[SIV_KEY_LEN];
	u8 proof[SIV_PROOF_LEN];
	bool proved;
	struct list_head link;
};

/**
 * struct siv_identity_user - somebody who must know when an identity ends
 * @link: in the identity's list
 * @ended: called once from the keys' workqueue, may sleep, no lock held; also when a new
 *         certificate replaced the old one (SIV_R_KEY_REVOKED then, too)
 */
struct siv_identity_user {
	struct list_head link;
	void (*ended)(struct siv_identity_user *user, enum siv_reason why);
};

/**
 * siv_identity_lookup() - find an identity that the caller may search
 * @serial: a key serial or KEY_SPEC_*
 * @cert: set to a reference to its current certificate
 *
 * No upcall; call it before taking any lock. Return: the identity with a reference, or
 * ERR_PTR: -ENOKEY (also: no certificate yet), -EKEYREVOKED, -EKEYEXPIRED, -EKEYREJECTED
 * (not yet valid), -EACCES, -EINTR, -EINVAL for what is no serial.
 */
struct siv_identity *siv_identity_lookup(key_serial_t serial,
					 struct siv_identity_cert **cert);
/* siv_identity_may_search() - may the caller search this identity's key (by serial)? */
int siv_identity_may_search(struct siv_identity *id);
/*
 * siv_identity_why() - the cause behind an errno of these and of siv_identity_use(), but
 * for -EINTR and -ESTALE. Whatever errno a negative key was given: there is no key.
 */
enum siv_reason siv_identity_why(int err);
/**
 * siv_identity_private() - a copy of the private key
 * @id: the identity
 * @out: set, to zeros if it has ended; the caller wipes it
 *
 * Never half of a key: Diffie-Hellman with a key that is just being wiped would give a
 * secret that others can compute. Return: SIV_OK, or why the identity has ended.
 */
enum siv_reason __must_check siv_identity_private(struct siv_identity *id,
						  struct siv_static *out);
void siv_identity_get(struct siv_identity *id);
void siv_identity_put(struct siv_identity *id);
void siv_identity_cert_put(struct siv_identity_cert *cert);
/**
 * siv_identity_use() - be told when it ends
 * @id: the identity
 * @user: who is to be told
 * @cert: the certificate that @user goes by
 *
 * Return: 0; -EKEYREVOKED or -EKEYEXPIRED if it has ended; -ESTALE if @cert is not its
 * current one any more: look it up again. After a failure siv_identity_unuse() is
 * allowed, but not needed.
 */
int siv_identity_use(struct siv_identity *id, struct siv_identity_user *user,
		     const struct siv_identity_cert *cert);
/*
 * siv_identity_unuse() - stop; after it returns @ended is not running, unless it is
 * @ended itself that calls. May sleep.
 */
void siv_identity_unuse(struct siv_identity *id,
			struct siv_identity_user *user);

/* The anchors of core/crypto.h: the keyring .sivshmem. */
struct siv_anchors;
const struct siv_anchors *siv_keys_anchors(void);
/* siv_keys_anchors_closed() - is .sivshmem restricted? The first yes pins the module. */
bool siv_keys_anchors_closed(void);
/**
 * siv_keys_now() - the time to judge certificates by (protocol.rst, "Time")
 * @host_time: newest host time of the region's session, 0 if there is none yet
 * @host_boottime_ns: CLOCK_BOOTTIME when it arrived
 *
 * Return: max(guest clock, host time + CLOCK_BOOTTIME since, module build time).
 */
s64 siv_keys_now(s64 host_time, u64 host_boottime_ns);

int siv_keys_init(void);
/* siv_keys_exit() - unregister; waits for the key garbage collector. */
void siv_keys_exit(void);
/* siv_keys_forget_all() - hibernation: end every identity, wipe its private key. */
void siv_keys_forget_all(void);

#endif /* SIV_KEYS_H */
