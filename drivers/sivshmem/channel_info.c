// SPDX-License-Identifier: GPL-2.0-only
/* What INFO tells of a channel. */
#include "channel.h"

static u32 siv_info_flags(const struct siv_channel *ch)
{
	u32 flags = 0;

	if (siv_channel_sealed(ch))
		flags |= SIVSHMEM_INFO_SEALED;
	if (ch->a)
		flags |= SIVSHMEM_INFO_CONNECTOR;
	if (READ_ONCE(ch->mode) == SIV_MODE_MAP)
		flags |= SIVSHMEM_INFO_MAPPED;
	if (READ_ONCE(ch->mode) == SIV_MODE_RW)
		flags |= SIVSHMEM_INFO_RW;
	return flags;
}

static void siv_info_opened(struct siv_channel *ch, struct sivshmem_info *info)
{
	info->peer = ch->peer;
	info->vector = ch->vector;
	info->ring_tx = ch->tx.ring.size;
	info->ring_rx = ch->rx.ring.size;
	info->max_record = ch->max_record;
	info->handshake_ns = ch->handshake_ns;
	info->x25519_ns = ch->x25519_ns;
	info->tx_records = READ_ONCE(ch->tx.records);
	info->tx_bytes = READ_ONCE(ch->tx.bytes);
	info->rx_records = READ_ONCE(ch->rx.records);
	info->rx_bytes = READ_ONCE(ch->rx.bytes);
	info->bells_sent = READ_ONCE(ch->bells_sent);
	info->bells_seen = atomic64_read(&ch->host->dev->bells[ch->vector]) -
			   ch->bells_before;
	if (!siv_channel_sealed(ch))
		siv_windows_table(&ch->windows, info->window);
	memcpy(info->peer_cert, ch->peer_cert, sizeof(info->peer_cert));
	memcpy(info->peer_vm, ch->peer_vm, sizeof(info->peer_vm));
	memcpy(info->peer_service, ch->peer_service,
	       sizeof(info->peer_service));
}

void siv_channel_info(struct siv_channel *ch, struct sivshmem_info *info)
{
	u32 size = info->size;
	enum siv_reason why;
	bool opened;

	memset(info, 0, sizeof(*info));
	info->size = size;
	info->flags = siv_info_flags(ch);
	/* no end without its cause, no cause without the end */
	spin_lock(&ch->lock);
	info->state = ch->state;
	opened = test_bit(SIV_CHANNEL_OPENED, &ch->flags);
	why = ch->why;
	spin_unlock(&ch->lock);
	info->end_reason = -siv_reason_errno(why);
	info->error = opened ? 0 : info->end_reason;
	info->suite = ch->suite;
	info->minor = READ_ONCE(ch->minor);
	info->device = ch->host->dev->index;
	info->cid = READ_ONCE(ch->cid);
	info->ring_tx = ch->ring_tx;
	info->ring_rx = ch->ring_rx;
	if (opened)
		siv_info_opened(ch, info);
	memcpy(info->epoch, ch->epoch, sizeof(info->epoch));
	memcpy(info->region, ch->region, sizeof(info->region));
	memcpy(info->service, ch->service, sizeof(info->service));
}
