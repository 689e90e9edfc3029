/* test_lwip_driver.c: examples/firmware/lwip/stellaris.c over a FIFO of the test's own, which lies. Built and run by
   tests/firmware/lwip/Makefile. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t fifo_read(unsigned at);
static void     fifo_write(unsigned at, uint32_t value);
#define STELLARIS_READ(at)         fifo_read(at)
#define STELLARIS_WRITE(at, value) fifo_write(at, value)
#include "stellaris.c"
#include "lwip/init.h"
#include "lwip/timeouts.h"

static unsigned passed, failed;
static bool ok;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            ok = false; \
            printf("  %s:%d: %s\n", __FILE__, __LINE__, #condition); \
        } \
    } while (0)

void sys_timeouts_init(void) { }
void tcp_timer_needed(void) { }
u32_t sys_now(void) { return 0; }
uint32_t test_random(void) { return (uint32_t)rand(); }
void test_assertion(const char *words)
{
    printf("FAIL lwIP: assertion \"%s\" failed\n", words);
    abort();
}

/* ---- the controller ---- */

static unsigned char waiting[31][2052];     /* frames as they lie in the FIFO: length, frame, CRC */
static unsigned      held, offset, resets, reads_of_nothing;
static unsigned char sent[4096];
static unsigned      sent_n, sent_frames;

static uint32_t fifo_read(unsigned at)
{
    const unsigned char *b;
    uint32_t word;
    unsigned length;

    if (at == NP)
        return held;
    if (at != DATA)
        return 0;
    if (held == 0) {
        reads_of_nothing++;
        return 0xffffffff;
    }
    b = waiting[0] + offset;
    word = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    length = waiting[0][0] | (unsigned)waiting[0][1] << 8;
    offset += 4;
    if (offset >= length || offset >= 2048) {
        memmove(waiting[0], waiting[1], sizeof waiting - sizeof waiting[0]);
        held--;
        offset = 0;
    }
    return word;
}

static void fifo_write(unsigned at, uint32_t value)
{
    int i;

    if (at == RCTL && (value & RX_RESET) != 0) {
        held = offset = 0;
        resets++;
    }
    if (at == TR && value == 1)
        sent_frames++;
    for (i = 0; at == DATA && i < 4 && sent_n < sizeof sent; i++)
        sent[sent_n++] = (unsigned char)(value >> 8 * i);
}

/* A frame of n bytes, which says of itself that it has `length` with its 6 bytes of overhead. */
static void arrive(unsigned n, unsigned length)
{
    unsigned char *b = waiting[held];
    unsigned i;

    memset(b, 0xee, sizeof waiting[0]);
    b[0] = (unsigned char)length;
    b[1] = (unsigned char)(length >> 8);
    for (i = 0; i < n && 2 + i < sizeof waiting[0]; i++)
        b[2 + i] = (unsigned char)(i * 3 + n);
    held++;
}

/* ---- the stack above ---- */

static struct netif netif;
static unsigned got, got_n;
static bool intact, keeps;
static struct pbuf *kept[31];

static err_t input(struct pbuf *p, struct netif *n)
{
    unsigned char b[2048];
    unsigned i;

    CHECK(n == &netif && p->tot_len >= ETH_PAD_SIZE);
    got_n = pbuf_copy_partial(p, b, sizeof b, ETH_PAD_SIZE);
    for (i = 0, intact = true; i < got_n; i++)
        intact = intact && b[i] == (unsigned char)(i * 3 + got_n);
    if (keeps)
        kept[got] = p;
    else
        pbuf_free(p);
    got++;
    return ERR_OK;
}

static void poll(unsigned times)
{
    got = 0;
    while (times-- > 0)
        stellaris_poll(&netif);
}

static void all_sizes(void)
{
    unsigned n;

    for (n = 14; n <= 1514; n++) {
        arrive(n, n + 6);
        arrive(60, 66);                     /* what follows is where it belongs */
        poll(1);
        CHECK(got == 2 && got_n == 60 && intact && held == 0);
        arrive(n, n + 6);
        poll(1);
        CHECK(got == 1 && got_n == n && intact);
    }
    CHECK(resets == 0 && reads_of_nothing == 0);
}

