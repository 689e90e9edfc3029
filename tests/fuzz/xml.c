/* xml.c - the tokenizer: each level of XMPP_CFG_FAST, the input cut anywhere, and expat must agree.  SPDX: MIT
   Input: a byte for the memory, one for the tree and the dice, then a document. */
#include "xml.h"

#define XMPP_NO_POSIX
#include "xmpp.h"
#include <expat.h>

/* ---- the oracle: expat with namespaces. 0xFF is in no UTF-8, so it may stand between namespace and name ---- */

static struct { text plain; unsigned depth; int text, keep; } oracle;

static void put_expat_name(const char *name)
{
    const char *end = strchr(name, '\xff');

    if (end != NULL)
        put(&oracle.plain, name, (size_t)(end - name));
    puts_to(&oracle.plain, "|");
    puts_to(&oracle.plain, end != NULL ? end + 1 : name);
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **atts)
{
    (void)ctx;
    oracle.depth++;
    oracle.text = 0;
    puts_to(&oracle.plain, "\n<");
    put_expat_name(name);
    for (; atts[0] != NULL; atts += 2) {
        puts_to(&oracle.plain, "\n ");
        put_expat_name(atts[0]);
        puts_to(&oracle.plain, "=");
        puts_to(&oracle.plain, atts[1]);
    }
    puts_to(&oracle.plain, "\n>");
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    (void)ctx;
    (void)name;
    oracle.depth--;
    oracle.text = 0;
    puts_to(&oracle.plain, "\n/");
}

/* White space directly in the root, before other text, does not come, unless the root is kept as a tree. */
static void XMLCALL on_text(void *ctx, const XML_Char *s, int n)
{
    (void)ctx;
    while (oracle.depth == 1 && !oracle.keep && !oracle.text && n > 0 && (*s == ' ' || *s == '\n' || *s == '\t' || *s == '\r'))
        s++, n--;
    oracle.text |= n > 0;
    put(&oracle.plain, s, (size_t)n);
}

static int is_prefix(const text *a, const text *b)
{
    return a->n <= b->n && (a->n == 0 || memcmp(a->s, b->s, a->n) == 0);
}

/* What expat takes and we do not, each with its reason. data[at] is the byte that was refused. */
static int only_we_refuse(const uint8_t *data, size_t at, int error)
{
    /* comments, processing instructions and DOCTYPE are forbidden by RFC 6120 11.1; expat reads them */
    if (error == XMPP_E_XML_RESTRICTED)
        return 1;
    /* expat knows UTF-16, ISO-8859-1 and US-ASCII too, also by their byte order mark; RFC 6120 11.6 wants UTF-8 without */
    if (error == XMPP_E_XML_ENCODING || (at <= 2 && data[0] >= 0xEF) || (at <= 1 && data[at] == 0))
        return 1;
    /* the declaration: expat takes any version name, and reads "<?xml" alone as a declaration */
    if (error == XMPP_E_XML_SYNTAX && at >= 2 && data[0] == '<' && data[1] == '?')
        return 1;
    return 0;
}

/* However an XML declaration goes on from here, is it refused in the end? */
static int refused_at_its_end(const uint8_t *data, size_t n)
{
    static const char *const ends[] = { "?><a/>", "'?><a/>", "\"?><a/>", " ?><a/>" };
    static result all;
    plan p = { NULL, 0, 4096, 0, 0, 0, 0 };
    size_t i;
    int refused = 1;

    for (i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t m = strlen(ends[i]);
        uint8_t *copy = (uint8_t *)exact(NULL, n + m);
        memcpy(copy, data, n);
        memcpy(copy + n, ends[i], m);
        p.data = copy;
        p.n = n + m;
        xml_run_0(&p, &all);
        refused &= all.error != 0;
        free(copy);
    }
    return refused;
}

/* What we take and expat does not. data[at] begins what expat refuses. */
static int only_expat_refuses(const uint8_t *data, size_t at, size_t n, enum XML_Error error)
{
    size_t i;

    /* names: expat has the characters of XML 1.0's fourth edition, we those of the fifth, which are more */
    if (error == XML_ERROR_INVALID_TOKEN)
        for (i = at; i < n && data[i] != '>'; i++)
            if (data[i] >= 0x80)
                return 1;
    /* what begins all with <? and is not over: expat looks at it as soon as it sees "?>", in a value too, or a colon */
    if (n >= 2 && data[0] == '<' && data[1] == '?')
        return refused_at_its_end(data, n);
    return 0;
}

