// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The command line: see options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "say.h"
#include "when.h"

enum {
	DAYS_MAX = 36500,
	DAY = 86400,
	BACKDATE = 300, /* for guests whose clocks are a little behind */
};

enum kind {
	TEXT,
	FLAG,
	NUMBER,
	DATE
};

static const struct definition {
	const char *name;
	const char *arg;
	unsigned int bit;
	enum kind kind;
	size_t at;
	const char *what;
} definitions[] = {
#define AT(member) offsetof(struct options, member)
	{ "dir", "DIR", OPT_DIR, TEXT, AT(dir),
	  "the CA's state directory (else $SIVSHMEM_KEYS_DIR, or sivshmem-ca)" },
	{ "out", "FILE", OPT_OUT, TEXT, AT(out), "where the result goes" },
	{ "in", "FILE", OPT_IN, TEXT, AT(in),
	  "what keyctl pipe gave: public key and proof; - for standard input" },
	{ "passphrase-file", "FILE", OPT_PASSPHRASE_FILE, TEXT,
	  AT(passphrase_file),
	  "passphrase of the CA's key, on the first line" },
	{ "algorithm", "NAME", OPT_ALGORITHM, TEXT, AT(algorithm),
	  "rsa3072 (default), rsa4096, p256, p384" },
	{ "name", "TEXT", OPT_NAME, TEXT, AT(name),
	  "name of the CA, or description of the key" },
	{ "encrypt", NULL, OPT_ENCRYPT, FLAG, AT(encrypt),
	  "protect the CA's key by a passphrase" },
	{ "days", "N", OPT_DAYS, NUMBER, AT(days), "valid for that long" },
	{ "not-before", "TIME", OPT_NOT_BEFORE, DATE, AT(not_before),
	  "first second, as 2027-01-31T00:00:00Z" },
	{ "not-after", "TIME", OPT_NOT_AFTER, DATE, AT(not_after),
	  "last second" },
	{ "new-key", NULL, OPT_NEW_KEY, FLAG, AT(new_key),
	  "with a new key pair" },
	{ "revoke-old", NULL, OPT_REVOKE_OLD, FLAG, AT(revoke_old),
	  "and revoke the certificate that is replaced" },
	{ "reason", "WHY", OPT_REASON, TEXT, AT(reason),
	  "unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation" },
	{ "replace", NULL, OPT_REPLACE, FLAG, AT(replace),
	  "an older file may be replaced" },
	{ "ca", "FILE", OPT_CA, TEXT, AT(ca), "the CA's certificate" },
	{ "crl", "FILE", OPT_CRL, TEXT, AT(crl), "a CRL to look it up in" },
	{ "at", "TIME", OPT_AT, DATE, AT(at), "judge as of then, not now" },
	{ "cert", "FILE", OPT_CERT, TEXT, AT(cert), "certificate, PEM or DER" },
	{ "key", "FILE", OPT_KEY, TEXT, AT(key),
	  "private key, PKCS#8 in PEM or DER" },
	{ "json", NULL, OPT_JSON, FLAG, AT(json), "for programs" },
	{ "live", NULL, OPT_LIVE, FLAG, AT(live),
	  "only those that are neither expired nor revoked" },
	{ "keyring", "RING", OPT_KEYRING, TEXT, AT(keyring),
	  "keyring for identities (@u)" },
	{ "close", NULL, OPT_CLOSE, FLAG, AT(close),
	  "afterwards nobody may add a trust anchor" },
#undef AT
};

enum {
	COUNT = sizeof(definitions) / sizeof(definitions[0]),
	HELP = 1000,
	FIRST = 1001,
};

void options_help(const struct command *c)
{
	char left[40];
	size_t i;

	printf("Usage: sivshmem-keys %s %s\n%s.\n", c->name, c->synopsis,
	       c->what);
	if (c->options)
		puts("\nOptions:");
	for (i = 0; i < COUNT; i++) {
		const struct definition *d = &definitions[i];

		if (!(c->options & d->bit))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", d->name,
			 d->arg ? " " : "", d->arg ? d->arg : "");
		printf("  %-24s %s\n", left, d->what);
	}
}

static int set(struct options *o, const struct definition *d, char *arg)
{
	void *at = (char *)o + d->at;
	char *end;
	long n;

	switch (d->kind) {
	case TEXT:
		memcpy(at, &arg, sizeof(arg));
		return 0;
	case FLAG:
		*(bool *)at = true;
		return 0;
	case NUMBER:
		errno = 0;
		n = strtol(arg, &end, 10);
		if (errno || end == arg || *end || n < 1 || n > DAYS_MAX)
			return say_usage("--%s %s: not a number from 1 to %d",
					 d->name, arg, DAYS_MAX);
		*(long *)at = n;
		return 0;
	case DATE:
		if (!when_parse(arg, at))
			return 0;
		return say_usage(
			"--%s %s: not a time as 2027-01-31T00:00:00Z, from 1950 to 9999",
			d->name, arg);
	}
	return 0;
}

static int check_count(const struct command *c, const struct options *o)
{
	if (o->count < c->min)
		return say_usage("%s: too few arguments: %s", c->name,
				 c->synopsis);
	if (c->max >= 0 && o->count > c->max)
		return say_usage("%s: %s: one argument too many", c->name,
				 o->args[c->max]);
	return -1;
}

int options_parse(const struct command *c, int argc, char **argv,
		  struct options *o)
{
	struct option longs[COUNT + 2];
	const char *dir = getenv("SIVSHMEM_KEYS_DIR");
	int i, n = 0, got, err;

	*o = (struct options){ .dir = dir && *dir ? dir : "sivshmem-ca",
			       .not_before = INT64_MIN,
			       .not_after = INT64_MIN,
			       .at = INT64_MIN };
	for (i = 0; i < COUNT; i++)
		if (c->options & definitions[i].bit)
			longs[n++] = (struct option){ definitions[i].name,
						      !!definitions[i].arg,
						      NULL, FIRST + i };
	longs[n++] = (struct option){ "help", 0, NULL, HELP };
	longs[n] = (struct option){ NULL, 0, NULL, 0 };
	opterr = 0;
	optind = 1;
	while ((got = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (got == HELP) {
			options_help(c);
			return EXIT_OK;
		}
		if (got == ':')
			return say_usage("%s: %s needs a value", c->name,
					 argv[optind - 1]);
		if (got == '?')
			return say_usage("%s: unknown option %s", c->name,
					 argv[optind - 1]);
		err = set(o, &definitions[got - FIRST], optarg);
		if (err)
			return err;
	}
	o->args = argv + optind;
	o->count = argc - optind;
	return check_count(c, o);
}

int options_validity(const struct options *o, long days, struct validity *v)
{
	int64_t now = time(NULL);

	if (o->days && o->not_after != INT64_MIN)
		return say_usage("--days and --not-after exclude each other");
	v->from = o->not_before != INT64_MIN ? o->not_before : now - BACKDATE;
	v->exact = true;
	if (o->not_after != INT64_MIN) {
		v->until = o->not_after;
	} else if (o->days) {
		v->until = (o->not_before != INT64_MIN ? v->from : now) +
			   (int64_t)o->days * DAY;
	} else {
		v->exact = false;
		v->until = (o->not_before != INT64_MIN ? v->from : now) +
			   (int64_t)days * DAY;
	}
	if (v->until < v->from)
		return say_usage("the certificate would end before it begins");
	return EXIT_OK;
}
