/* test_lwip_io.c: xmpp_io_lwip.h on the host, over lwIP itself: its loopback interface with a server of lwIP's raw API, and
   an interface behind which a peer made of single segments does what no TCP would do. The clock is the test's own.
   tests/firmware/lwip/Makefile builds and runs it, with AddressSanitizer and UBSan, twice: each block of lwIP from malloc,
   and lwIP's own small pools (POOLS). */
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#define XMPP_LWIP_PBUFS 3               /* so few that lwIP has to keep some */
#define XMPP_IO_LWIP_IMPLEMENTATION
#include "xmpp_io_lwip.h"
#include "lwip/init.h"
#include "lwip/inet_chksum.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "lwip/timeouts.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- the test's own matters ---- */

static unsigned passed, failed;
static bool ok;
static uint32_t now = 0xffffff00u;      /* wraps soon */
static uint32_t seed = 1;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            ok = false; \
            printf("  %s:%d: %s\n", __FILE__, __LINE__, #condition); \
        } \
    } while (0)

uint32_t test_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

void test_assertion(const char *words)
{
    printf("FAIL lwIP: assertion \"%s\" failed\n", words);
    fflush(stdout);
    abort();
}

u32_t sys_now(void)
{
    return now;
}

#if !POOLS
static long blocks, fail_at, fail_n;    /* blocks in use; how many allocations until one fails (0: none), and then how many fail */

void *test_malloc(size_t n)
{
    void *p;

    if (fail_at > 0 && --fail_at == 0) {
        if (fail_n-- > 1)
            fail_at = 1;
        return NULL;
    }
    p = malloc(n);
    blocks += p != NULL;
    return p;
}

void *test_calloc(size_t n, size_t size)
{
    void *p = test_malloc(n * size);

    return p != NULL ? memset(p, 0, n * size) : NULL;
}

void test_free(void *p)
{
    blocks -= p != NULL;
    free(p);
}
#endif

/* ---- what is tested ---- */

static xmpp_lwip net;
static xmpp_io io;
static unsigned notified, idled;

static int random_bytes(void *ctx, void *out, size_t n)
{
    size_t i;

    (void)ctx;
    for (i = 0; i < n; i++)
        ((unsigned char *)out)[i] = (unsigned char)test_random();
    return XMPP_OK;
}
static uint32_t utc(void *ctx) { return *(const uint32_t *)ctx; }
static void notify(void *ctx) { (void)ctx; notified++; }

void sys_timeouts_init(void) { }
void tcp_timer_needed(void) { }

static void turn(void)
{
    static uint32_t tcp_at = 0xffffff00u, dns_at = 0xffffff00u;

    netif_poll_all();
    for (; now - tcp_at >= TCP_TMR_INTERVAL; tcp_at += TCP_TMR_INTERVAL)
        tcp_tmr();
    for (; now - dns_at >= DNS_TMR_INTERVAL; dns_at += DNS_TMR_INTERVAL)
        dns_tmr();
}

static void idle(void *ctx, uint32_t ms)
{
    (void)ctx;
    idled++;
    now += ms < 7 ? ms : 7;
    turn();
}
static const xmpp_lwip_platform platform = { random_bytes, utc, idle, notify };
static uint32_t birthday = 1700000000u;

static void pass_time(uint32_t ms)
{
    uint32_t t;

    for (t = 0; t < ms; t += 50) {
        now += 50;
        turn();
    }
}

static int start(const char *host, uint16_t port, bool udp)
{
    xmpp_target to;

    memset(&to, 0, sizeof to);
    to.host = host;
    to.tls_name = host;
    to.port = port;
    to.udp = udp;
    return io.ops->open(io.ctx, &to);
}
static int take(void *buf, size_t n) { return io.ops->recv(io.ctx, buf, n); }
static int give(const void *buf, size_t n) { return io.ops->send(io.ctx, buf, n); }
static int end(bool at_once) { return io.ops->close(io.ctx, at_once); }

static int reason(const char **words)
{
    *words = "";
    return io.ops->reason(io.ctx, words);
}

static bool fails_with(int error, const char *end_of_words)
{
    const char *words;
    const int e = reason(&words);
    const size_t n = strlen(words), m = strlen(end_of_words);

    if (e == error && n >= m && strcmp(words + n - m, end_of_words) == 0)
        return true;
    printf("  reason %d \"%s\", not %d \"%s\"\n", e, words, error, end_of_words);
    return false;
}

/* ---- the server: the other end, in the same lwIP ---- */

static struct tcp_pcb *listener, *server;
static unsigned char   heard[20000];
static size_t          heard_n;
static bool            heard_end, holds;            /* holds: opens its window no more */
static err_t           server_err;

static err_t server_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    if (p == NULL) {
        heard_end = true;
        return ERR_OK;
    }
    heard_n += pbuf_copy_partial(p, heard + heard_n, (u16_t)(sizeof heard - heard_n), 0);
    if (!holds)
        tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static void server_lost(void *arg, err_t err)
{
    (void)arg;
    server = NULL;
    server_err = err;
}

static err_t server_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || pcb == NULL)
        return ERR_VAL;
    server = pcb;
    heard_n = 0;
    heard_end = false;
    server_err = ERR_OK;
    tcp_recv(pcb, server_recv);
    tcp_err(pcb, server_lost);
    tcp_nagle_disable(pcb);
    return ERR_OK;
}

enum { PORT = 5222 };

static void listen_on(const ip_addr_t *address)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

    holds = false;
    if (tcp_bind(pcb, address, PORT) != ERR_OK || (listener = tcp_listen(pcb)) == NULL)
        abort();
    tcp_accept(listener, server_accept);
}

/* Both ends open. */
static bool connect_to(const char *host)
{
    int i;

    if (start(host, PORT, false) != XMPP_OK)
        return false;
    for (i = 0; i < 40 && (net.state == XMPPI_LWIP_CONNECTING || server == NULL); i++)
        turn();
    return net.state == XMPPI_LWIP_OPEN && server != NULL;
}

