/* trace.c - the trace: whatever the split it prints the same, and no secret of a well-formed stream.  SPDX: MIT
   Input: a byte for the split, then a stream. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "fuzz.h"

static struct { const uint8_t *p; size_t n; } stream;   /* what recv has left */

static int io_open(void *ctx, const xmpp_target *to) { (void)ctx; (void)to; return XMPP_OK; }
static int io_recv(void *ctx, void *buf, size_t n)
{
    (void)ctx;
    if (n > stream.n)
        n = stream.n;
    memcpy(buf, stream.p, n);
    stream.p += n;
    stream.n -= n;
    return (int)n;
}
static int io_send(void *ctx, const void *buf, size_t n) { (void)ctx; (void)buf; return (int)n; }
static int io_close(void *ctx, bool now) { (void)ctx; (void)now; return 1; }
static const xmpp_io_ops below = { io_open, io_recv, io_send, io_close, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                                   NULL, NULL };

static void print(void *ctx, bool out, const char *s, size_t n)
{
    (void)out;
    put((text *)ctx, s, n);
}

static void show(text *t, const uint8_t *data, size_t n, size_t each, bool out)
{
    xmpp_trace trace;
    xmpp_target to = { "h", "h", 1, false, false, false, false, 0, NULL };
    xmpp_io io = { &below, NULL };
    char *buf = (char *)exact(NULL, each);
    size_t k;

    t->n = 0;
    puts_to(t, "");
    memset(&trace, 0, sizeof trace);
    trace.print = print;
    trace.ctx = t;
    io = xmpp_trace_io(&trace, io);
    MUST(io.ops->open(io.ctx, &to) == XMPP_OK);
    stream.p = data;
    stream.n = n;
    while (n > 0) {
        k = each < n ? each : n;
        if (out) {
            memcpy(buf, data, k);
            MUST(io.ops->send(io.ctx, buf, k) == (int)k);
        } else {
            MUST(io.ops->recv(io.ctx, buf, k) == (int)k);
        }
        data += k;
        n -= k;
    }
    free(buf);
}

static bool is_secret(const char *name)
{
    static const char *const names[] = { "auth", "response", "challenge", "success", "initial-response", "additional-data",
                                         "password" };
    size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Letters and digits that are nowhere else in the input, and in what was read of it: text in two pieces may stand behind it. */
static bool is_unique(const char *s, const text *all, size_t read)
{
    const char *at;

    if (strlen(s) < 4 || s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] != '\0')
        return false;
    at = strstr(all->s, s);
    return at != NULL && (size_t)(at - all->s) < read && strstr(at + 1, s) == NULL;
}

/* What the tokenizer finds in secret elements must not have been printed, as far as the stream is well-formed. */
static void check_secrets(const text *all, const text *printed)
{
    static unsigned char memory[65536];
    bool secret = false;
    const char *token;
    size_t at = 0, used;
    xmpp_xml x;
    int r;

    xmpp_xml_init(&x, memory, sizeof memory);
    do {
        r = xmpp_xml_feed(&x, all->s + at, all->n - at, &used);
        at += used;
        if (r == XMPP_XML_START) {
            token = xmpp_attr(x.node, "token");
            if (is_secret(xmpp_name(x.node)))
                secret = true;
            MUST(token == NULL || !is_unique(token, all, at) || strstr(printed->s, token) == NULL);
        } else if (r == XMPP_XML_END && is_secret(xmpp_name(x.node))) {
            /* of those inside one another the first end counts: SASL2's <success/> shows who one is */
            secret = false;
        } else if (r == XMPP_XML_TEXT && secret) {
            MUST(!is_unique(xmpp_text(x.node), all, at) || strstr(printed->s, xmpp_text(x.node)) == NULL);
        }
    } while (r > 0 && !x.skipping);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static text whole, other, all;
    size_t each;

    if (n < 2)
        return 0;
    each = 1 + data[0] % 7;
    data++;
    n--;
    all.n = 0;
    put(&all, data, n);
    show(&whole, data, n, n, false);
    show(&other, data, n, each, false);
    MUST(same_text(&whole, &other));
    show(&other, data, n, n, true);
    MUST(same_text(&whole, &other));
    if (memchr(data, 0, n) == NULL)
        check_secrets(&all, &whole);
    return 0;
}
