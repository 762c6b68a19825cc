// SPDX-License-Identifier: GPL-2.0-only
/*
 * Malformed ioctls: every ioctl of the ABI on every kind of descriptor, with every way
 * to get its argument wrong, against the errno that the ABI promises.
 *
 *   ioctls KEY LISTENER_KEY SERVICE
 *
 * Listens with LISTENER_KEY, connects with KEY to SERVICE, opens the channel's node, and
 * prints a row for each descriptor, ioctl and kind of mistake: how many cells it has, the
 * errno they must give, and `ok` or what the first wrong one was. A refused call must
 * leave its argument as it was. The last line counts all cells; exits 1 if one was wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/sivshmem.h>

enum {
	PAGE = 4096
};

/* A key's serial that no key has: what is right but for it gives ENOKEY. */
#define NO_KEY 0x7ffffffe
#define FAULT ((void *)8)
/* Kernel memory: the start of the direct map where it is not randomised. */
#define KERNEL ((void *)0xffff888000000000)

enum kind {
	CONTROL,
	LISTENER,
	CHANNEL,
	NODE,
	KINDS
};

static const char *const kinds[KINDS] = { "control", "listener", "channel",
					  "node" };
static int fds[KINDS];

union arg {
	struct sivshmem_connect connect;
	struct sivshmem_listen listen;
	struct sivshmem_accept accept;
	struct sivshmem_region_info region;
	struct sivshmem_info info;
	struct sivshmem_wait wait;
	struct sivshmem_shutdown shutdown;
	uint32_t size;
	uint8_t bytes[2 * PAGE];
};

/*
 * One ioctl. @right: the errno of a right argument in a call that changes nothing, or 0.
 * Offsets are 0 where there is no such member.
 */
struct op {
	const char *name;
	unsigned long cmd;
	size_t size;
	size_t flags;
	size_t reserved;
	enum kind kind;
	int right;
	uint32_t known;
	bool out;
};

#define OP(name_, kind_, type_, right_, known_, flags_, reserved_, out_)  \
	{                                                                 \
		.name = #name_, .cmd = SIVSHMEM_##name_, .kind = kind_,   \
		.size = sizeof(struct type_), .right = right_,            \
		.known = known_, .flags = offsetof(struct type_, flags_), \
		.reserved = reserved_, .out = out_                        \
	}
#define RESERVED(type_) offsetof(struct type_, reserved)

/* The highest flag of each is its last: all bits that are not named are unknown. */
static const struct op ops[] = {
	{ .name = "VERSION",
	  .cmd = SIVSHMEM_VERSION,
	  .kind = CONTROL,
	  .right = 0 },
	OP(CONNECT, CONTROL, sivshmem_connect, ENOKEY,
	   SIVSHMEM_SEALED | SIVSHMEM_NONBLOCK | SIVSHMEM_NODE_SHARED |
		   SIVSHMEM_NO_NODE,
	   flags, RESERVED(sivshmem_connect), false),
	OP(LISTEN, CONTROL, sivshmem_listen, ENOKEY,
	   SIVSHMEM_SEALED | SIVSHMEM_NODE_SHARED | SIVSHMEM_NO_NODE, flags, 0,
	   false),
	OP(REGION_INFO, CONTROL, sivshmem_region_info, 0, 0, flags, 0, true),
	OP(ACCEPT, LISTENER, sivshmem_accept, EAGAIN, 0, flags,
	   RESERVED(sivshmem_accept), false),
	OP(INFO, CHANNEL, sivshmem_info, 0, 0, flags, 0, true),
	OP(WAIT, CHANNEL, sivshmem_wait, EAGAIN,
	   SIVSHMEM_WAIT_READ | SIVSHMEM_WAIT_WRITE, flags,
	   RESERVED(sivshmem_wait), false),
	{ .name = "BELL", .cmd = SIVSHMEM_BELL, .kind = CHANNEL, .right = 0 },
	OP(SHUTDOWN, CHANNEL, sivshmem_shutdown, 0, 0, how, 0, false),
};

#define OPS (sizeof(ops) / sizeof(*ops))

