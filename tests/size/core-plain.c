/* core-plain: client, presence, message, IQ; PLAIN alone */
#include "size.h"
STATE_IS(xmpp_client)
#define EXTRA

static const xmpp_mech *const mechs[] = { &xmpp_mech_plain, NULL };
static const xmpp_config config = { .mechs = mechs, .options = XMPP_OPT_PLAIN };
static const xmpp_account account = ACCOUNT("sensor@example.org/attic");

void start(void)
{
    DEVICE(&config, &account)
}
