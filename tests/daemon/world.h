/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world for tests of the daemon: a directory, a CA, certificates, a policy and a
 * running sivshmemd, to which simulated guests attach. Guests of world_attach() belong
 * to the thread of the test, which steps all of them by world_turn().
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <jansson.h>
#include <limits.h>
#include <sys/types.h>

#include "papers.h"
#include "simguest/channel.h"

enum {
	WORLD_GUESTS = 80,
	WORLD_IDS = 256,
	WORLD_WAIT_MS =
		60000, /* for what must come: only a hang is a failure */
	WORLD_LATE_MS =
		50, /* a longer turn says something of the machine only */
};

/**
 * struct world - one daemon and what it needs
 * @dir: everything is below it
 * @pid: of the daemon; 0: there is none
 * @control: connection to its control socket
 * @passed: listening sockets that the daemon is started with, as a service manager does
 * @passed_count: how many @passed
 * @options: more of the daemon's options, up to the first NULL
 * @mark: where the part of the audit log that counts begins
 * @turned_ms: when world_turn() was called last
 * @gap_ms: the longest time between two turns since this was set to 0
 * @anchors: the CA, as the guests trust it
 * @guest: those of world_attach()
 * @guests: how many @guest
 * @id: those of world_enter() and world_listen()
 * @ids: how many @id
 */
struct world {
	char dir[64];
	pid_t pid;
	int control;
	int passed[4];
	unsigned int passed_count;
	const char *options[8];
	long mark;
	u64 turned_ms;
	u64 gap_ms;
	struct siv_anchors *anchors;
	struct sim_guest *guest[WORLD_GUESTS];
	unsigned int guests;
	struct sim_identity *id[WORLD_IDS];
	unsigned int ids;
};

/**
 * world_begin() - make the world and start the daemon
 * @w: set to it
 * @program: "sivshmemd" or "test-progs/sivshmemd-dishonest"
 * @regions: names of regions that get a host certificate, NULL-terminated
 * @policy: the policy's text
 *
 * Fails the test with the daemon's words if it does not come up within a minute.
 */
void world_begin(struct world *w, const char *program,
		 const char *const *regions, const char *policy);
/* world_end() - stop the daemon, which must exit 0, and remove everything. */
void world_end(struct world *w);
/* world_abandon() - for teardowns: the same by force, if the test did not come that far. */
void world_abandon(struct world *w);

/* world_make() - the directory, CA, certificates and policy alone. */
void world_make(struct world *w, const char *const *regions,
		const char *policy);
/**
 * world_host() - another certificate of the host's for a region, with the same key
 * @w: the world
 * @p: what it says; its region is also the file's name
 */
void world_host(struct world *w, const struct paper *p);
/* world_start() - the daemon, in a world made. */
void world_start(struct world *w, const char *program);
/* world_stop() - end it by SIGTERM; its exit status must be 0. */
void world_stop(struct world *w);
/**
 * world_run() - start a program of the daemon's options and wait for its end
 * @w: the world
 * @program: as for world_begin()
 * @more: one more option (and its value), or NULL
 * @value: of that option, or NULL
 *
 * Return: its exit status; what it said is in the world's daemon.log.
 */
int world_run(struct world *w, const char *program, const char *more,
	      const char *value);
/* world_said() - does daemon.log hold @text? */
bool world_said(const struct world *w, const char *text);

/* world_path() - a file of the world. */
const char *world_path(const struct world *w, char out[PATH_MAX],
		       const char *name);
/* world_socket() - of a VM in a region. */
const char *world_socket(const struct world *w, char out[PATH_MAX],
			 const char *vm, const char *region);
/* world_policy() - replace the policy file's text; takes effect at a reload. */
void world_policy(struct world *w, const char *policy);
/* world_crl() - revoke serial numbers; takes effect at a reload. */
void world_crl(struct world *w, const u32 *serials, size_t count, long number);
/* world_ask() - a command on the control socket: the answer, owned by the caller. */
json_t *world_ask(struct world *w, json_t *command);
/* world_ask_ok() - the same; it must succeed. */
void world_ask_ok(struct world *w, json_t *command);
void world_reload(struct world *w);
/* world_change() - replace the text, and reload. */
void world_change(struct world *w, const char *policy);
/* world_status() - one number of the answer to "status": "connects", "counters.session". */
json_int_t world_status(struct world *w, const char *path);
/* world_count() - how many sessions, channels, ... have @key = @value. */
unsigned int world_count(struct world *w, const char *list, const char *key,
			 const char *value);
