/* What the other TLS tests leave out of xmpp_tls_bearssl.h: transports that can do little, connections without resumption
   and channel binding, faults of the configuration, sizes at their limits. Certificates as in test_tls.c. */

#define _DEFAULT_SOURCE             /* mkdtemp */
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"

#include "tls_link.h"

static link_t *good_link(void) { return setup_link(&the_link, "good.chain", "good.key", "ca.pem"); }

/* ==== transports ==== */

/* The five functions that a transport must have, and no resumption and no binding above. */
static link_t *little_link(void)
{
    static const xmpp_io_ops five = {.open = pipe_open, .recv = pipe_recv, .send = pipe_send, .close = pipe_close,
                                     .random = pipe_random};
    link_t *l = good_link();

    l->ops = five;
    l->cfg.floor = today - 2 * DAY;
    l->io = xmpp_bearssl_io(&l->tls, &l->cfg, l->tls.below);
    return l;
}

static void stands_on_five_functions(void **state)
{
    link_t *l = little_link();
    char buf[64];
    const char *text = "none";

    (void)state;
    assert_int_equal(l->io.ops->recv(l->io.ctx, buf, 1), XMPP_IO_ERROR);    /* never opened */
    assert_int_equal(l->io.ops->room(l->io.ctx), ~(size_t)0);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_READ);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    assert_false(xmpp_bearssl_resumed(&l->tls));
    xmpp_bearssl_forget(&l->tls);
    assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", buf, sizeof buf), 0);
    assert_int_equal(l->io.ops->state(l->io.ctx, false, NULL, 0), 0);
    assert_int_equal(l->io.ops->state(l->io.ctx, false, buf, sizeof buf), 0);
    assert_int_equal(l->io.ops->state(l->io.ctx, true, buf, 0), 0);
    assert_int_equal(l->io.ops->utc(l->io.ctx), 0);
    assert_int_equal(l->io.ops->millis(l->io.ctx), 0);
    assert_int_equal(l->io.ops->wait(l->io.ctx, XMPP_WANT_READ, 5), 0);
    assert_int_equal(l->io.ops->resolver(l->io.ctx, 0, buf, sizeof buf), XMPP_E_RESOLVE);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_READ);
    assert_int_equal(l->io.ops->reason(l->io.ctx, &text), XMPP_OK);

    l->below = XMPP_IO_ERROR;                       /* the error of one that does not say which */
    assert_int_equal(l->io.ops->recv(l->io.ctx, buf, 1), XMPP_IO_ERROR);
    assert_int_equal(why(l), XMPP_E_TRANSPORT);
    l->io.ops->close(l->io.ctx, true);

    l->utc = 0;                                     /* without a floor there is no date at all */
    l->cfg.floor = 0;
    l->io = xmpp_bearssl_io(&l->tls, &l->cfg, l->tls.below);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);
    assert_int_equal(l->tls.number, XMPP_BEARSSL_BAD_CLOCK);
}

static size_t pipe_room(void *ctx) { (void)ctx; return 77; }
static int pipe_wait(void *ctx, unsigned wants, uint32_t ms) { (void)ctx; return wants == XMPP_WANT_WRITE && ms == 5; }
static int pipe_not_open(void *ctx, const xmpp_target *to) { (void)ctx, (void)to; return XMPP_E_CONNECT; }
static int pipe_no_reason(void *ctx, const char **words) { (void)ctx, (void)words; return XMPP_OK; }
static int pipe_send_fails(void *ctx, const void *buf, size_t n) { (void)ctx, (void)buf, (void)n; return XMPP_IO_ERROR; }

static void hands_on_what_below_can(void **state)
{
    link_t *l = good_link();
    char c;

    (void)state;
    l->ops.room = pipe_room;
    l->ops.wait = pipe_wait;
    l->ops.millis = pipe_millis;
    l->ops.reason = pipe_no_reason;
    l->millis = 12345;
    assert_int_equal(open_to(l, "xmpp.test", false), XMPP_OK);
    assert_int_equal(l->io.ops->room(l->io.ctx), 77);
    assert_int_equal(l->io.ops->wait(l->io.ctx, XMPP_WANT_WRITE, 5), 1);
    assert_int_equal(l->io.ops->millis(l->io.ctx), 12345);
    assert_int_equal(l->io.ops->utc(l->io.ctx), today);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->ops.send = pipe_send_fails;                  /* it breaks when TLS has taken the text */
    assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), XMPP_IO_ERROR);
    assert_int_equal(why(l), XMPP_E_TRANSPORT);
    l->io.ops->close(l->io.ctx, true);

    l->ops.open = pipe_not_open;
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_E_CONNECT);
    assert_int_equal(l->io.ops->recv(l->io.ctx, &c, 1), XMPP_IO_ERROR);
    assert_null(x509.head.owner);
}

