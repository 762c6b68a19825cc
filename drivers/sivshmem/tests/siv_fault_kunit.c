// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whichever call of the driver's fails for want of memory, what was asked for gives the
 * errno that is written here, or succeeds where it can do without; nothing stays behind,
 * and the same without a fault succeeds after it. (tests/qemu/test_faults.py does it to
 * whole system calls.)
 */
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/key-type.h>
#include <linux/slab.h>

#include <keys/asymmetric-type.h>

#include "../event.h"
#include "../keys.h"
#include "../listener.h"
#include "../pair.h"
#include "fake_channel.h"
#include "fault.h"
#include "siv_keys_fixture.h"
#include "suites.h"

#define NAME "camera.front"

enum {
	ENOUGH = 50, /* calls that can fail, in one act */
	SETTLE_MS = 2000,
	SECOND_CID = 77,
	PEER = 5,
};

struct fixture {
	struct siv_fake_lab *lab;
	struct siv_fake *hw; /* without a laboratory */
	struct key *ring;
	struct key *ca;
	u8 buf[2 * SIV_CERT_MAX];

	/* what an act is to do, and what it has made */
	const char *name;
	const u8 *data;
	size_t len;
	key_serial_t serial;
	bool claim;
	u32 uflags;
	u16 suite;
	struct siv_device *dev;
	struct siv_channel *ch;
	struct file *file;
	struct delayed_work answer;

	/* both ends of a sealed channel */
	struct siv_channel *end[2];
	struct file *end_file[2];
};

/* ----------------------------------------------------------------------- the sweep */

/**
 * struct act - what is tried
 * @what: name in messages
 * @prepare: what comes before it, and must not fail; or NULL
 * @run: 0 or an errno; may leave something behind even if it fails
 * @undo: takes that away; called after each
 * @err: what it gives if a call fails
 * @points: so many calls at least can fail
 * @spare: so many of them are of no consequence
 */
struct act {
	const char *what;
	int (*prepare)(struct fixture *x);
	int (*run)(struct fixture *x);
	void (*undo)(struct fixture *x);
	int err;
	unsigned int points;
	unsigned int spare;
};

/* Keys go when the kernel's collector comes, channels after a grace period. */
static unsigned int live(void)
{
	unsigned int ms, n = siv_fault_live();

	for (ms = 0; n && ms < SETTLE_MS; ms++) {
		usleep_range(1000, 1500);
		n = siv_fault_live();
	}
	return n;
}

/* One run, with the @n-th call failing. Return: was there an n-th? */
static bool run(struct kunit *test, const struct act *act, unsigned int n,
		int *err)
{
	struct fixture *x = test->priv;
	bool failed;

	if (act->prepare)
		KUNIT_ASSERT_EQ_MSG(test, act->prepare(x), 0, "%s", act->what);
	siv_fault_watch();
	siv_fault_arm(n);
	*err = act->run(x);
	failed = siv_fault_disarm();
	act->undo(x);
	KUNIT_EXPECT_EQ_MSG(test, live(), 0, "%s %u: something is left",
			    act->what, n);
	return failed;
}

static void sweep(struct kunit *test, const struct act *act)
{
	unsigned int n, spared = 0;
	int err;

	for (n = 1; n < ENOUGH && run(test, act, n, &err); n++) {
		if (!err)
			spared++;
		else
			KUNIT_EXPECT_EQ_MSG(test, err, act->err, "%s %u",
					    act->what, n);
		run(test, act, 0, &err);
		KUNIT_EXPECT_EQ_MSG(test, err, 0, "%s after %u", act->what, n);
	}
	KUNIT_EXPECT_EQ_MSG(test, err, 0, "%s without a fault", act->what);
	KUNIT_EXPECT_LT_MSG(test, n, ENOUGH, "%s", act->what);
	KUNIT_EXPECT_GE_MSG(test, n - 1, act->points, "%s", act->what);
	KUNIT_EXPECT_EQ_MSG(test, spared, act->spare, "%s", act->what);
	siv_fault_unwatch();
	kunit_info(test, "%s: %u calls", act->what, n - 1);
}

