// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A plain ivshmem server for guests with any other driver, in the order of QEMU's own
 * contrib server: version, number, memory, the others' eventfds, own eventfds; each of
 * the others is told of the new one, and once of its departure. Numbers are not reused.
 */
#include "region.h"

/* Tell @to all vectors of @about; if its descriptors do not suffice, none of them. */
static void vanilla_tell(struct member *to, struct member *about)
{
	struct audit_who who = member_who(to);
	u32 i;

	if (server_fds_left(to->client) < about->vector_count) {
		audit_note(to->r->audit, AUDIT_QUOTA, SIV_R_QUOTA, &who, NULL,
			   "not told of peer %u: descriptors are used up",
			   about->peer);
		return;
	}
	for (i = 0; i < about->vector_count; i++)
		if (server_send(to->client, about->peer, about->vector[i].fd))
			return;
	if (to == about)
		return;
	to->told[about->index] = about->peer;
	about->number_told = true;
}

void vanilla_attached(struct member *m)
{
	struct region *r = m->r;
	u32 i;

	if (server_send(m->client, SERVER_VERSION, -1) ||
	    server_send(m->client, m->peer, -1) ||
	    server_send(m->client, -1, r->mem.fd)) {
		member_end(m, SERVER_BROKEN);
		return;
	}
	for (i = 0; i < r->member_count; i++)
		if (r->members[i] && r->members[i] != m &&
		    r->members[i]->client)
			vanilla_tell(r->members[i], m);
	for (i = 0; i < r->member_count; i++)
		if (r->members[i] && r->members[i] != m &&
		    r->members[i]->client)
			vanilla_tell(m, r->members[i]);
	vanilla_tell(m, m);
	server_wait_drained(m->client, SERVER_HELLO_MS);
}

void vanilla_detached(struct member *m)
{
	struct region *r = m->r;
	u32 i;

	for (i = 0; i < r->member_count; i++) {
		struct member *o = r->members[i];

		if (!o || o == m || !o->client || o->told[m->index] != m->peer)
			continue;
		/* without a descriptor: it has gone, and its eventfds may be closed */
		if (!server_send(o->client, m->peer, -1))
			server_fds_closed(o->client, m->vector_count);
		o->told[m->index] = 0;
	}
}
