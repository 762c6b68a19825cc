/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the owner, the peer, the host and the clock do to a laboratory's channel: in one
 * line, for suites that go through them.
 */
#ifndef SIV_TESTS_ACTS_H
#define SIV_TESTS_ACTS_H

#include "fake_channel.h"

/*
 * The owner, by the laboratory's file; if there is none any more, by opening another one.
 * Return: what the call gives.
 */
/* siv_act_opens() - one more file, as a node gives it, which is closed again. */
int siv_act_opens(struct siv_fake_lab *lab);
/* As much as its buffer holds; "four". */
int siv_act_reads(struct siv_fake_lab *lab);
int siv_act_writes(struct siv_fake_lab *lab);
/* The first window, and touches it; where a mapping is already, this one goes again. */
int siv_act_maps(struct siv_fake_lab *lab);
/* siv_act_mapped() - is the mapping that was made still there? */
bool siv_act_mapped(struct siv_fake_lab *lab);
/* WAIT for position 8, without waiting; SIVSHMEM_WAIT_READ or SIVSHMEM_WAIT_WRITE. */
int siv_act_waits(struct siv_fake_lab *lab, u32 flags);
int siv_act_rings(struct siv_fake_lab *lab);
int siv_act_polls(struct siv_fake_lab *lab);
/* siv_act_shuts() - SIV_END_WR, SIV_END_RD. */
int siv_act_shuts(struct siv_fake_lab *lab, unsigned int marks);
/* siv_act_asks() - INFO; -EBADMSG if it does not say what the channel is. */
int siv_act_asks(struct siv_fake_lab *lab);

/* The peer: a position that breaks the rules; end marks. Return: what read() then gives. */
int siv_act_breaks(struct siv_fake_lab *lab);
int siv_act_marks(struct siv_fake_lab *lab);

/* The host: a message with the channel's request, its cid, or both. */
void siv_act_hears_close(struct siv_fake_lab *lab, enum siv_reason why);
void siv_act_hears_failed(struct siv_fake_lab *lab);
void siv_act_hears_grant_a(struct siv_fake_lab *lab);
void siv_act_hears_grant_b(struct siv_fake_lab *lab);
void siv_act_hears_result(struct siv_fake_lab *lab);

/* siv_act_looks() - what the owner of a closed channel looks at now and then: now. */
void siv_act_looks(struct siv_fake_lab *lab);
/* siv_act_times_out() - the handshake's time is up. */
void siv_act_times_out(struct siv_fake_lab *lab);

#endif /* SIV_TESTS_ACTS_H */
