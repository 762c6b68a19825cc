// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vectors of tests/vectors/ through the kernel's cryptography, from the same files as
 * the native programs (siv_vectors.h is made by gen-kunit.py). The last cases of a suite
 * see that as many were run as siv_vectors.h says, which test-vectors compares with the
 * native programs.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "../crypto.h"
#include "siv_vector.h"
#include "suites.h"

#include "siv_vectors.h"

/* What one test has: the scratch and the static keys that the scratch names. */
struct siv_vectors_test {
	struct siv_vector_room room;
	struct siv_static s[2];
};

static void siv_vectors_exit(struct kunit *test)
{
	struct siv_vectors_test *v = test->priv;
	size_t i;

	if (!v)
		return;
	for (i = 0; i < ARRAY_SIZE(v->room.t); i++)
		siv_aead_free(v->room.t[i]);
	kvfree(v);
	test->priv = NULL;
}

static int siv_vectors_init(struct kunit *test)
{
	struct siv_vectors_test *v = kvzalloc(sizeof(*v), GFP_KERNEL);
	size_t i;

	test->priv = v;
	if (!v)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(v->room.t); i++) {
		v->room.t[i] = siv_aead_alloc(GFP_KERNEL);
		if (!v->room.t[i] ||
		    siv_aead_prepare(v->room.t[i], SIV_SUITE_AESGCM)) {
			siv_vectors_exit(test);
			return -ENOMEM;
		}
	}
	return 0;
}

static struct siv_vector_room *
siv_vectors_room(struct kunit *test, struct siv_span s0, struct siv_span s1)
{
	struct siv_vectors_test *v = test->priv;
	const struct siv_span s[] = { s0, s1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		v->room.s[i] = NULL;
		if (s[i].n != SIV_KEY_LEN)
			continue;
		memcpy(v->s[i].priv, s[i].p, SIV_KEY_LEN);
		v->room.s[i] = &v->s[i];
	}
	return &v->room;
}

#define SIV_VECTORS(kind, count)                                               \
	static unsigned int siv_##kind##_ran;                                  \
                                                                               \
	static void siv_##kind##_desc(const struct siv_##kind##_vector *v,     \
				      char *desc)                              \
	{                                                                      \
		strscpy(desc, v->name, KUNIT_PARAM_DESC_SIZE);                 \
	}                                                                      \
	KUNIT_ARRAY_PARAM(siv_##kind, siv_##kind##_vectors, siv_##kind##_desc) \
                                                                               \
	static void siv_vectors_##kind##_all(struct kunit *test)               \
	{                                                                      \
		KUNIT_EXPECT_EQ(test, siv_##kind##_ran, count);                \
		siv_##kind##_ran = 0;                                          \
	}

SIV_VECTORS(noise, SIV_NOISE_VECTORS)
SIV_VECTORS(xdh, SIV_XDH_VECTORS)
SIV_VECTORS(session, SIV_SESSION_VECTORS)
SIV_VECTORS(connect, SIV_CONNECT_VECTORS)

static void siv_vectors_noise(struct kunit *test)
{
	const struct siv_noise_vector *v = test->param_value;
	struct siv_vector_room *room =
		siv_vectors_room(test, v->side[0].s, v->side[1].s);

	siv_noise_ran++;
	KUNIT_EXPECT_STREQ(test, siv_noise_vector_run(v, room) ?: "", "");
}

static void siv_vectors_xdh(struct kunit *test)
{
	const struct siv_xdh_vector *v = test->param_value;
	const struct siv_span none = { NULL, 0 };
	struct siv_vector_room *room = siv_vectors_room(test, v->private, none);

	siv_xdh_ran++;
	KUNIT_EXPECT_STREQ(test, siv_xdh_vector_run(v, room) ?: "", "");
}

static void siv_vectors_session(struct kunit *test)
{
	const struct siv_session_vector *v = test->param_value;
	struct siv_vector_room *room =
		siv_vectors_room(test, v->static_a, v->static_h);

	siv_session_ran++;
	KUNIT_EXPECT_STREQ(test, siv_session_vector_run(v, room) ?: "", "");
}

static void siv_vectors_connect(struct kunit *test)
{
	const struct siv_connect_vector *v = test->param_value;
	struct siv_vector_room *room =
		siv_vectors_room(test, v->static_a, v->static_b);

	siv_connect_ran++;
	KUNIT_EXPECT_STREQ(test, siv_connect_vector_run(v, room) ?: "", "");
}

static struct kunit_case siv_noise_cases[] = {
	KUNIT_CASE_PARAM(siv_vectors_noise, siv_noise_gen_params),
	KUNIT_CASE(siv_vectors_noise_all),
	{}
};

struct kunit_suite siv_noise_suite = {
	.name = "sivshmem_noise",
	.init = siv_vectors_init,
	.exit = siv_vectors_exit,
	.test_cases = siv_noise_cases,
};

static struct kunit_case siv_xdh_cases[] = {
	KUNIT_CASE_PARAM(siv_vectors_xdh, siv_xdh_gen_params),
	KUNIT_CASE(siv_vectors_xdh_all),
	{}
};

struct kunit_suite siv_xdh_suite = {
	.name = "sivshmem_xdh",
	.init = siv_vectors_init,
	.exit = siv_vectors_exit,
	.test_cases = siv_xdh_cases,
};

static struct kunit_case siv_connect_kat_cases[] = {
	KUNIT_CASE_PARAM(siv_vectors_session, siv_session_gen_params),
	KUNIT_CASE(siv_vectors_session_all),
	KUNIT_CASE_PARAM(siv_vectors_connect, siv_connect_gen_params),
	KUNIT_CASE(siv_vectors_connect_all),
	{}
};

struct kunit_suite siv_connect_kat_suite = {
	.name = "sivshmem_connect_kat",
	.init = siv_vectors_init,
	.exit = siv_vectors_exit,
	.test_cases = siv_connect_kat_cases,
};
