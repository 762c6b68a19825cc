// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: whatever the driver answers, the library gives it back as the errno that it is and
 * leaves nothing half done: no handle, no open channel, no window stays after a call that
 * failed; a channel whose mapping failed can still be used by copying; what belongs to a
 * channel is refused on a listener; a connect that does not wait ends as the driver says;
 * timeouts are kept; a peer that breaks the ring is told so once.
 *
 * Both ends are this process, on the driver of fake-driver.c, between which and the library
 * stand the calls below that can fail or say something else.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "libsivshmem/internal.h"

#define NOTHING ((struct ivshmem *)-1)

/* What goes wrong next, in this thread: the call after @skip others fails with @error. */
static __thread struct {
	unsigned long cmd;
	unsigned int skip;
	int error;
	void (*info)(struct sivshmem_info *i);
	int mmap_error;
	unsigned int mmap_skip;
	int poll_error;
	bool poll_says_ready;
	int fcntl_error;
	bool no_memory;
	unsigned int shutdowns;
} fault;

int __real_ioctl(int fd, unsigned long cmd, void *arg);
int __wrap_ioctl(int fd, unsigned long cmd, void *arg);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off);
int __real_poll(struct pollfd *p, nfds_t n, int ms);
int __wrap_poll(struct pollfd *p, nfds_t n, int ms);
int __real_fcntl(int fd, int cmd, long arg);
int __wrap_fcntl(int fd, int cmd, long arg);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

int __wrap_ioctl(int fd, unsigned long cmd, void *arg)
{
	int r;

	fault.shutdowns += cmd == SIVSHMEM_SHUTDOWN;
	if (fault.error && cmd == fault.cmd && !fault.skip--) {
		errno = fault.error;
		fault.error = 0;
		return -1;
	}
	r = __real_ioctl(fd, cmd, arg);
	if (fault.info && cmd == SIVSHMEM_INFO)
		fault.info(arg);
	return r;
}

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	if (fault.mmap_error && !fault.mmap_skip--) {
		errno = fault.mmap_error;
		fault.mmap_error = 0;
		return MAP_FAILED;
	}
	return __real_mmap(at, len, prot, flags, fd, off);
}

int __wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	if (fault.poll_error) {
		errno = fault.poll_error;
		return -1;
	}
	return fault.poll_says_ready ? 1 : __real_poll(p, n, ms);
}

int __wrap_fcntl(int fd, int cmd, long arg)
{
	if (fault.fcntl_error) {
		errno = fault.fcntl_error;
		return -1;
	}
	return __real_fcntl(fd, cmd, arg);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return fault.no_memory ? NULL : __real_aligned_alloc(align, size);
}

static void ioctl_fails(unsigned long cmd, unsigned int skip, int error)
{
	memset(&fault, 0, sizeof(fault));
	fault.cmd = cmd;
	fault.skip = skip;
	fault.error = error;
}

static void all_is_well(void)
{
	memset(&fault, 0, sizeof(fault));
}

/* -------------------------------------------------------------------- two ends */

static char dir[32];
static struct ivshmem *ls;

static void *accept_one(void *arg)
{
	struct ivshmem *ch = NULL;

	(void)arg;
	return ivshmem_accept(ls, &ch) ? NULL : ch;
}

/* Connect, and what came of it; the other end is @peer, if it was accepted. */
static int dial(uint32_t flags, struct ivshmem **ch, struct ivshmem **peer)
{
	struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;
	pthread_t other;
	void *got;
	int r;

	o.identity = "caller";
	o.flags = flags;
	assert_int_equal(pthread_create(&other, NULL, accept_one, NULL), 0);
	r = ivshmem_connect("service", &o, ch);
	pthread_join(other, &got);
	*peer = got;
	assert_non_null(got);
	return r;
}

static void close_both(struct ivshmem *a, struct ivshmem *b)
{
	ivshmem_close(a);
	ivshmem_close(b);
}

