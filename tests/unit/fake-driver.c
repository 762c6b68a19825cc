// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sivshmem driver inside the process, for LD_PRELOAD: enough of the ABI to run the
 * library and the command between two processes without a kernel of ours. No security
 * whatsoever: names are believed.
 *
 * The channel's descriptor is a SOCK_SEQPACKET socket, which keeps record boundaries;
 * what can be mapped is a memfd that the connecting side makes. Sockets, named by
 * service, lie in the directory $FAKE_DRIVER. A key is its description.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/sivshmem.h>

#include "core/ring.h"

enum {
	FDS = 256,
	PAGE = 4096,
	WIN_SHIFT = 40,
	LAST_DEVICE = 3
};

enum {
	KIND_NONE,
	KIND_CONTROL,
	KIND_LISTENER,
	KIND_CHANNEL
};

/* What the connecting side tells the other. */
struct hello {
	u64 ring_tx;
	u64 ring_rx;
	u32 flags;
	u32 pad;
	char service[SIVSHMEM_NAME_LEN];
	char caller[SIVSHMEM_NAME_LEN];
};

static struct fake {
	int kind;
	bool connector;
	bool mapped;
	bool rw;
	int memfd;
	int bell_own;
	int bell_peer;
	struct siv_side *own;
	const struct siv_side *peer;
	struct hello hello;
	u64 bells;
} fakes[FDS];

static char identity[SIVSHMEM_NAME_LEN];

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static struct fake *fake_of(int fd)
{
	return fd >= 0 && fd < FDS && fakes[fd].kind ? &fakes[fd] : NULL;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

/* ---------------------------------------------------------------- connecting */

static void address(struct sockaddr_un *sun, const char *service)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/%s",
		 getenv("FAKE_DRIVER"), service);
}

static void map_sides(struct fake *f)
{
	u8 *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		     f->memfd, 0);

	f->own = (struct siv_side *)(p + (f->connector ? 0 : PAGE));
	f->peer = (struct siv_side *)(p + (f->connector ? PAGE : 0));
}

static int fake_connect(const struct sivshmem_connect *c)
{
	struct hello h = { .ring_tx = c->ring_tx ? c->ring_tx : 65536,
			   .ring_rx = c->ring_rx ? c->ring_rx : 65536,
			   .flags = c->flags };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(3 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct sockaddr_un sun;
	struct fake *f;
	int fd, fds[3];
	char ok;

	if (!siv_is_pow2(h.ring_tx) || !siv_is_pow2(h.ring_rx))
		return fail(EINVAL);
	memcpy(h.service, c->service, sizeof(h.service));
	memcpy(h.caller, identity, sizeof(h.caller));
	address(&sun, (const char *)c->service);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || fd >= FDS)
		return fail(EMFILE);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		close(fd);
		return fail(ECONNREFUSED);
	}
	f = &fakes[fd];
	*f = (struct fake){ .kind = KIND_CHANNEL,
			    .connector = true,
			    .hello = h };
	f->memfd = memfd_create("fake", MFD_CLOEXEC);
	f->bell_own = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->bell_peer = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ftruncate(f->memfd, (off_t)(2 * PAGE + h.ring_tx + h.ring_rx)))
		return -1;
	fds[0] = f->memfd;
	fds[1] = f->bell_own;
	fds[2] = f->bell_peer;
	control.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS,
					  .cmsg_len = CMSG_LEN(sizeof(fds)) };
	memcpy(CMSG_DATA(&control.align), fds, sizeof(fds));
	map_sides(f);
	if (sendmsg(fd, &m, 0) != sizeof(h) || recv(fd, &ok, 1, 0) != 1)
		return fail(ECONNRESET);
	return fd;
}

