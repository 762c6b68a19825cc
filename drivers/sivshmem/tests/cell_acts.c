// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/file.h>

#include "../listener.h"
#include "acts.h"
#include "cells.h"

/* ------------------------------------------------------------------------ the owner */

static int owner_reads(struct siv_fake_peer *p)
{
	return siv_act_reads(p->lab);
}

/* What the peer gets of it is what was written. */
static int owner_writes(struct siv_fake_peer *p)
{
	int ret = siv_act_writes(p->lab);

	if (ret > 0)
		siv_fake_peer_gets(p, "four");
	return ret;
}

static int owner_polls(struct siv_fake_peer *p)
{
	return siv_act_polls(p->lab);
}

static int owner_maps(struct siv_fake_peer *p)
{
	return siv_act_maps(p->lab);
}

static int owner_waits(struct siv_fake_peer *p)
{
	return siv_act_waits(p->lab, SIVSHMEM_WAIT_READ);
}

static int owner_waits_write(struct siv_fake_peer *p)
{
	return siv_act_waits(p->lab, SIVSHMEM_WAIT_WRITE);
}

static int owner_rings(struct siv_fake_peer *p)
{
	return siv_act_rings(p->lab);
}

static int owner_shuts(struct siv_fake_peer *p)
{
	return siv_act_shuts(p->lab, SIV_END_WR);
}

static int owner_shuts_rd(struct siv_fake_peer *p)
{
	return siv_act_shuts(p->lab, SIV_END_RD);
}

static int owner_asks(struct siv_fake_peer *p)
{
	return siv_act_asks(p->lab);
}

static int owner_closes(struct siv_fake_peer *p)
{
	if (!p->lab->file)
		return siv_act_opens(p->lab);
	siv_fake_lab_close(p->lab);
	return 0;
}

static int owner_unlistens(struct siv_fake_peer *p)
{
	siv_fake_peer_unlisten(p);
	return 0;
}

/* ACCEPT: the channel leaves the listener's queue. */
static int owner_accepts(struct siv_fake_peer *p)
{
	return siv_listener_forget(p->lab->ch) ? 0 : -EAGAIN;
}

/* ------------------------------------------------------- who has another file of it */

static int second_opens(struct siv_fake_peer *p)
{
	return siv_act_opens(p->lab);
}

static int by_another_file(struct siv_fake_peer *p,
			   int (*act)(struct siv_fake_lab *lab))
{
	struct siv_fake_lab lab = *p->lab;
	int ret;

	lab.at = 0;
	lab.file = siv_channel_file(lab.ch, O_NONBLOCK);
	if (IS_ERR(lab.file))
		return PTR_ERR(lab.file);
	ret = act(&lab);
	siv_fake_lab_close(&lab);
	return ret;
}

static int second_reads(struct siv_fake_peer *p)
{
	return by_another_file(p, siv_act_reads);
}

static int second_maps(struct siv_fake_peer *p)
{
	return by_another_file(p, siv_act_maps);
}

/* ------------------------------------------------------------------------- the peer */

static int peer_writes(struct siv_fake_peer *p)
{
	siv_fake_peer_writes(p, false);
	return siv_act_reads(p->lab);
}

static int peer_forges(struct siv_fake_peer *p)
{
	siv_fake_peer_writes(p, true);
	return siv_act_reads(p->lab);
}

/* All that we have written. */
static int peer_reads(struct siv_fake_peer *p)
{
	siv_fake_lab_peer(p->lab)->cons = p->lab->ch->tx.ring.prod;
	return 0;
}

static int peer_rings(struct siv_fake_peer *p)
{
	p->lab->ch->bell.ring(&p->lab->ch->bell);
	return 0;
}

static int peer_marks(struct siv_fake_peer *p)
{
	return siv_act_marks(p->lab);
}

static int peer_breaks(struct siv_fake_peer *p)
{
	return siv_act_breaks(p->lab);
}

/* The same, found by poll(). */
static int peer_breaks_poll(struct siv_fake_peer *p)
{
	siv_fake_lab_peer(p->lab)->prod = 3;
	return siv_act_polls(p->lab);
}

/* It has read what we have not written yet. */
static int peer_overtakes(struct siv_fake_peer *p)
{
	siv_fake_lab_peer(p->lab)->cons = p->lab->ch->tx.ring.prod + 8;
	return siv_act_writes(p->lab);
}

/* ------------------------------------------------------------------------- the host */

