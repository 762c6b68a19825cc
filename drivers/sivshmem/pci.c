// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's ivshmem-doorbell device (docs/specs/ivshmem-spec.rst): BAR0 has the registers,
 * BAR1 the MSI-X table, BAR2 the region. The only file that touches PCI and registers.
 *
 * All BARs are claimed exclusively and the driver cannot be unbound, so that no process
 * maps them beside us. Own vectors stay disabled until the floor above says that QEMU
 * has all its eventfds: some QEMUs abort otherwise.
 */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "device.h"
#include "event.h"
#include "pci.h"

#define SIV_PCI_VENDOR 0x1af4
#define SIV_PCI_DEVICE 0x1110

enum {
	SIV_BAR_REGS = 0,
	SIV_BAR_REGION = 2,
	SIV_REG_IVPOSITION = 8,
	SIV_REG_DOORBELL = 12,
	SIV_REGS_LEN = 16,
	SIV_STORM_MS = 10, /* a vector that fires too often is off this long */
	SIV_WATCH_MS = 1000, /* between looks at the BARs */
};

static char *claim;
module_param(claim, charp, 0444);
MODULE_PARM_DESC(claim, "bind these PCI addresses (or all) in any case");

static unsigned int storm = 500;
module_param(storm, uint, 0444);
MODULE_PARM_DESC(storm, "doorbells in 10 ms that pause a vector for as long");

/**
 * struct siv_vector - an own MSI-X vector
 * @pci: its device
 * @index: its number
 * @irq: Linux's number for it
 * @lock: protects what follows, with irqs off
 * @state: what is wanted
 * @disabled: disable_irq() was called once more than enable_irq()
 * @window: jiffies when the count began
 * @count: doorbells since then
 * @rearm: ends THROTTLED
 * @name: for /proc/interrupts
 */
struct siv_vector {
	struct siv_pci *pci;
	unsigned int index;
	int irq;
	spinlock_t lock; /* with irqs off */
	enum siv_vector_state state;
	bool disabled;
	unsigned long window;
	unsigned int count;
	struct delayed_work rearm;
	char name[32];
};

/**
 * struct siv_pci - the real device behind a struct siv_device
 * @pdev: PCI device
 * @dev: what the floors above see
 * @regs: BAR0
 * @bar2: config space's two words of BAR2 at probe
 * @watch: looks whether they are still so
 * @vectors: how many elements of @vector have an irq
 * @vector: own vectors
 */
struct siv_pci {
	struct pci_dev *pdev;
	struct siv_device *dev;
	void __iomem *regs;
	u32 bar2[2];
	struct delayed_work watch;
	unsigned int vectors;
	struct siv_vector vector[];
};

/* ----------------------------------------------------------------- vectors */

/*
 * The one place where an irq is enabled or disabled: its disable depth is 0 or 1 and
 * follows @state. Never waits for the handler; a parked vector may fire once more.
 */
static void siv_vector_apply(struct siv_vector *v, enum siv_vector_state state)
{
	bool disable = state != SIV_VECTOR_ARMED;

	lockdep_assert_held(&v->lock);
	v->state = state;
	if (disable == v->disabled)
		return;
	v->disabled = disable;
	if (disable)
		disable_irq_nosync(v->irq);
	else
		enable_irq(v->irq);
}

static void siv_vector_rearm(struct work_struct *work)
{
	struct siv_vector *v =
		container_of(to_delayed_work(work), struct siv_vector, rearm);
	unsigned long flags;
	bool again = false;

	spin_lock_irqsave(&v->lock, flags);
	if (v->state == SIV_VECTOR_THROTTLED) {
		v->count = 0;
		v->window = jiffies;
		siv_vector_apply(v, SIV_VECTOR_ARMED);
		again = true;
	}
	spin_unlock_irqrestore(&v->lock, flags);
	/* bells may have been lost meanwhile */
	if (again)
		siv_device_bell(v->pci->dev, v->index);
}

static irqreturn_t siv_vector_fired(int irq, void *arg)
{
	struct siv_vector *v = arg;
	bool throttled = false;
	unsigned long flags;

	spin_lock_irqsave(&v->lock, flags);
	if (time_after(jiffies, v->window + msecs_to_jiffies(SIV_STORM_MS))) {
		v->window = jiffies;
		v->count = 0;
	}
	if (++v->count > storm && v->state == SIV_VECTOR_ARMED) {
		siv_vector_apply(v, SIV_VECTOR_THROTTLED);
		throttled = true;
		schedule_delayed_work(&v->rearm,
				      msecs_to_jiffies(SIV_STORM_MS));
	}
	spin_unlock_irqrestore(&v->lock, flags);
	if (throttled)
		siv_refused(v->pci->dev, SIV_AT_BELL, SIV_R_RATE, 0);
	siv_device_bell(v->pci->dev, v->index);
	return IRQ_HANDLED;
}