/* Where expat is: what lies before was taken. */
static size_t taken(XML_Parser p)
{
    return XML_GetCurrentByteIndex(p) >= 0 ? (size_t)XML_GetCurrentByteIndex(p) : 0;
}

/* expat has nothing against data[0..at], which may be the half of something: does it take that byte in the end? */
static int takes_in_the_end(XML_Parser p, const uint8_t *data, size_t at, size_t n)
{
    size_t i = at + 1;

    while (taken(p) <= at && i < n)
        if (XML_Parse(p, (const char *)data + i++, 1, 0) != XML_STATUS_OK)
            return 0;
    return taken(p) > at;
}

static void ask_oracle(const uint8_t *data, size_t n, const result *r, unsigned tree)
{
    XML_Parser p = XML_ParserCreateNS(NULL, (XML_Char)0xff);
    enum XML_Status status;
    size_t at, all = n;

    oracle.plain.n = 0;
    oracle.depth = 0;
    oracle.text = 0;
    oracle.keep = tree == 1;
    put(&oracle.plain, "", 0);
    XML_SetElementHandler(p, on_start, on_end);
    XML_SetCharacterDataHandler(p, on_text);
#if XML_MAJOR_VERSION > 2 || (XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION >= 6)
    XML_SetReparseDeferralEnabled(p, XML_FALSE);
#endif
    if (r->error != 0)                  /* what follows counts for nothing */
        n = r->offset + 1;
    status = XML_Parse(p, (const char *)data, (int)n, 0);
    at = taken(p);
    if (status != XML_STATUS_OK) {
        MUST(r->error != 0 || only_expat_refuses(data, at, n, XML_GetErrorCode(p)));
    }
    /* expat gives text at once and tags when they are complete, we text when it is complete and tags at '/' */
    MUST(is_prefix(&r->plain, &oracle.plain) || is_prefix(&oracle.plain, &r->plain));
    if (status == XML_STATUS_OK && r->error != 0)
        MUST(only_we_refuse(data, r->offset, r->error) || !takes_in_the_end(p, data, r->offset, all));
    if (r->whole) {
        MUST(status != XML_STATUS_OK || same_text(&r->plain, &oracle.plain));
        MUST(status != XML_STATUS_OK || XML_Parse(p, "", 0, 1) == XML_STATUS_OK);
    } else if (r->error == 0) {
        MUST(XML_Parse(p, "", 0, 1) != XML_STATUS_OK);
    }
    XML_ParserFree(p);
}

/* ---- the levels, and where the input is cut ---- */

static xml_run *const levels[] = { xml_run_0, xml_run_1, xml_run_2, xml_run_3 };
static result first, other;

static void compare(const plan *p)
{
    size_t i;

    for (i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        levels[i](p, &other);
        if (!same_text(&first.exact, &other.exact)) {
            fprintf(stderr, "level %u, cut %u each %u dice %u:\n%s\n---- was:\n%s\n", (unsigned)i, (unsigned)p->first,
                    (unsigned)p->each, (unsigned)p->dice, other.exact.s, first.exact.s);
            MUST(!"all tell the same");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const size_t sizes[] = { 64, 72, 96, 128, 160, 200, 256, 320, 400, 512, 700, 1024, 2048, 4096, 16384, 65536 };
    plan p = { NULL, 0, 0, 0, 0, 0, 0 };
    unsigned i;
    uint8_t *copy;

    if (n < 3)
        return 0;
    p.memory = sizes[data[0] & 15] + (data[0] < 128 ? data[0] >> 4 : 0);
    p.tree = data[1] & 3;
    p.n = n - 2;
    p.data = copy = (uint8_t *)exact(data + 2, p.n);
    xml_run_0(&p, &first);
    if (!first.capped)
        ask_oracle(p.data, p.n, &first, p.tree);
    compare(&p);
    p.first = p.each = 1;
    compare(&p);
    p.each = 0;
    if (p.n <= 40) {
        for (p.first = 1; p.first < p.n; p.first++)
            compare(&p);
    } else {
        for (i = 1; i <= 4; i++) {
            p.dice = i * 77777u + data[1];
            p.first = (p.dice * 2654435761u >> 8) % p.n;
            compare(&p);
            p.dice = 0;
            compare(&p);
        }
    }
    free(copy);
    return 0;
}