/* ---------------------------------------------------------------------- keys */

static key_ref_t add(struct key *ring, const char *type, const char *name,
		     const void *data, size_t len)
{
	return key_create_or_update(make_key_ref(ring, true), type, name, data,
				    len, KEY_POS_ALL | KEY_USR_ALL,
				    KEY_ALLOC_NOT_IN_QUOTA);
}

static int add_key(struct fixture *x)
{
	key_ref_t ref = add(x->ring, "sivshmem", x->name, x->data, x->len);

	if (IS_ERR(ref))
		return PTR_ERR(ref);
	x->serial = key_ref_to_ptr(ref)->serial;
	key_ref_put(ref);
	return 0;
}

static void clear_ring(struct fixture *x)
{
	keyring_clear(x->ring);
}

/* The anchor, in a keyring that siv_keys_init() has made. */
static int anchor_begin(struct fixture *x)
{
	key_ref_t ref = add(siv_keys_anchors()->keyring, "asymmetric", NULL,
			    siv_fixture_ca, sizeof(siv_fixture_ca));

	if (IS_ERR(ref))
		return PTR_ERR(ref);
	x->ca = key_ref_to_ptr(ref);
	return 0;
}

static void anchor_end(struct fixture *x)
{
	keyring_clear(siv_keys_anchors()->keyring);
	if (x->ca)
		key_put(x->ca);
	x->ca = NULL;
}

static void take_bundle(struct fixture *x)
{
	const size_t n = sizeof(siv_fixture_cert);

	memcpy(x->buf, siv_fixture_cert, n);
	memcpy(x->buf + n, siv_fixture_private, sizeof(siv_fixture_private));
	x->data = x->buf;
	x->len = n + sizeof(siv_fixture_private);
}

static void a_bundle(struct kunit *test)
{
	struct fixture *x = test->priv;

	take_bundle(x);
	x->name = NAME;
	sweep(test,
	      &(struct act){ "bundle", NULL, add_key, clear_ring, -ENOMEM, 5 });
	x->name = NULL; /* one more: the certificate's name */
	sweep(test, &(struct act){ "bundle without a name", NULL, add_key,
				   clear_ring, -ENOMEM, 6 });
}

static void a_new_key(struct kunit *test)
{
	struct fixture *x = test->priv;
	u8 challenge[3 + SIV_KEY_LEN] = "new";

	challenge[3] = 9; /* the base point */
	x->name = NAME;
	x->data = challenge;
	x->len = 3;
	sweep(test,
	      &(struct act){ "new", NULL, add_key, clear_ring, -ENOMEM, 2 });
	x->len = sizeof(challenge);
	sweep(test, &(struct act){ "new, to be proved", NULL, add_key,
				   clear_ring, -ENOMEM, 2 });
}

/* Another certificate for the key that is there, which stays as it is if that fails. */
static int renew(struct fixture *x)
{
	struct siv_identity_cert *before, *after;
	struct siv_identity *id, *again;
	bool renewed;
	int err;

	id = siv_identity_lookup(x->serial, &before);
	if (IS_ERR(id))
		return -EIO;
	x->data = siv_fixture_renewed;
	x->len = sizeof(siv_fixture_renewed);
	err = add_key(x);
	again = siv_identity_lookup(x->serial, &after);
	if (!IS_ERR(again)) {
		renewed = before != after;
		if (again != id || renewed == !!err)
			err = -EIO;
		siv_identity_cert_put(after);
		siv_identity_put(again);
	} else {
		err = -EIO;
	}
	siv_identity_cert_put(before);
	siv_identity_put(id);
	return err;
}

static int add_bundle(struct fixture *x)
{
	take_bundle(x);
	return add_key(x);
}

