#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stdint.h>

/* A clock and random numbers that repeat; a failed assertion of lwIP ends the test. */
void     test_assertion(const char *words) __attribute__((noreturn));
uint32_t test_random(void);

#define LWIP_PLATFORM_DIAG(x)   ((void)0)
#define LWIP_PLATFORM_ASSERT(x) test_assertion(x)
#define LWIP_RAND() test_random()

#endif
