/* client.h - a client without a network, for tests of its calls: what the server says is a string, what the client sends
   is kept in another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

static unsigned char rx[1024], arena[1024], queue[1024];
static const char *script;      /* what the server says next */
static bool blocked;            /* nothing is taken */
static bool no_random;
static int recv_says, send_says, tls_says;      /* recv, when there is nothing; send and start_tls, when not 0 */
static char sent[8192];
static size_t sent_n;

static int io_open(void *ctx, const xmpp_target *to) { (void)ctx; (void)to; return XMPP_OK; }
static int io_close(void *ctx, bool now) { (void)ctx; (void)now; return 1; }
static int io_start_tls(void *ctx, const char *name) { (void)ctx; (void)name; return tls_says; }
static uint32_t io_millis(void *ctx) { (void)ctx; return 0; }
static int io_wait(void *ctx, unsigned wants, uint32_t ms) { (void)ctx; (void)wants; (void)ms; return 0; }

static int io_random(void *ctx, void *out, size_t n)
{
    static unsigned char next;

    (void)ctx;
    if (no_random)
        return XMPP_E_ENTROPY;
    memset(out, ++next, n);
    return XMPP_OK;
}

static int io_recv(void *ctx, void *buf, size_t n)
{
    size_t have = strlen(script);

    (void)ctx;
    if (have == 0)
        return recv_says;
    if (have < n)
        n = have;
    memcpy(buf, script, n);
    script += n;
    return (int)n;
}

static int io_send(void *ctx, const void *buf, size_t n)
{
    (void)ctx;
    if (send_says != 0)
        return send_says;
    if (blocked)
        return 0;
    assert_true(sent_n + n < sizeof sent);
    memcpy(sent + sent_n, buf, n);
    sent_n += n;
    sent[sent_n] = '\0';
    return (int)n;
}

static const xmpp_io_ops ops = { io_open, io_recv, io_send, io_close, io_start_tls, NULL, NULL, NULL, NULL, io_random, NULL,
                                 io_millis, io_wait, NULL, NULL };
static xmpp_config config;
static xmpp_account account;
static xmpp_client client;

/* What begin() starts from: a test changes it before xmpp_init. */
static void prepare(void)
{
    config = xmpp_default_config;
    config.tls = XMPP_TLS_NONE_UNSAFE;
    memset(&account, 0, sizeof account);
    account.jid = "example.org";        /* ANONYMOUS: the shortest login */
    account.rx = rx;
    account.rx_size = sizeof rx;
    account.arena = arena;
    account.arena_size = sizeof arena;
    account.queue = queue;
    account.queue_size = sizeof queue;
    script = "";
    sent_n = 0;
    sent[0] = '\0';
    blocked = no_random = false;
    recv_says = send_says = tls_says = 0;
}

static int start(const xmpp_io_ops *o)
{
    xmpp_io io;

    io.ops = o;
    io.ctx = NULL;
    return xmpp_init(&client, &config, &account, io);
}

static inline int begin(const xmpp_io_ops *o)
{
    prepare();
    return start(o);
}

static const xmpp_event *play(const char *server, uint32_t now)
{
    const xmpp_event *ev;
    int i;

    script = server;
    for (i = 0; i < 50; i++) {
        xmpp_step(&client, now);
        ev = xmpp_next(&client);
        if (ev != NULL)
            return ev;
    }
    return NULL;
}

#define HEADER "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
#define MECHANISMS "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" \
                   "<mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>"
#define SUCCESS "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
#define BIND "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"

/* As far as the request for a resource. features: what is offered beside it. */
static void log_in(const char *features)
{
    static char offer[512];

    assert_null(play(HEADER MECHANISMS, 1000));
    assert_null(play(SUCCESS, 1000));
    snprintf(offer, sizeof offer, HEADER "<stream:features>" BIND "%s</stream:features>", features);
    assert_null(play(offer, 1000));
}

/* The answer to it. */
static const xmpp_event *bind(void)
{
    static char bound[256];
    const char *id = strstr(sent, "<iq id='") + 8;

    snprintf(bound, sizeof bound, "<iq id='%.9s' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
             "<jid>a@example.org/r</jid></bind></iq>", id);
    return play(bound, 1000);
}

static void forget_sent(void)
{
    sent_n = 0;
    sent[0] = '\0';
}

static void go_online(const char *features)
{
    log_in(features);
    assert_int_equal(bind()->type, XMPP_EV_ONLINE);
    forget_sent();
}

static inline void online(void)
{
    assert_int_equal(begin(&ops), XMPP_OK);
    go_online("");
}
