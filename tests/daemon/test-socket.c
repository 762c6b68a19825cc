// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: at the sockets only the right user is let in, once per VM; whoever says something,
 * sends descriptors, stops half-way or comes again and again leaves nothing behind; the
 * memory has no name and cannot be resized; and the daemon does not start where others
 * could have put something in its way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "world.h"

enum {
	VECTORS = 4,
	HELLO_LEN = 8 * (3 + SIV_HOST_BELLS + VECTORS),
	CYCLES = 1000,
	CROWD = 300,
	NOBODY = 65534,
};

static const char policy[] =
	"[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\nmembers = a b r\n"
	"[vm a]\nuser = self\nvectors = 4\nattach_rate = 100000\n"
	"[vm b]\nuser = self\nvectors = 4\n"
	"[vm r]\nuser = self\nattach_rate = 1\n"
	"[service lab/b/data]\nclients = a\n";

static struct world w;
static char sock_a[PATH_MAX];

static int make(void **state)
{
	static const char *const regions[] = { "lab", NULL };

	(void)state;
	world_make(&w, regions, policy);
	world_socket(&w, sock_a, "a", "lab");
	return 0;
}

static int setup(void **state)
{
	make(state);
	world_start(&w, "sivshmemd");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

/* Two guests can talk. */
static void control(void)
{
	struct sim_connect c = { .service = "data",
				 .ring_tx = 4096,
				 .ring_rx = 4096 };
	struct sim_session *b = world_listen(&w, "b", "lab", "data");
	struct sim_session *a = world_enter(&w, "a", "lab", "user");
	struct sim_channel *at_a, *at_b;

	world_pair(&w, a, b->g, &c, &at_a, &at_b);
	world_talk(&w, at_a, at_b);
	world_leave(&w, a->g, true);
	world_leave(&w, b->g, true);
}

/* -------------------------------------------------------------------- who may enter */

/* In a child of another user: what comes of a connection. */
static int as_nobody(const char *path)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		struct client_msg m;
		int fd, r;

		if (strlen(path) >= sizeof(sa.sun_path))
			_exit(1);
		memcpy(sa.sun_path, path, strlen(path));
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(1);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
			_exit(errno == EACCES ? 2 : 1);
		r = client_read(fd, &m, CLIENT_WAIT_MS);
		_exit(r == -1 && m.fd < 0 ? 3 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_another_user(void **state)
{
	char path[PATH_MAX], proc[64];
	pid_t pid;
	int status;

	(void)state;
	if (getuid()) {
		print_message("# skip: only root can be another user\n");
		world_end(&w);
		skip();
	}
	/* the way is closed */
	assert_int_equal(as_nobody(sock_a), 2);
	assert_int_equal(chmod(w.dir, 0755), 0);
	assert_int_equal(as_nobody(sock_a), 2);
	/* and where it was opened by mistake, the kernel says who comes */
	assert_int_equal(chmod(world_path(&w, path, "run/a"), 0755), 0);
	assert_int_equal(as_nobody(sock_a), 2);
	assert_int_equal(chmod(sock_a, 0666), 0);
	world_mark(&w);
	assert_int_equal(as_nobody(sock_a), 3);
	world_refused(&w, "peer_denied", EACCES, "lab/a", NULL, NULL);
	/* nor are there descriptors to be had behind the daemon's back */
	snprintf(proc, sizeof(proc), "/proc/%d/fd/0", (int)w.pid);
	pid = fork();
	if (!pid)
		_exit(setgid(NOBODY) || setuid(NOBODY) ||
		      open(proc, O_RDONLY) >= 0 || errno != EACCES);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	control();
	world_end(&w);
}

/* Start the daemon: what does a process of nobody meet at a's socket? */
static int enters(void)
{
	world_start(&w, "sivshmemd");
	return as_nobody(sock_a);
}

/*
 * A directory made beforehand as tmpfiles.d makes it lets in its VM's user, and hands its
 * group on to the socket; one that the daemon has to make does not, and it says so.
 */
static void test_directory_of_a_user(void **state)
{
	char path[PATH_MAX];
	struct stat st;

	(void)state;
	world_policy(&w,
		     "[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\n"
		     "members = a b\n[vm a]\nuser = 65534\n"
		     "[vm b]\nuser = self\n");
	if (getuid()) {
		print_message("# skip: only root can be another user\n");
		skip();
	}
	assert_int_equal(chmod(w.dir, 0755), 0);
	assert_int_equal(enters(), 2);
	assert_true(world_said(&w, "run/a: made with our own group: the user "
				   "65534 can enter only"));
	assert_false(world_said(&w, "run/b: made with our own group"));
	world_stop(&w);
	assert_int_equal(remove(world_path(&w, path, "daemon.log")), 0);
	world_path(&w, path, "run/a");
	assert_int_equal(chown(path, getuid(), NOBODY), 0);
	assert_int_equal(chmod(path, 02710), 0);
	/* it waits for the first message of the hello: let in */
	assert_int_equal(enters(), 4);
	assert_false(world_said(&w, "made with our own group"));
	assert_int_equal(stat(sock_a, &st), 0);
	assert_int_equal(st.st_gid, NOBODY);
	assert_int_equal(st.st_mode & 07777, 0660);
	world_end(&w);
}

/* A second QEMU for the VM is sent away with what makes it exit; the first stays. */
static void test_second_qemu(void **state)
{
	struct sim_session *a = world_enter(&w, "a", "lab", "user");
	struct sim_session *b = world_listen(&w, "b", "lab", "data");
	struct sim_connect c = { .service = "data",
				 .ring_tx = 4096,
				 .ring_rx = 4096 };
	struct sim_channel *at_a, *at_b;
	struct sim_guest *g;
	int err, sock;

	(void)state;
	world_pair(&w, a, b->g, &c, &at_a, &at_b);
	world_mark(&w);
	g = sim_guest_open(sock_a, w.anchors, &err);
	assert_null(g);
	assert_int_equal(err, -EPROTONOSUPPORT);
	world_refused(&w, "dup_identity", EADDRINUSE, "lab/a", NULL,
		      "dup_identity");
	/* a wrong version, and nothing else: QEMU hangs if it is closed before */
	sock = client_dial(sock_a);
	client_expect(sock, 1, false);
	assert_int_equal(client_read(sock, &(struct client_msg){ 0 },
				     CLIENT_WAIT_MS),
			 -1);
	close(sock);
	world_talk(&w, at_a, at_b);
	world_end(&w);
}

static void test_attach_rate(void **state)
{
	struct sim_guest *g;
	char path[PATH_MAX];
	int i, err;

	(void)state;
	for (i = 0; i < 20; i++) {
		g = world_attach(&w, "r", "lab");
		world_leave(&w, g, false);
	}
	world_mark(&w);
	g = sim_guest_open(world_socket(&w, path, "r", "lab"), w.anchors, &err);
	assert_null(g);
	assert_int_equal(err, -EPROTONOSUPPORT);
	world_refused(&w, "quota", EAGAIN, "lab/r", NULL, "rate");
	control();
	world_end(&w);
}

/* ------------------------------------------------------------------ rogue clients */

static void send_fds(int sock, const void *bytes, size_t len, int count)
{
	char room[CMSG_SPACE(250 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes,
			     .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	int i;

	if (count) {
		msg.msg_control = room;
		msg.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		for (i = 0; i < count; i++)
			memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &sock,
			       sizeof(int));
	}
	assert_int_equal(sendmsg(sock, &msg, MSG_NOSIGNAL), len);
}

/* No QEMU ever says anything: who does is disconnected, whatever it was. */
static void test_client_speaks(void **state)
{
	static const struct {
		size_t bytes;
		int fds;
	} say[] = { { 1, 0 }, { 8, 0 }, { 5, 3 }, { 1, 250 }, { 4096, 1 } };
	static const u8 bytes[4096];
	unsigned int fds = world_fds(&w);
	struct client_msg m;
	size_t i;
	int sock;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(say); i++) {
		world_mark(&w);
		sock = client_dial(sock_a);
		client_expect(sock, 0, false);
		send_fds(sock, bytes, say[i].bytes, say[i].fds);
		while (client_read(sock, &m, CLIENT_WAIT_MS) == 1)
			if (m.fd >= 0)
				close(m.fd);
		close(sock);
		world_refused(&w, "client_spoke", EPROTO, "lab/a", NULL,
			      "type");
		assert_int_equal(world_count(&w, "vms", "vm", "a"), 1);
		assert_int_equal(world_fds(&w), fds);
	}
	control();
	world_end(&w);
}

static void swallow(int sock, size_t want)
{
	char room[CMSG_SPACE(64 * sizeof(int))];
	u8 bytes[HELLO_LEN];

	while (want) {
		struct iovec iov = { .iov_base = bytes, .iov_len = want };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = room,
				      .msg_controllen = sizeof(room) };
		ssize_t n = recvmsg(sock, &msg, 0);
		struct cmsghdr *c;

		if (n <= 0)
			return;
		for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
			close(fd);
		}
		want -= (size_t)n;
	}
}

