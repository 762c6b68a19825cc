// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: sivshmemctl moves files byte-exact and verified over plain, mapped and sealed
 * channels, refuses what a hostile sender says of names, sizes, offsets and digests and
 * leaves nothing behind, joins standard input and output as a stream and line by line,
 * measures, speaks to the daemon as agreed, and exits with 0, 1 or 2; with --json what
 * is wrong, too, is one object on one line.
 *
 * usage: test-ctl SIVSHMEMCTL FAKE-DRIVER.so. Both ends run the command, here under
 * AddressSanitizer, on the driver of fake-driver.c.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/platform.h"
#include <sivshmem/sivshmem.h>

enum {
	FILE_BYTES = 3000001,
	PATIENCE = 600 /* beside everything else on a busy machine */
};

static const char *ctl, *driver, *self;
static char dir[32] = "/tmp/test-ctl.XXXXXX";

/* ------------------------------------------------------------------- processes */

/* A file in the test's directory; four may be in use at once. */
static const char *at(const char *name)
{
	static char paths[4][300];
	static int next;

	next = (next + 1) % 4;
	snprintf(paths[next], sizeof(paths[next]), "%s/%s", dir, name);
	return paths[next];
}

static void redirect(int fd, const char *path, int flags)
{
	int from = open(path, flags, 0600);

	if (from < 0 || dup2(from, fd) < 0)
		_exit(99);
	close(from);
}

/* Runs words[0] with the fake driver; in, out: files, or NULL for /dev/null. */
static pid_t start(const char *const *words, const char *in, const char *out)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(PATIENCE);
	redirect(STDIN_FILENO, in ? in : "/dev/null", O_RDONLY);
	redirect(STDOUT_FILENO, out ? out : "/dev/null",
		 O_WRONLY | O_CREAT | O_TRUNC);
	redirect(STDERR_FILENO, at("stderr"), O_WRONLY | O_CREAT | O_APPEND);
	setenv("FAKE_DRIVER", dir, 1);
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
	setenv("LD_PRELOAD", driver, 1);
	if (chdir(dir))
		_exit(98);
	execv(words[0], (char **)(uintptr_t)words);
	_exit(97);
}

