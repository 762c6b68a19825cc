// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The certificate profile: see cert.h. Every field is taken in its order; what is
 * not expected there is refused, and so the cost is bounded by the length.
 */
#include "cert.h"
#include "der.h"
#include "kdf.h"
#include "noise.h"

/* 2.25.N, N = 114033436117404571379039660218993760238, and one more arc. */
#define OID_ARC                                                           \
	0x69, 0x81, 0xab, 0xca, 0x85, 0x9e, 0xc8, 0x9b, 0x8a, 0x8d, 0xc7, \
		0x99, 0xbb, 0xb0, 0xc9, 0x9c, 0xe6, 0x89, 0xaf, 0x6e

const u8 siv_oid_endpoint[] = { OID_ARC, 0x01 };
const u8 siv_oid_host[] = { OID_ARC, 0x02 };
const size_t siv_oid_endpoint_len = sizeof(siv_oid_endpoint);
const size_t siv_oid_host_len = sizeof(siv_oid_host);

/* Contents of the AlgorithmIdentifiers: RSA has NULL parameters, ECDSA has none. */
static const u8 alg_rsa_sha256[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
				     0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
static const u8 alg_ecdsa_sha256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48,
				       0xce, 0x3d, 0x04, 0x03, 0x02 };
static const u8 alg_ecdsa_sha384[] = { 0x06, 0x08, 0x2a, 0x86, 0x48,
				       0xce, 0x3d, 0x04, 0x03, 0x03 };
/* id-X25519 without parameters, RFC 8410. */
static const u8 alg_x25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x6e };

/* SubjectPublicKeyInfo and PKCS#8 up to the 32 bytes of the key. */
static const u8 spki_head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00 };
static const u8 pkcs8_head[] = { 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03,
				 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20 };

static_assert(sizeof(spki_head) + SIV_KEY_LEN == SIV_SPKI_LEN, "RFC 8410");

enum {
	SERIAL_MAX = 20,
	KEY_ID_MAX = 64,
	RSA_3072_LEN = 384,
	RSA_4096_LEN = 512,
	ECDSA_P384_LEN = 104,  /* SEQUENCE of two INTEGERs of 49 bytes */
	TAG_VERSION = 0xa0,    /* [0] EXPLICIT */
	TAG_EXTENSIONS = 0xa3, /* [3] EXPLICIT */
	TAG_KEY_ID = 0x80,     /* [0] keyIdentifier */
	TAG_URI = 0x86,	       /* [6] uniformResourceIdentifier */
	TAG_UTF8 = 0x0c,
	TAG_PRINTABLE = 0x13,
	TAG_IA5 = 0x16,
};

static bool span_is(struct siv_span s, const void *p, size_t n)
{
	return s.n == n && !memcmp(s.p, p, n);
}

/* The only element there is. */
static enum siv_reason der_only(struct siv_span in, u8 tag,
				struct siv_span *content)
{
	struct siv_der d = siv_der_from(in);
	enum siv_reason r;

	r = siv_der_next(&d, tag, content, NULL);
	if (r)
		return r;
	return siv_der_end(&d);
}

/* A BIT STRING's bytes: the unused bits are at most 7, exist, and are zero. */
static enum siv_reason bit_string(struct siv_der *d, struct siv_span *bytes,
				  u8 *unused)
{
	struct siv_span s;
	enum siv_reason r;

	r = siv_der_next(d, SIV_DER_BIT_STRING, &s, NULL);
	if (r)
		return r;
	if (!s.n || s.p[0] > 7 || (s.n == 1 && s.p[0]) ||
	    (s.p[s.n - 1] & ((1u << s.p[0]) - 1) && s.n > 1))
		return SIV_R_DER_VALUE;
	*unused = s.p[0];
	bytes->p = s.p + 1;
	bytes->n = s.n - 1;
	return SIV_OK;
}

