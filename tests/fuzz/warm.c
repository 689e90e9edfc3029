/* warm.c - saved states that are damaged or hostile, with a checksum that is right.  SPDX: MIT
   White box. Input: choices, then a block, or what is to be changed in a good one: where, how. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "fuzz.h"

static unsigned char random_state;
static size_t sent_n;

static int io_open(void *ctx, const xmpp_target *to)
{
    (void)ctx;
    MUST(to->host != NULL && to->host[0] != '\0' && strlen(to->host) < 1100 && to->port != 0);
    return XMPP_OK;
}
static int io_recv(void *ctx, void *buf, size_t n) { (void)ctx; (void)buf; (void)n; return 0; }
static int io_send(void *ctx, const void *buf, size_t n)
{
    size_t i;

    (void)ctx;
    for (i = 0; i < n; i++)             /* all of it lies where it may be read */
        sent_n += ((const unsigned char *)buf)[i] != 0;
    return (int)n;
}
static int io_close(void *ctx, bool now) { (void)ctx; (void)now; return 1; }
static int io_random(void *ctx, void *out, size_t n)
{
    unsigned char *p = (unsigned char *)out;

    (void)ctx;
    while (n-- > 0)
        *p++ = ++random_state;
    return XMPP_OK;
}
static int io_state(void *ctx, bool load, void *buf, size_t n)
{
    unsigned char *p = (unsigned char *)buf;
    size_t i;

    (void)ctx;
    if (buf == NULL)
        return 0;
    if (load) {
        for (i = 0; i < n; i++)
            sent_n += p[i];
        return 0;
    }
    if (n < 20)
        return XMPP_E_TOO_LONG;
    memset(buf, 't', 20);
    return 20;
}
static const xmpp_io_ops ops = { io_open, io_recv, io_send, io_close, NULL, NULL, NULL, NULL, NULL, io_random,
                                 NULL, NULL, NULL, NULL, io_state };

typedef struct device {
    xmpp_client  *client;
    xmpp_sm      *sm;
    xmpp_dns     *dns;
    xmpp_keys     keys;
    xmpp_config   config;
    xmpp_account  account;
} device;

static void boot(device *d, size_t arena, size_t queue, unsigned options)
{
    xmpp_io io = { &ops, NULL };

    memset(d, 0, sizeof *d);
    d->client = (xmpp_client *)exact(NULL, sizeof *d->client);
    d->sm = (xmpp_sm *)calloc(1, sizeof *d->sm);
    d->dns = (xmpp_dns *)calloc(1, sizeof *d->dns);
    d->config = xmpp_default_config;
    d->config.tls = XMPP_TLS_NONE_UNSAFE;
    d->config.options = (uint16_t)options;
    d->account.jid = "user@example.org/attic";
    d->account.password = "secret";
    d->account.keys = &d->keys;
    d->account.sm = d->sm;
    d->account.dns = d->dns;
    d->account.rx = exact(NULL, d->account.rx_size = 128);
    d->account.arena = exact(NULL, d->account.arena_size = arena);
    d->account.queue = exact(NULL, d->account.queue_size = queue);
    MUST(xmpp_init(d->client, &d->config, &d->account, io) == XMPP_OK);
}

static void halt(device *d)
{
    free(d->client);
    free(d->sm);
    free(d->dns);
    free(d->account.rx);
    free(d->account.arena);
    free(d->account.queue);
}

/* A session with stanzas in every stage of their lives. Returns the length of its block. */
static size_t good_block(unsigned char *block, size_t cap)
{
    static const char *const ends[] = { "id-0123456789", "other.example.org:5299", "user@example.org/attic" };
    device d;
    uint16_t at;
    int n, i;

    boot(&d, 1024, 1024, 0);
    d.sm->id = strcpy(xmppi_keep(d.client, strlen(ends[0]) + 1), ends[0]);
    d.sm->location = strcpy(xmppi_keep(d.client, strlen(ends[1]) + 1), ends[1]);
    d.client->jid = strcpy(xmppi_keep(d.client, strlen(ends[2]) + 1), ends[2]);
    d.client->self = "user@example.org";
    d.client->session = true;
    d.sm->in = 7;
    d.sm->sent = d.sm->acked = 3;
    d.keys.hash = 2;
    strcpy(d.dns->last, "2001:db8::1");
    d.dns->last_port = 5222;
    MUST(xmpp_presence(d.client, XMPP_SHOW_AWAY, "21.5 C") == XMPP_OK);
    xmpp_policy(d.client, XMPP_MUST_DELIVER, 0, 0);
    MUST(xmpp_message(d.client, "bob@example.org", "one") == XMPP_OK);
    xmpp_policy(d.client, XMPP_AT_MOST_ONCE, 3, 5000);
    MUST(xmpp_message(d.client, "bob@example.org", "two") == XMPP_OK);
    MUST(xmpp_message(d.client, "bob@example.org", "three") == XMPP_OK);
    d.sm->state = XMPPI_SM_COUNTING;
    for (at = 0, i = 0; i < 2; i++, at = xmppi_q_next(d.client, at)) {  /* the first two were written */
        xmppi_sm_written(d.client, at);
        d.client->q[at + 2] |= XMPPI_R_HELD;
    }
    d.sm->state = XMPPI_SM_NONE;
    n = xmpp_save(d.client, block, cap);
    MUST(n > 0);
    halt(&d);
    return (size_t)n;
}

