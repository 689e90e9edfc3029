/* Rules of the standards that neither a transcript nor another test shows: tests/requirements.md names these. */
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a transport that keeps what is sent ---- */

static uint32_t dice;           /* what random numbers are */
static unsigned char sent[4096];
static size_t sent_n;

static int io_open(void *ctx, const xmpp_target *to) { (void)ctx; (void)to; return XMPP_OK; }
static int io_recv(void *ctx, void *buf, size_t n) { (void)ctx; (void)buf; (void)n; return 0; }
static int io_close(void *ctx, bool now) { (void)ctx; (void)now; return 1; }

static int io_send(void *ctx, const void *buf, size_t n)
{
    (void)ctx;
    assert_in_range(n, 0, sizeof sent - sent_n);
    memcpy(sent + sent_n, buf, n);
    sent_n += n;
    return (int)n;
}

static int io_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 0, n);
    memcpy(out, &dice, n < sizeof dice ? n : sizeof dice);
    return XMPP_OK;
}

static const xmpp_io_ops ops = { io_open, io_recv, io_send, io_close, NULL, NULL, NULL, NULL, NULL, io_random, NULL,
                                 NULL, NULL, NULL, NULL };

static xmpp_io below(void)
{
    xmpp_io io;

    io.ops = &ops;
    io.ctx = NULL;
    sent_n = 0;
    return io;
}

/* ---- coming back: RFC 6120 3.3 ---- */

static xmpp_client *a_client(void)
{
    static unsigned char rx[64], arena[768], queue[768];
    static xmpp_config config;
    static xmpp_account account;
    static xmpp_client client;

    config = xmpp_default_config;
    config.tls = XMPP_TLS_NONE_UNSAFE;
    account.jid = "example.org";
    account.rx = rx;
    account.rx_size = sizeof rx;
    account.arena = arena;
    account.arena_size = sizeof arena;
    account.queue = queue;
    account.queue_size = sizeof queue;
    assert_int_equal(xmpp_init(&client, &config, &account, below()), XMPP_OK);
    return &client;
}

static uint32_t delay(xmpp_client *c, uint32_t number)
{
    dice = number;
    return xmpp_backoff(c, XMPP_E_EOF);
}

static void the_first_delay_is_any_number_of_milliseconds_up_to_a_minute(void **state)
{
    (void)state;
    assert_int_equal(delay(a_client(), 0), 0);
    assert_int_equal(delay(a_client(), 1), 1);
    assert_int_equal(delay(a_client(), 31234), 31234);
    assert_int_equal(delay(a_client(), 60000), 60000);
    assert_int_equal(delay(a_client(), 60001), 0);
}

static void each_delay_may_be_twice_as_long_up_to_ten_minutes(void **state)
{
    static const uint32_t bounds[] = { 60000, 120000, 240000, 480000, 600000, 600000 };
    xmpp_client *c = a_client();
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
        assert_int_equal(delay(c, bounds[i]), bounds[i]);
    assert_int_equal(delay(c, 600001), 0);
}

/* ---- errors: RFC 6120 4.9.2, 8.3.2 ---- */

static void a_condition_that_nobody_knows_is_treated_as_undefined(void **state)
{
    static const char *const lasting[] = {
        "bad-format", "bad-namespace-prefix", "bad-request", "conflict", "host-gone", "host-unknown", "improper-addressing",
        "invalid-from", "invalid-namespace", "invalid-xml", "not-allowed", "not-authorized", "restricted-xml",
        "unsupported-encoding", "unsupported-feature", "unsupported-stanza-type", "unsupported-version"
    };
    static const char *const passing[] = {
        "undefined-condition", "from-the-future", "", "connection-timeout", "internal-server-error", "not-well-formed",
        "policy-violation", "remote-connection-failed", "reset", "resource-constraint", "see-other-host", "system-shutdown"
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof lasting / sizeof lasting[0]; i++) {
        assert_int_equal(xmpp_error_class(XMPP_E_STREAM, lasting[i]), XMPP_CLASS_PERSON);
        assert_int_equal(xmpp_error_class(XMPP_E_BIND, lasting[i]), XMPP_CLASS_PERSON);
    }
    for (i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        assert_int_equal(xmpp_error_class(XMPP_E_STREAM, passing[i]), XMPP_CLASS_TRANSIENT);
        assert_int_equal(xmpp_error_class(XMPP_E_BIND, passing[i]), XMPP_CLASS_TRANSIENT);
    }
}

