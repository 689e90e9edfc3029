/* dns.c - xmpp_resolve and name servers that answer what the fuzzer wants.  SPDX: MIT
   Nothing is asked for and connected to but what stood in an answer for the name at hand, as libc reads names.
   Input: choices, then answers: raw, or records made here with names that point anywhere. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "fuzz.h"
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <strings.h>

enum { MOST = 200 };            /* of what is noted: more are not looked at */

static struct {
    char          host[MOST][NS_MAXDNAME];      /* what may be asked for: targets of SRV records */
    unsigned char address[MOST][16];            /* what may be connected to, and whether it is IPv4 */
    bool          four[MOST];
    unsigned      hosts, addresses;
} told;

static struct {
    input         in;
    bool          open, udp, dns, refuse, last;     /* last: an address from before is known */
    unsigned char reply[1600], question[300], sent[300];        /* sent: over TCP, with the length */
    unsigned char stream[4096];                     /* what came over TCP */
    size_t        reply_n, reply_at, question_n, sent_n, stream_n, at;  /* at: where an answer's next byte goes */
    uint32_t      dice;
} D;

/* ---- what the answers say ---- */

enum { NAMES = 30 };
static char aliases[NAMES][NS_MAXDNAME];        /* the name asked for, and what that is said to be */
static unsigned aliases_n;

static unsigned number(const unsigned char *p) { return (unsigned)p[0] << 8 | p[1]; }

static void note(unsigned type, const unsigned char *m, const unsigned char *end, const unsigned char *data, size_t n)
{
    if (type == ns_t_srv && n > 6 && told.hosts < MOST) {
        if (dn_expand(m, end, data + 6, told.host[told.hosts], NS_MAXDNAME) >= 0)
            told.hosts++;
    } else if (((type == ns_t_a && n == 4) || (type == ns_t_aaaa && n == 16)) && told.addresses < MOST) {
        memcpy(told.address[told.addresses], data, n);
        told.four[told.addresses++] = n == 4;
    }
}

/* The records for a name in the answer section m..end. Adds what it is an alias of to the names. */
static void note_records(const unsigned char *m, const unsigned char *end, unsigned type, const char *name)
{
    const unsigned char *p = m + 12;
    char owner[NS_MAXDNAME];
    unsigned count = number(m + 6), what, length;
    int n = dn_skipname(p, end);

    if (n < 0 || end - p < n + 4)
        return;
    for (p += n + 4; count > 0; count--, p += length) {
        const unsigned char *begin = p;

        n = dn_skipname(p, end);
        if (n < 0 || end - p < n + 10)
            break;
        p += n + 10;
        what = number(p - 10);
        length = number(p - 2);
        if ((size_t)(end - p) < length)
            break;
        if (number(p - 8) != 1 || dn_expand(m, end, begin, owner, sizeof owner) < 0 || strcasecmp(owner, name) != 0)
            continue;
        if (what == type)
            note(type, m, end, p, length);
        else if (what == ns_t_cname && aliases_n < NAMES && dn_expand(m, end, p, aliases[aliases_n], NS_MAXDNAME) >= 0)
            aliases_n++;
    }
}

static void note_answer(const unsigned char *m, size_t n, const unsigned char *question, size_t question_n)
{
    unsigned i;

    if (n < 12 || question_n < 17)
        return;
    MUST(dn_expand(question, question + question_n, question + 12, aliases[0], NS_MAXDNAME) == (int)question_n - 16);
    for (aliases_n = 1, i = 0; i < aliases_n; i++)
        note_records(m, m + n, number(question + question_n - 4), aliases[i]);
}

static bool may_ask(const unsigned char *question, size_t n)
{
    static const char *const own[] = { "_xmpp-client._tcp.example.org", "_xmpps-client._tcp.example.org", "example.org",
                                       "xmpp.example.org" };
    char name[NS_MAXDNAME];
    unsigned i;

    if (dn_expand(question, question + n, question + 12, name, sizeof name) < 0)
        return false;
    for (i = 0; i < 4; i++)
        if (strcmp(name, own[i]) == 0)
            return true;
    for (i = 0; i < told.hosts; i++)
        if (strcasecmp(name, told.host[i]) == 0)
            return true;
    return told.hosts == MOST;
}

