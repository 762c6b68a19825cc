/* SPDX-License-Identifier: GPL-2.0-only */
/* Posture: what weakens this guest against its own root, as far as a module can see. */
#ifndef SIV_POSTURE_H
#define SIV_POSTURE_H

#include <linux/types.h>

/* siv_posture() - SIVSHMEM_POSTURE_*; @cached: is BAR2 mapped write-back? May sleep. */
u32 siv_posture(bool cached);

#endif /* SIV_POSTURE_H */
