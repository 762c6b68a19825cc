// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The session:
 *
 *   Noise_IK_25519_*_SHA256      prologue: siv_session_prologue()
 *     <- s                       the host's, from its certificate
 *     ...
 *     -> e, es, s, ss            payload: version, boot nonce, attempt, certificate
 *     <- e, ee, se               payload: status, session id, times, limits
 *   then records; the guest's record 0 is READY.
 *
 * A handshake message is tried on a copy; all temporaries of a step stand in one
 * struct that is wiped on the only way out.
 */
#include "kdf.h"
#include "session.h"

void siv_session_prologue(u8 out[SIV_SESSION_PROLOGUE_LEN],
			  const struct siv_session_ids *ids)
{
	memcpy(out, "sivshmem/session", 16);
	siv_put_le16(out + 16, SIV_PROTOCOL_VERSION);
	siv_put_le16(out + 18, ids->suite);
	siv_put_le32(out + 20, ids->peer);
	memcpy(out + 24, ids->epoch, SIV_EPOCH_LEN);
	siv_sha256v(out + 40, &ids->region, 1);
	memcpy(out + 72, ids->host_cert_hash, SIV_HASH_LEN);
	memcpy(out + 104, ids->header_hash, SIV_HASH_LEN);
	memcpy(out + 136, ids->challenge, SIV_NONCE_LEN);
}

/* ---------------------------------------------------------------- what may */

/* Steps of the machine, beside the arrival of messages. */
enum siv_session_step {
	SIV_STEP_START = 1,
	SIV_STEP_FINISH = 2,
	SIV_STEP_HEARD = 4,
	SIV_STEP_ANSWER = 8,
	SIV_STEP_SEND = 16,
};

/* clang-format off */
static const u8 siv_session_steps[2][SIV_SESSION_STATES] = {
	{	/* guest */
		[SIV_SESSION_IDLE] = SIV_STEP_START,
		[SIV_SESSION_SENT] = SIV_STEP_START | SIV_STEP_FINISH,
		[SIV_SESSION_LIVE] = SIV_STEP_SEND,
	}, {	/* host */
		[SIV_SESSION_IDLE] = SIV_STEP_HEARD,
		[SIV_SESSION_HEARD] = SIV_STEP_ANSWER,
		[SIV_SESSION_LIVE] = SIV_STEP_SEND,
	},
};

#define SIV_BIT(type) (1u << SIV_MSG_##type)

static const u32 siv_session_messages[2][SIV_SESSION_STATES] = {
	{	/* guest */
		[SIV_SESSION_LIVE] =
			SIV_BIT(ACK) | SIV_BIT(RESULT) | SIV_BIT(INCOMING) |
			SIV_BIT(GRANT_A) | SIV_BIT(GRANT_B) | SIV_BIT(FIN) |
			SIV_BIT(CLOSE) | SIV_BIT(CLOSED) | SIV_BIT(FAILED),
	}, {	/* host */
		[SIV_SESSION_PENDING] = SIV_BIT(READY),
		[SIV_SESSION_LIVE] =
			SIV_BIT(ACK) | SIV_BIT(HEARTBEAT) | SIV_BIT(GOODBYE) |
			SIV_BIT(LISTEN) | SIV_BIT(UNLISTEN) | SIV_BIT(OPEN) |
			SIV_BIT(ACCEPT) | SIV_BIT(REJECT) | SIV_BIT(CONFIRM) |
			SIV_BIT(ESTABLISHED) | SIV_BIT(FIN) | SIV_BIT(CLOSE) |
			SIV_BIT(CLOSED) | SIV_BIT(FAILED),
	},
};
/* clang-format on */

static enum siv_reason siv_session_step(const struct siv_session *s,
					enum siv_session_step step)
{
	if (s->state >= SIV_SESSION_STATES ||
	    !(siv_session_steps[s->host][s->state] & step))
		return SIV_R_STATE;
	return SIV_OK;
}

enum siv_reason siv_session_may(bool host, enum siv_session_state state,
				u16 type)
{
	if (state >= SIV_SESSION_STATES || type >= SIV_MSG_COUNT ||
	    !(siv_session_messages[host][state] & 1u << type))
		return SIV_R_STATE;
	return SIV_OK;
}

