// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a message body is viewed as its struct only if it is exactly well formed, and
 * a region header is believed only if everything it says fits the memory and itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/record.h"

/* ------------------------------------------------------------------- names */

static const struct {
	const char *text;
	bool ok;
} names[] = {
	{ "a", true },
	{ "0", true },
	{ "camera.front", true },
	{ "a-b_c.d", true },
	{ "a..", true },
	{ "012345678901234567890123456789012345678901234567890123456789012",
	  true },
	{ "0123456789012345678901234567890123456789012345678901234567890123",
	  false },
	{ "", false },
	{ ".host", false },
	{ "-a", false },
	{ "_a", false },
	{ "A", false },
	{ "aB", false },
	{ "a b", false },
	{ "a/b", false },
	{ "a\n", false },
	{ "a\x80", false },
	{ "\xc3\xa9", false },
	{ "a~", false },
	{ "a:", false },
	{ "a`", false },
	{ "a{", false },
};

static void test_names(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct siv_span s = { (const u8 *)names[i].text,
				      strlen(names[i].text) };

		if (siv_name_check(s) != names[i].ok)
			fail_msg("name %zu \"%s\"", i, names[i].text);
	}
	/* a NUL inside is a byte like any other: no */
	assert_false(
		siv_name_check((struct siv_span){ (const u8 *)"a\0b", 3 }));
}

static void test_name_field(void **state)
{
	u8 field[SIV_NAME_LEN];
	struct siv_span out;
	size_t n, i;

	(void)state;
	for (n = 0; n <= SIV_NAME_LEN; n++) {
		memset(field, 0, sizeof(field));
		memset(field, 'a', n);
		if (n == SIV_NAME_LEN) {
			assert_false(siv_name_get(field, &out));
			assert_int_equal(out.n, 0);
			continue;
		}
		assert_true(siv_name_get(field, &out));
		assert_int_equal(out.n, n);
		assert_ptr_equal(out.p, field);
		/* one byte behind the first NUL */
		for (i = n + 1; i < SIV_NAME_LEN; i++) {
			field[i] = 1;
			assert_false(siv_name_get(field, &out));
			field[i] = 0;
		}
	}
	memset(field, 0xff, sizeof(field));
	siv_name_put(field, (struct siv_span){ (const u8 *)"xyz", 3 });
	assert_true(siv_name_get(field, &out));
	assert_int_equal(out.n, 3);
	siv_name_put(field, (struct siv_span){ NULL, 0 });
	assert_true(siv_name_get(field, &out));
	assert_int_equal(out.n, 0);
	field[0] = 'A';
	assert_false(siv_name_get(field, &out));
}

/* ---------------------------------------------------------------- messages */

/* A valid example of each type, as the header and a body. */
struct example {
	u8 bytes[SIV_MSG_HDR + SIV_BODY_MAX];
	size_t n;
};

static void name(u8 *field, const char *text)
{
	siv_name_put(field,
		     (struct siv_span){ (const u8 *)text, strlen(text) });
}

static void example_common(struct siv_common *c)
{
	siv_put_le64(&c->cid, 7);
	siv_put_le64(&c->ring_ab_len, 65536);
	siv_put_le64(&c->ring_ba_len, 65536);
	siv_put_le32(&c->flags, SIV_CH_SEALED);
	siv_put_le16(&c->suite, 1);
	siv_put_le32(&c->peer_a, 1);
	siv_put_le16(&c->vector_a, 1);
	siv_put_le32(&c->peer_b, 2);
	siv_put_le16(&c->vector_b, 1);
}

