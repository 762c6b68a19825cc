/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of core/ring.h, in small: positions run modulo 64, a header and the
 * alignment are 2 instead of 8, and the ring has 16 bytes. As in the driver, positions run
 * on freely and a ring is a small part of their range.
 */
#ifndef MOD
#define MOD 64
#endif
#define SIZE 16
#define HDR 2
#define ALIGN 2
#define CELLS 8 /* SIZE / ALIGN: what is read or written in one access */

#define ADD(a, b) (((a) + (b)) & (MOD - 1))
#define SUB(a, b) (((a) - (b)) & (MOD - 1))

/* siv_ring_need(), siv_ring_max_record(), siv_ring_crossed() */
#define NEED(len) (HDR + (((len) + ALIGN - 1) & ~(ALIGN - 1)))
#define MAX_RECORD (SIZE / 2 - HDR)
#define CROSSED(want, old, new) (SUB(SUB(want, old), 1) < SUB(new, old))

/* The cell of a position. */
#define CELL(pos) (((pos) & (SIZE - 1)) / ALIGN)

/* What siv_tx_room() and siv_rx_avail() refuse with SIV_R_RING_POSITION. */
#define BAD_CONS(cons, known, prod) \
	(SUB(cons, known) > SUB(prod, known) || (cons) % ALIGN != 0)
#define TOO_FAR(prod, cons) (SUB(prod, cons) > SIZE)
#define GOES_BACK(prod, known, cons) (SUB(prod, cons) < SUB(known, cons))

/* A property has a name, which Spin shows if it does not hold. */
#define CLAIM(name, condition) \
	if :: (condition) :: else -> assert(!name) fi
