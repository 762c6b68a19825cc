// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: in a vanilla region the daemon is QEMU's own ivshmem server, message for message:
 * version, number, memory, the others' eventfds, the own ones; each of the others is told
 * of a new peer, and once of its departure; but no number is given twice. The memory is
 * shared and unprotected.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "world.h"

enum {
	VECTORS = 3,
	SIZE = 1 << 20,
};

static const char policy[] =
	"[region bare]\nsize = 1M\nmode = vanilla\nmembers = a b c\n"
	"[vm a]\nuser = self\nvectors = 3\n"
	"[vm b]\nuser = self\nvectors = 3\n"
	"[vm c]\nuser = self\nvectors = 3\nattach_rate = 1\n";

static struct world w;

struct peer {
	int sock;
	s64 number;
	u8 *mem;
	int own[VECTORS];
};

static int setup(void **state)
{
	static const char *const regions[] = { NULL };

	(void)state;
	world_begin(&w, "sivshmemd", regions, policy);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_abandon(&w);
	return 0;
}

static void vectors(int sock, s64 number, int out[VECTORS])
{
	int i;

	for (i = 0; i < VECTORS; i++)
		out[i] = client_expect(sock, number, true);
}

/* Version, number, memory; the rest is the caller's to expect. */
static void attach(struct peer *p, const char *vm)
{
	struct client_msg m;
	char path[PATH_MAX];
	struct stat st;
	int fd;

	p->sock = client_dial(world_socket(&w, path, vm, "bare"));
	client_expect(p->sock, 0, false);
	assert_int_equal(client_read(p->sock, &m, CLIENT_WAIT_MS), 1);
	assert_int_equal(m.fd, -1);
	assert_in_range(m.value, 1, 65535);
	p->number = m.value;
	fd = client_expect(p->sock, -1, true);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, SIZE);
	p->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p->mem, MAP_FAILED);
	close(fd);
}

static void detach(struct peer *p)
{
	int i;

	for (i = 0; i < VECTORS; i++)
		close(p->own[i]);
	munmap(p->mem, SIZE);
	close(p->sock);
}

static void close_all(const int fds[VECTORS])
{
	int i;

	for (i = 0; i < VECTORS; i++)
		close(fds[i]);
}

static bool rung(int fd)
{
	eventfd_t n;
	int i;

	for (i = 0; i < 3; i++)
		if (!eventfd_read(fd, &n))
			return n == 1;
	return false;
}

static void test_protocol(void **state)
{
	int at_c[2][VECTORS], c_at[2][VECTORS];
	int b_at_a[VECTORS], a_at_b[VECTORS], i;
	struct peer a, b, c;

	(void)state;
	attach(&a, "a");
	vectors(a.sock, a.number, a.own);
	attach(&b, "b");
	/* the new one is told of the others first, then of itself */
	vectors(b.sock, a.number, a_at_b);
	vectors(b.sock, b.number, b.own);
	vectors(a.sock, b.number, b_at_a);
	attach(&c, "c");
	vectors(c.sock, a.number, at_c[0]);
	vectors(c.sock, b.number, at_c[1]);
	vectors(c.sock, c.number, c.own);
	vectors(a.sock, c.number, c_at[0]);
	vectors(b.sock, c.number, c_at[1]);
	assert_true(client_silent(a.sock, 50) && client_silent(b.sock, 0) &&
		    client_silent(c.sock, 0));
	/* vector k rings vector k, of that peer alone */
	for (i = 0; i < VECTORS; i++) {
		assert_false(eventfd_write(b_at_a[i], 1));
		assert_true(rung(b.own[i]));
		assert_false(eventfd_write(a_at_b[i], 1));
		assert_true(rung(a.own[i]));
		assert_false(eventfd_write(at_c[1][i], 1));
		assert_true(rung(b.own[i]));
	}
	/* one memory, and nothing of ours in it */
	assert_int_equal(a.mem[0] | a.mem[SIZE - 1], 0);
	memcpy(a.mem + 4096, "unprotected", 12);
	assert_memory_equal(c.mem + 4096, "unprotected", 12);
	/* a departure: the number without a descriptor, once */
	detach(&b);
	client_expect(a.sock, b.number, false);
	client_expect(c.sock, b.number, false);
	assert_true(client_silent(a.sock, 50) && client_silent(c.sock, 0));
	close_all(b_at_a);
	close_all(at_c[1]);
	/* and never again that number */
	i = (int)b.number;
	attach(&b, "b");
	assert_int_not_equal(b.number, i);
	close_all(a_at_b);
	close_all(c_at[1]);
	vectors(b.sock, a.number, a_at_b);
	vectors(b.sock, c.number, c_at[1]);
	vectors(b.sock, b.number, b.own);
	vectors(a.sock, b.number, b_at_a);
	assert_false(eventfd_write(b_at_a[1], 1));
	assert_true(rung(b.own[1]));
	close_all(a_at_b);
	close_all(b_at_a);
	close_all(c_at[0]);
	close_all(c_at[1]);
	close_all(at_c[0]);
	detach(&a);
	detach(&b);
	detach(&c);
	world_end(&w);
}

/* Restarts of one, another told of each, and no descriptor is left behind. */
static void test_restarts(void **state)
{
	struct peer a, b;
	unsigned int fds;
	int i, k;

	(void)state;
	attach(&a, "a");
	vectors(a.sock, a.number, a.own);
	fds = world_fds(&w);
	for (i = 0; i < 15; i++) {
		int theirs[VECTORS], ours[VECTORS];

		attach(&b, "b");
		vectors(b.sock, a.number, theirs);
		vectors(b.sock, b.number, b.own);
		vectors(a.sock, b.number, ours);
		detach(&b);
		client_expect(a.sock, b.number, false);
		for (k = 0; k < VECTORS; k++) {
			close(theirs[k]);
			close(ours[k]);
		}
	}
	assert_true(client_silent(a.sock, 20));
	assert_int_equal(world_fds(&w), fds);
	detach(&a);
	world_end(&w);
}

/* QEMU's own server has no such limit; but here too no number is given twice. */
static void test_attach_rate(void **state)
{
	char path[PATH_MAX];
	struct peer c;
	int i, sock;

	(void)state;
	for (i = 0; i < 20; i++) {
		attach(&c, "c");
		vectors(c.sock, c.number, c.own);
		detach(&c);
	}
	world_mark(&w);
	sock = client_dial(world_socket(&w, path, "c", "bare"));
	client_expect(sock, 1, false);
	close(sock);
	world_refused(&w, "quota", EAGAIN, "bare/c", NULL, "rate");
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_protocol),
		CASE(test_restarts),
		CASE(test_attach_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
