/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device without PCI: memory for a region, and operations that only note what they
 * were asked to do. The test is the host.
 */
#ifndef SIV_TESTS_FAKE_HW_H
#define SIV_TESTS_FAKE_HW_H

#include "../device.h"

struct kunit;

enum {
	SIV_FAKE_SIZE = 1 << 21,
	SIV_FAKE_VECTORS = 4,
	SIV_FAKE_PEER = 3,
	SIV_FAKE_BELLS = 16,
};

/* A doorbell that was rung. */
struct siv_fake_bell {
	u32 peer;
	u16 vector;
};

/**
 * struct siv_fake - the device and what has happened to it
 * @dev: not yet added
 * @mem: its region, with a good header
 * @rung: how many doorbells; the first of them in @bell
 * @bell: which
 * @state: what the vectors were last set to
 * @sets: how often a vector was set
 * @alive: what the hardware answers
 */
struct siv_fake {
	struct siv_device *dev;
	u8 *mem;
	unsigned int rung;
	struct siv_fake_bell bell[SIV_FAKE_BELLS];
	enum siv_vector_state state[SIV_FAKE_VECTORS];
	unsigned int sets;
	bool alive;
};

struct siv_fake *siv_fake_make(struct kunit *test);
/* siv_fake_free() - take the device down, if it is up, and drop the last reference. */
void siv_fake_free(struct siv_fake *f);
struct siv_region_header *siv_fake_header(struct siv_fake *f);
/* siv_fake_cert() - put another host certificate into the region. */
void siv_fake_cert(struct siv_fake *f, const u8 *der, size_t len);

#endif /* SIV_TESTS_FAKE_HW_H */
