/* core-scram-sha-1: client, presence, message, IQ; SCRAM-SHA-1 alone */
#include "size.h"
STATE_IS(xmpp_client)
#define EXTRA

static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_1, NULL };
static const xmpp_config config = { .mechs = mechs };
static const xmpp_account account = ACCOUNT("sensor@example.org/attic");

void start(void)
{
    DEVICE(&config, &account)
}
