// SPDX-License-Identifier: GPL-2.0-only
/*
 * keys.c takes good bundles and nothing else, and whatever ends a key ends its identity,
 * and tells its users, within a second. (tests/qemu/test_keys.py does the same by
 * keyctl; here the identity is looked at from inside.)
 */
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/key-type.h>
#include <linux/slab.h>

#include <keys/asymmetric-type.h>

#include "../event.h"
#include "../keys.h"
#include "siv_keys_fixture.h"
#include "suites.h"

#define NAME "camera.front"
#define SECOND msecs_to_jiffies(1000)

/* Not from an initcall: KUnit runs a module's suites before its init. */
int siv_suite_keys_init(struct kunit_suite *suite)
{
	return siv_keys_init();
}

void siv_suite_keys_exit(struct kunit_suite *suite)
{
	siv_keys_exit();
}

/* A keyring of the test's own; the CA is put into .sivshmem by whoever wants it. */
struct fixture {
	struct key *ring;
	struct key *ca;
	u8 *buf;
};

static struct fixture *fix(struct kunit *test)
{
	return test->priv;
}

static int keys_init(struct kunit *test)
{
	struct fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	if (!x)
		return -ENOMEM;
	x->buf = kunit_kzalloc(test, 2 * SIV_CERT_MAX, GFP_KERNEL);
	x->ring = keyring_alloc("siv-test", GLOBAL_ROOT_UID, GLOBAL_ROOT_GID,
				current_cred(), KEY_POS_ALL | KEY_USR_ALL,
				KEY_ALLOC_NOT_IN_QUOTA, NULL, NULL);
	if (!x->buf || IS_ERR(x->ring))
		return -ENOMEM;
	test->priv = x;
	return 0;
}

static void keys_exit(struct kunit *test)
{
	struct fixture *x = test->priv;

	if (!x)
		return;
	if (x->ca) {
		keyring_clear(siv_keys_anchors()->keyring);
		key_put(x->ca);
	}
	keyring_clear(x->ring);
	key_put(x->ring);
}

static key_ref_t add(struct key *ring, const char *type, const char *name,
		     const void *data, size_t len)
{
	return key_create_or_update(make_key_ref(ring, true), type, name, data,
				    len, KEY_POS_ALL | KEY_USR_ALL,
				    KEY_ALLOC_NOT_IN_QUOTA);
}

static void add_ca(struct kunit *test)
{
	key_ref_t ref = add(siv_keys_anchors()->keyring, "asymmetric", NULL,
			    siv_fixture_ca, sizeof(siv_fixture_ca));

	KUNIT_ASSERT_FALSE(test, IS_ERR(ref));
	fix(test)->ca = key_ref_to_ptr(ref);
}

static long add_raw(struct kunit *test, const char *name, const void *data,
		    size_t len)
{
	key_ref_t ref = add(fix(test)->ring, "sivshmem", name, data, len);
	long serial;

	if (IS_ERR(ref))
		return PTR_ERR(ref);
	serial = key_ref_to_ptr(ref)->serial;
	key_ref_put(ref);
	return serial;
}

/* The serial of the new key, or why there is none. */
static long add_bundle(struct kunit *test, const char *name, const u8 *cert,
		       size_t n, const u8 *private)
{
	u8 *buf = fix(test)->buf;

	memcpy(buf, cert, n);
	if (!private)
		return add_raw(test, name, buf, n);
	memcpy(buf + n, private, sizeof(siv_fixture_private));
	return add_raw(test, name, buf, n + sizeof(siv_fixture_private));
}

#define ADD(name, cert)                                                        \
	add_bundle(test, name, siv_fixture_##cert, sizeof(siv_fixture_##cert), \
		   siv_fixture_private)
#define ADD_CERT(name, cert)                                                   \
	add_bundle(test, name, siv_fixture_##cert, sizeof(siv_fixture_##cert), \
		   NULL)

