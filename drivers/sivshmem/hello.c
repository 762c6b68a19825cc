// SPDX-License-Identifier: GPL-2.0-only
/* The session handshake with the host: Noise_IK, from the guest's side. */
#include <linux/delay.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "core/session.h"
#include "event.h"
#include "hello.h"
#include "host.h"
#include "pair.h"
#include "talk.h"
#include "trace.h"

enum {
	SIV_HELLO_SPINS = 8,	 /* looks per turn of the work, ... */
	SIV_HELLO_SPIN_US = 200, /* ... so far apart */
	SIV_HELLO_QUICK_MS = 50, /* after that the work sleeps in between */
	SIV_HELLO_POLL_MS = 5,
	SIV_HELLO_FORGED_MAX =
		32, /* wrong answers until they are looked at less often */
	SIV_HELLO_FORGED_MS = 50,
	SIV_HELLO_RETRY_MS = 20,
};

/* ------------------------------------------------------ the host's certificate */

/* Parsed each time, for a parse is cheap; the signature is verified once per anchor. */
static enum siv_reason siv_hello_judge_host(struct siv_host *host)
{
	struct siv_device *dev = host->dev;
	struct siv_span der = { .p = dev->host_cert, .n = dev->host_cert_len };
	struct siv_span region = { .p = (const u8 *)dev->region,
				   .n = strlen(dev->region) };
	struct siv_span any = {};
	struct siv_cert *cert;
	bool known = false;
	enum siv_reason r;
	int anchor = 0;

	if (!dev->geo.region_size || !der.n)
		return SIV_R_HEADER;
	cert = kmalloc(sizeof(*cert), GFP_KERNEL);
	if (!cert)
		return SIV_R_NO_MEMORY;
	r = siv_cert_parse(der, cert);
	if (r == SIV_OK)
		r = siv_cert_is(cert, SIV_CERT_HOST, region, any, any);
	/* no host time yet, or none that this certificate may vouch for itself with */
	if (r == SIV_OK)
		r = siv_cert_dates(cert, siv_keys_now(0, 0));
	if (r == SIV_OK) {
		anchor = siv_anchor_serial(siv_keys_anchors(), cert->akid,
					   cert->issuer);
		known = anchor && host->host_anchor == anchor &&
			siv_host_since_ms(host->host_verified_ms) <
				SIV_VERIFIED_MS;
		if (!known)
			r = siv_cert_verify(cert, siv_keys_anchors());
	}
	if (r == SIV_OK) {
		if (!known)
			host->host_verified_ms = siv_host_now_ms();
		host->host_anchor = anchor;
		memcpy(host->host_pub, cert->pub, sizeof(host->host_pub));
		memcpy(host->host_hash, cert->hash, sizeof(host->host_hash));
		WRITE_ONCE(host->host_not_after, cert->not_after);
	} else {
		host->host_anchor = 0;
	}
	kfree(cert);
	return r;
}

/* --------------------------------------------------------------- turns */

void siv_hello_want(struct siv_talk *talk)
{
	struct siv_host *host = talk->host;

	siv_host_lock_held(host);
	if (talk->in_turn || host->hello.stopped)
		return;
	talk->in_turn = true;
	siv_talk_get(talk);
	list_add_tail(&talk->turn, &host->hello.queue);
	mod_delayed_work(siv_crypto_wq, &host->hello.work, 0);
}

void siv_hello_kick(struct siv_host *host)
{
	/* only if a look was planned anyway: an idle hello is not woken by records */
	if (delayed_work_pending(&host->hello.work))
		mod_delayed_work(siv_crypto_wq, &host->hello.work, 0);
}

/* The turn is over, whatever came of it. */
static void siv_hello_over(struct siv_host *host, bool again)
{
	struct siv_hello *hello = &host->hello;
	struct siv_talk *talk = hello->talk;
	struct siv_line *line;

	hello->len = 0;
	hello->talk = NULL;
	mutex_lock(&host->lock);
	line = talk->next;
	talk->next = NULL;
	talk->holding = false;
	talk->in_turn = false;
	if (again && talk->state != SIV_TALK_ENDED)
		siv_hello_want(talk);
	mutex_unlock(&host->lock);
	siv_line_free(line);
	siv_talk_put(talk);
}

