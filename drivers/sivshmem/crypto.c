// SPDX-License-Identifier: GPL-2.0-only
/*
 * core/crypto.h on the kernel's cryptography: the library for SHA-256, X25519 and
 * ChaCha20-Poly1305, the crypto API for AES-GCM (its library is not exported), and the
 * asymmetric key type for signatures.
 */
#include <linux/err.h>
#include <linux/key-type.h>
#include <linux/key.h>
#include <linux/keyctl.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <crypto/aead.h>
#include <crypto/chacha20poly1305.h>
#include <crypto/curve25519.h>
#include <crypto/hash.h>
#include <keys/asymmetric-type.h>

#include "compat.h"
#include "core/der.h"
#include "core/wire.h"
#include "crypto.h"

enum {
	SIV_GCM_IV_LEN = 12,
	SIV_AD_MAX = 64, /* longest associated data: a hash */
	SIV_TEXT_MAX = SIV_SEALED_MAX + SIV_TAG_LEN,
	/* associated data, and a text that begins anywhere in a page */
	SIV_SG_MAX = 1 + SIV_TEXT_MAX / PAGE_SIZE + 2,
	SIV_RSA_SIG_MIN =
		384, /* RSA-3072: the key's own size cannot be asked for */
};

/*
 * AES-GCM needs scatterlists and memory that they may point to; it is made only for the
 * transforms that want it.
 */
struct siv_gcm {
	struct crypto_aead *tfm;
	struct aead_request *req;
	u8 iv[SIV_GCM_IV_LEN];
	u8 ad[SIV_AD_MAX];
	struct scatterlist src[SIV_SG_MAX];
	struct scatterlist dst[SIV_SG_MAX];
};

/**
 * struct siv_aead - one AEAD transform
 * @suite: of the current key; 0: none
 * @key: ChaChaPoly's
 * @gcm: NULL until prepared
 */
struct siv_aead {
	u16 suite;
	u8 key[SIV_KEY_LEN];
	struct siv_gcm *gcm;
};

void siv_sha256v(u8 out[SIV_HASH_LEN], const struct siv_span *v, size_t n)
{
	struct siv_sha256_state ctx;
	size_t i;

	sha256_init(&ctx);
	for (i = 0; i < n; i++)
		sha256_update(&ctx, v[i].p, v[i].n);
	sha256_final(&ctx, out);
	siv_wipe(&ctx, sizeof(ctx));
}

bool siv_equal(const void *a, const void *b, size_t n)
{
	return !crypto_memneq(a, b, n);
}

/* ------------------------------------------------------------------ X25519 */

enum siv_reason siv_x25519(u8 out[SIV_KEY_LEN], const u8 priv[SIV_KEY_LEN],
			   const u8 pub[SIV_KEY_LEN])
{
	u8 k[SIV_KEY_LEN];
	bool ok;

	memcpy(k, priv, sizeof(k));
	curve25519_clamp_secret(k);
	/* false if the result is all zero, compared in constant time */
	ok = curve25519(out, k, pub);
	siv_wipe(k, sizeof(k));
	return ok ? SIV_OK : SIV_R_DH_ZERO;
}

enum siv_reason siv_x25519_base(u8 pub[SIV_KEY_LEN], const u8 priv[SIV_KEY_LEN])
{
	u8 k[SIV_KEY_LEN];
	bool ok;

	memcpy(k, priv, sizeof(k));
	curve25519_clamp_secret(k);
	ok = curve25519_generate_public(pub, k);
	siv_wipe(k, sizeof(k));
	return ok ? SIV_OK : SIV_R_CRYPTO;
}

enum siv_reason siv_x25519_static(u8 out[SIV_KEY_LEN],
				  const struct siv_static *s,
				  const u8 pub[SIV_KEY_LEN])
{
	return siv_x25519(out, s->priv, pub);
}

/* ------------------------------------------------------------------- AEADs */

static void siv_gcm_free(struct siv_gcm *g)
{
	if (!g)
		return;
	aead_request_free(g->req);
	if (!IS_ERR_OR_NULL(g->tfm))
		crypto_free_aead(g->tfm);
	kfree_sensitive(g);
}

