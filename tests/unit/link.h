/* SPDX-License-Identifier: GPL-2.0-only */
/* One connect with A, B and the host's part of it in one program, step by step. */
#ifndef TESTS_LINK_H
#define TESTS_LINK_H

#include "core/connect.h"
#include "pki.h"

enum {
	MIB = 1 << 20,
	GRANULE = 65536
};

extern const struct siv_geometry link_geometry;

struct link {
	struct pki_party host, a, b;
	struct siv_connect_ids asked;	/* A's, before the grant */
	struct siv_connect_ids offered; /* B's */
	struct siv_connect ca, cb;
	struct siv_aead *t;
	u8 prk_a[SIV_HASH_LEN];
	u8 prk_b[SIV_HASH_LEN];
	u8 ea_priv[SIV_KEY_LEN];
	u8 ea_pub[SIV_KEY_LEN];
	u8 eb_priv[SIV_KEY_LEN];
	u8 eb_pub[SIV_KEY_LEN];
	u64 number; /* of the connect: new ephemerals, N, cid */
	struct siv_common common;
	struct siv_open open;
	struct siv_incoming incoming;
	struct siv_accept accept;
	struct siv_grant_a grant_a;
	struct siv_confirm confirm;
	struct siv_grant_b grant_b;
	struct siv_established established;
};

/* link_init() - three parties and what A asks for; no connect yet. */
void link_init(struct link *l, u16 suite, u32 flags);
void link_free(struct link *l);

/*
 * The steps; each returns what the function under test returned. The host's are
 * link_relay_*(): they make the next message of the last one.
 */
enum siv_reason link_open(struct link *l);
void link_relay_open(struct link *l);
enum siv_reason link_incoming(struct link *l);
void link_relay_accept(struct link *l);
enum siv_reason link_granted(struct link *l);
void link_relay_confirm(struct link *l);
enum siv_reason link_confirmed(struct link *l);
/* link_common() - a grant that is good, in @l->common. */
void link_common(struct link *l);

/* Up to the message named, which then lies ready; link_all(): both ends are open. */
void link_to_incoming(struct link *l);
void link_to_grant(struct link *l);
void link_to_confirm(struct link *l);
void link_all(struct link *l);

/* link_zero() - are these bytes all zero? */
bool link_zero(const void *p, size_t n);
/* link_ended() - is this end over, and without secrets? */
bool link_ended(const struct siv_connect *c);

#endif
