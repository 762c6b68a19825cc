/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A session: Noise_IK between one identity and the host, then numbered records with
 * acknowledgements (protocol.rst, "Session"). The same object serves the guest (the
 * initiator) and the host. Time is an argument, in milliseconds of a clock that
 * never goes back; what must be written to the region is returned or posted to slots.
 */
#ifndef SIV_CORE_SESSION_H
#define SIV_CORE_SESSION_H

#include "cert.h"
#include "noise.h"
#include "record.h"
#include "wire.h"

enum {
	SIV_SESSION_WINDOW = 8, /* sealed records kept until acknowledged */
	SIV_REPOST_FIRST_MS = 100,
	SIV_REPOST_MAX_MS = 2000,
	SIV_ACK_DELAY_MS = 20,
	SIV_PENDING_MS = 2000, /* the host keeps a pending handshake */
};

enum siv_session_state {
	SIV_SESSION_IDLE = 0,
	SIV_SESSION_SENT,    /* guest: message 1 made */
	SIV_SESSION_HEARD,   /* host: message 1 opened, not yet judged */
	SIV_SESSION_PENDING, /* host: message 2 made, READY awaited */
	SIV_SESSION_LIVE,
	SIV_SESSION_DEAD,
	SIV_SESSION_STATES
};

/* What both sides of the session prologue know (152 bytes, protocol.rst). */
struct siv_session_ids {
	u16 suite;
	u32 peer; /* the guest's peer number */
	u8 epoch[SIV_EPOCH_LEN];
	struct siv_span region; /* name */
	u8 host_cert_hash[SIV_HASH_LEN];
	u8 header_hash[SIV_HASH_LEN]; /* of the header's constant part */
	u8 challenge[SIV_NONCE_LEN];
};

void siv_session_prologue(u8 out[SIV_SESSION_PROLOGUE_LEN],
			  const struct siv_session_ids *ids);

/* A sealed record that the other side has not acknowledged. */
struct siv_sent {
	u64 number;
	u64 ack;	/* the acknowledgement inside */
	u64 due_ms;	/* post (again) at this time */
	u32 backoff_ms; /* 0: never posted */
	u16 len;
	bool lazy; /* ACK or HEARTBEAT: nobody waits for it */
	u8 bytes[SIV_SLOT_SIZE];
};

/* Large (about 41 KiB): the platform allocates it. */
struct siv_session {
	u8 state;  /* enum siv_session_state */
	bool host; /* role */
	u16 suite;
	u32 tag;
	u64 id;
	u64 attempt;	     /* of message 1: stands in both hello headers */
	u8 hh[SIV_HASH_LEN]; /* handshake hash */
	u8 peer_static[SIV_KEY_LEN];
	struct siv_noise noise; /* wiped when the handshake is over */
	struct siv_aead *hs_t;	/* slots of the platform, borrowed */
	struct siv_aead *tx_t;
	struct siv_aead *rx_t;
	struct siv_half tx;
	struct siv_half rx;
	u64 acked;	/* the other side expects this number next */
	u64 ack_said;	/* highest acknowledgement that we sealed */
	u64 ack_known;	/* highest that has arrived for certain */
	u64 ack_due_ms; /* 0: none owed */
	u64 ack_said_ms;
	u64 owed;     /* bit n: number rx.next - 1 - n asked for an ack */
	u64 heard_ms; /* when a record last opened */
	u64 beat_ms;  /* guest: send HEARTBEAT if silent this long; 0: never */
	u64 said_ms;
	bool again;  /* a duplicate was seen: post unacknowledged ones again */
	u32 dropped; /* records that did not open: counted, never fatal */
	u64 turn;    /* the number whose turn it is to get a slot; else 0 */
	u8 head;     /* oldest in @sent */
	u8 count;
	struct siv_sent sent[SIV_SESSION_WINDOW];
};

/**
 * siv_session_init() - an idle session
 * @s: the session
 * @host: role
 * @hs: transform for the handshake
 * @tx: transform for sending
 * @rx: transform for receiving
 */
