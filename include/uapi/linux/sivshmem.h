/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * sivshmem: authenticated shared-memory channels between virtual machines.
 */
#ifndef _UAPI_LINUX_SIVSHMEM_H
#define _UAPI_LINUX_SIVSHMEM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: General form of the ioctls
 *
 * Every argument is a struct whose first member is its size as the caller knows it
 * (as in iommufd). A longer struct is accepted if the bytes this kernel does not know
 * are zero, a shorter one if it reaches the last member of ABI version 1. Pointers are
 * __u64, all members are naturally aligned and there are no holes, so 32-bit callers
 * use the same layout. Descriptors are return values, opened O_CLOEXEC.
 *
 *   - EINVAL: bad argument, size too small, or a reserved field that is not zero
 *   - E2BIG: the struct is longer than this kernel knows and its tail is not zero, or
 *     longer than a page
 *   - EOPNOTSUPP: unknown flag, or not possible for this channel or caller
 *   - ENOTTY: unknown ioctl number for this kind of descriptor
 *   - EFAULT: an address is not accessible
 *   - ESPIPE: a channel has no positions: no lseek(), pread() or pwrite()
 *   - EPERM: not authenticated yet, or not allowed by policy
 *   - EACCES: file mode, a key that the caller may not search, or mapping protection
 *   - ENOKEY, EKEYREJECTED, EKEYEXPIRED, EKEYREVOKED: an identity, a certificate
 *   - EEXIST: the key has its private key already
 *   - EBADMSG: malformed, or failed authentication
 *   - EPROTO: the peer broke the rules of a ring or of the protocol
 *   - EPROTONOSUPPORT: version, suite or granule
 *   - ESTALE: an old epoch or generation
 *   - EDQUOT: a quota is used up; ENOSPC: the region is full
 *   - EADDRINUSE: the service has a listener, or the identity is in use elsewhere
 *   - ECONNREFUSED: the service has no listener, or one whose backlog is full
 *   - ECONNRESET: the peer is gone; EPIPE: the peer closed
 *   - EMSGSIZE: the record is longer than the buffer (it stays), or than a record may be
 *   - EBUSY: the channel is used the other way (read and write, or mapping), or its node
 *     is open already
 *   - ETIMEDOUT: not done in time; EINTR: a signal came first
 *   - EAGAIN: it would have to wait and may not, or there were too many attempts
 *   - ENODEV: the device is gone
 *   - EIO: the cryptography failed, here or elsewhere, or memory elsewhere
 *   - ENOMEM: no memory; EMFILE, ENFILE: no descriptor
 */

/* Returned by SIVSHMEM_VERSION. Version 1: first. */
#define SIVSHMEM_ABI_VERSION 1

#define SIVSHMEM_IOC 0xD6

/* A name of a region, VM or service: up to 63 bytes and a NUL, zero-padded. */
#define SIVSHMEM_NAME_LEN 64

/**
 * SIVSHMEM_VERSION - which version of the ABI the driver has
 *
 * On the control node. No argument; returns the version.
 */
#define SIVSHMEM_VERSION _IO(SIVSHMEM_IOC, 0x00)

/**
 * SIVSHMEM_CONNECT - connect to a service
 *
 * On the control node, with &struct sivshmem_connect; returns a channel descriptor.
 */
#define SIVSHMEM_CONNECT _IO(SIVSHMEM_IOC, 0x01)

/**
 * SIVSHMEM_LISTEN - listen as the service that the identity names
 *
 * On the control node, with &struct sivshmem_listen; returns a listener descriptor.
 */
#define SIVSHMEM_LISTEN _IO(SIVSHMEM_IOC, 0x02)

/**
 * SIVSHMEM_REGION_INFO - what is known of one region
 *
 * On the control node, with &struct sivshmem_region_info; returns 0.
 */
#define SIVSHMEM_REGION_INFO _IO(SIVSHMEM_IOC, 0x03)

/**
 * SIVSHMEM_ACCEPT - take the next channel of a listener
 *
 * On a listener, with &struct sivshmem_accept; returns a channel descriptor.
 */
