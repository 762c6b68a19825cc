/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two honest ends of a ring (core/ring.h) that sleep and ring each other (channel_rw.c,
 * channel_wait.c, libsivshmem/ring_map.c): nobody sleeps for ever while there is something
 * to do (no invalid end state), nobody runs for ever (no cycle, however slow the other end
 * or memory is), and every record is read once, whole and in order.
 *
 * Assumptions
 *  - Memory is weaker than x86: each end has a store buffer; stores to different words
 *    leave it in any order, but a release leaves after all that was stored before it. A
 *    full barrier waits until it is empty. Loads take place in program order (they are
 *    acquires in ring.h); what an acquire prevents is shown by the mutant without it. An
 *    end never loads a word that it stores, so nothing is forwarded from a buffer.
 *  - A word of a position is loaded and stored whole, and so is a cell.
 *  - Doorbells are not lost, but merge, and one that comes before the sleeper has said that
 *    it sleeps (prepare_to_wait()) has no effect. The periodic re-check is left out: the
 *    protocol must do without it.
 *  - Spinning is left out: it is a look without a request, and there is one.
 *  - RECORDS records of three lengths, which wrap around the ring and around the range of
 *    positions.
 *  - With WAITERS the producer's end has a second waiter, as poll() beside write(): they
 *    share the word of the request, and a spinlock, which orders their stores to it. Then
 *    a record is its header only: what is inside is the other model's.
 *  - Cycles are looked for without WAITERS only. With RECORDS to send every cycle is one in
 *    which nothing gets on.
 */
#include "ring_rules.pml"

#ifndef RECORDS
#define RECORDS 4
#endif
#ifndef WAITERS
#define WAITERS 0
#endif
#define START 56 /* so that positions wrap after a record or two */
#define DEPTH 6  /* of a store buffer: a record of 4 cells, a position, a request */

/* The words of the shared memory; below PROD the cells of the ring. */
#define PROD 8
#define CONS 9
#define WANT_PROD 10
#define WANT_CONS 11
#define END 12
#define WORDS 13

/* Who has a store buffer and a bell. */
#define TX 0
#define RX 1
#define POLL 2

byte mem[WORDS];
bool bell[3];
byte sent[RECORDS + 1]; /* lengths */

bit record_lost = 1, record_torn = 1, rules_kept = 1;

typedef Buffer {
	byte n;
	byte word[DEPTH];
	byte value[DEPTH];
	bit last[DEPTH] /* a release */
};
Buffer buffer[3];

inline store(who, where, what, release)
{
	atomic {
		buffer[who].n < DEPTH;
		buffer[who].word[buffer[who].n] = where;
		buffer[who].value[buffer[who].n] = what;
		buffer[who].last[buffer[who].n] = release;
		buffer[who].n++
	}
}

inline barrier(who)
{
	buffer[who].n == 0
}

/* ------------------------------------------------------------------- memory */

#define B buffer[who]
#define FREE(i) (B.n > i && !B.last[i])
#define NOT(i, j) (B.word[i] != B.word[j])

inline leave(i)
{
	d_step {
		mem[B.word[i]] = B.value[i];
		k = i;
		do
		:: k + 1 < B.n ->
			B.word[k] = B.word[k + 1];
			B.value[k] = B.value[k + 1];
			B.last[k] = B.last[k + 1];
			k++
		:: else -> break
		od;
		B.n--;
		B.word[B.n] = 0;
		B.value[B.n] = 0;
		B.last[B.n] = 0;
		k = 0
	}
}

proctype memory(byte who)
{
	byte k;

end:
	do
	:: atomic { B.n > 0 -> leave(0) }
	:: atomic { FREE(1) && NOT(1, 0) -> leave(1) }
	:: atomic { FREE(2) && NOT(2, 0) && NOT(2, 1) -> leave(2) }
	:: atomic { FREE(3) && NOT(3, 0) && NOT(3, 1) && NOT(3, 2) -> leave(3) }
	:: atomic { FREE(4) && NOT(4, 0) && NOT(4, 1) && NOT(4, 2) &&
		    NOT(4, 3) -> leave(4) }
	:: atomic { FREE(5) && NOT(5, 0) && NOT(5, 1) && NOT(5, 2) &&
		    NOT(5, 3) && NOT(5, 4) -> leave(5) }
	od
}

