// SPDX-License-Identifier: GPL-2.0-only
/* The guests of a world: see world.h. */
#include "world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "pki.h"

struct sim_guest *world_attach(struct world *w, const char *vm,
			       const char *region)
{
	char path[PATH_MAX];
	struct sim_guest *g;
	int err;

	assert_true(w->guests < WORLD_GUESTS);
	g = sim_guest_open(world_socket(w, path, vm, region), w->anchors, &err);
	if (!g) {
		fail_msg("%s: %s", path, strerror(-err));
		return NULL;
	}
	w->guest[w->guests++] = g;
	/* the host's doorbells come first of all */
	while (g->at.bell_count < SIV_HOST_BELLS)
		if (sim_guest_step(g, 1000))
			fail_msg("%s: closed", path);
	return g;
}

void world_leave(struct world *w, struct sim_guest *g, bool orderly)
{
	unsigned int i;

	for (i = 0; i < w->guests; i++)
		if (w->guest[i] == g)
			w->guest[i] = w->guest[--w->guests];
	sim_guest_close(g, orderly);
}

void world_turn(struct world *w)
{
	u64 now = sim_now_ms();
	unsigned int i;

	if (w->turned_ms && now - w->turned_ms > w->gap_ms)
		w->gap_ms = now - w->turned_ms;
	w->turned_ms = now;
	/* one whose host has gone is told so by its calls */
	for (i = 0; i < w->guests; i++)
		(void)sim_guest_step(w->guest[i], 0);
	usleep(200);
}

void world_spend(struct world *w, unsigned int ms)
{
	u64 end = sim_now_ms() + ms;

	do
		world_turn(w);
	while (sim_now_ms() < end);
}

struct sim_identity *world_paper(const struct paper *p, char serial[24])
{
	struct sim_identity *id = calloc(1, sizeof(*id));
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];
	char label[256];
	size_t n;

	assert_non_null(id);
	snprintf(label, sizeof(label), "%s/%s/%s", p->region,
		 p->vm ? p->vm : "", p->vm ? p->service : "");
	pki_bytes(priv, sizeof(priv), label, 0);
	assert_false(siv_x25519_base(pub, priv));
	n = paper_der(id->der, p, pub, serial);
	assert_false(
		siv_cert_parse((struct siv_span){ id->der, n }, &id->cert));
	siv_hedge_prk(id->prkh, priv);
	id->key = siv_static_from_private(priv);
	assert_non_null(id->key);
	return id;
}

struct sim_identity *world_identity(const char *region, const char *vm,
				    const char *service)
{
	const struct paper p = { .region = region,
				 .vm = vm,
				 .service = service };

	return world_paper(&p, NULL);
}

struct sim_session *world_session(struct sim_guest *g, struct sim_identity *id)
{
	struct sim_session *ss;
	enum siv_reason why;
	u32 code;

	ss = sim_session_open(g, id, WORLD_WAIT_MS, &why, &code);
	if (!ss)
		fail_msg("session: %s (code %u)", siv_reason_text(why), code);
	return ss;
}

struct sim_session *world_enter(struct world *w, const char *vm,
				const char *region, const char *service)
{
	struct sim_identity *id = world_identity(region, vm, service);

	assert_true(w->ids < WORLD_IDS);
	w->id[w->ids++] = id;
	return world_session(world_attach(w, vm, region), id);
}

struct sim_session *world_listen(struct world *w, const char *vm,
				 const char *region, const char *service)
{
	struct sim_session *ss = world_enter(w, vm, region, service);

	assert_int_equal(sim_listen(ss, 16, 0, WORLD_WAIT_MS), 0);
	return ss;
}

int world_connect(struct world *w, struct sim_session *ss,
		  const struct sim_connect *c, struct sim_channel **out)
{
	int r = sim_open(ss, c, out);
	bool done;

	if (r)
		return r;
	done = world_until(w, WORLD_WAIT_MS, (r = sim_opened(*out)) != -EAGAIN);
	if (!done)
		r = -ETIMEDOUT;
	if (r) {
		sim_channel_free(*out);
		*out = NULL;
	}
	return r;
}

struct sim_channel *world_accept(struct world *w, struct sim_guest *g)
{
	struct sim_channel *ch = NULL;

	if (!world_until(w, WORLD_WAIT_MS, !sim_accept(g, 0, &ch)))
		fail_msg("nothing to accept: %s", siv_reason_text(g->refused));
	return ch;
}

void world_pair(struct world *w, struct sim_session *a, struct sim_guest *b,
		const struct sim_connect *c, struct sim_channel **ch_a,
		struct sim_channel **ch_b)
{
	int r = world_connect(w, a, c, ch_a);

	if (r)
		fail_msg("connect: %s", strerror(-r));
	do
		*ch_b = world_accept(w, b);
	while ((*ch_b)->cid != (*ch_a)->cid);
}

static void one_way(struct world *w, struct sim_channel *from,
		    struct sim_channel *to)
{
	static u64 count;
	u8 out[256], in[256];
	ssize_t n = 0;
	bool done;
	int r = 0;

	pki_bytes(out, sizeof(out), "talk", ++count);
	done = world_until(w, WORLD_WAIT_MS,
			   (r = sim_send(from, out, sizeof(out))) != -EAGAIN);
	if (!done)
		r = -ETIMEDOUT;
	if (r)
		fail_msg("send: %s", strerror(-r));
	done = world_until(w, WORLD_WAIT_MS,
			   (n = sim_recv(to, in, sizeof(in))) != -EAGAIN);
	if (!done)
		n = -ETIMEDOUT;
	if (n < 0)
		fail_msg("receive: %s", strerror((int)-n));
	assert_int_equal(n, sizeof(out));
	assert_memory_equal(in, out, sizeof(out));
}

void world_talk(struct world *w, struct sim_channel *a, struct sim_channel *b)
{
	one_way(w, a, b);
	one_way(w, b, a);
}
