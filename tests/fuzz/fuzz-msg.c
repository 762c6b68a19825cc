// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages, region headers, slots and grants of any bytes. The first byte says which.
 * Claim: what is accepted is what its description allows, and nothing else is read.
 */
#include "core/connect.h"
#include "core/record.h"
#include "fuzz.h"

static void claim_name(const u8 field[SIV_NAME_LEN], bool empty)
{
	struct siv_span name;

	fuzz_claim(siv_name_get(field, &name));
	fuzz_claim(name.n ? siv_name_check(name) : empty);
}

static void claim_ring(__le64 size)
{
	u64 v = siv_get_le64(&size);

	fuzz_claim(siv_is_pow2(v) && v >= SIV_RING_MIN && v <= SIV_RING_MAX);
}

static void claim_message(const u8 *p, size_t n)
{
	struct siv_span body;
	u16 type;
	u64 ack;

	if (siv_msg_check((struct siv_span){ p, n }, &type, &ack, &body)) {
		fuzz_claim(!body.p && !body.n);
		return;
	}
	fuzz_claim(type && type < SIV_MSG_COUNT);
	fuzz_claim(body.p == p + SIV_MSG_HDR && body.n == n - SIV_MSG_HDR);
	fuzz_claim(body.n <= SIV_BODY_MAX);
	if (type == SIV_MSG_OPEN) {
		const struct siv_open *m = (const void *)body.p;

		claim_name(m->service, false);
		claim_name(m->vm, true);
		claim_ring(m->ring_ab);
		claim_ring(m->ring_ba);
	} else if (type == SIV_MSG_INCOMING) {
		const struct siv_incoming *m = (const void *)body.p;

		claim_name(m->service, false);
		claim_ring(m->ring_ab);
		fuzz_claim(body.n == sizeof(*m) + siv_get_le32(&m->cert_len));
		fuzz_claim(!(siv_get_le32(&m->flags) & ~SIV_CH_FLAGS));
	} else if (type == SIV_MSG_GRANT_A) {
		const struct siv_grant_a *m = (const void *)body.p;

		fuzz_claim(body.n == sizeof(*m) + siv_get_le32(&m->cert_len));
		fuzz_claim(siv_get_le32(&m->peer_b) <= SIV_PEER_MAX);
	}
}

/* Messages are aligned; this one also ends where its memory does. */
static void fuzz_message(const u8 *p, size_t n)
{
	u8 *copy = malloc(n ? n : 1);

	fuzz_claim(copy);
	memcpy(copy, p, n);
	claim_message(copy, n);
	free(copy);
}

static void fuzz_header(const u8 *p, size_t n)
{
	struct siv_region_header h;
	struct siv_geometry g;
	u32 peer;

	memset(&h, 0, sizeof(h));
	memcpy(&h, p, n < sizeof(h) ? n : sizeof(h));
	if (siv_header_check(&h, siv_get_le64(&h.region_size), 4096, &g)) {
		fuzz_claim(!g.region_size);
		return;
	}
	/* every mailbox of every peer is inside the region */
	for (peer = 0; peer < 3u * g.boxes && peer < 70000; peer++) {
		u64 off = siv_box_offset(&g, peer);

		fuzz_claim(off >= sizeof(h) &&
			   off + SIV_BOX_STRIDE <= g.region_size);
	}
	fuzz_claim(g.extent_off + g.extent_len <= g.region_size);
	fuzz_claim(g.side_off + (u64)g.side_count * 2 * g.granule <=
		   g.region_size);
	fuzz_claim(g.ring_min >= g.granule);
}

static void fuzz_slot(const u8 *p, size_t n)
{
	u64 slot[SIV_SLOT_SIZE / 8] = { 0 };
	struct siv_slot_info info;
	u8 *out = malloc(SIV_SLOT_SIZE);
	size_t len;

	fuzz_claim(out);
	memcpy(slot, p, n < sizeof(slot) ? n : sizeof(slot));
	if (siv_slot_peek(slot, &info)) {
		len = siv_slot_copy(slot, &info, out);
		fuzz_claim(len == SIV_SLOT_HDR + info.len &&
			   len <= SIV_SLOT_SIZE);
	}
	free(out);
}

