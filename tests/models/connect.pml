/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connect handshake (core/connect.c, core/noise.c) with the attacker in the middle:
 * ends that are OPEN agree on each other's certificate and on all of COMMON, each run of
 * one end belongs to at most one of the other, ring keys stay secret, also when all static
 * keys are stolen afterwards, and nothing is sealed twice under one key and nonce.
 *
 * Assumptions
 *  - Cryptography is perfect: a hash or key is the tuple of what went into it, a message
 *    opens only under the key, and with the associated data, that it was sealed with, and
 *    X25519 of two keys is known to who has the private part of one. Nothing is guessed.
 *  - The attacker is the daemon taken over, without the CA's key, and with it every kernel
 *    but the two: it writes, drops, swaps and replays each message, for the sessions are
 *    its own. What was sent stays with it, also when the sender has ended. It draws cid
 *    and N. It has a certified identity, c, of its own, and knows all ephemeral public
 *    keys from the start.
 *  - A message is not taken for one of another kind: M2 is sealed by Noise, M3 under k1.
 *  - Two runs connect, two runs listen: a to b, and b; then a or b to the other, to c or
 *    to itself, and a or b. a has two certificates, after a renewal.
 *  - Values in small: two cids, two Ns, two terms, two extents. The terms are what A asked
 *    for: flags, suite and sizes stand side by side in the prologue and in COMMON, so one
 *    bit stands for all. Epoch, region, service and host certificate are in the prologue
 *    only, the same for everybody here.
 *  - Certificates are judged as in channel_connect.c: signature, name, not one's own. What
 *    makes a certificate good is not part of the model.
 *  - KCI is not: an attacker with the key of a can be anybody towards a (protocol.rst).
 *  - With REPEAT, both ends repeat their ephemeral keys and the host, which is honest and
 *    lost its counter, repeats the cid: then N alone is new. Messages arrive as sent.
 */

/* Certificates, their keys (A, B honest; C the attacker's) and names. */
#define CERT_A 1
#define CERT_A_NEW 2
#define CERT_B 3
#define CERT_C 4
#define CERT_FORGED 5 /* the name of b, the attacker's key, no signature */

#define NAME(cert) \
	((cert) == CERT_A_NEW -> CERT_A : ((cert) == CERT_FORGED -> CERT_B : (cert)))
#define KEY(cert) \
	((cert) == CERT_A_NEW -> CERT_A : ((cert) == CERT_FORGED -> CERT_C : (cert)))
#define SIGNED(cert) ((cert) != CERT_FORGED)

/* Runs 0 and 1 connect, 2 and 3 listen; run r draws the ephemeral key r, unless mutated. */
#define RUNS 4
#define E_ATTACKER 4
#define FORGED 5 /* a message of the attacker's own making */

/* What a run has done; nothing that was sent is ever lost. */
#define IDLE 0
#define ENDED 1	   /* before it sent M2 or M3 */
#define ACCEPTED 2 /* M2 was sent */
#define GAVE_UP 3  /* so was it, but then GRANT_B was bad */
#define OPEN 4	   /* that it was, and M3 sent or opened; it may have ended since */

/* What a run takes into its prologue and keys, and COMMON. */
typedef Run {
	byte state;
	byte own, peer;	   /* certificates */
	byte cid, n;
	bit terms;
	byte e_own, e_peer;
	byte c_cid;	   /* COMMON */
	bit c_terms, c_extent
};
Run run_[RUNS];

bit agreement = 1, injectivity = 1, itself = 1, asked = 1, secrecy = 1;
bit forward_secrecy = 1, nonce_once = 1;

#define CLAIM(name, condition) \
	if :: (condition) :: else -> assert(!name) fi

#define R(x) run_[x]
#define LISTENS(x) ((x) >= 2)
#define CERT_OF_A(x) (LISTENS(x) -> R(x).peer : R(x).own)
#define CERT_OF_B(x) (LISTENS(x) -> R(x).own : R(x).peer)
#define E_A(x) (LISTENS(x) -> R(x).e_peer : R(x).e_own)
#define E_B(x) (LISTENS(x) -> R(x).e_own : R(x).e_peer)

/* ------------------------------------------------------------------- secrets */

