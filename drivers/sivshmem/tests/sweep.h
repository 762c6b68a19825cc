/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whatever can be asked of the driver, once for each of its calls that can fail for want
 * of memory: fault.c lets it fail.
 */
#ifndef SIV_TESTS_SWEEP_H
#define SIV_TESTS_SWEEP_H

#include <kunit/test.h>

#include "../core/cert.h"
#include "fake_channel.h"

#define SIV_SWEEP_NAME "camera.front"

enum {
	SIV_SWEEP_PEER = 5,
};

struct key;

/**
 * struct siv_sweep - what the suites work on: a test's priv
 * @lab: a channel that is CONNECTING
 * @hw: a device without a laboratory
 * @ring: a keyring for identities
 * @ca: the anchor, in .sivshmem
 * @buf: for what @data or a message is made of
 * @name: of the key to add; or NULL
 * @data: its payload
 * @len: bytes of it
 * @serial: the key that was added
 * @claim: whether the device is named by claim=
 * @uflags: of the channel to make
 * @suite: its suite
 * @dev: the device that was made
 * @ch: the channel that was made
 * @file: the file that was made
 * @answer: the host, who answers later
 * @end: both ends of a sealed channel
 * @end_file: their files
 */
struct siv_sweep {
	struct siv_fake_lab *lab;
	struct siv_fake *hw;
	struct key *ring;
	struct key *ca;
	u8 buf[2 * SIV_CERT_MAX];
	const char *name;
	const u8 *data;
	size_t len;
	key_serial_t serial;
	bool claim;
	u32 uflags;
	u16 suite;
	struct siv_device *dev;
	struct siv_channel *ch;
	struct file *file;
	struct delayed_work answer;
	struct siv_channel *end[2];
	struct file *end_file[2];
};

/**
 * struct siv_try - what is tried
 * @what: name in messages
 * @prepare: what comes before it, and must not fail; or NULL
 * @run: 0 or an errno; may leave something behind even if it fails
 * @undo: takes that away; called after each
 * @err: what it gives if a call fails
 * @points: so many calls at least can fail
 * @spare: so many of them are of no consequence
 */
struct siv_try {
	const char *what;
	int (*prepare)(struct siv_sweep *x);
	int (*run)(struct siv_sweep *x);
	void (*undo)(struct siv_sweep *x);
	int err;
	unsigned int points;
	unsigned int spare;
};

/* siv_sweep() - with the first, second, third ... call failing, until there is none. */
void siv_sweep(struct kunit *test, const struct siv_try *act);

/* Its suite's init and exit. */
int siv_sweep_init(struct kunit *test);
void siv_sweep_exit(struct kunit *test);

/* Key: name, data and len; certificate and private key in them; both. 0 or an errno. */
int siv_sweep_add_key(struct siv_sweep *x);
void siv_sweep_take_bundle(struct siv_sweep *x);
int siv_sweep_add_bundle(struct siv_sweep *x);
/* All keys go, but for the anchor. */
void siv_sweep_clear_ring(struct siv_sweep *x);
/* The anchor, in a keyring that siv_keys_init() has made. */
int siv_sweep_anchor_begin(struct siv_sweep *x);
void siv_sweep_anchor_end(struct siv_sweep *x);

/* A channel by its connector, and its end, with its file and all that is freed later. */
int siv_sweep_channel_comes(struct siv_sweep *x);
void siv_sweep_channel_goes(struct siv_sweep *x);

#endif /* SIV_TESTS_SWEEP_H */
