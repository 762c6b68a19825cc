// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes: /dev/sivshmemN. A node is a device of its own; it is added and taken away
 * on one ordered workqueue, for device_add() waits for devtmpfs. Its memory lives as long
 * as the device model or an open() needs it.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "channel.h"
#include "compat.h"
#include "event.h"
#include "node.h"

enum {
	SIV_NODES = 4096, /* minors */
};

/* Bits of struct siv_node's flags. */
enum {
	SIV_NODE_DEL = 0, /* it is to go */
	SIV_NODE_GONE,	  /* it has gone */
};

/**
 * struct siv_node - /dev/sivshmemN
 * @dev: the device; one reference of the channel's until it is taken away
 * @cdev: the character device
 * @ch: with a reference
 * @minor: N
 * @opens: files opened through it
 * @flags: SIV_NODE_*
 * @link: in the list of nodes that are to be there
 * @added: it is there; the workqueue's alone
 * @work: makes it so
 */
struct siv_node {
	struct device dev;
	struct cdev cdev;
	struct siv_channel *ch;
	int minor;
	atomic_t opens;
	unsigned long flags;
	struct list_head link;
	bool added;
	struct work_struct work;
};

static LIST_HEAD(siv_nodes);
/* A leaf: protects the list, and each channel's @node. */
static DEFINE_SPINLOCK(siv_nodes_lock);
static DEFINE_IDA(siv_node_minors);
static struct workqueue_struct *siv_node_wq;
static dev_t siv_node_devt;
static struct class siv_node_class = { .name = "sivshmem" };

static struct siv_node *siv_node_of(const struct device *dev)
{
	return container_of(dev, struct siv_node, dev);
}

/* ------------------------------------------------------- files through the node */

static int siv_node_refused(const struct siv_channel *ch, enum siv_reason why)
{
	return siv_refused(ch->host->dev, SIV_AT_OPEN, why, ch->cid);
}

/* May this caller open it now? With the window open on success. */
static int siv_node_admit(struct siv_node *node)
{
	struct siv_channel *ch = node->ch;
	bool shared = ch->uflags & SIVSHMEM_NODE_SHARED;
	int err;

	if (siv_channel_state(ch) == SIVSHMEM_ENDED)
		return siv_node_refused(ch, siv_channel_why(ch));
	if (!shared) {
		/* the node's mode is not enough: the key decides, as in CONNECT */
		err = siv_identity_may_search(ch->talk->id);
		if (err == -EINTR)
			return err;
		if (err)
			return siv_node_refused(ch, siv_identity_why(err));
	}
	err = siv_windows_open(&ch->windows);
	/* its last file was closed: the node is about to go */
	if (err == -ENODEV)
		return siv_node_refused(ch, SIV_R_DEVICE_GONE);
	if (err)
		return err;
	if (atomic_inc_return(&node->opens) == 1 || shared)
		return 0;
	atomic_dec(&node->opens);
	siv_channel_file_close(ch);
	return siv_node_refused(ch, SIV_R_MODE);
}

static int siv_node_open(struct inode *inode, struct file *file)
{
	struct siv_node *node =
		container_of(inode->i_cdev, struct siv_node, cdev);
	int err;

	err = siv_node_admit(node);
	if (err)
		return err;
	siv_windows_adopt(&node->ch->windows, file);
	siv_channel_file_setup(node->ch, file);
	return 0;
}

static int siv_node_release(struct inode *inode, struct file *file)
{
	struct siv_node *node =
		container_of(inode->i_cdev, struct siv_node, cdev);

	atomic_dec(&node->opens);
	return siv_channel_release(inode, file);
}

static const struct file_operations siv_node_fops = {
	.owner = THIS_MODULE,
	.open = siv_node_open,
	.release = siv_node_release,
	.read_iter = siv_channel_read_iter,
	.write_iter = siv_channel_write_iter,
	.poll = siv_channel_poll,
	.mmap = siv_channel_mmap,
	.unlocked_ioctl = siv_channel_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* ----------------------------------------------------------------------- sysfs */

#define SIV_NODE_ATTR(name_, format_, ...)                                    \
	static ssize_t name_##_show(struct device *dev,                       \
				    struct device_attribute *attr, char *buf) \
	{                                                                     \
		struct siv_channel *ch = siv_node_of(dev)->ch;                \
                                                                              \
		return sysfs_emit(buf, format_ "\n", __VA_ARGS__);            \
	}                                                                     \
	static DEVICE_ATTR_RO(name_)