/* The body of a type; certificates of @cert bytes where there is one. */
static size_t example_body(u8 *b, u16 type, u32 cert)
{
	switch (type) {
	case SIV_MSG_LISTEN:
		siv_put_le32(b + 12, 1);
		return sizeof(struct siv_listen);
	case SIV_MSG_UNLISTEN:
		return sizeof(struct siv_unlisten);
	case SIV_MSG_RESULT:
		return sizeof(struct siv_result);
	case SIV_MSG_OPEN: {
		struct siv_open *m = (void *)b;

		siv_put_le64(&m->ring_ab, 65536);
		siv_put_le64(&m->ring_ba, 4096);
		name(m->service, "camera");
		return sizeof(*m);
	}
	case SIV_MSG_INCOMING: {
		struct siv_incoming *m = (void *)b;

		siv_put_le64(&m->ring_ab, 65536);
		siv_put_le64(&m->ring_ba, 4096);
		siv_put_le32(&m->peer_a, 1);
		siv_put_le32(&m->peer_b, 2);
		name(m->service, "camera");
		siv_put_le32(&m->cert_len, cert);
		return sizeof(*m) + cert;
	}
	case SIV_MSG_ACCEPT:
		return sizeof(struct siv_accept);
	case SIV_MSG_REJECT:
		siv_put_le32(b + 8, 1);
		return sizeof(struct siv_reject);
	case SIV_MSG_GRANT_A: {
		struct siv_grant_a *m = (void *)b;

		siv_put_le32(&m->peer_b, 2);
		siv_put_le32(&m->cert_len, cert);
		example_common(&m->common);
		return sizeof(*m) + cert;
	}
	case SIV_MSG_CONFIRM:
		return sizeof(struct siv_confirm);
	case SIV_MSG_GRANT_B:
		example_common((void *)b);
		return sizeof(struct siv_grant_b);
	case SIV_MSG_ESTABLISHED:
		return sizeof(struct siv_established);
	case SIV_MSG_FIN:
		return sizeof(struct siv_fin);
	case SIV_MSG_CLOSE:
	case SIV_MSG_CLOSED:
		return sizeof(struct siv_close);
	case SIV_MSG_FAILED:
		siv_put_le32(b + 16, 1);
		return sizeof(struct siv_failed);
	default:
		return 0;
	}
}

static void example(struct example *e, u16 type, u32 cert)
{
	memset(e, 0, sizeof(*e));
	e->n = SIV_MSG_HDR + example_body(e->bytes + SIV_MSG_HDR, type, cert);
	siv_put_le16(e->bytes, type);
	siv_put_le32(e->bytes + 4, (u32)(e->n - SIV_MSG_HDR));
	siv_put_le64(e->bytes + 8, 0x1122334455667788u);
}

/* Checks a copy of exactly @n bytes, so that a sanitizer sees a read past the end. */
static enum siv_reason check(const struct example *e, size_t n)
{
	struct siv_span body;
	enum siv_reason r;
	u8 *copy = malloc(n ? n : 1);
	u16 type;
	u64 ack;

	assert_non_null(copy);
	memcpy(copy, e->bytes, n);
	r = siv_msg_check((struct siv_span){ copy, n }, &type, &ack, &body);
	if (r) {
		assert_null(body.p);
		assert_int_equal(body.n, 0);
	} else {
		assert_int_equal(type, siv_get_le16(copy));
		assert_int_equal(ack, 0x1122334455667788u);
		assert_ptr_equal(body.p, copy + SIV_MSG_HDR);
		assert_int_equal(body.n, n - SIV_MSG_HDR);
	}
	free(copy);
	return r;
}

static bool has_cert(u16 type)
{
	return type == SIV_MSG_INCOMING || type == SIV_MSG_GRANT_A;
}

