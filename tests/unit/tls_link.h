/* What the TLS tests share: a pipe in memory, a BearSSL server at its other end in this process, and a client of
   xmpp_tls_bearssl.h at this one. Certificates are in `folder`. Include xmpp_tls_bearssl.h first. */

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#define DAY 86400u
#define SHARED static __attribute__((unused))      /* no test uses all of it */

static char     folder[512];
static uint32_t today;

/* ---- files ---- */

SHARED size_t load(const char *name, void *buf, size_t cap)
{
    char path[1024];
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(buf, 1, cap, f);
    fclose(f);
    assert_in_range(n, 1, cap - 1);
    return n;
}

SHARED void add_anchor(xmpp_bearssl_store *s, const char *name)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_true(xmpp_bearssl_anchors_file(s, path) > 0);
}

SHARED void add_own(xmpp_bearssl_own *o, const char *name)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(xmpp_bearssl_own_file(o, path), XMPP_OK);
}

/* ---- a pipe and a server ---- */

typedef struct queue { unsigned char b[65536]; size_t n; bool eof; } queue;

typedef struct link {
    queue up, down;                     /* to the server, to the client */
    size_t piece, room;                 /* bytes a call moves; bytes the pipe holds */
    uint32_t utc, millis;
    xmpp_io_ops ops;                    /* pipe_ops; a test may change it */
    unsigned char state[8];             /* what the pipe keeps, and how much */
    size_t state_n;
    xmpp_target to;                     /* of the last open */
    int opens, closes, logins, below;           /* below: what recv and send answer when not 0 */
    bool no_random, deaf;
    br_ssl_server_context server;
    br_ssl_session_cache_lru cache;
    unsigned char cache_mem[20480];     /* of 100 bytes each */
    br_x509_minimal_context server_x509;
    unsigned char records[BR_SSL_BUFSIZE_BIDI];
    xmpp_bearssl_own own;
    unsigned char own_mem[8192];
    xmpp_bearssl_store store, server_store;
    xmpp_bearssl_anchor list[4], server_list[4];
    unsigned char mem[4096], server_mem[4096];
    char got[8192];                     /* what the server received */
    size_t got_n;
    xmpp_bearssl tls;
    xmpp_bearssl_session session;
    xmpp_bearssl_binding binding;
    unsigned char client_records[XMPP_BEARSSL_BUFFER(16384)];
    xmpp_bearssl_config cfg;
    xmpp_io io;
} link_t;

static xmpp_bearssl_x509 x509;
static link_t the_link;

SHARED size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

SHARED size_t take(queue *q, void *buf, size_t n)
{
    n = smaller(n, q->n);
    memcpy(buf, q->b, n);
    memmove(q->b, q->b + n, q->n - n);
    q->n -= n;
    return n;
}

SHARED void put(queue *q, const void *buf, size_t n)
{
    assert_in_range(n, 0, sizeof q->b - q->n);
    memcpy(q->b + q->n, buf, n);
    q->n += n;
}

SHARED int pipe_open(void *ctx, const xmpp_target *to)
{
    link_t *l = (link_t *)ctx;
    l->to = *to;
    l->opens++;
    return XMPP_OK;
}

SHARED int pipe_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    (void)ctx;
    assert_int_equal(cap, 64);
    out[0] = (char)('0' + i);
    return i == 0 ? XMPP_OK : XMPP_E_RESOLVE;
}

SHARED int pipe_recv(void *ctx, void *buf, size_t n)
{
    link_t *l = (link_t *)ctx;

    if (l->below != 0)
        return l->below;
    n = take(&l->down, buf, smaller(n, l->piece));
    return n > 0 ? (int)n : l->down.eof ? XMPP_IO_EOF : 0;
}

SHARED int pipe_send(void *ctx, const void *buf, size_t n)
{
    link_t *l = (link_t *)ctx;

    if (l->below != 0)
        return l->below;
    if (l->deaf)
        return XMPP_IO_EOF;
    n = smaller(smaller(n, l->piece), l->room > l->up.n ? l->room - l->up.n : 0);
    put(&l->up, buf, n);
    return (int)n;
}

SHARED int pipe_close(void *ctx, bool now)
{
    (void)now;
    ((link_t *)ctx)->closes++;
    return 1;
}

SHARED unsigned pipe_wants(void *ctx)
{
    return ((link_t *)ctx)->down.n > 0 ? XMPP_WANT_NOW | XMPP_WANT_READ : XMPP_WANT_READ;
}

SHARED int pipe_reason(void *ctx, const char **words)
{
    (void)ctx;
    *words = "the pipe broke";
    return XMPP_E_CONNECT;
}