/* Sockets that are open: the fake driver's channels and listeners. */
static unsigned int sockets(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;
	struct dirent *e;
	char to[64];
	ssize_t len;

	assert_non_null(d);
	while ((e = readdir(d))) {
		len = readlinkat(dirfd(d), e->d_name, to, sizeof(to));
		n += len > 7 && !memcmp(to, "socket:", 7);
	}
	closedir(d);
	return n;
}

static int group_setup(void **state)
{
	struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;

	(void)state;
	strcpy(dir, "/tmp/siv-lib-calls-XXXXXX");
	assert_non_null(mkdtemp(dir));
	setenv("FAKE_DRIVER", dir, 1);
	o.identity = "service";
	return ivshmem_listen(&o, &ls);
}

static int group_teardown(void **state)
{
	char path[64];

	(void)state;
	ivshmem_close(ls);
	snprintf(path, sizeof(path), "%s/service", dir);
	unlink(path);
	return rmdir(dir);
}

static int teardown(void **state)
{
	(void)state;
	all_is_well();
	return 0;
}

/* ----------------------------------------------------------------- connecting */

/* Each way in which a connect fails after the driver has made a channel. */
static void connect_fails(void **state)
{
	unsigned int before = sockets(), i;
	struct ivshmem *ch = NOTHING, *peer;

	(void)state;
	ioctl_fails(SIVSHMEM_INFO, 0, EIO);
	assert_int_equal(dial(0, &ch, &peer), -EIO);
	ivshmem_close(peer);
	/* and with windows: the second INFO, and each of the four mappings */
	ioctl_fails(SIVSHMEM_INFO, 1, EACCES);
	assert_int_equal(dial(IVSHMEM_ZEROCOPY, &ch, &peer), -EACCES);
	ivshmem_close(peer);
	for (i = 0; i < SIVSHMEM_WINDOWS; i++) {
		all_is_well();
		fault.mmap_error = ENOMEM;
		fault.mmap_skip = i;
		assert_int_equal(dial(IVSHMEM_ZEROCOPY, &ch, &peer), -ENOMEM);
		ivshmem_close(peer);
	}
	all_is_well();
	fault.no_memory = true;
	assert_int_equal(dial(0, &ch, &peer), -ENOMEM);
	ivshmem_close(peer);
	all_is_well();
	fault.fcntl_error = EBADF;
	assert_int_equal(dial(IVSHMEM_NONBLOCK, &ch, &peer), -EBADF);
	all_is_well();
	ivshmem_close(peer);
	assert_ptr_equal(ch, NOTHING);
	assert_int_equal(sockets(), before);
}

static void connect_refused(void **state)
{
	struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;
	unsigned int before = sockets();
	struct ivshmem *ch = NOTHING;

	(void)state;
	o.identity = "caller";
	assert_int_equal(ivshmem_connect("nowhere", &o, &ch), -ECONNREFUSED);
	ioctl_fails(SIVSHMEM_CONNECT, 0, EKEYEXPIRED);
	assert_int_equal(ivshmem_connect("service", &o, &ch), -EKEYEXPIRED);
	o.identity = "nobody";
	assert_int_equal(ivshmem_connect("service", &o, &ch), -ENOKEY);
	assert_int_equal(ivshmem_listen(&o, &ch), -ENOKEY);
	o.identity = "service";
	assert_int_equal(ivshmem_listen(&o, &ch), -EADDRINUSE);
	assert_ptr_equal(ch, NOTHING);
	assert_int_equal(sockets(), before);
}

static int said_state, said_error;

static void say(struct sivshmem_info *i)
{
	i->state = (uint32_t)said_state;
	i->error = (uint32_t)said_error;
}