static void hears_grant_a(struct siv_fake_peer *p, struct siv_fake_lab *lab)
{
	siv_fake_lab_hear(lab, SIV_MSG_GRANT_A, p->grant_a.bytes,
			  p->grant_a.len);
}

static void hears_grant_b(struct siv_fake_peer *p, struct siv_fake_lab *lab)
{
	siv_fake_lab_hear(lab, SIV_MSG_GRANT_B, &p->grant_b,
			  sizeof(p->grant_b));
}

static int host_grants_a(struct siv_fake_peer *p)
{
	hears_grant_a(p, p->lab);
	return 0;
}

static int host_grants_forged_a(struct siv_fake_peer *p)
{
	siv_fake_peer_forge_m2(p);
	hears_grant_a(p, p->lab);
	return 0;
}

static int host_grants_b(struct siv_fake_peer *p)
{
	hears_grant_b(p, p->lab);
	return 0;
}

static int host_grants_forged_b(struct siv_fake_peer *p)
{
	p->grant_b.m3[0] ^= 1;
	hears_grant_b(p, p->lab);
	return 0;
}

/* Nobody listens any more. */
static int host_grants_b_too_late(struct siv_fake_peer *p)
{
	siv_fake_peer_unlisten(p);
	hears_grant_b(p, p->lab);
	return 0;
}

/* A channel's beginning, under the cid of this one. */
static int host_calls(struct siv_fake_peer *p)
{
	siv_fake_lab_hear(p->lab, SIV_MSG_INCOMING, p->incoming.bytes,
			  p->incoming.len);
	return 0;
}

/* LISTEN, with a no. */
static int host_answers(struct siv_fake_peer *p)
{
	siv_act_hears_result(p->lab);
	return 0;
}

static int host_closes(struct siv_fake_peer *p)
{
	siv_act_hears_close(p->lab, SIV_OK);
	return 0;
}

static int host_resets(struct siv_fake_peer *p)
{
	siv_act_hears_close(p->lab, SIV_R_PEER_GONE);
	return 0;
}

static int host_revokes(struct siv_fake_peer *p)
{
	siv_act_hears_close(p->lab, SIV_R_REVOKED);
	return 0;
}

static int host_fails(struct siv_fake_peer *p)
{
	siv_act_hears_failed(p->lab);
	return 0;
}

static int host_ends_stream(struct siv_fake_peer *p)
{
	struct siv_fin fin;

	siv_fake_peer_fin(p, &fin);
	siv_fake_lab_hear(p->lab, SIV_MSG_FIN, &fin, sizeof(fin));
	return 0;
}

static int host_forges_end(struct siv_fake_peer *p)
{
	struct siv_fin fin;

	siv_fake_peer_fin(p, &fin);
	fin.sealed[0] ^= 1;
	siv_fake_lab_hear(p->lab, SIV_MSG_FIN, &fin, sizeof(fin));
	return 0;
}

/* --------------------------------------------------------------------- the neighbour */

/* Whoever has the next side pages and the next extent writes there what it likes. */
static int neighbour_breaks(struct siv_fake_peer *p)
{
	const struct siv_geometry *geo = &p->lab->hw->dev->geo;
	const size_t two = 2 * geo->granule;

	memset(p->lab->hw->mem + geo->side_off + two, 0xff, two);
	memset(p->lab->hw->mem + geo->extent_off + two, 0xff, two);
	return siv_act_reads(p->lab);
}

static int neighbour_closes(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_neighbours(p);

	siv_act_hears_close(&lab, SIV_OK);
	return 0;
}

static int neighbour_fails(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_neighbours(p);

	siv_act_hears_failed(&lab);
	return 0;
}

/* What we asked for, but it is the neighbour's. */
static int neighbour_granted_a(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_neighbours(p);

	p->grant_a.grant.cid = cpu_to_le64(lab.cid);
	p->grant_a.grant.common.cid = p->grant_a.grant.cid;
	hears_grant_a(p, p->lab);
	return 0;
}

static int neighbour_granted_b(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_neighbours(p);

	p->grant_b.common.cid = cpu_to_le64(lab.cid);
	hears_grant_b(p, p->lab);
	return 0;
}

static int neighbour_ends_stream(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_neighbours(p);
	struct siv_fin fin;

	siv_fake_peer_fin(p, &fin);
	fin.cid = cpu_to_le64(lab.cid);
	siv_fake_lab_hear(p->lab, SIV_MSG_FIN, &fin, sizeof(fin));
	return 0;
}

