/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* sivshmemctl: what its files share. */
#ifndef SIVSHMEMCTL_CTL_H
#define SIVSHMEMCTL_CTL_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <sivshmem/sivshmem.h>

/* Exit codes. */
enum {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
};

/**
 * struct ctl - one run of the command
 * @argv: the command and its words, for complaints
 * @json: one JSON object instead of text
 * @json_to: where: the standard output, unless that is for data
 * @quiet: no progress
 * @progress: show it even where there is no terminal
 * @socket: of the daemon; NULL: the usual one
 */
struct ctl {
	char **argv;
	bool json;
	FILE *json_to;
	bool quiet;
	bool progress;
	const char *socket;
};

/**
 * struct ctl_command - one subcommand
 * @name: its name
 * @args: its arguments, for the usage line
 * @about: what it does, one line
 * @options: its own options, for the usage text
 * @channel: it also takes the options of a channel
 * @run: argv[0] is the name; returns CTL_*
 */
struct ctl_command {
	const char *name;
	const char *args;
	const char *about;
	const char *options;
	bool channel;
	int (*run)(struct ctl *ctl, int argc, char **argv);
};

extern const struct ctl_command *const ctl_commands[];

/* The tables of the files cmd_*.c, in the order of the usage text. */
extern const struct ctl_command cmd_info, cmd_channels, cmd_posture;
extern const struct ctl_command cmd_send, cmd_recv;
extern const struct ctl_command cmd_ping, cmd_bench;
extern const struct ctl_command cmd_listen, cmd_connect;
extern const struct ctl_command cmd_status, cmd_qemu_args;
extern const struct ctl_command cmd_revoke, cmd_restore, cmd_reload;

/* cmd_ping.c */

/**
 * echo_serve() - answer ping, bench and anything else until the peer closes
 * @ctl: this run
 * @ch: the channel
 * @copy: by read() and write(); else by mapping where that is possible
 *
 * Return: CTL_*.
 */
int echo_serve(const struct ctl *ctl, struct ivshmem *ch, bool copy);

/* report.c */

/* errno_name() - "ECONNREFUSED". */
const char *errno_name(int error);
/**
 * ctl_fail() - say what failed, where, and why
 * @ctl: this run
 * @error: negative errno, or 0 if @format says it all
 * @format: what and where
 *
 * "sivshmemctl: WHAT: ECONNREFUSED: Connection refused (hint)"; with --json an object
 * before that, or, where objects go to the standard error, instead. Return: CTL_FAILED.
 */
