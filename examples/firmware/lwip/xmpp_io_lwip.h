/* xmpp_io_lwip.h - TCP and UDP for xmpp.h over the raw API of lwIP (2.1 or newer). MIT License, as xmpp.h.

   Copy it next to xmpp.h. Do this in ONE .c file, and include it without the define elsewhere:
       #define XMPP_IO_LWIP_IMPLEMENTATION
       #include "xmpp_io_lwip.h"

   static const xmpp_lwip_platform platform = { .random = my_random };
   static xmpp_lwip net;                                    // static: lwIP keeps pointers to it
   ... xmpp_init(&client, &config, &account, xmpp_bearssl_io(&tls, &trust, xmpp_lwip_io(&net, &platform, NULL))) ...

   WITHOUT AN OPERATING SYSTEM (NO_SYS 1)
   One loop for all; xmpp_step never from one of lwIP's callbacks, nor from an interrupt:
       for (;;) {
           my_driver_poll(&netif);              // received frames to netif.input
           sys_check_timeouts();                // lwIP's timers
           xmpp_step(&client, sys_now());
           while ((ev = xmpp_next(&client)) != NULL) ...
           // sleep until a frame comes, xmpp_deadline(&client) or sys_timeouts_sleeptime() ms at most
       }
   or, with the first two lines as platform.idle: while ((ev = xmpp_wait(&client, XMPP_FOREVER)) != NULL) ...

   WITH ONE (NO_SYS 0)
   The client belongs to a thread of its own. Each function here takes lwIP's core lock (LWIP_TCPIP_CORE_LOCKING, the
   default) for itself, so that lwIP does not stand still while TLS or PBKDF2 computes; do not hold it around xmpp_step.
   platform.notify is called with the lock held, mostly in lwIP's thread, when there is something to do: let it give a
   semaphore, and platform.idle take it. For a client that runs in lwIP's own thread define XMPP_LWIP_LOCK() and
   XMPP_LWIP_UNLOCK() as nothing; lwIP then stands still for a whole TLS handshake.

   WHAT LWIP MUST BE
   LWIP_TCP          1. LWIP_DNS 1 for host names, or account.dns, which wants LWIP_UDP; otherwise addresses alone.
   TCP_SND_BUF       from 2 * TCP_MSS; what does not fit waits in the client's queue.
   TCP_WND           what the server may send before the client has read it: so much of PBUF_POOL may lie here.
   PBUF_POOL_SIZE    2 * TCP_WND / TCP_MSS: half of them (XMPP_LWIP_PBUFS) may wait here, however small the peer's
                     segments are; the others are for acknowledgements, ARP, DNS.
   MEMP_NUM_TCP_PCB  2: one for the last connection, which lwIP still closes. It gives way when there is but one.
   LWIP_RAND, LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS, LWIP_HOOK_TCP_ISN: without, ports and sequence numbers can be guessed.

   WHAT IT DOES
   Opens an address (IPv4 or IPv6 text), or a name, of which it tries the one address that lwIP gives; with account.dns
   the client tries them all. The window opens only as the client takes bytes. What came before the peer closed or reset
   the connection is handed out first. Sends as much as TCP_SND_BUF and lwIP's pools take. Closes in order: waits until
   all is acknowledged, then FIN; or at once: RST. What lwIP frees by itself is not touched again, and nothing of an old
   connection reaches the next one. The client's own limits hold for connecting (config.step_ms), its pings find a dead
   link. A datagram that comes while another was not taken yet is dropped.
   What went wrong is XMPP_E_RESOLVE, XMPP_E_CONNECT or XMPP_E_TRANSPORT, and in words: "connect to 192.0.2.7 port 5223:
   refused", no answer, no route, out of memory (and which), reset.
   Costs 2 to 2.6 KB of flash on a Cortex-M3 and sizeof(xmpp_lwip), 228 bytes of RAM; no stack to speak of. */

#ifndef XMPP_IO_LWIP_H
#define XMPP_IO_LWIP_H

