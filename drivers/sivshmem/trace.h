/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: every change of a state and every refusal. Names are copied into arrays,
 * for the string macros changed between kernels. No secrets and no pointers.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sivshmem

#if !defined(SIV_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SIV_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>

#include "core/reason.h"
#include "event.h"

/* What follows are arguments of macros, which clang-format takes for calls. */
/* clang-format off */
TRACE_EVENT(siv_refused,
	TP_PROTO(u32 device, u32 at, u32 why, u64 cid),
	TP_ARGS(device, at, why, cid),
	TP_STRUCT__entry(
		__field(u32, device)
		__field(int, err)
		__field(u64, cid)
		__array(char, place, 16)
		__array(char, reason, 32)
	),
	TP_fast_assign(
		__entry->device = device;
		__entry->err = siv_reason_errno(why);
		__entry->cid = cid;
		strscpy(__entry->place, siv_event_place_name(at), 16);
		strscpy(__entry->reason, siv_reason_name(why), 32);
	),
	TP_printk("device=%u at=%s reason=%s errno=%d cid=%llu", __entry->device,
		  __entry->place, __entry->reason, __entry->err, __entry->cid)
);

DECLARE_EVENT_CLASS(siv_state,
	TP_PROTO(u32 device, u64 id, u32 state, u32 why),
	TP_ARGS(device, id, state, why),
	TP_STRUCT__entry(
		__field(u32, device)
		__field(u32, state)
		__field(u64, id)
		__array(char, reason, 32)
	),
	TP_fast_assign(
		__entry->device = device;
		__entry->id = id;
		__entry->state = state;
		strscpy(__entry->reason, siv_reason_name(why), 32);
	),
	TP_printk("device=%u id=%llu state=%u reason=%s", __entry->device,
		  __entry->id, __entry->state, __entry->reason)
);

/* id: session id; state: enum siv_talk_state */
DEFINE_EVENT(siv_state, siv_session,
	TP_PROTO(u32 device, u64 id, u32 state, u32 why),
	TP_ARGS(device, id, state, why)
);

/* id: connect id; state: enum sivshmem_state */
DEFINE_EVENT(siv_state, siv_channel,
	TP_PROTO(u32 device, u64 id, u32 state, u32 why),
	TP_ARGS(device, id, state, why)
);

/* id: request of LISTEN; state: enum siv_listener_state */
DEFINE_EVENT(siv_state, siv_listener,
	TP_PROTO(u32 device, u64 id, u32 state, u32 why),
	TP_ARGS(device, id, state, why)
);

/* A record in the mailbox that was dropped. */
TRACE_EVENT(siv_dropped,
	TP_PROTO(u32 device, u32 tag, u64 number, u32 why),
	TP_ARGS(device, tag, number, why),
	TP_STRUCT__entry(
		__field(u32, device)
		__field(u32, tag)
		__field(u64, number)
		__array(char, reason, 32)
	),
	TP_fast_assign(
		__entry->device = device;
		__entry->tag = tag;
		__entry->number = number;
		strscpy(__entry->reason, siv_reason_name(why), 32);
	),
	TP_printk("device=%u tag=%08x number=%llu reason=%s", __entry->device,
		  __entry->tag, __entry->number, __entry->reason)
);
/* clang-format on */

#endif /* SIV_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
