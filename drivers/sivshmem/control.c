// SPDX-License-Identifier: GPL-2.0-only
/* /dev/sivshmem-control: CONNECT, LISTEN, REGION_INFO, VERSION. The key decides. */
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "abi.h"
#include "channel.h"
#include "control.h"
#include "event.h"
#include "ioctl.h"
#include "listener.h"
#include "posture.h"

enum {
	SIV_RING_DEFAULT = 65536,
};

#define SIV_CONNECT_FLAGS                                             \
	(SIVSHMEM_SEALED | SIVSHMEM_NONBLOCK | SIVSHMEM_NODE_SHARED | \
	 SIVSHMEM_NO_NODE)
#define SIV_LISTEN_FLAGS \
	(SIVSHMEM_SEALED | SIVSHMEM_NODE_SHARED | SIVSHMEM_NO_NODE)

static int siv_control_timeout(u32 ms)
{
	if (ms > SIV_TIMEOUT_MAX_MS)
		return -EINVAL;
	return ms ?: SIV_TIMEOUT_DEFAULT_MS;
}

/* A name of the argument, NUL-terminated; empty only if @may. */
static int siv_control_name(const u8 field[SIVSHMEM_NAME_LEN], bool may,
			    char out[SIVSHMEM_NAME_LEN])
{
	struct siv_span name;

	if (!siv_name_get(field, &name) || (!name.n && !may))
		return -EINVAL;
	memset(out, 0, SIVSHMEM_NAME_LEN);
	memcpy(out, name.p, name.n);
	return 0;
}

/* ------------------------------------------------------------------- the caller */

/* Who calls what, and where: what CONNECT and LISTEN have in common. */
struct siv_caller {
	enum siv_event_place at;
	struct siv_identity *id;
	struct siv_identity_cert *cert;
	struct siv_host *host;
	struct siv_talk *talk;
};

static void siv_caller_put(struct siv_caller *c)
{
	if (c->talk)
		siv_talk_unuse(c->talk);
	if (c->host)
		siv_host_put(c->host);
	if (c->cert)
		siv_identity_cert_put(c->cert);
	if (c->id)
		siv_identity_put(c->id);
}

/* The device of the identity's region; one that was claimed in spite of its header. */
static struct siv_device *siv_caller_device(const char *region)
{
	struct siv_device *dev = siv_device_find_region(region);
	unsigned int i = 0;

	if (dev)
		return dev;
	while ((dev = siv_device_find_next(i))) {
		if (!dev->geo.region_size)
			return dev;
		i = dev->index + 1;
		siv_device_put(dev);
	}
	return NULL;
}

static int siv_caller_host(struct siv_caller *c, const char *region)
{
	const struct siv_cert *cert = &c->cert->cert;
	char own[SIVSHMEM_NAME_LEN] = {};
	struct siv_device *dev;
	int err = 0;

	memcpy(own, cert->region.p,
	       min_t(size_t, cert->region.n, sizeof(own) - 1));
	if (*region && strcmp(region, own))
		return siv_refused(NULL, c->at, SIV_R_CERT_REGION, 0);
	dev = siv_caller_device(own);
	if (!dev)
		return siv_refused(NULL, c->at, SIV_R_DEVICE_GONE, 0);
	if (!dev->geo.region_size)
		err = siv_refused(dev, c->at, SIV_R_HEADER, 0);
	else
		c->host = siv_host_of(dev);
	if (!err && !c->host)
		err = siv_refused(dev, c->at, SIV_R_DEVICE_GONE, 0);
	siv_device_put(dev);
	return err;
}

