/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's side of a region's conversations with the host: mailbox, doorbells,
 * timers and limits. Who talks is in talk.h, one talk for each identity in use; what is
 * talked about (channels, listeners) is above and is called through struct
 * siv_host_client.
 *
 * A host lives for one life of its device: attach makes it, detach drops it, and a reset
 * makes another. Channels that outlive the life keep the old one, which answers nothing
 * any more.
 */
#ifndef SIV_HOST_H
#define SIV_HOST_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "device.h"
#include "hello.h"
#include "mailbox.h"

struct siv_talk;

enum {
	SIV_PRK_MAX = 64, /* pair secrets kept */
	SIV_PRK_IDLE_MS = 10 * 60 * 1000,
	SIV_COLD_BURST = 16, /* certificates verified at once, then ... */
	SIV_COLD_PER_S = 8,  /* ... this many a second, ... */
	/* ... of each peer, or of those that share a bucket */
	SIV_COLD_BUCKETS = 32,
	SIV_TICK_MS = 500, /* dates, idle sessions, silence */
	SIV_TALK_IDLE_MS = 10 * 60 * 1000,
};

/**
 * struct siv_bell - who wants to know that an own vector fired
 * @link: in its vector's list
 * @vector: own vector
 * @ring: hard-irq context, RCU read section: wake only
 * @recheck: the fallback's turn: compare the peer's words, wake if they moved; return
 *           true while anybody sleeps. RCU read section.
 */
struct siv_bell {
	struct list_head link;
	unsigned int vector;
	void (*ring)(struct siv_bell *bell);
	bool (*recheck)(struct siv_bell *bell);
};

/**
 * struct siv_bucket - a token bucket
 * @tokens: in thousandths
 * @ms: when that was true
 */
struct siv_bucket {
	u64 tokens;
	u64 ms;
};

/**
 * struct siv_host - one life of a device, seen from here
 * @ref: device 1, each talk 1
 * @dev: the device, with a reference
 * @lock: mailbox, sessions, tables (@talks, @channels, @listeners and what is in them)
 * @mb: our box
 * @talks: struct siv_talk
 * @channels: floor 6's channels that touch the region or may do so
 * @listeners: floor 6's
 * @ended: why this life is over, or SIV_OK; set once, under @lock
 * @leaving: why goodbye is being said, or SIV_OK: nothing begins any more, and what the
 *           host says is nobody's business; set once, under @lock
 * @wq: ordered: opens records and dispatches, posts, ticks
 * @scan: a record may be there
 * @post: something is to be posted again
 * @post_ms: when it runs; 0: it does not
 * @tick: twice a second
 * @fallback: re-checks memory for lost doorbells
 * @hello: the session handshake
 * @slot: private copy of a slot; @wq only
 * @plain: its plaintext; @wq only
 * @request: last request id
 * @time: newest authenticated host time, seconds; under @lock
 * @time_ns: CLOCK_BOOTTIME when it arrived
 * @vectors: own vectors that may be used; 0 until the host said so
 * @host_anchor: serial of the anchor that verified the host certificate; 0: none did
 * @host_verified_ms: when
 * @host_pub: its public key
 * @host_hash: its hash
 * @host_not_after: its end
 * @bells: per vector, RCU lists
 * @bell_lock: serialises changes of them and arming
 * @prk_lock: protects @prks
 * @prks: struct siv_pair with a secret, least recently used first
 * @prk_count: how many
 * @cold_lock: protects @cold
 * @cold: certificates that may be verified, by the peer number of whose they are
 */
