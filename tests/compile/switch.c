/* A user's code under a user's warnings: compiles as C99 and C++11. */
#include "xmpp.h"

int handle(xmpp_client *c, const xmpp_event *ev);
int handle(xmpp_client *c, const xmpp_event *ev)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:
        return xmpp_presence(c, XMPP_SHOW_ONLINE, "21.5 C");
    case XMPP_EV_MESSAGE:
        return xmpp_sendf(c, "<message to='%s' type='chat'><body>%s, %d</body></message>", ev->from, ev->body, 7);
    case XMPP_EV_OFFLINE:
        return ev->error;
    }
    switch (ev->error) {
    case XMPP_OK:
    case XMPP_E_AUTH:
        return 0;
    default:
        break;
    }
#ifdef WRONG
    return xmpp_sendf(c, "<message to='%s'/>", 7);
#else
    return 1;
#endif
}
