// SPDX-License-Identifier: GPL-2.0-only
/*
 * A listener's list of callers is taken only if each line is VM/SERVICE, with "*" for any
 * of either, and ends with a newline; a caller is named by it if one line has its VM and
 * its service, whole.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "../listener.h"
#include "suites.h"

#define NAME_63 \
	"a23456789.123456789.123456789.123456789.123456789.123456789.123"

struct list {
	const char *name;
	const char *text;
	bool good;
};

static const struct list lists[] = {
	{ "nothing", "", true },
	{ "one", "vma/user\n", true },
	{ "two", "vma/user\nvmb/camera.front\n", true },
	{ "any service", "vma/*\n", true },
	{ "any VM", "*/user\n", true },
	{ "anybody", "*/*\n", true },
	{ "longest names", NAME_63 "/" NAME_63 "\n", true },
	{ "no newline", "vma/user", false },
	{ "no newline at the end", "vma/user\nvmb/user", false },
	{ "empty line", "\n", false },
	{ "empty line at the end", "vma/user\n\n", false },
	{ "empty line before", "\nvma/user\n", false },
	{ "no slash", "vma\n", false },
	{ "two slashes", "vma/user/x\n", false },
	{ "no VM", "/user\n", false },
	{ "no service", "vma/\n", false },
	{ "slash alone", "/\n", false },
	{ "part of a VM", "vm*/user\n", false },
	{ "part of a service", "vma/us*\n", false },
	{ "two stars", "**/user\n", false },
	{ "capital", "Vma/user\n", false },
	{ "space", "vma/us er\n", false },
	{ "carriage return", "vma/user\r\n", false },
	{ "leading dot", ".host/user\n", false },
	{ "VM too long", NAME_63 "4/user\n", false },
	{ "service too long", "vma/" NAME_63 "4\n", false },
	{ "bad after good", "vma/user\nvmb\n", false },
};

static void list_name(const struct list *list, char *desc)
{
	strscpy(desc, list->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(list, lists, list_name);

/* In memory of its own size: nothing after it is looked at. */
static void is_a_list(struct kunit *test)
{
	const struct list *list = test->param_value;
	size_t n = strlen(list->text);
	char *copy = kunit_kmalloc(test, n ?: 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, list->text, n);
	KUNIT_EXPECT_EQ(test, siv_allow_check(copy, n), list->good);
}

/* A NUL is no end, and no part of a name. */
static void nul_is_no_end(struct kunit *test)
{
	static const char list[] = "vma/user\n\0vmb/user\n";

	KUNIT_EXPECT_FALSE(test, siv_allow_check(list, sizeof(list) - 1));
}

struct caller {
	const char *name;
	const char *text;
	const char *vm;
	const char *service;
	bool named;
};

static const struct caller callers[] = {
	{ "the one", "vma/user\n", "vma", "user", true },
	{ "the second", "vma/user\nvmb/data\n", "vmb", "data", true },
	{ "any service", "vma/*\n", "vma", "data", true },
	{ "any VM", "*/user\n", "vmz", "user", true },
	{ "anybody", "*/*\n", "vmz", "data", true },
	{ "nobody", "", "vma", "user", false },
	{ "another VM", "vma/user\n", "vmb", "user", false },
	{ "another service", "vma/user\n", "vma", "data", false },
	{ "VM of one line, service of another", "vma/user\nvmb/data\n", "vma",
	  "data", false },
	{ "any service of another", "vma/*\n", "vmb", "user", false },
	{ "any VM, another service", "*/user\n", "vma", "data", false },
	{ "VM is longer", "vma/user\n", "vma2", "user", false },
	{ "VM is shorter", "vma/user\n", "vm", "user", false },
	{ "service is longer", "vma/user\n", "vma", "user2", false },
	{ "service is shorter", "vma/user\n", "vma", "use", false },
	{ "the other way round", "user/vma\n", "vma", "user", false },
};

static void caller_name(const struct caller *caller, char *desc)
{
	strscpy(desc, caller->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(caller, callers, caller_name);

static struct siv_span span(const char *text)
{
	return (struct siv_span){ (const u8 *)text, strlen(text) };
}

static void is_named(struct kunit *test)
{
	const struct caller *c = test->param_value;
	size_t n = strlen(c->text);

	KUNIT_ASSERT_TRUE(test, siv_allow_check(c->text, n));
	KUNIT_EXPECT_EQ(
		test, siv_allow_has(c->text, n, span(c->vm), span(c->service)),
		c->named);
}

static struct kunit_case siv_allow_cases[] = {
	KUNIT_CASE_PARAM(is_a_list, list_gen_params),
	KUNIT_CASE(nul_is_no_end),
	KUNIT_CASE_PARAM(is_named, caller_gen_params),
	{},
};

struct kunit_suite siv_allow_suite = {
	.name = "siv_allow",
	.test_cases = siv_allow_cases,
};
