// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose a channel is: in every state, whatever its owner, the peer, the host, the device
 * or the clock does gives the errno that is written here and leaves the state that is
 * written here; what is refused changes nothing and is one event, and the first cause of
 * an end stays.
 * What the peer has not read of a closed channel stays ten seconds, and no longer.
 */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>

#include "../core/reason.h"
#include "../event.h"
#include "fake_channel.h"
#include "suites.h"

/*
 * States, with the use that decides what an end leaves. A row of the table below has a
 * column for each.
 */
#define STATES(X)      \
	X(CONNECTING)  \
	X(OPEN)        \
	X(OPEN_RW)     \
	X(OPEN_MAP)    \
	X(CLOSING)     \
	X(CLOSING_RW)  \
	X(CLOSING_MAP) \
	X(RESET)       \
	X(RESET_RW)    \
	X(RESET_MAP)   \
	X(REVOKED)     \
	X(REVOKED_MAP) \
	X(BROKEN)      \
	X(FAILED)

/* Who does what. */
#define ACTS(X)              \
	X(owner_reads)       \
	X(owner_writes)      \
	X(owner_polls)       \
	X(owner_maps)        \
	X(owner_waits)       \
	X(owner_waits_write) \
	X(owner_rings)       \
	X(owner_shuts)       \
	X(owner_shuts_rd)    \
	X(owner_asks)        \
	X(owner_closes)      \
	X(peer_marks)        \
	X(peer_breaks)       \
	X(host_grants_a)     \
	X(host_grants_b)     \
	X(host_calls)        \
	X(host_answers)      \
	X(host_closes)       \
	X(host_resets)       \
	X(host_revokes)      \
	X(host_fails)        \
	X(host_ends_stream)  \
	X(key_is_revoked)    \
	X(device_sleeps)     \
	X(device_wakes)      \
	X(device_goes)       \
	X(date_passes)       \
	X(time_is_up)

#define ENUM_STATE(name) ST_##name,
enum {
	STATES(ENUM_STATE) ST_COUNT
};
#define ENUM_ACT(name) ACT_##name,
enum {
	ACTS(ENUM_ACT) ACT_COUNT
};

#define NAME(name) #name,
static const char *const state_names[] = { STATES(NAME) };
static const char *const act_names[] = { ACTS(NAME) };

/* What comes of it: the call's result, the state, and whether the memory is let go. */
struct cell {
	int ret;
	u32 state;
	bool gone;
};

/* clang-format off */
#define CN(r) { (r), SIVSHMEM_CONNECTING, false }
#define OP(r) { (r), SIVSHMEM_OPEN, false }
#define CL(r) { (r), SIVSHMEM_CLOSING, false }
#define KE(r) { (r), SIVSHMEM_ENDED, false } /* kept for who maps it */
#define GO(r) { (r), SIVSHMEM_ENDED, true }
/* clang-format on */

/* clang-format off */
/* As it was. */
#define STAYS { \
	CN(0), OP(0), OP(0), OP(0), CL(0), CL(0), CL(0), \
	GO(0), GO(0), KE(0), GO(0), GO(0), GO(0), GO(0), \
}
/* clang-format on */

#define HUP (EPOLLHUP | EPOLLIN | EPOLLRDNORM | EPOLLRDHUP)
#define OUT (EPOLLOUT | EPOLLWRNORM)
#define ERR (EPOLLERR | HUP)

