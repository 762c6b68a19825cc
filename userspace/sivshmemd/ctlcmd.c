// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Commands of the control socket. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "daemon.h"
#include "lie.h"
#include "qemuargs.h"

static json_t *ctlcmd_error(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static json_t *ctlcmd_error(int err, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return json_pack("{s:b, s:s, s:i}", "ok", 0, "error", text, "errno",
			 err);
}

#define NUMBER(v) ((json_int_t)(v))

/* ------------------------------------------------------------------ status */

static const char *ctlcmd_mode(enum policy_mode mode)
{
	switch (mode) {
	case POLICY_SHARED:
		return "shared";
	case POLICY_ISOLATED:
		return "isolated";
	case POLICY_VANILLA:
		return "vanilla";
	}
	return "";
}

static json_t *ctlcmd_region(const struct region *r)
{
	struct alloc_stats st = { 0 };

	if (r->alloc)
		alloc_stats(r->alloc, &st);
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "region", r->name, "mode",
			 ctlcmd_mode(r->policy->mode), "size",
			 NUMBER(r->mem.size), "granule", NUMBER(r->geo.granule),
			 "taken", NUMBER(st.taken), "limbo", NUMBER(st.limbo),
			 "dirty", NUMBER(st.dirty), "clean", NUMBER(st.clean),
			 "numbers_burned", NUMBER(r->numbers.burned_count));
}

static json_t *ctlcmd_member(const struct member *m)
{
	const struct desk *d = m->desk;

	return json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "region", m->r->name, "vm", m->name, "attached",
			 m->client ? 1 : 0, "peer", NUMBER(m->peer), "pid",
			 NUMBER(m->client ? server_pid(m->client) : 0), "fds",
			 NUMBER(m->client ? server_fds_given(m->client) : 0),
			 "sessions", NUMBER(d->session_count), "channels",
			 NUMBER(d->channels), "bytes", NUMBER(d->bytes));
}

static const char *ctlcmd_phase(enum session_phase phase)
{
	switch (phase) {
	case SESSION_HEARD:
		return "heard";
	case SESSION_PENDING:
		return "pending";
	case SESSION_LIVE:
		return "live";
	case SESSION_OLD:
		return "replaced";
	case SESSION_DYING:
		return "ending";
	}
	return "";
}

static json_t *ctlcmd_session(const struct session *s)
{
	u64 heard = s->core.heard_ms, silent = heard ? clock_ms() - heard : 0;
	char serial[64];

	serial_text(s->cert.serial, serial, sizeof(serial));
	return json_pack(
		"{s:I, s:s, s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I}", "id",
		NUMBER(s->core.id), "region", s->desk->m->r->name, "vm",
		s->desk->m->name, "service", s->service, "state",
		ctlcmd_phase(s->phase), "listening",
		s->listener.request ? 1 : 0, "serial", serial, "not_after",
		NUMBER(s->cert.not_after), "age_s",
		NUMBER(s->born_s ? clock_boot_s() - s->born_s : 0), "silent_ms",
		NUMBER(silent), "dropped", NUMBER(s->core.dropped));
}

static const char *ctlcmd_relay_state(enum siv_relay_state state)
{
	switch (state) {
	case SIV_RELAY_OPENED:
		return "opened";
	case SIV_RELAY_GRANTED:
		return "granted";
	case SIV_RELAY_CONFIRMED:
		return "confirmed";
	case SIV_RELAY_ESTABLISHED:
		return "established";
	case SIV_RELAY_ENDED:
		return "limbo";
	case SIV_RELAY_STATES:
		break;
	}
	return "";
}

