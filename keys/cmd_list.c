// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* list: what was issued. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "options.h"
#include "say.h"
#include "when.h"

static void list_text(const struct record *r, enum record_state state)
{
	char until[WHEN_LEN];

	printf("%-8s %-32s %s  %s%s%s%s\n", record_state_text(state), r->serial,
	       when_text(until, r->until), r->name,
	       r->role == SIV_CERT_HOST ? " (host)" : "",
	       r->revoked ? ": " : "", r->reason);
}

/* Names, serial numbers and reasons hold nothing that JSON would escape. */
static void list_json(const struct record *r, enum record_state state,
		      bool first)
{
	char from[WHEN_LEN], until[WHEN_LEN], revoked[WHEN_LEN];
	char pub[2 * SIV_KEY_LEN + 1];

	hex_of(pub, r->pub, sizeof(r->pub));
	printf("%s\n  {\"serial\": \"%s\", \"state\": \"%s\", \"role\": \"%s\", ",
	       first ? "" : ",", r->serial, record_state_text(state),
	       record_role_text(r->role));
	printf("\"name\": \"%s\", \"not_before\": \"%s\", \"not_after\": \"%s\", ",
	       r->name, when_text(from, r->from), when_text(until, r->until));
	printf("\"public_key\": \"%s\"", pub);
	if (r->revoked)
		printf(", \"revoked\": \"%s\", \"reason\": \"%s\"",
		       when_text(revoked, r->revoked), r->reason);
	putchar('}');
}

static void list(const struct index *x, const struct options *o)
{
	int64_t now = time(NULL);
	bool first = true;
	size_t k;

	if (o->json)
		printf("{\"crl_number\": %" PRIu64 ", \"certificates\": [",
		       x->crl_number);
	for (k = 0; k < x->count; k++) {
		const struct record *r = &x->records[k];
		enum record_state state = record_state(r, now);

		if (o->live && state != RECORD_LIVE)
			continue;
		if (o->json)
			list_json(r, state, first);
		else
			list_text(r, state);
		first = false;
	}
	if (o->json)
		puts("]}");
}

int cmd_list(const struct options *o)
{
	struct issuer i;

	if (issuer_open(&i, o->dir, false, NULL))
		return EXIT_FAILED;
	list(&i.index, o);
	issuer_close(&i);
	return EXIT_OK;
}
