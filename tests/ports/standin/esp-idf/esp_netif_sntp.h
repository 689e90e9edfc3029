#pragma once
#include "esp_event.h"
typedef struct esp_sntp_config { const char *server; } esp_sntp_config_t;
#define ESP_NETIF_SNTP_DEFAULT_CONFIG(server) { (server) }
static inline esp_err_t esp_netif_sntp_init(const esp_sntp_config_t *config) { (void)config; return 0; }
static inline esp_err_t esp_netif_sntp_sync_wait(TickType_t ticks) { (void)ticks; return 0; }
