/* jid: JIDs alone: split, check, normalise, compare */
#include "size.h"
STATE_IS(xmpp_jid)

void start(void)
{
    xmpp_jid j;

    sink = xmpp_jid_parse(&j, (const char *)memory);
    sink = xmpp_jid_format(&j, true, (char *)memory, 256);
    sink = xmpp_jid_equal((const char *)memory, (const char *)memory + 256, false);
}