static struct key *find(struct kunit *test, key_serial_t serial)
{
	key_ref_t ref = lookup_user_key(serial, 0, KEY_NEED_SEARCH);

	KUNIT_ASSERT_FALSE(test, IS_ERR(ref));
	return key_ref_to_ptr(ref);
}

static void needs_an_anchor(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ADD(NAME, cert), -ENOKEY);
	add_ca(test);
	KUNIT_EXPECT_GT(test, ADD(NAME, cert), 0);
}

static void refuses(struct kunit *test)
{
	add_ca(test);
	KUNIT_EXPECT_EQ(test, add_raw(test, NAME, "", 0), -EBADMSG);
	KUNIT_EXPECT_EQ(test, add_raw(test, NAME, "new?", 4), -EBADMSG);
	KUNIT_EXPECT_EQ(test, add_raw(test, NULL, "new", 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, ADD_CERT(NAME, cert), -EINVAL);
	KUNIT_EXPECT_EQ(test, ADD("camera.rear", cert), -EKEYREJECTED);
	KUNIT_EXPECT_EQ(test, ADD("lab/vmb/camera.front", cert), -EKEYREJECTED);
	KUNIT_EXPECT_EQ(test, ADD("lab/vma/camera", cert), -EKEYREJECTED);
	KUNIT_EXPECT_EQ(test, ADD("lab/vma", cert), -EINVAL);
	KUNIT_EXPECT_EQ(test, ADD("lab/vma/camera.front/", cert), -EINVAL);
	KUNIT_EXPECT_EQ(test, ADD("lab//camera.front", cert), -EINVAL);
	KUNIT_EXPECT_EQ(test, ADD("Camera", cert), -EINVAL);
	KUNIT_EXPECT_EQ(test, ADD(NAME, other_cert), -EKEYREJECTED);
	KUNIT_EXPECT_EQ(test, ADD(NAME, rear_cert), -EKEYREJECTED);
	KUNIT_EXPECT_EQ(test, ADD(NAME, forged_cert), -EKEYREJECTED);
	KUNIT_EXPECT_EQ(test, ADD(NAME, expired_cert), -EKEYEXPIRED);
	KUNIT_EXPECT_EQ(test, ADD(NAME, future_cert), -EKEYREJECTED);
	KUNIT_EXPECT_EQ(test, ADD(NAME, foreign_cert), -ENOKEY);
	KUNIT_EXPECT_EQ(test, ADD(NAME, misnamed_cert), -ENOKEY);
	KUNIT_EXPECT_EQ(test, ADD("lab", host_cert), -EKEYREJECTED);
	KUNIT_EXPECT_EQ(test, ADD(NULL, my_host_cert), -EKEYREJECTED);
	KUNIT_EXPECT_GT(test, ADD("lab/vma/camera.front", cert), 0);
	KUNIT_EXPECT_GT(test, ADD(NULL, rear_cert), 0);
}

static void says_why(struct kunit *test)
{
	u64 name = siv_event_count(SIV_R_KEY_NAME);
	u64 missing = siv_event_count(SIV_R_KEY_MISSING);
	u64 revoked = siv_event_count(SIV_R_KEY_REVOKED);
	struct key *key;
	long serial;

	add_ca(test);
	KUNIT_EXPECT_EQ(test, ADD("lab/vma", cert), -EINVAL);
	KUNIT_EXPECT_EQ(test, ADD("Camera", cert), -EINVAL);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_KEY_NAME), name + 2);
	KUNIT_EXPECT_EQ(test, ADD_CERT(NAME, cert), -EINVAL);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_KEY_MISSING), missing + 1);

	serial = ADD(NAME, cert);
	KUNIT_ASSERT_GT(test, serial, 0);
	key = find(test, serial);
	/* its identity has ended, and the kernel does not know yet */
	key->type->revoke(key);
	key_put(key);
	KUNIT_EXPECT_EQ(test, ADD_CERT(NAME, renewed), -EKEYREVOKED);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_KEY_REVOKED), revoked + 1);
}

