// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: what the library refuses without asking a kernel, it refuses with the errno
 * that its header promises: options too short, too long with something unknown in the
 * tail, reserved members, unknown flags, options that do not belong to a call, both or
 * neither kind of identity, names that are too long, descriptors that are no channel.
 * Nothing is stored through a result pointer on failure. Every exported function stands
 * in the header and in a manual page. Run from the top of the tree.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <sivshmem/sivshmem.h>

#define NOTHING ((struct ivshmem *)-1)

/* Where there is no driver the call gets as far as the key or the control node. */
static bool past_checks(int r)
{
	return r == -ENODEV || r == -ENOKEY || r == -EACCES || r == -ENOSYS ||
	       r == -EPERM;
}

static int try_connect(const struct ivshmem_options *o)
{
	struct ivshmem *ch = NOTHING;
	int r = ivshmem_connect("camera.front", o, &ch);

	assert_ptr_equal(ch, NOTHING);
	return r;
}

static void option_sizes(void **state)
{
	struct {
		struct ivshmem_options o;
		uint64_t tail[2];
	} later = { .o = IVSHMEM_OPTIONS_INIT };

	(void)state;
	later.o.identity = "nobody.here";
	assert_true(past_checks(try_connect(&later.o)));
	later.o.size = sizeof(later.o) - 1;
	assert_int_equal(try_connect(&later.o), -EINVAL);
	later.o.size = 0;
	assert_int_equal(try_connect(&later.o), -EINVAL);
	later.o.size = sizeof(later);
	assert_true(past_checks(try_connect(&later.o)));
	later.tail[1] = 1;
	assert_int_equal(try_connect(&later.o), -E2BIG);
	later.o.size = sizeof(later) - 8;
	assert_true(past_checks(try_connect(&later.o)));
	assert_int_equal(try_connect(NULL), -EINVAL);
}

static void option_members(void **state)
{
	struct ivshmem_options good = IVSHMEM_OPTIONS_INIT, o;
	struct ivshmem *h = NOTHING;
	char name[80];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	good.key = -3; /* KEY_SPEC_SESSION_KEYRING: no request_key() */
	assert_int_equal(try_connect(&good), -ENODEV);
	o = good;
	o.reserved = 1;
	assert_int_equal(try_connect(&o), -EINVAL);
	for (uint32_t bit = 0; bit < 32; bit++) {
		o = good;
		o.flags = 1u << bit;
		assert_int_equal(try_connect(&o), bit < 5 ? -ENODEV : -EINVAL);
	}
	o = good;
	o.identity = "both";
	assert_int_equal(try_connect(&o), -EINVAL);
	o.identity = NULL;
	o.key = 0;
	assert_int_equal(try_connect(&o), -EINVAL);
	o = good;
	o.vm = name;
	assert_int_equal(try_connect(&o), -EINVAL);
	o.vm = name + 1;
	assert_int_equal(try_connect(&o), -ENODEV);
	o.region = name;
	assert_int_equal(try_connect(&o), -EINVAL);
	assert_int_equal(ivshmem_connect(name, &good, &h), -EINVAL);
	assert_int_equal(ivshmem_connect("", &good, &h), -EINVAL);
	assert_int_equal(ivshmem_connect(NULL, &good, &h), -EINVAL);
	/* what belongs to listening */
	o = good;
	o.backlog = 1;
	assert_int_equal(try_connect(&o), -EINVAL);
	o = good;
	o.allow = "*/*\n";
	assert_int_equal(try_connect(&o), -EINVAL);
	assert_int_equal(ivshmem_listen(&o, &h), -ENODEV);
	o.ring_tx = 65536;
	assert_int_equal(ivshmem_listen(&o, &h), -EINVAL);
	assert_int_equal(ivshmem_listen(NULL, &h), -EINVAL);
	assert_ptr_equal(h, NOTHING);
}

static void no_channels(void **state)
{
	struct ivshmem_options o = IVSHMEM_OPTIONS_INIT;
	struct ivshmem *h = NOTHING;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(ivshmem_open("/dev/null", NULL, &h), -ENOTTY);
	assert_int_equal(ivshmem_open("/nonexistent/node", NULL, &h), -ENOENT);
	assert_int_equal(ivshmem_open(NULL, NULL, &h), -EINVAL);
	assert_int_equal(ivshmem_from_fd(-1, NULL, &h), -EBADF);
	assert_int_equal(ivshmem_from_fd(fd, &o, &h), -ENOTTY);
	o.flags = IVSHMEM_SEALED;
	assert_int_equal(ivshmem_from_fd(fd, &o, &h), -EINVAL);
	assert_ptr_equal(h, NOTHING);
	/* the caller's descriptor is still his */
	assert_int_equal(close(fd), 0);
	ivshmem_close(NULL);
}

static void regions(void **state)
{
	struct sivshmem_region_info r = { .size = sizeof(r) };

	(void)state;
	assert_int_equal(ivshmem_region(0, &r), -ENODEV);
	r.size = 4;
	assert_int_equal(ivshmem_region(0, &r), -EINVAL);
	assert_int_equal(ivshmem_abi_version(), -ENODEV);
}

static void hints(void **state)
{
	static const int promised[] = {
		EPERM,	     EACCES,   ENOKEY,	   EKEYREJECTED,    EKEYEXPIRED,
		EKEYREVOKED, EBADMSG,  EPROTO,	   EPROTONOSUPPORT, ESTALE,
		EDQUOT,	     ENOSPC,   EADDRINUSE, ECONNREFUSED,    ECONNRESET,
		EPIPE,	     EMSGSIZE, EBUSY,	   ETIMEDOUT,	    ENODEV,
		EOPNOTSUPP,  ENOTTY,   E2BIG,	   EINVAL
	};

	(void)state;
	for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++)
		assert_true(strlen(ivshmem_hint(-promised[i])) > 10);
	assert_string_equal(ivshmem_hint(0), "");
	assert_string_equal(ivshmem_hint(-EFAULT), "");
	assert_true(strlen(ivshmem_version()) >= 5);
}

static bool says(const char *path, const char *word)
{
	char line[512];
	bool found = false;
	FILE *f = fopen(path, "r");

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, word);
	if (f)
		fclose(f);
	return found;
}

/* Every symbol of the map stands in the header and has a manual page that names it. */
static void documented(void **state)
{
	FILE *map = fopen("userspace/libsivshmem/libsivshmem.map", "r");
	char line[256], name[128], page[256];
	unsigned int n = 0;

	(void)state;
	assert_non_null(map);
	while (fgets(line, sizeof(line), map)) {
		if (sscanf(line, " %127[a-z_];", name) != 1 ||
		    strncmp(name, "ivshmem_", 8))
			continue;
		n++;
		strcat(name, "(");
		if (!says("userspace/libsivshmem/include/sivshmem/sivshmem.h",
			  name))
			fail_msg("%s) is not in the header", name);
		name[strlen(name) - 1] = '\0';
		snprintf(page, sizeof(page), "userspace/man/%s.3", name);
		if (!says(page, name))
			fail_msg("%s does not tell of %s()", page, name);
	}
	fclose(map);
	assert_int_equal(n, 25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(option_sizes),
		cmocka_unit_test(option_members),
		cmocka_unit_test(no_channels),
		cmocka_unit_test(regions),
		cmocka_unit_test(hints),
		cmocka_unit_test(documented),
	};

	/* with a driver these are other questions, asked in QEMU */
	if (!access("/dev/sivshmem-control", F_OK)) {
		print_message(
			"1..0 # SKIP this machine has a sivshmem driver\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
