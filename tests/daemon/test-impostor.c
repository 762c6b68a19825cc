// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a guest that finds somebody else's server at its socket, or a header that somebody
 * wrote, has no session with it: the host must show a certificate of our CA for this region
 * and role, and prove its key.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pki.h"
#include "simguest/internal.h"
#include "world.h"

enum {
	SIZE = 4 << 20,
	SHORT_MS = 150,
	CERT_OFF = 512,
	VECTORS = 2,
};

static const char policy[] =
	"[region lab]\nsize = 4M\nmode = shared\ngranule = 4K\nmembers = a\n"
	"[vm a]\nuser = self\nvectors = 2\n";

static struct world w;
/* the region's first bytes, as the real daemon wrote them */
static u8 genuine[8192];
static u32 peer;
static pid_t fake;

static int setup(void **state)
{
	static const char *const regions[] = { "lab", NULL };
	struct sim_guest *g;

	(void)state;
	world_begin(&w, "sivshmemd", regions, policy);
	g = world_attach(&w, "a", "lab");
	memcpy(genuine, g->at.mem, sizeof(genuine));
	peer = g->at.peer;
	world_session(g, w.id[w.ids++] = world_identity("lab", "a", "user"));
	world_leave(&w, g, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (fake > 0) {
		kill(fake, SIGKILL);
		waitpid(fake, NULL, 0);
	}
	fake = 0;
	world_abandon(&w);
	return 0;
}

/* ------------------------------------------------------------------ the impostor */

static void say(int sock, s64 value, int fd)
{
	u8 bytes[8];
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	siv_put_le64(bytes, (u64)value);
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) != (ssize_t)sizeof(bytes))
		_exit(1);
}

/* Serve whoever comes with this memory; answer every hello with the same noise. */
static void serve(int port, const u8 *begin)
{
	int shm = memfd_create("impostor", MFD_CLOEXEC), i, sock;
	u8 *mem;

	if (shm < 0 || ftruncate(shm, SIZE))
		_exit(1);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, shm, 0);
	if (mem == MAP_FAILED)
		_exit(1);
	memcpy(mem, begin, sizeof(genuine));
	while ((sock = accept(port, NULL, NULL)) >= 0) {
		say(sock, 0, -1);
		say(sock, peer, -1);
		say(sock, -1, shm);
		for (i = 0; i < SIV_HOST_BELLS; i++)
			say(sock, 0, eventfd(0, 0));
		for (i = 0; i < VECTORS; i++)
			say(sock, peer, eventfd(0, 0));
	}
	_exit(0);
}

static struct sim_guest *at_impostor(const u8 *begin, int *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int port = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char path[PATH_MAX];

	if (fake > 0) {
		kill(fake, SIGKILL);
		waitpid(fake, NULL, 0);
	}
	world_path(&w, path, "fake.sock");
	remove(path);
	assert_in_range(strlen(path), 1, sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path));
	assert_false(bind(port, (struct sockaddr *)&sa, sizeof(sa)));
	assert_false(listen(port, 8));
	fake = fork();
	assert_true(fake >= 0);
	if (!fake) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(port, begin);
	}
	close(port);
	return sim_guest_open(path, w.anchors, err);
}

/* --------------------------------------------------------------------------- tests */

/* The guest's verdict on a host with these first bytes of the region. */
static void verdict(const u8 *begin, enum siv_reason want)
{
	enum siv_reason why;
	struct sim_guest *g;
	int err;
	u32 code;

	g = at_impostor(begin, &err);
	assert_non_null(g);
	assert_null(sim_session_open(g, w.id[0], SHORT_MS, &why, &code));
	if (why != want)
		fail_msg("%s instead of %s", siv_reason_name(why),
			 siv_reason_name(want));
	/* unless the certificate was good, nothing was even said */
	assert_int_equal(siv_get_le32(sim_box(g) + SIV_BOX_HELLO_UP) != 0,
			 want == SIV_R_TIMEOUT);
	sim_guest_close(g, false);
}

