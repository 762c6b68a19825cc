// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* show and verify: a certificate or bundle, as the driver and the daemon read it. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "options.h"
#include "pair.h"
#include "revoke.h"
#include "say.h"
#include "secret.h"
#include "when.h"
#include "x509.h"

/**
 * struct shown - what a file holds
 * @der: all of it, DER
 * @cert: the certificate in it
 * @has_key: a private key follows
 */
struct shown {
	struct blob der;
	struct siv_cert cert;
	bool has_key;
};

/* A bundle is bigger than any certificate may be; either is taken. */
static int shown_read(struct shown *s, const char *path)
{
	struct siv_span all;

	if (secret_lock_memory() || x509_read(path, &s->der))
		return -1;
	all = (struct siv_span){ s->der.p, s->der.n };
	if (!bundle_check(all, path, &s->cert, &s->has_key))
		return 0;
	blob_free(&s->der);
	return -1;
}

static const char *alg_text(enum siv_sig_alg alg)
{
	switch (alg) {
	case SIV_SIG_RSA_SHA256:
		return "sha256WithRSAEncryption";
	case SIV_SIG_ECDSA_SHA256:
		return "ecdsa-with-SHA256";
	case SIV_SIG_ECDSA_SHA384:
		return "ecdsa-with-SHA384";
	}
	return "unknown";
}

/* A line of text, or a member of an object; values hold nothing to be escaped. */
static void field(const struct options *o, const char *label, const char *value)
{
	if (o->json)
		printf("%s\"%s\": \"%s\"", strcmp(label, "name") ? ", " : "{",
		       label, value);
	else
		printf("%-11s %s\n", label, value);
}

int cmd_show(const struct options *o)
{
	char text[NAME_TEXT_MAX], hex[2 * SIV_CERT_MAX + 1];
	struct shown s;

	if (shown_read(&s, o->args[0]))
		return EXIT_FAILED;
	name_of(text, &s.cert);
	field(o, "name", text);
	field(o, "role", record_role_text(s.cert.role));
	hex_of(hex, s.cert.serial.p, s.cert.serial.n);
	field(o, "serial", hex);
	field(o, "not_before", when_text(text, s.cert.not_before));
	field(o, "not_after", when_text(text, s.cert.not_after));
	hex_of(hex, s.cert.pub, sizeof(s.cert.pub));
	field(o, "public_key", hex);
	field(o, "signature", alg_text(s.cert.sig_alg));
	hex_of(hex, s.cert.akid.p, s.cert.akid.n);
	field(o, "authority", hex);
	hex_of(hex, s.cert.hash, sizeof(s.cert.hash));
	field(o, "sha256", hex);
	field(o, "private_key", s.has_key ? "matches" : "absent");
	if (o->json)
		puts("}");
	blob_free(&s.der);
	return EXIT_OK;
}

static int judge(const struct shown *s, const struct options *o,
		 const struct blob *ca, const char *ca_path)
{
	int64_t at = o->at != INT64_MIN ? o->at : time(NULL);
	const char *path = o->args[0];
	struct siv_anchors *anchors;
	bool revoked = false;
	enum siv_reason r;

	anchors = x509_anchors(ca, ca_path);
	if (!anchors)
		return -1;
	r = siv_cert_verify(&s->cert, anchors);
	if (!r)
		r = siv_cert_dates(&s->cert, at);
	siv_anchors_free(anchors);
	if (!r && o->crl) {
		if (crl_find(o->crl, ca, s->cert.serial, at, &revoked))
			return -1;
		r = revoked ? SIV_R_CERT_REVOKED : SIV_OK;
	}
	return r ? say_failure("%s: %s", path, siv_reason_text(r)) : 0;
}

int cmd_verify(const struct options *o)
{
	char path[PATH_MAX], name[NAME_TEXT_MAX];
	struct shown s;
	struct blob ca;
	int err;

	if (o->ca)
		snprintf(path, sizeof(path), "%s", o->ca);
	else
		snprintf(path, sizeof(path), "%s/ca.crt", o->dir);
	if (shown_read(&s, o->args[0]))
		return EXIT_FAILED;
	err = x509_read(path, &ca);
	if (!err) {
		err = judge(&s, o, &ca, path);
		blob_free(&ca);
	}
	if (!err) {
		name_of(name, &s.cert);
		printf("%s: good: %s%s\n", o->args[0], name,
		       s.has_key ? ", with its private key" : "");
	}
	blob_free(&s.der);
	return err ? EXIT_FAILED : EXIT_OK;
}
