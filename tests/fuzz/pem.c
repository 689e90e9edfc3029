/* pem.c - the readers of PEM: authorities, a certificate and key of one's own; in memories of any size.  SPDX: MIT
   White box. Input: two bytes for the memory, one for the cut, then PEM. All that comes of it must be the same whole and cut.
   As two texts of which each ends there it is read too. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include "fuzz.h"

enum { ANCHORS = 3 };

enum { WHOLE, CUT, TWO_TEXTS };

/* Bytes that were handed out: they lie in the memory, and the sanitizer looks. */
static void put_bytes(text *t, const void *p, size_t n)
{
    put_number(t, n);
    if (p != NULL)
        put(t, p, n);
}

static void read_anchors(const uint8_t *data, size_t n, size_t cap, size_t cut, int how, text *t)
{
    xmpp_bearssl_anchor *list = (xmpp_bearssl_anchor *)exact(NULL, ANCHORS * sizeof *list);
    unsigned char *memory = (unsigned char *)exact(NULL, cap);
    char *first = (char *)exact(data, cut), *rest = (char *)exact(data + cut, n - cut);
    xmpp_bearssl_store s;
    size_t i;
    int r;

    xmpp_bearssl_store_init(&s, list, ANCHORS, memory, cap);
    if (how == TWO_TEXTS)
        (void)xmpp_bearssl_anchors_pem(&s, first, cut);
    else
        xmppi_tls_store_push(&s, first, cut);
    r = xmpp_bearssl_anchors_pem(&s, rest, n - cut);
    MUST(r > 0 ? (size_t)r == s.count : r == XMPP_E_TOO_LONG || r == XMPP_E_TLS_CONFIG);
    MUST(s.count <= ANCHORS && s.count <= s.found && (s.need <= cap || s.count < s.found));
    MUST(r != XMPP_E_TOO_LONG || s.need > cap || s.found > ANCHORS);
    put_number(t, (unsigned long)(r + 1000));
    put_number(t, s.found);
    put_number(t, s.skipped);
    put_number(t, s.need);
    for (i = 0; i < s.count; i++) {
        const br_x509_trust_anchor *a = &list[i];

        put_number(t, a->flags);
        put_number(t, a->pkey.key_type);
        put_bytes(t, a->dn.data, a->dn.len);
        if (a->pkey.key_type == BR_KEYTYPE_RSA) {
            put_bytes(t, a->pkey.key.rsa.n, a->pkey.key.rsa.nlen);
            put_bytes(t, a->pkey.key.rsa.e, a->pkey.key.rsa.elen);
        } else {
            put_number(t, (unsigned long)a->pkey.key.ec.curve);
            put_bytes(t, a->pkey.key.ec.q, a->pkey.key.ec.qlen);
        }
    }
    free(list);
    free(memory);
    free(first);
    free(rest);
}

static void put_key(text *t, const xmpp_bearssl_own *o)
{
    if (o->cert.key == NULL)
        return;
    MUST(o->cert.install == xmpp_bearssl_cert_rsa || o->cert.install == xmpp_bearssl_cert_ec);
    if (o->cert.install == xmpp_bearssl_cert_ec) {
        put_number(t, (unsigned long)o->key.ec.curve);
        put_bytes(t, o->key.ec.x, o->key.ec.xlen);
        return;
    }
    put_number(t, o->key.rsa.n_bitlen);
    put_bytes(t, o->key.rsa.p, o->key.rsa.plen);
    put_bytes(t, o->key.rsa.q, o->key.rsa.qlen);
    put_bytes(t, o->key.rsa.dp, o->key.rsa.dplen);
    put_bytes(t, o->key.rsa.dq, o->key.rsa.dqlen);
    put_bytes(t, o->key.rsa.iq, o->key.rsa.iqlen);
}

static void read_own(const uint8_t *data, size_t n, size_t cap, size_t cut, int how, text *t)
{
    unsigned char *memory = (unsigned char *)exact(NULL, cap);
    char *first = (char *)exact(data, cut), *rest = (char *)exact(data + cut, n - cut);
    xmpp_bearssl_own o;
    size_t i;
    int r;

    xmpp_bearssl_own_init(&o, memory, cap);
    if (how == TWO_TEXTS)
        (void)xmpp_bearssl_own_pem(&o, first, cut);
    else
        xmppi_tls_own_push(&o, first, cut);
    r = xmpp_bearssl_own_pem(&o, rest, n - cut);
    MUST(r == XMPP_OK || r == XMPP_E_TOO_LONG || r == XMPP_E_TLS_CLIENT_CERT);
    MUST(o.used <= cap && o.cert.chain_count <= sizeof o.chain / sizeof o.chain[0]);
    put_number(t, (unsigned long)(r + 1000));
    for (i = 0; r == XMPP_OK && i < o.cert.chain_count; i++)
        put_bytes(t, o.chain[i].data, o.chain[i].data_len);
    if (r == XMPP_OK)
        put_key(t, &o);
    xmpp_bearssl_own_wipe(&o);
    for (i = 0; i < cap; i++)
        MUST(memory[i] == 0);
    free(memory);
    free(first);
    free(rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const readers[])(const uint8_t *, size_t, size_t, size_t, int, text *) = { read_anchors, read_own };
    static text whole, cut;
    size_t cap, at, i;

    if (n < 4)
        return 0;
    cap = (data[0] | (size_t)data[1] << 8) % 4096;
    at = data[2] * (n - 3) / 256;
    data += 3;
    n -= 3;
    for (i = 0; i < 2; i++) {
        cut.n = 0;
        readers[i](data, n, cap, at, TWO_TEXTS, &cut);
        whole.n = cut.n = 0;
        readers[i](data, n, cap, 0, WHOLE, &whole);
        readers[i](data, n, cap, at, CUT, &cut);
        MUST(same_text(&whole, &cut));
    }
    return 0;
}
