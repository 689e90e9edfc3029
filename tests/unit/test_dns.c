/* Finding the server: messages of name servers, byte by byte. Whole lookups stand in tests/sessions/dns.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

/* ---- a transport that plays the name server ---- */

static unsigned char question[600], reply[70000];   /* what was sent last; what is received next */
static size_t question_n, reply_n, take, chunk;     /* take: bytes that a send takes, 0: all; chunk: of recv */
static unsigned opens, sends, ids[16];
static int open_result, send_result, recv_end;      /* when not 0: what they answer; recv_end: when nothing is left */
static uint32_t dice;                               /* what random gives */
static bool counting, no_random;                    /* one more each time; there is none */
static char opened[64];
static xmpp_target to_open;

static int io_open(void *ctx, const xmpp_target *to)
{
    (void)ctx;
    opens++;
    question_n = reply_n = 0;
    to_open = *to;
    snprintf(opened, sizeof opened, "%s %u%s", to->host, to->port, to->udp ? " udp" : to->dns ? " tcp" : "");
    return open_result;
}
static int io_close(void *ctx, bool now) { (void)ctx; (void)now; return 1; }
static int io_random(void *ctx, void *out, size_t n)
{
    uint16_t low = (uint16_t)dice;              /* a number of 16 bits is the low half, whatever the byte order */

    (void)ctx;
    if (no_random)
        return XMPP_E_ENTROPY;
    if (n == 2)
        memcpy(out, &low, 2);
    else
        memcpy(out, &dice, n < 4 ? n : 4);
    dice += counting;
    return XMPP_OK;
}
static int io_recv(void *ctx, void *buf, size_t n)
{
    (void)ctx;
    if (reply_n == 0)
        return recv_end == XMPP_IO_EOF && to_open.udp ? 0 : recv_end;
    if (n > reply_n)
        n = reply_n;
    if (!to_open.udp && chunk != 0 && n > chunk)
        n = chunk;
    memcpy(buf, reply, n);
    memmove(reply, reply + n, reply_n - n);
    reply_n = to_open.udp ? 0 : reply_n - n;
    return (int)n;
}
static int io_send(void *ctx, const void *buf, size_t n)
{
    (void)ctx;
    if (send_result != 0)
        return send_result < 0 ? send_result : 0;
    if (!to_open.udp && take != 0 && n > take)
        n = take;
    if (!to_open.dns)
        return (int)n;
    memcpy(question + question_n, buf, n);
    question_n += n;
    if (sends < 16)
        ids[sends] = (unsigned)question[to_open.udp ? 0 : 2] << 8 | question[to_open.udp ? 1 : 3];
    sends++;
    return (int)n;
}
static const char *system_servers[4];
static int io_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    (void)ctx;
    if (i >= 3 || system_servers[i] == NULL || strlen(system_servers[i]) >= cap)
        return XMPP_E_RESOLVE;
    strcpy(out, system_servers[i]);
    return XMPP_OK;
}
static const xmpp_io_ops ops = { io_open, io_recv, io_send, io_close, NULL, NULL, NULL, NULL, NULL, io_random, NULL, NULL,
                                 NULL, io_resolver, NULL };

static unsigned char rx[256], arena[1024], queue[1024];
static xmpp_client client;
static xmpp_config config;
static xmpp_account account;
static xmpp_dns dns;
static const char *servers[] = { "192.0.2.53", NULL };

static int setup(void **state)
{
    xmpp_io io;

    (void)state;
    io.ops = &ops;
    io.ctx = NULL;
    config = xmpp_default_config;
    config.tls = XMPP_TLS_NONE_UNSAFE;
    memset(&account, 0, sizeof account);
    memset(&dns, 0, sizeof dns);
    account.jid = "example.org";
    account.dns = &dns;
    account.rx = rx;
    account.rx_size = sizeof rx;
    account.arena = arena;
    account.arena_size = sizeof arena;
    account.queue = queue;
    account.queue_size = sizeof queue;
    dns.servers = servers;
    memset(system_servers, 0, sizeof system_servers);
    question_n = reply_n = take = chunk = 0;
    opens = sends = 0;
    open_result = send_result = recv_end = 0;
    dice = 0x01020304;
    counting = true;
    no_random = false;
    return xmpp_init(&client, &config, &account, io);
}

/* ---- messages, written by hand ---- */

typedef struct message { unsigned char b[2000]; size_t n; } message;

static void put16(message *m, unsigned v)
{
    m->b[m->n++] = (unsigned char)(v >> 8);
    m->b[m->n++] = (unsigned char)v;
}
/* "a.b": labels and the root; "a.b@12": labels, then a pointer to 12 */
static void put_name(message *m, const char *s)
{
    while (*s != '\0' && *s != '@') {
        size_t len = strcspn(s, ".@");
        m->b[m->n++] = (unsigned char)len;
        memcpy(m->b + m->n, s, len);
        m->n += len;
        s += len + (s[len] == '.');
    }
    if (*s == '@')
        put16(m, 0xC000u | (unsigned)atoi(s + 1));
    else
        m->b[m->n++] = 0;
}
static void begin(message *m, unsigned id, const char *name, unsigned type)
{
    m->n = 0;
    put16(m, id);
    put16(m, 0x8180);
    put16(m, 1);
    put16(m, 0);
    put16(m, 0);
    put16(m, 0);
    put_name(m, name);
    put16(m, type);
    put16(m, 1);
}
/* A record up to its data, which are n bytes. */
static void record(message *m, const char *owner, unsigned type, size_t n)
{
    m->b[7]++;
    put_name(m, owner);
    put16(m, type);
    put16(m, 1);
    put16(m, 0);
    put16(m, 60);
    put16(m, (unsigned)n);
}
static void srv(message *m, const char *owner, unsigned priority, unsigned weight, unsigned port, const char *target)
{
    size_t at;

    record(m, owner, 33, 0);
    at = m->n;
    put16(m, priority);
    put16(m, weight);
    put16(m, port);
    put_name(m, target);
    m->b[at - 2] = (unsigned char)((m->n - at) >> 8);
    m->b[at - 1] = (unsigned char)(m->n - at);
}
static void cname(message *m, const char *owner, const char *target)
{
    size_t at;

    record(m, owner, 5, 0);
    at = m->n;
    put_name(m, target);
    m->b[at - 1] = (unsigned char)(m->n - at);
}
static void address(message *m, const char *owner, unsigned a, unsigned b, unsigned c, unsigned d)
{
    record(m, owner, 1, 4);
    m->b[m->n++] = (unsigned char)a;
    m->b[m->n++] = (unsigned char)b;
    m->b[m->n++] = (unsigned char)c;
    m->b[m->n++] = (unsigned char)d;
}