/* -------------------------------------------------------------------- life */

void siv_session_init(struct siv_session *s, bool host, struct siv_aead *hs,
		      struct siv_aead *tx, struct siv_aead *rx)
{
	memset(s, 0, sizeof(*s));
	s->state = SIV_SESSION_IDLE;
	s->host = host;
	s->hs_t = hs;
	s->tx_t = tx;
	s->rx_t = rx;
}

void siv_session_wipe(struct siv_session *s)
{
	struct siv_aead *t[] = { s->hs_t, s->tx_t, s->rx_t };
	bool host = s->host;
	u32 tag = s->tag;
	u64 id = s->id;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++)
		if (t[i])
			siv_aead_clear(t[i]);
	siv_wipe(s, sizeof(*s));
	siv_session_init(s, host, t[0], t[1], t[2]);
	s->state = SIV_SESSION_DEAD;
	/* public; the caller frees the slots by them */
	s->tag = tag;
	s->id = id;
}

/* The header of a hello slot: length, suite, attempt. */
static void siv_hello_header(u8 *out, size_t len, u16 suite, u64 attempt)
{
	siv_put_le32(out, (u32)len);
	siv_put_le32(out + 4, suite);
	siv_put_le64(out + 8, attempt);
}

/* Temporaries of start, finish, heard and answer. */
struct siv_session_tmp {
	struct siv_noise noise;
	struct siv_noise_keys keys;
	u8 prologue[SIV_SESSION_PROLOGUE_LEN];
	u8 payload[SIV_HELLO2_LEN];
};

/* The session's keys; initiator to responder is k1. On failure neither half has one. */
static enum siv_reason siv_session_keys(struct siv_session *s,
					const struct siv_noise_keys *keys)
{
	const u8 *tx = s->host ? keys->k2 : keys->k1;
	const u8 *rx = s->host ? keys->k1 : keys->k2;
	enum siv_reason r;

	r = siv_half_init(&s->tx, s->tx_t, s->suite, tx);
	if (!r)
		r = siv_half_init(&s->rx, s->rx_t, s->suite, rx);
	if (r) {
		siv_half_wipe(&s->tx);
		siv_half_wipe(&s->rx);
		return r;
	}
	memcpy(s->hh, keys->hh, SIV_HASH_LEN);
	return SIV_OK;
}

/* ------------------------------------------------------------------- guest */

/* Payload 1 is put together where records will be kept later: it is not secret. */
static struct siv_span siv_session_payload1(u8 *buf,
					    const struct siv_session_hello *in)
{
	struct siv_payload1 p = { .flags = 0 };

	siv_put_le16(&p.version, SIV_PROTOCOL_VERSION);
	siv_put_le32(&p.cert_len, (u32)in->cert.n);
	memcpy(p.boot_nonce, in->boot_nonce, SIV_NONCE_LEN);
	siv_put_le64(&p.attempt, in->attempt);
	memcpy(buf, &p, sizeof(p));
	memcpy(buf + sizeof(p), in->cert.p, in->cert.n);
	return (struct siv_span){ .p = buf, .n = sizeof(p) + in->cert.n };
}

static enum siv_reason siv_session_message1(struct siv_session_tmp *tmp,
					    const struct siv_session *s,
					    const struct siv_session_hello *in,
					    struct siv_span payload, u8 *out,
					    size_t *len)
{
	struct siv_noise_setup setup = {
		.pattern = SIV_NOISE_IK,
		.suite = in->ids.suite,
		.initiator = true,
		.prologue = { tmp->prologue, sizeof(tmp->prologue) },
		.s = in->own,
		.s_pub = in->own_pub,
		.rs = in->host_pub,
	};
	enum siv_reason r;

	siv_session_prologue(tmp->prologue, &in->ids);
	r = siv_noise_init(&tmp->noise, &setup);
	if (r)
		return r;
	siv_noise_set_ephemeral(&tmp->noise, in->e_priv, in->e_pub);
	/* -> e, es, s, ss */
	return siv_noise_write(&tmp->noise, s->hs_t, payload, out,
			       SIV_NOISE_M1_MAX, len);
}

