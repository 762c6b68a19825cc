// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: whatever authenticated guests say, in whatever order, while VMs come, reboot and
 * die, sessions are replaced, channels revoked and the policy is reloaded, the daemon goes
 * on, and in the end it has all of its memory and every quota back.
 *
 * SEED=n repeats a run, STEPS=n makes it longer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pki.h"
#include "simguest/internal.h"
#include "world.h"

enum {
	VMS = 4,
	STEPS = 4000,
	K4 = 4096,
	K8 = 8192
};

static const char policy[] =
	"[region lab]\nsize = 4M\ngranule = 4K\n%smembers = a b c d\n"
	"[vm a]\nuser = self\nguaranteed = 256K\n%s"
	"[vm b]\nuser = self\nchannels = 8\n%s"
	"[vm c]\nuser = self\nbytes = 128K\n%s"
	"[vm d]\nuser = self\n%s"
	"[service lab/a/data]\nclients = %s\n"
	"[service lab/b/data]\nclients = *\n[service lab/c/data]\nclients = *\n"
	"[service lab/d/data]\nclients = a b c\nchannels = 4\n";

/* time-outs are part of the chaos, and must not be when it is over */
static const char brief[] = "handshake = 200ms\nliveness = 2s\n";
static const char patient[] = "handshake = 20s\nliveness = 60s\n";
static const char rates[] =
	"hello_rate = 10000\nattach_rate = 60000\nfds = 4096\n";

static struct world w;
static struct sim_guest *guest[VMS];
static struct sim_session *session[VMS];
static struct sim_identity *id[VMS];
static u64 seed;

static u32 rnd(u32 below)
{
	return (u32)(pki_rand(&seed) >> 16) % below;
}

static char *make_policy(const char *times, bool open)
{
	char *text;

	assert_true(asprintf(&text, policy, times, rates, rates, rates, rates,
			     open ? "*" : "b/data") > 0);
	return text;
}

/* ------------------------------------------------------------------------ acts */

static void act_enter(u32 i)
{
	static const char *const names[VMS] = { "a", "b", "c", "d" };
	enum siv_reason why;
	u32 code;

	if (!guest[i])
		guest[i] = world_attach(&w, names[i], "lab");
	/* of an identity that has a session it replaces the first */
	session[i] = sim_session_open(guest[i], id[i], 3000, &why, &code);
	if (session[i] && rnd(8))
		(void)sim_listen(session[i], 1 + rnd(16), 0, 1000);
}

static void act_leave(u32 i)
{
	world_leave(&w, guest[i], rnd(2));
	guest[i] = NULL;
	session[i] = NULL;
}

static void act_reboot(u32 i)
{
	session[i] = NULL;
	assert_int_equal(sim_guest_reboot(guest[i], rnd(2)), 0);
}

static void act_open(u32 i)
{
	struct sim_connect c = { .service = "data",
				 .ring_tx = (u64)K4 << rnd(5),
				 .ring_rx = (u64)K4 << rnd(5),
				 .flags = rnd(3) ? 0 : SIV_CH_SEALED };
	struct sim_channel *ch;

	if (rnd(3))
		c.vm = (const char *[]){ "a", "b", "c", "d" }[rnd(VMS)];
	(void)sim_open(session[i], &c, &ch);
}

static void act_channel(u32 i)
{
	struct sim_channel *ch = guest[i]->channel[rnd(SIM_CHANNELS)];

	if (!ch)
		return;
	switch (rnd(5)) {
	case 0:
		sim_close(ch);
		break;
	case 1: /* forget it without a word */
		sim_channel_free(ch);
		break;
	case 2:
		sim_channel_end(ch, SIV_R_RING_POSITION, 0);
		break;
	case 3:
		(void)sim_shutdown(ch);
		break;
	default:
		(void)sim_send(ch, "hello", 5);
	}
}

/* Any message about any channel, well formed most of the time. */
static void act_say(u32 i)
{
	static const struct {
		u16 type;
		size_t len;
	} messages[] = {
		{ SIV_MSG_ACCEPT, sizeof(struct siv_accept) },
		{ SIV_MSG_REJECT, sizeof(struct siv_reject) },
		{ SIV_MSG_CONFIRM, sizeof(struct siv_confirm) },
		{ SIV_MSG_ESTABLISHED, sizeof(struct siv_established) },
		{ SIV_MSG_FIN, sizeof(struct siv_fin) },
		{ SIV_MSG_CLOSE, sizeof(struct siv_close) },
		{ SIV_MSG_CLOSED, sizeof(struct siv_close) },
		{ SIV_MSG_FAILED, sizeof(struct siv_failed) },
		{ SIV_MSG_LISTEN, sizeof(struct siv_listen) },
		{ SIV_MSG_UNLISTEN, sizeof(struct siv_unlisten) },
		{ SIV_MSG_HEARTBEAT, 0 },
		{ SIV_MSG_GOODBYE, 0 },
	};
	u32 k = rnd(ARRAY_SIZE(messages));
	u8 body[256] = { 0 };
	u64 cid = 1 + rnd(400);
	u32 n;

	/* one of ours, more often than by chance */
	for (n = 0; n < SIM_CHANNELS && rnd(4); n++)
		if (guest[i]->channel[n] && guest[i]->channel[n]->cid)
			cid = guest[i]->channel[n]->cid;
	siv_put_le64(body, cid);
	if (messages[k].type == SIV_MSG_FAILED) {
		siv_put_le64(body, 0);
		siv_put_le64(body + 8, cid);
		siv_put_le32(body + 16, siv_reason_code(SIV_R_TAG));
	} else if (messages[k].type == SIV_MSG_REJECT) {
		siv_put_le32(body + 8, siv_reason_code(SIV_R_POLICY));
	} else if (messages[k].type == SIV_MSG_LISTEN) {
		siv_put_le32(body + 12, 1 + rnd(128));
	}
	if (!rnd(50))
		body[rnd(sizeof(body))] = (u8)rnd(256);
	if (messages[k].type == SIV_MSG_GOODBYE && rnd(10))
		return;
	(void)sim_say(session[i], messages[k].type, body, messages[k].len);
}

