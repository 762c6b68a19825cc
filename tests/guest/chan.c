// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels by bare ioctls, for test guests: what the library does is tested
 * elsewhere, here nothing stands between the test and the driver.
 *
 *   chan connect KEY SERVICE [WORD...]        connect, say so, close
 *   chan source KEY SERVICE SEED COUNT [WORD...]   send records of a pattern
 *   chan sink KEY SEED COUNT [WORD...]        accept one channel, check them
 *   chan echo KEY CHANNELS [WORD...]          accept channels, send all back
 *   chan ping KEY SERVICE SEED COUNT [WORD...]     through an echo, both ways
 *   chan hold KEY SERVICE [WORD...]           connect, stay until input ends
 *   chan keep KEY [WORD...]                   accept one, stay likewise
 *
 * WORD: sealed, aes, nonblock, nonode, ring=BYTES, timeout=MS, vm=NAME.
 * Without timeout=MS, CONNECT and LISTEN wait as long as the driver lets them.
 * KEY is a serial number. Prints `ok ...` and exits 0, or the errno's name and
 * what failed, and exits 1. A listener prints `listening` first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/sivshmem.h>

#define CONTROL "/dev/sivshmem-control"
#define PATIENCE_MS 30000 /* the longest; the driver's own 5 s are short here */

static struct {
	uint32_t flags;
	uint32_t suite;
	uint32_t timeout_ms;
	uint64_t ring;
	const char *vm;
} words = { .timeout_ms = PATIENCE_MS };

static void __attribute__((noreturn)) fail(const char *what)
{
	printf("%s %s\n", strerrorname_np(errno), what);
	exit(1);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("wrong: ");
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	exit(1);
}

static void parse_words(char **arg)
{
	for (; *arg; arg++) {
		char *value = strchr(*arg, '=');

		if (!strcmp(*arg, "sealed"))
			words.flags |= SIVSHMEM_SEALED;
		else if (!strcmp(*arg, "nonblock"))
			words.flags |= SIVSHMEM_NONBLOCK;
		else if (!strcmp(*arg, "nonode"))
			words.flags |= SIVSHMEM_NO_NODE;
		else if (!strcmp(*arg, "aes"))
			words.suite = SIVSHMEM_SUITE_AESGCM;
		else if (value && !strncmp(*arg, "ring=", 5))
			words.ring = strtoull(value + 1, NULL, 0);
		else if (value && !strncmp(*arg, "timeout=", 8))
			words.timeout_ms =
				(uint32_t)strtoul(value + 1, NULL, 0);
		else if (value && !strncmp(*arg, "vm=", 3))
			words.vm = value + 1;
		else
			wrong("unknown word %s", *arg);
	}
}

static int control(void)
{
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(CONTROL);
	return fd;
}

static void set_name(uint8_t *name, const char *text)
{
	if (text)
		memcpy(name, text, strnlen(text, SIVSHMEM_NAME_LEN - 1));
}

static struct sivshmem_info info_of(int fd)
{
	struct sivshmem_info info = { .size = sizeof(info) };

	if (ioctl(fd, SIVSHMEM_INFO, &info))
		fail("INFO");
	return info;
}

static int do_connect(const char *key, const char *service)
{
	struct sivshmem_connect c = {
		.size = sizeof(c),
		.flags = words.flags,
		.key = atoi(key),
		.timeout_ms = words.timeout_ms,
		.ring_tx = words.ring,
		.ring_rx = words.ring,
		.suite = words.suite,
	};
	int fd, node = control();

	set_name(c.service, service);
	set_name(c.vm, words.vm);
	fd = ioctl(node, SIVSHMEM_CONNECT, &c);
	if (fd < 0)
		fail("CONNECT");
	close(node);
	if (words.flags & SIVSHMEM_NONBLOCK) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		struct sivshmem_info info;

		poll(&p, 1, 30000);
		info = info_of(fd);
		if (p.revents & POLLERR || info.state != SIVSHMEM_OPEN) {
			errno = (int)info.error;
			fail("CONNECT");
		}
		fcntl(fd, F_SETFL, 0);
	}
	return fd;
}

