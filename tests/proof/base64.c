/* Any text of up to N bytes, into any room: what is read and written lies inside the two. Both end where their
   arrays end, so that one byte behind them would be seen. */
#include "proof.h"
#ifndef N
#define N 16
#endif

static char          text[N];
static unsigned char data[N];

int main(void)
{
    size_t n, cap;

    any(text, N);
    any(data, N);
    for (n = 0; n <= N; n++)
        for (cap = 0; cap <= N; cap++) {
            xmpp_base64_decode(text + N - n, n, data + N - cap, cap);
            xmpp_base64_encode(data + N - n, n, text + N - cap, cap);
        }
    return 0;
}
