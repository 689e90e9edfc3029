/* feed.c: the client alone, without sockets: bytes go in by xmpp_feed. Logged in over a transport that a script answers.
   FILE holds stanzas, a line each. Prints "name value" lines; under callgrind a dump for each name.

   feed cuts FILE           each stanza in two pieces, cut at every byte, and byte by byte: is its event there when its last
                            byte is? Prints how many were, and how many were not
   feed iqs FILE N          with N requests under way
   feed sessions FILE N     stanzas to N sessions in turn
   feed roster N            the answer to a request, a roster of N contacts, in parts
   feed skip N              a message of N bytes, which is skipped
   The last two have an arena of 1 KB, print "bytes" and "events", and feed pieces of 1,460 bytes. */
#define XMPP_CFG_IQS 250
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "bench.h"

enum { ARENA = 8192, SMALL = 1024 };

struct session {
    xmpp_client   client;
    xmpp_account  account;
    unsigned char rx[4096], arena[ARENA], queue[16384];
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
    .mechs = mechs, .options = XMPP_OPT_PLAIN | XMPP_OPT_PLAIN_WITHOUT_TLS, .tls = XMPP_TLS_NONE_UNSAFE, .parts = xmpp_in_parts
};
static int skips;                       /* a stanza may be skipped */

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
            if (ev->type == XMPP_EV_OFFLINE || (ev->type == XMPP_EV_SKIPPED && !skips) || ev->type == XMPP_EV_PART_SKIPPED) {
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

static struct session *log_in(size_t arena)
{
    struct session *s = calloc(1, sizeof *s);
    char answer[400];
    xmpp_io io = { &ops, NULL };
    const char *id;

    s->account = (xmpp_account){ .jid = "me@xmpp.test/bench", .password = "secret", XMPP_BUFFERS(s->rx, s->arena, s->queue) };
    s->account.arena_size = arena;
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
    struct session *s = log_in(ARENA);
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

/* BEGIN, MIDDLE so many times, END: one stanza, in pieces. */
static void large(const char *what, struct session *s, const char *begin, const char *middle, unsigned long times, const char *end)
{
    size_t n = strlen(begin) + times * strlen(middle) + strlen(end), at = strlen(begin), k;
    char *data = malloc(n + 1);
    unsigned long events = 0;

    if (data == NULL)
        exit(1);
    strcpy(data, begin);
    for (; times > 0; times--, at += strlen(middle))
        memcpy(data + at, middle, strlen(middle));
    strcpy(data + at, end);
    bench_begin();
    for (at = 0; at < n; at += k) {
        k = n - at < 1460 ? n - at : 1460;
        events += feed(s, data + at, k);
    }
    bench_end(what);
    printf("bytes %lu\nevents %lu\n", (unsigned long)n, events);
    free(data);
}

static int roster(unsigned long n)
{
    struct session *s = log_in(SMALL);
    char begin[200];
    const char *id;

    if (xmpp_iq_parts(&s->client, xmpp_roster_get(&s->client)) <= 0)
        return 1;
    xmpp_step(&s->client, 1);
    id = strstr(heard, "id='");
    if (id == NULL)
        return 1;
    snprintf(begin, sizeof begin, "<iq type='result' id='%.*s'><query xmlns='jabber:iq:roster'>", (int)strcspn(id + 4, "'"), id + 4);
    large("roster", s, begin, "<item jid='somebody@example.org' name='Some Body' subscription='both'/>", n, "</query></iq>");
    return 0;
}

static int skip(unsigned long n)
{
    skips = 1;
    large("skip", log_in(SMALL), "<message from='a@b.c/d' type='chat'><body>", "Lorem ipsum dolor sit amet, größer als 12 %. ", n / 46,
          "</body></message>");
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long n, i;
    struct session **s;
    size_t size;
    char *data;

    if (argc < 3)
        return fprintf(stderr, "usage: feed cuts|iqs|sessions FILE [N], feed roster|skip N\n"), 2;
    if (strcmp(argv[1], "roster") == 0)
        return roster(strtoul(argv[2], NULL, 10));
    if (strcmp(argv[1], "skip") == 0)
        return skip(strtoul(argv[2], NULL, 10));
    data = bench_file(argv[2], &size);
    n = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    if (strcmp(argv[1], "cuts") == 0) {
        cuts(data, size);
    } else if (strcmp(argv[1], "iqs") == 0) {
        struct session *one = log_in(ARENA);
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
            s[i] = log_in(ARENA);
        blast("sessions", data, size, s, n);
    }
    return 0;
}