#define SIVSHMEM_ACCEPT _IO(SIVSHMEM_IOC, 0x10)

/**
 * SIVSHMEM_INFO - what is known of a channel
 *
 * On a channel, with &struct sivshmem_info; returns 0.
 */
#define SIVSHMEM_INFO _IO(SIVSHMEM_IOC, 0x20)

/**
 * SIVSHMEM_WAIT - sleep until the peer's position has come far enough
 *
 * On a channel that is used by mapping, with &struct sivshmem_wait; returns 0.
 */
#define SIVSHMEM_WAIT _IO(SIVSHMEM_IOC, 0x21)

/**
 * SIVSHMEM_BELL - ring the peer
 *
 * On a channel that is used by mapping. No argument; returns 0.
 */
#define SIVSHMEM_BELL _IO(SIVSHMEM_IOC, 0x22)

/**
 * SIVSHMEM_SHUTDOWN - close one direction or both
 *
 * On a channel, with &struct sivshmem_shutdown; returns 0.
 */
#define SIVSHMEM_SHUTDOWN _IO(SIVSHMEM_IOC, 0x23)

/* Flags of CONNECT and LISTEN. */
/* every record is encrypted and authenticated; read() and write() only */
#define SIVSHMEM_SEALED 0x1
/* return at once; poll() gives EPOLLOUT or EPOLLERR, SIVSHMEM_INFO the error */
#define SIVSHMEM_NONBLOCK 0x2
/* who may open the node need not be able to search the identity's key */
#define SIVSHMEM_NODE_SHARED 0x4
/* make no /dev/sivshmemN: the descriptor is all there is */
#define SIVSHMEM_NO_NODE 0x8

/* Cipher suites of @suite: 0 is the mandatory one. */
#define SIVSHMEM_SUITE_DEFAULT 0
#define SIVSHMEM_SUITE_CHACHAPOLY 1
#define SIVSHMEM_SUITE_AESGCM 2

/**
 * struct sivshmem_connect - connect to a service
 * @size: sizeof(struct sivshmem_connect)
 * @flags: SIVSHMEM_SEALED, SIVSHMEM_NONBLOCK, SIVSHMEM_NODE_SHARED, SIVSHMEM_NO_NODE
 * @key: serial of a key of type sivshmem: the own identity; or a KEY_SPEC_* constant
 * @timeout_ms: 0: 5000; at most 30000
 * @ring_tx: bytes of the ring to the peer, a power of two of at least the granule;
 *           0: 65536 or the granule, whichever is more
 * @ring_rx: bytes of the ring from the peer, likewise
 * @suite: SIVSHMEM_SUITE_*
 * @reserved: zero
 * @service: name of the service
 * @vm: only if that VM offers it; empty: any
 * @region: empty: the region named in the identity's certificate
 *
 * Returns a channel descriptor, in state OPEN, or CONNECTING with SIVSHMEM_NONBLOCK.
 */
struct sivshmem_connect {
	__u32 size;
	__u32 flags;
	__s32 key;
	__u32 timeout_ms;
	__u64 ring_tx;
	__u64 ring_rx;
	__u32 suite;
	__u32 reserved;
	__u8 service[SIVSHMEM_NAME_LEN];
	__u8 vm[SIVSHMEM_NAME_LEN];
	__u8 region[SIVSHMEM_NAME_LEN];
};

/**
 * struct sivshmem_listen - listen as the service that the identity names
 * @size: sizeof(struct sivshmem_listen)
 * @flags: SIVSHMEM_SEALED (refuse channels that are not), SIVSHMEM_NODE_SHARED and
 *         SIVSHMEM_NO_NODE (for the accepted channels)
 * @key: as in struct sivshmem_connect
 * @timeout_ms: 0: 5000; at most 30000
 * @backlog: 1 to 128 channels that wait for ACCEPT
 * @allow_len: bytes at @allow, at most 4096
 * @ring_max: largest ring of an accepted channel per direction; 0: no limit
 * @allow: address of the only callers to accept: names "VM/SERVICE", each ended by a
 *         newline, "*" for any VM or any SERVICE; 0: whom the policy allows
 * @region: empty: the region named in the identity's certificate
 *
 * Returns a listener descriptor: poll() and SIVSHMEM_ACCEPT; closing it unlistens.
 */
