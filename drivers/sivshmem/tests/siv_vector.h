/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Known answers (tests/vectors/) as C, and the code that runs them: the same in KUnit
 * through the kernel's cryptography and in user space through OpenSSL.
 */
#ifndef SIV_VECTOR_H
#define SIV_VECTOR_H

#include "../core/connect.h"
#include "../core/noise.h"
#include "../core/seal.h"
#include "../core/session.h"

struct siv_noise_vector_message {
	struct siv_span payload;
	struct siv_span ciphertext;
};

/* One end of a conversation; what it does not have is empty. */
struct siv_noise_vector_side {
	struct siv_span prologue;
	struct siv_span s;  /* static private key */
	struct siv_span e;  /* ephemeral private key */
	struct siv_span rs; /* the peer's static public key */
	struct siv_span psk;
};

/* A vector of the cacophony format; message n is the initiator's if n is even. */
struct siv_noise_vector {
	const char *name;
	enum siv_noise_pattern pattern;
	u16 suite;
	struct siv_noise_vector_side side[2];
	struct siv_span hash; /* may be empty */
	size_t count;
	const struct siv_noise_vector_message *message;
};

/* A test of Wycheproof's XDH format. */
struct siv_xdh_vector {
	const char *name;
	struct siv_span public;
	struct siv_span private;
	struct siv_span shared;
	bool valid;	    /* "result" is "valid": must be computed */
	bool invalid;	    /* "result" is "invalid" */
	bool not_canonical; /* a flag says so: must be refused */
};

/* A session of connect-kat.json. */
struct siv_session_vector {
	const char *name;
	u16 suite;
	u32 peer;
	struct siv_span epoch, region, host_cert, host_cert_hash, header_const,
		header_hash, challenge;
	struct siv_span static_a, static_h, public_a, public_h, ephemeral_a,
		ephemeral_h;
	struct siv_span cert_a, boot_nonce;
	u64 attempt, host_time, session_id, crl_number;
	u32 session_tag, rekey_seconds, liveness_ms, max_channels;
	u16 vectors;
	struct siv_span prologue, payload1, hello1, payload2, hello2, hh, k1,
		k2;
	struct siv_span ready_record, ack_record, k1_rekeyed, record_65536;
	struct siv_span hedge_random;
	u64 hedge_counter;
	struct siv_span hedge_prk, hedged_ephemeral, hedged_ephemeral_public;
};

struct siv_ring_vector_record {
	u64 position;
	struct siv_span plain;
	struct siv_span record; /* header, ciphertext, tag */
};

struct siv_ring_vector {
	struct siv_span r[3]; /* R[d][0] to R[d][2] */
	struct siv_span k[3];
	size_t count;
	const struct siv_ring_vector_record *record;
};

struct siv_fin_vector {
	u64 position;
	struct siv_span sealed;
};

/* A connect of connect-kat.json. */
struct siv_connect_vector {
	const char *name;
	u16 suite;
	u32 flags;
	struct siv_span epoch;
	u64 cid, ring_ab, ring_ba;
	u32 peer_a, peer_b;
	struct siv_span region, service, cert_a, cert_b, host_cert, n;
	struct siv_span static_a, static_b, public_a, public_b, public_h;
	struct siv_span ephemeral_a, ephemeral_b;
	u64 request, extent_off, extent_len, side_off, ring_ab_off, ring_ba_off;
	u16 vector_a, vector_b;
	struct siv_geometry geometry;
	struct siv_span z, prk, psk, prologue, m1, m2, hh, k1, k2, x, common,
		grant_hash, m3;
	struct siv_ring_vector rings[2];
	struct siv_fin_vector fin_ab, fin_ba;
};

enum {
	SIV_VECTOR_ROOM = 4096
};

/**
 * struct siv_vector_room - what a run needs; too large for a stack
 * @t: transforms, ready for both suites
 * @s: static keys of the two ends, made by the caller of a function that names them
 */
struct siv_vector_room {
	struct siv_aead *t[3];
	const struct siv_static *s[2];
	/* private: scratch of the functions */
	struct siv_noise hs[2];
	struct siv_noise_keys keys[2];
	struct siv_connect a, b;
	struct siv_seal seal;
	struct siv_session session;
	struct siv_outbox outbox;
	u8 pub[SIV_KEY_LEN];
	u8 out[SIV_SLOT_SIZE];
	u8 plain[SIV_SLOT_SIZE];
	u8 slots[SIV_BOX_SLOTS * SIV_SLOT_SIZE];
};

/*
 * Each function runs one vector. Return: NULL if all of it came out as it says, else
 * what did not.
 */

/* siv_noise_vector_run() - @room->s: both ends' static keys, for IK. */
const char *siv_noise_vector_run(const struct siv_noise_vector *v,
				 struct siv_vector_room *room);

/**
 * siv_xdh_vector_run() - judge the public key, then compute, as everywhere in the core
 * @v: the vector
 * @room: its scratch; room->s[0] is the private key as a static key
 *
 * A zero shared secret and a key that is not canonical must be refused, each with its
 * own cause. Return: as above.
 */
const char *siv_xdh_vector_run(const struct siv_xdh_vector *v,
			       struct siv_vector_room *room);

/* siv_session_vector_run() - @room->s: a's static key, the host's. */
const char *siv_session_vector_run(const struct siv_session_vector *v,
				   struct siv_vector_room *room);

/* siv_connect_vector_run() - @room->s: a's static key, b's. */
const char *siv_connect_vector_run(const struct siv_connect_vector *v,
				   struct siv_vector_room *room);

#endif /* SIV_VECTOR_H */
