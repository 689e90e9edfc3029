/* exhaustive.c - small scopes, without a gap: every string of a few bytes into the tokenizer, every sequence of UTF-8, every
   short JID, every order of a few things done to the queue. Bugs in such code have small examples. Built with
   sanitizers; each piece of input, each buffer and each memory is a block of its exact size.  SPDX: MIT

     exhaustive DEPTH     strings of DEPTH bytes, DEPTH + 2 things done to the queue; 4 takes seconds, 6 many minutes */

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 12 };             /* depth */

static unsigned long cases, passed, failed;

static void fail(const char *what, const char *bytes, size_t n)
{
    printf("FAIL %s:", what);
    while (n-- > 0)
        printf(" %02x", (unsigned char)*bytes++);
    printf("\n");
    if (++failed > 20)
        exit(1);
}

static void end_of(const char *what, unsigned long before)
{
    printf("ok   %s: %lu cases\n", what, cases);
    passed += failed == before;
    cases = 0;
}

/* A block of exactly n bytes with these in it; one for each length. */
static char *block(const char *bytes, size_t n)
{
    static char *blocks[64];

    if (blocks[n] == NULL)
        blocks[n] = (char *)malloc(n > 0 ? n : 1);
    if (n > 0)
        memcpy(blocks[n], bytes, n);
    return n > 0 ? blocks[n] : blocks[n] + 1;
}

/* ---- tokenizer ----
   Depth first: a string's state is that of the string without its last byte, and one byte more. At each string the
   state must be that of every other way to it: byte by byte as far as K, the rest in one piece. Behind an error
   nothing changes any more, so that no longer string is asked. */

enum { MEMORY = 96 };
static const char alphabet[] = "<>/ab:='\" &;]![?-x#1\n\r.\xc3\xa9\xff";

typedef struct point { xmpp_xml x; unsigned char mem[MEMORY]; uint32_t sum; } point;

static unsigned char *memory;
static size_t         memory_n;
static bool           trees;

static void save(point *at, const xmpp_xml *x, uint32_t sum)
{
    at->x = *x;
    memcpy(at->mem, memory, memory_n);
    at->sum = sum;
}

static void mix(uint32_t *sum, const void *data, size_t n)
{
    const unsigned char *p = (const unsigned char *)data;

    while (n-- > 0)
        *sum = (*sum ^ *p++) * 16777619u;
}

/* Everything that can be read of a node. */
static void mix_node(uint32_t *sum, xmpp_node n)
{
    char xml[256];
    const char *id = xmpp_attr(n, "a");

    mix(sum, xml, xmpp_to_xml(n, xml, sizeof xml) % sizeof xml);
    mix(sum, xmpp_name(n), strlen(xmpp_name(n)));
    mix(sum, xmpp_ns(n), strlen(xmpp_ns(n)));
    mix(sum, xmpp_text(n), strlen(xmpp_text(n)));
    mix(sum, id != NULL ? id : "-", id != NULL ? strlen(id) : 1);
    for (n = xmpp_first(n); xmpp_exists(n); n = xmpp_sibling(n))
        mix(sum, xmpp_name(n), strlen(xmpp_name(n)));
}

/* Feeds n bytes; sum: of all that was told. False behind an error. */
static bool feed(xmpp_xml *x, const char *bytes, size_t n, uint32_t *sum)
{
    const char *p = block(bytes, n), *end = p + n;
    size_t used;
    int r;

    do {
        r = xmpp_xml_feed(x, p, (size_t)(end - p), &used);
        p += used;
        if (p > end || x->len > x->cap || (r == XMPP_XML_MORE && p != end))
            fail("the tokenizer's bounds", bytes, n);
        if (r == XMPP_XML_MORE || r < 0)
            continue;
        mix(sum, &r, sizeof r);
        mix(sum, &x->offset, sizeof x->offset);
        mix(sum, &x->depth, sizeof x->depth);
        mix_node(sum, x->node);
        if (r == XMPP_XML_START && x->depth == 2 && trees)
            xmpp_xml_tree(x);
    } while (r > 0);
    if (r < 0)
        mix(sum, &r, sizeof r);
    return r == XMPP_XML_MORE;
}

