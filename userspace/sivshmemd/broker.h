/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The broker: what sessions say, and what is decided about it. Four files share these
 * objects, each above the next:
 *
 *   broker.c    messages to the right place; policy, CRL and revocations applied
 *   hello.c     message 1 of a session: who is that?
 *   relay.c     connects: OPEN to ESTABLISHED, FIN, CLOSE
 *   channel.c   a channel's life, memory and quotas
 *   session.c   records in and out, timers of sessions
 */
#ifndef SIVD_BROKER_H
#define SIVD_BROKER_H

#include <sys/queue.h>

#include "certs.h"
#include "core/connect.h"
#include "crl.h"
#include "denied.h"
#include "map.h"
#include "region.h"

struct broker;
struct channel;
struct session;

enum {
	SESSION_KNOWN =
		64, /* certificates that a guest was sent in a session */
	SESSION_LETTERS_MAX = 1024, /* messages that wait for the window */
	SESSION_GRACE_MS =
		2000, /* what was said before the end may still be read */
	SCRUB_STEP = 256 << 10, /* bytes per turn of the loop */
	HELLO_BURST_S = 3,	/* seconds of hello_rate at once */
};

/* A message that waits for the session's window. */
struct letter {
	STAILQ_ENTRY(letter) link;
	u16 type;
	size_t len;
	u8 body[];
};

STAILQ_HEAD(letter_queue, letter);
LIST_HEAD(side_list, side);

enum session_phase {
	SESSION_HEARD,	 /* being judged */
	SESSION_PENDING, /* message 2 is made; READY is awaited */
	SESSION_LIVE,
	SESSION_OLD,   /* replaced by @heir: its last words are delivered */
	SESSION_DYING, /* ended by us: likewise */
};

/**
 * struct listener - of a session that listens
 * @request: of LISTEN; 0: does not listen
 * @inherited: from the session that this one replaced: a LISTEN of any request renews it
 * @flags: SIV_CH_SEALED: only sealed channels
 * @backlog: at most so many in @waiting
 * @waiting: connects that it has not accepted yet
 * @ring_max: its own limit; 0: none
 */
struct listener {
	u64 request;
	bool inherited;
	u32 flags;
	u32 backlog;
	u32 waiting;
	u64 ring_max;
};

/**
 * struct side - one end of a channel
 * @channel: whose end it is
 * @session: through which its VM hears of it; NULL: none is live
 * @desk: its VM
 * @a: it is the end that connected
 * @granted: it was told where the memory is
 * @closed: it cannot touch the memory any more
 * @boot: boot nonce of the session it began in
 * @service: of its identity
 * @cert_hash: its certificate's
 * @serial: its certificate's serial number
 * @serial_len: bytes of @serial
 * @not_after: the end of its certificate
 * @of_session: in the session's list
 * @of_desk: in the VM's list, until @closed
 */
struct side {
	struct channel *channel;
	struct session *session;
	struct desk *desk;
	bool a;
	bool granted;
	bool closed;
	u8 boot[SIV_NONCE_LEN];
	char service[SIV_NAME_LEN];
	u8 cert_hash[SIV_HASH_LEN];
	u8 serial[CERTS_SERIAL_MAX];
	u8 serial_len;
	s64 not_after;
	LIST_ENTRY(side) of_session;
	LIST_ENTRY(side) of_desk;
};

/* What a channel waits for before its next grant. */
enum channel_wait {
	CHANNEL_READY,
	CHANNEL_WAITS_MEMORY, /* the scrubber */
	CHANNEL_WAITS_A,      /* A's QEMU to read its doorbells */
	CHANNEL_WAITS_B,
};

/**
 * struct channel_kept - what of a channel must outlive this process (region.h)
 * @cid: the generation
 * @common: as granted; its extent and side pages are what the allocator must reserve
 * @service: that was connected to
 */
struct channel_kept {
	u64 cid;
	struct siv_common common;
	char service[SIV_NAME_LEN];
};

