/* pieces.c - the tokenizer (-DWITH_XML) or JIDs (-DWITH_JID) on an AVR, asked by tests/unit/test_xml.c or test_jid.c over a
   UART: wire.h.  SPDX: MIT */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "wire.h"
#include "board.h"
#include <stdlib.h>

#ifdef WITH_XML
static char     xml[1200];
static uint32_t digest;                         /* of the log */
static bool     telling;                        /* the log goes to the host */

static void log_add(const char *s)
{
    for (; *s != '\0'; s++) {
        digest = (digest ^ (uint8_t)*s) * 16777619u;
        if (telling)
            put8((uint8_t)*s);
    }
}

static void log_node(const char *before, xmpp_node n)
{
    if (xmpp_to_xml(n, xml, sizeof xml) >= sizeof xml)
        log_add("no room for this element");
    log_add(before);
    log_add(xml);
}

/* As in tests/unit/test_xml.c. */
static bool feed(xmpp_xml *x, const char *p, size_t n, uint8_t tree)
{
    size_t used;
    int r;

    do {
        r = xmpp_xml_feed(x, p, n, &used);
        p += used;
        n -= used;
        if (r == XMPP_XML_START) {
            log_node(x->skipping ? "(*" : "(", x->node);
            if (x->depth == tree)
                xmpp_xml_tree(x);
        } else if (r == XMPP_XML_TEXT) {
            log_add("[");
            log_add(xmpp_text(x->node));
            log_add("]");
        } else if (r == XMPP_XML_END) {
            log_add(x->skipping ? "*" : "");
            if (tree > 0 && x->depth == tree - 1)
                log_node("=", x->node);
            log_add(")");
        } else if (r != XMPP_XML_MORE) {
            char at[12];

            ultoa(x->offset, at, 10);
            log_add("!");
            log_add(xmpp_errname(r) + 11);
            log_add("@");
            log_add(at);
            if (xmpp_xml_feed(x, "x", 1, &used) != r || used != 0)
                log_add(" does not stick");
        }
    } while (r > 0);
    return r == XMPP_XML_MORE;
}

static void run(const char *data, size_t n, size_t first, size_t step, unsigned char *mem, size_t room, uint8_t tree)
{
    xmpp_xml x;
    size_t i, k;

    digest = 2166136261u;
    memset(mem, 0xA5, room);
    xmpp_xml_init(&x, mem, room);
    for (i = 0; i < n; i += k) {
        k = i == 0 ? first : step;
        k = k < n - i ? k : n - i;
        if (!feed(&x, data + i, k, tree))
            break;
    }
    if (i >= n && x.depth != 0)
        log_add("~");
}

static void call(uint8_t op)
{
    uint16_t n;
    const char *data = (const char *)get(&n);
    uint16_t first = get16(), step = get16(), room = get16(), differs = 0, i;
    uint8_t tree = get8();
    uint32_t whole;

    if (room > (uint16_t)(high - low))
        room = (uint16_t)(high - low);
    put8(FAR_RETURN);
    telling = true;
    run(data, n, first, step, low, room, tree);
    telling = false;
    put8(0);
    whole = digest;
    if (op == FAR_XML_ALL) {                    /* byte by byte, then cut at every byte */
        run(data, n, 1, 1, low, room, tree);
        differs = digest != whole;
        for (i = 1; i < n && differs == 0; i++) {
            run(data, n, i, n, low, room, tree);
            differs = digest != whole ? i : 0;
        }
    }
    put16(differs);
}
#endif

#ifdef WITH_JID
static void put_part(const char *text, const char *p, uint16_t n)
{
    put16(p == NULL ? 65535 : (uint16_t)(p - text));
    put16(n);
}

static void put_jid(int r, const char *text, const xmpp_jid *j)
{
    put8(FAR_RETURN);
    put16((uint16_t)r);
    put_part(text, j->local, j->local_n);
    put_part(text, j->domain, j->domain_n);
    put_part(text, j->resource, j->resource_n);
}

static const char *get_part(uint16_t *n)
{
    const char *p = (const char *)get(n);

    if (p == NULL)
        *n = 0;
    return p;
}

/* Room for a result: as much as there is. */
static uint16_t get_cap(void)
{
    uint16_t n = get16(), room = (uint16_t)(high - low);

    return n < room ? n : room;
}

/* A result with the text it wrote. */
static void put_out(int r, const char *out, uint16_t cap)
{
    put8(FAR_RETURN);
    put16((uint16_t)r);
    if (cap > 0)
        put_text(out);
}

static void call(uint8_t op)
{
    uint16_t n, cap, at = 0, query_n;
    const char *a, *b, *query;
    size_t len;
    char *out;
    xmpp_jid j;
    int r;

    switch (op) {
    case FAR_JID_PARSE:
        memset(&j, 0xA5, sizeof j);
        a = (const char *)get(&n);
        r = a == NULL ? xmpp_jid_parse(&j, NULL) : xmpp_jid_parse_n(&j, a, n);
        put_jid(r, a, &j);
        break;
    case FAR_JID_FORMAT:
        a = get_part(&n);                       /* local@domain is one piece */
        j.local_n = get16();
        j.domain_n = get16();
        j.local = j.local_n > 0 ? a : NULL;
        j.domain = a + (j.local_n > 0 ? j.local_n + 1u : 0);
        j.resource = get_part(&j.resource_n);
        at = get8();
        cap = get_cap();
        out = (char *)low;
        r = xmpp_jid_format(&j, at != 0, out, cap);
        put_out(r, out, cap);
        break;
    case FAR_JID_EQUAL:
        a = get_text();
        b = get_text();
        at = get8();
        put8(FAR_RETURN);
        put8(xmpp_jid_equal(a, b, at != 0));
        break;
    case FAR_JID_NORMALISE:
        a = get_text();
        cap = get_cap();
        out = (char *)low;
        r = xmpp_jid_normalise(a, out, cap);
        put_out(r, out, cap);
        break;
    case FAR_URI_PARSE:
        a = get_text();
        cap = get_cap();
        out = (char *)low;
        query = NULL;
        len = 0;
        r = xmpp_uri_parse(a, out, cap, &query, &len);
        put_out(r, out, cap);
        put_part(a, query, (uint16_t)len);
        break;
    case FAR_URI_VALUE:
        a = (const char *)get(&query_n);
        b = get_text();
        cap = get_cap();
        out = (char *)low;
        r = xmpp_uri_value(a, a == NULL ? 0 : query_n, b, out, cap);
        put_out(r, out, cap);
        break;
    case FAR_URI_FORMAT:
        a = get_text();
        cap = get_cap();
        out = (char *)low;
        r = xmpp_uri_format(a, out, cap);
        put_out(r, out, cap);
        break;
    default: no_room(0);
    }
}
#endif

int main(void)
{
    start();
    put8(FAR_HELLO);
    put16((uint16_t)(high - low));
    put8(0);
    for (;;) {
        uint8_t op = get8();

        low = &__heap_start;
        if (op == FAR_STACK) {
            put8(FAR_RETURN);
            put16(stack_used());
        } else
            call(op);
    }
}
