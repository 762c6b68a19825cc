// SPDX-License-Identifier: GPL-2.0-only
/* What the operations of core/crypto.h cost natively, and the handshakes made of them. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/connect.h"
#include "core/crypto_openssl.h"
#include "core/noise.h"

enum {
	ROUNDS = 4000
};

static struct siv_aead *t;
static struct siv_static *key;
static u8 priv[SIV_KEY_LEN] = "some private key of 32 bytes....";
static u8 pub[SIV_KEY_LEN], e_priv[SIV_KEY_LEN] = { 5 }, e_pub[SIV_KEY_LEN];
static u8 out[65536 + SIV_TAG_LEN];
static u64 number;
static struct siv_noise hs;

static void must(enum siv_reason r)
{
	if (!r)
		return;
	fprintf(stderr, "bench-crypto: %s\n", siv_reason_text(r));
	exit(1);
}

static void op_x25519(void)
{
	must(siv_x25519(out, e_priv, pub));
}

static void op_base(void)
{
	must(siv_x25519_base(out, e_priv));
}

static void op_static(void)
{
	must(siv_x25519_static(out, key, e_pub));
}

static void op_sha256(void)
{
	struct siv_span v = { out, 64 };

	siv_sha256v(out, &v, 1);
}

static void op_setkey_seal(void)
{
	struct siv_span in = { out, 32 };

	must(siv_aead_setkey(t, SIV_SUITE_CHACHAPOLY, priv));
	must(siv_aead_seal(t, number++, in, in, out));
}

static void op_seal_256(void)
{
	struct siv_span in = { out, 256 }, ad = { priv, 16 };

	must(siv_aead_seal(t, number++, ad, in, out));
}

static void op_seal_64k(void)
{
	struct siv_span in = { out, 65536 }, ad = { priv, 8 };

	must(siv_aead_seal(t, number++, ad, in, out));
}

/* A responder of NNpsk2: message 1 rebuilt, message 2 made, keys taken. */
static void op_responder(void)
{
	u8 prologue[264] = { 0 };
	struct siv_noise_setup setup = {
		.pattern = SIV_NOISE_NNPSK2,
		.suite = SIV_SUITE_CHACHAPOLY,
		.prologue = { prologue, sizeof(prologue) },
		.psk = priv,
	};
	const struct siv_span none = { NULL, 0 };
	struct siv_noise_keys k;
	size_t n;

	must(siv_noise_init(&hs, &setup));
	siv_noise_set_ephemeral(&hs, e_priv, e_pub);
	must(siv_noise_rebuild_e(&hs, t, pub));
	must(siv_noise_write(&hs, t, none, out, 48, &n));
	must(siv_noise_split(&hs, &k));
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void bench(const char *name, void (*op)(void), int rounds)
{
	static double took[ROUNDS];
	double start;
	int i;

	for (i = 0; i < rounds; i++) {
		start = now_us();
		op();
		took[i] = now_us() - start;
	}
	qsort(took, (size_t)rounds, sizeof(took[0]), by_value);
	printf("%-44s %8.2f us  p99 %8.2f us\n", name, took[rounds / 2],
	       took[rounds * 99 / 100]);
}

int main(void)
{
	t = siv_aead_alloc();
	key = siv_static_from_private(priv);
	if (!t || !key)
		return 1;
	must(siv_x25519_base(pub, priv));
	must(siv_x25519_base(e_pub, e_priv));
	bench("X25519, ephemeral key", op_x25519, ROUNDS);
	bench("X25519, public key of a private one", op_base, ROUNDS);
	bench("X25519, static key", op_static, ROUNDS);
	bench("SHA-256, 64 bytes", op_sha256, ROUNDS);
	bench("ChaChaPoly, new key, 32 bytes", op_setkey_seal, ROUNDS);
	bench("ChaChaPoly, 256 bytes", op_seal_256, ROUNDS);
	bench("ChaChaPoly, 64 KiB", op_seal_64k, ROUNDS / 10);
	must(siv_aead_setkey(t, SIV_SUITE_AESGCM, priv));
	bench("AES-256-GCM, 256 bytes", op_seal_256, ROUNDS);
	bench("AES-256-GCM, 64 KiB", op_seal_64k, ROUNDS / 10);
	bench("NNpsk2 responder, one X25519 in it", op_responder, ROUNDS);
	siv_static_free(key);
	siv_aead_free(t);
	return 0;
}