enum { ID = 0x1234 };
#define SERVICE "_xmpp-client._tcp.example.org"

/* What the parser makes of the first n bytes of a message; `fill` stands behind them. */
static int parse(const message *m, size_t n, unsigned phase, const char *name, unsigned char fill)
{
    const char *const *keep = dns.servers;

    memset(&dns, 0, sizeof dns);
    dns.servers = keep;
    memset(dns.packet, fill, sizeof dns.packet);
    assert_true(n <= XMPP_CFG_DNS_PACKET);
    memcpy(dns.packet + 2, m->b, n);
    dns.phase = (uint8_t)phase;
    dns.name = name;
    dns.id = ID;
    memcpy(&dns.id, "\x12\x34", 2);
    dns.id = ID;
    dns.n = (uint16_t)(n + 2);
    return xmppi_dns_answer(&dns);
}
static int parse_srv(const message *m) { return parse(m, m->n, XMPPI_DNS_XMPP, "example.org", 0xAA); }
static int parse_a(const message *m) { return parse(m, m->n, XMPPI_DNS_A, "host.example", 0xAA); }

/* The targets as "priority weight port name;..." */
static const char *targets(void)
{
    static char text[4000];
    size_t at, n = 0;

    text[0] = '\0';
    for (at = 0; at < dns.targets_n; at = xmppi_dns_behind(&dns, at)) {
        const unsigned char *t = dns.targets + at;
        assert_true(memchr(t + 7, 0, (size_t)(dns.targets_n - at - 7)) != NULL);
        n += (size_t)snprintf(text + n, sizeof text - n, "%u %u %u %.60s;", xmppi_get16(t), xmppi_get16(t + 2),
                              xmppi_get16(t + 4), (const char *)t + 7);
    }
    assert_int_equal(at, dns.targets_n);
    return text;
}

static void answers_are_read(void **state)
{
    message m;

    (void)state;
    begin(&m, ID, SERVICE, 33);
    srv(&m, "@12", 20, 0, 5222, "b.example.org");
    srv(&m, "@12", 10, 5, 5269, "a@30");                    /* 30: "example.org" of the question */
    srv(&m, "_XMPP-client._tcp.EXAMPLE.org", 10, 0, 1, "c_1.x");
    srv(&m, "_xmpp-client._tcp.example.com", 1, 0, 1, "stranger.example");
    address(&m, "b.example.org", 192, 0, 2, 1);
    assert_int_equal(parse_srv(&m), XMPP_OK);
    assert_string_equal(targets(), "10 0 1 c_1.x;10 5 5269 a.example.org;20 0 5222 b.example.org;");
    assert_true(dns.records && !dns.refused);

    begin(&m, ID, "HOST.example", 1);
    address(&m, "@12", 192, 0, 2, 1);
    address(&m, "Host.Example", 192, 0, 2, 2);
    address(&m, "host.example.org", 192, 0, 2, 3);
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], 2);
    assert_memory_equal(dns.addr[1][1], "\xc0\x00\x02\x02", 4);
    assert_int_equal(dns.addrs[0], 0);
}

static void what_is_no_answer_to_the_question_is_left_alone(void **state)
{
    message good, m;

    (void)state;
    begin(&good, ID, SERVICE, 33);
    srv(&good, "@12", 1, 1, 5222, "a.example");
    assert_int_equal(parse_srv(&good), XMPP_OK);
    m = good; m.b[0] ^= 1;      assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);      /* id */
    m = good; m.b[1] ^= 0x80;   assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);
    m = good; m.b[2] &= 0x7F;   assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);      /* a question, not an answer */
    m = good; m.b[2] |= 0x10;   assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);      /* another operation */
    m = good; m.b[5] = 0;       assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);      /* number of questions */
    m = good; m.b[5] = 2;       assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);
    m = good; m.b[4] = 1;       assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);
    m = good; m.b[32] ^= 1;     assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);      /* name */
    m = good; m.b[30] ^= 1;     assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);      /* length of a label */
    m = good; m.b[44] ^= 1;     assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);      /* type */
    m = good; m.b[46] ^= 2;     assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);      /* class */
    begin(&m, ID, "_xmpp-client._tcp.example.org.uk", 33);
    assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);
    begin(&m, ID, "_xmpp-client._tcp.example", 33);
    assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);
    begin(&m, ID, "_xmpp-client@12", 33);
    assert_int_equal(parse_srv(&m), XMPP_E_AGAIN);
    assert_string_equal(targets(), "");
}

