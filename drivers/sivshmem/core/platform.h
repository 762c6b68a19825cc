/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the core needs from the language and the machine, in the kernel and in
 * user space. This is the only file of the core that tests __KERNEL__.
 */
#ifndef SIV_CORE_PLATFORM_H
#define SIV_CORE_PLATFORM_H

#ifdef __KERNEL__

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/nospec.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/barrier.h>

#define siv_wipe(p, n) memzero_explicit((p), (n))
#define siv_index_nospec(i, n) array_index_nospec((i), (n))

#else /* user space */

#include "core/platform_user.h" /* in userspace/ */

#endif /* __KERNEL__ */

/*
 * Memory of the region, in which somebody else writes at any time: sparse lets nobody read
 * it but by siv_peer_*(). What we alone write is without the mark: it is never read back.
 */
#ifdef __CHECKER__
#define __peer __attribute__((noderef, address_space(__peer)))
#else
#define __peer
#endif

/* siv_peer_copy() - bytes, each read once at most, into private memory. */
static inline void siv_peer_copy(void *to, const void __peer *from, size_t n)
{
	memcpy(to, (const void __force *)from, n);
}

/**
 * struct siv_span - a borrowed run of bytes
 * @p: first byte; NULL only if @n is 0
 * @n: number of bytes
 */
struct siv_span {
	const u8 *p;
	size_t n;
};

/* Little-endian fields are read and written bytewise: no alignment is assumed. */
static inline u16 siv_get_le16(const void *p)
{
	const u8 *b = p;

	return (u16)(b[0] | (u16)b[1] << 8);
}

static inline u32 siv_get_le32(const void *p)
{
	const u8 *b = p;

	/* the bytes of a word that was stored whole are no garbage */
	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	return (u32)b[0] | (u32)b[1] << 8 | (u32)b[2] << 16 | (u32)b[3] << 24;
}

static inline u64 siv_get_le64(const void *p)
{
	const u8 *b = p;

	return (u64)siv_get_le32(b) | (u64)siv_get_le32(b + 4) << 32;
}

static inline void siv_put_le16(void *p, u16 v)
{
	u8 *b = p;

	b[0] = (u8)v;
	b[1] = (u8)(v >> 8);
}

static inline void siv_put_le32(void *p, u32 v)
{
	u8 *b = p;

	siv_put_le16(b, (u16)v);
	siv_put_le16(b + 2, (u16)(v >> 16));
}

static inline void siv_put_le64(void *p, u64 v)
{
	u8 *b = p;

	siv_put_le32(b, (u32)v);
	siv_put_le32(b + 4, (u32)(v >> 32));
}

static inline bool siv_is_pow2(u64 v)
{
	return v && !(v & (v - 1));
}

#endif /* SIV_CORE_PLATFORM_H */
