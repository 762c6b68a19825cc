// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose a channel is: in every state, whatever its owner, the peer, the host, the device
 * or the clock does gives the errno that is written here and leaves the state that is
 * written here; what is refused changes nothing and is one event, and the first cause of
 * an end stays.
 */
#include <kunit/test.h>
#include <linux/fs.h>

#include "../core/reason.h"
#include "../event.h"
#include "acts.h"
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
/* A message out of place: EPROTO, unless it has only crossed the end. */
#define MISPLACED { \
	GO(0), GO(0), GO(0), KE(0), CL(0), CL(0), CL(0), \
	GO(0), GO(0), KE(0), GO(0), GO(0), GO(0), GO(0), \
}
/* clang-format on */

/* A cell has an errno or what poll() says. */
#define SAYS(events) ((__force int)(events))
#define HUP SAYS(EPOLLHUP | EPOLLIN | EPOLLRDNORM | EPOLLRDHUP)
#define OUT SAYS(EPOLLOUT | EPOLLWRNORM)
#define ERR (SAYS(EPOLLERR) | HUP)

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
	/* it was given already */
	[ACT_host_grants_a] = MISPLACED,
	/* we are the other end */
	[ACT_host_grants_b] = MISPLACED,
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
	/* an answer to CONNECT, not to a grant */
	[ACT_host_fails] = MISPLACED,
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

static int act(struct siv_fake_lab *lab, unsigned int what)
{
	struct siv_host *host = &lab->talk->host;

	switch (what) {
	case ACT_owner_reads:
		return siv_act_reads(lab);
	case ACT_owner_writes:
		return siv_act_writes(lab);
	case ACT_owner_polls:
		return (__force int)vfs_poll(lab->file, NULL);
	case ACT_owner_maps:
		return siv_act_maps(lab);
	case ACT_owner_waits:
		return siv_act_waits(lab, SIVSHMEM_WAIT_READ);
	case ACT_owner_waits_write:
		return siv_act_waits(lab, SIVSHMEM_WAIT_WRITE);
	case ACT_owner_rings:
		return siv_channel_ioctl(lab->file, SIVSHMEM_BELL, 0);
	case ACT_owner_shuts:
		return siv_channel_shutdown(lab->ch, SIV_END_WR, 0);
	case ACT_owner_shuts_rd:
		return siv_channel_shutdown(lab->ch, SIV_END_RD, 0);
	case ACT_owner_asks:
		return siv_act_asks(lab);
	case ACT_owner_closes:
		siv_fake_lab_close(lab);
		return 0;
	case ACT_peer_marks:
		return siv_act_marks(lab);
	case ACT_peer_breaks:
		return siv_act_breaks(lab);
	case ACT_host_grants_a:
		siv_act_hears_grant_a(lab);
		return 0;
	case ACT_host_grants_b:
		siv_act_hears_grant_b(lab);
		return 0;
	case ACT_host_calls:
		siv_act_hears_incoming(lab);
		return 0;
	case ACT_host_answers:
		siv_act_hears_result(lab);
		return 0;
	case ACT_host_closes:
		siv_act_hears_close(lab, SIV_OK);
		return 0;
	case ACT_host_resets:
		siv_act_hears_close(lab, SIV_R_PEER_GONE);
		return 0;
	case ACT_host_revokes:
		siv_act_hears_close(lab, SIV_R_REVOKED);
		return 0;
	case ACT_host_fails:
		siv_act_hears_failed(lab);
		return 0;
	case ACT_host_ends_stream:
		siv_act_hears_fin(lab);
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
		siv_act_times_out(lab);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* ----------------------------------------------------------------------- states */

static void reach(struct siv_fake_lab *lab, unsigned int state)
{
	if (state == ST_FAILED)
		siv_act_hears_failed(lab);
	if (state == ST_CONNECTING || state == ST_FAILED)
		return;
	siv_fake_lab_open(lab);
	if (state == ST_OPEN_RW || state == ST_CLOSING_RW ||
	    state == ST_RESET_RW || state == ST_BROKEN)
		siv_act_reads(lab);
	if (state == ST_OPEN_MAP || state == ST_CLOSING_MAP ||
	    state == ST_RESET_MAP || state == ST_REVOKED_MAP)
		siv_act_maps(lab);
	if (state == ST_CLOSING || state == ST_CLOSING_RW ||
	    state == ST_CLOSING_MAP)
		siv_act_hears_close(lab, SIV_OK);
	if (state == ST_RESET || state == ST_RESET_RW || state == ST_RESET_MAP)
		siv_act_hears_close(lab, SIV_R_PEER_GONE);
	if (state == ST_REVOKED || state == ST_REVOKED_MAP)
		siv_act_hears_close(lab, SIV_R_REVOKED);
	if (state == ST_BROKEN)
		siv_act_breaks(lab);
	siv_fake_lab_settle(lab);
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
		KUNIT_EXPECT_EQ(test, siv_act_mapped(lab), !want->gone);
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

/* What only a mapping needs is refused, and decides nothing. */
static void sealed_is_never_mapped(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	u64 before = siv_event_count(SIV_R_UNSUPPORTED);

	siv_fake_lab_seal(test, lab);
	KUNIT_EXPECT_EQ(test, siv_act_waits(lab, SIVSHMEM_WAIT_READ),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, siv_act_waits(lab, SIVSHMEM_WAIT_WRITE),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, siv_channel_ioctl(lab->file, SIVSHMEM_BELL, 0),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_UNSUPPORTED), before + 3);
	KUNIT_EXPECT_EQ(test, lab->hw->rung, 0);
	KUNIT_EXPECT_EQ(test, lab->ch->mode, SIV_MODE_NONE);
	KUNIT_EXPECT_EQ(test, siv_act_reads(lab), -EAGAIN);
	KUNIT_EXPECT_EQ(test, siv_act_writes(lab), 4);
	KUNIT_EXPECT_EQ(test, lab->ch->mode, SIV_MODE_RW);
	KUNIT_EXPECT_EQ(test, siv_act_waits(lab, SIVSHMEM_WAIT_READ),
			-EOPNOTSUPP);
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
	KUNIT_CASE(sealed_is_never_mapped),
	{},
};

struct kunit_suite siv_channel_suite = {
	.name = "siv_channel",
	.suite_init = picks_fill,
	.init = channel_init,
	.exit = channel_exit,
	.test_cases = siv_channel_cases,
};