/* Z of the pair, in either order of the two. */
#define SAME_Z(x, y) \
	((KEY(R(x).own) == KEY(R(y).own) && KEY(R(x).peer) == KEY(R(y).peer)) || \
	 (KEY(R(x).own) == KEY(R(y).peer) && KEY(R(x).peer) == KEY(R(y).own)))
#define KNOWS_Z(x) (KEY(R(x).own) == CERT_C || KEY(R(x).peer) == CERT_C)

#ifndef MUTANT_CERTIFICATES_NOT_BOUND
#define SAME_CERTS(x, y) \
	(CERT_OF_A(x) == CERT_OF_A(y) && CERT_OF_B(x) == CERT_OF_B(y))
#else
#define SAME_CERTS(x, y) true
#endif

#ifndef MUTANT_N_LEFT_OUT
#define SAME_N(x, y) (R(x).n == R(y).n)
#else
#define SAME_N(x, y) true
#endif

#ifndef MUTANT_PSK_OF_THE_REGION
#define SAME_PSK(x, y) \
	(SAME_Z(x, y) && R(x).cid == R(y).cid && SAME_N(x, y) && SAME_CERTS(x, y))
#define KNOWS_PSK(x) KNOWS_Z(x)
#else /* one secret, which all members have */
#define SAME_PSK(x, y) \
	(R(x).cid == R(y).cid && SAME_N(x, y) && SAME_CERTS(x, y))
#define KNOWS_PSK(x) true
#endif

/* ck after M2: e, e, ee, psk. */
#define SAME_CK(x, y) \
	(E_A(x) == E_A(y) && E_B(x) == E_B(y) && SAME_PSK(x, y))
#define KNOWS_EE(x) (R(x).e_own == E_ATTACKER || R(x).e_peer == E_ATTACKER)

/* hh: the prologue and what was sent. */
#ifndef MUTANT_TERMS_NOT_BOUND
#define SAME_TERMS(x, y) (R(x).terms == R(y).terms)
#else
#define SAME_TERMS(x, y) true
#endif
#define SAME_HH(x, y) \
	(R(x).cid == R(y).cid && SAME_N(x, y) && SAME_TERMS(x, y) && \
	 SAME_CERTS(x, y) && SAME_CK(x, y))

#define SAME_COMMON(x, y) \
	(R(x).c_cid == R(y).c_cid && R(x).c_terms == R(y).c_terms && \
	 R(x).c_extent == R(y).c_extent)

/* Whom the attacker is not, nor has the key of. */
#define HONEST(cert) ((cert) < CERT_C || (cert) == CERT_FORGED)

/* ---------------------------------------------------------------- properties */

/* Everything two ends of one connect must have alike. */
#define MATCH(x, y) \
	(R(x).own == R(y).peer && R(x).peer == R(y).own && \
	 R(x).cid == R(y).cid && R(x).n == R(y).n && \
	 R(x).terms == R(y).terms && \
	 R(x).e_own == R(y).e_peer && R(x).e_peer == R(y).e_own)

#define ACCEPTED_BY(a, b) (MATCH(a, b) && R(b).state >= ACCEPTED)
#define OPENED_WITH(b, a) \
	(MATCH(b, a) && R(a).state == OPEN && SAME_COMMON(a, b))

/* M3 and the first record are sealed at once: k1 nonce 0, ring key position 0. */
inline check_keys(x, y)
{
	CLAIM(nonce_once, !(R(x).state == OPEN && R(y).state == OPEN &&
			    SAME_HH(x, y)))
}

inline check_open(x)
{
	CLAIM(itself, NAME(R(x).own) != NAME(R(x).peer));
	CLAIM(asked, R(x).c_cid == R(x).cid && R(x).c_terms == R(x).terms);
	CLAIM(secrecy, !HONEST(R(x).peer) || !KNOWS_PSK(x) || !KNOWS_EE(x));
	/* all static keys stolen: what is left is ee */
	CLAIM(forward_secrecy, !HONEST(R(x).peer) || !KNOWS_EE(x));
	check_keys(0, 1);
	check_keys(2, 3);
#ifdef MUTANT_ONE_KEY_FOR_BOTH_DIRECTIONS
	check_keys(0, 2);
	check_keys(0, 3);
	check_keys(1, 2);
	check_keys(1, 3)
#endif
}

