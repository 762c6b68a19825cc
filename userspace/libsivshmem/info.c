// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is known: the peer, the channel, the region, the driver, an error. */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int ivshmem_info(const struct ivshmem *ch, struct sivshmem_info *info)
{
	if (ch->listener || info->size < sizeof(info->size))
		return -EINVAL;
	return siv_info_get(ch->fd, info);
}

static void name_get(char out[SIVSHMEM_NAME_LEN],
		     const uint8_t field[SIVSHMEM_NAME_LEN])
{
	memcpy(out, field, SIVSHMEM_NAME_LEN);
	out[SIVSHMEM_NAME_LEN - 1] = '\0';
}

int ivshmem_peer(const struct ivshmem *ch, struct ivshmem_peer *peer)
{
	struct sivshmem_info info = { .size = sizeof(info) };
	struct ivshmem_peer p = { .size = peer->size };
	int r;

	if (ch->listener || peer->size < sizeof(p))
		return -EINVAL;
	r = siv_info_get(ch->fd, &info);
	if (r < 0)
		return r;
	if (info.state == SIVSHMEM_CONNECTING || !info.peer_service[0])
		return -EPERM;
	p.flags = info.flags & (SIVSHMEM_INFO_SEALED | SIVSHMEM_INFO_CONNECTOR);
	p.number = info.peer;
	p.suite = info.suite;
	p.cid = info.cid;
	name_get(p.region, info.region);
	name_get(p.vm, info.peer_vm);
	name_get(p.service, info.peer_service);
	memcpy(p.cert, info.peer_cert, sizeof(p.cert));
	/* a caller that knows more members than we do finds zeros there */
	memset(peer, 0, peer->size);
	memcpy(peer, &p, sizeof(p));
	return 0;
}

int ivshmem_region(unsigned int index, struct sivshmem_region_info *info)
{
	uint32_t size = info->size;
	int control, r;

	if (size < offsetof(struct sivshmem_region_info, peer))
		return -EINVAL;
	control = siv_control_open();
	if (control < 0)
		return control;
	memset(info, 0, size);
	info->size = size;
	info->index = index;
	r = siv_fd_ioctl(control, SIVSHMEM_REGION_INFO, info);
	close(control);
	return r;
}

int ivshmem_abi_version(void)
{
	int control = siv_control_open(), r;

	if (control < 0)
		return control;
	r = siv_fd_ioctl(control, SIVSHMEM_VERSION, NULL);
	close(control);
	return r;
}

const char *ivshmem_version(void)
{
	return LIBSIVSHMEM_VERSION;
}

static const struct {
	int error;
	const char *text;
} hints[] = {
	{ EPERM,
	  "not authenticated yet, or the policy on the host does not allow it" },
	{ EACCES,
	  "no permission on the node or the key; is the user in group sivshmem?" },
	{ ENOKEY,
	  "no such identity in the caller's keyrings, or no trust anchor in .sivshmem" },
	{ EKEYREJECTED,
	  "a certificate or key was refused; dmesg and the trace tell why" },
	{ EKEYEXPIRED,
	  "a certificate or key has expired: renew it, and check the clock" },
	{ EKEYREVOKED, "the identity was revoked, here or by the host" },
	{ EBADMSG, "malformed, or it failed authentication" },
	{ EPROTO, "the peer broke the rules of the ring; the channel is over" },
	{ EPROTONOSUPPORT,
	  "version, suite or granule differ between this guest and the host" },
	{ ESTALE, "of an old epoch or generation: connect again" },
	{ EDQUOT, "a quota of this VM is used up; see the policy on the host" },
	{ ENOSPC, "the region is full" },
	{ EADDRINUSE, "the service has a listener already" },
	{ ECONNREFUSED,
	  "nobody listens as that service, or its backlog is full" },
	{ ECONNRESET,
	  "the peer is gone without closing, or the channel was revoked" },
	{ EPIPE, "the peer has closed and reads no more" },
	{ EMSGSIZE,
	  "the record is larger than a record, or than the buffer, may be" },
	{ EBUSY,
	  "in use: the channel the other way, or the node by somebody else" },
	{ ETIMEDOUT, "no answer in time; is sivshmemd running on the host?" },
	{ ENODEV,
	  "no sivshmem driver or device here; modprobe sivshmem, and see dmesg" },
	{ EOPNOTSUPP,
	  "not possible for this channel, for example mapping a sealed one" },
	{ ENOTTY,
	  "not a sivshmem channel, or the driver is older than this library" },
	{ E2BIG, "the driver is older than what was asked of it" },
	{ EINVAL,
	  "an argument is wrong: a name, a size that is no power of two, a flag" },
};

const char *ivshmem_hint(int error)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].error == -error)
			return hints[i].text;
	return "";
}
