// SPDX-License-Identifier: GPL-2.0-only
/*
 * A listener listens once the host has said yes to this very LISTEN, and is gone from the
 * table after a no, after no answer, and with its file, its talk or its device; the host
 * hears UNLISTEN of what it may still think is there. What is queued and not accepted ends
 * with it, and what ends by itself leaves the queue.
 */
#include <kunit/test.h>
#include <linux/file.h>

#include "../event.h"
#include "../listener.h"
#include "acts.h"
#include "suites.h"

enum {
	TIMEOUT_MS = 20,
};

static void answers(struct siv_talk *talk, u64 request, enum siv_reason r)
{
	struct siv_result m = {
		.request = cpu_to_le64(request),
		.code = cpu_to_le32(r ? siv_reason_code(r) : 0),
	};
	struct siv_span span = { (const u8 *)&m, sizeof(m) };

	siv_host_client->message(talk, SIV_MSG_RESULT, span);
}

static u64 request_of(const void *body)
{
	return le64_to_cpu(((const struct siv_listen *)body)->request);
}

static void yes(struct siv_talk *talk, u16 type, const void *body)
{
	if (type == SIV_MSG_LISTEN)
		answers(talk, request_of(body), SIV_OK);
}

static void no(struct siv_talk *talk, u16 type, const void *body)
{
	if (type == SIV_MSG_LISTEN)
		answers(talk, request_of(body), SIV_R_POLICY);
}

static void yes_to_another(struct siv_talk *talk, u16 type, const void *body)
{
	if (type == SIV_MSG_LISTEN)
		answers(talk, request_of(body) + 1, SIV_OK);
}

static struct file *listens(struct siv_fake_lab *lab)
{
	const struct sivshmem_listen ask = { .backlog = 2 };
	struct file *file;

	file = siv_listener_new(&lab->talk->talk, &ask, NULL, TIMEOUT_MS);
	/* that of one that came to nothing is closed now */
	flush_delayed_fput();
	return file;
}

static void closes(struct siv_fake_lab *lab, struct file *file)
{
	fput(file);
	flush_delayed_fput();
	siv_fake_lab_settle(lab);
}

static bool none_listens(struct siv_fake_lab *lab)
{
	return list_empty(&lab->talk->host.listeners);
}

/* With a yes; to be closed by the test. */
static struct file *one_listens(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct file *file;

	lab->talk->answer = yes;
	file = listens(lab);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	lab->talk->says = 0;
	return file;
}

/* A channel that is open, in its queue; the caller has a reference. */
static struct siv_channel *one_waits(struct kunit *test, struct file *file)
{
	struct siv_fake_lab *lab = test->priv;
	struct siv_listener *l = file->private_data;
	struct siv_channel *ch;

	KUNIT_ASSERT_EQ(test,
			siv_channel_alloc(&lab->talk->talk, false,
					  SIVSHMEM_NO_NODE,
					  SIV_SUITE_CHACHAPOLY, &ch),
			SIV_OK);
	mutex_lock(&lab->talk->host.lock);
	kref_get(&l->ref);
	ch->listener = l;
	l->waiting++;
	mutex_unlock(&lab->talk->host.lock);
	ch->cid = 9;
	set_bit(SIV_CHANNEL_OPENED, &ch->flags);
	WRITE_ONCE(ch->state, SIVSHMEM_OPEN);
	KUNIT_EXPECT_TRUE(test, siv_listener_queue(ch));
	return ch;
}

/* A plain number, for KUnit's comparisons. */
static unsigned int polls(struct file *file)
{
	return (__force unsigned int)vfs_poll(file, NULL);
}

#define READY ((__force unsigned int)(EPOLLIN | EPOLLRDNORM))
#define OVER ((__force unsigned int)(EPOLLERR | EPOLLHUP))

static void the_host_says_yes(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct siv_listener *l;
	struct file *file;

	lab->talk->answer = yes;
	file = listens(lab);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	l = file->private_data;
	KUNIT_EXPECT_EQ(test, l->state, SIV_LISTENER_OPEN);
	KUNIT_EXPECT_EQ(test, lab->talk->says, BIT(SIV_MSG_LISTEN));
	KUNIT_EXPECT_FALSE(test, none_listens(lab));
	KUNIT_EXPECT_EQ(test, polls(file), 0);
	closes(lab, file);
	KUNIT_EXPECT_EQ(test, lab->talk->said, SIV_MSG_UNLISTEN);
	KUNIT_EXPECT_TRUE(test, none_listens(lab));
}

static void the_host_says_no(struct kunit *test)
{
	u64 before = siv_event_count(SIV_R_POLICY);
	struct siv_fake_lab *lab = test->priv;

	lab->talk->answer = no;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(listens(lab)), -EPERM);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_POLICY), before + 1);
	KUNIT_EXPECT_TRUE(test, none_listens(lab));
}

/* Nothing, or about another: the host hears that nobody listens any more. */
static void no_answer(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(listens(lab)), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, lab->talk->said, SIV_MSG_UNLISTEN);
	KUNIT_EXPECT_TRUE(test, none_listens(lab));
	lab->talk->answer = yes_to_another;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(listens(lab)), -ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, none_listens(lab));
}

