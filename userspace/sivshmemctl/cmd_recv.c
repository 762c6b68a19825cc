// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* In a guest: recv. Store a file that somebody sends, if its SHA-256 is right. */
#define _GNU_SOURCE
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "file_proto.h"
#include "json.h"

/**
 * struct receiving - one file on its way
 * @ctl: the command
 * @dir: where it goes
 * @dirfd: that
 * @fd: the part, open; standard output without one
 * @name: under which name; from --output, or from the sender, checked
 * @part: its name until it is complete; "" without
 * @chosen: by --output
 * @max: largest that is taken
 * @force: replace a file of that name
 * @size: what the sender announced
 * @done: bytes received
 * @ch: the channel
 * @digest: of what was received
 * @progress: what the user sees of it
 * @record: room for one record
 * @room: bytes at @record
 * @sha: @digest at the end; the sender says the same
 * @start_ns: when it began
 * @seconds: how long it took
 */
struct receiving {
	const struct ctl *ctl;
	const char *dir;
	int dirfd;
	int fd;
	char name[FILE_NAME_MAX + 1];
	char part[FILE_NAME_MAX + 16];
	char *chosen;
	uint64_t max;
	bool force;
	uint64_t size;
	uint64_t done;
	struct ivshmem *ch;
	struct digest digest;
	struct progress progress;
	uint8_t *record;
	size_t room;
	uint8_t sha[FILE_SHA];
	uint64_t start_ns;
	double seconds;
};

/* Interrupted: waiting calls return -EINTR, and the part is removed. */
static void on_signal(int sig)
{
	(void)sig;
}

/* The next record: its length, or the complaint was made and it is negative. */
static ssize_t take(struct receiving *r)
{
	ssize_t n = ivshmem_recv(r->ch, r->record, r->room);

	if (n < 0)
		ctl_fail(r->ctl, channel_error(r->ch, (int)n),
			 "receiving at byte %" PRIu64, r->done);
	else if (n < FILE_HDR)
		ctl_fail(r->ctl, 0,
			 n ? "the sender does not speak our protocol" :
			     "the sender closed at byte %" PRIu64
			     ", before the end",
			 r->done);
	return n < FILE_HDR ? -1 : n;
}

/* A name that cannot leave the directory, hide, or play with the terminal. */
static bool good_name(const char *name, size_t len)
{
	if (!len || len > FILE_NAME_MAX || *name == '.' || *name == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] == '/' || (unsigned char)name[i] < 0x20 ||
		    name[i] == 0x7f)
			return false;
	return true;
}

