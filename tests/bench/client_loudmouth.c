/* client_loudmouth.c: loudmouth for the benches of clients */
#include "client.h"
#include <loudmouth/loudmouth.h>

static LmConnection *connection;

static const char *text_of(LmMessage *m, const char *name)
{
    LmMessageNode *n = lm_message_node_get_child(m->node, name);

    return n != NULL ? lm_message_node_get_value(n) : NULL;
}

static LmHandlerResult on_stanza(LmMessageHandler *h, LmConnection *c, LmMessage *m, gpointer u)
{
    const char *from = lm_message_node_get_attribute(m->node, "from");

    (void)h, (void)c, (void)u;
    if (lm_message_get_type(m) == LM_MESSAGE_TYPE_MESSAGE)
        client_message(from, text_of(m, "body"));
    else if (lm_message_get_type(m) == LM_MESSAGE_TYPE_PRESENCE)
        client_presence(from, text_of(m, "status"));
    else
        client_iq(from);
    if (client_enough()) {
        client_end();
        exit(0);
    }
    return LM_HANDLER_RESULT_REMOVE_MESSAGE;
}

static void on_auth(LmConnection *c, gboolean success, gpointer u)
{
    LmMessage *m = lm_message_new(NULL, LM_MESSAGE_TYPE_PRESENCE);

    (void)u;
    if (!success)
        exit(1);
    client_begin();
    lm_connection_send(c, m, NULL);
    lm_message_unref(m);
}

static void on_open(LmConnection *c, gboolean success, gpointer u)
{
    (void)u;
    if (!success || !lm_connection_authenticate(c, "me", "secret", "bench", on_auth, NULL, NULL, NULL))
        exit(1);
}

static void on_end(LmConnection *c, LmDisconnectReason reason, gpointer u)
{
    (void)c, (void)u;
    fprintf(stderr, "disconnected: %d\n", (int)reason);
    exit(1);
}

int main(int argc, char **argv)
{
    LmMessageHandler *h = lm_message_handler_new(on_stanza, NULL, NULL);

    CLIENT_USAGE(argc, argv)
    if (strcmp(argv[2], "blast") != 0)
        return 2;
    seen.want = strtoul(argv[3], NULL, 10);
    connection = lm_connection_new("127.0.0.1");
    lm_connection_set_port(connection, (guint)atoi(argv[1]));
    lm_connection_set_jid(connection, "me@xmpp.test/bench");
    lm_connection_register_message_handler(connection, h, LM_MESSAGE_TYPE_MESSAGE, LM_HANDLER_PRIORITY_NORMAL);
    lm_connection_register_message_handler(connection, h, LM_MESSAGE_TYPE_PRESENCE, LM_HANDLER_PRIORITY_NORMAL);
    lm_connection_register_message_handler(connection, h, LM_MESSAGE_TYPE_IQ, LM_HANDLER_PRIORITY_NORMAL);
    lm_connection_set_disconnect_function(connection, on_end, NULL, NULL);
    if (!lm_connection_open(connection, on_open, NULL, NULL, NULL))
        return 1;
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
    return 0;
}