static struct siv_gcm *siv_gcm_alloc(void)
{
	struct siv_gcm *g = kzalloc(sizeof(*g), GFP_KERNEL);
	int err = -ENOMEM;

	if (!g)
		return ERR_PTR(err);
	/* synchronous: the caller's thread does the work, no completion to wait for */
	g->tfm = crypto_alloc_aead("gcm(aes)", 0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(g->tfm)) {
		err = PTR_ERR(g->tfm) == -ENOMEM ? -ENOMEM : -EPROTONOSUPPORT;
		goto fail;
	}
	if (crypto_aead_setauthsize(g->tfm, SIV_TAG_LEN)) {
		err = -EIO;
		goto fail;
	}
	g->req = aead_request_alloc(g->tfm, GFP_KERNEL);
	if (!g->req) {
		err = -ENOMEM;
		goto fail;
	}
	aead_request_set_callback(g->req, 0, NULL, NULL);
	return g;
fail:
	siv_gcm_free(g);
	return ERR_PTR(err);
}

struct siv_aead *siv_aead_alloc(gfp_t gfp)
{
	return kzalloc(sizeof(struct siv_aead), gfp);
}

void siv_aead_free(struct siv_aead *t)
{
	if (!t)
		return;
	siv_gcm_free(t->gcm);
	kfree_sensitive(t);
}

int siv_aead_prepare(struct siv_aead *t, u16 suite)
{
	struct siv_gcm *g;

	if (suite == SIV_SUITE_CHACHAPOLY)
		return 0;
	if (suite != SIV_SUITE_AESGCM)
		return -EPROTONOSUPPORT;
	if (t->gcm)
		return 0;
	g = siv_gcm_alloc();
	if (IS_ERR(g))
		return PTR_ERR(g);
	t->gcm = g;
	return 0;
}

void siv_aead_clear(struct siv_aead *t)
{
	static const u8 zero[SIV_KEY_LEN];

	/* a transform's key can be overwritten, not taken away */
	if (t->suite == SIV_SUITE_AESGCM)
		crypto_aead_setkey(t->gcm->tfm, zero, sizeof(zero));
	siv_wipe(t->key, sizeof(t->key));
	t->suite = 0;
}

enum siv_reason siv_aead_setkey(struct siv_aead *t, u16 suite,
				const u8 key[SIV_KEY_LEN])
{
	siv_aead_clear(t);
	switch (suite) {
	case SIV_SUITE_CHACHAPOLY:
		memcpy(t->key, key, SIV_KEY_LEN);
		break;
	case SIV_SUITE_AESGCM:
		if (!t->gcm)
			return SIV_R_SUITE;
		if (crypto_aead_setkey(t->gcm->tfm, key, SIV_KEY_LEN))
			return SIV_R_CRYPTO;
		break;
	default:
		return SIV_R_SUITE;
	}
	t->suite = suite;
	return SIV_OK;
}

/*
 * Describe @ad, then @n bytes at @p, which may lie in the linear map, in vmalloc space
 * or on a stack there. Return: how many entries.
 */
static unsigned int siv_sg_fill(struct scatterlist *sg, struct siv_span ad,
				const u8 *p, size_t n)
{
	unsigned int used = 0;

	sg_init_table(sg, SIV_SG_MAX);
	if (ad.n)
		sg_set_buf(&sg[used++], ad.p, ad.n);
	while (n) {
		size_t part = min_t(size_t, n, PAGE_SIZE - offset_in_page(p));
		struct page *page;

		page = virt_addr_valid(p) ? virt_to_page(p) :
					    vmalloc_to_page(p);
		sg_set_page(&sg[used++], page, part, offset_in_page(p));
		p += part;
		n -= part;
	}
	if (used)
		sg_mark_end(&sg[used - 1]);
	return used;
}