static void siv_pci_vector_set(struct siv_device *dev, unsigned int vector,
			       enum siv_vector_state state)
{
	struct siv_pci *p = dev->hw_priv;
	struct siv_vector *v;
	unsigned long flags;

	if (vector >= p->vectors)
		return;
	v = &p->vector[vector];
	spin_lock_irqsave(&v->lock, flags);
	/* arming a throttled vector is the timer's business */
	if (state != SIV_VECTOR_ARMED || v->state != SIV_VECTOR_THROTTLED)
		siv_vector_apply(v, state);
	spin_unlock_irqrestore(&v->lock, flags);
	if (state == SIV_VECTOR_PARKED) {
		cancel_delayed_work_sync(&v->rearm);
		synchronize_irq(v->irq);
	}
}

static void siv_pci_vectors_free(struct siv_pci *p)
{
	unsigned int i;

	for (i = 0; i < p->vectors; i++) {
		siv_pci_vector_set(p->dev, i, SIV_VECTOR_PARKED);
		free_irq(p->vector[i].irq, &p->vector[i]);
	}
	p->vectors = 0;
	pci_free_irq_vectors(p->pdev);
}

/* As many as QEMU and this machine have; a request that fails means fewer. */
static int siv_pci_vectors_init(struct siv_pci *p, unsigned int wanted)
{
	int n = pci_alloc_irq_vectors(p->pdev, 1, wanted, PCI_IRQ_MSIX);
	int err = -ENODEV;
	unsigned int i;

	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		struct siv_vector *v = &p->vector[i];

		v->pci = p;
		v->index = i;
		v->irq = pci_irq_vector(p->pdev, i);
		v->state = SIV_VECTOR_PARKED;
		v->disabled = true; /* IRQF_NO_AUTOEN */
		v->window = jiffies;
		spin_lock_init(&v->lock);
		INIT_DELAYED_WORK(&v->rearm, siv_vector_rearm);
		snprintf(v->name, sizeof(v->name), "sivshmem-%s-%u",
			 pci_name(p->pdev), i);
		err = request_irq(v->irq, siv_vector_fired, IRQF_NO_AUTOEN,
				  v->name, v);
		if (err)
			break;
		p->vectors++;
	}
	if (!p->vectors) {
		pci_free_irq_vectors(p->pdev);
		return err;
	}
	if (p->vectors < wanted)
		dev_info(&p->pdev->dev, "%u of %u vectors\n", p->vectors,
			 wanted);
	return 0;
}

/* --------------------------------------------------------------- operations */

static void siv_pci_bell(struct siv_device *dev, u32 peer, u16 vector)
{
	struct siv_pci *p = dev->hw_priv;

	/* what was written to the region is there before the doorbell: writel() */
	writel(peer << 16 | vector, p->regs + SIV_REG_DOORBELL);
}

/*
 * Root can move or switch off a BAR under a bound driver; reads then give zeros or ones.
 * The registers and config space say so, and no other VM can forge them (it could zero
 * the region's magic).
 */
static bool siv_pci_alive(struct siv_device *dev)
{
	struct siv_pci *p = dev->hw_priv;
	u32 pos = readl(p->regs + SIV_REG_IVPOSITION);
	u32 bar2[2];
	u16 command;

	if (pos != dev->peer)
		return false;
	if (pci_read_config_word(p->pdev, PCI_COMMAND, &command) ||
	    pci_read_config_dword(p->pdev, PCI_BASE_ADDRESS_2, &bar2[0]) ||
	    pci_read_config_dword(p->pdev, PCI_BASE_ADDRESS_3, &bar2[1]))
		return false;
	return command != 0xffff && (command & PCI_COMMAND_MEMORY) &&
	       !memcmp(bar2, p->bar2, sizeof(bar2));
}

