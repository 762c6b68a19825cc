/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The channel: its life, its states, its references.
 *
 * Locks, outer to inner. Nothing is taken against this order; what is not in one line
 * with another lock is never held together with it.
 *
 *   PCI device's lock > dev->life > host->lock
 *   ch->tx.io, ch->rx.io     one direction's user threads, taken interruptibly; the only
 *                            locks under which user memory is touched
 *     > mm->mmap_lock        by a fault on that memory; the fault and mmap handlers take
 *                            none of our locks, only the device's gate (SRCU)
 *     > ch->tx.seal, ch->rx.seal  a direction's keys: held to seal or open, never longer
 *   ch->windows.lock         files and their inode: open, release, teardown
 *     > i_mmap_rwsem         the kernel's: mappings are taken away
 *   ch->connect_lock         struct siv_connect: one step of the handshake at a time
 *     > host->lock           sessions, mailbox, tables
 *       > ch->lock           spinlock, leaf: state, wake-up requests
 *     > host->bell_lock      vectors
 *   pair->verify             a certificate's verification; outside of all of the above
 *   key->sem > id->lock      in keys.c: no key is looked up under any of our locks
 *   dev->srcu                inside any of them; inside it nobody sleeps on a peer or on
 *                            user memory
 *
 * End, revoke and remove take neither tx.io nor rx.io: a user thread may be stuck there
 * in a page fault that never returns.
 *
 * Life:
 *
 *   CONNECTING -proved-> OPEN -close, peer's close-> CLOSING -> ENDED
 *   any -abort-> ENDED
 *
 *   end       why it is over is decided, once; everybody is woken
 *   teardown  nothing here touches the region any more: mappings zapped, copies done,
 *             vector parked, keys wiped; then the host is told CLOSED. At once after an
 *             abort, but a mapped channel whose peer has gone keeps its memory until its
 *             owner closes: a peer must not be able to crash its partner.
 *
 * References: the host's table 1 until teardown, each file 1, the node 1, the queue of a
 * listener 1, each work under way 1. Freed after an RCU grace period.
 */
#ifndef SIV_CHANNEL_H
#define SIV_CHANNEL_H

#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/uidgid.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include <linux/sivshmem.h>

#include "core/connect.h"
#include "core/ring.h"
#include "core/seal.h"
#include "event.h"
#include "host.h"
#include "talk.h"
#include "window.h"

struct siv_listener;
struct siv_node;
struct siv_pair;

enum {
	SIV_LINGER_MS = 10000, /* unread own data keeps the extent this long */
	SIV_RESPONDER_MS = 5000, /* ACCEPT to GRANT_B */
	SIV_CHUNK = 65536,	 /* bytes copied in one read section */
	SIV_TIMEOUT_DEFAULT_MS = 5000,
	SIV_TIMEOUT_MAX_MS = 30000,
};

/**
 * enum siv_channel_flag - bits of @flags
 * @SIV_CHANNEL_WANTS: A: OPEN is to be sent when a session is there
 * @SIV_CHANNEL_OPENED: the handshake succeeded, once
 * @SIV_CHANNEL_ZAP: mappings are to go, or have gone
 * @SIV_CHANNEL_TEARDOWN: teardown is queued or done
 * @SIV_CHANNEL_TOLD: the host has told us the end, or was told
 * @SIV_CHANNEL_CLOSED: the last file was closed
 * @SIV_CHANNEL_PEER_WR: the peer's end mark: remembered, for it may take it back
 * @SIV_CHANNEL_PEER_RD: likewise
 * @SIV_CHANNEL_OWN_WR: our end mark
 * @SIV_CHANNEL_OWN_RD: likewise
 * @SIV_CHANNEL_FIN_SENT: our stream's proved end was sent
 */
enum siv_channel_flag {
	SIV_CHANNEL_WANTS,
	SIV_CHANNEL_OPENED,
	SIV_CHANNEL_ZAP,
	SIV_CHANNEL_TEARDOWN,
	SIV_CHANNEL_TOLD,
	SIV_CHANNEL_CLOSED,
	SIV_CHANNEL_PEER_WR,
	SIV_CHANNEL_PEER_RD,
	SIV_CHANNEL_OWN_WR,
	SIV_CHANNEL_OWN_RD,
	SIV_CHANNEL_FIN_SENT,
};

