// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: hostile code in the daemon, or in the key process, can open no file, make no
 * socket, start no program and trace nobody; in the file helper it can start nothing and
 * trace nobody; and all three leave no core.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sivshmemd/sandbox.h"

/* Each returns true if the act succeeded. */
static bool act_open(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool act_open_write(void)
{
	return open("/tmp/sandbox-test", O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool act_openat2(void)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { O_RDONLY, 0, 0 };

	return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how,
		       sizeof(how)) >= 0;
}

static bool act_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool act_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool act_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid > 0;
}

static bool act_exec(void)
{
	char *const argv[] = { (char *)(uintptr_t) "/bin/true", NULL };

	execv(argv[0], argv);
	return false;
}

static bool act_ptrace(void)
{
	return !ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static bool act_mmap_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool act_mprotect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && !mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static bool act_kill(void)
{
	return !kill(getppid(), 0);
}

static bool act_chmod(void)
{
	return !chmod("/tmp", 01777);
}

static bool act_dumpable(void)
{
	return !prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static bool act_ioctl(void)
{
	int n;

	return !ioctl(0, FIONREAD, &n) || errno != EPERM;
}

static bool act_memory(void)
{
	char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && !munmap(p, 1 << 20);
}

enum verdict {
	DENIED,
	DONE,
	KILLED
};

/* Do it in a child that has confined itself. */
static enum verdict try(int (*confine)(void), bool (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (sandbox_private() || confine())
			_exit(99);
		_exit(act() ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		assert_false(WCOREDUMP(status));
		return KILLED;
	}
	assert_int_not_equal(WEXITSTATUS(status), 99);
	return WEXITSTATUS(status) ? DONE : DENIED;
}

static void test_daemon(void **state)
{
	(void)state;
	assert_int_equal(try(sandbox_daemon, act_open), DENIED);
	assert_int_equal(try(sandbox_daemon, act_open_write), DENIED);
	assert_int_equal(try(sandbox_daemon, act_openat2), DENIED);
	assert_int_equal(try(sandbox_daemon, act_socket), DENIED);
	assert_int_equal(try(sandbox_daemon, act_inet), DENIED);
	assert_int_equal(try(sandbox_daemon, act_fork), DENIED);
	assert_int_equal(try(sandbox_daemon, act_mmap_exec), DENIED);
	assert_int_equal(try(sandbox_daemon, act_mprotect_exec), DENIED);
	assert_int_equal(try(sandbox_daemon, act_kill), DENIED);
	assert_int_equal(try(sandbox_daemon, act_chmod), DENIED);
	assert_int_equal(try(sandbox_daemon, act_dumpable), DENIED);
	assert_int_equal(try(sandbox_daemon, act_ioctl), DENIED);
	assert_int_equal(try(sandbox_daemon, act_exec), KILLED);
	assert_int_equal(try(sandbox_daemon, act_ptrace), KILLED);
	assert_int_equal(try(sandbox_daemon, act_memory), DONE);
}

static void test_key(void **state)
{
	(void)state;
	assert_int_equal(try(sandbox_key, act_open), DENIED);
	assert_int_equal(try(sandbox_key, act_openat2), DENIED);
	assert_int_equal(try(sandbox_key, act_socket), DENIED);
	assert_int_equal(try(sandbox_key, act_fork), DENIED);
	assert_int_equal(try(sandbox_key, act_mmap_exec), DENIED);
	assert_int_equal(try(sandbox_key, act_kill), DENIED);
	assert_int_equal(try(sandbox_key, act_dumpable), DENIED);
	assert_int_equal(try(sandbox_key, act_exec), KILLED);
	assert_int_equal(try(sandbox_key, act_ptrace), KILLED);
	assert_int_equal(try(sandbox_key, act_memory), DONE);
}

static void test_files(void **state)
{
	(void)state;
	assert_int_equal(try(sandbox_files, act_open), DONE);
	assert_int_equal(try(sandbox_files, act_socket), DONE);
	assert_int_equal(try(sandbox_files, act_fork), DENIED);
	assert_int_equal(try(sandbox_files, act_kill), DENIED);
	assert_int_equal(try(sandbox_files, act_exec), KILLED);
	assert_int_equal(try(sandbox_files, act_ptrace), KILLED);
}

static int nothing(void)
{
	return 0;
}

static bool act_core(void)
{
	struct rlimit l;

	return getrlimit(RLIMIT_CORE, &l) || l.rlim_cur || l.rlim_max ||
	       prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0;
}

static void test_private(void **state)
{
	(void)state;
	assert_int_equal(try(nothing, act_core), DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_daemon),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
