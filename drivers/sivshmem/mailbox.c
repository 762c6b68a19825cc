// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our mailbox in the region. Its bytes are hostile: a header is peeked once, a body
 * copied once into private memory, and nothing is decided by what stands where.
 */
#include <linux/errno.h>

#include "core/record.h"
#include "mailbox.h"

void siv_mailbox_init(struct siv_mailbox *mb, struct siv_device *dev)
{
	memset(mb, 0, sizeof(*mb));
	mb->dev = dev;
}

/* Enter the gate and find our box; NULL: the gate is closed, or there are no boxes. */
static u8 __peer *siv_mailbox_enter(struct siv_mailbox *mb, int *idx)
{
	struct siv_device *dev = mb->dev;

	if (!siv_device_enter(dev, idx))
		return NULL;
	if (dev->geo.region_size)
		return (u8 __peer *)dev->base +
		       siv_box_offset(&dev->geo, dev->peer);
	siv_device_exit(dev, *idx);
	return NULL;
}

/* A part of the box that we write, and never read. */
static u8 *siv_mailbox_own(u8 __peer *box, size_t off)
{
	return (u8 __force *)box + off;
}

static void siv_mailbox_exit(struct siv_mailbox *mb, int idx)
{
	siv_device_exit(mb->dev, idx);
}

int siv_mailbox_challenge(struct siv_mailbox *mb, u8 challenge[SIV_NONCE_LEN])
{
	int idx;
	u8 __peer *box = siv_mailbox_enter(mb, &idx);

	if (!box)
		return -ENODEV;
	siv_peer_copy(challenge,
		      box + SIV_BOX_CTL +
			      offsetof(struct siv_box_control, challenge),
		      SIV_NONCE_LEN);
	siv_mailbox_exit(mb, idx);
	return 0;
}

int siv_mailbox_hello(struct siv_mailbox *mb, const u8 *bytes, size_t len)
{
	int idx;
	u8 __peer *box;

	if (len < SIV_SLOT_HDR || len > SIV_SLOT_SIZE)
		return -EINVAL;
	box = siv_mailbox_enter(mb, &idx);
	if (!box)
		return -ENODEV;
	siv_slot_write(siv_mailbox_own(box, SIV_BOX_HELLO_UP), bytes, len);
	mb->dev->hw->bell(mb->dev, 0, SIV_BELL_HELLO);
	siv_mailbox_exit(mb, idx);
	return 0;
}

int siv_mailbox_answer(struct siv_mailbox *mb, u8 *out)
{
	struct siv_slot_info info;
	int idx, len = 0;
	u8 __peer *box = siv_mailbox_enter(mb, &idx);

	if (!box)
		return -ENODEV;
	if (siv_slot_peek(box + SIV_BOX_HELLO_DOWN, &info))
		len = siv_slot_copy(box + SIV_BOX_HELLO_DOWN, &info, out);
	siv_mailbox_exit(mb, idx);
	return len;
}

/* One slot: its length if it was wanted and copied, 0 if not, or -ENODEV. */
static int siv_mailbox_fetch(struct siv_mailbox *mb, unsigned int i,
			     bool (*want)(void *arg,
					  const struct siv_slot_info *info),
			     void *arg, u8 *buf)
{
	struct siv_slot_info info;
	int idx, len = 0;
	u8 __peer *box = siv_mailbox_enter(mb, &idx);
	const u8 __peer *slot;

	if (!box)
		return -ENODEV;
	slot = box + SIV_BOX_DOWN + i * SIV_SLOT_SIZE;
	if (siv_slot_peek(slot, &info) && want(arg, &info))
		len = siv_slot_copy(slot, &info, buf);
	siv_mailbox_exit(mb, idx);
	return len;
}

int siv_mailbox_scan(struct siv_mailbox *mb,
		     bool (*want)(void *arg, const struct siv_slot_info *info),
		     void (*take)(void *arg, struct siv_span rec), void *arg,
		     u8 *buf)
{
	unsigned int i;
	int taken = 0;

	for (i = 0; i < SIV_BOX_SLOTS; i++) {
		int len = siv_mailbox_fetch(mb, i, want, arg, buf);

		if (len < 0)
			return len;
		if (!len)
			continue;
		/* outside of the gate: this opens, parses and may do more */
		take(arg, (struct siv_span){ .p = buf, .n = len });
		taken++;
	}
	return taken;
}

int siv_mailbox_post(struct siv_mailbox *mb, struct siv_session *s, u64 now_ms,
		     u64 *next_ms)
{
	int idx;
	u8 __peer *box = siv_mailbox_enter(mb, &idx);

	if (!box)
		return -ENODEV;
	if (siv_session_post(s, &mb->outbox, siv_mailbox_own(box, SIV_BOX_UP),
			     now_ms, next_ms))
		mb->dev->hw->bell(mb->dev, 0, SIV_BELL_MAIL);
	siv_mailbox_exit(mb, idx);
	return 0;
}

void siv_mailbox_drop(struct siv_mailbox *mb, u32 tag)
{
	int idx;
	u8 __peer *box = siv_mailbox_enter(mb, &idx);

	if (!box)
		return;
	siv_outbox_drop(&mb->outbox, siv_mailbox_own(box, SIV_BOX_UP), tag);
	siv_mailbox_exit(mb, idx);
}