struct siv_host {
	struct kref ref;
	struct siv_device *dev;
	struct mutex lock;
	struct siv_mailbox mb;
	struct list_head talks;
	struct list_head channels;
	struct list_head listeners;
	enum siv_reason ended;
	enum siv_reason leaving;
	struct workqueue_struct *wq;
	struct work_struct scan;
	struct delayed_work post;
	u64 post_ms;
	struct delayed_work tick;
	struct delayed_work fallback;
	struct siv_hello hello;
	u8 *slot;
	u8 *plain;
	atomic64_t request;
	s64 time;
	u64 time_ns;
	unsigned int vectors;
	int host_anchor;
	u64 host_verified_ms;
	u8 host_pub[SIV_KEY_LEN];
	u8 host_hash[SIV_HASH_LEN];
	s64 host_not_after;
	struct list_head bells[SIV_VECTORS_MAX];
	struct mutex bell_lock;
	spinlock_t prk_lock;
	struct list_head prks;
	unsigned int prk_count;
	spinlock_t cold_lock;
	struct siv_bucket cold[SIV_COLD_BUCKETS];
};

/**
 * struct siv_host_client - floor 6, told what the host says
 * @message: a record opened; @wq, no lock held; @body is checked and valid for the call
 * @live: a session of this talk became LIVE: say what waited for it; may sleep
 * @ended: this talk is over: end its channels and listeners; may sleep
 * @quiesce: the device's life is over: end everything of @host and wait for it
 * @tick: twice a second, process context: dates
 * @waits: does anybody sleep until the host says something? process context
 */
struct siv_host_client {
	void (*message)(struct siv_talk *talk, u16 type, struct siv_span body);
	void (*live)(struct siv_talk *talk);
	void (*ended)(struct siv_talk *talk, enum siv_reason why);
	void (*quiesce)(struct siv_host *host, enum siv_reason why);
	void (*tick)(struct siv_host *host);
	bool (*waits)(struct siv_host *host);
};

/* Registered once, before the first device. */
void siv_host_client_set(const struct siv_host_client *client);
extern const struct siv_host_client *siv_host_client;

/* Certificates and Diffie-Hellman of responders and sessions: unbound, two at a time. */
extern struct workqueue_struct *siv_crypto_wq;
/* Ends of things, which wait for readers: unbound. */
extern struct workqueue_struct *siv_end_wq;

/* siv_host_init() - workqueues; become the devices' client. */
int siv_host_init(void);
void siv_host_exit(void);

/* siv_host_of() - the present life of a device, with a reference; NULL if it is down. */
struct siv_host *siv_host_of(struct siv_device *dev);
void siv_host_get(struct siv_host *host);
void siv_host_put(struct siv_host *host);

/* siv_host_lock_held() - for the first line of helpers. */
#define siv_host_lock_held(host) lockdep_assert_held(&(host)->lock)

/* Milliseconds that never go back. */
u64 siv_host_now_ms(void);
/* Milliseconds that have passed since then; 0 if it lies ahead. */
u64 siv_host_since_ms(u64 then_ms);
/* siv_host_time() - the time to judge certificates by. */
s64 siv_host_time(struct siv_host *host);

/* siv_host_post_at() - have the posting work run at @ms at the latest; lock held. */
void siv_host_post_at(struct siv_host *host, u64 ms);
/* siv_host_kick() - look at the slots now: somebody waits and a bell may be lost. */
void siv_host_kick(struct siv_host *host);

/**
 * siv_host_bell_add() - hear an own vector, armed while anybody does
 * @host: whose
 * @bell: all but @link filled in
 *
 * Return: 0, -EINVAL for a vector that does not exist or is the host's.
 */
int siv_host_bell_add(struct siv_host *host, struct siv_bell *bell);
/* siv_host_bell_del() - stop; parks the vector after the last; RCU readers may linger. */
void siv_host_bell_del(struct siv_host *host, struct siv_bell *bell);
/* siv_host_fallback() - somebody is about to sleep: have the re-check run. */
void siv_host_fallback(struct siv_host *host);

/* siv_host_cold_ok() - take a token for verifying one certificate of a peer's. */
bool siv_host_cold_ok(struct siv_host *host, u32 peer);

#endif /* SIV_HOST_H */
