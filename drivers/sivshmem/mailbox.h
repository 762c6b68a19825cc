/* SPDX-License-Identifier: GPL-2.0-only */
/* The mailbox of a device: where hello and records of its sessions go. */
#ifndef SIV_MAILBOX_H
#define SIV_MAILBOX_H

#include "core/session.h"
#include "device.h"

/**
 * struct siv_mailbox - our box in the region
 * @dev: its device
 * @outbox: what we have put in the up slots; under the host's session lock
 */
struct siv_mailbox {
	struct siv_device *dev;
	struct siv_outbox outbox;
};

void siv_mailbox_init(struct siv_mailbox *mb, struct siv_device *dev);

/* All of these enter the gate themselves and fail with -ENODEV after it was closed. */

/* siv_mailbox_challenge() - copy the challenge the host has written. */
int siv_mailbox_challenge(struct siv_mailbox *mb, u8 challenge[SIV_NONCE_LEN]);
/* siv_mailbox_hello() - post message 1 and ring the hello doorbell. */
int siv_mailbox_hello(struct siv_mailbox *mb, const u8 *bytes, size_t len);
/* siv_mailbox_answer() - copy the hello-down slot: bytes, 0 if empty, or -ENODEV. */
int siv_mailbox_answer(struct siv_mailbox *mb, u8 *out);
/**
 * siv_mailbox_scan() - look at the down slots once
 * @mb: the mailbox
 * @want: asked for each slot that holds a plausible header: true to have it copied;
 *        inside the gate
 * @take: given the copy, in @buf; outside of the gate
 * @arg: for both
 * @buf: SIV_SLOT_SIZE bytes
 *
 * At most SIV_BOX_SLOTS headers are read and as many bodies copied. Return: how many
 * were taken (call again until 0, at most SIV_BOX_SLOTS times), or -ENODEV.
 */
int siv_mailbox_scan(struct siv_mailbox *mb,
		     bool (*want)(void *arg, const struct siv_slot_info *info),
		     void (*take)(void *arg, struct siv_span rec), void *arg,
		     u8 *buf);
/* siv_mailbox_post() - siv_session_post() on our up slots, and ring if it wrote any. */
int siv_mailbox_post(struct siv_mailbox *mb, struct siv_session *s, u64 now_ms,
		     u64 *next_ms);
/* siv_mailbox_drop() - free a dead session's slots. */
void siv_mailbox_drop(struct siv_mailbox *mb, u32 tag);

#endif /* SIV_MAILBOX_H */
