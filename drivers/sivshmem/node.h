/* SPDX-License-Identifier: GPL-2.0-only */
/* Nodes: /dev/sivshmemN and the files of channels, however they were opened. */
#ifndef SIV_NODE_H
#define SIV_NODE_H

#include <linux/types.h>

struct file;
struct siv_channel;

int siv_node_init(void);
void siv_node_exit(void);

/* siv_node_add() - make the node, later; the channel is OPEN. */
void siv_node_add(struct siv_channel *ch);
/* siv_node_del() - take it away, later. */
void siv_node_del(struct siv_channel *ch);
/* siv_node_flush() - until all that was asked for is done. */
void siv_node_flush(void);
/* siv_node_minor() - N, or SIVSHMEM_NO_MINOR. */
u32 siv_node_minor(struct siv_channel *ch);
/* siv_node_file() - a descriptor's file for a channel: CONNECT and ACCEPT. */
struct file *siv_node_file(struct siv_channel *ch, unsigned int flags);

#endif /* SIV_NODE_H */
