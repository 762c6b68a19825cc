// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Why something was refused: the tables behind reason.h. */
#include <linux/errno.h>

#include "reason.h"

/* clang-format off */
#define SIV_REASON_ERRNO(name, err, text) \
	[SIV_R_##name] = err,
#define SIV_REASON_TEXT(name, err, text) \
	[SIV_R_##name] = text,
/* clang-format on */

static const int siv_reason_errnos[SIV_R_COUNT] = {
	[SIV_OK] = 0, SIV_REASONS(SIV_REASON_ERRNO)
};

static const char *const siv_reason_texts[SIV_R_COUNT] = {
	[SIV_OK] = "success", SIV_REASONS(SIV_REASON_TEXT)
};

/* The preprocessor cannot make lower case; test-reason compares with the enum. */
static const char *const siv_reason_names[SIV_R_COUNT] = {
	[SIV_OK] = "ok",
	[SIV_R_DER_TRUNCATED] = "der_truncated",
	[SIV_R_DER_LENGTH] = "der_length",
	[SIV_R_DER_TAG] = "der_tag",
	[SIV_R_DER_VALUE] = "der_value",
	[SIV_R_DER_TRAILING] = "der_trailing",
	[SIV_R_CERT_SIZE] = "cert_size",
	[SIV_R_CERT_VERSION] = "cert_version",
	[SIV_R_CERT_SERIAL] = "cert_serial",
	[SIV_R_CERT_SIG_ALG] = "cert_sig_alg",
	[SIV_R_CERT_SIG_ALG_DIFFERS] = "cert_sig_alg_differs",
	[SIV_R_CERT_TIME] = "cert_time",
	[SIV_R_CERT_SPKI_ALG] = "cert_spki_alg",
	[SIV_R_CERT_KEY_NOT_CANONICAL] = "cert_key_not_canonical",
	[SIV_R_CERT_EXT_DUPLICATE] = "cert_ext_duplicate",
	[SIV_R_CERT_EXT_UNKNOWN] = "cert_ext_unknown",
	[SIV_R_CERT_EXT_MISSING] = "cert_ext_missing",
	[SIV_R_CERT_NOT_CRITICAL] = "cert_not_critical",
	[SIV_R_CERT_KEY_USAGE] = "cert_key_usage",
	[SIV_R_CERT_EKU] = "cert_eku",
	[SIV_R_CERT_CA] = "cert_ca",
	[SIV_R_CERT_KEY_ID] = "cert_key_id",
	[SIV_R_CERT_SAN] = "cert_san",
	[SIV_R_CERT_SAN_NAME] = "cert_san_name",
	[SIV_R_CERT_ROLE] = "cert_role",
	[SIV_R_CERT_REGION] = "cert_region",
	[SIV_R_CERT_VM] = "cert_vm",
	[SIV_R_CERT_SERVICE] = "cert_service",
	[SIV_R_CERT_NOT_YET] = "cert_not_yet",
	[SIV_R_CERT_EXPIRED] = "cert_expired",
	[SIV_R_CERT_REVOKED] = "cert_revoked",
	[SIV_R_CERT_SELF] = "cert_self",
	[SIV_R_NO_ANCHOR] = "no_anchor",
	[SIV_R_SIGNATURE] = "signature",
	[SIV_R_SIG_ALG] = "sig_alg",
	[SIV_R_KEY_PKCS8] = "key_pkcs8",
	[SIV_R_KEY_MISMATCH] = "key_mismatch",
	[SIV_R_KEY_EXISTS] = "key_exists",
	[SIV_R_KEY_MISSING] = "key_missing",
	[SIV_R_KEY_NAME] = "key_name",
	[SIV_R_NO_KEY] = "no_key",
	[SIV_R_KEY_SEARCH] = "key_search",
	[SIV_R_KEY_REVOKED] = "key_revoked",
	[SIV_R_KEY_EXPIRED] = "key_expired",
	[SIV_R_DH_ZERO] = "dh_zero",
	[SIV_R_PUB_NOT_CANONICAL] = "pub_not_canonical",
	[SIV_R_TAG] = "tag",
	[SIV_R_CRYPTO] = "crypto",
	[SIV_R_NO_MEMORY] = "no_memory",
	[SIV_R_SUITE] = "suite",
	[SIV_R_VERSION] = "version",
	[SIV_R_GRANULE] = "granule",
	[SIV_R_LENGTH] = "length",
	[SIV_R_TYPE] = "type",
	[SIV_R_RESERVED] = "reserved",
	[SIV_R_NAME] = "name",
	[SIV_R_STATE] = "state",
	[SIV_R_NUMBER] = "number",
	[SIV_R_EXHAUSTED] = "exhausted",
	[SIV_R_CHALLENGE] = "challenge",
	[SIV_R_EPOCH] = "epoch",
	[SIV_R_GENERATION] = "generation",
	[SIV_R_HEADER] = "header",
	[SIV_R_RANGE] = "range",
	[SIV_R_COMMON] = "common",
	[SIV_R_SIZE] = "size",
	[SIV_R_POLICY] = "policy",
	[SIV_R_ALLOW_LIST] = "allow_list",
	[SIV_R_NOT_SEALED] = "not_sealed",
	[SIV_R_NO_LISTENER] = "no_listener",
	[SIV_R_BACKLOG] = "backlog",
	[SIV_R_LISTENING] = "listening",
	[SIV_R_DUP_IDENTITY] = "dup_identity",
	[SIV_R_QUOTA] = "quota",
	[SIV_R_NO_SPACE] = "no_space",
	[SIV_R_RATE] = "rate",
	[SIV_R_TIMEOUT] = "timeout",
	[SIV_R_RING_POSITION] = "ring_position",
	[SIV_R_RING_RECORD] = "ring_record",
	[SIV_R_PEER_CLOSED] = "peer_closed",
	[SIV_R_PEER_GONE] = "peer_gone",
	[SIV_R_NO_FIN] = "no_fin",
	[SIV_R_REVOKED] = "revoked",
	[SIV_R_UNSUPPORTED] = "unsupported",
	[SIV_R_HOST_GONE] = "host_gone",
	[SIV_R_DEVICE_GONE] = "device_gone",
	[SIV_R_NOT_OPEN] = "not_open",
	[SIV_R_MODE] = "mode",
	[SIV_R_WINDOW] = "window",
	[SIV_R_PROTECTION] = "protection",
	[SIV_R_ARGUMENT] = "argument",
	[SIV_R_ARGUMENT_TAIL] = "argument_tail",
	[SIV_R_RECORD_SIZE] = "record_size",
};

/*
 * The codes of the wire: this machine's errno beside the generic number, for an
 * architecture may number them otherwise.
 */
static const struct {
	int err;
	u32 code;
} siv_codes[] = {
	{ EPERM, 1 },	       { EIO, 5 },
	{ EAGAIN, 11 },	       { ENODEV, 19 },
	{ EINVAL, 22 },	       { ENOSPC, 28 },
	{ EPIPE, 32 },	       { EPROTO, 71 },
	{ EBADMSG, 74 },       { EPROTONOSUPPORT, 93 },
	{ EOPNOTSUPP, 95 },    { EADDRINUSE, 98 },
	{ ECONNRESET, 104 },   { ETIMEDOUT, 110 },
	{ ECONNREFUSED, 111 }, { ESTALE, 116 },
	{ EDQUOT, 122 },       { ENOKEY, 126 },
	{ EKEYEXPIRED, 127 },  { EKEYREVOKED, 128 },
	{ EKEYREJECTED, 129 },
};

static bool siv_reason_known(enum siv_reason r)
{
	return (unsigned int)r < SIV_R_COUNT;
}

int siv_reason_errno(enum siv_reason r)
{
	return siv_reason_known(r) ? -siv_reason_errnos[r] : -EIO;
}

const char *siv_reason_name(enum siv_reason r)
{
	if (!siv_reason_known(r) || !siv_reason_names[r])
		return "unknown";
	return siv_reason_names[r];
}

const char *siv_reason_text(enum siv_reason r)
{
	return siv_reason_known(r) ? siv_reason_texts[r] : "unknown cause";
}

u32 siv_reason_code(enum siv_reason r)
{
	int err = -siv_reason_errno(r == SIV_R_NO_MEMORY ? SIV_R_CRYPTO : r);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(siv_codes); i++) {
		if (siv_codes[i].err == err)
			return siv_codes[i].code;
	}
	return 0;
}

int siv_code_errno(u32 code)
{
	size_t i;

	if (!code)
		return 0;
	for (i = 0; i < ARRAY_SIZE(siv_codes); i++) {
		if (siv_codes[i].code == code)
			return -siv_codes[i].err;
	}
	return -ECONNRESET;
}
