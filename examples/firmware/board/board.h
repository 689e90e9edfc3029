/* board.h: what the device (device.c) and the transports need of a board. The boards here are machines of QEMU; for one of
   yours write the functions in the second half anew, over its timer, its generator of random numbers, its console. */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- start.c: of the CPU. Good as it is on any Cortex-M whose SysTick runs at BOARD_HZ ---- */

/* Starts the clock. */
void     board_init(void);
/* Counts at BOARD_HZ, never backwards. Under QEMU's -icount it counts instructions. */
uint64_t board_ticks(void);
/* Milliseconds since board_init; never backwards, wraps at 2^32. Call it (or board_ticks) once in 2^24 ticks or more
   often where interrupts are off for long. */
uint32_t board_millis(void);
/* Bytes of .data and .bss; bytes of stack that were ever used: it is painted at the start. */
size_t   board_static_ram(void);
size_t   board_stack_used(void);

/* ---- emulator.c: of QEMU. On silicon: yours ---- */

/* Seconds since 1970, or 0 without a clock that keeps UTC. */
uint32_t board_utc(void);
/* Fills n bytes from a cryptographic source. False: it has none (yet). TLS and SCRAM are worth what this is worth. */
bool     board_random(void *out, size_t n);
/* What the sensor says: "21.5 C". Valid until the next call. */
const char *board_reading(void);
/* Tells the watchdog that the main loop turns. Once a turn. It depends on when bytes come how much of a TLS handshake falls
   into one turn, at worst all its public-key work: 70 million instructions on a Cortex-M3, 150 million on a Cortex-M0 as
   built for the micro:bit (10 s at 16 MHz). Otherwise a turn takes a fraction of that. */
void     board_watchdog_feed(void);
/* Text to the console. */
void     board_print(const char *text);
/* Ends the program: an emulator, or a reset. */
void     board_exit(int status) __attribute__((noreturn));

#endif
