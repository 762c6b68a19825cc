// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* revoke and crl. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "options.h"
#include "revoke.h"
#include "say.h"

enum {
	CRL_DAYS = 30
};

/* A serial number is one certificate; a name is all of its live ones. */
static int revoke(struct issuer *i, const char *which, const char *reason)
{
	int64_t now = time(NULL);
	size_t k, done = 0;

	for (k = 0; k < i->index.count; k++) {
		const struct record *r = &i->index.records[k];

		if (!record_matches(r, which))
			continue;
		if (strcmp(r->serial, which) &&
		    record_state(r, now) != RECORD_LIVE)
			continue;
		if (revoke_serial(i, r->serial, reason))
			return -1;
		done++;
	}
	return done ? 0 :
		      say_failure(
			      "%s: no live certificate of this name, and none of this serial number",
			      which);
}

int cmd_revoke(const struct options *o)
{
	const char *reason = o->reason ? o->reason : "unspecified";
	int k, status = EXIT_OK;
	struct issuer i;

	if (revoke_reason_code(reason) < 0)
		return say_usage(
			"--reason %s: not one of those that --help lists",
			reason);
	if (issuer_open(&i, o->dir, false, NULL))
		return EXIT_FAILED;
	for (k = 0; k < o->count; k++)
		if (revoke(&i, o->args[k], reason))
			status = EXIT_FAILED;
	issuer_close(&i);
	if (status == EXIT_OK)
		say_note("now write a new CRL (crl) and give it to the daemon");
	return status;
}

static int write_crl(struct issuer *i, const struct options *o,
		     const struct validity *v)
{
	struct outfile out = { .dir = -1 };
	struct blob pem = { NULL, 0 };
	int err;

	err = crl_make(i, time(NULL), v->until, &pem) ||
	      outfile_begin(&out, o->out, 0644, pem.p, pem.n, o->replace) ||
	      index_save(&i->index, &i->store) || outfile_commit(&out);
	outfile_abort(&out);
	blob_free(&pem);
	if (err)
		return -1;
	printf("%s: CRL number %" PRIu64 "\n", o->out, i->index.crl_number);
	return 0;
}

int cmd_crl(const struct options *o)
{
	struct validity v;
	struct issuer i;
	int status;

	if (!o->out)
		return say_usage("crl: --out FILE is needed");
	status = options_validity(o, CRL_DAYS, &v);
	if (status)
		return status;
	if (issuer_open(&i, o->dir, true, o->passphrase_file))
		return EXIT_FAILED;
	status = write_crl(&i, o, &v) ? EXIT_FAILED : EXIT_OK;
	issuer_close(&i);
	return status;
}
