/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The policy: which regions and VMs there are, and who may connect to what. A policy
 * is made once from a file (sivshmemd.policy(5)), never changed, and replaced whole.
 */
#ifndef SIVD_POLICY_H
#define SIVD_POLICY_H

#include <sys/types.h>

#include "core/wire.h"
#include "notes.h"

enum {
	POLICY_MEMBERS_MAX = 512, /* of a region */
	POLICY_REGIONS_MAX = 1024,
	POLICY_VMS_MAX = 4096,
	POLICY_VECTORS_MAX = 256,
	POLICY_CHANNELS_MAX = 65536, /* of a region */
};

enum policy_mode {
	POLICY_SHARED,
	POLICY_ISOLATED,
	POLICY_VANILLA,
};

enum policy_sealed {
	POLICY_SEALED_ALLOWED,
	POLICY_SEALED_REQUIRED,
	POLICY_SEALED_NEVER,
};

/**
 * struct policy_vm - section [vm NAME]
 * @name: of the VM
 * @line: of the section
 * @user: as written
 * @uid: whom the VM's QEMU runs as
 * @self: @user is `self`
 * @vectors: MSI-X vectors, the same number as on QEMU's command line
 * @channels: quota per region
 * @sessions: quota per region
 * @fds: descriptors given to one QEMU at most
 * @bytes: quota of ring memory per region; 0: no limit but the region
 * @guaranteed: of that, set aside for this VM in each region
 * @hello_rate: handshakes per second that are looked at; three times as many at once
 * @attach_rate: QEMU connections per minute; twenty at once
 */
struct policy_vm {
	char name[SIV_NAME_LEN];
	unsigned int line;
	char *user;
	uid_t uid;
	bool self;
	u32 vectors;
	u32 channels;
	u32 sessions;
	u32 fds;
	u64 bytes;
	u64 guaranteed;
	u32 hello_rate;
	u32 attach_rate;
};

/**
 * struct policy_region - section [region NAME]
 * @name: of the region
 * @line: of the section
 * @mode: who maps what
 * @size: bytes, a power of two
 * @granule: bytes, a power of two
 * @members: indexes of VMs, in the order written
 * @member_count: how many @members
 * @channels: side pages in the region; 0: chosen from the size
 * @suites: bit n: suite n is offered
 * @ring_min: bytes; 0: the granule
 * @ring_max: bytes; 0: chosen from the size
 * @liveness_ms: a session is dead after this silence
 * @handshake_ms: each step of a connect may take this long
 * @rekey_s: age at which a guest starts a new session; the host ends one of twice that
 */
struct policy_region {
	char name[SIV_NAME_LEN];
	unsigned int line;
	enum policy_mode mode;
	u64 size;
	u32 granule;
	u32 *members;
	u32 member_count;
	u32 channels;
	u32 suites;
	u64 ring_min;
	u64 ring_max;
	u32 liveness_ms;
	u32 handshake_ms;
	u32 rekey_s;
};

/* Who may connect: names, or "*". */
struct policy_pattern {
	char vm[SIV_NAME_LEN];
	char service[SIV_NAME_LEN];
};

/**
 * struct policy_service - section [service REGION/VM/NAME]
 * @name: of the service
 * @rule: the section's title, for the audit log
 * @line: of the section
 * @region: index
 * @vm: index of the VM that may listen
 * @clients: who may connect
 * @client_count: how many @clients
 * @sealed: whether channels must, may or must not be sealed
 * @ring_min: bytes; 0: the region's
 * @ring_max: bytes; 0: the region's
 * @channels: quota of this service; 0: none of its own
 */
struct policy_service {
	char name[SIV_NAME_LEN];
	char *rule; /* the section's title, for the audit log */
	unsigned int line;
	u32 region;
	u32 vm;
	struct policy_pattern *clients;
	u32 client_count;
	enum policy_sealed sealed;
	u64 ring_min;
	u64 ring_max;
	u32 channels;
};

/* Services are sorted by region, then name, then VM. */
struct policy {
	char *file;
	struct policy_region *regions;
	struct policy_vm *vms;
	struct policy_service *services;
	u32 region_count;
	u32 vm_count;
	u32 service_count;
};

/* How a user's name becomes a number: getpwnam() is not possible in the sandbox. */
typedef bool (*policy_uid_fn)(void *arg, const char *user, uid_t *uid);

/**
 * policy_parse() - make a policy from a file's content
 * @file: the file's name, for messages
 * @text: its content; need not end in NUL
 * @len: bytes of @text
 * @uid_of: resolves user names (numbers and `self` are not asked)
 * @arg: for @uid_of
 * @self: what `self` means
 * @notes: takes errors and warnings
 *
 * Return: the policy, or NULL if there was an error.
 */
struct policy *policy_parse(const char *file, const char *text, size_t len,
			    policy_uid_fn uid_of, void *arg, uid_t self,
			    struct notes *notes);
void policy_free(struct policy *p);

/**
 * policy_check() - what the sections say together (policy_parse() calls it)
 * @p: the policy
 * @notes: takes errors and warnings
 *
 * Members exist, isolated regions have two, layouts fit, vectors suffice, VMs of one
 * uid are warned of, services name members.
 */
void policy_check(const struct policy *p, struct notes *notes);

/* policy_secure() - is there a region that needs keys: any that is not vanilla? */
bool policy_secure(const struct policy *p);
const struct policy_region *policy_region(const struct policy *p,
					  const char *name);
const struct policy_vm *policy_vm(const struct policy *p, const char *name);
/* policy_member() - is the VM one of the region's? */
bool policy_member(const struct policy *p, const struct policy_region *r,
		   const struct policy_vm *vm);
/* policy_service() - the section of exactly this service, or NULL. */
const struct policy_service *policy_service(const struct policy *p,
					    const char *region, const char *vm,
					    const char *service);
/**
 * policy_offers() - the run of sections for a service name, whichever VM offers it
 * @p: the policy
 * @region: its name
 * @service: its name
 * @first: set to the first of them
 *
 * Return: how many.
 */
u32 policy_offers(const struct policy *p, const char *region,
		  const char *service, const struct policy_service **first);
/* policy_allows() - may @vm/@service connect to @s? Never a VM to itself. */
bool policy_allows(const struct policy *p, const struct policy_service *s,
		   const char *vm, const char *service);
/* policy_pair() - may any identity of one VM connect to any of the other, either way? */
bool policy_pair(const struct policy *p, const char *region, const char *a,
		 const char *b);

#endif /* SIVD_POLICY_H */
