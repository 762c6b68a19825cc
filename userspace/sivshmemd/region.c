// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A region: its memory, its header, who is in it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "layout.h"
#include "region.h"

struct member *region_member(const struct region *r, const char *vm)
{
	u32 i;

	for (i = 0; i < r->member_count; i++)
		if (r->members[i] && !strcmp(r->members[i]->name, vm))
			return r->members[i];
	return NULL;
}

u32 region_arena(const struct region *r, const char *vm)
{
	u32 i;

	for (i = 0; i < r->arena_count && strcmp(r->arenas[i].vm, vm) != 0; i++)
		;
	return i;
}

u64 region_guaranteed(const struct region *r, const char *vm)
{
	u32 i = region_arena(r, vm);

	return i < r->arena_count ? r->arenas[i].bytes : 0;
}

/* Header and host certificate, written once, before anybody maps the memory. */
static const char *region_write(struct region *r, struct siv_span cert)
{
	struct siv_region_header h;
	struct siv_span constant = { (const u8 *)&h, SIV_HEADER_CONST_LEN };
	struct siv_geometry seen;

	if (getrandom(r->epoch, sizeof(r->epoch), 0) !=
	    (ssize_t)sizeof(r->epoch))
		return "no randomness";
	layout_header(&r->geo, r->name, r->epoch, cert.n, &h);
	if (siv_header_check(&h, r->mem.size, r->geo.granule, &seen))
		return "its header would be refused by guests";
	siv_sha256v(r->header_hash, &constant, 1);
	memcpy(r->mem.map, &h, sizeof(h));
	memcpy(r->mem.map + LAYOUT_CERT_OFF, cert.p, cert.n);
	memory_touch(&r->mem, 0, r->geo.extent_off);
	return NULL;
}

static const char *region_cert(struct region *r, struct siv_span cert)
{
	const struct siv_span none = { NULL, 0 };
	struct siv_span name = { (const u8 *)r->name, strlen(r->name) };
	enum siv_reason why;

	if (!cert.n || cert.n > SIV_CERT_MAX)
		return "no host certificate, or one of more than 4096 bytes";
	memcpy(r->cert_der, cert.p, cert.n);
	why = siv_cert_parse((struct siv_span){ r->cert_der, cert.n },
			     &r->cert);
	if (!why)
		why = siv_cert_is(&r->cert, SIV_CERT_HOST, name, none, none);
	return why ? siv_reason_text(why) : NULL;
}

static const char *region_alloc(struct region *r, const struct policy *policy,
				const struct policy_region *p)
{
	u64 guaranteed[POLICY_MEMBERS_MAX];
	u32 i;

	for (i = 0; i < p->member_count; i++) {
		const struct policy_vm *vm = &policy->vms[p->members[i]];

		guaranteed[i] = vm->guaranteed;
		memcpy(r->arenas[i].vm, vm->name, sizeof(vm->name));
		r->arenas[i].bytes = vm->guaranteed;
	}
	r->arena_count = p->member_count;
	r->alloc = alloc_new(&r->geo, guaranteed, p->member_count);
	return r->alloc ? NULL : "out of memory";
}

static const char *region_setup(struct region *r, const struct policy *policy,
				const struct policy_region *p,
				struct siv_span cert)
{
	bool vanilla = p->mode == POLICY_VANILLA;
	const char *bad = NULL;
	int err;

	if (!vanilla) {
		bad = layout_plan(p, &r->geo);
		if (!bad)
			bad = region_cert(r, cert);
	}
	if (bad)
		return bad;
	err = memory_new(&r->mem, r->name, p->size, !vanilla);
	if (err)
		return strerror(-err);
	numbers_init(&r->numbers, vanilla ? 0 : r->geo.boxes);
	if (vanilla)
		return NULL;
	bad = region_write(r, cert);
	return bad ? bad : region_alloc(r, policy, p);
}

struct region *region_new(sd_event *event, struct audit *audit,
			  const struct policy *policy,
			  const struct policy_region *p, struct siv_span cert,
			  const struct member_events *ev, void *owner,
			  char *err, size_t cap)
{
	struct region *r = calloc(1, sizeof(*r));
	const char *bad = "out of memory";

	if (r) {
		r->owner = owner;
		r->event = event;
		r->audit = audit;
		r->ev = ev;
		r->policy = p;
		r->mem.fd = -1;
		memcpy(r->name, p->name, sizeof(r->name));
		bad = region_setup(r, policy, p, cert);
	}
	if (!bad)
		return r;
	snprintf(err, cap, "region %s: %s", p->name, bad);
	region_free(r);
	return NULL;
}

void region_free(struct region *r)
{
	u32 i;

	if (!r)
		return;
	for (i = 0; i < r->member_count; i++)
		if (r->members[i])
			member_free(r->members[i]);
	alloc_free(r->alloc);
	memory_free(&r->mem);
	siv_wipe(r->prkh, sizeof(r->prkh));
	free(r);
}
