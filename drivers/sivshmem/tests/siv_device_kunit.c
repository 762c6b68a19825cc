// SPDX-License-Identifier: GPL-2.0-only
/*
 * device.c takes regions that are ours and no others, lets nobody through a closed gate,
 * and comes back from suspensions in the right number, with a new boot nonce.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "fake_hw.h"
#include "siv_keys_fixture.h"
#include "suites.h"

/* What the client was told, in order: one letter each. */
static char story[32];
static int attach_error;
static enum siv_reason reason;

static void tell(char c)
{
	size_t n = strlen(story);

	if (n < sizeof(story) - 1)
		story[n] = c;
}

/* Is the gate open? A test that expects otherwise must not stay inside. */
static bool gate_open(struct siv_device *dev)
{
	int idx;

	if (!siv_device_enter(dev, &idx))
		return false;
	siv_device_exit(dev, idx);
	return true;
}

static int client_attach(struct siv_device *dev)
{
	tell('a');
	return attach_error;
}

static void client_bell(struct siv_device *dev, unsigned int vector)
{
	tell('0' + vector);
}

static void client_goodbye(struct siv_device *dev, enum siv_reason why)
{
	if (gate_open(dev))
		tell('g');
}

static void client_quiesce(struct siv_device *dev, enum siv_reason why)
{
	reason = why;
	if (!gate_open(dev))
		tell('q');
}

static void client_detach(struct siv_device *dev)
{
	tell('d');
}

static const struct siv_device_client client = {
	.attach = client_attach,
	.bell = client_bell,
	.goodbye = client_goodbye,
	.quiesce = client_quiesce,
	.detach = client_detach,
};

static int device_init(struct kunit *test)
{
	memset(story, 0, sizeof(story));
	attach_error = 0;
	reason = SIV_OK;
	siv_device_client_set(&client);
	test->priv = siv_fake_make(test);
	return 0;
}

static void device_exit(struct kunit *test)
{
	siv_fake_free(test->priv);
	siv_device_client_set(NULL);
	siv_device_wait_all_gone();
}

static void takes_ours(struct kunit *test)
{
	struct siv_fake *f = test->priv;
	struct siv_device *dev = f->dev;
	struct siv_span constant = { f->mem, SIV_HEADER_CONST_LEN };
	u8 hash[SIV_HASH_LEN];

	KUNIT_ASSERT_EQ(test, siv_device_add(dev, false), 0);
	KUNIT_EXPECT_STREQ(test, story, "a");
	KUNIT_EXPECT_STREQ(test, dev->region, "lab");
	KUNIT_EXPECT_EQ(test, dev->geo.region_size, SIV_FAKE_SIZE);
	KUNIT_EXPECT_EQ(test, dev->host_cert_len,
			sizeof(siv_fixture_host_cert));
	KUNIT_EXPECT_EQ(test,
			memcmp(dev->host_cert, siv_fixture_host_cert,
			       sizeof(siv_fixture_host_cert)),
			0);
	siv_sha256v(hash, &constant, 1);
	KUNIT_EXPECT_EQ(test, memcmp(dev->header_hash, hash, sizeof(hash)), 0);

	/* what happens to the region afterwards changes nothing */
	memset(f->mem, 0xff, 8192);
	KUNIT_EXPECT_STREQ(test, dev->region, "lab");
	KUNIT_EXPECT_EQ(test, dev->geo.region_size, SIV_FAKE_SIZE);
}

