/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Noise (revision 34) for three patterns, with 25519 and SHA-256:
 *
 *   IK                        NNpsk0              NNpsk2
 *     <- s                      -> psk, e           -> e
 *     ...                       <- e, ee            <- e, ee, psk
 *     -> e, es, s, ss
 *     <- e, ee, se
 *
 * The object is small (it is copied to try a message: the copy is committed only
 * if the message opens) and holds no pointers that it owns.
 */
#ifndef SIV_CORE_NOISE_H
#define SIV_CORE_NOISE_H

#include "crypto.h"

enum siv_noise_pattern {
	SIV_NOISE_IK,
	SIV_NOISE_NNPSK0,
	SIV_NOISE_NNPSK2,
};

/* SymmetricState and CipherState of the specification, section 5. */
struct siv_symmetric {
	u8 ck[SIV_HASH_LEN];
	u8 h[SIV_HASH_LEN];
	u8 k[SIV_KEY_LEN];
	u64 n;
	u16 suite;
	bool has_key;
};

struct siv_noise {
	struct siv_symmetric ss;
	const struct siv_static *s; /* own static key, borrowed; NULL for NN */
	u8 s_pub[SIV_KEY_LEN];
	u8 rs[SIV_KEY_LEN]; /* the peer's static public key (IK) */
	u8 e_priv[SIV_KEY_LEN];
	u8 e_pub[SIV_KEY_LEN];
	u8 re[SIV_KEY_LEN];
	u8 psk[SIV_KEY_LEN];
	u8 pattern; /* enum siv_noise_pattern */
	u8 step;    /* messages done */
	bool initiator;
	bool has_e;   /* e_priv, e_pub are set */
	bool has_psk; /* psk is set */
	bool failed;  /* finished or never begun: every call is refused */
};

static_assert(sizeof(struct siv_noise) <= 512,
	      "struct siv_noise is copied on the stack");

/**
 * struct siv_noise_keys - what a finished handshake gives
 * @k1: initiator to responder (Noise's Split)
 * @k2: responder to initiator
 * @x: exporter secret: third output of the same HKDF
 * @hh: the handshake hash
 */
struct siv_noise_keys {
	u8 k1[SIV_KEY_LEN];
	u8 k2[SIV_KEY_LEN];
	u8 x[SIV_KEY_LEN];
	u8 hh[SIV_HASH_LEN];
};

/**
 * struct siv_noise_setup - all that siv_noise_init() needs
 * @pattern: enum siv_noise_pattern
 * @suite: enum siv_suite
 * @initiator: role
 * @prologue: bytes mixed into the hash
 * @s: own static key (IK), else NULL
 * @s_pub: its public key, 32 bytes (IK), else NULL
 * @rs: the responder's static public key (IK initiator), else NULL
 * @psk: 32 bytes (NNpsk0, or NNpsk2 if known already), else NULL
 */
struct siv_noise_setup {
	enum siv_noise_pattern pattern;
	u16 suite;
	bool initiator;
	struct siv_span prologue;
	const struct siv_static *s;
	const u8 *s_pub;
	const u8 *rs;
	const u8 *psk;
};

/**
 * siv_noise_init() - start a handshake
 * @hs: filled in; refuses every call if this fails
 * @setup: what it needs
 *
 * Return: SIV_OK, SIV_R_SUITE, SIV_R_PUB_NOT_CANONICAL for @rs.
 */
enum siv_reason __must_check
siv_noise_init(struct siv_noise *hs, const struct siv_noise_setup *setup);

/**
 * siv_noise_set_ephemeral() - the ephemeral key that the next write uses
 * @hs: the handshake
 * @priv: 32 bytes; copied
 * @pub: its public key (made in advance, off the hot path)
 */
void siv_noise_set_ephemeral(struct siv_noise *hs, const u8 priv[SIV_KEY_LEN],
			     const u8 pub[SIV_KEY_LEN]);

