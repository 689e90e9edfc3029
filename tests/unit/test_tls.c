/* TLS with BearSSL: the pure parts, and handshakes with a BearSSL server in this process, over a
   pipe in memory. Certificates are made by tls_certs.sh beside this file, or are in the folder
   that argv[1] names. */

#define _DEFAULT_SOURCE             /* mkdtemp */
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"

#include "tls_link.h"

static link_t the_second;

static link_t *good_link(void) { return setup_link(&the_link, "good.chain", "good.key", "ca.pem"); }

static void expect(const char *chain, const char *key, const char *root, const char *name,
                   int error, const char *text)
{
    link_t *l = setup_link(&the_link, chain, key, root);

    assert_int_equal(connect_to(l, name), error);
    if (error != XMPP_OK) {
        assert_non_null(strstr(words(l), text));
        assert_int_equal(l->io.ops->close(l->io.ctx, true), 1);
        assert_non_null(strstr(words(l), text));       /* until the next open */
        assert_int_equal(why(l), error);
    }
    assert_null(error != XMPP_OK ? x509.head.owner : NULL);
    l->io.ops->close(l->io.ctx, true);
}

/* ==== handshakes ==== */

static void accepts_good_chains(void **state)
{
    (void)state;
    expect("good.chain", "good.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    expect("good.chain", "good.key", "ca.pem", "XMPP.Test", XMPP_OK, "");
    expect("good.chain", "good.key", "ca.pem", "a.wild.test", XMPP_OK, "");
    expect("good.chain", "good.key", "both.pem", "other.example", XMPP_OK, "");
    expect("rsa.pem", "rsa.key", "other.pem", "xmpp.test", XMPP_OK, "");
    expect("sha384.pem", "sha384.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    expect("p384.pem", "p384.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    expect("srv.pem", "srv.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    expect("addr.pem", "addr.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    /* ends after 2050: GeneralizedTime */
    expect("late.pem", "late.key", "ca.pem", "xmpp.test", XMPP_OK, "");
}

static void refuses_other_names(void **state)
{
    (void)state;
    expect("good.chain", "good.key", "ca.pem", "wrong.example", XMPP_E_TLS_NAME,
           "the certificate is for xmpp.test, *.wild.test, other.example, expected wrong.example "
           "(BearSSL 56)");
    expect("good.chain", "good.key", "ca.pem", "wild.test", XMPP_E_TLS_NAME, "expected wild.test");
    expect("good.chain", "good.key", "ca.pem", "a.b.wild.test", XMPP_E_TLS_NAME,
           "expected a.b.wild.test");
    expect("good.chain", "good.key", "ca.pem", "xmpp.test.evil", XMPP_E_TLS_NAME,
           "expected xmpp.test.evil");
    expect("good.chain", "good.key", "ca.pem", "mpp.test", XMPP_E_TLS_NAME, "expected mpp.test");
    expect("cn.pem", "cn.key", "ca.pem", "xmpp.test", XMPP_E_TLS_NAME,
           "the certificate is for no name, expected xmpp.test");
    expect("zero.pem", "zero.key", "ca.pem", "xmpp.test", XMPP_E_TLS_NAME,
           "for xmpp.test?.evil, expected");
    expect("server.pem", "server.key", "ca.pem", "xmpp.test", XMPP_E_TLS_NAME,
           "for _xmpp-server.xmpp.test, expected");
}

static void refuses_untrusted_chains(void **state)
{
    (void)state;
    expect("good.chain", "good.key", "other.pem", "xmpp.test", XMPP_E_TLS_UNTRUSTED,
           "not signed by any of config.anchors");
    expect("good.pem", "good.key", "ca.pem", "xmpp.test", XMPP_E_TLS_UNTRUSTED, "BearSSL 62");
    expect("ca.pem", "ca.key", "other.pem", "xmpp.test", XMPP_E_TLS_UNTRUSTED, "BearSSL 62");
    expect("noca.chain", "noca.key", "ca.pem", "xmpp.test", XMPP_E_TLS_UNTRUSTED, "may not sign");
    expect("weak.pem", "weak.key", "ca.pem", "xmpp.test", XMPP_E_TLS_CERT, "less than 2048 bits");
    expect("sha1.pem", "sha1.key", "ca.pem", "xmpp.test", XMPP_E_TLS_CERT, "SHA-1");
    expect("critical.pem", "critical.key", "ca.pem", "xmpp.test", XMPP_E_TLS_CERT,
           "critical extension");
}

static void compares_dates_with_the_clock(void **state)
{
    link_t *l = good_link();
    char date[11], text[64];

    (void)state;
    l->utc = today + 200 * DAY;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_EXPIRED);
    assert_non_null(strstr(words(l), "the certificate has expired on 2"));
    xmppi_tls_day_text(date, today / DAY + 200 + 719528);
    snprintf(text, sizeof text, "(the clock says %s) (BearSSL 54)", date);
    assert_non_null(strstr(words(l), text));

    l = good_link();
    l->utc = today - 2 * DAY;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_EXPIRED);
    assert_non_null(strstr(words(l), "the certificate is not valid yet, only from 2"));
    assert_int_equal(l->tls.floor, 0);
}

static void needs_a_floor_without_a_clock(void **state)
{
    link_t *l = good_link();

    (void)state;
    l->utc = 0;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);
    assert_non_null(strstr(words(l), "config.floor"));
    assert_int_equal(l->opens, 0);

    /* the end after the floor, the begin not compared */
    l = good_link();
    l->utc = 0;
    l->cfg.floor = today - 2 * DAY;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    assert_in_range(l->tls.floor, today - DAY, today + DAY);     /* rose to the newest begin */
    l->io.ops->close(l->io.ctx, true);
    assert_in_range(l->tls.floor, today - DAY, today + DAY);

    l = good_link();                            /* a clock before the floor is none */
    l->utc = 12345;
    l->cfg.floor = today - 2 * DAY;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);

    l = good_link();
    l->utc = 0;
    l->cfg.floor = today + 200 * DAY;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_EXPIRED);
    assert_non_null(strstr(words(l), "(the date floor is 2"));
    assert_int_equal(l->tls.floor, today + 200 * DAY);
}

static unsigned char pins[3][32];

static void fresh_pipe(link_t *l);
static bool visit(link_t *l);

/* The pin of the key that good_link() serves. */
static void pin_good(link_t *l)
{
    char end[64];

    load("good.spki", end, sizeof end);
    memcpy(pins[0], end, 32);
    l->cfg.pins = (const unsigned char (*)[32])pins;
    l->cfg.pin_count = 1;
}

static void pins_beside_anchors(void **state)
{
    link_t *l = good_link();
    char end[64];

    (void)state;
    memset(pins, 7, sizeof pins);
    l->cfg.pins = (const unsigned char (*)[32])pins;
    l->cfg.pin_count = 3;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PIN);
    assert_non_null(strstr(words(l), "config.pins"));
    assert_non_null(xmpp_bearssl_spki(&l->tls));
    load("good.spki", end, sizeof end);
    assert_memory_equal(xmpp_bearssl_spki(&l->tls), end, 32);

    memcpy(pins[2], end, 32);                   /* but for the last bit */
    pins[2][31] ^= 1;
    l = good_link();
    l->cfg.pins = (const unsigned char (*)[32])pins;
    l->cfg.pin_count = 3;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PIN);

    memcpy(pins[2], end, 32);
    l = good_link();
    l->cfg.pins = (const unsigned char (*)[32])pins;
    l->cfg.pin_count = 3;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);

    l = good_link();                            /* both must pass */
    l->cfg.pins = (const unsigned char (*)[32])pins;
    l->cfg.pin_count = 3;
    again(l);
    assert_int_equal(connect_to(l, "wrong.example"), XMPP_E_TLS_NAME);
    l = setup_link(&the_link, "good.chain", "good.key", "other.pem");
    l->cfg.pins = (const unsigned char (*)[32])pins;
    l->cfg.pin_count = 3;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_UNTRUSTED);
}

static void pin_alone(const char *chain, const char *key, const char *spki, const char *name,
                      int error)
{
    link_t *l = setup_link(&the_link, chain, key, "");

    load(spki, pins[0], 64);
    l->cfg.pins = (const unsigned char (*)[32])pins;
    l->cfg.pin_count = 1;
    again(l);
    assert_int_equal(connect_to(l, name), XMPP_E_TLS_CONFIG);
    assert_non_null(strstr(words(l), "pins_alone_replace_ca"));
    l->cfg.pins_alone_replace_ca = true;
    l->utc = 0;
    again(l);
    assert_int_equal(connect_to(l, name), error);
    l->io.ops->close(l->io.ctx, true);
}

static void pins_alone(void **state)
{
    (void)state;
    pin_alone("good.chain", "good.key", "good.spki", "wrong.example", XMPP_OK);
    pin_alone("order.chain", "middle.key", "good.spki", "xmpp.test", XMPP_E_TLS_PIN);
    pin_alone("good.pem", "good.key", "good.spki", "192.0.2.1", XMPP_OK);
    pin_alone("rsa.pem", "rsa.key", "rsa.spki", "xmpp.test", XMPP_OK);
    pin_alone("p384.pem", "p384.key", "p384.spki", "xmpp.test", XMPP_OK);
    pin_alone("p384.pem", "p384.key", "rsa.spki", "xmpp.test", XMPP_E_TLS_PIN);
    pin_alone("weak.pem", "weak.key", "rsa.spki", "xmpp.test", XMPP_E_TLS_CERT);
}

static void refuses_bad_configurations(void **state)
{
    link_t *l = setup_link(&the_link, "good.chain", "good.key", "");

    (void)state;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);
    assert_non_null(strstr(words(l), "neither anchors nor pins"));
    assert_int_equal(l->opens, 0);

    l = good_link();
    l->cfg.records_size = XMPP_BEARSSL_BUFFER(512) - 1;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);
    l->cfg.records_size++;
    again(l);
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);

    l->cfg.records_size = XMPP_BEARSSL_BUFFER_IN_OUT(512, 600);
    l->cfg.out = 601;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);
    l->cfg.out = 511;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);
    l->cfg.out = 600;
    again(l);
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);

    l->cfg.profile = NULL;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);

    l = good_link();
    assert_int_equal(connect_to(l, "192.0.2.1"), XMPP_E_TLS_NAME);
    assert_int_equal(connect_to(l, "2001:db8::1"), XMPP_E_TLS_NAME);
    assert_int_equal(connect_to(l, ""), XMPP_E_TLS_NAME);
    assert_int_equal(connect_to(l, NULL), XMPP_E_TLS_NAME);
    memset(l->got, 'a', 256);
    l->got[256] = 0;
    assert_int_equal(connect_to(l, l->got), XMPP_E_TLS_NAME);
    l->got[255] = 0;
    assert_int_equal(open_to(l, l->got, true), XMPP_OK);
    l->up.n = 0;
    l->no_random = true;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_ENTROPY);
    l->no_random = false;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);
}

static void works_byte_by_byte(void **state)
{
    link_t *l = good_link();

    (void)state;
    l->piece = 1;
    l->room = 7;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);
}

