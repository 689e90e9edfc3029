/* writer_peers.c: libstrophe, iksemel and loudmouth for writer.c, where they are (HAVE_*) */
#include "writer.h"
#include <stdlib.h>
#include <string.h>

/* ---- libstrophe ---- */

#ifdef HAVE_LIBSTROPHE
#include <strophe.h>

static xmpp_ctx_t *ctx;
static char *stanza;

static void strophe_begin(void) { ctx = xmpp_ctx_new(NULL, NULL); }

static void strophe_child(xmpp_stanza_t *m, const char *name, const char *ns)
{
    xmpp_stanza_t *s = xmpp_stanza_new(ctx);

    xmpp_stanza_set_name(s, name);
    xmpp_stanza_set_ns(s, ns);
    xmpp_stanza_add_child(m, s);
    xmpp_stanza_release(s);
}

static const char *strophe_write(const char *to, const char *id, const char *body, size_t *n)
{
    xmpp_stanza_t *m = xmpp_message_new(ctx, "chat", to, id);

    xmpp_message_set_body(m, body);
    strophe_child(m, "active", NS_STATES);
    strophe_child(m, "request", NS_RECEIPTS);
    if (xmpp_stanza_to_text(m, &stanza, n) != 0)
        return NULL;
    xmpp_stanza_release(m);
    return stanza;
}

static void strophe_done(void) { xmpp_free(ctx, stanza); }

const struct writer writer_strophe = { "libstrophe", strophe_begin, strophe_write, strophe_done };
#endif

/* ---- iksemel ---- */

#ifdef HAVE_IKSEMEL
#include <iksemel.h>

static iks *message;

static const char *iks_write(const char *to, const char *id, const char *body, size_t *n)
{
    char *text;

    message = iks_make_msg(IKS_TYPE_CHAT, to, body);
    iks_insert_attrib(message, "id", id);
    iks_insert_attrib(iks_insert(message, "active"), "xmlns", NS_STATES);
    iks_insert_attrib(iks_insert(message, "request"), "xmlns", NS_RECEIPTS);
    text = iks_string(iks_stack(message), message);
    *n = text != NULL ? strlen(text) : 0;
    return text;
}

static void iks_done(void) { iks_delete(message); }

const struct writer writer_iksemel = { "iksemel", NULL, iks_write, iks_done };
#endif

/* ---- loudmouth ---- */

#ifdef HAVE_LOUDMOUTH
#include <loudmouth/loudmouth.h>

static char *text;

static const char *lm_write(const char *to, const char *id, const char *body, size_t *n)
{
    LmMessage *m = lm_message_new_with_sub_type(to, LM_MESSAGE_TYPE_MESSAGE, LM_MESSAGE_SUB_TYPE_CHAT);

    lm_message_node_set_attribute(m->node, "id", id);
    lm_message_node_add_child(m->node, "body", body);
    lm_message_node_set_attribute(lm_message_node_add_child(m->node, "active", NULL), "xmlns", NS_STATES);
    lm_message_node_set_attribute(lm_message_node_add_child(m->node, "request", NULL), "xmlns", NS_RECEIPTS);
    text = lm_message_node_to_string(m->node);
    lm_message_unref(m);
    *n = strlen(text);
    return text;
}

static void lm_done(void) { g_free(text); }

const struct writer writer_loudmouth = { "loudmouth", NULL, lm_write, lm_done };
#endif
