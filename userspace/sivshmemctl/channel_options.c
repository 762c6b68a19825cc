// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Options that say which channel, as whom, and how large; and getting it. */
#include "ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char channel_help[] =
	"Which channel:\n"
	"  --as NAME          own identity: description of a key of type sivshmem, or\n"
	"  --key SERIAL       its serial number\n"
	"  --vm VM            connect: only if that VM offers the service\n"
	"  --region REGION    if the identity's certificate is not to decide\n"
	"  --node PATH        use the node of a channel that exists\n"
	"  --listen           wait for a caller instead of connecting\n"
	"  --allow VM/SERVICE listen: accept this caller only; may be repeated; * is any\n"
	"  --backlog N        listen: callers that may wait (16)\n"
	"  --timeout SECONDS  of the handshake (5), and of the wait for a caller\n"
	"How:\n"
	"  --sealed           encrypt and authenticate every record\n"
	"  --suite NAME       chachapoly (default) or aesgcm\n"
	"  --ring SIZE        of both rings: 64K, 1M; a power of two\n"
	"  --ring-tx SIZE     of the ring to the peer; --ring-rx: from the peer\n"
	"  --ring-max SIZE    listen: largest ring of a caller\n"
	"  --zero-copy        map the rings instead of read() and write()\n"
	"  --shared           who may open the node need not hold the key\n"
	"  --no-node          make no /dev/sivshmemN\n";

bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && !*end && *value <= max;
}

bool parse_size(const char *text, uint64_t *value)
{
	static const char units[] = "KMG";
	const char *unit;
	char number[32];
	size_t n = strspn(text, "0123456789");

	if (!n || n >= sizeof(number))
		return false;
	memcpy(number, text, n);
	number[n] = '\0';
	if (!parse_number(number, UINT64_MAX >> 30, value))
		return false;
	if (!text[n])
		return true;
	unit = strchr(units, text[n]);
	if (!unit || (text[n + 1] && strcmp(text + n + 1, "iB") &&
		      strcmp(text + n + 1, "B")))
		return false;
	*value <<= 10 * (unit - units + 1);
	return true;
}

void channel_options_init(struct channel_options *ch)
{
	memset(ch, 0, sizeof(*ch));
	ch->o.size = sizeof(ch->o);
}

static bool take_allow(struct channel_options *ch)
{
	size_t have = strlen(ch->allow), n = strlen(optarg);

	if (!strchr(optarg, '/') || strchr(optarg, '\n') ||
	    have + n + 2 > sizeof(ch->allow))
		return false;
	snprintf(ch->allow + have, sizeof(ch->allow) - have, "%s\n", optarg);
	ch->o.allow = ch->allow;
	return true;
}

static bool take_suite(struct channel_options *ch)
{
	if (!strcmp(optarg, "chachapoly"))
		ch->o.suite = SIVSHMEM_SUITE_CHACHAPOLY;
	else if (!strcmp(optarg, "aesgcm"))
		ch->o.suite = SIVSHMEM_SUITE_AESGCM;
	else
		return false;
	return true;
}

static bool take_numbers(struct channel_options *ch, int opt)
{
	char *end;
	uint64_t v;
	double s;
	long key;

	switch (opt) {
	case OPT_KEY:
		key = strtol(optarg, &end, 0);
		ch->o.key = (int32_t)key;
		return *optarg && !*end && key && key == ch->o.key;
	case OPT_RING_TX:
		return parse_size(optarg, &ch->o.ring_tx);
	case OPT_RING_RX:
		return parse_size(optarg, &ch->o.ring_rx);
	case OPT_RING:
		ch->o.ring_rx = 0;
		if (!parse_size(optarg, &ch->o.ring_tx))
			return false;
		ch->o.ring_rx = ch->o.ring_tx;
		return true;
	case OPT_RING_MAX:
		return parse_size(optarg, &ch->o.ring_max);
	case OPT_BACKLOG:
		if (!parse_number(optarg, 128, &v) || !v)
			return false;
		ch->o.backlog = (uint32_t)v;
		return true;
	default:
		s = strtod(optarg, &end);
		if (!*optarg || *end || !(s >= 0.001 && s <= 86400))
			return false;
		ch->o.timeout_ms = (uint32_t)(s * 1000);
		ch->has_timeout = true;
		return true;
	}
}

static bool take_channel(struct channel_options *ch, int opt)
{
	switch (opt) {
	case OPT_IDENTITY:
		ch->o.identity = optarg;
		return true;
	case OPT_VM:
		ch->o.vm = optarg;
		return true;
	case OPT_REGION:
		ch->o.region = optarg;
		return true;
	case OPT_NODE:
		ch->node = optarg;
		return true;
	case OPT_LISTEN:
		ch->listen = true;
		return true;
	case OPT_SEALED:
		ch->o.flags |= IVSHMEM_SEALED;
		return true;
	case OPT_ZEROCOPY:
		ch->o.flags |= IVSHMEM_ZEROCOPY;
		return true;
	case OPT_SHARED:
		ch->o.flags |= IVSHMEM_NODE_SHARED;
		return true;
	case OPT_NO_NODE:
		ch->o.flags |= IVSHMEM_NO_NODE;
		return true;
	case OPT_ALLOW:
		return take_allow(ch);
	case OPT_SUITE:
		return take_suite(ch);
	default:
		return take_numbers(ch, opt);
	}
}