static void shrinks_records(void **state)
{
    link_t *l = good_link();
    char text[5000], back[5000];
    size_t i, n = 0;
    int k;

    (void)state;
    for (i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    l->cfg.records_size = XMPP_BEARSSL_BUFFER(512);
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    assert_int_equal(l->io.ops->room(l->io.ctx), 512);
    server_says(l, text, sizeof text);
    while (n < sizeof back && (k = l->io.ops->recv(l->io.ctx, back + n, sizeof back - n)) > 0)
        n += (size_t)k;
    assert_int_equal(n, sizeof text);
    assert_memory_equal(text, back, sizeof text);

    l->got_n = 0;                               /* a large text is taken a record at a time */
    for (n = 0; n < sizeof text; n += (size_t)k) {
        k = l->io.ops->send(l->io.ctx, text + n, sizeof text - n);
        assert_in_range(k, 1, 512);
        serve(l);
    }
    assert_int_equal(l->got_n, sizeof text);
    assert_memory_equal(text, l->got, sizeof text);
    l->io.ops->close(l->io.ctx, true);
}

static void rooms(void **state)
{
    static const size_t sizes[][3] = {
        {512, 0, 512}, {1000, 0, 512}, {4096, 0, 4096}, {16384, 0, 16384}, {4096, 600, 512}};
    link_t *l;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        l = good_link();
        l->cfg.out = (uint16_t)sizes[i][1];
        l->cfg.records_size =
            XMPP_BEARSSL_BUFFER_IN_OUT(sizes[i][0], l->cfg.out != 0 ? l->cfg.out : sizes[i][0]);
        again(l);
        assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
        assert_int_equal(l->io.ops->room(l->io.ctx), sizes[i][2]);
        l->io.ops->close(l->io.ctx, true);
    }
}

static void reports_a_record_that_does_not_fit(void **state)
{
    static const unsigned char large[5] = {23, 3, 3, 0x20, 0};
    link_t *l = good_link();
    char c;

    (void)state;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    put(&l->down, large, sizeof large);
    assert_int_equal(l->io.ops->recv(l->io.ctx, &c, 1), XMPP_IO_ERROR);
    assert_int_equal(why(l), XMPP_E_TLS_CONFIG);
    assert_non_null(strstr(words(l), "XMPP_BEARSSL_BUFFER(16384)"));
    l->io.ops->close(l->io.ctx, true);
}

/* ---- a server that knows nothing of max_fragment_length, or says so and sends n bytes a record ---- */

static const br_ssl_server_policy_class *real_policy;
static br_ssl_server_policy_class        deaf_policy;
static size_t                            deaf_fragment;

static int choose_deaf(const br_ssl_server_policy_class **policy, const br_ssl_server_context *c,
                       br_ssl_server_choices *choices)
{
    br_ssl_engine_context *e = &the_link.server.eng;

    assert_ptr_equal(c, &the_link.server);
    e->peer_log_max_frag_len = 0;                   /* the extension is not answered */
    e->max_frag_len = deaf_fragment;
    return real_policy->choose(policy, c, choices);
}

static link_t *deaf_link(size_t records_in, size_t fragment)
{
    link_t *l = good_link();

    real_policy = *l->server.policy_vtable;
    deaf_policy = *real_policy;
    deaf_policy.choose = choose_deaf;
    *l->server.policy_vtable = &deaf_policy;
    deaf_fragment = fragment;
    l->cfg.out = 512;
    l->cfg.records_size = XMPP_BEARSSL_BUFFER_IN_OUT(records_in, 512);
    again(l);
    return l;
}

/* The extension that the ClientHello holds: 1 to 4, 0 for none. */
static int asked_fragment(size_t records)
{
    link_t *l = good_link();
    size_t i;

    l->cfg.records_size = XMPP_BEARSSL_BUFFER(records);
    again(l);
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 0);
    for (i = 0; i + 5 <= l->up.n; i++)
        if (memcmp(l->up.b + i, "\x00\x01\x00\x01", 4) == 0 && l->up.b[i + 4] < 5)
            break;
    l->io.ops->close(l->io.ctx, true);
    return i + 5 <= l->up.n ? l->up.b[i + 4] : 0;
}

static void asks_for_small_records(void **state)
{
    (void)state;
    assert_int_equal(asked_fragment(512), 1);
    assert_int_equal(asked_fragment(1023), 1);
    assert_int_equal(asked_fragment(1024), 2);
    assert_int_equal(asked_fragment(2048), 3);
    assert_int_equal(asked_fragment(4096), 4);
    assert_int_equal(asked_fragment(16383), 4);
    assert_int_equal(asked_fragment(16384), 0);
}

static void meets_servers_that_send_more(void **state)
{
    static char text[40000], back[40000];
    link_t *l;
    size_t n, most;
    int k;

    (void)state;
    memset(text, 'a', sizeof text);
    /* what the buffer was made for fits, and with this cipher 304 bytes more: the rest is for others */
    for (most = 1024; most <= 1024 + 304; most += 304) {
        l = deaf_link(1024, most);
        assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
        server_says(l, text, 3000);
        assert_true(l->down.b[3] * 256 + l->down.b[4] == (int)most + 16);
        for (n = 0; n < 3000; n += (size_t)k) {
            k = l->io.ops->recv(l->io.ctx, back + n, sizeof back - n);
            assert_true(k > 0);
        }
        assert_memory_equal(text, back, n);
        l->io.ops->close(l->io.ctx, true);
    }
    /* one byte more, once the handshake, whose records were smaller, is over */
    l = deaf_link(1024, 1024);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->server.eng.max_frag_len = 1024 + 304 + 1;
    server_says(l, "x", 1);                         /* a record that was begun with the old bound */
    assert_int_equal(l->io.ops->recv(l->io.ctx, back, 1), 1);
    server_says(l, text, 3000);
    while ((k = l->io.ops->recv(l->io.ctx, back, sizeof back)) > 0)
        ;
    assert_int_equal(k, XMPP_IO_ERROR);
    assert_int_equal(why(l), XMPP_E_TLS_CONFIG);
    assert_int_equal(l->tls.number, BR_ERR_TOO_LARGE);
    assert_non_null(strstr(words(l), "raise config.records, XMPP_BEARSSL_BUFFER(16384)"));
    l->io.ops->close(l->io.ctx, true);

    /* a handshake is read in pieces, however large its records; then it ends. A profile without
       words has these */
    l = deaf_link(512, 16384);
    l->cfg.profile = xmpp_bearssl_profile_ec_chacha;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    server_says(l, "x", 1);
    assert_int_equal(l->io.ops->recv(l->io.ctx, back, 1), 1);
    server_says(l, text, 2000);
    assert_int_equal(l->io.ops->recv(l->io.ctx, back, 1), XMPP_IO_ERROR);
    assert_int_equal(why(l), XMPP_E_TLS_CONFIG);
    assert_non_null(strstr(words(l), "raise config.records, XMPP_BEARSSL_BUFFER(16384)"));
    assert_int_equal(l->tls.number, BR_ERR_TOO_LARGE);
    l->io.ops->close(l->io.ctx, true);

    l = deaf_link(16384, 16384);                    /* and what takes all */
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    server_says(l, text, sizeof text);
    for (n = 0; n < sizeof text; n += (size_t)k) {
        k = l->io.ops->recv(l->io.ctx, back + n, sizeof back - n);
        assert_true(k > 0);
    }
    assert_memory_equal(text, back, n);
    l->io.ops->close(l->io.ctx, true);
}

static void reports_a_changed_record(void **state)
{
    link_t *l = good_link();
    char c;

    (void)state;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    server_says(l, "x", 1);
    l->down.b[l->down.n - 1] ^= 1;
    assert_int_equal(l->io.ops->recv(l->io.ctx, &c, 1), XMPP_IO_ERROR);
    assert_int_equal(why(l), XMPP_E_TLS);
    assert_non_null(strstr(words(l), "altered"));
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_NOW);
}

static void says_when_it_is_not_tls(void **state)
{
    link_t *l = good_link();
    const char *text = "<?xml version='1.0'?><stream:stream xmlns='jabber:client'>";

    (void)state;
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    put(&l->down, text, strlen(text));
    assert_int_equal(shake(l), XMPP_E_TLS_PROTOCOL);
    assert_non_null(strstr(words(l), "does not speak TLS"));
}

static void says_when_nothing_is_in_common(void **state)
{
    static const uint16_t cbc[] = {BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA};
    link_t *l = good_link();

    (void)state;
    br_ssl_engine_set_suites(&l->server.eng, cbc, 1);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PROTOCOL);
    assert_non_null(strstr(words(l), "in common with the server (TLS alert 40)"));

    l = good_link();
    br_ssl_engine_set_versions(&l->server.eng, BR_TLS10, BR_TLS11);
    br_ssl_server_reset(&l->server);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PROTOCOL);
}

static void accepts_no_sha1_in_the_handshake(void **state)
{
    link_t *l = good_link();
    int id;

    (void)state;
    /* a server that can sign with nothing better */
    for (id = br_sha224_ID; id <= br_sha512_ID; id++)
        if (id != br_sha256_ID)
            br_ssl_engine_set_hash(&l->server.eng, id, NULL);
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 0);
    /* signature_algorithms as they are sent */
    for (id = 0; id + 14 < (int)l->up.n; id++)
        if (memcmp(l->up.b + id,
                   "\x00\x0d\x00\x0e\x00\x0c\x04\x03\x05\x03\x06\x03\x04\x01\x05\x01\x06\x01",
                   18) == 0)
            break;
    assert_true(id + 14 < (int)l->up.n);
    assert_int_equal(l->up.b[9] << 8 | l->up.b[10], BR_TLS12);
}

static void accepts_no_altered_handshake(void **state)
{
    link_t *l = good_link();
    size_t at, n = 6;
    int i;

    (void)state;
    for (at = 5; at < n; at += 41) {            /* a prime: hits fields of every kind */
        l->up.n = l->down.n = 0;
        br_ssl_server_reset(&l->server);
        assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
        assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 0);
        serve(l);
        n = l->down.n;
        l->down.b[at] ^= 0x01;
        for (i = 0; i < 20; i++) {
            assert_true(l->io.ops->send(l->io.ctx, "x", 1) <= 0);
            serve(l);
        }
        l->io.ops->close(l->io.ctx, true);
    }
    assert_true(at > 800);
}

static void client_certificates(void **state)
{
    static const char *const kinds[][2] = {
        {"client_ec.pem", "client_ec.key"}, {"client_ec.pem", "client_ec1.key"},
        {"client_rsa.pem", "client_rsa.key"}, {"client_rsa.pem", "client_rsa1.key"}, {NULL, NULL}
    };
    static xmpp_bearssl_own own;
    static unsigned char mem[4096];
    link_t *l;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        l = good_link();
        xmpp_bearssl_store_init(&l->server_store, l->server_list, 4, l->server_mem,
                                sizeof l->server_mem);
        add_anchor(&l->server_store, "ca.pem");
        br_x509_minimal_init_full(&l->server_x509, l->server_list, l->server_store.count);
        br_x509_minimal_set_time(&l->server_x509, today / DAY + 719528, today % DAY);
        br_ssl_engine_set_x509(&l->server.eng, &l->server_x509.vtable);
        br_ssl_engine_set_default_rsavrfy(&l->server.eng);
        br_ssl_engine_set_default_ecdsa(&l->server.eng);
        br_ssl_server_set_trust_anchor_names_alt(&l->server, l->server_list, l->server_store.count);
        br_ssl_server_reset(&l->server);
        if (kinds[i][0] != NULL) {
            xmpp_bearssl_own_init(&own, mem, sizeof mem);
            add_own(&own, kinds[i][0]);
            l->cfg.cert = &own.cert;
            again(l);
            assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CLIENT_CERT);   /* no key yet */
            add_own(&own, kinds[i][1]);
            again(l);
            assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
            assert_int_equal(br_ssl_engine_last_error(&l->server.eng), BR_ERR_OK);
            l->io.ops->close(l->io.ctx, true);
            xmpp_bearssl_own_wipe(&own);
            assert_null(own.cert.install);
        } else {                                /* BearSSL's server wants one and ends it */
            assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
            while (br_ssl_engine_current_state(&l->server.eng) != BR_SSL_CLOSED) {
                assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 0);
                serve(l);
            }
            l->down.eof = true;
            assert_int_equal(shake(l), XMPP_E_TLS);
        }
    }
}

