/* What a hostile server, or somebody between, does to TLS below a client of xmpp.h: all of it over a
   pipe in memory, with a BearSSL server in this process. Certificates as in test_tls.c. */

#define _DEFAULT_SOURCE             /* mkdtemp */
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"

#include "tls_link.h"

static link_t *good_link(void) { return setup_link(&the_link, "good.chain", "good.key", "ca.pem"); }

/* ==== what the server says in the clear, altered before the client sees it ==== */

enum { SERVER_HELLO = 2, KEY_EXCHANGE = 12 };

/* Where the handshake message of a type begins in what the server has sent, which is one record. */
static unsigned char *message(link_t *l, int type)
{
    unsigned char *p = l->down.b + 5, *end = p + (l->down.b[3] << 8 | l->down.b[4]);

    while (p < end && p[0] != type)
        p += 4 + (p[1] << 16 | p[2] << 8 | p[3]);
    assert_true(p < end);
    return p;
}

/* The server's first flight is there, and nobody has seen it. */
static link_t *hello_link(void)
{
    link_t *l = good_link();

    assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
    assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 0);
    serve(l);
    assert_int_equal(l->up.n, 0);
    return l;
}

/* The client gives up at once: nothing but an alert follows its hello. */
static void refused(link_t *l, int number)
{
    assert_int_equal(l->io.ops->send(l->io.ctx, "secret", 6), XMPP_IO_ERROR);
    assert_int_equal(l->tls.number, number);
    assert_true(l->up.n == 0 || (l->up.n == 7 && l->up.b[0] == 21));
    l->io.ops->close(l->io.ctx, true);
}

/* The suite and, behind it, the compression of a ServerHello. */
static unsigned char *suite(link_t *l)
{
    unsigned char *p = message(l, SERVER_HELLO) + 4 + 2 + 32;
    return p + 1 + p[0];
}

static void refuses_old_versions(void **state)
{
    unsigned version;
    link_t *l;

    (void)state;
    for (version = 0x0300; version <= 0x0305; version++)
        if (version != BR_TLS12) {
            l = hello_link();
            message(l, SERVER_HELLO)[4] = (unsigned char)(version >> 8);
            message(l, SERVER_HELLO)[5] = (unsigned char)version;
            refused(l, BR_ERR_UNSUPPORTED_VERSION);
        }
    for (version = BR_TLS10; version <= BR_TLS11; version++) {      /* a server that has nothing better */
        l = good_link();
        br_ssl_engine_set_versions(&l->server.eng, BR_TLS10, version);
        br_ssl_server_reset(&l->server);
        assert_int_equal(connect_to(l, "xmpp.test"), XMPP_E_TLS_PROTOCOL);
    }
}

static void refuses_compression(void **state)
{
    link_t *l = hello_link();

    (void)state;
    suite(l)[2] = 1;                                /* DEFLATE */
    refused(l, BR_ERR_BAD_COMPRESSION);
}

static void refuses_suites_that_were_not_offered(void **state)
{
    static const uint16_t weak[] = {
        0, BR_TLS_RSA_WITH_AES_128_CBC_SHA, BR_TLS_RSA_WITH_AES_128_GCM_SHA256, BR_TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, 0x0005, 0x0034, 0xC006, 0x1301};
    size_t i;
    link_t *l;

    (void)state;
    for (i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        l = hello_link();
        suite(l)[0] = (unsigned char)(weak[i] >> 8);
        suite(l)[1] = (unsigned char)weak[i];
        refused(l, BR_ERR_BAD_CIPHER_SUITE);
    }
}

