/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Every byte that crosses the region or a session, as structs: protocol.rst has
 * the same tables in words. All fields are little-endian and naturally aligned,
 * there are no holes, and every reserved field is zero or the message is refused.
 *
 * A message body is validated and then viewed: siv_body_check() is the only
 * function that turns received bytes into these structs.
 */
#ifndef SIV_CORE_WIRE_H
#define SIV_CORE_WIRE_H

#include "platform.h"
#include "reason.h"
#include "crypto.h"

#define SIV_PROTOCOL_VERSION 1
#define SIV_MAGIC "SIVSHMEM" /* 8 bytes, no NUL */

enum {
	SIV_NAME_MAX = 63,   /* region, VM and service names */
	SIV_NAME_LEN = 64,   /* NUL-padded on the wire */
	SIV_CERT_MAX = 4096, /* DER bytes of a certificate */
	SIV_EPOCH_LEN = 16,
	SIV_NONCE_LEN = 16, /* boot nonce, challenge */
	SIV_GRANULE_MIN = 4096,
	SIV_GRANULE_MAX = 65536,
	SIV_GRANULE_DEFAULT = 65536,
	SIV_SEALED_MAX = 65536, /* largest plaintext of a sealed record */
	SIV_RING_MIN = 4096,	/* and never below the granule */
	SIV_RING_MAX = 1 << 30,
	SIV_PEER_MAX = 65535,
	SIV_BACKLOG_MAX = 128,
	SIV_BELL_MAIL = 0,  /* vectors of peer 0: records are posted */
	SIV_BELL_HELLO = 1, /* message 1 is posted, nothing else */
	SIV_HOST_BELLS = 2,
	SIV_VECTOR_HOST = 0, /* own vector that the host rings */
	SIV_VECTORS_DEFAULT = 32,
};