static void check_splits(const point *way, const point *here, const char *string, size_t n)
{
    xmpp_xml x;
    uint32_t sum;
    size_t k;

    for (k = 0; k + 1 < n; k++) {
        x = way[k].x;
        sum = way[k].sum;
        memcpy(memory, way[k].mem, memory_n);
        feed(&x, string + k, n - k, &sum);
        cases++;
        if (sum != here->sum || x.error != here->x.error || x.depth != here->x.depth || x.skipping != here->x.skipping ||
            x.skipped != here->x.skipped || (x.error == 0 && (x.offset != here->x.offset || x.state != here->x.state ||
            x.len != here->x.len || memcmp(memory, here->mem, x.len) != 0)))
            fail("a split makes a difference", string, n);
    }
}

static void tokenize(const char *before, size_t depth)
{
    static point way[MOST + 1];
    static size_t next[MOST + 1];
    static char string[MOST + 1];
    uint32_t sum = 2166136261u;
    xmpp_xml x;
    size_t n = 0;

    xmpp_xml_init(&x, memory, memory_n);
    if (*before != '\0')
        feed(&x, before, strlen(before), &sum);
    save(&way[0], &x, sum);
    next[0] = 0;
    for (;;) {
        bool lives;
        if (next[n] == sizeof alphabet - 1) {
            if (n-- == 0)
                return;
            continue;
        }
        string[n] = alphabet[next[n]++];
        x = way[n].x;
        sum = way[n].sum;
        memcpy(memory, way[n].mem, memory_n);
        lives = feed(&x, string + n, 1, &sum);
        n++;
        save(&way[n], &x, sum);
        check_splits(way, &way[n], string, n);
        next[n] = lives && n < depth ? 0 : sizeof alphabet - 1;
    }
}

static void all_tokens(size_t depth)
{
    static const char *const before[] = {
        "", "<?xml version='1.0'", "<a>", "<a><b>", "<a xmlns:b='x'><b:a ", "<a><b a='", "<a>x<![CDATA[", "<a><b>]&#", "<a><b/",
        "<a xmlns='jabber:client'><b xmlns", "<a><b a='1' b=\"", "<a><a:", "<a><b><a>1</a>" };
    static const size_t sizes[] = { 0, 24, 48, MEMORY };
    unsigned long fails = failed;
    size_t i, j;

    for (j = 0; j < sizeof sizes / sizeof *sizes; j++) {
        memory_n = sizes[j];
        memory = (unsigned char *)malloc(memory_n > 0 ? memory_n : 1);
        for (i = 0; i < sizeof before / sizeof *before; i++)
            for (trees = false;; trees = true) {
                tokenize(before[i], depth);
                if (trees)
                    break;
            }
        free(memory);
    }
    end_of("every short string behind every beginning, in every split, in memories of 0 to 96 bytes", fails);
}

/* ---- UTF-8: against RFC 3629's own table of sequences, and XML's characters ---- */

static bool between(unsigned char c, unsigned least, unsigned most) { return c >= least && c <= most; }

/* How long is the one valid character that these n bytes are? 0: they are none. */
static bool is_utf8(const unsigned char *s, size_t n)
{
    if (n == 1)
        return between(s[0], 0x20, 0x7f) || s[0] == '\t' || s[0] == '\n' || s[0] == '\r';
    if (n == 2)
        return between(s[0], 0xc2, 0xdf) && between(s[1], 0x80, 0xbf);
    if (n == 3)
        return between(s[2], 0x80, 0xbf) &&
               ((s[0] == 0xe0 && between(s[1], 0xa0, 0xbf)) || (between(s[0], 0xe1, 0xec) && between(s[1], 0x80, 0xbf)) ||
                (s[0] == 0xed && between(s[1], 0x80, 0x9f)) || (between(s[0], 0xee, 0xef) && between(s[1], 0x80, 0xbf))) &&
               !(s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe);
    return between(s[2], 0x80, 0xbf) && between(s[3], 0x80, 0xbf) &&
           ((s[0] == 0xf0 && between(s[1], 0x90, 0xbf)) || (between(s[0], 0xf1, 0xf3) && between(s[1], 0x80, 0xbf)) ||
            (s[0] == 0xf4 && between(s[1], 0x80, 0x8f)));
}