#include "xmpp.h"
#include "lwip/opt.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef XMPP_LWIP_HOST
#define XMPP_LWIP_HOST 100      /* bytes of the longest host name that is looked up */
#endif
#ifndef XMPP_LWIP_PBUFS
#define XMPP_LWIP_PBUFS (PBUF_POOL_SIZE > 3 ? PBUF_POOL_SIZE / 2 : 1)   /* that wait here for the client */
#endif

/* Yours. Each gets the ctx of xmpp_lwip_io. */
typedef struct xmpp_lwip_platform {
    int      (*random)(void *ctx, void *out, size_t n); /* required: XMPP_OK, or XMPP_E_ENTROPY              */
    uint32_t (*utc)(void *ctx);                         /* seconds since 1970; NULL: no clock                */
    void     (*idle)(void *ctx, uint32_t ms);           /* for xmpp_wait and xmpp_ask, NULL without them. NO_SYS: lets
                                                           lwIP work (driver, sys_check_timeouts), may sleep up to ms
                                                           before. With threads: sleeps until notify, or ms          */
    void     (*notify)(void *ctx);                      /* something happened: step the client. NULL: nobody cares   */
} xmpp_lwip_platform;

typedef struct xmpp_lwip {      /* private; zero at first */
    const xmpp_lwip_platform *platform;
    void           *ctx;
    struct tcp_pcb *tcp;        /* NULL as soon as lwIP has freed it */
    struct udp_pcb *udp;
    struct pbuf    *rx;         /* received, not taken yet; of UDP one datagram */
    int16_t         error;
    uint16_t        port;
    uint8_t         state, host_n, words_n;
    bool            is_udp, eof;
    char            words[XMPP_LWIP_HOST + 96];
} xmpp_lwip;

/* n and platform are used as long as the client lives. Returns what goes below TLS. */
XMPP_API xmpp_io xmpp_lwip_io(xmpp_lwip *n, const xmpp_lwip_platform *platform, void *ctx);

#ifdef __cplusplus
}
#endif
#endif /* XMPP_IO_LWIP_H */

#if defined(XMPP_IO_LWIP_IMPLEMENTATION) && !defined(XMPPI_LWIP_IMPLEMENTED)
#define XMPPI_LWIP_IMPLEMENTED

#include "lwip/dns.h"
#include "lwip/ip_addr.h"
#include "lwip/pbuf.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"
#if !NO_SYS
#include "lwip/tcpip.h"
#endif

#if !LWIP_TCP || !LWIP_CALLBACK_API
#error "xmpp_io_lwip.h needs LWIP_TCP and LWIP_CALLBACK_API"
#endif
#if XMPP_LWIP_HOST < 46 || XMPP_LWIP_HOST > 240
#error "XMPP_LWIP_HOST must be 46..240: an IPv6 address has 45 bytes"
#endif

#ifndef XMPP_LWIP_LOCK
#if NO_SYS
#define XMPP_LWIP_LOCK()   ((void)0)
#define XMPP_LWIP_UNLOCK() ((void)0)
#elif LWIP_TCPIP_CORE_LOCKING
#define XMPP_LWIP_LOCK()   LOCK_TCPIP_CORE()
#define XMPP_LWIP_UNLOCK() UNLOCK_TCPIP_CORE()
#else
#error "set LWIP_TCPIP_CORE_LOCKING, or run the client in lwIP's thread and define XMPP_LWIP_LOCK() and _UNLOCK() empty"
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum { XMPPI_LWIP_SHUT = 0, XMPPI_LWIP_RESOLVING, XMPPI_LWIP_CONNECTING, XMPPI_LWIP_OPEN, XMPPI_LWIP_FAILED };

#define XMPPI_LWIP_TO   "connect to "   /* words: this, the host, " port N: ", the cause */
#define XMPPI_LWIP_TO_N (sizeof XMPPI_LWIP_TO - 1)
#define XMPPI_LWIP_INT  32767u          /* the most that any int can tell */

/* Appends at most max bytes of s to the words. */
static void xmppi_lwip_put(xmpp_lwip *n, const char *s, size_t max)
{
    while (*s != '\0' && max-- > 0 && n->words_n < sizeof n->words - 1)
        n->words[n->words_n++] = *s++;
    n->words[n->words_n] = '\0';
}

static void xmppi_lwip_notify(const xmpp_lwip *n)
{
    if (n->platform->notify != NULL)
        n->platform->notify(n->ctx);
}