/* Numbers that no version has, and ours with a direction and a size in them. */
static const unsigned long unknown[] = {
	0xd604,
	0xd60f,
	0xd611,
	0xd61f,
	0xd624,
	0xd6ff,
	_IO(SIVSHMEM_IOC + 1, 0x00),
	_IO(SIVSHMEM_IOC - 1, 0x20),
	_IOR(SIVSHMEM_IOC, 0x00, int),
	_IOW(SIVSHMEM_IOC, 0x01, struct sivshmem_connect),
	_IOWR(SIVSHMEM_IOC, 0x20, struct sivshmem_info),
	0x1d620,
};

/* ----------------------------------------------------------------------- the table */

static struct {
	const char *kind;
	const char *op;
	const char *what;
	int want;
	unsigned int cells;
	unsigned int wrong;
	char first[120];
} row;
static unsigned int cells, wrongs;

static void row_begin(int fd_kind, const char *op, const char *what, int want)
{
	memset(&row, 0, sizeof(row));
	row.kind = kinds[fd_kind];
	row.op = op;
	row.what = what;
	row.want = want;
}

static const char *errno_name(int error)
{
	return error ? strerrorname_np(error) : "0";
}

static void row_end(void)
{
	printf("%-8s %-11s %-26s %4u %-10s %s\n", row.kind, row.op, row.what,
	       row.cells, errno_name(row.want), row.wrong ? row.first : "ok");
	cells += row.cells;
	wrongs += row.wrong;
}

static void cell_wrong(const char *what, unsigned long value, const char *got)
{
	if (!row.wrong++)
		snprintf(row.first, sizeof(row.first), "WRONG %s %#lx: %s",
			 what, value, got);
}

/* One call; @what and @value name it if it is wrong. */
static void cell_at(int fd, unsigned long cmd, void *arg, const char *what,
		    unsigned long value)
{
	int ret = ioctl(fd, cmd, arg);
	int error = ret < 0 ? errno : 0;

	row.cells++;
	if (ret > 2 && cmd != SIVSHMEM_VERSION)
		close(ret);
	if (error != row.want)
		cell_wrong(what, value, errno_name(error));
}

/* One call with an argument that is to stay as it is if the call is refused. */
static void cell(int fd, const struct op *op, union arg *arg, const char *what,
		 unsigned long value)
{
	static union arg before;

	before = *arg;
	cell_at(fd, op->cmd, arg, what, value);
	if (row.want && memcmp(&before, arg, sizeof(before)))
		cell_wrong(what, value, "the argument was changed");
}

/* ------------------------------------------------------------------ right arguments */

static void right(const struct op *op, union arg *a)
{
	memset(a, 0, sizeof(*a));
	a->size = (uint32_t)op->size;
	switch (op->cmd) {
	case SIVSHMEM_CONNECT:
		a->connect.key = NO_KEY;
		memcpy(a->connect.service, "data", 4);
		break;
	case SIVSHMEM_LISTEN:
		a->listen.key = NO_KEY;
		a->listen.backlog = 1;
		break;
	case SIVSHMEM_WAIT:
		a->wait.flags = SIVSHMEM_WAIT_READ;
		a->wait.position = 1 << 20;
		break;
	case SIVSHMEM_SHUTDOWN:
		a->shutdown.how = SIVSHMEM_SHUT_RD;
		break;
	}
}

/* ------------------------------------------------------------- kinds of mistakes */

static void sizes(int k, const struct op *op)
{
	static const uint32_t more[] = { 1, 4, 8, 64 };
	union arg a;
	uint32_t n;

	row_begin(k, op->name, "right", op->right);
	right(op, &a);
	cell(fds[k], op, &a, "size", op->size);
	row_end();

	row_begin(k, op->name, "too short", EINVAL);
	for (n = 0; n < op->size; n++) {
		right(op, &a);
		a.size = n;
		cell(fds[k], op, &a, "size", n);
	}
	row_end();

	row_begin(k, op->name, "longer, zero tail", op->right);
	for (size_t i = 0; i <= sizeof(more) / sizeof(*more); i++) {
		right(op, &a);
		a.size = i ? (uint32_t)op->size + more[i - 1] : PAGE;
		cell(fds[k], op, &a, "size", a.size);
	}
	row_end();

	row_begin(k, op->name, "longer, non-zero tail", E2BIG);
	for (n = (uint32_t)op->size; n < op->size + 64; n++) {
		right(op, &a);
		a.size = (uint32_t)op->size + 64;
		a.bytes[n] = 1;
		cell(fds[k], op, &a, "byte", n);
	}
	right(op, &a);
	a.size = PAGE;
	a.bytes[PAGE - 1] = 0x80;
	cell(fds[k], op, &a, "byte", PAGE - 1);
	row_end();

	row_begin(k, op->name, "longer than a page", E2BIG);
	for (n = 0; n < 2; n++) {
		right(op, &a);
		a.size = n ? UINT32_MAX : PAGE + 1;
		cell(fds[k], op, &a, "size", a.size);
	}
	row_end();
}