/* How a channel is used: decided by the first use, for its life. */
enum siv_channel_mode {
	SIV_MODE_NONE = 0,
	SIV_MODE_RW,
	SIV_MODE_MAP,
};

/**
 * struct siv_channel_tx - our ring
 * @io: one writer at a time
 * @ring: positions
 * @base: the ring in the region; valid inside the gate
 * @seal: protects @keys
 * @keys: sealed channels
 * @t: their transform
 * @buf: sealed: private copy of a record, sealed in place; under @io
 * @need: bytes that the last EAGAIN lacked: poll waits for as many
 * @want: wake-up request as published, under ch->lock
 * @spin_ns: how long waiting may spin
 * @records: written
 * @bytes: likewise
 */
struct siv_channel_tx {
	struct mutex io;
	struct siv_tx ring;
	u8 *base;
	struct mutex seal;
	struct siv_seal keys;
	struct siv_aead *t;
	u8 *buf;
	u64 need;
	siv_pos want;
	unsigned int spin_ns;
	u64 records;
	u64 bytes;
};

/* No proved end of the peer's stream yet. */
#define SIV_NO_FIN U64_MAX

/**
 * struct siv_channel_rx - the peer's ring
 * @io: one reader at a time
 * @ring: positions
 * @base: the ring in the region; valid inside the gate
 * @seal: protects @keys
 * @keys: sealed channels
 * @t: their transform
 * @buf: sealed: private copy of a record, opened in place; under @io
 * @held: sealed: bytes in @buf that were opened and not yet delivered; under @io
 * @fin: where the peer's stream ends, proved; SIV_NO_FIN before
 * @want: wake-up request as published, under ch->lock
 * @spin_ns: how long waiting may spin
 * @records: read
 * @bytes: likewise
 */
struct siv_channel_rx {
	struct mutex io;
	struct siv_rx ring;
	const u8 __peer *base;
	struct mutex seal;
	struct siv_seal keys;
	struct siv_aead *t;
	u8 *buf;
	u64 held;
	u64 fin;
	siv_pos want;
	unsigned int spin_ns;
	u64 records;
	u64 bytes;
};

/**
 * struct siv_channel - one end of a channel
 * @ref: see above
 * @rcu: freed after readers of a vector's list
 * @host: with a reference
 * @talk: with a reference, counted as its user
 * @link: in the host's table, under its lock
 * @a: we connected
 * @uflags: SIVSHMEM_* of CONNECT or LISTEN
 * @flags: SIV_CHANNEL_*
 * @lock: protects @state, @why, @tx.want
 * @state: enum sivshmem_state; read without the lock, by siv_channel_state()
 * @why: why it ended; the first cause, but for an orderly close: while the channel is
 *       CLOSING, what ends it takes its place
 * @mode: enum siv_channel_mode, by cmpxchg
 * @wait: for everything
 * @connect_lock: protects @connect, @hs
 * @connect: the handshake, later FIN
 * @hs: its transform
 * @grant: A: GRANT_A with certificate, copied; taken by whoever judges it
 * @request: A: id of OPEN
 * @suite: enum siv_suite
 * @ring_tx: bytes, as agreed
 * @ring_rx: likewise
 * @pair: B: the caller's certificate, with a reference
 * @cid: the generation, once known; under the host's lock, 0 before
 * @common: what was granted
 * @ranges: what it takes of the region, under the host's lock; len 0 before
 * @peer: the other end's peer number
 * @vector: own vector, 0 before
 * @bell: our place in its list
 * @belled: @bell is there
 * @seen_prod: the peer's words as the fallback saw them last
 * @seen_cons: likewise
 * @seen_end: likewise
 * @tx: our ring
 * @rx: the peer's ring
 * @max_record: largest that can be sent
 * @not_after: first end of the three certificates
 * @timeout: of the handshake
 * @open_work: A, non-blocking: judges the grant
 * @linger: closed by its owner, not yet read by the peer
 * @linger_until_ms: at most so long
 * @linger_ms: until the next look
 * @teardown: where sleeping is allowed
 * @listener: B: whose it is, until accepted, under the host's lock
 * @queue: in the listener's queue, likewise
 * @windows: files, and what they may map
 * @node: floor 7's, under a lock of its own
 * @minor: N, or SIVSHMEM_NO_MINOR
 * @uid: who called
 * @started_ns: CONNECT or INCOMING
 * @handshake_ns: until the peer was proved
 * @x25519_ns: of that, in steps that are Diffie-Hellman
 * @bells_sent: doorbells rung
 * @bells_before: the vector's count when the channel opened
 * @epoch: copied, for INFO after the device has gone
 * @region: likewise
 * @service: that was connected to
 * @vm: the pin of CONNECT
 * @peer_vm: from the peer's certificate
 * @peer_service: likewise
 * @peer_cert: its hash
 */