void siv_session_init(struct siv_session *s, bool host, struct siv_aead *hs,
		      struct siv_aead *tx, struct siv_aead *rx);
/* siv_session_wipe() - DEAD; every secret gone, transforms cleared. */
void siv_session_wipe(struct siv_session *s);

/**
 * struct siv_session_hello - what the guest needs to begin
 * @ids: prologue
 * @own: own static private key
 * @own_pub: its public key
 * @host_pub: SPKI key of the host certificate, which the caller has verified
 * @cert: own certificate, DER
 * @boot_nonce: 16 random bytes, new at each boot, vmfork and resume
 * @attempt: counts up in a boot
 * @e_priv: ephemeral private key (siv_ephemeral_make())
 * @e_pub: its public key
 */
struct siv_session_hello {
	struct siv_session_ids ids;
	const struct siv_static *own;
	const u8 *own_pub;
	const u8 *host_pub;
	struct siv_span cert;
	u8 boot_nonce[SIV_NONCE_LEN];
	u64 attempt;
	const u8 *e_priv;
	const u8 *e_pub;
};

/**
 * siv_session_start() - guest: make the hello slot's content (header, echo, message 1)
 * @s: the session
 * @in: what it says and with which keys
 * @out: SIV_SLOT_SIZE bytes
 * @len: bytes used
 *
 * From IDLE, or from SENT for a new attempt. The caller posts the bytes and rings the
 * hello doorbell, again and again with backoff, until siv_session_finish() succeeds.
 */
enum siv_reason __must_check
siv_session_start(struct siv_session *s, const struct siv_session_hello *in,
		  u8 *out, size_t *len);

/**
 * siv_session_finish() - guest: consume message 2
 * @s: the session
 * @slot: copy of the hello-down slot, header included
 * @p2: filled in, whether accepted or refused
 * @now_ms: time
 *
 * Return: SIV_OK: LIVE, and READY is queued as record 0 (post it). SIV_R_POLICY: the
 * host authenticated itself and refused: @p2->status says why; DEAD. SIV_R_TAG and
 * others: not for us or forged; state unchanged, the caller goes on waiting. (Only if
 * the platform's cryptography fails after all is verified: SIV_R_CRYPTO and DEAD.)
 */
enum siv_reason __must_check siv_session_finish(struct siv_session *s,
						struct siv_span slot,
						struct siv_payload2 *p2,
						u64 now_ms);

/**
 * siv_session_heard() - host: open message 1 (order of work, steps 2b to 5a)
 * @s: the session
 * @ids: prologue; the suite comes from the slot's header and is set here
 * @h: the host's static key
 * @h_pub: its public key
 * @suites: bit n: suite n is offered
 * @slot: copy of the hello-up slot, header included
 * @plain: room for @slot.n bytes; @cert points into it
 * @cert: parsed certificate, role endpoint, SPKI equal to the Noise static key; names,
 *        dates, CRL and signature are still to be judged by the caller
 * @p1: payload 1
 *
 * Return: SIV_OK: state HEARD. SIV_R_CHALLENGE: drop unread, no DH was done. Others:
 * drop; the state is IDLE as before.
 */
enum siv_reason __must_check
siv_session_heard(struct siv_session *s, const struct siv_session_ids *ids,
		  const struct siv_static *h, const u8 h_pub[SIV_KEY_LEN],
		  u32 suites, struct siv_span slot, u8 *plain,
		  struct siv_cert *cert, struct siv_payload1 *p1);

/**
 * siv_session_answer() - host: make the hello slot's content with message 2
 * @s: the session
 * @p2: payload; with a status the session is refused and is DEAD after this call
 * @e_priv: ephemeral private key
 * @e_pub: its public key
 * @out: SIV_SLOT_SIZE bytes
 * @len: bytes used
 *
 * From HEARD to PENDING. READY (record 0) makes it LIVE in siv_session_receive().
 */
enum siv_reason __must_check siv_session_answer(struct siv_session *s,
						const struct siv_payload2 *p2,
						const u8 e_priv[SIV_KEY_LEN],
						const u8 e_pub[SIV_KEY_LEN],
						u8 *out, size_t *len);