/* A grant that is accepted lies where it may, and nowhere twice. */
static void fuzz_grant(const u8 *p, size_t n)
{
	static const struct siv_geometry geo = {
		.region_size = 1 << 26,
		.side_off = 1 << 20,
		.side_count = 8,
		.extent_off = 1 << 21,
		.extent_len = (1 << 26) - (1 << 21),
		.ring_min = 4096,
		.ring_max = 1 << 24,
		.granule = 4096,
	};
	struct siv_connect_ids ids;
	struct siv_range r[2], ab, ba;
	struct siv_common c;

	memset(&c, 0, sizeof(c));
	memcpy(&c, p, n < sizeof(c) ? n : sizeof(c));
	memset(&ids, 0, sizeof(ids));
	ids.cid = siv_get_le64(&c.cid);
	ids.flags = siv_get_le32(&c.flags);
	ids.suite = siv_get_le16(&c.suite);
	ids.ring_ab = siv_get_le64(&c.ring_ab_len);
	ids.ring_ba = siv_get_le64(&c.ring_ba_len);
	ids.peer_a = siv_get_le32(&c.peer_a);
	ids.peer_b = siv_get_le32(&c.peer_b);
	if (siv_common_check(&c, &ids, &geo))
		return;
	siv_common_ranges(&c, &geo, r);
	ab = (struct siv_range){ siv_get_le64(&c.ring_ab_off), ids.ring_ab };
	ba = (struct siv_range){ siv_get_le64(&c.ring_ba_off), ids.ring_ba };
	fuzz_claim(!siv_range_overlap(&r[0], &r[1]));
	fuzz_claim(!siv_range_overlap(&ab, &ba));
	fuzz_claim(!siv_range_overlap(&ab, &r[0]) &&
		   !siv_range_overlap(&ba, &r[0]));
	fuzz_claim(ab.off >= r[1].off &&
		   ab.off + ab.len <= r[1].off + r[1].len);
	fuzz_claim(ba.off >= r[1].off &&
		   ba.off + ba.len <= r[1].off + r[1].len);
	fuzz_claim(r[1].off >= geo.extent_off);
	fuzz_claim(r[1].off + r[1].len <= geo.region_size);
	fuzz_claim(r[0].off >= geo.side_off);
	fuzz_claim(r[0].off + r[0].len <= geo.side_off + 8u * 2 * 4096);
	fuzz_claim(!(ab.off % 4096) && !(ba.off % 4096) && !(r[0].off % 4096));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!n)
		return 0;
	switch (data[0] % 4) {
	case 0:
		fuzz_message(data + 1, n - 1);
		break;
	case 1:
		fuzz_header(data + 1, n - 1);
		break;
	case 2:
		fuzz_slot(data + 1, n - 1);
		break;
	default:
		fuzz_grant(data + 1, n - 1);
		break;
	}
	return 0;
}

/* ------------------------------------------------------------------- seeds */

