/* uart.h: what a board's UART is to main.c: bytes, without waiting. */
#ifndef UART_H
#define UART_H

#include <stdbool.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

void uart_init(void);
int  uart_get(void *ctx);                       /* a byte, or -1: none now */
bool uart_put(void *ctx, unsigned char byte);   /* false: no room now */

#endif
