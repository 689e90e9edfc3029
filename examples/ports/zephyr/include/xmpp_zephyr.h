/* xmpp_zephyr.h - what Zephyr gives to xmpp.h. SPDX-License-Identifier: MIT */
#ifndef XMPP_ZEPHYR_H
#define XMPP_ZEPHYR_H

#include "xmpp_io_sockets.h"
#include "xmpp_tls_mbedtls.h"

/* sys_csrand_get, k_uptime_get, and the clock below. */
extern const xmpp_sockets_platform xmpp_zephyr_board;
/* Seconds since 1970, as SNTP or an RTC tells them. Until then certificates are compared with config.floor alone. */
void xmpp_zephyr_set_clock(uint32_t utc);

#endif