static json_t *ctlcmd_channel(const struct channel *ch)
{
	/* a side that is closed may have lost its VM: names only of what is there */
	const char *a = ch->a.closed ? "-" : ch->a.desk->m->name;
	const char *b = ch->b_side.closed ? "-" : ch->b_side.desk->m->name;

	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I}",
			 "cid", NUMBER(ch->kept.cid), "region", ch->r->name,
			 "from_vm", a, "from_service", ch->a.service, "to_vm",
			 b, "service", ch->kept.service, "state",
			 ctlcmd_relay_state(ch->state), "sealed",
			 ch->flags & SIV_CH_SEALED ? 1 : 0, "ring_ab",
			 NUMBER(ch->ring_ab), "ring_ba", NUMBER(ch->ring_ba));
}

static json_t *ctlcmd_counters(const struct audit *a)
{
	json_t *o = json_object();
	int i;

	for (i = 0; o && i < AUDIT_EVENT_COUNT; i++)
		json_object_set_new(o, audit_event_name((enum audit_event)i),
				    json_integer(NUMBER(audit_count(
					    a, (enum audit_event)i))));
	return o;
}

static json_t *ctlcmd_denied(const struct denied *d)
{
	static const char *const kinds[] = { [DENIED_SERIAL] = "serial",
					     [DENIED_IDENTITY] = "identity",
					     [DENIED_VM] = "vm" };
	json_t *list = json_array();
	enum denied_kind kind;
	const char *value;
	size_t i;

	for (i = 0; list && (value = denied_at(d, i, &kind)); i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s}", "what",
						kinds[kind], "value", value));
	return list;
}

static void ctlcmd_lists(const struct broker *b, json_t *regions, json_t *vms,
			 json_t *sessions)
{
	u32 i, k;

	for (i = 0; i < b->region_count; i++) {
		const struct region *r = b->regions[i];

		json_array_append_new(regions, ctlcmd_region(r));
		for (k = 0; k < r->member_count; k++) {
			const struct session *s;

			if (!r->members[k])
				continue;
			json_array_append_new(vms,
					      ctlcmd_member(r->members[k]));
			for (s = TAILQ_FIRST(&r->members[k]->desk->sessions); s;
			     s = TAILQ_NEXT(s, of_desk))
				json_array_append_new(sessions,
						      ctlcmd_session(s));
		}
	}
}

static json_t *ctlcmd_status(struct daemon *d, const json_t *command)
{
	const struct broker *b = d->broker;
	json_t *o, *regions = json_array(), *vms = json_array(),
		   *sessions = json_array();
	json_t *channels = json_array();
	struct channel *ch;
	u32 at = 0;

	(void)command;
	ctlcmd_lists(b, regions, vms, sessions);
	while ((ch = map_next(&b->channels, &at)))
		json_array_append_new(channels, ctlcmd_channel(ch));
	o = json_pack(
		"{s:b, s:i, s:I, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
		"ok", 1, "pid", (int)d->pid, "uptime_s",
		NUMBER(clock_wall_s() - d->started), "policy", d->paths.policy,
		"crl_number", NUMBER(crl_number(b->crl)), "crl_entries",
		NUMBER(crl_count(b->crl)), "connects", NUMBER(b->connects),
		"audit_suppressed", NUMBER(audit_suppressed(d->audit)),
		"regions", regions, "vms", vms, "sessions", sessions,
		"channels", channels, "denied", ctlcmd_denied(b->denied),
		"counters", ctlcmd_counters(d->audit));
	return o ? o : ctlcmd_error(ENOMEM, "out of memory");
}

/* ------------------------------------------------------------------ revoke */

static bool ctlcmd_kind(const char *what, enum denied_kind *kind)
{
	if (!strcmp(what, "serial"))
		*kind = DENIED_SERIAL;
	else if (!strcmp(what, "identity"))
		*kind = DENIED_IDENTITY;
	else if (!strcmp(what, "vm"))
		*kind = DENIED_VM;
	else
		return false;
	return true;
}

