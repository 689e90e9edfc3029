/* start.c: from reset to main, and the clock: Cortex-M0 to M33 (SysTick), and RISC-V (RV32, mtime). Nothing of it knows a
   board but for BOARD_HZ, the ticks of the clock in a second, which the Makefile gives. */
#include "board.h"

extern uint32_t data_source[], data_start[], data_end[], bss_start[], bss_end[], stack_bottom[], stack_top[];

int main(void);
void start(void);

#define PAINT 0xDEADBEEFu
#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* The stack lies at the bottom of RAM: one that overflows faults, and overwrites no variable. */
static void fault(void)
{
    board_print("fault\n");
    board_exit(99);
}

static inline void *stack_pointer(void)
{
    void *sp;

#ifdef __riscv
    __asm volatile ("mv %0, sp" : "=r"(sp));
#else
    __asm volatile ("mov %0, sp" : "=r"(sp));
#endif
    return sp;
}

/* Variables, then the paint below what is in use, then main. */
__attribute__((used, noreturn, section(".text.start")))
void start(void)
{
    const uint32_t *from = data_source;
    volatile uint32_t *to;

    for (to = data_start; to < data_end; )
        *to++ = *from++;
    for (to = bss_start; to < bss_end; )
        *to++ = 0;
    for (to = stack_bottom; to < (uint32_t *)stack_pointer(); )
        *to++ = PAINT;
    board_exit(main());
}

size_t board_stack_used(void)
{
    const uint32_t *at = stack_bottom;

    while (at < stack_top && *at == PAINT)
        at++;
    return (size_t)((uintptr_t)stack_top - (uintptr_t)at);
}

size_t board_static_ram(void)
{
    return (size_t)((uintptr_t)data_end - (uintptr_t)data_start) + (size_t)((uintptr_t)bss_end - (uintptr_t)bss_start);
}

uint32_t board_millis(void)
{
    return (uint32_t)(board_ticks() / (BOARD_HZ / 1000));
}

#ifdef __riscv

/* The first instruction, and a trap handler (mtvec by number: rv32imc's assembler has no CSR instructions). */
__asm(".section .vectors, \"ax\"\n"
      ".global reset\n"
      "reset: la sp, stack_top\n"
      "       la t0, trap\n"
      "       .insn i 0x73, 1, x0, t0, 0x305\n"
      "       j start\n"
      ".balign 4\n"
      "trap:  j trapped\n");
void trapped(void);
__attribute__((used)) void trapped(void) { fault(); }

void board_init(void) { }

uint64_t board_ticks(void)
{
    uint32_t high, low;

    do {
        high = REGISTER(0x0200BFFC);            /* mtime, of which a carry may come between the halves */
        low = REGISTER(0x0200BFF8);
    } while (high != REGISTER(0x0200BFFC));
    return (uint64_t)high << 32 | low;
}

#else

#define SYSTICK_CONTROL REGISTER(0xE000E010)
#define SYSTICK_RELOAD  REGISTER(0xE000E014)
#define SYSTICK_NOW     REGISTER(0xE000E018)
#define SYSTICK_PENDS   (REGISTER(0xE000ED04) & (1u << 26))

static volatile uint32_t wraps;

void systick(void);
void systick(void) { wraps++; }

__attribute__((section(".vectors"), used))
void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)stack_top, start, fault, fault, fault, fault, fault, NULL, NULL, NULL, NULL,
    fault, fault, NULL, fault, systick
};

void board_init(void)
{
    SYSTICK_RELOAD = 0xFFFFFF;
    SYSTICK_NOW = 0;
    SYSTICK_CONTROL = 7;                        /* the CPU's clock, with an interrupt at each wrap */
    __asm volatile ("cpsie i" : : : "memory");
}

/* Two traps would make it run backwards. The counter reloads a moment before the CPU takes the interrupt, therefore the
   pending bit counts. QEMU's shows 0 from its end until QEMU's own loop has seen it, which is waited for; silicon shows
   0 for one tick. */
uint64_t board_ticks(void)
{
    for (;;) {
        uint32_t w = wraps, now = SYSTICK_NOW, pends = SYSTICK_PENDS != 0;

        if (pends)
            now = SYSTICK_NOW;                  /* read anew: surely after the reload */
        if (now != 0 && w == wraps)
            return ((uint64_t)w + pends) << 24 | (0xFFFFFFu - now);
    }
}

#endif
