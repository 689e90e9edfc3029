/* fleet.c: thousands of devices in one process, one thread and one event loop. They log in at a
   given rate, report presence, and come back by themselves; what goes on is printed once a second.

   cc -O2 -I.. fleet.c -lbearssl -o fleet
   XMPP_PASSWORD=secret ./fleet 2000 device%d@example.org --rate 100 --report 60 --for 300

   Shared by all: the policy and the authorities. A device's own memory is its client, account,
   stream management, keys, transport and three buffers: less than 4 KB without TLS. Deadlines lie
   in a heap, so that a wakeup costs what is due and not what there is. */

#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#if defined(__linux__) && !defined(USE_POLL)
#define USE_EPOLL
#include <sys/epoll.h>
#endif

static const char usage_text[] =
    "usage: XMPP_PASSWORD=secret fleet N JID [options]\n"
    "  JID                  with %d for the device's number: device%d@example.org\n"
    "  --rate N             logins begun in a second, default 50\n"
    "  --report SECONDS     a presence of each device so often; default: at login alone\n"
    "  --for SECONDS        then leave in order; default: on SIGINT or SIGTERM\n"
    "  --retry SECONDS      come back within this time at first (config.retry_first_ms), default 60\n"
    "  --host HOST, --port N    where to connect; default: the JID's domain. Give an address: a name\n"
    "                       is looked up for each login, and all wait meanwhile\n"
    "  --tls starttls|direct|none   default starttls; none: anybody on the way can read along\n"
    "  --ca FILE            authorities to trust, PEM; default: the system's\n"
    "  --records N          bytes of a TLS record, 512, 1024, 2048, 4096 or 16384; default 4096\n"
    "  --buffers RX,ARENA,QUEUE     bytes of each device's buffers; default 256,1024,1024\n";

typedef struct session {         /* of TLS */
    xmpp_bearssl        tls;
    /* its own: one for all would wait for a server that stops in mid-handshake, and all with it */
    xmpp_bearssl_x509   x509;
    xmpp_bearssl_config trust;
} session;

typedef struct device {
    xmpp_client  client;
    xmpp_account account;
    xmpp_sm      sm;
    xmpp_keys    keys;          /* the second login costs no PBKDF2 */
    xmpp_posix   net;
    char         jid[64];
    uint64_t     due;           /* when it must be stepped, in microseconds of a clock of our own */
    uint64_t     report;        /* when to report next */
    uint32_t     place;         /* in the heap */
    bool         up, away;      /* away: it does not come back by itself */
} device;

static struct {
    unsigned long devices, rate, report, seconds, retry, port, records, rx, arena, queue;
    const char   *jid, *host, *tls, *ca;
} opt = { .rate = 50, .retry = 60, .tls = "starttls", .records = 4096,
          .rx = 256, .arena = 1024, .queue = 1024 };

static xmpp_config         config;
static xmpp_bearssl_store  store;
static xmpp_bearssl_anchor roots[256];
static unsigned char       root_memory[128 * 1024];

static device        *devices;
static unsigned char *buffers;      /* rx, arena and queue of each device */
static session       *sessions;     /* NULL: without TLS */
static unsigned char *records;

static volatile sig_atomic_t leaving;

/* ---- figures ---- */

static struct { unsigned long up, away, fresh, resumed, stanzas, lost, errors[128]; } total, before;
static unsigned long fastest;       /* logins in a second */
static long rss_before;

/* Pages in memory, as bytes; 0 where the system does not tell so. */
static long resident(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f == NULL)
        return 0;
    if (fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    fclose(f);
    return pages * 4096;
}

static void print_second(unsigned long second)
{
    unsigned long fresh = total.fresh - before.fresh, resumed = total.resumed - before.resumed;

    printf("%lu s: %lu up, %lu logins (%lu new, %lu resumed), %lu stanzas, %lu lost\n", second,
           total.up, fresh + resumed, fresh, resumed, total.stanzas - before.stanzas,
           total.lost - before.lost);
    fflush(stdout);
    if (fresh + resumed > fastest)
        fastest = fresh + resumed;
    before = total;
}

static unsigned long session_size(void)
{
    unsigned long n = sizeof(device) + opt.rx + opt.arena + opt.queue;

    return sessions != NULL ? n + sizeof sessions[0] + opt.records : n;
}

