// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a QEMU is told exactly what QEMU's protocol allows, in the order in which it
 * does not abort; it is given the doorbells of the pairs it belongs to and no other; and
 * who breaks the rules is dropped without harm to others.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "sivshmemd/region.h"

enum {
	VMS = 3,
	VECTORS = 4,
	MANY = 128
};

static sd_event *event;
static struct audit *audit;
static char dir[64];
static unsigned int attached, detached, drained, mails, hellos;
static struct member *last;

static void on_attached(struct member *m)
{
	attached++;
	last = m;
}

static void on_detached(struct member *m)
{
	detached++;
	last = m;
}

static void on_drained(struct member *m)
{
	drained++;
	last = m;
}

static bool on_mail(struct member *m)
{
	mails++;
	last = m;
	return false;
}

static bool on_hello(struct member *m)
{
	hellos++;
	last = m;
	return true;
}

static const struct member_events events = {
	.attached = on_attached,
	.detached = on_detached,
	.drained = on_drained,
	.mail = on_mail,
	.hello = on_hello,
};

static struct policy_vm vms[VMS];
static u32 members[VMS] = { 0, 1, 2 };
static struct policy_region secure, vanilla;
static struct policy policy = { .vms = vms, .vm_count = VMS };

/* A region as region_new() makes it, but without a certificate: none is sent to QEMU. */
static struct region *make_region(const struct policy_region *p, u32 boxes)
{
	struct region *r = calloc(1, sizeof(*r));
	u32 i;

	assert_non_null(r);
	r->event = event;
	r->audit = audit;
	r->ev = &events;
	r->policy = p;
	memcpy(r->name, p->name, sizeof(r->name));
	r->geo.boxes = (u16)boxes;
	assert_int_equal(memory_new(&r->mem, p->name, p->size, p == &secure),
			 0);
	numbers_init(&r->numbers, boxes);
	for (i = 0; i < VMS; i++) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		struct member *m = member_new(r, &vms[i]);
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		assert_non_null(m);
		snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%u", dir, i);
		unlink(sa.sun_path);
		assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)),
				 0);
		assert_int_equal(listen(fd, 600), 0);
		assert_int_equal(member_listen(m, fd), 0);
	}
	return r;
}

static int setup(void **state)
{
	u32 i;

	(void)state;
	strcpy(dir, "/tmp/test-server.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_true(sd_event_new(&event) >= 0);
	audit = audit_new(event, -1);
	for (i = 0; i < VMS; i++) {
		snprintf(vms[i].name, sizeof(vms[i].name), "vm%u", i);
		vms[i].uid = getuid();
		vms[i].vectors = VECTORS;
		vms[i].fds = 64;
		vms[i].attach_rate = 100000;
	}
	secure = (struct policy_region){ .name = "cabin",
					 .mode = POLICY_SHARED,
					 .size = 4 << 20,
					 .members = members,
					 .member_count = VMS };
	vanilla = secure;
	vanilla.mode = POLICY_VANILLA;
	attached = 0;
	detached = 0;
	drained = 0;
	mails = 0;
	hellos = 0;
	return 0;
}

static int teardown(void **state)
{
	char path[128];
	u32 i;

	(void)state;
	for (i = 0; i < VMS; i++) {
		snprintf(path, sizeof(path), "%s/%u", dir, i);
		unlink(path);
	}
	rmdir(dir);
	audit_free(audit);
	sd_event_unref(event);
	return 0;
}

static void run(unsigned int ms)
{
	unsigned int left = 100000;
	u64 end = clock_ms() + ms;

	do {
		assert_true(sd_event_run(event, 1000) >= 0);
	} while (clock_ms() < end);
	/* each call handles one thing that is there; nothing may be there for ever */
	while (sd_event_run(event, 0) > 0)
		assert_true(left-- > 0);
}

/* ------------------------------------------------------------ a fake QEMU */

struct qemu {
	int sock;
	unsigned int n;
	s64 value[MANY];
	int fd[MANY];
	bool eof;
};

static void dial(struct qemu *q, u32 vm)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	memset(q, 0, sizeof(*q));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%u", dir, vm);
	q->sock = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(q->sock, (struct sockaddr *)&sa, sizeof(sa)),
			 0);
}