/**
 * struct channel - a connect, then a channel, then memory in limbo
 * @kept: what outlives this process
 * @b: the broker
 * @r: the region
 * @yard: the region's
 * @state: the relay's (core/connect.h)
 * @wait: for what, before the next grant
 * @extent: its memory, once B has accepted
 * @a: the end that connected
 * @b_side: the end that listens
 * @request: A's id of OPEN
 * @suite: as A asked
 * @flags: as A asked
 * @ring_ab: as A asked
 * @ring_ba: as A asked
 * @end_code: wire code, once it has ended
 * @n: the nonce
 * @e_a: A's ephemeral public key
 * @m2: from ACCEPT, for GRANT_A
 * @m3: from CONFIRM, for GRANT_B
 * @have_fin: @fin came before GRANT_B went
 * @fin: A's
 * @bytes: charged to the VM that opened it, at the end to the one that owes CLOSED
 * @charged: whose quota @bytes are
 * @timed: it is in the yard's list
 * @deadline_ms: of that step
 * @opened_ms: when OPEN came
 * @handshake: in the yard's list, while a step is awaited
 * @waiting: in the list that @wait says
 * @expiry: end of the first certificate
 */
struct channel {
	struct channel_kept kept;
	struct broker *b;
	struct region *r;
	struct yard *yard;
	enum siv_relay_state state;
	enum channel_wait wait;
	struct extent *extent;
	struct side a;
	struct side b_side;
	u64 request;
	u16 suite;
	u32 flags;
	u64 ring_ab;
	u64 ring_ba;
	u32 end_code;
	u8 n[32];
	u8 e_a[SIV_KEY_LEN];
	u8 m2[48];
	u8 m3[48];
	bool have_fin; /* A's, come before GRANT_B went */
	struct siv_fin fin;
	u64 bytes;
	struct desk *charged;
	bool timed;
	u64 deadline_ms;
	u64 opened_ms;
	TAILQ_ENTRY(channel) handshake;
	TAILQ_ENTRY(channel) waiting;
	sd_event_source *expiry;
};

TAILQ_HEAD(channel_queue, channel);

/**
 * struct yard - the channels of a region
 * @b: the broker
 * @r: the region
 * @handshakes: oldest deadline first; all steps have the same time
 * @memory: channels that wait for the scrubber
 * @timer: of @handshakes
 * @scrub: runs while something is dirty
 * @armed_ms: when @timer fires; 0: it does not
 */
struct yard {
	struct broker *b;
	struct region *r;
	struct channel_queue handshakes;
	struct channel_queue memory;
	sd_event_source *timer;
	sd_event_source *scrub;
	u64 armed_ms;
};

/**
 * struct session - one identity's conversation with us
 * @core: the state machine
 * @b: the broker
 * @desk: its VM
 * @phase: where it is in its life
 * @heir: the session that has replaced it
 * @service: of its identity
 * @cert_der: its certificate
 * @cert: views into @cert_der
 * @boot: the boot nonce it came with
 * @listener: moved to its heir when replaced
 * @letters: not sealed yet
 * @letter_count: how many @letters
 * @known: certificates the guest was sent; a ring
 * @known_count: how many were put into @known
 * @born_s: when READY came, seconds since boot
 * @until_ms: when a phase other than LIVE is over
 * @armed_ms: when @timer fires; 0: it does not
 * @dirty: something is to be posted
 * @broken: a message was lost: its timer ends it
 * @dead: in the broker's list of those to free
 * @timer: of re-posting, silence, expiry
 * @sides: the ends of channels that it speaks for
 * @of_desk: in its VM's list
 * @of_dirty: in the list of dirty or of dead ones
 */
struct session {
	struct siv_session core;
	struct broker *b;
	struct desk *desk;
	enum session_phase phase;
	struct session *heir;
	char service[SIV_NAME_LEN];
	u8 cert_der[SIV_CERT_MAX];
	struct siv_cert cert;
	u8 boot[SIV_NONCE_LEN];
	struct listener listener;
	struct letter_queue letters;
	u32 letter_count;
	u8 known[SESSION_KNOWN][SIV_HASH_LEN];
	u32 known_count;
	u64 born_s;
	u64 until_ms;
	u64 armed_ms;
	bool dirty;
	bool broken;
	bool dead;
	sd_event_source *timer;
	struct side_list sides;
	TAILQ_ENTRY(session) of_desk;
	TAILQ_ENTRY(session) of_dirty;
};

TAILQ_HEAD(session_queue, session);

