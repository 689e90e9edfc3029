/* One of the TLS adapters against an OpenSSL server in the same process, over a pipe that cuts, stalls and breaks.
   Compiled twice, with -DWITH_OPENSSL and with -DWITH_MBEDTLS. Usage: tls_peer FOLDER, where tests/unit/tls_certs.sh made the
   certificates. Or: tls_peer FOLDER rows, where tests/unit/test_certs.py made a table of chains and verdicts. Prints ok and FAIL lines, and at last "N passed, N failed". */
#define XMPP_IMPLEMENTATION
#include "../../xmpp.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef WITH_OPENSSL
#define XMPP_TLS_OPENSSL_IMPLEMENTATION
#include "../../examples/tls/xmpp_tls_openssl.h"
#define NAME "openssl"
#else
#define XMPP_TLS_MBEDTLS_IMPLEMENTATION
#include "../../examples/tls/xmpp_tls_mbedtls.h"
#include <openssl/ssl.h>
#include <openssl/x509.h>
#define NAME "mbedtls"
#endif
#include <openssl/rand.h>

#if defined(WITH_OPENSSL) || (MBEDTLS_VERSION_NUMBER >= 0x03000000 && defined(MBEDTLS_SSL_PROTO_TLS1_3))
#define HAS_13 1
#else
#define HAS_13 0
#endif

static int passed, failed;
static const char *folder;

static void check(bool good, const char *what, const char *more)
{
    printf("%s %s: %s%s%s\n", good ? "ok  " : "FAIL", NAME, what, more[0] != 0 ? ": " : "", more);
    if (good)
        passed++;
    else
        failed++;
}

static const char *path(const char *name)
{
    static char text[4][512];
    static unsigned turn;

    turn = (turn + 1) % 4;
    snprintf(text[turn], sizeof text[0], "%s/%s", folder, name);
    return text[turn];
}

/* ---- the pipe ---- */

typedef struct queue { unsigned char b[1 << 18]; size_t n; } queue;
static queue    up, down;               /* to the server, to the client */
static bool     ended;                  /* the peer closed: EOF once down is empty */
static bool     stalls;                 /* about every second call moves nothing */
static unsigned calls;
static size_t   piece, allowed, room;   /* bytes a call moves; that down may still hand out; that up may still take */
static uint32_t now;
static size_t   handed, taken;          /* bytes handed out and taken in this connection */
static bool     broken, no_random, deaf;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t take(queue *q, void *buf, size_t n)
{
    n = least(n, q->n);
    memcpy(buf, q->b, n);
    memmove(q->b, q->b + n, q->n - n);
    q->n -= n;
    return n;
}

static void put(queue *q, const void *buf, size_t n)
{
    if (n > sizeof q->b - q->n)
        abort();
    memcpy(q->b + q->n, buf, n);
    q->n += n;
}

static int pipe_open(void *ctx, const xmpp_target *to)
{
    (void)ctx, (void)to;
    return XMPP_OK;
}

static bool sleeps(void)
{
    calls = calls * 1103515245u + 12345u;
    return stalls && (calls & 0x10000) != 0;
}

static int pipe_recv(void *ctx, void *buf, size_t n)
{
    (void)ctx;
    if (broken)
        return XMPP_IO_ERROR;
    if (sleeps())
        return 0;
    n = take(&down, buf, least(least(n, piece), allowed));
    allowed -= n;
    handed += n;
    return n > 0 ? (int)n : ended ? XMPP_IO_EOF : 0;
}

static int pipe_send(void *ctx, const void *buf, size_t n)
{
    (void)ctx;
    if (broken)
        return XMPP_IO_ERROR;
    if (deaf)
        return XMPP_IO_EOF;
    if (sleeps())
        return 0;
    n = least(least(n, piece), room);
    room -= n;
    taken += n;
    put(&up, buf, n);
    return (int)n;
}

static int pipe_close(void *ctx, bool at_once)
{
    (void)ctx, (void)at_once;
    return 1;
}

static unsigned pipe_wants(void *ctx)
{
    (void)ctx;
    return XMPP_WANT_READ;
}

static int pipe_reason(void *ctx, const char **words)
{
    (void)ctx;
    *words = "the pipe broke";
    return XMPP_E_CONNECT;
}

static int pipe_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    return !no_random && RAND_bytes((unsigned char *)out, (int)n) == 1 ? XMPP_OK : XMPP_E_ENTROPY;
}

static uint32_t pipe_utc(void *ctx)
{
    (void)ctx;
    return now;
}

static const xmpp_io_ops pipe_ops = {
    pipe_open, pipe_recv, pipe_send, pipe_close, NULL, NULL, pipe_wants, pipe_reason, NULL, pipe_random, pipe_utc, NULL, NULL,
    NULL, NULL
};
static const xmpp_io pipe_io = { &pipe_ops, NULL };

/* ---- the server ---- */

static SSL_CTX *server_ctx;
static SSL     *server;
static char     got[1 << 17];           /* what the server received */
static size_t   got_n;
static int      version;                /* TLS1_2_VERSION, TLS1_3_VERSION */
static bool     asks;                   /* for a client certificate */
static const char *server_suites;
static enum { ALPN_OURS, ALPN_OTHER, ALPN_NONE } alpn;

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *in, unsigned in_n, void *arg)
{
    (void)ssl, (void)arg;
    if (in_n != 12 || memcmp(in, "\013xmpp-client", 12) != 0)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    if (alpn == ALPN_OTHER) {
        *out = (const unsigned char *)"http/1.1";
        *n = 8;
        return SSL_TLSEXT_ERR_OK;
    }
    *out = in + 1;
    *n = 11;
    return SSL_TLSEXT_ERR_OK;
}