/* Exactly the length of the type: one less or more, in the header or the bytes, is not. */
static void test_lengths(void **state)
{
	static struct example e;
	u16 type;
	size_t n;

	(void)state;
	for (type = 1; type < SIV_MSG_COUNT; type++) {
		example(&e, type, 0);
		assert_int_equal(check(&e, e.n), SIV_OK);
		assert_string_not_equal(siv_msg_name(type), "unknown");
		for (n = 0; n < e.n; n++) {
			assert_int_equal(check(&e, n), SIV_R_LENGTH);
			if (n < SIV_MSG_HDR)
				continue;
			/* as short, and the header says so */
			siv_put_le32(e.bytes + 4, (u32)(n - SIV_MSG_HDR));
			assert_int_equal(check(&e, n), SIV_R_LENGTH);
			siv_put_le32(e.bytes + 4, (u32)(e.n - SIV_MSG_HDR));
		}
		for (n = e.n + 1; n < e.n + 65; n++) {
			assert_int_equal(check(&e, n), SIV_R_LENGTH);
			siv_put_le32(e.bytes + 4, (u32)(n - SIV_MSG_HDR));
			assert_int_equal(check(&e, n), SIV_R_LENGTH);
			siv_put_le32(e.bytes + 4, (u32)(e.n - SIV_MSG_HDR));
		}
		siv_put_le32(e.bytes + 4, (u32)(e.n - SIV_MSG_HDR) + 1);
		assert_int_equal(check(&e, e.n), SIV_R_LENGTH);
		siv_put_le32(e.bytes + 4, 0xffffffff);
		assert_int_equal(check(&e, e.n), SIV_R_LENGTH);
	}
}

static void test_certificates(void **state)
{
	static const u32 lens[] = { 1, 700, SIV_CERT_MAX - 1, SIV_CERT_MAX };
	static struct example e;
	u16 type;
	size_t i;

	(void)state;
	for (type = 1; type < SIV_MSG_COUNT; type++) {
		size_t at = type == SIV_MSG_INCOMING ?
				    offsetof(struct siv_incoming, cert_len) :
				    offsetof(struct siv_grant_a, cert_len);

		if (!has_cert(type))
			continue;
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			example(&e, type, lens[i]);
			assert_int_equal(check(&e, e.n), SIV_OK);
			siv_put_le32(e.bytes + SIV_MSG_HDR + at, lens[i] - 1);
			assert_int_equal(check(&e, e.n), SIV_R_LENGTH);
			siv_put_le32(e.bytes + SIV_MSG_HDR + at, lens[i] + 1);
			assert_int_equal(check(&e, e.n), SIV_R_LENGTH);
			siv_put_le32(e.bytes + SIV_MSG_HDR + at, 0xffffffff);
			assert_int_equal(check(&e, e.n), SIV_R_LENGTH);
		}
		example(&e, type, SIV_CERT_MAX + 1);
		assert_int_equal(check(&e, e.n), SIV_R_LENGTH);
	}
}

static void test_types(void **state)
{
	static struct example e;
	u32 type;

	(void)state;
	example(&e, SIV_MSG_ACK, 0);
	for (type = 0; type <= 0xffff; type++) {
		if (type >= 1 && type < SIV_MSG_COUNT)
			continue;
		siv_put_le16(e.bytes, (u16)type);
		assert_int_equal(check(&e, e.n), SIV_R_TYPE);
		assert_string_equal(siv_msg_name((u16)type), "unknown");
	}
}