static void response_codes(void **state)
{
    message good, m;
    unsigned code;

    (void)state;
    begin(&good, ID, SERVICE, 33);
    srv(&good, "@12", 1, 1, 5222, "a.example");
    for (code = 0; code < 16; code++) {
        m = good;
        m.b[3] = (unsigned char)(0x80 | code);
        assert_int_equal(parse_srv(&m), code == 0 || code == 3 ? (int)XMPP_OK : (int)XMPP_E_RESOLVE);
        assert_string_equal(targets(), code == 0 ? "1 1 5222 a.example;" : "");
        assert_true(dns.heard);
    }
    m = good;
    m.b[2] |= 2;                /* cut */
    assert_int_equal(parse_srv(&m), XMPP_E_TOO_LONG);
    begin(&m, ID, SERVICE, 33);
    assert_int_equal(parse_srv(&m), XMPP_OK);
    assert_false(dns.records);
}

static void an_answer_that_ends_anywhere(void **state)
{
    message m;
    size_t n, records[4], k = 0;
    char first[4000];
    int r;

    (void)state;
    begin(&m, ID, SERVICE, 33);
    records[k++] = m.n;
    cname(&m, "@12", "alias.example");
    records[k++] = m.n;
    srv(&m, "alias.example", 1, 1, 5222, "a@30");
    records[k++] = m.n;
    srv(&m, "@59", 2, 2, 5223, "b@30");                     /* 59: "alias.example" in the CNAME */
    records[k++] = m.n;
    assert_int_equal(parse_srv(&m), XMPP_OK);
    assert_string_equal(targets(), "1 1 5222 a.example.org;2 2 5223 b.example.org;");
    for (n = 0; n <= m.n; n++) {
        r = parse(&m, n, XMPPI_DNS_XMPP, "example.org", 0x00);
        strcpy(first, targets());
        assert_int_equal(r, n < records[0] ? (int)XMPP_E_AGAIN : (int)XMPP_OK);
        assert_string_equal(first, n < records[2] ? "" : n < records[3] ? "1 1 5222 a.example.org;"
                                                       : "1 1 5222 a.example.org;2 2 5223 b.example.org;");
        assert_int_equal(parse(&m, n, XMPPI_DNS_XMPP, "example.org", 0xFF), r);     /* nothing behind it is read */
        assert_string_equal(targets(), first);
        assert_int_equal(parse(&m, n, XMPPI_DNS_XMPP, "example.org", 0xC0), r);
        assert_string_equal(targets(), first);
    }
}

static void anything_may_come(void **state)
{
    message good, m;
    uint32_t seed = 1;
    char first[4000];
    unsigned i, k, bytes;
    int r;

    (void)state;
    begin(&good, ID, SERVICE, 33);
    cname(&good, "@12", "alias@30");
    srv(&good, "alias@30", 1, 1, 5222, "a@30");
    srv(&good, "@59", 2, 2, 5223, "b.c.d@30");
    srv(&good, "@59", 0, 0, 0, "");
    for (i = 0; i < 200000; i++) {
        m = good;
        bytes = 1 + i % 5;
        for (k = 0; k < bytes; k++) {
            seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
            m.b[(i & 8 ? 47 : 0) + (seed >> 8) % (m.n - (i & 8 ? 47 : 0))] = (unsigned char)(seed >> 24 & 7 ? seed >> 16 : 0xC0);
        }
        r = parse(&m, m.n, XMPPI_DNS_XMPP, "example.org", 0x00);
        assert_true(r == XMPP_OK || r == XMPP_E_AGAIN || r == XMPP_E_RESOLVE || r == XMPP_E_TOO_LONG);
        assert_true(dns.targets_n <= sizeof dns.targets);
        strcpy(first, targets());
        if (i % 16 == 0) {
            assert_int_equal(parse(&m, m.n, XMPPI_DNS_XMPP, "example.org", 0xFF), r);
            assert_string_equal(targets(), first);
        }
    }
}

static void pointers_do_not_go_round(void **state)
{
    message m;
    size_t at;
    char ring[8];

    (void)state;
    begin(&m, ID, "host.example", 1);
    at = m.n;                                               /* an owner that points to itself */
    snprintf(ring, sizeof ring, "@%u", (unsigned)at);
    address(&m, ring, 192, 0, 2, 1);
    address(&m, "@12", 192, 0, 2, 2);
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], 1);

    begin(&m, ID, "host.example", 1);                       /* "x" and a pointer back to "x" */
    snprintf(ring, sizeof ring, "x@%u", (unsigned)m.n);
    address(&m, ring, 192, 0, 2, 1);
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], 0);

    begin(&m, ID, "host.example", 1);                       /* forwards, and into the header */
    address(&m, "@500", 192, 0, 2, 1);
    address(&m, "@0", 192, 0, 2, 1);
    address(&m, "@11", 192, 0, 2, 1);
    address(&m, "@16383", 192, 0, 2, 1);
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], 0);

    begin(&m, ID, "host.example", 1);                       /* two that point to each other */
    cname(&m, "@12", "p@12");
    at = m.n - 4;
    m.b[at + 2] = 0xC0;
    m.b[at + 3] = (unsigned char)at;
    address(&m, "@12", 192, 0, 2, 1);
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], 0);

    begin(&m, ID, "host.example", 1);                       /* reserved kinds of labels */
    address(&m, "@12", 192, 0, 2, 1);
    m.b[m.n - 16] = 0x40;
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], 0);
    m.b[m.n - 16] = 0x80;
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], 0);
}

