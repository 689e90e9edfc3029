/* xmpp_io_winsock.h - an xmpp_io over Windows sockets: TCP, and UDP for xmpp_resolve.  SPDX: MIT

   Include it after xmpp.h in the file that makes the io. It calls ws2_32, bcrypt and iphlpapi.

     static xmpp_winsock net;
     ... xmpp_init(&client, &config, &account, xmpp_bearssl_system_io(&tls, "ca.pem", xmpp_winsock_io(&net)));

   Nothing blocks but getaddrinfo, which is called for a host that is a name; with account.dns there are addresses alone.
   Each address of a name is tried in turn, 10 seconds each. xmpp_wait and xmpp_ask work; nothing wakes them from another
   thread. On Windows BearSSL finds no trust anchors by itself: name a file of them. */
#ifndef XMPP_IO_WINSOCK_H
#define XMPP_IO_WINSOCK_H

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0600             /* Vista: getaddrinfo, BCryptGenRandom */
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
#include <bcrypt.h>
#include <iphlpapi.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

enum { XMPP_WINSOCK_SHUT, XMPP_WINSOCK_CONNECTING, XMPP_WINSOCK_OPEN, XMPP_WINSOCK_FAILED };
enum { XMPP_WINSOCK_ADDRESS_MS = 10000 };

typedef struct xmpp_winsock {
    SOCKET           fd;
    struct addrinfo *list, *at;         /* of the host; at: the address to try next */
    uint32_t         started;
    int              error, state;
    bool             udp;
    char             words[300];        /* why it failed */
} xmpp_winsock;

static uint32_t xmpp_winsock_millis(void *ctx) { (void)ctx; return GetTickCount(); }

/* Notes what failed and why, in the system's words. */
static int xmpp_winsock_cause(xmpp_winsock *p, int error, const char *what, int code)
{
    char why[160];
    DWORD n = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, (DWORD)code, 0, why,
                             sizeof why, NULL);

    while (n > 0 && (unsigned char)why[n - 1] <= ' ')
        n--;
    snprintf(p->words, sizeof p->words, "%s: %.*s (%d)", what, (int)n, why, code);
    p->error = error;
    return error;
}

static void xmpp_winsock_drop(xmpp_winsock *p)
{
    if (p->fd != INVALID_SOCKET)
        closesocket(p->fd);
    p->fd = INVALID_SOCKET;
}

static int xmpp_winsock_close(void *ctx, bool now)
{
    xmpp_winsock *p = (xmpp_winsock *)ctx;

    (void)now;                          /* what was sent is the system's by now */
    xmpp_winsock_drop(p);
    if (p->list != NULL)
        freeaddrinfo(p->list);
    p->list = p->at = NULL;
    p->state = XMPP_WINSOCK_SHUT;
    return 1;
}

/* Begins to connect to the next address that does not fail at once. */
static void xmpp_winsock_next(xmpp_winsock *p)
{
    u_long yes = 1;
    BOOL one = TRUE;

    for (; p->at != NULL; p->at = p->at->ai_next) {
        p->started = GetTickCount();
        p->fd = socket(p->at->ai_family, p->at->ai_socktype, p->at->ai_protocol);
        if (p->fd != INVALID_SOCKET && ioctlsocket(p->fd, (long)FIONBIO, &yes) == 0) {
            if (!p->udp)                /* the client sends whole stanzas: waiting for more would only delay them */
                setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, (const char *)&one, sizeof one);
            if (connect(p->fd, p->at->ai_addr, (int)p->at->ai_addrlen) == 0 || WSAGetLastError() == WSAEWOULDBLOCK) {
                p->at = p->at->ai_next;
                return;
            }
        }
        xmpp_winsock_cause(p, XMPP_E_CONNECT, "connect", WSAGetLastError());
        xmpp_winsock_drop(p);
    }
    p->state = XMPP_WINSOCK_FAILED;
}

