/* main.c: the device over a UART that leads to the server at all times. */
#define XMPP_IO_UART_IMPLEMENTATION
#include "xmpp_io_uart.h"
#include "board.h"
#include "device.h"
#include "uart.h"

static int random_bytes(void *ctx, void *out, size_t n)
{
    (void)ctx;
    return board_random(out, n) ? XMPP_OK : XMPP_E_ENTROPY;
}
static uint32_t millis(void *ctx) { (void)ctx; return board_millis(); }
static uint32_t utc(void *ctx)    { (void)ctx; return board_utc(); }

static const xmpp_uart_driver driver = {
    .get = uart_get, .put = uart_put, .random = random_bytes, .millis = millis, .utc = utc
};

int main(void)
{
    static xmpp_uart uart;

    board_init();
    uart_init();
    return device_run(xmpp_uart_io(&uart, &driver, NULL));
}
