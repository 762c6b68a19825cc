/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Session records (protocol.rst, "Session records"): sealing, opening, and the
 * slots of a mailbox. A slot is hostile memory: its header is read once, its body
 * copied once, and only the copy is looked at.
 */
#ifndef SIV_CORE_RECORD_H
#define SIV_CORE_RECORD_H

#include "crypto.h"
#include "wire.h"

#define SIV_RECORD_REKEY ((u64)1 << 16) /* REKEY before each multiple, but 0 */
#define SIV_RECORD_STOP ((u64)1 << 32)	/* no record has this number */

/* One direction of a session: a key and the next number. */
struct siv_half {
	struct siv_aead *t; /* borrowed; holds @k */
	u64 next;
	u16 suite;
	u8 k[SIV_KEY_LEN];
};

enum siv_reason __must_check siv_half_init(struct siv_half *h,
					   struct siv_aead *t, u16 suite,
					   const u8 k[SIV_KEY_LEN]);
/* siv_half_wipe() - forget the key, also in the transform. */
void siv_half_wipe(struct siv_half *h);

/**
 * siv_record_seal() - seal a message under the next number
 * @h: sending half
 * @tag: session tag
 * @type: enum siv_msg_type
 * @ack: the next number expected from the other side
 * @body: message body
 * @more: bytes after it (a certificate), may be empty
 * @out: SIV_SLOT_SIZE bytes of private memory
 * @len: set to the bytes used, header included
 *
 * The number is used up even if the caller then fails: nothing is sealed twice
 * under one number. Return: SIV_OK, SIV_R_LENGTH, SIV_R_EXHAUSTED, SIV_R_CRYPTO.
 */
enum siv_reason __must_check siv_record_seal(struct siv_half *h, u32 tag,
					     u16 type, u64 ack,
					     struct siv_span body,
					     struct siv_span more, u8 *out,
					     size_t *len);

/**
 * siv_record_open() - open a record that must carry the next number
 * @h: receiving half
 * @tag: session tag
 * @rec: header, ciphertext and tag, private memory
 * @plain: room for @rec.n bytes
 * @len: set to the length of the plaintext
 *
 * Return: SIV_OK and the number is used up; SIV_R_LENGTH, SIV_R_NUMBER, SIV_R_TAG
 * or SIV_R_EXHAUSTED and nothing has changed.
 */
enum siv_reason __must_check siv_record_open(struct siv_half *h, u32 tag,
					     struct siv_span rec, u8 *plain,
					     size_t *len);

/* Host-order copy of a slot's header. */
struct siv_slot_info {
	u32 len;
	u32 tag;
	u64 number;
};

/**
 * siv_slot_peek() - read a slot's header, once
 * @slot: in the region
 * @info: set to what stands there
 *
 * Return: true if @info->len is 1 to SIV_SLOT_PAYLOAD.
 */
bool siv_slot_peek(const void __peer *slot, struct siv_slot_info *info);

/**
 * siv_slot_copy() - copy a slot's header (as peeked) and body
 * @slot: in the region
 * @info: what siv_slot_peek() returned: the header is rebuilt from it, not re-read
 * @out: SIV_SLOT_SIZE bytes
 *
 * Return: the number of bytes copied, header included.
 */
size_t siv_slot_copy(const void __peer *slot, const struct siv_slot_info *info,
		     u8 *out);

/* siv_slot_write() - post bytes: length to zero, body, then the header last. */
void siv_slot_write(void *slot, const u8 *bytes, size_t len);
/* siv_slot_clear() - mark a slot as empty. */
void siv_slot_clear(void *slot);

enum {
	/* how long a record keeps its slot at least */
	SIV_OUTBOX_HOLD_MS = 100,
	SIV_OUTBOX_LAZY_MS = 20,
};

/*
 * What the writer of a direction has put in its slots.
 *
 * Private to the writer, shared by its sessions: no position in shared memory decides
 * anything. A slot is free when its record was acknowledged. Where slots are short
 * they go round: the receiver may have the records that are in them, and what tells us
 * so may wait behind one of ours that is not.
 */
struct siv_outbox {
	struct {
		u32 tag;
		bool used;
		bool lazy;
		u64 number;
		u64 since_ms;
	} slot[SIV_BOX_SLOTS];
};

/**
 * siv_outbox_take() - which slot a record goes to
 * @ob: the outbox
 * @tag: session tag
 * @number: number of the record
 * @lazy: nobody waits for it
 * @now_ms: time
 *
 * Return: the slot where it already is; a free one; the oldest lazy one's; the oldest of
 * its session's, or of all if its session has none; -1 if none of these has been held
 * long enough: try again soon.
 */
int siv_outbox_take(struct siv_outbox *ob, u32 tag, u64 number, bool lazy,
		    u64 now_ms);
/* siv_outbox_release() - free @tag's slots below @next in @slots (region memory). */
void siv_outbox_release(struct siv_outbox *ob, void *slots, u32 tag, u64 next);
/* siv_outbox_drop() - free all slots of a session that has ended. */
void siv_outbox_drop(struct siv_outbox *ob, void *slots, u32 tag);

#endif /* SIV_CORE_RECORD_H */
