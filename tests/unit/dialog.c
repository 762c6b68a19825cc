// SPDX-License-Identifier: GPL-2.0-only
/* One session with both of its ends in one program: see dialog.h. */
#define _GNU_SOURCE
#include "dialog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "dialog: %s\n", what);
		abort();
	}
}

void dialog_init(struct dialog *t, const char *label, u16 suite)
{
	char name[64];
	size_t i;

	memset(t, 0, sizeof(*t));
	snprintf(name, sizeof(name), "%s host", label);
	pki_party(&t->host, name, PKI_REGION, NULL, NULL);
	snprintf(name, sizeof(name), "%s guest", label);
	pki_party(&t->guest, name, PKI_REGION, label, "camera");
	t->ids.suite = suite;
	t->ids.peer = 0x01020304;
	t->ids.region = pki_span(PKI_REGION);
	pki_bytes(t->ids.epoch, sizeof(t->ids.epoch), label, 10);
	memcpy(t->ids.host_cert_hash, t->host.cert.hash, SIV_HASH_LEN);
	pki_bytes(t->ids.header_hash, sizeof(t->ids.header_hash), label, 11);
	pki_bytes(t->ids.challenge, sizeof(t->ids.challenge), label, 12);
	pki_bytes(t->boot_nonce, sizeof(t->boot_nonce), label, 13);
	for (i = 0; i < ARRAY_SIZE(t->t); i++) {
		t->t[i] = siv_aead_alloc();
		must(t->t[i], "no transform");
	}
	t->g = malloc(sizeof(*t->g));
	t->h = malloc(sizeof(*t->h));
	must(t->g && t->h, "no memory");
	siv_put_le64(&t->say.host_time, 1700000000);
	siv_put_le64(&t->say.session_id, 0x0000000500000007u);
	siv_put_le32(&t->say.session_tag, 7);
	siv_put_le32(&t->say.rekey_seconds, 3600);
	siv_put_le32(&t->say.liveness_ms, 10000);
	siv_put_le32(&t->say.max_channels, 16);
	siv_put_le16(&t->say.vectors, 32);
	dialog_reset(t);
}

void dialog_reset(struct dialog *t)
{
	siv_session_init(t->g, false, t->t[0], t->t[1], t->t[2]);
	siv_session_init(t->h, true, t->t[3], t->t[4], t->t[5]);
}

void dialog_free(struct dialog *t)
{
	size_t i;

	siv_session_wipe(t->g);
	siv_session_wipe(t->h);
	free(t->g);
	free(t->h);
	for (i = 0; i < ARRAY_SIZE(t->t); i++)
		siv_aead_free(t->t[i]);
	pki_party_free(&t->host);
	pki_party_free(&t->guest);
}

enum siv_reason dialog_start(struct dialog *t)
{
	struct siv_session_hello hello = {
		.ids = t->ids,
		.own = t->guest.key,
		.own_pub = t->guest.pub,
		.host_pub = t->host.pub,
		.cert = { t->guest.der, t->guest.der_len },
		.attempt = ++t->attempt,
		.e_priv = t->e_priv,
		.e_pub = t->e_pub,
	};

	memcpy(hello.boot_nonce, t->boot_nonce, SIV_NONCE_LEN);
	pki_ephemeral(t->e_priv, t->e_pub, "guest", t->attempt);
	return siv_session_start(t->g, &hello, t->m1, &t->m1_len);
}

enum siv_reason dialog_hear_bytes(struct dialog *t, const u8 *slot, size_t n)
{
	/* of exactly that length, so that a sanitizer sees a read past the end */
	u8 *copy = malloc(n ? n : 1), *plain = malloc(n ? n : 1);
	enum siv_reason r;

	must(copy && plain, "no memory");
	memcpy(copy, slot, n);
	r = siv_session_heard(t->h, &t->ids, t->host.key, t->host.pub,
			      DIALOG_SUITES, (struct siv_span){ copy, n },
			      plain, &t->cert, &t->p1);
	if (!r) {
		/* the certificate's views are into @plain */
		memcpy(t->plain, plain, n);
		r = siv_cert_parse((struct siv_span){ t->plain + sizeof(t->p1),
						      t->cert.der.n },
				   &t->cert);
	}
	free(copy);
	free(plain);
	return r;
}

enum siv_reason dialog_hear(struct dialog *t)
{
	return dialog_hear_bytes(t, t->m1, t->m1_len);
}

enum siv_reason dialog_answer(struct dialog *t)
{
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];

	pki_ephemeral(priv, pub, "host", ++t->answers);
	return siv_session_answer(t->h, &t->say, priv, pub, t->m2, &t->m2_len);
}

enum siv_reason dialog_finish_bytes(struct dialog *t, const u8 *slot, size_t n,
				    u64 now)
{
	u8 *copy = malloc(n ? n : 1);
	enum siv_reason r;

	must(copy, "no memory");
	memcpy(copy, slot, n);
	r = siv_session_finish(t->g, (struct siv_span){ copy, n }, &t->p2, now);
	free(copy);
	return r;
}

enum siv_reason dialog_finish(struct dialog *t, u64 now)
{
	return dialog_finish_bytes(t, t->m2, t->m2_len, now);
}

enum siv_reason dialog_pass(struct siv_session *from, struct siv_session *to,
			    u16 *type, u64 now)
{
	const struct siv_sent *e;
	struct siv_span body;
	u8 plain[SIV_SLOT_SIZE];

	must(from->count, "nothing was sent");
	e = &from->sent[(from->head + from->count - 1u) % SIV_SESSION_WINDOW];
	return siv_session_receive(to, (struct siv_span){ e->bytes, e->len },
				   plain, type, &body, now);
}

void dialog_live(struct dialog *t, u64 now)
{
	u16 type;

	must(!dialog_start(t), "start");
	must(!dialog_hear(t), "heard");
	must(!dialog_answer(t), "answer");
	must(!dialog_finish(t, now), "finish");
	must(!dialog_pass(t->g, t->h, &type, now) && type == SIV_MSG_READY,
	     "ready");
	must(t->h->state == SIV_SESSION_LIVE, "live");
}

bool dialog_find(const void *memory, size_t n, const u8 secret[SIV_KEY_LEN])
{
	return !!memmem(memory, n, secret, SIV_KEY_LEN);
}