struct siv_channel {
	struct kref ref;
	struct rcu_head rcu;
	struct siv_host *host;
	struct siv_talk *talk;
	struct list_head link;
	bool a;
	u32 uflags;
	unsigned long flags;
	spinlock_t lock;
	u32 state;
	enum siv_reason why;
	int mode;
	wait_queue_head_t wait;

	struct mutex connect_lock;
	struct siv_connect connect;
	struct siv_aead *hs;
	struct siv_grant_a *grant;
	u64 request;
	u16 suite;
	u64 ring_tx;
	u64 ring_rx;
	struct siv_pair *pair;
	u64 cid;
	struct siv_common common;
	struct siv_range ranges[2];
	u32 peer;
	unsigned int vector;
	struct siv_bell bell;
	bool belled;
	siv_pos seen_prod;
	siv_pos seen_cons;
	siv_pos seen_end;

	struct siv_channel_tx tx;
	struct siv_channel_rx rx;
	u64 max_record;
	s64 not_after;

	struct delayed_work timeout;
	struct work_struct open_work;
	struct delayed_work linger;
	u64 linger_until_ms;
	unsigned int linger_ms;
	struct work_struct teardown;

	struct siv_listener *listener;
	struct list_head queue;

	struct siv_windows windows;
	struct siv_node *node;
	u32 minor;
	kuid_t uid;

	u64 started_ns;
	u64 handshake_ns;
	u64 x25519_ns;
	u64 bells_sent;
	u64 bells_before;
	u8 epoch[SIV_EPOCH_LEN];
	char region[SIV_NAME_LEN];
	char service[SIV_NAME_LEN];
	char vm[SIV_NAME_LEN];
	char peer_vm[SIV_NAME_LEN];
	char peer_service[SIV_NAME_LEN];
	u8 peer_cert[SIV_HASH_LEN];
};

/* siv_channel_state() - enum sivshmem_state, and what was set before it is seen, too. */
static inline u32 siv_channel_state(const struct siv_channel *ch)
{
	/* pairs with siv_channel_state_set() */
	return smp_load_acquire(&ch->state);
}

/* siv_channel_state_set() - ch->lock held; the cause of an end is set before it. */
static inline void siv_channel_state_set(struct siv_channel *ch, u32 state)
{
	lockdep_assert_held(&ch->lock);
	/* pairs with siv_channel_state() */
	smp_store_release(&ch->state, state);
}

/* ------------------------------------------------------------ channel.c: life */

int siv_channel_init(void);
void siv_channel_exit(void);

/**
 * struct siv_channel_client - floor 7, which shows channels
 * @opened: a channel is OPEN; may sleep
 * @closed: it is not to be shown any more; must not sleep; may come twice, or alone
 * @gone: the device goes: show none of this host's, and wait until that is so; may sleep
 */
struct siv_channel_client {
	void (*opened)(struct siv_channel *ch);
	void (*closed)(struct siv_channel *ch);
	void (*gone)(struct siv_host *host);
};

/* Registered once, before the first device. */
void siv_channel_client_set(const struct siv_channel_client *client);
extern const struct siv_channel_client *siv_channel_client;

