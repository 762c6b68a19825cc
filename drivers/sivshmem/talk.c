// SPDX-License-Identifier: GPL-2.0-only
/* A talk: sessions of one identity with the host of one region, one after the other. */
#include <linux/sched.h>
#include <linux/slab.h>

#include "crypto.h"
#include "event.h"
#include "hello.h"
#include "pair.h"
#include "talk.h"
#include "trace.h"

enum {
	SIV_TALK_CLOSE_MS =
		1000, /* channels of an ended talk have to be closed */
	SIV_TALK_LAST_MS = 500, /* ... and CLOSED acknowledged */
	SIV_LIVENESS_DEFAULT_MS = 10000,
};

/* ------------------------------------------------------------------- sessions */

struct siv_line *siv_line_alloc(void)
{
	/* 42 KiB: not from the page allocator in one piece */
	struct siv_line *line = kvzalloc(sizeof(*line), GFP_KERNEL);

	if (!line)
		return NULL;
	line->hs = siv_aead_alloc(GFP_KERNEL);
	line->tx = siv_aead_alloc(GFP_KERNEL);
	line->rx = siv_aead_alloc(GFP_KERNEL);
	if (!line->hs || !line->tx || !line->rx) {
		siv_line_free(line);
		return NULL;
	}
	siv_session_init(&line->s, false, line->hs, line->tx, line->rx);
	return line;
}

void siv_line_free(struct siv_line *line)
{
	if (!line)
		return;
	siv_session_wipe(&line->s);
	siv_aead_free(line->hs);
	siv_aead_free(line->tx);
	siv_aead_free(line->rx);
	siv_wipe(line, sizeof(*line));
	kvfree(line);
}

/* Take a session out of use; its slots in the mailbox are freed. */
static void siv_talk_retire(struct siv_talk *talk, struct siv_line **line)
{
	siv_host_lock_held(talk->host);
	if (!*line)
		return;
	siv_mailbox_drop(&talk->host->mb, (*line)->s.tag);
	siv_line_free(*line);
	*line = NULL;
}

struct siv_line *siv_talk_line(struct siv_talk *talk, u32 tag)
{
	siv_host_lock_held(talk->host);
	if (talk->live && talk->live->s.tag == tag)
		return talk->live;
	if (talk->old && talk->old->s.tag == tag)
		return talk->old;
	return NULL;
}

/* ------------------------------------------------------------------- messages */

/* A message that another session repeats: the host answers it the same way again. */
static bool siv_type_survives(u16 type)
{
	return type == SIV_MSG_CLOSE || type == SIV_MSG_CLOSED ||
	       type == SIV_MSG_FIN || type == SIV_MSG_UNLISTEN;
}

static bool siv_said_survives(const struct siv_said *said)
{
	return siv_type_survives(said->type);
}

/*
 * An end has nobody whom it could tell that there was no memory to say it: host and peer
 * would keep what is over. These messages are short.
 */
static gfp_t siv_say_gfp(u16 type)
{
	if (siv_type_survives(type) || type == SIV_MSG_FAILED ||
	    type == SIV_MSG_REJECT)
		return GFP_KERNEL | __GFP_NOFAIL;
	return GFP_KERNEL;
}

static void siv_said_free_all(struct list_head *list)
{
	struct siv_said *said, *tmp;

	list_for_each_entry_safe(said, tmp, list, link) {
		list_del(&said->link);
		kfree_sensitive(said);
	}
}

/* Seal one message; true if the window took it. */
static bool siv_talk_seal(struct siv_talk *talk, struct siv_said *said,
			  u64 now_ms)
{
	struct siv_session *s = &talk->live->s;
	struct siv_span body = { .p = said->body, .n = said->len };
	struct siv_span none = {};
	enum siv_reason r;
	u64 number = s->tx.next;

	r = siv_session_send(s, said->type, body, none, now_ms);
	if (r == SIV_R_RATE)
		return false;
	if (r != SIV_OK) {
		/* used up, or broken: only another session helps */
		siv_hello_want(talk);
		return false;
	}
	list_del(&said->link);
	talk->queued--;
	if (siv_said_survives(said)) {
		said->number = number;
		list_add_tail(&said->link, &talk->unacked);
	} else {
		kfree_sensitive(said);
	}
	return true;
}

static void siv_talk_forget_acked(struct siv_talk *talk)
{
	struct siv_said *said, *tmp;

	list_for_each_entry_safe(said, tmp, &talk->unacked, link) {
		if (said->number >= talk->live->s.acked)
			break;
		list_del(&said->link);
		kfree_sensitive(said);
	}
}