/* siv_noise_wipe() - forget everything; every later call is refused. */
void siv_noise_wipe(struct siv_noise *hs);

/* siv_noise_set_psk() - the psk, at the latest before the message that mixes it. */
void siv_noise_set_psk(struct siv_noise *hs, const u8 psk[SIV_KEY_LEN]);

/**
 * siv_noise_write() - make the next message
 * @hs: needs an ephemeral key first if the message sends one
 * @t: a transform that the handshake may rekey
 * @payload: may be empty
 * @out: at least @cap bytes; not overlapping @payload
 * @cap: room at @out
 * @len: set to the message's length
 *
 * Return: SIV_OK; SIV_R_STATE if it is not our turn; SIV_R_LENGTH if @cap is too
 * small; SIV_R_DH_ZERO; SIV_R_CRYPTO. After a failure the handshake is unchanged and
 * @out wiped. No key stays in @t, whatever happens; likewise in the functions below.
 */
enum siv_reason __must_check siv_noise_write(struct siv_noise *hs,
					     struct siv_aead *t,
					     struct siv_span payload, u8 *out,
					     size_t cap, size_t *len);

/**
 * siv_noise_read() - consume the next message
 * @hs: the handshake
 * @t: a transform that the handshake may rekey
 * @in: the message, in private memory
 * @payload: room for the payload, at least @in.n bytes; not overlapping @in
 * @len: set to the payload's length
 *
 * The ephemeral and the psk that a message needs must be there: else SIV_R_STATE.
 * Works on a copy: after a failure the handshake is as it was, so that a forged
 * message delays but does not break it. Ephemerals that are not canonical, or are
 * our own, are refused before any Diffie-Hellman. Tokens are processed in order, so
 * a bad static key in IK message 1 costs es but not ss.
 *
 * Return: SIV_OK, SIV_R_STATE, SIV_R_LENGTH, SIV_R_PUB_NOT_CANONICAL, SIV_R_DH_ZERO,
 * SIV_R_TAG, SIV_R_CRYPTO.
 */
enum siv_reason __must_check siv_noise_read(struct siv_noise *hs,
					    struct siv_aead *t,
					    struct siv_span in, u8 *payload,
					    size_t *len);

/**
 * siv_noise_rebuild_e() - NNpsk2 responder: consume a message 1 that was never sent
 * @hs: the handshake
 * @t: a transform that the handshake may rekey
 * @re: the initiator's ephemeral public key
 *
 * In NNpsk2 anyone can make the tag of message 1's empty payload from @re and the
 * prologue; both sides build it and mix it into the hash (protocol.rst, M1).
 */
enum siv_reason __must_check siv_noise_rebuild_e(struct siv_noise *hs,
						 struct siv_aead *t,
						 const u8 re[SIV_KEY_LEN]);

/**
 * siv_noise_split() - finish: derive the keys and wipe the handshake
 * @hs: the handshake
 * @out: the keys; all zero on failure
 *
 * Return: SIV_OK, or SIV_R_STATE if messages are missing.
 */
enum siv_reason __must_check siv_noise_split(struct siv_noise *hs,
					     struct siv_noise_keys *out);

/**
 * siv_noise_rekey() - Noise's REKEY: k = ENCRYPT(k, 2^64-1, empty, 32 zero bytes)
 * @t: the transform of this key; afterwards it holds the new one
 * @suite: enum siv_suite
 * @k: the key, replaced
 *
 * Return: SIV_OK; otherwise @k is as it was and @t holds no key.
 */
enum siv_reason __must_check siv_noise_rekey(struct siv_aead *t, u16 suite,
					     u8 k[SIV_KEY_LEN]);

/* siv_pub_canonical() - bit 255 clear and value below 2^255 - 19; not constant time. */
bool siv_pub_canonical(const u8 pub[SIV_KEY_LEN]);

#endif /* SIV_CORE_NOISE_H */
