/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A simulated guest: attaches to the real sivshmemd as QEMU does, maps the region, and
 * runs the same state machines as the driver. One thread, one event loop: every call
 * that waits runs sim_guest_step() until what it waits for has come.
 */
#ifndef SIM_GUEST_H
#define SIM_GUEST_H

#include <sys/queue.h>

#include "core/connect.h"
#include "core/session.h"
#include "simguest/attach.h"
#include "simguest/identity.h"

enum {
	SIM_SESSIONS = 4,
	SIM_CHANNELS = 64,
	SIM_PAIRS = 64,
	SIM_EPHEMERALS = 16,
};

struct sim_guest;
struct sim_channel;

/**
 * struct sim_pair - a peer's certificate, which the host sends once in a session
 * @used: this entry holds one
 * @own: hash of the identity's that it was sent to
 * @der: the certificate, as it came
 * @cert: parsed; its hash is the peer's
 * @judge: the anchors that have verified it
 * @has_prk: it was verified
 * @prk: the pair's secret, once verified
 */
struct sim_pair {
	bool used;
	u8 own[SIV_HASH_LEN];
	u8 der[SIV_CERT_MAX];
	struct siv_cert cert;
	const struct siv_anchors *judge;
	bool has_prk;
	u8 prk[SIV_HASH_LEN];
};

/* A message that waits for room in its session's window. */
struct sim_letter {
	STAILQ_ENTRY(sim_letter) link;
	u16 type;
	size_t len;
	u8 body[];
};

STAILQ_HEAD(sim_letters, sim_letter);

/* A session of one identity. */
struct sim_session {
	struct sim_guest *g;
	struct sim_identity *id;
	struct siv_session s;
	struct siv_payload2 p2;
	struct sim_letters letters;
	u64 request; /* the last one made */
	u64 result_request;
	u32 result_code;
	bool listening;
	u64 listen_request;
	/* has taken over; this one only delivers what was said */
	struct sim_session *heir;
	u64 until_ms; /* no longer than that */
	struct {
		u8 priv[SIV_KEY_LEN];
		u8 pub[SIV_KEY_LEN];
	} e[SIM_EPHEMERALS]; /* made in advance, off the hot path */
	unsigned int e_count;
	u64 e_counter;
};

struct sim_guest {
	struct sim_attach at;
	int epoll;
	struct siv_geometry geo;
	u8 epoch[SIV_EPOCH_LEN];
	u8 header_hash[SIV_HASH_LEN];
	char region[SIV_NAME_LEN];
	u8 host_der[SIV_CERT_MAX];
	struct siv_cert host;
	const struct siv_anchors *anchors;
	u8 boot_nonce[SIV_NONCE_LEN];
	u64 attempt;
	struct siv_outbox outbox;
	struct siv_aead *t; /* for connect handshakes and FIN */
	struct sim_session *session[SIM_SESSIONS];
	struct sim_channel *channel[SIM_CHANNELS];
	struct sim_pair pair[SIM_PAIRS];
	unsigned int next_pair;
	unsigned int watched;	    /* own eventfds in the epoll set */
	u64 next_ms;		    /* when posting is due again */
	u64 bells[SIM_VECTORS_MAX]; /* seen, per own vector */
	u16 suite;	 /* of its sessions; 0: SIV_SUITE_CHACHAPOLY */
	u32 sealed_only; /* SIV_CH_SEALED: refuse plain channels as listener */
	/* why the last grant or INCOMING was refused here */
	enum siv_reason refused;
};

u64 sim_now_ms(void);
u64 sim_now_ns(void);

/**
 * sim_guest_open() - attach to a region
 * @path: the VM's socket for it
 * @anchors: CA certificates; NULL: none, every session fails with SIV_R_NO_ANCHOR
 * @err: set to a negative errno on failure
 */
struct sim_guest *sim_guest_open(const char *path,
				 const struct siv_anchors *anchors, int *err);
/* sim_guest_close() - say goodbye (@orderly), or vanish as a killed QEMU does. */
void sim_guest_close(struct sim_guest *g, bool orderly);

/**
 * sim_guest_reboot() - the guest restarts, its QEMU stays
 * @g: the guest
 * @orderly: the driver says goodbye first; else a hard reset
 *
 * Sessions, channels and cached secrets are gone, the boot nonce is new; what stands in
 * the mailbox stays there.
 */
int sim_guest_reboot(struct sim_guest *g, bool orderly);

/**
 * sim_guest_step() - wait for an event and handle what there is
 * @g: the guest
 * @timeout_ms: no longer than that
 *
 * Return: 0, or a negative errno if the server has gone.
 */
int sim_guest_step(struct sim_guest *g, int timeout_ms);

/**
 * sim_session_open() - the IK handshake, to LIVE
 * @g: the guest
 * @id: whose session; it must live as long
 * @timeout_ms: no longer than that
 * @why: set to the cause on failure
 * @code: set to the wire code of a refusal; 0 if there was none
 *
 * A second session of an identity takes the first one's channels and listener over, and
 * the first is not to be used any more. Return: NULL on failure; the status of a refusal
 * is in @why as SIV_R_POLICY and in @code as a wire code.
 */
struct sim_session *sim_session_open(struct sim_guest *g,
				     struct sim_identity *id, int timeout_ms,
				     enum siv_reason *why, u32 *code);
/* sim_session_drop() - forget it and its channels without a word, as a crash would. */
void sim_session_drop(struct sim_session *ss);
/* sim_session_prepare() - make ephemerals in advance. */
void sim_session_prepare(struct sim_session *ss);

/* sim_listen() - 0 or a negative errno. */
int sim_listen(struct sim_session *ss, u32 backlog, u32 flags, int timeout_ms);
int sim_unlisten(struct sim_session *ss, int timeout_ms);

struct sim_connect {
	const char *service;
	const char *vm; /* NULL: any */
	u64 ring_tx;
	u64 ring_rx;
	u32 flags; /* SIV_CH_* */
	u16 suite; /* 0: SIV_SUITE_CHACHAPOLY */
};

/**
 * sim_connect() - open a channel
 * @ss: the caller's session
 * @c: to what, and how
 * @timeout_ms: no longer than that
 * @out: set to the channel on success
 *
 * Return: 0 or a negative errno (a refusal's wire code, or that of an own check).
 */
int sim_connect(struct sim_session *ss, const struct sim_connect *c,
		int timeout_ms, struct sim_channel **out);
/* sim_open() - begin one; step the guest until sim_opened() is not -EAGAIN. */
int sim_open(struct sim_session *ss, const struct sim_connect *c,
	     struct sim_channel **out);
/* sim_opened() - 0, -EAGAIN, or a negative errno: then sim_channel_free(). */
int sim_opened(const struct sim_channel *ch);
/* sim_accept() - the next channel that was opened to us; -ETIMEDOUT. */
int sim_accept(struct sim_guest *g, int timeout_ms, struct sim_channel **out);

#endif /* SIM_GUEST_H */