inline check_a(x)
{
	check_open(x);
	CLAIM(agreement, !HONEST(R(x).peer) || ACCEPTED_BY(x, 2) ||
	      ACCEPTED_BY(x, 3));
	CLAIM(injectivity, !(R(0).state == OPEN && R(1).state == OPEN &&
	      ((ACCEPTED_BY(0, 2) && ACCEPTED_BY(1, 2)) ||
	       (ACCEPTED_BY(0, 3) && ACCEPTED_BY(1, 3)))))
}

inline check_b(x)
{
	check_open(x);
	CLAIM(agreement, !HONEST(R(x).peer) || OPENED_WITH(x, 0) ||
	      OPENED_WITH(x, 1));
	CLAIM(injectivity, !(R(2).state == OPEN && R(3).state == OPEN &&
	      ((OPENED_WITH(2, 0) && OPENED_WITH(3, 0)) ||
	       (OPENED_WITH(2, 1) && OPENED_WITH(3, 1)))))
}

/* --------------------------------------------------------------- the attacker */

inline any_bit(v) { if :: v = 0 :: v = 1 fi }
inline any_number(v) { if :: v = 1 :: v = 2 fi }

inline any_cert(v)
{
	if
	:: v = CERT_A
	:: v = CERT_A_NEW
	:: v = CERT_B
	:: v = CERT_C
	:: v = CERT_FORGED
	fi
}

/* Every ephemeral key there is, or its own. */
inline any_e(v)
{
	if
	:: v = R(0).e_own
	:: v = R(1).e_own
	:: v = R(2).e_own
	:: v = R(3).e_own
	:: v = E_ATTACKER
	fi
}

/* Of what was sent nothing is forgotten; the rest decides nothing any more. */
inline end(x)
{
	d_step {
		R(x).peer = 0;
		R(x).cid = 0; R(x).n = 0;
		R(x).terms = 0;
		R(x).e_peer = 0;
		R(x).c_cid = 0; R(x).c_terms = 0; R(x).c_extent = 0;
		R(x).state = ENDED
	}
}

/* M2 was sent: all that it was made of stays, for the attacker has it. */
inline give_up(x)
{
	d_step {
		R(x).c_cid = 0; R(x).c_terms = 0; R(x).c_extent = 0;
		R(x).state = GAVE_UP
	}
}

/* COMMON is what the attacker says; siv_common_check(). */
inline take_common(x)
{
	any_number(R(x).c_cid);
	any_bit(R(x).c_terms);
	any_bit(R(x).c_extent)
}

#ifndef MUTANT_COMMON_UNCHECKED
#define COMMON_GOOD(x) \
	(R(x).c_cid == R(x).cid && R(x).c_terms == R(x).terms)
#else
#define COMMON_GOOD(x) true
#endif

/* siv_connect_parties(), siv_pair_prk(); and the CA's signature. */
#ifndef MUTANT_ITSELF
#define NOT_ITSELF(x) (KEY(R(x).peer) != KEY(R(x).own))
#else
#define NOT_ITSELF(x) true
#endif
#ifndef MUTANT_UNSIGNED
#define GOOD_CERT(x) (SIGNED(R(x).peer) && NOT_ITSELF(x))
#else
#define GOOD_CERT(x) NOT_ITSELF(x)
#endif

/* Has the attacker the key to seal a message of its own? */
#define CAN_FORGE(x) (KNOWS_PSK(x) && KNOWS_EE(x))

/* M2 of run @y, or the attacker's, opens at @x. */
#ifndef MUTANT_M2_NOT_OPENED
#define M2_OPENS(x, y) \
	(y == FORGED -> CAN_FORGE(x) : (R(y).state >= ACCEPTED && SAME_HH(x, y)))
#else
#define M2_OPENS(x, y) true
#endif

#ifndef MUTANT_COMMON_NOT_IN_M3
#define SAME_GRANT(x, y) SAME_COMMON(x, y)
#else
#define SAME_GRANT(x, y) true
#endif

#ifndef MUTANT_M3_NOT_OPENED
#define M3_OPENS(x, y) \
	(y == FORGED -> CAN_FORGE(x) : (R(y).state == OPEN && \
	 SAME_HH(x, y) && SAME_GRANT(x, y)))
#else
#define M3_OPENS(x, y) true
#endif

#ifndef REPEAT

/* ------------------------------------------------------------------- the ends */

