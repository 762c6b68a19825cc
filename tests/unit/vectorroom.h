/* SPDX-License-Identifier: GPL-2.0-only */
/* The scratch of drivers/sivshmem/tests/siv_vector.h, on OpenSSL. */
#ifndef SIV_TEST_VECTORROOM_H
#define SIV_TEST_VECTORROOM_H

#include "tests/siv_vector.h"

/* vectorroom_new() - a room; NULL without memory. */
struct siv_vector_room *vectorroom_new(void);
/* vectorroom_keys() - put static keys there; empty: none. False without memory. */
bool vectorroom_keys(struct siv_vector_room *room, struct siv_span s0,
		     struct siv_span s1);
void vectorroom_free(struct siv_vector_room *room);

#endif /* SIV_TEST_VECTORROOM_H */
