/* tree.c - the tree in an arena of any size, and all that reads it.  SPDX: MIT
   Input: two bytes for the arena, one for names to look for, then a stream. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "fuzz.h"
#include <expat.h>

/* What is in a tree, in document order, by the public calls where there are some. */
static void dump(text *t, xmpp_node root)
{
    const unsigned char *at = root.at, *q;
    xmpp_node e = root;

    while (at != NULL) {
        if (*at == XMPPI_TEXT && at != root.at) {
            puts_to(t, "\n\"");
            puts_to(t, xmppi_string(at));
            at = xmppi_next(at);
        } else {
            e.at = at;
            puts_to(t, "\n<");
            puts_to(t, xmpp_ns(e));
            puts_to(t, "|");
            puts_to(t, xmpp_name(e));
            for (at = xmppi_body(e.at); at < xmppi_next(e.at) && *at < XMPPI_TEXT; at = xmppi_next(at)) {
                if (*at != XMPPI_ATTR)
                    continue;
                q = (const unsigned char *)xmppi_string(at);
                puts_to(t, "\n ");
                puts_to(t, strchr((const char *)q, ':') != NULL ? xmppi_ns_of(e.at, (const char *)q) : "");
                puts_to(t, "|");
                puts_to(t, xmppi_local((const char *)q));
                puts_to(t, "=");
                puts_to(t, xmppi_behind((const char *)q));
            }
        }
        while (at == xmppi_next(e.at)) {
            puts_to(t, "\n/");
            if (e.at == root.at)
                return;
            e.at -= xmppi_get24(e.at + 4);
        }
    }
}

/* Every cut of xmpp_to_xml is a begin of the whole, with a NUL. */
static char *to_xml(xmpp_node n)
{
    size_t len = xmpp_to_xml(n, NULL, 0), cap;
    char *whole = (char *)exact(NULL, len + 1), *part;

    MUST(xmpp_to_xml(n, whole, len + 1) == len && strlen(whole) == len);
    for (cap = 1; cap <= len; cap = cap * 2 + 1) {
        part = (char *)exact(NULL, cap);
        MUST(xmpp_to_xml(n, part, cap) == len && strlen(part) == cap - 1 && memcmp(part, whole, cap - 1) == 0);
        free(part);
    }
    return whole;
}

/* How many '=' there are: as many as attributes, or more. */
static size_t signs(const char *s, size_t n)
{
    size_t count = 0;

    while (n-- > 0)
        count += *s++ == '=';
    return count;
}

/* The text of a tree is well-formed and means the same tree. */
static void check_again(xmpp_node n)
{
    XML_Parser p = XML_ParserCreateNS("UTF-8", (XML_Char)0xff);
    size_t cap, len, used;
    char *xml = to_xml(n), *second;
    text before = { NULL, 0, 0 }, after = { NULL, 0, 0 };
    unsigned char *memory;
    bool ascii = true, fits;
    xmpp_xml x;
    int r;

    len = strlen(xml);
    for (used = 0; used < len; used++)
        ascii = ascii && (unsigned char)xml[used] < 0x80;
    MUST(!ascii || XML_Parse(p, xml, (int)len, 1) == XML_STATUS_OK);    /* expat knows fewer names beyond ASCII */
    XML_ParserFree(p);
    dump(&before, n);
    cap = 64 + 30 * len;
    memory = (unsigned char *)exact(NULL, cap);
    xmpp_xml_init(&x, memory, cap);
    r = xmpp_xml_feed(&x, xml, len, &used);
    fits = r != XMPP_E_XML_LIMIT;
    if (!fits) {        /* as a root it needs its namespace declared, and it may have all attributes already */
        MUST(signs(xml, used) >= XMPP_CFG_XML_ATTRS);
    } else {
        MUST(r == XMPP_XML_START);
        xmpp_xml_tree(&x);
        r = xmpp_xml_feed(&x, xml + used, len - used, &used);
    }
    if (fits && !x.skipping) {  /* its prefixes may need more attributes than are allowed */
        MUST(r == XMPP_XML_END && x.depth == 0);
        dump(&after, x.node);
        if (!same_text(&before, &after))
            fprintf(stderr, "%s\n%s\n%s\n", xml, before.s, after.s);
        MUST(same_text(&before, &after));
        second = to_xml(x.node);
        MUST(strcmp(second, xml) == 0);
        free(second);
    }
    free(memory);
    free(before.s);
    free(after.s);
    free(xml);
}

