// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* hello: send one record to the service camera.front, as the identity "display". */
#include <stdio.h>
#include <string.h>

#include <sivshmem/sivshmem.h>

int main(void)
{
	struct ivshmem_options opt = { .size = sizeof(opt), .identity = "display" };
	struct ivshmem *ch;
	int err = ivshmem_connect("camera.front", &opt, &ch);

	if (!err && ivshmem_send(ch, "hello", 5) == 5)
		return ivshmem_close(ch), 0;
	fprintf(stderr, "camera.front: %s (%s)\n", strerror(-err), ivshmem_hint(err));
	return 1;
}
