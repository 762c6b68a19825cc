// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* hello: send one record to the service camera.front, as the identity "display". */
#include <stdio.h>
#include <string.h>

#include <sivshmem/sivshmem.h>

int main(void)
{
	struct ivshmem_options opt = { .size = sizeof(opt),
				       .identity = "display" };
	struct ivshmem *ch;
	ssize_t n = ivshmem_connect("camera.front", &opt, &ch);

	if (!n) {
		n = ivshmem_send(ch, "hello", 5);
		ivshmem_close(ch);
	}
	if (n < 0)
		fprintf(stderr, "%s: %s\n", strerror((int)-n),
			ivshmem_hint((int)n));
	return n < 0;
}
