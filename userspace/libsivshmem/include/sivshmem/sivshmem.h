/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * libsivshmem: authenticated shared-memory channels between virtual machines.
 */
#ifndef SIVSHMEM_SIVSHMEM_H
#define SIVSHMEM_SIVSHMEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/sivshmem.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: How the calls behave
 *
 * Results. Every call returns 0 (or a count) on success and a negative errno on failure;
 * errno itself is never set. What an errno means on a channel is told by
 * ivshmem_hint() and by the table at the top of <linux/sivshmem.h>. A handle is made by
 * one call and released by ivshmem_close(); its pointer is stored only on success.
 *
 * Threads. One thread may send while another receives on the same channel, and any may
 * ask ivshmem_info(), ivshmem_peer() and ivshmem_fd(). Two senders, or two receivers,
 * must take turns. ivshmem_shutdown() with SIVSHMEM_SHUT_WR belongs to the sender,
 * ivshmem_set_timeouts(), ivshmem_set_spin() and ivshmem_close() to nobody else at that
 * time. Different handles are independent. There is no global state.
 *
 * Waiting. Every call that may wait is interruptible (-EINTR) and obeys the handle's
 * timeouts: negative waits for ever, 0 not at all (-EAGAIN), else milliseconds
 * (-ETIMEDOUT).
 *
 * Two ways to use a channel. By copying (ivshmem_send(), ivshmem_recv()) and without
 * (ivshmem_reserve(), ivshmem_commit(), ivshmem_peek(), ivshmem_release()). The first
 * use decides for the life of the channel: copying first means the kernel moves the
 * bytes, and the zero-copy calls then give -EBUSY; a zero-copy call first, or the flag
 * IVSHMEM_ZEROCOPY, means that the rings are mapped, and from then on the copying calls
 * use the mapping too. A sealed channel can only be used by copying (-EOPNOTSUPP).
 *
 * Trust. Who the peer is has been proved when a channel is open; what it sends has not.
 * ivshmem_recv() copies a record once, into private memory. ivshmem_peek() shows the
 * record in memory that the peer can still change while it is looked at: copy out what
 * is to be judged before judging it.
 *
 * When a channel is revoked, or its device goes, mappings are taken away and touching
 * them raises SIGBUS. When only the peer ends, mappings stay.
 */

/* Flags of struct ivshmem_options. */
/* every record is encrypted and authenticated */
#define IVSHMEM_SEALED 0x1u
/* timeouts begin as 0, and ivshmem_connect() returns before the peer is proved */
#define IVSHMEM_NONBLOCK 0x2u
/* who may open the node need not be able to search the identity's key */
#define IVSHMEM_NODE_SHARED 0x4u
/* make no /dev/sivshmemN */
#define IVSHMEM_NO_NODE 0x8u
/* map the rings at once; see DOC */
#define IVSHMEM_ZEROCOPY 0x10u

/* Values of @spin_us that are no microseconds. */
#define IVSHMEM_SPIN_DEFAULT 0u
#define IVSHMEM_SPIN_NEVER 0xfffffffeu
#define IVSHMEM_SPIN_ALWAYS 0xffffffffu

/**
 * struct ivshmem_options - how to connect, listen or open
 * @size: sizeof(struct ivshmem_options) as the caller knows it
 * @flags: IVSHMEM_*
 * @identity: description of a key of type sivshmem in the caller's keyrings: the own
 *            identity; or NULL
 * @key: instead of @identity: the key's serial, or a KEY_SPEC_* constant; or 0
 * @timeout_ms: of the handshake; 0: 5000, at most 30000
 * @ring_tx: bytes of the ring to the peer, a power of two; 0: the default
 * @ring_rx: bytes of the ring from the peer, likewise
 * @suite: SIVSHMEM_SUITE_*
 * @spin_us: zero-copy: how long waiting may spin before it sleeps; IVSHMEM_SPIN_*
 * @vm: connect: only if that VM offers the service; NULL: any
 * @region: NULL: the region that the identity's certificate names
 * @backlog: listen: 1 to 128 channels that wait to be accepted; 0: 16
 * @reserved: zero
 * @ring_max: listen: largest ring of an accepted channel; 0: no limit
 * @allow: listen: the only callers to accept: names "VM/SERVICE", each ended by a
 *         newline, "*" for any VM or any SERVICE; NULL: whom the policy allows
 *
 * Set everything to zero, then @size, then what is wanted: IVSHMEM_OPTIONS_INIT does the
 * first two. Later versions only append: a shorter struct gets defaults for the rest,
 * and a longer one is accepted if the rest is zero (else -E2BIG).
 */
