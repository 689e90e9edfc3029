/* error-texts: xmpp_strerror and xmpp_errname alone: words and names for every error. all goes without */
#include "size.h"
STATE_IS(char)

void start(void)
{
    sink = xmpp_strerror(sink)[0] + xmpp_errname(sink)[0];
}
