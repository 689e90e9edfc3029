/* xml.c - what the tokenizer says of some bytes, at one level of XMPP_CFG_FAST.  SPDX: MIT */
#include "level.h"
#include "../xml.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

static void put_name_ns(text *t, const char *ns, const char *name)
{
    puts_to(t, ns);
    puts_to(t, "|");
    puts_to(t, name);
}

/* The API lists no attributes: they are read as the tokenizer keeps them. */
static void put_start(text *t, xmpp_node n)
{
    const unsigned char *at = xmppi_body(n.at), *last = xmppi_next(n.at);
    const char *q;

    puts_to(t, "\n<");
    put_name_ns(t, xmpp_ns(n), xmpp_name(n));
    for (; at < last && *at < XMPPI_TEXT; at = xmppi_next(at)) {
        if (*at != XMPPI_ATTR)
            continue;
        q = xmppi_string(at);
        puts_to(t, "\n ");
        put_name_ns(t, xmppi_local(q) != q ? xmppi_ns_of(n.at, q) : "", xmppi_local(q));
        puts_to(t, "=");
        puts_to(t, xmppi_behind(q));
    }
    puts_to(t, "\n>");
}

/* All that is inside, in document order. */
static void put_tree(text *t, xmpp_node n)
{
    const unsigned char *at = n.at, *end = xmppi_next(n.at);
    xmpp_node e = n;

    for (;;) {
        if (at != n.at && *at == XMPPI_TEXT) {
            puts_to(t, xmppi_string(at));
            at = xmppi_next(at);
        } else {
            e.at = at;
            if (at != n.at)
                put_start(t, e);
            at = xmppi_body(e.at);
            while (at < xmppi_next(e.at) && *at < XMPPI_TEXT)
                at = xmppi_next(at);
        }
        while (at == xmppi_next(e.at)) {
            if (e.at == n.at)
                return;
            puts_to(t, "\n/");
            e.at -= xmppi_get24(e.at + 4);
        }
        MUST(at < end);
    }
}

static void put_token(result *r, const xmpp_xml *x, int token, unsigned tree)
{
    int kept = tree != 0 && !x->skipping && token == XMPP_XML_END && x->depth == tree - 1;
    char *xml;
    size_t n;

    puts_to(&r->exact, "\n");
    put_number(&r->exact, (unsigned long)token);
    put_number(&r->exact, x->depth);
    put_number(&r->exact, x->skipping);
    put_number(&r->exact, x->offset);
    put_number(&r->exact, x->size);
    put_number(&r->exact, x->skipped);
    if (token == XMPP_XML_START) {
        put_start(&r->exact, x->node);
        put_start(&r->plain, x->node);
    } else if (token == XMPP_XML_TEXT) {
        puts_to(&r->exact, xmpp_text(x->node));
        puts_to(&r->plain, xmpp_text(x->node));
    } else {
        if (kept)
            put_tree(&r->plain, x->node);
        puts_to(&r->plain, "\n/");
        n = xmpp_to_xml(x->node, NULL, 0);
        xml = (char *)exact(NULL, n + 1);
        MUST(xmpp_to_xml(x->node, xml, n + 1) == n && strlen(xml) == n);
        put(&r->exact, xml, n);
        free(xml);
    }
}

static size_t piece(const plan *p, size_t at, uint32_t *dice)
{
    size_t n = at == 0 ? p->first : p->each;

    if (p->dice != 0) {
        *dice = *dice * 1664525u + 1013904223u;
        n = 1 + (*dice >> 24) % 8;
    }
    return n == 0 || n > p->n - at ? p->n - at : n;
}

void LEVEL_NAME(xml_run)(const plan *p, result *r)
{
    unsigned char *memory = (unsigned char *)exact(NULL, p->memory);
    uint32_t dice = p->dice;
    size_t at = 0, n, used;
    int token = XMPP_XML_MORE;
    xmpp_xml x;

    r->exact.n = r->plain.n = 0;
    r->capped = 0;
    xmpp_xml_init(&x, memory, p->memory);
    while (at < p->n && token >= 0) {
        n = piece(p, at, &dice);
        ASAN_POISON_MEMORY_REGION(p->data + at + n, p->n - at - n);
        do {
            token = xmpp_xml_feed(&x, p->data + at, n, &used);
            MUST(used <= n);
            at += used;
            n -= used;
            MUST(x.offset == at && (token > 0 || token < 0 || n == 0));
            r->capped |= x.skipping;
            if (token > 0)
                put_token(r, &x, token, p->tree);
            if (token == XMPP_XML_START && x.depth == p->tree)
                xmpp_xml_tree(&x);
        } while (token > 0);
        ASAN_UNPOISON_MEMORY_REGION(p->data + at, p->n - at);
    }
    MUST(xmpp_xml_feed(&x, "<", 1, &used) == token || token >= 0);      /* an error sticks */
    r->error = token < 0 ? token : 0;
    r->capped |= x.skipping || token == XMPP_E_XML_LIMIT;
    r->depth = x.depth;
    r->offset = at;
    r->whole = token >= 0 && x.state == XMPPI_X_OVER && x.need == 0;
    puts_to(&r->exact, "\nerror ");
    put_number(&r->exact, (unsigned long)(-r->error));
    put_number(&r->exact, r->offset);
    free(memory);
}
