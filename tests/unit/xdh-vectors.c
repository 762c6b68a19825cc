// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: X25519 as the core uses it agrees with a file in Wycheproof's XDH format. A
 * zero shared secret and a public key that is not canonical are refused, each with its
 * own cause; everything else is computed and must come out as the file says.
 *
 * Groups on another curve are skipped. A case whose "result" is "invalid" must be
 * refused, or give something else than "shared".
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/crypto_openssl.h"
#include "core/noise.h"
#include "vectors.h"

struct xdh_case {
	u8 pub[SIV_KEY_LEN];
	u8 priv[SIV_KEY_LEN];
	u8 shared[SIV_KEY_LEN];
	bool invalid;
};

static const u8 zero[SIV_KEY_LEN];

/* What must come of it: a cause, or SIV_OK and the secret. */
static enum siv_reason expected(const struct xdh_case *c)
{
	if (!siv_pub_canonical(c->pub))
		return SIV_R_PUB_NOT_CANONICAL;
	if (!memcmp(c->shared, zero, sizeof(zero)))
		return SIV_R_DH_ZERO;
	return SIV_OK;
}

/* As everywhere in the core: judge the key, then compute. */
static enum siv_reason compute(const struct xdh_case *c, bool as_static,
			       u8 *out)
{
	struct siv_static *s;
	enum siv_reason r;

	if (!siv_pub_canonical(c->pub))
		return SIV_R_PUB_NOT_CANONICAL;
	if (!as_static)
		return siv_x25519(out, c->priv, c->pub);
	s = siv_static_from_private(c->priv);
	if (!s)
		return SIV_R_CRYPTO;
	r = siv_x25519_static(out, s, c->pub);
	siv_static_free(s);
	return r;
}

static bool run(const struct xdh_case *c, bool as_static)
{
	enum siv_reason want = expected(c);
	enum siv_reason r;
	u8 out[SIV_KEY_LEN];
	bool same;

	memset(out, 0xa5, sizeof(out));
	r = compute(c, as_static, out);
	if (c->invalid)
		return r != SIV_OK || memcmp(out, c->shared, sizeof(out));
	if (r != want)
		return false;
	if (r == SIV_R_PUB_NOT_CANONICAL)
		return true;
	same = !memcmp(out, r ? zero : c->shared, sizeof(out));
	return same;
}

static void group(json_t *g, const char *where, struct score *score)
{
	const char *curve = json_string_value(
		vectors_member(where, g, "curve", JSON_STRING));
	json_t *tests = vectors_member(where, g, "tests", JSON_ARRAY);
	struct xdh_case c;
	const char *result;
	json_t *t;
	size_t i;

	json_array_foreach(tests, i, t)
	{
		char at[96];
		json_int_t id;

		snprintf(at, sizeof(at), "%.40s.tests[%zu]", where, i);
		id = json_integer_value(
			vectors_member(at, t, "tcId", JSON_INTEGER));
		result = json_string_value(
			vectors_member(at, t, "result", JSON_STRING));
		if (strcmp(curve, "curve25519")) {
			score->skipped++;
			continue;
		}
		vectors_key(at, t, "public", false, c.pub);
		vectors_key(at, t, "private", false, c.priv);
		vectors_key(at, t, "shared", false, c.shared);
		c.invalid = !strcmp(result, "invalid");
		if (run(&c, false) && run(&c, true)) {
			score->passed++;
		} else {
			score->failed++;
			printf("FAIL: tcId %lld\n", (long long)id);
		}
	}
}

static void file(const char *path, struct score *score)
{
	json_t *root = vectors_load(path);
	json_t *groups =
		vectors_member("top level", root, "testGroups", JSON_ARRAY);
	json_t *g;
	size_t i;

	json_array_foreach(groups, i, g)
	{
		char where[48];

		snprintf(where, sizeof(where), "testGroups[%zu]", i);
		group(g, where, score);
	}
	json_decref(root);
}

int main(int argc, char **argv)
{
	struct score score = { 0, 0, 0 };
	int i;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE.json...\n", argv[0]);
		return 2;
	}
	for (i = 1; i < argc; i++)
		file(argv[i], &score);
	return vectors_end(&score);
}