static void waits_not_to_write_to_the_deaf(void **state)
{
    link_t *l = good_link();

    (void)state;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->deaf = true;
    assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 1);
    assert_int_equal(l->io.ops->wants(l->io.ctx) & XMPP_WANT_WRITE, 0);
    assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), XMPP_IO_EOF);
    l->io.ops->close(l->io.ctx, true);
}

/* ==== a session without a binding ==== */

static void saves_a_session_without_a_binding(void **state)
{
    link_t *l = good_link();
    unsigned char saved[XMPP_BEARSSL_STATE];
    int n, i;

    (void)state;
    for (i = 0; i < 2; i++) {
        l->io = xmpp_bearssl_io(&l->tls, &l->cfg, l->tls.below);
        xmpp_bearssl_resume(&l->tls, &l->session);
        if (i == 1)
            assert_int_equal(l->io.ops->state(l->io.ctx, true, saved, (size_t)n), 0);
        l->up.n = l->down.n = 0;
        br_ssl_server_reset(&l->server);
        assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
        assert_int_equal(xmpp_bearssl_resumed(&l->tls), i == 1);
        assert_int_equal(l->io.ops->state(l->io.ctx, false, NULL, 0), 0);
        n = l->io.ops->state(l->io.ctx, false, saved, sizeof saved);
        assert_int_equal(n, XMPP_BEARSSL_STATE - 64);           /* no hash of a certificate */
        l->io.ops->close(l->io.ctx, true);
    }
}

/* ==== configurations ==== */

static void misconfigured(link_t *l, int number)
{
    again(l);
    assert_int_not_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    assert_int_equal(l->tls.number, number);
    assert_int_equal(l->opens, 0);
    l->io.ops->close(l->io.ctx, true);
}

static void only_by_either(br_ssl_client_context *c)
{
    xmpp_bearssl_by_either(c);
}

static void refuses_what_is_missing(void **state)
{
    static xmpp_bearssl_cert cert;
    link_t *l = good_link();

    (void)state;
    l->cfg.records = NULL;
    misconfigured(l, XMPP_BEARSSL_BAD_RECORDS);
    l = good_link();
    l->cfg.anchors = NULL;
    misconfigured(l, XMPP_BEARSSL_BAD_ANCHORS);
    l = good_link();
    l->cfg.pin_count = 1;
    misconfigured(l, XMPP_BEARSSL_BAD_PINS);
    l = good_link();
    l->cfg.x509 = NULL;
    misconfigured(l, XMPP_BEARSSL_BAD_CHECK);
    l->cfg.profile = xmpp_bearssl_profile_ec_chacha;
    misconfigured(l, XMPP_BEARSSL_BAD_CHECK);
    l = good_link();
    l->cfg.profile = only_by_either;                /* no hash: BearSSL has no random numbers then */
    misconfigured(l, BR_ERR_BAD_STATE);
    l = good_link();                                /* each part of a certificate of one's own */
    l->cfg.cert = &cert;
    misconfigured(l, XMPP_BEARSSL_BAD_CERT);
    cert = l->own.cert;
    cert.chain_count = 0;
    misconfigured(l, XMPP_BEARSSL_BAD_CERT);
    cert = l->own.cert;
    cert.key = NULL;
    misconfigured(l, XMPP_BEARSSL_BAD_CERT);
}

static void needs_a_certificate(void **state)
{
    link_t *l = &the_link;

    (void)state;
    blank_link(l);
    add_own(&l->own, "good.key");
    begin_link(l, NULL, 0, "ca.pem");
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS);       /* BearSSL refuses the empty message */
    assert_null(xmpp_bearssl_spki(&l->tls));
    l->io.ops->close(l->io.ctx, true);

    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);       /* and so would the check */
    assert_true(xmppi_tls_acquire(&l->tls));
    x509.head.vtable->start_chain(&x509.head.vtable, "xmpp.test");
    assert_int_equal(x509.head.vtable->end_chain(&x509.head.vtable), BR_ERR_X509_EMPTY_CHAIN);
    l->io.ops->close(l->io.ctx, true);
}

