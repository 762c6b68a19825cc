/* SPDX-License-Identifier: GPL-2.0-only */
/* One session with both of its ends in one program, step by step. */
#ifndef TESTS_DIALOG_H
#define TESTS_DIALOG_H

#include "pki.h"

enum {
	DIALOG_SUITES = 1 << SIV_SUITE_CHACHAPOLY | 1 << SIV_SUITE_AESGCM,
};

struct dialog {
	struct pki_party host;
	struct pki_party guest;
	struct siv_session_ids ids; /* both ends' view; tests change the host's */
	struct siv_aead *t[6];
	struct siv_session *g;
	struct siv_session *h;
	u64 attempt; /* the guest's handshakes so far */
	u64 answers; /* the host's */
	u8 boot_nonce[SIV_NONCE_LEN];
	u8 e_priv[SIV_KEY_LEN]; /* the guest's latest */
	u8 e_pub[SIV_KEY_LEN];
	u8 m1[SIV_SLOT_SIZE];
	size_t m1_len;
	u8 m2[SIV_SLOT_SIZE];
	size_t m2_len;
	/* what the host learnt */
	u8 plain[SIV_SLOT_SIZE];
	struct siv_cert cert;
	struct siv_payload1 p1;
	/* what the host says, what the guest learnt */
	struct siv_payload2 say;
	struct siv_payload2 p2;
};

/* dialog_init() - two parties and idle sessions; @label names keys and the guest's VM. */
void dialog_init(struct dialog *t, const char *label, u16 suite);
void dialog_free(struct dialog *t);
/* dialog_reset() - idle sessions again. */
void dialog_reset(struct dialog *t);

/* The steps; each returns what the function under test returned. */
enum siv_reason dialog_start(struct dialog *t);
enum siv_reason dialog_hear(struct dialog *t);
enum siv_reason dialog_hear_bytes(struct dialog *t, const u8 *slot, size_t n);
enum siv_reason dialog_answer(struct dialog *t);
enum siv_reason dialog_finish(struct dialog *t, u64 now);
enum siv_reason dialog_finish_bytes(struct dialog *t, const u8 *slot, size_t n,
				    u64 now);
/* dialog_pass() - take the sender's newest record to the receiver. */
enum siv_reason dialog_pass(struct siv_session *from, struct siv_session *to,
			    u16 *type, u64 now);
/* dialog_live() - all steps, up to the host's receiving READY; ends the test otherwise. */
void dialog_live(struct dialog *t, u64 now);

/* dialog_find() - are these 32 bytes anywhere in that memory? */
bool dialog_find(const void *memory, size_t n, const u8 secret[SIV_KEY_LEN]);

#endif
