/* writer.c - what the writer writes is well-formed and means what went in, or is refused; at each level.  SPDX: MIT
   Input: a byte for the room, then calls. */
#include "writer.h"

#define XMPP_NO_POSIX
#include "xmpp.h"
#include <expat.h>

static text found;
static unsigned depth;

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **atts)
{
    (void)ctx;
    if (depth++ == 0)
        return;
    puts_to(&found, "\n<");
    puts_to(&found, name);
    for (; atts[0] != NULL; atts += 2) {
        puts_to(&found, "\n ");
        puts_to(&found, atts[0]);
        puts_to(&found, "=");
        puts_to(&found, atts[1]);
    }
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    (void)ctx;
    (void)name;
    if (--depth > 0)
        puts_to(&found, "\n/");
}

static void XMLCALL on_text(void *ctx, const XML_Char *s, int n)
{
    (void)ctx;
    put(&found, s, (size_t)n);
}

static void ask_oracle(const written *w)
{
    XML_Parser p = XML_ParserCreate("UTF-8");   /* prefixes and namespaces are the caller's */
    int ok;

    found.n = 0;
    depth = 0;
    puts_to(&found, "");
    XML_SetElementHandler(p, on_start, on_end);
    XML_SetCharacterDataHandler(p, on_text);
    ok = XML_Parse(p, "<root>", 6, 0) == XML_STATUS_OK && XML_Parse(p, w->out.s, (int)w->out.n, 0) == XML_STATUS_OK &&
         XML_Parse(p, "</root>", 7, 1) == XML_STATUS_OK;
    if (ok ? !w->unknown && !same_text(&found, &w->meant) : !w->odd_name)
        fprintf(stderr, "%s\n----%s\n----%s\n", w->out.s, w->meant.s, found.s);
    MUST(ok || w->odd_name);
    MUST(!ok || w->unknown || same_text(&found, &w->meant));
    XML_ParserFree(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static writer_run *const levels[] = { writer_run_1, writer_run_2, writer_run_3 };
    static written w, other;
    size_t i;

    writer_run_0(data, n, &w);
    if (w.error == XMPP_OK)
        ask_oracle(&w);
    for (i = 0; i < 3; i++) {
        levels[i](data, n, &other);
        MUST(other.error == w.error);
        MUST(w.error != XMPP_OK || same_text(&w.out, &other.out));
    }
    return 0;
}