enum siv_reason siv_session_start(struct siv_session *s,
				  const struct siv_session_hello *in, u8 *out,
				  size_t *len)
{
	const size_t at = SIV_SLOT_HDR + SIV_NONCE_LEN;
	struct siv_session_tmp tmp;
	struct siv_span payload;
	enum siv_reason r;
	size_t n;

	*len = 0;
	r = siv_session_step(s, SIV_STEP_START);
	if (r)
		return r;
	if (!in->cert.n || in->cert.n > SIV_CERT_MAX)
		return SIV_R_CERT_SIZE;
	if (!memcmp(in->own_pub, in->host_pub, SIV_KEY_LEN))
		return SIV_R_CERT_SELF;
	memset(&tmp, 0, sizeof(tmp));
	payload = siv_session_payload1(s->sent[0].bytes, in);
	r = siv_session_message1(&tmp, s, in, payload, out + at, &n);
	siv_wipe(s->sent[0].bytes, payload.n);
	if (!r) {
		memcpy(out + SIV_SLOT_HDR, in->ids.challenge, SIV_NONCE_LEN);
		n += SIV_NONCE_LEN;
		siv_hello_header(out, n, in->ids.suite, in->attempt);
		*len = SIV_SLOT_HDR + n;
		s->noise = tmp.noise;
		s->suite = in->ids.suite;
		s->attempt = in->attempt;
		memcpy(s->peer_static, in->host_pub, SIV_KEY_LEN);
		s->state = SIV_SESSION_SENT;
	}
	siv_wipe(&tmp, sizeof(tmp));
	return r;
}

/* The form of payload 2; a refusal need not name a session. */
static enum siv_reason siv_payload2_check(const struct siv_payload2 *p)
{
	static const u8 zero[sizeof(p->reserved1)];

	if (siv_get_le16(&p->reserved0) ||
	    memcmp(p->reserved1, zero, sizeof(zero)))
		return SIV_R_RESERVED;
	if (siv_get_le32(&p->status))
		return SIV_OK;
	if (siv_get_le32(&p->session_tag) != (u32)siv_get_le64(&p->session_id))
		return SIV_R_RESERVED;
	return SIV_OK;
}

static enum siv_reason siv_session_message2(struct siv_session_tmp *tmp,
					    const struct siv_session *s,
					    struct siv_span slot,
					    struct siv_payload2 *p2)
{
	struct siv_span msg = { slot.p + SIV_SLOT_HDR, SIV_HELLO2_LEN };
	enum siv_reason r;
	size_t n;

	if (slot.n != SIV_SLOT_HDR + SIV_HELLO2_LEN ||
	    siv_get_le32(slot.p) != SIV_HELLO2_LEN)
		return SIV_R_LENGTH;
	if (siv_get_le32(slot.p + 4) != s->suite ||
	    siv_get_le64(slot.p + 8) != s->attempt)
		return SIV_R_NUMBER;
	tmp->noise = s->noise;
	/* <- e, ee, se */
	r = siv_noise_read(&tmp->noise, s->hs_t, msg, tmp->payload, &n);
	if (r)
		return r;
	if (n != sizeof(*p2))
		return SIV_R_LENGTH;
	memcpy(p2, tmp->payload, sizeof(*p2));
	return siv_payload2_check(p2);
}

static enum siv_reason siv_session_seal(struct siv_session *s, u16 type,
					struct siv_span body,
					struct siv_span more, u64 now_ms);

/* Message 2 is the host's word: take the keys, say READY. */
static enum siv_reason siv_session_begin(struct siv_session *s,
					 struct siv_session_tmp *tmp,
					 const struct siv_payload2 *p2,
					 u64 now_ms)
{
	const struct siv_span none = { NULL, 0 };
	enum siv_reason r;

	/* Split */
	r = siv_noise_split(&tmp->noise, &tmp->keys);
	if (!r)
		r = siv_session_keys(s, &tmp->keys);
	if (r)
		return r;
	siv_noise_wipe(&s->noise);
	s->id = siv_get_le64(&p2->session_id);
	s->tag = siv_get_le32(&p2->session_tag);
	s->beat_ms = siv_get_le32(&p2->liveness_ms) / 3;
	s->heard_ms = now_ms;
	s->state = SIV_SESSION_LIVE;
	return siv_session_seal(s, SIV_MSG_READY, none, none, now_ms);
}

