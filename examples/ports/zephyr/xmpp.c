/* xmpp.c - xmpp.h, its transport over Zephyr's sockets and its TLS over mbedTLS, once. SPDX-License-Identifier: MIT */
#include <zephyr/kernel.h>
#include <zephyr/random/random.h>

#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#define XMPP_IO_SOCKETS_IMPLEMENTATION
#include "xmpp_io_sockets.h"
#define XMPP_TLS_MBEDTLS_IMPLEMENTATION
#include "xmpp_tls_mbedtls.h"
#include "xmpp_zephyr.h"

static uint32_t set_to, set_at;         /* seconds since 1970, and since the start, when the clock was set */

void xmpp_zephyr_set_clock(uint32_t utc)
{
    set_to = utc;
    set_at = (uint32_t)(k_uptime_get() / 1000);
}

static uint32_t board_utc(void)
{
    return set_to != 0 ? set_to + ((uint32_t)(k_uptime_get() / 1000) - set_at) : 0;
}

static int board_random(void *out, size_t n)
{
    return sys_csrand_get(out, n) == 0 ? XMPP_OK : XMPP_E_ENTROPY;
}

static uint32_t board_millis(void)
{
    return k_uptime_get_32();
}

const xmpp_sockets_platform xmpp_zephyr_board = { board_random, board_utc, board_millis };
