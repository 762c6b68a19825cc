// SPDX-License-Identifier: GPL-2.0-only
/*
 * The key type "sivshmem" and the keyring ".sivshmem".
 *
 * All parsing, signatures and key generation happen in ->preparse, where no lock of the
 * key subsystem is held. ->instantiate and ->update only move pointers and compare.
 *
 * The kernel tells a key type when a key is revoked and when its last reference went,
 * but not when it expires, is invalidated or unlinked. So nobody but the keyrings holds
 * a struct key: sessions hold the identity, and a watch looks at key and dates through
 * the identity's weak pointer.
 *
 * Locks: key->sem > siv_identities_lock > identity->lock.
 */
#include <linux/cred.h>
#include <linux/key-type.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "core/session.h"
#include "event.h"
#include "keys.h"

#define SIV_KEYRING ".sivshmem"
#define SIV_KEYRING_PERM                                                \
	(KEY_POS_SEARCH | KEY_USR_VIEW | KEY_USR_READ | KEY_USR_WRITE | \
	 KEY_USR_SEARCH | KEY_USR_SETATTR)
#define SIV_WATCH_MS 250

static LIST_HEAD(siv_identities); /* those that have a key */
static DEFINE_SPINLOCK(siv_identities_lock);
static atomic_t siv_identities_count = ATOMIC_INIT(0); /* all that exist */
static DECLARE_WAIT_QUEUE_HEAD(siv_identities_wait);
static struct workqueue_struct *siv_keys_wq;
static struct siv_anchors siv_the_anchors;
static atomic_t siv_module_pinned = ATOMIC_INIT(0);

static void siv_watch(struct work_struct *work);
static DECLARE_DELAYED_WORK(siv_watch_work, siv_watch);

/* ----------------------------------------------------------- certificates */

static void siv_identity_cert_free(struct kref *ref)
{
	kfree(container_of(ref, struct siv_identity_cert, ref));
}

void siv_identity_cert_put(struct siv_identity_cert *cert)
{
	if (cert)
		kref_put(&cert->ref, siv_identity_cert_free);
}

/* Parse and judge a certificate; NULL with @r set if it is refused. */
static struct siv_identity_cert *siv_identity_cert_make(struct siv_span der,
							enum siv_reason *r)
{
	struct siv_identity_cert *c;

	*r = SIV_R_CERT_SIZE;
	if (der.n > SIV_CERT_MAX)
		return NULL;
	*r = SIV_R_NO_MEMORY;
	c = kmalloc(struct_size(c, der, der.n), GFP_KERNEL);
	if (!c)
		return NULL;
	kref_init(&c->ref);
	c->len = der.n;
	memcpy(c->der, der.p, der.n);
	*r = siv_cert_parse((struct siv_span){ c->der, c->len }, &c->cert);
	if (*r == SIV_OK && c->cert.role != SIV_CERT_ENDPOINT)
		*r = SIV_R_CERT_ROLE;
	if (*r == SIV_OK)
		*r = siv_cert_dates(&c->cert, siv_keys_now(0, 0));
	if (*r == SIV_OK)
		*r = siv_cert_verify(&c->cert, siv_keys_anchors());
	if (*r == SIV_OK)
		return c;
	siv_identity_cert_put(c);
	return NULL;
}

/* ------------------------------------------------------ lives of identities */

static void siv_identity_wipe(struct siv_identity *id)
{
	siv_wipe(&id->priv, sizeof(id->priv));
	siv_wipe(id->prkh, sizeof(id->prkh));
}

static void siv_identity_free(struct kref *ref)
{
	struct siv_identity *id = container_of(ref, struct siv_identity, ref);

	siv_identity_cert_put(id->cert);
	siv_identity_wipe(id);
	kfree(id);
	if (atomic_dec_and_test(&siv_identities_count))
		wake_up_all(&siv_identities_wait);
}

void siv_identity_get(struct siv_identity *id)
{
	kref_get(&id->ref);
}

void siv_identity_put(struct siv_identity *id)
{
	kref_put(&id->ref, siv_identity_free);
}

