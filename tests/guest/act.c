// SPDX-License-Identifier: GPL-2.0-only
/*
 * One act in a test guest, for hostile deeds and bare system calls.
 *
 * Prints `ok ...` and exits 0, or prints the errno's name and exits 1. Offsets
 * and lengths are decimal or 0x...; WINDOW is a UIO mapping: 0 or 1.
 *
 *   act open FILE                      open for reading and writing
 *   act mmap FILE WINDOW LENGTH MODE   map (r or rw), touch the first word
 *   act dump FILE WINDOW OFFSET LENGTH bytes of a mapping to standard output
 *   act poke FILE WINDOW OFFSET        standard input into a mapping
 *   act find FILE WINDOW OFFSET LENGTH how often they hold standard input, and where
 *                                      first
 *   act hold FILE WINDOW OFFSET        map a page for reading, say `mapped`, wait for the
 *                                      end of input, and look at it: ok, or the signal
 *   act ring FILE PEER VECTOR          write the doorbell register
 *   act key TYPE DESCRIPTION           search a key in the own keyrings
 *   act iopl                           may use all ports of the processor, if it has any
 *   act kexec                          may replace the kernel
 *   act bpf                            load a program that reads kernel memory
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	DOORBELL = 12, /* register of BAR0 */
	INPUT_MAX = 1 << 20,
};

static unsigned char input[INPUT_MAX];

static int failed(void)
{
	printf("%s\n", strerrorname_np(errno));
	return 1;
}

static size_t number(const char *text)
{
	char *end;
	size_t n = strtoul(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "act: not a number: %s\n", text);
		exit(2);
	}
	return n;
}

static size_t read_input(void)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(0, input + len, sizeof(input) - len)) > 0)
		len += (size_t)n;
	return len;
}

/* A part of a window, from its start up to @end; NULL and errno. */
static void *window(const char *file, const char *which, size_t end, int prot)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = open(file, prot & PROT_WRITE ? O_RDWR : O_RDONLY);
	void *map;

	if (fd < 0)
		return NULL;
	map = mmap(NULL, (end + page - 1) / page * page, prot, MAP_SHARED, fd,
		   (off_t)(number(which) * page));
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

static int do_open(char **arg)
{
	if (open(arg[0], O_RDWR) < 0)
		return failed();
	puts("ok");
	return 0;
}

static int do_mmap(char **arg)
{
	int prot = strcmp(arg[3], "rw") ? PROT_READ : PROT_READ | PROT_WRITE;
	/* QEMU's registers of interrupts are not read by bytes. */
	volatile uint32_t *map = window(arg[0], arg[1], number(arg[2]), prot);

	if (!map)
		return failed();
	printf("ok %u\n", *map);
	return 0;
}

static int do_dump(char **arg)
{
	size_t from = number(arg[2]), len = number(arg[3]);
	unsigned char *map = window(arg[0], arg[1], from + len, PROT_READ);

	if (!map)
		return failed();
	return fwrite(map + from, 1, len, stdout) == len ? 0 : 1;
}

static int do_poke(char **arg)
{
	size_t from = number(arg[2]), len = read_input();
	unsigned char *map =
		window(arg[0], arg[1], from + len, PROT_READ | PROT_WRITE);

	if (!map)
		return failed();
	memcpy(map + from, input, len);
	printf("ok %zu\n", len);
	return 0;
}

static int do_find(char **arg)
{
	size_t from = number(arg[2]), len = number(arg[3]), found = 0;
	unsigned char *map = window(arg[0], arg[1], from + len, PROT_READ);
	unsigned char *at, *first = map, *end;
	size_t want = read_input();

	if (!map)
		return failed();
	at = map + from;
	end = at + len;
	while (want && (at = memmem(at, (size_t)(end - at), input, want))) {
		if (!found++)
			first = at;
		at++;
	}
	printf("ok %zu %zu\n", found, (size_t)(first - map));
	return 0;
}

static sigjmp_buf fault;

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

static int do_hold(char **arg)
{
	size_t from = number(arg[2]);
	volatile uint32_t *map = window(arg[0], arg[1], from + 4, PROT_READ);
	struct sigaction action = { .sa_handler = on_fault };
	int got;

	if (!map)
		return failed();
	/* QEMU's registers of interrupts are not read by bytes. */
	(void)map[from / 4];
	puts("mapped");
	fflush(stdout);
	read_input();
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	got = sigsetjmp(fault, 1);
	if (got) {
		printf("SIG%s\n", sigabbrev_np(got));
		return 1;
	}
	printf("ok %u\n", map[from / 4]);
	return 0;
}

static int do_ring(char **arg)
{
	volatile uint32_t *reg =
		window(arg[0], "0", 4096, PROT_READ | PROT_WRITE);

	if (!reg)
		return failed();
	reg[DOORBELL / 4] = (uint32_t)(number(arg[1]) << 16 | number(arg[2]));
	puts("ok");
	return 0;
}

static int do_key(char **arg)
{
	key_serial_t key =
		request_key(arg[0], arg[1], NULL, KEY_SPEC_USER_KEYRING);

	if (key < 0)
		return failed();
	printf("ok %d\n", key);
	return 0;
}

#ifdef SYS_iopl
static int do_iopl(char **arg)
{
	(void)arg;
	if (syscall(SYS_iopl, 3))
		return failed();
	puts("ok");
	return 0;
}
#endif

/* Without a segment: what was loaded before is forgotten. */
static int do_kexec(char **arg)
{
	(void)arg;
	if (syscall(SYS_kexec_load, 0, 0, NULL, 0))
		return failed();
	puts("ok");
	return 0;
}

static int do_bpf(char **arg)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X,
		  .dst_reg = 1,
		  .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL,
		  .imm = BPF_FUNC_probe_read_kernel },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_TRACEPOINT,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(*program),
		.license = (uintptr_t) "GPL",
	};

	(void)arg;
	if (syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load)) < 0)
		return failed();
	puts("ok");
	return 0;
}

static const struct {
	const char *name;
	int args;
	int (*run)(char **arg);
} acts[] = {
	{ "open", 1, do_open },	  { "mmap", 4, do_mmap },
	{ "dump", 4, do_dump },	  { "poke", 3, do_poke },
	{ "find", 4, do_find },	  { "hold", 3, do_hold },
	{ "ring", 3, do_ring },	  { "key", 2, do_key },
	{ "kexec", 0, do_kexec }, { "bpf", 0, do_bpf },
#ifdef SYS_iopl
	{ "iopl", 0, do_iopl },
#endif
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		if (argc > 1 && !strcmp(argv[1], acts[i].name) &&
		    argc - 2 == acts[i].args)
			return acts[i].run(argv + 2);
	fprintf(stderr, "act: unknown act or wrong number of arguments\n");
	return 2;
}
