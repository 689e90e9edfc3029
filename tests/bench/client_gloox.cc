/* client_gloox.cc: gloox for the benches of clients. It hands answers to requests that it did not send to nobody. */
#include "client.h"
#include <unistd.h>
#include <gloox/client.h>
#include <gloox/connectiontcpclient.h>
#include <gloox/connectionlistener.h>
#include <gloox/message.h>
#include <gloox/messagehandler.h>
#include <gloox/presence.h>
#include <gloox/presencehandler.h>

using namespace gloox;

static bool idle;

struct Bench : ConnectionListener, MessageHandler, PresenceHandler {
    Client client;
    bool up;

    Bench(int port, bool tls, const char *ca) : client(JID("me@xmpp.test/bench"), "secret", port), up(false)
    {
        client.setServer("127.0.0.1");
        client.setTls(tls ? TLSRequired : TLSDisabled);
        client.setSASLMechanisms(SaslMechPlain);
        client.setCompression(false);
        client.disableRoster();
        if (ca != NULL)
            client.setCACerts(StringList(1, ca));
        client.registerConnectionListener(this);
        client.registerMessageHandler(this);
        client.registerPresenceHandler(this);
    }

    void onConnect()
    {
        up = true;
        if (idle)
            return;
        client_begin();
        client.setPresence(Presence::Available, 0);
    }
    void onDisconnect(ConnectionError e)
    {
        if (!seen.done) {
            fprintf(stderr, "disconnected: %d\n", (int)e);
            exit(1);
        }
    }
    bool onTLSConnect(const CertInfo &) { return true; }

    void handleMessage(const Message &m, MessageSession *)
    {
        client_message(m.from().full().c_str(), m.body().c_str());
        enough();
    }
    void handlePresence(const Presence &p)
    {
        client_presence(p.from().full().c_str(), p.status().c_str());
        enough();
    }
    void enough()
    {
        if (!idle && client_enough()) {
            client_end();
            _exit(0);
        }
    }
};

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
        Bench *b = new Bench(atoi(argv[1]), idle && strcmp(argv[4], "tls") == 0, argc > 5 ? argv[5] : NULL);
        if (!b->client.connect(false))
            return 1;
        while (!idle || !b->up)
            if (b->client.recv(1000000) != ConnNoError)
                return 1;
        client_idle(i + 1);
    }
    return 0;
}
