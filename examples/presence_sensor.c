/* presence_sensor.c: reports a reading as its presence status every N seconds, for years. When the
   connection ends it comes back by itself, after a delay that is random and grows, and tells the
   newest reading.

   cc -I.. presence_sensor.c -lbearssl -o presence_sensor
   XMPP_PASSWORD=secret ./presence_sensor sensor@example.org/attic 60 /sys/class/thermal/...

   Without a file it makes its readings up. XMPP_HOST, XMPP_PORT, XMPP_CA: another server than the
   JID's domain, another authority than the system's. */

#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include "put.h"

#include <stdio.h>
#include <stdlib.h>

static xmpp_client         client;
static xmpp_sm             sm;      /* a broken link is not the end of the session */
static xmpp_dns            dns;
static xmpp_posix          net;
static xmpp_io             io;                          /* TLS over net */
static xmpp_bearssl_system tls;
static unsigned char       rx[1024], arena[2048], queue[2048];     /* plenty for a sensor */
static xmpp_keys           keys;    /* with them only the first login costs PBKDF2: save them */

static xmpp_roster         roster;      /* lets pings of the own account and server be answered */
static const xmpp_ext_use  extensions[] = {
    { &xmpp_ping_ext, NULL }, { &xmpp_roster_ext, &roster }, { NULL, NULL }
};

/* A reading as text: the first line of the file. */
static void measure(const char *file, char *out, size_t size)
{
    static int tenths = 215;
    unsigned char r = 0;
    FILE *f;

    if (file == NULL) {
        io.ops->random(io.ctx, &r, 1);
        tenths += r % 5 - 2;
        snprintf(out, size, "%d.%d C", tenths / 10, tenths % 10);
        return;
    }
    f = fopen(file, "r");
    if (f == NULL || fgets(out, (int)size, f) == NULL)
        snprintf(out, size, "no reading");
    if (f != NULL)
        fclose(f);
    out[strcspn(out, "\r\n")] = '\0';
}

/* Queued also while offline: of readings that wait the newest alone goes out. */
static void report(const char *file)
{
    char reading[128];

    measure(file, reading, sizeof reading);
    xmpp_policy(&client, XMPP_AT_MOST_ONCE, 1, 0);
    if (xmpp_presence(&client, XMPP_SHOW_ONLINE, reading) == XMPP_OK)
        printf("%s\n", reading);
}

static void on_event(const xmpp_event *ev)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:        /* a new session: the library says our presence again */
        printf("online as %s\n", xmpp_own_jid(&client));
        break;
    case XMPP_EV_RESUMED:
        printf("online again\n");
        break;
    case XMPP_EV_OFFLINE:
        put_offline(ev);
        break;
    default:
        break;
    }
}

static int start(char **argv)
{
    static xmpp_account account;
    const char *port = getenv("XMPP_PORT");

    account = (xmpp_account){ .jid = argv[1],
                              .password = getenv("XMPP_PASSWORD"),
                              .keys = &keys,
                              .host = getenv("XMPP_HOST"),
                              .dns = &dns,      /* without a host: by SRV records */
                              .port = (uint16_t)(port != NULL ? atoi(port) : 0),
                              .exts = extensions,
                              .sm = &sm,
                              XMPP_BUFFERS(rx, arena, queue) };
    io = xmpp_bearssl_system_io(&tls, getenv("XMPP_CA"), xmpp_posix_io(&net));
    return xmpp_init(&client, &xmpp_default_config, &account, io);
}

int main(int argc, char **argv)
{
    const uint32_t every = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) * 1000 : 60000;
    const char *file = argc > 3 ? argv[3] : NULL;
    const xmpp_event *ev;
    uint32_t last, gone;
    int error;

    if (argc < 2 || argc > 4 || getenv("XMPP_PASSWORD") == NULL || every == 0) {
        fprintf(stderr, "usage: XMPP_PASSWORD=secret %s JID [SECONDS [FILE]]\n", argv[0]);
        return 2;
    }
    error = start(argv);
    if (error != XMPP_OK) {
        fprintf(stderr, "%s\n", xmpp_strerror(error));
        return 2;
    }
    last = io.ops->millis(io.ctx) - every;      /* a reading at once */
    for (;;) {
        gone = io.ops->millis(io.ctx) - last;
        if (gone >= every) {
            last += gone;
            gone = 0;
            report(file);
        }
        ev = xmpp_wait(&client, every - gone);
        if (ev != NULL)
            on_event(ev);
        fflush(stdout);
    }
}
