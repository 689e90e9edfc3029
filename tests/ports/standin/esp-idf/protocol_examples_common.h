#pragma once
#include "esp_event.h"
static inline esp_err_t example_connect(void) { return 0; }