/* Add what was made bad, as it is and claimed; then put it right. */
static void refuses(struct kunit *test, const char *what)
{
	struct siv_fake *f = test->priv;

	memset(story, 0, sizeof(story));
	KUNIT_EXPECT_EQ_MSG(test, siv_device_add(f->dev, false), -ENODEV, "%s",
			    what);
	KUNIT_EXPECT_FALSE_MSG(test, f->dev->live, "%s", what);
	KUNIT_EXPECT_STREQ_MSG(test, story, "", "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, siv_device_add(f->dev, true), 0, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, f->dev->geo.region_size, 0, "%s", what);
	siv_device_quiesce(f->dev, SIV_R_DEVICE_GONE);
	siv_device_del(f->dev);
}

static void refuses_others(struct kunit *test)
{
	struct siv_fake *f = test->priv;
	struct siv_region_header *h = siv_fake_header(f), good = *h;

	memset(h->magic, 0, sizeof(h->magic));
	refuses(test, "magic");
	*h = good;
	siv_put_le16(&h->version, 2);
	refuses(test, "version");
	*h = good;
	siv_put_le64(&h->region_size, 2 * SIV_FAKE_SIZE);
	refuses(test, "size");
	*h = good;
	siv_put_le32(&h->granule, 2048);
	refuses(test, "granule");
	*h = good;
	siv_put_le64(&h->box_off, SIV_FAKE_SIZE - 4096);
	refuses(test, "mailboxes outside");
	*h = good;
	memcpy(h->region, "Lab", 3);
	refuses(test, "name");
	*h = good;
	memset(h->region, 0, sizeof(h->region));
	refuses(test, "no name");
	*h = good;
	siv_put_le32(&h->cert_off, SIV_FAKE_SIZE - 8);
	refuses(test, "certificate outside");
	*h = good;
	siv_put_le32(&h->cert_off, U32_MAX);
	refuses(test, "certificate far outside");
	*h = good;
	siv_put_le32(&h->cert_len, siv_get_le32(&h->cert_len) - 1);
	refuses(test, "certificate cut");
	*h = good;
	siv_put_le32(&h->cert_len, SIV_CERT_MAX + 1);
	refuses(test, "certificate too long");
	siv_fake_cert(f, siv_fixture_cert, sizeof(siv_fixture_cert));
	refuses(test, "an endpoint's certificate");
	siv_fake_cert(f, siv_fixture_other_host_cert,
		      sizeof(siv_fixture_other_host_cert));
	refuses(test, "another region's certificate");
	*h = good;
	f->dev->size = 256;
	refuses(test, "short memory");
}

/* No goodbye is written into memory that may be another's by now. */
static void lost_bars_are_noticed(struct kunit *test)
{
	struct siv_fake *f = test->priv;
	struct siv_device *dev = f->dev;

	f->alive = false;
	KUNIT_EXPECT_FALSE(test, siv_device_check(dev));
	f->alive = true;
	KUNIT_ASSERT_EQ(test, siv_device_add(dev, false), 0);
	KUNIT_EXPECT_FALSE(test, siv_device_check(dev));
	KUNIT_EXPECT_TRUE(test, gate_open(dev));
	f->alive = false;
	KUNIT_EXPECT_TRUE(test, siv_device_check(dev));
	KUNIT_EXPECT_STREQ(test, story, "aq");
	KUNIT_EXPECT_EQ(test, reason, SIV_R_DEVICE_GONE);
	KUNIT_EXPECT_FALSE(test, gate_open(dev));
	KUNIT_EXPECT_FALSE(test, siv_device_check(dev));
	siv_device_del(dev);
}

static void gate_closes(struct kunit *test)
{
	struct siv_fake *f = test->priv;
	struct siv_device *dev = f->dev;
	unsigned int i;

	KUNIT_EXPECT_FALSE(test, gate_open(dev));
	KUNIT_ASSERT_EQ(test, siv_device_add(dev, false), 0);
	KUNIT_EXPECT_TRUE(test, gate_open(dev));
	KUNIT_EXPECT_TRUE(test, siv_device_ring(dev, 7, 2));
	KUNIT_EXPECT_EQ(test, f->rung, 1);
	KUNIT_EXPECT_EQ(test, f->bell[0].peer, 7);
	KUNIT_EXPECT_EQ(test, f->bell[0].vector, 2);
	for (i = 0; i < SIV_FAKE_VECTORS; i++)
		siv_device_vector_set(dev, i, SIV_VECTOR_ARMED);
	siv_device_vector_set(dev, SIV_FAKE_VECTORS, SIV_VECTOR_ARMED);
	KUNIT_EXPECT_EQ(test, f->sets, SIV_FAKE_VECTORS);
	siv_device_bell(dev, 3);
	KUNIT_EXPECT_EQ(test, atomic64_read(&dev->bells[3]), 1);

	siv_device_quiesce(dev, SIV_R_REVOKED);
	siv_device_quiesce(dev, SIV_R_REVOKED);
	KUNIT_EXPECT_STREQ(test, story, "a3gq");
	KUNIT_EXPECT_EQ(test, reason, SIV_R_REVOKED);
	for (i = 0; i < SIV_FAKE_VECTORS; i++)
		KUNIT_EXPECT_EQ(test, f->state[i], SIV_VECTOR_PARKED);
	KUNIT_EXPECT_FALSE(test, gate_open(dev));
	KUNIT_EXPECT_FALSE(test, siv_device_ring(dev, 7, 2));
	siv_device_bell(dev, 3);
	KUNIT_EXPECT_EQ(test, f->rung, 1);
	siv_device_del(dev);
	siv_device_del(dev);
	KUNIT_EXPECT_STREQ(test, story, "a3gqd");
}

struct visitor {
	struct siv_device *dev;
	struct completion inside;
	bool left;
};

static int visit(void *arg)
{
	struct visitor *v = arg;
	int idx;

	if (siv_device_enter(v->dev, &idx)) {
		complete(&v->inside);
		msleep(100);
		WRITE_ONCE(v->left, true);
		siv_device_exit(v->dev, idx);
	}
	complete(&v->inside);
	return 0;
}

static void quiesce_waits_for_visitors(struct kunit *test)
{
	struct siv_fake *f = test->priv;
	struct visitor v = { .dev = f->dev };
	struct task_struct *thread;

	init_completion(&v.inside);
	KUNIT_ASSERT_EQ(test, siv_device_add(f->dev, false), 0);
	thread = kthread_run(visit, &v, "siv-visitor");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	wait_for_completion(&v.inside);
	siv_device_quiesce(f->dev, SIV_R_DEVICE_GONE);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(v.left));
	wait_for_completion(&v.inside);
}

