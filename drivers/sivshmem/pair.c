// SPDX-License-Identifier: GPL-2.0-only
/* Peers' certificates and the secrets shared with them. */
#include <linux/ktime.h>
#include <linux/slab.h>

#include "core/connect.h"
#include "crypto.h"
#include "event.h"
#include "pair.h"

/* ---------------------------------------------------------------- the table */

void siv_pair_get(struct siv_pair *pair)
{
	kref_get(&pair->ref);
}

static void siv_pair_free(struct kref *ref)
{
	kfree_sensitive(container_of(ref, struct siv_pair, ref));
}

void siv_pair_put(struct siv_pair *pair)
{
	kref_put(&pair->ref, siv_pair_free);
}

static struct siv_pair *siv_pair_lookup(struct siv_talk *talk,
					const u8 hash[SIV_HASH_LEN])
{
	struct siv_pair *pair;

	siv_host_lock_held(talk->host);
	list_for_each_entry(pair, &talk->pairs, link)
		if (!memcmp(pair->cert.hash, hash, SIV_HASH_LEN)) {
			siv_pair_get(pair);
			return pair;
		}
	return NULL;
}

static enum siv_reason siv_pair_make(const u8 hash[SIV_HASH_LEN],
				     struct siv_span der, struct siv_pair **out)
{
	struct siv_pair *pair;
	struct siv_span copy;
	enum siv_reason r;

	if (der.n > SIV_CERT_MAX)
		return SIV_R_CERT_SIZE;
	pair = kzalloc(struct_size(pair, der, der.n), GFP_KERNEL);
	if (!pair)
		return SIV_R_NO_MEMORY;
	kref_init(&pair->ref);
	mutex_init(&pair->verify);
	INIT_LIST_HEAD(&pair->link);
	INIT_LIST_HEAD(&pair->recent);
	memcpy(pair->der, der.p, der.n);
	copy = (struct siv_span){ .p = pair->der, .n = der.n };
	r = siv_cert_parse(copy, &pair->cert);
	/* the certificate that was named is the one that was sent */
	if (r == SIV_OK && memcmp(pair->cert.hash, hash, SIV_HASH_LEN))
		r = SIV_R_TAG;
	if (r != SIV_OK) {
		siv_pair_put(pair);
		return r;
	}
	*out = pair;
	return SIV_OK;
}

enum siv_reason siv_pair_find(struct siv_talk *talk,
			      const u8 hash[SIV_HASH_LEN], struct siv_span der,
			      struct siv_pair **pair)
{
	struct siv_host *host = talk->host;
	struct siv_pair *made = NULL;
	enum siv_reason r;

	mutex_lock(&host->lock);
	*pair = siv_pair_lookup(talk, hash);
	mutex_unlock(&host->lock);
	if (*pair)
		return SIV_OK;
	if (!der.n)
		return SIV_R_STATE;
	r = siv_pair_make(hash, der, &made);
	if (r != SIV_OK)
		return r;

	mutex_lock(&host->lock);
	*pair = siv_pair_lookup(talk, hash);
	if (!*pair && talk->state == SIV_TALK_ENDED) {
		r = SIV_R_STATE;
	} else if (!*pair && talk->pair_count >= SIV_TALK_PAIRS_MAX) {
		/* another session forgets them all */
		r = SIV_R_QUOTA;
		siv_hello_want(talk);
	} else if (!*pair) {
		siv_pair_get(made);
		list_add_tail(&made->link, &talk->pairs);
		talk->pair_count++;
		*pair = made;
		made = NULL;
	}
	mutex_unlock(&host->lock);
	if (made)
		siv_pair_put(made);
	return r;
}

/* ------------------------------------------------------------------- secrets */

/* Wipe a secret; prk_lock held. */
static void siv_pair_wipe(struct siv_host *host, struct siv_pair *pair)
{
	lockdep_assert_held(&host->prk_lock);
	if (!pair->has_prk)
		return;
	siv_wipe(pair->prk, sizeof(pair->prk));
	pair->has_prk = false;
	list_del_init(&pair->recent);
	host->prk_count--;
}

static bool siv_pair_cached(struct siv_host *host, struct siv_pair *pair,
			    u8 prk[SIV_HASH_LEN])
{
	bool has;

	spin_lock(&host->prk_lock);
	has = pair->has_prk;
	if (has) {
		memcpy(prk, pair->prk, SIV_HASH_LEN);
		pair->used_ms = siv_host_now_ms();
		list_move_tail(&pair->recent, &host->prks);
	}
	spin_unlock(&host->prk_lock);
	return has;
}

