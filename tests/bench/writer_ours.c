/* writer_ours.c: xmpp.h for writer.c */
#define XMPP_IMPLEMENTATION
#define XMPP_NO_POSIX
#include "xmpp.h"
#include "writer.h"

static unsigned char buffer[4096];
static xmpp_writer   w;

static const char *ended(size_t *n)
{
    *n = w.len;
    return xmpp_w_end(&w) == XMPP_OK ? (const char *)buffer : NULL;
}

static const char *calls(const char *to, const char *id, const char *body, size_t *n)
{
    xmpp_w_init(&w, buffer, sizeof buffer);
    xmpp_w_open(&w, "message", NULL);
    xmpp_w_attr(&w, "to", to);
    xmpp_w_attr(&w, "type", "chat");
    xmpp_w_attr(&w, "id", id);
    xmpp_w_leaf(&w, "body", NULL, body);
    xmpp_w_leaf(&w, "active", NS_STATES, "");
    xmpp_w_leaf(&w, "request", NS_RECEIPTS, "");
    xmpp_w_close(&w);
    return ended(n);
}

static const char *template(const char *to, const char *id, const char *body, size_t *n)
{
    xmpp_w_init(&w, buffer, sizeof buffer);
    xmpp_writef(&w, "<message to='%s' type='chat' id='%s'><body>%s</body><active xmlns='" NS_STATES "'/><request xmlns='"
                NS_RECEIPTS "'/></message>", to, id, body);
    return ended(n);
}

const struct writer writer_calls = { "xmpp.h by calls", NULL, calls, NULL };
const struct writer writer_template = { "xmpp.h by template, checked", NULL, template, NULL };