/* The connection has failed; what was received may still be taken. */
static int xmppi_lwip_fail(xmpp_lwip *n, int error, const char *cause)
{
    if (error == XMPP_E_TRANSPORT)      /* it was open: where to is known */
        n->words_n = 0;
    xmppi_lwip_put(n, cause, sizeof n->words);
    n->error = (int16_t)error;
    n->state = XMPPI_LWIP_FAILED;
    return error;
}

static const char *xmppi_lwip_cause(err_t e)
{
    switch (e) {
    case ERR_MEM: return "lwIP is out of memory (MEMP_NUM_TCP_SEG, MEM_SIZE)";
    case ERR_RTE: return "no route: the interface is down, or has no address of that kind";
    case ERR_BUF:
    case ERR_USE: return "no local port is free";
    default:      return "lwIP refuses";
    }
}

/* ---- what lwIP calls ---- */

/* Many small segments are moved together: each would hold a whole pbuf of the pool. */
static void xmppi_lwip_gather(xmpp_lwip *n)
{
    struct pbuf *p;

    if ((pbuf_clen(n->rx) - 1) * (u32_t)PBUF_POOL_BUFSIZE < n->rx->tot_len)
        return;                         /* it would take as many */
    p = pbuf_alloc(PBUF_RAW, n->rx->tot_len, PBUF_POOL);
    if (p == NULL)
        return;
    (void)pbuf_copy(p, n->rx);
    pbuf_free(n->rx);
    n->rx = p;
}

/* What is refused lwIP keeps, and offers it again; what follows it drops, and the peer sends it again. */
static err_t xmppi_lwip_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    xmpp_lwip *n = (xmpp_lwip *)arg;

    (void)pcb;
    (void)err;                          /* always ERR_OK */
    if (p == NULL) {
        n->eof = true;
    } else if (n->rx == NULL) {
        n->rx = p;
    } else {
        if (pbuf_clen(n->rx) + pbuf_clen(p) > XMPP_LWIP_PBUFS)
            xmppi_lwip_gather(n);
        if (pbuf_clen(n->rx) + pbuf_clen(p) > XMPP_LWIP_PBUFS || p->tot_len > 0xffff - n->rx->tot_len)
            return ERR_MEM;
        pbuf_cat(n->rx, p);
    }
    xmppi_lwip_notify(n);
    return ERR_OK;
}

static err_t xmppi_lwip_acknowledged(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)pcb;
    (void)len;
    xmppi_lwip_notify((const xmpp_lwip *)arg);
    return ERR_OK;
}

static err_t xmppi_lwip_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    xmpp_lwip *n = (xmpp_lwip *)arg;

    (void)pcb;
    (void)err;                          /* always ERR_OK */
    n->state = XMPPI_LWIP_OPEN;
    xmppi_lwip_notify(n);
    return ERR_OK;
}

/* lwIP has freed the connection. */
static void xmppi_lwip_lost(void *arg, err_t e)
{
    xmpp_lwip *n = (xmpp_lwip *)arg;

    n->tcp = NULL;
    if (n->state == XMPPI_LWIP_CONNECTING)
        xmppi_lwip_fail(n, XMPP_E_CONNECT, e == ERR_RST ? "refused" : "no answer");
    else if (n->state == XMPPI_LWIP_OPEN)
        xmppi_lwip_fail(n, XMPP_E_TRANSPORT, e == ERR_RST ? "reset by the server" :
                        "given up by lwIP: nothing is acknowledged, the own address changed, or memory ran short");
    xmppi_lwip_notify(n);
}

#if LWIP_UDP
/* udp_connect lets nothing through but what the peer sent. */
static void xmppi_lwip_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    xmpp_lwip *n = (xmpp_lwip *)arg;

    (void)pcb;
    (void)from;
    (void)port;
    if (n->rx != NULL || p->tot_len == 0) {
        pbuf_free(p);
        return;
    }
    n->rx = p;
    xmppi_lwip_notify(n);
}
#endif

/* ---- opening ---- */