/* Also after its yes: the host may change its mind. */
static void a_no_later(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct file *file = one_listens(test);
	struct siv_listener *l = file->private_data;

	answers(&lab->talk->talk, l->request + 1, SIV_R_POLICY);
	KUNIT_EXPECT_EQ(test, polls(file), 0);
	answers(&lab->talk->talk, l->request, SIV_R_POLICY);
	KUNIT_EXPECT_EQ(test, polls(file), OVER);
	KUNIT_EXPECT_EQ(test, l->why, SIV_R_POLICY);
	KUNIT_EXPECT_TRUE(test, none_listens(lab));
	closes(lab, file);
	KUNIT_EXPECT_EQ(test, lab->talk->says, 0);
}

static void one_of_an_identity(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct file *file = one_listens(test);

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(listens(lab)), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, lab->talk->says, 0);
	KUNIT_EXPECT_EQ(test, polls(file), 0);
	closes(lab, file);
	file = listens(lab);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	closes(lab, file);
}

/* Why not, and nothing is said. */
static void none_is_made(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct siv_talk *talk = &lab->talk->talk;

	lab->talk->answer = yes;
	talk->queued = SIV_TALK_QUEUE_MAX;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(listens(lab)),
			siv_reason_errno(SIV_R_RATE));
	talk->queued = 0;
	talk->state = SIV_TALK_ENDED;
	talk->why = SIV_R_KEY_EXPIRED;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(listens(lab)), -EKEYEXPIRED);
	talk->state = SIV_TALK_LIVE;
	talk->host->ended = SIV_R_DEVICE_GONE;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(listens(lab)), -ENODEV);
	talk->host->ended = SIV_OK;
	KUNIT_EXPECT_EQ(test, lab->talk->says, 0);
	KUNIT_EXPECT_TRUE(test, none_listens(lab));
}

static void a_new_session_hears_of_it(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct file *file = one_listens(test);

	siv_host_client->live(&lab->talk->talk);
	KUNIT_EXPECT_EQ(test, lab->talk->says, BIT(SIV_MSG_LISTEN));
	KUNIT_EXPECT_EQ(test, polls(file), 0);
	closes(lab, file);
}

/* Nobody will accept it: it is refused, and its memory given back. */
static void what_waits_ends_with_it(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct file *file = one_listens(test);
	struct siv_channel *ch = one_waits(test, file);

	KUNIT_EXPECT_EQ(test, polls(file), READY);
	closes(lab, file);
	KUNIT_EXPECT_EQ(test, ch->state, SIVSHMEM_ENDED);
	KUNIT_EXPECT_EQ(test, ch->why, SIV_R_NO_LISTENER);
	KUNIT_EXPECT_NULL(test, ch->listener);
	KUNIT_EXPECT_TRUE(test, list_empty(&ch->link));
	KUNIT_EXPECT_EQ(test, lab->talk->says,
			BIT(SIV_MSG_UNLISTEN) | BIT(SIV_MSG_CLOSE) |
				BIT(SIV_MSG_CLOSED));
	siv_channel_put(ch);
}

static void what_ends_waits_no_more(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct file *file = one_listens(test);
	struct siv_channel *ch = one_waits(test, file);
	struct siv_listener *l = file->private_data;

	siv_channel_end(ch, SIV_R_REVOKED, true);
	siv_fake_lab_settle(lab);
	KUNIT_EXPECT_EQ(test, polls(file), 0);
	KUNIT_EXPECT_EQ(test, l->waiting, 0);
	KUNIT_EXPECT_EQ(test, l->state, SIV_LISTENER_OPEN);
	KUNIT_EXPECT_NULL(test, ch->listener);
	siv_channel_put(ch);
	closes(lab, file);
}

/* With its talk; what is there may be looked at, and nothing comes any more. */
static void it_ends_with_its_talk(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct file *file = one_listens(test);
	struct siv_channel *ch = one_waits(test, file);

	siv_host_client->ended(&lab->talk->talk, SIV_R_KEY_REVOKED);
	siv_fake_lab_settle(lab);
	KUNIT_EXPECT_EQ(test, polls(file), OVER);
	KUNIT_EXPECT_EQ(test, ch->state, SIVSHMEM_ENDED);
	KUNIT_EXPECT_EQ(test, ch->why, SIV_R_KEY_REVOKED);
	KUNIT_EXPECT_FALSE(test, siv_listener_queue(ch));
	KUNIT_EXPECT_TRUE(test, none_listens(lab));
	siv_channel_put(ch);
	lab->talk->says = 0;
	closes(lab, file);
	KUNIT_EXPECT_EQ(test, lab->talk->says, 0);
}

static int listener_init(struct kunit *test)
{
	test->priv = siv_fake_lab_make(test);
	return 0;
}

static void listener_exit(struct kunit *test)
{
	siv_fake_lab_free(test->priv);
}

static struct kunit_case siv_listener_cases[] = {
	KUNIT_CASE(the_host_says_yes),
	KUNIT_CASE(the_host_says_no),
	KUNIT_CASE(no_answer),
	KUNIT_CASE(a_no_later),
	KUNIT_CASE(one_of_an_identity),
	KUNIT_CASE(none_is_made),
	KUNIT_CASE(a_new_session_hears_of_it),
	KUNIT_CASE(what_waits_ends_with_it),
	KUNIT_CASE(what_ends_waits_no_more),
	KUNIT_CASE(it_ends_with_its_talk),
	{},
};

struct kunit_suite siv_listener_suite = {
	.name = "siv_listener",
	.init = listener_init,
	.exit = listener_exit,
	.test_cases = siv_listener_cases,
};
