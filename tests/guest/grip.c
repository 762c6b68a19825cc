// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways to get at a channel's memory that it does not offer, or to keep what was lost:
 * every one must fail, and nothing of the channel may suffer by it.
 *
 *   grip KEY SERVICE         tries all of them, line by line; at `feed` the peer is to
 *                            write a record of 100 bytes to the second channel, and a
 *                            line is to come; at `holding` the key is to be revoked, and
 *                            a line is to come
 *   grip KEY SERVICE core    fills a window with a canary, other memory with another,
 *                            prints `filled`, and at a line aborts
 *
 * Prints `ok NAME`, `not NAME: ...`, or `absent NAME` where the kernel has no such call;
 * then how many were right.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sivshmem.h>

enum {
	RING = 65536,
	RECORD = 100,
	SOON_MS =
		10000, /* until what was revoked has gone, on a slow machine */
	WINDOWS = SIVSHMEM_WINDOWS,
	PIECES = 64,
};

#define SHIFT_BETWEEN 39 /* windows lie 1 << 40 apart */

static const char *const names[WINDOWS] = { "own", "peer", "tx", "rx" };
static int page;
static int fd,
	beside; /* the mapped channel, and the one that is read and written */
static struct sivshmem_info info;
static uint8_t *map[WINDOWS];
static unsigned int right, wrong;
static __thread sigjmp_buf *rescue;

/* --------------------------------------------------------------------- results */

static void result(const char *name, const char *of, bool good, const char *got)
{
	if (good) {
		right++;
		printf("ok %s%s%s\n", name, *of ? "_" : "", of);
		return;
	}
	wrong++;
	printf("not %s%s%s: %s\n", name, *of ? "_" : "", of, got);
}

/* A call must have failed with one of two errnos. */
static void refused(const char *name, const char *of, long ret, int one,
		    int other)
{
	bool good = ret < 0 && (errno == one || errno == other);

	result(name, of, good, ret < 0 ? strerrorname_np(errno) : "it works");
}

static void works(const char *name, const char *of, bool good)
{
	result(name, of, good, strerrorname_np(errno));
}

static void on_fault(int signal)
{
	if (!rescue)
		_exit(99);
	siglongjmp(*rescue, signal);
}

/* Read a byte. Return: 0 or the signal. */
static int touch(const volatile uint8_t *at)
{
	sigjmp_buf here;
	int got;

	rescue = &here;
	got = sigsetjmp(here, 1);
	if (!got)
		(void)*at;
	rescue = NULL;
	return got;
}

static void touched(const char *name, const char *of, const uint8_t *at,
		    int want)
{
	int got = touch(at);

	result(name, of, got == want, got ? strsignal(got) : "it can be read");
}

static void line_from_host(const char *what)
{
	char buf[64];

	printf("%s\n", what);
	fflush(stdout);
	if (!fgets(buf, sizeof(buf), stdin))
		exit(3);
}

/* -------------------------------------------------------------------- channels */

static int connect_one(int key, const char *service)
{
	struct sivshmem_connect c = {
		.size = sizeof(c),
		.flags = SIVSHMEM_NODE_SHARED,
		.key = key,
		.ring_tx = RING,
		.ring_rx = RING,
	};
	int node = open("/dev/sivshmem-control", O_RDWR | O_CLOEXEC), got;

	strncpy((char *)c.service, service, sizeof(c.service) - 1);
	got = ioctl(node, SIVSHMEM_CONNECT, &c);
	if (got < 0) {
		printf("CONNECT: %s\n", strerrorname_np(errno));
		exit(1);
	}
	close(node);
	return got;
}

/* The channel that is mapped. */
static void take(int channel)
{
	fd = channel;
	info = (struct sivshmem_info){ .size = sizeof(info) };
	if (!ioctl(fd, SIVSHMEM_INFO, &info))
		return;
	printf("INFO: %s\n", strerrorname_np(errno));
	exit(1);
}

/* The channel's node, opened once more. */
static int reopen(int flags)
{
	char path[64];
	int i, got = -1;

	snprintf(path, sizeof(path), "/dev/sivshmem%u", info.minor);
	for (i = 0; i < 100 && got < 0; i++) {
		got = open(path, flags | O_CLOEXEC);
		if (got < 0)
			usleep(50000);
	}
	return got;
}