static int fake_listen(void)
{
	struct sockaddr_un sun, unready;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char name[64];
	bool good;

	/* whoever sees the name may connect */
	address(&sun, identity);
	snprintf(name, sizeof(name), "unready.%d.%d", (int)getpid(), fd);
	address(&unready, name);
	unlink(unready.sun_path);
	good = !bind(fd, (struct sockaddr *)&unready, sizeof(unready)) &&
	       !listen(fd, 16) && !link(unready.sun_path, sun.sun_path);
	unlink(unready.sun_path);
	if (!good) {
		close(fd);
		return fail(EADDRINUSE);
	}
	fakes[fd] = (struct fake){ .kind = KIND_LISTENER };
	return fd;
}

static int fake_accept(int listener, const struct sivshmem_accept *a)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	bool nonblock = fcntl(listener, F_GETFL) & O_NONBLOCK;
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct hello h;
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int fd, r, fds[3];

	r = REAL(poll)(&p, 1,
		       nonblock	     ? 0 :
		       a->timeout_ms ? (int)a->timeout_ms :
				       -1);
	if (r <= 0)
		return r ? -1 : fail(nonblock ? EAGAIN : ETIMEDOUT);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0 || fd >= FDS ||
	    recvmsg(fd, &m, MSG_CMSG_CLOEXEC) != sizeof(h))
		return fail(ECONNRESET);
	memcpy(fds, CMSG_DATA(&control.align), sizeof(fds));
	fakes[fd] = (struct fake){ .kind = KIND_CHANNEL,
				   .memfd = fds[0],
				   .bell_peer = fds[1],
				   .bell_own = fds[2],
				   .hello = h };
	map_sides(&fakes[fd]);
	send(fd, "k", 1, 0);
	return fd;
}

/* ------------------------------------------------------------------- channels */

static void fake_info(const struct fake *f, struct sivshmem_info *i)
{
	const struct hello *h = &f->hello;
	u64 lens[SIVSHMEM_WINDOWS] = { PAGE, PAGE };

	i->state = SIVSHMEM_OPEN;
	i->suite = SIVSHMEM_SUITE_CHACHAPOLY;
	i->minor = SIVSHMEM_NO_MINOR;
	i->cid = 7;
	i->peer = f->connector ? 2 : 1;
	i->ring_tx = f->connector ? h->ring_tx : h->ring_rx;
	i->ring_rx = f->connector ? h->ring_rx : h->ring_tx;
	i->max_record = siv_ring_max_record(i->ring_tx);
	i->handshake_ns = 123456;
	i->bells_sent = f->bells;
	i->flags = (f->connector ? SIVSHMEM_INFO_CONNECTOR : 0) |
		   (f->mapped ? SIVSHMEM_INFO_MAPPED : 0) |
		   (f->rw ? SIVSHMEM_INFO_RW : 0);
	strcpy((char *)i->region, "fake");
	strcpy((char *)i->peer_vm, "other");
	strcpy((char *)i->peer_service, f->connector ? h->service : h->caller);
	strcpy((char *)i->service, h->service);
	if (h->flags & SIVSHMEM_SEALED) {
		i->flags |= SIVSHMEM_INFO_SEALED;
		return;
	}
	lens[SIVSHMEM_WIN_TX] = 2 * i->ring_tx;
	lens[SIVSHMEM_WIN_RX] = 2 * i->ring_rx;
	for (unsigned int w = 0; w < SIVSHMEM_WINDOWS; w++)
		i->window[w] = (struct sivshmem_window){
			.offset = (u64)w << WIN_SHIFT,
			.length = lens[w],
			.prot = w == SIVSHMEM_WIN_CTL_OWN ||
						w == SIVSHMEM_WIN_TX ?
					PROT_READ | PROT_WRITE :
					PROT_READ
		};
}

static bool fake_reached(const struct fake *f, const struct sivshmem_wait *w)
{
	bool read = w->flags == SIVSHMEM_WAIT_READ;
	const u64 *at = read ? &f->peer->prod : &f->peer->cons;

	/* pairs with siv_tx_publish() and siv_rx_release() */
	return virt_load_acquire(at) >= w->position ||
	       siv_end_get(f->peer) & (read ? SIV_END_WR : SIV_END_RD);
}