static void maps_alerts(void **state)
{
    static const int alerts[][2] = {
        {10, XMPP_E_TLS}, {40, XMPP_E_TLS_PROTOCOL}, {42, XMPP_E_TLS_CLIENT_CERT},
        {46, XMPP_E_TLS_CLIENT_CERT},
        {47, XMPP_E_TLS}, {48, XMPP_E_TLS_CLIENT_CERT}, {49, XMPP_E_TLS_CLIENT_CERT},
        {50, XMPP_E_TLS}, {70, XMPP_E_TLS_PROTOCOL}, {71, XMPP_E_TLS_PROTOCOL},
        {80, XMPP_E_TLS}, {112, XMPP_E_TLS_NAME}, {116, XMPP_E_TLS_CLIENT_CERT},
        {120, XMPP_E_TLS_PROTOCOL}, {255, XMPP_E_TLS}
    };
    unsigned char alert[7] = {21, 3, 3, 0, 2, 2, 0};
    char text[32];
    link_t *l;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof alerts / sizeof alerts[0]; i++) {
        l = good_link();
        assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
        alert[6] = (unsigned char)alerts[i][0];
        put(&l->down, alert, sizeof alert);
        assert_int_equal(shake(l), alerts[i][1]);
        snprintf(text, sizeof text, "(TLS alert %d)", alerts[i][0]);
        assert_non_null(strstr(words(l), text));
    }
    for (i = 1; i < 64; i++) {                  /* every number has words */
        xmppi_tls_stop(&l->tls, (int)i);
        assert_int_equal(l->tls.number, i);
        assert_true(strlen(words(l)) > sizeof " (BearSSL 99)");
        assert_true(why(l) < 0);
    }
}

static void starttls(void **state)
{
    link_t *l = good_link();
    char buf[16];

    (void)state;
    assert_int_equal(l->io.ops->start_tls(l->io.ctx, "xmpp.test"), XMPP_E_STATE);
    assert_int_equal(open_to(l, "xmpp.test", false), XMPP_OK);
    assert_int_equal(l->opens, 1);
    put(&l->down, "plain", 5);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_NOW | XMPP_WANT_READ);
    assert_int_equal(l->io.ops->recv(l->io.ctx, buf, sizeof buf), 5);
    assert_int_equal(l->io.ops->send(l->io.ctx, "text", 4), 4);
    assert_memory_equal(l->up.b, "text", 4);
    l->up.n = 0;
    assert_true(l->io.ops->room(l->io.ctx) > 65536u - 1);
    assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", buf, sizeof buf), 0);
    assert_string_equal(xmpp_bearssl_version(&l->tls), "");
    assert_null(xmpp_bearssl_spki(&l->tls));
    assert_int_equal(l->io.ops->start_tls(l->io.ctx, "xmpp.test"), XMPP_OK);
    assert_int_equal(shake(l), XMPP_OK);
    assert_string_equal(xmpp_bearssl_version(&l->tls), "TLSv1.2");
    assert_string_equal(xmpp_bearssl_cipher(&l->tls),
                        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
    assert_int_equal(l->io.ops->start_tls(l->io.ctx, "xmpp.test"), XMPP_E_STATE);
    l->io.ops->close(l->io.ctx, true);
    assert_string_equal(xmpp_bearssl_version(&l->tls), "");
}

/* Asking name servers goes through as it is, and TLS works after it. */
static void name_servers(void **state)
{
    link_t *l = good_link();
    xmpp_target to;
    xmpp_io_ops few = pipe_ops;
    char buf[64];

    (void)state;
    memset(&to, 0, sizeof to);
    to.host = "192.0.2.53";
    to.tls_name = "xmpp.test";
    to.port = 53;
    to.udp = to.dns = true;
    assert_int_equal(l->io.ops->resolver(l->io.ctx, 0, buf, sizeof buf), XMPP_OK);
    assert_int_equal(buf[0], '0');
    assert_int_equal(l->io.ops->resolver(l->io.ctx, 1, buf, sizeof buf), XMPP_E_RESOLVE);
    assert_int_equal(l->io.ops->open(l->io.ctx, &to), XMPP_OK);
    assert_true(l->to.udp && l->to.dns && l->to.port == 53 && strcmp(l->to.host, "192.0.2.53") == 0);
    assert_int_equal(l->io.ops->send(l->io.ctx, "question", 8), 8);
    assert_memory_equal(l->up.b, "question", 8);
    l->up.n = 0;
    put(&l->down, "answer", 6);
    assert_int_equal(l->io.ops->recv(l->io.ctx, buf, sizeof buf), 6);
    assert_int_equal(l->io.ops->close(l->io.ctx, true), 1);
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    assert_false(l->to.udp || l->to.dns);
    assert_int_equal(shake(l), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);
    few.resolver = NULL;
    l->tls.below.ops = &few;
    assert_int_equal(l->io.ops->resolver(l->io.ctx, 0, buf, sizeof buf), XMPP_E_RESOLVE);
}

static void tells_what_it_waits_for(void **state)
{
    link_t *l = good_link();
    char buf[16];

    (void)state;
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_READ | XMPP_WANT_WRITE);
    l->room = 10;                               /* the socket takes ten bytes of the ClientHello */
    assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 0);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_READ | XMPP_WANT_WRITE);
    l->room = sizeof l->up.b;
    assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 0);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_READ);
    assert_int_equal(shake(l), XMPP_OK);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_READ);

    /* decrypted bytes wait in the engine, the socket is quiet */
    server_says(l, "two words", 9);
    assert_int_equal(l->io.ops->recv(l->io.ctx, buf, 3), 3);
    assert_int_equal(l->down.n, 0);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_NOW);
    assert_int_equal(l->io.ops->recv(l->io.ctx, buf, 16), 6);
    assert_memory_equal(buf, " words", 6);
    assert_int_equal(l->io.ops->recv(l->io.ctx, buf, 16), 0);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_READ);

    /* one record is taken, then the socket must drain */
    l->room = 0;
    assert_int_equal(l->io.ops->send(l->io.ctx, "a", 1), 1);
    assert_int_equal(l->io.ops->send(l->io.ctx, "b", 1), 0);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_READ | XMPP_WANT_WRITE);
    server_says(l, "cd", 2);                    /* and reading goes on meanwhile */
    assert_int_equal(l->io.ops->recv(l->io.ctx, buf, 16), 2);
    l->room = sizeof l->up.b;
    assert_int_equal(l->io.ops->send(l->io.ctx, "b", 1), 1);
    serve(l);
    assert_int_equal(l->got_n, 2);
    l->io.ops->close(l->io.ctx, true);
}

static void truncation(void **state)
{
    link_t *l = good_link();
    char c;

    (void)state;
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    l->down.eof = true;
    assert_int_equal(shake(l), XMPP_E_TLS);
    assert_non_null(strstr(words(l), "during the TLS handshake"));

    l = good_link();
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    server_says(l, "x", 1);
    l->down.eof = true;
    assert_int_equal(l->io.ops->recv(l->io.ctx, &c, 1), 1);     /* what came before is not lost */
    assert_int_equal(l->io.ops->recv(l->io.ctx, &c, 1), XMPP_IO_EOF);
    assert_int_equal(l->io.ops->send(l->io.ctx, &c, 1), XMPP_IO_EOF);
    assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_NOW);
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 1);
}

static void passes_on_errors_from_below(void **state)
{
    link_t *l = good_link();
    char c;

    (void)state;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->below = XMPP_IO_ERROR;
    assert_int_equal(l->io.ops->recv(l->io.ctx, &c, 1), XMPP_IO_ERROR);
    assert_int_equal(why(l), XMPP_E_CONNECT);
    assert_string_equal(words(l), "the pipe broke");
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 1);

    /* the peer reads no more, but what it said is still there */
    l = good_link();
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    server_says(l, "x", 1);
    l->deaf = true;
    assert_int_equal(l->io.ops->send(l->io.ctx, "a", 1), 1);
    assert_int_equal(l->io.ops->send(l->io.ctx, "b", 1), XMPP_IO_EOF);
    assert_int_equal(l->io.ops->recv(l->io.ctx, &c, 1), 1);
    assert_int_equal(c, 'x');
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 1);
}

static void closes_in_order(void **state)
{
    link_t *l = good_link();
    char c;
    size_t i;

    (void)state;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    server_says(l, "too late", 8);
    /* waits for the server's close_notify */
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 0);
    assert_true(l->up.n > 0);
    assert_int_equal(l->closes, 0);
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 0);
    assert_true((l->io.ops->wants(l->io.ctx) & XMPP_WANT_READ) != 0);
    serve(l);
    assert_int_equal(br_ssl_engine_current_state(&l->server.eng), BR_SSL_CLOSED);
    assert_int_equal(br_ssl_engine_last_error(&l->server.eng), BR_ERR_OK);
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 1);
    assert_int_equal(l->closes, 1);
    for (i = 0; i < sizeof l->tls.client; i++)                  /* nothing of the keys stays */
        assert_int_equal(((unsigned char *)&l->tls.client)[i], 0);
    for (i = 0; i < l->cfg.records_size; i++)
        assert_int_equal(l->client_records[i], 0);
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 1);    /* closing what is closed is fine */

    /* text in the engine that nobody reads is no obstacle */
    l = good_link();
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    server_says(l, "two words", 9);
    assert_int_equal(l->io.ops->recv(l->io.ctx, &c, 1), 1);
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 0);
    serve(l);
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 1);

    l = good_link();                            /* a socket that takes nothing for a while */
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->room = 0;
    assert_int_equal(l->io.ops->send(l->io.ctx, "bye", 3), 3);
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 0);
    assert_true((l->io.ops->wants(l->io.ctx) & XMPP_WANT_WRITE) != 0);
    l->room = sizeof l->up.b;
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 0);
    serve(l);
    assert_int_equal(l->got_n, 3);
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 1);

    l = good_link();                            /* an EOF instead of close_notify ends it too */
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 0);
    l->down.eof = true;
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 1);

    l = good_link();                            /* the server begins */
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    br_ssl_engine_close(&l->server.eng);
    serve(l);
    assert_int_equal(l->io.ops->recv(l->io.ctx, &c, 1), XMPP_IO_EOF);
    serve(l);
    assert_int_equal(br_ssl_engine_current_state(&l->server.eng), BR_SSL_CLOSED);
    assert_int_equal(l->io.ops->close(l->io.ctx, false), 1);
}

static void opens_again(void **state)
{
    link_t *l = good_link();
    int i;

    (void)state;
    for (i = 0; i < 3; i++) {
        l->up.n = l->down.n = l->got_n = 0;
        br_ssl_server_reset(&l->server);
        assert_int_equal(connect_to(l, "wrong.example"), XMPP_E_TLS_NAME);
        l->io.ops->close(l->io.ctx, true);
        l->up.n = l->down.n = l->got_n = 0;
        br_ssl_server_reset(&l->server);
        assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
        assert_int_equal(why(l), XMPP_E_CONNECT);               /* none of TLS: below is asked */
        l->io.ops->close(l->io.ctx, true);
    }
}

