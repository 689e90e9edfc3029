/* xmpp_io_arduino.h - xmpp.h over Arduino's Client: WiFiClient, EthernetClient, a modem's. SPDX-License-Identifier: MIT

   PLAIN     xmpp_arduino_io(&net, client, random, utc)           a Client without TLS; put TLS over it (xmpp_tls_mbedtls.h on
             the ESP32), or nothing (XMPP_TLS_NONE_UNSAFE) on a wire that you trust.
   SECURE    xmpp_arduino_secure_io(&net, client, random, utc)    a Client that does TLS itself, such as WiFiClientSecure, for
             XMPP_TLS_DIRECT alone. That client checks the certificate, and it does so against the host that it connects to:
             therefore the host must be the address's domain, and SRV records are not followed. Give it a certificate
             authority, and never setInsecure().

   random fills n bytes from a cryptographic source and returns XMPP_OK, or XMPP_E_ENTROPY. utc returns seconds since 1970, 0
   while they are not known; NULL: never.
   Most Clients block: in connect, and in write when their buffers are full. For those times xmpp_step blocks too. */
#ifndef XMPP_IO_ARDUINO_H
#define XMPP_IO_ARDUINO_H

#include <Arduino.h>
#include <Client.h>
#include "xmpp.h"

typedef struct xmpp_arduino {           /* private; xmpp_arduino_io fills it */
    Client  *client;
    int    (*random)(void *out, size_t n);
    uint32_t (*utc)(void);
    const char *words;
    int16_t  error;
    bool     open;
} xmpp_arduino;

/* The functions below are those of xmpp_io_ops. */

static inline xmpp_arduino *xmppi_ino(void *ctx)
{
    return static_cast<xmpp_arduino *>(ctx);
}

static inline int xmppi_ino_fail(xmpp_arduino *a, int error, const char *words)
{
    a->error = static_cast<int16_t>(error);
    a->words = words;
    return error;
}

static inline int xmppi_ino_open(void *ctx, const xmpp_target *to)
{
    xmpp_arduino *a = xmppi_ino(ctx);

    a->client->stop();
    a->error = XMPP_OK;
    a->open = !to->udp && a->client->connect(to->host, to->port) == 1;
    return a->open ? XMPP_OK : xmppi_ino_fail(a, XMPP_E_CONNECT, to->udp ? "no UDP here" : "Client::connect failed");
}

static inline int xmppi_ino_secure_open(void *ctx, const xmpp_target *to)
{
    if (!to->tls)
        return xmppi_ino_fail(xmppi_ino(ctx), XMPP_E_NO_TLS, "a secure Client needs config.tls = XMPP_TLS_DIRECT");
    if (strcmp(to->host, to->tls_name) != 0)
        return xmppi_ino_fail(xmppi_ino(ctx), XMPP_E_TLS_NAME, "a secure Client checks the host: it must be the domain");
    return xmppi_ino_open(ctx, to);
}

/* Never called: a secure Client is open only with TLS. */
static inline int xmppi_ino_no_start(void *ctx, const char *tls_name)
{
    (void)tls_name;
    return xmppi_ino_fail(xmppi_ino(ctx), XMPP_E_STATE, "a secure Client knows no STARTTLS");
}

/* What lies in the Client's buffer is read also after the peer closed. */
static inline int xmppi_ino_recv(void *ctx, void *buf, size_t n)
{
    xmpp_arduino *a = xmppi_ino(ctx);
    int got;

    if (!a->open)
        return XMPP_IO_ERROR;
    if (a->client->available() <= 0)
        return a->client->connected() ? 0 : XMPP_IO_EOF;
    got = a->client->read(static_cast<uint8_t *>(buf), n < 0x7FFF ? n : 0x7FFF);
    return got > 0 ? got : 0;
}

static inline int xmppi_ino_send(void *ctx, const void *buf, size_t n)
{
    xmpp_arduino *a = xmppi_ino(ctx);
    size_t put;

    if (!a->open)
        return XMPP_IO_ERROR;
    put = a->client->write(static_cast<const uint8_t *>(buf), n < 0x7FFF ? n : 0x7FFF);
    return put > 0 ? static_cast<int>(put) : a->client->connected() ? 0 : XMPP_IO_EOF;
}

static inline int xmppi_ino_close(void *ctx, bool now)
{
    xmpp_arduino *a = xmppi_ino(ctx);

    (void)now;
    a->client->stop();
    a->open = false;
    return 1;
}

static inline int xmppi_ino_reason(void *ctx, const char **words)
{
    xmpp_arduino *a = xmppi_ino(ctx);

    if (a->error != XMPP_OK)
        *words = a->words;
    return a->error;
}

static inline int xmppi_ino_random(void *ctx, void *out, size_t n)
{
    return xmppi_ino(ctx)->random(out, n);
}

static inline uint32_t xmppi_ino_utc(void *ctx)
{
    xmpp_arduino *a = xmppi_ino(ctx);
    return a->utc != NULL ? a->utc() : 0;
}

static inline uint32_t xmppi_ino_millis(void *ctx)
{
    (void)ctx;
    return millis();
}

static inline xmpp_io xmppi_ino_io(xmpp_arduino *a, const xmpp_io_ops *ops, Client &client, int (*random)(void *, size_t),
                                   uint32_t (*utc)(void))
{
    xmpp_io io = { ops, a };

    a->client = &client;
    a->random = random;
    a->utc = utc;
    a->words = "";
    a->error = XMPP_OK;
    a->open = false;
    return io;
}

static inline xmpp_io xmpp_arduino_io(xmpp_arduino *a, Client &client, int (*random)(void *, size_t), uint32_t (*utc)(void))
{
    static const xmpp_io_ops ops = {
        xmppi_ino_open, xmppi_ino_recv, xmppi_ino_send, xmppi_ino_close, NULL, NULL, NULL, xmppi_ino_reason, NULL,
        xmppi_ino_random, xmppi_ino_utc, xmppi_ino_millis, NULL, NULL, NULL
    };
    return xmppi_ino_io(a, &ops, client, random, utc);
}

static inline xmpp_io xmpp_arduino_secure_io(xmpp_arduino *a, Client &client, int (*random)(void *, size_t),
                                             uint32_t (*utc)(void))
{
    static const xmpp_io_ops ops = {
        xmppi_ino_secure_open, xmppi_ino_recv, xmppi_ino_send, xmppi_ino_close, xmppi_ino_no_start, NULL, NULL,
        xmppi_ino_reason, NULL, xmppi_ino_random, xmppi_ino_utc, xmppi_ino_millis, NULL, NULL, NULL
    };
    return xmppi_ino_io(a, &ops, client, random, utc);
}

#endif
