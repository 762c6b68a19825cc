// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * core/crypto.h on OpenSSL 3: hash, X25519, AEAD, randomness. Trust anchors stand in
 * anchors_openssl.c.
 *
 * SHA-256 uses the plain SHA256_* functions although OpenSSL 3 discourages them: their
 * state is on our stack and is wiped here, whereas an EVP context costs an allocation
 * per hash or keeps the last digest (a key, in HKDF) on the heap.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include "core/noise.h"
#include "core/crypto_openssl.h"

/*
 * OpenSSL's assembly leaves keys in its dead stack frames (which of them depends on the
 * processor): overwritten here, by a frame that lies where theirs were.
 */
static void __attribute__((noinline)) siv_stack_wipe(void)
{
	u8 below[4096];

	siv_wipe(below, sizeof(below));
}

void siv_sha256v(u8 out[SIV_HASH_LEN], const struct siv_span *v, size_t n)
{
	SHA256_CTX ctx;
	size_t i;

	SHA256_Init(&ctx);
	for (i = 0; i < n; i++) {
		if (v[i].n)
			SHA256_Update(&ctx, v[i].p, v[i].n);
	}
	SHA256_Final(out, &ctx);
	siv_wipe(&ctx, sizeof(ctx));
}

bool siv_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

int siv_random(void *p, size_t n)
{
	u8 *at = p;
	size_t left = n;
	ssize_t got;

	while (left) {
		got = getrandom(at, left, 0);
		if (got < 0) {
			int err = errno;

			if (err == EINTR)
				continue;
			siv_wipe(p, n);
			return -err;
		}
		at += got;
		left -= (size_t)got;
	}
	return 0;
}

/* ---------------------------------------------------------------- X25519 */

static OSSL_PARAM siv_param(const char *name, u8 key[SIV_KEY_LEN])
{
	return OSSL_PARAM_construct_octet_string(name, key, SIV_KEY_LEN);
}

/* What keys are imported by; it holds none. Kept, for OpenSSL looks up names to make it. */
static EVP_PKEY_CTX *siv_importer;

