/* xml_peers.c: expat, and libxml2, iksemel and libstrophe's parser where they are (HAVE_*), for xml.c. Handlers count and do
   nothing else. */
#include "xml.h"
#include <expat.h>
#include <stdlib.h>
#include <string.h>

/* ---- expat with namespaces: names come as "namespace|local" ---- */

static void XMLCALL expat_start(void *u, const XML_Char *name, const XML_Char **a)
{
    (void)u, (void)name, (void)a;
    found.elements++;
}

static void XMLCALL expat_end(void *u, const XML_Char *name) { (void)u, (void)name; }

static void XMLCALL expat_text(void *u, const XML_Char *s, int n)
{
    (void)u, (void)s, (void)n;
    found.texts++;
}

static const char *local_of(const char *name)
{
    const char *bar = strrchr(name, '|');

    return bar != NULL ? bar + 1 : name;
}

static void XMLCALL expat_check_start(void *u, const XML_Char *name, const XML_Char **a)
{
    const char *local = local_of(name);
    uint64_t sum = 0;

    (void)u;
    found.elements++;
    for (; a[0] != NULL; a += 2)
        sum += hash_attribute(local_of(a[0]), a[1], strlen(a[1]));
    hash_start(name, local > name ? (size_t)(local - name) - 1 : 0, local, sum);
}

static void XMLCALL expat_check_end(void *u, const XML_Char *name)
{
    (void)u, (void)name;
    hash_end();
}

static void XMLCALL expat_check_text(void *u, const XML_Char *s, int n)
{
    (void)u;
    found.texts++;
    hash_text(s, (size_t)n);
}

static void *expat_open(int check)
{
    XML_Parser p = XML_ParserCreateNS(NULL, '|');

    XML_SetElementHandler(p, check ? expat_check_start : expat_start, check ? expat_check_end : expat_end);
    XML_SetCharacterDataHandler(p, check ? expat_check_text : expat_text);
    return p;
}

static int expat_feed(void *p, const char *data, size_t n) { return XML_Parse(p, data, (int)n, 0) != XML_STATUS_OK; }
static void expat_close(void *p) { XML_ParserFree(p); }

const struct parser expat_ns = { "expat with namespaces", 0, 1, expat_open, expat_feed, expat_close };

/* ---- libxml2, SAX2 pushed ---- */

#ifdef HAVE_LIBXML2
#include <libxml/parser.h>

static void xml2_start(void *u, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int ns_n, const xmlChar **ns,
                       int n, int defaulted, const xmlChar **a)
{
    (void)u, (void)local, (void)prefix, (void)uri, (void)ns_n, (void)ns, (void)n, (void)defaulted, (void)a;
    found.elements++;
}

static void xml2_end(void *u, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    (void)u, (void)local, (void)prefix, (void)uri;
}

static void xml2_text(void *u, const xmlChar *s, int n)
{
    (void)u, (void)s, (void)n;
    found.texts++;
}

static void xml2_check_start(void *u, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int ns_n,
                             const xmlChar **ns, int n, int defaulted, const xmlChar **a)
{
    uint64_t sum = 0;

    xml2_start(u, local, prefix, uri, ns_n, ns, n, defaulted, a);
    for (; n > 0; n--, a += 5)
        sum += hash_attribute((const char *)a[0], (const char *)a[3], (size_t)(a[4] - a[3]));
    hash_start(uri != NULL ? (const char *)uri : "", uri != NULL ? strlen((const char *)uri) : 0, (const char *)local, sum);
}

static void xml2_check_end(void *u, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    (void)u, (void)local, (void)prefix, (void)uri;
    hash_end();
}

static void xml2_check_text(void *u, const xmlChar *s, int n)
{
    xml2_text(u, s, n);
    hash_text((const char *)s, (size_t)n);
}

static void xml2_quiet(void *u, const char *fmt, ...) { (void)u, (void)fmt; }

static void *xml2_open(int check)
{
    static xmlSAXHandler sax;
    xmlParserCtxtPtr p;

    memset(&sax, 0, sizeof sax);
    sax.initialized = XML_SAX2_MAGIC;
    sax.startElementNs = check ? xml2_check_start : xml2_start;
    sax.endElementNs = check ? xml2_check_end : xml2_end;
    sax.characters = sax.cdataBlock = check ? xml2_check_text : xml2_text;
    sax.error = sax.warning = xml2_quiet;
    p = xmlCreatePushParserCtxt(&sax, NULL, NULL, 0, NULL);
    xmlCtxtUseOptions(p, XML_PARSE_HUGE | XML_PARSE_NOENT);
    return p;
}

