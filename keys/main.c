// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* sivshmem-keys: the certificate authority of a sivshmem host. See sivshmem-keys(1). */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "say.h"
#include "secret.h"

#define ONE_NAME "REGION/VM/SERVICE"

static const struct command commands[] = {
	{ "init-ca", "[options]", "Make a CA: its key and its certificate",
	  OPT_DIR | OPT_ALGORITHM | OPT_NAME | OPT_ENCRYPT |
		  OPT_PASSPHRASE_FILE | OPT_DATES,
	  0, 0, cmd_init_ca },
	{ "issue", ONE_NAME " [--out BUNDLE]",
	  "Make a key pair and a certificate for a service or client",
	  OPT_SIGNS | OPT_OUT | OPT_DATES, 1, 1, cmd_issue },
	{ "challenge", ONE_NAME " --out FILE",
	  "Make the challenge for a key that is made inside a guest's kernel",
	  OPT_DIR | OPT_OUT, 1, 1, cmd_challenge },
	{ "sign", ONE_NAME " --in FILE [--out CERT]",
	  "Certify such a key, once it has proved its private half",
	  OPT_SIGNS | OPT_IN | OPT_OUT | OPT_DATES, 1, 1, cmd_sign },
	{ "host", "REGION [--out PREFIX]",
	  "Make PREFIX.crt and PREFIX.key for the daemon",
	  OPT_SIGNS | OPT_OUT | OPT_DATES, 1, 1, cmd_host },
	{ "renew", "NAME|SERIAL [--out FILE]",
	  "Another certificate for the same name, and the same key if not said otherwise",
	  OPT_SIGNS | OPT_OUT | OPT_DATES | OPT_NEW_KEY | OPT_REVOKE_OLD, 1, 1,
	  cmd_renew },
	{ "list", "", "List what was issued", OPT_DIR | OPT_JSON | OPT_LIVE, 0,
	  0, cmd_list },
	{ "revoke", "NAME|SERIAL...", "Revoke certificates (and then: crl)",
	  OPT_DIR | OPT_REASON, 1, -1, cmd_revoke },
	{ "crl", "--out FILE", "Write the list of revoked certificates, signed",
	  OPT_SIGNS | OPT_OUT | OPT_REPLACE | OPT_DAYS | OPT_NOT_AFTER, 0, 0,
	  cmd_crl },
	{ "bundle", "--cert FILE --key FILE --out BUNDLE",
	  "Put a certificate and its private key together for keyctl",
	  OPT_CERT | OPT_KEY | OPT_OUT | OPT_PASSPHRASE_FILE, 0, 0,
	  cmd_bundle },
	{ "show", "FILE", "Show a certificate or a bundle", OPT_JSON, 1, 1,
	  cmd_show },
	{ "verify", "FILE [--ca CA] [--crl CRL]",
	  "Judge a certificate or a bundle as the driver and the daemon do",
	  OPT_DIR | OPT_CA | OPT_CRL | OPT_AT, 1, 1, cmd_verify },
	{ "load", "[--ca CA] [--close] [BUNDLE...]",
	  "In a guest: give the CA and identities to the kernel",
	  OPT_CA | OPT_CLOSE | OPT_KEYRING | OPT_NAME, 0, -1, cmd_load },
};

enum {
	COMMANDS = sizeof(commands) / sizeof(commands[0])
};

static int print_help(void)
{
	size_t i;

	puts("Usage: sivshmem-keys COMMAND [arguments]\n"
	     "Keys and certificates of sivshmem: the host's owner is the CA.\n\n"
	     "Commands:");
	for (i = 0; i < COMMANDS; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].what);
	puts("\nsivshmem-keys COMMAND --help tells of one. Exit status: 0 done,\n"
	     "1 refused or failed, 2 wrong command line.");
	return EXIT_OK;
}

static int run(const struct command *c, int argc, char **argv)
{
	struct options o;
	int status = options_parse(c, argc, argv, &o);

	if (status >= 0)
		return status;
	status = c->run(&o);
	if (fflush(stdout) && !status) {
		say_errno("standard output");
		return EXIT_FAILED;
	}
	return status;
}

int main(int argc, char **argv)
{
	size_t i;

	setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* messages in one piece */
	if (secret_no_dump())
		return EXIT_FAILED;
	if (argc < 2)
		return say_usage("no command");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return print_help();
	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return run(&commands[i], argc - 1, argv + 1);
	return say_usage("%s: unknown command", argv[1]);
}
