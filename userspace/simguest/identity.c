// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/session.h"
#include "simguest/identity.h"

enum {
	BUNDLE_MAX = SIV_CERT_MAX + 256,
};

static enum siv_reason take(struct sim_identity *id, struct siv_span bundle)
{
	struct siv_span der, priv;
	enum siv_reason r = siv_bundle_split(bundle, &der, &priv);
	u8 pub[SIV_KEY_LEN];

	if (r)
		return r;
	if (!priv.n)
		return SIV_R_KEY_PKCS8;
	if (der.n > sizeof(id->der))
		return SIV_R_CERT_SIZE;
	memcpy(id->der, der.p, der.n);
	r = siv_cert_parse((struct siv_span){ id->der, der.n }, &id->cert);
	if (r)
		return r;
	r = siv_x25519_base(pub, priv.p);
	if (r)
		return r;
	if (!siv_equal(pub, id->cert.pub, sizeof(pub)))
		return SIV_R_KEY_MISMATCH;
	siv_hedge_prk(id->prkh, priv.p);
	id->key = siv_static_from_private(priv.p);
	return id->key ? SIV_OK : SIV_R_CRYPTO;
}

struct sim_identity *sim_identity_load(const char *path)
{
	struct sim_identity *id = calloc(1, sizeof(*id));
	FILE *f = fopen(path, "re");
	u8 bundle[BUNDLE_MAX];
	enum siv_reason r;
	size_t n;

	if (!id || !f) {
		fprintf(stderr, "simguest: %s: %s\n", path, strerror(errno));
		free(id);
		if (f)
			fclose(f);
		return NULL;
	}
	n = fread(bundle, 1, sizeof(bundle), f);
	fclose(f);
	r = take(id, (struct siv_span){ bundle, n });
	siv_wipe(bundle, sizeof(bundle));
	if (!r)
		return id;
	fprintf(stderr, "simguest: %s: %s\n", path, siv_reason_text(r));
	sim_identity_free(id);
	return NULL;
}

void sim_identity_free(struct sim_identity *id)
{
	if (!id)
		return;
	siv_static_free(id->key);
	siv_wipe(id, sizeof(*id));
	free(id);
}