static void suspensions_nest(struct kunit *test)
{
	struct siv_fake *f = test->priv;
	struct siv_device *dev = f->dev;
	u8 nonce[SIV_NONCE_LEN];

	KUNIT_ASSERT_EQ(test, siv_device_add(dev, false), 0);
	memcpy(nonce, dev->boot_nonce, sizeof(nonce));
	siv_device_suspend(dev, SIV_R_EPOCH, true);
	siv_devices_suspend(SIV_R_EPOCH, true);
	KUNIT_EXPECT_STREQ(test, story, "agqd");
	KUNIT_EXPECT_EQ(test, reason, SIV_R_EPOCH);
	KUNIT_EXPECT_EQ(test, siv_device_resume(dev), 0);
	KUNIT_EXPECT_FALSE(test, dev->live);
	siv_devices_resume();
	KUNIT_EXPECT_TRUE(test, dev->live);
	KUNIT_EXPECT_STREQ(test, story, "agqda");
	KUNIT_EXPECT_NE(test, memcmp(nonce, dev->boot_nonce, sizeof(nonce)), 0);
	/* one too many changes nothing */
	siv_devices_resume();
	KUNIT_EXPECT_STREQ(test, story, "agqda");
	/* what was deleted meanwhile does not come back */
	siv_device_suspend(dev, SIV_R_EPOCH, true);
	siv_device_del(dev);
	KUNIT_EXPECT_EQ(test, siv_device_resume(dev), 0);
	KUNIT_EXPECT_STREQ(test, story, "agqdagqd");
}

static void comes_back_only_if_ours(struct kunit *test)
{
	struct siv_fake *f = test->priv;

	KUNIT_ASSERT_EQ(test, siv_device_add(f->dev, false), 0);
	siv_device_suspend(f->dev, SIV_R_EPOCH, true);
	memset(f->mem, 0, 8);
	KUNIT_EXPECT_EQ(test, siv_device_resume(f->dev), -ENODEV);
	KUNIT_EXPECT_FALSE(test, f->dev->live);
}

static void attach_may_fail(struct kunit *test)
{
	struct siv_fake *f = test->priv;

	attach_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, siv_device_add(f->dev, false), -ENOMEM);
	KUNIT_EXPECT_FALSE(test, f->dev->live);
	KUNIT_EXPECT_NULL(test, siv_device_find_region("lab"));
	attach_error = 0;
	KUNIT_EXPECT_EQ(test, siv_device_add(f->dev, false), 0);
}

static void is_found(struct kunit *test)
{
	struct siv_fake *f = test->priv, *g = siv_fake_make(test);
	struct siv_device *dev;

	memcpy(siv_fake_header(g)->region, "home", 4);
	siv_fake_cert(g, siv_fixture_other_host_cert,
		      sizeof(siv_fixture_other_host_cert));
	KUNIT_EXPECT_NULL(test, siv_device_find_region("lab"));
	KUNIT_ASSERT_EQ(test, siv_device_add(f->dev, false), 0);
	KUNIT_ASSERT_EQ(test, siv_device_add(g->dev, false), 0);
	dev = siv_device_find_region("home");
	KUNIT_EXPECT_PTR_EQ(test, dev, g->dev);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	siv_device_put(dev);
	dev = siv_device_find_index(f->dev->index);
	KUNIT_EXPECT_PTR_EQ(test, dev, f->dev);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	siv_device_put(dev);
	dev = siv_device_find_next(f->dev->index + 1);
	KUNIT_EXPECT_PTR_EQ(test, dev, g->dev);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	siv_device_put(dev);
	KUNIT_EXPECT_NULL(test, siv_device_find_next(g->dev->index + 1));
	KUNIT_EXPECT_NULL(test, siv_device_find_index(77));
	KUNIT_EXPECT_NULL(test, siv_device_find_region("la"));
	siv_fake_free(g);
	KUNIT_EXPECT_NULL(test, siv_device_find_region("home"));
}

static struct kunit_case siv_device_cases[] = {
	KUNIT_CASE(takes_ours),
	KUNIT_CASE(refuses_others),
	KUNIT_CASE(lost_bars_are_noticed),
	KUNIT_CASE(gate_closes),
	KUNIT_CASE(quiesce_waits_for_visitors),
	KUNIT_CASE(suspensions_nest),
	KUNIT_CASE(comes_back_only_if_ours),
	KUNIT_CASE(attach_may_fail),
	KUNIT_CASE(is_found),
	{},
};

struct kunit_suite siv_device_suite = {
	.name = "siv_device",
	.init = device_init,
	.exit = device_exit,
	.test_cases = siv_device_cases,
};