static bool may_connect(const char *host)
{
    unsigned char address[16];
    bool four = strchr(host, ':') == NULL;
    unsigned i;

    if (inet_pton(four ? AF_INET : AF_INET6, host, address) != 1)
        return false;
    for (i = 0; i < told.addresses; i++)
        if (told.four[i] == four && memcmp(told.address[i], address, four ? 4 : 16) == 0)
            return true;
    return told.addresses == MOST;
}

/* ---- name servers ---- */

/* A question is well-formed: one name of labels, a type that is asked for, class IN, recursion wanted. */
static void check_question(const unsigned char *p, size_t n)
{
    size_t i = 12;
    unsigned type;

    MUST(n > 17 && p[2] == 1 && p[5] == 1 && p[4] == 0 && (p[3] | p[6] | p[7] | p[8] | p[9] | p[10]) == 0);
    while (i < n && p[i] != 0) {
        MUST(p[i] <= 63);
        i += p[i] + 1u;
    }
    MUST(i - 12 < 255 && i + 5 <= n);
    type = p[i + 1] << 8 | p[i + 2];
    MUST((type == 33 || type == 28 || type == 1) && p[i + 3] == 0 && p[i + 4] == 1);
    MUST(may_ask(p, n));
}

static void add(unsigned v)
{
    if (D.at < sizeof D.reply)
        D.reply[D.at++] = (unsigned char)v;
}

/* A name: labels of the input's, that of the question, or a pointer anywhere. */
static void add_name(void)
{
    static const char *const names[] = { "xmpp", "example", "org", "a", "_tcp", "host-1" };
    unsigned what = take_byte(&D.in), n;
    const char *s;

    for (n = what % 5; n > 0 && what < 200; n--) {
        s = names[take_below(&D.in, 6)];
        add((unsigned)strlen(s));
        for (; *s != '\0'; s++)
            add((unsigned char)*s);
    }
    if (what < 60) {
        add(0);
    } else if (what < 140) {
        add(0xC0);
        add(12);
    } else if (what < 230) {
        add(0xC0 | (take_byte(&D.in) & 3));
        add(take_byte(&D.in));
    } else {
        for (n = take_below(&D.in, 70); n > 0; n--)
            add(take_byte(&D.in));
    }
}

static void add_record(void)
{
    static const unsigned types[] = { 33, 33, 1, 28, 5, 16, 41, 2 };
    unsigned type = types[take_below(&D.in, 8)], n;
    size_t length;

    add_name();
    add(0);
    add(type);
    add(0);
    add(take_byte(&D.in) == 255 ? 3 : 1);
    for (n = 0; n < 4; n++)
        add(0);
    length = D.at;
    add(0);
    add(0);
    if (type == 33) {
        for (n = 0; n < 6; n++)
            add(take_byte(&D.in) & (n & 1 ? 255 : 3));
        add_name();
    } else if (type == 5) {
        add_name();
    } else {
        for (n = type == 28 ? 16 : 4; n > 0; n--)
            add(take_byte(&D.in));
    }
    n = (unsigned)(D.at - length - 2);
    if (take_byte(&D.in) > 240)
        n += take_byte(&D.in) - 128u;
    if (D.at < sizeof D.reply) {
        D.reply[length] = (unsigned char)(n >> 8);
        D.reply[length + 1] = (unsigned char)n;
    }
}

