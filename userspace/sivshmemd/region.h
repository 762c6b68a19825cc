/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A region and its members. What must outlive this process (design section 8: a later
 * version hands it to its successor) is marked "kept"; everything else is made anew:
 *
 *   of the daemon   next cid, next session id, revocations (broker.h)
 *   of a region     memory, epoch, burned numbers
 *   of a member     host bells, vectors and whose they are, QEMU's socket, its number,
 *                   the numbers its QEMU was told, descriptors given
 *   of a channel    struct channel_kept (channel.h)
 */
#ifndef SIVD_REGION_H
#define SIVD_REGION_H

#include "alloc.h"
#include "audit.h"
#include "core/cert.h"
#include "core/session.h"
#include "memory.h"
#include "numbers.h"
#include "policy.h"
#include "server.h"

struct member;
struct desk;

/**
 * struct member_events - what is told upwards
 * @attached: a QEMU was sent its hello; its mailbox is empty
 * @detached: it has gone; its number is no longer valid
 * @drained: member_wait_drained() was asked for, and the client has read everything
 * @mail: the MAIL doorbell; return whether there was anything to do
 * @hello: the HELLO doorbell
 */
struct member_events {
	void (*attached)(struct member *m);
	void (*detached)(struct member *m);
	void (*drained)(struct member *m);
	bool (*mail)(struct member *m);
	bool (*hello)(struct member *m);
};

/**
 * struct region - one memory and those who share it
 * @owner: whom the events are for
 * @event: the loop
 * @audit: the log
 * @ev: who is told of its members' doings
 * @policy: its section
 * @name: of the region
 * @mem: kept
 * @epoch: kept
 * @numbers: kept (burned ones)
 * @geo: where things are in it
 * @header_hash: of the header's constant part
 * @cert_der: the host's certificate
 * @cert: the host's, in @cert_der; not in vanilla regions
 * @key: its private key, in the key process
 * @prkh: hedge for ephemerals
 * @alloc: its channels' memory
 * @arenas: of @alloc, by the names of the members that it began with: nobody else's ever
 * @arena_count: how many @arenas
 * @members: NULL where one was removed
 * @member_count: entries of @members
 */
struct region {
	void *owner;
	sd_event *event;
	struct audit *audit;
	const struct member_events *ev;
	const struct policy_region *policy;
	char name[SIV_NAME_LEN];
	struct memory mem;
	u8 epoch[SIV_EPOCH_LEN];
	struct numbers numbers;
	struct siv_geometry geo;
	u8 header_hash[SIV_HASH_LEN];
	u8 cert_der[SIV_CERT_MAX];
	struct siv_cert cert;
	struct siv_static *key;
	u8 prkh[SIV_HASH_LEN];
	struct alloc *alloc;
	struct {
		char vm[SIV_NAME_LEN];
		u64 bytes;
	} arenas[POLICY_MEMBERS_MAX];
	u32 arena_count;
	struct member *members[POLICY_MEMBERS_MAX];
	u32 member_count;
};

/* An MSI-X vector of a member, kept: its eventfd and the VM that may ring it. */
struct member_vector {
	int fd;
	char owner[SIV_NAME_LEN];
};

/**
 * struct member - a VM in a region
 * @r: its region
 * @vm: its section of the policy
 * @name: of the VM
 * @index: in the region's table
 * @arena: the allocator's name for it
 * @port: where its QEMU connects
 * @bell: kept: own eventfds of peer 0
 * @vector: kept: own eventfds; 0 is the host's
 * @vector_count: how many @vector
 * @client: kept: its QEMU, or NULL
 * @peer: kept: its number, while there is a client
 * @number_told: kept: another QEMU knows @peer
 * @told: kept: per member, the number that our QEMU was told
 * @burned: kept: numbers that this VM has used up
 * @box: its mailbox in the region
 * @bells_on: sources of @bell
 * @pause: until bells are listened to again
 * @idle: doorbells that meant nothing
 * @attach: limits QEMU's connections
 * @desk: its sessions (session.h)
 */
struct member {
	struct region *r;
	const struct policy_vm *vm;
	char name[SIV_NAME_LEN];
	u32 index;
	u32 arena;
	struct server_port *port;
	int bell[SIV_HOST_BELLS];
	struct member_vector *vector;
	u32 vector_count;
	struct server_client *client;
	u32 peer;
	bool number_told;
	u32 told[POLICY_MEMBERS_MAX];
	u32 burned;
	u8 *box;
	sd_event_source *bells_on[SIV_HOST_BELLS];
	sd_event_source *pause;
	struct bucket idle;
	struct bucket attach;
	struct desk *desk;
};

/**
 * region_new() - a region with fresh memory, without members
 * @event: the loop
 * @audit: the log
 * @policy: all of it
 * @p: the region's section
 * @cert: the host's certificate for it, DER; empty for a vanilla region
 * @ev: who is told of its members' doings
 * @owner: for @ev
 * @err: what is wrong, for people
 * @cap: bytes at @err
 */
struct region *region_new(sd_event *event, struct audit *audit,
			  const struct policy *policy,
			  const struct policy_region *p, struct siv_span cert,
			  const struct member_events *ev, void *owner,
			  char *err, size_t cap);
void region_free(struct region *r);
struct member *region_member(const struct region *r, const char *vm);
/* region_arena() - the allocator's name for a VM; past all arenas if it has none. */
u32 region_arena(const struct region *r, const char *vm);
/* region_guaranteed() - how much was set aside for a VM when the region was made. */
u64 region_guaranteed(const struct region *r, const char *vm);

/* ---------------------------------------------------------------- member.c */

/**
 * member_new() - make a VM's eventfds and its place in the region
 * @r: the region
 * @vm: its section of the policy
 *
 * Return: NULL, with errno.
 */
struct member *member_new(struct region *r, const struct policy_vm *vm);
/* member_free() - also takes it out of its region; its QEMU is disconnected. */
void member_free(struct member *m);
/* member_listen() - accept its QEMU on a listening socket (taken over). */
int member_listen(struct member *m, int fd);
/* member_adopt() - new policy: limits and user at once, vectors at the next attach. */
int member_adopt(struct member *m, const struct policy_vm *vm);
/* member_drop() - disconnect its QEMU; tells @detached. */
void member_drop(struct member *m);
/* member_end() - the same, and the audit log is told how the connection ended. */
void member_end(struct member *m, enum server_why why);
/* member_dismiss() - the same, because the policy has it no more. */
void member_dismiss(struct member *m);

/* member_ring() - ring its vector 0. */
void member_ring(const struct member *m);
/**
 * member_pair() - let two members ring each other
 * @a: one of them
 * @b: the other
 *
 * Each gets a vector at the other, always the same for the same two names, and its
 * QEMU the eventfd, once per number. Return: SIV_OK, or SIV_R_QUOTA if vectors or
 * descriptors are used up.
 */
enum siv_reason member_pair(struct member *a, struct member *b);
/* member_vector() - which vector of @m the VM @name rings; 0: none yet. */
u16 member_vector(const struct member *m, const char *name);
/* member_drained() - its QEMU has read everything. */
bool member_drained(struct member *m);
/* member_wait_drained() - tell when it has. */
void member_wait_drained(struct member *m);
/* member_who() - for the audit log; valid while the member is. */
struct audit_who member_who(const struct member *m);

/* --------------------------------------------------------------- vanilla.c */

/* vanilla_attached() - as QEMU's own server: everybody is told of everybody. */
void vanilla_attached(struct member *m);
void vanilla_detached(struct member *m);

#endif /* SIVD_REGION_H */