static bool read_one(struct qemu *q)
{
	u8 bytes[8];
	struct iovec iov = { bytes, sizeof(bytes) };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(q->sock, &msg, MSG_DONTWAIT);
	struct cmsghdr *c;

	if (n < 0)
		return false;
	if (!n) {
		q->eof = true;
		return false;
	}
	assert_int_equal(n, 8);
	assert_true(q->n < MANY);
	q->value[q->n] = (s64)siv_get_le64(bytes);
	q->fd[q->n] = -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c) {
		/* one descriptor with a message, never two */
		assert_int_equal(c->cmsg_len, CMSG_LEN(sizeof(int)));
		memcpy(&q->fd[q->n], CMSG_DATA(c), sizeof(int));
	}
	q->n++;
	return true;
}

/* Let the server work and read all that comes. */
static void listen_to(struct qemu *q)
{
	unsigned int quiet;

	for (quiet = 0; quiet < 20; quiet++) {
		run(1);
		while (read_one(q))
			quiet = 0;
	}
}

static void attach(struct qemu *q, u32 vm)
{
	dial(q, vm);
	listen_to(q);
}

static void hang_up(struct qemu *q)
{
	unsigned int i;

	for (i = 0; i < q->n; i++)
		if (q->fd[i] >= 0)
			close(q->fd[i]);
	close(q->sock);
	run(5);
}

/* Is it the same eventfd? What one writes the other reads. */
static bool same_bell(int a, int b)
{
	eventfd_t v = 0;

	while (!eventfd_read(b, &v))
		;
	v = 0;
	assert_int_equal(eventfd_write(a, 5), 0);
	return !eventfd_read(b, &v) && v == 5;
}

/* ------------------------------------------------------------------- tests */