static void connect_without_waiting(void **state)
{
	struct ivshmem *ch, *peer;
	struct ivshmem_peer p = { .size = sizeof(p) };

	(void)state;
	assert_int_equal(dial(IVSHMEM_NONBLOCK | IVSHMEM_ZEROCOPY, &ch, &peer),
			 0);
	assert_int_equal(ivshmem_max_record(ch), 0);
	fault.info = say;
	said_state = SIVSHMEM_CONNECTING;
	assert_int_equal(ivshmem_connect_finish(ch), -EINPROGRESS);
	/* nothing is known of the peer, and nothing can be mapped */
	assert_int_equal(ivshmem_peer(ch, &p), -EPERM);
	assert_int_equal(ivshmem_map(ch), -EPERM);
	said_error = ECONNREFUSED;
	assert_int_equal(ivshmem_connect_finish(ch), -ECONNREFUSED);
	said_error = 0;
	ioctl_fails(SIVSHMEM_INFO, 0, ENODEV);
	assert_int_equal(ivshmem_connect_finish(ch), -ENODEV);
	assert_int_equal(ivshmem_max_record(ch), 0);
	all_is_well();
	assert_int_equal(ivshmem_connect_finish(ch), 0);
	assert_true(ivshmem_max_record(ch) > 0);
	assert_int_equal(ch->mode, MODE_MAP);
	assert_int_equal(ivshmem_connect_finish(ch), 0);
	close_both(ch, peer);
}

static void accept_fails(void **state)
{
	unsigned int before = sockets();
	struct ivshmem *ch = NOTHING, *a, *b;

	(void)state;
	ioctl_fails(SIVSHMEM_ACCEPT, 0, EKEYREVOKED);
	assert_int_equal(ivshmem_accept(ls, &ch), -EKEYREVOKED);
	assert_int_equal(ivshmem_set_timeouts(ls, -1, 50), 0);
	assert_int_equal(ivshmem_accept(ls, &ch), -ETIMEDOUT);
	assert_int_equal(ivshmem_set_timeouts(ls, -1, 0), 0);
	assert_int_equal(ivshmem_accept(ls, &ch), -EAGAIN);
	assert_int_equal(ivshmem_set_timeouts(ls, -1, -1), 0);
	/* of a channel there is nothing to accept */
	assert_int_equal(dial(0, &a, &b), 0);
	assert_int_equal(ivshmem_accept(a, &ch), -EINVAL);
	assert_ptr_equal(ch, NOTHING);
	close_both(a, b);
	assert_int_equal(sockets(), before);
}

/* ------------------------------------------------------------------- handles */

static void not_of_a_listener(void **state)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	struct ivshmem_peer p = { .size = sizeof(p) };
	const void *from;
	void *to;

	(void)state;
	assert_int_equal(ivshmem_connect_finish(ls), -EINVAL);
	assert_int_equal(ivshmem_send(ls, "x", 1), -EINVAL);
	assert_int_equal(ivshmem_recv(ls, &i, 1), -EINVAL);
	assert_int_equal(ivshmem_shutdown(ls, SIVSHMEM_SHUT_WR), -EINVAL);
	assert_int_equal(ivshmem_info(ls, &i), -EINVAL);
	assert_int_equal(ivshmem_peer(ls, &p), -EINVAL);
	assert_int_equal(ivshmem_map(ls), -EINVAL);
	assert_int_equal(ivshmem_reserve(ls, 1, &to), -EINVAL);
	assert_int_equal(ivshmem_peek(ls, &from), -EINVAL);
	assert_int_equal(ivshmem_commit(ls, 1), -EINVAL);
	assert_int_equal(ivshmem_release(ls), -EINVAL);
}

static void nameless(struct sivshmem_info *i)
{
	i->peer_service[0] = 0;
}