static void server_end(void)
{
    SSL_free(server);
    SSL_CTX_free(server_ctx);
    server = NULL;
    server_ctx = NULL;
}

static void server_begin(const char *chain, const char *key)
{
    server_end();
    up.n = down.n = got_n = handed = taken = 0;
    ended = stalls = broken = no_random = deaf = false;
    piece = allowed = room = (size_t)-1;
    server_ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(server_ctx, 0);
    if (SSL_CTX_use_certificate_chain_file(server_ctx, path(chain)) != 1 ||
        SSL_CTX_use_PrivateKey_file(server_ctx, path(key), SSL_FILETYPE_PEM) != 1)
        abort();
    SSL_CTX_set_min_proto_version(server_ctx, version);
    SSL_CTX_set_max_proto_version(server_ctx, version);
    if (alpn != ALPN_NONE)
        SSL_CTX_set_alpn_select_cb(server_ctx, choose_alpn, NULL);
    if (server_suites != NULL && SSL_CTX_set_cipher_list(server_ctx, server_suites) != 1)
        abort();
    if (asks) {
        if (SSL_CTX_load_verify_locations(server_ctx, path("ca.pem"), NULL) != 1)
            abort();
        SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    server = SSL_new(server_ctx);
    SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(server);
}

/* Lets the server work until it waits. */
static void serve(void)
{
    unsigned char b[4096];
    int n;

    while (up.n > 0)
        BIO_write(SSL_get_rbio(server), b, (int)take(&up, b, sizeof b));
    do {
        n = SSL_read(server, got + got_n, (int)(sizeof got - got_n));
        if (n > 0)
            got_n += (size_t)n;
    } while (n > 0);
    while ((n = BIO_read(SSL_get_wbio(server), b, sizeof b)) > 0)
        put(&down, b, (size_t)n);
}

static void server_says(const void *text, size_t n)
{
    if (SSL_write(server, text, (int)n) != (int)n)
        abort();
    serve();
}

/* ---- the client ---- */

static xmpp_io io;
static bool opened;

#ifdef WITH_OPENSSL
static xmpp_openssl tls;
static xmpp_openssl_config cfg;

static void set_ca(const char *name)
{
    cfg.ca_file = name != NULL ? path(name) : NULL;
}

static void set_own(const char *cert, const char *key)
{
    cfg.cert_file = path(cert);
    cfg.key_file = path(key);
}

static void client_end(void)
{
    if (opened)
        xmpp_openssl_free(&tls);
    opened = false;
}

static void client_begin(void)
{
    client_end();
    io = xmpp_openssl_io(&tls, &cfg, pipe_io);
    opened = true;
}

static void loosen(SSL *ssl)
{
    SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    SSL_set_security_level(ssl, 0);
    SSL_set_min_proto_version(ssl, TLS1_VERSION);
}
#define tls_spki    xmpp_openssl_spki
#define tls_version xmpp_openssl_version
#else
static xmpp_mbedtls tls;
static xmpp_mbedtls_config cfg;
static mbedtls_x509_crt roots, own;
static mbedtls_pk_context own_key;

static void set_ca(const char *name)
{
    mbedtls_x509_crt_free(&roots);
    mbedtls_x509_crt_init(&roots);
    if (name != NULL && mbedtls_x509_crt_parse_file(&roots, path(name)) != 0)
        abort();
    cfg.ca = name != NULL ? &roots : NULL;
}

static void set_own(const char *cert, const char *key)
{
    mbedtls_x509_crt_init(&own);
    mbedtls_pk_init(&own_key);
    if (mbedtls_x509_crt_parse_file(&own, path(cert)) != 0 ||
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && MBEDTLS_VERSION_NUMBER < 0x04000000
        mbedtls_pk_parse_keyfile(&own_key, path(key), NULL, xmppi_mbed_rng, &tls) != 0)
#else
        mbedtls_pk_parse_keyfile(&own_key, path(key), NULL) != 0)
#endif
        abort();
    cfg.cert = &own;
    cfg.key = &own_key;
}

static void client_end(void)
{
    if (opened)
        xmpp_mbedtls_free(&tls);
    opened = false;
}

static void client_begin(void)
{
    client_end();
    io = xmpp_mbedtls_io(&tls, &cfg, pipe_io);
    opened = true;
}

static void loosen(mbedtls_ssl_config *conf)
{
    static const mbedtls_x509_crt_profile any = { 0xFFFFFFF, 0xFFFFFFF, 0xFFFFFFF, 1024 };

    mbedtls_ssl_conf_cert_profile(conf, &any);
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_verify(conf, NULL, NULL);
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_1);
#endif
}
#define tls_spki    xmpp_mbedtls_spki
#define tls_version xmpp_mbedtls_version
#endif

static void set_up(const char *chain, const char *key, const char *ca)
{
    server_begin(chain, key);
    memset(&cfg, 0, sizeof cfg);
    set_ca(ca);
    now = (uint32_t)time(NULL);
    client_begin();
}

static int open_to(const char *name, bool direct)
{
    xmpp_target to;

    memset(&to, 0, sizeof to);
    to.host = "host.invalid";
    to.tls_name = name;
    to.port = 5223;
    to.tls = direct;
    return io.ops->open(io.ctx, &to);
}

static const char *words(void)
{
    const char *w = NULL;
    io.ops->reason(io.ctx, &w);
    return w != NULL ? w : "NULL";
}

static int why(void)
{
    const char *w;
    return io.ops->reason(io.ctx, &w);
}

/* Words come after what they are about: arguments have no order. */
static void told(bool good, const char *what)
{
    check(good, what, words());
}