/* errors of namespaces do not stop it, but are told */
static int xml2_feed(void *p, const char *data, size_t n)
{
    return xmlParseChunk(p, data, (int)n, 0) != 0 || !((xmlParserCtxtPtr)p)->nsWellFormed;
}

static void xml2_close(void *p)
{
    xmlFreeParserCtxt(p);
}

const struct parser libxml2 = { "libxml2", 0, 1, xml2_open, xml2_feed, xml2_close };
#endif

/* ---- iksemel ---- */

#ifdef HAVE_IKSEMEL
#include <iksemel.h>

static int iks_tag(void *u, char *name, char **a, int type)
{
    (void)u, (void)name, (void)a;
    found.elements += type != IKS_CLOSE;
    return IKS_OK;
}

static int iks_text(void *u, char *s, size_t n)
{
    (void)u, (void)s, (void)n;
    found.texts++;
    return IKS_OK;
}

static void *iks_open(int check)
{
    (void)check;
    return iks_sax_new(NULL, iks_tag, iks_text);
}

static int iks_feed(void *p, const char *data, size_t n) { return iks_parse(p, data, n, 0) != IKS_OK; }
static void iks_close(void *p) { iks_parser_delete(p); }

const struct parser iksemel = { "iksemel", 0, 0, iks_open, iks_feed, iks_close };

static int iks_node(void *u, int type, iks *node)
{
    (void)u;
    if (type == IKS_NODE_NORMAL) {
        char *body = iks_find_cdata(node, "body");
        found.stanzas++;
        found.elements += iks_find_attrib(node, "from") != NULL;
        found.texts += body != NULL && *body != '\0';
    }
    if (node != NULL)
        iks_delete(node);
    return IKS_OK;
}

static void *iks_tree_open(int check)
{
    static char ns[] = IKS_NS_CLIENT;      /* it takes no constant */

    (void)check;
    return iks_stream_new(ns, NULL, iks_node);
}

const struct parser iksemel_tree = { "iksemel + tree", 1, 0, iks_tree_open, iks_feed, iks_close };
#endif

/* ---- libstrophe's parser, over expat: not in its header, so from the archive ---- */

#ifdef HAVE_LIBSTROPHE
#include <strophe.h>

typedef struct _parser_t parser_t;
parser_t *parser_new(xmpp_ctx_t *ctx, void (*start)(char *, char **, void *), void (*end)(char *, void *),
                     void (*stanza)(xmpp_stanza_t *, void *), void *u);
int  parser_feed(parser_t *p, char *data, int n);
void parser_free(parser_t *p);

static xmpp_ctx_t *strophe_ctx;

static void strophe_start(char *name, char **a, void *u) { (void)name, (void)a, (void)u; }
static void strophe_end(char *name, void *u) { (void)name, (void)u; }

static void strophe_stanza(xmpp_stanza_t *s, void *u)
{
    xmpp_stanza_t *body = xmpp_stanza_get_child_by_name(s, "body");
    char *text = body != NULL ? xmpp_stanza_get_text(body) : NULL;

    (void)u;
    found.stanzas++;
    found.elements += xmpp_stanza_get_attribute(s, "from") != NULL;
    found.texts += text != NULL && *text != '\0';
    if (text != NULL)
        xmpp_free(strophe_ctx, text);
}

static void *strophe_open(int check)
{
    (void)check;
    if (strophe_ctx == NULL)
        strophe_ctx = xmpp_ctx_new(NULL, NULL);
    return parser_new(strophe_ctx, strophe_start, strophe_end, strophe_stanza, NULL);
}

static int strophe_feed(void *p, const char *data, size_t n)
{
    return parser_feed(p, (char *)(uintptr_t)data, (int)n) != 1;
}

static void strophe_close(void *p) { parser_free(p); }

const struct parser libstrophe_tree = { "libstrophe + tree", 1, 0, strophe_open, strophe_feed, strophe_close };
#endif