static void *window(int from, int w, int prot)
{
	return mmap(NULL, info.window[w].length, prot, MAP_SHARED, from,
		    (off_t)info.window[w].offset);
}

/* ------------------------------------------------------- what cannot be mapped */

static void not_mapped(const char *name, int w, long shift, long longer,
		       int prot, int flags, int one, int other)
{
	void *at = mmap(NULL, (size_t)((long)info.window[w].length + longer),
			prot, flags, fd, (off_t)info.window[w].offset + shift);

	refused(name, names[w], at == MAP_FAILED ? -1 : 0, one, other);
	if (at != MAP_FAILED)
		munmap(at, (size_t)((long)info.window[w].length + longer));
}

static void no_other_mapping(void)
{
	const int r = PROT_READ, rw = PROT_READ | PROT_WRITE;
	int w;

	for (w = 0; w < WINDOWS; w++) {
		not_mapped("a_page_later", w, page, 0, r, MAP_SHARED, EINVAL,
			   0);
		not_mapped("a_page_later_and_shorter", w, page, -page, r,
			   MAP_SHARED, EINVAL, 0);
		not_mapped("a_page_longer", w, 0, page, r, MAP_SHARED, EINVAL,
			   0);
		if ((long)info.window[w].length > page)
			not_mapped("a_page_shorter", w, 0, -page, r, MAP_SHARED,
				   EINVAL, 0);
		not_mapped("between_windows", w, 1L << SHIFT_BETWEEN, 0, r,
			   MAP_SHARED, EINVAL, 0);
		not_mapped("behind_all", w, 1L << 42, 0, r, MAP_SHARED, EINVAL,
			   0);
		not_mapped("far_behind", w, 1L << 62, 0, r, MAP_SHARED, EINVAL,
			   EOVERFLOW);
		not_mapped("before_all", w, -(1L << 43), 0, r, MAP_SHARED,
			   EINVAL, EOVERFLOW);
		not_mapped("private", w, 0, 0, r, MAP_PRIVATE, EINVAL, 0);
		not_mapped("private_copy", w, 0, 0, rw, MAP_PRIVATE, EINVAL, 0);
		/* EPERM where nothing on a pseudo file system may be executed */
		not_mapped("code", w, 0, 0, r | PROT_EXEC, MAP_SHARED, EACCES,
			   EPERM);
		if (w == SIVSHMEM_WIN_CTL_PEER || w == SIVSHMEM_WIN_RX)
			not_mapped("writable", w, 0, 0, rw, MAP_SHARED, EACCES,
				   0);
	}
	/* and none of this has decided how the channel is used */
	works("refusals_decide_nothing", "", write(fd, "x", 1) == 1);
}

static void protections(void)
{
	int w, only = reopen(O_RDONLY);
	uint8_t *at;

	works("node_for_reading", "", only >= 0);
	for (w = 0; w < WINDOWS; w++) {
		size_t n = info.window[w].length;

		refused("made_code", names[w],
			mprotect(map[w], n, PROT_READ | PROT_EXEC), EACCES, 0);
		if (w == SIVSHMEM_WIN_CTL_PEER || w == SIVSHMEM_WIN_RX)
			refused("made_writable", names[w],
				mprotect(map[w], n, PROT_READ | PROT_WRITE),
				EACCES, 0);
		at = window(only, w, PROT_READ);
		works("read_only_node_read", names[w], at != MAP_FAILED);
		refused("read_only_node_made_writable", names[w],
			mprotect(at, n, PROT_READ | PROT_WRITE), EACCES, 0);
		munmap(at, n);
		at = window(only, w, PROT_READ | PROT_WRITE);
		refused("read_only_node_write", names[w],
			at == MAP_FAILED ? -1 : 0, EACCES, 0);
	}
	close(only);
}

/* ---------------------------------------------------------------- other eyes */

