// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a socket that the service manager has made and passed is served as it is: who
 * connected before the daemon was there is answered, the user is checked as on any other,
 * it outlives the daemon and a reload that takes its VM away; what was not passed the
 * daemon makes itself, and a socket that is nobody's is not served.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "world.h"

#define REGION(members)                                          \
	"[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\n" \
	"members = " members "\n"
#define VM_B "[vm b]\nuser = self\n"
#define SERVICE "[service lab/b/data]\nclients = a\n"

static const char policy[] = REGION("a b") "[vm a]\nuser = self\n" VM_B SERVICE;

static struct world w;

/* As the manager does it: directory and socket are there before the daemon. */
static ino_t make_socket(const char *dir, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char path[PATH_MAX];
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	mkdir(world_path(&w, path, "run"), 0755);
	mkdir(world_path(&w, path, dir), 0710);
	world_path(&w, path, name);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.100s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(stat(path, &st), 0);
	w.passed[w.passed_count++] = fd;
	return st.st_ino;
}

static ino_t inode(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return stat(world_path(&w, path, name), &st) ? 0 : st.st_ino;
}

static int setup(void **state)
{
	static const char *const regions[] = { "lab", NULL };

	(void)state;
	alarm(600); /* a socket that nobody serves looks as one that is slow */
	world_make(&w, regions, policy);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	while (w.passed_count)
		close(w.passed[--w.passed_count]);
	world_abandon(&w);
	return 0;
}

static void talk(void)
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

static void test_served(void **state)
{
	ino_t a = make_socket("run/a", "run/a/lab.sock");
	ino_t control = make_socket("run", "run/control.sock");
	ino_t stray = make_socket("run/a", "run/a/other.sock");
	char path[PATH_MAX];
	int early, other;

	(void)state;
	early = client_dial(world_socket(&w, path, "a", "lab"));
	other = client_dial(world_socket(&w, path, "a", "other"));
	world_start(&w, "sivshmemd");
	/* the one who was there first; b's socket is the daemon's own */
	client_expect(early, 0, false);
	close(early);
	assert_true(client_silent(other, 100));
	close(other);
	assert_true(inode("run/b/lab.sock"));
	talk();
	assert_int_equal(inode("run/a/lab.sock"), a);
	/* the VM goes and comes again */
	world_change(&w, REGION("b") VM_B);
	assert_int_equal(inode("run/a/lab.sock"), a);
	world_change(&w, policy);
	talk();
	world_stop(&w);
	/* the helper needs a moment to see that the daemon has gone */
	while (inode("run/b/lab.sock"))
		usleep(1000);
	assert_int_equal(inode("run/a/lab.sock"), a);
	assert_int_equal(inode("run/control.sock"), control);
	assert_int_equal(inode("run/a/other.sock"), stray);
	/* and the next daemon takes it over as it is */
	world_start(&w, "sivshmemd");
	talk();
	world_stop(&w);
}

/* A passed socket does not open a door: the policy's user still decides. */
static void test_user(void **state)
{
	struct client_msg m;
	char path[PATH_MAX];
	int sock;

	(void)state;
	world_policy(&w, REGION("a b") "[vm a]\nuser = 65534\n" VM_B SERVICE);
	make_socket("run/a", "run/a/lab.sock");
	world_start(&w, "sivshmemd");
	sock = client_dial(world_socket(&w, path, "a", "lab"));
	assert_int_equal(client_read(sock, &m, CLIENT_WAIT_MS), -1);
	close(sock);
	world_refused(&w, "peer_denied", EACCES, "lab/a", NULL, NULL);
	world_stop(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_served),
		CASE(test_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
