/* SPDX-License-Identifier: GPL-2.0-only */
/* The PCI driver: all that main.c needs to know of it. */
#ifndef SIV_PCI_H
#define SIV_PCI_H

int siv_pci_init(void);
void siv_pci_exit(void);

#endif /* SIV_PCI_H */
