// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/key-type.h>
#include <linux/random.h>
#include <linux/slab.h>

#include <keys/asymmetric-type.h>

#include "fake_host.h"
#include "clock.h"
#include "siv_keys_fixture.h"

enum {
	SUITES = BIT(SIV_SUITE_CHACHAPOLY) | BIT(SIV_SUITE_AESGCM),
	TURNS_MAX =
		100 * 1000, /* works in one run: more, and time stands still */
};

/* The one that is there: the floor above is told of talks, not of tests. */
static struct siv_fake_host *fake_host;

/* --------------------------------------------------------------- the floor above */

static void heard_add(struct siv_fake_heard *heard, u16 type,
		      struct siv_span body)
{
	if (heard->count < SIV_FAKE_HEARD) {
		heard->type[heard->count] = type;
		if (body.n >= sizeof(u64))
			heard->word[heard->count] = siv_get_le64(body.p);
	}
	heard->count++;
}

static void fake_message(struct siv_talk *talk, u16 type, struct siv_span body)
{
	if (type != SIV_MSG_ACK)
		heard_add(&fake_host->said, type, body);
}

static void fake_live(struct siv_talk *talk)
{
	fake_host->live++;
}

static void fake_ended(struct siv_talk *talk, enum siv_reason why)
{
	fake_host->ended++;
	fake_host->why = why;
}

static void fake_quiesce(struct siv_host *host, enum siv_reason why)
{
	fake_host->quiesced++;
	if (fake_host->leaving)
		fake_host->leaving(fake_host);
}

static void fake_tick(struct siv_host *host)
{
	fake_host->ticks++;
}

static bool fake_waits(struct siv_host *host)
{
	fake_host->asked++;
	return fake_host->waits;
}

static const struct siv_host_client fake_client = {
	.message = fake_message,
	.live = fake_live,
	.ended = fake_ended,
	.quiesce = fake_quiesce,
	.tick = fake_tick,
	.waits = fake_waits,
};

/* ------------------------------------------------------------------- sessions */

static struct siv_fake_end *end_make(void)
{
	struct siv_fake_end *e =
		kvzalloc(sizeof(*e), GFP_KERNEL | __GFP_NOFAIL);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(e->t); i++)
		e->t[i] = siv_aead_alloc(GFP_KERNEL);
	siv_session_init(&e->s, true, e->t[0], e->t[1], e->t[2]);
	return e;
}

static void end_free(struct siv_fake_end *e)
{
	unsigned int i;

	siv_session_wipe(&e->s);
	for (i = 0; i < ARRAY_SIZE(e->t); i++)
		siv_aead_free(e->t[i]);
	kvfree(e);
}

/* The oldest goes when there is no place for another one. */
static void end_keep(struct siv_fake_host *f, struct siv_fake_end *e)
{
	if (f->ends == SIV_FAKE_ENDS) {
		end_free(f->end[0]);
		f->ends--;
		memmove(f->end, f->end + 1, f->ends * sizeof(f->end[0]));
	}
	f->end[f->ends++] = e;
}

u8 *siv_fake_host_slot(struct siv_fake_host *f, bool up, unsigned int i)
{
	return f->box + (up ? SIV_BOX_UP : SIV_BOX_DOWN) + i * SIV_SLOT_SIZE;
}

u8 *siv_fake_host_hello_slot(struct siv_fake_host *f, bool up)
{
	return f->box + (up ? SIV_BOX_HELLO_UP : SIV_BOX_HELLO_DOWN);
}

/* An interrupt: one at a time, and no other meanwhile. */
static DEFINE_SPINLOCK(bell_lock);

void siv_fake_host_ring(struct siv_fake_host *f, unsigned int vector)
{
	spin_lock_irq(&bell_lock);
	siv_device_bell(f->dev, vector);
	spin_unlock_irq(&bell_lock);
}

void siv_fake_host_challenge(struct siv_fake_host *f, bool any)
{
	memset(f->ids.challenge, 0, SIV_NONCE_LEN);
	if (any)
		get_random_bytes(f->ids.challenge, SIV_NONCE_LEN);
	memcpy(f->box, f->ids.challenge, SIV_NONCE_LEN);
}

enum siv_reason siv_fake_host_hear(struct siv_fake_host *f,
				   struct siv_fake_end **end)
{
	const u8 __peer *slot =
		(const u8 __peer *)siv_fake_host_hello_slot(f, true);
	struct siv_fake_end *e;
	struct siv_slot_info info;
	struct siv_span span = { .p = f->buf };
	enum siv_reason r;