static xmpp_stanza_error read_error(const char *text)
{
    static unsigned char mem[1024];
    static xmpp_xml x;
    xmpp_stanza_error e;
    size_t used, n;

    xmpp_xml_init(&x, mem, sizeof mem);
    assert_int_equal(xmpp_xml_feed(&x, text, strlen(text), &used), XMPP_XML_START);
    xmpp_xml_tree(&x);
    n = used;
    assert_int_equal(xmpp_xml_feed(&x, text + n, strlen(text) - n, &used), XMPP_XML_END);
    xmpp_error_read(x.node, &e);
    return e;
}

#define STANZAS " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"

static void what_an_error_stanza_lacks_is_filled_in(void **state)
{
    xmpp_stanza_error e;

    (void)state;
    e = read_error("<iq xmlns='jabber:client' type='error'/>");
    assert_string_equal(e.type, "cancel");
    assert_string_equal(e.condition, "undefined-condition");
    assert_string_equal(e.text, "");
    assert_string_equal(e.uri, "");
    assert_false(xmpp_exists(e.app));
    e = read_error("<iq xmlns='jabber:client' type='error'><error type='loud'><own xmlns='urn:example:own'/>"
                   "<text" STANZAS ">words</text></error></iq>");
    assert_string_equal(e.type, "cancel");
    assert_string_equal(e.condition, "undefined-condition");
    assert_string_equal(e.text, "words");
    assert_string_equal(xmpp_name(e.app), "own");
    e = read_error("<iq xmlns='jabber:client' type='error'><error type='modify'><gone" STANZAS ">xmpp:a@b</gone></error></iq>");
    assert_string_equal(e.type, "modify");
    assert_string_equal(e.condition, "gone");
    assert_string_equal(e.uri, "xmpp:a@b");
}

/* ---- what a handshake begins with ---- */

/* The data of an extension in the ClientHello that was sent. */
static const unsigned char *extension(unsigned type, size_t *n)
{
    const unsigned char *p = sent + 5 + 4 + 2 + 32, *end = sent + sent_n;

    p += 1 + p[0];                          /* session ID */
    p += 2 + (p[0] << 8 | p[1]);            /* cipher suites */
    p += 1 + p[0];                          /* compression */
    for (p += 2; p + 4 <= end; p += 4 + *n) {
        *n = (size_t)(p[2] << 8 | p[3]);
        assert_in_range(*n, 0, end - p - 4);
        if ((unsigned)(p[0] << 8 | p[1]) == type)
            return p + 4;
    }
    fail_msg("no extension %u", type);
    return NULL;
}

static void what_a_handshake_says_and_that_no_text_leaves_before_its_end(void **state)
{
    static const unsigned char pins[1][32];
    static unsigned char records[XMPP_BEARSSL_BUFFER(512)];
    static xmpp_bearssl tls;
    static xmpp_bearssl_x509 x509;
    static xmpp_bearssl_config config;
    const unsigned char *data;
    xmpp_target to;
    xmpp_io io;
    size_t n, i;

    (void)state;
    config.pins = pins;
    config.pin_count = 1;
    config.pins_alone_replace_ca = true;
    config.profile = xmpp_bearssl_profile_full;
    config.x509 = &x509;
    config.records = records;
    config.records_size = sizeof records;
    memset(&to, 0, sizeof to);
    to.host = "192.0.2.7";                  /* an SRV record's target, its address */
    to.tls_name = "example.org";
    to.tls = true;
    dice = 1;
    io = xmpp_bearssl_io(&tls, &config, below());
    assert_int_equal(io.ops->open(io.ctx, &to), XMPP_OK);
    for (i = 0; i < 10; i++)
        assert_int_equal(io.ops->send(io.ctx, "<stream:stream", 14), 0);
    assert_int_equal(sent_n, 5 + (sent[3] << 8 | sent[4]));     /* one record: a ClientHello, and nothing else */
    assert_int_equal(sent[0], 22);
    assert_int_equal(sent[5], 1);
    data = extension(0, &n);                /* server_name, RFC 6066 3 */
    assert_int_equal(n, 5 + 11);
    assert_memory_equal(data, "\0\x0e\0\0\x0b" "example.org", n);
    data = extension(16, &n);               /* ALPN, RFC 7301 3.1 */
    assert_int_equal(n, 3 + 11);
    assert_memory_equal(data, "\0\x0c\x0b" "xmpp-client", n);
    data = extension(0xff01, &n);           /* renegotiation_info, RFC 5746 3.4 */
    assert_int_equal(n, 1);
    assert_int_equal(data[0], 0);
    assert_int_equal(br_ssl_engine_get_flags(&tls.client.eng) & BR_OPT_NO_RENEGOTIATION, BR_OPT_NO_RENEGOTIATION);
    assert_int_equal(tls.client.eng.version_min, BR_TLS12);     /* what a server may choose */
    assert_int_equal(tls.client.eng.version_max, BR_TLS12);
    io.ops->close(io.ctx, true);
}

