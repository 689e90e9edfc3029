#pragma once
#include <stdint.h>
typedef int esp_err_t;
typedef uint32_t TickType_t;
#define ESP_ERROR_CHECK(x) do { if ((x) != 0) __builtin_trap(); } while (0)
#define pdMS_TO_TICKS(ms) ((TickType_t)(ms) / 10u)
static inline esp_err_t esp_event_loop_create_default(void) { return 0; }