static void aliases(void **state)
{
    message m;
    char a[24], b[24];
    int i;

    (void)state;
    begin(&m, ID, "host.example", 1);                       /* in any order */
    address(&m, "c.example", 192, 0, 2, 3);
    cname(&m, "b.example", "c.example");
    cname(&m, "@12", "b.example");
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], 1);

    begin(&m, ID, "host.example", 1);                       /* to itself, and round */
    cname(&m, "@12", "@12");
    assert_int_equal(parse_a(&m), XMPP_OK);
    begin(&m, ID, "host.example", 1);
    cname(&m, "@12", "b.example");
    cname(&m, "b.example", "@12");
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], 0);

    for (i = 7; i <= 8; i++) {                              /* seven in a row are followed, eight are not */
        int k;
        begin(&m, ID, "host.example", 1);
        strcpy(a, "@12");
        for (k = 0; k < i; k++) {
            snprintf(b, sizeof b, "n%d", k);
            cname(&m, a, b);
            strcpy(a, b);
        }
        address(&m, a, 192, 0, 2, 9);
        assert_int_equal(parse_a(&m), XMPP_OK);
        assert_int_equal(dns.addrs[1], i == 7);
    }
}

/* A name of so many bytes in a message, its root included, as text: one less than that, less one. */
static const char *long_name(size_t wire)
{
    static char text[400];
    size_t n = 0, left = wire - 1, len;

    while (left > 0) {
        len = left > 64 ? (left == 65 ? 62 : 63) : left - 1;
        memset(text + n, 'a' + (int)(n % 26), len);
        n += len;
        text[n++] = '.';
        left -= len + 1;
    }
    text[n - 1] = '\0';
    assert_int_equal(strlen(text), wire - 2);
    return text;
}

static void names_have_255_bytes_at_most(void **state)
{
    message m;
    static const char *const bad[] = { "", ".", "a..b", ".a", "0123456789012345678901234567890123456789012345678901234567890123.x" };
    size_t n, i;

    (void)state;
    dns.phase = XMPPI_DNS_A;
    for (n = 250; n < 270; n++) {
        dns.name = long_name(n);
        assert_int_equal(xmppi_dns_ask(&dns), n <= 255);
        if (n <= 255)
            assert_int_equal(dns.n, 2 + 12 + n + 4);
    }
    dns.phase = XMPPI_DNS_XMPP;             /* 18 bytes more */
    dns.name = long_name(255 - 18);
    assert_true(xmppi_dns_ask(&dns));
    dns.name = long_name(256 - 18);
    assert_false(xmppi_dns_ask(&dns));
    dns.phase = XMPPI_DNS_A;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        dns.name = bad[i];
        assert_false(xmppi_dns_ask(&dns));
    }
    dns.name = "012345678901234567890123456789012345678901234567890123456789012.example.";   /* 63, and a last dot */
    assert_true(xmppi_dns_ask(&dns));

    for (n = 254; n < 258; n++) {           /* a target */
        begin(&m, ID, SERVICE, 33);
        srv(&m, "@12", 1, 1, 5222, long_name(n));
        assert_int_equal(parse_srv(&m), XMPP_OK);
        assert_int_equal(dns.targets_n, n <= 255 ? 8 + n - 2 : 0);
    }
    begin(&m, ID, SERVICE, 33);             /* one that a pointer makes too long: 18 + 11 + 2 bytes of question, 225 before */
    srv(&m, "@12", 1, 1, 5222, strcat(strcpy((char *)m.b + 1500, long_name(225)), "@12"));
    assert_int_equal(parse_srv(&m), XMPP_OK);
    assert_int_equal(dns.targets_n, 8 + 253);
    begin(&m, ID, SERVICE, 33);
    srv(&m, "@12", 1, 1, 5222, strcat(strcpy((char *)m.b + 1500, long_name(226)), "@12"));
    assert_int_equal(parse_srv(&m), XMPP_OK);
    assert_int_equal(dns.targets_n, 0);
}

static void records_that_make_no_sense(void **state)
{
    message m;
    size_t at;

    (void)state;
    begin(&m, ID, SERVICE, 33);
    srv(&m, "@12", 1, 1, 0, "port.example");                /* no port */
    srv(&m, "@12", 1, 1, 5222, "sp ace.example");           /* no host's name */
    srv(&m, "@12", 1, 1, 5222, "<script>.example");
    srv(&m, "@12", 1, 1, 5222, "t\xc3\xa4.example");
    record(&m, "@12", 33, 6);                               /* too short for a name */
    m.n += 6;
    record(&m, "@12", 33, 9);                               /* bytes behind the name */
    memset(m.b + m.n, 0, 9);
    m.n += 9;
    assert_int_equal(parse_srv(&m), XMPP_OK);
    assert_string_equal(targets(), "");
    assert_true(dns.records && !dns.refused);
    begin(&m, ID, SERVICE, 33);
    srv(&m, "@12", 0, 0, 0, "");                            /* "." */
    assert_int_equal(parse_srv(&m), XMPP_OK);
    assert_true(dns.records && dns.refused);
    begin(&m, ID, SERVICE, 33);                             /* not of the Internet */
    srv(&m, "@12", 1, 1, 5222, "a.example");
    at = 47 + 2 + 3;
    m.b[at] = 3;
    assert_int_equal(parse_srv(&m), XMPP_OK);
    assert_false(dns.records);
    begin(&m, ID, "host.example", 1);                       /* addresses of the wrong size */
    record(&m, "@12", 1, 3);
    m.n += 3;
    record(&m, "@12", 1, 5);
    m.n += 5;
    record(&m, "@12", 28, 16);
    m.n += 16;
    address(&m, "@12", 192, 0, 2, 1);
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], 1);
}

static void add_target(unsigned priority, const char *name)
{
    message m;

    memset(&m, 0, sizeof m);
    put16(&m, priority);
    put16(&m, 1);
    put16(&m, 5222);
    put_name(&m, name);
    memcpy(dns.packet + 2 + 12, m.b, m.n);
    dns.n = (uint16_t)(2 + 12 + m.n);
    xmppi_dns_add(&dns, 12);
    assert_true(dns.targets_n <= sizeof dns.targets);
}