/* @in to @out_n bytes at @out; a side of no bytes at all shares the other's table. */
static int siv_gcm_crypt(struct siv_gcm *g, bool seal, u64 n,
			 struct siv_span ad, struct siv_span in, u8 *out,
			 size_t out_n)
{
	struct scatterlist *src = g->src, *dst = g->dst;
	struct siv_span copy = { .p = g->ad, .n = ad.n };
	unsigned int i;

	/* then the tables suffice, and siv_sg_fill() gives 0 only for nothing at all */
	if (ad.n > SIV_AD_MAX || in.n > SIV_TEXT_MAX || out_n > SIV_TEXT_MAX)
		return -EMSGSIZE;
	if (ad.n)
		memcpy(g->ad, ad.p, ad.n);
	memset(g->iv, 0, 4);
	for (i = 0; i < 8; i++)
		g->iv[4 + i] = (u8)(n >> (56 - 8 * i));
	if (in.p == out) {
		if (!siv_sg_fill(src, copy, out, max(in.n, out_n)))
			return -EMSGSIZE;
		dst = src;
	} else if (!siv_sg_fill(src, copy, in.p, in.n)) {
		src = dst;
		if (!siv_sg_fill(dst, copy, out, out_n))
			return -EMSGSIZE;
	} else if (!siv_sg_fill(dst, copy, out, out_n)) {
		dst = src;
	}
	aead_request_set_crypt(g->req, src, dst, in.n, g->iv);
	aead_request_set_ad(g->req, ad.n);
	return seal ? crypto_aead_encrypt(g->req) : crypto_aead_decrypt(g->req);
}

enum siv_reason siv_aead_seal(struct siv_aead *t, u64 n, struct siv_span ad,
			      struct siv_span in, u8 *out)
{
	switch (t->suite) {
	case SIV_SUITE_CHACHAPOLY:
		chacha20poly1305_encrypt(out, in.p, in.n, ad.p, ad.n, n,
					 t->key);
		return SIV_OK;
	case SIV_SUITE_AESGCM:
		if (siv_gcm_crypt(t->gcm, true, n, ad, in, out,
				  in.n + SIV_TAG_LEN))
			return SIV_R_CRYPTO;
		return SIV_OK;
	}
	return SIV_R_CRYPTO;
}

enum siv_reason siv_aead_open(struct siv_aead *t, u64 n, struct siv_span ad,
			      struct siv_span in, u8 *out)
{
	size_t len;
	int err;

	if (in.n < SIV_TAG_LEN)
		return SIV_R_TAG;
	len = in.n - SIV_TAG_LEN;
	switch (t->suite) {
	case SIV_SUITE_CHACHAPOLY:
		if (chacha20poly1305_decrypt(out, in.p, in.n, ad.p, ad.n, n,
					     t->key))
			return SIV_OK;
		return SIV_R_TAG;
	case SIV_SUITE_AESGCM:
		err = siv_gcm_crypt(t->gcm, false, n, ad, in, out, len);
		if (!err)
			return SIV_OK;
		/* GCM decrypts while it authenticates: leave nothing of it */
		siv_wipe(out, len);
		return err == -EBADMSG ? SIV_R_TAG : SIV_R_CRYPTO;
	}
	return SIV_R_CRYPTO;
}

/* -------------------------------------------------------------- signatures */

/* Is @subject the anchor's? As the kernel keeps it: without its outer tag and length. */
static bool siv_anchor_is(const struct key *key, struct siv_span subject)
{
	const struct asymmetric_key_ids *ids = asymmetric_key_ids(key);
	const struct asymmetric_key_id *is = ids ? ids->id[2] : NULL;

	return is && is->len == subject.n &&
	       !memcmp(is->data, subject.p, subject.n);
}

/*
 * An anchor by key identifier or, where the certificate names none, by its subject; the
 * issuer must be its subject in either case.
 */
static struct key *siv_anchor_find(const struct siv_anchors *a,
				   struct siv_span akid, struct siv_span issuer)
{
	struct siv_der d = siv_der_from(issuer);
	struct asymmetric_key_id *kid;
	struct siv_span subject, id;
	struct key *key;

