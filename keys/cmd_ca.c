// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* init-ca: a new certificate authority. */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "say.h"
#include "secret.h"

enum {
	CA_DAYS = 3650,
	CA_NAME_MAX = 64
};

static int new_ca(const struct options *o, const struct ca_wish *wish)
{
	struct index empty = { 0 };
	struct store s;
	int err;

	if (secret_lock_memory() || store_create(&s, o->dir))
		return -1;
	err = ca_create(&s, wish) || index_save(&empty, &s);
	store_close(&s);
	if (err)
		return -1;
	printf("%s: CA \"%s\", %s: give ca.crt or ca.der to guests and daemon, and keep the rest\n",
	       o->dir, wish->name, wish->algorithm);
	return 0;
}

int cmd_init_ca(const struct options *o)
{
	char passphrase[PASSPHRASE_MAX + 1] = "";
	struct ca_wish wish = {
		.algorithm = o->algorithm ? o->algorithm : "rsa3072",
		.name = o->name ? o->name : "sivshmem CA",
	};
	struct validity v;
	int status;

	if (!ca_algorithm_known(wish.algorithm))
		return say_usage(
			"--algorithm %s: not rsa3072, rsa4096, p256 or p384",
			wish.algorithm);
	if (!*wish.name || strlen(wish.name) > CA_NAME_MAX)
		return say_usage("--name: 1 to %d bytes", CA_NAME_MAX);
	if (o->passphrase_file && !o->encrypt)
		return say_usage("--passphrase-file: only with --encrypt");
	status = options_validity(o, CA_DAYS, &v);
	if (status)
		return status;
	wish.from = v.from;
	wish.until = v.until;
	if (o->encrypt) {
		if (passphrase_get(o->passphrase_file, "the new CA's key", 1,
				   passphrase))
			return EXIT_FAILED;
		wish.passphrase = passphrase;
	}
	status = new_ca(o, &wish) ? EXIT_FAILED : EXIT_OK;
	siv_wipe(passphrase, sizeof(passphrase));
	return status;
}
