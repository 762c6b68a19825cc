/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The certificate profile (keys.rst): X.509 v3, X25519, keyAgreement, exactly one
 * of two extended key usages, one URI name. Anything else is refused. What the
 * profile leaves open is decided here: basicConstraints and the key identifiers may
 * be absent; basicConstraints, if there, is the empty SEQUENCE (DER leaves out the
 * default cA FALSE); a key identifier is 1 to 64 bytes, not critical, and stands
 * alone; the subject is a well-formed name and says nothing; a date may be as late
 * as 9999-12-31T23:59:59Z, so seconds fit 64 bits, but nanoseconds do not.
 */
#ifndef SIV_CORE_CERT_H
#define SIV_CORE_CERT_H

#include "crypto.h"
#include "wire.h"

enum siv_cert_role {
	SIV_CERT_ENDPOINT = 1, /* SAN sivshmem://REGION/VM/SERVICE */
	SIV_CERT_HOST = 2,     /* SAN sivshmem://REGION */
};

/* What a subjectAltName begins with. */
#define SIV_CERT_URI "sivshmem://"

/*
 * The two extended key usages. They live under the arc for UUIDs (2.25, X.667), as
 * 2.25.N.1 and 2.25.N.2 with one N of ours: keys.rst gives N; these are the DER
 * contents of the OBJECT IDENTIFIERs.
 */
extern const u8 siv_oid_endpoint[];
extern const u8 siv_oid_host[];
extern const size_t siv_oid_endpoint_len;
extern const size_t siv_oid_host_len;

/**
 * struct siv_cert - a parsed certificate: views into its DER, which must outlive it
 * @der: exactly the SEQUENCE, no trailing byte
 * @tbs: what is signed
 * @serial: INTEGER content
 * @issuer: DER of the name
 * @akid: keyIdentifier; empty if there is none
 * @skid: likewise
 * @sig: the signature
 * @region: of the name that is certified
 * @vm: empty in a host certificate
 * @service: likewise; may name a service or a client
 * @not_before: first second
 * @not_after: last second
 * @pub: public key, canonical
 * @hash: H(@der)
 * @sig_alg: algorithm of @sig
 * @role: host or endpoint
 */
struct siv_cert {
	struct siv_span der;
	struct siv_span tbs;
	struct siv_span serial;
	struct siv_span issuer;
	struct siv_span akid;
	struct siv_span skid;
	struct siv_span sig;
	struct siv_span region;
	struct siv_span vm;
	struct siv_span service;
	s64 not_before;
	s64 not_after;
	u8 pub[SIV_KEY_LEN];
	u8 hash[SIV_HASH_LEN];
	enum siv_sig_alg sig_alg;
	enum siv_cert_role role;
};

/**
 * siv_cert_parse() - parse and check against the profile, but for signature and dates
 * @der: at most SIV_CERT_MAX bytes, private memory
 * @c: filled in on success
 *
 * Return: SIV_OK or the exact cause; never reads outside @der, never loops more
 * than its length allows.
 */
enum siv_reason __must_check siv_cert_parse(struct siv_span der,
					    struct siv_cert *c);

/* siv_cert_dates() - SIV_OK, SIV_R_CERT_NOT_YET or SIV_R_CERT_EXPIRED; bounds are inside. */
enum siv_reason __must_check siv_cert_dates(const struct siv_cert *c, s64 now);

/* siv_cert_verify() - is it signed by one of the anchors? May sleep. */
enum siv_reason __must_check siv_cert_verify(const struct siv_cert *c,
					     const struct siv_anchors *a);

/**
 * siv_cert_is() - does the certificate name exactly this?
 * @c: a parsed certificate
 * @role: wanted role
 * @region: wanted region
 * @vm: wanted VM; empty: any
 * @service: wanted service; empty: any
 *
 * Return: SIV_OK, SIV_R_CERT_ROLE, SIV_R_CERT_REGION, SIV_R_CERT_VM, SIV_R_CERT_SERVICE.
 */
enum siv_reason __must_check siv_cert_is(const struct siv_cert *c,
					 enum siv_cert_role role,
					 struct siv_span region,
					 struct siv_span vm,
					 struct siv_span service);

/**
 * siv_bundle_split() - certificate, then PKCS#8, concatenated DER
 * @bundle: the whole payload
 * @cert: set to the first SEQUENCE
 * @key: set to the private key's 32 bytes, inside @bundle; empty if there is none
 *
 * Return: SIV_OK; a DER cause; SIV_R_KEY_PKCS8.
 */
enum siv_reason __must_check siv_bundle_split(struct siv_span bundle,
					      struct siv_span *cert,
					      struct siv_span *key);

/*
 * A key made inside the kernel leaves it as its SubjectPublicKeyInfo (RFC 8410: a
 * fixed prefix and the 32 bytes) and, if the CA's tool had given a challenge, a proof
 * that its private half exists:
 *
 *   payload   "new" (3 bytes), or "new" || challenge (35 bytes)
 *   read      SPKI (44 bytes), or SPKI || proof (76 bytes)
 *   Z       = X25519(private key, challenge)
 *   PRK     = HKDF-Extract(salt = "sivshmem1 proof", IKM = Z)
 *   K       = HKDF-Expand(PRK, "sivshmem1 proof" 00 || challenge, 32)
 *   proof   = HMAC-SHA-256(K, SPKI)
 *
 * The challenge is a fresh X25519 public key of the tool's; one that is not canonical
 * or makes Z zero is refused when the key is added.
 */
enum {
	SIV_SPKI_LEN = 44,
	SIV_PROOF_LEN = 32,
};

/* siv_spki_put() - SubjectPublicKeyInfo of an X25519 public key. */
void siv_spki_put(u8 out[SIV_SPKI_LEN], const u8 pub[SIV_KEY_LEN]);

/**
 * siv_spki_get() - the public key in a SubjectPublicKeyInfo
 * @spki: exactly SIV_SPKI_LEN bytes
 * @pub: 32 bytes
 *
 * Return: SIV_OK, SIV_R_CERT_SPKI_ALG, SIV_R_CERT_KEY_NOT_CANONICAL.
 */
enum siv_reason __must_check siv_spki_get(struct siv_span spki,
					  u8 pub[SIV_KEY_LEN]);

/**
 * siv_key_proof() - the proof of possession of a private key
 * @out: SIV_PROOF_LEN bytes
 * @z: X25519 of the private key and @challenge, or of the challenge's private key
 *     and the public key; the caller wipes it
 * @challenge: the challenge's public key
 * @pub: the public key that is proved
 */
void siv_key_proof(u8 out[SIV_PROOF_LEN], const u8 z[SIV_KEY_LEN],
		   const u8 challenge[SIV_KEY_LEN], const u8 pub[SIV_KEY_LEN]);

#endif /* SIV_CORE_CERT_H */