SHARED int pipe_random(void *ctx, void *out, size_t n)
{
    memset(out, 0x5A, n);
    return ((link_t *)ctx)->no_random ? XMPP_E_ENTROPY : XMPP_OK;
}

SHARED uint32_t pipe_utc(void *ctx) { return ((link_t *)ctx)->utc; }
SHARED uint32_t pipe_millis(void *ctx) { return ((link_t *)ctx)->millis; }

SHARED int pipe_state(void *ctx, bool load, void *buf, size_t n)
{
    link_t *l = (link_t *)ctx;

    if (load) {
        assert_in_range(n, 1, sizeof l->state);
        memcpy(l->state, buf, n);
        l->state_n = n;
        return 0;
    }
    if (buf == NULL) {
        assert_int_equal(n, 0);
        l->logins++;
        return 0;
    }
    if (n < l->state_n)
        return XMPP_E_TOO_LONG;
    memcpy(buf, l->state, l->state_n);
    return (int)l->state_n;
}

static const xmpp_io_ops pipe_ops = {pipe_open, pipe_recv,  pipe_send,   pipe_close, NULL,
                                     NULL,      pipe_wants, pipe_reason, NULL,       pipe_random,
                                     pipe_utc,  NULL,       NULL,        pipe_resolver, NULL};

/* Lets the server work until it waits. */
SHARED void serve(link_t *l)
{
    br_ssl_engine_context *e = &l->server.eng;
    unsigned char *buf;
    size_t len;
    unsigned st;

    for (;;) {
        st = br_ssl_engine_current_state(e);
        if (st == BR_SSL_CLOSED)
            return;
        if ((st & BR_SSL_SENDREC) != 0) {
            buf = br_ssl_engine_sendrec_buf(e, &len);
            put(&l->down, buf, len);
            br_ssl_engine_sendrec_ack(e, len);
        } else if ((st & BR_SSL_RECVAPP) != 0) {
            buf = br_ssl_engine_recvapp_buf(e, &len);
            assert_in_range(len, 1, sizeof l->got - l->got_n);
            memcpy(l->got + l->got_n, buf, len);
            l->got_n += len;
            br_ssl_engine_recvapp_ack(e, len);
        } else if ((st & BR_SSL_RECVREC) != 0 && l->up.n > 0) {
            buf = br_ssl_engine_recvrec_buf(e, &len);
            br_ssl_engine_recvrec_ack(e, take(&l->up, buf, len));
        } else {
            return;
        }
    }
}

SHARED void server_says(link_t *l, const char *text, size_t n)
{
    unsigned char *buf;
    size_t len;

    while (n > 0) {
        buf = br_ssl_engine_sendapp_buf(&l->server.eng, &len);
        assert_non_null(buf);
        len = smaller(len, n);
        memcpy(buf, text, len);
        br_ssl_engine_sendapp_ack(&l->server.eng, len);
        br_ssl_engine_flush(&l->server.eng, 0);
        serve(l);
        text += len;
        n -= len;
    }
}

SHARED link_t *attach(link_t *l, xmpp_io below)
{
    l->io = xmpp_bearssl_io(&l->tls, &l->cfg, below);
    xmpp_bearssl_resume(&l->tls, &l->session);
    xmpp_bearssl_bind(&l->tls, &l->binding);
    return l;
}

/* Nobody at either end, and no certificates in l->own. */
SHARED void blank_link(link_t *l)
{
    memset(l, 0, sizeof *l);
    l->piece = l->room = sizeof l->up.b;
    l->utc = today;
    xmpp_bearssl_own_init(&l->own, l->own_mem, sizeof l->own_mem);
}

/* A server that shows n certificates and has the key in l->own, and a client that trusts a root ("" for none). */
SHARED link_t *begin_link(link_t *l, const br_x509_certificate *chain, size_t n, const char *root)
{
    xmpp_io below;

    if (l->own.cert.install == xmpp_bearssl_cert_ec)
        br_ssl_server_init_full_ec(&l->server, chain, n, BR_KEYTYPE_EC,
                                   (const br_ec_private_key *)l->own.cert.key);
    else
        br_ssl_server_init_full_rsa(&l->server, chain, n,
                                    (const br_rsa_private_key *)l->own.cert.key);
    br_ssl_engine_set_buffer(&l->server.eng, l->records, sizeof l->records, 1);
    br_ssl_engine_inject_entropy(&l->server.eng, "0123456789abcdef0123456789abcdef", 32);
    assert_int_equal(br_ssl_server_reset(&l->server), 1);

    xmpp_bearssl_store_init(&l->store, l->list, 4, l->mem, sizeof l->mem);
    if (root[0] != 0)
        add_anchor(&l->store, root);
    l->cfg.anchors = l->list;
    l->cfg.anchor_count = l->store.count;
    l->cfg.profile = xmpp_bearssl_profile_full;
    l->cfg.x509 = &x509;
    l->cfg.records = l->client_records;
    l->cfg.records_size = XMPP_BEARSSL_BUFFER(4096);
    br_ssl_session_cache_lru_init(&l->cache, l->cache_mem, sizeof l->cache_mem);
    br_ssl_server_set_cache(&l->server, &l->cache.vtable);
    l->ops = pipe_ops;
    below.ops = &l->ops;
    below.ctx = l;
    return attach(l, below);
}