	if (!siv_slot_peek(slot, &info))
		return SIV_R_LENGTH;
	span.n = siv_slot_copy(slot, &info, f->buf);
	e = end_make();
	r = siv_session_heard(&e->s, &f->ids, &f->own, f->pub, SUITES, span,
			      e->hello, &e->cert, &e->p1);
	if (r != SIV_OK) {
		end_free(e);
		return r;
	}
	end_keep(f, e);
	*end = e;
	return SIV_OK;
}

void siv_fake_host_put(struct siv_fake_host *f, const u8 *bytes, size_t len)
{
	siv_slot_write(siv_fake_host_hello_slot(f, false), bytes, len);
	siv_fake_host_ring(f, SIV_VECTOR_HOST);
}

enum siv_reason siv_fake_host_answer(struct siv_fake_host *f,
				     struct siv_fake_end *e)
{
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];
	enum siv_reason r;

	get_random_bytes(priv, sizeof(priv));
	r = siv_x25519_base(pub, priv);
	if (r != SIV_OK)
		return r;
	siv_put_le64(&f->p2.session_id, f->session);
	siv_put_le32(&f->p2.session_tag, f->session);
	f->session++;
	r = siv_session_answer(&e->s, &f->p2, priv, pub, f->hello,
			       &f->hello_len);
	if (r == SIV_OK)
		siv_fake_host_put(f, f->hello, f->hello_len);
	return r;
}

/* A message 1 that was not looked at before is answered. */
static void host_hello(struct siv_fake_host *f)
{
	const u8 *slot = siv_fake_host_hello_slot(f, true);
	struct siv_span whole = { .p = slot, .n = SIV_SLOT_SIZE };
	struct siv_fake_end *e;
	u8 hash[SIV_HASH_LEN];

	if (!siv_get_le32(slot))
		return;
	siv_sha256v(hash, &whole, 1);
	if (!memcmp(hash, f->tried, sizeof(hash)))
		return;
	memcpy(f->tried, hash, sizeof(hash));
	f->hellos++;
	if (siv_fake_host_hear(f, &e) == SIV_OK &&
	    (!f->answers || f->answers(f, e)))
		siv_fake_host_answer(f, e);
}

static void end_consume(struct siv_fake_host *f, struct siv_fake_end *e,
			struct siv_span rec)
{
	struct siv_span body;
	enum siv_reason r;
	u16 type;

	r = siv_session_receive(&e->s, rec, e->plain, &type, &body,
				siv_host_now_ms());
	if (r == SIV_R_TAG || r == SIV_R_NUMBER)
		return;
	if (r != SIV_OK)
		e->bad = r;
	else if (type == SIV_MSG_ACK)
		e->acks++;
	else if (type == SIV_MSG_HEARTBEAT)
		e->beats++;
	else if (type != SIV_MSG_READY)
		heard_add(&e->heard, type, body);
}

static void end_hear(struct siv_fake_host *f, struct siv_fake_end *e)
{
	struct siv_slot_info info;
	struct siv_span rec = { .p = f->buf };
	unsigned int i, taken;

	do {
		taken = 0;
		for (i = 0; i < SIV_BOX_SLOTS; i++) {
			const u8 __peer *slot =
				(const u8 __peer *)siv_fake_host_slot(f, true,
								      i);

			if (!siv_slot_peek(slot, &info) ||
			    !siv_session_wants(&e->s, &info, siv_host_now_ms()))
				continue;
			rec.n = siv_slot_copy(slot, &info, f->buf);
			end_consume(f, e, rec);
			taken++;
		}
	} while (taken);
}

enum siv_reason siv_fake_host_say(struct siv_fake_end *e, u64 word)
{
	struct siv_result m = { .request = cpu_to_le64(word) };
	struct siv_span none = {};

	return siv_session_send(&e->s, SIV_MSG_RESULT,
				(struct siv_span){ (u8 *)&m, sizeof(m) }, none,
				siv_host_now_ms());
}

void siv_fake_host_hears(struct siv_fake_host *f)
{
	unsigned int i;

	for (i = 0; i < f->ends; i++)
		end_hear(f, f->end[i]);
}

