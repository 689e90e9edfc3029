/* event_loop.c: many clients in one thread, in the program's own event loop: epoll on Linux, poll
   elsewhere or with -DUSE_POLL. Each client tells its descriptor, what it waits for and until when;
   that is all that any loop needs (libuv, GLib, an RTOS select). fleet.c does the same with
   thousands: with a heap of deadlines and less memory for each.

   cc -I.. event_loop.c -lbearssl -o event_loop
   XMPP_PASSWORD=secret ./event_loop device{1..50}@example.org

   XMPP_HOST, XMPP_PORT, XMPP_CA: another server than the JID's domain, another authority than the
   system's. */

#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include "put.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__linux__) && !defined(USE_POLL)
#define USE_EPOLL
#include <sys/epoll.h>
#else
#include <poll.h>
#endif

typedef struct device {
    xmpp_client   client;
    xmpp_account  account;
    xmpp_sm       sm;
    xmpp_posix    net;
    xmpp_bearssl  tls;
    /* its own: one for all would wait for a server that stops in mid-handshake, and all with it */
    xmpp_bearssl_x509   x509;
    xmpp_bearssl_config trust;
    unsigned char rx[1024], arena[2048], queue[2048], records[XMPP_BEARSSL_BUFFER(4096)];
    bool          ready;            /* the loop saw something on its descriptor */
} device;

/* Shared by all: policy and authorities. */
static xmpp_bearssl_store  store;
static xmpp_bearssl_anchor roots[256];
static unsigned char       memory[128 * 1024];
static xmpp_io             clock_io;        /* for the time and random numbers */

static device *devices;
static int     n_devices;

/* ---- the loop: what is due, and what is ready ---- */

static uint32_t millis(void)
{
    return clock_io.ops->millis(clock_io.ctx);
}

/* Milliseconds until the device must be stepped even if nothing comes. */
static uint32_t due_in(const device *d, uint32_t now)
{
    uint32_t deadline = xmpp_deadline(&d->client), gone = now - xmpp_now(&d->client);

    return deadline == XMPP_FOREVER ? deadline : deadline > gone ? deadline - gone : 0;
}

static int shortest(uint32_t now)
{
    uint32_t ms = 60000, due;
    int i;

    for (i = 0; i < n_devices; i++) {   /* a heap does better from some hundred devices on */
        due = due_in(&devices[i], now);
        if (due < ms)
            ms = due;
    }
    return (int)ms;
}

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
    struct epoll_event e[64];
    int n = epoll_wait(queue_fd, e, 64, ms), i;

    for (i = 0; i < n; i++)
        ((device *)e[i].data.ptr)->ready = true;
}

#else

static struct pollfd *watched;

static bool loop_init(void)
{
    int i;

    watched = calloc((size_t)n_devices, sizeof watched[0]);
    for (i = 0; watched != NULL && i < n_devices; i++)
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
    int i, n = poll(watched, (nfds_t)n_devices, ms);

    for (i = 0; n > 0 && i < n_devices; i++)
        devices[i].ready = watched[i].fd >= 0 && watched[i].revents != 0;
}

#endif

/* ---- the devices ---- */

static void on_event(device *d, const xmpp_event *ev)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:
        printf("%s is online\n", xmpp_own_jid(&d->client));
        xmpp_presence(&d->client, XMPP_SHOW_ONLINE, "one of many");
        break;
    case XMPP_EV_MESSAGE:
        printf("%s heard from ", xmpp_own_jid(&d->client));
        put(stdout, ev->from, strlen(ev->from));
        fputs(": ", stdout);
        put(stdout, ev->body, strlen(ev->body));
        putchar('\n');
        break;
    case XMPP_EV_RESUMED:
        printf("%s is back, as if nothing had happened\n", xmpp_own_jid(&d->client));
        break;
    case XMPP_EV_OFFLINE:
        fprintf(stderr, "%s: ", d->account.jid);
        put_offline(ev);
        break;
    default:
        break;
    }
    fflush(stdout);
}

/* One step, and all the events that it gave. */
static void step(device *d, uint32_t now)
{
    const xmpp_event *ev;

    d->ready = false;
    xmpp_step(&d->client, now);
    while ((ev = xmpp_next(&d->client)) != NULL)
        on_event(d, ev);
    loop_watch(d);
}

static int device_init(device *d, const char *jid)
{
    const char *port = getenv("XMPP_PORT");
    xmpp_io tls;

    d->account = (xmpp_account){ .jid = jid,
                                 .password = getenv("XMPP_PASSWORD"),
                                 .host = getenv("XMPP_HOST"),
                                 .port = (uint16_t)(port != NULL ? atoi(port) : 0),
                                 .sm = &d->sm,
                                 XMPP_BUFFERS(d->rx, d->arena, d->queue) };
    d->trust = (xmpp_bearssl_config){ .anchors = roots, .anchor_count = store.count,
                                      .profile = xmpp_bearssl_profile_full,
                                      XMPP_BEARSSL_MEMORY(d->x509, d->records) };
    tls = xmpp_bearssl_io(&d->tls, &d->trust, xmpp_posix_loop_io(&d->net));
    if (clock_io.ops == NULL)
        clock_io = tls;
    return xmpp_init(&d->client, &xmpp_default_config, &d->account, tls);
}

int main(int argc, char **argv)
{
    const char *ca = getenv("XMPP_CA");
    uint32_t now;
    int i, error;

    n_devices = argc - 1;
    devices = calloc((size_t)argc, sizeof devices[0]);
    if (n_devices < 1 || devices == NULL || getenv("XMPP_PASSWORD") == NULL || !loop_init()) {
        fprintf(stderr, "usage: XMPP_PASSWORD=secret %s JID...\n", argv[0]);
        return 2;
    }
    xmpp_bearssl_store_init(&store, roots, 256, memory, sizeof memory);
    if (ca != NULL)
        error = xmpp_bearssl_anchors_file(&store, ca);
    else
        error = xmpp_bearssl_anchors_system(&store);
    error = error > 0 ? XMPP_OK : error;
    for (i = 0; i < n_devices && error == XMPP_OK; i++)
        error = device_init(&devices[i], argv[i + 1]);
    if (error != XMPP_OK) {
        fprintf(stderr, "%s\n", xmpp_strerror(error));
        return 2;
    }
    for (;;) {
        now = millis();
        for (i = 0; i < n_devices; i++)
            if (devices[i].ready || due_in(&devices[i], now) == 0)
                step(&devices[i], now);
        loop_wait(shortest(millis()));
    }
}