/* world_settle() - the daemon has looked at all that was rung or said before. */
void world_settle(struct world *w);
/* world_region() - one number of the first region: "limbo", "dirty", ... */
json_int_t world_region(struct world *w, const char *key);
/* world_fds() - descriptors that the daemon has open. */
unsigned int world_fds(const struct world *w);

/* --------------------------------------------------------------- the audit log */

/* What a line says; NULL (and 0 for @err) where anything goes. */
struct said {
	const char *event;
	int err;
	const char *who;
	const char *rule;
	const char *reason;
};

/* world_mark() - from here on lines count. */
void world_mark(struct world *w);
/* world_audit() - how many lines since the mark are like @what. */
unsigned int world_audit(struct world *w, const struct said *what);
/* world_events() - the same, by the event's name alone. */
unsigned int world_events(struct world *w, const char *event);
/* world_audit_wait() - wait until there are @count of them. */
bool world_audit_wait(struct world *w, const struct said *what,
		      unsigned int count);
/* world_refused() - exactly one line with an error since the mark, and this is it. */
void world_refused_at(struct world *w, const struct said *what,
		      const char *file, int line);
#define world_refused(w, ...) \
	world_refused_at(w, &(struct said){ __VA_ARGS__ }, __FILE__, __LINE__)
/* world_quiet() - no line with an error since the mark. */
void world_quiet_at(struct world *w, const char *file, int line);
#define world_quiet(w) world_quiet_at(w, __FILE__, __LINE__)

/* ---------------------------------------------------------------------- guests */

/* world_attach() - a guest: VM's socket of a region; fails the test on an error. */
struct sim_guest *world_attach(struct world *w, const char *vm,
			       const char *region);
/* world_leave() - it goes: orderly, or as a QEMU that is killed. */
void world_leave(struct world *w, struct sim_guest *g, bool orderly);
/* world_turn() - step every guest once. */
void world_turn(struct world *w);
/* world_until() - step until @cond holds; false if not after @ms and one more turn. */
#define world_until(w, ms, cond)                         \
	({                                               \
		u64 end_ms_ = sim_now_ms() + (u64)(ms);  \
		bool over_ = false, ok_;                 \
		while (!(ok_ = (cond)) && !over_) {      \
			over_ = sim_now_ms() >= end_ms_; \
			world_turn(w);                   \
		}                                        \
		ok_;                                     \
	})
/*
 * world_ran() - milliseconds since @last, which is set to now, as long as no more than
 * one turn was made: what the machine stood still for does not count.
 */
static inline u64 world_ran(u64 *last)
{
	u64 now = sim_now_ms(), ran = now - *last;

	*last = now;
	return ran < WORLD_LATE_MS ? ran : WORLD_LATE_MS;
}
/* world_took() - step until @cond holds: the milliseconds of our turns, over @ms if not. */
#define world_took(w, ms, cond)                            \
	({                                                 \
		u64 last_ms_ = sim_now_ms(), took_ms_ = 0; \
		while (!(cond) && took_ms_ <= (u64)(ms)) { \
			world_turn(w);                     \
			took_ms_ += world_ran(&last_ms_);  \
		}                                          \
		took_ms_;                                  \
	})
#define world_must(w, cond) assert_true(world_until(w, WORLD_WAIT_MS, cond))
/* world_spend() - step for a while. */
void world_spend(struct world *w, unsigned int ms);

/* world_paper() - an identity with exactly this certificate, and its serial number. */
struct sim_identity *world_paper(const struct paper *p, char serial[24]);
/* world_identity() - a certified identity, made now. */
struct sim_identity *world_identity(const char *region, const char *vm,
				    const char *service);
/* world_session() - fails the test on an error. */
struct sim_session *world_session(struct sim_guest *g, struct sim_identity *id);
/* world_enter() - attach, identity and session; the identity is freed with the world. */
struct sim_session *world_enter(struct world *w, const char *vm,
				const char *region, const char *service);
/* world_listen() - world_enter() and LISTEN. */
struct sim_session *world_listen(struct world *w, const char *vm,
				 const char *region, const char *service);
/* world_connect() - with all guests stepped; 0 and a channel, or a negative errno. */
int world_connect(struct world *w, struct sim_session *ss,
		  const struct sim_connect *c, struct sim_channel **out);
/* world_accept() - the other end of it. */
struct sim_channel *world_accept(struct world *w, struct sim_guest *g);
/* world_pair() - a channel between two guests, both ends; fails the test on an error. */
void world_pair(struct world *w, struct sim_session *a, struct sim_guest *b,
		const struct sim_connect *c, struct sim_channel **ch_a,
		struct sim_channel **ch_b);
/* world_talk() - a record each way over it, compared; fails the test on an error. */
void world_talk(struct world *w, struct sim_channel *a, struct sim_channel *b);

#endif