/* What a name server says to the question at hand. */
static void make_reply(void)
{
    unsigned how = take_byte(&D.in), records = take_below(&D.in, 6), i, noise;
    size_t begin = D.udp ? 0 : 2;

    D.reply_n = D.reply_at = 0;
    D.at = begin;
    if (D.question_n == 0 || how == 0)
        return;
    if (how < 40) {                     /* raw, but for the id */
        for (i = how * 8; i > 0 && D.in.n > 0; i--)
            add(take_byte(&D.in));
        if (D.at > begin + 2 && how & 1) {
            D.reply[begin] = D.question[0];
            D.reply[begin + 1] = D.question[1];
        }
    } else {
        for (i = 0; i < D.question_n; i++)
            add(D.question[i]);
        D.reply[begin + 2] = (unsigned char)(how & 1 ? 0x81 : 0x81 | (how >> 1 & 2));
        D.reply[begin + 3] = (unsigned char)(0x80 | (how > 230 ? how & 15 : 0));
        D.reply[begin + 7] = (unsigned char)(how & 2 ? records : 255);
        for (i = 0; i < records; i++)
            add_record();
        noise = how & 4 ? take_below(&D.in, 4) : 0;
        for (; noise > 0; noise--) {
            i = take_byte(&D.in) % (unsigned)(D.at - begin);
            D.reply[begin + i] ^= (unsigned char)take_byte(&D.in);
        }
        if (how & 16)                   /* cut */
            D.at -= take_byte(&D.in) % 16;
    }
    if (!D.udp) {
        size_t n = D.at - 2 + (how & 8 ? take_byte(&D.in) : 0);

        D.reply[0] = (unsigned char)(n >> 8);
        D.reply[1] = (unsigned char)n;
    }
    D.reply_n = D.at;
    if (D.udp)
        note_answer(D.reply, D.at, D.question, D.question_n);
}

/* Over TCP the length before it says where an answer ends: that may be in the middle of the next one. */
static void note_stream(const void *data, size_t n)
{
    size_t most = sizeof ((xmpp_dns *)0)->packet - 2, length;

    memcpy(D.stream + D.stream_n, data, n);
    D.stream_n += n;
    length = D.stream_n < 2 ? most : number(D.stream);
    if (length > most)
        length = most;
    if (D.stream_n >= 2 && D.stream_n - 2 >= length)
        note_answer(D.stream + 2, length, D.question, D.question_n);
}

static int io_open(void *ctx, const xmpp_target *to)
{
    (void)ctx;
    MUST(!D.open && to->host != NULL && to->host[0] != '\0' && strlen(to->host) < 256 && to->port != 0);
    MUST(!to->udp || to->dns);
    MUST(to->dns || strcmp(to->tls_name, "example.org") == 0);
    MUST(xmpp_utf8_valid(to->host, strlen(to->host)));
    MUST(to->dns || may_connect(to->host) || (D.last && strcmp(to->host, "192.0.2.9") == 0));
    D.open = true;
    D.udp = to->udp;
    D.dns = to->dns;
    D.reply_n = D.reply_at = D.question_n = D.sent_n = D.stream_n = 0;
    if (take_byte(&D.in) > 235) {
        D.open = false;
        return XMPP_E_CONNECT;
    }
    D.refuse = !to->dns && take_byte(&D.in) < 200;
    return XMPP_OK;
}

static int io_recv(void *ctx, void *buf, size_t n)
{
    size_t left;

    (void)ctx;
    MUST(D.open && n > 0);
    if (!D.dns)
        return D.refuse ? XMPP_IO_ERROR : 0;
    left = D.reply_n - D.reply_at;
    if (left == 0) {
        make_reply();
        left = D.reply_n;
    }
    if (left == 0)
        return D.in.n == 0 ? XMPP_IO_ERROR : 0;
    if (!D.udp && left > 1)
        left = 1 + take_byte(&D.in) % left;
    if (n > left)
        n = left;
    memcpy(buf, D.reply + D.reply_at, n);
    if (!D.udp && D.stream_n + n <= sizeof D.stream)
        note_stream(buf, n);
    D.reply_at += D.udp ? D.reply_n - D.reply_at : n;
    return (int)n;
}

static int io_send(void *ctx, const void *buf, size_t n)
{
    const unsigned char *p = (const unsigned char *)buf;

    (void)ctx;
    MUST(D.open && n > 0);
    if (!D.dns)
        return D.refuse ? XMPP_IO_ERROR : (int)n;
    if (D.udp) {
        check_question(p, n);
        MUST(n <= sizeof D.question);
        memcpy(D.question, p, n);
        D.question_n = n;
    } else {                            /* all of it, or a piece */
        unsigned piece = take_byte(&D.in);

        n = piece < 128 ? n : piece % n + 1;
        MUST(D.sent_n + n <= sizeof D.sent);
        memcpy(D.sent + D.sent_n, p, n);
        D.sent_n += n;
        if (D.sent_n > 2 && D.sent_n == number(D.sent) + 2u) {
            check_question(D.sent + 2, D.sent_n - 2);
            memcpy(D.question, D.sent + 2, D.question_n = D.sent_n - 2);
        }
    }
    return (int)n;
}

