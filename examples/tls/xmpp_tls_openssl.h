/* xmpp_tls_openssl.h - TLS 1.2 and 1.3 for xmpp.h with OpenSSL, over any transport. MIT License, that of xmpp.h.

   Copy it beside xmpp.h. Do this once, in one C or C++ file:
       #define XMPP_TLS_OPENSSL_IMPLEMENTATION
       #include "xmpp_tls_openssl.h"
   and link -lssl -lcrypto (1.1.1 or newer). Everywhere else include it without the define.

       static xmpp_openssl tls;
       xmpp_init(&client, &xmpp_default_config, &account, xmpp_openssl_io(&tls, NULL, xmpp_posix_io(&net)));
       ...
       xmpp_openssl_free(&tls);

   WHAT IT DOES
   TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305, and TLS 1.3; security level 2 at least (RSA from 2048 bits, no
   SHA-1); no renegotiation, no compression, no resumption. SNI and the ALPN name xmpp-client are sent; a server without
   ALPN is fine. Never blocks: OpenSSL sees memory alone, and the transport below moves the bytes. The longest piece of
   work in one call is the public-key work of a handshake.

   WHOM IT TRUSTS
   Without pins     the chain must end at an authority of ca_file, or of the system (ca_file NULL), be in date by the clock
                    of the transport below (by the system's where that tells none), and name the JID's domain.
   With pins        that, and the server's key must be one of the pinned keys.
   pins_alone_replace_ca   the pinned key is the whole check: name, dates and signatures are not looked at.
   The name is looked for among dNSName, SRVName (_xmpp-client.) and XmppAddr. "*" stands for one whole left-most label of a
   dNSName that has three or more; the common name counts for nothing, and an IP address matches no certificate. Below an
   authority with name constraints dNSName alone counts. Revocation is not checked. The table is tests/unit/test_certs.py.

   CHANNEL BINDING
   tls-exporter           TLS 1.3, and TLS 1.2 with the extended master secret (RFC 9266)
   tls-server-end-point   every version, where the certificate's signature has a hash (RFC 5929)
   tls-unique             TLS 1.2 with the extended master secret alone; never with 1.3

   CONVENTIONS
   Those of xmpp.h, with one exception: OpenSSL allocates, for the authorities once and for each connection. Random numbers for TLS are OpenSSL's own. The keys are OpenSSL's to wipe: it does so in close. No globals here;
   OpenSSL's error queue, one a thread, is cleared by each call. */

#ifndef XMPP_TLS_OPENSSL_H
#define XMPP_TLS_OPENSSL_H

#include "xmpp.h"
#include <openssl/ssl.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Policy. Constant; must outlive the connection. May be shared. Zero-filled: the system's authorities. */
typedef struct xmpp_openssl_config {
    const char *ca_file;                    /* PEM, the authorities to trust; NULL: the system's           */
    const unsigned char (*pins)[32];        /* SHA-256 of SubjectPublicKeyInfo: any one of them            */
    size_t      pin_count;
    bool        pins_alone_replace_ca;      /* the pin is the whole check                                  */
    const char *cert_file, *key_file;       /* own certificate and chain, own key without a passphrase: PEM,
                                               for EXTERNAL (account.use_cert); NULL: none                 */
    SSL_CTX    *ctx;                        /* your own, shared by connections, with its authorities and certificate: the
                                               files above are not read then. NULL: one for each xmpp_openssl */
    /* Sets more in a connection: cipher suites, the highest version. What is checked of the server is set after it. NULL:
       nothing. */
    void      (*setup)(SSL *ssl);
} xmpp_openssl_config;

typedef struct xmpp_openssl {
    bool truncated;             /* read: the peer closed without close_notify: what it sent last may be missing */
    /* private */
    bool deaf, judged, has_spki;
    uint8_t state;
    int error;
    const xmpp_openssl_config *cfg;
    xmpp_io below;
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;              /* of ssl, which frees them */
    const char *words;
    unsigned char spki[32];
    char name[256], text[384];
} xmpp_openssl;

/* TLS over another transport. Plain until target.tls or start_tls ask for it.
   t     anything at first; must outlive the client and not be moved
   cfg   NULL: the system's authorities
   Returns the transport to give to xmpp_init. Mistakes in cfg show when it is opened: XMPP_E_TLS_CONFIG,
   XMPP_E_TLS_CLIENT_CERT. */
XMPP_API xmpp_io xmpp_openssl_io(xmpp_openssl *t, const xmpp_openssl_config *cfg, xmpp_io below);
/* Frees what OpenSSL holds for it. The connection is gone; t may be opened again. */
XMPP_API void xmpp_openssl_free(xmpp_openssl *t);

/* About the connection, for people: "TLSv1.3", "TLS_AES_256_GCM_SHA384"; "" before the handshake. */
XMPP_API const char *xmpp_openssl_version(const xmpp_openssl *t);
XMPP_API const char *xmpp_openssl_cipher(const xmpp_openssl *t);
/* SHA-256 of the server's SubjectPublicKeyInfo, 32 bytes: what config.pins holds. Also of a server that was refused. NULL
   when no certificate was seen; valid until the next open. */
XMPP_API const unsigned char *xmpp_openssl_spki(const xmpp_openssl *t);

