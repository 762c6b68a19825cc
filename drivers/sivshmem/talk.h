/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A talk: what one identity and the host of one region have to say to each other. It
 * survives its sessions: a new one replaces the old every hour, and after the host fell
 * silent; channels and listeners belong to the talk.
 *
 *   NEW -queued-> HELLO -message 2-> LIVE -silence, rekey-> LIVE with @next
 *   any -key, device, refusal-> ENDED
 */
#ifndef SIV_TALK_H
#define SIV_TALK_H

#include <linux/wait.h>

#include "ephemeral.h"
#include "host.h"
#include "keys.h"

enum siv_talk_state {
	SIV_TALK_NEW = 0, /* waits for its turn, or its first message 2 */
	SIV_TALK_LIVE,	  /* @live is a session */
	SIV_TALK_ENDED,	  /* @why says why */
};

enum {
	SIV_TALK_QUEUE_MAX = 256, /* messages that wait for the window */
	SIV_TALK_QUEUE_HARD =
		8192, /* ... with ends, which find room for longer */
	SIV_TALK_PAIRS_MAX = 512, /* certificates known in a session */
	SIV_TALK_GRACE_MS = 2000, /* an old session is still listened to */
	SIV_TALK_DRAIN_MS = 500,  /* ... and may finish what it said */
};

/* A session of the core and the transforms that it borrows. */
struct siv_line {
	struct siv_session s;
	struct siv_aead *hs;
	struct siv_aead *tx;
	struct siv_aead *rx;
};

/* A message that waits for the window, or that must survive its session. */
struct siv_said {
	struct list_head link;
	u16 type;
	u16 len;
	u64 number; /* once it was sealed */
	u8 body[];
};

/**
 * struct siv_talk - one identity in one region
 * @ref: table 1 until it ends, each channel, listener and call 1
 * @link: in the host's table, under its lock
 * @host: with a reference
 * @id: identity, with a reference
 * @cert: its certificate when the talk began, with a reference
 * @generation: of the identity then
 * @user: told when the identity ends
 * @used: @user is registered
 * @state: under the host's lock; also read without it
 * @why: why it ended
 * @wait: for @state
 * @open: channels in the host's table, under the host's lock
 * @users: channels, listeners and callers that want a session, under the host's lock
 * @idle_ms: since when there are none
 * @live: the session in use, under the host's lock
 * @old: the one before, for SIV_TALK_GRACE_MS
 * @old_until_ms: when that is over
 * @next: handshake under way; the hello work's alone
 * @turn: in the queue for the hello, under the host's lock
 * @in_turn: it is there or has its turn
 * @holding: nothing more is said in @live: it is about to be replaced
 * @rekey_ms: when the next session is due
 * @liveness_ms: the host gives us up after this
 * @queue: struct siv_said not yet sealed, under the host's lock
 * @queued: how many
 * @unacked: struct siv_said that @live has sealed and that another session would repeat
 * @pairs: certificates the host has told us in this session, under the host's lock
 * @pair_count: how many
 * @pool: ephemerals made in advance
 * @end: the rest of the end, where sleeping is allowed
 */
struct siv_talk {
	struct kref ref;
	struct list_head link;
	struct siv_host *host;
	struct siv_identity *id;
	struct siv_identity_cert *cert;
	struct siv_identity_user user;
	bool used;
	enum siv_talk_state state;
	enum siv_reason why;
	wait_queue_head_t wait;
	unsigned int open;
	unsigned int users;
	u64 idle_ms;
	struct siv_line *live;
	struct siv_line *old;
	u64 old_until_ms;
	struct siv_line *next;
	struct list_head turn;
	bool in_turn;
	bool holding;
	u64 rekey_ms;
	u64 liveness_ms;
	struct list_head queue;
	unsigned int queued;
	struct list_head unacked;
	struct list_head pairs;
	unsigned int pair_count;
	struct siv_pool pool;
	struct work_struct end;
};

/**
 * siv_talk_use() - the talk of an identity, made on first use, counted as used
 * @host: where
 * @id: who
 * @cert: its certificate
 *
 * Return: the talk with a reference, or ERR_PTR: -ESTALE if @cert was replaced meanwhile.
 */
struct siv_talk *siv_talk_use(struct siv_host *host, struct siv_identity *id,
			      struct siv_identity_cert *cert);
/* siv_talk_use_more() - another user of a talk that is in use. */
void siv_talk_use_more(struct siv_talk *talk);
/* siv_talk_unuse() - the reverse of either. */
void siv_talk_unuse(struct siv_talk *talk);
void siv_talk_get(struct siv_talk *talk);
void siv_talk_put(struct siv_talk *talk);

/* siv_talk_is_live() - can it be talked to now? */
bool siv_talk_is_live(struct siv_talk *talk);

/**
 * siv_talk_say() - send a message, or queue it until the window or a session is there
 * @talk: the talk
 * @type: enum siv_msg_type
 * @body: its bytes
 * @len: how many
 *
 * Return: 0, or -ENODEV, -ENOBUFS, -ENOMEM and the message is not sent.
 */
int siv_talk_say(struct siv_talk *talk, u16 type, const void *body, size_t len);

/**
 * siv_talk_end() - this talk is over
 * @talk: the talk
 * @why: the cause
 *
 * Ends its channels and listeners; the session itself goes when they have said CLOSED,
 * or a second later. Idempotent; may sleep.
 */
void siv_talk_end(struct siv_talk *talk, enum siv_reason why);

/* siv_talk_doubt() - ask the host for a new session now: it may refuse it. */
void siv_talk_doubt(struct siv_talk *talk);

/* siv_talk_hh() - what ephemerals of the present session are bound to. */
void siv_talk_hh(struct siv_talk *talk, u8 hh[SIV_HASH_LEN]);

/* For host.c and hello.c, lock held. */

/* siv_talk_line() - the session of a tag, or NULL. */
struct siv_line *siv_talk_line(struct siv_talk *talk, u32 tag);
/* siv_talk_flush() - seal what waits, post what is due. */
void siv_talk_flush(struct siv_talk *talk, u64 now_ms);
/* siv_talk_install() - @next has become LIVE. */
void siv_talk_install(struct siv_talk *talk, const struct siv_payload2 *p2);
/* siv_talk_unfinished() - has the live session said something that is not acknowledged? */
bool siv_talk_unfinished(const struct siv_talk *talk);
/* siv_talk_goodbye() - say that this boot ends, if the session can still say it. */
void siv_talk_goodbye(struct siv_talk *talk, u64 now_ms);
/* siv_talk_tick() - what time brings; a reason if it brings the end. */
enum siv_reason siv_talk_tick(struct siv_talk *talk, u64 now_ms);
/*
 * siv_talk_end() in two halves: nobody can begin to use it between a decision for its
 * end and the end. siv_talk_decide() - lock held; true: siv_talk_finish() is to follow,
 * with the lock released.
 */
bool siv_talk_decide(struct siv_talk *talk, enum siv_reason why);
void siv_talk_finish(struct siv_talk *talk);

struct siv_line *siv_line_alloc(void);
void siv_line_free(struct siv_line *line);

#endif /* SIV_TALK_H */
