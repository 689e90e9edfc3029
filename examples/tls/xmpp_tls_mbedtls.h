/* xmpp_tls_mbedtls.h - TLS for xmpp.h with mbedTLS 2.28 or 3.x, over any transport. MIT License, that of xmpp.h.

   Copy it beside xmpp.h. Do this once, in one C or C++ file:
       #define XMPP_TLS_MBEDTLS_IMPLEMENTATION
       #include "xmpp_tls_mbedtls.h"
   and link -lmbedtls -lmbedx509 -lmbedcrypto. Everywhere else include it without the define.

       static mbedtls_x509_crt    roots;            // mbedtls_x509_crt_parse(&roots, pem, sizeof pem)
       static xmpp_mbedtls        tls;
       static xmpp_mbedtls_config tls_config = { .ca = &roots, .floor = BUILD_DATE };
       xmpp_init(&client, &xmpp_default_config, &account, xmpp_mbedtls_io(&tls, &tls_config, below)) ...

   WHAT IT DOES
   TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305, and TLS 1.3 where mbedTLS 3.x was built with it; RSA from 2048 bits,
   signatures with SHA-256 or better; no renegotiation, no resumption. SNI and the ALPN name xmpp-client are sent; a server
   without ALPN is fine. Never blocks. The longest piece of work in one call is what mbedTLS does between two waits for
   bytes: with MBEDTLS_ECP_RESTARTABLE that is cut as mbedtls_ecp_set_max_ops says.

   WHOM IT TRUSTS
   ca               the chain must end at one of them, be in date, and name the JID's domain.
   ca + pins        that, and the server's key must be one of the pinned keys.
   pins alone       refused, unless pins_alone_replace_ca is set: then the key is the whole check, and name, dates and
                    signatures of the certificate are not looked at.
   neither          refused when the connection is opened: XMPP_E_TLS_CONFIG.
   The name is looked for among dNSName, SRVName (_xmpp-client.) and XmppAddr; "*" stands for exactly one whole left-most
   label of a dNSName; the common name counts for nothing, and an IP address matches no certificate. A chain with name
   constraints is refused: mbedTLS cannot compare them. Revocation is not checked. The table is tests/unit/test_certs.py.
   ESP-IDF's certificate bundle is not looked at, for it replaces these checks: give ca.

   DATES
   With a clock (io utc) both dates of every certificate are compared with it, not with mbedTLS's own. Without one, utc being 0
   or before config.floor, a certificate that ended before the floor is refused and its begin is not compared. No clock and
   no floor: XMPP_E_TLS_CONFIG.

   CHANNEL BINDING
   tls-server-end-point   every version, where the certificate's signature has a hash (RFC 5929)
   tls-exporter           TLS 1.3 alone (RFC 9266), where mbedTLS has mbedtls_ssl_export_keying_material. Not with TLS 1.2:
                          mbedTLS does not tell whether the extended master secret, which it needs, was negotiated.

   MEMORY
   An xmpp_mbedtls takes 1,928 bytes on Cortex-M4 with mbedTLS 2.28, and this file 6.7 KB of flash, mbedTLS not counted.

   CONVENTIONS
   Those of xmpp.h, with one exception: mbedTLS allocates, by mbedtls_calloc: two record buffers (MBEDTLS_SSL_IN_CONTENT_LEN,
   _OUT_CONTENT_LEN) and what a handshake needs; this file allocates when the transport below does not take a whole record.
   Random numbers come from the transport below, but where mbedTLS uses PSA (TLS 1.3), which has its own; psa_crypto_init is
   called then. In TLS 1.3 the reason of a server's alert is not told apart: XMPP_E_TLS. No globals here.
   mbedTLS 3.6.6 and 4.1.0 refuse TLS 1.2 with a server that has an RSA key and prefers PSS, as OpenSSL's do (their issue
   10668): take another version, or a server with an ECDSA key. Where this was run: examples/ports/README.md. */

#ifndef XMPP_TLS_MBEDTLS_H
#define XMPP_TLS_MBEDTLS_H

#include "xmpp.h"
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Policy. Constant; must outlive the connection. May be shared by the connections of one thread. */
typedef struct xmpp_mbedtls_config {
    mbedtls_x509_crt   *ca;                 /* the authorities to trust, parsed; NULL: none                */
    const unsigned char (*pins)[32];        /* SHA-256 of SubjectPublicKeyInfo: any one of them            */
    size_t              pin_count;
    bool                pins_alone_replace_ca;  /* without ca: the pin is the whole check                  */
    uint32_t            floor;              /* seconds since 1970: the build date; 0: none                 */
    mbedtls_x509_crt   *cert;               /* own certificate and chain, for EXTERNAL (account.use_cert); NULL: none */
    mbedtls_pk_context *key;                /* its key                                                     */
    /* Sets more in a connection: cipher suites, curves, mbedtls_ssl_conf_max_frag_len. What is checked of the server is set
       after it. NULL: nothing. */
    void              (*setup)(mbedtls_ssl_config *conf);
} xmpp_mbedtls_config;

typedef struct xmpp_mbedtls {
    bool truncated;             /* read: the peer closed without close_notify: what it sent last may be missing */
    /* private */
    bool deaf, judged, has_spki, live, begun, again;
    uint8_t state, leaf_n, head_n, alert;
    int error, below_error;
    const xmpp_mbedtls_config *cfg;
    xmpp_io below;
    size_t room, left;          /* left: of the record that comes in */
    unsigned char *tail;        /* of records that the transport below did not take whole */
    size_t tail_n, tail_at;
    const char *words, *alpn[2];
    unsigned char spki[32], leaf[64], head[5];
    char name[256], text[384];
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt none;
} xmpp_mbedtls;

/* TLS over another transport. Plain until target.tls or start_tls ask for it.
   t     anything at first; must outlive the client and not be moved
   Returns the transport to give to xmpp_init. Mistakes in cfg show when it is opened: XMPP_E_TLS_CONFIG,
   XMPP_E_TLS_CLIENT_CERT. */
XMPP_API xmpp_io xmpp_mbedtls_io(xmpp_mbedtls *t, const xmpp_mbedtls_config *cfg, xmpp_io below);
/* Frees what mbedTLS holds for it. The connection is gone; t may be opened again. */
XMPP_API void xmpp_mbedtls_free(xmpp_mbedtls *t);