static void binds_channels(void **state)
{
    static const char *const kinds[][2] = {
        {"good", "ca.pem"}, {"sha384", "ca.pem"}, {"p384", "ca.pem"}};
    static const int sizes[] = {32, 48, 64};
    char pem[64], key[64], end[128], out[64];
    link_t *l;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        snprintf(pem, sizeof pem, i == 0 ? "%s.chain" : "%s.pem", kinds[i][0]);
        snprintf(key, sizeof key, "%s.key", kinds[i][0]);
        l = setup_link(&the_link, pem, key, kinds[i][1]);
        assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
        snprintf(key, sizeof key, "%s.end", kinds[i][0]);
        assert_int_equal(load(key, end, sizeof end), sizes[i]);
        assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", out, sizeof out),
                         sizes[i]);
        assert_memory_equal(out, end, (size_t)sizes[i]);
        assert_int_equal(
            l->io.ops->binding(l->io.ctx, "tls-server-end-point", out, (size_t)sizes[i] - 1), 0);
        assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-exporter", out, sizeof out), 0);
        l->io.ops->close(l->io.ctx, true);
        assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", out, sizeof out), 0);
    }
}

static void lends_the_x509_struct(void **state)
{
    link_t *a = setup_link(&the_link, "good.chain", "good.key", "ca.pem");
    link_t *b = setup_link(&the_second, "rsa.pem", "rsa.key", "other.pem");

    (void)state;
    assert_int_equal(open_to(a, "xmpp.test", true), XMPP_OK);
    assert_int_equal(open_to(b, "xmpp.test", true), XMPP_OK);
    assert_int_equal(a->io.ops->send(a->io.ctx, "x", 1), 0);
    serve(a);
    a->piece = 100;                             /* a is in the middle of its handshake */
    assert_int_equal(a->io.ops->send(a->io.ctx, "x", 1), 0);
    assert_ptr_equal(x509.head.owner, &a->tls);
    assert_int_equal(b->io.ops->send(b->io.ctx, "x", 1), 0);
    serve(b);
    assert_int_equal(b->io.ops->send(b->io.ctx, "x", 1), 0);
    assert_true(b->down.n > 0);                 /* b leaves what came where it is */
    assert_ptr_equal(x509.head.owner, &a->tls);
    assert_int_equal(shake(a), XMPP_OK);
    assert_null(x509.head.owner);
    assert_int_equal(shake(b), XMPP_OK);
    a->io.ops->close(a->io.ctx, true);
    assert_int_equal(open_to(a, "xmpp.test", true), XMPP_OK);
    a->down.n = 0;
    assert_int_equal(a->io.ops->recv(a->io.ctx, a->got, 1), 0);
    assert_ptr_equal(x509.head.owner, &a->tls);
    a->io.ops->close(a->io.ctx, true);          /* given back by a close in the middle too */
    assert_null(x509.head.owner);
    b->io.ops->close(b->io.ctx, true);
}

static void shares_a_config(void **state)
{
    static unsigned char more[XMPP_BEARSSL_BUFFER(1024)];
    link_t *l = good_link();

    (void)state;
    xmpp_bearssl_records(&l->tls, more, sizeof more);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    assert_int_equal(l->io.ops->room(l->io.ctx), 1024);
    l->io.ops->close(l->io.ctx, true);
}

static unsigned seen_at, seen_ends;
static size_t   seen_bytes;

static void on_seen(void *ctx, unsigned index, const void *der, size_t n)
{
    (void)der;
    assert_ptr_equal(ctx, &seen_at);
    assert_int_equal(index, seen_at);
    seen_bytes += n;
    if (n == 0)
        seen_at++, seen_ends++;
}

static void shows_the_chain(void **state)
{
    link_t *l = setup_link(&the_link, "good.chain", "good.key", "other.pem");
    char der[2048];

    (void)state;
    seen_at = seen_ends = 0;
    seen_bytes = 0;
    l->cfg.seen = on_seen;
    l->cfg.seen_ctx = &seen_at;
    again(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_UNTRUSTED);
    assert_int_equal(seen_ends, 2);
    assert_int_equal(seen_bytes,
                     load("good.der", der, sizeof der) + load("middle.der", der, sizeof der));
}

static link_t *profiled(const char *chain, const char *key, const char *root,
                        void (*profile)(br_ssl_client_context *))
{
    link_t *l = setup_link(&the_link, chain, key, root);

    l->cfg.profile = profile;
    again(l);
    return l;
}

static void small_profiles(void **state)
{
    static void (*const profiles[])(br_ssl_client_context *) = {
        xmpp_bearssl_profile_ec_chacha, xmpp_bearssl_profile_ec_aesgcm, xmpp_bearssl_profile_rsa_chacha
    };
    static const char *const suites[] = {
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
    };
    link_t *l;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        l = i < 2 ? profiled("good.chain", "good.key", "ca.pem", profiles[i])
                  : profiled("rsa.pem", "rsa.key", "other.pem", profiles[i]);
        assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
        assert_string_equal(xmpp_bearssl_cipher(&l->tls), suites[i]);
        assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", l->got, 64), 32);
        l->io.ops->close(l->io.ctx, true);

        l = i < 2 ? profiled("rsa.pem", "rsa.key", "other.pem", profiles[i])
                  : profiled("good.chain", "good.key", "ca.pem", profiles[i]);
        assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PROTOCOL);
        assert_int_equal(l->tls.number, 256 + 40);
        assert_string_equal(words(l), "");          /* the words were not asked for */
        if (i < 2) {
            l = profiled("sha384.pem", "sha384.key", "ca.pem", profiles[i]);
            assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CERT);
            assert_int_equal(l->tls.number, BR_ERR_X509_UNSUPPORTED);
        }
        l = i < 2 ? profiled("good.chain", "good.key", "ca.pem", profiles[i])
                  : profiled("rsa.pem", "rsa.key", "other.pem", profiles[i]);
        assert_int_equal(connect_to(l, "wrong.example"), XMPP_E_TLS_NAME);
        memset(pins, 7, sizeof pins);               /* a pin beside the anchors counts here too */
        l->cfg.pins = (const unsigned char (*)[32])pins;
        l->cfg.pin_count = 1;
        fresh_pipe(l);
        assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PIN);
        /* but alone it needs another profile */
        l->cfg.anchor_count = 0;
        l->cfg.pins_alone_replace_ca = true;
        assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);
        assert_int_equal(l->tls.number, XMPP_BEARSSL_BAD_CHECK);
    }
}

static void with_words(br_ssl_client_context *c)
{
    xmpp_bearssl_profile_pin_chacha(c);
    xmpp_bearssl_words(c);
}

static void aesgcm_by_either(br_ssl_client_context *c)
{
    xmpp_bearssl_profile_ec_aesgcm(c);
    xmpp_bearssl_by_either(c);
}

static xmpp_bearssl_pinned pinned;

static link_t *pinned_link(const char *chain, const char *key)
{
    link_t *l = profiled(chain, key, "", xmpp_bearssl_profile_pin_chacha);

    load("good.spki", pins[0], 64);
    l->cfg.x509 = NULL;
    l->cfg.pinned = &pinned;
    l->cfg.pins = (const unsigned char (*)[32])pins;
    l->cfg.pin_count = 1;
    l->cfg.pins_alone_replace_ca = true;
    l->utc = 0;
    again(l);
    return l;
}

/* The key is found without a validator, and nothing but the key counts. */
static void pinned_profile(void **state)
{
    link_t *l;
    char end[64];

    (void)state;
    l = pinned_link("good.chain", "good.key");
    l->piece = 1;
    l->cfg.records_size = XMPP_BEARSSL_BUFFER(512);
    seen_at = seen_ends = 0;
    seen_bytes = 0;
    l->cfg.seen = on_seen;
    l->cfg.seen_ctx = &seen_at;
    again(l);
    assert_int_equal(connect_to(l, "wrong.example"), XMPP_OK);
    assert_null(pinned.head.owner);
    assert_int_equal(seen_ends, 2);
    load("good.spki", end, sizeof end);
    assert_memory_equal(xmpp_bearssl_spki(&l->tls), end, 32);
    assert_int_equal(l->tls.floor, 0);
    assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", l->got, 64), 0);
    l->io.ops->close(l->io.ctx, true);

    l = pinned_link("good.pem", "good.key");        /* no chain, an address */
    assert_int_equal(connect_to(l, "192.0.2.1"), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);
    l = pinned_link("ca.pem", "ca.key");            /* another P-256 key */
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PIN);
    assert_non_null(xmpp_bearssl_spki(&l->tls));
    assert_string_equal(words(l), "");
    l->cfg.profile = with_words;
    fresh_pipe(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PIN);
    assert_string_equal(words(l), "the server's key is none of config.pins");
    memcpy(pins[0], xmpp_bearssl_spki(&l->tls), 32);
    fresh_pipe(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);
    l = pinned_link("order.chain", "middle.key");   /* the pinned key is another certificate's */
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PIN);
    l = pinned_link("good.chain", "middle.key");    /* and somebody else's */
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS);
    assert_int_equal(l->tls.number, BR_ERR_BAD_SIGNATURE);
    l = pinned_link("p384.pem", "p384.key");
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CERT);
    assert_int_equal(l->tls.number, BR_ERR_X509_UNSUPPORTED);
    assert_null(xmpp_bearssl_spki(&l->tls));
    l = pinned_link("rsa.pem", "rsa.key");
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PROTOCOL);
    l = pinned_link("v1.pem", "v1.key");            /* without the field that tells the version */
    memcpy(pins[0], end, 32);
    load("v1.spki", pins[0], 64);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);

    l = pinned_link("good.pem", "good.key");        /* resumption goes with it */
    l->utc = today;
    assert_false(visit(l));
    assert_true(visit(l));
    pins[0][0] ^= 1;
    assert_int_equal(l->cfg.pin_count, 1);
    fresh_pipe(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PIN);

    l = pinned_link("good.pem", "good.key");        /* without its memory */
    l->cfg.x509 = &x509;
    l->cfg.pinned = NULL;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);
    assert_int_equal(l->tls.number, XMPP_BEARSSL_BAD_CHECK);
    l->cfg.profile = aesgcm_by_either;              /* a profile of one's own that takes the other */
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->io.ops->close(l->io.ctx, true);
    l->cfg.pinned = &pinned;                        /* anchors would not be looked at: refused */
    l->cfg.profile = xmpp_bearssl_profile_pin_chacha;
    add_anchor(&l->store, "ca.pem");
    l->cfg.anchor_count = l->store.count;
    l->utc = today;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);
    assert_int_equal(l->tls.number, XMPP_BEARSSL_BAD_CHECK);
    l->cfg.anchor_count = 0;
    l->cfg.pins_alone_replace_ca = false;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_CONFIG);
    assert_int_equal(l->tls.number, XMPP_BEARSSL_BAD_ALONE);
}

/* ==== resumption ==== */

static void fresh_pipe(link_t *l)
{
    l->up.n = l->down.n = l->got_n = 0;
    l->down.eof = false;
    br_ssl_server_reset(&l->server);
}

static bool connect_anew(link_t *l, const char *name)
{
    fresh_pipe(l);
    assert_int_equal(connect_to(l, name), XMPP_OK);
    return xmpp_bearssl_resumed(&l->tls);
}

static void log_in(link_t *l)
{
    assert_int_equal(l->io.ops->state(l->io.ctx, false, NULL, 0), 0);
}

/* A connection with a login, from beginning to end. Returns whether it resumed a session. */
static bool visit(link_t *l)
{
    bool resumed = connect_anew(l, "xmpp.test");

    log_in(l);
    l->io.ops->close(l->io.ctx, true);
    assert_false(xmpp_bearssl_resumed(&l->tls));
    return resumed;
}

static link_t *kept_link(void)
{
    link_t *l = good_link();

    assert_false(visit(l));
    assert_int_not_equal(l->session.kept, 0);
    return l;
}

static unsigned char saved[XMPP_BEARSSL_STATE + 8];
static size_t saved_n;

static size_t save(link_t *l)
{
    int n = l->io.ops->state(l->io.ctx, false, saved, sizeof saved);
    assert_in_range(n, 0, sizeof saved);
    saved_n = (size_t)n;
    return saved_n;
}