static void xmppi_lwip_drop(xmpp_lwip *n, bool in_order)
{
    struct tcp_pcb *tcp = n->tcp;

    if (n->rx != NULL) {
        if (tcp != NULL && in_order)    /* FIN is only for who has taken all */
            tcp_recved(tcp, n->rx->tot_len);
        pbuf_free(n->rx);
        n->rx = NULL;
    }
    n->tcp = NULL;
    if (tcp != NULL) {
        tcp_recv(tcp, NULL);            /* it may live on for a while, without us */
        tcp_sent(tcp, NULL);
        tcp_err(tcp, NULL);
        tcp_setprio(tcp, TCP_PRIO_MIN); /* gives way to a new connection */
        if (!in_order || tcp_close(tcp) != ERR_OK)
            tcp_abort(tcp);
    }
#if LWIP_UDP
    if (n->udp != NULL)
        udp_remove(n->udp);
    n->udp = NULL;
#endif
    n->state = XMPPI_LWIP_SHUT;
}

static int xmppi_lwip_dial(xmpp_lwip *n, const ip_addr_t *to)
{
    err_t e;

    n->tcp = tcp_new_ip_type(IP_GET_TYPE(to));
    if (n->tcp == NULL)
        return xmppi_lwip_fail(n, XMPP_E_CONNECT, "lwIP is out of connections (MEMP_NUM_TCP_PCB)");
    tcp_arg(n->tcp, n);
    tcp_recv(n->tcp, xmppi_lwip_received);
    tcp_sent(n->tcp, xmppi_lwip_acknowledged);
    tcp_err(n->tcp, xmppi_lwip_lost);
    tcp_nagle_disable(n->tcp);          /* the client sends whole stanzas: waiting for more would only delay them */
    n->state = XMPPI_LWIP_CONNECTING;
    e = tcp_connect(n->tcp, to, n->port, xmppi_lwip_connected);
    if (e == ERR_OK)
        return XMPP_OK;
    xmppi_lwip_drop(n, false);
    return xmppi_lwip_fail(n, XMPP_E_CONNECT, xmppi_lwip_cause(e));
}

#if LWIP_UDP
/* local: a port that nobody can guess, who would forge an answer; when it is taken, lwIP chooses one. */
static int xmppi_lwip_dial_udp(xmpp_lwip *n, const ip_addr_t *to, uint16_t local)
{
    err_t e;

    n->udp = udp_new_ip_type(IP_GET_TYPE(to));
    if (n->udp == NULL)
        return xmppi_lwip_fail(n, XMPP_E_CONNECT, "lwIP is out of UDP ports (MEMP_NUM_UDP_PCB)");
    udp_recv(n->udp, xmppi_lwip_datagram, n);
    (void)udp_bind(n->udp, IP46_ADDR_ANY(IP_GET_TYPE(to)), (u16_t)(0xc000u | local));
    e = udp_connect(n->udp, to, n->port);
    if (e == ERR_OK) {
        n->state = XMPPI_LWIP_OPEN;
        return XMPP_OK;
    }
    xmppi_lwip_drop(n, false);
    return xmppi_lwip_fail(n, XMPP_E_CONNECT, xmppi_lwip_cause(e));
}
#endif

#if LWIP_DNS
/* A lookup cannot be called off: an answer may come for a name that is not asked for any more. */
static void xmppi_lwip_found(const char *name, const ip_addr_t *to, void *arg)
{
    xmpp_lwip *n = (xmpp_lwip *)arg;

    if (n->state != XMPPI_LWIP_RESOLVING || strncmp(name, n->words + XMPPI_LWIP_TO_N, n->host_n) != 0 ||
        name[n->host_n] != '\0')
        return;
    if (to == NULL)
        xmppi_lwip_fail(n, XMPP_E_RESOLVE, "the name has no address, or no name server answers");
    else
        (void)xmppi_lwip_dial(n, to);
    xmppi_lwip_notify(n);
}

