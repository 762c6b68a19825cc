// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Both rings of a channel as mapped memory, with waiting: spin a little, then sleep. */
#include "ring_map.h"

#include <errno.h>
#include <time.h>

#include <sivshmem/sivshmem.h>

static_assert(offsetof(struct siv_side, prod) ==
		      offsetof(struct sivshmem_side, prod),
	      "ABI");
static_assert(offsetof(struct siv_side, cons) ==
		      offsetof(struct sivshmem_side, cons),
	      "ABI");
static_assert(offsetof(struct siv_side, end) ==
		      offsetof(struct sivshmem_side, end),
	      "ABI");
static_assert(sizeof(struct siv_side) == sizeof(struct sivshmem_side), "ABI");

enum {
	SPIN_DEFAULT_US = 50,
	SPIN_FIRST_NS = 5000,
	SPIN_LOOPS = 64, /* looks at the ring between two looks at the clock */
	/* who only spins asks this often whether the channel lives */
	ALIVE_MS = 10,
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

static u64 spin_limit_ns(const struct ring_spin *spin)
{
	switch (spin->max_us) {
	case IVSHMEM_SPIN_DEFAULT:
		return SPIN_DEFAULT_US * 1000u;
	case IVSHMEM_SPIN_NEVER:
		return 0;
	case IVSHMEM_SPIN_ALWAYS:
		return UINT64_MAX;
	}
	return spin->max_us < 1000000 ? spin->max_us * 1000u : 1000000000u;
}

static void spin_set(struct ring_spin *spin, uint32_t spin_us)
{
	u64 limit;

	spin->max_us = spin_us;
	limit = spin_limit_ns(spin);
	spin->now_ns = limit < SPIN_FIRST_NS ? (uint32_t)limit : SPIN_FIRST_NS;
}

/* Spinning paid if all of the wait was shorter than the limit: then spin longer. */
static void spin_learn(struct ring_spin *spin, u64 waited_ns)
{
	u64 limit = spin_limit_ns(spin), next = spin->now_ns;

	if (limit > UINT32_MAX)
		return;
	if (waited_ns > limit)
		next /= 2;
	else if (waited_ns > next)
		next = waited_ns * 2;
	spin->now_ns = (uint32_t)(next > limit ? limit : next);
}

/**
 * struct goal - what a wait is for
 * @m: whose
 * @look: 1: reached, or the end; 0: not yet; -EPROTO, -EPIPE. Every word of the peer's
 *        that it sees is checked and remembered, so that none can be taken back
 * @what: SIVSHMEM_WAIT_*
 * @position: that the peer's position has to reach
 */
struct goal {
	struct ring_map *m;
	int (*look)(const struct goal *g);
	uint32_t what;
	u64 position;
};

/* What a wait came to, beside errors. */
enum {
	NOT_YET = 0,
	REACHED = 1,
	SAID_SO =
		2, /* by who sleeps for us: he remembers an end mark, we see none */
};

/* Has the channel ended? Then the windows may be gone: touching them is SIGBUS. */
static int ended(const struct ring_map *m)
{
	return __atomic_load_n(&m->ended, __ATOMIC_RELAXED);
}

/* What the kernel answered, remembered if it means the end. */
static int answer(struct ring_map *m, int r)
{
	if (r && r != -EAGAIN && r != -ETIMEDOUT && r != -EINTR)
		__atomic_store_n(&m->ended, r, __ATOMIC_RELAXED);
	return r;
}

static int ask(const struct goal *g, int timeout_ms)
{
	struct ring_map *m = g->m;
	int r = answer(m,
		       m->ops->wait(m->ctx, g->what, g->position, timeout_ms));

	return r ? r : SAID_SO;
}

static int doze(const struct goal *g, u64 deadline_ns)
{
	int left = -1;

	if (deadline_ns) {
		u64 now = now_ns();

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		left = (int)((deadline_ns - now + 999999) / 1000000);
	}
	return ask(g, left);
}

/* Spins as long as it may pay. */
static int spin(const struct goal *g, const struct ring_spin *how, u64 start_ns,
		u64 deadline_ns)
{
	bool always = how->max_us == IVSHMEM_SPIN_ALWAYS;
	u64 alive_ns = start_ns, now;
	int r;

	if (!always && !how->now_ns)
		return NOT_YET;
	for (;;) {
		for (int i = 0; i < SPIN_LOOPS; i++) {
			r = g->look(g);
			if (r)
				return r;
			relax();
		}
		now = now_ns();
		if (deadline_ns && now >= deadline_ns)
			return NOT_YET;
		if (!always && now - start_ns >= how->now_ns)
			return NOT_YET;
		if (now - alive_ns < ALIVE_MS * 1000000u)
			continue;
		/* who never sleeps would not notice that the peer died */
		alive_ns = now;
		r = ask(g, 0);
		if (r != -EAGAIN && r != -ETIMEDOUT)
			return r;
	}
}

/**
 * wait_for() - until the goal is reached
 * @g: what is waited for
 * @how: what spinning has brought so far; learns
 * @timeout_ms: 0: do not wait; negative: for ever
 *
 * Return: REACHED; SAID_SO; -EAGAIN, -ETIMEDOUT, -EINTR, -EPROTO, -EPIPE, or why the
 * channel has ended.
 */
static int wait_for(const struct goal *g, struct ring_spin *how, int timeout_ms)
{
	u64 start_ns, deadline_ns = 0;
	int r = g->look(g), last;

	if (r)
		return r;
	if (!timeout_ms)
		return -EAGAIN;
	start_ns = now_ns();
	if (timeout_ms > 0)
		deadline_ns = start_ns + (u64)timeout_ms * 1000000u;
	r = spin(g, how, start_ns, deadline_ns);
	if (r == NOT_YET) {
		r = doze(g, deadline_ns);
		if (r == SAID_SO)
			spin_learn(how, now_ns() - start_ns);
	}
	/* what came in the meantime counts, unless the sleep says that all is over */
	last = r == REACHED || ended(g->m) ? 0 : g->look(g);
	return last ? last : r;
}

int siv_map_init(struct ring_map *m, const struct ring_windows *w,
		 const struct ring_map_ops *ops, void *ctx, uint32_t spin_us)
{
	u64 n;

	if (!siv_is_pow2(w->tx_size) || !siv_is_pow2(w->rx_size) ||
	    w->tx_size < 64 || w->rx_size < 64 || w->tx_size > 1u << 30 ||
	    w->rx_size > 1u << 30)
		return -EINVAL;
	memset(m, 0, sizeof(*m));
	m->ops = ops;
	m->ctx = ctx;
	m->tx_ring = w->tx;
	m->rx_ring = w->rx;
	siv_tx_init(&m->tx, w->own, w->peer, w->tx_size);
	siv_rx_init(&m->rx, w->own, w->peer, w->rx_size);
	m->tx.prod = READ_ONCE(w->own->prod);
	m->tx.cons = m->tx.prod > w->tx_size ? m->tx.prod - w->tx_size : 0;
	m->rx.cons = READ_ONCE(w->own->cons);
	m->rx.prod = m->rx.cons;
	siv_map_set_spin(m, spin_us);
	if (m->tx.prod % 8 || m->rx.cons % 8 ||
	    siv_tx_room(&m->tx, &n) != SIV_OK ||
	    siv_rx_avail(&m->rx, &n) != SIV_OK)
		return -EPROTO;
	return 0;
}

void siv_map_set_spin(struct ring_map *m, uint32_t spin_us)
{
	spin_set(&m->tx_spin, spin_us);
	spin_set(&m->rx_spin, spin_us);
}

/* The first error of a direction stays. */
static int stick(int *error, int r)
{
	*error = r;
	return r;
}

static int look_room(const struct goal *g)
{
	struct ring_map *m = g->m;
	u64 room;

	if (siv_end_get(m->tx.peer) & SIV_END_RD)
		return stick(&m->tx_error, -EPIPE);
	if (siv_tx_room(&m->tx, &room) != SIV_OK)
		return stick(&m->tx_error, -EPROTO);
	return (s64)(m->tx.cons - g->position) >= 0 ? REACHED : NOT_YET;
}

/* Until @need bytes are free. */
static int await_room(struct ring_map *m, u64 need, int timeout_ms)
{
	struct goal g = { m, look_room, SIVSHMEM_WAIT_WRITE,
			  siv_tx_target(&m->tx, need) };
	int r = wait_for(&g, &m->tx_spin, timeout_ms);

	if (r == SAID_SO)
		return stick(&m->tx_error, -EPIPE);
	return r == REACHED ? 0 : r;
}

int siv_map_reserve(struct ring_map *m, size_t len, int timeout_ms, void **data)
{
	int r = ended(m);

	if (!r)
		r = m->tx_error;
	if (!r && !len)
		r = -EINVAL;
	if (!r && len > siv_ring_max_record(m->tx.size))
		r = -EMSGSIZE;
	if (!r)
		r = await_room(m, siv_ring_need(len), timeout_ms);
	if (r)
		return r;
	m->reserved = len;
	*data = m->tx_ring + siv_tx_offset(&m->tx) + SIV_RECORD_HDR;
	return 0;
}

int siv_map_commit(struct ring_map *m, size_t len)
{
	u8 *at = m->tx_ring + siv_tx_offset(&m->tx);
	u64 need = siv_ring_need(len);
	int r;

	if (ended(m) || m->tx_error)
		return ended(m) ? ended(m) : m->tx_error;
	if (len > m->reserved)
		return -EINVAL;
	m->reserved = 0;
	if (!len)
		return 0;
	memset(at + SIV_RECORD_HDR + len, 0, need - SIV_RECORD_HDR - len);
	siv_put_le32(at, (u32)len);
	siv_put_le32(at + 4, 0);
	if (!siv_tx_publish(&m->tx, need))
		return 0;
	r = answer(m, m->ops->bell(m->ctx));
	/* too many bells: the one that is pending will do */
	return r == -EAGAIN || r == -EINTR ? 0 : r;
}

static int look_data(const struct goal *g)
{
	struct ring_map *m = g->m;
	/* the mark first: what it ends was published before it */
	bool end = siv_end_get(m->rx.peer) & SIV_END_WR;
	u64 avail;

	if (siv_rx_avail(&m->rx, &avail) != SIV_OK)
		return stick(&m->rx_error, -EPROTO);
	if (!avail && end)
		m->rx_end = true;
	return avail || end ? REACHED : NOT_YET;
}

/* Until there are unread bytes, or @rx_end is set. */
static int await_data(struct ring_map *m, int timeout_ms)
{
	struct goal g = { m, look_data, SIVSHMEM_WAIT_READ, m->rx.cons + 1 };
	int r;

	if (m->rx.prod != m->rx.cons)
		return 0;
	r = wait_for(&g, &m->rx_spin, timeout_ms);
	if (r == SAID_SO)
		m->rx_end = true;
	return r > 0 ? 0 : r;
}

ssize_t siv_map_peek(struct ring_map *m, int timeout_ms, const void **data)
{
	const u8 *at = m->rx_ring + siv_rx_offset(&m->rx);
	u64 len = m->peeked;
	u8 hdr[SIV_RECORD_HDR];
	int r;

	if (ended(m) || m->rx_error)
		return ended(m) ? ended(m) : m->rx_error;
	if (!len) {
		if (m->rx_end)
			return 0;
		r = await_data(m, timeout_ms);
		if (r || m->rx_end)
			return r;
		siv_rx_header_load(hdr, at);
		if (siv_rx_header(&m->rx, hdr, m->rx.prod - m->rx.cons, &len) !=
		    SIV_OK)
			return stick(&m->rx_error, -EPROTO);
		m->peeked = len;
	}
	*data = at + SIV_RECORD_HDR;
	return (ssize_t)len;
}

int siv_map_release(struct ring_map *m)
{
	u64 len = m->peeked;

	if (!len)
		return -EINVAL;
	m->peeked = 0;
	/* the record was received, whatever becomes of the bell */
	if (!ended(m) && siv_rx_release(&m->rx, siv_ring_need(len)))
		answer(m, m->ops->bell(m->ctx));
	return 0;
}

ssize_t siv_map_send(struct ring_map *m, const void *data, size_t len,
		     int timeout_ms)
{
	void *to;
	int r;

	if (!len)
		return 0;
	r = siv_map_reserve(m, len, timeout_ms, &to);
	if (r)
		return r;
	memcpy(to, data, len);
	r = siv_map_commit(m, len);
	return r ? r : (ssize_t)len;
}

ssize_t siv_map_recv(struct ring_map *m, void *buf, size_t len, int timeout_ms)
{
	const void *from;
	ssize_t n = siv_map_peek(m, timeout_ms, &from);

	if (n <= 0)
		return n;
	if ((size_t)n > len)
		return -EMSGSIZE;
	/* where there is a length, there is a record */
	/* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
	memcpy(buf, from, (size_t)n);
	siv_map_release(m);
	return n;
}

u64 siv_map_end(struct ring_map *m)
{
	m->reserved = 0;
	if (!m->tx_error)
		m->tx_error = -EPIPE;
	return m->tx.prod;
}
