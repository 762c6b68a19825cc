// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whichever call of host.c, talk.c and hello.c fails for want of memory, a host or a talk
 * is not made and nothing of it stays, or a session comes later; an end is always said.
 */
#include "fake_host.h"
#include "fault.h"
#include "suites.h"

enum {
	ENOUGH = 50, /* calls that can fail, in one act */
};

static struct siv_fake_host *fix(struct kunit *test)
{
	return test->priv;
}

static void fault_exit(struct kunit *test)
{
	siv_fault_unwatch();
	siv_fake_host_exit(test);
}

/* The device comes again, with the @n-th call failing. Return: was there an n-th? */
static bool host_comes(struct kunit *test, unsigned int n, int *err)
{
	struct siv_fake_host *f = fix(test);
	bool failed;

	siv_fault_watch();
	siv_fault_arm(n);
	*err = siv_device_add(f->dev, false);
	failed = siv_fault_disarm();
	if (failed) {
		KUNIT_EXPECT_EQ_MSG(test, siv_fault_live(), 0, "call %u", n);
		KUNIT_EXPECT_NULL(test, f->dev->host);
		KUNIT_EXPECT_NULL(test, siv_host_of(f->dev));
	}
	return failed;
}

static void a_host(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	unsigned int n;
	int err;

	siv_device_del(f->dev);
	/* for the header's certificate, then the host, four buffers and its workqueue */
	for (n = 1; n < ENOUGH && host_comes(test, n, &err); n++)
		KUNIT_EXPECT_EQ_MSG(test, err, n == 1 ? -ENODEV : -ENOMEM,
				    "call %u", n);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, n - 1, 7);
	f->life = f->dev->host;
	siv_fake_host_live(test, 0);
	siv_fake_host_leave(f, 0);
	siv_device_del(f->dev);
	/* the transforms of the host's own end are no business of the driver's */
	KUNIT_EXPECT_EQ(test, siv_fault_live(), ARRAY_SIZE(f->end[0]->t));
	KUNIT_EXPECT_EQ(test, siv_device_add(f->dev, false), 0);
}

static void the_workqueues(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	unsigned int n;
	int err = 0;

	siv_device_del(f->dev);
	siv_host_exit();
	siv_fault_watch();
	for (n = 1; n < ENOUGH; n++) {
		siv_fault_arm(n);
		err = siv_host_init();
		if (!siv_fault_disarm())
			break;
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_EQ(test, siv_fault_live(), 0);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, n - 1, 2);
	KUNIT_EXPECT_EQ(test, siv_device_add(f->dev, false), 0);
}

static void a_talk(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_user *u = &f->user[0];
	struct siv_talk *talk;

	siv_fault_watch();
	siv_fault_arm(1);
	talk = siv_talk_use(f->life, u->id, u->cert);
	KUNIT_EXPECT_TRUE(test, siv_fault_disarm());
	KUNIT_EXPECT_EQ(test, PTR_ERR(talk), -ENOMEM);
	KUNIT_EXPECT_EQ(test, siv_fault_live(), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->life->talks));
	siv_fault_arm(2);
	siv_fake_host_talk(test, 0);
	KUNIT_EXPECT_FALSE(test, siv_fault_disarm());
}

static void a_message(struct kunit *test)
{
	struct siv_established some = { .cid = cpu_to_le64(1) };
	struct siv_close end = { .cid = cpu_to_le64(2) };
	struct siv_failed no = { .cid = cpu_to_le64(3),
				 .code = cpu_to_le32(1) };
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = siv_fake_host_live(test, 0);
	struct siv_talk *talk = f->user[0].talk;

	siv_fault_watch();
	siv_fault_arm(1);
	KUNIT_EXPECT_EQ(test,
			siv_talk_say(talk, SIV_MSG_ESTABLISHED, &some,
				     sizeof(some)),
			-ENOMEM);
	KUNIT_EXPECT_TRUE(test, siv_fault_disarm());
	/* nobody could be told that these were not said */
	siv_fault_arm(1);
	KUNIT_EXPECT_EQ(
		test, siv_talk_say(talk, SIV_MSG_CLOSED, &end, sizeof(end)), 0);
	KUNIT_EXPECT_EQ(test,
			siv_talk_say(talk, SIV_MSG_FAILED, &no, sizeof(no)), 0);
	KUNIT_EXPECT_FALSE(test, siv_fault_disarm());
	siv_fake_host_run(f, 400);
	KUNIT_EXPECT_EQ(test, e->heard.count, 2);
	KUNIT_EXPECT_EQ(test, e->heard.type[0], SIV_MSG_CLOSED);
	KUNIT_EXPECT_EQ(test, e->heard.type[1], SIV_MSG_FAILED);
	KUNIT_EXPECT_EQ(test, siv_fault_live(), 0);
}

/* The @n-th call of a handshake's beginning fails: the session comes all the same. */
static bool session_comes(struct kunit *test, unsigned int n)
{
	struct siv_fake_host *f = fix(test);
	unsigned int live = f->live;
	struct siv_talk *talk = siv_fake_host_talk(test, 0);
	bool failed;

	/* the verdict on the host's certificate is to be asked for again */
	f->life->host_anchor = 0;
	f->deaf = true;
	siv_fault_arm(n);
	siv_fake_host_run(f, 10);
	failed = siv_fault_disarm();
	KUNIT_EXPECT_EQ_MSG(test, talk->state, SIV_TALK_NEW, "call %u", n);
	f->deaf = false;
	siv_fake_host_run(f, 100);
	KUNIT_EXPECT_EQ_MSG(test, talk->state, SIV_TALK_LIVE, "call %u", n);
	KUNIT_EXPECT_EQ(test, f->live, live + 1);
	siv_talk_end(talk, SIV_R_POLICY);
	siv_fake_host_settle(f);
	siv_fake_host_leave(f, 0);
	return failed;
}

static void a_session(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	unsigned int n = 0;

	while (++n < ENOUGH && session_comes(test, n))
		KUNIT_EXPECT_EQ(test, f->ended, n);
	/* the certificate, the anchor's name twice, and a session with three transforms */
	KUNIT_EXPECT_GE(test, n - 1, 5);
	KUNIT_EXPECT_LT(test, n, ENOUGH);
	kunit_info(test, "session: %u calls", n - 1);
}

static struct kunit_case siv_fault_talk_cases[] = {
	KUNIT_CASE(a_host),    KUNIT_CASE(the_workqueues), KUNIT_CASE(a_talk),
	KUNIT_CASE(a_message), KUNIT_CASE(a_session),	   {},
};

struct kunit_suite siv_fault_talk_suite = {
	.name = "siv_fault_talk",
	.suite_init = siv_suite_keys_init,
	.suite_exit = siv_suite_keys_exit,
	.init = siv_fake_host_init,
	.exit = fault_exit,
	.test_cases = siv_fault_talk_cases,
};
