// SPDX-License-Identifier: GPL-2.0-only
/* A debug AEAD: see seallog.h. */
#include "seallog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"

enum siv_reason __real_siv_aead_setkey(struct siv_aead *t, u16 suite,
				       const u8 key[SIV_KEY_LEN]);
enum siv_reason __real_siv_aead_seal(struct siv_aead *t, u64 n,
				     struct siv_span ad, struct siv_span in,
				     u8 *out);
void __real_siv_aead_clear(struct siv_aead *t);
enum siv_reason __wrap_siv_aead_setkey(struct siv_aead *t, u16 suite,
				       const u8 key[SIV_KEY_LEN]);
enum siv_reason __wrap_siv_aead_seal(struct siv_aead *t, u64 n,
				     struct siv_span ad, struct siv_span in,
				     u8 *out);
void __wrap_siv_aead_clear(struct siv_aead *t);

enum {
	HOLDERS = 4096,
	BUCKETS = 1 << 20
};

/* Which key each transform holds. */
static struct {
	struct siv_aead *t;
	u8 key[SIV_KEY_LEN];
	bool has;
} holder[HOLDERS];

/* Hashes of the pairs seen and of what was sealed, open addressing; 0 is empty. */
static struct {
	u64 pair;
	u64 both; /* of what both ends seal by themselves; else 0 */
} * seen;
static size_t seals, repeats;
static long fail_at = -1, fail_key_at = -1;

static size_t holder_of(struct siv_aead *t)
{
	size_t i;

	for (i = 0; i < HOLDERS && holder[i].t && holder[i].t != t; i++)
		;
	if (i == HOLDERS) {
		fprintf(stderr, "seallog: too many transforms\n");
		abort();
	}
	holder[i].t = t;
	return i;
}

void seallog_reset(void)
{
	free(seen);
	seen = calloc(BUCKETS, sizeof(*seen));
	if (!seen)
		abort();
	seals = 0;
	repeats = 0;
	fail_at = -1;
	fail_key_at = -1;
}

size_t seallog_count(void)
{
	return seals;
}

size_t seallog_repeats(void)
{
	return repeats;
}

bool seallog_key_held(const unsigned char key[32])
{
	size_t i;

	for (i = 0; i < HOLDERS && holder[i].t; i++)
		if (holder[i].has && !memcmp(holder[i].key, key, SIV_KEY_LEN))
			return true;
	return false;
}

void seallog_fail(long n)
{
	fail_at = n;
}

void seallog_fail_key(long n)
{
	fail_key_at = n;
}

/* Has it come to the call that is to fail? */
static bool failing(long *at)
{
	if (*at < 0)
		return false;
	return (*at)-- == 0;
}

static u64 hash64(struct siv_span a, struct siv_span b)
{
	u8 hash[SIV_HASH_LEN];
	struct siv_span v[2] = { a, b };

	siv_sha256v(hash, v, 2);
	return siv_get_le64(hash) | 1;
}

static void seallog_note(const u8 key[SIV_KEY_LEN], u64 n, struct siv_span ad,
			 struct siv_span in)
{
	u64 pair, both;
	u8 nonce[8];
	size_t i;

	if (!seen)
		seallog_reset();
	siv_put_le64(nonce, n);
	pair = hash64((struct siv_span){ key, SIV_KEY_LEN },
		      (struct siv_span){ nonce, sizeof(nonce) });
	both = in.n && n != ~(u64)0 ? 0 : hash64(ad, in);
	seals++;
	for (i = pair / 2 % BUCKETS; seen[i].pair; i = (i + 1) % BUCKETS) {
		if (seen[i].pair != pair)
			continue;
		if (!both || seen[i].both != both)
			repeats++;
		return;
	}
	if (seals > BUCKETS / 2) {
		fprintf(stderr, "seallog: full\n");
		abort();
	}
	seen[i].pair = pair;
	seen[i].both = both;
}

enum siv_reason __wrap_siv_aead_setkey(struct siv_aead *t, u16 suite,
				       const u8 key[SIV_KEY_LEN])
{
	size_t i = holder_of(t);

	if (failing(&fail_key_at))
		return SIV_R_CRYPTO;
	memcpy(holder[i].key, key, SIV_KEY_LEN);
	holder[i].has = true;
	return __real_siv_aead_setkey(t, suite, key);
}

enum siv_reason __wrap_siv_aead_seal(struct siv_aead *t, u64 n,
				     struct siv_span ad, struct siv_span in,
				     u8 *out)
{
	if (failing(&fail_at))
		return SIV_R_CRYPTO;
	seallog_note(holder[holder_of(t)].key, n, ad, in);
	return __real_siv_aead_seal(t, n, ad, in, out);
}

void __wrap_siv_aead_clear(struct siv_aead *t)
{
	size_t i = holder_of(t);

	memset(holder[i].key, 0, SIV_KEY_LEN);
	holder[i].has = false;
	__real_siv_aead_clear(t);
}