/* Every bit of a member, one at a time, but those in @but. */
static void bits(int k, const struct op *op, const char *what, size_t at,
		 uint32_t but, int want)
{
	union arg a;

	row_begin(k, op->name, what, want);
	for (int bit = 0; bit < 32; bit++) {
		if (but >> bit & 1)
			continue;
		right(op, &a);
		a.bytes[at + (size_t)bit / 8] |= (uint8_t)(1 << bit % 8);
		cell(fds[k], op, &a, "bit", (unsigned long)bit);
	}
	row_end();
}

/* Two pages, the second of which cannot be touched. */
static uint8_t *two_pages(void)
{
	uint8_t *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at + PAGE, PAGE, PROT_NONE)) {
		perror("mmap");
		exit(2);
	}
	return at;
}

static void pointers(int k, const struct op *op)
{
	static const size_t inside[] = { 4, 8, 12 };
	uint8_t *at = two_pages();
	union arg a;

	row_begin(k, op->name, "bad pointer", EFAULT);
	cell_at(fds[k], op->cmd, NULL, "address", 0);
	cell_at(fds[k], op->cmd, FAULT, "address", (unsigned long)FAULT);
	cell_at(fds[k], op->cmd, KERNEL, "address", (unsigned long)KERNEL);
	cell_at(fds[k], op->cmd, at + PAGE - 2, "bytes of the size", 2);
	/* the size can be read, the rest not; or all but the last byte; or the tail */
	for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++) {
		right(op, &a);
		memcpy(at + PAGE - inside[i], &a, inside[i]);
		cell_at(fds[k], op->cmd, at + PAGE - inside[i], "bytes",
			inside[i]);
	}
	right(op, &a);
	memcpy(at + PAGE - op->size + 1, &a, op->size - 1);
	cell_at(fds[k], op->cmd, at + PAGE - op->size + 1, "bytes",
		op->size - 1);
	a.size += 8;
	memcpy(at + PAGE - op->size, &a, op->size);
	cell_at(fds[k], op->cmd, at + PAGE - op->size, "bytes", op->size);
	if (op->out) {
		right(op, &a);
		memcpy(at, &a, op->size);
		mprotect(at, PAGE, PROT_READ);
		cell_at(fds[k], op->cmd, at, "read-only", (unsigned long)at);
	}
	row_end();
	munmap(at, 2 * PAGE);
}

/* Only a longer struct's known part is written, and its size stays. */
static void outputs(int k, const struct op *op)
{
	union arg a, zero = {};

	row_begin(k, op->name, "what is written", 0);
	right(op, &a);
	a.size = PAGE;
	cell(fds[k], op, &a, "size", PAGE);
	if (a.size != PAGE)
		cell_wrong("size", a.size, "changed");
	if (!memcmp(a.bytes + 4, zero.bytes, op->size - 4))
		cell_wrong("size", PAGE, "nothing was written");
	if (memcmp(a.bytes + op->size, zero.bytes, PAGE - op->size))
		cell_wrong("size", PAGE, "written behind the end");
	row_end();
}

/* ------------------------------------------------------- members of single ioctls */

typedef void edit(union arg *a);

