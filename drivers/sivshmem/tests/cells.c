// SPDX-License-Identifier: GPL-2.0-only
#include "cells.h"

/* clang-format off */
/* As it was. */
#define SAME(r, ...) { .ret = (r), .after = SIV_SAME, ##__VA_ARGS__ }
/* Turned down: an event, and nothing else. */
#define NO(r, ...) SAME(r, .events = 1, ##__VA_ARGS__)
/* Nothing is there: the peer may be asked to ring when there is. */
#define ASKS(r) SAME(r, .shown = SIV_A_REQUEST)
/* Done: the peer sees it. */
#define DONE(r, ...) SAME(r, .shown = SIV_SOMETHING, ##__VA_ARGS__)

#define OPENS(m) { .after = SIV_OPENS, .says = BIT(SIV_MSG_##m) }
#define CLOSES { .after = SIV_CLOSES }
#define KEEPS(r, ...) { .ret = (r), .after = SIV_KEEPS, ##__VA_ARGS__ }
#define ENDS(r, ...) { .ret = (r), .after = SIV_ENDS, ##__VA_ARGS__ }
#define OVER(r, ...) { .ret = (r), .after = SIV_OVER, ##__VA_ARGS__ }
/* A rule was broken: an event, and the end. */
#define BREAKS(r, ...) ENDS(r, .events = 1, ##__VA_ARGS__)

#define SAYS(m) .says = BIT(SIV_MSG_##m)

/* No state makes a difference. */
#define ALL(x) { [0 ... SIV_ST_COUNT - 1] = x }

#define READS {                                                               \
	NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),       \
	ASKS(-EAGAIN), ASKS(-EAGAIN), NO(-EBUSY), ASKS(-EAGAIN),              \
	ASKS(-EAGAIN), ASKS(-EAGAIN), ASKS(-EAGAIN), SAME(0),                 \
	SAME(-ENODEV), SAME(-ENODEV),                                         \
	SAME(0), SAME(0), NO(-EBUSY),                                         \
	NO(-ECONNRESET), /* no end without a proof */                         \
	SAME(-ECONNRESET), SAME(-ECONNRESET), NO(-EBUSY), SAME(-ECONNRESET),  \
	NO(-EBUSY), SAME(-EPROTO), SAME(-EBADMSG),                            \
}

#define MAPS {                                                                \
	NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),       \
	SAME(0), NO(-EBUSY), SAME(0), SAME(0), SAME(0), NO(-EOPNOTSUPP),      \
	NO(-EOPNOTSUPP), NO(-EOPNOTSUPP), SAME(-ENODEV), SAME(-ENODEV),       \
	SAME(0), NO(-EBUSY), SAME(0), NO(-EOPNOTSUPP),                        \
	SAME(-ECONNRESET), SAME(-ECONNRESET), SAME(0), SAME(-ECONNRESET),     \
	SAME(-ECONNRESET), SAME(-EPROTO), SAME(-EBADMSG),                     \
}

/* In either direction. */
#define WAITS {                                                               \
	NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),       \
	SAME(-EAGAIN), NO(-EBUSY), SAME(-EAGAIN), SAME(-EAGAIN),              \
	SAME(-EAGAIN), NO(-EOPNOTSUPP), NO(-EOPNOTSUPP), NO(-EOPNOTSUPP),     \
	SAME(-ENODEV), SAME(-ENODEV),                                         \
	SAME(0), NO(-EBUSY), SAME(0), NO(-EOPNOTSUPP),                        \
	SAME(-ECONNRESET), NO(-EBUSY), SAME(-ECONNRESET), SAME(-ECONNRESET),  \
	SAME(-ECONNRESET), NO(-EBUSY), NO(-EOPNOTSUPP),                       \
}