/* Cut anywhere, changed anywhere: refused, each time with an errno of the design. */
static void refuses_every_change(struct kunit *test)
{
	const size_t cert = sizeof(siv_fixture_cert);
	const size_t len = cert + sizeof(siv_fixture_private);
	u8 *buf = fix(test)->buf;
	size_t i;
	long err;

	add_ca(test);
	memcpy(buf, siv_fixture_cert, cert);
	memcpy(buf + cert, siv_fixture_private, sizeof(siv_fixture_private));
	for (i = 0; i < len; i++) {
		err = add_raw(test, NAME, buf, i);
		/* the certificate alone is for an update */
		KUNIT_ASSERT_EQ_MSG(test, err, i == cert ? -EINVAL : -EBADMSG,
				    "cut at %zu", i);
	}
	for (i = 0; i < len; i += 3) {
		buf[i] ^= 0x10;
		err = add_raw(test, NAME, buf, len);
		KUNIT_ASSERT_TRUE_MSG(test,
				      err == -EBADMSG || err == -EKEYREJECTED ||
					      err == -EKEYEXPIRED ||
					      err == -ENOKEY,
				      "byte %zu: %ld", i, err);
		buf[i] ^= 0x10;
	}
	KUNIT_EXPECT_GT(test, add_raw(test, NAME, buf, len), 0);
}

/* Somebody who uses an identity. */
struct holder {
	struct siv_identity_user user;
	struct siv_identity *id;
	struct siv_identity_cert *cert;
	struct completion ended;
	enum siv_reason why;
	unsigned int calls;
	bool slow;
};

static void user_ended(struct siv_identity_user *user, enum siv_reason why)
{
	struct holder *u = container_of(user, struct holder, user);

	if (u->slow)
		msleep(100);
	u->why = why;
	u->calls++;
	complete_all(&u->ended);
}

static int user_begin(struct holder *u, key_serial_t serial)
{
	int err;

	memset(u, 0, sizeof(*u));
	init_completion(&u->ended);
	u->user.ended = user_ended;
	u->id = siv_identity_lookup(serial, &u->cert);
	if (IS_ERR(u->id))
		return PTR_ERR(u->id);
	err = siv_identity_use(u->id, &u->user, u->cert);
	if (err) {
		siv_identity_cert_put(u->cert);
		siv_identity_put(u->id);
	}
	return err;
}

static void user_end(struct holder *u)
{
	siv_identity_unuse(u->id, &u->user);
	siv_identity_cert_put(u->cert);
	siv_identity_put(u->id);
}

static void is_looked_up(struct kunit *test)
{
	struct siv_identity_cert *cert;
	struct siv_identity *id;
	long serial;

	add_ca(test);
	serial = ADD(NAME, cert);
	KUNIT_ASSERT_GT(test, serial, 0);
	id = siv_identity_lookup(serial, &cert);
	KUNIT_ASSERT_FALSE(test, IS_ERR(id));
	KUNIT_EXPECT_EQ(test, cert->len, sizeof(siv_fixture_cert));
	KUNIT_EXPECT_EQ(test, memcmp(cert->der, siv_fixture_cert, cert->len),
			0);
	KUNIT_EXPECT_EQ(test, memcmp(id->pub, cert->cert.pub, SIV_KEY_LEN), 0);
	KUNIT_EXPECT_EQ(test, id->generation, 1);
	KUNIT_EXPECT_EQ(test, siv_identity_may_search(id), 0);
	siv_identity_cert_put(cert);
	siv_identity_put(id);

	KUNIT_EXPECT_EQ(test, PTR_ERR(siv_identity_lookup(0x7ffffff0, &cert)),
			-ENOKEY);
	KUNIT_EXPECT_EQ(test, PTR_ERR(siv_identity_lookup(0, &cert)), -EINVAL);
	/* a key of another type */
	id = siv_identity_lookup(fix(test)->ring->serial, &cert);
	KUNIT_EXPECT_EQ(test, PTR_ERR(id), -ENOKEY);
}