static int xmpp_winsock_open(void *ctx, const xmpp_target *to)
{
    xmpp_winsock *p = (xmpp_winsock *)ctx;
    struct addrinfo hints;
    char port[8], host[256];
    size_t n = strlen(to->host);
    int e;

    xmpp_winsock_close(p, true);
    p->error = XMPP_OK;
    p->udp = to->udp;
    if (n >= sizeof host)
        return xmpp_winsock_cause(p, XMPP_E_RESOLVE, "host", WSAENAMETOOLONG);
    memcpy(host, to->host, n + 1);
    if (host[0] == '[' && n > 2 && host[n - 1] == ']') {    /* IPv6 as in a JID */
        memmove(host, host + 1, n - 2);
        host[n - 2] = '\0';
    }
    snprintf(port, sizeof port, "%u", (unsigned)to->port);
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = to->udp ? SOCK_DGRAM : SOCK_STREAM;
    hints.ai_protocol = to->udp ? IPPROTO_UDP : IPPROTO_TCP;
    hints.ai_flags = AI_NUMERICHOST;    /* an address asks nobody */
    e = getaddrinfo(host, port, &hints, &p->list);
    if (e != 0 && !to->udp) {
        hints.ai_flags = 0;
        e = getaddrinfo(host, port, &hints, &p->list);
    }
    if (e != 0) {
        p->list = NULL;
        p->state = XMPP_WINSOCK_FAILED;
        return xmpp_winsock_cause(p, XMPP_E_RESOLVE, "look up the host", e);
    }
    p->at = p->list;
    p->state = XMPP_WINSOCK_CONNECTING;
    xmpp_winsock_next(p);
    return p->state == XMPP_WINSOCK_FAILED ? p->error : XMPP_OK;
}

/* Looks after connecting. 1: open, 0: not yet. A connection that fails is told by `except`, one that stands by `write`. */
static int xmpp_winsock_ready(xmpp_winsock *p)
{
    fd_set write_set, except_set;
    struct timeval none = {0, 0};
    int e = WSAETIMEDOUT, n = (int)sizeof e;

    if (p->state == XMPP_WINSOCK_OPEN)
        return 1;
    if (p->state != XMPP_WINSOCK_CONNECTING)
        return XMPP_IO_ERROR;
    FD_ZERO(&write_set);
    FD_ZERO(&except_set);
    FD_SET(p->fd, &write_set);
    FD_SET(p->fd, &except_set);
    if (select(0, NULL, &write_set, &except_set, &none) > 0) {
        if (FD_ISSET(p->fd, &write_set)) {
            p->state = XMPP_WINSOCK_OPEN;
            return 1;
        }
        if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, (char *)&e, &n) != 0)
            e = WSAGetLastError();
    } else if (GetTickCount() - p->started < XMPP_WINSOCK_ADDRESS_MS)
        return 0;
    xmpp_winsock_cause(p, XMPP_E_CONNECT, "connect", e);
    xmpp_winsock_drop(p);
    xmpp_winsock_next(p);
    return p->state == XMPP_WINSOCK_FAILED ? XMPP_IO_ERROR : 0;
}

static int xmpp_winsock_trouble(xmpp_winsock *p, const char *what)
{
    int e = WSAGetLastError();

    if (e == WSAEWOULDBLOCK || (p->udp && e == WSAECONNRESET))     /* UDP: nobody listens; the resolver's clock runs */
        return 0;
    xmpp_winsock_cause(p, XMPP_E_TRANSPORT, what, e);
    return XMPP_IO_ERROR;
}

static int xmpp_winsock_recv(void *ctx, void *buf, size_t n)
{
    xmpp_winsock *p = (xmpp_winsock *)ctx;
    int got, r = xmpp_winsock_ready(p);

    if (r <= 0 || n == 0)
        return r < 0 ? r : 0;
    got = recv(p->fd, (char *)buf, n < INT_MAX ? (int)n : INT_MAX, 0);
    if (got == 0)
        return p->udp ? 0 : XMPP_IO_EOF;
    return got > 0 ? got : xmpp_winsock_trouble(p, "recv");
}

static int xmpp_winsock_send(void *ctx, const void *buf, size_t n)
{
    xmpp_winsock *p = (xmpp_winsock *)ctx;
    int put, r = xmpp_winsock_ready(p);

    if (r <= 0 || n == 0)
        return r < 0 ? r : 0;
    put = send(p->fd, (const char *)buf, n < INT_MAX ? (int)n : INT_MAX, 0);
    return put >= 0 ? put : xmpp_winsock_trouble(p, "send");
}