/* Steps until "hello" is taken or the handshake fails. Returns XMPP_OK or the reason. */
static int shake(void)
{
    size_t moved = 0;
    int idle, n;

    for (idle = 0; idle < 40; idle = moved == handed + taken ? idle + 1 : 0) {
        moved = handed + taken;
        n = io.ops->send(io.ctx, "hello", 5);
        if (n == XMPP_IO_ERROR)
            return why();
        if (n < 0)
            return XMPP_E_EOF;
        if (n > 0)
            return n == 5 ? XMPP_OK : XMPP_E_STATE;
        serve();
    }
    return XMPP_E_TIMEOUT;
}

static int connect_to(const char *name)
{
    const int e = open_to(name, true);
    return e != XMPP_OK ? e : shake();
}

/* Inside TLS with a server that nothing is wrong with, as far as that knows too. */
static void meet(void)
{
    set_up("good.chain", "good.key", "ca.pem");
    connect_to("xmpp.test");
    serve();
}

/* What the certificate and the name must lead to. In TLS 1.3 as in 1.2. */
static void expect(const char *chain, const char *key, const char *ca, const char *name, int error, const char *part)
{
    char text[600];
    int e;

    set_up(chain, key, ca);
    e = connect_to(name);
    snprintf(text, sizeof text, "%s for %s, %s: %s %s", chain, name, error == XMPP_OK ? "accepted" : xmpp_errname(error),
             xmpp_errname(e), words());
    check(e == error && (error == XMPP_OK || strstr(words(), part) != NULL), "certificate", text);
}