/* About the connection, for people: "TLSv1.2", "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384"; "" before the handshake. */
XMPP_API const char *xmpp_mbedtls_version(const xmpp_mbedtls *t);
XMPP_API const char *xmpp_mbedtls_cipher(const xmpp_mbedtls *t);
/* SHA-256 of the server's SubjectPublicKeyInfo, 32 bytes: what config.pins holds. Also of a server that was refused. NULL
   when no certificate was seen; valid until the next open. */
XMPP_API const unsigned char *xmpp_mbedtls_spki(const xmpp_mbedtls *t);
/* An xmpp_io's random numbers in mbedTLS's form (f_rng), for mbedtls_pk_parse_key. io is an xmpp_io *. */
XMPP_API int xmpp_mbedtls_random(void *io, unsigned char *out, size_t n);

#ifdef __cplusplus
}
#endif
#endif /* XMPP_TLS_MBEDTLS_H */

#if defined(XMPP_TLS_MBEDTLS_IMPLEMENTATION) && !defined(XMPPI_MBED_IMPLEMENTED)
#define XMPPI_MBED_IMPLEMENTED

#include <mbedtls/md.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <stdio.h>
#if defined(MBEDTLS_USE_PSA_CRYPTO) || defined(MBEDTLS_SSL_PROTO_TLS1_3)
#include <psa/crypto.h>
#endif
#ifndef mbedtls_calloc          /* 2.28 without MBEDTLS_PLATFORM_C */
#include <stdlib.h>
#define mbedtls_calloc calloc
#define mbedtls_free   free
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum {  /* state; from HANDSHAKE on mbedTLS holds something */
    XMPPI_MBED_CLOSED, XMPPI_MBED_PLAIN, XMPPI_MBED_HANDSHAKE, XMPPI_MBED_OPEN, XMPPI_MBED_CLOSING, XMPPI_MBED_ENDED,
    XMPPI_MBED_FAILED
};

static xmpp_mbedtls *xmppi_mbed_self(void *ctx)
{
    return (xmpp_mbedtls *)ctx;
}

/* The connection is unusable from here. Returns code. */
static int xmppi_mbed_fail(xmpp_mbedtls *t, int code, const char *words)
{
    t->error = code;
    t->words = words;
    t->state = XMPPI_MBED_FAILED;
    return code;
}

/* ==== the name ============================================================== */

static unsigned char xmppi_mbed_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

/* Compares by length and without case. */
static bool xmppi_mbed_same(const unsigned char *a, size_t n, const char *b)
{
    for (; n > 0 && *b != 0; a++, b++, n--)
        if (xmppi_mbed_lower(*a) != xmppi_mbed_lower((unsigned char)*b))
            return false;
    return n == 0 && *b == 0;
}

/* The same, but "*" is one whole left-most label. */
static bool xmppi_mbed_like(const unsigned char *a, size_t n, const char *b)
{
    const size_t label = strcspn(b, ".");

    if (n > 1 && a[0] == '*' && a[1] == '.')
        return label > 0 && xmppi_mbed_same(a + 1, n - 1, b + label);
    return xmppi_mbed_same(a, n, b);
}

/* Steps over the DER element at *p and gives its value and length. NULL: another tag, or out of bounds. */
static const unsigned char *xmppi_mbed_der(const unsigned char **p, const unsigned char *end, unsigned tag, size_t *n)
{
    const unsigned char *b = *p;
    size_t more;

    if (end - b < 2 || *b++ != tag)
        return NULL;
    *n = *b++;
    if (*n >= 0x80) {
        more = *n - 0x80;
        if (more == 0 || more > 2 || (size_t)(end - b) < more)
            return NULL;
        for (*n = 0; more > 0; more--)
            *n = *n << 8 | *b++;
    }
    if ((size_t)(end - b) < *n)
        return NULL;
    *p = b + *n;
    return b;
}

/* What an otherName of RFC 6120 13.7.1.4 names: the SRVName's domain, the XmppAddr. NULL for any other. */
static const unsigned char *xmppi_mbed_other_name(const mbedtls_x509_buf *san, size_t *n)
{
    static const unsigned char on[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08 };     /* and 7: SRVName, 5: XmppAddr */
    static const char srv[] = "_xmpp-client.";
    const unsigned char *p = san->p, *end = p + san->len, *oid, *value;
    size_t oid_n, skip = sizeof srv - 1;

    oid = xmppi_mbed_der(&p, end, 0x06, &oid_n);
    if (oid == NULL || oid_n != sizeof on + 1 || memcmp(oid, on, sizeof on) != 0)
        return NULL;
    p = xmppi_mbed_der(&p, end, 0xA0, n);
    if (p == NULL)
        return NULL;
    end = p + *n;
    if (oid[7] == 5)
        return xmppi_mbed_der(&p, end, 0x0C, n);
    value = oid[7] == 7 ? xmppi_mbed_der(&p, end, 0x16, n) : NULL;
    if (value == NULL || *n <= skip || !xmppi_mbed_same(value, skip, srv))
        return NULL;
    *n -= skip;
    return value + skip;
}

/* Adds a name to the words of a refusal, as far as there is room. */
static void xmppi_mbed_show(xmpp_mbedtls *t, const unsigned char *name, size_t n)
{
    size_t at = strlen(t->text), i;

    if (at + 8 > 120)
        return;
    if (at > 0) {
        t->text[at++] = ',';
        t->text[at++] = ' ';
    }
    for (i = 0; i < n && at < 124; i++)
        t->text[at++] = name[i] > 0x20 && name[i] < 0x7F ? (char)name[i] : '?';
    memcpy(t->text + at, i < n ? "..." : "", i < n ? 4 : 1);
}

/* Whether the certificate is for t->name. Its names are left in t->text. */
static bool xmppi_mbed_names(xmpp_mbedtls *t, const mbedtls_x509_crt *cert)
{
    const mbedtls_x509_sequence *san;
    bool found = false;

    t->text[0] = 0;
    for (san = &cert->subject_alt_names; san != NULL && san->buf.p != NULL; san = san->next) {
        const unsigned char *name = NULL;
        size_t n = 0;

        if (san->buf.tag == 0x82)               /* dNSName */
            name = san->buf.p, n = san->buf.len;
        else if (san->buf.tag == 0xA0)          /* otherName */
            name = xmppi_mbed_other_name(&san->buf, &n);
        if (name == NULL)
            continue;
        xmppi_mbed_show(t, name, n);
        found = found || (san->buf.tag == 0x82 ? xmppi_mbed_like : xmppi_mbed_same)(name, n, t->name);
    }
    return found;
}

