/* Do milliseconds go on evenly where ticks have 16 bits, and 1,000 is no multiple of their rate? */
#include "xmpp_task.c"
#include <stdio.h>

static TickType_t ticks;

TickType_t xTaskGetTickCount(void)
{
    return ticks;
}

int main(void)
{
    const uint32_t start = board_millis();
    uint32_t before = start, now, i;

    for (i = 0; i < 1000000; i++, before = now) {
        ticks = (TickType_t)(ticks + 7);
        now = board_millis();
        if (now - before != 7000 / 300 && now - before != 7000 / 300 + 1) {
            printf("after %lu ticks: from %lu to %lu ms\n", (unsigned long)(i + 1) * 7, (unsigned long)before,
                   (unsigned long)now);
            return 1;
        }
    }
    printf("%lu ms\n", (unsigned long)(before - start));
    return before - start != 7000000000u / 300;
}
