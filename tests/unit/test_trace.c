/* The layer that shows the stream: secrets are hidden, however the bytes are cut. */
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

/* Below: an io that hands out `incoming` in pieces and takes at most `takes` bytes. */
static struct {
    const char *incoming;
    size_t left, piece;
    int takes, answer;
    const char *called;
} below;

static int b_open(void *ctx, const xmpp_target *to)
{
    assert_ptr_equal(ctx, &below);
    assert_int_equal(to->port, 5222);
    below.called = "open";
    return below.answer;
}
static int b_recv(void *ctx, void *buf, size_t n)
{
    size_t k = below.left < below.piece ? below.left : below.piece;
    assert_ptr_equal(ctx, &below);
    if (below.answer < 0)
        return below.answer;
    if (k > n)
        k = n;
    memcpy(buf, below.incoming, k);
    below.incoming += k;
    below.left -= k;
    return (int)k;
}
static int b_send(void *ctx, const void *buf, size_t n)
{
    assert_ptr_equal(ctx, &below);
    assert_non_null(buf);
    return below.takes < 0 || n > (size_t)below.takes ? below.takes : (int)n;
}
static int b_close(void *ctx, bool now)
{
    assert_ptr_equal(ctx, &below);
    below.called = now ? "close now" : "close";
    return below.answer;
}
static int b_start_tls(void *ctx, const char *name)
{
    assert_ptr_equal(ctx, &below);
    below.called = name;
    return below.answer;
}
static int b_binding(void *ctx, const char *type, void *out, size_t cap)
{
    assert_ptr_equal(ctx, &below);
    assert_int_equal(cap, 7);
    memset(out, 'b', cap);
    below.called = type;
    return below.answer;
}
static unsigned b_wants(void *ctx)
{
    assert_ptr_equal(ctx, &below);
    return XMPP_WANT_NOW | XMPP_WANT_READ;
}
static int b_reason(void *ctx, const char **words)
{
    assert_ptr_equal(ctx, &below);
    *words = "why";
    return below.answer;
}
static size_t b_room(void *ctx)
{
    assert_ptr_equal(ctx, &below);
    return 512;
}
static int b_random(void *ctx, void *out, size_t n)
{
    assert_ptr_equal(ctx, &below);
    memset(out, 'r', n);
    return below.answer;
}
static uint32_t b_utc(void *ctx)
{
    assert_ptr_equal(ctx, &below);
    return 1000000000;
}
static uint32_t b_millis(void *ctx)
{
    assert_ptr_equal(ctx, &below);
    return 4321;
}
static int b_wait(void *ctx, unsigned wants, uint32_t ms)
{
    assert_ptr_equal(ctx, &below);
    assert_int_equal(wants, XMPP_WANT_WRITE);
    assert_int_equal(ms, 99);
    return below.answer;
}
static int b_state(void *ctx, bool load, void *buf, size_t n)
{
    assert_ptr_equal(ctx, &below);
    assert_true(load);
    assert_memory_equal(buf, "saved", n);
    return below.answer;
}
static int b_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    below.called = "resolver";
    assert_ptr_equal(ctx, &below);
    assert_int_equal(i, 3);
    assert_int_equal(cap, 46);
    out[0] = '!';
    return below.answer;
}
static const xmpp_io_ops all_ops = {b_open,    b_recv,   b_send,   b_close, b_start_tls,
                                    b_binding, b_wants,  b_reason, b_room,  b_random,
                                    b_utc,     b_millis, b_wait,   b_resolver, b_state};
static const xmpp_io_ops few_ops = {b_open,   b_recv, b_send,   b_close, NULL, NULL, b_wants,
                                    b_reason, NULL,   b_random, b_utc,   NULL, NULL, NULL, NULL};

static xmpp_trace trace;
static char shown[2][2048];

static void print(void *ctx, bool out, const char *text, size_t n)
{
    char *to = shown[out ? 1 : 0];
    size_t at = strlen(to);
    assert_ptr_equal(ctx, &shown);
    assert_true(n > 0);
    assert_true(at + n < sizeof shown[0]);
    memcpy(to + at, text, n);
    to[at + n] = '\0';
}

