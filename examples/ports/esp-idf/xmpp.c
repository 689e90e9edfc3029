/* xmpp.c - xmpp.h, its transport over ESP-IDF's sockets and its TLS over mbedTLS, once. SPDX-License-Identifier: MIT */
#include <time.h>
#include "esp_random.h"
#include "esp_timer.h"

#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#define XMPP_IO_SOCKETS_IMPLEMENTATION
#include "xmpp_io_sockets.h"
#define XMPP_TLS_MBEDTLS_IMPLEMENTATION
#include "xmpp_tls_mbedtls.h"
#include "xmpp_esp.h"

static int board_random(void *out, size_t n)
{
    esp_fill_random(out, n);
    return XMPP_OK;
}

/* Before SNTP it counts from 1970: then it is before config.floor and no clock for certificates. */
static uint32_t board_utc(void)
{
    return (uint32_t)time(NULL);
}

static uint32_t board_millis(void)
{
    return (uint32_t)(esp_timer_get_time() / 1000);
}

const xmpp_sockets_platform xmpp_esp_board = { board_random, board_utc, board_millis };