/* One change to an example, and what it must give. */
static const struct {
	const char *what;
	u16 type;
	u16 at; /* in the body */
	u16 len;
	u64 value;
	enum siv_reason want;
} changes[] = {
#define AT(st, f) offsetof(struct st, f), sizeof(((struct st *)0)->f)
#define COMMON_A(f)                                                            \
	offsetof(struct siv_grant_a, common) + offsetof(struct siv_common, f), \
		sizeof(((struct siv_common *)0)->f)
	{ "no backlog", SIV_MSG_LISTEN, AT(siv_listen, backlog), 0,
	  SIV_R_SIZE },
	{ "backlog", SIV_MSG_LISTEN, AT(siv_listen, backlog), 128, SIV_OK },
	{ "backlog", SIV_MSG_LISTEN, AT(siv_listen, backlog), 129, SIV_R_SIZE },
	{ "sealed", SIV_MSG_LISTEN, AT(siv_listen, flags), 1, SIV_OK },
	{ "static", SIV_MSG_LISTEN, AT(siv_listen, flags), 2, SIV_R_RESERVED },
	{ "flag", SIV_MSG_LISTEN, AT(siv_listen, flags), 1u << 31,
	  SIV_R_RESERVED },
	{ "reserved", SIV_MSG_RESULT, AT(siv_result, reserved), 1,
	  SIV_R_RESERVED },
	{ "code", SIV_MSG_RESULT, AT(siv_result, code), 13, SIV_OK },
	{ "reserved", SIV_MSG_OPEN, AT(siv_open, reserved), 0x100,
	  SIV_R_RESERVED },
	{ "sealed", SIV_MSG_OPEN, AT(siv_open, flags), 1, SIV_OK },
	{ "static", SIV_MSG_OPEN, AT(siv_open, flags), 2, SIV_OK },
	{ "flag", SIV_MSG_OPEN, AT(siv_open, flags), 4, SIV_R_RESERVED },
	{ "suite", SIV_MSG_OPEN, AT(siv_open, suite), 0x11, SIV_OK },
	{ "ring", SIV_MSG_OPEN, AT(siv_open, ring_ab), 0, SIV_R_SIZE },
	{ "ring", SIV_MSG_OPEN, AT(siv_open, ring_ab), 2048, SIV_R_SIZE },
	{ "ring", SIV_MSG_OPEN, AT(siv_open, ring_ab), 4097, SIV_R_SIZE },
	{ "ring", SIV_MSG_OPEN, AT(siv_open, ring_ba), 3 * 4096, SIV_R_SIZE },
	{ "ring", SIV_MSG_OPEN, AT(siv_open, ring_ba), 1 << 30, SIV_OK },
	{ "ring", SIV_MSG_OPEN, AT(siv_open, ring_ba), 1ull << 31, SIV_R_SIZE },
	{ "ring", SIV_MSG_OPEN, AT(siv_open, ring_ba), 1ull << 63, SIV_R_SIZE },
	{ "no service", SIV_MSG_OPEN, offsetof(struct siv_open, service), 8, 0,
	  SIV_R_NAME },
	{ "service", SIV_MSG_OPEN, offsetof(struct siv_open, service), 1, 'C',
	  SIV_R_NAME },
	{ "service", SIV_MSG_OPEN, offsetof(struct siv_open, service) + 63, 1,
	  'c', SIV_R_NAME },
	{ "vm", SIV_MSG_OPEN, offsetof(struct siv_open, vm), 1, 'v', SIV_OK },
	{ "vm", SIV_MSG_OPEN, offsetof(struct siv_open, vm), 1, '.',
	  SIV_R_NAME },
	{ "vm", SIV_MSG_OPEN, offsetof(struct siv_open, vm) + 1, 1, 'v',
	  SIV_R_NAME },
	{ "reserved0", SIV_MSG_INCOMING, AT(siv_incoming, reserved0), 1,
	  SIV_R_RESERVED },
	{ "reserved1", SIV_MSG_INCOMING, AT(siv_incoming, reserved1), 1,
	  SIV_R_RESERVED },
	{ "prekey", SIV_MSG_INCOMING, AT(siv_incoming, prekey), 1,
	  SIV_R_RESERVED },
	{ "sealed", SIV_MSG_INCOMING, AT(siv_incoming, flags), 1, SIV_OK },
	{ "static", SIV_MSG_INCOMING, AT(siv_incoming, flags), 2,
	  SIV_R_RESERVED },
	{ "ring", SIV_MSG_INCOMING, AT(siv_incoming, ring_ab), 5, SIV_R_SIZE },
	{ "ring", SIV_MSG_INCOMING, AT(siv_incoming, ring_ba), 0, SIV_R_SIZE },
	{ "peer", SIV_MSG_INCOMING, AT(siv_incoming, peer_a), 0, SIV_R_SIZE },
	{ "peer", SIV_MSG_INCOMING, AT(siv_incoming, peer_a), 65536,
	  SIV_R_SIZE },
	{ "peer", SIV_MSG_INCOMING, AT(siv_incoming, peer_b), 0, SIV_R_SIZE },
	{ "peer", SIV_MSG_INCOMING, AT(siv_incoming, peer_b), 65535, SIV_OK },
	{ "no service", SIV_MSG_INCOMING,
	  offsetof(struct siv_incoming, service), 8, 0, SIV_R_NAME },
	{ "no cause", SIV_MSG_REJECT, AT(siv_reject, code), 0, SIV_R_RESERVED },
	{ "reserved", SIV_MSG_REJECT, AT(siv_reject, reserved), 1,
	  SIV_R_RESERVED },
	{ "peer", SIV_MSG_GRANT_A, AT(siv_grant_a, peer_b), 0, SIV_R_SIZE },
	{ "peer", SIV_MSG_GRANT_A, AT(siv_grant_a, peer_b), 65536, SIV_R_SIZE },
	{ "reserved0", SIV_MSG_GRANT_A, COMMON_A(reserved0), 1,
	  SIV_R_RESERVED },
	{ "reserved1", SIV_MSG_GRANT_A, COMMON_A(reserved1), 1,
	  SIV_R_RESERVED },
	{ "reserved2", SIV_MSG_GRANT_A, COMMON_A(reserved2), 1,
	  SIV_R_RESERVED },
	{ "static", SIV_MSG_GRANT_A, COMMON_A(flags), 2, SIV_R_RESERVED },
	{ "reserved0", SIV_MSG_GRANT_B, AT(siv_common, reserved0), 1,
	  SIV_R_RESERVED },
	{ "reserved1", SIV_MSG_GRANT_B, AT(siv_common, reserved1), 1,
	  SIV_R_RESERVED },
	{ "reserved2", SIV_MSG_GRANT_B, AT(siv_common, reserved2), 1,
	  SIV_R_RESERVED },
	{ "flag", SIV_MSG_GRANT_B, AT(siv_common, flags), 4, SIV_R_RESERVED },
	{ "reserved", SIV_MSG_CLOSE, AT(siv_close, reserved), 1,
	  SIV_R_RESERVED },
	{ "code", SIV_MSG_CLOSE, AT(siv_close, code), 104, SIV_OK },
	{ "reserved", SIV_MSG_CLOSED, AT(siv_close, reserved), 1,
	  SIV_R_RESERVED },
	{ "reserved", SIV_MSG_FAILED, AT(siv_failed, reserved), 1,
	  SIV_R_RESERVED },
	{ "no cause", SIV_MSG_FAILED, AT(siv_failed, code), 0, SIV_R_RESERVED },
};

