/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Why something was refused: one value per cause, each with a name (for events
 * and the audit log), an errno (for callers and for the wire) and a sentence.
 * Documentation/troubleshooting.rst lists them all; a test compares.
 */
#ifndef SIV_CORE_REASON_H
#define SIV_CORE_REASON_H

#include "platform.h"

/*
 * X(name, errno, sentence): the errno's number is the generic one of Linux. A table: a
 * cause is a line, however long.
 */
/* clang-format off */
#define SIV_REASONS(X) \
	X(DER_TRUNCATED, EBADMSG, "DER: a length runs past the end") \
	X(DER_LENGTH, EBADMSG, "DER: a length is indefinite or not minimal") \
	X(DER_TAG, EBADMSG, "DER: another tag was expected") \
	X(DER_VALUE, EBADMSG, "DER: a value is not in its canonical form") \
	X(DER_TRAILING, EBADMSG, "DER: bytes follow the end") \
	X(CERT_SIZE, EBADMSG, "certificate is larger than 4096 bytes") \
	X(CERT_VERSION, EKEYREJECTED, "certificate is not X.509 v3") \
	X(CERT_SERIAL, EKEYREJECTED, "serial number is not 1 to 20 bytes, positive") \
	X(CERT_SIG_ALG, EKEYREJECTED, "signature algorithm is not an allowed one") \
	X(CERT_SIG_ALG_DIFFERS, EKEYREJECTED, "inner and outer signature algorithms differ") \
	X(CERT_TIME, EBADMSG, "a date is not a valid UTCTime or GeneralizedTime") \
	X(CERT_SPKI_ALG, EKEYREJECTED, "public key is not X25519 (RFC 8410)") \
	X(CERT_KEY_NOT_CANONICAL, EKEYREJECTED, "public key is not canonical") \
	X(CERT_EXT_DUPLICATE, EKEYREJECTED, "an extension stands twice") \
	X(CERT_EXT_UNKNOWN, EKEYREJECTED, "an extension that the profile does not allow") \
	X(CERT_EXT_MISSING, EKEYREJECTED, "a required extension is missing") \
	X(CERT_NOT_CRITICAL, EKEYREJECTED, "keyUsage or extKeyUsage is not critical") \
	X(CERT_KEY_USAGE, EKEYREJECTED, "keyUsage is not exactly keyAgreement") \
	X(CERT_EKU, EKEYREJECTED, "extKeyUsage is not exactly one of ours") \
	X(CERT_CA, EKEYREJECTED, "basicConstraints is not CA:FALSE") \
	X(CERT_KEY_ID, EKEYREJECTED, "a key identifier is critical, or not 1 to 64 bytes alone") \
	X(CERT_SAN, EKEYREJECTED, "subjectAltName is not exactly one URI") \
	X(CERT_SAN_NAME, EKEYREJECTED, "subjectAltName is not sivshmem://REGION[/VM/SERVICE]") \
	X(CERT_ROLE, EKEYREJECTED, "a host certificate as endpoint, or the reverse") \
	X(CERT_REGION, EKEYREJECTED, "certificate names another region") \
	X(CERT_VM, EKEYREJECTED, "certificate names another VM") \
	X(CERT_SERVICE, EKEYREJECTED, "certificate names another service") \
	X(CERT_NOT_YET, EKEYREJECTED, "certificate is not yet valid") \
	X(CERT_EXPIRED, EKEYEXPIRED, "certificate has expired") \
	X(CERT_REVOKED, EKEYREVOKED, "certificate is revoked") \
	X(CERT_SELF, EKEYREJECTED, "the peer presents our own certificate or key, or the host's") \
	X(NO_ANCHOR, ENOKEY, "no trust anchor issued this certificate") \
	X(SIGNATURE, EKEYREJECTED, "the CA's signature does not verify") \
	X(SIG_ALG, EKEYREJECTED, "this kernel cannot verify that signature algorithm") \
	X(KEY_PKCS8, EBADMSG, "private key is not PKCS#8 X25519 (RFC 8410)") \
	X(KEY_MISMATCH, EKEYREJECTED, "private key does not match the certificate") \
	X(KEY_EXISTS, EEXIST, "the key has a private key; only its certificate can be renewed") \
	X(KEY_MISSING, EINVAL, "a certificate alone, and no key that it renews") \
	X(KEY_NAME, EINVAL, "a key's description is neither SERVICE nor REGION/VM/SERVICE") \
	X(NO_KEY, ENOKEY, "no identity key") \
	X(KEY_SEARCH, EACCES, "the caller may not search the identity's key") \
	X(KEY_REVOKED, EKEYREVOKED, "the identity's key was revoked, invalidated or unlinked") \
	X(KEY_EXPIRED, EKEYEXPIRED, "the identity's key has a timeout, and it is over") \
	X(DH_ZERO, EBADMSG, "a Diffie-Hellman result is zero") \
	X(PUB_NOT_CANONICAL, EBADMSG, "an ephemeral public key is not canonical") \
	X(TAG, EBADMSG, "authentication tag does not verify") \
	X(CRYPTO, EIO, "the platform's cryptography failed") \
	X(NO_MEMORY, ENOMEM, "no memory") \
	X(SUITE, EPROTONOSUPPORT, "cipher suite is not offered") \
	X(VERSION, EPROTONOSUPPORT, "protocol version differs") \
	X(GRANULE, EPROTONOSUPPORT, "granule does not fit this machine's pages") \
	X(LENGTH, EBADMSG, "message has another length") \
	X(TYPE, EPROTO, "message type is unknown") \
	X(RESERVED, EBADMSG, "a reserved field is not zero") \
	X(NAME, EBADMSG, "a name is malformed") \
	X(STATE, EPROTO, "message does not belong in this state") \
	X(NUMBER, EBADMSG, "record number is not the next one") \
	X(EXHAUSTED, EPROTO, "record numbers are used up") \
	X(CHALLENGE, EBADMSG, "challenge is not the current one") \
	X(EPOCH, ESTALE, "another epoch") \
	X(GENERATION, ESTALE, "connect id is not one of ours") \
	X(HEADER, EBADMSG, "region header is malformed") \
	X(RANGE, EPROTO, "a grant's range is out of bounds, misaligned or overlaps") \
	X(COMMON, EBADMSG, "the two ends were granted different things") \
	X(SIZE, EINVAL, "a size is not exactly as allowed") \
	X(POLICY, EPERM, "policy does not allow it") \
	X(ALLOW_LIST, EPERM, "the listener's own list does not allow it") \
	X(NOT_SEALED, EPERM, "sealing is demanded") \
	X(NO_LISTENER, ECONNREFUSED, "nobody listens") \
	X(BACKLOG, ECONNREFUSED, "the listener's backlog is full") \
	X(LISTENING, EADDRINUSE, "the service is being listened on") \
	X(DUP_IDENTITY, EADDRINUSE, "the identity is in use by another boot or device") \
	X(QUOTA, EDQUOT, "quota") \
	X(NO_SPACE, ENOSPC, "the region is full") \
	X(RATE, EAGAIN, "too many attempts; try again") \
	X(TIMEOUT, ETIMEDOUT, "no answer in time") \
	X(RING_POSITION, EPROTO, "the peer's position breaks the ring's rules") \
	X(RING_RECORD, EPROTO, "a record's header breaks the ring's rules") \
	X(PEER_CLOSED, EPIPE, "the peer closed the channel") \
	X(PEER_GONE, ECONNRESET, "the peer is gone") \
	X(NO_FIN, ECONNRESET, "the stream ended without an authenticated end") \
	X(REVOKED, EKEYREVOKED, "revoked by the host") \
	X(UNSUPPORTED, EOPNOTSUPP, "not supported") \
	X(HOST_GONE, ECONNRESET, "the host does not answer") \
	X(DEVICE_GONE, ENODEV, "the device is gone") \
	X(NOT_OPEN, EPERM, "the channel's handshake is not done") \
	X(MODE, EBUSY, "the channel is used the other way, or is open already") \
	X(WINDOW, EINVAL, "there is no such window") \
	X(PROTECTION, EACCES, "the window may not be mapped that way") \
	X(ARGUMENT, EINVAL, "the call does not take that argument, or not such a channel") \
	X(ARGUMENT_TAIL, E2BIG, "the argument is longer than this kernel knows") \
	X(RECORD_SIZE, EMSGSIZE, "the record is longer than the channel takes")
