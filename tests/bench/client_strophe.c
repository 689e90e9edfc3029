/* client_strophe.c: libstrophe for the benches of clients */
#include "client.h"
#include <strophe.h>

static xmpp_ctx_t *ctx;
static int idle;
static unsigned long up;

static char *text_of(xmpp_stanza_t *s, const char *name)
{
    xmpp_stanza_t *child = xmpp_stanza_get_child_by_name(s, name);

    return child != NULL ? xmpp_stanza_get_text(child) : NULL;
}

static void enough(void)
{
    if (client_enough()) {
        client_end();
        exit(0);
    }
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *s, void *u)
{
    char *body = text_of(s, "body");

    (void)conn, (void)u;
    client_message(xmpp_stanza_get_from(s), body);
    if (body != NULL)
        xmpp_free(ctx, body);
    enough();
    return 1;
}

static int on_presence(xmpp_conn_t *conn, xmpp_stanza_t *s, void *u)
{
    char *status = text_of(s, "status");

    (void)conn, (void)u;
    client_presence(xmpp_stanza_get_from(s), status);
    if (status != NULL)
        xmpp_free(ctx, status);
    enough();
    return 1;
}

static int on_iq(xmpp_conn_t *conn, xmpp_stanza_t *s, void *u)
{
    (void)conn, (void)u;
    client_iq(xmpp_stanza_get_from(s));
    return 1;
}

static void on_conn(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *e, void *u)
{
    xmpp_stanza_t *presence;

    (void)error, (void)e, (void)u;
    if (event != XMPP_CONN_CONNECT) {
        fprintf(stderr, "disconnected\n");
        exit(1);
    }
    up++;
    if (idle)
        return;
    xmpp_handler_add(conn, on_message, NULL, "message", NULL, NULL);
    xmpp_handler_add(conn, on_presence, NULL, "presence", NULL, NULL);
    xmpp_handler_add(conn, on_iq, NULL, "iq", NULL, NULL);
    client_begin();
    presence = xmpp_presence_new(ctx);
    xmpp_send(conn, presence);
    xmpp_stanza_release(presence);
}

static int trust(const xmpp_tlscert_t *cert, const char *why)
{
    (void)cert, (void)why;
    return 1;
}

int main(int argc, char **argv)
{
    unsigned long n = 1, i;

    CLIENT_USAGE(argc, argv)
    xmpp_initialize();
    idle = strcmp(argv[2], "idle") == 0;
    seen.want = strtoul(argv[3], NULL, 10);
    if (idle) {
        n = seen.want;
        client_idle(0);
    }
    ctx = xmpp_ctx_new(NULL, NULL);
    for (i = 0; i < n; i++) {
        xmpp_conn_t *conn = xmpp_conn_new(ctx);
        if (idle && strcmp(argv[4], "tls") == 0) {
            xmpp_conn_set_flags(conn, XMPP_CONN_FLAG_MANDATORY_TLS);
            xmpp_conn_set_certfail_handler(conn, trust);
            if (argc > 5)
                xmpp_conn_set_cafile(conn, argv[5]);
        } else {
            xmpp_conn_set_flags(conn, XMPP_CONN_FLAG_DISABLE_TLS);
        }
        xmpp_conn_set_jid(conn, "xmpp.test");
        if (xmpp_connect_client(conn, "127.0.0.1", (unsigned short)atoi(argv[1]), on_conn, NULL) != 0)
            return 1;
        if (!idle)
            xmpp_run(ctx);
        while (up <= i)
            xmpp_run_once(ctx, 10);
        client_idle(i + 1);
    }
    return 0;
}