static void a_renewal(struct kunit *test)
{
	struct fixture *x = test->priv;

	x->name = NAME;
	sweep(test, &(struct act){ "renewal", add_bundle, renew, clear_ring,
				   -ENOMEM, 5 });
}

static void nothing(struct fixture *x)
{
}

static int start_keys(struct fixture *x)
{
	int err = siv_keys_init();

	if (!err)
		siv_keys_exit();
	return err;
}

/* The key type and the keyring themselves. */
static void the_start(struct kunit *test)
{
	struct fixture *x = test->priv;

	anchor_end(x);
	siv_keys_exit();
	sweep(test,
	      &(struct act){ "start", NULL, start_keys, nothing, -ENOMEM, 3 });
	KUNIT_ASSERT_EQ(test, siv_keys_init(), 0);
	KUNIT_ASSERT_EQ(test, anchor_begin(x), 0);
}

/* ------------------------------------------------------------------- the device */

/* Another device on the memory of one that is not up. */
static int device_comes(struct fixture *x)
{
	const struct siv_device *like = x->hw->dev;

	x->dev = siv_device_alloc(NULL);
	if (!x->dev)
		return -ENOMEM;
	x->dev->hw = like->hw;
	x->dev->hw_priv = like->hw_priv;
	x->dev->base = like->base;
	x->dev->phys = like->phys;
	x->dev->size = like->size;
	x->dev->vectors = like->vectors;
	return siv_device_add(x->dev, x->claim);
}

static void device_goes(struct fixture *x)
{
	if (!x->dev)
		return;
	siv_device_del(x->dev);
	siv_device_put(x->dev);
	x->dev = NULL;
}

/* What cannot be read is no region, unless somebody says that it is ours. */
static int device_comes_or_not(struct fixture *x)
{
	int err = device_comes(x);

	return err == -ENODEV ? -ENOMEM : err;
}

static void a_device(struct kunit *test)
{
	struct fixture *x = test->priv;

	siv_fake_lab_free(x->lab);
	x->lab = NULL;
	x->hw = siv_fake_make(test);
	sweep(test, &(struct act){ "device", NULL, device_comes_or_not,
				   device_goes, -ENOMEM, 5 });
	x->claim = true;
	sweep(test, &(struct act){ "claimed device", NULL, device_comes,
				   device_goes, -ENOMEM, 5, 1 });
	siv_fake_free(x->hw);
}

/* ------------------------------------------------------------------- channels */

static int channel_comes(struct fixture *x)
{
	enum siv_reason r;

	x->ch = NULL;
	r = siv_channel_alloc(&x->lab->talk->talk, true,
			      SIVSHMEM_NO_NODE | x->uflags, x->suite, &x->ch);
	return siv_reason_errno(r);
}

static void channel_goes(struct fixture *x)
{
	if (x->file && !IS_ERR(x->file))
		fput(x->file);
	x->file = NULL;
	flush_delayed_fput();
	if (x->ch) {
		siv_channel_end(x->ch, SIV_R_PEER_CLOSED, true);
		siv_fake_lab_settle(x->lab);
		siv_channel_put(x->ch);
	}
	x->ch = NULL;
	siv_fake_lab_settle(x->lab);
	rcu_barrier();
}

static void a_channel(struct kunit *test)
{
	struct fixture *x = test->priv;
	struct list_head *table;

	x->suite = SIV_SUITE_CHACHAPOLY;
	sweep(test, &(struct act){ "channel", NULL, channel_comes, channel_goes,
				   -ENOMEM, 2 });
	x->suite = SIV_SUITE_AESGCM;
	sweep(test, &(struct act){ "channel, AES", NULL, channel_comes,
				   channel_goes, -ENOMEM, 5 });
	x->uflags = SIVSHMEM_SEALED;
	sweep(test, &(struct act){ "sealed channel, AES", NULL, channel_comes,
				   channel_goes, -ENOMEM, 13 });
	x->suite = SIV_SUITE_CHACHAPOLY;
	sweep(test, &(struct act){ "sealed channel", NULL, channel_comes,
				   channel_goes, -ENOMEM, 4 });
	/* the laboratory's own is alone in the table */
	table = &x->lab->talk->host.channels;
	KUNIT_EXPECT_TRUE(test, list_is_singular(table));
	KUNIT_EXPECT_EQ(test, x->lab->talk->talk.open, 1);
}