static size_t seed_message(u8 *out, u16 type)
{
	static const u16 lens[SIV_MSG_COUNT] = {
		[SIV_MSG_LISTEN] = sizeof(struct siv_listen),
		[SIV_MSG_UNLISTEN] = sizeof(struct siv_unlisten),
		[SIV_MSG_RESULT] = sizeof(struct siv_result),
		[SIV_MSG_OPEN] = sizeof(struct siv_open),
		[SIV_MSG_INCOMING] = sizeof(struct siv_incoming),
		[SIV_MSG_ACCEPT] = sizeof(struct siv_accept),
		[SIV_MSG_REJECT] = sizeof(struct siv_reject),
		[SIV_MSG_GRANT_A] = sizeof(struct siv_grant_a),
		[SIV_MSG_CONFIRM] = sizeof(struct siv_confirm),
		[SIV_MSG_GRANT_B] = sizeof(struct siv_grant_b),
		[SIV_MSG_ESTABLISHED] = sizeof(struct siv_established),
		[SIV_MSG_FIN] = sizeof(struct siv_fin),
		[SIV_MSG_CLOSE] = sizeof(struct siv_close),
		[SIV_MSG_CLOSED] = sizeof(struct siv_close),
		[SIV_MSG_FAILED] = sizeof(struct siv_failed),
	};
	u64 words[64] = { 0 };
	u8 *body = (u8 *)words;

	siv_put_le16(out + 1, type);
	siv_put_le32(out + 5, lens[type]);
	if (type == SIV_MSG_OPEN) {
		struct siv_open *m = (void *)body;

		siv_put_le64(&m->ring_ab, 4096);
		siv_put_le64(&m->ring_ba, 4096);
		m->service[0] = 's';
	} else if (type == SIV_MSG_INCOMING) {
		struct siv_incoming *m = (void *)body;

		siv_put_le64(&m->ring_ab, 4096);
		siv_put_le64(&m->ring_ba, 4096);
		siv_put_le32(&m->peer_a, 1);
		siv_put_le32(&m->peer_b, 1);
		m->service[0] = 's';
	} else if (type == SIV_MSG_LISTEN) {
		siv_put_le32(body + 12, 1);
	}
	memcpy(out + 1 + SIV_MSG_HDR, words, lens[type]);
	return 1 + (size_t)SIV_MSG_HDR + lens[type];
}

static size_t seed_header(u8 *out)
{
	struct siv_region_header header, *h = &header;

	memset(h, 0, sizeof(*h));
	out[0] = 1;
	memcpy(h->magic, SIV_MAGIC, 8);
	siv_put_le16(&h->version, 1);
	siv_put_le16(&h->header_len, 512);
	siv_put_le64(&h->region_size, 1 << 26);
	siv_put_le32(&h->granule, 4096);
	siv_put_le16(&h->boxes, 4);
	siv_put_le16(&h->slots, SIV_BOX_SLOTS);
	siv_put_le32(&h->slot_size, SIV_SLOT_SIZE);
	siv_put_le32(&h->box_stride, SIV_BOX_STRIDE);
	siv_put_le64(&h->box_off, 65536);
	siv_put_le64(&h->side_off, 1 << 20);
	siv_put_le32(&h->side_count, 8);
	siv_put_le32(&h->suites, 2);
	siv_put_le64(&h->extent_off, 1 << 21);
	siv_put_le64(&h->extent_len, (1 << 26) - (1 << 21));
	siv_put_le64(&h->ring_min, 4096);
	siv_put_le64(&h->ring_max, 1 << 24);
	siv_put_le32(&h->sealed_max, 65536);
	h->region[0] = 'd';
	siv_put_le32(&h->cert_off, 4096);
	siv_put_le32(&h->cert_len, 700);
	memcpy(out + 1, h, sizeof(*h));
	return 1 + sizeof(*h);
}

static size_t seed_grant(u8 *out)
{
	struct siv_common c;

	memset(&c, 0, sizeof(c));
	siv_put_le64(&c.extent_off, 1 << 21);
	siv_put_le64(&c.extent_len, 8192);
	siv_put_le64(&c.side_off, 1 << 20);
	siv_put_le64(&c.ring_ab_off, 1 << 21);
	siv_put_le64(&c.ring_ba_off, (1 << 21) + 4096);
	siv_put_le64(&c.ring_ab_len, 4096);
	siv_put_le64(&c.ring_ba_len, 4096);
	siv_put_le16(&c.vector_a, 1);
	siv_put_le16(&c.vector_b, 1);
	out[0] = 3;
	memcpy(out + 1, &c, sizeof(c));
	return 1 + sizeof(c);
}

size_t fuzz_seed(size_t i, u8 *out, size_t cap)
{
	memset(out, 0, cap);
	if (i + 1 < SIV_MSG_COUNT)
		return seed_message(out, (u16)(i + 1));
	switch (i + 1 - SIV_MSG_COUNT) {
	case 0:
		return seed_header(out);
	case 1:
		out[0] = 2;
		siv_put_le32(out + 1, 100);
		return 200;
	case 2:
		return seed_grant(out);
	default:
		return 0;
	}
}
