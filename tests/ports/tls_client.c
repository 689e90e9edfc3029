/* Logs in over one of the TLS adapters and tells on standard output what happened. Compiled twice, with -DWITH_OPENSSL and
   with -DWITH_MBEDTLS, and -DWITH_SOCKETS puts examples/ports/xmpp_io_sockets.h below instead of xmpp_posix_io.
       tls_client JID PORT start|direct CA|- [pin=HEX] [cert=PEM] [key=PEM] [max=1.2|1.3] [cut=BYTES]
   Sends presence and answers chat messages; leaves in order at the message "bye" and after the first end of a connection. */
#define XMPP_IMPLEMENTATION
#include "../../xmpp.h"
#include <stdio.h>
#include <stdlib.h>
#ifdef WITH_SOCKETS
#define XMPP_IO_SOCKETS_IMPLEMENTATION
#include "../../examples/ports/xmpp_io_sockets.h"
#include "sockets_host.h"
#endif
#ifdef WITH_OPENSSL
#define XMPP_TLS_OPENSSL_IMPLEMENTATION
#include "../../examples/tls/xmpp_tls_openssl.h"
#else
#define XMPP_TLS_MBEDTLS_IMPLEMENTATION
#include "../../examples/tls/xmpp_tls_mbedtls.h"
#endif

/* ---- a layer below TLS that lets few bytes through at a time, 0: any number ---- */

static xmpp_io     whole;
static xmpp_io_ops cut_ops;
static size_t      cut;

static int cut_recv(void *ctx, void *buf, size_t n)
{
    return whole.ops->recv(ctx, buf, cut != 0 && n > cut ? cut : n);
}

static int cut_send(void *ctx, const void *buf, size_t n)
{
    return whole.ops->send(ctx, buf, cut != 0 && n > cut ? cut : n);
}

static xmpp_io cut_io(xmpp_io below)
{
    xmpp_io io = below;

    whole = below;
    cut_ops = *below.ops;
    cut_ops.recv = cut_recv;
    cut_ops.send = cut_send;
    io.ops = &cut_ops;
    return io;
}

/* ---- the adapter ---- */

static const char *ca, *cert, *key, *highest;
static unsigned char pin[1][32];
static bool pinned;

#ifdef WITH_OPENSSL
static xmpp_openssl tls;
static xmpp_openssl_config tls_config;

static void versions(SSL *ssl)
{
    if (highest != NULL)
        SSL_set_max_proto_version(ssl, strcmp(highest, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
}

static xmpp_io tls_io(xmpp_io below)
{
    tls_config.ca_file = ca;
    tls_config.cert_file = cert;
    tls_config.key_file = key;
    tls_config.setup = versions;
    if (pinned) {
        tls_config.pins = (const unsigned char (*)[32])pin;
        tls_config.pin_count = 1;
        tls_config.pins_alone_replace_ca = ca == NULL;
    }
    return xmpp_openssl_io(&tls, &tls_config, below);
}

static void tls_free(void)
{
    xmpp_openssl_free(&tls);
}
#define tls_version xmpp_openssl_version
#define tls_cipher  xmpp_openssl_cipher
#else
static xmpp_mbedtls tls;
static xmpp_mbedtls_config tls_config;
static mbedtls_x509_crt roots, own;
static mbedtls_pk_context own_key;

static void versions(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    if (highest != NULL)
        mbedtls_ssl_conf_max_tls_version(conf, strcmp(highest, "1.2") == 0 ? MBEDTLS_SSL_VERSION_TLS1_2
                                                                           : MBEDTLS_SSL_VERSION_TLS1_3);
#else
    (void)conf;
#endif
}

static xmpp_io tls_io(xmpp_io below)
{
    tls_config.floor = 1700000000;
    tls_config.setup = versions;
    mbedtls_x509_crt_init(&roots);
    mbedtls_x509_crt_init(&own);
    mbedtls_pk_init(&own_key);
    if (ca != NULL) {
        if (mbedtls_x509_crt_parse_file(&roots, ca) != 0)
            exit(3);
        tls_config.ca = &roots;
    }
    if (cert != NULL) {
        if (mbedtls_x509_crt_parse_file(&own, cert) != 0 ||
#if MBEDTLS_VERSION_NUMBER >= 0x04000000
            mbedtls_pk_parse_keyfile(&own_key, key, NULL) != 0)
#elif MBEDTLS_VERSION_NUMBER >= 0x03000000
            mbedtls_pk_parse_keyfile(&own_key, key, NULL, xmpp_mbedtls_random, &below) != 0)
#else
            mbedtls_pk_parse_keyfile(&own_key, key, NULL) != 0)
#endif
            exit(3);
        tls_config.cert = &own;
        tls_config.key = &own_key;
    }
    if (pinned) {
        tls_config.pins = (const unsigned char (*)[32])pin;
        tls_config.pin_count = 1;
        tls_config.pins_alone_replace_ca = ca == NULL;
    }
    return xmpp_mbedtls_io(&tls, &tls_config, below);
}

