// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels made, used, shared between threads and thrown away in disorder: this looks
 * for what the kernel says of it, not for correct results.
 *
 *   churn serve KEY SECONDS THREADS           accept, do something, close
 *   churn call KEY SERVICE SECONDS THREADS    connect, do something, close
 *   churn stall KEY SERVICE read|write        in a buffer whose pages never come
 *
 * Errors are expected; prints `ok CHANNELS CALLS` at the end. `stall` prints `stalled`
 * once the call has begun, and ends when its input does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/sivshmem.h>

enum {
	THREADS_MAX = 16,
	BUFFER = 70000,
	MAPS = 4
};

static int key;
static const char *service;
static time_t until;
static uint64_t channels, calls;
static __thread sigjmp_buf *rescue;

struct user {
	unsigned int seed;
	int fd;
	uint8_t *buf;
	uint8_t *map[MAPS];
	size_t len[MAPS];
};

static uint32_t chance(struct user *u, uint32_t n)
{
	return (uint32_t)rand_r(&u->seed) % n;
}

static void on_bus(int sig)
{
	(void)sig;
	if (!rescue)
		_exit(99);
	siglongjmp(*rescue, 1);
}

static int control(void)
{
	return open("/dev/sivshmem-control", O_RDWR | O_CLOEXEC);
}

static int connect_one(struct user *u)
{
	static const uint32_t flags[] = {
		0,
		0,
		SIVSHMEM_SEALED,
		SIVSHMEM_NONBLOCK,
		SIVSHMEM_NO_NODE,
		SIVSHMEM_SEALED | SIVSHMEM_NONBLOCK,
		SIVSHMEM_NODE_SHARED,
	};
	struct sivshmem_connect c = {
		.size = sizeof(c),
		.flags = flags[chance(u, 7)],
		.key = key,
		.timeout_ms = chance(u, 8) ? 2000 : 1 + chance(u, 20),
		.ring_tx = 4096u << chance(u, 5),
		.ring_rx = 4096u << chance(u, 5),
	};
	int node = control(), fd;

	strncpy((char *)c.service, service, sizeof(c.service) - 1);
	fd = ioctl(node, SIVSHMEM_CONNECT, &c);
	close(node);
	return fd;
}

/* ----------------------------------------------------------------- deeds */

static void do_write(struct user *u)
{
	struct iovec v[2] = {
		{ u->buf, chance(u, 300) },
		{ u->buf + 1000, chance(u, BUFFER - 1000) },
	};

	if (!chance(u, 20))
		v[1].iov_base = (void *)8;
	(void)!writev(u->fd, v, 1 + (int)chance(u, 2));
}

static void do_read(struct user *u)
{
	(void)!read(u->fd, chance(u, 20) ? u->buf : (void *)8,
		    chance(u, 20) ? BUFFER : 3);
}

static void do_poll(struct user *u)
{
	struct pollfd p = { .fd = u->fd, .events = POLLIN | POLLOUT };

	poll(&p, 1, (int)chance(u, 5));
}

static void do_epoll(struct user *u)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(ep, EPOLL_CTL_ADD, u->fd, &e);
	epoll_wait(ep, &e, 1, (int)chance(u, 5));
	if (chance(u, 2))
		close(u->fd);
	close(ep);
}

static void do_info(struct user *u)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	char path[80];
	int fd, minor;

	if (ioctl(u->fd, SIVSHMEM_INFO, &i))
		return;
	minor = (int)i.minor;
	snprintf(path, sizeof(path), "/sys/class/sivshmem/sivshmem%d/%s", minor,
		 chance(u, 2) ? "peer" : "end_reason");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!read(fd, path, sizeof(path));
		close(fd);
	}
	snprintf(path, sizeof(path), "/dev/sivshmem%d", minor);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	if (chance(u, 2)) {
		close(u->fd);
		u->fd = fd;
	} else {
		close(fd);
	}
}

