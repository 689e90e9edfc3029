/* client_iksemel.c: iksemel for the benches of clients. A rule of its filter for each kind of stanza. */
#include "client.h"
#include <iksemel.h>

static iksparser *stream;
static iksid     *me;
static iksfilter *filter;
static int        idle, authorized, up;
static char       ns[] = IKS_NS_CLIENT, password[] = "secret";      /* it takes no constants */

static int on_message(void *u, ikspak *p)
{
    (void)u;
    client_message(iks_find_attrib(p->x, "from"), iks_find_cdata(p->x, "body"));
    return IKS_FILTER_EAT;
}

static int on_presence(void *u, ikspak *p)
{
    (void)u;
    client_presence(iks_find_attrib(p->x, "from"), iks_find_cdata(p->x, "status"));
    return IKS_FILTER_EAT;
}

static int on_iq(void *u, ikspak *p)
{
    (void)u;
    client_iq(iks_find_attrib(p->x, "from"));
    return IKS_FILTER_EAT;
}

static void send_and_delete(iks *x)
{
    iks_send(stream, x);
    iks_delete(x);
}

static void log_in(iks *x)
{
    if (strcmp(iks_name(x), "stream:features") == 0) {
        if (authorized)
            send_and_delete(iks_make_resource_bind(me));
        else
            iks_start_sasl(stream, IKS_SASL_PLAIN, me->user, password);
    } else if (strcmp(iks_name(x), "success") == 0) {
        authorized = 1;
        iks_send_header(stream, me->server);
    } else if (strcmp(iks_name(x), "iq") == 0) {
        up = 1;
        if (!idle) {
            client_begin();
            send_and_delete(iks_make_pres(IKS_SHOW_AVAILABLE, NULL));
        }
    } else {
        fprintf(stderr, "refused\n");
        exit(1);
    }
}

static int on_stream(void *u, int type, iks *node)
{
    (void)u;
    if (type == IKS_NODE_NORMAL) {
        if (up)
            iks_filter_packet(filter, iks_packet(node));
        else
            log_in(node);
    }
    if (node != NULL)
        iks_delete(node);
    if (!idle && up && client_enough()) {
        client_end();
        exit(0);
    }
    return IKS_OK;
}

int main(int argc, char **argv)
{
    unsigned long n = 1, i;

    CLIENT_USAGE(argc, argv)
    idle = strcmp(argv[2], "idle") == 0;
    seen.want = strtoul(argv[3], NULL, 10);
    if (idle) {
        n = seen.want;
        client_idle(0);
    }
    for (i = 0; i < n; i++) {
        up = authorized = 0;
        stream = iks_stream_new(ns, NULL, on_stream);
        me = iks_id_new(iks_parser_stack(stream), "me@xmpp.test/bench");
        filter = iks_filter_new();
        iks_filter_add_rule(filter, on_message, NULL, IKS_RULE_TYPE, IKS_PAK_MESSAGE, IKS_RULE_DONE);
        iks_filter_add_rule(filter, on_presence, NULL, IKS_RULE_TYPE, IKS_PAK_PRESENCE, IKS_RULE_DONE);
        iks_filter_add_rule(filter, on_iq, NULL, IKS_RULE_TYPE, IKS_PAK_IQ, IKS_RULE_DONE);
        if (iks_connect_via(stream, "127.0.0.1", atoi(argv[1]), me->server) != IKS_OK)
            return 1;
        while (!idle || !up)
            if (iks_recv(stream, -1) != IKS_OK)
                return fprintf(stderr, "the stream ended\n"), 1;
        client_idle(i + 1);
    }
    return 0;
}