/* REGION/VM/SERVICE, also as the URI in certificates. */
static bool ctlcmd_identity(const char *value, char *out, size_t cap)
{
	static const char scheme[] = "sivshmem://";
	char part[3][SIV_NAME_LEN + 1], end;

	if (!strncmp(value, scheme, sizeof(scheme) - 1))
		value += sizeof(scheme) - 1;
	if (sscanf(value, "%64[^/]/%64[^/]/%64[^/]%c", part[0], part[1],
		   part[2], &end) != 3)
		return false;
	return snprintf(out, cap, "%s/%s/%s", part[0], part[1], part[2]) <
	       (int)cap;
}

static bool ctlcmd_value(enum denied_kind kind, const char *value, char *out,
			 size_t cap)
{
	switch (kind) {
	case DENIED_SERIAL:
		return serial_normal(value, out, cap);
	case DENIED_IDENTITY:
		return ctlcmd_identity(value, out, cap);
	case DENIED_VM:
		return snprintf(out, cap, "%s", value) < (int)cap &&
		       siv_name_check((struct siv_span){ (const u8 *)value,
							 strlen(value) });
	}
	return false;
}

static u32 ctlcmd_open_channels(const struct broker *b)
{
	struct channel *ch;
	u32 at = 0, n = 0;

	while ((ch = map_next(&b->channels, &at)))
		n += ch->state != SIV_RELAY_ENDED;
	return n;
}

/* CID, or REGION/CID. */
static json_t *ctlcmd_revoke_channel(struct daemon *d, const char *value)
{
	const char *slash = strrchr(value, '/');
	const char *number = slash ? slash + 1 : value;
	struct channel *ch;
	char *end;
	u64 cid;

	errno = 0;
	cid = strtoull(number, &end, 10);
	if (errno || end == number || *end)
		return ctlcmd_error(EINVAL, "\"%s\" is not a channel's number",
				    value);
	ch = map_get(&d->broker->channels, cid);
	if (!ch || ch->state == SIV_RELAY_ENDED ||
	    (slash &&
	     (strlen(ch->r->name) != (size_t)(slash - value) ||
	      memcmp(ch->r->name, value, (size_t)(slash - value)) != 0)))
		return ctlcmd_error(ENOENT, "there is no open channel %s",
				    value);
	channel_end(ch, siv_reason_code(SIV_R_REVOKED), NULL, "revoked");
	broker_flush(d->broker);
	return json_pack("{s:b, s:i, s:i}", "ok", 1, "sessions", 0, "channels",
			 1);
}

static json_t *ctlcmd_revoke_kind(struct daemon *d, enum denied_kind kind,
				  const char *value)
{
	struct broker *b = d->broker;
	u32 sessions = b->session_count, channels = ctlcmd_open_channels(b);
	char text[3 * SIV_NAME_LEN];
	int r;

	if (!ctlcmd_value(kind, value, text, sizeof(text)))
		return ctlcmd_error(EINVAL, "\"%s\" is not what can be revoked",
				    value);
	r = denied_add(b->denied, kind, text);
	if (r && r != -EEXIST)
		return ctlcmd_error(-r, "%s", strerror(-r));
	broker_judge(b);
	/* those that still deliver their last words have ended too */
	return json_pack("{s:b, s:I, s:I}", "ok", 1, "sessions",
			 NUMBER(sessions - b->session_count), "channels",
			 NUMBER(channels - ctlcmd_open_channels(b)));
}

static json_t *ctlcmd_revoke(struct daemon *d, const json_t *command)
{
	const char *what = json_string_value(json_object_get(command, "what"));
	const char *value =
		json_string_value(json_object_get(command, "value"));
	enum denied_kind kind;
	json_t *answer;

	if (!what || !value)
		return ctlcmd_error(EINVAL,
				    "revoke needs \"what\" and \"value\"");
	if (!strcmp(what, "channel"))
		answer = ctlcmd_revoke_channel(d, value);
	else if (ctlcmd_kind(what, &kind))
		answer = ctlcmd_revoke_kind(d, kind, value);
	else
		answer = ctlcmd_error(
			EINVAL, "\"%s\" is not serial, identity, channel or vm",
			what);
	audit_note_errno(
		d->audit, AUDIT_CONTROL,
		(int)json_integer_value(json_object_get(answer, "errno")), NULL,
		NULL, "revoke %s %s", what, value);
	return answer;
}