/* ==== dates ================================================================= */

/* The time of day as the transport below knows it; 0 when it does not, or when a clock before the floor was not set. */
static uint32_t xmppi_mbed_now(const xmpp_mbedtls *t)
{
    const uint32_t utc = t->below.ops->utc != NULL ? t->below.ops->utc(t->below.ctx) : 0;
    return utc >= t->cfg->floor ? utc : 0;
}

/* Dates are compared as numbers YYYYMMDDHHMMSS. */
static uint64_t xmppi_mbed_date(const mbedtls_x509_time *d)
{
    const uint64_t day = (uint64_t)d->year * 10000u + (uint64_t)d->mon * 100u + (uint64_t)d->day;
    return day * 1000000u + (uint64_t)d->hour * 10000u + (uint64_t)d->min * 100u + (uint64_t)d->sec;
}

/* Years begin in March here, so that the leap day is their last. */
static void xmppi_mbed_civil(uint32_t utc, mbedtls_x509_time *d)
{
    const uint32_t z = utc / 86400u + 719468u, s = utc % 86400u, era = z / 146097u, doe = z % 146097u;
    const uint32_t yoe = (doe - doe / 1460u + doe / 36524u - doe / 146096u) / 365u;
    const uint32_t doy = doe - (365u * yoe + yoe / 4u - yoe / 100u), mp = (5u * doy + 2u) / 153u;

    d->mon = (int)(mp < 10u ? mp + 3u : mp - 9u);
    d->year = (int)(yoe + era * 400u) + (d->mon <= 2 ? 1 : 0);
    d->day = (int)(doy - (153u * mp + 2u) / 5u + 1u);
    d->hour = (int)(s / 3600u);
    d->min = (int)(s / 60u % 60u);
    d->sec = (int)(s % 60u);
}

/* False when a certificate is out of date; t->text says how. */
static bool xmppi_mbed_in_date(xmpp_mbedtls *t, const mbedtls_x509_crt *cert, int depth)
{
    const uint32_t now = xmppi_mbed_now(t);
    const mbedtls_x509_time *d;
    mbedtls_x509_time limit;
    bool early;

    xmppi_mbed_civil(now != 0 ? now : t->cfg->floor, &limit);
    early = now != 0 && xmppi_mbed_date(&cert->valid_from) > xmppi_mbed_date(&limit);
    if (!early && xmppi_mbed_date(&cert->valid_to) >= xmppi_mbed_date(&limit))
        return true;
    d = early ? &cert->valid_from : &cert->valid_to;
    snprintf(t->text, sizeof t->text, "the %scertificate %s%04d-%02d-%02d (the %s%04d-%02d-%02d)",
             depth > 0 ? "issuer's " : "", early ? "is not valid yet, only from " : "has expired on ", d->year, d->mon, d->day,
             now != 0 ? "clock says " : "date floor is ", limit.year, limit.mon, limit.day);
    return false;
}

/* ==== the certificate ======================================================= */

static bool xmppi_mbed_hash(mbedtls_md_type_t type, const mbedtls_x509_buf *of, unsigned char *out)
{
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(type);
    return md != NULL && mbedtls_md(md, of->p, of->len, out) == 0;
}

/* The hash of tls-server-end-point, by the certificate's signature; MD5 and SHA-1 count as SHA-256 (RFC 5929 4.1). */
static void xmppi_mbed_end_point(xmpp_mbedtls *t, const mbedtls_x509_crt *cert)
{
    static const unsigned char rsa[] = { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01 };
    static const unsigned char ecdsa[] = { 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03 };
    const mbedtls_x509_buf *oid = &cert->sig_oid;
    const unsigned last = oid->len > 0 ? oid->p[oid->len - 1] : 0;
    mbedtls_md_type_t type = MBEDTLS_MD_NONE;

    if (oid->len == sizeof rsa + 1 && memcmp(oid->p, rsa, sizeof rsa) == 0)
        type = last == 12 ? MBEDTLS_MD_SHA384 : last == 13 ? MBEDTLS_MD_SHA512
             : last == 4 || last == 5 || last == 11 ? MBEDTLS_MD_SHA256 : MBEDTLS_MD_NONE;
    else if (oid->len == sizeof ecdsa + 1 && memcmp(oid->p, ecdsa, sizeof ecdsa) == 0)
        type = last == 3 ? MBEDTLS_MD_SHA384 : last == 4 ? MBEDTLS_MD_SHA512
             : last == 2 ? MBEDTLS_MD_SHA256 : MBEDTLS_MD_NONE;
    t->leaf_n = 0;
    if (type != MBEDTLS_MD_NONE && xmppi_mbed_hash(type, &cert->raw, t->leaf))
        t->leaf_n = type == MBEDTLS_MD_SHA256 ? 32 : type == MBEDTLS_MD_SHA384 ? 48 : 64;
}

static bool xmppi_mbed_pinned(const xmpp_mbedtls *t)
{
    size_t i;

    for (i = 0; t->has_spki && i < t->cfg->pin_count; i++)
        if (memcmp(t->cfg->pins[i], t->spki, 32) == 0)      /* pins are public: no constant time */
            return true;
    return t->cfg->pin_count == 0;
}

/* Whether the certificate has name constraints: mbedTLS knows none, and would pass over those that are not critical. */
static bool xmppi_mbed_constrained(const mbedtls_x509_crt *cert)
{
    const unsigned char *p = cert->v3_ext.p, *end = p + cert->v3_ext.len, *one, *id;
    size_t n, one_n;

    p = p != NULL ? xmppi_mbed_der(&p, end, 0x30, &n) : NULL;
    while (p != NULL && p < end && (one = xmppi_mbed_der(&p, end, 0x30, &one_n)) != NULL) {
        id = xmppi_mbed_der(&one, one + one_n, 0x06, &n);
        if (id != NULL && n == 3 && memcmp(id, "\x55\x1D\x1E", 3) == 0)
            return true;
    }
    return false;
}

