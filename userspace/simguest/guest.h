/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A simulated guest: attaches to the real sivshmemd as QEMU does, maps the region, and
 * runs the same state machines as the driver. One thread, one event loop: every call
 * that waits runs sim_guest_step() until what it waits for has come.
 */
#ifndef SIM_GUEST_H
#define SIM_GUEST_H

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

/* The pair's cached secret and the peer's certificate, by its hash. */
struct sim_pair {
	bool used;
	u8 own[SIV_HASH_LEN];
	u8 peer[SIV_HASH_LEN];
	u8 pub[SIV_KEY_LEN];
	u8 prk[SIV_HASH_LEN];
	char vm[SIV_NAME_LEN];
	char service[SIV_NAME_LEN];
	s64 not_before;
	s64 not_after;
};

/* A session of one identity. */
struct sim_session {
	struct sim_guest *g;
	struct sim_identity *id;
	struct siv_session s;
	struct siv_payload2 p2;
	u64 request;			/* the last one made */
	u64 result_request;
	u32 result_code;
	bool listening;
	u64 listen_request;
	struct {
		u8 priv[SIV_KEY_LEN];
		u8 pub[SIV_KEY_LEN];
	} e[SIM_EPHEMERALS];		/* made in advance, off the hot path */
	unsigned int e_count;
	u64 e_counter;
};

/* Where the time of a connect went, in nanoseconds. */
struct sim_times {
	u64 total;
	u64 x25519;
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
	struct siv_aead *t;		/* for connect handshakes and FIN */
	struct sim_session *session[SIM_SESSIONS];
	struct sim_channel *channel[SIM_CHANNELS];
	struct sim_pair pair[SIM_PAIRS];
	unsigned int next_pair;
	unsigned int watched;		/* own eventfds in the epoll set */
	u64 next_ms;			/* when posting is due again */
	u64 x25519_ns;			/* spent so far, by all calls of this guest */
	u64 bells[SIM_VECTORS_MAX];	/* seen, per own vector */
	u32 sealed_only;		/* SIV_CH_SEALED: refuse plain channels as listener */
	enum siv_reason refused;	/* why the last grant or INCOMING was refused here */
};

u64 sim_now_ms(void);
u64 sim_now_ns(void);

/**
 * sim_guest_open() - attach to a region
 * @path: the VM's socket for it
 * @anchors: CA certificates; NULL: none, every session fails with SIV_R_NO_ANCHOR
 * @err: set to a negative errno on failure
 */
struct sim_guest *sim_guest_open(const char *path, const struct siv_anchors *anchors,
				 int *err);
/* sim_guest_close() - say goodbye (@orderly), or vanish as a killed QEMU does. */
void sim_guest_close(struct sim_guest *g, bool orderly);

/**
 * sim_guest_step() - wait for an event for at most @timeout_ms and handle what there is
 *
 * Return: 0, or a negative errno if the server has gone.
 */
int sim_guest_step(struct sim_guest *g, int timeout_ms);

/**
 * sim_session_open() - the IK handshake, to LIVE
 * @why: set to the cause on failure
 *
 * Return: NULL on failure; the status of a refusal is in @why as SIV_R_POLICY and in
 * @code as a wire code.
 */
struct sim_session *sim_session_open(struct sim_guest *g, struct sim_identity *id,
				     int timeout_ms, enum siv_reason *why, u32 *code);
/* sim_session_drop() - forget it without a word, as a crash would. */
void sim_session_drop(struct sim_session *ss);
/* sim_session_prepare() - make ephemerals in advance. */
void sim_session_prepare(struct sim_session *ss);

/* sim_listen() - 0 or a negative errno. */
int sim_listen(struct sim_session *ss, u32 backlog, u32 flags, int timeout_ms);
int sim_unlisten(struct sim_session *ss, int timeout_ms);

struct sim_connect {
	const char *service;
	const char *vm;			/* NULL: any */
	u64 ring_tx;
	u64 ring_rx;
	u32 flags;			/* SIV_CH_* */
	u16 suite;			/* 0: SIV_SUITE_CHACHAPOLY */
};

/**
 * sim_connect() - open a channel
 * @times: filled in if not NULL
 *
 * Return: 0 or a negative errno (a refusal's wire code, or that of an own check).
 */
int sim_connect(struct sim_session *ss, const struct sim_connect *c, int timeout_ms,
		struct sim_channel **out, struct sim_times *times);
/* sim_accept() - the next channel that was opened to us; -ETIMEDOUT. */
int sim_accept(struct sim_guest *g, int timeout_ms, struct sim_channel **out);

#endif /* SIM_GUEST_H */
