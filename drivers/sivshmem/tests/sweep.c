// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/key-type.h>
#include <linux/slab.h>

#include "../keys.h"
#include "fault.h"
#include "siv_keys_fixture.h"
#include "sweep.h"

enum {
	ENOUGH = 50, /* calls that can fail, in one act */
	SETTLE_MS = 2000,
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
static bool run(struct kunit *test, const struct siv_try *act, unsigned int n,
		int *err)
{
	struct siv_sweep *x = test->priv;
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

void siv_sweep(struct kunit *test, const struct siv_try *act)
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

static key_ref_t add(struct key *ring, const char *type, const char *name,
		     const void *data, size_t len)
{
	return key_create_or_update(make_key_ref(ring, true), type, name, data,
				    len, KEY_POS_ALL | KEY_USR_ALL,
				    KEY_ALLOC_NOT_IN_QUOTA);
}

int siv_sweep_add_key(struct siv_sweep *x)
{
	key_ref_t ref = add(x->ring, "sivshmem", x->name, x->data, x->len);

	if (IS_ERR(ref))
		return PTR_ERR(ref);
	x->serial = key_ref_to_ptr(ref)->serial;
	key_ref_put(ref);
	return 0;
}

void siv_sweep_clear_ring(struct siv_sweep *x)
{
	keyring_clear(x->ring);
}

/* The anchor, in a keyring that siv_keys_init() has made. */
int siv_sweep_anchor_begin(struct siv_sweep *x)
{
	key_ref_t ref = add(siv_keys_anchors()->keyring, "asymmetric", NULL,
			    siv_fixture_ca, sizeof(siv_fixture_ca));

	if (IS_ERR(ref))
		return PTR_ERR(ref);
	x->ca = key_ref_to_ptr(ref);
	return 0;
}

void siv_sweep_anchor_end(struct siv_sweep *x)
{
	keyring_clear(siv_keys_anchors()->keyring);
	if (x->ca)
		key_put(x->ca);
	x->ca = NULL;
}

void siv_sweep_take_bundle(struct siv_sweep *x)
{
	const size_t n = sizeof(siv_fixture_cert);

	memcpy(x->buf, siv_fixture_cert, n);
	memcpy(x->buf + n, siv_fixture_private, sizeof(siv_fixture_private));
	x->data = x->buf;
	x->len = n + sizeof(siv_fixture_private);
}

int siv_sweep_add_bundle(struct siv_sweep *x)
{
	siv_sweep_take_bundle(x);
	return siv_sweep_add_key(x);
}

int siv_sweep_channel_comes(struct siv_sweep *x)
{
	enum siv_reason r;

	x->ch = NULL;
	r = siv_channel_alloc(&x->lab->talk->talk, true,
			      SIVSHMEM_NO_NODE | x->uflags, x->suite, &x->ch);
	return siv_reason_errno(r);
}

void siv_sweep_channel_goes(struct siv_sweep *x)
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

int siv_sweep_init(struct kunit *test)
{
	struct siv_sweep *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
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
	return siv_sweep_anchor_begin(x);
}

void siv_sweep_exit(struct kunit *test)
{
	struct siv_sweep *x = test->priv;

	if (!x || !x->ca)
		return;
	siv_fault_unwatch();
	if (x->lab)
		siv_fake_lab_free(x->lab);
	keyring_clear(x->ring);
	key_put(x->ring);
	siv_sweep_anchor_end(x);
	siv_keys_exit();
}
