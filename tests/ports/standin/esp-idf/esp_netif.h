#pragma once
#include "esp_event.h"
static inline esp_err_t esp_netif_init(void) { return 0; }