static void server_close(void)
{
    if (server != NULL) {
        tcp_err(server, NULL);
        tcp_recv(server, NULL);
        tcp_abort(server);
    }
    server = NULL;
}

static bool end_in_order(void)
{
    int i, r = 0;

    for (i = 0; i < 100 && (r = end(false)) == 0; i++)
        pass_time(50);
    return r == 1;
}

static void clean(void)
{
    struct tcp_pcb *pcb;

    end(true);
    server_close();
    if (listener != NULL)
        tcp_close(listener);
    listener = NULL;
    turn();
    while ((pcb = tcp_active_pcbs) != NULL)     /* what lingers */
        tcp_abort(pcb);
    while ((pcb = tcp_tw_pcbs) != NULL)
        tcp_abort(pcb);
    turn();
    pass_time(1000);
    heard_n = 0;
    heard_end = holds = false;
    notified = 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 7 + i / 251 + i / 8191);
}

/* ---- over loopback ---- */

/* n bytes each way at once, in pieces of 1 to `most`, with buffers of any size up to it. */
static void exchange(size_t n, size_t most)
{
    static unsigned char buf[4096];
    size_t sent = 0, got = 0, said = 0, i, turns;

    heard_n = 0;
    for (turns = 0; turns < 100000 && (sent < n || got < n || heard_n < n); turns++) {
        size_t piece = 1 + test_random() % most;
        int r;

        piece = least(piece, n - sent);
        for (i = 0; i < piece; i++)
            buf[i] = pattern(sent + i);
        r = give(buf, piece);
        CHECK(r >= 0 && (size_t)r <= piece);
        if (r > 0)
            sent += (size_t)r;
        piece = least(1 + test_random() % most, least(n - said, server != NULL ? tcp_sndbuf(server) : 0));
        for (i = 0; i < piece; i++)
            buf[i] = pattern(said + i + 1);
        if (piece > 0 && tcp_write(server, buf, (u16_t)piece, TCP_WRITE_FLAG_COPY) == ERR_OK) {
            tcp_output(server);
            said += piece;
        }
        r = take(buf, 1 + test_random() % most);
        CHECK(r >= 0);
        for (i = 0; r > 0 && i < (size_t)r; i++, got++)
            if (buf[i] != pattern(got + 1)) {
                CHECK(!"bytes in order");
                return;
            }
        now += 10;
        turn();
        if (!ok)
            return;
    }
    CHECK(sent == n && got == n && heard_n == n);
    if (!ok)
        printf("  %zu of %zu sent, %zu heard, %zu of %zu said, %zu got, most %zu\n", sent, n, heard_n, said, n, got, most);
    for (i = 0; i < heard_n; i++)
        if (heard[i] != pattern(i)) {
            CHECK(!"bytes in order at the server");
            return;
        }
}

static void both_ways(void)
{
    static const size_t most[] = { 1, 2, 3, 7, 64, 535, 536, 537, 1072, 3000 };
    const char *words;
    size_t i;

    listen_on(IP4_ADDR_ANY);
    CHECK(io.ops->wants(io.ctx) == 0);
    CHECK(connect_to("127.0.0.1"));
    CHECK(notified > 0 && reason(&words) == XMPP_OK);
    CHECK(io.ops->wants(io.ctx) == XMPP_WANT_READ);
    CHECK(take(heard, 10) == 0);
    for (i = 0; ok && i < sizeof most / sizeof *most; i++)
        exchange(most[i] < 8 ? 700 : 12000, most[i]);
}

static void over_ipv6(void)
{
    listen_on(IP6_ADDR_ANY);
    CHECK(connect_to("::1"));
    exchange(3000, 700);
    end(true);
    server_close();
    turn();
    CHECK(connect_to("[::1]"));
    exchange(1000, 100);
}

static void refused(void)
{
    unsigned char b[4];

    CHECK(start("127.0.0.1", 9, false) == XMPP_OK);
    CHECK(give("x", 1) == 0 && take(b, 1) == 0);
    CHECK(io.ops->wants(io.ctx) == XMPP_WANT_WRITE);
    turn();
    turn();
    CHECK(io.ops->wants(io.ctx) == XMPP_WANT_NOW);
    CHECK(take(b, 1) == XMPP_IO_ERROR && give("x", 1) == XMPP_IO_ERROR);
    CHECK(fails_with(XMPP_E_CONNECT, "connect to 127.0.0.1 port 9: refused"));
    CHECK(end(false) == 1 && end(true) == 1 && end(false) == 1);    /* closing what is closed is fine */
    CHECK(take(b, 1) == XMPP_IO_ERROR && give("x", 1) == XMPP_IO_ERROR);
    listen_on(IP4_ADDR_ANY);
    CHECK(connect_to("127.0.0.1"));                                  /* and the next time it works */
}

static void not_addresses(void)
{
    char name[300];

    CHECK(start("2001:db8::1::2", PORT, false) == XMPP_E_CONNECT);
    CHECK(fails_with(XMPP_E_CONNECT, "(LWIP_IPV6)"));
    CHECK(start("ns.example", 53, true) == XMPP_E_CONNECT);
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK(start(name, PORT, false) == XMPP_E_RESOLVE);
    CHECK(fails_with(XMPP_E_RESOLVE, "a port 5222: the name is longer than XMPP_LWIP_HOST"));
    CHECK(start("", PORT, false) != XMPP_OK);
}