/* Whose turn is it? With the queue's reference; NULL: nobody's. */
static struct siv_talk *siv_hello_next(struct siv_host *host)
{
	struct siv_hello *hello = &host->hello;
	struct siv_talk *talk;

	mutex_lock(&host->lock);
	talk = list_first_entry_or_null(&hello->queue, struct siv_talk, turn);
	if (talk)
		list_del_init(&talk->turn);
	mutex_unlock(&host->lock);
	return talk;
}

/* ------------------------------------------------------------------- steps */

/* Ephemeral keys of IK are bound to the challenge. */
static enum siv_reason siv_hello_make(struct siv_host *host,
				      struct siv_talk *talk,
				      const u8 challenge[SIV_NONCE_LEN])
{
	struct siv_device *dev = host->dev;
	struct siv_hello *hello = &host->hello;
	struct siv_session_hello in = {
		.ids.suite = SIV_SUITE_CHACHAPOLY,
		.ids.peer = dev->peer,
		.ids.region = { (const u8 *)dev->region, strlen(dev->region) },
		/* in place: a key that is wiped meanwhile makes a handshake that fails */
		.own = &talk->id->priv,
		.own_pub = talk->id->pub,
		.host_pub = host->host_pub,
		.cert = { talk->cert->der, talk->cert->len },
		.attempt = ++hello->attempt,
	};
	u8 hh[SIV_HASH_LEN] = {};
	struct siv_ephemeral e;
	enum siv_reason r;

	memcpy(in.ids.epoch, dev->epoch, sizeof(in.ids.epoch));
	memcpy(in.ids.host_cert_hash, host->host_hash,
	       sizeof(in.ids.host_cert_hash));
	memcpy(in.ids.header_hash, dev->header_hash,
	       sizeof(in.ids.header_hash));
	memcpy(in.ids.challenge, challenge, SIV_NONCE_LEN);
	memcpy(in.boot_nonce, dev->boot_nonce, sizeof(in.boot_nonce));
	memcpy(hh, challenge, SIV_NONCE_LEN);
	r = siv_ephemeral_fresh(talk, hh, &e);
	if (r != SIV_OK)
		return r;
	in.e_priv = e.priv;
	in.e_pub = e.pub;
	r = siv_session_start(&talk->next->s, &in, hello->bytes, &hello->len);
	siv_wipe(&e, sizeof(e));
	if (r != SIV_OK)
		hello->len = 0;
	return r;
}

/* Begin an attempt. Return: ms until the next step, or an error that ends the talk. */
static int siv_hello_begin(struct siv_host *host, struct siv_talk *talk,
			   enum siv_reason *why)
{
	static const u8 none[SIV_NONCE_LEN];
	struct siv_hello *hello = &host->hello;
	u8 challenge[SIV_NONCE_LEN];

	*why = siv_hello_judge_host(host);
	/* the session that is to be replaced works on meanwhile */
	if (*why == SIV_R_NO_MEMORY)
		return SIV_HELLO_RETRY_MS;
	if (*why != SIV_OK)
		return -1;
	if (siv_mailbox_challenge(&host->mb, challenge)) {
		*why = SIV_R_DEVICE_GONE;
		return -1;
	}
	/* the host has not accepted this client yet */
	if (!memcmp(challenge, none, sizeof(none)))
		return SIV_HELLO_RETRY_MS;
	siv_line_free(talk->next);
	talk->next = siv_line_alloc();
	if (!talk->next)
		return SIV_HELLO_RETRY_MS;
	*why = siv_hello_make(host, talk, challenge);
	if (*why != SIV_OK)
		return -1;
	hello->started_ms = siv_host_now_ms();
	hello->posted_ms = hello->started_ms;
	hello->backoff_ms = SIV_REPOST_FIRST_MS;
	hello->hold_ms = 0;
	hello->tries = 0;
	memset(hello->tried, 0, sizeof(hello->tried));
	if (siv_mailbox_hello(&host->mb, hello->bytes, hello->len)) {
		*why = SIV_R_DEVICE_GONE;
		return -1;
	}
	return 0;
}

