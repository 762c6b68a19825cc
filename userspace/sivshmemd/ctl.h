/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The control socket: one JSON object per line in, one per line out. */
#ifndef SIVD_CTL_H
#define SIVD_CTL_H

#include <jansson.h>

struct daemon;
struct ctl;

/* ctl_new() - @fd: listening; taken over. NULL without memory. */
struct ctl *ctl_new(struct daemon *d, int fd);
void ctl_free(struct ctl *c);

/* ctlcmd_run() - ctlcmd.c: the answer to one command; a new reference, never NULL. */
json_t *ctlcmd_run(struct daemon *d, const json_t *command);

#endif /* SIVD_CTL_H */
