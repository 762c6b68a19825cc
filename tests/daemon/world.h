/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world for tests of the daemon: a directory, a CA, certificates, a policy and a
 * running sivshmemd, to which simulated guests attach.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <jansson.h>
#include <sys/types.h>

#include "simguest/channel.h"

/**
 * struct world - one daemon and what it needs
 * @dir: everything is below it; removed by world_end()
 * @pid: of the daemon
 * @control: connection to its control socket
 */
struct world {
	char dir[64];
	pid_t pid;
	int control;
	struct siv_anchors *anchors;
};

/**
 * world_begin() - make the world and start the daemon
 * @program: "sivshmemd" or "sivshmemd-dishonest", beside the test's build
 * @regions: names of the regions that the policy speaks of, NULL-terminated: a host
 *           certificate is made for each
 * @policy: the policy's text
 *
 * Exits the test with a message if the daemon does not come up within 10 s.
 */
void world_begin(struct world *w, const char *program, const char *const *regions,
		 const char *policy);
/* world_end() - stop the daemon (it must exit 0) and remove the directory. */
void world_end(struct world *w);

/* world_policy() - replace the policy file's text; takes effect at a reload. */
void world_policy(struct world *w, const char *policy);
/* world_ask() - a command on the control socket: the answer, owned by the caller. */
json_t *world_ask(struct world *w, json_t *command);
/* world_audit() - how many audit lines have @event (and @rule, if not NULL). */
unsigned int world_audit(struct world *w, const char *event, const char *rule);
/* world_audit_wait() - wait until there are @count of them, 5 s at most. */
bool world_audit_wait(struct world *w, const char *event, const char *rule,
		      unsigned int count);

/* world_attach() - a guest: VM's socket of a region; fails the test on an error. */
struct sim_guest *world_attach(struct world *w, const char *vm, const char *region);
/* world_identity() - a certified identity, made now. */
struct sim_identity *world_identity(struct world *w, const char *region, const char *vm,
				    const char *service);
/* world_session() - attach @id; fails the test on an error. */
struct sim_session *world_session(struct sim_guest *g, struct sim_identity *id);

#endif