/* ==== what is told ==== */

static void names_each_suite(void **state)
{
    static const struct { uint16_t suite; const char *name; } suites[] = {
        {BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
        {BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
        {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
        {BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
        {BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
        {BR_TLS_ECDHE_ECDSA_WITH_AES_128_CCM, "a cipher suite of an own profile"}};
    link_t *l = good_link();
    size_t i;

    (void)state;
    assert_string_equal(xmpp_bearssl_cipher(&l->tls), "");
    assert_string_equal(xmpp_bearssl_version(&l->tls), "");
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    assert_string_equal(xmpp_bearssl_cipher(&l->tls), "");
    assert_int_equal(shake(l), XMPP_OK);
    for (i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        l->tls.client.eng.session.cipher_suite = suites[i].suite;
        assert_string_equal(xmpp_bearssl_cipher(&l->tls), suites[i].name);
    }
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 0);        /* close_notify is under way */
    assert_string_equal(xmpp_bearssl_version(&l->tls), "TLSv1.2");
    assert_string_not_equal(xmpp_bearssl_cipher(&l->tls), "");
    l->io.ops->close(l->io.ctx, true);
}

static void says_no_more_than_fits(void **state)
{
    static char text[1000];
    link_t *l = good_link();

    (void)state;
    memset(text, 'a', sizeof text - 1);
    assert_int_equal(xmppi_tls_say(&l->tls, 0, text, 5), 5);
    assert_int_equal(xmppi_tls_say(&l->tls, 0, text, sizeof text), 511);
    assert_int_equal(l->client_records[511], 0);
    l->tls.number = 256;                            /* an alert of number 0 */
    xmppi_tls_explain(&l->tls);
    assert_non_null(strstr((char *)l->client_records, "(TLS alert 0)"));
    assert_int_equal(xmppi_tls_codes[xmppi_tls_cause(512 + 40)][1], -XMPP_E_TLS);
}

/* ==== certificates and keys at their limits ==== */

static const unsigned char *der_of(const char *name, size_t *n)
{
    static unsigned char der[2048];

    *n = load(name, der, sizeof der);
    return der;
}

/* How deep an element of a kind stands at most; OIDs turn some kinds into others. */
static unsigned depth_below(uint8_t node)
{
    static const uint8_t turned[][2] = {{XMPPI_TLS_EXT, XMPPI_TLS_EXT_SAN}, {XMPPI_TLS_EXT, XMPPI_TLS_EXT_EKU},
                                        {XMPPI_TLS_OTHER, XMPPI_TLS_OTHER_SRV}, {XMPPI_TLS_OTHER, XMPPI_TLS_OTHER_ADDR}};
    unsigned most = 0, d;
    size_t i;

    for (i = 0; i < sizeof turned / sizeof turned[0]; i++)
        if (turned[i][0] == node && (d = depth_below(turned[i][1])) > most + 1)
            most = d - 1;
    for (i = 0; i < sizeof xmppi_tls_rules / sizeof xmppi_tls_rules[0]; i++)
        if (xmppi_tls_rules[i][0] == node && (d = depth_below(xmppi_tls_rules[i][4])) > most)
            most = d;
    return most + 1;
}

static void rules_bound_the_depth(void **state)
{
    (void)state;
    assert_in_range(depth_below(XMPPI_TLS_CERT), 10, sizeof x509.at / sizeof x509.at[0]);
}

static void counts_names_of_any_length(void **state)
{
    static xmpp_bearssl_x509 x;
    long i;

    (void)state;
    x.kind = XMPPI_TLS_SAN;
    x.name = "*";
    for (i = 0; i < 70000; i++) {                   /* past all that a counter of 16 bits holds */
        x.dead = false;
        xmppi_tls_name_byte(&x, 'a');
        assert_true(x.dead);
    }
    assert_int_equal(x.pos, 0x7FFF);
}

static void count_seen(void *ctx, unsigned index, const void *der, size_t n)
{
    (void)index, (void)der;
    *(size_t *)ctx += n;
}

/* A chain of 300, given to a check piece by piece. */
static void long_chain(link_t *l, const br_x509_class **ctx, const char *name)
{
    size_t n, seen = 0;
    const unsigned char *der = der_of("good.der", &n);
    int i;

    l->cfg.seen = count_seen;
    l->cfg.seen_ctx = &seen;
    (*ctx)->start_chain(ctx, name);
    for (i = 0; i < 300; i++) {
        (*ctx)->start_cert(ctx, (uint32_t)n);
        (*ctx)->append(ctx, der, n);
        (*ctx)->append(ctx, der, 0);
        (*ctx)->end_cert(ctx);
    }
    assert_int_equal(seen, 300 * n);
    (*ctx)->end_chain(ctx);
}

static void counts_chains_of_any_length(void **state)
{
    static xmpp_bearssl_pinned pinned;
    link_t *l = good_link();

    (void)state;
    l->tls.check = &x509.head;
    x509.head.owner = &l->tls;
    x509.head.vtable = &xmppi_tls_alone_class;
    long_chain(l, &x509.head.vtable, NULL);
    assert_int_equal(x509.cert, 0xFF);
    x509.head.owner = NULL;
    pinned.head.owner = &l->tls;
    pinned.head.vtable = &xmppi_tls_pin_class;
    long_chain(l, &pinned.head.vtable, NULL);
    assert_int_equal(pinned.cert, 0xFF);
}

static void finds_no_key_that_is_cut(void **state)
{
    static xmpp_bearssl_pinned p;
    link_t *l = good_link();
    size_t n, at;
    const unsigned char *der = der_of("good.der", &n);
    const br_x509_class **ctx = &p.head.vtable;
    int i;

    (void)state;
    for (at = 0; memcmp(der + at, "\x30\x59\x30\x13", 4) != 0; at++)
        ;
    p.head.owner = &l->tls;
    p.head.vtable = &xmppi_tls_pin_class;
    (*ctx)->start_chain(ctx, "");
    (*ctx)->append(ctx, der, at + 1);
    (*ctx)->append(ctx, (const unsigned char *)"\x5A", 1);      /* it says that it is one byte longer */
    (*ctx)->append(ctx, der + at + 2, 89);
    (*ctx)->end_cert(ctx);
    assert_int_equal(p.spki_n, 91);
    assert_int_equal((*ctx)->end_chain(ctx), BR_ERR_X509_UNSUPPORTED);

    (*ctx)->start_chain(ctx, "");                   /* more elements than a byte counts */
    (*ctx)->append(ctx, (const unsigned char *)"\x30\x82\x10\x00\x30\x82\x10\x00", 8);
    for (i = 0; i < 600; i++)
        (*ctx)->append(ctx, (const unsigned char *)"\x05\x00", 2);
    assert_int_equal(p.element, 0xFF);
    assert_int_equal((*ctx)->end_chain(ctx), BR_ERR_X509_UNSUPPORTED);
}

static bool is_key(const char *spki, size_t n)
{
    static unsigned char copy[600];
    br_x509_pkey key;

    memcpy(copy, spki, n);
    return xmppi_tls_key(&key, copy, n);
}
#define IS_KEY(text) is_key(text, sizeof text - 1)

/* A key of 2048 bits with the exponent given as DER. Returns its length. */
static size_t rsa_key(char *p, const char *exponent, size_t n)
{
    memcpy(p, "\x30\x82\x01?\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00\x03\x82\x01?\x00"
              "\x30\x82\x01?\x02\x82\x01\x00", 32);
    p[3] = (char)(0x1C + n);
    p[22] = (char)(0x09 + n);
    p[27] = (char)(0x04 + n);
    memset(p + 32, 0x81, 256);
    memcpy(p + 288, exponent, n);
    return 288 + n;
}

static void reads_no_other_keys(void **state)
{
    char rsa[300];

    (void)state;
    /* SEQUENCE { SEQUENCE { OID, OID }, BIT STRING } */
    assert_false(IS_KEY("\x30\x0F\x30\x09\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x03\x02\x00\x00"));       /* no curve */
    assert_false(IS_KEY("\x30\x10\x30\x0B\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x00\x03\x01\x00"));   /* empty */
    assert_false(IS_KEY("\x30\x11\x30\x0B\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x00\x03\x02\x01\x00"));   /* odd bits */
    assert_false(IS_KEY("\x30\x10\x30\x0A\x06\x06\x2A\x86\x48\xCE\x3D\x02\x06\x00\x03\x02\x00\x00"));   /* not id-ecPublicKey */
    assert_false(IS_KEY("\x30\x11\x30\x0B\x06\x07\x2A\x86\x48\xCE\x3D\x02\x02\x06\x00\x03\x02\x00\x00"));
    assert_false(IS_KEY("\x30\x16\x30\x10\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x05\x2B\x81\x05\x00\x22\x03\x02\x00\x00"));
    assert_false(IS_KEY("\x30\x16\x30\x10\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x05\x2B\x81\x04\x00\x21\x03\x02\x00\x00"));
    assert_false(IS_KEY("\x30\x13\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x02\x05\x00\x03\x02\x00\x00"));

    /* RSA of 2048 bits: no exponent, 0, 3 */
    assert_false(is_key(rsa, rsa_key(rsa, "\x02\x00", 2)));
    assert_false(is_key(rsa, rsa_key(rsa, "\x02\x01\x00", 3)));
    assert_true(is_key(rsa, rsa_key(rsa, "\x02\x01\x03", 3)));
}

static int signature(const char *oid, size_t n) { return xmppi_tls_signature_hash((const unsigned char *)oid, n); }

static void knows_the_hash_of_a_signature(void **state)
{
    char rsa[] = "\x2A\x86\x48\x86\xF7\x0D\x01\x01?", ecdsa[] = "\x2A\x86\x48\xCE\x3D\x04\x03?";
    int last, rsa_is, ecdsa_is;

    (void)state;
    for (last = 0; last < 20; last++) {
        rsa[8] = ecdsa[7] = (char)last;
        rsa_is = last == 4 || last == 5 || last == 11 ? br_sha256_ID : last == 12 ? br_sha384_ID : last == 13 ? br_sha512_ID : 0;
        ecdsa_is = last == 2 ? br_sha256_ID : last == 3 ? br_sha384_ID : last == 4 ? br_sha512_ID : 0;
        assert_int_equal(signature(rsa, 9), rsa_is);
        assert_int_equal(signature(ecdsa, 8), ecdsa_is);
    }
    assert_int_equal(signature(rsa, 8), 0);
    rsa[0] = ecdsa[0] = 0;
    assert_int_equal(signature(rsa, 9), 0);
    assert_int_equal(signature(ecdsa, 8), 0);
}

/* ==== PEM and files ==== */

static void reads_both_labels(void **state)
{
    static char pem[4096], other[4096];
    xmpp_bearssl_store s;
    xmpp_bearssl_anchor list[2];
    unsigned char mem[1024];
    size_t n = load("ca.pem", pem, sizeof pem - 1);

    (void)state;
    pem[n] = 0;
    *strstr(strstr(pem, "-----END"), "\n") = 0;
    snprintf(other, sizeof other, "-----BEGIN X509 %.*s-----END X509 CERTIFICATE-----\n",
             (int)(strstr(pem, "-----END") - pem - 11), pem + 11);
    xmpp_bearssl_store_init(&s, list, 2, mem, sizeof mem);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, other, strlen(other)), 1);
    n = (size_t)(strstr(other, "-----END") - other);                /* one that breaks off: between lines, within one */
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, other, n), XMPP_E_TLS_CONFIG);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, other, n / 2), XMPP_E_TLS_CONFIG);
    xmpp_bearssl_store_init(&s, list, 2, mem, sizeof mem);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, "", 0), XMPP_E_TLS_CONFIG);
}

