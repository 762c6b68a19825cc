// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library against the real driver, for test guests.
 *
 *   libcheck serve KEY                    accept channels; do what their first record says
 *   libcheck check IDENTITY SERVICE WAY   WAY: copy, map or sealed
 *   libcheck errors IDENTITY SERVICE      what goes wrong, and how
 *   libcheck hold IDENTITY SERVICE WAY    connect, wait for the end, say which
 *
 * Prints `ok N` after N checks and exits 0, or what was wrong and exits 1. A server
 * prints `listening` first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <sivshmem/sivshmem.h>

enum {
	RING = 16384,
	ROUNDS = 400
};

static unsigned int checks;

#define CHECK(cond)                                                      \
	do {                                                             \
		checks++;                                                \
		if (!(cond)) {                                           \
			printf("wrong: line %d: %s\n", __LINE__, #cond); \
			exit(1);                                         \
		}                                                        \
	} while (0)

#define IS(got, want)                                                  \
	do {                                                           \
		long got_ = (long)(got), want_ = (long)(want);         \
                                                                       \
		checks++;                                              \
		if (got_ != want_) {                                   \
			printf("wrong: line %d: %s is %ld, not %ld\n", \
			       __LINE__, #got, got_, want_);           \
			exit(1);                                       \
		}                                                      \
	} while (0)

static void fill(unsigned char *p, size_t n, unsigned int tag)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(tag * 37 + i * 11 + (i >> 8));
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --------------------------------------------------------------------- server */

static void serve_echo(struct ivshmem *ch, unsigned char *buf)
{
	ssize_t n;

	while ((n = ivshmem_recv(ch, buf, RING)) > 0)
		if (ivshmem_send(ch, buf, (size_t)n) != n)
			return;
}

/* Until the peer closes, without reading. */
static void serve_silent(struct ivshmem *ch)
{
	struct pollfd p = { .fd = ivshmem_fd(ch) };

	while (!(p.revents & (POLLHUP | POLLERR)))
		poll(&p, 1, -1);
}

static void *serve(void *arg)
{
	unsigned char *buf = malloc(RING);
	struct ivshmem *ch = arg;
	ssize_t n = ivshmem_recv(ch, buf, RING);

	buf[n > 0 ? n : 0] = '\0';
	if (!strcmp((char *)buf, "echo")) {
		serve_echo(ch, buf);
	} else if (!strcmp((char *)buf, "silent")) {
		serve_silent(ch);
	} else if (!strcmp((char *)buf, "three")) {
		for (int i = 1; i <= 3; i++)
			ivshmem_send(ch, buf, (size_t)i);
	} else if (!strcmp((char *)buf, "half")) {
		ivshmem_send(ch, "last", 4);
		ivshmem_shutdown(ch, SIVSHMEM_SHUT_WR);
		while (ivshmem_recv(ch, buf, RING) > 0)
			;
	} else if (!strcmp((char *)buf, "deaf")) {
		ivshmem_shutdown(ch, SIVSHMEM_SHUT_RD);
		ivshmem_send(ch, "deaf", 4);
		serve_silent(ch);
	} else if (!strcmp((char *)buf, "late")) {
		usleep(200000);
		ivshmem_send(ch, "late", 4);
		serve_silent(ch);
	}
	ivshmem_close(ch);
	free(buf);
	return NULL;
}

static int serve_all(const char *key)
{
	struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;
	struct ivshmem *ls, *ch;
	pthread_t t;
	int err;

	o.key = atoi(key);
	o.backlog = 8;
	err = ivshmem_listen(&o, &ls);
	if (err) {
		printf("%s listen\n", strerrorname_np(-err));
		return 1;
	}
	puts("listening");
	fflush(stdout);
	while (!(err = ivshmem_accept(ls, &ch)))
		if (!pthread_create(&t, NULL, serve, ch))
			pthread_detach(t);
	printf("%s accept\n", strerrorname_np(-err));
	return 1;
}

/* --------------------------------------------------------------------- client */

static const char *identity, *service, *way;

static struct ivshmem_options options(void)
{
	struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;

	o.identity = identity;
	o.ring_tx = RING;
	o.ring_rx = RING;
	if (!strcmp(way, "map"))
		o.flags = IVSHMEM_ZEROCOPY;
	if (!strcmp(way, "sealed"))
		o.flags = IVSHMEM_SEALED;
	return o;
}

static struct ivshmem *dial(const char *what)
{
	struct ivshmem_options o = options();
	struct ivshmem *ch;

	IS(ivshmem_connect(service, &o, &ch), 0);
	IS(ivshmem_send(ch, what, strlen(what)), strlen(what));
	return ch;
}

static void check_peer(void)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	struct ivshmem_peer p = { .size = sizeof(p) };
	struct ivshmem *ch = dial("silent");
	bool sealed = !strcmp(way, "sealed");

	IS(ivshmem_peer(ch, &p), 0);
	CHECK(!strcmp(p.service, service) && p.vm[0] && p.region[0] && p.cid);
	IS(p.flags,
	   SIVSHMEM_INFO_CONNECTOR | (sealed ? SIVSHMEM_INFO_SEALED : 0));
	IS(ivshmem_info(ch, &i), 0);
	IS(i.state, SIVSHMEM_OPEN);
	IS(i.ring_tx, RING);
	IS(ivshmem_max_record(ch), i.max_record);
	CHECK(i.max_record <= RING / 2 - 8);
	CHECK(i.handshake_ns > 0);
	IS(!!(i.flags & SIVSHMEM_INFO_MAPPED), !strcmp(way, "map"));
	p.size = 8;
	IS(ivshmem_peer(ch, &p), -EINVAL);
	ivshmem_close(ch);
}

static void check_echo(void)
{
	struct ivshmem *ch = dial("echo");
	size_t max = ivshmem_max_record(ch);
	unsigned char *out = malloc(max + 1), *in = malloc(max);

	IS(ivshmem_send(ch, out, max + 1), -EMSGSIZE);
	IS(ivshmem_send(ch, out, 0), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		size_t len = i < 20 ? i + 1 : i % 9 ? 1 + i * 7919 % max : max;

		fill(out, len, i);
		IS(ivshmem_send(ch, out, len), len);
		if (i % 5 == 0 && len > 1)
			IS(ivshmem_recv(ch, in, len - 1), -EMSGSIZE);
		IS(ivshmem_recv(ch, in, max), len);
		CHECK(!memcmp(in, out, len));
	}
	IS(ivshmem_shutdown(ch, SIVSHMEM_SHUT_WR), 0);
	IS(ivshmem_send(ch, out, 1), -EPIPE);
	IS(ivshmem_recv(ch, in, max), 0);
	ivshmem_close(ch);
	free(out);
	free(in);
}

static void check_end(void)
{
	struct ivshmem *ch = dial("three");
	char buf[16];
	ssize_t n;

	for (int i = 1; i <= 3; i++)
		IS(ivshmem_recv(ch, buf, sizeof(buf)), i);
	IS(ivshmem_recv(ch, buf, sizeof(buf)), 0);
	IS(ivshmem_recv(ch, buf, sizeof(buf)), 0);
	n = ivshmem_send(ch, buf, 1);
	CHECK(n == -EPIPE || n == -ECONNRESET);
	ivshmem_close(ch);

	/* one direction only */
	ch = dial("half");
	IS(ivshmem_recv(ch, buf, sizeof(buf)), 4);
	IS(ivshmem_recv(ch, buf, sizeof(buf)), 0);
	IS(ivshmem_send(ch, buf, 8), 8);
	ivshmem_close(ch);

	ch = dial("deaf");
	IS(ivshmem_recv(ch, buf, sizeof(buf)), 4);
	IS(ivshmem_send(ch, buf, 1), -EPIPE);
	ivshmem_close(ch);
}

static void check_waiting(void)
{
	struct ivshmem *ch = dial("silent");
	struct pollfd p = { .fd = ivshmem_fd(ch), .events = POLLIN | POLLOUT };
	size_t max = ivshmem_max_record(ch), sent = 0;
	char *buf = calloc(1, max);
	long start = now_ms();
	ssize_t n;

	IS(ivshmem_set_timeouts(ch, 0, 150), 0);
	IS(ivshmem_recv(ch, buf, max), -ETIMEDOUT);
	CHECK(now_ms() - start >= 149);
	IS(poll(&p, 1, 0), 1);
	IS(p.revents, POLLOUT);
	while ((n = ivshmem_send(ch, buf, max / 4)) > 0)
		sent += (size_t)n;
	IS(n, -EAGAIN);
	CHECK(sent >= RING / 2 && sent <= RING);
	IS(poll(&p, 1, 50), 0);
	IS(ivshmem_set_timeouts(ch, 100, 0), 0);
	start = now_ms();
	IS(ivshmem_send(ch, buf, max / 4), -ETIMEDOUT);
	CHECK(now_ms() - start >= 99);
	IS(ivshmem_recv(ch, buf, max), -EAGAIN);
	ivshmem_close(ch);
	free(buf);
}

static void nothing(int sig)
{
	(void)sig;
}

static void check_signals(void)
{
	/* again and again: the first may come before the call */
	const struct itimerval each_100ms = { .it_value = { .tv_usec = 100000 },
					      .it_interval = {
						      .tv_usec = 100000 } };
	const struct itimerval never = { { 0 }, { 0 } };
	struct sigaction sa = { .sa_handler = nothing };
	struct ivshmem *ch = dial("silent");
	char buf[16];

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &each_100ms, NULL);
	IS(ivshmem_recv(ch, buf, sizeof(buf)), -EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	ivshmem_close(ch);
}

/* A sleeping reader, and a sleeping poll(), are woken by the record. */
static void check_late(void)
{
	struct pollfd p = { .events = POLLIN };
	struct ivshmem *ch = dial("late");
	char buf[16];

	IS(ivshmem_recv(ch, buf, sizeof(buf)), 4);
	ivshmem_close(ch);
	ch = dial("late");
	p.fd = ivshmem_fd(ch);
	IS(ivshmem_set_timeouts(ch, 0, 0), 0);
	IS(ivshmem_recv(ch, buf, sizeof(buf)), -EAGAIN);
	IS(poll(&p, 1, 5000), 1);
	CHECK(p.revents & POLLIN);
	IS(ivshmem_recv(ch, buf, sizeof(buf)), 4);
	ivshmem_close(ch);
}

static void check_nonblocking(void)
{
	struct ivshmem_options o = options();
	struct pollfd p = { .events = POLLOUT };
	struct ivshmem_peer peer = { .size = sizeof(peer) };
	struct ivshmem *ch;
	char buf[16];
	int r;

	o.flags |= IVSHMEM_NONBLOCK;
	IS(ivshmem_connect(service, &o, &ch), 0);
	p.fd = ivshmem_fd(ch);
	while ((r = ivshmem_connect_finish(ch)) == -EINPROGRESS)
		IS(poll(&p, 1, 5000), 1);
	IS(r, 0);
	IS(ivshmem_connect_finish(ch), 0);
	IS(ivshmem_peer(ch, &peer), 0);
	IS(ivshmem_send(ch, "echo", 4), 4);
	IS(ivshmem_send(ch, "x", 1), 1);
	p.events = POLLIN;
	IS(poll(&p, 1, 5000), 1);
	IS(ivshmem_recv(ch, buf, sizeof(buf)), 1);
	ivshmem_close(ch);
}

/* Reading and writing threads at once, more than the rings hold. */
static void *flood(void *arg)
{
	unsigned char buf[700];

	for (unsigned int i = 0; i < 3000; i++) {
		size_t len = 1 + i * 31 % sizeof(buf);

		fill(buf, len, i);
		IS(ivshmem_send(arg, buf, len), len);
	}
	IS(ivshmem_shutdown(arg, SIVSHMEM_SHUT_WR), 0);
	return NULL;
}

static void check_threads(void)
{
	struct ivshmem *ch = dial("echo");
	unsigned char in[1024], want[1024];
	pthread_t t;

	IS(pthread_create(&t, NULL, flood, ch), 0);
	for (unsigned int i = 0; i < 3000; i++) {
		size_t len = 1 + i * 31 % 700;

		fill(want, len, i);
		IS(ivshmem_recv(ch, in, sizeof(in)), len);
		CHECK(!memcmp(in, want, len));
	}
	IS(ivshmem_recv(ch, in, sizeof(in)), 0);
	pthread_join(t, NULL);
	ivshmem_close(ch);
}

static void check_in_place(void)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	struct ivshmem *ch = dial("echo");
	const void *in, *again;
	void *out;

	for (unsigned int k = 0; k < 200; k++) {
		size_t len = 1 + k * 331 % (RING / 2 - 8);
		unsigned char want[RING / 2];

		fill(want, len, k);
		IS(ivshmem_reserve(ch, len, &out), 0);
		memcpy(out, want, len);
		IS(ivshmem_commit(ch, len), 0);
		IS(ivshmem_peek(ch, &in), len);
		IS(ivshmem_peek(ch, &again), len);
		CHECK(in == again && !memcmp(in, want, len));
		IS(ivshmem_release(ch), 0);
	}
	IS(ivshmem_release(ch), -EINVAL);
	IS(ivshmem_reserve(ch, RING / 2, &out), -EMSGSIZE);
	IS(ivshmem_commit(ch, 1), -EINVAL);
	IS(ivshmem_info(ch, &i), 0);
	/* the kernel moved nothing */
	IS(i.tx_records + i.rx_records + i.tx_bytes + i.rx_bytes, 0);
	CHECK(i.flags & SIVSHMEM_INFO_MAPPED);
	ivshmem_close(ch);
}