static void test_changes(void **state)
{
	static struct example e;
	u8 value[8];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		enum siv_reason r;

		example(&e, changes[i].type, 0);
		siv_put_le64(value, changes[i].value);
		memcpy(e.bytes + SIV_MSG_HDR + changes[i].at, value,
		       changes[i].len);
		r = check(&e, e.n);
		if (r != changes[i].want)
			fail_msg("change %zu, %s: %s: %s, not %s", i,
				 siv_msg_name(changes[i].type), changes[i].what,
				 siv_reason_name(r),
				 siv_reason_name(changes[i].want));
	}
}

static void test_header_reserved(void **state)
{
	static struct example e;
	u16 type;

	(void)state;
	for (type = 1; type < SIV_MSG_COUNT; type++) {
		example(&e, type, 0);
		e.bytes[2] = 1;
		assert_int_equal(check(&e, e.n), SIV_R_RESERVED);
		e.bytes[2] = 0;
		e.bytes[3] = 0x80;
		assert_int_equal(check(&e, e.n), SIV_R_RESERVED);
	}
}

/* ------------------------------------------------------------------ header */

enum {
	MIB = 1 << 20
};

static void good_header(struct siv_region_header *h)
{
	memset(h, 0, sizeof(*h));
	memcpy(h->magic, SIV_MAGIC, 8);
	siv_put_le16(&h->version, 1);
	siv_put_le16(&h->header_len, 512);
	siv_put_le64(&h->region_size, 64 * MIB);
	siv_put_le32(&h->granule, 65536);
	siv_put_le16(&h->boxes, 32);
	siv_put_le16(&h->slots, 8);
	siv_put_le32(&h->slot_size, SIV_SLOT_SIZE);
	siv_put_le32(&h->box_stride, SIV_BOX_STRIDE);
	siv_put_le64(&h->box_off, 65536);
	siv_put_le64(&h->side_off, 4 * MIB);
	siv_put_le32(&h->side_count, 32);
	siv_put_le32(&h->suites, 1u << 1 | 1u << 2);
	siv_put_le64(&h->extent_off, 8 * MIB);
	siv_put_le64(&h->extent_len, 56 * MIB);
	siv_put_le64(&h->ring_min, 65536);
	siv_put_le64(&h->ring_max, 16 * MIB);
	siv_put_le32(&h->sealed_max, 65536);
	name(h->region, "demo");
	siv_put_le32(&h->cert_off, 4096);
	siv_put_le32(&h->cert_len, 700);
}