/* A reboot: nothing of the connection stays but what is loaded. */
static void load_again(link_t *l)
{
    again(l);
    assert_int_equal(l->io.ops->state(l->io.ctx, true, saved, saved_n), 0);
}

static void resumes_after_a_login(void **state)
{
    link_t *l = good_link();
    unsigned char end[2][64], spki[32];

    (void)state;
    seen_at = seen_ends = 0;
    l->cfg.seen = on_seen;
    l->cfg.seen_ctx = &seen_at;
    assert_false(connect_anew(l, "xmpp.test"));
    l->io.ops->close(l->io.ctx, true);
    seen_at = 0;
    assert_false(connect_anew(l, "xmpp.test"));     /* nobody had logged in */
    assert_int_equal(l->session.kept, 0);
    log_in(l);
    assert_int_not_equal(l->session.kept, 0);
    assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", end[0], 64), 32);
    memcpy(spki, xmpp_bearssl_spki(&l->tls), 32);
    l->io.ops->close(l->io.ctx, true);
    assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", end[1], 64), 0);
    assert_int_equal(seen_ends, 4);

    fresh_pipe(l);
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    assert_false(xmpp_bearssl_resumed(&l->tls));
    assert_null(xmpp_bearssl_spki(&l->tls));
    assert_int_equal(shake(l), XMPP_OK);
    assert_true(xmpp_bearssl_resumed(&l->tls));
    assert_int_equal(seen_ends, 4);                 /* no certificate was shown */
    assert_null(x509.head.owner);
    assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", end[1], 64), 32);
    assert_memory_equal(end[0], end[1], 32);
    assert_memory_equal(spki, xmpp_bearssl_spki(&l->tls), 32);
    assert_string_equal(xmpp_bearssl_cipher(&l->tls),
                        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
    log_in(l);
    l->io.ops->close(l->io.ctx, true);
    assert_true(visit(l));                          /* as often as one likes */
    assert_true(visit(l));

    assert_true(connect_anew(l, "xmpp.test"));      /* a login that failed */
    l->io.ops->close(l->io.ctx, true);
    seen_at = 0;
    assert_false(visit(l));
    assert_true(visit(l));
}

static void resumes_in_every_way(void **state)
{
    static const char *const kinds[][3] = {
        {"good.chain", "good.key", "ca.pem"}, {"rsa.pem", "rsa.key", "other.pem"},
        {"sha384.pem", "sha384.key", "ca.pem"}, {"p384.pem", "p384.key", "ca.pem"}
    };
    static const uint16_t aes256[] = {BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                      BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384};
    unsigned char end[2][64];
    link_t *l;
    size_t i;
    int n;

    (void)state;
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        l = setup_link(&the_link, kinds[i][0], kinds[i][1], kinds[i][2]);
        if (i == 3)
            br_ssl_engine_set_suites(&l->server.eng, aes256, 2);
        l->cfg.records_size = XMPP_BEARSSL_BUFFER(512);
        again(l);
        l->piece = 1;                               /* and byte by byte */
        assert_false(connect_anew(l, "xmpp.test"));
        log_in(l);
        n = l->io.ops->binding(l->io.ctx, "tls-server-end-point", end[0], 64);
        assert_true(n > 0);
        l->io.ops->close(l->io.ctx, false);
        serve(l);
        assert_int_equal(l->io.ops->close(l->io.ctx, true), 1);
        assert_in_range(save(l), 1, XMPP_BEARSSL_STATE);
        load_again(l);
        assert_true(connect_anew(l, "xmpp.test"));
        assert_int_equal(l->io.ops->room(l->io.ctx), 512);
        assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", end[1], 64), n);
        assert_memory_equal(end[0], end[1], (size_t)n);
        l->io.ops->close(l->io.ctx, true);
    }
    assert_int_equal(saved_n, XMPP_BEARSSL_STATE);  /* SHA-512, and BearSSL's IDs are of 32 bytes */

    l = kept_link();                                /* STARTTLS where it was direct TLS */
    fresh_pipe(l);
    assert_int_equal(open_to(l, "xmpp.test", false), XMPP_OK);
    assert_int_equal(l->io.ops->start_tls(l->io.ctx, "xmpp.test"), XMPP_OK);
    assert_int_equal(shake(l), XMPP_OK);
    assert_true(xmpp_bearssl_resumed(&l->tls));
    l->io.ops->close(l->io.ctx, true);
}

static void resumes_for_the_same_alone(void **state)
{
    static xmpp_bearssl_own own;
    static unsigned char mem[4096];
    link_t *l = kept_link();
    xmpp_bearssl_config cfg;

    (void)state;
    assert_true(visit(l));
    assert_false(connect_anew(l, "other.example"));
    log_in(l);
    l->io.ops->close(l->io.ctx, true);
    assert_false(visit(l));

    save(l);
    load_again(l);
    assert_true(visit(l));
    cfg = l->cfg;

    add_anchor(&l->store, "other.pem");             /* one more */
    l->cfg.anchor_count = l->store.count;
    load_again(l);
    assert_false(visit(l));
    l->cfg = cfg;

    l->list[1] = l->list[0];                        /* the same with another key, another name */
    l->list[1].pkey.key.ec.q = l->list[0].pkey.key.ec.q + 1;
    l->list[1].pkey.key.ec.qlen--;
    l->cfg.anchors = l->list + 1;
    load_again(l);
    fresh_pipe(l);
    assert_int_not_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    l->list[1] = l->list[0];
    l->list[1].dn.len--;
    load_again(l);
    fresh_pipe(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_UNTRUSTED);
    l->cfg = cfg;

    pin_good(l);                                    /* a pin that it would pass */
    memset(pins[1], 1, 32);
    load_again(l);
    assert_false(visit(l));
    save(l);
    load_again(l);
    assert_true(visit(l));
    l->cfg.pin_count = 2;
    load_again(l);
    assert_false(visit(l));
    save(l);
    load_again(l);
    assert_true(visit(l));
    pins[1][31] ^= 1;                               /* another beside the one that it passes */
    load_again(l);
    assert_false(visit(l));
    l->cfg.pin_count = 1;
    memset(pins[0], 1, 32);
    load_again(l);
    fresh_pipe(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PIN);
    l->cfg = cfg;

    xmpp_bearssl_own_init(&own, mem, sizeof mem);
    add_own(&own, "client_ec.pem");
    add_own(&own, "client_ec.key");
    l->cfg.cert = &own.cert;
    again(l);
    assert_false(visit(l));
    save(l);
    load_again(l);
    assert_true(visit(l));
    own.chain[0].data_len--;
    load_again(l);
    assert_false(visit(l));
    l->cfg = cfg;
    load_again(l);
    assert_false(visit(l));

    save(l);                                        /* a build whose profile lacks the suite */
    l->cfg.profile = xmpp_bearssl_profile_ec_aesgcm;
    load_again(l);
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    assert_int_equal(l->session.kept, 0);               /* not even offered */
    l->io.ops->close(l->io.ctx, true);
    assert_false(visit(l));
    assert_true(visit(l));
    l->cfg.profile = xmpp_bearssl_profile_full;     /* one that has it, and more */
    assert_true(visit(l));
}

static void resumes_for_a_day(void **state)
{
    link_t *l = kept_link();

    (void)state;
    l->utc = today + DAY;
    assert_true(visit(l));
    l->utc = today + DAY + 1;                       /* from the login of the full handshake on */
    assert_false(visit(l));
    assert_true(visit(l));
    l->utc = today + DAY;                           /* the clock was set back */
    assert_false(visit(l));
    l->utc = 0;                                     /* or is lost */
    assert_true(l->tls.floor > 0);
    assert_false(visit(l));
    assert_false(visit(l));                         /* nothing tells the age */
    assert_int_equal(l->session.kept, 0);
    assert_int_equal(save(l), 8);                   /* the floor alone */

    l->ops.millis = pipe_millis;
    l->millis = 0u - 10000u;                        /* wraps meanwhile */
    assert_false(visit(l));
    l->millis += DAY * 1000u + 999u;
    assert_true(visit(l));
    assert_int_equal(save(l), 8);                   /* how long will the device be off? */
    l->utc = today;
    assert_true(save(l) > 8);                       /* a clock came: then that tells it */
    assert_int_equal(xmppi_tls_get(saved + 8, 4), today - DAY);
    l->utc = 0;
    l->millis++;
    assert_false(visit(l));
    assert_true(connect_anew(l, "xmpp.test"));
    log_in(l);
    l->millis += DAY * 1000u + 1000u;               /* a long connection: gone before millis wrap */
    assert_int_not_equal(l->session.kept, 0);
    assert_int_equal(l->io.ops->recv(l->io.ctx, l->got, 1), 0);
    assert_int_equal(l->session.kept, 0);
    l->io.ops->close(l->io.ctx, true);

    l = kept_link();                                /* saved: the clock goes on or it is no use */
    assert_true(save(l) > 8);
    l->utc = today + DAY;
    load_again(l);
    assert_true(visit(l));
    l->utc++;
    load_again(l);
    assert_false(visit(l));
    l->utc = 0;
    l->ops.millis = pipe_millis;
    load_again(l);
    assert_false(visit(l));
    l->utc = 12345;                                 /* before the floor: it was not set */
    load_again(l);
    assert_false(visit(l));
}

static void resumes_while_certificates_last(void **state)
{
    link_t *l = good_link();
    uint32_t ends;

    (void)state;
    l->utc = today + 99 * DAY;
    assert_false(visit(l));
    ends = l->session.ends;
    assert_in_range(ends, today + 99 * DAY, today + 100 * DAY);
    save(l);
    l->utc = ends;
    assert_true(visit(l));
    l->utc = ends + 1;
    fresh_pipe(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_EXPIRED);
    load_again(l);
    fresh_pipe(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_EXPIRED);

    l = good_link();                                /* without a clock the floor counts */
    l->utc = 0;
    l->ops.millis = pipe_millis;
    l->cfg.floor = today;
    again(l);
    assert_false(visit(l));
    assert_true(visit(l));
    l->tls.floor = l->session.ends + 1;
    fresh_pipe(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_EXPIRED);
}

static void falls_back_to_a_full_handshake(void **state)
{
    link_t *l = kept_link();
    size_t i;
    char c;

    (void)state;
    br_ssl_session_cache_lru_init(&l->cache, l->cache_mem, sizeof l->cache_mem);
    assert_false(visit(l));                         /* the server forgot */
    assert_true(visit(l));
    br_ssl_session_cache_lru_init(&l->cache, l->cache_mem, sizeof l->cache_mem);
    assert_false(connect_anew(l, "xmpp.test"));     /* and then nobody logged in */
    assert_int_equal(l->session.kept, 0);
    l->io.ops->close(l->io.ctx, true);
    assert_false(visit(l));

    l->below = XMPP_IO_ERROR;                       /* no link: nothing was tried */
    fresh_pipe(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_CONNECT);
    l->io.ops->close(l->io.ctx, true);
    l->below = 0;
    assert_true(visit(l));

    fresh_pipe(l);                                  /* the server hangs up on it */
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    l->down.eof = true;
    assert_int_equal(shake(l), XMPP_E_TLS);
    l->io.ops->close(l->io.ctx, true);
    for (i = 0; i < sizeof l->session.master; i++)
        assert_int_equal(l->session.master[i], 0);
    assert_false(visit(l));

    fresh_pipe(l);                                  /* or is silent */
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    assert_int_equal(l->io.ops->recv(l->io.ctx, &c, 1), 0);
    assert_int_equal(save(l), 8);
    l->io.ops->close(l->io.ctx, true);
    assert_false(visit(l));

    l->session.master[47] ^= 1;                         /* or has another secret */
    fresh_pipe(l);
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS);
    l->io.ops->close(l->io.ctx, true);
    assert_false(visit(l));
    assert_true(visit(l));
}

