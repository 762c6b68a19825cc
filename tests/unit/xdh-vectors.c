// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: X25519 as the core uses it agrees with files in Wycheproof's XDH format. A zero
 * shared secret and a public key that is not canonical are refused, each with its own
 * cause; everything else is computed and must come out as the file says.
 *
 * Groups on another curve are skipped. A case whose "result" is "invalid" must be
 * refused, or give something else than "shared". The key of a "valid" one must be taken,
 * one flagged NonCanonicalPublic refused (not every key that is not canonical is flagged).
 */
#include <stdio.h>
#include <stdlib.h>

#include "vectorroom.h"
#include "vectors.h"

static bool flagged(const char *where, json_t *t, const char *flag)
{
	json_t *flags = vectors_member(where, t, "flags", JSON_ARRAY);
	json_t *f;
	size_t i;

	json_array_foreach(flags, i, f)
	{
		if (json_is_string(f) && !strcmp(json_string_value(f), flag))
			return true;
	}
	return false;
}

static const char *run(const char *where, json_t *t,
		       struct siv_vector_room *room)
{
	const struct siv_span none = { NULL, 0 };
	u8 pub[SIV_KEY_LEN], priv[SIV_KEY_LEN], shared[SIV_KEY_LEN];
	struct siv_xdh_vector v = {
		.public = { pub, sizeof(pub) },
		.private = { priv, sizeof(priv) },
		.shared = { shared, sizeof(shared) },
	};
	json_t *result = vectors_member(where, t, "result", JSON_STRING);

	vectors_key(where, t, "public", false, pub);
	vectors_key(where, t, "private", false, priv);
	vectors_key(where, t, "shared", false, shared);
	v.valid = !strcmp(json_string_value(result), "valid");
	v.invalid = !strcmp(json_string_value(result), "invalid");
	v.not_canonical = flagged(where, t, "NonCanonicalPublic");
	if (!vectorroom_keys(room, v.private, none))
		vectors_die(where, "out of memory");
	return siv_xdh_vector_run(&v, room);
}

static void group(json_t *g, const char *where, struct siv_vector_room *room,
		  struct score *score)
{
	json_t *curve = vectors_member(where, g, "curve", JSON_STRING);
	json_t *tests = vectors_member(where, g, "tests", JSON_ARRAY);
	const char *wrong;
	json_t *t, *id;
	size_t i;

	json_array_foreach(tests, i, t)
	{
		char at[96];

		snprintf(at, sizeof(at), "%.40s.tests[%zu]", where, i);
		id = vectors_member(at, t, "tcId", JSON_INTEGER);
		if (strcmp(json_string_value(curve), "curve25519")) {
			score->skipped++;
			continue;
		}
		wrong = run(at, t, room);
		if (!wrong) {
			score->passed++;
			continue;
		}
		score->failed++;
		printf("FAIL: tcId %lld: %s\n",
		       (long long)json_integer_value(id), wrong);
	}
}

static void file(const char *path, struct siv_vector_room *room,
		 struct score *score)
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
		group(g, where, room, score);
	}
	json_decref(root);
}

int main(int argc, char **argv)
{
	struct score score = { 0, 0, 0 };
	struct siv_vector_room *room;
	int i;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE.json...\n", argv[0]);
		return 2;
	}
	room = vectorroom_new();
	if (!room) {
		fprintf(stderr, "%s: out of memory\n", argv[0]);
		return 2;
	}
	for (i = 1; i < argc; i++)
		file(argv[i], room, &score);
	vectorroom_free(room);
	return vectors_end(&score);
}