static xmpp_io start(const xmpp_io_ops *ops)
{
    xmpp_io io;
    memset(&below, 0, sizeof below);
    memset(shown, 0, sizeof shown);
    memset(&trace, '?', sizeof trace);
    below.incoming = "";
    below.takes = 1 << 20;
    trace.print = print;
    trace.ctx = &shown;
    io.ops = ops;
    io.ctx = &below;
    return xmpp_trace_io(&trace, io);
}

static void send_all(xmpp_io io, const char *text, size_t n)
{
    if (n > 0)
        assert_int_equal(io.ops->send(io.ctx, text, n), n);
}

/* Both directions, in pieces of every size, and cut once at every place. */
static void shows(const char *text, const char *expected)
{
    size_t n = strlen(text), cut;
    xmpp_io io;
    char buf[1024];
    for (cut = 0; cut <= n; cut++) {
        io = start(&all_ops);
        send_all(io, text, cut);
        send_all(io, text + cut, n - cut);
        assert_string_equal(shown[1], expected);
        assert_string_equal(shown[0], "");
    }
    for (cut = 1; cut <= n; cut++) {
        io = start(&all_ops);
        below.incoming = text;
        below.left = n;
        below.piece = cut;
        while (io.ops->recv(io.ctx, buf, sizeof buf) > 0) {
        }
        assert_string_equal(shown[0], expected);
        assert_string_equal(shown[1], "");
    }
}

static void test_plain_stream(void **state)
{
    static const char text[] =
        "<?xml version='1.0'?><stream:stream to='example.org' xmlns='jabber:client'>"
        "<message to=\"a@b\"><body>hi &amp; \xc3\xa9 > ' \" password token='x'</body></message> \n"
        "<a/><b x='/'/>text<c y='>'>t</c></stream:stream>";
    (void)state;
    shows(text, text);
}

static void test_secret_elements(void **state)
{
    (void)state;
    shows("<auth xmlns='urn:x' mechanism='PLAIN'>AGp1bGlldABzM2NyM3Q=</auth><a>b</a>",
          "<auth xmlns='urn:x' mechanism='PLAIN'>***</auth><a>b</a>");
    shows("<challenge>cj1h</challenge><response>Yz1i</response><success>dj1y</success><x>y</x>",
          "<challenge>***</challenge><response>***</response><success>***</success><x>y</x>");
    shows("<authenticate><initial-response>abc</initial-response><x>y</x></authenticate>",
          "<authenticate><initial-response>***</initial-response><x>y</x></authenticate>");
    shows("<query><username>u</username><password>p</password></query>",
          "<query><username>u</username><password>***</password></query>");
    shows("<password>x</password>", "<password>***</password>");
    shows("<password>", "<password>");
    shows("<password>x", "<password>***");
}

static void test_shape_of_tags(void **state)
{
    (void)state;
    shows("<s:auth>x</s:auth>y", "<s:auth>***</s:auth>y");
    shows("<auth\n>x</auth\t>y", "<auth\n>***</auth\t>y");
    shows("<auth/>y", "<auth/>y");
    shows("<auth />y", "<auth />y");
    shows("<auth\r\n>x</auth\r\n>y", "<auth\r\n>***</auth\r\n>y");
    shows("<!-- c --><auth>x</auth>y", "<!-- c --><auth>***</auth>y");
    shows("<auth a='/'>x</auth>y", "<auth a='/'>***</auth>y");
    shows("<auth a='>' b=\"'>\">x</auth>y", "<auth a='>' b=\"'>\">***</auth>y");
    shows("<auth a=b/>x</auth>y", "<auth a=b/>x</auth>y");
    shows("<auth></auth>y", "<auth></auth>y");
    shows("<auth>=</auth>y", "<auth>***</auth>y");
}

static void test_names_must_match(void **state)
{
    static const char text[] =
        "<auths>x</auths><aut>x</aut><Auth>x</Auth><auth:x>x</auth:x><xauth>x</xauth>"
        "<additional-datas>x</additional-datas><initial-response-initial-response>x"
        "</initial-response-initial-response><successchallengechallengechallengechallenge>y"
        "</successchallengechallengechallengechallenge><a auth='x' password='y'>z</a>";
    (void)state;
    shows(text, text);
}