static EVP_PKEY_CTX *siv_importer_make(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);

	if (ctx && EVP_PKEY_fromdata_init(ctx) != 1) {
		EVP_PKEY_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

static EVP_PKEY *siv_import(int selection, OSSL_PARAM *params)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx;

	ctx = __atomic_exchange_n(&siv_importer, NULL, __ATOMIC_ACQ_REL);
	if (!ctx)
		ctx = siv_importer_make();
	if (ctx && EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
		key = NULL;
	ctx = __atomic_exchange_n(&siv_importer, ctx, __ATOMIC_ACQ_REL);
	EVP_PKEY_CTX_free(ctx); /* another thread's, put back meanwhile */
	return key;
}

static EVP_PKEY *siv_public_key(const u8 pub[SIV_KEY_LEN])
{
	u8 copy[SIV_KEY_LEN];
	OSSL_PARAM params[2];

	memcpy(copy, pub, sizeof(copy));
	params[0] = siv_param(OSSL_PKEY_PARAM_PUB_KEY, copy);
	params[1] = OSSL_PARAM_construct_end();
	return siv_import(EVP_PKEY_PUBLIC_KEY, params);
}

/* Public key 9, the base point; made once. */
static EVP_PKEY *siv_base_point;
static pthread_once_t siv_base_once = PTHREAD_ONCE_INIT;

static void siv_base_make(void)
{
	static const u8 nine[SIV_KEY_LEN] = { 9 };

	siv_base_point = siv_public_key(nine);
}

/*
 * A private key for derivation. OpenSSL computes the public key of one that comes
 * without (as slow as the derivation itself) and never looks at it when it derives, so
 * the base point stands in for it. The key object does not leave this file.
 */
static EVP_PKEY *siv_private_key(const u8 priv[SIV_KEY_LEN])
{
	u8 stand_in[SIV_KEY_LEN] = { 9 };
	u8 copy[SIV_KEY_LEN];
	OSSL_PARAM params[3];
	EVP_PKEY *key;

	memcpy(copy, priv, sizeof(copy));
	params[0] = siv_param(OSSL_PKEY_PARAM_PUB_KEY, stand_in);
	params[1] = siv_param(OSSL_PKEY_PARAM_PRIV_KEY, copy);
	params[2] = OSSL_PARAM_construct_end();
	key = siv_import(EVP_PKEY_KEYPAIR, params);
	siv_wipe(copy, sizeof(copy));
	return key;
}

static bool siv_all_zero(const u8 p[SIV_KEY_LEN])
{
	static const u8 zero[SIV_KEY_LEN];

	return siv_equal(p, zero, sizeof(zero));
}

/*
 * OpenSSL refuses an all-zero result after it has written it, with an error that it
 * also uses for others: so the result decides. The buffer begins as non-zero, lest a
 * failure that wrote nothing be taken for a zero secret.
 */
static enum siv_reason siv_derive_with(u8 out[SIV_KEY_LEN], EVP_PKEY_CTX *ctx,
				       EVP_PKEY *peer)
{
	size_t len = SIV_KEY_LEN;
	int ok;

	memset(out, 0xff, SIV_KEY_LEN);
	ok = EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
	     EVP_PKEY_derive(ctx, out, &len) == 1 && len == SIV_KEY_LEN;
	siv_stack_wipe();
	if (!ok)
		ERR_clear_error();
	if (siv_all_zero(out))
		return SIV_R_DH_ZERO;
	if (!ok) {
		siv_wipe(out, SIV_KEY_LEN);
		return SIV_R_CRYPTO;
	}
	return SIV_OK;
}

static EVP_PKEY_CTX *siv_derive_ctx(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	if (ctx && EVP_PKEY_derive_init(ctx) != 1) {
		EVP_PKEY_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

static enum siv_reason siv_derive(u8 out[SIV_KEY_LEN],
				  const u8 priv[SIV_KEY_LEN], EVP_PKEY *peer)
{
	enum siv_reason r = SIV_R_CRYPTO;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key;

	memset(out, 0, SIV_KEY_LEN);
	key = siv_private_key(priv);
	if (key)
		ctx = siv_derive_ctx(key);
	if (ctx && peer)
		r = siv_derive_with(out, ctx, peer);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return r;
}

enum siv_reason siv_x25519(u8 out[SIV_KEY_LEN], const u8 priv[SIV_KEY_LEN],
			   const u8 pub[SIV_KEY_LEN])
{
	EVP_PKEY *peer = siv_public_key(pub);
	enum siv_reason r;

	r = siv_derive(out, priv, peer);
	EVP_PKEY_free(peer);
	return r;
}

/*
 * By the same ladder, with the base point as the peer: OpenSSL's own fixed-base
 * multiplication (in Edwards form) is slower than its ladder on x86.
 */
enum siv_reason siv_x25519_base(u8 pub[SIV_KEY_LEN], const u8 priv[SIV_KEY_LEN])
{
	pthread_once(&siv_base_once, siv_base_make);
	return siv_derive(pub, priv, siv_base_point);
}

/* ------------------------------------------------------------ static keys */

struct siv_static {
	EVP_PKEY *key;	   /* NULL: behind the socket */
	EVP_PKEY_CTX *ctx; /* kept between uses; taken and put back atomically */
	int fd;
	bool broken; /* the socket is out of step */
};

struct siv_static *siv_static_from_private(const u8 priv[SIV_KEY_LEN])
{
	struct siv_static *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fd = -1;
	s->key = siv_private_key(priv);
	if (!s->key) {
		free(s);
		return NULL;
	}
	return s;
}

struct siv_static *siv_static_from_socket(int fd)
{
	struct siv_static *s = calloc(1, sizeof(*s));

	if (s)
		s->fd = fd;
	return s;
}

void siv_static_free(struct siv_static *s)
{
	if (!s)
		return;
	EVP_PKEY_CTX_free(s->ctx);
	EVP_PKEY_free(s->key); /* wipes the private key */
	free(s);
}

static int siv_send_all(int fd, const u8 *p, size_t n)
{
	ssize_t done;

	while (n) {
		done = send(fd, p, n, MSG_NOSIGNAL);
		if (done < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Return: the bytes read, less than @n only at the end; or a negative errno. */
static ssize_t siv_recv_all(int fd, u8 *p, size_t n)
{
	size_t have = 0;
	ssize_t got;

	while (have < n) {
		got = recv(fd, p + have, n - have, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

static enum siv_reason siv_static_ask(u8 out[SIV_KEY_LEN], int fd,
				      const u8 pub[SIV_KEY_LEN])
{
	u8 answer[SIV_KEY_ANSWER_LEN];
	enum siv_reason r = SIV_R_CRYPTO;

	memset(answer, 0, sizeof(answer));
	if (!siv_send_all(fd, pub, SIV_KEY_REQUEST_LEN) &&
	    siv_recv_all(fd, answer, sizeof(answer)) ==
		    (ssize_t)sizeof(answer)) {
		switch (answer[0]) {
		case SIV_KEY_DONE:
			memcpy(out, answer + 1, SIV_KEY_LEN);
			r = siv_all_zero(out) ? SIV_R_DH_ZERO : SIV_OK;
			break;
		case SIV_KEY_ZERO:
			r = SIV_R_DH_ZERO;
			break;
		case SIV_KEY_REFUSED:
			r = SIV_R_PUB_NOT_CANONICAL;
			break;
		}
	}
	siv_wipe(answer, sizeof(answer));
	return r;
}

enum siv_reason siv_x25519_static(u8 out[SIV_KEY_LEN],
				  const struct siv_static *s,
				  const u8 pub[SIV_KEY_LEN])
{
	/* the context and the socket's state are caches: @s is const to the core */
	struct siv_static *own = (struct siv_static *)(uintptr_t)s;
	enum siv_reason r = SIV_R_CRYPTO;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *peer;

	memset(out, 0, SIV_KEY_LEN);
	if (!s->key) {
		if (!s->broken)
			r = siv_static_ask(out, s->fd, pub);
		if (r == SIV_R_CRYPTO)
			own->broken = true;
		return r;
	}
	peer = siv_public_key(pub);
	ctx = __atomic_exchange_n(&own->ctx, NULL, __ATOMIC_ACQ_REL);
	if (!ctx)
		ctx = siv_derive_ctx(s->key);
	if (ctx && peer)
		r = siv_derive_with(out, ctx, peer);
	ctx = __atomic_exchange_n(&own->ctx, ctx, __ATOMIC_ACQ_REL);
	EVP_PKEY_CTX_free(ctx); /* another thread's, put back meanwhile */
	EVP_PKEY_free(peer);
	return r;
}

int siv_static_serve(const struct siv_static *s, int fd)
{
	u8 request[SIV_KEY_REQUEST_LEN];
	u8 answer[SIV_KEY_ANSWER_LEN];
	enum siv_reason r;
	ssize_t got;
	int err;

	got = siv_recv_all(fd, request, sizeof(request));
	if (got <= 0)
		return (int)got;
	if (got != (ssize_t)sizeof(request))
		return -EPROTO;

	memset(answer, 0, sizeof(answer));
	r = siv_pub_canonical(request) ?
		    siv_x25519_static(answer + 1, s, request) :
		    SIV_R_PUB_NOT_CANONICAL;
	if (r == SIV_OK)
		answer[0] = SIV_KEY_DONE;
	else if (r == SIV_R_DH_ZERO)
		answer[0] = SIV_KEY_ZERO;
	else if (r == SIV_R_PUB_NOT_CANONICAL)
		answer[0] = SIV_KEY_REFUSED;
	else
		answer[0] = SIV_KEY_FAILED;
	err = siv_send_all(fd, answer, sizeof(answer));
	siv_wipe(answer, sizeof(answer));
	return err ? err : 1;
}

/* ------------------------------------------------------------------ AEAD */

static EVP_CIPHER *siv_chachapoly;
static EVP_CIPHER *siv_aesgcm;
static pthread_once_t siv_cipher_once = PTHREAD_ONCE_INIT;

static void siv_cipher_fetch(void)
{
	siv_chachapoly = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
	siv_aesgcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

/*
 * One context per direction, for OpenSSL keys a context for one; each is keyed when it
 * is used first, because most transforms only ever seal or only ever open.
 */
struct siv_aead {
	EVP_CIPHER_CTX *ctx[2]; /* to open, to seal */
	bool keyed[2];
	bool has_key;
	u16 suite;
	u8 key[SIV_KEY_LEN];
};

struct siv_aead *siv_aead_alloc(void)
{
	struct siv_aead *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	pthread_once(&siv_cipher_once, siv_cipher_fetch);
	t->ctx[0] = EVP_CIPHER_CTX_new();
	t->ctx[1] = EVP_CIPHER_CTX_new();
	if (!t->ctx[0] || !t->ctx[1]) {
		siv_aead_free(t);
		return NULL;
	}
	return t;
}

void siv_aead_free(struct siv_aead *t)
{
	if (!t)
		return;
	EVP_CIPHER_CTX_free(t->ctx[0]);
	EVP_CIPHER_CTX_free(t->ctx[1]);
	siv_wipe(t, sizeof(*t));
	free(t);
}

void siv_aead_clear(struct siv_aead *t)
{
	int i;

	/* frees what the ciphers made of the key, wiped */
	for (i = 0; i < 2; i++) {
		if (t->keyed[i])
			EVP_CIPHER_CTX_reset(t->ctx[i]);
		t->keyed[i] = false;
	}
	siv_wipe(t->key, sizeof(t->key));
	t->has_key = false;
}

static EVP_CIPHER *siv_cipher(u16 suite)
{
	switch (suite) {
	case SIV_SUITE_CHACHAPOLY:
		return siv_chachapoly;
	case SIV_SUITE_AESGCM:
		return siv_aesgcm;
	}
	return NULL;
}

enum siv_reason siv_aead_setkey(struct siv_aead *t, u16 suite,
				const u8 key[SIV_KEY_LEN])
{
	u8 copy[SIV_KEY_LEN];

	memcpy(copy, key, sizeof(copy)); /* @key may be the transform's own */
	siv_aead_clear(t);
	if (!siv_cipher(suite)) {
		siv_wipe(copy, sizeof(copy));
		return SIV_R_SUITE;
	}
	memcpy(t->key, copy, sizeof(t->key));
	siv_wipe(copy, sizeof(copy));
	t->suite = suite;
	t->has_key = true;
	return SIV_OK;
}

/* Start one operation: key if need be, nonce, associated data. */
static EVP_CIPHER_CTX *siv_aead_begin(struct siv_aead *t, int seal, u64 n,
				      struct siv_span ad)
{
	EVP_CIPHER_CTX *ctx = t->ctx[seal];
	u8 iv[12] = { 0 };
	int i, len;

	if (!t->has_key || ad.n > INT32_MAX)
		return NULL;
	if (!t->keyed[seal]) {
		t->keyed[seal] = true; /* to be reset, whatever happens */
		if (EVP_CipherInit_ex2(ctx, siv_cipher(t->suite), t->key, NULL,
				       seal, NULL) != 1)
			return NULL;
	}
	if (t->suite == SIV_SUITE_CHACHAPOLY) {
		siv_put_le64(iv + 4, n);
	} else {
		for (i = 0; i < 8; i++)
			iv[4 + i] = (u8)(n >> (56 - 8 * i));
	}
	if (EVP_CipherInit_ex2(ctx, NULL, NULL, iv, seal, NULL) != 1)
		return NULL;
	if (ad.n && EVP_CipherUpdate(ctx, NULL, &len, ad.p, (int)ad.n) != 1)
		return NULL;
	return ctx;
}

enum siv_reason siv_aead_seal(struct siv_aead *t, u64 n, struct siv_span ad,
			      struct siv_span in, u8 *out)
{
	EVP_CIPHER_CTX *ctx;
	u8 none[SIV_TAG_LEN];
	int len;

	if (in.n > INT32_MAX - SIV_TAG_LEN)
		return SIV_R_CRYPTO;
	ctx = siv_aead_begin(t, 1, n, ad);
	if (!ctx)
		goto fail;
	if (in.n && (EVP_CipherUpdate(ctx, out, &len, in.p, (int)in.n) != 1 ||
		     len != (int)in.n))
		goto fail;
	if (EVP_CipherFinal_ex(ctx, none, &len) != 1 || len ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SIV_TAG_LEN,
				out + in.n) != 1)
		goto fail;
	siv_stack_wipe();
	return SIV_OK;
fail:
	siv_stack_wipe();
	ERR_clear_error();
	siv_wipe(out, in.n + SIV_TAG_LEN);
	return SIV_R_CRYPTO;
}

enum siv_reason siv_aead_open(struct siv_aead *t, u64 n, struct siv_span ad,
			      struct siv_span in, u8 *out)
{
	enum siv_reason r = SIV_R_CRYPTO;
	EVP_CIPHER_CTX *ctx;
	u8 tag[SIV_TAG_LEN];
	u8 none[SIV_TAG_LEN];
	size_t text;
	int len;

	if (in.n < SIV_TAG_LEN)
		return SIV_R_TAG;
	text = in.n - SIV_TAG_LEN;
	if (text > INT32_MAX)
		return SIV_R_CRYPTO;
	memcpy(tag, in.p + text, sizeof(tag));
	ctx = siv_aead_begin(t, 0, n, ad);
	if (!ctx)
		goto fail;
	if (text && (EVP_CipherUpdate(ctx, out, &len, in.p, (int)text) != 1 ||
		     len != (int)text))
		goto fail;
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SIV_TAG_LEN, tag) !=
	    1)
		goto fail;
	r = SIV_R_TAG;
	if (EVP_CipherFinal_ex(ctx, none, &len) != 1 || len)
		goto fail;
	siv_stack_wipe();
	return SIV_OK;
fail:
	siv_stack_wipe();
	ERR_clear_error();
	siv_wipe(out, text);
	return r;
}