static const struct {
	const char *what;
	unsigned int at;
	unsigned int len;
	u64 value;
	enum siv_reason want;
} headers[] = {
#define H(f)                                   \
	offsetof(struct siv_region_header, f), \
		sizeof(((struct siv_region_header *)0)->f)
	{ "as it is", H(version), 1, SIV_OK },
	{ "magic", H(magic), 0, SIV_R_HEADER },
	{ "version 0", H(version), 0, SIV_R_VERSION },
	{ "version 2", H(version), 2, SIV_R_VERSION },
	{ "header_len", H(header_len), 511, SIV_R_HEADER },
	{ "isolated", H(flags), 1, SIV_OK },
	{ "flags", H(flags), 2, SIV_R_HEADER },
	{ "region_size: not the BAR's", H(region_size), 32 * MIB,
	  SIV_R_HEADER },
	{ "region_size: none", H(region_size), 0, SIV_R_HEADER },
	{ "granule 4096", H(granule), 4096, SIV_OK },
	{ "granule 2048", H(granule), 2048, SIV_R_HEADER },
	{ "granule 131072", H(granule), 131072, SIV_R_HEADER },
	{ "granule 12288", H(granule), 12288, SIV_R_HEADER },
	{ "granule 0", H(granule), 0, SIV_R_HEADER },
	{ "boxes 0", H(boxes), 0, SIV_R_HEADER },
	{ "boxes 3", H(boxes), 3, SIV_R_HEADER },
	{ "boxes 1", H(boxes), 1, SIV_OK },
	{ "boxes into the side pages", H(boxes), 64, SIV_R_HEADER },
	{ "boxes past the end", H(boxes), 32768, SIV_R_HEADER },
	{ "slots", H(slots), 7, SIV_R_HEADER },
	{ "slot_size", H(slot_size), 5121, SIV_R_HEADER },
	{ "box_stride", H(box_stride), 0, SIV_R_HEADER },
	{ "box_off: header", H(box_off), 0, SIV_R_HEADER },
	{ "box_off: certificate", H(box_off), 4096, SIV_R_HEADER },
	{ "box_off: page", H(box_off), 65536 + 2048, SIV_R_HEADER },
	{ "box_off: next page", H(box_off), 65536 + 4096, SIV_OK },
	{ "box_off: wraps", H(box_off), ~0xfffull, SIV_R_HEADER },
	{ "side_off: granule", H(side_off), 4 * MIB + 4096, SIV_R_HEADER },
	{ "side_off: boxes", H(side_off), 65536, SIV_R_HEADER },
	{ "side_off: end of the region", H(side_off), 64 * MIB, SIV_R_HEADER },
	{ "side_off: wraps", H(side_off), ~0xffffull, SIV_R_HEADER },
	{ "side_count 0", H(side_count), 0, SIV_R_HEADER },
	{ "side_count: into the arena", H(side_count), 33, SIV_R_HEADER },
	{ "side_count: huge", H(side_count), 0xffffffff, SIV_R_HEADER },
	{ "suites: no ChaChaPoly", H(suites), 4, SIV_R_HEADER },
	{ "suites: 0", H(suites), 0, SIV_R_HEADER },
	{ "suites: bit 0", H(suites), 3, SIV_R_HEADER },
	{ "suites: a later one", H(suites), 2 | 1u << 17, SIV_OK },
	{ "extent_off: granule", H(extent_off), 8 * MIB + 4096, SIV_R_HEADER },
	{ "extent_off: side pages", H(extent_off), 4 * MIB, SIV_R_HEADER },
	{ "extent_off: past the end", H(extent_off), 64 * MIB, SIV_R_HEADER },
	{ "extent_off: wraps", H(extent_off), ~0xffffull, SIV_R_HEADER },
	{ "extent_len 0", H(extent_len), 0, SIV_R_HEADER },
	{ "extent_len: granule", H(extent_len), 56 * MIB - 4096, SIV_R_HEADER },
	{ "extent_len: past the end", H(extent_len), 57 * MIB, SIV_R_HEADER },
	{ "extent_len: wraps", H(extent_len), ~0xffffull, SIV_R_HEADER },
	{ "ring_min 0", H(ring_min), 0, SIV_R_HEADER },
	{ "ring_min: below the granule", H(ring_min), 32768, SIV_R_HEADER },
	{ "ring_min: power", H(ring_min), 3 * 65536, SIV_R_HEADER },
	{ "ring_min: above ring_max", H(ring_min), 32 * MIB, SIV_R_HEADER },
	{ "ring_max: power", H(ring_max), 3 * MIB, SIV_R_HEADER },
	{ "ring_max: limit", H(ring_max), 1ull << 31, SIV_R_HEADER },
	{ "ring_max: the limit", H(ring_max), 1ull << 30, SIV_OK },
	{ "sealed_max 0", H(sealed_max), 0, SIV_R_HEADER },
	{ "sealed_max", H(sealed_max), 65537, SIV_R_HEADER },
	{ "reserved0", H(reserved0), 1, SIV_R_HEADER },
	{ "reserved1", offsetof(struct siv_region_header, reserved1), 1, 1,
	  SIV_R_HEADER },
	{ "reserved1, last",
	  offsetof(struct siv_region_header, reserved1) + 151, 1, 1,
	  SIV_R_HEADER },
	{ "reserved2, last",
	  offsetof(struct siv_region_header, reserved2) + 167, 1, 1,
	  SIV_R_HEADER },
	{ "no region", offsetof(struct siv_region_header, region), 8, 0,
	  SIV_R_HEADER },
	{ "region", offsetof(struct siv_region_header, region), 1, 'D',
	  SIV_R_HEADER },
	{ "region, padding", offsetof(struct siv_region_header, region) + 63, 1,
	  'd', SIV_R_HEADER },
	{ "cert_off: header", H(cert_off), 511, SIV_R_HEADER },
	{ "cert_off: behind it", H(cert_off), 512, SIV_OK },
	{ "cert_off: boxes", H(cert_off), 65536 - 699, SIV_R_HEADER },
	{ "cert_off: before them", H(cert_off), 65536 - 700, SIV_OK },
	{ "cert_off: past the end", H(cert_off), 64 * MIB - 1, SIV_R_HEADER },
	{ "cert_off: far", H(cert_off), 0xffffffff, SIV_R_HEADER },
	{ "cert_len 0", H(cert_len), 0, SIV_R_HEADER },
	{ "cert_len", H(cert_len), 4096, SIV_OK },
	{ "cert_len", H(cert_len), 4097, SIV_R_HEADER },
};