static void what_is_known(void **state)
{
	struct sivshmem_info i = { .size = sizeof(i.size) - 1 };
	struct ivshmem_peer p = { .size = sizeof(p) };
	struct ivshmem *a, *b;

	(void)state;
	assert_int_equal(dial(0, &a, &b), 0);
	assert_int_equal(ivshmem_info(a, &i), -EINVAL);
	assert_int_equal(ivshmem_peer(a, &p), 0);
	assert_string_equal(p.service, "service");
	assert_int_equal(ivshmem_peer(b, &p), 0);
	assert_string_equal(p.service, "caller");
	ioctl_fails(SIVSHMEM_INFO, 0, ENODEV);
	assert_int_equal(ivshmem_peer(a, &p), -ENODEV);
	fault.info = nameless;
	assert_int_equal(ivshmem_peer(a, &p), -EPERM);
	p.size = sizeof(p) - 1;
	assert_int_equal(ivshmem_peer(a, &p), -EINVAL);
	/* only a failure of the driver could change how it waits */
	all_is_well();
	fault.fcntl_error = EIO;
	assert_int_equal(ivshmem_set_timeouts(a, 0, 0), -EIO);
	all_is_well();
	close_both(a, b);
}

/* The descriptor is the library's on success, and the caller's on failure. */
static void from_descriptors(void **state)
{
	struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;
	struct ivshmem *a, *b, *ch = NOTHING;
	int fd;

	(void)state;
	assert_int_equal(dial(0, &a, &b), 0);
	fd = ivshmem_fd(a);
	o.flags = IVSHMEM_ZEROCOPY;
	/* the copy of the descriptor is none of the fake driver's */
	assert_int_equal(ivshmem_from_fd(fd, &o, &ch), -ENOTTY);
	fault.fcntl_error = EMFILE;
	assert_int_equal(ivshmem_from_fd(fd, NULL, &ch), -EMFILE);
	all_is_well();
	fault.no_memory = true;
	assert_int_equal(ivshmem_from_fd(fd, NULL, &ch), -ENOMEM);
	all_is_well();
	assert_ptr_equal(ch, NOTHING);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	/* one that is not open yet says its size later */
	fault.info = say;
	said_state = SIVSHMEM_CONNECTING;
	assert_int_equal(ivshmem_from_fd(fd, NULL, &ch), 0);
	all_is_well();
	assert_int_equal(ivshmem_max_record(ch), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_true(fcntl(ivshmem_fd(ch), F_GETFD) >= 0);
	ivshmem_close(ch);
	ivshmem_close(a);
	assert_int_equal(dial(0, &a, &ch), 0);
	close_both(a, ch);
	ivshmem_close(b);
}

/* -------------------------------------------------------------------- mapping */

static void no_power_of_two(struct sivshmem_info *i)
{
	i->ring_tx = 3 * 4096;
	i->window[SIVSHMEM_WIN_TX].length = 2 * i->ring_tx;
}

static void tiny(struct sivshmem_info *i)
{
	i->ring_rx = 32;
	i->window[SIVSHMEM_WIN_RX].length = 2 * i->ring_rx;
}

static void short_window(struct sivshmem_info *i)
{
	i->window[SIVSHMEM_WIN_TX].length -= 1;
}

static void short_rx(struct sivshmem_info *i)
{
	i->window[SIVSHMEM_WIN_RX].length /= 2;
}

static void no_side(struct sivshmem_info *i)
{
	i->window[SIVSHMEM_WIN_CTL_OWN].length = 64;
}

static void no_peer_side(struct sivshmem_info *i)
{
	i->window[SIVSHMEM_WIN_CTL_PEER].length = 64;
}

static const struct {
	void (*info)(struct sivshmem_info *i);
	int error;
} unfit[] = {
	{ no_power_of_two, -EINVAL },	    { tiny, -EINVAL },
	{ short_window, -EPROTONOSUPPORT }, { short_rx, -EPROTONOSUPPORT },
	{ no_side, -EPROTONOSUPPORT },	    { no_peer_side, -EPROTONOSUPPORT },
};

static void unmapped(const struct ivshmem *ch)
{
	assert_int_equal(ch->mode, MODE_NONE);
	for (unsigned int i = 0; i < SIVSHMEM_WINDOWS; i++)
		assert_int_equal(ch->window_len[i], 0);
}

static void mapping_fails(void **state)
{
	struct ivshmem *a, *b;
	const void *from;
	char got[4];
	void *to;

	(void)state;
	assert_int_equal(dial(IVSHMEM_SEALED, &a, &b), 0);
	assert_int_equal(ivshmem_map(a), -EOPNOTSUPP);
	unmapped(a);
	ioctl_fails(SIVSHMEM_INFO, 0, ENODEV);
	assert_int_equal(ivshmem_map(a), -ENODEV);
	assert_int_equal(ivshmem_reserve(a, 1, &to), -EOPNOTSUPP);
	assert_int_equal(ivshmem_peek(a, &from), -EOPNOTSUPP);
	assert_int_equal(ivshmem_commit(a, 1), -EINVAL);
	assert_int_equal(ivshmem_release(a), -EINVAL);
	/* by copying it goes on, and then the other way is closed */
	assert_int_equal(ivshmem_send(a, "abc", 4), 4);
	assert_int_equal(ivshmem_recv(b, got, sizeof(got)), 4);
	assert_string_equal(got, "abc");
	assert_int_equal(ivshmem_map(a), -EBUSY);
	assert_int_equal(ivshmem_reserve(a, 1, &to), -EBUSY);
	close_both(a, b);
	for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
		assert_int_equal(dial(0, &a, &b), 0);
		fault.info = unfit[i].info;
		assert_int_equal(ivshmem_map(a), unfit[i].error);
		unmapped(a);
		all_is_well();
		close_both(a, b);
	}
}