static const struct cell table[ACT_COUNT][ST_COUNT] = {
	[ACT_owner_reads] = {
		CN(-EPERM),
		OP(-EAGAIN), OP(-EAGAIN), OP(-EBUSY),
		CL(0), CL(0), CL(-EBUSY),
		GO(-ECONNRESET), GO(-ECONNRESET), KE(-EBUSY),
		GO(-ECONNRESET), GO(-EBUSY), GO(-EPROTO), GO(-EPERM),
	},
	[ACT_owner_writes] = {
		CN(-EPERM),
		OP(4), OP(4), OP(-EBUSY),
		CL(-EPIPE), CL(-EPIPE), CL(-EBUSY),
		GO(-ECONNRESET), GO(-ECONNRESET), KE(-EBUSY),
		GO(-ECONNRESET), GO(-EBUSY), GO(-EPROTO), GO(-EPERM),
	},
	[ACT_owner_polls] = {
		CN(0),
		OP(OUT), OP(OUT), OP(OUT),
		CL(OUT | HUP), CL(OUT | HUP), CL(OUT | HUP),
		GO(HUP), GO(HUP), KE(HUP),
		GO(ERR), GO(ERR), GO(ERR), GO(ERR),
	},
	[ACT_owner_maps] = {
		CN(-EPERM),
		OP(0), OP(-EBUSY), OP(0),
		CL(0), CL(-EBUSY), CL(0),
		GO(-ECONNRESET), GO(-ECONNRESET), KE(0),
		GO(-ECONNRESET), GO(-ECONNRESET), GO(-EPROTO), GO(-EPERM),
	},
	[ACT_owner_waits] = {
		CN(-EPERM),
		OP(-EAGAIN), OP(-EBUSY), OP(-EAGAIN),
		CL(0), CL(-EBUSY), CL(0),
		GO(-ECONNRESET), GO(-EBUSY), KE(-ECONNRESET),
		GO(-ECONNRESET), GO(-ECONNRESET), GO(-EBUSY), GO(-EPERM),
	},
	[ACT_owner_waits_write] = {
		CN(-EPERM),
		OP(-EAGAIN), OP(-EBUSY), OP(-EAGAIN),
		CL(0), CL(-EBUSY), CL(0),
		GO(-ECONNRESET), GO(-EBUSY), KE(-ECONNRESET),
		GO(-ECONNRESET), GO(-ECONNRESET), GO(-EBUSY), GO(-EPERM),
	},
	[ACT_owner_rings] = {
		CN(-EPERM),
		OP(0), OP(-EINVAL), OP(0),
		CL(0), CL(-EINVAL), CL(0),
		GO(-ECONNRESET), GO(-EINVAL), KE(0),
		GO(-ECONNRESET), GO(-ECONNRESET), GO(-EINVAL), GO(-EPERM),
	},
	[ACT_owner_shuts] = {
		CN(-EPERM),
		OP(0), OP(0), OP(0),
		CL(0), CL(0), CL(0),
		GO(-ECONNRESET), GO(-ECONNRESET), KE(-ECONNRESET),
		GO(-ECONNRESET), GO(-ECONNRESET), GO(-EPROTO), GO(-EPERM),
	},
	[ACT_owner_shuts_rd] = {
		CN(-EPERM),
		OP(0), OP(0), OP(0),
		CL(0), CL(0), CL(0),
		GO(-ECONNRESET), GO(-ECONNRESET), KE(-ECONNRESET),
		GO(-ECONNRESET), GO(-ECONNRESET), GO(-EPROTO), GO(-EPERM),
	},
	[ACT_owner_asks] = {
		CN(0), OP(0), OP(0), OP(0), CL(0), CL(0), CL(0),
		GO(0), GO(0), KE(0), GO(0), GO(0), GO(0), GO(0),
	},
	[ACT_owner_closes] = {
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
	},
	/* seen by whoever reads next */
	[ACT_peer_marks] = {
		CN(-EPERM),
		OP(0), OP(0), OP(-EBUSY),
		CL(0), CL(0), CL(-EBUSY),
		GO(-ECONNRESET), GO(-ECONNRESET), KE(-EBUSY),
		GO(-ECONNRESET), GO(-EBUSY), GO(-EPROTO), GO(-EPERM),
	},
	[ACT_peer_breaks] = {
		CN(-EPERM),
		GO(-EPROTO), GO(-EPROTO), OP(-EBUSY),
		GO(-EPROTO), GO(-EPROTO), CL(-EBUSY),
		GO(-ECONNRESET), GO(-ECONNRESET), KE(-EBUSY),
		GO(-ECONNRESET), GO(-EBUSY), GO(-EPROTO), GO(-EPERM),
	},
	/* a grant was given already, or nobody waits for it any more */
	[ACT_host_grants_a] = STAYS,
	/* we are the other end */
	[ACT_host_grants_b] = STAYS,
	/* another channel's beginning, under the cid of this one */
	[ACT_host_calls] = STAYS,
	/* that is about a listener */
	[ACT_host_answers] = STAYS,
	[ACT_host_closes] = {
		GO(0), CL(0), CL(0), CL(0), CL(0), CL(0), CL(0),
		GO(0), GO(0), KE(0), GO(0), GO(0), GO(0), GO(0),
	},
	[ACT_host_resets] = {
		GO(0), GO(0), GO(0), KE(0), GO(0), GO(0), KE(0),
		GO(0), GO(0), KE(0), GO(0), GO(0), GO(0), GO(0),
	},
	[ACT_host_revokes] = {
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
	},
	/* an answer to CONNECT: nothing to a channel that is there */
	[ACT_host_fails] = {
		GO(0), OP(0), OP(0), OP(0), CL(0), CL(0), CL(0),
		GO(0), GO(0), KE(0), GO(0), GO(0), GO(0), GO(0),
	},
	/* there is none to end where nothing is sealed */
	[ACT_host_ends_stream] = {
		CN(0), OP(0), OP(0), OP(0), CL(0), CL(0), CL(0),
		GO(0), GO(0), KE(0), GO(0), GO(0), GO(0), GO(0),
	},
	[ACT_key_is_revoked] = {
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
	},
	[ACT_device_sleeps] = {
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
	},
	[ACT_device_wakes] = {
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
	},
	[ACT_device_goes] = {
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
	},
	/* the handshake judges dates itself */
	[ACT_date_passes] = {
		CN(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
		GO(0), GO(0), GO(0), GO(0), GO(0), GO(0), GO(0),
	},
	[ACT_time_is_up] = {
		GO(0), OP(0), OP(0), OP(0), CL(0), CL(0), CL(0),
		GO(0), GO(0), KE(0), GO(0), GO(0), GO(0), GO(0),
	},
};

/* ------------------------------------------------------------------------- acts */

static int reads(struct siv_fake_lab *lab)
{
	u8 buf[64];
	loff_t pos = 0;

	return kernel_read(lab->file, buf, sizeof(buf), &pos);
}

static int writes(struct siv_fake_lab *lab)
{
	loff_t pos = 0;

	return kernel_write(lab->file, "four", 4, &pos);
}

/* Is the page there? In its memory. */
static bool touches(unsigned long at)
{
	u8 byte;

	return !copy_from_user(&byte, (const void __user *)at, 1);
}

/* Where there is no user memory: what mmap() asks before a page is mapped. */
static int maps(struct siv_fake_lab *lab)
{
	unsigned long at;
	int err;

	if (!lab->mm) {
		if (!test_bit(SIV_CHANNEL_OPENED, &lab->ch->flags))
			return -EPERM;
		if (READ_ONCE(lab->ch->windows.gone))
			return siv_channel_errno(lab->ch);
		return siv_channel_claim(lab->ch, SIV_MODE_MAP);
	}
	kthread_use_mm(lab->mm);
	at = vm_mmap(lab->file, 0, lab->hw->dev->geo.granule,
		     PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	err = IS_ERR_VALUE(at) ? (int)at : 0;
	/* so that there is something to take away */
	if (!err && !touches(at))
		err = -EFAULT;
	if (!err && lab->at)
		vm_munmap(at, 1);
	kthread_unuse_mm(lab->mm);
	if (!err && !lab->at)
		lab->at = at;
	return err;
}

static int waits(struct siv_fake_lab *lab, u32 flags)
{
	struct sivshmem_wait w = { .size = sizeof(w),
				   .flags = flags,
				   .position = 8 };

	return siv_channel_wait_ioctl(lab->ch, &w);
}

static int asks(struct siv_fake_lab *lab)
{
	struct sivshmem_info info = { .size = sizeof(info) };

	siv_channel_info(lab->ch, &info);
	return info.state == READ_ONCE(lab->ch->state) &&
			       info.end_reason ==
				       -siv_reason_errno(lab->ch->why) ?
		       0 :
		       -EBADMSG;
}

static int breaks(struct siv_fake_lab *lab)
{
	siv_fake_lab_peer(lab)->prod = 3;
	return reads(lab);
}

static int marks(struct siv_fake_lab *lab)
{
	siv_end_set(siv_fake_lab_peer(lab), SIV_END_WR | SIV_END_RD);
	return reads(lab);
}

static void hears_close(struct siv_fake_lab *lab, enum siv_reason why)
{
	struct siv_close m = {
		.cid = cpu_to_le64(lab->ch->cid),
		.code = cpu_to_le32(siv_reason_code(why)),
	};

	siv_fake_lab_hear(lab, SIV_MSG_CLOSE, &m, sizeof(m));
}

static void hears_failed(struct siv_fake_lab *lab)
{
	struct siv_failed m = {
		.request = cpu_to_le64(lab->ch->request),
		.code = cpu_to_le32(siv_reason_code(SIV_R_POLICY)),
	};

	siv_fake_lab_hear(lab, SIV_MSG_FAILED, &m, sizeof(m));
}

static void hears_fin(struct siv_fake_lab *lab)
{
	struct siv_fin m = { .cid = cpu_to_le64(lab->ch->cid) };

	siv_fake_lab_hear(lab, SIV_MSG_FIN, &m, sizeof(m));
}

static void hears_grant_a(struct siv_fake_lab *lab)
{
	struct siv_grant_a m = {
		.request = cpu_to_le64(lab->ch->request),
		.cid = cpu_to_le64(lab->ch->cid),
	};

	siv_fake_lab_hear(lab, SIV_MSG_GRANT_A, &m, sizeof(m));
}

static void hears_grant_b(struct siv_fake_lab *lab)
{
	struct siv_grant_b m = {
		.common.cid = cpu_to_le64(lab->ch->cid),
	};

	siv_fake_lab_hear(lab, SIV_MSG_GRANT_B, &m, sizeof(m));
}

static void hears_incoming(struct siv_fake_lab *lab)
{
	struct siv_incoming m = { .cid = cpu_to_le64(lab->ch->cid) };

	siv_fake_lab_hear(lab, SIV_MSG_INCOMING, &m, sizeof(m));
}

static void hears_result(struct siv_fake_lab *lab)
{
	struct siv_result m = {
		.request = cpu_to_le64(lab->ch->request),
		.code = cpu_to_le32(siv_reason_code(SIV_R_POLICY)),
	};

	siv_fake_lab_hear(lab, SIV_MSG_RESULT, &m, sizeof(m));
}

static void timeout(struct siv_fake_lab *lab)
{
	siv_channel_get(lab->ch);
	siv_channel_timeout_work(&lab->ch->timeout.work);
}

static int act(struct siv_fake_lab *lab, unsigned int what)
{
	struct siv_host *host = &lab->talk->host;

	switch (what) {
	case ACT_owner_reads:
		return reads(lab);
	case ACT_owner_writes:
		return writes(lab);
	case ACT_owner_polls:
		return (__force int)vfs_poll(lab->file, NULL);
	case ACT_owner_maps:
		return maps(lab);
	case ACT_owner_waits:
		return waits(lab, SIVSHMEM_WAIT_READ);
	case ACT_owner_waits_write:
		return waits(lab, SIVSHMEM_WAIT_WRITE);
	case ACT_owner_rings:
		return siv_channel_ioctl(lab->file, SIVSHMEM_BELL, 0);
	case ACT_owner_shuts:
		return siv_channel_shutdown(lab->ch, SIV_END_WR, 0);
	case ACT_owner_shuts_rd:
		return siv_channel_shutdown(lab->ch, SIV_END_RD, 0);
	case ACT_owner_asks:
		return asks(lab);
	case ACT_owner_closes:
		siv_fake_lab_close(lab);
		return 0;
	case ACT_peer_marks:
		return marks(lab);
	case ACT_peer_breaks:
		return breaks(lab);
	case ACT_host_grants_a:
		hears_grant_a(lab);
		return 0;
	case ACT_host_grants_b:
		hears_grant_b(lab);
		return 0;
	case ACT_host_calls:
		hears_incoming(lab);
		return 0;
	case ACT_host_answers:
		hears_result(lab);
		return 0;
	case ACT_host_closes:
		hears_close(lab, SIV_OK);
		return 0;
	case ACT_host_resets:
		hears_close(lab, SIV_R_PEER_GONE);
		return 0;
	case ACT_host_revokes:
		hears_close(lab, SIV_R_REVOKED);
		return 0;
	case ACT_host_fails:
		hears_failed(lab);
		return 0;
	case ACT_host_ends_stream:
		hears_fin(lab);
		return 0;
	case ACT_key_is_revoked:
		siv_host_client->ended(&lab->talk->talk, SIV_R_KEY_REVOKED);
		return 0;
	case ACT_device_sleeps:
		siv_device_suspend(lab->hw->dev, SIV_R_EPOCH, true);
		return 0;
	case ACT_device_wakes:
		siv_device_suspend(lab->hw->dev, SIV_R_EPOCH, true);
		return siv_device_resume(lab->hw->dev);
	case ACT_device_goes:
		siv_device_quiesce(lab->hw->dev, SIV_R_DEVICE_GONE);
		return 0;
	case ACT_date_passes:
		siv_fake_time += 2 * 3600;
		siv_host_client->tick(host);
		return 0;
	case ACT_time_is_up:
		timeout(lab);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* ----------------------------------------------------------------------- states */

static void reach(struct siv_fake_lab *lab, unsigned int state)
{
	if (state == ST_FAILED)
		hears_failed(lab);
	if (state == ST_CONNECTING || state == ST_FAILED)
		return;
	siv_fake_lab_open(lab);
	if (state == ST_OPEN_RW || state == ST_CLOSING_RW ||
	    state == ST_RESET_RW || state == ST_BROKEN)
		reads(lab);
	if (state == ST_OPEN_MAP || state == ST_CLOSING_MAP ||
	    state == ST_RESET_MAP || state == ST_REVOKED_MAP)
		maps(lab);
	if (state == ST_CLOSING || state == ST_CLOSING_RW ||
	    state == ST_CLOSING_MAP)
		hears_close(lab, SIV_OK);
	if (state == ST_RESET || state == ST_RESET_RW || state == ST_RESET_MAP)
		hears_close(lab, SIV_R_PEER_GONE);
	if (state == ST_REVOKED || state == ST_REVOKED_MAP)
		hears_close(lab, SIV_R_REVOKED);
	if (state == ST_BROKEN)
		breaks(lab);
	siv_fake_lab_settle(lab);
}

/* Is the mapping that was made still there? */
static bool mapped(struct siv_fake_lab *lab)
{
	bool good;

	kthread_use_mm(lab->mm);
	good = touches(lab->at);
	kthread_unuse_mm(lab->mm);
	return good;
}

/* ------------------------------------------------------------------------ cells */

struct pick {
	unsigned int act;
	unsigned int state;
};

static struct pick picks[ACT_COUNT * ST_COUNT];

static int picks_fill(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(picks); i++)
		picks[i] = (struct pick){ i / ST_COUNT, i % ST_COUNT };
	return 0;
}

static void pick_name(struct pick *pick, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s in %s", act_names[pick->act],
		 state_names[pick->state]);
}

KUNIT_ARRAY_PARAM(pick, picks, pick_name);

static u64 refusals(void)
{
	enum siv_reason r;
	u64 n = 0;

	for (r = SIV_OK + 1; r < SIV_R_COUNT; r++)
		n += siv_event_count(r);
	return n;
}

/* Is it turned down, and not only over? Its end was the event then. */
static bool refused(const struct pick *pick, int ret)
{
	return ret == -EBUSY || ret == -EINVAL ||
	       (ret == -EPERM && pick->state == ST_CONNECTING);
}

static void cell(struct kunit *test)
{
	const struct pick *pick = test->param_value;
	const struct cell *want = &table[pick->act][pick->state];
	struct siv_fake_lab *lab = test->priv;
	struct siv_channel *ch = lab->ch;
	enum siv_reason why;
	unsigned int rung;
	int mode, ret;
	u64 events;

	reach(lab, pick->state);
	why = ch->why;
	mode = ch->mode;
	rung = lab->hw->rung;
	events = refusals();
	ret = act(lab, pick->act);
	siv_fake_lab_settle(lab);

	KUNIT_EXPECT_EQ(test, ret, want->ret);
	KUNIT_EXPECT_EQ(test, ch->state, want->state);
	KUNIT_EXPECT_EQ(test, ch->windows.gone, want->gone);
	if (lab->at)
		KUNIT_EXPECT_EQ(test, mapped(lab), !want->gone);
	if (why != SIV_OK)
		KUNIT_EXPECT_EQ(test, ch->why, why);
	if (pick->act < ACT_peer_marks &&
	    (lab->mm || pick->act != ACT_owner_maps))
		KUNIT_EXPECT_EQ(test, refusals(),
				events + refused(pick, want->ret));
	if (want->ret < 0 && want->ret != -EAGAIN && want->ret != -EPIPE &&
	    pick->act < ACT_peer_marks) {
		KUNIT_EXPECT_EQ(test, ch->mode, mode);
		KUNIT_EXPECT_EQ(test, lab->hw->rung, rung);
	}
}

/* A cell that nobody wrote is all zeros: an owner who may do it while CONNECTING. */
static void table_is_whole(struct kunit *test)
{
	unsigned int act, state;

	for (act = 0; act < ACT_COUNT; act++)
		for (state = 1; state < ST_COUNT; state++)
			KUNIT_EXPECT_NE_MSG(test, table[act][state].state,
					    SIVSHMEM_CONNECTING, "%s in %s",
					    act_names[act], state_names[state]);
}

/* Why there is no channel, for the event of whoever asked. */
static void none_is_made(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct siv_talk *talk = &lab->talk->talk;
	struct siv_channel *ch = NULL;

	KUNIT_EXPECT_EQ(test, siv_channel_alloc(talk, true, 0, 9, &ch),
			SIV_R_SUITE);
	talk->state = SIV_TALK_ENDED;
	talk->why = SIV_R_KEY_EXPIRED;
	KUNIT_EXPECT_EQ(test,
			siv_channel_alloc(talk, true, 0, SIV_SUITE_CHACHAPOLY,
					  &ch),
			SIV_R_KEY_EXPIRED);
	talk->host->leaving = SIV_R_DEVICE_GONE;
	KUNIT_EXPECT_EQ(test,
			siv_channel_alloc(talk, true, 0, SIV_SUITE_CHACHAPOLY,
					  &ch),
			SIV_R_DEVICE_GONE);
	KUNIT_EXPECT_NULL(test, ch);
	talk->host->leaving = SIV_OK;
	talk->state = SIV_TALK_LIVE;
}

/* ----------------------------------------------------------------------- linger */

enum {
	LINGER_MS = 10000,
	RECORD = 16, /* what a record of four bytes takes */
};

/* What the owner of a closed channel looks at now and then: now. */
static void look(struct siv_fake_lab *lab)
{
	/* twice: a look that had begun may have seen what was before */
	flush_delayed_work(&lab->ch->linger);
	flush_delayed_work(&lab->ch->linger);
	siv_fake_lab_settle(lab);
}

/* The owner writes a record and closes; the peer reads nothing. */
static void closes_unread(struct siv_fake_lab *lab)
{
	siv_fake_lab_open(lab);
	writes(lab);
	siv_fake_lab_close(lab);
}

/* All is there for the peer, and the host has not heard that the memory is free. */
static void is_kept(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	const struct siv_geometry *geo = &lab->hw->dev->geo;
	struct siv_side *own = lab->ch->tx.ring.own;
	struct siv_rx rx;
	u64 avail = 0;

	look(lab);
	KUNIT_EXPECT_EQ(test, lab->ch->state, SIVSHMEM_OPEN);
	KUNIT_EXPECT_FALSE(test, lab->ch->windows.gone);
	KUNIT_EXPECT_EQ(test, lab->talk->said, 0);
	siv_rx_init(&rx, siv_fake_lab_peer(lab), (struct siv_side __peer *)own,
		    geo->granule);
	KUNIT_EXPECT_EQ(test, siv_rx_avail(&rx, &avail), SIV_OK);
	KUNIT_EXPECT_EQ(test, avail, RECORD);
	KUNIT_EXPECT_EQ(test, memcmp(lab->ch->tx.base + sizeof(u64), "four", 4),
			0);
}

static void is_given_back(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	look(lab);
	KUNIT_EXPECT_EQ(test, lab->ch->state, SIVSHMEM_ENDED);
	KUNIT_EXPECT_EQ(test, lab->ch->why, SIV_R_PEER_CLOSED);
	KUNIT_EXPECT_TRUE(test, lab->ch->windows.gone);
	KUNIT_EXPECT_EQ(test, lab->talk->said, SIV_MSG_CLOSED);
	KUNIT_EXPECT_TRUE(test, list_empty(&lab->ch->link));
}

static void unread_stays_ten_seconds(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	closes_unread(lab);
	is_kept(test);
	siv_fake_ms += LINGER_MS - 1;
	is_kept(test);
	siv_fake_ms++;
	is_given_back(test);
}

static void what_was_read_is_given_back(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	closes_unread(lab);
	is_kept(test);
	siv_fake_lab_peer(lab)->cons = RECORD;
	is_given_back(test);
}

static void nobody_reads_any_more(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	closes_unread(lab);
	is_kept(test);
	siv_end_set(siv_fake_lab_peer(lab), SIV_END_RD);
	is_given_back(test);
}

/* By mapping a user may claim to have written what is never read. */
static void a_wrong_position_costs_ten_seconds(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	siv_fake_lab_open(lab);
	KUNIT_ASSERT_EQ(test, maps(lab), 0);
	lab->ch->tx.ring.own->prod = 3;
	siv_fake_lab_close(lab);
	siv_fake_ms += LINGER_MS - 1;
	look(lab);
	KUNIT_EXPECT_FALSE(test, lab->ch->windows.gone);
	siv_fake_ms++;
	is_given_back(test);
}

static int channel_init(struct kunit *test)
{
	test->priv = siv_fake_lab_make(test);
	return 0;
}

static void channel_exit(struct kunit *test)
{
	siv_fake_lab_free(test->priv);
}

static struct kunit_case siv_channel_cases[] = {
	KUNIT_CASE(table_is_whole),
	KUNIT_CASE_PARAM(cell, pick_gen_params),
	KUNIT_CASE(none_is_made),
	KUNIT_CASE(unread_stays_ten_seconds),
	KUNIT_CASE(what_was_read_is_given_back),
	KUNIT_CASE(nobody_reads_any_more),
	KUNIT_CASE(a_wrong_position_costs_ten_seconds),
	{},
};

struct kunit_suite siv_channel_suite = {
	.name = "siv_channel",
	.suite_init = picks_fill,
	.init = channel_init,
	.exit = channel_exit,
	.test_cases = siv_channel_cases,
};