static void print_memory(void)
{
    printf("memory of a session: %lu bytes: client %lu, account %lu, sm %lu, keys %lu, transport %lu,"
           " own %lu, rx %lu, arena %lu, queue %lu", session_size(),
           (unsigned long)sizeof(xmpp_client), (unsigned long)sizeof(xmpp_account),
           (unsigned long)sizeof(xmpp_sm), (unsigned long)sizeof(xmpp_keys),
           (unsigned long)sizeof(xmpp_posix),
           (unsigned long)(sizeof(device) - sizeof(xmpp_client) - sizeof(xmpp_account)
                           - sizeof(xmpp_sm) - sizeof(xmpp_keys) - sizeof(xmpp_posix)),
           opt.rx, opt.arena, opt.queue);
    if (sessions != NULL)
        printf(", TLS %lu, records %lu", (unsigned long)sizeof sessions[0], opt.records);
    putchar('\n');
    fflush(stdout);
}

static void print_summary(unsigned long seconds, unsigned long up, long rss)
{
    int i;

    printf("%lu of %lu sessions up after %lu s\n", up, opt.devices, seconds);
    printf("logins: %lu new sessions, %lu resumptions, %lu in the fastest second\n", total.fresh,
           total.resumed, fastest);
    printf("stanzas: %lu, %lu in a second on average\n", total.stanzas,
           total.stanzas / (seconds > 0 ? seconds : 1));
    for (i = 0; i < 128; i++)
        if (total.errors[i] > 0)
            printf("connections ended: %lu by %s\n", total.errors[i], xmpp_errname(-i));
    printf("measured: the process grew by %ld bytes a session\n", rss / (long)opt.devices);
    fflush(stdout);
}

/* ---- deadlines: a heap, the next one at its top ---- */

static device **heap;

static void heap_put(device *d, size_t at)
{
    heap[at] = d;
    d->place = (uint32_t)at;
}

