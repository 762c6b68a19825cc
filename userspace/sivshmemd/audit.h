/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The audit log: one JSON object per line (daemon.rst lists the events), written after
 * the answer to whoever caused it, limited in rate, with exact counters.
 */
#ifndef SIVD_AUDIT_H
#define SIVD_AUDIT_H

#include <systemd/sd-event.h>

#include "clock.h"
#include "core/reason.h"

#ifdef SIV_DISHONEST
#define AUDIT_EVENTS_TEST(X) X(LIE, "lie")
#else
#define AUDIT_EVENTS_TEST(X)
#endif

/* X(event, name) */
#define AUDIT_EVENTS(X)                     \
	X(START, "start")                   \
	X(STOP, "stop")                     \
	X(RELOAD, "reload")                 \
	X(REVOKE, "revoke")                 \
	X(CONTROL, "control")               \
	X(PEER_DENIED, "peer_denied")       \
	X(ATTACH, "attach")                 \
	X(ATTACH_REFUSED, "attach_refused") \
	X(DUP_IDENTITY, "dup_identity")     \
	X(DETACH, "detach")                 \
	X(CLIENT_SPOKE, "client_spoke")     \
	X(CLIENT_SLOW, "client_slow")       \
	X(QUOTA, "quota")                   \
	X(HELLO_DROPPED, "hello_dropped")   \
	X(HELLO_REFUSED, "hello_refused")   \
	X(HELLO_TIMEOUT, "hello_timeout")   \
	X(SESSION, "session")               \
	X(SESSION_END, "session_end")       \
	X(AUTH_FAIL, "auth_fail")           \
	X(PROTOCOL, "protocol")             \
	X(LISTEN, "listen")                 \
	X(LISTEN_REFUSED, "listen_refused") \
	X(OPEN_REFUSED, "open_refused")     \
	X(CONNECT, "connect")               \
	X(CONNECT_FAILED, "connect_failed") \
	X(CHANNEL_END, "channel_end")       \
	AUDIT_EVENTS_TEST(X)

#define AUDIT_ENUM(event, name) AUDIT_##event,
enum audit_event {
	AUDIT_EVENTS(AUDIT_ENUM) AUDIT_EVENT_COUNT
};
#undef AUDIT_ENUM

struct audit;

/* Who: names may be NULL. "REGION/VM/SERVICE" in the line. */
struct audit_who {
	const char *region;
	const char *vm;
	const char *service;
};

/**
 * audit_new() - write to a descriptor
 * @event: lines are written when it has nothing more urgent to do
 * @fd: taken over; -1: lines are only counted
 */
struct audit *audit_new(sd_event *event, int fd);
void audit_free(struct audit *a);
/* audit_set_fd() - after the file was rotated; @fd is taken over. */
void audit_set_fd(struct audit *a, int fd);

/**
 * audit_note() - count an event, and keep a line for audit_flush()
 * @a: the log
 * @event: which counter
 * @why: SIV_OK for what is no refusal
 * @who: whom it concerns, or NULL
 * @rule: the policy's section that decided, or NULL
 * @fmt: what; made printable here
 */
void audit_note(struct audit *a, enum audit_event event, enum siv_reason why,
		const struct audit_who *who, const char *rule, const char *fmt,
		...) __attribute__((format(printf, 6, 7)));
/* audit_note_errno() - the same for what is no reason of the core's; @err: positive. */
void audit_note_errno(struct audit *a, enum audit_event event, int err,
		      const struct audit_who *who, const char *rule,
		      const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* audit_flush() - write the lines that are kept. */
void audit_flush(struct audit *a);

const char *audit_event_name(enum audit_event event);
u64 audit_count(const struct audit *a, enum audit_event event);
/* audit_suppressed() - lines that the rate limit or a full disk swallowed. */
u64 audit_suppressed(const struct audit *a);

#endif /* SIVD_AUDIT_H */
