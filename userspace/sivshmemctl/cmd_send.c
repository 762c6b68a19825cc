// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* In a guest: send. A file to a service, or to whoever is at the other end. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "file_proto.h"
#include "json.h"

enum {
	CHUNK_DEFAULT = 65536
};

/* One file on its way. */
struct sending {
	const struct ctl *ctl;
	const char *path;
	const char *name;
	int fd;
	uint64_t size;
	uint64_t done;
	struct ivshmem *ch;
	struct digest digest;
	struct progress progress;
	uint8_t *record;
	size_t chunk;
	uint8_t sha[FILE_SHA];
	uint64_t start_ns;
	double seconds;
};

static int give(struct sending *s, size_t len)
{
	ssize_t n = ivshmem_send(s->ch, s->record, len);

	return n < 0 ? (int)n : 0;
}

/* The receiver's verdict. */
static int hear(struct sending *s)
{
	uint8_t v[FILE_HDR + FILE_SHA];
	ssize_t n = ivshmem_recv(s->ch, v, sizeof(v));

	if (n < 0)
		return ctl_fail(s->ctl, channel_error(s->ch, (int)n),
				"waiting for the receiver's verdict");
	if (n != sizeof(v) || siv_get_le32(v) != FILE_VERDICT)
		return ctl_fail(s->ctl, 0,
				n ? "the receiver does not speak our protocol" :
				    "the receiver closed without a verdict");
	if (siv_get_le32(v + 4)) {
		int error = (int)(siv_get_le32(v + 4) & 0xfff);

		return ctl_fail(s->ctl, 0, "%s: the receiver refused: %s: %s",
				s->path, errno_name(error), strerror(error));
	}
	if (siv_get_le64(v + 8) != s->done ||
	    memcmp(v + FILE_HDR, s->sha, FILE_SHA))
		return ctl_fail(s->ctl, 0,
				"%s: the receiver has something else", s->path);
	return CTL_OK;
}

/* Sending failed: perhaps the receiver has said why. */
static int broken_off(struct sending *s, int error)
{
	if (error == -EPIPE) {
		ivshmem_set_timeouts(s->ch, 0, 2000);
		if (hear(s) != CTL_OK)
			return CTL_FAILED;
	}
	return ctl_fail(s->ctl, channel_error(s->ch, error),
			"%s: sending at byte %" PRIu64, s->path, s->done);
}

static int send_offer(struct sending *s)
{
	size_t len = strlen(s->name);

	file_put(s->record, FILE_OFFER, 0, s->size);
	memcpy(s->record + FILE_HDR, s->name, len);
	return give(s, FILE_HDR + len);
}

