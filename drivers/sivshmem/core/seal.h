/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Sealing of ring records (protocol.rst, "Sealed rings"): one direction, one key at a
 * time, the nonce is the record's start position, the key changes every 2^36 bytes.
 */
#ifndef SIV_CORE_SEAL_H
#define SIV_CORE_SEAL_H

#include "crypto.h"

#define SIV_SEAL_KEY_SHIFT 36
#define SIV_SEAL_STOP ((u64)1 << 63)

struct siv_seal {
	struct siv_aead *t; /* borrowed; holds the current key */
	u64 index;	    /* position >> 36 of the current key */
	u64 next;	    /* no position below it is sealed or opened again */
	u16 suite;
	u8 r[SIV_KEY_LEN]; /* R[d][index] */
};

/* siv_seal_init() - take R[d][0]; the caller wipes its copy. */
enum siv_reason __must_check siv_seal_init(struct siv_seal *s,
					   struct siv_aead *t, u16 suite,
					   const u8 r0[SIV_KEY_LEN]);
void siv_seal_wipe(struct siv_seal *s);

/**
 * siv_seal_record() - seal one record
 * @s: the direction
 * @pos: the record's start position: at least the end of the last one
 * @hdr: the 8 header bytes as they will stand in the ring: the associated data
 * @in: plaintext in private memory
 * @out: @in.n + SIV_TAG_LEN bytes of private memory
 *
 * Positions are those of a ring, so the key changes by one step at a time: a position
 * two keys ahead is refused. Return: SIV_OK; SIV_R_STATE if @pos was passed already or is
 * too far ahead; SIV_R_EXHAUSTED if the record would end behind SIV_SEAL_STOP;
 * SIV_R_CRYPTO. Unless it was refused with SIV_R_STATE or SIV_R_EXHAUSTED, @pos and the
 * record's room in the ring are used up.
 */
enum siv_reason __must_check siv_seal_record(struct siv_seal *s, u64 pos,
					     const u8 hdr[8],
					     struct siv_span in, u8 *out);
/* siv_seal_open() - the reverse; SIV_R_TAG ends the channel (one forgery attempt). */
enum siv_reason __must_check siv_seal_open(struct siv_seal *s, u64 pos,
					   const u8 hdr[8], struct siv_span in,
					   u8 *out);

#endif /* SIV_CORE_SEAL_H */