static void siv_pair_keep(struct siv_talk *talk, struct siv_pair *pair,
			  const u8 prk[SIV_HASH_LEN])
{
	struct siv_host *host = talk->host;

	mutex_lock(&host->lock);
	spin_lock(&host->prk_lock);
	/* a talk that has ended has dropped its pairs already */
	if (talk->state != SIV_TALK_ENDED && !pair->has_prk &&
	    !list_empty(&pair->link)) {
		if (host->prk_count >= SIV_PRK_MAX)
			siv_pair_wipe(host, list_first_entry(&host->prks,
							     struct siv_pair,
							     recent));
		memcpy(pair->prk, prk, SIV_HASH_LEN);
		pair->has_prk = true;
		pair->used_ms = siv_host_now_ms();
		list_add_tail(&pair->recent, &host->prks);
		host->prk_count++;
	}
	spin_unlock(&host->prk_lock);
	mutex_unlock(&host->lock);
}

enum siv_reason siv_pair_secret(struct siv_talk *talk, struct siv_pair *pair,
				u8 prk[SIV_HASH_LEN], u64 *dh_ns)
{
	struct siv_host *host = talk->host;
	enum siv_reason r = SIV_OK;
	struct siv_static own;
	u64 start;

	if (siv_pair_cached(host, pair, prk))
		return SIV_OK;
	mutex_lock(&pair->verify);
	if (!siv_pair_cached(host, pair, prk)) {
		start = ktime_get_ns();
		r = siv_identity_private(talk->id, &own);
		if (r == SIV_OK)
			r = siv_pair_prk(prk, &own, talk->id->pub,
					 pair->cert.pub, host->host_pub);
		siv_wipe(&own, sizeof(own));
		*dh_ns += ktime_get_ns() - start;
		if (r == SIV_OK)
			siv_pair_keep(talk, pair, prk);
	}
	mutex_unlock(&pair->verify);
	return r;
}

static void siv_pair_spoil(struct siv_host *host, struct siv_pair *pair)
{
	spin_lock(&host->prk_lock);
	siv_pair_wipe(host, pair);
	spin_unlock(&host->prk_lock);
}

/* -------------------------------------------------------------- verification */

enum siv_reason siv_pair_verify(struct siv_talk *talk, struct siv_pair *pair,
				u32 peer)
{
	struct siv_host *host = talk->host;
	enum siv_reason r;
	int anchor;

	r = siv_cert_dates(&pair->cert, siv_host_time(host));
	if (r == SIV_OK) {
		mutex_lock(&pair->verify);
		anchor = siv_anchor_serial(siv_keys_anchors(), pair->cert.akid,
					   pair->cert.issuer);
		if (!anchor || pair->anchor != anchor ||
		    siv_host_since_ms(pair->verified_ms) >= SIV_VERIFIED_MS) {
			r = siv_host_cold_ok(host, peer) ?
				    siv_cert_verify(&pair->cert,
						    siv_keys_anchors()) :
				    SIV_R_RATE;
			if (r == SIV_OK) {
				pair->anchor = anchor;
				pair->verified_ms = siv_host_now_ms();
			}
		}
		mutex_unlock(&pair->verify);
	}
	if (r != SIV_OK && r != SIV_R_RATE)
		siv_pair_spoil(host, pair);
	return r;
}

/* -------------------------------------------------------------------- limits */

void siv_pairs_drop(struct siv_talk *talk)
{
	struct siv_pair *pair, *tmp;

	siv_host_lock_held(talk->host);
	list_for_each_entry_safe(pair, tmp, &talk->pairs, link) {
		list_del_init(&pair->link);
		siv_pair_spoil(talk->host, pair);
		siv_pair_put(pair);
	}
	talk->pair_count = 0;
}

void siv_pairs_expire(struct siv_host *host)
{
	s64 now = siv_host_time(host);
	struct siv_pair *pair, *tmp;

	spin_lock(&host->prk_lock);
	list_for_each_entry_safe(pair, tmp, &host->prks, recent)
		if (siv_host_since_ms(pair->used_ms) >= SIV_PRK_IDLE_MS ||
		    siv_cert_dates(&pair->cert, now) != SIV_OK)
			siv_pair_wipe(host, pair);
	spin_unlock(&host->prk_lock);
}
