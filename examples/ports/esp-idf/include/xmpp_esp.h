/* xmpp_esp.h - what ESP-IDF gives to xmpp.h. SPDX-License-Identifier: MIT */
#ifndef XMPP_ESP_H
#define XMPP_ESP_H

#include "xmpp_io_sockets.h"
#include "xmpp_tls_mbedtls.h"

/* esp_fill_random, which is random once Wi-Fi or Bluetooth runs; time(), which counts once SNTP set it; esp_timer. */
extern const xmpp_sockets_platform xmpp_esp_board;

#endif