/* Tell one user after the other, with no lock held. */
static void siv_identity_tell(struct work_struct *work)
{
	struct siv_identity *id = container_of(work, struct siv_identity, tell);
	struct siv_identity_user *user;
	enum siv_reason why;

	spin_lock(&id->lock);
	while (!list_empty(&id->told)) {
		user = list_first_entry(&id->told, struct siv_identity_user,
					link);
		list_del_init(&user->link);
		id->telling = user;
		why = id->why;
		spin_unlock(&id->lock);
		user->ended(user, why);
		spin_lock(&id->lock);
		id->telling = NULL;
		wake_up_all(&siv_identities_wait);
	}
	spin_unlock(&id->lock);
	siv_identity_put(id);
}

/* All of today's users are to be told; later ones are none of this. */
static void siv_identity_tell_all(struct siv_identity *id, enum siv_reason why)
{
	lockdep_assert_held(&id->lock);
	if (list_empty(&id->users))
		return;
	id->why = why;
	list_splice_tail_init(&id->users, &id->told);
	siv_identity_get(id);
	if (!queue_work(siv_keys_wq, &id->tell))
		refcount_dec(&id->ref.refcount); /* never the last one */
}

/* Why an identity ends for good, as against a certificate that is out of date. */
static bool siv_end_is_final(enum siv_reason why)
{
	return why != SIV_OK && why != SIV_R_CERT_EXPIRED &&
	       why != SIV_R_CERT_NOT_YET;
}

static void siv_identity_end(struct siv_identity *id, enum siv_reason why)
{
	lockdep_assert_held(&id->lock);
	if (siv_end_is_final(id->ended) || id->ended == why)
		return;
	id->ended = why;
	if (siv_end_is_final(why))
		siv_identity_wipe(id);
	if (why != SIV_OK)
		siv_identity_tell_all(id, why);
}

enum siv_reason siv_identity_private(struct siv_identity *id,
				     struct siv_static *out)
{
	enum siv_reason r = SIV_OK;

	spin_lock(&id->lock);
	if (siv_end_is_final(id->ended))
		r = id->ended;
	*out = id->priv;
	spin_unlock(&id->lock);
	return r;
}

static struct siv_identity *siv_identity_alloc(void)
{
	struct siv_identity *id = kzalloc(sizeof(*id), GFP_KERNEL);

	if (!id)
		return NULL;
	kref_init(&id->ref);
	spin_lock_init(&id->lock);
	INIT_LIST_HEAD(&id->users);
	INIT_LIST_HEAD(&id->told);
	INIT_LIST_HEAD(&id->link);
	INIT_WORK(&id->tell, siv_identity_tell);
	atomic_inc(&siv_identities_count);
	return id;
}

/* --------------------------------------------------------------- the watch */

/* What the key and the dates say now. */
static enum siv_reason siv_identity_judge(struct siv_identity *id, s64 now)
{
	lockdep_assert_held(&id->lock);
	if (!id->key)
		return SIV_R_KEY_REVOKED;
	/* reads fields of the key only; the key outlives its ->destroy */
	switch (key_validate(id->key)) {
	case 0:
		break;
	case -EKEYEXPIRED:
		return SIV_R_KEY_EXPIRED;
	default:
		return SIV_R_KEY_REVOKED;
	}
	return id->cert ? siv_cert_dates(&id->cert->cert, now) : SIV_OK;
}

static void siv_watch(struct work_struct *work)
{
	s64 now = siv_keys_now(0, 0);
	struct siv_identity *id;

	spin_lock(&siv_identities_lock);
	list_for_each_entry(id, &siv_identities, link) {
		spin_lock(&id->lock);
		siv_identity_end(id, siv_identity_judge(id, now));
		spin_unlock(&id->lock);
	}
	if (!list_empty(&siv_identities))
		queue_delayed_work(siv_keys_wq, &siv_watch_work,
				   msecs_to_jiffies(SIV_WATCH_MS));
	spin_unlock(&siv_identities_lock);
}

static void siv_watch_begin(struct siv_identity *id)
{
	spin_lock(&siv_identities_lock);
	list_add_tail(&id->link, &siv_identities);
	queue_delayed_work(siv_keys_wq, &siv_watch_work,
			   msecs_to_jiffies(SIV_WATCH_MS));
	spin_unlock(&siv_identities_lock);
}

static void siv_watch_end(struct siv_identity *id)
{
	spin_lock(&siv_identities_lock);
	list_del_init(&id->link);
	spin_unlock(&siv_identities_lock);
}

/*
 * Hibernation: the image on disk must not hold private keys. The keys go too, so that
 * they can be added again after the resume.
 */
