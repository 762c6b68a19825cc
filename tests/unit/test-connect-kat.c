// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: session.c, record.c, connect.c and seal.c give the answers of connect-kat.json,
 * which another implementation made, step by step and in both suites. The counts are
 * those of KUnit, which runs the same tables.
 */
#include <stdio.h>

#include "vectorroom.h"
#include "vectors.h"

#include "siv_vectors.h"

static void tell(const char *what, const char *suite, const char *wrong,
		 struct score *score)
{
	if (!wrong) {
		score->passed++;
		return;
	}
	score->failed++;
	printf("FAIL: %s, %s: %s\n", what, suite, wrong);
}

int main(void)
{
	struct siv_vector_room *room = vectorroom_new();
	struct score score = { 0, 0, 0 };
	size_t i;

	if (!room)
		return 2;
	for (i = 0; i < ARRAY_SIZE(siv_session_vectors); i++) {
		const struct siv_session_vector *v = &siv_session_vectors[i];

		if (!vectorroom_keys(room, v->static_a, v->static_h))
			return 2;
		tell("session", v->name, siv_session_vector_run(v, room),
		     &score);
	}
	for (i = 0; i < ARRAY_SIZE(siv_connect_vectors); i++) {
		const struct siv_connect_vector *v = &siv_connect_vectors[i];

		if (!vectorroom_keys(room, v->static_a, v->static_b))
			return 2;
		tell("connect", v->name, siv_connect_vector_run(v, room),
		     &score);
	}
	vectorroom_free(room);

	/* the tables are whole: what the JSON programs run is in them as well */
	if (ARRAY_SIZE(siv_noise_vectors) != SIV_NOISE_VECTORS ||
	    ARRAY_SIZE(siv_xdh_vectors) != SIV_XDH_VECTORS ||
	    ARRAY_SIZE(siv_session_vectors) != SIV_SESSION_VECTORS ||
	    ARRAY_SIZE(siv_connect_vectors) != SIV_CONNECT_VECTORS)
		score.failed++;
	return vectors_end(&score);
}