#ifdef __cplusplus
}
#endif
#endif /* XMPP_TLS_OPENSSL_H */

#if defined(XMPP_TLS_OPENSSL_IMPLEMENTATION) && !defined(XMPPI_OSSL_IMPLEMENTED)
#define XMPPI_OSSL_IMPLEMENTED

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {  /* state; from HANDSHAKE on there is an SSL */
    XMPPI_OSSL_CLOSED, XMPPI_OSSL_PLAIN, XMPPI_OSSL_HANDSHAKE, XMPPI_OSSL_OPEN, XMPPI_OSSL_CLOSING, XMPPI_OSSL_ENDED,
    XMPPI_OSSL_FAILED
};

static xmpp_openssl *xmppi_ossl_self(void *ctx)
{
    return (xmpp_openssl *)ctx;
}

/* The connection is unusable from here. Returns code. */
static int xmppi_ossl_fail(xmpp_openssl *t, int code, const char *words)
{
    t->error = code;
    t->words = words;
    t->state = XMPPI_OSSL_FAILED;
    return code;
}

/* ==== the certificate ======================================================= */

static bool xmppi_ossl_same(const unsigned char *a, size_t n, const char *b)
{
    size_t i;

    for (i = 0; i < n && b[i] != 0; i++)
        if ((a[i] >= 'A' && a[i] <= 'Z' ? a[i] + 32 : a[i]) != (b[i] >= 'A' && b[i] <= 'Z' ? b[i] + 32 : b[i]))
            return false;
    return i == n && b[i] == 0;
}

/* What an otherName of RFC 6120 13.7.1.4 names: the SRVName's domain, the XmppAddr. NULL for any other. */
static const unsigned char *xmppi_ossl_other_name(const OTHERNAME *o, size_t *n)
{
    static const unsigned char on[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08 };     /* and 7: SRVName, 5: XmppAddr */
    static const char srv[] = "_xmpp-client.";
    const unsigned char *oid = OBJ_get0_data(o->type_id), *at;
    const ASN1_STRING *s = o->value->value.asn1_string;

    if (OBJ_length(o->type_id) != sizeof on + 1 || memcmp(oid, on, sizeof on) != 0)
        return NULL;
    if (oid[7] == 5 && o->value->type == V_ASN1_UTF8STRING) {
        *n = (size_t)ASN1_STRING_length(s);
        return ASN1_STRING_get0_data(s);
    }
    if (oid[7] != 7 || o->value->type != V_ASN1_IA5STRING || (size_t)ASN1_STRING_length(s) < sizeof srv)
        return NULL;
    at = ASN1_STRING_get0_data(s);
    *n = (size_t)ASN1_STRING_length(s) - (sizeof srv - 1);
    return xmppi_ossl_same(at, sizeof srv - 1, srv) ? at + sizeof srv - 1 : NULL;
}

/* Adds a name to the words of a refusal, as far as there is room. */
static void xmppi_ossl_show(xmpp_openssl *t, const unsigned char *name, size_t n)
{
    size_t at = strlen(t->text), i;

    if (at + 8 > 120)
        return;
    at += (size_t)snprintf(t->text + at, 4, "%s", t->text[0] != 0 ? ", " : "");
    for (i = 0; i < n && at < 124; i++)
        t->text[at++] = name[i] > 0x20 && name[i] < 0x7F ? (char)name[i] : '?';
    memcpy(t->text + at, i < n ? "..." : "", i < n ? 4 : 1);
}

/* Whether an issuer may sign for some names only. OpenSSL compares that with dNSNames, but not with an SRVName or XmppAddr. */
static bool xmppi_ossl_constrained(X509_STORE_CTX *chain)
{
    STACK_OF(X509) *all = X509_STORE_CTX_get0_chain(chain);
    int i;

    for (i = 0; i < sk_X509_num(all); i++)
        if (X509_get_ext_by_NID(sk_X509_value(all, i), NID_name_constraints, -1) >= 0)
            return true;
    return false;
}

