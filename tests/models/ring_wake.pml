/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One honest end of a ring (core/ring.h) that sleeps and is woken (channel_wait.c), and a
 * peer that writes its position as it likes, at any time, rings or does not, and may fall
 * silent for ever. What holds with such a peer:
 *  - Once it rings and then leaves its position alone, the end does not sleep over work:
 *    room, a record, or a position that breaks a rule (woken_by_bell).
 *  - Without a bell the fallback wakes the end for work, unless the peer has changed its
 *    position since the fallback saw it, and back again (woken_by_fallback). So a peer can
 *    have us wait for ever, but only for its own records or room, which it may withhold.
 *  - A bell makes the end look twice, no more (bounded), and once the peer is silent the
 *    end comes to rest (no cycle without the peer).
 *  - Nothing outside of the ring is touched, before sleep or after.
 *
 * Assumptions
 *  - What ring_hostile.pml assumes; the range of positions is two rings. Headers are that
 *    model's: here the end takes the smallest or the largest record that may be there.
 *  - Requests are left out. The peer's decides only if we ring it, once for each record,
 *    which costs us a store; ours decides nothing, for the peer rings or not as it likes.
 *  - A position that was written before a bell is seen by whom the bell wakes. Bells merge.
 *  - The fallback runs again and again while the end sleeps, and is a wake-up like a bell.
 *    It compares one word here; the other direction's and the end mark wake likewise.
 *  - Spinning, and the look before one says that one sleeps, are left out.
 *  - With PRODUCER the honest end produces, otherwise it consumes. It goes on for ever.
 */
#define MOD 32
#include "ring_rules.pml"

#define LOOKS 2

byte word;  /* the peer's position: prod or cons */
byte ours;  /* our own, private */
byte known; /* the last judged copy of @word */
byte need;  /* a producer's: so much room is wanted */
byte seen;  /* by the fallback */
bool bell;

/* For the properties alone. */
bool asleep;
bool rung;   /* the peer rang, and has left its position alone since */
bool turned; /* it has changed its position since the fallback ran */
byte looks;  /* since the last bell, or record */

bit inside_ring = 1, aligned = 1, never_back = 1, bounded = 1;
bit woken_by_bell = 1, woken_by_fallback = 1;

inline add_any(v, a, b, c) { if :: skip :: v = v + a :: v = v + b :: v = v + c fi }

proctype hostile()
{
	byte next;

progress: /* what goes on without the peer would go on when it is silent, too */
	do
	:: atomic { /* any aligned position, 0 to 30, and one that is not */
			if
			:: next = 1
			:: add_any(next, 2, 4, 6);
				add_any(next, 8, 16, 24)
			fi;
			if
			:: next != word -> word = next; rung = false; turned = true
			:: else
			fi;
			next = 0
		}
	:: atomic { !bell || !rung -> bell = true; rung = true }
	:: break /* silent from now on */
	od
}

#ifdef PRODUCER
/* siv_tx_room() */
#define REFUSED(now) BAD_CONS(now, known, ours)
#define READY(at) (SIZE - SUB(ours, at) >= need)
#define LEFT(at) (SIZE - SUB(ours, at))
#else
/* siv_rx_avail() */
#define REFUSED(now) \
	(TOO_FAR(now, ours) || (now) % ALIGN != 0 || GOES_BACK(now, known, ours))
#define READY(at) ((at) != ours)
#define LEFT(at) SUB(at, ours)
#endif

/* siv_channel_bell_recheck() */
#ifdef MUTANT_FALLBACK_OVERLOOKS
/* what breaks a rule is no reason to wake */
#define MOVED (word != seen && !REFUSED(word))
#else
#ifdef MUTANT_FALLBACK_WAKES_ALWAYS
#define MOVED true
#else
#define MOVED (word != seen)
#endif
#endif

proctype fallback()
{
end:
	do
#ifndef MUTANT_NO_FALLBACK
	:: atomic { asleep && MOVED -> seen = word; turned = false }
		bell = true
#else
	:: false
#endif
	od
}

inline take(now)
{
	CLAIM(inside_ring, LEFT(now) >= 0 && LEFT(now) <= SIZE);
	CLAIM(aligned, now % ALIGN == 0);
	CLAIM(never_back, LEFT(now) >= LEFT(known));
	known = now
}

inline look()
{
	atomic {
		looks++;
		CLAIM(bounded, looks <= LOOKS);
		if
		:: REFUSED(word) -> goto ended /* SIV_R_RING_POSITION */
		:: else -> take(word)
		fi
	}
}

inline look_again()
{
#ifdef MUTANT_SECOND_LOOK_UNJUDGED
	atomic { looks++; take(word) }
#else
#ifdef MUTANT_LOOKS_UNTIL_STILL
	/* two looks must be alike */
	do
	:: look();
		if :: known == word -> break :: else fi
	od
#else
	look()
#endif
#endif
}

/* wait_event() and the look that it waits for: siv_read_look(), siv_write_look() */
inline wait()
{
	do
	:: asleep = true;
#ifndef MUTANT_SLEEPS_LATE
		bell = false;
#endif
		look();
		if
		:: READY(known) -> break
		:: else /* the request */
		fi;
		look_again();
#ifdef MUTANT_SLEEPS_LATE
		bell = false;
#endif
		if
		:: READY(known) -> break
		:: else
		fi;
#ifndef MUTANT_NEVER_SLEEPS
end_asleep:
#ifndef MUTANT_WAKES_ONLY_AS_ASKED
		atomic { bell -> looks = 0 }
#else /* the bell is believed only where the position has come far enough */
		atomic { bell && !REFUSED(word) && READY(word) -> looks = 0 }
#endif
#endif
	od;
	asleep = false
}

proctype honest()
{
	byte n;

	do
	:: /* a record that will be sent, or is there, of any length */
#ifdef PRODUCER
		atomic {
			if :: need = NEED(1) :: need = NEED(MAX_RECORD) fi
		}
#endif
		wait();
		atomic {
#ifdef PRODUCER
			n = need;
#else
			if
			:: LEFT(known) >= NEED(1) -> n = NEED(1)
			:: LEFT(known) >= NEED(MAX_RECORD) -> n = NEED(MAX_RECORD)
			:: LEFT(known) < NEED(1) -> goto ended /* SIV_R_RING_RECORD */
			fi;
#endif
			ours = ADD(ours, n);
			n = 0;
			looks = 0
		}
	od;
ended:
	asleep = false
}

#define WORK (REFUSED(word) || READY(word))

/* When nothing moves any more. */
proctype judge()
{
	timeout;
	CLAIM(woken_by_bell, !asleep || !WORK || !rung);
	CLAIM(woken_by_fallback, !asleep || !WORK || (turned && word == seen))
}

init {
	atomic {
		run hostile();
		run fallback();
		run honest();
		run judge()
	}
}