/* Whoever waits for a device that reads as zeros would wait for ever. */
static void siv_pci_watch(struct work_struct *work)
{
	struct siv_pci *p =
		container_of(to_delayed_work(work), struct siv_pci, watch);

	if (siv_device_check(p->dev))
		dev_err(&p->pdev->dev, "the BARs were moved or switched off\n");
	schedule_delayed_work(&p->watch, msecs_to_jiffies(SIV_WATCH_MS));
}

static const struct siv_hw_ops siv_pci_hw = {
	.bell = siv_pci_bell,
	.vector_set = siv_pci_vector_set,
	.alive = siv_pci_alive,
};

/* ------------------------------------------------------------------- probe */

/* Is @pdev named by the parameter claim= ? */
static bool siv_pci_claimed(const struct pci_dev *pdev)
{
	const char *p = claim;
	size_t n;

	while (p && *p) {
		n = strcspn(p, ",");
		if ((n == 3 && !strncmp(p, "all", 3)) ||
		    (n == strlen(pci_name(pdev)) &&
		     !strncmp(p, pci_name(pdev), n)))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

/* Did memremap(WB) get write-back? x86 firmware makes what lies below 4 GiB uncached. */
static bool siv_pci_is_cached(const void *base)
{
#ifdef CONFIG_X86
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)base, &level);

	return pte && !(pte_flags(*pte) & (_PAGE_PWT | _PAGE_PCD));
#else
	return true;
#endif
}

static int siv_pci_map(struct siv_pci *p)
{
	struct pci_dev *pdev = p->pdev;
	struct siv_device *dev = p->dev;

	p->regs = pci_iomap(pdev, SIV_BAR_REGS, SIV_REGS_LEN);
	if (!p->regs)
		return -ENOMEM;
	dev->phys = pci_resource_start(pdev, SIV_BAR_REGION);
	dev->size = pci_resource_len(pdev, SIV_BAR_REGION);
	dev->base = (void __peer *)memremap(dev->phys, dev->size, MEMREMAP_WB);
	if (!dev->base)
		return -ENOMEM;
	dev->cached = siv_pci_is_cached((void __force *)dev->base);
	if (!dev->cached)
		dev_warn(&pdev->dev,
			 "BAR2 is uncached and slow: place it above 4 GiB\n");
	dev->peer = readl(p->regs + SIV_REG_IVPOSITION);
	pci_read_config_dword(pdev, PCI_BASE_ADDRESS_2, &p->bar2[0]);
	pci_read_config_dword(pdev, PCI_BASE_ADDRESS_3, &p->bar2[1]);
	return 0;
}

static void siv_pci_unmap(struct siv_pci *p)
{
	if (p->dev->base)
		memunmap((void __force *)p->dev->base);
	p->dev->base = NULL;
	if (p->regs)
		pci_iounmap(p->pdev, p->regs);
	p->regs = NULL;
}

/*
 * What can be said without touching the device, for 1af4:1110 has other users too:
 * ivshmem-plain has no MSI-X, and a BAR2 for which there was no room has no length.
 */
static int siv_pci_check(struct pci_dev *pdev, unsigned int *vectors)
{
	int n = pci_msix_vec_count(pdev);

	if (n <= 0) {
		dev_dbg(&pdev->dev,
			"no MSI-X: not an ivshmem-doorbell device\n");
		return -ENODEV;
	}
	if (pci_resource_len(pdev, SIV_BAR_REGS) < SIV_REGS_LEN ||
	    !pci_resource_len(pdev, SIV_BAR_REGION)) {
		dev_err(&pdev->dev, "BAR0 or BAR2 has no address\n");
		return -ENODEV;
	}
	*vectors = min(n, SIV_VECTORS_MAX);
	return 0;
}

static int siv_pci_bind(struct siv_pci *p, unsigned int vectors)
{
	struct pci_dev *pdev = p->pdev;
	struct siv_device *dev = p->dev;
	int err;

	err = siv_pci_map(p);
	if (err)
		goto unmap;
	if (!dev->peer || dev->peer > SIV_PEER_MAX) {
		dev_err(&pdev->dev, "IVPosition %#x is no peer number\n",
			dev->peer);
		err = -ENODEV;
		goto unmap;
	}
	err = siv_pci_vectors_init(p, vectors);
	if (err)
		goto unmap;
	dev->vectors = p->vectors;
	err = siv_device_add(dev, siv_pci_claimed(pdev));
	if (err)
		goto vectors;
	INIT_DEFERRABLE_WORK(&p->watch, siv_pci_watch);
	schedule_delayed_work(&p->watch, msecs_to_jiffies(SIV_WATCH_MS));
	dev_info(&pdev->dev, "region %s, peer %u, %u vectors, %llu bytes\n",
		 *dev->region ? dev->region : "-", dev->peer, dev->vectors,
		 dev->size);
	return 0;
vectors:
	siv_pci_vectors_free(p);
unmap:
	siv_pci_unmap(p);
	return err;
}