/* Whether the certificate may be a server's, or its issuer's: mbedTLS looks at the server's own alone. */
static bool xmppi_mbed_for_servers(const mbedtls_x509_crt *cert)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 || defined(MBEDTLS_X509_CHECK_EXTENDED_KEY_USAGE)
    return mbedtls_x509_crt_check_extended_key_usage(cert, "\x2B\x06\x01\x05\x05\x07\x03\x01", 8) == 0;
#else
    (void)cert;
    return true;
#endif
}

/* What mbedTLS itself found wrong, but dates and name. */
static void xmppi_mbed_verdict(xmpp_mbedtls *t, uint32_t flags, int depth)
{
    const char *words = "the certificate is unusable";

    t->error = XMPP_E_TLS_CERT;
    if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
        t->error = XMPP_E_TLS_UNTRUSTED;
        words = "the certificate is not signed by any of config.ca";
    } else if ((flags & (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK)) != 0) {
        words = "a key or signature in the certificate chain is not allowed (SHA-1, MD5)";
    } else if ((flags & MBEDTLS_X509_BADCERT_BAD_KEY) != 0) {
        words = "a key in the certificate chain is too small";
    }
    snprintf(t->text, sizeof t->text, "%s (mbedTLS flags 0x%lx, certificate %d of the chain)", words, (unsigned long)flags,
             depth);
}

/* Judges each certificate, the server's own last, and sets flags to nothing or to a refusal. */
static int xmppi_mbed_verify(void *ctx, mbedtls_x509_crt *cert, int depth, uint32_t *flags)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    const uint32_t ours = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE | MBEDTLS_X509_BADCERT_CN_MISMATCH;
    const bool alone = t->cfg->ca == NULL;      /* xmppi_mbed_begin saw to the rest */
    char names[128];

    if (depth == 0) {
        t->has_spki = xmppi_mbed_hash(MBEDTLS_MD_SHA256, &cert->pk_raw, t->spki);
        xmppi_mbed_end_point(t, cert);
    }
    *flags = alone ? 0 : *flags & ~ours;
    if (t->error != XMPP_OK) {
        *flags |= MBEDTLS_X509_BADCERT_OTHER;
    } else if (*flags != 0) {
        xmppi_mbed_verdict(t, *flags, depth);
    } else if (!alone && !xmppi_mbed_in_date(t, cert, depth)) {
        t->error = XMPP_E_TLS_EXPIRED;
        *flags = MBEDTLS_X509_BADCERT_EXPIRED;
    } else if (!alone && (xmppi_mbed_constrained(cert) || !xmppi_mbed_for_servers(cert))) {
        t->error = XMPP_E_TLS_CERT;
        snprintf(t->text, sizeof t->text, xmppi_mbed_constrained(cert) ? "the certificate has name constraints, not known here"
                                                                       : "the certificate is not for this use");
        *flags = MBEDTLS_X509_BADCERT_OTHER;
    } else if (depth == 0 && !alone && !xmppi_mbed_names(t, cert)) {
        memcpy(names, t->text, sizeof names);
        names[sizeof names - 1] = 0;
        t->error = XMPP_E_TLS_NAME;
        snprintf(t->text, sizeof t->text, "the certificate is for %s, expected %.200s", names[0] != 0 ? names : "no name",
                 t->name);
        *flags = MBEDTLS_X509_BADCERT_CN_MISMATCH;
    } else if (depth == 0 && alone && mbedtls_pk_get_bitlen(&cert->pk) < (mbedtls_pk_can_do(&cert->pk, MBEDTLS_PK_RSA) ? 2048u : 224u)) {
        t->error = XMPP_E_TLS_CERT;     /* the profile judges chains, which nobody looks at here */
        snprintf(t->text, sizeof t->text, "the server's key is too small");
        *flags = MBEDTLS_X509_BADCERT_BAD_KEY;
    } else if (depth == 0 && !xmppi_mbed_pinned(t)) {
        t->error = XMPP_E_TLS_PIN;
        snprintf(t->text, sizeof t->text, "the server's key is none of config.pins");
        *flags = MBEDTLS_X509_BADCERT_NOT_TRUSTED;
    } else if (depth == 0) {
        t->judged = true;
    }
    return 0;
}

/* ==== errors ================================================================ */

typedef struct xmppi_mbed_cause { int number; int code; const char *words; } xmppi_mbed_cause;

