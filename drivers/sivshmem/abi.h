/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ABI as literals: size of every struct, offset and length of every member, value
 * of every constant of include/uapi/linux/sivshmem.h. What the header says and what is
 * written here differ only if somebody changes the ABI; then the build breaks, in the
 * module, in the library's test and in the same test for 32 bits.
 *
 * A new member goes to the end of its struct and to the end of its list. The test reads
 * these lines to prove that there are no holes.
 */
#ifndef SIV_ABI_H
#define SIV_ABI_H

#include "core/platform.h"

#include <linux/ioctl.h>
#include <linux/sivshmem.h>

#define SIV_ABI_SIZE(type, bytes)                            \
	static_assert(sizeof(struct type) == (bytes) &&      \
			      __alignof__(struct type) <= 8, \
		      #type)
#define SIV_ABI_AT(type, member, off, bytes)                                 \
	static_assert(offsetof(struct type, member) == (off) &&              \
			      sizeof(((struct type *)0)->member) == (bytes), \
		      #type "." #member)
#define SIV_ABI_VALUE(name, value) static_assert((name) == (value), #name)

SIV_ABI_SIZE(sivshmem_connect, 232);
SIV_ABI_AT(sivshmem_connect, size, 0, 4);
SIV_ABI_AT(sivshmem_connect, flags, 4, 4);
SIV_ABI_AT(sivshmem_connect, key, 8, 4);
SIV_ABI_AT(sivshmem_connect, timeout_ms, 12, 4);
SIV_ABI_AT(sivshmem_connect, ring_tx, 16, 8);
SIV_ABI_AT(sivshmem_connect, ring_rx, 24, 8);
SIV_ABI_AT(sivshmem_connect, suite, 32, 4);
SIV_ABI_AT(sivshmem_connect, reserved, 36, 4);
SIV_ABI_AT(sivshmem_connect, service, 40, 64);
SIV_ABI_AT(sivshmem_connect, vm, 104, 64);
SIV_ABI_AT(sivshmem_connect, region, 168, 64);

SIV_ABI_SIZE(sivshmem_listen, 104);
SIV_ABI_AT(sivshmem_listen, size, 0, 4);
SIV_ABI_AT(sivshmem_listen, flags, 4, 4);
SIV_ABI_AT(sivshmem_listen, key, 8, 4);
SIV_ABI_AT(sivshmem_listen, timeout_ms, 12, 4);
SIV_ABI_AT(sivshmem_listen, backlog, 16, 4);
SIV_ABI_AT(sivshmem_listen, allow_len, 20, 4);
SIV_ABI_AT(sivshmem_listen, ring_max, 24, 8);
SIV_ABI_AT(sivshmem_listen, allow, 32, 8);
SIV_ABI_AT(sivshmem_listen, region, 40, 64);

SIV_ABI_SIZE(sivshmem_accept, 16);
SIV_ABI_AT(sivshmem_accept, size, 0, 4);
SIV_ABI_AT(sivshmem_accept, flags, 4, 4);
SIV_ABI_AT(sivshmem_accept, timeout_ms, 8, 4);
SIV_ABI_AT(sivshmem_accept, reserved, 12, 4);

SIV_ABI_SIZE(sivshmem_region_info, 184);
SIV_ABI_AT(sivshmem_region_info, size, 0, 4);
SIV_ABI_AT(sivshmem_region_info, flags, 4, 4);
SIV_ABI_AT(sivshmem_region_info, index, 8, 4);
SIV_ABI_AT(sivshmem_region_info, peer, 12, 4);
SIV_ABI_AT(sivshmem_region_info, vectors, 16, 4);
SIV_ABI_AT(sivshmem_region_info, granule, 20, 4);
SIV_ABI_AT(sivshmem_region_info, suites, 24, 4);
SIV_ABI_AT(sivshmem_region_info, posture, 28, 4);
SIV_ABI_AT(sivshmem_region_info, region_size, 32, 8);
SIV_ABI_AT(sivshmem_region_info, ring_min, 40, 8);
SIV_ABI_AT(sivshmem_region_info, ring_max, 48, 8);
SIV_ABI_AT(sivshmem_region_info, sealed_max, 56, 4);
SIV_ABI_AT(sivshmem_region_info, sessions, 60, 4);
SIV_ABI_AT(sivshmem_region_info, channels, 64, 4);
SIV_ABI_AT(sivshmem_region_info, fallback_ms, 68, 4);
SIV_ABI_AT(sivshmem_region_info, epoch, 72, 16);
SIV_ABI_AT(sivshmem_region_info, region, 88, 64);
SIV_ABI_AT(sivshmem_region_info, bus_id, 152, 32);

SIV_ABI_SIZE(sivshmem_window, 24);
SIV_ABI_AT(sivshmem_window, offset, 0, 8);
SIV_ABI_AT(sivshmem_window, length, 8, 8);
SIV_ABI_AT(sivshmem_window, prot, 16, 4);
SIV_ABI_AT(sivshmem_window, reserved, 20, 4);

SIV_ABI_SIZE(sivshmem_info, 536);
SIV_ABI_AT(sivshmem_info, size, 0, 4);
SIV_ABI_AT(sivshmem_info, flags, 4, 4);
SIV_ABI_AT(sivshmem_info, state, 8, 4);
SIV_ABI_AT(sivshmem_info, error, 12, 4);
SIV_ABI_AT(sivshmem_info, end_reason, 16, 4);
SIV_ABI_AT(sivshmem_info, suite, 20, 4);
SIV_ABI_AT(sivshmem_info, minor, 24, 4);
SIV_ABI_AT(sivshmem_info, device, 28, 4);
SIV_ABI_AT(sivshmem_info, peer, 32, 4);
SIV_ABI_AT(sivshmem_info, vector, 36, 4);
SIV_ABI_AT(sivshmem_info, cid, 40, 8);
SIV_ABI_AT(sivshmem_info, ring_tx, 48, 8);
SIV_ABI_AT(sivshmem_info, ring_rx, 56, 8);
SIV_ABI_AT(sivshmem_info, max_record, 64, 8);
SIV_ABI_AT(sivshmem_info, handshake_ns, 72, 8);
SIV_ABI_AT(sivshmem_info, x25519_ns, 80, 8);
SIV_ABI_AT(sivshmem_info, tx_records, 88, 8);
SIV_ABI_AT(sivshmem_info, tx_bytes, 96, 8);
SIV_ABI_AT(sivshmem_info, rx_records, 104, 8);
SIV_ABI_AT(sivshmem_info, rx_bytes, 112, 8);
SIV_ABI_AT(sivshmem_info, bells_sent, 120, 8);
SIV_ABI_AT(sivshmem_info, bells_seen, 128, 8);
SIV_ABI_AT(sivshmem_info, window, 136, 96);
SIV_ABI_AT(sivshmem_info, epoch, 232, 16);
SIV_ABI_AT(sivshmem_info, peer_cert, 248, 32);
SIV_ABI_AT(sivshmem_info, region, 280, 64);
SIV_ABI_AT(sivshmem_info, peer_vm, 344, 64);
SIV_ABI_AT(sivshmem_info, peer_service, 408, 64);
SIV_ABI_AT(sivshmem_info, service, 472, 64);

SIV_ABI_SIZE(sivshmem_wait, 24);
SIV_ABI_AT(sivshmem_wait, size, 0, 4);
SIV_ABI_AT(sivshmem_wait, flags, 4, 4);
SIV_ABI_AT(sivshmem_wait, position, 8, 8);
SIV_ABI_AT(sivshmem_wait, timeout_ms, 16, 4);
SIV_ABI_AT(sivshmem_wait, reserved, 20, 4);

SIV_ABI_SIZE(sivshmem_shutdown, 16);
SIV_ABI_AT(sivshmem_shutdown, size, 0, 4);
SIV_ABI_AT(sivshmem_shutdown, how, 4, 4);
SIV_ABI_AT(sivshmem_shutdown, position, 8, 8);

SIV_ABI_SIZE(sivshmem_side, 320);
SIV_ABI_AT(sivshmem_side, prod, 0, 8);
SIV_ABI_AT(sivshmem_side, pad0, 8, 56);
SIV_ABI_AT(sivshmem_side, cons, 64, 8);
SIV_ABI_AT(sivshmem_side, pad1, 72, 56);
SIV_ABI_AT(sivshmem_side, want_prod, 128, 8);
SIV_ABI_AT(sivshmem_side, pad2, 136, 56);
SIV_ABI_AT(sivshmem_side, want_cons, 192, 8);
SIV_ABI_AT(sivshmem_side, pad3, 200, 56);
SIV_ABI_AT(sivshmem_side, end, 256, 8);
SIV_ABI_AT(sivshmem_side, pad4, 264, 56);

SIV_ABI_SIZE(sivshmem_record, 8);
SIV_ABI_AT(sivshmem_record, len, 0, 4);
SIV_ABI_AT(sivshmem_record, reserved, 4, 4);

SIV_ABI_VALUE(SIVSHMEM_ABI_VERSION, 1);
SIV_ABI_VALUE(SIVSHMEM_IOC, 0xD6);
SIV_ABI_VALUE(SIVSHMEM_NAME_LEN, 64);
SIV_ABI_VALUE(SIVSHMEM_VERSION, 0xd600);
SIV_ABI_VALUE(SIVSHMEM_CONNECT, 0xd601);
SIV_ABI_VALUE(SIVSHMEM_LISTEN, 0xd602);
SIV_ABI_VALUE(SIVSHMEM_REGION_INFO, 0xd603);
SIV_ABI_VALUE(SIVSHMEM_ACCEPT, 0xd610);
SIV_ABI_VALUE(SIVSHMEM_INFO, 0xd620);
SIV_ABI_VALUE(SIVSHMEM_WAIT, 0xd621);
SIV_ABI_VALUE(SIVSHMEM_BELL, 0xd622);
SIV_ABI_VALUE(SIVSHMEM_SHUTDOWN, 0xd623);
SIV_ABI_VALUE(SIVSHMEM_SEALED, 0x1);
SIV_ABI_VALUE(SIVSHMEM_NONBLOCK, 0x2);
SIV_ABI_VALUE(SIVSHMEM_NODE_SHARED, 0x4);
SIV_ABI_VALUE(SIVSHMEM_NO_NODE, 0x8);
SIV_ABI_VALUE(SIVSHMEM_SUITE_DEFAULT, 0);
SIV_ABI_VALUE(SIVSHMEM_SUITE_CHACHAPOLY, 1);
SIV_ABI_VALUE(SIVSHMEM_SUITE_AESGCM, 2);
SIV_ABI_VALUE(SIVSHMEM_REGION_ISOLATED, 0x1);
SIV_ABI_VALUE(SIVSHMEM_REGION_CACHED, 0x2);
SIV_ABI_VALUE(SIVSHMEM_POSTURE_NO_LOCKDOWN, 0x1);
SIV_ABI_VALUE(SIVSHMEM_POSTURE_IOMEM_RELAXED, 0x2);
SIV_ABI_VALUE(SIVSHMEM_POSTURE_NO_STRICT_DEVMEM, 0x4);
SIV_ABI_VALUE(SIVSHMEM_POSTURE_ANCHORS_OPEN, 0x8);
SIV_ABI_VALUE(SIVSHMEM_POSTURE_UNLOADABLE, 0x10);
SIV_ABI_VALUE(SIVSHMEM_POSTURE_UNSIGNED, 0x20);
SIV_ABI_VALUE(SIVSHMEM_POSTURE_UNCACHED, 0x40);
SIV_ABI_VALUE(SIVSHMEM_POSTURE_READABLE, 0x80);
SIV_ABI_VALUE(SIVSHMEM_WIN_CTL_OWN, 0);
SIV_ABI_VALUE(SIVSHMEM_WIN_CTL_PEER, 1);
SIV_ABI_VALUE(SIVSHMEM_WIN_TX, 2);
SIV_ABI_VALUE(SIVSHMEM_WIN_RX, 3);
SIV_ABI_VALUE(SIVSHMEM_WINDOWS, 4);
SIV_ABI_VALUE(SIVSHMEM_INFO_SEALED, 0x1);
SIV_ABI_VALUE(SIVSHMEM_INFO_CONNECTOR, 0x2);
SIV_ABI_VALUE(SIVSHMEM_INFO_MAPPED, 0x4);
SIV_ABI_VALUE(SIVSHMEM_INFO_RW, 0x8);
SIV_ABI_VALUE(SIVSHMEM_NO_MINOR, 0xffffffffU);
SIV_ABI_VALUE(SIVSHMEM_WAIT_READ, 0x1);
SIV_ABI_VALUE(SIVSHMEM_WAIT_WRITE, 0x2);
SIV_ABI_VALUE(SIVSHMEM_SHUT_RD, 0x1);
SIV_ABI_VALUE(SIVSHMEM_SHUT_WR, 0x2);
SIV_ABI_VALUE(SIVSHMEM_END_WR, 0x1);
SIV_ABI_VALUE(SIVSHMEM_END_RD, 0x2);
SIV_ABI_VALUE(SIVSHMEM_CONNECTING, 0);
SIV_ABI_VALUE(SIVSHMEM_OPEN, 1);
SIV_ABI_VALUE(SIVSHMEM_CLOSING, 2);
SIV_ABI_VALUE(SIVSHMEM_ENDED, 3);

#endif /* SIV_ABI_H */