/* ServerKeyExchange: 03 and the curve; length and point; hash, signature algorithm, length and signature. */
static void refuses_weak_key_exchanges(void **state)
{
    unsigned char *p;
    link_t *l;
    int hash;

    (void)state;
    for (hash = 0; hash <= br_sha224_ID; hash++) {
        l = hello_link();
        p = message(l, KEY_EXCHANGE) + 4;
        p[4 + p[3]] = (unsigned char)hash;
        refused(l, BR_ERR_INVALID_ALGORITHM);
    }
    l = hello_link();
    message(l, KEY_EXCHANGE)[4 + 2] = 19;           /* secp192r1 */
    refused(l, BR_ERR_INVALID_ALGORITHM);
    l = hello_link();
    p = message(l, KEY_EXCHANGE) + 4;
    p[p[3] - 5] ^= 1;                               /* a key that nobody signed */
    refused(l, BR_ERR_BAD_SIGNATURE);
}

/* Whatever somebody between changes of a ClientHello, no connection comes of it. */
static void accepts_no_altered_hello(void **state)
{
    link_t *l = good_link();
    size_t at, n = 44;
    int i;

    (void)state;
    for (at = 43; at < n; at += 7) {                /* behind the random numbers */
        l->up.n = l->down.n = l->got_n = 0;
        br_ssl_server_reset(&l->server);
        assert_int_equal(open_to(l, "xmpp.test", true), XMPP_OK);
        assert_int_equal(l->io.ops->send(l->io.ctx, "x", 1), 0);
        n = l->up.n;
        l->up.b[at] ^= 0x01;
        for (i = 0; i < 20; i++) {
            serve(l);
            assert_true(l->io.ops->send(l->io.ctx, "secret", 6) <= 0);
        }
        assert_int_equal(l->got_n, 0);
        l->io.ops->close(l->io.ctx, true);
    }
    assert_true(at > 120);
}

/* ==== what the server asks for inside ==== */

static void renegotiates_never(void **state)
{
    link_t *l = good_link();
    char c[4];

    (void)state;
    assert_int_equal(connect_to(l, "xmpp.test"), XMPP_OK);
    assert_int_equal(br_ssl_engine_renegotiate(&l->server.eng), 1);
    serve(l);
    assert_true(l->down.n > 0);                     /* HelloRequest */
    assert_int_equal(l->io.ops->recv(l->io.ctx, c, 4), 0);
    assert_int_equal(l->up.b[0], 21);               /* an alert is all that comes back: no_renegotiation */
    assert_int_equal(l->up.n, 5u + (size_t)(l->up.b[3] << 8 | l->up.b[4]));
    assert_int_equal(l->tls.state, XMPPI_TLS_OPEN);
    assert_int_equal(br_ssl_engine_renegotiate(&l->tls.client.eng), 0);     /* nor could this end ask for it */
    serve(l);                                       /* BearSSL's server takes that for the end */
    assert_int_equal(br_ssl_engine_last_error(&l->server.eng), 256 + 100);
    l->io.ops->close(l->io.ctx, true);
}

/* ==== with a client of xmpp.h above ==== */

static xmpp_client   client;
static unsigned char rx[256], arena[2048], queue_mem[2048];
static char          seen[600];     /* what the client handed out: "online", "message BODY", "offline ERROR" */

static const char starttls[] = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>";
static const char header[] = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream="
                             "'http://etherx.jabber.org/streams' id='1' from='xmpp.test' version='1.0'>";

static void look(void)
{
    const xmpp_event *ev;

    while ((ev = xmpp_next(&client)) != NULL)
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%s%s;",
                 ev->type == XMPP_EV_ONLINE ? "online" : ev->type == XMPP_EV_MESSAGE ? "message " :
                 ev->type == XMPP_EV_OFFLINE ? "offline " : "other",
                 ev->type == XMPP_EV_MESSAGE ? ev->body : "", ev->type == XMPP_EV_OFFLINE ? xmpp_errname(ev->error) : "");
}

static void turn(link_t *l, int times)
{
    static uint32_t now;

    while (times-- > 0) {
        xmpp_step(&client, ++now);
        look();
        serve(l);
    }
}