/**
 * siv_channel_alloc() - a channel in state CONNECTING, in the host's table
 * @talk: a talk in use: the channel takes its own share
 * @a: we connect
 * @uflags: SIVSHMEM_*
 * @suite: enum siv_suite
 * @out: set to the channel, with a reference for the caller
 *
 * Return: SIV_OK, or why there is none: the suite, memory, or what has ended.
 */
enum siv_reason __must_check siv_channel_alloc(struct siv_talk *talk, bool a,
					       u32 uflags, u16 suite,
					       struct siv_channel **out);
void siv_channel_get(struct siv_channel *ch);
void siv_channel_put(struct siv_channel *ch);

/**
 * siv_channel_end() - it is over
 * @ch: the channel
 * @why: the cause; the first one is kept, but for an orderly close's
 * @told: the host knows already: it said so
 *
 * Any process context, no lock but host->lock held.
 */
void siv_channel_end(struct siv_channel *ch, enum siv_reason why, bool told);
/**
 * siv_channel_broken() - the peer broke a rule, or a record does not open: the end
 * @ch: the channel
 * @at: in what
 * @why: the cause
 *
 * Also of a channel that is CLOSING. Return: @why's errno, or what calls get if it has
 * ended already: then that was the event.
 */
int siv_channel_broken(struct siv_channel *ch, enum siv_event_place at,
		       enum siv_reason why);
/* siv_channel_close() - the last file was closed: linger, or end. */
void siv_channel_close(struct siv_channel *ch);
/**
 * siv_channel_shutdown() - set own end marks
 * @ch: the channel
 * @marks: SIV_END_WR, SIV_END_RD
 * @position: by mapping: the final position of our producer
 */
int siv_channel_shutdown(struct siv_channel *ch, unsigned int marks,
			 u64 position);

/* siv_channel_enter() - the device's gate, if this channel may still touch the region. */
bool __must_check siv_channel_enter(struct siv_channel *ch, int *idx);
void siv_channel_leave(struct siv_channel *ch, int idx);
/* siv_channel_ring() - ring the peer; inside the gate. */
void siv_channel_ring(struct siv_channel *ch);

/*
 * siv_channel_claim() - first use decides: 0, -EBUSY if it is used the other way,
 * -EOPNOTSUPP by mapping if it is sealed.
 */
int siv_channel_claim(struct siv_channel *ch, enum siv_channel_mode mode);
/* siv_channel_why() - what calls get from a channel that has ended: not SIV_OK. */
enum siv_reason siv_channel_why(const struct siv_channel *ch);
/* siv_channel_errno() - likewise, as an errno. */
int siv_channel_errno(const struct siv_channel *ch);
bool siv_channel_sealed(const struct siv_channel *ch);

/* siv_channel_by_cid() - with a reference, or NULL; host->lock held. */
struct siv_channel *siv_channel_by_cid(struct siv_talk *talk, u64 cid);

/* -------------------------------------------- channel_connect.c: the handshake */

/**
 * struct siv_connect_ask - what CONNECT asks for
 * @ring_tx: bytes
 * @ring_rx: bytes
 * @service: NUL-terminated
 * @vm: pin or ""
 */
struct siv_connect_ask {
	u64 ring_tx;
	u64 ring_rx;
	const char *service;
	const char *vm;
};

/* siv_channel_connect() - begin: OPEN now, or when a session is there. */
void siv_channel_connect(struct siv_channel *ch,
			 const struct siv_connect_ask *ask,
			 unsigned int timeout_ms);
/**
 * siv_channel_connect_wait() - until the peer is proved
 * @ch: the channel
 * @timeout_ms: for how long
 *
 * Interruptible; on a signal or a timeout the channel has ended. Return: 0, -EINTR,
 * -ETIMEDOUT, or why it failed.
 */