/* The end of a sealed stream is proved, too. */
#define SHUTS(...) {                                                          \
	NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),       \
	DONE(0), DONE(0), DONE(0), DONE(0), DONE(0),                          \
	DONE(0, ##__VA_ARGS__), DONE(0, ##__VA_ARGS__),                       \
	DONE(0, ##__VA_ARGS__), SAME(-ENODEV), SAME(-ENODEV),                 \
	DONE(0), DONE(0), DONE(0), DONE(0, ##__VA_ARGS__),                    \
	SAME(-ECONNRESET), SAME(-ECONNRESET), SAME(-ECONNRESET),              \
	SAME(-ECONNRESET), SAME(-ECONNRESET), SAME(-EPROTO), SAME(-EBADMSG),  \
}

/*
 * Once, to whom it may be: everywhere else it is out of place, and ends its channel, but
 * for one that it only crosses the end of. Memory that nobody waits for is given back.
 */
#define GRANTS_A(asking) {                                                    \
	asking, BREAKS(0), NO(0), SAME(0, SAYS(FAILED)), SAME(0, SAYS(FAILED)), \
	BREAKS(0), BREAKS(0), KEEPS(0, .events = 1), NO(0), NO(0),            \
	BREAKS(0), NO(0), BREAKS(0), BREAKS(0), BREAKS(0),                    \
	SAME(0), SAME(0), SAME(0), SAME(0),                                   \
	SAME(0, SAYS(FAILED)), SAME(0, SAYS(FAILED)), SAME(0),                \
	SAME(0, SAYS(FAILED)), SAME(0, SAYS(FAILED)), SAME(0, SAYS(FAILED)),  \
	SAME(0, SAYS(FAILED)),                                                \
}

/* Likewise. */
#define GRANTS_B(waits, queued) {                                             \
	SAME(0), BREAKS(0), waits, SAME(0), SAME(0),                          \
	BREAKS(0), BREAKS(0), KEEPS(0, .events = 1), queued, BREAKS(0),       \
	BREAKS(0), BREAKS(0), BREAKS(0), BREAKS(0), BREAKS(0),                \
	SAME(0), SAME(0), SAME(0), SAME(0),                                   \
	SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),        \
}

/* A false end is none, and there is none to be had where nothing is sealed. */
#define STREAM_ENDS(sealed, b_sealed, lingers) {                              \
	SAME(0), NO(0), NO(0), SAME(0), SAME(0),                              \
	NO(0), NO(0), NO(0), NO(0), NO(0), sealed, b_sealed, NO(0), NO(0),    \
	lingers,                                                              \
	SAME(0), SAME(0), SAME(0), SAME(0),                                   \
	SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),        \
}

/* Its device is not there any more, nor is who could be told. */
#define DEVICE_ENDS {                                                         \
	OVER(0), OVER(0), OVER(0), SAME(0), SAME(0),                          \
	OVER(0), OVER(0), OVER(0), OVER(0), OVER(0), OVER(0), OVER(0),        \
	OVER(0), OVER(0), OVER(0),                                            \
	OVER(0), OVER(0), OVER(0), OVER(0),                                   \
	SAME(0), SAME(0), OVER(0), SAME(0), SAME(0), SAME(0), SAME(0),        \
}

/* What poll() says. */
#define IN ((__force int)(EPOLLIN | EPOLLRDNORM))
#define OUT ((__force int)(EPOLLOUT | EPOLLWRNORM))
#define RDHUP (IN | (__force int)EPOLLRDHUP)
#define HUP (OUT | RDHUP | (__force int)EPOLLHUP)
#define ERR (RDHUP | (__force int)(EPOLLHUP | EPOLLERR))

/*
 * A row's lines: ASKING, GRANTED, B_WAITS, FAILED, B_FAILED;
 * OPEN, OPEN_RW, OPEN_MAP, B_QUEUED, B_OPEN, SEALED, B_SEALED, SEALED_FIN, LINGERING,
 * SEALED_LINGERING;
 * CLOSING, CLOSING_RW, CLOSING_MAP, SEALED_CLOSING;
 * RESET, RESET_RW, RESET_MAP, REVOKED, REVOKED_MAP, BROKEN, SEALED_BROKEN.
 */