/**
 * struct desk - the sessions of a VM in a region
 * @b: the broker
 * @m: the VM
 * @yard: the region's channels
 * @sessions: in all phases but HEARD
 * @session_count: how many
 * @pending: the one that waits for READY
 * @challenge: what message 1 must echo
 * @outbox: what stands in the slots to the guest
 * @hellos: limits handshakes
 * @boot: of the boot that has live sessions
 * @m1: the last message 1 that authenticated, as it stood in its slot
 * @m1_len: bytes of @m1; 0: there was none
 * @answer: what was or will be posted for it
 * @answer_len: bytes of @answer
 * @answer_waits: until the QEMU has read its doorbells
 * @channels: charged to its quota
 * @bytes: likewise
 * @owing: its sides that are not closed
 * @waiting: channels whose next grant waits for its QEMU to read
 */
struct desk {
	struct broker *b;
	struct member *m;
	struct yard *yard;
	struct session_queue sessions;
	u32 session_count;
	struct session *pending;
	u8 challenge[SIV_NONCE_LEN];
	struct siv_outbox outbox;
	struct bucket hellos;
	u8 boot[SIV_NONCE_LEN];
	u8 m1[SIV_SLOT_SIZE];
	size_t m1_len;
	u8 answer[SIV_SLOT_SIZE];
	size_t answer_len;
	bool answer_waits;
	u32 channels;
	u64 bytes;
	struct side_list owing;
	struct channel_queue waiting;
};

/**
 * struct broker - all of it
 * @event: the loop
 * @audit: the log
 * @policy: in force
 * @regions: all
 * @yards: one for each region
 * @region_count: how many
 * @anchors: the CAs
 * @certs: signatures that were verified
 * @crl: revocations by the CA; NULL: none
 * @denied: kept: revocations by hand
 * @next_cid: kept
 * @next_session: kept
 * @channels: by cid
 * @spare: a session to hear the next message 1 with
 * @hs: handshakes never overlap: one transform for all
 * @dirty: sessions with something to post
 * @dead: sessions to free when nobody is inside them
 * @ephemeral_counter: no ephemeral is made twice
 * @session_count: in all phases but HEARD
 * @connects: how many were established
 * @stopping: no new sessions or channels
 */
struct broker {
	sd_event *event;
	struct audit *audit;
	struct policy *policy;
	struct region **regions;
	struct yard **yards;
	u32 region_count;
	struct siv_anchors *anchors;
	struct certs *certs;
	struct crl *crl;
	struct denied *denied;
	u64 next_cid;
	u64 next_session;
	struct map channels;
	struct session *spare;
	struct siv_aead *hs;
	struct session_queue dirty;
	struct session_queue dead;
	u64 ephemeral_counter;
	u32 session_count;
	u64 connects;
	bool stopping;
};

static inline struct broker *broker_of(const struct member *m)
{
	return m->r->owner;
}

/* ---------------------------------------------------------------- broker.c */

/**
 * broker_new() - a broker without regions
 * @event: the loop
 * @audit: the log
 *
 * Takes over nothing. Return: NULL without memory.
 */
struct broker *broker_new(sd_event *event, struct audit *audit);
void broker_free(struct broker *b);
extern const struct member_events broker_member_events;

/* broker_add_region() - takes @r over. */
int broker_add_region(struct broker *b, struct region *r);
/* broker_add_member() - and its desk. Return: NULL with errno. */
struct member *broker_add_member(struct broker *b, struct region *r,
				 const struct policy_vm *vm);
/* broker_remove_member() - its channels end, its QEMU is disconnected. */
void broker_remove_member(struct member *m);

/**
 * broker_adopt() - a new policy (taken over; the regions are the same)
 * @b: the broker
 * @p: taken over
 *
 * Ends what it does not allow any more. Members are added and removed by the caller.
 */
void broker_adopt(struct broker *b, struct policy *p);
/* broker_judge() - anchors, CRL, revocations have changed: end who is not good any more. */
void broker_judge(struct broker *b);
/* broker_stop() - tell all sessions that their channels end. */
void broker_stop(struct broker *b);
/* broker_flush() - post what is to be posted, ring, free what is dead. */
void broker_flush(struct broker *b);
/* broker_heard() - a message of a live session; may end it. */
void broker_heard(struct session *s, u16 type, struct siv_span body);

/* ----------------------------------------------------------------- hello.c */

/* hello_bell() - the HELLO doorbell, or a client that was just accepted. */
bool hello_bell(struct desk *d);
/* hello_challenge() - a new one, written where the guest reads it. */
void hello_challenge(struct desk *d);
/* hello_drained() - post the answer that waited. */
void hello_drained(struct desk *d);
/* hello_ready() - READY: the session exists. */
void hello_ready(struct session *s);
/* hello_judge() - all that can be wrong with a certificate, at this time. */
enum siv_reason hello_judge(struct broker *b, const struct region *r,
			    const char *vm, const struct siv_cert *cert);