struct ivshmem_options {
	uint32_t size;
	uint32_t flags;
	const char *identity;
	int32_t key;
	uint32_t timeout_ms;
	uint64_t ring_tx;
	uint64_t ring_rx;
	uint32_t suite;
	uint32_t spin_us;
	const char *vm;
	const char *region;
	uint32_t backlog;
	uint32_t reserved;
	uint64_t ring_max;
	const char *allow;
};

#define IVSHMEM_OPTIONS_INIT                           \
	{                                              \
		.size = sizeof(struct ivshmem_options) \
	}

/**
 * struct ivshmem_peer - who is at the other end
 * @size: sizeof(struct ivshmem_peer) as the caller knows it
 * @flags: SIVSHMEM_INFO_SEALED, SIVSHMEM_INFO_CONNECTOR
 * @number: its peer number
 * @suite: SIVSHMEM_SUITE_*
 * @cid: the channel's generation, never used twice in an epoch
 * @region: from its certificate
 * @vm: from its certificate
 * @service: from its certificate
 * @cert: SHA-256 of its certificate
 */
struct ivshmem_peer {
	uint32_t size;
	uint32_t flags;
	uint32_t number;
	uint32_t suite;
	uint64_t cid;
	char region[SIVSHMEM_NAME_LEN];
	char vm[SIVSHMEM_NAME_LEN];
	char service[SIVSHMEM_NAME_LEN];
	uint8_t cert[32];
};

/* A channel or a listener. */
struct ivshmem;

/**
 * ivshmem_connect() - connect to a service
 * @service: its name
 * @options: at least an identity
 * @channel: set to the channel
 *
 * Returns when both ends have proved to each other who they are. With IVSHMEM_NONBLOCK
 * it returns before: poll ivshmem_fd() for POLLOUT, then ask ivshmem_connect_finish();
 * until then every other call gives -EPERM.
 *
 * Return: 0; -EINVAL for an argument; -ENOKEY without such an identity; -EACCES without
 * permission to search its key; -ECONNREFUSED if nobody listens; -EPERM if the policy does
 * not allow it; -ETIMEDOUT; -ENODEV without device or driver; or another errno of
 * <linux/sivshmem.h>.
 */
int ivshmem_connect(const char *service, const struct ivshmem_options *options,
		    struct ivshmem **channel);

/**
 * ivshmem_connect_finish() - how did a non-blocking connect end?
 * @channel: the channel
 *
 * Return: 0 if it is open; -EINPROGRESS; or what ivshmem_connect() would have returned.
 */
int ivshmem_connect_finish(struct ivshmem *channel);

/**
 * ivshmem_listen() - listen as the service that the identity names
 * @options: at least an identity
 * @listener: set to the listener
 *
 * Return: 0; -EADDRINUSE if the service has a listener; -EPERM; -ENOKEY; -EACCES; ...
 */
int ivshmem_listen(const struct ivshmem_options *options,
		   struct ivshmem **listener);

/**
 * ivshmem_accept() - take the next channel of a listener
 * @listener: the listener; its timeout for receiving applies
 * @channel: set to the channel, which is open; it inherits spinning and IVSHMEM_ZEROCOPY
 *           from the listener, and waits for ever
 *
 * Return: 0, -EAGAIN, -ETIMEDOUT, -EINTR, -ENODEV, ...
 */
int ivshmem_accept(struct ivshmem *listener, struct ivshmem **channel);