static void more_records_than_there_is_room_for(void **state)
{
    message m;
    unsigned i;
    size_t fits = sizeof dns.targets / 16;                  /* 7 + 8 letters + NUL */
    char name[20], want[40];

    (void)state;
    assert_int_equal(sizeof dns.targets % 16, 0);
    for (i = 0; i < 2; i++) {                               /* exactly full; then one more of the best priority, one of the worst */
        unsigned k;
        memset(&dns, 0, sizeof dns);
        dns.phase = XMPPI_DNS_XMPP;
        for (k = 0; k < fits + 2 * i; k++) {
            snprintf(name, sizeof name, "host%04u", k);
            add_target(k == fits ? 5 : k == fits + 1 ? 500 : 100 - k, name);
        }
        assert_int_equal(dns.targets_n, sizeof dns.targets);
        snprintf(want, sizeof want, i == 0 ? "%u 1 5222 host%04u;" : "5 1 5222 host%04u;", i == 0 ? 101 - (unsigned)fits : (unsigned)fits,
                 (unsigned)fits - 1);
        assert_memory_equal(targets(), want, i == 0 ? strlen(want) : 12);
        assert_null(strstr(targets(), "500 1"));
        assert_true((strstr(targets(), "host0000") != NULL) == (i == 0));   /* the worst one made way */
    }
    begin(&m, ID, "host.example", 1);
    for (i = 0; i < XMPP_CFG_DNS_ADDRESSES + 3; i++)
        address(&m, "@12", 192, 0, 2, i);
    assert_int_equal(parse_a(&m), XMPP_OK);
    assert_int_equal(dns.addrs[1], XMPP_CFG_DNS_ADDRESSES);
}

/* None makes way for a record that finds no room all the same, behind those that it may not push out. */
static void a_record_too_long_for_its_place(void **state)
{
    size_t i, fits = sizeof dns.targets / 16;

    (void)state;
    dns.phase = XMPPI_DNS_XMPP;
    for (i = 1; i < fits; i++)
        add_target(1, "host0000");
    add_target(3, "last");
    add_target(2, "a-name-that-is-longer-than-the-last-one.example");
    assert_non_null(strstr(targets(), "3 1 5222 last;"));
    add_target(2, "host0001");
    assert_null(strstr(targets(), "3 1 5222 last;"));
}

/* RFC 2782: of each value of the dice the same number of picks; a weight of 0 still has a chance. */
static void weights(void **state)
{
    message m;
    uint32_t i, got[4] = { 0, 0, 0, 0 }, sum = 10 + 30 + 60;
    unsigned char keep[sizeof dns.targets];
    unsigned left;

    (void)state;
    begin(&m, ID, SERVICE, 33);
    srv(&m, "@12", 7, 10, 5221, "h1");
    srv(&m, "@12", 7, 30, 5222, "h2");
    srv(&m, "@12", 9, 65535, 5224, "last");
    srv(&m, "@12", 7, 0, 5220, "h0");
    srv(&m, "@12", 7, 60, 5223, "h3");
    assert_int_equal(parse_srv(&m), XMPP_OK);
    memcpy(keep, dns.targets, sizeof keep);
    counting = false;
    for (i = 0; i < 10 * (sum + 1); i++) {
        memcpy(dns.targets, keep, sizeof keep);
        dice = i;
        assert_int_equal(xmppi_dns_pick(&client, &dns), XMPP_OK);
        assert_in_range(dns.port, 5220, 5223);
        got[dns.port - 5220]++;
    }
    assert_int_equal(got[0], 10 * 1);
    assert_int_equal(got[1], 10 * 10);
    assert_int_equal(got[2], 10 * 30);
    assert_int_equal(got[3], 10 * 60);
    memcpy(dns.targets, keep, sizeof keep);
    dice = 50;                                              /* of 101: h3 takes 41 to 100 */
    assert_int_equal(xmppi_dns_pick(&client, &dns), XMPP_OK);
    assert_int_equal(dns.port, 5223);
    dice = 10;                                              /* of 41 that are left: h1 takes 1 to 10 */
    assert_int_equal(xmppi_dns_pick(&client, &dns), XMPP_OK);
    assert_int_equal(dns.port, 5221);
    dice = 31;                                              /* of 31: 0 */
    assert_int_equal(xmppi_dns_pick(&client, &dns), XMPP_OK);
    assert_int_equal(dns.port, 5220);
    for (left = 0; xmppi_dns_pick(&client, &dns) == XMPP_OK; left++)
        assert_int_equal(dns.port, left == 0 ? 5222 : 5224);    /* the other priority comes last */
    assert_int_equal(left, 2);
    memcpy(dns.targets, keep, sizeof keep);
    dice = 10;
    assert_int_equal(xmppi_dns_pick(&client, &dns), XMPP_OK);
    assert_int_equal(dns.port, 5221);
    dice = 11;                                              /* of 91: h2 takes 1 to 30, whatever was used before it */
    assert_int_equal(xmppi_dns_pick(&client, &dns), XMPP_OK);
    assert_int_equal(dns.port, 5222);
    no_random = true;
    assert_int_equal(xmppi_dns_pick(&client, &dns), XMPP_E_ENTROPY);
}

/* Those of weight 0 come first among their like, in the order of the answer. */
static void weights_of_0(void **state)
{
    message m;

    (void)state;
    begin(&m, ID, SERVICE, 33);
    srv(&m, "@12", 7, 0, 1, "a");
    srv(&m, "@12", 7, 5, 2, "b");
    srv(&m, "@12", 7, 0, 3, "c");
    srv(&m, "@12", 7, 0, 4, "d");
    assert_int_equal(parse_srv(&m), XMPP_OK);
    assert_string_equal(targets(), "7 0 1 a;7 0 3 c;7 0 4 d;7 5 2 b;");
}

