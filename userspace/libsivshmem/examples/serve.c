// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* serve: listen as the identity named on the command line and print what callers send. */
#include <stdio.h>
#include <string.h>

#include <sivshmem/sivshmem.h>

static void serve(struct ivshmem *ch)
{
	struct ivshmem_peer peer = { .size = sizeof(peer) };
	char text[4096];
	ssize_t n;

	if (!ivshmem_peer(ch, &peer))
		printf("%s/%s of region %s:\n", peer.vm, peer.service,
		       peer.region);
	while ((n = ivshmem_recv(ch, text, sizeof(text))) > 0)
		printf("  %.*s\n", (int)n, text);
	if (n < 0)
		printf("  ended: %s\n", strerror((int)-n));
}

int main(int argc, char **argv)
{
	struct ivshmem_options opt = IVSHMEM_OPTIONS_INIT;
	struct ivshmem *ls, *ch;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: %s IDENTITY\n", argv[0]);
		return 2;
	}
	opt.identity = argv[1];
	err = ivshmem_listen(&opt, &ls);
	while (!err) {
		err = ivshmem_accept(ls, &ch);
		if (err)
			break;
		serve(ch);
		ivshmem_close(ch);
	}
	fprintf(stderr, "%s: %s (%s)\n", argv[1], strerror(-err),
		ivshmem_hint(err));
	return 1;
}
