// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* issue, host and renew. */
#include <stdio.h>
#include <string.h>

#include "deliver.h"
#include "options.h"
#include "revoke.h"
#include "say.h"

static int issue(const struct options *o, enum siv_cert_role role)
{
	struct identity id;
	struct validity v;
	struct issuer i;
	int status;

	status = identity_parse(&id, o->args[0], role);
	if (!status)
		status = options_validity(o, IDENTITY_DAYS, &v);
	if (status)
		return status;
	if (issuer_open(&i, o->dir, true, o->passphrase_file))
		return EXIT_FAILED;
	status = deliver_pair(&i, &id, &v, o->out, false) ? EXIT_FAILED :
							    EXIT_OK;
	issuer_close(&i);
	return status;
}

int cmd_issue(const struct options *o)
{
	return issue(o, SIV_CERT_ENDPOINT);
}

int cmd_host(const struct options *o)
{
	return issue(o, SIV_CERT_HOST);
}

/* The certificate to renew: the newest of that name that is not revoked. */
static struct record *find_renewable(struct index *x, const char *which)
{
	struct record *found = NULL;
	size_t k;

	for (k = 0; k < x->count; k++) {
		struct record *r = &x->records[k];

		if (!record_matches(r, which))
			continue;
		if (r->revoked && !strcmp(r->serial, which)) {
			say_failure("%s: is revoked: issue a new one", which);
			return NULL;
		}
		if (!r->revoked && (!found || r->until >= found->until))
			found = r;
	}
	if (!found)
		say_failure(
			"%s: no certificate of this name or serial number to renew",
			which);
	return found;
}

static int renew(struct issuer *i, const struct options *o,
		 const struct validity *v)
{
	struct record *r = find_renewable(&i->index, o->args[0]);
	struct record old;
	struct identity id;
	int err;

	if (!r)
		return -1;
	old = *r; /* the table may move */
	id = (struct identity){ old.role, old.name, old.name };
	if (strrchr(old.name, '/'))
		id.last = strrchr(old.name, '/') + 1;
	if (o->new_key)
		err = deliver_pair(i, &id, v, o->out, true);
	else
		err = issue_allowed(i, &id, old.pub, true) ||
		      deliver_cert(i, &id, old.pub, v, o->out);
	if (err || !o->revoke_old)
		return err ? -1 : 0;
	return revoke_serial(i, old.serial, "superseded");
}

int cmd_renew(const struct options *o)
{
	struct validity v;
	struct issuer i;
	int status;

	if (o->revoke_old && !o->new_key)
		return say_usage(
			"--revoke-old: only with --new-key: a revoked key is not certified again");
	status = options_validity(o, IDENTITY_DAYS, &v);
	if (status)
		return status;
	if (issuer_open(&i, o->dir, true, o->passphrase_file))
		return EXIT_FAILED;
	status = renew(&i, o, &v) ? EXIT_FAILED : EXIT_OK;
	issuer_close(&i);
	return status;
}
