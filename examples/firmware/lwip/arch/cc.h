/* cc.h: what lwIP wants to know of compiler and platform. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stdint.h>

/* of main.c */
void     lwip_assertion_failed(int line) __attribute__((noreturn));
uint32_t lwip_random(void);

#define LWIP_NO_UNISTD_H  1                     /* bare metal: no such headers */
#define LWIP_NO_CTYPE_H   1                     /* the C library's table costs flash */
#define LWIP_PLATFORM_DIAG(x)   ((void)0)
#define LWIP_PLATFORM_ASSERT(x) lwip_assertion_failed(__LINE__)     /* without the words: they are 6 KB */
#define LWIP_RAND() lwip_random()

#endif
