// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A VM in a region: its QEMU's connection, its doorbells and its vectors. Design section
 * 4 and kernel.md 13 to 19 say why each step is as it is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "region.h"

enum {
	MEMBER_ATTACH_BURST = 20,
	/* doorbells without a record: so many at once, so many a second, then a pause */
	MEMBER_IDLE_BURST = 200,
	MEMBER_IDLE_RATE = 1000 * 1000,
	MEMBER_PAUSE_US = 5000,
};

struct audit_who member_who(const struct member *m)
{
	return (struct audit_who){ .region = m->r->name, .vm = m->name };
}

/* --------------------------------------------------------------- doorbells */

void member_ring(const struct member *m)
{
	const u64 one = 1;

	/* full: it is rung already */
	(void)!write(m->vector[SIV_VECTOR_HOST].fd, &one, sizeof(one));
}

static void member_bells(struct member *m, int enabled)
{
	int i;

	for (i = 0; i < SIV_HOST_BELLS; i++)
		sd_event_source_set_enabled(m->bells_on[i], enabled);
}

static int member_on_pause(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	member_bells(arg, SD_EVENT_ON);
	return 0;
}

/* It rings for nothing: listen again a little later. What it rang meanwhile is kept. */
static void member_pause(struct member *m)
{
	member_bells(m, SD_EVENT_OFF);
	sd_event_source_set_time_relative(m->pause, MEMBER_PAUSE_US);
	sd_event_source_set_enabled(m->pause, SD_EVENT_ONESHOT);
}

