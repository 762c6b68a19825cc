/* SPDX-License-Identifier: GPL-2.0-only */
/* A listener: an identity that takes channels; its descriptor and its queue. */
#ifndef SIV_LISTENER_H
#define SIV_LISTENER_H

#include <linux/kref.h>
#include <linux/wait.h>

#include "channel.h"

enum siv_listener_state {
	SIV_LISTENER_ASKING = 0, /* LISTEN is to be sent, or was */
	SIV_LISTENER_OPEN,
	SIV_LISTENER_ENDED,
};

enum {
	SIV_ALLOW_MAX = 4096,
};

/**
 * struct siv_listener - one descriptor of LISTEN
 * @ref: file 1, table 1
 * @link: in the host's table, under its lock
 * @talk: with a reference, counted as its user
 * @request: id of LISTEN
 * @state: under the host's lock
 * @why: why it ended
 * @uflags: SIVSHMEM_*
 * @backlog: channels that may wait, handshakes included
 * @waiting: how many do, under the host's lock
 * @ring_max: 0: no limit
 * @queue: channels that are OPEN and not accepted, under the host's lock
 * @wait: for @state and @queue
 * @uid: who called
 * @allow_len: bytes at @allow
 * @allow: checked list of callers, or empty: whom the policy allows
 */
struct siv_listener {
	struct kref ref;
	struct list_head link;
	struct siv_talk *talk;
	u64 request;
	enum siv_listener_state state;
	enum siv_reason why;
	u32 uflags;
	unsigned int backlog;
	unsigned int waiting;
	u64 ring_max;
	struct list_head queue;
	wait_queue_head_t wait;
	kuid_t uid;
	size_t allow_len;
	char *allow;
};

/**
 * siv_listener_new() - listen, and wait until the host said yes
 * @talk: a talk in use: the listener takes its own share
 * @ask: checked argument
 * @allow: list of callers, taken over: kvfree()d with the listener, or on failure
 * @timeout_ms: for the answer
 *
 * Return: the listener's file, or ERR_PTR.
 */
struct file *siv_listener_new(struct siv_talk *talk,
			      const struct sivshmem_listen *ask, char *allow,
			      unsigned int timeout_ms);
/* siv_allow_check() - is this a list of VM/SERVICE lines? */
bool siv_allow_check(const char *list, size_t len);
/* siv_allow_has() - does a checked list name this caller? */
bool siv_allow_has(const char *list, size_t len, struct siv_span vm,
		   struct siv_span service);

/* siv_listener_waits() - does anybody sleep on a listener? host->lock held. */
bool siv_listener_waits(struct siv_host *host);
/* siv_listener_of() - the listener of a talk, if it listens; host->lock held. */
struct siv_listener *siv_listener_of(struct siv_talk *talk);
void siv_listener_put(struct siv_listener *l);
/* siv_listener_queue() - B: a channel is OPEN; false if nobody listens any more. */
bool siv_listener_queue(struct siv_channel *ch);
/* siv_listener_forget() - B: a channel has ended; true if it was not accepted. */
bool siv_listener_forget(struct siv_channel *ch);
void siv_listener_got_result(struct siv_talk *talk, struct siv_span body);
/* siv_listener_live() - a new session: say LISTEN in it. */
void siv_listener_live(struct siv_talk *talk);
/* siv_listener_ended() - a talk is over, or with NULL all of @host's. */
void siv_listener_ended(struct siv_host *host, struct siv_talk *talk,
			enum siv_reason why);

#endif /* SIV_LISTENER_H */