/* ---------------------------------------------------------------------- the stranger */

static int stranger_closes(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_strangers(p);

	siv_act_hears_close(&lab, SIV_OK);
	return 0;
}

static int stranger_revokes(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_strangers(p);

	siv_act_hears_close(&lab, SIV_R_REVOKED);
	return 0;
}

static int stranger_fails(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_strangers(p);

	siv_act_hears_failed(&lab);
	return 0;
}

static int stranger_granted_a(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_strangers(p);

	hears_grant_a(p, &lab);
	return 0;
}

static int stranger_granted_b(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_strangers(p);

	hears_grant_b(p, &lab);
	return 0;
}

static int stranger_called(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_strangers(p);

	siv_fake_lab_hear(&lab, SIV_MSG_INCOMING, p->incoming.bytes,
			  p->incoming.len);
	return 0;
}

static int stranger_ends_stream(struct siv_fake_peer *p)
{
	struct siv_fake_lab lab = siv_fake_peer_strangers(p);
	struct siv_fin fin;

	siv_fake_peer_fin(p, &fin);
	siv_fake_lab_hear(&lab, SIV_MSG_FIN, &fin, sizeof(fin));
	return 0;
}

static int stranger_key_revoked(struct siv_fake_peer *p)
{
	siv_host_client->ended(&p->stranger->talk, SIV_R_KEY_REVOKED);
	return 0;
}

/* --------------------------------------------------------- key, device, clock */

static int key_is_revoked(struct siv_fake_peer *p)
{
	siv_host_client->ended(&p->lab->talk->talk, SIV_R_KEY_REVOKED);
	return 0;
}

static int device_sleeps(struct siv_fake_peer *p)
{
	siv_device_suspend(p->lab->hw->dev, SIV_R_EPOCH, true);
	return 0;
}

static int device_wakes(struct siv_fake_peer *p)
{
	siv_device_suspend(p->lab->hw->dev, SIV_R_EPOCH, true);
	return siv_device_resume(p->lab->hw->dev);
}

static int device_goes(struct siv_fake_peer *p)
{
	siv_device_quiesce(p->lab->hw->dev, SIV_R_DEVICE_GONE);
	return 0;
}

static int date_passes(struct siv_fake_peer *p)
{
	siv_fake_time += 2 * 3600;
	siv_host_client->tick(&p->lab->talk->host);
	return 0;
}

/* The handshake's. */
static int time_is_up(struct siv_fake_peer *p)
{
	siv_act_times_out(p->lab);
	return 0;
}

static int linger_is_over(struct siv_fake_peer *p)
{
	siv_fake_ms += SIV_LINGER_MS;
	return 0;
}

/* ----------------------------------------------------------------------- the columns */

#define CLOSED BIT(SIV_MSG_CLOSED)
#define CLOSE (BIT(SIV_MSG_CLOSE) | CLOSED)
#define FAILURE (BIT(SIV_MSG_FAILED) | CLOSED)

#define PLAIN SIVSHMEM_NONBLOCK
#define SEALED (SIVSHMEM_NONBLOCK | SIVSHMEM_SEALED)

/* What it is, what the host hears of its end; then the steps. */
#define COLUMN(n, is_b, how, is, g, e, o, ...)   \
	[SIV_ST_##n] = { .b = is_b,              \
			 .uflags = how,          \
			 .gone = g,              \
			 .state = SIVSHMEM_##is, \
			 .ends = e,              \
			 .over = o,              \
			 .steps = { __VA_ARGS__ } }