static int open_part(struct receiving *r)
{
	if (r->chosen && !strcmp(r->chosen, "-")) {
		r->fd = STDOUT_FILENO;
		return CTL_OK;
	}
	if (!r->force &&
	    !faccessat(r->dirfd, r->name, F_OK, AT_SYMLINK_NOFOLLOW))
		return ctl_fail(r->ctl, -EEXIST, "%s/%s (--force replaces it)",
				r->dir, r->name);
	snprintf(r->part, sizeof(r->part), ".%.200s.%d.part", r->name,
		 (int)getpid());
	r->fd = openat(r->dirfd, r->part,
		       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (r->fd < 0) {
		int err = -errno;

		ctl_fail(r->ctl, err, "create %s/%s", r->dir, r->part);
		r->part[0] = '\0';
		return CTL_FAILED;
	}
	return CTL_OK;
}

static int take_offer(struct receiving *r)
{
	ssize_t n = take(r);
	const char *name = (const char *)r->record + FILE_HDR;

	if (n < 0)
		return CTL_FAILED;
	if (siv_get_le32(r->record) != FILE_OFFER ||
	    siv_get_le32(r->record + 4))
		return ctl_fail(r->ctl, 0,
				"the sender does not speak our protocol");
	r->size = siv_get_le64(r->record + 8);
	if (r->size != FILE_SIZE_UNKNOWN && r->size > r->max)
		return ctl_fail(r->ctl, -EFBIG, "%" PRIu64 " bytes are offered",
				r->size);
	if (!good_name(name, (size_t)n - FILE_HDR))
		return ctl_fail(r->ctl, -EINVAL,
				"the sender's name for the file is refused");
	if (r->chosen) {
		snprintf(r->name, sizeof(r->name), "%s", r->chosen);
	} else {
		memcpy(r->name, name, (size_t)n - FILE_HDR);
		r->name[n - FILE_HDR] = '\0';
	}
	return open_part(r);
}

static int store(struct receiving *r, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t w = write(r->fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return ctl_fail(r->ctl, -errno, "write %s", r->name);
		p += w;
		n -= (size_t)w;
	}
	return CTL_OK;
}

static int take_data(struct receiving *r, size_t n)
{
	uint64_t limit = r->size == FILE_SIZE_UNKNOWN ? r->max : r->size;

	n -= FILE_HDR;
	if (siv_get_le64(r->record + 8) != r->done || n > limit - r->done)
		return ctl_fail(r->ctl, -EFBIG,
				"data that was not offered, at byte %" PRIu64,
				r->done);
	if (!digest_add(&r->digest, r->record + FILE_HDR, n))
		return ctl_fail(r->ctl, 0, "SHA-256 failed");
	r->done += n;
	return store(r, r->record + FILE_HDR, n);
}

static int check_end(struct receiving *r, size_t n)
{
	if (!digest_end(&r->digest, r->sha))
		return ctl_fail(r->ctl, 0, "SHA-256 failed");
	if (n != FILE_HDR + FILE_SHA ||
	    siv_get_le64(r->record + 8) != r->done ||
	    (r->size != FILE_SIZE_UNKNOWN && r->size != r->done))
		return ctl_fail(r->ctl, 0,
				"%s: %" PRIu64
				" bytes came, others were announced",
				r->name, r->done);
	if (memcmp(r->record + FILE_HDR, r->sha, FILE_SHA))
		return ctl_fail(r->ctl, -EBADMSG,
				"%s: its SHA-256 is another one", r->name);
	return CTL_OK;
}

static int take_all(struct receiving *r)
{
	int ret = take_offer(r);
	ssize_t n;

	if (ret)
		return ret;
	progress_start(&r->progress, r->ctl, r->name,
		       r->size == FILE_SIZE_UNKNOWN ? 0 : r->size);
	r->start_ns = clock_ns();
	for (;;) {
		n = take(r);
		if (n < 0)
			return CTL_FAILED;
		if (siv_get_le32(r->record + 4) ||
		    (siv_get_le32(r->record) != FILE_DATA &&
		     siv_get_le32(r->record) != FILE_END))
			return ctl_fail(
				r->ctl, 0,
				"the sender does not speak our protocol");
		if (siv_get_le32(r->record) == FILE_END)
			break;
		ret = take_data(r, (size_t)n);
		if (ret)
			return ret;
		progress_show(&r->progress, r->done, false);
	}
	progress_show(&r->progress, r->done, true);
	r->seconds = (double)(clock_ns() - r->start_ns) / 1e9;
	return check_end(r, (size_t)n);
}

/* Complete and right: it gets its name. */
static int keep(struct receiving *r)
{
	int err;

	if (!*r->part)
		return CTL_OK;
	err = close(r->fd);
	r->fd = -1;
	if (!err)
		err = renameat2(r->dirfd, r->part, r->dirfd, r->name,
				r->force ? 0 : RENAME_NOREPLACE);
	/* not every file system knows the flag */
	if (err && errno == EINVAL)
		err = renameat(r->dirfd, r->part, r->dirfd, r->name);
	if (err)
		return ctl_fail(r->ctl, -errno, "keep %s/%s", r->dir, r->name);
	r->part[0] = '\0';
	return CTL_OK;
}

static void tell(struct receiving *r, int ret)
{
	uint8_t v[FILE_HDR + FILE_SHA];

	/* the sender needs to know that, not what exactly failed here */
	file_put(v, FILE_VERDICT, ret ? EIO : 0, r->done);
	memcpy(v + FILE_HDR, r->sha, FILE_SHA);
	ivshmem_set_timeouts(r->ch, 2000, 2000);
	ivshmem_send(r->ch, v, sizeof(v));
	ivshmem_shutdown(r->ch, SIVSHMEM_SHUT_WR);
}

static void report(const struct receiving *r)
{
	char hex[2 * FILE_SHA + 1], bytes[CTL_TEXT], rate[CTL_TEXT];
	struct ivshmem_peer p = { .size = sizeof(p) };
	FILE *to = r->ctl->json_to;
	struct json_out j;

	text_hex(hex, r->sha, FILE_SHA);
	if (!r->ctl->json) {
		fprintf(to,
			"received %s: %s in %.2f s (%s/s), SHA-256 %s is right\n",
			r->name, text_bytes(bytes, (double)r->done), r->seconds,
			text_bytes(rate, r->seconds > 0 ?
						 (double)r->done / r->seconds :
						 0),
			hex);
		return;
	}
	json_begin(&j, to);
	json_bool(&j, "ok", true);
	json_text(&j, "name", r->name);
	json_number(&j, "bytes", r->done);
	json_real(&j, "seconds", r->seconds);
	json_text(&j, "sha256", hex);
	if (!ivshmem_peer(r->ch, &p)) {
		json_text(&j, "peer_vm", p.vm);
		json_text(&j, "peer_service", p.service);
		json_bool(&j, "sealed", p.flags & SIVSHMEM_INFO_SEALED);
	}
	json_end(&j);
}

/* The peer's ring may be larger than ours, and so may its records. */
static size_t room_needed(const struct ivshmem *ch)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	size_t room = ivshmem_max_record(ch);

	if (!ivshmem_info(ch, &i) && i.ring_rx / 2 > room)
		room = (size_t)i.ring_rx / 2;
	return room;
}