static void heap_move(device *d, uint64_t due)
{
    size_t at = d->place, n = opt.devices, child;

    d->due = due;
    while (at > 0 && heap[(at - 1) / 2]->due > due) {
        heap_put(heap[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    while ((child = 2 * at + 1) < n) {
        if (child + 1 < n && heap[child + 1]->due < heap[child]->due)
            child++;
        if (heap[child]->due >= due)
            break;
        heap_put(heap[child], at);
        at = child;
    }
    heap_put(d, at);
}

static uint64_t micros(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- the loop: epoll, or poll where there is none ---- */

static void step(device *d);

#ifdef USE_EPOLL

static int queue_fd;

static bool loop_init(void)
{
    queue_fd = epoll_create1(EPOLL_CLOEXEC);
    return queue_fd >= 0;
}

/* After each step: the descriptor and what to wait for may have changed. The kernel forgets a
   descriptor that was closed, and the next one may have its number: therefore it is asked, not
   remembered. */
static void loop_watch(device *d)
{
    int fd = xmpp_posix_fd(&d->net);
    unsigned wants = xmpp_wants(&d->client);
    struct epoll_event e = { 0 };

    if (fd < 0)
        return;
    e.events = ((wants & XMPP_WANT_READ) != 0 ? EPOLLIN : 0u) |
               ((wants & XMPP_WANT_WRITE) != 0 ? EPOLLOUT : 0u);
    e.data.ptr = d;
    if (epoll_ctl(queue_fd, EPOLL_CTL_MOD, fd, &e) != 0)
        epoll_ctl(queue_fd, EPOLL_CTL_ADD, fd, &e);
}

static void loop_wait(int ms)
{
    struct epoll_event e[256];
    int n = epoll_wait(queue_fd, e, 256, ms), i;

    for (i = 0; i < n; i++)
        step(e[i].data.ptr);
}

#else

#include <poll.h>
static struct pollfd *watched;

static bool loop_init(void)
{
    size_t i;

    watched = calloc(opt.devices, sizeof watched[0]);
    for (i = 0; watched != NULL && i < opt.devices; i++)
        watched[i].fd = -1;
    return watched != NULL;
}

static void loop_watch(device *d)
{
    struct pollfd *p = &watched[d - devices];
    unsigned wants = xmpp_wants(&d->client);

    p->fd = xmpp_posix_fd(&d->net);
    p->events = (short)(((wants & XMPP_WANT_READ) != 0 ? POLLIN : 0) |
                        ((wants & XMPP_WANT_WRITE) != 0 ? POLLOUT : 0));
}

static void loop_wait(int ms)
{
    int n = poll(watched, (nfds_t)opt.devices, ms);
    size_t i;

    for (i = 0; n > 0 && i < opt.devices; i++)
        if (watched[i].fd >= 0 && watched[i].revents != 0)
            step(&devices[i]);
}

#endif

/* ---- the devices ---- */

static void report(device *d, uint64_t now)
{
    char reading[32];

    snprintf(reading, sizeof reading, "%lu.%lu C", 15 + (unsigned long)(now / 1000) % 10,
             (unsigned long)(now / 100) % 10);
    xmpp_policy(&d->client, XMPP_AT_MOST_ONCE, 1, 0);
    xmpp_presence(&d->client, XMPP_SHOW_ONLINE, reading);
    d->report = opt.report > 0 ? now + opt.report * 1000000 : UINT64_MAX;
}

static void gone(device *d)
{
    total.away += !d->away;
    d->away = true;
}

static void on_event(device *d, const xmpp_event *ev, uint64_t now)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:
        total.fresh++;
        report(d, now);
        break;
    case XMPP_EV_RESUMED:
        total.resumed++;
        break;
    case XMPP_EV_OFFLINE:
        total.errors[-ev->error & 127]++;
        if (ev->retry_ms == XMPP_FOREVER)
            gone(d);
        break;
    case XMPP_EV_FAILED:
        total.lost += ev->error != XMPP_E_REPLACED;
        break;
    case XMPP_EV_DELIVERED:
    case XMPP_EV_MESSAGE:
    case XMPP_EV_PRESENCE:
    case XMPP_EV_IQ:
    case XMPP_EV_STANZA:
        total.stanzas++;
        break;
    default:
        break;
    }
}

/* One step, and all the events that it gave. */
static void step(device *d)
{
    const uint64_t now = micros();
    const xmpp_event *ev;
    uint64_t due;
    uint32_t ms;

    xmpp_step(&d->client, (uint32_t)(now / 1000));
    while ((ev = xmpp_next(&d->client)) != NULL)
        on_event(d, ev, now);
    total.up -= d->up;
    d->up = xmpp_online(&d->client);
    total.up += d->up;
    if (d->up && now >= d->report)
        report(d, now);
    loop_watch(d);
    ms = xmpp_deadline(&d->client);
    due = now + (uint64_t)ms * 1000;
    heap_move(d, d->up && d->report < due ? d->report : due);
}

/* Steps whatever is due: each once. */
static void step_due(void)
{
    const uint64_t now = micros();

    while (heap[0]->due < now)
        step(heap[0]);
}

/* The pattern with the device's number in it. */
static bool device_jid(device *d, size_t number)
{
    const char *hole = strstr(opt.jid, "%d");
    int n = snprintf(d->jid, sizeof d->jid, "%.*s%lu%s", hole != NULL ? (int)(hole - opt.jid) : 0,
                     opt.jid, (unsigned long)number, hole != NULL ? hole + 2 : "");

    return hole != NULL && n > 0 && (size_t)n < sizeof d->jid;
}

static int device_init(size_t i)
{
    device *d = &devices[i];
    unsigned char *own = buffers + i * (opt.rx + opt.arena + opt.queue);
    xmpp_io io = xmpp_posix_loop_io(&d->net);

    if (!device_jid(d, i))
        return XMPP_E_JID;
    if (sessions != NULL) {
        session *s = &sessions[i];

        s->trust = (xmpp_bearssl_config){ .anchors = roots, .anchor_count = store.count,
                                          .profile = xmpp_bearssl_profile_full, .x509 = &s->x509,
                                          .records = records + i * opt.records,
                                          .records_size = opt.records };
        io = xmpp_bearssl_io(&s->tls, &s->trust, io);
    }
    d->account = (xmpp_account){ .jid = d->jid, .password = getenv("XMPP_PASSWORD"), .keys = &d->keys,
                                 .host = opt.host, .port = (uint16_t)opt.port, .sm = &d->sm,
                                 .rx = own, .rx_size = opt.rx,
                                 .arena = own + opt.rx, .arena_size = opt.arena,
                                 .queue = own + opt.rx + opt.arena, .queue_size = opt.queue };
    heap_put(d, i);
    d->due = micros() + i * 1000000 / opt.rate;     /* ascending: a heap already */
    return xmpp_init(&d->client, &config, &d->account, io);
}

/* ---- the program ---- */

static void leave(int signal_number)
{
    leaving = signal_number;
}

static void usage(const char *what)
{
    fprintf(stderr, "fleet: %s\n%s", what, usage_text);
    exit(2);
}

static unsigned long number(const char *s, const char **end, unsigned long most)
{
    char *stop;
    unsigned long n = strtoul(s, &stop, 10);

    if (s[0] < '0' || s[0] > '9' || n == 0 || n > most || (end == NULL && *stop != '\0'))
        usage(s);
    if (end != NULL)
        *end = *stop == ',' ? stop + 1 : "";
    return n;
}

static void parse_option(const char *name, const char *value)
{
    static const struct { const char *name; unsigned long *value, most; } numbers[] = {
        { "--rate", &opt.rate, 1000000 }, { "--report", &opt.report, 1000000 },
        { "--for", &opt.seconds, 100000000 }, { "--retry", &opt.retry, 1000000 },
        { "--port", &opt.port, 65535 }, { "--records", &opt.records, 16384 }
    };
    static const struct { const char *name, **value; } texts[] = {
        { "--host", &opt.host }, { "--tls", &opt.tls }, { "--ca", &opt.ca }
    };
    size_t i;

    if (value == NULL)
        usage(name);
    if (strcmp(name, "--buffers") == 0) {
        opt.rx = number(value, &value, 65535);
        opt.arena = number(value, &value, 1 << 24);
        opt.queue = number(value, NULL, 65535);
        return;
    }
    for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].value = number(value, NULL, numbers[i].most);
            return;
        }
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].value = value;
            return;
        }
    usage(name);
}

