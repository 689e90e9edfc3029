/* put.h - prints text of others, for the examples.  SPDX: MIT */
#ifndef PUT_H
#define PUT_H

#include "xmpp.h"
#include <stdbool.h>
#include <stdio.h>

/* Text of others, addresses too: what would steer a terminal or begin a line of its own becomes ?. */
static void put(FILE *f, const char *s, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        bool c1 = c == 0xc2 && i + 1 < n && (unsigned char)s[i + 1] < 0xa0;  /* U+0080 to U+009F */

        putc(c < 0x20 || c == 0x7f || c1 ? '?' : c, f);
        if (c1)
            i++;
    }
}

/* Why the connection ended. Before TLS anybody on the way can write the text. */
static void put_offline(const xmpp_event *ev)
{
    fprintf(stderr, "%s %s ", xmpp_strerror(ev->error), ev->condition);
    put(stderr, ev->text, strlen(ev->text));
    fprintf(stderr, "; next try in %lu s\n", (unsigned long)ev->retry_ms / 1000);
}

#endif