static void check_not_in_place(void)
{
	bool sealed = !strcmp(way, "sealed");
	struct ivshmem_options o = options();
	struct ivshmem *ch = dial("silent");
	void *p;

	IS(ivshmem_map(ch), -EBUSY);
	IS(ivshmem_reserve(ch, 8, &p), -EBUSY);
	ivshmem_close(ch);
	IS(ivshmem_connect(service, &o, &ch), 0);
	IS(ivshmem_map(ch), sealed ? -EOPNOTSUPP : 0);
	ivshmem_close(ch);
}

static int check_all(void)
{
	check_peer();
	check_echo();
	check_end();
	check_waiting();
	check_signals();
	check_late();
	check_nonblocking();
	check_threads();
	if (!strcmp(way, "map"))
		check_in_place();
	else
		check_not_in_place();
	printf("ok %u\n", checks);
	return 0;
}

/* --------------------------------------------------------------------- errors */

static int failed(const char *to, const char *as, uint64_t ring)
{
	struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;
	struct ivshmem *ch;

	o.identity = as;
	o.ring_tx = ring;
	return ivshmem_connect(to, &o, &ch);
}

static void check_node(void)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	struct ivshmem *ch = dial("echo"), *node, *fd;
	char path[64], buf[16];
	int err = -ENOENT;

	/* the node appears beside the channel, a little later */
	IS(ivshmem_info(ch, &i), 0);
	for (int k = 0; k < 100 && i.minor == SIVSHMEM_NO_MINOR; k++) {
		usleep(20000);
		IS(ivshmem_info(ch, &i), 0);
	}
	snprintf(path, sizeof(path), "/dev/sivshmem%u", i.minor);
	for (int k = 0; k < 100 && err == -ENOENT; k++) {
		err = ivshmem_open(path, NULL, &node);
		if (err == -ENOENT)
			usleep(20000);
	}
	IS(err, 0);
	IS(ivshmem_open(path, NULL, &fd), -EBUSY);
	IS(ivshmem_send(node, "node", 4), 4);
	IS(ivshmem_recv(ch, buf, sizeof(buf)), 4);
	ivshmem_close(node);
	IS(ivshmem_from_fd(dup(ivshmem_fd(ch)), NULL, &fd), 0);
	IS(ivshmem_send(fd, "fd", 2), 2);
	IS(ivshmem_recv(fd, buf, sizeof(buf)), 2);
	ivshmem_close(fd);
	ivshmem_close(ch);
	IS(ivshmem_from_fd(open("/dev/null", O_RDWR), NULL, &fd), -ENOTTY);
}

