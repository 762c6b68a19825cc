// SPDX-License-Identifier: GPL-2.0-only
/* Runs vectors of Noise and X25519; see siv_vector.h. */
#include "siv_vector.h"
#include "siv_vector_check.h"

static const struct siv_span none = { NULL, 0 };

static bool siv_vector_ephemeral(struct siv_noise *hs, struct siv_span e,
				 u8 *pub)
{
	if (e.n != SIV_KEY_LEN || siv_x25519_base(pub, e.p))
		return false;
	siv_noise_set_ephemeral(hs, e.p, pub);
	return true;
}

static const char *siv_noise_side(const struct siv_noise_vector *v, int i,
				  struct siv_vector_room *room)
{
	const struct siv_noise_vector_side *side = &v->side[i];
	struct siv_noise_setup setup = {
		.pattern = v->pattern,
		.suite = v->suite,
		.initiator = i == 0,
		.prologue = side->prologue,
		.rs = side->rs.p,
		.psk = side->psk.p,
	};
	const char *wrong = NULL;

	if (v->pattern == SIV_NOISE_IK) {
		SIV_CHECK(wrong, side->s.n == SIV_KEY_LEN);
		SIV_CHECK(wrong,
			  siv_x25519_base(room->pub, side->s.p) == SIV_OK);
		setup.s = room->s[i];
		setup.s_pub = room->pub;
	}
	SIV_CHECK(wrong, siv_noise_init(&room->hs[i], &setup) == SIV_OK);
	SIV_CHECK(wrong,
		  siv_vector_ephemeral(&room->hs[i], side->e, room->pub));
	return wrong;
}

static const char *siv_noise_handshake(const struct siv_noise_vector_message *m,
				       int from, struct siv_vector_room *room)
{
	const char *wrong = NULL;
	size_t n = 0;

	SIV_CHECK(wrong,
		  siv_noise_write(&room->hs[from], room->t[0], m->payload,
				  room->out, SIV_VECTOR_ROOM, &n) == SIV_OK);
	SIV_SAME(wrong, room->out, n, m->ciphertext);
	SIV_CHECK(wrong,
		  siv_noise_read(&room->hs[!from], room->t[0], m->ciphertext,
				 room->plain, &n) == SIV_OK);
	SIV_SAME(wrong, room->plain, n, m->payload);
	return wrong;
}

static const char *siv_noise_transport(const struct siv_noise_vector_message *m,
				       const u8 k[SIV_KEY_LEN], u16 suite,
				       u64 nonce, struct siv_vector_room *room)
{
	struct siv_aead *t = room->t[0];
	const char *wrong = NULL;

	SIV_CHECK(wrong, siv_aead_setkey(t, suite, k) == SIV_OK);
	SIV_CHECK(wrong, siv_aead_seal(t, nonce, none, m->payload, room->out) ==
				 SIV_OK);
	SIV_SAME(wrong, room->out, m->payload.n + SIV_TAG_LEN, m->ciphertext);
	SIV_CHECK(wrong, siv_aead_open(t, nonce, none, m->ciphertext,
				       room->plain) == SIV_OK);
	SIV_SAME(wrong, room->plain, m->payload.n, m->payload);
	return wrong;
}

static const char *siv_noise_finish(const struct siv_noise_vector *v,
				    struct siv_vector_room *room)
{
	struct siv_noise_keys *k = room->keys;
	const char *wrong = NULL;

	SIV_CHECK(wrong, siv_noise_split(&room->hs[0], &k[0]) == SIV_OK);
	SIV_CHECK(wrong, siv_noise_split(&room->hs[1], &k[1]) == SIV_OK);
	SIV_CHECK(wrong, !memcmp(&k[0], &k[1], sizeof(k[0])));
	if (v->hash.n)
		SIV_SAME(wrong, k[0].hh, SIV_HASH_LEN, v->hash);
	return wrong;
}

const char *siv_noise_vector_run(const struct siv_noise_vector *v,
				 struct siv_vector_room *room)
{
	const struct siv_noise_keys *k = &room->keys[0];
	const char *wrong = NULL;
	size_t i;

	SIV_CHECK(wrong, v->count >= 2);
	for (i = 0; i < v->count; i++) {
		SIV_CHECK(wrong,
			  v->message[i].payload.n <= SIV_VECTOR_ROOM / 2);
		SIV_CHECK(wrong, v->message[i].ciphertext.n <= SIV_VECTOR_ROOM);
	}
	if (!wrong)
		wrong = siv_noise_side(v, 0, room);
	if (!wrong)
		wrong = siv_noise_side(v, 1, room);
	if (!wrong)
		wrong = siv_noise_handshake(&v->message[0], 0, room);
	if (!wrong)
		wrong = siv_noise_handshake(&v->message[1], 1, room);
	if (!wrong)
		wrong = siv_noise_finish(v, room);
	for (i = 2; i < v->count && !wrong; i++)
		wrong = siv_noise_transport(&v->message[i],
					    i % 2 ? k->k2 : k->k1, v->suite,
					    i / 2 - 1, room);
	return wrong;
}

const char *siv_xdh_vector_run(const struct siv_xdh_vector *v,
			       struct siv_vector_room *room)
{
	static const u8 zero[SIV_KEY_LEN];
	enum siv_reason r[2], want = SIV_OK;
	u8 *out[2] = { room->out, room->plain };
	const char *wrong = NULL;
	int i;

	SIV_CHECK(wrong, v->public.n == SIV_KEY_LEN);
	SIV_CHECK(wrong, v->private.n == SIV_KEY_LEN);
	SIV_CHECK(wrong, v->shared.n == SIV_KEY_LEN);
	if (wrong)
		return wrong;
	if (!siv_pub_canonical(v->public.p)) {
		SIV_CHECK(wrong, !v->valid);
		return wrong; /* refused before any computation */
	}
	SIV_CHECK(wrong, !v->not_canonical);
	if (!memcmp(v->shared.p, zero, sizeof(zero)))
		want = SIV_R_DH_ZERO;

	memset(out[0], 0xa5, SIV_KEY_LEN);
	memset(out[1], 0xa5, SIV_KEY_LEN);
	r[0] = siv_x25519(out[0], v->private.p, v->public.p);
	r[1] = siv_x25519_static(out[1], room->s[0], v->public.p);
	for (i = 0; i < 2; i++) {
		if (v->invalid) {
			SIV_CHECK(wrong, r[i] || memcmp(out[i], v->shared.p,
							SIV_KEY_LEN));
			continue;
		}
		SIV_CHECK(wrong, r[i] == want);
		/* the zero secret is zero as well */
		SIV_SAME(wrong, out[i], SIV_KEY_LEN, v->shared);
	}
	return wrong;
}