/* ----------------------------------------------------------------- producer */

byte tx_prod = START; /* struct siv_tx: read by a second waiter as well */
byte tx_want = START;
bool tx_lock;

/* siv_tx_room() */
inline tx_room()
{
	atomic {
		now = mem[CONS];
		CLAIM(rules_kept, !BAD_CONS(now, cons, tx_prod));
		cons = now;
		now = 0
	}
}

/* siv_channel_arm_tx(): a nearer request that still lies ahead stands. */
inline tx_request(who, at, target)
{
	atomic { !tx_lock -> tx_lock = true };
	if
	:: CROSSED(tx_want, at, target)
	:: else -> tx_want = target; store(who, WANT_CONS, target, 0)
	fi;
#if WAITERS
	barrier(who);
#endif
	tx_lock = false
}

inline ring_tx()
{
	atomic { bell[TX] = true; bell[POLL] = true }
}

#define ROOM (SIZE - SUB(tx_prod, cons))

proctype producer()
{
	byte r = 1, bytes, need, old, i, now;
	byte cons = START;

	do
	:: r > RECORDS -> break
	:: else ->
		atomic {
			if :: bytes = 1 :: bytes = 4 :: bytes = 6 fi;
			need = NEED(bytes);
			sent[r] = bytes
		}
		tx_room();
		do
		:: ROOM >= need -> break
		:: else ->
			/* asleep from here on, then look once more */
#ifndef MUTANT_PRODUCER_SLEEPS_LATE
			bell[TX] = false;
#endif
#ifndef MUTANT_PRODUCER_ASKS_AFTER_LOOK
			tx_request(TX, cons, SUB(ADD(tx_prod, need), SIZE));
#ifndef MUTANT_NO_BARRIER_TX_ARM
			barrier(TX);
#endif
#endif
			tx_room();
#ifdef MUTANT_PRODUCER_ASKS_AFTER_LOOK
			tx_request(TX, cons, SUB(ADD(tx_prod, need), SIZE));
			barrier(TX);
#endif
			if
			:: ROOM >= need -> break
			:: else
			fi;
#ifdef MUTANT_PRODUCER_SLEEPS_LATE
			bell[TX] = false;
#endif
			bell[TX];
			tx_room()
		od;
		/* the record, its header last */
#if !WAITERS
		i = HDR;
		do
		:: i >= need -> break
		:: else ->
			store(TX, CELL(tx_prod + i), r * 8 + i / ALIGN, 0);
			i = i + ALIGN
		od;
		i = 0;
#endif
		store(TX, CELL(tx_prod), r * 8 + bytes, 0);
		/* siv_tx_publish() */
		atomic { old = tx_prod; tx_prod = ADD(old, need) }
#ifndef MUTANT_NO_RELEASE
		store(TX, PROD, tx_prod, 1);
#else
		store(TX, PROD, tx_prod, 0);
#endif
#ifndef MUTANT_NO_BARRIER_TX_PUBLISH
		barrier(TX);
#endif
		atomic {
			if
			:: CROSSED(mem[WANT_PROD], old, tx_prod) -> bell[RX] = true
			:: else
			fi;
			old = 0; bytes = 0; need = 0;
			r++
		}
	od;
	/* siv_end_set(), and the bell in any case */
	store(TX, END, 1, 1);
#ifndef MUTANT_NO_BARRIER_END
	barrier(TX);
#endif
	bell[RX] = true
}

#if WAITERS
/*
 * poll(): writable as soon as the smallest record fits; siv_view_tx(), siv_view_arm(). The
 * writer may move our position meanwhile: then the request was for an old one.
 */
#define WRITABLE(prod, at) \
	(SUB(prod, at) > SIZE || SIZE - SUB(prod, at) >= NEED(1))
#define TRIES 2

