/* cmsdk_uart.c: UART0 of ARM's MPS2 boards (Cortex-M System Design Kit). */
#include "uart.h"

#define DATA    REGISTER(0x40004000)
#define STATE   REGISTER(0x40004004)            /* bit 0: no room to send; bit 1: a byte came */
#define CONTROL REGISTER(0x40004008)            /* bit 0: send; bit 1: receive */
#define BAUDDIV REGISTER(0x40004010)

void uart_init(void)
{
    BAUDDIV = 25000000 / 115200;
    CONTROL = 3;
}

int uart_get(void *ctx)
{
    (void)ctx;
    return (STATE & 2) != 0 ? (int)(DATA & 255) : -1;
}

bool uart_put(void *ctx, unsigned char byte)
{
    (void)ctx;
    if ((STATE & 1) != 0)
        return false;
    DATA = byte;
    return true;
}
