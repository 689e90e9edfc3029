/* emulator.c: the board's other half where the board is QEMU, by semihosting: console, exit status, arguments, the host's
   time and the host's random numbers. Without a debugger the first such call faults on silicon.

   On a board of your own this file goes, and yours has the same functions. board_random: the generator of the chip (its
   health tests on; false as long as they fail), or what a secure element gives; a few dozen bytes a
   connection are asked of it. A chip without one (an old Cortex-M0) may keep a secret seed in
   flash that was written when it was made, and hash it at each start with a counter which it saves first. The time since
   reset, an ADC's noise by itself or rand() are none: with these both the TLS keys and SCRAM's nonce can be guessed. */
#ifndef BOARD_IS_EMULATED
#error "emulator.c is for QEMU, its random numbers are the host's: write board_random and the rest for your board"
#endif

#include <string.h>
#include "board.h"
#include "emulator.h"

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE0 = 0x04, SYS_READ = 0x06, SYS_TIME = 0x11, SYS_GET_CMDLINE = 0x15,
       SYS_EXIT_EXTENDED = 0x20 };

static int32_t semihosting(int32_t operation, const void *argument)
{
#ifdef __riscv
    register int32_t r0 __asm("a0") = operation;
    register const void *r1 __asm("a1") = argument;

    __asm volatile (".option push\n.option norvc\n.balign 16\n"
                    "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop" : "+r"(r0) : "r"(r1) : "memory");
#else
    register int32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;

    __asm volatile ("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
#endif
    return r0;
}

void board_print(const char *text)
{
    semihosting(SYS_WRITE0, text);
}

void board_exit(int status)
{
    const uint32_t block[2] = { 0x20026, (uint32_t)status };    /* ADP_Stopped_ApplicationExit */

    semihosting(SYS_EXIT_EXTENDED, block);
    for (;;)
        continue;
}

uint32_t board_utc(void)
{
    return (uint32_t)semihosting(SYS_TIME, NULL);
}

bool emulator_entropy_not_for_production(void *out, size_t n)
{
    static const char path[] = "/dev/urandom";
    const uintptr_t open[3] = { (uintptr_t)path, 1, sizeof path - 1 };      /* "rb" */
    const int32_t file = semihosting(SYS_OPEN, open);
    const uintptr_t read[3] = { (uintptr_t)file, (uintptr_t)out, n }, close[1] = { (uintptr_t)file };
    bool filled;

    if (file == -1)
        return false;
    filled = semihosting(SYS_READ, read) == 0;
    semihosting(SYS_CLOSE, close);
    return filled;
}

bool board_random(void *out, size_t n)
{
    return emulator_entropy_not_for_production(out, n);
}

bool emulator_argument(const char *word)
{
    char line[96];
    const uintptr_t block[2] = { (uintptr_t)line, sizeof line };
    const size_t n = strlen(word);
    const char *at;

    if (semihosting(SYS_GET_CMDLINE, block) != 0)
        return false;
    for (at = line; (at = strstr(at, word)) != NULL; at += n)
        if ((at == line || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

void emulator_print_figure(const char *name, unsigned long value)
{
    char digits[12];
    size_t at = sizeof digits - 1;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    board_print(name);
    board_print(" ");
    board_print(digits + at);
    board_print("\n");
}

/* emulator_watchdog.c has another one */
__attribute__((weak)) void board_watchdog_feed(void) { }

/* A sensor that is not there: 20.0 to 22.9 C, another one every ten seconds. */
const char *board_reading(void)
{
    static char text[] = "20.0 C";
    const uint32_t n = board_millis() / 10000;

    text[1] = (char)('0' + n / 10 % 3);
    text[3] = (char)('0' + n % 10);
    return text;
}