struct sivshmem_listen {
	__u32 size;
	__u32 flags;
	__s32 key;
	__u32 timeout_ms;
	__u32 backlog;
	__u32 allow_len;
	__u64 ring_max;
	__u64 allow;
	__u8 region[SIVSHMEM_NAME_LEN];
};

/**
 * struct sivshmem_accept - take the next channel of a listener
 * @size: sizeof(struct sivshmem_accept)
 * @flags: zero
 * @timeout_ms: 0: wait without limit; O_NONBLOCK on the listener: do not wait
 * @reserved: zero
 */
struct sivshmem_accept {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 reserved;
};

/* @flags of struct sivshmem_region_info */
#define SIVSHMEM_REGION_ISOLATED 0x1 /* two member VMs only */
#define SIVSHMEM_REGION_CACHED 0x2   /* BAR2 is mapped write-back */

/* @posture: what weakens this guest against its own root; 0 is STRONG. */
/* kernel lockdown is off */
#define SIVSHMEM_POSTURE_NO_LOCKDOWN 0x1
/* iomem=relaxed */
#define SIVSHMEM_POSTURE_IOMEM_RELAXED 0x2
/* built without CONFIG_STRICT_DEVMEM or without CONFIG_IO_STRICT_DEVMEM */
#define SIVSHMEM_POSTURE_NO_STRICT_DEVMEM 0x4
/* .sivshmem is not restricted */
#define SIVSHMEM_POSTURE_ANCHORS_OPEN 0x8
/* the module can be unloaded */
#define SIVSHMEM_POSTURE_UNLOADABLE 0x10
/* modules need no signature */
#define SIVSHMEM_POSTURE_UNSIGNED 0x20
/* BAR2 is not write-back: slow, not unsafe */
#define SIVSHMEM_POSTURE_UNCACHED 0x40
/* lockdown, if any, lets root read kernel memory: keys, and records of sealed channels */
#define SIVSHMEM_POSTURE_READABLE 0x80

/**
 * struct sivshmem_region_info - what is known of one region (one PCI device)
 * @size: sizeof(struct sivshmem_region_info)
 * @flags: in: zero, else EOPNOTSUPP; out: SIVSHMEM_REGION_*
 * @index: in: 0 for the first device; out: of the one that is told, which is the next one
 *         where the index asked for is a gap; ENODEV past the last
 * @peer: own peer number
 * @vectors: own MSI-X vectors in use
 * @granule: bytes
 * @suites: bit n: suite n is offered
 * @posture: SIVSHMEM_POSTURE_*; user space adds what only it can see
 * @region_size: bytes
 * @ring_min: bytes
 * @ring_max: bytes
 * @sealed_max: largest record of a sealed channel
 * @sessions: live sessions
 * @channels: channels that have not ended
 * @fallback_ms: interval of the re-check that heals lost doorbells
 * @epoch: of the region
 * @region: its name
 * @bus_id: PCI address, for people
 */
struct sivshmem_region_info {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 peer;
	__u32 vectors;
	__u32 granule;
	__u32 suites;
	__u32 posture;
	__u64 region_size;
	__u64 ring_min;
	__u64 ring_max;
	__u32 sealed_max;
	__u32 sessions;
	__u32 channels;
	__u32 fallback_ms;
	__u8 epoch[16];
	__u8 region[SIVSHMEM_NAME_LEN];
	__u8 bus_id[32];
};

/**
 * enum sivshmem_state - of a channel
 * @SIVSHMEM_CONNECTING: the handshake is under way: no data
 * @SIVSHMEM_OPEN: both ways
 * @SIVSHMEM_CLOSING: one side has closed; what is unread can be read
 * @SIVSHMEM_ENDED: over: @end_reason says why
 */