/* The event of a key that is of no use says what its caller is told. */
static void causes_have_their_errno(struct kunit *test)
{
	static const int errs[] = { -EACCES,	  -EINVAL,	-ENOKEY,
				    -EKEYREVOKED, -EKEYEXPIRED, -EKEYREJECTED };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errs); i++)
		KUNIT_EXPECT_EQ(test,
				siv_reason_errno(siv_identity_why(errs[i])),
				errs[i]);
	KUNIT_EXPECT_EQ(test, siv_identity_why(-EIO), SIV_R_NO_KEY);
}

/* What ends a key. */
static void do_revoke(struct fixture *x, struct key *key)
{
	key_revoke(key);
}

static void do_invalidate(struct fixture *x, struct key *key)
{
	key_invalidate(key);
}

static void do_unlink(struct fixture *x, struct key *key)
{
	key_unlink(x->ring, key);
}

static void do_clear(struct fixture *x, struct key *key)
{
	keyring_clear(x->ring);
}

static void do_timeout(struct fixture *x, struct key *key)
{
	key_set_timeout(key, 1);
}

static void do_forget(struct fixture *x, struct key *key)
{
	siv_keys_forget_all();
}

static const struct ending {
	const char *name;
	void (*act)(struct fixture *x, struct key *key);
	enum siv_reason why;
	int err;
} endings[] = {
	{ "revoke", do_revoke, SIV_R_KEY_REVOKED, -EKEYREVOKED },
	{ "invalidate", do_invalidate, SIV_R_KEY_REVOKED, -EKEYREVOKED },
	{ "unlink", do_unlink, SIV_R_KEY_REVOKED, -EKEYREVOKED },
	{ "clear", do_clear, SIV_R_KEY_REVOKED, -EKEYREVOKED },
	{ "timeout", do_timeout, SIV_R_KEY_EXPIRED, -EKEYEXPIRED },
	{ "hibernation", do_forget, SIV_R_KEY_REVOKED, -EKEYREVOKED },
};

/* In fifty turns: a guest that stands still has lost one, not its time. */
static bool told_within(struct holder *u, unsigned long limit)
{
	int i;

	for (i = 0; i < 50; i++)
		if (wait_for_completion_timeout(&u->ended,
						DIV_ROUND_UP(limit, 50)))
			return true;
	return completion_done(&u->ended);
}

/* One way to end: everybody is told in time, and the secrets are gone. */
static void ends_by(struct kunit *test, const struct ending *e)
{
	const char *name = e->name;
	unsigned long limit = SECOND;
	struct siv_identity_user late;
	struct holder u;
	struct key *key;
	void *left;
	long n;

	n = ADD(NAME, cert);
	KUNIT_ASSERT_GT_MSG(test, n, 0, "%s", name);
	KUNIT_ASSERT_EQ_MSG(test, user_begin(&u, n), 0, "%s", name);
	key = find(test, n);
	e->act(fix(test), key);
	key_put(key);
	if (e->act == do_timeout)
		limit += SECOND; /* the timeout itself */
	KUNIT_EXPECT_TRUE_MSG(test, told_within(&u, limit),
			      "%s: nobody said so", name);
	KUNIT_EXPECT_EQ_MSG(test, u.why, e->why, "%s", name);
	KUNIT_EXPECT_EQ_MSG(test, u.calls, 1, "%s", name);
	/* at once, though we hold the identity */
	left = memchr_inv(&u.id->priv, 0, sizeof(u.id->priv));
	KUNIT_EXPECT_NULL_MSG(test, left, "%s", name);
	left = memchr_inv(u.id->prkh, 0, sizeof(u.id->prkh));
	KUNIT_EXPECT_NULL_MSG(test, left, "%s", name);
	n = siv_identity_use(u.id, &late, u.cert);
	KUNIT_EXPECT_EQ_MSG(test, n, e->err, "%s", name);
	n = siv_identity_may_search(u.id);
	KUNIT_EXPECT_NE_MSG(test, n, 0, "%s", name);
	user_end(&u);
	keyring_clear(fix(test)->ring);
}

