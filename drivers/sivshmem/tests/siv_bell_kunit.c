// SPDX-License-Identifier: GPL-2.0-only
/*
 * host.c's doorbells: a vector is armed while somebody hears it and only then, each hears
 * its own, and as long as anybody sleeps, and no longer, memory is looked at again for
 * bells that were lost.
 */
#include "fake_host.h"
#include "clock.h"
#include "suites.h"

#include <linux/rcupdate.h>

enum {
	VECTOR = 2,
	FALLBACK_MS = 100,
};

/* Somebody who hears a vector. */
struct hearer {
	struct siv_bell bell;
	unsigned int rings;
	unsigned int looks;
	unsigned int sleeps; /* looks after which it still sleeps */
	bool in_rcu;	     /* each time */
};

static struct siv_fake_host *fix(struct kunit *test)
{
	return test->priv;
}

static void hearer_ring(struct siv_bell *bell)
{
	struct hearer *h = container_of(bell, struct hearer, bell);

	h->rings++;
	h->in_rcu = h->in_rcu && rcu_read_lock_held();
}

static bool hearer_recheck(struct siv_bell *bell)
{
	struct hearer *h = container_of(bell, struct hearer, bell);

	h->looks++;
	h->in_rcu = h->in_rcu && rcu_read_lock_held();
	return h->looks <= h->sleeps;
}

static struct hearer *hearer(struct kunit *test, unsigned int vector)
{
	struct hearer *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	h->bell.vector = vector;
	h->bell.ring = hearer_ring;
	h->bell.recheck = hearer_recheck;
	h->in_rcu = true;
	return h;
}

static struct hearer *added(struct kunit *test, unsigned int vector)
{
	struct hearer *h = hearer(test, vector);

	KUNIT_ASSERT_EQ(test, siv_host_bell_add(fix(test)->life, &h->bell), 0);
	return h;
}

static void gone(struct siv_fake_host *f, struct hearer *h)
{
	siv_host_bell_del(f->life, &h->bell);
	synchronize_rcu();
}

static void vectors_that_may_be_heard(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	static const unsigned int bad[] = { SIV_VECTOR_HOST, SIV_FAKE_VECTORS,
					    SIV_VECTORS_MAX, U32_MAX };
	struct hearer *h = hearer(test, VECTOR);
	unsigned int i, sets = f->hw->sets;

	/* none before the host has said so */
	KUNIT_EXPECT_EQ(test, siv_host_bell_add(f->life, &h->bell), -EINVAL);
	KUNIT_EXPECT_EQ(test, f->hw->sets, sets);
	siv_fake_host_live(test, 0);
	sets = f->hw->sets;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		h->bell.vector = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, siv_host_bell_add(f->life, &h->bell),
				    -EINVAL, "%u", bad[i]);
	}
	KUNIT_EXPECT_EQ(test, f->hw->sets, sets);
	for (i = 1; i < SIV_FAKE_VECTORS; i++) {
		h->bell.vector = i;
		KUNIT_EXPECT_EQ(test, siv_host_bell_add(f->life, &h->bell), 0);
		gone(f, h);
	}
}

static void armed_while_heard(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct hearer *a, *b, *c;
	unsigned int sets;

	siv_fake_host_live(test, 0);
	KUNIT_EXPECT_EQ(test, f->hw->state[VECTOR], SIV_VECTOR_PARKED);
	sets = f->hw->sets;
	a = added(test, VECTOR);
	KUNIT_EXPECT_EQ(test, f->hw->state[VECTOR], SIV_VECTOR_ARMED);
	b = added(test, VECTOR);
	c = added(test, VECTOR + 1);
	/* once each: who was throttled is not armed again by another's coming */
	KUNIT_EXPECT_EQ(test, f->hw->sets, sets + 2);
	gone(f, a);
	KUNIT_EXPECT_EQ(test, f->hw->state[VECTOR], SIV_VECTOR_ARMED);
	gone(f, b);
	KUNIT_EXPECT_EQ(test, f->hw->state[VECTOR], SIV_VECTOR_PARKED);
	KUNIT_EXPECT_EQ(test, f->hw->state[VECTOR + 1], SIV_VECTOR_ARMED);
	KUNIT_EXPECT_EQ(test, f->hw->state[SIV_VECTOR_HOST], SIV_VECTOR_ARMED);
	gone(f, c);
	KUNIT_EXPECT_EQ(test, f->hw->state[VECTOR + 1], SIV_VECTOR_PARKED);
}

