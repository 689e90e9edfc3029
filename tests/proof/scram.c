/* Any bytes as a server's message: what stands between the commas lies inside it, and numbers do not overflow. */
#include "proof.h"
#define N 16
static char text[N];

int main(void)
{
    const char *end[3] = { text, text, text };
    uint32_t value;
    size_t n;

    any(text, N);
    for (n = 0; n <= N; n++) {
        xmppi_scram_read(text + N - n, n, "rsi,m", end);
        xmppi_number(text + N - n, n, 0xFFFFFFFF, &value);
        xmppi_number(text + N - n, n, 127, &value);
    }
    return 0;
}