/* The same with a chain and a key of `folder`. */
SHARED link_t *setup_link(link_t *l, const char *chain, const char *key, const char *root)
{
    blank_link(l);
    add_own(&l->own, chain);
    add_own(&l->own, key);
    return begin_link(l, l->own.chain, l->own.cert.chain_count, root);
}

/* After a change of l->cfg. */
SHARED void again(link_t *l)
{
    attach(l, l->tls.below);
}

SHARED int open_to(link_t *l, const char *name, bool tls)
{
    xmpp_target to;

    memset(&to, 0, sizeof to);
    to.host = "host.invalid";
    to.tls_name = name;
    to.port = 5223;
    to.tls = tls;
    return l->io.ops->open(l->io.ctx, &to);
}

SHARED const char *words(link_t *l)
{
    const char *w = NULL;
    l->io.ops->reason(l->io.ctx, &w);
    assert_non_null(w);
    return w;
}

SHARED int why(link_t *l)
{
    const char *w;
    return l->io.ops->reason(l->io.ctx, &w);
}

/* Steps until "hello" is taken or the handshake fails. Returns XMPP_OK or the reason. */
SHARED int shake(link_t *l)
{
    int i, n;

    for (i = 0; i < 100000; i++) {
        n = l->io.ops->send(l->io.ctx, "hello", 5);
        if (n == XMPP_IO_ERROR) {
            assert_int_equal(l->io.ops->recv(l->io.ctx, l->got, 1), XMPP_IO_ERROR);
            return why(l);
        }
        assert_true(n >= 0);
        if (n > 0) {
            for (i = 0; i < 1000 && l->got_n < 5; i++) {
                l->io.ops->recv(l->io.ctx, l->got + l->got_n, 0);
                serve(l);
            }
            assert_int_equal(n, 5);
            assert_int_equal(l->got_n, 5);
            assert_memory_equal(l->got, "hello", 5);
            l->got_n = 0;
            return XMPP_OK;
        }
        serve(l);
    }
    fail_msg("the handshake does not end: server %d", br_ssl_engine_last_error(&l->server.eng));
    return XMPP_E_TIMEOUT;
}

SHARED int connect_to(link_t *l, const char *name)
{
    int e = open_to(l, name, true);
    return e != XMPP_OK ? e : shake(l);
}

/* ---- a folder of certificates ---- */

/* Has a script beside the test's source fill a new folder, unless the test was given one. */
SHARED int make_certificates(const char *interpreter, const char *source, const char *script)
{
    const char *slash = strrchr(source, '/');
    char command[1024];

    if (folder[0] != 0)
        return 0;
#ifdef _WIN32
    fprintf(stderr, "give the folder that %s has filled\n", script);
    return 1;
#else
    strcpy(folder, "/tmp/xmpp_tls_XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
#endif
    snprintf(command, sizeof command, "%s '%.*s%s' '%s'", interpreter,
             slash != NULL ? (int)(slash - source + 1) : 0, source, script, folder);
    return system(command);
}

SHARED void remove_certificates(void)
{
    char command[600];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        fprintf(stderr, "%s stays\n", folder);
}

/* What main does: the tests run with the certificates of the folder argv[1], otherwise with some that are made for them. */
SHARED int with_certificates(int argc, char **argv, int (*tests)(void))
{
    int failed;

    if (argc > 1)
        snprintf(folder, sizeof folder, "%s", argv[1]);
    today = (uint32_t)time(NULL) + 3600u;
    if (make_certificates("sh", __FILE__, "tls_certs.sh") != 0) {
        fprintf(stderr, "tls_certs.sh failed: it needs the openssl command\n");
        return 1;
    }
    failed = tests();
    if (argc < 2)
        remove_certificates();
    return failed;
}
