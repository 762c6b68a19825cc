/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What each of the three processes can still ask of the kernel. */
#ifndef SIVD_SANDBOX_H
#define SIVD_SANDBOX_H

/* All return 0, or -1 with errno. Nothing is undone by them. */

/* sandbox_private() - no core dumps, no ptrace, no /proc/PID/fd for others of our uid. */
int sandbox_private(void);
/**
 * sandbox_daemon() - the daemon: descriptors it has, memory, time, randomness
 *
 * It can open no file, make no socket and start no program.
 */
int sandbox_daemon(void);
/* sandbox_files() - the file helper: files and sockets, but no programs, no tracing. */
int sandbox_files(void);
/* sandbox_key() - the key process: read and write what is open. */
int sandbox_key(void);

#endif /* SIVD_SANDBOX_H */
