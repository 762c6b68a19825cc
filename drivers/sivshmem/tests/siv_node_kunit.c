// SPDX-License-Identifier: GPL-2.0-only
/*
 * node.c: a channel that is open has a device, of its caller's and with its own words for
 * what the channel is; one that is closed, or whose region goes, has none.
 * (tests/qemu/test_nodes.py and test_rights.py open them.)
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "../channel.h"
#include "../node.h"
#include "fake_channel.h"
#include "fault.h"
#include "suites.h"

enum {
	SURELY_MS = 60 * 1000,
};

struct fixture {
	struct siv_fake_lab *lab;
	struct siv_channel *ch;
};

static struct fixture *fix(struct kunit *test)
{
	return test->priv;
}

static int node_init(struct kunit *test)
{
	struct fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, x);
	test->priv = x;
	x->lab = siv_fake_lab_make(test);
	KUNIT_ASSERT_EQ(test, siv_node_init(), 0);
	x->ch = x->lab->ch;
	x->ch->uflags &= ~SIVSHMEM_NO_NODE;
	siv_fake_lab_open(x->lab);
	strscpy(x->ch->service, "camera", sizeof(x->ch->service));
	strscpy(x->ch->region, "lab", sizeof(x->ch->region));
	strscpy(x->ch->peer_vm, "vmb", sizeof(x->ch->peer_vm));
	strscpy(x->ch->peer_service, "viewer", sizeof(x->ch->peer_service));
	return 0;
}

static void node_exit(struct kunit *test)
{
	siv_fake_lab_free(fix(test)->lab);
	siv_node_exit();
}

/* The node's device: its first member. With a reference. */
static struct device *device_of(struct kunit *test, struct siv_channel *ch)
{
	KUNIT_ASSERT_NOT_NULL(test, ch->node);
	return get_device((struct device *)ch->node);
}

/* A work does it. */
static bool becomes(struct device *dev, bool there)
{
	unsigned int ms;

	for (ms = 0; device_is_registered(dev) != there && ms < SURELY_MS; ms++)
		usleep_range(1000, 1500);
	return device_is_registered(dev) == there;
}

static struct device *shown(struct kunit *test)
{
	struct device *dev;

	siv_channel_client->opened(fix(test)->ch);
	dev = device_of(test, fix(test)->ch);
	KUNIT_EXPECT_TRUE(test, becomes(dev, true));
	return dev;
}

static void comes_and_goes(struct kunit *test)
{
	struct siv_channel *ch = fix(test)->ch;
	struct device *dev = shown(test);
	char name[16];

	scnprintf(name, sizeof(name), "sivshmem%u", ch->minor);
	KUNIT_EXPECT_STREQ(test, dev_name(dev), name);
	KUNIT_EXPECT_EQ(test, MINOR(dev->devt), ch->minor);
	siv_channel_client->closed(ch);
	KUNIT_EXPECT_NULL(test, ch->node);
	KUNIT_EXPECT_TRUE(test, becomes(dev, false));
	/* that may be said twice */
	siv_channel_client->closed(ch);
	put_device(dev);
}

static void goes_with_its_file(struct kunit *test)
{
	struct device *dev = shown(test);

	siv_fake_lab_close(fix(test)->lab);
	KUNIT_EXPECT_TRUE(test, becomes(dev, false));
	put_device(dev);
}

/* Somebody whom device_del() has to wait for. */
struct holder {
	struct device *dev;
	struct completion has;
};

static int holds(void *data)
{
	struct holder *holder = data;

	device_lock(holder->dev);
	complete(&holder->has);
	msleep(100);
	device_unlock(holder->dev);
	return 0;
}

static void goes_with_its_region(struct kunit *test)
{
	struct fixture *x = fix(test);
	struct device *dev = shown(test);
	struct holder holder = { .dev = dev };
	struct task_struct *thread;

	init_completion(&holder.has);
	thread = kthread_create(holds, &holder, "siv-holds");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	get_task_struct(thread);
	wake_up_process(thread);
	wait_for_completion(&holder.has);
	siv_device_quiesce(x->lab->hw->dev, SIV_R_DEVICE_GONE);
	/* nobody waits here: it has gone by then */
	KUNIT_EXPECT_FALSE(test, device_is_registered(dev));
	KUNIT_EXPECT_NULL(test, x->ch->node);
	kthread_stop(thread);
	put_task_struct(thread);
	put_device(dev);
}

static void comes_too_late(struct kunit *test, enum siv_channel_flag over)
{
	struct siv_channel *ch = fix(test)->ch;

	set_bit(over, &ch->flags);
	siv_channel_client->opened(ch);
	KUNIT_EXPECT_NULL(test, ch->node);
	clear_bit(over, &ch->flags);
}

static void has_none(struct kunit *test)
{
	struct siv_channel *ch = fix(test)->ch;

	ch->uflags |= SIVSHMEM_NO_NODE;
	siv_channel_client->opened(ch);
	KUNIT_EXPECT_NULL(test, ch->node);
	ch->uflags &= ~SIVSHMEM_NO_NODE;
	/* closed or ended already, by somebody who saw no node */
	comes_too_late(test, SIV_CHANNEL_CLOSED);
	comes_too_late(test, SIV_CHANNEL_TEARDOWN);
	WRITE_ONCE(ch->host->ended, SIV_R_DEVICE_GONE);
	siv_channel_client->opened(ch);
	KUNIT_EXPECT_NULL(test, ch->node);
	WRITE_ONCE(ch->host->ended, SIV_OK);
	/* the descriptor works without */
	siv_fault_arm(1);
	siv_channel_client->opened(ch);
	KUNIT_EXPECT_TRUE(test, siv_fault_disarm());
	KUNIT_EXPECT_NULL(test, ch->node);
	siv_channel_client->closed(ch);
}

