/* main.c: whether the clock of a board runs backwards; then, what calls of xmpp.h take of the stack while a device without TLS logs in by SCRAM, sends presence, a request and
   an answer: the program core-scram of tests/size, run. The stack below main is painted before each call and looked at
   after it. Transports are called on a stack of their own, and interrupts wait: neither is counted in the call graph. */
#include "xmpp.h"
#include "board.h"
#include "emulator.h"
#include "uart.h"
#include "stack_config.h"       /* STACK_JID, STACK_PASSWORD */

#define PAINT 0xA5A5A5A5u

extern uint32_t stack_bottom[];
uint32_t other_stack[512];

/* ---- the transport, on the other stack ---- */

int real_open(void *ctx, const xmpp_target *to);
int real_recv(void *ctx, void *buf, size_t n);
int real_send(void *ctx, const void *buf, size_t n);
int real_close(void *ctx, bool now);
int real_random(void *ctx, void *out, size_t n);

__attribute__((used)) int real_open(void *ctx, const xmpp_target *to)
{
    (void)ctx;
    (void)to;
    return XMPP_OK;
}

__attribute__((used)) int real_recv(void *ctx, void *buf, size_t n)
{
    size_t i;
    int byte;

    for (i = 0; i < n && (byte = uart_get(ctx)) >= 0; i++)
        ((unsigned char *)buf)[i] = (unsigned char)byte;
    return (int)i;
}

__attribute__((used)) int real_send(void *ctx, const void *buf, size_t n)
{
    size_t i;

    for (i = 0; i < n && uart_put(ctx, ((const unsigned char *)buf)[i]); i++)
        continue;
    return (int)i;
}

__attribute__((used)) int real_close(void *ctx, bool now)
{
    (void)ctx;
    (void)now;
    return 1;
}

__attribute__((used)) int real_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    return board_random(out, n) ? XMPP_OK : XMPP_E_ENTROPY;
}

/* The arguments stay in their registers. */
#define ON_OTHER_STACK(function)                                                                    \
    __asm volatile ("mov r12, sp\n"                                                                 \
                    "movw r3, #:lower16:other_stack + 2048\n movt r3, #:upper16:other_stack + 2048\n" \
                    "mov sp, r3\n push {r12, lr}\n bl " #function "\n pop {r12, lr}\n mov sp, r12\n bx lr")
#define UNUSED __attribute__((unused))
static __attribute__((naked)) int net_open(UNUSED void *ctx, UNUSED const xmpp_target *to) { ON_OTHER_STACK(real_open); }
static __attribute__((naked)) int net_recv(UNUSED void *ctx, UNUSED void *buf, UNUSED size_t n) { ON_OTHER_STACK(real_recv); }
static __attribute__((naked)) int net_send(UNUSED void *ctx, UNUSED const void *buf, UNUSED size_t n)
{
    ON_OTHER_STACK(real_send);
}
static __attribute__((naked)) int net_close(UNUSED void *ctx, UNUSED bool now) { ON_OTHER_STACK(real_close); }
static __attribute__((naked)) int net_random(UNUSED void *ctx, UNUSED void *out, UNUSED size_t n)
{
    ON_OTHER_STACK(real_random);
}

static const xmpp_io_ops net_ops = { .open = net_open, .recv = net_recv, .send = net_send, .close = net_close,
                                     .random = net_random };

/* ---- the program of tests/size/core-scram.c ---- */

static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_1, NULL };
static const xmpp_config config = { .mechs = mechs, .tls = XMPP_TLS_NONE_UNSAFE };
static xmpp_client client;
static unsigned char rx[256], arena[1024], queue[1024];
static const xmpp_account account = { .jid = STACK_JID, .password = STACK_PASSWORD, XMPP_BUFFERS(rx, arena, queue) };

#define STACK_POINTER(sp) __asm volatile ("mov %0, sp" : "=r"(sp) : : "memory")
#define MEASURED(call)                                                                              \
    do {                                                                                            \
        volatile uint32_t *at, *sp;                                                                 \
        __asm volatile ("cpsid i" : : : "memory");                                                  \
        STACK_POINTER(sp);                                                                          \
        for (at = stack_bottom; at < sp; at++)                                                      \
            *at = PAINT;                                                                            \
        call;                                                                                       \
        STACK_POINTER(sp);                                                                          \
        for (at = stack_bottom; at < sp && *at == PAINT; at++)                                      \
            continue;                                                                               \
        __asm volatile ("cpsie i" : : : "memory");                                                  \
        if ((size_t)(sp - at) * 4 > deepest)                                                        \
            deepest = (size_t)(sp - at) * 4;                                                        \
    } while (0)

/* The clock, read for three of its wraps: it must not run backwards (board/start.c says why it might). */
static void watch_clock(void)
{
    uint32_t backwards = 0;
    uint64_t before = board_ticks();

    while (before < UINT64_C(3) << 24) {
        const uint64_t now = board_ticks();

        backwards += now < before;
        before = now;
    }
    emulator_print_figure("clock backwards", backwards);
}

int main(void)
{
    const xmpp_io io = { &net_ops, NULL };
    const xmpp_event *ev;
    xmpp_writer w;
    size_t deepest = 0;
    int error;

    board_init();
    watch_clock();
    uart_init();
    MEASURED(error = xmpp_init(&client, &config, &account, io));
    if (error != XMPP_OK)
        return 1;
    for (;;) {
        const uint32_t now = board_millis();

        MEASURED(xmpp_step(&client, now));
        for (;;) {
            MEASURED(ev = xmpp_next(&client));
            if (ev == NULL)
                break;
            switch (ev->type) {
            case XMPP_EV_ONLINE:
                board_print("online\n");
                MEASURED(xmpp_presence(&client, XMPP_SHOW_ONLINE, "21.5 C"));
                MEASURED(xmpp_iq_begin(&client, &w, "get", NULL));
                MEASURED(xmpp_w_open(&w, "query", "jabber:iq:version"));
                MEASURED(xmpp_w_close(&w));
                MEASURED(xmpp_iq_commit(&client, &w, NULL, 0));
                break;
            case XMPP_EV_MESSAGE:
                MEASURED(xmpp_message(&client, ev->from, ev->body));
                break;
            case XMPP_EV_IQ_RESULT:
                board_print("answered\n");
                emulator_print_figure("painted", (unsigned long)deepest);
                break;
            case XMPP_EV_OFFLINE:
                board_print("offline\n");
                return 1;
            default:
                break;
            }
        }
        MEASURED(xmpp_deadline(&client));
        MEASURED(xmpp_wants(&client));
    }
}
