/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/sivshmem-control: copy in, check, call. */
#ifndef SIV_CONTROL_H
#define SIV_CONTROL_H

int siv_control_init(void);
void siv_control_exit(void);

#endif /* SIV_CONTROL_H */