/* A number is free again when the last reference has gone, and no sooner. */
static void numbers_are_used_again(struct kunit *test)
{
	struct siv_channel *ch = fix(test)->ch;
	struct device *first = shown(test), *second;
	u32 minor = ch->minor;
	unsigned int i;

	siv_channel_client->closed(ch);
	KUNIT_EXPECT_TRUE(test, becomes(first, false));
	second = shown(test);
	KUNIT_EXPECT_NE(test, ch->minor, minor);
	put_device(first);
	for (i = 0; ch->minor != minor && i < 1000; i++) {
		siv_channel_client->closed(ch);
		KUNIT_EXPECT_TRUE(test, becomes(second, false));
		put_device(second);
		second = shown(test);
	}
	KUNIT_EXPECT_EQ(test, ch->minor, minor);
	put_device(second);
}

/* ----------------------------------------------------------------- what it says */

static const struct {
	const char *name;
	const char *text;
} words[] = {
	{ "state", "open\n" },	   { "service", "camera\n" },
	{ "region", "lab\n" },	   { "peer", "vmb/viewer\n" },
	{ "role", "connector\n" }, { "sealed", "0\n" },
	{ "cid", "7\n" },	   { "tx_records", "0\n" },
	{ "end_reason", "ok\n" },
};

static struct device_attribute *attribute(struct device *dev, const char *name)
{
	struct attribute **a;

	for (a = dev->type->groups[0]->attrs; *a; a++)
		if (!strcmp((*a)->name, name))
			return container_of(*a, struct device_attribute, attr);
	return NULL;
}

static void says(struct kunit *test, struct device *dev, char *page,
		 const char *name, const char *text)
{
	struct device_attribute *a = attribute(dev, name);

	KUNIT_ASSERT_NOT_NULL_MSG(test, a, "%s", name);
	KUNIT_EXPECT_EQ_MSG(test, a->show(dev, a, page), strlen(text), "%s",
			    name);
	KUNIT_EXPECT_STREQ(test, page, text);
	/* nobody writes it, and everybody may read it */
	KUNIT_EXPECT_EQ_MSG(test, a->attr.mode, 0444, "%s", name);
}

static void says_what_it_is(struct kunit *test)
{
	struct siv_channel *ch = fix(test)->ch;
	char *page = (char *)get_zeroed_page(GFP_KERNEL);
	struct device *dev = shown(test);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		says(test, dev, page, words[i].name, words[i].text);
	ch->a = false;
	says(test, dev, page, "role", "listener\n");
	siv_channel_end(ch, SIV_R_REVOKED, true);
	siv_fake_lab_settle(fix(test)->lab);
	says(test, dev, page, "state", "ended\n");
	says(test, dev, page, "end_reason", "revoked\n");
	put_device(dev);
	free_page((unsigned long)page);
}

static void is_its_callers(struct kunit *test)
{
	struct siv_channel *ch = fix(test)->ch;
	struct device *dev;
	kuid_t uid = GLOBAL_ROOT_UID;
	kgid_t gid = GLOBAL_ROOT_GID;
	umode_t mode = 0;

	ch->uid = KUIDT_INIT(1234);
	dev = shown(test);
	KUNIT_EXPECT_NULL(test, dev->type->devnode(dev, &mode, &uid, &gid));
	KUNIT_EXPECT_EQ(test, mode, 0600);
	KUNIT_EXPECT_EQ(test, uid.val, 1234);
	KUNIT_EXPECT_EQ(test, gid.val, 0);
	KUNIT_EXPECT_NULL(test, dev->type->devnode(dev, NULL, NULL, NULL));
	put_device(dev);
}

static void udev_is_told(struct kunit *test)
{
	static const char *const vars[] = { "SIVSHMEM_SERVICE=camera",
					    "SIVSHMEM_REGION=lab",
					    "SIVSHMEM_PEER_VM=vmb",
					    "SIVSHMEM_ROLE=connector" };
	struct kobj_uevent_env *env =
		kunit_kzalloc(test, sizeof(*env), GFP_KERNEL);
	struct device *dev = shown(test);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, env);
	KUNIT_EXPECT_EQ(test, dev->type->uevent(dev, env), 0);
	KUNIT_EXPECT_EQ(test, env->envp_idx, ARRAY_SIZE(vars));
	for (i = 0; i < ARRAY_SIZE(vars) && i < env->envp_idx; i++)
		KUNIT_EXPECT_STREQ(test, env->envp[i], vars[i]);
	put_device(dev);
}

static struct kunit_case siv_node_cases[] = {
	KUNIT_CASE(comes_and_goes),
	KUNIT_CASE(goes_with_its_file),
	KUNIT_CASE(goes_with_its_region),
	KUNIT_CASE(has_none),
	KUNIT_CASE(numbers_are_used_again),
	KUNIT_CASE(says_what_it_is),
	KUNIT_CASE(is_its_callers),
	KUNIT_CASE(udev_is_told),
	{},
};

struct kunit_suite siv_node_suite = {
	.name = "siv_node",
	.init = node_init,
	.exit = node_exit,
	.test_cases = siv_node_cases,
};
