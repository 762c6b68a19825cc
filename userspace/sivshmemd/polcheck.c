// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the policy's sections say together. */
#include "layout.h"
#include "policy.h"

static void check_rings(const struct policy *p, const struct policy_service *s,
			const struct siv_geometry *g, struct notes *notes)
{
	if (s->ring_min > g->ring_max)
		notes_error(notes, p->file, s->line,
			    "[%s]: ring_min is above the region's "
			    "ring_max (%llu)",
			    s->rule, (unsigned long long)g->ring_max);
	if (s->ring_max && s->ring_max < g->ring_min)
		notes_error(notes, p->file, s->line,
			    "[%s]: ring_max is below the region's "
			    "ring_min (%llu)",
			    s->rule, (unsigned long long)g->ring_min);
	if (s->ring_max && s->ring_min > s->ring_max)
		notes_error(notes, p->file, s->line,
			    "[%s]: ring_min is above ring_max", s->rule);
}

static void check_service(const struct policy *p,
			  const struct policy_service *s, struct notes *notes)
{
	const struct policy_region *r = &p->regions[s->region];
	struct siv_geometry g;
	u32 i;

	if (r->mode == POLICY_VANILLA)
		notes_error(notes, p->file, s->line,
			    "[%s]: region %s is vanilla and has no "
			    "services",
			    s->rule, r->name);
	else if (!layout_plan(r, &g))
		check_rings(p, s, &g, notes);
	if (!policy_member(p, r, &p->vms[s->vm]))
		notes_error(notes, p->file, s->line,
			    "[%s]: %s is not a member of %s", s->rule,
			    p->vms[s->vm].name, r->name);
	if (!s->client_count)
		notes_warning(notes, p->file, s->line, "[%s]: no clients",
			      s->rule);
	for (i = 0; i < s->client_count; i++) {
		const struct policy_vm *vm = policy_vm(p, s->clients[i].vm);

		if (vm && !policy_member(p, r, vm))
			notes_error(notes, p->file, s->line,
				    "[%s]: client VM %s is not a "
				    "member of %s",
				    s->rule, vm->name, r->name);
		if (vm == &p->vms[s->vm])
			notes_error(notes, p->file, s->line,
				    "[%s]: a VM cannot connect to "
				    "itself",
				    s->rule);
	}
}

/* A vector for the host, and one for each VM that this one may talk to. */
static void check_vectors(const struct policy *p, const struct policy_region *r,
			  const struct policy_vm *vm, struct notes *notes)
{
	u32 i, need = 1;

	for (i = 0; i < r->member_count; i++)
		if (policy_pair(p, r->name, vm->name,
				p->vms[r->members[i]].name))
			need++;
	if (vm->vectors < need)
		notes_error(
			notes, p->file, vm->line,
			"[vm %s]: vectors = %u, but in region "
			"%s it needs %u (one for the host, one for each VM it may talk "
			"to)",
			vm->name, vm->vectors, r->name, need);
	if (vm->fds < vm->vectors + SIV_HOST_BELLS + need)
		notes_error(notes, p->file, vm->line,
			    "[vm %s]: fds = %u, but its vectors and "
			    "pairs take %u",
			    vm->name, vm->fds,
			    vm->vectors + SIV_HOST_BELLS + need);
}

static void check_guaranteed(const struct policy *p,
			     const struct policy_region *r,
			     const struct siv_geometry *g, struct notes *notes)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < r->member_count; i++) {
		const struct policy_vm *vm = &p->vms[r->members[i]];

		if (vm->guaranteed % r->granule)
			notes_error(notes, p->file, vm->line,
				    "[vm %s]: guaranteed is not a "
				    "multiple of %s's granule",
				    vm->name, r->name);
		if (vm->guaranteed > g->extent_len - sum) {
			notes_error(
				notes, p->file, r->line,
				"[region %s]: its members' "
				"guaranteed memory does not fit (%llu bytes of rings)",
				r->name, (unsigned long long)g->extent_len);
			return;
		}
		sum += vm->guaranteed;
	}
}

static void check_vanilla(const struct policy *p, const struct policy_region *r,
			  struct notes *notes)
{
	u32 i, vectors = 0;

	for (i = 0; i < r->member_count; i++)
		vectors += p->vms[r->members[i]].vectors;
	for (i = 0; i < r->member_count; i++) {
		const struct policy_vm *vm = &p->vms[r->members[i]];

		if (vm->fds < vectors)
			notes_error(notes, p->file, vm->line,
				    "[vm %s]: fds = %u, but a vanilla "
				    "client of %s is given %u at once",
				    vm->name, vm->fds, r->name, vectors);
	}
	notes_warning(notes, p->file, r->line,
		      "[region %s]: vanilla: every member can read, "
		      "write and ring everything",
		      r->name);
}

static void check_region(const struct policy *p, const struct policy_region *r,
			 struct notes *notes)
{
	struct siv_geometry g;
	const char *bad;
	u32 i;

	if (!r->size)
		notes_error(notes, p->file, r->line, "[region %s]: no size",
			    r->name);
	if (!r->member_count)
		notes_error(notes, p->file, r->line, "[region %s]: no members",
			    r->name);
	if (!r->size || !r->member_count)
		return;
	if (r->mode == POLICY_VANILLA) {
		check_vanilla(p, r, notes);
		return;
	}
	if (r->mode == POLICY_ISOLATED && r->member_count != 2)
		notes_error(notes, p->file, r->line,
			    "[region %s]: isolated means exactly two "
			    "members, not %u",
			    r->name, r->member_count);
	bad = layout_plan(r, &g);
	if (bad) {
		notes_error(notes, p->file, r->line, "[region %s]: %s", r->name,
			    bad);
		return;
	}
	check_guaranteed(p, r, &g, notes);
	for (i = 0; i < r->member_count; i++)
		check_vectors(p, r, &p->vms[r->members[i]], notes);
}

static void check_users(const struct policy *p, struct notes *notes)
{
	u32 i, j;

	for (i = 0; i < p->vm_count; i++) {
		const struct policy_vm *vm = &p->vms[i];

		if (!vm->user) {
			notes_error(notes, p->file, vm->line,
				    "[vm %s]: no user", vm->name);
			continue;
		}
		if (vm->self)
			notes_warning(notes, p->file, vm->line,
				      "[vm %s]: user = self: VMs of "
				      "one uid are not told apart by uid",
				      vm->name);
		for (j = 0; j < i; j++) {
			if (vm->self || !p->vms[j].user ||
			    p->vms[j].uid != vm->uid)
				continue;
			notes_warning(notes, p->file, vm->line,
				      "[vm %s]: same uid as [vm %s]: "
				      "only the directories keep them apart",
				      vm->name, p->vms[j].name);
			break;
		}
	}
}

void policy_check(const struct policy *p, struct notes *notes)
{
	u32 i;

	if (!p->region_count)
		notes_error(notes, p->file, 0, "no [region]");
	check_users(p, notes);
	for (i = 0; i < p->region_count; i++)
		check_region(p, &p->regions[i], notes);
	for (i = 0; i < p->service_count; i++) {
		const struct policy_service *s = &p->services[i];

		check_service(p, s, notes);
		if (i && s[-1].region == s->region && s[-1].vm == s->vm &&
		    !strcmp(s[-1].name, s->name))
			notes_error(notes, p->file, s->line,
				    "[%s] stands in line %u already", s->rule,
				    s[-1].line);
	}
}
