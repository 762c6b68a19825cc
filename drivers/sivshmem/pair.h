/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pair: the own identity of a talk and a peer's certificate, as the host told it in
 * this session; with the verdict on its signature and the pair's static-static secret.
 */
#ifndef SIV_PAIR_H
#define SIV_PAIR_H

#include <linux/kref.h>

#include "talk.h"

enum {
	/* after that a signature is verified again */
	SIV_VERIFIED_MS = 10 * 60 * 1000,
};

/**
 * struct siv_pair - a peer's certificate and what was computed from it
 * @ref: table 1, each user 1
 * @link: in the talk's table, under the host's lock
 * @verify: serialises verification and the first Diffie-Hellman
 * @anchor: serial of the anchor that verified the signature; 0: none did
 * @verified_ms: when
 * @recent: in the host's list of secrets, under its prk_lock
 * @has_prk: @prk is valid, likewise
 * @used_ms: when it was last used, likewise
 * @prk: HKDF-Extract of X25519(static, static), likewise
 * @cert: parsed; views into @der
 * @der: the certificate
 */
struct siv_pair {
	struct kref ref;
	struct list_head link;
	struct mutex verify;
	int anchor;
	u64 verified_ms;
	struct list_head recent;
	bool has_prk;
	u64 used_ms;
	u8 prk[SIV_HASH_LEN];
	struct siv_cert cert;
	u8 der[];
};

/**
 * siv_pair_find() - the pair of a certificate
 * @talk: whose
 * @hash: its hash
 * @der: its bytes, empty if the host sent it before in this session
 * @pair: set, with a reference, on success
 */
enum siv_reason __must_check siv_pair_find(struct siv_talk *talk,
					   const u8 hash[SIV_HASH_LEN],
					   struct siv_span der,
					   struct siv_pair **pair);
void siv_pair_get(struct siv_pair *pair);
void siv_pair_put(struct siv_pair *pair);

/**
 * siv_pair_verify() - dates always, the signature unless it was verified before
 * @talk: whose
 * @pair: the pair
 * @peer: peer number of the VM that it was told for
 *
 * May sleep. Return: SIV_OK or the cause; SIV_R_RATE if too many new certificates of
 * that peer came.
 */
enum siv_reason __must_check siv_pair_verify(struct siv_talk *talk,
					     struct siv_pair *pair, u32 peer);
/**
 * siv_pair_secret() - the pair's PRK
 * @talk: whose
 * @pair: the pair
 * @prk: 32 bytes; the caller wipes them
 * @dh_ns: time spent in Diffie-Hellman is added
 */
enum siv_reason __must_check siv_pair_secret(struct siv_talk *talk,
					     struct siv_pair *pair,
					     u8 prk[SIV_HASH_LEN], u64 *dh_ns);
/* siv_pairs_drop() - forget all of a talk's; host->lock held. */
void siv_pairs_drop(struct siv_talk *talk);
/* siv_pairs_expire() - wipe secrets that were not used for long, or whose peer is over. */
void siv_pairs_expire(struct siv_host *host);

#endif /* SIV_PAIR_H */
