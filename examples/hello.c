#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include <stdio.h>
#include <stdlib.h>

static xmpp_client         client;
static xmpp_sm             sm;
static xmpp_posix          net;
static xmpp_dns            dns;
static xmpp_bearssl_system tls;
static unsigned char       rx[4096], arena[8192], queue[4096];

int main(int argc, char **argv)
{
    xmpp_account account = { .jid = argv[1], .sm = &sm, .dns = &dns, XMPP_BUFFERS(rx, arena, queue) };
    const xmpp_event *ev;
    int error;

    account.password = getenv("XMPP_PASSWORD");
    if (argc != 2 || account.password == NULL)
        return fprintf(stderr, "usage: XMPP_PASSWORD=secret %s user@example.org\n", argv[0]), 2;
    error = xmpp_init(&client, &xmpp_default_config, &account,
                      xmpp_bearssl_system_io(&tls, NULL, xmpp_posix_io(&net)));
    while (error == XMPP_OK && (ev = xmpp_wait(&client, XMPP_FOREVER)) != NULL)
        switch (ev->type) {
        case XMPP_EV_ONLINE:  xmpp_presence(&client, XMPP_SHOW_ONLINE, "hello"); break;
        case XMPP_EV_MESSAGE: if (strcmp(ev->kind, "chat") == 0)
                                  xmpp_message(&client, ev->from, ev->body);
                              break;
        case XMPP_EV_OFFLINE: fprintf(stderr, "%s %s; next try in %u s\n", xmpp_strerror(ev->error),
                                      ev->condition, (unsigned)(ev->retry_ms / 1000)); break;
        default:              break;
        }
    return fprintf(stderr, "%s\n", xmpp_strerror(error)), 1;
}