	if (siv_der_next(&d, SIV_DER_SEQUENCE, &subject, NULL) != SIV_OK)
		return ERR_PTR(-ENOKEY);
	id = akid.n ? akid : subject;
	if (!id.n)
		return ERR_PTR(-ENOKEY);
	kid = asymmetric_key_generate_id(id.p, id.n, "", 0);
	if (IS_ERR(kid))
		return ERR_CAST(kid);
	if (akid.n)
		key = find_asymmetric_key(a->keyring, NULL, kid, NULL, false);
	else
		key = find_asymmetric_key(a->keyring, NULL, NULL, kid, false);
	kfree(kid);
	if (IS_ERR(key) || siv_anchor_is(key, subject))
		return key;
	key_put(key);
	return ERR_PTR(-ENOKEY);
}

int siv_anchor_serial(const struct siv_anchors *a, struct siv_span akid,
		      struct siv_span issuer)
{
	struct key *key = a ? siv_anchor_find(a, akid, issuer) :
			      ERR_PTR(-ENOKEY);
	int serial;

	if (IS_ERR(key))
		return 0;
	serial = key_serial(key);
	key_put(key);
	return serial;
}

static int siv_digest(u8 *out, unsigned int *len, enum siv_sig_alg alg,
		      struct siv_span tbs)
{
	struct crypto_shash *tfm;
	int err;

	if (alg != SIV_SIG_ECDSA_SHA384) {
		siv_sha256v(out, &tbs, 1);
		*len = SIV_HASH_LEN;
		return 0;
	}
	tfm = crypto_alloc_shash("sha384", 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	*len = crypto_shash_digestsize(tfm);
	err = crypto_shash_tfm_digest(tfm, tbs.p, tbs.n, out);
	crypto_free_shash(tfm);
	return err;
}

/* Both buffers go into scatterlists of the kernel's, so they are copied to the heap. */
static int siv_anchor_verify(struct key *key, enum siv_sig_alg alg,
			     struct siv_span tbs, struct siv_span sig)
{
	struct kernel_pkey_params params = {
		.key = key,
		.encoding = alg == SIV_SIG_RSA_SHA256 ? "pkcs1" : "x962",
		.hash_algo = alg == SIV_SIG_ECDSA_SHA384 ? "sha384" : "sha256",
		.in2_len = sig.n,
		.op = kernel_pkey_verify,
	};
	unsigned int len = 0;
	u8 *digest, *copy;
	int err;

	if (!key->type->asym_verify_signature)
		return -ENOPKG;
	digest = kmalloc(SHA384_DIGEST_SIZE + sig.n, GFP_KERNEL);
	if (!digest)
		return -ENOMEM;
	copy = digest + SHA384_DIGEST_SIZE;
	memcpy(copy, sig.p, sig.n);
	err = siv_digest(digest, &len, alg, tbs);
	params.in_len = len;
	if (!err)
		err = key->type->asym_verify_signature(&params, digest, copy);
	kfree(digest);
	return err;
}

enum siv_reason siv_signature_verify(const struct siv_anchors *a,
				     struct siv_span akid,
				     struct siv_span issuer,
				     enum siv_sig_alg alg, struct siv_span tbs,
				     struct siv_span sig)
{
	struct key *key;
	int err;

	if (!a)
		return SIV_R_NO_ANCHOR;
	key = siv_anchor_find(a, akid, issuer);
	if (IS_ERR(key))
		return PTR_ERR(key) == -ENOMEM ? SIV_R_NO_MEMORY :
						 SIV_R_NO_ANCHOR;
	if (alg == SIV_SIG_RSA_SHA256 && sig.n < SIV_RSA_SIG_MIN)
		err = -EKEYREJECTED;
	else
		err = siv_anchor_verify(key, alg, tbs, sig);
	key_put(key);

	switch (err) {
	case 0:
		return SIV_OK;
	case -ENOMEM:
		return SIV_R_NO_MEMORY;
	case -ENOPKG:
	case -ENOENT:
		return SIV_R_SIG_ALG;
	default:
		return SIV_R_SIGNATURE;
	}
}