static void test_hello(void **state)
{
	struct region *r = make_region(&secure, 4);
	struct qemu q;
	struct stat st;
	unsigned int i;

	(void)state;
	attach(&q, 0);
	assert_int_equal(attached, 1);
	assert_int_equal(q.n, 3 + 2 + VECTORS);
	assert_true(q.value[0] == 0 && q.fd[0] < 0);   /* version */
	assert_true(q.value[1] == 1 && q.fd[1] < 0);   /* number */
	assert_true(q.value[2] == -1 && q.fd[2] >= 0); /* memory */
	assert_true(q.value[3] == 0 && q.fd[3] >= 0);  /* peer 0: MAIL */
	assert_true(q.value[4] == 0 && q.fd[4] >= 0);  /* peer 0: HELLO */
	for (i = 5; i < q.n; i++)
		assert_true(q.value[i] == 1 && q.fd[i] >= 0);
	/* the memory is whole, sealed, and nobody else's */
	assert_int_equal(fstat(q.fd[2], &st), 0);
	assert_true(st.st_size == 4 << 20 && st.st_blocks * 512 >= st.st_size);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(ftruncate(q.fd[2], 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(q.fd[2], 8 << 20), -1);
	assert_int_equal(fcntl(q.fd[2], F_ADD_SEALS, F_SEAL_WRITE), -1);
	/* the bells are what they are said to be */
	run(50);
	assert_int_equal(drained, 1);
	assert_int_equal(eventfd_write(q.fd[3], 1), 0);
	run(5);
	assert_true(mails == 1 && hellos == 0);
	assert_int_equal(eventfd_write(q.fd[4], 1), 0);
	run(5);
	assert_true(mails == 1 && hellos == 1);
	/* vector 0 is what the host rings */
	member_ring(region_member(r, "vm0"));
	{
		eventfd_t v;

		assert_int_equal(eventfd_read(q.fd[5], &v), 0);
		assert_int_equal(eventfd_read(q.fd[6], &v), -1);
	}
	hang_up(&q);
	assert_int_equal(detached, 1);
	region_free(r);
}

static void test_pairs(void **state)
{
	struct region *r = make_region(&secure, 4);
	struct member *a = region_member(r, "vm0"),
		      *b = region_member(r, "vm1");
	unsigned int hello = 3 + 2 + VECTORS;
	struct qemu qa, qb, qc;

	(void)state;
	attach(&qa, 0);
	attach(&qb, 1);
	attach(&qc, 2);
	/* nobody is told of anybody by attaching */
	listen_to(&qa);
	assert_int_equal(qa.n, hello);
	assert_int_equal(member_pair(a, b), SIV_OK);
	assert_int_equal(member_pair(a, b), SIV_OK);
	assert_int_equal(member_pair(b, a), SIV_OK);
	listen_to(&qa);
	listen_to(&qb);
	listen_to(&qc);
	/* exactly one doorbell each, however often it was asked for */
	assert_int_equal(qa.n, hello + 1);
	assert_int_equal(qb.n, hello + 1);
	assert_int_equal(qc.n, hello);
	assert_true(qa.value[hello] == b->peer && qb.value[hello] == a->peer);
	/* it is the vector at the other end that belongs to this pair */
	assert_int_equal(member_vector(b, "vm0"), 1);
	assert_true(same_bell(qa.fd[hello], qb.fd[5 + 1]));
	assert_true(
		same_bell(qb.fd[hello], qa.fd[5 + member_vector(a, "vm1")]));
	/* the third VM is given another */
	assert_int_equal(member_pair(b, region_member(r, "vm2")), SIV_OK);
	listen_to(&qc);
	assert_int_equal(member_vector(b, "vm2"), 2);
	assert_true(same_bell(qc.fd[hello], qb.fd[5 + 2]));
	assert_int_equal(member_pair(a, a), SIV_R_STATE);
	hang_up(&qa);
	hang_up(&qb);
	hang_up(&qc);
	region_free(r);
}

/*
 * Restarts: a told number never returns, an untold one does; the vector stays; and no
 * disconnect message is ever sent.
 */
static void test_numbers(void **state)
{
	struct region *r = make_region(&secure, 4);
	struct member *a = region_member(r, "vm0"),
		      *b = region_member(r, "vm1");
	bool seen[2000] = { false };
	struct qemu qa, qb;
	int i;

	(void)state;
	vms[0].fds = 512;
	attach(&qa, 0);
	for (i = 0; i < 5; i++) {
		attach(&qb, 1);
		assert_int_equal(qb.value[1],
				 2); /* nobody knew it: it comes back */
		hang_up(&qb);
	}
	for (i = 0; i < 20; i++) {
		unsigned int before = qa.n;

		attach(&qb, 1);
		assert_true(qb.value[1] < 2000 && !seen[qb.value[1]]);
		seen[qb.value[1]] = true;
		/* its mailbox is not that of a live peer */
		assert_true((qb.value[1] & 3) != (qa.value[1] & 3));
		assert_int_equal(member_pair(a, b), SIV_OK);
		listen_to(&qa);
		assert_int_equal(qa.n, before + 1);
		assert_true(qa.value[before] == qb.value[1] &&
			    qa.fd[before] >= 0);
		assert_int_equal(member_vector(b, "vm0"), 1);
		assert_int_equal(member_vector(a, "vm1"), 1);
		hang_up(&qb);
		listen_to(&qa);
		assert_int_equal(qa.n, before + 1);
	}
	hang_up(&qa);
	region_free(r);
}

static void test_boxes(void **state)
{
	static struct numbers n;
	u32 i, k, live[8];

	(void)state;
	numbers_init(&n, 8);
	for (i = 0; i < 8; i++)
		live[i] = numbers_take(&n);
	assert_int_equal(numbers_take(&n), 0);
	for (i = 0; i < 20000; i++) {
		k = i * 7 % 8;
		numbers_give(&n, live[k], i % 3 == 0);
		live[k] = numbers_take(&n);
		assert_true(live[k] && live[k] <= SIV_PEER_MAX);
	}
	for (i = 0; i < 8; i++)
		for (k = 0; k < i; k++)
			assert_true((live[i] & 7) != (live[k] & 7));
	/* all burned: none is left, and it never wraps */
	for (i = 0; i < 70000 && live[0]; i++) {
		numbers_give(&n, live[0], true);
		live[0] = numbers_take(&n);
	}
	assert_int_equal(live[0], 0);
}

static void test_second_refused(void **state)
{
	struct region *r = make_region(&secure, 4);
	struct qemu q, q2;

	(void)state;
	attach(&q, 0);
	attach(&q2, 0);
	assert_true(q2.n == 1 && q2.value[0] == 1 && q2.fd[0] < 0 && q2.eof);
	assert_int_equal(audit_count(audit, AUDIT_DUP_IDENTITY), 1);
	listen_to(&q);
	assert_false(q.eof);
	hang_up(&q2);
	hang_up(&q);
	region_free(r);
}

static unsigned int open_fds(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < 1024; i++)
		n += fcntl((int)i, F_GETFD) >= 0;
	return n;
}