const struct siv_cell_row siv_cell_rows[SIV_ACT_COUNT] = {
	[SIV_ACT_owner_reads] = { .cell = READS },
	[SIV_ACT_owner_writes] = { .cell = {
		NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),
		DONE(4), DONE(4), NO(-EBUSY), DONE(4), DONE(4), DONE(4),
		DONE(4), DONE(4), SAME(-ENODEV), SAME(-ENODEV),
		SAME(-EPIPE), SAME(-EPIPE), NO(-EBUSY), SAME(-EPIPE),
		SAME(-ECONNRESET), SAME(-ECONNRESET), NO(-EBUSY),
		SAME(-ECONNRESET), NO(-EBUSY), SAME(-EPROTO), SAME(-EBADMSG),
	} },
	[SIV_ACT_owner_polls] = { .cell = {
		SAME(0), SAME(0), SAME(0), SAME(ERR), SAME(ERR),
		ASKS(OUT), ASKS(OUT), ASKS(OUT), ASKS(OUT), ASKS(OUT),
		ASKS(OUT), ASKS(OUT), ASKS(OUT | RDHUP), SAME(-ENODEV), SAME(-ENODEV),
		ASKS(HUP), ASKS(HUP), ASKS(HUP),
		ASKS(HUP),
		SAME(HUP), SAME(HUP), SAME(HUP), SAME(ERR), SAME(ERR),
		SAME(ERR), SAME(ERR),
	} },
	[SIV_ACT_owner_maps] = { .cell = MAPS },
	[SIV_ACT_owner_waits] = { .cell = WAITS },
	[SIV_ACT_owner_waits_write] = { .cell = WAITS },
	[SIV_ACT_owner_rings] = { .cell = {
		NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),
		DONE(0), NO(-EINVAL), DONE(0), DONE(0), DONE(0),
		NO(-EOPNOTSUPP), NO(-EOPNOTSUPP), NO(-EOPNOTSUPP),
		SAME(-ENODEV), SAME(-ENODEV),
		DONE(0), NO(-EINVAL), DONE(0), NO(-EOPNOTSUPP),
		SAME(-ECONNRESET), NO(-EINVAL), DONE(0), SAME(-ECONNRESET),
		SAME(-ECONNRESET), NO(-EINVAL), NO(-EINVAL),
	} },
	[SIV_ACT_owner_shuts] = { .cell = SHUTS(SAYS(FIN)) },
	[SIV_ACT_owner_shuts_rd] = { .cell = SHUTS() },
	[SIV_ACT_owner_asks] = { .cell = {
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(-ENODEV), SAME(-ENODEV),
		SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
	} },
	[SIV_ACT_owner_closes] = { .why = SIV_R_PEER_CLOSED, .cell = {
		ENDS(0), ENDS(0), ENDS(0), SAME(0), SAME(0),
		ENDS(0, .shown = SIV_SOMETHING),
		ENDS(0, .shown = SIV_SOMETHING),
		ENDS(0, .shown = SIV_SOMETHING),
		ENDS(0, .shown = SIV_SOMETHING),
		ENDS(0, .shown = SIV_SOMETHING),
		ENDS(0, .shown = SIV_SOMETHING, SAYS(FIN)),
		ENDS(0, .shown = SIV_SOMETHING, SAYS(FIN)),
		ENDS(0, .shown = SIV_SOMETHING, SAYS(FIN)),
		SAME(-ENODEV), SAME(-ENODEV),
		ENDS(0), ENDS(0), ENDS(0), ENDS(0),
		SAME(0), SAME(0), ENDS(0), SAME(0), SAME(0), SAME(0), SAME(0),
	} },
	/* what waits to be accepted ends with who would have done it */
	[SIV_ACT_owner_unlistens] = { .why = SIV_R_NO_LISTENER, .cell = {
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), ENDS(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
	} },
	[SIV_ACT_second_opens] = { .cell = {
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(-ENODEV), SAME(-ENODEV),
		SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
	} },
	[SIV_ACT_second_reads] = { .cell = READS },
	[SIV_ACT_second_maps] = { .cell = MAPS },

	/* what the peer does in the region is seen by whoever looks next */
	[SIV_ACT_peer_writes] = { .cell = {
		NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),
		DONE(4), DONE(4), NO(-EBUSY), DONE(4), DONE(4), DONE(4), DONE(4),
		SAME(0), /* behind the proved end */
		SAME(-ENODEV), SAME(-ENODEV),
		DONE(4), DONE(4), NO(-EBUSY), DONE(4),
		SAME(-ECONNRESET), SAME(-ECONNRESET), NO(-EBUSY),
		SAME(-ECONNRESET), NO(-EBUSY), SAME(-EPROTO), SAME(-EBADMSG),
	} },
	[SIV_ACT_peer_forges] = { .why = SIV_R_TAG, .cell = {
		NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),
		DONE(4), DONE(4), NO(-EBUSY), DONE(4), DONE(4),
		BREAKS(-EBADMSG), BREAKS(-EBADMSG), SAME(0), SAME(-ENODEV), SAME(-ENODEV),
		DONE(4), DONE(4), NO(-EBUSY), BREAKS(-EBADMSG),
		SAME(-ECONNRESET), SAME(-ECONNRESET), NO(-EBUSY),
		SAME(-ECONNRESET), NO(-EBUSY), SAME(-EPROTO), SAME(-EBADMSG),
	} },
	[SIV_ACT_peer_reads] = { .why = SIV_R_PEER_CLOSED, .cell = {
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), ENDS(0), ENDS(0),
		SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
	} },
	[SIV_ACT_peer_rings] = { .cell = ALL(SAME(0)) },
	[SIV_ACT_peer_marks] = { .why = SIV_R_PEER_CLOSED, .cell = {
		NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),
		SAME(0), SAME(0), NO(-EBUSY), SAME(0), SAME(0),
		/* only what is proved is an end */
		ASKS(-EAGAIN), ASKS(-EAGAIN),
		SAME(0), ENDS(-ENODEV), ENDS(-ENODEV),
		SAME(0), SAME(0), NO(-EBUSY), NO(-ECONNRESET),
		SAME(-ECONNRESET), SAME(-ECONNRESET), NO(-EBUSY),
		SAME(-ECONNRESET), NO(-EBUSY), SAME(-EPROTO), SAME(-EBADMSG),
	} },
	[SIV_ACT_peer_breaks] = { .why = SIV_R_RING_POSITION, .cell = {
		NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),
		BREAKS(-EPROTO), BREAKS(-EPROTO), NO(-EBUSY), BREAKS(-EPROTO),
		BREAKS(-EPROTO), BREAKS(-EPROTO), BREAKS(-EPROTO), SAME(0),
		SAME(-ENODEV), SAME(-ENODEV),
		BREAKS(-EPROTO), BREAKS(-EPROTO), NO(-EBUSY), BREAKS(-EPROTO),
		SAME(-ECONNRESET), SAME(-ECONNRESET), NO(-EBUSY),
		SAME(-ECONNRESET), NO(-EBUSY), SAME(-EPROTO), SAME(-EBADMSG),
	} },
	[SIV_ACT_peer_breaks_poll] = { .why = SIV_R_RING_POSITION, .cell = {
		SAME(0), SAME(0), SAME(0), SAME(ERR), SAME(ERR),
		BREAKS(ERR), BREAKS(ERR), SAME(IN | OUT), BREAKS(ERR),
		BREAKS(ERR), BREAKS(ERR), BREAKS(ERR), SAME(OUT | RDHUP),
		SAME(-ENODEV), SAME(-ENODEV),
		BREAKS(ERR), BREAKS(ERR), SAME(HUP), BREAKS(ERR),
		SAME(HUP), SAME(HUP), SAME(HUP), SAME(ERR), SAME(ERR),
		SAME(ERR), SAME(ERR),
	} },
	[SIV_ACT_peer_overtakes] = { .why = SIV_R_RING_POSITION, .cell = {
		NO(-EPERM), NO(-EPERM), NO(-EPERM), SAME(-EPERM), SAME(-EPERM),
		BREAKS(-EPROTO), BREAKS(-EPROTO), NO(-EBUSY), BREAKS(-EPROTO),
		BREAKS(-EPROTO), BREAKS(-EPROTO), BREAKS(-EPROTO),
		BREAKS(-EPROTO), SAME(-ENODEV), SAME(-ENODEV),
		SAME(-EPIPE), SAME(-EPIPE), NO(-EBUSY), SAME(-EPIPE),
		SAME(-ECONNRESET), SAME(-ECONNRESET), NO(-EBUSY),
		SAME(-ECONNRESET), NO(-EBUSY), SAME(-EPROTO), SAME(-EBADMSG),
	} },

	[SIV_ACT_host_grants_a] = { .why = SIV_R_STATE,
	    .cell = GRANTS_A(OPENS(CONFIRM)) },
	[SIV_ACT_host_grants_forged_a] = { .why = SIV_R_STATE,
	    .cell = GRANTS_A(BREAKS(0, .why = SIV_R_TAG,
				    .says = BIT(SIV_MSG_FAILED) |
					    BIT(SIV_MSG_CLOSED))) },
	[SIV_ACT_host_grants_b] = { .why = SIV_R_STATE,
	    .cell = GRANTS_B(OPENS(ESTABLISHED), BREAKS(0)) },
	[SIV_ACT_host_grants_forged_b] = { .why = SIV_R_STATE,
	    .cell = GRANTS_B(BREAKS(0, .why = SIV_R_TAG), BREAKS(0)) },
	[SIV_ACT_host_grants_b_too_late] = { .why = SIV_R_STATE,
	    .cell = GRANTS_B(BREAKS(0, .why = SIV_R_NO_LISTENER,
				    SAYS(ESTABLISHED)),
			     ENDS(0, .why = SIV_R_NO_LISTENER)) },
	/* under the cid of this channel: refused, and not said while that is alive */
	[SIV_ACT_host_calls] = { .cell = {
		NO(0, SAYS(REJECT)), NO(0), NO(0), NO(0, SAYS(REJECT)),
		SAME(0, SAYS(ACCEPT)), /* that one is over */
		NO(0), NO(0), NO(0), NO(0), NO(0), NO(0), NO(0), NO(0), NO(0), NO(0),
		NO(0), NO(0), NO(0), NO(0),
		NO(0, SAYS(REJECT)), NO(0, SAYS(REJECT)), NO(0),
		NO(0, SAYS(REJECT)), NO(0, SAYS(REJECT)), NO(0, SAYS(REJECT)),
		NO(0, SAYS(REJECT)),
	} },
	/* that is about a listener */
	[SIV_ACT_host_answers] = { .cell = ALL(SAME(0)) },
	/* of a channel that is not there it hears that nothing is left */
	[SIV_ACT_host_closes] = { .why = SIV_R_PEER_CLOSED, .cell = {
		SAME(0, SAYS(CLOSED)), OVER(0), OVER(0), SAME(0, SAYS(CLOSED)),
		SAME(0, SAYS(CLOSED)),
		CLOSES, CLOSES, CLOSES, CLOSES, CLOSES, CLOSES, CLOSES, CLOSES,
		OVER(0), OVER(0),
		SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0, SAYS(CLOSED)), SAME(0, SAYS(CLOSED)), SAME(0),
		SAME(0, SAYS(CLOSED)), SAME(0, SAYS(CLOSED)),
		SAME(0, SAYS(CLOSED)), SAME(0, SAYS(CLOSED)),
	} },
	[SIV_ACT_host_resets] = { .why = SIV_R_PEER_GONE, .cell = {
		SAME(0, SAYS(CLOSED)), OVER(0), OVER(0), SAME(0, SAYS(CLOSED)),
		SAME(0, SAYS(CLOSED)),
		OVER(0), OVER(0), KEEPS(0), OVER(0), OVER(0), OVER(0), OVER(0), OVER(0),
		OVER(0), OVER(0),
		OVER(0), OVER(0), KEEPS(0), OVER(0),
		SAME(0, SAYS(CLOSED)), SAME(0, SAYS(CLOSED)), SAME(0),
		SAME(0, SAYS(CLOSED)), SAME(0, SAYS(CLOSED)),
		SAME(0, SAYS(CLOSED)), SAME(0, SAYS(CLOSED)),
	} },
	[SIV_ACT_host_revokes] = { .why = SIV_R_REVOKED, .cell = {
		SAME(0, SAYS(CLOSED)), OVER(0), OVER(0), SAME(0, SAYS(CLOSED)),
		SAME(0, SAYS(CLOSED)),
		OVER(0), OVER(0), OVER(0), OVER(0), OVER(0), OVER(0), OVER(0), OVER(0),
		OVER(0), OVER(0),
		OVER(0), OVER(0), OVER(0), OVER(0),
		SAME(0, SAYS(CLOSED)), SAME(0, SAYS(CLOSED)), OVER(0),
		SAME(0, SAYS(CLOSED)), SAME(0, SAYS(CLOSED)),
		SAME(0, SAYS(CLOSED)), SAME(0, SAYS(CLOSED)),
	} },
	/* an answer to CONNECT, not to a grant */
	[SIV_ACT_host_fails] = { .why = SIV_R_STATE, .cell = {
		OVER(0, .events = 1, .why = SIV_R_POLICY),
		OVER(0, .events = 1, .why = SIV_R_POLICY),
		SAME(0), SAME(0), SAME(0),
		BREAKS(0), BREAKS(0), KEEPS(0, .events = 1), SAME(0), SAME(0),
		BREAKS(0), SAME(0), BREAKS(0), BREAKS(0), BREAKS(0),
		SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
	} },
	[SIV_ACT_host_ends_stream] = { .cell = STREAM_ENDS(SAME(0), SAME(0), SAME(0)) },
	[SIV_ACT_host_forges_end] = { .cell = STREAM_ENDS(NO(0), NO(0), NO(0)) },

	[SIV_ACT_neighbour_breaks] = { .cell = READS },
	[SIV_ACT_neighbour_closes] = { .neighbour = SIVSHMEM_ENDED,
	    .cell = ALL(SAME(0)) },
	[SIV_ACT_neighbour_fails] = { .neighbour = SIVSHMEM_ENDED,
	    .cell = ALL(NO(0)) },
	/* what is the neighbour's is nobody else's; and what has a grant wants no other */
	[SIV_ACT_neighbour_granted_a] = { .why = SIV_R_STATE, .cell = {
		OVER(0, .events = 1, .why = SIV_R_GENERATION),
		ENDS(0, .events = 2), NO(0), NO(0), NO(0),
		ENDS(0, .events = 2), ENDS(0, .events = 2), KEEPS(0, .events = 2),
		NO(0), NO(0), ENDS(0, .events = 2), NO(0),
		ENDS(0, .events = 2), ENDS(0, .events = 2), ENDS(0, .events = 2),
		NO(0), NO(0), NO(0), NO(0),
		NO(0), NO(0), NO(0), NO(0), NO(0), NO(0), NO(0),
	} },
	[SIV_ACT_neighbour_granted_b] = { .neighbour = SIVSHMEM_ENDED,
	    .cell = ALL(NO(0)) },
	[SIV_ACT_neighbour_ends_stream] = { .cell = ALL(NO(0)) },

	/* a session is told of its own channels only */
	[SIV_ACT_stranger_closes] = { .cell = ALL(SAME(0)) },
	[SIV_ACT_stranger_revokes] = { .cell = ALL(SAME(0)) },
	[SIV_ACT_stranger_fails] = { .cell = ALL(SAME(0)) },
	[SIV_ACT_stranger_granted_a] = { .cell = ALL(SAME(0)) },
	[SIV_ACT_stranger_granted_b] = { .cell = ALL(SAME(0)) },
	[SIV_ACT_stranger_called] = { .cell = ALL(NO(0)) },
	[SIV_ACT_stranger_ends_stream] = { .cell = ALL(SAME(0)) },
	[SIV_ACT_stranger_key_revoked] = { .cell = ALL(SAME(0)) },

	[SIV_ACT_key_is_revoked] = { .why = SIV_R_KEY_REVOKED,
	    .neighbour = SIVSHMEM_ENDED, .cell = {
		ENDS(0), ENDS(0), ENDS(0), SAME(0), SAME(0),
		ENDS(0), ENDS(0), ENDS(0), ENDS(0), ENDS(0), ENDS(0), ENDS(0),
		ENDS(0), ENDS(0), ENDS(0),
		ENDS(0), ENDS(0), ENDS(0), ENDS(0),
		SAME(0), SAME(0), ENDS(0), SAME(0), SAME(0), SAME(0), SAME(0),
	} },
	[SIV_ACT_device_sleeps] = { .why = SIV_R_EPOCH,
	    .neighbour = SIVSHMEM_ENDED, .cell = DEVICE_ENDS },
	[SIV_ACT_device_wakes] = { .why = SIV_R_EPOCH,
	    .neighbour = SIVSHMEM_ENDED, .cell = DEVICE_ENDS },
	[SIV_ACT_device_goes] = { .why = SIV_R_DEVICE_GONE,
	    .neighbour = SIVSHMEM_ENDED, .cell = DEVICE_ENDS },
	/* the handshake judges dates itself */
	[SIV_ACT_date_passes] = { .why = SIV_R_CERT_EXPIRED, .cell = {
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		BREAKS(0), BREAKS(0), BREAKS(0), BREAKS(0), BREAKS(0),
		BREAKS(0), BREAKS(0), BREAKS(0), BREAKS(0), BREAKS(0),
		BREAKS(0), BREAKS(0), BREAKS(0), BREAKS(0),
		SAME(0), SAME(0), BREAKS(0), SAME(0), SAME(0), SAME(0),
		SAME(0),
	} },
	[SIV_ACT_time_is_up] = { .why = SIV_R_TIMEOUT, .cell = {
		BREAKS(0), BREAKS(0), BREAKS(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
	} },
	[SIV_ACT_linger_is_over] = { .why = SIV_R_PEER_CLOSED, .cell = {
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), ENDS(0), ENDS(0),
		SAME(0), SAME(0), SAME(0), SAME(0),
		SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0), SAME(0),
	} },
};
/* clang-format on */
