// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Making a certificate and its files: see deliver.h. */
#define _GNU_SOURCE
#include "deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "say.h"
#include "secret.h"
#include "when.h"
#include "x509.h"

static void tell(const struct siv_cert *c, const char *file)
{
	char serial[SERIAL_HEX_MAX], until[WHEN_LEN], name[NAME_TEXT_MAX];

	hex_of(serial, c->serial.p, c->serial.n);
	name_of(name, c);
	printf("%s: %s, serial %s, until %s\n", file, name, serial,
	       when_text(until, c->not_after));
}

/* The name of a file, made of @base or, without it, of the identity's name. */
static char *file_name(const char *base, const char *name, const char *suffix)
{
	char *out = NULL, *p;

	if (asprintf(&out, "%s%s", base ? base : name, suffix) < 0) {
		say_failure("out of memory");
		return NULL;
	}
	for (p = out; !base && *p; p++)
		if (*p == '/')
			*p = '.';
	return out;
}

/* An endpoint's files: the bundle. */
static int begin_bundle(struct outfile *out, const char *path,
			const struct blob *der, EVP_PKEY *key)
{
	struct blob bundle;
	int err;

	if (bundle_make(der, key, path, &bundle))
		return -1;
	err = outfile_begin(out, path, 0600, bundle.p, bundle.n, false);
	blob_free(&bundle);
	return err;
}

/* A host's files, key first: out[0] and out[1]. */
static int begin_host(struct outfile out[2], char *const path[2],
		      const struct blob *der, EVP_PKEY *key)
{
	struct blob pem;
	int err;

	if (private_key_pem(key, NULL, &pem))
		return -1;
	err = outfile_begin(&out[0], path[0], 0600, pem.p, pem.n, false);
	blob_free(&pem);
	if (err || x509_pem(der, &pem))
		return -1;
	err = outfile_begin(&out[1], path[1], 0644, pem.p, pem.n, false);
	blob_free(&pem);
	return err;
}

static int write_pair(struct issuer *i, const struct identity *id,
		      const struct blob *der, const struct siv_cert *c,
		      EVP_PKEY *key, char *const path[2])
{
	bool host = id->role == SIV_CERT_HOST;
	struct outfile out[2] = { { .dir = -1 }, { .dir = -1 } };
	int err;

	if (host)
		err = begin_host(out, path, der, key);
	else
		err = begin_bundle(&out[0], path[0], der, key);
	if (!err)
		err = issue_record(i, c, out, host ? 2 : 1);
	outfile_abort(&out[0]);
	outfile_abort(&out[1]);
	return err;
}

int deliver_pair(struct issuer *i, const struct identity *id,
		 const struct validity *v, const char *where, bool renew)
{
	bool host = id->role == SIV_CERT_HOST;
	char *path[2] = { NULL, NULL };
	struct blob der = { NULL, 0 };
	uint8_t pub[SIV_KEY_LEN];
	struct siv_cert c;
	EVP_PKEY *key;
	int err = -1;

	if (host) {
		path[0] = file_name(where, id->name, ".key");
		path[1] = file_name(where, id->name, ".crt");
	} else {
		path[0] = file_name(where, id->name, where ? "" : ".bundle");
	}
	key = pair_make();
	if (key && path[0] && (!host || path[1]) &&
	    !pair_public(key, id->name, pub) &&
	    !issue_allowed(i, id, pub, renew) &&
	    !issue_sign(i, id, pub, v, &der, &c) &&
	    !write_pair(i, id, &der, &c, key, path)) {
		tell(&c, host ? path[1] : path[0]);
		err = 0;
	}
	EVP_PKEY_free(key);
	blob_free(&der);
	free(path[0]);
	free(path[1]);
	return err;
}

int deliver_cert(struct issuer *i, const struct identity *id,
		 const uint8_t pub[SIV_KEY_LEN], const struct validity *v,
		 const char *where)
{
	bool host = id->role == SIV_CERT_HOST;
	struct blob der = { NULL, 0 }, pem = { NULL, 0 };
	struct outfile out = { .dir = -1 };
	char *path = file_name(where, id->name, where ? "" : ".crt");
	const struct blob *file = host ? &pem : &der;
	struct siv_cert c;
	int err = -1;

	if (path && !issue_sign(i, id, pub, v, &der, &c) &&
	    (!host || !x509_pem(&der, &pem)) &&
	    !outfile_begin(&out, path, 0644, file->p, file->n, false) &&
	    !issue_record(i, &c, &out, 1)) {
		tell(&c, path);
		err = 0;
	}
	outfile_abort(&out);
	blob_free(&der);
	blob_free(&pem);
	free(path);
	return err;
}