static int siv_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	unsigned int vectors;
	struct siv_pci *p;
	int err;

	err = siv_pci_check(pdev, &vectors);
	if (err)
		return err;
	p = kzalloc(struct_size(p, vector, vectors), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	p->pdev = pdev;
	p->dev = siv_device_alloc(&pdev->dev);
	if (!p->dev) {
		err = -ENOMEM;
		goto free;
	}
	p->dev->hw = &siv_pci_hw;
	p->dev->hw_priv = p;
	err = pci_enable_device_mem(pdev);
	if (err)
		goto put;
	err = pci_request_regions_exclusive(pdev, "sivshmem");
	if (err)
		goto disable;
	pci_set_master(pdev); /* MSI-X messages */
	pci_set_drvdata(pdev, p);
	err = siv_pci_bind(p, vectors);
	if (err)
		goto release;
	return 0;
release:
	pci_set_drvdata(pdev, NULL);
	pci_clear_master(pdev);
	pci_release_regions(pdev);
disable:
	pci_disable_device(pdev);
put:
	siv_device_put(p->dev);
free:
	kfree(p);
	return err;
}

static void siv_pci_remove(struct pci_dev *pdev)
{
	struct siv_pci *p = pci_get_drvdata(pdev);

	siv_device_quiesce(p->dev, SIV_R_DEVICE_GONE);
	siv_device_del(p->dev);
	cancel_delayed_work_sync(&p->watch);
	siv_pci_vectors_free(p);
	siv_pci_unmap(p);
	pci_clear_master(pdev);
	pci_release_regions(pdev);
	pci_disable_device(pdev);
	siv_device_put(p->dev);
	kfree(p);
}

/* Reboot and kexec: the next kernel finds a device that nobody of us uses. */
static void siv_pci_shutdown(struct pci_dev *pdev)
{
	struct siv_pci *p = pci_get_drvdata(pdev);

	siv_device_quiesce(p->dev, SIV_R_DEVICE_GONE);
}

static void siv_pci_reset_prepare(struct pci_dev *pdev)
{
	struct siv_pci *p = pci_get_drvdata(pdev);

	siv_device_suspend(p->dev, SIV_R_DEVICE_GONE, true);
}

static void siv_pci_reset_done(struct pci_dev *pdev)
{
	struct siv_pci *p = pci_get_drvdata(pdev);

	if (siv_device_resume(p->dev))
		dev_err(&pdev->dev,
			"the region did not come back after a reset\n");
}

static const struct pci_error_handlers siv_pci_errors = {
	.reset_prepare = siv_pci_reset_prepare,
	.reset_done = siv_pci_reset_done,
};

/* System sleep: main.c's notifier was first, this holds for whoever skips it. */
static int __maybe_unused siv_pci_freeze(struct device *d)
{
	struct siv_pci *p = dev_get_drvdata(d);

	siv_device_suspend(p->dev, SIV_R_EPOCH, true);
	return 0;
}

static int __maybe_unused siv_pci_thaw(struct device *d)
{
	struct siv_pci *p = dev_get_drvdata(d);

	return siv_device_resume(p->dev);
}

static SIMPLE_DEV_PM_OPS(siv_pci_pm, siv_pci_freeze, siv_pci_thaw);

static const struct pci_device_id siv_pci_ids[] = {
	{ PCI_DEVICE(SIV_PCI_VENDOR, SIV_PCI_DEVICE) }, {}
};
MODULE_DEVICE_TABLE(pci, siv_pci_ids);

static struct pci_driver siv_pci_driver = {
	.name = "sivshmem",
	.id_table = siv_pci_ids,
	.probe = siv_pci_probe,
	.remove = siv_pci_remove,
	.shutdown = siv_pci_shutdown,
	.err_handler = &siv_pci_errors,
	.driver = {
		.pm = &siv_pci_pm,
		.suppress_bind_attrs = true,
	},
};

int siv_pci_init(void)
{
	return pci_register_driver(&siv_pci_driver);
}

void siv_pci_exit(void)
{
	pci_unregister_driver(&siv_pci_driver);
}