static void test_children_of_secrets(void **state)
{
    (void)state;
    shows("<success><additional-data>dj1h</additional-data><authorization-identifier>a@b</"
          "authorization-identifier></success>z",
          "<success><additional-data>***</additional-data><authorization-identifier>a@b</"
          "authorization-identifier></success>z");
    shows("<auth>a<x>b</x>c<y/>d</auth>e", "<auth>***<x>***</x>***<y/>***</auth>e");
    shows("<success><a>b</a></success>c", "<success><a>***</a></success>c");
}

static void test_cdata(void **state)
{
    (void)state;
    shows("<a><![CDATA[<auth>x]]></a><b>y</b>", "<a><![CDATA[<auth>x]]></a><b>y</b>");
    shows("<a><![CDATA[<x y=']]></a><auth>s</auth>z", "<a><![CDATA[<x y=']]></a><auth>***</auth>z");
    shows("<a><![CDATA[]>]]]>]]></a>", "<a><![CDATA[]>]]]>]]></a>");
    shows("<auth><![CDATA[se</auth>cr>]]&gt;]et]]></auth>z", "<auth><![***</auth>z");
    shows("<auth>a<![CDATA[b]]>c</auth>z", "<auth>***<![***</auth>z");
}

static void test_token_attributes(void **state)
{
    (void)state;
    shows("<token xmlns='urn:xmpp:fast:0' expiry='2030' token='s3cr3t'/><a b='c'/>",
          "<token xmlns='urn:xmpp:fast:0' expiry='2030' token='***'/><a b='c'/>");
    shows("<t token=\"it's\" x='y'>z</t>", "<t token=\"***\" x='y'>z</t>");
    shows("<t token = '\"' f:token='b' tokens='c' xtoken='d' toke='e' token=''/>",
          "<t token = '***' f:token='***' tokens='c' xtoken='d' toke='e' token=''/>");
    shows("<t token='a>b<c/' d='e'/>f", "<t token='***' d='e'/>f");
    shows("<auth token='a'>b</auth>c", "<auth token='***'>***</auth>c");
    shows("<token>shown</token>", "<token>shown</token>");
}

static void test_directions_are_apart(void **state)
{
    xmpp_io io = start(&all_ops);
    char buf[32];
    (void)state;
    send_all(io, "<auth>se", 8);
    below.incoming = "<a>b</a>";
    below.left = below.piece = 8;
    assert_int_equal(io.ops->recv(io.ctx, buf, sizeof buf), 8);
    send_all(io, "cret</auth>", 11);
    assert_string_equal(shown[1], "<auth>***</auth>");
    assert_string_equal(shown[0], "<a>b</a>");
}

static void test_new_connection_starts_anew(void **state)
{
    xmpp_io io = start(&all_ops);
    xmpp_target to;
    (void)state;
    memset(&to, 0, sizeof to);
    to.port = 5222;
    send_all(io, "<auth>s", 7);
    below.answer = XMPP_E_CONNECT;
    assert_int_equal(io.ops->open(io.ctx, &to), XMPP_E_CONNECT);
    assert_string_equal(below.called, "open");
    send_all(io, "x<a>y</a>", 9);
    assert_string_equal(shown[1], "<auth>***x<a>y</a>");
}

/* What goes to a name server is not shown; what comes after it is. */
static void test_name_servers_are_not_shown(void **state)
{
    xmpp_io io = start(&all_ops);
    xmpp_target to;
    char text[46];
    (void)state;
    memset(&to, 0, sizeof to);
    to.port = 5222;
    to.udp = to.dns = true;
    below.answer = XMPP_OK;
    assert_int_equal(io.ops->resolver(io.ctx, 3, text, sizeof text), XMPP_OK);
    assert_string_equal(below.called, "resolver");
    assert_int_equal(text[0], '!');
    io.ops->open(io.ctx, &to);
    send_all(io, "\1\2<auth>", 8);
    assert_string_equal(shown[1], "");
    to.udp = to.dns = false;
    below.answer = XMPP_OK;
    io.ops->open(io.ctx, &to);
    send_all(io, "<a>y</a>", 8);
    assert_string_equal(shown[1], "<a>y</a>");
}

