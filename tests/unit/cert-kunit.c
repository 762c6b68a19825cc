// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the cases of cert-cases.h as C tables for KUnit (siv_cert_kunit.c), each signed
 * by a CA made now, with the CAs and their number.
 */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "cert-cases.h"
#include "core/reason.h"
#include "dertext.h"

/* All of them. */
#define CASES(table)                     \
	{                                \
		table, ARRAY_SIZE(table) \
	}
static const struct {
	const struct edit *edits;
	size_t count;
} all_cases[] = {
	CASES(outer_cases), CASES(field_cases), CASES(key_cases),
	CASES(usage_cases), CASES(ext_cases),	CASES(san_cases),
};

static void print_span(const uint8_t *p, size_t n)
{
	size_t i;

	printf("{ (const u8 *)");
	for (i = 0; i < n; i++)
		printf("%s\\x%02x", i % 24 ? "" : i ? "\"\n\t\"" : "\"", p[i]);
	printf("\", %zu }", n);
}

static void print_ca(const struct test_ca *ca)
{
	uint8_t *der = NULL;
	int n = i2d_X509(ca->cert, &der);

	if (n <= 0)
		abort();
	printf("\t");
	print_span(der, (size_t)n);
	printf(",\n");
	OPENSSL_free(der);
}

static void print_case(const struct edit *e, const struct test_ca *ca)
{
	uint8_t der[DERTEXT_MAX];
	size_t n = edit_build(der, e, ca);

	printf("\t{ .name = \"%s\", .ca = %d, .want = %d, /* %s */\n\t.der = ",
	       e->name, (int)e->ca, (int)e->want, siv_reason_name(e->want));
	print_span(der, n);
	printf(" },\n");
}

int main(void)
{
	struct test_ca cas[TEST_ALGS];
	size_t i, j, count = 0;
	int alg;

	printf("/* Made for the KUnit suites; worth nothing. */\n"
	       "static const struct siv_span siv_cert_cas[] = {\n");
	for (alg = 0; alg < TEST_ALGS; alg++) {
		test_ca_make(&cas[alg], (enum test_alg)alg);
		print_ca(&cas[alg]);
	}
	printf("};\nstatic const struct siv_cert_case siv_cert_cases[] = {\n");
	for (i = 0; i < ARRAY_SIZE(all_cases); i++) {
		for (j = 0; j < all_cases[i].count; j++) {
			const struct edit *e = &all_cases[i].edits[j];

			print_case(e, &cas[e->ca]);
		}
		count += all_cases[i].count;
	}
	printf("};\n#define SIV_CERT_CASES %zu\n", count);
	for (alg = 0; alg < TEST_ALGS; alg++)
		test_ca_free(&cas[alg]);
	return 0;
}