/*
 * More than the server keeps at once, and none of them reads: each finds its refusal, and
 * none of another VM waits for them.
 */
static void test_many_refused(void **state)
{
	enum {
		CROWD = 3 * SERVER_REFUSED_MAX,
	};
	struct region *r = make_region(&secure, 4);
	static struct qemu q[2], many[CROWD], other;
	unsigned int i, fds;
	u64 end;

	(void)state;
	attach(&q[0], 0);
	attach(&q[1], 1);
	fds = open_fds();
	for (i = 0; i < CROWD; i++)
		dial(&many[i], 0);
	run(20);
	assert_int_equal(open_fds(), fds + CROWD + SERVER_REFUSED_MAX);
	attach(&other, 1);
	assert_true(other.n == 1 && other.value[0] == 1 && other.eof);
	/* they are kept for two seconds each, but no longer */
	end = clock_ms() + 20000;
	for (i = 0; i < CROWD; i++) {
		while (!read_one(&many[i]) && !many[i].eof && clock_ms() < end)
			run(1);
		assert_true(many[i].n == 1 && many[i].value[0] == 1);
		assert_int_equal(many[i].fd[0], -1);
	}
	assert_int_equal(audit_count(audit, AUDIT_DUP_IDENTITY), CROWD + 1);
	for (i = 0; i < CROWD; i++)
		hang_up(&many[i]);
	/* and its place is free as soon as it is */
	hang_up(&q[0]);
	attach(&q[0], 0);
	assert_int_equal(q[0].value[0], 0);
	/* a port that goes takes those along that it has not got rid of */
	for (i = 0; i < SERVER_REFUSED_MAX + 2; i++)
		dial(&many[i], 0);
	run(20);
	region_free(r);
	for (i = 0; i < SERVER_REFUSED_MAX; i++) {
		assert_true(read_one(&many[i]) && many[i].value[0] == 1);
		close(many[i].sock);
	}
	close(many[i].sock);
	close(many[i + 1].sock);
	hang_up(&other);
	hang_up(&q[0]);
	hang_up(&q[1]);
}

/*
 * A restart whose news comes late is no second one, and the end of the first is in the
 * audit log all the same: whichever of the two the daemon sees first.
 */