static void records_in_place(void **state)
{
	struct ivshmem *a, *b;
	const void *from;
	void *to;

	(void)state;
	assert_int_equal(dial(IVSHMEM_ZEROCOPY, &a, &b), 0);
	assert_int_equal(ivshmem_reserve(a, 6, &to), 0);
	memcpy(to, "hello", 6);
	assert_int_equal(ivshmem_commit(a, 7), -EINVAL);
	assert_int_equal(ivshmem_commit(a, 6), 0);
	assert_int_equal(ivshmem_peek(b, &from), 6);
	assert_string_equal(from, "hello");
	/* until it is released it is the same one */
	assert_int_equal(ivshmem_peek(b, &from), 6);
	assert_int_equal(ivshmem_release(b), 0);
	assert_int_equal(ivshmem_release(b), -EINVAL);
	/* either way of using it counts in a mapped channel */
	assert_int_equal(ivshmem_send(b, "yes", 4), 4);
	assert_int_equal(ivshmem_recv(a, to = (char[4]){ 0 }, 3), -EMSGSIZE);
	assert_int_equal(ivshmem_recv(a, to, 4), 4);
	assert_string_equal(to, "yes");
	ivshmem_set_spin(a, 0);
	assert_int_equal(ivshmem_set_timeouts(a, 0, 0), 0);
	assert_int_equal(ivshmem_recv(a, to, 4), -EAGAIN);
	assert_int_equal(ivshmem_shutdown(b, SIVSHMEM_SHUT_WR), 0);
	assert_int_equal(ivshmem_recv(a, to, 4), 0);
	assert_int_equal(ivshmem_send(b, "no", 3), -EPIPE);
	close_both(a, b);
}

