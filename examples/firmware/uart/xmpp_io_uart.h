/* xmpp_io_uart.h: a polled UART as the transport of xmpp.h: a modem, a module with its own TCP, a serial bridge. Copy it,
   fill in an xmpp_uart_driver. Plain C99, no allocation, no interrupt. Define XMPP_IO_UART_IMPLEMENTATION in one file.

   A UART knows of bytes alone. Whether there is a connection behind it, and to where, is the business of the modem: `dial`,
   `carrier` and `hang_up` are where its commands (or its DCD pin) come in. Without them the line is taken to lead to the
   server at all times, and an end that nobody tells of is found by the client's own pings (config.ping_ms). It starts
   anew then on the same line, which the other end has to do too.

   Use direct TLS (XMPP_TLS_DIRECT). Bytes leave one by one; some servers' XML parser waits for ever on an element that came
   in such pieces before TLS (expat since 2.6, and older ones with its security fixes). TLS has records, which mend that;
   with STARTTLS the modem must gather what it gets before it sends, as most do.

   While BearSSL computes (up to 30 million instructions at once, more in a turn) nobody empties the UART: have the peer held back by RTS
   and CTS, or let an interrupt or DMA fill a ring that holds a flight of the handshake (2 KB with a chain of two P-256
   certificates), and `get` take from there. Emulators hold back by themselves, silicon loses bytes. */
#ifndef XMPP_IO_UART_H
#define XMPP_IO_UART_H

#include "xmpp.h"

typedef struct xmpp_uart_driver {
    int      (*get)(void *ctx);                         /* the next byte, or -1: none now         */
    bool     (*put)(void *ctx, unsigned char byte);     /* false: no room now                     */
    int      (*random)(void *ctx, void *out, size_t n); /* XMPP_OK, or XMPP_E_ENTROPY             */
    uint32_t (*millis)(void *ctx);
    uint32_t (*utc)(void *ctx);                         /* NULL: no clock                         */
    /* of a modem; each may be NULL */
    int      (*dial)(void *ctx, const xmpp_target *to); /* begins to connect: XMPP_OK, or XMPP_E_CONNECT */
    int      (*carrier)(void *ctx);                     /* 1: connected; 0: it still dials; -1: the connection has ended */
    void     (*hang_up)(void *ctx);
    void     (*idle)(void *ctx);                        /* once while waiting for bytes: sleep until an interrupt */
} xmpp_uart_driver;

typedef struct xmpp_uart {                              /* private */
    const xmpp_uart_driver *driver;
    void   *ctx;
    int16_t held;                                       /* a byte that wait saw; -1: none */
    bool    open;
} xmpp_uart;

/* u must outlive the client, as must driver; ctx is handed to its functions. Returns what goes below TLS. */
XMPP_API xmpp_io xmpp_uart_io(xmpp_uart *u, const xmpp_uart_driver *driver, void *ctx);

#ifdef XMPP_IO_UART_IMPLEMENTATION

enum { XMPPI_UART_STALE = 4096 };       /* at most so many bytes of an earlier connection are thrown away */

static int xmppi_uart_take(xmpp_uart *u)
{
    const int byte = u->held >= 0 ? u->held : u->driver->get(u->ctx);

    u->held = -1;
    return byte;
}

static int xmppi_uart_carrier(const xmpp_uart *u)
{
    return !u->open ? -1 : u->driver->carrier != NULL ? u->driver->carrier(u->ctx) : 1;
}

static int xmppi_uart_open(void *ctx, const xmpp_target *to)
{
    xmpp_uart *u = (xmpp_uart *)ctx;
    int n, error;

    if (to->udp)                        /* no name servers here: the modem resolves names */
        return XMPP_E_CONNECT;
    for (n = 0; n < XMPPI_UART_STALE && xmppi_uart_take(u) >= 0; n++)
        continue;
    error = u->driver->dial != NULL ? u->driver->dial(u->ctx, to) : XMPP_OK;
    u->open = error == XMPP_OK;
    return error;
}