proctype poller()
{
	byte prod, asked, cons, tries;

again:
	bell[POLL] = false; /* poll_wait() */
	tries = 0;
	atomic { prod = tx_prod; asked = prod }
	cons = mem[CONS];
	do
	:: WRITABLE(prod, cons) || tries == TRIES -> goto done
	:: else ->
		atomic { asked = prod; tries++ }
		cons = mem[CONS];
		tx_request(POLL, cons, SUB(ADD(prod, NEED(1)), SIZE));
		prod = tx_prod;
		cons = mem[CONS];
#ifndef MUTANT_POLL_ASKS_ONCE
		if :: prod == asked -> break :: else fi
#else
		break
#endif
	od;
	if
	:: WRITABLE(prod, cons) -> goto done
	:: else -> bell[POLL]
	fi;
	goto again;
done:
	skip
}
#endif

/* ----------------------------------------------------------------- consumer */

/* siv_rx_avail() */
inline rx_avail()
{
	atomic {
		now = mem[PROD];
		CLAIM(rules_kept, !TOO_FAR(now, cons) && now % ALIGN == 0 &&
		      !GOES_BACK(now, prod, cons));
		prod = now;
		now = 0
	}
}

/* The mark first: what it ends was published before it. */
inline rx_look()
{
#ifdef MUTANT_NO_ACQUIRE
	header = mem[CELL(cons)];
#endif
#ifndef MUTANT_MARK_AFTER_POSITION
	ended = mem[END];
	rx_avail()
#else
	rx_avail();
	ended = mem[END]
#endif
}

/* siv_rx_release() */
inline rx_release()
{
	atomic { old = cons; cons = ADD(old, need) }
	store(RX, CONS, cons, 1);
#ifndef MUTANT_NO_BARRIER_RX_RELEASE
	barrier(RX);
#endif
	atomic {
		if
		:: CROSSED(mem[WANT_CONS], old, cons) -> ring_tx()
		:: else
		fi;
		old = 0
	}
}

proctype consumer()
{
	byte r, header, need, i, from, now, old;
	byte prod = START, cons = START;
	bool ended;

	do
	:: rx_look();
		if
		:: prod == cons && !ended ->
#ifndef MUTANT_BELL_NOT_TAKEN
#ifndef MUTANT_CONSUMER_SLEEPS_LATE
			bell[RX] = false;
#endif
#endif
#ifndef MUTANT_CONSUMER_ASKS_AFTER_LOOK
			store(RX, WANT_PROD, ADD(prod, 1), 0);
#ifndef MUTANT_NO_BARRIER_RX_ARM
			barrier(RX);
#endif
#endif
			rx_look();
#ifdef MUTANT_CONSUMER_ASKS_AFTER_LOOK
			store(RX, WANT_PROD, ADD(prod, 1), 0);
			barrier(RX);
#endif
#ifdef MUTANT_CONSUMER_SLEEPS_LATE
			bell[RX] = false;
#endif
			if
			:: prod == cons && !ended -> bell[RX]
			:: else
			fi
		:: else
		fi;
		if
		:: prod == cons && ended -> break
		:: prod == cons && !ended
		:: prod != cons ->
#ifndef MUTANT_NO_ACQUIRE
			header = mem[CELL(cons)];
#endif
			atomic {
				r++;
				CLAIM(record_torn, r <= RECORDS &&
				      header == r * 8 + sent[r]);
				need = NEED(sent[r]);
				header = 0;
				CLAIM(rules_kept, need <= SUB(prod, cons));
				from = cons;
				i = HDR
			}
#ifdef MUTANT_RELEASED_BEFORE_READ
			rx_release();
#endif
#if !WAITERS
			do
			:: i >= need -> break
			:: else ->
				atomic {
					CLAIM(record_torn, mem[CELL(from + i)] ==
					      r * 8 + i / ALIGN);
					i = i + ALIGN
				}
			od;
#endif
#ifndef MUTANT_RELEASED_BEFORE_READ
			rx_release();
#endif
			atomic { i = 0; from = 0; need = 0 }
		fi
	od;
	CLAIM(record_lost, r == RECORDS)
}

init {
	atomic {
		mem[PROD] = START;
		mem[CONS] = START;
		mem[WANT_PROD] = START;
		mem[WANT_CONS] = START;
		run memory(TX);
		run memory(RX);
		run producer();
		run consumer();
#if WAITERS
		run memory(POLL);
		run poller()
#endif
	}
}
