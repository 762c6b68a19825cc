// SPDX-License-Identifier: GPL-2.0-only
/* Events: counters for every cause, tracepoints for every refusal and state change. */
#include <linux/atomic.h>
#include <linux/kernel.h>

#include "device.h"
#include "event.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static atomic64_t siv_event_counts[SIV_R_COUNT];

#define SIV_EVENT_NAME(name) [SIV_AT_##name] = #name,
static const char *const siv_event_places[] = { SIV_EVENT_PLACES(
	SIV_EVENT_NAME) };
#undef SIV_EVENT_NAME

const char *siv_event_place_name(enum siv_event_place at)
{
	return at < SIV_AT_COUNT ? siv_event_places[at] : "?";
}

int siv_refused(const struct siv_device *dev, enum siv_event_place at,
		enum siv_reason why, u64 cid)
{
	if (why > SIV_OK && why < SIV_R_COUNT)
		atomic64_inc(&siv_event_counts[why]);
	trace_siv_refused(dev ? dev->index : U32_MAX, at, why, cid);
	return siv_reason_errno(why);
}

u64 siv_event_count(enum siv_reason why)
{
	if (why <= SIV_OK || why >= SIV_R_COUNT)
		return 0;
	return atomic64_read(&siv_event_counts[why]);
}

/* What an errno on the wire most likely means: the host keeps the exact cause. */
static const u8 siv_event_codes[] = {
	SIV_R_POLICY,	  SIV_R_REVOKED,     SIV_R_CERT_EXPIRED,
	SIV_R_SIGNATURE,  SIV_R_NO_ANCHOR,   SIV_R_LISTENING,
	SIV_R_QUOTA,	  SIV_R_NO_SPACE,    SIV_R_NO_LISTENER,
	SIV_R_GENERATION, SIV_R_SUITE,	     SIV_R_TIMEOUT,
	SIV_R_RATE,	  SIV_R_TAG,	     SIV_R_STATE,
	SIV_R_SIZE,	  SIV_R_UNSUPPORTED, SIV_R_PEER_CLOSED,
	SIV_R_PEER_GONE,  SIV_R_CRYPTO,	     SIV_R_DEVICE_GONE,
};

enum siv_reason siv_reason_from_code(u32 code)
{
	unsigned int i;

	BUILD_BUG_ON(SIV_R_COUNT > U8_MAX);
	for (i = 0; i < ARRAY_SIZE(siv_event_codes); i++)
		if (siv_reason_code(siv_event_codes[i]) == code)
			return siv_event_codes[i];
	return SIV_R_PEER_GONE;
}