static void runts_and_giants(void)
{
    unsigned n;

    for (n = 0; n < 14; n++) {
        arrive(n, n + 6);
        arrive(60, 66);
        poll(1);
        CHECK(got == 1 && got_n == 60 && intact && held == 0);
    }
    for (n = 1515; n <= 2042; n++) {
        arrive(n, n + 6);
        arrive(60, 66);
        poll(1);
        CHECK(got == 1 && got_n == 60 && intact && held == 0);
    }
    CHECK(resets == 0 && reads_of_nothing == 0);
}

/* A length that cannot be: all is thrown away, and the next frame comes through. */
static void impossible_lengths(void)
{
    static const unsigned lengths[] = { 0, 1, 5, 2049, 4096, 40000, 65535 };
    unsigned i;

    for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        resets = 0;
        arrive(100, lengths[i]);
        arrive(60, 66);
        poll(1);
        CHECK(resets == 1 && got == 0 && held == 0);
        arrive(60, 66);
        poll(1);
        CHECK(got == 1 && got_n == 60 && intact);
    }
    CHECK(reads_of_nothing == 0);
}

static void any_length(void)
{
    unsigned round, i;

    for (round = 0; round < 20000; round++) {
        for (i = rand() % 5; i > 0; i--)
            arrive(rand() % 2040, rand() % 4 ? (unsigned)rand() % 2100 : (unsigned)rand() & 0xffff);
        poll(1);
        if (rand() % 10 == 0)
            poll(4);
    }
    poll(5);
    CHECK(held == 0 && reads_of_nothing == 0);
    arrive(60, 66);
    poll(1);
    CHECK(got == 1 && intact);
}

static void flood(void)
{
    unsigned i;

    for (i = 0; i < 31; i++)
        arrive(60, 66);
    poll(1);
    CHECK(got == AT_ONCE && held == 31 - AT_ONCE);      /* the main loop goes on */
    poll(4);
    CHECK(held == 0);
}

/* The pool is empty: frames are dropped whole, and all is well when it has filled again. */
static void no_memory(void)
{
    unsigned i, n;

    keeps = true;
    for (i = 0; i < 20; i++)
        arrive(1514, 1520);
    poll(3);
    keeps = false;
    n = got;
    CHECK(n > 0 && n < 20 && held == 0 && reads_of_nothing == 0);
    for (i = 0; i < n; i++)
        pbuf_free(kept[i]);
    arrive(1514, 1520);
    poll(1);
    CHECK(got == 1 && got_n == 1514 && intact);
}

static void sends(void)
{
    unsigned n, i, cut;

    for (n = 0; n <= 1600; n++) {
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(ETH_PAD_SIZE + n), PBUF_RAM);
        bool same = true;
        err_t e;

        cut = n / 3;                        /* in two pieces */
        if (p == NULL)
            break;
        for (i = 0; i < n; i++)
            ((unsigned char *)p->payload)[ETH_PAD_SIZE + i] = (unsigned char)(i + n);
        if (cut > 0) {
            struct pbuf *q = pbuf_alloc(PBUF_RAW, (u16_t)cut, PBUF_RAM);

            if (q == NULL)
                break;
            memcpy(q->payload, (unsigned char *)p->payload + p->len - cut, cut);
            pbuf_realloc(p, (u16_t)(p->len - cut));
            pbuf_cat(p, q);
        }
        sent_n = sent_frames = 0;
        e = netif.linkoutput(&netif, p);
        pbuf_free(p);
        if (n < 14 || n > 1514) {
            CHECK(e != ERR_OK && sent_n == 0 && sent_frames == 0);
            continue;
        }
        for (i = 0; i < n; i++)
            same = same && sent[2 + i] == (unsigned char)(i + n);
        CHECK(e == ERR_OK && sent_frames == 1 && sent[0] + 256u * sent[1] == n - 14);
        CHECK(same && sent_n == (2 + n + 3) / 4 * 4);
    }
    CHECK(n == 1601);
}

static void test(const char *name, void (*run)(void))
{
    ok = true;
    held = offset = resets = reads_of_nothing = 0;
    run();
    printf("%s %s\n", ok ? "ok  " : "FAIL", name);
    passed += ok;
    failed += !ok;
}
#define TEST(name) test(#name, name)

int main(void)
{
    static uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

    setvbuf(stdout, NULL, _IOLBF, 0);
    lwip_init();
    if (netif_add(&netif, NULL, NULL, NULL, mac, stellaris_init, input) == NULL)
        return 2;
    TEST(all_sizes);
    TEST(runts_and_giants);
    TEST(impossible_lengths);
    TEST(any_length);
    TEST(flood);
    TEST(no_memory);
    TEST(sends);
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