static int check_errors(void)
{
	struct sivshmem_region_info r = { .size = sizeof(r) };
	int n;

	way = "copy";
	check_node();
	IS(ivshmem_abi_version(), SIVSHMEM_ABI_VERSION);
	IS(ivshmem_region(0, &r), 0);
	CHECK(r.granule >= 4096 && r.region[0] && r.peer);
	IS(ivshmem_region(99, &r), -ENODEV);
	IS(failed(service, "no.such.key", 0), -ENOKEY);
	IS(failed(service, identity, 4097), -EINVAL);
	n = failed("no.such.service", identity, 0);
	CHECK(n == -EPERM || n == -ECONNREFUSED);
	printf("ok %u\n", checks);
	return 0;
}

/* Says how the channel ends, for a test that ends it from outside. */
static int hold(void)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	struct ivshmem *ch = dial("silent");
	char buf[16];
	ssize_t n;

	puts("holding");
	fflush(stdout);
	n = ivshmem_recv(ch, buf, sizeof(buf));
	IS(ivshmem_info(ch, &i), 0);
	printf("%s, because of %s\n",
	       n < 0 ? strerrorname_np((int)-n) :
	       n     ? "data" :
		       "end",
	       strerrorname_np((int)i.end_reason));
	ivshmem_close(ch);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve_all(argv[2]);
	if (argc < 4)
		return 2;
	identity = argv[2];
	service = argv[3];
	way = argc > 4 ? argv[4] : "copy";
	if (!strcmp(argv[1], "check"))
		return check_all();
	if (!strcmp(argv[1], "errors"))
		return check_errors();
	if (!strcmp(argv[1], "hold"))
		return hold();
	return 2;
}