/* ---- whom it trusts: RFC 6120 13.6 ---- */

static const char authority[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBcTCCARegAwIBAgIUfLY8/4HMZQbrvdqCuFVaBO1N8tcwCgYIKoZIzj0EAwIw\n"
    "DTELMAkGA1UEAwwCY2EwIBcNMjYxMTI4MDIwMjU2WhgPMjEyNjExMDQwMjAyNTZa\n"
    "MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAER3ZVRtKR\n"
    "H5PutZt020LryY2HdFqh2LDeq1AyvJawyKzOD+CstBPHEh7VQZBZSIJMfii+jFpX\n"
    "oR1Hwgs6uA+1i6NTMFEwHQYDVR0OBBYEFPJZ3SIBBk17LKbGQtUcNYIhH79hMB8G\n"
    "A1UdIwQYMBaAFPJZ3SIBBk17LKbGQtUcNYIhH79hMA8GA1UdEwEB/wQFMAMBAf8w\n"
    "CgYIKoZIzj0EAwIDSAAwRQIhALjaASGuuCwDB1O5xYS/BLGUMNP6TspfCq92izDI\n"
    "vUN9AiBXQvvlCdNpBwtxpvsWTB69VwbHxuTKB1EPqTdetl47jQ==\n"
    "-----END CERTIFICATE-----\n";

static int open_with(const char *path, size_t *anchors)
{
    static xmpp_bearssl_system tls;
    xmpp_target to;
    xmpp_io io = xmpp_bearssl_system_io(&tls, path, below());
    int r;

    tls.config.floor = 1;
    memset(&to, 0, sizeof to);
    to.host = to.tls_name = "example.org";
    to.tls = true;
    r = io.ops->open(io.ctx, &to);
    io.ops->close(io.ctx, true);
    *anchors = tls.config.anchor_count;
    return r;
}

static void a_file_of_ones_own_stands_for_the_authorities_of_the_system(void **state)
{
    char path[] = "/tmp/xmpp-rules-XXXXXX";
    int fd = mkstemp(path);
    size_t n;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(open_with(path, &n), XMPP_E_TLS_CONFIG);       /* nobody is trusted, not everybody */
    assert_int_equal(n, 0);
    assert_int_equal(write(fd, authority, sizeof authority - 1), (int)sizeof authority - 1);
    close(fd);
    assert_int_equal(open_with(path, &n), XMPP_OK);
    assert_int_equal(n, 1);
    unlink(path);
    assert_int_equal(open_with(path, &n), XMPP_E_TLS_CONFIG);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_delay_is_any_number_of_milliseconds_up_to_a_minute),
        cmocka_unit_test(each_delay_may_be_twice_as_long_up_to_ten_minutes),
        cmocka_unit_test(a_condition_that_nobody_knows_is_treated_as_undefined),
        cmocka_unit_test(what_an_error_stanza_lacks_is_filled_in),
        cmocka_unit_test(what_a_handshake_says_and_that_no_text_leaves_before_its_end),
        cmocka_unit_test(a_file_of_ones_own_stands_for_the_authorities_of_the_system)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