static int siv_caller_talk(struct siv_caller *c, s32 key, const char *region)
{
	struct siv_identity *id;
	struct siv_talk *talk;
	int err;

	id = siv_identity_lookup(key, &c->cert);
	if (IS_ERR(id)) {
		c->cert = NULL;
		err = PTR_ERR(id);
		if (err == -EINTR)
			return err;
		return siv_refused(NULL, c->at, siv_identity_why(err), 0);
	}
	c->id = id;
	err = siv_caller_host(c, region);
	if (err)
		return err;
	talk = siv_talk_use(c->host, c->id, c->cert);
	if (IS_ERR(talk)) {
		err = PTR_ERR(talk);
		if (err == -ESTALE || err == -ENOMEM)
			return err;
		return siv_refused(c->host->dev, c->at,
				   err == -ENODEV ? SIV_R_DEVICE_GONE :
						    siv_identity_why(err),
				   0);
	}
	c->talk = talk;
	return 0;
}

/* Keys are looked up before any lock is taken, and nothing is upcalled. */
static int siv_caller_get(struct siv_caller *c, s32 key, const char *region)
{
	int err;

	/* a key made before the generator is ready would be guessed */
	if (wait_for_random_bytes())
		return -EINTR;
	err = siv_caller_talk(c, key, region);
	if (err == -ESTALE) {
		/* the certificate was replaced under our eyes: once more */
		siv_caller_put(c);
		*c = (struct siv_caller){ .at = c->at };
		err = siv_caller_talk(c, key, region);
	}
	return err;
}

/* --------------------------------------------------------------------- CONNECT */

static int siv_connect_size(const struct siv_device *dev, u64 *size)
{
	const struct siv_geometry *geo = &dev->geo;

	if (!*size)
		*size = max_t(u64, SIV_RING_DEFAULT, geo->granule);
	if (!siv_is_pow2(*size) || *size < geo->granule ||
	    *size < geo->ring_min || *size > geo->ring_max)
		return siv_refused(dev, SIV_AT_CONNECT, SIV_R_SIZE, 0);
	return 0;
}

static int siv_connect_suite(const struct siv_device *dev, u32 *suite)
{
	if (*suite == SIVSHMEM_SUITE_DEFAULT)
		*suite = SIVSHMEM_SUITE_CHACHAPOLY;
	if (*suite > SIVSHMEM_SUITE_AESGCM || !(dev->geo.suites & BIT(*suite)))
		return siv_refused(dev, SIV_AT_CONNECT, SIV_R_SUITE, 0);
	return 0;
}

/* A channel and its file, and the handshake begun. */
static struct file *siv_connect_begin(struct siv_caller *c,
				      struct sivshmem_connect *a,
				      struct siv_connect_ask *ask)
{
	const struct siv_device *dev = c->host->dev;
	unsigned int flags = a->flags & SIVSHMEM_NONBLOCK ? O_NONBLOCK : 0;
	struct siv_channel *ch;
	enum siv_reason r;
	struct file *file;
	int err;

	err = siv_connect_size(dev, &ask->ring_tx);
	err = err ?: siv_connect_size(dev, &ask->ring_rx);
	err = err ?: siv_connect_suite(dev, &a->suite);
	if (err)
		return ERR_PTR(err);
	r = siv_channel_alloc(c->talk, true, a->flags, a->suite, &ch);
	if (r != SIV_OK)
		return ERR_PTR(siv_refused(dev, c->at, r, 0));
	file = siv_channel_file(ch, flags);
	if (IS_ERR(file))
		siv_channel_end(ch, SIV_R_PEER_CLOSED, false);
	else
		siv_channel_connect(ch, ask, a->timeout_ms);
	siv_channel_put(ch);
	return file;
}

static long siv_connect_run(struct sivshmem_connect *a,
			    struct siv_connect_ask *ask, const char *region)
{
	struct siv_caller c = { .at = SIV_AT_CONNECT };
	struct file *file;
	int fd, err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = siv_caller_get(&c, a->key, region);
	if (err)
		goto put_fd;
	file = siv_connect_begin(&c, a, ask);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto put_fd;
	if (!(a->flags & SIVSHMEM_NONBLOCK))
		err = siv_channel_connect_wait(file->private_data,
					       a->timeout_ms);
	if (err) {
		fput(file);
		goto put_fd;
	}
	siv_caller_put(&c);
	fd_install(fd, file);
	return fd;

put_fd:
	siv_caller_put(&c);
	put_unused_fd(fd);
	return err;
}

