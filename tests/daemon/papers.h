/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Certificates and revocation lists for tests of a running daemon: with dates around now,
 * and with whatever is to be refused about them.
 */
#ifndef TESTS_PAPERS_H
#define TESTS_PAPERS_H

#include <stdio.h>

#include "certbuild.h"
#include "core/wire.h"

/**
 * struct paper - what a certificate says
 * @region: of the name
 * @vm: NULL: it is a host's
 * @service: of the name; not used for a host
 * @from: validity, seconds from now; both 0: an hour ago, in 30 days
 * @to: its end, as @from
 * @serial: 0: one that no other has
 * @ca: who signs; NULL: pki_ca()
 */
struct paper {
	const char *region;
	const char *vm;
	const char *service;
	long from;
	long to;
	u32 serial;
	const struct test_ca *ca;
};

/**
 * paper_der() - make the certificate for a public key
 * @out: set to it
 * @p: what it says
 * @pub: the public key
 * @serial: set to its serial number, as hexadecimal digits; may be NULL
 */
size_t paper_der(u8 out[SIV_CERT_MAX], const struct paper *p,
		 const u8 pub[SIV_KEY_LEN], char serial[24]);

/* paper_crl() - a list of revoked serial numbers, PEM. */
void paper_crl(FILE *f, const struct test_ca *ca, const u32 *serials,
	       size_t count, long number);

#endif
