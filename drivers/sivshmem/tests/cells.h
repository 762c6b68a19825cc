/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose a channel is, as a table: every state, by every act, and what comes of it. What is
 * wanted is in cells.c, how it is done in cell_acts.c, and siv_channel_kunit.c compares.
 */
#ifndef SIV_TESTS_CELLS_H
#define SIV_TESTS_CELLS_H

#include "fake_peer.h"

/*
 * States, with the end, the use and the kind of channel where these make a difference.
 * B_: the peer has called us.
 */
#define SIV_STATES(X)       \
	X(ASKING)           \
	X(GRANTED)          \
	X(B_WAITS)          \
	X(FAILED)           \
	X(B_FAILED)         \
	X(OPEN)             \
	X(OPEN_RW)          \
	X(OPEN_MAP)         \
	X(B_QUEUED)         \
	X(B_OPEN)           \
	X(SEALED)           \
	X(B_SEALED)         \
	X(SEALED_FIN)       \
	X(LINGERING)        \
	X(SEALED_LINGERING) \
	X(CLOSING)          \
	X(CLOSING_RW)       \
	X(CLOSING_MAP)      \
	X(SEALED_CLOSING)   \
	X(RESET)            \
	X(RESET_RW)         \
	X(RESET_MAP)        \
	X(REVOKED)          \
	X(REVOKED_MAP)      \
	X(BROKEN)           \
	X(SEALED_BROKEN)

/*
 * Who does what. Second: who has another file of the same channel. Neighbour: another
 * channel of the same identity's, and what the host says of it. Stranger: another identity,
 * and what the host says to it.
 */
#define SIV_ACTS(X)               \
	X(owner_reads)            \
	X(owner_writes)           \
	X(owner_polls)            \
	X(owner_maps)             \
	X(owner_waits)            \
	X(owner_waits_write)      \
	X(owner_rings)            \
	X(owner_shuts)            \
	X(owner_shuts_rd)         \
	X(owner_asks)             \
	X(owner_closes)           \
	X(owner_unlistens)        \
	X(second_opens)           \
	X(second_reads)           \
	X(second_maps)            \
	X(peer_writes)            \
	X(peer_forges)            \
	X(peer_reads)             \
	X(peer_rings)             \
	X(peer_marks)             \
	X(peer_breaks)            \
	X(peer_breaks_poll)       \
	X(peer_overtakes)         \
	X(host_grants_a)          \
	X(host_grants_forged_a)   \
	X(host_grants_b)          \
	X(host_grants_forged_b)   \
	X(host_grants_b_too_late) \
	X(host_calls)             \
	X(host_answers)           \
	X(host_closes)            \
	X(host_resets)            \
	X(host_revokes)           \
	X(host_fails)             \
	X(host_ends_stream)       \
	X(host_forges_end)        \
	X(neighbour_breaks)       \
	X(neighbour_closes)       \
	X(neighbour_fails)        \
	X(neighbour_granted_a)    \
	X(neighbour_granted_b)    \
	X(neighbour_ends_stream)  \
	X(stranger_closes)        \
	X(stranger_revokes)       \
	X(stranger_fails)         \
	X(stranger_granted_a)     \
	X(stranger_granted_b)     \
	X(stranger_called)        \
	X(stranger_ends_stream)   \
	X(stranger_key_revoked)   \
	X(key_is_revoked)         \
	X(device_sleeps)          \
	X(device_wakes)           \
	X(device_goes)            \
	X(date_passes)            \
	X(time_is_up)             \
	X(linger_is_over)

#define SIV_STATE_ENUM(name) SIV_ST_##name,
enum siv_cell_state {
	SIV_STATES(SIV_STATE_ENUM) SIV_ST_COUNT
};
#undef SIV_STATE_ENUM

#define SIV_ACT_ENUM(name) SIV_ACT_##name,
enum siv_cell_act {
	SIV_ACTS(SIV_ACT_ENUM) SIV_ACT_COUNT
};
#undef SIV_ACT_ENUM

/**
 * enum siv_cell_after - what becomes of a channel
 * @SIV_HOLE: nobody has said
 * @SIV_SAME: state and memory are as before
 * @SIV_OPENS: OPEN
 * @SIV_CLOSES: CLOSING
 * @SIV_KEEPS: ENDED, but its memory stays with who maps it
 * @SIV_ENDS: ENDED, nothing is left, and the host is told
 * @SIV_OVER: likewise, but the host knows
 */
enum siv_cell_after {
	SIV_HOLE = 0,
	SIV_SAME,
	SIV_OPENS,
	SIV_CLOSES,
	SIV_KEEPS,
	SIV_ENDS,
	SIV_OVER,
};

/**
 * enum siv_cell_shown - what the peer can see of it
 * @SIV_NOTHING: every byte that is ours to write is as before, and no bell was rung
 * @SIV_A_REQUEST: at most that we want to be woken
 * @SIV_SOMETHING: a bell, a position, an end mark or a record
 */
enum siv_cell_shown {
	SIV_NOTHING = 0,
	SIV_A_REQUEST,
	SIV_SOMETHING,
};

/**
 * struct siv_cell - what comes of an act in a state
 * @ret: the call's result, or what poll() says; 0 where there is none
 * @after: the channel
 * @shown: to the peer
 * @events: refusals that are counted
 * @why: the end's cause, where it is not the row's
 * @says: what the host hears of it, BIT() of each type, but for what the state's own end
 *        has to say
 */
struct siv_cell {
	int ret;
	enum siv_cell_after after;
	enum siv_cell_shown shown;
	unsigned int events;
	enum siv_reason why;
	u32 says;
};

/**
 * struct siv_cell_row - an act
 * @why: the cause it gives to a channel that has none
 * @neighbour: the neighbour's state afterwards
 * @cell: for each state
 */
struct siv_cell_row {
	enum siv_reason why;
	u32 neighbour;
	struct siv_cell cell[SIV_ST_COUNT];
};

/**
 * struct siv_cell_column - a state
 * @b: the peer calls
 * @uflags: of CONNECT; SIVSHMEM_SEALED counts at either end
 * @steps: what leads there
 * @state: as INFO tells it
 * @gone: nothing is left
 * @ends: what the host hears if it ends here
 * @over: and if the host has ended it
 */
struct siv_cell_column {
	bool b;
	u32 uflags;
	int (*steps[3])(struct siv_fake_peer *p);
	u32 state;
	bool gone;
	u32 ends;
	u32 over;
};

extern const struct siv_cell_row siv_cell_rows[SIV_ACT_COUNT];
extern const struct siv_cell_column siv_cell_columns[SIV_ST_COUNT];

/*
 * siv_cell_reach() - a channel in a state, with its owner's file unless that is closed.
 * Return: whether that is its state.
 */
bool siv_cell_reach(struct siv_fake_peer *p, enum siv_cell_state state);
/* siv_cell_do() - the act, until nothing is under way. Return: what the call gives. */
int siv_cell_do(struct siv_fake_peer *p, enum siv_cell_act act);

#endif /* SIV_TESTS_CELLS_H */