/* clang-format off */
const struct siv_cell_column siv_cell_columns[SIV_ST_COUNT] = {
	/* nothing is said of a cid that is not known yet */
	COLUMN(ASKING, false, PLAIN, CONNECTING, false, 0, 0,),
	/* whoever sleeps in CONNECT has not looked at it yet */
	COLUMN(GRANTED, false, 0, CONNECTING, false, FAILURE, CLOSED,
	       host_grants_a),
	COLUMN(B_WAITS, true, 0, CONNECTING, false, CLOSE, CLOSED,),
	COLUMN(FAILED, false, PLAIN, ENDED, true, 0, 0, host_fails),
	COLUMN(B_FAILED, true, 0, ENDED, true, 0, 0, host_resets),
	COLUMN(OPEN, false, PLAIN, OPEN, false, CLOSE, CLOSED,
	       host_grants_a),
	COLUMN(OPEN_RW, false, PLAIN, OPEN, false, CLOSE, CLOSED,
	       host_grants_a, owner_reads),
	COLUMN(OPEN_MAP, false, PLAIN, OPEN, false, CLOSE, CLOSED,
	       host_grants_a, owner_maps),
	COLUMN(B_QUEUED, true, 0, OPEN, false, CLOSE, CLOSED,
	       host_grants_b),
	COLUMN(B_OPEN, true, 0, OPEN, false, CLOSE, CLOSED,
	       host_grants_b, owner_accepts),
	COLUMN(SEALED, false, SEALED, OPEN, false, CLOSE, CLOSED,
	       host_grants_a),
	COLUMN(B_SEALED, true, SEALED, OPEN, false, CLOSE, CLOSED,
	       host_grants_b, owner_accepts),
	COLUMN(SEALED_FIN, false, SEALED, OPEN, false, CLOSE, CLOSED,
	       host_grants_a, host_ends_stream),
	COLUMN(LINGERING, false, PLAIN, OPEN, false, CLOSE, CLOSED,
	       host_grants_a, owner_writes, owner_closes),
	COLUMN(SEALED_LINGERING, false, SEALED, OPEN, false, CLOSE, CLOSED,
	       host_grants_a, owner_writes, owner_closes),
	/* the host has ended these: it hears only that it was done */
	COLUMN(CLOSING, false, PLAIN, CLOSING, false, CLOSED, CLOSED,
	       host_grants_a, host_closes),
	COLUMN(CLOSING_RW, false, PLAIN, CLOSING, false, CLOSED, CLOSED,
	       host_grants_a, owner_reads, host_closes),
	COLUMN(CLOSING_MAP, false, PLAIN, CLOSING, false, CLOSED, CLOSED,
	       host_grants_a, owner_maps, host_closes),
	COLUMN(SEALED_CLOSING, false, SEALED, CLOSING, false, CLOSED, CLOSED,
	       host_grants_a, host_closes),
	COLUMN(RESET, false, PLAIN, ENDED, true, 0, 0,
	       host_grants_a, host_resets),
	COLUMN(RESET_RW, false, PLAIN, ENDED, true, 0, 0,
	       host_grants_a, owner_reads, host_resets),
	COLUMN(RESET_MAP, false, PLAIN, ENDED, false, CLOSED, CLOSED,
	       host_grants_a, owner_maps, host_resets),
	COLUMN(REVOKED, false, PLAIN, ENDED, true, 0, 0,
	       host_grants_a, host_revokes),
	COLUMN(REVOKED_MAP, false, PLAIN, ENDED, true, 0, 0,
	       host_grants_a, owner_maps, host_revokes),
	COLUMN(BROKEN, false, PLAIN, ENDED, true, 0, 0,
	       host_grants_a, peer_breaks),
	COLUMN(SEALED_BROKEN, false, SEALED, ENDED, true, 0, 0,
	       host_grants_a, peer_forges),
};
/* clang-format on */

/* The clock is the test's: a handshake's time is up when it says so. */
static void stop_clock(struct siv_channel *ch)
{
	if (cancel_delayed_work_sync(&ch->timeout))
		siv_channel_put(ch);
}

bool siv_cell_reach(struct siv_fake_peer *p, enum siv_cell_state state)
{
	const struct siv_cell_column *column = &siv_cell_columns[state];
	struct siv_channel *ch;
	unsigned int i;

	if (column->b)
		siv_fake_peer_calls(p, column->uflags);
	else
		siv_fake_peer_called(p, column->uflags);
	ch = p->lab->ch;
	if (!ch)
		return false;
	stop_clock(ch);
	siv_fake_lab_file(p->test, p->lab);
	for (i = 0; i < ARRAY_SIZE(column->steps) && column->steps[i]; i++) {
		column->steps[i](p);
		siv_fake_lab_settle(p->lab);
	}
	siv_act_looks(p->lab);
	return ch->state == column->state && ch->windows.gone == column->gone;
}

int siv_cell_do(struct siv_fake_peer *p, enum siv_cell_act act)
{
#define ACT(name) [SIV_ACT_##name] = name,
	static int (*const acts[])(struct siv_fake_peer *
				   p) = { SIV_ACTS(ACT) };
	int ret = acts[act](p);

	siv_act_looks(p->lab);
	return ret;
}
