/* feed.c: the client alone, without sockets: bytes go in by xmpp_feed. Logged in over a transport that a script answers.
   FILE holds stanzas, a line each. Prints "name value" lines; under callgrind a dump for each name.

   feed cuts FILE           each stanza in two pieces, cut at every byte, and byte by byte: is its event there when its last
                            byte is? Prints how many were, and how many were not
   feed iqs FILE N          with N requests under way
   feed sessions FILE N     stanzas to N sessions in turn */
#define XMPP_CFG_IQS 250
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "bench.h"

struct session {
    xmpp_client   client;
    xmpp_account  account;
    unsigned char rx[4096], arena[8192], queue[16384];
};

static char   heard[8192];              /* what the client sent last */
static size_t heard_n;

static int io_open(void *ctx, const xmpp_target *to) { (void)ctx, (void)to; return XMPP_OK; }
static int io_recv(void *ctx, void *buf, size_t n) { (void)ctx, (void)buf, (void)n; return 0; }
static int io_close(void *ctx, bool now) { (void)ctx, (void)now; return 1; }

static int io_send(void *ctx, const void *buf, size_t n)
{
    (void)ctx;
    heard_n = n < sizeof heard ? n : sizeof heard - 1;
    memcpy(heard, buf, heard_n);
    heard[heard_n] = '\0';
    return (int)n;
}

static int io_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 7, n);
    return XMPP_OK;
}

static const xmpp_io_ops ops = { .open = io_open, .recv = io_recv, .send = io_send, .close = io_close, .random = io_random };
static const xmpp_mech *const mechs[] = { &xmpp_mech_plain, NULL };
static const xmpp_config config = {
    .mechs = mechs, .options = XMPP_OPT_PLAIN | XMPP_OPT_PLAIN_WITHOUT_TLS, .tls = XMPP_TLS_NONE_UNSAFE
};

/* Feeds all of it, steps; returns the events. */
static unsigned long feed(struct session *s, const char *data, size_t n)
{
    unsigned long events = 0;

    for (;;) {
        size_t k = xmpp_feed(&s->client, data, n);
        const xmpp_event *ev;

        data += k;
        n -= k;
        while ((ev = xmpp_next(&s->client)) != NULL) {
            events++;
            if (ev->type == XMPP_EV_OFFLINE || ev->type == XMPP_EV_SKIPPED) {
                fprintf(stderr, "event %d: %s\n", ev->type, xmpp_strerror(ev->error));
                exit(1);
            }
        }
        if (n == 0)
            return events;
    }
}

static void say(struct session *s, const char *words)
{
    feed(s, words, strlen(words));
    xmpp_step(&s->client, 1);
}

#define HEADER "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='xmpp.test' " \
    "version='1.0'><stream:features>"

static struct session *log_in(void)
{
    struct session *s = calloc(1, sizeof *s);
    char answer[400];
    xmpp_io io = { &ops, NULL };
    const char *id;

    s->account = (xmpp_account){ .jid = "me@xmpp.test/bench", .password = "secret", XMPP_BUFFERS(s->rx, s->arena, s->queue) };
    if (xmpp_init(&s->client, &config, &s->account, io) != XMPP_OK)
        exit(1);
    xmpp_step(&s->client, 1);
    say(s, HEADER "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>");
    say(s, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    say(s, HEADER "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>");
    id = strstr(heard, "id='");
    if (id == NULL)
        exit(1);
    snprintf(answer, sizeof answer, "<iq type='result' id='%.*s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>"
             "me@xmpp.test/bench</jid></bind></iq>", (int)strcspn(id + 4, "'"), id + 4);
    say(s, answer);
    if (!xmpp_online(&s->client)) {
        fprintf(stderr, "not online: %s\n", xmpp_strerror(xmpp_error(&s->client)));
        exit(1);
    }
    return s;
}

/* The next line of the file, NULL at its end. */
static const char *line(const char *data, size_t n, size_t *at, size_t *length)
{
    const char *p = data + *at, *end;

    if (*at >= n)
        return NULL;
    end = memchr(p, '\n', n - *at);
    *length = end != NULL ? (size_t)(end - p) : n - *at;
    *at += *length + 1;
    return p;
}

static void cuts(const char *data, size_t n)
{
    unsigned long good = 0, bad = 0;
    struct session *s = log_in();
    size_t at = 0, k, i;
    const char *p;

    while ((p = line(data, n, &at, &k)) != NULL) {
        unsigned long early = 0;

        for (i = 1; i < k; i++)
            if (feed(s, p, i) == 0 && feed(s, p + i, k - i) == 1)
                good++;
            else
                bad++;
        for (i = 0; i + 1 < k; i++)
            early += feed(s, p + i, 1);
        if (early == 0 && feed(s, p + k - 1, 1) == 1)
            good++;
        else
            bad++;
    }
    printf("delivered %lu\nheld %lu\n", good, bad);
}

static void blast(const char *what, const char *data, size_t n, struct session **s, unsigned long sessions)
{
    unsigned long stanzas = 0, events = 0;
    size_t at = 0, k;
    const char *p;
    double t;

    bench_begin();
    t = bench_cpu();
    while ((p = line(data, n, &at, &k)) != NULL)
        events += feed(s[stanzas++ % sessions], p, k);
    t = bench_cpu() - t;
    bench_end(what);
    printf("stanzas %lu\nevents %lu\ncpu %.6f\n", stanzas, events, t);
}

int main(int argc, char **argv)
{
    unsigned long n, i;
    struct session **s;
    size_t size;
    char *data;

    if (argc < 3)
        return fprintf(stderr, "usage: feed cuts|iqs|sessions FILE [N]\n"), 2;
    data = bench_file(argv[2], &size);
    n = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    if (strcmp(argv[1], "cuts") == 0) {
        cuts(data, size);
    } else if (strcmp(argv[1], "iqs") == 0) {
        struct session *one = log_in();
        for (i = 0; i < n; i++) {
            int r = xmpp_iqf(&one->client, "get", "example.org", NULL, "<ping xmlns='urn:xmpp:ping'/>");
            if (r <= 0)
                return fprintf(stderr, "request %lu: %s\n", i, xmpp_strerror(r)), 1;
            xmpp_step(&one->client, 1);
        }
        blast("iqs", data, size, &one, 1);
    } else {
        s = calloc(n, sizeof *s);
        for (i = 0; i < n; i++)
            s[i] = log_in();
        blast("sessions", data, size, s, n);
    }
    return 0;
}