static int send_data(struct sending *s)
{
	ssize_t n;
	int r;

	for (;;) {
		n = read(s->fd, s->record + FILE_HDR, s->chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ctl_fail(s->ctl, -errno, "read %s", s->path);
		if (!n)
			break;
		if (!digest_add(&s->digest, s->record + FILE_HDR, (size_t)n))
			return ctl_fail(s->ctl, 0, "SHA-256 failed");
		file_put(s->record, FILE_DATA, 0, s->done);
		r = give(s, FILE_HDR + (size_t)n);
		if (r)
			return broken_off(s, r);
		s->done += (uint64_t)n;
		progress_show(&s->progress, s->done, false);
	}
	progress_show(&s->progress, s->done, true);
	return CTL_OK;
}

static int send_all(struct sending *s)
{
	int r = send_offer(s);

	if (r)
		return broken_off(s, r);
	r = send_data(s);
	if (r)
		return r;
	if (!digest_end(&s->digest, s->sha))
		return ctl_fail(s->ctl, 0, "SHA-256 failed");
	file_put(s->record, FILE_END, 0, s->done);
	memcpy(s->record + FILE_HDR, s->sha, FILE_SHA);
	r = give(s, FILE_HDR + FILE_SHA);
	if (r)
		return broken_off(s, r);
	r = hear(s);
	s->seconds = (double)(clock_ns() - s->start_ns) / 1e9;
	return r;
}

static void report(const struct sending *s)
{
	char hex[2 * FILE_SHA + 1], bytes[CTL_TEXT], rate[CTL_TEXT];
	struct sivshmem_info i = { .size = sizeof(i) };
	struct json_out j;

	text_hex(hex, s->sha, FILE_SHA);
	if (!s->ctl->json) {
		printf("sent %s: %s in %.2f s (%s/s), SHA-256 %s verified by the receiver\n",
		       s->name, text_bytes(bytes, (double)s->done), s->seconds,
		       text_bytes(rate, (double)s->done / s->seconds), hex);
		return;
	}
	json_begin(&j, s->ctl->json_to);
	json_bool(&j, "ok", true);
	json_text(&j, "name", s->name);
	json_number(&j, "bytes", s->done);
	json_real(&j, "seconds", s->seconds);
	json_text(&j, "sha256", hex);
	if (!ivshmem_info(s->ch, &i)) {
		json_bool(&j, "sealed", i.flags & SIVSHMEM_INFO_SEALED);
		json_bool(&j, "mapped", i.flags & SIVSHMEM_INFO_MAPPED);
		json_number(&j, "ring_tx", i.ring_tx);
		json_number(&j, "ring_rx", i.ring_rx);
		json_number(&j, "handshake_ns", i.handshake_ns);
		json_number(&j, "x25519_ns", i.x25519_ns);
	}
	json_end(&j);
}

/* The file, and the name that the receiver is told. */
static int open_file(struct sending *s, const char *as)
{
	const char *base = strrchr(s->path, '/');
	struct stat st;

	base = base ? base + 1 : s->path;
	s->name = as ? as : strcmp(s->path, "-") ? base : "stdin";
	if (!*s->name || strlen(s->name) > FILE_NAME_MAX ||
	    strchr(s->name, '/'))
		return ctl_fail(s->ctl, 0, "\"%s\" is no name for a file",
				s->name);
	if (!strcmp(s->path, "-"))
		s->fd = STDIN_FILENO;
	else
		s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		return ctl_fail(s->ctl, -errno, "open %s", s->path);
	if (S_ISDIR(st.st_mode))
		return ctl_fail(s->ctl, -EISDIR, "%s", s->path);
	s->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size :
					FILE_SIZE_UNKNOWN;
	return CTL_OK;
}

static int run_one(struct sending *s, const struct channel_options *ch,
		   uint64_t chunk)
{
	size_t max;
	int r = channel_get(s->ctl, ch, NULL, &s->ch);

	if (r)
		return r;
	max = ivshmem_max_record(s->ch);
	if (chunk > max - FILE_HDR)
		chunk = (max - FILE_HDR) & ~(size_t)7;
	s->chunk = (size_t)chunk;
	s->record =
		malloc(FILE_HDR +
		       (s->chunk < FILE_NAME_MAX ? FILE_NAME_MAX : s->chunk));
	if (!s->record || !digest_begin(&s->digest))
		return ctl_fail(s->ctl, -ENOMEM, "SHA-256");
	progress_start(&s->progress, s->ctl, s->name,
		       s->size == FILE_SIZE_UNKNOWN ? 0 : s->size);
	s->start_ns = clock_ns();
	r = send_all(s);
	if (!r)
		report(s);
	return r;
}

static int send_run(struct ctl *ctl, int argc, char **argv)
{
	enum {
		OPT_CHUNK = OPT_OWN,
		OPT_NAME
	};
	static const struct option options[] = {
		CTL_COMMON_OPTIONS,
		CTL_CHANNEL_OPTIONS,
		{ "chunk", required_argument, NULL, OPT_CHUNK },
		{ "name", required_argument, NULL, OPT_NAME },
		{ 0 },
	};
	struct sending s = { .ctl = ctl, .fd = -1 };
	struct channel_options ch;
	uint64_t chunk = CHUNK_DEFAULT;
	const char *as = NULL, *wrong;
	int opt, r, given;

	channel_options_init(&ch);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (common_option(ctl, &cmd_send, &ch, opt)) {
		case OPTION_HELP:
			return CTL_OK;
		case OPTION_BAD:
			return CTL_USAGE;
		case OPTION_NOT_MINE:
			if (opt == OPT_NAME)
				as = optarg;
			else if (!parse_size(optarg, &chunk) || !chunk ||
				 chunk > 1u << 30)
				return ctl_usage(ctl, &cmd_send,
						 "\"%s\" is no size", optarg);
		}
	given = argc - optind;
	if (given != (ch.listen || ch.node ? 1 : 2))
		return ctl_usage(ctl, &cmd_send, "which service, which file?");
	if (given == 2)
		ch.service = argv[optind++];
	s.path = argv[optind];
	wrong = channel_check(&ch);
	if (wrong)
		return ctl_usage(ctl, &cmd_send, "%s", wrong);
	r = open_file(&s, as);
	if (!r)
		r = run_one(&s, &ch, chunk);
	digest_free(&s.digest);
	free(s.record);
	ivshmem_close(s.ch);
	if (s.fd > STDERR_FILENO)
		close(s.fd);
	return r;
}

const struct ctl_command cmd_send = {
	.name = "send",
	.args = "--as NAME [OPTION]... SERVICE FILE",
	.about = "send a file; the receiver verifies its SHA-256",
	.options =
		"  FILE               - is the standard input\n"
		"  --chunk SIZE       bytes per record (64K)\n"
		"  --name NAME        tell the receiver this name\n"
		"                     with --node or --listen there is no SERVICE\n",
	.channel = true,
	.run = send_run,
};
