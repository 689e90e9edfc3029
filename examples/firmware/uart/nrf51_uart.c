/* nrf51_uart.c: the UART of Nordic's nRF51 (micro:bit). On the board itself choose pins (PSELTXD, PSELRXD) and a baud rate. */
#include "uart.h"

#define STARTRX REGISTER(0x40002000)
#define STARTTX REGISTER(0x40002008)
#define RXDRDY  REGISTER(0x40002108)
#define TXDRDY  REGISTER(0x4000211C)
#define ENABLE  REGISTER(0x40002500)
#define RXD     REGISTER(0x40002518)
#define TXD     REGISTER(0x4000251C)

static bool sending;

void uart_init(void)
{
    ENABLE = 4;
    STARTRX = 1;
    STARTTX = 1;
}

int uart_get(void *ctx)
{
    (void)ctx;
    if (RXDRDY == 0)
        return -1;
    RXDRDY = 0;                                 /* before the byte is taken: the next one sets it again */
    return (int)(RXD & 255);
}

bool uart_put(void *ctx, unsigned char byte)
{
    (void)ctx;
    if (sending && TXDRDY == 0)
        return false;
    TXDRDY = 0;
    sending = true;
    TXD = byte;
    return true;
}
