/* ESP-IDF's declarations as far as the port uses them, written for this test after its documentation, over the host. */
#pragma once
#include <stddef.h>
#include <sys/random.h>
static inline void esp_fill_random(void *buf, size_t len) { if (getrandom(buf, len, 0) < 0) __builtin_trap(); }
