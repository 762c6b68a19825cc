/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ABI as literals: size of every struct, offset and length of every member, value
 * of every constant of include/uapi/linux/sivshmem.h. What the header says and what is
 * written here differ only if somebody changes the ABI; then the build breaks, in the
 * module, in the library's test and in the same test for 32 bits.
 *
 * A new member goes to the end of its struct and to the end of its list.
 */
#ifndef SIV_ABI_H
#define SIV_ABI_H

#include <linux/ioctl.h>
#include <linux/sivshmem.h>

/* clang-format off */

/* S(struct, size); M(struct, member, offset, length): in order, without holes. */
#define SIV_ABI_LAYOUT(S, M)						\
	S(sivshmem_connect, 232)					\
	M(sivshmem_connect, size, 0, 4)					\
	M(sivshmem_connect, flags, 4, 4)				\
	M(sivshmem_connect, key, 8, 4)					\
	M(sivshmem_connect, timeout_ms, 12, 4)				\
	M(sivshmem_connect, ring_tx, 16, 8)				\
	M(sivshmem_connect, ring_rx, 24, 8)				\
	M(sivshmem_connect, suite, 32, 4)				\
	M(sivshmem_connect, reserved, 36, 4)				\
	M(sivshmem_connect, service, 40, 64)				\
	M(sivshmem_connect, vm, 104, 64)				\
	M(sivshmem_connect, region, 168, 64)				\
	S(sivshmem_listen, 104)						\
	M(sivshmem_listen, size, 0, 4)					\
	M(sivshmem_listen, flags, 4, 4)					\
	M(sivshmem_listen, key, 8, 4)					\
	M(sivshmem_listen, timeout_ms, 12, 4)				\
	M(sivshmem_listen, backlog, 16, 4)				\
	M(sivshmem_listen, allow_len, 20, 4)				\
	M(sivshmem_listen, ring_max, 24, 8)				\
	M(sivshmem_listen, allow, 32, 8)				\
	M(sivshmem_listen, region, 40, 64)				\
	S(sivshmem_accept, 16)						\
	M(sivshmem_accept, size, 0, 4)					\
	M(sivshmem_accept, flags, 4, 4)					\
	M(sivshmem_accept, timeout_ms, 8, 4)				\
	M(sivshmem_accept, reserved, 12, 4)				\
	S(sivshmem_region_info, 184)					\
	M(sivshmem_region_info, size, 0, 4)				\
	M(sivshmem_region_info, flags, 4, 4)				\
	M(sivshmem_region_info, index, 8, 4)				\
	M(sivshmem_region_info, peer, 12, 4)				\
	M(sivshmem_region_info, vectors, 16, 4)				\
	M(sivshmem_region_info, granule, 20, 4)				\
	M(sivshmem_region_info, suites, 24, 4)				\
	M(sivshmem_region_info, posture, 28, 4)				\
	M(sivshmem_region_info, region_size, 32, 8)			\
	M(sivshmem_region_info, ring_min, 40, 8)			\
	M(sivshmem_region_info, ring_max, 48, 8)			\
	M(sivshmem_region_info, sealed_max, 56, 4)			\
	M(sivshmem_region_info, sessions, 60, 4)			\
	M(sivshmem_region_info, channels, 64, 4)			\
	M(sivshmem_region_info, fallback_ms, 68, 4)			\
	M(sivshmem_region_info, epoch, 72, 16)				\
	M(sivshmem_region_info, region, 88, 64)				\
	M(sivshmem_region_info, bus_id, 152, 32)			\
	S(sivshmem_window, 24)						\
	M(sivshmem_window, offset, 0, 8)				\
	M(sivshmem_window, length, 8, 8)				\
	M(sivshmem_window, prot, 16, 4)					\
	M(sivshmem_window, reserved, 20, 4)				\
	S(sivshmem_info, 536)						\
	M(sivshmem_info, size, 0, 4)					\
	M(sivshmem_info, flags, 4, 4)					\
	M(sivshmem_info, state, 8, 4)					\
	M(sivshmem_info, error, 12, 4)					\
	M(sivshmem_info, end_reason, 16, 4)				\
	M(sivshmem_info, suite, 20, 4)					\
	M(sivshmem_info, minor, 24, 4)					\
	M(sivshmem_info, device, 28, 4)					\
	M(sivshmem_info, peer, 32, 4)					\
	M(sivshmem_info, vector, 36, 4)					\
	M(sivshmem_info, cid, 40, 8)					\
	M(sivshmem_info, ring_tx, 48, 8)				\
	M(sivshmem_info, ring_rx, 56, 8)				\
	M(sivshmem_info, max_record, 64, 8)				\
	M(sivshmem_info, handshake_ns, 72, 8)				\
	M(sivshmem_info, x25519_ns, 80, 8)				\
	M(sivshmem_info, tx_records, 88, 8)				\
	M(sivshmem_info, tx_bytes, 96, 8)				\
	M(sivshmem_info, rx_records, 104, 8)				\
	M(sivshmem_info, rx_bytes, 112, 8)				\
	M(sivshmem_info, bells_sent, 120, 8)				\
	M(sivshmem_info, bells_seen, 128, 8)				\
	M(sivshmem_info, window, 136, 96)				\
	M(sivshmem_info, epoch, 232, 16)				\
	M(sivshmem_info, peer_cert, 248, 32)				\
	M(sivshmem_info, region, 280, 64)				\
	M(sivshmem_info, peer_vm, 344, 64)				\
	M(sivshmem_info, peer_service, 408, 64)				\
	M(sivshmem_info, service, 472, 64)				\
	S(sivshmem_wait, 24)						\
	M(sivshmem_wait, size, 0, 4)					\
	M(sivshmem_wait, flags, 4, 4)					\
	M(sivshmem_wait, position, 8, 8)				\
	M(sivshmem_wait, timeout_ms, 16, 4)				\
	M(sivshmem_wait, reserved, 20, 4)				\
	S(sivshmem_shutdown, 16)					\
	M(sivshmem_shutdown, size, 0, 4)				\
	M(sivshmem_shutdown, how, 4, 4)					\
	M(sivshmem_shutdown, position, 8, 8)				\
	S(sivshmem_side, 320)						\
	M(sivshmem_side, prod, 0, 8)					\
	M(sivshmem_side, pad0, 8, 56)					\
	M(sivshmem_side, cons, 64, 8)					\
	M(sivshmem_side, pad1, 72, 56)					\
	M(sivshmem_side, want_prod, 128, 8)				\
	M(sivshmem_side, pad2, 136, 56)					\
	M(sivshmem_side, want_cons, 192, 8)				\
	M(sivshmem_side, pad3, 200, 56)					\
	M(sivshmem_side, end, 256, 8)					\
	M(sivshmem_side, pad4, 264, 56)					\
	S(sivshmem_record, 8)						\
	M(sivshmem_record, len, 0, 4)					\
	M(sivshmem_record, reserved, 4, 4)

