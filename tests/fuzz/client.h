/* client.h - what client.c asks of each/client.c.  SPDX: MIT */
#include "fuzz.h"

typedef struct session {
    size_t   piece;         /* bytes that are fed at once; 0: all that there are */
    uint32_t dice;          /* when not 0: pieces as they fall */
    int      feed;          /* by xmpp_feed, so that another split must give the same; otherwise by xmpp_step */
    int      usable;        /* afterwards the client must get online with a good server */
    text     events, sent;
} session;

typedef void client_run(const uint8_t *data, size_t n, session *s);
client_run client_run_0, client_run_1, client_run_2, client_run_3;