static void do_shutdown(struct user *u)
{
	struct sivshmem_shutdown s = { .size = sizeof(s),
				       .how = 1 + chance(u, 3) };

	ioctl(u->fd, SIVSHMEM_SHUTDOWN, &s);
}

static void do_wait(struct user *u)
{
	struct sivshmem_wait w = {
		.size = sizeof(w),
		.flags = 1 + chance(u, 2),
		.position = chance(u, 100000),
		.timeout_ms = chance(u, 4),
	};

	ioctl(u->fd, SIVSHMEM_WAIT, &w);
	ioctl(u->fd, SIVSHMEM_BELL);
}

static void do_map(struct user *u)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	unsigned int w = chance(u, MAPS);
	void *at;

	if (u->map[w] || ioctl(u->fd, SIVSHMEM_INFO, &i) || !i.window[w].length)
		return;
	at = mmap(NULL, i.window[w].length, (int)i.window[w].prot, MAP_SHARED,
		  u->fd, (off_t)i.window[w].offset);
	if (at == MAP_FAILED)
		return;
	u->map[w] = at;
	u->len[w] = i.window[w].length;
}

/* Read everywhere, write where it may be written, split, move, protect. */
static void do_touch(struct user *u)
{
	unsigned int w = chance(u, MAPS);
	size_t page = chance(u, (uint32_t)(u->len[w] / 4096 + 1)) * 4096;
	volatile uint8_t *at = u->map[w];
	void *moved;

	if (!at || page >= u->len[w])
		return;
	(void)at[page];
	if (w == SIVSHMEM_WIN_CTL_OWN || w == SIVSHMEM_WIN_TX)
		at[page + chance(u, 4096)] = (uint8_t)chance(u, 256);
	switch (chance(u, 12)) {
	case 0:
		munmap((void *)(at + page), 4096);
		break;
	case 1:
		mprotect((void *)(at + page), 4096, PROT_READ);
		break;
	case 2:
		moved = mremap((void *)at, u->len[w], u->len[w],
			       MREMAP_MAYMOVE);
		if (moved != MAP_FAILED)
			u->map[w] = moved;
		break;
	case 3:
		madvise((void *)at, u->len[w], MADV_DONTNEED);
		break;
	case 4:
		(void)!write(u->fd, (void *)(at + page), 100);
		break;
	default:
		break;
	}
}

static void (*const deeds[])(struct user *) = {
	do_write, do_write, do_write, do_read,	do_read,     do_read, do_poll,
	do_poll,  do_epoll, do_info,  do_info,	do_shutdown, do_wait, do_map,
	do_map,	  do_touch, do_touch, do_touch, do_touch,
};

/* One deed; a SIGBUS in it, or a hole in a mapping, is its end and no more. */
static void act(struct user *u, unsigned int deed)
{
	sigjmp_buf here;

	rescue = &here;
	if (!sigsetjmp(here, 1))
		deeds[deed](u);
	rescue = NULL;
	__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
}

static void use(struct user *u)
{
	const unsigned int all = sizeof(deeds) / sizeof(*deeds);
	/* half of them map, half of them copy */
	bool map = chance(u, 2);
	unsigned int n;

	if (chance(u, 3))
		fcntl(u->fd, F_SETFL, O_NONBLOCK);
	__atomic_add_fetch(&channels, 1, __ATOMIC_RELAXED);
	for (n = chance(u, 60); n; n--)
		act(u, map ? 6 + chance(u, all - 6) : chance(u, all - 6));
	close(u->fd);
	for (n = 0; n < MAPS; n++) {
		if (u->map[n])
			munmap(u->map[n], u->len[n]);
		u->map[n] = NULL;
		u->len[n] = 0;
	}
}

/* ------------------------------------------------------------- two sides */