void siv_keys_forget_all(void)
{
	struct siv_identity *id;
	struct key *key;

	do {
		key = NULL;
		spin_lock(&siv_identities_lock);
		list_for_each_entry(id, &siv_identities, link) {
			spin_lock(&id->lock);
			if (!siv_end_is_final(id->ended) && id->key &&
			    refcount_inc_not_zero(&id->key->usage))
				key = id->key;
			siv_identity_end(id, SIV_R_KEY_REVOKED);
			spin_unlock(&id->lock);
			if (key)
				break;
		}
		spin_unlock(&siv_identities_lock);
		if (key) {
			key_invalidate(key);
			key_put(key);
		}
	} while (key);
}

/* ------------------------------------------------------------ the key type */

/**
 * struct siv_prep - what ->preparse found, for ->instantiate and ->update
 * @id: a new identity, from a bundle or "new"; NULL: only a certificate
 * @cert: of a bundle, or alone
 */
struct siv_prep {
	struct siv_identity *id;
	struct siv_identity_cert *cert;
};

/* "region/vm/service": true if @desc is it, or its last part. */
static bool siv_description_names(const char *desc, const struct siv_cert *c)
{
	const struct siv_span part[] = { c->region, c->vm, c->service };
	const char *p = desc;
	unsigned int i;

	if (strlen(desc) == c->service.n &&
	    !memcmp(desc, c->service.p, c->service.n))
		return true;
	for (i = 0; i < ARRAY_SIZE(part); i++) {
		if (strncmp(p, (const char *)part[i].p, part[i].n))
			return false;
		p += part[i].n;
		if (*p != (i < 2 ? '/' : '\0'))
			return false;
		p++;
	}
	return true;
}

/* An event, and a line in the log, for whoever called keyctl. */
static int siv_key_refused(enum siv_reason why)
{
	pr_notice_ratelimited("sivshmem: key refused, uid %u: %s\n",
			      from_kuid(&init_user_ns, current_uid()),
			      siv_reason_text(why));
	return siv_refused(NULL, SIV_AT_KEY, why, 0);
}

static int siv_key_vet_description(const char *desc)
{
	const char *p = desc;
	unsigned int parts = 0;
	size_t n;

	for (;;) {
		n = strcspn(p, "/");
		if (++parts > 3 ||
		    !siv_name_check((struct siv_span){ (const u8 *)p, n }))
			return siv_key_refused(SIV_R_KEY_NAME);
		p += n;
		if (!*p)
			break;
		p++;
	}
	return parts == 2 ? siv_key_refused(SIV_R_KEY_NAME) : 0;
}

/* Make the key pair here, so that the private key never exists outside. */
static enum siv_reason siv_prep_new(struct siv_identity *id,
				    struct siv_span challenge)
{
	u8 z[SIV_KEY_LEN];
	enum siv_reason r;

	get_random_bytes(id->priv.priv, sizeof(id->priv.priv));
	id->priv.priv[0] &= 248;
	id->priv.priv[31] = (id->priv.priv[31] & 127) | 64;
	r = siv_x25519_base(id->pub, id->priv.priv);
	if (r != SIV_OK || !challenge.n)
		return r;
	if (!siv_pub_canonical(challenge.p))
		return SIV_R_PUB_NOT_CANONICAL;
	r = siv_x25519_static(z, &id->priv, challenge.p);
	if (r == SIV_OK) {
		siv_key_proof(id->proof, z, challenge.p, id->pub);
		id->proved = true;
	}
	siv_wipe(z, sizeof(z));
	return r;
}

/* The private key of a bundle must be the one that its certificate speaks of. */
static enum siv_reason siv_prep_private(struct siv_identity *id,
					struct siv_span key,
					const struct siv_cert *cert)
{
	enum siv_reason r;

	memcpy(id->priv.priv, key.p, SIV_KEY_LEN);
	r = siv_x25519_base(id->pub, id->priv.priv);
	if (r == SIV_OK && !siv_equal(id->pub, cert->pub, SIV_KEY_LEN))
		r = SIV_R_KEY_MISMATCH;
	return r;
}

static enum siv_reason siv_prep_fill(struct siv_prep *p, struct siv_span data)
{
	struct siv_span cert, key, challenge = { 0 };
	enum siv_reason r;
	bool made;

