// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* sivshmemctl: channels from the shell, in a guest; the daemon, on the host. */
#include "ctl.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

const struct ctl_command *const ctl_commands[] = {
	&cmd_info,   &cmd_channels, &cmd_posture, &cmd_listen,	  &cmd_connect,
	&cmd_send,   &cmd_recv,	    &cmd_ping,	  &cmd_bench,	  &cmd_status,
	&cmd_revoke, &cmd_restore,  &cmd_reload,  &cmd_qemu_args, NULL,
};

static void help(FILE *to)
{
	fputs("usage: sivshmemctl [--json] [--quiet] [--socket PATH] COMMAND "
	      "[OPTION]... [ARGUMENT]...\n\n",
	      to);
	for (size_t i = 0; ctl_commands[i]; i++) {
		const struct ctl_command *c = ctl_commands[i];

		if (!i)
			fputs("In a guest:\n", to);
		if (c == &cmd_status)
			fputs("On the host:\n", to);
		fprintf(to, "  %-10s %s\n", c->name, c->about);
	}
	fputs("\nsivshmemctl COMMAND --help tells more; so does sivshmemctl(1).\n",
	      to);
}

/* What may also stand before the command. Return: how many words. */
static int global_options(struct ctl *ctl, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			ctl->json = true;
		else if (!strcmp(argv[i], "--quiet"))
			ctl->quiet = true;
		else if (!strcmp(argv[i], "--socket") && i + 1 < argc)
			ctl->socket = argv[++i];
		else
			break;
	return i - 1;
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .json_to = stdout };
	const char *name;
	int skip;

	/* a reader of ours that has gone is an error of write() */
	signal(SIGPIPE, SIG_IGN);
	skip = global_options(&ctl, argc, argv);
	argc -= skip;
	argv += skip;
	ctl.argv = argv + 1;
	/* ctl_usage() says it */
	opterr = 0;
	if (argc < 2 && ctl.json)
		return ctl_usage(&ctl, NULL, "no command");
	name = argc > 1 ? argv[1] : "--help";
	if (!strcmp(name, "--version")) {
		printf("sivshmemctl %s\n", ivshmem_version());
		return CTL_OK;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "help")) {
		help(argc > 1 ? stdout : stderr);
		return argc > 1 ? CTL_OK : CTL_USAGE;
	}
	for (size_t i = 0; ctl_commands[i]; i++) {
		int r;

		if (strcmp(ctl_commands[i]->name, name))
			continue;
		r = ctl_commands[i]->run(&ctl, argc - 1, argv + 1);
		if (fflush(stdout) || ferror(stdout))
			r = r ? r : CTL_FAILED;
		return r;
	}
	return ctl_usage(&ctl, NULL, "no command \"%s\"", name);
}