/* Only what was taken is shown, and once. */
static void test_partial_send(void **state)
{
    xmpp_io io = start(&all_ops);
    (void)state;
    below.takes = 0;
    assert_int_equal(io.ops->send(io.ctx, "<a>b</a>", 8), 0);
    assert_string_equal(shown[1], "");
    below.takes = 5;
    assert_int_equal(io.ops->send(io.ctx, "<a>b</a>", 8), 5);
    assert_string_equal(shown[1], "<a>b<");
    below.takes = XMPP_IO_EOF;
    assert_int_equal(io.ops->send(io.ctx, "/a>", 3), XMPP_IO_EOF);
    below.takes = XMPP_IO_ERROR;
    assert_int_equal(io.ops->send(io.ctx, "/a>", 3), XMPP_IO_ERROR);
    below.takes = 8;
    assert_int_equal(io.ops->send(io.ctx, "/a>", 3), 3);
    assert_string_equal(shown[1], "<a>b</a>");
}

static void test_answers_of_recv(void **state)
{
    xmpp_io io = start(&all_ops);
    char buf[4];
    (void)state;
    assert_int_equal(io.ops->recv(io.ctx, buf, sizeof buf), 0);
    below.answer = XMPP_IO_EOF;
    assert_int_equal(io.ops->recv(io.ctx, buf, sizeof buf), XMPP_IO_EOF);
    below.answer = XMPP_IO_ERROR;
    assert_int_equal(io.ops->recv(io.ctx, buf, sizeof buf), XMPP_IO_ERROR);
    assert_string_equal(shown[0], "");
}

static void test_hands_everything_on(void **state)
{
    xmpp_io io = start(&all_ops);
    const char *words;
    char buf[8] = "";
    (void)state;
    for (below.answer = -40; below.answer <= 40; below.answer += 40) {
        assert_int_equal(io.ops->close(io.ctx, true), below.answer);
        assert_string_equal(below.called, "close now");
        assert_int_equal(io.ops->close(io.ctx, false), below.answer);
        assert_string_equal(below.called, "close");
        assert_int_equal(io.ops->start_tls(io.ctx, "name"), below.answer);
        assert_string_equal(below.called, "name");
        assert_int_equal(io.ops->binding(io.ctx, "type", buf, 7), below.answer);
        assert_string_equal(below.called, "type");
        assert_string_equal(buf, "bbbbbbb");
        assert_int_equal(io.ops->reason(io.ctx, &words), below.answer);
        assert_string_equal(words, "why");
        assert_int_equal(io.ops->random(io.ctx, buf, 2), below.answer);
        assert_string_equal(buf, "rrbbbbb");
        assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_WRITE, 99), below.answer);
        strcpy(buf, "saved");
        assert_int_equal(io.ops->state(io.ctx, true, buf, 5), below.answer);
    }
    assert_int_equal(io.ops->wants(io.ctx), XMPP_WANT_NOW | XMPP_WANT_READ);
    assert_int_equal(io.ops->room(io.ctx), 512);
    assert_int_equal(io.ops->utc(io.ctx), 1000000000);
    assert_int_equal(io.ops->millis(io.ctx), 4321);
}

static void test_absent_stays_absent(void **state)
{
    xmpp_io_ops fewer;
    xmpp_io io = start(&few_ops);
    (void)state;
    assert_null(io.ops->start_tls);
    assert_null(io.ops->binding);
    assert_null(io.ops->room);
    assert_null(io.ops->millis);
    assert_null(io.ops->wait);
    assert_null(io.ops->state);
    assert_null(io.ops->resolver);
    assert_non_null(io.ops->random);
    assert_non_null(io.ops->utc);
    fewer = few_ops;
    fewer.wants = NULL;
    fewer.reason = NULL;
    fewer.utc = NULL;
    io = start(&fewer);
    assert_null(io.ops->wants);
    assert_null(io.ops->reason);
    assert_null(io.ops->utc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain_stream),
                                       cmocka_unit_test(test_secret_elements),
                                       cmocka_unit_test(test_shape_of_tags),
                                       cmocka_unit_test(test_names_must_match),
                                       cmocka_unit_test(test_children_of_secrets),
                                       cmocka_unit_test(test_cdata),
                                       cmocka_unit_test(test_token_attributes),
                                       cmocka_unit_test(test_directions_are_apart),
                                       cmocka_unit_test(test_new_connection_starts_anew),
                                       cmocka_unit_test(test_name_servers_are_not_shown),
                                       cmocka_unit_test(test_partial_send),
                                       cmocka_unit_test(test_answers_of_recv),
                                       cmocka_unit_test(test_hands_everything_on),
                                       cmocka_unit_test(test_absent_stays_absent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