/* The server closes its direction: what it said comes first, then the end; the other direction stays open. */
static void half_closed(void)
{
    unsigned char buf[4000];
    int r, n = 0;

    memset(buf, 'q', sizeof buf);
    listen_on(IP4_ADDR_ANY);
    CHECK(connect_to("127.0.0.1"));
    CHECK(tcp_write(server, buf, 1000, TCP_WRITE_FLAG_COPY) == ERR_OK && tcp_shutdown(server, 0, 1) == ERR_OK);
    pass_time(500);
    CHECK(net.eof && io.ops->wants(io.ctx) == XMPP_WANT_NOW);
    while ((r = take(buf, 90)) > 0)
        n += r;
    CHECK(n == 1000 && r == XMPP_IO_EOF && take(buf, 1) == XMPP_IO_EOF);
    CHECK(give("last words", 10) == 10);
    pass_time(500);
    CHECK(heard_n == 10 && memcmp(heard, "last words", 10) == 0);
    CHECK(end_in_order() && net.state == XMPPI_LWIP_SHUT);
    pass_time(500);
    CHECK(heard_end);
}

/* Takes all that comes, a little at a time, up to the end, which is told behind it. */
static void take_to_the_end(size_t n)
{
    unsigned char buf[40];
    size_t got = 0;
    int i, k, r = 0;

    for (i = 0; i < 2000 && (r = take(buf, 1 + test_random() % sizeof buf)) != XMPP_IO_EOF; i++) {
        CHECK(r >= 0);
        for (k = 0; k < r; k++, got++)
            CHECK(buf[k] == pattern(got));
        if (i % 10 == 0)
            pass_time(100);
    }
    CHECK(got == n && r == XMPP_IO_EOF);
}

/* More segments than may lie here, but small: they are moved together. Then FIN. */
static void end_behind_small_ones(void)
{
    size_t i;

    listen_on(IP4_ADDR_ANY);
    CHECK(connect_to("127.0.0.1"));
    for (i = 0; i < 300; i++) {
        const unsigned char b = pattern(i);

        pass_time(100);
        CHECK(tcp_write(server, &b, 1, TCP_WRITE_FLAG_COPY) == ERR_OK && tcp_output(server) == ERR_OK);
        turn();
        CHECK(net.rx != NULL && pbuf_clen(net.rx) <= XMPP_LWIP_PBUFS && net.tcp->refused_data == NULL);
    }
    CHECK(net.rx->tot_len == 300);
    CHECK(tcp_close(server) == ERR_OK);
    server = NULL;
    pass_time(300);
    take_to_the_end(300);
}

/* More than may lie here, and full: lwIP keeps the rest, and FIN with it. */
static void end_behind_full_ones(void)
{
    unsigned char buf[4 * TCP_MSS];
    size_t i;

    for (i = 0; i < sizeof buf; i++)
        buf[i] = pattern(i);
    listen_on(IP4_ADDR_ANY);
    CHECK(connect_to("127.0.0.1"));
    for (i = 0; i < sizeof buf; i += TCP_MSS) {
        CHECK(tcp_write(server, buf + i, TCP_MSS, TCP_WRITE_FLAG_COPY) == ERR_OK && tcp_output(server) == ERR_OK);
        pass_time(1000);
    }
    CHECK(pbuf_clen(net.rx) == XMPP_LWIP_PBUFS && net.tcp->refused_data != NULL);
    CHECK(tcp_close(server) == ERR_OK);
    server = NULL;
    pass_time(300);
    CHECK(!net.eof && net.tcp->refused_data != NULL);
    take_to_the_end(sizeof buf);
}

static void reset_by_server(void)
{
    const char *first, *second;
    unsigned char buf[100];

    listen_on(IP4_ADDR_ANY);
    CHECK(connect_to("127.0.0.1"));
    CHECK(tcp_write(server, "bye", 3, TCP_WRITE_FLAG_COPY) == ERR_OK && tcp_output(server) == ERR_OK);
    turn();
    tcp_err(server, NULL);
    tcp_abort(server);
    server = NULL;
    turn();
    CHECK(net.tcp == NULL);
    CHECK(give("x", 1) == XMPP_IO_ERROR);
    CHECK(take(buf, sizeof buf) == 3 && memcmp(buf, "bye", 3) == 0);
    CHECK(take(buf, sizeof buf) == XMPP_IO_ERROR);
    CHECK(fails_with(XMPP_E_TRANSPORT, "reset by the server"));
    (void)reason(&first);
    CHECK(end(false) == 1);
    CHECK(reason(&second) == XMPP_E_TRANSPORT && first == second);  /* valid until the next open */
}

/* Nothing is read for a while: the server is held back, and not a byte is lost. */
static void client_reads_late(void)
{
    unsigned char buf[600];
    size_t said = 0, got = 0, i, k, window;
    int r;

    listen_on(IP4_ADDR_ANY);
    CHECK(connect_to("127.0.0.1"));
    for (k = 0; k < 200; k++) {
        size_t n = least(sizeof buf, tcp_sndbuf(server));

        for (i = 0; i < n; i++)
            buf[i] = pattern(said + i);
        if (n > 0 && tcp_write(server, buf, (u16_t)n, TCP_WRITE_FLAG_COPY) == ERR_OK) {
            tcp_output(server);
            said += n;
        }
        pass_time(50);
    }
    CHECK(net.rx != NULL && net.rx->tot_len <= TCP_WND && said <= TCP_WND + TCP_SND_BUF);
    window = net.tcp->rcv_wnd;
    CHECK(window + net.rx->tot_len + (net.tcp->refused_data != NULL ? net.tcp->refused_data->tot_len : 0) == TCP_WND);
    CHECK(take(buf, 100) == 100);
    CHECK(net.tcp->rcv_wnd == window + 100);                /* opened by what was taken, and no more */
    for (got = 100, k = 0; k < 1000 && got < said; k++) {
        r = take(buf, 1 + test_random() % sizeof buf);
        CHECK(r >= 0);
        for (i = 0; r > 0 && i < (size_t)r; i++, got++)
            if (buf[i] != pattern(got)) {
                CHECK(!"bytes in order");
                return;
            }
        pass_time(100);
    }
    CHECK(got == said);
}