/* A new build with another profile takes over what the old one saved, and the server does not resume. */
static void binds_to_no_certificate_before(void **state)
{
    link_t *l = pinned_link("good.chain", "good.key");
    unsigned char end[64];

    (void)state;
    l->utc = today;
    l->cfg.x509 = &x509;
    l->cfg.profile = xmpp_bearssl_profile_full;
    again(l);
    assert_false(visit(l));
    assert_true(save(l) > 8);
    l->cfg.profile = xmpp_bearssl_profile_pin_chacha;
    load_again(l);
    br_ssl_session_cache_lru_init(&l->cache, l->cache_mem, sizeof l->cache_mem);
    assert_false(connect_anew(l, "xmpp.test"));
    assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", end, sizeof end), 0);
    l->io.ops->close(l->io.ctx, true);
}

static void checks_pins_again(void **state)
{
    link_t *l = good_link();

    (void)state;
    pin_good(l);
    again(l);
    assert_false(visit(l));
    assert_true(visit(l));
    l->tls.spki[31] ^= 1;                           /* the digest alone would not tell */
    assert_false(visit(l));

    l->cfg.anchor_count = 0;
    l->cfg.pins_alone_replace_ca = true;
    again(l);
    assert_false(visit(l));
    assert_true(visit(l));
    save(l);
    load_again(l);
    assert_true(visit(l));
    l->tls.spki[0] ^= 1;
    assert_false(visit(l));
}

static void forgets(void **state)
{
    link_t *l = kept_link();

    (void)state;
    xmpp_bearssl_forget(&l->tls);
    assert_int_equal(save(l), 8);
    assert_false(connect_anew(l, "xmpp.test"));
    log_in(l);
    xmpp_bearssl_forget(&l->tls);
    log_in(l);                                      /* not kept by a second login either */
    l->io.ops->close(l->io.ctx, true);
    assert_false(connect_anew(l, "xmpp.test"));
    xmpp_bearssl_forget(&l->tls);                   /* nor by one that comes later */
    log_in(l);
    l->io.ops->close(l->io.ctx, true);
    assert_false(visit(l));
    assert_true(connect_anew(l, "xmpp.test"));
    xmpp_bearssl_forget(&l->tls);
    assert_int_equal(l->io.ops->binding(l->io.ctx, "tls-server-end-point", l->got, 64), 32);
    assert_true(xmpp_bearssl_resumed(&l->tls));
    log_in(l);
    l->io.ops->close(l->io.ctx, true);
    assert_false(visit(l));
}

static void saves_what_a_login_proved(void **state)
{
    link_t *l = good_link();
    unsigned char before[XMPP_BEARSSL_STATE];
    size_t n;

    (void)state;
    assert_int_equal(save(l), 0);                   /* nothing to keep */
    l->cfg.floor = today + 5;
    again(l);
    assert_int_equal(save(l), 0);                   /* the config has it */
    l->utc = today + 5;
    assert_false(connect_anew(l, "xmpp.test"));
    assert_int_equal(save(l), 0);                   /* a connection, no login */
    log_in(l);
    n = save(l);                                    /* in mid-connection */
    assert_int_equal(n, XMPP_BEARSSL_STATE - 32);
    memcpy(before, saved, n);
    l->io.ops->close(l->io.ctx, true);
    assert_int_equal(save(l), n);
    assert_memory_equal(before, saved, n);
    assert_true(connect_anew(l, "xmpp.test"));
    assert_int_equal(save(l), 0);
    before[8] ^= 1;                                 /* an open connection takes nothing */
    assert_int_equal(l->io.ops->state(l->io.ctx, true, before, n), 0);
    before[8] ^= 1;
    log_in(l);
    assert_int_equal(save(l), n);
    assert_memory_equal(before, saved, n);
    l->io.ops->close(l->io.ctx, true);
    assert_non_null(xmpp_bearssl_spki(&l->tls));
    assert_int_equal(l->io.ops->state(l->io.ctx, true, before, n), 0);
    assert_null(xmpp_bearssl_spki(&l->tls));        /* of no connection that there was */

    again(l);                                       /* a login before there is a connection */
    fresh_pipe(l);
    l->piece = 200;
    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    while (l->tls.client.eng.session.session_id_len == 0) {
        assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 0);
        serve(l);
    }
    log_in(l);
    assert_int_equal(l->session.kept, 0);
    l->io.ops->close(l->io.ctx, true);
    l->piece = sizeof l->up.b;

    again(l);                                       /* a server that gives no session ID */
    assert_false(connect_anew(l, "xmpp.test"));
    l->tls.client.eng.session.session_id_len = 0;
    log_in(l);
    assert_int_equal(l->session.kept, 0);
    assert_int_equal(save(l), 0);
    l->io.ops->close(l->io.ctx, true);

    again(l);                                       /* no TLS, no session, but a login */
    fresh_pipe(l);
    assert_int_equal(open_to(l, "xmpp.test", false), XMPP_OK);
    log_in(l);
    assert_int_equal(save(l), 0);
    l->io.ops->close(l->io.ctx, true);
    assert_false(visit(l));
    fresh_pipe(l);                                  /* nor does that one count for TLS after it */
    assert_int_equal(open_to(l, "xmpp.test", false), XMPP_OK);
    log_in(l);
    assert_int_equal(l->io.ops->start_tls(l->io.ctx, "xmpp.test"), XMPP_OK);
    assert_int_equal(shake(l), XMPP_OK);
    assert_true(xmpp_bearssl_resumed(&l->tls));
    l->io.ops->close(l->io.ctx, true);
    assert_false(visit(l));
}

static void keeps_the_floor(void **state)
{
    link_t *l = good_link();
    uint32_t floor;

    (void)state;
    assert_false(connect_anew(l, "xmpp.test"));
    l->io.ops->close(l->io.ctx, true);
    floor = l->tls.floor;
    assert_in_range(floor, today - DAY, today);
    assert_int_equal(save(l), 8);
    load_again(l);
    assert_int_equal(l->tls.floor, floor);
    l->cfg.floor = floor + 1;
    load_again(l);                                  /* the build is newer */
    assert_int_equal(l->tls.floor, floor + 1);
    l->cfg.floor = 0;
    l->tls.floor = floor + 2;
    save(l);
    load_again(l);
    assert_int_equal(l->tls.floor, floor + 2);
    xmppi_tls_put(saved + 4, 0, 4);
    assert_int_equal(l->io.ops->state(l->io.ctx, true, saved, saved_n), 0);
    assert_int_equal(l->tls.floor, floor + 2);
    xmppi_tls_put(saved + 4, floor + 3, 4);         /* an open connection takes this much */
    assert_false(connect_anew(l, "xmpp.test"));
    assert_int_equal(l->io.ops->state(l->io.ctx, true, saved, saved_n), 0);
    assert_int_equal(l->tls.floor, floor + 3);
    l->io.ops->close(l->io.ctx, true);
}

/* What is loaded lies at the end of its memory. */
static void load_tight(link_t *l, const unsigned char *p, size_t n)
{
    unsigned char *tight = (unsigned char *)malloc(n + 1);

    memcpy(tight + 1, p, n);
    again(l);
    assert_int_equal(l->io.ops->state(l->io.ctx, true, tight + 1, n), 0);
    free(tight);
}

static void shares_the_state_with_below(void **state)
{
    static const unsigned char foreign[] = {'X', 1, 2, 3}, empty[] = {'T', 1, 0, 0},
                               newer[] = {'T', 2, 0, 1, 9, 'o', 'k'};
    link_t *l = good_link();
    size_t n, i;

    (void)state;
    l->ops.state = pipe_state;
    memcpy(l->state, "below", 5);
    l->state_n = 5;
    assert_int_equal(save(l), 5);                   /* nothing of its own */
    assert_memory_equal(saved, "below", 5);
    assert_false(visit(l));
    assert_int_equal(l->logins, 1);
    n = save(l);
    assert_int_equal(n, XMPP_BEARSSL_STATE - 32 + 5);
    assert_memory_equal(saved + n - 5, "below", 5);
    for (i = 0; i < n; i++)
        assert_int_equal(l->io.ops->state(l->io.ctx, false, saved, i), XMPP_E_TOO_LONG);
    assert_int_equal(l->io.ops->state(l->io.ctx, false, saved, n), n);
    memset(l->state, 0, sizeof l->state);
    l->state_n = 0;
    load_tight(l, saved, n);
    assert_int_equal(l->state_n, 5);
    assert_memory_equal(l->state, "below", 5);
    assert_true(visit(l));

    l->state_n = 0;                                 /* below had nothing then */
    load_tight(l, saved, n - 5);
    assert_int_equal(l->state_n, 0);
    assert_true(visit(l));
    load_tight(l, foreign, sizeof foreign);
    assert_int_equal(l->state_n, 4);
    assert_memory_equal(l->state, foreign, 4);
    load_tight(l, newer, sizeof newer);             /* a later version's is stepped over */
    assert_int_equal(l->state_n, 2);
    assert_memory_equal(l->state, "ok", 2);
    l->state_n = 0;
    load_tight(l, empty, sizeof empty);
    load_tight(l, empty, 0);
    assert_int_equal(l->state_n, 0);
    assert_int_equal(l->session.kept, 0);
}

static void loads_nothing_that_is_cut(void **state)
{
    link_t *l = kept_link();
    size_t n = save(l), i, k;

    (void)state;
    for (i = 0; i < n; i++) {
        load_tight(l, saved, i);
        assert_int_equal(l->session.kept, 0);
        assert_int_equal(l->tls.floor, 0);
        if (i < 4)
            continue;
        xmppi_tls_put(saved + 2, (uint32_t)i - 4, 2);   /* and says so itself */
        load_tight(l, saved, i);
        xmppi_tls_put(saved + 2, (uint32_t)n - 4, 2);
        assert_int_equal(l->session.kept, 0);
        assert_int_equal(l->tls.floor == 0, i != 8);
    }
    for (i = 0; i < 256; i++)                       /* lengths inside that do not add up */
        for (k = 18; k < 20; k++) {
            unsigned char was = saved[k];
            saved[k] = (unsigned char)i;
            load_tight(l, saved, n);
            assert_int_equal(l->session.kept == 0, i != was);
            saved[k] = was;
        }
    saved[18] = 0, saved[19] = 64;                  /* that do, but do not fit */
    load_tight(l, saved, n);
    assert_int_equal(l->session.kept, 0);
    saved[18] = 64, saved[19] = 0;
    load_tight(l, saved, n);
    assert_int_equal(l->session.kept, 0);
    saved[18] = saved[19] = 32;
    load_tight(l, saved, n);
    assert_int_not_equal(l->session.kept, 0);
    saved[18] = 80, saved[19] = 16;
    xmppi_tls_put(saved + 2, XMPP_BEARSSL_STATE - 4, 2);
    load_tight(l, saved, XMPP_BEARSSL_STATE);
    assert_int_equal(l->session.kept, 0);
    saved[18] = 64, saved[19] = 32;
    load_tight(l, saved, XMPP_BEARSSL_STATE);
    assert_int_not_equal(l->session.kept, 0);
}

/* A damaged date, floor or channel binding hash may still leave a session that the server knows; what
   names the session or says whom it was made with may not. */