	made = (data.n == 3 || data.n == 3 + SIV_KEY_LEN) &&
	       !memcmp(data.p, "new", 3);
	if (made) {
		challenge.p = data.p + 3;
		challenge.n = data.n - 3;
	} else {
		r = siv_bundle_split(data, &cert, &key);
		if (r != SIV_OK)
			return r;
		p->cert = siv_identity_cert_make(cert, &r);
		if (!p->cert || !key.n)
			return r;
	}

	p->id = siv_identity_alloc();
	if (!p->id)
		return SIV_R_NO_MEMORY;
	if (made)
		r = siv_prep_new(p->id, challenge);
	else
		r = siv_prep_private(p->id, key, &p->cert->cert);
	if (r == SIV_OK)
		siv_hedge_prk(p->id->prkh, p->id->priv.priv);
	return r;
}

static int siv_key_preparse(struct key_preparsed_payload *prep)
{
	struct siv_prep *p;
	enum siv_reason r;

	/* long-lived keys come from a seeded generator, and this must not sleep for it */
	if (!rng_is_initialized())
		return -EAGAIN;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	prep->payload.data[0] = p;
	siv_keys_anchors_closed();
	r = siv_prep_fill(p, (struct siv_span){ prep->data, prep->datalen });
	if (r != SIV_OK)
		return siv_key_refused(r);
	prep->quotalen = prep->datalen;
	if (!prep->orig_description && p->cert) {
		struct siv_span name = p->cert->cert.service;

		prep->description =
			kmemdup_nul((const char *)name.p, name.n, GFP_KERNEL);
		if (!prep->description)
			return -ENOMEM;
	}
	return 0;
}

static void siv_key_free_preparse(struct key_preparsed_payload *prep)
{
	struct siv_prep *p = prep->payload.data[0];

	kfree(prep->description);
	if (!p)
		return;
	if (p->id)
		siv_identity_put(p->id);
	siv_identity_cert_put(p->cert);
	kfree(p);
}

static int siv_key_instantiate(struct key *key,
			       struct key_preparsed_payload *prep)
{
	struct siv_prep *p = prep->payload.data[0];
	struct siv_identity *id = p->id;
	int err;

	if (!id)
		return siv_key_refused(SIV_R_KEY_MISSING);
	if (p->cert && !siv_description_names(key->description, &p->cert->cert))
		return siv_key_refused(SIV_R_CERT_SERVICE);
	err = key_payload_reserve(key, prep->quotalen);
	if (err)
		return err;
	id->key = key;
	id->cert = p->cert;
	id->generation = p->cert ? 1 : 0;
	key->payload.data[0] = id;
	p->id = NULL;
	p->cert = NULL;
	siv_watch_begin(id);
	return 0;
}

/* Another certificate for the same private key: the first one of "new", or a renewal. */
static int siv_key_update(struct key *key, struct key_preparsed_payload *prep)
{
	struct siv_identity *id = key->payload.data[0];
	struct siv_prep *p = prep->payload.data[0];
	enum siv_reason r = SIV_OK;
	int err;

	if (!id)
		return siv_key_instantiate(key,
					   prep); /* it was a negative key */
	if (p->id)
		return siv_key_refused(SIV_R_KEY_EXISTS);
	if (!siv_equal(p->cert->cert.pub, id->pub, SIV_KEY_LEN))
		return siv_key_refused(SIV_R_KEY_MISMATCH);
	if (!siv_description_names(key->description, &p->cert->cert))
		return siv_key_refused(SIV_R_CERT_SERVICE);
	err = key_payload_reserve(key, prep->quotalen);
	if (err)
		return err;

	spin_lock(&id->lock);
	if (siv_end_is_final(id->ended)) {
		r = id->ended;
	} else if (!id->cert || !siv_equal(id->cert->cert.hash,
					   p->cert->cert.hash, SIV_HASH_LEN)) {
		siv_identity_tell_all(id, SIV_R_KEY_REVOKED);
		swap(id->cert, p->cert); /* ->free_preparse puts the old one */
		id->generation++;
		id->ended = SIV_OK;
	}
	spin_unlock(&id->lock);
	return r == SIV_OK ? 0 : siv_key_refused(r);
}

static void siv_key_revoke(struct key *key)
{
	struct siv_identity *id = key->payload.data[0];

	if (!id)
		return; /* never instantiated, or negative */
	spin_lock(&id->lock);
	siv_identity_end(id, SIV_R_KEY_REVOKED);
	spin_unlock(&id->lock);
}