static void test_headers(void **state)
{
	struct siv_region_header h;
	struct siv_geometry g;
	u8 value[8];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(headers); i++) {
		enum siv_reason r;

		good_header(&h);
		siv_put_le64(value, headers[i].value);
		memcpy((u8 *)&h + headers[i].at, value, headers[i].len);
		r = siv_header_check(&h, 64 * MIB, 4096, &g);
		if (r != headers[i].want)
			fail_msg("header %zu, %s: %s", i, headers[i].what,
				 siv_reason_name(r));
		assert_int_equal(!r, g.region_size != 0);
	}
}

static void test_header_values(void **state)
{
	struct siv_region_header h;
	struct siv_geometry g;

	(void)state;
	good_header(&h);
	assert_int_equal(siv_header_check(&h, 64 * MIB, 65536, &g), SIV_OK);
	assert_int_equal(g.region_size, 64 * MIB);
	assert_int_equal(g.granule, 65536);
	assert_int_equal(g.boxes, 32);
	assert_int_equal(g.sealed_max, 65536);
	assert_int_equal(g.suites, 6);
	assert_int_equal(siv_box_offset(&g, 1), 65536 + SIV_BOX_STRIDE);
	assert_int_equal(siv_box_offset(&g, 33), 65536 + SIV_BOX_STRIDE);
	/* this machine's pages are larger */
	siv_put_le32(&h.granule, 4096);
	assert_int_equal(siv_header_check(&h, 64 * MIB, 16384, &g),
			 SIV_R_GRANULE);
	assert_int_equal(siv_header_check(&h, 64 * MIB, 4096, &g), SIV_OK);
	/* the BAR is larger or smaller than the header says */
	assert_int_equal(siv_header_check(&h, 128 * MIB, 4096, &g),
			 SIV_R_HEADER);
	assert_int_equal(siv_header_check(&h, 0, 4096, &g), SIV_R_HEADER);
	/* zeros, as of a device that was switched off */
	memset(&h, 0, sizeof(h));
	assert_int_equal(siv_header_check(&h, 64 * MIB, 4096, &g),
			 SIV_R_HEADER);
	memset(&h, 0xff, sizeof(h));
	assert_int_equal(siv_header_check(&h, 64 * MIB, 4096, &g),
			 SIV_R_HEADER);
}