static int fake_wait(int fd, struct fake *f, const struct sivshmem_wait *w)
{
	struct pollfd p[2] = { { .fd = f->bell_own, .events = POLLIN },
			       { .fd = fd } };
	eventfd_t n;
	int r;

	for (;;) {
		WRITE_ONCE(*(w->flags == SIVSHMEM_WAIT_READ ?
				     &f->own->want_prod :
				     &f->own->want_cons),
			   w->position);
		/* pairs with siv_tx_publish() and siv_rx_release() */
		virt_mb();
		if (fake_reached(f, w))
			return 0;
		if (!w->timeout_ms)
			return fail(EAGAIN);
		r = REAL(poll)(p, 2, (int)w->timeout_ms);
		if (r <= 0)
			return r ? -1 : fail(ETIMEDOUT);
		if (p[1].revents & POLLHUP)
			return fake_reached(f, w) ? 0 : fail(ECONNRESET);
		eventfd_read(f->bell_own, &n);
	}
}

static int fake_shutdown(int fd, struct fake *f,
			 const struct sivshmem_shutdown *s)
{
	static unsigned int marks[FDS];

	marks[fd] |= s->how & SIVSHMEM_SHUT_WR ? SIV_END_WR : 0;
	marks[fd] |= s->how & SIVSHMEM_SHUT_RD ? SIV_END_RD : 0;
	siv_end_set(f->own, marks[fd]);
	eventfd_write(f->bell_peer, 1);
	if (!f->mapped)
		shutdown(fd, s->how == 3	       ? SHUT_RDWR :
			     s->how & SIVSHMEM_SHUT_WR ? SHUT_WR :
							 SHUT_RD);
	return 0;
}

static int fake_region(struct sivshmem_region_info *r)
{
	bool second = r->index;

	/* two devices; between them those that were removed */
	if (r->index > LAST_DEVICE)
		return fail(ENODEV);
	r->index = second ? LAST_DEVICE : 0;
	r->peer = 1;
	r->vectors = 4;
	r->granule = PAGE;
	r->suites = 6;
	r->region_size = 64 << 20;
	r->ring_min = PAGE;
	r->ring_max = 16 << 20;
	r->sealed_max = 65536;
	r->fallback_ms = 100;
	r->posture = SIVSHMEM_POSTURE_NO_LOCKDOWN;
	r->flags = SIVSHMEM_REGION_CACHED;
	strcpy((char *)r->region, second ? "other" : "fake");
	strcpy((char *)r->bus_id, "0000:00:05.0");
	return 0;
}

/* -------------------------------------------------------------- interposition */

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int fd;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (strcmp(path, "/dev/sivshmem-control"))
		return REAL(open)(path, flags, mode);
	fd = REAL(open)("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd >= 0 && fd < FDS)
		fakes[fd] = (struct fake){ .kind = KIND_CONTROL };
	return fd;
}

int close(int fd)
{
	struct fake *f = fake_of(fd);

	if (f && f->kind == KIND_CHANNEL) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char unread;

		/* a socket closed with unread bytes would reset the peer */
		shutdown(fd, SHUT_WR);
		while (!f->mapped && REAL(poll)(&p, 1, 300) == 1 &&
		       recv(fd, &unread, 1, 0) > 0)
			;
		/* the orderly end of a mapped channel */
		siv_end_set(f->own, SIV_END_WR | SIV_END_RD);
		eventfd_write(f->bell_peer, 1);
	}
	if (f)
		f->kind = KIND_NONE;
	return REAL(close)(fd);
}

