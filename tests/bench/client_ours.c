/* client_ours.c: xmpp.h for the benches of clients. With buffers of a program (rx 4, arena 8, queue 4 KB) when it is
   blasted, and of a gateway, which pays for each session, when it idles. */
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include "client.h"
#include <poll.h>

enum { RX = 64, ARENA = 1136, QUEUE = 768 };    /* of a session that idles: a stanza of 1 KB fits */

struct session {
    xmpp_client  client;
    xmpp_account account;
    xmpp_posix   net;
};

static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_256, &xmpp_mech_plain, NULL };
static xmpp_config config = {
    .mechs = mechs, .options = XMPP_OPT_PLAIN | XMPP_OPT_PLAIN_WITHOUT_TLS, .tls = XMPP_TLS_NONE_UNSAFE
};

/* A session with its buffers behind it, in one piece; NULL: no memory. */
static struct session *session(uint16_t port, size_t rx, size_t arena, size_t queue)
{
    struct session *s = calloc(1, sizeof *s + rx + arena + queue);
    unsigned char *memory = (unsigned char *)(s + 1);

    if (s == NULL)
        return NULL;
    s->account.jid = "me@xmpp.test/bench";
    s->account.password = "secret";
    s->account.host = "127.0.0.1";
    s->account.port = port;
    s->account.rx = memory;
    s->account.rx_size = rx;
    s->account.arena = memory + rx;
    s->account.arena_size = arena;
    s->account.queue = memory + rx + arena;
    s->account.queue_size = queue;
    return s;
}

static int blast(uint16_t port)
{
    struct session *s = session(port, 4096, 8192, 4096);
    const xmpp_event *ev;

    if (s == NULL || xmpp_init(&s->client, &config, &s->account, xmpp_posix_io(&s->net)) != XMPP_OK)
        return 1;
    while ((ev = xmpp_wait(&s->client, 60000)) != NULL) {
        switch (ev->type) {
        case XMPP_EV_ONLINE:
            client_begin();
            xmpp_presence(&s->client, XMPP_SHOW_ONLINE, NULL);
            break;
        case XMPP_EV_MESSAGE:
            client_message(ev->from, ev->body);
            break;
        case XMPP_EV_PRESENCE:
            client_presence(ev->from, ev->status);
            break;
        case XMPP_EV_STANZA:
            if (strcmp(xmpp_name(ev->stanza), "message") == 0)
                client_message(ev->from, NULL);
            else
                client_iq(ev->from);
            break;
        case XMPP_EV_SKIPPED:
        case XMPP_EV_OFFLINE:
            return fprintf(stderr, "event %d: %s\n", ev->type, xmpp_strerror(ev->error)), 1;
        default:
            break;
        }
        if (client_enough()) {
            client_end();
            return 0;
        }
    }
    return 1;
}

/* Steps until the session was logged in, has said that it is there, and got a message. 0: it did. */
static int bring_up(struct session *s, xmpp_io io)
{
    const xmpp_event *ev;

    for (;;) {
        struct pollfd p = { .events = POLLIN };

        xmpp_step(&s->client, io.ops->millis(io.ctx));
        while ((ev = xmpp_next(&s->client)) != NULL)
            switch (ev->type) {
            case XMPP_EV_ONLINE:
                xmpp_presence(&s->client, XMPP_SHOW_ONLINE, NULL);
                break;
            case XMPP_EV_MESSAGE:
                client_message(ev->from, ev->body);
                return 0;
            case XMPP_EV_SKIPPED:
            case XMPP_EV_OFFLINE:
                return fprintf(stderr, "event %d: %s %s\n", ev->type, xmpp_strerror(ev->error), ev->text), 1;
            default:
                break;
            }
        p.fd = xmpp_posix_fd(&s->net);
        if (!(xmpp_wants(&s->client) & XMPP_WANT_NOW))
            poll(&p, 1, 10);
    }
}

/* Of TLS: records of 16 KB in and 512 bytes out, or, "small", 512 each way; what a handshake needs is lent by one to the
   next. */
static int idle(uint16_t port, unsigned long n, const char *ca, bool small)
{
    static xmpp_bearssl_x509 x509;
    static xmpp_bearssl_store store;
    static xmpp_bearssl_anchor roots[4];
    static unsigned char root_memory[4096];
    xmpp_bearssl_config trust = { .anchors = roots, .profile = xmpp_bearssl_profile_full, .x509 = &x509, .out = 512 };
    size_t records = XMPP_BEARSSL_BUFFER_IN_OUT(small ? 512 : 16384, 512);
    unsigned long i;

    client_idle(0);
    if (ca != NULL) {
        config.tls = XMPP_TLS_START;
        xmpp_bearssl_store_init(&store, roots, 4, root_memory, sizeof root_memory);
        if (xmpp_bearssl_anchors_file(&store, ca) < 1)
            return 1;
        trust.anchor_count = store.count;
    }
    for (i = 0; i < n; i++) {
        struct session *s = session(port, RX, ARENA, QUEUE);
        xmpp_io io;

        if (s == NULL)
            return 1;
        io = xmpp_posix_loop_io(&s->net);
        if (ca != NULL) {
            xmpp_bearssl *tls = calloc(1, sizeof *tls);
            io = xmpp_bearssl_io(tls, &trust, io);
            xmpp_bearssl_records(tls, malloc(records), records);
        }
        if (xmpp_init(&s->client, &config, &s->account, io) != XMPP_OK || bring_up(s, io) != 0)
            return 1;
        client_idle(i + 1);
    }
    printf("sizes client %zu account %zu transport %zu rx %d arena %d queue %d text %zu\n", sizeof(xmpp_client),
           sizeof(xmpp_account), sizeof(xmpp_posix), RX, ARENA, QUEUE, seen.text);
    return 0;
}

int main(int argc, char **argv)
{
    CLIENT_USAGE(argc, argv)
    seen.want = strtoul(argv[3], NULL, 10);
    if (strcmp(argv[2], "blast") == 0)
        return blast((uint16_t)atoi(argv[1]));
    return idle((uint16_t)atoi(argv[1]), seen.want, argc > 5 ? argv[5] : NULL, argc > 6);
}
