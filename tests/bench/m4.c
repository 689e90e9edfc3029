/* m4.c: instructions that the tokenizer takes on a Cortex-M4, of the object that the table of sizes is made from. Runs in
   QEMU: -M mps2-an386 -icount shift=4, where an instruction takes 16 ns of the board's time and a timer of 25 MHz counts
   them; semihosting reads FILE (its command line) and prints. */
#include "xmpp.h"

int  main(void);
void reset(void);
void fault(void);
extern unsigned char stack_top[];

/* ---- the board ---- */

#define TIMER ((volatile uint32_t *)0x40000000)         /* CMSDK APB timer 0: control, value, reload; counts down */

static int host(int what, const void *arguments)        /* semihosting */
{
    register int r0 __asm("r0") = what;
    register const void *r1 __asm("r1") = arguments;

    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory", "r2", "r3");
    return r0;
}

static void leave(int status)
{
    uint32_t a[2] = { 0x20026, (uint32_t)status };

    host(0x20, a);
    for (;;)
        ;
}

void fault(void)
{
    host(4, "fault\n");
    leave(99);
}

void reset(void) { leave(main()); }

__attribute__((section(".vectors"), used)) static const struct {
    unsigned char *stack;
    void         (*handlers[6])(void);
} vectors = { stack_top, { reset, fault, fault, fault, fault, fault } };

static int open_file(const char *path)
{
    uint32_t a[3] = { (uint32_t)(uintptr_t)path, 1, (uint32_t)strlen(path) };

    return host(1, a);
}

static uint32_t read_file(int file, void *buf, uint32_t n)
{
    uint32_t a[3] = { (uint32_t)file, (uint32_t)(uintptr_t)buf, n };

    return n - (uint32_t)host(6, a);
}

static void print_number(const char *name, uint32_t v)
{
    char digits[12];
    int i = 11;

    digits[i] = '\0';
    digits[--i] = '\n';
    do
        digits[--i] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    host(4, name);
    host(4, digits + i);
}

/* ---- the bench ---- */

static xmpp_xml xml;
static unsigned char memory[8192], chunk[1460];

/* Ticks that the file took, 2.5 instructions each. */
static uint32_t run(const char *path, bool tree)
{
    uint32_t n, ticks = 0, tokens = 0, stanzas = 0, bytes = 0, t, empty;
    int file = open_file(path), token;
    size_t used;

    xmpp_xml_init(&xml, memory, sizeof memory);
    t = TIMER[1];
    empty = t - TIMER[1];
    while ((n = read_file(file, chunk, sizeof chunk)) > 0) {
        const unsigned char *p = chunk;

        bytes += n;
        t = TIMER[1];
        while ((token = xmpp_xml_feed(&xml, p, n, &used)) > 0) {
            p += used;
            n -= used;
            tokens++;
            if (token == XMPP_XML_START && tree && xml.depth == 2)
                xmpp_xml_tree(&xml);
            else if (token == XMPP_XML_END && xml.depth == 1)
                stanzas++;
        }
        ticks += t - TIMER[1] - empty;
        if (token < 0)
            leave(1);
    }
    print_number("bytes ", bytes);
    print_number("stanzas ", stanzas);
    print_number(tree ? "tree " : "tokens ", ticks);
    return ticks;
}

int main(void)
{
    static char line[256];
    uint32_t a[2] = { (uint32_t)(uintptr_t)line, sizeof line }, t, i;

    host(0x15, a);
    TIMER[2] = TIMER[1] = 0xFFFFFFFF;
    TIMER[0] = 1;
    t = TIMER[1];
    i = 100000;
    __asm volatile("1: subs %0, #1\n bne 1b" : "+r"(i) : : "cc");
    print_number("loop of 200000 ", t - TIMER[1]);
    run(line, false);
    run(line, true);
    return 0;
}