void siv_talk_flush(struct siv_talk *talk, u64 now_ms)
{
	struct siv_host *host = talk->host;
	struct siv_said *said, *tmp;
	u64 next;

	siv_host_lock_held(host);
	if (talk->old) {
		next = 0;
		siv_mailbox_post(&host->mb, &talk->old->s, now_ms, &next);
		siv_host_post_at(host, next);
	}
	if (!talk->live)
		return;
	siv_talk_forget_acked(talk);
	if (!talk->holding)
		list_for_each_entry_safe(said, tmp, &talk->queue, link)
			if (!siv_talk_seal(talk, said, now_ms))
				break;
	next = 0;
	siv_mailbox_post(&host->mb, &talk->live->s, now_ms, &next);
	siv_host_post_at(host, next);
}

int siv_talk_say(struct siv_talk *talk, u16 type, const void *body, size_t len)
{
	struct siv_host *host = talk->host;
	struct siv_said *said;
	int err = 0;

	said = kmalloc(struct_size(said, body, len), siv_say_gfp(type));
	if (!said)
		return -ENOMEM;
	said->type = type;
	said->len = len;
	memcpy(said->body, body, len);

	mutex_lock(&host->lock);
	if (host->ended != SIV_OK || host->leaving != SIV_OK ||
	    (talk->state == SIV_TALK_ENDED && !talk->live)) {
		err = -ENODEV;
	} else if (talk->queued >= (siv_said_survives(said) ?
					    SIV_TALK_QUEUE_HARD :
					    SIV_TALK_QUEUE_MAX)) {
		err = -ENOBUFS;
	} else {
		list_add_tail(&said->link, &talk->queue);
		talk->queued++;
		siv_talk_flush(talk, siv_host_now_ms());
	}
	mutex_unlock(&host->lock);
	if (err)
		kfree_sensitive(said);
	return err;
}

bool siv_talk_unfinished(const struct siv_talk *talk)
{
	const struct siv_session *s;
	unsigned int i;

	siv_host_lock_held(talk->host);
	if (!talk->live)
		return false;
	s = &talk->live->s;
	for (i = 0; i < s->count; i++)
		if (!s->sent[(s->head + i) % SIV_SESSION_WINDOW].lazy)
			return true;
	return false;
}

void siv_talk_goodbye(struct siv_talk *talk, u64 now_ms)
{
	struct siv_span none = {};
	u64 next = 0;

	siv_host_lock_held(talk->host);
	if (!talk->live || siv_session_send(&talk->live->s, SIV_MSG_GOODBYE,
					    none, none, now_ms) != SIV_OK)
		return;
	/*
	 * There is no second chance: the host can take this record only if it has
	 * those before it, and one that nobody waits for may have lost its slot.
	 */
	talk->live->s.again = true;
	siv_mailbox_post(&talk->host->mb, &talk->live->s, now_ms, &next);
}

/* --------------------------------------------------------------- a new session */

void siv_talk_install(struct siv_talk *talk, const struct siv_payload2 *p2)
{
	struct siv_host *host = talk->host;
	u64 rekey_ms = (u64)le32_to_cpu(p2->rekey_seconds) * MSEC_PER_SEC;
	unsigned int vectors = min_t(unsigned int, le16_to_cpu(p2->vectors),
				     host->dev->vectors);
	u64 now_ms = siv_host_now_ms();
	struct siv_said *said;

	siv_host_lock_held(host);
	siv_talk_retire(talk, &talk->old);
	talk->old = talk->live;
	talk->old_until_ms = now_ms + SIV_TALK_GRACE_MS;
	talk->live = talk->next;
	talk->next = NULL;
	talk->holding = false;
	talk->rekey_ms = rekey_ms ? now_ms + rekey_ms - rekey_ms / 10 : 0;
	talk->liveness_ms = le32_to_cpu(p2->liveness_ms) ?:
				    SIV_LIVENESS_DEFAULT_MS;
	host->time = le64_to_cpu(p2->host_time);
	host->time_ns = ktime_get_boottime_ns();
	if (!host->vectors && vectors) {
		/* message 2 is the sign that QEMU has all it needs */
		WRITE_ONCE(host->vectors, vectors);
		siv_device_vector_set(host->dev, SIV_VECTOR_HOST,
				      SIV_VECTOR_ARMED);
	}
	/* what the old session said last, the new one says again */
	list_for_each_entry(said, &talk->unacked, link)
		talk->queued++;
	list_splice_init(&talk->unacked, &talk->queue);
	/* the host tells certificates anew in each session: the place for many more */
	if (talk->pair_count > SIV_TALK_PAIRS_MAX / 2)
		siv_pairs_drop(talk);
	WRITE_ONCE(talk->state, SIV_TALK_LIVE);
	trace_siv_session(host->dev->index, talk->live->s.id, talk->state,
			  SIV_OK);
	siv_pool_drain(&talk->pool);
	siv_talk_flush(talk, now_ms);
	wake_up_all(&talk->wait);
}