static void reads_its_own_certificate(void **state)
{
    static char pem[4096];
    static unsigned char mem[8192];
    xmpp_bearssl_own o;
    size_t n = load("good.pem", pem, sizeof pem);
    int i;

    (void)state;
    xmpp_bearssl_own_init(&o, mem, sizeof mem);
    for (i = 0; i < 4; i++)
        assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n), XMPP_OK);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n), XMPP_E_TOO_LONG);
    assert_int_equal(o.cert.chain_count, 4);

    xmpp_bearssl_own_init(&o, mem, sizeof mem);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n / 2), XMPP_E_TLS_CLIENT_CERT);
    xmpp_bearssl_own_init(&o, mem, sizeof mem);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, (size_t)(strstr(pem, "-----END") - pem)), XMPP_E_TLS_CLIENT_CERT);
    strstr(pem, "-----END")[-9] = '!';                              /* of two faults the first */
    xmpp_bearssl_own_init(&o, mem, sizeof mem);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n), XMPP_E_TLS_CLIENT_CERT);
    xmpp_bearssl_own_init(&o, mem, 64);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n), XMPP_E_TOO_LONG);
    xmpp_bearssl_own_init(&o, mem, sizeof mem);
    strcpy(pem, "-----BEGIN DH-----\nAAAA\n-----END DH-----\n-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n");
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, strlen(pem)), XMPP_OK);     /* of no interest */
    assert_int_equal(o.cert.chain_count, 0);
    assert_null(o.cert.key);
}