static void ends_with_its_key(struct kunit *test)
{
	unsigned int i;

	add_ca(test);
	for (i = 0; i < ARRAY_SIZE(endings); i++)
		ends_by(test, &endings[i]);
}

static void another_link_keeps_it(struct kunit *test)
{
	struct fixture *x = fix(test);
	struct key *key, *ring;
	struct holder u;
	long serial;

	add_ca(test);
	serial = ADD(NAME, cert);
	KUNIT_ASSERT_EQ(test, user_begin(&u, serial), 0);
	ring = keyring_alloc("siv-other", GLOBAL_ROOT_UID, GLOBAL_ROOT_GID,
			     current_cred(), KEY_POS_ALL | KEY_USR_ALL,
			     KEY_ALLOC_NOT_IN_QUOTA, NULL, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ring));
	key = find(test, serial);
	KUNIT_EXPECT_EQ(test, key_link(ring, key), 0);
	key_unlink(x->ring, key);
	key_put(key);
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&u.ended, SECOND / 2),
			0);
	key_put(ring); /* its last link */
	KUNIT_EXPECT_TRUE(test, told_within(&u, SECOND));
	user_end(&u);
}

static void renewal_ends_old_sessions(struct kunit *test)
{
	struct siv_identity_user late;
	struct holder old, new;
	long serial;

	add_ca(test);
	serial = ADD(NAME, cert);
	KUNIT_ASSERT_EQ(test, user_begin(&old, serial), 0);
	/* the same certificate again is nothing new */
	KUNIT_EXPECT_EQ(test, ADD_CERT(NAME, cert), serial);
	KUNIT_EXPECT_EQ(test,
			wait_for_completion_timeout(&old.ended, SECOND / 2), 0);

	KUNIT_EXPECT_EQ(test, ADD_CERT(NAME, renewed), serial);
	KUNIT_EXPECT_TRUE(test, told_within(&old, SECOND));
	KUNIT_EXPECT_EQ(test, siv_identity_use(old.id, &late, old.cert),
			-ESTALE);
	KUNIT_ASSERT_EQ(test, user_begin(&new, serial), 0);
	KUNIT_EXPECT_PTR_EQ(test, new.id, old.id);
	KUNIT_EXPECT_EQ(test, new.id->generation, 2);
	KUNIT_EXPECT_EQ(test, new.calls, 0);
	/* our view of the old certificate is still whole */
	KUNIT_EXPECT_EQ(test,
			memcmp(old.cert->der, siv_fixture_cert, old.cert->len),
			0);
	user_end(&old);

	KUNIT_EXPECT_EQ(test, ADD(NAME, cert), -EEXIST);
	KUNIT_EXPECT_EQ(test, add_raw(test, NAME, "new", 3), -EEXIST);
	KUNIT_EXPECT_EQ(test, ADD_CERT(NAME, other_cert), -EKEYREJECTED);
	KUNIT_EXPECT_EQ(test, ADD_CERT(NAME, rear_cert), -EKEYREJECTED);
	KUNIT_EXPECT_EQ(test, ADD_CERT(NAME, expired_cert), -EKEYEXPIRED);
	KUNIT_EXPECT_EQ(test, new.calls, 0);
	user_end(&new);
}

