// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: nothing that was said before is believed again: message 1 posted anew, after a
 * reboot, by another QEMU, in another VM's mailbox; records posted anew, with another
 * number, in another session; and what does not belong in a state ends that channel, or
 * the session that says what it must not, and nothing else.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/record.h"
#include "pki.h"
#include "simguest/internal.h"
#include "world.h"

enum {
	RING = 4096,
};

static const char policy[] =
	"[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\nmembers = a b k\n"
	"handshake = 20s\nliveness = 60s\n"
	"[vm a]\nuser = self\nhello_rate = 1000\n"
	"[vm b]\nuser = self\n"
	"[vm k]\nuser = self\n"
	"[service lab/b/data]\nclients = a\n";

static struct world w;
static struct sim_session *a, *b;

static int setup(void **state)
{
	static const char *const regions[] = { "lab", NULL };

	(void)state;
	world_begin(&w, "sivshmemd", regions, policy);
	a = world_enter(&w, "a", "lab", "user");
	b = world_listen(&w, "b", "lab", "data");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

static const struct sim_connect data = { .service = "data",
					 .ring_tx = RING,
					 .ring_rx = RING };

/* What is allowed works. */
static void control(void)
{
	struct sim_channel *at_a, *at_b;

	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
	sim_close(at_a);
	sim_close(at_b);
	world_must(&w,
		   !world_region(&w, "taken") && !world_region(&w, "limbo"));
}

static void ring(struct sim_guest *g, u16 bell)
{
	assert_true(sim_attach_ring(&g->at, 0, bell));
	world_spend(&w, 20);
	world_settle(&w);
}

/* ------------------------------------------------------------------- message 1 */

static void take_hello(struct sim_guest *g, u8 out[SIV_SLOT_SIZE])
{
	memcpy(out, sim_box(g) + SIV_BOX_HELLO_UP, SIV_SLOT_SIZE);
}

static void put_hello(struct sim_guest *g, const u8 slot[SIV_SLOT_SIZE])
{
	memcpy(sim_box(g) + SIV_BOX_HELLO_UP, slot, SIV_SLOT_SIZE);
	ring(g, SIV_BELL_HELLO);
}

/* The host looks into the mailbox of a new one once by itself. */
static struct sim_guest *attach(const char *vm)
{
	struct sim_guest *g = world_attach(&w, vm, "lab");

	world_spend(&w, 60);
	world_settle(&w);
	return g;
}

static unsigned int sessions(const char *vm)
{
	return world_count(&w, "sessions", "vm", vm);
}

/* The pending one, byte for byte: its answer again, and nothing else. */
static void test_hello_again(void **state)
{
	u8 m1[SIV_SLOT_SIZE], *down = sim_box(a->g) + SIV_BOX_HELLO_DOWN;
	u8 answer[SIV_SLOT_SIZE];

	(void)state;
	take_hello(a->g, m1);
	memcpy(answer, down, sizeof(answer));
	siv_slot_clear(down);
	world_mark(&w);
	put_hello(a->g, m1);
	assert_memory_equal(down, answer, SIV_SLOT_HDR + SIV_HELLO2_LEN);
	world_quiet(&w);
	assert_int_equal(world_events(&w, "session"), 0);
	assert_int_equal(sessions("a"), 1);
	control();
	world_end(&w);
}

static void test_hello_replayed(void **state)
{
	struct sim_identity *next = world_identity("lab", "a", "next");
	u8 m1[SIV_SLOT_SIZE];

	(void)state;
	take_hello(a->g, m1);
	world_session(a->g, next);
	world_mark(&w);
	put_hello(a->g, m1);
	world_refused(&w, "hello_dropped", EBADMSG, "lab/a", NULL, "challenge");
	assert_int_equal(sessions("a"), 2);
	control();
	world_leave(&w, a->g, false);
	sim_identity_free(next);
	world_end(&w);
}

static void test_hello_of_another_boot(void **state)
{
	u8 m1[SIV_SLOT_SIZE];
	struct sim_identity *id = a->id;
	struct sim_guest *g = a->g;

	(void)state;
	take_hello(g, m1);
	assert_int_equal(sim_guest_reboot(g, false), 0);
	a = world_session(g, id);
	world_mark(&w);
	put_hello(g, m1);
	world_refused(&w, "hello_dropped", EBADMSG, "lab/a", NULL, "challenge");
	assert_int_equal(sessions("a"), 1);
	control();
	/* another QEMU has another mailbox, which knows nothing */
	world_leave(&w, g, false);
	world_must(&w, !sessions("a"));
	g = attach("a");
	world_mark(&w);
	put_hello(g, m1);
	world_refused(&w, "hello_dropped", EBADMSG, "lab/a", NULL, "challenge");
	assert_int_equal(sessions("a"), 0);
	world_end(&w);
}

static void test_hello_in_another_box(void **state)
{
	struct sim_guest *k = attach("k");
	u8 m1[SIV_SLOT_SIZE];

	(void)state;
	take_hello(a->g, m1);
	world_mark(&w);
	put_hello(k, m1);
	world_refused(&w, "hello_dropped", EBADMSG, "lab/k", NULL, "challenge");
	/* with the challenge of that box: the transcript is another */
	world_mark(&w);
	memcpy(m1 + SIV_SLOT_HDR, sim_box(k), SIV_NONCE_LEN);
	put_hello(k, m1);
	world_refused(&w, "hello_dropped", EBADMSG, "lab/k", NULL, "tag");
	assert_int_equal(sessions("k"), 0);
	assert_int_equal(sessions("a"), 1);
	control();
	world_end(&w);
}

/* K writes a message 1 of its own into a's mailbox; the doorbell says whose it is. */
static void test_spoofed_box(void **state)
{
	struct sim_guest *k = attach("k"), real = *k;
	struct sim_identity *id = world_identity("lab", "k", "x");
	enum siv_reason why;
	u32 code;

	(void)state;
	k->at.peer = a->g->at.peer;
	world_mark(&w);
	assert_null(sim_session_open(k, id, 80, &why, &code));
	world_quiet(&w); /* its own box is empty */
	ring(a->g, SIV_BELL_HELLO);
	world_refused(&w, "hello_refused", EKEYREJECTED, "lab/a/x", NULL,
		      "cert_vm");
	k->at.peer = real.at.peer;
	assert_int_equal(sessions("k"), 0);
	control();
	sim_identity_free(id);
	world_end(&w);
}

/* --------------------------------------------------------------------- records */

static u8 *up(struct sim_guest *g, unsigned int slot)
{
	return sim_box(g) + SIV_BOX_UP + slot * SIV_SLOT_SIZE;
}

/* The record of @ss that stands in its mailbox with this number. */
static void take_record(struct sim_session *ss, u64 number,
			u8 out[SIV_SLOT_SIZE])
{
	unsigned int i;

	for (i = 0; i < SIV_BOX_SLOTS; i++) {
		memcpy(out, up(ss->g, i), SIV_SLOT_SIZE);
		if (siv_get_le32(out) && siv_get_le32(out + 4) == ss->s.tag &&
		    siv_get_le64(out + 8) == number)
			return;
	}
	fail_msg("no record %llu", (unsigned long long)number);
}

static void put_record(struct sim_guest *g, const u8 rec[SIV_SLOT_SIZE])
{
	memcpy(up(g, SIV_BOX_SLOTS - 1), rec, SIV_SLOT_SIZE);
	ring(g, SIV_BELL_MAIL);
	siv_slot_clear(up(g, SIV_BOX_SLOTS - 1));
}

/* All that @ss sent is acknowledged: the host's next number is ours. */
static void calm(struct sim_session *ss)
{
	world_must(&w, ss->s.acked == ss->s.tx.next);
}

static void test_record_replayed(void **state)
{
	struct sim_channel *at_a, *at_b;
	u8 rec[SIV_SLOT_SIZE];

	(void)state;
	calm(a);
	assert_int_equal(sim_open(a, &data, &at_a), 0);
	take_record(a, a->s.tx.next - 1, rec);
	world_must(&w, !sim_opened(at_a));
	at_b = world_accept(&w, b->g);
	calm(a);
	world_mark(&w);
	put_record(a->g, rec);
	world_quiet(&w);
	assert_int_equal(world_status(&w, "connects"), 1);
	/* under the number that is due it does not open */
	siv_put_le64(rec + 8, a->s.tx.next);
	put_record(a->g, rec);
	world_refused(&w, "auth_fail", EBADMSG, "lab/a/user", NULL, "tag");
	assert_int_equal(world_status(&w, "connects"), 1);
	world_talk(&w, at_a, at_b);
	sim_close(at_a);
	sim_close(at_b);
	control();
	world_end(&w);
}

static void test_record_of_another_session(void **state)
{
	struct sim_identity *id = a->id;
	struct sim_channel *ch;
	u8 rec[SIV_SLOT_SIZE];

	(void)state;
	assert_int_equal(sim_open(a, &data, &ch), 0);
	take_record(a, a->s.tx.next - 1, rec);
	world_must(&w, !sim_opened(ch));
	calm(a);
	a = world_session(a->g, id); /* takes the place of the first */
	calm(a);
	world_must(&w, sessions("a") == 1);
	world_mark(&w);
	put_record(a->g, rec);
	world_quiet(&w);
	siv_put_le32(rec + 4, a->s.tag);
	siv_put_le64(rec + 8, a->s.tx.next);
	put_record(a->g, rec);
	world_refused(&w, "auth_fail", EBADMSG, "lab/a/user", NULL, "tag");
	assert_int_equal(world_status(&w, "connects"), 1);
	world_end(&w);
}

/* What a says, in k's mailbox: the host looks for k's sessions there, and no others. */
static void test_record_in_another_box(void **state)
{
	struct sim_session *k = world_enter(&w, "k", "lab", "x");
	struct sim_channel *ch;
	u8 rec[SIV_SLOT_SIZE];
	int status;

	(void)state;
	calm(a);
	calm(k);
	assert_int_equal(kill(w.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(w.pid, &status, WUNTRACED), w.pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(sim_open(a, &data, &ch), 0);
	take_record(a, a->s.tx.next - 1, rec);
	memset(up(a->g, 0), 0, SIV_BOX_SLOTS * SIV_SLOT_SIZE);
	assert_int_equal(kill(w.pid, SIGCONT), 0);
	world_mark(&w);
	memcpy(up(k->g, 7), rec, sizeof(rec));
	assert_true(sim_attach_ring(&k->g->at, 0, SIV_BELL_MAIL));
	usleep(30000);
	assert_int_equal(world_status(&w, "counters.connect"), 0);
	world_quiet(&w);
	/* a says it again by itself */
	world_must(&w, !sim_opened(ch));
	world_quiet(&w);
	world_end(&w);
}

/* K forges what a would say next: counted, and a goes on. */
static void test_forged_record(void **state)
{
	u8 rec[SIV_SLOT_SIZE];
	unsigned int i;

	(void)state;
	calm(a);
	for (i = 0; i < sizeof(rec); i++)
		rec[i] = (u8)i;
	siv_put_le32(rec, 100);
	siv_put_le32(rec + 4, a->s.tag);
	siv_put_le64(rec + 8, a->s.tx.next);
	world_mark(&w);
	put_record(a->g, rec);
	world_refused(&w, "auth_fail", EBADMSG, "lab/a/user", NULL, "tag");
	assert_int_equal(sessions("a"), 1);
	/* other numbers are not even looked at */
	world_mark(&w);
	siv_put_le64(rec + 8, a->s.tx.next + 1);
	put_record(a->g, rec);
	siv_put_le64(rec + 8, ~0ull);
	put_record(a->g, rec);
	siv_put_le32(rec, ~0u);
	put_record(a->g, rec);
	world_quiet(&w);
	control();
	world_end(&w);
}

/* ----------------------------------------------------------- what opens but is wrong */

/* A sealed record with anything in it; the number is used up. */
static void say_raw(struct sim_session *ss, u16 type, u64 ack, const void *body,
		    size_t len)
{
	const struct siv_span none = { NULL, 0 };
	u8 rec[SIV_SLOT_SIZE];
	size_t n;

	assert_int_equal(siv_record_seal(&ss->s.tx, ss->s.tag, type, ack,
					 (struct siv_span){ body, len }, none,
					 rec, &n),
			 SIV_OK);
	siv_slot_write(up(ss->g, SIV_BOX_SLOTS - 1), rec, n);
	ring(ss->g, SIV_BELL_MAIL);
}

/* Its session ends by one line, and the next one is as good as ever. */
static void broken(u16 type, u64 ack, const void *body, size_t len, int err,
		   const char *reason)
{
	struct sim_identity *id = a->id;
	struct sim_guest *g = a->g;
	struct said said = { "protocol", err, "lab/a/user", NULL, reason };

	calm(a);
	world_mark(&w);
	say_raw(a, type, ack, body, len);
	world_must(&w, !sessions("a"));
	assert_int_equal(world_audit(&w, &said), 1);
	assert_int_equal(world_events(&w, "protocol"), 1);
	assert_int_equal(world_events(&w, "session_end"), 1);
	sim_session_drop(a);
	a = world_session(g, id);
}

static void test_malformed(void **state)
{
	struct siv_open open = { 0 };
	struct siv_listen listen = { 0 };
	u8 zero[256] = { 0 };

	(void)state;
	broken(99, 0, NULL, 0, EPROTO, "type");
	broken(SIV_MSG_HEARTBEAT, 0, zero, 8, EBADMSG, "length");
	broken(SIV_MSG_OPEN, 0, zero, sizeof(open) - 8, EBADMSG, "length");
	siv_put_le64(&listen.request, 1);
	siv_put_le32(&listen.backlog, 1);
	siv_put_le32(&listen.flags, 0x80);
	broken(SIV_MSG_LISTEN, 0, &listen, sizeof(listen), EBADMSG, "reserved");
	siv_put_le64(&open.request, 1);
	siv_put_le64(&open.ring_ab, RING);
	siv_put_le64(&open.ring_ba, RING);
	memcpy(open.service, "../data", 7);
	broken(SIV_MSG_OPEN, 0, &open, sizeof(open), EBADMSG, "name");
	memcpy(open.service, "data\0\0x", 7);
	broken(SIV_MSG_OPEN, 0, &open, sizeof(open), EBADMSG, "name");
	memcpy(open.service, "data\0\0\0", 7);
	siv_put_le64(&open.ring_ab, RING + 8);
	broken(SIV_MSG_OPEN, 0, &open, sizeof(open), EINVAL, "size");
	control();
	world_end(&w);
}

/* What only the host says; READY twice; acknowledging what was never sent. */
static void test_wrong_role(void **state)
{
	const struct siv_result result = { 0 };

	(void)state;
	broken(SIV_MSG_RESULT, 0, &result, sizeof(result), EPROTO, "state");
	broken(SIV_MSG_READY, 0, NULL, 0, EPROTO, "state");
	broken(SIV_MSG_HEARTBEAT, 1000, NULL, 0, EPROTO, "state");
	control();
	world_end(&w);
}

/* ---------------------------------------------------------------------- the order */

static void say_cid(struct sim_session *ss, u16 type, u64 cid)
{
	u8 body[64] = { 0 };
	static const size_t len[SIV_MSG_COUNT] = {
		[SIV_MSG_ACCEPT] = sizeof(struct siv_accept),
		[SIV_MSG_CONFIRM] = sizeof(struct siv_confirm),
		[SIV_MSG_ESTABLISHED] = sizeof(struct siv_established),
		[SIV_MSG_FIN] = sizeof(struct siv_fin),
		[SIV_MSG_CLOSE] = sizeof(struct siv_close),
		[SIV_MSG_CLOSED] = sizeof(struct siv_close),
	};

	siv_put_le64(body, cid);
	assert_int_equal(sim_say(ss, type, body, len[type]), SIV_OK);
}

/* The channel @ch ends at both ends with EPROTO, once; nothing else does. */
static void out_of_order(struct sim_session *ss, u16 type,
			 struct sim_channel *ch, u64 cid, const char *who)
{
	struct said said = { "protocol", EPROTO, who, NULL, "state" };

	world_mark(&w);
	say_cid(ss, type, cid);
	world_must(&w, world_audit(&w, &said) == 1);
	world_must(&w, sim_opened(ch) == -EPROTO);
	world_must(&w,
		   !world_region(&w, "taken") && !world_region(&w, "limbo"));
	assert_int_equal(world_events(&w, "protocol"), 1);
	assert_int_equal(sessions("a") + sessions("b"), 2);
	sim_channel_free(ch);
	control();
}

/* Nobody is stepped: the channel stays as it is. */
static void await_opened(void)
{
	int i;

	for (i = 0; i < WORLD_WAIT_MS &&
		    !world_count(&w, "channels", "state", "opened");
	     i++)
		usleep(1000);
	assert_int_equal(world_count(&w, "channels", "state", "opened"), 1);
}

static void test_order_before_accept(void **state)
{
	static const u16 by_a[] = { SIV_MSG_CONFIRM, SIV_MSG_ESTABLISHED,
				    SIV_MSG_ACCEPT, SIV_MSG_FIN };
	static const u16 by_b[] = { SIV_MSG_CONFIRM, SIV_MSG_ESTABLISHED,
				    SIV_MSG_FIN };
	struct sim_channel *ch;
	u64 cid = 0;
	size_t i;

	(void)state;
	control();
	for (i = 0; i < ARRAY_SIZE(by_a) + ARRAY_SIZE(by_b); i++) {
		bool a_says = i < ARRAY_SIZE(by_a);

		/* every other one is the control's */
		cid += 2;
		assert_int_equal(sim_open(a, &data, &ch), 0);
		await_opened();
		out_of_order(a_says ? a : b,
			     a_says ? by_a[i] : by_b[i - ARRAY_SIZE(by_a)], ch,
			     cid, a_says ? "lab/a/user" : "lab/b/data");
	}
	world_end(&w);
}

static void test_order_when_open(void **state)
{
	static const u16 types[] = { SIV_MSG_ACCEPT, SIV_MSG_CONFIRM,
				     SIV_MSG_ESTABLISHED };
	struct sim_channel *at_a, *at_b;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_SIZE(types); i++) {
		bool a_says = i < ARRAY_SIZE(types);

		world_pair(&w, a, b->g, &data, &at_a, &at_b);
		out_of_order(a_says ? a : b, types[i % ARRAY_SIZE(types)], at_a,
			     at_a->cid, a_says ? "lab/a/user" : "lab/b/data");
		sim_channel_free(at_b);
	}
	world_end(&w);
}

/* A third party's words about somebody else's channel. */
static void test_foreign_channel(void **state)
{
	static const u16 types[] = { SIV_MSG_ACCEPT,	  SIV_MSG_CONFIRM,
				     SIV_MSG_ESTABLISHED, SIV_MSG_FIN,
				     SIV_MSG_CLOSE,	  SIV_MSG_CLOSED };
	struct sim_session *k = world_enter(&w, "k", "lab", "x");
	struct sim_channel *at_a, *at_b;
	size_t i;

	(void)state;
	world_pair(&w, a, b->g, &data, &at_a, &at_b);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		world_mark(&w);
		say_cid(k, types[i], at_a->cid);
		calm(k);
		world_refused(&w, "protocol", ESTALE, "lab/k/x", NULL,
			      "generation");
	}
	/* of one that is over, or never was, there is nothing to say */
	world_mark(&w);
	say_cid(k, SIV_MSG_CLOSE, at_a->cid + 1);
	say_cid(k, SIV_MSG_CLOSED, ~0ull);
	calm(k);
	world_quiet(&w);
	assert_int_equal(world_count(&w, "channels", "state", "established"),
			 1);
	world_talk(&w, at_a, at_b);
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_hello_again),
		CASE(test_hello_replayed),
		CASE(test_hello_of_another_boot),
		CASE(test_hello_in_another_box),
		CASE(test_spoofed_box),
		CASE(test_record_replayed),
		CASE(test_record_of_another_session),
		CASE(test_record_in_another_box),
		CASE(test_forged_record),
		CASE(test_malformed),
		CASE(test_wrong_role),
		CASE(test_order_before_accept),
		CASE(test_order_when_open),
		CASE(test_foreign_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
