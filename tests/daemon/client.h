/* SPDX-License-Identifier: GPL-2.0-only */
/* The bare client of QEMU's server protocol: one message after the other, as it comes. */
#ifndef TESTS_CLIENT_H
#define TESTS_CLIENT_H

#include "core/platform.h"

enum {
	CLIENT_WAIT_MS = 60000, /* for what must come */
};

struct client_msg {
	s64 value;
	int fd; /* -1: none came along */
};

/* client_dial() - connect to a socket; fails the test on an error. */
int client_dial(const char *path);
/* client_read() - the next message; 1, or 0 after @ms without one, or -1 at the end. */
int client_read(int sock, struct client_msg *m, int ms);
/* client_expect() - it must be @value, with a descriptor or not, which is returned. */
int client_expect(int sock, s64 value, bool with_fd);
/* client_silent() - nothing comes for @ms. */
bool client_silent(int sock, int ms);

#endif
