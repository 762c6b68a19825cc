// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmarks in guests: channels by the library, beside the bare device by UIO.
 *
 *   vmbench connect KEY SERVICE COUNT            connect and close, again and again
 *   vmbench rtt KEY SERVICE MODE COUNT [sealed]  64-byte records there and back
 *   vmbench pong KEY MODE [sealed]               the other end of it
 *   vmbench bulk KEY SERVICE MiB [sealed]        64-KiB records one way
 *   vmbench drain KEY [sealed]                   the other end of it
 *   vmbench mem-rtt KEY SERVICE COUNT            as raw-rtt poll, by a channel's memory
 *   vmbench mem-pong KEY COUNT
 *   vmbench mem-copy KEY SERVICE MiB             memcpy into it; `drain` is the other end
 *   vmbench raw-rtt UIO PEER MODE COUNT          as rtt, by bare memory and bells
 *   vmbench raw-pong UIO PEER MODE COUNT
 *   vmbench raw-copy UIO MiB                     memcpy into the shared memory
 *
 * MODE is `poll` (both ends spin on the memory) or `bell` (both sleep). Prints
 * one line of NAME=NUMBER words, times in nanoseconds, rates in MB/s.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <sivshmem/sivshmem.h>

#include <linux/sivshmem.h>

enum {
	RECORD = 64,
	BLOCK = 65536,
	RUNS_MAX = 100000,
	DOORBELL = 3,	 /* register of BAR0, in 32-bit words */
	RAW_A = 1 << 20, /* offsets in a vanilla region */
	RAW_B = RAW_A + 4096,
	RAW_BULK = 2 << 20,
	RAW_BYTES = 4 << 20,
};

static uint64_t runs[RUNS_MAX];