static void connect_late(union arg *a)
{
	a->connect.timeout_ms = 30001;
}
static void connect_nameless(union arg *a)
{
	a->connect.service[0] = 0;
}
static void connect_capital(union arg *a)
{
	a->connect.service[0] = 'D';
}
static void connect_endless(union arg *a)
{
	memset(a->connect.service, 'd', SIVSHMEM_NAME_LEN);
}
static void connect_padding(union arg *a)
{
	a->connect.service[SIVSHMEM_NAME_LEN - 1] = 'd';
}
static void connect_vm(union arg *a)
{
	a->connect.vm[0] = '/';
}
static void connect_region(union arg *a)
{
	a->connect.region[0] = ' ';
}
static void listen_late(union arg *a)
{
	a->listen.timeout_ms = UINT32_MAX;
}
static void listen_none(union arg *a)
{
	a->listen.backlog = 0;
}
static void listen_many(union arg *a)
{
	a->listen.backlog = 129;
}
static void listen_region(union arg *a)
{
	a->listen.region[0] = '.';
}
static void listen_allow_long(union arg *a)
{
	static const char much[4097];

	a->listen.allow = (uintptr_t)much;
	a->listen.allow_len = sizeof(much);
}
static void listen_allow_text(union arg *a)
{
	a->listen.allow = (uintptr_t) "no slash\n";
	a->listen.allow_len = 9;
}
static void listen_allow_open(union arg *a)
{
	a->listen.allow = (uintptr_t) "vm/service";
	a->listen.allow_len = 10;
}
static void listen_allow_fault(union arg *a)
{
	a->listen.allow = (uintptr_t)FAULT;
	a->listen.allow_len = 16;
}
static void listen_allow_kernel(union arg *a)
{
	a->listen.allow = (uintptr_t)KERNEL;
	a->listen.allow_len = 16;
}
static void region_past(union arg *a)
{
	a->region.index = UINT32_MAX;
}
static void wait_none(union arg *a)
{
	a->wait.flags = 0;
}
static void wait_both(union arg *a)
{
	a->wait.flags = SIVSHMEM_WAIT_READ | SIVSHMEM_WAIT_WRITE;
}
static void shutdown_none(union arg *a)
{
	a->shutdown.how = 0;
}
static void shutdown_position(union arg *a)
{
	a->shutdown.position = 8;
}

static const struct {
	unsigned long cmd;
	int want;
	const char *what;
	edit *change;
} members[] = {
	{ SIVSHMEM_CONNECT, EINVAL, "timeout of 30001", connect_late },
	{ SIVSHMEM_CONNECT, EINVAL, "no service", connect_nameless },
	{ SIVSHMEM_CONNECT, EINVAL, "service: a capital", connect_capital },
	{ SIVSHMEM_CONNECT, EINVAL, "service: no NUL", connect_endless },
	{ SIVSHMEM_CONNECT, EINVAL, "service: padding", connect_padding },
	{ SIVSHMEM_CONNECT, EINVAL, "VM's name", connect_vm },
	{ SIVSHMEM_CONNECT, EINVAL, "region's name", connect_region },
	{ SIVSHMEM_LISTEN, EINVAL, "timeout of 2^32-1", listen_late },
	{ SIVSHMEM_LISTEN, EINVAL, "backlog of 0", listen_none },
	{ SIVSHMEM_LISTEN, EINVAL, "backlog of 129", listen_many },
	{ SIVSHMEM_LISTEN, EINVAL, "region's name", listen_region },
	{ SIVSHMEM_LISTEN, EINVAL, "allow: 4097 bytes", listen_allow_long },
	{ SIVSHMEM_LISTEN, EINVAL, "allow: no slash", listen_allow_text },
	{ SIVSHMEM_LISTEN, EINVAL, "allow: no newline", listen_allow_open },
	{ SIVSHMEM_LISTEN, EFAULT, "allow: bad pointer", listen_allow_fault },
	{ SIVSHMEM_LISTEN, EFAULT, "allow: the kernel's", listen_allow_kernel },
	{ SIVSHMEM_REGION_INFO, ENODEV, "index past the last", region_past },
	{ SIVSHMEM_WAIT, EINVAL, "for nothing", wait_none },
	{ SIVSHMEM_WAIT, EINVAL, "for both", wait_both },
	{ SIVSHMEM_SHUTDOWN, EINVAL, "nothing", shutdown_none },
	{ SIVSHMEM_SHUTDOWN, EINVAL, "RD with a position", shutdown_position },
};

