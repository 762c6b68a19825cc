/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The dishonest daemon of the tests: one thing at a time is not as it was agreed. The
 * product has none of it: there these are empty, and lie.c is not built.
 */
#ifndef SIVD_LIE_H
#define SIVD_LIE_H

#include "broker.h"

#ifdef SIV_DISHONEST

/* lie_set() - KIND or KIND@MESSAGE; "none"; false if it is neither. */
bool lie_set(const char *text);
const char *lie_now(void);
/* lie_cert() - another certificate than the one that belongs there, or @der. */
struct siv_span lie_cert(const struct channel *ch, u16 type,
			 struct siv_span der);
void lie_incoming(const struct channel *ch, struct siv_incoming *m);
void lie_grant_a(const struct channel *ch, struct siv_grant_a *m);
void lie_grant_b(const struct channel *ch, struct siv_grant_b *m);
/* lie_fin() - true: it goes no further. */
bool lie_fin(const struct channel *ch, struct siv_fin *m);
/* lie_demands() - true: what listener @b demands of @a is not looked at. */
bool lie_demands(const struct session *a, const struct session *b);

#else

static inline struct siv_span lie_cert(const struct channel *ch, u16 type,
				       struct siv_span der)
{
	(void)ch;
	(void)type;
	return der;
}

static inline void lie_incoming(const struct channel *ch,
				struct siv_incoming *m)
{
	(void)ch;
	(void)m;
}

static inline void lie_grant_a(const struct channel *ch, struct siv_grant_a *m)
{
	(void)ch;
	(void)m;
}

static inline void lie_grant_b(const struct channel *ch, struct siv_grant_b *m)
{
	(void)ch;
	(void)m;
}

static inline bool lie_fin(const struct channel *ch, struct siv_fin *m)
{
	(void)ch;
	(void)m;
	return false;
}

static inline bool lie_demands(const struct session *a, const struct session *b)
{
	(void)a;
	(void)b;
	return false;
}

#endif /* SIV_DISHONEST */

#endif /* SIVD_LIE_H */