/* Is there an answer that was not tried already? */
static bool siv_hello_look(struct siv_host *host)
{
	struct siv_hello *hello = &host->hello;
	struct siv_span span = { .p = hello->answer };
	u8 hash[SIV_HASH_LEN];
	int n;

	n = siv_mailbox_answer(&host->mb, hello->answer);
	if (n <= 0)
		return false;
	span.n = n;
	siv_sha256v(hash, &span, 1);
	if (!memcmp(hash, hello->tried, sizeof(hash)))
		return false;
	hello->answer_len = n;
	memcpy(hello->tried, hash, sizeof(hash));
	return true;
}

/*
 * A session that is to be replaced may first finish what it said: what the host has not
 * seen when the new one is READY is lost. Nothing more is begun in it until the new one is
 * there, or the attempt is over.
 */
static bool siv_hello_hold(struct siv_host *host, struct siv_talk *talk)
{
	struct siv_hello *hello = &host->hello;
	bool hold;

	mutex_lock(&host->lock);
	/* READY has to be there before the host forgets what it answered */
	hold = siv_talk_unfinished(talk) &&
	       siv_host_since_ms(hello->hold_ms) < SIV_TALK_DRAIN_MS &&
	       siv_host_since_ms(hello->started_ms) <
		       SIV_PENDING_MS - SIV_HELLO_FORGED_MS;
	talk->holding = true;
	mutex_unlock(&host->lock);
	return hold;
}

/* Try the answer; @hold_ms tells whether it opened. Return: 0, or -1: ended, @why. */
static int siv_hello_try(struct siv_host *host, struct siv_talk *talk,
			 enum siv_reason *why)
{
	struct siv_hello *hello = &host->hello;
	struct siv_span slot = { .p = hello->answer, .n = hello->answer_len };
	u64 now = siv_host_now_ms();
	enum siv_reason r;

	r = siv_session_finish(&talk->next->s, slot, &hello->p2, now);
	if (r == SIV_R_POLICY) {
		*why = siv_reason_from_code(le32_to_cpu(hello->p2.status));
		return -1;
	}
	if (r != SIV_OK) {
		hello->tries++;
		trace_siv_dropped(host->dev->index, 0, hello->attempt, r);
		return 0;
	}
	hello->hold_ms = now;
	return 0;
}

static void siv_hello_install(struct siv_host *host, struct siv_talk *talk)
{
	mutex_lock(&host->lock);
	if (host->ended == SIV_OK && talk->state != SIV_TALK_ENDED)
		siv_talk_install(talk, &host->hello.p2);
	mutex_unlock(&host->lock);
}

/* Look for the answer for a while. Return: 0: go on waiting; 1: LIVE; -1: ended, @why. */
static int siv_hello_poll(struct siv_host *host, struct siv_talk *talk,
			  enum siv_reason *why)
{
	struct siv_hello *hello = &host->hello;
	int i;

	for (i = 0; i < SIV_HELLO_SPINS; i++) {
		/* of what nobody has authenticated nothing is stopped */
		if (!hello->hold_ms && siv_hello_look(host) &&
		    siv_hello_try(host, talk, why) < 0)
			return -1;
		if (hello->hold_ms) {
			if (siv_hello_hold(host, talk))
				return 0;
			siv_hello_install(host, talk);
			return 1;
		}
		if (hello->tries > SIV_HELLO_FORGED_MAX ||
		    siv_host_since_ms(hello->started_ms) > SIV_HELLO_QUICK_MS)
			return 0;
		usleep_range(SIV_HELLO_SPIN_US, 2 * SIV_HELLO_SPIN_US);
	}
	return 0;
}