/* A position that cannot be: -EPROTO from there on, and one shutdown tells of it. */
static void peer_breaks_the_ring(void **state)
{
	struct ivshmem *a, *b;
	struct siv_side *side;
	const void *from;
	char got[8];
	void *to;

	(void)state;
	assert_int_equal(dial(IVSHMEM_ZEROCOPY, &a, &b), 0);
	assert_int_equal(ivshmem_map(b), 0);
	side = b->window[SIVSHMEM_WIN_CTL_OWN];
	side->prod = (u64)1 << 40;
	all_is_well();
	assert_int_equal(ivshmem_recv(a, got, sizeof(got)), -EPROTO);
	assert_int_equal(fault.shutdowns, 1);
	assert_int_equal(ivshmem_recv(a, got, sizeof(got)), -EPROTO);
	assert_int_equal(ivshmem_peek(a, &from), -EPROTO);
	assert_int_equal(fault.shutdowns, 1);
	side->cons = (u64)1 << 40;
	assert_int_equal(ivshmem_reserve(a, ivshmem_max_record(a), &to),
			 -EPROTO);
	assert_int_equal(fault.shutdowns, 1);
	close_both(a, b);
}

/* One that was so when we came is not mapped at all. */
static void ring_is_broken_already(void **state)
{
	struct ivshmem *a, *b;
	struct siv_side *side;

	(void)state;
	assert_int_equal(dial(0, &a, &b), 0);
	assert_int_equal(ivshmem_map(b), 0);
	side = b->window[SIVSHMEM_WIN_CTL_OWN];
	side->prod = 8;
	side->cons = (u64)1 << 40;
	assert_int_equal(ivshmem_map(a), -EPROTO);
	unmapped(a);
	close_both(a, b);
}

/* ------------------------------------------------------------------- timeouts */

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void timeouts_by_copying(void **state)
{
	struct ivshmem *a, *b;
	char block[4096] = { 0 };
	ssize_t n;
	long t0;

	(void)state;
	assert_int_equal(dial(0, &a, &b), 0);
	assert_int_equal(ivshmem_set_timeouts(a, 60, 60), 0);
	t0 = now_ms();
	assert_int_equal(ivshmem_recv(a, block, 1), -ETIMEDOUT);
	assert_in_range(now_ms() - t0, 60, 60000);
	/* also where poll() says each time that it is worth trying */
	fault.poll_says_ready = true;
	t0 = now_ms();
	assert_int_equal(ivshmem_recv(a, block, 1), -ETIMEDOUT);
	assert_in_range(now_ms() - t0, 59, 60000);
	all_is_well();
	do {
		n = ivshmem_send(a, block, sizeof(block));
	} while (n > 0);
	assert_int_equal(n, -ETIMEDOUT);
	fault.poll_error = EINTR;
	assert_int_equal(ivshmem_recv(a, block, 1), -EINTR);
	assert_int_equal(ivshmem_send(a, block, 1), -EINTR);
	all_is_well();
	/* without end: what comes is there at once */
	assert_int_equal(ivshmem_set_timeouts(a, 0, -1), 0);
	assert_int_equal(ivshmem_send(a, block, sizeof(block)), -EAGAIN);
	assert_int_equal(ivshmem_send(b, "x", 1), 1);
	assert_int_equal(ivshmem_recv(a, block, sizeof(block)), 1);
	assert_int_equal(ivshmem_set_timeouts(a, -1, 0), 0);
	assert_int_equal(ivshmem_recv(a, block, 1), -EAGAIN);
	assert_int_equal(ivshmem_send(b, "xyz", 3), 3);
	assert_int_equal(ivshmem_recv(a, block, 1), -EMSGSIZE);
	assert_int_equal(ivshmem_send(a, block, 1 << 30), -EMSGSIZE);
	close_both(a, b);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = {
		CASE(connect_fails),	       CASE(connect_refused),
		CASE(connect_without_waiting), CASE(accept_fails),
		CASE(not_of_a_listener),       CASE(what_is_known),
		CASE(from_descriptors),	       CASE(mapping_fails),
		CASE(records_in_place),	       CASE(peer_breaks_the_ring),
		CASE(ring_is_broken_already),  CASE(timeouts_by_copying),
	};

	alarm(600); /* a call that never returns has failed */
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