static void siv_key_destroy(struct key *key)
{
	struct siv_identity *id = key->payload.data[0];

	siv_watch_end(id);
	spin_lock(&id->lock);
	id->key = NULL;
	siv_identity_end(id, SIV_R_KEY_REVOKED);
	spin_unlock(&id->lock);
	siv_identity_put(id);
}

/* Called under RCU: the certificate may be replaced meanwhile. */
static void siv_key_describe(const struct key *key, struct seq_file *m)
{
	struct siv_identity *id = key->payload.data[0];
	const struct siv_cert *c;

	seq_puts(m, key->description);
	if (!key_is_positive(key))
		return;
	spin_lock(&id->lock);
	if (id->cert) {
		c = &id->cert->cert;
		seq_printf(m, ": %.*s/%.*s/%.*s", (int)c->region.n, c->region.p,
			   (int)c->vm.n, c->vm.p, (int)c->service.n,
			   c->service.p);
	} else {
		seq_puts(m, ": no certificate yet");
	}
	spin_unlock(&id->lock);
}

/* The public part, never more: the certificate, or what is needed to get one. */
static long siv_key_read(const struct key *key, char *buffer, size_t buflen)
{
	const struct siv_identity *id = key->payload.data[0];
	u8 public[SIV_SPKI_LEN + SIV_PROOF_LEN];
	const u8 *p = public;
	size_t n = SIV_SPKI_LEN;

	if (id->cert) { /* changes under key->sem only, which we hold */
		p = id->cert->der;
		n = id->cert->len;
	} else {
		siv_spki_put(public, id->pub);
		memcpy(public + n, id->proof, sizeof(id->proof));
		if (id->proved)
			n += sizeof(id->proof);
	}
	if (buffer)
		memcpy(buffer, p, min(buflen, n));
	return n;
}

static struct key_type siv_key_type = {
	.name = "sivshmem",
	.vet_description = siv_key_vet_description,
	.preparse = siv_key_preparse,
	.free_preparse = siv_key_free_preparse,
	.instantiate = siv_key_instantiate,
	.update = siv_key_update,
	.revoke = siv_key_revoke,
	.destroy = siv_key_destroy,
	.describe = siv_key_describe,
	.read = siv_key_read,
};

/* --------------------------------------------------------- use of identities */

static struct key *siv_key_find(key_serial_t serial, key_ref_t *ref)
{
	struct key *key;
	long err;

	*ref = lookup_user_key(serial, 0, KEY_NEED_SEARCH);
	if (IS_ERR(*ref)) {
		err = PTR_ERR(*ref);
		return ERR_PTR(err == -ERESTARTSYS ? -EINTR : err);
	}
	key = key_ref_to_ptr(*ref);
	if (key->type == &siv_key_type)
		return key;
	key_ref_put(*ref);
	return ERR_PTR(-ENOKEY);
}

struct siv_identity *siv_identity_lookup(key_serial_t serial,
					 struct siv_identity_cert **cert)
{
	struct siv_identity *id;
	struct key *key;
	key_ref_t ref;
	int err = 0;

	siv_keys_anchors_closed();
	key = siv_key_find(serial, &ref);
	if (IS_ERR(key))
		return ERR_CAST(key);
	id = key->payload.data[0];
	siv_identity_get(id);
	key_ref_put(ref);

	spin_lock(&id->lock);
	siv_identity_end(id, siv_identity_judge(id, siv_keys_now(0, 0)));
	if (id->ended != SIV_OK)
		err = siv_reason_errno(id->ended);
	else if (!id->cert)
		err = -ENOKEY;
	if (!err) {
		*cert = id->cert;
		kref_get(&id->cert->ref);
	}
	spin_unlock(&id->lock);
	if (!err)
		return id;
	siv_identity_put(id);
	return ERR_PTR(err);
}

enum siv_reason siv_identity_why(int err)
{
	switch (err) {
	case -EACCES:
		return SIV_R_KEY_SEARCH;
	case -EINVAL:
		return SIV_R_ARGUMENT;
	case -EKEYREVOKED:
		return SIV_R_KEY_REVOKED;
	case -EKEYEXPIRED:
		return SIV_R_CERT_EXPIRED;
	case -EKEYREJECTED:
		return SIV_R_CERT_NOT_YET;
	default:
		return SIV_R_NO_KEY;
	}
}