/* The bits of a well-formed OBJECT IDENTIFIER: minimal arcs, the last one complete. */
static bool oid_ok(struct siv_span oid)
{
	bool first = true; /* of an arc */
	size_t i;

	for (i = 0; i < oid.n; i++) {
		if (first && oid.p[i] == 0x80)
			return false;
		first = !(oid.p[i] & 0x80);
	}
	return oid.n && first;
}

/* RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. */
static bool utf8_ok(struct siv_span s)
{
	size_t i = 0, more;
	u32 c, least;

	while (i < s.n) {
		c = s.p[i++];
		if (c < 0x80)
			continue;
		if (c >= 0xc2 && c < 0xe0) {
			more = 1;
			least = 0x80;
			c &= 0x1f;
		} else if (c >= 0xe0 && c < 0xf0) {
			more = 2;
			least = 0x800;
			c &= 0x0f;
		} else if (c >= 0xf0 && c < 0xf5) {
			more = 3;
			least = 0x10000;
			c &= 0x07;
		} else {
			return false;
		}
		for (; more; more--, i++) {
			if (i == s.n || (s.p[i] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (s.p[i] & 0x3f);
		}
		if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}

static bool ascii_ok(struct siv_span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

/* AttributeTypeAndValue: an OID and a string of one of three types. */
static enum siv_reason name_attribute(struct siv_der *d)
{
	struct siv_span seq, oid, value;
	struct siv_der in;
	enum siv_reason r;
	u8 tag;

	r = siv_der_next(d, SIV_DER_SEQUENCE, &seq, NULL);
	if (r)
		return r;
	in = siv_der_from(seq);
	r = siv_der_next(&in, SIV_DER_OID, &oid, NULL);
	if (r)
		return r;
	tag = siv_der_peek(&in);
	if (tag != TAG_UTF8 && tag != TAG_PRINTABLE && tag != TAG_IA5)
		return in.left ? SIV_R_DER_TAG : SIV_R_DER_TRUNCATED;
	r = siv_der_next(&in, tag, &value, NULL);
	if (r)
		return r;
	if (!oid_ok(oid) ||
	    !(tag == TAG_UTF8 ? utf8_ok(value) : ascii_ok(value)))
		return SIV_R_DER_VALUE;
	return siv_der_end(&in);
}

/*
 * A distinguished name: a SEQUENCE of SETs, each of at least one attribute. The
 * order inside a SET is not checked: issuers are compared byte for byte.
 */
static enum siv_reason name_take(struct siv_der *d, struct siv_span *whole)
{
	struct siv_span seq, set;
	struct siv_der rdns, rdn;
	enum siv_reason r;

	r = siv_der_next(d, SIV_DER_SEQUENCE, &seq, whole);
	if (r)
		return r;
	rdns = siv_der_from(seq);
	while (rdns.left) {
		r = siv_der_next(&rdns, SIV_DER_SET, &set, NULL);
		if (r)
			return r;
		rdn = siv_der_from(set);
		do {
			r = name_attribute(&rdn);
			if (r)
				return r;
		} while (rdn.left);
	}
	return SIV_OK;
}

static enum siv_reason take_version(struct siv_der *tbs)
{
	struct siv_span box, version;
	enum siv_reason r;

	if (siv_der_peek(tbs) != TAG_VERSION)
		return tbs->left ? SIV_R_CERT_VERSION : SIV_R_DER_TRUNCATED;
	r = siv_der_next(tbs, TAG_VERSION, &box, NULL);
	if (r)
		return r;
	r = der_only(box, SIV_DER_INTEGER, &version);
	if (r)
		return r;
	return span_is(version, "\x02", 1) ? SIV_OK : SIV_R_CERT_VERSION;
}

static enum siv_reason take_serial(struct siv_der *tbs, struct siv_span *serial)
{
	struct siv_span s;
	enum siv_reason r;

	r = siv_der_next(tbs, SIV_DER_INTEGER, &s, NULL);
	if (r)
		return r;
	if (s.n > 1 && s.p[0] == 0 && s.p[1] < 0x80)
		return SIV_R_DER_VALUE;
	if (!s.n || s.n > SERIAL_MAX || s.p[0] >= 0x80 || span_is(s, "", 1))
		return SIV_R_CERT_SERIAL;
	*serial = s;
	return SIV_OK;
}

static enum siv_reason take_sig_alg(struct siv_der *d, enum siv_sig_alg *alg,
				    struct siv_span *whole)
{
	struct siv_span s;
	enum siv_reason r;

	r = siv_der_next(d, SIV_DER_SEQUENCE, &s, whole);
	if (r)
		return r;
	if (span_is(s, alg_rsa_sha256, sizeof(alg_rsa_sha256)))
		*alg = SIV_SIG_RSA_SHA256;
	else if (span_is(s, alg_ecdsa_sha256, sizeof(alg_ecdsa_sha256)))
		*alg = SIV_SIG_ECDSA_SHA256;
	else if (span_is(s, alg_ecdsa_sha384, sizeof(alg_ecdsa_sha384)))
		*alg = SIV_SIG_ECDSA_SHA384;
	else
		return SIV_R_CERT_SIG_ALG;
	return SIV_OK;
}

static enum siv_reason take_validity(struct siv_der *tbs, struct siv_cert *c)
{
	struct siv_span s;
	struct siv_der in;
	enum siv_reason r;

	r = siv_der_next(tbs, SIV_DER_SEQUENCE, &s, NULL);
	if (r)
		return r;
	in = siv_der_from(s);
	r = siv_der_time(&in, &c->not_before);
	if (r)
		return r;
	r = siv_der_time(&in, &c->not_after);
	if (r)
		return r;
	return siv_der_end(&in);
}

static enum siv_reason take_spki(struct siv_der *tbs, u8 pub[SIV_KEY_LEN])
{
	struct siv_span seq, alg, key;
	struct siv_der in;
	enum siv_reason r;
	u8 unused;

	r = siv_der_next(tbs, SIV_DER_SEQUENCE, &seq, NULL);
	if (r)
		return r;
	in = siv_der_from(seq);
	r = siv_der_next(&in, SIV_DER_SEQUENCE, &alg, NULL);
	if (r)
		return r;
	if (!span_is(alg, alg_x25519, sizeof(alg_x25519)))
		return SIV_R_CERT_SPKI_ALG;
	r = bit_string(&in, &key, &unused);
	if (r)
		return r;
	r = siv_der_end(&in);
	if (r)
		return r;
	if (key.n != SIV_KEY_LEN || unused)
		return SIV_R_CERT_SPKI_ALG;
	if (!siv_pub_canonical(key.p))
		return SIV_R_CERT_KEY_NOT_CANONICAL;
	memcpy(pub, key.p, SIV_KEY_LEN);
	return SIV_OK;
}

/* --- extensions ---------------------------------------------------------------- */

enum ext_id {
	EXT_KEY_USAGE,
	EXT_EKU,
	EXT_BASIC,
	EXT_AKID,
	EXT_SKID,
	EXT_SAN,
	EXT_COUNT,
};

/* The last byte of id-ce (2.5.29) plus one arc. */
static const u8 ext_arc[EXT_COUNT] = {
	[EXT_KEY_USAGE] = 15, [EXT_EKU] = 37,  [EXT_BASIC] = 19,
	[EXT_AKID] = 35,      [EXT_SKID] = 14, [EXT_SAN] = 17,
};

static const u32 ext_required = 1u << EXT_KEY_USAGE | 1u << EXT_EKU |
				1u << EXT_SAN;

static enum siv_reason ext_key_usage(struct siv_span value)
{
	struct siv_der d = siv_der_from(value);
	struct siv_span bits;
	enum siv_reason r;
	u8 unused;

	r = bit_string(&d, &bits, &unused);
	if (r)
		return r;
	r = siv_der_end(&d);
	if (r)
		return r;
	/* a named bit list ends with a one (X.690 11.2.2) */
	if (bits.n && !(bits.p[bits.n - 1] & 1u << unused))
		return SIV_R_DER_VALUE;
	/* keyAgreement is bit 4, counted from the left */
	return span_is(bits, "\x08", 1) ? SIV_OK : SIV_R_CERT_KEY_USAGE;
}

static enum siv_reason ext_eku(struct siv_span value, struct siv_cert *c)
{
	struct siv_span seq, oid;
	struct siv_der in;
	enum siv_reason r;

	r = der_only(value, SIV_DER_SEQUENCE, &seq);
	if (r)
		return r;
	in = siv_der_from(seq);
	if (!in.left)
		return SIV_R_CERT_EKU;
	r = siv_der_next(&in, SIV_DER_OID, &oid, NULL);
	if (r)
		return r;
	if (in.left)
		return SIV_R_CERT_EKU;
	if (span_is(oid, siv_oid_endpoint, sizeof(siv_oid_endpoint)))
		c->role = SIV_CERT_ENDPOINT;
	else if (span_is(oid, siv_oid_host, sizeof(siv_oid_host)))
		c->role = SIV_CERT_HOST;
	else
		return SIV_R_CERT_EKU;
	return SIV_OK;
}

static enum siv_reason ext_basic(struct siv_span value)
{
	struct siv_span seq, flag;
	struct siv_der in;
	enum siv_reason r;

	r = der_only(value, SIV_DER_SEQUENCE, &seq);
	if (r || !seq.n)
		return r;
	in = siv_der_from(seq);
	if (siv_der_peek(&in) != SIV_DER_BOOLEAN)
		return SIV_R_CERT_CA; /* a path length without cA */
	r = siv_der_next(&in, SIV_DER_BOOLEAN, &flag, NULL);
	if (r)
		return r;
	/* FALSE is the default, which DER leaves out */
	return span_is(flag, "\xff", 1) ? SIV_R_CERT_CA : SIV_R_DER_VALUE;
}

static enum siv_reason key_id(struct siv_span id, bool critical,
			      struct siv_span *out)
{
	if (critical || !id.n || id.n > KEY_ID_MAX)
		return SIV_R_CERT_KEY_ID;
	*out = id;
	return SIV_OK;
}

static enum siv_reason ext_akid(struct siv_span value, bool critical,
				struct siv_span *out)
{
	struct siv_span seq, id;
	struct siv_der in;
	enum siv_reason r;

	r = der_only(value, SIV_DER_SEQUENCE, &seq);
	if (r)
		return r;
	in = siv_der_from(seq);
	if (siv_der_peek(&in) != TAG_KEY_ID)
		return SIV_R_CERT_KEY_ID;
	r = siv_der_next(&in, TAG_KEY_ID, &id, NULL);
	if (r)
		return r;
	return in.left ? SIV_R_CERT_KEY_ID : key_id(id, critical, out);
}

static enum siv_reason ext_skid(struct siv_span value, bool critical,
				struct siv_span *out)
{
	struct siv_span id;
	enum siv_reason r;

	r = der_only(value, SIV_DER_OCTET_STRING, &id);
	if (r)
		return r;
	return key_id(id, critical, out);
}

/* The part before the next slash; @rest is set to what follows it, if there is one. */
static struct siv_span split(struct siv_span in, struct siv_span *rest,
			     bool *more)
{
	struct siv_span part = in;
	size_t i;

	*more = false;
	for (i = 0; i < in.n && !*more; i++) {
		if (in.p[i] == '/') {
			part.n = i;
			rest->p = in.p + i + 1;
			rest->n = in.n - i - 1;
			*more = true;
		}
	}
	return part;
}

/* REGION or REGION/VM/SERVICE. */
static enum siv_reason san_name(struct siv_span name, struct siv_cert *c)
{
	struct siv_span rest = { NULL, 0 };
	bool more;

	c->region = split(name, &rest, &more);
	if (!siv_name_check(c->region))
		return SIV_R_CERT_SAN_NAME;
	if (!more)
		return SIV_OK;
	c->vm = split(rest, &rest, &more);
	if (!more || !siv_name_check(c->vm) || !siv_name_check(rest))
		return SIV_R_CERT_SAN_NAME;
	c->service = rest;
	return SIV_OK;
}

static enum siv_reason ext_san(struct siv_span value, struct siv_cert *c)
{
	const size_t head = sizeof(SIV_CERT_URI) - 1;
	struct siv_span seq, uri;
	struct siv_der in;
	enum siv_reason r;

	r = der_only(value, SIV_DER_SEQUENCE, &seq);
	if (r)
		return r;
	in = siv_der_from(seq);
	if (siv_der_peek(&in) != TAG_URI)
		return SIV_R_CERT_SAN;
	r = siv_der_next(&in, TAG_URI, &uri, NULL);
	if (r)
		return r;
	if (in.left)
		return SIV_R_CERT_SAN;
	if (uri.n < head || memcmp(uri.p, SIV_CERT_URI, head))
		return SIV_R_CERT_SAN_NAME;
	uri.p += head;
	uri.n -= head;
	return san_name(uri, c);
}

/* One Extension: its OID, its flag (DER: only TRUE is written), its value. */
static enum siv_reason ext_next(struct siv_der *d, struct siv_span *oid,
				bool *critical, struct siv_span *value)
{
	struct siv_span seq, flag;
	struct siv_der in;
	enum siv_reason r;

	r = siv_der_next(d, SIV_DER_SEQUENCE, &seq, NULL);
	if (r)
		return r;
	in = siv_der_from(seq);
	r = siv_der_next(&in, SIV_DER_OID, oid, NULL);
	if (r)
		return r;
	*critical = siv_der_peek(&in) == SIV_DER_BOOLEAN;
	if (*critical) {
		r = siv_der_next(&in, SIV_DER_BOOLEAN, &flag, NULL);
		if (r)
			return r;
		if (!span_is(flag, "\xff", 1))
			return SIV_R_DER_VALUE;
	}
	r = siv_der_next(&in, SIV_DER_OCTET_STRING, value, NULL);
	if (r)
		return r;
	return siv_der_end(&in);
}

static enum siv_reason ext_take(struct siv_der *d, u32 *seen,
				struct siv_cert *c)
{
	struct siv_span oid, value;
	enum siv_reason r;
	bool critical;
	u32 id;

	r = ext_next(d, &oid, &critical, &value);
	if (r)
		return r;
	for (id = 0; id < EXT_COUNT; id++)
		if (oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d &&
		    oid.p[2] == ext_arc[id])
			break;
	if (*seen & 1u << id)
		return SIV_R_CERT_EXT_DUPLICATE;
	*seen |= 1u << id;
	if ((id == EXT_KEY_USAGE || id == EXT_EKU) && !critical)
		return SIV_R_CERT_NOT_CRITICAL;
	switch ((enum ext_id)id) {
	case EXT_KEY_USAGE:
		return ext_key_usage(value);
	case EXT_EKU:
		return ext_eku(value, c);
	case EXT_BASIC:
		return ext_basic(value);
	case EXT_AKID:
		return ext_akid(value, critical, &c->akid);
	case EXT_SKID:
		return ext_skid(value, critical, &c->skid);
	case EXT_SAN:
		return ext_san(value, c);
	case EXT_COUNT: /* none of them */
		break;
	}
	return SIV_R_CERT_EXT_UNKNOWN;
}

static enum siv_reason take_extensions(struct siv_der *tbs, struct siv_cert *c)
{
	struct siv_span box, seq;
	enum siv_reason r;
	struct siv_der in;
	u32 seen = 0;

	if (!tbs->left)
		return SIV_R_CERT_EXT_MISSING;
	r = siv_der_next(tbs, TAG_EXTENSIONS, &box, NULL);
	if (r)
		return r;
	r = der_only(box, SIV_DER_SEQUENCE, &seq);
	if (r)
		return r;
	in = siv_der_from(seq);
	while (in.left) {
		r = ext_take(&in, &seen, c);
		if (r)
			return r;
	}
	if ((seen & ext_required) != ext_required)
		return SIV_R_CERT_EXT_MISSING;
	/* only a host's name is a region alone */
	return (c->role == SIV_CERT_HOST) == !c->vm.n ? SIV_OK :
							SIV_R_CERT_ROLE;
}

/* --- the certificate ----------------------------------------------------------- */

static enum siv_reason parse_tbs(struct siv_span content, struct siv_cert *c,
				 struct siv_span *alg)
{
	struct siv_der d = siv_der_from(content);
	struct siv_span subject;
	enum siv_reason r;

	r = take_version(&d);
	if (r)
		return r;
	r = take_serial(&d, &c->serial);
	if (r)
		return r;
	r = take_sig_alg(&d, &c->sig_alg, alg);
	if (r)
		return r;
	r = name_take(&d, &c->issuer);
	if (r)
		return r;
	r = take_validity(&d, c);
	if (r)
		return r;
	r = name_take(&d, &subject);
	if (r)
		return r;
	r = take_spki(&d, c->pub);
	if (r)
		return r;
	r = take_extensions(&d, c);
	if (r)
		return r;
	return siv_der_end(&d);
}

/*
 * The length says what the anchor is: it is checked here because a kernel's keyring
 * does not tell a key's size.
 */
static bool sig_len_ok(enum siv_sig_alg alg, size_t n)
{
	if (alg == SIV_SIG_RSA_SHA256)
		return n >= RSA_3072_LEN && n <= RSA_4096_LEN;
	return n && n <= ECDSA_P384_LEN;
}

static enum siv_reason parse_outer(struct siv_span content, struct siv_cert *c)
{
	struct siv_der d = siv_der_from(content);
	struct siv_span tbs, inner, outer;
	enum siv_sig_alg alg;
	enum siv_reason r;
	u8 unused;

	r = siv_der_next(&d, SIV_DER_SEQUENCE, &tbs, &c->tbs);
	if (r)
		return r;
	r = parse_tbs(tbs, c, &inner);
	if (r)
		return r;
	r = take_sig_alg(&d, &alg, &outer);
	if (r)
		return r;
	if (!span_is(outer, inner.p, inner.n))
		return SIV_R_CERT_SIG_ALG_DIFFERS;
	r = bit_string(&d, &c->sig, &unused);
	if (r)
		return r;
	if (unused)
		return SIV_R_DER_VALUE;
	if (!sig_len_ok(alg, c->sig.n))
		return SIV_R_CERT_SIG_ALG;
	return siv_der_end(&d);
}

enum siv_reason siv_cert_parse(struct siv_span der, struct siv_cert *c)
{
	struct siv_der d = siv_der_from(der);
	struct siv_span content;
	enum siv_reason r;

	memset(c, 0, sizeof(*c));
	if (der.n > SIV_CERT_MAX)
		return SIV_R_CERT_SIZE;
	r = siv_der_next(&d, SIV_DER_SEQUENCE, &content, &c->der);
	if (r)
		return r;
	r = siv_der_end(&d);
	if (r)
		return r;
	r = parse_outer(content, c);
	if (r)
		return r;
	siv_sha256v(c->hash, &c->der, 1);
	return SIV_OK;
}

enum siv_reason siv_cert_dates(const struct siv_cert *c, s64 now)
{
	if (now < c->not_before)
		return SIV_R_CERT_NOT_YET;
	return now > c->not_after ? SIV_R_CERT_EXPIRED : SIV_OK;
}

enum siv_reason siv_cert_verify(const struct siv_cert *c,
				const struct siv_anchors *a)
{
	return siv_signature_verify(a, c->akid, c->issuer, c->sig_alg, c->tbs,
				    c->sig);
}

enum siv_reason siv_cert_is(const struct siv_cert *c, enum siv_cert_role role,
			    struct siv_span region, struct siv_span vm,
			    struct siv_span service)
{
	if (c->role != role)
		return SIV_R_CERT_ROLE;
	if (!span_is(c->region, region.p, region.n))
		return SIV_R_CERT_REGION;
	if (vm.n && !span_is(c->vm, vm.p, vm.n))
		return SIV_R_CERT_VM;
	if (service.n && !span_is(c->service, service.p, service.n))
		return SIV_R_CERT_SERVICE;
	return SIV_OK;
}

/* --- keys ---------------------------------------------------------------------- */

enum siv_reason siv_bundle_split(struct siv_span bundle, struct siv_span *cert,
				 struct siv_span *key)
{
	struct siv_der d = siv_der_from(bundle);
	struct siv_span content;
	enum siv_reason r;

	key->p = NULL;
	key->n = 0;
	r = siv_der_next(&d, SIV_DER_SEQUENCE, &content, cert);
	if (r || !d.left)
		return r;
	r = siv_der_next(&d, SIV_DER_SEQUENCE, &content, NULL);
	if (r)
		return r;
	r = siv_der_end(&d);
	if (r)
		return r;
	if (content.n != sizeof(pkcs8_head) + SIV_KEY_LEN ||
	    memcmp(content.p, pkcs8_head, sizeof(pkcs8_head)))
		return SIV_R_KEY_PKCS8;
	key->p = content.p + sizeof(pkcs8_head);
	key->n = SIV_KEY_LEN;
	return SIV_OK;
}

void siv_spki_put(u8 out[SIV_SPKI_LEN], const u8 pub[SIV_KEY_LEN])
{
	memcpy(out, spki_head, sizeof(spki_head));
	memcpy(out + sizeof(spki_head), pub, SIV_KEY_LEN);
}

enum siv_reason siv_spki_get(struct siv_span spki, u8 pub[SIV_KEY_LEN])
{
	if (spki.n != SIV_SPKI_LEN ||
	    memcmp(spki.p, spki_head, sizeof(spki_head)))
		return SIV_R_CERT_SPKI_ALG;
	memcpy(pub, spki.p + sizeof(spki_head), SIV_KEY_LEN);
	return siv_pub_canonical(pub) ? SIV_OK : SIV_R_CERT_KEY_NOT_CANONICAL;
}

void siv_key_proof(u8 out[SIV_PROOF_LEN], const u8 z[SIV_KEY_LEN],
		   const u8 challenge[SIV_KEY_LEN], const u8 pub[SIV_KEY_LEN])
{
	static const u8 label[16] = "sivshmem1 proof";
	struct siv_span info[2] = { { label, sizeof(label) },
				    { challenge, SIV_KEY_LEN } };
	struct siv_span ikm = { z, SIV_KEY_LEN };
	u8 prk[SIV_HASH_LEN], k[SIV_HASH_LEN];
	u8 spki[SIV_SPKI_LEN];
	struct siv_span msg = { spki, sizeof(spki) };

	siv_hkdf_extract(prk, (struct siv_span){ label, sizeof(label) - 1 },
			 ikm);
	siv_hkdf_expand(k, prk, info, ARRAY_SIZE(info));
	siv_spki_put(spki, pub);
	siv_hmac(out, (struct siv_span){ k, sizeof(k) }, &msg, 1);
	siv_wipe(prk, sizeof(prk));
	siv_wipe(k, sizeof(k));
}