/* @wants is whose service A asks for. */
proctype connects(byte x; byte wants)
{
	byte y;

	/* OPEN was sent. GRANT_A: cert_b, cid, N, M2 with e_B */
	atomic {
		any_cert(R(x).peer);
		if
		:: NAME(R(x).peer) != wants || !GOOD_CERT(x) -> end(x); goto over
		:: else
		fi;
		any_number(R(x).cid);
		any_number(R(x).n);
		any_e(R(x).e_peer);
		if :: y = 2 :: y = 3 :: y = FORGED fi;
		if
		:: R(x).e_peer == R(x).e_own || !M2_OPENS(x, y) -> end(x); goto over
		:: else
		fi;
		/* also what was recorded of a run that is over: run.py sees this reached */
		if
		:: y != FORGED && R(y).state == GAVE_UP -> R(x).c_cid = 0
		:: else
		fi;
		take_common(x);
		if
		:: !COMMON_GOOD(x) -> end(x); goto over
		:: else
		fi;
		/* M3 is sealed over COMMON */
		R(x).state = OPEN;
		check_a(x)
	}
over:
	skip
}

proctype listens(byte x)
{
	byte y;

	/* INCOMING: cert_a, cid, N, flags, sizes, e_A */
	atomic {
		any_cert(R(x).peer);
		if
		:: !GOOD_CERT(x) -> end(x); goto over
		:: else
		fi;
		if
		:: x == 2 -> R(x).cid = 1; R(x).n = 1 /* the first is called so */
		:: else -> any_number(R(x).cid); any_number(R(x).n)
		fi;
		any_bit(R(x).terms);
		any_e(R(x).e_peer);
		if
		:: R(x).e_peer == R(x).e_own -> end(x); goto over
		:: else
		fi;
		R(x).state = ACCEPTED
	}
	/* GRANT_B: COMMON, M3 */
	atomic {
		take_common(x);
		if :: y = 0 :: y = 1 :: y = FORGED fi;
		if
		:: !COMMON_GOOD(x) || !M3_OPENS(x, y) -> give_up(x); goto over
		:: else
		fi;
		R(x).state = OPEN;
		check_b(x)
	}
over:
	skip
}

init {
	byte wants1;

	atomic {
		/* a and b are names; so run 0 is a, asks for b, and run 2 is b */
		R(0).own = CERT_A;
		R(2).own = CERT_B;
		if
		:: R(1).own = CERT_A; wants1 = CERT_B
		:: R(1).own = CERT_A_NEW; wants1 = CERT_B
		:: R(1).own = CERT_A; wants1 = CERT_A
		:: R(1).own = CERT_A; wants1 = CERT_C
		:: R(1).own = CERT_B; wants1 = CERT_A
		fi;
		if :: R(3).own = CERT_A :: R(3).own = CERT_B fi;
		any_bit(R(1).terms);
		R(0).e_own = 0;
		R(1).e_own = 1;
		R(2).e_own = 2;
		R(3).e_own = 3;
#ifdef MUTANT_EPHEMERAL_OF_A_REUSED
		R(1).e_own = 0;
#endif
#ifdef MUTANT_EPHEMERAL_OF_B_REUSED
		R(3).e_own = 2;
#endif
		run connects(0, CERT_B);
		run connects(1, wants1);
		run listens(2);
		run listens(3)
	}
}

#else /* REPEAT */

/* Two connects, one after the other; the ends begin both alike. */
inline connect(a, b, nonce)
{
	atomic {
		R(a).own = CERT_A; R(b).own = CERT_B;
		R(a).peer = CERT_B; R(b).peer = CERT_A;
		R(a).e_own = 0; R(b).e_own = 2;
		R(a).e_peer = 2; R(b).e_peer = 0;
		R(a).cid = 1; R(b).cid = 1;
		R(a).c_cid = 1; R(b).c_cid = 1;
		R(a).n = nonce; R(b).n = nonce;
		if
		:: R(a).state = ENDED
		:: R(b).state = ACCEPTED; R(a).state = OPEN; check_keys(0, 1);
			if
			:: R(b).state = GAVE_UP
			:: R(b).state = OPEN; check_keys(2, 3)
			fi
		fi
	}
}

init {
	connect(0, 2, 1);
#ifndef MUTANT_N_REUSED
	connect(1, 3, 2)
#else
	connect(1, 3, 1)
#endif
}
#endif