/* mbedTLS's errors, in their high part; alerts are positive. */
static const xmppi_mbed_cause xmppi_mbed_causes[] = {
    { MBEDTLS_ERR_SSL_ALLOC_FAILED, XMPP_E_TLS_CONFIG, "mbedTLS has no memory" },
    { -0x6E80, XMPP_E_TLS_PROTOCOL, "the server speaks no version of TLS that is allowed here" },
    { -0x7A00, XMPP_E_TLS_CERT, "the certificate is unusable or not for this use" },
    { -0x7580, XMPP_E_TLS_PROTOCOL, "the server does not speak XMPP here (ALPN)" },
    { MBEDTLS_ERR_SSL_INVALID_MAC, XMPP_E_TLS, "a record was altered on its way" },
    { MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED, XMPP_E_TLS_CLIENT_CERT, "config.key is missing" },
    { -0x4380, XMPP_E_TLS, "the server does not hold the key of its certificate" },
    { -0x4E00, XMPP_E_TLS, "the server does not hold the key of its certificate" },
    { 40, XMPP_E_TLS_PROTOCOL, "no cipher suite, curve or signature in common with the server" },
    { 41, XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { 42, XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { 43, XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { 44, XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { 45, XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { 46, XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { 48, XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { 49, XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { 70, XMPP_E_TLS_PROTOCOL, "the server wants another TLS version" },
    { 71, XMPP_E_TLS_PROTOCOL, "the server wants stronger algorithms" },
    { 112, XMPP_E_TLS_NAME, "the server does not know this domain" },
    { 116, XMPP_E_TLS_CLIENT_CERT, "the server wants a client certificate: config.cert" },
    { 120, XMPP_E_TLS_PROTOCOL, "the server does not speak XMPP here (ALPN)" },
    { 0, XMPP_E_TLS, "the TLS protocol was broken" }
};

static void xmppi_mbed_fail_below(xmpp_mbedtls *t)
{
    const char *words = "";
    const int code = t->below.ops->reason != NULL ? t->below.ops->reason(t->below.ctx, &words) : XMPP_OK;

    xmppi_mbed_fail(t, code != XMPP_OK ? code : XMPP_E_TRANSPORT, words);
}

/* mbedTLS stopped with an error: says why. A refusal of ours has its words already. */
static int xmppi_mbed_explain(xmpp_mbedtls *t, int e)
{
    const bool alert = e == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE;
    const int high = -(-e & 0xFF80), number = alert ? t->alert : high;
    const xmppi_mbed_cause *c = xmppi_mbed_causes;
    int code;

    if (t->error != XMPP_OK)
        return xmppi_mbed_fail(t, t->error, t->text);
    if (t->below_error == XMPP_IO_ERROR) {
        xmppi_mbed_fail_below(t);
        return t->error;
    }
    while (c->number != 0 && (number == 0 || c->number != number))
        c++;
    code = c->code;
    if (alert && number == 0)
        snprintf(t->text, sizeof t->text, "the server ended TLS with an alert");
    else if (alert)
        snprintf(t->text, sizeof t->text, "%s (TLS alert %d)",
                 c->number != 0 ? c->words : "the server ended TLS with an alert", number);
    else if (high == MBEDTLS_ERR_SSL_INVALID_RECORD && t->state == XMPPI_MBED_HANDSHAKE && !t->has_spki)
        code = XMPP_E_TLS_PROTOCOL, snprintf(t->text, sizeof t->text, "the server does not speak TLS here");
    else if (high <= -0x2080 && high >= -0x3000)        /* of X.509 */
        code = XMPP_E_TLS_CERT, snprintf(t->text, sizeof t->text, "ill-formed certificate (mbedTLS -0x%04x)", (unsigned)-e);
    else
        snprintf(t->text, sizeof t->text, "%s (mbedTLS -0x%04x)", c->words, (unsigned)-e);
    return xmppi_mbed_fail(t, code, t->text);
}

/* ==== between mbedTLS and the transport below =============================== */

static bool xmppi_mbed_running(const xmpp_mbedtls *t)
{
    return t->state == XMPPI_MBED_HANDSHAKE || t->state == XMPPI_MBED_OPEN || t->state == XMPPI_MBED_CLOSING;
}

/* How many of n bytes the transport below takes. When it ends, what the peer sent before may still be read. */
static size_t xmppi_mbed_push(xmpp_mbedtls *t, const unsigned char *from, size_t n)
{
    const int k = t->deaf ? 0 : t->below.ops->send(t->below.ctx, from, n);

    if (k < 0) {
        t->deaf = true;
        if (k == XMPP_IO_ERROR)
            t->below_error = k;
    }
    return k > 0 ? (size_t)k : 0;
}

/* A peer that asks and asks (HelloRequest) and takes no answer is not listened to, or it would fill our memory. */
static bool xmppi_mbed_full(const xmpp_mbedtls *t)
{
    return t->tail != NULL && !t->deaf && t->tail_n - t->tail_at > t->room + 1024;
}

/* Writes what was left of records. False while some is. */
static bool xmppi_mbed_flush(xmpp_mbedtls *t)
{
    while (t->tail != NULL && !t->deaf && t->tail_at < t->tail_n) {
        const size_t k = xmppi_mbed_push(t, t->tail + t->tail_at, t->tail_n - t->tail_at);
        if (k == 0)
            break;
        t->tail_at += k;
    }
    if (t->below_error == XMPP_IO_ERROR && xmppi_mbed_running(t))
        xmppi_mbed_fail_below(t);
    if (t->tail != NULL && (t->deaf || t->tail_at == t->tail_n)) {
        mbedtls_free(t->tail);
        t->tail = NULL;
    }
    return t->tail == NULL;
}

/* Keeps what the transport below does not take now, behind what waits already. */
static bool xmppi_mbed_keep(xmpp_mbedtls *t, const unsigned char *from, size_t n)
{
    const size_t waits = t->tail != NULL ? t->tail_n - t->tail_at : 0;
    unsigned char *both = (unsigned char *)mbedtls_calloc(1, waits + n);

    if (both == NULL)
        return false;
    if (waits > 0)
        memcpy(both, t->tail + t->tail_at, waits);
    memcpy(both + waits, from, n);
    mbedtls_free(t->tail);
    t->tail = both;
    t->tail_n = waits + n;
    t->tail_at = 0;
    return true;
}

/* Takes a record whole, so that mbedTLS never asks to be called with the same text again. An alert may come while a record
   waits: not taken, it would push out the next record, which mbedTLS says it wrote. */
static int xmppi_mbed_bio_send(void *ctx, const unsigned char *buf, size_t n)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    size_t k = 0;

    t->begun = true;
    if (xmppi_mbed_flush(t))
        k = xmppi_mbed_push(t, buf, n);
    else if (t->state == XMPPI_MBED_HANDSHAKE)
        return MBEDTLS_ERR_SSL_WANT_WRITE;      /* it is simply called again */
    if (k < n && !t->deaf && !xmppi_mbed_keep(t, buf + k, n - k))
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    return n <= 0x7FFF ? (int)n : 0x7FFF;       /* a record is shorter */
}

/* Remembers the number of an alert that comes in plain text: mbedTLS does not tell it. */
static void xmppi_mbed_watch(xmpp_mbedtls *t, const unsigned char *p, size_t n)
{
    for (; n > 0; p++, n--)
        if (t->left > 0) {
            t->alert = t->head[0] == 21 && t->head[3] == 0 && t->head[4] == 2 ? *p : 0;
            t->left--;
        } else {
            t->head[t->head_n++] = *p;
            if (t->head_n == sizeof t->head) {
                t->head_n = 0;
                t->left = (size_t)t->head[3] << 8 | t->head[4];
            }
        }
}

static int xmppi_mbed_bio_recv(void *ctx, unsigned char *buf, size_t n)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    /* looked at here too: one mbedtls_ssl_read answers all the questions that lie there */
    const int k = xmppi_mbed_full(t) ? 0 : t->below.ops->recv(t->below.ctx, buf, n);

    if (k == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    if (k < 0) {
        t->below_error = k;
        return k == XMPP_IO_EOF ? 0 : MBEDTLS_ERR_SSL_CONN_EOF;
    }
    if (t->state == XMPPI_MBED_HANDSHAKE)
        xmppi_mbed_watch(t, buf, (size_t)k);
    return k;
}

static int xmppi_mbed_rng(void *ctx, unsigned char *out, size_t n)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    const int e = t->below.ops->random(t->below.ctx, out, n);

    if (e != XMPP_OK && t->error == XMPP_OK) {
        t->error = XMPP_E_ENTROPY;
        snprintf(t->text, sizeof t->text, "no random numbers from the transport below");
    }
    return e == XMPP_OK ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

XMPP_API int xmpp_mbedtls_random(void *io, unsigned char *out, size_t n)
{
    const xmpp_io *below = (const xmpp_io *)io;
    return below->ops->random(below->ctx, out, n) == XMPP_OK ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/* What to do after an mbedtls_ssl_* call that gave no data: true to call it again. */
static bool xmppi_mbed_again(xmpp_mbedtls *t, int e, unsigned *rounds)
{
    t->again = false;
    switch (e) {
    case MBEDTLS_ERR_SSL_WANT_READ:
    case MBEDTLS_ERR_SSL_WANT_WRITE:
        return false;
    case MBEDTLS_ERR_SSL_ASYNC_IN_PROGRESS:
    case MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS:    /* a slice of public-key work is done */
        t->again = true;
        return false;
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
    case MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET:
        t->again = --*rounds == 0;
        return !t->again;
#endif
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case 0:
        if (t->below_error == XMPP_IO_ERROR)
            xmppi_mbed_fail_below(t);
        else if (t->state == XMPPI_MBED_HANDSHAKE)
            xmppi_mbed_fail(t, XMPP_E_TLS, "the server closed the connection during the TLS handshake");
        else
            t->state = XMPPI_MBED_ENDED;
        t->truncated = e != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY && t->state == XMPPI_MBED_ENDED;
        return false;
    default:
        (void)rounds;
        xmppi_mbed_explain(t, e);
        return false;
    }
}

static void xmppi_mbed_up(xmpp_mbedtls *t)
{
    const int room = mbedtls_ssl_get_max_out_record_payload(&t->ssl);

    if (!t->judged || mbedtls_ssl_get_verify_result(&t->ssl) != 0) {    /* cannot be: the handshake would have failed */
        xmppi_mbed_fail(t, XMPP_E_TLS_CERT, "the server showed no certificate");
        return;
    }
    t->room = room > 0 ? (size_t)room : 512;
    t->state = XMPPI_MBED_OPEN;
}

static void xmppi_mbed_handshake(xmpp_mbedtls *t)
{
    unsigned rounds = 4;
    int e;

    while (t->state == XMPPI_MBED_HANDSHAKE) {
        e = mbedtls_ssl_handshake(&t->ssl);
        if (e == 0)
            xmppi_mbed_up(t);
        else if (!xmppi_mbed_again(t, e, &rounds))
            break;
    }
}

/* ==== beginning and end ===================================================== */

static void xmppi_mbed_clear(xmpp_mbedtls *t)
{
    if (t->live) {
        mbedtls_ssl_free(&t->ssl);
        mbedtls_ssl_config_free(&t->conf);
    }
    mbedtls_free(t->tail);
    t->tail = NULL;
    t->live = false;
    t->state = XMPPI_MBED_CLOSED;
}

/* No certificate is checked against an address: SNI forbids it too (RFC 6066 3). */
static bool xmppi_mbed_is_address(const char *s)
{
    return strchr(s, ':') != NULL || s[strspn(s, "0123456789.")] == 0;
}

/* What the configuration must have; NULL when it has it. */
static const char *xmppi_mbed_check(const xmpp_mbedtls *t)
{
    const xmpp_mbedtls_config *cfg = t->cfg;

    if (cfg->pin_count > 0 && cfg->pins == NULL)
        return "config.pins is missing";
    if (cfg->ca == NULL && cfg->pin_count == 0)
        return "config has neither ca nor pins: nobody would be trusted";
    if (cfg->ca == NULL && !cfg->pins_alone_replace_ca)
        return "pins without ca: set config.pins_alone_replace_ca if that is meant";
    if (cfg->ca != NULL && cfg->floor == 0 && xmppi_mbed_now(t) == 0)
        return "no clock, and config.floor is not set";
    return NULL;
}

static int xmppi_mbed_set_up(xmpp_mbedtls *t)
{
    static const int suites[] = {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
        MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS1_3_AES_256_GCM_SHA384, MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, 0
    };
    static const mbedtls_x509_crt_profile profile = {
        MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
            MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
        0xFFFFFFF, 0xFFFFFFF, 2048      /* every kind of key and curve that mbedTLS was built with; RSA from 2048 bits */
    };
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    static const int hashes[] = { MBEDTLS_MD_SHA512, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA256, MBEDTLS_MD_NONE };
#endif
    mbedtls_ssl_config *conf = &t->conf;
    int e = mbedtls_ssl_config_defaults(conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                        MBEDTLS_SSL_PRESET_DEFAULT);

    mbedtls_ssl_conf_ciphersuites(conf, suites);
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    mbedtls_ssl_conf_sig_hashes(conf, hashes);          /* later versions leave out SHA-1 by themselves */
#endif
#ifdef MBEDTLS_SSL_ALPN
    t->alpn[0] = "xmpp-client";
    if (e == 0)
        e = mbedtls_ssl_conf_alpn_protocols(conf, t->alpn);
#endif
#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_CLI_C)
    mbedtls_ssl_conf_session_tickets(conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
#ifdef MBEDTLS_SSL_RENEGOTIATION
    mbedtls_ssl_conf_renegotiation(conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
    if (t->cfg->setup != NULL)
        t->cfg->setup(conf);
#if MBEDTLS_VERSION_NUMBER < 0x03000000                 /* 3.x has nothing below TLS 1.2 */
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_cert_profile(conf, &profile);
    mbedtls_ssl_conf_ca_chain(conf, t->cfg->ca != NULL ? t->cfg->ca : &t->none, NULL);
#if MBEDTLS_VERSION_NUMBER < 0x04000000
    mbedtls_ssl_conf_rng(conf, xmppi_mbed_rng, t);
#endif
    if (e == 0 && t->cfg->cert != NULL)
        e = mbedtls_ssl_conf_own_cert(conf, t->cfg->cert, t->cfg->key);
    if (e == 0)
        e = mbedtls_ssl_setup(&t->ssl, conf);
    if (e == 0)
        e = mbedtls_ssl_set_hostname(&t->ssl, t->name[0] != 0 ? t->name : NULL);
    mbedtls_ssl_set_verify(&t->ssl, xmppi_mbed_verify, t);
    mbedtls_ssl_set_bio(&t->ssl, t, xmppi_mbed_bio_send, xmppi_mbed_bio_recv, NULL);
    return e;
}

static int xmppi_mbed_begin(xmpp_mbedtls *t, const char *name)
{
    const char *why = xmppi_mbed_check(t);
    const bool address = name == NULL || *name == 0 || xmppi_mbed_is_address(name);
    int e;

    if (why != NULL)
        return xmppi_mbed_fail(t, XMPP_E_TLS_CONFIG, why);
    if (address && t->cfg->ca != NULL)
        return xmppi_mbed_fail(t, XMPP_E_TLS_NAME,
                               "no certificate can be checked against an address: the domain must be a name");
    if (!address && strlen(name) >= sizeof t->name)
        return xmppi_mbed_fail(t, XMPP_E_TLS_NAME, "no certificate can be for a name of more than 255 bytes");
    if (t->cfg->cert != NULL && t->cfg->key == NULL)
        return xmppi_mbed_fail(t, XMPP_E_TLS_CLIENT_CERT, "config.key is missing");
    memcpy(t->name, address ? "" : name, address ? 1 : strlen(name) + 1);
#if defined(MBEDTLS_USE_PSA_CRYPTO) || defined(MBEDTLS_SSL_PROTO_TLS1_3)
    if (psa_crypto_init() != PSA_SUCCESS)
        return xmppi_mbed_fail(t, XMPP_E_ENTROPY, "psa_crypto_init failed");
#endif
    mbedtls_ssl_init(&t->ssl);
    mbedtls_ssl_config_init(&t->conf);
    mbedtls_x509_crt_init(&t->none);
    t->live = true;
    t->begun = t->again = false;
    t->head_n = t->alert = 0;
    t->left = 0;
    t->room = 512;
    t->state = XMPPI_MBED_HANDSHAKE;
    e = xmppi_mbed_set_up(t);
    return e == 0 ? XMPP_OK : xmppi_mbed_explain(t, e);
}

/* ==== the functions of xmpp_io_ops ========================================== */

static int xmppi_mbed_open(void *ctx, const xmpp_target *to)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    int e;

    xmppi_mbed_clear(t);
    t->error = t->below_error = XMPP_OK;
    t->words = "";
    t->leaf_n = 0;
    t->deaf = t->judged = t->has_spki = t->truncated = false;
    if (to->tls) {
        e = xmppi_mbed_begin(t, to->tls_name);
        if (e != XMPP_OK)
            return e;
    }
    e = t->below.ops->open(t->below.ctx, to);
    if (e != XMPP_OK)
        xmppi_mbed_clear(t);
    else if (!to->tls)
        t->state = XMPPI_MBED_PLAIN;
    return e;
}

static int xmppi_mbed_start(void *ctx, const char *tls_name)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    return t->state == XMPPI_MBED_PLAIN ? xmppi_mbed_begin(t, tls_name) : XMPP_E_STATE;
}

/* What recv and send answer when the connection is over; 0 when it is not. */
static int xmppi_mbed_over(const xmpp_mbedtls *t)
{
    return t->state == XMPPI_MBED_ENDED ? XMPP_IO_EOF
           : t->state == XMPPI_MBED_FAILED || t->state == XMPPI_MBED_CLOSED ? XMPP_IO_ERROR : 0;
}

static int xmppi_mbed_recv(void *ctx, void *buf, size_t n)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    unsigned rounds = 4;
    int e;

    if (t->state == XMPPI_MBED_PLAIN)
        return t->below.ops->recv(t->below.ctx, buf, n);
    if (xmppi_mbed_running(t))
        xmppi_mbed_flush(t);
    xmppi_mbed_handshake(t);
    while (t->state == XMPPI_MBED_OPEN && n > 0 && !xmppi_mbed_full(t)) {
        e = mbedtls_ssl_read(&t->ssl, (unsigned char *)buf, n < 0x7FFF ? n : 0x7FFF);
        if (e > 0)
            return e;
        if (!xmppi_mbed_again(t, e, &rounds))
            break;
    }
    return xmppi_mbed_over(t);
}

static int xmppi_mbed_send(void *ctx, const void *buf, size_t n)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    int e;

    if (t->state == XMPPI_MBED_PLAIN)
        return t->below.ops->send(t->below.ctx, buf, n);
    if (xmppi_mbed_running(t))
        xmppi_mbed_flush(t);
    xmppi_mbed_handshake(t);
    if (t->state != XMPPI_MBED_OPEN)
        return xmppi_mbed_over(t);
    if (t->deaf)
        return XMPP_IO_EOF;
    if (n == 0 || t->tail != NULL)
        return 0;                       /* one record at a time waits for the transport below */
    e = mbedtls_ssl_write(&t->ssl, (const unsigned char *)buf, n < t->room ? n : t->room);
    if (e < 0)
        xmppi_mbed_explain(t, e);
    else
        xmppi_mbed_flush(t);
    return t->state == XMPPI_MBED_FAILED ? XMPP_IO_ERROR : e;
}

static int xmppi_mbed_close(void *ctx, bool now)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    unsigned char unread[256];
    unsigned rounds = 8;
    int e;

    if (!now) {
        if (t->state == XMPPI_MBED_OPEN && xmppi_mbed_flush(t)) {
            t->state = XMPPI_MBED_CLOSING;
            mbedtls_ssl_close_notify(&t->ssl);
        }
        if (t->state == XMPPI_MBED_CLOSING)
            xmppi_mbed_flush(t);
        while (t->state == XMPPI_MBED_CLOSING && rounds > 0 && !xmppi_mbed_full(t)) {
            e = mbedtls_ssl_read(&t->ssl, unread, sizeof unread);
            if (e > 0)
                rounds--;
            else if (!xmppi_mbed_again(t, e, &rounds))
                break;
        }
        mbedtls_platform_zeroize(unread, sizeof unread);
        if ((t->state == XMPPI_MBED_CLOSING || t->state == XMPPI_MBED_OPEN) && !t->deaf)
            return 0;
    }
    xmppi_mbed_clear(t);
    return t->below.ops->close(t->below.ctx, now);
}

static int xmppi_mbed_binding(void *ctx, const char *type, void *out, size_t cap)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);

    if (t->state != XMPPI_MBED_OPEN)
        return 0;
    if (strcmp(type, "tls-server-end-point") == 0 && t->leaf_n <= cap) {
        memcpy(out, t->leaf, t->leaf_n);
        return t->leaf_n;
    }
#if defined(MBEDTLS_SSL_KEYING_MATERIAL_EXPORT) && defined(MBEDTLS_SSL_PROTO_TLS1_3)
    if (strcmp(type, "tls-exporter") == 0 && cap >= 32 &&
        mbedtls_ssl_get_version_number(&t->ssl) == MBEDTLS_SSL_VERSION_TLS1_3 &&
        mbedtls_ssl_export_keying_material(&t->ssl, (unsigned char *)out, 32, "EXPORTER-Channel-Binding", 24,
                                           (const unsigned char *)"", 0, 1) == 0)
        return 32;
#endif
    return 0;
}

static unsigned xmppi_mbed_wants(void *ctx)
{
    xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    unsigned w = XMPP_WANT_READ;

    if (t->below.ops->wants != NULL)
        w = t->below.ops->wants(t->below.ctx);
    if (t->state == XMPPI_MBED_ENDED || t->state == XMPPI_MBED_FAILED)
        return XMPP_WANT_NOW;
    if (!xmppi_mbed_running(t))
        return w;
    if (xmppi_mbed_full(t))
        return XMPP_WANT_WRITE;
    if (t->again || mbedtls_ssl_check_pending(&t->ssl) != 0)
        return XMPP_WANT_NOW;
    if (!t->begun || (t->tail != NULL && !t->deaf))
        w |= XMPP_WANT_WRITE;
    return w | XMPP_WANT_READ;
}

static int xmppi_mbed_reason(void *ctx, const char **words)
{
    const xmpp_mbedtls *t = xmppi_mbed_self(ctx);

    if (t->error == XMPP_OK)
        return t->below.ops->reason != NULL ? t->below.ops->reason(t->below.ctx, words) : XMPP_OK;
    *words = t->words;
    return t->error;
}

static size_t xmppi_mbed_room(void *ctx)
{
    const xmpp_mbedtls *t = xmppi_mbed_self(ctx);

    if (t->state >= XMPPI_MBED_HANDSHAKE)
        return t->room;
    return t->below.ops->room != NULL ? t->below.ops->room(t->below.ctx) : ~(size_t)0;
}

static int xmppi_mbed_random(void *ctx, void *out, size_t n)
{
    const xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    return t->below.ops->random(t->below.ctx, out, n);
}

static uint32_t xmppi_mbed_utc(void *ctx)
{
    const xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    return t->below.ops->utc != NULL ? t->below.ops->utc(t->below.ctx) : 0;
}

static uint32_t xmppi_mbed_millis(void *ctx)
{
    const xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    return t->below.ops->millis != NULL ? t->below.ops->millis(t->below.ctx) : 0;
}

static int xmppi_mbed_wait(void *ctx, unsigned wants, uint32_t ms)
{
    const xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    return t->below.ops->wait != NULL ? t->below.ops->wait(t->below.ctx, wants, ms) : 0;
}

static int xmppi_mbed_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    const xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    return t->below.ops->resolver != NULL ? t->below.ops->resolver(t->below.ctx, i, out, cap) : XMPP_E_RESOLVE;
}

static int xmppi_mbed_state(void *ctx, bool load, void *buf, size_t n)
{
    const xmpp_mbedtls *t = xmppi_mbed_self(ctx);
    return t->below.ops->state != NULL ? t->below.ops->state(t->below.ctx, load, buf, n) : 0;
}

static const xmpp_io_ops xmppi_mbed_ops = {
    xmppi_mbed_open, xmppi_mbed_recv, xmppi_mbed_send, xmppi_mbed_close, xmppi_mbed_start, xmppi_mbed_binding,
    xmppi_mbed_wants, xmppi_mbed_reason, xmppi_mbed_room, xmppi_mbed_random, xmppi_mbed_utc, xmppi_mbed_millis,
    xmppi_mbed_wait, xmppi_mbed_resolver, xmppi_mbed_state
};

XMPP_API xmpp_io xmpp_mbedtls_io(xmpp_mbedtls *t, const xmpp_mbedtls_config *cfg, xmpp_io below)
{
    xmpp_io io;

    memset(t, 0, sizeof *t);
    t->cfg = cfg;
    t->below = below;
    t->words = "";
    io.ops = &xmppi_mbed_ops;
    io.ctx = t;
    return io;
}

XMPP_API void xmpp_mbedtls_free(xmpp_mbedtls *t)
{
    xmppi_mbed_clear(t);
}

XMPP_API const char *xmpp_mbedtls_version(const xmpp_mbedtls *t)
{
    return t->state == XMPPI_MBED_OPEN || t->state == XMPPI_MBED_CLOSING ? mbedtls_ssl_get_version(&t->ssl) : "";
}

XMPP_API const char *xmpp_mbedtls_cipher(const xmpp_mbedtls *t)
{
    return t->state == XMPPI_MBED_OPEN || t->state == XMPPI_MBED_CLOSING ? mbedtls_ssl_get_ciphersuite(&t->ssl) : "";
}

XMPP_API const unsigned char *xmpp_mbedtls_spki(const xmpp_mbedtls *t)
{
    return t->has_spki ? t->spki : NULL;
}

#ifdef __cplusplus
}
#endif
#endif /* XMPP_TLS_MBEDTLS_IMPLEMENTATION */
