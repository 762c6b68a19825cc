// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The audit log. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit.h"

enum {
	AUDIT_BUFFER = 1 << 16,
	AUDIT_LINE_MAX = 2048,
	AUDIT_BUCKETS = 1024,
	/* of one event by one VM: ten lines of refusals in five seconds */
	AUDIT_REFUSALS_BURST = 10,
	AUDIT_REFUSALS_RATE = 2000,
	AUDIT_OTHERS_BURST = 500,
	AUDIT_OTHERS_RATE = 50000,
};

struct audit_bucket {
	struct bucket bucket;
	u64 suppressed;
};

struct audit {
	int fd;
	size_t used;
	u64 suppressed;
	sd_event_source *later;
	u64 count[AUDIT_EVENT_COUNT];
	struct audit_bucket buckets[AUDIT_BUCKETS];
	char buffer[AUDIT_BUFFER];
};

#define AUDIT_NAME(event, name) [AUDIT_##event] = name,
static const char *const audit_names[AUDIT_EVENT_COUNT] = { AUDIT_EVENTS(
	AUDIT_NAME) };
#undef AUDIT_NAME

const char *audit_event_name(enum audit_event event)
{
	return audit_names[event];
}

static int audit_on_later(sd_event_source *src, void *arg)
{
	(void)src;
	audit_flush(arg);
	return 0;
}

struct audit *audit_new(sd_event *event, int fd)
{
	struct audit *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->fd = fd;
	if (sd_event_add_defer(event, &a->later, audit_on_later, a) < 0 ||
	    sd_event_source_set_enabled(a->later, SD_EVENT_OFF) < 0 ||
	    sd_event_source_set_priority(a->later, SD_EVENT_PRIORITY_IDLE) <
		    0) {
		audit_free(a);
		return NULL;
	}
	return a;
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	audit_flush(a);
	sd_event_source_disable_unref(a->later);
	if (a->fd > STDERR_FILENO)
		close(a->fd);
	free(a);
}

void audit_set_fd(struct audit *a, int fd)
{
	audit_flush(a);
	if (a->fd > STDERR_FILENO)
		close(a->fd);
	a->fd = fd;
}

u64 audit_count(const struct audit *a, enum audit_event event)
{
	return a->count[event];
}

u64 audit_suppressed(const struct audit *a)
{
	return a->suppressed;
}

static struct audit_bucket *audit_bucket(struct audit *a,
					 enum audit_event event,
					 const struct audit_who *who)
{
	u32 h = 2166136261u ^ (u32)event;
	const char *names[2] = { who ? who->region : NULL,
				 who ? who->vm : NULL };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const char *s = names[i] ? names[i] : "";

		do {
			h = (h ^ (u8)*s) * 16777619u;
		} while (*s++);
	}
	return &a->buckets[h % AUDIT_BUCKETS];
}

static bool audit_allowed(struct audit_bucket *b, bool refusal)
{
	u64 burst = refusal ? AUDIT_REFUSALS_BURST : AUDIT_OTHERS_BURST;
	u64 rate = refusal ? AUDIT_REFUSALS_RATE : AUDIT_OTHERS_RATE;

	return bucket_take(&b->bucket, rate, burst, clock_ms());
}

/* Printable ASCII only: a line stays one line, whatever a name was. */
static void audit_clean(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

static void audit_time(char *out, size_t cap)
{
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	/* strftime() would look for a time zone's file */
	snprintf(out, cap, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000);
}

static void audit_who(char *out, size_t cap, const struct audit_who *who)
{
	out[0] = '\0';
	if (!who)
		return;
	snprintf(out, cap, "%s%s%s%s%s", who->region ? who->region : "",
		 who->vm ? "/" : "", who->vm ? who->vm : "",
		 who->service ? "/" : "", who->service ? who->service : "");
	audit_clean(out);
}

static void audit_keep(struct audit *a, json_t *o)
{
	size_t n;

	if (AUDIT_BUFFER - a->used < AUDIT_LINE_MAX)
		audit_flush(a);
	n = json_dumpb(o, a->buffer + a->used, AUDIT_LINE_MAX - 1,
		       JSON_COMPACT | JSON_ENSURE_ASCII);
	if (!n || n > AUDIT_LINE_MAX - 1) {
		a->suppressed++;
		return;
	}
	a->used += n;
	a->buffer[a->used++] = '\n';
	sd_event_source_set_enabled(a->later, SD_EVENT_ONESHOT);
}

static void audit_line(struct audit *a, enum audit_event event, int err,
		       const char *reason, const struct audit_who *who,
		       const char *rule, const char *fmt, va_list ap)
{
	struct audit_bucket *b = audit_bucket(a, event, who);
	char time[64], names[4 * 64], what[512];
	json_t *o;

	a->count[event]++;
	if (a->fd < 0)
		return;
	if (!audit_allowed(b, err)) {
		b->suppressed++;
		a->suppressed++;
		return;
	}
	audit_time(time, sizeof(time));
	audit_who(names, sizeof(names), who);
	vsnprintf(what, sizeof(what), fmt, ap);
	audit_clean(what);
	o = json_pack("{s:s, s:s, s:i, s:s, s:s}", "time", time, "event",
		      audit_names[event], "errno", err, "who", names, "what",
		      what);
	if (o && reason)
		json_object_set_new(o, "reason", json_string(reason));
	if (o && rule)
		json_object_set_new(o, "rule", json_string(rule));
	if (o && b->suppressed)
		json_object_set_new(o, "suppressed",
				    json_integer((json_int_t)b->suppressed));
	b->suppressed = 0;
	if (o)
		audit_keep(a, o);
	json_decref(o);
}

void audit_note(struct audit *a, enum audit_event event, enum siv_reason why,
		const struct audit_who *who, const char *rule, const char *fmt,
		...)
{
	va_list ap;

	va_start(ap, fmt);
	audit_line(a, event, -siv_reason_errno(why),
		   why ? siv_reason_name(why) : NULL, who, rule, fmt, ap);
	va_end(ap);
}

void audit_note_errno(struct audit *a, enum audit_event event, int err,
		      const struct audit_who *who, const char *rule,
		      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	audit_line(a, event, err, NULL, who, rule, fmt, ap);
	va_end(ap);
}

void audit_flush(struct audit *a)
{
	size_t done = 0;
	ssize_t n;

	while (done < a->used) {
		n = write(a->fd, a->buffer + done, a->used - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* a full disk: counted, and the daemon goes on */
			a->suppressed++;
			break;
		}
		done += (size_t)n;
	}
	a->used = 0;
}