static void test_late_news(void **state)
{
	const struct policy_region *modes[] = { &secure, &vanilla };
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		bool is_vanilla = i & 1, new_first = i & 2, spoke = i & 4;
		struct region *r = make_region(modes[is_vanilla], 4);
		u64 ends = audit_count(audit, AUDIT_DETACH);
		u64 spoken = audit_count(audit, AUDIT_CLIENT_SPOKE);
		struct qemu q, q2;

		attach(&q, 0);
		if (new_first)
			dial(&q2, 0);
		if (spoke)
			assert_int_equal(write(q.sock, "x", 1), 1);
		close(q.sock);
		if (!new_first)
			dial(&q2, 0);
		listen_to(&q2);
		assert_int_equal(q2.n, 3 + 2 * !is_vanilla + VECTORS);
		assert_int_equal(audit_count(audit, AUDIT_DETACH),
				 ends + !spoke);
		assert_int_equal(audit_count(audit, AUDIT_CLIENT_SPOKE),
				 spoken + spoke);
		hang_up(&q2);
		assert_int_equal(audit_count(audit, AUDIT_DETACH),
				 ends + !spoke + 1);
		region_free(r);
	}
	assert_int_equal(audit_count(audit, AUDIT_ATTACH), 16);
	assert_int_equal(audit_count(audit, AUDIT_DUP_IDENTITY), 0);
}

static void test_wrong_user(void **state)
{
	struct region *r;
	struct qemu q;

	(void)state;
	vms[0].uid = getuid() + 1;
	r = make_region(&secure, 4);
	attach(&q, 0);
	assert_true(q.n == 0 && q.eof);
	assert_int_equal(attached, 0);
	assert_int_equal(audit_count(audit, AUDIT_PEER_DENIED), 1);
	close(q.sock);
	region_free(r);
}

/*
 * No descriptor is left: who comes is sent away at once, its own user with the refusal that
 * ends a QEMU, anybody else without a word; and whoever comes when there are some is served.
 */