static void resumes_nothing_that_is_damaged(void **state)
{
    link_t *l = good_link();
    size_t n, i, resumed = 0;

    (void)state;
    pin_good(l);
    again(l);
    assert_false(visit(l));
    n = save(l);
    for (i = 0; i < n; i++) {
        saved[i] ^= (unsigned char)(1u << i % 8u);
        load_tight(l, saved, n);
        saved[i] ^= (unsigned char)(1u << i % 8u);
        fresh_pipe(l);
        if (connect_to(l, "xmpp.test") == XMPP_OK && xmpp_bearssl_resumed(&l->tls)) {
            resumed++;
            assert_true((i >= 4 && i < 16) || (i >= 116 && i < 148));
            assert_memory_equal(xmpp_bearssl_spki(&l->tls), pins[0], 32);
        }
        l->io.ops->close(l->io.ctx, true);
    }
    assert_in_range(resumed, 32, 43);
    load_tight(l, saved, n);
    assert_true(visit(l));
}

static void accepts_no_altered_resumption(void **state)
{
    link_t *l = kept_link();
    size_t at, n = 1;
    int i, k;

    (void)state;
    save(l);
    for (at = 0; at < n; at++) {
        load_again(l);
        fresh_pipe(l);
        assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
        assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 0);
        serve(l);
        n = l->down.n;
        l->down.b[at] ^= 0x01;
        for (i = 0; i < 10; i++) {
            k = l->io.ops->send(l->io.ctx, "x", 1);
            assert_true(k <= 0);
            serve(l);
        }
        l->io.ops->close(l->io.ctx, true);
        assert_int_equal(l->session.kept, 0);
    }
    assert_in_range(n, 100, 300);
    load_again(l);
    assert_true(visit(l));
}

/* ==== pure parts ==== */

static bool name_matches(const char *expected, uint8_t kind, const char *value, size_t n)
{
    static xmpp_bearssl_x509 x;
    size_t i;

    memset(&x, 0, sizeof x);
    x.name = expected;
    x.kind = kind;
    for (i = 0; i < n; i++)
        xmppi_tls_name_byte(&x, (unsigned char)value[i]);
    x.depth = 1;
    x.at[0].node = XMPPI_TLS_NAME;
    assert_true(xmppi_tls_close(&x));
    return x.matched;
}

static bool dns_matches(const char *expected, const char *value)
{
    return name_matches(expected, XMPPI_TLS_SAN, value, strlen(value));
}

static void names(void **state)
{
    (void)state;
    assert_true(dns_matches("example.org", "example.org"));
    assert_true(dns_matches("example.org", "EXAMPLE.org"));
    assert_true(dns_matches("EXAMPLE.org", "example.ORG"));
    assert_true(dns_matches("a.example.org", "*.example.org"));
    assert_true(dns_matches("xn--r8jz45g.example", "*.example"));
    assert_false(dns_matches("example.org", ""));
    assert_false(dns_matches("example.org", "example.or"));
    assert_false(dns_matches("example.org", "example.orgg"));
    assert_false(dns_matches("example.org", "example.org."));
    assert_false(dns_matches("example.org", "example-org"));
    assert_false(dns_matches("example.org", "*.example.org"));
    assert_false(dns_matches("a.b.example.org", "*.example.org"));
    assert_false(dns_matches("ab.example.org", "a*.example.org"));
    assert_false(dns_matches("ab.example.org", "*b.example.org"));
    assert_false(dns_matches("ab.example.org", "**.example.org"));
    assert_false(dns_matches("a.b.example.org", "a.*.example.org"));
    assert_false(dns_matches("a.b.example.org", "*.*.example.org"));
    assert_false(dns_matches(".example.org", "*.example.org"));
    assert_false(dns_matches("example", "*"));
    assert_false(dns_matches("example.org", "*"));
    assert_false(name_matches("example.org", XMPPI_TLS_SAN, "example.org\0", 12));
    assert_false(name_matches("example.org", XMPPI_TLS_SAN, "example.org\0.evil", 17));
    assert_false(name_matches("example.org", XMPPI_TLS_SAN, "\0example.org", 12));
    assert_false(name_matches(NULL, XMPPI_TLS_SAN, "x", 0));

    assert_true(name_matches("example.org", XMPPI_TLS_VALUE_SRV, "_xmpp-client.example.org", 24));
    assert_true(name_matches("example.org", XMPPI_TLS_VALUE_SRV, "_XMPP-Client.example.org", 24));
    assert_false(name_matches("a.example.org", XMPPI_TLS_VALUE_SRV, "_xmpp-client.*.example.org", 26));
    assert_false(name_matches("example.org", XMPPI_TLS_VALUE_SRV, "_xmpp-server.example.org", 24));
    assert_false(name_matches("example.org", XMPPI_TLS_VALUE_SRV, "example.org", 11));
    assert_false(name_matches("example.org", XMPPI_TLS_VALUE_SRV, "_xmpp-client.", 13));
    assert_false(name_matches("example.org", XMPPI_TLS_VALUE_SRV, "_xmpp-client", 12));
    assert_true(name_matches("example.org", XMPPI_TLS_VALUE_ADDR, "example.org", 11));
    assert_false(name_matches("a.example.org", XMPPI_TLS_VALUE_ADDR, "*.example.org", 13));
    assert_false(name_matches("example.org", XMPPI_TLS_VALUE_ADDR, "me@example.org", 14));

    assert_true(xmppi_tls_is_address("192.0.2.1"));
    assert_true(xmppi_tls_is_address("::1"));
    assert_true(xmppi_tls_is_address("fe80::1%eth0"));
    assert_false(xmppi_tls_is_address("1.example"));
    assert_false(xmppi_tls_is_address("a"));
}

static void many_names_are_cut(void **state)
{
    static xmpp_bearssl_x509 x;
    const size_t room = sizeof x.names - 4;
    size_t n;

    (void)state;
    for (n = room - 2; n < room + 8; n++) {
        size_t i;
        memset(&x, 0, sizeof x);
        for (i = 0; i < n; i++)
            xmppi_tls_show(&x, 'a');
        assert_int_equal(strlen(x.names), n <= room ? n : room + 3);
        assert_string_equal(x.names + room, n <= room ? "" : "...");
    }
}

static void dates(void **state)
{
    static const struct { uint32_t utc; const char *date; } known[] = {
        {0, "19700101000000"}, {951782399u, "20000228235959"}, {951782400u, "20000229000000"},
        {951868800u, "20000301000000"}, {1735689599u, "20241231235959"},
        {4107542399u, "21000228235959"},
        {4107542400u, "21000301000000"}, {4294967295u, "21060207062815"}
    };
    char date[11], digits[9];
    uint32_t t, days, seconds;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        xmppi_tls_day_text(date, known[i].utc / DAY + 719528);
        snprintf(digits, sizeof digits, "%.4s%.2s%.2s", date, date + 5, date + 8);
        assert_memory_equal(digits, known[i].date, 8);
        assert_int_equal(xmppi_tls_days(known[i].date), known[i].utc / DAY + 719528);
        assert_int_equal(xmppi_tls_seconds(known[i].date + 8), known[i].utc % DAY);
        xmppi_tls_split(known[i].utc, &days, &seconds);
        assert_int_equal(days, known[i].utc / DAY + 719528);
        assert_int_equal(seconds, known[i].utc % DAY);
    }
    for (t = 0; t < 4200000000u; t += 40009u * 7u) {
        xmppi_tls_day_text(date, t / DAY + 719528);
        snprintf(digits, sizeof digits, "%.4s%.2s%.2s", date, date + 5, date + 8);
        assert_int_equal(xmppi_tls_days(digits), t / DAY + 719528);
        assert_int_equal(xmppi_tls_utc(xmppi_tls_days(digits), t % DAY), t);
        xmppi_tls_split(t, &days, &seconds);
        assert_int_equal(days, t / DAY + 719528);
        assert_int_equal(seconds, t % DAY);
    }
    for (t = 712224; t < 3652424; t++) {            /* 1950 to 9999: what certificates can hold */
        xmppi_tls_day_text(date, t);
        snprintf(digits, sizeof digits, "%.4s%.2s%.2s", date, date + 5, date + 8);
        assert_int_equal(xmppi_tls_days(digits), t);
    }
    assert_int_equal(xmppi_tls_utc(xmppi_tls_days("19691231"), 86399), 0);
    assert_int_equal(xmppi_tls_utc(xmppi_tls_days("21070101"), 0), 0);
    assert_int_equal(xmppi_tls_utc(xmppi_tls_days("99991231"), 86399), 0);
}

/* Feeds a certificate in two pieces to the walker alone. Returns the struct. */
static xmpp_bearssl_x509 *walk(const unsigned char *der, size_t n, size_t cut, const char *name)
{
    const br_x509_class **ctx = &x509.head.vtable;
    link_t *l = &the_link;

    l->cfg.anchor_count = 0;
    l->tls.cfg = &l->cfg;
    l->tls.has_spki = false;
    x509.head.owner = &l->tls;
    xmpp_bearssl_bind(&l->tls, &l->binding);
    br_ssl_engine_set_hash(&l->tls.client.eng, br_sha256_ID, &br_sha256_vtable);
    xmppi_tls_start_alone(ctx, name);
    xmppi_tls_start_cert(ctx, (uint32_t)n);
    xmppi_tls_append(ctx, der, cut);
    xmppi_tls_append(ctx, der + cut, n - cut);
    xmppi_tls_end_cert(ctx);
    x509.head.owner = NULL;
    return &x509;
}

static void walks_every_split(void **state)
{
    unsigned char der[2048], spki[64];
    xmpp_bearssl_x509 *x;
    size_t n, cut;

    (void)state;
    memset(&the_link, 0, sizeof the_link);
    n = load("good.der", der, sizeof der);
    load("good.spki", spki, sizeof spki);
    for (cut = 0; cut <= n; cut++) {
        x = walk(der, n, cut, "other.example");
        assert_int_equal(x->error, 0);
        assert_true(x->matched);
        assert_int_equal(the_link.binding.sig_hash, br_sha256_ID);
        assert_string_equal(x->names, "xmpp.test, *.wild.test, other.example");
        assert_memory_equal(the_link.tls.spki, spki, 32);
        assert_true(x->days[1] - x->days[0] == 100 && x->seconds[0] == x->seconds[1]);
        assert_true(xmppi_tls_key(&x->u.pin.pkey, x->u.pin.spki, x->spki_n));
    }
}

static void walks_no_cut_or_trailing_bytes(void **state)
{
    unsigned char der[2048];
    size_t n, k;

    (void)state;
    n = load("good.der", der, sizeof der);
    for (k = 0; k < n; k++)
        assert_int_equal(walk(der, k, k / 2, "xmpp.test")->error, XMPP_E_TLS_CERT);
    der[n] = 0;
    assert_int_equal(walk(der, n + 1, 5, "xmpp.test")->error, XMPP_E_TLS_CERT);
}

/* Nothing is proved but that the sanitizers are content and that no name is made up. */
static void walks_damaged_certificates(void **state)
{
    static const char *const files[] = {"good.der", "srv.der", "addr.der", "late.der", "rsa.der"};
    unsigned char der[2048];
    br_x509_pkey key;
    size_t f, n, i, bit;

    (void)state;
    for (f = 0; f < sizeof files / sizeof files[0]; f++) {
        n = load(files[f], der, sizeof der);
        for (i = 0; i < n; i++)
            for (bit = 0; bit < 8; bit++) {
                der[i] ^= (unsigned char)(1u << bit);
                walk(der, n, i, "never.example");
                assert_false(x509.matched);
                if (x509.error == 0)
                    xmppi_tls_key(&key, x509.u.pin.spki, x509.spki_n);
                der[i] ^= (unsigned char)(1u << bit);
            }
    }
}