int siv_identity_may_search(struct siv_identity *id)
{
	key_serial_t serial = 0;
	struct key *key;
	key_ref_t ref;
	int err;

	spin_lock(&id->lock);
	if (id->key)
		serial = id->key->serial;
	spin_unlock(&id->lock);
	if (!serial)
		return -EKEYREVOKED;
	key = siv_key_find(serial, &ref);
	if (IS_ERR(key))
		return PTR_ERR(key);
	/* serials are used again */
	err = key->payload.data[0] == id ? 0 : -EKEYREVOKED;
	key_ref_put(ref);
	return err;
}

int siv_identity_use(struct siv_identity *id, struct siv_identity_user *user,
		     const struct siv_identity_cert *cert)
{
	int err = 0;

	INIT_LIST_HEAD(&user->link);
	spin_lock(&id->lock);
	if (id->ended != SIV_OK)
		err = siv_reason_errno(id->ended);
	else if (id->cert != cert)
		err = -ESTALE;
	else
		list_add_tail(&user->link, &id->users);
	spin_unlock(&id->lock);
	return err;
}

static bool siv_identity_tells(struct siv_identity *id,
			       struct siv_identity_user *user)
{
	bool tells;

	spin_lock(&id->lock);
	tells = id->telling == user;
	spin_unlock(&id->lock);
	return tells;
}

void siv_identity_unuse(struct siv_identity *id, struct siv_identity_user *user)
{
	might_sleep();
	spin_lock(&id->lock);
	list_del_init(&user->link);
	spin_unlock(&id->lock);
	if (current_work() != &id->tell)
		wait_event(siv_identities_wait, !siv_identity_tells(id, user));
}

/* --------------------------------------------------------- anchors and time */

const struct siv_anchors *siv_keys_anchors(void)
{
	return &siv_the_anchors;
}

/*
 * A closed keyring is worth something only while it cannot be replaced by an open one,
 * which unloading and loading the module would do.
 */
bool siv_keys_anchors_closed(void)
{
	struct key *ring = siv_the_anchors.keyring;
	bool closed;

	down_read(&ring->sem);
	closed = ring->restrict_link;
	up_read(&ring->sem);
	if (closed && !atomic_xchg(&siv_module_pinned, 1))
		__module_get(THIS_MODULE);
	return closed;
}

s64 siv_keys_now(s64 host_time, u64 host_boottime_ns)
{
	s64 now = max_t(s64, ktime_get_real_seconds(), SIV_BUILD_TIME);
	u64 boottime = ktime_get_boottime_ns();

	if (host_time > 0 && boottime >= host_boottime_ns) {
		s64 since = div_u64(boottime - host_boottime_ns, NSEC_PER_SEC);

		/* a host time that is out of this world is the host's lie, not ours */
		if (host_time < S64_MAX - since)
			now = max(now, host_time + since);
	}
	return now;
}

/* -------------------------------------------------------------- coming and going */

int siv_keys_init(void)
{
	struct key *ring;
	int err;

	siv_keys_wq = alloc_workqueue("sivshmem-keys", WQ_UNBOUND, 0);
	if (!siv_keys_wq)
		return -ENOMEM;
	/* as fs-verity's: root adds anchors, then restricts it; nobody links it elsewhere */
	ring = keyring_alloc(SIV_KEYRING, GLOBAL_ROOT_UID, GLOBAL_ROOT_GID,
			     current_cred(), SIV_KEYRING_PERM,
			     KEY_ALLOC_NOT_IN_QUOTA, NULL, NULL);
	if (IS_ERR(ring)) {
		err = PTR_ERR(ring);
		goto wq;
	}
	siv_the_anchors.keyring = ring;
	err = register_key_type(&siv_key_type);
	if (err)
		goto ring;
	return 0;
ring:
	siv_the_anchors.keyring = NULL;
	key_put(ring);
wq:
	destroy_workqueue(siv_keys_wq);
	return err;
}

/* Nobody uses an identity any more; keys may still be there, and go with their type. */
void siv_keys_exit(void)
{
	unregister_key_type(&siv_key_type);
	cancel_delayed_work_sync(&siv_watch_work);
	drain_workqueue(siv_keys_wq);
	wait_event(siv_identities_wait, !atomic_read(&siv_identities_count));
	destroy_workqueue(siv_keys_wq);
	key_revoke(siv_the_anchors.keyring);
	key_put(siv_the_anchors.keyring);
	siv_the_anchors.keyring = NULL;
}