/* The certificate's dates end it too, but a new certificate brings it back. */
static void ends_with_its_certificate(struct kunit *test)
{
	struct siv_identity_cert *cert;
	struct holder u;
	long serial;

	add_ca(test);
	serial = ADD(NAME, cert);
	KUNIT_ASSERT_EQ(test, user_begin(&u, serial), 0);
	u.cert->cert.not_after = siv_keys_now(0, 0) - 1;
	KUNIT_EXPECT_TRUE(test, told_within(&u, SECOND));
	KUNIT_EXPECT_EQ(test, u.why, SIV_R_CERT_EXPIRED);
	KUNIT_EXPECT_EQ(test, PTR_ERR(siv_identity_lookup(serial, &cert)),
			-EKEYEXPIRED);
	KUNIT_EXPECT_NOT_NULL(test,
			      memchr_inv(&u.id->priv, 0, sizeof(u.id->priv)));
	user_end(&u);
	KUNIT_EXPECT_EQ(test, ADD_CERT(NAME, renewed), serial);
	KUNIT_ASSERT_EQ(test, user_begin(&u, serial), 0);
	user_end(&u);
}

static void unuse_waits(struct kunit *test)
{
	struct key *key;
	struct holder u;
	long serial;

	add_ca(test);
	serial = ADD(NAME, cert);
	KUNIT_ASSERT_EQ(test, user_begin(&u, serial), 0);
	u.slow = true;
	key = find(test, serial);
	key_revoke(key);
	key_put(key);
	msleep(20); /* it is sleeping in its callback now */
	siv_identity_unuse(u.id, &u.user);
	KUNIT_EXPECT_EQ(test, u.calls, 1);
	wait_for_completion(&u.ended); /* @u is on our stack */
	user_end(&u);
}

static void new_is_made_inside(struct kunit *test)
{
	struct siv_identity_cert *cert;
	u8 challenge[3 + SIV_KEY_LEN] = "new";
	struct siv_identity *id;
	struct key *key;
	u8 out[128], pub[SIV_KEY_LEN];
	enum siv_reason r;
	long serial;

	add_ca(test);
	serial = add_raw(test, NAME, "new", 3);
	KUNIT_ASSERT_GT(test, serial, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(siv_identity_lookup(serial, &cert)),
			-ENOKEY);
	key = find(test, serial);
	id = key->payload.data[0];
	down_read(&key->sem);
	KUNIT_EXPECT_EQ(test, key->type->read(key, NULL, 0), SIV_SPKI_LEN);
	memset(out, 0xee, sizeof(out));
	KUNIT_EXPECT_EQ(test, key->type->read(key, out, 10), SIV_SPKI_LEN);
	KUNIT_EXPECT_EQ(test, out[10], 0xee);
	KUNIT_EXPECT_EQ(test, key->type->read(key, out, sizeof(out)),
			SIV_SPKI_LEN);
	up_read(&key->sem);
	r = siv_spki_get((struct siv_span){ out, SIV_SPKI_LEN }, pub);
	KUNIT_EXPECT_EQ(test, r, SIV_OK);
	KUNIT_EXPECT_EQ(test, memcmp(pub, id->pub, sizeof(pub)), 0);
	KUNIT_EXPECT_NE(test, memcmp(pub, id->priv.priv, sizeof(pub)), 0);
	key_put(key);
	/* a certificate for another key */
	KUNIT_EXPECT_EQ(test, ADD_CERT(NAME, cert), -EKEYREJECTED);

	challenge[3] = 9; /* the base point: canonical */
	serial = add_raw(test, "other", challenge, sizeof(challenge));
	KUNIT_ASSERT_GT(test, serial, 0);
	key = find(test, serial);
	down_read(&key->sem);
	KUNIT_EXPECT_EQ(test, key->type->read(key, out, sizeof(out)),
			SIV_SPKI_LEN + SIV_PROOF_LEN);
	up_read(&key->sem);
	key_put(key);
	challenge[3] = 0; /* zero */
	KUNIT_EXPECT_EQ(test,
			add_raw(test, "third", challenge, sizeof(challenge)),
			-EBADMSG);
	memset(challenge + 3, 0xff, SIV_KEY_LEN); /* not canonical */
	KUNIT_EXPECT_EQ(test,
			add_raw(test, "third", challenge, sizeof(challenge)),
			-EBADMSG);
}

