/* cert.c - what reads a server's certificates before anything is proved: the same in whatever pieces they come, and no name
   and no key that does not stand in them.  SPDX: MIT
   White box. Input: a byte for the pieces, one for where the second certificate begins, then DER. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include "fuzz.h"

static const char domain[] = "xmpp.test";

static xmpp_bearssl t;
static xmpp_bearssl_config cfg;
static xmpp_bearssl_binding binding;
static xmpp_bearssl_x509 x509;
static xmpp_bearssl_pinned pinned;

static uint32_t io_utc(void *ctx) { (void)ctx; return 1780315200; }     /* 2026-06-01 */
static const xmpp_io_ops ops = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, io_utc, NULL, NULL, NULL, NULL };

/* Does it stand there, in whatever case? */
static bool stands_in(const uint8_t *data, size_t n, const void *what, size_t len)
{
    const unsigned char *w = (const unsigned char *)what;
    size_t i, k;

    for (i = 0; i + len <= n; i++) {
        for (k = 0; k < len && xmppi_tls_lower(data[i + k]) == xmppi_tls_lower(w[k]); k++) {}
        if (k == len)
            return true;
    }
    return false;
}

static void check_key(const br_x509_pkey *k, const uint8_t *data, size_t n)
{
    if (k->key_type == BR_KEYTYPE_RSA) {
        MUST(k->key.rsa.nlen >= 256 && stands_in(data, n, k->key.rsa.n, k->key.rsa.nlen));
        MUST(k->key.rsa.elen > 0 && stands_in(data, n, k->key.rsa.e, k->key.rsa.elen));
    } else {
        MUST(k->key.ec.qlen >= 65 && stands_in(data, n, k->key.ec.q, k->key.ec.qlen));
    }
}

/* Gives a certificate to who judges it. `each`: bytes of a piece; 0: whole. */
static void give(const br_x509_class **ctx, const uint8_t *data, size_t n, size_t each)
{
    size_t k;
    uint8_t *piece;

    (*ctx)->start_cert(ctx, (uint32_t)n);
    do {
        k = each != 0 && each < n ? each : n;
        piece = (uint8_t *)exact(data, k);
        (*ctx)->append(ctx, piece, k);
        free(piece);
        data += k;
        n -= k;
    } while (n > 0);
    (*ctx)->end_cert(ctx);
}

/* What one of the three judges says of the chain. `noise` lies where the last connection has left something. */
static void judge(int which, const uint8_t *data, size_t n, size_t first, size_t each, int noise, text *said)
{
    xmpp_bearssl_check *check = which == 2 ? &pinned.head : &x509.head;
    const br_x509_class **ctx = &check->vtable;
    unsigned end;

    memset(&x509, noise, sizeof x509);
    memset(&pinned, noise, sizeof pinned);
    memset(&t.spki, 0, sizeof t.spki);
    t.has_spki = false;
    check->owner = &t;
    check->vtable = which == 0 ? &xmppi_tls_x509_class : which == 1 ? &xmppi_tls_alone_class : &xmppi_tls_pin_class;
    (*ctx)->start_chain(ctx, domain);
    give(ctx, data, first, each);
    if (first < n)
        give(ctx, data + first, n - first, each);
    end = (*ctx)->end_chain(ctx);
    said->n = 0;
    put_number(said, end);
    put(said, t.spki, sizeof t.spki);
    if (which == 2) {
        if (end == XMPPI_TLS_NOT_PINNED)
            check_key(&pinned.pkey, data, first);
        return;
    }
    put_number(said, (unsigned long)-x509.error);
    put_number(said, x509.matched);
    put_number(said, x509.fault);
    MUST(memchr(x509.names, 0, sizeof x509.names) != NULL);
    puts_to(said, x509.names);
    MUST(!x509.matched || stands_in(data, first, domain, strlen(domain)) || stands_in(data, first, "*.test", 6));
    MUST(end != 0);                         /* nobody here signs, and no key is pinned */
    if (which == 1 && end == XMPPI_TLS_NOT_PINNED)
        check_key(&x509.u.pin.pkey, data, first);
    put_number(said, binding.sig_hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const unsigned char pins[1][32] = { { 1 } };
    static unsigned char name[] = { 0x30, 0 }, point[65] = { 4 };
    static const xmpp_bearssl_anchor anchor = { { name, sizeof name }, BR_X509_TA_CA,
                                                { BR_KEYTYPE_EC, { .ec = { BR_EC_secp256r1, point, sizeof point } } } };
    static text whole, other;
    size_t first, each;
    int i;

    if (n < 3)
        return 0;
    each = 1 + data[0] % 16u;
    first = data[1] == 0 ? n - 2 : 1 + (data[1] - 1u) * (n - 2) / 256;
    data += 2;
    n -= 2;
    memset(&t, 0, sizeof t);
    cfg.pins = pins;
    cfg.pin_count = 1;
    cfg.anchors = &anchor;
    cfg.anchor_count = 1;
    cfg.x509 = &x509;
    t.cfg = &cfg;
    t.below.ops = &ops;
    br_ssl_client_zero(&t.client);
    xmpp_bearssl_profile_full(&t.client);
    xmpp_bearssl_bind(&t, &binding);
    for (i = 0; i < 3; i++) {
        judge(i, data, n, first, 0, 0xA5, &whole);
        judge(i, data, n, first, each, 0x5A, &other);
        if (!same_text(&whole, &other))
            fprintf(stderr, "judge %d: %s\n%s\n", i, whole.s, other.s);
        MUST(same_text(&whole, &other));
    }
    return 0;
}
