/* far_pieces.h - for tests/unit/test_xml.c and test_jid.c: the tokenizer's runs and the functions of JIDs, done by an AVR
   (pieces.c).  SPDX: MIT */
#include "wire.h"
#include "link.h"

static void far_broken(const char *why)
{
    fprintf(stderr, "avr: %s\n", why);
    exit(1);
}

static void far_turn(void)
{
    unsigned op = far_get8();

    far_turns++;
    if (op == FAR_NO_ROOM)
        far_broken("it has no room for that");
    if (op != FAR_RETURN)
        far_broken("an answer that is none");
}

/* The log of a document in pieces of `first` and `step` bytes. all: and byte by byte, and cut at every byte, on the AVR;
   *differs is the first cut whose log is another one, 0 when there is none. */
static __attribute__((unused)) void far_xml(const char *data, size_t n, size_t first, size_t step, size_t room, int tree, bool all,
                                            char *log, size_t cap, unsigned *differs)
{
    size_t i = 0;
    unsigned ch;

    far_start();
    far_put8(all ? FAR_XML_ALL : FAR_XML_RUN);
    far_put(data, n);
    far_put16((unsigned)first);
    far_put16((unsigned)step);
    far_put16((unsigned)room);
    far_put8((unsigned)tree);
    far_turn();
    while ((ch = far_get8()) != 0 && i + 1 < cap)
        log[i++] = (char)ch;
    log[i] = '\0';
    *differs = far_get16();
}

/* ---- JIDs; texts that are too long for its memory are asked of this machine ---- */

enum { FAR_LONG = 3300 };

static const char *far_part(const char *text, uint16_t *n)
{
    unsigned at = far_get16();

    *n = (uint16_t)far_get16();
    return at == 65535 ? NULL : text + at;
}

static __attribute__((unused)) int far_jid_parse_n(xmpp_jid *j, const char *text, size_t n)
{
    int r;

    far_start();
    if (n > FAR_LONG)
        return xmpp_jid_parse_n(j, text, n);
    far_put8(FAR_JID_PARSE);
    if (text == NULL)
        far_put16(65535);
    else
        far_put(text, n);
    far_turn();
    r = far_int();
    j->local = far_part(text, &j->local_n);
    j->domain = far_part(text, &j->domain_n);
    j->resource = far_part(text, &j->resource_n);
    return r;
}
static __attribute__((unused)) int far_jid_parse(xmpp_jid *j, const char *text)
{
    return far_jid_parse_n(j, text, text == NULL ? 0 : strlen(text));
}

/* The result, and the text that it wrote when there was room for any. */
static int far_written(char *out, size_t cap)
{
    int r;
    unsigned n;

    far_turn();
    r = far_int();
    if (cap > 0) {
        n = far_get16();
        if (n >= cap)
            far_broken("more than there was room for");
        far_get(out, n);
        out[n] = '\0';
    }
    return r;
}

static void far_put_part(const char *p, size_t n)
{
    if (p == NULL)
        far_put16(65535);
    else
        far_put(p, n);
}
static __attribute__((unused)) int far_jid_format(const xmpp_jid *j, bool bare, char *out, size_t cap)
{
    far_start();
    far_put8(FAR_JID_FORMAT);
    if (j->local != NULL)           /* local@domain is one piece */
        far_put(j->local, (size_t)(j->domain + j->domain_n - j->local));
    else
        far_put_part(j->domain, j->domain_n);
    far_put16(j->local != NULL ? j->local_n : 0);
    far_put16(j->domain_n);
    far_put_part(j->resource, j->resource_n);
    far_put8(bare);
    far_put16((unsigned)cap);
    return far_written(out, cap);
}
static __attribute__((unused)) bool far_jid_equal(const char *a, const char *b, bool bare)
{
    far_start();
    far_put8(FAR_JID_EQUAL);
    far_put_text(a);
    far_put_text(b);
    far_put8(bare);
    far_turn();
    return far_get8() != 0;
}
static __attribute__((unused)) int far_jid_normalise(const char *text, char *out, size_t cap)
{
    far_start();
    if (text != NULL && strlen(text) > FAR_LONG)
        return xmpp_jid_normalise(text, out, cap);
    far_put8(FAR_JID_NORMALISE);
    far_put_text(text);
    far_put16((unsigned)cap);
    return far_written(out, cap);
}
static __attribute__((unused)) int far_uri_parse(const char *uri, char *jid, size_t cap, const char **query, size_t *query_n)
{
    const char *q;
    uint16_t n;
    int r;

    far_start();
    if (uri != NULL && strlen(uri) > FAR_LONG)
        return xmpp_uri_parse(uri, jid, cap, query, query_n);
    far_put8(FAR_URI_PARSE);
    far_put_text(uri);
    far_put16((unsigned)cap);
    r = far_written(jid, cap);
    q = far_part(uri, &n);
    if (query != NULL)
        *query = q;
    if (query_n != NULL)
        *query_n = n;
    return r;
}
static __attribute__((unused)) int far_uri_value(const char *query, size_t n, const char *key, char *out, size_t cap)
{
    far_start();
    if (n > FAR_LONG)
        return xmpp_uri_value(query, n, key, out, cap);
    far_put8(FAR_URI_VALUE);
    far_put_part(query, n);
    far_put_text(key);
    far_put16((unsigned)cap);
    return far_written(out, cap);
}
static __attribute__((unused)) int far_uri_format(const char *jid, char *out, size_t cap)
{
    far_start();
    far_put8(FAR_URI_FORMAT);
    far_put_text(jid);
    far_put16((unsigned)cap);
    return far_written(out, cap);
}

#ifdef FAR_JID
#define xmpp_jid_parse     far_jid_parse
#define xmpp_jid_parse_n   far_jid_parse_n
#define xmpp_jid_format    far_jid_format
#define xmpp_jid_equal     far_jid_equal
#define xmpp_jid_normalise far_jid_normalise
#define xmpp_uri_parse     far_uri_parse
#define xmpp_uri_value     far_uri_value
#define xmpp_uri_format    far_uri_format
#endif
