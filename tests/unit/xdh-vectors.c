// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: X25519 as the core uses it agrees with files in Wycheproof's XDH format. A zero
 * shared secret and a public key that is not canonical are refused, each with its own
 * cause; everything else is computed and must come out as the file says.
 *
 * Groups on another curve are skipped. A case whose "result" is "invalid" must be
 * refused, or give something else than "shared". The key of a "valid" one must be taken,
 * one flagged NonCanonicalPublic refused (not every key that is not canonical is flagged).
 * A malformed case has failed, and so has a malformed group.
 */
#include <stdio.h>
#include <stdlib.h>

#include "vectorroom.h"
#include "vectors.h"

static bool flagged(struct place *at, json_t *t, const char *flag)
{
	json_t *flags = vectors_member(at, t, "flags", JSON_ARRAY);
	json_t *f;
	size_t i;

	json_array_foreach(flags, i, f)
	{
		if (json_is_string(f) && !strcmp(json_string_value(f), flag))
			return true;
	}
	return false;
}

static const char *run(struct place *at, json_t *t,
		       struct siv_vector_room *room)
{
	const struct siv_span none = { NULL, 0 };
	u8 pub[SIV_KEY_LEN], priv[SIV_KEY_LEN], shared[SIV_KEY_LEN];
	struct siv_xdh_vector v = {
		.public = { pub, sizeof(pub) },
		.private = { priv, sizeof(priv) },
		.shared = { shared, sizeof(shared) },
	};
	json_t *result = vectors_member(at, t, "result", JSON_STRING);

	vectors_key(at, t, "public", pub);
	vectors_key(at, t, "private", priv);
	vectors_key(at, t, "shared", shared);
	v.not_canonical = flagged(at, t, "NonCanonicalPublic");
	if (at->bad)
		return NULL;
	v.valid = !strcmp(json_string_value(result), "valid");
	v.invalid = !strcmp(json_string_value(result), "invalid");
	if (!vectorroom_keys(room, v.private, none))
		vectors_die();
	return siv_xdh_vector_run(&v, room);
}

static void test(json_t *t, const struct place *group, size_t i,
		 struct siv_vector_room *room, struct score *score)
{
	struct place at = { .bad = false };
	const char *wrong;
	json_t *id;

	snprintf(at.name, sizeof(at.name), "%.40s.tests[%zu]", group->name, i);
	id = vectors_member(&at, t, "tcId", JSON_INTEGER);
	if (id)
		snprintf(at.name, sizeof(at.name), "tcId %lld",
			 (long long)json_integer_value(id));
	wrong = run(&at, t, room);
	vectors_count(score, &at, wrong);
}

static void group(json_t *g, size_t n, struct siv_vector_room *room,
		  struct score *score)
{
	struct place at = { .bad = false };
	json_t *curve, *tests, *t;
	size_t i;

	snprintf(at.name, sizeof(at.name), "testGroups[%zu]", n);
	curve = vectors_member(&at, g, "curve", JSON_STRING);
	tests = vectors_member(&at, g, "tests", JSON_ARRAY);
	if (at.bad) {
		vectors_count(score, &at, NULL);
		return;
	}
	if (strcmp(json_string_value(curve), "curve25519")) {
		score->skipped += (unsigned int)json_array_size(tests);
		return;
	}
	json_array_foreach(tests, i, t)
	{
		test(t, &at, i, room, score);
	}
}

static void file(const char *path, struct siv_vector_room *room,
		 struct score *score)
{
	json_t *root = vectors_load(path, "testGroups");
	json_t *groups = json_object_get(root, "testGroups");
	json_t *g;
	size_t i;

	json_array_foreach(groups, i, g)
	{
		group(g, i, room, score);
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
