/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The connect handshake: Noise_NNpsk2 between two identities, relayed by the host in
 * their sessions (protocol.rst, "Connect"). Three machines:
 *
 *   A (connects)   IDLE -OPEN-> OPENED -GRANT_A/CONFIRM-> OPEN -> ENDED
 *   B (listens)    IDLE -INCOMING/ACCEPT-> ACCEPTED -GRANT_B/ESTABLISHED-> OPEN -> ENDED
 *   host (relays)  OPENED -ACCEPT/GRANT_A-> GRANTED -CONFIRM/GRANT_B-> CONFIRMED
 *                  -ESTABLISHED-> ESTABLISHED -> ENDED
 */
#ifndef SIV_CORE_CONNECT_H
#define SIV_CORE_CONNECT_H

#include "noise.h"
#include "wire.h"

/* What the connect prologue says (264 bytes, protocol.rst). */
struct siv_connect_ids {
	u16 suite;
	u32 flags;
	u64 cid;
	u64 ring_ab;
	u64 ring_ba;
	u32 peer_a;
	u32 peer_b;
	u8 epoch[SIV_EPOCH_LEN];
	u8 region_hash[SIV_HASH_LEN];
	u8 service_hash[SIV_HASH_LEN];
	u8 cert_a[SIV_HASH_LEN];
	u8 cert_b[SIV_HASH_LEN];
	u8 cert_host[SIV_HASH_LEN];
	u8 n[32];
};

void siv_connect_prologue(u8 out[SIV_CONNECT_PROLOGUE_LEN],
			  const struct siv_connect_ids *ids);

/**
 * siv_pair_prk() - the pair's cached secret: HKDF-Extract over X25519(static, static)
 * @prk: 32 bytes
 * @own: own static key
 * @own_pub: its public key
 * @peer_pub: the peer's, from its verified certificate
 * @host_pub: the host's
 *
 * Return: SIV_OK; SIV_R_CERT_SELF if @peer_pub is ours or the host's; SIV_R_DH_ZERO.
 */
enum siv_reason __must_check siv_pair_prk(u8 prk[SIV_HASH_LEN],
					  const struct siv_static *own,
					  const u8 own_pub[SIV_KEY_LEN],
					  const u8 peer_pub[SIV_KEY_LEN],
					  const u8 host_pub[SIV_KEY_LEN]);

/* siv_connect_psk() - psk of one connect from the pair's PRK. */
void siv_connect_psk(u8 psk[SIV_KEY_LEN], const u8 prk[SIV_HASH_LEN],
		     const struct siv_connect_ids *ids);

enum siv_connect_state {
	SIV_CONNECT_IDLE = 0,
	SIV_CONNECT_OPENED,   /* A: OPEN sent */
	SIV_CONNECT_ACCEPTED, /* B: ACCEPT sent; keys only, no memory, no bell */
	SIV_CONNECT_OPEN,     /* may map, read, write, ring */
	SIV_CONNECT_ENDED,
	SIV_CONNECT_STATES
};

/*
 * One end of a connect, all zero to begin with; wiped as protocol.rst says, what is left
 * is for FIN and rings.
 */
struct siv_connect {
	u8 state; /* enum siv_connect_state */
	bool a;	  /* role */
	struct siv_connect_ids ids;
	u8 e_priv[SIV_KEY_LEN];
	u8 e_pub[SIV_KEY_LEN];
	u8 hh[SIV_HASH_LEN];
	u8 k1[SIV_KEY_LEN];
	u8 k2[SIV_KEY_LEN];
	u8 r[2][SIV_KEY_LEN]; /* R[d][0]; sealed channels only, until moved out */
	struct siv_common common; /* own copy, once granted */
	bool fin_sent;
	bool fin_seen;
};

/* siv_connect_wipe() - ENDED; no secret left. Role, ids and COMMON stay: public. */
void siv_connect_wipe(struct siv_connect *c);

/**
 * siv_connect_open() - A: begin; fills in OPEN
 * @c: the end, IDLE
 * @ids: suite, flags, sizes, epoch, peer_a, region, service, cert_a, cert_host: what A
 *       knows; cid, n, peer_b and cert_b come with the grant
 * @e_priv: own ephemeral key, used once
 * @e_pub: its public key
 * @request: id of the request
 * @service: name
 * @vm: pin or empty
 * @out: the message
 *
 * Return: SIV_OK and OPENED; SIV_R_STATE if not IDLE; SIV_R_SUITE, SIV_R_UNSUPPORTED
 * (static), SIV_R_RESERVED, SIV_R_SIZE, SIV_R_NAME and ENDED.
 */
enum siv_reason __must_check siv_connect_open(
	struct siv_connect *c, const struct siv_connect_ids *ids,
	const u8 e_priv[SIV_KEY_LEN], const u8 e_pub[SIV_KEY_LEN], u64 request,
	struct siv_span service, struct siv_span vm, struct siv_open *out);

/**
 * siv_connect_granted() - A: check GRANT_A end to end
 * @c: the end, OPENED
 * @t: transform for the handshake
 * @g: checked message
 * @cert_b: H of B's certificate, which the caller verified (signature, dates, role,
 *          region, pinned VM, service) and which equals @g->cert_hash
 * @prk: the pair's
 * @geo: the region's geometry
 * @out: CONFIRM
 *
 * Opens M2 (b's proof), checks COMMON against what A asked and against @geo; the caller
 * has checked that it overlaps nothing live here (siv_common_ranges()). Derives the keys
 * and makes M3.
 * Return: SIV_OK and OPEN; otherwise ENDED, wiped, and the true cause.
 */
