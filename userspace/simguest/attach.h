/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The client's end of QEMU's ivshmem server protocol: what a QEMU process would hold
 * for one ivshmem-doorbell device.
 */
#ifndef SIM_ATTACH_H
#define SIM_ATTACH_H

#include "core/platform.h"

enum {
	SIM_VECTORS_MAX = 128,
	SIM_PEERS_MAX = 256,
};

/**
 * struct sim_attach - an attached device
 * @sock: connection to the server; -1 once it has closed
 * @shm: the region's memfd
 * @mem: all of it, mapped; hostile memory
 * @size: its length
 * @peer: own number
 * @own: own eventfds: vector k fires when own[k] is readable
 * @own_count: how many have come
 * @bell: eventfds of others, in the order in which they came per peer
 * @bell_count: used entries of @bell
 * @gone: peers whose departure was told (vanilla regions)
 * @part: bytes of a message that has not come whole
 * @part_len: how many
 * @part_fd: the descriptor that came with them, or -1
 * @told: messages taken so far
 */
struct sim_attach {
	int sock;
	int shm;
	u8 *mem;
	u64 size;
	u32 peer;
	int own[SIM_VECTORS_MAX];
	unsigned int own_count;
	struct {
		u32 peer;
		u16 vector;
		int fd;
	} bell[SIM_PEERS_MAX];
	unsigned int bell_count;
	unsigned int gone;
	u8 part[8];
	size_t part_len;
	int part_fd;
	unsigned int told;
};

/**
 * sim_attach() - connect and read version, number and memory
 * @at: filled in
 * @path: the socket
 * @timeout_ms: for each message
 *
 * Return: 0, or a negative errno: -EPROTONOSUPPORT if the server refused by a wrong
 * version, -ECONNRESET if it closed, -ETIMEDOUT.
 */
int sim_attach(struct sim_attach *at, const char *path, int timeout_ms);
/* sim_attach_read() - take what the server has sent; 0 or a negative errno. */
int sim_attach_read(struct sim_attach *at);
/* sim_attach_ring() - ring a vector of a peer; false if we hold no doorbell for it. */
bool sim_attach_ring(struct sim_attach *at, u32 peer, u16 vector);
/* sim_detach() - as when QEMU dies. */
void sim_detach(struct sim_attach *at);

#endif /* SIM_ATTACH_H */
