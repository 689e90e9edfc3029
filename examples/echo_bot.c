/* echo_bot.c: says what it hears, until Ctrl-C; when the connection ends it comes back by itself.
   Shows orderly leaving, who may subscribe, what to answer and what not, extensions, and the errors
   that a program should look at.

   cc -I.. echo_bot.c -lbearssl -o echo_bot
   XMPP_PASSWORD=secret ./echo_bot bot@example.org

   XMPP_HOST, XMPP_PORT, XMPP_CA: another server than the JID's domain, another authority than the
   system's. */

#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include "put.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static xmpp_client         client;
static xmpp_sm             sm;
static xmpp_dns            dns;
static xmpp_posix          net;
static xmpp_bearssl_system tls;
static unsigned char       rx[4096], arena[16384], queue[16384];

/* Extensions: what is listed is linked, answered and advertised; nothing else is. */
static uint32_t            contacts[256];
static xmpp_roster         roster = { .seen = contacts, .seen_max = 256 };
static xmpp_version        version = { "echo_bot", XMPP_VERSION, NULL };
static xmpp_disco          disco = { .category = "client", .type = "bot", .name = "Echo" };
static const xmpp_ext_use  extensions[] = {
    { &xmpp_disco_ext, &disco },   { &xmpp_version_ext, &version },
    { &xmpp_roster_ext, &roster }, { &xmpp_ping_ext, NULL },
    { NULL, NULL }
};

static volatile sig_atomic_t leaving;

static void leave(int signal_number)
{
    leaving = signal_number;
    xmpp_posix_wake(&net);      /* makes xmpp_wait return XMPP_EV_WAKE */
}

static void on_message(const xmpp_event *ev)
{
    int error = XMPP_OK;

    /* Two bots that answer each other never end: a program should answer chat alone, not rooms
       ("groupchat") and not announcements ("headline"). */
    if (strcmp(ev->kind, "chat") == 0 || strcmp(ev->kind, "normal") == 0)
        error = xmpp_sendf(&client,
                           "<message to='%s' type='chat'><body>you said: %s</body></message>",
                           ev->from, ev->body);
    /* XMPP_E_TOO_LONG for a body that is larger than our queue; XMPP_E_FULL when it comes faster
       than it goes: the sender is not served, nothing else happens */
    if (error != XMPP_OK) {
        fprintf(stderr, "%s: no echo for ", xmpp_strerror(error));
        put(stderr, ev->from, strlen(ev->from));
        putc('\n', stderr);
    }
}

static void on_subscription(const xmpp_event *ev)
{
    if (strcmp(ev->kind, "subscribe") != 0)
        return;
    xmpp_subscription(&client, ev->from, "subscribed");     /* everybody may see our presence, */
    xmpp_subscription(&client, ev->from, "subscribe");      /* and we ask to see theirs */
}

static void on_event(const xmpp_event *ev)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:
        printf("online as %s\n", xmpp_own_jid(&client));
        xmpp_presence(&client, XMPP_SHOW_CHAT, "say something");
        break;
    case XMPP_EV_MESSAGE:
        on_message(ev);
        break;
    case XMPP_EV_MESSAGE_ERROR:         /* never answered: that would go on for ever */
        put(stdout, ev->from, strlen(ev->from));
        printf(" did not get it: %s ", ev->condition);
        put(stdout, ev->text, strlen(ev->text));
        putchar('\n');
        break;
    case XMPP_EV_SUBSCRIPTION:
        on_subscription(ev);
        break;
    case XMPP_EV_SKIPPED:
        put(stdout, ev->from, strlen(ev->from));
        printf(" sent %lu bytes at once: too much for our arena\n", (unsigned long)ev->size);
        break;
    case XMPP_EV_WAKE:
        if (leaving)
            xmpp_close(&client);        /* sends what is queued, goes offline in order */
        break;
    case XMPP_EV_FAILED:                /* an answer of ours may or may not have arrived */
        printf("%s: ", xmpp_strerror(ev->error));
        put(stdout, ev->data, ev->size);
        putchar('\n');
        break;
    case XMPP_EV_OFFLINE:
        if (ev->retry_ms != XMPP_FOREVER)
            put_offline(ev);
        break;
    default:                            /* presence of others, requests that nobody answered, ... */
        break;
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    xmpp_account account = { .password = getenv("XMPP_PASSWORD"),
                             .host = getenv("XMPP_HOST"),
                             .dns = &dns,       /* without a host: by SRV records */
                             .exts = extensions,
                             .sm = &sm,
                             XMPP_BUFFERS(rx, arena, queue) };
    const char *port = getenv("XMPP_PORT");
    const xmpp_event *ev;
    int error;

    if (argc != 2 || account.password == NULL) {
        fprintf(stderr, "usage: XMPP_PASSWORD=secret %s JID\n", argv[0]);
        return 2;
    }
    account.jid = argv[1];
    account.port = (uint16_t)(port != NULL ? atoi(port) : 0);
    error = xmpp_init(&client, &xmpp_default_config, &account,
                      xmpp_bearssl_system_io(&tls, getenv("XMPP_CA"), xmpp_posix_io(&net)));
    if (error != XMPP_OK) {
        fprintf(stderr, "%s\n", xmpp_strerror(error));
        return 2;
    }
    signal(SIGINT, leave);
    signal(SIGTERM, leave);
    while ((ev = xmpp_wait(&client, XMPP_FOREVER)) != NULL)     /* NULL: closed, by leave */
        on_event(ev);
    return 0;
}