static int xmppi_lwip_lookup(xmpp_lwip *n, const char *host)
{
    ip_addr_t to;

    if (host[n->host_n] != '\0')
        return xmppi_lwip_fail(n, XMPP_E_RESOLVE, "the name is longer than XMPP_LWIP_HOST");
    n->state = XMPPI_LWIP_RESOLVING;
    switch (dns_gethostbyname(host, &to, xmppi_lwip_found, n)) {
    case ERR_OK:         return xmppi_lwip_dial(n, &to);
    case ERR_INPROGRESS: return XMPP_OK;
    case ERR_MEM:        return xmppi_lwip_fail(n, XMPP_E_RESOLVE, "too many names are looked up (DNS_TABLE_SIZE)");
    case ERR_VAL:        return xmppi_lwip_fail(n, XMPP_E_RESOLVE, "no name server is known (dns_setserver, DHCP)");
    default:             return xmppi_lwip_fail(n, XMPP_E_RESOLVE, "lwIP does not take the name");
    }
}
#endif

/* An IPv6 address may stand in brackets, as in a JID: lwIP stops at the second. */
static bool xmppi_lwip_address(const char *host, ip_addr_t *to)
{
    return ipaddr_aton(host + (host[0] == '['), to) != 0;
}

static int xmppi_lwip_start(xmpp_lwip *n, const xmpp_target *where, uint16_t local)
{
    char port[6], *digit = port + sizeof port - 1;
    unsigned left = where->port;
    ip_addr_t to;

    xmppi_lwip_drop(n, false);
    n->eof = false;
    n->error = XMPP_OK;
    n->is_udp = where->udp;
    n->port = where->port;
    *digit = '\0';
    do
        *--digit = (char)('0' + left % 10);
    while ((left /= 10) != 0);
    n->words_n = 0;
    xmppi_lwip_put(n, XMPPI_LWIP_TO, XMPPI_LWIP_TO_N);
    xmppi_lwip_put(n, where->host, XMPP_LWIP_HOST);
    n->host_n = (uint8_t)(n->words_n - XMPPI_LWIP_TO_N);
    xmppi_lwip_put(n, " port ", 6);
    xmppi_lwip_put(n, digit, 5);
    xmppi_lwip_put(n, ": ", 2);

    if (xmppi_lwip_address(where->host, &to)) {
#if LWIP_UDP
        if (where->udp)
            return xmppi_lwip_dial_udp(n, &to, local);
#else
        (void)local;
        if (where->udp)
            return xmppi_lwip_fail(n, XMPP_E_CONNECT, "lwIP was built without UDP (LWIP_UDP)");
#endif
        return xmppi_lwip_dial(n, &to);
    }
    if (where->udp || strchr(where->host, ':') != NULL)
        return xmppi_lwip_fail(n, XMPP_E_CONNECT, "not an address that lwIP was built for (LWIP_IPV6)");
#if LWIP_DNS
    return xmppi_lwip_lookup(n, where->host);
#else
    return xmppi_lwip_fail(n, XMPP_E_RESOLVE, "a name; lwIP was built for addresses alone (LWIP_DNS)");
#endif
}

/* ---- moving bytes ---- */

static int xmppi_lwip_take(xmpp_lwip *n, void *buf, size_t max)
{
    u16_t got;

    if (n->rx != NULL) {
        got = pbuf_copy_partial(n->rx, buf, (u16_t)(max < XMPPI_LWIP_INT ? max : XMPPI_LWIP_INT), 0);
        n->rx = pbuf_free_header(n->rx, n->is_udp ? n->rx->tot_len : got);
        if (n->rx != NULL && n->rx->tot_len == 0) {     /* an empty pbuf at the end of the chain */
            pbuf_free(n->rx);
            n->rx = NULL;
        }
        if (n->tcp != NULL)
            tcp_recved(n->tcp, got);    /* now the peer may send so much more */
        if (got > 0)
            return got;
    }
    if (n->eof)
        return XMPP_IO_EOF;
    return n->state == XMPPI_LWIP_FAILED || n->state == XMPPI_LWIP_SHUT ? XMPP_IO_ERROR : 0;
}

