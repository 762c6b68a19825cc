// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "simguest/internal.h"

/* epoll data of the server's socket; own vectors use their number. */
#define SOCK_EVENT 0xffffffffu

u64 sim_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

u64 sim_now_ms(void)
{
	return sim_now_ns() / 1000000u;
}

u8 *sim_box(struct sim_guest *g)
{
	return g->at.mem + siv_box_offset(&g->geo, g->at.peer);
}

static int watch(struct sim_guest *g, int fd, u32 data)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = data };

	return epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int watch_own(struct sim_guest *g)
{
	int r = 0;

	while (!r && g->watched < g->at.own_count) {
		r = watch(g, g->at.own[g->watched], g->watched);
		g->watched++;
	}
	return r;
}

/* The header and the host certificate, copied once, then checked. */
static enum siv_reason take_header(struct sim_guest *g)
{
	struct siv_region_header h;
	struct siv_span v = { (const u8 *)&h, SIV_HEADER_CONST_LEN };
	struct siv_span region;
	enum siv_reason r;
	u32 off, len;

	if (g->at.size < sizeof(h))
		return SIV_R_HEADER;
	memcpy(&h, g->at.mem, sizeof(h));
	r = siv_header_check(&h, g->at.size, (u32)sysconf(_SC_PAGESIZE),
			     &g->geo);
	if (r)
		return r;
	siv_sha256v(g->header_hash, &v, 1);
	memcpy(g->epoch, h.epoch, sizeof(g->epoch));
	if (!siv_name_get(h.region, &region))
		return SIV_R_HEADER;
	memcpy(g->region, region.p, region.n);
	off = siv_get_le32(&h.cert_off);
	len = siv_get_le32(&h.cert_len);
	if (!len || len > sizeof(g->host_der) || off > g->at.size - len)
		return SIV_R_HEADER;
	memcpy(g->host_der, g->at.mem + off, len);
	return siv_cert_parse((struct siv_span){ g->host_der, len }, &g->host);
}

/* The memory of the guest's kernel is gone; a goodbye stays in its slot. */
static void forget_all(struct sim_guest *g)
{
	unsigned int i;

	for (i = 0; i < SIM_CHANNELS; i++)
		if (g->channel[i])
			sim_channel_free(g->channel[i]);
	memset(&g->outbox, 0, sizeof(g->outbox));
	for (i = 0; i < SIM_SESSIONS; i++)
		if (g->session[i])
			sim_session_drop(g->session[i]);
	siv_wipe(g->pair, sizeof(g->pair));
	g->next_ms = 0;
}

static void say_goodbye(struct sim_guest *g)
{
	unsigned int i;

	for (i = 0; i < SIM_SESSIONS; i++)
		if (g->session[i] && !g->session[i]->heir)
			(void)sim_say(g->session[i], SIV_MSG_GOODBYE, NULL, 0);
}

struct sim_guest *sim_guest_open(const char *path,
				 const struct siv_anchors *anchors, int *err)
{
	struct sim_guest *g = calloc(1, sizeof(*g));

	*err = -ENOMEM;
	if (!g)
		return NULL;
	g->anchors = anchors;
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	g->t = siv_aead_alloc();
	if (g->t && g->epoll >= 0)
		*err = sim_attach(&g->at, path, 10000);
	if (*err) {
		close(g->epoll);
		siv_aead_free(g->t);
		free(g);
		return NULL;
	}
	*err = siv_random(g->boot_nonce, sizeof(g->boot_nonce));
	if (!*err)
		*err = siv_reason_errno(take_header(g));
	if (!*err)
		*err = watch(g, g->at.sock, SOCK_EVENT);
	if (!*err)
		return g;
	sim_guest_close(g, false);
	return NULL;
}

void sim_guest_close(struct sim_guest *g, bool orderly)
{
	if (!g)
		return;
	if (orderly)
		say_goodbye(g);
	forget_all(g);
	close(g->epoll);
	sim_detach(&g->at);
	siv_aead_free(g->t);
	siv_wipe(g, sizeof(*g));
	free(g);
}

int sim_guest_reboot(struct sim_guest *g, bool orderly)
{
	int r;

	if (orderly)
		say_goodbye(g);
	forget_all(g);
	g->attempt = 0;
	r = siv_random(g->boot_nonce, sizeof(g->boot_nonce));
	return r ? r : siv_reason_errno(take_header(g));
}

void sim_post(struct sim_guest *g)
{
	unsigned int i, wrote = 0;
	u64 now = sim_now_ms(), next;
	u8 *box = sim_box(g);

	g->next_ms = 0;
	for (i = 0; i < SIM_SESSIONS; i++) {
		struct sim_session *ss = g->session[i];

		if (!ss || ss->s.state != SIV_SESSION_LIVE)
			continue;
		sim_pump(ss);
		wrote += siv_session_post(&ss->s, &g->outbox, box + SIV_BOX_UP,
					  now, &next);
		if (next && (!g->next_ms || next < g->next_ms))
			g->next_ms = next;
	}
	if (wrote)
		sim_attach_ring(&g->at, 0, SIV_BELL_MAIL);
}

/* Look at every down slot once; true if a record was taken. */
static bool scan_once(struct sim_guest *g)
{
	u8 *slots = sim_box(g) + SIV_BOX_DOWN;
	_Alignas(8) u8 rec[SIV_SLOT_SIZE], plain[SIV_SLOT_SIZE];
	bool any = false;
	unsigned int i, k;

	for (i = 0; i < SIV_BOX_SLOTS; i++) {
		const u8 *slot = slots + i * SIV_SLOT_SIZE;
		struct siv_slot_info info;

		if (!siv_slot_peek(slot, &info))
			continue;
		for (k = 0; k < SIM_SESSIONS; k++) {
			struct sim_session *ss = g->session[k];
			struct siv_span body;
			size_t n;
			u16 type;

			if (!ss ||
			    !siv_session_wants(&ss->s, &info, sim_now_ms()))
				continue;
			n = siv_slot_copy(slot, &info, rec);
			if (siv_session_receive(
				    &ss->s, (struct siv_span){ rec, n }, plain,
				    &type, &body, sim_now_ms()))
				continue;
			any = true;
			sim_heard(ss, type, body);
			break;
		}
	}
	return any;
}

static void scan(struct sim_guest *g)
{
	unsigned int pass;

	for (pass = 0; pass < SIV_BOX_SLOTS && scan_once(g); pass++)
		;
}

static int handle(struct sim_guest *g, const struct epoll_event *ev)
{
	eventfd_t count;

	if (ev->data.u32 == SOCK_EVENT)
		return sim_attach_read(&g->at);
	if (!eventfd_read(g->at.own[ev->data.u32], &count))
		g->bells[ev->data.u32] += count;
	return 0;
}

int sim_guest_step(struct sim_guest *g, int timeout_ms)
{
	struct epoll_event ev[16];
	u64 now = sim_now_ms();
	int i, n, r = 0;

	if (g->next_ms) {
		u64 left = g->next_ms > now ? g->next_ms - now : 0;

		if (timeout_ms < 0 || left < (u64)timeout_ms)
			timeout_ms = (int)left;
	}
	n = epoll_wait(g->epoll, ev, 16, timeout_ms);
	for (i = 0; i < n && !r; i++)
		r = handle(g, &ev[i]);
	if (!r)
		r = watch_own(g);
	scan(g);
	sim_post(g);
	sim_retire(g);
	return r;
}
