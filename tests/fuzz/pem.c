/* pem.c - the readers of PEM: authorities, a certificate and key of one's own; in memories of any size.  SPDX: MIT
   Input: two bytes for the memory, one for the split, then PEM. In pieces and whole must be the same. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include "fuzz.h"

enum { ANCHORS = 3 };

/* Every byte that was handed out lies in the memory: touched, so that the sanitizer looks. */
static unsigned touch(const void *p, size_t n)
{
    const unsigned char *at = (const unsigned char *)p;
    unsigned sum = 0;

    while (n-- > 0)
        sum += *at++;
    return sum;
}

static int read_anchors(const uint8_t *data, size_t n, size_t cap, size_t cut, unsigned *sum)
{
    xmpp_bearssl_anchor *list = (xmpp_bearssl_anchor *)exact(NULL, ANCHORS * sizeof *list);
    unsigned char *memory = (unsigned char *)exact(NULL, cap);
    char *pem = (char *)exact(data, n), *first = (char *)exact(data, cut);
    xmpp_bearssl_store s;
    size_t i;
    int r;

    xmpp_bearssl_store_init(&s, list, ANCHORS, memory, cap);
    if (cut > 0)
        (void)xmpp_bearssl_anchors_pem(&s, first, cut);
    r = xmpp_bearssl_anchors_pem(&s, pem + cut, n - cut);
    MUST(r > 0 ? (size_t)r == s.count : r == XMPP_E_TOO_LONG || r == XMPP_E_TLS_CONFIG);
    MUST(s.count <= ANCHORS && s.count <= s.found);
    *sum = 0;
    for (i = 0; i < s.count; i++) {
        const br_x509_trust_anchor *a = &list[i];

        *sum += touch(a->dn.data, a->dn.len);
        if (a->pkey.key_type == BR_KEYTYPE_RSA)
            *sum += touch(a->pkey.key.rsa.n, a->pkey.key.rsa.nlen) + touch(a->pkey.key.rsa.e, a->pkey.key.rsa.elen);
        else
            *sum += touch(a->pkey.key.ec.q, a->pkey.key.ec.qlen);
    }
    free(list);
    free(memory);
    free(pem);
    free(first);
    return r;
}

static int read_own(const uint8_t *data, size_t n, size_t cap, size_t cut, unsigned *sum)
{
    unsigned char *memory = (unsigned char *)exact(NULL, cap);
    char *pem = (char *)exact(data, n), *first = (char *)exact(data, cut);
    xmpp_bearssl_own o;
    size_t i;
    int r = XMPP_OK;

    xmpp_bearssl_own_init(&o, memory, cap);
    if (cut > 0)
        r = xmpp_bearssl_own_pem(&o, first, cut);
    if (cut == 0 || n > cut)
        r = xmpp_bearssl_own_pem(&o, pem + cut, n - cut);
    MUST(r == XMPP_OK || r == XMPP_E_TOO_LONG || r == XMPP_E_TLS_CLIENT_CERT);
    MUST(o.used <= cap);
    *sum = 0;
    for (i = 0; i < o.cert.chain_count && i < 4; i++)
        *sum += touch(o.chain[i].data, o.chain[i].data_len);
    xmpp_bearssl_own_wipe(&o);
    free(memory);
    free(pem);
    free(first);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    unsigned whole, cut;
    size_t cap, at;

    if (n < 4)
        return 0;
    cap = (data[0] | (size_t)data[1] << 8) % 4096;
    at = data[2] * (n - 3) / 256;
    data += 3;
    n -= 3;
    (void)read_anchors(data, n, cap, at, &cut);
    if (read_anchors(data, n, cap, 0, &whole) > 0 && at == 0)
        MUST(whole == cut);
    (void)read_own(data, n, cap, at, &cut);
    (void)read_own(data, n, cap, 0, &whole);
    return 0;
}