static void with_cert(const struct paper *p, enum siv_reason want)
{
	u8 begin[sizeof(genuine)], priv[SIV_KEY_LEN], pub[SIV_KEY_LEN];
	size_t n;

	memcpy(begin, genuine, sizeof(begin));
	pki_bytes(priv, sizeof(priv), "impostor", 0);
	assert_false(siv_x25519_base(pub, priv));
	n = paper_der(begin + CERT_OFF, p, pub, NULL);
	siv_put_le32(begin + offsetof(struct siv_region_header, cert_len),
		     (u32)n);
	verdict(begin, want);
}

static void test_certificates(void **state)
{
	struct paper other_region = { .region = "other" };
	struct paper endpoint = { .region = "lab", .vm = "a", .service = "x" };
	struct paper expired = { .region = "lab", .from = -7200, .to = -3600 };
	struct paper not_yet = { .region = "lab", .from = 3600, .to = 7200 };
	struct paper stranger = { .region = "lab" };
	struct test_ca ca;

	(void)state;
	with_cert(&other_region, SIV_R_CERT_REGION);
	with_cert(&endpoint, SIV_R_CERT_ROLE);
	with_cert(&expired, SIV_R_CERT_EXPIRED);
	with_cert(&not_yet, SIV_R_CERT_NOT_YET);
	test_ca_make(&ca, TEST_P256);
	stranger.ca = &ca;
	with_cert(&stranger, SIV_R_NO_ANCHOR);
	memcpy(ca.key_id, pki_ca()->key_id, sizeof(ca.key_id));
	with_cert(&stranger, SIV_R_SIGNATURE);
	test_ca_free(&ca);
	world_end(&w);
}

/* The true certificate, which everybody in the region can read, without its key. */
static void test_no_key(void **state)
{
	(void)state;
	verdict(genuine, SIV_R_TIMEOUT);
	world_end(&w);
}

/* Headers that are not ours: no guest at all. */
static void test_headers(void **state)
{
	static const struct {
		size_t at;
		u8 flip;
		int err;
	} bad[] = {
		{ 0, 1, -EBADMSG },	    /* magic */
		{ 8, 1, -EPROTONOSUPPORT }, /* version */
		{ offsetof(struct siv_region_header, region_size) + 3, 1,
		  -EBADMSG },
		{ offsetof(struct siv_region_header, granule) + 1, 0x20, 0 },
		{ offsetof(struct siv_region_header, boxes), 3, -EBADMSG },
		{ offsetof(struct siv_region_header, slots), 1, -EBADMSG },
		{ offsetof(struct siv_region_header, slot_size), 1, -EBADMSG },
		{ offsetof(struct siv_region_header, box_off) + 5, 1,
		  -EBADMSG },
		{ offsetof(struct siv_region_header, side_off) + 7, 0x80,
		  -EBADMSG },
		{ offsetof(struct siv_region_header, extent_off) + 6, 1,
		  -EBADMSG },
		{ offsetof(struct siv_region_header, reserved1), 1, -EBADMSG },
		{ offsetof(struct siv_region_header, reserved2) + 100, 1,
		  -EBADMSG },
		{ offsetof(struct siv_region_header, region), '/' ^ 'l',
		  -EBADMSG },
		{ offsetof(struct siv_region_header, region) + 63, 1,
		  -EBADMSG },
		{ offsetof(struct siv_region_header, cert_off) + 3, 0x7f,
		  -EBADMSG },
		{ offsetof(struct siv_region_header, cert_len) + 2, 1,
		  -EBADMSG },
		{ CERT_OFF, 1, -EBADMSG },
	};
	u8 begin[sizeof(genuine)];
	struct sim_guest *g;
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memcpy(begin, genuine, sizeof(begin));
		begin[bad[i].at] ^= bad[i].flip;
		g = at_impostor(begin, &err);
		if (g || (bad[i].err && err != bad[i].err))
			fail_msg("header byte %zu: %d", bad[i].at, g ? 0 : err);
	}
	world_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_certificates),
		CASE(test_no_key),
		CASE(test_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