/* The server reads nothing for a while: parts are taken until all is full, then none; then the rest. */
static void server_reads_late(void)
{
    unsigned char buf[1500];
    size_t sent = 0, i, k;
    int r = 1;

    listen_on(IP4_ADDR_ANY);
    CHECK(connect_to("127.0.0.1"));
    holds = true;
    for (k = 0; k < 100; k++) {
        for (i = 0; i < sizeof buf; i++)
            buf[i] = pattern(sent + i);
        r = give(buf, sizeof buf);
        CHECK(r >= 0 && r <= TCP_SND_BUF);
        if (r > 0)
            sent += (size_t)r;
        pass_time(50);
    }
    CHECK(r == 0 && sent <= TCP_WND + TCP_SND_BUF && sent >= TCP_SND_BUF);
    CHECK((io.ops->wants(io.ctx) & XMPP_WANT_NOW) == 0);
    CHECK(end(false) == 0);                                 /* in order: not yet */
    CHECK(net.state == XMPPI_LWIP_OPEN);
    holds = false;
    tcp_recved(server, (u16_t)heard_n);
    for (k = 0; k < 200 && end(false) == 0; k++)
        pass_time(100);
    pass_time(500);
    CHECK(net.state == XMPPI_LWIP_SHUT && heard_n == sent && heard_end);
    for (i = 0; i < heard_n; i++)
        if (heard[i] != pattern(i)) {
            CHECK(!"bytes in order");
            return;
        }
}

static void closed_at_once(void)
{
    listen_on(IP4_ADDR_ANY);
    CHECK(connect_to("127.0.0.1"));
    CHECK(give("lost", 4) == 4);
    CHECK(end(true) == 1 && net.tcp == NULL);
    turn();
    CHECK(server == NULL && server_err == ERR_RST);
}

/* An unread answer does not turn FIN into RST. */
static void closed_unread(void)
{
    listen_on(IP4_ADDR_ANY);
    CHECK(connect_to("127.0.0.1"));
    CHECK(tcp_write(server, "unread", 6, TCP_WRITE_FLAG_COPY) == ERR_OK && tcp_output(server) == ERR_OK);
    CHECK(give("end", 3) == 3);
    turn();
    CHECK(net.rx != NULL);
    CHECK(end_in_order());
    pass_time(500);
    CHECK(net.rx == NULL && server != NULL && heard_end && heard_n == 3);
    server_close();
    CHECK(connect_to("127.0.0.1"));                 /* and with nothing left to be sent */
    CHECK(tcp_write(server, "unread", 6, TCP_WRITE_FLAG_COPY) == ERR_OK && tcp_output(server) == ERR_OK);
    turn();
    CHECK(net.rx != NULL && end(false) == 1);
    pass_time(500);
    CHECK(server != NULL && heard_end);
}

static void opened_again(void)
{
    int i;

    listen_on(IP4_ADDR_ANY);
    for (i = 0; i < 10; i++) {              /* without a close, in any state */
        CHECK(start("127.0.0.1", PORT, false) == XMPP_OK);
        if (i % 3 > 0)
            turn();
        if (i % 3 > 1)
            pass_time(100);
        server_close();
    }
    end(true);
    turn();
    server_close();
    for (i = 0; i < 8; i++) {               /* in order, the other end silent: more than there are connections */
        CHECK(connect_to("127.0.0.1"));
        CHECK(give("x", 1) == 1);
        CHECK(end_in_order());
        if (i % 2)
            pass_time(300);
        if (server != NULL) {               /* it answers, but only now: nothing of that may reach the next connection */
            if (i > 3) {
                tcp_write(server, "stale", 5, TCP_WRITE_FLAG_COPY);
                tcp_output(server);
            }
            tcp_err(server, NULL);
            tcp_recv(server, NULL);
            if (tcp_close(server) != ERR_OK)
                tcp_abort(server);
        }
        server = NULL;
        turn();
        turn();
        CHECK(net.rx == NULL && !net.eof && net.state == XMPPI_LWIP_SHUT);
    }
    CHECK(connect_to("127.0.0.1"));
    exchange(2000, 300);
}

static void wait_and_clock(void)
{
    uint32_t begun;

    CHECK(io.ops->utc(io.ctx) == birthday && io.ops->millis(io.ctx) == now);
    listen_on(IP4_ADDR_ANY);
    CHECK(start("127.0.0.1", PORT, false) == XMPP_OK);
    begun = now;
    CHECK(io.ops->wait(io.ctx, XMPP_WANT_WRITE, 1000) == 0 && now - begun < 100);
    CHECK(net.state == XMPPI_LWIP_OPEN);
    begun = now;
    idled = 0;
    CHECK(io.ops->wait(io.ctx, XMPP_WANT_READ, 1000) == 0 && now - begun == 1000);
    CHECK(idled > 100);
    begun = now;
    idled = 0;
    io.ops->wait(io.ctx, XMPP_WANT_NOW | XMPP_WANT_READ, 1000);
    io.ops->wait(io.ctx, XMPP_WANT_WRITE, 1000);        /* there is room */
    io.ops->wait(io.ctx, XMPP_WANT_READ, 0);
    CHECK(now == begun && idled == 3);                  /* lwIP had its turn in each */
    tcp_write(server, "x", 1, TCP_WRITE_FLAG_COPY);
    tcp_output(server);
    io.ops->wait(io.ctx, XMPP_WANT_READ, XMPP_FOREVER);
    CHECK(net.rx != NULL && now - begun < 100);
}

/* ---- UDP and names ---- */

static struct udp_pcb *other;
static ip_addr_t       asker;
static u16_t           asker_port;
static unsigned char   question[600];
static u16_t           question_n;

static void other_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    (void)arg;
    (void)pcb;
    ip_addr_copy(asker, *from);
    asker_port = port;
    question_n = pbuf_copy_partial(p, question, sizeof question, 0);
    pbuf_free(p);
}

static struct udp_pcb *udp_server(u16_t port)
{
    struct udp_pcb *pcb = udp_new_ip_type(IPADDR_TYPE_ANY);