static int run_one(struct receiving *r, const struct channel_options *ch)
{
	int ret;

	r->dirfd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dirfd < 0)
		return ctl_fail(r->ctl, -errno, "%s", r->dir);
	ret = channel_get(r->ctl, ch, NULL, &r->ch);
	if (ret)
		return ret;
	r->room = room_needed(r->ch);
	r->record = malloc(r->room);
	if (!r->record || !digest_begin(&r->digest))
		return ctl_fail(r->ctl, -ENOMEM, "%zu bytes", r->room);
	ret = take_all(r);
	if (!ret)
		ret = keep(r);
	tell(r, ret);
	if (!ret)
		report(r);
	return ret;
}

/* "DIR/NAME" is both --directory and --output. */
static bool split_output(struct receiving *r)
{
	char *slash = r->chosen ? strrchr(r->chosen, '/') : NULL;

	if (slash) {
		r->dir = slash == r->chosen ? "/" : r->chosen;
		r->chosen = slash + 1;
		*slash = '\0';
	}
	return !r->chosen || (*r->chosen && strlen(r->chosen) <= FILE_NAME_MAX);
}

static int recv_run(struct ctl *ctl, int argc, char **argv)
{
	enum {
		OPT_OUTPUT = OPT_OWN,
		OPT_DIR,
		OPT_FORCE,
		OPT_MAX,
		OPT_FROM
	};
	static const struct option options[] = {
		CTL_COMMON_OPTIONS,
		CTL_CHANNEL_OPTIONS,
		{ "output", required_argument, NULL, OPT_OUTPUT },
		{ "directory", required_argument, NULL, OPT_DIR },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "max-size", required_argument, NULL, OPT_MAX },
		{ "connect", required_argument, NULL, OPT_FROM },
		{ 0 },
	};
	struct receiving r = {
		.ctl = ctl, .dir = ".", .fd = -1, .dirfd = -1, .max = INT64_MAX
	};
	struct sigaction sa = { .sa_handler = on_signal };
	struct channel_options ch;
	const char *wrong;
	int opt, ret;

	channel_options_init(&ch);
	while ((opt = getopt_long(argc, argv, "o:C:f", options, NULL)) != -1)
		switch (common_option(ctl, &cmd_recv, &ch, opt)) {
		case OPTION_HELP:
			return CTL_OK;
		case OPTION_BAD:
			return CTL_USAGE;
		case OPTION_NOT_MINE:
			if (opt == OPT_OUTPUT || opt == 'o')
				r.chosen = optarg;
			else if (opt == OPT_DIR || opt == 'C')
				r.dir = optarg;
			else if (opt == OPT_FROM)
				ch.service = optarg;
			else if (opt != OPT_MAX)
				r.force = true;
			else if (!parse_size(optarg, &r.max))
				return ctl_usage(ctl, &cmd_recv,
						 "\"%s\" is no size", optarg);
		}
	if (optind < argc)
		return ctl_usage(ctl, &cmd_recv,
				 "\"%s\" is one argument too many",
				 argv[optind]);
	if (!split_output(&r))
		return ctl_usage(ctl, &cmd_recv,
				 "--output is no name for a file");
	if (r.chosen && !strcmp(r.chosen, "-"))
		ctl->json_to = stderr;
	ch.listen = !ch.node && !ch.service;
	wrong = channel_check(&ch);
	if (wrong)
		return ctl_usage(ctl, &cmd_recv, "%s", wrong);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	ret = run_one(&r, &ch);
	if (*r.part)
		unlinkat(r.dirfd, r.part, 0);
	digest_free(&r.digest);
	free(r.record);
	ivshmem_close(r.ch);
	return ret;
}

const struct ctl_command cmd_recv = {
	.name = "recv",
	.args = "--as NAME [OPTION]...",
	.about = "wait for a file and store it, if its SHA-256 is right",
	.options =
		"  -o, --output FILE  store it there; - is the standard output\n"
		"  -C, --directory D  store it there (.)\n"
		"  -f, --force        replace a file that exists\n"
		"  --max-size SIZE    refuse more\n"
		"  --connect SERVICE  connect to the sender instead of listening\n",
	.channel = true,
	.run = recv_run,
};
