/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One honest end of a ring (core/ring.h) and a peer that writes whatever it likes, at any
 * time, into the words it may write: the honest end never touches a byte outside the ring
 * or outside what it judged, copies no more than a record may have, and a position that
 * breaks a rule ends the channel (RING_POSITION), a header that does, likewise.
 *
 * Assumptions
 *  - The peer is a process that may write between any two accesses: every aligned position
 *    and one that is not (what is not aligned is refused alike), and of the ring's cells the
 *    header of the next record, with each length that is an edge. What a payload holds
 *    decides nothing.
 *  - An access to a word is whole. Order of memory is not modelled: a peer that writes any
 *    value at any time can write whatever a late store would have shown.
 *  - Bells and requests are left out: they decide only when an end looks, and it may look
 *    at any time here.
 *  - With PRODUCER the honest end produces, otherwise it consumes. It goes on for ever.
 */
#include "ring_rules.pml"

byte word;   /* the peer's position: prod or cons */
byte header; /* of the next record */

bit inside_ring = 1, inside_judged = 1, not_too_long = 1, never_back = 1, aligned = 1;

inline maybe(v, more) { if :: v = v + more :: skip fi }

proctype hostile()
{
end:
	do
	:: atomic { /* any aligned position, 0 to 62, and one that is not */
			word = 0;
			if
			:: word = 1
			:: maybe(word, 2);
				maybe(word, 4);
				maybe(word, 8);
				maybe(word, 16);
				maybe(word, 32)
			fi
		}
#ifndef PRODUCER
	:: header = 0
	:: header = 1
	:: header = MAX_RECORD
	:: header = MAX_RECORD + 1
	:: header = SIZE - 1
#endif
	od
}

#ifdef PRODUCER

#ifdef MUTANT_CONS_MAY_PASS
#define REFUSED (now % ALIGN != 0)
#else
#ifdef MUTANT_CONS_MAY_GO_BACK
#define REFUSED (SUB(tx_prod, now) > SIZE || now % ALIGN != 0)
#else
#define REFUSED BAD_CONS(now, cons, tx_prod)
#endif
#endif

proctype producer()
{
	byte cons, now, tx_prod, need;
	short room, had;

	do
	:: atomic { /* siv_tx_room() */
			now = word;
			if
			:: REFUSED -> break /* SIV_R_RING_POSITION */
			:: else
			fi;
#ifdef MUTANT_CONS_READ_TWICE
		}
		atomic {
			now = word;
#endif
			cons = now;
			room = SIZE - SUB(tx_prod, cons);
			CLAIM(inside_ring, room <= SIZE && room >= 0);
			CLAIM(never_back, room >= had);
			CLAIM(aligned, cons % ALIGN == 0);
			had = room;
			now = 0
		}
		atomic {
			if :: need = NEED(1) :: need = NEED(MAX_RECORD) fi;
			if
			:: need <= room ->
				/* the bytes of the record are not the peer's */
				CLAIM(inside_judged, SUB(tx_prod, cons) + need <= SIZE);
				tx_prod = ADD(tx_prod, need);
				had = had - need
			:: else
			fi;
			need = 0
		}
	od
}

#else

#ifndef MUTANT_PROD_UNBOUNDED
#define UNBOUNDED TOO_FAR(now, cons)
#else
#define UNBOUNDED false
#endif
#ifndef MUTANT_PROD_UNALIGNED
#define UNALIGNED (now % ALIGN != 0)
#else
#define UNALIGNED false
#endif
#ifndef MUTANT_PROD_MAY_GO_BACK
#define BACK GOES_BACK(now, prod, cons)
#else
#define BACK false
#endif
#define REFUSED (UNBOUNDED || UNALIGNED || BACK)

/* siv_rx_header() */
#ifndef MUTANT_LENGTH_UNCHECKED
#define BAD_LENGTH(n, avail) \
	(n == 0 || n > MAX_RECORD || NEED(n) > avail)
#else
#define BAD_LENGTH(n, avail) (n == 0)
#endif

proctype consumer()
{
	byte cons, prod, now, avail, had, bytes;

	do
	:: atomic { /* siv_rx_avail() */
			now = word;
			if
			:: REFUSED -> break /* SIV_R_RING_POSITION */
			:: else
			fi;
#ifdef MUTANT_PROD_READ_TWICE
		}
		atomic {
			now = word;
#endif
			prod = now;
			avail = SUB(prod, cons);
			CLAIM(inside_ring, avail <= SIZE);
			CLAIM(never_back, avail >= had);
			CLAIM(aligned, prod % ALIGN == 0);
			had = avail;
			now = 0
		}
		if
		:: avail == 0
		:: else ->
			atomic {
				bytes = header;
				if
				:: BAD_LENGTH(bytes, avail) -> break /* SIV_R_RING_RECORD */
				:: else
				fi;
#ifdef MUTANT_HEADER_READ_TWICE
			}
			atomic {
				bytes = header;
#endif
				CLAIM(not_too_long, bytes > 0 && bytes <= MAX_RECORD);
				CLAIM(inside_judged, NEED(bytes) <= avail);
				/* siv_rx_release() */
				cons = ADD(cons, NEED(bytes));
				had = had - NEED(bytes);
				bytes = 0;
				avail = 0
			}
		fi
	od
}

#endif

init {
	atomic {
		run hostile();
#ifdef PRODUCER
		run producer()
#else
		run consumer()
#endif
	}
}