/**
 * siv_session_send() - seal a message and keep it until acknowledged
 * @s: the session
 * @type: enum siv_msg_type
 * @body: message body
 * @more: bytes after it, may be empty
 * @now_ms: time
 *
 * One place of the window is kept for acknowledgements, so that two full windows
 * cannot wait for each other.
 *
 * Return: SIV_OK; SIV_R_RATE if the window is full (try again after an
 * acknowledgement); SIV_R_STATE if not LIVE, or if the other role may not receive
 * @type; SIV_R_LENGTH; SIV_R_EXHAUSTED: start a new session.
 */
enum siv_reason __must_check siv_session_send(struct siv_session *s, u16 type,
					      struct siv_span body,
					      struct siv_span more, u64 now_ms);

/**
 * siv_session_wants() - is the peeked record one that this session should look at?
 * @s: the session
 * @info: what was peeked
 * @now_ms: time
 *
 * Return: true if tag and number are those of the next record. A number that was
 * received already, asked for an acknowledgement, and may not have got it, is noted
 * (taken up by siv_session_post() if the last one is older than SIV_REPOST_FIRST_MS).
 */
bool siv_session_wants(struct siv_session *s, const struct siv_slot_info *info,
		       u64 now_ms);

/**
 * siv_session_receive() - open the next record
 * @s: the session
 * @rec: copy of the slot, header included
 * @plain: room for @rec.n bytes, 8-byte aligned
 * @type: its message type
 * @body: its body, inside @plain, checked by siv_msg_check()
 * @now_ms: time
 *
 * ACK, HEARTBEAT and READY are handled here and reported like any other.
 *
 * Return: SIV_OK. SIV_R_NUMBER, SIV_R_TAG (any record that is not the next one of this
 * session, whatever is wrong with it), SIV_R_CRYPTO: dropped and counted; the session
 * goes on. SIV_R_EXHAUSTED: no number is left; a new session is needed. Anything else
 * (SIV_R_LENGTH, SIV_R_RESERVED, SIV_R_TYPE, ...; SIV_R_STATE: the role may not receive
 * this, or acknowledges what was not sent): it opened, so the other end is broken, and
 * the caller ends the session.
 */
enum siv_reason __must_check siv_session_receive(struct siv_session *s,
						 struct siv_span rec, u8 *plain,
						 u16 *type,
						 struct siv_span *body,
						 u64 now_ms);

/**
 * siv_session_post() - write to the slots what is due, with acks and heartbeats
 * @s: the session
 * @ob: the writer's outbox
 * @slots: first slot of our direction in the region
 * @now_ms: time
 * @next_ms: set to when to call again at the latest; 0: no need
 *
 * Return: how many slots were written: if any, ring.
 */
unsigned int siv_session_post(struct siv_session *s, struct siv_outbox *ob,
			      void *slots, u64 now_ms, u64 *next_ms);

/* siv_session_may() - SIV_OK if @type may arrive in @state at @host, else SIV_R_STATE. */
enum siv_reason siv_session_may(bool host, enum siv_session_state state,
				u16 type);

/**
 * siv_ephemeral_make() - a hedged ephemeral key (protocol.rst, e_priv)
 * @priv: 32 bytes, the private key
 * @pub: 32 bytes, the public key
 * @prkh: siv_hedge_prk() of the own static private key
 * @random: 32 random bytes
 * @hh: handshake hash of the session; in IK the challenge, zero-padded to 32
 * @counter: never the same twice in a boot
 */
enum siv_reason __must_check siv_ephemeral_make(
	u8 priv[SIV_KEY_LEN], u8 pub[SIV_KEY_LEN], const u8 prkh[SIV_HASH_LEN],
	const u8 random[32], const u8 hh[SIV_HASH_LEN], u64 counter);
/* siv_hedge_prk() - HKDF-Extract("sivshmem1 hedge", own static private key). */
void siv_hedge_prk(u8 prkh[SIV_HASH_LEN], const u8 priv[SIV_KEY_LEN]);

#endif /* SIV_CORE_SESSION_H */
