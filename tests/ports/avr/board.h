/* board.h - an ATmega2560 with a polled UART: numbers, bytes and text by it, and the memory that is left.  SPDX: MIT */
#include <avr/io.h>
#include <util/delay_basic.h>

#define HERE static __attribute__((unused))     /* not every image needs it */

extern unsigned char __heap_start;

/* Bytes that are kept free for the stack; it is painted, and what it took is told at the end. */
#ifndef STACK
#define STACK 600
#endif
static unsigned char *low, *high;               /* the free memory; arguments of one call from below, what stays from above */

/* Initialised data is copied from flash by libgcc, for which QEMU 7.2 is no help beyond the first 64 KB (ELPM ignores
   RAMPZ). run.sh gives it to the emulator's loader instead, and this takes the place of the copying. */
void __do_copy_data(void) __attribute__((naked, used, section(".init4")));
void __do_copy_data(void) {}

static void put8(uint8_t b)
{
    while ((UCSR0A & _BV(UDRE0)) == 0)
        ;
    UDR0 = b;
}

static uint8_t get8(void)
{
    while ((UCSR0A & _BV(RXC0)) == 0)
        _delay_loop_1(100);           /* the emulator's other thread wants to bring the byte */
    return UDR0;
}

static void put16(uint16_t v) { put8((uint8_t)(v >> 8)); put8((uint8_t)v); }
HERE void put32(uint32_t v) { put16((uint16_t)(v >> 16)); put16((uint16_t)v); }
static void put(const void *p, uint16_t n)
{
    const uint8_t *b = (const uint8_t *)p;

    put16(n);
    while (n-- > 0)
        put8(*b++);
}
HERE void put_text(const char *s)
{
    if (s == NULL)
        put16(65535);
    else
        put(s, (uint16_t)strlen(s));
}
static uint16_t get16(void) { uint16_t v = get8(); return (uint16_t)(v << 8 | get8()); }
HERE uint32_t get32(void) { uint32_t v = get16(); return v << 16 | get16(); }

/* Not enough memory: the host gives up this transcript and starts the machine anew. */
static void no_room(uint16_t n)
{
    put8(FAR_NO_ROOM);
    put16(n);
    for (;;)
        ;
}

static void get_into(unsigned char *p, uint16_t n) { while (n-- > 0) *p++ = get8(); }

/* What lives during one call. */
static unsigned char *get(uint16_t *n)
{
    unsigned char *p = low;

    *n = get16();
    if (*n == 65535)
        return NULL;
    if (*n >= (uint16_t)(high - low))
        no_room(*n);
    get_into(p, *n);
    p[*n] = 0;
    low += *n + 1u;
    return p;
}
static char *get_text(void) { uint16_t n; return (char *)get(&n); }

/* What stays. */
static void *keep(uint16_t n)
{
    if (n > (uint16_t)(high - low))
        no_room(n);
    return high -= n;
}
HERE char *keep_text(void)
{
    unsigned char *mark = low;
    char *s = get_text(), *to = NULL;

    if (s != NULL) {
        size_t n = strlen(s) + 1;

        to = (char *)keep((uint16_t)n);
        memcpy(to, s, n);
    }
    low = mark;
    return to;
}

static void start(void)
{
    UCSR0A = _BV(U2X0);
    UBRR0 = 0;
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXEN0) | _BV(TXEN0);
    low = &__heap_start;
    high = (unsigned char *)RAMEND - STACK;
    memset(high, 0x5C, (size_t)((unsigned char *)__builtin_frame_address(0) - high - 32));
}

/* How deep the stack has been. */
HERE uint16_t stack_used(void)
{
    const unsigned char *p = (unsigned char *)RAMEND - STACK;

    while (*p == 0x5C)
        p++;
    return (uint16_t)((unsigned char *)RAMEND - p + 1);
}