enum sivshmem_state {
	SIVSHMEM_CONNECTING = 0,
	SIVSHMEM_OPEN = 1,
	SIVSHMEM_CLOSING = 2,
	SIVSHMEM_ENDED = 3,
};

/* Windows of a channel, in the order of struct sivshmem_info.window. */
/* own side page: read and write */
#define SIVSHMEM_WIN_CTL_OWN 0
/* the peer's side page: read only */
#define SIVSHMEM_WIN_CTL_PEER 1
/* ring to the peer, mapped twice in a row: read and write */
#define SIVSHMEM_WIN_TX 2
/* ring from the peer, mapped twice in a row: read only */
#define SIVSHMEM_WIN_RX 3
/* how many */
#define SIVSHMEM_WINDOWS 4

/**
 * struct sivshmem_window - what may be passed to mmap()
 * @offset: mmap() offset
 * @length: exactly this many bytes, in one call, MAP_SHARED
 * @prot: PROT_READ, or PROT_READ | PROT_WRITE: no more; never PROT_EXEC
 * @reserved: zero
 */
struct sivshmem_window {
	__u64 offset;
	__u64 length;
	__u32 prot;
	__u32 reserved;
};

/* @flags of struct sivshmem_info */
#define SIVSHMEM_INFO_SEALED 0x1
#define SIVSHMEM_INFO_CONNECTOR 0x2 /* this side connected; else it accepted */
#define SIVSHMEM_INFO_MAPPED 0x4    /* used by mapping */
#define SIVSHMEM_INFO_RW 0x8	    /* used by read and write */

/* @minor when the channel has no node */
#define SIVSHMEM_NO_MINOR 0xffffffffU

/**
 * struct sivshmem_info - what is known of a channel
 * @size: sizeof(struct sivshmem_info)
 * @flags: in: zero, else EOPNOTSUPP; out: SIVSHMEM_INFO_*
 * @state: enum sivshmem_state
 * @error: 0, or the errno that CONNECT would have returned, as a positive number
 * @end_reason: 0, or why it ended, as a positive errno; EPIPE is an orderly close, and
 *              what ends a channel in %SIVSHMEM_CLOSING takes its place
 * @suite: SIVSHMEM_SUITE_*
 * @minor: N of /dev/sivshmemN, or SIVSHMEM_NO_MINOR
 * @device: index of the device, for SIVSHMEM_REGION_INFO
 * @peer: the peer's peer number
 * @vector: own vector that the peer rings
 * @cid: the channel's generation
 * @ring_tx: bytes
 * @ring_rx: bytes
 * @max_record: largest record that can be sent
 * @handshake_ns: from CONNECT (or INCOMING) until the peer was proved
 * @x25519_ns: of that, spent in Diffie-Hellman
 * @tx_records: sent by write()
 * @tx_bytes: likewise
 * @rx_records: received by read()
 * @rx_bytes: likewise
 * @bells_sent: doorbells that this side rang for this channel
 * @bells_seen: doorbells that arrived on the pair's vector
 * @window: the four windows; all zero on a sealed channel
 * @epoch: of the region
 * @peer_cert: SHA-256 of the peer's certificate
 * @region: name
 * @peer_vm: from the peer's certificate
 * @peer_service: from the peer's certificate
 * @service: the service that was connected to
 */
struct sivshmem_info {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 error;
	__u32 end_reason;
	__u32 suite;
	__u32 minor;
	__u32 device;
	__u32 peer;
	__u32 vector;
	__u64 cid;
	__u64 ring_tx;
	__u64 ring_rx;
	__u64 max_record;
	__u64 handshake_ns;
	__u64 x25519_ns;
	__u64 tx_records;
	__u64 tx_bytes;
	__u64 rx_records;
	__u64 rx_bytes;
	__u64 bells_sent;
	__u64 bells_seen;
	struct sivshmem_window window[SIVSHMEM_WINDOWS];
	__u8 epoch[16];
	__u8 peer_cert[32];
	__u8 region[SIVSHMEM_NAME_LEN];
	__u8 peer_vm[SIVSHMEM_NAME_LEN];
	__u8 peer_service[SIVSHMEM_NAME_LEN];
	__u8 service[SIVSHMEM_NAME_LEN];
};