/* Compile-time proof that a wire struct has the stated size. */
#define SIV_WIRE_SIZE(type, bytes) \
	static_assert(sizeof(type) == (bytes), #type " is not " #bytes " bytes")
#define SIV_WIRE_AT(type, field, off) \
	static_assert(offsetof(type, field) == (off), #type "." #field)

/* ------------------------------------------------------------------ region */

/*
 * Offset 0 of the region, written once by the host.
 *
 * Bytes 0 to 255 are the constant part that the session prologue hashes. The guest
 * copies the header once, checks the copy and never reads the original again,
 * but for @magic (is the BAR still there?).
 */
struct siv_region_header {
	u8 magic[8];
	__le16 version;	    /* SIV_PROTOCOL_VERSION */
	__le16 header_len;  /* sizeof this */
	__le32 flags;	    /* SIV_REGION_* */
	__le64 region_size; /* a power of two: BAR2's length */
	__le32 granule;	    /* a power of two */
	__le16 boxes; /* mailboxes: a power of two; peer p uses box p % boxes */
	__le16 slots; /* record slots per direction: SIV_BOX_SLOTS */
	__le32 slot_size;  /* SIV_SLOT_SIZE */
	__le32 box_stride; /* SIV_BOX_STRIDE */
	__le64 box_off;	   /* of box 0 */
	__le64 side_off;   /* table of side pages: two granules per channel */
	__le32 side_count; /* channels the table has room for */
	__le32 suites;	   /* bit n: suite n is offered */
	__le64 extent_off; /* arena of the rings */
	__le64 extent_len;
	__le64 ring_min;
	__le64 ring_max;
	__le32 sealed_max; /* SIV_SEALED_MAX */
	__le32 reserved0;
	u8 reserved1[152];
	/* end of the constant part */
	u8 epoch[SIV_EPOCH_LEN];
	u8 region[SIV_NAME_LEN]; /* the region's name, NUL-padded */
	__le32 cert_off;	 /* host certificate, from offset 0 */
	__le32 cert_len;	 /* 1 to SIV_CERT_MAX */
	u8 reserved2[168];
};
SIV_WIRE_SIZE(struct siv_region_header, 512);
SIV_WIRE_AT(struct siv_region_header, epoch, 256);
#define SIV_HEADER_CONST_LEN 256
#define SIV_REGION_ISOLATED 0x1u
#define SIV_REGION_FLAGS 0x1u

/* ----------------------------------------------------------------- mailbox */

enum {
	SIV_BOX_SLOTS = 8,
	SIV_SLOT_SIZE = 5120,
	/* control 256, hello up and down, slots up, slots down; rounded up */
	SIV_BOX_CTL = 0,
	/* message 1, by the guest; message 2, by the host */
	SIV_BOX_HELLO_UP = 256,
	SIV_BOX_HELLO_DOWN = SIV_BOX_HELLO_UP + SIV_SLOT_SIZE,
	/* records, guest to host; host to guest */
	SIV_BOX_UP = SIV_BOX_HELLO_DOWN + SIV_SLOT_SIZE,
	SIV_BOX_DOWN = SIV_BOX_UP + SIV_BOX_SLOTS * SIV_SLOT_SIZE,
	SIV_BOX_END = SIV_BOX_DOWN + SIV_BOX_SLOTS * SIV_SLOT_SIZE,
	SIV_BOX_STRIDE = 94208, /* 23 * 4096 >= SIV_BOX_END */
};
static_assert(SIV_BOX_END <= SIV_BOX_STRIDE, "box does not fit its stride");

/* Offset 0 of a box: written by the host, hostile memory like everything else. */
struct siv_box_control {
	u8 challenge[SIV_NONCE_LEN];
	__le32 peer; /* for people with a debugger; nobody trusts it */
	u8 reserved[236];
};
SIV_WIRE_SIZE(struct siv_box_control, 256);

/*
 * The first bytes of every slot.
 *
 * In a record slot these 16 bytes are the record's header and its associated data
 * (protocol.md 2.3); ciphertext and tag follow. In a hello slot @tag is the suite
 * and @number the attempt, and a Noise message follows. @len 0: nothing here.
 */
struct siv_slot_header {
	__le32 len; /* bytes that follow this header */
	__le32 tag; /* session tag */
	__le64 number;
};
SIV_WIRE_SIZE(struct siv_slot_header, 16);
enum {
	SIV_SLOT_HDR = 16,
	SIV_SLOT_PAYLOAD = SIV_SLOT_SIZE - SIV_SLOT_HDR,
};

/* ----------------------------------------------------------------- session */

/* Payload of IK message 1; the certificate's DER follows. */
struct siv_payload1 {
	__le16 version; /* SIV_PROTOCOL_VERSION */
	__le16 flags;	/* zero */
	__le32 cert_len;
	u8 boot_nonce[SIV_NONCE_LEN];
	__le64 attempt;
};
SIV_WIRE_SIZE(struct siv_payload1, 32);

/* Payload of IK message 2. The guest's vectors are ready when it arrives. */
struct siv_payload2 {
	__le32 status;	    /* 0, or a wire code: refused, this is the reason */
	__le32 session_tag; /* low half of session_id */
	__le64 host_time;   /* seconds since 1970, UTC */
	__le64 session_id;  /* never reused in the epoch */
	__le64 crl_number;  /* 0: the host has no CRL */
	__le32 rekey_seconds; /* start a new IK this long after READY */
	__le32 liveness_ms;  /* the host gives a silent session up after this */
	__le32 max_channels; /* of this VM in this region */
	__le16 vectors;	     /* own vectors that exist */
	__le16 reserved0;
	u8 reserved1[16];
};
SIV_WIRE_SIZE(struct siv_payload2, 64);

enum {
	SIV_NOISE_M1_MIN = 32 + 48 + 32 + 1 + SIV_TAG_LEN,
	SIV_NOISE_M1_MAX = 32 + 48 + 32 + SIV_CERT_MAX + SIV_TAG_LEN,
	SIV_HELLO1_MAX = SIV_NONCE_LEN + SIV_NOISE_M1_MAX, /* echo first */
	SIV_HELLO2_LEN = 32 + 64 + SIV_TAG_LEN,
	SIV_SESSION_PROLOGUE_LEN = 152,
	SIV_CONNECT_PROLOGUE_LEN = 264,
};
static_assert((int)SIV_HELLO1_MAX <= (int)SIV_SLOT_PAYLOAD,
	      "message 1 must fit a slot");

/* ---------------------------------------------------------------- messages */

/* clang-format off */
enum siv_msg_type {
	SIV_MSG_READY = 1,		/* A>H: record 0 and nothing else */
	SIV_MSG_ACK = 2,		/* both: carries only the acknowledgement */
	SIV_MSG_HEARTBEAT = 3,		/* A>H */
	SIV_MSG_GOODBYE = 4,		/* A>H: this boot ends; all its channels too */
	SIV_MSG_LISTEN = 5,		/* B>H */
	SIV_MSG_UNLISTEN = 6,		/* B>H */
	SIV_MSG_RESULT = 7,		/* H>B: of LISTEN and UNLISTEN */
	SIV_MSG_OPEN = 8,		/* A>H */
	SIV_MSG_INCOMING = 9,		/* H>B */
	SIV_MSG_ACCEPT = 10,		/* B>H */
	SIV_MSG_REJECT = 11,		/* B>H */
	SIV_MSG_GRANT_A = 12,		/* H>A */
	SIV_MSG_CONFIRM = 13,		/* A>H */
	SIV_MSG_GRANT_B = 14,		/* H>B */
	SIV_MSG_ESTABLISHED = 15,	/* B>H */
	SIV_MSG_FIN = 16,		/* both ways, forwarded unread */
	SIV_MSG_CLOSE = 17,		/* both: please end this channel */
	SIV_MSG_CLOSED = 18,		/* both: ended here, nothing touches it any more */
	SIV_MSG_FAILED = 19,		/* H>A: of OPEN; A>H, B>H: of an own check of a grant */
	SIV_MSG_COUNT
};
/* clang-format on */

/* First bytes of every record's plaintext. */
struct siv_msg {
	__le16 type; /* enum siv_msg_type */
	__le16 reserved;
	__le32 len; /* bytes of body: exactly the rest */
	__le64 ack; /* the next number expected from the receiver */
};
SIV_WIRE_SIZE(struct siv_msg, 16);
enum {
	SIV_MSG_HDR = 16,
	SIV_BODY_MAX = SIV_SLOT_PAYLOAD - SIV_TAG_LEN - SIV_MSG_HDR,
};

/* Channel flags, in OPEN, INCOMING, COMMON and the connect prologue. */
#define SIV_CH_SEALED 0x1u
#define SIV_CH_STATIC 0x2u /* well-formed in OPEN, refused: SIV_R_UNSUPPORTED */
#define SIV_CH_FLAGS SIV_CH_SEALED /* those that are accepted today */

struct siv_listen {
	__le64 request;
	__le32 flags;	 /* SIV_CH_SEALED: only sealed channels */
	__le32 backlog;	 /* 1 to SIV_BACKLOG_MAX */
	__le64 ring_max; /* per direction; 0: no limit of its own */
};
SIV_WIRE_SIZE(struct siv_listen, 24);

struct siv_unlisten {
	__le64 request; /* that of the LISTEN */
};
SIV_WIRE_SIZE(struct siv_unlisten, 8);

struct siv_result {
	__le64 request;
	__le32 code; /* wire code; 0 is success */
	__le32 reserved;
};
SIV_WIRE_SIZE(struct siv_result, 16);

struct siv_open {
	__le64 request; /* chosen by A, unique in its session */
	__le16 suite;
	__le16 reserved;
	__le32 flags;
	__le64 ring_ab; /* bytes, exactly what A wants */
	__le64 ring_ba;
	u8 service[SIV_NAME_LEN];
	u8 vm[SIV_NAME_LEN]; /* pin: this VM only; empty: any */
	u8 e_a[SIV_KEY_LEN];
};
SIV_WIRE_SIZE(struct siv_open, 192);

struct siv_incoming { /* cert_len bytes of DER follow */
	__le64 cid;
	u8 n[32];
	__le16 suite;
	__le16 reserved0;
	__le32 flags;
	__le64 ring_ab;
	__le64 ring_ba;
	__le32 peer_a;
	__le32 peer_b;
	u8 service[SIV_NAME_LEN];
	u8 cert_hash[SIV_HASH_LEN];
	u8 e_a[SIV_KEY_LEN];
	__le64 prekey;	 /* 0 */
	__le32 cert_len; /* 0: sent before in this session */
	__le32 reserved1;
};
SIV_WIRE_SIZE(struct siv_incoming, 216);

struct siv_accept {
	__le64 cid;
	u8 m2[48]; /* e_B and the tag of the empty payload */
};
SIV_WIRE_SIZE(struct siv_accept, 56);

struct siv_reject {
	__le64 cid;
	__le32 code;
	__le32 reserved;
};
SIV_WIRE_SIZE(struct siv_reject, 16);

/* What both ends are granted, byte for byte the same: hashed into M3. */
struct siv_common {
	__le64 cid;
	__le64 extent_off;
	__le64 extent_len; /* a power of two that holds both rings */
	__le64 side_off;   /* A's page; B's is one granule further */
	__le64 ring_ab_off;
	__le64 ring_ba_off;
	__le64 ring_ab_len;
	__le64 ring_ba_len;
	__le32 flags;
	__le16 suite;
	__le16 reserved0;
	__le32 peer_a;
	__le16 vector_a; /* of A's own vectors: fires when B rings */
	__le16 reserved1;
	__le32 peer_b;
	__le16 vector_b;
	__le16 reserved2;
};
SIV_WIRE_SIZE(struct siv_common, 88);

struct siv_grant_a { /* cert_len bytes of DER follow */
	__le64 request;
	__le64 cid;
	u8 n[32];
	__le32 peer_b;
	__le32 cert_len; /* 0: sent before in this session */
	u8 cert_hash[SIV_HASH_LEN];
	u8 m2[48];
	struct siv_common common;
};
SIV_WIRE_SIZE(struct siv_grant_a, 224);

struct siv_confirm {
	__le64 cid;
	u8 m3[48];
};
SIV_WIRE_SIZE(struct siv_confirm, 56);

struct siv_grant_b {
	struct siv_common common;
	u8 m3[48];
};
SIV_WIRE_SIZE(struct siv_grant_b, 136);

struct siv_established {
	__le64 cid;
};
SIV_WIRE_SIZE(struct siv_established, 8);

struct siv_fin {
	__le64 cid;
	u8 sealed[16 + SIV_TAG_LEN]; /* struct siv_fin_payload under k1 or k2 */
};
SIV_WIRE_SIZE(struct siv_fin, 40);

struct siv_fin_payload {
	__le64 direction; /* 0: A to B, 1: B to A */
	__le64 position;  /* final position of that ring's producer */
};
SIV_WIRE_SIZE(struct siv_fin_payload, 16);

struct siv_close { /* CLOSE and CLOSED */
	__le64 cid;
	__le32 code;
	__le32 reserved;
};
SIV_WIRE_SIZE(struct siv_close, 16);

struct siv_failed {
	__le64 request; /* 0 from A */
	__le64 cid;	/* 0 from H if none was drawn */
	__le32 code;
	__le32 reserved;
};
SIV_WIRE_SIZE(struct siv_failed, 24);

/**
 * siv_msg_check() - validate the plaintext of a record and view its body
 * @plain: plaintext of the record, 8-byte aligned (as kmalloc() and malloc() give it)
 * @type: set to the message's type
 * @ack: set to its acknowledgement
 * @body: set to its body, inside @plain
 *
 * Checks the header, that the type is known, that the body has exactly the type's
 * length (certificates included), that reserved fields and unknown flags are
 * zero, that names are well formed and NUL-padded, that ring sizes are powers of two
 * from SIV_RING_MIN to SIV_RING_MAX, peers and the backlog in range, and that REJECT
 * and FAILED have a cause. After it a body may be cast to its struct. What the
 * receiver refuses politely is not judged here: a suite it lacks, SIV_CH_STATIC in
 * OPEN, sizes outside the region's limits, public keys.
 *
 * Return: SIV_OK, SIV_R_LENGTH, SIV_R_TYPE, SIV_R_RESERVED, SIV_R_NAME, SIV_R_SIZE.
 */
enum siv_reason __must_check siv_msg_check(struct siv_span plain, u16 *type,
					   u64 *ack, struct siv_span *body);

/* siv_msg_name() - "open", "grant_a", ...; "unknown". */
const char *siv_msg_name(u16 type);

/**
 * siv_name_check() - is this a name of a region, VM or service?
 * @name: bytes, no NUL counted
 *
 * [a-z0-9][a-z0-9._-]{0,62}. The VM name of host processes, ".host", is not one.
 */
bool siv_name_check(struct siv_span name);

/**
 * siv_name_get() - read a NUL-padded name field
 * @field: SIV_NAME_LEN bytes
 * @out: the name; empty if the field is all zero
 *
 * Return: false if a byte after the first NUL is not zero, there is no NUL, or the
 * name is neither empty nor well formed.
 */
bool __must_check siv_name_get(const u8 field[SIV_NAME_LEN],
			       struct siv_span *out);

/* siv_name_put() - write a name, NUL-padded; @name must be well formed or empty. */
void siv_name_put(u8 field[SIV_NAME_LEN], struct siv_span name);

/*
 * The region header's constant part, checked, in host order.
 */
struct siv_geometry {
	u64 region_size;
	u64 box_off;
	u64 side_off;
	u64 extent_off;
	u64 extent_len;
	u64 ring_min;
	u64 ring_max;
	u32 granule;
	u32 flags;
	u32 side_count;
	u32 suites;
	u32 sealed_max;
	u16 boxes;
};

/**
 * siv_header_check() - check a private copy of the region header
 * @h: the copy
 * @bar_len: length of the memory it came from
 * @page: this machine's page size
 * @g: filled in on success
 *
 * Return: SIV_OK; SIV_R_HEADER; SIV_R_VERSION; SIV_R_GRANULE.
 */
enum siv_reason __must_check siv_header_check(const struct siv_region_header *h,
					      u64 bar_len, u32 page,
					      struct siv_geometry *g);

/* siv_box_offset() - where a peer's mailbox begins. */
static inline u64 siv_box_offset(const struct siv_geometry *g, u32 peer)
{
	return g->box_off + (u64)(peer & (u32)(g->boxes - 1)) * SIV_BOX_STRIDE;
}

#endif /* SIV_CORE_WIRE_H */
