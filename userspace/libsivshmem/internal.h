/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of the library share. */
#ifndef SIVSHMEM_INTERNAL_H
#define SIVSHMEM_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>

#include <sivshmem/sivshmem.h>

#include "ring_map.h"

#define CONTROL_NODE "/dev/sivshmem-control"

enum {
	MODE_NONE = 0, /* not used yet */
	MODE_COPY,     /* read() and write() */
	MODE_MAP,      /* the rings are mapped */
};

/**
 * struct ivshmem - a channel or a listener
 * @fd: its descriptor
 * @listener: which of the two
 * @nonblock: O_NONBLOCK is set: waiting is done by poll()
 * @zerocopy: IVSHMEM_ZEROCOPY was asked for
 * @send_ms: timeout
 * @recv_ms: timeout
 * @spin_us: IVSHMEM_SPIN_*
 * @max_record: 0 until the channel is open
 * @mode: MODE_*; atomic, set once, under @map_lock
 * @broken: the peer broke the ring, and was told; atomic
 * @map_lock: two threads may use the channel first
 * @map: MODE_MAP: the rings
 * @window: MODE_MAP: what is mapped where
 * @window_len: how long; 0: not mapped
 */
struct ivshmem {
	int fd;
	bool listener;
	bool nonblock;
	bool zerocopy;
	int send_ms;
	int recv_ms;
	uint32_t spin_us;
	uint64_t max_record;
	int mode;
	bool broken;
	pthread_mutex_t map_lock;
	struct ring_map map;
	void *window[SIVSHMEM_WINDOWS];
	size_t window_len[SIVSHMEM_WINDOWS];
};

/* options.c */

/* siv_options_take() - a copy with defaults: 0, -EINVAL, -E2BIG. @from may be NULL. */
int siv_options_take(const struct ivshmem_options *from,
		     struct ivshmem_options *to, uint32_t known_flags);
/* siv_options_key() - the identity's key: a serial or KEY_SPEC_*; -errno in @error. */
int32_t siv_options_key(const struct ivshmem_options *o, int *error);
/* siv_field_put() - a name into a field of the ABI; NULL: empty. 0 or -EINVAL. */
int siv_field_put(uint8_t field[SIVSHMEM_NAME_LEN], const char *name);
/* siv_control_open() - the control node; or a negative errno. */
int siv_control_open(void);

/* handle.c */

/* siv_handle_new() - on success the handle owns @fd; on failure it is closed. */
int siv_handle_new(int fd, bool listener, const struct ivshmem_options *o,
		   struct ivshmem **handle);
int siv_info_get(int fd, struct sivshmem_info *info);
/* siv_fd_ioctl() - ioctl() that returns a negative errno. */
int siv_fd_ioctl(int fd, unsigned long cmd, const void *arg);

/* zerocopy.c */

/* siv_map_unmap() - take the windows away. */
void siv_map_unmap(struct ivshmem *ch);
/* siv_copy_claim() - use @ch by copying; false if it is mapped. */
bool siv_copy_claim(struct ivshmem *ch);
/* siv_map_verdict() - @r as it is; the peer is told if it broke the ring. */
ssize_t siv_map_verdict(struct ivshmem *ch, ssize_t r);

#endif /* SIVSHMEM_INTERNAL_H */