/* @flags of struct sivshmem_wait: what to wait for, exactly one */
/* the peer's producer position has reached @position */
#define SIVSHMEM_WAIT_READ 0x1
/* the peer's consumer position has reached @position */
#define SIVSHMEM_WAIT_WRITE 0x2

/**
 * struct sivshmem_wait - sleep until the peer's position has come far enough
 * @size: sizeof(struct sivshmem_wait)
 * @flags: SIVSHMEM_WAIT_READ or SIVSHMEM_WAIT_WRITE
 * @position: the position
 * @timeout_ms: 0: do not sleep (EAGAIN); 0xffffffff: without limit
 * @reserved: zero
 *
 * For channels that are used by mapping. Publishes the wake-up request on the own side
 * page, re-checks, sleeps. Returns 0 when the position was reached or the peer has set
 * its end mark; ETIMEDOUT; ECONNRESET or another end reason when the channel has ended.
 */
struct sivshmem_wait {
	__u32 size;
	__u32 flags;
	__u64 position;
	__u32 timeout_ms;
	__u32 reserved;
};

/* @how of struct sivshmem_shutdown */
/* nothing more will be read here: the peer gets EPIPE */
#define SIVSHMEM_SHUT_RD 0x1
/* nothing more will be written: the peer reads 0 at the end */
#define SIVSHMEM_SHUT_WR 0x2

/**
 * struct sivshmem_shutdown - close one direction or both
 * @size: sizeof(struct sivshmem_shutdown)
 * @how: SIVSHMEM_SHUT_RD, SIVSHMEM_SHUT_WR, or both
 * @position: by mapping: the final producer position with SIVSHMEM_SHUT_WR; else 0
 */
struct sivshmem_shutdown {
	__u32 size;
	__u32 how;
	__u64 position;
};

/**
 * DOC: What a mapping shows
 *
 * Each side has a side page that only it writes, and writes one ring that the other
 * may only read. Positions are free-running byte counts; a position modulo the ring's
 * size is where it lies in the ring. A record is a struct sivshmem_record, @len bytes,
 * and padding up to the next multiple of 8; with the ring mapped twice it never wraps.
 * A record takes at most half of the ring, header and padding included.
 *
 * A producer writes the record, then publishes @prod (release). A consumer reads the
 * peer's @prod (acquire), checks it and the record, then publishes @cons. Whoever is
 * about to sleep writes its wake-up request, executes a full barrier and checks once
 * more; whoever publishes executes a full barrier and rings if the request lies in
 * (old position, new position].
 */

/**
 * struct sivshmem_side - one side's page
 * @prod: position up to which this side has written its ring
 * @pad0: unused: every position has a cache line of its own
 * @cons: position up to which this side has read the other's ring
 * @pad1: unused
 * @want_prod: ring me when your @prod reaches this
 * @pad2: unused
 * @want_cons: ring me when your @cons reaches this
 * @pad3: unused
 * @end: SIVSHMEM_END_*: set once, after the final @prod
 * @pad4: unused
 */
struct sivshmem_side {
	__u64 prod;
	__u64 pad0[7];
	__u64 cons;
	__u64 pad1[7];
	__u64 want_prod;
	__u64 pad2[7];
	__u64 want_cons;
	__u64 pad3[7];
	__u64 end;
	__u64 pad4[7];
};

#define SIVSHMEM_END_WR 0x1 /* nothing comes after @prod */
#define SIVSHMEM_END_RD 0x2 /* nothing is read any more */

/**
 * struct sivshmem_record - header of a record in a ring
 * @len: bytes that follow; sealed: ciphertext and tag
 * @reserved: zero
 */
struct sivshmem_record {
	__le32 len;
	__le32 reserved;
};

#endif /* _UAPI_LINUX_SIVSHMEM_H */
