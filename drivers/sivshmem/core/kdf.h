/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* HMAC (RFC 2104) and HKDF (RFC 5869) with SHA-256: one output block each. */
#ifndef SIV_CORE_KDF_H
#define SIV_CORE_KDF_H

#include "crypto.h"

/* siv_hmac() - HMAC-SHA-256 over the concatenation of at most 7 spans. */
void siv_hmac(u8 out[SIV_HASH_LEN], struct siv_span key,
	      const struct siv_span *v, size_t n);

/* siv_hkdf_extract() - PRK = HMAC(salt, ikm). */
void siv_hkdf_extract(u8 prk[SIV_HASH_LEN], struct siv_span salt,
		      struct siv_span ikm);

/**
 * siv_hkdf_expand() - one block of HKDF-Expand
 * @out: 32 bytes
 * @prk: 32 bytes
 * @info: at most 6 spans, concatenated
 * @n: how many
 */
void siv_hkdf_expand(u8 out[SIV_HASH_LEN], const u8 prk[SIV_HASH_LEN],
		     const struct siv_span *info, size_t n);

/**
 * siv_noise_hkdf() - HKDF as Noise section 4.3 defines it
 * @ck: chaining key, 32 bytes
 * @ikm: input key material
 * @o1: first output
 * @o2: second output
 * @o3: third output, or NULL
 *
 * The outputs may overlap @ck and @ikm.
 */
void siv_noise_hkdf(const u8 ck[SIV_HASH_LEN], struct siv_span ikm,
		    u8 o1[SIV_HASH_LEN], u8 o2[SIV_HASH_LEN],
		    u8 o3[SIV_HASH_LEN]);

#endif /* SIV_CORE_KDF_H */
