/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of the simulated guest share and its users need not see. */
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include "simguest/channel.h"
#include "simguest/guest.h"

/* Write what is due of every session and ring the host. */
void sim_post(struct sim_guest *g);
/* Seal a message in a session, when its window has room; then sim_post(). */
enum siv_reason sim_say(struct sim_session *ss, u16 type, const void *body,
			size_t len);
/* Every message of a live session goes through here. */
void sim_heard(struct sim_session *ss, u16 type, struct siv_span body);
/* Messages about channels. */
void sim_incoming(struct sim_session *ss, const struct siv_incoming *in);
void sim_grant_a(struct sim_session *ss, const struct siv_grant_a *g);
void sim_grant_b(struct sim_session *ss, const struct siv_grant_b *g);
void sim_fin(struct sim_session *ss, const struct siv_fin *f);
void sim_ended(struct sim_session *ss, u16 type, u64 request, u64 cid,
	       u32 code);

/* CLOSE or CLOSED. */
void sim_say_close(struct sim_session *ss, u16 type, u64 cid, u32 code);

u8 *sim_box(struct sim_guest *g);
/* A fresh ephemeral key, from the pool if there is one. */
enum siv_reason sim_ephemeral(struct sim_session *ss, u8 priv[SIV_KEY_LEN],
			      u8 pub[SIV_KEY_LEN]);
struct sim_channel *sim_channel_new(struct sim_session *ss);
/* A channel whose session has gone without a word. */
void sim_channel_orphan(struct sim_channel *ch);
/* Seal what waits for room. */
void sim_pump(struct sim_session *ss);
/* Forget sessions that have delivered their last words to their heirs. */
void sim_retire(struct sim_guest *g);

#endif /* SIM_INTERNAL_H */