static void time_only_goes_on(struct kunit *test)
{
	s64 now = siv_keys_now(0, 0), later = now + 1000000;
	u64 boottime = ktime_get_boottime_ns();

	/* a host that is behind, or says nothing, changes nothing */
	KUNIT_EXPECT_LE(test, siv_keys_now(now - 1000000, boottime), now + 2);
	KUNIT_EXPECT_LE(test, siv_keys_now(-5, boottime), now + 2);
	/* one that is ahead counts, and goes on */
	KUNIT_EXPECT_GE(test, siv_keys_now(later, boottime), later);
	KUNIT_EXPECT_GE(test, siv_keys_now(later, 0),
			later + (s64)div_u64(boottime, NSEC_PER_SEC));
	KUNIT_EXPECT_LE(test, siv_keys_now(S64_MAX, boottime - NSEC_PER_SEC),
			now + 2);
	/* nor does one that claims to come from our future */
	KUNIT_EXPECT_LE(test,
			siv_keys_now(later, boottime + 1000 * NSEC_PER_SEC),
			now + 2);
}

/* Nothing comes into .sivshmem once it is closed; what is there counts, and may go. */
static void closed_is_closed(struct kunit *test)
{
	struct key *ring = siv_keys_anchors()->keyring;
	key_ref_t ref = make_key_ref(ring, true);
	struct key *ca;

	add_ca(test);
	ca = fix(test)->ca;
	KUNIT_EXPECT_FALSE(test, siv_keys_anchors_closed());
	/* nobody links it elsewhere: not where it could be changed by another way */
	KUNIT_EXPECT_EQ(test, ring->uid.val, 0);
	KUNIT_EXPECT_EQ(test, ring->perm & (KEY_POS_WRITE | KEY_USR_LINK), 0);
	KUNIT_ASSERT_EQ(test, keyring_restrict(ref, NULL, NULL), 0);
	KUNIT_EXPECT_TRUE(test, siv_keys_anchors_closed());
	KUNIT_EXPECT_GT(test, ADD(NAME, cert), 0);
	KUNIT_EXPECT_EQ(test, keyring_restrict(ref, NULL, NULL), -EEXIST);

	key_unlink(ring, ca);
	KUNIT_EXPECT_EQ(test, key_link(ring, ca), -EPERM);
	ref = add(ring, "asymmetric", NULL, siv_fixture_ca,
		  sizeof(siv_fixture_ca));
	KUNIT_EXPECT_EQ(test, PTR_ERR(ref), -EPERM);
	ref = add(ring, "user", "any", "any", 3);
	KUNIT_EXPECT_EQ(test, PTR_ERR(ref), -EPERM);
	keyring_clear(fix(test)->ring);
	KUNIT_EXPECT_EQ(test, ADD(NAME, cert), -ENOKEY);

	/* an open one again, for whoever comes next */
	siv_keys_exit();
	KUNIT_ASSERT_EQ(test, siv_keys_init(), 0);
}

static struct kunit_case siv_keys_cases[] = {
	KUNIT_CASE(needs_an_anchor),
	KUNIT_CASE(refuses),
	KUNIT_CASE(says_why),
	KUNIT_CASE(refuses_every_change),
	KUNIT_CASE(is_looked_up),
	KUNIT_CASE(causes_have_their_errno),
	KUNIT_CASE(ends_with_its_key),
	KUNIT_CASE(another_link_keeps_it),
	KUNIT_CASE(renewal_ends_old_sessions),
	KUNIT_CASE(ends_with_its_certificate),
	KUNIT_CASE(unuse_waits),
	KUNIT_CASE(new_is_made_inside),
	KUNIT_CASE(time_only_goes_on),
	KUNIT_CASE(closed_is_closed),
	{},
};

struct kunit_suite siv_keys_suite = {
	.name = "siv_keys",
	.suite_init = siv_suite_keys_init,
	.suite_exit = siv_suite_keys_exit,
	.init = keys_init,
	.exit = keys_exit,
	.test_cases = siv_keys_cases,
};
