// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whichever call of the keys' and the device's fails for want of memory, what was
 * asked for gives the errno that is written here, or succeeds where it can do without;
 * nothing stays behind, and the same without a fault succeeds after it.
 * (tests/qemu/test_faults.py does it to whole system calls.)
 */
#include <linux/key.h>

#include "../keys.h"
#include "siv_keys_fixture.h"
#include "suites.h"
#include "sweep.h"

static void a_bundle(struct kunit *test)
{
	struct siv_sweep *x = test->priv;

	siv_sweep_take_bundle(x);
	x->name = SIV_SWEEP_NAME;
	siv_sweep(test, &(struct siv_try){ "bundle", NULL, siv_sweep_add_key,
					   siv_sweep_clear_ring, -ENOMEM, 5 });
	x->name = NULL; /* one more: the certificate's name */
	siv_sweep(test, &(struct siv_try){ "bundle without a name", NULL,
					   siv_sweep_add_key,
					   siv_sweep_clear_ring, -ENOMEM, 6 });
}

static void a_new_key(struct kunit *test)
{
	struct siv_sweep *x = test->priv;
	u8 challenge[3 + SIV_KEY_LEN] = "new";

	challenge[3] = 9; /* the base point */
	x->name = SIV_SWEEP_NAME;
	x->data = challenge;
	x->len = 3;
	siv_sweep(test, &(struct siv_try){ "new", NULL, siv_sweep_add_key,
					   siv_sweep_clear_ring, -ENOMEM, 2 });
	x->len = sizeof(challenge);
	siv_sweep(test, &(struct siv_try){ "new, to be proved", NULL,
					   siv_sweep_add_key,
					   siv_sweep_clear_ring, -ENOMEM, 2 });
}

/* Another certificate for the key that is there, which stays as it is if that fails. */
static int renew(struct siv_sweep *x)
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
	err = siv_sweep_add_key(x);
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

static void a_renewal(struct kunit *test)
{
	struct siv_sweep *x = test->priv;

	x->name = SIV_SWEEP_NAME;
	siv_sweep(test,
		  &(struct siv_try){ "renewal", siv_sweep_add_bundle, renew,
				     siv_sweep_clear_ring, -ENOMEM, 5 });
}

static void nothing(struct siv_sweep *x)
{
}

static int start_keys(struct siv_sweep *x)
{
	int err = siv_keys_init();

	if (!err)
		siv_keys_exit();
	return err;
}

/* The key type and the keyring themselves. */
static void the_start(struct kunit *test)
{
	struct siv_sweep *x = test->priv;

	siv_sweep_anchor_end(x);
	siv_keys_exit();
	siv_sweep(test, &(struct siv_try){ "start", NULL, start_keys, nothing,
					   -ENOMEM, 3 });
	KUNIT_ASSERT_EQ(test, siv_keys_init(), 0);
	KUNIT_ASSERT_EQ(test, siv_sweep_anchor_begin(x), 0);
}

/* ------------------------------------------------------------------- the device */

/* Another device on the memory of one that is not up. */
static int device_comes(struct siv_sweep *x)
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

static void device_goes(struct siv_sweep *x)
{
	if (!x->dev)
		return;
	siv_device_del(x->dev);
	siv_device_put(x->dev);
	x->dev = NULL;
}

/* What cannot be read is no region, unless somebody says that it is ours. */
static int device_comes_or_not(struct siv_sweep *x)
{
	int err = device_comes(x);

	return err == -ENODEV ? -ENOMEM : err;
}

static void a_device(struct kunit *test)
{
	struct siv_sweep *x = test->priv;

	siv_fake_lab_free(x->lab);
	x->lab = NULL;
	x->hw = siv_fake_make(test);
	siv_sweep(test, &(struct siv_try){ "device", NULL, device_comes_or_not,
					   device_goes, -ENOMEM, 5 });
	x->claim = true;
	siv_sweep(test, &(struct siv_try){ "claimed device", NULL, device_comes,
					   device_goes, -ENOMEM, 5, 1 });
	siv_fake_free(x->hw);
}

static struct kunit_case siv_fault_keys_cases[] = {
	KUNIT_CASE(a_bundle),  KUNIT_CASE(a_new_key), KUNIT_CASE(a_renewal),
	KUNIT_CASE(the_start), KUNIT_CASE(a_device),  {},
};

struct kunit_suite siv_fault_keys_suite = {
	.name = "siv_fault_keys",
	.init = siv_sweep_init,
	.exit = siv_sweep_exit,
	.test_cases = siv_fault_keys_cases,
};
