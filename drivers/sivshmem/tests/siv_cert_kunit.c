// SPDX-License-Identifier: GPL-2.0-only
/*
 * Certificates that differ from a valid one in one field get in the kernel what they get
 * natively, cause for cause, from the same table (tests/unit/cert-cases.h, written down
 * by tests/unit/cert-kunit.c): the core's parser, and the kernel's keyring and signatures
 * under a CA of each kind. The last case sees that as many were run as the table has,
 * which test-vectors compares with the native program.
 */
#include <kunit/test.h>
#include <linux/crypto.h>
#include <linux/key.h>
#include <linux/string.h>

#include "../core/cert.h"
#include "../crypto.h"
#include "../keys.h"
#include "suites.h"

enum {
	CA_RSA,
	CA_P256,
	CA_P384,
};

struct siv_cert_case {
	const char *name;
	unsigned int ca;
	enum siv_reason want;
	struct siv_span der;
};

#include "siv_cert_cases.h"

static unsigned int ran;

static void case_name(const struct siv_cert_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(cert, siv_cert_cases, case_name);

/* Does this kernel know the CA's algorithm? Debian 12's has no ECDSA. */
static bool has_alg(unsigned int ca)
{
	switch (ca) {
	case CA_P256:
		return crypto_has_alg("ecdsa-nist-p256", 0, 0);
	case CA_P384:
		return crypto_has_alg("ecdsa-nist-p384", 0, 0);
	default:
		return true;
	}
}

/* One CA is the anchor, none other; false if this kernel takes none such. */
static bool believe(struct kunit *test, unsigned int ca)
{
	const struct siv_span *der = &siv_cert_cas[ca];
	key_ref_t ref;

	keyring_clear(siv_keys_anchors()->keyring);
	ref = key_create_or_update(
		make_key_ref(siv_keys_anchors()->keyring, true), "asymmetric",
		NULL, der->p, der->n, KEY_POS_ALL | KEY_USR_ALL,
		KEY_ALLOC_NOT_IN_QUOTA);
	if (IS_ERR(ref)) {
		KUNIT_EXPECT_FALSE(test, has_alg(ca));
		return false;
	}
	key_ref_put(ref);
	return true;
}

/* What cannot be verified here is never believed. */
static enum siv_reason wanted(const struct siv_cert_case *c, bool believed)
{
	if (c->want != SIV_OK || has_alg(c->ca))
		return c->want;
	return believed ? SIV_R_SIG_ALG : SIV_R_NO_ANCHOR;
}

static void judged(struct kunit *test)
{
	const struct siv_cert_case *c = test->param_value;
	bool believed = believe(test, c->ca);
	struct siv_cert cert;
	enum siv_reason r;
	/* of its own size, for those who look at accesses beside it */
	u8 *copy = kunit_kmalloc(test, c->der.n, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, c->der.p, c->der.n);
	r = siv_cert_parse((struct siv_span){ copy, c->der.n }, &cert);
	if (r == SIV_OK) {
		KUNIT_EXPECT_TRUE(test, cert.tbs.p > copy);
		KUNIT_EXPECT_PTR_EQ(test, cert.sig.p + cert.sig.n,
				    (const u8 *)copy + c->der.n);
		r = siv_cert_verify(&cert, siv_keys_anchors());
	}
	KUNIT_EXPECT_STREQ(test, siv_reason_name(r),
			   siv_reason_name(wanted(c, believed)));
	ran++;
}

static void all_were_judged(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ran, SIV_CERT_CASES);
	ran = 0;
}

static void cert_exit(struct kunit *test)
{
	keyring_clear(siv_keys_anchors()->keyring);
}

static struct kunit_case siv_cert_kunit_cases[] = {
	KUNIT_CASE_PARAM(judged, cert_gen_params),
	KUNIT_CASE(all_were_judged),
	{},
};

struct kunit_suite siv_cert_suite = {
	.name = "siv_cert",
	.suite_init = siv_suite_keys_init,
	.suite_exit = siv_suite_keys_exit,
	.exit = cert_exit,
	.test_cases = siv_cert_kunit_cases,
};
