/* FreeRTOS's declarations as far as the port uses them, written for this test after its documentation. */
#pragma once
#include <stddef.h>
#include <stdint.h>
typedef long          BaseType_t;
typedef unsigned long UBaseType_t;
typedef uint32_t      StackType_t;
typedef uint16_t      TickType_t;      /* configUSE_16_BIT_TICKS */
#define pdTRUE  1L
#define pdPASS  1L
#define pdFAIL  0L
#define configTICK_RATE_HZ 300u
void standin_assert(int good);
#define configASSERT(x) standin_assert(x)