/* What the reader of names makes of one whose end is missing, which no record that was looked at has. */
static void names_without_an_end(void **state)
{
    size_t at;

    (void)state;
    memset(&dns, 0, sizeof dns);
    dns.n = 2 + 14;
    memcpy(dns.packet + 2 + 12, "\1a", 2);
    assert_int_equal(xmppi_dns_text(&dns, 12, NULL), 0);
    assert_false(xmppi_dns_equal(&dns, 12, 12));
    for (at = 12; at < 300; at += 2)                        /* 150 labels: longer than a name may be */
        memcpy(dns.packet + 2 + at, "\1a", 2);
    dns.n = 2 + 320;
    assert_false(xmppi_dns_equal(&dns, 12, 12));
}

/* A message by TCP that says it was cut is all there is. */
static void cut_by_tcp(void **state)
{
    message m;

    (void)state;
    begin(&m, ID, "host.example", 1);
    address(&m, "@12", 192, 0, 2, 1);
    m.b[2] |= 2;
    assert_int_equal(parse_a(&m), XMPP_E_TOO_LONG);
    dns.tcp = true;
    assert_int_equal(xmppi_dns_answer(&dns), XMPP_OK);
    assert_int_equal(dns.addrs[1], 1);
}

/* An address that worked before and is none is not tried. */
static void no_last_address(void **state)
{
    xmpp_target to;

    (void)state;
    memset(&to, 0, sizeof to);
    to.host = "host.example";
    dns.use_last = true;
    assert_false(xmppi_dns_begin(&client, &dns, &to));
    strcpy(dns.last, "192.0.2.1");
    dns.use_last = true;
    assert_true(xmppi_dns_begin(&client, &dns, &to));
    assert_string_equal(to.host, "192.0.2.1");
}

static void addresses_as_text(void **state)
{
    static const unsigned char six[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0x10, 0xff, 0xff, 0, 0, 0xab, 0xcd };
    static const unsigned char four[4] = { 0, 10, 109, 255 }, full[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    char text[46];

    (void)state;
    xmppi_dns_format(text, six, false);
    assert_string_equal(text, "2001:db8:0:0:10:ffff:0:abcd");
    xmppi_dns_format(text, full, false);
    assert_string_equal(text, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    xmppi_dns_format(text, four, true);
    assert_string_equal(text, "0.10.109.255");
    assert_true(xmppi_dns_known("192.0.2.1") && xmppi_dns_known("::1") && xmppi_dns_known("[2001:db8::1]"));
    assert_true(xmppi_dns_known("localhost") && !xmppi_dns_known("localhost.example"));
    assert_true(!xmppi_dns_known("1.2.3.4.example") && !xmppi_dns_known("beef") && !xmppi_dns_known("example.org"));
}

static void name_servers_as_text(void **state)
{
    static const struct { const char *text, *host; unsigned port; } all[] = {
        { "192.0.2.1", "192.0.2.1", 53 }, { "192.0.2.1 5353", "192.0.2.1", 5353 }, { "2001:db8::1 1", "2001:db8::1", 1 },
        { "::1 65535", "::1", 65535 }, { "::1 65536", "", 0 }, { "::1 0", "", 0 }, { "::1 ", "", 0 }, { "::1 5x", "", 0 },
        { "1234567890123456789012345678901234567890123456789012345678901234", "", 0 } };
    const char *list[2] = { NULL, NULL };
    char text[64];
    size_t i;

    (void)state;
    dns.servers = list;
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 0);
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        dns.server = 0;
        list[0] = all[i].text;
        assert_int_equal(xmppi_dns_server(&client, text, sizeof text), all[i].port);
        if (all[i].port != 0)
            assert_string_equal(text, all[i].host);
    }
    dns.servers = NULL;
    dns.server = 0;
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 0);
    system_servers[0] = "fe80::1%eth0";
    system_servers[1] = "192.0.2.2 54";
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 53);
    assert_string_equal(text, "fe80::1%eth0");
    dns.server = 1;
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 54);
    dns.server = 2;
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 0);
    dns.servers = list;                                     /* shorter than that */
    list[0] = "192.0.2.1";
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 0);
}

/* One that makes no sense does not hide those behind it. */
static void name_servers_that_are_passed_over(void **state)
{
    static const char *list[] = { "192.0.2.1 99999", "1234567890123456789012345678901234567890123456789012345678901234",
                                  "192.0.2.2", "192.0.2.3 0", "192.0.2.4 54", NULL };
    char text[64];

    (void)state;
    dns.servers = list;
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 53);
    assert_string_equal(text, "192.0.2.2");
    dns.server++;
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 54);
    assert_string_equal(text, "192.0.2.4");
    dns.server++;
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 0);
    dns.server = 0;
    dns.servers = NULL;                                     /* nor one of the system */
    system_servers[0] = "192.0.2.5 x";
    system_servers[1] = "192.0.2.6";
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 53);
    assert_string_equal(text, "192.0.2.6");
}

static void name_servers_without_sense_have_an_end(void **state)
{
    static const char *list[300];
    char text[64];
    unsigned i;

    (void)state;
    for (i = 0; i < 299; i++)
        list[i] = "192.0.2.1 0";
    dns.servers = list;
    assert_int_equal(xmppi_dns_server(&client, text, sizeof text), 0);
}

/* ---- through the client ---- */