/* What a hostile kernel of this VM can do to everybody: write, and ring. */
static void act_scribble(u32 i)
{
	struct sim_guest *g = guest[i];
	u64 at = g->geo.box_off + rnd((u32)g->geo.boxes * SIV_BOX_STRIDE - 64);
	u32 n;

	for (n = 0; n < 64; n++)
		g->at.mem[at + n] = (u8)rnd(256);
	sim_attach_ring(&g->at, 0, (u16)rnd(2));
}

static void act_host(void)
{
	char text[32], *p;
	json_t *answer;

	switch (rnd(4)) {
	case 0:
		p = make_policy(brief, rnd(2));
		world_policy(&w, p);
		free(p);
		world_reload(&w);
		break;
	case 1:
		snprintf(text, sizeof(text), "%u", 1 + rnd(400));
		answer = world_ask(&w,
				   json_pack("{s:s, s:s, s:s}", "cmd", "revoke",
					     "what", "channel", "value", text));
		json_decref(answer);
		break;
	case 2:
		snprintf(text, sizeof(text), "lab/%c/data",
			 (char)('a' + rnd(VMS)));
		json_decref(world_ask(
			&w, json_pack("{s:s, s:s, s:s}", "cmd", "revoke",
				      "what", "identity", "value", text)));
		world_turn(&w);
		json_decref(world_ask(
			&w, json_pack("{s:s, s:s, s:s}", "cmd", "restore",
				      "what", "identity", "value", text)));
		break;
	default:
		json_decref(world_ask(&w, json_pack("{s:s}", "cmd", "status")));
	}
}

static void act(void)
{
	u32 i = rnd(VMS), what = rnd(1000);

	if (what < 5)
		act_host();
	else if (!guest[i] || !session[i] ||
		 session[i]->s.state != SIV_SESSION_LIVE)
		act_enter(i);
	else if (what < 15)
		act_enter(i);
	else if (what < 20)
		act_leave(i);
	else if (what < 30)
		act_reboot(i);
	else if (what < 60)
		act_scribble(i);
	else if (what < 300)
		act_say(i);
	else if (what < 650)
		act_open(i);
	else
		act_channel(i);
}

/* ----------------------------------------------------------------------- tests */

static bool all_free(void)
{
	return !world_region(&w, "taken") && !world_region(&w, "limbo") &&
	       !world_region(&w, "dirty");
}

static void check_empty(void)
{
	json_t *status, *vms, *vm;
	size_t i;

	status = world_ask(&w, json_pack("{s:s}", "cmd", "status"));
	assert_int_equal(json_array_size(json_object_get(status, "sessions")),
			 0);
	assert_int_equal(json_array_size(json_object_get(status, "channels")),
			 0);
	vms = json_object_get(status, "vms");
	json_array_foreach(vms, i, vm)
	{
		assert_int_equal(
			json_integer_value(json_object_get(vm, "channels")), 0);
		assert_int_equal(
			json_integer_value(json_object_get(vm, "bytes")), 0);
		assert_int_equal(
			json_integer_value(json_object_get(vm, "sessions")), 0);
	}
	json_decref(status);
}

static void check_works(void)
{
	struct sim_connect c = { .service = "data",
				 .ring_tx = K8,
				 .ring_rx = K8 };
	struct sim_channel *at_a, *at_b;
	char *p = make_policy(patient, true);
	struct sim_session *ss[2];
	u32 i;

	world_policy(&w, p);
	free(p);
	world_reload(&w);
	for (i = 0; i < 2; i++)
		ss[i] = world_session(world_attach(&w, i ? "b" : "a", "lab"),
				      id[i]);
	assert_int_equal(sim_listen(ss[1], 4, 0, WORLD_WAIT_MS), 0);
	c.vm = "b";
	world_pair(&w, ss[0], ss[1]->g, &c, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
}

static void test_chaos(void **state)
{
	static const char *const regions[] = { "lab", NULL };
	const char *steps = getenv("STEPS"), *from = getenv("SEED");
	char *p = make_policy(brief, true);
	unsigned int n, end = steps ? (unsigned int)atoi(steps) : STEPS;
	json_int_t connects;
	u32 i;

	(void)state;
	seed = from ? strtoull(from, NULL, 0) : 1;
	world_begin(&w, "sivshmemd", regions, p);
	free(p);
	for (i = 0; i < VMS; i++)
		id[i] = world_identity(
			"lab", (const char *[]){ "a", "b", "c", "d" }[i],
			"data");
	for (n = 0; n < end; n++) {
		act();
		world_turn(&w);
	}
	connects = world_status(&w, "connects");
	print_message("%u steps, %d connects, %d messages out of place\n", end,
		      (int)connects,
		      (int)world_status(&w, "counters.protocol"));
	assert_true(connects > 20);
	for (i = 0; i < VMS; i++)
		if (guest[i])
			act_leave(i);
	world_must(&w, all_free());
	check_empty();
	check_works();
	world_end(&w);
	for (i = 0; i < VMS; i++)
		sim_identity_free(id[i]);
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_chaos, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