static void each_hears_its_own(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct hearer *a, *b, *c;

	siv_fake_host_live(test, 0);
	a = added(test, VECTOR);
	b = added(test, VECTOR);
	c = added(test, VECTOR + 1);
	siv_fake_host_ring(f, VECTOR);
	siv_fake_host_ring(f, VECTOR);
	KUNIT_EXPECT_EQ(test, a->rings, 2);
	KUNIT_EXPECT_EQ(test, b->rings, 2);
	KUNIT_EXPECT_EQ(test, c->rings, 0);
	siv_fake_host_ring(f, SIV_VECTOR_HOST);
	siv_fake_host_ring(f, 1);
	siv_fake_host_ring(f, VECTOR + 1);
	KUNIT_EXPECT_EQ(test, a->rings, 2);
	KUNIT_EXPECT_EQ(test, c->rings, 1);
	KUNIT_EXPECT_TRUE(test, a->in_rcu);
	gone(f, a);
	siv_fake_host_ring(f, VECTOR);
	KUNIT_EXPECT_EQ(test, a->rings, 2);
	KUNIT_EXPECT_EQ(test, b->rings, 3);
	/* the device is gone, and so are its bells */
	siv_device_quiesce(f->dev, SIV_R_DEVICE_GONE);
	siv_fake_host_ring(f, VECTOR);
	KUNIT_EXPECT_EQ(test, b->rings, 3);
	gone(f, b);
	gone(f, c);
}

/* What is left of a life does not park what the next one has armed. */
static void old_life_leaves_vectors_alone(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_host *old = f->life;
	struct hearer *a, *b;

	siv_fake_host_live(test, 0);
	siv_host_get(old);
	a = added(test, VECTOR);
	siv_device_suspend(f->dev, SIV_R_EPOCH, true);
	KUNIT_EXPECT_EQ(test, f->hw->state[VECTOR], SIV_VECTOR_PARKED);
	KUNIT_ASSERT_EQ(test, siv_device_resume(f->dev), 0);
	siv_fake_host_leave(f, 0);
	f->life = f->dev->host;
	siv_fake_host_live(test, 0);
	b = added(test, VECTOR);
	KUNIT_EXPECT_EQ(test, f->hw->state[VECTOR], SIV_VECTOR_ARMED);
	siv_host_bell_del(old, &a->bell);
	KUNIT_EXPECT_EQ(test, f->hw->state[VECTOR], SIV_VECTOR_ARMED);
	gone(f, b);
	KUNIT_EXPECT_EQ(test, f->hw->state[VECTOR], SIV_VECTOR_PARKED);
	siv_host_put(old);
}

/* ------------------------------------------------------------------- the re-check */

