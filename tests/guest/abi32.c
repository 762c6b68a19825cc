// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit caller of every ioctl, of read, write, poll and mmap: no C library, system
 * calls by int 0x80, so the kernel's compat paths are what runs.
 *
 *   abi32 KEY LISTENER_KEY SERVICE
 *
 * Somebody must send back what comes over two channels to SERVICE. Prints a line for
 * each call, its name and what it gave as a number; the test compares them.
 */
#include <asm/unistd_32.h>

#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/sivshmem.h>

_Static_assert(sizeof(void *) == 4 && sizeof(long) == 4, "32 bits");

enum {
	PAGE_SHIFT = 12
};

static long call6(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;
	long six[2] = { nr, f };

	/* the sixth argument is %ebp, which is the frame's for the compiler */
	__asm__ volatile("push %%ebp\n\t"
			 "mov 4(%%eax), %%ebp\n\t"
			 "mov (%%eax), %%eax\n\t"
			 "int $0x80\n\t"
			 "pop %%ebp"
			 : "=a"(ret)
			 : "a"(six), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return ret;
}

static long call(long nr, long a, long b, long c)
{
	return call6(nr, a, b, c, 0, 0, 0);
}

/* ------------------------------------------------------------------- what a C library does */

void *memcpy(void *to, const void *from, __SIZE_TYPE__ n);
void *memset(void *to, int c, __SIZE_TYPE__ n);

void *memcpy(void *to, const void *from, __SIZE_TYPE__ n)
{
	char *t = to;
	const char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int c, __SIZE_TYPE__ n)
{
	char *t = to;

	while (n--)
		*t++ = (char)c;
	return to;
}

static unsigned int length(const char *s)
{
	unsigned int n = 0;

	while (s[n])
		n++;
	return n;
}

static int number(const char *s)
{
	int n = 0;

	while (*s)
		n = 10 * n + (*s++ - '0');
	return n;
}

static void say(const char *what, long value)
{
	unsigned long n = value < 0 ? -(unsigned long)value :
				      (unsigned long)value;
	char text[80], *at = text + sizeof(text);
	unsigned int len = length(what);

	*--at = '\n';
	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	if (value < 0)
		*--at = '-';
	*--at = ' ';
	at -= len;
	memcpy(at, what, len);
	call(__NR_write, 1, (long)at, text + sizeof(text) - at);
}

/* --------------------------------------------------------------------------- the test */

/* An errno: addresses and descriptors are none, also those of the upper half. */
static long error_of(long ret)
{
	return (unsigned long)ret > -4096UL ? ret : 0;
}

static struct sivshmem_connect asked;
static char sent[3000], got[4096];

static long ioctl(long fd, unsigned long cmd, void *arg)
{
	return call(__NR_ioctl, fd, (long)cmd, (long)arg);
}

static long map(long fd, const struct sivshmem_window *w)
{
	return call6(__NR_mmap2, 0, (long)w->length, (long)w->prot, MAP_SHARED,
		     fd, (long)(w->offset >> PAGE_SHIFT));
}

/* 0, or what is not as it must be. */
static long info_of(long fd, struct sivshmem_info *info)
{
	long ret;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	ret = ioctl(fd, SIVSHMEM_INFO, info);
	if (ret)
		return ret;
	if (info->size != sizeof(*info) || info->state != SIVSHMEM_OPEN)
		return 1;
	if (info->ring_tx != 65536 || info->ring_rx != 65536 || !info->cid)
		return 2;
	if (info->service[0] != asked.service[0] ||
	    info->peer_service[0] != asked.service[0])
		return 3;
	return 0;
}

static long channel(long control)
{
	return ioctl(control, SIVSHMEM_CONNECT, &asked);
}

static void control_node(long control, int key)
{
	static const char allow[] = "*/user\n";
	struct sivshmem_region_info r = { .size = sizeof(r) };
	struct sivshmem_listen l = { .size = sizeof(l),
				     .key = key,
				     .backlog = 1,
				     .allow_len = sizeof(allow) - 1,
				     .allow = (unsigned long)allow };
	struct sivshmem_accept a = { .size = sizeof(a), .timeout_ms = 10 };
	long listener;

	say("VERSION", ioctl(control, SIVSHMEM_VERSION, 0));
	say("REGION_INFO", ioctl(control, SIVSHMEM_REGION_INFO, &r));
	say("region_mib", (long)(r.region_size >> 20));
	say("region_name", r.region[0]);
	listener = ioctl(control, SIVSHMEM_LISTEN, &l);
	say("LISTEN", error_of(listener));
	say("ACCEPT", ioctl(listener, SIVSHMEM_ACCEPT, &a));
	l.allow = 8;
	say("LISTEN_bad_allow", ioctl(control, SIVSHMEM_LISTEN, &l));
	r.size = sizeof(r) - 1;
	say("REGION_INFO_short", ioctl(control, SIVSHMEM_REGION_INFO, &r));
}

/* Records there and back; the rings cannot be mapped, and asking uses nothing up. */
static void by_calls(long fd)
{
	struct pollfd p = { .fd = (int)fd, .events = POLLIN };
	struct sivshmem_shutdown s = { .size = sizeof(s),
				       .how = SIVSHMEM_SHUT_WR };
	struct sivshmem_info info;
	long bad = 0, i, n;

	say("INFO", info_of(fd, &info));
	say("mmap_tx", map(fd, &info.window[SIVSHMEM_WIN_TX]));
	say("mmap_rx", map(fd, &info.window[SIVSHMEM_WIN_RX]));
	for (i = 0; i < (long)sizeof(sent); i++)
		sent[i] = (char)(i * 7);
	for (n = 1; n <= (long)sizeof(sent); n += 601) {
		if (call(__NR_write, fd, (long)sent, n) != n)
			bad++;
		if (call(__NR_poll, (long)&p, 1, 10000) != 1 ||
		    !(p.revents & POLLIN))
			bad++;
		if (call(__NR_read, fd, (long)got, sizeof(got)) != n)
			bad++;
		for (i = 0; i < n; i++)
			bad += got[i] != sent[i];
	}
	say("records", bad);
	say("BELL_by_calls", ioctl(fd, SIVSHMEM_BELL, 0));
	say("SHUTDOWN", ioctl(fd, SIVSHMEM_SHUTDOWN, &s));
	say("read_end", call(__NR_read, fd, (long)got, sizeof(got)));
}

/* The pages of positions can be mapped, and the calls for mappings be made. */
static void by_mapping(long fd)
{
	struct sivshmem_wait w = { .size = sizeof(w),
				   .flags = SIVSHMEM_WAIT_READ,
				   .position = 8 };
	struct sivshmem_info info;
	long own, peer;

	say("INFO_2", info_of(fd, &info));
	own = map(fd, &info.window[SIVSHMEM_WIN_CTL_OWN]);
	say("mmap_own", error_of(own));
	peer = map(fd, &info.window[SIVSHMEM_WIN_CTL_PEER]);
	say("mmap_peer", error_of(peer));
	if (!peer || error_of(peer))
		return;
	say("peer_prod", (long)((volatile struct sivshmem_side *)peer)->prod);
	say("WAIT_now", ioctl(fd, SIVSHMEM_WAIT, &w));
	w.timeout_ms = 50;
	say("WAIT_50", ioctl(fd, SIVSHMEM_WAIT, &w));
	say("BELL", ioctl(fd, SIVSHMEM_BELL, 0));
	say("write_mapped", call(__NR_write, fd, (long)sent, 1));
}

int run(char **arg);

int run(char **arg)
{
	long control =
		call(__NR_open, (long)"/dev/sivshmem-control", O_RDWR, 0);
	long fd;

	if (!arg[1] || !arg[2] || !arg[3])
		return 2;
	say("open", error_of(control));
	control_node(control, number(arg[2]));
	asked.size = sizeof(asked);
	asked.key = number(arg[1]);
	memcpy(asked.service, arg[3], length(arg[3]));
	fd = channel(control);
	say("CONNECT", error_of(fd));
	by_calls(fd);
	call(__NR_close, fd, 0, 0);
	fd = channel(control);
	say("CONNECT_2", error_of(fd));
	by_mapping(fd);
	return 0;
}

/* The arguments lie on the stack; main()'s alignment is what the ABI asks for. */
__asm__(".globl _start\n"
	"_start:\n\t"
	"lea 4(%esp), %eax\n\t"
	"and $-16, %esp\n\t"
	"sub $12, %esp\n\t"
	"push %eax\n\t"
	"call run\n\t"
	"mov %eax, %ebx\n\t"
	"mov $1, %eax\n\t"
	"int $0x80\n");
