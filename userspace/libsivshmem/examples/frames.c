// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * frames: zero-copy both ways. Draws frames straight into the ring to a service, which
 * sends each one back; looks at the answer where it lies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sivshmem/sivshmem.h>

enum {
	FRAME = 64 * 1024,
	FRAMES = 1000
};

/* One frame there and back: 0, or what a call gave. */
static int exchange(struct ivshmem *ch, int number)
{
	const void *in;
	void *out;
	ssize_t n;
	int err = ivshmem_reserve(ch, FRAME, &out);

	if (err)
		return err;
	memset(out, number, FRAME);
	err = ivshmem_commit(ch, FRAME);
	if (err)
		return err;
	n = ivshmem_peek(ch, &in);
	if (n < 0)
		return (int)n;
	/* the peer may change these bytes still: look at each one once */
	if (n != FRAME ||
	    *(const volatile unsigned char *)in != (unsigned char)number)
		fprintf(stderr, "frame %d came back different\n", number);
	return n ? ivshmem_release(ch) : 1;
}

int main(int argc, char **argv)
{
	struct ivshmem_options opt = IVSHMEM_OPTIONS_INIT;
	struct ivshmem *ch;
	int err = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: %s IDENTITY SERVICE\n", argv[0]);
		return 2;
	}
	opt.identity = argv[1];
	opt.flags = IVSHMEM_ZEROCOPY;
	opt.ring_tx = 4 * FRAME;
	opt.ring_rx = 4 * FRAME;
	err = ivshmem_connect(argv[2], &opt, &ch);
	if (!err) {
		for (int i = 0; i < FRAMES && !err; i++)
			err = exchange(ch, i);
		ivshmem_close(ch);
	}
	if (err < 0)
		fprintf(stderr, "%s: %s (%s)\n", argv[2], strerror(-err),
			ivshmem_hint(err));
	return err ? 1 : 0;
}