enum siv_reason siv_session_finish(struct siv_session *s, struct siv_span slot,
				   struct siv_payload2 *p2, u64 now_ms)
{
	struct siv_session_tmp tmp;
	enum siv_reason r;

	memset(p2, 0, sizeof(*p2));
	r = siv_session_step(s, SIV_STEP_FINISH);
	if (r)
		return r;
	memset(&tmp, 0, sizeof(tmp));
	r = siv_session_message2(&tmp, s, slot, p2);
	if (r) {
		memset(p2, 0, sizeof(*p2));
	} else if (siv_get_le32(&p2->status)) {
		siv_session_wipe(s);
		r = SIV_R_POLICY;
	} else {
		r = siv_session_begin(s, &tmp, p2, now_ms);
		if (r)
			siv_session_wipe(s);
	}
	siv_wipe(&tmp, sizeof(tmp));
	return r;
}

/* -------------------------------------------------------------------- host */

/* Steps before any Diffie-Hellman: form, suite, challenge. */
static enum siv_reason siv_hello_check(const struct siv_session_ids *ids,
				       u32 suites, struct siv_span slot,
				       u16 *suite)
{
	u32 tag;

	if (slot.n < SIV_SLOT_HDR + SIV_NONCE_LEN + SIV_NOISE_M1_MIN ||
	    slot.n > SIV_SLOT_HDR + SIV_HELLO1_MAX ||
	    siv_get_le32(slot.p) != slot.n - SIV_SLOT_HDR)
		return SIV_R_LENGTH;
	tag = siv_get_le32(slot.p + 4);
	if (tag >= 32 || !(suites >> tag & 1))
		return SIV_R_SUITE;
	*suite = (u16)tag;
	if (!siv_equal(slot.p + SIV_SLOT_HDR, ids->challenge, SIV_NONCE_LEN))
		return SIV_R_CHALLENGE;
	return SIV_OK;
}

static enum siv_reason
siv_session_open1(struct siv_session_tmp *tmp, const struct siv_session *s,
		  const struct siv_session_ids *ids, u16 suite,
		  const struct siv_static *h, const u8 h_pub[SIV_KEY_LEN],
		  struct siv_span msg, u8 *plain, size_t *n)
{
	struct siv_session_ids with = *ids;
	struct siv_noise_setup setup = {
		.pattern = SIV_NOISE_IK,
		.suite = suite,
		.prologue = { tmp->prologue, sizeof(tmp->prologue) },
		.s = h,
		.s_pub = h_pub,
	};
	enum siv_reason r;

	with.suite = suite;
	siv_session_prologue(tmp->prologue, &with);
	r = siv_noise_init(&tmp->noise, &setup);
	if (r)
		return r;
	/* -> e, es, s, ss */
	return siv_noise_read(&tmp->noise, s->hs_t, msg, plain, n);
}

/* Payload 1: its form, the certificate, and that its key is the Noise static key. */
static enum siv_reason siv_payload1_check(struct siv_span plain,
					  const u8 rs[SIV_KEY_LEN],
					  const u8 h_pub[SIV_KEY_LEN],
					  u64 attempt, struct siv_cert *cert,
					  struct siv_payload1 *p1)
{
	struct siv_span der;
	enum siv_reason r;

	if (plain.n < sizeof(*p1))
		return SIV_R_LENGTH;
	memcpy(p1, plain.p, sizeof(*p1));
	if (siv_get_le16(&p1->version) != SIV_PROTOCOL_VERSION)
		return SIV_R_VERSION;
	if (siv_get_le16(&p1->flags))
		return SIV_R_RESERVED;
	if (siv_get_le64(&p1->attempt) != attempt)
		return SIV_R_NUMBER;
	der = (struct siv_span){ plain.p + sizeof(*p1), plain.n - sizeof(*p1) };
	if (siv_get_le32(&p1->cert_len) != der.n)
		return SIV_R_LENGTH;
	r = siv_cert_parse(der, cert);
	if (r)
		return r;
	if (cert->role != SIV_CERT_ENDPOINT)
		return SIV_R_CERT_ROLE;
	/* SPKI = s */
	if (!siv_equal(cert->pub, rs, SIV_KEY_LEN))
		return SIV_R_KEY_MISMATCH;
	if (siv_equal(cert->pub, h_pub, SIV_KEY_LEN))
		return SIV_R_CERT_SELF;
	return SIV_OK;
}