static void looked_at_while_one_sleeps(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct hearer *a, *b;

	siv_fake_host_live(test, 0);
	a = added(test, VECTOR);
	b = added(test, VECTOR + 1);
	a->sleeps = 3;
	siv_fake_host_run(f, 1000);
	KUNIT_EXPECT_EQ(test, a->looks, 0);
	siv_host_fallback(f->life);
	siv_host_fallback(f->life);
	siv_fake_host_run(f, FALLBACK_MS - 20);
	KUNIT_EXPECT_EQ(test, a->looks, 0);
	siv_fake_host_run(f, 40);
	KUNIT_EXPECT_EQ(test, a->looks, 1);
	/* everybody is asked, whoever it is that sleeps */
	KUNIT_EXPECT_EQ(test, b->looks, 1);
	siv_fake_host_run(f, 2 * FALLBACK_MS);
	KUNIT_EXPECT_EQ(test, a->looks, 3);
	siv_fake_host_run(f, 50 * FALLBACK_MS);
	KUNIT_EXPECT_EQ(test, a->looks, 4);
	KUNIT_EXPECT_EQ(test, b->looks, 4);
	KUNIT_EXPECT_TRUE(test, a->in_rcu && b->in_rcu);
	/* and again when somebody else falls asleep */
	siv_host_fallback(f->life);
	siv_fake_host_run(f, 50 * FALLBACK_MS);
	KUNIT_EXPECT_EQ(test, a->looks, 5);
	gone(f, a);
	gone(f, b);
}

/* Who waits for the host waits for its records: those are looked for as well. */
static void records_are_looked_for(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = siv_fake_host_live(test, 0);
	unsigned int asked;

	/* just after a tick, which looks for them too */
	siv_fake_host_run(f, 480);
	KUNIT_ASSERT_EQ(test, f->ticks, 1);
	f->mute = true;
	f->waits = true;
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_say(e, 0), SIV_OK);
	KUNIT_ASSERT_GE(test, siv_fake_host_posts(f), 1);
	siv_host_fallback(f->life);
	siv_fake_host_run(f, FALLBACK_MS + 50);
	KUNIT_EXPECT_EQ(test, f->said.count, 1);
	siv_fake_host_run(f, 10 * FALLBACK_MS);
	KUNIT_EXPECT_GE(test, f->asked, 10);
	f->waits = false;
	siv_fake_host_run(f, 2 * FALLBACK_MS);
	asked = f->asked;
	siv_fake_host_run(f, 20 * FALLBACK_MS);
	KUNIT_EXPECT_EQ(test, f->asked, asked);
}

static void never_looked_at(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	unsigned int ms = siv_fallback_ms;
	struct hearer *a;

	siv_fake_host_live(test, 0);
	a = added(test, VECTOR);
	a->sleeps = U32_MAX;
	siv_fallback_ms = 0;
	siv_host_fallback(f->life);
	siv_fallback_ms = ms;
	siv_fake_host_run(f, 10 * FALLBACK_MS);
	KUNIT_EXPECT_EQ(test, a->looks, 0);

	/* asked for in time, but then the device went */
	siv_host_fallback(f->life);
	siv_fake_host_run(f, FALLBACK_MS + 20);
	KUNIT_EXPECT_EQ(test, a->looks, 1);
	siv_device_quiesce(f->dev, SIV_R_DEVICE_GONE);
	siv_fake_host_run(f, 10 * FALLBACK_MS);
	KUNIT_EXPECT_EQ(test, a->looks, 1);
	siv_host_fallback(f->life);
	siv_fake_host_run(f, 10 * FALLBACK_MS);
	KUNIT_EXPECT_EQ(test, a->looks, 1);
	gone(f, a);
}

static struct kunit_case siv_bell_cases[] = {
	KUNIT_CASE(vectors_that_may_be_heard),
	KUNIT_CASE(armed_while_heard),
	KUNIT_CASE(each_hears_its_own),
	KUNIT_CASE(old_life_leaves_vectors_alone),
	KUNIT_CASE(looked_at_while_one_sleeps),
	KUNIT_CASE(records_are_looked_for),
	KUNIT_CASE(never_looked_at),
	{},
};

struct kunit_suite siv_bell_suite = {
	.name = "siv_bell",
	.suite_init = siv_suite_keys_init,
	.suite_exit = siv_suite_keys_exit,
	.init = siv_fake_host_init,
	.exit = siv_fake_host_exit,
	.test_cases = siv_bell_cases,
};