enum siv_reason __must_check siv_connect_granted(
	struct siv_connect *c, struct siv_aead *t, const struct siv_grant_a *g,
	const u8 cert_b[SIV_HASH_LEN], const u8 prk[SIV_HASH_LEN],
	const struct siv_geometry *geo, struct siv_confirm *out);

/**
 * siv_connect_incoming() - B: answer INCOMING
 * @c: the end, IDLE
 * @t: transform for the handshake
 * @ids: all but e_A, taken by the caller from the message and its own knowledge (own
 *       peer number, own certificate's hash, region, service), with cert_a verified;
 *       what @in says too must be the same, or SIV_R_COMMON
 * @in: checked message
 * @e_priv: own ephemeral key; wiped here after use
 * @e_pub: its public key
 * @prk: the pair's
 * @out: ACCEPT
 *
 * Return: SIV_OK and ACCEPTED; SIV_R_STATE if not IDLE; otherwise ENDED, wiped, and the
 * true cause.
 */
enum siv_reason __must_check siv_connect_incoming(
	struct siv_connect *c, struct siv_aead *t,
	const struct siv_connect_ids *ids, const struct siv_incoming *in,
	u8 e_priv[SIV_KEY_LEN], const u8 e_pub[SIV_KEY_LEN],
	const u8 prk[SIV_HASH_LEN], struct siv_accept *out);

/**
 * siv_connect_confirmed() - B: check GRANT_B end to end
 * @c: the end, ACCEPTED
 * @t: transform for the handshake
 * @g: checked message
 * @geo: the region's geometry
 * @out: ESTABLISHED
 *
 * COMMON is checked against INCOMING and @geo, M3 opened, and the hash inside compared
 * with that of B's own COMMON. Return: as siv_connect_granted().
 */
enum siv_reason __must_check siv_connect_confirmed(
	struct siv_connect *c, struct siv_aead *t, const struct siv_grant_b *g,
	const struct siv_geometry *geo, struct siv_established *out);

/* A run of bytes in the region. */
struct siv_range {
	u64 off;
	u64 len;
};

/* siv_common_ranges() - the two runs that a COMMON takes: side pages, extent. */
void siv_common_ranges(const struct siv_common *c,
		       const struct siv_geometry *geo, struct siv_range out[2]);
/* siv_range_overlap() - do two runs share a byte? Overflow counts as yes. */
bool siv_range_overlap(const struct siv_range *a, const struct siv_range *b);
/**
 * siv_common_check() - COMMON against the connect and the geometry
 * @c: COMMON
 * @ids: of the connect
 * @geo: the region's geometry
 *
 * cid, flags, suite, sizes, peers as agreed; offsets in range, granule-aligned, both
 * rings inside the extent and disjoint, vectors not 0; reserved fields zero.
 * Return: SIV_OK, SIV_R_COMMON, SIV_R_RANGE, SIV_R_RESERVED.
 */
enum siv_reason __must_check siv_common_check(const struct siv_common *c,
					      const struct siv_connect_ids *ids,
					      const struct siv_geometry *geo);

/**
 * siv_fin_make() - the authenticated end of our direction (sealed channels)
 * @c: the end, OPEN
 * @t: a transform
 * @position: our producer's final position
 * @out: FIN
 *
 * Once per connect: SIV_R_STATE the second time.
 */
enum siv_reason __must_check siv_fin_make(struct siv_connect *c,
					  struct siv_aead *t, u64 position,
					  struct siv_fin *out);
/*
 * siv_fin_open() - the peer's; @position is where its stream ends. Once; one that does not
 * open (SIV_R_TAG) or ends at no possible position (SIV_R_RING_POSITION) changes nothing.
 */
enum siv_reason __must_check siv_fin_open(struct siv_connect *c,
					  struct siv_aead *t,
					  const struct siv_fin *in,
					  u64 *position);

/**
 * siv_connect_may() - SIV_OK if @type may arrive at this end in @state
 * @a: role
 * @state: of this end
 * @type: enum siv_msg_type
 *
 * What may not (SIV_R_STATE) is the other side's fault, and ends the channel; but in ENDED,
 * or of a cid that is not known here, it has only crossed its end and is dropped. A GRANT_A
 * that nobody waits for is answered with FAILED, so that the host gets its memory back.
 */
enum siv_reason siv_connect_may(bool a, enum siv_connect_state state, u16 type);

/* ------------------------------------------------------------ host's relay */

enum siv_relay_state {
	SIV_RELAY_OPENED = 0, /* INCOMING sent: bookkeeping only */
	SIV_RELAY_GRANTED,    /* ACCEPT came: memory taken, GRANT_A sent */
	SIV_RELAY_CONFIRMED,  /* GRANT_B sent */
	SIV_RELAY_ESTABLISHED,
	SIV_RELAY_ENDED, /* waiting for CLOSED from one side or both */
	SIV_RELAY_STATES
};

/**
 * siv_relay_may() - may @type arrive at the host from this side in @state?
 * @state: of the relay
 * @from_a: the side
 * @type: enum siv_msg_type
 *
 * Return: SIV_OK or SIV_R_STATE: the channel ends; but in ENDED, where only CLOSED has a
 * meaning, it has only crossed our CLOSE and is dropped.
 */
enum siv_reason siv_relay_may(enum siv_relay_state state, bool from_a,
			      u16 type);

#endif /* SIV_CORE_CONNECT_H */