    if (pcb == NULL || udp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK)
        abort();
    udp_recv(pcb, other_recv, NULL);
    question_n = 0;
    return pcb;
}

static void udp_say(struct udp_pcb *pcb, const void *text, size_t n)
{
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)n, PBUF_RAM);

    if (p == NULL || pbuf_take(p, text, (u16_t)n) != ERR_OK)
        abort();
    udp_sendto(pcb, p, &asker, asker_port);
    pbuf_free(p);
    turn();
}

static void datagrams(void)
{
    struct udp_pcb *stranger;
    unsigned char buf[2000];
    u16_t first_port;

    other = udp_server(53);
    stranger = udp_server(54);
    CHECK(start("127.0.0.1", 53, true) == XMPP_OK);
    CHECK(take(buf, 100) == 0);
    CHECK(give("who?", 4) == 4);
    turn();
    CHECK(question_n == 4 && memcmp(question, "who?", 4) == 0 && asker_port >= 0xc000);
    first_port = asker_port;
    udp_say(stranger, "me", 2);                         /* from another port: not for us */
    CHECK(take(buf, 100) == 0);
    udp_say(other, "", 0);                              /* ends nothing, and takes nothing's place */
    udp_say(other, "somebody", 8);
    udp_say(other, "else", 4);                          /* one at a time; this one is lost, as datagrams may be */
    CHECK(io.ops->wants(io.ctx) == XMPP_WANT_NOW);
    CHECK(take(buf, 4) == 4 && memcmp(buf, "some", 4) == 0);
    CHECK(take(buf, 100) == 0);                         /* what did not fit is gone with its datagram */
    memset(buf, 'z', sizeof buf);
    udp_say(other, buf, 1200);
    CHECK(take(buf, sizeof buf) == 1200);
    CHECK(give(buf, 70000) == 0);                       /* never taken, never cut */
    udp_say(other, "late", 4);
    CHECK(end(false) == 1 && net.rx == NULL && net.udp == NULL);
    udp_say(other, "later", 5);
    CHECK(start("127.0.0.1", 53, true) == XMPP_OK && give("x", 1) == 1);
    turn();
    CHECK(asker_port != first_port && take(buf, 100) == 0);
    CHECK(start("::1", 53, true) == XMPP_OK && give("x6", 2) == 2);
    turn();
    CHECK(question_n == 2);
    end(true);
    udp_remove(other);
    udp_remove(stranger);
}

/* Answers the question at hand: 127.0.0.1, or (code 3) that there is no such name. */
static void answer(unsigned code)
{
    static const unsigned char tail[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1 };
    unsigned char buf[sizeof question + sizeof tail];

    memcpy(buf, question, question_n);
    buf[2] = 0x81;
    buf[3] = (unsigned char)(0x80 | code);
    buf[7] = code == 0;
    memcpy(buf + question_n, tail, sizeof tail);
    udp_say(other, buf, question_n + (code == 0 ? sizeof tail : 0));
    turn();
}

static void names(void)
{
    ip_addr_t local, none;
    char text[64];
    unsigned char old[sizeof question];
    u16_t old_n, old_port;
    int i;

    ip_addr_set_zero_ip4(&none);
    IP_ADDR4(&local, 127, 0, 0, 1);
    dns_setserver(0, &none);
    dns_setserver(1, &none);
    CHECK(start("xmpp.example", PORT, false) == XMPP_E_RESOLVE);
    CHECK(fails_with(XMPP_E_RESOLVE, "connect to xmpp.example port 5222: no name server is known (dns_setserver, DHCP)"));
    CHECK(io.ops->resolver(io.ctx, 0, text, sizeof text) != XMPP_OK);
    dns_setserver(0, &local);
    CHECK(io.ops->resolver(io.ctx, 0, text, sizeof text) == XMPP_OK && strcmp(text, "127.0.0.1") == 0);
    CHECK(io.ops->resolver(io.ctx, 0, text, 5) != XMPP_OK);
    CHECK(io.ops->resolver(io.ctx, 1, text, sizeof text) != XMPP_OK && io.ops->resolver(io.ctx, 99, text, sizeof text) != XMPP_OK);
    other = udp_server(53);
    listen_on(IP4_ADDR_ANY);

    CHECK(start("xmpp.example", PORT, false) == XMPP_OK);       /* it answers */
    turn();
    CHECK(net.state == XMPPI_LWIP_RESOLVING && give("x", 1) == 0 && question_n > 0);
    CHECK(io.ops->wants(io.ctx) == XMPP_WANT_WRITE);
    answer(0);
    pass_time(100);
    CHECK(net.state == XMPPI_LWIP_OPEN && server != NULL);
    exchange(500, 50);
    end(true);
    server_close();
    CHECK(connect_to("xmpp.example"));                          /* it remembers */
    end(true);
    server_close();

    CHECK(start("nobody.example", PORT, false) == XMPP_OK);     /* no such name */
    turn();
    answer(3);
    if (net.state == XMPPI_LWIP_RESOLVING) {                    /* lwIP asks for IPv6 then */
        turn();
        answer(3);
    }
    CHECK(fails_with(XMPP_E_RESOLVE, "the name has no address, or no name server answers"));
    CHECK(take(text, 1) == XMPP_IO_ERROR);

    CHECK(start("first.example", PORT, false) == XMPP_OK);      /* the answer for a name that is of no interest any more */
    turn();
    old_n = question_n;
    old_port = asker_port;
    memcpy(old, question, old_n);
    CHECK(start("first.exam", PORT, false) == XMPP_OK);         /* one begins with the other */
    turn();
    memcpy(question, old, question_n = old_n);
    asker_port = old_port;
    answer(0);
    CHECK(net.state == XMPPI_LWIP_RESOLVING && net.tcp == NULL);
    end(true);
    pass_time(60000);                                           /* the second one fails when nobody waits for it */
    CHECK(net.state == XMPPI_LWIP_SHUT && net.error == XMPP_OK);

    CHECK(start("silent.example", PORT, false) == XMPP_OK);     /* nobody answers */
    udp_remove(other);
    for (i = 0; i < 600 && net.state == XMPPI_LWIP_RESOLVING; i++)
        pass_time(100);
    CHECK(fails_with(XMPP_E_RESOLVE, "the name has no address, or no name server answers"));
    for (i = 0; i < 40; i++)                                    /* impatience fills lwIP's table, and then it says so */
        (void)start(i % 2 ? "a.example" : "b.example", PORT, false);
    pass_time(60000);
    dns_setserver(0, &none);
}

