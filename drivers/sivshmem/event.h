/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: every refusal is a tracepoint and a counter. No secrets, no pointers.
 *
 * No event is owed where nothing is turned down: a call that would have to wait, or is
 * interrupted; want of memory or descriptors; the end of a wait by ACCEPT or WAIT; an
 * address that faults; a number that is no ioctl of the descriptor (isatty() asks every
 * one); no region of that index or after it; a read() into a buffer shorter than the
 * record, which stays; calls on a channel, a direction or a listener that has ended, for
 * its end was one.
 */
#ifndef SIV_EVENT_H
#define SIV_EVENT_H

#include "core/reason.h"

struct siv_device;

/* Where something was refused: a table, a place is a line. */
/* clang-format off */
#define SIV_EVENT_PLACES(X) \
	X(KEY) \
	X(SESSION) \
	X(RECORD) \
	X(CONNECT) \
	X(INCOMING) \
	X(GRANT) \
	X(LISTEN) \
	X(ACCEPT) \
	X(INFO) \
	X(WAIT) \
	X(SHUTDOWN) \
	X(RING) \
	X(SEAL) \
	X(OPEN) \
	X(MMAP) \
	X(ACCESS) \
	X(CHANNEL) \
	X(BELL)
/* clang-format on */

#define SIV_EVENT_ENUM(name) SIV_AT_##name,
enum siv_event_place {
	SIV_EVENT_PLACES(SIV_EVENT_ENUM) SIV_AT_COUNT
};
#undef SIV_EVENT_ENUM

const char *siv_event_place_name(enum siv_event_place at);

/**
 * siv_refused() - something was refused: count it and trace it, once
 * @dev: where, or NULL
 * @at: in what
 * @why: the cause
 * @cid: the channel, or 0
 *
 * Any context but NMI. Return: @why's errno, for the caller's return.
 */
int siv_refused(const struct siv_device *dev, enum siv_event_place at,
		enum siv_reason why, u64 cid);

/* siv_reason_from_code() - the likely cause behind a wire code; PEER_GONE if unknown. */
enum siv_reason siv_reason_from_code(u32 code);

/* siv_event_count() - how often a cause was refused since the module was loaded. */
u64 siv_event_count(enum siv_reason why);

#endif /* SIV_EVENT_H */