static void parse(int argc, char **argv)
{
    int i;

    if (argc < 3 || getenv("XMPP_PASSWORD") == NULL)
        usage("N, JID and XMPP_PASSWORD are needed");
    opt.devices = number(argv[1], NULL, 1000000);
    opt.jid = argv[2];
    for (i = 3; i < argc; i += 2)
        parse_option(argv[i], argv[i + 1]);
}

static int set_up_tls(void)
{
    int n;

    if (strcmp(opt.tls, "none") == 0) {
        config.tls = XMPP_TLS_NONE_UNSAFE;
        return XMPP_OK;
    }
    if (strcmp(opt.tls, "direct") == 0)
        config.tls = XMPP_TLS_DIRECT;
    else if (strcmp(opt.tls, "starttls") != 0)
        usage(opt.tls);
    xmpp_bearssl_store_init(&store, roots, 256, root_memory, sizeof root_memory);
    n = opt.ca != NULL ? xmpp_bearssl_anchors_file(&store, opt.ca) : xmpp_bearssl_anchors_system(&store);
    opt.records = XMPP_BEARSSL_BUFFER(opt.records);
    sessions = calloc(opt.devices, sizeof sessions[0]);
    records = calloc(opt.devices, opt.records);
    return sessions == NULL || records == NULL ? XMPP_E_ARG : n > 0 ? XMPP_OK : n;
}

/* A descriptor for each device: as many as the system lets us have. */
static void raise_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return;
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur < opt.devices + 16)
        fprintf(stderr, "fleet: the system allows no more than %lu descriptors\n",
                (unsigned long)r.rlim_cur);
}

static int set_up(void)
{
    size_t i;
    int error;

    config = xmpp_default_config;
    config.retry_first_ms = (uint32_t)opt.retry * 1000;
    error = set_up_tls();
    devices = calloc(opt.devices, sizeof devices[0]);
    buffers = calloc(opt.devices, opt.rx + opt.arena + opt.queue);
    heap = calloc(opt.devices, sizeof heap[0]);
    if (devices == NULL || buffers == NULL || heap == NULL || !loop_init())
        return XMPP_E_ARG;
    for (i = 0; i < opt.devices && error == XMPP_OK; i++)
        error = device_init(i);
    return error;
}

/* Runs until all have left, or so many seconds are over (0: no limit), or a signal comes. */
static unsigned long run(unsigned long seconds, unsigned long said)
{
    const uint64_t from = micros();
    const sig_atomic_t was = leaving;
    unsigned long now = 0;
    uint64_t left;

    while (total.away < opt.devices && leaving == was && (seconds == 0 || now < seconds)) {
        step_due();
        left = heap[0]->due - micros();             /* wraps to much when it is past */
        loop_wait(left < 1000000 ? (int)(left / 1000) + 1 : left >> 63 != 0 ? 0 : 1000);
        while (now < (micros() - from) / 1000000)
            print_second(said + ++now);
    }
    return now;
}

int main(int argc, char **argv)
{
    unsigned long seconds, up;
    size_t i;
    long rss;
    int error;

    parse(argc, argv);
    raise_limit();
    rss_before = resident();
    error = set_up();
    if (error != XMPP_OK) {
        fprintf(stderr, "fleet: %s\n", xmpp_strerror(error));
        return 2;
    }
    signal(SIGINT, leave);
    signal(SIGTERM, leave);
    signal(SIGPIPE, SIG_IGN);
    print_memory();
    seconds = run(opt.seconds, 0);
    up = total.up;
    rss = resident() - rss_before;
    for (i = 0; i < opt.devices; i++) {             /* in order, all at once */
        xmpp_close(&devices[i].client);
        if (xmpp_posix_fd(&devices[i].net) < 0)     /* it waited to come back */
            gone(&devices[i]);
        heap_move(&devices[i], micros());
    }
    run(30, seconds);
    print_summary(seconds, up, rss);
    return up == opt.devices ? 0 : 1;
}