/* --------------------------------------------------------------- session.c */

struct session *session_new(struct broker *b);
void session_free(struct session *s);
struct audit_who session_who(const struct session *s);
/* session_put() - into its VM's list, when it is pending. */
void session_put(struct session *s, struct desk *d);
/* session_by_service() - the live session of an identity. */
struct session *session_by_service(const struct desk *d, const char *service);
/**
 * session_send() - a message, now or when the window has room
 * @s: the session
 * @type: of the message
 * @body: its fixed part
 * @len: bytes at @body
 * @more: bytes after it
 *
 * A session that was replaced hands it to its heir; one that is not live drops it.
 */
void session_send(struct session *s, u16 type, const void *body, size_t len,
		  struct siv_span more);
/* session_mail() - look at the VM's slots; true if a record was taken. */
bool session_mail(struct desk *d);
/* session_soil() - have it posted by the next broker_flush(). */
void session_soil(struct session *s);
void session_post(struct session *s);
/* session_arm() - have its timer fire at @ms at the latest. */
void session_arm(struct session *s, u64 ms);
/* session_knows() - was the guest sent this certificate? Remembers that it now is. */
bool session_knows(struct session *s, const u8 hash[SIV_HASH_LEN]);
/**
 * session_end() - it is over
 * @s: the session
 * @why: for the audit log
 * @last_words: let it deliver what was sent before; else it is gone at once
 *
 * Its channels must have been ended before (relay_session_over()).
 */
void session_end(struct session *s, enum siv_reason why, bool last_words);

/* --------------------------------------------------------------- channel.c */

struct yard *yard_new(struct broker *b, struct region *r);
void yard_free(struct yard *y);
/* channel_new() - in state OPENED, with its sides; NULL without memory. */
struct channel *channel_new(struct session *a, struct session *b);
static inline struct side *channel_other(struct side *s)
{
	return s->a ? &s->channel->b_side : &s->channel->a;
}

/* channel_expect() - the next step must come in time. */
void channel_expect(struct channel *ch);
void channel_expect_none(struct channel *ch);
/* channel_wait() - put it where it will be taken up again. */
void channel_wait(struct channel *ch, enum channel_wait what);
/* channel_open() - ESTABLISHED: stop the clock, watch the certificates. */
void channel_open(struct channel *ch);
/**
 * channel_end() - it is over
 * @ch: may be freed
 * @code: wire code for who is told; 0: an orderly close
 * @from: the side that said so and knows, or NULL
 * @what: for the audit log
 *
 * Frees at once what was never granted; else the memory is in limbo until both sides
 * are closed. @what is for the audit log.
 */
void channel_end(struct channel *ch, u32 code, struct side *from,
		 const char *what);
/* channel_end_closed() - this side ends it, and cannot touch the memory any more. */
void channel_end_closed(struct side *s, u32 code, const char *what);
/* channel_closed() - this side cannot touch the memory any more. May free @ch. */
void channel_closed(struct side *s);

/* ----------------------------------------------------------------- relay.c */

void relay_listen(struct session *s, const struct siv_listen *m);
void relay_unlisten(struct session *s, const struct siv_unlisten *m);
void relay_open(struct session *s, const struct siv_open *m);
/* relay_message() - any message about a cid. */
void relay_message(struct session *s, u16 type, struct siv_span body);
/* relay_step() - what the channel waited for has come. */
void relay_step(struct channel *ch);
/* relay_session_over() - end the channels of a session. */
void relay_session_over(struct session *s, enum siv_reason why,
			const char *what);
/* relay_inherit() - @to replaces @from: channels and listener are now its own. */
void relay_inherit(struct session *from, struct session *to);
/**
 * relay_vm_over() - the VM cannot touch anything of a boot any more
 * @d: the VM
 * @keep: boot nonce of the boot that goes on, or NULL: none does
 * @why: what the peers are told
 * @what: for the audit log
 */
void relay_vm_over(struct desk *d, const u8 *keep, enum siv_reason why,
		   const char *what);
/* relay_allowed() - does the policy (still) allow this channel? */
enum siv_reason relay_allowed(const struct channel *ch, const char **rule);

#endif /* SIVD_BROKER_H */