/* ---- behind an interface of the test's own ---- */

static struct netif wire;
static struct { u32_t seq, ack; u16_t port, wnd, len; u8_t flags; unsigned count; } frame;   /* the last one from lwIP */

static err_t wire_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    unsigned char b[60];

    (void)netif;
    (void)to;
    if (pbuf_copy_partial(p, b, sizeof b, 0) < 40 || b[9] != 6)
        return ERR_OK;
    frame.port = (u16_t)(b[20] << 8 | b[21]);
    frame.seq = (u32_t)b[24] << 24 | (u32_t)b[25] << 16 | (u32_t)b[26] << 8 | b[27];
    frame.ack = (u32_t)b[28] << 24 | (u32_t)b[29] << 16 | (u32_t)b[30] << 8 | b[31];
    frame.flags = b[33];
    frame.wnd = (u16_t)(b[34] << 8 | b[35]);
    frame.len = (u16_t)(p->tot_len - 20 - (b[32] >> 4) * 4);
    frame.count++;
    return ERR_OK;
}

static err_t wire_init(struct netif *netif)
{
    netif->output = wire_output;
    netif->mtu = 1500;
    netif->name[0] = 'w';
    netif->flags = NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

/* A segment from 10.9.0.2 to the port that lwIP spoke from. */
static void segment(u8_t flags, u32_t seq, u32_t ack, u16_t wnd, const void *data, u16_t n)
{
    unsigned char b[40] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1 };
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(40 + n), PBUF_POOL);
    int i;

    if (p == NULL)
        return;
    b[2] = (unsigned char)((40 + n) >> 8);
    b[3] = (unsigned char)(40 + n);
    b[20] = PORT >> 8;
    b[21] = PORT & 255;
    b[22] = (unsigned char)(frame.port >> 8);
    b[23] = (unsigned char)frame.port;
    for (i = 0; i < 4; i++) {
        b[24 + i] = (unsigned char)(seq >> (24 - 8 * i));
        b[28 + i] = (unsigned char)(ack >> (24 - 8 * i));
    }
    b[32] = 0x50;
    b[33] = flags;
    b[34] = (unsigned char)(wnd >> 8);
    b[35] = (unsigned char)wnd;
    pbuf_take(p, b, 40);
    if (n > 0)
        pbuf_take_at(p, data, n, 40);
    if (wire.input(p, &wire) != ERR_OK)
        pbuf_free(p);
}

enum { MINE = 1000 };       /* the peer's first sequence number */

static bool shake(void)
{
    if (start("10.9.0.2", PORT, false) != XMPP_OK)
        return false;
    segment(TCP_SYN | TCP_ACK, MINE, frame.seq + 1, 2000, NULL, 0);
    return net.state == XMPPI_LWIP_OPEN;
}

static void no_route(void)
{
    netif_set_down(&wire);
    CHECK(start("10.9.0.2", PORT, false) == XMPP_E_CONNECT);
    CHECK(fails_with(XMPP_E_CONNECT, "no route: the interface is down, or has no address of that kind"));
    CHECK(start("2001:db8::1", PORT, false) == XMPP_E_CONNECT);
    CHECK(net.tcp == NULL);
    netif_set_up(&wire);
    netif_set_link_down(&wire);
    CHECK(start("10.9.0.2", PORT, false) == XMPP_E_CONNECT);
    netif_set_link_up(&wire);
    CHECK(shake());
}

static void no_answer(void)
{
    int i;

    CHECK(start("10.9.0.2", PORT, false) == XMPP_OK);
    for (i = 0; i < 3000 && net.state == XMPPI_LWIP_CONNECTING; i++)
        pass_time(100);
    CHECK(fails_with(XMPP_E_CONNECT, "connect to 10.9.0.2 port 5222: no answer"));
    CHECK(shake());                                 /* and once connected */
    CHECK(give("anybody?", 8) == 8);
    for (i = 0; i < 30000 && net.state == XMPPI_LWIP_OPEN; i++)
        pass_time(100);
    CHECK(net.tcp == NULL && net.error == XMPP_E_TRANSPORT);
    CHECK(strncmp(net.words, "given up by lwIP", 16) == 0);
}

static void address_changed(void)
{
    ip4_addr_t address;

    CHECK(shake());
    IP4_ADDR(&address, 10, 9, 0, 7);
    netif_set_ipaddr(&wire, &address);
    CHECK(net.tcp == NULL && net.error == XMPP_E_TRANSPORT && strstr(net.words, "own address changed") != NULL);
    IP4_ADDR(&address, 10, 9, 0, 1);
    netif_set_ipaddr(&wire, &address);
}

