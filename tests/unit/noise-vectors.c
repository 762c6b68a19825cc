// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: core/noise.c agrees with files of vectors in the cacophony format: every
 * message of both sides byte for byte, every payload, the handshake hash, and the
 * transport messages that follow. Protocols that the core does not have are skipped, a
 * malformed vector has failed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "vectorroom.h"
#include "vectors.h"

static const struct {
	const char *name;
	enum siv_noise_pattern pattern;
	u16 suite;
} known[] = {
	{ "Noise_IK_25519_ChaChaPoly_SHA256", SIV_NOISE_IK,
	  SIV_SUITE_CHACHAPOLY },
	{ "Noise_IK_25519_AESGCM_SHA256", SIV_NOISE_IK, SIV_SUITE_AESGCM },
	{ "Noise_NNpsk0_25519_ChaChaPoly_SHA256", SIV_NOISE_NNPSK0,
	  SIV_SUITE_CHACHAPOLY },
	{ "Noise_NNpsk0_25519_AESGCM_SHA256", SIV_NOISE_NNPSK0,
	  SIV_SUITE_AESGCM },
	{ "Noise_NNpsk2_25519_ChaChaPoly_SHA256", SIV_NOISE_NNPSK2,
	  SIV_SUITE_CHACHAPOLY },
	{ "Noise_NNpsk2_25519_AESGCM_SHA256", SIV_NOISE_NNPSK2,
	  SIV_SUITE_AESGCM },
};

enum {
	MESSAGES = 64
};

/* A vector read from JSON: siv_vector.h's struct, and the memory behind its spans. */
struct loaded {
	struct siv_noise_vector v;
	struct siv_noise_vector_message message[MESSAGES];
	struct bytes mem[2 * MESSAGES + 16];
	size_t used;
};

/* A hexadecimal member, kept until loaded_free(); of 32 bytes if @key. */
static struct siv_span get(struct loaded *l, struct place *at, json_t *v,
			   const char *name, bool optional, bool key)
{
	struct bytes b = vectors_hex(at, v, name, optional);

	if (key && b.p && b.n != SIV_KEY_LEN)
		vectors_bad(at, "member \"%s\" has %zu bytes, not 32", name,
			    b.n);
	l->mem[l->used++] = b;
	return bytes_span(b);
}

static void loaded_free(struct loaded *l)
{
	while (l->used)
		bytes_free(&l->mem[--l->used]);
}

/*
 * "init_psks": an array of one, or empty as in snow's vectors where there is none; in the
 * format's first version "init_psk": a string.
 */
static struct siv_span get_psk(struct loaded *l, struct place *at, json_t *v,
			       const char *one_name, const char *name)
{
	struct siv_span psk = { NULL, 0 };
	json_t *psks, *one;

	if (!json_object_get(v, name))
		return get(l, at, v, one_name, true, true);
	psks = vectors_member(at, v, name, JSON_ARRAY);
	if (!json_array_size(psks))
		return psk;
	if (json_array_size(psks) > 1)
		vectors_bad(at, "member \"%s\" has %zu elements, not 1", name,
			    json_array_size(psks));
	one = json_pack("{s:O}", name, json_array_get(psks, 0));
	psk = get(l, at, one, name, false, true);
	json_decref(one);
	return psk;
}

static void load_side(struct loaded *l, struct place *at, json_t *v, int i)
{
	static const char *const names[2][6] = {
		{ "init_prologue", "init_static", "init_ephemeral",
		  "init_remote_static", "init_psk", "init_psks" },
		{ "resp_prologue", "resp_static", "resp_ephemeral",
		  "resp_remote_static", "resp_psk", "resp_psks" },
	};
	struct siv_noise_vector_side *side = &l->v.side[i];
	bool ik = l->v.pattern == SIV_NOISE_IK;

	side->prologue = get(l, at, v, names[i][0], true, false);
	side->s = get(l, at, v, names[i][1], !ik, true);
	side->e = get(l, at, v, names[i][2], false, true);
	side->rs = get(l, at, v, names[i][3], !ik || i, true);
	side->psk = get_psk(l, at, v, names[i][4], names[i][5]);
}

static void load(struct loaded *l, struct place *at, json_t *v, size_t k)
{
	json_t *messages = vectors_member(at, v, "messages", JSON_ARRAY);
	json_t *m;
	size_t i;

	memset(l, 0, sizeof(*l));
	l->v.name = known[k].name;
	l->v.pattern = known[k].pattern;
	l->v.suite = known[k].suite;
	l->v.message = l->message;
	l->v.count = json_array_size(messages);
	if (l->v.count < 2 || l->v.count > MESSAGES) {
		vectors_bad(at, "%zu messages, not 2 to %d", l->v.count,
			    MESSAGES);
		return;
	}
	load_side(l, at, v, 0);
	load_side(l, at, v, 1);
	l->v.hash = get(l, at, v, "handshake_hash", true, true);
	json_array_foreach(messages, i, m)
	{
		struct siv_noise_vector_message *to = &l->message[i];

		to->payload = get(l, at, m, "payload", false, false);
		to->ciphertext = get(l, at, m, "ciphertext", false, false);
	}
}

static const char *run(struct place *at, json_t *v, size_t k,
		       struct siv_vector_room *room)
{
	const char *wrong = NULL;
	struct loaded l;

	load(&l, at, v, k);
	if (!at->bad) {
		if (!vectorroom_keys(room, l.v.side[0].s, l.v.side[1].s))
			vectors_die();
		wrong = siv_noise_vector_run(&l.v, room);
	}
	loaded_free(&l);
	return wrong;
}

static void vector(json_t *v, size_t i, struct siv_vector_room *room,
		   struct score *score)
{
	/* "name" in the format's first version */
	const char *called = json_object_get(v, "name") ? "name" :
							  "protocol_name";
	struct place at = { .bad = false };
	const char *wrong = NULL;
	const char *name;
	size_t k = 0;

	snprintf(at.name, sizeof(at.name), "vectors[%zu]", i);
	name = json_string_value(vectors_member(&at, v, called, JSON_STRING));
	if (name) {
		while (k < ARRAY_SIZE(known) && strcmp(name, known[k].name))
			k++;
		if (k == ARRAY_SIZE(known)) {
			score->skipped++;
			return;
		}
		snprintf(at.name, sizeof(at.name), "vectors[%zu], %s", i, name);
		wrong = run(&at, v, k, room);
	}
	vectors_count(score, &at, wrong);
}

static void file(const char *path, struct siv_vector_room *room,
		 struct score *score)
{
	json_t *root = vectors_load(path, "vectors");
	json_t *vectors = json_object_get(root, "vectors");
	json_t *v;
	size_t i;

	json_array_foreach(vectors, i, v)
	{
		vector(v, i, room, score);
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
