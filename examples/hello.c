#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include <stdio.h>
#include <stdlib.h>

static xmpp_client         client;
static xmpp_posix          net;
static xmpp_bearssl        tls;
static xmpp_bearssl_x509   x509;
static xmpp_bearssl_store  store;
static xmpp_bearssl_anchor roots[256];
static unsigned char       memory[128 * 1024], records[XMPP_BEARSSL_BUFFER(16384)];
static unsigned char       rx[4096], arena[8192], queue[4096];

int main(int argc, char **argv)
{
    xmpp_account account = { .jid = argc > 1 ? argv[1] : "", XMPP_BUFFERS(rx, arena, queue) };
    xmpp_bearssl_config trust = { .anchors = roots, XMPP_BEARSSL_MEMORY(x509, records) };
    const xmpp_event *ev;
    int error;

    account.password = getenv("XMPP_PASSWORD");
    trust.profile = xmpp_bearssl_profile_full;
    xmpp_bearssl_store_init(&store, roots, 256, memory, sizeof memory);
    xmpp_bearssl_anchors_system(&store);
    trust.anchor_count = store.count;
    error = xmpp_init(&client, &xmpp_default_config, &account,
                      xmpp_bearssl_io(&tls, &trust, xmpp_posix_io(&net)));
    while (error == XMPP_OK && (ev = xmpp_wait(&client, XMPP_FOREVER)) != NULL)
        switch (ev->type) {
        case XMPP_EV_ONLINE:  xmpp_presence(&client, XMPP_SHOW_ONLINE, "hello"); break;
        case XMPP_EV_MESSAGE: xmpp_message(&client, ev->from, ev->body); break;
        case XMPP_EV_OFFLINE: error = ev->error; break;
        }
    fprintf(stderr, "%s\n", xmpp_strerror(error));
    return 1;
}
