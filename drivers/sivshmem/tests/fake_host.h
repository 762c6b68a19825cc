/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side of a region: the test is the daemon, with the core's sessions, in the
 * memory of a fake device, below the real host.c, talk.c and hello.c; and the floor above
 * these, which notes what it is told. The clock is clock.h's.
 */
#ifndef SIV_TESTS_FAKE_HOST_H
#define SIV_TESTS_FAKE_HOST_H

#include "real_names.h"

#include "../talk.h"
#include "fake_hw.h"

struct kunit;

enum {
	SIV_FAKE_USERS = 3,
	SIV_FAKE_ENDS = 16,
	SIV_FAKE_HEARD = 640,
	SIV_FAKE_REKEY_S = 3600,
	SIV_FAKE_LIVENESS_MS = 10000,
};

/**
 * struct siv_fake_heard - messages that have arrived somewhere
 * @count: how many
 * @type: of the first of them
 * @word: the first 8 bytes of their bodies
 */
struct siv_fake_heard {
	unsigned int count;
	u16 type[SIV_FAKE_HEARD];
	u64 word[SIV_FAKE_HEARD];
};

/**
 * struct siv_fake_end - the host's end of one session
 * @s: the session
 * @t: its transforms
 * @heard: what the driver has said in it, but for what the core answers itself
 * @acks: how often it said no more than that it had heard
 * @beats: its HEARTBEATs
 * @bad: why a record that opened was refused, or SIV_OK
 * @cert: of the driver's identity, views into @hello
 * @p1: what message 1 said
 * @hello: plaintext of message 1
 * @plain: plaintext of a record
 */
struct siv_fake_end {
	struct siv_session s;
	struct siv_aead *t[3];
	struct siv_fake_heard heard;
	unsigned int acks;
	unsigned int beats;
	enum siv_reason bad;
	struct siv_cert cert;
	struct siv_payload1 p1;
	u8 hello[SIV_SLOT_SIZE] __aligned(8);
	u8 plain[SIV_SLOT_SIZE] __aligned(8);
};

/**
 * struct siv_fake_user - an identity, and its talk
 * @serial: of its key
 * @id: the identity
 * @cert: its certificate
 * @talk: in use, or NULL
 */
struct siv_fake_user {
	key_serial_t serial;
	struct siv_identity *id;
	struct siv_identity_cert *cert;
	struct siv_talk *talk;
};

/**
 * struct siv_fake_host - region, host and the floor above the driver's
 * @hw: the device, live
 * @dev: the same
 * @life: its first life
 * @ring: keyring of the identities
 * @ca: the anchor, in .sivshmem
 * @user: identities
 * @box: the driver's mailbox
 * @own: the host's key
 * @pub: its public key
 * @ids: what the prologue says
 * @outbox: of all sessions
 * @p2: payload of the next message 2
 * @session: id of the next session
 * @deaf: message 1 is not heard
 * @mute: records are neither heard nor posted
 * @answers: whose message 1 is answered; NULL: everybody's
 * @each: called at each turn, after the host's own part
 * @leaving: called when the device's life is over, in place of what channels do then
 * @end: sessions, the newest last
 * @ends: how many
 * @hello: the last message 2, as it stood in its slot
 * @hello_len: bytes of it
 * @tried: the last message 1 that was looked at
 * @hellos: how many different ones there were
 * @buf: for whatever is copied
 * @said: what the floor above was told by the host
 * @live: how often a talk became LIVE
 * @ended: how often a talk ended, as it was told
 * @why: why the last of them did
 * @quiesced: how often the device's life was over
 * @ticks: how often half a second
 * @waits: does somebody wait for the host?
 * @asked: how often that was asked
 */