static int member_on_bell(sd_event_source *s, int fd, uint32_t revents,
			  void *arg)
{
	struct member *m = arg;
	bool useful = false;
	u64 count;

	(void)s;
	(void)revents;
	if (read(fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return 0;
	if (m->client && fd == m->bell[SIV_BELL_MAIL])
		useful = m->r->ev->mail(m);
	else if (m->client)
		useful = m->r->ev->hello(m);
	if (!useful && !bucket_take(&m->idle, MEMBER_IDLE_RATE,
				    MEMBER_IDLE_BURST, clock_ms()))
		member_pause(m);
	return 0;
}

u16 member_vector(const struct member *m, const char *name)
{
	u32 i;

	for (i = 1; i < m->vector_count; i++)
		if (!strcmp(m->vector[i].owner, name))
			return (u16)i;
	return 0;
}

static u16 member_vector_make(struct member *m, const char *name)
{
	u16 v = member_vector(m, name);

	if (!v)
		v = member_vector(m, ""); /* one that is nobody's yet */
	if (v)
		memcpy(m->vector[v].owner, name, strlen(name) + 1);
	return v;
}

/* Give A's QEMU the doorbell at B. */
static enum siv_reason member_tell(struct member *a, struct member *b)
{
	u16 v;

	if (a->told[b->index] == b->peer)
		return SIV_OK;
	v = member_vector_make(b, a->name);
	if (!v || server_send(a->client, b->peer, b->vector[v].fd))
		return SIV_R_QUOTA;
	a->told[b->index] = b->peer;
	b->number_told = true;
	return SIV_OK;
}

enum siv_reason member_pair(struct member *a, struct member *b)
{
	enum siv_reason r;

	if (!a->client || !b->client || a == b)
		return SIV_R_STATE;
	r = member_tell(a, b);
	return r ? r : member_tell(b, a);
}

bool member_drained(struct member *m)
{
	return m->client && server_drained(m->client);
}

void member_wait_drained(struct member *m)
{
	if (m->client)
		server_wait_drained(m->client, SERVER_SLOW_MS);
}

/* --------------------------------------------------------- attach and detach */

static void member_forget(struct member *m)
{
	server_client_free(m->client);
	m->client = NULL;
	numbers_give(&m->r->numbers, m->peer, m->number_told);
	m->burned += m->number_told;
	m->number_told = false;
	memset(m->told, 0, sizeof(m->told));
	m->peer = 0;
}

static void member_detach(struct member *m)
{
	if (m->r->policy->mode == POLICY_VANILLA)
		vanilla_detached(m);
	else
		m->r->ev->detached(m);
	member_forget(m);
}

void member_drop(struct member *m)
{
	if (m->client)
		member_detach(m);
}

static void member_on_drained(struct server_client *c, void *arg)
{
	struct member *m = arg;

	(void)c;
	if (m->r->policy->mode != POLICY_VANILLA)
		m->r->ev->drained(m);
}

static void member_note_end(const struct member *m, enum server_why why)
{
	static const struct {
		enum audit_event event;
		enum siv_reason why;
		const char *what;
	} table[] = {
		[SERVER_CLOSED] = { AUDIT_DETACH, SIV_OK,
				    "QEMU closed its connection" },
		[SERVER_SPOKE] = { AUDIT_CLIENT_SPOKE, SIV_R_TYPE,
				   "client sent bytes" },
		[SERVER_SLOW] = { AUDIT_CLIENT_SLOW, SIV_R_TIMEOUT,
				  "client does not read" },
		[SERVER_BROKEN] = { AUDIT_DETACH, SIV_R_PEER_GONE,
				    "connection failed" },
	};
	struct audit_who who = member_who(m);

	audit_note(m->r->audit, table[why].event, table[why].why, &who, NULL,
		   "%s: peer %u, pid %d", table[why].what, m->peer,
		   server_pid(m->client));
}

void member_end(struct member *m, enum server_why why)
{
	member_note_end(m, why);
	member_detach(m);
}

void member_dismiss(struct member *m)
{
	struct audit_who who = member_who(m);

	if (!m->client)
		return;
	audit_note(m->r->audit, AUDIT_DETACH, SIV_R_POLICY, &who, NULL,
		   "no member any more: peer %u, pid %d", m->peer,
		   server_pid(m->client));
	member_detach(m);
}

static void member_on_gone(struct server_client *c, enum server_why why,
			   void *arg)
{
	struct member *m = arg;

	(void)c;
	member_note_end(m, why);
	/* server.c frees the client itself when this returns */
	if (m->r->policy->mode == POLICY_VANILLA)
		vanilla_detached(m);
	else
		m->r->ev->detached(m);
	m->client = NULL;
	member_forget(m);
}

static const struct server_events member_client_events = {
	.drained = member_on_drained,
	.gone = member_on_gone,
};

/* version, number, memory, the host's doorbells, then all its own vectors at once */
static bool member_hello(struct member *m)
{
	struct server_client *c = m->client;
	int r = 0;
	u32 i;

	r |= server_send(c, SERVER_VERSION, -1);
	r |= server_send(c, m->peer, -1);
	r |= server_send(c, -1, m->r->mem.fd);
	for (i = 0; i < SIV_HOST_BELLS; i++)
		r |= server_send(c, 0, m->bell[i]);
	for (i = 0; i < m->vector_count; i++)
		r |= server_send(c, m->peer, m->vector[i].fd);
	server_wait_drained(c, SERVER_HELLO_MS);
	return !r;
}

static void member_refuse(struct member *m, int fd,
			  const struct server_peer *who, enum audit_event event,
			  enum siv_reason why, const char *what)
{
	struct audit_who name = member_who(m);

	audit_note(m->r->audit, event, why, &name, NULL, "%s: pid %d", what,
		   who->pid);
	server_refuse(m->port, fd);
}

/* May this connection have the place? Says no itself. */
static bool member_admit(struct member *m, int fd,
			 const struct server_peer *who)
{
	u32 share =
		SIV_PEER_MAX / (m->r->member_count ? m->r->member_count : 1);
	enum server_why why;

	if (m->client && server_ended(m->client, &why))
		member_end(m, why); /* the news has not come yet: a restart */
	if (m->client) {
		member_refuse(m, fd, who, AUDIT_DUP_IDENTITY,
			      SIV_R_DUP_IDENTITY, "a second QEMU for this VM");
		return false;
	}
	if (!bucket_take(&m->attach, (u64)m->vm->attach_rate * 1000 / 60,
			 MEMBER_ATTACH_BURST, clock_ms())) {
		member_refuse(m, fd, who, AUDIT_QUOTA, SIV_R_RATE,
			      "attaches too often");
		return false;
	}
	m->peer = m->burned < share ? numbers_take(&m->r->numbers) : 0;
	if (!m->peer) {
		member_refuse(m, fd, who, AUDIT_QUOTA, SIV_R_QUOTA,
			      "no peer numbers are left");
		return false;
	}
	return true;
}

static void member_on_accepted(int fd, const struct server_peer *who, void *arg)
{
	struct member *m = arg;
	struct audit_who name = member_who(m);

	if (!member_admit(m, fd, who))
		return;
	m->client = server_client_new(m->r->event, fd, m->vm->fds,
				      &member_client_events, m);
	if (!m->client) {
		member_forget(m);
		return;
	}
	audit_note(m->r->audit, AUDIT_ATTACH, SIV_OK, &name, NULL,
		   "peer %u, uid %d, pid %d%s%s", m->peer, who->uid, who->pid,
		   who->label[0] ? ", label " : "", who->label);
	if (m->r->policy->mode == POLICY_VANILLA) {
		vanilla_attached(m);
		return;
	}
	m->box = m->r->mem.map + siv_box_offset(&m->r->geo, m->peer);
	memset(m->box, 0, SIV_BOX_STRIDE);
	m->r->ev->attached(m);
	if (!member_hello(m))
		member_end(m, SERVER_BROKEN);
}

static void member_on_denied(const struct server_peer *who, void *arg)
{
	struct member *m = arg;
	struct audit_who name = member_who(m);

	audit_note_errno(m->r->audit, AUDIT_PEER_DENIED, EACCES, &name, NULL,
			 "uid %d, pid %d: not this VM's user", who->uid,
			 who->pid);
}

static const struct server_port_events member_port_events = {
	.accepted = member_on_accepted,
	.denied = member_on_denied,
};

int member_listen(struct member *m, int fd)
{
	m->port = server_port_new(m->r->event, fd, m->vm->uid,
				  &member_port_events, m);
	return m->port ? 0 : -ENOMEM;
}

/* -------------------------------------------------------------------- life */

/* As many vectors as the policy says; those that exist stay as they are. */
static int member_vectors(struct member *m, u32 count)
{
	struct member_vector *v;

	if (count <= m->vector_count) {
		while (m->vector_count > count)
			close(m->vector[--m->vector_count].fd);
		return 0;
	}
	v = realloc(m->vector, count * sizeof(*v));
	if (!v)
		return -ENOMEM;
	m->vector = v;
	while (m->vector_count < count) {
		v = &m->vector[m->vector_count];
		memset(v, 0, sizeof(*v));
		v->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (v->fd < 0)
			return -errno;
		m->vector_count++;
	}
	return 0;
}

static int member_bells_make(struct member *m)
{
	int i, r;

	for (i = 0; i < SIV_HOST_BELLS; i++) {
		m->bell[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (m->bell[i] < 0)
			return -errno;
		r = sd_event_add_io(m->r->event, &m->bells_on[i], m->bell[i],
				    EPOLLIN, member_on_bell, m);
		if (r < 0)
			return r;
	}
	r = sd_event_add_time_relative(m->r->event, &m->pause, CLOCK_MONOTONIC,
				       0, 1000, member_on_pause, m);
	return r < 0 ? r : sd_event_source_set_enabled(m->pause, SD_EVENT_OFF);
}

static u32 member_place(const struct region *r)
{
	u32 i;

	for (i = 0; i < r->member_count && r->members[i]; i++)
		;
	return i;
}

struct member *member_new(struct region *r, const struct policy_vm *vm)
{
	struct member *m;
	u32 at = member_place(r);
	int err;

	if (at == POLICY_MEMBERS_MAX ||
	    (r->policy->mode != POLICY_VANILLA && at >= r->geo.boxes)) {
		errno = ENOSPC;
		return NULL;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->r = r;
	m->vm = vm;
	m->index = at;
	m->arena = region_arena(r, vm->name);
	m->bell[SIV_BELL_MAIL] = -1;
	m->bell[SIV_BELL_HELLO] = -1;
	memcpy(m->name, vm->name, sizeof(m->name));
	r->members[at] = m;
	if (at == r->member_count)
		r->member_count++;
	err = member_vectors(m, vm->vectors);
	if (!err && r->policy->mode != POLICY_VANILLA)
		err = member_bells_make(m);
	if (err < 0) {
		member_free(m);
		errno = -err;
		return NULL;
	}
	return m;
}

int member_adopt(struct member *m, const struct policy_vm *vm)
{
	m->vm = vm;
	if (m->port)
		server_port_set_uid(m->port, vm->uid);
	/* QEMU counts its vectors once: another number only for the next QEMU */
	return m->client ? 0 : member_vectors(m, vm->vectors);
}

void member_free(struct member *m)
{
	u32 i;

	member_drop(m);
	m->r->members[m->index] = NULL;
	/* whoever takes the place is another VM: what it was told is void */
	for (i = 0; i < m->r->member_count; i++)
		if (m->r->members[i])
			m->r->members[i]->told[m->index] = 0;
	server_port_free(m->port);
	for (i = 0; i < SIV_HOST_BELLS; i++) {
		sd_event_source_disable_unref(m->bells_on[i]);
		if (m->bell[i] >= 0)
			close(m->bell[i]);
	}
	sd_event_source_disable_unref(m->pause);
	while (m->vector_count)
		close(m->vector[--m->vector_count].fd);
	free(m->vector);
	free(m);
}
