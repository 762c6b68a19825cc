// SPDX-License-Identifier: GPL-2.0-only
/*
 * A shell for channels: one command a line from standard input, one line of
 * answer each: `ok ...`, an errno's name, or the name of a signal that touching
 * memory raised. Tests on the host drive several of them in several guests.
 *
 * S and L are slots from 0 to 15 that hold descriptors. SIGUSR1 interrupts.
 *
 *   listen L KEY [WORD...]          connect S KEY SERVICE [WORD...]
 *   accept S L [MS]                 open S PATH         close S
 *   write S LEN [SEED]              read S LEN          writev S LEN LEN
 *   badwrite S                      badread S           readv S LEN LEN
 *   poll S MS [in|out]              nonblock S 0|1      shutdown S rd|wr|rdwr
 *   info S                          bell S              wait S read|write POS MS
 *   map S WINDOW [r|rw|exec|short]  unmap S WINDOW      protect S WINDOW rw
 *   get S WINDOW OFFSET             set S WINDOW OFFSET VALUE
 *   edge S in|out                   edges MS            ioctl S NUMBER
 *   lseek S                         sleep MS
 *   nth N                           struck
 *
 * `nth` makes the kernel fail the next command in one place, the Nth of those where it can
 * (fail-nth of Documentation/fault-injection); `struck` tells whether there was one.
 *
 * `edge` adds S to an epoll set, edge-triggered; `edges` waits for one of the set.
 *
 * WORD: sealed, aes, nonblock, nonode, shared, ring=BYTES, ring_rx=BYTES, timeout=MS,
 * vm=NAME, region=NAME, suite=NUMBER; of a listener also allow=VM/SERVICE, once for
 * each, and ring_max=BYTES. `ring_rx` is for a ring to read from that is not as long as
 * the other.
 * Without timeout=MS, CONNECT and LISTEN wait as long as the driver lets them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
#include <sys/uio.h>
#include <unistd.h>

#include <linux/sivshmem.h>

#define SLOTS 16
#define WORDS 12
#define BUFFER (8 << 20)
#define PATIENCE_MS 30000 /* the longest; the driver's own 5 s are short here */

static int fds[SLOTS];
static struct {
	uint8_t *at;
	size_t len;
} maps[SLOTS][SIVSHMEM_WINDOWS];
static uint8_t *data;
static sigjmp_buf fault;

static void failed(void)
{
	puts(strerrorname_np(errno));
}

/* The answer to a call: its result, or the errno. */
static void answer(long result)
{
	if (result < 0)
		failed();
	else
		printf("ok %ld\n", result);
}

static uint64_t number(const char *text)
{
	return text ? strtoull(text, NULL, 0) : 0;
}

static int slot(const char *text)
{
	return (int)(number(text) % SLOTS);
}

static int window(const char *text)
{
	return (int)(number(text) % SIVSHMEM_WINDOWS);
}

/* What the words after a command say; unknown ones are ignored. */
static struct sivshmem_connect parse(char **word)
{
	struct sivshmem_connect c = { .size = sizeof(c),
				      .timeout_ms = PATIENCE_MS };

	for (; *word; word++) {
		char *value = strchr(*word, '=');

		if (!strcmp(*word, "sealed"))
			c.flags |= SIVSHMEM_SEALED;
		else if (!strcmp(*word, "nonblock"))
			c.flags |= SIVSHMEM_NONBLOCK;
		else if (!strcmp(*word, "nonode"))
			c.flags |= SIVSHMEM_NO_NODE;
		else if (!strcmp(*word, "shared"))
			c.flags |= SIVSHMEM_NODE_SHARED;
		else if (!strcmp(*word, "aes"))
			c.suite = SIVSHMEM_SUITE_AESGCM;
		else if (value && !strncmp(*word, "ring=", 5))
			c.ring_tx = number(value + 1);
		else if (value && !strncmp(*word, "ring_rx=", 8))
			c.ring_rx = number(value + 1);
		else if (value && !strncmp(*word, "timeout=", 8))
			c.timeout_ms = (uint32_t)number(value + 1);
		else if (value && !strncmp(*word, "vm=", 3))
			strncpy((char *)c.vm, value + 1, sizeof(c.vm) - 1);
		else if (value && !strncmp(*word, "region=", 7))
			strncpy((char *)c.region, value + 1,
				sizeof(c.region) - 1);
		else if (value && !strncmp(*word, "suite=", 6))
			c.suite = (uint32_t)number(value + 1);
	}
	if (!c.ring_rx)
		c.ring_rx = c.ring_tx;
	return c;
}

