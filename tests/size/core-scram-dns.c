/* core-scram-dns: core-scram that finds its server by SRV records (xmpp_resolve; its xmpp_dns is the application's) */
#include "size.h"
STATE_IS(xmpp_client)
#define EXTRA

static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_1, NULL };
static const xmpp_config config = { .mechs = mechs, .resolve = xmpp_resolve };
static const xmpp_account account = {
    .jid = "sensor@example.org/attic", .password = (const char *)memory, .dns = (xmpp_dns *)(void *)(memory + 4096),
    .rx = memory, .rx_size = 256, .arena = memory + 256, .arena_size = 1024, .queue = memory + 1280, .queue_size = 1024
};

void start(void)
{
    DEVICE(&config, &account)
}