static void tls_free(void)
{
    xmpp_mbedtls_free(&tls);
    mbedtls_x509_crt_free(&roots);
    mbedtls_x509_crt_free(&own);
    mbedtls_pk_free(&own_key);
}
#define tls_version xmpp_mbedtls_version
#define tls_cipher  xmpp_mbedtls_cipher
#endif

/* ---- the client ---- */

static xmpp_client   client;
static xmpp_sm       sm;
static unsigned char rx[256], arena[2048], queue[2048];
#ifdef WITH_SOCKETS
static xmpp_sockets  net;
#else
static xmpp_posix    net;
#endif

static void options(int argc, char **argv)
{
    int i, k;
    unsigned byte;

    for (i = 5; i < argc; i++)
        if (strncmp(argv[i], "pin=", 4) == 0) {
            pinned = true;
            for (k = 0; k < 32 && sscanf(argv[i] + 4 + 2 * k, "%2x", &byte) == 1; k++)
                pin[0][k] = (unsigned char)byte;
        } else if (strncmp(argv[i], "cert=", 5) == 0)
            cert = argv[i] + 5;
        else if (strncmp(argv[i], "key=", 4) == 0)
            key = argv[i] + 4;
        else if (strncmp(argv[i], "max=", 4) == 0)
            highest = argv[i] + 4;
        else if (strncmp(argv[i], "cut=", 4) == 0)
            cut = (size_t)atoi(argv[i] + 4);
}

static void say_binding(xmpp_io io, const char *type)
{
    unsigned char data[64];
    const int n = io.ops->binding(io.ctx, type, data, sizeof data);
    int i;

    printf("binding %s ", type);
    for (i = 0; i < n; i++)
        printf("%02x", (unsigned)data[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    xmpp_account account = { .sm = &sm, XMPP_BUFFERS(rx, arena, queue) };
    xmpp_config config = xmpp_default_config;
    const xmpp_event *ev;
    xmpp_io below, io;
    int error, result = 1;

    if (argc < 5)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    account.jid = argv[1];
    account.password = getenv("XMPP_PASSWORD");
    account.host = "127.0.0.1";
    account.port = (uint16_t)atoi(argv[2]);
    config.tls = strcmp(argv[3], "direct") == 0 ? XMPP_TLS_DIRECT : XMPP_TLS_START;
    config.reconnect = NULL;
    ca = strcmp(argv[4], "-") == 0 ? NULL : argv[4];
    options(argc, argv);
    account.use_cert = cert != NULL;
#ifdef WITH_SOCKETS
    below = xmpp_sockets_io(&net, &host_board);
#else
    below = xmpp_posix_io(&net);
#endif
    io = tls_io(cut_io(below));
    error = xmpp_init(&client, &config, &account, io);
    while (error == XMPP_OK && result == 1 && (ev = xmpp_wait(&client, XMPP_FOREVER)) != NULL)
        switch (ev->type) {
        case XMPP_EV_ONLINE:
            printf("online %s %s\n", tls_version(&tls), tls_cipher(&tls));
            say_binding(io, "tls-server-end-point");
            say_binding(io, "tls-exporter");
            say_binding(io, "tls-unique");
            xmpp_presence(&client, XMPP_SHOW_ONLINE, "a reading");
            break;
        case XMPP_EV_MESSAGE:
            if (strcmp(ev->body, "bye") == 0)
                xmpp_close(&client);
            else if (strcmp(ev->kind, "chat") == 0)
                xmpp_message(&client, ev->from, ev->body);
            break;
        case XMPP_EV_OFFLINE:
            printf("offline %s %s\n", xmpp_errname(ev->error), ev->text);
            result = 0;
            break;
        default:
            break;
        }
    if (error != XMPP_OK)
        printf("error %s\n", xmpp_errname(error));
    tls_free();
#ifndef WITH_SOCKETS
    xmpp_posix_close(&net);
#endif
    return result;
}