static void check_accessors(xmpp_node n, const char *name, const char *ns)
{
    static const xmpp_node none = { NULL };
    xmpp_roster_item item;
    xmpp_stanza_error e;
    xmpp_node child, found;
    const char *v;

    v = xmpp_attr(n, name);
    MUST(strchr(name, ':') != NULL || v == xmpp_attr_ns(n, NULL, name));
    MUST(xmpp_attr(n, "xml:lang") == xmpp_attr_ns(n, "http://www.w3.org/XML/1998/namespace", "lang"));
    (void)xmpp_attr_ns(n, ns, name);
    for (child = xmpp_first(n); xmpp_exists(child) && !xmpp_is(child, name, ns); child = xmpp_sibling(child))
        MUST(child.at > n.at && strlen(xmpp_text(child)) < 100000);
    found = xmpp_child(n, name, ns);
    MUST(found.at == child.at);
    found = xmpp_child(n, name, NULL);
    MUST(!xmpp_exists(found) || (strcmp(xmpp_ns(found), xmpp_ns(n)) == 0 && strcmp(xmpp_name(found), name) == 0));
    xmpp_error_read(n, &e);
    MUST(strlen(e.type) + strlen(e.condition) + strlen(e.text) + strlen(e.uri) < 100000);
    if (xmpp_roster_read(n, &item))
        MUST(strlen(item.jid) + strlen(item.name) + strlen(item.subscription) + strlen(item.ask) < 100000);
    MUST(xmpp_attr(none, name) == NULL && *xmpp_text(none) == '\0' && !xmpp_exists(xmpp_sibling(xmpp_first(none))));
}

/* All elements of a tree: down, beside, and up by its parent's distance. */
static void walk(xmpp_node root, const char *name, const char *ns)
{
    xmpp_node n = root, next;

    for (;;) {
        check_accessors(n, name, ns);
        next = xmpp_first(n);
        while (!xmpp_exists(next)) {
            if (n.at == root.at)
                return;
            next = xmpp_sibling(n);
            if (!xmpp_exists(next))
                n.at -= xmppi_get24(n.at + 4);
        }
        n = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[] = { "body", "item", "error", "text", "id", "jid", "a", "xml:lang", "lang", "" };
    static const char *const spaces[] = { "jabber:client", "", "urn:a", "jabber:iq:roster",
                                          "urn:ietf:params:xml:ns:xmpp-stanzas", "http://www.w3.org/XML/1998/namespace" };
    unsigned char *memory;
    const char *name, *ns;
    uint8_t *copy;
    size_t cap, used;
    xmpp_xml x;
    int r;

    if (n < 4)
        return 0;
    cap = 64 + (data[0] | (size_t)(data[1] & 63) << 8);
    name = names[data[2] % 10];
    ns = spaces[data[2] / 10 % 6];
    data += 3;
    n -= 3;
    memory = (unsigned char *)exact(NULL, cap);
    xmpp_xml_init(&x, memory, cap);
    do {
        copy = (uint8_t *)exact(data, n);
        r = xmpp_xml_feed(&x, copy, n, &used);
        free(copy);                     /* nothing points into the input */
        data += used;
        n -= used;
        if (r == XMPP_XML_START) {
            if (x.depth == 2)
                xmpp_xml_tree(&x);
            check_accessors(x.node, name, ns);
            free(to_xml(x.node));
        } else if (r == XMPP_XML_END) {
            if (x.skipping) {           /* its start tag alone */
                check_accessors(x.node, name, ns);
                free(to_xml(x.node));
            } else if (x.depth == 1) {
                walk(x.node, name, ns);
                check_again(x.node);
            }
            if (n % 2 == 0)
                xmpp_xml_drop(&x);
        }
    } while (r > 0);
    free(memory);
    return 0;
}