static int finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		fail_msg("killed by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

#define START(in, out, ...) \
	start((const char *const[]){ __VA_ARGS__, NULL }, in, out)
#define RUN(in, out, ...) finish(START(in, out, __VA_ARGS__))

/* Until a listener of that name is there. */
static void await(const char *service)
{
	struct stat st;

	for (int i = 0; i < 1000 * PATIENCE && stat(at(service), &st); i++)
		usleep(1000);
}

static size_t slurp(const char *name, char *text, size_t room)
{
	FILE *f = fopen(at(name), "r");
	size_t n = f ? fread(text, 1, room - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return n;
}

static void assert_says(const char *name, const char *words)
{
	char text[65536];

	slurp(name, text, sizeof(text));
	if (!strstr(text, words))
		fail_msg("%s does not say \"%s\" but: %s", name, words, text);
}

static bool exists(const char *name)
{
	return !access(at(name), F_OK);
}

static bool same_files(const char *a, const char *b)
{
	char command[700];

	snprintf(command, sizeof(command), "cmp -s %s %s", at(a), at(b));
	return !system(command);
}

/* Nothing of a broken transfer may stay. */
static void assert_no_parts(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (strstr(e->d_name, ".part"))
			fail_msg("%s was left behind", e->d_name);
	closedir(d);
}

/* ----------------------------------------------------------------------- files */

static void transfer(const char *how, const char *out)
{
	pid_t r;

	unlink(at("files"));
	unlink(at(out));
	r = START(NULL, at("recv.out"), ctl, "recv", "--as", "files", "-o", out,
		  "--json", how);
	await("files");
	assert_int_equal(RUN(NULL, at("send.out"), ctl, "send", "--as", "me",
			     "--ring", "256K", "--json", how, "files", "file"),
			 0);
	assert_int_equal(finish(r), 0);
	assert_true(same_files("file", out));
	assert_says("send.out",
		    "\"ok\":true,\"name\":\"file\",\"bytes\":3000001,");
	assert_says("recv.out", "\"ok\":true,\"name\":\"");
	assert_says("recv.out", "\"peer_service\":\"me\"");
	assert_no_parts();
}

static void files_three_ways(void **state)
{
	(void)state;
	transfer("--quiet", "copied");
	transfer("--zero-copy", "mapped");
	transfer("--sealed", "sealed");
	assert_says("send.out", "\"sealed\":true");
}

/* The sender's name, from a pipe, by a listener that sends; an empty file. */
static void files_otherwise(void **state)
{
	pid_t s;

	(void)state;
	unlink(at("files"));
	unlink(at("piped"));
	s = START(at("file"), NULL, ctl, "send", "--as", "files", "--listen",
		  "--name", "piped", "-");
	await("files");
	assert_int_equal(RUN(NULL, NULL, ctl, "recv", "--as", "me", "--connect",
			     "files"),
			 0);
	assert_int_equal(finish(s), 0);
	assert_true(same_files("file", "piped"));

	unlink(at("files"));
	s = START(NULL, at("recv.out"), ctl, "recv", "--as", "files", "-o",
		  "-");
	await("files");
	assert_int_equal(RUN(NULL, NULL, ctl, "send", "--as", "me", "files",
			     "/dev/null"),
			 0);
	assert_int_equal(finish(s), 0);
	assert_int_equal(slurp("recv.out", (char[8]){ 0 }, 8), 0);
}

/* A file that exists stays, unless it is to be replaced. */
static void no_overwriting(void **state)
{
	char text[16];
	FILE *f;
	pid_t r;

	(void)state;
	f = fopen(at("precious"), "w");
	fputs("precious", f);
	fclose(f);
	unlink(at("files"));
	r = START(NULL, NULL, ctl, "recv", "--as", "files", "-o", "precious");
	await("files");
	assert_int_equal(
		RUN(NULL, NULL, ctl, "send", "--as", "me", "files", "file"), 1);
	assert_int_equal(finish(r), 1);
	slurp("precious", text, sizeof(text));
	assert_string_equal(text, "precious");
	assert_says("stderr", "EEXIST");
	assert_says("stderr", "the receiver refused");
	unlink(at("files"));
	r = START(NULL, NULL, ctl, "recv", "--as", "files", "-o", "precious",
		  "--force");
	await("files");
	assert_int_equal(
		RUN(NULL, NULL, ctl, "send", "--as", "me", "files", "file"), 0);
	assert_int_equal(finish(r), 0);
	assert_true(same_files("file", "precious"));
}

/* --------------------------------------------------------------- hostile senders */

/* What the sender, this program again, does wrong. */
static const struct evil {
	const char *name; /* offered */
	u64 size;	  /* offered; 8 bytes are sent */
	u64 offset;	  /* of the data */
	int flip;	  /* of the digest */
	u32 type;	  /* of the data record; 0: DATA */
	int cut;	  /* close without END */
} evils[] = {
	{ .name = "../escaped", .size = 8 },
	{ .name = "/tmp/escaped", .size = 8 },
	{ .name = ".hidden", .size = 8 },
	{ .name = "-rf", .size = 8 },
	{ .name = "bell\a", .size = 8 },
	{ .name = "", .size = 8 },
	{ .name = "evil", .size = 7 },
	{ .name = "evil", .size = 9 },
	{ .name = "evil", .size = (u64)1 << 60 },
	{ .name = "evil", .size = 8, .offset = 1 },
	{ .name = "evil", .size = 8, .offset = (u64)-8 },
	{ .name = "evil", .size = 8, .flip = 1 },
	{ .name = "evil", .size = 8, .type = 0x39465653 },
	{ .name = "evil", .size = 8, .cut = 1 },
};

static void put(u8 *p, u32 type, u64 number)
{
	siv_put_le32(p, type);
	siv_put_le32(p + 4, 0);
	siv_put_le64(p + 8, number);
}

/* 0: refused as it should be. */
static int evil_main(size_t n)
{
	struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;
	const struct evil *e = &evils[n];
	u8 r[300], v[64] = { 0 };
	struct ivshmem *ch;

	o.identity = "evil";
	if (ivshmem_connect("files", &o, &ch))
		return 2;
	put(r, 0x31465653, e->size);
	memcpy(r + 16, e->name, strlen(e->name));
	ivshmem_send(ch, r, 16 + strlen(e->name));
	put(r, e->type ? e->type : 0x32465653, e->offset);
	memcpy(r + 16, "12345678", 8);
	ivshmem_send(ch, r, 24);
	if (e->cut) {
		ivshmem_close(ch);
		return 0;
	}
	put(r, 0x33465653, 8);
	EVP_Digest("12345678", 8, r + 16, NULL, EVP_sha256(), NULL);
	r[16] ^= (u8)e->flip;
	ivshmem_send(ch, r, 48);
	if (ivshmem_recv(ch, v, sizeof(v)) != 48)
		return 3;
	return siv_get_le32(v) == 0x34465653 && siv_get_le32(v + 4) ? 0 : 4;
}

static void hostile_senders(void **state)
{
	char number[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(evils); i++) {
		pid_t r;
		int evil, recv;

		unlink(at("files"));
		r = START(NULL, NULL, ctl, "recv", "--as", "files",
			  "--max-size", "1M");
		await("files");
		snprintf(number, sizeof(number), "%zu", i);
		evil = RUN(NULL, NULL, self, "--evil", number);
		recv = finish(r);
		if (evil || recv != 1)
			fail_msg("sender %zu: it ended with %d, recv with %d",
				 i, evil, recv);
		assert_false(exists("evil") || exists(".hidden") ||
			     exists("-rf") || exists("../escaped") ||
			     !access("/tmp/escaped", F_OK));
		assert_no_parts();
	}
}

/* ----------------------------------------------------------------------- pipes */

static void streams(void **state)
{
	pid_t l;

	(void)state;
	unlink(at("pipe"));
	l = START(at("file"), at("l.out"), ctl, "listen", "--as", "pipe",
		  "--quiet");
	await("pipe");
	assert_int_equal(RUN(at("file"), at("c.out"), ctl, "connect", "--as",
			     "me", "pipe"),
			 0);
	assert_int_equal(finish(l), 0);
	assert_true(same_files("file", "l.out"));
	assert_true(same_files("file", "c.out"));
}

static void lines(void **state)
{
	char text[64];
	FILE *f = fopen(at("lines"), "w");
	pid_t l;

	(void)state;
	fputs("one\n\ntwo\nthree", f);
	fclose(f);
	unlink(at("pipe"));
	l = START(NULL, at("l.out"), ctl, "listen", "--as", "pipe", "--lines");
	await("pipe");
	assert_int_equal(RUN(at("lines"), NULL, ctl, "connect", "--as", "me",
			     "--lines", "pipe"),
			 0);
	assert_int_equal(finish(l), 0);
	/* an empty record is none */
	slurp("l.out", text, sizeof(text));
	assert_string_equal(text, "one\ntwo\nthree\n");
}

static void measures(void **state)
{
	pid_t l;

	(void)state;
	unlink(at("echo"));
	l = START(NULL, NULL, ctl, "listen", "--as", "echo", "--echo", "--keep",
		  "--quiet");
	await("echo");
	assert_int_equal(RUN(NULL, at("p.out"), ctl, "ping", "--as", "me", "-c",
			     "50", "-s", "100", "--json", "echo"),
			 0);
	assert_says("p.out", "\"mapped\":true");
	assert_says("p.out", "\"polled\":{\"count\":50,\"min_ns\":");
	assert_says("p.out", "\"wakeup\":{\"count\":50,");
	assert_int_equal(RUN(NULL, at("p.out"), ctl, "ping", "--as", "me", "-c",
			     "20", "--sealed", "echo"),
			 0);
	assert_says("p.out", "wakeup   min ");
	assert_int_equal(RUN(NULL, at("p.out"), ctl, "bench", "--as", "me",
			     "-s", "4K", "-b", "1M", "--json", "echo"),
			 0);
	assert_says("p.out", "\"size\":4096,\"count\":256,");
	assert_says("p.out", "\"memcpy_bytes_per_s\":");
	assert_int_equal(kill(l, SIGTERM), 0);
	assert_int_equal(waitpid(l, NULL, 0), l);
	/* nobody calls: the wait for a caller ends */
	unlink(at("echo"));
	assert_int_equal(RUN(NULL, NULL, ctl, "listen", "--as", "echo",
			     "--timeout", "1", "--quiet"),
			 1);
	assert_says("stderr", "accept: ETIMEDOUT");
}

/* ---------------------------------------------------------------------- the host */

/* A daemon that expects one request and gives one answer, in the child. */
static pid_t daemon_once(const char *request, const char *answer)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c;
	char text[1024] = { 0 };
	size_t have = 0;
	pid_t pid;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", at("control.sock"));
	unlink(sun.sun_path);
	assert_int_equal(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(s, 1), 0);
	pid = fork();
	if (pid) {
		close(s);
		return pid;
	}
	alarm(PATIENCE);
	c = accept(s, NULL, NULL);
	while (have < sizeof(text) - 1 && !strchr(text, '\n')) {
		ssize_t n = read(c, text + have, sizeof(text) - 1 - have);

		if (n <= 0)
			_exit(9);
		have += (size_t)n;
	}
	/* in pieces: a line is a line however it arrives */
	for (; *answer; answer++)
		if (write(c, answer, 1) != 1)
			_exit(8);
	_exit(strcmp(text, request) != 0);
}

static int host(const char *request, const char *answer,
		const char *const *words)
{
	const char *all[12] = { ctl, "--socket", "control.sock" };
	pid_t d = daemon_once(request, answer);
	int n = 3, r;

	while (*words)
		all[n++] = *words++;
	r = finish(start(all, NULL, at("h.out")));
	assert_int_equal(finish(d), 0);
	return r;
}

#define HOST(request, answer, ...) \
	host(request, answer, (const char *const[]){ __VA_ARGS__, NULL })

static void host_commands(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(
		HOST("{\"cmd\":\"status\"}\n",
		     "{\"ok\":true,\"uptime\":5,\"vms\":[{\"vm\":\"a\",\"peer\":1},"
		     "{\"vm\":\"long-name\",\"peer\":12}],\"none\":[]}\n",
		     "status"),
		0);
	slurp("h.out", text, sizeof(text));
	assert_string_equal(text,
			    "uptime           5\nvms\n  vm         peer  \n"
			    "  a          1     \n  long-name  12    \n"
			    "none             none\n");
	assert_int_equal(HOST("{\"cmd\":\"status\"}\n",
			      "{\"ok\":true,\"x\":[1, 2]}\n", "status",
			      "--json"),
			 0);
	assert_says("h.out", "{\"ok\":true,\"x\":[1, 2]}\n");
	assert_int_equal(HOST("{\"cmd\":\"revoke\",\"what\":\"identity\","
			      "\"value\":\"r/v/a\\\"b\"}\n",
			      "{\"ok\":true,\"channels\":2}\n", "revoke",
			      "identity", "r/v/a\"b"),
			 0);
	assert_int_equal(
		HOST("{\"cmd\":\"reload\"}\n",
		     "{\"ok\":false,\"error\":\"policy.ini:7: no such key\","
		     "\"errno\":22}\n",
		     "reload"),
		1);
	assert_says("stderr", "reload: EINVAL: policy.ini:7: no such key");
	assert_int_equal(
		HOST("{\"cmd\":\"qemu-args\",\"vm\":\"a\"}\n",
		     "{\"ok\":true,\"args\":[\"-device\",\"x,y=1\",\"it's a b\",\"\"]}\n",
		     "qemu-args", "a"),
		0);
	slurp("h.out", text, sizeof(text));
	assert_string_equal(text, "-device x,y=1 'it'\\''s a b' ''\n");
	/* answers that are none */
	assert_int_equal(HOST("{\"cmd\":\"status\"}\n", "hello\n", "status"),
			 1);
	assert_int_equal(HOST("{\"cmd\":\"status\"}\n", "[true]\n", "status"),
			 1);
	assert_int_equal(
		HOST("{\"cmd\":\"status\"}\n", "{\"ok\":true", "status"), 1);
	assert_int_equal(HOST("{\"cmd\":\"status\"}\n", "{}\n", "status"), 1);
	unlink(at("control.sock"));
	assert_int_equal(
		RUN(NULL, NULL, ctl, "status", "--socket", "control.sock"), 1);
	assert_says("stderr", "control.sock: ENOENT: sivshmemd does not run");
}

/* ------------------------------------------------------------------- exit codes */

/* One object on one line, and nothing else. */
static void assert_error_object(const char *name)
{
	char text[4096];
	size_t n = slurp(name, text, sizeof(text));
	json_t *o = json_loads(text, 0, NULL);

	if (!json_is_false(json_object_get(o, "ok")) ||
	    !json_string_length(json_object_get(o, "what")) ||
	    !json_string_length(json_object_get(o, "error")) ||
	    strchr(text, '\n') != text + n - 1)
		fail_msg("no object for an error: %s", text);
	json_decref(o);
}

/* A wrong line, with --json before it or behind it. */
static void wrong_in_json(const char *const *line, bool before)
{
	/* where the standard output is for data */
	bool data = line[0] &&
		    (!strcmp(line[0], "listen") || !strcmp(line[0], "connect"));
	const char *words[12] = { ctl, "--json" };
	int n = before ? 2 : 1, r;

	while (*line)
		words[n++] = *line++;
	if (!before)
		words[n] = "--json";
	unlink(at("stderr"));
	r = finish(start(words, NULL, at("o")));
	if (r != 2)
		fail_msg("%s ... --json exits with %d", words[1], r);
	assert_error_object(data ? "stderr" : "o");
	if (data)
		assert_int_equal(slurp("o", (char[8]){ 0 }, 8), 0);
}

static void usage_is_2(void **state)
{
	static const char *const lines[][9] = {
		{ "nonsense" },
		{ "send" },
		{ "send", "--as", "a", "service" },
		{ "send", "service", "file" },
		{ "send", "--as", "a", "--key", "1", "service", "file" },
		{ "send", "--as", "a", "--ring", "12Q", "service", "file" },
		{ "send", "--as", "a", "--suite", "rot13", "service", "file" },
		{ "send", "--as", "a", "--timeout", "-1", "service", "file" },
		{ "send", "--as", "a", "--timeout", "31", "service", "file" },
		{ "recv" },
		{ "recv", "--as", "a", "-o", "x/" },
		{ "recv", "--as", "a", "--ring", "64K" },
		{ "recv", "--node", "/dev/sivshmem0", "--as", "a" },
		{ "listen", "--as", "a", "service" },
		{ "connect", "--as", "a" },
		{ "connect", "--as", "a", "--listen" },
		{ "ping", "--as", "a", "-c", "0", "service" },
		{ "ping", "--as", "a", "--allow", "x/y", "service" },
		{ "bench", "--as", "a", "-s", "2M", "-b", "1M", "service" },
		{ "info", "more" },
		{ "posture", "--nonsense" },
		{ "revoke", "everything", "now" },
		{ "revoke", "vm" },
		{ "restore", "channel", "7" },
		{ "qemu-args" },
		{ "status", "more" },
		{ "status", "--force" },
		{ "recv", "--as", "a", "-fz" },
		{ "recv", "--as", "a", "--force=x" },
		{ "listen", "--nonsense" },
		{ "connect", "--as", "a", "--timeout", "x", "service" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *words[10] = { ctl };
		int r;

		memcpy(words + 1, lines[i], sizeof(lines[i]));
		r = finish(start(words, NULL, NULL));
		if (r != 2)
			fail_msg("%s ... (line %zu) exits with %d", lines[i][0],
				 i, r);
		wrong_in_json(lines[i], true);
		wrong_in_json(lines[i], false);
	}
	wrong_in_json((const char *const[]){ NULL }, true);
}

/* The words name the option, and how the command is used. */
static void wrong_options(void **state)
{
	static const char *const lines[][5] = {
		{ "recv", "file", "--nonsense", NULL, "--nonsense" },
		{ "recv", "--as", NULL, NULL, "--as" },
		{ "recv", "--force=x", NULL, NULL, "--force=x" },
		{ "recv", "-zf", NULL, NULL, "-z" },
		{ "recv", "-o", NULL, NULL, "-o" },
	};
	char said[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		unlink(at("stderr"));
		assert_int_equal(RUN(NULL, NULL, ctl, lines[i][0], lines[i][1],
				     lines[i][2]),
				 2);
		snprintf(said, sizeof(said),
			 "sivshmemctl recv: \"%s\" is no option", lines[i][4]);
		assert_says("stderr", said);
		assert_says("stderr", "\nusage: sivshmemctl recv --as NAME");
	}
	/* after this no option comes */
	assert_int_equal(RUN(NULL, at("o"), ctl, "recv", "--", "--json"), 2);
	assert_int_equal(slurp("o", (char[8]){ 0 }, 8), 0);
}

static unsigned int times(const char *file, const char *text)
{
	FILE *f = fopen(at(file), "r");
	char all[16384];
	unsigned int n = 0;

	assert_non_null(f);
	all[fread(all, 1, sizeof(all) - 1, f)] = '\0';
	fclose(f);
	for (const char *p = all; (p = strstr(p, text)); p++)
		n++;
	return n;
}

/* A device was removed: the indices have a gap, and each region is told once. */
static void gap(void **state)
{
	(void)state;
	assert_int_equal(RUN(NULL, at("o"), ctl, "--json", "info"), 0);
	assert_int_equal(times("o", "\"region\":\"fake\""), 1);
	assert_int_equal(times("o", "\"index\":3,\"region\":\"other\""), 1);
	assert_int_equal(times("o", "\"index\""), 2);
	assert_int_equal(RUN(NULL, at("o"), ctl, "info"), 0);
	assert_int_equal(times("o", "region other (device 3"), 1);
	assert_int_equal(times("o", "region "), 2);
}

static void others(void **state)
{
	(void)state;
	assert_int_equal(RUN(NULL, at("o"), ctl, "--help"), 0);
	assert_says("o", "On the host:");
	assert_int_equal(RUN(NULL, at("o"), ctl, "send", "--help"), 0);
	assert_says("o", "--ring-tx SIZE");
	assert_int_equal(RUN(NULL, at("o"), ctl, "--version"), 0);
	assert_int_equal(RUN(NULL, at("o"), ctl, "--json", "info"), 0);
	assert_says("o",
		    "\"abi\":1,\"regions\":[{\"index\":0,\"region\":\"fake\"");
	assert_int_equal(RUN(NULL, at("o"), ctl, "posture", "--json"), 1);
	assert_says("o", "\"posture\":\"WEAK\"");
	assert_says("o", "\"no_lockdown\"");
	unlink(at("stderr"));
	assert_int_equal(RUN(NULL, at("o"), ctl, "connect", "--as", "nobody",
			     "--json", "x"),
			 1);
	assert_says("stderr", "\"errno_name\":\"ENOKEY\"");
	assert_error_object("stderr");
	assert_int_equal(RUN(NULL, at("o"), ctl, "connect", "--as", "me", "x"),
			 1);
	assert_says(
		"stderr",
		"connect to x as me: ECONNREFUSED: Connection refused (nobody");
	assert_int_equal(RUN(NULL, at("o"), ctl, "send", "--as", "me", "x",
			     "missing"),
			 1);
	assert_says("stderr", "open missing: ENOENT");
}

static int prepare(void **state)
{
	FILE *f;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	f = fopen(at("file"), "w");
	for (u32 i = 0, s = 1; f && i < FILE_BYTES; i++) {
		s = s * 1664525 + 1013904223;
		fputc((int)(s >> 24), f);
	}
	return f ? fclose(f) : -1;
}

static int tidy(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_three_ways),
		cmocka_unit_test(files_otherwise),
		cmocka_unit_test(no_overwriting),
		cmocka_unit_test(hostile_senders),
		cmocka_unit_test(streams),
		cmocka_unit_test(lines),
		cmocka_unit_test(measures),
		cmocka_unit_test(host_commands),
		cmocka_unit_test(usage_is_2),
		cmocka_unit_test(wrong_options),
		cmocka_unit_test(gap),
		cmocka_unit_test(others),
	};

	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "--evil"))
		return evil_main((size_t)atoi(argv[2]));
	ctl = realpath(argv[1], NULL);
	driver = realpath(argv[2], NULL);
	self = realpath(argv[0], NULL);
	if (!ctl || !driver || !self)
		return 2;
	return cmocka_run_group_tests(tests, prepare, tidy);
}
