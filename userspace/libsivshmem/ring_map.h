/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Both rings of a channel as mapped memory, with waiting. It knows neither descriptors
 * nor ioctls, so that tests run it on a memfd.
 */
#ifndef SIVSHMEM_RING_MAP_H
#define SIVSHMEM_RING_MAP_H

#include <stdint.h>
#include <sys/types.h>

#include "core/ring.h"

/**
 * struct ring_map_ops - how to sleep and to ring
 * @wait: until the peer's position has come to @position or it has set an end mark;
 *        @what is SIVSHMEM_WAIT_READ or SIVSHMEM_WAIT_WRITE; @timeout_ms negative: for
 *        ever, 0: not at all. 0, -ETIMEDOUT, -EAGAIN, -EINTR, or why the channel ended
 * @bell: ring the peer; 0 or a negative errno
 */
struct ring_map_ops {
	int (*wait)(void *ctx, uint32_t what, uint64_t position,
		    int timeout_ms);
	int (*bell)(void *ctx);
};

/**
 * struct ring_spin - how long to spin before sleeping
 * @max_us: IVSHMEM_SPIN_* or microseconds
 * @now_ns: what has paid so far, at most @max_us
 */
struct ring_spin {
	uint32_t max_us;
	uint32_t now_ns;
};

/**
 * struct ring_map - one end of a channel
 * @ops: see above
 * @ctx: for @ops
 * @ended: sticky: 0, or why the channel has ended: the windows may be gone, nobody
 *         touches them any more; atomic
 * @tx: our ring
 * @tx_ring: its first byte, mapped twice in a row
 * @reserved: bytes that a record may have that is being written; 0: none
 * @tx_spin: waiting for room
 * @tx_error: sticky: 0, -EPIPE after siv_map_end(), -EPROTO
 * @rx: the peer's ring
 * @rx_ring: its first byte, mapped twice in a row, read only
 * @peeked: length of the record that is being read; 0: none
 * @rx_spin: waiting for records
 * @rx_error: sticky: 0, -EPROTO
 * @rx_end: the peer has closed and all was read
 *
 * One thread uses what begins with tx and @reserved, another one what begins with rx
 * and @peeked: hence the alignment.
 */
struct ring_map {
	const struct ring_map_ops *ops;
	void *ctx;
	int ended;

	struct siv_tx tx __attribute__((aligned(64)));
	u8 *tx_ring;
	u64 reserved;
	struct ring_spin tx_spin;
	int tx_error;

	struct siv_rx rx __attribute__((aligned(64)));
	const u8 *rx_ring;
	u64 peeked;
	struct ring_spin rx_spin;
	int rx_error;
	bool rx_end;
};

/**
 * struct ring_windows - the mapped memory
 * @own: own side page
 * @peer: the peer's
 * @tx: our ring, twice
 * @tx_size: of one copy
 * @rx: the peer's ring, twice
 * @rx_size: of one copy
 */
struct ring_windows {
	struct siv_side *own;
	const struct siv_side *peer;
	void *tx;
	u64 tx_size;
	const void *rx;
	u64 rx_size;
};

/**
 * siv_map_init() - begin where this side's page says that an earlier user stopped
 * @m: filled in
 * @w: the mapped memory, for as long as @m is used
 * @ops: how to sleep and to ring
 * @ctx: for @ops
 * @spin_us: IVSHMEM_SPIN_*
 *
 * Return: 0, -EINVAL for impossible sizes, -EPROTO if the positions break the rules.
 */
int siv_map_init(struct ring_map *m, const struct ring_windows *w,
		 const struct ring_map_ops *ops, void *ctx, uint32_t spin_us);
void siv_map_set_spin(struct ring_map *m, uint32_t spin_us);

/* The calls of sivshmem.h; @timeout_ms as in struct ring_map_ops. */
int siv_map_reserve(struct ring_map *m, size_t len, int timeout_ms,
		    void **data);
int siv_map_commit(struct ring_map *m, size_t len);
ssize_t siv_map_peek(struct ring_map *m, int timeout_ms, const void **data);
int siv_map_release(struct ring_map *m);
ssize_t siv_map_send(struct ring_map *m, const void *data, size_t len,
		     int timeout_ms);
ssize_t siv_map_recv(struct ring_map *m, void *buf, size_t len, int timeout_ms);

/* siv_map_end() - nothing more will be sent; the final position, for SHUTDOWN. */
u64 siv_map_end(struct ring_map *m);

#endif /* SIVSHMEM_RING_MAP_H */