/* Whether the certificate is for t->name, by a dNSName alone if others is not set. Its names are left in t->text. */
static bool xmppi_ossl_names(xmpp_openssl *t, X509 *cert, bool others)
{
    GENERAL_NAMES *all = (GENERAL_NAMES *)X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool found = X509_check_host(cert, t->name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                                   X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
    int i;

    t->text[0] = 0;
    for (i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        const unsigned char *name = NULL;
        size_t n = 0;

        if (g->type == GEN_DNS) {
            xmppi_ossl_show(t, ASN1_STRING_get0_data(g->d.dNSName), (size_t)ASN1_STRING_length(g->d.dNSName));
        } else if (g->type == GEN_OTHERNAME && (name = xmppi_ossl_other_name(g->d.otherName, &n)) != NULL) {
            xmppi_ossl_show(t, name, n);
            found = found || (others && xmppi_ossl_same(name, n, t->name));
        }
    }
    GENERAL_NAMES_free(all);
    return found;
}

static bool xmppi_ossl_pinned(xmpp_openssl *t, X509 *cert)
{
    unsigned char *der = NULL;
    const int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    size_t i;

    t->has_spki = n > 0 && EVP_Digest(der, (size_t)n, t->spki, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    for (i = 0; t->has_spki && i < t->cfg->pin_count; i++)
        if (memcmp(t->cfg->pins[i], t->spki, 32) == 0)      /* pins are public: no constant time */
            return true;
    return t->cfg->pin_count == 0;
}

static void xmppi_ossl_say_dates(xmpp_openssl *t, X509 *cert, bool early, int depth)
{
    char clock[20] = "";
    const uint32_t utc = t->below.ops->utc != NULL ? t->below.ops->utc(t->below.ctx) : 0;
    const time_t now = utc != 0 ? (time_t)utc : time(NULL);
    ASN1_TIME *asn1 = ASN1_TIME_set(NULL, now);
    struct tm at, is;

    if (asn1 == NULL || ASN1_TIME_to_tm(early ? X509_get0_notBefore(cert) : X509_get0_notAfter(cert), &at) != 1 ||
        ASN1_TIME_to_tm(asn1, &is) != 1)
        snprintf(t->text, sizeof t->text, "a certificate is out of date");
    else {
        strftime(clock, sizeof clock, "%Y-%m-%d", &is);
        snprintf(t->text, sizeof t->text, "the %scertificate %s%04d-%02d-%02d (the clock says %s)",
                 depth > 0 ? "issuer's " : "", early ? "is not valid yet, only from " : "has expired on ",
                 at.tm_year + 1900, at.tm_mon + 1, at.tm_mday, clock);
    }
    ASN1_TIME_free(asn1);
}

/* Puts OpenSSL's verdict into an XMPP_E_* code, and the words into t->text. */
static void xmppi_ossl_verdict(xmpp_openssl *t, X509_STORE_CTX *chain)
{
    const int e = X509_STORE_CTX_get_error(chain), depth = X509_STORE_CTX_get_error_depth(chain);
    const char *words = X509_verify_cert_error_string(e);

    switch (e) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
        t->error = XMPP_E_TLS_EXPIRED;
        xmppi_ossl_say_dates(t, X509_STORE_CTX_get_current_cert(chain), e == X509_V_ERR_CERT_NOT_YET_VALID, depth);
        return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_REJECTED:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
        t->error = XMPP_E_TLS_UNTRUSTED;
        break;
    default:
        t->error = XMPP_E_TLS_CERT;
        break;
    }
    snprintf(t->text, sizeof t->text, "%s (OpenSSL %d, certificate %d of the chain)", words, e, depth);
}

/* Judges each certificate, the server's own last; 0 refuses the server. */
static int xmppi_ossl_verify(int ok, X509_STORE_CTX *chain)
{
    SSL *ssl = (SSL *)X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    xmpp_openssl *t = xmppi_ossl_self(SSL_get_app_data(ssl));
    const bool alone = t->cfg->pins_alone_replace_ca;
    X509 *leaf = X509_STORE_CTX_get0_cert(chain);
    char names[128];

    if (t->error != XMPP_OK)
        return 0;
    if (!ok && !alone) {
        xmppi_ossl_pinned(t, leaf);         /* for xmpp_openssl_spki */
        xmppi_ossl_verdict(t, chain);
        return 0;
    }
    if (X509_STORE_CTX_get_error_depth(chain) != 0 && !alone)
        return 1;
    if (!alone && (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0) {     /* OpenSSL does not always look */
        t->error = XMPP_E_TLS_CERT;
        snprintf(t->text, sizeof t->text, "the certificate is not for this use");
        xmppi_ossl_pinned(t, leaf);
        X509_STORE_CTX_set_error(chain, X509_V_ERR_INVALID_PURPOSE);
        return 0;
    }
    if (!alone && !xmppi_ossl_names(t, leaf, !xmppi_ossl_constrained(chain))) {
        memcpy(names, t->text, sizeof names);
        names[sizeof names - 1] = 0;
        t->error = XMPP_E_TLS_NAME;
        snprintf(t->text, sizeof t->text, "the certificate is for %s, expected %.200s",
                 names[0] != 0 ? names : "no name", t->name);
        xmppi_ossl_pinned(t, leaf);
        X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
    }
    if (alone && (X509_get0_pubkey(leaf) == NULL || EVP_PKEY_security_bits(X509_get0_pubkey(leaf)) < 112)) {
        t->error = XMPP_E_TLS_CERT;         /* the security level judges chains, which nobody looks at here */
        snprintf(t->text, sizeof t->text, "the server's key is too small");
        X509_STORE_CTX_set_error(chain, X509_V_ERR_EE_KEY_TOO_SMALL);
        return 0;
    }
    if (!xmppi_ossl_pinned(t, leaf)) {
        t->error = XMPP_E_TLS_PIN;
        snprintf(t->text, sizeof t->text, "the server's key is none of config.pins");
        X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    t->judged = true;
    X509_STORE_CTX_set_error(chain, X509_V_OK);
    return 1;
}

/* ==== errors ================================================================ */

typedef struct xmppi_ossl_cause { int reason; int code; const char *words; } xmppi_ossl_cause;

/* An alert of number n has the reason SSL_AD_REASON_OFFSET + n. */
#define XMPPI_OSSL_ALERT(n) (SSL_AD_REASON_OFFSET + (n))
static const xmppi_ossl_cause xmppi_ossl_causes[] = {
    { SSL_R_WRONG_VERSION_NUMBER, XMPP_E_TLS_PROTOCOL, "the server does not speak TLS here" },
    { SSL_R_PACKET_LENGTH_TOO_LONG, XMPP_E_TLS_PROTOCOL, "the server does not speak TLS here" },
    { SSL_R_HTTP_REQUEST, XMPP_E_TLS_PROTOCOL, "the server does not speak TLS here" },
    { SSL_R_UNSUPPORTED_PROTOCOL, XMPP_E_TLS_PROTOCOL, "the server speaks neither TLS 1.2 nor 1.3" },
    { SSL_R_WRONG_SSL_VERSION, XMPP_E_TLS_PROTOCOL, "the server speaks neither TLS 1.2 nor 1.3" },
    { SSL_R_NO_PROTOCOLS_AVAILABLE, XMPP_E_TLS_CONFIG, "config.setup leaves no version of TLS" },
    { SSL_R_NO_CIPHERS_AVAILABLE, XMPP_E_TLS_CONFIG, "config.setup leaves no cipher suite" },
    { SSL_R_WRONG_CIPHER_RETURNED, XMPP_E_TLS_PROTOCOL, "the server chose what was not offered" },
    { SSL_R_UNKNOWN_CIPHER_RETURNED, XMPP_E_TLS_PROTOCOL, "the server chose what was not offered" },
    { SSL_R_WRONG_SIGNATURE_TYPE, XMPP_E_TLS_PROTOCOL, "the server chose what was not offered" },
    { SSL_R_BAD_SIGNATURE, XMPP_E_TLS, "the server does not hold the key of its certificate" },
    { SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, XMPP_E_TLS, "a record was altered on its way" },
    { XMPPI_OSSL_ALERT(40), XMPP_E_TLS_PROTOCOL, "no cipher suite, curve or signature in common with the server" },
    { XMPPI_OSSL_ALERT(41), XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { XMPPI_OSSL_ALERT(42), XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { XMPPI_OSSL_ALERT(43), XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { XMPPI_OSSL_ALERT(44), XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { XMPPI_OSSL_ALERT(45), XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { XMPPI_OSSL_ALERT(46), XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { XMPPI_OSSL_ALERT(48), XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { XMPPI_OSSL_ALERT(49), XMPP_E_TLS_CLIENT_CERT, "the server refused the client certificate" },
    { XMPPI_OSSL_ALERT(70), XMPP_E_TLS_PROTOCOL, "the server wants another TLS version than 1.2 and 1.3" },
    { XMPPI_OSSL_ALERT(71), XMPP_E_TLS_PROTOCOL, "the server wants stronger algorithms" },
    { XMPPI_OSSL_ALERT(112), XMPP_E_TLS_NAME, "the server does not know this domain" },
    { XMPPI_OSSL_ALERT(116), XMPP_E_TLS_CLIENT_CERT, "the server wants a client certificate: config.cert_file" },
    { XMPPI_OSSL_ALERT(120), XMPP_E_TLS_PROTOCOL, "the server does not speak XMPP here (ALPN)" },
    { 0, XMPP_E_TLS, NULL }
};

/* OpenSSL stopped: says why. A refusal of ours has its words already. */
static int xmppi_ossl_explain(xmpp_openssl *t)
{
    const unsigned long first = ERR_peek_error();
    const int reason = ERR_GET_REASON(first);
    const char *words = ERR_reason_error_string(first);
    const xmppi_ossl_cause *c = xmppi_ossl_causes;

    if (t->error != XMPP_OK)
        return xmppi_ossl_fail(t, t->error, t->text);
    while (c->reason != 0 && (ERR_GET_LIB(first) != ERR_LIB_SSL || c->reason != reason))
        c++;
    snprintf(t->text, sizeof t->text, "%s (%s %d%s%s)", c->words != NULL ? c->words : "the TLS protocol was broken",
             reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256 ? "TLS alert" : "OpenSSL",
             reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256 ? reason - SSL_AD_REASON_OFFSET
                                                                                 : reason,
             words != NULL ? ": " : "", words != NULL ? words : "");
    ERR_clear_error();
    return xmppi_ossl_fail(t, c->code, t->text);
}

static void xmppi_ossl_fail_below(xmpp_openssl *t)
{
    const char *words = "";
    const int code = t->below.ops->reason != NULL ? t->below.ops->reason(t->below.ctx, &words) : XMPP_OK;

    xmppi_ossl_fail(t, code != XMPP_OK ? code : XMPP_E_TRANSPORT, words);
}

/* ==== the pump between OpenSSL's memory and the transport below ============= */

static bool xmppi_ossl_running(const xmpp_openssl *t)
{
    return t->state == XMPPI_OSSL_HANDSHAKE || t->state == XMPPI_OSSL_OPEN || t->state == XMPPI_OSSL_CLOSING;
}

/* A peer that asks and asks (HelloRequest) and takes no answer is not listened to, or it would fill our memory. */
static bool xmppi_ossl_full(const xmpp_openssl *t)
{
    return !t->deaf && BIO_ctrl_pending(t->out) > 65536;
}

/* Writes what OpenSSL has to say. */
static void xmppi_ossl_flush(xmpp_openssl *t)
{
    unsigned char sent[512];
    char *from;
    long left;
    int n, k;

    while (!t->deaf && (left = BIO_get_mem_data(t->out, &from)) > 0) {
        n = t->below.ops->send(t->below.ctx, from, (size_t)left);
        if (n == 0)
            return;
        if (n == XMPP_IO_ERROR && xmppi_ossl_running(t))
            xmppi_ossl_fail_below(t);
        if (n < 0)
            t->deaf = true;             /* what the peer sent before may still be read */
        for (; n > 0; n -= k) {
            k = BIO_read(t->out, sent, n < (int)sizeof sent ? n : (int)sizeof sent);
            if (k <= 0)
                return;
        }
    }
    if (t->deaf)
        (void)BIO_reset(t->out);
}

/* Reads one piece for OpenSSL. False when nothing came. */
static bool xmppi_ossl_fill(xmpp_openssl *t)
{
    unsigned char piece[2048];
    const int n = t->below.ops->recv(t->below.ctx, piece, sizeof piece);

    if (n > 0 && BIO_write(t->in, piece, n) != n) {
        xmppi_ossl_fail(t, XMPP_E_TLS_CONFIG, "OpenSSL has no memory");
        return false;
    }
    if (n == XMPP_IO_ERROR) {
        xmppi_ossl_fail_below(t);
    } else if (n < 0 && t->state == XMPPI_OSSL_HANDSHAKE) {
        xmppi_ossl_fail(t, XMPP_E_TLS, "the server closed the connection during the TLS handshake");
    } else if (n < 0) {
        t->truncated = true;            /* a close_notify would have ended it before */
        t->state = XMPPI_OSSL_ENDED;
    }
    return n > 0;
}

/* What to do after an SSL_* call that returned no data: true to call it again. */
static bool xmppi_ossl_again(xmpp_openssl *t, int result, unsigned *rounds)
{
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        xmppi_ossl_flush(t);
        if (!xmppi_ossl_running(t) || *rounds == 0)
            return false;
        --*rounds;
        return BIO_ctrl_pending(t->in) > 0 || xmppi_ossl_fill(t);
    case SSL_ERROR_ZERO_RETURN:
        xmppi_ossl_flush(t);
        if (t->state == XMPPI_OSSL_HANDSHAKE)
            xmppi_ossl_fail(t, XMPP_E_TLS, "the server closed the connection during the TLS handshake");
        else
            t->state = XMPPI_OSSL_ENDED;
        return false;
    default:
        xmppi_ossl_explain(t);
        xmppi_ossl_flush(t);            /* the alert, as far as it goes */
        return false;
    }
}

static void xmppi_ossl_up(xmpp_openssl *t)
{
    static const unsigned char ours[] = "xmpp-client";
    const unsigned char *alpn;
    unsigned n;

    SSL_get0_alpn_selected(t->ssl, &alpn, &n);
    if (!t->judged)                     /* cannot be: the verifier sees every certificate */
        xmppi_ossl_fail(t, XMPP_E_TLS_CERT, "the server showed no certificate");
    else if (n != 0 && (n != sizeof ours - 1 || memcmp(alpn, ours, n) != 0))
        xmppi_ossl_fail(t, XMPP_E_TLS_PROTOCOL, "the server does not speak XMPP here (ALPN)");
    else
        t->state = XMPPI_OSSL_OPEN;
}

/* A few rounds at most, so that a talkative peer does not hold up the caller. */
static void xmppi_ossl_handshake(xmpp_openssl *t)
{
    unsigned rounds = 4;
    int r = 0;

    while (t->state == XMPPI_OSSL_HANDSHAKE) {
        ERR_clear_error();
        r = SSL_do_handshake(t->ssl);
        if (r == 1)
            xmppi_ossl_up(t);
        else if (!xmppi_ossl_again(t, r, &rounds))
            break;
    }
    if (xmppi_ossl_running(t))
        xmppi_ossl_flush(t);
}

/* ==== beginning and end ===================================================== */

/* A key with a passphrase is an error, not a question on the terminal. */
static int xmppi_ossl_no_passphrase(char *buf, int size, int rw, void *u)
{
    (void)buf, (void)size, (void)rw, (void)u;
    return -1;
}

static int xmppi_ossl_context(xmpp_openssl *t)
{
    const xmpp_openssl_config *cfg = t->cfg;
    SSL_CTX *ctx;

    if (cfg->ctx != NULL) {
        SSL_CTX_up_ref(cfg->ctx);
        t->ctx = cfg->ctx;
        return XMPP_OK;
    }
    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL)
        return xmppi_ossl_fail(t, XMPP_E_TLS_CONFIG, "OpenSSL has no memory");
    SSL_CTX_set_default_passwd_cb(ctx, xmppi_ossl_no_passphrase);
    if (!cfg->pins_alone_replace_ca &&
        (cfg->ca_file != NULL ? SSL_CTX_load_verify_locations(ctx, cfg->ca_file, NULL)
                              : SSL_CTX_set_default_verify_paths(ctx)) != 1) {
        SSL_CTX_free(ctx);
        return xmppi_ossl_fail(t, XMPP_E_TLS_CONFIG, "config.ca_file cannot be read or holds no certificate");
    }
    if (cfg->cert_file != NULL &&
        (SSL_CTX_use_certificate_chain_file(ctx, cfg->cert_file) != 1 || cfg->key_file == NULL ||
         SSL_CTX_use_PrivateKey_file(ctx, cfg->key_file, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)) {
        SSL_CTX_free(ctx);
        return xmppi_ossl_fail(t, XMPP_E_TLS_CLIENT_CERT,
                               "config.cert_file or config.key_file cannot be read, has a passphrase, or is of another key");
    }
    t->ctx = ctx;
    return XMPP_OK;
}

/* No certificate is checked against an address: SNI forbids it too (RFC 6066 3). */
static bool xmppi_ossl_is_address(const char *s)
{
    return strchr(s, ':') != NULL || s[strspn(s, "0123456789.")] == 0;
}

static void xmppi_ossl_set_up(xmpp_openssl *t)
{
    static const unsigned char alpn[] = "\013xmpp-client";
    const uint32_t utc = t->below.ops->utc != NULL ? t->below.ops->utc(t->below.ctx) : 0;
    SSL *ssl = t->ssl;

    SSL_set_cipher_list(ssl, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_set_alpn_protos(ssl, alpn, sizeof alpn - 1);
    if (t->cfg->setup != NULL)
        t->cfg->setup(ssl);
    if (SSL_get_min_proto_version(ssl) < TLS1_2_VERSION)
        SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
    if (SSL_get_security_level(ssl) < 2)
        SSL_set_security_level(ssl, 2);
    SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);   /* one record a call: see rounds */
    SSL_set_app_data(ssl, t);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, xmppi_ossl_verify);
    if (utc != 0)
        X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), (time_t)utc);
    if (t->name[0] != 0)
        SSL_set_tlsext_host_name(ssl, t->name);
    SSL_set_connect_state(ssl);
}

static int xmppi_ossl_begin(xmpp_openssl *t, const char *name)
{
    const xmpp_openssl_config *cfg = t->cfg;
    const bool address = name == NULL || *name == 0 || xmppi_ossl_is_address(name);

    if (cfg->pin_count > 0 ? cfg->pins == NULL : cfg->pins_alone_replace_ca)
        return xmppi_ossl_fail(t, XMPP_E_TLS_CONFIG, "config.pins is missing");
    if (address && !cfg->pins_alone_replace_ca)
        return xmppi_ossl_fail(t, XMPP_E_TLS_NAME,
                               "no certificate can be checked against an address: the domain must be a name");
    if (!address && strlen(name) >= sizeof t->name)
        return xmppi_ossl_fail(t, XMPP_E_TLS_NAME, "no certificate can be for a name of more than 255 bytes");
    memcpy(t->name, address ? "" : name, address ? 1 : strlen(name) + 1);
    ERR_clear_error();
    if (t->ctx == NULL && xmppi_ossl_context(t) != XMPP_OK)
        return t->error;
    t->ssl = SSL_new(t->ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (t->ssl == NULL || t->in == NULL || t->out == NULL) {
        BIO_free(t->in);
        BIO_free(t->out);
        SSL_free(t->ssl);
        t->ssl = NULL;
        return xmppi_ossl_fail(t, XMPP_E_TLS_CONFIG, "OpenSSL has no memory");
    }
    SSL_set_bio(t->ssl, t->in, t->out);
    xmppi_ossl_set_up(t);
    t->state = XMPPI_OSSL_HANDSHAKE;
    return XMPP_OK;
}

static void xmppi_ossl_clear(xmpp_openssl *t)
{
    SSL_free(t->ssl);
    t->ssl = NULL;
    t->in = t->out = NULL;
    t->state = XMPPI_OSSL_CLOSED;
}

/* ==== the functions of xmpp_io_ops ========================================== */

static int xmppi_ossl_open(void *ctx, const xmpp_target *to)
{
    xmpp_openssl *t = xmppi_ossl_self(ctx);
    int e;

    xmppi_ossl_clear(t);
    t->error = XMPP_OK;
    t->words = "";
    t->deaf = t->judged = t->has_spki = t->truncated = false;
    if (to->tls) {
        e = xmppi_ossl_begin(t, to->tls_name);
        if (e != XMPP_OK)
            return e;
    }
    e = t->below.ops->open(t->below.ctx, to);
    if (e != XMPP_OK)
        xmppi_ossl_clear(t);
    else if (!to->tls)
        t->state = XMPPI_OSSL_PLAIN;
    return e;
}

static int xmppi_ossl_start(void *ctx, const char *tls_name)
{
    xmpp_openssl *t = xmppi_ossl_self(ctx);
    return t->state == XMPPI_OSSL_PLAIN ? xmppi_ossl_begin(t, tls_name) : XMPP_E_STATE;
}

/* What recv and send answer when the connection is over; 0 when it is not. */
static int xmppi_ossl_over(const xmpp_openssl *t)
{
    return t->state == XMPPI_OSSL_ENDED ? XMPP_IO_EOF
           : t->state == XMPPI_OSSL_FAILED || t->state == XMPPI_OSSL_CLOSED ? XMPP_IO_ERROR : 0;
}

static int xmppi_ossl_recv(void *ctx, void *buf, size_t n)
{
    xmpp_openssl *t = xmppi_ossl_self(ctx);
    unsigned rounds = 4;
    int r;

    if (t->state == XMPPI_OSSL_PLAIN)
        return t->below.ops->recv(t->below.ctx, buf, n);
    xmppi_ossl_handshake(t);
    if (t->state == XMPPI_OSSL_OPEN)
        xmppi_ossl_flush(t);
    while (t->state == XMPPI_OSSL_OPEN && n > 0 && !xmppi_ossl_full(t)) {
        ERR_clear_error();
        r = SSL_read(t->ssl, buf, n < 16384 ? (int)n : 16384);
        if (r > 0)
            return r;
        if (!xmppi_ossl_again(t, r, &rounds))
            break;
    }
    return xmppi_ossl_over(t);
}

static int xmppi_ossl_send(void *ctx, const void *buf, size_t n)
{
    xmpp_openssl *t = xmppi_ossl_self(ctx);
    int r;

    if (t->state == XMPPI_OSSL_PLAIN)
        return t->below.ops->send(t->below.ctx, buf, n);
    xmppi_ossl_handshake(t);
    if (t->state == XMPPI_OSSL_OPEN)
        xmppi_ossl_flush(t);
    if (t->state != XMPPI_OSSL_OPEN)
        return xmppi_ossl_over(t);
    if (t->deaf)
        return XMPP_IO_EOF;
    if (n == 0 || BIO_ctrl_pending(t->out) > 0)
        return 0;                       /* one record at a time waits for the transport below */
    ERR_clear_error();
    r = SSL_write(t->ssl, buf, n < 16384 ? (int)n : 16384);
    if (r <= 0)
        xmppi_ossl_explain(t);          /* memory takes all: nothing to wait for */
    else
        xmppi_ossl_flush(t);
    return t->state == XMPPI_OSSL_FAILED ? XMPP_IO_ERROR : r;
}

static int xmppi_ossl_close(void *ctx, bool now)
{
    xmpp_openssl *t = xmppi_ossl_self(ctx);
    unsigned char unread[512];
    unsigned rounds = 8;
    int r;

    if (!now) {
        ERR_clear_error();
        if (t->state == XMPPI_OSSL_OPEN) {
            t->state = XMPPI_OSSL_CLOSING;
            SSL_shutdown(t->ssl);
        }
        if (t->state == XMPPI_OSSL_CLOSING)
            xmppi_ossl_flush(t);
        while (t->state == XMPPI_OSSL_CLOSING && rounds > 0 && !xmppi_ossl_full(t)) {
            ERR_clear_error();
            r = SSL_read(t->ssl, unread, sizeof unread);
            if (r > 0)
                rounds--;
            else if (!xmppi_ossl_again(t, r, &rounds))
                break;
        }
        OPENSSL_cleanse(unread, sizeof unread);
        if (t->state == XMPPI_OSSL_CLOSING && !t->deaf)
            return 0;
    }
    xmppi_ossl_clear(t);
    return t->below.ops->close(t->below.ctx, now);
}

static int xmppi_ossl_end_point(const xmpp_openssl *t, unsigned char *out)
{
    X509 *cert = SSL_get_peer_certificate(t->ssl);
    const EVP_MD *md;
    unsigned n = 0;
    int nid = NID_undef;

    if (cert == NULL)
        return 0;
    if (X509_get_signature_info(cert, &nid, NULL, NULL, NULL) != 1)
        nid = NID_undef;
    if (nid == NID_md5 || nid == NID_sha1)      /* RFC 5929 4.1 */
        nid = NID_sha256;
    md = nid != NID_undef ? EVP_get_digestbynid(nid) : NULL;
    if (md == NULL || X509_digest(cert, md, out, &n) != 1)
        n = 0;
    X509_free(cert);
    return (int)n;
}

static int xmppi_ossl_binding(void *ctx, const char *type, void *out, size_t cap)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    const xmpp_openssl *t = xmppi_ossl_self(ctx);
    unsigned char data[EVP_MAX_MD_SIZE];
    bool v13, bound;
    size_t n = 0;

    if (t->state != XMPPI_OSSL_OPEN)
        return 0;
    v13 = SSL_version(t->ssl) >= TLS1_3_VERSION;
    bound = v13 || SSL_get_extms_support(t->ssl) == 1;
    if (strcmp(type, "tls-server-end-point") == 0)
        n = (size_t)xmppi_ossl_end_point(t, data);
    else if (strcmp(type, "tls-exporter") == 0 && bound &&
             SSL_export_keying_material(t->ssl, data, 32, label, sizeof label - 1, (const unsigned char *)"", 0, 1) == 1)
        n = 32;
    else if (strcmp(type, "tls-unique") == 0 && bound && !v13)
        n = SSL_session_reused(t->ssl) ? SSL_get_peer_finished(t->ssl, data, sizeof data)
                                       : SSL_get_finished(t->ssl, data, sizeof data);
    if (n == 0 || n > cap || n > sizeof data)
        return 0;
    memcpy(out, data, n);
    OPENSSL_cleanse(data, sizeof data);
    return (int)n;
}

static unsigned xmppi_ossl_wants(void *ctx)
{
    xmpp_openssl *t = xmppi_ossl_self(ctx);
    unsigned w = XMPP_WANT_READ;

    if (t->below.ops->wants != NULL)
        w = t->below.ops->wants(t->below.ctx);
    if (t->state == XMPPI_OSSL_ENDED || t->state == XMPPI_OSSL_FAILED)
        return XMPP_WANT_NOW;
    if (!xmppi_ossl_running(t))
        return w;
    if (xmppi_ossl_full(t))
        return XMPP_WANT_WRITE;
    if (SSL_pending(t->ssl) > 0 || BIO_ctrl_pending(t->in) > 0)
        return XMPP_WANT_NOW;
    if (!t->deaf && (BIO_ctrl_pending(t->out) > 0 || SSL_get_state(t->ssl) == TLS_ST_BEFORE))
        w |= XMPP_WANT_WRITE;
    return w | XMPP_WANT_READ;
}

static int xmppi_ossl_reason(void *ctx, const char **words)
{
    const xmpp_openssl *t = xmppi_ossl_self(ctx);

    if (t->error == XMPP_OK)
        return t->below.ops->reason != NULL ? t->below.ops->reason(t->below.ctx, words) : XMPP_OK;
    *words = t->words;
    return t->error;
}

static size_t xmppi_ossl_room(void *ctx)
{
    const xmpp_openssl *t = xmppi_ossl_self(ctx);

    if (t->state >= XMPPI_OSSL_HANDSHAKE)
        return 16384;
    return t->below.ops->room != NULL ? t->below.ops->room(t->below.ctx) : ~(size_t)0;
}

static int xmppi_ossl_random(void *ctx, void *out, size_t n)
{
    const xmpp_openssl *t = xmppi_ossl_self(ctx);
    return t->below.ops->random(t->below.ctx, out, n);
}

static uint32_t xmppi_ossl_utc(void *ctx)
{
    const xmpp_openssl *t = xmppi_ossl_self(ctx);
    return t->below.ops->utc != NULL ? t->below.ops->utc(t->below.ctx) : 0;
}

static uint32_t xmppi_ossl_millis(void *ctx)
{
    const xmpp_openssl *t = xmppi_ossl_self(ctx);
    return t->below.ops->millis != NULL ? t->below.ops->millis(t->below.ctx) : 0;
}

static int xmppi_ossl_wait(void *ctx, unsigned wants, uint32_t ms)
{
    const xmpp_openssl *t = xmppi_ossl_self(ctx);
    return t->below.ops->wait != NULL ? t->below.ops->wait(t->below.ctx, wants, ms) : 0;
}

static int xmppi_ossl_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    const xmpp_openssl *t = xmppi_ossl_self(ctx);
    return t->below.ops->resolver != NULL ? t->below.ops->resolver(t->below.ctx, i, out, cap) : XMPP_E_RESOLVE;
}

static int xmppi_ossl_state(void *ctx, bool load, void *buf, size_t n)
{
    const xmpp_openssl *t = xmppi_ossl_self(ctx);
    return t->below.ops->state != NULL ? t->below.ops->state(t->below.ctx, load, buf, n) : 0;
}

static const xmpp_io_ops xmppi_ossl_ops = {
    xmppi_ossl_open, xmppi_ossl_recv, xmppi_ossl_send, xmppi_ossl_close, xmppi_ossl_start, xmppi_ossl_binding,
    xmppi_ossl_wants, xmppi_ossl_reason, xmppi_ossl_room, xmppi_ossl_random, xmppi_ossl_utc, xmppi_ossl_millis,
    xmppi_ossl_wait, xmppi_ossl_resolver, xmppi_ossl_state
};

XMPP_API xmpp_io xmpp_openssl_io(xmpp_openssl *t, const xmpp_openssl_config *cfg, xmpp_io below)
{
    static const xmpp_openssl_config system_only = { NULL, NULL, 0, false, NULL, NULL, NULL, NULL };
    xmpp_io io;

    memset(t, 0, sizeof *t);
    t->cfg = cfg != NULL ? cfg : &system_only;
    t->below = below;
    t->words = "";
    io.ops = &xmppi_ossl_ops;
    io.ctx = t;
    return io;
}

XMPP_API void xmpp_openssl_free(xmpp_openssl *t)
{
    xmppi_ossl_clear(t);
    SSL_CTX_free(t->ctx);
    t->ctx = NULL;
}

XMPP_API const char *xmpp_openssl_version(const xmpp_openssl *t)
{
    return t->state == XMPPI_OSSL_OPEN || t->state == XMPPI_OSSL_CLOSING ? SSL_get_version(t->ssl) : "";
}

XMPP_API const char *xmpp_openssl_cipher(const xmpp_openssl *t)
{
    const char *name = t->state == XMPPI_OSSL_OPEN || t->state == XMPPI_OSSL_CLOSING
                           ? SSL_CIPHER_standard_name(SSL_get_current_cipher(t->ssl)) : NULL;
    return name != NULL ? name : "";
}

XMPP_API const unsigned char *xmpp_openssl_spki(const xmpp_openssl *t)
{
    return t->has_spki ? t->spki : NULL;
}

#ifdef __cplusplus
}
#endif
#endif /* XMPP_TLS_OPENSSL_IMPLEMENTATION */