static long siv_control_connect(struct file *file, union siv_ioctl_arg *arg)
{
	struct sivshmem_connect *a = &arg->connect;
	struct siv_connect_ask ask = { .ring_tx = a->ring_tx,
				       .ring_rx = a->ring_rx };
	char service[SIVSHMEM_NAME_LEN], vm[SIVSHMEM_NAME_LEN],
		region[SIVSHMEM_NAME_LEN];
	int timeout = siv_control_timeout(a->timeout_ms);

	if (a->flags & ~SIV_CONNECT_FLAGS)
		return siv_refused(NULL, SIV_AT_CONNECT, SIV_R_UNSUPPORTED, 0);
	if (timeout < 0 || a->reserved ||
	    siv_control_name(a->service, false, service) ||
	    siv_control_name(a->vm, true, vm) ||
	    siv_control_name(a->region, true, region))
		return siv_refused(NULL, SIV_AT_CONNECT, SIV_R_ARGUMENT, 0);
	a->timeout_ms = timeout;
	ask.service = service;
	ask.vm = vm;
	return siv_connect_run(a, &ask, region);
}

/* ---------------------------------------------------------------------- LISTEN */

/* The list of callers, from user space. */
static char *siv_listen_allow(const struct sivshmem_listen *a)
{
	char *allow;

	if (!a->allow_len)
		return NULL;
	if (a->allow_len > SIV_ALLOW_MAX)
		return ERR_PTR(-EINVAL);
	allow = vmemdup_user(u64_to_user_ptr(a->allow), a->allow_len);
	if (!IS_ERR(allow) && !siv_allow_check(allow, a->allow_len)) {
		kvfree(allow);
		return ERR_PTR(-EINVAL);
	}
	return allow;
}

static long siv_listen_run(const struct sivshmem_listen *a, const char *region,
			   char *allow)
{
	struct siv_caller c = { .at = SIV_AT_LISTEN };
	struct file *made;
	int fd, err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		kvfree(allow);
		return fd;
	}
	err = siv_caller_get(&c, a->key, region);
	if (err) {
		kvfree(allow);
	} else {
		made = siv_listener_new(c.talk, a, allow, a->timeout_ms);
		err = PTR_ERR_OR_ZERO(made);
	}
	siv_caller_put(&c);
	if (err) {
		put_unused_fd(fd);
		return err;
	}
	fd_install(fd, made);
	return fd;
}

static long siv_control_listen(struct file *file, union siv_ioctl_arg *arg)
{
	struct sivshmem_listen *a = &arg->listen;
	int timeout = siv_control_timeout(a->timeout_ms);
	char region[SIVSHMEM_NAME_LEN];
	char *allow;

	if (a->flags & ~SIV_LISTEN_FLAGS)
		return siv_refused(NULL, SIV_AT_LISTEN, SIV_R_UNSUPPORTED, 0);
	if (timeout < 0 || !a->backlog || a->backlog > SIV_BACKLOG_MAX ||
	    siv_control_name(a->region, true, region))
		return siv_refused(NULL, SIV_AT_LISTEN, SIV_R_ARGUMENT, 0);
	a->timeout_ms = timeout;
	allow = siv_listen_allow(a);
	if (allow == ERR_PTR(-EINVAL))
		return siv_refused(NULL, SIV_AT_LISTEN, SIV_R_ARGUMENT, 0);
	if (IS_ERR(allow))
		return PTR_ERR(allow);
	return siv_listen_run(a, region, allow);
}

/* ----------------------------------------------------------------- REGION_INFO */

static void siv_region_count(struct siv_host *host,
			     struct sivshmem_region_info *i)
{
	struct siv_channel *ch;
	struct siv_talk *talk;

