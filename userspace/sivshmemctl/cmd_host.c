// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * On the host: status, revoke, restore, reload, qemu-args. One JSON line to the daemon's control
 * socket, one line back; text output shows whatever the daemon tells.
 */
#define _GNU_SOURCE
#include "ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "json.h"

#define SOCKET_DEFAULT "/run/sivshmem/control.sock"

enum {
	ANSWER_MAX = 64 << 20,
	ANSWER_SECONDS = 30,
	OPT_SOCKET = OPT_OWN,
};

#define HOST_OPTIONS "  --socket PATH      of the daemon (" SOCKET_DEFAULT ")\n"

static const struct option host_options[] = {
	CTL_COMMON_OPTIONS,
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ 0 },
};

/* --------------------------------------------------------------------- talking */

static int dial(const char *path)
{
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int say(int fd, const char *line, size_t n)
{
	while (n) {
		ssize_t w = send(fd, line, n, MSG_NOSIGNAL);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		line += w;
		n -= (size_t)w;
	}
	return 0;
}

/* One line, NUL-terminated, for free(). */
static int hear(int fd, char **line)
{
	size_t have = 0, room = 4096;
	char *text = malloc(room), *nl = NULL;
	int err = text ? 0 : -ENOMEM;

	while (!err && !nl) {
		ssize_t n = recv(fd, text + have, room - have - 1, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = n ? (errno == EAGAIN ? -ETIMEDOUT : -errno) :
				  -ECONNRESET;
			break;
		}
		nl = memchr(text + have, '\n', (size_t)n);
		have += (size_t)n;
		if (!nl && have + 1 == room) {
			char *more = room < ANSWER_MAX ?
					     realloc(text, 2 * room) :
					     NULL;

			if (!more)
				err = -EMSGSIZE;
			else
				text = more;
			room *= 2;
		}
	}
	if (!nl) {
		free(text);
		return err;
	}
	*nl = '\0';
	*line = text;
	return 0;
}

/* The answer as text and as a value; both are the caller's. */
static int converse(const char *path, const char *request, size_t len,
		    char **line, struct json **answer)
{
	int fd = dial(path), err;

	if (fd < 0)
		return fd;
	err = say(fd, request, len);
	if (!err)
		err = hear(fd, line);
	close(fd);
	if (err)
		return err;
	*answer = json_parse(*line);
	if (*answer && (*answer)->type == JSON_OBJECT)
		return 0;
	json_free(*answer);
	free(*line);
	return -EBADMSG;
}

/* --------------------------------------------------------------------- showing */

static bool is_flat(const struct json *j)
{
	for (j = j->first; j; j = j->next)
		if (j->first)
			return false;
	return true;
}

static const char *shown(const struct json *j)
{
	return j->text ? j->text : "-";
}

/* Objects with only plain members, all with the names of the first: rows. */
static bool is_table(const struct json *list)
{
	for (const struct json *row = list->first; row; row = row->next) {
		const struct json *head = list->first->first, *m = row->first;

		if (row->type != JSON_OBJECT || !row->first || !is_flat(row))
			return false;
		for (; head && m; head = head->next, m = m->next)
			if (strcmp(head->name, m->name))
				return false;
		if (head || m)
			return false;
	}
	return list->first;
}

static const struct json *column(const struct json *row, int n)
{
	const struct json *m = row->first;

	while (m && n--)
		m = m->next;
	return m;
}

static int column_width(const struct json *list, int n)
{
	int width = (int)strlen(column(list->first, n)->name);

	for (const struct json *row = list->first; row; row = row->next) {
		int here = (int)strlen(shown(column(row, n)));

		if (here > width)
			width = here;
	}
	return width;
}

/* One line; @row NULL: the names. */
static void show_row(const struct json *list, const struct json *row,
		     int indent)
{
	const struct json *head;

	printf("%*s", indent, "");
	for (int n = 0; (head = column(list->first, n)) != NULL; n++)
		printf("%-*s  ", column_width(list, n),
		       row ? shown(column(row, n)) : head->name);
	putchar('\n');
}

static void show_table(const struct json *list, int indent)
{
	show_row(list, NULL, indent);
	for (const struct json *row = list->first; row; row = row->next)
		show_row(list, row, indent);
}

static void show(const struct json *j, int indent);

static void show_member(const struct json *m, int indent)
{
	if (!m->first) {
		printf("%*s%-16s %s\n", indent, "", m->name ? m->name : "",
		       m->type == JSON_LIST || m->type == JSON_OBJECT ?
			       "none" :
			       shown(m));
		return;
	}
	if (m->name)
		printf("%*s%s\n", indent, "", m->name);
	show(m, indent + 2);
}

static void show(const struct json *j, int indent)
{
	if (j->type == JSON_LIST && is_table(j)) {
		show_table(j, indent);
		return;
	}
	for (const struct json *m = j->first; m; m = m->next) {
		show_member(m, indent);
		if (j->type == JSON_LIST && m->next && m->first)
			putchar('\n');
	}
}

/* --------------------------------------------------------------------- commands */

/* What a command wants. */
struct host {
	const struct ctl_command *cmd;
	const char *socket;
	const char *names[2]; /* of members of the request */
	int members;
	void (*report)(const struct json *answer);
};

/* The request with the command line's arguments as members. */
static char *request(const struct host *h, char **args, size_t *len)
{
	struct json_out j;
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (!f)
		return NULL;
	json_begin(&j, f);
	json_text(&j, "cmd", h->cmd->name);
	for (int i = 0; i < h->members; i++)
		json_text(&j, h->names[i], args[i]);
	json_end(&j);
	fclose(f);
	return text;
}

static int refused(const struct ctl *ctl, const struct host *h,
		   const struct json *answer, const char *line)
{
	const char *number = json_get_text(answer, "errno", "0");
	uint64_t error = 0;

	if (!parse_number(number, 4095, &error))
		error = 0;
	if (ctl->json)
		fprintf(ctl->json_to, "%s\n", line);
	fprintf(stderr, "sivshmemctl: %s: %s%s%s\n", h->cmd->name,
		error ? errno_name((int)error) : "", error ? ": " : "",
		json_get_text(answer, "error", "the daemon refused"));
	return CTL_FAILED;
}

static int host_do(const struct ctl *ctl, const struct host *h, char **args)
{
	struct json *answer = NULL;
	char *line = NULL, *text;
	size_t len = 0;
	int ret = CTL_OK, err;

	text = request(h, args, &len);
	err = text ? converse(h->socket, text, len, &line, &answer) : -ENOMEM;
	free(text);
	if (err == -ENOENT || err == -ECONNREFUSED)
		return ctl_fail(
			ctl, 0,
			"%s: %s: sivshmemd does not run, or --socket is wrong",
			h->socket, errno_name(err));
	if (err == -EACCES)
		return ctl_fail(
			ctl, 0,
			"%s: EACCES: only the daemon's user and root may",
			h->socket);
	if (err)
		return ctl_fail(ctl, 0, "%s: %s: %s", h->socket,
				errno_name(err), strerror(-err));
	if (strcmp(json_get_text(answer, "ok", "false"), "true"))
		ret = refused(ctl, h, answer, line);
	else if (ctl->json)
		fprintf(ctl->json_to, "%s\n", line);
	else
		h->report(answer);
	json_free(answer);
	free(line);
	return ret;
}

static int host_run(struct ctl *ctl, struct host *h, int argc, char **argv)
{
	int opt;

	h->socket = ctl->socket ? ctl->socket : SOCKET_DEFAULT;
	while ((opt = getopt_long(argc, argv, "", host_options, NULL)) != -1)
		switch (common_option(ctl, h->cmd, NULL, opt)) {
		case OPTION_HELP:
			return CTL_OK;
		case OPTION_BAD:
			return CTL_USAGE;
		case OPTION_NOT_MINE:
			h->socket = optarg;
		}
	if (argc - optind != h->members)
		return ctl_usage(ctl, h->cmd,
				 h->members ?
					 "arguments are missing, or too many" :
					 "it takes no argument");
	return host_do(ctl, h, argv + optind);
}

static void show_all(const struct json *answer)
{
	for (const struct json *m = answer->first; m; m = m->next)
		if (strcmp(m->name, "ok"))
			show_member(m, 0);
}

static void show_done(const struct json *answer)
{
	show_all(answer);
	puts("done");
}

/* For a shell: quoted where it needs to be. */
static void show_word(const char *word)
{
	size_t plain = strspn(
		word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		      "0123456789-_=,./:+@%");

	if (*word && !word[plain]) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	putchar('\'');
}

static void show_args(const struct json *answer)
{
	const struct json *args = json_get(answer, "args");

	if (!args || args->type != JSON_LIST) {
		show_all(answer);
		return;
	}
	for (const struct json *a = args->first; a; a = a->next) {
		show_word(shown(a));
		putchar(a->next ? ' ' : '\n');
	}
}

static int status_run(struct ctl *ctl, int argc, char **argv)
{
	struct host h = { .cmd = &cmd_status, .report = show_all };

	return host_run(ctl, &h, argc, argv);
}

static int reload_run(struct ctl *ctl, int argc, char **argv)
{
	struct host h = { .cmd = &cmd_reload, .report = show_done };

	return host_run(ctl, &h, argc, argv);
}

/* revoke and restore: a kind and a value. */
static int what_run(struct ctl *ctl, const struct ctl_command *cmd,
		    bool channels, int argc, char **argv)
{
	static const char *const whats[] = { "channel", "serial", "identity",
					     "vm" };
	struct host h = { .cmd = cmd,
			  .names = { "what", "value" },
			  .members = 2,
			  .report = show_done };
	bool known = argc < 3;

	/* options may stand anywhere: look for the word, the daemon judges the rest */
	for (int i = 1; i < argc; i++) {
		known |= !strcmp(argv[i], "--help");
		for (size_t k = channels ? 0 : 1;
		     k < sizeof(whats) / sizeof(whats[0]); k++)
			known |= !strcmp(argv[i], whats[k]);
	}
	if (!known)
		return ctl_usage(ctl, cmd, "what? serial, identity%s or vm",
				 channels ? ", channel" : "");
	return host_run(ctl, &h, argc, argv);
}

static int revoke_run(struct ctl *ctl, int argc, char **argv)
{
	return what_run(ctl, &cmd_revoke, true, argc, argv);
}

static int restore_run(struct ctl *ctl, int argc, char **argv)
{
	return what_run(ctl, &cmd_restore, false, argc, argv);
}

static int qemu_args_run(struct ctl *ctl, int argc, char **argv)
{
	struct host h = { .cmd = &cmd_qemu_args,
			  .names = { "vm" },
			  .members = 1,
			  .report = show_args };

	return host_run(ctl, &h, argc, argv);
}

const struct ctl_command cmd_status = {
	.name = "status",
	.args = "[--socket PATH]",
	.about =
		"show what the daemon serves: regions, VMs, sessions, channels",
	.options = HOST_OPTIONS,
	.run = status_run,
};

const struct ctl_command cmd_revoke = {
	.name = "revoke",
	.args = "[--socket PATH] serial|identity|channel|vm VALUE",
	.about =
		"end sessions and channels of a certificate, an identity, a channel, a VM",
	.options = "  serial HEX         the certificate's serial number\n"
		   "  identity NAME      REGION/VM/SERVICE\n"
		   "  channel [REGION/]N the channel's number: cid in status\n"
		   "  vm NAME            everything of this VM\n" HOST_OPTIONS,
	.run = revoke_run,
};

const struct ctl_command cmd_restore = {
	.name = "restore",
	.args = "[--socket PATH] serial|identity|vm VALUE",
	.about =
		"take a revoke back: what it forbade is allowed again, if policy says so",
	.options = HOST_OPTIONS,
	.run = restore_run,
};

const struct ctl_command cmd_reload = {
	.name = "reload",
	.args = "[--socket PATH]",
	.about =
		"read policy and CRL again; what is no longer allowed is revoked",
	.options = HOST_OPTIONS,
	.run = reload_run,
};

const struct ctl_command cmd_qemu_args = {
	.name = "qemu-args",
	.args = "[--socket PATH] VM",
	.about = "print the QEMU options that attach this VM to its regions",
	.options = HOST_OPTIONS,
	.run = qemu_args_run,
};
