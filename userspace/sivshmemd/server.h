/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * QEMU's ivshmem server protocol, and nothing else: sockets on which QEMUs connect, and
 * messages of 8 bytes (little-endian, signed), some with a descriptor, one way only.
 *
 * What a QEMU aborts on is known (design section 4): so no message of a client's stream
 * is ever lost (who does not read is dropped), nothing is closed before the hello is
 * complete, and "it was sent" is not "it was read": see server_drained().
 */
#ifndef SIVD_SERVER_H
#define SIVD_SERVER_H

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "core/platform.h"

enum {
	SERVER_VERSION = 0,	 /* QEMU speaks no other */
	SERVER_REFUSAL = 1,	 /* so this one makes it exit */
	SERVER_SLOW_MS = 10000,	 /* who has not read by then is dropped */
	SERVER_HELLO_MS = 60000, /* a QEMU that starts may take longer */
	SERVER_REFUSED_MAX =
		16, /* refusals of a port that wait for being read */
};

enum server_why {
	SERVER_CLOSED, /* the client closed, or its QEMU died */
	SERVER_SPOKE,  /* it sent something: no QEMU does */
	SERVER_SLOW,   /* it did not read */
	SERVER_BROKEN, /* the socket failed */
};

struct server_client;
struct server_port;

/**
 * struct server_events - what a client's owner is told
 * @drained: server_wait_drained() was asked for, and it is
 * @gone: over; the client is freed after this returns
 */
struct server_events {
	void (*drained)(struct server_client *c, void *arg);
	void (*gone)(struct server_client *c, enum server_why why, void *arg);
};

/**
 * server_client_new() - serve an accepted connection
 * @event: the loop
 * @fd: taken over, also on failure
 * @fd_limit: descriptors that this client is given at most
 * @ev: who is told
 * @arg: for @ev
 */
struct server_client *server_client_new(sd_event *event, int fd,
					unsigned int fd_limit,
					const struct server_events *ev,
					void *arg);
/* server_client_free() - close; its owner is not told. */
void server_client_free(struct server_client *c);

/**
 * server_send() - queue one message
 * @c: the client
 * @value: version, a number, or -1
 * @fd: goes with it (borrowed), or -1 for none
 *
 * Return: 0; -EDQUOT if the client has been given its limit of descriptors; -ENOMEM. A
 * client whose socket fails is told as gone later, never from here.
 */
int server_send(struct server_client *c, s64 value, int fd);
/* server_fds_left() - how many descriptors it may still be given. */
unsigned int server_fds_left(const struct server_client *c);
unsigned int server_fds_given(const struct server_client *c);
/* server_fds_closed() - it was told a departure, and closed this many. */
void server_fds_closed(struct server_client *c, unsigned int count);

/**
 * server_drained() - has the client read all that was sent?
 * @c: the client
 *
 * A message that lies in the socket has not been acted on by QEMU.
 */
bool server_drained(struct server_client *c);
/**
 * server_wait_drained() - tell when it is
 * @c: the client
 * @limit_ms: a client that takes longer is gone
 */
void server_wait_drained(struct server_client *c, unsigned int limit_ms);

/**
 * server_ended() - is it over, though its owner has not been told yet?
 * @c: the client
 * @why: how it ended, if it has
 */
bool server_ended(const struct server_client *c, enum server_why *why);
/* server_pid() - the QEMU, for people. */
pid_t server_pid(const struct server_client *c);

/* The process at the other end, as the kernel knows it; @label may be empty. */
struct server_peer {
	pid_t pid;
	uid_t uid;
	char label[128]; /* of its security module: recorded, not judged */
};

/**
 * struct server_port_events - what a port's owner is told
 * @accepted: a client of the right user; @fd is taken over
 * @denied: somebody else; closed already, without a byte sent
 */
struct server_port_events {
	void (*accepted)(int fd, const struct server_peer *who, void *arg);
	void (*denied)(const struct server_peer *who, void *arg);
};

/**
 * server_port_new() - accept on a listening socket
 * @event: the loop
 * @fd: listening, non-blocking; taken over, also on failure
 * @uid: whose connections are accepted
 * @ev: who is told
 * @arg: for @ev
 */
struct server_port *server_port_new(sd_event *event, int fd, uid_t uid,
				    const struct server_port_events *ev,
				    void *arg);
void server_port_free(struct server_port *p);
void server_port_set_uid(struct server_port *p, uid_t uid);

/**
 * server_refuse() - send a client away so that its QEMU ends with a message
 * @p: where it came from
 * @fd: taken over
 *
 * Closed when the refusal was read, or after two seconds. While SERVER_REFUSED_MAX of them
 * wait the port accepts nobody.
 */
void server_refuse(struct server_port *p, int fd);

#endif /* SIVD_SERVER_H */
