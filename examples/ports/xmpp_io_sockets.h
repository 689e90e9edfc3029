/* xmpp_io_sockets.h - TCP and UDP for xmpp.h over BSD-like sockets: lwIP's, Zephyr's, or those of any POSIX-like system, such
   as ESP-IDF. MIT License, that of xmpp.h.

   Copy it beside xmpp.h. In ONE .c file:       #define XMPP_IO_SOCKETS_IMPLEMENTATION
                                                #include "xmpp_io_sockets.h"
   and one of these before it, in every file that includes it:
       #define XMPP_SOCKETS_LWIP        lwip_socket and so on; lwIP 2.1 with LWIP_SOCKET, LWIP_DNS and LWIP_SOCKET_POLL
       #define XMPP_SOCKETS_ZEPHYR      zsock_socket and so on; CONFIG_NET_SOCKETS
       neither                          socket and so on, <poll.h>

       static int      my_random(void *out, size_t n) { ... }   // a cryptographic source; XMPP_OK or XMPP_E_ENTROPY
       static uint32_t my_utc(void)    { ... }                  // seconds since 1970, 0 while it is not known
       static uint32_t my_millis(void) { ... }                  // a monotonic clock that may wrap
       static const xmpp_sockets_platform board = { my_random, my_utc, my_millis };
       static xmpp_sockets net;
       ... xmpp_init(&client, &config, &account, tls_over(xmpp_sockets_io(&net, &board))) ...

   It never blocks but in wait, and in open when the host is a name: that asks the name servers, for as long as the stack's
   getaddrinfo does. Each of a host's addresses is tried in turn, 10 seconds each. Leave account.dns NULL: its queries need
   name servers, and this transport knows none.
   One xmpp_sockets belongs to one task, which alone calls xmpp_step, xmpp_wait and all that sends. */

#ifndef XMPP_IO_SOCKETS_H
#define XMPP_IO_SOCKETS_H

#include "xmpp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the board gives. utc may be NULL. */
typedef struct xmpp_sockets_platform {
    int      (*random)(void *out, size_t n);
    uint32_t (*utc)(void);
    uint32_t (*millis)(void);
} xmpp_sockets_platform;

typedef struct xmpp_sockets {   /* private; xmpp_sockets_io fills it */
    const xmpp_sockets_platform *board;
    void    *list, *at;         /* addresses, while connecting */
    uint32_t started;
    int      fd, cause;
    int16_t  error;
    uint8_t  state;
    bool     udp;
    char     words[48];
} xmpp_sockets;

XMPP_API xmpp_io xmpp_sockets_io(xmpp_sockets *s, const xmpp_sockets_platform *board);
/* The socket, for a loop that waits for more than this one; -1 when there is none. Ask again after each step. */
XMPP_API int xmpp_sockets_fd(const xmpp_sockets *s);

#ifdef __cplusplus
}
#endif
#endif /* XMPP_IO_SOCKETS_H */

#if defined(XMPP_IO_SOCKETS_IMPLEMENTATION) && !defined(XMPPI_SOCK_IMPLEMENTED)
#define XMPPI_SOCK_IMPLEMENTED

#include <stdio.h>

/* The stacks differ in names alone. */
#if defined(XMPP_SOCKETS_LWIP)
#include <lwip/errno.h>
#include <lwip/netdb.h>
#include <lwip/sockets.h>
typedef struct addrinfo xmppi_sock_info;
typedef struct pollfd   xmppi_sock_pollfd;
#define XMPPI_SOCK(name) lwip_##name
#define XMPPI_SOCK_IN    POLLIN
#define XMPPI_SOCK_OUT   POLLOUT
#elif defined(XMPP_SOCKETS_ZEPHYR)
#include <errno.h>
#include <zephyr/net/socket.h>
typedef struct zsock_addrinfo xmppi_sock_info;
typedef struct zsock_pollfd   xmppi_sock_pollfd;
#define XMPPI_SOCK(name) zsock_##name
#define XMPPI_SOCK_IN    ZSOCK_POLLIN
#define XMPPI_SOCK_OUT   ZSOCK_POLLOUT
#ifdef ZVFS_O_NONBLOCK          /* Zephyr 3.7 and newer */
#define XMPPI_SOCK_SETFL    ZVFS_F_SETFL
#define XMPPI_SOCK_NONBLOCK ZVFS_O_NONBLOCK
#else
#include <fcntl.h>
#endif
#else
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#ifdef ESP_PLATFORM
#include <sys/poll.h>
#else
#include <poll.h>
#endif
#include <sys/socket.h>
#include <unistd.h>
typedef struct addrinfo xmppi_sock_info;
typedef struct pollfd   xmppi_sock_pollfd;
#define XMPPI_SOCK(name) name
#define XMPPI_SOCK_IN    POLLIN
#define XMPPI_SOCK_OUT   POLLOUT
#endif
#ifndef XMPPI_SOCK_SETFL
#define XMPPI_SOCK_SETFL    F_SETFL
#define XMPPI_SOCK_NONBLOCK O_NONBLOCK
#endif
#ifdef MSG_NOSIGNAL             /* where there are signals: no SIGPIPE */
#define XMPPI_SOCK_SEND MSG_NOSIGNAL
#else
#define XMPPI_SOCK_SEND 0
#endif
#define XMPPI_SOCK_MS 10000u    /* for one address */

