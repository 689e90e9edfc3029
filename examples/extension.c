/* extension.c: an extension in an application's own file. It is made of the public API alone, as
   those in xmpp.h are: here XEP-0202 (Entity Time), both sides, beside ping, version and disco.

   cc -I.. extension.c -lbearssl -o extension
   XMPP_PASSWORD=secret ./extension me@example.org

   Answers when asked for the time, and asks everybody who comes online and may see us
   for theirs. */

#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include "put.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- what would be entity_time.h ---- */

#define ENTITY_TIME_NS "urn:xmpp:time"

typedef struct entity_time {        /* the extension's state: one for each client, zero-filled */
    const char *utc, *tzo;          /* of the answer at hand: valid as long as its event */
} entity_time;

enum { ENTITY_TIME_ANSWER = 1 };    /* the code of its event; data: the entity_time */

extern const xmpp_ext entity_time_ext;
int entity_time_ask(xmpp_client *c, const char *to);

/* ---- what would be entity_time.c ---- */

static const char *const features[] = { ENTITY_TIME_NS, NULL };

/* Sees each stanza before the application does. */
static int answer_request(xmpp_client *c, void *state, xmpp_event *ev)
{
    time_t now = time(NULL);
    char utc[32];

    (void)state;
    if (ev->type != XMPP_EV_IQ || strcmp(ev->kind, "get") != 0 ||
        !xmpp_is(ev->payload, "time", ENTITY_TIME_NS))
        return XMPP_EXT_PASS;
    if (!xmpp_may_see(c, ev->from))     /* a stranger must not learn that we are here: */
        return XMPP_EXT_PASS;           /* as nobody answers, it gets service-unavailable */
    strftime(utc, sizeof utc, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    xmpp_answerf(c, "<time xmlns='" ENTITY_TIME_NS "'><tzo>+00:00</tzo><utc>%s</utc></time>", utc);
    return XMPP_EXT_TAKEN;
}

/* The answer to what entity_time_ask sent becomes an event of the extension's own. */
static int read_answer(xmpp_client *c, void *state, xmpp_event *ev)
{
    entity_time *t = state;

    (void)c;
    t->utc = xmpp_text(xmpp_child(ev->payload, "utc", NULL));   /* "" when there is no answer */
    t->tzo = xmpp_text(xmpp_child(ev->payload, "tzo", NULL));
    return xmpp_ext_event(ev, &entity_time_ext, ENTITY_TIME_ANSWER, t);
}

const xmpp_ext entity_time_ext = {      /* hooks that it does not need are NULL */
    .features = features,               /* for disco#info and caps */
    .stanza   = answer_request,
    .result   = read_answer
};

/* Asks a full JID for its time. Returns > 0, or an XMPP_E_* error. */
int entity_time_ask(xmpp_client *c, const char *to)
{
    xmpp_writer w;
    int error = xmpp_iq_begin(c, &w, "get", to);

    if (error != XMPP_OK)
        return error;
    xmpp_w_open(&w, "time", ENTITY_TIME_NS);
    xmpp_w_close(&w);
    return xmpp_ext_iq_commit(c, &entity_time_ext, &w, NULL, 10000);
}

/* ---- the application ---- */

static xmpp_client         client;
static xmpp_posix          net;
static xmpp_bearssl_system tls;
static unsigned char       rx[4096], arena[16384], queue[8192];

static entity_time         times;
static uint32_t            contacts[256];
static xmpp_roster         roster = { .seen = contacts, .seen_max = 256 };
static xmpp_version        version = { "xmpp.h extension example", XMPP_VERSION, NULL };
static xmpp_disco          disco = { .category = "client", .type = "bot", .name = "clock",
                                     .node = "https://example.org/clock" };

static const xmpp_ext_use extensions[] = {
    { &xmpp_disco_ext, &disco },        /* advertises what is in this list, ours included */
    { &xmpp_ping_ext, NULL },
    { &xmpp_version_ext, &version },
    { &xmpp_roster_ext, &roster },      /* knows who may see us */
    { &entity_time_ext, &times },
    { NULL, NULL }
};

static void on_event(const xmpp_event *ev)
{
    const entity_time *t;

    switch (ev->type) {
    case XMPP_EV_ONLINE:
        printf("online as %s\n", xmpp_own_jid(&client));
        xmpp_presence(&client, XMPP_SHOW_ONLINE, NULL);
        break;
    case XMPP_EV_PRESENCE:
        /* not a stranger, who would learn by it that we are here */
        if (ev->kind[0] == '\0' && strchr(ev->from, '/') != NULL && xmpp_may_see(&client, ev->from))
            entity_time_ask(&client, ev->from);
        break;
    case XMPP_EV_EXT:
        if (ev->ext != &entity_time_ext)
            break;
        t = ev->data;
        put(stdout, ev->from, strlen(ev->from));
        if (ev->error != XMPP_OK) {
            printf(" does not tell the time: %s\n", xmpp_strerror(ev->error));
            break;
        }
        fputs(" says it is ", stdout);
        put(stdout, t->utc, strlen(t->utc));
        fputs(", zone ", stdout);
        put(stdout, t->tzo, strlen(t->tzo));
        putchar('\n');
        break;
    case XMPP_EV_OFFLINE:
        put_offline(ev);
        break;
    default:
        break;
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    xmpp_account account = { .jid = argc > 1 ? argv[1] : "",
                             .password = getenv("XMPP_PASSWORD"),
                             .host = getenv("XMPP_HOST"),
                             .exts = extensions,
                             XMPP_BUFFERS(rx, arena, queue) };
    const char *port = getenv("XMPP_PORT");
    const xmpp_event *ev;
    int error;

    account.port = (uint16_t)(port != NULL ? atoi(port) : 0);
    error = xmpp_init(&client, &xmpp_default_config, &account,
                      xmpp_bearssl_system_io(&tls, getenv("XMPP_CA"), xmpp_posix_io(&net)));
    if (error != XMPP_OK)
        fprintf(stderr, "%s\n", xmpp_strerror(error));
    while (error == XMPP_OK && (ev = xmpp_wait(&client, XMPP_FOREVER)) != NULL)
        on_event(ev);
    return 1;
}