/**
 * ivshmem_open() - open the node of a channel that another process has made
 * @node: its path, such as "/dev/sivshmem0"
 * @options: only @flags (IVSHMEM_NONBLOCK, IVSHMEM_ZEROCOPY) and @spin_us are used; may
 *           be NULL
 * @channel: set to the channel
 *
 * Return: 0; -ENOENT; -EACCES without permission on the node, or to search the identity's
 * key; -EBUSY if the node is open already; -ENOTTY if it is no channel; or why the channel
 * has ended.
 */
int ivshmem_open(const char *node, const struct ivshmem_options *options,
		 struct ivshmem **channel);

/**
 * ivshmem_from_fd() - use a channel's descriptor that came from elsewhere
 * @fd: the descriptor; on success the handle owns it
 * @options: as for ivshmem_open()
 * @channel: set to the channel
 *
 * Return: 0; -EBADF; -ENOTTY if it is no channel.
 */
int ivshmem_from_fd(int fd, const struct ivshmem_options *options,
		    struct ivshmem **channel);

/**
 * ivshmem_close() - end a channel or a listener, and free the handle
 * @handle: may be NULL
 *
 * The peer reads what is unread, then the end. Pointers from the zero-copy calls are
 * void. A listener's channels that were not accepted are refused.
 */
void ivshmem_close(struct ivshmem *handle);

/**
 * ivshmem_send() - send one record
 * @channel: the channel
 * @data: its bytes
 * @len: how many; 0 sends nothing
 *
 * All or nothing: a record is never sent in part.
 *
 * Return: @len; -EMSGSIZE above ivshmem_max_record(); -EPIPE if the peer reads no more;
 * -ECONNRESET if it is gone or the channel was revoked; -EAGAIN, -ETIMEDOUT, -EINTR;
 * -EPROTO if it broke the ring.
 */
ssize_t ivshmem_send(struct ivshmem *channel, const void *data, size_t len);

/**
 * ivshmem_recv() - receive one record
 * @channel: the channel
 * @buf: for its bytes
 * @len: room there
 *
 * Return: its length; 0 when the peer has closed and everything was read; -EMSGSIZE if
 * it does not fit @len (it stays); -ECONNRESET if the peer is gone without closing or the
 * channel was revoked: end_reason of ivshmem_info() says which;
 * -EAGAIN, -ETIMEDOUT, -EINTR; -EPROTO if the peer broke the ring; -EBADMSG if a sealed
 * record did not open.
 */
ssize_t ivshmem_recv(struct ivshmem *channel, void *buf, size_t len);

/**
 * ivshmem_max_record() - the largest record that can be sent
 * @channel: the channel
 *
 * Return: bytes; 0 before the channel is open.
 */
size_t ivshmem_max_record(const struct ivshmem *channel);

/**
 * ivshmem_shutdown() - close one direction or both
 * @channel: the channel
 * @how: SIVSHMEM_SHUT_RD, SIVSHMEM_SHUT_WR, or both
 *
 * After SIVSHMEM_SHUT_WR the peer reads what is there and then the end; after
 * SIVSHMEM_SHUT_RD it gets -EPIPE when it sends.
 *
 * Return: 0, -EINVAL, or why the channel has ended.
 */
int ivshmem_shutdown(struct ivshmem *channel, unsigned int how);

/**
 * ivshmem_fd() - the descriptor, for poll() and epoll
 * @handle: a channel or a listener
 *
 * POLLIN: there is a record, or the end (a listener: a channel to accept). POLLOUT: the
 * record that last gave -EAGAIN fits, or will never. POLLHUP: the peer is gone. POLLERR: the
 * channel is broken or revoked. Do not read, write or close it, nor change its flags.
 */
int ivshmem_fd(const struct ivshmem *handle);

/**
 * ivshmem_set_timeouts() - how long calls may wait from now on
 * @handle: a channel or a listener
 * @send_ms: negative: for ever; 0: not at all; else milliseconds
 * @recv_ms: likewise; a listener's ivshmem_accept() uses it
 *
 * Return: 0, or what fcntl() gave.
 */
int ivshmem_set_timeouts(struct ivshmem *handle, int send_ms, int recv_ms);

/**
 * ivshmem_set_spin() - how long zero-copy waiting may spin before it sleeps
 * @channel: the channel
 * @spin_us: IVSHMEM_SPIN_*, or at most so many microseconds, adapted to what helps
 */
