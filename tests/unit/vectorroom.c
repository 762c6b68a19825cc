// SPDX-License-Identifier: GPL-2.0-only
/* Transforms and static keys for running vectors. */
#include <stdlib.h>

#include "core/crypto_openssl.h"
#include "vectorroom.h"

/* The keys are ours: the room only borrows them. */
struct owned {
	struct siv_vector_room room;
	struct siv_static *s[2];
};

struct siv_vector_room *vectorroom_new(void)
{
	struct owned *o = calloc(1, sizeof(*o));
	size_t i;

	if (!o)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(o->room.t); i++) {
		o->room.t[i] = siv_aead_alloc();
		if (!o->room.t[i]) {
			vectorroom_free(&o->room);
			return NULL;
		}
	}
	return &o->room;
}

bool vectorroom_keys(struct siv_vector_room *room, struct siv_span s0,
		     struct siv_span s1)
{
	struct owned *o = (struct owned *)room;
	const struct siv_span s[] = { s0, s1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		siv_static_free(o->s[i]);
		o->s[i] = NULL;
		if (s[i].n == SIV_KEY_LEN) {
			o->s[i] = siv_static_from_private(s[i].p);
			if (!o->s[i])
				return false;
		}
		room->s[i] = o->s[i];
	}
	return true;
}

void vectorroom_free(struct siv_vector_room *room)
{
	struct owned *o = (struct owned *)room;
	size_t i;

	if (!room)
		return;
	for (i = 0; i < ARRAY_SIZE(o->room.t); i++)
		siv_aead_free(o->room.t[i]);
	siv_static_free(o->s[0]);
	siv_static_free(o->s[1]);
	free(o);
}
