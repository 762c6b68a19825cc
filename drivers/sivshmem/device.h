/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The region: one attached ivshmem device, seen through an operations table so that
 * everything above runs on a fake one in KUnit. pci.c is the real one.
 *
 * Lifetime: made in probe with one reference; channels, listeners and ioctls in flight
 * take more. siv_device_quiesce() closes the gate; after synchronize_srcu() nobody
 * touches @base or the doorbell, and the memory may go. The struct is freed at the last
 * put. After a reset, vmfork or resume the same struct is added again, with a new boot
 * nonce: whoever held it from before has been told by its client's quiesce.
 */
#ifndef SIV_DEVICE_H
#define SIV_DEVICE_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>

#include "core/wire.h"

struct siv_device;
struct siv_host;

#define SIV_VECTORS_MAX 128 /* own MSI-X vectors; more are not asked for */

enum siv_vector_state {
	SIV_VECTOR_PARKED = 0, /* disabled: no channel with that VM */
	SIV_VECTOR_ARMED,
	SIV_VECTOR_THROTTLED, /* too many bells: re-armed by a timer */
};

/**
 * struct siv_hw_ops - what a device can do
 * @bell: ring vector @vector of peer @peer; inside the gate; any context
 * @vector_set: move an own vector to PARKED or ARMED; may sleep; keeps the irq's
 *              disable depth at 0 or 1
 * @alive: are the BARs still where they were? zero and all-ones mean no
 */
struct siv_hw_ops {
	void (*bell)(struct siv_device *dev, u32 peer, u16 vector);
	void (*vector_set)(struct siv_device *dev, unsigned int vector,
			   enum siv_vector_state state);
	bool (*alive)(struct siv_device *dev);
};

/**
 * struct siv_device - one region
 * @ref: references to the struct
 * @link: in the list of devices, under siv_devices_lock
 * @index: small number, for SIVSHMEM_REGION_INFO; not reused while the struct lives
 * @parent: the PCI device's struct device; referenced
 * @bus_id: its name, for people
 * @hw: operations
 * @hw_priv: theirs
 * @base: the region, mapped write-back where possible; valid inside the gate
 * @phys: its physical address, for window.c
 * @size: its length
 * @cached: is the mapping write-back?
 * @peer: own peer number (IVPosition)
 * @vectors: own MSI-X vectors that exist (request_irq() succeeded)
 * @geo: checked geometry
 * @header_hash: SHA-256 of the header's constant part
 * @epoch: the region's
 * @region: its name, NUL-terminated
 * @host_cert: private copy of the host certificate's DER
 * @host_cert_len: its length
 * @srcu: read sections around every access to @base and every bell
 * @live: the gate; cleared once, by siv_device_quiesce()
 * @boot_nonce: new each time the device is added: probe, reset, vmfork and resume
 * @host: floor 5's state; set by its attach, before the device is published
 * @bells: doorbells seen, per vector (for INFO)
 * @life: serialises add, quiesce and del; outermost but for the PCI device's lock
 * @claimed: add it even if the header is not ours
 * @wanted: between siv_device_add() and siv_device_del()
 * @attached: the client was attached
 * @listed: published: can be found
 * @held: siv_device_suspend() without its siv_device_resume()
 */
struct siv_device {
	struct kref ref;
	struct list_head link;
	unsigned int index;
	struct device *parent;
	char bus_id[32];
	const struct siv_hw_ops *hw;
	void *hw_priv;
	void __peer *base;
	phys_addr_t phys;
	u64 size;
	bool cached;
	u32 peer;
	unsigned int vectors;
	struct siv_geometry geo;
	u8 header_hash[SIV_HASH_LEN];
	u8 epoch[SIV_EPOCH_LEN];
	char region[SIV_NAME_LEN];
	u8 *host_cert;
	size_t host_cert_len;
	struct srcu_struct srcu;
	bool live;
	u8 boot_nonce[SIV_NONCE_LEN];
	struct siv_host *host;
	atomic64_t bells[SIV_VECTORS_MAX];
	struct mutex life; /* add, quiesce, del: see above */
	bool claimed;
	bool wanted;
	bool attached;
	bool listed;
	unsigned int held;
};