static json_t *ctlcmd_restore(struct daemon *d, const json_t *command)
{
	const char *what = json_string_value(json_object_get(command, "what"));
	const char *value =
		json_string_value(json_object_get(command, "value"));
	char text[3 * SIV_NAME_LEN];
	enum denied_kind kind;
	int r;

	if (!what || !value || !ctlcmd_kind(what, &kind) ||
	    !ctlcmd_value(kind, value, text, sizeof(text)))
		return ctlcmd_error(
			EINVAL,
			"restore needs \"what\" (serial, identity, vm) and "
			"\"value\"");
	r = denied_lift(d->broker->denied, kind, text);
	audit_note_errno(d->audit, AUDIT_CONTROL, -r, NULL, NULL,
			 "restore %s %s", what, text);
	if (r)
		return ctlcmd_error(-r, "%s %s is not revoked here", what,
				    text);
	return json_pack("{s:b}", "ok", 1);
}

/* ------------------------------------------------------------------ others */

static json_t *ctlcmd_reload(struct daemon *d, const json_t *command)
{
	char err[512];

	(void)command;
	if (!daemon_reload(d, err, sizeof(err)))
		return ctlcmd_error(EINVAL, "%s", err);
	return json_pack("{s:b}", "ok", 1);
}

static json_t *ctlcmd_qemu_args(struct daemon *d, const json_t *command)
{
	const char *name = json_string_value(json_object_get(command, "vm"));
	const struct policy_vm *vm = name ? policy_vm(d->broker->policy, name) :
					    NULL;
	json_t *args =
		vm ? qemuargs_make(d->broker->policy, vm, d->runtime_dir) :
		     NULL;

	if (!name)
		return ctlcmd_error(EINVAL, "qemu-args needs \"vm\"");
	if (!vm)
		return ctlcmd_error(ENOENT, "there is no VM \"%s\"", name);
	if (!args)
		return ctlcmd_error(ENOENT, "%s is a member of no region",
				    name);
	return json_pack("{s:b, s:s, s:s, s:o}", "ok", 1, "vm", name, "machine",
			 "q35", "args", args);
}

#ifdef SIV_DISHONEST
static json_t *ctlcmd_lie(struct daemon *d, const json_t *command)
{
	const char *kind = json_string_value(json_object_get(command, "kind"));

	(void)d;
	if (kind && !lie_set(kind))
		return ctlcmd_error(EINVAL, "unknown lie \"%s\"", kind);
	return json_pack("{s:b, s:s}", "ok", 1, "lie", lie_now());
}
#endif

json_t *ctlcmd_run(struct daemon *d, const json_t *command)
{
	static const struct {
		const char *name;
		json_t *(*run)(struct daemon *d, const json_t *command);
	} table[] = {
		{ "status", ctlcmd_status },
		{ "revoke", ctlcmd_revoke },
		{ "restore", ctlcmd_restore },
		{ "reload", ctlcmd_reload },
		{ "qemu-args", ctlcmd_qemu_args },
#ifdef SIV_DISHONEST
		{ "lie", ctlcmd_lie },
#endif
	};
	const char *name = json_string_value(json_object_get(command, "cmd"));
	json_t *answer = NULL;
	size_t i;

	if (!name)
		return ctlcmd_error(
			EBADMSG,
			"a command is a JSON object with \"cmd\", on one "
			"line");
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, name) != 0)
			continue;
		answer = table[i].run(d, command);
		return answer ? answer : ctlcmd_error(ENOMEM, "out of memory");
	}
	return ctlcmd_error(EINVAL, "unknown command \"%s\"", name);
}