static int io_close(void *ctx, bool now) { (void)ctx; (void)now; D.open = false; return 1; }

static int io_random(void *ctx, void *out, size_t n)
{
    unsigned char *p = (unsigned char *)out;

    (void)ctx;
    for (; n > 0; n--) {
        D.dice = D.dice * 1664525u + 1013904223u;
        *p++ = (unsigned char)(D.dice >> 24);
    }
    return XMPP_OK;
}

static int io_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    static const char *const servers[] = { "192.0.2.1", "2001:db8::1 5353", "bad", "192.0.2.2" };

    (void)ctx;
    if (i >= 4 || strlen(servers[i]) >= cap)
        return XMPP_E_ARG;
    strcpy(out, servers[i]);
    return XMPP_OK;
}

static int io_tls(void *ctx, const char *name) { (void)ctx; (void)name; return XMPP_OK; }

static const xmpp_io_ops ops = { io_open, io_recv, io_send, io_close, io_tls, NULL, NULL, NULL, NULL, io_random, NULL, NULL,
                                 NULL, io_resolver, NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const uint8_t families[] = { 0, 4, 6, 0 };
    static const char *const own[] = { "192.0.2.53", NULL };
    xmpp_client *c = (xmpp_client *)exact(NULL, sizeof *c);
    xmpp_dns *dns = (xmpp_dns *)calloc(1, sizeof *dns);
    xmpp_config cfg = xmpp_default_config;
    xmpp_account account;
    xmpp_io io = { &ops, NULL };
    const xmpp_event *ev;
    unsigned rounds, how;
    uint32_t now = 0xffff8000u;

    memset(&D, 0, sizeof D);
    D.in.p = data;
    D.in.n = n;
    how = take_byte(&D.in);
    memset(&account, 0, sizeof account);
    account.jid = "user@example.org";
    account.password = "x";
    account.host = how & 64 ? "xmpp.example.org" : NULL;
    account.dns = dns;
    account.rx = exact(NULL, account.rx_size = 64);
    account.arena = exact(NULL, account.arena_size = 768);
    account.queue = exact(NULL, account.queue_size = 768);
    cfg.tls = (uint8_t)(how & 3);
    dns->family = families[how >> 2 & 3];
    dns->servers = how & 16 ? own : NULL;
    told.hosts = told.addresses = 0;
    D.last = how & 32;
    if (how & 32) {
        dns->use_last = true;
        strcpy(dns->last, "192.0.2.9");
        dns->last_port = 5222;
    }
    MUST(xmpp_init(c, &cfg, &account, io) == XMPP_OK);
    for (rounds = 0; rounds < 1500; rounds++) {
        uint32_t wait;

        xmpp_step(c, now);
        while ((ev = xmpp_next(c)) != NULL)
            MUST(ev->type == XMPP_EV_OFFLINE && ev->error < 0 && strlen(ev->text) < 400);
        wait = xmpp_deadline(c);
        MUST(dns->targets_n <= sizeof dns->targets && dns->addrs[0] <= XMPP_CFG_DNS_ADDRESSES &&
             dns->addrs[1] <= XMPP_CFG_DNS_ADDRESSES && memchr(dns->last, 0, sizeof dns->last) != NULL);
        if (D.in.n == 0 && rounds > 40)
            break;
        now += take_byte(&D.in) < 128 || wait == XMPP_FOREVER ? 100 : wait;
    }
    while (c->state != XMPPI_OFF && rounds++ < 5000) {     /* nobody answers any more: it ends by itself */
        D.refuse = true;
        xmpp_step(c, now += 500);
        while (xmpp_next(c) != NULL) {}
        if (c->state == XMPPI_STREAM && !D.dns)
            break;
    }
    MUST(rounds < 5000);
    free(account.rx);
    free(account.arena);
    free(account.queue);
    free(dns);
    free(c);
    return 0;
}