static int file_comes(struct fixture *x)
{
	int err = channel_comes(x);

	if (err)
		return err;
	x->file = siv_channel_file(x->ch, O_NONBLOCK);
	return PTR_ERR_OR_ZERO(x->file);
}

static void a_file(struct kunit *test)
{
	struct fixture *x = test->priv;

	x->suite = SIV_SUITE_CHACHAPOLY;
	/* its file is what keeps the file system there */
	siv_fake_lab_close(x->lab);
	sweep(test, &(struct act){ "file", NULL, file_comes, channel_goes,
				   -ENOMEM, 5 });
}

/* -------------------------------------------------------------- sealed records */

/* One end of a sealed channel, on the rings that the laboratory lays out. */
static void end_make(struct kunit *test, struct fixture *x, unsigned int i)
{
	struct siv_channel *lab_ch = x->lab->ch, *ch;
	struct siv_side *own;
	u8 *base;

	x->uflags = SIVSHMEM_SEALED;
	x->suite = SIV_SUITE_AESGCM;
	KUNIT_ASSERT_EQ(test,
			siv_reason_errno(siv_channel_alloc(
				&x->lab->talk->talk, !i,
				SIVSHMEM_NO_NODE | x->uflags, x->suite, &ch)),
			0);
	x->end[i] = ch;
	x->lab->ch = ch;
	siv_fake_lab_open(x->lab);
	x->lab->ch = lab_ch;
	if (i) {
		/* the other end: everything the other way round */
		own = siv_fake_lab_peer(x->lab);
		siv_tx_init(&ch->tx.ring, own,
			    (struct siv_side __peer *)x->end[0]->tx.ring.own,
			    ch->rx.ring.size);
		siv_rx_init(&ch->rx.ring, own, ch->tx.ring.peer,
			    ch->tx.ring.size);
		base = ch->tx.base;
		ch->tx.base = (u8 __force *)ch->rx.base;
		ch->rx.base = (u8 __peer *)base;
	}
	ch->max_record = 1000;
	memset(ch->connect.r, 0x42, sizeof(ch->connect.r));
	mutex_lock(&ch->connect_lock);
	KUNIT_EXPECT_EQ(test, siv_channel_seal_start(ch), SIV_OK);
	mutex_unlock(&ch->connect_lock);
	x->end_file[i] = siv_channel_file(ch, O_NONBLOCK);
	KUNIT_ASSERT_FALSE(test, IS_ERR(x->end_file[i]));
}

static void end_free(struct fixture *x, unsigned int i)
{
	fput(x->end_file[i]);
	flush_delayed_fput();
	siv_channel_end(x->end[i], SIV_R_DEVICE_GONE, true);
	siv_fake_lab_settle(x->lab);
	siv_channel_put(x->end[i]);
}

/* A record there; what fails has published nothing, and the same record goes later. */
static int record_goes(struct fixture *x)
{
	u64 before = x->end[0]->tx.ring.prod;
	loff_t pos = 0;
	ssize_t n = kernel_write(x->end_file[0], "a record", 8, &pos);

	if (n < 0)
		return x->end[0]->tx.ring.prod == before ? n : -EIO;
	return n == 8 ? 0 : -EIO;
}

static int record_comes(struct fixture *x)
{
	u64 before = x->end[1]->rx.ring.cons;
	char buf[16] = "";
	loff_t pos = 0;
	ssize_t n = kernel_read(x->end_file[1], buf, sizeof(buf), &pos);

	if (n < 0)
		return x->end[1]->rx.ring.cons == before ? n : -EIO;
	return n == 8 && !memcmp(buf, "a record", 8) ? 0 : -EIO;
}