	mutex_lock(&host->lock);
	i->vectors = host->vectors;
	list_for_each_entry(talk, &host->talks, link)
		if (talk->state == SIV_TALK_LIVE)
			i->sessions++;
	list_for_each_entry(ch, &host->channels, link)
		if (siv_channel_state(ch) != SIVSHMEM_ENDED)
			i->channels++;
	mutex_unlock(&host->lock);
}

static void siv_region_fill(struct siv_device *dev,
			    struct sivshmem_region_info *i)
{
	const struct siv_geometry *geo = &dev->geo;
	struct siv_host *host = siv_host_of(dev);

	if (geo->flags & SIV_REGION_ISOLATED)
		i->flags |= SIVSHMEM_REGION_ISOLATED;
	if (dev->cached)
		i->flags |= SIVSHMEM_REGION_CACHED;
	i->peer = dev->peer;
	i->granule = geo->granule;
	i->suites = geo->suites;
	i->posture = siv_posture(dev->cached);
	i->region_size = geo->region_size;
	i->ring_min = geo->ring_min;
	i->ring_max = geo->ring_max;
	i->sealed_max = geo->sealed_max;
	i->fallback_ms = siv_fallback_ms;
	memcpy(i->epoch, dev->epoch, sizeof(i->epoch));
	memcpy(i->region, dev->region, sizeof(i->region));
	memcpy(i->bus_id, dev->bus_id, sizeof(i->bus_id));
	if (host) {
		siv_region_count(host, i);
		siv_host_put(host);
	}
}

static long siv_control_region(struct file *file, union siv_ioctl_arg *arg)
{
	struct sivshmem_region_info *i = &arg->region;
	u32 size = i->size, index = i->index;
	struct siv_device *dev;

	if (i->flags)
		return siv_refused(NULL, SIV_AT_INFO, SIV_R_UNSUPPORTED, 0);
	/* indices may have gaps: the next one that exists is told */
	dev = siv_device_find_next(index);
	if (!dev)
		return -ENODEV;
	memset(i, 0, sizeof(*i));
	i->size = size;
	i->index = dev->index;
	siv_region_fill(dev, i);
	siv_device_put(dev);
	return 0;
}

static long siv_control_version(struct file *file, union siv_ioctl_arg *arg)
{
	return SIVSHMEM_ABI_VERSION;
}

static const struct siv_ioctl siv_control_ioctls[] = {
	SIV_IOCTL_NONE(SIVSHMEM_VERSION, siv_control_version),
	SIV_IOCTL(SIVSHMEM_CONNECT, CONNECT, struct sivshmem_connect, region,
		  false, siv_control_connect),
	SIV_IOCTL(SIVSHMEM_LISTEN, LISTEN, struct sivshmem_listen, region,
		  false, siv_control_listen),
	SIV_IOCTL(SIVSHMEM_REGION_INFO, INFO, struct sivshmem_region_info,
		  bus_id, true, siv_control_region),
};

static long siv_control_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	return siv_ioctl(siv_control_ioctls, ARRAY_SIZE(siv_control_ioctls),
			 file, cmd, arg);
}

static const struct file_operations siv_control_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = siv_control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* ---------------------------------------------------------------- the counters */

static ssize_t refusals_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	enum siv_reason r;
	int n = 0;

	for (r = SIV_OK + 1; r < SIV_R_COUNT; r++)
		if (siv_event_count(r))
			n += sysfs_emit_at(buf, n, "%s %llu\n",
					   siv_reason_name(r),
					   siv_event_count(r));
	return n;
}
static DEVICE_ATTR_RO(refusals);

static struct attribute *siv_control_attrs[] = {
	&dev_attr_refusals.attr,
	NULL,
};
ATTRIBUTE_GROUPS(siv_control);

static struct miscdevice siv_control = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "sivshmem-control",
	.fops = &siv_control_fops,
	.groups = siv_control_groups,
	.mode = 0660,
};

int siv_control_init(void)
{
	return misc_register(&siv_control);
}

void siv_control_exit(void)
{
	misc_deregister(&siv_control);
}