enum siv_reason
siv_session_heard(struct siv_session *s, const struct siv_session_ids *ids,
		  const struct siv_static *h, const u8 h_pub[SIV_KEY_LEN],
		  u32 suites, struct siv_span slot, u8 *plain,
		  struct siv_cert *cert, struct siv_payload1 *p1)
{
	const size_t at = SIV_SLOT_HDR + SIV_NONCE_LEN;
	struct siv_session_tmp tmp;
	struct siv_span payload = { plain, 0 };
	enum siv_reason r;
	u16 suite = 0;

	r = siv_session_step(s, SIV_STEP_HEARD);
	if (!r)
		r = siv_hello_check(ids, suites, slot, &suite);
	if (r)
		return r;
	memset(&tmp, 0, sizeof(tmp));
	r = siv_session_open1(&tmp, s, ids, suite, h, h_pub,
			      (struct siv_span){ slot.p + at, slot.n - at },
			      plain, &payload.n);
	if (!r)
		r = siv_payload1_check(payload, tmp.noise.rs, h_pub,
				       siv_get_le64(slot.p + 8), cert, p1);
	if (!r) {
		s->noise = tmp.noise;
		s->suite = suite;
		s->attempt = siv_get_le64(&p1->attempt);
		memcpy(s->peer_static, tmp.noise.rs, SIV_KEY_LEN);
		s->state = SIV_SESSION_HEARD;
	}
	siv_wipe(&tmp, sizeof(tmp));
	return r;
}

/* Make message 2 on a copy and, unless it refuses, take the keys. */
static enum siv_reason siv_session_reply(struct siv_session *s,
					 struct siv_session_tmp *tmp,
					 const struct siv_payload2 *p2, u8 *out)
{
	struct siv_span payload = { (const u8 *)p2, sizeof(*p2) };
	enum siv_reason r;
	size_t n;

	/* <- e, ee, se */
	r = siv_noise_write(&tmp->noise, s->hs_t, payload, out, SIV_HELLO2_LEN,
			    &n);
	if (r || siv_get_le32(&p2->status))
		return r;
	/* Split */
	r = siv_noise_split(&tmp->noise, &tmp->keys);
	if (r)
		return r;
	return siv_session_keys(s, &tmp->keys);
}

enum siv_reason siv_session_answer(struct siv_session *s,
				   const struct siv_payload2 *p2,
				   const u8 e_priv[SIV_KEY_LEN],
				   const u8 e_pub[SIV_KEY_LEN], u8 *out,
				   size_t *len)
{
	struct siv_session_tmp tmp;
	enum siv_reason r;

	*len = 0;
	r = siv_session_step(s, SIV_STEP_ANSWER);
	if (!r)
		r = siv_payload2_check(p2);
	if (r)
		return r;
	memset(&tmp, 0, sizeof(tmp));
	tmp.noise = s->noise;
	siv_noise_set_ephemeral(&tmp.noise, e_priv, e_pub);
	r = siv_session_reply(s, &tmp, p2, out + SIV_SLOT_HDR);
	if (!r) {
		siv_hello_header(out, SIV_HELLO2_LEN, s->suite, s->attempt);
		*len = SIV_SLOT_HDR + SIV_HELLO2_LEN;
	}
	if (!r && siv_get_le32(&p2->status)) {
		siv_session_wipe(s);
	} else if (!r) {
		siv_noise_wipe(&s->noise);
		s->id = siv_get_le64(&p2->session_id);
		s->tag = siv_get_le32(&p2->session_tag);
		s->state = SIV_SESSION_PENDING;
	}
	siv_wipe(&tmp, sizeof(tmp));
	return r;
}

