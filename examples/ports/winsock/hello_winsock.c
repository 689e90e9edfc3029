/* hello_winsock.c: the first program (examples/hello.c) on Windows. It logs in over verified TLS, goes online and answers
   whoever talks to it; when the link breaks it comes back by itself.

   x86_64-w64-mingw32-gcc -I. -Iexamples/ports/winsock examples/ports/winsock/hello_winsock.c \
       -lbearssl -lws2_32 -lbcrypt -liphlpapi -o hello.exe
   set XMPP_PASSWORD=...
   hello.exe sensor@example.org ca.pem

   `make ports` runs it under wine, against Prosody. */

#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include "xmpp_io_winsock.h"
#include <stdlib.h>

static xmpp_client         client;
static xmpp_sm             sm;
static xmpp_winsock        net;
static xmpp_dns            dns;
static xmpp_bearssl_system tls;
static unsigned char       rx[4096], arena[8192], queue[4096];

int main(int argc, char **argv)
{
    xmpp_account account = { .jid = argv[1], .sm = &sm, .dns = &dns, XMPP_BUFFERS(rx, arena, queue) };
    const xmpp_event *ev;
    int error;

    account.password = getenv("XMPP_PASSWORD");
    if ((argc != 3 && argc != 5) || account.password == NULL)
        return fprintf(stderr, "usage: set XMPP_PASSWORD=secret, then %s user@example.org CA-FILE [HOST PORT]\n", argv[0]), 2;
    if (argc == 5) {
        account.host = argv[3];
        account.port = (uint16_t)atoi(argv[4]);
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    error = xmpp_init(&client, &xmpp_default_config, &account, xmpp_bearssl_system_io(&tls, argv[2], xmpp_winsock_io(&net)));
    while (error == XMPP_OK && (ev = xmpp_wait(&client, XMPP_FOREVER)) != NULL)
        switch (ev->type) {
        case XMPP_EV_ONLINE:
        case XMPP_EV_RESUMED:
            printf("online as %s\n", xmpp_own_jid(&client));
            xmpp_presence(&client, XMPP_SHOW_ONLINE, "hello");
            break;
        case XMPP_EV_MESSAGE:
            if (strcmp(ev->kind, "chat") == 0)
                xmpp_message(&client, ev->from, ev->body);
            break;
        case XMPP_EV_OFFLINE:
            printf("offline: %s %s; next try in %u s\n", xmpp_strerror(ev->error), ev->condition,
                   (unsigned)(ev->retry_ms / 1000));
            break;
        default:
            break;
        }
    return fprintf(stderr, "%s\n", xmpp_strerror(error)), 1;
}