/* Feeds a certificate in two pieces to what looks for a pinned P-256 key. Returns BearSSL's verdict. */
static unsigned find_key(const unsigned char *der, size_t n, size_t cut)
{
    const br_x509_class **ctx = &pinned.head.vtable;
    link_t *l = &the_link;
    unsigned verdict;

    l->cfg.pins = (const unsigned char (*)[32])pins;
    l->cfg.pin_count = 1;
    l->tls.cfg = &l->cfg;
    l->tls.has_spki = false;
    pinned.head.owner = &l->tls;
    xmppi_tls_pin_start_chain(ctx, "xmpp.test");
    xmppi_tls_pin_start_cert(ctx, (uint32_t)n);
    xmppi_tls_pin_append(ctx, der, cut);
    xmppi_tls_pin_append(ctx, der + cut, n - cut);
    xmppi_tls_pin_end_cert(ctx);
    verdict = xmppi_tls_pin_end_chain(ctx);
    pinned.head.owner = NULL;
    return verdict;
}

/* Whatever is damaged: the key is found as it is pinned, or it is not accepted. */
static void finds_no_key_but_the_pinned(void **state)
{
    static const char *const files[] = {"good", "v1"};
    unsigned char der[2048], *tight;
    char name[16], end[64];
    size_t f, n, i, bit, at;

    (void)state;
    memset(&the_link, 0, sizeof the_link);
    for (f = 0; f < 2; f++) {
        snprintf(name, sizeof name, "%s.spki", files[f]);
        load(name, end, sizeof end);
        memcpy(pins[0], end, 32);
        snprintf(name, sizeof name, "%s.der", files[f]);
        n = load(name, der, sizeof der);
        for (at = 0; memcmp(der + at, "\x30\x59\x30\x13\x06\x07", 6) != 0; at++)
            ;
        for (i = 0; i <= n; i++)
            assert_int_equal(find_key(der, n, i), 0);
        assert_memory_equal(pinned.pkey.key.ec.q, der + at + 26, 65);
        assert_int_equal(xmppi_tls_pin_get_pkey((const br_x509_class *const *)&pinned.head.vtable, NULL)->key.ec.qlen, 65);
        for (i = 0; i < n; i++) {                   /* cut, in memory that ends there */
            tight = (unsigned char *)malloc(i + 1);
            memcpy(tight, der, i);
            assert_int_equal(find_key(tight, i, i / 2) == 0, i >= at + 91);
            free(tight);
        }
        for (i = 0; i < n; i++)
            for (bit = 0; bit < 8; bit++) {
                der[i] ^= (unsigned char)(1u << bit);
                if (find_key(der, n, i) == 0)       /* all that is not the key, or leads to it, is free */
                    assert_memory_equal(pinned.pkey.key.ec.q - 26, der + at, 91);
                if (i >= at && i < at + 91)
                    assert_int_not_equal(find_key(der, n, i), 0);
                der[i] ^= (unsigned char)(1u << bit);
            }
    }
    assert_int_not_equal(find_key(der, 0, 0), 0);
}

static void reads_keys_within_bounds(void **state)
{
    unsigned char der[2048], spki[600], *tight;
    br_x509_pkey key;
    size_t n, k, i;

    (void)state;
    n = load("rsa.der", der, sizeof der);
    walk(der, n, 0, "x");
    k = x509.spki_n;
    memcpy(spki, x509.u.pin.spki, k);
    assert_true(xmppi_tls_key(&key, spki, k));
    assert_int_equal(key.key_type, BR_KEYTYPE_RSA);
    assert_int_equal(key.key.rsa.nlen, 256);
    assert_int_equal(key.key.rsa.elen, 3);
    for (i = 0; i < k; i++) {                   /* every cut, in memory that ends there */
        tight = (unsigned char *)malloc(i + 1);
        memcpy(tight, spki, i);
        assert_false(xmppi_tls_key(&key, tight, i));
        free(tight);
    }
    n = load("p384.der", der, sizeof der);
    walk(der, n, 0, "x");
    assert_true(xmppi_tls_key(&key, x509.u.pin.spki, x509.spki_n));
    assert_int_equal(key.key.ec.curve, BR_EC_secp384r1);
    assert_int_equal(key.key.ec.qlen, 97);
}

static void loads_anchors_into_exact_memory(void **state)
{
    static xmpp_bearssl_store s;
    xmpp_bearssl_anchor list[2];
    char pem[4096];
    unsigned char *mem;
    size_t n = load("both.pem", pem, sizeof pem), need;

    (void)state;
    xmpp_bearssl_store_init(&s, list, 0, NULL, 0);          /* how much would it be? */
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, pem, n), XMPP_E_TOO_LONG);
    assert_int_equal(s.found, 2);
    need = s.need;
    mem = (unsigned char *)malloc(need);
    xmpp_bearssl_store_init(&s, list, 2, mem, need);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, pem, n), 2);
    assert_int_equal(s.need, need);
    assert_int_equal(list[0].flags, BR_X509_TA_CA);
    assert_int_equal(list[0].pkey.key_type, BR_KEYTYPE_EC);
    assert_int_equal(list[1].pkey.key_type, BR_KEYTYPE_RSA);
    assert_int_equal(list[1].pkey.key.rsa.nlen, 256);
    assert_ptr_equal(list[0].dn.data, mem);
    xmpp_bearssl_store_init(&s, list, 2, mem, need - 1);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, pem, n), XMPP_E_TOO_LONG);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.need, need);
    xmpp_bearssl_store_init(&s, list, 1, mem, need);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, pem, n), XMPP_E_TOO_LONG);
    assert_int_equal(s.count, 1);
    free(mem);
}

static void reads_pem_in_every_split(void **state)
{
    static xmpp_bearssl_store s;
    xmpp_bearssl_anchor list[2];
    unsigned char mem[1024], first[1024];
    char pem[4096];
    size_t n = load("both.pem", pem, sizeof pem), cut;

    (void)state;
    xmpp_bearssl_store_init(&s, list, 2, first, sizeof first);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, pem, n), 2);
    for (cut = 0; cut <= n; cut++) {
        xmpp_bearssl_store_init(&s, list, 2, mem, sizeof mem);
        xmppi_tls_store_push(&s, pem, cut);
        assert_int_equal(xmpp_bearssl_anchors_pem(&s, pem + cut, n - cut), 2);
        assert_memory_equal(mem, first, s.need);
    }
}

static void refuses_other_pem(void **state)
{
    static xmpp_bearssl_store s;
    static xmpp_bearssl_own o;
    xmpp_bearssl_anchor list[4];
    unsigned char mem[2048];
    char pem[4096];
    size_t n;

    (void)state;
    xmpp_bearssl_store_init(&s, list, 4, mem, sizeof mem);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, "", 0), XMPP_E_TLS_CONFIG);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, "no PEM\n", 7), XMPP_E_TLS_CONFIG);
    n = load("good.key", pem, sizeof pem);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, pem, n), XMPP_E_TLS_CONFIG);
    n = load("ca.pem", pem, sizeof pem);
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, pem, n / 2), XMPP_E_TLS_CONFIG);
    pem[n / 2] = '?';
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, pem, n), XMPP_E_TLS_CONFIG);
    n = load("ca.pem", pem, sizeof pem);
    /* without its last line feed, after all that */
    assert_int_equal(xmpp_bearssl_anchors_pem(&s, pem, n - 1), 1);
    assert_int_equal(xmpp_bearssl_anchors_pem(
                         &s, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 60),
                     1);
    assert_int_equal(s.skipped, 1);
    assert_int_equal(xmpp_bearssl_anchors_file(&s, "/nonexistent"), XMPP_E_TLS_CONFIG);

    xmpp_bearssl_own_init(&o, mem, sizeof mem);
    n = load("encrypted.key", pem, sizeof pem);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n), XMPP_E_TLS_CLIENT_CERT);
    n = load("client_ec.key", pem, sizeof pem);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n / 2), XMPP_E_TLS_CLIENT_CERT);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n), XMPP_OK);
    n = load("client_ec.pem", pem, sizeof pem);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n), XMPP_OK);
    n = o.used;
    xmpp_bearssl_own_init(&o, mem, n);                      /* exactly as much, and one byte less */
    add_own(&o, "client_ec.key");
    add_own(&o, "client_ec.pem");
    xmpp_bearssl_own_init(&o, mem, n - 1);
    add_own(&o, "client_ec.key");
    n = load("client_ec.pem", pem, sizeof pem);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n), XMPP_E_TOO_LONG);
    xmpp_bearssl_own_init(&o, mem, 40);
    n = load("client_rsa.key", pem, sizeof pem);
    assert_int_equal(xmpp_bearssl_own_pem(&o, pem, n), XMPP_E_TOO_LONG);
    assert_null(o.cert.key);
}

/* ---- main ---- */

static int all_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(many_names_are_cut),
        cmocka_unit_test(dates),
        cmocka_unit_test(walks_every_split),
        cmocka_unit_test(walks_no_cut_or_trailing_bytes),
        cmocka_unit_test(walks_damaged_certificates),
        cmocka_unit_test(finds_no_key_but_the_pinned),
        cmocka_unit_test(reads_keys_within_bounds),
        cmocka_unit_test(loads_anchors_into_exact_memory),
        cmocka_unit_test(reads_pem_in_every_split),
        cmocka_unit_test(refuses_other_pem),
        cmocka_unit_test(accepts_good_chains),
        cmocka_unit_test(refuses_other_names),
        cmocka_unit_test(refuses_untrusted_chains),
        cmocka_unit_test(compares_dates_with_the_clock),
        cmocka_unit_test(needs_a_floor_without_a_clock),
        cmocka_unit_test(pins_beside_anchors),
        cmocka_unit_test(pins_alone),
        cmocka_unit_test(refuses_bad_configurations),
        cmocka_unit_test(works_byte_by_byte),
        cmocka_unit_test(shrinks_records),
        cmocka_unit_test(rooms),
        cmocka_unit_test(reports_a_record_that_does_not_fit),
        cmocka_unit_test(asks_for_small_records),
        cmocka_unit_test(meets_servers_that_send_more),
        cmocka_unit_test(reports_a_changed_record),
        cmocka_unit_test(says_when_it_is_not_tls),
        cmocka_unit_test(says_when_nothing_is_in_common),
        cmocka_unit_test(accepts_no_sha1_in_the_handshake),
        cmocka_unit_test(accepts_no_altered_handshake),
        cmocka_unit_test(client_certificates),
        cmocka_unit_test(maps_alerts),
        cmocka_unit_test(starttls),
        cmocka_unit_test(tells_what_it_waits_for),
        cmocka_unit_test(truncation),
        cmocka_unit_test(passes_on_errors_from_below),
        cmocka_unit_test(closes_in_order),
        cmocka_unit_test(opens_again),
        cmocka_unit_test(binds_channels),
        cmocka_unit_test(lends_the_x509_struct),
        cmocka_unit_test(name_servers),
        cmocka_unit_test(shares_a_config),
        cmocka_unit_test(shows_the_chain),
        cmocka_unit_test(small_profiles),
        cmocka_unit_test(pinned_profile),
        cmocka_unit_test(resumes_after_a_login),
        cmocka_unit_test(resumes_in_every_way),
        cmocka_unit_test(resumes_for_the_same_alone),
        cmocka_unit_test(resumes_for_a_day),
        cmocka_unit_test(resumes_while_certificates_last),
        cmocka_unit_test(falls_back_to_a_full_handshake),
        cmocka_unit_test(binds_to_no_certificate_before),
        cmocka_unit_test(checks_pins_again),
        cmocka_unit_test(forgets),
        cmocka_unit_test(saves_what_a_login_proved),
        cmocka_unit_test(keeps_the_floor),
        cmocka_unit_test(shares_the_state_with_below),
        cmocka_unit_test(loads_nothing_that_is_cut),
        cmocka_unit_test(resumes_nothing_that_is_damaged),
        cmocka_unit_test(accepts_no_altered_resumption)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return with_certificates(argc, argv, all_tests);
}