static void keep(const char *where, int fd)
{
	if (fd >= 0) {
		if (fds[slot(where)] >= 0)
			close(fds[slot(where)]);
		fds[slot(where)] = fd;
	}
	answer(fd < 0 ? -1 : 0);
}

static int control_ioctl(unsigned long request, void *arg)
{
	int fd = open("/dev/sivshmem-control", O_RDWR | O_CLOEXEC), result;
	int error;

	if (fd < 0)
		return -1;
	result = ioctl(fd, request, arg);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

/* What a listener demands by itself. */
static void demands(struct sivshmem_listen *l, char **word)
{
	static char allow[512];
	size_t n = 0;

	for (; *word; word++) {
		if (!strncmp(*word, "ring_max=", 9))
			l->ring_max = number(*word + 9);
		if (!strncmp(*word, "allow=", 6))
			n += (size_t)snprintf(allow + n, sizeof(allow) - n,
					      "%s\n", *word + 6);
	}
	l->allow = n ? (uintptr_t)allow : 0;
	l->allow_len = (uint32_t)n;
}

static void do_listen(char **a)
{
	struct sivshmem_connect words = parse(a + 2);
	struct sivshmem_listen l = {
		.size = sizeof(l),
		.flags = words.flags & ~(uint32_t)SIVSHMEM_NONBLOCK,
		.key = atoi(a[1]),
		.timeout_ms = words.timeout_ms,
		.backlog = 8,
	};

	memcpy(l.region, words.region, sizeof(l.region));
	demands(&l, a + 2);
	keep(a[0], control_ioctl(SIVSHMEM_LISTEN, &l));
}

static void do_connect(char **a)
{
	struct sivshmem_connect c = parse(a + 3);

	c.key = atoi(a[1]);
	strncpy((char *)c.service, a[2], sizeof(c.service) - 1);
	keep(a[0], control_ioctl(SIVSHMEM_CONNECT, &c));
}

static void do_accept(char **a)
{
	struct sivshmem_accept accept = { .size = sizeof(accept) };

	accept.timeout_ms = (uint32_t)number(a[2]);
	keep(a[0], ioctl(fds[slot(a[1])], SIVSHMEM_ACCEPT, &accept));
}

static void do_open(char **a)
{
	keep(a[0], open(a[1], O_RDWR | O_CLOEXEC));
}

static void do_close(char **a)
{
	answer(close(fds[slot(a[0])]));
	fds[slot(a[0])] = -1;
}

static uint32_t sum(const uint8_t *p, size_t n)
{
	uint32_t h = 2166136261u;

	while (n--)
		h = (h ^ *p++) * 16777619u;
	return h;
}

static void do_write(char **a)
{
	size_t i, len = number(a[1]) % BUFFER;
	ssize_t n;

	for (i = 0; i < len; i++)
		data[i] = (uint8_t)((i + number(a[2])) * 2654435761u >> 24);
	n = write(fds[slot(a[0])], data, len);
	if (n < 0)
		failed();
	else
		printf("ok %zd %08x\n", n, sum(data, len));
}

static void do_read(char **a)
{
	ssize_t n = read(fds[slot(a[0])], data, number(a[1]) % BUFFER);

	if (n < 0)
		failed();
	else
		printf("ok %zd %08x\n", n, sum(data, (size_t)n));
}

static void do_vector(char **a, ssize_t (*call)(int, const struct iovec *, int))
{
	struct iovec v[2] = { { data, number(a[1]) },
			      { data + number(a[1]), number(a[2]) } };
	ssize_t n = call(fds[slot(a[0])], v, 2);

	if (n < 0)
		failed();
	else
		printf("ok %zd %08x\n", n, sum(data, (size_t)n));
}

static void do_writev(char **a)
{
	do_vector(a, writev);
}

static void do_readv(char **a)
{
	do_vector(a, readv);
}

/* Half of the buffer is there, the other half is not. */
static void *half_there(void)
{
	uint8_t *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + 4096, 4096);
	return p + 4096 - 16;
}

static void do_badwrite(char **a)
{
	answer(write(fds[slot(a[0])], half_there(), 32));
}

static void do_badread(char **a)
{
	answer(read(fds[slot(a[0])], half_there(), 4096));
}

static void do_poll(char **a)
{
	static const struct {
		short bit;
		const char *name;
	} names[] = { { POLLIN, "in" },	      { POLLOUT, "out" },
		      { POLLHUP, "hup" },     { POLLERR, "err" },
		      { POLLRDHUP, "rdhup" }, { POLLNVAL, "nval" } };
	struct pollfd p = { .fd = fds[slot(a[0])], .events = POLLIN | POLLOUT };
	int n;

	if (a[2])
		p.events = strcmp(a[2], "in") ? POLLOUT : POLLIN;
	n = poll(&p, 1, atoi(a[1]));
	if (n < 0) {
		failed();
		return;
	}
	printf("ok");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (p.revents & names[i].bit)
			printf(" %s", names[i].name);
	putchar('\n');
}