bool siv_talk_is_live(struct siv_talk *talk)
{
	return READ_ONCE(talk->state) == SIV_TALK_LIVE;
}

void siv_talk_doubt(struct siv_talk *talk)
{
	mutex_lock(&talk->host->lock);
	if (talk->state == SIV_TALK_LIVE)
		siv_hello_want(talk);
	mutex_unlock(&talk->host->lock);
}

void siv_talk_hh(struct siv_talk *talk, u8 hh[SIV_HASH_LEN])
{
	mutex_lock(&talk->host->lock);
	if (talk->live)
		memcpy(hh, talk->live->s.hh, SIV_HASH_LEN);
	else
		memset(hh, 0, SIV_HASH_LEN);
	mutex_unlock(&talk->host->lock);
}

/* --------------------------------------------------------------------- time */

enum siv_reason siv_talk_tick(struct siv_talk *talk, u64 now_ms)
{
	struct siv_host *host = talk->host;
	s64 now = siv_keys_now(host->time, host->time_ns);

	siv_host_lock_held(host);
	if (talk->state == SIV_TALK_ENDED)
		return SIV_OK;
	siv_pool_expire(&talk->pool);
	if (talk->old && now_ms >= talk->old_until_ms)
		siv_talk_retire(talk, &talk->old);
	if (!talk->users &&
	    (talk->state == SIV_TALK_NEW ||
	     siv_host_since_ms(talk->idle_ms) >= SIV_TALK_IDLE_MS))
		return SIV_R_TIMEOUT;
	if (siv_cert_dates(&talk->cert->cert, now) != SIV_OK)
		return siv_cert_dates(&talk->cert->cert, now);
	if (talk->state != SIV_TALK_LIVE)
		return SIV_OK;
	if (now > host->host_not_after)
		return SIV_R_CERT_EXPIRED;
	/* an hour old, or nothing was heard although heartbeats are answered */
	if ((talk->rekey_ms && now_ms >= talk->rekey_ms) ||
	    siv_host_since_ms(talk->live->s.heard_ms) > talk->liveness_ms)
		siv_hello_want(talk);
	return SIV_OK;
}

/* --------------------------------------------------------------------- the end */

/* Channels of an ended talk say CLOSED in its session; then that is wiped. */
static void siv_talk_end_work(struct work_struct *work)
{
	struct siv_talk *talk = container_of(work, struct siv_talk, end);
	struct siv_host *host = talk->host;
	u64 until;

	wait_event_timeout(talk->wait, !READ_ONCE(talk->open),
			   msecs_to_jiffies(SIV_TALK_CLOSE_MS));
	until = siv_host_now_ms() + SIV_TALK_LAST_MS;
	mutex_lock(&host->lock);
	while (host->ended == SIV_OK && siv_talk_unfinished(talk) &&
	       siv_host_now_ms() < until) {
		mutex_unlock(&host->lock);
		schedule_timeout_idle(msecs_to_jiffies(10));
		mutex_lock(&host->lock);
	}
	siv_talk_retire(talk, &talk->live);
	siv_talk_retire(talk, &talk->old);
	siv_said_free_all(&talk->queue);
	siv_said_free_all(&talk->unacked);
	talk->queued = 0;
	siv_pairs_drop(talk);
	list_del_init(&talk->link);
	mutex_unlock(&host->lock);

	if (cancel_work_sync(&talk->pool.refill))
		siv_talk_put(talk);
	siv_pool_drain(&talk->pool);
	if (talk->used)
		siv_identity_unuse(talk->id, &talk->user);
	talk->used = false;
	siv_talk_put(talk);
}

bool siv_talk_decide(struct siv_talk *talk, enum siv_reason why)
{
	siv_host_lock_held(talk->host);
	if (talk->state == SIV_TALK_ENDED)
		return false;
	talk->why = why;
	WRITE_ONCE(talk->state, SIV_TALK_ENDED);
	trace_siv_session(talk->host->dev->index,
			  talk->live ? talk->live->s.id : 0, talk->state, why);
	return true;
}

