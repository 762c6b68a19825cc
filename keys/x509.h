/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Certificates as files: PEM or DER in, either out, judged by the core's profile. */
#ifndef KEYS_X509_H
#define KEYS_X509_H

#include <openssl/x509.h>

#include "core/cert.h"
#include "core/crypto_openssl.h"
#include "file.h"

/* x509_read() - the one certificate of a PEM or DER file, as DER. */
int x509_read(const char *path, struct blob *der);
/* x509_der() - DER of a certificate. */
int x509_der(X509 *x, struct blob *der);
/* x509_pem() - PEM of DER bytes that are a certificate. */
int x509_pem(const struct blob *der, struct blob *pem);
/**
 * x509_profile() - parse by the profile
 * @der: the certificate
 * @where: for messages
 * @c: set to what it says; points into @der
 *
 * Return: 0, or -1 after saying the cause.
 */
int x509_profile(const struct blob *der, const char *where, struct siv_cert *c);
/* x509_anchors() - a CA's certificate as the trust anchor. */
struct siv_anchors *x509_anchors(const struct blob *der, const char *where);

/**
 * x509_extension() - append an extension made from OpenSSL's notation
 * @x: the certificate to extend
 * @issuer: whose SKI a keyid is
 * @nid: OpenSSL's number of the extension
 * @value: in OpenSSL's notation
 */
int x509_extension(X509 *x, X509 *issuer, int nid, const char *value);
/**
 * x509_serial() - a random serial number of 16 bytes, positive
 * @serial: set to it
 */
int x509_serial(ASN1_INTEGER *serial);
/* x509_time() - UTCTime through 2049, else GeneralizedTime. */
int x509_time(ASN1_TIME *t, int64_t when);
/* x509_common_name() - set a name to one CN. */
int x509_common_name(X509_NAME *name, const char *text);

#endif