/* The sanitizer keeps what was freed: there it says nothing. */
static long resident_pages(void)
{
	char path[64];
	long size = 0, pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)w.pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &pages), 2);
	fclose(f);
#ifdef __SANITIZE_ADDRESS__
	return 0;
#else
	return pages;
#endif
}

/* Gone after each byte of the set-up, a thousand times. */
static void test_half_way(void **state)
{
	unsigned int fds = world_fds(&w), i;
	long pages = 0;

	(void)state;
	for (i = 0; i < CYCLES; i++) {
		int sock = client_dial(sock_a);

		swallow(sock, i % (HELLO_LEN + 1));
		close(sock);
		if (i == CYCLES / 4)
			pages = resident_pages();
		if (i % 100 == 0)
			assert_int_equal(world_region(&w, "numbers_burned"), 0);
	}
	world_must(&w, world_fds(&w) == fds);
	assert_in_range(resident_pages(), 0, pages + 256); /* 1 MiB */
	control();
	world_end(&w);
}

/* Many at once: one is let in, the others are sent away or closed. */
static void test_crowd(void **state)
{
	unsigned int fds = world_fds(&w), in = 0, i;
	struct client_msg m;
	int sock[CROWD];

	(void)state;
	for (i = 0; i < CROWD; i++)
		sock[i] = client_dial(sock_a);
	for (i = 0; i < CROWD; i++)
		if (client_read(sock[i], &m, CLIENT_WAIT_MS) == 1 && !m.value)
			in++;
	assert_int_equal(in, 1);
	for (i = 0; i < CROWD; i++)
		close(sock[i]);
	world_must(&w, world_fds(&w) == fds);
	control();
	world_end(&w);
}

