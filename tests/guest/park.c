// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits that the kernel keeps for a process, on the file of a channel: epoll, polls of
 * io_uring once and again and again, aio's poll, and a read by io_uring. They hold the file
 * when its descriptor is closed.
 *
 *   park NODE
 *
 * Says `parked`, then obeys lines: `close` closes the descriptor; `look MS` waits until each
 * has been told something, at most so long, and says what: events in hex, of the read its
 * result, `-` for nothing yet.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/aio_abi.h>
#include <linux/io_uring.h>

enum kind {
	EPOLL,
	ONCE,
	AGAIN,
	READ,
	AIO,
	KINDS,
};

enum {
	ENTRIES = 8, /* a power of two: no more is made of it */
	STEP_MS = 10,
};

static const char *const names[KINDS] = { "epoll", "once", "again", "read",
					  "aio" };
static struct {
	bool told;
	int32_t what;
} seen[KINDS];
static uint8_t data[4096];
static int fd, set, uring;
static aio_context_t aio;

/* io_uring's rings, as io_uring_setup(2) has them. */
static struct io_uring_params params = { 0 };
static uint8_t *rings;
static struct io_uring_sqe *entries;

static void check(long result, const char *what)
{
	if (result >= 0)
		return;
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static void tell(enum kind kind, int32_t what)
{
	seen[kind].told = true;
	seen[kind].what = what;
}

static void uring_make(void)
{
	size_t len, cq;

	uring = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
	check(uring, "io_uring_setup");
	len = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
	cq = params.cq_off.cqes +
	     params.cq_entries * sizeof(struct io_uring_cqe);
	rings = mmap(NULL, len > cq ? len : cq, PROT_READ | PROT_WRITE,
		     MAP_SHARED, uring, IORING_OFF_SQ_RING);
	entries = mmap(NULL, params.sq_entries * sizeof(*entries),
		       PROT_READ | PROT_WRITE, MAP_SHARED, uring,
		       IORING_OFF_SQES);
	if (rings == MAP_FAILED || entries == MAP_FAILED)
		check(-1, "io_uring's rings");
}

static void uring_ask(const struct io_uring_sqe *sqe)
{
	uint32_t *tail = (uint32_t *)(rings + params.sq_off.tail);
	uint32_t at = *tail % ENTRIES;

	entries[at] = *sqe;
	((uint32_t *)(rings + params.sq_off.array))[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	check(syscall(SYS_io_uring_enter, uring, 1, 0, 0, NULL, 0),
	      "io_uring_enter");
}

static void uring_look(void)
{
	uint32_t *head = (uint32_t *)(rings + params.cq_off.head);
	uint32_t *tail = (uint32_t *)(rings + params.cq_off.tail);
	struct io_uring_cqe *cqes =
		(struct io_uring_cqe *)(rings + params.cq_off.cqes);

	/* what completed in our own task is written down in a call of ours */
	check(syscall(SYS_io_uring_enter, uring, 0, 0, IORING_ENTER_GETEVENTS,
		      NULL, 0),
	      "io_uring_enter");
	while (*head != __atomic_load_n(tail, __ATOMIC_ACQUIRE)) {
		struct io_uring_cqe *cqe =
			&cqes[*head & (params.cq_entries - 1)];

		tell((enum kind)cqe->user_data, cqe->res);
		__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	}
}

static void park(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP };
	struct iocb poll_once = { .aio_fildes = (uint32_t)fd,
				  .aio_lio_opcode = IOCB_CMD_POLL,
				  .aio_buf = POLLIN };
	struct iocb *list = &poll_once;

	set = epoll_create1(EPOLL_CLOEXEC);
	check(set, "epoll_create1");
	check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
	uring_make();
	uring_ask(&(struct io_uring_sqe){ .opcode = IORING_OP_POLL_ADD,
					  .fd = fd,
					  .poll32_events = POLLIN,
					  .user_data = ONCE });
	uring_ask(&(struct io_uring_sqe){ .opcode = IORING_OP_POLL_ADD,
					  .fd = fd,
					  .len = IORING_POLL_ADD_MULTI,
					  .poll32_events = POLLIN,
					  .user_data = AGAIN });
	uring_ask(&(struct io_uring_sqe){ .opcode = IORING_OP_READ,
					  .fd = fd,
					  .addr = (uintptr_t)data,
					  .len = sizeof(data),
					  .user_data = READ });
	check(syscall(SYS_io_setup, 1, &aio), "io_setup");
	check(syscall(SYS_io_submit, aio, 1, &list), "io_submit");
}

static bool look(void)
{
	struct timespec now = { 0 };
	struct epoll_event event;
	struct io_event done;
	int kind;

	if (epoll_wait(set, &event, 1, 0) == 1)
		tell(EPOLL, (int32_t)event.events);
	uring_look();
	if (syscall(SYS_io_getevents, aio, 1, 1, &done, &now) == 1)
		tell(AIO, (int32_t)done.res);
	for (kind = 0; kind < KINDS; kind++)
		if (!seen[kind].told)
			return false;
	return true;
}

static void report(void)
{
	int kind;

	for (kind = 0; kind < KINDS; kind++)
		if (!seen[kind].told)
			printf("%s=- ", names[kind]);
		else if (kind == READ)
			printf("%s=%d ", names[kind], seen[kind].what);
		else
			printf("%s=%x ", names[kind],
			       (unsigned int)seen[kind].what);
	putchar('\n');
}

int main(int argc, char **argv)
{
	char line[64];
	long ms;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2) {
		fprintf(stderr, "usage: park NODE\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	check(fd, argv[1]);
	park();
	puts("parked");
	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "close", 5)) {
			check(close(fd), "close");
			puts("closed");
		} else if (sscanf(line, "look %ld", &ms) == 1) {
			while (!look() && ms > 0) {
				usleep(STEP_MS * 1000);
				ms -= STEP_MS;
			}
			report();
		}
	}
	return 0;
}