/* Answers the question at hand. */
static void answer(const message *m)
{
    size_t at = to_open.udp ? 0 : 2;

    if (at > 0) {
        reply[0] = (unsigned char)(m->n >> 8);
        reply[1] = (unsigned char)m->n;
    }
    memcpy(reply + at, m->b, m->n);
    memcpy(reply + at, question + at, 2);                   /* its id */
    reply_n = at + m->n;
}

static const xmpp_event *work(uint32_t now)
{
    const xmpp_event *ev = NULL;
    int i;

    for (i = 0; i < 20 && ev == NULL; i++) {
        xmpp_step(&client, now);
        ev = xmpp_next(&client);
    }
    return ev;
}

static void every_attempt_has_its_own_socket_and_id(void **state)
{
    static const char *two[] = { "192.0.2.1", "192.0.2.2", NULL };
    uint32_t now = 1000, waited[4];
    unsigned i, k;

    (void)state;
    dns.servers = two;
    for (i = 0; i < 4; i++) {
        assert_null(work(now));
        assert_int_equal(opens, i + 1);
        assert_int_equal(sends, i + 1);
        assert_string_equal(opened, i % 2 ? "192.0.2.2 53 udp" : "192.0.2.1 53 udp");
        assert_true(to_open.udp && to_open.dns && !to_open.tls);
        assert_string_equal(to_open.tls_name, "example.org");
        for (k = 0; k < i; k++)
            assert_true(ids[i] != ids[k]);
        assert_int_equal(xmpp_wants(&client), XMPP_WANT_READ);      /* no busy waiting */
        waited[i] = xmpp_deadline(&client);
        now += waited[i] - 1;
        assert_null(work(now));
        assert_int_equal(opens, i + 1);
        now++;
    }
    assert_true(waited[0] == 1000 && waited[1] == 1000 && waited[2] == 2000 && waited[3] == 2000);
}

/* Asks for the IPv4 address of a host alone; m is the answer. */
static void host_by_ipv4(message *m)
{
    account.host = "host.example";
    dns.family = 4;
    begin(m, 0, "host.example", 1);
    address(m, "@12", 192, 0, 2, 66);
}

/* A wrong answer is thrown away, and the right one that follows is taken. */
static void the_wrong_answer_first(void **state)
{
    message m;
    int i;

    (void)state;
    host_by_ipv4(&m);
    for (i = 0; i < 30; i++) {
        assert_null(work(1000));
        answer(&m);
        reply[i % 2] ^= (unsigned char)(1 << i % 8);
        assert_int_equal(xmpp_deadline(&client), i == 0 ? 1000 : 1000);
    }
    assert_null(work(1000));
    assert_int_equal(opens, 1);
    answer(&m);
    xmpp_step(&client, 1000);
    assert_string_equal(opened, "192.0.2.66 5222");
    assert_string_equal(to_open.tls_name, "example.org");
}

static void trouble_with_the_transport_goes_to_the_next_server(void **state)
{
    static const char *two[] = { "192.0.2.1", "192.0.2.2", NULL };
    const xmpp_event *ev;

    (void)state;
    dns.servers = two;
    account.host = "host.example";
    dns.family = 6;
    recv_end = XMPP_IO_ERROR;                               /* nobody listens: four attempts at once, and no more */
    ev = work(1000);
    assert_int_equal(opens, 4);
    assert_int_equal(ev->error, XMPP_E_RESOLVE);
    assert_string_equal(ev->text, "host.example: no answer from a name server");

    opens = 0;
    recv_end = 0;
    open_result = XMPP_E_CONNECT;
    xmpp_reset(&client);
    assert_int_equal(work(1000)->error, XMPP_E_RESOLVE);
    assert_int_equal(opens, 4);

    opens = 0;
    open_result = 0;
    send_result = XMPP_IO_ERROR;
    xmpp_reset(&client);
    assert_int_equal(work(1000)->error, XMPP_E_RESOLVE);
    assert_int_equal(opens, 4);

    opens = sends = 0;
    send_result = 1;                                        /* takes nothing yet */
    xmpp_reset(&client);
    assert_null(work(1000));
    assert_int_equal(opens, 1);
    assert_int_equal(xmpp_deadline(&client), 100);
    send_result = 0;
    assert_null(work(1100));
    assert_int_equal(sends, 1);
    assert_int_equal(xmpp_deadline(&client), 900);
}

static void by_tcp(void **state)
{
    message m, cut;
    size_t n;

    (void)state;
    host_by_ipv4(&m);
    cut = m;
    cut.b[2] |= 2;
    for (n = 1; n < 9; n++) {                               /* the answer in pieces, the question too */
        opens = 0;
        take = 0;
        chunk = n;
        xmpp_reset(&client);
        assert_null(work(1000));
        chunk = 0;
        answer(&cut);
        take = n;
        chunk = n;
        work(1000);
        work(1000);
        assert_string_equal(opened, "192.0.2.53 53 tcp");
        assert_int_equal(question_n, 2 + 12 + 14 + 4);
        assert_int_equal(question[0] << 8 | question[1], question_n - 2);
        answer(&m);
        work(1000);
        work(1000);
        work(1000);
        assert_string_equal(opened, "192.0.2.66 5222");
        assert_int_equal(opens, 3);
    }
    take = chunk = 0;
    for (n = 0; n < 13; n++) {                              /* too short for an answer: the next attempt by UDP */
        xmpp_reset(&client);
        assert_null(work(1000));
        answer(&cut);
        assert_null(work(1000));
        assert_string_equal(opened, "192.0.2.53 53 tcp");
        memset(reply, 0, 100);
        reply[1] = (unsigned char)n;
        reply_n = 2 + n;
        assert_null(work(1000));
        assert_string_equal(opened, "192.0.2.53 53 udp");
    }
    xmpp_reset(&client);                                    /* it ends in the middle */
    assert_null(work(1000));
    answer(&cut);
    assert_null(work(1000));
    answer(&m);
    reply_n--;
    recv_end = XMPP_IO_EOF;
    assert_null(work(1000));
    assert_string_equal(opened, "192.0.2.53 53 udp");
}