/* What a child found, as its exit status. */
static int status_of(pid_t child)
{
	int status = -1;

	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_child_has_none(void)
{
	int w, got;
	pid_t child;

	for (w = 0; w < WINDOWS; w++) {
		child = fork();
		if (!child)
			_exit(touch(map[w]));
		got = status_of(child);
		result("child", names[w], got == SIGSEGV, "it has the mapping");
		refused("child_later", names[w],
			madvise(map[w], info.window[w].length, MADV_DOFORK),
			EINVAL, 0);
	}
}

static void by_debugger(void)
{
	static volatile long known = 4711;
	pid_t child = fork();
	int w, status;

	if (!child) {
		for (w = 0; w < WINDOWS; w++)
			map[w] = mmap(map[w], info.window[w].length,
				      (int)info.window[w].prot,
				      MAP_SHARED | MAP_FIXED, fd,
				      (off_t)info.window[w].offset);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		for (w = 0; w < WINDOWS; w++)
			if (touch(map[w]))
				_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, &status, 0);
	errno = 0;
	works("debugger_elsewhere", "",
	      ptrace(PTRACE_PEEKDATA, child, &known, NULL) == 4711);
	for (w = 0; w < WINDOWS; w++) {
		errno = 0;
		refused("debugger_reads", names[w],
			ptrace(PTRACE_PEEKDATA, child, map[w], NULL), EIO,
			EFAULT);
		refused("debugger_writes", names[w],
			ptrace(PTRACE_POKEDATA, child, map[w], 1L), EIO,
			EFAULT);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

static void by_kernel_on_behalf(void)
{
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC), pipes[2], w;
	char own[16] = "0123456789";
	struct iovec local = { own, sizeof(own) };
	struct iovec there = { own, sizeof(own) };

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
		exit(1);
	works("mem_elsewhere", "",
	      pread(mem, own, 8, (off_t)(uintptr_t)names) == 8);
	works("vmsplice_elsewhere", "", vmsplice(pipes[1], &there, 1, 0) > 0);
	for (w = 0; w < WINDOWS; w++) {
		off_t at = (off_t)(uintptr_t)map[w];

		there.iov_base = map[w];
		refused("mem_read", names[w], pread(mem, own, 8, at), EIO,
			EFAULT);
		refused("mem_write", names[w], pwrite(mem, own, 8, at), EIO,
			EFAULT);
		refused("vmsplice", names[w], vmsplice(pipes[1], &there, 1, 0),
			EFAULT, 0);
		if (process_vm_readv(getpid(), &local, 1, &there, 1, 0) < 0 &&
		    errno == ENOSYS) {
			printf("absent vm_read_%s\n", names[w]);
			continue;
		}
		refused("vm_read", names[w],
			process_vm_readv(getpid(), &local, 1, &there, 1, 0),
			EFAULT, 0);
		refused("vm_write", names[w],
			process_vm_writev(getpid(), &local, 1, &there, 1, 0),
			EFAULT, 0);
	}
	close(pipes[0]);
	close(pipes[1]);
	close(mem);
}

static void by_io_uring(void)
{
	struct io_uring_params params = { 0 };
	int w, uring = (int)syscall(SYS_io_uring_setup, 4, &params);
	struct iovec v = { .iov_len = 4096 };
	long got;

	if (uring < 0 && (errno == ENOSYS || errno == EPERM)) {
		printf("absent io_uring\n");
		return;
	}
	v.iov_base = calloc(1, v.iov_len);
	got = syscall(SYS_io_uring_register, uring, IORING_REGISTER_BUFFERS, &v,
		      1);
	works("io_uring_elsewhere", "", !got);
	syscall(SYS_io_uring_register, uring, IORING_UNREGISTER_BUFFERS, NULL,
		0);
	free(v.iov_base);
	for (w = 0; w < WINDOWS; w++) {
		v.iov_base = map[w];
		got = syscall(SYS_io_uring_register, uring,
			      IORING_REGISTER_BUFFERS, &v, 1);
		refused("io_uring", names[w], got, EFAULT, EOPNOTSUPP);
	}
	close(uring);
}

/* What the kernel says of a mapping: no core dump, no copy, no more rights than these. */
static void flags_of_mappings(void)
{
	static const char *const must[] = { " io", " pf", " dd", " dc", " de" };
	char line[512], flags[512] = "", start[32];
	FILE *f = fopen("/proc/self/smaps", "re");
	size_t i, n;
	bool in;
	int w;

	for (w = 0; w < WINDOWS; w++) {
		snprintf(start, sizeof(start), "%lx-",
			 (unsigned long)(uintptr_t)map[w]);
		n = strlen(start);
		rewind(f);
		flags[0] = 0;
		for (in = false; fgets(line, sizeof(line), f);) {
			if (!strncmp(line, start, n))
				in = true;
			if (in && !strncmp(line, "VmFlags:", 8)) {
				strcpy(flags, line);
				flags[strcspn(flags, "\n")] = 0;
				break;
			}
		}
		for (i = 0; i < sizeof(must) / sizeof(*must); i++)
			result("flag", names[w], strstr(flags, must[i]), flags);
		result("may_not_be_code", names[w],
		       *flags && !strstr(flags, " me"), flags);
		result("may_be_written", names[w],
		       !strstr(flags, " mw") ==
			       !(info.window[w].prot & PROT_WRITE),
		       flags);
	}
	fclose(f);
}

/* ------------------------------------------------------- moved and cut mappings */

static uint8_t *pieces[PIECES];
static const char *piece_of[PIECES];
static unsigned int piece_count;

static void keep(uint8_t *at, const char *of)
{
	if (piece_count < PIECES) {
		piece_of[piece_count] = of;
		pieces[piece_count++] = at;
	}
}

static void moved_and_grown(int w)
{
	size_t n = info.window[w].length;
	uint8_t *room, *was;
	void *got;

	got = mremap(map[w], n, n + (size_t)page, MREMAP_MAYMOVE);
	refused("grown", names[w], got == MAP_FAILED ? -1 : 0, EFAULT, EINVAL);
	got = mremap(map[w], 0, n, MREMAP_MAYMOVE);
	refused("doubled", names[w], got == MAP_FAILED ? -1 : 0, EFAULT,
		EINVAL);
	got = mremap(map[w], n, n, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	refused("left_behind", names[w], got == MAP_FAILED ? -1 : 0, EINVAL,
		EFAULT);
	touched("still_there", names[w], map[w], 0);
	room = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	was = map[w];
	map[w] = mremap(was, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	works("moved", names[w], map[w] == room);
	touched("moved_to", names[w], map[w], 0);
	touched("moved_from", names[w], was, SIGSEGV);
	keep(map[w], "moved");
}

/* Our ring, cut at every page: what is left is the channel's, and no more. */
static void cut(void)
{
	size_t n = info.window[SIVSHMEM_WIN_TX].length, i;
	uint8_t *at = window(fd, SIVSHMEM_WIN_TX, PROT_READ | PROT_WRITE);
	int bad = 0;

	works("cut_mapped", "", at != MAP_FAILED);
	for (i = 0; i < n; i += 2 * (size_t)page)
		if (mprotect(at + i, (size_t)page, PROT_READ))
			bad++;
	works("cut_protected", "", !bad);
	munmap(at + 3 * page, (size_t)page);
	works("cut_covered", "",
	      mmap(at + 5 * page, (size_t)page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		   0) == at + 5 * page);
	madvise(at, n, MADV_DONTNEED);
	mlock(at, (size_t)page);
	touched("cut_hole", "", at + 3 * page, SIGSEGV);
	map[SIVSHMEM_WIN_TX][5 * page] = 0x5a;
	result("cut_cover_is_not_the_channel", "", !at[5 * page],
	       "it shows the ring");
	for (i = 0; i < n / (size_t)page; i++) {
		uint8_t *piece = at + i * (size_t)page;

		if (i == 3 || i == 5)
			continue;
		if (touch(piece))
			bad++;
		else
			keep(piece, "cut");
	}
	result("cut_pieces", "", !bad, "one cannot be read");
	map[SIVSHMEM_WIN_TX][7 * page] = 0xa5;
	result("cut_piece_is_the_channel", "", at[7 * page] == 0xa5,
	       "it shows something else");
}

/* ------------------------------------------------------------ records, otherwise */

static void other_calls(void)
{
	int file = memfd_create("file", MFD_CLOEXEC), pipes[2], w;
	struct iovec many[1025];
	char buf[256] = { 0 };
	struct iovec one = { buf, sizeof(buf) };
	off_t zero = 0;

	if (pipe2(pipes, O_CLOEXEC) || write(pipes[1], buf, 16) != 16 ||
	    write(file, buf, 16) != 16)
		exit(1);
	refused("pread", "", pread(beside, buf, 8, 0), ESPIPE, 0);
	refused("pwrite", "", pwrite(beside, buf, 8, 0), ESPIPE, 0);
	refused("lseek", "", lseek(beside, 0, SEEK_SET), ESPIPE, 0);
	refused("splice_from", "",
		splice(beside, NULL, pipes[1], NULL, 16, SPLICE_F_NONBLOCK),
		EINVAL, 0);
	refused("splice_to", "", splice(pipes[0], NULL, beside, NULL, 16, 0),
		EINVAL, 0);
	refused("sendfile_to", "", sendfile(beside, file, &zero, 16), EINVAL,
		0);
	refused("sendfile_from", "", sendfile(file, beside, NULL, 16), EINVAL,
		ESPIPE);
	refused("copy_file_range_from", "",
		copy_file_range(beside, NULL, file, NULL, 16, 0), EINVAL,
		ESPIPE);
	refused("copy_file_range_to", "",
		copy_file_range(file, &zero, beside, NULL, 16, 0), EINVAL,
		ESPIPE);
	refused("truncate", "", ftruncate(beside, 4096), EINVAL, 0);
	refused("fallocate", "", fallocate(beside, 0, 0, 4096), ENODEV, ESPIPE);
	refused("fsync", "", fsync(beside), EINVAL, 0);
	refused("without_waiting", "", preadv2(beside, &one, 1, -1, RWF_NOWAIT),
		EAGAIN, 0);
	for (w = 0; w < 1025; w++)
		many[w] = (struct iovec){ buf + w % 256, 1 };
	refused("too_many_pieces", "", readv(beside, many, 1025), EINVAL, 0);
	line_from_host("feed");
	works("record_in_pieces", "", readv(beside, many, 1024) == RECORD);
	close(file);
	close(pipes[0]);
	close(pipes[1]);
}

/* The kernel copies from and to a channel's own memory, or says that it cannot. */
static void buffers_in_the_ring(void)
{
	struct sivshmem_info *i = (void *)(map[SIVSHMEM_WIN_CTL_OWN] + 1024);
	uint8_t *ring = map[SIVSHMEM_WIN_TX];
	char buf[256];
	ssize_t n;

	n = write(beside, ring + 64, RECORD);
	works("write_from_ring", "", n == RECORD || (n < 0 && errno == EFAULT));
	n = write(beside, map[SIVSHMEM_WIN_RX], RECORD);
	works("write_from_peers_ring", "",
	      n == RECORD || (n < 0 && errno == EFAULT));
	line_from_host("feed");
	n = read(beside, map[SIVSHMEM_WIN_RX], RECORD);
	refused("read_to_peers_ring", "", n, EFAULT, 0);
	n = read(beside, ring, RECORD);
	works("read_to_ring", "", n == RECORD || (n < 0 && errno == EFAULT));
	if (n < 0)
		works("record_is_kept", "",
		      read(beside, buf, sizeof(buf)) == RECORD);
	i->size = sizeof(*i);
	i->flags = 0;
	works("info_in_own_page", "",
	      !ioctl(fd, SIVSHMEM_INFO, i) || errno == EFAULT);
}

/* ---------------------------------------------------------------- and afterwards */

static bool over; /* the zap was seen: from here on nothing may come back */
static unsigned int came_back, loops;

/* Maps, reads and unmaps all the time. */
static void *mapper(void *arg)
{
	int w = 0;

	while (!__atomic_load_n((int *)arg, __ATOMIC_ACQUIRE)) {
		bool late = __atomic_load_n(&over, __ATOMIC_ACQUIRE);
		uint8_t *at = window(fd, w, PROT_READ);

		if (at != MAP_FAILED) {
			touch(at);
			came_back += late;
			munmap(at, info.window[w].length);
		}
		loops++;
		w = (w + 1) % WINDOWS;
	}
	return NULL;
}

/* Another process with mappings of its own by the descriptor that it was left. */
static pid_t other_process(int to_child[2], int from_child[2])
{
	pid_t child = fork();
	uint8_t *at[WINDOWS];
	int w, i;
	char c = 'y';

	if (child)
		return child;
	for (w = 0; w < WINDOWS; w++) {
		at[w] = window(fd, w, (int)info.window[w].prot);
		if (at[w] == MAP_FAILED || touch(at[w]))
			c = 'n';
	}
	if (write(from_child[1], &c, 1) != 1 || read(to_child[0], &c, 1) != 1)
		_exit(90);
	for (w = 0; w < WINDOWS; w++)
		for (i = 0; touch(at[w]) != SIGBUS; i++) {
			if (i > SOON_MS)
				_exit(w + 1);
			usleep(1000);
		}
	_exit(50);
}

static void all_gone(void)
{
	unsigned int i;
	int bad = 0, turns = 0;

	for (i = 0; i < piece_count; i++)
		while (touch(pieces[i]) != SIGBUS && turns++ < SOON_MS)
			usleep(1000);
	for (i = 0; i < piece_count; i++)
		if (touch(pieces[i]) != SIGBUS) {
			printf("# piece %u, %s\n", i, piece_of[i]);
			bad++;
		}
	result("gone_pieces", "", !bad && piece_count >= 10,
	       "some can be read");
}

static void afterwards(void)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int to_child[2], from_child[2], stop = 0, w, got;
	pthread_t thread;
	pid_t child;
	char c = 0;

	if (pipe(to_child) || pipe(from_child))
		exit(1);
	child = other_process(to_child, from_child);
	got = (int)read(from_child[0], &c, 1);
	works("other_process", "", got == 1 && c == 'y');
	pthread_create(&thread, NULL, mapper, &stop);
	line_from_host("holding");
	got = poll(&p, 1, SOON_MS);
	result("end_is_told", "", got == 1 && p.revents & POLLERR,
	       "poll() does not say so");
	all_gone();
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	for (w = 0; w < WINDOWS; w++) {
		void *at = window(fd, w, PROT_READ);

		refused("mapped_again", names[w], at == MAP_FAILED ? -1 : 0,
			ECONNRESET, 0);
	}
	refused("read_again", "", read(beside, &c, 1), ECONNRESET, 0);
	if (write(to_child[1], &c, 1) != 1)
		exit(1);
	got = status_of(child);
	result("gone_in_other_process", "", got == 50, "it can be read there");
	usleep(300000);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	printf("# mapped and read %u times beside it\n", loops);
	result("nothing_comes_back", "", !came_back && loops, "it does");
	all_gone();
}

/* ----------------------------------------------------------------------------- */

static void map_all(void)
{
	int w;

	for (w = 0; w < WINDOWS; w++) {
		map[w] = window(fd, w, (int)info.window[w].prot);
		works("mapped", names[w], map[w] != MAP_FAILED);
		touched("read", names[w], map[w], 0);
	}
}

/* Words that nobody else writes; they stand nowhere but where they are written to. */
static void canary(uint8_t *at, uint64_t seed)
{
	volatile uint64_t *word = (void *)at;
	uint64_t i;

	for (i = 1; i <= 64; i++)
		word[i] = (i * seed) ^ 0x9e3779b97f4a7c15u;
}

static int dump_core(void)
{
	static uint8_t elsewhere[1024] __attribute__((aligned(8)));

	map_all();
	canary(map[SIVSHMEM_WIN_TX], 0x5851f42d4c957f2du);
	canary(elsewhere, 0x14057b7ef767814fu);
	line_from_host("filled");
	abort();
}

int main(int argc, char **argv)
{
	struct sigaction fault = { .sa_handler = on_fault };
	if (argc < 3)
		return 2;
	page = (int)sysconf(_SC_PAGESIZE);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGSEGV, &fault, NULL);
	take(connect_one(atoi(argv[1]), argv[2]));
	if (argc > 3)
		return dump_core();
	works("closed_by_exec", "", fcntl(fd, F_GETFD) & FD_CLOEXEC);
	no_other_mapping();
	/* that one is read and written now; another is mapped */
	beside = fd;
	other_calls();
	take(connect_one(atoi(argv[1]), argv[2]));
	map_all();
	protections();
	a_child_has_none();
	by_debugger();
	by_kernel_on_behalf();
	by_io_uring();
	flags_of_mappings();
	buffers_in_the_ring();
	moved_and_grown(SIVSHMEM_WIN_CTL_OWN);
	moved_and_grown(SIVSHMEM_WIN_CTL_PEER);
	moved_and_grown(SIVSHMEM_WIN_RX);
	moved_and_grown(SIVSHMEM_WIN_TX);
	cut();
	afterwards();
	printf("%u right, %u wrong\n", right, wrong);
	return wrong ? 1 : 0;
}
