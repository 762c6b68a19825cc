// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: only files and directories that nobody else can change are believed; sockets are
 * made in our own directories, what is not ours is never removed, and what is ours goes
 * with the daemon, however it ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sivshmemd/files.h"
#include "sivshmemd/trust.h"

static char dir[64], err[512];
static char policy[128], ca[128], keys[128], runtime[128], audit[128];
static struct files_paths paths;

static const char *in(const char *name)
{
	static char path[4][256];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test-files.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(policy, sizeof(policy), "%s/policy.ini", dir);
	snprintf(ca, sizeof(ca), "%s/ca.crt", dir);
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	snprintf(runtime, sizeof(runtime), "%s/run", dir);
	snprintf(audit, sizeof(audit), "%s/audit.log", dir);
	paths = (struct files_paths){ policy, ca, ca, keys, audit, runtime };
	put(policy, "hello", 0644);
	assert_int_equal(mkdir(keys, 0700), 0);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static bool believed(const char *path, bool secret)
{
	int fd = trust_open(path, secret, err, sizeof(err));

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void test_trust(void **state)
{
	(void)state;
	assert_true(believed(policy, false));
	assert_false(believed(policy, true)); /* others can read it */
	chmod(policy, 0600);
	assert_true(believed(policy, true));
	chmod(policy, 0640);
	assert_false(believed(policy, true));
	chmod(policy, 0664);
	assert_false(believed(policy, false));
	chmod(policy, 0646);
	assert_false(believed(policy, false));
	chmod(policy, 0644);
	/* somebody else could put another file in its place */
	chmod(dir, 0777);
	assert_false(believed(policy, false));
	assert_non_null(strstr(err, "can be written by others"));
	chmod(dir, 0770);
	assert_false(believed(policy, false));
	/* sticky helps only in a directory of root's */
	chmod(dir, 01777);
	assert_int_equal(believed(policy, false), getuid() == 0);
	chmod(dir, 0700);
	/* the directory that holds what a link names counts */
	mkdir(in("open"), 0777);
	chmod(in("open"), 0777);
	put(in("open/real"), "x", 0600);
	assert_int_equal(symlink(in("open/real"), in("link")), 0);
	assert_false(believed(in("open/real"), false));
	assert_false(believed(dir, false));
	assert_false(believed("/dev/null", false));
	assert_false(believed(in("missing"), false));
	assert_int_equal(mkfifo(in("fifo"), 0600), 0);
	assert_false(believed(in("fifo"), false));
	if (!getuid()) {
		assert_int_equal(chown(policy, 12345, 0), 0);
		assert_false(believed(policy, false));
		assert_non_null(strstr(err, "belongs to somebody else"));
	}
}

static void test_read(void **state)
{
	struct files *f = files_start(&paths, true);
	size_t len;
	char *text;

	(void)state;
	assert_non_null(f);
	text = files_read(f, FILES_POLICY, NULL, &len, err, sizeof(err));
	assert_string_equal(text, "hello");
	assert_int_equal(len, 5);
	free(text);
	/* what is there at each time of asking */
	put(policy, "again", 0644);
	text = files_read(f, FILES_POLICY, NULL, &len, err, sizeof(err));
	assert_string_equal(text, "again");
	free(text);
	chmod(policy, 0666);
	assert_null(files_read(f, FILES_POLICY, NULL, &len, err, sizeof(err)));
	assert_null(files_read(f, FILES_CA, NULL, &len, err, sizeof(err)));
	assert_int_equal(errno, ENOENT);
	/* certificates by region, else the common one; names are names */
	put(in("keys/host.crt"), "common", 0644);
	put(in("keys/cabin.crt"), "own", 0644);
	put(in("keys/cabin.key"), "secret", 0600);
	text = files_read(f, FILES_CERT, "cabin", &len, err, sizeof(err));
	assert_string_equal(text, "own");
	free(text);
	text = files_read(f, FILES_CERT, "other", &len, err, sizeof(err));
	assert_string_equal(text, "common");
	free(text);
	assert_null(
		files_read(f, FILES_CERT, "../policy", &len, err, sizeof(err)));
	assert_null(files_read(f, FILES_CERT, "cabin.key\n", &len, err,
			       sizeof(err)));
	assert_null(files_read(f, FILES_CERT, "", &len, err, sizeof(err)));
	files_stop(f);
}

static void test_users(void **state)
{
	struct files *f = files_start(&paths, true);
	uid_t uid;

	(void)state;
	assert_true(files_uid(f, "root", &uid));
	assert_int_equal(uid, 0);
	assert_false(files_uid(f, "no-such-user", &uid));
	files_stop(f);
}

static bool connects(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool ok;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	ok = !connect(fd, (struct sockaddr *)&sa, sizeof(sa));
	close(fd);
	return ok;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_mode;
}

static void wait_gone(const char *path)
{
	int i;

	for (i = 0; i < 6000 && mode_of(path); i++)
		usleep(10000);
	assert_int_equal(mode_of(path), 0);
}

static void test_sockets(void **state)
{
	struct files *f = files_start(&paths, true), *second;
	int fd, control;

	(void)state;
	fd = files_listen(f, "cam", "cabin", err, sizeof(err));
	control = files_listen(f, NULL, NULL, err, sizeof(err));
	assert_true(fd >= 0 && control >= 0);
	assert_int_equal(mode_of(in("run/cam")), S_IFDIR | 0710);
	assert_int_equal(mode_of(in("run/cam/cabin.sock")), S_IFSOCK | 0660);
	assert_true(connects(in("run/cam/cabin.sock")));
	assert_true(connects(in("run/control.sock")));
	/* another daemon does not take it */
	second = files_start(&paths, true);
	assert_true(files_listen(second, "cam", "cabin", err, sizeof(err)) < 0);
	assert_int_equal(errno, EADDRINUSE);
	files_stop(second);
	assert_true(connects(in("run/cam/cabin.sock")));
	files_unlisten(f, "cam", "cabin");
	wait_gone(in("run/cam/cabin.sock"));
	close(fd);
	close(control);
	files_stop(f);
	wait_gone(in("run/control.sock"));
}

/* A daemon that was killed leaves its sockets to a helper that removes them. */
static void test_killed(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		struct files *f = files_start(&paths, true);

		if (files_listen(f, "cam", "cabin", err, sizeof(err)) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	wait_gone(in("run/cam/cabin.sock"));
}

/* What stands in the way: our own dead socket goes, anything else stays. */
static void test_squatters(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct files *f = files_start(&paths, true);
	const char *path = in("run/cam/cabin.sock");
	int fd;

	(void)state;
	mkdir(runtime, 0755);
	mkdir(in("run/cam"), 0700);
	put(path, "precious", 0600);
	assert_true(files_listen(f, "cam", "cabin", err, sizeof(err)) < 0);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(mode_of(path), S_IFREG | 0600);
	unlink(path);
	assert_int_equal(symlink(policy, path), 0);
	assert_true(files_listen(f, "cam", "cabin", err, sizeof(err)) < 0);
	assert_true(S_ISLNK(mode_of(path)));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(files_listen(f, "cam", "cabin", err, sizeof(err)) < 0);
	unlink(path);
	/* dead: bound, and nobody listens */
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	fd = files_listen(f, "cam", "cabin", err, sizeof(err));
	assert_true(fd >= 0);
	close(fd);
	/* directories that others can write, or that are links, are not used */
	chmod(in("run/cam"), 0777);
	assert_true(files_listen(f, "cam", "other", err, sizeof(err)) < 0);
	chmod(in("run/cam"), 0710);
	mkdir(in("elsewhere"), 0700);
	assert_int_equal(symlink(in("elsewhere"), in("run/ivi")), 0);
	assert_true(files_listen(f, "ivi", "cabin", err, sizeof(err)) < 0);
	assert_true(files_listen(f, "..", "cabin", err, sizeof(err)) < 0);
	assert_true(files_listen(f, "cam", "../x", err, sizeof(err)) < 0);
	assert_true(files_listen(f, "cam", "a/b", err, sizeof(err)) < 0);
	files_stop(f);
}

static void test_audit_file(void **state)
{
	struct files *f = files_start(&paths, true);
	int fd = files_audit(f, err, sizeof(err));

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x\n", 2), 2);
	assert_int_equal(mode_of(audit) & 07177, 0 | (mode_of(audit) & 0040));
	close(fd);
	/* rotated: a new file; a link is not followed */
	assert_int_equal(rename(audit, in("audit.1")), 0);
	assert_int_equal(symlink(policy, audit), 0);
	assert_true(files_audit(f, err, sizeof(err)) < 0);
	unlink(audit);
	fd = files_audit(f, err, sizeof(err));
	assert_true(fd >= 0);
	close(fd);
	files_stop(f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_trust),      TEST(test_read),	  TEST(test_users),
		TEST(test_sockets),    TEST(test_killed), TEST(test_squatters),
		TEST(test_audit_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