static void test_no_descriptors(void **state)
{
	enum {
		TRIES = 3
	};
	struct rlimit all, none;
	struct region *r;
	struct qemu q[TRIES], other, now;
	int filler[MANY], n = 0, highest = 0, fd;

	(void)state;
	vms[1].uid = getuid() + 1;
	r = make_region(&secure, 4);
	for (fd = 0; fd < TRIES; fd++)
		dial(&q[fd], 0);
	dial(&other, 1);
	for (fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			highest = fd;
	do {
		assert_in_range(n, 0, MANY - 1);
		filler[n] = dup(q[0].sock);
		assert_true(filler[n] >= 0);
	} while (filler[n++] < highest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = all;
	none.rlim_cur = (rlim_t)filler[n - 1] + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	run(20);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	while (n)
		close(filler[--n]);
	for (n = 0; n < TRIES; n++) {
		assert_true(read_one(&q[n]) && q[n].value[0] == SERVER_REFUSAL);
		assert_true(!read_one(&q[n]) && q[n].eof);
		close(q[n].sock);
	}
	assert_true(!read_one(&other) && other.eof);
	close(other.sock);
	assert_int_equal(attached, 0);
	attach(&now, 0);
	assert_int_equal(attached, 1);
	assert_int_equal(now.n, 3 + 2 + VECTORS);
	hang_up(&now);
	region_free(r);
}

/* Bytes, half a message, descriptors: each ends the connection and nothing stays. */
static void test_rogue(void **state)
{
	struct region *r = make_region(&secure, 4);
	unsigned int before, i;
	struct qemu q;

	(void)state;
	attach(&q, 1);
	before = open_fds();
	for (i = 0; i < 3; i++) {
		union {
			struct cmsghdr align;
			char room[CMSG_SPACE(200 * sizeof(int))];
		} control = { 0 };
		struct qemu bad;

		attach(&bad, 0);
		if (i == 0) {
			assert_int_equal(send(bad.sock, "12345678", 8, 0), 8);
		} else if (i == 1) {
			assert_int_equal(send(bad.sock, "123", 3, 0), 3);
		} else {
			struct iovec iov = { "x", 1 };
			struct msghdr msg = { .msg_iov = &iov,
					      .msg_iovlen = 1,
					      .msg_control = &control,
					      .msg_controllen =
						      sizeof(control) };
			int *fds = (int *)(void *)CMSG_DATA(&control.align), k;

			control.align.cmsg_level = SOL_SOCKET;
			control.align.cmsg_type = SCM_RIGHTS;
			control.align.cmsg_len = CMSG_LEN(200 * sizeof(int));
			for (k = 0; k < 200; k++)
				fds[k] = bad.fd[3];
			assert_int_equal(sendmsg(bad.sock, &msg, 0), 1);
		}
		listen_to(&bad);
		assert_true(bad.eof);
		hang_up(&bad);
	}
	assert_int_equal(audit_count(audit, AUDIT_CLIENT_SPOKE), 3);
	assert_int_equal(open_fds(), before);
	listen_to(&q);
	assert_false(q.eof);
	hang_up(&q);
	region_free(r);
}

static void test_many_cycles(void **state)
{
	struct region *r;
	unsigned int before, more, i;
	struct qemu q;
	u64 t0;

	(void)state;
	vms[0].attach_rate = 60;
	r = make_region(&secure, 4);
	before = open_fds();
	t0 = clock_ms();
	for (i = 0; i < 300; i++) {
		dial(&q, 0);
		run(0);
		run(0);
		close(q.sock);
		run(0);
	}
	run(10);
	assert_int_equal(open_fds(), before);
	/* a burst, then one a second */
	more = (unsigned int)((clock_ms() - t0) / 1000) + 1;
	assert_in_range(attached, 20, 20 + more);
	assert_int_equal(audit_count(audit, AUDIT_QUOTA), 300 - attached);
	/* nobody was told of them: no number is lost */
	assert_int_equal(r->numbers.burned_count, 0);
	region_free(r);
}

static void test_fd_limit(void **state)
{
	struct region *r;
	struct qemu qa, qb;
	int i;

	(void)state;
	vms[0].fds = 3 + VECTORS +
		     3; /* memory, bells, vectors, and three doorbells */
	r = make_region(&secure, 4);
	attach(&qa, 0);
	for (i = 0; i < 4; i++) {
		attach(&qb, 1);
		assert_int_equal(member_pair(region_member(r, "vm0"),
					     region_member(r, "vm1")),
				 i < 3 ? SIV_OK : SIV_R_QUOTA);
		hang_up(&qb);
	}
	listen_to(&qa);
	assert_false(qa.eof);
	hang_up(&qa);
	region_free(r);
}

static void test_vectors_run_out(void **state)
{
	struct region *r;
	struct qemu q[3];

	(void)state;
	vms[0].vectors = 2;
	r = make_region(&secure, 4);
	attach(&q[0], 0);
	attach(&q[1], 1);
	attach(&q[2], 2);
	assert_int_equal(member_pair(region_member(r, "vm0"),
				     region_member(r, "vm1")),
			 SIV_OK);
	assert_int_equal(member_pair(region_member(r, "vm0"),
				     region_member(r, "vm2")),
			 SIV_R_QUOTA);
	hang_up(&q[0]);
	hang_up(&q[1]);
	hang_up(&q[2]);
	region_free(r);
}

/* What was sent and not read is not drained. */
static void test_drained(void **state)
{
	struct region *r = make_region(&secure, 4);
	struct member *a = region_member(r, "vm0");
	struct qemu q;

	(void)state;
	dial(&q, 0);
	run(60);
	assert_int_equal(attached, 1);
	assert_int_equal(drained, 0);
	assert_false(member_drained(a));
	listen_to(&q);
	run(30);
	assert_int_equal(drained, 1);
	assert_true(member_drained(a));
	hang_up(&q);
	region_free(r);
}

/* More messages than a socket holds: none is lost, the order stays. */
static void test_queue(void **state)
{
	struct server_client *c;
	int sv[2], size = 1, i;
	struct qemu q = { .n = 0 };
	int bell = eventfd(0, 0);

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	c = server_client_new(event, sv[0], 1000, NULL, NULL);
	assert_non_null(c);
	q.sock = sv[1];
	for (i = 0; i < 100; i++)
		assert_int_equal(server_send(c, i, i % 2 ? bell : -1), 0);
	assert_false(server_drained(c));
	listen_to(&q);
	assert_int_equal(q.n, 100);
	for (i = 0; i < 100; i++)
		assert_true(q.value[i] == i && (q.fd[i] >= 0) == (i % 2));
	assert_true(server_drained(c));
	assert_int_equal(server_fds_given(c), 50);
	server_client_free(c);
	hang_up(&q);
	close(bell);
}

/* A bell that rings for nothing, as fast as it can, does not keep the loop busy. */
static void test_storm(void **state)
{
	struct region *r = make_region(&secure, 4);
	struct qemu q;
	u64 end;

	(void)state;
	attach(&q, 0);
	run(20);
	end = clock_ms() + 500;
	while (clock_ms() < end) {
		eventfd_write(q.fd[3], 1);
		sd_event_run(event, 0);
	}
	assert_true(mails < 1500);
	/* and it is heard again afterwards */
	run(100);
	mails = 0;
	eventfd_write(q.fd[3], 1);
	run(20);
	assert_int_equal(mails, 1);
	hang_up(&q);
	region_free(r);
}

static void test_vanilla(void **state)
{
	struct region *r = make_region(&vanilla, 0);
	struct qemu qa, qb;
	unsigned int i, at;

	(void)state;
	attach(&qa, 0);
	assert_int_equal(qa.n, 3 + VECTORS);
	assert_true(qa.value[0] == 0 && qa.value[1] == 1 && qa.value[2] == -1);
	for (i = 3; i < qa.n; i++)
		assert_true(qa.value[i] == 1 && qa.fd[i] >= 0);
	attach(&qb, 1);
	/* the others' eventfds come before the own ones */
	assert_int_equal(qb.n, 3 + 2 * VECTORS);
	for (i = 0; i < VECTORS; i++)
		assert_true(qb.value[3 + i] == 1 &&
			    qb.value[3 + VECTORS + i] == 2);
	for (i = 0; i < VECTORS; i++)
		assert_true(same_bell(qb.fd[3 + i], qa.fd[3 + i]));
	listen_to(&qa);
	assert_int_equal(qa.n, 3 + 2 * VECTORS);
	assert_int_equal(qa.value[qa.n - 1], 2);
	at = qa.n;
	hang_up(&qb);
	listen_to(&qa);
	/* the departure, once, without a descriptor */
	assert_true(qa.n == at + 1 && qa.value[at] == 2 && qa.fd[at] < 0);
	attach(&qb, 1);
	assert_int_equal(qb.value[1], 3);
	hang_up(&qb);
	hang_up(&qa);
	assert_int_equal(attached, 0);
	region_free(r);
}

static void test_odd_memory(void **state)
{
	struct memory m;

	(void)state;
	assert_int_equal(memory_new(&m, "x", 0, true), -EINVAL);
	assert_int_equal(memory_new(&m, "x", 3 << 20, true), -EINVAL);
	assert_int_equal(memory_new(&m, "x", (u64)1 << 62, true), -ENOMEM);
	assert_int_equal(m.fd, -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hello),	    TEST(test_pairs),
		TEST(test_numbers),	    TEST(test_boxes),
		TEST(test_second_refused),  TEST(test_many_refused),
		TEST(test_late_news),	    TEST(test_wrong_user),
		TEST(test_no_descriptors),  TEST(test_rogue),
		TEST(test_many_cycles),	    TEST(test_fd_limit),
		TEST(test_vectors_run_out), TEST(test_drained),
		TEST(test_queue),	    TEST(test_storm),
		TEST(test_vanilla),	    TEST(test_odd_memory),
	};

	(void)policy;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
