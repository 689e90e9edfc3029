/* size.h: what every program here starts from. They are measured, never run: linked with the header
   as a unit of its own, without start files, with --gc-sections; the bytes of empty.c linked the
   same way are taken off. Memory stands at addresses that the linker is given, so the bss that
   shows is the library's own. */
#ifndef SIZE_H
#define SIZE_H

#include "xmpp.h"

extern unsigned char memory[];          /* the caller's buffers */
extern xmpp_client   client;            /* the caller's client  */
extern const xmpp_io_ops io_ops;        /* the caller's transport */
extern volatile int  sink;

void start(void);

/* what the column state_bytes shows */
#define STATE_IS(type) extern unsigned char state_bytes[]; unsigned char state_bytes[sizeof(type)];

#define ACCOUNT(jid_) { .jid = (jid_), .password = (const char *)memory, .rx = memory, .rx_size = 256, \
    .arena = memory + 256, .arena_size = 1024, .queue = memory + 1280, .queue_size = 1024 }

/* A layer over the transport: TLS. */
#ifndef TRANSPORT
#define TRANSPORT(io_) (io_)
#endif

/* What every device does: log in, presence, a message for a message, an IQ request. */
#define DEVICE(cfg_, account_)                                                                    \
    const xmpp_event *ev;                                                                         \
    xmpp_writer w;                                                                                \
    xmpp_io io;                                                                                   \
                                                                                                  \
    io.ops = &io_ops;                                                                             \
    io.ctx = memory;                                                                              \
    sink = xmpp_init(&client, (cfg_), (account_), TRANSPORT(io));                                 \
    for (;;) {                                                                                    \
        xmpp_step(&client, (uint32_t)sink);                                                       \
        while ((ev = xmpp_next(&client)) != NULL)                                                 \
            switch (ev->type) {                                                                   \
            case XMPP_EV_ONLINE:                                                                  \
                sink = xmpp_presence(&client, XMPP_SHOW_ONLINE, "21.5 C");                        \
                sink = xmpp_iq_begin(&client, &w, "get", NULL);                                   \
                xmpp_w_open(&w, "query", "jabber:iq:version");                                    \
                xmpp_w_close(&w);                                                                 \
                sink = xmpp_iq_commit(&client, &w, NULL, 0);                                      \
                break;                                                                            \
            case XMPP_EV_MESSAGE:                                                                 \
                sink = xmpp_message(&client, ev->from, ev->body);                                 \
                break;                                                                            \
            case XMPP_EV_OFFLINE:                                                                 \
                xmpp_reset(&client);                                                              \
                break;                                                                            \
            default:                                                                              \
                break;                                                                            \
            }                                                                                     \
        sink = (int)xmpp_deadline(&client) + (int)xmpp_wants(&client);                            \
        EXTRA                                                                                     \
    }

#endif
