// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* bundle: a certificate and its private key, made elsewhere, as one payload. */
#include <stdio.h>

#include "options.h"
#include "pair.h"
#include "say.h"
#include "secret.h"
#include "x509.h"

int cmd_bundle(const struct options *o)
{
	struct blob cert = { NULL, 0 }, key = { NULL, 0 }, out = { NULL, 0 };
	EVP_PKEY *private = NULL;
	int status = EXIT_FAILED;

	if (!o->cert || !o->key || !o->out)
		return say_usage("bundle: --cert, --key and --out are needed");
	if (secret_lock_memory() || x509_read(o->cert, &cert) ||
	    file_read(o->key, FILE_MAX, &key))
		goto out;
	private = private_key_read(&key, o->key, o->passphrase_file);
	if (!private || bundle_make(&cert, private, o->cert, &out) ||
	    file_put(o->out, 0600, out.p, out.n, false))
		goto out;
	printf("%s: %zu bytes\n", o->out, out.n);
	status = EXIT_OK;
out:
	EVP_PKEY_free(private);
	blob_free(&out);
	blob_free(&key);
	blob_free(&cert);
	return status;
}
