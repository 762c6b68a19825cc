/* SPDX-License-Identifier: GPL-2.0-only */
/* Nodes: /dev/sivshmemN, one for each channel that is to have one. */
#ifndef SIV_NODE_H
#define SIV_NODE_H

/* siv_node_init() - class, minors; become the channels' client. */
int siv_node_init(void);
void siv_node_exit(void);

#endif /* SIV_NODE_H */