/* Is it a row of characters? */
static bool is_text(const unsigned char *s, size_t n)
{
    size_t k;

    while (n > 0) {
        for (k = 1; k <= 4 && k <= n && !is_utf8(s, k); k++)
            ;
        if (k > 4 || k > n)
            return false;
        s += k;
        n -= k;
    }
    return true;
}

static void all_utf8(size_t depth)
{
    /* every first and second byte; of those behind them the ones at each bound */
    static const unsigned char edges[] = { 0, 'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbd, 0xbe, 0xbf, 0xc0, 0xf5, 0xff };
    unsigned long fails = failed;
    unsigned char s[4];
    unsigned a, b, n, i, j;

    for (n = 1; n <= 4; n++)
        for (a = 0; a < 256; a++)
            for (b = 0; b < (n < 2 ? 1u : 256u); b++)
                for (i = 0; i < (n < 3 ? 1u : depth > 4 && n == 3 ? 256u : sizeof edges); i++)
                    for (j = 0; j < (n < 4 ? 1u : sizeof edges); j++) {
                        s[0] = (unsigned char)a;
                        s[1] = (unsigned char)b;
                        s[2] = depth > 4 && n == 3 ? (unsigned char)i : edges[i % sizeof edges];
                        s[3] = edges[j];
                        cases++;
                        if (xmpp_utf8_valid(block((char *)s, n), n) != is_text(s, n))
                            fail("UTF-8", (char *)s, n);
                    }
    end_of("UTF-8 of 1 to 4 bytes", fails);
}

/* ---- JIDs: what is parsed can be written, in exactly its room, and is then itself ---- */

static void check_jid(const char *text, size_t n)
{
    xmpp_jid jid, again;
    char *in = block(text, n), *out, *same;
    int size, r;
    size_t cap;

    cases++;
    if (xmpp_jid_parse_n(&jid, in, n) != XMPP_OK)
        return;
    for (cap = 0; cap <= n + 1; cap++) {
        out = (char *)malloc(cap > 0 ? cap : 1);
        size = xmpp_jid_format(&jid, false, out, cap);
        if (size >= 0 ? (size_t)size >= cap || out[size] != '\0' : size != XMPP_E_TOO_LONG)
            fail("a JID's room", text, n);
        if (size < 0 && cap > n)
            fail("a JID does not fit", text, n);
        free(out);
    }
    size = xmpp_jid_format(&jid, false, out = (char *)malloc(n + 1), n + 1);
    same = (char *)malloc(n + 1);
    r = xmpp_jid_parse(&again, out);
    if (r != XMPP_OK || !xmpp_jid_equal(out, out, false) || xmpp_jid_format(&again, false, same, n + 1) != size ||
        strcmp(out, same) != 0)
        fail("a JID is not itself", text, n);
    free(out);
    free(same);
}

static void all_jids(size_t depth)
{
    static const char some[] = "aZ0125.-:[]@/ \xc3\xa9\xc2\x7f";
    unsigned long fails = failed;
    size_t at[MOST] = { 0 }, n, i;
    char text[MOST];

    for (n = 1; n <= depth; n++)
        do {
            for (i = 0; i < n; i++)
                text[i] = some[at[i]];
            check_jid(text, n);
            for (i = 0; i < n && ++at[i] == sizeof some - 1; i++)
                at[i] = 0;
        } while (i < n);
    end_of("every short JID", fails);
}

/* ---- the queue: stanzas of three sizes, presence that replaces presence, parts of sends ----
   What goes out must be what a list of texts says. */

enum { QUEUE = 128, TEXTS = 32 };
enum { SEND_SHORT, SEND_LONG, SEND_PRESENCE, TAKE_1, TAKE_10, TAKE_ALL, DOINGS };

typedef struct model {              /* the texts that wait */
    char   text[TEXTS][QUEUE];
    bool   presence[TEXTS];
    size_t n, sent;                 /* sent: bytes of the first */
} model;

static xmpp_client   client;
static unsigned char arena[256], *queue;

static void model_drop(model *m, size_t i)
{
    for (m->n--; i < m->n; i++) {
        memcpy(m->text[i], m->text[i + 1], QUEUE);
        m->presence[i] = m->presence[i + 1];
    }
}

static void model_add(model *m, const char *text, bool presence)
{
    size_t i = 0;

    while (presence && i < m->n)
        if (m->presence[i] && !(i == 0 && m->sent > 0))
            model_drop(m, i);
        else
            i++;
    strcpy(m->text[m->n], text);
    m->presence[m->n++] = presence;
}

static void queue_send(model *m, int doing, int number)
{
    static const char *const form[] = { "<message id='%c'/>", "<message id='%c'><body>a longer one</body></message>",
                                        "<presence id='%c'/>" };
    char text[QUEUE], id[2];
    xmpp_writer w;
    int r;

    id[0] = (char)('a' + number);
    id[1] = '\0';
    snprintf(text, sizeof text, form[doing], id[0]);
    xmpp_begin(&client, &w);
    xmpp_w_open(&w, doing == SEND_PRESENCE ? "presence" : "message", NULL);
    xmpp_w_attr(&w, "id", id);
    if (doing == SEND_LONG)
        xmpp_w_leaf(&w, "body", NULL, "a longer one");
    xmpp_w_close(&w);
    r = xmppi_commit(&client, &w, doing == SEND_PRESENCE ? XMPPI_R_PRESENCE : 0);
    if (r == XMPP_OK)
        model_add(m, text, doing == SEND_PRESENCE);
}

static void queue_take(model *m, size_t most, const char *way, size_t way_n)
{
    const char *p;
    size_t n, i;

    p = (const char *)xmpp_pending(&client, most, &n);
    if (n > most)
        fail("more is to be sent than was asked for", way, way_n);
    for (i = 0; i < n; i++) {
        if (m->sent == 0 && p[i] == ' ')
            continue;           /* padding behind a stanza whose tag went out in parts */
        if (m->n == 0 || p[i] != m->text[0][m->sent]) {
            fail("another text goes out", way, way_n);
            return;
        }
        if (m->text[0][++m->sent] == '\0') {
            model_drop(m, 0);
            m->sent = 0;
        }
    }
    if (n == 0 && m->n > 0)
        fail("nothing goes out", way, way_n);
    xmpp_sent(&client, n);
}

static void all_queues(size_t depth)
{
    typedef struct { xmpp_client c; unsigned char q[QUEUE]; model m; } moment;
    static moment way[MOST + 1];
    static xmpp_account account;
    int next[MOST + 1];
    char doings[MOST];
    unsigned long fails = failed;
    size_t n = 0;
    model m;

    queue = (unsigned char *)malloc(QUEUE);
    account.jid = "a@b";
    xmppi_zero(&client, sizeof client);
    client.cfg = &xmpp_default_config;
    client.acct = &account;
    client.state = XMPPI_ONLINE;
    client.done = 255;
    client.q = queue;
    client.q_size = QUEUE;
    xmpp_xml_init(&client.xml, arena, sizeof arena);
    xmppi_zero(&m, sizeof m);
    way[0].c = client;
    way[0].m = m;
    next[0] = 0;
    for (;;) {
        if (next[n] == DOINGS) {
            if (n-- == 0)
                break;
            continue;
        }
        client = way[n].c;
        m = way[n].m;
        memcpy(queue, way[n].q, QUEUE);
        doings[n] = (char)next[n]++;
        n++;
        cases++;
        if (doings[n - 1] <= SEND_PRESENCE)
            queue_send(&m, doings[n - 1], (int)n);
        else
            queue_take(&m, doings[n - 1] == TAKE_1 ? 1 : doings[n - 1] == TAKE_10 ? 10 : QUEUE, doings, n);
        if (client.q_end > QUEUE || client.q_at > client.q_end)
            fail("the queue's bounds", doings, n);
        way[n].c = client;
        way[n].m = m;
        memcpy(way[n].q, queue, QUEUE);
        next[n] = n < depth ? 0 : DOINGS;
    }
    free(queue);
    end_of("every order of sending and taking", fails);
}

int main(int argc, char **argv)
{
    size_t depth = argc == 2 ? (size_t)strtoul(argv[1], NULL, 10) : 0;

    if (depth < 1 || depth > MOST - 2) {
        fprintf(stderr, "usage: exhaustive DEPTH    1 to %d\n", MOST - 2);
        return 2;
    }
    all_utf8(depth);
    all_jids(depth);
    all_queues(depth + 2);
    all_tokens(depth - 1);
    printf("%lu passed, %lu failed\n", passed, failed);
    return failed > 0;
}