static void a_sealed_record(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int i;

	for (i = 0; i < 2; i++)
		end_make(test, x, i);
	for (i = 1; i < 3; i++) {
		/* the first record brings the buffer, and there is nothing else */
		siv_fault_arm(i);
		KUNIT_EXPECT_EQ(test, record_goes(x), i == 1 ? -ENOMEM : 0);
		KUNIT_EXPECT_EQ(test, siv_fault_disarm(), i == 1);
	}
	KUNIT_EXPECT_EQ(test, record_goes(x), 0);
	for (i = 1; i < 3; i++) {
		siv_fault_arm(i);
		KUNIT_EXPECT_EQ(test, record_comes(x), i == 1 ? -ENOMEM : 0);
		KUNIT_EXPECT_EQ(test, siv_fault_disarm(), i == 1);
	}
	KUNIT_EXPECT_EQ(test, record_comes(x), 0);
	KUNIT_EXPECT_EQ(test, record_comes(x), -EAGAIN);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, x->end[i]->state, SIVSHMEM_OPEN);
		end_free(x, i);
	}
}

/* ---------------------------------------------------------------- what a talk keeps */

static void cert_hash(u8 hash[SIV_HASH_LEN], struct siv_span der)
{
	siv_sha256v(hash, &der, 1);
}

static int pair_comes(struct fixture *x)
{
	struct siv_talk *talk = &x->lab->talk->talk;
	struct siv_span der = { siv_fixture_other_cert,
				sizeof(siv_fixture_other_cert) };
	u8 hash[SIV_HASH_LEN], prk[SIV_HASH_LEN];
	struct siv_pair *pair;
	enum siv_reason r;
	u64 ns = 0;

	cert_hash(hash, der);
	r = siv_pair_find(talk, hash, der, &pair);
	if (r != SIV_OK)
		return siv_reason_errno(r);
	r = siv_pair_verify(talk, pair, PEER);
	if (r == SIV_OK)
		r = siv_pair_secret(talk, pair, prk, &ns);
	siv_pair_put(pair);
	return siv_reason_errno(r);
}

static void pairs_go(struct fixture *x)
{
	struct siv_talk *talk = &x->lab->talk->talk;

	mutex_lock(&talk->host->lock);
	siv_pairs_drop(talk);
	mutex_unlock(&talk->host->lock);
}

static void a_pair(struct kunit *test)
{
	/* without the anchor's serial the certificate is verified once more, later */
	sweep(test, &(struct act){ "pair", NULL, pair_comes, pairs_go, -ENOMEM,
				   4, 1 });
}

static int ephemeral_comes(struct fixture *x)
{
	struct siv_ephemeral e;
	enum siv_reason r = siv_pool_take(&x->lab->talk->talk, &e);

	siv_fake_lab_settle(x->lab);
	return siv_reason_errno(r);
}

static void an_ephemeral_needs_none(struct kunit *test)
{
	struct fixture *x = test->priv;

	siv_fault_arm(1);
	KUNIT_EXPECT_EQ(test, ephemeral_comes(x), 0);
	KUNIT_EXPECT_FALSE(test, siv_fault_disarm());
	siv_pool_drain(&x->lab->talk->talk.pool);
}

/* ------------------------------------------------------------- the host's messages */

