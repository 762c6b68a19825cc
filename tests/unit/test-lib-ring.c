// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: the library's mapped rings (libsivshmem/ring_map.c), on a memfd between two
 * processes, each of which can write only its own page and its own ring, carry records
 * of every size whole and in order, wake up without a healing time-out, ring only when
 * asked, honour timeouts and signals, end in order, and answer a hostile peer with
 * EPROTO for good, never with a byte outside the windows (guard pages around each).
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libsivshmem/ring_map.h"
#include <sivshmem/sivshmem.h>

enum {
	PAGE = 4096
};

/* The channel's memory: two side pages, ring A to B, ring B to A. */
struct channel {
	int memfd;
	u64 ab, ba;
	int bell[2]; /* rung for A, for B */
};

/* What a process has of it. */
struct end {
	struct ring_map map;
	struct ring_windows w;
	struct siv_side *own;
	int bell_own, bell_peer;
	unsigned long bells, sleeps;
};

static void channel_make(struct channel *c, u64 ab, u64 ba)
{
	c->ab = ab;
	c->ba = ba;
	c->memfd = memfd_create("ring", MFD_CLOEXEC);
	assert_true(c->memfd >= 0);
	assert_int_equal(ftruncate(c->memfd, (off_t)(2 * PAGE + ab + ba)), 0);
	for (int i = 0; i < 2; i++) {
		c->bell[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		assert_true(c->bell[i] >= 0);
	}
}

static void channel_drop(struct channel *c)
{
	close(c->memfd);
	close(c->bell[0]);
	close(c->bell[1]);
}

/* @copies of a window in a row, with a page before and behind that nobody may touch. */
static void *window(struct channel *c, u64 off, u64 len, int copies, int prot)
{
	u64 total = len * (u64)copies;
	u8 *at = mmap(NULL, total + 2 * PAGE, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	for (int i = 0; i < copies; i++)
		assert_ptr_not_equal(mmap(at + PAGE + len * (u64)i, len, prot,
					  MAP_SHARED | MAP_FIXED, c->memfd,
					  (off_t)off),
				     MAP_FAILED);
	return at + PAGE;
}

static bool reached(struct end *e, uint32_t what, uint64_t position)
{
	const struct siv_side *peer = e->w.peer;

	if (what == SIVSHMEM_WAIT_READ)
		return __atomic_load_n(&peer->prod, __ATOMIC_ACQUIRE) >=
			       position ||
		       siv_end_get(peer) & SIV_END_WR;
	return __atomic_load_n(&peer->cons, __ATOMIC_ACQUIRE) >= position ||
	       siv_end_get(peer) & SIV_END_RD;
}

/* What the driver's SIVSHMEM_WAIT does, without its healing re-check. */
static int end_wait(void *ctx, uint32_t what, uint64_t position, int timeout_ms)
{
	struct end *e = ctx;
	struct pollfd p = { .fd = e->bell_own, .events = POLLIN };
	eventfd_t n;
	int r;

	for (;;) {
		if (what == SIVSHMEM_WAIT_READ)
			WRITE_ONCE(e->own->want_prod, position);
		else
			WRITE_ONCE(e->own->want_cons, position);
		/* pairs with siv_tx_publish() and siv_rx_release() */
		virt_mb();
		if (reached(e, what, position))
			return 0;
		if (!timeout_ms)
			return -EAGAIN;
		e->sleeps++;
		r = poll(&p, 1, timeout_ms);
		if (r < 0)
			return -errno;
		if (!r)
			return -ETIMEDOUT;
		eventfd_read(e->bell_own, &n);
	}
}

static int end_bell(void *ctx)
{
	struct end *e = ctx;

	e->bells++;
	return eventfd_write(e->bell_peer, 1);
}

static const struct ring_map_ops ops = { .wait = end_wait, .bell = end_bell };

static int end_open(struct end *e, struct channel *c, bool b, uint32_t spin_us)
{
	u64 side = b ? PAGE : 0, other = b ? 0 : PAGE;
	u64 ab = 2 * PAGE, ba = 2 * PAGE + c->ab;

	memset(e, 0, sizeof(*e));
	e->own = window(c, side, PAGE, 1, PROT_READ | PROT_WRITE);
	e->w.own = e->own;
	e->w.peer = window(c, other, PAGE, 1, PROT_READ);
	e->w.tx_size = b ? c->ba : c->ab;
	e->w.rx_size = b ? c->ab : c->ba;
	e->w.tx =
		window(c, b ? ba : ab, e->w.tx_size, 2, PROT_READ | PROT_WRITE);
	e->w.rx = window(c, b ? ab : ba, e->w.rx_size, 2, PROT_READ);
	e->bell_own = c->bell[b];
	e->bell_peer = c->bell[!b];
	return siv_map_init(&e->map, &e->w, &ops, e, spin_us);
}

static void end_drop(struct end *e)
{
	munmap((u8 *)e->own - PAGE, 3 * PAGE);
	munmap((u8 *)(uintptr_t)e->w.peer - PAGE, 3 * PAGE);
	munmap((u8 *)e->w.tx - PAGE, 2 * e->w.tx_size + 2 * PAGE);
	munmap((u8 *)(uintptr_t)e->w.rx - PAGE, 2 * e->w.rx_size + 2 * PAGE);
}

/* SIVSHMEM_SHUTDOWN. */
static void end_shut(struct end *e, unsigned int marks)
{
	if (marks & SIV_END_WR)
		siv_map_end(&e->map);
	siv_end_set(e->own, marks);
	end_bell(e);
}

static void fill(u8 *p, size_t len, u32 tag)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (u8)(tag * 131 + i * 3 + (i >> 8));
}

static size_t some_len(u32 i, u64 max)
{
	if (i % 97 == 0)
		return max;
	if (i % 3 == 0)
		return 1 + i % 40;
	return 1 + (i * 2654435761u >> 3) % max;
}

/* The child: echoes until the end, then closes. Exits 0 if all calls did as they should. */
static void echo_child(struct channel *c, uint32_t spin_us)
{
	const void *in;
	struct end e;
	void *out;
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (end_open(&e, c, true, spin_us))
		_exit(2);
	while ((n = siv_map_peek(&e.map, -1, &in)) > 0) {
		if (siv_map_reserve(&e.map, (size_t)n, -1, &out))
			_exit(3);
		memcpy(out, in, (size_t)n);
		if (siv_map_commit(&e.map, (size_t)n) ||
		    siv_map_release(&e.map))
			_exit(4);
	}
	if (n)
		_exit(5);
	end_shut(&e, SIV_END_WR | SIV_END_RD);
	_exit(0);
}

static void echo_rounds(struct channel *c, uint32_t spin_us, u32 rounds)
{
	u64 max = siv_ring_max_record(c->ab < c->ba ? c->ab : c->ba);
	u8 *out = malloc(max), *in = malloc(max);
	struct end e;
	int status;
	pid_t pid;

	alarm(600);
	assert_true(out && in);
	assert_int_equal(end_open(&e, c, false, spin_us), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		echo_child(c, spin_us);
	for (u32 i = 0; i < rounds; i++) {
		size_t len = some_len(i, max);

		fill(out, len, i);
		assert_int_equal(siv_map_send(&e.map, out, len, -1), len);
		assert_int_equal(siv_map_recv(&e.map, in, max, -1), len);
		assert_memory_equal(out, in, len);
	}
	end_shut(&e, SIV_END_WR);
	assert_int_equal(siv_map_send(&e.map, out, 1, -1), -EPIPE);
	assert_int_equal(siv_map_recv(&e.map, in, max, -1), 0);
	assert_int_equal(siv_map_recv(&e.map, in, max, 0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	alarm(0);
	end_drop(&e);
	free(out);
	free(in);
}

static void echo_every_ring(void **state)
{
	static const u64 sizes[] = { 4096, 8192, 65536, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct channel c;

		channel_make(&c, sizes[i], sizes[ARRAY_SIZE(sizes) - 1 - i]);
		echo_rounds(&c,
			    i % 2 ? IVSHMEM_SPIN_NEVER : IVSHMEM_SPIN_DEFAULT,
			    1500);
		channel_drop(&c);
	}
}

/* Every length a 4 KiB ring can carry, each one followed by the next at once. */
static void every_length(void **state)
{
	struct channel c;
	struct end a, b;
	u8 out[2048], in[2048];

	(void)state;
	channel_make(&c, 4096, 4096);
	assert_int_equal(end_open(&a, &c, false, IVSHMEM_SPIN_NEVER), 0);
	assert_int_equal(end_open(&b, &c, true, IVSHMEM_SPIN_NEVER), 0);
	for (size_t len = 1; len <= 2040; len++) {
		fill(out, len, (u32)len);
		assert_int_equal(siv_map_send(&a.map, out, len, 0), len);
		assert_int_equal(siv_map_recv(&b.map, in, len, 0), len);
		assert_memory_equal(in, out, len);
	}
	/* nobody has waited, so nobody was rung */
	assert_int_equal(a.bells, 0);
	assert_int_equal(b.bells, 0);
	assert_int_equal(siv_map_send(&a.map, out, 2041, 0), -EMSGSIZE);
	assert_int_equal(siv_map_send(&a.map, out, 0, 0), 0);
	assert_int_equal(siv_map_recv(&b.map, in, 1, 0), -EAGAIN);
	end_drop(&a);
	end_drop(&b);
	channel_drop(&c);
}

static void small_rules(void **state)
{
	const void *p, *q;
	struct channel c;
	struct end a, b;
	void *w, *v;
	u8 in[64];

	(void)state;
	channel_make(&c, 4096, 4096);
	assert_int_equal(end_open(&a, &c, false, IVSHMEM_SPIN_NEVER), 0);
	assert_int_equal(end_open(&b, &c, true, IVSHMEM_SPIN_NEVER), 0);
	/* reserve again, commit less, commit nothing, commit without */
	assert_int_equal(siv_map_reserve(&a.map, 100, 0, &w), 0);
	assert_int_equal(siv_map_reserve(&a.map, 50, 0, &v), 0);
	assert_ptr_equal(w, v);
	assert_int_equal((uintptr_t)w % 8, 0);
	assert_int_equal(siv_map_commit(&a.map, 51), -EINVAL);
	memcpy(w, "twelve bytes", 12);
	assert_int_equal(siv_map_commit(&a.map, 12), 0);
	assert_int_equal(siv_map_commit(&a.map, 12), -EINVAL);
	assert_int_equal(siv_map_reserve(&a.map, 50, 0, &v), 0);
	assert_int_equal(siv_map_commit(&a.map, 0), 0);
	assert_int_equal(siv_map_reserve(&a.map, 0, 0, &v), -EINVAL);
	/* too short a buffer leaves the record; peeking twice shows it twice */
	assert_int_equal(siv_map_recv(&b.map, in, 11, 0), -EMSGSIZE);
	assert_int_equal(siv_map_peek(&b.map, 0, &p), 12);
	assert_int_equal(siv_map_peek(&b.map, 0, &q), 12);
	assert_ptr_equal(p, q);
	assert_memory_equal(p, "twelve bytes", 12);
	assert_int_equal(siv_map_release(&b.map), 0);
	assert_int_equal(siv_map_release(&b.map), -EINVAL);
	assert_int_equal(siv_map_peek(&b.map, 0, &p), -EAGAIN);
	/* a second user of the same end goes on where the first one stopped */
	assert_int_equal(siv_map_send(&a.map, "x", 1, 0), 1);
	end_drop(&a);
	assert_int_equal(end_open(&a, &c, false, IVSHMEM_SPIN_NEVER), 0);
	assert_int_equal(siv_map_send(&a.map, "y", 1, 0), 1);
	assert_int_equal(siv_map_recv(&b.map, in, 64, 0), 1);
	assert_int_equal(in[0], 'x');
	end_drop(&b);
	assert_int_equal(end_open(&b, &c, true, IVSHMEM_SPIN_NEVER), 0);
	assert_int_equal(siv_map_recv(&b.map, in, 64, 0), 1);
	assert_int_equal(in[0], 'y');
	end_drop(&a);
	end_drop(&b);
	channel_drop(&c);
}

/* The full ring: nothing fits, then exactly what was asked for rings. */
static void full_ring(void **state)
{
	u8 buf[2040] = { 1 };
	struct channel c;
	struct end a, b;

	(void)state;
	channel_make(&c, 4096, 4096);
	assert_int_equal(end_open(&a, &c, false, IVSHMEM_SPIN_NEVER), 0);
	assert_int_equal(end_open(&b, &c, true, IVSHMEM_SPIN_NEVER), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(siv_map_send(&a.map, buf, 1016, 0), 1016);
	assert_int_equal(siv_map_send(&a.map, buf, 2040, 0), -EAGAIN);
	assert_int_equal(siv_map_send(&a.map, buf, 2040, 20), -ETIMEDOUT);
	assert_int_equal(siv_map_recv(&b.map, buf, 2040, 0), 1016);
	assert_int_equal(b.bells, 0);
	assert_int_equal(siv_map_recv(&b.map, buf, 2040, 0), 1016);
	assert_int_equal(b.bells, 1);
	assert_int_equal(siv_map_recv(&b.map, buf, 2040, 0), 1016);
	assert_int_equal(b.bells, 1);
	assert_int_equal(siv_map_send(&a.map, buf, 2040, 0), 2040);
	end_drop(&a);
	end_drop(&b);
	channel_drop(&c);
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

static void nothing(int sig)
{
	(void)sig;
}

static void timeouts_and_signals(void **state)
{
	static const uint32_t spins[] = { IVSHMEM_SPIN_NEVER,
					  IVSHMEM_SPIN_DEFAULT,
					  IVSHMEM_SPIN_ALWAYS, 20000 };
	struct sigaction sa = { .sa_handler = nothing }, old;
	/* again and again: the first may come before the call */
	const struct itimerval each_40ms = { .it_value = { .tv_usec = 40000 },
					     .it_interval = { .tv_usec =
								      40000 } };
	const struct itimerval never = { 0 };
	const void *p;
	struct channel c;
	struct end a;
	u8 buf[2040];

	(void)state;
	memset(buf, 3, sizeof(buf));
	channel_make(&c, 4096, 4096);
	for (size_t i = 0; i < ARRAY_SIZE(spins); i++) {
		u64 start = now_ms();

		assert_int_equal(end_open(&a, &c, false, spins[i]), 0);
		assert_int_equal(siv_map_peek(&a.map, 60, &p), -ETIMEDOUT);
		assert_in_range(now_ms() - start, 60, 60000);
		end_drop(&a);
	}
	assert_int_equal(end_open(&a, &c, false, IVSHMEM_SPIN_DEFAULT), 0);
	assert_int_equal(siv_map_send(&a.map, buf, 2040, 0), 2040);
	assert_int_equal(siv_map_send(&a.map, buf, 2040, 0), 2040);
	assert_int_equal(siv_map_send(&a.map, buf, 1, 0), -EAGAIN);
	assert_int_equal(siv_map_send(&a.map, buf, 1, 50), -ETIMEDOUT);
	sigaction(SIGALRM, &sa, &old);
	setitimer(ITIMER_REAL, &each_40ms, NULL);
	assert_int_equal(siv_map_peek(&a.map, -1, &p), -EINTR);
	assert_int_equal(siv_map_send(&a.map, buf, 1, -1), -EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	end_drop(&a);
	channel_drop(&c);
}

/* Data before the mark is read, then the end; and writing to who reads no more. */
static void orderly_end(void **state)
{
	struct channel c;
	struct end a, b;
	u8 in[16];

	(void)state;
	channel_make(&c, 4096, 4096);
	assert_int_equal(end_open(&a, &c, false, IVSHMEM_SPIN_NEVER), 0);
	assert_int_equal(end_open(&b, &c, true, IVSHMEM_SPIN_NEVER), 0);
	assert_int_equal(siv_map_send(&a.map, "last", 4, 0), 4);
	end_shut(&a, SIV_END_WR);
	assert_int_equal(siv_map_recv(&b.map, in, 16, 0), 4);
	assert_int_equal(siv_map_recv(&b.map, in, 16, -1), 0);
	/* the other direction is still open */
	assert_int_equal(siv_map_send(&b.map, "back", 4, 0), 4);
	assert_int_equal(siv_map_recv(&a.map, in, 16, 0), 4);
	siv_end_set(a.own, SIV_END_WR | SIV_END_RD);
	assert_int_equal(siv_map_send(&b.map, "more", 4, -1), -EPIPE);
	/* taking a mark back opens nothing */
	siv_end_set(a.own, 0);
	assert_int_equal(siv_map_send(&b.map, "more", 4, 0), -EPIPE);
	assert_int_equal(siv_map_recv(&b.map, in, 16, 0), 0);
	end_drop(&a);
	end_drop(&b);
	channel_drop(&c);
}

static int wait_says_so(void *ctx, uint32_t what, uint64_t position,
			int timeout_ms)
{
	(void)ctx;
	(void)what;
	(void)position;
	(void)timeout_ms;
	return 0;
}

/* The driver remembers a mark that the peer took back: the end, and no endless loop. */
static void remembered_end(void **state)
{
	static const struct ring_map_ops says_so = { .wait = wait_says_so,
						     .bell = end_bell };
	static const uint32_t spins[] = { IVSHMEM_SPIN_NEVER,
					  IVSHMEM_SPIN_DEFAULT,
					  IVSHMEM_SPIN_ALWAYS };
	u8 buf[2040] = { 0 };
	struct channel c;
	struct end a;

	(void)state;
	alarm(600);
	for (size_t i = 0; i < ARRAY_SIZE(spins); i++) {
		channel_make(&c, 4096, 4096);
		assert_int_equal(end_open(&a, &c, false, spins[i]), 0);
		a.map.ops = &says_so;
		assert_int_equal(siv_map_recv(&a.map, buf, 64, -1), 0);
		assert_int_equal(siv_map_send(&a.map, buf, 2040, -1), 2040);
		assert_int_equal(siv_map_send(&a.map, buf, 2040, -1), 2040);
		assert_int_equal(siv_map_send(&a.map, buf, 8, -1), -EPIPE);
		end_drop(&a);
		channel_drop(&c);
	}
	alarm(0);
}

static int wait_ended(void *ctx, uint32_t what, uint64_t position,
		      int timeout_ms)
{
	struct end *e = ctx;

	(void)what;
	(void)position;
	(void)timeout_ms;
	/* what a revocation does: the windows are gone before anybody is woken */
	end_drop(e);
	return -ECONNRESET;
}

/* After the end nobody touches a window again: that would be SIGBUS. */
static void revoked(void **state)
{
	static const struct ring_map_ops gone = { .wait = wait_ended,
						  .bell = end_bell };
	u8 buf[2040] = { 0 };
	struct channel c;
	const void *in;
	struct end a;
	void *out;

	(void)state;
	for (int i = 0; i < 2; i++) {
		channel_make(&c, 4096, 4096);
		assert_int_equal(end_open(&a, &c, false, IVSHMEM_SPIN_NEVER),
				 0);
		assert_int_equal(siv_map_send(&a.map, buf, 2040, 0), 2040);
		assert_int_equal(siv_map_send(&a.map, buf, 2040, 0), 2040);
		a.map.ops = &gone;
		if (i)
			assert_int_equal(siv_map_send(&a.map, buf, 8, -1),
					 -ECONNRESET);
		assert_int_equal(siv_map_peek(&a.map, -1, &in), -ECONNRESET);
		assert_int_equal(siv_map_peek(&a.map, 0, &in), -ECONNRESET);
		assert_int_equal(siv_map_send(&a.map, buf, 8, 0), -ECONNRESET);
		assert_int_equal(siv_map_reserve(&a.map, 8, 0, &out),
				 -ECONNRESET);
		assert_int_equal(siv_map_commit(&a.map, 8), -ECONNRESET);
		assert_int_equal(siv_map_release(&a.map), -EINVAL);
		siv_map_end(&a.map);
		channel_drop(&c);
	}
}

/* Each broken rule once; repaired or not, the direction is dead. */
static void hostile_words(void **state)
{
	static const s64 prods[] = { -8, -4096, 4104,	   8192,
				     1,	 4,	INT64_MIN, INT64_MAX };
	static const u64 headers[] = { 0,	   2041,	4096,
				       0xffffffff, 0x100000008, (u64)8 << 32,
				       UINT64_MAX, 0x80000008 };
	struct channel c;
	struct end a, b;
	const void *p;
	u8 in[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(prods) + ARRAY_SIZE(headers); i++) {
		channel_make(&c, 4096, 4096);
		assert_int_equal(end_open(&a, &c, false, IVSHMEM_SPIN_NEVER),
				 0);
		assert_int_equal(end_open(&b, &c, true, IVSHMEM_SPIN_NEVER), 0);
		assert_int_equal(siv_map_send(&a.map, "good", 4, 0), 4);
		assert_int_equal(siv_map_recv(&b.map, in, 64, 0), 4);
		if (i < ARRAY_SIZE(prods)) {
			a.own->prod = 16 + (u64)prods[i];
		} else {
			u64 h = headers[i - ARRAY_SIZE(prods)];

			memcpy((u8 *)a.w.tx + 16, &h, 8);
			a.own->prod = 16 + 2048;
		}
		assert_int_equal(siv_map_peek(&b.map, 1000, &p), -EPROTO);
		a.own->prod = 16;
		assert_int_equal(siv_map_peek(&b.map, 0, &p), -EPROTO);
		end_drop(&b);
		end_drop(&a);
		channel_drop(&c);
	}
	for (size_t i = 0; i < ARRAY_SIZE(prods); i++) {
		u8 buf[2040] = { 0 };

		channel_make(&c, 4096, 4096);
		assert_int_equal(end_open(&a, &c, false, IVSHMEM_SPIN_NEVER),
				 0);
		assert_int_equal(end_open(&b, &c, true, IVSHMEM_SPIN_NEVER), 0);
		assert_int_equal(siv_map_send(&b.map, buf, 2040, 0), 2040);
		assert_int_equal(siv_map_send(&b.map, buf, 2040, 0), 2040);
		a.own->cons = (u64)prods[i] + (prods[i] > 0 ? 8 : 0);
		assert_int_equal(siv_map_send(&b.map, buf, 64, 1000), -EPROTO);
		a.own->cons = 4096;
		assert_int_equal(siv_map_send(&b.map, buf, 64, 0), -EPROTO);
		/* nor can anybody begin on such memory */
		a.own->cons = 4104;
		end_drop(&b);
		assert_int_equal(end_open(&b, &c, true, IVSHMEM_SPIN_NEVER),
				 -EPROTO);
		end_drop(&a);
		end_drop(&b);
		channel_drop(&c);
	}
}

/* The child writes whatever it may write, as fast as it can. */
static void flip_child(struct channel *c)
{
	struct end e;
	u32 s = 991;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (end_open(&e, c, true, IVSHMEM_SPIN_NEVER))
		_exit(1);
	for (;;) {
		u64 cons = READ_ONCE(e.w.peer->cons),
		    prod = READ_ONCE(e.w.peer->prod);

		s ^= s << 13;
		s ^= s >> 17;
		s ^= s << 5;
		WRITE_ONCE(e.own->prod,
			   cons + (s % (s & 64 ? 4200 : 256) & ~7u));
		WRITE_ONCE(e.own->cons, prod - (s & 128 ? s % 4200 & ~7u : 0));
		WRITE_ONCE(e.own->end, s & 0xff00 ? 0 : s);
		WRITE_ONCE(e.own->want_prod, prod + 1);
		WRITE_ONCE(((u64 *)e.w.tx)[s % 512], s % (s & 32 ? 300 : 24));
	}
}

static void hostile_process(void **state)
{
	unsigned long verdicts[4] = { 0 };
	struct channel c;
	u8 buf[2040];
	struct end a;
	int status;
	pid_t pid;

	(void)state;
	memset(buf, 9, sizeof(buf));
	alarm(600);
	channel_make(&c, 4096, 4096);
	/* before the hostile one begins: it may refuse what that one has written */
	assert_int_equal(end_open(&a, &c, false, IVSHMEM_SPIN_NEVER), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		flip_child(&c);
	for (u32 i = 0; verdicts[0] < 20000 || verdicts[3] < 20000; i++) {
		ssize_t n = siv_map_recv(&a.map, buf, sizeof(buf), 0);

		assert_true(n == -EAGAIN || n == -EPROTO ||
			    (n >= 0 && n <= 2040));
		verdicts[n > 0 ? 0 : n == -EPROTO ? 1 : 2]++;
		n = siv_map_send(&a.map, buf, 1 + i % 600, 0);
		assert_true(n == -EAGAIN || n == -EPROTO || n == -EPIPE ||
			    n > 0);
		verdicts[3] += n > 0;
		/* a new user of the memory, with the private positions of the old one */
		a.map.rx_error = 0;
		a.map.tx_error = 0;
		a.map.rx_end = false;
		if (n == -EPROTO)
			a.map.tx.cons = a.map.tx.prod - 4096;
		a.map.rx.prod = a.map.rx.cons;
		if (n < 0)
			sched_yield();
	}
	alarm(0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	print_message(
		"%lu records taken, %lu refused, %lu times nothing, %lu sent\n",
		verdicts[0], verdicts[1], verdicts[2], verdicts[3]);
	assert_true(verdicts[0] > 100 && verdicts[1] > 100 &&
		    verdicts[3] > 100);
	end_drop(&a);
	channel_drop(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length),
		cmocka_unit_test(small_rules),
		cmocka_unit_test(full_ring),
		cmocka_unit_test(orderly_end),
		cmocka_unit_test(remembered_end),
		cmocka_unit_test(revoked),
		cmocka_unit_test(timeouts_and_signals),
		cmocka_unit_test(hostile_words),
		cmocka_unit_test(echo_every_ring),
		cmocka_unit_test(hostile_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