/* Works with what was loaded: events, a connection, the words of a server that resumes, and of one that does not. */
static void use(device *d, input *in)
{
    static const char *const ends[] = { "<resumed xmlns='urn:xmpp:sm:3' previd='id-0123456789' h='4'/>",
                                        "<failed xmlns='urn:xmpp:sm:3' h='3'/>",
                                        ("<resumed xmlns='urn:xmpp:sm:3' previd='id-0123456789' h='6'/>"
                                         "<r xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='9'/>") };
    static const char head[] = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                               "version='1.0'>";
    unsigned char block[4096];
    const xmpp_event *ev;
    int round, i;

    d->account.host = "192.0.2.1";
    for (round = 0; round < 2; round++) {
        const char *parts[3];
        uint32_t now = 1000u + (uint32_t)round * 100000u;

        xmpp_saved(d->client);
        parts[0] = head;
        parts[1] = "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>"
                   "</stream:features>";
        parts[2] = ends[take_below(in, 3)];
        for (i = 0; i < 3; i++) {
            size_t used = 0, n = strlen(parts[i]), k, at;

            xmpp_step(d->client, now);
            if (i == 0 && d->client->state == XMPPI_STREAM)
                d->client->done |= XMPPI_AUTHED;        /* as after a login */
            while (used < n && d->client->state > XMPPI_OPEN && !d->client->deaf) {
                used += k = xmpp_feed(d->client, parts[i] + used, n - used);
                while ((ev = xmpp_next(d->client)) != NULL)
                    for (at = 0; ev->data != NULL && at < ev->size; at++)
                        sent_n += ((const unsigned char *)ev->data)[at];
                xmpp_step(d->client, now);
                if (k == 0)
                    break;
            }
        }
        for (i = 0; i < 200 && xmpp_next(d->client) != NULL; i++)
            xmpp_step(d->client, now += 1000);
        MUST(strlen(xmpp_own_jid(d->client)) > 0 && strlen(xmpp_own_bare(d->client)) > 0);
        MUST(d->client->xml.mem + d->client->xml.cap + d->client->arena_top <= (unsigned char *)d->account.arena + d->account.arena_size);
        MUST(xmpp_waiting(d->client) < 1000 && xmpp_room(d->client) <= d->account.queue_size);
        i = xmpp_save(d->client, block, sizeof block);
        MUST(i > 0 || i == XMPP_E_TOO_LONG);
        (void)xmpp_message(d->client, "bob@example.org", "after all");
        xmpp_reset(d->client);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const size_t arenas[] = { 768, 1024, 1300, 4096 }, queues[] = { 768, 800, 1024, 4096 };
    unsigned char block[2048], *copy;
    input in = { data, n };
    unsigned how = take_byte(&in), i;
    size_t len, at;
    device d;
    int r;

    random_state = 0;
    if (how & 1) {
        len = in.n < sizeof block ? in.n : sizeof block;
        memcpy(block, in.p, len);
        in.n = 0;
    } else {
        len = good_block(block, sizeof block);
        for (i = take_below(&in, 8); i > 0 && len > 0; i--) {
            at = take_word(&in) % len;
            switch (take_below(&in, 4)) {
            case 0: block[at] = (unsigned char)take_byte(&in); break;
            case 1: block[at] ^= (unsigned char)(1 << take_below(&in, 8)); break;
            case 2: memmove(block + at, block + at + 1, len - at - 1); len--; break;
            default: len = at + 1; break;
            }
        }
    }
    if (len >= 4 && !(how & 2))
        xmppi_put32(block + len - 4, xmppi_crc(block, len - 4));
    copy = (unsigned char *)exact(block, len);
    boot(&d, arenas[how >> 2 & 3], queues[how >> 4 & 3], how & 64 ? XMPP_OPT_DURABLE : 0);
    if (!(how & 128))
        d.config.resolve = NULL;        /* the server that the block names is connected to as it is */
    r = xmpp_load(d.client, copy, len);
    free(copy);                         /* nothing of it is needed any more */
    MUST(r == XMPP_OK || r == XMPP_E_SAVED || r == XMPP_E_BUFFERS);
    MUST(r == XMPP_OK || xmpp_waiting(d.client) == 0);
    use(&d, &in);
    halt(&d);
    return 0;
}
