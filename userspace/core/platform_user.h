/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The half of core/platform.h for user space, which includes this file. */
#ifndef SIV_CORE_PLATFORM_USER_H
#define SIV_CORE_PLATFORM_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#ifndef __must_check
#define __must_check __attribute__((warn_unused_result))
#endif
#ifndef __force
#define __force /* a cast that sparse is to believe */
#endif
#ifndef __aligned
#define __aligned(n) __attribute__((aligned(n)))
#endif
#ifndef READ_ONCE
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#endif
/*
 * The other side is another machine: virt_*() order even in a kernel without SMP. Whoever
 * uses one says what it pairs with.
 */
/* before all that follows */
#define virt_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
/* after all that came before */
#define virt_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
/* between own store and the other's load */
#define virt_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#ifndef static_assert
#define static_assert _Static_assert
#endif
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * @i, but 0 where a mispredicted check let an index of @n or more pass; both below
 * 2^63. The asm hides from the compiler that the check was made, as in the kernel.
 */
static inline u64 siv_index_nospec(u64 i, u64 n)
{
	__asm__ volatile("" : "+r"(i));
	/* all our compilers shift the sign in */
	/* cppcheck-suppress shiftTooManyBitsSigned */
	return i & (u64)(~(s64)(i | (n - 1 - i)) >> 63);
}

/* explicit_bzero() cannot be optimised away; glibc and musl both have it. */
void explicit_bzero(void *p, size_t n);
#define siv_wipe(p, n) explicit_bzero((p), (n))

#endif /* SIV_CORE_PLATFORM_USER_H */