static link_t *client_link(uint8_t tls)
{
    static xmpp_config config;
    static const xmpp_account account = {.jid = "user@xmpp.test", .password = "secret", .host = "192.0.2.1",
                                         XMPP_BUFFERS(rx, arena, queue_mem)};
    link_t *l = good_link();

    l->ops.reason = NULL;                           /* the pipe does not break, it ends */
    config = xmpp_default_config;
    config.reconnect = NULL;
    config.tls = tls;
    config.options = XMPP_OPT_PLAIN;
    seen[0] = 0;
    assert_int_equal(xmpp_init(&client, &config, &account, l->io), XMPP_OK);
    return l;
}

static void say(link_t *l, const char *text)
{
    server_says(l, text, strlen(text));
    turn(l, 4);
}

static void wait_for(link_t *l, const char *text)
{
    turn(l, 20);
    l->got[l->got_n] = 0;
    if (strstr(l->got, text) == NULL)
        fail_msg("%s instead of %s; %s", l->got, text, seen);
    l->got_n = 0;
}

static link_t *online_link(void)
{
    link_t *l = client_link(XMPP_TLS_DIRECT);
    char result[300], *id;

    wait_for(l, "<stream:stream");
    say(l, header);
    say(l, "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
           "</stream:features>");
    wait_for(l, "<auth");
    say(l, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    wait_for(l, "<stream:stream");
    say(l, header);
    say(l, "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>");
    wait_for(l, "<iq");
    id = strstr(l->got, "id='") + 4;
    snprintf(result, sizeof result, "<iq type='result' id='%.*s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
             "<jid>user@xmpp.test/x</jid></bind></iq>", (int)strcspn(id, "'"), id);
    say(l, result);
    assert_string_equal(seen, "online;");
    seen[0] = 0;
    return l;
}

/* The link ends without close_notify, or without </stream:stream>: it was lost, whatever TLS said. */
static void lost_is_not_closed(void **state)
{
    static const char *const last[][2] = {
        {"", "offline XMPP_E_EOF;"},
        {"<message from='a@xmpp.test'><body>pay 1000</body></message>", "message pay 1000;offline XMPP_E_EOF;"},
        {"<message from='a@xmpp.test'><body>pay 1000</body></mess", "offline XMPP_E_EOF;"},
        {"<message from='a@xmpp.test'><body>pay 10", "offline XMPP_E_EOF;"},
        {"</stream:strea", "offline XMPP_E_EOF;"},
        {"</stream:stream>", "offline XMPP_E_CLOSED;"}};
    size_t i;
    int notify;
    link_t *l;

    (void)state;
    for (i = 0; i < sizeof last / sizeof last[0]; i++)
        for (notify = 0; notify < 2; notify++) {
            l = online_link();
            if (last[i][0][0] != 0)
                server_says(l, last[i][0], strlen(last[i][0]));
            if (notify) {
                br_ssl_engine_close(&l->server.eng);
                serve(l);
            }
            l->down.eof = true;
            turn(l, 20);
            assert_string_equal(seen, last[i][1]);
            xmpp_reset(&client);
        }
}

/* A record is cut off in the middle: no text of it counts. */
static void half_a_record_is_nothing(void **state)
{
    static const char text[] = "<message from='a@xmpp.test'><body>pay 1000</body></message>";
    size_t n, whole;
    link_t *l = online_link();

    (void)state;
    server_says(l, text, sizeof text - 1);
    whole = l->down.n;
    for (n = 0; n < whole; n += 9) {
        l = online_link();
        server_says(l, text, sizeof text - 1);
        l->down.n = n;
        l->down.eof = true;
        turn(l, 20);
        assert_string_equal(seen, "offline XMPP_E_EOF;");
    }
}

/* CVE-2011-0411 and its like: text that somebody puts behind <proceed/>, in the clear, is not what the server said inside. */
static void injects_nothing_before_tls(void **state)
{
    static const char proceed[] = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    static const char *const lies[] = {
        "<message xmlns='jabber:client' from='a@xmpp.test'><body>x</body></message>", " ", "\x15\x03\x03",
        "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></stream:features>"};
    size_t i, n;
    int pieces;
    link_t *l;

    (void)state;
    for (i = 0; i < sizeof lies / sizeof lies[0]; i++)
        for (pieces = 0; pieces < 2; pieces++) {
            l = client_link(XMPP_TLS_START);
            for (n = 0; n < 8; n++)
                xmpp_step(&client, 1), look();
            assert_true(l->up.n > 0);               /* its header */
            l->up.n = 0;
            put(&l->down, header, sizeof header - 1);
            put(&l->down, starttls, sizeof starttls - 1);
            for (n = 0; n < 8; n++)
                xmpp_step(&client, 1), look();
            l->up.b[l->up.n] = 0;
            assert_non_null(strstr((char *)l->up.b, "<starttls"));
            l->up.n = 0;
            put(&l->down, proceed, sizeof proceed - 1);
            if (pieces)
                for (n = 0; n < 8; n++)
                    xmpp_step(&client, 1), look();
            put(&l->down, lies[i], strlen(lies[i]));
            turn(l, 40);
            assert_int_equal(l->got_n, 0);          /* nothing was said inside: the handshake came to no end */
            assert_int_equal(l->logins, 0);
            if (pieces)
                assert_int_equal(strncmp(seen, "offline XMPP_E_TLS", 18), 0);
            else
                assert_string_equal(seen, "offline XMPP_E_INJECTION;");
            xmpp_reset(&client);
        }
}

/* The certificate was for xmpp.test, and the stream inside says that it is another domain's. */
static void stream_from_another_domain(void **state)
{
    static const char *const from[][2] = {{"xmpp.test", ""}, {"XMPP.test", ""}, {"evil.test", "offline XMPP_E_"},
                                          {"user@xmpp.test", "offline XMPP_E_"}, {"xmpp.test.evil", "offline XMPP_E_"},
                                          {"", "offline XMPP_E_"}};
    char text[300];
    size_t i;
    link_t *l;

    (void)state;
    for (i = 0; i < sizeof from / sizeof from[0]; i++) {
        l = client_link(XMPP_TLS_DIRECT);
        wait_for(l, "<stream:stream");
        snprintf(text, sizeof text, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream="
                 "'http://etherx.jabber.org/streams' id='1' from='%s' version='1.0'><stream:features><mechanisms xmlns="
                 "'urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>", from[i][0]);
        say(l, text);
        turn(l, 20);
        l->got[l->got_n] = 0;
        assert_int_equal(strstr(l->got, "<auth") != NULL, from[i][1][0] == 0);
        assert_int_equal(strncmp(seen, from[i][1], strlen(from[i][1])), 0);
        xmpp_reset(&client);
    }
}

/* The server says close_notify and takes no answer: nothing is read any more, so that who waits must not wait for that. */
static void waits_for_no_bytes_behind_the_end(void **state)
{
    unsigned char byte;
    link_t *l = good_link();
    int i;

    (void)state;
    connect_to(l, "xmpp.test");
    l->up.n = 0;
    l->room = 0;
    br_ssl_engine_close(&l->server.eng);
    serve(l);
    l->down.eof = true;
    for (i = 0; i < 3; i++) {
        assert_int_equal(l->io.ops->recv(l->io.ctx, &byte, 1), 0);
        assert_int_equal(l->io.ops->wants(l->io.ctx), XMPP_WANT_WRITE);
    }
    l->io.ops->close(l->io.ctx, true);
}

static int all_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_old_versions),
        cmocka_unit_test(refuses_compression),
        cmocka_unit_test(refuses_suites_that_were_not_offered),
        cmocka_unit_test(refuses_weak_key_exchanges),
        cmocka_unit_test(accepts_no_altered_hello),
        cmocka_unit_test(renegotiates_never),
        cmocka_unit_test(lost_is_not_closed),
        cmocka_unit_test(half_a_record_is_nothing),
        cmocka_unit_test(waits_for_no_bytes_behind_the_end),
        cmocka_unit_test(injects_nothing_before_tls),
        cmocka_unit_test(stream_from_another_domain)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return with_certificates(argc, argv, all_tests);
}
