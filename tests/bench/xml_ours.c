/* xml_ours.c: xmpp.h for xml.c. It is compiled three times, with OURS as the name of the parser's struct and NAME as what
   it is called: as a program on a host has it, without vector instructions, and as a firmware has it (-Os). */
#define XMPP_IMPLEMENTATION
#define XMPP_NO_POSIX
#include "xmpp.h"
#include "xml.h"
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)

struct state {
    xmpp_xml      xml;
    int           check;
    XML_Parser    again;        /* reads what xmpp_to_xml writes of a tree */
    unsigned char memory[8192];
};

static void *start(int check)
{
    struct state *s = malloc(sizeof *s);

    s->check = check;
    s->again = NULL;
    xmpp_xml_init(&s->xml, s->memory, sizeof s->memory);
    return s;
}

static void finish(void *p)
{
    struct state *s = p;

    if (s->again != NULL)
        expat_ns.close(s->again);
    free(s);
}

/* Of every attribute that the generator writes: the API hands out no others, as nobody needs them. */
static uint64_t attributes(xmpp_node n)
{
    static const char *const names[] = { ATTRIBUTES };
    uint64_t sum = 0;
    size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = xmpp_attr(n, names[i]), *colon = strchr(names[i], ':');
        if (value != NULL)
            sum += hash_attribute(colon != NULL ? colon + 1 : names[i], value, strlen(value));
    }
    return sum;
}

static void check_token(struct state *s, int token)
{
    xmpp_node n = s->xml.node;

    if (token == XMPP_XML_START)
        hash_start(xmpp_ns(n), strlen(xmpp_ns(n)), xmpp_name(n), attributes(n));
    else if (token == XMPP_XML_TEXT)
        hash_text(xmpp_text(n), strlen(xmpp_text(n)));
    else
        hash_end();
}

static int feed(void *p, const char *data, size_t n)
{
    struct state *s = p;
    size_t used;
    int token;

    while ((token = xmpp_xml_feed(&s->xml, data, n, &used)) > 0) {
        data += used;
        n -= used;
        if (token == XMPP_XML_START)
            found.elements++;
        else if (token == XMPP_XML_TEXT)
            found.texts++;
        else if (s->xml.depth == 1)
            found.stanzas++;
        if (s->check)
            check_token(s, token);
    }
    found.skipped = s->xml.skipped;
    return token < 0;
}

/* The tree is checked by writing it as XML, which has to mean the same. */
static void check_tree(struct state *s, int token)
{
    static const char begin[] = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'";
    static char text[65536];
    size_t n;
    unsigned long elements = found.elements, texts = found.texts, stanzas = found.stanzas;

    if (s->again == NULL) {
        s->again = expat_ns.open(1);
        expat_ns.feed(s->again, begin, sizeof begin - 1);
    }
    if (s->xml.depth == 1 && token == XMPP_XML_START) {
        n = (size_t)snprintf(text, sizeof text, " id='%s' from='%s' version='%s' xml:lang='%s'>", xmpp_attr(s->xml.node, "id"),
                             xmpp_attr(s->xml.node, "from"), xmpp_attr(s->xml.node, "version"), xmpp_attr(s->xml.node, "xml:lang"));
    } else if (s->xml.depth == 1) {
        n = xmpp_to_xml(s->xml.node, text, sizeof text);
    } else if (s->xml.depth == 0) {
        n = (size_t)snprintf(text, sizeof text, "</stream:stream>");
    } else {
        return;
    }
    if (n >= sizeof text || expat_ns.feed(s->again, text, n))
        abort();
    found.elements = elements;
    found.texts = texts;
    found.stanzas = stanzas;
}

static int feed_tree(void *p, const char *data, size_t n)
{
    struct state *s = p;
    size_t used;
    int token;

    while ((token = xmpp_xml_feed(&s->xml, data, n, &used)) > 0) {
        data += used;
        n -= used;
        if (token == XMPP_XML_START && s->xml.depth == 2) {
            xmpp_xml_tree(&s->xml);
        } else if (token == XMPP_XML_END && s->xml.depth == 1 && !s->xml.skipping) {
            found.stanzas++;
            found.elements += xmpp_attr(s->xml.node, "from") != NULL;
            found.texts += *xmpp_text(xmpp_child(s->xml.node, "body", NULL)) != '\0';
        }
        if (s->check)
            check_tree(s, token);
    }
    found.skipped = s->xml.skipped;
    return token < 0;
}

const struct parser OURS = { NAME, 0, 1, start, feed, finish };
const struct parser PASTE(OURS, _tree) = { NAME " + tree", 1, 1, start, feed_tree, finish };