static unsigned xmpp_winsock_wants(void *ctx)
{
    xmpp_winsock *p = (xmpp_winsock *)ctx;
    int r = p->state == XMPP_WINSOCK_SHUT ? 2 : xmpp_winsock_ready(p);

    return r == 2 ? 0u : r == 1 ? XMPP_WANT_READ : r == 0 ? XMPP_WANT_WRITE : XMPP_WANT_NOW;
}

static int xmpp_winsock_reason(void *ctx, const char **words)
{
    const xmpp_winsock *p = (const xmpp_winsock *)ctx;

    if (words != NULL && p->error != XMPP_OK)
        *words = p->words;
    return p->error;
}

static int xmpp_winsock_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    return BCryptGenRandom(NULL, (PUCHAR)out, (ULONG)n, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0 ? XMPP_OK : XMPP_E_ENTROPY;
}

static uint32_t xmpp_winsock_utc(void *ctx)
{
    time_t t = time(NULL);

    (void)ctx;
    return t > 0 ? (uint32_t)t : 0;
}

static int xmpp_winsock_wait(void *ctx, unsigned wants, uint32_t ms)
{
    xmpp_winsock *p = (xmpp_winsock *)ctx;
    fd_set read_set, write_set, except_set;
    struct timeval t;

    if (p->state == XMPP_WINSOCK_CONNECTING) {  /* the address may run out of time before that */
        uint32_t gone = GetTickCount() - p->started, left = gone < XMPP_WINSOCK_ADDRESS_MS ? XMPP_WINSOCK_ADDRESS_MS - gone : 0;

        ms = ms < left ? ms : left;
    }
    if ((wants & XMPP_WANT_NOW) != 0)
        ms = 0;
    if (p->fd == INVALID_SOCKET || (wants & (XMPP_WANT_READ | XMPP_WANT_WRITE)) == 0) {
        Sleep(ms);                      /* select takes no empty sets; XMPP_FOREVER is INFINITE */
        return 0;
    }
    FD_ZERO(&read_set);
    FD_ZERO(&write_set);
    FD_ZERO(&except_set);
    FD_SET(p->fd, &except_set);
    if ((wants & XMPP_WANT_READ) != 0)
        FD_SET(p->fd, &read_set);
    if ((wants & XMPP_WANT_WRITE) != 0)
        FD_SET(p->fd, &write_set);
    t.tv_sec = (long)(ms / 1000);
    t.tv_usec = (long)(ms % 1000) * 1000;
    select(0, &read_set, &write_set, &except_set, ms == XMPP_FOREVER ? NULL : &t);
    return 0;
}

/* The IPv4 name servers of this machine. */
static int xmpp_winsock_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    static const char no_server[] = "0.0.0.0";
    FIXED_INFO info[8];                 /* room for it and a list of servers behind */
    ULONG size = (ULONG)sizeof info;
    const IP_ADDR_STRING *s = &info[0].DnsServerList;

    (void)ctx;
    if (GetNetworkParams(info, &size) != ERROR_SUCCESS)
        return XMPP_E_RESOLVE;
    for (; s != NULL && i > 0; i--)
        s = s->Next;
    if (s == NULL || s->IpAddress.String[0] == '\0' || strcmp(s->IpAddress.String, no_server) == 0 ||
        strlen(s->IpAddress.String) >= cap)
        return XMPP_E_RESOLVE;
    memcpy(out, s->IpAddress.String, strlen(s->IpAddress.String) + 1);
    return XMPP_OK;
}

static const xmpp_io_ops xmpp_winsock_ops = {
    xmpp_winsock_open,  xmpp_winsock_recv,   xmpp_winsock_send, xmpp_winsock_close,    NULL, NULL,
    xmpp_winsock_wants, xmpp_winsock_reason, NULL,              xmpp_winsock_random,
    xmpp_winsock_utc,   xmpp_winsock_millis, xmpp_winsock_wait, xmpp_winsock_resolver, NULL
};

/* p has to stay where it is as long as the io is used. Each call starts Winsock once more, which does no harm; a
   program that unloads it calls WSACleanup as often. */
static xmpp_io xmpp_winsock_io(xmpp_winsock *p)
{
    WSADATA data;
    xmpp_io io;

    memset(p, 0, sizeof *p);
    p->fd = INVALID_SOCKET;
    WSAStartup(MAKEWORD(2, 2), &data);  /* when that fails, so does open, with a reason */
    io.ops = &xmpp_winsock_ops;
    io.ctx = p;
    return io;
}

#endif