/* ----------------------------------------------------------------- records */

static struct siv_sent *siv_session_sent(struct siv_session *s, unsigned int i)
{
	return &s->sent[(s->head + i) % SIV_SESSION_WINDOW];
}

static bool siv_msg_lazy(u16 type)
{
	return type == SIV_MSG_ACK || type == SIV_MSG_HEARTBEAT;
}

/* Seal under the next number and keep the bytes: they are all that is ever posted. */
static enum siv_reason siv_session_seal(struct siv_session *s, u16 type,
					struct siv_span body,
					struct siv_span more, u64 now_ms)
{
	struct siv_sent *e = siv_session_sent(s, s->count);
	u64 number = s->tx.next;
	enum siv_reason r;
	size_t len;

	r = siv_record_seal(&s->tx, s->tag, type, s->rx.next, body, more,
			    e->bytes, &len);
	if (r == SIV_R_LENGTH || r == SIV_R_EXHAUSTED)
		return r;
	if (r) {
		/* The number is lost, so nothing after it would be accepted. */
		siv_half_wipe(&s->tx);
		return r;
	}
	e->number = number;
	e->ack = s->rx.next;
	e->len = (u16)len;
	e->lazy = siv_msg_lazy(type);
	e->backoff_ms = 0;
	e->due_ms = now_ms;
	s->count++;
	s->ack_said = s->rx.next;
	s->ack_said_ms = now_ms;
	s->ack_due_ms = 0;
	s->said_ms = now_ms;
	return SIV_OK;
}

enum siv_reason siv_session_send(struct siv_session *s, u16 type,
				 struct siv_span body, struct siv_span more,
				 u64 now_ms)
{
	enum siv_reason r;

	r = siv_session_step(s, SIV_STEP_SEND);
	if (!r)
		r = siv_session_may(!s->host, SIV_SESSION_LIVE, type);
	if (r)
		return r;
	if (s->count >= SIV_SESSION_WINDOW - 1)
		return SIV_R_RATE;
	return siv_session_seal(s, type, body, more, now_ms);
}

/* The other side expects @ack next: forget what it has. */
static enum siv_reason siv_session_acked(struct siv_session *s, u64 ack,
					 u64 now_ms)
{
	unsigned int i;

	if (ack < s->acked || ack > s->tx.next)
		return SIV_R_STATE;
	if (ack == s->acked)
		return SIV_OK;
	s->acked = ack;
	while (s->count && siv_session_sent(s, 0)->number < ack) {
		s->ack_known = siv_session_sent(s, 0)->ack;
		s->head = (u8)((s->head + 1) % SIV_SESSION_WINDOW);
		s->count--;
	}
	/* It is there: what is left starts anew at the shortest interval. */
	for (i = 0; i < s->count; i++) {
		struct siv_sent *e = siv_session_sent(s, i);

		if (e->backoff_ms > SIV_REPOST_FIRST_MS) {
			e->backoff_ms = SIV_REPOST_FIRST_MS;
			e->due_ms = now_ms + SIV_REPOST_FIRST_MS;
		}
	}
	return SIV_OK;
}

/*
 * Does the record just received ask for an acknowledgement? An ACK does not, or they
 * would go back and forth for ever; but half a window of anything does, so that the
 * other side's window empties even if it only acknowledges.
 */
static void siv_session_owe(struct siv_session *s, u16 type, u64 now_ms)
{
	bool half = s->rx.next - s->ack_said >= SIV_SESSION_WINDOW / 2;
	bool owe = type != SIV_MSG_ACK || half;
	u64 due = half ? now_ms : now_ms + SIV_ACK_DELAY_MS;

	s->owed = s->owed << 1 | owe;
	if (!owe)
		return;
	if (!due)
		due = 1;
	if (!s->ack_due_ms || s->ack_due_ms > due)
		s->ack_due_ms = due;
}

