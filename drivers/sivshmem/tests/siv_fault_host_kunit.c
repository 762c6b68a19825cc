// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whichever call of what the host's messages begin fails for want of memory, what was
 * asked for gives the errno that is written here, or succeeds where it can do without;
 * nothing stays behind, and the same without a fault succeeds after it.
 * (tests/qemu/test_faults.py does it to whole system calls.)
 */
#include <linux/file.h>
#include <linux/slab.h>

#include "../event.h"
#include "../keys.h"
#include "../listener.h"
#include "../pair.h"
#include "fault.h"
#include "siv_keys_fixture.h"
#include "suites.h"
#include "sweep.h"

enum {
	SECOND_CID = 77,
};

static void cert_hash(u8 hash[SIV_HASH_LEN], struct siv_span der)
{
	siv_sha256v(hash, &der, 1);
}

static int pair_comes(struct siv_sweep *x)
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
	r = siv_pair_verify(talk, pair, SIV_SWEEP_PEER);
	if (r == SIV_OK)
		r = siv_pair_secret(talk, pair, prk, &ns);
	siv_pair_put(pair);
	return siv_reason_errno(r);
}

static void pairs_go(struct siv_sweep *x)
{
	struct siv_talk *talk = &x->lab->talk->talk;

	mutex_lock(&talk->host->lock);
	siv_pairs_drop(talk);
	mutex_unlock(&talk->host->lock);
}

static void a_pair(struct kunit *test)
{
	/* without the anchor's serial the certificate is verified once more, later */
	siv_sweep(test, &(struct siv_try){ "pair", NULL, pair_comes, pairs_go,
					   -ENOMEM, 4, 1 });
}

static int ephemeral_comes(struct siv_sweep *x)
{
	struct siv_ephemeral e;
	enum siv_reason r = siv_pool_take(&x->lab->talk->talk, &e);

	siv_fake_lab_settle(x->lab);
	return siv_reason_errno(r);
}

static void an_ephemeral_needs_none(struct kunit *test)
{
	struct siv_sweep *x = test->priv;

	siv_fault_arm(1);
	KUNIT_EXPECT_EQ(test, ephemeral_comes(x), 0);
	KUNIT_EXPECT_FALSE(test, siv_fault_disarm());
	siv_pool_drain(&x->lab->talk->talk.pool);
}

/* ------------------------------------------------------------- the host's messages */

/* A grant is taken, or the host hears that it is not wanted. */
static int grant_comes(struct siv_sweep *x)
{
	struct siv_span der = { siv_fixture_other_cert,
				sizeof(siv_fixture_other_cert) };
	struct siv_grant_a *m = (struct siv_grant_a *)x->buf;
	int err = siv_sweep_channel_comes(x);

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

static void grant_goes(struct siv_sweep *x)
{
	siv_sweep_channel_goes(x);
	pairs_go(x);
}

static void a_grant(struct kunit *test)
{
	struct siv_sweep *x = test->priv;

	x->suite = SIV_SUITE_CHACHAPOLY;
	/* channel, transform, copy; and the certificate, which is asked for again later */
	siv_sweep(test, &(struct siv_try){ "grant", NULL, grant_comes,
					   grant_goes, -ENOMEM, 4, 1 });
}

/* The host says yes to whatever was asked last, until it is told to stop. */
static void answer_work(struct work_struct *work)
{
	struct siv_sweep *x =
		container_of(to_delayed_work(work), struct siv_sweep, answer);
	struct siv_talk *talk = &x->lab->talk->talk;
	struct siv_result yes = {
		.request = cpu_to_le64(atomic64_read(&talk->host->request)),
	};
	struct siv_span body = { (const u8 *)&yes, sizeof(yes) };

	siv_host_client->message(talk, SIV_MSG_RESULT, body);
	schedule_delayed_work(&x->answer, 1);
}

static int listener_comes(struct siv_sweep *x)
{
	static const struct sivshmem_listen ask = { .backlog = 1 };

	schedule_delayed_work(&x->answer, 1);
	x->file = siv_listener_new(&x->lab->talk->talk, &ask, NULL, 10000);
	cancel_delayed_work_sync(&x->answer);
	return PTR_ERR_OR_ZERO(x->file);
}

static void a_listener(struct kunit *test)
{
	struct siv_sweep *x = test->priv;

	INIT_DELAYED_WORK(&x->answer, answer_work);
	siv_sweep(test,
		  &(struct siv_try){ "listener", NULL, listener_comes,
				     siv_sweep_channel_goes, -ENOMEM, 2 });
	KUNIT_EXPECT_TRUE(test, list_empty(&x->lab->talk->host.listeners));
}

/* Somebody listens, without a file. */
static struct siv_listener *listen_here(struct kunit *test, struct siv_sweep *x)
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
static int caller_comes(struct siv_sweep *x)
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
	m->peer_a = cpu_to_le32(SIV_SWEEP_PEER);
	m->peer_b = cpu_to_le32(SIV_FAKE_PEER);
	memcpy(m->service, SIV_SWEEP_NAME, strlen(SIV_SWEEP_NAME));
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
	struct siv_sweep *x = test->priv;
	struct siv_talk *talk = &x->lab->talk->talk;
	struct siv_identity *id;
	struct siv_listener *l;

	x->name = SIV_SWEEP_NAME;
	KUNIT_ASSERT_EQ(test, siv_sweep_add_bundle(x), 0);
	id = siv_identity_lookup(x->serial, &talk->cert);
	KUNIT_ASSERT_FALSE(test, IS_ERR(id));
	l = listen_here(test, x);
	x->suite = SIV_SUITE_AESGCM;
	siv_sweep(test, &(struct siv_try){ "caller", NULL, caller_comes,
					   grant_goes, -ENOMEM, 18, 2 });
	KUNIT_EXPECT_EQ(test, l->waiting, 0);
	mutex_lock(&talk->host->lock);
	list_del(&l->link);
	mutex_unlock(&talk->host->lock);
	siv_listener_put(l);
	siv_identity_cert_put(talk->cert);
	talk->cert = NULL;
	siv_identity_put(id);
	siv_sweep_clear_ring(x);
}

static struct kunit_case siv_fault_host_cases[] = {
	KUNIT_CASE(a_pair),   KUNIT_CASE(an_ephemeral_needs_none),
	KUNIT_CASE(a_grant),  KUNIT_CASE(a_listener),
	KUNIT_CASE(a_caller), {},
};

struct kunit_suite siv_fault_host_suite = {
	.name = "siv_fault_host",
	.init = siv_sweep_init,
	.exit = siv_sweep_exit,
	.test_cases = siv_fault_host_cases,
};
