/* Zephyr's declarations as far as the port uses them, written for this test after its documentation. */
#pragma once
#include <stddef.h>
#include <stdint.h>
int64_t  k_uptime_get(void);
uint32_t k_uptime_get_32(void);