/* An answer larger than the packet: what fits is used. */
static void by_tcp_too_much(void **state)
{
    static message m;
    static unsigned char big[3000];
    size_t n = 0;
    unsigned i;

    (void)state;
    begin(&m, 0, "_xmpp-client._tcp.example.org", 33);
    m.b[2] |= 2;
    assert_null(work(1000));
    answer(&m);
    assert_null(work(1000));
    assert_string_equal(opened, "192.0.2.53 53 tcp");
    begin(&m, 0, "_xmpp-client._tcp.example.org", 33);
    memcpy(big, m.b, m.n);
    n = m.n;
    for (i = 0; i < 60; i++) {
        m.n = 0;
        srv(&m, "@12", 100 - i, 1, 5222, "hosts@30");
        memcpy(big + n, m.b, m.n);
        n += m.n;
    }
    big[7] = 60;
    memcpy(big, question + 2, 2);
    reply[0] = (unsigned char)(n >> 8);
    reply[1] = (unsigned char)n;
    memcpy(reply + 2, big, n);
    reply_n = n + 2;
    assert_null(work(1000));
    assert_string_equal(opened, "192.0.2.53 53 udp");       /* for the address of the best that came */
    assert_string_equal(dns.name, "hosts.example.org");
    assert_true(dns.targets_n > 0 && dns.targets_n <= sizeof dns.targets);
    assert_int_equal(xmppi_get16(dns.targets), 100 - ((XMPP_CFG_DNS_PACKET - 47) / (18 + 8) - 1));
}

/* ---- an application's own ---- */

static int own_calls, own_begins, own_result;
static int own(xmpp_client *c, xmpp_target *to)
{
    static const char *const hosts[] = { "192.0.2.1", "192.0.2.2" };

    (void)c;
    own_begins += to->begin;
    if (to->begin)
        own_calls = 0;
    assert_string_equal(to->host, "example.org");
    assert_string_equal(to->tls_name, "example.org");
    assert_int_equal(to->port, 0);
    if (own_result != XMPP_OK) {
        to->ms = 250;
        return own_result;
    }
    to->host = hosts[own_calls];
    to->ms = own_calls == 0 ? 700 : 0;
    to->elsewhere = own_calls == 0 ? xmpp_elsewhere : NULL;
    own_calls++;
    return XMPP_OK;
}

static void an_own_function(void **state)
{
    const xmpp_event *ev;

    (void)state;
    config.resolve = own;
    account.dns = NULL;
    own_calls = own_begins = 0;
    own_result = XMPP_E_AGAIN;
    assert_null(work(1000));
    assert_int_equal(xmpp_deadline(&client), 250);
    assert_int_equal(opens, 0);
    own_result = XMPP_OK;
    send_result = 1;
    assert_null(work(1100));
    assert_string_equal(opened, "192.0.2.1 5222");
    assert_int_equal(xmpp_deadline(&client), 700);
    assert_null(work(1799));
    assert_int_equal(opens, 1);
    assert_null(work(1800));
    assert_string_equal(opened, "192.0.2.2 5222");
    assert_int_equal(own_begins, 1);
    assert_null(work(31799));
    ev = work(31800);
    assert_int_equal(ev->type, XMPP_EV_OFFLINE);
    assert_int_equal(ev->error, XMPP_E_STEP_TIMEOUT);
    assert_int_equal(own_calls, 2);
    own_result = XMPP_E_NO_SERVICE;
    xmpp_reset(&client);
    assert_int_equal(work(40000)->error, XMPP_E_NO_SERVICE);
    assert_int_equal(own_begins, 2);
}

static void without_memory_nothing_is_resolved(void **state)
{
    (void)state;
    account.dns = NULL;
    assert_null(work(1000));
    assert_string_equal(opened, "example.org 5222");
    assert_int_equal(opens, 1);
}

static void bytes_that_the_application_feeds_meanwhile_do_no_harm(void **state)
{
    (void)state;
    assert_null(work(1000));
    assert_int_equal(xmpp_feed(&client, "<x/>", 4), 4);
    assert_null(xmpp_next(&client));
    assert_int_equal(xmpp_close(&client), XMPP_OK);
    assert_int_equal(work(1000)->type, XMPP_EV_OFFLINE);
    assert_null(work(1000));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(answers_are_read),
        TEST(what_is_no_answer_to_the_question_is_left_alone),
        TEST(response_codes),
        TEST(an_answer_that_ends_anywhere),
        TEST(anything_may_come),
        TEST(pointers_do_not_go_round),
        TEST(aliases),
        TEST(names_have_255_bytes_at_most),
        TEST(records_that_make_no_sense),
        TEST(more_records_than_there_is_room_for),
        TEST(a_record_too_long_for_its_place),
        TEST(weights),
        TEST(weights_of_0),
        TEST(names_without_an_end),
        TEST(cut_by_tcp),
        TEST(no_last_address),
        TEST(addresses_as_text),
        TEST(name_servers_as_text),
        TEST(name_servers_that_are_passed_over),
        TEST(name_servers_without_sense_have_an_end),
        TEST(every_attempt_has_its_own_socket_and_id),
        TEST(the_wrong_answer_first),
        TEST(trouble_with_the_transport_goes_to_the_next_server),
        TEST(by_tcp),
        TEST(by_tcp_too_much),
        TEST(an_own_function),
        TEST(without_memory_nothing_is_resolved),
        TEST(bytes_that_the_application_feeds_meanwhile_do_no_harm)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
