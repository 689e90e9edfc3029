/* Any bytes: xmpp_utf8_valid reads those alone, and no shift or sum in it overflows. */
#include "proof.h"
#define N 32
static char text[N];

int main(void)
{
    size_t n;

    any(text, N);
    for (n = 0; n <= N; n++)
        xmpp_utf8_valid(text + N - n, n);
    return 0;
}