static int do_listen(const char *key)
{
	struct sivshmem_listen l = {
		.size = sizeof(l),
		.flags = words.flags & ~(uint32_t)SIVSHMEM_NONBLOCK,
		.key = atoi(key),
		.timeout_ms = words.timeout_ms,
		.backlog = 8,
	};
	int fd = ioctl(control(), SIVSHMEM_LISTEN, &l);

	if (fd < 0)
		fail("LISTEN");
	puts("listening");
	fflush(stdout);
	return fd;
}

static int do_accept(int listener)
{
	struct sivshmem_accept a = { .size = sizeof(a) };
	int fd = ioctl(listener, SIVSHMEM_ACCEPT, &a);

	if (fd < 0)
		fail("ACCEPT");
	return fd;
}

static uint64_t step(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Record @i of a pattern: edges of sizes first, then anything up to @max. */
static size_t make_record(uint64_t seed, uint64_t i, uint64_t max, uint8_t *out)
{
	const uint64_t edges[] = { 1,  2,    7,	   8,	 9,	  63,	   64,
				   65, 4095, 4096, 4097, max / 2, max - 1, max };
	uint64_t x = (seed << 32) + i * 2654435761u + 1, word;
	size_t len, k;

	if (!max)
		wrong("a record has no room");
	step(&x);
	if (i < sizeof(edges) / sizeof(*edges) && edges[i] <= max)
		len = edges[i];
	else
		len = 1 + step(&x) % (i % 3 ? 200 : max);
	for (k = 0; k < len; k += 8) {
		word = step(&x);
		memcpy(out + k, &word, len - k < 8 ? len - k : 8);
	}
	return len;
}

static uint8_t *buffer(size_t len)
{
	uint8_t *p = malloc(len + 8);

	if (!p)
		fail("malloc");
	return p;
}

static void put(int fd, const uint8_t *data, size_t len)
{
	ssize_t n = write(fd, data, len);

	if (n < 0)
		fail("write");
	if ((size_t)n != len)
		wrong("write of %zu gave %zd", len, n);
}

static void check(uint64_t i, const uint8_t *got, ssize_t n,
		  const uint8_t *want, size_t len)
{
	if (n < 0)
		fail("read");
	if ((size_t)n != len)
		wrong("record %ju has %zd bytes instead of %zu", (uintmax_t)i,
		      n, len);
	if (memcmp(got, want, len))
		wrong("record %ju has other bytes", (uintmax_t)i);
}

/* After shutdown(WR): wait until the peer has read all and closed. */
static void finish(int fd)
{
	struct sivshmem_shutdown s = { .size = sizeof(s),
				       .how = SIVSHMEM_SHUT_WR };
	uint8_t byte;
	ssize_t n;

	if (ioctl(fd, SIVSHMEM_SHUTDOWN, &s))
		fail("SHUTDOWN");
	n = read(fd, &byte, 1);
	if (n < 0)
		fail("read after shutdown");
	if (n)
		wrong("a record after the end");
}

static int cmd_connect(char **arg)
{
	struct sivshmem_info info = info_of(do_connect(arg[0], arg[1]));

	printf("ok %.64s/%.64s handshake_us=%llu x25519_us=%llu\n",
	       info.peer_vm, info.peer_service, info.handshake_ns / 1000,
	       info.x25519_ns / 1000);
	return 0;
}

static int cmd_source(char **arg)
{
	int fd = do_connect(arg[0], arg[1]);
	uint64_t i, seed = strtoull(arg[2], NULL, 0);
	uint64_t count = strtoull(arg[3], NULL, 0), bytes = 0;
	struct sivshmem_info info = info_of(fd);
	uint8_t *data = buffer(info.max_record);

	if (write(fd, data, 0))
		wrong("a write of 0 bytes does not give 0");
	for (i = 0; i < count; i++) {
		size_t len = make_record(seed, i, info.max_record, data);

		put(fd, data, len);
		bytes += len;
	}
	free(data);
	finish(fd);
	info = info_of(fd);
	printf("ok bytes=%ju tx_bytes=%llu tx_records=%llu bells=%llu\n",
	       (uintmax_t)bytes, info.tx_bytes, info.tx_records,
	       info.bells_sent);
	return 0;
}

static int cmd_sink(char **arg)
{
	int fd = do_accept(do_listen(arg[0]));
	uint64_t i, seed = strtoull(arg[1], NULL, 0);
	uint64_t count = strtoull(arg[2], NULL, 0), bytes = 0;
	struct sivshmem_info info = info_of(fd);
	uint8_t *want = buffer(info.max_record), *got = buffer(info.max_record);

	for (i = 0; i < count; i++) {
		size_t len = make_record(seed, i, info.max_record, want);

		check(i, got, read(fd, got, info.max_record), want, len);
		bytes += len;
	}
	if (read(fd, got, info.max_record))
		wrong("no end after the last record");
	free(want);
	free(got);
	info = info_of(fd);
	printf("ok bytes=%ju rx_bytes=%llu rx_records=%llu\n", (uintmax_t)bytes,
	       info.rx_bytes, info.rx_records);
	return 0;
}

static int cmd_echo(char **arg)
{
	int listener = do_listen(arg[0]), channels = atoi(arg[1]);

	while (channels--) {
		int fd = do_accept(listener);
		size_t max = info_of(fd).max_record;
		uint8_t *data = buffer(max);
		ssize_t n;

		while ((n = read(fd, data, max)) > 0)
			put(fd, data, (size_t)n);
		if (n < 0)
			fail("read");
		free(data);
		close(fd);
	}
	puts("ok");
	return 0;
}

static int cmd_ping(char **arg)
{
	int fd = do_connect(arg[0], arg[1]);
	uint64_t i, seed = strtoull(arg[2], NULL, 0);
	uint64_t count = strtoull(arg[3], NULL, 0);
	size_t max = info_of(fd).max_record;
	uint8_t *want = buffer(max), *got = buffer(max);

	for (i = 0; i < count; i++) {
		size_t len = make_record(seed, i, max, want);

		put(fd, want, len);
		check(i, got, read(fd, got, max), want, len);
	}
	free(want);
	free(got);
	finish(fd);
	puts("ok");
	return 0;
}

/*
 * Stay with an open channel until standard input ends: what comes there is sent,
 * a record a read; what the peer sends is counted.
 */
static int stay(int fd)
{
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN },
			       { .fd = fd, .events = POLLIN } };
	struct sivshmem_info info = info_of(fd);
	uint8_t *data = buffer(info.max_record);
	uint64_t bytes = 0;
	ssize_t n;

	printf("open %u\n", info.minor);
	fflush(stdout);
	for (;;) {
		if (poll(p, 2, -1) < 0)
			fail("poll");
		if (p[0].revents) {
			n = read(0, data, info.max_record);
			if (n <= 0)
				break;
			put(fd, data, (size_t)n);
		}
		if (p[1].revents) {
			n = read(fd, data, info.max_record);
			if (n > 0)
				bytes += (uint64_t)n;
			else
				p[1].fd = -1;
		}
	}
	free(data);
	info = info_of(fd);
	printf("ok received=%ju state=%u end=%s\n", (uintmax_t)bytes,
	       info.state,
	       info.end_reason ? strerrorname_np((int)info.end_reason) : "0");
	return 0;
}

static int cmd_hold(char **arg)
{
	return stay(do_connect(arg[0], arg[1]));
}

static int cmd_keep(char **arg)
{
	return stay(do_accept(do_listen(arg[0])));
}

static const struct {
	const char *name;
	int args;
	int (*run)(char **arg);
} commands[] = {
	{ "connect", 2, cmd_connect }, { "source", 4, cmd_source },
	{ "sink", 3, cmd_sink },       { "echo", 2, cmd_echo },
	{ "ping", 4, cmd_ping },       { "hold", 2, cmd_hold },
	{ "keep", 1, cmd_keep },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (argc > 1 && !strcmp(argv[1], commands[i].name) &&
		    argc - 2 >= commands[i].args) {
			parse_words(argv + 2 + commands[i].args);
			return commands[i].run(argv + 2);
		}
	fprintf(stderr, "chan: unknown command or too few arguments\n");
	return 2;
}