/* clang-format on */

#define SIV_REASON_ENUM(name, err, text) SIV_R_##name,
enum siv_reason {
	SIV_OK = 0,
	SIV_REASONS(SIV_REASON_ENUM) SIV_R_COUNT
};
#undef SIV_REASON_ENUM

/* siv_reason_errno() - 0 for SIV_OK, else the negative errno of the cause. */
int siv_reason_errno(enum siv_reason r);
/* siv_reason_name() - lower-case name without prefix, e.g. "cert_expired"; "ok". */
const char *siv_reason_name(enum siv_reason r);
/* siv_reason_text() - the sentence. */
const char *siv_reason_text(enum siv_reason r);
/*
 * siv_reason_code() - the cause as it goes over the wire: its errno's number; 0 for
 * SIV_R_KEY_EXISTS, SIV_R_KEY_SEARCH, SIV_R_MODE, SIV_R_PROTECTION, SIV_R_ARGUMENT_TAIL
 * and SIV_R_RECORD_SIZE, which concern nobody but the caller. SIV_R_NO_MEMORY goes as
 * SIV_R_CRYPTO: something failed here.
 */
u32 siv_reason_code(enum siv_reason r);
/**
 * siv_code_errno() - a wire code as a negative errno
 * @code: from a message; 0 gives 0, a number not in the table -ECONNRESET
 */
int siv_code_errno(u32 code);

#endif /* SIV_CORE_REASON_H */
