/* core-scram-template: core-scram, and what templates cost: xmpp_sendf and xmpp_iqf with the check of what they make */
#include "size.h"
STATE_IS(xmpp_client)
#define EXTRA                                                                                     \
    sink = xmpp_sendf(&client, "<message to='%s'><body>%d</body></message>", "a@example.org", sink); \
    sink = xmpp_iqf(&client, "get", NULL, NULL, "<query xmlns='jabber:iq:version'/>");

static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_1, NULL };
static const xmpp_config config = { .mechs = mechs };
static const xmpp_account account = ACCOUNT("sensor@example.org/attic");

void start(void)
{
    DEVICE(&config, &account)
}