int siv_channel_connect_wait(struct siv_channel *ch, unsigned int timeout_ms);
/* Messages from the host; dispatched by channel.c. */
void siv_channel_got_grant_a(struct siv_talk *talk, struct siv_span body);
void siv_channel_got_incoming(struct siv_talk *talk, struct siv_span body);
void siv_channel_got_grant_b(struct siv_talk *talk, struct siv_span body);
void siv_channel_got_failed(struct siv_talk *talk, struct siv_span body);
void siv_channel_open_work(struct work_struct *work);
void siv_channel_timeout_work(struct work_struct *work);
/* siv_channel_send_open() - A: the session is there. */
void siv_channel_send_open(struct siv_channel *ch);
/* siv_channel_say_close() - CLOSE and CLOSED, or one of them. */
void siv_channel_say_close(struct siv_channel *ch);

/* ------------------------------------------------------- channel_rw.c: records */

ssize_t siv_channel_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t siv_channel_write_iter(struct kiocb *iocb, struct iov_iter *from);

/* ---------------------------------------------------- channel_seal.c: likewise */

int siv_channel_seal_init(struct siv_channel *ch, u16 suite);
/* siv_channel_seal_start() - take the keys of a finished handshake; connect_lock held. */
enum siv_reason siv_channel_seal_start(struct siv_channel *ch);
void siv_channel_seal_wipe(struct siv_channel *ch);
void siv_channel_seal_free(struct siv_channel *ch);
/* siv_channel_seal_load() - a record's bytes from user memory, whole. */
int siv_channel_seal_load(struct siv_channel *ch, u64 len,
			  struct iov_iter *from);
/* siv_channel_seal_put() - seal them, and copy them to the ring. */
int siv_channel_seal_put(struct siv_channel *ch, u64 len);
/* siv_channel_seal_get() - copy a record from the ring and open it; it is held then. */
int siv_channel_seal_get(struct siv_channel *ch, const u8 hdr[SIV_RECORD_HDR],
			 u64 len);
/* siv_channel_seal_deliver() - what is held, to user memory. */
int siv_channel_seal_deliver(struct siv_channel *ch, struct iov_iter *to);
void siv_channel_send_fin(struct siv_channel *ch, u64 position);
void siv_channel_got_fin(struct siv_talk *talk, struct siv_span body);

/* ------------------------------------------------------ channel_wait.c: waiting */

/* A short wait without sleeping, adaptive: as long as it pays. */
struct siv_spin {
	u64 until;
	unsigned int *ns;
};

void siv_spin_begin(struct siv_spin *spin, unsigned int *ns);
bool siv_spin_more(struct siv_spin *spin);
void siv_spin_end(struct siv_spin *spin, bool came);

__poll_t siv_channel_poll(struct file *file, poll_table *wait);
/* siv_channel_peer_marks() - read the peer's end marks and remember them; in the gate. */
void siv_channel_peer_marks(struct siv_channel *ch);
/* siv_channel_arm_tx() - ask to be rung at @target, or earlier; in the gate. */
void siv_channel_arm_tx(struct siv_channel *ch, siv_pos target, siv_pos cons);
/* siv_channel_arm_rx() - ask to be rung when the peer's producer reaches @target. */
void siv_channel_arm_rx(struct siv_channel *ch, siv_pos target);
void siv_channel_bell_ring(struct siv_bell *bell);
bool siv_channel_bell_recheck(struct siv_bell *bell);
long siv_channel_wait_ioctl(struct siv_channel *ch,
			    const struct sivshmem_wait *w);
/* ------------------------------------------------------- channel_info.c, _file.c */

void siv_channel_info(struct siv_channel *ch, struct sivshmem_info *info);

/* siv_channel_file() - a descriptor's file for a channel: CONNECT and ACCEPT. */
struct file *siv_channel_file(struct siv_channel *ch, unsigned int flags);
/* siv_channel_file_setup() - what every file needs; siv_windows_open() first. */
void siv_channel_file_setup(struct siv_channel *ch, struct file *file);
/* siv_channel_file_close() - the reverse of siv_windows_open(). */
void siv_channel_file_close(struct siv_channel *ch);
int siv_channel_mmap(struct file *file, struct vm_area_struct *vma);
long siv_channel_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int siv_channel_release(struct inode *inode, struct file *file);

#endif /* SIV_CHANNEL_H */