/* A window of 0, of 1, then one that shrinks; and a segment size of 1 by way of a tiny window. */
static void window_games(void)
{
    unsigned char buf[1000];
    size_t sent = 0;
    u32_t acked;
    int i, r;

    memset(buf, 'w', sizeof buf);
    if (!shake()) {
        CHECK(!"connected");
        return;
    }
    acked = frame.seq;                              /* of the acknowledgement that ended the handshake */
    segment(TCP_ACK, MINE + 1, acked, 0, NULL, 0);
    for (i = 0; i < 50; i++) {
        r = give(buf, sizeof buf);
        CHECK(r >= 0);
        sent += (size_t)(r > 0 ? r : 0);
        pass_time(200);
    }
    CHECK(sent <= TCP_SND_BUF);
    for (i = 0; i < 3000; i++) {                    /* takes a byte at a time */
        if (frame.len > 0 && TCP_SEQ_GT(frame.seq + frame.len, acked))
            acked++;
        frame.len = 0;
        segment(TCP_ACK, MINE + 1, acked, (u16_t)(i % 3), NULL, 0);
        r = give(buf, sizeof buf);
        CHECK(r >= 0);
        sent += (size_t)(r > 0 ? r : 0);
        pass_time(100);
        if (net.tcp == NULL)
            break;
    }
    CHECK(net.tcp != NULL && sent > TCP_SND_BUF);
    segment(TCP_ACK, MINE + 1, acked + 100000, 65535, NULL, 0);     /* acknowledges what was never sent */
    segment(TCP_ACK | TCP_PSH, MINE + 1 + 70000, acked, 65535, buf, 500);   /* beyond our window */
    CHECK(net.rx == NULL && take(buf, 1) == 0);
}

/* Whatever comes in whatever order: no byte that was not said in order, nothing that AddressSanitizer minds. */
static void hostile_segments(void)
{
    unsigned char data[700], buf[300];
    unsigned round, k, opened = 0;

    memset(data, 'd', sizeof data);
    for (round = 0; round < 400; round++) {
        u32_t mine = MINE + 1;

        frame.count = 0;
        if (start("10.9.0.2", PORT, false) != XMPP_OK) {
            CHECK(!"opened");
            return;
        }
        if (test_random() % 8 != 0)
            segment(TCP_SYN | TCP_ACK, MINE, frame.seq + 1, (u16_t)(test_random() % 3 ? 2000 : test_random()), NULL, 0);
        opened += net.state == XMPPI_LWIP_OPEN;
        for (k = 0; k < 60; k++) {
            u16_t n = (u16_t)(test_random() % 3 ? test_random() % sizeof data : 0);
            u8_t flags = (u8_t)(test_random() % 4 ? TCP_ACK : test_random() & 0x3f);
            u32_t seq = mine, ack = frame.seq + frame.len;
            int r;

            if (test_random() % 5 == 0)
                flags |= TCP_FIN;
            if (test_random() % 40 == 0)
                flags |= TCP_RST;
            if (test_random() % 4 == 0)
                seq += test_random() % 1000 - 500;
            if (test_random() % 6 == 0)
                ack += test_random() % 100 - 50;
            segment(flags, seq, ack, (u16_t)(test_random() % 4 ? 1000 : test_random()), data, n);
            if (net.tcp != NULL)
                mine = net.tcp->rcv_nxt;
            if (test_random() % 3 == 0)
                (void)give(data, 1 + test_random() % sizeof data);
            if (test_random() % 3 == 0) {
                r = take(buf, 1 + test_random() % sizeof buf);
                CHECK(r >= XMPP_IO_ERROR && r <= (int)sizeof buf);
                for (; r > 0; r--)
                    CHECK(buf[r - 1] == 'd');
            }
            if (net.rx != NULL)
                CHECK(net.rx->tot_len <= TCP_WND && pbuf_clen(net.rx) <= XMPP_LWIP_PBUFS);
            if (test_random() % 4 == 0)
                pass_time(test_random() % 1000);
            if (test_random() % 50 == 0 && end(test_random() % 2))
                break;
        }
        if (test_random() % 2)
            end(true);
    }
    CHECK(opened > 200);
}

/* RST, or the end of the link, after each step of a conversation. */
static void reset_anywhere(void)
{
    unsigned char buf[100];
    int cut, r = 0;

    for (cut = 0; cut < 8; cut++) {
        const bool reset = true;
        u32_t mine = MINE;
        int step;

        CHECK(start("10.9.0.2", PORT, false) == XMPP_OK);
        for (step = 0; step < 8; step++) {
            if (step == cut && reset) {
                if (net.state == XMPPI_LWIP_CONNECTING)
                    segment(TCP_RST | TCP_ACK, 0, frame.seq + 1, 0, NULL, 0);
                else
                    segment(TCP_RST | TCP_ACK, mine, frame.seq, 0, NULL, 0);
                CHECK(net.tcp == NULL);
                break;
            }
            switch (step) {
            case 0: segment(TCP_SYN | TCP_ACK, mine++, frame.seq + 1, 2000, NULL, 0); break;
            case 1: segment(TCP_ACK, mine, frame.seq, 2000, "hello", 5); mine += 5; break;
            case 2: CHECK(give("hi", 2) == 2); break;
            case 3: CHECK(take(buf, 2) == 2); break;
            case 4: segment(TCP_ACK, mine, frame.seq + frame.len, 2000, NULL, 0); break;
            case 5: segment(TCP_ACK | TCP_FIN, mine, frame.seq + frame.len, 2000, "!", 1); mine += 2; break;
            case 6: CHECK(give("bye", 3) == 3); break;
            default: break;
            }
        }
        while ((r = take(buf, sizeof buf)) > 0) {}
        CHECK(r == (cut > 5 ? XMPP_IO_EOF : XMPP_IO_ERROR));
        CHECK(give("x", 1) == XMPP_IO_ERROR);
        CHECK(fails_with(cut == 0 ? XMPP_E_CONNECT : XMPP_E_TRANSPORT, cut == 0 ? ": refused" : "reset by the server"));
    }
}

/* ---- out of memory ---- */