static int xmppi_lwip_give(xmpp_lwip *n, const void *buf, size_t max)
{
    err_t e = ERR_MEM;
    size_t room = tcp_sndbuf(n->tcp);

    if (max > room)
        max = room;
    if (max > XMPPI_LWIP_INT)
        max = XMPPI_LWIP_INT;
    /* too much for the pools, perhaps, as they are now: then less, or none until acknowledgements have freed some */
    while (max > 0 && (e = tcp_write(n->tcp, buf, (u16_t)max, TCP_WRITE_FLAG_COPY)) == ERR_MEM)
        max /= 2;
    if (e != ERR_OK && e != ERR_MEM) {
        xmppi_lwip_fail(n, XMPP_E_TRANSPORT, xmppi_lwip_cause(e));
        return XMPP_IO_ERROR;
    }
    (void)tcp_output(n->tcp);           /* what fails here lwIP tries again */
    return (int)max;
}

#if LWIP_UDP
static int xmppi_lwip_give_datagram(xmpp_lwip *n, const void *buf, size_t max)
{
    struct pbuf *p = max <= XMPPI_LWIP_INT ? pbuf_alloc(PBUF_TRANSPORT, (u16_t)max, PBUF_RAM) : NULL;
    err_t e = ERR_MEM;

    if (p != NULL) {
        (void)pbuf_take(p, buf, (u16_t)max);
        e = udp_send(n->udp, p);
        pbuf_free(p);
    }
    if (e == ERR_OK)
        return (int)max;
    if (e == ERR_MEM)
        return 0;
    xmppi_lwip_fail(n, XMPP_E_TRANSPORT, xmppi_lwip_cause(e));
    return XMPP_IO_ERROR;
}
#endif

static int xmppi_lwip_put_out(xmpp_lwip *n, const void *buf, size_t max)
{
    if (n->state == XMPPI_LWIP_FAILED || n->state == XMPPI_LWIP_SHUT)
        return XMPP_IO_ERROR;
    if (n->state != XMPPI_LWIP_OPEN || max == 0)
        return 0;
#if LWIP_UDP
    if (n->is_udp)
        return xmppi_lwip_give_datagram(n, buf, max);
#endif
    return xmppi_lwip_give(n, buf, max);
}

/* In order: what lwIP holds first goes out and is acknowledged, so that after a 1 the power may go. */
static int xmppi_lwip_end(xmpp_lwip *n, bool now)
{
    if (!now && n->state == XMPPI_LWIP_OPEN && n->tcp != NULL && tcp_sndqueuelen(n->tcp) > 0) {
        if (n->rx != NULL) {            /* nobody wants it any more */
            tcp_recved(n->tcp, n->rx->tot_len);
            pbuf_free(n->rx);
            n->rx = NULL;
        }
        return 0;
    }
    xmppi_lwip_drop(n, !now && n->state == XMPPI_LWIP_OPEN);
    return 1;
}

/* What there is to do, as XMPP_WANT_READ (bytes or an end to be taken) and _WRITE. */
static unsigned xmppi_lwip_ready(const xmpp_lwip *n)
{
    unsigned can = 0;

    if (n->rx != NULL || n->eof || n->state == XMPPI_LWIP_FAILED)
        can |= XMPP_WANT_READ;
    if (n->state == XMPPI_LWIP_FAILED || (n->state == XMPPI_LWIP_OPEN && (n->tcp == NULL || tcp_sndbuf(n->tcp) > 0)))
        can |= XMPP_WANT_WRITE;
    return can;
}

/* ---- the table: each function takes lwIP's lock, where there is one ---- */

static int xmppi_lwip_random(void *ctx, void *out, size_t len)
{
    const xmpp_lwip *n = (const xmpp_lwip *)ctx;

    return n->platform->random(n->ctx, out, len);
}

static int xmppi_lwip_open(void *ctx, const xmpp_target *to)
{
    uint16_t local = 0;
    int r;

    if (to->udp && xmppi_lwip_random(ctx, &local, sizeof local) != XMPP_OK)
        local = 0;
    XMPP_LWIP_LOCK();
    r = xmppi_lwip_start((xmpp_lwip *)ctx, to, local);
    XMPP_LWIP_UNLOCK();
    return r;
}

static int xmppi_lwip_recv(void *ctx, void *buf, size_t max)
{
    int r;

    XMPP_LWIP_LOCK();
    r = xmppi_lwip_take((xmpp_lwip *)ctx, buf, max);
    XMPP_LWIP_UNLOCK();
    return r;
}

