/* ns16550_uart.c: a 16550 at the address of QEMU's RISC-V machine virt. */
#include "uart.h"

#define BYTE(address) (*(volatile uint8_t *)(uintptr_t)(address))
#define DATA          BYTE(0x10000000)
#define FIFO_CONTROL  BYTE(0x10000002)
#define LINE_STATUS   BYTE(0x10000005)          /* bit 0: a byte came; bit 5: room to send */

void uart_init(void)
{
    FIFO_CONTROL = 1;
}

int uart_get(void *ctx)
{
    (void)ctx;
    return (LINE_STATUS & 1) != 0 ? DATA : -1;
}

bool uart_put(void *ctx, unsigned char byte)
{
    (void)ctx;
    if ((LINE_STATUS & 0x20) == 0)
        return false;
    DATA = byte;
    return true;
}
