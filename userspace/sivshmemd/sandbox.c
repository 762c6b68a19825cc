// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What each process can still ask of the kernel. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "sandbox.h"

/* Sanitizers and gcov open files and trace; they are not the product. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	defined(COVERAGE)
#define SANDBOX_OFF 1
#else
#define SANDBOX_OFF 0
#endif

int sandbox_private(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none))
		return -1;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* What no process of ours ever does again: the whole process dies of it. */
static const int sandbox_deadly[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(bpf),
	SCMP_SYS(keyctl),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(mount),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
};

static int sandbox_rules(scmp_filter_ctx ctx, const int *calls, size_t n,
			 uint32_t action)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = seccomp_rule_add(ctx, action, calls[i], 0);
		if (r < 0)
			return r;
	}
	return 0;
}

#define SANDBOX_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* No page is ever made executable. */
static int sandbox_memory(scmp_filter_ctx ctx)
{
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	return r ? r :
		   seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int sandbox_load(scmp_filter_ctx ctx, int r)
{
	if (!r)
		r = sandbox_rules(ctx, sandbox_deadly,
				  SANDBOX_COUNT(sandbox_deadly),
				  SCMP_ACT_KILL_PROCESS);
	if (!r)
		r = seccomp_load(ctx); /* sets no_new_privs */
	seccomp_release(ctx);
	if (!r)
		return 0;
	errno = -r;
	return -1;
}

int sandbox_daemon(void)
{
	static const int calls[] = {
		/* the loop */
		SCMP_SYS(epoll_wait),
		SCMP_SYS(epoll_pwait),
		SCMP_SYS(epoll_pwait2),
		SCMP_SYS(epoll_ctl),
		SCMP_SYS(timerfd_settime),
		/* QEMUs, doorbells, the control socket, helper and key process */
		SCMP_SYS(read),
		SCMP_SYS(write),
		SCMP_SYS(close),
		SCMP_SYS(accept4),
		SCMP_SYS(getsockopt),
		SCMP_SYS(sendmsg),
		SCMP_SYS(recvmsg),
		SCMP_SYS(sendto),
		SCMP_SYS(recvfrom),
		SCMP_SYS(eventfd2),
		SCMP_SYS(fcntl),
		/* memory */
		SCMP_SYS(munmap),
		SCMP_SYS(mremap),
		SCMP_SYS(madvise),
		SCMP_SYS(brk),
		/* time, randomness, the C library */
		SCMP_SYS(clock_gettime),
		SCMP_SYS(getrandom),
		SCMP_SYS(futex),
		SCMP_SYS(rt_sigprocmask),
		SCMP_SYS(rt_sigreturn),
		SCMP_SYS(exit_group),
	};
	scmp_filter_ctx ctx;
	int r;

	if (SANDBOX_OFF)
		return 0;
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!ctx) {
		errno = ENOMEM;
		return -1;
	}
	r = sandbox_rules(ctx, calls, SANDBOX_COUNT(calls), SCMP_ACT_ALLOW);
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_EQ, SIOCOUTQ));
	if (!r)
		r = sandbox_memory(ctx);
	return sandbox_load(ctx, r);
}

int sandbox_files(void)
{
	static const int never[] = {
		SCMP_SYS(fork),	       SCMP_SYS(vfork),
		SCMP_SYS(clone),       SCMP_SYS(clone3),
		SCMP_SYS(kill),	       SCMP_SYS(tgkill),
		SCMP_SYS(tkill),       SCMP_SYS(perf_event_open),
		SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
		SCMP_SYS(chroot),      SCMP_SYS(pivot_root),
		SCMP_SYS(symlink),     SCMP_SYS(symlinkat),
		SCMP_SYS(link),	       SCMP_SYS(linkat),
		SCMP_SYS(rename),      SCMP_SYS(renameat),
		SCMP_SYS(renameat2),   SCMP_SYS(setuid),
		SCMP_SYS(setgid),
	};
	scmp_filter_ctx ctx;
	int r;

	if (SANDBOX_OFF)
		return 0;
	/* user look-ups may load libraries and ask services: no list of what is allowed */
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!ctx) {
		errno = ENOMEM;
		return -1;
	}
	r = sandbox_rules(ctx, never, SANDBOX_COUNT(never),
			  SCMP_ACT_ERRNO(EPERM));
	return sandbox_load(ctx, r);
}

int sandbox_key(void)
{
	static const int calls[] = {
		SCMP_SYS(poll),
		SCMP_SYS(ppoll),
		SCMP_SYS(recvfrom),
		SCMP_SYS(sendto),
		SCMP_SYS(munmap),
		SCMP_SYS(brk),
		SCMP_SYS(futex),
		SCMP_SYS(rt_sigreturn),
		SCMP_SYS(exit_group),
		SCMP_SYS(write),
		SCMP_SYS(close),
		/* poll() goes on by it after a stop, a freeze, or the host's sleep */
		SCMP_SYS(restart_syscall),
	};
	scmp_filter_ctx ctx;
	int r;

	if (SANDBOX_OFF)
		return 0;
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!ctx) {
		errno = ENOMEM;
		return -1;
	}
	r = sandbox_rules(ctx, calls, SANDBOX_COUNT(calls), SCMP_ACT_ALLOW);
	if (!r)
		r = sandbox_memory(ctx);
	return sandbox_load(ctx, r);
}