/* Nothing yet: post again, and when to look again in ms; -1: the attempt is over. */
static int siv_hello_again(struct siv_host *host)
{
	struct siv_hello *hello = &host->hello;
	u64 now = siv_host_now_ms();

	/* it has answered; siv_hello_hold() ends this wait */
	if (hello->hold_ms)
		return SIV_HELLO_POLL_MS;
	if (now - hello->started_ms >= SIV_PENDING_MS)
		return -1;
	if (now - hello->posted_ms >= hello->backoff_ms) {
		siv_mailbox_hello(&host->mb, hello->bytes, hello->len);
		hello->posted_ms = now;
		hello->backoff_ms *= 2;
	}
	if (hello->tries > SIV_HELLO_FORGED_MAX)
		return SIV_HELLO_FORGED_MS;
	return now - hello->started_ms > SIV_HELLO_QUICK_MS ?
		       SIV_HELLO_POLL_MS :
		       0;
}

static bool siv_hello_wanted(struct siv_host *host, struct siv_talk *talk)
{
	bool wanted;

	mutex_lock(&host->lock);
	wanted = host->ended == SIV_OK && talk->state != SIV_TALK_ENDED &&
		 (talk->users || talk->live);
	mutex_unlock(&host->lock);
	return wanted;
}

/* One step of whoever has the turn. Return: ms until the next step; -1: turn over. */
static int siv_hello_step(struct siv_host *host, struct siv_talk *talk)
{
	struct siv_hello *hello = &host->hello;
	enum siv_reason why = SIV_OK;
	int ret;

	if (!siv_hello_wanted(host, talk)) {
		siv_hello_over(host, false);
		return -1;
	}
	if (!hello->len) {
		ret = siv_hello_begin(host, talk, &why);
		if (ret > 0)
			return ret;
	} else {
		ret = 0;
	}
	if (!ret)
		ret = siv_hello_poll(host, talk, &why);
	if (!ret) {
		ret = siv_hello_again(host);
		if (ret < 0) {
			siv_refused(host->dev, SIV_AT_SESSION, SIV_R_TIMEOUT,
				    0);
			siv_hello_over(host, true);
		}
		return ret;
	}
	siv_talk_get(talk);
	siv_hello_over(host, false);
	if (ret > 0) {
		siv_host_client->live(talk);
	} else {
		siv_refused(host->dev, SIV_AT_SESSION, why, 0);
		siv_talk_end(talk, why);
	}
	siv_talk_put(talk);
	return -1;
}

static void siv_hello_work(struct work_struct *work)
{
	struct siv_hello *hello =
		container_of(to_delayed_work(work), struct siv_hello, work);
	struct siv_host *host = container_of(hello, struct siv_host, hello);
	bool stopped;
	int ms;

	/* queued by a bell since then: the turn is siv_hello_stop()'s to end */
	mutex_lock(&host->lock);
	stopped = hello->stopped;
	mutex_unlock(&host->lock);
	if (stopped)
		return;
	if (!hello->talk)
		hello->talk = siv_hello_next(host);
	if (!hello->talk)
		return;
	ms = siv_hello_step(host, hello->talk);

	mutex_lock(&host->lock);
	if (!hello->stopped)
		queue_delayed_work(siv_crypto_wq, &hello->work,
				   ms > 0 ? msecs_to_jiffies(ms) : 0);
	mutex_unlock(&host->lock);
}

/* ---------------------------------------------------------------- lifetime */

int siv_hello_init(struct siv_hello *hello)
{
	INIT_DELAYED_WORK(&hello->work, siv_hello_work);
	INIT_LIST_HEAD(&hello->queue);
	hello->bytes = kmalloc(SIV_SLOT_SIZE, GFP_KERNEL);
	hello->answer = kmalloc(SIV_SLOT_SIZE, GFP_KERNEL);
	return hello->bytes && hello->answer ? 0 : -ENOMEM;
}

void siv_hello_exit(struct siv_hello *hello)
{
	kfree(hello->bytes);
	kfree(hello->answer);
}

void siv_hello_stop(struct siv_host *host)
{
	struct siv_hello *hello = &host->hello;
	struct siv_talk *talk;

	mutex_lock(&host->lock);
	hello->stopped = true;
	mutex_unlock(&host->lock);
	cancel_delayed_work_sync(&hello->work);
	if (hello->talk)
		siv_hello_over(host, false);
	while ((talk = siv_hello_next(host)))
		siv_talk_put(talk);
}