unsigned int siv_fake_host_posts(struct siv_fake_host *f)
{
	unsigned int i, posted = 0;
	u64 next;

	for (i = 0; i < f->ends; i++)
		posted += siv_session_post(&f->end[i]->s, &f->outbox,
					   siv_fake_host_slot(f, false, 0),
					   siv_host_now_ms(), &next);
	return posted;
}

/* ----------------------------------------------------------------------- time */

static void host_each(void *arg)
{
	struct siv_fake_host *f = arg;

	if (!f->deaf)
		host_hello(f);
	if (!f->mute) {
		siv_fake_host_hears(f);
		if (siv_fake_host_posts(f))
			siv_fake_host_ring(f, SIV_VECTOR_HOST);
	}
	if (f->each)
		f->each(f);
}

/* What runs on one may queue something on the next, and the end begins nothing more. */
void siv_fake_host_settle(struct siv_fake_host *f)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (f->dev->host)
			flush_workqueue(f->dev->host->wq);
		flush_workqueue(siv_crypto_wq);
		flush_workqueue(siv_end_wq);
	}
}

void siv_fake_host_run(struct siv_fake_host *f, u64 ms)
{
	u64 until = siv_clock_ns() + ms * NSEC_PER_MSEC;
	unsigned int turns = 0;

	siv_fake_host_settle(f);
	do {
		host_each(f);
		siv_fake_host_settle(f);
	} while (siv_clock_fire(until) && ++turns < TURNS_MAX);
	WARN_ON(turns == TURNS_MAX);
	siv_clock_reach(until);
}

/* ------------------------------------------------------------------ identities */

static key_ref_t key_add(struct key *ring, const char *type, const char *name,
			 const void *data, size_t len)
{
	return key_create_or_update(make_key_ref(ring, true), type, name, data,
				    len, KEY_POS_ALL | KEY_USR_ALL,
				    KEY_ALLOC_NOT_IN_QUOTA);
}

void siv_fake_host_anchor(struct kunit *test)
{
	struct siv_fake_host *f = test->priv;
	key_ref_t ref = key_add(siv_keys_anchors()->keyring, "asymmetric", NULL,
				siv_fixture_ca, sizeof(siv_fixture_ca));

	KUNIT_ASSERT_FALSE(test, IS_ERR(ref));
	f->ca = key_ref_to_ptr(ref);
}

void siv_fake_host_no_anchor(struct siv_fake_host *f)
{
	keyring_clear(siv_keys_anchors()->keyring);
	if (f->ca)
		key_put(f->ca);
	f->ca = NULL;
}

/* Another key of the same name has to have the whole name. */
static void user_make(struct kunit *test, struct siv_fake_user *u,
		      const char *name, struct siv_span cert, const u8 *priv)
{
	struct siv_fake_host *f = test->priv;
	key_ref_t ref;

	memcpy(f->buf, cert.p, cert.n);
	memcpy(f->buf + cert.n, priv, sizeof(siv_fixture_private));
	ref = key_add(f->ring, "sivshmem", name, f->buf,
		      cert.n + sizeof(siv_fixture_private));
	KUNIT_ASSERT_FALSE(test, IS_ERR(ref));
	u->serial = key_ref_to_ptr(ref)->serial;
	key_ref_put(ref);
	u->id = siv_identity_lookup(u->serial, &u->cert);
	KUNIT_ASSERT_FALSE(test, IS_ERR(u->id));
}

static void users_make(struct kunit *test)
{
	struct siv_fake_user *u = ((struct siv_fake_host *)test->priv)->user;
	struct siv_span front = { siv_fixture_cert, sizeof(siv_fixture_cert) };
	struct siv_span rear = { siv_fixture_rear_cert,
				 sizeof(siv_fixture_rear_cert) };
	struct siv_span other = { siv_fixture_other_cert,
				  sizeof(siv_fixture_other_cert) };

	user_make(test, &u[0], "camera.front", front, siv_fixture_private);
	user_make(test, &u[1], "camera.rear", rear, siv_fixture_private);
	user_make(test, &u[2], "lab/vma/camera.front", other,
		  siv_fixture_other_private);
}

static void user_free(struct siv_fake_user *u)
{
	if (IS_ERR_OR_NULL(u->id))
		return;
	siv_identity_cert_put(u->cert);
	siv_identity_put(u->id);
}

struct siv_talk *siv_fake_host_talk(struct kunit *test, unsigned int n)
{
	struct siv_fake_host *f = test->priv;
	struct siv_fake_user *u = &f->user[n];
	struct siv_talk *talk = siv_talk_use(f->life, u->id, u->cert);