int ioctl(int fd, unsigned long cmd, ...)
{
	struct fake *f = fake_of(fd);
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!f)
		return REAL(ioctl)(fd, cmd, arg);
	if (f->kind == KIND_CONTROL && cmd == SIVSHMEM_VERSION)
		return SIVSHMEM_ABI_VERSION;
	if (f->kind == KIND_CONTROL && cmd == SIVSHMEM_CONNECT)
		return fake_connect(arg);
	if (f->kind == KIND_CONTROL && cmd == SIVSHMEM_LISTEN)
		return fake_listen();
	if (f->kind == KIND_CONTROL && cmd == SIVSHMEM_REGION_INFO)
		return fake_region(arg);
	if (f->kind == KIND_LISTENER && cmd == SIVSHMEM_ACCEPT)
		return fake_accept(fd, arg);
	if (f->kind != KIND_CHANNEL)
		return fail(ENOTTY);
	switch (cmd) {
	case SIVSHMEM_INFO:
		fake_info(f, arg);
		return 0;
	case SIVSHMEM_WAIT:
		return fake_wait(fd, f, arg);
	case SIVSHMEM_BELL:
		f->bells++;
		return eventfd_write(f->bell_peer, 1);
	case SIVSHMEM_SHUTDOWN:
		return fake_shutdown(fd, f, arg);
	}
	return fail(ENOTTY);
}

static void *map_ring(struct fake *f, u64 off, u64 len, int prot)
{
	u8 *at = mmap(NULL, 2 * len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);

	mmap(at, len, prot, MAP_SHARED | MAP_FIXED, f->memfd, (off_t)off);
	mmap(at + len, len, prot, MAP_SHARED | MAP_FIXED, f->memfd, (off_t)off);
	return at;
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	struct fake *f = fake_of(fd);
	u64 ab = 2 * PAGE, ba;
	bool a;

	if (!f || f->kind != KIND_CHANNEL)
		return REAL(mmap)(addr, len, prot, flags, fd, off);
	if (f->rw || f->hello.flags & SIVSHMEM_SEALED) {
		errno = f->rw ? EBUSY : EOPNOTSUPP;
		return MAP_FAILED;
	}
	f->mapped = true;
	a = f->connector;
	ba = ab + f->hello.ring_tx;
	switch ((u64)off >> WIN_SHIFT) {
	case SIVSHMEM_WIN_CTL_OWN:
		return REAL(mmap)(NULL, len, prot, flags, f->memfd,
				  a ? 0 : PAGE);
	case SIVSHMEM_WIN_CTL_PEER:
		return REAL(mmap)(NULL, len, prot, flags, f->memfd,
				  a ? PAGE : 0);
	case SIVSHMEM_WIN_TX:
		return map_ring(f, a ? ab : ba, len / 2, prot);
	default:
		return map_ring(f, a ? ba : ab, len / 2, prot);
	}
}

ssize_t read(int fd, void *buf, size_t len)
{
	struct fake *f = fake_of(fd);
	char peek[1];
	ssize_t n;

	if (!f || f->kind != KIND_CHANNEL)
		return REAL(read)(fd, buf, len);
	if (f->mapped)
		return fail(EBUSY);
	f->rw = true;
	n = recv(fd, peek, 1, MSG_PEEK | MSG_TRUNC);
	if (n > 0 && (size_t)n > len)
		return fail(EMSGSIZE);
	return n <= 0 ? n : recv(fd, buf, len, 0);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	struct fake *f = fake_of(fd);
	struct sivshmem_info i = { 0 };

	if (!f || f->kind != KIND_CHANNEL)
		return REAL(write)(fd, buf, len);
	if (f->mapped)
		return fail(EBUSY);
	f->rw = true;
	fake_info(f, &i);
	if (len > i.max_record)
		return fail(EMSGSIZE);
	return len ? send(fd, buf, len, MSG_NOSIGNAL) : 0;
}

long request_key(const char *type, const char *description, const char *callout,
		 int dest);

/* From libkeyutils: a key is its description, "nobody" is nobody's. */
long request_key(const char *type, const char *description, const char *callout,
		 int dest)
{
	(void)type;
	(void)callout;
	(void)dest;
	if (!strcmp(description, "nobody"))
		return fail(ENOKEY);
	snprintf(identity, sizeof(identity), "%s", description);
	return 1234;
}