struct siv_fake_host {
	struct siv_fake *hw;
	struct siv_device *dev;
	struct siv_host *life;
	struct key *ring;
	struct key *ca;
	struct siv_fake_user user[SIV_FAKE_USERS];
	u8 *box;
	struct siv_static own;
	u8 pub[SIV_KEY_LEN];
	struct siv_session_ids ids;
	struct siv_outbox outbox;
	struct siv_payload2 p2;
	u64 session;
	bool deaf;
	bool mute;
	bool (*answers)(struct siv_fake_host *f, struct siv_fake_end *e);
	void (*each)(struct siv_fake_host *f);
	void (*leaving)(struct siv_fake_host *f);
	struct siv_fake_end *end[SIV_FAKE_ENDS];
	unsigned int ends;
	u8 hello[SIV_SLOT_SIZE];
	size_t hello_len;
	u8 tried[SIV_HASH_LEN];
	unsigned int hellos;
	u8 buf[SIV_SLOT_SIZE];
	struct siv_fake_heard said;
	unsigned int live;
	unsigned int ended;
	enum siv_reason why;
	unsigned int quiesced;
	unsigned int ticks;
	bool waits;
	unsigned int asked;
};

/* A suite's init and exit: priv is the host. */
int siv_fake_host_init(struct kunit *test);
void siv_fake_host_exit(struct kunit *test);

/* siv_fake_host_anchor() - the CA comes into .sivshmem; siv_fake_host_no_anchor(): goes. */
void siv_fake_host_anchor(struct kunit *test);
void siv_fake_host_no_anchor(struct siv_fake_host *f);

/* siv_fake_host_run() - let this much time pass, with all that is due in it. */
void siv_fake_host_run(struct siv_fake_host *f, u64 ms);
/* siv_fake_host_settle() - until what was begun is done; no time passes. */
void siv_fake_host_settle(struct siv_fake_host *f);

/* siv_fake_host_talk() - the talk of user @n, in use until the test's exit. */
struct siv_talk *siv_fake_host_talk(struct kunit *test, unsigned int n);
/* siv_fake_host_leave() - its user goes. */
void siv_fake_host_leave(struct siv_fake_host *f, unsigned int n);
/* siv_fake_host_live() - the same with a session, and the host's end of that. */
struct siv_fake_end *siv_fake_host_live(struct kunit *test, unsigned int n);

/* siv_fake_host_challenge() - a new one, or zeros. */
void siv_fake_host_challenge(struct siv_fake_host *f, bool any);
/* siv_fake_host_hear() - open what stands in the hello slot, in a session of its own. */
enum siv_reason siv_fake_host_hear(struct siv_fake_host *f,
				   struct siv_fake_end **end);
/* siv_fake_host_answer() - post message 2 for it, as @p2 says, and ring. */
enum siv_reason siv_fake_host_answer(struct siv_fake_host *f,
				     struct siv_fake_end *e);
/* siv_fake_host_put() - bytes into the hello-down slot, and ring. */
void siv_fake_host_put(struct siv_fake_host *f, const u8 *bytes, size_t len);

/* siv_fake_host_slot() - a slot: the driver's to the host (@up), or the host's. */
u8 *siv_fake_host_slot(struct siv_fake_host *f, bool up, unsigned int i);
/* siv_fake_host_hello_slot() - that of message 1 (@up), or 2. */
u8 *siv_fake_host_hello_slot(struct siv_fake_host *f, bool up);
/* siv_fake_host_say() - seal a RESULT with this number for a body. */
enum siv_reason siv_fake_host_say(struct siv_fake_end *e, u64 word);
/* siv_fake_host_hears() - open what the driver has posted. */
void siv_fake_host_hears(struct siv_fake_host *f);
/* siv_fake_host_posts() - post what is due, without a bell: how many slots were written. */
unsigned int siv_fake_host_posts(struct siv_fake_host *f);
/* siv_fake_host_ring() - an own vector of the driver's fires, with interrupts off. */
void siv_fake_host_ring(struct siv_fake_host *f, unsigned int vector);

#endif /* SIV_TESTS_FAKE_HOST_H */