static int xmppi_uart_recv(void *ctx, void *buf, size_t n)
{
    xmpp_uart *u = (xmpp_uart *)ctx;
    const int carrier = xmppi_uart_carrier(u);
    size_t i;
    int byte;

    if (carrier == 0)                   /* what comes now is the modem's */
        return 0;
    if (n > INT16_MAX)
        n = INT16_MAX;
    for (i = 0; i < n && (byte = xmppi_uart_take(u)) >= 0; i++)
        ((unsigned char *)buf)[i] = (unsigned char)byte;
    return i > 0 ? (int)i : carrier < 0 ? XMPP_IO_EOF : 0;
}

static int xmppi_uart_send(void *ctx, const void *buf, size_t n)
{
    xmpp_uart *u = (xmpp_uart *)ctx;
    const int carrier = xmppi_uart_carrier(u);
    size_t i;

    if (carrier <= 0)
        return carrier < 0 ? XMPP_IO_EOF : 0;
    if (n > INT16_MAX)
        n = INT16_MAX;
    for (i = 0; i < n && u->driver->put(u->ctx, ((const unsigned char *)buf)[i]); i++)
        continue;
    return (int)i;
}

static int xmppi_uart_close(void *ctx, bool now)
{
    xmpp_uart *u = (xmpp_uart *)ctx;

    (void)now;
    if (u->open && u->driver->hang_up != NULL)
        u->driver->hang_up(u->ctx);
    u->open = false;
    return 1;
}

static int xmppi_uart_random(void *ctx, void *out, size_t n)
{
    xmpp_uart *u = (xmpp_uart *)ctx;

    return u->driver->random(u->ctx, out, n);
}

static uint32_t xmppi_uart_millis(void *ctx)
{
    xmpp_uart *u = (xmpp_uart *)ctx;

    return u->driver->millis(u->ctx);
}

static uint32_t xmppi_uart_utc(void *ctx)
{
    xmpp_uart *u = (xmpp_uart *)ctx;

    return u->driver->utc != NULL ? u->driver->utc(u->ctx) : 0;
}

static int xmppi_uart_wait(void *ctx, unsigned wants, uint32_t ms)
{
    xmpp_uart *u = (xmpp_uart *)ctx;
    const uint32_t begun = u->driver->millis(u->ctx);

    while (u->held < 0 && (ms == XMPP_FOREVER || u->driver->millis(u->ctx) - begun < ms)) {
        const int carrier = xmppi_uart_carrier(u);
        const int byte = carrier == 1 ? u->driver->get(u->ctx) : -1;

        if (u->open && carrier < 0)
            break;
        if ((wants & XMPP_WANT_NOW) != 0 || ((wants & XMPP_WANT_WRITE) != 0 && carrier != 0)) {
            u->held = (int16_t)byte;    /* connected, a UART takes a byte in no time: try again */
            break;
        }
        u->held = (int16_t)byte;
        if (byte < 0 && u->driver->idle != NULL)
            u->driver->idle(u->ctx);
    }
    return 0;
}

XMPP_API xmpp_io xmpp_uart_io(xmpp_uart *u, const xmpp_uart_driver *driver, void *ctx)
{
    static const xmpp_io_ops ops = {
        .open = xmppi_uart_open, .recv = xmppi_uart_recv, .send = xmppi_uart_send, .close = xmppi_uart_close,
        .random = xmppi_uart_random, .utc = xmppi_uart_utc, .millis = xmppi_uart_millis, .wait = xmppi_uart_wait
    };
    xmpp_io io;

    u->driver = driver;
    u->ctx = ctx;
    u->held = -1;
    u->open = false;
    io.ops = &ops;
    io.ctx = u;
    return io;
}

#endif
#endif

/* SPDX-License-Identifier: MIT, as xmpp.h */