static void certificates(void)
{
    expect("good.chain", "good.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    expect("good.chain", "good.key", "ca.pem", "XMPP.Test", XMPP_OK, "");
    expect("good.chain", "good.key", "ca.pem", "a.wild.test", XMPP_OK, "");
    expect("good.chain", "good.key", "both.pem", "other.example", XMPP_OK, "");
#if !(defined(WITH_MBEDTLS) && MBEDTLS_VERSION_NUMBER == 0x03060600)    /* issue 10668 of mbedTLS */
    expect("rsa.pem", "rsa.key", "other.pem", "xmpp.test", XMPP_OK, "");
#endif
    expect("sha384.pem", "sha384.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    expect("p384.pem", "p384.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    expect("srv.pem", "srv.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    expect("addr.pem", "addr.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    expect("late.pem", "late.key", "ca.pem", "xmpp.test", XMPP_OK, "");
    expect("good.chain", "good.key", "ca.pem", "wrong.example", XMPP_E_TLS_NAME,
           "the certificate is for xmpp.test, *.wild.test, other.example, expected wrong.example");
    expect("good.chain", "good.key", "ca.pem", "wild.test", XMPP_E_TLS_NAME, "expected wild.test");
    expect("good.chain", "good.key", "ca.pem", "a.b.wild.test", XMPP_E_TLS_NAME, "expected a.b.wild.test");
    expect("good.chain", "good.key", "ca.pem", "xmpp.test.evil", XMPP_E_TLS_NAME, "expected xmpp.test.evil");
    expect("good.chain", "good.key", "ca.pem", "mpp.test", XMPP_E_TLS_NAME, "expected mpp.test");
    expect("good.chain", "good.key", "ca.pem", "127.0.0.1", XMPP_E_TLS_NAME, "against an address");
    expect("good.chain", "good.key", "ca.pem", "::1", XMPP_E_TLS_NAME, "against an address");
    expect("cn.pem", "cn.key", "ca.pem", "xmpp.test", XMPP_E_TLS_NAME, "the certificate is for no name, expected xmpp.test");
    expect("zero.pem", "zero.key", "ca.pem", "xmpp.test", XMPP_E_TLS_NAME, "for xmpp.test?.evil, expected");
    expect("server.pem", "server.key", "ca.pem", "xmpp.test", XMPP_E_TLS_NAME, "expected xmpp.test");
    expect("good.chain", "good.key", "other.pem", "xmpp.test", XMPP_E_TLS_UNTRUSTED, "");
    expect("good.pem", "good.key", "ca.pem", "xmpp.test", XMPP_E_TLS_UNTRUSTED, "");
    expect("noca.chain", "noca.key", "ca.pem", "xmpp.test", XMPP_E_TLS_UNTRUSTED, "");
    expect("weak.pem", "weak.key", "ca.pem", "xmpp.test", XMPP_E_TLS_CERT, "key");
    expect("sha1.pem", "sha1.key", "ca.pem", "xmpp.test", XMPP_E_TLS_CERT, "");
    expect("critical.pem", "critical.key", "ca.pem", "xmpp.test", XMPP_E_TLS_CERT, "");
}

/* A row of rows.txt: what it shows, chain, key, roots, domain, clock, floor, verdict with OpenSSL, with mbedTLS, and more. */
static void row(char *line)
{
    enum { WHAT, CHAIN, KEY, ROOTS, FOR, CLOCK, FLOOR, BY_OPENSSL, BY_MBEDTLS, FIELDS };
    char *field[FIELDS], text[700];
    const char *verdict, *wanted;
    int i, e;

    for (i = 0; i < FIELDS; i++) {
        field[i] = line;
        line += strcspn(line, "\t");
        *line++ = 0;
    }
#ifdef WITH_OPENSSL
    wanted = field[BY_OPENSSL];
#else
    wanted = field[BY_MBEDTLS];
#endif
    if (strcmp(wanted, "-") == 0)
        return;
    set_up(field[CHAIN], field[KEY], field[ROOTS]);
    now = (uint32_t)strtoul(field[CLOCK], NULL, 10);
#ifdef WITH_MBEDTLS
    cfg.floor = (uint32_t)strtoul(field[FLOOR], NULL, 10);
#endif
    e = connect_to(field[FOR]);
    verdict = e == XMPP_OK ? "OK" : xmpp_errname(e) + strlen("XMPP_E_");
    snprintf(text, sizeof text, "%s, must be %s: %s", verdict, wanted, e == XMPP_OK ? "" : words());
    check(strcmp(verdict, wanted) == 0, field[WHAT], text);
}

static void rows(int v)
{
    static char text[60000];
    char *line, *end;
    FILE *f = fopen(path("rows.txt"), "rb");
    size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;

    version = v;
    printf("-- TLS 1.%d\n", v == TLS1_2_VERSION ? 2 : 3);
    text[n] = 0;
    for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        row(line);
    }
    if (f == NULL || n == 0)
        check(false, "rows.txt", "it cannot be read");
    else
        fclose(f);
}

static void dates(void)
{
    set_up("good.chain", "good.key", "ca.pem");
    now += 150u * 86400u;
    told(connect_to("xmpp.test") == XMPP_E_TLS_EXPIRED && strstr(words(), "certificate has expired on 2") != NULL &&
          strstr(words(), "(the clock says 2") != NULL, "expired");
    set_up("good.chain", "good.key", "ca.pem");
    now -= 30u * 86400u;
    told(connect_to("xmpp.test") == XMPP_E_TLS_EXPIRED && strstr(words(), "certificate is not valid yet, only from 2") != NULL,
          "not valid yet");
#ifdef WITH_MBEDTLS
    set_up("good.chain", "good.key", "ca.pem");
    now = 0;
    told(connect_to("xmpp.test") == XMPP_E_TLS_CONFIG && strstr(words(), "config.floor") != NULL, "no clock, no floor");
    set_up("good.chain", "good.key", "ca.pem");
    cfg.floor = now - 30u * 86400u;
    now = 12345;                                /* a clock before the floor is none */
    told(connect_to("xmpp.test") == XMPP_OK, "floor, begin not compared");
    set_up("good.chain", "good.key", "ca.pem");
    cfg.floor = now + 150u * 86400u;
    now = 0;
    told(connect_to("xmpp.test") == XMPP_E_TLS_EXPIRED && strstr(words(), "(the date floor is 2") != NULL,
          "expired before the floor");
#endif
}

static unsigned char pins[2][32];

static void load_pin(const char *name)
{
    FILE *f = fopen(path(name), "rb");

    memset(pins, 7, sizeof pins);
    if (f == NULL || fread(pins[1], 1, 32, f) != 32)
        abort();
    fclose(f);
    cfg.pins = (const unsigned char (*)[32])pins;
    cfg.pin_count = 2;
}

static void pinning(void)
{
    int e;

    set_up("good.chain", "good.key", "ca.pem");
    load_pin("good.spki");
    e = connect_to("xmpp.test");
    told(e == XMPP_OK && tls_spki(&tls) != NULL && memcmp(tls_spki(&tls), pins[1], 32) == 0, "right pin");
    set_up("good.chain", "good.key", "ca.pem");
    load_pin("rsa.spki");
    told(connect_to("xmpp.test") == XMPP_E_TLS_PIN && strstr(words(), "none of config.pins") != NULL, "wrong pin");
    set_up("good.chain", "good.key", "ca.pem");
    load_pin("good.spki");
    told(connect_to("wrong.example") == XMPP_E_TLS_NAME, "right pin, wrong name");
    set_up("good.chain", "good.key", "other.pem");
    load_pin("good.spki");
    told(connect_to("xmpp.test") == XMPP_E_TLS_UNTRUSTED, "right pin, unknown authority");

    set_up("good.chain", "good.key", NULL);
    load_pin("good.spki");
    cfg.pins_alone_replace_ca = true;
    now += 150u * 86400u;
    told(connect_to("wrong.example") == XMPP_OK, "right pin alone");
    set_up("good.chain", "good.key", NULL);
    load_pin("good.spki");
    cfg.pins_alone_replace_ca = true;
    told(connect_to("192.0.2.1") == XMPP_OK, "right pin alone, an address");
    set_up("good.chain", "good.key", NULL);
    load_pin("rsa.spki");
    cfg.pins_alone_replace_ca = true;
    told(connect_to("xmpp.test") == XMPP_E_TLS_PIN, "wrong pin alone");
    set_up("weak.pem", "weak.key", NULL);
    load_pin("weak.spki");
    cfg.pins_alone_replace_ca = true;
    told(connect_to("xmpp.test") == XMPP_E_TLS_CERT, "right pin alone, a small key");
    set_up("good.chain", "good.key", NULL);
    cfg.pins_alone_replace_ca = true;
    told(connect_to("xmpp.test") == XMPP_E_TLS_CONFIG, "no pin and no authority");
#ifdef WITH_MBEDTLS
    set_up("good.chain", "good.key", NULL);
    told(connect_to("xmpp.test") == XMPP_E_TLS_CONFIG, "neither authority nor pin");
    set_up("good.chain", "good.key", NULL);
    load_pin("good.spki");
    told(connect_to("xmpp.test") == XMPP_E_TLS_CONFIG, "pins alone need pins_alone_replace_ca");
#else
    set_up("good.chain", "good.key", "no such file");
    told(connect_to("xmpp.test") == XMPP_E_TLS_CONFIG, "no ca_file");
    set_up("good.chain", "good.key", NULL);
    told(connect_to("xmpp.test") == XMPP_E_TLS_UNTRUSTED, "the system's authorities do not know it");
#endif
}

/* Both ends must compute the same. */
static void bindings(const char *chain, const char *key, const char *ca, const EVP_MD *md)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    unsigned char mine[64], theirs[64];
    unsigned end_n = 0;
    size_t unique_n;
    int n;
    const bool exporter = strcmp(NAME, "openssl") == 0 || version == TLS1_3_VERSION;

    set_up(chain, key, ca);
    if (io.ops->binding(io.ctx, "tls-exporter", mine, sizeof mine) != 0 || connect_to("xmpp.test") != XMPP_OK) {
        told(false, "bindings need a connection");
        return;
    }
    serve();
    X509_digest(SSL_get_certificate(server), md, theirs, &end_n);
    n = io.ops->binding(io.ctx, "tls-server-end-point", mine, sizeof mine);
    check(n == (int)end_n && n > 0 && memcmp(mine, theirs, end_n) == 0, "tls-server-end-point of both ends", chain);
    check(io.ops->binding(io.ctx, "tls-server-end-point", mine, 16) == 0, "tls-server-end-point needs room", "");
    n = io.ops->binding(io.ctx, "tls-exporter", mine, sizeof mine);
    SSL_export_keying_material(server, theirs, 32, label, sizeof label - 1, (const unsigned char *)"", 0, 1);
    if (exporter)
        check(n == 32 && memcmp(mine, theirs, 32) == 0, "tls-exporter of both ends", tls_version(&tls));
    else
        check(n == 0, "no tls-exporter", tls_version(&tls));
    n = io.ops->binding(io.ctx, "tls-unique", mine, sizeof mine);
    unique_n = SSL_get_peer_finished(server, theirs, sizeof theirs);
    if (strcmp(NAME, "openssl") == 0 && version == TLS1_2_VERSION)
        check(n == (int)unique_n && n > 0 && memcmp(mine, theirs, unique_n) == 0, "tls-unique of both ends", "");
    else
        check(n == 0, "no tls-unique", tls_version(&tls));
    check(io.ops->binding(io.ctx, "tls-other", mine, sizeof mine) == 0, "no binding of another type", "");

    set_up(chain, key, ca);
    SSL_set_options(server, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    if (version == TLS1_2_VERSION)
        check(connect_to("xmpp.test") == XMPP_OK && io.ops->binding(io.ctx, "tls-exporter", mine, sizeof mine) == 0 &&
              io.ops->binding(io.ctx, "tls-unique", mine, sizeof mine) == 0 &&
              io.ops->binding(io.ctx, "tls-server-end-point", mine, sizeof mine) > 0,
              "without the extended master secret tls-server-end-point alone", "");
}

/* 40,000 bytes both ways, in pieces of 1 byte and with stalls. */
static void text_both_ways(size_t size, bool stalling)
{
    static unsigned char text[40000], back[sizeof text];
    size_t i, sent = 0, came = 0, said = 0;
    char what[80];
    int n, rounds = 0;
    bool good;

    for (i = 0; i < sizeof text; i++)
        text[i] = (unsigned char)(i * 7 + i / 251);
    set_up("good.chain", "good.key", "ca.pem");
    piece = size;
    stalls = stalling;
    good = connect_to("xmpp.test") == XMPP_OK;
    for (i = 0; i < 100000 && !SSL_is_init_finished(server); i++) {
        io.ops->send(io.ctx, back, 0);
        serve();
    }
    while (good && (sent < sizeof text || came < sizeof text || got_n < sizeof text + 5) && rounds++ < 1000000) {
        if (said < sizeof text && down.n < 20000) {
            server_says(text + said, least(sizeof text - said, 3000));
            said += least(sizeof text - said, 3000);
        }
        n = sent < sizeof text ? io.ops->send(io.ctx, text + sent, least(sizeof text - sent, 1 + sent % 5000)) : 0;
        sent += n > 0 ? (size_t)n : 0;
        good = n >= 0;
        n = io.ops->recv(io.ctx, back + came, least(sizeof text - came, 1 + came % 777));
        came += n > 0 ? (size_t)n : 0;
        good = good && n >= 0;
        serve();
    }
    snprintf(what, sizeof what, "40000 bytes both ways, %lu at a time%s", (unsigned long)size, stalling ? ", with stalls" : "");
    told(good && came == sizeof text && memcmp(text, back, came) == 0 && got_n == sizeof text + 5 &&
          memcmp(got, "hello", 5) == 0 && memcmp(got + 5, text, sizeof text) == 0, what);
}

/* The server's bytes stop after k, for every k that stride hits: first for a while, then for good. */
static void cut_anywhere(size_t stride)
{
    const size_t slack = 8;     /* no two ECDSA signatures need be as long */
    size_t total, k;
    int e = XMPP_OK;
    char what[80] = "";

    set_up("good.chain", "good.key", "ca.pem");
    connect_to("xmpp.test");
    total = handed;
    for (k = 0; k <= total && e == XMPP_OK; k += stride) {
        set_up("good.chain", "good.key", "ca.pem");
        allowed = k;
        e = connect_to("xmpp.test");
        if (e != XMPP_E_TIMEOUT && !(e == XMPP_OK && k + slack >= total)) {
            snprintf(what, sizeof what, "after %lu of %lu bytes: %s", (unsigned long)k, (unsigned long)total, xmpp_errname(e));
            break;
        }
        allowed = (size_t)-1;
        e = shake();
        if (e != XMPP_OK)
            snprintf(what, sizeof what, "going on after %lu of %lu bytes: %s", (unsigned long)k, (unsigned long)total,
                     xmpp_errname(e));
    }
    check(e == XMPP_OK && k > total && total > 500, "a handshake cut anywhere goes on", what);

    what[0] = 0;
    for (k = 0; k + slack < total; k += stride) {
        set_up("good.chain", "good.key", "ca.pem");
        allowed = k;
        open_to("xmpp.test", true);
        shake();
        down.n = 0;
        ended = true;
        e = shake();
        if (e != XMPP_E_TLS || strstr(words(), "closed the connection during the TLS handshake") == NULL) {
            snprintf(what, sizeof what, "after %lu of %lu bytes: %s", (unsigned long)k, (unsigned long)total, xmpp_errname(e));
            break;
        }
    }
    check(k + slack >= total && what[0] == 0, "a handshake that the server breaks off fails", what);
}

static void truncation(void)
{
    char b[64];
    int n;

    meet();
    server_says("<a/>", 4);
    ended = true;
    n = io.ops->recv(io.ctx, b, sizeof b);
    check(n == 4 && memcmp(b, "<a/>", 4) == 0 && io.ops->recv(io.ctx, b, sizeof b) == XMPP_IO_EOF && tls.truncated,
          "closed without close_notify: the text, then the end, marked", "");
    check((io.ops->wants(io.ctx) & XMPP_WANT_NOW) != 0, "an end is told at once", "");

    meet();
    server_says("<a/>", 4);
    SSL_shutdown(server);
    serve();
    ended = true;
    n = io.ops->recv(io.ctx, b, sizeof b);
    check(n == 4 && io.ops->recv(io.ctx, b, sizeof b) == XMPP_IO_EOF && !tls.truncated,
          "closed with close_notify: the text, then the end, not marked", "");

    meet();
    while (io.ops->recv(io.ctx, b, sizeof b) > 0)       /* TLS 1.3: session tickets */
        ;
    server_says("<a>", 3);
    allowed = down.n - 1;
    n = io.ops->recv(io.ctx, b, sizeof b);
    down.n = 0;
    ended = true;
    check(n == 0 && io.ops->recv(io.ctx, b, sizeof b) == XMPP_IO_EOF && tls.truncated, "a record cut short is no text", "");
}

/* A transport that takes nothing, and one that takes nothing any more. */
static void no_way_out(void)
{
    char b[64];
    int n;

    meet();
    while (io.ops->recv(io.ctx, b, sizeof b) > 0)
        ;
    piece = 0;
    n = io.ops->send(io.ctx, "one", 3);
    check(n == 3 && io.ops->send(io.ctx, "two", 3) == 0 && (io.ops->wants(io.ctx) & XMPP_WANT_WRITE) != 0,
          "one record waits for the transport, no second one", "");
    piece = (size_t)-1;
    check(io.ops->send(io.ctx, "two", 3) == 3 && up.n > 0, "and goes out before the next", "");
    serve();
    check(got_n == 11 && memcmp(got, "helloonetwo", 11) == 0, "in order", "");
    check((io.ops->wants(io.ctx) & XMPP_WANT_WRITE) == 0, "then nothing waits", "");

    server_says("last", 4);
    deaf = true;
    io.ops->send(io.ctx, "lost", 4);
    n = io.ops->recv(io.ctx, b, sizeof b);
    check(n == 4 && memcmp(b, "last", 4) == 0, "a peer that takes no more may still be heard", "");
    check(io.ops->send(io.ctx, "lost", 4) == XMPP_IO_EOF, "but not told anything", "");
    check(io.ops->close(io.ctx, false) == 1, "and closing does not wait for it", "");
}

static void alteration(void)
{
    char b[64];

    meet();
    while (io.ops->recv(io.ctx, b, sizeof b) > 0)
        ;
    server_says("<a/>", 4);
    down.b[down.n - 3] ^= 1;
    told(io.ops->recv(io.ctx, b, sizeof b) == XMPP_IO_ERROR && why() == XMPP_E_TLS, "an altered record");
}

/* Every stride-th byte of the handshake altered: it must never end in another certificate being accepted; most often it fails. */
static void altered_handshake(size_t stride)
{
    size_t k, total, refused = 0, tried = 0;
    int i, e = XMPP_OK;
    char what[80];

    set_up("good.chain", "good.key", "ca.pem");
    connect_to("xmpp.test");
    total = handed;
    for (k = 0; k < total; k += stride, tried++) {
        set_up("good.chain", "good.key", "ca.pem");
        allowed = k;
        e = open_to("xmpp.test", true);
        for (i = 0; i < 20 && e == XMPP_OK; i++) {
            if (io.ops->send(io.ctx, "hello", 5) != 0)
                break;
            serve();
        }
        if (down.n > 0)
            down.b[0] ^= 0x55;
        allowed = (size_t)-1;
        ended = true;
        e = shake();
        refused += e <= XMPP_E_TLS && e >= XMPP_E_TLS_CLIENT_CERT ? 1 : 0;
    }
    snprintf(what, sizeof what, "%lu of %lu refused", (unsigned long)refused, (unsigned long)tried);
    check(tried > 20 && refused * 10 >= tried * 8, "a handshake with an altered byte", what);
}

static void other_servers(void)
{
    static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    int e;

    set_up("good.chain", "good.key", "ca.pem");
    open_to("xmpp.test", true);
    put(&down, http, sizeof http - 1);
    e = io.ops->recv(io.ctx, got, 1);
    told(e == XMPP_IO_ERROR && why() == XMPP_E_TLS_PROTOCOL && strstr(words(), "does not speak TLS here") != NULL,
          "a server without TLS");

    if (version == TLS1_2_VERSION) {
        server_suites = "AES128-SHA";
        set_up("rsa.pem", "rsa.key", "other.pem");
        e = connect_to("xmpp.test");
        told(e == XMPP_E_TLS_PROTOCOL && strstr(words(), "in common") != NULL, "no cipher suite in common");
        server_suites = NULL;
        version = TLS1_1_VERSION;
        set_up("good.chain", "good.key", "ca.pem");
        e = connect_to("xmpp.test");
        told(e == XMPP_E_TLS_PROTOCOL, "TLS 1.1 is refused");
        version = TLS1_2_VERSION;
        if (!HAS_13) {
            version = TLS1_3_VERSION;
            set_up("good.chain", "good.key", "ca.pem");
            e = connect_to("xmpp.test");
            told(e == XMPP_E_TLS_PROTOCOL, "a server of TLS 1.3 alone");
            version = TLS1_2_VERSION;
        }
    }
    set_up("good.chain", "good.key", "ca.pem");
    open_to("xmpp.test", true);
    broken = true;
    e = io.ops->send(io.ctx, "hello", 5);
    told(io.ops->recv(io.ctx, got, 1) == XMPP_IO_ERROR && why() == XMPP_E_CONNECT && strcmp(words(), "the pipe broke") == 0,
          "a broken transport has its own reason");
#ifdef WITH_MBEDTLS
    set_up("good.chain", "good.key", "ca.pem");
    no_random = true;
    e = connect_to("xmpp.test");
    told(e == XMPP_E_ENTROPY || HAS_13, "no random numbers");
#endif
}

static void application_protocol(void)
{
    const unsigned char *chosen;
    unsigned n;
    int e;

    set_up("good.chain", "good.key", "ca.pem");
    connect_to("xmpp.test");
    SSL_get0_alpn_selected(server, &chosen, &n);
    told(n == 11 && memcmp(chosen, "xmpp-client", 11) == 0, "ALPN offers xmpp-client");
    alpn = ALPN_NONE;
    set_up("good.chain", "good.key", "ca.pem");
    told(connect_to("xmpp.test") == XMPP_OK, "a server without ALPN is fine");
    alpn = ALPN_OTHER;
    set_up("good.chain", "good.key", "ca.pem");
    e = connect_to("xmpp.test");
    told(e == XMPP_E_TLS || e == XMPP_E_TLS_PROTOCOL, "a server that chooses what was not offered");
    alpn = ALPN_OURS;
}

/* config.setup may choose, but not loosen what is checked. */
static void setup_that_loosens(void)
{
    set_up("good.chain", "good.key", "ca.pem");
    cfg.setup = loosen;
    told(connect_to("wrong.example") == XMPP_E_TLS_NAME, "setup cannot turn off the name");
    set_up("good.chain", "good.key", "other.pem");
    cfg.setup = loosen;
    told(connect_to("xmpp.test") == XMPP_E_TLS_UNTRUSTED, "setup cannot turn off the chain");
    set_up("weak.pem", "weak.key", "ca.pem");
    cfg.setup = loosen;
    told(connect_to("xmpp.test") == XMPP_E_TLS_CERT, "setup cannot allow a small key");
    if (version == TLS1_2_VERSION) {
        version = TLS1_1_VERSION;
        set_up("good.chain", "good.key", "ca.pem");
        cfg.setup = loosen;
        told(connect_to("xmpp.test") == XMPP_E_TLS_PROTOCOL, "setup cannot allow TLS 1.1");
        version = TLS1_2_VERSION;
    }
}

/* The server wants another handshake. */
static void ask_again(void)
{
    SSL_renegotiate(server);
    SSL_do_handshake(server);
    serve();
}

/* A server that wants another handshake is told no, and OpenSSL's ends the connection then. */
static void renegotiation(void)
{
    char b[64];
    int i, n = 0;

    if (version != TLS1_2_VERSION)
        return;
    meet();
    ask_again();
    for (i = 0; i < 20 && n >= 0; i++) {
        serve();
        n = io.ops->recv(io.ctx, b, sizeof b);
    }
    told(n == XMPP_IO_ERROR && why() == (strcmp(NAME, "openssl") == 0 ? XMPP_E_TLS_PROTOCOL : XMPP_E_TLS), "no renegotiation");
}

/* It is told so as often as it asks, but no faster than the transport takes it: else the peer fills our memory. Questions
   come one after the other, or all lie there at once. */
static void asked_for_ever(bool at_once)
{
    char b[64];
    int i;

    if (version != TLS1_2_VERSION)
        return;
    meet();
    room = 0;
    for (i = 0; i < 5000; i++) {
        ask_again();
        if (!at_once)
            io.ops->recv(io.ctx, b, sizeof b);
    }
    for (i = 0; i < 1000; i++)
        io.ops->recv(io.ctx, b, sizeof b);
    check(io.ops->wants(io.ctx) == XMPP_WANT_WRITE, "a peer that asks for ever and takes nothing is not heard", "");
    room = (size_t)-1;
    io.ops->send(io.ctx, b, 0);
    check(up.n > 100 && up.n < 70000, "what is kept for it has an end", "");
    down.n = 0;
    check((io.ops->wants(io.ctx) & (XMPP_WANT_READ | XMPP_WANT_NOW)) != 0, "once it takes that it is heard again", "");
}

/* An answer that waits behind a record must not push out the next one. */
static void asked_while_a_record_waits(void)
{
    char b[64];
    size_t at, records = 0, answers = 0;
    int sent;

    if (version != TLS1_2_VERSION)
        return;
    meet();
    ask_again();
    ask_again();
    room = 10;
    sent = io.ops->send(io.ctx, "one", 3);
    io.ops->recv(io.ctx, b, sizeof b);
    room = (size_t)-1;
    sent += io.ops->send(io.ctx, "two", 3);
    sent += io.ops->send(io.ctx, "three", 5);
    io.ops->recv(io.ctx, b, sizeof b);
    for (at = 0; at + 5 <= up.n; at += 5 + ((size_t)up.b[at + 3] << 8 | up.b[at + 4])) {
        records += up.b[at] == 23;
        answers += up.b[at] == 21;
    }
    check(sent == 11 && at == up.n && records == 3 && answers == 2, "every record and every answer goes out", "");
}

static int shake_on(void)
{
    char b[16];
    int i, n = 0, e = shake();

    for (i = 0; e == XMPP_OK && i < 10; i++) {      /* in TLS 1.3 the server judges after the client's handshake */
        serve();
        n = io.ops->recv(io.ctx, b, sizeof b);
        if (n < 0)
            e = n == XMPP_IO_EOF ? XMPP_E_EOF : why();
    }
    return e;
}

static void own_certificate(const char *cert, const char *key)
{
    int e;

    asks = true;
    set_up("good.chain", "good.key", "ca.pem");
    set_own(cert, key);
    client_begin();
    e = connect_to("xmpp.test");
    if (e == XMPP_OK)
        e = shake_on();
    check(e == XMPP_OK && SSL_get0_peer_certificate(server) != NULL && SSL_get_verify_result(server) == X509_V_OK,
          "own certificate", cert);
#ifdef WITH_MBEDTLS
    mbedtls_x509_crt_free(&own);
    mbedtls_pk_free(&own_key);
#endif
    set_up("good.chain", "good.key", "ca.pem");
    e = open_to("xmpp.test", true);
    if (e == XMPP_OK)
        e = shake_on();
    if (version == TLS1_2_VERSION)              /* OpenSSL's server says no more than handshake_failure there */
        told(e == XMPP_E_TLS_PROTOCOL, "an own certificate is missing");
    else
        told(e == (strcmp(NAME, "mbedtls") == 0 ? XMPP_E_TLS : XMPP_E_TLS_CLIENT_CERT), "an own certificate is missing");
    asks = false;
}

static void start_and_close(void)
{
    char b[16];
    int i, n = 0;

    set_up("good.chain", "good.key", "ca.pem");
    check(open_to("xmpp.test", false) == XMPP_OK && io.ops->send(io.ctx, "plain", 5) == 5 && up.n == 5 &&
          memcmp(up.b, "plain", 5) == 0, "plain until TLS is asked for", "");
    up.n = 0;
    put(&down, "go", 2);
    check(io.ops->recv(io.ctx, b, sizeof b) == 2, "plain text comes through", "");
    told(io.ops->start_tls(io.ctx, "xmpp.test") == XMPP_OK && (io.ops->wants(io.ctx) & XMPP_WANT_WRITE) != 0 &&
          shake() == XMPP_OK, "TLS begins on an open connection");
    check(io.ops->start_tls(io.ctx, "xmpp.test") == XMPP_E_STATE, "but once", "");
    check(strcmp(SSL_get_servername(server, TLSEXT_NAMETYPE_host_name), "xmpp.test") == 0, "SNI names the domain", "");
    serve();
    for (i = 0; i < 100 && (n = io.ops->close(io.ctx, false)) == 0; i++) {
        serve();
        SSL_shutdown(server);
        serve();
    }
    check(n == 1 && (SSL_get_shutdown(server) & SSL_RECEIVED_SHUTDOWN) != 0, "closed in order: the server gets close_notify", "");
    check(io.ops->recv(io.ctx, b, sizeof b) == XMPP_IO_ERROR, "what is closed reads nothing", "");

    /* with text unread, and a peer that never answers: close(now) ends it */
    meet();
    server_says("unread", 6);
    check(io.ops->close(io.ctx, false) == 0 && io.ops->close(io.ctx, true) == 1, "close waits, close now does not", "");
    check(io.ops->close(io.ctx, true) == 1, "closing what is closed is fine", "");

    /* opened again without anything in between */
    server_begin("good.chain", "good.key");
    told(connect_to("xmpp.test") == XMPP_OK, "opened again");
    check(io.ops->room(io.ctx) >= 512, "room of a record", "");
}

static void all_of(int v, bool table)
{
    if (table) {
        rows(v);
        return;
    }
    version = v;
    printf("-- TLS 1.%d\n", v == TLS1_2_VERSION ? 2 : 3);
    certificates();
    dates();
    pinning();
    bindings("good.chain", "good.key", "ca.pem", EVP_sha256());
    bindings("sha384.pem", "sha384.key", "ca.pem", EVP_sha384());
    bindings("p384.pem", "p384.key", "ca.pem", EVP_sha512());
    text_both_ways((size_t)-1, false);
    text_both_ways(1, false);
    text_both_ways(700, true);
    cut_anywhere(37);
    truncation();
    no_way_out();
    alteration();
    altered_handshake(41);
    other_servers();
    application_protocol();
    setup_that_loosens();
    renegotiation();
    asked_for_ever(false);
    asked_for_ever(true);
    asked_while_a_record_waits();
    own_certificate("client_ec.pem", "client_ec.key");
    own_certificate("client_rsa.pem", "client_rsa.key");
    start_and_close();
}

int main(int argc, char **argv)
{
    const bool table = argc == 3 && strcmp(argv[2], "rows") == 0;

    if (argc != 2 && !table)
        return 2;
    folder = argv[1];
    setvbuf(stdout, NULL, _IOLBF, 0);
    all_of(TLS1_2_VERSION, table);
    if (HAS_13)
        all_of(TLS1_3_VERSION, table);
    client_end();
#ifdef WITH_MBEDTLS
    mbedtls_x509_crt_free(&roots);
#endif
    server_end();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
