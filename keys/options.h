/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The command line. */
#ifndef KEYS_OPTIONS_H
#define KEYS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "issue.h"

/* One for each option; a command says which it takes. */
enum {
	OPT_DIR = 1 << 0,
	OPT_OUT = 1 << 1,
	OPT_IN = 1 << 2,
	OPT_PASSPHRASE_FILE = 1 << 3,
	OPT_ALGORITHM = 1 << 4,
	OPT_NAME = 1 << 5,
	OPT_ENCRYPT = 1 << 6,
	OPT_DAYS = 1 << 7,
	OPT_NOT_BEFORE = 1 << 8,
	OPT_NOT_AFTER = 1 << 9,
	OPT_NEW_KEY = 1 << 10,
	OPT_REVOKE_OLD = 1 << 11,
	OPT_REASON = 1 << 12,
	OPT_REPLACE = 1 << 13,
	OPT_CA = 1 << 14,
	OPT_CRL = 1 << 15,
	OPT_AT = 1 << 16,
	OPT_CERT = 1 << 17,
	OPT_KEY = 1 << 18,
	OPT_JSON = 1 << 19,
	OPT_LIVE = 1 << 20,
	OPT_KEYRING = 1 << 21,
	OPT_CLOSE = 1 << 22,
	OPT_DATES = OPT_DAYS | OPT_NOT_BEFORE | OPT_NOT_AFTER,
	OPT_SIGNS = OPT_DIR | OPT_PASSPHRASE_FILE,
};

struct options {
	const char *dir, *out, *in, *passphrase_file, *algorithm, *name;
	const char *reason, *ca, *crl, *cert, *key, *keyring;
	bool encrypt, new_key, revoke_old, replace, json, live, close;
	long days;			   /* 0: not said */
	int64_t not_before, not_after, at; /* INT64_MIN: not said */
	char **args;
	int count;
};

struct command {
	const char *name;
	const char *synopsis;
	const char *what; /* one line */
	unsigned int options;
	int min, max;			     /* arguments; max -1: any number */
	int (*run)(const struct options *o); /* exit status */
};

/**
 * options_parse() - after the command's name
 * @c: the command: what it takes
 * @argc: how many @argv
 * @argv: argv[0] is that name
 * @o: set to what was said
 *
 * Return: -1 to go on; else the exit status, after --help or a wrong command line.
 */
int options_parse(const struct command *c, int argc, char **argv,
		  struct options *o);
/* How long an identity is valid where nothing is said. */
enum {
	IDENTITY_DAYS = 365
};

/* options_validity() - dates of a new certificate; @days where nothing is said. */
int options_validity(const struct options *o, long days, struct validity *v);
/* options_help() - a command's own help, to standard output. */
void options_help(const struct command *c);

/* The commands' functions; each returns an exit status. */
int cmd_init_ca(const struct options *o);
int cmd_issue(const struct options *o);
int cmd_host(const struct options *o);
int cmd_challenge(const struct options *o);
int cmd_sign(const struct options *o);
int cmd_bundle(const struct options *o);
int cmd_list(const struct options *o);
int cmd_renew(const struct options *o);
int cmd_revoke(const struct options *o);
int cmd_crl(const struct options *o);
int cmd_show(const struct options *o);
int cmd_verify(const struct options *o);
int cmd_load(const struct options *o);

#endif
