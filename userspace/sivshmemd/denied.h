/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Revocations by hand (sivshmemctl revoke): in force until they are lifted or the daemon
 * ends. What is to last belongs in the CRL.
 */
#ifndef SIVD_DENIED_H
#define SIVD_DENIED_H

#include "core/cert.h"

enum denied_kind {
	DENIED_SERIAL,	 /* lower-case hex without leading zeros */
	DENIED_IDENTITY, /* REGION/VM/SERVICE */
	DENIED_VM,
};

struct denied;

struct denied *denied_new(void);
void denied_free(struct denied *d);
/* denied_add() - 0, -EEXIST, -ENOMEM, -ENOSPC. */
int denied_add(struct denied *d, enum denied_kind kind, const char *value);
/* denied_lift() - 0 or -ENOENT. */
int denied_lift(struct denied *d, enum denied_kind kind, const char *value);
/* denied_has() - is this certificate one of them? */
bool denied_has(const struct denied *d, const struct siv_cert *cert);
/* denied_at() - the entries, one after the other; NULL at the end. */
const char *denied_at(const struct denied *d, size_t i, enum denied_kind *kind);

/* serial_text() - a serial number as DENIED_SERIAL writes it. */
void serial_text(struct siv_span serial, char *out, size_t cap);
/* serial_normal() - the same form from what a person typed; false if it is no number. */
bool serial_normal(const char *in, char *out, size_t cap);

#endif /* SIVD_DENIED_H */
