/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other end of a connect, and the host between the two, with real certificates and
 * real messages: what the driver hears is what a daemon and a peer would have said. The
 * same host serves a neighbour, another channel of our identity's, and a stranger,
 * another identity of this machine.
 */
#ifndef SIV_TESTS_FAKE_PEER_H
#define SIV_TESTS_FAKE_PEER_H

#include "../core/connect.h"
#include "../core/seal.h"
#include "fake_channel.h"

struct kunit_suite;

/* A message, and the certificate behind it. */
struct siv_fake_mail {
	union {
		struct siv_incoming in;
		struct siv_grant_a grant;
		u8 bytes[sizeof(struct siv_grant_a) + SIV_CERT_MAX];
	};
	size_t len;
};

/**
 * struct siv_fake_peer - who we connect to, or who calls us
 * @test: fails if the peer cannot do its part
 * @lab: the device, the talk and the channel
 * @neighbour: another channel of that talk, CONNECTING; a reference is the test's
 * @stranger: another talk of the same host
 * @listener: our identity's
 * @own: our certificate
 * @cert: the peer's
 * @priv: the peer's private key
 * @prk: the pair's secret
 * @c: the peer's end of the connect
 * @t: its transform
 * @ids: of the connect
 * @incoming: INCOMING for the end that listens, whichever it is
 * @grant_a: GRANT_A for the end that connects
 * @grant_b: GRANT_B for the end that listens
 * @tx: the peer's ring
 * @seal: its key
 * @ring_t: and its transform
 * @got: what it has read
 * @said: what the host has heard of our channel, BIT() of each type
 * @said_early: it heard that all is over while the channel could still touch the region
 */
struct siv_fake_peer {
	struct kunit *test;
	struct siv_fake_lab *lab;
	struct siv_channel *neighbour;
	struct siv_fake_talk *stranger;
	struct file *listener;
	struct siv_identity_cert *own;
	struct siv_cert cert;
	struct siv_static priv;
	u8 prk[SIV_HASH_LEN];
	struct siv_connect c;
	struct siv_aead *t;
	struct siv_connect_ids ids;
	struct siv_fake_mail incoming;
	struct siv_fake_mail grant_a;
	struct siv_grant_b grant_b;
	struct siv_tx tx;
	struct siv_seal seal;
	struct siv_aead *ring_t;
	u8 got[64];
	unsigned long said;
	bool said_early;
};

/* For a suite: the key type and the keyring, with the CA in it. */
int siv_suite_peer_init(struct kunit_suite *suite);
void siv_suite_peer_exit(struct kunit_suite *suite);

/* siv_fake_peer_make() - nobody has connected yet. */
struct siv_fake_peer *siv_fake_peer_make(struct kunit *test);
void siv_fake_peer_free(struct siv_fake_peer *p);

/* siv_fake_peer_called() - we connect: OPEN was said, and the peer has answered it. */
void siv_fake_peer_called(struct siv_fake_peer *p, u32 uflags);
/* siv_fake_peer_calls() - the peer connects: if it is let, there is a channel. */
void siv_fake_peer_calls(struct siv_fake_peer *p, u32 uflags);
/* siv_fake_peer_unlisten() - our listener is closed. */
void siv_fake_peer_unlisten(struct siv_fake_peer *p);
/* siv_fake_peer_forge_m2() - answer OPEN as who has not the pair's secret. */
void siv_fake_peer_forge_m2(struct siv_fake_peer *p);

/* Whose laboratory this is, to somebody else: what is done to it is done to them. */
struct siv_fake_lab siv_fake_peer_neighbours(const struct siv_fake_peer *p);
struct siv_fake_lab siv_fake_peer_strangers(const struct siv_fake_peer *p);

/* siv_fake_peer_fin() - the end of its stream, if a channel of that kind has one. */
void siv_fake_peer_fin(struct siv_fake_peer *p, struct siv_fin *fin);
/* siv_fake_peer_writes() - a record of four bytes, sealed if the channel is. */
void siv_fake_peer_writes(struct siv_fake_peer *p, bool damaged);

/* siv_fake_peer_gets() - our last record is @what, and at most a few letters. */
void siv_fake_peer_gets(struct siv_fake_peer *p, const char *what);

/* Where we write, in the region: our side page, and our ring; a granule each. */
const u8 *siv_fake_peer_our_page(const struct siv_fake_peer *p);
const u8 *siv_fake_peer_our_ring(const struct siv_fake_peer *p);

#endif /* SIV_TESTS_FAKE_PEER_H */
