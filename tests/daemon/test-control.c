// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: whoever may use the control socket gets QEMU's arguments for a VM, with the
 * commas of paths doubled, and a plain word for every command that is wrong. A client that
 * does not read its answers, one that never ends its line, and the seventeenth are put
 * out, and the others are served all the while.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "world.h"

enum {
	CLIENTS_MAX = 16,
	LINE_MAX_BYTES = 16384,
	MANY = 2 * LINE_MAX_BYTES / 17,
	SLOW_MS = 10000,
	SLACK_MS = 5000,
};

static const char policy[] =
	"[region lab]\nsize = 4M\ngranule = 4K\nmembers = a b\n"
	"[region bare]\nsize = 4M\nmode = vanilla\nmembers = a\n"
	"[vm a]\nuser = self\nvectors = 2\n[vm b]\nuser = self\n"
	"[vm c]\nuser = self\n";

static struct world w;

static int setup(void **state)
{
	static const char *const regions[] = { "lab", NULL };
	char path[PATH_MAX];

	(void)state;
	world_make(&w, regions, policy);
	w.options[0] = "--runtime-dir";
	w.options[1] = "r,u,n";
	assert_int_equal(symlink("r,u,n", world_path(&w, path, "run")), 0);
	world_start(&w, "sivshmemd");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

/* ---------------------------------------------------------------- commands */

static json_t *qemu_args(const char *vm)
{
	return world_ask(&w, json_pack("{s:s, s:s*}", "cmd", "qemu-args", "vm",
				       vm));
}

static void argument(const json_t *answer, size_t i, const char *want)
{
	const char *got = json_string_value(
		json_array_get(json_object_get(answer, "args"), i));

	assert_non_null(got);
	if (strcmp(got, want))
		fail_msg("argument %zu is %s, not %s", i, got, want);
}

static void test_qemu_args(void **state)
{
	char want[PATH_MAX];
	json_t *answer;

	(void)state;
	answer = qemu_args("a");
	assert_true(json_is_true(json_object_get(answer, "ok")));
	assert_int_equal(json_array_size(json_object_get(answer, "args")), 12);
	argument(answer, 0, "-chardev");
	snprintf(want, sizeof(want),
		 "socket,id=sivshmem0,path=%s/r,,u,,n/a/lab.sock", w.dir);
	argument(answer, 1, want);
	argument(answer, 3,
		 "pcie-root-port,id=sivport0,bus=pcie.0,addr=0x10.0x0,"
		 "multifunction=on,chassis=128,pref64-reserve=16G");
	argument(answer, 5,
		 "ivshmem-doorbell,chardev=sivshmem0,vectors=2,bus=sivport0");
	snprintf(want, sizeof(want),
		 "socket,id=sivshmem1,path=%s/r,,u,,n/a/bare.sock", w.dir);
	argument(answer, 7, want);
	argument(answer, 9,
		 "pcie-root-port,id=sivport1,bus=pcie.0,addr=0x10.0x1,"
		 "multifunction=on,chassis=129,pref64-reserve=4G");
	json_decref(answer);
	answer = qemu_args("b");
	assert_int_equal(json_array_size(json_object_get(answer, "args")), 6);
	json_decref(answer);
	world_end(&w);
}

/* A line as it is, and what is wrong with it: errno and a word of the message. */
static const struct {
	const char *line;
	int err;
	const char *word;
} wrong[] = {
	{ "nonsense", EBADMSG, "a JSON object with \"cmd\"" },
	{ "", EBADMSG, "a JSON object" },
	{ "[]", EBADMSG, "a JSON object" },
	{ "{\"cmd\": 1}", EBADMSG, "a JSON object" },
	{ "{\"cmd\": \"status\", \"cmd\": \"status\"}", EBADMSG, "" },
	{ "{\"cmd\": \"halt\"}", EINVAL, "unknown command \"halt\"" },
	{ "{\"cmd\": \"lie\"}", EINVAL, "unknown command \"lie\"" },
	{ "{\"cmd\": \"qemu-args\"}", EINVAL, "needs \"vm\"" },
	{ "{\"cmd\": \"qemu-args\", \"vm\": \"x\"}", ENOENT,
	  "there is no VM \"x\"" },
	{ "{\"cmd\": \"qemu-args\", \"vm\": \"c\"}", ENOENT,
	  "c is a member of no region" },
	{ "{\"cmd\": \"revoke\"}", EINVAL, "\"what\" and \"value\"" },
	{ "{\"cmd\": \"revoke\", \"what\": \"vm\"}", EINVAL,
	  "\"what\" and \"value\"" },
	{ "{\"cmd\": \"revoke\", \"what\": \"key\", \"value\": \"1\"}", EINVAL,
	  "\"key\" is not serial, identity, channel or vm" },
	{ "{\"cmd\": \"revoke\", \"what\": \"vm\", \"value\": \"A B\"}", EINVAL,
	  "not what can be revoked" },
	{ "{\"cmd\": \"revoke\", \"what\": \"vm\", \"value\": \"\"}", EINVAL,
	  "not what can be revoked" },
	{ "{\"cmd\": \"revoke\", \"what\": \"serial\", \"value\": \"xyz\"}",
	  EINVAL, "not what can be revoked" },
	{ "{\"cmd\": \"revoke\", \"what\": \"identity\", \"value\": \"a/b\"}",
	  EINVAL, "not what can be revoked" },
	{ "{\"cmd\": \"revoke\", \"what\": \"identity\", "
	  "\"value\": \"a/b/c/d\"}",
	  EINVAL, "not what can be revoked" },
	{ "{\"cmd\": \"revoke\", \"what\": \"channel\", \"value\": \"1x\"}",
	  EINVAL, "not a channel's number" },
	{ "{\"cmd\": \"revoke\", \"what\": \"channel\", \"value\": \"7\"}",
	  ENOENT, "no open channel 7" },
	{ "{\"cmd\": \"restore\"}", EINVAL, "restore needs" },
	{ "{\"cmd\": \"restore\", \"what\": \"channel\", \"value\": \"7\"}",
	  EINVAL, "restore needs" },
	{ "{\"cmd\": \"restore\", \"what\": \"vm\", \"value\": \"a\"}", ENOENT,
	  "vm a is not revoked here" },
};

static void test_wrong_commands(void **state)
{
	json_error_t err;
	json_t *answer;
	size_t i;
	FILE *f;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_true(dprintf(w.control, "%s\n", wrong[i].line) > 0);
		f = fdopen(dup(w.control), "r");
		answer = json_loadf(f, JSON_DISABLE_EOF_CHECK, &err);
		fclose(f);
		assert_non_null(answer);
		if (!json_is_false(json_object_get(answer, "ok")) ||
		    json_integer_value(json_object_get(answer, "errno")) !=
			    wrong[i].err ||
		    !strstr(json_string_value(json_object_get(answer, "error")),
			    wrong[i].word))
			fail_msg("%s: %s", wrong[i].line,
				 json_dumps(answer, 0));
		json_decref(answer);
	}
	/* the URI as certificates have it, and what is revoked is restored, once */
	for (i = 0; i < 2; i++)
		world_ask_ok(&w, json_pack("{s:s, s:s, s:s}", "cmd",
					   i ? "restore" : "revoke", "what",
					   "identity", "value",
					   "sivshmem://lab/a/data"));
	world_end(&w);
}

