// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connect whose host is hostile: it changes what it relays, as the input says. The
 * first byte: flags and which message. Claims: both ends open only if neither the
 * terms nor the grant was changed; an end that fails is over and has no key.
 */
#include "fuzz.h"
#include "../unit/link.h"

/* A few bytes of @p changed: how many truly differ? */
static size_t change(struct fuzz_in *in, void *p, size_t n)
{
	unsigned int k = fuzz_u8(in) % 8;
	u8 *bytes = p, *good = malloc(n);
	size_t i, differ = 0;

	fuzz_claim(good);
	memcpy(good, p, n);
	while (k--) {
		i = fuzz_u16(in) % n;
		bytes[i] ^= fuzz_u8(in);
	}
	for (i = 0; i < n; i++)
		differ += bytes[i] != good[i];
	free(good);
	return differ;
}

/* An end that has failed is over. */
static void judge_end(const struct siv_connect *c, enum siv_reason r)
{
	if (!r)
		return;
	fuzz_claim(link_ended(c));
}

static void run(struct link *l, struct fuzz_in *in, unsigned int which)
{
	size_t terms = 0, grant = 0;
	enum siv_reason r;

	link_to_incoming(l);
	if (which & 1)
		terms += change(in, &l->incoming, sizeof(l->incoming));
	r = link_incoming(l);
	judge_end(&l->cb, r);
	if (r)
		return;
	link_relay_accept(l);
	if (which & 2)
		grant += change(in, &l->grant_a, sizeof(l->grant_a));
	r = link_granted(l);
	judge_end(&l->ca, r);
	if (r)
		return;
	/* A is open: then B has made M2 of these very terms */
	fuzz_claim(!memcmp(l->ca.hh, l->cb.hh, SIV_HASH_LEN));
	link_relay_confirm(l);
	if (which & 4)
		grant += change(in, &l->grant_b, sizeof(l->grant_b));
	r = link_confirmed(l);
	judge_end(&l->cb, r);
	if (!terms && !grant)
		fuzz_claim(!r);
	if (r)
		return;
	/* both are: on the same memory, with the same keys */
	fuzz_claim(!memcmp(&l->ca.common, &l->cb.common, sizeof(l->common)));
	fuzz_claim(!memcmp(l->ca.r, l->cb.r, sizeof(l->ca.r)));
	fuzz_claim(
		!siv_common_check(&l->ca.common, &l->ca.ids, &link_geometry));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct link l[2];
	struct fuzz_in in = { data, n };
	u8 first = fuzz_u8(&in);
	struct link *use = &l[first & 1];

	if (!use->t)
		link_init(use, SIV_SUITE_CHACHAPOLY,
			  first & 1 ? SIV_CH_SEALED : 0);
	use->number = 0;
	run(use, &in, first >> 1);
	return 0;
}

size_t fuzz_seed(size_t i, u8 *out, size_t cap)
{
	if (i >= 16 || cap < 64)
		return 0;
	memset(out, 0, 64);
	out[0] = (u8)i;
	/* one change each: count, offset, mask */
	out[1] = (u8)(i > 1);
	out[2] = (u8)(i * 16);
	out[4] = 1;
	return 64;
}
