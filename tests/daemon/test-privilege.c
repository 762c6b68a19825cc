// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: started by root with --user and --key-user, the daemon, its file helper and the
 * key process are those users in every user and group id, in no other group and without
 * any capability, whatever groups root was in. A user that does not exist ends the start
 * before anything serves.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "world.h"

enum {
	NOBODY = 65534,
	DAEMON = 1, /* the user of that name, in every Debian */
};

static const char policy[] = "[region lab]\nsize = 4M\ngranule = 4K\n"
			     "members = a\n[vm a]\nuser = self\n";

static struct world w;

static int setup(void **state)
{
	static const char *const regions[] = { "lab", NULL };
	static const char *const public[] = { "policy.ini", "ca.crt",
					      "lab.crt" };
	static const gid_t groups[] = { 0, 4, 6 };
	char path[PATH_MAX];
	size_t i;
	int fd;

	(void)state;
	if (getuid())
		return 0;
	world_make(&w, regions, policy);
	assert_int_equal(setgroups(ARRAY_SIZE(groups), groups), 0);
	/* as tmpfiles.d has made them */
	assert_int_equal(chmod(w.dir, 0755), 0);
	for (i = 0; i < ARRAY_SIZE(public); i++)
		assert_int_equal(chmod(world_path(&w, path, public[i]), 0644),
				 0);
	world_path(&w, path, "run");
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	fd = open(world_path(&w, path, "audit.log"),
		  O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fchown(fd, NOBODY, NOBODY), 0);
	close(fd);
	w.options[0] = "--user";
	w.options[1] = "nobody";
	w.options[2] = "--key-user";
	w.options[3] = "daemon";
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (!getuid())
		world_abandon(&w);
	return 0;
}

static void need_root(void)
{
	if (getuid()) {
		print_message("# skip: only root can become another user\n");
		skip();
	}
}

/* What stands behind a line's name in /proc/PID/status; false: the process is gone. */
static bool status_of(pid_t pid, const char *name, char *out, size_t cap)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	out[0] = '\0';
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) &&
		    line[strlen(name)] == ':')
			snprintf(out, cap, "%s", line + strlen(name) + 1);
	if (f)
		fclose(f);
	return out[0];
}

static pid_t child_named(const char *name)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	char value[256];
	pid_t found = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		pid_t pid = atoi(e->d_name);

		/* strangers come and go meanwhile */
		if (pid <= 0 || !status_of(pid, "PPid", value, sizeof(value)) ||
		    atoi(value) != w.pid)
			continue;
		if (status_of(pid, "Name", value, sizeof(value)) &&
		    strstr(value, name))
			found = pid;
	}
	closedir(d);
	return found;
}

/* All ids, no group but its own, no capability. */
static void is_user(pid_t pid, unsigned int id, unsigned int gid)
{
	static const char *const caps[] = { "CapInh", "CapPrm", "CapEff",
					    "CapAmb" };
	char value[256];
	unsigned int n[4];
	char *at, *end;
	size_t i;

	assert_true(pid > 0);
	assert_true(status_of(pid, "Uid", value, sizeof(value)));
	assert_int_equal(
		sscanf(value, "%u %u %u %u", &n[0], &n[1], &n[2], &n[3]), 4);
	for (i = 0; i < 4; i++)
		assert_int_equal(n[i], id);
	assert_true(status_of(pid, "Gid", value, sizeof(value)));
	assert_int_equal(
		sscanf(value, "%u %u %u %u", &n[0], &n[1], &n[2], &n[3]), 4);
	for (i = 0; i < 4; i++)
		assert_int_equal(n[i], gid);
	assert_true(status_of(pid, "Groups", value, sizeof(value)));
	for (at = value;; at = end) {
		unsigned long group = strtoul(at, &end, 10);

		if (end == at)
			break;
		assert_int_equal(group, gid);
	}
	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		assert_true(status_of(pid, caps[i], value, sizeof(value)));
		assert_int_equal(strtoull(value, NULL, 16), 0);
	}
}

static void test_becomes(void **state)
{
	char path[PATH_MAX];
	struct stat st;

	(void)state;
	need_root();
	world_start(&w, "sivshmemd");
	is_user(w.pid, NOBODY, NOBODY);
	is_user(child_named("sivshmemd-files"), NOBODY, NOBODY);
	is_user(child_named("sivshmemd-key"), DAEMON, DAEMON);
	assert_int_equal(stat(world_socket(&w, path, "a", "lab"), &st), 0);
	assert_int_equal(st.st_uid, NOBODY);
	assert_false(world_said(&w, "running as root"));
	world_stop(&w);
}

/* Without the options it goes on as root, and says so. */
static void test_stays_root(void **state)
{
	char path[PATH_MAX];

	(void)state;
	need_root();
	w.options[0] = NULL;
	/* these were nobody's, who is not to be believed now */
	assert_int_equal(chown(world_path(&w, path, "run"), 0, 0), 0);
	assert_int_equal(chown(world_path(&w, path, "audit.log"), 0, 0), 0);
	world_start(&w, "sivshmemd");
	assert_true(world_said(&w, "running as root: give --user"));
	world_stop(&w);
}

static void refused(const char *why)
{
	char path[PATH_MAX];

	(void)remove(world_path(&w, path, "daemon.log"));
	assert_int_equal(world_run(&w, "sivshmemd", NULL, NULL), 1);
	if (!world_said(&w, why))
		fail_msg("it did not say: %s", why);
	assert_int_not_equal(
		access(world_path(&w, path, "run/control.sock"), F_OK), 0);
}

static void test_no_such_user(void **state)
{
	(void)state;
	need_root();
	w.options[1] = "nobody-such";
	refused("nobody-such: no such user");
	w.options[1] = "nobody";
	w.options[3] = "nobody-such";
	refused("nobody-such: no such user");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_becomes),
		CASE(test_stays_root),
		CASE(test_no_such_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
