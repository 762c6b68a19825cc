// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* challenge and sign: for a key pair that a guest's kernel made. */
#include <stdio.h>

#include "deliver.h"
#include "options.h"
#include "pair.h"
#include "say.h"

enum {
	ANSWER_MAX = 4096
};

int cmd_sign(const struct options *o)
{
	uint8_t pub[SIV_KEY_LEN];
	struct identity id;
	struct validity v;
	struct blob answer;
	struct issuer i;
	int status;

	status = identity_parse(&id, o->args[0], SIV_CERT_ENDPOINT);
	if (!status)
		status = options_validity(o, IDENTITY_DAYS, &v);
	if (status)
		return status;
	if (!o->in)
		return say_usage("sign: --in FILE is needed");
	if (file_read(o->in, ANSWER_MAX, &answer))
		return EXIT_FAILED;
	status = EXIT_FAILED;
	if (!issuer_open(&i, o->dir, true, o->passphrase_file)) {
		if (!challenge_answer(&i.store, id.name, &answer, o->in, pub) &&
		    !issue_allowed(&i, &id, pub, false) &&
		    !deliver_cert(&i, &id, pub, &v, o->out))
			status = challenge_done(&i.store, id.name) ?
					 EXIT_FAILED :
					 EXIT_OK;
		issuer_close(&i);
	}
	blob_free(&answer);
	return status;
}

int cmd_challenge(const struct options *o)
{
	uint8_t pub[SIV_KEY_LEN];
	struct identity id;
	struct issuer i;
	int status;

	status = identity_parse(&id, o->args[0], SIV_CERT_ENDPOINT);
	if (status)
		return status;
	if (!o->out)
		return say_usage("challenge: --out FILE is needed");
	if (issuer_open(&i, o->dir, false, NULL))
		return EXIT_FAILED;
	status = EXIT_FAILED;
	if (!challenge_get(&i.store, id.name, pub) &&
	    !file_put(o->out, 0644, pub, sizeof(pub), false)) {
		printf("%s: challenge for %s\n", o->out, id.name);
		status = EXIT_OK;
	}
	issuer_close(&i);
	return status;
}