bool siv_session_wants(struct siv_session *s, const struct siv_slot_info *info,
		       u64 now_ms)
{
	u64 back;

	if (s->state != SIV_SESSION_LIVE && s->state != SIV_SESSION_PENDING)
		return false;
	if (info->tag != s->tag || info->number > s->rx.next)
		return false;
	if (info->number == s->rx.next)
		return true;
	/* An old number. Does the other side still wait to hear that we have it? */
	back = s->rx.next - 1 - info->number;
	if (info->number >= s->ack_known && back < 64 && s->owed >> back & 1 &&
	    now_ms - s->ack_said_ms >= SIV_REPOST_FIRST_MS)
		s->again = true;
	return false;
}

enum siv_reason siv_session_receive(struct siv_session *s, struct siv_span rec,
				    u8 *plain, u16 *type, struct siv_span *body,
				    u64 now_ms)
{
	struct siv_span msg = { plain, 0 };
	enum siv_reason r;
	u64 ack;

	*type = 0;
	*body = (struct siv_span){ NULL, 0 };
	if (s->state != SIV_SESSION_LIVE && s->state != SIV_SESSION_PENDING)
		return SIV_R_STATE;
	r = siv_record_open(&s->rx, s->tag, rec, plain, &msg.n);
	if (r) {
		s->dropped++;
		/* of a stranger's record no length means anything */
		return r == SIV_R_LENGTH ? SIV_R_TAG : r;
	}
	r = siv_msg_check(msg, type, &ack, body);
	if (!r)
		r = siv_session_may(s->host, s->state, *type);
	if (!r)
		r = siv_session_acked(s, ack, now_ms);
	if (r) {
		*body = (struct siv_span){ NULL, 0 };
		return r;
	}
	s->heard_ms = now_ms;
	siv_session_owe(s, *type, now_ms);
	if (*type == SIV_MSG_READY)
		s->state = SIV_SESSION_LIVE;
	return SIV_OK;
}

/* ----------------------------------------------------------------- posting */

/* Is somebody waiting, so that time alone is a reason to post again? */
static bool siv_session_waiting(struct siv_session *s)
{
	unsigned int i;

	if (s->count >= SIV_SESSION_WINDOW / 2)
		return true;
	for (i = 0; i < s->count; i++)
		if (!siv_session_sent(s, i)->lazy)
			return true;
	return false;
}

/* Make all that is unacknowledged due at once; only the lazy ones if @lazy. */
static void siv_session_hurry(struct siv_session *s, bool lazy)
{
	unsigned int i;

	for (i = 0; i < s->count; i++) {
		struct siv_sent *e = siv_session_sent(s, i);

		if (e->lazy || !lazy)
			e->backoff_ms = 0;
	}
}

/* Acknowledgement and heartbeat, when they are due and there is a place. */
static void siv_session_say(struct siv_session *s, u64 now_ms)
{
	const struct siv_span none = { NULL, 0 };

	if (s->again) {
		s->again = false;
		s->ack_said_ms = now_ms;
		if (s->ack_said != s->rx.next)
			s->ack_due_ms = 1;
		siv_session_hurry(s, false);
	}
	if (s->beat_ms && now_ms - s->said_ms >= s->beat_ms) {
		siv_session_hurry(s, true);
		s->said_ms = now_ms;
		if (s->count < SIV_SESSION_WINDOW - 1)
			(void)!siv_session_seal(s, SIV_MSG_HEARTBEAT, none,
						none, now_ms);
	}
	if (s->ack_due_ms && now_ms >= s->ack_due_ms &&
	    s->count < SIV_SESSION_WINDOW)
		(void)!siv_session_seal(s, SIV_MSG_ACK, none, none, now_ms);
}

static bool siv_sent_due(const struct siv_sent *e, bool waiting, u64 now_ms)
{
	return !e->backoff_ms || (waiting && now_ms >= e->due_ms);
}

/* It was posted: when next, if it stays unacknowledged? */
static void siv_sent_posted(struct siv_sent *e, u64 now_ms)
{
	if (!e->backoff_ms)
		e->backoff_ms = SIV_REPOST_FIRST_MS;
	else if (e->backoff_ms < SIV_REPOST_MAX_MS / 2)
		e->backoff_ms *= 2;
	else
		e->backoff_ms = SIV_REPOST_MAX_MS;
	e->due_ms = now_ms + e->backoff_ms;
}

