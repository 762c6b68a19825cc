// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: core/noise.c agrees with a file of vectors in the cacophony format: every
 * message of both sides byte for byte, every payload, the handshake hash, and the
 * transport messages that follow. Protocols that the core does not have are skipped.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/crypto_openssl.h"
#include "core/noise.h"
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

/* One end of a vector's conversation. */
struct side {
	struct siv_noise hs;
	struct siv_noise_keys keys;
	struct siv_static *s;
	struct bytes prologue;
	u8 s_pub[SIV_KEY_LEN];
	u8 rs[SIV_KEY_LEN];
	u8 psk[SIV_KEY_LEN];
	bool has_psk;
};

#define REQUIRE(cond)                                               \
	do {                                                        \
		if (!(cond)) {                                      \
			printf("  line %d: %s\n", __LINE__, #cond); \
			return false;                               \
		}                                                   \
	} while (0)

/* "init_static" or "resp_static", and so on. */
static const char *member(char out[32], bool initiator, const char *what)
{
	snprintf(out, 32, "%s_%s", initiator ? "init" : "resp", what);
	return out;
}

/* "init_psks": an array of one; in the format's first version "init_psk": a string. */
static bool get_psk(const char *where, json_t *v, bool initiator, u8 *psk)
{
	char name[32];
	json_t *psks, *one;
	bool ok;

	if (vectors_key(where, v, member(name, initiator, "psk"), true, psk))
		return true;
	member(name, initiator, "psks");
	if (!json_object_get(v, name))
		return false;
	psks = vectors_member(where, v, name, JSON_ARRAY);
	if (json_array_size(psks) != 1)
		vectors_die(where, "member \"%s\" has %zu elements, not 1",
			    name, json_array_size(psks));
	one = json_pack("{s:O}", name, json_array_get(psks, 0));
	ok = vectors_key(where, one, name, false, psk);
	json_decref(one);
	return ok;
}

static bool side_init(const char *where, json_t *v, size_t k, bool initiator,
		      struct side *side)
{
	struct siv_noise_setup setup = { .pattern = known[k].pattern,
					 .suite = known[k].suite,
					 .initiator = initiator };
	u8 e[SIV_KEY_LEN], e_pub[SIV_KEY_LEN], s[SIV_KEY_LEN];
	char name[32];
	bool has_rs;

	memset(side, 0, sizeof(*side));
	side->prologue = vectors_hex(where, v,
				     member(name, initiator, "prologue"), true);
	setup.prologue = bytes_span(side->prologue);
	if (known[k].pattern == SIV_NOISE_IK) {
		vectors_key(where, v, member(name, initiator, "static"), false,
			    s);
		side->s = siv_static_from_private(s);
		REQUIRE(side->s && !siv_x25519_base(side->s_pub, s));
		setup.s = side->s;
		setup.s_pub = side->s_pub;
		has_rs = vectors_key(where, v,
				     member(name, initiator, "remote_static"),
				     !initiator, side->rs);
		setup.rs = has_rs ? side->rs : NULL;
	}
	side->has_psk = get_psk(where, v, initiator, side->psk);
	setup.psk = side->has_psk ? side->psk : NULL;
	REQUIRE(siv_noise_init(&side->hs, &setup) == SIV_OK);

	vectors_key(where, v, member(name, initiator, "ephemeral"), false, e);
	REQUIRE(siv_x25519_base(e_pub, e) == SIV_OK);
	siv_noise_set_ephemeral(&side->hs, e, e_pub);
	return true;
}

static void side_free(struct side *side)
{
	siv_static_free(side->s);
	bytes_free(&side->prologue);
}

static bool handshake_message(struct side *from, struct side *to,
			      struct siv_aead *t, struct siv_span payload,
			      struct siv_span want)
{
	u8 out[4096], plain[4096];
	size_t len, got;

	REQUIRE(siv_noise_write(&from->hs, t, payload, out, sizeof(out),
				&len) == SIV_OK);
	REQUIRE(len == want.n && !memcmp(out, want.p, len));
	REQUIRE(siv_noise_read(&to->hs, t, want, plain, &got) == SIV_OK);
	REQUIRE(got == payload.n && (!got || !memcmp(plain, payload.p, got)));
	return true;
}

static bool transport_message(const u8 key[SIV_KEY_LEN], u16 suite, u64 n,
			      struct siv_aead *t, struct siv_span payload,
			      struct siv_span want)
{
	struct siv_span none = { NULL, 0 };
	u8 out[4096];

	REQUIRE(siv_aead_setkey(t, suite, key) == SIV_OK);
	REQUIRE(siv_aead_seal(t, n, none, payload, out) == SIV_OK);
	REQUIRE(want.n == payload.n + SIV_TAG_LEN &&
		!memcmp(out, want.p, want.n));
	REQUIRE(siv_aead_open(t, n, none, want, out) == SIV_OK);
	REQUIRE(!payload.n || !memcmp(out, payload.p, payload.n));
	return true;
}

/* Message @i: the initiator's if even; 0 and 1 are the handshake. */
static bool message(const char *where, json_t *m, size_t i, size_t k,
		    struct side *side, struct siv_aead *t)
{
	struct bytes payload = vectors_hex(where, m, "payload", false);
	struct bytes cipher = vectors_hex(where, m, "ciphertext", false);
	struct side *from = &side[i % 2];
	struct side *to = &side[1 - i % 2];
	bool ok;

	if (payload.n > 2048 || cipher.n > 4096)
		vectors_die(where, "message %zu is too long", i);
	if (i < 2) {
		ok = handshake_message(from, to, t, bytes_span(payload),
				       bytes_span(cipher));
	} else {
		ok = transport_message(i % 2 ? side[0].keys.k2 :
					       side[0].keys.k1,
				       known[k].suite, i / 2 - 1, t,
				       bytes_span(payload), bytes_span(cipher));
	}
	bytes_free(&payload);
	bytes_free(&cipher);
	return ok;
}

static bool finish(const char *where, json_t *v, struct side *side)
{
	u8 hh[SIV_HASH_LEN];

	REQUIRE(siv_noise_split(&side[0].hs, &side[0].keys) == SIV_OK);
	REQUIRE(siv_noise_split(&side[1].hs, &side[1].keys) == SIV_OK);
	REQUIRE(!memcmp(&side[0].keys, &side[1].keys, sizeof(side[0].keys)));
	if (vectors_key(where, v, "handshake_hash", true, hh))
		REQUIRE(!memcmp(side[0].keys.hh, hh, sizeof(hh)));
	return true;
}

static bool run(const char *where, json_t *v, size_t k, struct siv_aead *t)
{
	json_t *messages = vectors_member(where, v, "messages", JSON_ARRAY);
	struct side side[2];
	json_t *m;
	bool ok;
	size_t i;

	if (json_array_size(messages) < 2)
		vectors_die(where, "fewer than two messages");
	ok = side_init(where, v, k, true, &side[0]);
	ok = side_init(where, v, k, false, &side[1]) && ok;
	json_array_foreach(messages, i, m)
	{
		if (ok && i == 2)
			ok = finish(where, v, side);
		if (ok)
			ok = message(where, m, i, k, side, t);
	}
	if (ok && json_array_size(messages) == 2)
		ok = finish(where, v, side);
	side_free(&side[0]);
	side_free(&side[1]);
	return ok;
}

static void vector(json_t *v, const char *where, struct siv_aead *t,
		   struct score *score)
{
	/* "name" in the format's first version */
	const char *called = json_object_get(v, "name") ? "name" :
							  "protocol_name";
	const char *name = json_string_value(
		vectors_member(where, v, called, JSON_STRING));
	size_t k;

	for (k = 0; k < ARRAY_SIZE(known); k++) {
		if (!strcmp(name, known[k].name))
			break;
	}
	if (k == ARRAY_SIZE(known)) {
		score->skipped++;
	} else if (run(where, v, k, t)) {
		score->passed++;
	} else {
		score->failed++;
		printf("FAIL: %s: %s\n", where, name);
	}
}

static void file(const char *path, struct siv_aead *t, struct score *score)
{
	json_t *root = vectors_load(path);
	json_t *vectors =
		vectors_member("top level", root, "vectors", JSON_ARRAY);
	json_t *v;
	size_t i;

	json_array_foreach(vectors, i, v)
	{
		char where[48];

		snprintf(where, sizeof(where), "vectors[%zu]", i);
		vector(v, where, t, score);
	}
	json_decref(root);
}

int main(int argc, char **argv)
{
	struct score score = { 0, 0, 0 };
	struct siv_aead *t;
	int i;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE.json...\n", argv[0]);
		return 2;
	}
	t = siv_aead_alloc();
	if (!t) {
		fprintf(stderr, "%s: out of memory\n", argv[0]);
		return 2;
	}
	for (i = 1; i < argc; i++)
		file(argv[i], t, &score);
	siv_aead_free(t);
	return vectors_end(&score);
}
