/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A file over a channel. Every record begins with its type; numbers are little-endian.
 *
 *   OFFER    type u32, 0 u32, size u64 (all ones: not known), name, 1 to 255 bytes
 *   DATA     type u32, 0 u32, offset u64, bytes: the next ones, nothing left out
 *   END      type u32, 0 u32, size u64, SHA-256
 *   VERDICT  type u32, errno u32 (0: stored and verified), size u64, SHA-256
 *
 * The sender sends OFFER, DATA..., END; the receiver one VERDICT, when it is done or
 * earlier when it gives up.
 */
#ifndef SIVSHMEMCTL_FILE_PROTO_H
#define SIVSHMEMCTL_FILE_PROTO_H

#include "core/platform.h"

enum {
	FILE_OFFER = 0x31465653, /* "SVF1" */
	FILE_DATA = 0x32465653,
	FILE_END = 0x33465653,
	FILE_VERDICT = 0x34465653,
};

enum {
	FILE_HDR = 16,
	FILE_NAME_MAX = 255,
	FILE_SHA = 32,
};

#define FILE_SIZE_UNKNOWN UINT64_MAX

static inline void file_put(u8 *record, u32 type, u32 code, u64 number)
{
	siv_put_le32(record, type);
	siv_put_le32(record + 4, code);
	siv_put_le64(record + 8, number);
}

#endif /* SIVSHMEMCTL_FILE_PROTO_H */