	KUNIT_ASSERT_FALSE(test, IS_ERR(talk));
	u->talk = talk;
	return talk;
}

void siv_fake_host_leave(struct siv_fake_host *f, unsigned int n)
{
	if (f->user[n].talk)
		siv_talk_unuse(f->user[n].talk);
	f->user[n].talk = NULL;
}

struct siv_fake_end *siv_fake_host_live(struct kunit *test, unsigned int n)
{
	struct siv_fake_host *f = test->priv;
	struct siv_talk *talk = siv_fake_host_talk(test, n);

	siv_fake_host_run(f, 40);
	KUNIT_ASSERT_TRUE(test, siv_talk_is_live(talk));
	KUNIT_ASSERT_GT(test, f->ends, 0);
	KUNIT_ASSERT_EQ(test, f->end[f->ends - 1]->s.state, SIV_SESSION_LIVE);
	return f->end[f->ends - 1];
}

/* ------------------------------------------------------------------ the suite's */

static void ids_fill(struct siv_fake_host *f)
{
	struct siv_span cert = { f->dev->host_cert, f->dev->host_cert_len };

	f->ids.peer = f->dev->peer;
	memcpy(f->ids.epoch, f->dev->epoch, sizeof(f->ids.epoch));
	f->ids.region = (struct siv_span){ (const u8 *)f->dev->region,
					   strlen(f->dev->region) };
	siv_sha256v(f->ids.host_cert_hash, &cert, 1);
	memcpy(f->ids.header_hash, f->dev->header_hash,
	       sizeof(f->ids.header_hash));
}

static void region_make(struct kunit *test)
{
	struct siv_fake_host *f = test->priv;
	/* RFC 8410: the key is the end of a PKCS#8 */
	const u8 *own = siv_fixture_host_private +
			sizeof(siv_fixture_host_private) - SIV_KEY_LEN;

	f->hw = siv_fake_make(test);
	f->dev = f->hw->dev;
	KUNIT_ASSERT_EQ(test, siv_device_add(f->dev, false), 0);
	f->life = f->dev->host;
	f->box = f->hw->mem + siv_box_offset(&f->dev->geo, f->dev->peer);
	memcpy(f->own.priv, own, SIV_KEY_LEN);
	KUNIT_ASSERT_EQ(test, (int)siv_x25519_base(f->pub, own), SIV_OK);
	ids_fill(f);
	siv_fake_host_challenge(f, true);
	f->session = 77;
	f->p2.host_time = cpu_to_le64(siv_keys_now(0, 0));
	f->p2.rekey_seconds = cpu_to_le32(SIV_FAKE_REKEY_S);
	f->p2.liveness_ms = cpu_to_le32(SIV_FAKE_LIVENESS_MS);
	f->p2.vectors = cpu_to_le16(SIV_FAKE_VECTORS);
}

int siv_fake_host_init(struct kunit *test)
{
	struct siv_fake_host *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	fake_host = f;
	f->ring = keyring_alloc("siv-test", GLOBAL_ROOT_UID, GLOBAL_ROOT_GID,
				current_cred(), KEY_POS_ALL | KEY_USR_ALL,
				KEY_ALLOC_NOT_IN_QUOTA, NULL, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(f->ring));
	siv_fake_host_anchor(test);
	users_make(test);
	siv_clock_start(host_each, f);
	KUNIT_ASSERT_EQ(test, siv_host_init(), 0);
	siv_host_client_set(&fake_client);
	region_make(test);
	return 0;
}

void siv_fake_host_exit(struct kunit *test)
{
	struct siv_fake_host *f = test->priv;
	unsigned int i;

	for (i = 0; i < SIV_FAKE_USERS; i++)
		siv_fake_host_leave(f, i);
	siv_fake_free(f->hw);
	siv_device_wait_all_gone();
	KUNIT_EXPECT_EQ(test, siv_clock_stop(), 0);
	siv_device_client_set(NULL);
	siv_host_client_set(NULL);
	siv_host_exit();
	for (i = 0; i < SIV_FAKE_USERS; i++)
		user_free(&f->user[i]);
	for (i = 0; i < f->ends; i++)
		end_free(f->end[i]);
	keyring_clear(f->ring);
	key_put(f->ring);
	siv_fake_host_no_anchor(f);
	memzero_explicit(&f->own, sizeof(f->own));
	kvfree(f);
	fake_host = NULL;
}