void siv_talk_finish(struct siv_talk *talk)
{
	siv_pool_drain(&talk->pool);
	wake_up_all(&talk->wait);
	siv_host_client->ended(talk, talk->why);
	queue_work(siv_end_wq, &talk->end);
}

void siv_talk_end(struct siv_talk *talk, enum siv_reason why)
{
	bool first;

	mutex_lock(&talk->host->lock);
	first = siv_talk_decide(talk, why);
	mutex_unlock(&talk->host->lock);
	if (first)
		siv_talk_finish(talk);
}

/* The key's workqueue. */
static void siv_talk_identity_ended(struct siv_identity_user *user,
				    enum siv_reason why)
{
	struct siv_talk *talk = container_of(user, struct siv_talk, user);

	siv_talk_end(talk, why);
}

/* ---------------------------------------------------------------- references */

void siv_talk_get(struct siv_talk *talk)
{
	kref_get(&talk->ref);
}

static void siv_talk_free(struct kref *ref)
{
	struct siv_talk *talk = container_of(ref, struct siv_talk, ref);

	siv_line_free(talk->next);
	siv_identity_cert_put(talk->cert);
	siv_identity_put(talk->id);
	siv_host_put(talk->host);
	kfree_sensitive(talk);
}

void siv_talk_put(struct siv_talk *talk)
{
	kref_put(&talk->ref, siv_talk_free);
}

static struct siv_talk *siv_talk_alloc(struct siv_host *host,
				       struct siv_identity *id,
				       struct siv_identity_cert *cert)
{
	struct siv_talk *talk = kzalloc(sizeof(*talk), GFP_KERNEL);

	if (!talk)
		return NULL;
	kref_init(&talk->ref);
	INIT_LIST_HEAD(&talk->link);
	INIT_LIST_HEAD(&talk->turn);
	INIT_LIST_HEAD(&talk->queue);
	INIT_LIST_HEAD(&talk->unacked);
	INIT_LIST_HEAD(&talk->pairs);
	INIT_WORK(&talk->end, siv_talk_end_work);
	init_waitqueue_head(&talk->wait);
	siv_pool_init(&talk->pool);
	siv_host_get(host);
	talk->host = host;
	siv_identity_get(id);
	talk->id = id;
	kref_get(&cert->ref);
	talk->cert = cert;
	talk->user.ended = siv_talk_identity_ended;
	return talk;
}

/* In the table and in use, or NULL; lock held. */
static struct siv_talk *siv_talk_find(struct siv_host *host,
				      struct siv_identity *id,
				      struct siv_identity_cert *cert)
{
	struct siv_talk *talk;

	siv_host_lock_held(host);
	list_for_each_entry(talk, &host->talks, link)
		if (talk->id == id && talk->cert == cert &&
		    talk->state != SIV_TALK_ENDED)
			return talk;
	return NULL;
}

struct siv_talk *siv_talk_use(struct siv_host *host, struct siv_identity *id,
			      struct siv_identity_cert *cert)
{
	struct siv_talk *made = siv_talk_alloc(host, id, cert);
	struct siv_talk *talk;
	int err = 0;

	if (!made)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&host->lock);
	talk = siv_talk_find(host, id, cert);
	if (!talk && host->ended != SIV_OK)
		err = -ENODEV;
	if (!talk && !err)
		err = siv_identity_use(id, &made->user, cert);
	if (!talk && !err) {
		talk = made;
		made = NULL;
		talk->used = true;
		siv_talk_get(talk); /* the table's */
		list_add_tail(&talk->link, &host->talks);
		siv_hello_want(talk);
	} else if (talk) {
		siv_talk_get(talk);
	}
	if (talk)
		talk->users++;
	mutex_unlock(&host->lock);
	if (made)
		siv_talk_put(made);
	return talk ?: ERR_PTR(err);
}

void siv_talk_use_more(struct siv_talk *talk)
{
	mutex_lock(&talk->host->lock);
	talk->users++;
	mutex_unlock(&talk->host->lock);
	siv_talk_get(talk);
}

void siv_talk_unuse(struct siv_talk *talk)
{
	mutex_lock(&talk->host->lock);
	if (!--talk->users)
		talk->idle_ms = siv_host_now_ms();
	mutex_unlock(&talk->host->lock);
	siv_talk_put(talk);
}