static int xmppi_lwip_send(void *ctx, const void *buf, size_t max)
{
    int r;

    XMPP_LWIP_LOCK();
    r = xmppi_lwip_put_out((xmpp_lwip *)ctx, buf, max);
    XMPP_LWIP_UNLOCK();
    return r;
}

static int xmppi_lwip_close(void *ctx, bool now)
{
    int r;

    XMPP_LWIP_LOCK();
    r = xmppi_lwip_end((xmpp_lwip *)ctx, now);
    XMPP_LWIP_UNLOCK();
    return r;
}

static unsigned xmppi_lwip_wants(void *ctx)
{
    const xmpp_lwip *n = (const xmpp_lwip *)ctx;
    unsigned can, state;

    XMPP_LWIP_LOCK();
    can = xmppi_lwip_ready(n);
    state = n->state;
    XMPP_LWIP_UNLOCK();
    if ((can & XMPP_WANT_READ) != 0)
        return XMPP_WANT_NOW;
    return state == XMPPI_LWIP_SHUT ? 0 : state == XMPPI_LWIP_OPEN ? XMPP_WANT_READ : XMPP_WANT_WRITE;
}

static int xmppi_lwip_reason(void *ctx, const char **words)
{
    const xmpp_lwip *n = (const xmpp_lwip *)ctx;
    int error;

    XMPP_LWIP_LOCK();
    error = n->error;
    XMPP_LWIP_UNLOCK();
    if (words != NULL && error != XMPP_OK)
        *words = n->words;
    return error;
}

static uint32_t xmppi_lwip_utc(void *ctx)
{
    const xmpp_lwip *n = (const xmpp_lwip *)ctx;

    return n->platform->utc != NULL ? n->platform->utc(n->ctx) : 0;
}

static uint32_t xmppi_lwip_millis(void *ctx)
{
    (void)ctx;
    return sys_now();
}

/* lwIP has its turn at least once. */
static int xmppi_lwip_wait(void *ctx, unsigned wants, uint32_t ms)
{
    const xmpp_lwip *n = (const xmpp_lwip *)ctx;
    uint32_t start = sys_now(), gone = 0;
    unsigned can;

    do {
        XMPP_LWIP_LOCK();
        can = xmppi_lwip_ready(n);
        XMPP_LWIP_UNLOCK();
        can = (can & wants) | (wants & XMPP_WANT_NOW);
        n->platform->idle(n->ctx, can != 0 ? 0 : ms == XMPP_FOREVER ? ms : ms - gone);
        gone = sys_now() - start;
    } while (can == 0 && gone < ms);
    return 0;
}

/* The name servers that DHCP or the program gave to lwIP. */
static int xmppi_lwip_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    int r = XMPP_E_RESOLVE;

    (void)ctx;
#if LWIP_DNS
    if (i < DNS_MAX_SERVERS) {
        const ip_addr_t *server;

        XMPP_LWIP_LOCK();
        server = dns_getserver((u8_t)i);
        cap = cap < XMPPI_LWIP_INT ? cap : XMPPI_LWIP_INT;
        if (!ip_addr_isany(server) && ipaddr_ntoa_r(server, out, (int)cap) != NULL)
            r = XMPP_OK;
        XMPP_LWIP_UNLOCK();
    }
#else
    (void)i;
    (void)out;
    (void)cap;
#endif
    return r;
}

static const xmpp_io_ops xmppi_lwip_ops = {
    xmppi_lwip_open,  xmppi_lwip_recv,   xmppi_lwip_send, xmppi_lwip_close,  NULL, NULL,
    xmppi_lwip_wants, xmppi_lwip_reason, NULL,            xmppi_lwip_random,
    xmppi_lwip_utc,   xmppi_lwip_millis, xmppi_lwip_wait, xmppi_lwip_resolver, NULL
};

XMPP_API xmpp_io xmpp_lwip_io(xmpp_lwip *n, const xmpp_lwip_platform *platform, void *ctx)
{
    xmpp_io io;

    n->platform = platform;
    n->ctx = ctx;
    io.ops = &xmppi_lwip_ops;
    io.ctx = n;
    return io;
}

#ifdef __cplusplus
}
#endif
#endif /* XMPP_IO_LWIP_IMPLEMENTATION */
