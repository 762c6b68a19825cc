// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole of an ivshmem device for user space, by UIO: for tests only.
 *
 * Tests bind it in the place of sivshmem to see, as a hostile kernel would,
 * all of a region, and benchmarks bind it as the plain ivshmem that sivshmem
 * is compared with. /dev/uioN: mmap at page 0 is BAR0 (the registers), at page
 * 1 BAR2 (the memory, cached as our driver maps it); read() waits for an
 * interrupt of any vector.
 */
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/uio_driver.h>
#include <linux/version.h>

enum {
	SIVRAW_REGISTERS = 0,
	SIVRAW_MEMORY = 1,
	SIVRAW_VECTORS = 32,
};

struct sivraw {
	struct uio_info info;
	int vectors;
};

static irqreturn_t sivraw_fired(int irq, void *data)
{
	uio_event_notify(data);
	return IRQ_HANDLED;
}

/* The first frame of a mapping of so many bytes at a page of /dev/uioN, 0 if none. */
static unsigned long sivraw_frame(struct uio_info *info, unsigned long page,
				  unsigned long size, pgprot_t *prot)
{
	struct uio_mem *mem;

	if (page > SIVRAW_MEMORY)
		return 0;
	mem = &info->mem[page];
	if (size > PAGE_ALIGN(mem->size))
		return 0;
	if (page == SIVRAW_REGISTERS)
		*prot = pgprot_noncached(*prot);
	return mem->addr >> PAGE_SHIFT;
}

/* By 7.2, UIO's drivers say what they want mapped before there is a vma. */
#if KERNEL_VERSION(7, 2, 0) <= LINUX_VERSION_CODE
static int sivraw_mmap(struct uio_info *info, struct vm_area_desc *desc)
{
	unsigned long frame = sivraw_frame(
		info, desc->pgoff, vma_desc_size(desc), &desc->page_prot);

	if (!frame)
		return -EINVAL;
	mmap_action_remap_full(desc, frame);
	return 0;
}
#define SIVRAW_MMAP .mmap_prepare = sivraw_mmap
#else
static int sivraw_mmap(struct uio_info *info, struct vm_area_struct *vma)
{
	unsigned long size = vma->vm_end - vma->vm_start;
	unsigned long frame =
		sivraw_frame(info, vma->vm_pgoff, size, &vma->vm_page_prot);

	if (!frame)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, frame, size,
			       vma->vm_page_prot);
}
#define SIVRAW_MMAP .mmap = sivraw_mmap
#endif

static void sivraw_bar(struct pci_dev *pdev, struct uio_mem *mem, int bar,
		       const char *name)
{
	mem->name = name;
	mem->addr = pci_resource_start(pdev, bar);
	mem->size = pci_resource_len(pdev, bar);
	mem->memtype = UIO_MEM_PHYS;
}

static int sivraw_irqs(struct pci_dev *pdev, struct sivraw *raw)
{
	int i, err;

	raw->vectors =
		pci_alloc_irq_vectors(pdev, 1, SIVRAW_VECTORS, PCI_IRQ_MSIX);
	if (raw->vectors < 0)
		return raw->vectors;
	for (i = 0; i < raw->vectors; i++) {
		err = request_irq(pci_irq_vector(pdev, i), sivraw_fired, 0,
				  "sivraw", &raw->info);
		if (err)
			goto undo;
	}
	return 0;

undo:
	while (i--)
		free_irq(pci_irq_vector(pdev, i), &raw->info);
	pci_free_irq_vectors(pdev);
	return err;
}

static void sivraw_irqs_free(struct pci_dev *pdev, struct sivraw *raw)
{
	int i;

	for (i = 0; i < raw->vectors; i++)
		free_irq(pci_irq_vector(pdev, i), &raw->info);
	pci_free_irq_vectors(pdev);
}

static int sivraw_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct sivraw *raw;
	int err;

	raw = kzalloc(sizeof(*raw), GFP_KERNEL);
	if (!raw)
		return -ENOMEM;
	err = pci_enable_device(pdev);
	if (err)
		goto free;
	err = pci_request_regions(pdev, "sivraw");
	if (err)
		goto disable;
	pci_set_master(pdev);
	raw->info = (struct uio_info){
		.name = "sivraw",
		.version = "1",
		.irq = UIO_IRQ_CUSTOM,
		SIVRAW_MMAP,
	};
	sivraw_bar(pdev, &raw->info.mem[SIVRAW_REGISTERS], 0, "registers");
	sivraw_bar(pdev, &raw->info.mem[SIVRAW_MEMORY], 2, "memory");
	err = uio_register_device(&pdev->dev, &raw->info);
	if (err)
		goto release;
	err = sivraw_irqs(pdev, raw);
	if (err)
		goto unregister;
	pci_set_drvdata(pdev, raw);
	return 0;

unregister:
	uio_unregister_device(&raw->info);
release:
	pci_release_regions(pdev);
disable:
	pci_disable_device(pdev);
free:
	kfree(raw);
	return err;
}

static void sivraw_remove(struct pci_dev *pdev)
{
	struct sivraw *raw = pci_get_drvdata(pdev);

	sivraw_irqs_free(pdev, raw);
	uio_unregister_device(&raw->info);
	pci_release_regions(pdev);
	pci_disable_device(pdev);
	kfree(raw);
}

static const struct pci_device_id sivraw_ids[] = {
	{ PCI_DEVICE(0x1af4, 0x1110) }, {}
};
MODULE_DEVICE_TABLE(pci, sivraw_ids);

static struct pci_driver sivraw_driver = {
	.name = "sivraw",
	.id_table = sivraw_ids,
	.probe = sivraw_probe,
	.remove = sivraw_remove,
};
module_pci_driver(sivraw_driver);

MODULE_DESCRIPTION("The whole of an ivshmem device for user space (tests)");
MODULE_LICENSE("GPL");