static void single(int k, const struct op *op)
{
	union arg a;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (members[i].cmd != op->cmd)
			continue;
		row_begin(k, op->name, members[i].what, members[i].want);
		right(op, &a);
		members[i].change(&a);
		cell(fds[k], op, &a, members[i].what, 0);
		row_end();
	}
}

/* ------------------------------------------------------------------------- all of it */

static bool belongs(int k, const struct op *op)
{
	return op->kind == (k == NODE ? CHANNEL : (enum kind)k);
}

static void wrong_descriptor(int k, const struct op *op)
{
	union arg a;

	row_begin(k, op->name, "not of this descriptor", ENOTTY);
	right(op, &a);
	cell(fds[k], op, &a, "right argument", 0);
	cell_at(fds[k], op->cmd, NULL, "address", 0);
	row_end();
}

static void own_descriptor(int k, const struct op *op)
{
	if (!op->size) {
		row_begin(k, op->name, "no argument: any value", op->right);
		cell_at(fds[k], op->cmd, NULL, "address", 0);
		cell_at(fds[k], op->cmd, KERNEL, "address",
			(unsigned long)KERNEL);
		row_end();
		return;
	}
	sizes(k, op);
	if (op->cmd == SIVSHMEM_SHUTDOWN)
		bits(k, op, "unknown bit of how", op->flags,
		     SIVSHMEM_SHUT_RD | SIVSHMEM_SHUT_WR, EINVAL);
	else
		bits(k, op, "unknown flag", op->flags, op->known, EOPNOTSUPP);
	if (op->reserved)
		bits(k, op, "reserved", op->reserved, 0, EINVAL);
	pointers(k, op);
	if (op->out)
		outputs(k, op);
	single(k, op);
}

static void unknown_numbers(int k)
{
	union arg a = { .size = sizeof(a.info) };

	row_begin(k, "-", "unknown number", ENOTTY);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		cell_at(fds[k], unknown[i], &a, "number", unknown[i]);
	row_end();
}

static void need(bool good, const char *what)
{
	if (good)
		return;
	printf("%s: %s\n", what, strerror(errno));
	exit(2);
}

/* A descriptor of each kind. */
static void open_all(char **arg)
{
	struct sivshmem_connect c = { .size = sizeof(c), .key = atoi(arg[0]) };
	struct sivshmem_listen l = { .size = sizeof(l),
				     .key = atoi(arg[1]),
				     .backlog = 1 };
	struct sivshmem_info info = { .size = sizeof(info) };
	char node[32];

	fds[CONTROL] = open("/dev/sivshmem-control", O_RDWR);
	need(fds[CONTROL] >= 0, "control");
	fds[LISTENER] = ioctl(fds[CONTROL], SIVSHMEM_LISTEN, &l);
	need(fds[LISTENER] >= 0, "LISTEN");
	fcntl(fds[LISTENER], F_SETFL, O_NONBLOCK);
	memcpy(c.service, arg[2], strnlen(arg[2], SIVSHMEM_NAME_LEN - 1));
	fds[CHANNEL] = ioctl(fds[CONTROL], SIVSHMEM_CONNECT, &c);
	need(fds[CHANNEL] >= 0, "CONNECT");
	fds[NODE] = -1;
	/* the node comes a little later */
	for (int i = 0; fds[NODE] < 0 && i < 500; i++) {
		poll(NULL, 0, 10);
		need(!ioctl(fds[CHANNEL], SIVSHMEM_INFO, &info), "INFO");
		info.flags = 0;
		snprintf(node, sizeof(node), "/dev/sivshmem%u", info.minor);
		fds[NODE] = open(node, O_RDWR);
	}
	need(fds[NODE] >= 0, node);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "ioctls KEY LISTENER_KEY SERVICE\n");
		return 2;
	}
	open_all(argv + 1);
	for (int k = 0; k < KINDS; k++) {
		for (size_t i = 0; i < OPS; i++)
			if (belongs(k, &ops[i]))
				own_descriptor(k, &ops[i]);
			else
				wrong_descriptor(k, &ops[i]);
		unknown_numbers(k);
	}
	printf("%u cells, %u wrong\n", cells, wrongs);
	return wrongs != 0;
}