void ivshmem_set_spin(struct ivshmem *channel, uint32_t spin_us);

/**
 * ivshmem_peer() - who is at the other end, as proved by its certificate
 * @channel: the channel
 * @peer: @peer->size set; filled in
 *
 * Return: 0, -EINVAL, -EPERM before it is proved.
 */
int ivshmem_peer(const struct ivshmem *channel, struct ivshmem_peer *peer);

/**
 * ivshmem_info() - everything that is known of a channel
 * @channel: the channel
 * @info: @info->size set; filled in
 *
 * Return: 0 or -EINVAL.
 */
int ivshmem_info(const struct ivshmem *channel, struct sivshmem_info *info);

/**
 * ivshmem_region() - what is known of one region of this guest
 * @index: 0 for the first
 * @info: @info->size set; filled in
 *
 * Indices may have gaps: then the next region is told, with its own @info->index,
 * so the one after it is asked for with @info->index + 1.
 *
 * Return: 0; -ENODEV past the last, or without the driver; -EACCES.
 */
int ivshmem_region(unsigned int index, struct sivshmem_region_info *info);

/**
 * ivshmem_abi_version() - the kernel's version of the ABI
 *
 * Return: SIVSHMEM_ABI_VERSION of the running driver; -ENODEV without it; -EACCES.
 */
int ivshmem_abi_version(void);

/* ivshmem_version() - the library's version, "MAJOR.MINOR.PATCH". */
const char *ivshmem_version(void);

/**
 * ivshmem_hint() - what a result means here, and what to do
 * @error: a negative errno from one of these calls
 *
 * Return: a sentence; "" if there is nothing to add to strerror().
 */
const char *ivshmem_hint(int error);

/**
 * ivshmem_map() - map the rings now
 * @channel: the channel
 *
 * The zero-copy calls do it themselves when first used.
 *
 * Return: 0; -EBUSY if the channel is used by copying; -EOPNOTSUPP if it is sealed;
 * -EPERM before the peer is proved.
 */
int ivshmem_map(struct ivshmem *channel);

/**
 * ivshmem_reserve() - room for one record in the ring
 * @channel: the channel
 * @len: bytes, at most ivshmem_max_record()
 * @data: set to where they go, 8-byte aligned, in one piece
 *
 * Nothing is visible to the peer but the memory itself. A second call before
 * ivshmem_commit() gives the same place, with another length.
 *
 * Return: 0; -EMSGSIZE; -EINVAL for @len 0; -EPIPE, -ECONNRESET, -EPROTO, -EAGAIN,
 * -ETIMEDOUT, -EINTR as for ivshmem_send(); -EBUSY and -EOPNOTSUPP as for ivshmem_map().
 */
int ivshmem_reserve(struct ivshmem *channel, size_t len, void **data);

/**
 * ivshmem_commit() - send what was written where ivshmem_reserve() said
 * @channel: the channel
 * @len: bytes, at most what was reserved; 0 gives the room back
 *
 * The pointer is void from here on. The peer is rung only if it asked to be.
 *
 * Return: 0; -EINVAL if @len was not reserved; -ECONNRESET or another end reason if the
 * peer could not be rung because the channel has ended.
 */
int ivshmem_commit(struct ivshmem *channel, size_t len);

/**
 * ivshmem_peek() - the next record, in the ring
 * @channel: the channel
 * @data: set to its bytes, 8-byte aligned, in one piece, read only
 *
 * The peer can change the bytes at any time: see DOC. A second call before
 * ivshmem_release() gives the same record.
 *
 * Return: its length, or 0 or a negative errno as for ivshmem_recv().
 */
ssize_t ivshmem_peek(struct ivshmem *channel, const void **data);

/**
 * ivshmem_release() - done with the record that ivshmem_peek() gave
 * @channel: the channel
 *
 * The pointer is void from here on: the peer writes there again.
 *
 * Return: 0; -EINVAL if there is none.
 */
int ivshmem_release(struct ivshmem *channel);

#ifdef __cplusplus
}
#endif

#endif /* SIVSHMEM_SIVSHMEM_H */
