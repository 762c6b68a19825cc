/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ring: one producer, one consumer, on memory that the other side writes at will.
 * The same code runs in the kernel (read and write), in the library (mapping) and in
 * the tests (natively, also with 16-bit positions).
 *
 * Rules (uapi header, "What a mapping shows"; design section 7):
 *  - what we wrote is kept in struct siv_tx and struct siv_rx and never read back;
 *  - each of the peer's words is read once per decision, checked, and then only the
 *    copy is used; a word that breaks the rules is SIV_R_RING_*: the channel's end;
 *  - no function loops on what the peer wrote;
 *  - barriers are virt_*(): the other side runs on another processor even where this
 *    kernel was built for one.
 */
#ifndef SIV_CORE_RING_H
#define SIV_CORE_RING_H

#include "platform.h"
#include "reason.h"

#ifndef SIV_POS
#define SIV_POS u64 /* tests instantiate the ring with u16 */
#endif
#define siv_pos SIV_POS

/* One side's page: struct sivshmem_side of the uapi when positions are 64 bits. */
struct siv_side {
	siv_pos prod __aligned(64);
	siv_pos cons __aligned(64);
	siv_pos want_prod __aligned(64);
	siv_pos want_cons __aligned(64);
	siv_pos end __aligned(64);
};
static_assert(sizeof(struct siv_side) == 320, "side page layout is ABI");

#define SIV_END_WR 0x1
#define SIV_END_RD 0x2

#define SIV_RECORD_HDR 8u

/* A record of @len bytes takes this much of a ring; @len is at most 2^31. */
static inline u64 siv_ring_need(u64 len)
{
	return SIV_RECORD_HDR + ((len + 7) & ~(u64)7);
}

/* The largest record: half of the ring, header included. */
static inline u64 siv_ring_max_record(u64 size)
{
	return size / 2 - SIV_RECORD_HDR;
}

/* Does publishing (old, new] cross @want? Free-running arithmetic. */
static inline bool siv_ring_crossed(siv_pos want, siv_pos old, siv_pos new)
{
	return (siv_pos)(want - old - 1) < (siv_pos)(new - old);
}

/* Producer of a ring. */
struct siv_tx {
	struct siv_side *own; /* written by us, never read back */
	const struct siv_side __peer *peer;
	u64 size;     /* bytes of the ring, a power of two */
	siv_pos prod; /* private: up to where we have published */
	siv_pos cons; /* last checked copy of the peer's @cons */
};

/* Consumer of a ring. */
struct siv_rx {
	struct siv_side *own;
	const struct siv_side __peer *peer;
	u64 size;
	siv_pos cons; /* private: up to where we have read */
	siv_pos prod; /* last checked copy of the peer's @prod */
};

/* siv_peer_acquire() - a position, before what it covers. */
static inline siv_pos siv_peer_acquire(const siv_pos __peer *pos)
{
	/* pairs with what each caller says */
	return virt_load_acquire((const siv_pos __force *)pos);
}

/* siv_peer_read() - a position, in no order. */
static inline siv_pos siv_peer_read(const siv_pos __peer *pos)
{
	return READ_ONCE(*(const siv_pos __force *)pos);
}

static inline void siv_tx_init(struct siv_tx *tx, struct siv_side *own,
			       const struct siv_side __peer *peer, u64 size)
{
	*tx = (struct siv_tx){ .own = own, .peer = peer, .size = size };
}

static inline void siv_rx_init(struct siv_rx *rx, struct siv_side *own,
			       const struct siv_side __peer *peer, u64 size)
{
	*rx = (struct siv_rx){ .own = own, .peer = peer, .size = size };
}

/**
 * siv_tx_room() - how much may be written
 * @tx: the producer
 * @room: set to the free bytes
 *
 * Reads the peer's @cons once. It may neither go back nor pass what we published, and
 * is a multiple of 8. Return: SIV_OK or SIV_R_RING_POSITION.
 */
static inline enum siv_reason __must_check siv_tx_room(struct siv_tx *tx,
						       u64 *room)
{
	siv_pos cons;

	/* pairs with siv_rx_release(): what was read there may be overwritten here */
	cons = siv_peer_acquire(&tx->peer->cons);

	*room = 0;
	if ((siv_pos)(cons - tx->cons) > (siv_pos)(tx->prod - tx->cons) ||
	    cons % 8)
		return SIV_R_RING_POSITION;
	tx->cons = cons;
	*room = tx->size - (siv_pos)(tx->prod - cons);
	return SIV_OK;
}

/* Offset in the ring where the next record begins. */
static inline u64 siv_tx_offset(const struct siv_tx *tx)
{
	return tx->prod & (tx->size - 1);
}

/**
 * siv_tx_publish() - make @need bytes visible that were written at siv_tx_offset()
 * @tx: the producer
 * @need: of siv_ring_need(), at most what siv_tx_room() gave
 *
 * Return: true if the peer asked to be rung. The full barrier pairs with the one in
 * siv_rx_arm(): either we see its request or it sees our position.
 */