int ctl_fail(const struct ctl *ctl, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/**
 * ctl_usage() - say what is wrong with the command line
 * @ctl: this run
 * @cmd: the command, or NULL if there is none
 * @format: what is wrong
 *
 * As ctl_fail(), wherever --json stands. Return: CTL_USAGE.
 */
int ctl_usage(const struct ctl *ctl, const struct ctl_command *cmd,
	      const char *format, ...) __attribute__((format(printf, 3, 4)));
void ctl_help(const struct ctl_command *cmd, FILE *to);

/* Text of numbers; the buffers belong to the caller. */
#define CTL_TEXT 32
const char *text_bytes(char buf[CTL_TEXT], double bytes);
const char *text_hex(char *buf, const uint8_t *bytes, size_t n);
uint64_t clock_ns(void);

/**
 * struct progress - a bar on a terminal
 * @on: there is one
 * @what: at its left
 * @total: bytes; 0: not known
 * @start_ns: when it began
 * @last_ns: when it was drawn
 */
struct progress {
	bool on;
	const char *what;
	uint64_t total;
	uint64_t start_ns;
	uint64_t last_ns;
};

void progress_start(struct progress *p, const struct ctl *ctl, const char *what,
		    uint64_t total);
void progress_show(struct progress *p, uint64_t done, bool last);

/* channel_options.c */

/**
 * struct channel_options - how to get a channel
 * @o: for the library
 * @service: to connect to
 * @node: to open instead
 * @listen: wait for somebody instead
 * @has_timeout: --timeout was given
 * @allow: text of @o.allow
 */
struct channel_options {
	struct ivshmem_options o;
	const char *service;
	const char *node;
	bool listen;
	bool has_timeout;
	char allow[4096 + 1];
};

/* Long options of a channel; their values begin here. */
enum {
	OPT_JSON = 256,
	OPT_HELP,
	OPT_QUIET,
	OPT_PROGRESS,
	OPT_IDENTITY,
	OPT_KEY,
	OPT_VM,
	OPT_REGION,
	OPT_SEALED,
	OPT_SUITE,
	OPT_RING_TX,
	OPT_RING_RX,
	OPT_RING,
	OPT_RING_MAX,
	OPT_TIMEOUT,
	OPT_NODE,
	OPT_LISTEN,
	OPT_ALLOW,
	OPT_BACKLOG,
	OPT_ZEROCOPY,
	OPT_SHARED,
	OPT_NO_NODE,
	OPT_OWN, /* a command's own options begin here */
};

/* clang-format off */

#define CTL_COMMON_OPTIONS						\
	{ "json", no_argument, NULL, OPT_JSON },			\
	{ "help", no_argument, NULL, OPT_HELP },			\
	{ "quiet", no_argument, NULL, OPT_QUIET },			\
	{ "progress", no_argument, NULL, OPT_PROGRESS }

#define CTL_CHANNEL_OPTIONS						\
	{ "as", required_argument, NULL, OPT_IDENTITY },		\
	{ "identity", required_argument, NULL, OPT_IDENTITY },		\
	{ "key", required_argument, NULL, OPT_KEY },			\
	{ "vm", required_argument, NULL, OPT_VM },			\
	{ "region", required_argument, NULL, OPT_REGION },		\
	{ "sealed", no_argument, NULL, OPT_SEALED },			\
	{ "suite", required_argument, NULL, OPT_SUITE },		\
	{ "ring-tx", required_argument, NULL, OPT_RING_TX },		\
	{ "ring-rx", required_argument, NULL, OPT_RING_RX },		\
	{ "ring", required_argument, NULL, OPT_RING },			\
	{ "ring-max", required_argument, NULL, OPT_RING_MAX },		\
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },		\
	{ "node", required_argument, NULL, OPT_NODE },			\
	{ "listen", no_argument, NULL, OPT_LISTEN },			\
	{ "allow", required_argument, NULL, OPT_ALLOW },		\
	{ "backlog", required_argument, NULL, OPT_BACKLOG },		\
	{ "zero-copy", no_argument, NULL, OPT_ZEROCOPY },		\
	{ "shared", no_argument, NULL, OPT_SHARED },			\
	{ "no-node", no_argument, NULL, OPT_NO_NODE }

/* clang-format on */

/* What common_option() says of an option. */
enum {
	OPTION_TAKEN,
	OPTION_NOT_MINE,
	OPTION_HELP, /* the help was printed: exit with CTL_OK */
	OPTION_BAD,  /* the complaint was printed: exit with CTL_USAGE */
};

/**
 * common_option() - take an option that every command knows
 * @ctl: this run
 * @cmd: the command
 * @ch: NULL if the command takes no channel
 * @opt: from getopt_long()
 */
int common_option(struct ctl *ctl, const struct ctl_command *cmd,
		  struct channel_options *ch, int opt);
/* parse_size() - "64K", "1M", "4096": false if it is none. */
bool parse_size(const char *text, uint64_t *value);
/* parse_number() - decimal, at most @max. */
bool parse_number(const char *text, uint64_t max, uint64_t *value);

extern const char channel_help[];

void channel_options_init(struct channel_options *ch);
/* channel_check() - what is missing or does not fit together: NULL or a sentence. */
const char *channel_check(const struct channel_options *ch);
/**
 * channel_get() - connect, open, or listen and accept one
 * @ctl: this run
 * @ch: which, and how
 * @listener: with listening: kept for the next one; closed if NULL
 * @channel: set to the channel
 *
 * Return: CTL_OK, or the complaint was made.
 */
int channel_get(const struct ctl *ctl, const struct channel_options *ch,
		struct ivshmem **listener, struct ivshmem **channel);
/* channel_error() - @error, or why the channel has ended if that says more. */
int channel_error(const struct ivshmem *channel, int error);
/* channel_says() - who is at the other end, on the standard error. */
void channel_says(const struct ctl *ctl, const struct ivshmem *channel);

#endif /* SIVSHMEMCTL_CTL_H */