static void siv_earlier(u64 *next, u64 at)
{
	if (!*next || at < *next)
		*next = at;
}

/* When must siv_session_post() be called again? */
static u64 siv_session_next(struct siv_session *s, bool waiting, bool blocked,
			    u64 now_ms)
{
	u64 next = 0;
	unsigned int i;

	if (blocked)
		next = now_ms + SIV_ACK_DELAY_MS;
	for (i = 0; i < s->count; i++) {
		const struct siv_sent *e = siv_session_sent(s, i);

		/* those due already are what @blocked stands for */
		if (e->backoff_ms && waiting && e->due_ms > now_ms)
			siv_earlier(&next, e->due_ms);
	}
	if (s->ack_due_ms && s->count < SIV_SESSION_WINDOW)
		siv_earlier(&next, s->ack_due_ms);
	if (s->beat_ms)
		siv_earlier(&next, s->said_ms + s->beat_ms);
	return next;
}

/* Where to begin: with the oldest, or where slots were too few the last time. */
static unsigned int siv_session_first(struct siv_session *s)
{
	unsigned int i;

	for (i = 0; i < s->count; i++)
		if (siv_session_sent(s, i)->number == s->turn)
			return i;
	return 0;
}

unsigned int siv_session_post(struct siv_session *s, struct siv_outbox *ob,
			      void *slots, u64 now_ms, u64 *next_ms)
{
	unsigned int i, first, posted = 0;
	bool waiting, blocked = false;

	*next_ms = 0;
	if (s->state != SIV_SESSION_LIVE)
		return 0;
	siv_outbox_release(ob, slots, s->tag, s->acked);
	siv_session_say(s, now_ms);
	waiting = siv_session_waiting(s);
	first = siv_session_first(s);
	s->turn = 0;
	for (i = 0; i < s->count && !blocked; i++) {
		struct siv_sent *e =
			siv_session_sent(s, (first + i) % s->count);
		int at;

		if (!siv_sent_due(e, waiting, now_ms))
			continue;
		at = siv_outbox_take(ob, s->tag, e->number, e->lazy, now_ms);
		if (at < 0) {
			s->turn = e->number;
			blocked = true;
			continue;
		}
		siv_slot_write((u8 *)slots + (size_t)at * SIV_SLOT_SIZE,
			       e->bytes, e->len);
		siv_sent_posted(e, now_ms);
		posted++;
	}
	*next_ms = siv_session_next(s, waiting, blocked, now_ms);
	return posted;
}

/* -------------------------------------------------------------- ephemerals */

void siv_hedge_prk(u8 prkh[SIV_HASH_LEN], const u8 priv[SIV_KEY_LEN])
{
	static const char label[] = "sivshmem1 hedge";

	siv_hkdf_extract(
		prkh, (struct siv_span){ (const u8 *)label, sizeof(label) - 1 },
		(struct siv_span){ priv, SIV_KEY_LEN });
}

enum siv_reason siv_ephemeral_make(u8 priv[SIV_KEY_LEN], u8 pub[SIV_KEY_LEN],
				   const u8 prkh[SIV_HASH_LEN],
				   const u8 random[32],
				   const u8 hh[SIV_HASH_LEN], u64 counter)
{
	static const char label[] = "sivshmem1 eph"; /* with its NUL */
	struct {
		u8 prk[SIV_HASH_LEN];
		u8 counter[8];
	} tmp;
	struct siv_span info[] = {
		{ (const u8 *)label, sizeof(label) },
		{ hh, SIV_HASH_LEN },
		{ tmp.counter, sizeof(tmp.counter) },
	};
	enum siv_reason r;

	siv_put_le64(tmp.counter, counter);
	siv_hkdf_extract(tmp.prk, (struct siv_span){ prkh, SIV_HASH_LEN },
			 (struct siv_span){ random, 32 });
	siv_hkdf_expand(priv, tmp.prk, info, ARRAY_SIZE(info));
	siv_wipe(&tmp, sizeof(tmp));
	r = siv_x25519_base(pub, priv);
	if (r)
		siv_wipe(priv, SIV_KEY_LEN);
	return r;
}