/* ------------------------------------------------------------------- slots */

static void test_slot(void **state)
{
	u64 slot[SIV_SLOT_SIZE / 8], record[SIV_SLOT_SIZE / 8],
		out[SIV_SLOT_SIZE / 8];
	static const size_t lens[] = { 1, 15, 33, SIV_SLOT_PAYLOAD };
	struct siv_slot_info info;
	size_t i;

	(void)state;
	memset(slot, 0, sizeof(slot));
	assert_false(siv_slot_peek(slot, &info));
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		memset(record, (int)(i + 1), sizeof(record));
		siv_put_le32(record, (u32)lens[i]);
		siv_put_le32((u8 *)record + 4, 0xaabbccdd);
		siv_put_le64((u8 *)record + 8, 0x0102030405060708u);
		siv_slot_write(slot, (u8 *)record, SIV_SLOT_HDR + lens[i]);
		assert_true(siv_slot_peek(slot, &info));
		assert_int_equal(info.len, lens[i]);
		assert_int_equal(info.tag, 0xaabbccdd);
		assert_int_equal(info.number, 0x0102030405060708u);
		memset(out, 0xee, sizeof(out));
		/* the header is what was peeked, whatever stands there now */
		siv_put_le64((u8 *)slot + 8, 99);
		siv_put_le32(slot, 3);
		assert_int_equal(siv_slot_copy(slot, &info, (u8 *)out),
				 SIV_SLOT_HDR + lens[i]);
		assert_memory_equal(out, record, SIV_SLOT_HDR + lens[i]);
		if (SIV_SLOT_HDR + lens[i] < sizeof(out))
			assert_int_equal(((u8 *)out)[SIV_SLOT_HDR + lens[i]],
					 0xee);
	}
	/* lengths that cannot be */
	siv_put_le32(slot, SIV_SLOT_PAYLOAD + 1);
	assert_false(siv_slot_peek(slot, &info));
	assert_int_equal(siv_slot_copy(slot, &info, (u8 *)out), 0);
	siv_put_le32(slot, 0xffffffff);
	assert_false(siv_slot_peek(slot, &info));
	siv_put_le32(slot, 1);
	siv_slot_clear(slot);
	assert_false(siv_slot_peek(slot, &info));
	/* nothing that is no record is posted */
	siv_slot_write(slot, (u8 *)record, SIV_SLOT_HDR - 1);
	assert_false(siv_slot_peek(slot, &info));
	siv_slot_write(slot, (u8 *)record, SIV_SLOT_SIZE + 1);
	assert_false(siv_slot_peek(slot, &info));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_name_field),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_header_reserved),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_header_values),
		cmocka_unit_test(test_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