/* C(name, value) */
#define SIV_ABI_VALUES(C)						\
	C(SIVSHMEM_ABI_VERSION, 1)					\
	C(SIVSHMEM_IOC, 0xD6)						\
	C(SIVSHMEM_NAME_LEN, 64)					\
	C(SIVSHMEM_VERSION, 0xd600)					\
	C(SIVSHMEM_CONNECT, 0xd601)					\
	C(SIVSHMEM_LISTEN, 0xd602)					\
	C(SIVSHMEM_REGION_INFO, 0xd603)					\
	C(SIVSHMEM_ACCEPT, 0xd610)					\
	C(SIVSHMEM_INFO, 0xd620)					\
	C(SIVSHMEM_WAIT, 0xd621)					\
	C(SIVSHMEM_BELL, 0xd622)					\
	C(SIVSHMEM_SHUTDOWN, 0xd623)					\
	C(SIVSHMEM_SEALED, 0x1)						\
	C(SIVSHMEM_NONBLOCK, 0x2)					\
	C(SIVSHMEM_NODE_SHARED, 0x4)					\
	C(SIVSHMEM_NO_NODE, 0x8)					\
	C(SIVSHMEM_SUITE_DEFAULT, 0)					\
	C(SIVSHMEM_SUITE_CHACHAPOLY, 1)					\
	C(SIVSHMEM_SUITE_AESGCM, 2)					\
	C(SIVSHMEM_REGION_ISOLATED, 0x1)				\
	C(SIVSHMEM_REGION_CACHED, 0x2)					\
	C(SIVSHMEM_POSTURE_NO_LOCKDOWN, 0x1)				\
	C(SIVSHMEM_POSTURE_IOMEM_RELAXED, 0x2)				\
	C(SIVSHMEM_POSTURE_NO_STRICT_DEVMEM, 0x4)			\
	C(SIVSHMEM_POSTURE_ANCHORS_OPEN, 0x8)				\
	C(SIVSHMEM_POSTURE_UNLOADABLE, 0x10)				\
	C(SIVSHMEM_POSTURE_UNSIGNED, 0x20)				\
	C(SIVSHMEM_POSTURE_UNCACHED, 0x40)				\
	C(SIVSHMEM_WIN_CTL_OWN, 0)					\
	C(SIVSHMEM_WIN_CTL_PEER, 1)					\
	C(SIVSHMEM_WIN_TX, 2)						\
	C(SIVSHMEM_WIN_RX, 3)						\
	C(SIVSHMEM_WINDOWS, 4)						\
	C(SIVSHMEM_INFO_SEALED, 0x1)					\
	C(SIVSHMEM_INFO_CONNECTOR, 0x2)					\
	C(SIVSHMEM_INFO_MAPPED, 0x4)					\
	C(SIVSHMEM_INFO_RW, 0x8)					\
	C(SIVSHMEM_NO_MINOR, 0xffffffffU)				\
	C(SIVSHMEM_WAIT_READ, 0x1)					\
	C(SIVSHMEM_WAIT_WRITE, 0x2)					\
	C(SIVSHMEM_SHUT_RD, 0x1)					\
	C(SIVSHMEM_SHUT_WR, 0x2)					\
	C(SIVSHMEM_END_WR, 0x1)						\
	C(SIVSHMEM_END_RD, 0x2)						\
	C(SIVSHMEM_CONNECTING, 0)					\
	C(SIVSHMEM_OPEN, 1)						\
	C(SIVSHMEM_CLOSING, 2)						\
	C(SIVSHMEM_ENDED, 3)

/* clang-format on */

#define SIV_ABI_S(type, bytes)                                                 \
	_Static_assert(sizeof(struct type) == (bytes), #type);                 \
	_Static_assert(_Alignof(struct type) <= 8, #type);
#define SIV_ABI_M(type, member, off, bytes)                                    \
	_Static_assert(__builtin_offsetof(struct type, member) == (off),       \
		       #type "." #member);                                     \
	_Static_assert(sizeof(((struct type *)0)->member) == (bytes),          \
		       #type "." #member);
#define SIV_ABI_C(name, value) _Static_assert((name) == (value), #name);

SIV_ABI_LAYOUT(SIV_ABI_S, SIV_ABI_M)
SIV_ABI_VALUES(SIV_ABI_C)

#undef SIV_ABI_S
#undef SIV_ABI_M
#undef SIV_ABI_C

#endif /* SIV_ABI_H */