static int edges = -1;

static void do_edge(char **a)
{
	struct epoll_event e = { .events = EPOLLET };

	e.events |= strcmp(a[1], "in") ? EPOLLOUT : EPOLLIN;
	if (edges < 0)
		edges = epoll_create1(EPOLL_CLOEXEC);
	answer(epoll_ctl(edges, EPOLL_CTL_ADD, fds[slot(a[0])], &e));
}

static void do_edges(char **a)
{
	struct epoll_event e;
	int n = epoll_wait(edges, &e, 1, atoi(a[0]));

	if (n < 0)
		failed();
	else
		printf("ok%s%s\n", n && e.events & EPOLLIN ? " in" : "",
		       n && e.events & EPOLLOUT ? " out" : "");
}

static void do_nonblock(char **a)
{
	answer(fcntl(fds[slot(a[0])], F_SETFL, number(a[1]) ? O_NONBLOCK : 0));
}

static void do_shutdown(char **a)
{
	struct sivshmem_shutdown s = { .size = sizeof(s) };

	if (strstr(a[1], "rd"))
		s.how |= SIVSHMEM_SHUT_RD;
	if (strstr(a[1], "wr"))
		s.how |= SIVSHMEM_SHUT_WR;
	answer(ioctl(fds[slot(a[0])], SIVSHMEM_SHUTDOWN, &s));
}

static const char *name_of(uint32_t error)
{
	return error ? strerrorname_np((int)error) : "0";
}

static void do_info(char **a)
{
	struct sivshmem_info i = { .size = sizeof(i) };

	if (ioctl(fds[slot(a[0])], SIVSHMEM_INFO, &i)) {
		failed();
		return;
	}
	printf("ok state=%u error=%s end=%s flags=%#x minor=%u cid=%llu max=%llu ",
	       i.state, name_of(i.error), name_of(i.end_reason), i.flags,
	       i.minor, i.cid, i.max_record);
	printf("tx=%llu rx=%llu txn=%llu rxn=%llu sent=%llu seen=%llu ",
	       i.tx_bytes, i.rx_bytes, i.tx_records, i.rx_records, i.bells_sent,
	       i.bells_seen);
	printf("ring_tx=%llu ring_rx=%llu peer=%.64s/%.64s vector=%u\n",
	       i.ring_tx, i.ring_rx, i.peer_vm, i.peer_service, i.vector);
}

static void do_bell(char **a)
{
	answer(ioctl(fds[slot(a[0])], SIVSHMEM_BELL, 0));
}

static void do_wait(char **a)
{
	struct sivshmem_wait w = {
		.size = sizeof(w),
		.flags = strcmp(a[1], "read") ? SIVSHMEM_WAIT_WRITE :
						SIVSHMEM_WAIT_READ,
		.position = number(a[2]),
		.timeout_ms = (uint32_t)number(a[3]),
	};

	answer(ioctl(fds[slot(a[0])], SIVSHMEM_WAIT, &w));
}

static void do_map(char **a)
{
	struct sivshmem_info i = { .size = sizeof(i) };
	int s = slot(a[0]), w = window(a[1]), prot;
	struct sivshmem_window *win = &i.window[w];
	size_t len;
	void *at;

	if (ioctl(fds[s], SIVSHMEM_INFO, &i)) {
		failed();
		return;
	}
	prot = (int)win->prot;
	len = win->length;
	if (a[2] && !strcmp(a[2], "r"))
		prot = PROT_READ;
	if (a[2] && !strcmp(a[2], "rw"))
		prot = PROT_READ | PROT_WRITE;
	if (a[2] && !strcmp(a[2], "exec"))
		prot |= PROT_EXEC;
	if (a[2] && !strcmp(a[2], "short"))
		len /= 2;
	at = mmap(NULL, len ? len : 4096, prot, MAP_SHARED, fds[s],
		  (off_t)win->offset);
	if (at == MAP_FAILED) {
		failed();
		return;
	}
	maps[s][w].at = at;
	maps[s][w].len = len;
	printf("ok %zu\n", len);
}

static void do_unmap(char **a)
{
	int s = slot(a[0]), w = window(a[1]);

	answer(munmap(maps[s][w].at, maps[s][w].len));
	maps[s][w].at = NULL;
}

static void do_protect(char **a)
{
	int s = slot(a[0]), w = window(a[1]);

	answer(mprotect(maps[s][w].at, maps[s][w].len, PROT_READ | PROT_WRITE));
}

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