/* ------------------------------------------------------------------------- memory */

static void test_memory(void **state)
{
	struct sim_guest *g = world_attach(&w, "a", "lab");
	char path[64], name[PATH_MAX];
	struct stat st;
	ssize_t n;

	(void)state;
	assert_int_equal(fstat(g->at.shm, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 4 << 20);
	/* every page is there: nothing can run out later */
	assert_true(st.st_blocks * 512 >= st.st_size);
	assert_int_equal(fcntl(g->at.shm, F_GET_SEALS) &
				 (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	assert_int_equal(ftruncate(g->at.shm, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(g->at.shm, 8 << 20), -1);
	assert_int_equal(errno, EPERM);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", g->at.shm);
	n = readlink(path, name, sizeof(name) - 1);
	assert_true(n > 0);
	name[n] = '\0';
	assert_non_null(strstr(name, "memfd:"));
	/* a member may punch it full of holes: the others read zeros, and nobody dies */
	assert_int_equal(fallocate(g->at.shm,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, 4 << 20),
			 0);
	assert_int_equal(world_count(&w, "vms", "region", "lab"), 3);
	world_leave(&w, g, false);
	world_end(&w);
}

/* ------------------------------------------------------------------------- start */

/* It refuses, says why, and leaves what it found as it was. */
static void no_start(const char *why)
{
	assert_int_equal(world_run(&w, "sivshmemd", NULL, NULL), 1);
	if (!world_said(&w, why))
		fail_msg("it did not say \"%s\"", why);
}

static void test_files_of_others(void **state)
{
	static const char *const readable[] = { "policy.ini", "ca.crt",
						"lab.crt" };
	char path[PATH_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(readable); i++) {
		assert_int_equal(chmod(world_path(&w, path, readable[i]), 0620),
				 0);
		no_start("can be written by others");
		assert_int_equal(chmod(path, 0600), 0);
	}
	assert_int_equal(chmod(world_path(&w, path, "lab.key"), 0644), 0);
	no_start("can be read by others");
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(w.dir, 0777), 0);
	no_start("can be written by others");
	assert_int_equal(chmod(w.dir, 0700), 0);
	world_start(&w, "sivshmemd");
	control();
	world_end(&w);
}

static void test_way_is_blocked(void **state)
{
	char dir[PATH_MAX], path[PATH_MAX], text[8] = { 0 };
	FILE *f;

	(void)state;
	assert_int_equal(mkdir(world_path(&w, dir, "run"), 0755), 0);
	assert_int_equal(mkdir(world_path(&w, path, "run/a"), 0710), 0);
	f = fopen(sock_a, "we");
	assert_non_null(f);
	fputs("mine", f);
	fclose(f);
	no_start("not a socket of ours");
	f = fopen(sock_a, "re");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_string_equal(text, "mine");
	assert_int_equal(remove(sock_a), 0);
	/* a link to where others are */
	assert_int_equal(symlink("/tmp", sock_a), 0);
	no_start("not a socket of ours");
	assert_int_equal(remove(sock_a), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	no_start("not a directory");
	assert_int_equal(remove(path), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	no_start("can be written by others");
	assert_int_equal(chmod(dir, 0755), 0);
	/* what a daemon that was killed has left is in nobody's way */
	world_start(&w, "sivshmemd");
	kill(w.pid, SIGSTOP);
	kill(w.pid, SIGKILL);
	waitpid(w.pid, NULL, 0);
	close(w.control);
	world_start(&w, "sivshmemd");
	/* but a second one is */
	no_start("another daemon listens there");
	control();
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define COLD(f) cmocka_unit_test_setup_teardown(f, make, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_another_user),    CASE(test_second_qemu),
		CASE(test_attach_rate),	    CASE(test_client_speaks),
		CASE(test_half_way),	    CASE(test_crowd),
		CASE(test_memory),	    COLD(test_directory_of_a_user),
		COLD(test_files_of_others), COLD(test_way_is_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