#ifdef __cplusplus
extern "C" {
#endif

enum { XMPPI_SOCK_SHUT, XMPPI_SOCK_CONNECTING, XMPPI_SOCK_OPEN, XMPPI_SOCK_FAILED };

static xmpp_sockets *xmppi_sock_self(void *ctx)
{
    return (xmpp_sockets *)ctx;
}

static void xmppi_sock_drop(xmpp_sockets *s)
{
    if (s->fd >= 0)
        (void)XMPPI_SOCK(close)(s->fd);
    s->fd = -1;
}

static void xmppi_sock_forget(xmpp_sockets *s)
{
    if (s->list != NULL)
        XMPPI_SOCK(freeaddrinfo)((xmppi_sock_info *)s->list);
    s->list = s->at = NULL;
}

static int xmppi_sock_close(void *ctx, bool now)
{
    xmpp_sockets *s = xmppi_sock_self(ctx);

    (void)now;                  /* what was sent is the stack's by now */
    xmppi_sock_drop(s);
    xmppi_sock_forget(s);
    s->state = XMPPI_SOCK_SHUT;
    return 1;
}

static int xmppi_sock_fail(xmpp_sockets *s, int error, const char *what, int cause)
{
    s->error = (int16_t)error;
    snprintf(s->words, sizeof s->words, "%s: error %d of the stack", what, cause);
    return error;
}

/* Begins with the next address that does not fail at once. */
static void xmppi_sock_next(xmpp_sockets *s)
{
    while (s->at != NULL) {
        const xmppi_sock_info *a = (const xmppi_sock_info *)s->at;

        s->at = a->ai_next;
        s->fd = XMPPI_SOCK(socket)(a->ai_family, a->ai_socktype, a->ai_protocol);
        s->started = s->board->millis();
        if (s->fd >= 0 && XMPPI_SOCK(fcntl)(s->fd, XMPPI_SOCK_SETFL, XMPPI_SOCK_NONBLOCK) == 0 &&
            (XMPPI_SOCK(connect)(s->fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS))
            return;
        xmppi_sock_fail(s, XMPP_E_CONNECT, "connect", errno);
        xmppi_sock_drop(s);
    }
    xmppi_sock_forget(s);
    s->state = XMPPI_SOCK_FAILED;
}

static int xmppi_sock_open(void *ctx, const xmpp_target *to)
{
    xmpp_sockets *s = xmppi_sock_self(ctx);
    xmppi_sock_info hints, *list = NULL;
    char port[6];
    int e;

    xmppi_sock_close(s, true);
    s->error = XMPP_OK;
    s->udp = to->udp;
    snprintf(port, sizeof port, "%u", (unsigned)to->port);
    memset(&hints, 0, sizeof hints);        /* AF_UNSPEC is 0 everywhere */
    hints.ai_socktype = to->udp ? SOCK_DGRAM : SOCK_STREAM;
    hints.ai_protocol = to->udp ? IPPROTO_UDP : IPPROTO_TCP;
    e = XMPPI_SOCK(getaddrinfo)(to->host, port, &hints, &list);
    if (e != 0) {
        s->state = XMPPI_SOCK_FAILED;
        return xmppi_sock_fail(s, XMPP_E_RESOLVE, "getaddrinfo", e);
    }
    s->list = s->at = list;
    s->state = XMPPI_SOCK_CONNECTING;
    xmppi_sock_next(s);
    return s->state == XMPPI_SOCK_FAILED ? s->error : XMPP_OK;
}

static int xmppi_sock_poll(const xmpp_sockets *s, short events, int ms)
{
    xmppi_sock_pollfd f;

    f.fd = s->fd;
    f.events = events;
    f.revents = 0;
    return XMPPI_SOCK(poll)(&f, 1, ms);
}

/* Looks after connecting. Returns 1 when open, 0 while connecting, or XMPP_IO_ERROR. */
static int xmppi_sock_ready(xmpp_sockets *s)
{
    int e = ETIMEDOUT;
    socklen_t n = sizeof e;

    if (s->state == XMPPI_SOCK_OPEN)
        return 1;
    if (s->state != XMPPI_SOCK_CONNECTING)
        return XMPP_IO_ERROR;
    if (xmppi_sock_poll(s, XMPPI_SOCK_OUT, 0) > 0) {
        if (XMPPI_SOCK(getsockopt)(s->fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0)
            e = errno;
        if (e == 0) {
            xmppi_sock_forget(s);
            s->state = XMPPI_SOCK_OPEN;
            return 1;
        }
    } else if (s->board->millis() - s->started < XMPPI_SOCK_MS) {
        return 0;
    }
    xmppi_sock_drop(s);
    xmppi_sock_fail(s, XMPP_E_CONNECT, "connect", e);
    xmppi_sock_next(s);
    return s->state == XMPPI_SOCK_FAILED ? XMPP_IO_ERROR : 0;
}

/* What recv and send return when the stack said no. */
static int xmppi_sock_trouble(xmpp_sockets *s, const char *what)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return 0;
    xmppi_sock_fail(s, XMPP_E_TRANSPORT, what, errno);
    return XMPP_IO_ERROR;
}

static int xmppi_sock_recv(void *ctx, void *buf, size_t n)
{
    xmpp_sockets *s = xmppi_sock_self(ctx);
    const int r = xmppi_sock_ready(s);
    int got;

    if (r <= 0 || n == 0)
        return r < 0 ? r : 0;
    got = (int)XMPPI_SOCK(recv)(s->fd, buf, n < 0x7FFF ? n : 0x7FFF, 0);
    if (got == 0)
        return s->udp ? 0 : XMPP_IO_EOF;        /* an empty datagram ends nothing */
    return got > 0 ? got : xmppi_sock_trouble(s, "recv");
}

static int xmppi_sock_send(void *ctx, const void *buf, size_t n)
{
    xmpp_sockets *s = xmppi_sock_self(ctx);
    const int r = xmppi_sock_ready(s);
    int put;

    if (r <= 0 || n == 0)
        return r < 0 ? r : 0;
    put = (int)XMPPI_SOCK(send)(s->fd, buf, n < 0x7FFF ? n : 0x7FFF, XMPPI_SOCK_SEND);
    return put >= 0 ? put : xmppi_sock_trouble(s, "send");
}

/* Who has bytes to send adds XMPP_WANT_WRITE. */
static unsigned xmppi_sock_wants(void *ctx)
{
    xmpp_sockets *s = xmppi_sock_self(ctx);

    if (s->state == XMPPI_SOCK_SHUT)
        return 0;
    switch (xmppi_sock_ready(s)) {
    case 0:  return XMPP_WANT_WRITE;
    case 1:  return XMPP_WANT_READ;
    default: return XMPP_WANT_NOW;      /* the error is waiting to be fetched */
    }
}

static int xmppi_sock_reason(void *ctx, const char **words)
{
    const xmpp_sockets *s = xmppi_sock_self(ctx);

    if (s->error != XMPP_OK)
        *words = s->words;
    return s->error;
}

static int xmppi_sock_random(void *ctx, void *out, size_t n)
{
    return xmppi_sock_self(ctx)->board->random(out, n);
}

static uint32_t xmppi_sock_utc(void *ctx)
{
    const xmpp_sockets *s = xmppi_sock_self(ctx);
    return s->board->utc != NULL ? s->board->utc() : 0;
}

static uint32_t xmppi_sock_millis(void *ctx)
{
    return xmppi_sock_self(ctx)->board->millis();
}

static int xmppi_sock_wait(void *ctx, unsigned wants, uint32_t ms)
{
    xmpp_sockets *s = xmppi_sock_self(ctx);
    int events = ((wants & XMPP_WANT_READ) != 0 ? XMPPI_SOCK_IN : 0) | ((wants & XMPP_WANT_WRITE) != 0 ? XMPPI_SOCK_OUT : 0);
    uint32_t gone;

    if (s->state == XMPPI_SOCK_CONNECTING) {    /* the address may run out of time before that */
        gone = s->board->millis() - s->started;
        if (gone >= XMPPI_SOCK_MS)
            return 0;
        ms = ms < XMPPI_SOCK_MS - gone ? ms : XMPPI_SOCK_MS - gone;
    }
    if ((wants & XMPP_WANT_NOW) != 0)
        return 0;
    if (s->fd < 0)
        events = 0;
    if (ms > 60000)             /* the caller comes again */
        ms = 60000;
    (void)xmppi_sock_poll(s, (short)events, (int)ms);
    return 0;
}

static const xmpp_io_ops xmppi_sock_ops = {
    xmppi_sock_open, xmppi_sock_recv, xmppi_sock_send, xmppi_sock_close, NULL, NULL, xmppi_sock_wants, xmppi_sock_reason, NULL,
    xmppi_sock_random, xmppi_sock_utc, xmppi_sock_millis, xmppi_sock_wait, NULL, NULL
};

XMPP_API xmpp_io xmpp_sockets_io(xmpp_sockets *s, const xmpp_sockets_platform *board)
{
    xmpp_io io;

    memset(s, 0, sizeof *s);
    s->board = board;
    s->fd = -1;
    io.ops = &xmppi_sock_ops;
    io.ctx = s;
    return io;
}

XMPP_API int xmpp_sockets_fd(const xmpp_sockets *s)
{
    return s->fd;
}

#ifdef __cplusplus
}
#endif
#endif /* XMPP_IO_SOCKETS_IMPLEMENTATION */
