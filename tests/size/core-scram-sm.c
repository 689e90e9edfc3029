/* core-scram-sm: core-scram with stream management, tokens and policies, and coming back by itself */
#include "size.h"
struct both { xmpp_client client; xmpp_sm sm; };
STATE_IS(struct both)
#define EXTRA xmpp_policy(&client, XMPP_MUST_DELIVER, 1, 60000); sink = (int)xmpp_token(&client);

static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_1, NULL };
static const xmpp_config config = { .mechs = mechs, .sm = &xmpp_stream_management, .reconnect = xmpp_backoff };
static const xmpp_account account = { .jid = "sensor@example.org/attic", .password = (const char *)memory, .rx = memory, .rx_size = 256,
    .arena = memory + 256, .arena_size = 1024, .queue = memory + 1280, .queue_size = 1024,
    .sm = (xmpp_sm *)(void *)(memory + 4096) };

void start(void)
{
    DEVICE(&config, &account)
}