/* What getopt_long() does not like: a letter, or the word before optind. */
static void bad_option(const struct ctl *ctl, const struct ctl_command *cmd)
{
	const char letter[] = { '-', (char)optopt, '\0' };
	bool is_letter = optopt > 0 && optopt < OPT_JSON;

	ctl_usage(
		ctl, cmd,
		"\"%s\" is no option here, or its value is missing or too much",
		is_letter ? letter : ctl->argv[optind - 1]);
}

int common_option(struct ctl *ctl, const struct ctl_command *cmd,
		  struct channel_options *ch, int opt)
{
	switch (opt) {
	case OPT_JSON:
		ctl->json = true;
		return OPTION_TAKEN;
	case OPT_QUIET:
		ctl->quiet = true;
		return OPTION_TAKEN;
	case OPT_PROGRESS:
		ctl->progress = true;
		return OPTION_TAKEN;
	case OPT_HELP:
		ctl_help(cmd, stdout);
		return OPTION_HELP;
	case '?':
		bad_option(ctl, cmd);
		return OPTION_BAD;
	}
	if (!ch || opt < OPT_IDENTITY || opt >= OPT_OWN)
		return OPTION_NOT_MINE;
	if (take_channel(ch, opt))
		return OPTION_TAKEN;
	ctl_usage(ctl, cmd, "\"%s\" is not what that option takes", optarg);
	return OPTION_BAD;
}

const char *channel_check(const struct channel_options *ch)
{
	bool named = ch->o.identity || ch->o.key;

	if (ch->node && (named || ch->listen || ch->service))
		return "--node names a channel that exists: no identity, no service";
	if (ch->node)
		return NULL;
	if (!named)
		return "who are we? --as or --key is missing";
	if (ch->o.identity && ch->o.key)
		return "--as and --key are one too many";
	if (ch->listen && ch->service)
		return "who listens names no service: its identity does";
	if (!ch->listen && !ch->service)
		return "which service?";
	if (!ch->listen && ch->o.timeout_ms > 30000)
		return "a handshake may take 30 seconds, no more";
	if (!ch->listen && (ch->o.allow || ch->o.backlog || ch->o.ring_max))
		return "--allow, --backlog and --ring-max belong to --listen";
	if (ch->listen &&
	    (ch->o.ring_tx || ch->o.ring_rx || ch->o.suite || ch->o.vm))
		return "who connects chooses rings, suite and VM";
	return NULL;
}

void channel_says(const struct ctl *ctl, const struct ivshmem *channel)
{
	struct ivshmem_peer p = { .size = sizeof(p) };
	struct sivshmem_info i = { .size = sizeof(i) };

	if (ctl->quiet || ctl->json || ivshmem_peer(channel, &p) ||
	    ivshmem_info(channel, &i))
		return;
	fprintf(stderr,
		"channel %" PRIu64
		" with %s/%s of region %s, %s, rings %" PRIu64 "/%" PRIu64
		", handshake %.2f ms\n",
		p.cid, p.vm, p.service, p.region,
		p.flags & SIVSHMEM_INFO_SEALED ? "sealed" : "plain",
		(uint64_t)i.ring_tx, (uint64_t)i.ring_rx,
		(double)i.handshake_ns / 1e6);
}

int channel_error(const struct ivshmem *channel, int error)
{
	struct sivshmem_info i = { .size = sizeof(i) };

	if (error != -ECONNRESET || ivshmem_info(channel, &i) || !i.end_reason)
		return error;
	return -(int)i.end_reason;
}

static int accept_one(const struct ctl *ctl, const struct channel_options *ch,
		      struct ivshmem **listener, struct ivshmem **channel)
{
	struct ivshmem *ls = listener ? *listener : NULL;
	int r = 0;

	if (!ls) {
		struct ivshmem_options o = ch->o;

		/* the handshake of each caller has its own limit in the kernel */
		if (o.timeout_ms > 30000)
			o.timeout_ms = 30000;
		r = ivshmem_listen(&o, &ls);
		if (r)
			return ctl_fail(ctl, r, "listen as %s",
					ch->o.identity ? ch->o.identity :
							 "that key");
		if (ch->has_timeout)
			ivshmem_set_timeouts(ls, -1, (int)ch->o.timeout_ms);
		if (!ctl->quiet && !ctl->json)
			fprintf(stderr, "listening as %s\n",
				ch->o.identity ? ch->o.identity : "that key");
	}
	r = ivshmem_accept(ls, channel);
	if (listener)
		*listener = ls;
	else
		ivshmem_close(ls);
	return r ? ctl_fail(ctl, r, "accept") : CTL_OK;
}

int channel_get(const struct ctl *ctl, const struct channel_options *ch,
		struct ivshmem **listener, struct ivshmem **channel)
{
	int r;

	if (ch->listen) {
		r = accept_one(ctl, ch, listener, channel);
		if (r)
			return r;
	} else if (ch->node) {
		struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;

		o.flags = ch->o.flags & IVSHMEM_ZEROCOPY;
		r = ivshmem_open(ch->node, &o, channel);
		if (r)
			return ctl_fail(ctl, r, "open %s", ch->node);
	} else {
		r = ivshmem_connect(ch->service, &ch->o, channel);
		if (r)
			return ctl_fail(
				ctl, r, "connect to %s as %s", ch->service,
				ch->o.identity ? ch->o.identity : "that key");
	}
	channel_says(ctl, *channel);
	return CTL_OK;
}