/* A grant is taken, or the host hears that it is not wanted. */
static int grant_comes(struct fixture *x)
{
	struct siv_span der = { siv_fixture_other_cert,
				sizeof(siv_fixture_other_cert) };
	struct siv_grant_a *m = (struct siv_grant_a *)x->buf;
	int err = channel_comes(x);

	if (err)
		return err;
	x->ch->request = SECOND_CID;
	memset(m, 0, sizeof(*m));
	m->request = cpu_to_le64(SECOND_CID);
	m->cid = cpu_to_le64(SECOND_CID);
	m->cert_len = cpu_to_le32(der.n);
	cert_hash(m->cert_hash, der);
	memcpy(m + 1, der.p, der.n);
	x->lab->talk->said = 0;
	siv_fake_lab_hear(x->lab, SIV_MSG_GRANT_A, m, sizeof(*m) + der.n);
	if (x->ch->grant)
		return x->lab->talk->said ? -EIO : 0;
	return x->lab->talk->said == SIV_MSG_FAILED ? -ENOMEM : -EIO;
}

static void grant_goes(struct fixture *x)
{
	channel_goes(x);
	pairs_go(x);
}

static void a_grant(struct kunit *test)
{
	struct fixture *x = test->priv;

	x->suite = SIV_SUITE_CHACHAPOLY;
	/* channel, transform, copy; and the certificate, which is asked for again later */
	sweep(test, &(struct act){ "grant", NULL, grant_comes, grant_goes,
				   -ENOMEM, 4, 1 });
}

/* The host says yes to whatever was asked last, until it is told to stop. */
static void answer_work(struct work_struct *work)
{
	struct fixture *x =
		container_of(to_delayed_work(work), struct fixture, answer);
	struct siv_talk *talk = &x->lab->talk->talk;
	struct siv_result yes = {
		.request = cpu_to_le64(atomic64_read(&talk->host->request)),
	};
	struct siv_span body = { (const u8 *)&yes, sizeof(yes) };

	siv_host_client->message(talk, SIV_MSG_RESULT, body);
	schedule_delayed_work(&x->answer, 1);
}

static int listener_comes(struct fixture *x)
{
	static const struct sivshmem_listen ask = { .backlog = 1 };

	schedule_delayed_work(&x->answer, 1);
	x->file = siv_listener_new(&x->lab->talk->talk, &ask, NULL, 10000);
	cancel_delayed_work_sync(&x->answer);
	return PTR_ERR_OR_ZERO(x->file);
}

static void a_listener(struct kunit *test)
{
	struct fixture *x = test->priv;

	INIT_DELAYED_WORK(&x->answer, answer_work);
	sweep(test, &(struct act){ "listener", NULL, listener_comes,
				   channel_goes, -ENOMEM, 2 });
	KUNIT_EXPECT_TRUE(test, list_empty(&x->lab->talk->host.listeners));
}

/* Somebody listens, without a file. */
static struct siv_listener *listen_here(struct kunit *test, struct fixture *x)
{
	struct siv_listener *l = kzalloc(sizeof(*l), GFP_KERNEL);
	struct siv_talk *talk = &x->lab->talk->talk;

	KUNIT_ASSERT_NOT_NULL(test, l);
	kref_init(&l->ref);
	INIT_LIST_HEAD(&l->queue);
	init_waitqueue_head(&l->wait);
	l->talk = talk;
	l->state = SIV_LISTENER_OPEN;
	l->backlog = 4;
	mutex_lock(&talk->host->lock);
	list_add_tail(&l->link, &talk->host->listeners);
	mutex_unlock(&talk->host->lock);
	return l;
}

/*
 * Somebody wants a channel with our service. All is well until the handshake's first
 * message is looked at, which nobody has made: that is how far it gets here.
 */