static void *caller(void *arg)
{
	struct user u = { .seed = (unsigned int)(uintptr_t)arg };

	u.buf = calloc(1, BUFFER);
	while (time(NULL) < until) {
		u.fd = connect_one(&u);
		if (u.fd >= 0)
			use(&u);
		else
			usleep(1000);
	}
	free(u.buf);
	return NULL;
}

static int listener = -1;
static pthread_mutex_t listening = PTHREAD_MUTEX_INITIALIZER;

/* A listener for all threads; made anew when it is lost, or sometimes. */
static int listen_again(struct user *u, int lost)
{
	struct sivshmem_listen l = {
		.size = sizeof(l),
		.key = key,
		.timeout_ms = 2000,
		.backlog = 1 + chance(u, 16),
	};
	int node, fd;

	pthread_mutex_lock(&listening);
	if (lost == listener) {
		if (listener >= 0)
			close(listener);
		node = control();
		listener = ioctl(node, SIVSHMEM_LISTEN, &l);
		close(node);
		if (listener >= 0)
			fcntl(listener, F_SETFL, O_NONBLOCK);
	}
	fd = listener;
	pthread_mutex_unlock(&listening);
	return fd;
}

static void *server(void *arg)
{
	struct user u = { .seed = (unsigned int)(uintptr_t)arg + 1000 };
	struct sivshmem_accept a = { .size = sizeof(a) };
	int fd = listen_again(&u, -1);

	u.buf = calloc(1, BUFFER);
	while (time(NULL) < until) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		poll(&p, 1, 20);
		u.fd = ioctl(fd, SIVSHMEM_ACCEPT, &a);
		if (u.fd >= 0)
			use(&u);
		else if (errno != EAGAIN || !chance(&u, 200))
			fd = listen_again(&u, fd);
	}
	free(u.buf);
	return NULL;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Nobody sleeps for long: signals go round among the threads. */
static void disturb(void)
{
	const struct itimerval often = { { 0, 30000 }, { 0, 30000 } };
	struct sigaction alarms = { .sa_handler = on_alarm };
	sigset_t set;

	sigaction(SIGALRM, &alarms, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static int run(void *(*side)(void *), const char *seconds, const char *threads)
{
	pthread_t t[THREADS_MAX];
	int n = atoi(threads), i;

	n = n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : n;
	until = time(NULL) + atoi(seconds);
	for (i = 0; i < n; i++)
		pthread_create(&t[i], NULL, side,
			       (void *)(uintptr_t)(i + getpid()));
	disturb();
	for (i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	printf("ok %lu %lu\n", channels, calls);
	return 0;
}

/* ----------------------------------------------------------------- stall */

static void *stuck(void *arg)
{
	struct user *u = arg;

	printf("stalled\n");
	fflush(stdout);
	if (u->seed)
		(void)!write(u->fd, u->buf, 4096);
	else
		(void)!read(u->fd, u->buf, 4096);
	return NULL;
}

static int stall(int writes)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct user u = { .seed = 2 };
	pthread_t t;
	char c;
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	u.buf = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (uintptr_t)u.buf;
	reg.range.len = 8192;
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &reg)) {
		perror("userfaultfd");
		return 1;
	}
	do {
		u.fd = connect_one(&u);
	} while (u.fd < 0 && errno == ETIMEDOUT);
	if (u.fd < 0) {
		perror("connect");
		return 1;
	}
	u.seed = (unsigned int)writes;
	pthread_create(&t, NULL, stuck, &u);
	while (read(0, &c, 1) > 0)
		;
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sigaction bus = { .sa_handler = on_bus };

	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &bus, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (argc < 5)
		return 2;
	key = atoi(argv[2]);
	if (!strcmp(argv[1], "serve"))
		return run(server, argv[3], argv[4]);
	service = argv[3];
	if (!strcmp(argv[1], "stall"))
		return stall(!strcmp(argv[4], "write"));
	if (!strcmp(argv[1], "call") && argc > 5)
		return run(caller, argv[4], argv[5]);
	return 2;
}
