// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What people and programs are told: errors, usage, numbers, progress. */
#define _GNU_SOURCE
#include "ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "json.h"

enum {
	DRAW_NS = 100000000,
	BAR = 24
};

const char *errno_name(int error)
{
	const char *name = strerrorname_np(error < 0 ? -error : error);

	return name ? name : "errno?";
}

/* As an object; false if the words are wanted as well. */
static bool fail_json(const struct ctl *ctl, int error, const char *what)
{
	struct json_out j;

	json_begin(&j, ctl->json_to);
	json_bool(&j, "ok", false);
	json_text(&j, "what", what);
	json_text(&j, "error", error ? strerror(-error) : what);
	if (error) {
		json_number(&j, "errno", (uint64_t)-error);
		json_text(&j, "errno_name", errno_name(error));
		json_text(&j, "hint", ivshmem_hint(error));
	}
	json_end(&j);
	return ctl->json_to == stderr;
}

int ctl_fail(const struct ctl *ctl, int error, const char *format, ...)
{
	const char *hint = error ? ivshmem_hint(error) : "";
	char what[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	if (ctl->json && fail_json(ctl, error, what))
		return CTL_FAILED;
	fprintf(stderr, "sivshmemctl: %s", what);
	if (error)
		fprintf(stderr, ": %s: %s", errno_name(error),
			strerror(-error));
	if (*hint)
		fprintf(stderr, " (%s)", hint);
	fputc('\n', stderr);
	return CTL_FAILED;
}

/* Also if it stands behind what is wrong. */
static bool wants_json(const struct ctl *ctl)
{
	char **word = ctl->argv;

	while (*word && strcmp(*word, "--json") && strcmp(*word, "--"))
		word++;
	return ctl->json || (*word && !strcmp(*word, "--json"));
}

int ctl_usage(const struct ctl *ctl, const struct ctl_command *cmd,
	      const char *format, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	if (wants_json(ctl) && fail_json(ctl, 0, what))
		return CTL_USAGE;
	if (!cmd) {
		fprintf(stderr,
			"sivshmemctl: %s; sivshmemctl --help lists them\n",
			what);
		return CTL_USAGE;
	}
	fprintf(stderr, "sivshmemctl %s: %s\n", cmd->name, what);
	fprintf(stderr, "usage: sivshmemctl %s %s\n", cmd->name, cmd->args);
	fprintf(stderr, "       sivshmemctl %s --help\n", cmd->name);
	return CTL_USAGE;
}

void ctl_help(const struct ctl_command *cmd, FILE *to)
{
	fprintf(to, "usage: sivshmemctl %s %s\n\n%s.\n\n%s", cmd->name,
		cmd->args, cmd->about, cmd->options);
	fputs("  --json             print one JSON object\n"
	      "  --quiet            no progress, no remarks\n"
	      "  --progress         show progress even where there is no terminal\n"
	      "  --help             this text\n",
	      to);
	if (cmd->channel)
		fprintf(to, "\n%s", channel_help);
}

const char *text_bytes(char buf[CTL_TEXT], double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(buf, CTL_TEXT, unit ? "%.1f %s" : "%.0f %s", bytes,
		 units[unit]);
	return buf;
}

const char *text_hex(char *buf, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		buf[2 * i] = digits[bytes[i] >> 4];
		buf[2 * i + 1] = digits[bytes[i] & 15];
	}
	buf[2 * n] = '\0';
	return buf;
}

uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void progress_start(struct progress *p, const struct ctl *ctl, const char *what,
		    uint64_t total)
{
	p->on = ctl->progress ||
		(!ctl->quiet && !ctl->json && isatty(STDERR_FILENO));
	p->what = what;
	p->total = total;
	p->start_ns = clock_ns();
	p->last_ns = 0;
}

static void draw_bar(uint64_t done, uint64_t total)
{
	unsigned int full = (unsigned int)((double)done * BAR / (double)total);

	fputs(" [", stderr);
	for (unsigned int i = 0; i < BAR; i++)
		fputc(i < full ? '#' : '.', stderr);
	fprintf(stderr, "] %3.0f%%", (double)done * 100 / (double)total);
}

void progress_show(struct progress *p, uint64_t done, bool last)
{
	char bytes[CTL_TEXT], rate[CTL_TEXT];
	uint64_t now;
	double seconds;

	if (!p->on)
		return;
	now = clock_ns();
	if (!last && now - p->last_ns < DRAW_NS)
		return;
	p->last_ns = now;
	seconds = (double)(now - p->start_ns) / 1e9;
	fprintf(stderr, "\r%.32s", p->what);
	if (p->total)
		draw_bar(done, p->total);
	fprintf(stderr, " %s, %s/s", text_bytes(bytes, (double)done),
		text_bytes(rate, seconds > 0 ? (double)done / seconds : 0));
	if (!last && p->total && done)
		fprintf(stderr, ", %.0f s left",
			seconds * (double)(p->total - done) / (double)done);
	fputs(last ? "\033[K\n" : "\033[K", stderr);
	fflush(stderr);
}