/* ----------------------------------------------------------------- clients */

static int dial(void)
{
	char path[PATH_MAX];

	return client_dial(world_path(&w, path, "run/control.sock"));
}

/* @count questions in one go. */
static void ask(int sock, size_t count)
{
	static const char line[] = "{\"cmd\":\"status\"}\n";
	char text[MANY * sizeof(line)];
	size_t n = sizeof(line) - 1, i;

	for (i = 0; i < count; i++)
		memcpy(text + i * n, line, n);
	assert_int_equal(send(sock, text, count * n, MSG_NOSIGNAL), count * n);
}

/* The daemon has closed it, within @ms; whatever it had said is left unread. */
static bool put_out(int sock, int ms)
{
	struct pollfd p = { .fd = sock, .events = 0 };

	return poll(&p, 1, ms) == 1 && p.revents & POLLHUP;
}

static void answered(int sock)
{
	char text[16384];

	assert_true(recv(sock, text, sizeof(text), 0) > 0);
}

static void test_too_many(void **state)
{
	int sock[CLIENTS_MAX], i;

	(void)state;
	/* one of them is the test's own */
	for (i = 1; i < CLIENTS_MAX; i++) {
		sock[i] = dial();
		ask(sock[i], 1);
		answered(sock[i]);
	}
	sock[0] = dial();
	assert_true(put_out(sock[0], WORLD_WAIT_MS));
	close(sock[0]);
	/* the others do not notice, and one that leaves makes room */
	for (i = 1; i < CLIENTS_MAX; i++) {
		ask(sock[i], 1);
		answered(sock[i]);
		assert_false(put_out(sock[i], 0));
	}
	close(sock[1]);
	world_status(&w, "connects");
	sock[1] = dial();
	ask(sock[1], 1);
	answered(sock[1]);
	for (i = 1; i < CLIENTS_MAX; i++)
		close(sock[i]);
	world_end(&w);
}

static void test_endless_line(void **state)
{
	char line[LINE_MAX_BYTES];
	int sock = dial();

	(void)state;
	memset(line, ' ', sizeof(line));
	assert_int_equal(send(sock, line, sizeof(line) - 1, MSG_NOSIGNAL),
			 sizeof(line) - 1);
	assert_false(put_out(sock, 200));
	assert_int_equal(send(sock, line, 1, MSG_NOSIGNAL), 1);
	assert_true(put_out(sock, WORLD_WAIT_MS));
	close(sock);
	world_status(&w, "connects");
	world_end(&w);
}

/* It asks and asks, and reads nothing: ten seconds later it is gone. */
static void test_slow(void **state)
{
	u64 t0 = sim_now_ms();
	int sock = dial(), turns = 0;

	(void)state;
	ask(sock, MANY);
	/* what the machine stands still for is one turn */
	while (!put_out(sock, 100)) {
		assert_in_range(++turns, 0, (SLOW_MS + SLACK_MS) / 100);
		world_status(&w, "connects");
	}
	assert_in_range(sim_now_ms() - t0, SLOW_MS, ~0u);
	close(sock);
	world_end(&w);
}

/* More than a buffer of questions before it reads the first answer: it gets them all. */
static void test_many_at_once(void **state)
{
	char text[16384];
	int sock = dial(), got = 0, i;
	ssize_t n;

	(void)state;
	ask(sock, MANY);
	assert_false(put_out(sock, 1000));
	while (got < MANY) {
		n = recv(sock, text, sizeof(text), 0);
		assert_true(n > 0);
		for (i = 0; i < n; i++)
			got += text[i] == '\n';
	}
	assert_int_equal(got, MANY);
	close(sock);
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_qemu_args), CASE(test_wrong_commands),
		CASE(test_too_many),  CASE(test_endless_line),
		CASE(test_slow),      CASE(test_many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