static const char *siv_node_state(const struct siv_channel *ch)
{
	static const char *const names[] = { "connecting", "open", "closing",
					     "ended" };

	return names[min_t(u32, siv_channel_state(ch), SIVSHMEM_ENDED)];
}

SIV_NODE_ATTR(state, "%s", siv_node_state(ch));
SIV_NODE_ATTR(service, "%s", ch->service);
SIV_NODE_ATTR(region, "%s", ch->region);
SIV_NODE_ATTR(peer, "%s/%s", ch->peer_vm, ch->peer_service);
SIV_NODE_ATTR(role, "%s", ch->a ? "connector" : "listener");
SIV_NODE_ATTR(sealed, "%d", siv_channel_sealed(ch));
SIV_NODE_ATTR(cid, "%llu", ch->cid);
SIV_NODE_ATTR(ring_tx, "%llu", ch->tx.ring.size);
SIV_NODE_ATTR(ring_rx, "%llu", ch->rx.ring.size);
SIV_NODE_ATTR(max_record, "%llu", ch->max_record);
SIV_NODE_ATTR(tx_records, "%llu", READ_ONCE(ch->tx.records));
SIV_NODE_ATTR(tx_bytes, "%llu", READ_ONCE(ch->tx.bytes));
SIV_NODE_ATTR(rx_records, "%llu", READ_ONCE(ch->rx.records));
SIV_NODE_ATTR(rx_bytes, "%llu", READ_ONCE(ch->rx.bytes));
SIV_NODE_ATTR(bells_sent, "%llu", READ_ONCE(ch->bells_sent));
SIV_NODE_ATTR(end_reason, "%s", siv_reason_name(READ_ONCE(ch->why)));

static struct attribute *siv_node_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_service.attr,
	&dev_attr_region.attr,
	&dev_attr_peer.attr,
	&dev_attr_role.attr,
	&dev_attr_sealed.attr,
	&dev_attr_cid.attr,
	&dev_attr_ring_tx.attr,
	&dev_attr_ring_rx.attr,
	&dev_attr_max_record.attr,
	&dev_attr_tx_records.attr,
	&dev_attr_tx_bytes.attr,
	&dev_attr_rx_records.attr,
	&dev_attr_rx_bytes.attr,
	&dev_attr_bells_sent.attr,
	&dev_attr_end_reason.attr,
	NULL,
};
ATTRIBUTE_GROUPS(siv_node);

/* ---------------------------------------------------------------- device model */

/* For udev's links by service: of the connecting side, where it names one channel. */
static int siv_node_uevent(SIV_DEVNODE_CONST struct device *dev,
			   struct kobj_uevent_env *env)
{
	const struct siv_channel *ch = siv_node_of(dev)->ch;
	int err;

	err = add_uevent_var(env, "SIVSHMEM_SERVICE=%s", ch->service);
	err = err ?: add_uevent_var(env, "SIVSHMEM_REGION=%s", ch->region);
	err = err ?: add_uevent_var(env, "SIVSHMEM_PEER_VM=%s", ch->peer_vm);
	return err   ?:
		       add_uevent_var(env, "SIVSHMEM_ROLE=%s",
				      ch->a ? "connector" : "listener");
}

static char *siv_node_devnode(SIV_DEVNODE_CONST struct device *dev,
			      umode_t *mode, kuid_t *uid, kgid_t *gid)
{
	/* asked without them when the node goes */
	if (mode)
		*mode = 0600;
	if (uid)
		*uid = siv_node_of(dev)->ch->uid;
	return NULL;
}

static void siv_node_dev_release(struct device *dev)
{
	struct siv_node *node = siv_node_of(dev);

	ida_free(&siv_node_minors, node->minor);
	siv_channel_put(node->ch);
	kfree(node);
}

static const struct device_type siv_node_type = {
	.name = "sivshmem",
	.groups = siv_node_groups,
	.uevent = siv_node_uevent,
	.devnode = siv_node_devnode,
	.release = siv_node_dev_release,
};

/* Ordered: adding and taking away of all nodes, one after the other. */
static void siv_node_work(struct work_struct *work)
{
	struct siv_node *node = container_of(work, struct siv_node, work);

	if (!test_bit(SIV_NODE_DEL, &node->flags)) {
		node->added = !cdev_device_add(&node->cdev, &node->dev);
	} else if (!test_and_set_bit(SIV_NODE_GONE, &node->flags)) {
		if (node->added)
			cdev_device_del(&node->cdev, &node->dev);
	}
	put_device(&node->dev); /* the work's */
}

