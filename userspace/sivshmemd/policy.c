// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The policy: finding things in it, and deciding by it. */
#include <stdlib.h>
#include <string.h>

#include "policy.h"

void policy_free(struct policy *p)
{
	u32 i;

	if (!p)
		return;
	for (i = 0; i < p->region_count; i++)
		free(p->regions[i].members);
	for (i = 0; i < p->vm_count; i++)
		free(p->vms[i].user);
	for (i = 0; i < p->service_count; i++) {
		free(p->services[i].rule);
		free(p->services[i].clients);
	}
	free(p->regions);
	free(p->vms);
	free(p->services);
	free(p->file);
	free(p);
}

bool policy_secure(const struct policy *p)
{
	u32 i;

	for (i = 0; i < p->region_count; i++)
		if (p->regions[i].mode != POLICY_VANILLA)
			return true;
	return false;
}

const struct policy_region *policy_region(const struct policy *p,
					  const char *name)
{
	u32 i;

	for (i = 0; i < p->region_count; i++)
		if (!strcmp(p->regions[i].name, name))
			return &p->regions[i];
	return NULL;
}

const struct policy_vm *policy_vm(const struct policy *p, const char *name)
{
	u32 i;

	for (i = 0; i < p->vm_count; i++)
		if (!strcmp(p->vms[i].name, name))
			return &p->vms[i];
	return NULL;
}

bool policy_member(const struct policy *p, const struct policy_region *r,
		   const struct policy_vm *vm)
{
	u32 i;

	for (i = 0; i < r->member_count; i++)
		if (&p->vms[r->members[i]] == vm)
			return true;
	return false;
}

/* Where (region, service) would stand in the sorted table: the first not below it. */
static u32 policy_lower(const struct policy *p, u32 region, const char *service)
{
	u32 lo = 0, hi = p->service_count, mid;

	while (lo < hi) {
		const struct policy_service *s;

		mid = lo + (hi - lo) / 2;
		s = &p->services[mid];
		if (s->region < region ||
		    (s->region == region && strcmp(s->name, service) < 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

u32 policy_offers(const struct policy *p, const char *region,
		  const char *service, const struct policy_service **first)
{
	const struct policy_region *r = policy_region(p, region);
	u32 at, end, index;

	*first = NULL;
	if (!r)
		return 0;
	index = (u32)(r - p->regions);
	at = policy_lower(p, index, service);
	for (end = at; end < p->service_count; end++)
		if (p->services[end].region != index ||
		    strcmp(p->services[end].name, service) != 0)
			break;
	*first = &p->services[at];
	return end - at;
}

const struct policy_service *policy_service(const struct policy *p,
					    const char *region, const char *vm,
					    const char *service)
{
	const struct policy_service *s;
	u32 i, n = policy_offers(p, region, service, &s);

	for (i = 0; i < n; i++)
		if (!strcmp(p->vms[s[i].vm].name, vm))
			return &s[i];
	return NULL;
}

static bool policy_matches(const char *pattern, const char *name)
{
	return !strcmp(pattern, "*") || !strcmp(pattern, name);
}

bool policy_allows(const struct policy *p, const struct policy_service *s,
		   const char *vm, const char *service)
{
	u32 i;

	if (!strcmp(p->vms[s->vm].name, vm))
		return false;
	for (i = 0; i < s->client_count; i++)
		if (policy_matches(s->clients[i].vm, vm) &&
		    policy_matches(s->clients[i].service, service))
			return true;
	return false;
}

/* Does a service of @server's name @client among its callers? */
static bool policy_serves(const struct policy *p, u32 region,
			  const char *server, const char *client)
{
	u32 i, j;

	for (i = policy_lower(p, region, ""); i < p->service_count; i++) {
		const struct policy_service *s = &p->services[i];

		if (s->region != region)
			break;
		if (strcmp(p->vms[s->vm].name, server) != 0)
			continue;
		for (j = 0; j < s->client_count; j++)
			if (policy_matches(s->clients[j].vm, client))
				return true;
	}
	return false;
}

bool policy_pair(const struct policy *p, const char *region, const char *a,
		 const char *b)
{
	const struct policy_region *r = policy_region(p, region);
	u32 index;

	if (!r || !strcmp(a, b))
		return false;
	index = (u32)(r - p->regions);
	return policy_serves(p, index, a, b) || policy_serves(p, index, b, a);
}
