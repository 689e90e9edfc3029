/* Prints the name servers that the Winsock io knows, one a line, and then what a random number looks like. */
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_io_winsock.h"

int main(void)
{
    static xmpp_winsock net;
    xmpp_io io = xmpp_winsock_io(&net);
    unsigned char dice[8];
    char text[64];
    unsigned i;

    for (i = 0; io.ops->resolver(io.ctx, i, text, sizeof text) == XMPP_OK; i++)
        printf("nameserver %s\n", text);
    if (io.ops->random(io.ctx, dice, sizeof dice) != XMPP_OK)
        return 1;
    printf("random ");
    for (i = 0; i < sizeof dice; i++)
        printf("%02x", dice[i]);
    printf("\n");
    return 0;
}