static void siv_node_queue(struct siv_node *node)
{
	get_device(&node->dev);
	if (!queue_work(siv_node_wq, &node->work))
		put_device(&node->dev);
}

static struct siv_node *siv_node_alloc(struct siv_channel *ch)
{
	struct siv_node *node = kzalloc(sizeof(*node), GFP_KERNEL);

	if (!node)
		return NULL;
	node->minor =
		ida_alloc_max(&siv_node_minors, SIV_NODES - 1, GFP_KERNEL);
	if (node->minor < 0) {
		kfree(node);
		return NULL;
	}
	INIT_WORK(&node->work, siv_node_work);
	siv_channel_get(ch);
	node->ch = ch;
	device_initialize(&node->dev);
	node->dev.type = &siv_node_type;
	node->dev.class = &siv_node_class;
	node->dev.parent = ch->host->dev->parent;
	node->dev.devt = MKDEV(MAJOR(siv_node_devt), node->minor);
	cdev_init(&node->cdev, &siv_node_fops);
	node->cdev.owner = THIS_MODULE;
	if (dev_set_name(&node->dev, "sivshmem%d", node->minor)) {
		put_device(&node->dev);
		return NULL;
	}
	return node;
}

static void siv_node_del(struct siv_channel *ch)
{
	struct siv_node *node;

	spin_lock(&siv_nodes_lock);
	node = ch->node;
	ch->node = NULL;
	if (node)
		list_del(&node->link);
	spin_unlock(&siv_nodes_lock);
	if (!node)
		return;
	/* a work that is under way may do it before the one queued here */
	set_bit(SIV_NODE_DEL, &node->flags);
	siv_node_queue(node);
	put_device(&node->dev); /* the channel's */
}

static void siv_node_add(struct siv_channel *ch)
{
	struct siv_node *node;

	if (ch->uflags & SIVSHMEM_NO_NODE)
		return;
	node = siv_node_alloc(ch);
	if (!node)
		return; /* the descriptor works without */
	WRITE_ONCE(ch->minor, node->minor);
	get_device(&node->dev);
	/* who ends the channel sees the node, or we see the end */
	spin_lock(&siv_nodes_lock);
	list_add_tail(&node->link, &siv_nodes);
	ch->node = node;
	spin_unlock(&siv_nodes_lock);
	if (test_bit(SIV_CHANNEL_CLOSED, &ch->flags) ||
	    test_bit(SIV_CHANNEL_TEARDOWN, &ch->flags) ||
	    READ_ONCE(ch->host->ended) != SIV_OK)
		siv_node_del(ch);
	else
		siv_node_queue(node);
	put_device(&node->dev);
}

/* A channel of @host that has a node, with a reference. */
static struct siv_channel *siv_node_first(struct siv_host *host)
{
	struct siv_channel *ch = NULL;
	struct siv_node *node;

	spin_lock(&siv_nodes_lock);
	list_for_each_entry(node, &siv_nodes, link) {
		if (node->ch->host != host)
			continue;
		ch = node->ch;
		siv_channel_get(ch);
		break;
	}
	spin_unlock(&siv_nodes_lock);
	return ch;
}

/* Those whose channel has ended but is still open have no place in any other table. */
static void siv_node_gone(struct siv_host *host)
{
	struct siv_channel *ch;

	while ((ch = siv_node_first(host))) {
		siv_node_del(ch);
		siv_channel_put(ch);
	}
	flush_workqueue(siv_node_wq);
}

static const struct siv_channel_client siv_node_client = {
	.opened = siv_node_add,
	.closed = siv_node_del,
	.gone = siv_node_gone,
};

int siv_node_init(void)
{
	int err;

	err = alloc_chrdev_region(&siv_node_devt, 0, SIV_NODES, "sivshmem");
	if (err)
		return err;
	err = class_register(&siv_node_class);
	if (err)
		goto unregister;
	siv_node_wq = alloc_ordered_workqueue("sivshmem-node", 0);
	if (siv_node_wq) {
		siv_channel_client_set(&siv_node_client);
		return 0;
	}
	err = -ENOMEM;
	class_unregister(&siv_node_class);
unregister:
	unregister_chrdev_region(siv_node_devt, SIV_NODES);
	return err;
}

void siv_node_exit(void)
{
	destroy_workqueue(siv_node_wq);
	class_unregister(&siv_node_class);
	unregister_chrdev_region(siv_node_devt, SIV_NODES);
	ida_destroy(&siv_node_minors);
}
