#pragma once
#include "esp_event.h"
static inline esp_err_t nvs_flash_init(void) { return 0; }
