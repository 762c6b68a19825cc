// SPDX-License-Identifier: GPL-2.0-only
/*
 * A session of which the input is the history: steps of both ends, what a hostile kernel
 * writes into the slots, and records that a hostile but authenticated other end seals.
 * Claims: what arrives is what was sent, in order; no step that fails changes the object;
 * a session that lives has the keys of its partner.
 */
#include "../unit/dialog.h"
#include "fuzz.h"

enum {
	SLOTS = 2 * SIV_BOX_SLOTS
};

struct world {
	struct dialog d;
	struct siv_outbox ob[2];
	u64 memory[SLOTS * SIV_SLOT_SIZE / 8];
	u64 now;
	u64 sent[2];
	u64 got[2];
	bool foul; /* the other end has sealed what it likes: order says nothing */
};

static u8 *slot_of(struct world *w, size_t i)
{
	return (u8 *)w->memory + i % SLOTS * SIV_SLOT_SIZE;
}

static struct siv_session *end_of(struct world *w, int host)
{
	return host ? w->d.h : w->d.g;
}

/* One look at all slots of the other side. */
static void scan(struct world *w, int host)
{
	struct siv_session *s = end_of(w, host);
	u64 rec[SIV_SLOT_SIZE / 8];
	u8 plain[SIV_SLOT_SIZE];
	struct siv_slot_info info;
	struct siv_span body;
	enum siv_reason r;
	u64 before;
	size_t i, n;
	u16 type;

	for (i = 0; i < SIV_BOX_SLOTS; i++) {
		u8 *slot = slot_of(w, i + (host ? 0 : SIV_BOX_SLOTS));

		if (!siv_slot_peek(slot, &info) ||
		    !siv_session_wants(s, &info, w->now))
			continue;
		n = siv_slot_copy(slot, &info, (u8 *)rec);
		before = s->rx.next;
		r = siv_session_receive(s, (struct siv_span){ (u8 *)rec, n },
					plain, &type, &body, w->now);
		/* whatever opened used one number, whatever did not none */
		fuzz_claim(r == SIV_R_TAG || r == SIV_R_NUMBER ?
				   s->rx.next == before :
				   s->rx.next == before + 1);
		if (r || w->foul)
			continue;
		if (type == SIV_MSG_UNLISTEN || type == SIV_MSG_RESULT)
			fuzz_claim(siv_get_le64(body.p) == w->got[host]++);
	}
}

static void send(struct world *w, int host)
{
	struct siv_span none = { NULL, 0 };
	u8 body[16] = { 0 };

	siv_put_le64(body, w->sent[host]);
	if (!siv_session_send(
		    end_of(w, host), host ? SIV_MSG_RESULT : SIV_MSG_UNLISTEN,
		    (struct siv_span){ body, host ? 16 : 8 }, none, w->now))
		w->sent[host]++;
}

static void post(struct world *w, int host)
{
	u64 next;

	siv_session_post(end_of(w, host), &w->ob[host],
			 slot_of(w, host ? SIV_BOX_SLOTS : 0), w->now, &next);
	fuzz_claim(!next || next > w->now);
}

/* The other end seals any bytes as a message, in order or not. */
static void foul(struct world *w, int host, struct fuzz_in *in)
{
	struct siv_session *to = end_of(w, host), *from = end_of(w, !host);
	u8 body[512], rec[SIV_SLOT_SIZE], plain[SIV_SLOT_SIZE];
	struct siv_span none = { NULL, 0 }, out;
	u16 type = fuzz_u8(in), seen;
	u64 ack = fuzz_u8(in);
	enum siv_reason r;
	size_t n;

	n = fuzz_bytes(in, body, fuzz_u16(in) % sizeof(body));
	if (!from->tx.t ||
	    siv_record_seal(&from->tx, to->tag, type, ack,
			    (struct siv_span){ body, n }, none, rec, &n))
		return;
	w->foul = true;
	r = siv_session_receive(to, (struct siv_span){ rec, n }, plain, &seen,
				&out, w->now);
	if (!r)
		fuzz_claim(seen == type && to->acked <= to->tx.next);
	fuzz_claim(to->count <= SIV_SESSION_WINDOW);
}

/* A handshake message with the input's changes: refused, unless nothing was changed. */
static void hello(struct world *w, int host, struct fuzz_in *in)
{
	struct siv_session *s = end_of(w, host);
	u8 m[SIV_SLOT_SIZE + 64];
	const u8 *good = host ? w->d.m1 : w->d.m2;
	size_t n = host ? w->d.m1_len : w->d.m2_len, good_n = n;
	static struct siv_session before;
	unsigned int changes = fuzz_u8(in) % 4;
	enum siv_reason r;

	memset(m, 0, sizeof(m));
	memcpy(m, good, n);
	n += fuzz_u8(in) % 3;
	while (changes-- && n)
		m[fuzz_u16(in) % n] ^= fuzz_u8(in);
	memcpy(&before, s, sizeof(before));
	r = host ? dialog_hear_bytes(&w->d, m, n) :
		   dialog_finish_bytes(&w->d, m, n, w->now);
	if (r && r != SIV_R_POLICY)
		fuzz_claim(!memcmp(&before, s, sizeof(before)));
	if (!r)
		fuzz_claim(n == good_n && !memcmp(m, good, n));
}