#if POOLS
static void pools_run_out(void)
{
    static struct pbuf *held[200];
    struct tcp_pcb *taken[4];
    unsigned char buf[600];
    int n, i, sent = 0;

    listen_on(IP4_ADDR_ANY);
    CHECK(connect_to("127.0.0.1"));
    memset(buf, 'p', sizeof buf);
    for (n = 0; n < 200 && (held[n] = pbuf_alloc(PBUF_RAW, 300, PBUF_RAM)) != NULL; n++) {}
    CHECK(n > 5 && n < 200);
    pbuf_free(held[--n]);
    while ((i = give(buf, sizeof buf)) > 0)         /* in parts, until there is no room for one byte; no error */
        sent += i;
    CHECK(i == 0 && sent > 0 && sent < 600 && net.state == XMPPI_LWIP_OPEN);
    while (n > 0)
        pbuf_free(held[--n]);
    pass_time(5000);
    CHECK(heard_n == (size_t)sent);
    exchange(3000, 600);
    end(true);
    server_close();
    turn();

    for (n = 0; n < 4 && (taken[n] = tcp_new()) != NULL; n++)       /* connections of others, as worthy as ours */
        tcp_setprio(taken[n], TCP_PRIO_MAX);
    CHECK(n == 2);
    CHECK(start("127.0.0.1", PORT, false) == XMPP_E_CONNECT);
    CHECK(fails_with(XMPP_E_CONNECT, "lwIP is out of connections (MEMP_NUM_TCP_PCB)"));
    while (n > 0)
        tcp_abort(taken[--n]);
    CHECK(connect_to("127.0.0.1"));
}

/* The other end is silent for ever: the connections that lwIP still closes make room. */
static void lingering(void)
{
    int i;

    for (i = 0; i < 10; i++) {
        CHECK(shake());
        segment(TCP_ACK | TCP_FIN, MINE + 1, frame.seq, 2000, NULL, 0);
        CHECK(take(heard, 1) == XMPP_IO_EOF);
        CHECK(end(false) == 1);
    }
}
#else
/* Each allocation fails once, and then 1, 3 or all that follow for a while. */
static void memory_runs_out(void)
{
    static const long run[] = { 1, 3, 1000 };
    unsigned char buf[700];
    unsigned kind, reached = 0;
    long at;

    memset(buf, 'm', sizeof buf);
    for (kind = 0; kind < 3; kind++)
        for (at = 1; at < 60; at++) {
            const long before = blocks;
            int i, r = 0;

            listen_on(IP4_ADDR_ANY);
            fail_at = at;
            fail_n = run[kind];
            if (start("127.0.0.1", PORT, false) == XMPP_OK) {
                for (i = 0; i < 30; i++) {
                    r = give(buf, sizeof buf);
                    if (r < 0)
                        break;
                    if (server != NULL && tcp_sndbuf(server) >= 300) {
                        (void)tcp_write(server, buf, 300, TCP_WRITE_FLAG_COPY);
                        (void)tcp_output(server);
                    }
                    r = take(buf, 500);
                    if (r < 0)
                        break;
                    pass_time(100);
                    if (i == 15)                    /* it recovers */
                        fail_at = 0;
                }
                reached += r >= 0 && net.state == XMPPI_LWIP_OPEN;
                if (r < 0)
                    CHECK(net.error == XMPP_E_CONNECT || net.error == XMPP_E_TRANSPORT);
            } else {
                CHECK(net.error == XMPP_E_CONNECT && strstr(net.words, "out of ") != NULL);
            }
            fail_at = 0;
            memset(buf, 'm', sizeof buf);
            clean();
            CHECK(blocks == before);
            listen_on(IP4_ADDR_ANY);
            CHECK(connect_to("127.0.0.1"));
            exchange(1000, 500);
            clean();
            if (!ok) {
                printf("  with allocation %ld and %ld more\n", at, run[kind] - 1);
                return;
            }
        }
    CHECK(reached > 50);
}

static void memory_runs_out_udp(void)
{
    unsigned char buf[200];
    long at, before = blocks;

    for (at = 1; at < 6; at++) {
        other = udp_server(53);
        fail_at = at;
        fail_n = 2;
        if (start("127.0.0.1", 53, true) == XMPP_OK) {
            CHECK(give("question", 8) >= 0);
            turn();
            fail_at = 0;
            CHECK(give("again", 5) == 5);
            turn();
            CHECK(question_n == 5);
            CHECK(take(buf, sizeof buf) == 0);
        } else {
            CHECK(fails_with(XMPP_E_CONNECT, "lwIP is out of UDP ports (MEMP_NUM_UDP_PCB)"));
        }
        fail_at = 0;
        end(true);
        udp_remove(other);
        turn();
    }
    CHECK(blocks == before);
}
#endif

static void test(const char *name, void (*run)(void))
{
    ok = true;
    run();
    clean();
#if !POOLS
    {
        static long at_rest = -1;

        if (at_rest < 0)
            at_rest = blocks;
        CHECK(blocks == at_rest);       /* nothing is left over */
    }
#endif
    printf("%s %s\n", ok ? "ok  " : "FAIL", name);
    passed += ok;
    failed += !ok;
}
#define TEST(name) test(#name, name)

int main(void)
{
    ip4_addr_t address, mask;

    setvbuf(stdout, NULL, _IOLBF, 0);
    lwip_init();
    IP4_ADDR(&address, 10, 9, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    if (netif_add(&wire, &address, &mask, NULL, NULL, wire_init, ip_input) == NULL)
        return 2;
    netif_set_up(&wire);
    io = xmpp_lwip_io(&net, &platform, &birthday);
    TEST(both_ways);
    TEST(over_ipv6);
    TEST(refused);
    TEST(not_addresses);
    TEST(half_closed);
    TEST(end_behind_small_ones);
    TEST(end_behind_full_ones);
    TEST(reset_by_server);
    TEST(client_reads_late);
    TEST(server_reads_late);
    TEST(closed_at_once);
    TEST(closed_unread);
    TEST(opened_again);
    TEST(wait_and_clock);
    TEST(datagrams);
    TEST(names);
    TEST(no_route);
    TEST(no_answer);
    TEST(address_changed);
    TEST(window_games);
    TEST(hostile_segments);
    TEST(reset_anywhere);
#if POOLS
    TEST(pools_run_out);
    TEST(lingering);
#else
    TEST(memory_runs_out);
    TEST(memory_runs_out_udp);
#endif
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