static void tells_of_files_that_cannot_be_read(void **state)
{
    static unsigned char mem[8192];
    xmpp_bearssl_anchor list[1];
    xmpp_bearssl_store s;
    xmpp_bearssl_own o;

    (void)state;
    xmpp_bearssl_store_init(&s, list, 1, mem, sizeof mem);
    xmpp_bearssl_own_init(&o, mem, sizeof mem);
    assert_int_equal(xmpp_bearssl_own_file(&o, "/nonexistent"), XMPP_E_TLS_CONFIG);
    assert_int_equal(xmpp_bearssl_anchors_file(&s, folder), XMPP_E_TLS_CONFIG);     /* a folder */
    assert_int_equal(xmpp_bearssl_own_file(&o, folder), XMPP_E_TLS_CONFIG);
}

#ifndef _WIN32
#include <sys/resource.h>

static void tells_when_the_system_has_none(void **state)
{
    static unsigned char mem[64];
    xmpp_bearssl_anchor list[1];
    xmpp_bearssl_store s;
    struct rlimit files, none;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    none = files;
    none.rlim_cur = 0;                              /* no file can be opened */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    xmpp_bearssl_store_init(&s, list, 1, mem, sizeof mem);
    assert_int_equal(xmpp_bearssl_anchors_system(&s), XMPP_E_TLS_CONFIG);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
}
#endif