/**
 * struct siv_device_client - the floors above, called by device.c
 * @attach: a device was published: make what is needed for it; may sleep
 * @bell: vector @vector fired; hard-irq context: wake and queue only
 * @goodbye: the gate is about to be closed in an orderly way, with @why: have nobody
 *           touch what the host gave, then tell it so; may sleep, but not for an answer;
 *           may be NULL
 * @quiesce: the gate was closed: end all sessions and channels with @why, zap mappings,
 *           wake all; may sleep; on return nothing of the client waits for the device
 * @detach: free what attach made; after synchronize_srcu()
 *
 * Registered by main.c before the first device, so that nothing points back up.
 */
struct siv_device_client {
	int (*attach)(struct siv_device *dev);
	void (*bell)(struct siv_device *dev, unsigned int vector);
	void (*goodbye)(struct siv_device *dev, enum siv_reason why);
	void (*quiesce)(struct siv_device *dev, enum siv_reason why);
	void (*detach)(struct siv_device *dev);
};

void siv_device_client_set(const struct siv_device_client *client);

/**
 * siv_device_alloc() - a device that is not yet published
 * @parent: for messages
 *
 * The caller (pci.c, or a fake) fills in hw, base, phys, size, cached, peer, vectors.
 */
struct siv_device *siv_device_alloc(struct device *parent);
void siv_device_get(struct siv_device *dev);
void siv_device_put(struct siv_device *dev);

/**
 * siv_device_add() - copy and check the header, open the gate, publish, attach
 * @dev: the device
 * @claim: bind even if the header is not ours: the device is then live but has no
 *         geometry (geo.region_size 0) and every session fails with SIV_R_HEADER
 *
 * Return: 0, -ENODEV if the header is not ours, or another negative errno.
 */
int siv_device_add(struct siv_device *dev, bool claim);

/**
 * siv_device_quiesce() - close the gate: remove, shutdown, reset, PM freeze, vmfork
 * @dev: the device
 * @why: what sessions and channels end with
 *
 * After it returns nobody is inside the gate and no vector is armed. Idempotent.
 * siv_device_del() then unpublishes and detaches; siv_device_add() may be called again.
 */
void siv_device_quiesce(struct siv_device *dev, enum siv_reason why);
void siv_device_del(struct siv_device *dev);

/* siv_device_check() - quiesce a live device whose BARs are not there any more: true. */
bool siv_device_check(struct siv_device *dev);

/**
 * siv_device_suspend() - quiesce and unpublish until siv_device_resume()
 * @dev: the device
 * @why: what sessions and channels end with
 * @goodbye: say so to the host; false where this machine is a copy of another, which
 *           may seal something else under the same record number
 *
 * For reset, suspend and vmfork, where everything of before is stale afterwards. Calls
 * nest: the last siv_device_resume() adds the device again, with a new boot nonce.
 */
void siv_device_suspend(struct siv_device *dev, enum siv_reason why,
			bool goodbye);
int siv_device_resume(struct siv_device *dev);
/* siv_devices_suspend(), siv_devices_resume() - every device that exists. */
void siv_devices_suspend(enum siv_reason why, bool goodbye);
void siv_devices_resume(void);

/**
 * siv_device_enter() - enter the gate
 * @dev: the device
 * @idx: for siv_device_exit()
 *
 * Inside it @base is mapped and the doorbell works. Do not sleep on peers or users.
 * Return: false after siv_device_quiesce().
 */
bool __must_check siv_device_enter(struct siv_device *dev, int *idx);
void siv_device_exit(struct siv_device *dev, int idx);

/* siv_device_bell() - called by the hardware when an own vector fires. */
void siv_device_bell(struct siv_device *dev, unsigned int vector);
/* siv_device_ring() - ring a peer; enters the gate itself; false if it is closed. */
bool siv_device_ring(struct siv_device *dev, u32 peer, u16 vector);

/* siv_device_vector_set() - @hw's, inside the gate; no-op outside. */
void siv_device_vector_set(struct siv_device *dev, unsigned int vector,
			   enum siv_vector_state state);

/*
 * siv_device_find_*() - with a reference: the device of a region, that with an index, or
 * the first whose index is at least this (indices have holes after a removal); else NULL.
 */
struct siv_device *siv_device_find_region(const char *region);
struct siv_device *siv_device_find_index(unsigned int index);
struct siv_device *siv_device_find_next(unsigned int index);
/* siv_device_wait_all_gone() - until no struct exists: for module exit. */
void siv_device_wait_all_gone(void);

/* Interval of the re-check that heals lost doorbells, in ms; 0: off (a test knob). */
extern unsigned int siv_fallback_ms;

#endif /* SIV_DEVICE_H */