static void hostile(struct world *w, struct fuzz_in *in)
{
	u8 *slot = slot_of(w, fuzz_u8(in));
	size_t at = fuzz_u16(in) % SIV_SLOT_SIZE;

	switch (fuzz_u8(in) % 4) {
	case 0:
		slot[at] ^= fuzz_u8(in);
		break;
	case 1:
		memcpy(slot, slot_of(w, fuzz_u8(in)), SIV_SLOT_SIZE);
		break;
	case 2:
		memset(slot, fuzz_u8(in), SIV_SLOT_SIZE);
		break;
	default:
		fuzz_bytes(in, slot + at, SIV_SLOT_SIZE - at);
		break;
	}
}

static void step(struct world *w, struct fuzz_in *in)
{
	u8 op = fuzz_u8(in);
	int host = op >> 7;

	switch (op % 12) {
	case 0:
		if (!host)
			(void)!dialog_start(&w->d);
		break;
	case 1:
	case 2:
		hello(w, host, in);
		break;
	case 3:
		if (host)
			(void)!dialog_answer(&w->d);
		break;
	case 4:
	case 5:
		send(w, host);
		break;
	case 6:
		post(w, host);
		break;
	case 7:
		scan(w, host);
		break;
	case 8:
		w->now += fuzz_u16(in);
		break;
	case 9:
		hostile(w, in);
		break;
	case 10:
		foul(w, host, in);
		break;
	default:
		/* an owner that has had enough */
		if (fuzz_u8(in) == 0xff)
			siv_session_wipe(end_of(w, host));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct world w;
	struct fuzz_in in = { data, n };
	int i;

	if (!w.d.g)
		dialog_init(&w.d, "alice", SIV_SUITE_CHACHAPOLY);
	dialog_reset(&w.d);
	w.d.attempt = 0;
	w.d.m1_len = 0;
	w.d.m2_len = 0;
	memset(w.ob, 0, sizeof(w.ob));
	memset(w.memory, 0, sizeof(w.memory));
	w.now = 0;
	memset(w.sent, 0, sizeof(w.sent));
	memset(w.got, 0, sizeof(w.got));
	w.foul = false;
	for (i = 0; i < 400 && in.n; i++)
		step(&w, &in);
	if (w.d.g->state == SIV_SESSION_LIVE &&
	    w.d.h->state == SIV_SESSION_LIVE &&
	    !memcmp(w.d.g->hh, w.d.h->hh, SIV_HASH_LEN)) {
		fuzz_claim(w.foul || w.got[1] <= w.sent[0]);
		fuzz_claim(w.foul || w.got[0] <= w.sent[1]);
	}
	return 0;
}

/* ------------------------------------------------------------------- seeds */

/*
 * Operations as bytes: %12 is the step, bit 7 the end. 0x84 = 132 = 0 mod 12, so the
 * host's are 0x84 + step.
 */
size_t fuzz_seed(size_t i, u8 *out, size_t cap)
{
	static const u8 live[] = { 0, 0x85, 0, 0, 0x87, 1, 0, 0, 6, 0x8b };
	static const u8 talk[] = { 4, 0x88, 4,	  6, 0x8a, 7, 0x8b, 8, 20,
				   0, 6,    0x8a, 7, 0x8b, 8, 100,  0 };
	static const u8 kernel[] = { 4,	   6, 9,   0,	 20, 0, 0,   1,
				     0x8b, 8, 100, 0,	 6,  9, 1,   0,
				     0,	   1, 0,   0x8b, 7,  8, 200, 0 };
	static const u8 fouls[] = { 0x8e,
				    SIV_MSG_UNLISTEN,
				    0,
				    8,
				    0,
				    1,
				    2,
				    3,
				    4,
				    5,
				    6,
				    7,
				    8,
				    10,
				    SIV_MSG_RESULT,
				    0,
				    16,
				    0,
				    1,
				    2,
				    3,
				    4,
				    5,
				    6,
				    7,
				    8,
				    0,
				    0,
				    0,
				    0,
				    0,
				    0,
				    0,
				    0 };
	static const struct {
		const u8 *p;
		size_t n;
	} parts[] = {
		{ talk, sizeof(talk) },
		{ kernel, sizeof(kernel) },
		{ fouls, sizeof(fouls) },
	};
	size_t n = sizeof(live), k;

	if (i >= 4 || cap < 512)
		return 0;
	memcpy(out, live, n);
	for (k = 0; i && k < 4; k++) {
		memcpy(out + n, parts[i - 1].p, parts[i - 1].n);
		n += parts[i - 1].n;
	}
	return n;
}