static void on_user(int signal)
{
	(void)signal;
}

/* One 64-bit word of a window; a fault is an answer as well. */
static void access_word(char **a, const uint64_t *value)
{
	int s = slot(a[0]), w = window(a[1]);
	size_t offset = number(a[2]);
	volatile uint64_t *p;
	int signal;

	if (!maps[s][w].at || offset + 8 > maps[s][w].len) {
		puts("EINVAL");
		return;
	}
	p = (volatile uint64_t *)(maps[s][w].at + offset);
	signal = sigsetjmp(fault, 1);
	if (signal) {
		printf("SIG%s\n", sigabbrev_np(signal));
		return;
	}
	if (value)
		*p = *value;
	printf("ok %ju\n", (uintmax_t)*p);
}

static void do_get(char **a)
{
	access_word(a, NULL);
}

static void do_set(char **a)
{
	uint64_t value = number(a[3]);

	access_word(a, &value);
}

static void do_ioctl(char **a)
{
	answer(ioctl(fds[slot(a[0])], number(a[1]), NULL));
}

static void do_lseek(char **a)
{
	answer(lseek(fds[slot(a[0])], 0, SEEK_SET));
}

static void do_sleep(char **a)
{
	answer(usleep((useconds_t)number(a[0]) * 1000));
}

/* ------------------------------------------------------------------------ faults */

static unsigned int nth;
static int nth_file = -1;
static bool nth_struck;

static void do_nth(char **a)
{
	if (nth_file < 0)
		nth_file =
			open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	nth = (unsigned int)number(a[0]);
	answer(nth_file < 0 ? -1 : 0);
}

static void do_struck(char **a)
{
	(void)a;
	printf("ok %d\n", nth_struck);
}

static void nth_begin(void)
{
	dprintf(nth_file, "%u", nth);
}

/* What is left of it; the last one would strike the question itself. */
static void nth_end(void)
{
	char left[16] = "1";

	nth_struck = pread(nth_file, left, sizeof(left) - 1, 0) > 0 &&
		     !atoi(left);
	dprintf(nth_file, "0");
	nth = 0;
}

static const struct {
	const char *name;
	int args;
	void (*run)(char **a);
} commands[] = {
	{ "listen", 2, do_listen },	{ "connect", 3, do_connect },
	{ "accept", 2, do_accept },	{ "open", 2, do_open },
	{ "close", 1, do_close },	{ "write", 2, do_write },
	{ "read", 2, do_read },		{ "writev", 3, do_writev },
	{ "readv", 3, do_readv },	{ "badwrite", 1, do_badwrite },
	{ "badread", 1, do_badread },	{ "poll", 2, do_poll },
	{ "nonblock", 2, do_nonblock }, { "shutdown", 2, do_shutdown },
	{ "info", 1, do_info },		{ "bell", 1, do_bell },
	{ "wait", 4, do_wait },		{ "map", 2, do_map },
	{ "unmap", 2, do_unmap },	{ "protect", 2, do_protect },
	{ "get", 3, do_get },		{ "set", 4, do_set },
	{ "edge", 2, do_edge },		{ "edges", 1, do_edges },
	{ "ioctl", 2, do_ioctl },	{ "lseek", 1, do_lseek },
	{ "sleep", 1, do_sleep },	{ "nth", 1, do_nth },
	{ "struck", 0, do_struck },
};

static void run(char *line)
{
	char *word[WORDS + 1] = { NULL };
	int n = 0;

	for (char *w = strtok(line, " \n"); w && n < WORDS;
	     w = strtok(NULL, " \n"))
		word[n++] = w;
	for (size_t i = 0; n && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(word[0], commands[i].name) &&
		    n > commands[i].args) {
			bool faulty = nth;

			if (faulty)
				nth_begin();
			commands[i].run(word + 1);
			if (faulty)
				nth_end();
			return;
		}
	puts("unknown command, or too few words");
}

static void handle(int signal, void (*handler)(int))
{
	/* No SA_RESTART: system calls must be interrupted. */
	struct sigaction action = { .sa_handler = handler };

	sigaction(signal, &action, NULL);
}

int main(void)
{
	static char line[512];

	data = calloc(1, BUFFER);
	for (int i = 0; i < SLOTS; i++)
		fds[i] = -1;
	handle(SIGBUS, on_fault);
	handle(SIGSEGV, on_fault);
	handle(SIGUSR1, on_user);
	setvbuf(stdout, NULL, _IOFBF, 0); /* a command writes nowhere itself */
	while (data && fgets(line, sizeof(line), stdin)) {
		run(line);
		fflush(stdout);
	}
	return 0;
}