static inline bool siv_tx_publish(struct siv_tx *tx, u64 need)
{
	siv_pos old = tx->prod;

	tx->prod = (siv_pos)(old + need);
	/* pairs with siv_rx_avail() */
	virt_store_release(&tx->own->prod, tx->prod);
	/* pairs with siv_rx_arm() */
	virt_mb();
	return siv_ring_crossed(siv_peer_read(&tx->peer->want_prod), old,
				tx->prod);
}

/* The peer's consumer position at which @need bytes are free. */
static inline siv_pos siv_tx_target(const struct siv_tx *tx, u64 need)
{
	return (siv_pos)(tx->prod + need - tx->size);
}

/* siv_tx_arm() - ask to be rung when the peer's @cons reaches @target; then check again. */
static inline void siv_tx_arm(struct siv_tx *tx, siv_pos target)
{
	WRITE_ONCE(tx->own->want_cons, target);
	/* pairs with siv_rx_release() */
	virt_mb();
}

/**
 * siv_rx_avail() - how much may be read
 * @rx: the consumer
 * @avail: set to the bytes between our @cons and the peer's @prod
 *
 * Reads the peer's @prod once. It may not go back, and lies at most a ring ahead.
 * Return: SIV_OK or SIV_R_RING_POSITION.
 */
static inline enum siv_reason __must_check siv_rx_avail(struct siv_rx *rx,
							u64 *avail)
{
	siv_pos prod;

	/* pairs with siv_tx_publish() */
	prod = siv_peer_acquire(&rx->peer->prod);

	*avail = 0;
	if ((u64)(siv_pos)(prod - rx->cons) > rx->size || prod % 8 ||
	    (siv_pos)(prod - rx->cons) < (siv_pos)(rx->prod - rx->cons))
		return SIV_R_RING_POSITION;
	rx->prod = prod;
	*avail = (siv_pos)(prod - rx->cons);
	return SIV_OK;
}

/* Offset in the ring where the next unread record begins. */
static inline u64 siv_rx_offset(const struct siv_rx *rx)
{
	return siv_index_nospec(rx->cons & (rx->size - 1), rx->size);
}

/* Eight bytes of a ring, whatever they were declared as. */
struct siv_word {
	u64 word;
} __attribute__((__may_alias__));

/* siv_rx_header_load() - the 8 bytes of a header at @at, 8-byte aligned, read once. */
static inline void siv_rx_header_load(u8 hdr[8], const void __peer *at)
{
	u64 word = READ_ONCE(((const struct siv_word __force *)at)->word);

	memcpy(hdr, &word, sizeof(word));
}

/**
 * siv_rx_header() - judge the header of the next record
 * @rx: the consumer
 * @hdr: the 8 bytes at siv_rx_offset(), from siv_rx_header_load()
 * @avail: from siv_rx_avail(), at least SIV_RECORD_HDR
 * @len: set to the record's length
 *
 * Return: SIV_OK, or SIV_R_RING_RECORD for a length of 0, above half of the ring or
 * beyond what is published, and for a reserved field that is not zero.
 */
static inline enum siv_reason __must_check
siv_rx_header(const struct siv_rx *rx, const u8 hdr[8], u64 avail, u64 *len)
{
	u64 n = siv_get_le32(hdr);

	*len = 0;
	if (!n || siv_get_le32(hdr + 4) || n > siv_ring_max_record(rx->size) ||
	    siv_ring_need(n) > avail)
		return SIV_R_RING_RECORD;
	*len = siv_index_nospec(n, rx->size);
	return SIV_OK;
}

/* siv_rx_release() - give @need bytes back; true if the peer asked to be rung. */
static inline bool siv_rx_release(struct siv_rx *rx, u64 need)
{
	siv_pos old = rx->cons;

	rx->cons = (siv_pos)(old + need);
	/* pairs with siv_tx_room() */
	virt_store_release(&rx->own->cons, rx->cons);
	/* pairs with siv_tx_arm() */
	virt_mb();
	return siv_ring_crossed(siv_peer_read(&rx->peer->want_cons), old,
				rx->cons);
}

/* siv_rx_arm() - ask to be rung at the next record; then check again. */
static inline void siv_rx_arm(struct siv_rx *rx)
{
	WRITE_ONCE(rx->own->want_prod, (siv_pos)(rx->prod + 1));
	/* pairs with siv_tx_publish() */
	virt_mb();
}

/* siv_end_set() - set end marks, after the final position was published. */
static inline void siv_end_set(struct siv_side *own, unsigned int marks)
{
	/* pairs with siv_end_get(): the final position comes before the mark */
	virt_store_release(&own->end, (siv_pos)marks);
	/* pairs with whoever asks to be rung, and then looks at the mark */
	virt_mb();
}

/*
 * siv_end_get() - the peer's end marks, read once; check positions after this. Whoever
 * acts on a mark remembers it: the peer may take it back.
 */
static inline unsigned int siv_end_get(const struct siv_side __peer *peer)
{
	/* pairs with siv_end_set() */
	unsigned int marks = (unsigned int)siv_peer_acquire(&peer->end);

	return marks & (SIV_END_WR | SIV_END_RD);
}

#endif /* SIV_CORE_RING_H */