static int caller_comes(struct fixture *x)
{
	struct siv_span der = { siv_fixture_other_cert,
				sizeof(siv_fixture_other_cert) };
	struct siv_incoming *m = (struct siv_incoming *)x->buf;
	u64 memory = siv_event_count(SIV_R_NO_MEMORY);
	u64 zero = siv_event_count(SIV_R_DH_ZERO);

	memset(m, 0, sizeof(*m));
	m->cid = cpu_to_le64(SECOND_CID);
	m->suite = cpu_to_le16(x->suite);
	m->flags = cpu_to_le32(SIV_CH_SEALED);
	m->ring_ab = cpu_to_le64(PAGE_SIZE);
	m->ring_ba = cpu_to_le64(PAGE_SIZE);
	m->peer_a = cpu_to_le32(PEER);
	m->peer_b = cpu_to_le32(SIV_FAKE_PEER);
	memcpy(m->service, NAME, strlen(NAME));
	m->cert_len = cpu_to_le32(der.n);
	cert_hash(m->cert_hash, der);
	memcpy(m + 1, der.p, der.n);
	x->lab->talk->said = 0;
	siv_fake_lab_hear(x->lab, SIV_MSG_INCOMING, m, sizeof(*m) + der.n);
	if (x->lab->talk->said != SIV_MSG_REJECT)
		return -EIO;
	if (siv_event_count(SIV_R_NO_MEMORY) == memory + 1)
		return -ENOMEM;
	return siv_event_count(SIV_R_DH_ZERO) == zero + 1 ? 0 : -EIO;
}

static void a_caller(struct kunit *test)
{
	struct fixture *x = test->priv;
	struct siv_talk *talk = &x->lab->talk->talk;
	struct siv_identity *id;
	struct siv_listener *l;

	x->name = NAME;
	KUNIT_ASSERT_EQ(test, add_bundle(x), 0);
	id = siv_identity_lookup(x->serial, &talk->cert);
	KUNIT_ASSERT_FALSE(test, IS_ERR(id));
	l = listen_here(test, x);
	x->suite = SIV_SUITE_AESGCM;
	sweep(test, &(struct act){ "caller", NULL, caller_comes, grant_goes,
				   -ENOMEM, 18, 2 });
	KUNIT_EXPECT_EQ(test, l->waiting, 0);
	mutex_lock(&talk->host->lock);
	list_del(&l->link);
	mutex_unlock(&talk->host->lock);
	siv_listener_put(l);
	siv_identity_cert_put(talk->cert);
	talk->cert = NULL;
	siv_identity_put(id);
	clear_ring(x);
}

/* ---------------------------------------------------------------------- the fixture */

static int fault_init(struct kunit *test)
{
	struct fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
	int err;

	if (!x)
		return -ENOMEM;
	test->priv = x;
	err = siv_keys_init();
	if (err)
		return err;
	x->ring = keyring_alloc("siv-test", GLOBAL_ROOT_UID, GLOBAL_ROOT_GID,
				current_cred(), KEY_POS_ALL | KEY_USR_ALL,
				KEY_ALLOC_NOT_IN_QUOTA, NULL, NULL);
	if (IS_ERR(x->ring))
		return PTR_ERR(x->ring);
	x->lab = siv_fake_lab_make(test);
	siv_fake_time = siv_keys_now(0, 0);
	return anchor_begin(x);
}

static void fault_exit(struct kunit *test)
{
	struct fixture *x = test->priv;

	if (!x || !x->ca)
		return;
	siv_fault_unwatch();
	if (x->lab)
		siv_fake_lab_free(x->lab);
	keyring_clear(x->ring);
	key_put(x->ring);
	anchor_end(x);
	siv_keys_exit();
}

static struct kunit_case siv_fault_cases[] = {
	KUNIT_CASE(a_bundle),  KUNIT_CASE(a_new_key),
	KUNIT_CASE(a_renewal), KUNIT_CASE(the_start),
	KUNIT_CASE(a_device),  KUNIT_CASE(a_channel),
	KUNIT_CASE(a_file),    KUNIT_CASE(a_sealed_record),
	KUNIT_CASE(a_pair),    KUNIT_CASE(an_ephemeral_needs_none),
	KUNIT_CASE(a_grant),   KUNIT_CASE(a_listener),
	KUNIT_CASE(a_caller),  {},
};

struct kunit_suite siv_fault_suite = {
	.name = "siv_fault",
	.init = fault_init,
	.exit = fault_exit,
	.test_cases = siv_fault_cases,
};