static void __attribute__((noreturn)) die(const char *what, int error)
{
	printf("%s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned int count_of(const char *text)
{
	unsigned long n = strtoul(text, NULL, 0);

	return n < RUNS_MAX ? (unsigned int)n : RUNS_MAX;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void report(unsigned int n)
{
	qsort(runs, n, sizeof(*runs), by_value);
	printf("n=%u p50=%ju p99=%ju min=%ju\n", n, (uintmax_t)runs[n / 2],
	       (uintmax_t)runs[(uint64_t)n * 99 / 100], (uintmax_t)runs[0]);
}

static struct ivshmem_options options(const char *key, bool sealed)
{
	struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;

	o.key = atoi(key);
	o.flags = IVSHMEM_NO_NODE | (sealed ? IVSHMEM_SEALED : 0);
	return o;
}

static struct ivshmem *dial(const char *key, const char *service, bool sealed)
{
	struct ivshmem_options o = options(key, sealed);
	struct ivshmem *ch;
	int err;

	o.ring_tx = 1 << 20;
	o.ring_rx = 1 << 20;
	err = ivshmem_connect(service, &o, &ch);
	if (err)
		die("connect", err);
	return ch;
}

static struct ivshmem *answer(const char *key, bool sealed)
{
	struct ivshmem_options o = options(key, sealed);
	struct ivshmem *listener, *ch;
	int err = ivshmem_listen(&o, &listener);

	if (err)
		die("listen", err);
	puts("listening");
	fflush(stdout);
	err = ivshmem_accept(listener, &ch);
	if (err)
		die("accept", err);
	return ch;
}

static bool set_mode(struct ivshmem *ch, const char *mode)
{
	bool polled = !strcmp(mode, "poll");
	int err = polled ? ivshmem_map(ch) : 0;

	if (err)
		die("map", err);
	if (polled)
		ivshmem_set_spin(ch, IVSHMEM_SPIN_ALWAYS);
	return polled;
}

static int do_connect(char **arg)
{
	unsigned int i, n = count_of(arg[2]);

	for (i = 0; i < n; i++) {
		uint64_t start = now();
		struct ivshmem *ch = dial(arg[0], arg[1], false);

		runs[i] = now() - start;
		ivshmem_close(ch);
	}
	report(n);
	return 0;
}

static int do_rtt(char **arg)
{
	struct ivshmem *ch = dial(arg[0], arg[1], arg[4]);
	unsigned int i, n = count_of(arg[3]);
	uint8_t out[RECORD] = { 0 }, in[RECORD];
	ssize_t r;

	set_mode(ch, arg[2]);
	for (i = 0; i < n; i++) {
		uint64_t start = now();

		out[0] = (uint8_t)i;
		r = ivshmem_send(ch, out, sizeof(out));
		if (r > 0)
			r = ivshmem_recv(ch, in, sizeof(in));
		if (r != RECORD)
			die("rtt", (int)r);
		if (in[0] != out[0])
			die("rtt: other bytes", EBADMSG);
		runs[i] = now() - start;
	}
	ivshmem_close(ch);
	report(n);
	return 0;
}

static int do_pong(char **arg)
{
	struct ivshmem *ch = answer(arg[0], arg[2]);
	uint8_t data[RECORD];
	ssize_t r;

	set_mode(ch, arg[1]);
	while ((r = ivshmem_recv(ch, data, sizeof(data))) > 0) {
		r = ivshmem_send(ch, data, (size_t)r);
		if (r < 0)
			break;
	}
	printf("ended=%zd\n", -r);
	return 0;
}

static int do_bulk(char **arg)
{
	struct ivshmem *ch = dial(arg[0], arg[1], arg[3]);
	uint64_t left = strtoull(arg[2], NULL, 0) << 20, total = left, start;
	static uint8_t block[BLOCK];
	uint8_t byte;
	ssize_t r;

	start = now();
	for (; left; left -= BLOCK) {
		r = ivshmem_send(ch, block, BLOCK);
		if (r < 0)
			die("bulk", (int)r);
	}
	ivshmem_shutdown(ch, SIVSHMEM_SHUT_WR);
	r = ivshmem_recv(ch, &byte, 1);
	if (r)
		die("bulk: end", (int)r);
	printf("mbps=%.1f\n", (double)total * 1000 / (double)(now() - start));
	return 0;
}

static int do_drain(char **arg)
{
	struct ivshmem *ch = answer(arg[0], arg[1]);
	static uint8_t block[BLOCK];
	uint64_t total = 0;
	ssize_t r;

	while ((r = ivshmem_recv(ch, block, sizeof(block))) > 0)
		total += (uint64_t)r;
	if (r < 0)
		die("drain", (int)r);
	ivshmem_close(ch);
	printf("bytes=%ju\n", (uintmax_t)total);
	return 0;
}

/* --- bare memory ------------------------------------------------------------- */

/* Two places in shared memory, and the bells of a device, if there is one. */
struct raw {
	int fd;
	volatile uint32_t *reg;
	uint8_t *mem;
	uint8_t *tx;
	const uint8_t *rx;
	uint32_t bell;
	bool polled;
};

static void *raw_map(int fd, size_t len, int prot, off_t at)
{
	void *p = mmap(NULL, len, prot, MAP_SHARED, fd, at);

	if (p == MAP_FAILED)
		die("mmap", errno);
	return p;
}

static struct raw raw_open(const char *path, const char *peer, const char *mode)
{
	struct raw r = { .fd = open(path, O_RDWR) };

	if (r.fd < 0)
		die(path, errno);
	r.reg = raw_map(r.fd, 256, PROT_READ | PROT_WRITE, 0);
	r.mem = raw_map(r.fd, RAW_BYTES, PROT_READ | PROT_WRITE,
			sysconf(_SC_PAGESIZE));
	r.bell = (uint32_t)atoi(peer) << 16;
	r.polled = !strcmp(mode, "poll");
	return r;
}

/*
 * The memory of a channel, without the library's rings. As in the bare memory the places
 * of the two directions are a page apart, not a power of two that a TLB could mind: @tx_at
 * and @rx_at are their offsets.
 */
static struct raw mem_open(struct ivshmem *ch, size_t tx_at, size_t rx_at)
{
	struct sivshmem_info info = { .size = sizeof(info) };
	const struct sivshmem_window *tx = &info.window[SIVSHMEM_WIN_TX];
	const struct sivshmem_window *rx = &info.window[SIVSHMEM_WIN_RX];
	struct raw r = { .fd = ivshmem_fd(ch), .polled = true };

	if (ioctl(r.fd, SIVSHMEM_INFO, &info))
		die("info", errno);
	r.tx = raw_map(r.fd, tx->length, (int)tx->prot, (off_t)tx->offset);
	r.rx = raw_map(r.fd, rx->length, (int)rx->prot, (off_t)rx->offset);
	r.tx += tx_at;
	r.rx += rx_at;
	return r;
}

static void raw_send(struct raw *r, const uint8_t *data, uint64_t seq)
{
	memcpy(r->tx + 64, data, RECORD);
	__atomic_store_n((uint64_t *)r->tx, seq, __ATOMIC_RELEASE);
	if (!r->polled)
		r->reg[DOORBELL] = r->bell;
}

static void raw_recv(struct raw *r, uint8_t *data, uint64_t seq)
{
	const uint64_t *word = (const uint64_t *)r->rx;
	uint32_t fired;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != seq)
		if (!r->polled && read(r->fd, &fired, sizeof(fired)) < 0)
			die("uio", errno);
	memcpy(data, r->rx + 64, RECORD);
}

static void raw_ping(struct raw *r, unsigned int n)
{
	uint8_t data[RECORD] = { 0 };

	for (unsigned int i = 0; i < n; i++) {
		uint64_t start = now();

		raw_send(r, data, i + 1);
		raw_recv(r, data, i + 1);
		runs[i] = now() - start;
	}
	report(n);
}

static void raw_pong(struct raw *r, unsigned int n)
{
	uint8_t data[RECORD];

	for (unsigned int i = 0; i < n; i++) {
		raw_recv(r, data, i + 1);
		raw_send(r, data, i + 1);
	}
}

static int do_raw_rtt(char **arg)
{
	struct raw r = raw_open(arg[0], arg[1], arg[2]);

	r.tx = r.mem + RAW_A;
	r.rx = r.mem + RAW_B;
	raw_ping(&r, count_of(arg[3]));
	return 0;
}

static int do_raw_pong(char **arg)
{
	struct raw r = raw_open(arg[0], arg[1], arg[2]);

	r.tx = r.mem + RAW_B;
	r.rx = r.mem + RAW_A;
	memset(r.mem + RAW_A, 0, 8192);
	puts("listening");
	fflush(stdout);
	raw_pong(&r, count_of(arg[3]));
	puts("ok");
	return 0;
}

static int do_mem_rtt(char **arg)
{
	struct ivshmem *ch = dial(arg[0], arg[1], false);
	struct raw r = mem_open(ch, 0, RAW_B - RAW_A);

	raw_ping(&r, count_of(arg[2]));
	ivshmem_close(ch);
	return 0;
}

static int do_mem_pong(char **arg)
{
	struct ivshmem *ch = answer(arg[0], false);
	struct raw r = mem_open(ch, RAW_B - RAW_A, 0);

	raw_pong(&r, count_of(arg[1]));
	ivshmem_close(ch);
	puts("ok");
	return 0;
}

/* Blocks into one MiB of shared memory, again and again. */
static void copy_into(uint8_t *to, const char *mib)
{
	uint64_t total = strtoull(mib, NULL, 0) << 20, left, start = now();
	static uint8_t block[BLOCK];

	for (left = total; left; left -= BLOCK)
		memcpy(to + left % (1 << 20), block, BLOCK);
	printf("mbps=%.1f\n", (double)total * 1000 / (double)(now() - start));
}

static int do_mem_copy(char **arg)
{
	struct ivshmem *ch = dial(arg[0], arg[1], false);
	struct raw r = mem_open(ch, 0, 0);

	copy_into(r.tx, arg[2]);
	ivshmem_close(ch);
	return 0;
}

static int do_raw_copy(char **arg)
{
	struct raw r = raw_open(arg[0], "0", "poll");

	copy_into(r.mem + RAW_BULK, arg[1]);
	return 0;
}

static const struct {
	const char *name;
	int args;
	int (*run)(char **arg);
} commands[] = {
	{ "connect", 3, do_connect },	{ "rtt", 4, do_rtt },
	{ "pong", 2, do_pong },		{ "bulk", 3, do_bulk },
	{ "drain", 1, do_drain },	{ "mem-rtt", 3, do_mem_rtt },
	{ "mem-pong", 2, do_mem_pong }, { "raw-rtt", 4, do_raw_rtt },
	{ "raw-pong", 4, do_raw_pong }, { "raw-copy", 2, do_raw_copy },
	{ "mem-copy", 3, do_mem_copy },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (argc > 1 && !strcmp(argv[1], commands[i].name) &&
		    argc - 2 >= commands[i].args)
			return commands[i].run(argv + 2);
	fprintf(stderr, "vmbench: unknown command or too few arguments\n");
	return 2;
}