static xmpp_bearssl_system of_system;

static void takes_a_file_or_the_system(void **state)
{
    link_t *l = good_link();
    char path[600];

    (void)state;
    snprintf(path, sizeof path, "%s/ca.pem", folder);
    memset(&of_system, 0xa5, sizeof of_system);         /* as it may come from an allocator */
    l->io = xmpp_bearssl_system_io(&of_system, path, l->tls.below);
    assert_int_equal(of_system.config.anchor_count, 1);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    assert_true(l->io.ops->binding(l->io.ctx, "tls-server-end-point", path, 64) == 32);
    l->io.ops->close(l->io.ctx, true);

    l = good_link();
    l->io = xmpp_bearssl_system_io(&of_system, "/nonexistent", l->tls.below);
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_E_TLS_CONFIG);
    assert_int_equal(of_system.tls.number, XMPP_BEARSSL_BAD_TRUST);
    assert_int_equal(l->opens, 0);

    l = good_link();                                /* the system's do not know the tests' authority, if it has any */
    l->io = xmpp_bearssl_system_io(&of_system, NULL, l->tls.below);
    assert_int_equal(connect_to(l, "xmpp.test"), of_system.config.anchor_count > 0 ? XMPP_E_TLS_UNTRUSTED : XMPP_E_TLS_CONFIG);
    l->io.ops->close(l->io.ctx, true);
}

static int all_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stands_on_five_functions),
        cmocka_unit_test(hands_on_what_below_can),
        cmocka_unit_test(waits_not_to_write_to_the_deaf),
        cmocka_unit_test(saves_a_session_without_a_binding),
        cmocka_unit_test(refuses_what_is_missing),
        cmocka_unit_test(needs_a_certificate),
        cmocka_unit_test(names_each_suite),
        cmocka_unit_test(says_no_more_than_fits),
        cmocka_unit_test(rules_bound_the_depth),
        cmocka_unit_test(counts_names_of_any_length),
        cmocka_unit_test(counts_chains_of_any_length),
        cmocka_unit_test(finds_no_key_that_is_cut),
        cmocka_unit_test(reads_no_other_keys),
        cmocka_unit_test(knows_the_hash_of_a_signature),
        cmocka_unit_test(reads_both_labels),
        cmocka_unit_test(reads_its_own_certificate),
        cmocka_unit_test(tells_of_files_that_cannot_be_read),
#ifndef _WIN32
        cmocka_unit_test(tells_when_the_system_has_none),
#endif
        cmocka_unit_test(takes_a_file_or_the_system)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return with_certificates(argc, argv, all_tests);
}
